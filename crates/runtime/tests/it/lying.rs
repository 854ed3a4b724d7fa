//! A paper broker that is told to lie, before the whole system: what it did is in our books in the
//! end, and nothing else (C34, F13, F14, F16-F18).
//!
//! The truth is the broker's own book. `storm` trades all the while; when the lies are over, trading
//! is paused and both books must say the same.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::Control;
use engine::risk_manager::Scope;
use model::{BrokerId, Quantity, SymbolId, Timestamp};
use paper::{FaultFile, Server, TcpBroker, TcpSettings};
use runtime::Handle;
use runtime::shell::Running;

use crate::live::{World, given, stop, wait_for};

/// A system that trades over TCP with a broker that lies on request.
struct Stage {
    world: World,
    server: Server,
    running: Running,
}

impl Stage {
    async fn new(rules: &str) -> Self {
        let names = ["SYM0", "SYM1", "SYM2"].map(|name| name.parse().unwrap());
        let (make, made) = std::sync::mpsc::channel();
        let runtime = tokio::runtime::Handle::current();
        let world = World::with("2026-06-01T13:29:00Z", "storm", |broker| {
            let desk = broker.desk().clone();
            let bound = std::thread::scope(|scope| {
                let bind = scope
                    .spawn(|| runtime.block_on(Server::bind("127.0.0.1:0", desk, &names)).unwrap());
                bind.join().unwrap()
            });
            let address = bound.address().to_string();
            make.send(bound).unwrap();
            let symbols = names.to_vec();
            Arc::new(TcpBroker::new(TcpSettings { address, symbols, broker: BrokerId(0), seed: 1 }))
        });
        let server = made.recv().unwrap();
        let running = world.launch();
        let stage = Self { world, server, running };
        stage.trades(4).await;
        stage.lie(rules);
        stage
    }

    fn handle(&self) -> &Handle {
        &self.running.handle
    }

    fn lie(&self, rules: &str) {
        let file: FaultFile = serde_json::from_str(&format!(r#"{{"faults":[{rules}]}}"#)).unwrap();
        self.server.faults().add(file).unwrap();
    }

    /// Waits until the broker has executed this many orders more.
    async fn trades(&self, more: usize) {
        let before = self.truth().await.0.len();
        let began = Instant::now();
        while self.truth().await.0.len() < before + more {
            let status = &self.handle().view().status;
            assert!(began.elapsed() < Duration::from_secs(60), "{status:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The broker's own executions and positions.
    async fn truth(&self) -> (BTreeSet<String>, Vec<(SymbolId, Quantity)>) {
        let rows = self.world.desk.executions(Timestamp::MIN).await.unwrap();
        let ids = rows.iter().map(|row| row.fill.exec_id.as_str().to_owned()).collect();
        let held = self.world.desk.positions().await.unwrap();
        (ids, held.iter().map(|row| (row.symbol.unwrap(), row.quantity)).collect())
    }

    fn ours(&self) -> BTreeSet<String> {
        self.handle().lists(|lists| {
            let fills = lists.fills(None, 10_000);
            fills.items.iter().map(|fill| fill.execution_id.clone()).collect()
        })
    }

    /// Ends the lies, pauses, and waits until both books say the same.
    async fn agrees(self) {
        self.server.faults().clear();
        let handle = self.handle().clone();
        handle.instruct(given(Control::PauseTrading(Scope::All))).await.unwrap();
        let began = Instant::now();
        loop {
            let (truth, _) = self.truth().await;
            let ours = self.ours();
            let view = handle.view();
            if ours == truth && view.status.unknown_orders == 0 {
                break;
            }
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "missing {:?}, invented {:?}; {:?}",
                truth.difference(&ours).collect::<Vec<_>>(),
                ours.difference(&truth).collect::<Vec<_>>(),
                view.status
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let Self { world, running, server } = self;
        assert_eq!(stop(running).await.exit_code, 0);
        drop(server);
        world.replay();
    }
}

fn rule(on: &str, fault: &str, more: &str) -> String {
    format!(r#"{{"venue":"paper","on":"{on}","do":"{fault}"{more}}}"#)
}

/// F13: reports are lost on a connection that stays; they are found by the comparison.
#[tokio::test(flavor = "multi_thread")]
async fn lost_reports_are_found() {
    let rules = rule("stream", "lost_frame", r#","probability":0.15,"seed":3"#);
    let stage = Stage::new(&rules).await;
    stage.trades(15).await;
    stage.agrees().await;
}

/// F10, F11: reports are late, behind others, or come twice.
#[tokio::test(flavor = "multi_thread")]
async fn late_and_double_reports_are_booked_once() {
    let late = rule("stream", "late_frame", r#","probability":0.2,"seconds":0.3,"seed":4"#);
    let double = rule("stream", "duplicate", r#","probability":0.2,"seed":5"#);
    let stage = Stage::new(&format!("{late},{double}")).await;
    stage.trades(15).await;
    stage.agrees().await;
}

/// F14: the connection breaks again and again; what was filled meanwhile is asked for.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_gap_held_is_asked_for() {
    let stage = Stage::new("").await;
    for _ in 0..3 {
        stage.trades(3).await;
        stage.server.cut();
        wait_for(stage.handle(), "closed", |view| !view.status.gate.open).await;
        wait_for(stage.handle(), "open", |view| view.status.gate.open).await;
    }
    stage.agrees().await;
}

/// F16: answers are slow, so that fills come between question and answer; nothing is booked twice
/// or taken away.
#[tokio::test(flavor = "multi_thread")]
async fn fills_between_question_and_answer_are_not_lost() {
    let rules = rule("query", "delay", r#","probability":0.6,"seconds":0.06,"seed":6"#);
    let stage = Stage::new(&rules).await;
    stage.trades(12).await;
    stage.agrees().await;
}

/// F17: errors and half pages are no answers: nothing is taken for flat.
#[tokio::test(flavor = "multi_thread")]
async fn half_answers_are_none() {
    let error = rule("query", "error", r#","probability":0.3,"seed":7"#);
    let half = rule("query", "half_page", r#","probability":0.5,"seed":8"#);
    let stage = Stage::new(&format!("{error},{half}")).await;
    stage.trades(15).await;
    stage.agrees().await;
}

/// F01, F03: answers to orders never come, are cut, or are errors; each order is found by its id.
#[tokio::test(flavor = "multi_thread")]
async fn orders_in_doubt_are_found_by_id() {
    let cut = rule("submit", "truncate", r#","count":1"#);
    let error = rule("submit", "error", r#","count":2,"after":2"#);
    let lost = rule("submit", "drop", r#","count":1,"after":5"#);
    let stage = Stage::new(&format!("{cut},{error},{lost}")).await;
    stage.trades(12).await;
    stage.agrees().await;
}

/// F18: orders and shares that are not ours are external: the symbol is blocked, nothing of them is
/// touched.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_ours_is_left_alone() {
    let stage = Stage::new(&rule("query", "foreign_order", "")).await;
    wait_for(stage.handle(), "something foreign", |view| {
        view.status.brokers.iter().any(|row| row.foreign_orders == 1 && row.differences == 1)
    })
    .await;
    // What was on its way is there by then.
    stage.trades(2).await;
    let entries = |stage: &Stage| {
        let asked = stage.server.requests();
        let of = |line: &str| line.contains(r#""symbol":"SYM0""#) && line.contains("entry");
        asked.iter().filter(|request| of(&request.line)).count()
    };
    let before = entries(&stage);
    stage.trades(8).await;
    assert_eq!(entries(&stage), before, "the symbol is blocked, the others trade");
    let touched = stage.server.requests();
    assert!(touched.iter().all(|request| !request.line.contains("somebody-else")));
    stage.agrees().await;
}
