//! Mean volumes by minute over earlier sessions (TI16, TB7).

use model::VolumeBaseline;

use super::SessionSummary;

/// Minutes in a day: no segment is longer.
const MINUTES_PER_DAY: usize = 1440;

/// Sums of one segment by minute, and how many sessions entered each.
struct Sums {
    bar: Vec<f64>,
    cumulative: Vec<f64>,
    sessions: Vec<usize>,
}

impl Sums {
    fn new(minutes: usize) -> Self {
        Self { bar: vec![0.0; minutes], cumulative: vec![0.0; minutes], sessions: vec![0; minutes] }
    }

    /// Adds one session to those of its minutes that still lack sessions. A session that closed
    /// before a minute does not have it, so an older one enters there (TB7).
    fn add(&mut self, volumes: &[u64], factor: f64, wanted: usize) {
        let mut so_far = 0_u64;
        let minutes = self.bar.iter_mut().zip(&mut self.cumulative).zip(&mut self.sessions);
        for (&volume, ((bar, cumulative), sessions)) in volumes.iter().zip(minutes) {
            so_far = so_far.saturating_add(volume);
            if *sessions < wanted {
                *sessions += 1;
                *bar += volume as f64 * factor;
                *cumulative += so_far as f64 * factor;
            }
        }
    }

    /// Returns the cumulative and the single means, up to the first minute that lacks sessions.
    fn means(mut self, wanted: usize) -> (Vec<f64>, Vec<f64>) {
        let complete = self.sessions.iter().take_while(|&&sessions| sessions == wanted).count();
        for sums in [&mut self.cumulative, &mut self.bar] {
            sums.truncate(complete);
            sums.iter_mut().for_each(|sum| *sum /= wanted as f64);
        }
        (self.cumulative, self.bar)
    }
}

/// Returns the mean volumes of `wanted` sessions, which come newest first with the factor of their
/// splits; `None` when there are fewer. A vector ends where a minute lacks sessions.
pub(super) fn mean_volumes<'a>(
    sessions: impl Iterator<Item = (&'a SessionSummary, f64)>,
    wanted: usize,
    rth_minutes: u16,
) -> Option<VolumeBaseline> {
    let mut pre = Sums::new(MINUTES_PER_DAY);
    let mut rth = Sums::new(usize::from(rth_minutes));
    let mut count = 0;
    for (session, factor) in sessions {
        pre.add(&session.pre, factor, wanted);
        rth.add(&session.rth, factor, wanted);
        count += 1;
    }
    if count < wanted {
        return None;
    }
    let (pre_cumulative, pre_bar) = pre.means(wanted);
    let (rth_cumulative, rth_bar) = rth.means(wanted);
    Some(VolumeBaseline { pre_cumulative, pre_bar, rth_cumulative, rth_bar })
}
