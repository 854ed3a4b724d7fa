//! `vwap_cross`: the benchmark strategy (contract.md 3), for comparisons with other engines.
//!
//! Long above the session VWAP, flat below it, at the market, a fixed quantity, no stop. Its
//! floating-point operations are in exactly the order that the contract states, so that every
//! engine takes the same decisions.

use engine::strategy_engine::{
    Context, Event, Finding, Plan, RuleInfo, SessionEvent, Size, Strategy,
};
use model::record::{DecodeError, Reader, Record, Writer};
use model::{Bar, ExitReason, MINUTE_NS, OrderKind, Quantity, SymbolId, record};

use crate::parameters::{Kind, Parameter, Settings};
use crate::registry::StrategyInfo;

pub(crate) const INFO: StrategyInfo = StrategyInfo {
    name: "vwap_cross",
    description: "Benchmark: buys when the close crosses above the session VWAP, sells when it crosses below",
    parameters: PARAMETERS,
    for_tests: false,
    make: |settings| Box::new(VwapCross::new(settings)),
};

const PARAMETERS: &[Parameter] = &[
    Parameter::new(
        "buffer_bps",
        Kind::Number,
        "0",
        "contract 3",
        "width of the band around VWAP, in basis points",
    )
    .within(0.0, 1_000.0),
    Parameter::new(
        "min_bars",
        Kind::Int,
        "15",
        "contract 3",
        "bars of the session before the first entry",
    )
    .within(1.0, 390.0),
    Parameter::new("quantity", Kind::Int, "100", "contract 3", "shares per trade").within(1.0, 1e6),
    Parameter::new(
        "exit_minute",
        Kind::Int,
        "384",
        "contract 3",
        "minutes after the open from which positions are closed",
    )
    .within(1.0, 390.0),
];

const RULES: &[RuleInfo] = &[
    RuleInfo {
        id: "entry",
        text: "close crossed above the upper band",
        values: &["close", "upper"],
    },
    RuleInfo {
        id: "exit",
        text: "close crossed below the lower band",
        values: &["close", "lower"],
    },
    RuleInfo { id: "exit_minute", text: "the time to be flat has come", values: &["minute"] },
    RuleInfo {
        id: "no_cross",
        text: "the close crossed nothing",
        values: &["close", "upper", "lower"],
    },
    RuleInfo { id: "warm_up", text: "too few bars of the session", values: &["bars", "min_bars"] },
];

#[derive(Clone, Copy, Debug, Default)]
struct State {
    bars: u32,
    price_volume: f64,
    volume: f64,
    close: f64,
    upper: f64,
    lower: f64,
    has_bands: bool,
}
record!(State { 1: bars, 2: price_volume, 3: volume, 4: close, 5: upper, 6: lower, 7: has_bands });

#[derive(Debug)]
struct VwapCross {
    up: f64,
    down: f64,
    min_bars: u32,
    quantity: Quantity,
    /// How long after the open positions are closed.
    exit_after_ns: i64,
    states: Vec<State>,
}

impl VwapCross {
    fn new(settings: &Settings) -> Self {
        let buffer = settings.number("buffer_bps") / 1e4;
        Self {
            up: 1.0 + buffer,
            down: 1.0 - buffer,
            min_bars: settings.int("min_bars") as u32,
            quantity: settings.shares("quantity"),
            exit_after_ns: settings.int("exit_minute") * MINUTE_NS,
            states: Vec::new(),
        }
    }

    fn on_bar(&mut self, ctx: &mut Context<'_>, symbol: SymbolId, bar: &Bar) {
        let Some(session) = ctx.session() else { return };
        if !session.is_open(bar.start) {
            return;
        }
        let Some(state) = self.states.get_mut(symbol.index()) else { return };
        let close = bar.close.to_f64();
        let volume = bar.volume.0 as f64;
        let before = *state;
        state.bars += 1;
        state.price_volume += (bar.high.to_f64() + bar.low.to_f64() + close) / 3.0 * volume;
        state.volume += volume;
        if state.volume <= 0.0 {
            return;
        }
        let vwap = state.price_volume / state.volume;
        state.upper = vwap * self.up;
        state.lower = vwap * self.down;
        state.close = close;
        state.has_bands = true;
        let now = *state;
        let crossed = |from_ok: bool| now.bars > 1 && before.has_bands && from_ok;
        let is_late = bar.start.since(session.open) >= self.exit_after_ns;
        if ctx.position(symbol).is_some() {
            if is_late {
                let minute = session.minutes_since_open(bar.start);
                let finding = Finding::new(2, &[minute as f64]);
                ctx.exit(symbol, ExitReason::FlatBy, finding);
            } else if crossed(before.close >= before.lower) && close < now.lower {
                ctx.exit(symbol, ExitReason::Signal, Finding::new(1, &[close, now.lower]));
            } else {
                ctx.hold(symbol, Finding::new(3, &[close, now.upper, now.lower]));
            }
        } else if now.bars < self.min_bars {
            ctx.hold(symbol, Finding::new(4, &[f64::from(now.bars), f64::from(self.min_bars)]));
        } else if !is_late && crossed(before.close <= before.upper) && close > now.upper {
            let plan = Plan {
                entry: OrderKind::Market,
                reference: bar.close,
                size: Size::Fixed(self.quantity),
                ..Plan::default()
            };
            ctx.enter(symbol, plan, Finding::new(0, &[close, now.upper]));
        } else {
            ctx.hold(symbol, Finding::new(3, &[close, now.upper, now.lower]));
        }
    }
}

impl Strategy for VwapCross {
    fn rules(&self) -> &'static [RuleInfo] {
        RULES
    }

    fn prepare(&mut self, symbols: usize) {
        self.states = vec![State::default(); symbols];
    }

    fn on_event(&mut self, ctx: &mut Context<'_>, event: Event<'_>) {
        match event {
            Event::Bar { symbol, bar } => self.on_bar(ctx, symbol, bar),
            Event::Session(SessionEvent::Begin) => self.states.fill(State::default()),
            Event::Session(_) | Event::Time(_) | Event::Halt { .. } | Event::Source { .. } => {}
        }
    }

    fn save(&self, writer: &mut Writer) {
        Record::save(self, writer);
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        Record::load(self, reader)
    }
}

record!(VwapCross { 1: states });
