//! Seeded random numbers for resampling (TP20): splitmix64, published in the public domain.
//!
//! Invariant: the stream depends on the seed alone, on every machine.

/// A stream of pseudo-random numbers.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// Starts the stream of `seed`; `stream` tells apart streams of one seed.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let start = Self(seed).bits();
        Self(start ^ Self(stream.wrapping_add(1)).bits())
    }

    /// Returns the next 64 random bits.
    #[inline]
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns a whole number in [0, n); 0 when `n` is 0. The bias is below n / 2^64.
    #[inline]
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The generator is the published one, and every number of a small range is drawn.
    #[test]
    fn matches_the_published_algorithm() {
        let mut random = Random(0);
        assert_eq!(random.bits(), 0xe220_a839_7b1d_cdaf);
        assert_eq!(random.bits(), 0x6e78_9e6a_a1b9_65f4);
        let mut counts = [0; 7];
        let mut random = Random::new(1, 2);
        for _ in 0..7000 {
            counts[random.below(7)] += 1;
        }
        assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
        assert_eq!(random.below(0), 0);
    }
}
