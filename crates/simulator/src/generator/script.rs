//! The script of a day: where the price is led, how wild and how busy it is.
//!
//! A script is a rough course; the noise around it is drawn minute by minute in
//! [`day`](super::day). Minutes count from the open: 04:00 is -330 on a usual day.

use super::character::{Character, Class};
use super::profile::Profile;
use crate::random::Random;

/// What the regular course is measured in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reference {
    /// The premarket high.
    PreHigh,
    /// The last price before the open.
    LastPrice,
}

/// A course through points (minute, ratio), straight between them.
#[derive(Clone, Debug, Default)]
pub(super) struct Course(Vec<(f64, f64)>);

impl Course {
    fn new(points: &[(f64, f64)]) -> Self {
        Self(points.to_vec())
    }

    /// Returns the ratio at a minute; before the first point and after the last their own.
    pub(super) fn at(&self, minute: f64) -> f64 {
        let after = self.0.partition_point(|point| point.0 <= minute);
        match (after.checked_sub(1).and_then(|at| self.0.get(at)), self.0.get(after)) {
            (Some(from), Some(to)) => {
                from.1 + (to.1 - from.1) * ((minute - from.0) / (to.0 - from.0))
            }
            (Some(only), None) | (None, Some(only)) => only.1,
            (None, None) => 1.0,
        }
    }
}

/// The script of one day of one stock.
#[derive(Clone, Debug)]
pub(super) struct Script {
    /// Course of the premarket as a ratio of the previous close.
    pub(super) pre: Course,
    /// Course from the open on as a ratio of `reference`.
    pub(super) rth: Course,
    pub(super) reference: Reference,
    /// How strongly the price is led: the part of the distance that one minute makes up.
    pub(super) pull: f64,
    /// Volatility relative to a usual day of the stock.
    pub(super) sigma: f64,
    /// Volume relative to a usual day.
    pub(super) volume: f64,
    /// Share of the day's volume in the premarket.
    pub(super) pre_share: f64,
    /// Minute from which on the premarket is busy because of news.
    pub(super) news_at: Option<f64>,
    /// Minute in which the price takes back its VWAP on volume.
    pub(super) reclaim_at: Option<i64>,
}

impl Script {
    /// Writes the script of a day that begins `away` from the stock's base price (0.1 is 10 %
    /// above it).
    pub(super) fn write(
        profile: Profile,
        character: &Character,
        away: f64,
        random: &mut Random,
    ) -> Self {
        match profile {
            Profile::GapAndGo => gap_and_go(character, away, random),
            Profile::GapFade => gap_fade(character, away, random),
            Profile::GapHalt => gap_halt(character, away, random),
            Profile::GapDown => gap_down(character, away, random),
            Profile::VwapReclaim => vwap_reclaim(character, away, random),
            Profile::Trend => trend(character, away, random),
            Profile::Choppy => choppy(character, away, random),
            Profile::Thin | Profile::Quiet => quiet(character, away, random),
        }
    }
}

/// A day on which nothing happens; the overnight gap leads back to the base price.
fn quiet(character: &Character, away: f64, random: &mut Random) -> Script {
    let widest = if character.class == Class::Liquid { 0.012 } else { 0.02 };
    let gap = random.normal() * 0.3 * character.daily_sigma - 0.2 * away;
    let gap = gap.clamp(-widest, widest);
    let back = (-0.2 * away).clamp(-0.06, 0.06);
    Script {
        pre: Course::new(&[(-330.0, 1.0 + 0.3 * gap), (-60.0, 1.0 + 0.8 * gap), (0.0, 1.0 + gap)]),
        rth: Course::new(&[(0.0, 1.0), (390.0, 1.0 + back)]),
        reference: Reference::LastPrice,
        pull: 0.004,
        sigma: random.between(0.65, 0.95),
        volume: random.between(0.75, 1.3),
        pre_share: character.pre_share * random.between(0.7, 1.4),
        news_at: None,
        reclaim_at: None,
    }
}

fn trend(character: &Character, away: f64, random: &mut Random) -> Script {
    // Away from the base price the run leads back to it.
    let up = if away.abs() > 0.15 { away < 0.0 } else { random.chance(0.5) };
    let run = character.daily_sigma * random.between(1.2, 2.2) * if up { 1.0 } else { -1.0 };
    Script {
        rth: Course::new(&[
            (0.0, 1.0),
            (60.0, 1.0 + 0.45 * run),
            (240.0, 1.0 + 0.7 * run),
            (390.0, 1.0 + run),
        ]),
        pull: 0.03,
        sigma: random.between(0.55, 0.8),
        volume: random.between(1.1, 1.8),
        ..quiet(character, away, random)
    }
}

fn choppy(character: &Character, away: f64, random: &mut Random) -> Script {
    Script {
        rth: Course::default(),
        pull: random.between(0.02, 0.045),
        sigma: random.between(0.8, 1.1),
        ..quiet(character, away, random)
    }
}

/// Gap of 2 to 4 %, a weak morning, VWAP taken back after 45 to 90 minutes, then higher.
fn vwap_reclaim(character: &Character, away: f64, random: &mut Random) -> Script {
    let up = random.chance((0.6 - 4.0 * away).clamp(0.1, 1.0));
    let gap = random.between(0.024, 0.04) * if up { 1.0 } else { -1.0 };
    let reclaim = 45 + i64::try_from(random.below(45)).unwrap_or(0);
    let fall = random.between(0.008, 0.014);
    let rise = random.between(0.010, 0.020);
    let at = reclaim as f64;
    Script {
        pre: news_gap(-130.0, gap, 1.0, 0.0),
        rth: Course::new(&[
            (0.0, 1.0),
            (12.0, 1.0 - 0.35 * fall),
            (30.0, 1.0 - fall),
            (at - 8.0, 1.0 - 0.95 * fall),
            (at, 1.0 - 0.7 * fall),
            (at + 60.0, 1.0 - 0.7 * fall + 0.7 * rise),
            (at + 150.0, 1.0 - 0.7 * fall + rise),
        ]),
        pull: 0.08,
        sigma: random.between(0.7, 0.95),
        volume: random.between(1.5, 2.2),
        pre_share: character.pre_share * 1.5,
        news_at: Some(-130.0),
        reclaim_at: Some(reclaim),
        ..quiet(character, 0.0, random)
    }
}

fn gap_down(character: &Character, away: f64, random: &mut Random) -> Script {
    let gap = -random.between(0.05, 0.11);
    // A price far below its base recovers, so that many such days do not add up.
    let bounce = random.between(-0.02, 0.02) - (0.4 * away).clamp(-0.09, 0.0);
    Script {
        pre: news_gap(-150.0, gap, 1.0, 0.0),
        rth: Course::new(&[
            (0.0, 1.0),
            (25.0, 0.985),
            (120.0, 0.98 + 0.4 * bounce),
            (390.0, 0.98 + bounce),
        ]),
        pull: 0.03,
        sigma: random.between(1.1, 1.5),
        volume: random.between(2.5, 4.0),
        pre_share: character.pre_share * 2.0,
        news_at: Some(-150.0),
        ..quiet(character, 0.0, random)
    }
}

/// What the days of a small stock with news have in common: a gap of 7 to 18 %.
fn small_gap(character: &Character, random: &mut Random, rth: Course) -> Script {
    let news = -random.between(75.0, 140.0);
    let gap = random.between(0.07, 0.18);
    Script {
        pre: news_gap(news, gap, 1.08, random.between(0.10, 0.25)),
        rth,
        reference: Reference::PreHigh,
        pull: 0.12,
        sigma: random.between(1.7, 2.3),
        volume: random.between(9.0, 18.0),
        pre_share: random.between(0.10, 0.16),
        news_at: Some(news),
        ..quiet(character, 0.0, random)
    }
}

/// Opens a little below the premarket high and breaks it after 4 to 14 minutes.
fn gap_and_go(character: &Character, away: f64, random: &mut Random) -> Script {
    let at = random.between(4.0, 14.0);
    let run = random.between(0.06, 0.14);
    let rth = Course::new(&[
        (0.0, 0.978),
        (1.0, 0.986),
        (at - 1.0, 0.993),
        (at, 1.004),
        (at + 5.0, 1.02),
        (at + 30.0, 1.0 + run),
        (at + 60.0, 1.0 + 0.75 * run),
        (200.0, 1.0 + 0.6 * run),
        (390.0, 1.0 + 0.5 * run - (0.6 * away).clamp(0.0, 0.3)),
    ]);
    Script { pull: 0.13, sigma: random.between(1.5, 1.9), ..small_gap(character, random, rth) }
}

/// Looks the same at the scan; half of the time it breaks the high by a little. Then it falls.
fn gap_fade(character: &Character, away: f64, random: &mut Random) -> Script {
    let top = if random.chance(0.5) { 1.004 } else { 0.985 };
    // A price far above its base falls further, so that many days of news do not add up.
    let fall = random.between(0.09, 0.16) + (0.5 * away).clamp(0.0, 0.2);
    let rth = Course::new(&[
        (0.0, 0.975),
        (6.0, top),
        (15.0, 0.965),
        (60.0, 1.0 - 0.6 * fall),
        (390.0, 1.0 - fall),
    ]);
    small_gap(character, random, rth)
}

/// Two runs too fast for the price bands: one up, one down.
fn gap_halt(character: &Character, away: f64, random: &mut Random) -> Script {
    let up = random.between(8.0, 16.0);
    let down = up + random.between(22.0, 30.0);
    let rth = Course::new(&[
        (0.0, 0.975),
        (up, 0.985),
        (up + 3.0, 1.15),
        (up + 14.0, 1.20),
        (down, 1.20),
        (down + 3.0, 1.02),
        (down + 40.0, 1.0),
        (390.0, 0.97 - (0.5 * away).clamp(0.0, 0.2)),
    ]);
    Script { pull: 0.5, ..small_gap(character, random, rth) }
}

/// The premarket of a day with news: the price jumps from the usual to `top` times the gap within
/// half an hour, gives back `pullback` of it and ends at the gap.
fn news_gap(news: f64, gap: f64, top: f64, pullback: f64) -> Course {
    Course::new(&[
        (-330.0, 1.0),
        (news, 1.0),
        (news + 4.0, 1.0 + 0.65 * gap),
        (news + 25.0, 1.0 + top * gap),
        (news + 45.0, 1.0 + top * gap * (1.0 - pullback)),
        (0.0, 1.0 + gap),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn courses_are_straight_between_points() {
        let course = Course::new(&[(0.0, 1.0), (10.0, 2.0)]);
        let ratios = [-5.0, 0.0, 5.0, 10.0, 99.0].map(|minute| course.at(minute));
        assert_eq!(ratios, [1.0, 1.0, 1.5, 2.0, 2.0]);
        assert_eq!(Course::default().at(3.0), 1.0);
    }
}
