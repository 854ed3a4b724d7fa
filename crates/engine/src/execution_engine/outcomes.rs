//! What follows from an outcome: quarantine, questions, alarms, cancels made again, and the end
//! of a doubt by proof (I10, R7, R9).

use model::{Ask, BrokerId, CancelRequest, OrderNumber, Query, RequestKind, SendOutcome, SymbolId};

use super::attempt::{AttemptClosed, Closed, calls_for_another_broker};
use super::doubt::{ALARM_NS, Doubt, Evidence, pause_ns};
use super::meaning::Meaning;
use super::{routing, unheard};
use crate::alert_system::AlertKind;
use crate::books::Observed;
use crate::desk::Desk;
use crate::fact::{Asked, Cancel, Fact};
use crate::input::Resolution;
use crate::risk_manager::{Block, BlockReason, Scope};
use crate::timers::Timer;

/// Acts on an outcome whose meaning is booked already.
pub(crate) fn after_outcome(
    desk: &mut Desk<'_>,
    number: OrderNumber,
    found: Meaning,
    outcome: SendOutcome,
) {
    match found {
        Meaning::Nothing => {}
        Meaning::Report(_) => {
            if calls_for_another_broker(outcome) {
                routing::fail_over(desk, number);
            }
        }
        Meaning::Doubt(_) => quarantine(desk, number),
        Meaning::Retry => {
            if let Some(due) = desk.books().brokers().retry(number).map(|retry| retry.due) {
                desk.analysis.timers.set(due, Timer::Retry(number));
            }
        }
        Meaning::Ask(_) => ask_about(desk, number),
        Meaning::Contradiction => {
            let symbol = desk.books().orders().get(number).map(|order| order.request.symbol);
            desk.alert(AlertKind::Contradiction, symbol, None, || {
                format!(
                    "order {}: the outcome {outcome:?} contradicts the broker's reports; the \
                     reports stand, the broker is asked",
                    number.0
                )
            });
            ask_about(desk, number);
        }
    }
}

/// Blocks the symbol of an order in doubt at every broker and begins to ask.
pub(crate) fn quarantine(desk: &mut Desk<'_>, number: OrderNumber) {
    let Some(doubt) = desk.books().brokers().doubt(number).copied() else { return };
    let block = Block::new(Scope::Symbol(doubt.symbol), BlockReason::Unknown);
    // The order in doubt is not cancelled: it may be found and work as planned (F01).
    desk.hold(block, || {
        format!(
            "order {} may be at broker {}: {}; it is asked for",
            doubt.client_id,
            doubt.broker.0,
            doubt.cause.name()
        )
    });
    let now = desk.now;
    desk.analysis.timers.set(doubt.due.max(now), Timer::AskOrder(number));
    desk.analysis.timers.set(doubt.since.plus_nanos(ALARM_NS).max(now), Timer::DoubtAlarm(number));
}

/// Lifts the block of a symbol once nothing in it is in doubt.
pub(crate) fn release(desk: &mut Desk<'_>, symbol: SymbolId) {
    let block = Block::new(Scope::Symbol(symbol), BlockReason::Unknown);
    let books = desk.books();
    if !books.blocks().holds(block) {
        return;
    }
    let missing = books.unheard().any(|(order, _)| order.request.symbol == symbol);
    if !missing && !books.brokers().is_doubtful(symbol) {
        desk.lift(block);
    }
}

/// Asks a broker something; true when the question went out.
pub(crate) fn ask(desk: &mut Desk<'_>, broker: BrokerId, ask: Ask) -> bool {
    if !desk.is_connected(broker) {
        return false;
    }
    let id = desk.books().brokers().next_query_id();
    let time = desk.now;
    desk.emit(Fact::Query(Asked { query: Query { id, broker, ask }, time }));
    if let Ask::Order(client_id) = ask {
        let doubt = desk.books().brokers().doubt(client_id.number);
        if let Some(due) = doubt.map(|doubt| doubt.due) {
            desk.analysis.timers.set(due, Timer::AskOrder(client_id.number));
        }
    }
    true
}

fn ask_about(desk: &mut Desk<'_>, number: OrderNumber) {
    let Some(order) = desk.books().orders().get(number) else { return };
    let (broker, id) = (order.request.broker, order.request.client_id);
    ask(desk, broker, Ask::Order(id));
}

/// A question about an order in doubt is due: 0.25, 0.5, 1, 2, 5, 5 ... s.
pub(crate) fn on_ask_timer(desk: &mut Desk<'_>, number: OrderNumber) {
    let Some(doubt) = desk.books().brokers().doubt(number).copied() else { return };
    if doubt.due > desk.now {
        // Asked meanwhile; that question has a deadline of its own.
        return;
    }
    // A broker that is away is asked when it is back.
    ask(desk, doubt.broker, Ask::Order(doubt.client_id));
}

/// An order has been in doubt for 5 s: somebody has to know.
pub(crate) fn on_alarm(desk: &mut Desk<'_>, number: OrderNumber) {
    let Some(doubt) = desk.books().brokers().doubt(number).copied() else { return };
    if desk.now.since(doubt.since) < ALARM_NS {
        return;
    }
    desk.alert(AlertKind::UnknownOutcome, Some(doubt.symbol), None, || {
        format!(
            "the fate of order {} at broker {} is not known: {}; its symbol stays blocked until \
             the broker answers or an operator resolves it",
            doubt.client_id,
            doubt.broker.0,
            doubt.cause.name()
        )
    });
}

/// A cancel that did not get through is made again (R9).
pub(crate) fn on_retry(desk: &mut Desk<'_>, number: OrderNumber) {
    let Some(retry) = desk.books().brokers().retry(number).copied() else { return };
    let Some(order) = desk.books().orders().get(number) else { return };
    let wanted = order.cancel_pending && !order.state.is_terminal();
    if !wanted || retry.due > desk.now {
        return;
    }
    let (client_id, broker) = (order.request.client_id, order.request.broker);
    let symbol = order.request.symbol;
    if desk.is_connected(broker) {
        let request = CancelRequest { client_id, broker, symbol };
        desk.emit(Fact::Cancel(Cancel { request, time: desk.now }));
    } else {
        // Its turn comes again when the broker may be back.
        let next = desk.now.plus_nanos(pause_ns(retry.failures));
        desk.analysis.timers.set(next, Timer::Retry(number));
    }
}

/// Ends every doubt of a broker that "not found" has proved (R7).
pub(crate) fn judge(desk: &mut Desk<'_>, broker: BrokerId) {
    let proved: Vec<Doubt> = desk
        .books()
        .brokers()
        .doubts()
        .iter()
        .filter(|doubt| doubt.broker == broker)
        .filter(|doubt| desk.traits(broker).not_found.is_proved_by(&evidence(desk, doubt)))
        .copied()
        .collect();
    for doubt in proved {
        declare_dead(desk, &doubt, Closed::NotFound);
    }
}

fn evidence(desk: &Desk<'_>, doubt: &Doubt) -> Evidence {
    let books = desk.books();
    let order = books.orders().get(doubt.number());
    // A replacement that never arrived changes nothing of what the order has filled.
    let filled = doubt.request == RequestKind::Submit
        && order.is_some_and(|order| order.cum_qty.is_positive())
        || books.brokers().unheard(doubt.number()).is_some();
    let begin = if desk.traits(doubt.broker).remote {
        doubt.since.max(books.brokers().get(doubt.broker).since)
    } else {
        doubt.since
    };
    let watched_ns = desk.is_connected(doubt.broker).then(|| desk.now.since(begin));
    Evidence { answers: doubt.answers, watched_ns, filled, agreed: doubt.agreed }
}

/// Closes an id that is not at the broker and fences it: a cancel by its id goes out first, in
/// case it is still on its way (R7).
pub(crate) fn declare_dead(desk: &mut Desk<'_>, doubt: &Doubt, how: Closed) {
    let number = doubt.number();
    let Some(order) = desk.books().orders().get(number) else { return };
    let (filled, key) = (order.cum_qty, order.slot());
    let (client_id, broker, symbol) = (doubt.client_id, doubt.broker, doubt.symbol);
    let time = desk.now;
    if doubt.request == RequestKind::Submit {
        let request = CancelRequest { client_id, broker, symbol };
        desk.emit(Fact::Cancel(Cancel { request, time }));
    }
    desk.emit(Fact::AttemptClosed(AttemptClosed { client_id, broker, how, filled, time }));
    if desk.books().brokers().doubt(number).is_some() {
        // The replacement is out of the way; where the order itself stands is asked next.
        quarantine(desk, number);
    }
    release(desk, symbol);
    // What the position lacks now is sent anew, at the same broker (R4).
    crate::order_manager::exits::settle(desk, key);
}

/// An id that was declared dead appears at the broker: it is cancelled and an alarm is raised
/// (R7).
pub(crate) fn after_report(desk: &mut Desk<'_>, observed: &Observed) {
    let brokers = desk.books().brokers();
    let appeared = brokers
        .fences
        .iter()
        .any(|fence| fence.client_id.number == observed.client_id.number && fence.appeared);
    if appeared {
        let block = Block::new(Scope::Symbol(observed.symbol), BlockReason::Unknown);
        desk.hold(block, || format!("order {} appeared after all", observed.client_id));
        desk.alert(AlertKind::UnknownOutcome, Some(observed.symbol), None, || {
            format!(
                "order {} was declared dead and appears at broker {} after all: it is cancelled",
                observed.client_id, observed.broker.0
            )
        });
        let request = CancelRequest {
            client_id: observed.client_id,
            broker: observed.broker,
            symbol: observed.symbol,
        };
        desk.emit(Fact::Cancel(Cancel { request, time: desk.now }));
    }
    unheard::after_report(desk, observed.client_id.number);
    release(desk, observed.symbol);
}

/// An operator says what became of an order in doubt (R7); one that was filled is booked already.
pub(crate) fn after_resolution(desk: &mut Desk<'_>, number: OrderNumber, resolution: Resolution) {
    let doubt = desk.books().brokers().doubt(number).copied();
    if let (Some(doubt), Resolution::Dead) = (doubt, resolution) {
        declare_dead(desk, &doubt, Closed::Operator);
    }
}
