//! Looks for what may be wrong with stored prints and quotes.

use model::exchange::Calendar;
use model::{Date, Quote, Symbol, Timestamp, Trade};

use crate::check::{Finding, FindingKind};
use crate::store::CacheState;
use crate::tick::{Tick, TickKind};
use crate::{CatalogError, Store};

/// Prints whose median a print is held against, and its distance beyond which it stands out (C29).
const WINDOW: usize = 20;
const DISTANCE: f64 = 0.10;
/// Prints after it that confirm a print which stands out: the price has really moved (C29).
const CONFIRMING: usize = 3;
/// Prints of a session that are named one by one; the rest is counted.
const NAMED: usize = 20;

/// Checks the ticks of one symbol.
pub(crate) fn check(
    store: &Store,
    calendar: &Calendar,
    symbol: Symbol,
    findings: &mut Vec<Finding>,
) -> Result<(), CatalogError> {
    let mut checker = Checker { store, calendar, symbol, findings };
    checker.kind::<Trade>(Checker::prints)?;
    checker.kind::<Quote>(Checker::quotes)
}

struct Checker<'a> {
    store: &'a Store,
    calendar: &'a Calendar,
    symbol: Symbol,
    findings: &'a mut Vec<Finding>,
}

impl Checker<'_> {
    fn kind<T: Tick>(&mut self, rows: impl Fn(&mut Self, Date, &[T])) -> Result<(), CatalogError> {
        let mut before: Option<Date> = None;
        for date in self.store.tick_sessions(self.symbol, T::KIND)? {
            if let Some(before) = before {
                self.missing_sessions(T::KIND, before, date);
            }
            before = Some(date);
            match self.store.load_stored_ticks::<T>(self.symbol, date) {
                Ok(ticks) => {
                    self.session(date, &ticks);
                    rows(self, date, &ticks);
                }
                Err(CatalogError::Corrupt { path, why }) => {
                    let detail = format!("{}: {why}", path.display());
                    self.add(FindingKind::CorruptFile, Some(date), None, detail);
                }
                Err(error) => return Err(error),
            }
            if self.store.tick_cache_state::<T>(self.symbol, date)? == CacheState::Stale {
                let path = self.store.tick_cache_path(self.symbol, T::KIND, date);
                let detail = format!("{} is stale or damaged", path.display());
                self.add(FindingKind::StaleCache, Some(date), None, detail);
            }
        }
        Ok(())
    }

    fn add(
        &mut self,
        kind: FindingKind,
        date: Option<Date>,
        time: Option<Timestamp>,
        detail: String,
    ) {
        self.findings.push(Finding { kind, symbol: self.symbol, date, time, detail });
    }

    fn missing_sessions(&mut self, kind: TickKind, before: Date, date: Date) {
        let (from, to) = (before.plus_days(1), date.plus_days(-1));
        let Ok(missing) = self.calendar.sessions(from, to) else { return };
        if let (true, Some(first), Some(last)) = (from <= to, missing.first(), missing.last()) {
            let (count, first, last) = (missing.len(), first.date, last.date);
            let name = kind.name();
            let detail = format!("{name}: {count} sessions missing, {first} to {last}");
            self.add(FindingKind::MissingSession, Some(first), None, detail);
        }
    }

    /// Ticks outside the session they are stored under.
    fn session<T: Tick>(&mut self, date: Date, ticks: &[T]) {
        let session = self.calendar.session(date).ok().flatten();
        let outside = |tick: &&T| session.is_none_or(|s| s.segment(tick.time()).is_none());
        if let Some(first) = ticks.iter().find(outside) {
            let count = ticks.iter().filter(outside).count();
            let detail = format!("{}: {count} outside the session", T::KIND.name());
            self.add(FindingKind::OffCalendar, Some(date), Some(first.time()), detail);
        }
    }

    /// Prints that stand out from the ones before and that the ones after do not confirm (C29).
    fn prints(&mut self, date: Date, trades: &[Trade]) {
        let good: Vec<&Trade> = trades.iter().filter(|t| t.conditions.sets_price()).collect();
        let mut window: Vec<f64> = Vec::with_capacity(WINDOW);
        let mut found = 0;
        for (at, trade) in good.iter().enumerate() {
            let price = trade.price.to_f64();
            let far = |from: f64| (price / from - 1.0).abs() > DISTANCE;
            let median = median(&window);
            if median.is_some_and(far) {
                let after = good.iter().skip(at + 1).take(CONFIRMING);
                let confirming = after.filter(|next| !far(next.price.to_f64())).count();
                if confirming < CONFIRMING {
                    found += 1;
                    if found <= NAMED {
                        let detail = format!(
                            "trades: {} is far from the median {} of the prints before",
                            trade.price,
                            median.unwrap_or_default()
                        );
                        self.add(FindingKind::Outlier, Some(date), Some(trade.time), detail);
                    }
                    continue;
                }
                window.clear();
            }
            if window.len() == WINDOW {
                window.remove(0);
            }
            window.push(price);
        }
        if found > NAMED {
            let detail = format!("trades: {} more such prints", found - NAMED);
            self.add(FindingKind::Outlier, Some(date), None, detail);
        }
    }

    /// Quotes that the engine takes for none: crossed, locked or with a side that is empty (C28).
    fn quotes(&mut self, date: Date, quotes: &[Quote]) {
        let count = quotes.iter().filter(|quote| !quote.is_valid()).count();
        if let Some(first) = quotes.iter().find(|quote| !quote.is_valid()) {
            let detail = format!(
                "quotes: {count} of {} are crossed, locked or empty; the first: {} x {}",
                quotes.len(),
                first.bid,
                first.ask
            );
            self.add(FindingKind::InvalidQuote, Some(date), Some(first.time), detail);
        }
    }
}

/// The middle price of the window; of an even number the lower one.
fn median(window: &[f64]) -> Option<f64> {
    let mut sorted = window.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(window.len().checked_sub(1)? / 2).copied()
}
