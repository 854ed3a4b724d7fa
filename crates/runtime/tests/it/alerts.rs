//! Alerts of a live run on their way to people: over a crash of the delivery, and without a core.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use engine::Control;
use engine::alert_system::Severity;
use engine::risk_manager::Scope;
use runtime::alerts::{AlertSettings, Deliver, Notice, Undelivered};

use crate::live::{World, given, join, stop, wait_for};

/// Collects what is delivered; fails while it is told to.
#[derive(Clone, Debug, Default)]
struct Sink(Arc<Mutex<(bool, Vec<Notice>)>>);

impl Deliver for Sink {
    fn deliver(&self, notice: &Notice) -> Result<(), Undelivered> {
        let mut inside = self.0.lock().unwrap();
        if inside.0 {
            return Err(Undelivered("nobody takes it".to_owned()));
        }
        inside.1.push(notice.clone());
        Ok(())
    }
}

impl Sink {
    fn settings(&self) -> AlertSettings {
        AlertSettings { deliver: Arc::new(self.clone()), ..AlertSettings::default() }
    }

    fn fail(&self, fails: bool) {
        self.0.lock().unwrap().0 = fails;
    }

    fn of(&self, kind: &str) -> Vec<Notice> {
        let inside = self.0.lock().unwrap();
        inside.1.iter().filter(|notice| notice.kind == kind).cloned().collect()
    }

    async fn until(&self, kind: &str) -> Vec<Notice> {
        let began = Instant::now();
        loop {
            let found = self.of(kind);
            if !found.is_empty() {
                return found;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "{kind} was not delivered");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// F41, J13, design.md 3: with the sink down the emergency stop works and the health says that its
/// alert did not get out; the next process delivers it, under the id by which the lists show it;
/// the one after that does not.
#[tokio::test(flavor = "multi_thread")]
async fn an_alert_is_delivered_after_the_restart() {
    let sink = Sink::default();
    sink.fail(true);
    let world = World::new("2026-06-01T13:00:00Z", "storm").with_alerts(sink.settings());
    let running = world.launch();
    let handle = running.handle.clone();
    let killed = handle.emergency_stop(Scope::All, given(Control::Stop)).await;
    assert!(killed.engaged && killed.durable, "{killed:?}");
    let told = |view: &runtime::view::View| {
        let now = runtime::clock::wall();
        let health = view.health.judge(now, now, false, &Default::default());
        health.issues.iter().any(|issue| issue.contains("nobody takes it"))
    };
    wait_for(&handle, "the health names it", told).await;
    let began = Instant::now();
    // The lists follow the journal, and the health may be ahead of them.
    let listed = loop {
        let rows = handle.lists(|lists| lists.alerts(None, 100).items);
        if let Some(row) = rows.iter().find(|row| row.kind == "kill") {
            break row.id;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "the lists have no alert: {rows:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert_eq!(stop(running).await.exit_code, 0);
    assert!(sink.of("kill").is_empty());

    sink.fail(false);
    let running = world.launch();
    let found = sink.until("kill").await;
    assert_eq!((found.len(), found[0].id), (1, Some(listed)));
    assert_eq!(found[0].severity, Severity::Critical);
    wait_for(&running.handle, "the queue", |view| {
        view.status.queues["risk_alerts"].capacity == 1_000
    })
    .await;
    assert_eq!(stop(running).await.exit_code, 0);

    let running = world.launch();
    wait_for(&running.handle, "a view", |view| view.status.state != "starting").await;
    assert_eq!(stop(running).await.exit_code, 0);
    assert_eq!(sink.of("kill").len(), 1, "once delivered is delivered");
    world.replay();
}

/// J6: an alert of a dead journal needs neither core nor journal.
#[tokio::test(flavor = "multi_thread")]
async fn a_dead_journal_is_told() {
    let sink = Sink::default();
    let world = World::new("2026-06-01T13:00:00Z", "storm").with_alerts(sink.settings());
    let (world, disturbed) = world.disturbed();
    let running = world.launch();
    wait_for(&running.handle, "a view", |view| view.status.last_durable_seq > 0).await;
    disturbed.faults().fail_sync(1);
    let _ = running.handle.instruct(given(Control::PauseTrading(Scope::All))).await;
    assert_eq!(join(running).await.exit_code, 74);
    let found = sink.of("journal_dead");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].id, found[0].severity), (None, Severity::Critical));
}
