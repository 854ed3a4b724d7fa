//! What happens in one cycle, drawn from the seed and the number of the cycle.

use std::{fmt, time::Duration};

use crate::rig::dice::Dice;

/// How the system ends in a cycle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// SIGKILL so long after its start, most likely before it is ready.
    AfterStart(Duration),
    /// SIGKILL so long after it was ready.
    AfterReady(Duration),
    /// SIGKILL when so many bytes have passed between system and broker, counted from its start.
    AtByte {
        /// How many.
        bytes: u64,
        /// What follows them never arrives.
        cut: bool,
    },
    /// SIGTERM so long after it was ready (F50).
    Stop(Duration),
}

/// What happens to the broker's process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Broker {
    /// It goes on.
    Stays,
    /// SIGKILL right after the system; it is back when the system starts again.
    DiesWithIt,
    /// SIGKILL while the system trades; it is back a moment later.
    DiesAlone,
    /// SIGKILL right after the system; it is back only after the system has started again.
    ComesBackLate,
}

/// One cycle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Cycle {
    /// Its number, from 0.
    pub(super) number: u64,
    /// How the system ends.
    pub(super) end: End,
    /// What happens to the broker.
    pub(super) broker: Broker,
}

/// A request of an entry and what the broker answers to it are about a thousand bytes.
const MOST_BYTES: u64 = 80_000;

impl Cycle {
    /// Draws a cycle: half of them end at a byte.
    pub(super) fn draw(seed: u64, number: u64) -> Self {
        let mut dice = Dice::of(seed, number);
        let ms = |dice: &mut Dice, low, high| Duration::from_millis(dice.between(low, high));
        let end = match dice.between(0, 100) {
            0..50 => {
                // Short and long ways alike: the first bytes are those of connecting and comparing.
                let most = [2_000, 10_000, MOST_BYTES][dice.between(0, 3) as usize];
                End::AtByte { bytes: dice.between(1, most), cut: dice.percent(50) }
            }
            50..60 => End::AfterStart(ms(&mut dice, 0, 400)),
            60..92 => End::AfterReady(ms(&mut dice, 50, 1_200)),
            _ => End::Stop(ms(&mut dice, 50, 1_200)),
        };
        let broker = match dice.between(0, 100) {
            0..80 => Broker::Stays,
            80..88 => Broker::DiesWithIt,
            88..94 => Broker::ComesBackLate,
            _ => Broker::DiesAlone,
        };
        Self { number, end, broker }
    }
}

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cycle {}: ", self.number)?;
        match self.end {
            End::AfterStart(after) => write!(f, "SIGKILL {after:?} after the start"),
            End::AfterReady(after) => write!(f, "SIGKILL {after:?} after it was ready"),
            End::AtByte { bytes, cut } => {
                let rest = if cut { "the rest is lost" } else { "the rest arrives" };
                write!(f, "SIGKILL at byte {bytes} of the broker's traffic, {rest}")
            }
            End::Stop(after) => write!(f, "SIGTERM {after:?} after it was ready"),
        }?;
        f.write_str(match self.broker {
            Broker::Stays => "",
            Broker::DiesWithIt => "; the broker is killed as well",
            Broker::DiesAlone => "; the broker is killed before",
            Broker::ComesBackLate => "; the broker is killed as well and comes back late",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cycles of a seed are always the same, and every kind of end is among them.
    #[test]
    fn cycles_follow_from_the_seed() {
        let cycles: Vec<_> = (0..400).map(|number| Cycle::draw(7, number)).collect();
        assert_eq!(cycles[13], Cycle::draw(7, 13));
        let count = |is: fn(&End) -> bool| cycles.iter().filter(|cycle| is(&cycle.end)).count();
        assert!((150..250).contains(&count(|end| matches!(end, End::AtByte { .. }))));
        assert!(count(|end| matches!(end, End::AfterStart(_))) > 10);
        assert!(count(|end| matches!(end, End::AfterReady(_))) > 50);
        assert!(count(|end| matches!(end, End::Stop(_))) > 10);
        assert!(cycles.iter().any(|cycle| cycle.broker == Broker::DiesAlone));
    }
}
