//! Token buckets for requests (S7): each token its own, wrong tokens and open routes by address.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Requests a second of one token.
const PER_SECOND: f64 = 20.0;
/// Requests at once: a page that loads asks for several things.
const BURST: f64 = 40.0;
/// Wrong tokens a second from one address.
const FAILED_PER_SECOND: f64 = 1.0;
const FAILED_BURST: f64 = 10.0;
/// Requests a second to open routes from one address: probes and scrapers.
const OPEN_PER_SECOND: f64 = 50.0;
/// Most buckets of a kind; beyond it those that are full again are forgotten (I15).
const MOST: usize = 4_096;

#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

#[derive(Debug)]
struct Buckets<K> {
    per_second: f64,
    burst: f64,
    by_key: Mutex<HashMap<K, Bucket>>,
}

impl<K: Eq + Hash> Buckets<K> {
    fn new(per_second: f64, burst: f64) -> Self {
        Self { per_second, burst, by_key: Mutex::default() }
    }

    fn take(&self, key: K, now: Instant) -> bool {
        let mut by_key = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        if by_key.len() >= MOST && !by_key.contains_key(&key) {
            let full = Duration::from_secs_f64(self.burst / self.per_second);
            by_key.retain(|_, bucket| now.duration_since(bucket.at) < full);
            if by_key.len() >= MOST {
                return false;
            }
        }
        let bucket = by_key.entry(key).or_insert(Bucket { left: self.burst, at: now });
        let passed = now.duration_since(bucket.at).as_secs_f64();
        bucket.left = (bucket.left + passed * self.per_second).min(self.burst);
        bucket.at = now;
        let taken = bucket.left >= 1.0;
        bucket.left -= f64::from(u8::from(taken));
        taken
    }
}

/// The rates of all callers.
#[derive(Debug)]
pub(crate) struct Rates {
    tokens: Buckets<String>,
    failed: Buckets<IpAddr>,
    open: Buckets<IpAddr>,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            tokens: Buckets::new(PER_SECOND, BURST),
            failed: Buckets::new(FAILED_PER_SECOND, FAILED_BURST),
            open: Buckets::new(OPEN_PER_SECOND, 2.0 * OPEN_PER_SECOND),
        }
    }
}

impl Rates {
    /// Counts a request of a token; false when it has used its rate up.
    pub(crate) fn take(&self, token: &str) -> bool {
        self.tokens.take(token.to_owned(), Instant::now())
    }

    /// Counts a wrong token.
    pub(crate) fn take_failed(&self, from: IpAddr) -> bool {
        self.failed.take(from, Instant::now())
    }

    /// Counts a request to an open route.
    pub(crate) fn take_open(&self, from: IpAddr) -> bool {
        self.open.take(from, Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S7: a burst, then the rate, each key by itself.
    #[test]
    fn buckets_fill_with_time() {
        let buckets = Buckets::new(20.0, 40.0);
        let begin = Instant::now();
        let taken = |key: &str, at_ms: u64| {
            let now = begin + Duration::from_millis(at_ms);
            (0..100).filter(|_| buckets.take(key.to_owned(), now)).count()
        };
        assert_eq!(taken("a", 0), 40);
        assert_eq!(taken("a", 500), 10);
        assert_eq!(taken("b", 500), 40);
        assert_eq!(taken("a", 60_000), 40, "never more than the burst");
    }

    /// I15: a flood of keys takes bounded memory.
    #[test]
    fn keys_are_bounded() {
        let buckets = Buckets::new(20.0, 40.0);
        let now = Instant::now();
        (0..10_000).for_each(|key| {
            buckets.take(key, now);
        });
        assert_eq!(buckets.by_key.lock().unwrap().len(), MOST);
        assert!(buckets.take(99_999, now + Duration::from_secs(3)), "full ones are forgotten");
    }
}
