//! A broker that the walk believes: it holds the true orders and executions, and tells of them
//! late, twice, in any order, restates it, and sometimes does not say whether a request arrived
//! (F01-F05, F08-F12, F18-F20).

use std::collections::BTreeMap;

use engine::execution_engine::VenueCapabilities;
use engine::{BrokerEvent, Command};
use model::{
    Ask, CancelRequest, Cash, ClientOrderId, ExecId, ExecType, ExecutionReport, Fill, NewOrder,
    NotSentReason, OrderKind, OrderRow, OrderState, Page, Price, Quantity, Query, RejectReason,
    ReplaceRequest, RequestKind, Rows, SendOutcome, Side, SymbolId, Timestamp, UnknownCause,
};

use crate::random::Random;

/// An order at the venue.
#[derive(Clone, Debug)]
pub(super) struct Resting {
    pub(super) order: NewOrder,
    pub(super) filled: i64,
    pub(super) live: bool,
    state: OrderState,
}

/// What became of a request on its way to the venue.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// It arrived, and we hear of it.
    Arrived,
    /// It never left.
    NotSent,
    /// It left and may have arrived: nobody says so.
    Doubtful(bool),
}

/// The venue with what it has not told yet.
#[derive(Debug)]
pub(super) struct Venue {
    pub(super) capabilities: VenueCapabilities,
    /// All orders by number.
    pub(super) orders: BTreeMap<u64, Resting>,
    live: Vec<u64>,
    /// What is on its way to us.
    pub(super) wire: Vec<BrokerEvent>,
    /// Shares held by symbol: the truth.
    pub(super) positions: BTreeMap<u32, i64>,
    executions: u64,
    /// The last executions, which may still be restated.
    recent: Vec<(NewOrder, Fill)>,
    pub(super) mischief: bool,
}

impl Venue {
    pub(super) fn new(capabilities: VenueCapabilities, mischief: bool) -> Self {
        Self {
            capabilities,
            orders: BTreeMap::new(),
            live: Vec::new(),
            wire: Vec::new(),
            positions: BTreeMap::new(),
            executions: 0,
            recent: Vec::new(),
            mischief,
        }
    }

    fn tell(&mut self, order: &NewOrder, exec: ExecType, time: Timestamp) {
        let (client_id, broker, symbol) = (order.client_id, order.broker, order.symbol);
        let resting = self.orders.get(&client_id.number.0);
        let ours = resting.filter(|resting| resting.order.client_id.epoch == client_id.epoch);
        let cum_qty = ours.map(|resting| Quantity::from_shares(resting.filled).unwrap());
        let report =
            ExecutionReport { client_id, broker, symbol, exec, time, cum_qty, broker_id: None };
        self.wire.push(BrokerEvent::Report(report));
    }

    /// Takes a command in; `reports` is how many of our reports were heard so far.
    pub(super) fn take(
        &mut self,
        command: &Command,
        time: Timestamp,
        reports: u64,
        random: &mut Random,
    ) {
        let (client_id, request) = match command {
            Command::Submit(order) => (order.client_id, RequestKind::Submit),
            Command::Replace(request) => (request.new_client_id, RequestKind::Replace),
            Command::Cancel(request) => (request.client_id, RequestKind::Cancel),
            Command::Query(query) => return self.answer(query, reports, random),
        };
        let way = match random.below(60) {
            0 => Way::NotSent,
            1 => Way::Doubtful(true),
            2 => Way::Doubtful(false),
            _ => Way::Arrived,
        };
        if way != Way::NotSent && way != Way::Doubtful(false) {
            match command {
                Command::Submit(order) => self.submit(order, time, random),
                Command::Replace(request) => self.replace(request, time, random),
                Command::Cancel(request) => self.cancel(request, time, random),
                Command::Query(_) => {}
            }
        }
        let causes = [UnknownCause::Timeout, UnknownCause::ConnectionLost, UnknownCause::Unmapped];
        let outcome = match way {
            Way::Arrived if random.one_in(2) => return,
            // Whether it was taken is in the reports; this says only that it is there.
            Way::Arrived if request != RequestKind::Submit => return,
            Way::Arrived if !self.orders[&client_id.number.0].live => return,
            Way::Arrived => SendOutcome::Accepted,
            Way::NotSent => SendOutcome::NotSent(NotSentReason::NotConnected),
            Way::Doubtful(_) => SendOutcome::Unknown(random.pick(&causes)),
        };
        self.wire.push(BrokerEvent::Outcome { client_id, request, outcome });
    }

    fn submit(&mut self, order: &NewOrder, time: Timestamp, random: &mut Random) {
        let number = order.client_id.number.0;
        assert!(!self.orders.contains_key(&number), "I1: order {number} was sent twice");
        let live = !random.one_in(40);
        let state = if live { OrderState::Working } else { OrderState::Rejected };
        self.orders.insert(number, Resting { order: *order, filled: 0, live, state });
        if live {
            self.live.push(number);
            if random.one_in(3) {
                self.tell(order, ExecType::Accepted, time);
            }
            self.tell(order, ExecType::New, time);
        } else {
            let reasons = [
                RejectReason::Invalid,
                RejectReason::BuyingPower,
                RejectReason::Halted,
                RejectReason::Other,
            ];
            self.tell(order, ExecType::Rejected(random.pick(&reasons)), time);
        }
    }

    fn replace(&mut self, request: &ReplaceRequest, time: Timestamp, random: &mut Random) {
        let Some(resting) = self.orders.get_mut(&request.client_id.number.0) else { return };
        let mut order = resting.order;
        let fits = resting.live && request.quantity.shares() > resting.filled;
        if fits && self.capabilities.replace && !random.one_in(20) {
            order.client_id = request.new_client_id;
            order.kind = request.kind;
            order.quantity = request.quantity;
            resting.order = order;
            self.tell(&order, ExecType::Replaced, time);
        } else {
            let reason = if fits { RejectReason::Other } else { RejectReason::TooLate };
            self.tell(&order, ExecType::ReplaceRejected(reason), time);
        }
    }

    fn cancel(&mut self, request: &CancelRequest, time: Timestamp, random: &mut Random) {
        let Some(resting) = self.orders.get(&request.client_id.number.0) else { return };
        let order = resting.order;
        if !resting.live {
            self.tell(&order, ExecType::CancelRejected(RejectReason::TooLate), time);
        } else if random.one_in(15) {
            self.tell(&order, ExecType::CancelRejected(RejectReason::Other), time);
        } else {
            self.end(order.client_id.number.0, ExecType::Cancelled, time);
        }
    }

    /// Answers a question about one order with the truth, or not at all.
    fn answer(&mut self, query: &Query, reports: u64, random: &mut Random) {
        let Ask::Order(id) = query.ask else { return };
        let resting = self.orders.get(&id.number.0).filter(|r| r.order.client_id == id);
        let row = resting.map(|resting| OrderRow {
            client_id: Some(id),
            symbol: Some(resting.order.symbol),
            side: resting.order.side,
            kind: resting.order.kind,
            quantity: resting.order.quantity,
            filled: Quantity::from_shares(resting.filled).unwrap(),
            state: resting.state,
            broker_id: None,
        });
        let rows = if random.one_in(6) {
            Rows::Unavailable
        } else {
            Rows::Orders(row.into_iter().collect())
        };
        let (asked_after, answered_after) = (reports, reports);
        let page = Page { query: query.id, page: 0, last: true, asked_after, answered_after, rows };
        self.wire.push(BrokerEvent::Page(Box::new(page)));
    }

    fn end(&mut self, number: u64, exec: ExecType, time: Timestamp) {
        self.live.retain(|&other| other != number);
        let Some(resting) = self.orders.get_mut(&number) else { return };
        resting.live = false;
        resting.state = match exec {
            ExecType::Expired => OrderState::Expired,
            _ => OrderState::Cancelled,
        };
        let order = resting.order;
        self.tell(&order, exec, time);
    }

    /// Lets something happen: mostly an execution near `price_of` the symbol.
    pub(super) fn stir(
        &mut self,
        time: Timestamp,
        price_of: impl Fn(SymbolId) -> Price,
        random: &mut Random,
    ) {
        if self.mischief && random.one_in(300) {
            self.restate(time, random);
        } else if self.mischief && random.one_in(20_000) {
            self.foreign(time, &price_of, random);
        } else if !self.live.is_empty() {
            let number = random.pick(&self.live);
            self.execute(number, time, &price_of, random);
        }
    }

    fn execute(
        &mut self,
        number: u64,
        time: Timestamp,
        price_of: &impl Fn(SymbolId) -> Price,
        random: &mut Random,
    ) {
        let Some(resting) = self.orders.get(&number) else { return };
        let order = resting.order;
        let left = order.quantity.shares() - resting.filled;
        if left <= 0 {
            self.end(number, ExecType::Cancelled, time);
            return;
        }
        let mut shares = if random.one_in(2) { left } else { random.between(1, left) };
        if self.mischief && random.one_in(2_000) {
            shares += random.between(1, 50);
        }
        let market = price_of(order.symbol);
        let price = match order.kind {
            OrderKind::Limit { limit } | OrderKind::StopLimit { limit, .. } => {
                if order.side.is_buy() { market.min(limit) } else { market.max(limit) }
            }
            OrderKind::Market | OrderKind::Stop { .. } => market,
        };
        let mut side = order.side;
        if self.mischief && random.one_in(5_000) {
            side = if side.is_buy() { Side::Sell } else { Side::Buy };
        }
        if side == order.side
            && let Some(resting) = self.orders.get_mut(&number)
        {
            resting.filled += shares;
        }
        self.fill(order, side, shares, price, time);
        let Some(resting) = self.orders.get_mut(&number) else { return };
        resting.state = OrderState::PartiallyFilled;
        if resting.filled >= order.quantity.shares() {
            resting.state = OrderState::Filled;
            resting.live = false;
            self.live.retain(|&other| other != number);
        }
        if self.capabilities.reduce_group && order.role.is_exit() && side == order.side {
            self.reduce_group(&order, shares, time);
        }
    }

    fn fill(&mut self, order: NewOrder, side: Side, shares: i64, price: Price, time: Timestamp) {
        self.executions += 1;
        let fill = Fill {
            exec_id: ExecId::simulated(self.executions),
            side,
            quantity: Quantity::from_shares(shares).unwrap(),
            price,
            fee: Cash::from_raw(shares * 5_000_000),
        };
        *self.positions.entry(order.symbol.0).or_default() += side.sign() * shares;
        self.tell(&order, ExecType::Trade(fill), time);
        self.recent.push((order, fill));
        if self.recent.len() > 50 {
            self.recent.remove(0);
        }
    }

    /// A fill of one exit reduces the others of its group (TF8).
    fn reduce_group(&mut self, filled: &NewOrder, shares: i64, time: Timestamp) {
        let number = filled.client_id.number.0;
        let left = |resting: &Resting| resting.order.quantity.shares() - resting.filled;
        let group: Vec<u64> = self
            .live
            .iter()
            .copied()
            .filter(|&other| other != number && self.orders[&other].order.group == filled.group)
            .collect();
        // The largest member before the fill was for all that is open.
        let before = left(&self.orders[&number]) + shares;
        let most = group.iter().map(|other| left(&self.orders[other])).max().unwrap_or(0);
        let open = before.max(most) - shares;
        for other in group {
            let Some(resting) = self.orders.get_mut(&other) else { continue };
            let left = left(resting);
            if open <= 0 {
                self.end(other, ExecType::Cancelled, time);
            } else if open < left {
                let total = Quantity::from_shares(resting.filled + open).unwrap();
                resting.order.quantity = total;
                let order = resting.order;
                self.tell(&order, ExecType::Restated { order_qty: total }, time);
            }
        }
    }

    /// Busts or corrects one of the last executions.
    fn restate(&mut self, time: Timestamp, random: &mut Random) {
        if self.recent.is_empty() {
            return;
        }
        let at = random.below(self.recent.len() as u64) as usize;
        let (order, fill) = self.recent.remove(at);
        let held = self.positions.entry(order.symbol.0).or_default();
        if random.one_in(2) {
            *held -= fill.side.sign() * fill.quantity.shares();
            self.tell(&order, ExecType::Bust { exec_id: fill.exec_id }, time);
            return;
        }
        self.executions += 1;
        let quantity = if random.one_in(3) {
            Quantity::from_shares(random.between(1, fill.quantity.shares())).unwrap()
        } else {
            fill.quantity
        };
        *held += fill.side.sign() * (quantity.shares() - fill.quantity.shares());
        let price = fill.price.plus(Price::from_raw(10_000_000));
        let exec_id = ExecId::simulated(self.executions);
        let right = Fill { exec_id, quantity, price, ..fill };
        self.recent.push((order, right));
        self.tell(&order, ExecType::Correct { replaces: fill.exec_id, fill: right }, time);
    }

    /// Somebody else trades in our account (F18).
    fn foreign(
        &mut self,
        time: Timestamp,
        price_of: &impl Fn(SymbolId) -> Price,
        random: &mut Random,
    ) {
        let symbol = SymbolId(random.below(6) as u32);
        let shares = random.pick(&[-1, 1]) * random.between(1, 100);
        self.trade_for_somebody(symbol, shares, price_of(symbol), time);
    }

    /// Books a trade of somebody else in our account; below zero for a sale.
    pub(super) fn trade_for_somebody(
        &mut self,
        symbol: SymbolId,
        shares: i64,
        price: Price,
        time: Timestamp,
    ) {
        let client_id = ClientOrderId { epoch: 3, ..ClientOrderId::default() };
        let side = if shares > 0 { Side::Buy } else { Side::Sell };
        let order = NewOrder { client_id, symbol, side, ..NewOrder::default() };
        self.fill(order, side, shares.abs(), price, time);
    }

    /// Ends the day: what still works expires.
    pub(super) fn close_day(&mut self, time: Timestamp) {
        while let Some(&number) = self.live.first() {
            self.end(number, ExecType::Expired, time);
        }
        self.orders.clear();
        self.recent.clear();
    }

    /// Takes a message off the wire: mostly the oldest one, sometimes any, sometimes a copy.
    pub(super) fn deliver(&mut self, random: &mut Random) -> Option<BrokerEvent> {
        if self.wire.is_empty() {
            return None;
        }
        let at = if random.one_in(4) { random.below(self.wire.len() as u64) as usize } else { 0 };
        if random.one_in(12) && matches!(self.wire[at], BrokerEvent::Report(_)) {
            return Some(self.wire[at].clone());
        }
        Some(self.wire.remove(at))
    }

    /// The process that asked is gone: what would have answered its requests is lost. Reports are
    /// told to the next one.
    pub(super) fn forget_answers(&mut self) {
        self.wire.retain(|event| matches!(event, BrokerEvent::Report(_)));
    }
}
