//! Builds the report from the run's facts.

use std::collections::BTreeMap;

use model::{Cash, ClosedTrade, StrategyId, SymbolId, TradeFill};

use super::rows::{OpenPositionRow, TradeRow};
use super::{
    ChargeRow, DataFacts, Metrics, Report, ReportInput, SCHEMA_VERSION, StrategyRow, Summary,
};
use crate::format::plural;
use crate::metrics::{
    Breakdowns, DailySeries, ExecutionMetrics, ExposureInput, ExposureMetrics, FEW_TRADES, Labels,
    ResamplingMetrics, SHORT_SAMPLE, SeriesMetrics, TradeMetrics, by_exit, daily_rate,
};

/// Names of the run's strategies and symbols; an index without a name is printed as a number.
struct Names<'a>(&'a ReportInput);

impl Names<'_> {
    fn strategy(&self, id: StrategyId) -> String {
        self.0.strategies.get(id.index()).map_or_else(|| format!("#{}", id.0), |s| s.name.clone())
    }

    fn symbol(&self, id: SymbolId) -> String {
        self.0.symbols.get(id.index()).map_or_else(|| format!("#{}", id.0), ToString::to_string)
    }
}

/// All fees of the run by kind (TK5-TK8).
fn fees_by_kind(input: &ReportInput) -> BTreeMap<String, Cash> {
    let closed: Cash = input.trades.iter().map(|trade| trade.fees).sum();
    let open: Cash = input.open_positions.iter().flat_map(|p| &p.fills).map(|f| f.fee).sum();
    let mut fees = BTreeMap::from([("fills".to_owned(), closed.plus(open))]);
    for (_, kind, amount) in &input.charges {
        let sum = fees.entry(kind.name().to_owned()).or_insert(Cash::ZERO);
        *sum = sum.plus(*amount);
    }
    fees
}

fn all_fees(input: &ReportInput) -> Cash {
    fees_by_kind(input).into_values().sum()
}

pub(super) fn build(input: &ReportInput) -> Report {
    let names = Names(input);
    let ordered = by_exit(&input.trades);
    let series = DailySeries::from_equity(&input.equity, &input.flows);
    let excess = excess(input, series.as_ref());
    let nets: Vec<f64> = ordered.iter().map(|trade| trade.net_pnl.to_f64()).collect();
    // The intervals take as long as all the rest: both at once.
    let (resampling, metrics, trades) = std::thread::scope(|scope| {
        let resampling = scope.spawn(|| ResamplingMetrics::of(&nets, &excess, input.resampling));
        let rows = |trade: &&ClosedTrade| {
            TradeRow::of(trade, names.strategy(trade.strategy), names.symbol(trade.symbol))
        };
        let metrics = metrics(input, series.as_ref(), &ordered, &names);
        let trades: Vec<TradeRow> = ordered.iter().map(rows).collect();
        (resampling.join(), metrics, trades)
    });
    let resampling = resampling.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    let metrics = Metrics { resampling, ..metrics };
    let summary = summary(input, &metrics);
    Report {
        schema_version: SCHEMA_VERSION,
        kind: input.kind,
        build: input.build.clone(),
        config_hash: input.config_hash.clone(),
        data: DataFacts {
            symbols: input.symbols.iter().map(ToString::to_string).collect(),
            from: input.from,
            to: input.to,
            bars: input.bars,
            ticks: input.ticks,
            sessions: input.sessions,
        },
        fill: input.fill.clone(),
        commission: input.commission.clone(),
        slippage: input.slippage.clone(),
        limits_off: input.limits_off,
        fees_extrapolated: input.fees_extrapolated,
        auctions_approximated: input.auctions_approximated,
        labels: labels(input, &summary, &metrics),
        per_strategy: per_strategy(input, &ordered, &names),
        trades,
        open_positions: input
            .open_positions
            .iter()
            .map(|p| OpenPositionRow::of(p, names.strategy(p.strategy), names.symbol(p.symbol)))
            .collect(),
        not_checked: input.not_checked.clone(),
        equity: input.equity.clone(),
        flows: input.flows.iter().map(|(date, amount)| (*date, *amount)).collect(),
        fees_by_kind: fees_by_kind(input),
        charges: input
            .charges
            .iter()
            .map(|&(date, kind, amount)| ChargeRow { date, kind: kind.name().into(), amount })
            .collect(),
        tax_lots: input.tax_lots.clone(),
        rejections: input.rejections.clone(),
        missed_entries: input.missed_entries.clone(),
        sensitivity: input.sensitivity.clone(),
        timing: input.timing,
        decision_hash: input.decision_hash.clone(),
        summary,
        metrics,
    }
}

/// Daily returns over the risk-free rate.
fn excess(input: &ReportInput, series: Option<&DailySeries>) -> Vec<f64> {
    let rf_daily = daily_rate(input.risk_free_annual);
    series.map(|s| s.returns().iter().map(|r| r - rf_daily).collect()).unwrap_or_default()
}

/// All metrics but those by resampling.
fn metrics(
    input: &ReportInput,
    series: Option<&DailySeries>,
    ordered: &[&ClosedTrade],
    names: &Names<'_>,
) -> Metrics {
    let rf = input.risk_free_annual;
    let fills: Vec<TradeFill> = ordered
        .iter()
        .flat_map(|trade| &trade.fills)
        .chain(input.open_positions.iter().flat_map(|position| &position.fills))
        .copied()
        .collect();
    let execution = ExecutionMetrics::of(&input.executions);
    Metrics {
        series: match series {
            Some(series) => SeriesMetrics::of(series, rf, input.benchmark.as_ref(), input.trials),
            None => no_series(rf, daily_rate(rf)),
        },
        trades: TradeMetrics::of(ordered),
        exposure: ExposureMetrics::of(ExposureInput {
            equity: &input.equity,
            fills: &fills,
            fees: all_fees(input),
            slippage: execution.slippage_vs_decision.total,
            figures: input.exposure,
        }),
        execution,
        resampling: ResamplingMetrics::default(),
        breakdowns: Breakdowns::of(
            ordered,
            &Labels {
                strategy: &|trade| names.strategy(trade.strategy),
                symbol: &|trade| names.symbol(trade.symbol),
                contexts: &input.contexts,
            },
        ),
    }
}

/// Metrics of a run without a usable daily equity: everything is `null` but the stated rate.
fn no_series(rf_annual: f64, rf_daily: f64) -> SeriesMetrics {
    let mut metrics = SeriesMetrics::default();
    metrics.returns.rf_annual = rf_annual;
    metrics.returns.rf_daily = rf_daily;
    metrics.returns.short_sample = true;
    metrics
}

fn summary(input: &ReportInput, metrics: &Metrics) -> Summary {
    let (first, last) = (input.equity.first(), input.equity.last());
    let fees = all_fees(input);
    // A flow dated after E0 changed the equity; one dated before is already in E0.
    let flows: Cash = input
        .flows
        .iter()
        .filter(|(date, _)| first.is_some_and(|(start, _)| *date > start))
        .map(|(_, amount)| *amount)
        .sum();
    let net_pnl = match (first, last) {
        (Some((_, start)), Some((_, end))) => end.minus(*start).minus(flows),
        _ => metrics.trades.net_pnl,
    };
    let returns = &metrics.series.returns;
    Summary {
        start_equity: first.map(|(_, equity)| *equity),
        end_equity: last.map(|(_, equity)| *equity),
        net_pnl,
        gross_pnl: net_pnl.plus(fees),
        fees,
        flows,
        dividends: input.dividends,
        trades: metrics.trades.trades,
        orders: input.orders,
        fills: input.fills,
        open_positions: input.open_positions.len() as u64,
        win_rate: metrics.trades.win_rate,
        profit_factor: metrics.trades.profit_factor,
        expectancy: metrics.trades.expectancy,
        expectancy_r: metrics.trades.expectancy_r,
        total_return: returns.total_return,
        annual_return: returns.annual_return,
        cagr: returns.cagr_calendar,
        volatility: returns.annual_volatility,
        sharpe: returns.sharpe,
        sortino: returns.sortino,
        calmar: metrics.series.drawdown.calmar,
        max_drawdown: metrics.series.drawdown.max_drawdown,
        short_sample: returns.short_sample,
        few_trades: metrics.trades.few_trades,
    }
}

fn per_strategy(
    input: &ReportInput,
    ordered: &[&ClosedTrade],
    names: &Names<'_>,
) -> BTreeMap<String, StrategyRow> {
    // Strategies without a trade are rows as well: that they did not trade is a result.
    let mut groups: BTreeMap<String, Vec<&ClosedTrade>> =
        input.strategies.iter().map(|strategy| (strategy.name.clone(), Vec::new())).collect();
    for trade in ordered {
        groups.entry(names.strategy(trade.strategy)).or_default().push(trade);
    }
    let open = |name: &str| {
        input.open_positions.iter().filter(|p| names.strategy(p.strategy) == name).count() as u64
    };
    let parameters =
        |name: &str| input.strategies.iter().find(|s| s.name == name).map(|s| s.parameters.clone());
    groups
        .into_iter()
        .map(|(name, trades)| {
            let row = StrategyRow {
                parameters: parameters(&name).unwrap_or_default(),
                open_positions: open(&name),
                trades: TradeMetrics::of(&trades),
            };
            (name, row)
        })
        .collect()
}

fn labels(input: &ReportInput, summary: &Summary, metrics: &Metrics) -> Vec<String> {
    let mut labels = Vec::new();
    if input.limits_off {
        labels.push("risk limits off: sizing and caps did not apply".to_owned());
    }
    if summary.short_sample {
        let days = metrics.series.returns.periods;
        labels.push(format!(
            "short sample: {}; annualised figures need {SHORT_SAMPLE}",
            plural(days, "daily return")
        ));
    }
    if summary.few_trades {
        let trades = summary.trades;
        labels.push(format!("few trades: {trades}; trade statistics need {FEW_TRADES}"));
    }
    if input.fees_extrapolated {
        labels.push("fees_extrapolated: dates before the first row of a fee table".to_owned());
    }
    if input.auctions_approximated {
        labels.push("auction fills use bars: the data has no official auction prices".to_owned());
    }
    if !input.not_checked.is_empty() {
        labels.push(format!(
            "{} not checked for want of reference data",
            plural(input.not_checked.len() as u64, "term")
        ));
    }
    labels
}
