//! The report as a short summary for a terminal: plain lines, no colours; the command line colours.

use std::fmt::Write;

use crate::format::{
    DASH, count, minutes, money, optional_money, percent, r_multiple, ratio, signed_money,
};
use crate::report::Report;

/// Reasons of refusals that are listed.
const REASONS: usize = 5;
/// Width of a label and of a value in the block of figures.
const LABEL: usize = 18;
const VALUE: usize = 16;

/// Returns the summary, about 30 lines, each ended by a line feed.
pub fn summary(report: &Report) -> String {
    let mut text = String::new();
    head(&mut text, report);
    figures(&mut text, report);
    strategies(&mut text, report);
    let lists = [("Refused", &report.rejections), ("Missed", &report.missed_entries)];
    for (title, reasons) in lists {
        let mut rows: Vec<(&String, &u64)> = reasons.iter().collect();
        rows.sort_by_key(|(_, number)| std::cmp::Reverse(**number));
        let named: Vec<String> = rows
            .iter()
            .take(REASONS)
            .map(|(reason, number)| format!("{reason} {}", count(**number)))
            .collect();
        if !named.is_empty() {
            let more = if rows.len() > REASONS { ", ..." } else { "" };
            push(&mut text, format_args!("\n{title}: {}{more}", named.join(", ")));
        }
    }
    for label in &report.labels {
        push(&mut text, format_args!("\nNote: {label}"));
    }
    text.push('\n');
    text
}

fn push(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = text.write_fmt(line);
}

fn head(text: &mut String, report: &Report) {
    let data = &report.data;
    let date = |date: Option<model::Date>| date.map_or_else(|| DASH.into(), |d| d.to_string());
    let symbols = match data.symbols.as_slice() {
        [] => DASH.to_owned(),
        few if few.len() <= 6 => few.join(", "),
        many => format!("{} and {} more", many[..5].join(", "), many.len() - 5),
    };
    push(
        text,
        format_args!("{}  {} to {}", crate::html::kind(report), date(data.from), date(data.to)),
    );
    let (sessions, bars) = (count(data.sessions), count(data.bars));
    push(text, format_args!("  ({sessions} sessions, {bars} bars)\nSymbols     {symbols}\n"));
    let dash = |value: &str| if value.is_empty() { DASH.to_owned() } else { value.to_owned() };
    push(
        text,
        format_args!(
            "Fills       {}; slippage {}; commission {}\n\n",
            dash(&report.fill),
            dash(&report.slippage),
            dash(&report.commission)
        ),
    );
}

fn figures(text: &mut String, report: &Report) {
    let s = &report.summary;
    let t = &report.metrics.trades;
    let expectancy = s.expectancy.map_or_else(|| DASH.to_owned(), signed_money);
    let won_lost = format!("{}/{}/{}", count(t.wins), count(t.losses), count(t.breakeven));
    // TP2: annualised figures of a short sample carry the label.
    let [cagr, sharpe, sortino] = if s.short_sample {
        ["CAGR (short)", "Sharpe (short)", "Sortino (short)"]
    } else {
        ["CAGR", "Sharpe ratio", "Sortino ratio"]
    };
    let rows = [
        [("Net result", signed_money(s.net_pnl)), ("Closed trades", count(s.trades))],
        [("Total return", percent(s.total_return)), ("Won/lost/even", won_lost)],
        [("Start equity", optional_money(s.start_equity)), ("Win rate", percent(s.win_rate))],
        [("End equity", optional_money(s.end_equity)), ("Profit factor", ratio(s.profit_factor))],
        [("Fees", money(s.fees)), ("Expectancy", expectancy)],
        [
            ("Deepest drawdown", percent(s.max_drawdown)),
            ("Expectancy in R", r_multiple(s.expectancy_r)),
        ],
        [
            (cagr, percent(s.cagr.filter(|_| !s.short_sample))),
            ("Average win", optional_money(t.avg_win)),
        ],
        [(sharpe, ratio(s.sharpe)), ("Average loss", optional_money(t.avg_loss))],
        [(sortino, ratio(s.sortino)), ("Mean time held", minutes(t.avg_minutes))],
        [("Orders", count(s.orders)), ("Open positions", count(s.open_positions))],
    ];
    for [(left, left_value), (right, right_value)] in rows {
        push(
            text,
            format_args!(
                "{left:<LABEL$}{left_value:>VALUE$}    {right:<LABEL$}{right_value:>VALUE$}\n"
            ),
        );
    }
}

fn strategies(text: &mut String, report: &Report) {
    if report.per_strategy.is_empty() {
        return;
    }
    let width = report.per_strategy.keys().map(|name| name.chars().count()).max().unwrap_or(0);
    let width = width.clamp(8, 40);
    push(
        text,
        format_args!(
            "\n{:<width$}  {:>7}  {:>8}  {:>14}  {:>10}  {:>7}\n",
            "Strategy", "Trades", "Win rate", "Net, USD", "Expectancy", "Mean R"
        ),
    );
    for (name, row) in &report.per_strategy {
        push(
            text,
            format_args!(
                "{name:<width$}  {:>7}  {:>8}  {:>14}  {:>10}  {:>7}\n",
                count(row.trades.trades),
                percent(row.trades.win_rate),
                signed_money(row.trades.net_pnl),
                row.trades.expectancy.map_or_else(|| DASH.to_owned(), signed_money),
                r_multiple(row.trades.expectancy_r),
            ),
        );
    }
}
