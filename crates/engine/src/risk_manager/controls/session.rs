//! C23: positions are opened only in their part of the session, half-open [start, end).

use super::Control;
use crate::books::Books;
use crate::risk_manager::{ControlId, Proposal, RejectCode, Rejection, WorstCase};

/// Checks the time of a proposal against the session of the exchange's calendar.
#[derive(Debug)]
pub(super) struct SessionHours;

impl Control for SessionHours {
    fn id(&self) -> ControlId {
        ControlId(23)
    }

    fn check(&self, proposal: &Proposal, _: &WorstCase, _: &Books) -> Result<(), Rejection> {
        let inside = proposal
            .opening
            .is_some_and(|(start, end)| start <= proposal.now && proposal.now < end);
        if inside {
            return Ok(());
        }
        let end = proposal.opening.map_or(0, |(_, end)| end.nanos());
        let (limit, value) = (end as f64 / 1e9, proposal.now.nanos() as f64 / 1e9);
        Err(Rejection::new(RejectCode::Session, limit, value))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{books, proposal, refusal};
    use super::*;
    use model::Timestamp;

    /// TC7, F33: half-open; no session (or an unknown year, TC9) is closed.
    #[test]
    fn the_interval_is_half_open() {
        let check = |now, opening| {
            let now = Timestamp::from_nanos(now);
            let proposal = Proposal { now, opening, ..proposal(1, "10.00") };
            refusal("C23", &proposal, &WorstCase::default(), &books()).is_none()
        };
        let opening = Some((Timestamp::from_nanos(10), Timestamp::from_nanos(20)));
        let results: Vec<bool> = [9, 10, 19, 20].into_iter().map(|t| check(t, opening)).collect();
        assert_eq!(results, [false, true, true, false]);
        assert!(!check(15, None));
    }
}
