//! Gap against the previous close (TI15).

use model::exchange::Segment;
use model::{Bar, Price};

use crate::guard::quotient;
use model::exchange::Session;

/// Returns `price / previous_close - 1` (0.04 is 4 %), none unless the previous close is positive.
#[inline]
pub fn gap_ratio(price: Price, previous_close: Price) -> Option<f64> {
    if previous_close <= Price::ZERO {
        return None;
    }
    // The difference is taken in integers, so that no digits cancel.
    let change = i128::from(price.raw()) - i128::from(previous_close.raw());
    quotient(change as f64, previous_close.raw() as f64)
}

/// The gap before the open, from the last `pre` price, and at the open, from the first `rth` price
/// (TI15), as ratios: 0.04 is 4 %. Both are held until the next day is started.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Gap {
    times: Session,
    previous_close: Option<Price>,
    last_pre: Option<Price>,
    first_rth: Option<Price>,
    count: u32,
}

impl Gap {
    /// Makes the indicator; it takes bars once a day was started.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a session with the previous close of TB6, if one is known.
    pub fn start_day(&mut self, times: &Session, previous_close: Option<Price>) {
        *self = Self { times: *times, previous_close, ..Self::default() };
    }

    /// Takes any bar of the day.
    pub fn update(&mut self, bar: &Bar) {
        match self.times.segment(bar.start) {
            Some(Segment::Pre) => self.last_pre = Some(bar.close),
            Some(Segment::Rth) if self.first_rth.is_none() => self.first_rth = Some(bar.open),
            _ => return,
        }
        self.count = self.count.saturating_add(1);
    }

    /// Returns the gap of the last `pre` price (`gap_scan`).
    pub fn scan(&self) -> Option<f64> {
        gap_ratio(self.last_pre?, self.previous_close?)
    }

    /// Returns the gap of the first `rth` open (`gap_open`).
    pub fn open(&self) -> Option<f64> {
        gap_ratio(self.first_rth?, self.previous_close?)
    }

    /// Returns the latest gap: at the open once it came, before it the scanned one.
    pub fn value(&self) -> Option<f64> {
        self.open().or_else(|| self.scan())
    }

    /// Returns how many bars were used.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Returns how many bars the first value needs.
    pub fn warm_up(&self) -> u32 {
        1
    }

    /// Forgets the day and its bars.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

model::record!(Gap { 1: times, 2: previous_close, 3: last_pre, 4: first_rth, 5: count });

#[cfg(test)]
mod tests {
    use super::*;
    use model::Timestamp;

    /// TI15: last premarket price before the open, first regular price from then on.
    #[test]
    fn scans_then_opens() {
        let minute = |n: i64| Timestamp::from_nanos(n * model::MINUTE_NS);
        let times = Session {
            open: minute(10),
            close: minute(20),
            post_close: minute(30),
            ..Session::default()
        };
        let price = |text: &str| text.parse::<Price>().unwrap();
        let bar = |n, open: &str, close: &str| Bar {
            start: minute(n),
            open: price(open),
            close: price(close),
            ..Bar::default()
        };
        let mut gap = Gap::new();
        gap.start_day(&times, Some(price("10.00")));
        assert_eq!(gap.value(), None);
        gap.update(&bar(3, "10.00", "10.50"));
        assert_eq!((gap.scan(), gap.open(), gap.value()), (Some(0.05), None, Some(0.05)));
        gap.update(&bar(10, "11.00", "12.00"));
        gap.update(&bar(11, "14.00", "14.00"));
        gap.update(&bar(21, "20.00", "20.00"));
        assert_eq!((gap.scan(), gap.open(), gap.value()), (Some(0.05), Some(0.1), Some(0.1)));
        gap.start_day(&times, None);
        gap.update(&bar(10, "11.00", "12.00"));
        assert_eq!(gap.value(), None);
        assert_eq!(gap_ratio(price("1"), Price::ZERO), None);
    }
}
