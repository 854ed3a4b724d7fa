//! `pause`, `resume`, `emergency-stop`, `flatten`, `rebalance`, `stop`, `ack`: commands to a running
//! system, in any state and at any hour.

use runtime::write_kill_file;
use serde_json::{Value, json};

use crate::cli::Context;
use crate::client::{Client, Connection, part};
use crate::exit::{Exit, Failure};
use crate::running::{self, direct};
use crate::terminal;

/// Flags of a command.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether pause --reason \"news at ten\"\n  bellwether flatten --scope symbol:SPY"
)]
pub(crate) struct Args {
    /// Why: it is kept in the journal
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// What it covers: all, strategy:X, symbol:X or broker:X
    #[arg(long, value_name = "SCOPE", default_value = "all")]
    scope: String,
    #[command(flatten)]
    how: How,
}

/// Flags of `emergency-stop`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether emergency-stop --reason \"strange fills\"\n  bellwether emergency-stop --direct"
)]
pub(crate) struct EmergencyArgs {
    /// Needs no process: cancels our entry orders at the brokers, and a system that runs or is
    /// started later opens nothing until resumed
    #[arg(long)]
    direct: bool,
    #[command(flatten)]
    usual: Args,
}

/// How a command is given and answered.
#[derive(Debug, clap::Args)]
pub(crate) struct How {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Flags of `stop`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether stop --dry-run\n  bellwether stop --reason \"end of the week\""
)]
pub(crate) struct StopArgs {
    /// Why: it is kept in the journal
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Only say what will happen to each position
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    how: How,
}

/// Flags of `ack`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  bellwether alerts\n  bellwether ack 1042")]
pub(crate) struct AckArgs {
    /// The alert's id
    id: u64,
    /// Why: it is kept in the journal
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    how: How,
}

impl How {
    /// Gives a command and says what became of it.
    pub(crate) fn give(
        &self,
        context: &Context,
        path: &str,
        body: &Value,
    ) -> Result<Exit, Failure> {
        let client = Client::new(context, &self.connection)?;
        let reply = client.post(path, body)?;
        let pending = reply.status == 202;
        let document = reply.document()?;
        if self.json {
            terminal::json(&document)?;
        } else {
            let text = document.get("text").and_then(Value::as_str).unwrap_or("done");
            terminal::styled(&format!("{text}\n"))?;
        }
        if pending {
            terminal::warn("it holds, but it is not in the journal yet: look at `status`");
        }
        Ok(Exit::Done)
    }
}

/// Gives one of the source's system events.
pub(crate) fn run(context: &Context, name: &str, args: &Args) -> Result<Exit, Failure> {
    let body = json!({ "reason": args.reason, "scope": args.scope });
    args.how.give(context, &format!("/api/v1/control/{name}"), &body)
}

/// Runs `emergency-stop`.
pub(crate) fn emergency_stop(context: &Context, args: &EmergencyArgs) -> Result<Exit, Failure> {
    if !args.direct {
        return run(context, "emergency-stop", &args.usual);
    }
    if args.usual.scope != "all" {
        return Err(Failure::usage("--direct stops everything")
            .hint("a scope is the core's to know: leave --direct out"));
    }
    let effective = context.configure(&context.layers())?;
    let reason = args.usual.reason.as_deref().unwrap_or("no reason given");
    // First what needs no network: whatever runs on this directory opens nothing from here on.
    write_kill_file(&context.global.data_dir, &format!("emergency-stop --direct: {reason}"))
        .map_err(|error| Failure::io("write the KILL file", error))?;
    let symbols = running::symbols(&effective.config)?;
    let stopped = direct::stop_entries(&effective.config, &symbols)?;
    if args.usual.how.json {
        terminal::json(&direct::document(&stopped))?;
    }
    Ok(direct::tell(&stopped))
}

/// Runs `ack`.
pub(crate) fn acknowledge(context: &Context, args: &AckArgs) -> Result<Exit, Failure> {
    let path = format!("/api/v1/alerts/{}/ack", part(&args.id.to_string()));
    args.how.give(context, &path, &json!({ "reason": args.reason }))
}

/// Runs `stop`.
pub(crate) fn stop(context: &Context, args: &StopArgs) -> Result<Exit, Failure> {
    if !args.dry_run {
        let body = json!({ "reason": args.reason });
        return args.how.give(context, "/api/v1/control/stop", &body);
    }
    let client = Client::new(context, &args.how.connection)?;
    let positions = rows(&client.document("/api/v1/positions?limit=1000")?);
    let orders = rows(&client.document("/api/v1/orders?limit=1000")?);
    let plan = plan(&positions, &orders);
    if args.how.json {
        terminal::json(&plan)?;
    } else {
        terminal::styled(&in_words(&plan))?;
    }
    Ok(Exit::Done)
}

fn rows(page: &Value) -> Vec<Value> {
    page.get("items").and_then(Value::as_array).cloned().unwrap_or_default()
}

fn is_open(order: &Value) -> bool {
    let state = order.get("state").and_then(Value::as_str).unwrap_or_default();
    !["filled", "cancelled", "expired", "rejected", "replaced"].contains(&state)
}

/// Says what an orderly stop does: entries are cancelled, positions and their exits stay at the
/// broker (F50).
fn plan(positions: &[Value], orders: &[Value]) -> Value {
    let entry = |order: &&Value| order.get("role").and_then(Value::as_str) == Some("entry");
    let entries = orders.iter().filter(|order| is_open(order)).filter(entry);
    let cancelled: Vec<Value> = entries.map(|order| order["client_id"].clone()).collect();
    let stays = positions.iter().map(|position| {
        let stop = position.get("stop").cloned().unwrap_or_default();
        let what = if stop.is_null() {
            "stays open WITHOUT a working stop"
        } else {
            "stays open, its stop keeps working at the broker"
        };
        json!({
            "symbol": position["symbol"],
            "strategy": position["strategy"],
            "quantity": position["quantity"],
            "stop": stop,
            "what": what,
        })
    });
    json!({ "cancelled_entries": cancelled, "positions": stays.collect::<Vec<Value>>() })
}

fn in_words(plan: &Value) -> String {
    let entries = plan["cancelled_entries"].as_array().map_or(0, Vec::len);
    let mut text = format!("{entries} entry orders will be cancelled\n");
    for position in plan["positions"].as_array().into_iter().flatten() {
        let word = |key: &str| position[key].as_str().unwrap_or("-").to_owned();
        let (symbol, quantity, what) = (word("symbol"), word("quantity"), word("what"));
        text.push_str(&format!("{symbol} {quantity} shares: {what}"));
        if let Some(stop) = position["stop"].as_str() {
            text.push_str(&format!(" ({stop})"));
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F50: what stays, what goes, and what stays without protection.
    #[test]
    fn a_stop_is_told_beforehand() {
        let positions = [
            json!({"symbol": "A", "strategy": "s", "quantity": "10", "stop": "9.50"}),
            json!({"symbol": "B", "strategy": null, "quantity": "-5", "stop": null}),
        ];
        let order = |id: &str, role: &str, state: &str| json!({"client_id": id, "role": role, "state": state});
        let orders = [
            order("BW-1-1-0E", "entry", "working"),
            order("BW-1-2-0X", "stop", "working"),
            order("BW-1-3-0E", "entry", "filled"),
        ];
        let plan = plan(&positions, &orders);
        assert_eq!(plan["cancelled_entries"], json!(["BW-1-1-0E"]));
        let text = in_words(&plan);
        assert!(
            text.contains("A 10 shares: stays open, its stop keeps working at the broker (9.50)")
        );
        assert!(text.contains("B -5 shares: stays open WITHOUT a working stop\n"));
    }
}
