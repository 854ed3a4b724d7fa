//! A bar without an order allocates nothing (design.md 2): a generated day is recorded with its
//! orders, fills and exits, and played to a fresh engine while allocations are counted. Orders,
//! refusals and trades may make their stores grow; bars at which nothing was decided may not.

use engine::{Input, MarketEvent, Outputs};
use model::exchange::Session;
use simulator::FillMode;

use crate::replay::{Tape, fresh};
use crate::support::*;

/// Plays a day and returns how many bars were counted and the most that one of them allocated.
fn count(seed: u64) -> (u64, u64, u64) {
    let day = date("2026-06-01");
    let data = generated(seed, day, [1, 8, 5]);
    let session: Session = calendar().session(day).unwrap().unwrap();
    let tape = Tape::record(seed, FillMode::Conservative, &data, &session);
    let mut engine = fresh(&tape.config, &tape.symbols);
    let mut out = Outputs::default();
    let (mut bars, mut in_position, mut most) = (0, 0, 0);
    for input in &tape.inputs {
        let info = allocation_counter::measure(|| engine.apply(input, &mut out));
        let is_bar = matches!(input.item, Input::Market { event: MarketEvent::Bar { .. }, .. });
        // Before the open the engine is warm: every list has had its first entry.
        if is_bar && input.time > session.open && out.facts.is_empty() {
            bars += 1;
            in_position += u64::from(!engine.books().active().is_empty());
            most = most.max(info.count_total);
        }
    }
    (bars, in_position, most)
}

#[test]
fn bars_without_an_order_allocate_nothing() {
    for seed in [3, 4, 5] {
        let (bars, in_position, most) = count(seed);
        assert!(bars > 2_000, "seed {seed}: only {bars} bars");
        assert!(in_position > 500, "seed {seed}: only {in_position} with a position or an entry");
        assert_eq!(most, 0, "seed {seed}: a bar without an order allocated");
    }
}

/// The counter counts: an order allocates its place in the store.
#[test]
fn the_counter_counts() {
    let info = allocation_counter::measure(|| drop(std::hint::black_box(vec![1_u8; 100])));
    assert_eq!(info.count_total, 1);
}
