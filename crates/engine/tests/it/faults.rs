//! A seeded world of faults around two brokers: requests that vanish, answers that never come,
//! lost, late and repeated reports, broken connections, failed answers. Whatever happens, no
//! intent lives twice (I1), no position is flipped (I13), and once the faults end the books agree
//! with both brokers (I3, I10).

use std::collections::BTreeMap;

use engine::execution_engine::{BrokerTraits, ours};
use engine::lifecycle::State;
use engine::risk_manager::{Limits, Scope};
use engine::{BrokerEvent, Control, Fact, Input};
use model::{
    AccountRow, Ask, BrokerId, Cash, ClientOrderId, ExecId, ExecType, ExecutionReport,
    ExecutionRow, Fill, MINUTE_NS, NewOrder, NotSentReason, OrderRow, OrderState, Page,
    PositionRow, Price, Quantity, Query, RejectReason, ReplaceRequest, RequestKind, Rows,
    SECOND_NS, SendOutcome, SymbolId, Timestamp, UnknownCause,
};

use crate::world::{Setting, Wish, World, breakout, price};

/// xorshift64*: its seed is in every message.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % n
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

/// An order as a broker holds it.
#[derive(Clone, Copy, Debug)]
struct Held {
    order: NewOrder,
    filled: Quantity,
    state: OrderState,
}

/// A broker with its own truth.
#[derive(Debug, Default)]
struct Broker {
    up: bool,
    back_at: Option<Timestamp>,
    orders: BTreeMap<u64, Held>,
    executions: Vec<ExecutionRow>,
    positions: BTreeMap<u32, Quantity>,
    cash: Cash,
}

/// Something under way to the core.
#[derive(Debug)]
struct InFlight {
    due: Timestamp,
    broker: BrokerId,
    what: What,
}

#[derive(Debug)]
enum What {
    Event(BrokerEvent),
    Answer(Query, u64, bool),
}

struct Faults {
    world: World,
    random: Random,
    seed: u64,
    brokers: [Broker; 2],
    flight: Vec<InFlight>,
    heard: usize,
    executions: u64,
    calm: bool,
    submitted: Vec<ClientOrderId>,
}

impl Faults {
    fn new(seed: u64, failover: bool) -> Self {
        let brokers = vec![BrokerTraits::remote("ibkr"), BrokerTraits::remote("alpaca")];
        let limits = Limits { max_daily_loss_pct: None, ..Limits::default() };
        let setting = Setting { limits, brokers, opening_failover: failover };
        let mut faults = Self {
            world: World::lean(setting),
            random: Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1),
            seed,
            brokers: Default::default(),
            flight: Vec::new(),
            heard: 0,
            executions: 0,
            calm: true,
            submitted: Vec::new(),
        };
        for broker in 0..2 {
            faults.brokers[broker].cash = Cash::from_dollars(100_000).unwrap();
            faults.brokers[broker].up = true;
            faults.world.connection(broker as u8, true);
            faults.hear();
        }
        faults.run(3);
        assert_eq!(faults.world.engine.books().lifecycle(), State::Running);
        faults
    }

    fn chance(&mut self, percent: u64) -> bool {
        !self.calm && self.random.percent(percent)
    }

    /// Milliseconds from now.
    fn soon(&mut self, most: u64) -> Timestamp {
        let most = if self.calm { 200 } else { most };
        let wait = self.random.below(most) as i64 + 1;
        self.world.engine.now().plus_nanos(wait * 1_000_000)
    }

    fn send(&mut self, broker: BrokerId, most: u64, event: BrokerEvent) {
        let due = self.soon(most);
        self.flight.push(InFlight { due, broker, what: What::Event(event) });
    }

    fn outcome(&mut self, order: &ClientOrderId, at: BrokerId, of: RequestKind, what: SendOutcome) {
        let event = BrokerEvent::Outcome { client_id: *order, request: of, outcome: what };
        self.send(at, 1_000, event);
    }

    /// A report that may be late, lost or repeated.
    fn report(&mut self, order: &NewOrder, exec: ExecType) {
        let (client_id, broker, symbol) = (order.client_id, order.broker, order.symbol);
        let time = self.world.engine.now();
        let held = self.brokers[usize::from(broker.0)].orders.get(&client_id.number.0);
        let cum_qty = held.map(|held| held.filled);
        let report =
            ExecutionReport { client_id, broker, symbol, exec, time, cum_qty, broker_id: None };
        // An exit's missing fill is what makes the next exit too large (I13): it is lost often.
        let often = client_id.exit && matches!(exec, ExecType::Trade(_));
        let lost = self.chance(if often { 40 } else { 6 });
        if !self.brokers[usize::from(broker.0)].up || lost {
            return;
        }
        // Reports of one order come in order, those of several do not.
        let due = self.soon(3_000);
        let same = |flight: &&InFlight| match &flight.what {
            What::Event(BrokerEvent::Report(other)) => other.client_id.number == client_id.number,
            _ => false,
        };
        let due = self.flight.iter().filter(same).map(|f| f.due).fold(due, Timestamp::max);
        let times = if self.chance(6) { 2 } else { 1 };
        for _ in 0..times {
            let what = What::Event(BrokerEvent::Report(report));
            self.flight.push(InFlight { due, broker, what });
        }
    }

    /// Carries out what the core said since the last time.
    fn hear(&mut self) {
        while self.heard < self.world.facts.len() {
            let fact = self.world.facts[self.heard].clone();
            self.heard += 1;
            match fact {
                Fact::Intent(intent) => self.submit(&intent.order),
                Fact::Cancel(cancel) => {
                    self.cancel(cancel.request.client_id, cancel.request.broker);
                }
                Fact::Replace(replace) => self.replace(&replace.request),
                Fact::Query(asked) => {
                    let query = asked.query;
                    let reports = self.world.engine.books().brokers().get(query.broker).reports;
                    let fails = self.chance(15);
                    let due = self.soon(1_500);
                    let what = What::Answer(query, reports, fails);
                    self.flight.push(InFlight { due, broker: query.broker, what });
                }
                _ => {}
            }
        }
    }

    fn submit(&mut self, order: &NewOrder) {
        let seed = self.seed;
        assert!(!self.submitted.contains(&order.client_id), "seed {seed}: sent twice, {order:?}");
        self.submitted.push(order.client_id);
        let (id, at, kind) = (order.client_id, order.broker, RequestKind::Submit);
        if !self.brokers[usize::from(at.0)].up || self.chance(6) {
            let outcome = SendOutcome::NotSent(NotSentReason::NotConnected);
            self.outcome(&id, at, kind, outcome);
            return;
        }
        if self.chance(5) {
            let reasons = [
                RejectReason::BuyingPower,
                RejectReason::BrokerUnavailable,
                RejectReason::RateLimited,
                RejectReason::Halted,
            ];
            let reason = reasons[self.random.below(4) as usize];
            self.outcome(&id, at, kind, SendOutcome::Rejected(reason));
            return;
        }
        let lost = self.chance(6);
        if !lost {
            let held = Held { order: *order, filled: Quantity::ZERO, state: OrderState::Working };
            self.brokers[usize::from(at.0)].orders.insert(id.number.0, held);
            self.report(order, ExecType::New);
        }
        let outcome = if lost || self.chance(10) {
            let causes = UnknownCause::ALL;
            SendOutcome::Unknown(causes[self.random.below(causes.len() as u64) as usize])
        } else if self.chance(3) {
            SendOutcome::Rejected(RejectReason::DuplicateId)
        } else {
            SendOutcome::Accepted
        };
        self.outcome(&id, at, kind, outcome);
        self.check_once();
    }

    fn cancel(&mut self, id: ClientOrderId, at: BrokerId) {
        let kind = RequestKind::Cancel;
        if !self.brokers[usize::from(at.0)].up || self.chance(8) {
            let outcome = SendOutcome::NotSent(NotSentReason::NotConnected);
            self.outcome(&id, at, kind, outcome);
            return;
        }
        let lost = self.chance(8);
        let held = self.brokers[usize::from(at.0)].orders.get_mut(&id.number.0);
        let live = held.filter(|held| held.state == OrderState::Working);
        let outcome = match live {
            _ if lost => SendOutcome::Unknown(UnknownCause::Timeout),
            None => SendOutcome::Rejected(RejectReason::TooLate),
            Some(held) => {
                held.state = OrderState::Cancelled;
                let order = held.order;
                self.report(&order, ExecType::Cancelled);
                SendOutcome::Accepted
            }
        };
        let unheard = self.chance(8);
        let unknown = SendOutcome::Unknown(UnknownCause::ServerError);
        self.outcome(&id, at, kind, if unheard { unknown } else { outcome });
    }

    fn replace(&mut self, request: &ReplaceRequest) {
        let (id, at, kind) = (request.new_client_id, request.broker, RequestKind::Replace);
        if !self.brokers[usize::from(at.0)].up || self.chance(6) {
            let outcome = SendOutcome::NotSent(NotSentReason::NotConnected);
            self.outcome(&id, at, kind, outcome);
            return;
        }
        let lost = self.chance(6);
        let held = self.brokers[usize::from(at.0)].orders.get_mut(&id.number.0);
        let live = held.filter(|held| held.state == OrderState::Working);
        let outcome = match live {
            _ if lost => SendOutcome::Unknown(UnknownCause::Timeout),
            None => SendOutcome::Rejected(RejectReason::TooLate),
            Some(held) => {
                held.order.client_id = id;
                (held.order.kind, held.order.quantity) = (request.kind, request.quantity);
                let order = held.order;
                self.report(&order, ExecType::Replaced);
                SendOutcome::Accepted
            }
        };
        let unheard = self.chance(8);
        let unknown = SendOutcome::Unknown(UnknownCause::Unparsable);
        self.outcome(&id, at, kind, if unheard { unknown } else { outcome });
    }

    /// Fills some of what works, at both brokers.
    fn fill_some(&mut self, percent: u64) {
        for at in 0..2 {
            let numbers: Vec<u64> = self.brokers[at].orders.keys().copied().collect();
            for number in numbers {
                let held = self.brokers[at].orders[&number];
                if held.state != OrderState::Working || !self.random.percent(percent) {
                    continue;
                }
                let leaves = held.order.quantity.minus(held.filled).shares();
                if leaves <= 0 {
                    continue;
                }
                let part = if self.random.percent(50) {
                    leaves
                } else {
                    1 + self.random.below(leaves as u64) as i64
                };
                self.fill(at, number, part);
            }
        }
    }

    fn fill(&mut self, at: usize, number: u64, part: i64) {
        self.executions += 1;
        let quantity = Quantity::from_shares(part).unwrap();
        let broker = &mut self.brokers[at];
        let held = broker.orders.get_mut(&number).unwrap();
        held.filled = held.filled.plus(quantity);
        if held.filled >= held.order.quantity {
            held.state = OrderState::Filled;
        }
        let order = held.order;
        let at_price: Price = order.kind.stop().or(order.kind.limit()).unwrap_or(price("10.00"));
        let fill = Fill {
            exec_id: ExecId::simulated(self.executions),
            side: order.side,
            quantity,
            price: at_price,
            fee: Cash::from_raw(10_000_000),
        };
        let (client_id, symbol) = (Some(order.client_id), Some(order.symbol));
        let time = self.world.engine.now();
        broker.executions.push(ExecutionRow { client_id, symbol, fill, time });
        let signed = if order.side.is_buy() { quantity } else { quantity.negated() };
        let position = broker.positions.entry(order.symbol.0).or_default();
        *position = position.plus(signed);
        assert!(position.raw() >= 0, "seed {}: I13: {order:?} flipped a position", self.seed);
        let value = at_price.notional(signed).unwrap();
        broker.cash = broker.cash.minus(value).minus(fill.fee);
        self.report(&order, ExecType::Trade(fill));
    }

    fn rows(&self, at: usize, ask: Ask) -> Rows {
        let broker = &self.brokers[at];
        let row = |held: &Held| OrderRow {
            client_id: Some(held.order.client_id),
            symbol: Some(held.order.symbol),
            side: held.order.side,
            kind: held.order.kind,
            quantity: held.order.quantity,
            filled: held.filled,
            state: match held.state {
                OrderState::Working if held.filled.is_positive() => OrderState::PartiallyFilled,
                state => state,
            },
            broker_id: None,
        };
        match ask {
            Ask::Order(id) => {
                let held = broker.orders.get(&id.number.0);
                let held = held.filter(|held| held.order.client_id == id);
                Rows::Orders(held.map(row).into_iter().collect())
            }
            Ask::OpenOrders => {
                let open = broker.orders.values().filter(|h| h.state == OrderState::Working);
                Rows::Orders(open.map(row).collect())
            }
            Ask::Executions { since } => {
                let rows = broker.executions.iter().filter(|row| row.time >= since);
                Rows::Executions(rows.copied().collect())
            }
            Ask::Positions => {
                let rows = broker.positions.iter().map(|(&symbol, &quantity)| PositionRow {
                    symbol: Some(SymbolId(symbol)),
                    quantity,
                    value: price("10.00").notional(quantity).unwrap(),
                });
                Rows::Positions(rows.collect())
            }
            Ask::Account => {
                let (cash, equity, buying_power) = (broker.cash, broker.cash, broker.cash);
                Rows::Account(AccountRow { cash, equity, buying_power })
            }
        }
    }

    /// Delivers what is due.
    fn deliver(&mut self) {
        loop {
            let now = self.world.engine.now();
            let due = self.flight.iter().position(|flight| flight.due <= now);
            let Some(at) = due else { return };
            let flight = self.flight.remove(at);
            let broker = flight.broker;
            let event = match flight.what {
                What::Event(event) => event,
                What::Answer(query, asked_after, fails) => {
                    let reports = self.world.engine.books().brokers().get(broker).reports;
                    let rows = if fails {
                        Rows::Unavailable
                    } else {
                        self.rows(usize::from(broker.0), query.ask)
                    };
                    let (page, last) = (0, true);
                    let answered_after = reports;
                    let query = query.id;
                    let page = Page { query, page, last, asked_after, answered_after, rows };
                    BrokerEvent::Page(Box::new(page))
                }
            };
            self.world.apply(now, Input::Broker { broker, event });
            self.hear();
        }
    }

    fn flap(&mut self) {
        for at in 0..2 {
            let now = self.world.engine.now();
            let broker = &mut self.brokers[at];
            if broker.up && !self.calm && self.random.below(150) == 0 {
                broker.up = false;
                let away = 1 + self.random.below(25) as i64;
                broker.back_at = Some(now.plus_nanos(away * SECOND_NS));
                // What is under way from there is lost.
                self.flight.retain(|flight| flight.broker.0 as usize != at);
                self.world.connection(at as u8, false);
            } else if !broker.up && (self.calm || broker.back_at.is_some_and(|t| t <= now)) {
                broker.up = true;
                self.world.connection(at as u8, true);
            }
            self.hear();
        }
    }

    /// Lets `quarters` quarters of a second pass.
    fn run(&mut self, quarters: u32) {
        for _ in 0..quarters {
            self.world.pass(SECOND_NS / 4);
            self.hear();
            self.deliver();
            self.flap();
        }
    }

    /// I1: of each intent at most one attempt lives, over both brokers.
    fn check_once(&self) {
        let live = |at: usize, number: u64| {
            let held = self.brokers[at].orders.get(&number);
            held.is_some_and(|held| held.state == OrderState::Working)
        };
        for &number in self.brokers[0].orders.keys() {
            let twice = live(0, number) && live(1, number);
            assert!(!twice, "seed {}: I1: order {number} lives twice", self.seed);
        }
    }

    /// One minute of wishes, fills and faults.
    fn minute(&mut self) {
        let start = self.world.engine.now().nanos() / MINUTE_NS * MINUTE_NS;
        let start = Timestamp::from_nanos(start);
        while self.world.engine.now() < start.plus_nanos(MINUTE_NS) {
            self.run(4);
            self.fill_some(4);
        }
        for symbol in 0..3 {
            let wish = match self.random.below(5) {
                0 | 1 => Wish::Enter(breakout("10.50", "10.55", "10.00")),
                2 => Wish::Enter(breakout("10.60", "10.65", "10.10")),
                3 => Wish::NoEntry,
                _ => Wish::Exit,
            };
            self.world.wish(0, symbol, wish);
            self.world.bar_at(symbol, start, "10.20");
            self.hear();
        }
    }

    /// The faults end: after a while nothing is in doubt and both books agree.
    fn settle(&mut self) {
        self.calm = true;
        self.run(4 * 150);
        let (seed, books) = (self.seed, self.world.engine.books());
        assert!(books.brokers().doubts().is_empty(), "seed {seed}: {:?}", books.brokers().doubts());
        for at in 0..2 {
            for symbol in 0..3 {
                let theirs = self.brokers[at].positions.get(&symbol).copied().unwrap_or_default();
                let ours = ours(books, BrokerId(at as u8), SymbolId(symbol));
                assert_eq!(ours, theirs, "seed {seed}: I3: broker {at}, symbol {symbol}");
            }
            let state = books.brokers().get(BrokerId(at as u8));
            assert!(state.differences.is_empty(), "seed {seed}: {:?}", state.differences);
            assert_eq!(state.drift, Cash::ZERO, "seed {seed}: cash of broker {at}");
            for (&number, held) in &self.brokers[at].orders {
                let order = books.orders().get(model::OrderNumber(number)).unwrap();
                if order.request.broker == BrokerId(at as u8) {
                    let live = held.state == OrderState::Working;
                    let known = !order.state.is_terminal();
                    assert_eq!(known, live, "seed {seed}: order {number}: {order:?} {held:?}");
                }
            }
        }
    }

    /// Everything is closed at the end, where it is held.
    fn flatten(&mut self) {
        self.world.control(Control::Flatten(Scope::All));
        self.hear();
        for _ in 0..60 {
            self.run(4);
            self.fill_some(100);
        }
        self.run(4 * 60);
        let seed = self.seed;
        for at in 0..2 {
            let externals = self.world.engine.books().externals();
            for (symbol, position) in &self.brokers[at].positions {
                let apart = externals.iter().any(|e| {
                    e.broker.0 as usize == at && e.symbol.0 == *symbol && !e.quantity.is_zero()
                });
                assert!(apart || position.is_zero(), "seed {seed}: broker {at}, {symbol}");
            }
        }
    }
}

/// I1, I3, I10, I13 over seeded faults of every kind, with and without fail-over; `FAULT_SEEDS=A..B`
/// runs others.
#[test]
#[expect(clippy::disallowed_methods, reason = "a test asks which seeds to run")]
fn faults_never_duplicate_lose_or_flip() {
    let asked = std::env::var("FAULT_SEEDS").unwrap_or_default();
    let range = asked
        .split_once("..")
        .and_then(|(from, to)| Some((from.parse::<u64>().ok()?, to.parse::<u64>().ok()?)));
    // In 11 and 15 the next exit is too large unless the broker's cumulative quantity is heeded.
    let seeds = range.map_or(vec![1, 2, 3, 4, 11, 15], |(from, to)| (from..to).collect());
    for seed in seeds {
        let mut faults = Faults::new(seed, seed % 2 == 0);
        faults.calm = false;
        for _ in 0..12 {
            faults.minute();
        }
        faults.settle();
        faults.flatten();
    }
}
