//! The stepped mode: a paper day is the backtest of that day, over restarts too.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use backtest::{MarketData, NoSink, RunConfig, RunResult, Sink};
use engine::risk_manager::{Limits, Scope};
use engine::strategy_engine::Decision;
use engine::{Control, Engine, Fact, Input, Instruction};
use journal::disk::RealDisk;
use journal::{Author, ReadOptions};
use model::exchange::{CommissionPlan, TickTable};
use model::{Cash, ClientOrderId, ClosedTrade, Date, OrderState, Quantity, SymbolId};
use paper::Book;
use playback::{Days, DaysError, Generated};
use runtime::Handle;
use runtime::alerts::AlertSettings;
use runtime::clock::{Clock, boot_nanos};
use runtime::codec::{self, Entry};
use runtime::inbox::{Inbox, InboxConfig, SystemEvent};
use runtime::recovery::{Place, Plan, Replay};
use runtime::shell::{NoDispatch, Settings, Shell, SnapshotRule, raise};
use runtime::startup::{CrashLoop, Startup, open};
use runtime::stepped::{Course, Played, step};
use runtime::view::{Build, DecisionRow, Run, View};
use simulator::{ExchangeConfig, FillMode};

use crate::support::{BUSY, Random, TestFoundry, calendar, date, strategy};

const BUILD: &str = "build-a";

/// Five sessions of ten symbols around Thanksgiving: a holiday and a half day are among them.
const FIRST: &str = "2026-11-23";
const LAST: &str = "2026-11-30";

/// The days, generated once for all tests.
#[derive(Debug)]
struct Cached {
    days: Generated,
    all: Arc<MarketData>,
}

fn days() -> Arc<Cached> {
    static DAYS: OnceLock<Arc<Cached>> = OnceLock::new();
    Arc::clone(DAYS.get_or_init(|| {
        let symbols: Vec<_> = (0..10).map(|n| format!("SYM{n}").parse().unwrap()).collect();
        let days = Generated::new(7, date(FIRST), &symbols, calendar()).unwrap();
        let all = Arc::new(days.load(date(FIRST), date(LAST)).unwrap());
        Arc::new(Cached { days, all })
    }))
}

impl Days for Cached {
    fn symbols(&self) -> &[model::Symbol] {
        self.days.symbols()
    }
    fn first(&self) -> Date {
        self.days.first()
    }
    fn last(&self) -> Option<Date> {
        Some(date(LAST))
    }
    fn load(&self, _: Date, _: Date) -> Result<MarketData, DaysError> {
        Ok((*self.all).clone())
    }
}

fn run_config() -> RunConfig {
    RunConfig {
        from: date(FIRST),
        to: date(LAST),
        cash: Cash::from_dollars(100_000).unwrap(),
        limits: Limits::default(),
        exchange: ExchangeConfig::new(FillMode::Adaptive, CommissionPlan::IbkrFixed),
        calendar: calendar(),
        ticks: TickTable::us(),
        record_all: true,
    }
}

fn course(speed: u32) -> Course {
    Course { days: days(), config: run_config(), last: None, speed, stays: false }
}

fn foundry() -> TestFoundry {
    TestFoundry::new(days().symbols().to_vec())
}

/// Opens a data directory and puts the shell together.
fn shell(folder: &Path) -> Shell {
    shell_of(folder, BUILD)
}

/// Does so as another build would.
fn shell_of(folder: &Path, build: &str) -> Shell {
    let disk = Arc::new(RealDisk::default());
    let first = calendar().session(date(FIRST)).unwrap().unwrap();
    let startup = Startup {
        data_dir: folder.to_owned(),
        disk: disk.clone(),
        init: true,
        build: build.to_owned(),
        mode: "demo".to_owned(),
        config: BUSY.join("\n"),
        account: 1,
        crash_loop: CrashLoop { starts: 0, minutes: 0 },
        feed: Some(Clock::new(first.pre_open, boot_nanos(), 1)),
    };
    let opened = open(startup, &foundry()).unwrap();
    assert_eq!(opened.failed, [""; 0]);
    let settings = Settings {
        place: Place::of(disk, folder, Some(1)),
        author: Author { build: build.to_owned(), account: 1, ..Author::default() },
        segment_bytes: 4 << 20,
        ring_bytes: 32 << 20,
        inbox: InboxConfig {
            market_data: 16,
            system_events: 16,
            symbols: days().symbols().len(),
            quote_interval_ns: 0,
        },
        performance_updates: 1_000,
        alerts: AlertSettings::default(),
        update_every: Duration::from_millis(50),
        snapshots: SnapshotRule::default(),
        watch_space: false,
    };
    let run = |engine: &Engine| {
        let build = Build { version: "0".to_owned(), commit: "0".to_owned() };
        Run::new(engine, "demo", "testing", build, calendar(), &["paper"], &["playback"])
    };
    raise(opened, settings, run, Arc::new(foundry()), NoDispatch).unwrap()
}

fn book(folder: &Path) -> Book {
    let config = run_config();
    let settings = paper::Settings {
        exchange: config.exchange,
        symbols: days().symbols().to_vec(),
        cash: config.cash,
    };
    Book::open(&folder.join("paper"), &settings).unwrap()
}

/// Keeps the facts.
#[derive(Default)]
struct Facts(Vec<Fact>);

impl Sink for Facts {
    fn fact(&mut self, _engine: &Engine, fact: &Fact) {
        self.0.push(fact.clone());
    }
}

fn play(folder: &Path, sink: &mut dyn Sink) -> Played {
    let mut shell = shell(folder);
    // The epoch is part of each order's id, and ids are part of the hash: that of a backtest is 1.
    shell.start.epoch = 1;
    let played = step(shell, &course(0), book(folder), sink).unwrap();
    assert_eq!((played.finished.exit_code, &played.finished.why), (0, &None));
    assert_eq!(played.missing, None);
    played
}

fn backtest() -> RunResult {
    let strategies = BUSY.iter().map(|text| strategy(text)).collect();
    backtest::run(&days().all, strategies, &run_config(), &mut NoSink).unwrap()
}

/// Replays the whole journal of a folder and returns its engine's hashes.
fn replay(folder: &Path) -> (u64, u128) {
    let place = Place::of(Arc::new(RealDisk::default()), folder, Some(1));
    let plan = Plan { build: BUILD.to_owned(), adopt: false, stop_at_difference: false };
    let foundry = foundry();
    let mut replay = Replay::new(&foundry, plan);
    let mut reader = place.read(ReadOptions::default()).unwrap();
    while let Some(group) = reader.next_group().unwrap() {
        assert!(replay.take(&group).unwrap());
    }
    assert_eq!(replay.found().difference_count, 0, "{:?}", replay.found().differences);
    (replay.found().records, replay.engine().unwrap().decision_hash())
}

/// Parity (issue 5): five days of ten symbols, stepped twice with equal decision streams, equal to
/// the backtest trade by trade and to the cent; the journal replays without a difference.
#[test]
fn a_stepped_run_is_the_backtest() {
    let expected = backtest();
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let mut streams = Vec::new();
    for folder in &folders {
        let mut facts = Facts::default();
        let played = play(folder.path(), &mut facts);
        let trades: Vec<_> = played.sessions.iter().flat_map(|s| s.trades.clone()).collect();
        assert_eq!(format!("{:032x}", played.decision_hash), expected.decision_hash);
        assert_eq!(trades, expected.trades);
        let sum = |count: fn(&RunResult) -> u64| played.sessions.iter().map(count).sum::<u64>();
        assert_eq!(sum(|s| s.fills), expected.fills);
        assert_eq!(sum(|s| s.orders), expected.orders);
        assert_eq!(sum(|s| s.bars), expected.bars);
        let equity = |s: &RunResult| s.equity.last().copied();
        let last = played.sessions.iter().filter_map(equity).collect::<Vec<_>>();
        assert_eq!(last, expected.equity[1..]);
        let (records, hash) = replay(folder.path());
        assert_eq!(hash, played.decision_hash);
        eprintln!(
            "{} trades, {} fills, {records} records, hash {}",
            trades.len(),
            expected.fills,
            expected.decision_hash
        );
        streams.push(facts.0);
    }
    assert!(expected.trades.len() > 20, "{} trades", expected.trades.len());
    assert!(streams[0] == streams[1], "the two runs decided differently");
}

/// Interferes with a run after so many evaluations or facts.
struct Interfering {
    left: u64,
    how: Interference,
}

enum Interference {
    /// Stops in order, as soon as nothing is under way.
    Stop(Inbox),
    /// Ends the process without a word, in the middle of whatever it does.
    Cut,
}

/// Returns true when no entry works, nothing waits for an answer and every trade is recorded: a
/// stop then takes nothing back.
fn is_quiet(engine: &Engine) -> bool {
    let books = engine.books();
    let settled = |order: &engine::order_manager::Order| {
        order.state.is_terminal() || (order.request.role.is_exit() && order.is_settled())
    };
    books.closed().is_empty() && books.orders().iter().all(settled)
}

impl Interfering {
    fn count(&mut self, engine: &Engine) {
        self.left = self.left.saturating_sub(1);
        if self.left > 0 {
            return;
        }
        match &self.how {
            Interference::Cut => panic!("cut"),
            Interference::Stop(inbox) if is_quiet(engine) => {
                let input = Input::from(Control::Stop);
                inbox.offer(SystemEvent { input, reply: None }).unwrap();
                self.left = u64::MAX;
            }
            Interference::Stop(_) => {}
        }
    }
}

impl Sink for Interfering {
    fn fact(&mut self, engine: &Engine, _fact: &Fact) {
        if matches!(self.how, Interference::Cut) {
            self.count(engine);
        }
    }

    fn evaluation(&mut self, engine: &Engine, _decision: &Decision) {
        self.count(engine);
    }
}

/// Returns a trade without what a restart changes: the epoch in the ids of orders, and its number.
fn without_ids(trade: &ClosedTrade) -> ClosedTrade {
    let mut trade = trade.clone();
    trade.fills.iter_mut().for_each(|fill| fill.order = ClientOrderId::default());
    trade
}

/// Returns all trades that the journal of a folder tells, in order.
fn trades_of(folder: &Path) -> Vec<ClosedTrade> {
    let place = Place::of(Arc::new(RealDisk::default()), folder, Some(1));
    let mut reader = place.read(ReadOptions::default()).unwrap();
    let mut trades = Vec::new();
    while let Some(group) = reader.next_group().unwrap() {
        for record in group.records() {
            let entry = codec::decode(record.kind, record.version, true, record.payload).unwrap();
            if let Some(Entry::Fact(Fact::TradeClosed(trade))) = entry {
                trades.push(*trade);
            }
        }
    }
    trades
}

/// The engine that the journal tells, by replay.
fn check_books(folder: &Path) {
    replay(folder);
    let place = Place::of(Arc::new(RealDisk::default()), folder, Some(1));
    let foundry = foundry();
    let recovered = runtime::recovery::recover(&place, &foundry, BUILD).unwrap();
    let (_, engine) = recovered.state.unwrap();
    let (books, book) = (engine.books(), book(folder));
    books.check().unwrap();
    assert_eq!(books.ledger().cash(), book.cash(), "the account's cash");
    for index in 0..days().symbols().len() {
        let symbol = SymbolId(u32::try_from(index).unwrap());
        let keys = books.active().iter().filter(|key| key.symbol == symbol);
        let held: Quantity = keys
            .filter_map(|&key| Some(books.position(key)?.signed_qty()))
            .fold(Quantity::ZERO, Quantity::plus);
        assert_eq!(held, book.position(symbol), "{symbol:?}");
    }
    let doubtful = books.orders().iter().filter(|order| order.state == OrderState::Unknown);
    assert_eq!(doubtful.count(), 0);
    assert_eq!(books.brokers().get(model::BrokerId(0)).reports, book.reports());
}

/// Decision 0115: why nothing was traded is told after a restart as it was before, though it is in no
/// journal.
#[test]
fn decisions_not_to_trade_are_told_again() {
    let folder = tempfile::tempdir().unwrap();
    let shell_before = shell(folder.path());
    let handle = shell_before.handle.clone();
    let how = Interference::Stop(shell_before.core.inbox.clone());
    let mut sink = Interfering { left: 9_000, how };
    step(shell_before, &course(0), book(folder.path()), &mut sink).unwrap();
    let before = decisions(&handle);
    let quiet = before.iter().filter(|row| row.outcome == "no_trade").map(|row| row.count);
    assert!(quiet.sum::<u64>() > 100, "{} rows", before.len());

    let shell_after = shell(folder.path());
    let begun = Instant::now();
    while decisions(&shell_after.handle) != before {
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", decisions(&shell_after.handle));
        std::thread::sleep(Duration::from_millis(20));
    }
    let how = Interference::Stop(shell_after.core.inbox.clone());
    step(shell_after, &course(0), book(folder.path()), &mut Interfering { left: 1, how }).unwrap();
}

/// Returns the kept decisions of the first symbol.
fn decisions(handle: &Handle) -> Vec<DecisionRow> {
    handle.lists(|lists| lists.decisions(Some(SymbolId(0)), None, None, usize::MAX).items)
}

/// Journal.md 8: another build goes on in mid-session with the books and a cold analysis. What the
/// session brought before comes in as minutes that are over, and nothing is held back afterwards.
#[test]
fn another_build_is_warmed_up_in_mid_session() {
    let folder = tempfile::tempdir().unwrap();
    let shell = shell(folder.path());
    let how = Interference::Stop(shell.core.inbox.clone());
    let mut sink = Interfering { left: 9_000, how };
    step(shell, &course(0), book(folder.path()), &mut sink).unwrap();
    let shell = shell_of(folder.path(), "build-b");
    assert!(shell.start.cold);
    let now = shell.core.sequencer.engine().now();
    let session = calendar().session_at(now).unwrap();
    assert!(now > session.open && now < session.close, "in mid-session: {now}");
    let mut sink = Knowing::default();
    step(shell, &course(0), book(folder.path()), &mut sink).unwrap();
    let days = days();
    let known = days.all.symbols().iter().map(|data| {
        let of_session = |bar: &&model::Bar| (session.pre_open..now).contains(&bar.start);
        data.bars.iter().filter(of_session).filter(|bar| bar.end() < now).count()
    });
    let (backfilled, ended) = backfills(folder.path());
    assert_eq!(backfilled, known.sum::<usize>());
    assert_eq!(ended, days.symbols().len());
    assert!(sink.evaluations > 1_000, "{} evaluations", sink.evaluations);
    assert_eq!(sink.without_reference, 0, "reference data is known after the start");
}

/// Counts evaluations, and those of symbols without reference data.
#[derive(Default)]
struct Knowing {
    evaluations: u64,
    without_reference: u64,
}

impl Sink for Knowing {
    fn fact(&mut self, _engine: &Engine, _fact: &Fact) {}

    fn evaluation(&mut self, engine: &Engine, decision: &Decision) {
        self.evaluations += 1;
        let state = engine.data().symbol(decision.symbol);
        let known = engine
            .session()
            .is_some_and(|session| state.is_some_and(|state| state.reference(session).is_some()));
        self.without_reference += u64::from(!known);
    }
}

/// Returns how many minutes a journal tells that were filled in, and of how many symbols.
fn backfills(folder: &Path) -> (usize, usize) {
    let place = Place::of(Arc::new(RealDisk::default()), folder, Some(1));
    let mut reader = place.read(ReadOptions::default()).unwrap();
    let (mut minutes, mut ends) = (0, 0);
    while let Some(group) = reader.next_group().unwrap() {
        for record in group.records() {
            let entry = codec::decode(record.kind, record.version, true, record.payload).unwrap();
            if let Some(Entry::Input(engine::Input::Market { event, .. })) = entry {
                minutes += usize::from(matches!(event, model::MarketEvent::Backfill { .. }));
                ends += usize::from(matches!(event, model::MarketEvent::BackfillEnd { .. }));
            }
        }
    }
    (minutes, ends)
}

/// Issue 5, parity: a run that is stopped in the middle and started again, three times, ends where
/// the backtest does.
#[test]
fn stops_in_the_middle_change_nothing() {
    let expected = backtest();
    let folder = tempfile::tempdir().unwrap();
    for left in [20_000, 9_000, 15_000] {
        let shell = shell(folder.path());
        let how = Interference::Stop(shell.core.inbox.clone());
        let mut sink = Interfering { left, how };
        let played = step(shell, &course(0), book(folder.path()), &mut sink).unwrap();
        assert_eq!(played.finished.exit_code, 0);
        let last = played.sessions.last().unwrap();
        assert!(sink.left > u64::MAX / 2, "stopped in the middle of a session");
        eprintln!("stopped after {} sessions, {} bars", played.sessions.len(), last.bars);
    }
    let played = step(shell(folder.path()), &course(0), book(folder.path()), &mut NoSink).unwrap();
    assert_eq!(played.finished.exit_code, 0);
    let trades = trades_of(folder.path());
    let (found, wanted): (Vec<_>, Vec<_>) = (
        trades.iter().map(without_ids).collect(),
        expected.trades.iter().map(without_ids).collect(),
    );
    assert_eq!(found, wanted);
    assert_eq!(played.sessions.last().unwrap().equity.last(), expected.equity.last());
    check_books(folder.path());
}

/// J10, I3, I4, journal.md 18: a run that is cut anywhere, again and again, loses nothing and does
/// nothing twice: book and core agree on every position and on the cash, the journal replays.
#[test]
fn a_cut_run_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let seed = 5;
    let mut random = Random(seed);
    let mut cuts = 0;
    loop {
        let left = 1 + random.below(12_000);
        let path = folder.path().to_owned();
        let cut = std::panic::catch_unwind(move || {
            let mut sink = Interfering { left, how: Interference::Cut };
            step(shell(&path), &course(0), book(&path), &mut sink).unwrap()
        });
        match cut {
            Ok(played) => {
                assert_eq!(played.finished.exit_code, 0, "seed {seed}");
                break;
            }
            Err(_) => cuts += 1,
        }
    }
    eprintln!("seed {seed}: {cuts} cuts, {} trades", trades_of(folder.path()).len());
    assert!(cuts > 5, "seed {seed}: {cuts} cuts");
    check_books(folder.path());
}

/// Waits for something that a running system shows.
fn wait_for(handle: &Handle, what: &str, found: impl Fn(&View) -> bool) {
    let started = Instant::now();
    while !found(&handle.view()) {
        assert!(started.elapsed() < Duration::from_secs(60), "{what} did not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// I8, F46, F50: between two events operators are heard: an emergency stop holds through a session,
/// a resume lets trading begin, a stop ends the run in order; all of it is in the journal.
#[test]
fn operators_are_heard_between_two_events() {
    let folder = tempfile::tempdir().unwrap();
    let shell = shell(folder.path());
    let (handle, book) = (shell.handle.clone(), book(folder.path()));
    // A session lasts about three seconds.
    let course = Course { stays: true, ..course(20_000) };
    let core = std::thread::spawn(move || step(shell, &course, book, &mut NoSink).unwrap());
    let on = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let tell = |control, kills_seen| {
        let (actor, from) = ("ann".to_owned(), "test".to_owned());
        let reason = "to see what happens".to_owned();
        let key = String::new();
        let given = Instruction { control, actor, from, reason, key, kills_seen };
        let receipt = on.block_on(handle.instruct(given)).unwrap();
        assert!(receipt.durable);
        (receipt.done, receipt.text)
    };
    wait_for(&handle, "the start", |view| view.status.state == "running");
    let (stopped, text) = tell(Control::EmergencyStop(Scope::All), None);
    assert!(stopped, "{text}");
    let first = days().first();
    let night = |view: &View| model::exchange::new_york_date(view.status.time) > first;
    wait_for(&handle, "the second session", night);
    assert!(handle.view().orders.is_empty(), "nothing was opened");
    let (resumed, text) = tell(Control::ResumeTrading(Scope::All), Some(0));
    assert!(!resumed && text.contains("F46"), "it did not know of the stop: {text}");
    assert_eq!(tell(Control::ResumeTrading(Scope::All), Some(1)), (true, "lifted: kill".into()));
    wait_for(&handle, "an order", |view| !view.orders.is_empty());
    let (done, text) = tell(Control::Stop, None);
    assert!(done, "{text}");
    let played = core.join().unwrap();
    assert_eq!((played.finished.exit_code, &played.finished.why), (0, &None));
    check_books(folder.path());
}
