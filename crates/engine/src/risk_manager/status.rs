//! What each control is set to, how much of its limit is used, and when it last acted (C39).

use model::Timestamp;

use super::control_id::ControlId;
use super::register::{Home, REGISTER};
use super::trigger::Trigger;
use super::worst_case::WorstCase;
use crate::books::Books;

/// One control as `report controls` and `GET risk` show it.
#[derive(Clone, PartialEq, Debug)]
pub struct ControlStatus {
    /// Which one.
    pub control: ControlId,
    /// What it is about.
    pub title: &'static str,
    /// The limits in force, as text; empty when it has no number.
    pub limit: String,
    /// Why it is not active; `None` when it is.
    pub why_not_active: Option<&'static str>,
    /// It is one of the controls that every opening order passes.
    pub in_gate: bool,
    /// The part of the limit that is used; 1 is all of it.
    pub usage: Option<f64>,
    /// When it last acted and how often it did.
    pub last_trigger: Option<(Trigger, u64)>,
    /// The test that fails without it; empty while there is none.
    pub test: &'static str,
}

/// Returns the status of all controls in order.
pub fn control_status(books: &Books, worst: &WorstCase, now: Timestamp) -> Vec<ControlStatus> {
    let gate = books.gate();
    let limits = gate.limits();
    let needs_no_stage = books.risk().promotions().needed().is_none();
    REGISTER
        .iter()
        .map(|entry| {
            let own = || gate.controls().filter(|control| control.id() == entry.control);
            let limit = (entry.limit)(limits);
            let why_not_active = match entry.home {
                Home::Core if entry.control == ControlId(38) && needs_no_stage => {
                    Some("this mode needs no promotion")
                }
                Home::Core if limit.is_some() => None,
                Home::Core => Some("switched off"),
                Home::Later(why) => Some(why),
            };
            ControlStatus {
                control: entry.control,
                title: entry.title,
                limit: limit.unwrap_or_default(),
                why_not_active,
                in_gate: own().next().is_some(),
                usage: own().find_map(|control| control.usage(worst, books, now)),
                last_trigger: gate.last_trigger(entry.control),
                test: entry.test,
            }
        })
        .collect()
}
