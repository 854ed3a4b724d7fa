//! A change of limits while running (C42): what is stricter holds at once, what is looser after
//! a delay and only with permission, nothing beyond the compiled ceilings.

use model::{Ppm, Price, SECOND_NS, Timestamp, record};

use super::controls::DayTradeRule;
use super::limits::{AccountType, Limits};
use super::rate::RateLimit;

/// How long a raise waits, so that a mistake can be taken back (C42).
pub const RAISE_DELAY_NS: i64 = 60 * SECOND_NS;

/// A raise that waits for its time.
#[derive(Clone, PartialEq, Debug)]
pub struct PendingRaise {
    /// When it comes into force.
    pub at: Timestamp,
    /// The limits from then on.
    pub limits: Limits,
}

impl Default for PendingRaise {
    /// The ground on which an encoding is read.
    fn default() -> Self {
        Self { at: Timestamp::MIN, limits: Limits::absent() }
    }
}

/// Returns the stricter of two limits, field by field, each in the direction in which it is
/// strict.
pub(crate) fn stricter(a: &Limits, b: &Limits) -> Limits {
    Limits {
        risk_per_trade: a.risk_per_trade.min(b.risk_per_trade),
        min_quantity: a.min_quantity.max(b.min_quantity),
        min_risk: a.min_risk.max(b.min_risk),
        min_stop_ticks: a.min_stop_ticks.max(b.min_stop_ticks),
        max_order_value: least(a.max_order_value, b.max_order_value),
        max_order_value_pct: least(a.max_order_value_pct, b.max_order_value_pct),
        max_order_quantity: least(a.max_order_quantity, b.max_order_quantity),
        max_recent_volume_pct: least(a.max_recent_volume_pct, b.max_recent_volume_pct),
        max_adv_pct: least(a.max_adv_pct, b.max_adv_pct),
        price_collar: a.price_collar || b.price_collar,
        market_collar_pct: least(a.market_collar_pct, b.market_collar_pct),
        max_position_size_pct: least(a.max_position_size_pct, b.max_position_size_pct),
        max_positions: least(a.max_positions, b.max_positions),
        max_gross_pct: least(a.max_gross_pct, b.max_gross_pct),
        max_net_pct: least(a.max_net_pct, b.max_net_pct),
        max_leverage: least(a.max_leverage, b.max_leverage),
        buying_power_pct: least(a.buying_power_pct, b.buying_power_pct),
        max_account_age_ns: least(a.max_account_age_ns, b.max_account_age_ns),
        max_daily_loss_pct: least(a.max_daily_loss_pct, b.max_daily_loss_pct),
        loss_warn_pct: a.loss_warn_pct.min(b.loss_warn_pct),
        loss_reduce_only_pct: a.loss_reduce_only_pct.min(b.loss_reduce_only_pct),
        max_drawdown_pct: least(a.max_drawdown_pct, b.max_drawdown_pct),
        max_losing_streak: least(a.max_losing_streak, b.max_losing_streak),
        process_rate: slower(a.process_rate, b.process_rate),
        strategy_rate: slower(a.strategy_rate, b.strategy_rate),
        symbol_rate: slower(a.symbol_rate, b.symbol_rate),
        broker_messages_per_minute: least(
            a.broker_messages_per_minute,
            b.broker_messages_per_minute,
        ),
        max_repeated_entries: least(a.max_repeated_entries, b.max_repeated_entries),
        repeat_window_ns: a.repeat_window_ns.max(b.repeat_window_ns),
        duplicate_window_ns: a.duplicate_window_ns.max(b.duplicate_window_ns),
        max_open_orders: least(a.max_open_orders, b.max_open_orders),
        max_symbol_orders: least(a.max_symbol_orders, b.max_symbol_orders),
        max_order_age_ns: least(a.max_order_age_ns, b.max_order_age_ns),
        exclusive_symbols: a.exclusive_symbols || b.exclusive_symbols,
        self_trade_prevention: a.self_trade_prevention || b.self_trade_prevention,
        allow_shorts: a.allow_shorts && b.allow_shorts,
        short_sale_restriction: a.short_sale_restriction || b.short_sale_restriction,
        opening_ends_before_close_ns: a
            .opening_ends_before_close_ns
            .max(b.opening_ends_before_close_ns),
        flat_before_close_ns: a.flat_before_close_ns.max(b.flat_before_close_ns),
        day_trade_rule: a.day_trade_rule.max(b.day_trade_rule),
        min_price: a.min_price.max(b.min_price),
        max_price: least(a.max_price, b.max_price),
        min_adv: a.min_adv.max(b.min_adv),
        restricted: union(&a.restricted, &b.restricted),
        allowed: common(&a.allowed, &b.allowed),
        allow_unprotected: a.allow_unprotected && b.allow_unprotected,
        account: a.account.max(b.account),
        block_wash_sale_reentry: a.block_wash_sale_reentry || b.block_wash_sale_reentry,
        require_reference: a.require_reference || b.require_reference,
        test_ceilings: a.test_ceilings && b.test_ceilings,
    }
}

/// Returns the limits as wanted, none of them beyond its compiled ceiling (C42): twice the default
/// where the control names no other. `risk.ceilings = test` lifts them all.
pub(crate) fn under_ceilings(wanted: &Limits) -> Limits {
    if wanted.test_ceilings { wanted.clone() } else { stricter(wanted, &ceilings(wanted)) }
}

/// The loosest limits a running system takes, in the place of `wanted`'s own.
fn ceilings(wanted: &Limits) -> Limits {
    let twice = RateLimit { per_second: 10, burst: 20, per_minute: 120, per_day: 2_000 };
    Limits {
        risk_per_trade: Ppm(20_000),
        min_risk: None,
        min_quantity: 1,
        min_stop_ticks: 1,
        // The part of equity is what binds: 40 % of it.
        max_order_value: None,
        max_order_value_pct: Some(Ppm(400_000)),
        max_order_quantity: Some(10_000),
        max_recent_volume_pct: Some(Ppm(200_000)),
        max_adv_pct: Some(Ppm(20_000)),
        market_collar_pct: wanted.market_collar_pct.map(|_| Ppm(20_000)),
        max_position_size_pct: Some(Ppm(400_000)),
        max_positions: Some(10),
        max_gross_pct: Some(Ppm(2_000_000)),
        max_net_pct: Some(Ppm(2_000_000)),
        max_leverage: Some(Ppm(2_000_000)),
        buying_power_pct: Some(Ppm(1_000_000)),
        max_account_age_ns: Some(120 * SECOND_NS),
        max_daily_loss_pct: Some(Ppm(100_000)),
        loss_warn_pct: Ppm(1_000_000),
        loss_reduce_only_pct: Ppm(1_000_000),
        max_drawdown_pct: Some(Ppm(200_000)),
        max_losing_streak: Some(10),
        process_rate: Some(twice),
        strategy_rate: Some(twice),
        symbol_rate: Some(twice),
        broker_messages_per_minute: None,
        max_repeated_entries: Some(6),
        repeat_window_ns: 15 * model::MINUTE_NS,
        duplicate_window_ns: Some(SECOND_NS),
        max_open_orders: Some(40),
        max_symbol_orders: Some(6),
        max_order_age_ns: wanted.max_order_age_ns.map(|_| 180 * SECOND_NS),
        price_collar: true,
        self_trade_prevention: true,
        exclusive_symbols: false,
        allow_shorts: true,
        short_sale_restriction: true,
        opening_ends_before_close_ns: 5 * model::MINUTE_NS,
        flat_before_close_ns: Some(model::MINUTE_NS),
        day_trade_rule: DayTradeRule::None,
        min_price: Some(Price::from_raw(1_000_000_000)),
        max_price: Some(Price::from_raw(2_000_000_000_000)),
        min_adv: Some(250_000),
        restricted: Vec::new(),
        allowed: Vec::new(),
        allow_unprotected: true,
        account: AccountType::Margin,
        block_wash_sale_reentry: false,
        require_reference: false,
        test_ceilings: false,
    }
}

fn least<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

fn slower(a: Option<RateLimit>, b: Option<RateLimit>) -> Option<RateLimit> {
    match (a, b) {
        (Some(a), Some(b)) => Some(RateLimit {
            per_second: a.per_second.min(b.per_second),
            burst: a.burst.min(b.burst),
            per_minute: a.per_minute.min(b.per_minute),
            per_day: a.per_day.min(b.per_day),
        }),
        (a, b) => a.or(b),
    }
}

fn union(a: &[model::Symbol], b: &[model::Symbol]) -> Vec<model::Symbol> {
    let mut all = [a, b].concat();
    all.sort_unstable();
    all.dedup();
    all
}

/// An empty list allows everything, so the other one is the stricter.
fn common(a: &[model::Symbol], b: &[model::Symbol]) -> Vec<model::Symbol> {
    match (a, b) {
        ([], only) | (only, []) => only.to_vec(),
        // Lists without a common symbol allow nothing, which an empty list could not say: the
        // first one stays until the raise of the second is in force.
        (a, b) => {
            let both: Vec<_> = a.iter().copied().filter(|symbol| b.contains(symbol)).collect();
            if both.is_empty() { a.to_vec() } else { both }
        }
    }
}

record!(PendingRaise { 1: at, 2: limits });

#[cfg(test)]
mod tests {
    use super::*;

    /// C42: the stricter of both in each direction, `None` being no limit at all.
    #[test]
    fn stricter_field_by_field() {
        let a = Limits { max_positions: Some(3), min_price: None, ..Limits::for_real_orders() };
        let b = Limits { max_positions: None, ..Limits::for_real_orders() };
        let both = stricter(&a, &b);
        assert_eq!((both.max_positions, both.min_price), (Some(3), b.min_price));
        assert!(!both.allow_shorts);
        assert_eq!(both, stricter(&b, &a));
        assert_eq!(stricter(&both, &both), both);
    }

    /// C42: defaults are under their ceilings; nothing exceeds one, unless the test ceilings are
    /// asked for.
    #[test]
    fn ceilings_hold() {
        let real = Limits::for_real_orders();
        assert_eq!(under_ceilings(&real), real);
        let wanted = Limits { max_positions: Some(11), max_drawdown_pct: None, ..real };
        let held = under_ceilings(&wanted);
        assert_eq!((held.max_positions, held.max_drawdown_pct), (Some(10), Some(Ppm(200_000))));
        let lifted = Limits { test_ceilings: true, ..wanted };
        assert_eq!(under_ceilings(&lifted), lifted);
    }
}
