//! Where the expected values are, and short ways to write values.

use std::path::PathBuf;
use std::str::FromStr;

use model::{Date, Quantity, Timestamp};

/// Reads a file of the oracles; a missing one fails the test.
#[expect(clippy::disallowed_methods, reason = "expected values lie in files")]
pub(crate) fn oracle(name: &str) -> String {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/oracles");
    let folder = std::env::var_os("ORACLES_DIR").map_or_else(|| default.into(), PathBuf::from);
    let path = folder.join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the rows of a CSV oracle, each with the columns named.
pub(crate) fn rows<const N: usize>(name: &str, columns: [&str; N]) -> Vec<[String; N]> {
    let text = oracle(name);
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let at = columns.map(|column| {
        let found = header.iter().position(|name| *name == column);
        found.unwrap_or_else(|| panic!("{name} has no column {column}"))
    });
    let cell = |line: &str, at: usize| line.split(',').nth(at).unwrap_or_default().to_owned();
    lines.filter(|line| !line.is_empty()).map(|line| at.map(|at| cell(line, at))).collect()
}

/// Reads any value of the model.
pub(crate) fn value<T: FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap_or_else(|error| panic!("{text:?}: {error:?}"))
}

pub(crate) fn date(text: &str) -> Date {
    value(text)
}

pub(crate) fn at(text: &str) -> Timestamp {
    value(text)
}

pub(crate) fn shares(count: i64) -> Quantity {
    Quantity::from_shares(count).unwrap()
}

/// A seeded sequence for properties (splitmix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// Returns a number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        low + (mixed % (high - low + 1) as u64) as i64
    }
}
