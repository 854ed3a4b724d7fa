//! `calendar`: sessions of the exchange (TC1-TC9), one day or a range.

use std::time::{SystemTime, UNIX_EPOCH};

use model::exchange::{Calendar, Session, new_york_date, new_york_time, settlement_date};
use model::{Date, Timestamp};
use serde_json::{Value, json};

use crate::cli::Context;
use crate::exit::{Exit, Failure};
use crate::run::tables::Tables;
use crate::terminal;

/// Flags of `calendar`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether calendar 2026-11-27\n  bellwether calendar --from 2026-12-01 --to 2026-12-31 --json"
)]
pub(crate) struct Args {
    /// The day [default: today in New York]
    #[arg(conflicts_with_all = ["from", "to"])]
    date: Option<Date>,
    /// First day of a range
    #[arg(long, requires = "to")]
    from: Option<Date>,
    /// Last day of a range
    #[arg(long, requires = "from")]
    to: Option<Date>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs `calendar`.
pub(crate) fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let effective = context.configure(&context.layers())?;
    let calendar = Tables::load(&effective.config)?.calendar;
    match (args.from, args.to) {
        (Some(from), Some(to)) if to < from => {
            Err(Failure::usage(format_args!("--to {to} is before --from {from}")))
        }
        (Some(from), Some(to)) => range(&calendar, from, to, args.json),
        _ => day(&calendar, args.date.unwrap_or_else(today), args.json),
    }
}

fn today() -> Date {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let nanos = i64::try_from(since.as_nanos()).unwrap_or(i64::MAX);
    new_york_date(Timestamp::from_nanos(nanos))
}

fn day(calendar: &Calendar, date: Date, as_json: bool) -> Result<Exit, Failure> {
    let session = calendar.session(date).map_err(|error| Failure::missing(error).hint(HINT))?;
    if as_json {
        terminal::json(&day_json(calendar, date, session))?;
        return Ok(Exit::Done);
    }
    let reason = reason(calendar, date).unwrap_or_default();
    let text = match session {
        None => {
            let next = calendar.next_session(date);
            let next = next.map(|next| format!("; next session {}", next.date)).unwrap_or_default();
            format!("{date} {}: closed ({reason}){next}\n", weekday(date))
        }
        Some(session) => {
            let note = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
            let settles = settlement_date(calendar, date);
            let settles = settles.map_or_else(|| "unknown".to_owned(), |date| date.to_string());
            format!(
                "{date} {}: open {} to {} New York{note}\n  premarket from {}, after hours until {}, settlement {settles}\n",
                weekday(date),
                clock(session.open),
                clock(session.close),
                clock(session.pre_open),
                clock(session.post_close),
            )
        }
    };
    terminal::raw(&text)?;
    Ok(Exit::Done)
}

const HINT: &str = "an operator's file (exchange.calendar_file) can correct days, not add years";

fn day_json(calendar: &Calendar, date: Date, session: Option<Session>) -> Value {
    json!({
        "date": date,
        "is_session": session.is_some(),
        "open": session.map(|s| s.open),
        "close": session.map(|s| s.close),
        "early_close": session.is_some_and(|s| s.early_close),
        "pre_open": session.map(|s| s.pre_open),
        "post_close": session.map(|s| s.post_close),
        "reason": reason(calendar, date),
        "settlement": session.and_then(|s| settlement_date(calendar, s.date)),
    })
}

/// Returns why the day is closed or has other than regular hours.
fn reason(calendar: &Calendar, date: Date) -> Option<&str> {
    calendar.closure_reason(date).or_else(|| calendar.hours_reason(date))
}

fn range(calendar: &Calendar, from: Date, to: Date, as_json: bool) -> Result<Exit, Failure> {
    let sessions =
        calendar.sessions(from, to).map_err(|error| Failure::missing(error).hint(HINT))?;
    if as_json {
        let rows: Vec<Value> = sessions
            .iter()
            .map(|s| {
                json!({ "date": s.date, "open": s.open, "close": s.close, "early_close": s.early_close })
            })
            .collect();
        terminal::json(&json!({ "sessions": rows }))?;
        return Ok(Exit::Done);
    }
    let mut table = terminal::table(["date", "day", "open", "close", ""], &[]);
    for session in &sessions {
        let note = calendar.hours_reason(session.date).unwrap_or_default();
        let (open, close) = (clock(session.open), clock(session.close));
        table.add_row([&session.date.to_string(), weekday(session.date), &open, &close, note]);
    }
    let count = sessions.len();
    terminal::raw(&format!("{}{count} sessions, times in New York\n", terminal::text_of(&table)))?;
    Ok(Exit::Done)
}

fn clock(time: Timestamp) -> String {
    let local = new_york_time(time);
    format!("{:02}:{:02}", local.hour, local.minute)
}

fn weekday(date: Date) -> &'static str {
    const NAMES: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    NAMES.get(usize::from(date.weekday())).copied().unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::exchange::from_new_york;

    /// TC5: times are New York's, whatever the machine's zone.
    #[test]
    fn times_are_new_yorks() {
        let date: Date = "2026-07-01".parse().unwrap();
        assert_eq!(clock(from_new_york(date, 9, 30, 0)), "09:30");
        assert_eq!(weekday(date), "Wed");
    }
}
