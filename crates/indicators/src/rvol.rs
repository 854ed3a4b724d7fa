//! Relative volume by time of day (TI16).
//!
//! The baseline belongs to the session's [`SymbolDay`](model::SymbolDay) and is passed to each
//! reading, so that the state here stays a few numbers per symbol.

use model::exchange::Segment;
use model::{Bar, MINUTE_NS, Timestamp, Volume, VolumeBaseline};

use crate::guard::quotient;
use crate::session::minute_index;
use model::exchange::Session;

/// Why there is no relative volume (TI16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRvol {
    /// No bar yet, or the minute lies in `post` or outside the day.
    OutOfSession,
    /// The baseline is missing, too short or 0 at this minute; rules treat the gate as passed.
    NoBaseline,
}

impl NoRvol {
    /// Returns the reason code for decision records.
    pub const fn code(self) -> &'static str {
        match self {
            Self::OutOfSession => "rvol_out_of_session",
            Self::NoBaseline => "rvol_no_baseline",
        }
    }
}

/// Volume so far against the mean of the same minutes of earlier sessions (TI16); `pre` and `rth`
/// are separate sums.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rvol {
    times: Session,
    pre: Volume,
    rth: Volume,
    last_start: Timestamp,
    last_volume: Volume,
    count: u32,
}

impl Rvol {
    /// Makes the indicator; it takes bars once a day was started.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a session.
    pub fn start_day(&mut self, times: &Session) {
        *self = Self { times: *times, ..Self::default() };
    }

    /// Takes any bar of the day.
    #[inline]
    pub fn update(&mut self, bar: &Bar) {
        match self.times.segment(bar.start) {
            Some(Segment::Pre) => self.pre = self.pre.plus(bar.volume),
            Some(Segment::Rth) => self.rth = self.rth.plus(bar.volume),
            Some(Segment::Post) => {}
            None => return,
        }
        self.last_start = bar.start;
        self.last_volume = bar.volume;
        self.count = self.count.saturating_add(1);
    }

    /// Returns the volume of the last bar's segment so far; none in `post`.
    pub fn cumulative_volume(&self) -> Option<Volume> {
        if self.count == 0 {
            return None;
        }
        self.volume_of(self.times.segment(self.last_start))
    }

    /// Returns the volume so far of `pre` or `rth`.
    fn volume_of(&self, segment: Option<Segment>) -> Option<Volume> {
        match segment {
            Some(Segment::Pre) => Some(self.pre),
            Some(Segment::Rth) => Some(self.rth),
            Some(Segment::Post) | None => None,
        }
    }

    /// Returns the cumulative relative volume at the end of the last bar.
    pub fn cumulative(&self, baseline: Option<&VolumeBaseline>) -> Result<f64, NoRvol> {
        if self.count == 0 {
            return Err(NoRvol::OutOfSession);
        }
        self.cumulative_through(self.last_start, baseline)
    }

    /// Returns the cumulative relative volume at `now`, through the last minute that has closed:
    /// a quiet minute has no bar but its baseline has passed.
    pub fn cumulative_at(
        &self,
        now: Timestamp,
        baseline: Option<&VolumeBaseline>,
    ) -> Result<f64, NoRvol> {
        self.cumulative_through(now.plus_nanos(-MINUTE_NS), baseline)
    }

    fn cumulative_through(
        &self,
        minute: Timestamp,
        baseline: Option<&VolumeBaseline>,
    ) -> Result<f64, NoRvol> {
        let segment = self.times.segment(minute);
        let volume = self.volume_of(segment).ok_or(NoRvol::OutOfSession)?;
        let mean = baseline.and_then(|baseline| match segment {
            Some(Segment::Pre) => Self::mean(&baseline.pre_cumulative, self.times.pre_open, minute),
            _ => Self::mean(&baseline.rth_cumulative, self.times.open, minute),
        });
        relative(volume, mean)
    }

    /// Returns the last bar's volume against the mean of its minute.
    pub fn bar(&self, baseline: Option<&VolumeBaseline>) -> Result<f64, NoRvol> {
        if self.cumulative_volume().is_none() {
            return Err(NoRvol::OutOfSession);
        }
        let mean = baseline.and_then(|baseline| match self.times.segment(self.last_start) {
            Some(Segment::Pre) => {
                Self::mean(&baseline.pre_bar, self.times.pre_open, self.last_start)
            }
            _ => Self::mean(&baseline.rth_bar, self.times.open, self.last_start),
        });
        relative(self.last_volume, mean)
    }

    /// Returns the mean of the minute that holds `at`.
    fn mean(means: &[f64], from: Timestamp, at: Timestamp) -> Option<f64> {
        means.get(minute_index(from, at)).copied()
    }

    /// Returns the cumulative relative volume or none (TI19); see [`cumulative`](Rvol::cumulative).
    pub fn value(&self, baseline: Option<&VolumeBaseline>) -> Option<f64> {
        self.cumulative(baseline).ok()
    }

    /// Returns how many bars of the day were used.
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

fn relative(volume: Volume, mean: Option<f64>) -> Result<f64, NoRvol> {
    mean.and_then(|mean| quotient(volume.0 as f64, mean)).ok_or(NoRvol::NoBaseline)
}

model::record!(Rvol { 1: times, 2: pre, 3: rth, 4: last_start, 5: last_volume, 6: count });

#[cfg(test)]
mod tests {
    use super::*;

    /// TI16: separate sums, quiet minutes at a time, no value in `post`, a reason for each none.
    #[test]
    fn compares_with_the_same_minutes() {
        let minute = |n: i64| Timestamp::from_nanos(n * MINUTE_NS);
        let times = Session {
            open: minute(10),
            close: minute(20),
            post_close: minute(30),
            ..Session::default()
        };
        let bar = |n, volume| Bar { start: minute(n), volume: Volume(volume), ..Bar::default() };
        let baseline = VolumeBaseline {
            pre_cumulative: vec![0.0, 10.0, 30.0, 40.0],
            pre_bar: vec![0.0, 10.0, 20.0, 10.0],
            rth_cumulative: vec![100.0],
            rth_bar: vec![100.0],
        };
        let base = Some(&baseline);
        let mut rvol = Rvol::new();
        assert_eq!(rvol.cumulative(base), Err(NoRvol::OutOfSession));
        rvol.start_day(&times);
        rvol.update(&bar(0, 5));
        assert_eq!(rvol.cumulative(base), Err(NoRvol::NoBaseline), "a mean of 0");
        rvol.update(&bar(2, 40));
        assert_eq!((rvol.cumulative(base), rvol.bar(base)), (Ok(1.5), Ok(2.0)));
        assert_eq!(rvol.cumulative_at(minute(4), base), Ok(1.125));
        assert_eq!(rvol.cumulative(None), Err(NoRvol::NoBaseline));
        assert_eq!(rvol.cumulative_at(minute(11), base), Ok(0.0));
        rvol.update(&bar(10, 50));
        assert_eq!((rvol.value(base), rvol.bar(base)), (Some(0.5), Ok(0.5)));
        rvol.update(&bar(11, 50));
        assert_eq!(rvol.cumulative(base), Err(NoRvol::NoBaseline), "beyond the vector");
        rvol.update(&bar(20, 50));
        assert_eq!(rvol.cumulative(base), Err(NoRvol::OutOfSession));
        assert_eq!((rvol.cumulative_volume(), rvol.bar(base)), (None, Err(NoRvol::OutOfSession)));
        assert_eq!(NoRvol::NoBaseline.code(), "rvol_no_baseline");
    }
}
