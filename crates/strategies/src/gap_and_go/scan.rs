//! The scan of `gap_and_go` (TG1-TG13, TG30): which symbols are candidates today.

use engine::data_manager::SymbolState;
use engine::strategy_engine::{Context, Direction, Finding};
use model::exchange::Session;
use model::{Price, SymbolId};

use super::params::Params;
use super::{State, rule};

/// Returns price / previous close - 1 (TI15).
pub(super) fn gap(prev_close: Option<Price>, price: Price) -> Option<f64> {
    let prev = prev_close.filter(|prev| prev.is_positive())?;
    Some(price.to_f64() / prev.to_f64() - 1.0)
}

/// A symbol that passed every filter.
struct Candidate {
    symbol: SymbolId,
    gap: f64,
    rvol: Option<f64>,
    direction: Direction,
}

impl Candidate {
    fn score(&self) -> f64 {
        self.gap.abs() * self.rvol.unwrap_or(1.0)
    }
}

/// Chooses the candidates of the day and records for every symbol why it is or is not one.
pub(super) fn scan(params: &Params, ctx: &mut Context<'_>, states: &mut [State]) {
    let Some(session) = ctx.session() else { return };
    let mut candidates: Vec<Candidate> = Vec::new();
    for index in 0..states.len() {
        let symbol = SymbolId(index as u32);
        let Some(data) = ctx.symbol(symbol) else { continue };
        match filter(params, ctx, symbol, session, data) {
            Ok(candidate) => candidates.push(candidate),
            Err(finding) => ctx.hold(symbol, finding),
        }
    }
    // TG13: with a baseline before without, by score, then by symbol.
    candidates.sort_by(|a, b| {
        b.rvol
            .is_some()
            .cmp(&a.rvol.is_some())
            .then(b.score().total_cmp(&a.score()))
            .then(a.symbol.cmp(&b.symbol))
    });
    for (rank, candidate) in candidates.iter().enumerate() {
        let place = rank as f64 + 1.0;
        if rank < params.max_candidates {
            if let Some(state) = states.get_mut(candidate.symbol.index()) {
                state.candidate = true;
                state.direction = candidate.direction;
            }
            let numbers = [candidate.gap * 100.0, candidate.rvol.unwrap_or(0.0), place];
            ctx.hold(candidate.symbol, Finding::new(rule::CANDIDATE, &numbers));
        } else {
            let numbers = [place, params.max_candidates as f64, candidate.score()];
            ctx.hold(candidate.symbol, Finding::new(rule::RANK, &numbers));
        }
    }
}

/// Runs TG2-TG12 in order; the first that fails is the answer.
fn filter(
    params: &Params,
    ctx: &Context<'_>,
    symbol: SymbolId,
    session: &Session,
    data: &SymbolState,
) -> Result<Candidate, Finding> {
    let pre = &data.pre;
    let refuse = |rule, numbers: &[f64]| Err(Finding::new(rule, numbers));
    let last = pre.close.to_f64();
    // Without a premarket bar or a previous close there is no gap.
    let gap = if pre.bars == 0 { None } else { gap(data.prev_close(session), pre.close) };
    let percent = gap.unwrap_or(0.0) * 100.0;
    let within = (params.min_gap..=params.max_gap).contains(&percent.abs());
    let direction = gap.filter(|_| within).and_then(|gap| params.sides.of_gap(gap));
    let (Some(gap), Some(direction)) = (gap, direction) else {
        return refuse(rule::GAP, &[percent, params.min_gap, params.max_gap]);
    };
    let volume = pre.volume as f64;
    if volume < params.min_pm_volume {
        return refuse(rule::VOLUME, &[volume, params.min_pm_volume]);
    }
    if volume * last < params.min_pm_dollars {
        return refuse(rule::DOLLARS, &[volume * last, params.min_pm_dollars]);
    }
    let minute = ctx.now().since(session.pre_open) / model::MINUTE_NS - 1;
    let rvol = data.rvol_pre(session, minute);
    let missing = rvol.is_none() && ctx.requires_reference();
    if missing || rvol.is_some_and(|rvol| rvol < params.min_rvol_pm) {
        return refuse(rule::RVOL, &[rvol.unwrap_or(0.0), params.min_rvol_pm]);
    }
    if last < params.price_min || last > params.price_max {
        return refuse(rule::PRICE, &[last, params.price_min, params.price_max]);
    }
    let float = ctx.reference(symbol).and_then(|reference| reference.float_shares);
    let too_large = params.max_float.is_some_and(|max| match float {
        Some(float) => float > max,
        None => params.float_missing_rejects,
    });
    if too_large {
        return refuse(rule::FLOAT, &[float.unwrap_or(0.0), params.max_float.unwrap_or(0.0)]);
    }
    let (best, range) = (pre.best(direction), pre.high.to_f64() - pre.low.to_f64());
    let pullback = if range > 0.0 { (best.to_f64() - last).abs() / range } else { 0.0 };
    if pullback > params.max_pullback {
        return refuse(rule::PULLBACK, &[pullback, params.max_pullback]);
    }
    let widest = self::gap(data.prev_close(session), best).unwrap_or(0.0);
    let retained = if widest != 0.0 { gap / widest } else { 1.0 };
    if retained < params.min_retained {
        return refuse(rule::RETAINED, &[retained, params.min_retained]);
    }
    if params.require_news {
        return refuse(rule::NEWS, &[]);
    }
    Ok(Candidate { symbol, gap, rvol, direction })
}
