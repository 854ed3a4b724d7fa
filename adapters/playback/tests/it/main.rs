//! The playback as a provider: everything once, in order, when it is due.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use backtest::{Action, MarketData, SymbolData};
use futures_util::FutureExt;
use gateway::{FeedSignal, FeedSink, MarketDataProvider, ReferenceSource};
use model::exchange::Calendar;
use model::{ActionKind, Cash, Date, MINUTE_NS, MarketEvent, Symbol, SymbolId, Timestamp};
use playback::{Days, DaysError, Generated, Playback, References};

/// Keeps what was pushed with the clock's time.
struct Kept {
    clock: Arc<AtomicI64>,
    signals: Mutex<Vec<(Timestamp, FeedSignal)>>,
}

impl FeedSink for Kept {
    fn push(&self, signal: FeedSignal) {
        let now = Timestamp::from_nanos(self.clock.load(Ordering::SeqCst));
        self.signals.lock().unwrap().push((now, signal));
    }
}

struct World {
    days: Arc<Generated>,
    clock: Arc<AtomicI64>,
    kept: Arc<Kept>,
    playback: Playback,
}

/// A playback of one symbol whose clock the test moves.
fn world(begin: &str) -> World {
    let calendar = Arc::new(Calendar::nyse());
    let first = "2026-11-24".parse().unwrap();
    let days = Generated::new(7, first, &["SYM0".parse().unwrap()], Arc::clone(&calendar));
    let days = Arc::new(days.unwrap());
    let begin: Timestamp = begin.parse().unwrap();
    let clock = Arc::new(AtomicI64::new(begin.nanos()));
    let kept = Arc::new(Kept { clock: Arc::clone(&clock), signals: Mutex::default() });
    let shown = Arc::clone(&clock);
    let now = Arc::new(move || Timestamp::from_nanos(shown.load(Ordering::SeqCst)));
    let playback = Playback::new(days.clone(), calendar, now, 1_000);
    World { days, clock, kept, playback }
}

impl World {
    fn move_to(&self, time: &str) {
        let time: Timestamp = time.parse().unwrap();
        self.clock.store(time.nanos(), Ordering::SeqCst);
    }

    fn bars(&self) -> Vec<(Timestamp, model::Bar)> {
        let signals = self.kept.signals.lock().unwrap();
        let bar = |(at, signal): &(Timestamp, FeedSignal)| match signal {
            FeedSignal::Event(MarketEvent::Bar { bar, .. }) => Some((*at, *bar)),
            _ => None,
        };
        signals.iter().filter_map(bar).collect()
    }

    fn wait_for(&self, what: &str, found: impl Fn(&Self) -> bool) {
        let started = Instant::now();
        while !found(self) {
            assert!(started.elapsed() < Duration::from_secs(20), "{what} did not come");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// TB1, C28: a bar comes at its end and not before, once; between events there are heartbeats;
/// history tells what is over, nothing else.
#[test]
fn pushes_what_is_due() {
    let world = world("2026-11-24T14:30:00Z");
    world.playback.subscribe(&[SymbolId(0)]).now_or_never().unwrap().unwrap();
    assert!(world.playback.subscribe(&[SymbolId(9)]).now_or_never().unwrap().is_err());
    world.playback.stream(world.kept.clone());
    world.wait_for("the first signal", |w| !w.kept.signals.lock().unwrap().is_empty());
    assert_eq!(world.kept.signals.lock().unwrap()[0].1, FeedSignal::Up);
    assert!(world.bars().is_empty(), "what was before is not pushed");
    let day = world.days.first();
    let all = world.days.load(day, day).unwrap().symbols()[0].bars.clone();
    let from: Timestamp = "2026-11-24T14:30:00Z".parse().unwrap();
    for time in ["2026-11-24T15:01:00Z", "2026-11-24T15:30:00Z"] {
        let until: Timestamp = time.parse().unwrap();
        let due = |bar: &&model::Bar| bar.start >= from && bar.end() <= until;
        let due: Vec<_> = all.iter().filter(due).copied().collect();
        assert!(due.len() > 10, "a liquid stock");
        world.move_to(time);
        world.wait_for("a bar", |w| w.bars().len() >= due.len());
        assert!(world.bars().iter().map(|(_, bar)| *bar).eq(due));
    }
    for (at, bar) in world.bars() {
        assert!(at >= bar.end(), "{bar:?} was pushed at {at}");
    }
    world.move_to("2026-11-24T15:30:30Z");
    world.wait_for("a heartbeat", |w| {
        let signals = w.kept.signals.lock().unwrap();
        signals.iter().any(|(_, s)| *s == FeedSignal::Event(MarketEvent::Heartbeat))
    });
    let history = world.playback.history(SymbolId(0), from, Timestamp::MAX);
    let history = history.now_or_never().unwrap().unwrap();
    let pushed: Vec<_> = world.bars().into_iter().map(|(_, bar)| bar).collect();
    assert_eq!(history, pushed);
    assert!(world.playback.status().connected);
}

/// Design.md 6, TB7: before a session its facts come from the sessions before it, and from nothing
/// else.
#[test]
fn facts_precede_a_session() {
    let world = world("2026-11-24T14:30:00Z");
    let references = References::new(world.days.clone(), Arc::new(Calendar::nyse()));
    let [first, second] = ["2026-11-24", "2026-11-25"].map(|date| date.parse().unwrap());
    let facts = [first, second].map(|date| references.before(date).unwrap().remove(0));
    let calendar = Calendar::nyse();
    let close = calendar.session(first).unwrap().unwrap().close;
    let data = world.days.load(first, first).unwrap();
    let last = data.symbols()[0].bars.iter().rfind(|bar| bar.start < close).unwrap();
    assert_eq!(facts[1].prev_close, Some(last.close));
    assert_ne!(facts[0].prev_close, facts[1].prev_close);
    assert!(facts.iter().all(|day| day.adv20.is_some() && day.volume_baseline.is_some()));
    assert!(references.before("2026-11-26".parse().unwrap()).is_err(), "Thanksgiving");
}

/// Days follow one another like those of a live feed; what nobody subscribed to is not pushed.
#[test]
fn days_follow_one_another() {
    let world = world("2026-11-25T00:59:00Z");
    world.playback.stream(world.kept.clone());
    world.wait_for("the first signal", |w| w.playback.status().connected);
    world.move_to("2026-11-25T14:31:00Z");
    world.wait_for("an event", |w| w.playback.status().last_event.is_some());
    assert!(world.bars().is_empty());
    world.playback.subscribe(&[SymbolId(0)]).now_or_never().unwrap().unwrap();
    // Over Thanksgiving, which has no session, to the half day after it.
    world.move_to("2026-11-27T14:31:00Z");
    let second = "2026-11-27".parse().unwrap();
    let data = world.days.load(second, second).unwrap();
    let now: Timestamp = "2026-11-27T14:31:00Z".parse().unwrap();
    let known = data.symbols()[0].bars.iter().rfind(|bar| bar.end() <= now);
    let expected = known.copied().unwrap();
    world.wait_for("the last bar", |w| w.bars().iter().any(|(_, bar)| *bar == expected));
    let bars = world.bars();
    assert!(bars.windows(2).all(|pair| pair[0].1.start < pair[1].1.start));
    assert!(bars.iter().all(|(at, bar)| bar.start.nanos() + MINUTE_NS <= at.nanos()));
}

/// Recorded days with a split and a dividend.
#[derive(Debug)]
struct Recorded(MarketData);

impl Days for Recorded {
    fn symbols(&self) -> &[Symbol] {
        const { &[] }
    }
    fn first(&self) -> Date {
        "2026-11-24".parse().unwrap()
    }
    fn last(&self) -> Option<Date> {
        None
    }
    fn load(&self, _: Date, _: Date) -> Result<MarketData, DaysError> {
        Ok(self.0.clone())
    }
}

/// F27: what happens to a symbol is said before the session of its ex-date, or before the next one
/// when that date has none; a split by a number that is no ratio is not.
#[test]
fn actions_precede_a_session() {
    let action = |date: &str, split_ratio, dollars| Action {
        date: date.parse().unwrap(),
        split_ratio,
        cash_dividend: Cash::from_dollars(dollars).unwrap(),
    };
    let actions = vec![
        action("2026-11-24", 2.0, 0),
        action("2026-11-26", 1.0, 3),
        action("2026-11-30", -1.0, 0),
    ];
    let data = SymbolData { actions, ..SymbolData::new("AAA".parse().unwrap()) };
    let days = Recorded(MarketData::new(vec![data]).unwrap());
    let references = References::new(Arc::new(days), Arc::new(Calendar::nyse()));
    let kinds = |date: &str| -> Vec<ActionKind> {
        let actions = references.actions(date.parse().unwrap()).unwrap();
        actions.into_iter().map(|action| action.kind).collect()
    };
    assert!(matches!(kinds("2026-11-24")[..], [ActionKind::Split { .. }]));
    assert!(kinds("2026-11-25").is_empty());
    let per_share = Cash::from_dollars(3).unwrap();
    assert_eq!(kinds("2026-11-27"), [ActionKind::Dividend { per_share }], "over Thanksgiving");
    assert!(kinds("2026-11-30").is_empty());
}
