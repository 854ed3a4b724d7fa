//! One completed session and one daily bar: what a day leaves behind for later days.

use model::exchange::Segment;
use model::{Bar, Date, Price};

use crate::session::minute_index;
use model::exchange::Session;

/// A daily bar: the official consolidated one, or one made of a session's minute bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DailyBar {
    /// The session's date.
    pub date: Date,
    /// Opening price.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Official close.
    pub close: Price,
    /// Shares traded.
    pub volume: u64,
}

/// A completed session of one symbol, by minute. Prices are of `rth` bars; volumes by minute are
/// in shares, 0 where there was no bar (TI16).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionSummary {
    /// The session's date.
    pub date: Date,
    /// Minutes between open and close: 390, on a half day 210.
    pub rth_minutes: u16,
    /// Open of the first `rth` bar.
    pub open: Option<Price>,
    /// Highest price of the `rth` bars.
    pub high: Option<Price>,
    /// Lowest price of the `rth` bars.
    pub low: Option<Price>,
    /// Close of the last `rth` bar; `None` when there was no `rth` bar.
    pub close: Option<Price>,
    /// Volume of all segments.
    pub volume: u64,
    /// Volume of each minute from 04:00 to the open.
    pub pre: Vec<u64>,
    /// Volume of each minute from the open to the close.
    pub rth: Vec<u64>,
}

impl SessionSummary {
    /// Sums up the bars of one session, in order; bars outside `times` are left out.
    pub fn from_bars(times: &Session, bars: &[Bar]) -> Self {
        let mut summary = Self {
            date: times.date,
            rth_minutes: crate::session::rth_minutes(times),
            open: None,
            high: None,
            low: None,
            close: None,
            volume: 0,
            pre: vec![0; usize::from(crate::session::pre_minutes(times))],
            rth: vec![0; usize::from(crate::session::rth_minutes(times))],
        };
        for bar in bars {
            summary.add(times, bar);
        }
        summary
    }

    fn add(&mut self, times: &Session, bar: &Bar) {
        let (minutes, from) = match times.segment(bar.start) {
            None => return,
            Some(Segment::Post) => {
                self.volume = self.volume.saturating_add(bar.volume.0);
                return;
            }
            Some(Segment::Pre) => (&mut self.pre, times.pre_open),
            Some(Segment::Rth) => {
                self.open = self.open.or(Some(bar.open));
                self.high = self.high.max(Some(bar.high));
                self.low = Some(self.low.map_or(bar.low, |low| low.min(bar.low)));
                self.close = Some(bar.close);
                (&mut self.rth, times.open)
            }
        };
        self.volume = self.volume.saturating_add(bar.volume.0);
        if let Some(minute) = minutes.get_mut(minute_index(from, bar.start)) {
            *minute = minute.saturating_add(bar.volume.0);
        }
    }

    /// Returns the daily bar made of the minutes: `rth` prices and the volume of all segments;
    /// `None` without `rth` bars.
    pub fn daily_bar(&self) -> Option<DailyBar> {
        Some(DailyBar {
            date: self.date,
            open: self.open?,
            high: self.high?,
            low: self.low?,
            close: self.close?,
            volume: self.volume,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{MINUTE_NS, Timestamp, Volume};

    /// TB3, TI16: each bar lands in its minute; prices are of `rth`, the volume of all segments.
    #[test]
    fn sums_up_by_minute() {
        let minute = |n: i64| Timestamp::from_nanos(n * MINUTE_NS);
        let times = Session {
            date: Date::from_days(1),
            pre_open: minute(0),
            open: minute(3),
            close: minute(6),
            post_close: minute(9),
            early_close: true,
        };
        let bar = |n: i64, dollars: i64, volume| {
            let price = Price::from_raw(dollars * model::SCALE);
            let (open, high, low, close) = (price, price, price, price);
            Bar { start: minute(n), open, high, low, close, volume: Volume(volume) }
        };
        let bars = [bar(1, 90, 1), bar(3, 5, 2), bar(5, 4, 4), bar(8, 99, 8), bar(9, 1, 16)];
        let summary = SessionSummary::from_bars(&times, &bars);
        assert_eq!((summary.rth_minutes, summary.volume), (3, 15));
        assert_eq!((&summary.pre[..], &summary.rth[..]), (&[0, 1, 0][..], &[2, 0, 4][..]));
        let daily = summary.daily_bar().unwrap();
        let dollars =
            [daily.open, daily.high, daily.low, daily.close].map(|p| p.raw() / 1_000_000_000);
        assert_eq!(dollars, [5, 5, 4, 4]);
        assert_eq!(SessionSummary::from_bars(&times, &bars[3..]).daily_bar(), None);
    }
}
