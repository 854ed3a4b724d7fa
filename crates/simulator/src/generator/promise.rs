//! Whether a drawn day shows what its profile promises. A day that does not is drawn again.
//!
//! The checks read bars alone, with the definitions of trading.md, so that a strategy's test on a
//! generated day fails for the strategy's reasons and not for the generator's.

use model::exchange::Session;
use model::{Bar, MINUTE_NS};

use super::day::Day;
use super::profile::Profile;

/// Returns true when the day is what its profile says.
pub(super) fn kept(profile: Profile, day: &Day, session: &Session, prev_close: f64) -> bool {
    let Some(facts) = Facts::of(day, session, prev_close) else { return false };
    let calm = day.halts.is_empty();
    match profile {
        Profile::GapAndGo => calm && gap_and_go(&facts),
        Profile::VwapReclaim => calm && vwap_reclaim(&facts),
        Profile::GapFade => calm && facts.gap_scan() >= 0.05 && gap_fade(&facts),
        Profile::GapHalt => {
            day.halts.len() >= 2
                && facts.gap_open() >= 0.04
                && facts.rth.len() > 300.min(facts.length / 2)
        }
        Profile::GapDown => calm && facts.gap_open() <= -0.04,
        Profile::Trend => calm && facts.crossings() <= 12 && facts.close_from_open().abs() >= 0.006,
        Profile::Choppy => calm && facts.crossings() >= 18,
        Profile::Thin => calm && facts.rth.len() < facts.length * 9 / 10,
        Profile::Quiet => calm && facts.gap_open().abs() < 0.035,
    }
}

/// The day cut into its parts.
struct Facts<'a> {
    pre: &'a [Bar],
    rth: &'a [Bar],
    /// Minutes of the regular session.
    length: usize,
    open: model::Timestamp,
    prev_close: f64,
    /// Session VWAP after each regular bar (TI9).
    vwap: Vec<f64>,
}

impl<'a> Facts<'a> {
    fn of(day: &'a Day, session: &Session, prev_close: f64) -> Option<Self> {
        let before = day.bars.partition_point(|bar| bar.start < session.open);
        let until = day.bars.partition_point(|bar| bar.start < session.close);
        let (pre, rth) = (&day.bars[..before], &day.bars[before..until]);
        if rth.is_empty() {
            return None;
        }
        let (mut value, mut volume) = (0.0, 0.0);
        let vwap = rth.iter().map(|bar| {
            value += bar.typical() * bar.volume.0 as f64;
            volume += bar.volume.0 as f64;
            value / volume
        });
        let vwap = vwap.collect();
        let length = usize::try_from(session.minutes()).unwrap_or(0);
        Some(Self { pre, rth, length, open: session.open, prev_close, vwap })
    }

    /// TI15: the last premarket price before 09:29 against the previous close.
    fn gap_scan(&self) -> f64 {
        let scan = self.open.plus_nanos(-MINUTE_NS);
        let last = self.pre.iter().rev().find(|bar| bar.start < scan);
        last.map_or(0.0, |bar| bar.close.to_f64() / self.prev_close - 1.0)
    }

    fn gap_open(&self) -> f64 {
        self.rth[0].open.to_f64() / self.prev_close - 1.0
    }

    fn close_from_open(&self) -> f64 {
        self.rth[self.rth.len() - 1].close.to_f64() / self.rth[0].open.to_f64() - 1.0
    }

    fn pre_high(&self) -> f64 {
        self.pre.iter().map(|bar| bar.high.to_f64()).fold(0.0, f64::max)
    }

    fn pre_low(&self) -> f64 {
        self.pre.iter().map(|bar| bar.low.to_f64()).fold(f64::MAX, f64::min)
    }

    /// How often the close changes side of the VWAP.
    fn crossings(&self) -> usize {
        let above = |at: usize| self.rth[at].close.to_f64() >= self.vwap[at];
        (1..self.rth.len()).filter(|&at| above(at) != above(at - 1)).count()
    }
}

/// TG2-TG11, TG16-TG18 and TG21 hold, and the high is broken inside the first hour at a price that
/// a stop-limit order gets (TG19).
fn gap_and_go(facts: &Facts) -> bool {
    let (high, low) = (facts.pre_high(), facts.pre_low());
    let Some(last) = facts.pre.last().map(|bar| bar.close.to_f64()) else { return false };
    let first = &facts.rth[0];
    let price_fits = (2.2..19.0).contains(&last);
    let gaps = (0.05..=0.25).contains(&facts.gap_scan()) && facts.gap_open() >= 0.045;
    let holds = (high - last) / (high - low) <= 0.4;
    let green = first.close >= first.open && first.high.to_f64() < high;
    if !(price_fits && gaps && holds && green) {
        return false;
    }
    let mut lowest = first.low.to_f64();
    for at in 1..facts.rth.len().min(60) {
        let (bar, before) = (&facts.rth[at], &facts.rth[at - 1]);
        let trigger = high + 0.01;
        if bar.high.to_f64() < trigger {
            lowest = lowest.min(bar.low.to_f64());
            continue;
        }
        let fills = bar.open.to_f64() < trigger && before.close.to_f64() < trigger;
        let above_vwap = before.close.to_f64() > facts.vwap[at - 1];
        let stop_fits = lowest >= trigger * 0.955;
        let runs = facts.rth[at..].iter().any(|bar| bar.high.to_f64() >= high * 1.04);
        return fills && above_vwap && stop_fits && runs;
    }
    false
}

/// It never gets far above the premarket high and ends well below the open.
fn gap_fade(facts: &Facts) -> bool {
    let high = facts.pre_high();
    let top = facts.rth.iter().map(|bar| bar.high.to_f64()).fold(0.0, f64::max);
    top < high * 1.02 && facts.close_from_open() < -0.03
}

/// TV2-TV4 and TV7-TV11 hold once between 15 minutes after the open and an hour before the close.
fn vwap_reclaim(facts: &Facts) -> bool {
    let in_play = facts.gap_open().abs() >= 0.02;
    in_play && (15..facts.rth.len().saturating_sub(61)).any(|at| reclaims(facts, at))
}

fn reclaims(facts: &Facts, at: usize) -> bool {
    let (rth, vwap) = (facts.rth, &facts.vwap);
    let bar = &rth[at];
    let close = bar.close.to_f64();
    let below = (1..=at).take_while(|&back| rth[at - back].close.to_f64() < vwap[at - back]);
    let phase = below.count();
    if close <= vwap[at] || phase < 5 {
        return false;
    }
    let lowest = rth[at - phase..=at].iter().map(|bar| bar.low.to_f64()).fold(f64::MAX, f64::min);
    let depth = (vwap[at] - lowest) / vwap[at];
    let recent = &rth[at.saturating_sub(20)..at];
    let mean = recent.iter().map(|bar| bar.volume.0 as f64).sum::<f64>() / recent.len() as f64;
    let upper_half = close >= (bar.high.to_f64() + bar.low.to_f64()) / 2.0;
    (0.002..=0.03).contains(&depth)
        && bar.volume.0 as f64 >= 1.5 * mean
        && upper_half
        && rth[at + 1].close.to_f64() >= vwap[at + 1]
}
