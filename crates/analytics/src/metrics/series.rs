//! The daily series that every returns-based metric is computed from (TP1).

use std::collections::BTreeMap;

use model::{Cash, Date};

/// Daily returns with the levels they came from.
///
/// Invariant: `dates` and `levels` begin with E0 and have one element more than `returns`; dates
/// ascend; every level but the last is positive.
#[derive(Clone, PartialEq, Debug)]
pub struct DailySeries {
    dates: Vec<Date>,
    levels: Vec<f64>,
    returns: Vec<f64>,
}

impl DailySeries {
    /// Makes the series of daily equity at the session closes, E0 first and dated the session
    /// before (TP1). `flows` are external payments by date; one on a day without a close counts
    /// for the next close. `None` when there is no E0, the dates do not ascend, or an equity that
    /// a return is measured from is not positive.
    pub fn from_equity(equity: &[(Date, Cash)], flows: &BTreeMap<Date, Cash>) -> Option<Self> {
        let &(first_date, first) = equity.first()?;
        if !first.is_positive() {
            return None;
        }
        let mut series =
            Self { dates: vec![first_date], levels: vec![first.to_f64()], returns: Vec::new() };
        let mut index = first.to_f64();
        let mut with_flows = false;
        for pair in equity.windows(2) {
            let ((from, before), (date, after)) = (pair[0], pair[1]);
            if date <= from || !before.is_positive() {
                return None;
            }
            let between =
                flows.range((std::ops::Bound::Excluded(from), std::ops::Bound::Included(date)));
            let flow: Cash = between.map(|(_, amount)| *amount).sum();
            with_flows |= !flow.is_zero();
            // The difference is exact in integers: a day without a result returns exactly 0.
            let gain = after.minus(flow).minus(before);
            let daily = gain.raw() as f64 / before.raw() as f64;
            index *= 1.0 + daily;
            series.dates.push(date);
            series.returns.push(daily);
            // Without flows the equity itself is the exact level: equal peaks compare equal (TP6).
            series.levels.push(if with_flows { index } else { after.to_f64() });
        }
        Some(series)
    }

    /// Makes the series of daily returns after the session dated `start`, with E0 = 1. `None` when
    /// the dates do not ascend, or a return is no number or loses all before the last day.
    pub fn from_returns(start: Date, returns: &[(Date, f64)]) -> Option<Self> {
        let mut series = Self { dates: vec![start], levels: vec![1.0], returns: Vec::new() };
        let (mut last, mut level) = (start, 1.0);
        for &(date, daily) in returns {
            if date <= last || !daily.is_finite() || level <= 0.0 {
                return None;
            }
            level *= 1.0 + daily;
            last = date;
            series.dates.push(date);
            series.levels.push(level);
            series.returns.push(daily);
        }
        Some(series)
    }

    /// Returns the number of daily returns, T.
    pub fn len(&self) -> usize {
        self.returns.len()
    }

    /// Returns true when there is no return.
    pub fn is_empty(&self) -> bool {
        self.returns.is_empty()
    }

    /// Returns the dates, E0's first.
    pub fn dates(&self) -> &[Date] {
        &self.dates
    }

    /// Returns the levels E0 to E_T: equity, or growth of 1 where only returns are known.
    pub fn levels(&self) -> &[f64] {
        &self.levels
    }

    /// Returns the daily returns r_1 to r_T as fractions.
    pub fn returns(&self) -> &[f64] {
        &self.returns
    }

    /// Returns the date of each return with the return.
    pub fn dated_returns(&self) -> impl Iterator<Item = (Date, f64)> + '_ {
        self.dates.iter().skip(1).copied().zip(self.returns.iter().copied())
    }

    /// Returns the level of the last day over E0, less 1.
    pub fn total_return(&self) -> Option<f64> {
        if self.is_empty() {
            return None;
        }
        let (first, last) = (*self.levels.first()?, *self.levels.last()?);
        crate::stats::ratio(last - first, first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(day: i32) -> Date {
        Date::from_days(20_000 + day)
    }

    fn usd(dollars: i64) -> Cash {
        Cash::from_dollars(dollars).unwrap()
    }

    /// TP1: flows that arrived during the day are no return; a weekend's flow counts on Monday.
    #[test]
    fn flows_are_no_returns() {
        let equity = [(date(0), usd(1000)), (date(1), usd(1600)), (date(4), usd(1360))];
        let flows = BTreeMap::from([(date(1), usd(500)), (date(3), usd(-80))]);
        let series = DailySeries::from_equity(&equity, &flows).unwrap();
        assert_eq!(series.returns(), [0.1, -0.1]);
        assert!((series.total_return().unwrap() + 0.01).abs() < 1e-15);
    }

    #[test]
    fn impossible_series_have_no_value() {
        let none = BTreeMap::new();
        assert_eq!(DailySeries::from_equity(&[], &none), None);
        assert_eq!(DailySeries::from_equity(&[(date(0), Cash::ZERO)], &none), None);
        let unordered = [(date(1), usd(1)), (date(1), usd(2))];
        assert_eq!(DailySeries::from_equity(&unordered, &none), None);
        let ruined = [(date(0), usd(1)), (date(1), usd(-1)), (date(2), usd(1))];
        assert_eq!(DailySeries::from_equity(&ruined, &none), None);
        assert!(DailySeries::from_equity(&ruined[..2], &none).is_some());
        assert_eq!(DailySeries::from_returns(date(0), &[(date(1), f64::NAN)]), None);
    }
}
