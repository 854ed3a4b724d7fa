//! The broker in process: outcomes, reports, and what comes of a refusal.

use std::sync::Arc;

use gateway::{Broker, BrokerSignal};
use model::{ExecType, MarketEvent, OrderKind, RejectReason, SendOutcome, SymbolId, UnknownCause};
use paper::{Book, MemoryBroker, Shown};
use tokio::sync::mpsc;

use crate::support::{bar, buy, cancel, minute, settings};

async fn next_report(signals: &mut mpsc::Receiver<BrokerSignal>) -> ExecType {
    loop {
        match signals.recv().await {
            Some(BrokerSignal::Report(report)) => return report.exec,
            Some(_) => {}
            None => panic!("the stream ended"),
        }
    }
}

#[tokio::test]
async fn requests_are_answered_and_reported() {
    let book = Book::in_memory(&settings(&["AAA"]));
    let broker = MemoryBroker::start(book, Arc::new(|| minute(0))).unwrap();
    let (to, mut signals) = mpsc::channel(16);
    broker.stream(to);
    assert_eq!(signals.recv().await, Some(BrokerSignal::Up));
    let order = buy(1, 0, OrderKind::Market, 10);
    assert_eq!(broker.submit(&order).await, SendOutcome::Accepted);
    let again = broker.submit(&order).await;
    assert_eq!(again, SendOutcome::Unknown(UnknownCause::DuplicateId));
    assert_eq!(next_report(&mut signals).await, ExecType::New);
    let event =
        MarketEvent::Bar { symbol: SymbolId(0), bar: bar(0, "10", "10.10", "9.95", "10.05") };
    broker.desk().show(vec![Shown { event, rth: true }]).await;
    assert!(matches!(next_report(&mut signals).await, ExecType::Trade(_)));
    let late = broker.cancel(&cancel(1, 0)).await;
    assert_eq!(late, SendOutcome::Rejected(RejectReason::TooLate));
    assert_eq!(broker.positions().await.unwrap().len(), 1);
}
