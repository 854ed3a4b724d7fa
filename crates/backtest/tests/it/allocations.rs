//! A bar without an order allocates nothing (design.md 2): a generated day is recorded with its
//! orders, fills and exits, and played to a fresh engine while allocations are counted. Orders,
//! refusals and trades may make their stores grow; bars at which nothing was decided may not.

use engine::{Engine, Input, MarketEvent, Outputs, Sequenced, Start};
use model::exchange::Session;
use model::{MINUTE_NS, SourceId, Symbol, SymbolId};
use simulator::FillMode;

use crate::replay::{Tape, fresh};
use crate::support::*;
use crate::ticks::prints;

/// Plays a day and returns how many bars were counted and the most that one of them allocated.
fn count(seed: u64) -> (u64, u64, u64) {
    let day = date("2026-06-01");
    let data = generated(seed, day, [1, 8, 5]);
    let session: Session = calendar().session(day).unwrap().unwrap();
    let tape = Tape::record(seed, FillMode::Conservative, &data, &session, None);
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

/// Prints allocate nothing either: those inside a minute and those that close one, as long as
/// nothing is decided.
#[test]
fn prints_allocate_nothing() {
    let day = date("2026-06-01");
    let session = calendar().session(day).unwrap().unwrap();
    let symbols: Vec<Symbol> = ["A", "B"].map(|name| name.parse().unwrap()).into();
    let mut engine = fresh(&config(day, day), &symbols);
    let mut out = Outputs::default();
    let mut seq = 0;
    let mut apply = |engine: &mut Engine, out: &mut Outputs, time, item| {
        seq += 1;
        let input = Sequenced { seq, time, item };
        allocation_counter::measure(|| engine.apply(&input, out)).count_total
    };
    let start = Start::fresh(1, "backtest", session.pre_open);
    apply(&mut engine, &mut out, session.pre_open, Input::Start(Box::new(start)));
    let (mut counted, mut most) = (0, 0);
    for (at, mut trade) in prints(7, &["2026-06-01"], 20_000).into_iter().enumerate() {
        let symbol = SymbolId(at as u32 % 2);
        trade.sequence = at as u32 + 1;
        let event = MarketEvent::Trade { symbol, trade };
        let input = Input::Market { source: SourceId(0), event };
        let allocated = apply(&mut engine, &mut out, trade.time, input);
        // From the second regular minute on: the first one makes room for its evaluations.
        let warm = session.open.plus_nanos(2 * MINUTE_NS);
        if warm < trade.time && trade.time < session.close && out.facts.is_empty() {
            counted += 1;
            most = most.max(allocated);
        }
    }
    let bars: u32 = engine.data().symbols().iter().map(|state| state.bars).sum();
    assert!(counted > 5_000 && bars > 1_000, "{counted} prints, {bars} bars");
    assert_eq!(most, 0, "a print allocated");
}

/// The counter counts: an order allocates its place in the store.
#[test]
fn the_counter_counts() {
    let info = allocation_counter::measure(|| drop(std::hint::black_box(vec![1_u8; 100])));
    assert_eq!(info.count_total, 1);
}
