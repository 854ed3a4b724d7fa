//! What brokers say beside reports: outcomes, answers, connections; and the start of a process.

use model::BrokerId;

use super::Engine;
use crate::alert_system::AlertKind;
use crate::books::Seen;
use crate::execution_engine::{Answer, outcomes};
use crate::input::BrokerEvent;
use crate::output::Outputs;

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
            BrokerEvent::Outcome { client_id, outcome, .. } => match seen.outcome {
                Some((number, found)) => {
                    outcomes::after_outcome(&mut self.desk(out), number, found, *outcome);
                }
                None => self.desk(out).alert(AlertKind::UnknownOrder, None, None, || {
                    format!("outcome of order {client_id}, which is not known here")
                }),
            },
            BrokerEvent::Page(_) => {
                if let Answer::Order { .. } = seen.answer {
                    outcomes::judge(&mut self.desk(out), broker);
                }
            }
        }
    }

    /// Decides on each report that an input amounts to.
    pub(super) fn on_reports(&mut self, seen: &Seen, out: &mut Outputs) {
        for (report, observed) in &seen.reports {
            self.on_report(report, observed, out);
        }
    }
}
