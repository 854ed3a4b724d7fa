//! Executions that a broker counts in an order's cumulative quantity and that were not reported.
//!
//! They are never booked from the count (venues.md 0.2): they are asked for (F13), and until they
//! are heard no exit is sent for their shares (I13) and what they may have opened counts as held
//! (I5).

use model::{BrokerId, OrderNumber, Quantity, SECOND_NS, Timestamp, record};

use super::{outcomes, reconciliation};
use crate::alert_system::AlertKind;
use crate::desk::Desk;
use crate::risk_manager::{Block, BlockReason, Scope};
use crate::timers::Timer;

/// How long an execution may be missing before an alarm.
const ALARM_NS: i64 = 2 * SECOND_NS;

/// An order of which a broker states more executed than was reported.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Unheard {
    /// The order.
    pub number: OrderNumber,
    /// The largest cumulative quantity stated.
    pub stated: Quantity,
    /// Since when some of it is missing.
    pub since: Timestamp,
}

/// Acts on what a report states beyond what was heard: the broker's books are asked for at once.
pub(crate) fn after_report(desk: &mut Desk<'_>, number: OrderNumber) {
    let Some(unheard) = desk.books().brokers().unheard(number).copied() else { return };
    let Some(order) = desk.books().orders().get(number) else { return };
    let (symbol, ended) = (order.request.symbol, order.state.is_terminal());
    if ended {
        let block = Block::new(Scope::Symbol(symbol), BlockReason::Unknown);
        desk.hold(block, || {
            format!(
                "the broker states {} shares of order {} as filled and not all of them were \
                 reported: they are asked for",
                unheard.stated, number.0
            )
        });
    }
    if unheard.since == desk.now {
        compare(desk, number);
        desk.analysis.timers.set(desk.now.plus_nanos(ALARM_NS), Timer::Unheard(number));
    }
}

/// A process begins: the alarms about executions that are missing at a broker are due as before.
pub(crate) fn resume(desk: &mut Desk<'_>, broker: BrokerId) {
    let books = desk.books();
    let of_broker = |unheard: &&Unheard| {
        books.orders().get(unheard.number).is_some_and(|order| order.request.broker == broker)
    };
    let missing: Vec<Unheard> = books.brokers().unheard.iter().filter(of_broker).copied().collect();
    for Unheard { number, since, .. } in missing {
        let due = since.plus_nanos(ALARM_NS).max(desk.now);
        desk.analysis.timers.set(due, Timer::Unheard(number));
    }
}

/// An execution has been missing for 2 s or longer: somebody has to know.
pub(crate) fn on_timer(desk: &mut Desk<'_>, number: OrderNumber) {
    let Some(unheard) = desk.books().brokers().unheard(number).copied() else { return };
    if desk.now.since(unheard.since) < ALARM_NS {
        return;
    }
    let symbol = desk.books().orders().get(number).map(|order| order.request.symbol);
    desk.alert(AlertKind::MissedFill, symbol, None, || {
        format!(
            "the broker states {} shares of order {} as filled and not all of them were reported: \
             no exit is sent for them before its books are compared; look at the position there",
            unheard.stated, number.0
        )
    });
    compare(desk, number);
    let next = desk.now.plus_nanos(reconciliation::AGAIN_NS);
    desk.analysis.timers.set(next, Timer::Unheard(number));
}

/// Begins a comparison unless one is under way.
fn compare(desk: &mut Desk<'_>, number: OrderNumber) {
    let Some(order) = desk.books().orders().get(number) else { return };
    let broker = order.request.broker;
    if desk.books().brokers().get(broker).round.is_none() {
        reconciliation::begin(desk, broker);
    }
}

/// Lifts the blocks of symbols in which nothing is missing any more.
pub(crate) fn release(desk: &mut Desk<'_>, numbers: &[OrderNumber]) {
    for &number in numbers {
        if let Some(symbol) = desk.books().orders().get(number).map(|order| order.request.symbol) {
            outcomes::release(desk, symbol);
        }
    }
}

record!(Unheard { 1: number, 2: stated, 3: since });
