//! The order of events inside one instant (TF1): fills of all bars that end at it, then those
//! bars with their evaluations, then timers; symbols in order of tickers.
//!
//! A backtest and a live shell that steps by the time of its data run this same driver over
//! different hosts ([`Host`]), so that a day of one is a day of the other.

mod closing;
mod cursor;
mod feeding;
mod host;
mod session;
mod ticks;

use std::sync::Arc;

use engine::data_manager::{DataPolicy, Needs};
use engine::execution_engine::BrokerTraits;
use engine::risk_manager::Limits;
use engine::strategy_engine::{Outcome, Rule};
use engine::{
    BrokerEvent, Command, Control, Engine, EngineConfig, Fact, Input, Instance, MarketEvent,
    Outputs, Sequenced, Start,
};
use model::exchange::{Calendar, CalendarError, Session, TickTable};
use model::{Bar, Cash, Date, ExecType, Quantity, SourceId, SymbolId, Timestamp};
use simulator::{Exchange, ExchangeConfig};

use crate::data::MarketData;
use crate::reference::References;
use crate::result::{RunResult, Sink};
use crate::tick_feed::TickFeed;

use cursor::Cursor;
use host::Plain;
pub use host::{Host, Venue, Wait};

/// The settings of a run.
#[derive(Clone, Debug)]
pub struct RunConfig {
    /// First session date.
    pub from: Date,
    /// Last session date.
    pub to: Date,
    /// Cash at the start.
    pub cash: Cash,
    /// Limits of the gate.
    pub limits: Limits,
    /// The simulated broker and exchange.
    pub exchange: ExchangeConfig,
    /// Sessions of the exchange.
    pub calendar: Arc<Calendar>,
    /// Minimum price increments.
    pub ticks: TickTable,
    /// Whether evaluations that led to nothing are recorded too.
    pub record_all: bool,
}

/// Runs strategies over data.
///
/// # Errors
/// A range with a year that the calendar does not know (TC9).
pub fn run(
    data: &MarketData,
    strategies: Vec<Instance>,
    config: &RunConfig,
    sink: &mut dyn Sink,
) -> Result<RunResult, CalendarError> {
    let sessions = config.calendar.sessions(config.from, config.to)?;
    let host = Plain {
        engine: Engine::new(engine_config(data, strategies, config)),
        exchange: exchange(data, config),
    };
    let mut driver = Driver::new(data, config, host, sink);
    if let Some(first) = sessions.first() {
        driver.warm_up(first);
        let begin = first.pre_open.plus_nanos(-1);
        driver.apply(begin, Input::Start(Box::new(Start::fresh(1, "backtest", begin))));
    }
    for (done, session) in sessions.iter().enumerate() {
        driver.run_session(session);
        driver.sink.progress(done as u64 + 1, sessions.len() as u64);
    }
    if let Some(last) = sessions.last() {
        driver.apply(last.post_close, Input::from(Control::Stop));
    }
    Ok(driver.finish().0)
}

/// Returns what the engine of a run is built from.
pub fn engine_config(
    data: &MarketData,
    strategies: Vec<Instance>,
    config: &RunConfig,
) -> EngineConfig {
    EngineConfig {
        symbols: data.symbols().iter().map(|data| data.symbol).collect(),
        strategies,
        cash: config.cash,
        limits: config.limits.clone(),
        calendar: Arc::clone(&config.calendar),
        ticks: config.ticks.clone(),
        tag: *b"BW\0\0",
        brokers: vec![BrokerTraits::simulated()],
        opening_failover: false,
        record_all: config.record_all,
        data: DataPolicy::default(),
    }
}

/// Returns the exchange of a run, with the account's cash.
pub fn exchange(data: &MarketData, config: &RunConfig) -> Exchange {
    let mut exchange = Exchange::new(config.exchange.clone(), data.symbols().len());
    exchange.deposit(config.cash);
    for (index, data) in data.symbols().iter().enumerate() {
        exchange.name_symbol(SymbolId(index as u32), data.symbol);
    }
    exchange
}

/// Feeds the core and the exchange of a host with data, session by session.
pub struct Driver<'a, H: Host> {
    data: &'a MarketData,
    config: &'a RunConfig,
    host: H,
    sink: &'a mut dyn Sink,
    references: References,
    cursors: Vec<Cursor<'a>>,
    /// Start of the earliest bar of any symbol that is not fed; the end of time when there is none.
    next_bar_at: Timestamp,
    /// Prints and quotes of the symbols that have them.
    ticks: TickFeed<'a>,
    /// Time of the next halt of any symbol.
    next_halt_at: Timestamp,
    input: Sequenced<Input>,
    out: Outputs,
    commands: Vec<Command>,
    result: RunResult,
    gross_sum: f64,
    /// Symbols with a corporate action today, and what the exchange holds after it.
    acted: Vec<(SymbolId, Quantity)>,
    /// Actions of the data that cannot happen.
    unusable: Vec<String>,
    /// The host wants the run to end.
    ended: bool,
}

impl<'a, H: Host> Driver<'a, H> {
    /// Prepares a run; [`warm_up`](Self::warm_up) comes before its first session.
    pub fn new(
        data: &'a MarketData,
        config: &'a RunConfig,
        host: H,
        sink: &'a mut dyn Sink,
    ) -> Self {
        let strategies = host.engine().strategies();
        let mut needs = strategies.iter().fold(Needs::NONE, |n, i| n.and(i.strategy.needs()));
        if config.limits.max_adv_pct.is_some() {
            needs = needs.and(Needs::ADV);
        }
        Self {
            data,
            config,
            host,
            sink,
            references: References::new(data, needs),
            cursors: data.symbols().iter().map(|data| Cursor::new(&data.bars, 0)).collect(),
            next_bar_at: Timestamp::MAX,
            ticks: TickFeed::new(data),
            next_halt_at: Timestamp::MAX,
            input: Sequenced { seq: 0, time: Timestamp::MIN, item: Input::Time },
            out: Outputs::default(),
            commands: Vec::new(),
            result: RunResult::default(),
            gross_sum: 0.0,
            acted: Vec::new(),
            unusable: Vec::new(),
            ended: false,
        }
    }

    /// Takes the sessions before the run in as reference data (TB7), and notes the account's equity
    /// before it.
    pub fn warm_up(&mut self, first: &Session) {
        let before = self.config.calendar.previous_session(first.date);
        let equity = (before.map_or(first.date, |s| s.date), self.config.cash);
        self.result.equity.push(equity);
        for (index, data) in self.data.symbols().iter().enumerate() {
            let end = data.bars.partition_point(|bar| bar.start < first.pre_open);
            let (before, bars) = data.bars.split_at(end);
            self.references.warm_up(index, before, &self.config.calendar);
            let halts = data.halts.partition_point(|halt| halt.time < first.pre_open);
            self.cursors[index] = Cursor::new(bars, halts);
        }
        for (index, bars) in self.ticks.skip_before(first.pre_open) {
            self.references.warm_up(index, &bars, &self.config.calendar);
        }
        self.find_next_halt();
    }

    /// Returns the host.
    pub fn host(&self) -> &H {
        &self.host
    }

    /// Returns the host to be changed between two sessions.
    pub fn host_mut(&mut self) -> &mut H {
        &mut self.host
    }

    /// Returns true when the host wanted the run to end.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Applies one input, carries out what follows and feeds what the exchange says back.
    pub fn feed(&mut self, time: Timestamp, item: Input) {
        self.apply(time, item);
        self.settle(time);
    }

    /// Applies one input and passes its facts on.
    #[inline]
    fn apply(&mut self, time: Timestamp, item: Input) {
        self.input.item = item;
        self.apply_input(time);
    }

    /// Applies a bar: the hot path writes it into the input of the bar before.
    #[inline]
    fn apply_bar(&mut self, time: Timestamp, symbol: SymbolId, bar: &Bar) {
        match &mut self.input.item {
            Input::Market { event: MarketEvent::Bar { symbol: of, bar: place }, .. } => {
                *of = symbol;
                *place = *bar;
            }
            other => {
                let event = MarketEvent::Bar { symbol, bar: *bar };
                *other = Input::Market { source: SourceId(0), event };
            }
        }
        self.apply_input(time);
    }

    #[inline]
    fn apply_input(&mut self, time: Timestamp) {
        self.input.seq += 1;
        self.input.time = time;
        self.host.apply(&self.input, &mut self.out);
        if !self.out.facts.is_empty() || !self.out.evaluations.is_empty() {
            self.note_facts();
        }
    }

    // Out of line: most bars lead to no fact, and their way stays short.
    #[inline(never)]
    fn note_facts(&mut self) {
        let engine = self.host.engine();
        for fact in self.out.facts.drain(..) {
            self.sink.fact(engine, &fact);
            match fact {
                Fact::Intent(_) => self.result.orders += 1,
                Fact::TradeClosed(trade) => self.result.trades.push(*trade),
                Fact::TradeVoided(voided) => {
                    self.result.trades.retain(|trade| trade.id != voided.trade);
                }
                Fact::Alert(alert) => self.result.alerts.push(*alert),
                Fact::Decision(decision) if decision.outcome == Outcome::Rejected => {
                    if let Rule::Gate(code) = decision.rule {
                        *self.result.rejections.entry(code.name().to_owned()).or_default() += 1;
                    }
                }
                _ => {}
            }
        }
        for decision in &self.out.evaluations {
            self.sink.evaluation(engine, decision);
        }
        self.commands.append(&mut self.out.commands);
    }

    /// Carries commands out and feeds the exchange's reports back until both are silent.
    #[inline]
    fn settle(&mut self, now: Timestamp) {
        loop {
            if !self.commands.is_empty() {
                self.carry_out(now);
            }
            let said = self.host.venue_mut().next_report();
            // By reference: a report is long, and is copied once into the input.
            let Some(report) = &said else { return };
            if matches!(report.exec, ExecType::Trade(_)) {
                self.result.fills += 1;
            }
            let (broker, event) = (report.broker, BrokerEvent::Report(*report));
            self.apply(now, Input::Broker { broker, event });
        }
    }

    /// Hands the commands over, once what they follow from is durable.
    fn carry_out(&mut self, now: Timestamp) {
        if self.ended || !self.host.release() {
            self.ended = true;
            self.commands.clear();
            return;
        }
        let mut answers = Vec::new();
        for command in &self.commands {
            if let Some(answer) = self.host.intercept(command) {
                answers.push(answer);
                continue;
            }
            let venue = self.host.venue_mut();
            match command {
                Command::Submit(order) => venue.submit(order, now),
                Command::Replace(request) => venue.replace(request, now),
                Command::Cancel(request) => venue.cancel(request, now),
                // The exchange answers every request at once: nothing is in doubt.
                Command::Query(_) => {}
            }
        }
        self.commands.clear();
        let broker = self.config.exchange.broker;
        for event in answers {
            self.apply(now, Input::Broker { broker, event });
        }
    }

    /// Goes on to `until`: fires the deadlines before it, or at it as well, each at its time, and
    /// takes in what is said on the way.
    #[inline]
    fn advance(&mut self, until: Timestamp, inclusive: bool) {
        while !self.ended {
            let next = self.host.engine().next_deadline();
            let next = next.filter(|&next| next < until || (next == until && inclusive));
            match self.host.wait(next.unwrap_or(until)) {
                Wait::Reached => match next {
                    Some(next) => self.feed(next, Input::Time),
                    None => return,
                },
                Wait::Said(time, input) => self.feed(time, *input),
                Wait::End => self.ended = true,
            }
        }
    }

    /// Takes in what is said, in time that stands still, until the host wants the run to end.
    pub fn idle(&mut self) {
        while !self.ended {
            match self.host.wait(Timestamp::MAX) {
                Wait::Said(time, input) => self.feed(time, *input),
                Wait::Reached | Wait::End => self.ended = true,
            }
        }
    }

    /// Ends the run: what it has left behind, and the host for another one.
    pub fn finish(mut self) -> (RunResult, H) {
        let exposure = &mut self.result.exposure;
        if exposure.minutes > 0 {
            exposure.mean_gross = self.gross_sum / exposure.minutes as f64;
        }
        self.result.refused = self.host.engine().data().refused();
        self.result.not_checked = self.references.not_checked();
        self.result.not_checked.append(&mut self.unusable);
        self.result.dividends = self.host.engine().books().ledger().dividends();
        self.result.tax_lots = self.host.engine().books().ledger().lots().totals().collect();
        self.result.fees_extrapolated = self.host.venue().fees_extrapolated();
        self.result.auction_estimates = self.host.venue().auction_estimates();
        self.result.decision_hash = format!("{:032x}", self.host.engine().decision_hash());
        self.result.end_equity =
            self.result.equity.last().map_or(self.config.cash, |&(_, equity)| equity);
        (self.result, self.host)
    }
}
