//! `strategies`: what this build can trade, with every parameter.

use serde_json::{Value, json};
use strategies::{Parameter, StrategyInfo};

use super::operating::{self, StrategyDecision};
use crate::cli::Context;
use crate::exit::{Exit, Failure};
use crate::terminal::{self, FAINT, TITLE};

/// Flags of `strategies`.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  bellwether strategies\n  bellwether strategies gap_and_go --json"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    decision: Option<StrategyDecision>,
    /// Only this strategy
    name: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs `strategies`.
pub(crate) fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    if let Some(decision) = &args.decision {
        return operating::strategy(context, decision);
    }
    let chosen: Vec<&StrategyInfo> = match &args.name {
        Some(name) => vec![context.registry.find(name).map_err(Failure::usage)?],
        None => context.registry.list().iter().collect(),
    };
    if args.json {
        let list: Vec<Value> = chosen.iter().map(|info| to_json(info)).collect();
        terminal::json(&list)?;
    } else {
        let text: Vec<String> = chosen.iter().map(|info| to_text(info)).collect();
        terminal::styled(&text.join("\n"))?;
    }
    Ok(Exit::Done)
}

fn to_json(info: &StrategyInfo) -> Value {
    let parameters: Vec<Value> = info.parameters.iter().map(parameter_json).collect();
    json!({
        "name": info.name,
        "description": info.description,
        "for_tests": info.for_tests,
        "parameters": parameters,
    })
}

fn parameter_json(parameter: &Parameter) -> Value {
    json!({
        "name": parameter.name,
        "type": parameter.kind.name(),
        "default": parameter.default,
        "min": parameter.min,
        "max": parameter.max,
        "rule": parameter.rule,
        "description": parameter.text,
    })
}

fn to_text(info: &StrategyInfo) -> String {
    let mut table = terminal::table(["parameter", "default", "range", "rule", ""], &[]);
    for parameter in info.parameters {
        let range = match (parameter.min, parameter.max) {
            (Some(min), Some(max)) => format!("{min} to {max}"),
            (Some(min), None) => format!("from {min}"),
            (None, Some(max)) => format!("up to {max}"),
            (None, None) => parameter.kind.name(),
        };
        table.add_row([parameter.name, parameter.default, &range, parameter.rule, parameter.text]);
    }
    format!(
        "{TITLE}{}{TITLE:#}\n{FAINT}{}{FAINT:#}\n{}",
        info.name,
        info.description,
        terminal::text_of(&table)
    )
}
