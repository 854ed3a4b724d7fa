//! The generated market: valid bars, the promise of each profile, and the figures of recorded
//! days that it was calibrated on (module docs of `simulator::generator`).

use std::collections::BTreeMap;

use model::exchange::{Calendar, Session};
use model::{Bar, Date, Price};
use simulator::generator::{GenerateError, GeneratedSymbol, GeneratorConfig, Profile, generate};

fn date() -> Date {
    "2026-11-24".parse().unwrap()
}

fn market(seed: u64) -> Vec<GeneratedSymbol> {
    let config = GeneratorConfig::new(seed, date());
    generate(&config, &Calendar::nyse()).unwrap_or_else(|error| panic!("seed {seed}: {error}"))
}

/// One session of a stock.
struct Day<'a> {
    session: Session,
    pre: Vec<&'a Bar>,
    rth: Vec<&'a Bar>,
    post: Vec<&'a Bar>,
}

impl Day<'_> {
    fn volume(bars: &[&Bar]) -> f64 {
        bars.iter().map(|bar| bar.volume.0 as f64).sum()
    }

    fn last(&self) -> f64 {
        self.rth[self.rth.len() - 1].close.to_f64()
    }

    /// Session VWAP after each regular bar (TI9).
    fn vwap(&self) -> Vec<f64> {
        let (mut value, mut volume) = (0.0, 0.0);
        let next = |bar: &&Bar| {
            value += bar.typical() * bar.volume.0 as f64;
            volume += bar.volume.0 as f64;
            value / volume
        };
        self.rth.iter().map(next).collect()
    }
}

fn days(stock: &GeneratedSymbol) -> Vec<Day<'_>> {
    let calendar = Calendar::nyse();
    let mut days: Vec<Day> = Vec::new();
    for bar in &stock.bars {
        let session = calendar.session_at(bar.start).expect("inside a session's hours");
        if days.last().is_none_or(|day| day.session != session) {
            days.push(Day { session, pre: Vec::new(), rth: Vec::new(), post: Vec::new() });
        }
        let day = days.last_mut().unwrap();
        if bar.start < session.open {
            day.pre.push(bar);
        } else if bar.start < session.close {
            day.rth.push(bar);
        } else {
            day.post.push(bar);
        }
    }
    days
}

/// TB1, TB4, TB11: bars are valid, ascending, on the minute and on the tick, and pauses are empty.
#[test]
fn bars_are_valid() {
    let mut below_a_dollar = 0;
    for seed in 1..9 {
        let short = GeneratorConfig { history_sessions: 2, ..GeneratorConfig::new(seed, date()) };
        for stock in generate(&short, &Calendar::nyse()).unwrap() {
            let name = format!("{} ({}) seed {seed}", stock.symbol, stock.profile.name());
            for pair in stock.bars.windows(2) {
                assert!(pair[0].start < pair[1].start, "{name} {:?}", pair[1]);
            }
            for bar in &stock.bars {
                assert_eq!(bar.check(), Ok(()), "{name} {bar:?}");
                assert_eq!(bar.start.nanos() % model::MINUTE_NS, 0, "{name} {bar:?}");
                assert!(bar.volume.0 > 0, "{name} {bar:?}");
                for price in [bar.open, bar.high, bar.low, bar.close] {
                    let cheap = price < Price::from_raw(model::SCALE);
                    let tick = if cheap { "0.0001" } else { "0.01" };
                    assert!(price.is_on(tick.parse().unwrap()), "{name} {bar:?}");
                    below_a_dollar += usize::from(cheap);
                }
            }
            for pause in stock.halts.chunks(2) {
                let [stop, again] = pause else { panic!("{name}: a pause without an end") };
                assert!(stop.halted && !again.halted && stop.time < again.time);
                let inside = |bar: &&Bar| stop.time <= bar.start && bar.end() <= again.time;
                assert_eq!(stock.bars.iter().find(inside), None, "{name}");
                let around = |time| stock.bars.iter().any(|b| b.start <= time && time < b.end());
                assert!(around(stop.time) && around(again.time), "{name}: prints at both ends");
            }
            assert_eq!(days(&stock).len(), 3, "{name}");
        }
    }
    assert!(below_a_dollar > 0, "no seed has a stock below one dollar");
}

/// Every default day has each kind of day, and each is what trading.md means by it.
#[test]
fn profiles_keep_their_promises() {
    for seed in 10..12 {
        let mut seen = BTreeMap::new();
        for stock in market(seed) {
            *seen.entry(stock.profile).or_insert(0) += 1;
            let name = format!("{} ({}) seed {seed}", stock.symbol, stock.profile.name());
            let days = days(&stock);
            let (today, history) = days.split_last().unwrap();
            let prev_close = history.last().unwrap().last();
            let gap = today.rth[0].open.to_f64() / prev_close - 1.0;
            match stock.profile {
                Profile::GapAndGo => gap_and_go(&stock, today, history, &name),
                Profile::VwapReclaim => vwap_reclaim(today, history, gap, &name),
                Profile::GapFade => {
                    assert!(gap > 0.03 && today.last() < today.rth[0].open.to_f64(), "{name}");
                }
                Profile::GapHalt => assert!(stock.halts.len() >= 4, "{name}: {:?}", stock.halts),
                Profile::GapDown => assert!(gap <= -0.04, "{name}: {gap}"),
                Profile::Trend => assert!(crossings(today) <= 12, "{name}"),
                Profile::Choppy => assert!(crossings(today) >= 18, "{name}"),
                Profile::Thin => assert!(today.rth.len() < 351, "{name}: {}", today.rth.len()),
                Profile::Quiet => assert!(gap.abs() < 0.035, "{name}: {gap}"),
            }
        }
        assert!(seen.len() >= Profile::PROMISED, "seed {seed}: {seen:?}");
    }
}

/// TG2-TG8, TG10, TG17, TG18, TG31 and a break of the premarket high in the first hour.
fn gap_and_go(stock: &GeneratedSymbol, today: &Day, history: &[Day], name: &str) {
    let prev_close = history.last().unwrap().last();
    let high = today.pre.iter().map(|bar| bar.high).max().unwrap().to_f64();
    let low = today.pre.iter().map(|bar| bar.low).min().unwrap().to_f64();
    let scan: Vec<&Bar> =
        today.pre.iter().copied().filter(|bar| bar.end() < today.session.open).collect();
    let last = scan.last().unwrap().close.to_f64();
    let gap = last / prev_close - 1.0;
    assert!((0.04..=0.40).contains(&gap), "{name}: gap {gap}");
    assert!((2.0..=20.0).contains(&last) && stock.float_shares < 100e6, "{name}");
    assert!((high - last) / (high - low) <= 0.5, "{name}: pullback");
    let volume = Day::volume(&scan);
    assert!(volume >= 50_000.0 && volume * last >= 500_000.0, "{name}: {volume}");
    let before = history.iter().rev().take(14);
    let usual = before.map(|day| Day::volume(&day.pre)).sum::<f64>() / 14.0;
    assert!(usual > 0.0 && volume / usual >= 2.0, "{name}: {volume} of {usual}");
    let usual_first = history.iter().rev().take(14).map(|day| {
        let first = day.rth.iter().find(|bar| bar.start == day.session.open);
        first.map_or(0.0, |bar| bar.volume.0 as f64)
    });
    let usual_first = usual_first.sum::<f64>() / 14.0;
    let first = today.rth[0];
    assert!(first.volume.0 as f64 / usual_first >= 2.0 && first.close >= first.open, "{name}");
    let vwap = today.vwap();
    let broke = (1..60).find(|&at| today.rth[at].high.to_f64() > high).expect("a break");
    assert!(today.rth[broke - 1].close.to_f64() > vwap[broke - 1], "{name}: above VWAP");
    let top = today.rth.iter().map(|bar| bar.high).max().unwrap().to_f64();
    assert!(top >= high * 1.04, "{name}: {top} after {high}");
}

/// TV1-TV4, TV7, TV9: price, volume and range fit, and a morning below VWAP ends on volume.
fn vwap_reclaim(today: &Day, history: &[Day], gap: f64, name: &str) {
    let volume = history
        .iter()
        .map(|day| Day::volume(&day.pre) + Day::volume(&day.rth) + Day::volume(&day.post));
    assert!(volume.sum::<f64>() / history.len() as f64 > 1e6, "{name}: ADV");
    let range = |day: &Day| {
        let high = day.rth.iter().map(|bar| bar.high).max().unwrap().to_f64();
        high - day.rth.iter().map(|bar| bar.low).min().unwrap().to_f64()
    };
    let mean = history.iter().rev().take(14).map(range).sum::<f64>() / 14.0;
    assert!(mean > 0.5, "{name}: ATR {mean}");
    assert!(gap.abs() >= 0.02, "{name}: gap {gap}");
    let (rth, vwap) = (&today.rth, today.vwap());
    let below = |at: usize| rth[at].close.to_f64() < vwap[at];
    let reclaimed = (20..330).any(|at| {
        let mean = Day::volume(&rth[at - 20..at]) / 20.0;
        let busy = rth[at].volume.0 as f64 >= 1.5 * mean;
        !below(at) && !below(at + 1) && busy && (at - 5..at).all(below)
    });
    assert!(reclaimed, "{name}");
}

fn crossings(day: &Day) -> usize {
    let vwap = day.vwap();
    let above = |at: usize| day.rth[at].close.to_f64() >= vwap[at];
    (1..day.rth.len()).filter(|&at| above(at) != above(at - 1)).count()
}

/// The figures of the module docs: the median of generated days lies between the lowest and the
/// highest recorded day, and so do nearly all days, with a margin.
#[test]
fn liquid_days_look_like_recorded_ones() {
    let mut figures: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for seed in 20..22 {
        for stock in market(seed) {
            let days = days(&stock);
            let liquid = Day::volume(&days[0].rth) > 2.5e6;
            for day in days[..20].iter().filter(|_| liquid) {
                measure(day, &mut figures);
            }
        }
    }
    // Name, lowest and highest recorded day, over SPY 2011 and AAPL, GOOGL, TSLA 2023.
    let recorded = [
        ("pre_minutes", 0.43, 0.92),
        ("post_minutes", 0.36, 0.99),
        ("pre_share", 0.006, 0.092),
        ("auction_share", 0.007, 0.195),
        ("open_to_noon", 1.0, 5.3),
        ("close_to_noon", 1.1, 5.4),
        ("first_bar", 0.003, 0.063),
        ("sigma_bps", 1.9, 10.8),
        ("kurtosis", 2.9, 11.3),
        ("range_to_sigma", 1.31, 1.59),
        ("autocorrelation", -0.12, 0.09),
        ("sigma_open_to_noon", 0.93, 3.2),
        ("sigma_close_to_noon", 0.66, 2.1),
        ("crossings", 2.0, 35.0),
    ];
    for (name, low, high) in recorded {
        let values = figures.get_mut(name).unwrap();
        values.sort_by(f64::total_cmp);
        let median = values[values.len() / 2];
        assert!((low..=high).contains(&median), "{name}: median {median}");
        let margin = 0.15 * (high - low);
        let inside = values.iter().filter(|&&v| low - margin <= v && v <= high + margin).count();
        let share = inside as f64 / values.len() as f64;
        assert!(share >= 0.93, "{name}: only {share} of the days in [{low}, {high}]: {values:?}");
    }
}

fn measure(day: &Day, figures: &mut BTreeMap<&str, Vec<f64>>) {
    let mut note = |name, value: f64| figures.entry(name).or_default().push(value);
    let (rth, regular) = (&day.rth, Day::volume(&day.rth));
    let length = rth.len();
    let total = Day::volume(&day.pre) + regular + Day::volume(&day.post);
    note("pre_minutes", day.pre.len() as f64 / 330.0);
    note("post_minutes", day.post.len() as f64 / 240.0);
    note("pre_share", Day::volume(&day.pre) / total);
    note("auction_share", day.post[0].volume.0 as f64 / total);
    note("first_bar", rth[0].volume.0 as f64 / regular);
    if length < 390 {
        return; // A half day has no noon.
    }
    let mean = |from: usize, to: usize| Day::volume(&rth[from..to]) / (to - from) as f64;
    note("open_to_noon", mean(0, 30) / mean(150, 210));
    note("close_to_noon", mean(360, 390) / mean(150, 210));
    let step = |at: usize| rth[at].close.to_f64() / rth[at - 1].close.to_f64() - 1.0;
    let steps: Vec<f64> = (1..length).map(step).collect();
    let moment = |steps: &[f64], power: i32| {
        let mean = steps.iter().sum::<f64>() / steps.len() as f64;
        steps.iter().map(|step| (step - mean).powi(power)).sum::<f64>() / steps.len() as f64
    };
    let sigma = moment(&steps, 2).sqrt();
    note("sigma_bps", sigma * 1e4);
    note("kurtosis", moment(&steps, 4) / moment(&steps, 2).powi(2));
    let ranges = rth.iter().map(|bar| bar.high.to_f64() / bar.low.to_f64() - 1.0);
    note("range_to_sigma", ranges.sum::<f64>() / length as f64 / sigma);
    let products = steps.windows(2).map(|pair| pair[0] * pair[1]).sum::<f64>();
    note("autocorrelation", products / (steps.len() as f64 * sigma * sigma));
    let part = |from: usize, to: usize| moment(&steps[from..to], 2).sqrt();
    note("sigma_open_to_noon", part(0, 30) / part(150, 210));
    note("sigma_close_to_noon", part(359, 389) / part(150, 210));
    note("crossings", crossings(day) as f64);
}

/// Many days in a row stay in range, and each has its profiles.
#[test]
fn many_days() {
    let config = GeneratorConfig {
        days: 25,
        history_sessions: 2,
        symbols: 8,
        ..GeneratorConfig::new(5, date())
    };
    let market = generate(&config, &Calendar::nyse()).unwrap();
    for day in 0..config.days {
        let of_day = |profile| market.iter().filter(|s| s.days[day].1 == profile).count();
        for profile in [Profile::GapAndGo, Profile::VwapReclaim, Profile::GapHalt] {
            assert_eq!(of_day(profile), 1, "{profile:?} on day {day}");
        }
        let dates: Vec<Date> = market.iter().map(|stock| stock.days[day].0).collect();
        assert!(dates.windows(2).all(|pair| pair[0] == pair[1]));
    }
    assert_eq!(market[0].days[0].0, date());
    assert_eq!(market[0].profile, market[0].days[0].1);
}

/// One stock alone has news every day, and its price still stays in range.
#[test]
fn one_stock_many_days() {
    let (days, history_sessions) = (40, 1);
    let config =
        GeneratorConfig { days, history_sessions, symbols: 1, ..GeneratorConfig::new(2, date()) };
    let market = generate(&config, &Calendar::nyse()).unwrap();
    assert!(market[0].days.iter().all(|(_, profile)| *profile == Profile::GapAndGo));
    assert!(market[0].bars.iter().all(|bar| (1.0..25.0).contains(&bar.close.to_f64())));
}

/// I7: equal configurations give equal markets; the sum is the same on every machine and build.
#[test]
fn the_seed_decides() {
    let small = |seed| GeneratorConfig {
        symbols: 8,
        history_sessions: 1,
        ..GeneratorConfig::new(seed, date())
    };
    let calendar = Calendar::nyse();
    let first = generate(&small(3), &calendar).unwrap();
    assert_eq!(first, generate(&small(3), &calendar).unwrap());
    assert_ne!(first, generate(&small(4), &calendar).unwrap());
    // FNV-1a over all prices and volumes.
    let mut sum = 0xcbf2_9ce4_8422_2325_u64;
    for bar in first.iter().flat_map(|stock| &stock.bars) {
        let prices = [bar.open, bar.high, bar.low, bar.close].map(|price| price.raw() as u64);
        for value in prices.into_iter().chain([bar.volume.0, bar.start.nanos() as u64]) {
            for byte in value.to_le_bytes() {
                sum = (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
            }
        }
    }
    assert_eq!(sum, MARKET_SUM, "the market of seed 3 changed: {sum:#x}");
}

/// The sum of the market of `the_seed_decides`; it changes when the generator is changed.
const MARKET_SUM: u64 = 0xc89d_e57d_cbda_77b4;

/// Half days end early (TB3); bad requests are refused by name.
#[test]
fn half_days_and_refusals() {
    let calendar = Calendar::nyse();
    let half: Date = "2026-11-27".parse().unwrap();
    let config = GeneratorConfig { history_sessions: 1, ..GeneratorConfig::new(1, half) };
    for stock in generate(&config, &calendar).unwrap() {
        let days = days(&stock);
        assert!(days[1].session.early_close && days[1].rth.len() <= 210);
        assert!(!days[1].post.is_empty());
    }
    let holiday = GeneratorConfig::new(1, "2026-11-26".parse().unwrap());
    assert_eq!(generate(&holiday, &calendar), Err(GenerateError::NoSession(holiday.date)));
    let unknown = GeneratorConfig::new(1, "1890-01-02".parse().unwrap());
    assert!(matches!(generate(&unknown, &calendar), Err(GenerateError::Calendar(_))));
    let nobody = GeneratorConfig { symbols: 0, ..GeneratorConfig::new(1, date()) };
    assert!(matches!(generate(&nobody, &calendar), Err(GenerateError::OutOfRange(_))));
}
