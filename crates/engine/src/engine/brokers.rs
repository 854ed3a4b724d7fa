//! What brokers say: reports, outcomes, answers; and what is decided on it.

use model::{BrokerId, SymbolId};

use super::Engine;
use crate::alert_system::AlertKind;
use crate::books::{Anomaly, Observed, Seen};
use crate::desk::Desk;
use crate::execution_engine::{Answer, Round, compare, outcomes, reconciliation};
use crate::fact::{Fact, SlotKey};
use crate::input::BrokerEvent;
use crate::order_manager::{actions, exits, protection};
use crate::output::Outputs;
use crate::performance_tracker::Watch;
use crate::risk_manager::{Block, BlockReason, Scope};

impl Engine {
    /// Decides on what a broker said.
    pub(super) fn on_broker(
        &mut self,
        broker: BrokerId,
        event: &BrokerEvent,
        seen: &Seen,
        out: &mut Outputs,
    ) {
        self.on_reports(seen, out);
        match event {
            BrokerEvent::Report(_) | BrokerEvent::Charge { .. } | BrokerEvent::Account(_) => {}
            BrokerEvent::ActionBooked { symbol, held } => {
                actions::on_booked(&mut self.desk(out), broker, *symbol, *held);
            }
            BrokerEvent::Outcome { client_id, outcome, .. } => match seen.outcome {
                Some((number, found)) => {
                    outcomes::after_outcome(&mut self.desk(out), number, found, *outcome);
                }
                None => self.desk(out).alert(AlertKind::UnknownOrder, None, None, || {
                    format!("outcome of order {client_id}, which is not known here")
                }),
            },
            BrokerEvent::Page(_) => match &seen.answer {
                Answer::Nothing => {}
                Answer::Order { .. } => outcomes::judge(&mut self.desk(out), broker),
                Answer::Failed => reconciliation::after_failure(&mut self.desk(out), broker),
                Answer::Round(round) => self.conclude(broker, round, seen.missed, out),
            },
        }
    }

    /// Decides on each report that an input amounts to.
    pub(super) fn on_reports(&mut self, seen: &Seen, out: &mut Outputs) {
        for observed in &seen.reports {
            self.on_report(observed, out);
        }
    }

    /// Concludes a comparison whose executions and orders are booked already.
    fn conclude(&mut self, broker: BrokerId, round: &Round, missed: u32, out: &mut Outputs) {
        self.watch_for_writers(round, out);
        if missed > 0 {
            self.desk(out).alert(AlertKind::MissedFill, None, None, || {
                format!("{missed} fills at broker {} were never reported: booked now", broker.0)
            });
        }
        let compared = compare(self.core.books(), broker, round, self.now);
        reconciliation::conclude(&mut self.desk(out), compared);
    }

    /// A higher epoch under our tag is another process that writes on this account (I16): the
    /// shell ends this one (journal.md 10).
    fn watch_for_writers(&mut self, round: &Round, out: &mut Outputs) {
        let (tag, epoch) = (self.identity.tag, self.core.books().brokers().epoch());
        let rows = round.orders.iter().map(|row| row.client_id);
        let ids = rows.chain(round.executions.iter().map(|row| row.client_id)).flatten();
        let Some(newer) = ids.filter(|id| id.tag == tag && id.epoch > epoch).max() else { return };
        let mut desk = self.desk(out);
        desk.block(Block::new(Scope::All, BlockReason::Kill), || {
            format!("another process sent order {newer}: only one may write")
        });
        desk.alert(AlertKind::OtherWriter, None, None, || {
            format!("order {newer} bears a newer epoch than ours, {epoch}: another process writes")
        });
    }

    /// Compares the books with every broker's (C34: at the close).
    pub(super) fn compare_all(&mut self, out: &mut Outputs) {
        let count = u8::try_from(self.analysis.brokers.len()).unwrap_or(u8::MAX);
        for broker in (0..count).map(BrokerId) {
            reconciliation::begin(&mut self.desk(out), broker);
        }
    }

    /// An operator corrected what our books hold: exits follow, and the broker's books say whether
    /// it is right.
    pub(super) fn after_adjustment(
        &mut self,
        broker: BrokerId,
        symbol: SymbolId,
        out: &mut Outputs,
    ) {
        let strategies = self.core.books().active_in(symbol).to_vec();
        for strategy in strategies {
            exits::settle(&mut self.desk(out), SlotKey { strategy, symbol });
        }
        reconciliation::begin(&mut self.desk(out), broker);
    }

    /// An operator gave what is held without a plan to a strategy, or tried to.
    pub(super) fn after_claim(&mut self, slot: SlotKey, claimed: bool, out: &mut Outputs) {
        let mut desk = self.desk(out);
        if claimed {
            exits::settle(&mut desk, slot);
            return;
        }
        desk.alert(AlertKind::Foreign, Some(slot.symbol), Some(slot.strategy), || {
            "nothing was claimed: nothing of one side is held there without a plan, or the \
             strategy is in the symbol already"
                .to_owned()
        });
    }

    pub(super) fn on_report(&mut self, observed: &Observed, out: &mut Outputs) {
        let mut desk = self.desk(out);
        outcomes::after_report(&mut desk, observed);
        explain(&mut desk, observed);
        let Some(key) = observed.slot else { return };
        if observed.opened {
            self.on_opened(key);
        }
        let mut desk = self.desk(out);
        if let Some(Anomaly::Refused(number, reason)) = observed.anomaly {
            protection::after_refusal(&mut desk, key, number, reason);
        }
        exits::settle(&mut desk, key);
        if observed.filled {
            self.judge_loss(out);
        }
    }

    /// A fill opened a position: its watch starts anew and its time rules get their deadlines.
    pub(super) fn on_opened(&mut self, key: SlotKey) {
        let index = self.analysis.slot_index(key);
        if let Some(watch) = self.analysis.watches.get_mut(index) {
            *watch = Watch::default();
        }
        self.set_exit_deadlines(key);
    }
}

/// Says and blocks what a report brought to light that does not fit.
fn explain(desk: &mut Desk<'_>, observed: &Observed) {
    let slot = observed.slot;
    if let Some((kind, text)) = observed.anomaly.as_ref().and_then(Anomaly::alert) {
        let symbol = slot.map(|key| key.symbol).or(observed.suspense);
        desk.alert(kind, symbol, slot.map(|key| key.strategy), || text);
    }
    if let Some(symbol) = observed.suspense {
        desk.block(Block::new(Scope::Symbol(symbol), BlockReason::Suspense), || {
            "something is filled that no plan explains: compare with the broker, then resume"
                .to_owned()
        });
    }
    if let Some(voided) = observed.voided {
        desk.emit(Fact::TradeVoided(voided));
    }
}
