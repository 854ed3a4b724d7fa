//! Operator decisions through the API of a running system: `orders cancel|resolve`,
//! `positions adjust|claim`, `limits set`, `strategies enable|disable|stage`, `accept-clock`.

use clap::ValueEnum;
use model::{Price, Quantity};
use serde_json::{Map, Value, json};

use super::control::How;
use super::reading::{self, ListArgs};
use crate::cli::Context;
use crate::client::part;
use crate::exit::{Exit, Failure};

/// What is decided about an order.
#[derive(Debug, clap::Subcommand)]
enum OrderDecision {
    /// Cancel an entry order; exits are not cancelled by hand
    Cancel(CancelArgs),
    /// Say what became of an order whose fate is not known
    Resolve(ResolveArgs),
}

/// Flags of `orders cancel`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether orders cancel BW-1-42-0E\n  bellwether orders cancel BW-1-42-0E --reason \"wrong price\""
)]
struct CancelArgs {
    /// Our id of the order
    id: String,
    /// Why: it is kept in the journal
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    how: How,
}

/// What became of an order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Fate {
    /// It is not at the broker and never was.
    Dead,
    /// It was filled.
    Filled,
}

/// Flags of `orders resolve`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether orders resolve BW-1-42-0E --as dead --evidence \"order list, 10:31\"\n  bellwether orders resolve BW-1-42-0E --as filled --quantity 9 --price 10.05 --evidence mail"
)]
struct ResolveArgs {
    /// Our id of the order
    id: String,
    /// What became of it
    #[arg(long = "as", value_name = "FATE")]
    fate: Fate,
    /// Shares filled in all
    #[arg(long, value_name = "N", required_if_eq("fate", "filled"))]
    quantity: Option<Quantity>,
    /// At what average price
    #[arg(long, value_name = "USD", required_if_eq("fate", "filled"))]
    price: Option<Price>,
    /// How it is known: it is kept in the journal
    #[arg(long, value_name = "TEXT")]
    evidence: String,
    #[command(flatten)]
    how: How,
}

/// Flags of `orders`.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  bellwether orders --limit 20\n  bellwether orders cancel BW-1-42-0E"
)]
pub(crate) struct OrdersArgs {
    #[command(subcommand)]
    decision: Option<OrderDecision>,
    #[command(flatten)]
    list: ListArgs,
}

/// Runs `orders`.
pub(crate) fn orders(context: &Context, args: &OrdersArgs) -> Result<Exit, Failure> {
    match &args.decision {
        None => reading::orders(context, &args.list),
        Some(OrderDecision::Cancel(args)) => {
            let path = format!("/api/v1/orders/{}/cancel", part(&args.id));
            args.how.give(context, &path, &json!({ "reason": args.reason }))
        }
        Some(OrderDecision::Resolve(args)) => {
            let path = format!("/api/v1/orders/{}/resolve", part(&args.id));
            let fate = if args.fate == Fate::Dead { "dead" } else { "filled" };
            let body = json!({
                "as": fate,
                "quantity": args.quantity,
                "price": args.price,
                "evidence": args.evidence,
            });
            args.how.give(context, &path, &body)
        }
    }
}

/// What is decided about a position.
#[derive(Debug, clap::Subcommand)]
enum PositionDecision {
    /// Correct what our books hold at a broker; nothing is traded
    Adjust(AdjustArgs),
    /// Give what is held without a plan to a strategy
    Claim(ClaimArgs),
}

/// Flags of `positions adjust`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether positions adjust --broker paper --symbol SPY --quantity 9 --price 10 --reason mail\n  bellwether positions adjust --broker paper --symbol SPY --quantity -9 --price 10 --reason mail"
)]
struct AdjustArgs {
    /// Where
    #[arg(long)]
    broker: String,
    /// Which symbol
    #[arg(long)]
    symbol: String,
    /// Shares to add, negative to take away
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    quantity: Quantity,
    /// At which price they count
    #[arg(long, value_name = "USD")]
    price: Price,
    /// Why: it is kept in the journal
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    how: How,
}

/// Flags of `positions claim`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether positions claim --broker paper --symbol SPY --strategy storm --reason ours\n  bellwether positions"
)]
struct ClaimArgs {
    /// Where it is held
    #[arg(long)]
    broker: String,
    /// Which symbol
    #[arg(long)]
    symbol: String,
    /// Which strategy shall have it
    #[arg(long)]
    strategy: String,
    /// Why: it is kept in the journal
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    how: How,
}

/// Flags of `positions`.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  bellwether positions --watch\n  bellwether positions claim --broker paper --symbol SPY --strategy storm --reason ours"
)]
pub(crate) struct PositionsArgs {
    #[command(subcommand)]
    decision: Option<PositionDecision>,
    #[command(flatten)]
    list: ListArgs,
}

/// Runs `positions`.
pub(crate) fn positions(context: &Context, args: &PositionsArgs) -> Result<Exit, Failure> {
    match &args.decision {
        None => reading::positions(context, &args.list),
        Some(PositionDecision::Adjust(args)) => {
            let body = json!({
                "broker": args.broker,
                "symbol": args.symbol,
                "quantity": args.quantity,
                "price": args.price,
                "reason": args.reason,
            });
            args.how.give(context, "/api/v1/positions/adjust", &body)
        }
        Some(PositionDecision::Claim(args)) => {
            let body = json!({
                "broker": args.broker,
                "symbol": args.symbol,
                "strategy": args.strategy,
                "reason": args.reason,
            });
            args.how.give(context, "/api/v1/positions/claim", &body)
        }
    }
}

/// Flags of `limits`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether limits set max_positions=3\n  bellwether limits set max_daily_loss_pct=0.02 --reason \"cautious week\""
)]
pub(crate) struct LimitsArgs {
    #[command(subcommand)]
    what: LimitsDecision,
}

#[derive(Debug, clap::Subcommand)]
enum LimitsDecision {
    /// Change limits: what is stricter holds at once, what is looser after a minute
    Set(SetArgs),
}

/// Flags of `limits set`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether limits set max_positions=3\n  bellwether limits set max_positions=8 --reason more --token-file admin.token"
)]
struct SetArgs {
    /// Limits by their names in the section [risk] of the configuration
    #[arg(required = true, value_name = "NAME=VALUE")]
    limits: Vec<String>,
    /// Why: it is kept in the journal; to raise a limit takes it
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    how: How,
}

/// Runs `limits set`.
pub(crate) fn limits(context: &Context, args: &LimitsArgs) -> Result<Exit, Failure> {
    let LimitsDecision::Set(args) = &args.what;
    let mut limits = Map::new();
    for pair in &args.limits {
        let (name, value) = pair.split_once('=').ok_or_else(|| {
            Failure::usage(format_args!("{pair:?} is not NAME=VALUE"))
                .hint("limits set max_positions=3")
        })?;
        limits.insert(name.to_owned(), Value::String(value.to_owned()));
    }
    let body = json!({ "limits": limits, "reason": args.reason });
    args.how.give(context, "/api/v1/limits", &body)
}

/// What is decided about a strategy of a running system.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum StrategyDecision {
    /// Let it open positions again after it was disabled, by a person or by a control
    Enable(NameArgs),
    /// Let it open nothing any more; its exits go on
    Disable(NameArgs),
    /// Move it one step up or any down: backtest, paper, live_small
    Stage(StageArgs),
}

/// Flags of `strategies enable` and `strategies disable`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether strategies disable gap_and_go\n  bellwether strategies enable gap_and_go --reason checked --token-file admin.token"
)]
pub(crate) struct NameArgs {
    /// NAME or NAME@tag
    name: String,
    /// Why: it is kept in the journal; to enable takes it
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    how: How,
}

/// Flags of `strategies stage`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether strategies stage gap_and_go paper --reason tested --token-file admin.token\n  bellwether strategies stage gap_and_go backtest --reason changed --token-file admin.token"
)]
pub(crate) struct StageArgs {
    /// NAME or NAME@tag
    name: String,
    /// backtest, paper or live_small; live comes by itself
    stage: String,
    /// Why: it is kept in the journal
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    how: How,
}

/// Runs `strategies enable`, `disable` and `stage`.
pub(crate) fn strategy(context: &Context, decision: &StrategyDecision) -> Result<Exit, Failure> {
    let path = |name: &str, what: &str| format!("/api/v1/strategies/{}/{what}", part(name));
    match decision {
        StrategyDecision::Enable(args) => {
            args.how.give(context, &path(&args.name, "enable"), &json!({ "reason": args.reason }))
        }
        StrategyDecision::Disable(args) => {
            args.how.give(context, &path(&args.name, "disable"), &json!({ "reason": args.reason }))
        }
        StrategyDecision::Stage(args) => {
            let body = json!({ "stage": args.stage, "reason": args.reason });
            args.how.give(context, &path(&args.name, "stage"), &body)
        }
    }
}

/// Flags of `accept-clock`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether accept-clock --reason \"clock was set\" --token-file admin.token\n  bellwether status"
)]
pub(crate) struct ClockArgs {
    /// Why: it is kept in the journal
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    how: How,
}

/// Runs `accept-clock`.
pub(crate) fn accept_clock(context: &Context, args: &ClockArgs) -> Result<Exit, Failure> {
    args.how.give(context, "/api/v1/clock/accept", &json!({ "reason": args.reason }))
}
