//! Answers of the API as text for people.

use std::fmt::Write;

use serde_json::Value;

use crate::terminal::{self, FAINT, GAIN, LOSS, TITLE, WARNING};

/// Returns a value as a cell of a table.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Returns the time of day of an RFC 3339 time, with its date.
fn clock(value: &Value) -> String {
    let text = cell(value);
    let text = text.get(..19).unwrap_or(&text);
    text.replace('T', " ")
}

fn field(row: &Value, key: &str) -> String {
    cell(row.get(key).unwrap_or(&Value::Null))
}

fn items(page: &Value) -> &[Value] {
    page.get("items").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Makes a table of some fields of the rows of a page; times are shortened.
fn table<const N: usize>(
    page: &Value,
    columns: [(&str, &str); N],
    right: &[usize],
    none: &str,
) -> String {
    let rows = items(page);
    if rows.is_empty() {
        return format!("{FAINT}{none}{FAINT:#}\n");
    }
    let mut table = terminal::table(columns.map(|(title, _)| title), right);
    for row in rows {
        table.add_row(columns.map(|(_, key)| {
            let value = row.pointer(key).unwrap_or(&Value::Null);
            if key.ends_with("time") || key.ends_with("until") { clock(value) } else { cell(value) }
        }));
    }
    let more = page.get("next_cursor").is_some_and(|cursor| !cursor.is_null());
    let more = if more { format!("{FAINT}and older ones{FAINT:#}\n") } else { String::new() };
    terminal::text_of(&table) + &more
}

/// Returns `status` as text.
pub(super) fn status(status: &Value) -> String {
    let text = |pointer: &str| cell(status.pointer(pointer).unwrap_or(&Value::Null));
    let mut out = String::new();
    let (state, mode) = (text("/state"), text("/mode"));
    let _ =
        writeln!(out, "{TITLE}{state}{TITLE:#}  mode {mode}, market {}", text("/market/session"));
    let open = status.pointer("/gate/open").and_then(Value::as_bool).unwrap_or(false);
    if open {
        let _ = writeln!(out, "gate      {GAIN}open{GAIN:#}");
    } else {
        let reasons = status.pointer("/gate/reasons").and_then(Value::as_array);
        let reasons: Vec<String> = reasons.into_iter().flatten().map(cell).collect();
        let _ = writeln!(out, "gate      {LOSS}shut{LOSS:#}: {}", reasons.join(", "));
    }
    if status.pointer("/kill/engaged").and_then(Value::as_bool) == Some(true) {
        let _ = writeln!(out, "kill      {LOSS}engaged{LOSS:#} {}", text("/kill/line"));
    }
    let pnl = text("/daily_pnl");
    let style = if pnl.starts_with('-') { LOSS } else { GAIN };
    let _ = writeln!(out, "equity    {} USD, cash {}", text("/equity"), text("/cash"));
    let _ =
        writeln!(out, "today     {style}{pnl}{style:#} of -{} allowed", text("/daily_loss_limit"));
    let _ = writeln!(
        out,
        "open      {} positions, {} orders, {} of unknown fate",
        text("/open_positions"),
        text("/open_orders"),
        text("/unknown_orders")
    );
    let _ = writeln!(
        out,
        "journal   durable to {}, epoch {}",
        text("/last_durable_seq"),
        text("/epoch")
    );
    for key in ["/brokers", "/providers"] {
        for party in status.pointer(key).and_then(Value::as_array).into_iter().flatten() {
            let up = party.get("connected").and_then(Value::as_bool).unwrap_or(false);
            let how = if up { "connected" } else { "not connected" };
            let _ = writeln!(
                out,
                "{:<9} {} {how}",
                key.trim_start_matches('/').trim_end_matches('s'),
                field(party, "name")
            );
        }
    }
    out.push_str(&queues(status));
    out
}

fn queues(status: &Value) -> String {
    let mut table = terminal::table(
        ["queue", "depth", "capacity", "high water", "dropped", "conflated"],
        &[1, 2, 3, 4, 5],
    );
    for (name, queue) in status.get("queues").and_then(Value::as_object).into_iter().flatten() {
        let count = |key: &str| field(queue, key);
        table.add_row([
            name.clone(),
            count("depth"),
            count("capacity"),
            count("high_water"),
            count("dropped"),
            count("conflated"),
        ]);
    }
    terminal::text_of(&table)
}

/// Returns `health` as text.
pub(super) fn health(health: &Value) -> String {
    let mut out = format!("{TITLE}{}{TITLE:#}\n", field(health, "overall_status"));
    let mut table = terminal::table(["component", "", "last heartbeat"], &[]);
    for (name, component) in
        health.get("components").and_then(Value::as_object).into_iter().flatten()
    {
        let is = |key: &str| component.get(key).and_then(Value::as_bool).unwrap_or(false);
        let how = match (is("running"), is("is_healthy")) {
            (false, _) => "not running",
            (true, true) => "healthy",
            (true, false) => "ILL",
        };
        let beat = clock(component.get("last_heartbeat").unwrap_or(&Value::Null));
        table.add_row([name.as_str(), how, beat.as_str()]);
    }
    out.push_str(&terminal::text_of(&table));
    for issue in health.get("issues").and_then(Value::as_array).into_iter().flatten() {
        let _ = writeln!(out, "{WARNING}issue:{WARNING:#} {}", cell(issue));
    }
    out
}

/// Returns a page of positions as text.
pub(super) fn positions(page: &Value) -> String {
    let columns = [
        ("symbol", "/symbol"),
        ("strategy", "/strategy"),
        ("shares", "/quantity"),
        ("average", "/average_price"),
        ("mark", "/mark"),
        ("unrealized", "/unrealized_pnl"),
        ("stop", "/stop"),
        ("risk", "/risk"),
        ("broker", "/broker"),
    ];
    table(page, columns, &[2, 3, 4, 5, 6, 7], "no open positions")
}

/// Returns a page of orders as text.
pub(super) fn orders(page: &Value) -> String {
    let columns = [
        ("id", "/client_id"),
        ("symbol", "/symbol"),
        ("strategy", "/strategy"),
        ("role", "/role"),
        ("side", "/side"),
        ("kind", "/kind"),
        ("shares", "/quantity"),
        ("filled", "/filled_quantity"),
        ("limit", "/limit_price"),
        ("stop", "/stop_price"),
        ("state", "/state"),
        ("at the broker", "/broker_id"),
    ];
    table(page, columns, &[6, 7, 8, 9], "no orders")
}

/// Returns a page of trades as text.
pub(super) fn trades(page: &Value) -> String {
    let columns = [
        ("exit", "/exit_time"),
        ("symbol", "/symbol"),
        ("strategy", "/strategy"),
        ("side", "/side"),
        ("shares", "/quantity"),
        ("entry", "/entry_price"),
        ("exit price", "/exit_price"),
        ("reason", "/exit_reason"),
        ("net", "/net_pnl"),
    ];
    table(page, columns, &[4, 5, 6, 8], "no closed trades yet")
}

/// Returns a page of alerts as text.
pub(super) fn alerts(page: &Value) -> String {
    let columns = [
        ("id", "/id"),
        ("time", "/time"),
        ("severity", "/severity"),
        ("kind", "/kind"),
        ("message", "/message"),
        ("count", "/count"),
        ("acknowledged by", "/acknowledged_by"),
    ];
    table(page, columns, &[0, 5], "no alerts")
}

/// Returns a page of decisions as text.
pub(super) fn decisions(page: &Value) -> String {
    let columns = [
        ("from", "/time"),
        ("to", "/until"),
        ("times", "/count"),
        ("strategy", "/strategy"),
        ("outcome", "/outcome"),
        ("rule", "/rule"),
        ("what it asks", "/text"),
        ("numbers", "/values"),
        ("order", "/order/client_id"),
    ];
    table(page, columns, &[2], "no strategy has looked at it yet")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_become_lines() {
        let page = json!({"items": [{
            "symbol": "SPY", "strategy": null, "quantity": "100", "average_price": "10.00",
            "mark": "10.10", "unrealized_pnl": "10.00", "stop": null, "risk": "1010.00",
            "broker": "paper"
        }], "next_cursor": "4"});
        let text = positions(&page);
        assert!(
            text.contains("SPY") && text.contains("1010.00") && text.contains("and older ones")
        );
        assert!(
            positions(&json!({"items": [], "next_cursor": null})).contains("no open positions")
        );
        assert_eq!(clock(&json!("2026-11-25T14:30:00.123Z")), "2026-11-25 14:30:00");
    }
}
