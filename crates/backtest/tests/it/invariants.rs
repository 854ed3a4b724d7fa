//! Invariants of safety.md on generated days: after every fact the books are whole, positions are
//! protected, nothing that works could break a limit, and in the end the money adds up.

use std::collections::BTreeMap;

use backtest::{RunConfig, RunResult, Sink, SymbolData};
use engine::alert_system::AlertKind;
use engine::order_manager::{Order, Position};
use engine::risk_manager::{Limits, LossLevel};
use engine::{Engine, Fact, SlotKey};
use model::exchange::CommissionPlan;
use model::{
    Cash, MINUTE_NS, OrderNumber, OrderRole, Ppm, Quantity, SECOND_NS, SymbolId, Timestamp,
};
use simulator::FillMode;

use crate::support::*;

/// All at once; in every other seed both sides of the market, and `vwap_cross` holds over night
/// where the limits let it.
const STRATEGIES: [[&str; 3]; 2] = [
    [GAP_RELAXED, RECLAIM_RELAXED, "vwap_cross"],
    [GAP_BOTH, RECLAIM_SHORT, "vwap_cross:exit_minute=390"],
];

/// Listens to a run and checks every state that a fact leaves behind.
#[derive(Default)]
struct Watchman {
    /// What the run is, for messages.
    name: String,
    /// Orders sent and not seen finished, by number, whatever the books say of slots.
    live: Vec<OrderNumber>,
    /// Exits whose group has closed, and when that was seen.
    orphans: BTreeMap<OrderNumber, Timestamp>,
    /// Alerts by kind.
    alerts: BTreeMap<AlertKind, u64>,
    /// Booked so far on positions that are open: results of shares that were closed, less fees.
    open_booked: Cash,
    facts: u64,
    entries: u64,
    exits: u64,
    protected: u64,
}

impl Sink for Watchman {
    fn fact(&mut self, engine: &Engine, fact: &Fact) {
        self.facts += 1;
        match fact {
            Fact::Intent(intent) => {
                self.live.push(intent.order.client_id.number);
                if intent.order.role == OrderRole::Entry {
                    self.entries += 1;
                    let (strategy, symbol) = (intent.strategy, intent.order.symbol);
                    self.check_opening(engine, SlotKey { strategy, symbol });
                } else {
                    self.exits += 1;
                }
            }
            Fact::Replace(replace) if replace.plan.is_some() => {
                let orders = engine.books().orders();
                let order = orders.get(replace.request.client_id.number).unwrap();
                self.check_opening(engine, order.slot());
            }
            Fact::Alert(alert) => *self.alerts.entry(alert.kind).or_default() += 1,
            _ => {}
        }
        engine.books().check().unwrap_or_else(|e| panic!("{} {}: {e}", self.name, engine.now()));
        let orders = engine.books().orders();
        self.live.retain(|&n| orders.get(n).is_some_and(|order| !order.state.is_terminal()));
        self.check_orders(engine);
        self.open_booked = Cash::ZERO;
        for &key in engine.books().active() {
            if let Some(position) = engine.books().position(key) {
                let booked = position.flow.plus(position.cost).minus(position.fees);
                self.open_booked = self.open_booked.plus(booked);
                self.check_protection(engine, key, position);
            }
        }
    }
}

impl Watchman {
    #[track_caller]
    fn ensure(&self, holds: bool, engine: &Engine, what: impl FnOnce() -> String) {
        assert!(holds, "{} at {}: {}", self.name, engine.now(), what());
    }

    /// One entry per slot; exits in the direction that reduces and never for more than is open
    /// (I13), whatever the slots say.
    fn check_orders(&mut self, engine: &Engine) {
        let books = engine.books();
        let mut orphans = BTreeMap::new();
        let mut entries: Vec<SlotKey> = Vec::new();
        for order in self.live.iter().filter_map(|&number| books.orders().get(number)) {
            let key = order.slot();
            if order.request.role == OrderRole::Entry {
                self.ensure(!entries.contains(&key), engine, || format!("two entries: {order:?}"));
                let slot = books.slot(key).and_then(|slot| slot.entry);
                let number = Some(order.request.client_id.number);
                self.ensure(slot == number, engine, || format!("a stray entry: {order:?}"));
                entries.push(key);
                continue;
            }
            let group = order.request.group;
            let Some(position) = books.position(key).filter(|p| Some(p.group) == group) else {
                // The broker cancels what is left of a closed group (TF8); its word comes within
                // the same instant.
                let number = order.request.client_id.number;
                let since = *self.orphans.get(&number).unwrap_or(&engine.now());
                self.ensure(since == engine.now(), engine, || format!("TF8: orphan {order:?}"));
                orphans.insert(number, since);
                continue;
            };
            let open = position.signed_qty();
            let reduces = order.request.side.sign() == -open.raw().signum();
            let within = largest(order) <= open.abs();
            // An order whose cancel is under way is dead at the broker before the next bar.
            self.ensure(order.cancel_pending || (reduces && within), engine, || {
                format!("I13: an exit beyond the position of {open}: {order:?}")
            });
        }
        self.orphans = orphans;
    }

    /// A position with a planned stop has one for all of its shares, or is being closed.
    fn check_protection(&mut self, engine: &Engine, key: SlotKey, position: &Position) {
        let Some(initial) = position.initial_stop else { return };
        let stop = position.stop.and_then(|number| engine.books().orders().get(number));
        let whole = stop.is_some_and(|order| {
            let pending = order.replace_pending.as_ref();
            let after = pending.map(|r| r.quantity.minus(order.cum_qty));
            !order.state.is_terminal()
                && !order.cancel_pending
                && after.unwrap_or(order.leaves_qty()) == position.quantity
        });
        self.ensure(whole || position.close.is_some(), engine, || {
            format!("{key:?} is not protected: {position:?} {stop:?}")
        });
        let kept = stop.and_then(|order| order.request.kind.stop());
        let favour = |stop| position.direction().favour(initial, stop).raw() >= 0;
        self.ensure(kept.is_none_or(favour), engine, || {
            format!("TG34: {key:?}: the stop fell from {initial} to {kept:?}")
        });
        self.protected += 1;
    }

    /// With everything that works filled no limit is exceeded (I5), and it is time to open (C23).
    fn check_opening(&self, engine: &Engine, opened: SlotKey) {
        let books = engine.books();
        let limits = books.gate().limits();
        let equity = books.day().equity;
        let session = engine.session().expect("an entry needs a session");
        let ends = session.close.plus_nanos(-limits.opening_ends_before_close_ns);
        let inside = session.open <= engine.now() && engine.now() < ends;
        self.ensure(inside, engine, || format!("C23: an entry outside {} to {ends}", session.open));
        let mut by_symbol: BTreeMap<SymbolId, Cash> = BTreeMap::new();
        let mut gross = Cash::ZERO;
        for &key in books.active() {
            let mark = engine.data().symbol(key.symbol).unwrap().mark;
            let held = books.position(key).map_or(Cash::ZERO, |p| p.value_at(mark));
            let held = held.max(held.negated());
            let ordered = books.working_entry(key).map_or(Cash::ZERO, worst_value);
            if let Some(limit) = limits.order_value(equity) {
                self.ensure(ordered <= limit, engine, || format!("C02: {ordered} of {limit}"));
            }
            gross = gross.plus(held).plus(ordered);
            let sum = by_symbol.entry(key.symbol).or_default();
            *sum = sum.plus(held).plus(ordered);
        }
        if let Some(limit) = limits.max_positions {
            let count = by_symbol.len();
            self.ensure(count <= limit as usize, engine, || format!("C07: {count} of {limit}"));
        }
        // A rising price may carry what is held beyond a limit; an order of ours may not.
        if let Some(limit) = limits.position_value(equity) {
            let value = by_symbol[&opened.symbol];
            self.ensure(value <= limit, engine, || {
                format!("C06: {opened:?} could become worth {value} of {limit}")
            });
        }
        if limits.buying_power_pct.is_some() {
            // Each entry takes a part of what is left, so all of them stay below the whole.
            self.ensure(gross <= equity, engine, || format!("C08: {gross} of {equity}"));
        }
        if limits.exclusive_symbols {
            let (slots, symbols) = (books.active().len(), by_symbol.len());
            self.ensure(slots == symbols, engine, || format!("C18: {:?}", books.active()));
        }
        let calm = books.day().loss < LossLevel::ReduceOnly;
        self.ensure(calm, engine, || format!("C10: an entry at level {:?}", books.day().loss));
        let state = engine.data().symbol(opened.symbol).unwrap();
        let reopening = |at| engine.now().since(at) < 60 * SECOND_NS;
        let trades = !state.halted && !state.reopened.is_some_and(reopening);
        self.ensure(trades, engine, || format!("I12, C21: {opened:?} opens in a halt"));
        self.ensure(!books.blocks().is_killed() && books.lifecycle().may_open(), engine, || {
            "I8".into()
        });
    }
}

/// Returns the most that an order may still fill, replacement included (R9).
fn largest(order: &Order) -> Quantity {
    let pending = order.replace_pending.as_ref().map_or(Quantity::ZERO, |r| r.quantity);
    order.leaves_qty().max(pending.minus(order.cum_qty))
}

/// Returns what an entry may cost at the worst: as it works and as it is to be replaced (R9).
fn worst_value(order: &Order) -> Cash {
    let cost = |terms: &engine::order_manager::Terms, quantity: Quantity| {
        terms.plan.worst_price().notional(quantity.minus(order.cum_qty)).unwrap()
    };
    let now = order.terms.as_deref().map_or(Cash::ZERO, |t| cost(t, order.request.quantity));
    let pending = order.replace_pending.as_deref();
    let then = pending.and_then(|r| Some(cost(r.terms.as_ref()?, r.quantity)));
    now.max(then.unwrap_or(Cash::ZERO))
}

/// Draws limits and costs: tight and loose, some switched off.
fn random_config(random: &mut Random, days: [model::Date; 2], mode: FillMode) -> RunConfig {
    let [from, to] = days;
    let mut config = config(from, to);
    config.exchange.mode = mode;
    let plans = [CommissionPlan::None, CommissionPlan::Alpaca, CommissionPlan::IbkrFixed];
    config.exchange.commission = plans[random.between(0, 2) as usize];
    let mut ppm = |low, high| Some(Ppm(random.between(low, high)));
    config.limits = Limits {
        risk_per_trade: Ppm(5_000),
        max_position_size_pct: ppm(50_000, 400_000),
        max_order_value_pct: ppm(30_000, 300_000),
        max_daily_loss_pct: ppm(1_000, 50_000),
        buying_power_pct: ppm(300_000, 950_000),
        max_recent_volume_pct: ppm(20_000, 100_000),
        ..Limits::default()
    };
    let limits = &mut config.limits;
    limits.risk_per_trade = Ppm(random.between(500, 20_000));
    limits.max_positions = (!random.once_in(5)).then(|| random.between(1, 6) as u32);
    limits.exclusive_symbols = random.once_in(2);
    limits.opening_ends_before_close_ns = random.between(0, 90) * MINUTE_NS;
    limits.flat_before_close_ns = (!random.once_in(3)).then_some(5 * MINUTE_NS);
    limits.allow_unprotected = !random.once_in(6);
    for limit in [
        &mut limits.max_position_size_pct,
        &mut limits.max_order_value_pct,
        &mut limits.max_daily_loss_pct,
        &mut limits.max_recent_volume_pct,
    ] {
        if random.once_in(6) {
            *limit = None;
        }
    }
    config
}

/// I11: results of trades, of what is open and the day's rounding of fees are the change of
/// equity, to the 1e-9.
fn check_money(result: &RunResult, watchman: &Watchman, cash: Cash) {
    let name = &watchman.name;
    let trades: Cash = result.trades.iter().map(|trade| trade.net_pnl).sum();
    let open: Cash = result.open_positions.iter().map(|open| open.unrealized_pnl).sum();
    let rounding: Cash = result.charges.iter().map(|(_, _, fee)| *fee).sum();
    let sum = trades.plus(open).plus(watchman.open_booked).minus(rounding);
    assert_eq!(sum, result.end_equity.minus(cash), "I11: {name}");
    for trade in &result.trades {
        let flow: Cash = trade
            .fills
            .iter()
            .map(|fill| {
                let value = fill.price.notional(fill.quantity).unwrap();
                if fill.side.is_buy() { value.negated() } else { value }
            })
            .sum();
        let fees: Cash = trade.fills.iter().map(|fill| fill.fee).sum();
        assert_eq!(flow, trade.gross_pnl, "I11: {name}: {trade:?}");
        assert_eq!(flow.minus(fees), trade.net_pnl, "TP15: {name}: {trade:?}");
        let held: i64 = trade.fills.iter().map(|f| f.side.sign() * f.quantity.raw()).sum();
        assert_eq!(held, 0, "TP14: {name}: {trade:?}");
    }
}

/// Marks at the last close count: without bars after it the last price is that close (TP1).
fn until_last_close(data: &mut [SymbolData], last: model::Date) {
    let close = calendar().session(last).unwrap().unwrap().close;
    data.iter_mut().for_each(|symbol| symbol.bars.retain(|bar| bar.start < close));
}

/// Runs generated days of a seed in every fill mode, each with limits of its own; returns counts
/// of facts, entries, exits, protected states, positions left open and refusals.
fn check_seed(seed: u64) -> [u64; 6] {
    // Every third seed runs into a half day.
    let first = date(if seed.is_multiple_of(3) { "2026-11-25" } else { "2026-06-01" });
    let last = calendar().next_session(first).unwrap().date;
    let mut data = generated(seed, first, [2, 8, 2]);
    until_last_close(&mut data, last);
    let mut random = Random(seed);
    let mut totals = [0; 6];
    for mode in FillMode::ALL {
        let config = random_config(&mut random, [first, last], mode);
        let mut watchman = Watchman { name: format!("seed {seed} {mode}"), ..Watchman::default() };
        let strategies = &STRATEGIES[seed as usize % 2];
        let result = run_with(data.clone(), strategies, &config, &mut watchman);
        check_money(&result, &watchman, config.cash);
        let bad = watchman.alerts.keys().find(|&&kind| kind != AlertKind::DailyLoss);
        assert_eq!(bad, None, "{}: {:?}", watchman.name, result.alerts);
        assert_eq!(result.refused, 0, "{}", watchman.name);
        // TS3: sizing leaves nothing for C02 to refuse.
        assert!(!result.rejections.contains_key("order_value"), "{}", watchman.name);
        let counts = [
            watchman.facts,
            watchman.entries,
            watchman.exits,
            watchman.protected,
            result.open_positions.len() as u64,
            result.rejections.values().sum(),
        ];
        totals.iter_mut().zip(counts).for_each(|(total, count)| *total += count);
    }
    totals
}

fn check_seeds(seeds: std::ops::RangeInclusive<u64>) {
    let mut totals = [0; 6];
    for seed in seeds.clone() {
        totals.iter_mut().zip(check_seed(seed)).for_each(|(total, count)| *total += count);
    }
    let [facts, entries, exits, protected, open, refused] = totals;
    eprintln!(
        "invariants, seeds {seeds:?}: {facts} facts, {entries} entries, {exits} exits, \
         {protected} protected states, {open} left open, {refused} refused"
    );
    assert!(totals.iter().all(|&count| count > 5), "too little happened: {totals:?}");
}

/// I3, I5, I11, I13, C02, C06, C07, C18, C23 with all strategies at once, in two halves that run
/// side by side.
#[test]
fn hold_after_every_fact() {
    check_seeds(1..=12);
}

/// The other half.
#[test]
fn hold_after_every_fact_again() {
    check_seeds(13..=24);
}
