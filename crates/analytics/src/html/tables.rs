//! The tables of the page. A table without rows is left out, but for the trades.

use std::collections::BTreeMap;

use maud::{Markup, html};
use model::exchange::{new_york_date, new_york_time};
use model::{Cash, Price, Timestamp};

use super::chart::MONTHS;
use super::{card, tone};
use crate::format::{self, DASH, count, money, percent, r_multiple, ratio, signed_money};
use crate::metrics::BreakdownRow;
use crate::report::Report;

/// Trades shown on the page; the JSON document holds all.
const TRADES_SHOWN: usize = 1_000;
/// Rows of a breakdown by symbol shown on the page.
const SYMBOLS_SHOWN: usize = 25;

fn pnl(amount: Cash) -> Markup {
    html! { td class=(tone(amount.to_f64())) { (signed_money(amount)) } }
}

fn optional_pnl(amount: Option<Cash>) -> Markup {
    amount.map_or_else(|| html! { td { (DASH) } }, pnl)
}

fn price(value: Option<Price>) -> String {
    value.map_or_else(|| DASH.to_owned(), |value| value.to_string())
}

/// A price with at most four decimals: averages carry nine.
fn short_price(value: Price) -> String {
    let four = Price::from_raw(100_000);
    value.round_to(four, model::Rounding::HalfEven).to_string()
}

/// New York date and time without the year.
fn local(time: Timestamp) -> String {
    let (_, month, day) = new_york_date(time).ymd();
    let name = MONTHS.get(usize::from(month.unsigned_abs()) - 1).copied().unwrap_or("");
    let clock = new_york_time(time);
    format!("{name} {day:02} {:02}:{:02}:{:02}", clock.hour, clock.minute, clock.second)
}

pub(super) fn strategies(report: &Report) -> Markup {
    if report.per_strategy.is_empty() {
        return html! {};
    }
    let table = html! { div class="scroll" { table {
        thead { tr {
            th class="t" { "Strategy" } th { "Trades" } th { "Win rate" } th { "Net, USD" }
            th { "Fees" } th { "Profit factor" } th { "Expectancy" } th { "Mean R" } th { "SQN" }
            th { "Deepest fall" } th { "Mean time held" } th { "Open" }
        } }
        tbody { @for (name, row) in &report.per_strategy {
            tr {
                th class="t" scope="row" title=(parameters(&row.parameters)) { (name) }
                td { (count(row.trades.trades)) } td { (percent(row.trades.win_rate)) }
                (pnl(row.trades.net_pnl)) td { (money(row.trades.fees)) }
                td { (ratio(row.trades.profit_factor)) } (optional_pnl(row.trades.expectancy))
                td { (r_multiple(row.trades.expectancy_r)) } td { (ratio(row.trades.sqn)) }
                td { (money(row.trades.max_closed_drawdown_usd)) }
                td { (format::minutes(row.trades.avg_minutes)) } td { (count(row.open_positions)) }
            }
        } }
    } } };
    card("Strategies", None, table)
}

fn parameters(values: &BTreeMap<String, String>) -> String {
    values.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ")
}

/// Class of a month's cell by the size of its return.
fn shade(value: f64) -> &'static str {
    match value {
        v if v >= 0.03 => "g2",
        v if v > 0.0 => "g1",
        v if v <= -0.03 => "l2",
        v if v < 0.0 => "l1",
        _ => "",
    }
}

pub(super) fn months(report: &Report) -> Markup {
    let mut years: BTreeMap<&str, [Option<f64>; 12]> = BTreeMap::new();
    for (key, value) in &report.metrics.series.shape.monthly_returns {
        let Some((year, month)) = key.split_once('-') else { continue };
        let place = month.parse::<usize>().ok().and_then(|month| month.checked_sub(1));
        let row = years.entry(year).or_default();
        if let Some(cell) = place.and_then(|place| row.get_mut(place)) {
            *cell = Some(*value);
        }
    }
    if years.is_empty() {
        return html! {};
    }
    let table = html! { div class="scroll" { table class="months" {
        thead { tr {
            th { "Year" } @for month in MONTHS { th { (month) } } th { "Total" }
        } }
        tbody { @for (year, row) in &years {
            @let growth = row.iter().flatten().fold(1.0, |growth, r| growth * (1.0 + r)) - 1.0;
            tr {
                th scope="row" { (year) }
                @for cell in row {
                    td class=(cell.map_or("", shade)) {
                        @if cell.is_some() { (percent(*cell)) }
                    }
                }
                td class={ "year " (tone(growth)) } { (percent(Some(growth))) }
            }
        } }
    } } };
    card("Monthly returns", None, table)
}

pub(super) fn drawdowns(report: &Report) -> Markup {
    let rows = &report.metrics.series.drawdown.drawdowns;
    if rows.is_empty() {
        return html! {};
    }
    let table = html! { div class="scroll" { table {
        thead { tr {
            th class="t" { "Depth" } th { "Peak" } th { "Deepest" } th { "Regained" }
            th { "Sessions" } th { "Calendar days" }
        } }
        tbody { @for row in rows { tr {
            td class="t loss" { (percent(Some(row.depth))) }
            td { (row.peak) } td { (row.trough) }
            td { @if let Some(date) = row.recovery { (date) } @else { "still open" } }
            td { (row.sessions) } td { (row.calendar_days) }
        } } }
    } } };
    card("Deepest drawdowns", None, table)
}

pub(super) fn breakdowns(report: &Report) -> Markup {
    let b = &report.metrics.breakdowns;
    let mut symbols = b.symbol.clone();
    symbols.sort_by_key(|row| std::cmp::Reverse(row.net_pnl));
    let cut = symbols.len() > SYMBOLS_SHOWN;
    if cut {
        symbols.sort_by_key(|row| std::cmp::Reverse(row.trades));
        symbols.truncate(SYMBOLS_SHOWN);
    }
    html! {
        div class="pair tables" {
            (breakdown("By symbol", cut.then_some("the most traded"), &symbols))
            (breakdown("By reason of the exit", None, &b.exit_reason))
            (breakdown("By hour of the entry", Some("New York"), &b.hour))
            (breakdown("By weekday", None, &b.weekday))
            (breakdown("By side", None, &b.side))
            (breakdown("By price", None, &b.price))
            (breakdown("By gap", None, &b.gap))
            (breakdown("By relative volume", None, &b.rvol))
        }
    }
}

fn breakdown(title: &str, note: Option<&str>, rows: &[BreakdownRow]) -> Markup {
    if rows.is_empty() {
        return html! {};
    }
    let table = html! { div class="scroll" { table {
        thead { tr {
            th class="t" { "" } th { "Trades" } th { "Win rate" } th { "Net, USD" }
            th { "Expectancy" } th { "Mean R" }
        } }
        tbody { @for row in rows { tr {
            th class="t" scope="row" { (spoken(&row.key)) } td { (count(row.trades)) }
            td { (percent(row.win_rate)) } (pnl(row.net_pnl)) (optional_pnl(row.expectancy))
            td { (r_multiple(row.expectancy_r)) }
        } } }
    } } };
    card(title, note, table)
}

/// A key of the document as words.
fn spoken(key: &str) -> String {
    key.replace('_', " ")
}

pub(super) fn sensitivity(report: &Report) -> Markup {
    if report.sensitivity.is_empty() {
        return html! {};
    }
    let table = html! { div class="scroll" { table {
        thead { tr {
            th class="t" { "Assumption" } th { "Net, USD" } th { "Trades" } th { "Sharpe" }
            th { "Deepest drawdown" }
        } }
        tbody { @for row in &report.sensitivity { tr {
            th class="t" scope="row" { (row.case) } (pnl(row.net_pnl)) td { (count(row.trades)) }
            td { (ratio(row.sharpe)) } td { (percent(row.max_drawdown)) }
        } } }
    } } };
    card("Sensitivity to fills", Some("the same run under other assumptions"), table)
}

pub(super) fn open_positions(report: &Report) -> Markup {
    if report.open_positions.is_empty() {
        return html! {};
    }
    let table = html! { div class="scroll" { table {
        thead { tr {
            th class="t" { "Symbol" } th class="t" { "Strategy" } th class="t" { "Side" }
            th { "Shares" } th { "Since" } th { "Entry" } th { "Mark" } th { "Stop" }
            th { "Unrealised" } th { "Net, USD" }
        } }
        tbody { @for row in &report.open_positions { tr {
            th class="t" scope="row" { (row.symbol) } td class="t" { (row.strategy) }
            td class="t" { (row.side.name()) } td { (row.quantity) } td { (local(row.entry_time)) }
            td { (short_price(row.entry_price)) } td { (price(row.mark)) }
            td { (price(row.initial_stop)) }
            (optional_pnl(row.unrealized_pnl)) (optional_pnl(row.net_pnl))
        } } }
    } } };
    card("Still open at the end", None, table)
}

pub(super) fn trades(report: &Report) -> Markup {
    if report.trades.is_empty() {
        return card("Trades", None, html! { p class="empty" { "No trade was closed." } });
    }
    let shown = report.trades.len().min(TRADES_SHOWN);
    html! { section class="card long" {
        h2 { "Trades" small { "by exit, New York time, net after fees" } }
        div class="scroll" { table {
            thead { tr {
                th class="t" { "#" } th class="t" { "Symbol" } th class="t" { "Strategy" }
                th class="t" { "Side" } th { "Shares" } th { "Entry" } th { "at" } th { "Exit" }
                th { "at" } th class="t" { "Reason" } th { "Stop" } th { "Fees" }
                th { "Net, USD" } th { "R" }
            } }
            tbody { @for t in report.trades.iter().take(shown) { tr {
                td class="t" { (t.id) } td class="t" { (t.symbol) } td class="t" { (t.strategy) }
                td class="t" { (t.side.name()) } td { (t.quantity) }
                td { (local(t.entry_time)) } td { (short_price(t.entry_price)) }
                td { (local(t.exit_time)) } td { (short_price(t.exit_price)) }
                td class="t" { (spoken(&t.exit_reason)) } td { (price(t.initial_stop)) }
                td { (money(t.fees)) } (pnl(t.net_pnl)) td { (r_multiple(t.r_multiple)) }
            } } }
        } }
        @if shown < report.trades.len() {
            p class="small" { "The first " (count(shown as u64)) " of "
                (count(report.trades.len() as u64)) " trades; the JSON report holds all." }
        }
    } }
}

/// What was refused, what was missed, what was not checked.
pub(super) fn refusals(report: &Report) -> Markup {
    let counts = |title: &str, rows: &BTreeMap<String, u64>| {
        let mut rows: Vec<(&String, &u64)> = rows.iter().collect();
        // Most frequent first; the map's order decides ties.
        rows.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let table = html! { table { tbody { @for (reason, number) in &rows { tr {
            th class="t wrap" scope="row" { (spoken(reason)) } td { (count(**number)) }
        } } } } };
        if rows.is_empty() {
            html! {}
        } else {
            card(title, None, table)
        }
    };
    html! {
        div class="pair tables" {
            (counts("Refused entries", &report.rejections))
            (counts("Missed entries", &report.missed_entries))
            @if !report.not_checked.is_empty() {
                (card("Not checked", Some("for want of reference data"), html! {
                    ul class="plain" { @for term in &report.not_checked { li { (term) } } }
                }))
            }
            @if !report.charges.is_empty() {
                (card("Fees by kind", Some("only those of fills are in trades"), html! {
                    table { tbody { @for (kind, amount) in &report.fees_by_kind { tr {
                        th class="t wrap" scope="row" { (spoken(kind)) } td { (money(*amount)) }
                    } } } }
                }))
            }
        }
    }
}
