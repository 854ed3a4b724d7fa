//! The emergency stop in every state, at every hour, and with everything else broken (C31, I8,
//! journal.md 13); what a dead disk and a failed core lead to (J6, journal.md 4).

use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::Control;
use engine::risk_manager::Scope;
use model::{
    BrokerId, ClientOrderId, NewOrder, OrderKind, OrderNumber, Price, Quantity, SendOutcome,
};
use paper::{TcpBroker, TcpSettings};
use runtime::shell::{Finished, Running};

use crate::live::{World, fills, given, join, stop, wait_for};

/// Waits until the broker holds an entry order.
async fn until_an_entry_rests(world: &World) {
    let began = Instant::now();
    while entries(world).await == 0 {
        assert!(began.elapsed() < Duration::from_secs(60), "no entry comes to the broker");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

async fn entries(world: &World) -> usize {
    let open = world.broker.open_orders().await.unwrap();
    open.iter().filter(|row| row.client_id.is_some_and(|id| !id.exit)).count()
}

/// Stops a running system and demands that the stop holds: now, at the broker, over a restart, and
/// until a resume. Returns how long it took to be durable.
async fn stop_holds(name: &str, world: &World, running: Running) {
    let handle = running.handle.clone();
    let began = Instant::now();
    let killed = handle.emergency_stop(Scope::All, given(Control::Stop)).await;
    let durable = began.elapsed();
    assert!(killed.engaged && killed.durable, "{name}: {killed:?}");
    assert!(handle.kill_line().is_some(), "{name}");
    if world.is_reachable() {
        while entries(world).await > 0 {
            assert!(began.elapsed() < Duration::from_secs(10), "{name}: entries are still open");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    eprintln!("{name}: durable after {durable:?}, no entry after {:?}", began.elapsed());
    assert_eq!(stop(running).await.exit_code, 0, "{name}");

    let running = world.launch();
    let handle = running.handle.clone();
    assert!(handle.kill_line().is_some(), "{name}: after the restart");
    let receipt = handle.instruct(given(Control::ResumeTrading(Scope::All))).await.unwrap();
    assert!(receipt.durable, "{name}: {receipt:?}");
    wait_for(&handle, "the line", |view| view.status.kill.line.is_none()).await;
    assert_eq!(stop(running).await.exit_code, 0, "{name}");
    world.replay();
}

/// C31: at 03:00 and on a Sunday nothing trades, and the stop holds all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_works_when_the_market_is_closed() {
    for (name, begin) in [("03:00", "2026-06-02T07:00:00Z"), ("Sunday", "2026-06-07T16:00:00Z")] {
        let world = World::new(begin, "storm");
        let running = world.launch();
        wait_for(&running.handle, "running", |view| view.status.state == "running").await;
        stop_holds(name, &world, running).await;
    }
}

/// C31: with entries at the broker, while paused, and with a feed that is dead.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_works_in_every_state() {
    let world = World::slow("2026-06-01T13:29:30Z", "storm");
    let running = world.launch();
    until_an_entry_rests(&world).await;
    stop_holds("running", &world, running).await;

    let world = World::slow("2026-06-01T13:29:30Z", "storm");
    let running = world.launch();
    until_an_entry_rests(&world).await;
    running.handle.instruct(given(Control::PauseTrading(Scope::All))).await.unwrap();
    stop_holds("paused", &world, running).await;

    let world = World::slow("2026-06-01T13:29:30Z", "storm");
    let running = world.launch();
    until_an_entry_rests(&world).await;
    world.silence_feed(true);
    stop_holds("dead feed", &world, running).await;
}

/// C31, C33: a broker that cannot be reached keeps the system starting; the stop works there, too.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_works_before_the_broker_is_there() {
    let world = World::with("2026-06-01T13:29:30Z", "storm", |_| {
        // Nobody listens there: port 9 of this machine discards nothing.
        let address = "127.0.0.1:9".to_owned();
        let symbols = ["SYM0", "SYM1", "SYM2"].map(|name| name.parse().unwrap()).to_vec();
        Arc::new(TcpBroker::new(TcpSettings { address, symbols, broker: BrokerId(0), seed: 1 }))
    })
    .unreachable();
    let running = world.launch();
    wait_for(&running.handle, "starting", |view| view.status.state == "starting").await;
    stop_holds("starting", &world, running).await;
}

/// K4: a disk that does not answer holds nothing back: the caller is told after a second, and the
/// `KILL` file keeps the stop until a resume.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_disk_does_not_hold_a_stop_back() {
    let (world, disturbed) = World::slow("2026-06-01T13:29:30Z", "storm").disturbed();
    let running = world.launch();
    let handle = running.handle.clone();
    until_an_entry_rests(&world).await;
    disturbed.faults().delay_syncs(Duration::from_secs(3));
    let began = Instant::now();
    let killed = handle.emergency_stop(Scope::All, given(Control::Stop)).await;
    assert!(killed.engaged && !killed.durable, "{killed:?}");
    eprintln!("slow disk: told after {:?}", began.elapsed());
    assert!(world.path().join("KILL").exists());
    disturbed.faults().delay_syncs(Duration::ZERO);
    wait_for(&handle, "killed", |view| view.status.kill.engaged && view.status.state == "paused")
        .await;
    handle.instruct(given(Control::ResumeTrading(Scope::All))).await.unwrap();
    wait_for(&handle, "the line", |view| view.status.kill.line.is_none()).await;
    assert!(!world.path().join("KILL").exists());
    assert_eq!(stop(running).await.exit_code, 0);
    world.replay();
}

/// F39: a disk that is slow blocks opening, says so, and lets it go on when it is fast again.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_disk_blocks_opening() {
    let (world, disturbed) = World::new("2026-06-01T13:29:00Z", "storm").disturbed();
    let running = world.launch();
    let handle = running.handle.clone();
    wait_for(&handle, "running", |view| view.status.state == "running").await;
    disturbed.faults().delay_syncs(Duration::from_millis(300));
    let blocked = |view: &runtime::view::View| {
        view.status.gate.reasons.iter().any(|reason| reason.contains("journal"))
    };
    wait_for(&handle, "blocked", blocked).await;
    disturbed.faults().delay_syncs(Duration::ZERO);
    wait_for(&handle, "free again", |view| !blocked(view)).await;
    assert_eq!(stop(running).await.exit_code, 0);
    world.replay();
}

/// J6, I8: a sync that fails kills the journal: entries are cancelled without core and disk, the
/// process ends with 74, and the next one keeps entries blocked until resumed.
#[tokio::test(flavor = "multi_thread")]
async fn a_dead_journal_cancels_entries_and_ends_the_run() {
    let (world, disturbed) = World::slow("2026-06-01T13:29:30Z", "storm").disturbed();
    let running = world.launch();
    until_an_entry_rests(&world).await;
    disturbed.faults().fail_sync(1);
    let Finished { exit_code, why } = join(running).await;
    assert_eq!(exit_code, 74, "{why:?}");
    assert!(why.unwrap().contains("the journal is dead"));
    assert_eq!(entries(&world).await, 0, "they were cancelled on the way out");
    let world = world.undisturbed();
    let running = world.launch();
    let handle = running.handle.clone();
    let line = handle.kill_line().expect("the next start keeps entries blocked");
    assert!(line.contains("dead journal"), "{line}");
    wait_for(&handle, "compared", |view| {
        !view.status.gate.reasons.iter().any(|reason| reason.contains("reconciling"))
    })
    .await;
    let before = fills(&handle);
    handle.instruct(given(Control::ResumeTrading(Scope::All))).await.unwrap();
    let began = Instant::now();
    while fills(&handle) <= before {
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}", handle.view().status);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(stop(running).await.exit_code, 0);
    world.replay();
}

/// Journal.md 4: what fails inside the core's thread ends the run with 70 and a crash file, and the
/// next start keeps entries blocked.
#[tokio::test(flavor = "multi_thread")]
async fn a_core_that_fails_ends_the_run() {
    let world = World::new("2026-06-01T13:29:30Z", "storm").with_unsound_strategies(true);
    let running = world.launch();
    wait_for(&running.handle, "running", |view| view.status.state == "running").await;
    // The Mark of the stop is what it cannot make.
    running.handle.instruct(given(Control::Stop)).await.unwrap();
    let finished = join(running).await;
    assert_eq!(finished.exit_code, 70, "{finished:?}");
    let crash = |name: &str| name.starts_with("crash-");
    let files: Vec<String> = std::fs::read_dir(world.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    assert!(files.iter().any(|name| crash(name)), "{files:?}");
    let world = world.with_unsound_strategies(false);
    let running = world.launch();
    let line = running.handle.kill_line().expect("entries stay blocked");
    assert!(line.contains("a fault of the core"), "{line}");
    assert_eq!(stop(running).await.exit_code, 0);
}

/// I16, journal.md 10: an order with a newer epoch of ours at the broker is another process that
/// writes: this one lets nothing leave any more and ends with 73.
#[tokio::test(flavor = "multi_thread")]
async fn another_writer_ends_the_run() {
    let world = World::new("2026-06-01T13:29:00Z", "storm");
    let running = world.launch();
    let handle = running.handle.clone();
    let view = wait_for(&handle, "running", |view| view.status.state == "running").await;
    let client_id = ClientOrderId {
        tag: *b"BW\0\0",
        epoch: view.status.epoch + 7,
        number: OrderNumber(1),
        attempt: 0,
        exit: false,
    };
    let order = NewOrder {
        client_id,
        kind: OrderKind::Limit { limit: Price::from_raw(10_000_000) },
        quantity: Quantity::from_shares(1).unwrap(),
        ..NewOrder::default()
    };
    assert_eq!(world.broker.submit(&order).await, SendOutcome::Accepted);
    let Finished { exit_code, why } = join(running).await;
    assert_eq!(exit_code, 73, "{why:?}");
    assert!(why.unwrap().contains("another process"));
}

/// I16: a process whose lock file was taken away lets nothing leave any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_lock_fences_the_process() {
    let world = World::new("2026-06-01T13:29:00Z", "storm");
    let running = world.launch();
    let handle = running.handle.clone();
    wait_for(&handle, "running", |view| view.status.state == "running").await;
    std::fs::remove_file(world.path().join("lock")).unwrap();
    let view = wait_for(&handle, "fenced", |view| view.status.kill.line.is_some()).await;
    assert!(view.status.kill.line.as_ref().unwrap().contains("lock"), "{:?}", view.status.kill);
    assert_eq!(stop(running).await.exit_code, 0);
}

/// C42: limits that were changed in the configuration hold after the next start; the books keep
/// those that nobody changed.
#[tokio::test(flavor = "multi_thread")]
async fn limits_follow_the_configuration() {
    let world = World::new("2026-06-01T13:29:00Z", "storm");
    let running = world.launch();
    wait_for(&running.handle, "running", |view| view.status.state == "running").await;
    assert_eq!(stop(running).await.exit_code, 0);
    let world = world.with_most_positions(2);
    let running = world.launch();
    wait_for(&running.handle, "running", |view| view.status.state == "running").await;
    let answered = running.handle.instruct(given(Control::PauseTrading(Scope::All))).await;
    assert!(answered.is_ok(), "the limits were asked for before");
    assert_eq!(stop(running).await.exit_code, 0);
    assert_eq!(world.limits_in_force().max_positions, Some(2));
}

/// J16, F38: a full disk stops opening; what is set aside lets cancels, the stop and the end of the
/// run into the journal.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_opening_and_nothing_else() {
    let (world, disturbed) = World::slow("2026-06-01T13:29:30Z", "storm").disturbed();
    let running = world.launch();
    let handle = running.handle.clone();
    until_an_entry_rests(&world).await;
    disturbed.faults().leave_space(0);
    let view = wait_for(&handle, "no opening", |view| {
        view.status.gate.reasons.iter().any(|reason| reason.contains("journal"))
    })
    .await;
    assert!(!view.status.gate.open);
    let killed = handle.emergency_stop(Scope::All, given(Control::Stop)).await;
    assert!(killed.engaged && killed.durable, "{killed:?}");
    // No snapshot can be written; that costs the next start a longer replay and nothing else.
    assert_eq!(stop(running).await.exit_code, 0);
    assert_eq!(entries(&world).await, 0);
    world.replay();
    let error = world.try_to_open().unwrap_err();
    assert_eq!(error.exit_code(), 74, "a start needs room: {error}");
    disturbed.faults().leave_space(1 << 40);
    let running = world.launch();
    assert!(running.handle.kill_line().is_some(), "the stop holds");
    assert_eq!(stop(running).await.exit_code, 0);
}
