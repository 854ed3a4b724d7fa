//! What kind of day a symbol has, and which symbol gets which.
//!
//! Invariant: a day of at least [`Profile::PROMISED`] symbols has each promised profile at least
//! once, whatever the seed.

use super::character::Class;
use crate::random::Random;

/// The kind of day a generated symbol has.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Profile {
    /// Gaps up on news with heavy premarket volume, holds near the premarket high and breaks it
    /// after the open.
    GapAndGo,
    /// Falls below its VWAP in the morning, then takes it back on volume and holds.
    VwapReclaim,
    /// Gaps up like a candidate, then falls all day.
    GapFade,
    /// Gaps up and moves so fast that trading is paused (C21).
    GapHalt,
    /// Gaps down on news.
    GapDown,
    /// Runs one way from the open to the close.
    Trend,
    /// Crosses its VWAP again and again.
    Choppy,
    /// Trades little: many minutes have no bar (TB4).
    Thin,
    /// Nothing happens. The days of history are of this kind.
    Quiet,
}

impl Profile {
    /// The profiles that every day with enough symbols has, the most wanted first.
    const PRIORITY: [Self; 8] = [
        Self::GapAndGo,
        Self::VwapReclaim,
        Self::GapFade,
        Self::GapHalt,
        Self::Trend,
        Self::Choppy,
        Self::GapDown,
        Self::Thin,
    ];

    /// How many symbols a day needs to show every promised profile.
    pub const PROMISED: usize = Self::PRIORITY.len();

    /// Returns the name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::GapAndGo => "gap_and_go",
            Self::VwapReclaim => "vwap_reclaim",
            Self::GapFade => "gap_fade",
            Self::GapHalt => "gap_halt",
            Self::GapDown => "gap_down",
            Self::Trend => "trend",
            Self::Choppy => "choppy",
            Self::Thin => "thin",
            Self::Quiet => "quiet",
        }
    }

    /// Returns the class of stock that has such days.
    const fn class(self) -> Class {
        match self {
            Self::GapAndGo | Self::GapFade | Self::GapHalt => Class::Small,
            Self::Thin => Class::Thin,
            Self::VwapReclaim | Self::GapDown | Self::Trend | Self::Choppy | Self::Quiet => {
                Class::Liquid
            }
        }
    }
}

/// Deals out the classes of `symbols` stocks: those that the promised profiles need, then more in
/// the same proportion, in an order that depends on the seed.
pub(super) fn deal_classes(seed: u64, symbols: usize) -> Vec<Class> {
    let promised = Profile::PRIORITY.into_iter().cycle().map(Profile::class);
    let mut classes: Vec<Class> = promised.take(symbols).collect();
    shuffle(&mut classes, &mut Random::new(seed, 1));
    classes
}

/// Deals out the profiles of day `day`: within each class its promised profiles in turn, then
/// quiet days. From day to day the turn moves on, so that no stock has news twice in a row while
/// there are others.
pub(super) fn deal_profiles(seed: u64, classes: &[Class], day: usize) -> Vec<Profile> {
    let mut random = Random::new(seed, 2 + ((day as u64) << 8));
    let mut profiles = vec![Profile::Quiet; classes.len()];
    for class in [Class::Small, Class::Liquid, Class::Thin] {
        let of_class = |index: &usize| classes[*index] == class;
        let mut members: Vec<usize> = (0..classes.len()).filter(of_class).collect();
        if members.is_empty() {
            continue;
        }
        let turn = day % members.len();
        members.rotate_left(turn);
        let promised: Vec<Profile> =
            Profile::PRIORITY.into_iter().filter(|profile| profile.class() == class).collect();
        for (at, &index) in members.iter().enumerate() {
            profiles[index] = match promised.get(at) {
                Some(&profile) => profile,
                None => beyond_the_promise(class, &mut random),
            };
        }
    }
    profiles
}

/// The day of a stock beyond the promised ones.
fn beyond_the_promise(class: Class, random: &mut Random) -> Profile {
    match class {
        Class::Thin => Profile::Thin,
        Class::Small if random.chance(0.2) => Profile::GapFade,
        Class::Small => Profile::Quiet,
        Class::Liquid => match random.below(10) {
            0..2 => Profile::Trend,
            2..4 => Profile::Choppy,
            4..6 => Profile::VwapReclaim,
            _ => Profile::Quiet,
        },
    }
}

fn shuffle<T>(items: &mut [T], random: &mut Random) {
    for at in (1..items.len()).rev() {
        let other = usize::try_from(random.below(at as u64 + 1)).unwrap_or(at);
        items.swap(at, other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_keeps_the_promise() {
        for seed in 0..50 {
            for symbols in [8, 12, 31] {
                let classes = deal_classes(seed, symbols);
                for day in 0..5 {
                    let profiles = deal_profiles(seed, &classes, day);
                    for profile in Profile::PRIORITY {
                        assert!(profiles.contains(&profile), "{profile:?} seed {seed} day {day}");
                    }
                }
            }
        }
        assert_eq!(deal_classes(1, 1), [Class::Small], "one symbol gaps and goes");
        assert_eq!(deal_profiles(1, &[Class::Small], 0), [Profile::GapAndGo]);
    }
}
