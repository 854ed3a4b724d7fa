//! How a command is given: who, from where, why, under which key; and what it is answered (S8, F46).

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use engine::{Control, Instruction};
use runtime::{InstructError, Receipt};
use serde::Serialize;

use crate::api::Api;
use crate::guard::Caller;
use crate::problem::Problem;

/// How long a caller waits for the disk.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// Longest reason and longest key, in characters.
const LONGEST_REASON: usize = 500;
const LONGEST_KEY: usize = 128;

/// What became of a command.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Done {
    /// What was asked for holds now or is under way.
    pub(crate) done: bool,
    /// In words.
    pub(crate) text: String,
    /// Where in the journal it lies.
    pub(crate) seq: u64,
    /// It survives a crash.
    pub(crate) durable: bool,
}

/// Whether a command needs a reason.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reason {
    /// Whoever gives it may leave it out: stopping is easy.
    Optional,
    /// Nothing is started without one (S5).
    Required,
}

/// Reads a reason: one line, not too long.
pub(crate) fn reason(text: Option<String>, need: Reason) -> Result<String, Problem> {
    let text = text.unwrap_or_default();
    let text = text.trim();
    if text.is_empty() && need == Reason::Required {
        return Err(Problem::invalid("this takes a reason: it is kept in the journal (S5, S8)"));
    }
    if text.chars().count() > LONGEST_REASON || text.chars().any(char::is_control) {
        let most = format!("a reason is one line of at most {LONGEST_REASON} characters");
        return Err(Problem::invalid(most));
    }
    Ok(text.to_owned())
}

/// Reads the idempotency key. Keys of one caller never meet those of another.
pub(crate) fn key(headers: &HeaderMap, caller: &Caller) -> Result<String, Problem> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(String::new()) };
    let text = key.to_str().ok().map(str::trim).filter(|key| !key.is_empty());
    let text = text.filter(|key| key.len() <= LONGEST_KEY);
    let text = text.ok_or_else(|| {
        Problem::bad(format!("Idempotency-Key: take 1 to {LONGEST_KEY} printable characters"))
    })?;
    Ok(format!("{}:{text}", caller.who.name))
}

/// Gives a command and answers with what became of it.
pub(crate) async fn give(
    api: &Arc<Api>,
    caller: &Caller,
    headers: &HeaderMap,
    control: Control,
    reason: String,
) -> Result<Response, Problem> {
    let key = key(headers, caller)?;
    let (actor, from) = (caller.who.name.clone(), caller.from.clone());
    tracing::info!(audit = true, %actor, %from, ?control, %reason, "a command was given");
    // A resume lifts only what its giver could know of: an emergency stop that comes in between
    // wins (F46).
    let kills_seen = Some(api.kills_seen());
    let given = Instruction { control, actor, from, reason, key, kills_seen };
    answer(tokio::time::timeout(PATIENCE, api.system.instruct(given)).await)
}

/// Says what became of an instruction.
pub(crate) fn answer(
    came: Result<Result<Receipt, InstructError>, tokio::time::error::Elapsed>,
) -> Result<Response, Problem> {
    let receipt = match came {
        Err(_) => return Err(Problem::not_known()),
        Ok(Err(error)) => return Err(Problem::unavailable(error.to_string())),
        Ok(Ok(receipt)) => receipt,
    };
    let Receipt { seq, durable, done, text } = receipt;
    tracing::info!(audit = true, seq, done, %text, "what became of the command");
    if !done {
        return Err(Problem::refused(text));
    }
    Ok(Json(Done { done, text, seq, durable }).into_response())
}
