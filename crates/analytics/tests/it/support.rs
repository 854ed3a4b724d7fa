//! Finding and comparing oracle values.

use std::path::PathBuf;

use serde_json::Value;

/// Reads an oracle file of the folder that `ORACLES_DIR` names, or of the repository.
pub(crate) fn oracle(name: &str) -> Value {
    let folder = std::env::var_os("ORACLES_DIR").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/oracles")),
        PathBuf::from,
    );
    let path = folder.join(name);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("read oracle {}: {error}", path.display()));
    serde_json::from_str(&text)
        .unwrap_or_else(|error| panic!("parse oracle {}: {error}", path.display()))
}

/// Returns a number, also one that is written as decimal text.
pub(crate) fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

/// The tolerance of oracles/README.md: |a-b| <= max(1e-12, 1e-9*|b|).
pub(crate) fn agrees(ours: f64, expected: f64) -> bool {
    (ours - expected).abs() <= (1e-9 * expected.abs()).max(1e-12)
}

/// Compares each expected key with ours; integers, text and nulls exactly, numbers by tolerance,
/// maps key by key. Returns what differs.
pub(crate) fn differences(ours: &Value, expected: &Value, path: &str) -> Vec<String> {
    match expected {
        Value::Object(fields) => {
            let mut found: Vec<String> = fields
                .iter()
                .flat_map(|(key, value)| {
                    let path = format!("{path}.{key}");
                    match ours.get(key) {
                        Some(own) => differences(own, value, &path),
                        None => vec![format!("{path}: missing")],
                    }
                })
                .collect();
            if path.ends_with("monthly_returns")
                && ours.as_object().map(|o| o.len()) != Some(fields.len())
            {
                found.push(format!("{path}: other keys"));
            }
            found
        }
        Value::Number(n) if n.is_f64() => match number(ours) {
            Some(own) if agrees(own, n.as_f64().unwrap()) => Vec::new(),
            _ => vec![format!("{path}: {ours}, expected {n}")],
        },
        // Counts and indices are exact; the same file may write a whole ratio as 0.0 or 0.
        _ if ours == expected
            || (ours.as_f64().is_some() && ours.as_f64() == expected.as_f64()) =>
        {
            Vec::new()
        }
        _ => vec![format!("{path}: {ours}, expected {expected}")],
    }
}
