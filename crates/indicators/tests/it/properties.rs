//! Properties on random input: values are finite or none (the crate's invariant), digits hold at
//! high prices (TI10), damaged state is an error or finite, never a panic.

use indicators::{Gap, HodLod, OpeningRange, PremarketRange, Rvol, SessionVwap};
use model::exchange::Session;
use model::{Bar, MINUTE_NS, Price, SCALE, Timestamp, Volume};
use proptest::prelude::*;

use crate::probe::{all, feed};

/// Raw prices from everyday to absurd.
fn raw_price() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => 1_i64..500 * SCALE,
        2 => Just(25 * SCALE),
        1 => Just(0),
        1 => Just(1),
        1 => Just(i64::MAX),
        1 => Just(i64::MIN),
        1 => any::<i64>(),
    ]
}

fn volume() -> impl Strategy<Value = u64> {
    prop_oneof![3 => 0_u64..100_000, 2 => Just(0), 1 => Just(u64::MAX), 1 => any::<u64>()]
}

/// Any four prices, in order or not: validation is not this crate's matter.
fn any_bars() -> impl Strategy<Value = Vec<Bar>> {
    prop::collection::vec((prop::array::uniform4(raw_price()), volume()), 1..90).prop_map(|items| {
        let bar = |(i, (prices, volume)): (usize, ([i64; 4], u64))| {
            let [open, high, low, close] = prices.map(Price::from_raw);
            let start = Timestamp::from_nanos(i as i64 * MINUTE_NS);
            Bar { start, open, high, low, close, volume: Volume(volume) }
        };
        items.into_iter().enumerate().map(bar).collect()
    })
}

/// Values from everyday to absurd, what is not finite included.
fn any_value() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -1e6..1e6_f64,
        1 => Just(0.0),
        1 => Just(f64::MAX),
        1 => Just(f64::MIN),
        1 => Just(1e100),
        1 => Just(-1e100),
        1 => Just(5e-324),
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => any::<f64>(),
    ]
}

fn is_finite(value: Option<f64>) -> bool {
    value.is_none_or(f64::is_finite)
}

fn times() -> Session {
    let minute = |n: i64| Timestamp::from_nanos(n * MINUTE_NS);
    Session { open: minute(20), close: minute(60), post_close: minute(80), ..Session::default() }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the bars, each value is finite or none.
    #[test]
    fn values_are_finite_for_any_bars(bars in any_bars()) {
        for (name, mut probe) in all() {
            for (i, bar) in bars.iter().enumerate() {
                let value = probe.step(bar);
                prop_assert!(is_finite(value), "{name} at {i}: {value:?}");
            }
        }
        let (mut gap, mut rvol) = (Gap::new(), Rvol::new());
        gap.start_day(&times(), Some(bars[0].close));
        rvol.start_day(&times());
        let (mut levels, mut day) = (PremarketRange::new(), HodLod::new());
        levels.start_day(&times());
        day.start_day(&times());
        let mut range = OpeningRange::new(5);
        range.start_day(&times());
        for bar in &bars {
            gap.update(bar);
            rvol.update(bar);
            levels.update(bar);
            day.update(bar);
            range.update(bar);
            prop_assert!(is_finite(gap.value()));
            let base = model::VolumeBaseline {
                pre_cumulative: vec![0.0, 5e-324, f64::NAN],
                rth_cumulative: vec![1.0; 40],
                ..Default::default()
            };
            prop_assert!(is_finite(rvol.value(Some(&base))));
            prop_assert!(is_finite(rvol.bar(Some(&base)).ok()));
        }
    }

    /// Whatever the values, each average is finite or none, and a value that is not usable is as
    /// if it had not come.
    #[test]
    fn values_are_finite_for_any_values(
        values in prop::collection::vec(any_value(), 1..120), n in 0_usize..12,
    ) {
        macro_rules! check {
            ($($indicator:expr),* $(,)?) => {
                $({
                    let (mut all, mut usable) = ($indicator, $indicator);
                    for &value in &values {
                        let got = all.update(value);
                        prop_assert!(is_finite(got), "{}: {got:?}", stringify!($indicator));
                        if value.abs() <= indicators::INPUT_LIMIT {
                            prop_assert_eq!(usable.update(value), got);
                        }
                    }
                    prop_assert_eq!(all.count(), usable.count());
                })*
            };
        }
        use indicators::{Ema, Max, Min, Mom, Rma, Roc, Rsi, Sma, StdDev, Wma};
        check!(
            Sma::new(n), Ema::new(n), Wma::new(n), Rma::new(n), Rsi::new(n), Roc::new(n),
            Mom::new(n), StdDev::new(n), Max::new(n), Min::new(n),
        );
        let (mut macd, mut bands) =
            (indicators::Macd::new(n, 2 * n, 3), indicators::Bollinger::new(n, f64::MAX));
        for &value in &values {
            if let Some(v) = macd.update(value) {
                prop_assert!(v.line.is_finite() && v.signal.is_finite() && v.histogram.is_finite());
            }
            if let Some(v) = bands.update(value) {
                prop_assert!(v.upper.is_finite() && v.middle.is_finite() && v.lower.is_finite());
            }
        }
    }

    /// TI7, TI10: a constant price has no deviation at all, at any level and volume.
    #[test]
    fn a_constant_price_has_no_spread(raw in 1_i64..2_000_000 * SCALE, volumes in
        prop::collection::vec(0_u64..10_000_000, 1..60)) {
        let price = Price::from_raw(raw);
        let mut vwap = SessionVwap::new();
        let mut deviation = indicators::StdDev::new(5);
        for &volume in &volumes {
            let (high, low, close) = (price, price, price);
            vwap.update(&Bar { high, low, close, volume: Volume(volume), ..Bar::default() });
            prop_assert!(is_finite(vwap.value()));
            prop_assert!(vwap.sigma().is_none_or(|sigma| sigma == 0.0));
            prop_assert!(deviation.update(price.to_f64()).is_none_or(|sigma| sigma == 0.0));
        }
    }

    /// TI10: average and deviation agree with exact integer sums, up to a million dollars a share
    /// with a spread of cents.
    #[test]
    fn vwap_keeps_its_digits_at_high_prices(
        base in 1_i64..100_000_000, steps in prop::collection::vec((0_i64..50, 1_u64..1_000_000), 2..200),
    ) {
        let cent = SCALE / 100;
        let mut vwap = SessionVwap::new();
        let (mut weight, mut first, mut second) = (0_i128, 0_i128, 0_i128);
        for &(step, volume) in &steps {
            let close = Price::from_raw((base + step) * cent);
            vwap.update(&Bar {
                high: close, low: close, close, volume: Volume(volume), ..Bar::default()
            });
            weight += i128::from(volume);
            first += i128::from(volume) * i128::from(step);
            second += i128::from(volume) * i128::from(step * step);
        }
        let mean = base as f64 / 100.0 + first as f64 / weight as f64 / 100.0;
        let variance = (second * weight - first * first) as f64 / (weight as f64 * weight as f64);
        let sigma = variance.sqrt() / 100.0;
        let (ours, ours_sigma) = (vwap.value().unwrap(), vwap.sigma().unwrap());
        prop_assert!((ours - mean).abs() <= 1e-14 * mean.max(1.0), "{ours} {mean}");
        prop_assert!((ours_sigma - sigma).abs() <= 1e-9 * sigma.max(1e-9), "{ours_sigma} {sigma}");
    }

    /// J12: damaged state is an error, or it loads and every later value is finite or none.
    #[test]
    fn damaged_state_never_panics(
        bars in any_bars(), at in any::<prop::sample::Index>(), flip in 1_u8..=255, cut in any::<bool>(),
    ) {
        for ((name, mut probe), (_, mut loaded)) in all().into_iter().zip(all()) {
            feed(&mut *probe, &bars);
            let mut bytes = probe.save();
            let at = at.index(bytes.len());
            if cut { bytes.truncate(at) } else { bytes[at] ^= flip }
            if loaded.load(&bytes).is_ok() {
                let _ = loaded.counts();
                for bar in &bars {
                    let value = loaded.step(bar);
                    prop_assert!(is_finite(value), "{name}: {value:?}");
                }
            }
        }
    }

    /// J12: bytes from nowhere are an error or a state, never a panic.
    #[test]
    fn random_bytes_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..200), bars in any_bars(),
    ) {
        for (name, mut probe) in all() {
            if probe.load(&bytes).is_ok() {
                let _ = probe.counts();
                for bar in &bars {
                    let value = probe.step(bar);
                    prop_assert!(is_finite(value), "{name}: {value:?}");
                }
            }
        }
    }
}
