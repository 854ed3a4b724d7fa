//! Market data that is late, wrong, missing or silent (F23-F26, C28, C29, R11, TB1, TB8).

use std::sync::Arc;

use engine::alert_system::AlertKind;
use engine::data_manager::{DataPolicy, SourcePolicy};
use engine::risk_manager::{Block, BlockReason, Limits, Scope};
use engine::{Input, MarketEvent};
use model::{
    Bar, Conditions, OrderRole, Price, Quote, SECOND_NS, SymbolDay, SymbolId, Timestamp, Trade,
    Volume, VolumeBaseline,
};

use crate::world::{Wish, World, breakout, price, shares};

const X: SymbolId = SymbolId(0);

fn enter() -> Wish {
    Wish::Enter(breakout("10.50", "10.55", "9.50"))
}

/// A live feed without the grace for bars, so that times in the tests are round.
fn live() -> DataPolicy {
    DataPolicy { bar_grace_ns: 0, ..DataPolicy::live() }
}

fn two_sources() -> DataPolicy {
    DataPolicy { sources: vec![SourcePolicy::default(); 2], ..live() }
}

/// A world on a feed whose sources were heard since the open.
fn on_feed(policy: DataPolicy) -> World {
    let mut world = World::on_feed(policy);
    world.beat(world.at("09:30"), 1, &[0, 1]);
    world
}

impl World {
    /// A time on the clock plus milliseconds.
    fn ms(&self, clock: &str, ms: i64) -> Timestamp {
        self.at(clock).plus_nanos(ms * 1_000_000)
    }

    fn quote(&mut self, time: Timestamp, source: u8, bid: &str, ask: &str) {
        let quote = Quote {
            time,
            bid: price(bid),
            ask: price(ask),
            bid_size: shares(100),
            ask_size: shares(100),
        };
        self.market(time, source, MarketEvent::Quote { symbol: X, quote });
    }

    fn print(&mut self, time: Timestamp, symbol: u32, at: &str) {
        let trade = Trade { time, price: price(at), size: shares(100), ..Trade::default() };
        self.trade(time, symbol, trade);
    }

    fn trade(&mut self, now: Timestamp, symbol: u32, trade: Trade) {
        self.market(now, 0, MarketEvent::Trade { symbol: SymbolId(symbol), trade });
    }

    /// Lets time pass, second by second, with a heartbeat of each source named.
    fn beat(&mut self, from: Timestamp, seconds: i64, sources: &[u8]) {
        for second in 1..=seconds {
            let time = from.plus_nanos(second * SECOND_NS);
            for &source in sources {
                self.market(time, source, MarketEvent::Heartbeat);
            }
            self.apply(time, Input::Time);
        }
    }

    fn blocked(&self, scope: Scope, reason: BlockReason) -> bool {
        self.engine.books().blocks().holds(Block::new(scope, reason))
    }

    fn mark(&self) -> Price {
        self.engine.data().symbol(X).unwrap().mark
    }

    fn last_bar(&self) -> Bar {
        self.engine.data().symbol(X).unwrap().last
    }
}

fn bar(world: &World, clock: &str, at: &str, volume: u64) -> Bar {
    let at = price(at);
    let start = world.at(clock);
    Bar { start, open: at, high: at, low: at, close: at, volume: Volume(volume) }
}

/// TB1: minutes are built of prints; strategies see them closed, at the end of the minute, also
/// one whose last seconds had no print; a minute without one has no bar (TB4).
#[test]
fn minutes_are_built_and_closed() {
    let mut world = World::new(Limits::default());
    world.wish(0, 0, enter());
    for (ms, at) in [(0, "10.00"), (20_000, "10.20"), (30_000, "9.90"), (45_000, "10.10")] {
        world.print(world.ms("09:30", ms), 0, at);
    }
    assert_eq!(world.count(OrderRole::Entry), 0, "not before the end of the minute");
    assert_eq!(world.engine.next_deadline(), Some(world.at("09:31")));
    world.apply(world.at("09:31"), Input::Time);
    assert_eq!(world.count(OrderRole::Entry), 1);
    let built = world.last_bar();
    assert_eq!((built.start, built.volume), (world.at("09:30"), Volume(400)));
    assert_eq!(
        [built.open, built.high, built.low, built.close],
        [price("10.00"), price("10.20"), price("9.90"), price("10.10")]
    );
    world.print(world.ms("09:33", 1), 0, "10.00");
    world.apply(world.at("09:34"), Input::Time);
    assert_eq!(world.engine.data().symbol(X).unwrap().bars, 2);
}

/// TB1: live, a minute waits for late prints until its grace is over, and timers due at its end
/// wait with it; when every symbol has printed later it is closed at once.
#[test]
fn a_live_minute_waits_for_its_grace() {
    let mut world = on_feed(DataPolicy { bar_grace_ns: 3_500_000_000, ..live() });
    world.print(world.ms("09:30", 100), 0, "10.00");
    world.print(world.ms("09:31", 100), 0, "10.50");
    let late = Trade {
        time: world.ms("09:30", 59_900),
        price: price("10.10"),
        size: shares(100),
        ..Trade::default()
    };
    world.trade(world.ms("09:31", 200), 0, late);
    let older = Trade { time: world.ms("09:30", 50_000), price: price("9.90"), ..late };
    world.trade(world.ms("09:31", 300), 0, older);
    assert_eq!(world.engine.data().symbol(X).unwrap().bars, 0);
    world.apply(world.ms("09:31", 3_499), Input::Time);
    assert_eq!(world.engine.data().symbol(X).unwrap().bars, 0);
    world.apply(world.ms("09:31", 3_500), Input::Time);
    assert_eq!((world.last_bar().close, world.last_bar().volume), (price("10.10"), Volume(300)));
    assert_eq!(world.last_bar().low, price("9.90"), "an older print still counts for the range");
    assert_eq!(world.mark(), price("10.50"), "the newest print, not the bar's close");
    for symbol in 0..8 {
        world.print(world.ms("09:32", 10 + i64::from(symbol)), symbol, "10.00");
    }
    assert_eq!(world.last_bar().start, world.at("09:31"), "closed by the last symbol's print");
    assert_eq!(world.engine.now(), world.ms("09:32", 17));
}

/// F24: repeated, old and future prints change no bar and no mark; what is good is as without
/// them.
#[test]
fn disordered_prints_change_nothing() {
    let good = |world: &World, n: i64| Trade {
        time: world.ms("09:30", n * 1_000),
        price: Price::from_raw(10_000_000_000 + n * 10_000_000),
        size: shares(10),
        sequence: 100 + n as u32,
        conditions: Conditions::REGULAR,
    };
    let mut bars = Vec::new();
    for disorder in [false, true] {
        let mut world = World::new(Limits::default());
        for n in 0..10 {
            let trade = good(&world, n);
            world.trade(trade.time, 0, trade);
            if disorder {
                world.trade(trade.time, 0, trade);
                let high = price("10.90");
                let older = Trade { sequence: 50, price: high, ..trade };
                world.trade(trade.time, 0, older);
                let future = trade.time.plus_nanos(SECOND_NS + 1);
                let future = Trade { time: future, sequence: 999, price: high, ..trade };
                world.trade(trade.time, 0, future);
                let odd = Conditions::ODD_LOT;
                let odd = Trade { sequence: 998, conditions: odd, price: high, ..trade };
                world.trade(trade.time, 0, odd);
            }
        }
        assert_eq!(world.mark(), price("10.09"));
        world.apply(world.at("09:31"), Input::Time);
        let before = Trade { sequence: 500, ..good(&world, 9) };
        world.trade(world.ms("09:31", 1), 0, before);
        assert_eq!(world.engine.data().refused(), if disorder { 41 } else { 1 });
        bars.push(world.last_bar());
    }
    assert_eq!(bars[0], bars[1]);
    assert_eq!(bars[0].high, price("10.09"));
}

/// F25: prices of zero, below zero and a billion, sizes of nothing, crossed and locked quotes, and
/// bars without volume leave no trace in marks, bars or indicators.
#[test]
fn impossible_values_are_filtered() {
    let mut world = World::new(Limits::default());
    world.bar(0, "09:30", "10.00");
    let now = world.ms("09:31", 1);
    for at in ["10.00", "0", "-5", "-9000000000", "9000000000", "1000000000"] {
        world.print(now, 0, at);
    }
    let nothing = Trade { time: now, price: price("10.05"), ..Trade::default() };
    world.trade(now, 0, nothing);
    assert_eq!(world.mark(), price("10.00"));
    for (bid, ask) in [("10", "10"), ("11", "10"), ("0", "10"), ("10", "0"), ("-1", "-2")] {
        world.quote(now, 0, bid, ask);
    }
    assert_eq!(world.engine.data().symbol(X).unwrap().quote, None);
    let mut empty = World::new(Limits::default());
    let silent = bar(&empty, "09:30", "10.00", 0);
    empty.market(silent.end(), 0, MarketEvent::Bar { symbol: X, bar: silent });
    let state = empty.engine.data().symbol(X).unwrap();
    assert_eq!((state.vwap.value(), state.mark), (None, price("10.00")), "TB5");
}

/// F26, C29: the print of 3 June 2024 (627,400 -> 185.10) moves neither mark nor loss nor bar; it
/// is told once.
#[test]
fn a_bad_print_moves_nothing() {
    let mut world = World::new(Limits::default());
    world.bar_with(0, 0, "09:30", "10.00", enter());
    let entry = world.last(OrderRole::Entry);
    world.fill(&entry, 500, "10.50");
    let at = |n: i64| 9 * 60_000 + n;
    for n in 0..25 {
        let (time, cents) = (world.ms("09:31", n * 100), 1_050 + n % 3);
        world.print(time, 0, &format!("{}.{:02}", cents / 100, cents % 100));
    }
    let (mark, equity) = (world.mark(), world.engine.equity());
    for n in 0..3 {
        world.print(world.ms("09:31", 5_000 + n), 0, "0.0031");
    }
    assert_eq!((world.mark(), world.engine.equity()), (mark, equity));
    assert!(world.alerts().contains(&AlertKind::BadData));
    assert!(!world.alerts().contains(&AlertKind::DailyLoss));
    world.apply(world.at("09:32"), Input::Time);
    assert_eq!(world.last_bar().low, price("10.50"));
    let mut berkshire = World::new(Limits::default());
    for n in 0..20 {
        berkshire.print(berkshire.ms("09:31", n), 0, "627400.00");
    }
    berkshire.print(berkshire.ms("09:31", at(0) % 1_000 + 30), 0, "185.10");
    assert_eq!(berkshire.mark(), price("627400.00"));
}

/// C29: a fresh quote or a second source confirms a print that stands out; a stale quote does not.
#[test]
fn a_quote_or_a_second_source_confirms() {
    let prints = |world: &mut World| {
        for n in 0..20 {
            world.print(world.ms("09:31", n), 0, "10.00");
        }
    };
    for (quoted_at, expected) in [(-1_999, "12.00"), (-2_001, "10.00")] {
        let mut world = on_feed(two_sources());
        prints(&mut world);
        let time = world.ms("09:31", 10_000);
        world.quote(time.plus_nanos(quoted_at * 1_000_000), 0, "11.99", "12.01");
        world.print(time, 0, "12.00");
        assert_eq!(world.mark(), price(expected), "quoted {quoted_at} ms before");
    }
    let mut world = on_feed(two_sources());
    prints(&mut world);
    world.quote(world.ms("09:31", 9_000), 1, "11.97", "11.99");
    world.print(world.ms("09:31", 9_500), 0, "12.00");
    assert_eq!(world.mark(), price("12.00"), "the other source says so, too");
}

/// C28: two seconds after the last tick nothing opens, at two seconds it does; with bars alone the
/// limit is 90 s after the bar's end.
#[test]
fn nothing_opens_on_stale_data() {
    for (quoted, refusals) in [(58_000, vec![]), (57_999, vec!["stale_data"])] {
        let mut world = on_feed(live());
        world.quote(world.ms("09:30", quoted), 0, "9.99", "10.01");
        world.bar_with(0, 0, "09:30", "10.00", enter());
        assert_eq!(world.refusals(), refusals, "quoted {quoted} ms into the minute");
    }
    let mut world = on_feed(live());
    world.bar(0, "09:30", "10.00");
    world.wish(0, 0, enter());
    // The bar of 09:31 comes 89.9 s late and is fresh as bars go.
    let late = bar(&world, "09:31", "10.00", 1_000_000);
    world.beat(world.at("09:31"), 149, &[0]);
    world.market(world.ms("09:33", 29_900), 0, MarketEvent::Bar { symbol: X, bar: late });
    assert_eq!((world.refusals().len(), world.count(OrderRole::Entry)), (0, 1));
}

/// F23: the feed stops: everything is blocked after 5 s, entries are withdrawn, protection stays,
/// the operator is told; when the feed is back the block is lifted.
#[test]
fn a_silent_feed_blocks_and_keeps_exits() {
    let mut world = on_feed(live());
    world.beat(world.at("09:30"), 60, &[0]);
    for symbol in 0..2 {
        world.bar_with(0, symbol, "09:30", "10.00", enter());
    }
    let held = world.sent[0];
    world.fill(&held, 500, "10.50");
    world.beat(world.at("09:31"), 5, &[]);
    assert!(!world.blocked(Scope::All, BlockReason::Stale), "at the limit");
    world.beat(world.ms("09:31", 5_000), 1, &[]);
    assert!(world.blocked(Scope::All, BlockReason::Stale));
    assert_eq!(world.cancelled(), [OrderRole::Entry], "the entry, not the stop");
    assert!(world.alerts().contains(&AlertKind::Blocked));
    world.bar_with(0, 2, "09:31", "10.00", enter());
    assert_eq!(world.refusals(), ["blocked"]);
    world.bar_with(0, 0, "09:31", "10.00", Wish::Exit);
    assert_eq!(world.count(OrderRole::Close), 1, "I14: exits pass");
    world.beat(world.at("09:32"), 1, &[0]);
    assert!(!world.blocked(Scope::All, BlockReason::Stale));
}

/// F23: one symbol stops while the feed lives and its position is there: the operator is told.
#[test]
fn a_silent_symbol_with_a_position_alarms() {
    let mut world = on_feed(live());
    world.quote(world.ms("09:30", 59_000), 0, "9.99", "10.01");
    world.bar_with(0, 0, "09:30", "10.00", enter());
    world.fill(&world.last(OrderRole::Entry), 500, "10.50");
    assert!(!world.alerts().contains(&AlertKind::StaleData));
    world.beat(world.at("09:31"), 3, &[0]);
    assert!(world.alerts().contains(&AlertKind::StaleData));
    assert!(world.cancelled().is_empty());
}

/// R11: the backup takes over when the primary source falls silent and their prices agree, the
/// strategies are told, and the primary takes over again when it is back.
#[test]
fn the_backup_takes_over() {
    let mut world = on_feed(two_sources());
    let begin = world.at("09:35");
    world.quote(begin, 0, "9.99", "10.01");
    world.quote(begin, 1, "10.00", "10.02");
    assert_eq!(world.engine.data().symbol(X).unwrap().quote.unwrap().bid, price("9.99"));
    let told = world.told(0);
    for second in 1..=3 {
        world.quote(begin.plus_nanos(second * SECOND_NS), 1, "10.00", "10.02");
        world.beat(begin.plus_nanos((second - 1) * SECOND_NS), 1, &[0]);
    }
    assert_eq!(world.engine.data().feeds().active(X).0, 1);
    assert!(world.alerts().contains(&AlertKind::SourceSwitched));
    assert_eq!(world.told(0), told + 1, "the strategy was told");
    let now = begin.plus_nanos(4 * SECOND_NS);
    world.quote(now, 1, "10.03", "10.05");
    assert_eq!(world.engine.data().symbol(X).unwrap().quote.unwrap().bid, price("10.03"));
    world.quote(now, 0, "10.02", "10.04");
    world.beat(now, 1, &[0, 1]);
    assert_eq!(world.engine.data().feeds().active(X).0, 0, "back to the primary");
}

/// F14, R11: a source that is not connected opens nothing from that instant on, and its backup
/// takes over at the next look; without one everything is blocked.
#[test]
fn a_lost_connection_is_a_dead_source() {
    for (policy, blocked) in [(two_sources(), false), (live(), true)] {
        let mut world = on_feed(policy);
        let begin = world.ms("09:31", -1_000);
        world.beat(world.at("09:30"), 59, &[0, 1]);
        for source in [0, 1] {
            world.quote(begin, source, "9.99", "10.01");
        }
        let link = engine::Link::Feed(model::SourceId(0));
        world.apply(begin, Input::Connection { link, up: false });
        let minute = bar(&world, "09:30", "10.00", 1_000_000);
        world.wish(0, 0, enter());
        world.quote(begin.plus_nanos(1), 1, "9.99", "10.01");
        world.apply(world.at("09:31"), Input::Time);
        assert_eq!(world.blocked(Scope::All, BlockReason::Stale), blocked);
        let quiet = Scope::Symbol(SymbolId(1));
        assert_eq!(world.blocked(quiet, BlockReason::Stale), !blocked, "nobody took over there");
        assert!(!world.blocked(Scope::Symbol(X), BlockReason::Stale));
        world.market(
            world.at("09:31"),
            u8::from(!blocked),
            MarketEvent::Bar { symbol: X, bar: minute },
        );
        assert_eq!(world.refusals().len(), usize::from(blocked));
        assert!(world.alerts().contains(&AlertKind::Disconnected));
    }
}

/// R11: an unofficial backup marks and does not open; prices of an adjusted source are not used.
#[test]
fn unofficial_sources_mark_only() {
    let mut policy = two_sources();
    policy.sources[1].official = false;
    let mut world = on_feed(policy.clone());
    let begin = world.at("09:35");
    world.quote(begin, 0, "9.99", "10.01");
    for second in 1..=3 {
        world.quote(begin.plus_nanos(second * SECOND_NS), 1, "9.99", "10.01");
        world.beat(begin.plus_nanos((second - 1) * SECOND_NS), 1, &[0]);
    }
    let minute = bar(&world, "09:34", "10.00", 1_000_000);
    world.wish(0, 0, enter());
    let now = begin.plus_nanos(3 * SECOND_NS);
    world.market(now, 1, MarketEvent::Bar { symbol: X, bar: minute });
    assert_eq!(world.mark(), price("10.00"));
    assert_eq!(world.refusals(), ["unofficial_source"]);
    policy.sources[1].adjusted = true;
    let mut world = on_feed(policy);
    for second in 0..=3 {
        world.quote(begin.plus_nanos(second * SECOND_NS), 1, "9.99", "10.01");
    }
    world.beat(begin.plus_nanos(3 * SECOND_NS), 1, &[0, 1]);
    let state = world.engine.data().symbol(X).unwrap();
    assert_eq!((state.quote, world.engine.data().feeds().active(X).0), (None, 0));
}

/// R11: two fresh sources that disagree for five looks block the symbol until they agree again.
#[test]
fn disagreeing_sources_block_the_symbol() {
    let mut world = on_feed(two_sources());
    let begin = world.at("09:35");
    let mut second = 0;
    let mut look = |world: &mut World, bid: &str, ask: &str| {
        second += 1;
        let time = begin.plus_nanos(second * SECOND_NS);
        world.quote(time, 0, "99.99", "100.01");
        world.quote(time, 1, bid, ask);
        world.apply(time, Input::Time);
        world.blocked(Scope::Symbol(X), BlockReason::Disagreement)
    };
    look(&mut world, "99.99", "100.01");
    let looks: Vec<bool> = (0..5).map(|_| look(&mut world, "100.50", "100.54")).collect();
    assert_eq!(looks, [false, false, false, false, true]);
    assert!(!world.blocked(Scope::All, BlockReason::Stale));
    assert!(!look(&mut world, "100.49", "100.51"), "half a percent agrees");
}

/// C28, "alive but wrong": quotes flow and nothing prints, where earlier sessions say that much
/// should have: the symbol is blocked until it prints.
#[test]
fn a_symbol_that_should_print_and_does_not_is_blocked() {
    for (per_minute, blocked) in [(5_000.0, true), (4_999.0, false)] {
        let mut world = on_feed(live());
        let baseline =
            VolumeBaseline { rth_bar: vec![per_minute; 390], ..VolumeBaseline::default() };
        let day = SymbolDay {
            volume_baseline: Some(Arc::new(baseline)),
            ..SymbolDay::unknown(X, world.day)
        };
        world.apply(world.at("09:30"), Input::Reference(Box::new(day)));
        world.print(world.ms("10:00", 0), 0, "10.00");
        for second in 1..=121 {
            let time = world.ms("10:00", second * 1_000);
            world.quote(time, 0, "9.99", "10.01");
            if second < 120 {
                continue;
            }
            world.apply(time, Input::Time);
            let now = world.blocked(Scope::Symbol(X), BlockReason::Stale);
            assert_eq!(now, blocked && second == 121, "{per_minute} a minute, {second} s");
        }
        world.print(world.ms("10:02", 1_500), 0, "10.00");
        world.beat(world.ms("10:02", 1_000), 1, &[0]);
        assert!(!world.blocked(Scope::Symbol(X), BlockReason::Stale));
    }
}

/// TB8: a correction or a late bar changes nothing of the running session and is told; the same
/// bar again is no news.
#[test]
fn corrections_are_for_later_sessions() {
    let mut world = World::new(Limits::default());
    for clock in ["09:30", "09:32"] {
        world.bar(0, clock, "10.00");
    }
    let state = |world: &World| model::record::encode(&world.engine.data().symbol(X).unwrap().rth);
    let before = state(&world);
    let again = bar(&world, "09:32", "10.00", 1_000_000);
    let corrected = bar(&world, "09:30", "10.20", 1_000_000);
    let late = bar(&world, "09:31", "10.00", 1_000_000);
    for (bar, alerts) in [(again, 0), (corrected, 1), (late, 1)] {
        world.market(world.at("09:33"), 0, MarketEvent::Bar { symbol: X, bar });
        assert_eq!(state(&world), before);
        let told = world.alerts().iter().filter(|&&kind| kind == AlertKind::LateData).count();
        assert_eq!(told, alerts);
    }
    assert_eq!(world.engine.data().refused(), 3);
}

/// F24: a gap blocks the symbol and withdraws its entries; live bars wait; back-filled bars are
/// evaluated and open nothing; afterwards everything is as if there had been no gap.
#[test]
fn a_gap_is_back_filled() {
    let clocks = ["09:30", "09:31", "09:32", "09:33", "09:34"];
    let mut whole = World::new(Limits::default());
    for (n, clock) in clocks.into_iter().enumerate() {
        whole.bar(0, clock, &format!("10.0{n}"));
    }
    let mut world = World::new(Limits::default());
    world.bar_with(0, 0, "09:30", "10.00", enter());
    world.bar_with(1, 1, "09:30", "10.00", enter());
    let now = world.ms("09:31", 30_000);
    world.market(now, 0, MarketEvent::Gap { symbol: X, missing: 7 });
    assert!(world.blocked(Scope::Symbol(X), BlockReason::Gap));
    assert_eq!(world.cancelled(), [OrderRole::Entry], "of this symbol alone");
    world.report(&world.sent[0].clone(), model::ExecType::Cancelled);
    world.bar(0, "09:34", "10.04");
    assert_eq!(world.last_bar().start, world.at("09:30"), "what comes after the gap waits");
    for (n, clock) in clocks.into_iter().enumerate().skip(1) {
        world.wish(0, 0, enter());
        let bar = bar(&world, clock, &format!("10.0{n}"), 1_000_000);
        world.market(world.at("09:35"), 0, MarketEvent::Backfill { symbol: X, bar });
    }
    assert_eq!(world.refusals(), ["blocked"], "evaluated, not opened");
    world.market(world.at("09:35"), 0, MarketEvent::BackfillEnd { symbol: X });
    assert!(!world.blocked(Scope::Symbol(X), BlockReason::Gap));
    let values = |world: &World| {
        let state = world.engine.data().symbol(X).unwrap();
        let bytes = model::record::encode(&state.rth);
        (bytes, state.vwap.value(), state.ema9.value(), state.bars)
    };
    assert_eq!(values(&world), values(&whole));
    world.bar_with(0, 0, "09:35", "10.00", enter());
    assert_eq!(world.count(OrderRole::Entry), 3);
}

/// F24: the minute of a gap is not whole: its prints mark, and the first bar of prints is that of
/// the next minute.
#[test]
fn the_minute_of_a_gap_is_not_built() {
    let mut world = World::new(Limits::default());
    world.print(world.ms("09:30", 1_000), 0, "10.00");
    world.market(world.ms("09:30", 20_000), 0, MarketEvent::Gap { symbol: X, missing: 3 });
    world.print(world.ms("09:30", 40_000), 0, "10.30");
    assert_eq!(world.mark(), price("10.30"));
    let bar = bar(&world, "09:30", "10.10", 900);
    world.market(world.ms("09:31", 500), 0, MarketEvent::Backfill { symbol: X, bar });
    world.market(world.ms("09:31", 500), 0, MarketEvent::BackfillEnd { symbol: X });
    assert_eq!(world.last_bar(), bar);
    world.print(world.ms("09:31", 1_000), 0, "10.40");
    world.apply(world.at("09:32"), Input::Time);
    assert_eq!((world.last_bar().open, world.last_bar().volume), (price("10.40"), Volume(100)));
}
