//! Minute bars built from prints (TB1).
//!
//! A minute is published for all symbols together: when every symbol has had a later print, or
//! at its end plus the grace. Until then prints of the minute after it wait in a second place.
//! Invariants: a bar holds the prints whose time lies in its minute and no others; a minute
//! without a print has no bar (TB4); one print costs the same whatever came before it.

use model::exchange::Session;
use model::{Bar, MINUTE_NS, Price, SymbolId, Timestamp, Trade, Volume, record};

use super::tape::PrintFault;

/// The prints of one minute so far.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Minute {
    start: Timestamp,
    open: Price,
    high: Price,
    low: Price,
    close: Price,
    /// Time of the print that set the close: an older one that comes later does not.
    last: Timestamp,
    /// Billionths of a share, saturating: 9.2 billion shares in a minute.
    volume: i64,
}

/// No print: its start lies after every instant, so that no time is within it.
impl Default for Minute {
    fn default() -> Self {
        let (none, never) = (Price::ZERO, Timestamp::MAX);
        Self {
            start: never,
            open: none,
            high: none,
            low: none,
            close: none,
            last: never,
            volume: 0,
        }
    }
}

impl Minute {
    /// Begins the minute that holds a print.
    pub fn begin(trade: &Trade) -> Self {
        let nanos = trade.time.nanos();
        let start = Timestamp::from_nanos(nanos - nanos.rem_euclid(MINUTE_NS));
        let (price, last, volume) = (trade.price, trade.time, trade.size.raw());
        Self { start, open: price, high: price, low: price, close: price, last, volume }
    }

    /// Returns true when the time lies in the minute.
    #[inline]
    pub fn holds(&self, time: Timestamp) -> bool {
        // One comparison: a time before the start wraps around to a huge distance.
        (time.nanos().wrapping_sub(self.start.nanos()) as u64) < MINUTE_NS as u64
    }

    /// Adds a print of the minute.
    #[inline]
    pub fn add(&mut self, trade: &Trade) {
        self.high = self.high.max(trade.price);
        self.low = self.low.min(trade.price);
        if trade.time >= self.last {
            self.close = trade.price;
            self.last = trade.time;
        }
        self.volume = self.volume.saturating_add(trade.size.raw());
    }

    /// Returns true while there was no print.
    fn is_empty(&self) -> bool {
        self.start == Timestamp::MAX
    }

    fn end(&self) -> Timestamp {
        self.start.plus_nanos(MINUTE_NS)
    }

    /// Returns the bar when there was a print.
    pub fn finished(&self) -> Option<Bar> {
        (!self.is_empty()).then(|| self.bar())
    }

    /// Returns the bar; its volume is rounded to whole shares, half up.
    fn bar(&self) -> Bar {
        let shares = self.volume.saturating_add(model::SCALE / 2) / model::SCALE;
        Bar {
            start: self.start,
            open: self.open,
            high: self.high,
            low: self.low,
            close: self.close,
            volume: Volume(shares.unsigned_abs()),
        }
    }
}

/// The minute in progress of one symbol, and the one after it.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
struct Building {
    current: Minute,
    next: Minute,
}

/// The minutes in progress of all symbols.
#[derive(Clone, Debug, Default)]
pub struct Minutes {
    symbols: Vec<Building>,
    /// End of the oldest minute that is not closed; the end of time when there is none.
    end: Timestamp,
    /// End of the newest minute that was closed.
    closed: Timestamp,
}

impl Minutes {
    pub(super) fn new(symbols: usize) -> Self {
        Self {
            symbols: vec![Building::default(); symbols],
            end: Timestamp::MAX,
            closed: Timestamp::MIN,
        }
    }

    /// Adds a print to the newest minute of its symbol; false when it is not of that minute.
    #[inline]
    pub(super) fn extend(&mut self, symbol: SymbolId, trade: &Trade) -> bool {
        let Some(building) = self.symbols.get_mut(symbol.index()) else { return false };
        let newest =
            if building.next.is_empty() { &mut building.current } else { &mut building.next };
        let within = newest.holds(trade.time);
        if within {
            newest.add(trade);
        }
        within
    }

    /// Begins a minute of a symbol with its first print; one that ended by `over` is closed,
    /// whether anything was in it or not.
    #[cold]
    pub(super) fn begin(
        &mut self,
        symbol: SymbolId,
        trade: &Trade,
        session: Option<&Session>,
        over: Timestamp,
    ) -> Result<(), PrintFault> {
        session.and_then(|session| session.segment(trade.time)).ok_or(PrintFault::OffCalendar)?;
        let building = self.symbols.get_mut(symbol.index()).ok_or(PrintFault::OffCalendar)?;
        let minute = Minute::begin(trade);
        if minute.end() <= over.max(self.closed) {
            return Err(PrintFault::OutOfOrder);
        }
        if building.current.is_empty() {
            building.current = minute;
            self.end = self.end.min(minute.end());
        } else if building.next.is_empty() && building.current.start < minute.start {
            building.next = minute;
        } else if building.current.holds(trade.time) {
            // The minute before the newest one waits for other symbols: the print is in time.
            building.current.add(trade);
        } else {
            return Err(PrintFault::OutOfOrder);
        }
        Ok(())
    }

    /// Returns the end of the oldest minute that is not closed.
    #[inline]
    pub fn pending(&self) -> Timestamp {
        self.end
    }

    /// Returns true when every symbol has had a print at or after the end of the oldest minute.
    pub(super) fn all_later(&self) -> bool {
        let later = |building: &Building| {
            let newest = if building.next.is_empty() { &building.current } else { &building.next };
            !newest.is_empty() && newest.start >= self.end
        };
        self.end != Timestamp::MAX && self.symbols.iter().all(later)
    }

    /// Takes the bar of a symbol out of the oldest minute; `None` when it has no print.
    pub(super) fn close(&mut self, symbol: SymbolId) -> Option<Bar> {
        let end = self.end;
        let building = self.symbols.get_mut(symbol.index())?;
        if building.current.is_empty() || building.current.end() > end {
            return None;
        }
        let bar = building.current.bar();
        building.current = std::mem::take(&mut building.next);
        Some(bar)
    }

    /// Forgets the minutes in progress of a symbol: prints are missing from them (F24).
    pub(super) fn discard(&mut self, symbol: SymbolId) {
        if let Some(building) = self.symbols.get_mut(symbol.index()) {
            *building = Building::default();
        }
        self.find_end();
    }

    /// Goes on to the minute after the oldest one, whose bars were all taken out.
    pub(super) fn next(&mut self) {
        self.closed = self.closed.max(self.end);
        self.find_end();
    }

    /// Looks for the oldest minute that is left.
    fn find_end(&mut self) {
        let ends = self.symbols.iter().filter(|building| !building.current.is_empty());
        self.end = ends.map(|b| b.current.end()).min().unwrap_or(Timestamp::MAX);
    }
}

record!(Minute { 1: start, 2: open, 3: high, 4: low, 5: close, 6: volume, 7: last });
record!(Building { 1: current, 2: next });

impl model::record::Record for Minutes {
    fn save(&self, writer: &mut model::record::Writer) {
        writer.field(1, &self.symbols);
        writer.field(2, &self.closed);
    }

    fn load(
        &mut self,
        reader: &mut model::record::Reader<'_>,
    ) -> Result<(), model::record::DecodeError> {
        while let Some(field) = reader.next_field()? {
            match field.tag {
                1 => model::record::read(&mut self.symbols, &field, "Minutes")?,
                2 => model::record::read(&mut self.closed, &field, "Minutes")?,
                _ => {}
            }
        }
        self.find_end();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Quantity, SECOND_NS};

    fn trade(seconds: f64, price: &str, shares: i64) -> Trade {
        Trade {
            time: Timestamp::from_nanos((seconds * 1e9) as i64),
            price: price.parse().unwrap(),
            size: Quantity::from_shares(shares).unwrap(),
            ..Trade::default()
        }
    }

    const A: SymbolId = SymbolId(0);
    const B: SymbolId = SymbolId(1);

    fn session() -> Session {
        let day = model::exchange::Calendar::nyse().session("2026-06-01".parse().unwrap());
        day.unwrap().unwrap()
    }

    /// A print some seconds after the open; true when it began a minute.
    fn take(
        minutes: &mut Minutes,
        symbol: SymbolId,
        seconds: f64,
        price: &str,
        shares: i64,
    ) -> Result<bool, PrintFault> {
        let mut trade = trade(seconds, price, shares);
        trade.time = session().open.plus_nanos(trade.time.nanos());
        if minutes.extend(symbol, &trade) {
            return Ok(false);
        }
        minutes.begin(symbol, &trade, Some(&session()), Timestamp::MIN).map(|()| true)
    }

    fn end(minutes: &Minutes) -> i64 {
        minutes.pending().since(session().open) / SECOND_NS
    }

    /// TB1: half-open minutes; the print at the end belongs to the next one, and one that comes
    /// after its minute was closed changes nothing (TB8).
    #[test]
    fn a_minute_is_half_open() {
        let mut minutes = Minutes::new(1);
        assert_eq!(take(&mut minutes, A, 60.0, "10.00", 5), Ok(true));
        assert_eq!(take(&mut minutes, A, 119.999999999, "9.00", 7), Ok(false));
        assert_eq!(end(&minutes), 120);
        assert!(!minutes.all_later());
        assert_eq!(take(&mut minutes, A, 120.0, "11.00", 1), Ok(true));
        assert!(minutes.all_later());
        let bar = minutes.close(A).unwrap();
        let price = |text: &str| text.parse::<Price>().unwrap();
        assert_eq!((bar.open, bar.high), (price("10.00"), price("10.00")));
        assert_eq!((bar.low, bar.close, bar.volume), (price("9.00"), price("9.00"), Volume(12)));
        minutes.next();
        assert_eq!(end(&minutes), 180);
        assert_eq!(take(&mut minutes, A, 119.0, "8.00", 1), Err(PrintFault::OutOfOrder));
    }

    /// TB1: a minute is closed for all symbols together; the quick one runs ahead meanwhile, and
    /// its stragglers still count.
    #[test]
    fn a_minute_waits_for_every_symbol() {
        let mut minutes = Minutes::new(2);
        for (symbol, seconds, shares) in [(A, 10.0, 1), (B, 20.0, 1), (A, 61.0, 2), (A, 62.0, 3)] {
            take(&mut minutes, symbol, seconds, "10.00", shares).unwrap();
        }
        take(&mut minutes, A, 59.0, "10.00", 10).unwrap();
        assert!(!minutes.all_later());
        take(&mut minutes, B, 60.0, "20.10", 1).unwrap();
        assert!(minutes.all_later());
        assert_eq!(minutes.close(A).unwrap().volume, Volume(11));
        assert_eq!(minutes.close(B).unwrap().volume, Volume(1));
        minutes.next();
        assert_eq!(minutes.close(A).unwrap().volume, Volume(5));
    }

    /// TB4: a symbol without a print has no bar, and a later minute is not taken out early; prints
    /// outside the session belong to no minute.
    #[test]
    fn a_silent_symbol_has_no_bar() {
        let mut minutes = Minutes::new(2);
        take(&mut minutes, A, 10.0, "10.00", 1).unwrap();
        take(&mut minutes, B, 70.0, "20.00", 1).unwrap();
        assert!(minutes.close(A).is_some() && minutes.close(B).is_none());
        minutes.next();
        assert!(minutes.close(B).is_some());
        let night = take(&mut minutes, A, -6.0 * 3600.0, "10.00", 1);
        assert_eq!(night, Err(PrintFault::OffCalendar));
    }
}
