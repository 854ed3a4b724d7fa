//! Names the resolution of a file's rows and the session of each.
//!
//! The resolution is inferred from the spacing of the rows or stated; a contradiction refuses the
//! file (contract.md section 4). Stamps at the end of the bar are moved to its start here.
//!
//! Invariant: every row that leaves here is a bar of a session of the calendar (TB3, TC9).

use std::collections::BTreeMap;
use std::sync::Arc;

use model::exchange::{Calendar, Session, new_york_date};
use model::{Bar, DAY_NS, Date, MINUTE_NS, Symbol, Timestamp};

use super::rows::{FileBatch, RawRow, Reason};
use super::time::Stamp;
use crate::error::FileError;
use crate::{ImportOptions, Resolution, StampSide};

/// Rows beyond which a spacing that is never as short as stated counts as a contradiction: ten
/// minutes of a thin symbol that all fall on a five-minute grid are chance once in ten million.
const ENOUGH_SPACINGS: u64 = 10;
/// Part of the spacings that may be odd (bad rows) without changing the answer: 1 in 200.
const RARE: u64 = 200;
/// Shortest spacing that speaks of daily bars; a spring day has 23 hours.
const DAILY_NS: i64 = 20 * 60 * MINUTE_NS;

/// A bar on its way into the store, with the place it came from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) bar: Bar,
    /// Index of the file in the import.
    pub(crate) file: u32,
    pub(crate) line: u32,
}

/// One file of the store: symbol, resolution and New York year of the session.
pub(crate) type SeriesYear = (Symbol, Resolution, i16);

/// The rows of an import by the store's file they belong to.
pub(crate) type Groups = BTreeMap<SeriesYear, Vec<Row>>;

/// Finds the session of an instant; remembers the last answer, for rows come in order.
pub(crate) struct SessionCursor<'a> {
    calendar: &'a Calendar,
    last: Option<Session>,
}

impl<'a> SessionCursor<'a> {
    pub(crate) const fn new(calendar: &'a Calendar) -> Self {
        Self { calendar, last: None }
    }

    /// Returns the date of the session whose 04:00-20:00 holds `t`.
    pub(crate) fn at(&mut self, t: Timestamp) -> Result<Date, Reason> {
        if let Some(session) = &self.last
            && session.pre_open <= t
            && t < session.post_close
        {
            return Ok(session.date);
        }
        let session = self.on(new_york_date(t))?;
        if t < session.pre_open || t >= session.post_close {
            return Err(Reason::OffCalendar);
        }
        self.last = Some(session);
        Ok(session.date)
    }

    /// Returns the session of a date.
    pub(crate) fn on(&self, date: Date) -> Result<Session, Reason> {
        match self.calendar.session(date) {
            Ok(Some(session)) => Ok(session),
            Ok(None) => Err(Reason::OffCalendar),
            Err(_) => Err(Reason::NoCalendar),
        }
    }
}

/// Moves the rows of one readable file into their groups; rows without a session are rejected.
pub(crate) fn settle(
    batch: &mut FileBatch,
    file: u32,
    options: &ImportOptions,
    sessions: &mut SessionCursor<'_>,
    groups: &mut Groups,
) -> Result<(), FileError> {
    let rows = std::mem::take(&mut batch.good);
    if rows.is_empty() {
        return Ok(());
    }
    let resolution = match batch.resolution {
        Some(resolution) => resolution,
        None => resolution_of(&rows, options.resolution)?,
    };
    let shift = match options.timestamp {
        StampSide::Close => resolution.nanos(),
        StampSide::Open => 0,
    };
    let mut open = OpenGroups::new(&rows, batch, resolution);
    for row in rows {
        let placed = if resolution.is_intraday() {
            intraday(&row, resolution, shift, sessions)
        } else {
            daily(&row, options.timestamp, sessions)
        };
        let (start, date) = match placed {
            Ok(placed) => placed,
            Err(reason) => {
                batch.reject(u64::from(row.line), reason, || describe(row.stamp));
                continue;
            }
        };
        let placed = Row { bar: row.bar(start), file, line: row.line };
        open.push(row.symbol as usize, date.ymd().0, placed, groups);
    }
    open.finish(groups);
    Ok(())
}

/// The group of each symbol that rows go to now: rows of a symbol and year come together, however
/// the symbols alternate, so that the map is asked once a year and not once a row.
struct OpenGroups {
    resolution: Resolution,
    symbols: Vec<OpenGroup>,
}

struct OpenGroup {
    symbol: Symbol,
    year: i16,
    rows: Vec<Row>,
    /// Rows of the symbol that are still to come.
    left: usize,
}

impl OpenGroups {
    fn new(rows: &[RawRow], batch: &FileBatch, resolution: Resolution) -> Self {
        let open = |&symbol| OpenGroup { symbol, year: 0, rows: Vec::new(), left: 0 };
        let mut symbols: Vec<OpenGroup> = batch.symbols.iter().map(open).collect();
        for row in rows {
            if let Some(group) = symbols.get_mut(row.symbol as usize) {
                group.left += 1;
            }
        }
        Self { resolution, symbols }
    }

    fn push(&mut self, symbol: usize, year: i16, row: Row, groups: &mut Groups) {
        let Some(group) = self.symbols.get_mut(symbol) else { return };
        if group.year != year {
            group.close(self.resolution, groups);
            group.year = year;
            group.rows.reserve_exact(group.left);
        }
        group.left = group.left.saturating_sub(1);
        group.rows.push(row);
    }

    fn finish(mut self, groups: &mut Groups) {
        for group in &mut self.symbols {
            group.close(self.resolution, groups);
        }
    }
}

impl OpenGroup {
    fn close(&mut self, resolution: Resolution, groups: &mut Groups) {
        if self.rows.is_empty() {
            return;
        }
        let rows = std::mem::take(&mut self.rows);
        let known = groups.entry((self.symbol, resolution, self.year)).or_default();
        if known.is_empty() {
            *known = rows;
        } else {
            known.extend(rows);
        }
    }
}

fn describe(stamp: Stamp) -> String {
    match stamp {
        Stamp::Instant(nanos) => Timestamp::from_nanos(nanos).to_string(),
        Stamp::Day(date) => date.to_string(),
    }
}

fn intraday(
    row: &RawRow,
    resolution: Resolution,
    shift: i64,
    sessions: &mut SessionCursor<'_>,
) -> Result<(Timestamp, Date), Reason> {
    let Stamp::Instant(nanos) = row.stamp else { return Err(Reason::BadTime) };
    let start = nanos.checked_sub(shift).ok_or(Reason::BadTime)?;
    if start % MINUTE_NS != 0 {
        return Err(Reason::NotOnMinute);
    }
    // New York is whole hours from UTC, so its grid of up to an hour is that of UTC.
    if start % resolution.nanos() != 0 {
        return Err(Reason::NotOnGrid);
    }
    let start = Timestamp::from_nanos(start);
    Ok((start, sessions.at(start)?))
}

/// A daily bar is named by its session's date; a time of day only says which date is meant.
fn daily(
    row: &RawRow,
    side: StampSide,
    sessions: &SessionCursor<'_>,
) -> Result<(Timestamp, Date), Reason> {
    let date = match row.stamp {
        Stamp::Day(date) => date,
        Stamp::Instant(nanos) => {
            // An end stamp at midnight belongs to the day that ends there.
            let inside = if side == StampSide::Close { nanos.saturating_sub(1) } else { nanos };
            let inside = Timestamp::from_nanos(inside);
            let midnight = nanos % DAY_NS == 0;
            if midnight { inside.utc_date() } else { new_york_date(inside) }
        }
    };
    let session = sessions.on(date)?;
    Ok((session.date.utc_midnight(), session.date))
}

/// What the spacing of rows says.
#[derive(Debug, PartialEq, Eq)]
enum Spacing {
    /// Too few rows of one symbol.
    Nothing,
    /// Dates, or a day apart.
    Daily { spacings: u64 },
    /// Whole minutes: the greatest common divisor of the spacings.
    Minutes { divisor: i64, spacings: u64 },
    /// Mostly below a minute.
    Seconds,
}

impl Spacing {
    fn of(rows: &[RawRow]) -> Self {
        let days = rows.iter().filter(|row| matches!(row.stamp, Stamp::Day(_))).count();
        if days * 2 > rows.len() {
            return Self::Daily { spacings: u64::MAX };
        }
        let mut last: Vec<Option<i64>> = Vec::new();
        let mut minutes: BTreeMap<i64, u64> = BTreeMap::new();
        let (mut daily, mut seconds, mut ones) = (0_u64, 0_u64, 0_u64);
        for row in rows {
            let Stamp::Instant(time) = row.stamp else { continue };
            let symbol = row.symbol as usize;
            if last.len() <= symbol {
                last.resize(symbol + 1, None);
            }
            let Some(before) = last.get_mut(symbol).and_then(|last| last.replace(time)) else {
                continue;
            };
            match time.saturating_sub(before).saturating_abs() {
                0 => {}
                // Nearly every row of nearly every file.
                MINUTE_NS => ones += 1,
                distance if distance >= DAILY_NS => daily += 1,
                distance if distance % MINUTE_NS != 0 => seconds += 1,
                distance => *minutes.entry(distance / MINUTE_NS).or_default() += 1,
            }
        }
        if ones > 0 {
            minutes.insert(1, ones);
        }
        let total: u64 = minutes.values().sum();
        if total == 0 && seconds == 0 {
            return if daily == 0 { Self::Nothing } else { Self::Daily { spacings: daily } };
        }
        if seconds > total {
            return Self::Seconds;
        }
        let usual = minutes.iter().filter(|&(_, &count)| count * RARE >= total);
        let divisor = usual.fold(0, |divisor, (&minutes, _)| common_divisor(divisor, minutes));
        Self::Minutes { divisor, spacings: total }
    }

    fn describe(&self) -> String {
        match self {
            Self::Nothing => "a single row per symbol".into(),
            Self::Daily { .. } => "days apart".into(),
            Self::Minutes { divisor, .. } => format!("multiples of {divisor} min apart"),
            Self::Seconds => "less than a minute apart".into(),
        }
    }
}

fn common_divisor(mut a: i64, mut b: i64) -> i64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn resolution_of(rows: &[RawRow], stated: Option<Resolution>) -> Result<Resolution, FileError> {
    let spacing = Spacing::of(rows);
    let Some(stated) = stated else {
        return match spacing {
            Spacing::Daily { .. } => Ok(Resolution::Day1),
            Spacing::Minutes { divisor: 1, .. } => Ok(Resolution::Minute1),
            Spacing::Minutes { divisor: 5, .. } => Ok(Resolution::Minute5),
            Spacing::Minutes { divisor: 30, .. } => Ok(Resolution::Minute30),
            _ => Err(FileError::UnknownResolution { found: spacing.describe() }),
        };
    };
    let contradicted = match spacing {
        Spacing::Nothing => false,
        Spacing::Daily { spacings } => stated.is_intraday() && spacings >= ENOUGH_SPACINGS,
        Spacing::Seconds => true,
        Spacing::Minutes { divisor, spacings } => {
            let step = stated.nanos() / MINUTE_NS;
            !stated.is_intraday()
                || divisor % step != 0
                || (divisor != step && spacings >= ENOUGH_SPACINGS)
        }
    };
    if contradicted {
        return Err(FileError::Contradiction { stated, found: spacing.describe() });
    }
    Ok(stated)
}

/// Returns the place of a row in words, for a conflict.
pub(crate) fn place(files: &[Arc<str>], row: &Row) -> String {
    let file = files.get(row.file as usize).map_or("?", |file| file.as_ref());
    format!("{file}:{}", row.line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(minutes: &[i64]) -> Vec<RawRow> {
        let row = |&minute: &i64| RawRow {
            stamp: Stamp::Instant(minute * MINUTE_NS),
            symbol: 0,
            line: 1,
            prices: [1; 4],
            volume: 1,
        };
        minutes.iter().map(row).collect()
    }

    fn infer(minutes: &[i64]) -> Option<Resolution> {
        resolution_of(&rows(minutes), None).ok()
    }

    /// contract.md section 4: the resolution comes from the spacing of the rows.
    #[test]
    fn infers_the_resolution() {
        assert_eq!(infer(&[0, 1, 2]), Some(Resolution::Minute1));
        assert_eq!(infer(&[10, 7, 5]), Some(Resolution::Minute1));
        assert_eq!(infer(&[0, 5, 15]), Some(Resolution::Minute5));
        assert_eq!(infer(&[0, 30, 60, 960]), Some(Resolution::Minute30));
        assert_eq!(infer(&[0, 1440, 2880]), Some(Resolution::Day1));
        for unknown in [&[0][..], &[0, 2, 4], &[0, 60, 120], &[0, 0]] {
            assert_eq!(infer(unknown), None, "{unknown:?}");
        }
        let mut with_one_bad_row: Vec<i64> = (0..300).map(|i| i * 5).collect();
        with_one_bad_row[150] += 1;
        assert_eq!(infer(&with_one_bad_row), Some(Resolution::Minute5));
    }

    /// contract.md section 4: a contradiction is refused; sparse rows are none.
    #[test]
    fn refuses_a_contradiction() {
        let stated = |minutes: &[i64], resolution| resolution_of(&rows(minutes), Some(resolution));
        let fives: Vec<i64> = (0..20).map(|i| i * 5).collect();
        let ones: Vec<i64> = (0..20).collect();
        let days: Vec<i64> = (0..20).map(|i| i * 1440).collect();
        assert!(stated(&fives, Resolution::Minute5).is_ok());
        assert!(stated(&fives[..4], Resolution::Minute1).is_ok());
        assert!(stated(&ones[..1], Resolution::Minute30).is_ok());
        for (minutes, resolution) in [
            (&fives, Resolution::Minute1),
            (&ones, Resolution::Minute5),
            (&ones, Resolution::Day1),
            (&days, Resolution::Minute1),
        ] {
            let error = stated(minutes, resolution);
            assert!(matches!(error, Err(FileError::Contradiction { .. })), "{resolution}");
        }
    }

    /// TB3, TC9, contract.md section 4: outside the session and outside the calendar.
    #[test]
    fn finds_the_session_of_a_bar() {
        let calendar = Calendar::nyse();
        let mut sessions = SessionCursor::new(&calendar);
        let at = |sessions: &mut SessionCursor<'_>, text: &str| {
            sessions.at(text.parse().unwrap()).map(|date| date.to_string())
        };
        let day = Ok("2011-01-03".to_owned());
        assert_eq!(at(&mut sessions, "2011-01-03T09:00:00Z"), day);
        assert_eq!(at(&mut sessions, "2011-01-04T00:59:00Z"), day);
        assert_eq!(at(&mut sessions, "2011-01-04T01:00:00Z"), Err(Reason::OffCalendar));
        assert_eq!(at(&mut sessions, "2011-01-03T08:59:00Z"), Err(Reason::OffCalendar));
        assert_eq!(at(&mut sessions, "2011-01-17T15:00:00Z"), Err(Reason::OffCalendar));
        assert_eq!(at(&mut sessions, "1950-01-03T15:00:00Z"), Err(Reason::NoCalendar));
    }

    #[test]
    fn daily_bars_are_named_by_their_session() {
        let calendar = Calendar::nyse();
        let sessions = SessionCursor::new(&calendar);
        let on = |text: &str, side| {
            let time: Timestamp = text.parse().unwrap();
            let row = RawRow { stamp: Stamp::Instant(time.nanos()), ..rows(&[0])[0] };
            daily(&row, side, &sessions).map(|(_, date)| date.to_string())
        };
        for (text, side) in [
            ("2020-01-02T00:00:00Z", StampSide::Open),
            ("2020-01-02T05:00:00Z", StampSide::Open),
            ("2020-01-02T14:30:00Z", StampSide::Open),
            ("2020-01-02T21:00:00Z", StampSide::Close),
            ("2020-01-03T00:00:00Z", StampSide::Close),
            ("2020-01-03T05:00:00Z", StampSide::Close),
        ] {
            assert_eq!(on(text, side).unwrap(), "2020-01-02", "{text} {side:?}");
        }
    }
}
