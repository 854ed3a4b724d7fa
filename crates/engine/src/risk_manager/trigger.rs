//! When each control last acted, for whom and on what number.

use model::{StrategyId, SymbolId, Timestamp, record};

use super::control_id::ControlId;

/// The last time a control acted.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Trigger {
    /// Which control.
    pub control: ControlId,
    /// When.
    pub time: Timestamp,
    /// On whose order; `None` when it concerns no single strategy.
    pub strategy: Option<StrategyId>,
    /// In which symbol; `None` when it concerns no single one.
    pub symbol: Option<SymbolId>,
    /// The limit, in the unit of the control.
    pub limit: f64,
    /// The value that met it.
    pub value: f64,
}

/// The last trigger of every control that ever acted, in ascending order.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Triggers {
    list: Vec<Counted>,
}

#[derive(Clone, Copy, PartialEq, Debug, Default)]
struct Counted {
    last: Trigger,
    count: u64,
}

impl Triggers {
    /// Notes that a control acted.
    pub(super) fn note(&mut self, trigger: Trigger) {
        match self.list.binary_search_by_key(&trigger.control, |counted| counted.last.control) {
            Ok(place) => {
                if let Some(counted) = self.list.get_mut(place) {
                    counted.last = trigger;
                    counted.count = counted.count.saturating_add(1);
                }
            }
            Err(place) => self.list.insert(place, Counted { last: trigger, count: 1 }),
        }
    }

    /// Returns the last trigger of a control and how often it acted.
    pub(super) fn of(&self, control: ControlId) -> Option<(Trigger, u64)> {
        let found = self.list.binary_search_by_key(&control, |counted| counted.last.control);
        self.list.get(found.ok()?).map(|counted| (counted.last, counted.count))
    }
}

record!(Trigger { 1: control, 2: time, 3: strategy, 4: symbol, 5: limit, 6: value });
record!(Counted { 1: last, 2: count });
record!(Triggers { 1: list });
