//! `gap_and_go` (TG1-TG39): momentum on a gap in the first hour.
//!
//! A stock gaps on news with unusual premarket volume, holds near the top of its premarket range
//! and breaks the premarket high after the open. The short side is the mirror image: it gaps down,
//! holds near the bottom and breaks the premarket low (TG39). Exits (stop, target, trail, time)
//! are the plan's and run in the order manager; here are the scan, the gates and the trigger.
//!
//! Everything is said once, by the direction of the trade: "in its favour" is up for a long trade
//! and down for a short one.

mod params;
mod scan;

use engine::data_manager::{Needs, SymbolState};
use engine::strategy_engine::{
    Context, Direction, Event, Finding, Plan, RuleInfo, SessionEvent, Size, Strategy,
};
use model::exchange::{Segment, Session};
use model::record::{DecodeError, Reader, Record, Writer};
use model::{Bar, MINUTE_NS, OrderKind, Ppm, Price, Rounding, SECOND_NS, SymbolId, record};

use self::params::{Params, StopMode, Trigger};
use crate::registry::StrategyInfo;

pub(crate) const INFO: StrategyInfo = StrategyInfo {
    name: "gap_and_go",
    description: "Trades the break of the premarket high of a stock that gapped up on volume, in the first hour; side=short the mirror image",
    parameters: params::PARAMETERS,
    for_tests: false,
    make: |settings| Box::new(GapAndGo::new(Params::read(settings))),
};

/// Rules by index; [`rule`] names the indices.
const RULES: &[RuleInfo] = &[
    RuleInfo { id: "TG2", text: "gap at the scan", values: &["gap_percent", "min", "max"] },
    RuleInfo { id: "TG4", text: "premarket volume", values: &["shares", "min"] },
    RuleInfo { id: "TG5", text: "premarket dollar volume", values: &["dollars", "min"] },
    RuleInfo { id: "TG6", text: "relative premarket volume", values: &["rvol", "min"] },
    RuleInfo { id: "TG7", text: "price range", values: &["price", "min", "max"] },
    RuleInfo { id: "TG8", text: "float", values: &["shares", "max"] },
    RuleInfo { id: "TG10", text: "place in the premarket range", values: &["pullback", "max"] },
    RuleInfo { id: "TG11", text: "gap retained", values: &["retained", "min"] },
    RuleInfo { id: "TG12", text: "news required, no news feed", values: &[] },
    RuleInfo { id: "TG13", text: "rank among the candidates", values: &["rank", "max", "score"] },
    RuleInfo {
        id: "TG30",
        text: "candidate of the scan",
        values: &["gap_percent", "rvol", "rank"],
    },
    RuleInfo { id: "TG30", text: "not a candidate of the scan", values: &[] },
    RuleInfo { id: "TG31", text: "gap at the open", values: &["gap_percent", "min"] },
    RuleInfo { id: "TG16", text: "relative volume of the first bar", values: &["rvol", "min"] },
    RuleInfo { id: "TG17", text: "first bar green (short: red)", values: &["open", "close"] },
    RuleInfo { id: "TG15", text: "entry window", values: &["minutes_since_open"] },
    RuleInfo { id: "TG18", text: "close above VWAP (short: below)", values: &["close", "vwap"] },
    RuleInfo {
        id: "TG37",
        text: "halt, or within 60 s of the re-open, or two halts",
        values: &["halts"],
    },
    RuleInfo { id: "TG32", text: "spread", values: &["spread_percent", "max"] },
    RuleInfo { id: "TG28", text: "day's result in R", values: &["r", "min"] },
    RuleInfo { id: "TG27", text: "entries of the day", values: &["entries", "max"] },
    RuleInfo { id: "TG27", text: "cool-down after an exit", values: &["bars", "min"] },
    RuleInfo {
        id: "TG36",
        text: "price has to close back behind the trigger level first",
        values: &["close", "level"],
    },
    RuleInfo {
        id: "TG33",
        text: "beyond the limit: waits for a close behind the level",
        values: &["close", "limit"],
    },
    RuleInfo { id: "TG14", text: "trigger level not known yet", values: &[] },
    RuleInfo {
        id: "TG32",
        text: "breakout order",
        values: &["stop", "limit", "protective", "level"],
    },
    RuleInfo {
        id: "TG33",
        text: "already beyond: marketable limit",
        values: &["close", "limit", "protective"],
    },
    RuleInfo { id: "TG35", text: "in position", values: &["shares"] },
];

mod rule {
    pub(super) const GAP: u8 = 0;
    pub(super) const VOLUME: u8 = 1;
    pub(super) const DOLLARS: u8 = 2;
    pub(super) const RVOL: u8 = 3;
    pub(super) const PRICE: u8 = 4;
    pub(super) const FLOAT: u8 = 5;
    pub(super) const PULLBACK: u8 = 6;
    pub(super) const RETAINED: u8 = 7;
    pub(super) const NEWS: u8 = 8;
    pub(super) const RANK: u8 = 9;
    pub(super) const CANDIDATE: u8 = 10;
    pub(super) const NO_CANDIDATE: u8 = 11;
    pub(super) const GAP_OPEN: u8 = 12;
    pub(super) const FIRST_RVOL: u8 = 13;
    pub(super) const FIRST_GREEN: u8 = 14;
    pub(super) const WINDOW: u8 = 15;
    pub(super) const VWAP: u8 = 16;
    pub(super) const HALT: u8 = 17;
    pub(super) const SPREAD: u8 = 18;
    pub(super) const DAY_STOP: u8 = 19;
    pub(super) const ENTRIES: u8 = 20;
    pub(super) const COOL_DOWN: u8 = 21;
    pub(super) const REARM: u8 = 22;
    pub(super) const CHASE: u8 = 23;
    pub(super) const NO_LEVEL: u8 = 24;
    pub(super) const BREAKOUT: u8 = 25;
    pub(super) const MARKETABLE: u8 = 26;
    pub(super) const IN_POSITION: u8 = 27;
}

/// What the strategy remembers of a symbol on a day.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// Passed the scan.
    candidate: bool,
    /// Which way it gapped at the scan (TG39).
    direction: Direction,
    /// Out for the day.
    dropped: bool,
    /// High and low of the first minutes, for triggers and stops of the opening range.
    range: Option<(Price, Price)>,
    /// Had a position at the last evaluation.
    held: bool,
    /// Bars since the last exit.
    bars_since_exit: Option<u32>,
    /// A close behind the level is needed before the next entry (TG33, TG36).
    needs_rearm: bool,
}
record!(State {
    1: candidate,
    2: dropped,
    3: range,
    4: held,
    5: bars_since_exit,
    6: needs_rearm,
    7: direction,
});

#[derive(Debug)]
struct GapAndGo {
    params: Params,
    states: Vec<State>,
    scanned: bool,
}

impl GapAndGo {
    fn new(params: Params) -> Self {
        Self { params, states: Vec::new(), scanned: false }
    }

    fn on_bar(&mut self, ctx: &mut Context<'_>, symbol: SymbolId, bar: &Bar) {
        let (Some(session), Some(data)) = (ctx.session(), ctx.symbol(symbol)) else { return };
        if !self.scanned || session.segment(bar.start) != Some(Segment::Rth) {
            return;
        }
        let params = self.params;
        let Some(state) = self.states.get_mut(symbol.index()) else { return };
        if !state.candidate || state.dropped {
            ctx.hold(symbol, Finding::new(rule::NO_CANDIDATE, &[]));
            return;
        }
        note_range(state, &params, session, bar);
        if data.rth.bars == 1
            && let Err(finding) = first_bar(state.direction, &params, ctx, session, data, bar)
        {
            state.dropped = true;
            ctx.no_entry(symbol, finding);
            return;
        }
        note_exit(state, ctx.position(symbol).is_some());
        if let Some(position) = ctx.position(symbol) {
            ctx.hold(symbol, Finding::new(rule::IN_POSITION, &[position.quantity.to_f64()]));
            return;
        }
        let Some(level) = level(state, &params, ctx, symbol, session, data) else {
            ctx.no_entry(symbol, Finding::new(rule::NO_LEVEL, &[]));
            return;
        };
        if state.direction.favour(level, bar.close).raw() < 0 {
            state.needs_rearm = false;
        }
        match gates(state, &params, ctx, symbol, session, data, bar)
            .and_then(|()| plan(state, &params, ctx, symbol, session, data, bar, level))
        {
            Ok((plan, finding)) => ctx.enter(symbol, plan, finding),
            Err(finding) => ctx.no_entry(symbol, finding),
        }
    }
}

/// Keeps the opening range while it forms (TI13).
fn note_range(state: &mut State, params: &Params, session: &Session, bar: &Bar) {
    if session.minutes_since_open(bar.start) < i64::from(params.range_minutes()) {
        let (low, high) = state.range.unwrap_or((bar.low, bar.high));
        state.range = Some((low.min(bar.low), high.max(bar.high)));
    }
}

/// Counts bars since an exit; after one the price must come back behind the level (TG36).
fn note_exit(state: &mut State, holds: bool) {
    if holds {
        state.held = true;
        state.bars_since_exit = None;
    } else if std::mem::take(&mut state.held) {
        state.bars_since_exit = Some(0);
        state.needs_rearm = true;
    } else if let Some(bars) = &mut state.bars_since_exit {
        *bars = bars.saturating_add(1);
    }
}

/// TG31, TG16, TG17 on the bar of 09:30; without that bar TG16 fails.
fn first_bar(
    direction: Direction,
    params: &Params,
    ctx: &Context<'_>,
    session: &Session,
    data: &SymbolState,
    bar: &Bar,
) -> Result<(), Finding> {
    let gap = scan::gap(data.prev_close(session), bar.open).unwrap_or(0.0) * 100.0;
    if direction.sign() as f64 * gap < params.min_gap {
        return Err(Finding::new(rule::GAP_OPEN, &[gap, params.min_gap]));
    }
    let rvol = data.rvol_bar(session, bar);
    let missing = rvol.is_none() && ctx.requires_reference();
    let too_low = rvol.is_some_and(|rvol| rvol < params.min_rvol_first_bar);
    if bar.start != session.open || missing || too_low {
        let rvol = if bar.start == session.open { rvol.unwrap_or(0.0) } else { 0.0 };
        return Err(Finding::new(rule::FIRST_RVOL, &[rvol, params.min_rvol_first_bar]));
    }
    if params.require_green && direction.favour(bar.open, bar.close).raw() < 0 {
        let numbers = [bar.open.to_f64(), bar.close.to_f64()];
        return Err(Finding::new(rule::FIRST_GREEN, &numbers));
    }
    Ok(())
}

/// Returns the level L of the trigger (TG14, TG31); after an entry the extreme of the day counts,
/// too (TG36).
fn level(
    state: &State,
    params: &Params,
    ctx: &Context<'_>,
    symbol: SymbolId,
    session: &Session,
    data: &SymbolState,
) -> Option<Price> {
    let direction = state.direction;
    let premarket = (data.pre.bars > 0).then_some(data.pre.best(direction));
    let closed =
        ctx.now() >= session.open.plus_nanos(i64::from(params.range_minutes()) * MINUTE_NS);
    let range = state.range.filter(|_| closed).map(|(low, high)| direction.better(low, high));
    let level = match params.trigger {
        Trigger::Premarket => premarket?,
        Trigger::Range(_) => range?,
        Trigger::Farther(_) => direction.better(premarket?, range?),
    };
    let again = ctx.entries_today(symbol) > 0;
    Some(if again { direction.better(level, data.rth.best(direction)) } else { level })
}

/// The gates of TG32 and what else forbids an entry.
fn gates(
    state: &State,
    params: &Params,
    ctx: &Context<'_>,
    symbol: SymbolId,
    session: &Session,
    data: &SymbolState,
    bar: &Bar,
) -> Result<(), Finding> {
    let now = ctx.now();
    if now < params.entry_start.at(session) || now >= params.entry_end.at(session) {
        let minutes = session.minutes_since_open(now) as f64;
        return Err(Finding::new(rule::WINDOW, &[minutes]));
    }
    let close = bar.close.to_f64();
    let sign = state.direction.sign() as f64;
    if params.above_vwap && data.vwap.value().is_none_or(|vwap| sign * (close - vwap) <= 0.0) {
        return Err(Finding::new(rule::VWAP, &[close, data.vwap.value().unwrap_or(0.0)]));
    }
    let reopening = data.reopened.is_some_and(|at| now.since(at) < 60 * SECOND_NS);
    if data.halted || reopening || data.halts >= 2 {
        return Err(Finding::new(rule::HALT, &[f64::from(data.halts)]));
    }
    if let Some(quote) = data.quote {
        let spread = quote.ask.minus(quote.bid).to_f64() / close * 100.0;
        if spread > 1.0 {
            return Err(Finding::new(rule::SPREAD, &[spread, 1.0]));
        }
    }
    if ctx.day_r() <= params.day_stop {
        return Err(Finding::new(rule::DAY_STOP, &[ctx.day_r(), params.day_stop]));
    }
    let entries = ctx.entries_today(symbol);
    if entries >= params.max_entries {
        let numbers = [f64::from(entries), f64::from(params.max_entries)];
        return Err(Finding::new(rule::ENTRIES, &numbers));
    }
    if let Some(bars) = state.bars_since_exit.filter(|&bars| bars < params.cool_down_bars) {
        let numbers = [f64::from(bars), f64::from(params.cool_down_bars)];
        return Err(Finding::new(rule::COOL_DOWN, &numbers));
    }
    Ok(())
}

/// Builds the entry (TG19, TG20, TG32-TG34) or says why price is not right for it.
#[expect(clippy::too_many_arguments, reason = "one evaluation's view, read only")]
fn plan(
    state: &mut State,
    params: &Params,
    ctx: &Context<'_>,
    symbol: SymbolId,
    session: &Session,
    data: &SymbolState,
    bar: &Bar,
    level: Price,
) -> Result<(Plan, Finding), Finding> {
    let tick = ctx.tick(symbol, level);
    let close = bar.close;
    if state.needs_rearm {
        return Err(Finding::new(rule::REARM, &[close.to_f64(), level.to_f64()]));
    }
    let direction = state.direction;
    let trigger = direction.ticks_from(level, tick, 1);
    let limit = direction.part_from(trigger, params.chase).round_to(tick, direction.rounding());
    let marketable = direction.favour(trigger, close).raw() >= 0;
    if marketable && direction.favour(limit, close).is_positive() {
        // TG33: too far beyond; the order may come back after a close behind the level.
        state.needs_rearm = true;
        return Err(Finding::new(rule::CHASE, &[close.to_f64(), limit.to_f64()]));
    }
    let reference = if marketable { limit } else { trigger };
    let protective = protective_stop(state, params, data, tick, reference)
        .ok_or(Finding::new(rule::NO_LEVEL, &[]))?;
    let entry = if marketable {
        OrderKind::Limit { limit }
    } else {
        OrderKind::StopLimit { stop: trigger, limit }
    };
    let flat_by = params.flat_by.at(session).min(session.close.plus_nanos(-15 * MINUTE_NS));
    let plan = Plan {
        direction,
        entry,
        reference,
        stop: Some(protective),
        size: Size::ByRisk { min_stop: params.min_stop, max_stop: params.max_stop },
        targets: params.targets,
        breakeven: params.breakeven,
        trail: params.trail,
        time_stop_minutes: params.time_stop_minutes,
        flat_by: Some(flat_by),
        expires: Some(params.entry_end.at(session)),
    };
    let finding = if marketable {
        let numbers = [close.to_f64(), limit.to_f64(), protective.to_f64()];
        Finding::new(rule::MARKETABLE, &numbers)
    } else {
        let numbers = [trigger, limit, protective, level].map(Price::to_f64);
        Finding::new(rule::BREAKOUT, &numbers)
    };
    Ok((plan, finding))
}

/// Returns the protective stop (TG20, TG21, TG34), rounded away from the market (TB11).
fn protective_stop(
    state: &State,
    params: &Params,
    data: &SymbolState,
    tick: Price,
    reference: Price,
) -> Option<Price> {
    let direction = state.direction;
    let sign = direction.sign() as f64;
    let away = |value: f64| Price::from_f64(value).map(|p| p.round_to(tick, direction.rounding()));
    let behind = |price: Price| direction.ticks_from(price, tick, -1);
    let stop = match params.stop_mode {
        StopMode::SinceOpen => behind(data.rth.worst(direction)),
        StopMode::Range => {
            let (low, high) = state.range?;
            behind(direction.worse(low, high))
        }
        StopMode::Vwap => behind(away(data.vwap.value()?)?),
        StopMode::Atr => away(reference.to_f64() - sign * params.stop_atr * data.atr14.value()?)?,
    };
    if params.cap_wide_stop {
        let farthest = direction.part_from(reference, Ppm(-params.max_stop.0));
        let farthest = match direction {
            Direction::Long => farthest.round_to(tick, Rounding::Up),
            Direction::Short => farthest.round_to(tick, Rounding::Down),
        };
        return Some(direction.better(stop, farthest));
    }
    Some(stop)
}

impl Strategy for GapAndGo {
    fn rules(&self) -> &'static [RuleInfo] {
        RULES
    }

    fn needs(&self) -> Needs {
        Needs::VWAP.and(Needs::EMA9).and(Needs::ATR14).and(Needs::FACTS).and(Needs::BASELINE)
    }

    fn prepare(&mut self, symbols: usize) {
        self.states = vec![State::default(); symbols];
    }

    fn on_event(&mut self, ctx: &mut Context<'_>, event: Event<'_>) {
        match event {
            Event::Bar { symbol, bar } => self.on_bar(ctx, symbol, bar),
            Event::Session(SessionEvent::Begin) => {
                self.states.fill(State::default());
                self.scanned = false;
                if let Some(session) = ctx.session() {
                    ctx.wake_at(self.params.scan_time.at(session));
                }
            }
            Event::Time(_) if !self.scanned => {
                self.scanned = true;
                scan::scan(&self.params, ctx, &mut self.states);
            }
            Event::Time(_) | Event::Session(_) | Event::Halt { .. } | Event::Source { .. } => {}
        }
    }

    fn save(&self, writer: &mut Writer) {
        Record::save(self, writer);
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        Record::load(self, reader)
    }
}

record!(GapAndGo { 1: states, 2: scanned });
