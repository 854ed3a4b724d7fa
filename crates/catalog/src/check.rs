//! Looks for what may be wrong with stored data: gaps, oddities and contradictions.
//!
//! A finding is a question to a person, not a verdict: real data has real gaps. Nothing is
//! changed. Thresholds are the constants below.

use std::collections::BTreeMap;

use model::exchange::{Calendar, Session};
use model::{Bar, Date, Price, Symbol, Timestamp};

use crate::import::{OnProgress, Progress, Stage};
use crate::store::{CacheState, bounds, session_date, session_dates};
use crate::{Action, ActionKind, CatalogError, Resolution, Store, check_ticks};

/// Move between two bars of one session beyond which a jump is reported: 10 %.
const JUMP: f64 = 0.10;
/// Gap from one session's close to the next open that no split explains: 20 %.
const DAILY_GAP: f64 = 0.20;
/// Part of a symbol's bars with volume 0 beyond which it is reported: 1 %.
const ZERO_VOLUME: f64 = 0.01;
/// Tolerance between the highs and lows of daily and minute bars: 0.1 %, odd prints of one source.
const DAILY_TOLERANCE: f64 = 0.001;
/// Sessions from which on a symbol's usual number of missing minutes is known.
const USUAL_SESSIONS: usize = 5;

/// What a finding is about; the name in JSON is the variant in snake case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// Sessions of the calendar without a bar between a symbol's first and last session; one
    /// finding for each run of them.
    MissingSession,
    /// Minutes of the regular session without a bar, more than twice what is usual for the
    /// symbol: usual is the lower quartile of its sessions, 0 below five sessions.
    MissingMinutes,
    /// A session with bars, none of them in the regular session.
    NoRegularSession,
    /// A move of over 10 % between two bars of one session.
    PriceJump,
    /// A high or low over 10 % beyond open, close and both neighbours: a bad print.
    Outlier,
    /// An open over 20 % away from the close before that no split explains.
    DailyGap,
    /// Minutes of the regular session that go beyond the daily high or low.
    DailyMismatch,
    /// Two bars with one start.
    Duplicate,
    /// A bar outside 04:00-20:00 New York, or on a day or in a year without a session.
    OffCalendar,
    /// Prices that are not positive or out of order.
    OhlcOrder,
    /// Over 1 % of a symbol's bars have volume 0.
    ZeroVolume,
    /// Quotes that are crossed, locked or have an empty side; one finding for each session.
    InvalidQuote,
    /// A cache that does not belong to its data; the next loading makes it again.
    StaleCache,
    /// A file that cannot be used.
    CorruptFile,
}

/// One thing found.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Finding {
    /// What it is.
    pub kind: FindingKind,
    /// The symbol.
    pub symbol: Symbol,
    /// The session, where the finding belongs to one.
    pub date: Option<Date>,
    /// The bar's start, where the finding belongs to one.
    pub time: Option<Timestamp>,
    /// What was found, with its values.
    pub detail: String,
}

/// The answer of `data check`.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize)]
pub struct CheckReport {
    /// By symbol, resolution, kind and date.
    pub findings: Vec<Finding>,
    /// Findings by kind.
    pub by_kind: BTreeMap<FindingKind, u64>,
}

impl CheckReport {
    /// Returns the process exit code: 1 when anything was found (contract.md section 5).
    pub fn exit_code(&self) -> u8 {
        u8::from(!self.findings.is_empty())
    }
}

/// Checks the symbols given, or all of the store when none is given.
pub fn check(
    store: &Store,
    calendar: &Calendar,
    symbols: &[Symbol],
    progress: OnProgress<'_>,
) -> Result<CheckReport, CatalogError> {
    let all = if symbols.is_empty() { store.all_symbols()? } else { symbols.to_vec() };
    let mut report = CheckReport::default();
    for (done, &symbol) in all.iter().enumerate() {
        let total = all.len() as u64;
        progress(Progress { stage: Stage::Scanning, done: done as u64, total });
        let resolutions = store.resolutions(symbol)?;
        check_ticks::check(store, calendar, symbol, &mut report.findings)?;
        if resolutions.is_empty() && !store.has_ticks(symbol)? {
            let far = Date::from_days(0);
            // Says that the symbol is not there, and what is.
            store.load_minutes(symbol, far, far)?;
        }
        let mut checker = Checker { store, calendar, symbol, findings: &mut report.findings };
        checker.symbol(&resolutions)?;
    }
    let total = all.len() as u64;
    progress(Progress { stage: Stage::Scanning, done: total, total });
    for finding in &report.findings {
        *report.by_kind.entry(finding.kind).or_default() += 1;
    }
    Ok(report)
}

/// The check of one symbol.
struct Checker<'a> {
    store: &'a Store,
    calendar: &'a Calendar,
    symbol: Symbol,
    findings: &'a mut Vec<Finding>,
}

impl Checker<'_> {
    fn symbol(&mut self, resolutions: &[Resolution]) -> Result<(), CatalogError> {
        let actions = match self.store.actions(self.symbol) {
            Ok(actions) => actions,
            Err(CatalogError::Corrupt { path, why }) => {
                let detail = format!("{}: {why}", path.display());
                self.add(FindingKind::CorruptFile, None, None, detail);
                Vec::new()
            }
            Err(error) => return Err(error),
        };
        let mut daily = Vec::new();
        // Daily bars first, so that minutes can be held against them.
        for &resolution in resolutions.iter().rev() {
            let bars = self.load(resolution)?;
            let first = self.findings.len();
            self.rows(resolution, &bars);
            let days = self.days(resolution, &bars);
            self.missing_sessions(resolution, &days);
            self.gaps(resolution, &bars, &days, &actions);
            self.zero_volume(resolution, &bars);
            if resolution.is_intraday() {
                self.regular_minutes(resolution, &bars, &days);
                self.against_daily(resolution, &bars, &days, &daily);
            } else {
                daily = bars;
            }
            self.findings[first..]
                .sort_by_key(|finding| (finding.kind, finding.date, finding.time));
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

    /// Loads all years, each from its Parquet file; a file that cannot be used is a finding.
    fn load(&mut self, resolution: Resolution) -> Result<Vec<Bar>, CatalogError> {
        let mut bars = Vec::new();
        for year in self.store.years(self.symbol, resolution)? {
            match self.store.load_stored(self.symbol, resolution, year) {
                Ok(loaded) => bars.extend(loaded),
                Err(CatalogError::Corrupt { path, why }) => {
                    let detail = format!("{}: {why}", path.display());
                    self.add(FindingKind::CorruptFile, None, None, detail);
                    continue;
                }
                Err(error) => return Err(error),
            }
            if self.store.cache_state(self.symbol, resolution, year)? == CacheState::Stale {
                let path = self.store.cache_path(self.symbol, resolution, year);
                let detail = format!("{} is stale or damaged", path.display());
                self.add(FindingKind::StaleCache, None, None, detail);
            }
        }
        Ok(bars)
    }

    /// Each bar for itself, and its order.
    fn rows(&mut self, resolution: Resolution, bars: &[Bar]) {
        for (at, bar) in bars.iter().enumerate() {
            let date = session_date(resolution, bar);
            if let Err(fault) = bar.check() {
                let detail = format!("{resolution} {fault}: {}", words(bar));
                self.add(FindingKind::OhlcOrder, Some(date), Some(bar.start), detail);
            }
            if at > 0 && bars[at - 1].start >= bar.start {
                let detail = format!("{resolution} bar is there twice");
                self.add(FindingKind::Duplicate, Some(date), Some(bar.start), detail);
            }
        }
    }

    /// Returns the sessions with bars; bars of no session are findings.
    fn days(&mut self, resolution: Resolution, bars: &[Bar]) -> Vec<Session> {
        let mut days = Vec::new();
        for date in session_dates(resolution, bars) {
            let day = slice(resolution, bars, date);
            let session = match self.calendar.session(date) {
                Ok(Some(session)) => session,
                Ok(None) => {
                    let detail = format!("{resolution}: {} bars, no session that day", day.len());
                    self.add(FindingKind::OffCalendar, Some(date), None, detail);
                    continue;
                }
                Err(error) => {
                    let detail = format!("{resolution}: {} bars, {error}", day.len());
                    self.add(FindingKind::OffCalendar, Some(date), None, detail);
                    continue;
                }
            };
            if resolution.is_intraday() {
                let outside = |bar: &&Bar| session.segment(bar.start).is_none();
                let count = day.iter().filter(outside).count();
                if let Some(first) = day.iter().find(outside) {
                    let detail = format!("{resolution}: {count} bars outside 04:00-20:00");
                    self.add(FindingKind::OffCalendar, Some(date), Some(first.start), detail);
                }
            }
            days.push(session);
        }
        days
    }

    fn missing_sessions(&mut self, resolution: Resolution, days: &[Session]) {
        for pair in days.windows(2) {
            let (from, to) = (pair[0].date.plus_days(1), pair[1].date.plus_days(-1));
            if from > to {
                continue;
            }
            let Ok(missing) = self.calendar.sessions(from, to) else { continue };
            if let (Some(first), Some(last)) = (missing.first(), missing.last()) {
                let (count, first, last) = (missing.len(), first.date, last.date);
                let detail = format!("{resolution}: {count} sessions missing, {first} to {last}");
                self.add(FindingKind::MissingSession, Some(first), None, detail);
            }
        }
    }

    /// Moves from bar to bar and from session to session.
    fn gaps(&mut self, resolution: Resolution, bars: &[Bar], days: &[Session], actions: &[Action]) {
        let mut before: Option<(Date, Price)> = None;
        for session in days {
            let day = slice(resolution, bars, session.date);
            if resolution.is_intraday() {
                self.jumps(resolution, session.date, day);
            }
            let regular = regular(resolution, session, day);
            let (Some(first), Some(last)) = (regular.first(), regular.last()) else { continue };
            if let Some((date, close)) = before {
                let ratio: f64 = actions
                    .iter()
                    .filter(|action| action.kind == ActionKind::Split)
                    .filter(|action| date < action.date && action.date <= session.date)
                    .filter_map(Action::split_ratio)
                    .product();
                let expected = close.to_f64() / ratio;
                let gap = first.open.to_f64() / expected - 1.0;
                if gap.abs() > DAILY_GAP {
                    let detail = format!(
                        "{resolution}: open {} is {:+.1} % from the close {close} of {date}{}",
                        first.open,
                        gap * 100.0,
                        if ratio == 1.0 { String::new() } else { format!(", split {ratio}") },
                    );
                    let date = Some(session.date);
                    self.add(FindingKind::DailyGap, date, Some(first.start), detail);
                }
            }
            before = Some((session.date, last.close));
        }
    }

    fn jumps(&mut self, resolution: Resolution, date: Date, day: &[Bar]) {
        for (at, bar) in day.iter().enumerate() {
            let before = at.checked_sub(1).map(|at| day[at].close);
            let after = day.get(at + 1).map(|bar| bar.open);
            if let Some(before) = before {
                let moved = bar.open.to_f64() / before.to_f64() - 1.0;
                if moved.abs() > JUMP {
                    let detail = format!(
                        "{resolution}: open {} is {:+.1} % from the close {before} before",
                        bar.open,
                        moved * 100.0
                    );
                    self.add(FindingKind::PriceJump, Some(date), Some(bar.start), detail);
                }
            }
            let near = [Some(bar.open), Some(bar.close), before, after];
            let highest = near.iter().flatten().max().map_or(0.0, |price| price.to_f64());
            let lowest = near.iter().flatten().min().map_or(0.0, |price| price.to_f64());
            let high = bar.high.to_f64() > highest * (1.0 + JUMP);
            let low = bar.low.to_f64() < lowest * (1.0 - JUMP);
            if high || low {
                let detail = format!("{resolution}: {} between {lowest} and {highest}", words(bar));
                self.add(FindingKind::Outlier, Some(date), Some(bar.start), detail);
            }
        }
    }

    fn zero_volume(&mut self, resolution: Resolution, bars: &[Bar]) {
        let zero = bars.iter().filter(|bar| bar.volume.0 == 0).count();
        if zero as f64 > bars.len() as f64 * ZERO_VOLUME {
            let share = zero as f64 / bars.len() as f64 * 100.0;
            let detail = format!(
                "{resolution}: {zero} of {} bars ({share:.1} %) have volume 0: a filled grid, \
                 import it with --skip-empty?",
                bars.len()
            );
            self.add(FindingKind::ZeroVolume, None, None, detail);
        }
    }

    /// Regular sessions that are missing or have holes.
    fn regular_minutes(&mut self, resolution: Resolution, bars: &[Bar], days: &[Session]) {
        let step = resolution.nanos();
        let mut holes = Vec::new();
        for session in days {
            let day = regular(resolution, session, slice(resolution, bars, session.date));
            if day.is_empty() {
                let count = slice(resolution, bars, session.date).len();
                let detail = format!("{resolution}: {count} bars, none in the regular session");
                self.add(FindingKind::NoRegularSession, Some(session.date), None, detail);
                continue;
            }
            let expected = session.close.since(session.open) / step;
            let missing = expected - day.len() as i64;
            holes.push((session, missing, expected, longest_hole(session, day, step)));
        }
        let mut counts: Vec<i64> = holes.iter().map(|hole| hole.1).collect();
        counts.sort_unstable();
        let known = counts.len() >= USUAL_SESSIONS;
        let usual = if known { counts[counts.len() / 4] } else { 0 };
        for (session, missing, expected, (length, begin)) in holes {
            if missing > 2 * usual {
                let detail = format!(
                    "{resolution}: {missing} of {expected} regular bars missing, longest run \
                     {length} from {begin}"
                );
                self.add(FindingKind::MissingMinutes, Some(session.date), Some(begin), detail);
            }
        }
    }

    fn against_daily(
        &mut self,
        resolution: Resolution,
        bars: &[Bar],
        days: &[Session],
        daily: &[Bar],
    ) {
        for session in days {
            let Some(whole) = slice(Resolution::Day1, daily, session.date).first() else {
                continue;
            };
            let day = regular(resolution, session, slice(resolution, bars, session.date));
            let high = day.iter().map(|bar| bar.high).max();
            let low = day.iter().map(|bar| bar.low).min();
            let (Some(high), Some(low)) = (high, low) else { continue };
            let above = high.to_f64() > whole.high.to_f64() * (1.0 + DAILY_TOLERANCE);
            let below = low.to_f64() < whole.low.to_f64() * (1.0 - DAILY_TOLERANCE);
            if above || below {
                let detail = format!(
                    "{resolution}: regular session from {low} to {high}, daily bar from {} to {}",
                    whole.low, whole.high
                );
                self.add(FindingKind::DailyMismatch, Some(session.date), None, detail);
            }
        }
    }
}

fn words(bar: &Bar) -> String {
    let Bar { open, high, low, close, volume, .. } = bar;
    format!("open {open} high {high} low {low} close {close} volume {}", volume.0)
}

/// Returns the bars of one session date.
fn slice(resolution: Resolution, bars: &[Bar], date: Date) -> &[Bar] {
    let (begin, end) = bounds(resolution, date, date);
    let first = bars.partition_point(|bar| bar.start < begin);
    let last = bars.partition_point(|bar| bar.start < end);
    &bars[first..last.max(first)]
}

/// Returns the part of a session's bars that starts in regular hours; all of it for daily bars.
fn regular<'a>(resolution: Resolution, session: &Session, day: &'a [Bar]) -> &'a [Bar] {
    if !resolution.is_intraday() {
        return day;
    }
    let first = day.partition_point(|bar| bar.start < session.open);
    let last = day.partition_point(|bar| bar.start < session.close);
    &day[first..last.max(first)]
}

/// Returns the length in bars and the start of the longest run of missing bars.
fn longest_hole(session: &Session, day: &[Bar], step: i64) -> (i64, Timestamp) {
    let mut longest = (0, session.open);
    let mut expected = session.open;
    for start in day.iter().map(|bar| bar.start).chain([session.close]) {
        let length = start.since(expected) / step;
        if length > longest.0 {
            longest = (length, expected);
        }
        expected = start.plus_nanos(step);
    }
    longest
}
