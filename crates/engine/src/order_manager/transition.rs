//! The order state machine: one total table (style.md 6).
//!
//! Quantities are not decided here: the caller says whether a fill completes the order.
//! Invariant: every pair of state and event has an answer; what is not legal changes nothing and
//! is returned as an error, never a panic (I9).

use model::OrderState;

/// What a report means for the state, without its numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OrderEvent {
    /// The broker has it.
    Accepted,
    /// It is at a market.
    Working,
    /// A fill that leaves a rest.
    PartialFill,
    /// A fill that completes the order.
    FullFill,
    /// It is cancelled.
    Cancelled,
    /// Its time ran out.
    Expired,
    /// It was refused.
    Rejected,
    /// A replacement is in force.
    Replaced,
    /// Its total quantity was changed by the broker.
    Restated,
    /// Nobody knows whether it arrived.
    Unknown,
}

impl OrderEvent {
    /// All events, in the order of their definition.
    pub const ALL: [Self; 10] = [
        Self::Accepted,
        Self::Working,
        Self::PartialFill,
        Self::FullFill,
        Self::Cancelled,
        Self::Expired,
        Self::Rejected,
        Self::Replaced,
        Self::Restated,
        Self::Unknown,
    ];
}

/// A report that the order's state does not allow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{event:?} is not legal for an order that is {state:?}")]
pub struct IllegalTransition {
    /// The state that stands.
    pub state: OrderState,
    /// The event that was refused.
    pub event: OrderEvent,
}

/// Returns the state after one event.
pub fn after(state: OrderState, event: OrderEvent) -> Result<OrderState, IllegalTransition> {
    use {OrderEvent as E, OrderState as S};
    Ok(match (state, event) {
        // Nothing has left yet: no broker can say anything about it.
        (S::Created, _) => return Err(IllegalTransition { state, event }),
        // A fill is booked in every state: it may have left the broker before our cancel reached
        // it, or before its own acknowledgement reached us (I9, F09, F10).
        (S::Filled | S::Cancelled | S::Expired | S::Rejected | S::Replaced, E::PartialFill) => {
            state
        }
        (S::Rejected | S::Replaced, E::FullFill) => state,
        (_, E::FullFill) => S::Filled,
        (_, E::PartialFill) => S::PartiallyFilled,
        (S::Sent | S::Unknown, E::Accepted) => S::Accepted,
        (S::Sent | S::Unknown | S::Accepted, E::Working) => S::Working,
        // A repeated or late acknowledgement says nothing new.
        (S::Accepted | S::Working | S::PartiallyFilled, E::Accepted) => state,
        (S::Working | S::PartiallyFilled, E::Working) => state,
        // Nor does one that comes after the end; after a refusal it would contradict it (F10).
        (S::Filled | S::Cancelled | S::Expired | S::Replaced, E::Accepted | E::Working) => state,
        (S::Sent | S::Unknown | S::Accepted | S::Working | S::PartiallyFilled, E::Cancelled) => {
            S::Cancelled
        }
        (S::Sent | S::Unknown | S::Accepted | S::Working | S::PartiallyFilled, E::Expired) => {
            S::Expired
        }
        (S::Sent | S::Unknown | S::Accepted | S::Working, E::Rejected) => S::Rejected,
        // The replacement is the same order under its next attempt: it stays where it was.
        (S::Sent | S::Unknown | S::Accepted, E::Replaced) => S::Working,
        (S::Working | S::PartiallyFilled, E::Replaced) => state,
        (S::Sent | S::Unknown | S::Accepted | S::Working | S::PartiallyFilled, E::Restated) => {
            state
        }
        // A repeated end says nothing new.
        (S::Cancelled, E::Cancelled) | (S::Expired, E::Expired) | (S::Rejected, E::Rejected) => {
            state
        }
        (S::Sent | S::Accepted | S::Working | S::PartiallyFilled | S::Unknown, E::Unknown) => {
            S::Unknown
        }
        _ => return Err(IllegalTransition { state, event }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    /// The whole grid, so that a review sees every change (style.md 6).
    #[test]
    fn the_grid_is_golden() {
        let mut grid = String::new();
        for state in OrderState::ALL {
            for event in OrderEvent::ALL {
                let next = after(state, event).map_or("-", OrderState::name);
                writeln!(grid, "{:<17}{:<12} {next}", state.name(), format!("{event:?}")).unwrap();
            }
        }
        let golden = include_str!("transition_grid.txt");
        assert_eq!(grid, golden, "the order state machine changed: review transition_grid.txt");
    }

    /// I9: no event leaves a terminal state except fills, and fills never un-finish an order.
    #[test]
    fn terminal_states_hold() {
        for state in OrderState::ALL.into_iter().filter(|state| state.is_terminal()) {
            for event in OrderEvent::ALL {
                if let Ok(next) = after(state, event) {
                    assert!(next.is_terminal(), "{state:?} {event:?} -> {next:?}");
                }
            }
        }
    }
}
