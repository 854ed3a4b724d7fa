//! What must never be wrong: orders, positions, money, day counters, gate and lifecycle.
//!
//! Books change in two ways only: [`Books::observe`] takes an input in, [`Books::fold`] a fact
//! that the core decided (journal.md 2). Replaying the same inputs and facts gives the same
//! Books, whatever else was computed. Deciding code sees `&Books`.
//!
//! Invariants: I3 (a position is the sum of its booked fills), I4 (each execution once), I11.

mod actions;
mod adjusting;
mod anomaly;
mod booking;
mod executions;
mod external;
mod folding;
mod keys;
mod observing;
mod outcomes;
mod pages;
mod restating;
mod saving;
mod unheard;

use smallvec::SmallVec;
use twox_hash::xxhash3_128;

use model::{
    BrokerId, Cash, ClientOrderId, Date, OrderNumber, Price, Quantity, StrategyId, SymbolId, record,
};

pub use actions::{Actions, Announced};
pub use anomaly::Anomaly;
pub use external::External;

use crate::execution_engine::{Answer, Brokers, Meaning, OrderHistory, VenueCapabilities};
use crate::fact::{SlotKey, TradeVoided};
use crate::ledger::Ledger;
use crate::lifecycle::State;
use crate::order_manager::{Order, Position};
use crate::risk_manager::{Account, Blocks, Gate, Limits, LossLevel, RiskHistory};
use crate::session::Ticks;

use keys::Keys;

/// All that a strategy has in a symbol.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Slot {
    /// The order of the entry that works or is under way.
    pub entry: Option<OrderNumber>,
    /// The open position.
    pub position: Option<Box<Position>>,
    /// Positions opened today.
    pub entries_today: u16,
    /// Exit orders that still live although the position they belong to is closed.
    pub orphans: Vec<OrderNumber>,
}

impl Slot {
    /// Returns true when the slot has an order or a position.
    #[inline]
    pub fn is_active(&self) -> bool {
        self.entry.is_some() || self.position.is_some() || !self.orphans.is_empty()
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
    /// The order that was reported on, as it was named.
    pub client_id: ClientOrderId,
    /// Who reported.
    pub broker: BrokerId,
    /// The symbol that was named.
    pub symbol: SymbolId,
    /// The slot whose order was reported on.
    pub slot: Option<SlotKey>,
    /// Something was filled, corrected or cancelled after the fact.
    pub filled: bool,
    /// A position was opened.
    pub opened: bool,
    /// Something is not as it should be.
    pub anomaly: Option<Anomaly>,
    /// Something in this symbol cannot be explained: nothing may be opened in it (F19).
    pub suspense: Option<SymbolId>,
    /// A recorded trade is no more: an execution of it was corrected or cancelled (F12).
    pub voided: Option<TradeVoided>,
}

/// What an input brought to light, for the deciding part. The memory is kept from input to input.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// What each report changed, the broker's own or what something else amounts to.
    pub reports: Vec<Observed>,
    /// The order that an outcome is about and what it means; `None` when it is not known here.
    pub outcome: Option<(OrderNumber, Meaning)>,
    /// What an answer says.
    pub answer: Answer,
    /// Fills found by comparison that were never reported (F13).
    pub missed: u32,
    /// What was to be claimed is a strategy's position now (F18).
    pub claimed: bool,
    /// What the announcement of a corporate action says that was not known.
    pub announced: Announced,
    /// Why an instruction is not carried out.
    pub refused: Option<Refused>,
}

/// Why an instruction of a person or a supervisor is not carried out, whatever it asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// Its key was seen before (F46).
    Repeated {
        /// Whether what it asked for was done then.
        done: bool,
    },
    /// An emergency stop came that its giver cannot have known of: kill wins (F46).
    KillCame,
    /// It corrects the books and names no evidence (R7, C34).
    NoEvidence,
}

impl Seen {
    /// Forgets the input before.
    fn clear(&mut self) {
        let Self { reports, outcome, answer, missed, claimed, announced, refused } = self;
        reports.clear();
        *outcome = None;
        *answer = Answer::Nothing;
        *missed = 0;
        *claimed = false;
        *announced = Announced::Known;
        *refused = None;
    }
}

/// A closed position whose trade is recorded: kept while its executions may still be corrected,
/// until the end of the next session.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Settled {
    /// Where it was.
    pub key: SlotKey,
    /// The id of its trade.
    pub trade: u64,
    /// The trade's R multiple.
    pub r: Option<f64>,
    /// The session in which the trade was recorded.
    pub session: Date,
    /// The position.
    pub position: Box<Position>,
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
    risk: RiskHistory,
    closed: Vec<(SlotKey, Box<Position>)>,
    settled: Vec<Settled>,
    externals: Vec<External>,
    actions: Actions,
    trades: u64,
    venues: Vec<VenueCapabilities>,
    brokers: Brokers,
    ticks: Ticks,
    keys: Keys,
    kills: u64,
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
            risk: RiskHistory::new(strategies),
            closed: Vec::new(),
            settled: Vec::new(),
            externals: Vec::new(),
            actions: Actions::default(),
            trades: 0,
            venues: Vec::new(),
            brokers: Brokers::default(),
            ticks: Ticks::default(),
            keys: Keys::default(),
            kills: 0,
        }
    }

    /// Says what the brokers' venues can do, by [`BrokerId`]; one that is not named can do
    /// everything.
    pub fn with_venues(self, venues: Vec<VenueCapabilities>) -> Self {
        Self { venues, ..self }
    }

    /// Says which minimum price increments are in force; without, it is one cent everywhere.
    pub fn with_ticks(self, ticks: Ticks) -> Self {
        Self { ticks, ..self }
    }

    /// Returns the ticker of a symbol.
    pub fn ticker(&self, symbol: SymbolId) -> Option<model::Symbol> {
        self.ticks.symbol(symbol)
    }

    /// Returns the minimum price increment of a symbol at a price on the current date (TB11).
    #[inline]
    pub fn tick(&self, symbol: SymbolId, price: Price) -> Price {
        self.ticks.at(symbol, price)
    }

    /// Returns the hash of the books in their versioned encoding: every later build reproduces it
    /// from every older journal (journal.md 15).
    pub fn hash(&self) -> u128 {
        xxhash3_128::Hasher::oneshot(&record::encode(self))
    }

    /// Returns what a broker's venue can do.
    #[inline]
    pub fn venue(&self, broker: BrokerId) -> VenueCapabilities {
        self.venues.get(usize::from(broker.0)).copied().unwrap_or_default()
    }

    /// Returns what is held without a plan (F18, F19).
    pub fn externals(&self) -> &[External] {
        &self.externals
    }

    /// Returns closed positions whose trade is recorded and may still be corrected (F12).
    pub fn settled(&self) -> &[Settled] {
        &self.settled
    }

    /// Returns the lifecycle's state.
    pub fn lifecycle(&self) -> State {
        self.lifecycle
    }

    /// Returns what is blocked for opening orders.
    pub fn blocks(&self) -> &Blocks {
        &self.blocks
    }

    /// Returns how many emergency stops were given since the account was opened: what a resume
    /// must know of to lift one (F46).
    pub fn kills(&self) -> u64 {
        self.kills
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

    /// Returns the limits on a strategy's entries: small ones in its first live sessions (C38).
    pub fn limits_of(&self, strategy: StrategyId) -> &Limits {
        self.gate.limits_in(self.risk.promotions().of(strategy).stage)
    }

    pub(crate) fn change_gate(&mut self, change: impl FnOnce(Gate) -> Gate) {
        let empty = Gate::new(self.gate.limits().clone());
        self.gate = change(std::mem::replace(&mut self.gate, empty));
    }

    /// Returns what risk control remembers over sessions.
    pub fn risk(&self) -> &RiskHistory {
        &self.risk
    }

    /// Takes in what a broker says about the account (C09).
    pub fn observe_account(&mut self, broker: BrokerId, account: Account) {
        self.risk.note_account(broker, account);
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
        self.by_symbol.get(symbol.index()).is_some_and(|strategies| !strategies.is_empty())
    }

    /// Returns the strategies that have an entry or a position in the symbol.
    #[inline]
    pub fn active_in(&self, symbol: SymbolId) -> &[StrategyId] {
        match self.by_symbol.get(symbol.index()) {
            Some(strategies) => strategies,
            None => &[],
        }
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

    /// Checks I3, I11 and C16 over all slots; the message names what is wrong.
    pub fn check(&self) -> Result<(), String> {
        if !self.ledger.balance().is_zero() {
            return Err(format!("I11: the ledger's balance is {}", self.ledger.balance()));
        }
        let mut inventory: Cash = self.externals.iter().map(|e| e.totals().cost).sum();
        for (index, slot) in self.slots.iter().enumerate() {
            let Some(position) = slot.position.as_deref() else { continue };
            inventory = inventory.plus(position.cost);
            let fills = position.fills.iter().map(|booked| &booked.fill);
            let sum: i64 = fills.map(|f| f.side.sign() * f.quantity.raw()).sum();
            if sum != position.signed_qty().raw() {
                return Err(format!("I3: slot {index}: fills sum to {sum}, not the position"));
            }
            self.check_exits(position).map_err(|why| format!("C16: slot {index}: {why}"))?;
        }
        if inventory != self.ledger.inventory() {
            return Err(format!("I3: positions cost {inventory}, the ledger says otherwise"));
        }
        self.check_lots()
    }

    /// Checks that a position's exits close no more than is open: each of them where the venue
    /// reduces the others, else all together.
    fn check_exits(&self, position: &Position) -> Result<(), &'static str> {
        let exits = position.exits();
        let exits = exits.iter().filter_map(|&number| self.orders.get(number));
        // One whose change or end was refused a moment ago is asked again after a pause (R9).
        let settled = exits.filter(|order| order.is_settled() && order.refusals == 0);
        if self.venue(position.broker).reduce_group {
            let most = settled.map(Order::leaves_qty).max().unwrap_or_default();
            return if most > position.quantity { Err("an exit is too large") } else { Ok(()) };
        }
        let sum = settled.fold(Quantity::ZERO, |sum, order| sum.plus(order.leaves_qty()));
        if sum > position.quantity { Err("the exits are too large together") } else { Ok(()) }
    }
}

record!(Slot { 1: entry, 2: position, 3: entries_today, 4: orphans });
record!(Settled { 1: key, 2: trade, 3: r, 4: session, 5: position });
record!(Day {
    1: session,
    2: equity,
    3: realised_before,
    4: loss,
    5: r_by_strategy,
    6: first_order,
});
