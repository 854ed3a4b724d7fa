//! The engine: one `apply` per input, one `next_deadline` for the driver.
//!
//! Order inside `apply`: deadlines that are due fire first, then the input is observed, then the
//! core decides (journal.md 2). Timers due at T run after the bars that end at T (TB1, TF1):
//! a market event or a report at T fires deadlines before T only, [`Input::Time`] also those at T.

mod brokers;
mod evaluating;
mod recovering;
mod risk;

use std::sync::Arc;

use model::exchange::{Calendar, Session, TickTable, settlement_date};
use model::record::{DecodeError, Reader, Record, Writer};
use model::{Bar, BarFault, Cash, ExecutionReport, ExitReason, Symbol, SymbolId, Timestamp, Trade};

use crate::alert_system::{AlertKind, AlertSystem};
use crate::books::{Anomaly, Books, Observed, Seen};
use crate::core::Core;
use crate::data_manager::{DataManager, DataPolicy, Needs, PrintFault, watching};
use crate::desk::{Analysis, Desk, Identity};
use crate::execution_engine::{self, BrokerTraits, outcomes, reconciliation, routing, unheard};
use crate::fact::{DayRoll, Fact, GateChange, SlotKey};
use crate::input::{Control, Input, MarketEvent, Sequenced, Start};
use crate::lifecycle::State;
use crate::order_manager::{actions, entries, exits, protection, rebalancing, trailing};
use crate::output::Outputs;
use crate::performance_tracker::{Watch, close_trade};
use crate::queues::QueueStatus;
use crate::risk_manager::{
    Block, BlockReason, ControlId, Gate, Limits, LossLevel, MarketRules, Scope, judge_equity,
    judge_streak, loss_level,
};
use crate::session::Ticks;
use crate::strategy_engine::{Event, SessionEvent, SignalCounts, Strategy, Wishes};
use crate::timers::{Timer, Timers};

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
    identity: Identity,
    record_all: bool,
    now: Timestamp,
    started: bool,
    seen: Seen,
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
            identity: Identity { tag: config.tag },
            record_all: config.record_all,
            now: Timestamp::MIN,
            started: false,
            seen: Seen::default(),
        }
    }

    /// Takes one input; afterwards `out` holds the facts and commands that follow from it.
    pub fn apply(&mut self, input: &Sequenced<Input>, out: &mut Outputs) {
        out.clear();
        let inclusive = matches!(input.item, Input::Time);
        // Engine time never goes back (journal.md 11).
        let before = self.now;
        let time = input.time.max(before);
        if self.next_deadline().is_some_and(|next| next <= time) {
            self.fire_deadlines(time, inclusive, out);
            out.deadline_facts = out.facts.len();
        }
        self.now = time;
        match &input.item {
            Input::Market { source, event } => {
                let data = &mut self.analysis.data;
                let counts = !data.is_watched() || data.hear(*source, event, time);
                match event {
                    _ if !counts => {}
                    MarketEvent::Bar { symbol, bar } => self.on_bar(*symbol, bar, false, out),
                    MarketEvent::Trade { symbol, trade } => self.on_trade(*symbol, trade, out),
                    other => self.on_market(other, out),
                }
            }
            Input::Broker { broker, event } => {
                let seen = self.observe(&input.item);
                self.on_broker(*broker, event, &seen, out);
                self.seen = seen;
            }
            Input::Time => {}
            Input::Start(start) => {
                self.seen = self.observe(&input.item);
                self.on_start(start, before, out);
            }
            Input::Connection { link, up } => {
                self.seen = self.observe(&input.item);
                execution_engine::on_connection(&mut self.desk(out), *link, *up);
            }
            Input::Control(control) => {
                let seen = self.observe(&input.item);
                self.on_reports(&seen, out);
                self.on_control(*control, seen.claimed, out);
                self.seen = seen;
            }
            Input::Reference(day) => self.analysis.data.accept_reference(day),
            Input::Limits(change) => self.on_limits(change, out),
            Input::Action(action) => {
                let seen = self.observe(&input.item);
                actions::on_announced(&mut self.desk(out), action, seen.announced);
                self.seen = seen;
            }
        }
    }

    /// Takes an input into the books; what it brought to light is given back after deciding, so
    /// that its memory is used again.
    fn observe(&mut self, input: &Input) -> Seen {
        let mut seen = std::mem::take(&mut self.seen);
        self.core.observe(input, self.now, &mut seen);
        seen
    }

    /// Returns the earliest time for which the engine wants an [`Input::Time`].
    #[inline]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let minute = self.analysis.data.minute_due();
        let next = self.analysis.timers.next().map_or(minute, |timer| timer.min(minute));
        (next != Timestamp::MAX).then_some(next)
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

    fn on_timer(&mut self, timer: Timer, out: &mut Outputs) {
        match timer {
            Timer::SessionBegin => self.begin_session(out),
            Timer::SessionOpen => self.tell_all(Event::Session(SessionEvent::Open), out),
            Timer::OpeningEnds => self.desk(out).cancel_entries(Scope::All),
            Timer::FlatBeforeClose => {
                exits::close_all(&mut self.desk(out), Scope::All, ExitReason::FlatBy);
            }
            Timer::SessionClose => {
                self.record_trades(None, None, out);
                self.tell_all(Event::Session(SessionEvent::Close), out);
                self.compare_all(out);
            }
            Timer::Wake(strategy) => {
                self.run_strategy(strategy.index(), Event::Time(self.now), out);
            }
            Timer::Position { slot, group } => {
                exits::on_timer(&mut self.desk(out), slot, group);
            }
            Timer::EntryExpiry(order) => entries::expire(&mut self.desk(out), order),
            Timer::AskOrder(order) => outcomes::on_ask_timer(&mut self.desk(out), order),
            Timer::DoubtAlarm(order) => outcomes::on_alarm(&mut self.desk(out), order),
            Timer::Retry(order) => outcomes::on_retry(&mut self.desk(out), order),
            Timer::FailOver(broker) => routing::on_timer(&mut self.desk(out), broker),
            Timer::EntryAge(order) => entries::age(&mut self.desk(out), order),
            Timer::LimitsRaise => self.on_raise_due(out),
            Timer::Unheard(order) => unheard::on_timer(&mut self.desk(out), order),
            Timer::Compare(broker) => reconciliation::on_timer(&mut self.desk(out), broker),
            Timer::DataCheck => {
                for (symbol, source) in watching::look(&mut self.desk(out)) {
                    self.tell_all(Event::Source { symbol, source }, out);
                }
            }
        }
    }

    fn on_start(&mut self, start: &Start, last_time: Timestamp, out: &mut Outputs) {
        let mut desk = self.desk(out);
        execution_engine::on_start(&mut desk, start, last_time);
        desk.emit(Fact::Gate(GateChange::Lifecycle(State::Starting)));
        if !self.started {
            self.started = true;
            self.start_cold(out);
        }
        // The gate opens when the brokers' books are compared (F35).
        reconciliation::open_gate(&mut self.desk(out));
    }

    /// Sets the deadline of the next session that begins after `time`. Beyond the calendar's
    /// years there is none: no session, no opening (TC9).
    fn schedule_session_after(&mut self, time: Timestamp) {
        let date = model::exchange::new_york_date(time);
        let begins = |session: &Session| session.pre_open > time;
        let today = self.calendar.session(date).ok().flatten().filter(begins);
        if let Some(session) = today.or_else(|| self.calendar.next_session(date)) {
            self.analysis.timers.set(session.pre_open, Timer::SessionBegin);
        }
    }

    fn begin_session(&mut self, out: &mut Outputs) {
        let now = self.now;
        let Some(session) = self.calendar.session_at(now) else { return };
        self.record_trades(None, None, out);
        self.begin_rules_day(&session);
        self.analysis.session = Some(session);
        self.analysis.data.begin_day();
        // They happen overnight: the equity of the day is after them (F27, TS1).
        actions::happen(&mut self.desk(out), session.date);
        self.record_trades(None, None, out);
        if !self.is_day_open(&session) {
            let settles = settlement_date(&self.calendar, session.date);
            let mut desk = self.desk(out);
            let roll = DayRoll {
                session: session.date,
                equity: desk.equity(),
                first_order: desk.books().orders().next_number(),
                settles,
            };
            desk.emit(Fact::DayRoll(roll));
        }
        self.analysis.refusals.fill(None);
        let limits = self.core.books().gate().limits();
        let ends = session.close.plus_nanos(-limits.opening_ends_before_close_ns);
        let flat = limits.flat_before_close_ns.map(|ns| session.close.plus_nanos(-ns));
        let marks = [
            (Some(session.open), Timer::SessionOpen),
            (Some(ends), Timer::OpeningEnds),
            (flat, Timer::FlatBeforeClose),
            (Some(session.close), Timer::SessionClose),
        ];
        for (time, timer) in marks {
            if let Some(time) = time.filter(|&time| time > now) {
                self.analysis.timers.set(time, timer);
            }
        }
        self.schedule_session_after(session.post_close);
        watching::schedule(&mut self.desk(out));
        self.tell_all(Event::Session(SessionEvent::Begin), out);
    }

    #[inline]
    fn on_bar(&mut self, symbol: SymbolId, bar: &Bar, backfilled: bool, out: &mut Outputs) {
        let Analysis { data, session, .. } = &mut self.analysis;
        if let Err(fault) = data.accept_bar(symbol, bar, session.as_ref(), self.now, backfilled) {
            self.on_bad_bar(symbol, bar, fault, out);
            return;
        }
        if !self.core.books().closed().is_empty() {
            self.record_trades(Some(symbol), Some(bar), out);
        }
        if self.core.books().is_symbol_active(symbol) {
            trailing::on_bar(&mut self.desk(out), symbol, bar);
            self.judge_loss(out);
        }
        for index in 0..self.strategies.len() {
            self.run_strategy(index, Event::Bar { symbol, bar }, out);
        }
    }

    /// A bar that is not used: said once, where an operator should know.
    #[cold]
    fn on_bad_bar(&mut self, symbol: SymbolId, bar: &Bar, fault: BarFault, out: &mut Outputs) {
        let kind = match fault {
            // Nothing is wrong with a repetition, and the gap itself was told.
            BarFault::Repeated | BarFault::InAGap => return,
            // TB8: the running session keeps what it acted on; the input is in the journal.
            BarFault::OutOfOrder | BarFault::Corrected => AlertKind::LateData,
            _ => AlertKind::BadData,
        };
        self.desk(out)
            .alert(kind, Some(symbol), None, || format!("bar {} was not used: {fault}", bar.start));
    }

    /// Takes a print in: it moves the mark and its minute; strategies see closed minutes (TB1).
    #[inline]
    fn on_trade(&mut self, symbol: SymbolId, trade: &Trade, out: &mut Outputs) {
        let Analysis { data, session, .. } = &mut self.analysis;
        match data.accept_trade(symbol, trade, session.as_ref(), self.now) {
            Ok(complete) => {
                if self.core.books().is_symbol_active(symbol) {
                    trailing::on_print(&mut self.desk(out), symbol, trade.price);
                }
                while complete && self.analysis.data.is_minute_complete(self.now) {
                    self.close_minute(out);
                }
            }
            // Every feed carries prints that set no price: nothing is wrong with them.
            Err(PrintFault::Condition) => {}
            Err(fault) => self.desk(out).alert(AlertKind::BadData, Some(symbol), None, || {
                format!("print of {} at {} was refused: {fault}", trade.time, trade.price)
            }),
        }
    }

    /// Publishes the bars of the oldest minute in progress, symbols in order of tickers (TF1).
    #[cold]
    fn close_minute(&mut self, out: &mut Outputs) {
        for index in 0..self.analysis.data.symbols().len() {
            let symbol = SymbolId(index as u32);
            if let Some(bar) = self.analysis.data.close_minute(symbol) {
                self.on_bar(symbol, &bar, false, out);
            }
        }
        self.analysis.data.next_minute();
    }

    fn on_market(&mut self, event: &MarketEvent, out: &mut Outputs) {
        match event {
            MarketEvent::Quote { symbol, quote } => {
                self.analysis.data.accept_quote(*symbol, quote, self.now);
            }
            MarketEvent::Trade { symbol, trade } => self.on_trade(*symbol, trade, out),
            MarketEvent::Halt { symbol, halt } => {
                self.analysis.data.accept_halt(*symbol, halt);
                if halt.halted {
                    // TG37, C21: entries are withdrawn, exits stay.
                    self.desk(out).cancel_entries(Scope::Symbol(*symbol));
                }
                self.tell_all(Event::Halt { symbol: *symbol, halted: halt.halted }, out);
            }
            MarketEvent::Bands { symbol, bands } => self.on_bands(*symbol, *bands, out),
            MarketEvent::Breaker(breaker) => self.on_breaker(*breaker, out),
            MarketEvent::Bar { symbol, bar } => self.on_bar(*symbol, bar, false, out),
            MarketEvent::Heartbeat => {}
            MarketEvent::Gap { symbol, missing } => {
                self.analysis.data.begin_gap(*symbol, self.now);
                let block = Block::new(Scope::Symbol(*symbol), BlockReason::Gap);
                self.desk(out).block(block, || format!("{missing} market-data events are missing"));
            }
            // The block of the gap holds: strategies evaluate and open nothing.
            MarketEvent::Backfill { symbol, bar } => self.on_bar(*symbol, bar, true, out),
            MarketEvent::BackfillEnd { symbol } => {
                self.analysis.data.end_gap(*symbol);
                self.desk(out).lift(Block::new(Scope::Symbol(*symbol), BlockReason::Gap));
            }
        }
    }

    fn on_report(&mut self, report: &ExecutionReport, observed: &Observed, out: &mut Outputs) {
        outcomes::after_report(&mut self.desk(out), report);
        self.explain(observed, out);
        let Some(key) = observed.slot else { return };
        if observed.opened {
            self.on_opened(key);
        }
        let mut desk = self.desk(out);
        if let Some(Anomaly::Refused(number, reason)) = observed.anomaly {
            protection::after_refusal(&mut desk, key, number, reason);
        }
        exits::settle(&mut desk, key);
        if observed.filled {
            self.judge_loss(out);
        }
    }

    /// A fill opened a position: its watch starts anew and its time rules get their deadlines.
    fn on_opened(&mut self, key: SlotKey) {
        let index = self.analysis.slot_index(key);
        if let Some(watch) = self.analysis.watches.get_mut(index) {
            *watch = Watch::default();
        }
        self.set_exit_deadlines(key);
    }

    /// Says and blocks what a report brought to light that does not fit.
    fn explain(&mut self, observed: &Observed, out: &mut Outputs) {
        let slot = observed.slot;
        let mut desk = self.desk(out);
        if let Some((kind, text)) = observed.anomaly.as_ref().and_then(Anomaly::alert) {
            let symbol = slot.map(|key| key.symbol).or(observed.suspense);
            desk.alert(kind, symbol, slot.map(|key| key.strategy), || text);
        }
        if let Some(symbol) = observed.suspense {
            desk.block(Block::new(Scope::Symbol(symbol), BlockReason::Suspense), || {
                "something is filled that no plan explains: compare with the broker, then resume"
                    .to_owned()
            });
        }
        if let Some(voided) = observed.voided {
            desk.emit(Fact::TradeVoided(voided));
        }
    }

    /// Records the trades of closed positions, of one symbol with its exit bar or all that wait.
    fn record_trades(&mut self, symbol: Option<SymbolId>, bar: Option<&Bar>, out: &mut Outputs) {
        while let Some((key, position)) = self
            .core
            .books()
            .closed()
            .iter()
            .find(|(key, _)| symbol.is_none_or(|symbol| key.symbol == symbol))
        {
            let index = self.analysis.slot_index(*key);
            let mut watch = self.analysis.watches.get(index).copied().unwrap_or_default();
            if let Some(last) = position.executions().last() {
                watch.finish(bar.map(|bar| bar.open), last.fill.price);
            }
            let trade = close_trade(self.core.books().trades() + 1, *key, position, &watch);
            let strategy = trade.strategy;
            self.core.emit(Fact::TradeClosed(Box::new(trade)), out);
            judge_streak(&mut self.desk(out), strategy);
        }
    }

    /// Raises the loss level when the day's result crosses a line of C10, and blocks everything
    /// when the equity fell too far from its peak (C11).
    fn judge_loss(&mut self, out: &mut Outputs) {
        let limits = self.core.books().gate().limits();
        if limits.max_daily_loss_pct.is_none() && limits.max_drawdown_pct.is_none() {
            return;
        }
        let mut desk = self.desk(out);
        let now_worth = desk.equity();
        judge_equity(&mut desk, now_worth);
        let day = desk.books().day();
        let (equity, reached) = (day.equity, day.loss);
        let Some(lines) = desk.books().gate().limits().loss_lines(equity) else { return };
        let result = now_worth.minus(equity);
        let level = loss_level(result, &lines);
        if level <= reached {
            return;
        }
        desk.emit(Fact::Gate(GateChange::Loss(level)));
        let (limit, value) = (lines.halt.to_f64(), result.negated().to_f64());
        desk.note_trigger(ControlId(10), None, None, limit, value);
        desk.alert(AlertKind::DailyLoss, None, None, || {
            format!("the day's result is {result}: level {}", level.name())
        });
        if level >= LossLevel::ReduceOnly {
            desk.cancel_entries(Scope::All);
        }
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
            Control::PauseTrading(Scope::All) => {}
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
