//! All figures of the report in groups, each with its definition as a tooltip.

use maud::{Markup, html};
use model::Cash;

use crate::format::{count, decimals, minutes, money, optional_money, percent, ratio};
use crate::metrics::{DrawdownDraws, Interval, SlippageStats};
use crate::report::Report;

/// A figure: name, definition, value.
type Figure = (&'static str, &'static str, String);

fn number(value: Option<u64>) -> String {
    value.map_or_else(|| crate::format::DASH.to_owned(), count)
}

fn interval(value: Option<Interval>, places: usize) -> String {
    value.map_or_else(
        || crate::format::DASH.to_owned(),
        |i| format!("{} to {}", decimals(i.low, places), decimals(i.high, places)),
    )
}

fn group(title: &str, note: Option<&str>, figures: &[Figure]) -> Markup {
    html! {
        section class="card" {
            h2 { (title) @if let Some(note) = note { small { (note) } } }
            table class="list" { tbody {
                @for (name, definition, value) in figures {
                    tr { th scope="row" title=(definition) { (name) } td { (value) } }
                }
            } }
        }
    }
}

/// The cards of all groups; the benchmark's only with a benchmark.
pub(super) fn cards(report: &Report) -> Markup {
    let benchmark = report.metrics.series.benchmark.benchmark.as_deref();
    // TP2, TP20: the label stands beside the figures it is about.
    let short = report.summary.short_sample.then_some("short sample");
    let few = report.summary.few_trades.then_some("few trades");
    html! {
        div class="trio" {
            (group("Return", short, &returns(report)))
            (group("Risk", short, &risk(report)))
            (group("Confidence", short, &confidence(report)))
            (group("Trades", few, &trades(report)))
            (group("Holding and excursions", few, &holding(report)))
            (group("Exposure and costs", None, &exposure(report)))
            (group("Shape of daily returns", short, &shape(report)))
            @if let Some(name) = benchmark {
                (group(&format!("Against {name}"), short, &against(report)))
            }
        }
    }
}

fn returns(report: &Report) -> Vec<Figure> {
    let m = &report.metrics.series;
    vec![
        ("Total return", "Growth over the whole run (TP2)", percent(m.returns.total_return)),
        ("Annual return", "Growth per 252 sessions (TP2)", percent(m.returns.annual_return)),
        ("CAGR, calendar", "Growth per 365.25 days (TP2)", percent(m.returns.cagr_calendar)),
        ("Best day", "Highest daily return", percent(m.shape.best_day)),
        ("Worst day", "Lowest daily return", percent(m.shape.worst_day)),
        ("Best month", "Highest return of a calendar month", percent(m.shape.best_month)),
        ("Worst month", "Lowest return of a calendar month", percent(m.shape.worst_month)),
        ("Days above zero", "Days with a gain over all days", percent(m.shape.positive_days)),
        ("Days at zero", "Days without any result over all days", percent(m.shape.zero_days)),
        ("Months above zero", "Months with a gain", percent(m.shape.positive_months)),
        ("Risk-free rate", "Per year (TP3)", percent(Some(m.returns.rf_annual))),
    ]
}

fn risk(report: &Report) -> Vec<Figure> {
    let m = &report.metrics.series;
    vec![
        ("Volatility", "Standard deviation per year (TP3)", percent(m.returns.annual_volatility)),
        ("Sharpe ratio", "Mean excess return over its deviation (TP4)", ratio(m.returns.sharpe)),
        ("Sortino ratio", "Mean excess return over downside (TP5)", ratio(m.returns.sortino)),
        ("Calmar ratio", "Annual return over deepest drawdown (TP7)", ratio(m.drawdown.calmar)),
        ("Martin ratio", "Annual return over ulcer index (TP7)", ratio(m.drawdown.martin_ratio)),
        (
            "Recovery factor",
            "Total return over deepest drawdown",
            ratio(m.drawdown.recovery_factor),
        ),
        (
            "Deepest drawdown",
            "From the highest close so far (TP6)",
            percent(m.drawdown.max_drawdown),
        ),
        ("Average drawdown", "Mean of all days", percent(m.drawdown.average_drawdown)),
        ("Ulcer index", "Root mean square drawdown (TP7)", percent(m.drawdown.ulcer_index)),
        ("Time under water", "Days below the peak", percent(m.drawdown.time_under_water)),
        ("Value at risk 95%", "Historical, per day (TP8)", percent(m.tail.var_hist_95)),
        ("Shortfall 95%", "Mean of the days beyond it (TP8)", percent(m.tail.cvar_hist_95)),
        ("Value at risk 99%", "Historical, per day (TP8)", percent(m.tail.var_hist_99)),
    ]
}

fn confidence(report: &Report) -> Vec<Figure> {
    let s = &report.metrics.series.significance;
    let r = &report.metrics.resampling;
    let fall = |pick: fn(DrawdownDraws) -> f64| {
        r.trade_order_drawdown_usd.map_or_else(
            || crate::format::DASH.to_owned(),
            |draws| optional_money(Cash::from_f64(pick(draws))),
        )
    };
    vec![
        ("Sharpe above 0", "Probability that the true ratio is above 0 (TP11)", percent(s.psr_0)),
        ("Sessions for 95%", "Minimum track record (TP11)", ratio(s.min_track_record_length_95)),
        ("Deflated Sharpe", "Probability after the number of trials (TP12)", percent(s.dsr)),
        ("Trials recorded", "Runs of the optimiser (TP12)", number(s.dsr_trials)),
        ("Sharpe, 95% range", "Block bootstrap of days (TP20)", interval(r.sharpe_ci_95, 2)),
        (
            "Expectancy, 95% range",
            "Bootstrap of trades, USD (TP20)",
            interval(r.expectancy_ci_95, 2),
        ),
        ("Drawdown, median", "Trades in random order, USD (TP20)", fall(|draws| draws.median)),
        ("Drawdown, 1 in 20", "Trades in random order, USD (TP20)", fall(|draws| draws.p95)),
        ("Drawdown, 1 in 100", "Trades in random order, USD (TP20)", fall(|draws| draws.p99)),
    ]
}

fn trades(report: &Report) -> Vec<Figure> {
    let t = &report.metrics.trades;
    vec![
        ("Average win", "Mean net of winners (TP15)", optional_money(t.avg_win)),
        ("Average loss", "Mean net of losers (TP15)", optional_money(t.avg_loss)),
        ("Largest win", "Best net", optional_money(t.largest_win)),
        ("Largest loss", "Worst net", optional_money(t.largest_loss)),
        ("Winning streak", "Longest run of wins by exit (TP18)", count(t.max_consecutive_wins)),
        ("Losing streak", "Longest run of losses by exit (TP18)", count(t.max_consecutive_losses)),
        ("Expectancy in R", "Mean R multiple (TP16)", ratio(t.expectancy_r)),
        ("Deviation of R", "Standard deviation of R", ratio(t.r_stdev)),
        ("System quality (SQN)", "Mean R over its deviation, scaled (TP18)", ratio(t.sqn)),
        ("Kelly fraction", "A description, not advice (TP15)", percent(t.kelly)),
        ("Deepest fall, closed", "Of the running sum of trades", money(t.max_closed_drawdown_usd)),
    ]
}

fn holding(report: &Report) -> Vec<Figure> {
    let t = &report.metrics.trades;
    vec![
        ("Mean time held", "First to last fill (TP18)", minutes(t.avg_minutes)),
        ("Median time held", "First to last fill", minutes(t.median_minutes)),
        ("Winners, mean", "Time held", minutes(t.avg_minutes_wins)),
        ("Losers, mean", "Time held", minutes(t.avg_minutes_losses)),
        ("Adverse move", "Mean worst move in R (TP17)", ratio(t.avg_mae_r)),
        ("Favourable move", "Mean best move in R (TP17)", ratio(t.avg_mfe_r)),
        ("Adverse move, USD", "Mean worst move of the position", optional_money(t.avg_mae_usd)),
        ("Favourable move, USD", "Mean best move of the position", optional_money(t.avg_mfe_usd)),
        (
            "Exit efficiency",
            "Move taken over best move of winners",
            percent(t.exit_efficiency_winners),
        ),
        ("Risk planned", "Sum over trades (TS5)", money(t.risk_planned)),
        ("Risk taken", "Sum over trades (TS5)", money(t.risk_taken)),
    ]
}

fn exposure(report: &Report) -> Vec<Figure> {
    let e = &report.metrics.exposure;
    let slip = |stats: &SlippageStats| {
        stats.mean_bps.map_or_else(
            || crate::format::DASH.to_owned(),
            |mean| format!("{} bps", decimals(mean, 2)),
        )
    };
    let x = &report.metrics.execution;
    vec![
        ("Time in market", "Regular minutes with a position (TP13)", percent(e.time_in_market)),
        ("Average exposure", "Gross over equity", percent(e.average_gross_exposure)),
        ("Largest exposure", "Gross over equity", percent(e.max_gross_exposure)),
        ("Turnover per year", "Half the value traded over equity", ratio(e.turnover_annual)),
        ("Cost drag per year", "Fees and slippage over equity", percent(e.cost_drag_annual)),
        ("Capacity, USD", "Equity at the participation limit", optional_money(e.capacity_usd)),
        (
            "Slippage, decision",
            "Mean against the decision's price (TP19)",
            slip(&x.slippage_vs_decision),
        ),
        (
            "Slippage, arrival",
            "Mean against the quote at arrival (TP19)",
            slip(&x.slippage_vs_arrival),
        ),
        ("Fees", "All fees: of fills and of the account (TK)", money(report.summary.fees)),
        ("Orders", "Orders sent", count(report.summary.orders)),
        ("Fills", "Fills received", count(report.summary.fills)),
    ]
}

fn shape(report: &Report) -> Vec<Figure> {
    let s = &report.metrics.series.shape;
    vec![
        ("Skew", "Bias corrected (TP10)", ratio(s.skew_sample)),
        ("Excess kurtosis", "Bias corrected (TP10)", ratio(s.excess_kurtosis_sample)),
        ("Tail ratio", "95th over 5th percentile", ratio(s.tail_ratio)),
        ("Omega", "Gains over losses of days", ratio(s.omega_0)),
        ("Gain to pain, days", "Sum over sum of losses", ratio(s.gain_to_pain_daily)),
        ("Gain to pain, months", "Sum over sum of losses", ratio(s.gain_to_pain_monthly)),
    ]
}

fn against(report: &Report) -> Vec<Figure> {
    let b = &report.metrics.series.benchmark;
    vec![
        ("Common days", "Days both have a return", count(b.benchmark_days)),
        ("Beta", "Of excess returns (TP9)", ratio(b.beta)),
        ("Alpha, arithmetic", "Per year (TP9)", percent(b.alpha_annual_arithmetic)),
        ("Correlation", "Of daily returns", ratio(b.correlation)),
        ("Tracking error", "Deviation of the difference per year", percent(b.tracking_error)),
        ("Information ratio", "Mean difference over its deviation", ratio(b.information_ratio)),
        ("Up capture", "Mean return on its rising days", percent(b.up_capture_arith)),
        ("Down capture", "Mean return on its falling days", percent(b.down_capture_arith)),
    ]
}
