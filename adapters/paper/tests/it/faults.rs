//! What the client makes of each fault: the outcome that the evidence allows, never more.

use gateway::{Broker, BrokerSignal, cancel_entries};
use model::{
    BrokerId, ExecType, NotSentReason, OrderKind, RejectReason, SendOutcome, SymbolId, UnknownCause,
};
use paper::{Book, Desk, FaultFile, Server, TcpBroker, TcpSettings};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::exam::Market;
use crate::support::{buy, cancel, id, price, settings, shares, symbols};

struct Bench {
    market: Market,
    desk: Desk,
    server: Server,
    broker: TcpBroker,
    signals: mpsc::Receiver<BrokerSignal>,
}

impl Bench {
    /// A connected client, and a server that makes these faults.
    async fn new(rules: &str) -> Self {
        let market = Market::new();
        let book = Book::in_memory(&settings(&["AAA"]));
        let desk = Desk::start(book, market.clock()).unwrap();
        let server = Server::bind("127.0.0.1:0", desk.clone(), &symbols(&["AAA"])).await.unwrap();
        let broker = TcpBroker::new(TcpSettings {
            address: server.address().to_string(),
            symbols: symbols(&["AAA"]),
            broker: BrokerId(0),
            seed: 1,
        });
        let (to, signals) = mpsc::channel(64);
        broker.stream(to);
        let mut bench = Self { market, desk, server, broker, signals };
        bench.until(|signal| *signal == BrokerSignal::Up).await;
        let file: FaultFile = serde_json::from_str(&format!(r#"{{"faults":[{rules}]}}"#)).unwrap();
        bench.server.faults().add(file).unwrap();
        bench
    }

    async fn until(&mut self, wanted: impl Fn(&BrokerSignal) -> bool) -> Vec<BrokerSignal> {
        let mut before = Vec::new();
        let listening = async {
            loop {
                let signal = self.signals.recv().await.expect("the stream ended");
                let found = wanted(&signal);
                before.push(signal);
                if found {
                    return;
                }
            }
        };
        timeout(Duration::from_secs(30), listening).await.expect("it never came");
        before
    }

    async fn submit(&self, number: u64) -> SendOutcome {
        let order = buy(number, 0, OrderKind::Limit { limit: price("5.00") }, 10);
        timeout(Duration::from_millis(700), self.broker.submit(&order))
            .await
            .unwrap_or(SendOutcome::Unknown(UnknownCause::Timeout))
    }

    /// Whether the book has the order.
    async fn has(&self, number: u64) -> bool {
        self.desk.order(id(number)).await.unwrap().is_some()
    }
}

fn on(place: &str, fault: &str) -> String {
    format!(r#"{{"venue":"paper","on":"{place}","do":"{fault}","count":1,"seconds":0.2}}"#)
}

/// F01-F03: each way to fail, whether the order arrived, and the only outcome that is true.
#[tokio::test]
async fn submits_fail_in_every_way() {
    let unknown = SendOutcome::Unknown;
    for (fault, outcome, arrived) in [
        ("drop", unknown(UnknownCause::Timeout), false),
        ("never_answer", unknown(UnknownCause::Timeout), true),
        ("reset", unknown(UnknownCause::ConnectionLost), true),
        ("truncate", unknown(UnknownCause::Unparsable), true),
        ("error", unknown(UnknownCause::ServerError), true),
        ("duplicate", SendOutcome::Accepted, true),
        ("delay", SendOutcome::Accepted, true),
    ] {
        let mut bench = Bench::new(&on("submit", fault)).await;
        assert_eq!(bench.submit(1).await, outcome, "{fault}");
        assert_eq!(bench.has(1).await, arrived, "{fault}");
        if matches!(fault, "reset" | "truncate") {
            bench.until(|signal| *signal == BrokerSignal::Up).await;
        }
        // The next one goes through, and there is one order of each id.
        assert_eq!(bench.submit(2).await, SendOutcome::Accepted, "after {fault}");
        let open = bench.broker.open_orders().await.unwrap().len();
        assert_eq!(open, 1 + usize::from(arrived), "{fault}");
    }
}

/// Without a connection no byte leaves, and no question is answered by an empty list (F17).
#[tokio::test]
async fn without_a_connection_nothing_is_sent() {
    let bench = Bench::new("").await;
    let Bench { server, broker, desk, mut signals, .. } = bench;
    drop((server, desk));
    while !matches!(signals.recv().await, Some(BrokerSignal::Down(_))) {}
    let order = buy(1, 0, OrderKind::Market, 1);
    let not_sent = SendOutcome::NotSent(NotSentReason::NotConnected);
    assert_eq!(broker.submit(&order).await, not_sent);
    assert_eq!(broker.cancel(&cancel(1, 0)).await, not_sent);
    assert!(broker.positions().await.is_err());
}

/// F17: an error, half of a list, and half of an empty list are no answers; F18: what is not ours
/// is listed as such.
#[tokio::test]
async fn lists_fail_as_a_whole() {
    for fault in ["error", "half_page"] {
        let bench = Bench::new(&on("query", fault)).await;
        assert!(bench.broker.positions().await.is_err(), "{fault}: an empty list");
        assert_eq!(bench.broker.positions().await, Ok(Vec::new()));
        assert_eq!(bench.submit(1).await, SendOutcome::Accepted);
        let rule = serde_json::from_str(&format!(r#"{{"faults":[{}]}}"#, on("query", fault)));
        bench.server.faults().add(rule.unwrap()).unwrap();
        assert!(bench.broker.open_orders().await.is_err(), "{fault}: a list with a row");
    }
    let rules = [on("query", "foreign_order"), on("query", "foreign_order")].join(",");
    let bench = Bench::new(&rules).await;
    let orders = bench.broker.open_orders().await.unwrap();
    assert_eq!((orders.len(), orders[0].client_id), (1, None));
    let positions = bench.broker.positions().await.unwrap();
    assert_eq!((positions[0].symbol, positions[0].quantity), (Some(SymbolId(0)), shares(7)));
}

/// F11, F13: a report is lost, late or double on a connection that stays.
#[tokio::test]
async fn reports_are_lost_late_or_double() {
    for (fault, kinds) in [
        ("lost_frame", vec![ExecType::Cancelled]),
        ("late_frame", vec![ExecType::Cancelled, ExecType::New]),
        ("duplicate", vec![ExecType::New, ExecType::New, ExecType::Cancelled]),
    ] {
        let mut bench = Bench::new(&on("stream", fault)).await;
        assert_eq!(bench.submit(1).await, SendOutcome::Accepted);
        assert_eq!(bench.broker.cancel(&cancel(1, 0)).await, SendOutcome::Accepted);
        let mut found = Vec::new();
        while found.len() < kinds.len() {
            let heard = bench.until(|signal| matches!(signal, BrokerSignal::Report(_))).await;
            found.extend(heard.iter().filter_map(|signal| match signal {
                BrokerSignal::Report(report) => Some(report.exec),
                _ => None,
            }));
        }
        assert_eq!(found, kinds, "{fault}");
    }
}

/// F14: what was filled while the connection was down is not told afterwards; it is asked for.
#[tokio::test]
async fn a_gap_is_asked_for() {
    let mut bench = Bench::new("").await;
    let order = buy(1, 0, OrderKind::Market, 10);
    assert_eq!(bench.broker.submit(&order).await, SendOutcome::Accepted);
    bench.until(|signal| matches!(signal, BrokerSignal::Report(_))).await;
    bench.server.cut();
    bench.desk.show(bench.market.trade(price("10.00"), shares(10))).await;
    let down = bench.until(|signal| *signal == BrokerSignal::Up).await;
    assert!(matches!(down[..], [.., BrokerSignal::Down(_), BrokerSignal::Up]));
    let told = down.iter().any(|signal| matches!(signal, BrokerSignal::Report(_)));
    // The fill was told before the cut reached the client, or not at all.
    let fills = bench.broker.executions_since(Default::default()).await.unwrap();
    assert_eq!((fills.len(), fills[0].client_id), (1, Some(id(1))), "told: {told}");
    let late = bench.broker.cancel(&cancel(1, 0)).await;
    assert_eq!(late, SendOutcome::Rejected(RejectReason::TooLate));
}

/// C31, `emergency-stop --direct`: entries of ours are cancelled without a core, also when a cancel
/// fails at first; exits and orders of others stay.
#[tokio::test]
async fn entries_are_cancelled_without_a_core() {
    let bench = Bench::new(&on("cancel", "drop")).await;
    let limit = OrderKind::Limit { limit: price("5.00") };
    for number in 1..=2 {
        assert_eq!(bench.submit(number).await, SendOutcome::Accepted);
    }
    let mut exit = buy(3, 0, limit, 10);
    exit.client_id.exit = true;
    let mut other = buy(4, 0, limit, 10);
    other.client_id.tag = *b"ZZ\0\0";
    for order in [exit, other] {
        assert_eq!(bench.broker.submit(&order).await, SendOutcome::Accepted);
    }
    let direct = TcpBroker::new(TcpSettings {
        address: bench.server.address().to_string(),
        symbols: symbols(&["AAA"]),
        broker: BrokerId(0),
        seed: 2,
    });
    // The first cancel is lost and never answered: a client that waits for it asks again.
    let stopped = cancel_entries(&direct, *b"BW\0\0", Duration::from_secs(30)).await.unwrap();
    assert_eq!((stopped.found, stopped.left), (vec![id(1), id(2)], Vec::new()));
    let open = bench.broker.open_orders().await.unwrap();
    let ids: Vec<_> = open.iter().filter_map(|row| row.client_id).collect();
    assert_eq!(ids, [exit.client_id, other.client_id]);
}

/// F15: a connection that stands and says nothing is taken for dead and made anew; what was asked
/// on it is unknown.
#[tokio::test]
async fn a_silent_connection_is_dead() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = TcpSettings {
        address: listener.local_addr().unwrap().to_string(),
        symbols: symbols(&["AAA"]),
        broker: BrokerId(0),
        seed: 1,
    };
    let broker = TcpBroker::with_silence(settings, Duration::from_millis(400));
    let (to, mut signals) = mpsc::channel(16);
    broker.stream(to);
    let hello = b"{\"is\":\"hello\",\"time\":\"2026-11-25T14:30:00Z\"}\n";
    let (mut first, _) = listener.accept().await.unwrap();
    first.write_all(hello).await.unwrap();
    assert_eq!(signals.recv().await, Some(BrokerSignal::Up));
    let order = buy(1, 0, OrderKind::Market, 1);
    let lost = SendOutcome::Unknown(UnknownCause::ConnectionLost);
    assert_eq!(broker.submit(&order).await, lost);
    let down = signals.recv().await.unwrap();
    assert_eq!(down, BrokerSignal::Down("silent for 400 ms".into()));
    let (mut second, _) = listener.accept().await.unwrap();
    second.write_all(hello).await.unwrap();
    assert_eq!(signals.recv().await, Some(BrokerSignal::Up));
}

/// F49: lines that are no messages end the connection, never the client; what was asked is unknown.
#[tokio::test]
async fn lines_that_are_no_messages_end_the_connection() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let broker = TcpBroker::new(TcpSettings {
        address: listener.local_addr().unwrap().to_string(),
        symbols: symbols(&["AAA"]),
        broker: BrokerId(0),
        seed: 1,
    });
    let (to, mut signals) = mpsc::channel(16);
    broker.stream(to);
    let hello = "{\"is\":\"hello\",\"time\":\"2026-11-25T14:30:00Z\"}";
    for line in [
        "",
        "[]",
        "\u{0}\u{1}",
        "{\"is\":\"moon\"}",
        "{\"is\":\"report\",\"client_id\":\"x\",\"symbol\":\"AAA\",\"exec\":\"new\",\"time\":\"2026-11-25T14:30:00Z\"}",
        "{\"is\":\"outcome\",\"id\":-1,\"outcome\":\"accepted\"}",
    ] {
        let (mut socket, _) = listener.accept().await.unwrap();
        socket.write_all(format!("{hello}\n").as_bytes()).await.unwrap();
        assert_eq!(signals.recv().await, Some(BrokerSignal::Up), "{line}");
        socket.write_all(format!("{line}\n").as_bytes()).await.unwrap();
        assert!(matches!(signals.recv().await, Some(BrokerSignal::Down(_))), "{line}");
    }
}
