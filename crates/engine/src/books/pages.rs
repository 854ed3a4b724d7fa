//! Answers of brokers, page by page: they count when they are whole (journal.md 12).

use model::{
    AccountRow, Ask, BrokerId, ExecType, ExecutionReport, Page, Query, Rows, Timestamp,
    UnknownCause,
};

use super::{Books, Seen};
use crate::execution_engine::{Answer, CashBase, Compared, Progress, Round, reconciliation};
use crate::risk_manager::Account;

impl Books {
    /// Takes one page of an answer in.
    pub(crate) fn observe_page(&mut self, broker: BrokerId, page: &Page, now: Timestamp) -> Answer {
        let state = self.brokers.get_mut(broker);
        if let Some(mut round) = state.round.take_if(|round| round.has(page.query)) {
            return match round.take(page) {
                Progress::Partial => {
                    state.round = Some(round);
                    Answer::Nothing
                }
                Progress::Whole => Answer::Round(round),
                Progress::Failed => {
                    state.due = now.plus_nanos(reconciliation::AGAIN_NS);
                    Answer::Failed
                }
            };
        }
        let brokers = &mut self.brokers;
        let found = brokers
            .open
            .iter()
            .position(|open| open.query.id == page.query && open.query.broker == broker);
        // Void since a new start or connection, or never asked.
        let Some(place) = found else { return Answer::Nothing };
        let query = brokers.open[place].query;
        match query.ask {
            Ask::Order(client_id) => {
                brokers.open.remove(place);
                let Rows::Orders(rows) = &page.rows else { return Answer::Nothing };
                if page.page != 0 || !page.last {
                    // An answer about one order is one page: this one is not well-formed.
                    return Answer::Nothing;
                }
                let row = rows.iter().find(|row| row.client_id == Some(client_id)).copied();
                let doubt = brokers.doubts.iter_mut().find(|doubt| doubt.client_id == client_id);
                if let Some(doubt) = doubt {
                    let answers = doubt.answers.saturating_add(1);
                    doubt.answers = if row.is_none() { answers } else { 0 };
                }
                Answer::Order { client_id, row }
            }
            // These belong to a round.
            Ask::OpenOrders | Ask::Executions { .. } | Ask::Positions | Ask::Account => {
                Answer::Nothing
            }
        }
    }

    /// Takes in what a whole comparison tells: executions first, as if they had been reported,
    /// then where our orders are (F13, F18).
    pub(super) fn take_round(
        &mut self,
        broker: BrokerId,
        round: &Round,
        now: Timestamp,
        seen: &mut Seen,
    ) {
        for row in &round.executions {
            let ours = row.client_id.and_then(|id| {
                let number = self.orders.find(&id, broker)?;
                Some((id, self.orders.get(number)?))
            });
            match ours {
                Some((_, order)) if order.execution(row.fill.exec_id).is_some() => {}
                Some((client_id, order)) => {
                    seen.missed += 1;
                    let symbol = order.request.symbol;
                    let (exec, time) = (ExecType::Trade(row.fill), row.time);
                    let (cum_qty, broker_id) = (None, None);
                    let report = ExecutionReport {
                        client_id,
                        broker,
                        symbol,
                        exec,
                        time,
                        cum_qty,
                        broker_id,
                    };
                    self.take_report(&report, seen);
                }
                // Of somebody else, or on an order that is long forgotten.
                None => self.observe_external(broker, row),
            }
        }
        let AccountRow { cash, equity, buying_power } = round.account;
        self.observe_account(broker, Account { buying_power, equity, cash, time: now });
        let skipped = round.skipped();
        for row in &round.orders {
            let Some(id) = row.client_id else { continue };
            let order = self.orders.find(&id, broker).and_then(|number| self.orders.get(number));
            if order.is_some_and(|order| !skipped.contains(&order.request.symbol)) {
                self.adopt_row(&id, row, now, seen);
            }
        }
    }

    /// A question of a comparison was asked; the first one begins the round.
    pub(super) fn fold_round_query(&mut self, query: &Query, now: Timestamp) {
        let state = self.brokers.get_mut(query.broker);
        if query.ask == Ask::Positions {
            state.round = Some(Box::new(Round::begin(now)));
            state.due = now.plus_nanos(reconciliation::EVERY_NS);
        }
        if let Some(round) = state.round.as_deref_mut() {
            round.asked(query);
        }
    }

    /// A comparison is done: what differs and what is not ours is known from now on.
    pub(super) fn fold_compared(&mut self, compared: &Compared) {
        let state = self.brokers.get_mut(compared.broker);
        state.compared = Some(compared.asked_at);
        state.differences.clone_from(&compared.differences);
        state.foreign.clone_from(&compared.foreign);
        state.outside = compared.outside;
        state.drift = compared.drift.unwrap_or(state.drift);
        let base = CashBase { cash: compared.account.cash, flow: state.flow };
        state.cash_base = state.cash_base.or(Some(base));
        for doubt in &mut self.brokers.doubts {
            let after = doubt.broker == compared.broker && doubt.since <= compared.asked_at;
            if after && !compared.skipped.contains(&doubt.symbol) {
                let differs = compared.differences.iter().any(|found| found.symbol == doubt.symbol);
                doubt.agreed = !differs;
            }
        }
        self.settle_unheard(compared);
        for &number in &compared.missing {
            self.raise_doubt(number, UnknownCause::Missing, compared.time);
        }
        for row in &compared.found {
            let Some(symbol) = row.symbol else { continue };
            let price = row.value.per_share(row.quantity).unwrap_or_default();
            self.adjust(compared.broker, symbol, row.quantity, price, compared.time);
        }
    }
}
