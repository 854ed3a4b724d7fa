//! The feed of a paper broker that is a process of its own: days that go on, in prints.
//!
//! A bar is shown as twelve prints spread over its minute, along the course open, nearer extreme,
//! other extreme, close, so that an order fills within the minute in which it comes (TF13). The
//! sessions' beginnings and ends are told to the book as the backtest does.
//!
//! Invariant: what a symbol's orders have seen is not shown again after a restart, and what
//! happened meanwhile is shown before anybody is served (journal.md 18).

use std::sync::Arc;
use std::time::Duration;

use gateway::Unavailable;
use model::exchange::{Segment, Session};
use model::{
    Bar, Conditions, CorporateAction, Halt, MINUTE_NS, MarketEvent, Price, Quantity, Rounding,
    SCALE, SymbolId, Timestamp, Trade,
};
use simulator::Night;

use crate::book::Book;
use crate::desk::{Clock, Desk, Shown};

/// Prints of a minute.
const PRINTS: i64 = 12;
/// The longest wait between two looks at the clock.
const LONGEST_WAIT: Duration = Duration::from_millis(200);
/// Events shown at once while the feed catches up.
const BATCH: usize = 512;

/// One session of all symbols.
#[derive(Clone, Debug)]
pub struct Day {
    /// The session.
    pub session: Session,
    /// The night after it.
    pub night: Night,
    /// Bars and pauses of each symbol, in the order of their ids; bars of other days are left out.
    pub symbols: Vec<(Vec<Bar>, Vec<Halt>)>,
    /// What happens to the symbols before the session begins (F27).
    pub actions: Vec<CorporateAction>,
}

/// Where days come from: the first session whose regular hours end after a time, `None` when there
/// is none any more.
pub type DaySource = Box<dyn FnMut(Timestamp) -> Option<Day> + Send + Sync>;

/// Shows days to a desk.
pub struct Feed {
    desk: Desk,
    clock: Clock,
    speed: u32,
    source: DaySource,
}

impl Feed {
    /// Prepares a feed by a clock that runs `speed` times as fast as the machine's.
    pub fn new(desk: Desk, clock: Clock, speed: u32, source: DaySource) -> Self {
        Self { desk, clock, speed: speed.max(1), source }
    }

    /// Shows what happened since the book was fed last, then goes on with the clock until the days
    /// or the book end. `caught_up` is called once in between.
    ///
    /// # Errors
    /// The book has failed.
    pub async fn run(mut self, caught_up: impl FnOnce()) -> Result<(), Unavailable> {
        let mut caught_up = Some(caught_up);
        let (closed, seen) = self.desk.with(|book| (book.closed_until(), book.now())).await?;
        // A new account begins now; one that never saw a close, where it was.
        let mut from = [closed, seen, (self.clock)()]
            .into_iter()
            .find(|time| *time != Timestamp::default())
            .unwrap_or_default();
        while let Some(day) = (self.source)(from) {
            from = day.session.close;
            self.play(&day, &mut caught_up).await?;
        }
        if let Some(caught_up) = caught_up.take() {
            caught_up();
        }
        Ok(())
    }

    async fn play(
        &self,
        day: &Day,
        caught_up: &mut Option<impl FnOnce()>,
    ) -> Result<(), Unavailable> {
        let session = day.session;
        self.wait(session.pre_open, caught_up).await;
        self.desk.with(move |book| book.begin_session(&session)).await?;
        for action in day.actions.clone() {
            let once = move |book: &mut Book| {
                let due = !book.has_acted(&action);
                if due { book.act(&action, session.pre_open).map(drop) } else { Ok(()) }
            };
            let acted = self.desk.with(once).await?;
            acted.map_err(|error| Unavailable(error.to_string()))?;
        }
        let count = day.symbols.len();
        let fed = self.desk.with(move |book| book.fed_until_of(count)).await?;
        let events = events(day, &fed);
        let close = events.partition_point(|(time, _)| *time < session.close);
        self.show(&events[..close], caught_up).await;
        self.wait(session.close, caught_up).await;
        let closes = closes(day);
        self.desk.end_session(session.close, closes, day.night).await?;
        self.show(&events[close..], caught_up).await;
        Ok(())
    }

    /// Shows events when they are due, those that are due already together.
    async fn show(&self, events: &[(Timestamp, Shown)], caught_up: &mut Option<impl FnOnce()>) {
        let mut rest = events;
        while let Some((time, _)) = rest.first() {
            self.wait(*time, caught_up).await;
            let now = (self.clock)();
            let due = rest.partition_point(|(time, _)| *time <= now).clamp(1, BATCH);
            let (batch, later) = rest.split_at(due);
            self.desk.show(batch.iter().map(|(_, shown)| *shown).collect()).await;
            rest = later;
        }
    }

    /// Waits until the feed's time is at least `time`.
    async fn wait(&self, time: Timestamp, caught_up: &mut Option<impl FnOnce()>) {
        loop {
            let missing = time.since((self.clock)());
            if missing <= 0 {
                return;
            }
            if let Some(caught_up) = caught_up.take() {
                caught_up();
            }
            let pause = missing.unsigned_abs() / u64::from(self.speed);
            tokio::time::sleep(Duration::from_nanos(pause.max(100_000)).min(LONGEST_WAIT)).await;
        }
    }
}

/// Returns the events of a day that the book has not seen, in order of time.
fn events(day: &Day, fed: &[Timestamp]) -> Vec<(Timestamp, Shown)> {
    let session = &day.session;
    let mut all = Vec::new();
    for (place, (bars, halts)) in day.symbols.iter().enumerate() {
        let symbol = SymbolId(u32::try_from(place).unwrap_or(u32::MAX));
        let since = fed.get(place).copied().unwrap_or_default();
        for halt in halts {
            let event = MarketEvent::Halt { symbol, halt: *halt };
            all.push((halt.time, Shown { event, rth: true }));
        }
        for bar in bars {
            let rth = session.segment(bar.start) == Some(Segment::Rth);
            for trade in prints(bar) {
                let event = MarketEvent::Trade { symbol, trade };
                all.push((trade.time, Shown { event, rth }));
            }
        }
        let holds = |time: Timestamp| (session.pre_open..session.post_close).contains(&time);
        all.retain(|(time, shown)| {
            let of_symbol = symbol_of(&shown.event) == Some(symbol);
            holds(*time) && (!of_symbol || *time > since)
        });
    }
    all.sort_by_key(|(time, _)| *time);
    all
}

fn symbol_of(event: &MarketEvent) -> Option<SymbolId> {
    match event {
        MarketEvent::Trade { symbol, .. } | MarketEvent::Halt { symbol, .. } => Some(*symbol),
        _ => None,
    }
}

/// Returns the last price of the regular hours of each symbol that has one.
fn closes(day: &Day) -> Vec<(SymbolId, Price)> {
    let session = &day.session;
    let regular = |bar: &&Bar| session.segment(bar.start) == Some(Segment::Rth);
    let of = |(place, (bars, _)): (usize, &(Vec<Bar>, Vec<Halt>))| {
        let last = bars.iter().rev().find(regular)?;
        Some((SymbolId(u32::try_from(place).ok()?), last.close))
    };
    day.symbols.iter().enumerate().filter_map(of).collect()
}

/// Returns the prints of a minute: at its beginning the open, at its end the close, on the way the
/// extremes, the one nearer to the open first.
pub fn prints(bar: &Bar) -> impl Iterator<Item = Trade> {
    let (open, high, low, close) = (bar.open, bar.high, bar.low, bar.close);
    let up = high.minus(open) <= open.minus(low);
    let corners = if up { [open, high, low, close] } else { [open, low, high, close] };
    let tick = if open.raw() < SCALE { Price::from_raw(1) } else { Price::from_raw(SCALE / 100) };
    let (start, volume) = (bar.start, bar.volume.0);
    (0..PRINTS).map(move |n| {
        let [from, to] = [n * 3 / (PRINTS - 1), (n * 3).div_euclid(PRINTS - 1) + 1].map(|at| {
            let at = usize::try_from(at).unwrap_or(0);
            corners.get(at).copied().unwrap_or(close)
        });
        let part = n * 3 % (PRINTS - 1);
        let way = i128::from(to.raw() - from.raw()) * i128::from(part) / i128::from(PRINTS - 1);
        let price = from.plus(Price::from_raw(i64::try_from(way).unwrap_or(0)));
        // The corners are prices of the bar as they are; between them there are ticks.
        let price = if part == 0 { price } else { price.round_to(tick, Rounding::HalfEven) };
        let share = (volume / PRINTS.unsigned_abs()).max(1);
        Trade {
            time: start.plus_nanos(n * (MINUTE_NS / PRINTS)),
            price: price.max(low).min(high),
            size: i64::try_from(share).ok().and_then(Quantity::from_shares).unwrap_or_default(),
            sequence: 0,
            conditions: Conditions::default(),
        }
    })
}

/// Keeps the feed's clock: see [`Feed::new`].
pub fn clock(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Clock {
    Arc::new(now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Volume;

    /// The course has the bar's open, high, low and close, ascending times within the minute, and
    /// nothing outside.
    #[test]
    fn prints_follow_the_bar() {
        let price = |text: &str| text.parse::<Price>().unwrap();
        let start: Timestamp = "2026-11-25T14:31:00Z".parse().unwrap();
        for (open, high, low, close) in
            [("10.00", "10.10", "9.00", "9.50"), ("10.00", "12.00", "9.90", "11.11")]
        {
            let (open, high, low, close) = (price(open), price(high), price(low), price(close));
            let bar = Bar { start, open, high, low, close, volume: Volume(1_200) };
            let made: Vec<Trade> = prints(&bar).collect();
            assert_eq!(made.len(), 12);
            assert_eq!((made[0].price, made[11].price), (open, close));
            assert!(made.windows(2).all(|pair| pair[0].time < pair[1].time));
            assert!(made.iter().all(|t| t.price >= low && t.price <= high && t.time < bar.end()));
            assert!(made.iter().all(|t| t.size == Quantity::from_shares(100).unwrap()));
        }
    }
}
