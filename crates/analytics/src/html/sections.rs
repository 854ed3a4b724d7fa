//! The top of the page: what ran, the warnings, the key figures and the charts.

use std::collections::BTreeMap;

use maud::{Markup, html};
use model::{Cash, Date};

use super::chart::{self, Bar, Look, MONTHS, Unit};
use super::{card, or_dash, tone};
use crate::format::{self, DASH, plural};
use crate::metrics::drawdown_path;
use crate::report::{Direction, Report, TradeRow};

/// Width of a chart across the page; sizes of one alone, of one in a pair and of one of three.
const WIDE: f64 = 1100.0;
const WIDE_SIZE: (f64, f64) = (WIDE, 290.0);
const HALF_SIZE: (f64, f64) = (540.0, 230.0);
const THIRD_SIZE: (f64, f64) = (350.0, 220.0);
/// Fewer closes than this, E0 included, are shown small and the trades large.
const SHORT_RUN: usize = 4;
/// More days than this are shown by week, more weeks than this by month.
const BARS: usize = 130;

pub(super) fn header(report: &Report) -> Markup {
    let strategies: Vec<&str> = report.per_strategy.keys().map(String::as_str).collect();
    let data = &report.data;
    let mut symbols = data.symbols.iter().take(12).cloned().collect::<Vec<_>>().join(", ");
    if data.symbols.len() > 12 {
        symbols.push_str(&format!(" and {} more", data.symbols.len() - 12));
    }
    html! {
        header {
            div {
                p class="brand" { "Bellwether" }
                h1 { (super::kind(report)) }
                p class="under" {
                    (or_dash(&strategies.join(", "))) " \u{b7} " (or_dash(&symbols)) " \u{b7} "
                    (period(report))
                }
            }
            dl class="facts" {
                dt { "Fills" } dd { (or_dash(&report.fill)) }
                dt { "Slippage" } dd { (or_dash(&report.slippage)) }
                dt { "Commission" } dd { (or_dash(&report.commission)) }
                dt { "Data" } dd {
                    (format::count(data.bars)) " bars"
                    @if data.ticks > 0 { ", " (format::count(data.ticks)) " ticks" }
                }
            }
        }
    }
}

fn period(report: &Report) -> String {
    let sessions = plural(report.data.sessions, "session");
    match (report.data.from, report.data.to) {
        (Some(from), Some(to)) if from == to => format!("{from} ({sessions})"),
        (Some(from), Some(to)) => format!("{from} to {to} ({sessions})"),
        _ => sessions,
    }
}

pub(super) fn notes(report: &Report) -> Markup {
    html! {
        @if !report.labels.is_empty() {
            ul class="notes" aria-label="Warnings" {
                @for (i, label) in report.labels.iter().enumerate() {
                    li class=[(report.limits_off && i == 0).then_some("alarm")] {
                        (upper_first(label))
                    }
                }
            }
        }
    }
}

/// Raises the first letter.
pub(super) fn upper_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn tile(name: &str, value: &str, class: &str, more: &str) -> Markup {
    html! {
        div class="tile" {
            p class="name" { (name) }
            p class={ "value " (class) } { (value) }
            p class="more" { (more) }
        }
    }
}

pub(super) fn tiles(report: &Report) -> Markup {
    html! {
        div class="tiles" { (account_tiles(report)) (trade_tiles(report)) }
    }
}

fn account_tiles(report: &Report) -> Markup {
    let s = &report.summary;
    let m = &report.metrics.series;
    // TP2: annualised figures of a short sample carry the label, and no colour invites trust.
    let label = if s.short_sample { "short sample \u{b7} " } else { "" };
    // A day's result raised to a year is no figure for a headline.
    let (growth_name, growth) = if s.short_sample {
        ("Total return", s.total_return)
    } else {
        ("Annual growth (CAGR)", s.cagr)
    };
    let longest = m.drawdown.longest_drawdown_sessions.map_or_else(
        || DASH.to_owned(),
        |n| {
            let longest = format!("longest {}", plural(n, "session"));
            // Calmar is annualised as well.
            if s.short_sample {
                longest
            } else {
                format!("{longest} \u{b7} Calmar {}", format::ratio(s.calmar))
            }
        },
    );
    let net = format!(
        "{} of {} \u{b7} fees {}",
        format::percent(s.total_return),
        format::optional_money(s.start_equity),
        format::money(s.fees)
    );
    let sharpe = format!(
        "{label}Sortino {} \u{b7} P(>0) {}",
        format::ratio(s.sortino),
        format::percent(m.significance.psr_0)
    );
    html! {
        (tile("Net result", &format!("{} USD", format::signed_money(s.net_pnl)),
            tone(s.net_pnl.to_f64()), &net))
        (tile("Deepest drawdown", &format::percent(s.max_drawdown),
            tone(s.max_drawdown.unwrap_or(0.0)), &longest))
        (tile("Sharpe ratio", &format::ratio(s.sharpe), "", &sharpe))
        (tile(growth_name, &format::percent(growth), tone(growth.unwrap_or(0.0)),
            &format!("{label}volatility {}", format::percent(s.volatility))))
    }
}

fn trade_tiles(report: &Report) -> Markup {
    let s = &report.summary;
    let trades = &report.metrics.trades;
    let won_lost = format!(
        "{} won \u{b7} {} lost \u{b7} {} even",
        format::count(trades.wins),
        format::count(trades.losses),
        format::count(trades.breakeven)
    );
    let sums = format!(
        "won {} \u{b7} lost {}",
        format::money(trades.gross_profit),
        format::money(trades.gross_loss.negated())
    );
    let expectancy = s
        .expectancy
        .map_or_else(|| DASH.to_owned(), |amount| format!("{} USD", format::signed_money(amount)));
    let in_r =
        format!("{} \u{b7} SQN {}", format::r_multiple(s.expectancy_r), format::ratio(trades.sqn));
    html! {
        (tile("Closed trades", &format::count(s.trades), "", &won_lost))
        (tile("Win rate", &format::percent(s.win_rate), "",
            &format!("average win / loss {}", format::ratio(trades.payoff))))
        (tile("Profit factor", &format::ratio(s.profit_factor), "", &sums))
        (tile("Expectancy per trade", &expectancy, tone(s.expectancy.map_or(0.0, Cash::to_f64)),
            &in_r))
    }
}

/// All charts: the course of the run across the page, the others in columns.
pub(super) fn charts(report: &Report) -> Markup {
    let short = report.equity.len() < SHORT_RUN;
    let mut columns = columns(report, short, HALF_SIZE);
    let mut class = "pair";
    if columns.len() % 2 == 1 {
        columns = self::columns(report, short, THIRD_SIZE);
        class = "trio";
    }
    html! {
        @if short {
            // A day or two of closes is no course: the trades tell more.
            @if let Some(chart) = running_sum(report, WIDE_SIZE) { (chart) }
        } @else {
            @if let Some(chart) = equity(report, WIDE_SIZE) { (chart) }
            @if let Some(chart) = drawdown(report) { (chart) }
        }
        @if !columns.is_empty() {
            div class=(class) { @for chart in &columns { (chart) } }
        }
    }
}

/// The charts that share rows, each of the given size.
fn columns(report: &Report, short: bool, size: (f64, f64)) -> Vec<Markup> {
    let flat = report.equity.windows(2).all(|pair| pair[0].1 == pair[1].1);
    let first = if short && !flat { equity(report, size) } else { None };
    let sum = if short { None } else { running_sum(report, size) };
    [first, periods(report, size), sum, r_multiples(report, size), rolling(report, size)]
        .into_iter()
        .flatten()
        .collect()
}

fn equity(report: &Report, size: (f64, f64)) -> Option<Markup> {
    let points: Vec<(Date, f64)> =
        report.equity.iter().map(|(date, equity)| (*date, equity.to_f64())).collect();
    if points.len() < 2 {
        return None;
    }
    let start = points.first().map(|(_, level)| *level);
    let chart = chart::line(
        size,
        "Equity at each session close",
        &points,
        Unit::Dollars,
        Look::Line,
        start,
    );
    Some(card("Equity at the close", Some("US dollars; dashed: the start"), chart))
}

fn drawdown(report: &Report) -> Option<Markup> {
    // With payments from outside, a fall of the equity is not a loss: the table has the figures.
    if !report.flows.is_empty() {
        return None;
    }
    let levels: Vec<f64> = report.equity.iter().map(|(_, level)| level.to_f64()).collect();
    let falls = drawdown_path(&levels);
    if falls.iter().all(|fall| *fall == 0.0) {
        return None;
    }
    let points: Vec<(Date, f64)> = report.equity.iter().map(|(date, _)| *date).zip(falls).collect();
    let label = "Drawdown at each session close";
    let chart = chart::line((WIDE, 150.0), label, &points, Unit::Percent, Look::Fall, None);
    Some(card("Drawdown", Some("distance from the highest close so far"), chart))
}

fn periods(report: &Report, size: (f64, f64)) -> Option<Markup> {
    let (period, bars) = period_bars(report);
    if bars.iter().all(|bar| bar.value == 0.0) {
        return None;
    }
    let title = format!("{period} result");
    Some(card(
        &title,
        Some("US dollars, after fees"),
        chart::bars(size, &title, &bars, Unit::Dollars),
    ))
}

fn running_sum(report: &Report, size: (f64, f64)) -> Option<Markup> {
    let trades: Vec<Bar> = report.trades.iter().map(trade_bar).collect();
    let chart = chart::steps(size, "Running sum of closed trades", &trades);
    (!trades.is_empty())
        .then(|| card("Closed trades, running sum", Some("US dollars, after fees, by exit"), chart))
}

fn r_multiples(report: &Report, size: (f64, f64)) -> Option<Markup> {
    let bars = r_bars(report);
    let chart = chart::bars(size, "Trades by R multiple", &bars, Unit::Count);
    (!bars.is_empty())
        .then(|| card("R multiples", Some("trades by net result over initial risk"), chart))
}

fn rolling(report: &Report, size: (f64, f64)) -> Option<Markup> {
    let windows = &report.metrics.series.shape.rolling;
    let points: Vec<(Date, f64)> =
        windows.iter().filter_map(|point| Some((point.date, point.sharpe?))).collect();
    if points.len() < 2 {
        return None;
    }
    let label = "Sharpe ratio of the last 126 sessions";
    let chart = chart::line(size, label, &points, Unit::Number, Look::Line, Some(0.0));
    Some(card("Rolling Sharpe ratio", Some("last 126 sessions, per year"), chart))
}

fn class(value: f64) -> &'static str {
    if value > 0.0 {
        "up"
    } else if value < 0.0 {
        "down"
    } else {
        "flat"
    }
}

fn trade_bar(trade: &TradeRow) -> Bar {
    let side = if trade.side == Direction::Long { "long" } else { "short" };
    Bar {
        name: trade.id.to_string(),
        value: trade.net_pnl.to_f64(),
        hint: format!(
            "#{} {} {side} {}: {} ({})",
            trade.id,
            trade.symbol,
            trade.quantity,
            format::signed_money(trade.net_pnl),
            trade.exit_reason
        ),
        class: class(trade.net_pnl.to_f64()),
    }
}

/// The change of equity without payments by day, week or month, whichever fits.
fn period_bars(report: &Report) -> (&'static str, Vec<Bar>) {
    let flows: BTreeMap<Date, Cash> = report.flows.iter().copied().collect();
    let changes: Vec<(Date, Cash)> = report
        .equity
        .windows(2)
        .map(|pair| {
            let ((from, before), (date, after)) = (pair[0], pair[1]);
            let paid = flows
                .iter()
                .filter(|(day, _)| **day > from && **day <= date)
                .map(|(_, amount)| *amount)
                .sum();
            (date, after.minus(before).minus(paid))
        })
        .collect();
    let week = |date: Date| date.plus_days(-i32::from(date.weekday()));
    let month = |date: Date| {
        let (year, month, _) = date.ymd();
        Date::from_ymd(year, month, 1).unwrap_or(date)
    };
    if changes.len() <= BARS {
        ("Daily", grouped(&changes, |date| date))
    } else if changes.len() <= BARS * 5 {
        ("Weekly", grouped(&changes, week))
    } else {
        ("Monthly", grouped(&changes, month))
    }
}

fn grouped(changes: &[(Date, Cash)], key: impl Fn(Date) -> Date) -> Vec<Bar> {
    let mut sums: BTreeMap<Date, Cash> = BTreeMap::new();
    for (date, change) in changes {
        let sum = sums.entry(key(*date)).or_insert(Cash::ZERO);
        *sum = sum.plus(*change);
    }
    sums.into_iter()
        .map(|(date, sum)| {
            let (year, month, day) = date.ymd();
            let name = MONTHS.get(usize::from(month.unsigned_abs()) - 1).copied().unwrap_or("");
            let long = changes.len() > BARS * 2;
            Bar {
                name: if long { format!("{name} {year}") } else { format!("{name} {day}") },
                value: sum.to_f64(),
                hint: format!("{date}: {}", format::signed_money(sum)),
                class: class(sum.to_f64()),
            }
        })
        .collect()
}

/// Trades by R multiple in steps of a half; the outermost bars hold everything beyond.
fn r_bars(report: &Report) -> Vec<Bar> {
    const LOWEST: i32 = -6;
    const HIGHEST: i32 = 11;
    let mut counts: BTreeMap<i32, u64> = BTreeMap::new();
    for r in report.trades.iter().filter_map(|trade| trade.r_multiple) {
        let bin = (r * 2.0).floor().clamp(f64::from(LOWEST), f64::from(HIGHEST)) as i32;
        *counts.entry(bin).or_insert(0) += 1;
    }
    let (Some(&first), Some(&last)) = (counts.keys().next(), counts.keys().next_back()) else {
        return Vec::new();
    };
    (first.min(-2)..=last.max(1))
        .map(|bin| {
            let number = counts.get(&bin).copied().unwrap_or(0);
            let low = f64::from(bin) / 2.0;
            let range = match bin {
                LOWEST => format!("below {}R", low + 0.5),
                HIGHEST => format!("{low}R and more"),
                _ => format!("{low}R to {}R", low + 0.5),
            };
            Bar {
                name: format!("{low}"),
                value: number as f64,
                hint: format!("{range}: {}", plural(number, "trade")),
                class: if bin < 0 { "down" } else { "up" },
            }
        })
        .collect()
}
