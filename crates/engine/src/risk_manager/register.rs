//! The register of all controls of safety.md section 2: what each is, its limit as text, where it
//! acts and which test fails without it (C39).

use model::{Cash, MINUTE_NS, Ppm, Price, SECOND_NS};

use super::control_id::ControlId;
use super::controls::DayTradeRule;
use super::limits::{AccountType, Limits};
use super::promotion::SMALL_SESSIONS;
use super::rate::RateLimit;

/// Where a control acts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Home {
    /// In the core: it acts in every mode.
    Core,
    /// In a part that this build does not have, with the reason.
    Later(&'static str),
}

/// One control.
#[derive(Clone, Copy, Debug)]
pub struct Registered {
    /// Which one.
    pub control: ControlId,
    /// What it is about.
    pub title: &'static str,
    /// Returns its limits as text; `None` when it is switched off, empty without a number.
    pub limit: fn(&Limits) -> Option<String>,
    /// Where it acts.
    pub home: Home,
    /// The test that fails without it, in the crate `engine`.
    pub test: &'static str,
}

const fn core(
    number: u8,
    title: &'static str,
    test: &'static str,
    limit: fn(&Limits) -> Option<String>,
) -> Registered {
    Registered { control: ControlId(number), title, limit, home: Home::Core, test }
}

const fn later(number: u8, title: &'static str, why: &'static str) -> Registered {
    let home = Home::Later(why);
    Registered { control: ControlId(number), title, limit: |_| None, home, test: "" }
}

/// All controls in order.
pub const REGISTER: [Registered; ControlId::COUNT as usize] = [
    core(1, "Order validity", "controls::order_valid::tests::wrong_numbers_are_refused", always),
    core(2, "Largest order value", "controls::order_value::tests::boundary", |l| {
        both([l.max_order_value.map(usd), l.max_order_value_pct.map(|p| part(p, "of equity"))])
    }),
    core(3, "Largest order quantity", "controls::order_quantity::tests::boundary", |l| {
        both([
            l.max_order_quantity.map(|n| format!("{n} shares")),
            l.max_adv_pct.map(|p| part(p, "of ADV20")),
            l.max_recent_volume_pct.map(|p| part(p, "of the last five minutes")),
        ])
    }),
    core(4, "Price collar", "controls::price_collar::tests::bands_by_price", |l| {
        l.price_collar.then(|| {
            let market = l.market_collar_pct.map(|p| part(p, "past the touch for market entries"));
            let hard = "3 % from 25 USD, 5 % from 5 USD, 10 % below".to_owned();
            both([market, Some(hard)]).unwrap_or_default()
        })
    }),
    core(5, "Tick rule", "controls::tick::tests::prices_are_on_their_tick", always),
    core(
        6,
        "Largest position",
        "controls::position_size::tests::boundary_on_the_worst_case",
        |l| l.max_position_size_pct.map(|p| part(p, "of equity in a symbol")),
    ),
    core(
        7,
        "Most open positions",
        "controls::max_positions::tests::the_limit_is_the_number_of_symbols",
        |l| l.max_positions.map(|n| format!("{n} symbols")),
    ),
    core(8, "Gross and net exposure", "controls::exposure::tests::gross_boundary", |l| {
        both([
            l.max_gross_pct.map(|p| part(p, "of equity gross")),
            l.max_net_pct.map(|p| part(p, "net")),
            l.max_leverage.map(|p| format!("leverage {}", p.to_fraction())),
        ])
    }),
    core(9, "Buying power", "controls::buying_power::tests::own_model_boundary", |l| {
        both([
            l.buying_power_pct.map(|p| part(p, "of what is free")),
            l.max_account_age_ns.map(|ns| format!("figures of at most {}", seconds(ns))),
        ])
    }),
    core(10, "Daily loss", "controls::daily_loss::tests::reduce_only_and_halt_refuse", |l| {
        let lines = format!(
            "warning at {}, exits only at {} of it",
            percent(l.loss_warn_pct),
            percent(l.loss_reduce_only_pct)
        );
        l.max_daily_loss_pct.map(|p| format!("{}; {lines}", part(p, "of equity")))
    }),
    core(
        11,
        "Drawdown and losing streak",
        "controls::drawdown::tests::blocks_stop_their_scope",
        |l| {
            both([
                l.max_drawdown_pct.map(|p| part(p, "under the peak")),
                l.max_losing_streak.map(|n| format!("{n} losers in a row")),
            ])
        },
    ),
    core(12, "Order rate", "controls::order_rate::tests::each_level_has_its_bucket", |l| {
        let rate = |r: RateLimit| {
            let RateLimit { per_second, burst, per_minute, per_day } = r;
            format!("{per_second}/s, {burst} at once, {per_minute}/min, {per_day}/day")
        };
        let levels = [l.process_rate, l.strategy_rate, l.symbol_rate];
        let names = ["process", "strategy", "symbol"];
        let named = levels.into_iter().zip(names);
        let text: Vec<String> =
            named.filter_map(|(r, name)| Some(format!("{name} {}", rate(r?)))).collect();
        (!text.is_empty() && !l.test_ceilings).then(|| text.join("; "))
    }),
    core(
        13,
        "Broker message budget",
        "controls::message_budget::tests::opening_stops_at_half",
        |l| {
            l.broker_messages_per_minute.map(|n| {
                let used = u64::from(n) * 4 / 5;
                format!("{used} a minute of {n}, half for exits, cancels and queries")
            })
        },
    ),
    core(14, "Repeated entries", "controls::repeated::tests::the_fourth_entry_is_refused", |l| {
        l.max_repeated_entries
            .filter(|_| !l.test_ceilings)
            .map(|n| format!("{n} entries in {} min", l.repeat_window_ns / MINUTE_NS))
    }),
    core(15, "Duplicate orders", "controls::duplicate::tests::two_seconds", |l| {
        l.duplicate_window_ns.filter(|_| !l.test_ceilings).map(seconds)
    }),
    core(16, "Parent and child orders", "last_point::tests::an_entry_has_one_child", always),
    core(17, "Open orders and their age", "controls::open_orders::tests::boundary", |l| {
        both([
            l.max_open_orders.map(|n| format!("{n} in all")),
            l.max_symbol_orders.map(|n| format!("{n} in a symbol")),
            l.max_order_age_ns.map(|ns| format!("{} unless stated again", seconds(ns))),
        ])
    }),
    core(
        18,
        "Self-trade prevention",
        "controls::self_trade::tests::a_taken_symbol_is_refused",
        |l| {
            both([
                l.exclusive_symbols.then(|| "one strategy per symbol".to_owned()),
                l.self_trade_prevention.then(|| "no opposite orders".to_owned()),
            ])
        },
    ),
    core(
        19,
        "Short-sale marking and locate",
        "controls::short_sale::tests::the_flag_decides",
        |l| {
            let on = if l.allow_shorts { "allowed where shares can be borrowed" } else { "off" };
            Some(format!("short sales {on}"))
        },
    ),
    core(
        20,
        "Short-sale restriction",
        "controls::short_restriction::tests::restricted_sells_nothing_short",
        |l| {
            let text = "10 % under the previous close: that day and the next";
            l.short_sale_restriction.then(|| text.to_owned())
        },
    ),
    core(21, "Price bands and halts", "controls::halt::tests::nothing_opens_in_a_halt", |_| {
        Some("60 s after a halt or a limit state".to_owned())
    }),
    core(
        22,
        "Market-wide breaker",
        "controls::breaker::tests::nothing_opens_in_a_paused_market",
        |_| Some("15 min at levels 1 and 2, the day at level 3, and 60 s".to_owned()),
    ),
    core(23, "Sessions and calendar", "controls::session::tests::the_interval_is_half_open", |l| {
        let opening = l.opening_ends_before_close_ns / MINUTE_NS;
        let flat = l.flat_before_close_ns.map(|ns| format!("flat {} min", ns / MINUTE_NS));
        both([Some(format!("opening ends {opening} min before the close")), flat])
    }),
    core(24, "Day trades", "controls::day_trades::tests::fourth_day_trade", |l| {
        (l.day_trade_rule != DayTradeRule::None).then(|| l.day_trade_rule.name().to_owned())
    }),
    core(25, "Settled cash", "controls::settled_cash::tests::boundary_on_settled_cash", |l| {
        (l.account == AccountType::Cash).then(|| "settled cash only".to_owned())
    }),
    core(26, "Wash sales", "account::reentry_after_a_loss_can_be_blocked", |l| {
        let blocks = if l.block_wash_sale_reentry { ", re-entry refused" } else { "" };
        Some(format!("tagged for 30 days{blocks}"))
    }),
    core(27, "Universe", "controls::universe::tests::price_range", |l| {
        both([
            l.min_price.map(|p| format!("from {p} USD")),
            l.max_price.map(|p: Price| format!("to {p} USD")),
            l.min_adv.map(|n| format!("ADV20 {n} shares")),
            (!l.restricted.is_empty()).then(|| format!("{} restricted", l.restricted.len())),
            (!l.allowed.is_empty()).then(|| format!("{} allowed", l.allowed.len())),
        ])
    }),
    core(28, "Stale data", "controls::stale_data::tests::two_seconds_is_the_boundary", |_| {
        Some("live: 2 s after a tick, 90 s after a bar's end, 5 s without a heartbeat".to_owned())
    }),
    core(29, "Bad ticks", "data_manager::bad_prints::tests::ten_percent_is_the_boundary", |_| {
        Some("10 % off the median of 20 prints, or 3 confirming".to_owned())
    }),
    core(30, "Clock", "controls::clock::tests::a_skewed_clock_opens_nothing", |_| {
        Some("warning at 250 ms, block at 1 s".to_owned())
    }),
    core(31, "Kill switch", "controls::gate_open::tests::only_a_running_system_opens", always),
    later(32, "Dead-man's switch", "needs the live process and its watchdog"),
    later(33, "Start-up gate", "needs the live process"),
    core(34, "Reconciliation", "reconciliation::differences_block_by_their_size", |_| {
        Some("every 30 s with brokers outside; a difference blocks its symbol".to_owned())
    }),
    later(35, "Real-time monitoring", "needs the live process"),
    later(36, "Post-trade record", "needs the live process"),
    later(37, "Change control", "needs the live process"),
    core(38, "Strategy promotion", "controls::promotion::tests::each_mode_needs_its_stage", |_| {
        Some(format!("a tenth of the limits for the first {SMALL_SESSIONS} live sessions"))
    }),
    later(39, "Self-assessment", "this report is it; its schedule needs the live process"),
    later(40, "Stress test", "is run before each release"),
    core(41, "Rebalance and flatten", "limits::a_rebalance_only_reduces", |l| {
        l.max_order_quantity.map(|n| format!("slices of {n} shares"))
    }),
    core(42, "Limit changes", "limits::looser_limits_wait", |l| {
        (!l.test_ceilings).then(|| "60 s delay, ceilings of twice the default".to_owned())
    }),
];

fn always(_: &Limits) -> Option<String> {
    Some(String::new())
}

/// Joins what is on; nothing on is off.
fn both<const N: usize>(parts: [Option<String>; N]) -> Option<String> {
    let on: Vec<String> = parts.into_iter().flatten().collect();
    (!on.is_empty()).then(|| on.join(", "))
}

fn usd(value: Cash) -> String {
    format!("{value} USD")
}

fn percent(value: Ppm) -> String {
    format!("{} %", value.to_percent())
}

fn part(value: Ppm, of: &str) -> String {
    format!("{} {of}", percent(value))
}

fn seconds(ns: i64) -> String {
    format!("{} s", ns / SECOND_NS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// C39: every control once, in order; whoever is active names the test that fails without it.
    #[test]
    fn the_register_is_complete() {
        for (entry, control) in REGISTER.iter().zip(ControlId::all()) {
            assert_eq!(entry.control, control);
            assert_eq!(entry.home == Home::Core, !entry.test.is_empty(), "{control}");
        }
    }

    /// Every control of the gate is registered as one that acts.
    #[test]
    fn the_gate_is_registered() {
        for control in super::super::Gate::new(Limits::default()).control_ids() {
            let entry = REGISTER.iter().find(|entry| entry.control == control);
            assert_eq!(entry.map(|entry| entry.home), Some(Home::Core), "{control}");
        }
    }
}
