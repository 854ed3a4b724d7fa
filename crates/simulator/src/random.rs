//! The crate's own seeded random numbers: xoshiro256** seeded through splitmix64 (both published
//! in the public domain by Blackman and Vigna).
//!
//! Invariant: the stream depends on the seed alone, on every machine. Only integer operations and
//! the exact float operations `+ - *` are used, never a function of the C mathematics library.

/// Returns a well-mixed 64-bit value of `x`: the output function of splitmix64.
pub(crate) const fn mix(x: u64) -> u64 {
    let mut z = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A stream of pseudo-random numbers.
#[derive(Clone, Debug)]
pub(crate) struct Random {
    state: [u64; 4],
}

impl Random {
    /// Starts the stream of `seed`; `stream` tells apart streams of one seed.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut x = seed ^ mix(stream);
        let mut state = [0; 4];
        for word in &mut state {
            *word = mix(x);
            x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
        }
        Self { state }
    }

    /// Returns the next 64 random bits.
    pub(crate) fn bits(&mut self) -> u64 {
        let result = self.state[1].wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let shifted = self.state[1] << 17;
        self.state[2] ^= self.state[0];
        self.state[3] ^= self.state[1];
        self.state[1] ^= self.state[2];
        self.state[0] ^= self.state[3];
        self.state[2] ^= shifted;
        self.state[3] = self.state[3].rotate_left(45);
        result
    }

    /// Returns a number in [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        // 53 bits: every value is exact, the product too.
        (self.bits() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// Returns a number in [low, high).
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Returns true with probability `p`.
    pub(crate) fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// Returns a whole number in [0, n); 0 when `n` is 0. The bias of the product is below 2^-32
    /// for the small `n` used here.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(n)) >> 64) as u64
    }

    /// Returns a number of mean 0 and variance 1 that is nearly normal: the sum of twelve uniform
    /// numbers less six. It lies within +-6 and needs no logarithm.
    pub(crate) fn normal(&mut self) -> f64 {
        let mut sum = -6.0;
        for _ in 0..12 {
            sum += self.unit();
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The generator is the published one: first outputs of splitmix64 for the seed 0, and of
    /// xoshiro256** for the state 1, 2, 3, 4.
    #[test]
    fn matches_the_published_algorithms() {
        assert_eq!(mix(0), 0xe220_a839_7b1d_cdaf);
        assert_eq!(mix(0x9e37_79b9_7f4a_7c15), 0x6e78_9e6a_a1b9_65f4);
        let mut random = Random { state: [1, 2, 3, 4] };
        let first: Vec<u64> = (0..4).map(|_| random.bits()).collect();
        assert_eq!(first, [11520, 0, 1_509_978_240, 1_215_971_899_390_074_240]);
    }

    #[test]
    fn moments_are_right() {
        let mut random = Random::new(7, 0);
        let (mut sum, mut square, n) = (0.0, 0.0, 20_000);
        for _ in 0..n {
            let z = random.normal();
            sum += z;
            square += z * z;
        }
        let (mean, variance) = (sum / f64::from(n), square / f64::from(n));
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
        assert!((0..1000).all(|_| random.below(7) < 7));
        assert_ne!(Random::new(7, 0).bits(), Random::new(7, 1).bits());
    }
}
