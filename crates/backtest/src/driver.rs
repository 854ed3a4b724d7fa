//! The order of events inside one instant (TF1): fills of all bars that end at it, then those
//! bars with their evaluations, then timers; symbols in order of tickers.

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
use model::exchange::{Calendar, CalendarError, Segment, Session, TickTable, settlement_date};
use model::{
    Bar, Cash, Date, ExecType, Halt, MINUTE_NS, Price, Quantity, SourceId, SymbolId, Timestamp,
};
use simulator::{Exchange, ExchangeConfig, Night};

use crate::actions::corporate;
use crate::data::{Action, MarketData};
use crate::reference::References;
use crate::result::{OpenPosition, RunResult, Sink};
use crate::tick_feed::TickFeed;

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
    let mut driver = Driver::new(data, strategies, config, sink);
    if let Some(first) = sessions.first() {
        let before = config.calendar.previous_session(first.date);
        driver.result.equity.push((before.map_or(first.date, |s| s.date), config.cash));
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
    Ok(driver.finish())
}

/// Feeds one engine and one exchange.
struct Driver<'a> {
    data: &'a MarketData,
    config: &'a RunConfig,
    engine: Engine,
    exchange: Exchange,
    sink: &'a mut dyn Sink,
    references: References,
    cursors: Vec<Cursor>,
    /// Start of each symbol's next bar; the end of time when there is none.
    starts: Vec<Timestamp>,
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
}

/// How far a symbol's data has been fed.
#[derive(Clone, Copy, Debug, Default)]
struct Cursor {
    bar: usize,
    halt: usize,
    /// First bar of the session.
    begin: usize,
}

impl<'a> Driver<'a> {
    fn new(
        data: &'a MarketData,
        strategies: Vec<Instance>,
        config: &'a RunConfig,
        sink: &'a mut dyn Sink,
    ) -> Self {
        let symbols: Vec<_> = data.symbols().iter().map(|data| data.symbol).collect();
        let mut exchange = Exchange::new(config.exchange.clone(), symbols.len());
        exchange.deposit(config.cash);
        for (index, &symbol) in symbols.iter().enumerate() {
            exchange.name_symbol(SymbolId(index as u32), symbol);
        }
        let mut needs = strategies.iter().fold(Needs::NONE, |n, i| n.and(i.strategy.needs()));
        if config.limits.max_adv_pct.is_some() {
            needs = needs.and(Needs::ADV);
        }
        let engine = Engine::new(EngineConfig {
            symbols,
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
        });
        Self {
            data,
            config,
            engine,
            exchange,
            sink,
            references: References::new(data, needs),
            cursors: vec![Cursor::default(); data.symbols().len()],
            starts: vec![Timestamp::MAX; data.symbols().len()],
            ticks: TickFeed::new(data),
            next_halt_at: Timestamp::MAX,
            input: Sequenced { seq: 0, time: Timestamp::MIN, item: Input::Time },
            out: Outputs::default(),
            commands: Vec::new(),
            result: RunResult::default(),
            gross_sum: 0.0,
            acted: Vec::new(),
            unusable: Vec::new(),
        }
    }

    /// Takes the sessions before the run in as reference data (TB7).
    fn warm_up(&mut self, first: &Session) {
        for (index, data) in self.data.symbols().iter().enumerate() {
            let bars = &data.bars;
            let end = bars.partition_point(|bar| bar.start < first.pre_open);
            self.references.warm_up(index, &bars[..end], &self.config.calendar);
            let halts = data.halts.partition_point(|halt| halt.time < first.pre_open);
            self.cursors[index] = Cursor { bar: end, halt: halts, begin: end };
        }
        for (index, bars) in self.ticks.skip_before(first.pre_open) {
            self.references.warm_up(index, &bars, &self.config.calendar);
        }
        self.find_next_halt();
    }

    /// Applies one input, carries its commands out and passes its facts on.
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
        self.engine.apply(&self.input, &mut self.out);
        if !self.out.facts.is_empty() || !self.out.evaluations.is_empty() {
            self.note_facts();
        }
    }

    fn note_facts(&mut self) {
        for fact in self.out.facts.drain(..) {
            self.sink.fact(&self.engine, &fact);
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
            self.sink.evaluation(&self.engine, decision);
        }
        self.commands.extend_from_slice(&self.out.commands);
    }

    /// Carries commands out and feeds the exchange's reports back until both are silent.
    #[inline]
    fn settle(&mut self, now: Timestamp) {
        loop {
            let mut commands = std::mem::take(&mut self.commands);
            for command in commands.drain(..) {
                match command {
                    Command::Submit(order) => self.exchange.submit(&order, now),
                    Command::Replace(request) => self.exchange.replace(&request, now),
                    Command::Cancel(request) => self.exchange.cancel(&request, now),
                    // The exchange answers every request at once: nothing is in doubt.
                    Command::Query(_) => {}
                }
            }
            self.commands = commands;
            let Some(report) = self.exchange.next_report() else { return };
            if matches!(report.exec, ExecType::Trade(_)) {
                self.result.fills += 1;
            }
            self.apply(
                now,
                Input::Broker { broker: report.broker, event: BrokerEvent::Report(report) },
            );
        }
    }

    /// Fires deadlines before `until`, or at it as well.
    #[inline]
    fn fire_deadlines(&mut self, until: Timestamp, inclusive: bool) {
        while let Some(next) = self.engine.next_deadline() {
            if next > until || (next == until && !inclusive) {
                return;
            }
            self.apply(next, Input::Time);
            self.settle(next);
        }
    }

    fn run_session(&mut self, session: &Session) {
        self.begin_session(session);
        let mut open = true;
        while let Some(start) = self.next_start(session) {
            let end = start.plus_nanos(MINUTE_NS);
            if open && end > session.close {
                self.close_session(session);
                open = false;
            }
            if self.ticks.next_at() < end {
                self.feed_ticks(start, end, session);
            }
            self.feed_halts(end);
            self.fire_deadlines(end, false);
            self.run_minute(start, end, session);
            self.fire_deadlines(end, true);
            self.keep_built_bars(start);
        }
        if open {
            self.close_session(session);
        }
        self.feed_halts(session.post_close);
        self.fire_deadlines(session.post_close, true);
        self.end_session(session);
    }

    fn begin_session(&mut self, session: &Session) {
        self.exchange.begin_session(session);
        let previous = self.config.calendar.previous_session(session.date).map(|s| s.date);
        self.result.sessions += 1;
        for index in 0..self.cursors.len() {
            let symbol = SymbolId(index as u32);
            let day = self.references.symbol_day(symbol, session, previous);
            self.exchange.set_symbol_day(symbol, day.adv20, None);
            self.apply(session.pre_open, Input::Reference(Box::new(day)));
            let Some(data) = self.data.symbols().get(index) else { continue };
            let Some(cursor) = self.cursors.get_mut(index) else { continue };
            // Bars between sessions belong to none; the engine would refuse them.
            while data.bars.get(cursor.bar).is_some_and(|bar| bar.start < session.pre_open) {
                cursor.bar += 1;
            }
            cursor.begin = cursor.bar;
            self.starts[index] = data.bars.get(cursor.bar).map_or(Timestamp::MAX, |bar| bar.start);
            self.announce_actions(symbol, session, previous);
        }
        self.ticks.skip_before(session.pre_open);
        self.fire_deadlines(session.pre_open, true);
        for (symbol, held) in std::mem::take(&mut self.acted) {
            let broker = self.config.exchange.broker;
            let event = BrokerEvent::ActionBooked { symbol, held };
            self.apply(session.pre_open, Input::Broker { broker, event });
            self.settle(session.pre_open);
        }
    }

    /// Lets the corporate actions happen whose ex-date is the session, or a day without one before
    /// it (F27): the core is told, the exchange restates what it holds.
    fn announce_actions(&mut self, symbol: SymbolId, session: &Session, previous: Option<Date>) {
        let data = self.data;
        let Some(data) = data.symbols().get(symbol.index()) else { return };
        let first = previous.map_or(session.date, |date| date.plus_days(1));
        let due = |action: &&Action| (first..=session.date).contains(&action.date);
        for action in data.actions.iter().filter(due) {
            let last = previous.and_then(|date| self.official_close(symbol, date));
            let last = last.unwrap_or_else(|| self.mark(symbol));
            let Ok(happening) = corporate(symbol, action, last) else {
                let (name, date, factor) = (data.symbol, action.date, action.split_ratio);
                self.unusable.push(format!(
                    "{name}: the split of {date} by {factor} is no ratio of whole numbers (F27)"
                ));
                continue;
            };
            for action in happening {
                self.apply(session.pre_open, Input::Action(action));
                let held = self.exchange.act(&action, session.pre_open);
                self.acted.retain(|(of, _)| *of != symbol);
                self.acted.push((symbol, held));
            }
        }
    }

    fn official_close(&self, symbol: SymbolId, date: Date) -> Option<Price> {
        let data = self.data.symbols().get(symbol.index())?;
        let at = data.daily.binary_search_by_key(&date, |bar| bar.date).ok()?;
        Some(data.daily.get(at)?.close)
    }

    fn mark(&self, symbol: SymbolId) -> Price {
        self.engine.data().symbol(symbol).map_or(Price::ZERO, |state| state.mark)
    }

    /// Returns the earliest start of a bar that is not fed yet, within the session.
    #[inline]
    fn next_start(&self, session: &Session) -> Option<Timestamp> {
        let bar = self.starts.iter().copied().min().unwrap_or(Timestamp::MAX);
        let next = bar.min(self.ticks.next_minute());
        (next < session.post_close).then_some(next)
    }

    /// Feeds halts and their ends before `until`.
    fn feed_halts(&mut self, until: Timestamp) {
        while self.next_halt_at < until {
            let Some((index, halt)) = self.next_halt() else { return };
            let symbol = SymbolId(index as u32);
            self.fire_deadlines(halt.time, true);
            self.exchange.halt(symbol, halt.halted);
            let event = MarketEvent::Halt { symbol, halt };
            self.apply(halt.time, Input::Market { source: SourceId(0), event });
            self.settle(halt.time);
            if let Some(cursor) = self.cursors.get_mut(index) {
                cursor.halt += 1;
            }
            self.find_next_halt();
        }
    }

    fn find_next_halt(&mut self) {
        self.next_halt_at = self.next_halt().map_or(Timestamp::MAX, |(_, halt)| halt.time);
    }

    fn next_halt(&self) -> Option<(usize, Halt)> {
        let halts = self.cursors.iter().zip(self.data.symbols()).enumerate();
        halts
            .filter_map(|(index, (cursor, data))| Some((index, *data.halts.get(cursor.halt)?)))
            .min_by_key(|(_, halt)| halt.time)
    }

    fn run_minute(&mut self, start: Timestamp, end: Timestamp, session: &Session) {
        let rth = session.segment(start) == Some(Segment::Rth);
        for index in 0..self.starts.len() {
            let symbol = SymbolId(index as u32);
            if self.starts[index] != start || !self.exchange.has_live(symbol) {
                continue;
            }
            let Some(bar) = self.next_bar(index) else { continue };
            self.exchange.begin_bar(symbol, bar, rth);
            self.settle(end);
            self.exchange.end_bar();
            self.settle(end);
        }
        for index in 0..self.starts.len() {
            if self.starts[index] != start {
                continue;
            }
            let Some(bar) = self.next_bar(index) else { continue };
            self.cursors[index].bar += 1;
            self.starts[index] = self.next_bar(index).map_or(Timestamp::MAX, |bar| bar.start);
            self.result.bars += 1;
            self.apply_bar(end, SymbolId(index as u32), bar);
            if !self.commands.is_empty() {
                self.settle(end);
            }
        }
        // Minutes built of prints are closed by the deadline at their end.
        if self.ticks.len() > 0 {
            self.fire_deadlines(end, true);
        }
        if rth {
            self.note_exposure();
        }
    }

    #[inline]
    fn next_bar(&self, index: usize) -> Option<&'a Bar> {
        self.data.symbols().get(index)?.bars.get(self.cursors.get(index)?.bar)
    }

    fn note_exposure(&mut self) {
        let exposure = &mut self.result.exposure;
        exposure.minutes += 1;
        let books = self.engine.books();
        if books.active().is_empty() {
            return;
        }
        let mut gross = Cash::ZERO;
        for &key in books.active() {
            let mark = self.engine.data().symbol(key.symbol).map(|state| state.mark);
            if let (Some(position), Some(mark)) = (books.position(key), mark) {
                let value = position.value_at(mark);
                gross = gross.plus(if value < Cash::ZERO { value.negated() } else { value });
            }
        }
        if gross.is_zero() {
            return;
        }
        exposure.minutes_in_market += 1;
        let equity = books.day().equity.to_f64();
        if equity > 0.0 {
            let ratio = gross.to_f64() / equity;
            self.gross_sum += ratio;
            exposure.max_gross = exposure.max_gross.max(ratio);
        }
    }

    /// At the close: timers before it, expiry of day orders, day rounding of fees, equity (TP1).
    fn close_session(&mut self, session: &Session) {
        self.feed_halts(session.close);
        self.fire_deadlines(session.close, false);
        self.exchange.close_session(session.close);
        self.settle(session.close);
        self.fire_deadlines(session.close, true);
        for index in 0..self.cursors.len() {
            let symbol = SymbolId(index as u32);
            if !self.exchange.position(symbol).is_zero() {
                let official = self.official_close(symbol, session.date);
                self.exchange.set_close(symbol, official.unwrap_or_else(|| self.mark(symbol)));
            }
        }
        let broker = self.config.exchange.broker;
        for (kind, fee) in self.exchange.day_roll(self.night(session)) {
            let event = BrokerEvent::Charge { kind, fee };
            self.apply(session.close, Input::Broker { broker, event });
            self.result.charges.push((session.date, kind, fee));
        }
        let equity = self.mark_positions(session.date);
        self.result.equity.push((session.date, equity));
    }

    /// Returns the night after a session; without a next session it is a day long.
    fn night(&self, session: &Session) -> Night {
        let calendar = &self.config.calendar;
        let next = calendar.next_session(session.date);
        let days = next.map_or(1, |next| next.date.days() - session.date.days());
        Night {
            session: session.date,
            settles: settlement_date(calendar, session.date),
            days: u32::try_from(days).unwrap_or(1),
        }
    }

    /// Marks the open positions at official closes where the data has them, else at the last bar
    /// (TP1), and returns the equity.
    fn mark_positions(&mut self, date: Date) -> Cash {
        let books = self.engine.books();
        self.result.open_positions.clear();
        let mut equity = books.ledger().cash();
        for &key in books.active() {
            let Some(position) = books.position(key) else { continue };
            let official = self.official_close(key.symbol, date);
            let mark = official.unwrap_or_else(|| self.mark(key.symbol));
            let value = position.value_at(mark);
            equity = equity.plus(value);
            let stop = position.stop.and_then(|number| books.orders().get(number));
            self.result.open_positions.push(OpenPosition {
                strategy: key.strategy,
                symbol: key.symbol,
                quantity: position.signed_qty(),
                entry_price: position.entry_price().unwrap_or_default(),
                opened: position.opened,
                mark,
                unrealized_pnl: value.minus(position.cost),
                realized_pnl: position.flow.plus(position.cost),
                fees: position.fees,
                stop: stop.and_then(|order| order.request.kind.stop()),
            });
        }
        equity
    }

    fn end_session(&mut self, session: &Session) {
        for (index, data) in self.data.symbols().iter().enumerate() {
            if !data.trades.is_empty() {
                continue;
            }
            let cursor = self.cursors[index];
            let bars = data.bars.get(cursor.begin..cursor.bar).unwrap_or(&[]);
            self.references.push_session(index, session, bars);
        }
        for (index, bars) in self.ticks.take_bars() {
            self.references.push_session(index, session, &bars);
        }
        debug_assert_eq!(self.check(), Ok(()));
    }

    /// Checks the books' invariants and that exchange and engine agree on every position (I3).
    fn check(&self) -> Result<(), String> {
        let books = self.engine.books();
        books.check()?;
        for (index, data) in self.data.symbols().iter().enumerate() {
            let symbol = SymbolId(index as u32);
            let held: i64 = books
                .active()
                .iter()
                .filter(|key| key.symbol == symbol)
                .filter_map(|&key| Some(books.position(key)?.signed_qty().raw()))
                .sum();
            let truth = self.exchange.position(symbol).raw();
            if held != truth {
                return Err(format!("I3: {}: engine {held}, exchange {truth}", data.symbol));
            }
        }
        Ok(())
    }

    fn finish(mut self) -> RunResult {
        let exposure = &mut self.result.exposure;
        if exposure.minutes > 0 {
            exposure.mean_gross = self.gross_sum / exposure.minutes as f64;
        }
        self.result.refused = self.engine.data().refused();
        self.result.not_checked = self.references.not_checked();
        self.result.not_checked.append(&mut self.unusable);
        self.result.dividends = self.engine.books().ledger().dividends();
        self.result.tax_lots = self.engine.books().ledger().lots().totals().collect();
        self.result.fees_extrapolated = self.exchange.fees_extrapolated();
        self.result.auction_estimates = self.exchange.auction_estimates();
        self.result.decision_hash = format!("{:032x}", self.engine.decision_hash());
        self.result.end_equity =
            self.result.equity.last().map_or(self.config.cash, |&(_, equity)| equity);
        self.result
    }
}
