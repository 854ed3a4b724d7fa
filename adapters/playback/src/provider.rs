//! The provider: pushes what is due by the clock it is given.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use backtest::{MarketData, minute_bars};
use gateway::{Answer, FeedSignal, FeedSink, MarketDataProvider, ProviderStatus, Unavailable};
use model::exchange::{Calendar, Session};
use model::{Bar, Date, MarketEvent, Quote, SECOND_NS, SymbolId, Timestamp};
use tracing::{error, info};

use crate::days::Days;
use crate::timeline::timeline;

/// The longest silence, in the feed's time (C28).
const HEARTBEAT_NS: i64 = 5 * SECOND_NS;
/// At the wall clock's speed it comes well within the five seconds after which a feed is dead (C28).
const HEARTBEAT_LIVE_NS: i64 = 2 * SECOND_NS;
/// The shortest pause between two looks at the clock.
const SHORTEST: Duration = Duration::from_millis(1);
/// The longest pause, after which an end is noticed.
const LONGEST: Duration = Duration::from_millis(250);

/// Tells the feed's time now.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Plays days back: see the [crate](crate).
pub struct Playback {
    shared: Arc<Shared>,
}

struct Shared {
    days: Arc<dyn Days>,
    calendar: Arc<Calendar>,
    now: Now,
    speed: u32,
    state: Mutex<State>,
    /// The provider is gone.
    ended: Condvar,
}

#[derive(Default)]
struct State {
    /// The session that is played, with the data around it.
    loaded: Option<(Session, Arc<MarketData>)>,
    subscribed: BTreeSet<SymbolId>,
    connected: bool,
    last_event: Option<Timestamp>,
    reconnects: u64,
    over: bool,
}

impl std::fmt::Debug for Playback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Playback").field("days", &self.shared.days).finish_non_exhaustive()
    }
}

impl Playback {
    /// Prepares a playback by the clock `now`, which runs `speed` times as fast as the wall clock.
    pub fn new(days: Arc<dyn Days>, calendar: Arc<Calendar>, now: Now, speed: u32) -> Self {
        let (state, ended) = (Mutex::default(), Condvar::new());
        Self { shared: Arc::new(Shared { days, calendar, now, speed, state, ended }) }
    }
}

impl Drop for Playback {
    fn drop(&mut self) {
        self.shared.lock().over = true;
        self.shared.ended.notify_all();
    }
}

impl MarketDataProvider for Playback {
    fn name(&self) -> &str {
        "playback"
    }

    fn subscribe<'a>(&'a self, symbols: &'a [SymbolId]) -> Answer<'a, Result<(), Unavailable>> {
        let count = self.shared.days.symbols().len();
        let unknown = symbols.iter().find(|symbol| symbol.index() >= count);
        let result = match unknown {
            Some(symbol) => Err(Unavailable(format!("the days have no symbol {}", symbol.0))),
            None => {
                self.shared.lock().subscribed.extend(symbols);
                Ok(())
            }
        };
        Box::pin(std::future::ready(result))
    }

    fn unsubscribe<'a>(&'a self, symbols: &'a [SymbolId]) -> Answer<'a, Result<(), Unavailable>> {
        self.shared.lock().subscribed.retain(|symbol| !symbols.contains(symbol));
        Box::pin(std::future::ready(Ok(())))
    }

    fn history(
        &self,
        symbol: SymbolId,
        from: Timestamp,
        to: Timestamp,
    ) -> Answer<'_, Result<Vec<Bar>, Unavailable>> {
        Box::pin(std::future::ready(self.shared.history(symbol, from, to)))
    }

    fn snapshot(&self, symbol: SymbolId) -> Answer<'_, Result<Option<Quote>, Unavailable>> {
        Box::pin(std::future::ready(self.shared.snapshot(symbol)))
    }

    fn stream(&self, to: Arc<dyn FeedSink>) {
        let shared = Arc::clone(&self.shared);
        let run = move || shared.play(&*to);
        if let Err(why) = thread::Builder::new().name("playback".into()).spawn(run) {
            error!(%why, "the playback has no thread: no market data will come");
        }
    }

    fn status(&self) -> ProviderStatus {
        let state = self.shared.lock();
        ProviderStatus {
            connected: state.connected,
            subscribed: state.subscribed.len(),
            last_event: state.last_event,
            reconnects: state.reconnects,
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Plays session after session until the provider is gone.
    fn play(&self, to: &dyn FeedSink) {
        let mut since = (self.now)();
        self.lock().connected = true;
        to.push(FeedSignal::Up);
        while let Some(session) = self.session_after(since) {
            let data = match self.load(session.date) {
                Ok(data) => data,
                Err(why) => {
                    error!(date = %session.date, why = %why.0, "the playback's next day is not there");
                    self.lock().connected = false;
                    to.push(FeedSignal::Down(why.0));
                    return;
                }
            };
            info!(date = %session.date, "the playback comes to a session");
            for (time, event) in timeline(&data, &session, since) {
                if !self.wait_until(time, to) {
                    return;
                }
                self.push(time, event, to);
            }
            if !self.wait_until(session.post_close, to) {
                return;
            }
            since = session.post_close;
        }
        info!("the playback's days are over");
        while self.wait_until(Timestamp::MAX, to) {}
    }

    fn push(&self, time: Timestamp, event: MarketEvent, to: &dyn FeedSink) {
        let wanted = {
            let mut state = self.lock();
            state.last_event = Some(time);
            match &event {
                MarketEvent::Bar { symbol, .. }
                | MarketEvent::Quote { symbol, .. }
                | MarketEvent::Trade { symbol, .. }
                | MarketEvent::Halt { symbol, .. } => state.subscribed.contains(symbol),
                _ => true,
            }
        };
        if wanted {
            to.push(FeedSignal::Event(event));
        }
    }

    /// Waits until a time of the feed, with heartbeats; false when the provider is gone.
    fn wait_until(&self, time: Timestamp, to: &dyn FeedSink) -> bool {
        let every = if self.speed == 1 { HEARTBEAT_LIVE_NS } else { HEARTBEAT_NS };
        let mut beat = (self.now)().plus_nanos(every);
        loop {
            let now = (self.now)();
            if self.lock().over {
                return false;
            }
            if now >= time {
                return true;
            }
            if now >= beat {
                beat = now.plus_nanos(every);
                self.push(now, MarketEvent::Heartbeat, to);
            }
            let left = time.min(beat).since(now).max(0) / i64::from(self.speed.max(1));
            let pause = Duration::from_nanos(left.unsigned_abs()).clamp(SHORTEST, LONGEST);
            let state = self.lock();
            // Whatever woke it, the loop looks at the clock again.
            drop(self.ended.wait_timeout(state, pause));
        }
    }

    /// Returns the first session, of those there are, that is not over at a time.
    fn session_after(&self, time: Timestamp) -> Option<Session> {
        let calendar = &self.calendar;
        let first = calendar.session(self.days.first()).ok().flatten()?;
        let mut session = match calendar.session_at(time) {
            Some(session) => session,
            None => calendar.next_session(time.utc_date().plus_days(-1))?,
        };
        while session.post_close <= time {
            session = calendar.next_session(session.date)?;
        }
        if session.date < first.date {
            session = first;
        }
        self.days.last().is_none_or(|last| session.date <= last).then_some(session)
    }

    fn load(&self, date: Date) -> Result<Arc<MarketData>, Unavailable> {
        if let Some((session, data)) = &self.lock().loaded
            && session.date == date
        {
            return Ok(Arc::clone(data));
        }
        let data = self.days.load(date, date).map_err(|error| Unavailable(error.to_string()))?;
        let data = Arc::new(data);
        let session = self.calendar.session(date).ok().flatten();
        self.lock().loaded = session.map(|session| (session, Arc::clone(&data)));
        Ok(data)
    }

    /// Returns the data of the last session that has begun.
    fn known(&self, now: Timestamp) -> Result<Arc<MarketData>, Unavailable> {
        let none = || Unavailable("no session has begun yet".to_owned());
        let session = match self.calendar.session_at(now) {
            Some(session) => session,
            None => self.calendar.previous_session(now.utc_date()).ok_or_else(none)?,
        };
        let last = self.days.last().unwrap_or(session.date);
        self.load(session.date.min(last).max(self.days.first()))
    }

    fn history(
        &self,
        symbol: SymbolId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Bar>, Unavailable> {
        let now = (self.now)();
        let data = self.known(now)?;
        let unknown = || Unavailable(format!("the days have no symbol {}", symbol.0));
        let of = data.symbols().get(symbol.index()).ok_or_else(unknown)?;
        let wanted = |bar: &Bar| bar.start >= from && bar.start < to && bar.end() <= now;
        if of.trades.is_empty() {
            return Ok(of.bars.iter().copied().filter(wanted).collect());
        }
        let first = of.trades.partition_point(|trade| trade.time < from);
        let end = of.trades.partition_point(|trade| trade.time < to.min(now));
        let trades = of.trades.get(first..end).unwrap_or_default();
        Ok(minute_bars(trades).into_iter().filter(wanted).collect())
    }

    fn snapshot(&self, symbol: SymbolId) -> Result<Option<Quote>, Unavailable> {
        let now = (self.now)();
        let data = self.known(now)?;
        let of = data.symbols().get(symbol.index());
        let quotes = of.map_or(&[][..], |of| of.quotes.as_slice());
        let count = quotes.partition_point(|quote| quote.time <= now);
        Ok(count.checked_sub(1).and_then(|last| quotes.get(last)).copied())
    }
}
