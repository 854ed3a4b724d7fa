//! Puts a run's result, its setup and its data into the report (contract.md 5, TP21).

use std::time::Duration;

use analytics::metrics::{Benchmark, ExposureFigures, Resampling};
use analytics::report::{OpenPosition, Report, ReportInput, SensitivityRow, TaxLotsRow, Timing};
use backtest::RunResult;
use engine::ledger::YearTotals;
use model::{Quantity, Symbol, SymbolId};
use strategies::Registry;

use crate::BUILD;
use crate::market::Covered;
use crate::run::Setup;
use crate::run::recorder::Recorder;

/// Parts of a report beside the run's result.
#[derive(Debug, Default)]
pub(crate) struct Extras {
    /// The benchmark asked for.
    pub(crate) benchmark: Option<Benchmark>,
    /// The fill-sensitivity table (TF15).
    pub(crate) sensitivity: Vec<SensitivityRow>,
    /// Leave the intervals by resampling out (TP20).
    pub(crate) without_resampling: bool,
    /// Time spent loading.
    pub(crate) load: Duration,
    /// Time spent in the engine.
    pub(crate) engine: Duration,
}

/// Builds the report; its own duration is measured here.
pub(crate) fn build(
    setup: &Setup,
    registry: &Registry,
    covered: &Covered,
    result: RunResult,
    recorder: &Recorder,
    extras: Extras,
) -> Report {
    let started = std::time::Instant::now();
    let engine_s = extras.engine.as_secs_f64();
    let timing = Timing {
        load_s: Some(extras.load.as_secs_f64()),
        engine_s: Some(engine_s),
        report_s: None,
        bars_per_s: (engine_s > 0.0 && result.bars > 0).then(|| result.bars as f64 / engine_s),
    };
    let input = ReportInput {
        build: BUILD.to_owned(),
        config_hash: setup.config_hash.clone(),
        symbols: covered.symbols.clone(),
        strategies: setup.strategy_facts(registry),
        from: Some(covered.from),
        to: Some(covered.to),
        fill: setup.exchange.mode.name().to_owned(),
        commission: setup.exchange.commission.to_string(),
        slippage: setup.slippage_text(),
        limits_off: setup.limits_off,
        contexts: recorder.contexts(),
        executions: recorder.executions(&result.trades),
        exposure: exposure(&result),
        open_positions: open_positions(&result, recorder),
        auctions_approximated: result.auction_estimates > 0,
        benchmark: extras.benchmark,
        sensitivity: extras.sensitivity,
        timing,
        decision_hash: result.decision_hash,
        bars: result.bars,
        ticks: result.ticks,
        sessions: result.sessions,
        orders: result.orders,
        fills: result.fills,
        trades: result.trades,
        equity: result.equity,
        rejections: result.rejections,
        not_checked: result.not_checked,
        charges: result.charges,
        dividends: result.dividends,
        tax_lots: tax_lots(&result.tax_lots, &covered.symbols),
        fees_extrapolated: result.fees_extrapolated,
        resampling: resampling(extras.without_resampling),
        ..ReportInput::default()
    };
    let mut report = Report::build(&input);
    report.timing.report_s = Some(started.elapsed().as_secs_f64());
    report
}

fn tax_lots(totals: &[(SymbolId, YearTotals)], symbols: &[Symbol]) -> Vec<TaxLotsRow> {
    let name = |id: SymbolId| symbols.get(id.index()).map_or_else(String::new, |s| s.to_string());
    let row = |(symbol, totals): &(SymbolId, YearTotals)| TaxLotsRow {
        symbol: name(*symbol),
        year: totals.year,
        parts: totals.parts,
        gain: totals.gain,
        wash_sales_disallowed: totals.disallowed,
    };
    totals.iter().map(row).collect()
}

fn resampling(without: bool) -> Resampling {
    let usual = Resampling::default();
    if without { Resampling { draws: 0, ..usual } } else { usual }
}

fn open_positions(result: &RunResult, recorder: &Recorder) -> Vec<OpenPosition> {
    let positions = result.open_positions.iter();
    positions
        .map(|position| OpenPosition {
            strategy: position.strategy,
            symbol: position.symbol,
            long: position.quantity > Quantity::ZERO,
            quantity: position.quantity.abs(),
            entry_time: position.opened,
            entry_price: position.entry_price,
            mark: Some(position.mark),
            initial_stop: recorder.open_stop(position.strategy, position.symbol),
            fills: recorder.open_fills(position.strategy, position.symbol),
        })
        .collect()
}

/// Returns the exposure of the run; net equals gross as long as nothing was held short, and a run
/// with a short position has no such figures.
fn exposure(result: &RunResult) -> Option<ExposureFigures> {
    let short = result.trades.iter().any(|trade| !trade.long)
        || result.open_positions.iter().any(|position| position.quantity < Quantity::ZERO);
    let exposure = &result.exposure;
    (!short && exposure.minutes > 0).then_some(ExposureFigures {
        rth_minutes: exposure.minutes,
        minutes_in_market: exposure.minutes_in_market,
        average_gross: exposure.mean_gross,
        max_gross: exposure.max_gross,
        average_net: exposure.mean_gross,
        max_net: exposure.max_gross,
        max_participation: None,
        participation_limit: 0.0,
    })
}
