//! What is known of a broker before anything is sent: its table for "not found" and whether its
//! books are compared with ours.

use model::SECOND_NS;

use super::VenueCapabilities;

/// When "not found" is evidence that an order never arrived (R7): the broker's table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotFound {
    /// How long after the order was last in doubt, with the broker connected throughout, in
    /// nanoseconds.
    pub after_ns: i64,
    /// Consistent answers in a row.
    pub answers: u8,
    /// Whether a comparison of executions and positions must agree as well.
    pub corroborated: bool,
}

impl NotFound {
    /// The defaults of R7: 30 s, three answers, executions and positions agree.
    pub const CAREFUL: Self = Self { after_ns: 30 * SECOND_NS, answers: 3, corroborated: true };
    /// A broker whose "not found" is final at once (journal.md 18).
    pub const FINAL: Self = Self { after_ns: 0, answers: 1, corroborated: false };
}

/// A broker of the run; its id is its place in the list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BrokerTraits {
    /// Its name in reports and messages.
    pub name: String,
    /// What its venue does by itself.
    pub capabilities: VenueCapabilities,
    /// When "not found" is evidence (R7).
    pub not_found: NotFound,
    /// Whether it has a connection and books of its own: without them it is always there and
    /// nothing is compared (the simulated exchange of backtest and demo).
    pub remote: bool,
}

impl BrokerTraits {
    /// The simulated exchange inside the process.
    pub fn simulated() -> Self {
        Self {
            name: "simulated".to_owned(),
            capabilities: VenueCapabilities::SIMULATED,
            not_found: NotFound::FINAL,
            remote: false,
        }
    }

    /// A broker outside the process, with the careful table.
    pub fn remote(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            capabilities: VenueCapabilities::BARE,
            not_found: NotFound::CAREFUL,
            remote: true,
        }
    }
}
