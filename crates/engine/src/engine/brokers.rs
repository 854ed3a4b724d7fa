//! What brokers say beside reports: outcomes, answers, connections; and the start of a process.

use model::{BrokerId, ClientOrderId, ExecType, ExecutionReport, Page, RequestKind, SendOutcome};

use super::Engine;
use crate::alert_system::AlertKind;
use crate::execution_engine::{self, Answer, Closed, Meaning, adopted, outcomes};
use crate::input::{Link, Resolution};
use crate::output::Outputs;

impl Engine {
    pub(super) fn on_outcome(
        &mut self,
        broker: BrokerId,
        client_id: &ClientOrderId,
        request: RequestKind,
        outcome: SendOutcome,
        out: &mut Outputs,
    ) {
        let now = self.now;
        let seen = self.core.observe_outcome(broker, client_id, request, outcome, now);
        let Some((number, found)) = seen else {
            self.desk(out).alert(AlertKind::UnknownOrder, None, None, || {
                format!("outcome of order {client_id}, which is not known here")
            });
            return;
        };
        if let Meaning::Report(exec) | Meaning::Ask(exec) = found {
            self.report_on(broker, client_id, exec, out);
        }
        outcomes::after_outcome(&mut self.desk(out), number, found, outcome);
    }

    /// Takes in what a report of the broker would have said.
    fn report_on(
        &mut self,
        broker: BrokerId,
        client_id: &ClientOrderId,
        exec: ExecType,
        out: &mut Outputs,
    ) {
        let Some(order) = self.core.books().orders().get(client_id.number) else { return };
        let symbol = order.request.symbol;
        let report =
            ExecutionReport { client_id: *client_id, broker, symbol, exec, time: self.now };
        self.on_report(&report, out);
    }

    pub(super) fn on_page(&mut self, broker: BrokerId, page: &Page, out: &mut Outputs) {
        match self.core.observe_page(broker, page) {
            Answer::Nothing => {}
            Answer::Order { client_id, row } => {
                let order = self.core.books().orders().get(client_id.number);
                if let Some(exec) = order.zip(row).and_then(|(o, row)| adopted(o, &client_id, &row))
                {
                    self.report_on(broker, &client_id, exec, out);
                }
                outcomes::judge(&mut self.desk(out), broker);
            }
        }
    }

    pub(super) fn on_connection(&mut self, link: Link, up: bool, out: &mut Outputs) {
        if let Link::Broker(broker) = link {
            self.core.observe_connection(broker, up, self.now);
        }
        execution_engine::on_connection(&mut self.desk(out), link, up);
    }

    /// An operator says what became of an order in doubt (R7).
    pub(super) fn on_resolution(
        &mut self,
        number: model::OrderNumber,
        resolution: Resolution,
        out: &mut Outputs,
    ) {
        let Some(doubt) = self.core.books().brokers().doubt(number).copied() else { return };
        match resolution {
            Resolution::Dead => {
                outcomes::declare_dead(&mut self.desk(out), &doubt, Closed::Operator);
            }
            Resolution::Filled { quantity, price } => {
                let Some(order) = self.core.books().orders().get(number) else { return };
                let missing = quantity.minus(order.cum_qty);
                let (id, side) = (order.request.client_id, order.request.side);
                let text = format!("OPERATOR-{}", id.number.0);
                let Some(exec_id) = model::ExecId::new(&text) else { return };
                if missing.is_positive() {
                    let fee = model::Cash::ZERO;
                    let fill = model::Fill { exec_id, side, quantity: missing, price, fee };
                    self.report_on(doubt.broker, &id, ExecType::Trade(fill), out);
                }
                let open = self.core.books().brokers().doubt(number).is_some();
                if open {
                    // Filled in part: the rest is not at the broker any more.
                    self.report_on(doubt.broker, &id, ExecType::Cancelled, out);
                }
            }
        }
    }
}
