//! The exam of all brokers, over the paper broker in process and over TCP.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use gateway::exam::{Examinee, Verdict, examine};
use gateway::{Answer, Broker};
use model::{
    BrokerId, ClientOrderId, Conditions, MarketEvent, NewOrder, OrderKind, Price, Quantity,
    SymbolId, Timestamp, Trade,
};
use paper::{Book, Desk, MemoryBroker, Server, Shown, TcpBroker, TcpSettings};

use crate::support::{buy, id, minute, price, settings, symbols};

/// A book whose market the test moves, a minute for each trade.
pub(crate) struct Market {
    now: Arc<AtomicI64>,
    numbers: AtomicU64,
}

impl Market {
    pub(crate) fn new() -> Self {
        Self { now: Arc::new(AtomicI64::new(minute(0).nanos())), numbers: AtomicU64::new(1) }
    }

    pub(crate) fn clock(&self) -> paper::Clock {
        let now = Arc::clone(&self.now);
        Arc::new(move || Timestamp::from_nanos(now.load(Ordering::Relaxed)))
    }

    /// Orders take a tenth of what is printed (TF10).
    pub(crate) fn trade(&self, price: Price, most: Quantity) -> Vec<Shown> {
        let time = self.now.fetch_add(60_000_000_000, Ordering::Relaxed) + 60_000_000_000;
        let size = Quantity::from_shares(most.shares() * 10).unwrap();
        let conditions = Conditions::default();
        let time = Timestamp::from_nanos(time);
        let trade = Trade { time, price, size, sequence: 0, conditions };
        let event = MarketEvent::Trade { symbol: SymbolId(0), trade };
        vec![Shown { event, rth: true }]
    }

    pub(crate) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }
}

/// The paper broker at its exam.
struct Paper {
    market: Market,
    desk: Desk,
    broker: Arc<dyn Broker>,
    /// The server, where there is a socket.
    server: Option<Server>,
}

impl Examinee for Paper {
    fn broker(&self) -> Arc<dyn Broker> {
        Arc::clone(&self.broker)
    }

    fn market(&self) -> (SymbolId, Price) {
        (SymbolId(0), price("10.00"))
    }

    fn order(&mut self, kind: OrderKind, quantity: Quantity) -> NewOrder {
        let order = buy(self.market.number(), 0, kind, 1);
        NewOrder { quantity, broker: BrokerId(0), ..order }
    }

    fn unused(&mut self) -> ClientOrderId {
        id(self.market.number())
    }

    fn trade(&mut self, price: Price, most: Quantity) -> Answer<'_, ()> {
        let shown = self.market.trade(price, most);
        Box::pin(self.desk.show(shown))
    }

    fn cut(&mut self) -> Option<Answer<'_, ()>> {
        let server = self.server.as_ref()?;
        Some(Box::pin(async { server.cut() }))
    }
}

fn passed(verdicts: Vec<Verdict>) {
    let failed: Vec<String> = verdicts
        .iter()
        .filter_map(|verdict| {
            let failure = verdict.failure.as_ref()?;
            Some(format!("{}: {failure}", verdict.case))
        })
        .collect();
    assert!(verdicts.len() >= 10 && failed.is_empty(), "{}", failed.join("\n"));
}

#[tokio::test]
async fn the_broker_in_process_passes() {
    let sit = async || {
        let market = Market::new();
        let book = Book::in_memory(&settings(&["AAA"]));
        let broker = MemoryBroker::start(book, market.clock()).unwrap();
        let desk = broker.desk().clone();
        Paper { market, desk, broker: Arc::new(broker), server: None }
    };
    passed(examine(sit).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_broker_over_tcp_passes() {
    let dir = tempfile::tempdir().unwrap();
    let mut sittings = 0;
    let sit = async || {
        sittings += 1;
        let market = Market::new();
        let path = dir.path().join(sittings.to_string());
        let book = Book::open(&path, &settings(&["AAA"])).unwrap();
        let desk = Desk::start(book, market.clock()).unwrap();
        let server = Server::bind("127.0.0.1:0", desk.clone(), &symbols(&["AAA"])).await.unwrap();
        let broker = TcpBroker::new(TcpSettings {
            address: server.address().to_string(),
            symbols: symbols(&["ZZZ", "AAA"]).split_off(1),
            broker: BrokerId(0),
            seed: 1,
        });
        Paper { market, desk, broker: Arc::new(broker), server: Some(server) }
    };
    passed(examine(sit).await);
}
