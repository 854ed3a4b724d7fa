//! F19, F24, F25: whatever comes in, the core neither panics nor takes it for a price. Seeded
//! nonsense: extreme prices, sizes and times, symbols that are none, reports on anything.

use engine::risk_manager::Limits;
use engine::{BrokerEvent, Input, MarketEvent, SlotKey};
use model::{
    Bar, BrokerId, Cash, ExecId, ExecType, ExecutionReport, Fill, Halt, OrderRole, Price, Quantity,
    Quote, Side, SourceId, StrategyId, SymbolDay, SymbolId, Timestamp, Trade, Volume,
};

use crate::random::Random;
use crate::world::{Wish, World, breakout, price};

/// Nonsense of every kind.
impl Random {
    fn price(&mut self) -> Price {
        let any = Price::from_raw(self.next() as i64);
        let list = [any, Price::from_raw(i64::MIN), Price::from_raw(-1), Price::ZERO];
        let more = [Price::from_raw(1), Price::from_raw(i64::MAX), price("10.00"), price("0.005")];
        if self.next().is_multiple_of(2) { self.pick(&list) } else { self.pick(&more) }
    }

    fn quantity(&mut self) -> Quantity {
        let any = self.next() as i64;
        let raw = self.pick(&[any, i64::MIN, -1_000_000_000, -1, 0, 1, 100_000_000_000, i64::MAX]);
        Quantity::from_raw(raw)
    }

    fn time(&mut self, now: Timestamp) -> Timestamp {
        let any = Timestamp::from_nanos(self.next() as i64);
        let next = now.plus_nanos(model::MINUTE_NS);
        let before = now.plus_nanos(-model::MINUTE_NS);
        self.pick(&[any, Timestamp::MIN, Timestamp::from_nanos(i64::MAX), now, next, before])
    }

    fn symbol(&mut self) -> SymbolId {
        SymbolId(self.pick(&[0, 1, 7, 8, u32::MAX]))
    }
}

fn bar(random: &mut Random, now: Timestamp) -> Bar {
    Bar {
        start: random.time(now),
        open: random.price(),
        high: random.price(),
        low: random.price(),
        close: random.price(),
        volume: Volume(random.next()),
    }
}

fn market(random: &mut Random, now: Timestamp) -> MarketEvent {
    let symbol = random.symbol();
    match random.next() % 4 {
        0 => MarketEvent::Bar { symbol, bar: bar(random, now) },
        1 => {
            let (bid, ask) = (random.price(), random.price());
            let (bid_size, ask_size) = (random.quantity(), random.quantity());
            let time = random.time(now);
            MarketEvent::Quote { symbol, quote: Quote { time, bid, ask, bid_size, ask_size } }
        }
        2 => {
            let (time, price, size) = (random.time(now), random.price(), random.quantity());
            MarketEvent::Trade { symbol, trade: Trade { time, price, size, ..Trade::default() } }
        }
        _ => {
            let halted = random.next().is_multiple_of(2);
            MarketEvent::Halt { symbol, halt: Halt { time: random.time(now), halted } }
        }
    }
}

fn reference(random: &mut Random, day: model::Date) -> SymbolDay {
    let numbers = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 0.0, 1e308, 5e-324];
    SymbolDay {
        prev_close: Some(random.price()),
        adv20: Some(random.pick(&numbers)),
        atr14: Some(random.pick(&numbers)),
        sma50: Some(random.pick(&numbers)),
        split_ratio: random.pick(&numbers),
        float_shares: Some(random.pick(&numbers)),
        ..SymbolDay::unknown(random.symbol(), day)
    }
}

/// No input panics, the books stay whole and restorable after each ([`World::apply`]), and what
/// works has prices and sizes above zero.
#[test]
fn nonsense_does_no_harm() {
    for seed in 0..40 {
        let mut random = Random(seed);
        let mut world = World::new(Limits::default());
        for round in 0..12 {
            let clock = format!("09:{:02}", 31 + round);
            world.bar_with(
                0,
                round % 3,
                &clock,
                "10.00",
                Wish::Enter(breakout("10.50", "10.55", "9.50")),
            );
            for _ in 0..4 {
                let now = world.engine.now();
                let input = match random.next() % 3 {
                    0 => Input::Reference(Box::new(reference(&mut random, world.day))),
                    _ => Input::Market { source: SourceId(0), event: market(&mut random, now) },
                };
                // A halt, or a time that has come, may end the day's trading; nothing else may.
                world.apply(now, input);
            }
        }
        for order in &world.sent {
            assert!(order.quantity.is_positive() && order.quantity.is_whole(), "seed {seed}");
            let prices = [order.kind.stop(), order.kind.limit()];
            assert!(prices.into_iter().flatten().all(Price::is_positive), "seed {seed}");
        }
    }
}

/// Reports with numbers that cannot be: not booked as they are, alarmed, never a panic; the
/// position is what the sound fills say.
#[test]
fn nonsense_from_a_broker_is_not_booked() {
    for seed in 0..40 {
        let mut random = Random(seed);
        let mut world = World::new(Limits::default());
        world.bar_with(0, 0, "09:30", "10.00", Wish::Enter(breakout("10.50", "10.55", "9.50")));
        let entry = world.last(OrderRole::Entry);
        world.fill(&entry, 100, "10.50");
        for round in 0..20 {
            let mut client_id = entry.client_id;
            if random.next().is_multiple_of(4) {
                client_id.number.0 = random.next();
            }
            let fill = Fill {
                exec_id: ExecId::simulated(1_000 + round),
                side: Side::Buy,
                quantity: random.pick(&[
                    Quantity::ZERO,
                    Quantity::from_raw(-1),
                    Quantity::from_raw(i64::MIN),
                    Quantity::from_raw(i64::MAX),
                ]),
                price: Price::from_raw(i64::MAX),
                fee: Cash::from_raw(random.next() as i64),
            };
            let report = ExecutionReport {
                client_id,
                broker: BrokerId(0),
                symbol: random.symbol(),
                exec: ExecType::Trade(fill),
                time: random.time(world.engine.now()),
                cum_qty: None,
                broker_id: None,
            };
            let (now, event) = (world.engine.now(), BrokerEvent::Report(report));
            world.apply(now, Input::Broker { broker: BrokerId(0), event });
        }
        let key = SlotKey { strategy: StrategyId(0), symbol: SymbolId(0) };
        let held = world.engine.books().position(key).unwrap().signed_qty();
        assert_eq!(held, Quantity::from_shares(100).unwrap(), "seed {seed}");
        assert!(!world.alerts().is_empty(), "seed {seed}: alarmed");
    }
}
