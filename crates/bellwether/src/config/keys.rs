//! The one table of configuration keys: type, range, meaning, and its place in [`Config`].
//!
//! The keys of `[data]`, `[risk]` and of a running system lie in [`data_keys`](super::data_keys),
//! [`risk_keys`](super::risk_keys) and [`run_keys`](super::run_keys).

use std::net::SocketAddr;
use std::path::PathBuf;

use model::{Cash, MINUTE_NS, Ppm};
use simulator::{FillMode, LimitFill};

use super::data_keys::DATA;
use super::risk_keys::RISK;
use super::run_keys::RUN;
use super::tree::{Clock, Config, Environment, LogLevel};
use super::value::{Kind, Refusal, Value};

/// A configuration key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    /// Section and name: `risk.max_positions`.
    pub(crate) path: &'static str,
    /// Type and range.
    pub(crate) kind: Kind,
    /// What it does, with rule ids.
    pub(crate) text: &'static str,
    /// Puts a checked value in its place; may refuse what the kind cannot tell.
    pub(crate) set: fn(&mut Config, Value) -> Result<(), Refusal>,
    /// Reads the value from its place.
    pub(crate) get: fn(&Config) -> Value,
}

impl Key {
    /// Returns the section: `risk`, `data.playback`.
    pub(crate) fn section(&self) -> &'static str {
        self.path.rsplit_once('.').map_or("", |(section, _)| section)
    }

    /// Returns the name within the section.
    pub(crate) fn name(&self) -> &'static str {
        self.path.rsplit_once('.').map_or(self.path, |(_, name)| name)
    }
}

/// Returns the key of a path.
pub(crate) fn find(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}

/// Makes a key whose place takes the value as it is; a value of another kind cannot come, since
/// the key's own kind has read it.
macro_rules! key {
    ($path:literal, $kind:expr, $text:literal, $variant:ident, |$c:ident, $v:ident| $set:expr, |$r:ident| $get:expr) => {
        Key {
            path: $path,
            kind: $kind,
            text: $text,
            set: |$c, value| {
                if let Value::$variant($v) = value {
                    $set;
                }
                Ok(())
            },
            get: |$r| Value::$variant($get),
        }
    };
}

pub(super) use key;

pub(super) const fn fraction(min: f64, max: f64) -> Kind {
    Kind::Fraction { min, max }
}

/// All keys but those of `[strategies.NAME]`.
pub(crate) const KEYS: &[Key] = &joined::<{ OTHERS.len() + RUN.len() + DATA.len() + RISK.len() }>(
    &joined::<{ OTHERS.len() + RUN.len() }>(OTHERS, RUN),
    &joined::<{ DATA.len() + RISK.len() }>(DATA, RISK),
);

const fn joined<const N: usize>(first: &[Key], second: &[Key]) -> [Key; N] {
    let mut all = [first[0]; N];
    let mut at = 0;
    while at < N {
        all[at] = if at < first.len() { first[at] } else { second[at - first.len()] };
        at += 1;
    }
    all
}

/// The keys of all sections but `[data]` and `[risk]`.
const OTHERS: &[Key] = &[
    key!(
        "system.account_size",
        Kind::Usd { min: 1, max: 1_000_000_000 },
        "Cash at the start of a backtest, and of a new paper account unless brokers.paper.cash says other, in USD.",
        Usd,
        |c, v| c.system.account_size = v,
        |c| c.system.account_size
    ),
    Key {
        path: "system.environment",
        kind: Kind::Word(Environment::NAMES),
        text: "Where this runs: development logs text, the others JSON lines; shown in the health object.",
        set: |c, v| {
            let mut all = Environment::ALL.into_iter();
            if let Some(found) = all.find(|e| v == Value::Text(e.name().into())) {
                c.system.environment = found;
            }
            Ok(())
        },
        get: |c| Value::Text(c.system.environment.name().into()),
    },
    Key {
        path: "system.log_level",
        kind: Kind::Word(LogLevel::NAMES),
        text: "How much is logged to stderr.",
        set: |c, v| {
            if let Value::Text(name) = v
                && let Some(level) = LogLevel::from_name(&name)
            {
                c.system.log_level = level;
            }
            Ok(())
        },
        get: |c| Value::Text(c.system.log_level.name().into()),
    },
    key!(
        "system.active_strategies",
        Kind::List("a list of strategy names, such as [\"gap_and_go\", \"vwap_reclaim@tight\"]"),
        "Strategies that run when --strategy is not given.",
        List,
        |c, v| c.system.active_strategies = v,
        |c| c.system.active_strategies.clone()
    ),
    Key {
        path: "system.universe",
        kind: Kind::List("a list of tickers, such as [\"AAPL\", \"SPY\"]"),
        text: "Symbols that are traded when --symbols is not given; empty: all that the data holds.",
        set: |c, v| {
            if let Value::List(items) = v {
                let parsed: Result<_, _> = items.iter().map(|item| item.parse()).collect();
                c.system.universe =
                    parsed.map_err(|error| Refusal::new(format!("a list of tickers ({error})")))?;
            }
            Ok(())
        },
        get: |c| Value::List(c.system.universe.iter().map(ToString::to_string).collect()),
    },
    Key {
        path: "system.data_retention_days",
        kind: Kind::Int { min: 1, max: 3_650 },
        text: "Days for which log files, and market data in the journal, are kept.",
        set: |c, v| {
            if let Value::Int(days) = v {
                c.system.data_retention_days = u16::try_from(days).unwrap_or(u16::MAX);
            }
            Ok(())
        },
        get: |c| Value::Int(c.system.data_retention_days.into()),
    },
    Key {
        path: "server.listen",
        kind: Kind::Text("an address on this machine, such as \"127.0.0.1:8080\""),
        text: "Where the API listens; from outside it is reached through a proxy with TLS only (S1).",
        set: |c, v| {
            let address = if let Value::Text(text) = v { text.parse().ok() } else { None };
            let on_loopback = |address: &SocketAddr| address.ip().is_loopback();
            c.server.listen = address.filter(on_loopback).ok_or_else(|| {
                Refusal::new("an address of the loopback with a port, such as 127.0.0.1:8080 (S1)")
            })?;
            Ok(())
        },
        get: |c| Value::Text(c.server.listen.to_string()),
    },
    Key {
        path: "server.auth",
        kind: Kind::Word(&["required", "off"]),
        text: "Whether the API asks for a token; off is for a desk without money (S1).",
        set: |c, v| {
            c.server.auth = v != Value::Text("off".into());
            Ok(())
        },
        get: |c| Value::Text(if c.server.auth { "required" } else { "off" }.into()),
    },
    Key {
        path: "system.clock",
        kind: Kind::Word(Clock::NAMES),
        text: "What a running system's time follows: the wall clock, or its market data's (feed); auto: feed when data.primary is playback.",
        set: |c, v| {
            c.system.clock = Clock::ALL.into_iter().find(|k| v == Value::Text(k.name().into()));
            Ok(())
        },
        get: |c| Value::Text(c.system.clock.map_or("auto", Clock::name).into()),
    },
    Key {
        path: "simulation.fill",
        kind: Kind::Word(&[
            "conservative",
            "adaptive",
            "ohlc",
            "next_open",
            "same_close",
            "next_close",
        ]),
        text: "How bars fill orders (TF1-TF10); the last three are conventions of other engines.",
        set: |c, v| {
            if let Some(mode) =
                FillMode::ALL.into_iter().find(|m| v == Value::Text(m.name().into()))
            {
                c.simulation.fill = mode;
            }
            Ok(())
        },
        get: |c| Value::Text(c.simulation.fill.name().into()),
    },
    Key {
        path: "simulation.commission",
        kind: Kind::Text("ibkr_fixed, ibkr_tiered, alpaca, none or per_share:X"),
        text: "What the broker charges (TK1-TK4): ibkr_fixed, ibkr_tiered, alpaca, none or per_share:X.",
        set: |c, v| {
            if let Value::Text(text) = v {
                c.simulation.commission = text.parse().map_err(|_| {
                    Refusal::new("ibkr_fixed, ibkr_tiered, alpaca, none or per_share:X with X from 0 to 1 USD")
                })?;
            }
            Ok(())
        },
        get: |c| Value::Text(c.simulation.commission.to_string()),
    },
    Key {
        path: "simulation.slippage_ticks",
        kind: Kind::IntOrAuto { min: 0, max: 100 },
        text: "Slippage of market, stop and marketable orders (TF11); auto: 1, or 0 in the comparison conventions.",
        set: |c, v| {
            c.simulation.slippage_ticks =
                if let Value::Int(ticks) = v { u32::try_from(ticks).ok() } else { None };
            Ok(())
        },
        get: |c| c.simulation.slippage_ticks.map_or(Value::Auto, |ticks| Value::Int(ticks.into())),
    },
    key!(
        "simulation.slippage_model",
        Kind::Switch,
        "Slippage by a table of spreads instead of a number of ticks (TF11).",
        Switch,
        |c, v| c.simulation.slippage_model = v,
        |c| c.simulation.slippage_model
    ),
    key!(
        "simulation.participation_pct",
        fraction(0.01, 1.0),
        "Part of a bar's volume that our orders may take (TF10).",
        Fraction,
        |c, v| c.simulation.participation = v,
        |c| c.simulation.participation
    ),
    Key {
        path: "simulation.limit_fill",
        kind: Kind::Word(&["through", "touch"]),
        text: "When a resting limit order fills: traded through, or touched (TF4).",
        set: |c, v| {
            let touch = v == Value::Text("touch".into());
            c.simulation.limit_fill = if touch { LimitFill::Touch } else { LimitFill::Through };
            Ok(())
        },
        get: |c| {
            let touch = c.simulation.limit_fill == LimitFill::Touch;
            Value::Text(if touch { "touch" } else { "through" }.into())
        },
    },
    key!(
        "exchange.calendar_file",
        Kind::Text("a path, or \"\" for none"),
        "Closures and hours on top of the shipped calendar, one per line (TC1, F32).",
        Text,
        |c, v| c.exchange.calendar = path(v),
        |c| path_text(&c.exchange.calendar)
    ),
    key!(
        "exchange.ticks_file",
        Kind::Text("a path, or \"\" for none"),
        "Tick sizes assigned to symbols, one per line (C05).",
        Text,
        |c, v| c.exchange.ticks = path(v),
        |c| path_text(&c.exchange.ticks)
    ),
    key!(
        "exchange.fees_file",
        Kind::Text("a path, or \"\" for none"),
        "Regulatory and venue fees newer than the shipped ones, one per line (TK4).",
        Text,
        |c, v| c.exchange.fees = path(v),
        |c| path_text(&c.exchange.fees)
    ),
];

pub(super) fn path(text: String) -> Option<PathBuf> {
    (!text.is_empty()).then(|| PathBuf::from(text))
}

pub(super) fn path_text(path: &Option<PathBuf>) -> String {
    path.as_ref().map(|path| path.display().to_string()).unwrap_or_default()
}

/// Checks what two keys say together; returns the key to blame, why, and what is allowed.
pub(crate) fn contradictions(config: &Config) -> Vec<(&'static str, String, String)> {
    let mut found = Vec::new();
    let risk = &config.risk;
    if risk.loss_warn_pct > risk.loss_reduce_only_pct {
        let (warn, only) =
            (risk.loss_warn_pct.to_fraction(), risk.loss_reduce_only_pct.to_fraction());
        found.push((
            "risk.loss_warn_pct",
            format!("lies above risk.loss_reduce_only_pct = {only}: the warning of {warn} would come too late"),
            format!("at most {only}"),
        ));
    }
    let ceiling = config.system.account_size.times_ppm(400_000);
    if let Some(value) = risk.max_order_value.filter(|&value| value > ceiling)
        && value > Cash::from_dollars(20_000).unwrap_or_default()
    {
        found.push((
            "risk.max_order_value_usd",
            format!(
                "is over the ceiling of 40 % of system.account_size = {} (C42)",
                config.system.account_size
            ),
            format!("at most {ceiling}"),
        ));
    }
    if config.system.clock == Some(Clock::Wall) {
        let why =
            "cannot be with data.primary = playback: the days that are played are not today's";
        found.push(("system.clock", why.into(), "auto or feed".into()));
    }
    if risk.flat_before_close_ns.is_some_and(|flat| flat >= risk.opening_ends_before_close_ns) {
        found.push((
            "risk.flat_before_close_min",
            "must be fewer minutes before the close than risk.opening_ends_before_close_min (C23)"
                .into(),
            format!("below {}", risk.opening_ends_before_close_ns / MINUTE_NS),
        ));
    }
    found
}

/// Returns what is allowed but deserves a second thought.
pub(crate) fn warnings(config: &Config) -> Vec<String> {
    let mut warnings = Vec::new();
    let risk = &config.risk;
    if let (Some(positions), Some(limit)) = (risk.max_positions, risk.max_daily_loss_pct) {
        let at_once = Ppm(i64::from(positions) * risk.risk_per_trade.0);
        if at_once > limit {
            warnings.push(format!(
                "risk.max_positions {positions} * risk.risk_per_trade_pct {} = {} is over \
                 risk.max_daily_loss_pct {}: all positions stopped at once lose more than a day may (TS6)",
                risk.risk_per_trade.to_fraction(),
                at_once.to_fraction(),
                limit.to_fraction()
            ));
        }
    }
    if config.simulation.slippage_model && config.simulation.slippage_ticks.is_some() {
        warnings.push(
            "simulation.slippage_model is on: simulation.slippage_ticks is not used".to_owned(),
        );
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every default is inside its own range, and reading what is written changes nothing.
    #[test]
    fn defaults_round_trip_through_every_key() {
        use crate::config::value::Raw;
        let defaults = Config::default();
        for key in KEYS {
            let value = (key.get)(&defaults);
            let plain = match &value {
                Value::Text(text) => text.clone(),
                Value::List(items) => items.join(","),
                other => other.to_string().trim_matches('"').to_owned(),
            };
            let read = key.kind.read(&Raw::Plain(plain));
            assert_eq!(read.as_ref(), Ok(&value), "{}", key.path);
            let mut config = defaults.clone();
            (key.set)(&mut config, value).unwrap();
            assert_eq!(config, defaults, "{}", key.path);
        }
        assert!(contradictions(&defaults).is_empty());
        assert!(warnings(&defaults).is_empty());
    }

    /// The page for readers names every key.
    #[test]
    fn every_key_is_documented() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
        let page = std::fs::read_to_string(path).unwrap();
        for key in KEYS {
            assert!(page.contains(&format!("`{}`", key.path)), "{} is not in {path}", key.path);
        }
    }

    /// TS6: five positions of 2 % are more than a day's 5 %.
    #[test]
    fn warns_when_all_stops_exceed_the_day() {
        let mut config = Config::default();
        config.risk.risk_per_trade = Ppm(20_000);
        assert!(warnings(&config)[0].contains("TS6"));
        config.risk.max_positions = Some(2);
        assert!(warnings(&config).is_empty());
    }

    /// C42: a limit beyond its ceiling, and limits that contradict each other, are refused.
    #[test]
    fn contradictions_are_found() {
        let mut config = Config::default();
        config.risk.max_order_value = Cash::from_dollars(40_001);
        config.risk.loss_warn_pct = Ppm(900_000);
        config.risk.flat_before_close_ns = Some(15 * MINUTE_NS);
        let keys: Vec<&str> = contradictions(&config).iter().map(|found| found.0).collect();
        let expected =
            ["risk.loss_warn_pct", "risk.max_order_value_usd", "risk.flat_before_close_min"];
        assert_eq!(keys, expected);
    }
}
