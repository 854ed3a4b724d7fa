//! A generated day against a memory exchange: the world around a sequencer. It outlives the
//! process that is killed, as a broker does.

use std::collections::VecDeque;

use engine::{BrokerEvent, Command, Engine, Input, MarketEvent, Outputs, Start};
use model::exchange::{CommissionPlan, Segment, Session};
use model::{MINUTE_NS, SourceId, SymbolDay, SymbolId, Timestamp};
use simulator::generator::GeneratedSymbol;
use simulator::{Exchange, ExchangeConfig, FillMode};

use crate::support::{calendar, date};

/// What drives an engine: the sequencer under test, or a bare engine.
pub(crate) trait Core {
    fn apply(&mut self, time: Timestamp, input: Input) -> &Outputs;
    fn engine(&self) -> &Engine;
}

/// The rest of a day: data, exchange and how far both are.
pub(crate) struct Day {
    pub(crate) stocks: Vec<GeneratedSymbol>,
    session: Session,
    exchange: Exchange,
    script: VecDeque<Step>,
}

/// One thing that happens in the world.
#[derive(Clone, Copy, Debug)]
enum Step {
    Reference(SymbolId),
    Close,
    /// Bars of a minute reach the exchange, ...
    Fill(SymbolId, Timestamp),
    /// ... then the core.
    Bar(SymbolId, Timestamp),
    /// Deadlines up to a minute's end.
    Time(Timestamp),
}

impl Day {
    pub(crate) fn new(stocks: Vec<GeneratedSymbol>) -> Self {
        let session = calendar().session(date("2026-06-01")).unwrap().unwrap();
        let config = ExchangeConfig::new(FillMode::Conservative, CommissionPlan::None);
        let mut exchange = Exchange::new(config, stocks.len());
        exchange.begin_session(&session);
        let mut script = VecDeque::new();
        let symbols: Vec<SymbolId> = (0..stocks.len() as u32).map(SymbolId).collect();
        script.extend(symbols.iter().map(|&symbol| Step::Reference(symbol)));
        let minutes = session.post_close.since(session.pre_open) / MINUTE_NS;
        for minute in 0..minutes {
            let start = session.pre_open.plus_nanos(minute * MINUTE_NS);
            if start == session.close {
                script.push_back(Step::Close);
            }
            for step in [Step::Fill, Step::Bar] {
                script.extend(symbols.iter().map(|&symbol| step(symbol, start)));
            }
            script.push_back(Step::Time(start.plus_nanos(MINUTE_NS)));
        }
        Self { stocks, session, exchange, script }
    }

    /// The time at which a process may begin before the day does.
    pub(crate) fn begin(&self) -> Timestamp {
        self.session.pre_open.plus_nanos(-1)
    }

    pub(crate) fn start(&self, epoch: u32, build: &str, config: &str, cold: bool) -> Start {
        Start {
            build: build.to_owned(),
            config: config.to_owned(),
            cold,
            ..Start::fresh(epoch, "demo", self.begin())
        }
    }

    /// Lets the next thing happen, with all that follows from it; false at the end of the day.
    pub(crate) fn step(&mut self, core: &mut dyn Core) -> bool {
        let Some(step) = self.script.pop_front() else { return false };
        match step {
            Step::Reference(symbol) => {
                let stock = &self.stocks[symbol.index()];
                let open = self.session.pre_open;
                let last = stock.bars.iter().rev().find(|bar| bar.start < open);
                let day = SymbolDay {
                    prev_close: last.map(|bar| bar.close),
                    adv20: Some(5e6),
                    ..SymbolDay::unknown(symbol, self.session.date)
                };
                self.apply(core, open, Input::Reference(Box::new(day)));
            }
            Step::Close => {
                self.exchange.close_session(self.session.close);
                self.settle(core, self.session.close);
            }
            Step::Fill(symbol, start) => {
                let Some(bar) = self.bar(symbol, start) else { return true };
                let rth = self.session.segment(start) == Some(Segment::Rth);
                self.exchange.begin_bar(symbol, &bar, rth);
                self.settle(core, start.plus_nanos(MINUTE_NS));
                self.exchange.end_bar();
                self.settle(core, start.plus_nanos(MINUTE_NS));
            }
            Step::Bar(symbol, start) => {
                let Some(bar) = self.bar(symbol, start) else { return true };
                let event = MarketEvent::Bar { symbol, bar };
                let end = start.plus_nanos(MINUTE_NS);
                self.apply(core, end, Input::Market { source: SourceId(0), event });
                self.settle(core, end);
            }
            Step::Time(end) => {
                while core.engine().next_deadline().is_some_and(|next| next <= end) {
                    self.apply(core, end, Input::Time);
                    self.settle(core, end);
                }
            }
        }
        true
    }

    fn bar(&self, symbol: SymbolId, start: Timestamp) -> Option<model::Bar> {
        let bars = &self.stocks[symbol.index()].bars;
        bars.binary_search_by_key(&start, |bar| bar.start).ok().map(|at| bars[at])
    }

    /// Applies an input and hands its commands over.
    pub(crate) fn apply(&mut self, core: &mut dyn Core, time: Timestamp, input: Input) {
        let commands = core.apply(time, input).commands.clone();
        for command in &commands {
            match command {
                Command::Submit(order) => self.exchange.submit(order, time),
                Command::Replace(request) => self.exchange.replace(request, time),
                Command::Cancel(request) => self.exchange.cancel(request, time),
                Command::Query(_) => {}
            }
        }
    }

    fn settle(&mut self, core: &mut dyn Core, now: Timestamp) {
        while let Some(report) = self.exchange.next_report() {
            let event = BrokerEvent::Report(report);
            self.apply(core, now, Input::Broker { broker: report.broker, event });
        }
    }
}
