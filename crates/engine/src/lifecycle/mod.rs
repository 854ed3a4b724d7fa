//! The six states of the system and which control moves between them.
//!
//! Delivery of controls, authentication and reasons belong to the shell. Invariant: every pair of
//! state and control has an answer, in any phase of the market (safety.md section 7).

pub mod health;

use model::record_enum;

use crate::input::Control;
use crate::risk_manager::Scope;

/// A state of the system (names of the source).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum State {
    /// Recovering, reconciling; nothing may be opened.
    Starting,
    /// Trading.
    Running,
    /// Exits only.
    Paused,
    /// Cancelling entries, on the way to stopped.
    Stopping,
    /// Not trading.
    #[default]
    Stopped,
    /// A fault; exits only.
    Error,
}

impl State {
    /// All states, in the order of their definition.
    pub const ALL: [Self; 6] =
        [Self::Starting, Self::Running, Self::Paused, Self::Stopping, Self::Stopped, Self::Error];

    /// Returns the name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Error => "error",
        }
    }

    /// Returns true when opening orders may pass; exits pass in every state (I14).
    #[inline]
    pub const fn may_open(self) -> bool {
        matches!(self, Self::Running)
    }

    /// Returns the state after a control; the same state when the control changes nothing.
    pub const fn after(self, control: Control) -> Self {
        match (self, control) {
            (
                Self::Running | Self::Starting,
                Control::PauseTrading(Scope::All) | Control::EmergencyStop(Scope::All),
            ) => Self::Paused,
            (Self::Paused, Control::ResumeTrading(Scope::All)) => Self::Running,
            (Self::Running | Self::Paused | Self::Starting | Self::Error, Control::Stop) => {
                Self::Stopping
            }
            // Stopping and stopped stay so until the next start; a fault is not resumed from.
            (state, _) => state,
        }
    }
}

record_enum!(State { 0: Starting, 1: Running, 2: Paused, 3: Stopping, 4: Stopped, 5: Error });

#[cfg(test)]
mod tests {
    use super::*;
    use model::SymbolId;

    /// Safety.md section 7: controls work in every state; only a resume lifts a pause.
    #[test]
    fn every_pair_has_an_answer() {
        use Control as C;
        for state in State::ALL {
            let (all, one) = (Scope::All, Scope::Symbol(SymbolId(0)));
            for control in [
                C::PauseTrading(all),
                C::EmergencyStop(all),
                C::Flatten(all),
                C::ResumeTrading(all),
                C::Stop,
            ] {
                let next = state.after(control);
                let opens = !state.may_open() && next.may_open();
                assert_eq!(opens, state == State::Paused && control == C::ResumeTrading(all));
            }
            for control in [C::PauseTrading(one), C::EmergencyStop(one), C::ResumeTrading(one)] {
                assert_eq!(state.after(control), state, "a part does not move the whole");
            }
            assert!(!state.after(C::EmergencyStop(all)).may_open());
            assert!(!state.after(C::Stop).may_open());
        }
    }
}
