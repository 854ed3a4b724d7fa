//! The deciding view of one event: books to read, analysis to change, facts to emit.

use model::exchange::Session;
use model::{
    BrokerId, CancelRequest, Cash, ClientOrderId, CorporateAction, OrderNumber, Price, StrategyId,
    SymbolId, Timestamp,
};

use crate::alert_system::{AlertKind, AlertSystem};
use crate::books::Books;
use crate::core::Core;
use crate::data_manager::DataManager;
use crate::execution_engine::BrokerTraits;
use crate::fact::{Cancel, Fact, GateChange, SlotKey};
use crate::order_manager::Order;
use crate::output::Outputs;
use crate::performance_tracker::Watch;
use crate::risk_manager::last_point::{self, Breach};
use crate::risk_manager::{Block, BlockReason, ControlId, MarketRules, RejectCode, Scope, Trigger};
use crate::strategy_engine::{Decision, Finding, Outcome, Rule};
use crate::timers::Timers;

/// Everything computed from market data: it can be computed again (journal.md 2).
#[derive(Debug)]
pub(crate) struct Analysis {
    pub(crate) data: DataManager,
    pub(crate) session: Option<Session>,
    pub(crate) watches: Vec<Watch>,
    pub(crate) refusals: Vec<Option<RejectCode>>,
    pub(crate) timers: Timers,
    pub(crate) alerts: AlertSystem,
    /// The brokers of the run (configuration, not state).
    pub(crate) brokers: Vec<BrokerTraits>,
    /// Whether entries may go to another broker (R6; configuration, not state).
    pub(crate) opening_failover: bool,
    pub(crate) rules: MarketRules,
    /// When each slot's entry was last stated by its strategy (C17).
    pub(crate) stated: Vec<Timestamp>,
}

impl Analysis {
    /// Returns where a slot's watch and last refusal lie.
    #[inline]
    pub(crate) fn slot_index(&self, key: SlotKey) -> usize {
        key.strategy.index() * self.data.symbols().len() + key.symbol.index()
    }

    /// Restates what is kept over the night in the terms after a corporate action (F27).
    pub(crate) fn restate(&mut self, action: &CorporateAction) {
        self.data.restate(action);
        let symbols = self.data.symbols().len().max(1);
        let own = self.watches.iter_mut().skip(action.symbol.index()).step_by(symbols);
        own.for_each(|watch| watch.restate(|price| action.level(price)));
    }

    /// Returns the account's equity with all positions at their marks.
    pub(crate) fn equity(&self, books: &Books) -> Cash {
        let values = books.active().iter().filter_map(|&key| {
            let mark = self.data.symbol(key.symbol)?.mark;
            Some(books.position(key)?.value_at(mark))
        });
        let externals = books.externals().iter().map(|external| {
            let mark = self.data.symbol(external.symbol).map(|state| state.mark);
            external.value_at(mark.unwrap_or(Price::ZERO))
        });
        books.ledger().cash().plus(values.sum()).plus(externals.sum())
    }
}

/// How client ids are made (R10).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity {
    pub(crate) tag: [u8; 4],
}

/// One event's view for the deciding parts.
pub(crate) struct Desk<'a> {
    core: &'a mut Core,
    pub(crate) analysis: &'a mut Analysis,
    out: &'a mut Outputs,
    pub(crate) now: Timestamp,
    identity: Identity,
    pub(crate) record_all: bool,
}

impl<'a> Desk<'a> {
    pub(crate) fn new(
        core: &'a mut Core,
        analysis: &'a mut Analysis,
        out: &'a mut Outputs,
        now: Timestamp,
        identity: Identity,
        record_all: bool,
    ) -> Self {
        Self { core, analysis, out, now, identity, record_all }
    }

    #[inline]
    pub(crate) fn books(&self) -> &Books {
        self.core.books()
    }

    /// Returns the books to read and the analysis to change, both at once.
    #[inline]
    pub(crate) fn books_and_analysis(&mut self) -> (&Books, &mut Analysis) {
        (self.core.books(), self.analysis)
    }

    /// Takes a decision in, unless it fails the check at the last point (C16).
    pub(crate) fn emit(&mut self, fact: Fact) {
        match last_point::check(&fact, self.books()) {
            Ok(()) => self.core.emit(fact, self.out),
            Err(breach) => self.stop_at_last_point(&breach),
        }
    }

    /// An order that exceeds its parent is a fault of this program: it does not leave, and its
    /// strategy opens nothing until a person has looked.
    fn stop_at_last_point(&mut self, breach: &Breach) {
        let SlotKey { strategy, symbol } = breach.slot;
        let (limit, value) = (breach.parent.to_f64(), breach.children.to_f64());
        self.note_trigger(ControlId(16), Some(strategy), Some(symbol), limit, value);
        self.alert(AlertKind::ParentExceeded, Some(symbol), Some(strategy), || {
            format!("an order for {value} shares in all was stopped, its parent has {limit} (C16)")
        });
        let block = Block::new(Scope::Strategy(strategy), BlockReason::Fault);
        self.block(block, || "an order exceeded its parent (C16)".to_owned());
    }

    /// Returns where a slot's analysis lies.
    #[inline]
    pub(crate) fn slot_index(&self, key: SlotKey) -> usize {
        self.analysis.slot_index(key)
    }

    pub(crate) fn watch_mut(&mut self, key: SlotKey) -> Option<&mut Watch> {
        let index = self.slot_index(key);
        self.analysis.watches.get_mut(index)
    }

    #[inline]
    pub(crate) fn mark(&self, symbol: SymbolId) -> Price {
        self.analysis.data.symbol(symbol).map_or(Price::ZERO, |state| state.mark)
    }

    #[inline]
    pub(crate) fn tick(&self, symbol: SymbolId, price: Price) -> Price {
        self.books().tick(symbol, price)
    }

    /// Returns the id of the next order.
    pub(crate) fn next_id(&self, exit: bool) -> ClientOrderId {
        ClientOrderId {
            tag: self.identity.tag,
            epoch: self.books().brokers().epoch(),
            number: self.books().orders().next_number(),
            attempt: 0,
            exit,
        }
    }

    /// Returns the account's equity with all positions at their marks.
    pub(crate) fn equity(&self) -> Cash {
        self.analysis.equity(self.books())
    }

    /// Returns what is known of a broker beforehand.
    pub(crate) fn traits(&self, broker: BrokerId) -> BrokerTraits {
        let known = self.analysis.brokers.get(usize::from(broker.0));
        known.cloned().unwrap_or_else(|| BrokerTraits::remote("unknown"))
    }

    /// Returns true when requests can reach a broker.
    pub(crate) fn is_connected(&self, broker: BrokerId) -> bool {
        let remote =
            self.analysis.brokers.get(usize::from(broker.0)).is_none_or(|traits| traits.remote);
        !remote || self.books().brokers().get(broker).connected
    }

    /// Cancels an order unless that is under way or it is done.
    pub(crate) fn cancel(&mut self, number: OrderNumber) -> bool {
        let Some(order) = self.books().orders().get(number) else { return false };
        if order.state.is_terminal() || order.cancel_pending {
            return false;
        }
        let request = CancelRequest {
            client_id: order.request.client_id,
            broker: order.request.broker,
            symbol: order.request.symbol,
        };
        self.emit(Fact::Cancel(Cancel { request, time: self.now }));
        true
    }

    /// Cancels an order as [`cancel`](Self::cancel) does, but not within the pause after a refused
    /// request (R9): for whoever asks again at each event.
    pub(crate) fn cancel_in_time(&mut self, number: OrderNumber) -> bool {
        let waits = |order: &Order| order.is_waiting_to_retry(self.now);
        let waits = self.books().orders().get(number).is_some_and(waits);
        !waits && self.cancel(number)
    }

    /// Sets a block, raises its alert and cancels the entries that it covers; a block that holds
    /// already stays as it is, its entries are cancelled all the same (C31).
    pub(crate) fn block(&mut self, block: Block, message: impl FnOnce() -> String) {
        self.hold(block, message);
        self.cancel_entries(block.scope);
    }

    /// Sets a block and raises its alert; entries that work stay as they are.
    pub(crate) fn hold(&mut self, block: Block, message: impl FnOnce() -> String) {
        if !self.books().blocks().holds(block) {
            self.emit(Fact::Gate(GateChange::Block(block)));
            let (symbol, strategy) = match block.scope {
                Scope::Symbol(symbol) => (Some(symbol), None),
                Scope::Strategy(strategy) => (None, Some(strategy)),
                Scope::All | Scope::Broker(_) => (None, None),
            };
            let kind = match block.reason {
                BlockReason::Kill => AlertKind::Kill,
                _ => AlertKind::Blocked,
            };
            self.alert(kind, symbol, strategy, message);
        }
    }

    /// Notes that a control acted beside the refusal of an order.
    pub(crate) fn note_trigger(
        &mut self,
        control: ControlId,
        strategy: Option<StrategyId>,
        symbol: Option<SymbolId>,
        limit: f64,
        value: f64,
    ) {
        let time = self.now;
        self.emit(Fact::Triggered(Trigger { control, time, strategy, symbol, limit, value }));
    }

    /// Lifts a block if it holds.
    pub(crate) fn lift(&mut self, block: Block) {
        if self.books().blocks().holds(block) {
            self.emit(Fact::Gate(GateChange::Lift(block)));
        }
    }

    /// Lifts every block of exactly this scope that a person may lift.
    pub(crate) fn resume(&mut self, scope: Scope) {
        for reason in BlockReason::ALL {
            if reason.is_lifted_by_operator() {
                self.lift(Block::new(scope, reason));
            }
        }
    }

    /// Cancels every working entry of a scope.
    pub(crate) fn cancel_entries(&mut self, scope: Scope) {
        let books = self.books();
        let working: smallvec::SmallVec<[OrderNumber; 8]> = books
            .active()
            .iter()
            .filter_map(|&key| {
                let order = books.working_entry(key)?;
                let covered = scope.holds(key, order.request.broker);
                covered.then_some(order.request.client_id.number)
            })
            .collect();
        for number in working {
            self.cancel(number);
        }
    }

    /// Records an evaluation.
    pub(crate) fn decide(
        &mut self,
        key: SlotKey,
        outcome: Outcome,
        finding: Finding,
        order: Option<OrderNumber>,
    ) {
        let decision = Decision {
            time: self.now,
            strategy: key.strategy,
            symbol: key.symbol,
            outcome,
            rule: Rule::Strategy(finding.rule),
            values: finding.values(),
            order,
        };
        self.record(decision);
    }

    /// Records a decision: what changes something as a fact, the rest for whoever asked.
    pub(crate) fn record(&mut self, decision: Decision) {
        if decision.outcome == Outcome::NoTrade {
            if self.record_all {
                self.out.evaluations.push(decision);
            }
        } else {
            self.emit(Fact::Decision(decision));
        }
    }

    /// Raises an alert unless the same one is quiet.
    pub(crate) fn alert(
        &mut self,
        kind: AlertKind,
        symbol: Option<SymbolId>,
        strategy: Option<StrategyId>,
        message: impl FnOnce() -> String,
    ) {
        let now = self.now;
        let raised = self.analysis.alerts.raise(now, kind, symbol, strategy, message);
        if let Some(alert) = raised {
            self.emit(Fact::Alert(Box::new(alert)));
        }
    }
}
