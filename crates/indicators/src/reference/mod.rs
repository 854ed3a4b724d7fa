//! The reference data of a session: the one computation of [`SymbolDay`] (design.md section 6).
//!
//! One [`ReferenceBuilder`] per symbol takes what the store holds in date order: a
//! [`SessionSummary`] per session with minute bars, official [`DailyBar`]s and splits. Before each
//! session [`symbol_day`](ReferenceBuilder::symbol_day) computes the facts from the sessions
//! before it (TB7); what is pushed for that date or a later one is not looked at. Which sessions
//! should exist is the calendar's matter: a hole is a finding of the data check, not of this code.
//!
//! What counts as a session: a day with an official daily bar or with an `rth` bar. A day with
//! only `pre` or `post` bars is none, neither for the daily values nor for the baselines: the
//! symbol did not trade, and its zeros would make every later day look busy. An official bar
//! alone serves the daily values, not the baselines.
//!
//! Invariant: the same pushes give the same bits, in whatever order daily bars and sessions were
//! interleaved.

mod baseline;
mod summary;

use std::collections::VecDeque;
use std::sync::Arc;

use model::{Bar, Cash, Date, Price, SymbolDay, SymbolId, VolumeBaseline};

use crate::Atr;
use crate::guard::{finite, quotient};

pub use summary::{DailyBar, SessionSummary};

/// Sessions in the mean daily volume (TI17).
const ADV_SESSIONS: usize = 20;
/// Sessions in the mean daily close (TV5).
const SMA_SESSIONS: usize = 50;
/// Period of the daily ATR (TI17).
const ATR_PERIOD: usize = 14;
/// Daily bars that the ATR looks back on, at most. The seed's weight is then below 1e-9, so that
/// the value does not depend on how far back the store reaches.
const ATR_BARS: usize = 300;
/// Half days that a baseline may have to skip (TB7): sessions kept beyond its own number.
const SPARE_SESSIONS: usize = 8;

/// What takes effect at an ex-date (TB6).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Corporate {
    /// New shares per old share; 1 without a split.
    pub split_ratio: f64,
    /// Cash dividend per (new) share.
    pub cash_dividend: Cash,
}

impl Default for Corporate {
    /// No split and no dividend.
    fn default() -> Self {
        Self { split_ratio: 1.0, cash_dividend: Cash::ZERO }
    }
}

impl Corporate {
    /// Returns the split ratio, 1 when it is not a positive number.
    fn ratio(&self) -> f64 {
        if self.split_ratio > 0.0 && self.split_ratio.is_finite() { self.split_ratio } else { 1.0 }
    }
}

/// Choices of the computation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReferenceOptions {
    /// Sessions in a volume baseline (TI16): 5 to 60, cut to that range; default 14.
    pub baseline_sessions: usize,
    /// Compute volume baselines at all; they cost most of the work. Default true.
    pub volume_baseline: bool,
    /// Subtract a cash dividend of at least 0.5 % of the price from the previous close (TB6);
    /// default true.
    pub gap_adjust_dividend: bool,
}

impl Default for ReferenceOptions {
    fn default() -> Self {
        Self { baseline_sessions: 14, volume_baseline: true, gap_adjust_dividend: true }
    }
}

/// One date's daily values from both sources.
#[derive(Clone, Copy, Debug)]
struct Day {
    date: Date,
    official: Option<DailyBar>,
    from_minutes: Option<DailyBar>,
}

impl Day {
    /// Returns the official bar, else the one made of minutes (TI17).
    fn bar(&self) -> Option<DailyBar> {
        self.official.or(self.from_minutes)
    }
}

/// Collects what the store holds of one symbol and computes the facts of its next session.
#[derive(Clone, Debug, Default)]
pub struct ReferenceBuilder {
    options: ReferenceOptions,
    /// By date, ascending; small, so all are kept.
    days: Vec<Day>,
    /// By date, ascending; only as many as a baseline needs.
    sessions: VecDeque<SessionSummary>,
    /// Ex-date and ratio, ascending.
    splits: Vec<(Date, f64)>,
}

impl ReferenceBuilder {
    /// Makes a builder without data.
    pub fn new(options: ReferenceOptions) -> Self {
        let baseline_sessions = options.baseline_sessions.clamp(5, 60);
        Self { options: ReferenceOptions { baseline_sessions, ..options }, ..Self::default() }
    }

    /// Takes a completed session. A session of the same date is replaced; one without `rth` bars
    /// is ignored. Only the newest sessions are kept, so push them in date order and ask for a day
    /// before pushing much beyond it.
    pub fn push_session(&mut self, summary: SessionSummary) {
        let Some(bar) = summary.daily_bar() else { return };
        self.day(summary.date).from_minutes = Some(bar);
        match self.sessions.binary_search_by_key(&summary.date, |session| session.date) {
            Ok(at) => self.sessions[at] = summary,
            Err(at) => self.sessions.insert(at, summary),
        }
        if self.sessions.len() > self.options.baseline_sessions + SPARE_SESSIONS {
            self.sessions.pop_front();
        }
    }

    /// Takes an official daily bar; one of the same date is replaced.
    pub fn push_daily(&mut self, bar: DailyBar) {
        self.day(bar.date).official = Some(bar);
    }

    /// Takes a split of an earlier day, so that values before it are adjusted; a ratio that is not
    /// a positive number is ignored. The split of the session asked for is given with the question.
    pub fn push_split(&mut self, ex_date: Date, ratio: f64) {
        let ratio = Corporate { split_ratio: ratio, ..Corporate::default() }.ratio();
        match self.splits.binary_search_by_key(&ex_date, |split| split.0) {
            Ok(at) => self.splits[at].1 = ratio,
            Err(at) => self.splits.insert(at, (ex_date, ratio)),
        }
    }

    /// Returns the entry of a date, made if absent.
    fn day(&mut self, date: Date) -> &mut Day {
        let at = self.days.partition_point(|day| day.date < date);
        if self.days.get(at).is_none_or(|day| day.date != date) {
            self.days.insert(at, Day { date, official: None, from_minutes: None });
        }
        &mut self.days[at]
    }

    /// Computes the facts of `session` from what was pushed for earlier dates. `previous` is the
    /// session before it by the calendar: the previous close is none when the data lacks that
    /// session, for a gap over a hole is no gap. `rth_minutes` is the length of the session,
    /// `actions` what has its ex-date on it.
    pub fn symbol_day(
        &self,
        symbol: SymbolId,
        (session, previous): (Date, Option<Date>),
        rth_minutes: u16,
        actions: Corporate,
        float_shares: Option<f64>,
    ) -> SymbolDay {
        let adjust = Adjust { splits: &self.splits, session, today: actions.ratio() };
        let end = self.days.partition_point(|day| day.date < session);
        let days = &self.days[..end];
        SymbolDay {
            symbol,
            session,
            prev_close: self.prev_close(days, previous, &adjust, actions),
            adv20: adv(days, &adjust),
            atr14: atr(days, &adjust),
            sma50: sma(days, &adjust),
            volume_baseline: self.baseline(&adjust, rth_minutes).map(Arc::new),
            split_ratio: actions.ratio(),
            cash_dividend: actions.cash_dividend,
            float_shares: float_shares.and_then(finite),
            ..SymbolDay::unknown(symbol, session)
        }
    }

    /// Returns the previous close, adjusted for splits and, if wanted, for a large dividend (TB6).
    fn prev_close(
        &self,
        days: &[Day],
        previous: Option<Date>,
        adjust: &Adjust<'_>,
        actions: Corporate,
    ) -> Option<Price> {
        let bar = days.last().filter(|day| Some(day.date) == previous)?.bar()?;
        let close = adjust.price(bar.close, bar.date)?;
        let dividend = actions.cash_dividend;
        // 0.5 % of the price: the dividend times 200 reaches it.
        let large = i128::from(dividend.raw()) * 200 >= i128::from(close.raw());
        let adjusted = if self.options.gap_adjust_dividend && dividend > Cash::ZERO && large {
            Price::from_raw(close.raw().saturating_sub(dividend.raw()))
        } else {
            close
        };
        (adjusted > Price::ZERO).then_some(adjusted)
    }

    /// Returns the volume baselines of the sessions before today (TI16), none with too few of them.
    fn baseline(&self, adjust: &Adjust<'_>, rth_minutes: u16) -> Option<VolumeBaseline> {
        if !self.options.volume_baseline {
            return None;
        }
        let end = self.sessions.partition_point(|session| session.date < adjust.session);
        let sessions = self.sessions.range(..end).rev();
        let weighted = sessions.map(|session| (session, adjust.factor(session.date)));
        baseline::mean_volumes(weighted, self.options.baseline_sessions, rth_minutes)
    }
}

/// Restates older prices and volumes in today's shares.
struct Adjust<'a> {
    splits: &'a [(Date, f64)],
    session: Date,
    today: f64,
}

impl Adjust<'_> {
    /// Returns how many of today's shares one share of `date` has become.
    fn factor(&self, date: Date) -> f64 {
        let later = self.splits.iter().filter(|split| split.0 > date && split.0 < self.session);
        later.fold(self.today, |factor, split| factor * split.1)
    }

    /// Returns a price of `date` in today's shares; exact when there was no split.
    fn price(&self, price: Price, date: Date) -> Option<Price> {
        let factor = self.factor(date);
        if factor == 1.0 { Some(price) } else { Price::from_f64(price.to_f64() / factor) }
    }
}

/// Returns the mean daily volume of the last 20 sessions (TI17).
fn adv(days: &[Day], adjust: &Adjust<'_>) -> Option<f64> {
    let newest = days.iter().rev().filter_map(Day::bar).take(ADV_SESSIONS);
    let (mut sum, mut count) = (0.0, 0);
    for bar in newest {
        sum += bar.volume as f64 * adjust.factor(bar.date);
        count += 1;
    }
    if count < ADV_SESSIONS { None } else { quotient(sum, ADV_SESSIONS as f64) }
}

/// Returns the mean close of the last 50 sessions in today's shares (TV5).
fn sma(days: &[Day], adjust: &Adjust<'_>) -> Option<f64> {
    let newest = days.iter().rev().filter_map(Day::bar).take(SMA_SESSIONS);
    let (mut sum, mut count) = (0.0, 0);
    for bar in newest {
        sum += adjust.price(bar.close, bar.date)?.to_f64();
        count += 1;
    }
    if count < SMA_SESSIONS { None } else { quotient(sum, SMA_SESSIONS as f64) }
}

/// Returns the daily ATR(14) over the bars held, 300 at most (TI4, TI17).
fn atr(days: &[Day], adjust: &Adjust<'_>) -> Option<f64> {
    let mut atr = Atr::new(ATR_PERIOD);
    for day in &days[days.len().saturating_sub(ATR_BARS)..] {
        let Some(daily) = day.bar() else { continue };
        let bar = Bar {
            high: adjust.price(daily.high, daily.date)?,
            low: adjust.price(daily.low, daily.date)?,
            close: adjust.price(daily.close, daily.date)?,
            ..Bar::default()
        };
        atr.update(&bar);
    }
    atr.value()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(text: &str) -> Price {
        text.parse().unwrap()
    }

    fn date(day: i32) -> Date {
        Date::from_days(20_000 + day)
    }

    fn daily(day: i32, close: &str, volume: u64) -> DailyBar {
        let close = price(close);
        let (high, low) = (close.plus(price("1")), close.minus(price("1")));
        DailyBar { date: date(day), open: close, high, low, close, volume }
    }

    fn session(day: i32, close: &str, rth: Vec<u64>) -> SessionSummary {
        let close = price(close);
        SessionSummary {
            date: date(day),
            rth_minutes: rth.len() as u16,
            open: Some(close),
            high: Some(close),
            low: Some(close),
            close: Some(close),
            volume: rth.iter().sum::<u64>() + 1,
            pre: vec![1],
            rth,
        }
    }

    fn ask(builder: &ReferenceBuilder, day: i32, actions: Corporate) -> SymbolDay {
        let previous = builder.days.iter().map(|day| day.date).filter(|&d| d < date(day)).max();
        builder.symbol_day(SymbolId(0), (date(day), previous), 2, actions, None)
    }

    /// TV5: 50 closes are needed, the newest count, and a split restates the older ones.
    #[test]
    fn mean_close_of_fifty_days() {
        let mut builder = ReferenceBuilder::new(ReferenceOptions::default());
        for day in 1..=50 {
            builder.push_daily(daily(day, "10.00", 1));
            let expected = (day >= 50).then_some(10.0);
            assert_eq!(ask(&builder, day + 1, Corporate::default()).sma50, expected);
        }
        builder.push_daily(daily(51, "60.00", 1));
        assert_eq!(ask(&builder, 52, Corporate::default()).sma50, Some(11.0));
        let split = Corporate { split_ratio: 2.0, ..Corporate::default() };
        assert_eq!(ask(&builder, 52, split).sma50, Some(5.5));
    }

    /// TB6: over a hole in the data there is no previous close and so no gap.
    #[test]
    fn a_hole_leaves_no_previous_close() {
        let mut builder = ReferenceBuilder::new(ReferenceOptions::default());
        builder.push_daily(daily(1, "10.00", 1));
        let ask = |previous| {
            let actions = Corporate::default();
            builder.symbol_day(SymbolId(0), (date(9), Some(date(previous))), 2, actions, None)
        };
        assert!(ask(1).prev_close.is_some());
        assert_eq!(ask(8).prev_close, None);
    }

    /// TB6: the official close goes before the last rth bar's; only earlier days count (TB7).
    #[test]
    fn official_close_goes_first() {
        let mut builder = ReferenceBuilder::default();
        builder.push_session(session(1, "10.00", vec![5, 5]));
        assert_eq!(ask(&builder, 1, Corporate::default()).prev_close, None);
        assert_eq!(ask(&builder, 2, Corporate::default()).prev_close, Some(price("10.00")));
        builder.push_daily(daily(1, "10.02", 9));
        builder.push_daily(daily(3, "77.00", 9));
        assert_eq!(ask(&builder, 2, Corporate::default()).prev_close, Some(price("10.02")));
        assert_eq!(ask(&builder, 3, Corporate::default()).prev_close, Some(price("10.02")));
    }

    /// TB6: a split divides; a dividend of at least 0.5 % is subtracted, a smaller one is not.
    #[test]
    fn previous_close_follows_corporate_actions() {
        let mut builder = ReferenceBuilder::default();
        builder.push_daily(daily(1, "40.00", 9));
        let close = |builder: &ReferenceBuilder, split_ratio, dividend: &str| {
            let cash_dividend = dividend.parse().unwrap();
            ask(builder, 2, Corporate { split_ratio, cash_dividend }).prev_close
        };
        assert_eq!(close(&builder, 4.0, "0"), Some(price("10.00")));
        assert_eq!(close(&builder, 1.0, "0.20"), Some(price("39.80")));
        assert_eq!(close(&builder, 1.0, "0.199999999"), Some(price("40.00")));
        assert_eq!(close(&builder, 4.0, "0.05"), Some(price("9.95")));
        assert_eq!(close(&builder, 1.0, "50"), None, "nothing sensible is left");
        assert_eq!(close(&builder, f64::NAN, "0"), Some(price("40.00")));
        let options = ReferenceOptions { gap_adjust_dividend: false, ..Default::default() };
        let mut plain = ReferenceBuilder::new(options);
        plain.push_daily(daily(1, "40.00", 9));
        assert_eq!(close(&plain, 1.0, "0.20"), Some(price("40.00")));
    }

    /// TI17: ADV needs 20 sessions and ATR 15 bars.
    #[test]
    fn daily_values_need_their_bars() {
        let mut builder = ReferenceBuilder::default();
        for day in 1..=20 {
            let facts = ask(&builder, day, Corporate::default());
            assert_eq!(facts.atr14, (day > 15).then_some(2.0), "before day {day}");
            assert_eq!(facts.adv20, None);
            builder.push_daily(daily(day, "10.00", day as u64));
        }
        assert_eq!(ask(&builder, 21, Corporate::default()).adv20, Some(10.5));
        builder.push_daily(daily(21, "10.00", 21));
        assert_eq!(ask(&builder, 22, Corporate::default()).adv20, Some(11.5));
    }

    /// TB6, TI17: a split inside the window restates older prices and volumes once, whether it
    /// takes effect today or did so earlier.
    #[test]
    fn splits_inside_the_window_are_adjusted() {
        let mut builder = ReferenceBuilder::default();
        for day in 1..=20 {
            builder.push_daily(daily(day, "40.00", 100));
            builder.push_session(session(day, "40.00", vec![10, 20]));
        }
        let two = Corporate { split_ratio: 2.0, ..Corporate::default() };
        let today = ask(&builder, 21, two);
        assert_eq!((today.prev_close, today.split_ratio), (Some(price("20.00")), 2.0));
        assert_eq!((today.adv20, today.atr14), (Some(200.0), Some(1.0)));
        assert_eq!(today.volume_baseline.unwrap().rth_cumulative, [20.0, 60.0]);
        builder.push_split(date(21), 2.0);
        builder.push_daily(daily(21, "20.00", 200));
        let later = ask(&builder, 22, Corporate::default());
        assert_eq!(later.adv20, Some(200.0));
        assert_eq!(later.volume_baseline.unwrap().rth_bar, [20.0, 40.0]);
        // The bar of day 21 spans 2 dollars, the older ones 1 after the split.
        assert!((later.atr14.unwrap() - (13.0 + 2.0) / 14.0).abs() < 1e-12);
        assert_eq!(ask(&builder, 21, two).adv20, Some(200.0), "asked again, not split twice");
    }

    /// TB7: a day without a regular bar is no session.
    #[test]
    fn a_day_without_regular_bars_is_no_session() {
        let mut builder = ReferenceBuilder::default();
        builder.push_session(session(1, "10.00", vec![5, 5]));
        let quiet = SessionSummary { close: None, ..session(2, "11.00", vec![0, 0]) };
        builder.push_session(quiet);
        assert_eq!(ask(&builder, 3, Corporate::default()).prev_close, Some(price("10.00")));
        assert_eq!(builder.sessions.len(), 1);
    }

    /// TI16, TB7: N of 5..=60 sessions, a half day is replaced by an older session per minute.
    #[test]
    fn half_days_are_replaced_by_older_sessions() {
        let options = ReferenceOptions { baseline_sessions: 1, ..Default::default() };
        let mut builder = ReferenceBuilder::new(options);
        builder.push_session(session(1, "10.00", vec![600, 500]));
        for day in 2..=4 {
            builder.push_session(session(day, "10.00", vec![100, 0]));
        }
        builder.push_session(session(5, "10.00", vec![200]));
        assert!(ask(&builder, 5, Corporate::default()).volume_baseline.is_none(), "four of five");
        let short = ask(&builder, 6, Corporate::default()).volume_baseline.unwrap();
        assert_eq!((short.rth_bar.clone(), short.pre_bar.clone()), (vec![220.0], vec![1.0]));
        builder.push_session(session(6, "10.00", vec![100, 100]));
        let full = ask(&builder, 7, Corporate::default()).volume_baseline.unwrap();
        assert_eq!(full.rth_bar, [(100.0 + 200.0 + 300.0) / 5.0, 600.0 / 5.0]);
        assert_eq!(full.rth_cumulative[1], (1100.0 + 300.0 + 200.0) / 5.0);
    }
}
