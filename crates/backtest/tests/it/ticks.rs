//! Runs on prints against runs on the minute bars of the same prints (TB1, TF13).

use backtest::{RunConfig, RunResult, SymbolData, minute_bars};
use model::exchange::CommissionPlan;
use model::{ClosedTrade, Conditions, Halt, Quantity, SECOND_NS, Timestamp, Trade};
use simulator::{ExchangeConfig, FillMode};

use crate::support::{Random, calendar, config, date, price, run_quietly, symbol_data};

const SEED: u64 = 20_240_611;

/// A walk of prints from 04:00 to 20:00 of some days, with quiet minutes, prints exactly on the
/// minute, and several prints at one instant.
pub(crate) fn prints(seed: u64, days: &[&str], per_day: i64) -> Vec<Trade> {
    let mut random = Random(seed);
    let mut cents = 10_000;
    let mut trades = Vec::new();
    for day in days {
        let session = calendar().session(date(day)).unwrap().unwrap();
        let mut time = session.pre_open;
        let mean = 16 * 3_600 * SECOND_NS / per_day;
        loop {
            match random.between(1, 20) {
                1 => {
                    // To the next minute, exactly.
                    let into = time.nanos() % model::MINUTE_NS;
                    time = time.plus_nanos(model::MINUTE_NS - into);
                }
                2 => {}
                _ => time = time.plus_nanos(random.between(1, 2 * mean)),
            }
            if time >= session.post_close {
                break;
            }
            cents = (cents + random.between(-3, 3)).max(100);
            trades.push(Trade {
                time,
                price: model::Price::from_raw(cents * 10_000_000),
                size: Quantity::from_shares(random.between(1, 500)).unwrap(),
                sequence: 0,
                conditions: Conditions::REGULAR,
            });
        }
    }
    trades
}

fn symbols(count: u64, per_day: i64) -> Vec<(String, Vec<Trade>)> {
    let days = ["2026-06-01", "2026-06-02", "2026-11-27"];
    (0..count).map(|n| (format!("SYM{n}"), prints(SEED + n, &days, per_day))).collect()
}

fn convention(mode: FillMode) -> RunConfig {
    let mut config = config(date("2026-06-01"), date("2026-11-27"));
    config.limits = engine::risk_manager::Limits::unlimited();
    config.exchange = ExchangeConfig::new(mode, CommissionPlan::PerShare(price("0.005")));
    config
}

/// Runs the same market as prints and as bars.
fn both(
    market: &[(String, Vec<Trade>)],
    strategies: &[&str],
    config: &RunConfig,
) -> [RunResult; 2] {
    let ticks = market.iter().map(|(name, trades)| SymbolData {
        trades: trades.clone(),
        ..symbol_data(name, Vec::new())
    });
    let bars = market.iter().map(|(name, trades)| symbol_data(name, minute_bars(trades)));
    [
        run_quietly(ticks.collect(), strategies, config),
        run_quietly(bars.collect(), strategies, config),
    ]
}

/// What must be equal: everything but the instants of fills and what hangs on them.
fn plain(trades: &[ClosedTrade]) -> Vec<String> {
    let plain = trades.iter().map(|t| {
        format!(
            "{} {:?} {} {} {} {} {} {} {:?} {} {}",
            t.id,
            t.symbol,
            t.long,
            t.quantity,
            t.entry_price,
            t.exit_price,
            t.fees,
            t.net_pnl,
            t.exit_reason,
            t.mae,
            t.mfe
        )
    });
    plain.collect()
}

/// TB1, W4: `vwap_cross` on prints gives what it gives on the minute bars of those prints, to the
/// cent and trade by trade, in every comparison convention, with a half day among the days.
#[test]
fn prints_and_their_bars_give_one_result() {
    let market = symbols(3, 4_000);
    for mode in [FillMode::NextOpen, FillMode::SameClose, FillMode::NextClose] {
        let [ticks, bars] = both(&market, &["vwap_cross"], &convention(mode));
        assert!(bars.trades.len() > 30, "{mode}: {} trades", bars.trades.len());
        assert_eq!(plain(&ticks.trades), plain(&bars.trades), "{mode}, seed {SEED}");
        assert_eq!(ticks.end_equity, bars.end_equity, "{mode}");
        assert_eq!((ticks.orders, ticks.fills), (bars.orders, bars.fills), "{mode}");
        assert_eq!(ticks.exposure, bars.exposure, "{mode}");
        assert_eq!((ticks.bars, ticks.refused), (0, 0), "{mode}");
        let count: usize = market.iter().map(|(_, trades)| trades.len()).sum();
        assert_eq!(ticks.ticks, count as u64, "{mode}: every print was fed");
    }
}

/// TB1, TB7: quiet symbols, other symbols in between, and reference data of earlier sessions: the
/// strategies' evaluations on prints equal those on bars.
#[test]
fn evaluations_on_prints_equal_those_on_bars() {
    let market = symbols(4, 300);
    let mut config = convention(FillMode::NextOpen);
    config.from = date("2026-06-02");
    let strategies = ["vwap_cross", crate::support::RECLAIM_RELAXED];
    let mut decisions = Vec::new();
    for ticks in [true, false] {
        let data = market.iter().map(|(name, trades)| {
            if ticks {
                SymbolData { trades: trades.clone(), ..symbol_data(name, Vec::new()) }
            } else {
                symbol_data(name, minute_bars(trades))
            }
        });
        let mut heard = Heard::default();
        config.record_all = true;
        crate::support::run_with(data.collect(), &strategies, &config, &mut heard);
        decisions.push(heard.0);
    }
    let [ticks, bars] = decisions.try_into().unwrap();
    assert!(bars.len() > 1_000, "{}", bars.len());
    assert_eq!(ticks, bars);
}

/// TB10 on prints: a run that ends at an instant decides until then what the whole run decides.
#[test]
fn no_future_print_changes_a_decision() {
    let market = symbols(3, 4_000);
    let mut config = config(date("2026-06-01"), date("2026-06-02"));
    config.limits.exclusive_symbols = false;
    let facts = |until: Timestamp| -> Vec<(Timestamp, Vec<u8>)> {
        let data = market.iter().map(|(name, trades)| {
            let known = trades.partition_point(|trade| trade.time <= until);
            SymbolData { trades: trades[..known].to_vec(), ..symbol_data(name, Vec::new()) }
        });
        let mut told = Told::default();
        let strategies = ["vwap_cross", crate::support::RECLAIM_RELAXED];
        crate::support::run_with(data.collect(), &strategies, &config, &mut told);
        told.0.retain(|(time, _)| *time <= until);
        told.0
    };
    let whole = facts(Timestamp::MAX);
    let mut random = Random(SEED);
    let (first, last) = (whole[0].0, whole[whole.len() - 1].0);
    for _ in 0..20 {
        let cut = first.plus_nanos(random.between(0, last.since(first)));
        let expected = &whole[..whole.partition_point(|(time, _)| *time <= cut)];
        assert_eq!(facts(cut), expected, "seed {SEED} cut {cut}");
    }
    assert!(whole.len() > 100, "{}", whole.len());
}

/// Every fact as bytes, with the engine's time.
#[derive(Default)]
struct Told(Vec<(Timestamp, Vec<u8>)>);

impl backtest::Sink for Told {
    fn fact(&mut self, engine: &engine::Engine, fact: &engine::Fact) {
        self.0.push((engine.now(), crate::support::encoded(fact)));
    }
}

#[derive(Default)]
struct Heard(Vec<String>);

impl backtest::Sink for Heard {
    fn evaluation(
        &mut self,
        _engine: &engine::Engine,
        decision: &engine::strategy_engine::Decision,
    ) {
        self.0.push(format!("{decision:?}"));
    }
}

/// One symbol with bars beside one with prints: both minutes are evaluated at their end, and each
/// symbol gives what it gives alone; halts come in their place between the prints (C21).
#[test]
fn bars_and_prints_run_together() {
    let market = symbols(2, 2_000);
    let halts = |day: &str| -> Vec<Halt> {
        let open = calendar().session(date(day)).unwrap().unwrap().open;
        let halt = |minutes: i64, halted| Halt {
            time: open.plus_nanos(minutes * model::MINUTE_NS + 30 * SECOND_NS),
            halted,
        };
        vec![halt(60, true), halt(65, false)]
    };
    let data = |at: usize, ticks: bool| {
        let (name, trades) = &market[at];
        let bars = if ticks { Vec::new() } else { minute_bars(trades) };
        let trades = if ticks { trades.clone() } else { Vec::new() };
        SymbolData { trades, halts: halts("2026-06-02"), ..symbol_data(name, bars) }
    };
    let run = |data: Vec<SymbolData>| {
        let result = run_quietly(data, &["vwap_cross"], &convention(FillMode::NextOpen));
        let of = |symbol: &str| -> Vec<String> {
            let symbol = market.iter().position(|(name, _)| name == symbol).unwrap();
            let trades = result.trades.iter().filter(|t| t.symbol.index() == symbol);
            trades.map(|t| format!("{} {} {}", t.entry_price, t.exit_price, t.net_pnl)).collect()
        };
        [of("SYM0"), of("SYM1")]
    };
    let bars = run(vec![data(0, false), data(1, false)]);
    assert!(bars.iter().all(|trades| trades.len() > 10));
    for kinds in [[true, false], [false, true], [true, true]] {
        assert_eq!(run(vec![data(0, kinds[0]), data(1, kinds[1])]), bars, "prints: {kinds:?}");
    }
}

/// TF13, TF14: without a comparison convention a market order meets the first print 50 ms after
/// its decision, and not the one before.
#[test]
fn orders_arrive_after_the_latency() {
    let market = symbols(1, 20_000);
    let mut config = convention(FillMode::NextOpen);
    config.exchange.latency_ns = 20 * SECOND_NS;
    let [ticks, bars] = both(&market, &["vwap_cross"], &config);
    assert!(ticks.trades.len() > 10, "{}", ticks.trades.len());
    let latency = config.exchange.latency_ns;
    for trade in &ticks.trades {
        let earliest = trade.entry_time.plus_nanos(-latency).nanos();
        let decided = earliest - earliest.rem_euclid(model::MINUTE_NS);
        let arrival = Timestamp::from_nanos(decided + latency);
        let first = market[0].1.iter().find(|print| print.time >= arrival).unwrap();
        assert_eq!(first.time, trade.entry_time, "seed {SEED}");
    }
    assert_ne!(ticks.end_equity, bars.end_equity);
}

/// TF3, TF4 on prints: protective stops and targets of real plans work, and the books agree with
/// the exchange (checked at each session's end).
#[test]
fn plans_with_stops_run_on_prints() {
    let market = symbols(3, 6_000);
    let config = config(date("2026-06-01"), date("2026-11-27"));
    let strategies = [crate::support::RECLAIM_RELAXED];
    let [ticks, bars] = both(&market, &strategies, &config);
    assert!(ticks.trades.len() > 3 && bars.trades.len() > 3);
    for trade in &ticks.trades {
        assert!(trade.entry_price > price("1.00") && trade.exit_time > trade.entry_time);
    }
    assert_eq!(ticks.refused, 0);
}
