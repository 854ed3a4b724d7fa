//! The watch over live data, once a second: sources that fall silent, disagree or change (C28, R11).
//!
//! Stored data is not watched. Invariant: doubt blocks opening orders and nothing else (I14); what
//! is over lifts its own block.

use model::exchange::Session;
use model::{SECOND_NS, SourceId, SymbolId, Timestamp};

use super::feeds::Agreement;
use super::policy::Staleness;
use crate::alert_system::AlertKind;
use crate::desk::Desk;
use crate::risk_manager::{Block, BlockReason, Scope};
use crate::timers::Timer;

/// Time between two looks.
const EVERY_NS: i64 = SECOND_NS;
/// Looks in a row at which two sources must disagree before it is a doubt.
const DISAGREEING: u8 = 5;

/// Sets the next look, while the session lasts.
pub(crate) fn schedule(desk: &mut Desk<'_>) {
    let next = desk.now.plus_nanos(EVERY_NS);
    let lasts = desk.analysis.session.is_some_and(|session| next < session.post_close);
    if lasts && desk.analysis.data.policy().staleness.is_some() {
        desk.analysis.timers.set(next, Timer::DataCheck);
    }
}

/// Looks at every source and symbol; returns the symbols whose source changed.
pub(crate) fn look(desk: &mut Desk<'_>) -> Vec<(SymbolId, SourceId)> {
    schedule(desk);
    let Some(limits) = desk.analysis.data.policy().staleness else { return Vec::new() };
    let deaf = hear_sources(desk, &limits);
    let mut switched = Vec::new();
    for index in 0..desk.analysis.data.symbols().len() {
        let symbol = SymbolId(index as u32);
        if let Some(source) = desk.analysis.data.switch_source(symbol, &limits, desk.now) {
            desk.alert(AlertKind::SourceSwitched, Some(symbol), None, || {
                format!("market data comes from source {} now", source.0)
            });
            switched.push((symbol, source));
        }
        compare(desk, symbol, &limits);
        if !deaf {
            listen(desk, symbol, &limits);
        }
    }
    switched
}

/// C28: no source says anything, not even that it lives; true while that is so.
fn hear_sources(desk: &mut Desk<'_>, limits: &Staleness) -> bool {
    let (feeds, now) = (desk.analysis.data.feeds(), desk.now);
    let mut sources = (0..feeds.count()).filter_map(|at| u8::try_from(at).ok()).map(SourceId);
    let deaf = sources.all(|source| feeds.is_dead(source, limits, now));
    let block = Block::new(Scope::All, BlockReason::Stale);
    if deaf {
        desk.block(block, || {
            let limit = limits.heartbeat_ns / SECOND_NS;
            format!("nothing came from any market-data source for over {limit} s")
        });
    } else {
        desk.lift(block);
    }
    deaf
}

/// R11: two fresh sources that disagree for some looks in a row.
fn compare(desk: &mut Desk<'_>, symbol: SymbolId, limits: &Staleness) {
    let data = &mut desk.analysis.data;
    let block = Block::new(Scope::Symbol(symbol), BlockReason::Disagreement);
    match data.compare_sources(symbol, limits, desk.now) {
        (Agreement::Differ, DISAGREEING..) => {
            desk.block(block, || "two market-data sources disagree on the price for 5 s".to_owned())
        }
        (Agreement::Agree, _) => desk.lift(block),
        _ => {}
    }
}

/// C28, F23: a symbol whose source is dead while another one lives; one that should print and does
/// not while its source lives; one that is held while its data is old.
fn listen(desk: &mut Desk<'_>, symbol: SymbolId, limits: &Staleness) {
    let now = desk.now;
    let Some(session) = desk.analysis.session.filter(|session| session.is_open(now)) else {
        return;
    };
    let block = Block::new(Scope::Symbol(symbol), BlockReason::Stale);
    let feeds = desk.analysis.data.feeds();
    let source = feeds.active(symbol);
    let dead = feeds.is_dead(source, limits, now);
    match expected_in_silence(desk, symbol, &session, limits) {
        _ if dead => desk.block(block, || {
            format!("market-data source {} is silent and no other one has taken over", source.0)
        }),
        Some(expected) => desk.block(block, || {
            let minutes = limits.silence_ns / model::MINUTE_NS;
            format!(
                "no print for over {minutes} min where {expected:.0} shares were to be expected, \
                 while the source is alive"
            )
        }),
        None => desk.lift(block),
    }
    let stale = desk.analysis.data.doubt(symbol, now).is_some();
    if stale && desk.books().is_symbol_active(symbol) {
        desk.alert(AlertKind::StaleData, Some(symbol), None, || {
            "market data is old while a position or an order is there; exits stay".to_owned()
        });
    }
}

/// Returns the shares that should have been printed since the symbol fell silent, by the volume
/// of earlier sessions at this time of day; `None` when it is not silent or little was expected.
fn expected_in_silence(
    desk: &Desk<'_>,
    symbol: SymbolId,
    session: &Session,
    limits: &Staleness,
) -> Option<f64> {
    let state = desk.analysis.data.symbol(symbol)?;
    // The end of a bar says less than a print of it.
    let printed = state.tape.heard;
    let last = if printed == Timestamp::MIN { state.last.end() } else { printed };
    let last = last.max(session.open);
    if desk.now.since(last) <= limits.silence_ns {
        return None;
    }
    let baseline = state.reference(session)?.volume_baseline.as_deref()?;
    let minute = |time: Timestamp| usize::try_from(session.minutes_since_open(time)).ok();
    let (from, to) = (minute(last)?, minute(desk.now)?);
    let expected: f64 = baseline.rth_bar.get(from..to)?.iter().sum();
    (expected >= f64::from(limits.silence_shares)).then_some(expected)
}
