//! The engine: one `apply` per input, one `next_deadline` for the driver.
//!
//! Order inside `apply`: deadlines that are due fire first, then the input is observed, then the
//! core decides (journal.md 2). Timers due at T run after the bars that end at T (TB1, TF1):
//! a market event or a report at T fires deadlines before T only, [`Input::Time`] also those at T.

mod brokers;
mod day;
mod evaluating;
mod market;
mod recovering;
mod replying;
mod risk;

use std::sync::Arc;

use model::exchange::{Calendar, Session, TickTable};
use model::record::{DecodeError, Reader, Record, Writer};
use model::{BrokerId, Cash, ExitReason, MarketEvent, Symbol, Timestamp};

use crate::alert_system::{AlertKind, AlertSystem};
use crate::books::{Books, Seen};
use crate::core::Core;
use crate::data_manager::{DataManager, DataPolicy, Needs};
use crate::desk::{Analysis, Desk, Identity};
use crate::execution_engine::{self, BrokerTraits, outcomes, routing};
use crate::fact::{Fact, GateChange};
use crate::input::{Control, Input, Instruction, Sequenced};
use crate::lifecycle::State;
use crate::order_manager::{actions, exits, rebalancing};
use crate::output::Outputs;
use crate::performance_tracker::Watch;
use crate::queues::QueueStatus;
use crate::risk_manager::{Block, BlockReason, Gate, Limits, MarketRules, Scope};
use crate::session::Ticks;
use crate::strategy_engine::{SignalCounts, Strategy, Wishes, allowed_calls};
use crate::timers::Timers;

/// A strategy instance of a run.
#[derive(Debug)]
pub struct Instance {
    /// Its name in reports: `NAME` or `NAME@tag`.
    pub name: String,
    /// The strategy.
    pub strategy: Box<dyn Strategy>,
}

/// What an engine is built from.
#[derive(Debug)]
pub struct EngineConfig {
    /// The run's symbols; their ids are their places.
    pub symbols: Vec<Symbol>,
    /// The run's strategies; their ids are their places.
    pub strategies: Vec<Instance>,
    /// Cash at the start.
    pub cash: Cash,
    /// Limits in force.
    pub limits: Limits,
    /// Sessions of the exchange.
    pub calendar: Arc<Calendar>,
    /// Minimum price increments.
    pub ticks: TickTable,
    /// Installation tag of client ids: upper-case letters and digits, zero padded (R10).
    pub tag: [u8; 4],
    /// The brokers; their ids are their places. The first one is the primary.
    pub brokers: Vec<BrokerTraits>,
    /// Whether entries may go to another broker when one is not available (R6).
    pub opening_failover: bool,
    /// Whether evaluations that led to nothing are recorded too.
    pub record_all: bool,
    /// How market data is judged.
    pub data: DataPolicy,
}

/// The deterministic core.
#[derive(Debug)]
pub struct Engine {
    core: Core,
    analysis: Analysis,
    strategies: Vec<Instance>,
    calendar: Arc<Calendar>,
    wishes: Wishes,
    signals: SignalCounts,
    /// Calls of its context that a strategy may make in one evaluation.
    calls: u32,
    identity: Identity,
    record_all: bool,
    now: Timestamp,
    started: bool,
    /// What the last input brought to light: lent out while it is decided on, so that its memory
    /// is used again.
    seen: Option<Box<Seen>>,
}

impl Engine {
    /// Builds a stopped engine.
    pub fn new(config: EngineConfig) -> Self {
        let symbols = config.symbols.len();
        let mut strategies = config.strategies;
        let needs = strategies.iter().fold(Needs::NONE, |needs, i| needs.and(i.strategy.needs()));
        strategies.iter_mut().for_each(|instance| instance.strategy.prepare(symbols));
        let slots = symbols * strategies.len();
        let gate = Gate::new(config.limits);
        Self {
            core: Core::new(
                Books::new(symbols, strategies.len(), config.cash, gate)
                    .with_venues(config.brokers.iter().map(|broker| broker.capabilities).collect())
                    .with_ticks(Ticks::new(config.ticks, config.symbols)),
            ),
            analysis: Analysis {
                timers: Timers::new(config.data.bar_grace_ns),
                data: DataManager::new(symbols, needs).with_policy(config.data),
                session: None,
                watches: vec![Watch::default(); slots],
                refusals: vec![None; slots],
                alerts: AlertSystem::default(),
                brokers: config.brokers,
                opening_failover: config.opening_failover,
                rules: MarketRules::new(symbols),
                stated: vec![Timestamp::MIN; slots],
            },
            strategies,
            calendar: config.calendar,
            wishes: Wishes::default(),
            signals: SignalCounts::default(),
            calls: allowed_calls(symbols),
            identity: Identity { tag: config.tag },
            record_all: config.record_all,
            now: Timestamp::MIN,
            started: false,
            seen: None,
        }
    }

    /// Takes one input; afterwards `out` holds the facts and commands that follow from it.
    pub fn apply(&mut self, input: &Sequenced<Input>, out: &mut Outputs) {
        out.clear();
        // Engine time never goes back (journal.md 11).
        let before = self.now;
        let time = input.time.max(before);
        if self.earliest_deadline() <= time {
            self.fire_deadlines(time, matches!(input.item, Input::Time), out);
            out.deadline_facts = out.facts.len();
        }
        self.now = time;
        if let Input::Market { source, event } = &input.item {
            let data = &mut self.analysis.data;
            let counts = !data.is_watched() || data.hear(*source, event, time);
            match event {
                _ if !counts => {}
                MarketEvent::Bar { symbol, bar } => self.on_bar(*symbol, bar, false, out),
                MarketEvent::Trade { symbol, trade } => self.on_trade(*symbol, trade, out),
                other => self.on_market(other, out),
            }
        } else {
            self.take_in(&input.item, before, out);
        }
    }

    /// Takes in what is no market data. Out of line: market data is most of what comes, and its way
    /// stays short.
    #[inline(never)]
    fn take_in(&mut self, input: &Input, before: Timestamp, out: &mut Outputs) {
        match input {
            Input::Market { .. } | Input::Time => {}
            Input::Broker { broker, event } => {
                let seen = self.observe(input);
                self.on_broker(*broker, event, &seen, out);
                self.seen = Some(seen);
            }
            Input::Start(start) => {
                self.seen = Some(self.observe(input));
                self.on_start(start, before, out);
            }
            Input::Connection { link, up } => {
                self.seen = Some(self.observe(input));
                execution_engine::on_connection(&mut self.desk(out), *link, *up);
            }
            Input::Control(given) => {
                let seen = self.observe(input);
                let first = out.facts.len();
                if seen.refused.is_none() {
                    self.on_reports(&seen, out);
                    self.on_control(given.control, seen.claimed, out);
                    self.heed_refused_access(given, out);
                }
                self.reply(given, &seen, first, out);
                self.seen = Some(seen);
            }
            Input::Reference(day) => self.analysis.data.accept_reference(day),
            Input::Limits(change) => {
                let seen = self.observe(input);
                let refused = seen.refused;
                self.seen = Some(seen);
                if refused.is_none() {
                    self.on_limits(change, out);
                }
                self.reply_to_limits(change, refused, out);
            }
            Input::Action(action) => {
                let seen = self.observe(input);
                actions::on_announced(&mut self.desk(out), action, seen.announced);
                self.seen = Some(seen);
            }
        }
    }

    /// Takes an input into the books.
    fn observe(&mut self, input: &Input) -> Box<Seen> {
        let mut seen = self.seen.take().unwrap_or_default();
        self.core.observe(input, self.now, &mut seen);
        seen
    }

    /// Returns the earliest time for which the engine wants an [`Input::Time`].
    #[inline]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        Some(self.earliest_deadline()).filter(|&next| next != Timestamp::MAX)
    }

    /// Returns the time of the next deadline; the end of time when there is none.
    #[inline]
    fn earliest_deadline(&self) -> Timestamp {
        let minute = self.analysis.data.minute_due();
        self.analysis.timers.next().map_or(minute, |timer| timer.min(minute))
    }

    /// Returns the books for reading.
    pub fn books(&self) -> &Books {
        self.core.books()
    }

    /// Returns the market-data state for reading.
    pub fn data(&self) -> &DataManager {
        &self.analysis.data
    }

    /// Returns the strategies of the run.
    pub fn strategies(&self) -> &[Instance] {
        &self.strategies
    }

    /// Returns the session in progress, from 04:00 to 20:00 New York.
    pub fn session(&self) -> Option<&Session> {
        self.analysis.session.as_ref()
    }

    /// Returns the engine's time.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Returns true when requests can reach a broker: its connection stands, or it needs none.
    pub fn reaches(&self, broker: BrokerId) -> bool {
        let traits = self.analysis.brokers.get(usize::from(broker.0));
        traits.is_some_and(|traits| !traits.remote)
            || self.core.books().brokers().get(broker).connected
    }

    /// Returns what the queue `trade_signals` has seen; between inputs it is empty.
    pub fn trade_signals(&self) -> QueueStatus {
        self.signals.status()
    }

    /// Returns how many alerts were raised.
    pub fn alerts_raised(&self) -> u64 {
        self.analysis.alerts.raised()
    }

    /// Returns the account's equity with all positions at their marks.
    pub fn equity(&self) -> Cash {
        self.analysis.equity(self.core.books())
    }

    /// Returns the hash of every signal, risk decision, order and fill so far (contract.md 5).
    pub fn decision_hash(&self) -> u128 {
        self.core.decision_hash()
    }

    fn desk<'a>(&'a mut self, out: &'a mut Outputs) -> Desk<'a> {
        Desk::new(&mut self.core, &mut self.analysis, out, self.now, self.identity, self.record_all)
    }

    #[cold]
    fn fire_deadlines(&mut self, until: Timestamp, inclusive: bool, out: &mut Outputs) {
        while let Some(next) = self.next_deadline() {
            if next > until || (next == until && !inclusive) {
                return;
            }
            // Timers due at T run after the minute that ends at T (TB1).
            if self.analysis.data.minute_due() == next {
                self.now = next.max(self.now);
                self.close_minute(out);
                continue;
            }
            let Some((time, timer)) = self.analysis.timers.pop() else { return };
            self.now = time.max(self.now);
            self.on_timer(timer, out);
        }
    }

    /// Attempts at the API that were refused are an operator's business (S8).
    fn heed_refused_access(&mut self, given: &Instruction, out: &mut Outputs) {
        let Control::AccessRefused(attempts) = given.control else { return };
        let (from, what) = (&given.from, &given.reason);
        self.desk(out).alert(AlertKind::AuthFailures, None, None, || {
            format!(
                "attempts at the API that were refused: {attempts}; the last from {from}: {what}"
            )
        });
    }

    fn on_control(&mut self, control: Control, claimed: bool, out: &mut Outputs) {
        let stopped = self.stopped_by_fault(control);
        let mut desk = self.desk(out);
        let state = desk.books().lifecycle();
        let next = state.after(control);
        if let Control::EmergencyStop(scope) = control {
            // Blocks first, then cancels (C31).
            desk.block(Block::new(scope, BlockReason::Kill), || "emergency stop".to_owned());
        }
        if next != state {
            desk.emit(Fact::Gate(GateChange::Lifecycle(next)));
        }
        if !next.may_open() {
            desk.cancel_entries(Scope::All);
        }
        match control {
            Control::EmergencyStop(scope) => rebalancing::abort(&mut desk, scope),
            Control::Rebalance(scope) => rebalancing::rebalance(&mut desk, scope),
            Control::PauseTrading(Scope::All)
            | Control::Acknowledge(_)
            | Control::AccessRefused(_) => {}
            Control::PauseTrading(scope) => {
                let block = Block::new(scope, BlockReason::Operator);
                desk.block(block, || "paused by an operator".to_owned());
            }
            Control::ResumeTrading(scope) => desk.resume(scope),
            Control::Flatten(scope) => exits::close_all(&mut desk, scope, ExitReason::Flatten),
            Control::Block(block) => {
                desk.block(block, || format!("a supervisor found: {}", block.reason.name()));
            }
            Control::Lift(block) => desk.lift(block),
            Control::Route(broker) => routing::switch(&mut desk, broker),
            Control::Resolve { order, resolution } => {
                outcomes::after_resolution(&mut desk, order, resolution);
            }
            Control::Adjust { broker, symbol, .. } => self.after_adjustment(broker, symbol, out),
            Control::Claim { slot, .. } => self.after_claim(slot, claimed, out),
            Control::Promote { strategy, to } => self.promote(strategy, to, out),
            Control::CancelOrder(order) => {
                if desk.books().orders().get(order).is_some_and(|o| !o.request.role.is_exit()) {
                    desk.cancel(order);
                }
            }
            Control::AcceptClock(_) => desk.lift(Block::new(Scope::All, BlockReason::Clock)),
            Control::Stop => {
                self.record_trades(None, None, out);
                self.desk(out).emit(Fact::Gate(GateChange::Lifecycle(State::Stopped)));
            }
        }
        if let Some(strategy) = stopped {
            self.restart_if_lifted(strategy, out);
        }
    }
}

impl Record for Engine {
    fn save(&self, writer: &mut Writer) {
        writer.nested(1, |w| self.core.books().save(w));
        writer.nested(2, |w| self.analysis.data.save(w));
        writer.nested(3, |w| self.analysis.timers.save(w));
        writer.field(4, &self.analysis.watches);
        writer.field(5, &self.analysis.alerts);
        writer.field(6, &self.now);
        writer.field(7, &self.started);
        writer.field(8, &self.analysis.session.map(|session| session.date));
        let refusals: Vec<u8> =
            self.analysis.refusals.iter().map(|r| r.map_or(0, |code| code as u8 + 1)).collect();
        writer.field(9, &refusals);
        writer.field(11, &self.signals);
        writer.field(12, &self.analysis.rules);
        writer.field(13, &self.analysis.stated);
        for instance in &self.strategies {
            writer.nested(10, |w| instance.strategy.save(w));
        }
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        use model::record::read;
        let mut strategies = 0;
        let mut session: Option<model::Date> = None;
        let mut refusals: Vec<u8> = Vec::new();
        while let Some(field) = reader.next_field()? {
            let body = field.blob().unwrap_or_default();
            match field.tag {
                1 => self.core.books_from(&mut Reader::new(body))?,
                2 => self.analysis.data.load(&mut Reader::new(body))?,
                3 => self.analysis.timers.load(&mut Reader::new(body))?,
                4 => read(&mut self.analysis.watches, &field, "Engine")?,
                5 => read(&mut self.analysis.alerts, &field, "Engine")?,
                6 => read(&mut self.now, &field, "Engine")?,
                7 => read(&mut self.started, &field, "Engine")?,
                8 => read(&mut session, &field, "Engine")?,
                9 => read(&mut refusals, &field, "Engine")?,
                10 => {
                    if let Some(instance) = self.strategies.get_mut(strategies) {
                        instance.strategy.load(&mut Reader::new(body))?;
                    }
                    strategies += 1;
                }
                11 => read(&mut self.signals, &field, "Engine")?,
                12 => read(&mut self.analysis.rules, &field, "Engine")?,
                13 => read(&mut self.analysis.stated, &field, "Engine")?,
                _ => {}
            }
        }
        self.calls = allowed_calls(self.analysis.data.symbols().len());
        self.analysis.session = session.and_then(|date| self.calendar.session(date).ok().flatten());
        self.analysis.refusals = refusals
            .iter()
            .map(|&code| {
                let index = usize::from(code).checked_sub(1)?;
                crate::risk_manager::RejectCode::ALL.get(index).copied()
            })
            .collect();
        Ok(())
    }
}
