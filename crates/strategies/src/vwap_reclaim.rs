//! `vwap_reclaim` (TV1-TV25): long when a stock in play takes back its VWAP.
//!
//! After weakness below the session VWAP, a strong close above it on volume that holds shows
//! control passing to buyers. The short side (`vwap_reject`, TV21) is the mirror image: strength
//! above VWAP that is lost again. Exits are the plan's and run in the order manager; here are the
//! phases of TV22 and the entry of TV23.
//!
//! Everything is said once, by the direction of the trade: "behind" VWAP is below it for a long
//! trade and above it for a short one.

mod params;

use engine::data_manager::{Needs, SymbolState};
use engine::strategy_engine::{
    Breakeven, Context, Direction, Event, Finding, Plan, RuleInfo, SessionEvent, Size, Strategy,
    Target, TargetAt, Trail, TrailRule,
};
use model::exchange::{Segment, Session};
use model::record::{DecodeError, Reader, Record, Writer};
use model::{Bar, OrderKind, Price, SymbolId, record, record_enum};

use self::params::{Bias, EntryMode, Params};
use crate::registry::StrategyInfo;

pub(crate) const INFO: StrategyInfo = StrategyInfo {
    name: "vwap_reclaim",
    description: "Buys when a stock in play closes back above its session VWAP on volume and holds; side=short the mirror image",
    parameters: params::PARAMETERS,
    for_tests: false,
    make: |settings| Box::new(VwapReclaim::new(Params::read(settings))),
};

/// Rules by index; [`rule`] names the indices.
const RULES: &[RuleInfo] = &[
    RuleInfo { id: "TV22", text: "no session VWAP yet", values: &[] },
    RuleInfo {
        id: "TV22",
        text: "above VWAP, no weakness before (short: below)",
        values: &["close", "vwap"],
    },
    RuleInfo {
        id: "TV22",
        text: "below VWAP (short: above)",
        values: &["close", "vwap", "bars_below"],
    },
    RuleInfo { id: "TV6", text: "entry window", values: &["minutes_since_open"] },
    RuleInfo { id: "TV1", text: "price range", values: &["price", "min", "max"] },
    RuleInfo { id: "TV2", text: "average daily volume", values: &["adv", "min"] },
    RuleInfo { id: "TV3", text: "daily ATR", values: &["atr", "min"] },
    RuleInfo {
        id: "TV4",
        text: "in play",
        values: &["gap_open_percent", "rvol", "min_gap", "min_rvol"],
    },
    RuleInfo { id: "TV5", text: "bias", values: &["close", "above"] },
    RuleInfo { id: "TV7", text: "closes behind VWAP before", values: &["bars_below", "min"] },
    RuleInfo { id: "TV8", text: "depth behind VWAP", values: &["depth_percent", "min", "max"] },
    RuleInfo { id: "TV9", text: "volume of the reclaim bar", values: &["ratio", "min"] },
    RuleInfo {
        id: "TV10",
        text: "close in the upper half (short: lower)",
        values: &["close", "middle"],
    },
    RuleInfo {
        id: "TV11",
        text: "reclaimed, waits for closes that hold",
        values: &["held", "hold_bars"],
    },
    RuleInfo { id: "TV13", text: "entry expired", values: &["bars", "valid_bars"] },
    RuleInfo { id: "TV19", text: "entries of the day", values: &["entries", "max"] },
    RuleInfo { id: "C21", text: "trading is halted", values: &[] },
    RuleInfo {
        id: "TV23",
        text: "entry",
        values: &["stop_or_limit", "limit", "protective", "vwap"],
    },
    RuleInfo { id: "TV25", text: "in position", values: &["shares"] },
];

mod rule {
    pub(super) const NO_VWAP: u8 = 0;
    pub(super) const ABOVE: u8 = 1;
    pub(super) const BELOW: u8 = 2;
    pub(super) const WINDOW: u8 = 3;
    pub(super) const PRICE: u8 = 4;
    pub(super) const ADV: u8 = 5;
    pub(super) const ATR: u8 = 6;
    pub(super) const IN_PLAY: u8 = 7;
    pub(super) const BIAS: u8 = 8;
    pub(super) const BARS_BELOW: u8 = 9;
    pub(super) const DEPTH: u8 = 10;
    pub(super) const VOLUME: u8 = 11;
    pub(super) const UPPER_HALF: u8 = 12;
    pub(super) const HOLDING: u8 = 13;
    pub(super) const EXPIRED: u8 = 14;
    pub(super) const ENTRIES: u8 = 15;
    pub(super) const HALTED: u8 = 16;
    pub(super) const ENTRY: u8 = 17;
    pub(super) const IN_POSITION: u8 = 18;
}

/// Bars in the mean volume of TV9.
const VOLUME_BARS: usize = 20;

/// The phases of TV22.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Phase {
    /// On the side of VWAP that is in the trade's favour (long: above), or not begun.
    #[default]
    Ahead,
    /// Closing behind VWAP; the extreme against the trade (long: lowest low) so far.
    Behind { count: u32, worst: Price },
    /// Took VWAP back; counts closes that hold, keeps the extremes since.
    Reclaimed { held: u32, best: Price, worst: Price },
    /// The entry works.
    Entering { bars: u32 },
    /// In a position.
    In,
    /// No entry any more today.
    Done,
}
record_enum!(Phase {
    0: Ahead, 1: Behind { 1: count: u32, 2: worst: Price },
    2: Reclaimed { 1: held: u32, 2: best: Price, 3: worst: Price },
    3: Entering { 1: bars: u32 }, 4: In, 5: Done,
});

#[derive(Clone, Copy, Debug, Default)]
struct State {
    phase: Phase,
    plan: Option<Plan>,
    volumes: [u64; VOLUME_BARS],
    bars: u32,
}
record!(State { 1: phase, 2: plan, 3: volumes, 4: bars });

impl State {
    /// Returns the mean volume of the regular bars before the last one, at most 20 (TV9).
    fn mean_volume(&self) -> Option<f64> {
        let count = (self.bars as usize).min(VOLUME_BARS);
        let sum = self.volumes.iter().fold(0_u64, |sum, &v| sum.saturating_add(v));
        (count > 0 && sum > 0).then(|| sum as f64 / count as f64)
    }

    fn note_volume(&mut self, bar: &Bar) {
        self.volumes[self.bars as usize % VOLUME_BARS] = bar.volume.0;
        self.bars = self.bars.saturating_add(1);
    }
}

#[derive(Debug)]
struct VwapReclaim {
    params: Params,
    states: Vec<State>,
}

impl VwapReclaim {
    fn new(params: Params) -> Self {
        Self { params, states: Vec::new() }
    }

    fn on_bar(&mut self, ctx: &mut Context<'_>, symbol: SymbolId, bar: &Bar) {
        let (Some(session), Some(data)) = (ctx.session(), ctx.symbol(symbol)) else { return };
        if session.segment(bar.start) != Some(Segment::Rth) {
            return;
        }
        let Some(state) = self.states.get_mut(symbol.index()) else { return };
        let view = View { params: &self.params, session, data, bar, symbol };
        step(state, &view, ctx);
        state.note_volume(bar);
    }
}

/// What one evaluation looks at.
struct View<'a> {
    params: &'a Params,
    session: &'a Session,
    data: &'a SymbolState,
    bar: &'a Bar,
    symbol: SymbolId,
}

impl View<'_> {
    /// Returns how far `value` lies in the trade's favour from `from`; negative behind it.
    fn ahead(&self, value: f64, from: f64) -> f64 {
        self.params.direction.sign() as f64 * (value - from)
    }
}

/// Advances the phase at a regular bar's close, with VWAP including that bar (TV22).
fn step(state: &mut State, view: &View<'_>, ctx: &mut Context<'_>) {
    let (symbol, bar) = (view.symbol, view.bar);
    let Some(vwap) = view.data.vwap.value() else {
        ctx.hold(symbol, Finding::new(rule::NO_VWAP, &[]));
        return;
    };
    if let Some(position) = ctx.position(symbol) {
        state.phase = Phase::In;
        ctx.hold(symbol, Finding::new(rule::IN_POSITION, &[position.quantity.to_f64()]));
        return;
    }
    if state.phase == Phase::In {
        let used = ctx.entries_today(symbol) >= view.params.max_entries;
        state.phase = if used { Phase::Done } else { Phase::Ahead };
    }
    let close = bar.close.to_f64();
    if state.phase == Phase::Done {
        let numbers = [f64::from(ctx.entries_today(symbol)), f64::from(view.params.max_entries)];
        ctx.no_entry(symbol, Finding::new(rule::ENTRIES, &numbers));
        return;
    }
    let direction = view.params.direction;
    if view.ahead(close, vwap) < 0.0 {
        let (count, worst) = match state.phase {
            Phase::Behind { count, worst } => {
                (count + 1, direction.worse(worst, direction.worst_of(bar)))
            }
            _ => (1, direction.worst_of(bar)),
        };
        state.phase = Phase::Behind { count, worst };
        ctx.no_entry(symbol, Finding::new(rule::BELOW, &[close, vwap, f64::from(count)]));
        return;
    }
    match state.phase {
        Phase::Behind { count, worst } => {
            let (best, own) = (direction.best_of(bar), direction.worst_of(bar));
            match reclaim(view, ctx, state, vwap, count, direction.worse(worst, own)) {
                Ok(()) => {
                    state.phase = Phase::Reclaimed { held: 0, best, worst: own };
                    try_entry(state, view, ctx, vwap);
                }
                Err(finding) => {
                    state.phase = Phase::Ahead;
                    ctx.no_entry(symbol, finding);
                }
            }
        }
        Phase::Reclaimed { held, best, worst } => {
            state.phase = Phase::Reclaimed {
                held: held + 1,
                best: direction.better(best, direction.best_of(bar)),
                worst: direction.worse(worst, direction.worst_of(bar)),
            };
            try_entry(state, view, ctx, vwap);
        }
        Phase::Entering { bars } => keep_entry(state, view, ctx, vwap, bars + 1),
        Phase::Ahead | Phase::In | Phase::Done => {
            ctx.hold(symbol, Finding::new(rule::ABOVE, &[close, vwap]));
        }
    }
}

/// Judges the reclaim bar: TV1-TV10 in the order of the rules.
fn reclaim(
    view: &View<'_>,
    ctx: &Context<'_>,
    state: &State,
    vwap: f64,
    count: u32,
    worst: Price,
) -> Result<(), Finding> {
    let p = view.params;
    let close = view.bar.close.to_f64();
    in_window(view, ctx)?;
    if close < p.price_min || close > p.price_max {
        return Err(Finding::new(rule::PRICE, &[close, p.price_min, p.price_max]));
    }
    let reference = view.data.reference(view.session);
    // A value that is none rejects in paper and live; in backtest the term is skipped.
    let fails = |value: Option<f64>, min: f64| value.map_or(ctx.requires_reference(), |v| v < min);
    let adv = reference.and_then(|day| day.adv20);
    if fails(adv, p.min_adv) {
        return Err(Finding::new(rule::ADV, &[adv.unwrap_or(0.0), p.min_adv]));
    }
    let atr = reference.and_then(|day| day.atr14);
    if fails(atr, p.min_atr) {
        return Err(Finding::new(rule::ATR, &[atr.unwrap_or(0.0), p.min_atr]));
    }
    in_play(view)?;
    let prev_close = view.data.prev_close(view.session).map(Price::to_f64);
    // TV5: today against yesterday, or yesterday's close against its mean of 50 days.
    let (value, above) = match p.bias {
        Bias::None => (None, None),
        Bias::GreenDay => (Some(close), prev_close),
        Bias::AboveSma50 => (prev_close, reference.and_then(|day| day.sma50)),
    };
    let against = value
        .zip(above)
        .map_or(ctx.requires_reference(), |(value, above)| view.ahead(value, above) <= 0.0);
    if p.bias != Bias::None && against {
        let numbers = [value.unwrap_or(0.0), above.unwrap_or(0.0)];
        return Err(Finding::new(rule::BIAS, &numbers));
    }
    if count < p.min_bars_below {
        let numbers = [f64::from(count), f64::from(p.min_bars_below)];
        return Err(Finding::new(rule::BARS_BELOW, &numbers));
    }
    let depth = view.ahead(vwap, worst.to_f64()) / vwap * 100.0;
    if depth < p.min_depth || depth > p.max_depth {
        return Err(Finding::new(rule::DEPTH, &[depth, p.min_depth, p.max_depth]));
    }
    let ratio = state.mean_volume().map(|mean| view.bar.volume.0 as f64 / mean);
    if ratio.is_none_or(|ratio| ratio < p.min_volume_ratio) {
        return Err(Finding::new(rule::VOLUME, &[ratio.unwrap_or(0.0), p.min_volume_ratio]));
    }
    let middle = (view.bar.high.to_f64() + view.bar.low.to_f64()) / 2.0;
    if p.upper_half && view.ahead(close, middle) < 0.0 {
        return Err(Finding::new(rule::UPPER_HALF, &[close, middle]));
    }
    Ok(())
}

/// TV6: from entry_start on and before entry_end, by the bar's close.
fn in_window(view: &View<'_>, ctx: &Context<'_>) -> Result<(), Finding> {
    let now = ctx.now();
    let (start, end) = (view.params.entry_start, view.params.entry_end);
    if now < start.at(view.session) || now >= end.at(view.session) {
        let minutes = view.session.minutes_since_open(now) as f64;
        return Err(Finding::new(rule::WINDOW, &[minutes]));
    }
    Ok(())
}

/// TV4: a gap at the open or relative volume; a term whose baseline is missing passes (TI16).
fn in_play(view: &View<'_>) -> Result<(), Finding> {
    let p = view.params;
    if !p.in_play {
        return Ok(());
    }
    let prev = view.data.prev_close(view.session).filter(|prev| prev.is_positive());
    let open = view.data.rth.first.open.to_f64();
    let gap = prev.map(|prev| (open / prev.to_f64() - 1.0) * 100.0);
    let minute = view.session.minutes_since_open(view.bar.start);
    let rvol = view.data.rvol_rth(view.session, minute);
    let passes = gap.is_none_or(|gap| gap.abs() >= p.in_play_gap)
        || rvol.is_none_or(|rvol| rvol >= p.in_play_rvol);
    if passes {
        return Ok(());
    }
    let numbers = [gap.unwrap_or(0.0), rvol.unwrap_or(0.0), p.in_play_gap, p.in_play_rvol];
    Err(Finding::new(rule::IN_PLAY, &numbers))
}

/// TV23: once enough closes hold, the entry is placed.
fn try_entry(state: &mut State, view: &View<'_>, ctx: &mut Context<'_>, vwap: f64) {
    let Phase::Reclaimed { held, best, worst } = state.phase else { return };
    let p = view.params;
    if held < p.hold_bars {
        let numbers = [f64::from(held), f64::from(p.hold_bars)];
        ctx.no_entry(view.symbol, Finding::new(rule::HOLDING, &numbers));
        return;
    }
    if let Err(finding) = in_window(view, ctx) {
        state.phase = Phase::Ahead;
        ctx.no_entry(view.symbol, finding);
        return;
    }
    if view.data.halted {
        ctx.no_entry(view.symbol, Finding::new(rule::HALTED, &[]));
        return;
    }
    let Some(plan) = plan(view, ctx, vwap, best, worst) else { return };
    state.phase = Phase::Entering { bars: 0 };
    state.plan = Some(plan);
    enter(view, ctx, &plan, vwap);
}

/// Keeps a placed entry for its valid bars; a retest's limit follows VWAP (TV13, TV23).
fn keep_entry(state: &mut State, view: &View<'_>, ctx: &mut Context<'_>, vwap: f64, bars: u32) {
    let p = view.params;
    let expired = bars >= p.valid_bars;
    let outside = in_window(view, ctx).is_err();
    let Some(mut plan) = state.plan.filter(|_| !expired && !outside) else {
        state.phase = Phase::Ahead;
        let numbers = [f64::from(bars), f64::from(p.valid_bars)];
        ctx.no_entry(view.symbol, Finding::new(rule::EXPIRED, &numbers));
        return;
    };
    state.phase = Phase::Entering { bars };
    if p.entry_mode == EntryMode::Retest {
        let tick = ctx.tick(view.symbol, view.bar.close);
        if let Some(limit) = retest_limit(p.direction, vwap, tick) {
            plan.entry = OrderKind::Limit { limit };
            plan.reference = limit;
            state.plan = Some(plan);
        }
    }
    enter(view, ctx, &plan, vwap);
}

fn enter(view: &View<'_>, ctx: &mut Context<'_>, plan: &Plan, vwap: f64) {
    let stop = plan.stop.unwrap_or_default();
    let numbers = [plan.reference.to_f64(), plan.worst_price().to_f64(), stop.to_f64(), vwap];
    ctx.enter(view.symbol, *plan, Finding::new(rule::ENTRY, &numbers));
}

/// VWAP + 1 tick (short: - 1 tick), on a tick that makes the limit no more aggressive (TB11).
fn retest_limit(direction: Direction, vwap: f64, tick: Price) -> Option<Price> {
    let at = Price::from_f64(vwap)?.round_to(tick, direction.rounding());
    Some(direction.ticks_from(at, tick, 1))
}

/// Builds the plan of TV23-TV25.
fn plan(view: &View<'_>, ctx: &Context<'_>, vwap: f64, best: Price, worst: Price) -> Option<Plan> {
    let p = view.params;
    let direction = p.direction;
    let close = view.bar.close;
    let tick = ctx.tick(view.symbol, close);
    let chased =
        |price: Price| direction.part_from(price, p.chase).round_to(tick, direction.rounding());
    let trigger = direction.ticks_from(best, tick, 1);
    let (entry, reference) = match p.entry_mode {
        EntryMode::Break => {
            (OrderKind::StopLimit { stop: trigger, limit: chased(trigger) }, trigger)
        }
        EntryMode::NextOpen => {
            let limit = chased(close);
            (OrderKind::Limit { limit }, limit)
        }
        EntryMode::Retest => {
            let limit = retest_limit(direction, vwap, tick)?;
            (OrderKind::Limit { limit }, limit)
        }
    };
    let atr = view.data.atr14.value().unwrap_or(0.0);
    let buffer = Price::from_f64(p.stop_buffer_atr * atr)?.max(tick);
    let farthest = direction.worse(worst, Price::from_f64(vwap)?);
    let stop = match direction {
        Direction::Long => farthest.minus(buffer),
        Direction::Short => farthest.plus(buffer),
    };
    let stop = stop.round_to(tick, direction.rounding());
    let first = Target {
        at: TargetAt::DayExtreme {
            extreme: view.data.rth.best(direction),
            min_r: p.target_hod_min_r,
            or_r: p.target_r,
        },
        fraction: p.target_fraction,
    };
    let rule = p.vwap_exit_closes.map_or(TrailRule::Off, |closes| TrailRule::Vwap { closes });
    Some(Plan {
        direction,
        entry,
        reference,
        stop: Some(stop),
        size: Size::ByRisk { min_stop: p.min_stop, max_stop: p.max_stop },
        targets: [Some(first), None, None],
        breakeven: Breakeven::FirstTarget,
        trail: Trail { rule, after_first_target: false },
        time_stop_minutes: p.time_stop_minutes,
        flat_by: Some(p.flat_by.at(view.session)),
        expires: Some(p.entry_end.at(view.session)),
    })
}

impl Strategy for VwapReclaim {
    fn rules(&self) -> &'static [RuleInfo] {
        RULES
    }

    fn needs(&self) -> Needs {
        let needs =
            Needs::VWAP.and(Needs::ATR14).and(Needs::FACTS).and(Needs::ADV).and(Needs::BASELINE);
        if self.params.bias == Bias::AboveSma50 { needs.and(Needs::TREND) } else { needs }
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

record!(VwapReclaim { 1: states });
