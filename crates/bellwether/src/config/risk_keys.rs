//! The keys of `[risk]`: the limits of sizing and of the gate (contract.md 8).
//!
//! Upper bounds are the compiled ceilings of C42: twice the default where safety.md names no
//! other. Fractions are parts of the day's equity unless said otherwise.

use engine::risk_manager::{AccountType, DayTradeRule, Limits, RateLimit};
use model::{Cash, MINUTE_NS, Price, SECOND_NS, Symbol};

use super::keys::{Key, fraction, key};
use super::value::{Kind, Refusal, Value};

const MILLISECOND_NS: i64 = SECOND_NS / 1_000;

fn count(value: i64) -> Option<u32> {
    u32::try_from(value).ok().filter(|&count| count > 0)
}

fn small(value: i64) -> u32 {
    u32::try_from(value).unwrap_or(1)
}

fn rate(limits: &mut Limits) -> &mut RateLimit {
    limits.process_rate.get_or_insert_default()
}

fn shown(limits: &Limits) -> RateLimit {
    limits.process_rate.unwrap_or_default()
}

fn as_price(value: Cash) -> Option<Price> {
    let price = Price::from_raw(value.raw());
    price.is_positive().then_some(price)
}

fn as_cash(price: Option<Price>) -> Cash {
    Cash::from_raw(price.map_or(0, Price::raw))
}

fn tickers(value: Value) -> Result<Vec<Symbol>, Refusal> {
    let Value::List(items) = value else { return Ok(Vec::new()) };
    let parsed: Result<_, _> = items.iter().map(|item| item.parse()).collect();
    parsed.map_err(|error| Refusal::new(format!("a list of tickers ({error})")))
}

fn names(symbols: &[Symbol]) -> Value {
    Value::List(symbols.iter().map(ToString::to_string).collect())
}

/// All keys of `[risk]`.
pub(super) const RISK: &[Key] = &[
    key!(
        "risk.max_positions",
        Kind::Int { min: 1, max: 10 },
        "Symbols with a position or a working entry at once (C07).",
        Int,
        |c, v| c.risk.max_positions = u32::try_from(v).ok(),
        |c| c.risk.max_positions.map_or(0, i64::from)
    ),
    key!(
        "risk.max_daily_loss_pct",
        fraction(0.001, 0.10),
        "Loss of a day that halts trading, realised and unrealised, after fees (C10).",
        Fraction,
        |c, v| c.risk.max_daily_loss_pct = Some(v),
        |c| c.risk.max_daily_loss_pct.unwrap_or_default()
    ),
    key!(
        "risk.loss_warn_pct",
        fraction(0.10, 1.0),
        "Part of the daily loss limit at which a warning is raised (C10).",
        Fraction,
        |c, v| c.risk.loss_warn_pct = v,
        |c| c.risk.loss_warn_pct
    ),
    key!(
        "risk.loss_reduce_only_pct",
        fraction(0.10, 1.0),
        "Part of the daily loss limit at which only exits pass; also the day's risk budget (C10, TS3).",
        Fraction,
        |c, v| c.risk.loss_reduce_only_pct = v,
        |c| c.risk.loss_reduce_only_pct
    ),
    key!(
        "risk.max_position_size_pct",
        fraction(0.01, 0.40),
        "Largest value held in one symbol (C06, TS3).",
        Fraction,
        |c, v| c.risk.max_position_size_pct = Some(v),
        |c| c.risk.max_position_size_pct.unwrap_or_default()
    ),
    key!(
        "risk.risk_per_trade_pct",
        fraction(0.0005, 0.02),
        "What one trade may lose at its protective stop (TS3).",
        Fraction,
        |c, v| c.risk.risk_per_trade = v,
        |c| c.risk.risk_per_trade
    ),
    key!(
        "risk.min_qty",
        Kind::Int { min: 1, max: 100_000 },
        "Smallest number of shares worth trading (TS4).",
        Int,
        |c, v| c.risk.min_quantity = v,
        |c| c.risk.min_quantity
    ),
    key!(
        "risk.min_risk_usd",
        Kind::Usd { min: 0, max: 10_000 },
        "Smallest risk worth trading, in USD (TS4).",
        Usd,
        |c, v| c.risk.min_risk = Some(v),
        |c| c.risk.min_risk.unwrap_or_default()
    ),
    key!(
        "risk.min_stop_ticks",
        Kind::Int { min: 1, max: 100 },
        "Smallest distance to the protective stop, in ticks (TS2).",
        Int,
        |c, v| c.risk.min_stop_ticks = v,
        |c| c.risk.min_stop_ticks
    ),
    key!(
        "risk.max_order_value_usd",
        Kind::Usd { min: 100, max: 100_000_000 },
        "Largest value of one order, in USD (C02); at most 40 % of account_size.",
        Usd,
        |c, v| c.risk.max_order_value = Some(v),
        |c| c.risk.max_order_value.unwrap_or_default()
    ),
    key!(
        "risk.max_order_value_pct",
        fraction(0.001, 0.40),
        "Largest value of one order (C02).",
        Fraction,
        |c, v| c.risk.max_order_value_pct = Some(v),
        |c| c.risk.max_order_value_pct.unwrap_or_default()
    ),
    key!(
        "risk.buying_power_pct",
        fraction(0.05, 1.0),
        "Part of the equity not yet at work that a new entry may use (C09, TS3).",
        Fraction,
        |c, v| c.risk.buying_power_pct = Some(v),
        |c| c.risk.buying_power_pct.unwrap_or_default()
    ),
    key!(
        "risk.max_recent_volume_pct",
        fraction(0.001, 0.20),
        "Part of the volume of the last five minutes that one order may be (TS3).",
        Fraction,
        |c, v| c.risk.max_recent_volume_pct = Some(v),
        |c| c.risk.max_recent_volume_pct.unwrap_or_default()
    ),
    key!(
        "risk.max_adv_pct",
        fraction(0.0001, 0.02),
        "Part of the mean daily volume that one order may be (TS3).",
        Fraction,
        |c, v| c.risk.max_adv_pct = Some(v),
        |c| c.risk.max_adv_pct.unwrap_or_default()
    ),
    key!(
        "risk.opening_ends_before_close_min",
        Kind::Int { min: 5, max: 385 },
        "Minutes before the close from which no position is opened (C23).",
        Int,
        |c, v| c.risk.opening_ends_before_close_ns = v * MINUTE_NS,
        |c| c.risk.opening_ends_before_close_ns / MINUTE_NS
    ),
    key!(
        "risk.flat_before_close_min",
        Kind::Int { min: 1, max: 60 },
        "Minutes before the close at which positions are closed (C23).",
        Int,
        |c, v| c.risk.flat_before_close_ns = Some(v * MINUTE_NS),
        |c| c.risk.flat_before_close_ns.unwrap_or_default() / MINUTE_NS
    ),
    Key {
        path: "risk.account_type",
        kind: Kind::Word(AccountType::NAMES),
        text: "Kind of account: cash opens positions with settled cash only and sells nothing short (C25).",
        set: |c, v| {
            let cash = v == Value::Text(AccountType::Cash.name().into());
            c.risk.account = if cash { AccountType::Cash } else { AccountType::Margin };
            Ok(())
        },
        get: |c| Value::Text(c.risk.account.name().into()),
    },
    key!(
        "risk.block_wash_sale_reentry",
        Kind::Switch,
        "Refuse entries that would wash a loss of the last 30 days; exits are never asked (C26).",
        Switch,
        |c, v| c.risk.block_wash_sale_reentry = v,
        |c| c.risk.block_wash_sale_reentry
    ),
    key!(
        "risk.max_order_qty",
        Kind::Int { min: 1, max: 10_000 },
        "Largest number of shares of one order; also the slice of a flatten (C03, C41).",
        Int,
        |c, v| c.risk.max_order_quantity = Some(v),
        |c| c.risk.max_order_quantity.unwrap_or_default()
    ),
    key!(
        "risk.max_gross_pct",
        fraction(0.05, 2.0),
        "Value of all positions and entries, long and short together (C08).",
        Fraction,
        |c, v| c.risk.max_gross_pct = Some(v),
        |c| c.risk.max_gross_pct.unwrap_or_default()
    ),
    key!(
        "risk.max_net_pct",
        fraction(0.05, 2.0),
        "Value of long less short or short less long, entries counted on their side (C08).",
        Fraction,
        |c, v| c.risk.max_net_pct = Some(v),
        |c| c.risk.max_net_pct.unwrap_or_default()
    ),
    key!(
        "risk.max_leverage",
        fraction(0.05, 2.0),
        "Value of all positions and entries as a multiple of equity (C08).",
        Fraction,
        |c, v| c.risk.max_leverage = Some(v),
        |c| c.risk.max_leverage.unwrap_or_default()
    ),
    key!(
        "risk.max_drawdown_pct",
        fraction(0.0, 0.20),
        "Fall of the equity under its peak over days that blocks everything; 0 is off (C11).",
        Fraction,
        |c, v| c.risk.max_drawdown_pct = (v.0 > 0).then_some(v),
        |c| c.risk.max_drawdown_pct.unwrap_or_default()
    ),
    key!(
        "risk.max_losing_streak",
        Kind::Int { min: 0, max: 10 },
        "Losing trades in a row that pause a strategy; 0 is off (C11).",
        Int,
        |c, v| c.risk.max_losing_streak = count(v),
        |c| c.risk.max_losing_streak.map_or(0, i64::from)
    ),
    key!(
        "risk.orders_per_second",
        Kind::Int { min: 1, max: 10 },
        "Opening orders a second over a longer time, of all strategies (C12).",
        Int,
        |c, v| rate(&mut c.risk).per_second = small(v),
        |c| shown(&c.risk).per_second.into()
    ),
    key!(
        "risk.orders_burst",
        Kind::Int { min: 1, max: 20 },
        "Opening orders at once, of all strategies (C12).",
        Int,
        |c, v| rate(&mut c.risk).burst = small(v),
        |c| shown(&c.risk).burst.into()
    ),
    key!(
        "risk.orders_per_minute",
        Kind::Int { min: 1, max: 120 },
        "Opening orders a minute, of all strategies (C12).",
        Int,
        |c, v| rate(&mut c.risk).per_minute = small(v),
        |c| shown(&c.risk).per_minute.into()
    ),
    key!(
        "risk.orders_per_day",
        Kind::Int { min: 1, max: 2_000 },
        "Opening orders a session, of all strategies (C12).",
        Int,
        |c, v| rate(&mut c.risk).per_day = small(v),
        |c| shown(&c.risk).per_day.into()
    ),
    key!(
        "risk.strategy_orders_per_minute",
        Kind::Int { min: 1, max: 120 },
        "Opening orders a minute of one strategy (C12).",
        Int,
        |c, v| c.risk.strategy_rate.get_or_insert_default().per_minute = small(v),
        |c| c.risk.strategy_rate.unwrap_or_default().per_minute.into()
    ),
    key!(
        "risk.symbol_orders_per_minute",
        Kind::Int { min: 1, max: 120 },
        "Opening orders a minute in one symbol (C12).",
        Int,
        |c, v| c.risk.symbol_rate.get_or_insert_default().per_minute = small(v),
        |c| c.risk.symbol_rate.unwrap_or_default().per_minute.into()
    ),
    key!(
        "risk.max_repeated_entries",
        Kind::Int { min: 0, max: 6 },
        "Entries of a strategy in one symbol and side within the window, after which it is blocked; 0 is off (C14).",
        Int,
        |c, v| c.risk.max_repeated_entries = count(v),
        |c| c.risk.max_repeated_entries.map_or(0, i64::from)
    ),
    key!(
        "risk.repeat_window_min",
        Kind::Int { min: 15, max: 390 },
        "Minutes over which repeated entries are counted (C14).",
        Int,
        |c, v| c.risk.repeat_window_ns = v * MINUTE_NS,
        |c| c.risk.repeat_window_ns / MINUTE_NS
    ),
    key!(
        "risk.duplicate_window_ms",
        Kind::Int { min: 1_000, max: 60_000 },
        "Milliseconds within which an equal order of a strategy is a duplicate (C15).",
        Int,
        |c, v| c.risk.duplicate_window_ns = Some(v * MILLISECOND_NS),
        |c| c.risk.duplicate_window_ns.unwrap_or_default() / MILLISECOND_NS
    ),
    key!(
        "risk.max_open_orders",
        Kind::Int { min: 1, max: 40 },
        "Orders at work in all symbols (C17).",
        Int,
        |c, v| c.risk.max_open_orders = count(v),
        |c| c.risk.max_open_orders.map_or(0, i64::from)
    ),
    key!(
        "risk.max_symbol_orders",
        Kind::Int { min: 1, max: 6 },
        "Orders at work in one symbol (C17).",
        Int,
        |c, v| c.risk.max_symbol_orders = count(v),
        |c| c.risk.max_symbol_orders.map_or(0, i64::from)
    ),
    key!(
        "risk.max_order_age_s",
        Kind::Int { min: 0, max: 180 },
        "Seconds after which an entry that its strategy no longer states is cancelled; 0 is off (C17).",
        Int,
        |c, v| c.risk.max_order_age_ns = (v > 0).then_some(v * SECOND_NS),
        |c| c.risk.max_order_age_ns.unwrap_or_default() / SECOND_NS
    ),
    key!(
        "risk.allow_shorts",
        Kind::Switch,
        "Whether short sales may be opened; a strategy's own parameter asks for them (C19).",
        Switch,
        |c, v| c.risk.allow_shorts = v,
        |c| c.risk.allow_shorts
    ),
    key!(
        "risk.short_sale_restriction",
        Kind::Switch,
        "Nothing is sold short after a fall of 10 % for that day and the next (C20).",
        Switch,
        |c, v| c.risk.short_sale_restriction = v,
        |c| c.risk.short_sale_restriction
    ),
    Key {
        path: "risk.day_trade_rule",
        kind: Kind::Word(&["none", "intraday_margin", "legacy_pdt"]),
        text: "The rule for day trades that the account is under (C24).",
        set: |c, v| {
            let mut all = DayTradeRule::ALL.into_iter();
            if let Some(rule) = all.find(|rule| v == Value::Text(rule.name().into())) {
                c.risk.day_trade_rule = rule;
            }
            Ok(())
        },
        get: |c| Value::Text(c.risk.day_trade_rule.name().into()),
    },
    key!(
        "risk.min_price_usd",
        Kind::Usd { min: 0, max: 1_000_000 },
        "Lowest price at which a symbol is opened; 0 is off (C27).",
        Usd,
        |c, v| c.risk.min_price = as_price(v),
        |c| as_cash(c.risk.min_price)
    ),
    key!(
        "risk.max_price_usd",
        Kind::Usd { min: 0, max: 1_000_000 },
        "Highest price at which a symbol is opened; 0 is off (C27).",
        Usd,
        |c, v| c.risk.max_price = as_price(v),
        |c| as_cash(c.risk.max_price)
    ),
    key!(
        "risk.min_adv",
        Kind::Int { min: 0, max: 1_000_000_000 },
        "Smallest mean daily volume in shares of a symbol that is opened; 0 is off (C27).",
        Int,
        |c, v| c.risk.min_adv = (v > 0).then_some(v),
        |c| c.risk.min_adv.unwrap_or_default()
    ),
    Key {
        path: "risk.restricted",
        kind: Kind::List("a list of tickers, such as [\"AAPL\", \"SPY\"]"),
        text: "Symbols in which nothing is opened (C27).",
        set: |c, v| {
            c.risk.restricted = tickers(v)?;
            Ok(())
        },
        get: |c| names(&c.risk.restricted),
    },
    Key {
        path: "risk.allowed",
        kind: Kind::List("a list of tickers, such as [\"AAPL\", \"SPY\"]"),
        text: "The only symbols in which something is opened; empty: the universe of the run (C27).",
        set: |c, v| {
            c.risk.allowed = tickers(v)?;
            Ok(())
        },
        get: |c| names(&c.risk.allowed),
    },
    Key {
        path: "risk.ceilings",
        kind: Kind::Word(&["compiled", "test"]),
        text: "test lifts the order rate, repeated entries and duplicates (C12, C14, C15) and, while running, the ceilings of limits (C42).",
        set: |c, v| {
            c.risk.test_ceilings = v == Value::Text("test".into());
            Ok(())
        },
        get: |c| Value::Text(if c.risk.test_ceilings { "test" } else { "compiled" }.into()),
    },
];
