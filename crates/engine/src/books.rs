//! What must never be wrong: orders, positions, money, day counters, gate and lifecycle.
//!
//! Books change in two ways only: [`Books::observe`] takes an input in, [`Books::fold`] a fact
//! that the core decided (journal.md 2). Replaying the same inputs and facts gives the same
//! Books, whatever else was computed. Deciding code sees `&Books`.
//!
//! Invariants: I3 (a position is the sum of its booked fills), I4 (each execution once), I11.

use model::{
    Cash, Date, ExecType, ExecutionReport, ExitReason, Fill, OrderNumber, OrderRole, OrderState,
    Price, Quantity, StrategyId, SymbolId, Timestamp, TradeFill, record,
};

use crate::fact::{DayRoll, Fact, GateChange, Intent, Replace, SlotKey};
use crate::ledger::Ledger;
use crate::lifecycle::State;
use crate::order_manager::{
    IllegalTransition, Order, OrderEvent, OrderStore, Position, Replacement, Terms, after,
};
use crate::risk_manager::{Gate, GateEvent, LossLevel};
use crate::strategy_engine::Plan;

/// All that a strategy has in a symbol.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Slot {
    /// The order of the entry that works or is under way.
    pub entry: Option<OrderNumber>,
    /// The open position.
    pub position: Option<Box<Position>>,
    /// Positions opened today.
    pub entries_today: u16,
}

impl Slot {
    /// Returns true when the slot has an entry or a position.
    #[inline]
    pub fn is_active(&self) -> bool {
        self.entry.is_some() || self.position.is_some()
    }
}

/// The counters of one session.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Day {
    /// The session.
    pub session: Date,
    /// Equity for sizing and limits, frozen for the day (TS1).
    pub equity: Cash,
    /// Realised result minus fees since the account was opened, at the session's begin.
    pub realised_before: Cash,
    /// Highest loss level reached (C10).
    pub loss: LossLevel,
    /// Sum of the R multiples of today's trades, by strategy (TG28).
    pub r_by_strategy: Vec<f64>,
    /// First order of this session.
    pub first_order: OrderNumber,
}

/// What an observation brought to light, for the deciding part.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Observed {
    /// The slot whose order was reported on.
    pub slot: Option<SlotKey>,
    /// Something was filled.
    pub filled: bool,
    /// Something is not as it should be.
    pub anomaly: Option<Anomaly>,
}

/// A report that does not fit.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Anomaly {
    /// On an order that is not ours or long forgotten (F19).
    UnknownOrder(ExecutionReport),
    /// Not legal in the order's state (I9).
    Illegal(OrderNumber, IllegalTransition),
    /// The broker refused the order or a change of it.
    Refused(OrderNumber),
    /// More was filled than ordered, or an exit filled beyond the position (I4).
    OverFill(OrderNumber),
    /// A fill after the order was done (F09).
    LateFill(OrderNumber),
}

/// The core's durable half.
#[derive(Debug)]
pub struct Books {
    lifecycle: State,
    killed: bool,
    orders: OrderStore,
    symbols: usize,
    slots: Vec<Slot>,
    active: Vec<SlotKey>,
    active_by_symbol: Vec<u16>,
    ledger: Ledger,
    day: Day,
    gate: Gate,
    closed: Vec<(SlotKey, Position)>,
    trades: u64,
}

impl Books {
    /// Opens the books of an account.
    pub fn new(symbols: usize, strategies: usize, deposit: Cash, gate: Gate) -> Self {
        Self {
            lifecycle: State::Stopped,
            killed: false,
            orders: OrderStore::default(),
            symbols,
            slots: (0..symbols * strategies).map(|_| Slot::default()).collect(),
            active: Vec::new(),
            active_by_symbol: vec![0; symbols],
            ledger: Ledger::new(deposit),
            day: Day { r_by_strategy: vec![0.0; strategies], ..Day::default() },
            gate,
            closed: Vec::new(),
            trades: 0,
        }
    }

    /// Returns the lifecycle's state.
    pub fn lifecycle(&self) -> State {
        self.lifecycle
    }

    /// Returns true while the kill switch is set.
    pub fn is_killed(&self) -> bool {
        self.killed
    }

    /// Returns the known orders.
    pub fn orders(&self) -> &OrderStore {
        &self.orders
    }

    /// Returns the account.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Returns the day's counters.
    pub fn day(&self) -> &Day {
        &self.day
    }

    /// Returns the gate.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Returns how many trades were closed.
    pub fn trades(&self) -> u64 {
        self.trades
    }

    /// Returns the slots that have an entry or a position, in the order in which they became
    /// active.
    pub fn active(&self) -> &[SlotKey] {
        &self.active
    }

    /// Returns true when some strategy has an entry or a position in the symbol.
    #[inline]
    pub fn is_symbol_active(&self, symbol: SymbolId) -> bool {
        self.active_by_symbol.get(symbol.index()).is_some_and(|&count| count > 0)
    }

    /// Returns a slot; a key out of range is an empty slot.
    #[inline]
    pub fn slot(&self, key: SlotKey) -> Option<&Slot> {
        self.slots.get(self.index(key))
    }

    /// Returns the open position of a strategy in a symbol.
    #[inline]
    pub fn position(&self, key: SlotKey) -> Option<&Position> {
        self.slot(key)?.position.as_deref()
    }

    /// Returns the entry that works in a slot or is under way.
    pub fn working_entry(&self, key: SlotKey) -> Option<&Order> {
        self.orders.get(self.slot(key)?.entry?)
    }

    /// Returns closed positions whose trade is not recorded yet.
    pub fn closed(&self) -> &[(SlotKey, Position)] {
        &self.closed
    }

    /// Returns the realised result of the day, after fees.
    pub fn realised_today(&self) -> Cash {
        self.realised_net().minus(self.day.realised_before)
    }

    fn realised_net(&self) -> Cash {
        self.ledger.realised().minus(self.ledger.fees())
    }

    #[inline]
    fn index(&self, key: SlotKey) -> usize {
        key.strategy.index() * self.symbols + key.symbol.index()
    }

    /// Runs `change` on a slot and keeps the list of active slots true.
    fn with_slot(&mut self, key: SlotKey, change: impl FnOnce(&mut Slot)) {
        let index = self.index(key);
        let Some(slot) = self.slots.get_mut(index) else { return };
        let before = slot.is_active();
        change(slot);
        let now = slot.is_active();
        if before == now {
            return;
        }
        if now {
            self.active.push(key);
        } else {
            self.active.retain(|&other| other != key);
        }
        if let Some(count) = self.active_by_symbol.get_mut(key.symbol.index()) {
            *count = if now { count.saturating_add(1) } else { count.saturating_sub(1) };
        }
    }

    /// Takes a fact in. The only other way in is [`observe`](Self::observe).
    pub fn fold(&mut self, fact: &Fact) {
        match fact {
            Fact::Intent(intent) => self.fold_intent(intent),
            Fact::Replace(replace) => self.fold_replace(replace),
            Fact::Cancel(cancel) => {
                if let Some(order) = self.orders.get_mut(cancel.request.client_id.number) {
                    order.cancel_pending = true;
                }
            }
            Fact::Gate(change) => match *change {
                GateChange::Lifecycle(state) => self.lifecycle = state,
                GateChange::Loss(level) => self.day.loss = level,
                GateChange::Kill { engaged } => self.killed = engaged,
            },
            Fact::DayRoll(roll) => self.fold_day_roll(roll),
            Fact::TradeClosed(trade) => {
                self.trades = trade.id;
                let key = SlotKey { strategy: trade.strategy, symbol: trade.symbol };
                if let Some(at) = self.closed.iter().position(|(other, _)| *other == key) {
                    self.closed.remove(at);
                }
                if let (Some(sum), Some(r)) =
                    (self.day.r_by_strategy.get_mut(trade.strategy.index()), trade.r_multiple)
                {
                    *sum += r;
                }
            }
            Fact::Decision(_) | Fact::Alert(_) => {}
        }
    }

    fn fold_intent(&mut self, intent: &Intent) {
        let number = self.orders.next_number();
        let terms = intent.plan.zip(intent.sizing).map(|(plan, sizing)| Terms { plan, sizing });
        let (strategy, reason, terms) = (intent.strategy, intent.reason, terms.map(Box::new));
        let order = Order::sent(intent.order, strategy, reason, terms, intent.time);
        let key = order.slot();
        self.orders.push(order);
        self.gate.observe(&GateEvent::Approved(intent));
        self.with_slot(key, |slot| match (intent.order.role, slot.position.as_deref_mut()) {
            (OrderRole::Entry, _) => slot.entry = Some(number),
            (OrderRole::Stop, Some(position)) => position.stop = Some(number),
            (OrderRole::Target, Some(position)) => position.target = Some(number),
            (OrderRole::Close, Some(position)) => {
                position.close = Some(number);
                position.close_reason = position.close_reason.or(intent.reason);
            }
            (_, None) => {}
        });
    }

    fn fold_replace(&mut self, replace: &Replace) {
        if let Some(order) = self.orders.get_mut(replace.request.client_id.number) {
            order.replace_pending = Some(Box::new(Replacement {
                client_id: replace.request.new_client_id,
                kind: replace.request.kind,
                quantity: replace.request.quantity,
                terms: replace
                    .plan
                    .zip(replace.sizing)
                    .map(|(plan, sizing)| Terms { plan, sizing }),
            }));
        }
    }

    fn fold_day_roll(&mut self, roll: &DayRoll) {
        self.day.session = roll.session;
        self.day.equity = roll.equity;
        self.day.realised_before = self.realised_net();
        self.day.loss = LossLevel::None;
        self.day.r_by_strategy.fill(0.0);
        // Finished orders stay known for one more session (F19).
        self.orders.forget_below(self.day.first_order);
        self.day.first_order = roll.first_order;
        for slot in &mut self.slots {
            slot.entries_today = 0;
        }
        self.gate.observe(&GateEvent::DayRoll(roll));
    }

    /// Takes a broker's report in.
    pub fn observe(&mut self, report: &ExecutionReport, tick: impl Fn(Price) -> Price) -> Observed {
        let Some(number) = self.orders.find(&report.client_id, report.broker) else {
            let anomaly = Some(Anomaly::UnknownOrder(*report));
            return Observed { anomaly, ..Observed::default() };
        };
        self.gate.observe(&GateEvent::Report(report));
        let mut observed = Observed::default();
        if let ExecType::Trade(fill) = report.exec {
            self.book_fill(number, &fill, report.time, &mut observed);
        } else {
            observed.anomaly = self.change_order(number, report);
        }
        let Some(order) = self.orders.get(number) else { return observed };
        let key = order.slot();
        observed.slot = Some(key);
        if order.state.is_terminal() {
            self.end_order(number, key, tick);
        }
        observed
    }

    /// Applies a report that is no fill.
    fn change_order(&mut self, number: OrderNumber, report: &ExecutionReport) -> Option<Anomaly> {
        let order = self.orders.get_mut(number)?;
        let event = match report.exec {
            ExecType::Accepted => OrderEvent::Accepted,
            ExecType::New => OrderEvent::Working,
            ExecType::Cancelled => OrderEvent::Cancelled,
            ExecType::Expired => OrderEvent::Expired,
            ExecType::Rejected(_) => OrderEvent::Rejected,
            ExecType::Replaced => OrderEvent::Replaced,
            ExecType::Restated { .. } => OrderEvent::Restated,
            // Our own requests set the overlays; the broker's echo says nothing new.
            ExecType::PendingCancel | ExecType::PendingReplace => return None,
            ExecType::CancelRejected(_) => {
                order.cancel_pending = false;
                return None;
            }
            ExecType::ReplaceRejected(_) => {
                order.replace_pending = None;
                return Some(Anomaly::Refused(number));
            }
            // Corrections and busts restate booked fills; they are refused as illegal until the
            // ledger can reverse a fill, which raises an alarm instead of a wrong position.
            ExecType::Trade(_) | ExecType::Correct { .. } | ExecType::Bust { .. } => {
                let event = OrderEvent::Restated;
                return Some(Anomaly::Illegal(
                    number,
                    IllegalTransition { state: order.state, event },
                ));
            }
        };
        match after(order.state, event) {
            Ok(state) => order.state = state,
            Err(illegal) => return Some(Anomaly::Illegal(number, illegal)),
        }
        order.updated = report.time;
        match report.exec {
            ExecType::Replaced => self.confirm_replacement(number),
            ExecType::Restated { order_qty } => order.request.quantity = order_qty,
            ExecType::Rejected(_) => return Some(Anomaly::Refused(number)),
            _ => {}
        }
        None
    }

    fn confirm_replacement(&mut self, number: OrderNumber) {
        let Some(order) = self.orders.get_mut(number) else { return };
        let Some(replacement) = order.replace_pending.take() else { return };
        order.request.client_id = replacement.client_id;
        order.request.kind = replacement.kind;
        order.request.quantity = replacement.quantity;
        if let (Some(terms), Some(new)) = (order.terms.as_deref_mut(), replacement.terms) {
            *terms = new;
        }
    }

    /// Books one execution exactly once (I4, I11).
    fn book_fill(
        &mut self,
        number: OrderNumber,
        fill: &Fill,
        time: Timestamp,
        observed: &mut Observed,
    ) {
        let Some(order) = self.orders.get_mut(number) else { return };
        let Some(value) = fill.price.notional(fill.quantity) else { return };
        if !fill.quantity.is_positive() || !order.note_execution(fill.exec_id) {
            return;
        }
        observed.filled = true;
        if order.state.is_terminal() {
            observed.anomaly = Some(Anomaly::LateFill(number));
        }
        order.cum_qty = order.cum_qty.plus(fill.quantity);
        order.cum_value = order.cum_value.plus(value);
        order.updated = time;
        if order.cum_qty > order.request.quantity {
            observed.anomaly = Some(Anomaly::OverFill(number));
        }
        let complete = order.cum_qty >= order.request.quantity;
        let event = if complete { OrderEvent::FullFill } else { OrderEvent::PartialFill };
        match after(order.state, event) {
            Ok(state) => order.state = state,
            Err(illegal) => observed.anomaly = Some(Anomaly::Illegal(number, illegal)),
        }
        let (key, client_id) = (order.slot(), order.request.client_id);
        let trade_fill = TradeFill {
            time,
            side: fill.side,
            quantity: fill.quantity,
            price: fill.price,
            fee: fill.fee,
            order: client_id,
        };
        if self.book_position(number, key, trade_fill, value) {
            observed.anomaly = Some(Anomaly::OverFill(number));
        }
    }

    /// Changes position and ledger; true when an exit filled beyond the position.
    fn book_position(
        &mut self,
        number: OrderNumber,
        key: SlotKey,
        fill: TradeFill,
        value: Cash,
    ) -> bool {
        let Some(order) = self.orders.get(number) else { return false };
        let (role, moved) = (order.request.role, order.request.kind.stop());
        let (reason, terms) = (order.reason, order.terms.as_deref().copied());
        let mut cost = Cash::ZERO;
        let mut over = false;
        let mut closed = None;
        self.with_slot(key, |slot| {
            if slot.position.is_none() {
                let plan = terms.map_or_else(|| external_plan(fill.side), |terms| terms.plan);
                let planned = terms.map_or(fill.quantity, |terms| terms.sizing.quantity);
                over = terms.is_none();
                slot.entries_today += u16::from(terms.is_some());
                let group = model::GroupId(number.0);
                slot.position = Some(Box::new(Position::open(group, plan, planned, fill.time)));
            }
            let Some(position) = slot.position.as_deref_mut() else { return };
            let exit = match role {
                OrderRole::Stop if moved == position.initial_stop => Some(ExitReason::Stop),
                OrderRole::Stop => Some(ExitReason::MovedStop),
                OrderRole::Target => Some(ExitReason::Target),
                OrderRole::Close => reason.or(Some(ExitReason::Signal)),
                OrderRole::Entry => None,
            };
            let reduces = fill.side.is_buy() != (position.signed_qty().raw() > 0);
            let within = fill.quantity.min(position.quantity);
            if reduces && position.quantity.is_positive() && within < fill.quantity {
                // Beyond the position: close it and hold the rest as what it is, a position
                // against the plan that the operator must see.
                over = true;
                cost = close_and_flip(slot, fill, value, within, exit, &mut closed);
                return;
            }
            cost = position.book(fill, value, exit);
            if position.quantity.is_zero() {
                closed = slot.position.take();
            }
        });
        let flow = if fill.side.is_buy() { value.negated() } else { value };
        self.ledger.book_fill(flow, cost, fill.fee);
        if let Some(position) = closed {
            self.closed.push((key, *position));
        } else if role.is_exit() {
            self.reduce_siblings(number, key);
        }
        over
    }

    /// A fill of one member of an exit group reduces the others in the same step (TF8, I13).
    fn reduce_siblings(&mut self, number: OrderNumber, key: SlotKey) {
        let Some(position) = self.position(key) else { return };
        let open = position.quantity;
        for sibling in position.exits() {
            if sibling == number {
                continue;
            }
            if let Some(order) = self.orders.get_mut(sibling) {
                let most = order.cum_qty.plus(open);
                order.request.quantity = order.request.quantity.min(most);
            }
        }
    }

    /// An order has ended: its slot forgets it; a finished entry sets R and targets (TS7).
    fn end_order(&mut self, number: OrderNumber, key: SlotKey, tick: impl Fn(Price) -> Price) {
        let Some(order) = self.orders.get_mut(number) else { return };
        order.cancel_pending = false;
        order.replace_pending = None;
        let (role, state) = (order.request.role, order.state);
        self.with_slot(key, |slot| {
            if slot.entry == Some(number) {
                slot.entry = None;
            }
            let Some(position) = slot.position.as_deref_mut() else { return };
            if position.group == model::GroupId(number.0) && !position.entry_done {
                let entry_price = position.entry_price().unwrap_or(Price::ZERO);
                position.finish_entry(tick(entry_price));
            }
            if role == OrderRole::Target
                && position.target == Some(number)
                && state == OrderState::Filled
            {
                position.targets_done = position.targets_done.saturating_add(1);
            }
            if role.is_exit() && state == OrderState::Rejected {
                position.exit_refused = true;
            }
            position.unlink(number);
        });
    }

    /// Books a fee that belongs to no fill (TK7).
    pub fn book_fee(&mut self, fee: Cash) {
        self.ledger.book_fee(fee);
    }

    /// Checks I3, I11 and C16 over all slots; the message names what is wrong.
    pub fn check(&self) -> Result<(), String> {
        if !self.ledger.balance().is_zero() {
            return Err(format!("I11: the ledger's balance is {}", self.ledger.balance()));
        }
        let mut inventory = Cash::ZERO;
        for (index, slot) in self.slots.iter().enumerate() {
            let Some(position) = slot.position.as_deref() else { continue };
            inventory = inventory.plus(position.cost);
            let sum: i64 = position.fills.iter().map(|f| f.side.sign() * f.quantity.raw()).sum();
            if sum != position.signed_qty().raw() {
                return Err(format!("I3: slot {index}: fills sum to {sum}, not the position"));
            }
            for order in position.exits().iter().filter_map(|&number| self.orders.get(number)) {
                if order.leaves_qty() > position.quantity && !order.cancel_pending {
                    return Err(format!("C16: slot {index}: an exit is larger than the position"));
                }
            }
        }
        if inventory != self.ledger.inventory() {
            return Err(format!("I3: positions cost {inventory}, the ledger says otherwise"));
        }
        Ok(())
    }
}

/// The plan of a position that no plan of ours explains: unprotected, in the fill's direction.
fn external_plan(side: model::Side) -> Plan {
    use crate::strategy_engine::Direction;
    let direction = if side.is_buy() { Direction::Long } else { Direction::Short };
    Plan { direction, ..Plan::default() }
}

/// Splits a fill that goes beyond the position into its close and a new external position.
fn close_and_flip(
    slot: &mut Slot,
    fill: TradeFill,
    value: Cash,
    within: Quantity,
    exit: Option<ExitReason>,
    closed: &mut Option<Box<Position>>,
) -> Cash {
    let Some(mut old) = slot.position.take() else { return Cash::ZERO };
    let part = value.share_of(within, fill.quantity).unwrap_or(value);
    let fee = fill.fee.share_of(within, fill.quantity).unwrap_or(fill.fee);
    let mut cost = old.book(TradeFill { quantity: within, fee, ..fill }, part, exit);
    let group = old.group;
    *closed = Some(old);
    let rest =
        TradeFill { quantity: fill.quantity.minus(within), fee: fill.fee.minus(fee), ..fill };
    let plan = external_plan(fill.side);
    let mut position = Position::open(group, plan, rest.quantity, fill.time);
    position.entry_done = true;
    cost = cost.plus(position.book(rest, value.minus(part), None));
    slot.position = Some(Box::new(position));
    cost
}

/// Names a strategy's slot; shorter than the struct literal.
pub(crate) fn slot_key(strategy: StrategyId, symbol: SymbolId) -> SlotKey {
    SlotKey { strategy, symbol }
}

record!(Slot { 1: entry, 2: position, 3: entries_today });
record!(Day {
    1: session,
    2: equity,
    3: realised_before,
    4: loss,
    5: r_by_strategy,
    6: first_order,
});

#[derive(Default)]
struct ClosedSlot {
    key: SlotKey,
    position: Position,
}
record!(ClosedSlot { 1: key, 2: position });

impl model::record::Record for Books {
    fn save(&self, writer: &mut model::record::Writer) {
        writer.field(1, &self.lifecycle);
        writer.field(2, &self.killed);
        writer.field(3, &self.orders);
        writer.field(4, &self.slots);
        writer.field(5, &self.active);
        writer.field(6, &self.ledger);
        writer.field(7, &self.day);
        writer.nested(8, |w| self.gate.save(w));
        let closed: Vec<ClosedSlot> = self
            .closed
            .iter()
            .map(|(key, position)| ClosedSlot { key: *key, position: position.clone() })
            .collect();
        writer.field(9, &closed);
        writer.field(10, &self.trades);
    }

    fn load(
        &mut self,
        reader: &mut model::record::Reader<'_>,
    ) -> Result<(), model::record::DecodeError> {
        use model::record::read;
        let mut closed: Vec<ClosedSlot> = Vec::new();
        while let Some(field) = reader.next_field()? {
            match field.tag {
                1 => read(&mut self.lifecycle, &field, "Books")?,
                2 => read(&mut self.killed, &field, "Books")?,
                3 => read(&mut self.orders, &field, "Books")?,
                4 => read(&mut self.slots, &field, "Books")?,
                5 => read(&mut self.active, &field, "Books")?,
                6 => read(&mut self.ledger, &field, "Books")?,
                7 => read(&mut self.day, &field, "Books")?,
                8 => {
                    let body = field.blob().unwrap_or_default();
                    self.gate.load(&mut model::record::Reader::new(body))?;
                }
                9 => read(&mut closed, &field, "Books")?,
                10 => read(&mut self.trades, &field, "Books")?,
                _ => {}
            }
        }
        self.closed = closed.into_iter().map(|c| (c.key, c.position)).collect();
        self.active_by_symbol = vec![0; self.symbols];
        for key in &self.active {
            if let Some(count) = self.active_by_symbol.get_mut(key.symbol.index()) {
                *count += 1;
            }
        }
        Ok(())
    }
}
