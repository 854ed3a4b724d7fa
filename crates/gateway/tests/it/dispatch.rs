//! Outcomes, order, withdrawal, time-outs and pages.

use gateway::{BrokerSignal, What};
use model::{
    Ask, Command, ExecType, NotSentReason, OrderRow, Query, QueryId, RequestKind, Rows,
    SendOutcome, UnknownCause,
};

use crate::scripted::{Bench, Reply, Scripted, cancel, entry, exit, report};

/// Each request ends in exactly one outcome, the broker's own; a call without an answer is unknown
/// after ten seconds (F01).
#[tokio::test(start_paused = true)]
async fn outcomes_are_exactly_one() {
    let mut bench = Bench::new();
    bench.broker.reply(Reply::Never);
    bench.broker.reply(Reply::After(50, SendOutcome::Accepted));
    bench.send(entry(1));
    bench.send(entry(2));
    let kind = RequestKind::Submit;
    assert_eq!(bench.outcome().await, ("BW-1-2-0E".into(), kind, SendOutcome::Accepted));
    let unknown = SendOutcome::Unknown(UnknownCause::Timeout);
    assert_eq!(bench.outcome().await, ("BW-1-1-0E".into(), kind, unknown));
    assert_eq!(bench.dispatcher.status().outcomes, [0, 0, 1, 1]);
    assert_eq!(bench.dispatcher.queue().depth, 0);
    bench.dispatcher.close().await;
    assert_eq!(bench.said.recv().await, None, "nothing more is said");
}

/// journal.md 6: of one order a request waits for the answer before; a cancel that meets its own
/// submit before it left withdraws it.
#[tokio::test(start_paused = true)]
async fn one_order_one_call() {
    let mut bench = Bench::new();
    bench.broker.reply(Reply::After(300, SendOutcome::Accepted));
    bench.send(entry(1));
    assert_eq!(bench.called(1).await, ["submit BW-1-1-0E"]);
    bench.send(cancel(1));
    bench.send(exit(2));
    assert_eq!(bench.called(2).await[1], "submit BW-1-2-0X");
    assert_eq!(bench.called(3).await[2], "cancel BW-1-1-0E");
    for _ in 0..3 {
        bench.outcome().await;
    }
    bench.send_together(&[entry(3), cancel(3)]);
    let withdrawn = SendOutcome::NotSent(NotSentReason::Withdrawn);
    let id = "BW-1-3-0E".to_owned();
    assert_eq!(bench.outcome().await, (id.clone(), RequestKind::Submit, withdrawn));
    assert_eq!(bench.outcome().await, (id, RequestKind::Cancel, withdrawn));
    assert_eq!(bench.broker.calls().len(), 3);
}

/// C13 at the last point: an entry beyond half of the budget is not sent, and neither is a question
/// beyond all of it; it is answered as unavailable.
#[tokio::test(start_paused = true)]
async fn the_budget_holds() {
    let mut bench = Bench::with(Scripted::paced(5), |_| {});
    for number in 1..=3 {
        bench.send(entry(number));
    }
    let refused = SendOutcome::NotSent(NotSentReason::Budget);
    let outcomes = [bench.outcome().await.2, bench.outcome().await.2, bench.outcome().await.2];
    assert_eq!(outcomes, [SendOutcome::Accepted, SendOutcome::Accepted, refused]);
    for _ in 0..2 {
        bench.send(exit(9));
        bench.outcome().await;
    }
    bench.send(Command::Query(Query { ask: Ask::Positions, ..Query::default() }));
    let What::Page(page) = bench.next().await else { panic!() };
    assert_eq!((page.rows, page.last), (Rows::Unavailable, true));
}

/// journal.md 12, F16, F17: pages name how many reports were passed on when they were asked for and
/// answered; a failed question and one that is never answered are unavailable.
#[tokio::test(start_paused = true)]
async fn questions_are_answered_in_pages() {
    let mut bench = Bench::with(Scripted::default(), |settings| settings.reports = 40);
    bench.broker.say(BrokerSignal::Up).await;
    bench.broker.say(report(7, ExecType::New)).await;
    assert_eq!(bench.next().await, What::Signal(BrokerSignal::Up));
    assert!(matches!(bench.next().await, What::Signal(BrokerSignal::Report(_))));
    bench.broker.answer_orders(vec![OrderRow::default(); 150]);
    let ask = |number, ask| {
        Command::Query(Query { id: QueryId { epoch: 1, number }, ask, ..Query::default() })
    };
    bench.send(ask(1, Ask::OpenOrders));
    for (place, rows) in [(0, 100), (1, 50)] {
        let What::Page(page) = bench.next().await else { panic!() };
        assert_eq!((page.query.number, page.page, page.last), (1, place, place == 1));
        assert_eq!((page.asked_after, page.answered_after), (41, 41));
        assert!(matches!(page.rows, Rows::Orders(found) if found.len() == rows));
    }
    bench.send(ask(2, Ask::Executions { since: Default::default() }));
    let What::Page(page) = bench.next().await else { panic!() };
    assert_eq!((page.query.number, page.rows, page.last), (2, Rows::Unavailable, true));
}

/// F42: when the core is slow, nothing is lost and the order of things stays; the broker's signals
/// wait.
#[tokio::test(start_paused = true)]
async fn a_slow_core_loses_nothing() {
    let mut bench = Bench::new();
    let broker = std::sync::Arc::clone(&bench.broker);
    let talk = tokio::spawn(async move {
        for number in 0..5_000 {
            broker.say(report(number, ExecType::New)).await;
        }
    });
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    for number in 0..5_000 {
        assert_eq!(bench.next().await, What::Signal(report(number, ExecType::New)));
    }
    talk.await.unwrap();
}

/// F42: more entries than the room without its reserve are not sent; a cancel always is.
#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses_entries_only() {
    let mut bench = Bench::with(Scripted::default(), |settings| {
        (settings.capacity, settings.reserved) = (4, 2);
    });
    let commands: Vec<Command> = (1..=3).map(entry).chain((4..=9).map(exit)).collect();
    bench.send_together(&commands);
    let mut refused = Vec::new();
    for _ in 0..9 {
        let (id, _, outcome) = bench.outcome().await;
        if outcome == SendOutcome::NotSent(NotSentReason::Budget) {
            refused.push(id);
        }
    }
    assert_eq!(refused, ["BW-1-3-0E"]);
    assert_eq!(bench.dispatcher.queue().dropped, 1);
}
