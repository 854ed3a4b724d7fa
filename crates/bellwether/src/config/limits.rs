//! Limits of a running system by their names in `[risk]` (C42).

use engine::risk_manager::Limits;
use serde_json::{Map, Value as Json};

use super::keys::{self, KEYS};
use super::tree::Config;
use super::value::Raw;

/// Keys of `[risk]` that say what the account is, not how far it may go: they are set at the start.
const AT_START: &[&str] = &["risk.ceilings", "risk.account_type", "risk.day_trade_rule"];

/// Reads limits on top of those in force; says what is wrong with the first bad one.
pub(crate) fn limits_from(now: &Limits, wanted: &Map<String, Json>) -> Result<Limits, String> {
    let mut config = Config { risk: now.clone(), ..Config::default() };
    for (name, value) in wanted {
        let path = format!("risk.{name}");
        let Some(key) = keys::find(&path) else {
            let known = KEYS.iter().filter(|key| key.section() == "risk").map(|key| key.name());
            let meant = strategies::nearest(name, known);
            let meant = meant.map_or_else(String::new, |near| format!("; did you mean {near}?"));
            let name: String = name.chars().take(40).collect();
            return Err(format!("{name} is no limit of the section [risk]{meant}"));
        };
        if AT_START.contains(&key.path) {
            return Err(format!("{name} is set in the configuration and holds from the start on"));
        }
        let raw = match value {
            Json::String(text) => Raw::Plain(text.clone()),
            Json::Number(number) => Raw::Number(number.to_string()),
            Json::Bool(on) => Raw::Switch(*on),
            Json::Null | Json::Array(_) | Json::Object(_) => {
                return Err(format!("{name}: write it as a number or a text"));
            }
        };
        let read = key.kind.read(&raw).and_then(|value| (key.set)(&mut config, value));
        read.map_err(|refusal| {
            format!("{name} = {raw} is not allowed; allowed: {}", refusal.allowed)
        })?;
    }
    match keys::contradictions(&config).into_iter().find(|found| found.0.starts_with("risk.")) {
        Some((path, why, allowed)) => Err(format!("{path} {why}; allowed: {allowed}")),
        None => Ok(config.risk),
    }
}

#[cfg(test)]
mod tests {
    use model::Ppm;
    use serde_json::json;

    use super::*;

    fn read(wanted: Json) -> Result<Limits, String> {
        limits_from(&Limits::default(), wanted.as_object().unwrap())
    }

    /// C42: limits by their names and ranges in the configuration, as texts or numbers; what is not
    /// named stays.
    #[test]
    fn limits_are_read_by_their_names() {
        let limits = read(json!({"max_positions": 3, "max_daily_loss_pct": "0.02"})).unwrap();
        assert_eq!(limits.max_positions, Some(3));
        assert_eq!(limits.max_daily_loss_pct, Some(Ppm(20_000)));
        let rest = Limits {
            max_positions: Limits::default().max_positions,
            max_daily_loss_pct: Limits::default().max_daily_loss_pct,
            ..limits
        };
        assert_eq!(rest, Limits::default());
    }

    /// API3, F45: nothing but limits, nothing out of range, nothing that is for a start alone.
    #[test]
    fn other_things_are_refused() {
        for (wanted, says) in [
            (json!({"max_positionz": 3}), "max_positions"),
            (json!({"max_positions": 3000}), "allowed"),
            (json!({"max_daily_loss_pct": 5}), "allowed"),
            (json!({"max_positions": {"a": 1}}), "a number or a text"),
            (json!({"mode": "live"}), "is no limit"),
            (json!({"ceilings": "test"}), "from the start on"),
            (json!({"loss_warn_pct": 0.9}), "loss_reduce_only_pct"),
        ] {
            let error = read(wanted.clone()).unwrap_err();
            assert!(error.contains(says), "{wanted}: {error}");
        }
    }
}
