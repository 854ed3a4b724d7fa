//! The report as one HTML page: no scripts, nothing loaded from elsewhere, charts as own SVG.
//!
//! The page reads the [`Report`] document alone. It follows the reader's light or dark preference
//! and prints on paper. Its own policy forbids every script and every connection.
//!
//! Invariant: equal reports give equal bytes but for the durations; text from the report is escaped.

mod chart;
mod figures;
mod sections;
mod tables;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::report::{Report, RunKind};

const STYLE: &str = include_str!("style.css");
/// Nothing may be loaded or run; the one style sheet is inside the page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
                      form-action 'none'";

/// Returns the page.
pub fn page(report: &Report) -> String {
    let title = title(report);
    let body = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { main {
                (sections::header(report))
                (sections::notes(report))
                (sections::tiles(report))
                (sections::charts(report))
                (tables::strategies(report))
                (figures::cards(report))
                (tables::months(report))
                (tables::drawdowns(report))
                (tables::breakdowns(report))
                (tables::sensitivity(report))
                (tables::open_positions(report))
                (tables::trades(report))
                (tables::refusals(report))
                (footer(report))
            } }
        }
    };
    body.into_string()
}

/// Name of the kind of run.
pub(crate) fn kind(report: &Report) -> &'static str {
    match report.kind {
        RunKind::Backtest => "Backtest report",
        RunKind::Paper => "Paper trading report",
        RunKind::Live => "Trading report",
    }
}

fn title(report: &Report) -> String {
    match (report.data.from, report.data.to) {
        (Some(from), Some(to)) => format!("{} {from} to {to}", kind(report)),
        _ => kind(report).to_owned(),
    }
}

fn footer(report: &Report) -> Markup {
    let seconds = |value: Option<f64>| {
        value.map_or_else(
            || crate::format::DASH.to_owned(),
            |value| format!("{} s", crate::format::decimals(value, 2)),
        )
    };
    let timing = &report.timing;
    html! {
        footer {
            p { "Decision hash " code { (or_dash(&report.decision_hash)) }
                " \u{b7} configuration " code { (or_dash(&report.config_hash)) } }
            p { "Build " code { (or_dash(&report.build)) } " \u{b7} report schema "
                (report.schema_version) " \u{b7} loading " (seconds(timing.load_s))
                ", engine " (seconds(timing.engine_s)) ", report " (seconds(timing.report_s)) }
            p { "Times are New York time. Figures follow the definitions TP1\u{2013}TP20; a dash \
                 means that a figure has no value. Past results are no promise." }
        }
    }
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { crate::format::DASH } else { text }
}

/// A titled card.
fn card(title: &str, note: Option<&str>, body: Markup) -> Markup {
    html! {
        section class="card" {
            h2 { (title) @if let Some(note) = note { small { (note) } } }
            (body)
        }
    }
}

/// Style class of a signed value.
fn tone(value: f64) -> &'static str {
    if value > 0.0 {
        "gain"
    } else if value < 0.0 {
        "loss"
    } else {
        ""
    }
}
