//! `report`: what can be said about the system itself. `report controls` lists every control of
//! safety.md with its limit, whether it acts, and the test that fails without it (C39).

use engine::risk_manager::{ControlStatus, Gate, WorstCase, control_status};
use engine::{Books, DayRoll, Fact};
use model::{Price, Timestamp};
use serde_json::{Value, json};

use crate::cli::Context;
use crate::exit::{Exit, Failure};
use crate::terminal;

/// Flags of `report`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether report controls\n  bellwether report controls --json"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Every control with its limit, whether it acts, and the test that fails without it
    Controls(ControlsArgs),
}

/// Flags of `report controls`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether report controls\n  bellwether report controls --json"
)]
struct ControlsArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs `report`.
pub(crate) fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let What::Controls(args) = &args.what;
    let config = context.configure(&context.layers())?.config;
    // No system runs here: the account is as it begins, so nothing is used and nothing acted.
    let equity = config.system.account_size;
    let mut books = Books::new(0, 0, equity, Gate::new(config.risk));
    books.fold(&Fact::DayRoll(DayRoll { equity, ..DayRoll::default() }));
    let worst = WorstCase::of_account(&books, |_| Price::ZERO);
    let controls = control_status(&books, &worst, Timestamp::MIN);
    if args.json {
        let list: Vec<Value> = controls.iter().map(to_json).collect();
        terminal::json(&list)?;
    } else {
        let mut table = terminal::table(["", "control", "limit", "test"], &[]);
        for status in &controls {
            let limit = status
                .why_not_active
                .map_or_else(|| status.limit.clone(), |why| format!("not active: {why}"));
            let id = status.control.to_string();
            table.add_row([id.as_str(), status.title, limit.as_str(), status.test]);
        }
        terminal::styled(&terminal::text_of(&table))?;
    }
    Ok(Exit::Done)
}

fn to_json(status: &ControlStatus) -> Value {
    let last_trigger = status.last_trigger.map(|(trigger, count)| {
        json!({
            "time": trigger.time.to_string(),
            "strategy": trigger.strategy.map(|strategy| strategy.0),
            "symbol": trigger.symbol.map(|symbol| symbol.0),
            "limit": trigger.limit,
            "value": trigger.value,
            "count": count,
        })
    });
    json!({
        "control": status.control.to_string(),
        "title": status.title,
        "limit": status.limit,
        "active": status.why_not_active.is_none(),
        "why_not_active": status.why_not_active,
        "use": status.usage,
        "last_trigger": last_trigger,
        "test": status.test,
        "in_gate": status.in_gate,
    })
}
