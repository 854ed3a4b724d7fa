//! `storm` (contract.md 3): one intent at each step, for ever; and what the system does with it.

use engine::risk_manager::Limits;
use engine::{Engine, Fact};
use model::{Bar, Date, OrderRole, Timestamp};

use crate::support::*;

/// The times of entries and closes.
#[derive(Default)]
struct Steps(Vec<(Timestamp, OrderRole)>);

impl backtest::Sink for Steps {
    fn fact(&mut self, _: &Engine, fact: &Fact) {
        if let Fact::Intent(intent) = fact {
            self.0.push((intent.time, intent.order.role));
        }
    }
}

fn flat_hour(day: Date) -> Vec<Bar> {
    let minute = |minute: i64| Bar {
        start: at(day, "09:30").plus_nanos(minute * model::MINUTE_NS),
        ..bar(day, "09:30", ["10.00", "10.01", "9.99", "10.00"], 100_000)
    };
    (0..60).map(minute).collect()
}

fn steps(strategy: &str) -> (Vec<(Timestamp, OrderRole)>, Timestamp) {
    // A storm is for the machinery: limits that end it on purpose are off.
    steps_within(strategy, Limits::unlimited())
}

fn steps_within(strategy: &str, limits: Limits) -> (Vec<(Timestamp, OrderRole)>, Timestamp) {
    let day = date("2026-06-01");
    let mut config = config(day, day);
    config.limits = limits;
    let mut steps = Steps::default();
    run_with(vec![symbol_data("STO", flat_hour(day))], &[strategy], &config, &mut steps);
    // After the hour no bar fills the last order: it is sent again when its day is over.
    steps.0.retain(|(time, _)| *time <= at(day, "10:30"));
    (steps.0, at(day, "09:30"))
}

/// One intent at every bar, open and close in turn, from the first bar to the last.
#[test]
fn every_bar_is_a_step() {
    let (intents, open) = steps("storm");
    assert_eq!(intents.len(), 60);
    for (index, (time, role)) in intents.iter().enumerate() {
        let expected = open.plus_nanos((index as i64 + 1) * model::MINUTE_NS);
        assert_eq!(*time, expected);
        let role_due = if index % 2 == 0 { OrderRole::Entry } else { OrderRole::Close };
        assert_eq!(*role, role_due);
    }
    let (intents, _) = steps("storm:every_bars=7,quantity=3");
    assert_eq!(intents.len(), 60 / 7);
}

/// Steps between bars: a wake-up every so many milliseconds, until the close.
#[test]
fn time_makes_steps_between_bars() {
    let (intents, open) = steps("storm:every_bars=0,every_ms=25000");
    // In the first minute there is no price yet.
    assert!(intents[0].0 >= open.plus_nanos(model::MINUTE_NS));
    assert!(intents.len() >= 58, "{} intents", intents.len());
    assert!(intents.windows(2).all(|pair| pair[0].1 != pair[1].1), "open and close in turn");
    let between = intents.iter().filter(|(time, _)| time.since(open) % model::MINUTE_NS != 0);
    assert!(between.count() > 0, "steps between the bars");
}

/// C14 ends a storm at its fourth entry within half an hour, for good: a person has to resume it;
/// `risk.ceilings = test` lets it go on (C42).
#[test]
fn the_throttle_ends_a_storm_and_test_ceilings_do_not() {
    for (test_ceilings, expected) in [(false, 3), (true, 30)] {
        let limits = Limits {
            max_repeated_entries: Some(3),
            repeat_window_ns: 30 * model::MINUTE_NS,
            test_ceilings,
            ..Limits::unlimited()
        };
        let (intents, _) = steps_within("storm", limits);
        let entries = intents.iter().filter(|(_, role)| *role == OrderRole::Entry).count();
        assert_eq!(entries, expected, "test ceilings {test_ceilings}");
    }
}
