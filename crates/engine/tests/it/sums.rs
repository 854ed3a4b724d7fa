//! The account's sums over random executions, busts, corporate actions, charges and adjustments:
//! books without the deciding part, checked after every entry (I3, I4, I11, F12, F27).

use engine::risk_manager::{Gate, Limits, Sizing};
use engine::strategy_engine::{Direction, Plan};
use engine::{
    ActionEffect, Books, BrokerEvent, Control, DayRoll, Fact, Input, Intent, Seen, SlotKey,
};
use model::{
    ActionKind, BrokerId, Cash, ChargeKind, ClientOrderId, ClosedTrade, CorporateAction, Date,
    ExecId, ExecType, ExecutionReport, Fill, NewOrder, OrderKind, OrderRole, Price, Quantity, Side,
    SplitRatio, StrategyId, SymbolId, TimeInForce, Timestamp,
};

use crate::random::Random;
use crate::world::shares;

const SYMBOLS: u64 = 3;

impl Random {
    fn cents(&mut self, least: u64, most: u64) -> Price {
        Price::from_raw((least + self.below(most - least)) as i64 * 10_000_000)
    }

    /// An amount to the billionth, of either sign.
    fn amount(&mut self) -> Cash {
        Cash::from_raw(self.below(20_000_000_000) as i64 - 10_000_000_000)
    }
}

/// Books, their clock, and every execution that was reported.
struct Desk {
    books: Books,
    day: Date,
    now: i64,
    executions: u64,
    reported: Vec<(NewOrder, ExecId)>,
}

impl Desk {
    fn new() -> Self {
        let deposit = Cash::from_dollars(100_000).unwrap();
        let books = Books::new(SYMBOLS as usize, 2, deposit, Gate::new(Limits::unlimited()));
        let day = "2026-01-05".parse().unwrap();
        let mut desk = Self { books, day, now: 1, executions: 0, reported: Vec::new() };
        desk.roll();
        desk
    }

    fn time(&mut self) -> Timestamp {
        self.now += 1_000_000;
        Timestamp::from_nanos(self.now)
    }

    /// Records the trades of closed positions and begins the next day.
    fn roll(&mut self) {
        while let Some(&(key, _)) = self.books.closed().first() {
            let (strategy, symbol, id) = (key.strategy, key.symbol, self.books.trades() + 1);
            let trade = ClosedTrade { id, strategy, symbol, ..ClosedTrade::default() };
            self.books.fold(&Fact::TradeClosed(Box::new(trade)));
        }
        self.day = self.day.plus_days(1);
        let settles = Some(self.day.plus_days(1));
        let first_order = self.books.orders().next_number();
        let roll = DayRoll { session: self.day, settles, first_order, ..DayRoll::default() };
        self.books.fold(&Fact::DayRoll(roll));
    }

    fn observe(&mut self, input: &Input, time: Timestamp) -> Seen {
        let mut seen = Seen::default();
        self.books.observe(input, time, &mut seen);
        seen
    }

    fn report(&mut self, order: &NewOrder, exec: ExecType) {
        let report = ExecutionReport {
            client_id: order.client_id,
            broker: order.broker,
            symbol: order.symbol,
            exec,
            time: self.time(),
            cum_qty: None,
            broker_id: None,
        };
        let event = BrokerEvent::Report(report);
        self.observe(&Input::Broker { broker: order.broker, event }, report.time);
    }

    /// Sends an order, fills it in two parts and cancels the rest of it.
    fn trade(&mut self, random: &mut Random, key: SlotKey, role: OrderRole, side: Side, most: i64) {
        let quantity = 1 + random.below(most as u64) as i64;
        let number = self.books.orders().next_number();
        let exit = role.is_exit();
        let order = NewOrder {
            client_id: ClientOrderId { tag: *b"BW\0\0", epoch: 1, number, attempt: 0, exit },
            broker: BrokerId(0),
            symbol: key.symbol,
            side,
            kind: OrderKind::Market,
            quantity: shares(quantity),
            time_in_force: TimeInForce::Day,
            role,
            group: self.books.position(key).map(|position| position.group).filter(|_| exit),
        };
        let direction = if side.is_buy() { Direction::Long } else { Direction::Short };
        let plan = (!exit).then_some(Plan { direction, ..Plan::default() });
        let sizing = (!exit).then_some(Sizing { quantity: order.quantity, ..Sizing::default() });
        let (strategy, time) = (key.strategy, self.time());
        let intent = Intent { order, strategy, time, plan, sizing, reason: None };
        self.books.fold(&Fact::Intent(Box::new(intent)));
        let first = 1 + random.below(quantity as u64) as i64;
        // Now and then more than was ordered: the rest belongs to no plan (F19).
        let over = i64::from(random.below(12) == 0) * 7;
        for part in [first, quantity - first + over] {
            if part == 0 || random.below(5) == 0 {
                continue;
            }
            self.executions += 1;
            let fill = Fill {
                exec_id: ExecId::simulated(self.executions),
                side,
                quantity: shares(part),
                price: random.cents(500, 9_000),
                fee: random.amount(),
            };
            self.reported.push((order, fill.exec_id));
            self.report(&order, ExecType::Trade(fill));
        }
        self.report(&order, ExecType::Cancelled);
    }

    fn bust(&mut self, random: &mut Random) {
        if self.reported.is_empty() {
            return;
        }
        let at = random.below(self.reported.len() as u64) as usize;
        let (order, exec_id) = self.reported.swap_remove(at);
        self.report(&order, ExecType::Bust { exec_id });
    }

    fn act(&mut self, random: &mut Random, symbol: SymbolId) {
        let ratios = [(2, 1), (3, 2), (4, 3), (1, 10), (1, 3)];
        let (new, old) = ratios[random.below(5) as usize];
        let ratio = SplitRatio::new(new, old).unwrap();
        let kind = match random.below(2) {
            0 => ActionKind::Split { ratio, cash_in_lieu: None },
            _ => ActionKind::Dividend {
                per_share: Cash::from_raw(random.below(1_000_000_000) as i64),
            },
        };
        let action = CorporateAction { symbol, ex_date: self.day, kind };
        let seen = self.observe(&Input::Action(action), Timestamp::from_nanos(self.now));
        if seen.announced != engine::Announced::New {
            return;
        }
        let effect = ActionEffect {
            action,
            time: self.time(),
            cash_in_lieu: random.cents(500, 9_000),
            too_late: false,
        };
        self.books.fold(&Fact::Action(Box::new(effect)));
        if let ActionKind::Split { .. } = kind {
            let held = self.books.held_at(BrokerId(0), symbol);
            assert!(held.is_whole(), "{held} of {symbol:?}: fractions are paid in cash");
        }
    }

    fn adjust(&mut self, random: &mut Random, symbol: SymbolId) {
        let broker = BrokerId(random.below(2) as u8);
        let (quantity, price) = (shares(random.below(400) as i64 - 200), random.cents(500, 9_000));
        let before = (self.books.held_at(broker, symbol), self.books.ledger().cash());
        let control = Control::Adjust { broker, symbol, quantity, price };
        let time = self.time();
        self.observe(&Input::from(control), time);
        let after = (self.books.held_at(broker, symbol), self.books.ledger().cash());
        assert_eq!(after, (before.0.plus(quantity), before.1), "shares move, cash does not");
    }

    fn step(&mut self, random: &mut Random) {
        let strategy = StrategyId(random.below(2) as u16);
        let key = SlotKey { strategy, symbol: SymbolId(random.below(SYMBOLS) as u32) };
        let held = self.books.position(key).map_or(Quantity::ZERO, |p| p.signed_qty());
        match random.below(16) {
            0..8 if held.is_zero() => {
                let side = if random.below(2) == 0 { Side::Buy } else { Side::SellShort };
                self.trade(random, key, OrderRole::Entry, side, 300);
            }
            0..8 => {
                let side = if held.is_positive() { Side::Sell } else { Side::Buy };
                let open = held.abs().shares().max(1);
                self.trade(random, key, OrderRole::Close, side, open);
            }
            8 | 9 => self.bust(random),
            10 => {
                let kind = ChargeKind::ALL[random.below(ChargeKind::COUNT as u64) as usize];
                let event = BrokerEvent::Charge { kind, fee: random.amount() };
                let input = Input::Broker { broker: BrokerId(0), event };
                self.observe(&input, Timestamp::from_nanos(self.now));
            }
            11 | 12 => self.adjust(random, key.symbol),
            13 | 14 => self.act(random, key.symbol),
            _ => self.roll(),
        }
    }
}

/// I3, I11: whatever happens, positions are the sum of their entries, tax lots hold the same shares
/// and all the cash, and the ledger sums to zero; and all of it survives its encoding.
#[test]
fn the_books_sum_up() {
    for seed in 1..=30_u64 {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut desk = Desk::new();
        for step in 0..250 {
            desk.step(&mut random);
            if let Err(why) = desk.books.check() {
                panic!("seed {seed}, step {step}: {why}");
            }
        }
        let bytes = model::record::encode(&desk.books);
        let deposit = Cash::ZERO;
        let mut other = Books::new(SYMBOLS as usize, 2, deposit, Gate::new(Limits::unlimited()));
        model::record::Record::load(&mut other, &mut model::record::Reader::new(&bytes)).unwrap();
        assert_eq!(model::record::encode(&other), bytes, "seed {seed}");
    }
}
