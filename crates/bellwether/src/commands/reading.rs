//! `status`, `health`, `positions`, `orders`, `trades`, `alerts`, `why`: what a running system does
//! and why, read through its API.

mod tables;

use std::time::Duration;

use serde_json::Value;

use crate::cli::Context;
use crate::client::{Client, Connection, part};
use crate::exit::{Exit, Failure};
use crate::terminal;

/// How an answer is shown.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Showing {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Show it again and again, every two seconds or as many as are named, until Ctrl-C
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2",
        value_parser = seconds)]
    watch: Option<Duration>,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| "a number of seconds".to_owned())?;
    if !(0.1..=3_600.0).contains(&number) {
        return Err("0.1 to 3600 seconds".to_owned());
    }
    Ok(Duration::from_secs_f64(number))
}

/// Flags of what reads one document.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  bellwether status --watch\n  bellwether health --json")]
pub(crate) struct Args {
    #[command(flatten)]
    showing: Showing,
    #[command(flatten)]
    connection: Connection,
}

/// Flags of what reads a list.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  bellwether trades --limit 20\n  bellwether alerts --json")]
pub(crate) struct ListArgs {
    /// Most rows
    #[arg(long, value_name = "N", default_value_t = 100,
        value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    #[command(flatten)]
    showing: Showing,
    #[command(flatten)]
    connection: Connection,
}

/// Flags of `why`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether why SPY\n  bellwether why SPY --date 2026-11-25 --json"
)]
pub(crate) struct WhyArgs {
    /// The symbol
    symbol: String,
    /// A date in New York [default: all that is kept]
    #[arg(long, value_name = "D")]
    date: Option<model::Date>,
    #[command(flatten)]
    list: ListArgs,
}

/// Shows a document, once or again and again.
fn show(
    context: &Context,
    connection: &Connection,
    showing: Showing,
    ask: impl Fn(&Client) -> Result<Value, Failure>,
    text: fn(&Value) -> String,
) -> Result<Value, Failure> {
    let client = Client::new(context, connection)?;
    let Some(pause) = showing.watch else {
        let document = ask(&client)?;
        print(&document, showing, text)?;
        return Ok(document);
    };
    loop {
        let document = ask(&client)?;
        print(&document, showing, text)?;
        if interrupted(pause)? {
            return Ok(document);
        }
    }
}

fn print(document: &Value, showing: Showing, text: fn(&Value) -> String) -> Result<(), Failure> {
    match (showing.json, showing.watch.is_some()) {
        (true, false) => terminal::json(document),
        // JSON lines: one document each time.
        (true, true) => terminal::raw(&format!("{document}\n")),
        (false, false) => terminal::styled(&text(document)),
        // The screen is cleared where there is one.
        (false, true) => terminal::styled(&format!("\x1b[H\x1b[2J{}", text(document))),
    }
}

/// Waits; true when the person has had enough.
fn interrupted(pause: Duration) -> Result<bool, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::io("start a runtime for waiting", error))?;
    Ok(runtime.block_on(async {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => true,
            () = tokio::time::sleep(pause) => false,
        }
    }))
}

/// Runs `status`.
pub(crate) fn status(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let ask = |client: &Client| client.document("/api/v1/status");
    show(context, &args.connection, args.showing, ask, tables::status)?;
    Ok(Exit::Done)
}

/// Runs `health`: an ill system is the answer no.
pub(crate) fn health(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let ask = |client: &Client| {
        let reply = client.get("/health")?;
        // A system whose core hangs says so with a document, too.
        if reply.status == 503 && reply.body.get("components").is_some() {
            return Ok(reply.body);
        }
        reply.document()
    };
    let health = show(context, &args.connection, args.showing, ask, tables::health)?;
    let ill = health.get("overall_status").and_then(Value::as_str) == Some("error");
    Ok(if ill { Exit::No } else { Exit::Done })
}

fn list(
    context: &Context,
    args: &ListArgs,
    path: &str,
    text: fn(&Value) -> String,
) -> Result<Exit, Failure> {
    let joint = if path.contains('?') { '&' } else { '?' };
    let path = format!("{path}{joint}limit={}", args.limit);
    let ask = |client: &Client| client.document(&path);
    show(context, &args.connection, args.showing, ask, text)?;
    Ok(Exit::Done)
}

/// Runs `positions`.
pub(crate) fn positions(context: &Context, args: &ListArgs) -> Result<Exit, Failure> {
    list(context, args, "/api/v1/positions", tables::positions)
}

/// Runs `orders`.
pub(crate) fn orders(context: &Context, args: &ListArgs) -> Result<Exit, Failure> {
    list(context, args, "/api/v1/orders", tables::orders)
}

/// Runs `trades`.
pub(crate) fn trades(context: &Context, args: &ListArgs) -> Result<Exit, Failure> {
    list(context, args, "/api/v1/trades", tables::trades)
}

/// Runs `alerts`.
pub(crate) fn alerts(context: &Context, args: &ListArgs) -> Result<Exit, Failure> {
    list(context, args, "/api/v1/alerts", tables::alerts)
}

/// Runs `why`.
pub(crate) fn why(context: &Context, args: &WhyArgs) -> Result<Exit, Failure> {
    let date = args.date.map(|date| format!("&date={date}")).unwrap_or_default();
    let path = format!("/api/v1/decisions?symbol={}{date}", part(&args.symbol));
    list(context, &args.list, &path, tables::decisions)
}
