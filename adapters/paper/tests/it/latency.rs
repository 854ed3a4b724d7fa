//! How long orders take from the decision to the socket and to the answer, and the kill switch to
//! its cancels, over TCP with a book on disk: printed, and counted only.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gateway::{
    Children, Dispatcher, DispatcherSettings, KillScope, KillSwitch, Released, Said, What,
};
use model::{BrokerId, Command, OrderKind, RequestKind, SendOutcome};
use paper::{Book, Desk, Server, TcpBroker, TcpSettings};
use tokio::sync::mpsc;

use crate::exam::Market;
use crate::support::{buy, price, settings, symbols};

const ORDERS: u64 = 200;

async fn outcomes(said: &mut mpsc::Receiver<Said>, request: RequestKind, count: u64) {
    let mut missing = count;
    while missing > 0 {
        let heard = tokio::time::timeout(Duration::from_secs(60), said.recv()).await;
        if let What::Outcome { request: of, outcome, .. } = heard.unwrap().unwrap().what {
            assert_eq!((of, outcome), (request, SendOutcome::Accepted));
            missing -= 1;
        }
    }
}

/// C31: all entries of a full book are cancelled by the switch, none is left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_and_the_kill_switch_take_their_time() {
    let dir = tempfile::tempdir().unwrap();
    let market = Market::new();
    let book = Book::open(dir.path(), &settings(&["AAA"])).unwrap();
    let desk = Desk::start(book, market.clock()).unwrap();
    let server = Server::bind("127.0.0.1:0", desk.clone(), &symbols(&["AAA"])).await.unwrap();
    let broker = TcpBroker::new(TcpSettings {
        address: server.address().to_string(),
        symbols: symbols(&["AAA"]),
        broker: BrokerId(0),
        seed: 1,
    });
    let born = Instant::now();
    let clock = Arc::new(move || u64::try_from(born.elapsed().as_nanos()).unwrap());
    let settings = DispatcherSettings::new(BrokerId(0), clock.clone());
    let (switch, children) = (KillSwitch::new(false), Arc::new(Children::default()));
    let (to, mut said) = mpsc::channel(1_024);
    let dispatcher = Dispatcher::spawn(Arc::new(broker), settings, &switch, &children, to);
    while !matches!(said.recv().await.unwrap().what, What::Signal(gateway::BrokerSignal::Up)) {}
    for number in 0..ORDERS {
        let command = Command::Submit(buy(number, 0, OrderKind::Limit { limit: price("5.00") }, 1));
        dispatcher.send(&[Released { command, decided_mono_ns: clock(), seq: number }]);
        outcomes(&mut said, RequestKind::Submit, 1).await;
    }
    switch.engage(KillScope::All);
    outcomes(&mut said, RequestKind::Cancel, ORDERS).await;
    assert!(desk.open_orders().await.unwrap().is_empty());
    let status = dispatcher.status();
    let us = |ns: Option<u64>| ns.unwrap_or_default() / 1_000;
    println!(
        "to the socket: p50 < {} us, p99 < {} us; answered: p50 < {} us, p99 < {} us",
        us(status.to_wire.quantile(0.5)),
        us(status.to_wire.quantile(0.99)),
        us(status.answers.quantile(0.5)),
        us(status.answers.quantile(0.99)),
    );
    println!(
        "kill switch: first cancel after {} us, {ORDERS} after {} us",
        status.first_cancel_ns / 1_000,
        status.last_cancel_ns / 1_000
    );
}
