//! Runs over the recorded days: why nothing is traded where nothing is, and that every fill is a
//! price the market showed.

use std::collections::BTreeMap;

use backtest::{MarketData, RunConfig, RunResult, Sink, SymbolData, run};
use engine::strategy_engine::{Decision, Outcome, Rule, RuleInfo};
use engine::{Engine, Fact};
use model::exchange::{Session, TickTable, new_york_date};
use model::{Bar, Cash, ClientOrderId, Date, OrderKind, OrderRole, Price, StrategyId, TradeFill};

use crate::support::*;

/// Hears everything that a run says about decisions and orders.
#[derive(Default)]
struct Listener {
    /// Kind of each order under each of its ids, as sent or replaced.
    orders: BTreeMap<ClientOrderId, (OrderRole, OrderKind)>,
    /// Every decision that led to nothing, with its rule.
    refusals: Vec<(Decision, Option<RuleInfo>)>,
}

impl Sink for Listener {
    fn fact(&mut self, engine: &Engine, fact: &Fact) {
        match fact {
            Fact::Intent(intent) => {
                let order = &intent.order;
                self.orders.insert(order.client_id, (order.role, order.kind));
            }
            Fact::Replace(replace) => {
                let request = &replace.request;
                let (role, _) = self.orders[&request.client_id];
                self.orders.insert(request.new_client_id, (role, request.kind));
            }
            Fact::Decision(decision) if decision.outcome != Outcome::Order => {
                self.evaluation(engine, decision);
            }
            _ => {}
        }
    }

    fn evaluation(&mut self, engine: &Engine, decision: &Decision) {
        let rules = engine.strategies()[decision.strategy.index()].strategy.rules();
        let rule = match decision.rule {
            Rule::Strategy(index) => Some(rules[usize::from(index)]),
            Rule::Gate(_) => None,
        };
        self.refusals.push((*decision, rule));
    }
}

/// Says whether the numbers of a refusal do break the rule it names (I17); `None` for rules that
/// report a state instead of a limit.
fn broken(rule: &RuleInfo, values: &[f64], session: &Session) -> Option<bool> {
    let named = |name| rule.values.iter().position(|value| *value == name).map(|at| values[at]);
    let value = *values.first()?;
    Some(match rule.id {
        "TV4" => value.abs() < named("min_gap")? && values[1] < named("min_rvol")?,
        // The defaults: from 15 minutes after the open until 60 before the close.
        "TV6" => value < 15.0 || value >= session.minutes() as f64 - 60.0,
        "TV10" => value < named("middle")?,
        "TV1" | "TV2" | "TV3" | "TV7" | "TV8" | "TV9" | "TG2" | "TG4" | "TG5" | "TG6" | "TG7"
        | "TG8" | "TG10" | "TG11" | "TG16" => {
            let low = named("min").is_some_and(|min| value < min);
            low || named("max").is_some_and(|max| value > max)
        }
        "TG31" => value < named("min")?,
        _ => return None,
    })
}

/// Runs strategies over sessions `from` to `to` with all that lies before as warm-up.
fn listen(data: &[SymbolData], strategies: &[&str], config: &RunConfig) -> (RunResult, Listener) {
    let mut listener = Listener::default();
    let result = run_with(data.to_vec(), strategies, config, &mut listener);
    (result, listener)
}

/// Returns the rules that refused a strategy's entries, in order of time.
fn refusals_of(listener: &Listener, strategy: u16) -> Vec<(Decision, RuleInfo)> {
    let of = |(decision, rule): &(Decision, Option<RuleInfo>)| {
        (decision.strategy == StrategyId(strategy)).then_some((*decision, (*rule)?))
    };
    listener.refusals.iter().filter_map(of).collect()
}

/// SPY on 2011-03-15 fell at the open: with defaults nothing is traded, and the records say why.
#[test]
fn spy_on_2011_03_15() {
    let test = "spy_on_2011_03_15";
    let Some(data) = recorded(test) else { return };
    let day = date("2011-03-15");
    let session = calendar().session(day).unwrap().unwrap();
    let inside = |bar: &Bar| bar.start >= session.pre_open && bar.start < session.post_close;
    let spy = data.iter().find(|s| s.symbol.as_str() == "SPY" && s.bars.iter().any(inside));
    let Some(spy) = spy else {
        eprintln!("SKIPPED: {test}: data absent");
        return;
    };
    let mut config = config(day, day);
    config.record_all = true;
    let spy = std::slice::from_ref(spy);
    let (result, listener) = listen(spy, &["gap_and_go", "vwap_reclaim"], &config);
    assert_eq!((result.trades.len(), result.orders), (0, 0), "nothing is traded");

    // gap_and_go: the scan's first filter, on the gap of the data.
    let bars = &spy[0].bars;
    let scan = at(day, "09:29");
    let last = bars.iter().rev().find(|bar| inside(bar) && bar.end() <= scan).unwrap();
    let before = calendar().previous_session(day).unwrap();
    let close = bars.iter().rev().find(|bar| before.is_open(bar.start)).unwrap().close;
    let gap = (last.close.to_f64() / close.to_f64() - 1.0) * 100.0;
    let (first, rule) = refusals_of(&listener, 0)[0];
    assert_eq!((first.time, rule.id), (scan, "TG2"), "{first:?}");
    let value = first.values.as_slice()[0];
    assert!((value - gap).abs() < 1e-9, "TI15: {value} is not {gap}");
    assert!(value < 4.0 && gap < 0.0, "TG2: a gap of {value} % is no candidate");

    // vwap_reclaim: the first time price took its VWAP back, a rule of TV1-TV10 was broken.
    let reclaims: Vec<_> = refusals_of(&listener, 1)
        .into_iter()
        .filter(|(_, rule)| rule.id.starts_with("TV") && rule.id != "TV22")
        .collect();
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    reclaims.iter().for_each(|(_, rule)| *counts.entry(rule.id).or_default() += 1);
    let (first, rule) = reclaims.first().expect("price came back above VWAP");
    let values = first.values.as_slice();
    eprintln!("SPY {day}: gap {gap:.3} %; vwap_reclaim first {} {values:?}, {counts:?}", rule.id);
    assert_eq!(broken(rule, values, &session), Some(true), "{} {values:?}", rule.id);

    let cross = run_quietly(spy.to_vec(), &["vwap_cross"], &config);
    assert!(!cross.trades.is_empty(), "vwap_cross trades");
}

/// I17: every refusal on record is true by its own numbers; the equity series has one point per
/// session and one before (TP1).
#[test]
fn refusals_are_true_and_equity_is_complete() {
    let Some(data) = recorded("refusals_are_true_and_equity_is_complete") else { return };
    let mut judged: BTreeMap<&str, u64> = BTreeMap::new();
    for (from, to) in stretches(data) {
        let mut config = config(from, to);
        config.record_all = true;
        let (result, listener) = listen(data, &["gap_and_go", "vwap_reclaim"], &config);
        let sessions = calendar().sessions(from, to).unwrap();
        assert_eq!(result.equity.len(), sessions.len() + 1, "{from} to {to}");
        let dates: Vec<Date> = result.equity.iter().skip(1).map(|(date, _)| *date).collect();
        assert_eq!(dates, sessions.iter().map(|s| s.date).collect::<Vec<_>>());
        assert_eq!(result.equity[0].1, config.cash);
        for (decision, rule) in &listener.refusals {
            let Some(rule) = rule else { continue };
            let session = calendar().session_at(decision.time).unwrap();
            let values = decision.values.as_slice();
            if let Some(broken) = broken(rule, values, &session) {
                assert!(broken, "I17: {} {values:?} at {}", rule.id, decision.time);
                *judged.entry(rule.id).or_default() += 1;
            }
        }
        check_fills(data, &result, &listener, &config);
    }
    eprintln!("recorded refusals by rule {judged:?}");
    assert!(judged.len() > 2, "{judged:?}");
}

/// TF2-TF5: every fill is a price that the market showed in its minute, slippage apart, and obeys
/// its order's limit and stop.
#[test]
fn fills_lie_within_their_bars() {
    let Some(data) = recorded("fills_lie_within_their_bars") else { return };
    let strategies = [GAP_RELAXED, RECLAIM_RELAXED, "vwap_cross"];
    let mut fills = BTreeMap::new();
    for (from, to) in stretches(data) {
        let mut config = config(from, to);
        config.cash = Cash::from_dollars(1_000_000).unwrap();
        config.limits.exclusive_symbols = false;
        let (result, listener) = listen(data, &strategies, &config);
        for (name, count) in check_fills(data, &result, &listener, &config) {
            *fills.entry(name).or_insert(0) += count;
        }
    }
    eprintln!("recorded fills by kind {fills:?}");
    let kinds = ["market", "stop", "stop_limit"];
    assert!(kinds.iter().all(|kind| fills.contains_key(kind)), "{fills:?}");
}

/// Returns the stretches of sessions of the data that follow each other closely.
fn stretches(data: &[SymbolData]) -> Vec<(Date, Date)> {
    let mut stretches: Vec<(Date, Date)> = Vec::new();
    for date in sessions_of(data) {
        match stretches.last_mut().filter(|(_, to)| date.days() - to.days() <= 60) {
            Some((_, to)) => *to = date,
            None => stretches.push((date, date)),
        }
    }
    stretches
}

/// Checks every fill of every trade; returns how many there were by kind of order.
fn check_fills(
    data: &[SymbolData],
    result: &RunResult,
    listener: &Listener,
    config: &RunConfig,
) -> BTreeMap<&'static str, u64> {
    let mut counts = BTreeMap::new();
    for trade in &result.trades {
        let symbol = &data[trade.symbol.index()];
        let mut seen: Vec<u64> = Vec::new();
        for fill in &trade.fills {
            let (role, kind) = listener.orders[&fill.order];
            let first = !seen.contains(&fill.order.number.0);
            seen.push(fill.order.number.0);
            let day = new_york_date(fill.time);
            let slip = config.ticks.tick(symbol.symbol, day, fill.price);
            let what = format!("{} {role:?} {kind:?} {fill:?}", symbol.symbol);
            assert!(in_bar(&symbol.bars, fill, kind, slip), "not in its bar: {what}");
            assert!(obeys(fill, kind, first), "not by its order: {what}");
            *counts.entry(kind.name()).or_default() += 1;
        }
    }
    counts
}

/// A fill at the open carries the bar's start, any other the bar's end (TF1).
fn in_bar(bars: &[Bar], fill: &TradeFill, kind: OrderKind, slip: Price) -> bool {
    let find = |at| bars.binary_search_by_key(&at, |bar: &Bar| bar.start).ok().map(|i| &bars[i]);
    let begins = find(fill.time);
    let ends = find(fill.time.plus_nanos(-model::MINUTE_NS));
    let against = |base: Price| if fill.side.is_buy() { base.plus(slip) } else { base.minus(slip) };
    let at_open = begins.is_some_and(|bar| {
        let limit = kind.limit();
        fill.price == against(bar.open) || limit.is_some_and(|limit| fill.price == limit)
    });
    // A market order fills at an open and nowhere else (TF2).
    let inside = kind != OrderKind::Market
        && ends.is_some_and(|bar| {
            bar.low.minus(slip) <= fill.price && fill.price <= bar.high.plus(slip)
        });
    at_open || inside
}

/// No fill is beyond a limit; the first fill of a stop is at it or worse, what the volume of the
/// bar left over goes at the market (TF10).
fn obeys(fill: &TradeFill, kind: OrderKind, first: bool) -> bool {
    let buys = fill.side.is_buy();
    let worse = |a: Price, b: Price| if buys { a >= b } else { a <= b };
    let within = kind.limit().is_none_or(|limit| worse(limit, fill.price));
    let triggered = !first || kind.stop().is_none_or(|stop| worse(fill.price, stop));
    within && triggered
}

/// The checks above can fail: prices a tick beyond what is allowed are seen.
#[test]
fn wrong_fills_are_seen() {
    let day = date("2026-06-01");
    let bars = [bar(day, "09:30", ["10.00", "10.10", "9.90", "10.05"], 1_000)];
    let slip = TickTable::us().tick("AAA".parse().unwrap(), day, price("10.00"));
    let fill = |clock, text| TradeFill {
        time: at(day, clock),
        price: price(text),
        side: model::Side::Sell,
        ..TradeFill::default()
    };
    let stop = OrderKind::Stop { stop: price("9.95") };
    assert!(in_bar(&bars, &fill("09:31", "9.94"), stop, slip));
    assert!(!in_bar(&bars, &fill("09:31", "9.88"), stop, slip));
    assert!(!in_bar(&bars, &fill("09:32", "9.94"), stop, slip));
    assert!(in_bar(&bars, &fill("09:30", "9.99"), OrderKind::Market, slip));
    assert!(!in_bar(&bars, &fill("09:31", "9.99"), OrderKind::Market, slip));
    assert!(obeys(&fill("09:31", "9.95"), stop, true));
    assert!(
        !obeys(&fill("09:31", "9.96"), stop, true) && obeys(&fill("09:31", "9.96"), stop, false)
    );
    let limit = OrderKind::Limit { limit: price("10.05") };
    assert!(obeys(&fill("09:31", "10.05"), limit, true));
    assert!(!obeys(&fill("09:31", "10.04"), limit, true));
}

/// A run over everything at once: years without data between the stretches change nothing about
/// the length of the equity series.
#[test]
fn all_recorded_days_at_once() {
    let Some(data) = recorded("all_recorded_days_at_once") else { return };
    let dates = sessions_of(data);
    let (from, to) = (dates[0], dates[dates.len() - 1]);
    let market = MarketData::new(data.to_vec()).unwrap();
    let strategies = ["gap_and_go", "vwap_reclaim"].map(strategy).into();
    let result = run(&market, strategies, &config(from, to), &mut backtest::NoSink).unwrap();
    let sessions = calendar().sessions(from, to).unwrap().len();
    assert_eq!((result.equity.len(), result.sessions), (sessions + 1, sessions as u64));
    let bars: usize = data.iter().map(|symbol| symbol.bars.len()).sum();
    assert_eq!((result.bars, result.refused), (bars as u64, 0));
}
