//! The courier with a sink that fails and a journal of a few records.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use engine::alert_system::{Alert, AlertKind, Severity};
use engine::data_manager::DataPolicy;
use engine::execution_engine::BrokerTraits;
use engine::risk_manager::Limits;
use engine::{Control, Engine, EngineConfig, Fact, Input};
use journal::disk::RealDisk;
use model::exchange::{Calendar, TickTable};
use model::{Cash, SymbolId, Timestamp};

use super::courier::{Courier, CourierParts};
use super::{AlertSettings, Deliver, Notice, Undelivered};
use crate::release::Released;
use crate::view::{Build, Run};

/// Collects what is delivered, unless it is told to fail.
#[derive(Clone, Debug, Default)]
struct Sink(Arc<Mutex<(bool, Vec<Notice>)>>);

impl Deliver for Sink {
    fn deliver(&self, notice: &Notice) -> Result<(), Undelivered> {
        let mut inside = self.0.lock().unwrap();
        if inside.0 {
            return Err(Undelivered("the sink is down".to_owned()));
        }
        inside.1.push(notice.clone());
        Ok(())
    }
}

impl Sink {
    fn failing() -> Self {
        let sink = Self::default();
        sink.fail(true);
        sink
    }

    fn fail(&self, fails: bool) {
        self.0.lock().unwrap().0 = fails;
    }

    /// What was delivered: the id and the count.
    fn got(&self) -> Vec<(Option<u64>, u32)> {
        self.0.lock().unwrap().1.iter().map(|notice| (notice.id, notice.count)).collect()
    }

    fn wait_for(&self, count: usize) -> Vec<(Option<u64>, u32)> {
        let began = Instant::now();
        while self.got().len() < count {
            assert!(began.elapsed() < Duration::from_secs(20), "{:?}", self.got());
            std::thread::sleep(Duration::from_millis(2));
        }
        self.got()
    }
}

fn run() -> Arc<Run> {
    let calendar = Arc::new(Calendar::nyse());
    let engine = Engine::new(EngineConfig {
        symbols: vec!["SYM0".parse().unwrap()],
        strategies: Vec::new(),
        cash: Cash::from_dollars(100_000).unwrap(),
        limits: Limits::default(),
        calendar: Arc::clone(&calendar),
        ticks: TickTable::us(),
        tag: *b"BW\0\0",
        brokers: vec![BrokerTraits::simulated()],
        opening_failover: false,
        record_all: true,
        data: DataPolicy::default(),
    });
    let build = Build { version: "1".into(), commit: "abc".into() };
    Arc::new(Run::new(&engine, "paper", "testing", build, calendar, &["paper"], &["playback"]))
}

/// A group whose input is at `seq` and whose alert, with the id `seq + 1`, is of this kind.
fn alert(seq: u64, kind: AlertKind) -> Released {
    let symbol = Some(SymbolId(0));
    let (severity, message) = (kind.severity(), kind.name().to_owned());
    let fact = Fact::Alert(Box::new(Alert { kind, severity, symbol, message, ..Alert::default() }));
    released(seq, Input::Time, vec![fact])
}

fn released(seq: u64, input: Input, facts: Vec<Fact>) -> Released {
    let end_seq = seq + facts.len() as u64;
    Released { seq, end_seq, time: Timestamp::default(), input, facts, evaluations: Vec::new() }
}

/// Starts a courier over a journal that holds these records; the process begins at `begin`.
fn courier(folder: &Path, sink: &Sink, journal: Vec<Released>, begin: u64) -> Courier {
    let settings = AlertSettings {
        capacity: 3,
        escalate_after: Duration::from_millis(50),
        deliver: Arc::new(sink.clone()),
    };
    let (run, disk) = (run(), Arc::new(RealDisk::default()));
    let catch_up = Box::new(move |from, to| {
        let wanted = |record: &&Released| record.end_seq >= from && record.seq < to;
        journal.iter().filter(wanted).cloned().collect()
    });
    let data_dir = folder.to_owned();
    Courier::start(CourierParts { settings, run, disk, data_dir, catch_up, begin }).unwrap()
}

/// Design.md 3, F41: with the sink down nothing waits; critical alerts beyond the queue's room come
/// from the journal, each once and in order; ordinary ones of a kind are one with their count.
#[test]
fn a_full_queue_loses_no_critical_alert() {
    let folder = tempfile::tempdir().unwrap();
    let critical: Vec<Released> = (1..=8).map(|n| alert(n * 10, AlertKind::Unprotected)).collect();
    let sink = Sink::failing();
    let courier = courier(folder.path(), &sink, critical.clone(), 1);
    let alerter = courier.alerter();
    alerter.give(&alert(2, AlertKind::BadData));
    // The first one is at hand or waits; the next three of its kind are one.
    while alerter.issues().is_empty() {
        std::thread::sleep(Duration::from_millis(2));
    }
    for seq in [4, 6, 8] {
        alerter.give(&alert(seq, AlertKind::BadData));
    }
    critical.iter().for_each(|record| alerter.give(record));
    alerter.give(&alert(100, AlertKind::StaleData));
    let status = alerter.status();
    assert_eq!((status.depth, status.conflated, status.dropped), (3, 2, 1), "{status:?}");
    assert!(alerter.issues()[0].text.contains("the sink is down"));
    sink.fail(false);
    let got = sink.wait_for(10);
    let mut expected = vec![(Some(3), 1), (Some(9), 3)];
    expected.extend((1..=8).map(|n| (Some(n * 10 + 1), 1)));
    assert_eq!(got[..10], expected);
    courier.finish();
}

/// J13: what was not delivered before the end is delivered by the next process, what was is not,
/// and what somebody acknowledged needs no telling.
#[test]
fn a_critical_alert_outlives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let acknowledged = released(40, Input::from(Control::Acknowledge(31)), Vec::new());
    let journal = vec![
        alert(10, AlertKind::Kill),
        alert(20, AlertKind::Unprotected),
        alert(30, AlertKind::Kill),
        acknowledged,
    ];
    let sink = Sink::default();
    let first = courier(folder.path(), &sink, journal.clone(), 1);
    first.alerter().give(&journal[0]);
    sink.wait_for(1);
    sink.fail(true);
    journal[1..].iter().for_each(|record| first.alerter().give(record));
    first.finish();
    assert_eq!(sink.got(), [(Some(11), 1)]);

    let sink = Sink::default();
    let second = courier(folder.path(), &sink, journal.clone(), 50);
    assert_eq!(sink.wait_for(1)[0], (Some(21), 1));
    second.finish();
    let told = sink.got();
    assert!(!told.contains(&(Some(31), 1)), "{told:?}");

    // A cursor that cannot be read: rather twice than never.
    std::fs::write(folder.path().join("cursors/alerts"), "nonsense").unwrap();
    let sink = Sink::default();
    let third = courier(folder.path(), &sink, journal, 60);
    assert_eq!(sink.wait_for(2)[..2], [(Some(11), 1), (Some(21), 1)]);
    third.finish();
}

/// C35: a critical alert without an acknowledgement is told again, once, and named by the health
/// until somebody acknowledges it; also when it was told by the process before.
#[test]
fn what_nobody_acknowledges_is_told_again() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::default();
    let kill = alert(10, AlertKind::Kill);
    let first = courier(folder.path(), &sink, Vec::new(), 1);
    first.alerter().give(&kill);
    first.alerter().give(&alert(20, AlertKind::StaleData));
    sink.wait_for(3);
    let escalated = |sink: &Sink| {
        let inside = sink.0.lock().unwrap();
        let all = inside.1.iter().filter(|notice| notice.escalated);
        all.map(|notice| notice.id).collect::<Vec<_>>()
    };
    assert_eq!(escalated(&sink), [Some(11)], "the ordinary one is not");
    first.finish();

    let sink = Sink::default();
    let second = courier(folder.path(), &sink, vec![kill], 30);
    sink.wait_for(1);
    assert_eq!(escalated(&sink), [Some(11)], "not delivered anew, only told again");
    let alerter = second.alerter();
    let named = || alerter.issues().iter().any(|issue| issue.text.contains("acknowledged: 1"));
    let until = |wanted: bool| {
        let began = Instant::now();
        while named() != wanted {
            assert!(began.elapsed() < Duration::from_secs(20), "{:?}", alerter.issues());
            std::thread::sleep(Duration::from_millis(2));
        }
    };
    until(true);
    alerter.give(&released(30, Input::from(Control::Acknowledge(11)), Vec::new()));
    until(false);
    std::thread::sleep(Duration::from_millis(120));
    assert_eq!(sink.got().len(), 1, "told again once");
    second.finish();
}

/// Journal.md: what needs no core is told although the queue is full, the same again is counted.
#[test]
fn what_needs_no_core_has_its_own_place() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::default();
    let courier = courier(folder.path(), &sink, Vec::new(), 1);
    for _ in 0..5 {
        courier.alerter().raise(Severity::Critical, "core_silent", "the core does not answer");
    }
    courier.finish();
    assert_eq!(sink.got(), [(None, 1)]);
}
