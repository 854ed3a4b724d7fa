//! I12, C31: nothing is opened unless the system runs and the kill switch is off.

use super::Control;
use crate::books::Books;
use crate::risk_manager::{Proposal, RejectCode, Rejection, WorstCase};

/// Lets entries pass in the state running only.
#[derive(Debug)]
pub(super) struct GateOpen;

impl Control for GateOpen {
    fn id(&self) -> &'static str {
        "C31"
    }

    fn check(&self, _: &Proposal, _: &WorstCase, books: &Books) -> Result<(), Rejection> {
        let open = books.lifecycle().may_open() && !books.is_killed();
        let state = f64::from(books.lifecycle() as u8);
        if open { Ok(()) } else { Err(Rejection::new(RejectCode::GateClosed, 1.0, state)) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{books, proposal};
    use super::*;
    use crate::fact::{Fact, GateChange};
    use crate::lifecycle::State;

    #[test]
    fn only_a_running_system_opens() {
        let check = |books: &Books| {
            GateOpen.check(&proposal(1, "10.00"), &WorstCase::default(), books).is_ok()
        };
        let mut books = books();
        for state in State::ALL {
            books.fold(&Fact::Gate(GateChange::Lifecycle(state)));
            assert_eq!(check(&books), state == State::Running, "{state:?}");
        }
        books.fold(&Fact::Gate(GateChange::Lifecycle(State::Running)));
        books.fold(&Fact::Gate(GateChange::Kill { engaged: true }));
        assert!(!check(&books), "C31: the kill switch wins");
    }
}
