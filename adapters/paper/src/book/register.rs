//! What the book answers questions from: every order with its state, executions, positions, cash.
//!
//! It is folded from the requests that came and the reports that left, so an answer never says more
//! or less than the reports did (I3).

use std::collections::{BTreeSet, HashMap, VecDeque};

use model::record::{DecodeError, Reader, Record, Writer, read};
use model::{
    BrokerOrderId, Cash, ClientOrderId, ExecType, ExecutionReport, ExecutionRow, NewOrder,
    OrderRow, OrderState, PositionRow, Price, Quantity, RejectReason, ReplaceRequest, SymbolId,
    Timestamp,
};

use super::past::Past;

/// This many finished orders, executions and reports are kept; the oldest beyond are forgotten.
const KEPT: usize = 1 << 18;

/// The orders, executions and positions of an account.
#[derive(Clone, Debug, Default)]
pub(super) struct Register {
    orders: HashMap<ClientOrderId, OrderRow>,
    open: BTreeSet<ClientOrderId>,
    finished: VecDeque<ClientOrderId>,
    /// A finished order was forgotten.
    forgot_orders: bool,
    executions: VecDeque<ExecutionRow>,
    /// Time of the last execution that was forgotten.
    forgot_executions: Option<Timestamp>,
    positions: Vec<Quantity>,
    marks: Vec<Price>,
    /// Replacements that were requested and are not answered yet.
    replacing: Vec<ReplaceRequest>,
    reports: VecDeque<ExecutionReport>,
    told: u64,
    /// What was finished, executed and reported before the last checkpoint.
    pub(super) past_orders: Past<OrderRow>,
    pub(super) past_executions: Past<ExecutionRow>,
    pub(super) past_reports: Past<ExecutionReport>,
    /// How many orders came: the next one's id is made of it.
    taken: u64,
}

impl Register {
    /// Makes room for a number of symbols.
    pub(super) fn grow(&mut self, symbols: usize) {
        self.positions.resize(symbols, Quantity::ZERO);
        self.marks.resize(symbols, Price::ZERO);
    }

    /// Notes an order that came.
    pub(super) fn submitted(&mut self, order: &NewOrder) {
        // Each request counts, so that the log gives the same ids whenever it is read.
        self.taken += 1;
        if self.orders.contains_key(&order.client_id) {
            return;
        }
        let row = OrderRow {
            client_id: Some(order.client_id),
            symbol: Some(order.symbol),
            side: order.side,
            kind: order.kind,
            quantity: order.quantity,
            filled: Quantity::ZERO,
            state: OrderState::Sent,
            broker_id: BrokerOrderId::new(&format!("P-{}", self.taken)),
        };
        self.orders.insert(order.client_id, row);
        self.open.insert(order.client_id);
    }

    /// Notes a replacement that came.
    pub(super) fn replacing(&mut self, request: &ReplaceRequest) {
        self.replacing.push(*request);
    }

    /// Returns the request that a replacement's report answers.
    pub(super) fn replacement(&self, new: ClientOrderId) -> Option<ReplaceRequest> {
        self.replacing.iter().find(|request| request.new_client_id == new).copied()
    }

    /// Forgets requests that nobody was answered: they were never carried out.
    pub(super) fn forget_unanswered(&mut self) {
        self.replacing.clear();
        let unanswered = |row: &OrderRow| row.state == OrderState::Sent;
        let ids: Vec<_> = self
            .open
            .iter()
            .filter(|id| self.orders.get(id).is_some_and(unanswered))
            .copied()
            .collect();
        for id in ids {
            self.orders.remove(&id);
            self.open.remove(&id);
        }
    }

    /// Notes a price of a symbol.
    pub(super) fn mark(&mut self, symbol: SymbolId, price: Price) {
        if let Some(mark) = self.marks.get_mut(symbol.index()) {
            *mark = price;
        }
    }

    /// Notes what a symbol's position is after a corporate action.
    pub(super) fn held(&mut self, symbol: SymbolId, quantity: Quantity) {
        if let Some(position) = self.positions.get_mut(symbol.index()) {
            *position = quantity;
        }
    }

    /// Folds a report.
    pub(super) fn reported(&mut self, report: &ExecutionReport) {
        let id = report.client_id;
        match report.exec {
            ExecType::Rejected(RejectReason::DuplicateId) => self.duplicate(id),
            ExecType::New => self.change(id, |row| row.state = OrderState::Working),
            ExecType::Trade(fill) => {
                self.executions.push_back(ExecutionRow {
                    client_id: Some(id),
                    symbol: Some(report.symbol),
                    fill,
                    time: report.time,
                });
                let signed =
                    if fill.side.is_buy() { fill.quantity } else { fill.quantity.negated() };
                if let Some(position) = self.positions.get_mut(report.symbol.index()) {
                    *position = position.plus(signed);
                }
                self.mark(report.symbol, fill.price);
                self.change(id, |row| {
                    row.filled = row.filled.plus(fill.quantity);
                    row.state = if row.filled < row.quantity {
                        OrderState::PartiallyFilled
                    } else {
                        OrderState::Filled
                    };
                });
            }
            ExecType::Restated { order_qty } => self.change(id, |row| row.quantity = order_qty),
            ExecType::Replaced => self.replaced(id),
            ExecType::ReplaceRejected(_) => self.replacing.retain(|r| r.client_id != id),
            ExecType::Cancelled => self.change(id, |row| row.state = OrderState::Cancelled),
            ExecType::Expired => self.change(id, |row| row.state = OrderState::Expired),
            ExecType::Rejected(_) => self.change(id, |row| row.state = OrderState::Rejected),
            ExecType::Accepted
            | ExecType::PendingCancel
            | ExecType::PendingReplace
            | ExecType::CancelRejected(_)
            | ExecType::Correct { .. }
            | ExecType::Bust { .. } => {}
        }
        self.told += 1;
        self.reports.push_back(*report);
        self.forget();
    }

    /// The number was used before: by this very order, which stands, or by another attempt, and
    /// then there is no order of this id.
    fn duplicate(&mut self, id: ClientOrderId) {
        if self.orders.get(&id).is_some_and(|row| row.state == OrderState::Sent) {
            self.orders.remove(&id);
            self.open.remove(&id);
        }
    }

    fn replaced(&mut self, new: ClientOrderId) {
        let Some(at) = self.replacing.iter().position(|r| r.new_client_id == new) else { return };
        let request = self.replacing.swap_remove(at);
        let Some(old) = self.orders.get(&request.client_id).copied() else { return };
        self.change(request.client_id, |row| row.state = OrderState::Replaced);
        let row = OrderRow {
            client_id: Some(new),
            kind: request.kind,
            quantity: request.quantity,
            ..old
        };
        self.orders.insert(new, row);
        self.open.insert(new);
    }

    fn change(&mut self, id: ClientOrderId, change: impl FnOnce(&mut OrderRow)) {
        let Some(row) = self.orders.get_mut(&id) else { return };
        let was_over = row.state.is_terminal();
        change(row);
        if row.state.is_terminal() && !was_over {
            self.open.remove(&id);
            self.finished.push_back(id);
        }
    }

    /// Forgets what is beyond the number that is kept; what was put away goes before it.
    fn forget(&mut self) {
        while self.finished.len() > KEPT {
            self.past_orders.forget(0);
            self.forgot_orders = true;
            self.finished.pop_front().map(|id| self.orders.remove(&id));
        }
        while self.executions.len() > KEPT {
            self.past_executions.forget(0);
            self.forgot_executions = self.executions.pop_front().map(|row| row.time);
        }
        while self.reports.len() > KEPT {
            self.past_reports.forget(0);
            self.reports.pop_front();
        }
    }

    /// Puts away what is over; it is answered for as before.
    pub(super) fn put_away(&mut self) {
        let finished: Vec<OrderRow> =
            self.finished.drain(..).filter_map(|id| self.orders.remove(&id)).collect();
        self.past_orders.put(&finished);
        self.past_executions.put(self.executions.make_contiguous());
        self.past_reports.put(self.reports.make_contiguous());
        self.executions.clear();
        self.reports.clear();
        self.forgot_orders |= self.past_orders.forget(KEPT).is_some();
        let forgotten = self.past_executions.forget(KEPT);
        self.forgot_executions = self.forgot_executions.max(forgotten);
        self.past_reports.forget(KEPT);
    }

    /// Returns the order of an id. An order forgotten for its age is not told from one that never
    /// was: `Err` when that is possible.
    pub(super) fn order(&self, id: ClientOrderId) -> Result<Option<OrderRow>, Forgotten> {
        match self.orders.get(&id).copied().or_else(|| self.past_orders.find(id)) {
            Some(row) => Ok(Some(row)),
            None if self.forgot_orders => Err(Forgotten),
            None => Ok(None),
        }
    }

    /// Returns the book's own id of an order that is kept.
    pub(super) fn id_of(&self, order: ClientOrderId) -> Option<BrokerOrderId> {
        let row = self.orders.get(&order).copied().or_else(|| self.past_orders.find(order));
        row?.broker_id
    }

    /// Returns all orders that are kept, by number.
    pub(super) fn orders(&self) -> Vec<OrderRow> {
        let mut rows: Vec<OrderRow> = self.past_orders.after(0).collect();
        rows.extend(self.orders.values().copied());
        rows.sort_by_key(|row| row.client_id);
        rows
    }

    /// Returns the orders that are not done, by number.
    pub(super) fn open_orders(&self) -> Vec<OrderRow> {
        self.open.iter().filter_map(|id| self.orders.get(id).copied()).collect()
    }

    /// Returns the executions at or after a time; `Err` when some of them are forgotten.
    pub(super) fn executions_since(
        &self,
        since: Timestamp,
    ) -> Result<Vec<ExecutionRow>, Forgotten> {
        if self.forgot_executions.is_some_and(|forgotten| forgotten >= since) {
            return Err(Forgotten);
        }
        let new = self.executions.iter().filter(|row| row.time >= since).copied();
        Ok(self.past_executions.since(since).chain(new).collect())
    }

    /// Returns the positions that are not flat, in the order of the symbols.
    pub(super) fn positions(&self) -> Vec<PositionRow> {
        let rows = self.positions.iter().zip(&self.marks).enumerate();
        rows.filter(|(_, (quantity, _))| !quantity.is_zero())
            .map(|(at, (&quantity, mark))| PositionRow {
                symbol: Some(SymbolId(u32::try_from(at).unwrap_or(u32::MAX))),
                quantity,
                value: mark.notional(quantity).unwrap_or_default(),
            })
            .collect()
    }

    /// Returns the value of all positions, and the sum of their amounts.
    pub(super) fn exposure(&self) -> (Cash, Cash) {
        let mut sums = (Cash::ZERO, Cash::ZERO);
        for row in self.positions() {
            let amount = if row.value < Cash::ZERO { row.value.negated() } else { row.value };
            sums = (sums.0.plus(row.value), sums.1.plus(amount));
        }
        sums
    }

    /// Returns how many reports there were.
    pub(super) fn told(&self) -> u64 {
        self.told
    }

    /// Returns the reports after the first `count`; `None` when some of them are forgotten.
    pub(super) fn reports_after(&self, count: u64) -> Option<Vec<ExecutionReport>> {
        let past = self.past_reports.len();
        let forgotten = self.told - (past + self.reports.len()) as u64;
        let skip = usize::try_from(count.checked_sub(forgotten)?).ok()?;
        let new = self.reports.iter().skip(skip.saturating_sub(past)).copied();
        Some(self.past_reports.after(skip).chain(new).collect())
    }
}

/// What a checkpoint holds of it, everything that is over being [put away](Register::put_away).
impl Record for Register {
    fn save(&self, writer: &mut Writer) {
        let open: Vec<OrderRow> = self.open_orders();
        writer.field(1, &open);
        writer.field(2, &self.forgot_orders);
        writer.field(3, &self.forgot_executions);
        writer.field(4, &self.positions);
        writer.field(5, &self.marks);
        writer.field(6, &self.replacing);
        writer.field(7, &self.told);
        writer.field(8, &self.taken);
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        const RECORD: &str = "Register";
        let mut open: Vec<OrderRow> = Vec::new();
        while let Some(field) = reader.next_field()? {
            match field.tag {
                1 => read(&mut open, &field, RECORD)?,
                2 => read(&mut self.forgot_orders, &field, RECORD)?,
                3 => read(&mut self.forgot_executions, &field, RECORD)?,
                4 => read(&mut self.positions, &field, RECORD)?,
                5 => read(&mut self.marks, &field, RECORD)?,
                6 => read(&mut self.replacing, &field, RECORD)?,
                7 => read(&mut self.told, &field, RECORD)?,
                8 => read(&mut self.taken, &field, RECORD)?,
                _ => {}
            }
        }
        for row in open {
            let id = row.client_id.unwrap_or_default();
            self.orders.insert(id, row);
            self.open.insert(id);
        }
        Ok(())
    }
}

/// The answer is no longer known.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "the paper broker keeps the newest {KEPT} finished orders and executions; this one is older"
)]
pub struct Forgotten;
