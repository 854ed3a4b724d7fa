//! journal.md 18: the book works off the feed since its last position, so orders fill while nobody
//! runs, and no one sees a difference.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use model::exchange::{Calendar, settlement_date};
use model::{
    ActionKind, CorporateAction, ExecutionRow, OrderKind, OrderState, PositionRow, SplitRatio,
    SymbolId, Timestamp,
};
use paper::feed::{Day, Feed};
use paper::{Book, Clock, Desk, Settings};
use simulator::Night;
use simulator::generator::{GeneratorConfig, generate};

use crate::support::{buy, price, settings};

/// Two generated days of two symbols.
fn days() -> Vec<Day> {
    let calendar = Calendar::nyse();
    let date = "2026-11-24".parse().unwrap();
    let config = GeneratorConfig {
        symbols: 2,
        days: 2,
        history_sessions: 0,
        ..GeneratorConfig::new(3, date)
    };
    let market = generate(&config, &calendar).unwrap();
    let sessions = calendar.sessions(date, date.plus_days(1)).unwrap();
    let day = |session: &model::exchange::Session| Day {
        session: *session,
        night: Night {
            session: session.date,
            settles: settlement_date(&calendar, session.date),
            days: 1,
        },
        symbols: market.iter().map(|s| (s.bars.clone(), s.halts.clone())).collect(),
        actions: Vec::new(),
    };
    sessions.iter().map(day).collect()
}

struct World {
    days: Vec<Day>,
    now: Arc<AtomicI64>,
}

impl World {
    fn clock(&self) -> Clock {
        let now = Arc::clone(&self.now);
        Arc::new(move || Timestamp::from_nanos(now.load(Ordering::Relaxed)))
    }

    /// Opens the book and lets the feed go on until `until`.
    async fn run(&self, dir: &Path, settings: &Settings, until: Timestamp) -> Desk {
        let desk = Desk::start(Book::open(dir, settings).unwrap(), self.clock()).unwrap();
        self.now.store(until.nanos(), Ordering::Relaxed);
        let days = self.days.clone();
        let source = move |after| days.iter().find(|day| day.session.close > after).cloned();
        let feed = Feed::new(desk.clone(), self.clock(), 1, Box::new(source));
        let (sender, caught_up) = tokio::sync::oneshot::channel();
        let running = tokio::spawn(feed.run(move || sender.send(()).unwrap()));
        tokio::time::timeout(Duration::from_secs(60), caught_up).await.unwrap().unwrap();
        running.abort();
        // What was shown is worked off.
        desk.with(|_| ()).await.unwrap();
        desk
    }
}

/// An account with orders runs over two days: in one go, and cut four times.
#[tokio::test]
async fn cuts_make_no_difference() {
    let days = days();
    let [first, second] = [days[0].session, days[1].session];
    let world = World { now: Arc::new(AtomicI64::new(first.open.nanos())), days };
    let settings = settings(&["SYM0", "SYM1"]);
    let mut results: Vec<(Vec<ExecutionRow>, _)> = Vec::new();
    let minutes = |n: i64| first.open.plus_nanos(n * 60_000_000_000);
    let end = second.close.plus_nanos(1);
    for stops in [vec![end], vec![minutes(7), minutes(90), first.close, second.open, end]] {
        let dir = tempfile::tempdir().unwrap();
        let mut desk = world.run(dir.path(), &settings, first.open).await;
        let orders = [
            buy(1, 0, OrderKind::Market, 500_000),
            buy(2, 1, OrderKind::Limit { limit: price("1.00") }, 10),
            buy(3, 1, OrderKind::Market, 100),
        ];
        for order in orders {
            desk.submit(order).await;
        }
        for stop in stops {
            drop(desk);
            // The thread ends with its last desk and lets the file go.
            tokio::time::sleep(Duration::from_millis(50)).await;
            desk = world.run(dir.path(), &settings, stop).await;
        }
        let state = desk.order(buy(2, 0, OrderKind::Market, 1).client_id).await.unwrap();
        assert_eq!(state.map(|row| row.state), Some(OrderState::Expired), "a day order");
        results
            .push((desk.executions(Timestamp::MIN).await.unwrap(), desk.account().await.unwrap()));
    }
    let [(whole, _), (cut, _)] = &results[..] else { panic!() };
    assert!(whole.len() > 10, "{}", whole.len());
    assert_eq!(whole, cut);
    assert_eq!(results[0].1, results[1].1, "cash and equity");
}

/// F27: a split happens to what is held when its session begins, once, also when the feed starts again
/// within that session.
#[tokio::test]
async fn a_split_happens_once() {
    let mut days = days();
    let [first, second] = [days[0].session, days[1].session];
    let ratio = SplitRatio::nearest(2.0).unwrap();
    let kind = ActionKind::Split { ratio, cash_in_lieu: None };
    days[1].actions = vec![CorporateAction { symbol: SymbolId(0), ex_date: second.date, kind }];
    let world = World { now: Arc::new(AtomicI64::new(first.open.nanos())), days };
    let (dir, settings) = (tempfile::tempdir().unwrap(), settings(&["SYM0", "SYM1"]));
    let mut desk = world.run(dir.path(), &settings, first.open).await;
    for symbol in 0..2 {
        desk.submit(buy(1 + u64::from(symbol), symbol, OrderKind::Market, 100)).await;
    }
    let held = |rows: Vec<PositionRow>| -> Vec<i64> {
        rows.iter().map(|row| row.quantity.shares()).collect()
    };
    for (until, expected) in
        [(first.close, [100, 100]), (second.open, [200, 100]), (second.close, [200, 100])]
    {
        drop(desk);
        // The thread ends with its last desk and lets the file go.
        tokio::time::sleep(Duration::from_millis(50)).await;
        desk = world.run(dir.path(), &settings, until).await;
        assert_eq!(held(desk.positions().await.unwrap()), expected, "{until}");
    }
}
