//! F10: the order in which reports arrive does not matter. All permutations of up to seven
//! reports on an entry and its protective stop leave the same books.

use engine::risk_manager::{Gate, Limits, Sizing};
use engine::strategy_engine::Plan;
use engine::{Books, BrokerEvent, Fact, Input, Intent, Seen};
use model::{
    BrokerId, Cash, ClientOrderId, ExecId, ExecType, ExecutionReport, Fill, GroupId, NewOrder,
    OrderKind, OrderNumber, OrderRole, OrderState, Price, Quantity, Side, SymbolId, TimeInForce,
    Timestamp,
};

use crate::world::{breakout, price, shares};

fn order(number: u64, role: OrderRole, quantity: i64) -> NewOrder {
    let exit = role.is_exit();
    NewOrder {
        client_id: ClientOrderId {
            tag: *b"BW\0\0",
            epoch: 1,
            number: OrderNumber(number),
            attempt: 0,
            exit,
        },
        broker: BrokerId(0),
        symbol: SymbolId(0),
        side: if exit { Side::Sell } else { Side::Buy },
        kind: if exit { OrderKind::Stop { stop: price("10.00") } } else { OrderKind::Market },
        quantity: shares(quantity),
        time_in_force: TimeInForce::Day,
        role,
        group: exit.then_some(GroupId(0)),
    }
}

fn intent(order: NewOrder) -> Fact {
    let plan: Plan = breakout("10.50", "10.55", "10.00");
    let sizing = Sizing { quantity: order.quantity, ..Sizing::default() };
    let entry = order.role == OrderRole::Entry;
    Fact::Intent(Box::new(Intent {
        order,
        plan: entry.then_some(plan),
        sizing: entry.then_some(sizing),
        ..Intent::default()
    }))
}

fn fill(id: u64, side: Side, quantity: i64, at: &str) -> Fill {
    Fill {
        exec_id: ExecId::simulated(id),
        side,
        quantity: shares(quantity),
        price: price(at),
        fee: Cash::from_raw(7),
    }
}

/// What must not depend on the order of arrival.
#[derive(PartialEq, Debug)]
struct Outcome {
    orders: Vec<(OrderState, Quantity, Cash)>,
    position: Option<(Quantity, Cash, Cash, Cash, Option<Price>)>,
    closed: Vec<(Cash, Cash)>,
    externals: Vec<(Quantity, Cash)>,
    cash: Cash,
    realised: Cash,
    fees: Cash,
}

/// Books with an entry for 1,000 shares of which 100 are filled, and its stop for these.
fn begun() -> Books {
    let deposit = Cash::from_dollars(100_000).unwrap();
    let mut books = Books::new(1, 1, deposit, Gate::new(Limits::default()));
    books.fold(&intent(order(0, OrderRole::Entry, 1_000)));
    observe(&mut books, 0, ExecType::Trade(fill(1, Side::Buy, 100, "10.50")), 1);
    books.fold(&intent(order(1, OrderRole::Stop, 500)));
    books
}

fn observe(books: &mut Books, number: u64, exec: ExecType, second: i64) {
    let role = if number == 0 { OrderRole::Entry } else { OrderRole::Stop };
    let report = ExecutionReport {
        client_id: order(number, role, 1).client_id,
        broker: BrokerId(0),
        symbol: SymbolId(0),
        exec,
        time: Timestamp::from_nanos(second * model::SECOND_NS),
        cum_qty: None,
        broker_id: None,
    };
    let event = BrokerEvent::Report(report);
    let input = Input::Broker { broker: BrokerId(0), event };
    books.observe(&input, report.time, &mut Seen::default());
}

fn outcome(books: &Books) -> Outcome {
    let position = books.position(engine::SlotKey::default());
    Outcome {
        orders: books.orders().iter().map(|o| (o.state, o.cum_qty, o.cum_value)).collect(),
        position: position.map(|p| (p.quantity, p.cost, p.flow, p.fees, p.entry_price())),
        closed: books.closed().iter().map(|(_, p)| (p.flow, p.fees)).collect(),
        externals: books.externals().iter().map(|e| (e.quantity, e.totals().flow)).collect(),
        cash: books.ledger().cash(),
        realised: books.ledger().realised(),
        fees: books.ledger().fees(),
    }
}

/// Runs every order of arrival; the broker's own times stay with the reports.
fn all_orders_agree(name: &str, reports: &[(u64, ExecType)]) {
    let mut places: Vec<usize> = (0..reports.len()).collect();
    let mut first = None;
    let mut count = 0;
    permute(&mut places, 0, &mut |places| {
        let mut books = begun();
        for &place in places {
            let (number, exec) = reports[place];
            observe(&mut books, number, exec, 10 + place as i64);
            // I3 and I11 hold after every report; exits that are too large are the deciding
            // part's to reduce, which does not run here.
            if let Err(why) = books.check() {
                assert!(why.starts_with("C16"), "{name}: {places:?}: {why}");
            }
        }
        let outcome = outcome(&books);
        match &first {
            None => first = Some(outcome),
            Some(first) => assert_eq!(&outcome, first, "{name}: {places:?}"),
        }
        count += 1;
    });
    assert_eq!(count, (1..=reports.len()).product::<usize>(), "{name}");
}

fn permute(places: &mut [usize], from: usize, visit: &mut impl FnMut(&[usize])) {
    if from == places.len() {
        visit(places);
        return;
    }
    for other in from..places.len() {
        places.swap(from, other);
        permute(places, from + 1, visit);
        places.swap(from, other);
    }
}

/// F08, F10: acknowledgements, partial fills and the end of an entry.
#[test]
fn an_entry_that_fills() {
    use ExecType as E;
    let buy = |id, quantity, at| E::Trade(fill(id, Side::Buy, quantity, at));
    let reports = [
        (0, E::Accepted),
        (0, E::New),
        (0, buy(2, 300, "10.51")),
        (0, buy(3, 600, "10.52")),
        (0, buy(3, 600, "10.52")),
        (1, E::Accepted),
        (1, E::New),
    ];
    all_orders_agree("fills in full, one execution twice", &reports);
}

/// F08, F09: a partly filled entry is cancelled; fills come before, between and after.
#[test]
fn an_entry_that_is_cancelled() {
    use ExecType as E;
    let buy = |id, quantity, at| E::Trade(fill(id, Side::Buy, quantity, at));
    let sell = |id, quantity, at| E::Trade(fill(id, Side::Sell, quantity, at));
    let reports = [
        (0, E::New),
        (0, buy(2, 300, "10.51")),
        (0, buy(3, 200, "10.52")),
        (0, E::Cancelled),
        (1, E::New),
        (1, sell(4, 100, "9.99")),
        (1, sell(5, 150, "9.98")),
    ];
    all_orders_agree("cancelled with late fills", &reports);
}

/// F12: a bust and a correction, wherever they arrive.
#[test]
fn executions_that_are_restated() {
    use ExecType as E;
    let buy = |id, quantity, at| E::Trade(fill(id, Side::Buy, quantity, at));
    let id = ExecId::simulated;
    let reports = [
        (0, buy(2, 300, "10.51")),
        (0, E::Bust { exec_id: id(2) }),
        (0, buy(3, 600, "10.52")),
        (0, E::Correct { replaces: id(3), fill: fill(4, Side::Buy, 600, "10.50") }),
        (0, E::Cancelled),
        (1, E::Trade(fill(5, Side::Sell, 100, "9.99"))),
    ];
    all_orders_agree("bust and correction", &reports);
}

/// F19, I13: the stop fills more than there is; what goes beyond depends on no order.
#[test]
fn an_exit_that_goes_beyond() {
    use ExecType as E;
    let sell = |id, quantity, at| E::Trade(fill(id, Side::Sell, quantity, at));
    let id = ExecId::simulated;
    let reports = [
        (0, E::Trade(fill(2, Side::Buy, 100, "10.51"))),
        (0, E::Cancelled),
        (1, sell(3, 150, "9.99")),
        (1, sell(4, 250, "9.98")),
        (1, E::Bust { exec_id: id(3) }),
        (1, E::New),
    ];
    all_orders_agree("beyond the position", &reports);
}

/// R9: a replacement and fills cross on the wire.
#[test]
fn a_refused_replacement_and_fills_cross() {
    use ExecType as E;
    let buy = |id, quantity, at| E::Trade(fill(id, Side::Buy, quantity, at));
    let reports = [
        (0, E::New),
        (0, E::PendingReplace),
        (0, buy(2, 400, "10.51")),
        (0, buy(3, 500, "10.52")),
        (0, E::ReplaceRejected(model::RejectReason::TooLate)),
        (0, E::CancelRejected(model::RejectReason::TooLate)),
    ];
    all_orders_agree("replacement refused", &reports);
}
