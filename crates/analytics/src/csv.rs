//! The closed trades of a report as CSV, one row per trade, in order of exit.

use std::fmt::Write;

use crate::report::Report;

/// The header of [`trades`].
pub const TRADES_HEADER: &str = "id,strategy,symbol,side,quantity,entry_time,entry_price,exit_time,\
exit_price,exit_reason,net_pnl,gross_pnl,fees,r_multiple,mae,mfe,initial_stop,risk_planned,\
risk_taken,fills";

/// Returns the trades as CSV with a header; a missing value is an empty field.
pub fn trades(report: &Report) -> String {
    let mut text = format!("{TRADES_HEADER}\n");
    for t in &report.trades {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}",
            t.id,
            quoted(&t.strategy),
            quoted(&t.symbol),
            t.side.name(),
            t.quantity,
            t.entry_time,
            t.entry_price,
            t.exit_time,
            t.exit_price,
            quoted(&t.exit_reason),
            t.net_pnl,
            t.gross_pnl,
            t.fees,
            optional(t.r_multiple),
            t.mae,
            t.mfe,
            optional(t.initial_stop),
            optional(t.risk_planned),
            optional(t.risk_taken),
            t.fills.len(),
        );
    }
    text
}

fn optional(value: Option<impl std::fmt::Display>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// Quotes a field that a CSV reader would split (RFC 4180).
fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_needed() {
        assert_eq!(quoted("orb@a:b=1,c=2"), "\"orb@a:b=1,c=2\"");
        assert_eq!(quoted("say \"x\""), "\"say \"\"x\"\"\"");
        assert_eq!(quoted("orb"), "orb");
        assert_eq!(optional(None::<u8>), "");
    }
}
