//! How fast an emergency stop is, and what it leaves alone, in the states and troubles where that is
//! hardest: stopping, an error of the core, a feed that is gone, a flood of market data (C31, I8).
//!
//! One scene: two entries rest at the broker, a third one has filled and its protective stop works.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use engine::Control;
use engine::risk_manager::Scope;
use model::{ClientOrderId, SymbolId};
use runtime::Handle;
use runtime::shell::{Finished, Market, Running};

use crate::live::{World, given, join, stop, wait_for};
use crate::load::Flood;
use crate::patient::PATIENT;
use crate::witness::{Asked, Lateness, Witness};

/// C31: from the call to the first cancel, and to the last.
const FIRST: Duration = Duration::from_millis(100);
const ALL: Duration = Duration::from_secs(1);
/// Threads that hand a stop over to one another: each may be woken as late as the machine is.
const HANDS: u32 = 3;

/// A world whose broker is watched.
struct Scene {
    world: World,
    witness: Arc<Witness>,
}

impl Scene {
    fn new() -> Self {
        Self::of(World::slow("2026-06-01T13:29:30Z", PATIENT))
    }

    fn of(mut world: World) -> Self {
        let witness = Witness::before(Arc::clone(&world.broker));
        world.broker = Arc::<Witness>::clone(&witness);
        Self { world, witness }
    }

    async fn open(&self) -> (Vec<ClientOrderId>, Vec<ClientOrderId>) {
        let open = self.world.broker.open_orders().await.unwrap();
        open.iter().filter_map(|row| row.client_id).partition(|id| id.exit)
    }

    /// Waits until the scene stands: two entries and a protective stop.
    async fn stands(&self) -> (Vec<ClientOrderId>, Vec<ClientOrderId>) {
        let began = Instant::now();
        loop {
            let (exits, entries) = self.open().await;
            if exits.len() == 1 && entries.len() == 2 {
                return (exits, entries);
            }
            let patience = began.elapsed() < Duration::from_secs(60);
            assert!(patience, "the scene never stands: {exits:?}, {entries:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Lets the core fail while the entries rest: at the Mark of an orderly stop, whose cancels are
    /// lost.
    async fn fails(&self, handle: &Handle) {
        self.witness.lose_cancels(true);
        self.world.trap().fail();
        let receipt = handle.instruct(given(Control::Stop)).await.unwrap();
        assert!(receipt.durable, "{receipt:?}");
        self.until_sprung().await;
        self.witness.lose_cancels(false);
    }

    async fn until_sprung(&self) {
        let began = Instant::now();
        while !self.world.trap().has_sprung() {
            assert!(began.elapsed() < Duration::from_secs(60), "the trap does not spring");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Gives an emergency stop and demands C31 of it. Returns whether it was durable.
    async fn stops_in_time(&self, name: &str, handle: &Handle) -> bool {
        let (exits, entries) = self.open().await;
        assert_eq!((exits.len(), entries.len()), (1, 2), "{name}");
        let lateness = Lateness::start();
        let began = Instant::now();
        let killed = handle.emergency_stop(Scope::All, given(Control::Stop)).await;
        let returned = Instant::now();
        assert!(killed.engaged, "{name}: {killed:?}");
        while !self.open().await.1.is_empty() {
            assert!(began.elapsed() < Duration::from_secs(10), "{name}: entries are still open");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let asked = self.witness.asked_since(began);
        let after = |id: &ClientOrderId| {
            let mut cancels =
                asked.iter().filter(|(_, what, of)| *what == Asked::Cancel && of == id);
            cancels.next().unwrap_or_else(|| panic!("{name}: {id:?} is not cancelled")).0 - began
        };
        let times: Vec<Duration> = entries.iter().map(after).collect();
        let (first, last) = (times.iter().min().unwrap(), times.iter().max().unwrap());
        let allowed = lateness.worst() * HANDS;
        eprintln!(
            "{name}: cancels after {first:?} and {last:?}; allowed for the machine {allowed:?}"
        );
        assert!(*first <= FIRST + allowed, "{name}: the first cancel after {first:?}");
        assert!(*last <= ALL + allowed, "{name}: the last cancel after {last:?}");
        let cancelled_exit = asked.iter().find(|(_, what, id)| *what == Asked::Cancel && id.exit);
        assert_eq!(cancelled_exit, None, "{name}: entries only");
        let opened = self.witness.asked_since(returned);
        let opened = opened.iter().find(|(_, what, id)| *what != Asked::Cancel && !id.exit);
        assert_eq!(opened, None, "{name}: I8");
        assert_eq!(self.open().await.0, exits, "{name}: the protective stop stays");
        killed.durable
    }

    /// Demands that the stop holds in the next process, and that a resume lifts it.
    async fn holds_until_resumed(&self, name: &str) {
        let market = Market { providers: Vec::new(), symbols: Vec::new(), references: None };
        let running = self.world.raise().go_live(market).unwrap();
        let handle = running.handle.clone();
        assert!(handle.kill_line().is_some(), "{name}: after the restart");
        wait_for(&handle, "killed", |view| view.status.kill.engaged).await;
        let receipt = handle.instruct(given(Control::ResumeTrading(Scope::All))).await.unwrap();
        assert!(receipt.durable, "{name}: {receipt:?}");
        assert_eq!(handle.kill_line(), None, "{name}: the line opens with the resume (0111)");
        assert!(!self.world.path().join("KILL").exists(), "{name}");
        assert_eq!(stop(running).await.exit_code, 0, "{name}");
        self.world.replay();
    }
}

/// C31: the core was told to stop and waits for the broker, which lost its cancels.
#[tokio::test(flavor = "multi_thread")]
async fn while_stopping() {
    let scene = Scene::new();
    let running = scene.world.launch();
    let handle = running.handle.clone();
    scene.stands().await;
    let began = Instant::now();
    scene.witness.lose_cancels(true);
    let receipt = handle.instruct(given(Control::Stop)).await.unwrap();
    assert!(receipt.durable, "{receipt:?}");
    while scene.witness.asked_since(began).len() < 2 {
        assert!(began.elapsed() < Duration::from_secs(4), "the stop cancels nothing");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    scene.witness.lose_cancels(false);
    assert!(!running.has_ended(), "it waits for its entries");
    assert!(scene.stops_in_time("stopping", &handle).await, "durable");
    assert_eq!(join(running).await, Finished { exit_code: 0, why: None });
    scene.holds_until_resumed("stopping").await;
}

/// C31, K2: the core hangs; the stop needs it for nothing but to be durable.
#[tokio::test(flavor = "multi_thread")]
async fn while_the_core_hangs() {
    let scene = Scene::new();
    let running = scene.world.launch();
    let handle = running.handle.clone();
    scene.stands().await;
    let trap = scene.world.trap();
    trap.hang();
    scene.until_sprung().await;
    assert!(!scene.stops_in_time("a core that hangs", &handle).await, "nobody can make it durable");
    assert!(scene.world.path().join("KILL").exists(), "K4: the file holds it");
    trap.calm();
    wait_for(&handle, "killed", |view| view.status.kill.engaged && view.status.state == "paused")
        .await;
    assert_eq!(stop(running).await.exit_code, 0);
    scene.holds_until_resumed("a core that hangs").await;
}

/// C31, journal.md 4: the core has failed and nobody has ended the run yet; the error is the run's
/// exit code 70, and the stop holds like any other.
#[tokio::test(flavor = "multi_thread")]
async fn after_an_error_of_the_core() {
    let scene = Scene::new();
    let running = scene.world.launch();
    let handle = running.handle.clone();
    scene.stands().await;
    scene.fails(&handle).await;
    assert!(!scene.stops_in_time("error", &handle).await, "there is no core to make it durable");
    assert!(scene.world.path().join("KILL").exists(), "K4: the file holds it");
    assert_eq!(join(running).await.exit_code, 70);
    scene.world.trap().calm();
    scene.holds_until_resumed("error").await;
}

/// Journal.md 4: without any emergency stop, a core that fails has its entries cancelled as fast.
#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_the_core_is_a_stop_by_itself() {
    let scene = Scene::new();
    let running = scene.world.launch();
    let (exits, _) = scene.stands().await;
    scene.fails(&running.handle).await;
    // A debug build takes its time to print where the core failed.
    while !running.has_ended() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let lateness = Lateness::start();
    let began = Instant::now();
    assert_eq!(join(running).await.exit_code, 70);
    let (left, entries) = scene.open().await;
    assert_eq!((left, entries.len()), (exits, 0), "entries only");
    let asked = scene.witness.asked_since(began);
    assert!(asked.iter().all(|(_, what, id)| *what == Asked::Cancel && !id.exit), "{asked:?}");
    assert!(asked[0].0 - began <= FIRST + lateness.worst() * HANDS, "{:?}", asked[0].0 - began);
    scene.world.trap().calm();
    scene.holds_until_resumed("a fault").await;
}

/// C31, F23: the provider is dead: its task has ended, whoever asks is refused, nothing comes.
#[tokio::test(flavor = "multi_thread")]
async fn with_a_feed_that_is_gone() {
    let scene = Scene::new();
    let running = scene.world.launch();
    scene.stands().await;
    scene.world.end_feed();
    let handle = running.handle.clone();
    wait_for(&handle, "the feed is down", |view| {
        view.status.providers.iter().all(|provider| !provider.connected)
    })
    .await;
    assert!(scene.stops_in_time("a feed that ended", &handle).await, "durable");
    assert_eq!(stop(running).await.exit_code, 0);
    scene.holds_until_resumed("a feed that ended").await;
}

/// C31, F42: 200,000 ticks a second are offered meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn in_a_flood_of_market_data() {
    const SYMBOLS: u32 = 5_000;
    let scene = Scene::of(World::of_symbols("2026-06-01T14:00:00Z", SYMBOLS).trading(PATIENT));
    let (pushed, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let flood = Flood::new(&scene.world, &pushed, &over);
    let symbols = (0..SYMBOLS).map(SymbolId).collect();
    let market = Market { providers: vec![Arc::new(flood)], symbols, references: None };
    let running: Running = scene.world.raise().go_live(market).unwrap();
    let handle = running.handle.clone();
    scene.stands().await;
    let before = (Instant::now(), handle.market_counts().offered);
    assert!(scene.stops_in_time("a flood", &handle).await, "durable");
    tokio::time::sleep(Duration::from_millis(500)).await;
    let offered = handle.market_counts().offered - before.1;
    let rate = offered as f64 / before.0.elapsed().as_secs_f64();
    eprintln!("a flood: {rate:.0} ticks a second were offered meanwhile");
    assert!(rate > 50_000.0, "there was no flood: {rate:.0} a second");
    over.store(true, Ordering::Relaxed);
    assert_eq!(stop(running).await.exit_code, 0);
    scene.holds_until_resumed("a flood").await;
}
