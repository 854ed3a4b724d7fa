//! TB10: no future bar can change a past decision. A run on data cut off at an instant decides
//! until then, byte for byte, what the run on all of the data decides.

use backtest::{DailyBar, RunConfig, Sink, SymbolData};
use engine::{Engine, Fact};
use model::exchange::new_york_date;
use model::{Bar, Cash, Date, MINUTE_NS, Timestamp};
use simulator::FillMode;

use crate::support::*;

/// All strategies in one run: what one of them decides reaches the others through the books, so
/// a decision that saw the future would be seen in all.
const STRATEGIES: [&str; 6] =
    ["gap_and_go", GAP_BOTH, "vwap_reclaim", RECLAIM_RELAXED, RECLAIM_SHORT, "vwap_cross"];
const CUTS: usize = 20;

/// Entries by strategy.
type Entries = [u64; STRATEGIES.len()];

/// Every fact as bytes with the engine's time, and the trades by strategy.
#[derive(Default)]
struct Story {
    facts: Vec<(Timestamp, Vec<u8>)>,
    entries: Entries,
}

impl Sink for Story {
    fn fact(&mut self, engine: &Engine, fact: &Fact) {
        self.facts.push((engine.now(), encoded(fact)));
        if let Fact::Intent(intent) = fact
            && intent.plan.is_some()
        {
            self.entries[intent.strategy.index()] += 1;
        }
    }
}

impl Story {
    /// Returns the facts that were decided until `cut`.
    fn until(&self, cut: Timestamp) -> &[(Timestamp, Vec<u8>)] {
        assert!(self.facts.is_sorted_by_key(|(time, _)| *time), "time goes back");
        &self.facts[..self.facts.partition_point(|(time, _)| *time <= cut)]
    }
}

/// Returns what was known at `cut`: bars that had ended, halts that had been announced, and the
/// official daily bars of the sessions before.
fn known_at(cut: Timestamp, data: &[SymbolData]) -> Vec<SymbolData> {
    let today = new_york_date(cut);
    let known = data.iter().map(|all| SymbolData {
        bars: all.bars[..all.bars.partition_point(|bar| bar.end() <= cut)].to_vec(),
        daily: all.daily[..all.daily.partition_point(|bar| bar.date < today)].to_vec(),
        halts: all.halts[..all.halts.partition_point(|halt| halt.time <= cut)].to_vec(),
        actions: all.actions[..all.actions.partition_point(|a| a.date <= today)].to_vec(),
        trades: all.trades[..all.trades.partition_point(|trade| trade.time <= cut)].to_vec(),
        float_shares: all.float_shares,
        ..SymbolData::new(all.symbol)
    });
    known.collect()
}

/// Room for all five in one symbol, so that few decisions end at a limit.
fn roomy(from: Date, to: Date) -> RunConfig {
    let mut config = config(from, to);
    config.cash = Cash::from_dollars(1_000_000).unwrap();
    config.limits.exclusive_symbols = false;
    config
}

fn story(data: Vec<SymbolData>, config: &RunConfig) -> Story {
    let mut story = Story::default();
    run_with(data, &STRATEGIES, config, &mut story);
    story
}

/// Runs one session with what lies before it as warm-up, whole and cut off; returns how many
/// entries each strategy sent in the whole run.
fn check_day(data: &[SymbolData], date: Date, mode: FillMode, seed: u64) -> Entries {
    let session = calendar().session(date).unwrap().unwrap();
    // What comes after the session stays in the data: official bars of the day itself and later.
    let trades = |bar: &Bar| session.pre_open <= bar.start && bar.start < session.post_close;
    let day = data.iter().filter(|symbol| symbol.bars.iter().any(trades)).cloned();
    let day: Vec<SymbolData> = day.collect();
    let mut config = roomy(date, date);
    config.exchange.mode = mode;
    let whole = story(day.clone(), &config);
    let mut random = Random(seed);
    let minutes = session.post_close.since(session.pre_open) / MINUTE_NS;
    for _ in 0..CUTS {
        // Half of the cuts fall on whole minutes, where bars, timers and orders meet.
        let inside = if random.once_in(2) { 0 } else { random.between(1, MINUTE_NS - 1) };
        let minute = random.between(0, minutes - 1);
        let cut = session.pre_open.plus_nanos(minute * MINUTE_NS + inside);
        let part = story(known_at(cut, &day), &config);
        let (expected, got) = (whole.until(cut), part.until(cut));
        if expected != got {
            let at = expected.iter().zip(got).take_while(|(a, b)| a == b).count();
            panic!(
                "TB10: {date} {mode} seed {seed} cut {cut}: fact {at} differs, whole {:?} of {}, \
                 cut {:?} of {}",
                expected.get(at),
                expected.len(),
                got.get(at),
                got.len()
            );
        }
    }
    whole.entries
}

fn add(sum: &mut Entries, day: Entries) {
    sum.iter_mut().zip(day).for_each(|(sum, day)| *sum += day);
}

/// TB10 on every recorded session.
#[test]
fn recorded_days() {
    let Some(data) = recorded("recorded_days") else { return };
    let mut entries = [0; STRATEGIES.len()];
    for (index, date) in sessions_of(data).into_iter().enumerate() {
        add(&mut entries, check_day(data, date, FillMode::Conservative, 0x7b10 + index as u64));
    }
    eprintln!("TB10: entries on recorded days {entries:?}");
    assert!(entries[3] > 0 && entries[4] > 0, "vwap_reclaim and vwap_cross trade: {entries:?}");
}

/// TB10 on generated days with gaps, halts and thin stocks, in every fill mode; official daily
/// bars of the days themselves and after them are in the data and must not be looked at.
#[test]
fn generated_days() {
    let mut entries = [0; STRATEGIES.len()];
    for (index, mode) in FillMode::ALL.into_iter().enumerate() {
        let seed = 100 + index as u64;
        let first = date(if index == 0 { "2026-11-27" } else { "2026-06-01" });
        let mut data = generated(seed, first, [2, 8, 4]);
        data.iter_mut().for_each(add_daily_bars);
        for date in [first, calendar().next_session(first).unwrap().date] {
            add(&mut entries, check_day(&data, date, mode, seed));
        }
    }
    eprintln!("TB10: entries on generated days {entries:?}");
    assert!(entries.iter().all(|&count| count > 0), "every strategy trades: {entries:?}");
}

/// Gives every session an official daily bar that only its regular bars know.
fn add_daily_bars(data: &mut SymbolData) {
    let mut daily: Vec<DailyBar> = Vec::new();
    for bar in &data.bars {
        let session = calendar().session_at(bar.start).unwrap();
        if !session.is_open(bar.start) {
            continue;
        }
        match daily.last_mut().filter(|day| day.date == session.date) {
            Some(day) => {
                day.high = day.high.max(bar.high);
                day.low = day.low.min(bar.low);
                day.close = bar.close;
                day.volume += bar.volume.0;
            }
            None => daily.push(DailyBar {
                date: session.date,
                open: bar.open,
                high: bar.high,
                low: bar.low,
                close: bar.close,
                volume: bar.volume.0,
            }),
        }
    }
    data.daily = daily;
}

/// The comparison can fail: a strategy's decisions do depend on the bars before the cut.
#[test]
fn a_changed_past_is_seen() {
    let day = date("2026-06-01");
    let mut data = generated(1, day, [1, 8, 1]);
    let config = roomy(day, day);
    let before = story(data.clone(), &config);
    let first = before.facts.iter().map(|(time, _)| *time).find(|time| *time >= at(day, "09:45"));
    let cut = first.expect("somebody trades");
    for symbol in &mut data {
        for bar in symbol.bars.iter_mut().filter(|bar| bar.end() == cut) {
            (bar.open, bar.high) = (bar.low, bar.high.plus(bar.high));
            bar.close = bar.high;
        }
    }
    let after = story(data, &config);
    assert_eq!(before.until(cut.plus_nanos(-1)), after.until(cut.plus_nanos(-1)));
    assert_ne!(before.until(cut), after.until(cut));
}
