//! The keys of `[data]`: which market data a running system takes.

use super::keys::{Key, key, path, path_text};
use super::tree::Primary;
use super::value::{Kind, Refusal, Value};

/// The keys of `[data]` and its parts.
pub(super) const DATA: &[Key] = &[
    Key {
        path: "data.primary",
        kind: Kind::Word(Primary::NAMES),
        text: "Where market data comes from: playback plays recorded or generated days and needs no network.",
        set: |_, _| Ok(()),
        get: |c| Value::Text(c.data.primary.name().into()),
    },
    key!(
        "data.playback.source",
        Kind::Text("generated, or the path of a store or of a LEAN folder"),
        "What is played: the market of a seed, or recorded days.",
        Text,
        |c, v| c.data.playback.source = path(if v == "generated" { String::new() } else { v }),
        |c| match path_text(&c.data.playback.source) {
            text if text.is_empty() => "generated".to_owned(),
            text => text,
        }
    ),
    key!(
        "data.playback.seed",
        Kind::Int { min: 0, max: i64::MAX },
        "Seed of the generated market.",
        Int,
        |c, v| c.data.playback.seed = v.unsigned_abs(),
        |c| i64::try_from(c.data.playback.seed).unwrap_or(i64::MAX)
    ),
    Key {
        path: "data.playback.date",
        kind: Kind::Text("a date such as 2026-11-24, or \"\" for the default"),
        text: "The first day; \"\" is 2026-11-24 for generated days, else the last recorded day.",
        set: |c, value| {
            if let Value::Text(text) = value {
                let parsed = if text.is_empty() { Ok(None) } else { text.parse().map(Some) };
                c.data.playback.date =
                    parsed.map_err(|_| Refusal::new("a date such as 2026-11-24"))?;
            }
            Ok(())
        },
        get: |c| Value::Text(c.data.playback.date.map(|date| date.to_string()).unwrap_or_default()),
    },
    Key {
        path: "data.playback.symbols",
        kind: Kind::List("a list of tickers, such as [\"SYM0\", \"SYM1\"]"),
        text: "Symbols that are played; empty: those of system.universe, or all that there are.",
        set: |c, v| {
            if let Value::List(items) = v {
                let parsed: Result<_, _> = items.iter().map(|item| item.parse()).collect();
                c.data.playback.symbols =
                    parsed.map_err(|error| Refusal::new(format!("a list of tickers ({error})")))?;
            }
            Ok(())
        },
        get: |c| Value::List(c.data.playback.symbols.iter().map(ToString::to_string).collect()),
    },
    key!(
        "data.playback.speed",
        Kind::Int { min: 0, max: 1_000 },
        "How many times faster than the wall clock the days pass; 0: as fast as it goes.",
        Int,
        |c, v| c.data.playback.speed = u32::try_from(v).unwrap_or_default(),
        |c| i64::from(c.data.playback.speed)
    ),
];
