//! Random numbers that are the same for the same seed, on every machine.

/// A source of random numbers (splitmix64).
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Returns a source of its own for one part, so that parts can be repeated alone.
    pub(crate) fn of(seed: u64, part: u64) -> Self {
        let mut dice = Self(seed);
        Self(dice.next() ^ part.wrapping_mul(0xd6e8_feb8_6659_fd93))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns a number from `low` up to, not including, `high`.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low).max(1)
    }

    /// Returns true in so many of a hundred cases.
    pub(crate) fn percent(&mut self, percent: u64) -> bool {
        self.between(0, 100) < percent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_from_the_seed() {
        let draw = |seed| {
            let mut dice = Dice::of(seed, 0);
            [dice.next(), dice.between(3, 9), u64::from(dice.percent(50))]
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1)[0], draw(2)[0]);
        // The published first number of splitmix64 for seed 0.
        assert_eq!(Dice(0).next(), 0xe220_a839_7b1d_cdaf);
        assert!((0..1_000).all(|part| (3..9).contains(&Dice::of(7, part).between(3, 9))));
    }
}
