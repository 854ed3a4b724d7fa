//! Connecting again and again, and noticing that a connection is dead (F14, F15).

use std::future::Future;
use std::time::Duration;

/// A stream that says nothing for this long is down (F15).
pub const SILENCE: Duration = Duration::from_secs(10);

/// The pauses between attempts to connect: each up to twice as long as the one before, half of it
/// drawn, so that many clients do not come back in step.
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
    random: u64,
}

impl Backoff {
    /// Begins with pauses of about `first` that grow to about `longest`; equal seeds give equal
    /// pauses.
    pub fn new(first: Duration, longest: Duration, seed: u64) -> Self {
        Self { first, longest, next: first, random: seed }
    }

    /// Returns the next pause: between half of the present length and all of it.
    pub fn pause(&mut self) -> Duration {
        let length = self.next;
        self.next = (length * 2).min(self.longest);
        // 53 random bits, so the part is exact and below 1.
        let part = (self.draw() >> 11) as f64 / (1_u64 << 53) as f64;
        length.mul_f64(0.5 + part / 2.0)
    }

    /// The connection stood: the next pause is a short one.
    pub fn reset(&mut self) {
        self.next = self.first;
    }

    /// The next number of splitmix64.
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// The other end said nothing for too long: the connection may be half open.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("silent for {} ms", .0.as_millis())]
pub struct Silent(pub Duration);

/// Waits for the next thing from a stream, but no longer than `limit`.
///
/// # Errors
/// Nothing came.
pub async fn within<T>(limit: Duration, next: impl Future<Output = T>) -> Result<T, Silent> {
    tokio::time::timeout(limit, next).await.map_err(|_| Silent(limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F15: pauses grow, stay under their longest, differ between seeds and are equal for equal
    /// ones; after a connection they begin anew.
    #[test]
    fn pauses_grow_and_are_drawn() {
        let ms = Duration::from_millis;
        let pauses = |seed| -> Vec<Duration> {
            let mut backoff = Backoff::new(ms(100), ms(1_000), seed);
            (0..6).map(|_| backoff.pause()).collect()
        };
        for (pause, length) in pauses(7).iter().zip([100, 200, 400, 800, 1_000, 1_000]) {
            assert!(*pause >= ms(length / 2) && *pause <= ms(length), "{pause:?} of {length} ms");
        }
        assert_eq!(pauses(7), pauses(7));
        assert_ne!(pauses(7), pauses(8));
        let mut backoff = Backoff::new(ms(100), ms(1_000), 1);
        let grown = (0..5).map(|_| backoff.pause()).last();
        assert!(grown > Some(ms(100)));
        backoff.reset();
        assert!(backoff.pause() <= ms(100));
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_noticed() {
        let silent = within(SILENCE, std::future::pending::<()>()).await;
        assert_eq!(silent, Err(Silent(SILENCE)));
        assert_eq!(within(SILENCE, async { 1 }).await, Ok(1));
    }
}
