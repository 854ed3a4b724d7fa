//! One way to drive every indicator: a bar in, a number out, state saved and loaded.

use indicators::{
    Adx, AnchoredVwap, Atr, AtrDay, Bollinger, Cci, Ema, Macd, Max, Mfi, Min, Mom, Natr, Obv, Rma,
    Roc, Rsi, SessionVwap, Sma, StdDev, Stochastic, TrueRange, WilliamsR, Wma,
};
use model::Bar;
use model::record::{DecodeError, Reader, Record, encode};

/// An indicator with one of its outputs.
pub(crate) trait Probe {
    /// Feeds one bar and returns the output.
    fn step(&mut self, bar: &Bar) -> Option<f64>;
    /// Returns count and warm-up (TI19).
    fn counts(&self) -> (u32, u32);
    fn reset(&mut self);
    fn save(&self) -> Vec<u8>;
    fn load(&mut self, bytes: &[u8]) -> Result<(), DecodeError>;
}

/// Feeds bars for the state they leave.
pub(crate) fn feed(probe: &mut dyn Probe, bars: &[Bar]) {
    for bar in bars {
        probe.step(bar);
    }
}

trait Counted {
    fn counts(&self) -> (u32, u32);
    fn restart(&mut self);
}

macro_rules! counted {
    ($($name:ident),* $(,)?) => {
        $(impl Counted for $name {
            fn counts(&self) -> (u32, u32) {
                (self.count(), self.warm_up())
            }
            fn restart(&mut self) {
                self.reset();
            }
        })*
    };
}
counted!(
    Adx,
    AnchoredVwap,
    Atr,
    AtrDay,
    Bollinger,
    Cci,
    Ema,
    Macd,
    Max,
    Mfi,
    Min,
    Mom,
    Natr,
    Obv,
    Rma,
    Roc,
    Rsi,
    SessionVwap,
    Sma,
    StdDev,
    Stochastic,
    TrueRange,
    WilliamsR,
    Wma,
);

struct Driven<I> {
    indicator: I,
    step: fn(&mut I, &Bar) -> Option<f64>,
}

impl<I: Counted + Record> Probe for Driven<I> {
    fn step(&mut self, bar: &Bar) -> Option<f64> {
        (self.step)(&mut self.indicator, bar)
    }
    fn counts(&self) -> (u32, u32) {
        self.indicator.counts()
    }
    fn reset(&mut self) {
        self.indicator.restart();
    }
    fn save(&self) -> Vec<u8> {
        encode(&self.indicator)
    }
    fn load(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        self.indicator.load(&mut Reader::new(bytes))
    }
}

fn boxed<I: Counted + Record + 'static>(
    indicator: I,
    step: fn(&mut I, &Bar) -> Option<f64>,
) -> Box<dyn Probe> {
    Box::new(Driven { indicator, step })
}

/// The indicator that a column of `indicators_*.csv` names, with the parameters in the name.
pub(crate) fn of_column(column: &str) -> Option<Box<dyn Probe>> {
    let parts: Vec<&str> = column.split('_').collect();
    let words: Vec<&str> = parts.iter().copied().filter(|p| p.parse::<f64>().is_err()).collect();
    let numbers: Vec<usize> = parts.iter().filter_map(|p| p.parse().ok()).collect();
    let n = numbers.first().copied().unwrap_or(0);
    macro_rules! of_close {
        ($indicator:expr) => {
            boxed($indicator, |i, bar| i.update(bar.close.to_f64()))
        };
        ($indicator:expr, $field:ident) => {
            boxed($indicator, |i, bar| i.update(bar.close.to_f64()).map(|value| value.$field))
        };
    }
    Some(match words.join("_").as_str() {
        "sma" => of_close!(Sma::new(n)),
        "ema" => of_close!(Ema::new(n)),
        "wma" => of_close!(Wma::new(n)),
        "rma" => of_close!(Rma::new(n)),
        "rsi" => of_close!(Rsi::new(n)),
        "roc" => of_close!(Roc::new(n)),
        "mom" => of_close!(Mom::new(n)),
        "stddev" => of_close!(StdDev::new(n)),
        "macd" => of_close!(Macd::new(12, 26, 9), line),
        "macd_signal" => of_close!(Macd::new(12, 26, 9), signal),
        "macd_hist" => of_close!(Macd::new(12, 26, 9), histogram),
        "bb_upper" => of_close!(Bollinger::new(n, numbers[1] as f64), upper),
        "bb_mid" => of_close!(Bollinger::new(n, numbers[1] as f64), middle),
        "bb_lower" => of_close!(Bollinger::new(n, numbers[1] as f64), lower),
        "max" => boxed(Max::new(n), |i, bar| i.update(bar.high.to_f64())),
        "min" => boxed(Min::new(n), |i, bar| i.update(bar.low.to_f64())),
        "trange" => boxed(TrueRange::new(), TrueRange::update),
        "atr" => boxed(Atr::new(n), Atr::update),
        "natr" => boxed(Natr::new(n), Natr::update),
        "adx" => boxed(Adx::new(n), Adx::update),
        "plus_di" => boxed(Adx::new(n), |i, bar| {
            i.update(bar);
            i.plus_di()
        }),
        "minus_di" => boxed(Adx::new(n), |i, bar| {
            i.update(bar);
            i.minus_di()
        }),
        // The D column names its own period only (TI8: 14, 3, 3).
        "stoch_k" => boxed(Stochastic::new(n, numbers[1], 3), |i, b| i.update(b).map(|v| v.k)),
        "stoch_d" => boxed(Stochastic::new(14, 3, n), |i, b| i.update(b).map(|v| v.d)),
        "willr" => boxed(WilliamsR::new(n), WilliamsR::update),
        "cci" => boxed(Cci::new(n), Cci::update),
        "mfi" => boxed(Mfi::new(n), Mfi::update),
        "obv" => boxed(Obv::new(), Obv::update),
        _ => return None,
    })
}

/// Every indicator of values and bars, by name, with short and usual periods.
pub(crate) fn all() -> Vec<(String, Box<dyn Probe>)> {
    let columns = [
        "sma_5",
        "sma_1",
        "ema_9",
        "ema_1",
        "wma_10",
        "rma_14",
        "rsi_2",
        "rsi_14",
        "roc_10",
        "mom_3",
        "stddev_20",
        "macd",
        "macd_signal",
        "macd_hist",
        "bb_upper_20_2",
        "bb_mid_3_2",
        "bb_lower_20_2",
        "max_7",
        "min_20",
        "trange",
        "atr_5",
        "natr_14",
        "adx_5",
        "plus_di_14",
        "minus_di_2",
        "stoch_k_14_3",
        "stoch_d_3",
        "willr_14",
        "cci_20",
        "cci_2",
        "mfi_14",
        "mfi_2",
        "obv",
    ];
    let mut probes: Vec<_> =
        columns.iter().map(|name| ((*name).to_owned(), of_column(name).unwrap())).collect();
    let mut add = |name: &str, probe| probes.push((name.to_owned(), probe));
    add("atr_day_14", boxed(AtrDay::new(14), AtrDay::update));
    add(
        "session_vwap",
        boxed(SessionVwap::new(), |i, bar| {
            i.update(bar);
            i.value()
        }),
    );
    add(
        "session_vwap_upper_band",
        boxed(SessionVwap::new(), |i, bar| {
            i.update(bar);
            i.bands(3.0).map(|(_, upper)| upper)
        }),
    );
    add(
        "anchored_vwap",
        boxed(AnchoredVwap::new(model::Timestamp::from_nanos(5 * model::MINUTE_NS)), |i, bar| {
            i.update(bar);
            i.value()
        }),
    );
    probes
}
