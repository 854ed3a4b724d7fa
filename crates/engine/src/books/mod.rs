//! What must never be wrong: orders, positions, money, day counters, gate and lifecycle.
//!
//! Books change in two ways only: [`Books::observe`] takes an input in, [`Books::fold`] a fact
//! that the core decided (journal.md 2). Replaying the same inputs and facts gives the same
//! Books, whatever else was computed. Deciding code sees `&Books`.
//!
//! Invariants: I3 (a position is the sum of its booked fills), I4 (each execution once), I11.

mod folding;
mod observing;
mod saving;

use smallvec::SmallVec;

use model::{Cash, ChargeKind, Date, ExecutionReport, OrderNumber, StrategyId, SymbolId, record};

use crate::execution_engine::OrderHistory;
use crate::fact::SlotKey;
use crate::ledger::Ledger;
use crate::lifecycle::State;
use crate::order_manager::{IllegalTransition, Order, Position};
use crate::risk_manager::{Blocks, Gate, LossLevel};

/// All that a strategy has in a symbol.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Slot {
    /// The order of the entry that works or is under way.
    pub entry: Option<OrderNumber>,
    /// The open position.
    pub position: Option<Box<Position>>,
    /// Positions opened today.
    pub entries_today: u16,
}

impl Slot {
    /// Returns true when the slot has an entry or a position.
    #[inline]
    pub fn is_active(&self) -> bool {
        self.entry.is_some() || self.position.is_some()
    }
}

/// The counters of one session.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Day {
    /// The session.
    pub session: Date,
    /// Equity for sizing and limits, frozen for the day (TS1).
    pub equity: Cash,
    /// Realised result minus fees since the account was opened, at the session's begin.
    pub realised_before: Cash,
    /// Highest loss level reached (C10).
    pub loss: LossLevel,
    /// Sum of the R multiples of today's trades, by strategy (TG28).
    pub r_by_strategy: Vec<f64>,
    /// First order of this session.
    pub first_order: OrderNumber,
}

/// What an observation brought to light, for the deciding part.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Observed {
    /// The slot whose order was reported on.
    pub slot: Option<SlotKey>,
    /// Something was filled.
    pub filled: bool,
    /// Something is not as it should be.
    pub anomaly: Option<Anomaly>,
}

/// A report that does not fit.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Anomaly {
    /// On an order that is not ours or long forgotten (F19).
    UnknownOrder(ExecutionReport),
    /// Not legal in the order's state (I9).
    Illegal(OrderNumber, IllegalTransition),
    /// The broker refused the order or a change of it.
    Refused(OrderNumber),
    /// More was filled than ordered, or an exit filled beyond the position (I4).
    OverFill(OrderNumber),
    /// A fill after the order was done (F09).
    LateFill(OrderNumber),
}

/// The core's durable half.
#[derive(Debug)]
pub struct Books {
    lifecycle: State,
    blocks: Blocks,
    orders: OrderHistory,
    symbols: usize,
    slots: Vec<Slot>,
    active: Vec<SlotKey>,
    by_symbol: Vec<SmallVec<[StrategyId; 4]>>,
    ledger: Ledger,
    day: Day,
    gate: Gate,
    closed: Vec<(SlotKey, Box<Position>)>,
    trades: u64,
}

impl Books {
    /// Opens the books of an account.
    pub fn new(symbols: usize, strategies: usize, deposit: Cash, gate: Gate) -> Self {
        Self {
            lifecycle: State::Stopped,
            blocks: Blocks::default(),
            orders: OrderHistory::default(),
            symbols,
            slots: (0..symbols * strategies).map(|_| Slot::default()).collect(),
            active: Vec::new(),
            by_symbol: vec![SmallVec::new(); symbols],
            ledger: Ledger::new(deposit),
            day: Day { r_by_strategy: vec![0.0; strategies], ..Day::default() },
            gate,
            closed: Vec::new(),
            trades: 0,
        }
    }

    /// Returns the lifecycle's state.
    pub fn lifecycle(&self) -> State {
        self.lifecycle
    }

    /// Returns what is blocked for opening orders.
    pub fn blocks(&self) -> &Blocks {
        &self.blocks
    }

    /// Returns the known orders.
    pub fn orders(&self) -> &OrderHistory {
        &self.orders
    }

    /// Returns the account.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Returns the day's counters.
    pub fn day(&self) -> &Day {
        &self.day
    }

    /// Returns the gate.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Returns how many trades were closed.
    pub fn trades(&self) -> u64 {
        self.trades
    }

    /// Returns the slots that have an entry or a position, in the order in which they became
    /// active.
    pub fn active(&self) -> &[SlotKey] {
        &self.active
    }

    /// Returns true when some strategy has an entry or a position in the symbol.
    #[inline]
    pub fn is_symbol_active(&self, symbol: SymbolId) -> bool {
        !self.active_in(symbol).is_empty()
    }

    /// Returns the strategies that have an entry or a position in the symbol.
    #[inline]
    pub fn active_in(&self, symbol: SymbolId) -> &[StrategyId] {
        self.by_symbol.get(symbol.index()).map_or(&[], |strategies| strategies.as_slice())
    }

    /// Returns a slot; a key out of range is an empty slot.
    #[inline]
    pub fn slot(&self, key: SlotKey) -> Option<&Slot> {
        self.slots.get(self.index(key))
    }

    /// Returns the open position of a strategy in a symbol.
    #[inline]
    pub fn position(&self, key: SlotKey) -> Option<&Position> {
        self.slot(key)?.position.as_deref()
    }

    /// Returns the entry that works in a slot or is under way.
    pub fn working_entry(&self, key: SlotKey) -> Option<&Order> {
        self.orders.get(self.slot(key)?.entry?)
    }

    /// Returns closed positions whose trade is not recorded yet.
    pub fn closed(&self) -> &[(SlotKey, Box<Position>)] {
        &self.closed
    }

    /// Returns the realised result of the day, after fees.
    pub fn realised_today(&self) -> Cash {
        self.realised_net().minus(self.day.realised_before)
    }

    fn realised_net(&self) -> Cash {
        self.ledger.realised().minus(self.ledger.fees())
    }

    #[inline]
    fn index(&self, key: SlotKey) -> usize {
        key.strategy.index() * self.symbols + key.symbol.index()
    }

    /// Runs `change` on a slot and keeps the list of active slots true.
    fn with_slot(&mut self, key: SlotKey, change: impl FnOnce(&mut Slot)) {
        let index = self.index(key);
        let Some(slot) = self.slots.get_mut(index) else { return };
        let before = slot.is_active();
        change(slot);
        let now = slot.is_active();
        if before == now {
            return;
        }
        if now {
            self.active.push(key);
        } else {
            self.active.retain(|&other| other != key);
        }
        if let Some(strategies) = self.by_symbol.get_mut(key.symbol.index()) {
            if now {
                strategies.push(key.strategy);
            } else {
                strategies.retain(|strategy| *strategy != key.strategy);
            }
        }
    }

    /// Takes a broker's charge in that belongs to no fill (TK5-TK8).
    pub fn observe_charge(&mut self, kind: ChargeKind, fee: Cash) {
        self.ledger.book_charge(kind, fee);
    }

    /// Checks I3, I11 and C16 over all slots; the message names what is wrong.
    pub fn check(&self) -> Result<(), String> {
        if !self.ledger.balance().is_zero() {
            return Err(format!("I11: the ledger's balance is {}", self.ledger.balance()));
        }
        let mut inventory = Cash::ZERO;
        for (index, slot) in self.slots.iter().enumerate() {
            let Some(position) = slot.position.as_deref() else { continue };
            inventory = inventory.plus(position.cost);
            let sum: i64 = position.fills.iter().map(|f| f.side.sign() * f.quantity.raw()).sum();
            if sum != position.signed_qty().raw() {
                return Err(format!("I3: slot {index}: fills sum to {sum}, not the position"));
            }
            for order in position.exits().iter().filter_map(|&number| self.orders.get(number)) {
                if order.leaves_qty() > position.quantity && !order.cancel_pending {
                    return Err(format!("C16: slot {index}: an exit is larger than the position"));
                }
            }
        }
        if inventory != self.ledger.inventory() {
            return Err(format!("I3: positions cost {inventory}, the ledger says otherwise"));
        }
        Ok(())
    }
}

record!(Slot { 1: entry, 2: position, 3: entries_today });
record!(Day {
    1: session,
    2: equity,
    3: realised_before,
    4: loss,
    5: r_by_strategy,
    6: first_order,
});
