//! `storm`: opens and closes a position for ever, one intent at each step; for tests of the
//! machinery (C12, C14, C15, C40, F42). It looks at no price, and live mode refuses it.

use engine::strategy_engine::{
    Context, Event, Finding, Plan, RuleInfo, SessionEvent, Size, Strategy,
};
use model::exchange::Segment;
use model::record::{DecodeError, Reader, Record, Writer};
use model::{ExitReason, OrderKind, Quantity, SymbolId, record};

use crate::parameters::{Kind, Parameter, Settings};
use crate::registry::StrategyInfo;

pub(crate) const INFO: StrategyInfo = StrategyInfo {
    name: "storm",
    description: "For tests of the system, refused in live mode: opens and closes a position at every step",
    parameters: PARAMETERS,
    for_tests: true,
    make: |settings| Box::new(Storm::new(settings)),
};

const PARAMETERS: &[Parameter] = &[
    Parameter::new(
        "every_bars",
        Kind::Int,
        "1",
        "contract 3",
        "regular bars of a symbol from step to step; 0: no steps at bars",
    )
    .within(0.0, 390.0),
    Parameter::new(
        "every_ms",
        Kind::Int,
        "0",
        "contract 3",
        "milliseconds from step to step in every symbol; 0: no steps in between",
    )
    .within(0.0, 3_600_000.0),
    Parameter::new("quantity", Kind::Int, "1", "contract 3", "shares per trade").within(1.0, 1e6),
];

const RULES: &[RuleInfo] = &[
    RuleInfo { id: "open", text: "flat at a step", values: &["step"] },
    RuleInfo { id: "close", text: "in position at a step", values: &["step"] },
    RuleInfo { id: "wait", text: "an order is under way", values: &["step"] },
];

#[derive(Clone, Copy, Debug, Default)]
struct State {
    bars: u32,
    steps: u64,
}
record!(State { 1: bars, 2: steps });

#[derive(Debug)]
struct Storm {
    every_bars: u32,
    every_ns: i64,
    quantity: Quantity,
    states: Vec<State>,
    /// Steps in between are under way.
    ticking: bool,
}

impl Storm {
    fn new(settings: &Settings) -> Self {
        Self {
            every_bars: settings.int("every_bars") as u32,
            every_ns: settings.int("every_ms") * 1_000_000,
            quantity: settings.shares("quantity"),
            states: Vec::new(),
            ticking: false,
        }
    }

    fn on_bar(&mut self, ctx: &mut Context<'_>, symbol: SymbolId, start: model::Timestamp) {
        let rth = ctx.session().and_then(|session| session.segment(start)) == Some(Segment::Rth);
        let Some(state) = self.states.get_mut(symbol.index()).filter(|_| rth) else { return };
        state.bars += 1;
        let step = self.every_bars > 0 && state.bars.is_multiple_of(self.every_bars);
        // A process that begins after the open was not told of it.
        self.begin_ticking(ctx);
        if step {
            self.step(ctx, symbol);
        }
    }

    fn begin_ticking(&mut self, ctx: &mut Context<'_>) {
        if self.every_ns > 0 && !self.ticking {
            self.ticking = true;
            let now = ctx.now();
            ctx.wake_at(now.plus_nanos(self.every_ns));
        }
    }

    fn step(&mut self, ctx: &mut Context<'_>, symbol: SymbolId) {
        let Some(state) = self.states.get_mut(symbol.index()) else { return };
        state.steps += 1;
        let step = state.steps as f64;
        let Some(last) = ctx.symbol(symbol).map(|data| data.mark).filter(|p| p.is_positive())
        else {
            return;
        };
        if ctx.position(symbol).is_some() {
            ctx.exit(symbol, ExitReason::Signal, Finding::new(1, &[step]));
        } else if ctx.working_entry(symbol).is_some() {
            ctx.hold(symbol, Finding::new(2, &[step]));
        } else {
            let plan = Plan {
                entry: OrderKind::Market,
                reference: last,
                size: Size::Fixed(self.quantity),
                ..Plan::default()
            };
            ctx.enter(symbol, plan, Finding::new(0, &[step]));
        }
    }

    fn on_time(&mut self, ctx: &mut Context<'_>) {
        let now = ctx.now();
        if ctx.session().is_none_or(|session| now >= session.close) {
            self.ticking = false;
            return;
        }
        for index in 0..self.states.len() {
            self.step(ctx, SymbolId(index as u32));
        }
        ctx.wake_at(now.plus_nanos(self.every_ns));
    }
}

impl Strategy for Storm {
    fn rules(&self) -> &'static [RuleInfo] {
        RULES
    }

    fn prepare(&mut self, symbols: usize) {
        self.states = vec![State::default(); symbols];
    }

    fn on_event(&mut self, ctx: &mut Context<'_>, event: Event<'_>) {
        match event {
            Event::Bar { symbol, bar } => self.on_bar(ctx, symbol, bar.start),
            Event::Session(SessionEvent::Begin) => {
                self.states.fill(State::default());
                self.ticking = false;
            }
            Event::Session(SessionEvent::Open) => self.begin_ticking(ctx),
            Event::Time(_) => self.on_time(ctx),
            Event::Session(_) | Event::Halt { .. } | Event::Source { .. } => {}
        }
    }

    fn save(&self, writer: &mut Writer) {
        Record::save(self, writer);
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        Record::load(self, reader)
    }
}

record!(Storm { 1: states, 2: ticking });
