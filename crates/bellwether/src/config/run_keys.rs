//! The keys of a running system: mode, crash loop, journal, queues, the paper broker's place.

use super::keys::{Key, key};
use super::tree::{Mode, Transport};
use super::value::{Kind, Refusal, Value};

/// Makes the key of one queue's room; `auto` is `queues.capacity`.
macro_rules! queue {
    ($path:literal, $text:literal, $field:ident) => {
        Key {
            path: $path,
            kind: Kind::IntOrAuto { min: 16, max: 1_000_000 },
            text: $text,
            set: |c, v| {
                c.running.queues.$field = if let Value::Int(v) = v { Some(room(v)) } else { None };
                Ok(())
            },
            get: |c| c.running.queues.$field.map_or(Value::Auto, |room| Value::Int(number(room))),
        }
    };
}
/// The keys of `[system]` that only `run` needs, of `[journal]`, `[queues]` and `[brokers]`.
pub(super) const RUN: &[Key] = &[
    Key {
        path: "system.mode",
        kind: Kind::Word(Mode::NAMES),
        text: "What is traded with: paper is simulated money. This build has no broker for real money.",
        set: |c, v| {
            if let Some(mode) = Mode::ALL.into_iter().find(|m| v == Value::Text(m.name().into())) {
                c.running.mode = mode;
            }
            Ok(())
        },
        get: |c| Value::Text(c.running.mode.name().into()),
    },
    key!(
        "system.update_frequency_ms",
        Kind::Int { min: 20, max: 60_000 },
        "How often status, positions and orders are published; the core itself acts on each event.",
        Int,
        |c, v| c.running.update_frequency_ms = v.unsigned_abs(),
        |c| i64::try_from(c.running.update_frequency_ms).unwrap_or(i64::MAX)
    ),
    key!(
        "system.crash_loop_starts",
        Kind::Int { min: 0, max: 100 },
        "So many starts within crash_loop_minutes, without an orderly stop between them, keep entries blocked until resumed (F36); 0: off.",
        Int,
        |c, v| c.running.crash_loop_starts = u32::try_from(v).unwrap_or_default(),
        |c| i64::from(c.running.crash_loop_starts)
    ),
    key!(
        "system.crash_loop_minutes",
        Kind::Int { min: 1, max: 1_440 },
        "The time within which starts count as a crash loop (F36).",
        Int,
        |c, v| c.running.crash_loop_minutes = u32::try_from(v).unwrap_or_default(),
        |c| i64::from(c.running.crash_loop_minutes)
    ),
    key!(
        "journal.segment_mib",
        Kind::Int { min: 1, max: 4_096 },
        "Length of a file of the journal in MiB; one in use, one ahead and one of ballast are always there (J3, J16).",
        Int,
        |c, v| c.running.segment_mib = v.unsigned_abs(),
        |c| i64::try_from(c.running.segment_mib).unwrap_or(i64::MAX)
    ),
    key!(
        "journal.quote_interval_ms",
        Kind::Int { min: 0, max: 10_000 },
        "Shortest time between two quotes of a symbol that are taken in; the newest wins (journal.md 1).",
        Int,
        |c, v| c.running.quote_interval_ms = v,
        |c| c.running.quote_interval_ms
    ),
    key!(
        "queues.capacity",
        Kind::Int { min: 16, max: 1_000_000 },
        "Room of each queue that has none of its own.",
        Int,
        |c, v| c.running.queues.capacity = room(v),
        |c| number(c.running.queues.capacity)
    ),
    queue!(
        "queues.market_data",
        "Room for bars, prints and halts; beyond it a gap is filled later (F24).",
        market_data
    ),
    queue!(
        "queues.order_commands",
        "Room for commands to a broker; a quarter is kept for cancels, exits and questions (F42).",
        order_commands
    ),
    queue!(
        "queues.risk_alerts",
        "Room for alerts on their way to people; beyond it critical ones are delivered from the journal (F41).",
        risk_alerts
    ),
    queue!(
        "queues.performance_updates",
        "Room for what lists and pages follow; beyond it they catch up from the journal.",
        performance_updates
    ),
    queue!(
        "queues.system_events",
        "Room for instructions; emergency stops have room beyond it (F42).",
        system_events
    ),
    Key {
        path: "brokers.primary",
        kind: Kind::Word(&["paper"]),
        text: "The broker that orders go to. This build has the paper broker alone.",
        set: |_, _| Ok(()),
        get: |_| Value::Text("paper".into()),
    },
    Key {
        path: "brokers.paper.transport",
        kind: Kind::Text("memory, or tcp://ADDRESS of a `bellwether venue --paper ADDRESS`"),
        text: "Where the paper broker is: in the process, stepped by the time of the data, or a process of its own that outlives this one.",
        set: |c, v| {
            let Value::Text(text) = v else { return Ok(()) };
            c.running.transport = if text == "memory" {
                Transport::Memory
            } else {
                let address = text.strip_prefix("tcp://").filter(|a| a.contains(':'));
                let refusal = || Refusal::new("memory, or an address such as tcp://127.0.0.1:9100");
                Transport::Tcp(address.ok_or_else(refusal)?.to_owned())
            };
            Ok(())
        },
        get: |c| Value::Text(c.running.transport.to_string()),
    },
    Key {
        path: "brokers.paper.cash",
        kind: Kind::UsdOrAuto { min: 1, max: 1_000_000_000 },
        text: "Cash of a paper account that is opened for the first time, in USD; auto is account_size. An account that exists keeps what it has.",
        set: |c, v| {
            c.running.paper_cash = if let Value::Usd(cash) = v { Some(cash) } else { None };
            Ok(())
        },
        get: |c| c.running.paper_cash.map_or(Value::Auto, Value::Usd),
    },
];

fn room(value: i64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

fn number(room: usize) -> i64 {
    i64::try_from(room).unwrap_or(i64::MAX)
}
