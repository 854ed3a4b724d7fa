//! The constants of a run: its mode, its build, and the names of what the core knows by number.

use std::fmt;
use std::sync::Arc;

use engine::Engine;
use engine::risk_manager::Scope;
use engine::strategy_engine::RuleInfo;
use model::exchange::Calendar;
use model::{BrokerId, SourceId, StrategyId, Symbol, SymbolId};
use serde::{Serialize, Serializer};

/// A name that is shared, not copied.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(Arc<str>);

impl Name {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Which program it is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, utoipa::ToSchema)]
pub struct Build {
    /// Its version.
    pub version: String,
    /// The commit it was built from.
    pub commit: String,
}

/// What does not change while a process runs.
#[derive(Clone, Debug)]
pub struct Run {
    /// The mode by its name in the configuration.
    pub mode: String,
    /// Where the program runs, by its name in the configuration.
    pub environment: String,
    /// Which program it is.
    pub build: Build,
    /// Sessions of the exchange.
    pub calendar: Arc<Calendar>,
    symbols: Vec<Symbol>,
    strategies: Vec<Name>,
    rules: Vec<&'static [RuleInfo]>,
    brokers: Vec<Name>,
    feeds: Vec<Name>,
}

/// A name that nothing in this run bears.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("there is no {what} {name:?} in this run; there are {known}")]
pub struct UnknownName {
    what: &'static str,
    name: String,
    known: String,
}

impl Run {
    /// Takes the names of symbols and strategies from an engine; brokers and feeds are named in
    /// the order of their ids.
    pub fn new(
        engine: &Engine,
        mode: &str,
        environment: &str,
        build: Build,
        calendar: Arc<Calendar>,
        brokers: &[&str],
        feeds: &[&str],
    ) -> Self {
        let books = engine.books();
        let count = u32::try_from(engine.data().symbols().len()).unwrap_or(u32::MAX);
        let names = |list: &[&str]| list.iter().copied().map(Name::from).collect();
        let strategies = engine.strategies();
        Self {
            mode: mode.to_owned(),
            environment: environment.to_owned(),
            build,
            calendar,
            symbols: (0..count).filter_map(|id| books.ticker(SymbolId(id))).collect(),
            strategies: strategies.iter().map(|i| i.name.as_str().into()).collect(),
            rules: strategies.iter().map(|i| i.strategy.rules()).collect(),
            brokers: names(brokers),
            feeds: names(feeds),
        }
    }

    /// Returns a symbol's ticker.
    pub fn symbol(&self, id: SymbolId) -> Option<Symbol> {
        self.symbols.get(id.index()).copied()
    }

    /// Returns a strategy's name.
    pub fn strategy(&self, id: StrategyId) -> Option<Name> {
        self.strategies.get(id.index()).cloned()
    }

    /// Returns the rules that a strategy's decisions refer to.
    pub fn rules(&self, id: StrategyId) -> &'static [RuleInfo] {
        self.rules.get(id.index()).copied().unwrap_or_default()
    }

    /// Returns a broker's name.
    pub fn broker(&self, id: BrokerId) -> Option<Name> {
        self.brokers.get(usize::from(id.0)).cloned()
    }

    /// Returns the brokers in the order of their ids.
    pub fn brokers(&self) -> &[Name] {
        &self.brokers
    }

    /// Returns a provider's name.
    pub fn feed(&self, id: SourceId) -> Option<Name> {
        self.feeds.get(usize::from(id.0)).cloned()
    }

    /// Finds a symbol.
    ///
    /// # Errors
    /// The run does not trade it.
    pub fn find_symbol(&self, name: &str) -> Result<SymbolId, UnknownName> {
        let same = |symbol: &Symbol| symbol.as_str().eq_ignore_ascii_case(name);
        let place = self.symbols.iter().position(same);
        place.and_then(|place| u32::try_from(place).ok()).map(SymbolId).ok_or_else(|| UnknownName {
            what: "symbol",
            name: clip(name),
            known: listed(self.symbols.iter()),
        })
    }

    /// Finds a strategy.
    ///
    /// # Errors
    /// The run does not have it.
    pub fn find_strategy(&self, name: &str) -> Result<StrategyId, UnknownName> {
        let place = self.strategies.iter().position(|known| known.as_str() == name);
        let id = place.and_then(|place| u16::try_from(place).ok()).map(StrategyId);
        id.ok_or_else(|| UnknownName {
            what: "strategy",
            name: clip(name),
            known: listed(self.strategies.iter()),
        })
    }

    /// Finds a broker.
    ///
    /// # Errors
    /// The run does not use it.
    pub fn find_broker(&self, name: &str) -> Result<BrokerId, UnknownName> {
        let place = self.brokers.iter().position(|known| known.as_str() == name);
        let id = place.and_then(|place| u8::try_from(place).ok()).map(BrokerId);
        id.ok_or_else(|| UnknownName {
            what: "broker",
            name: clip(name),
            known: listed(self.brokers.iter()),
        })
    }

    /// Reads a scope: `all`, `strategy:X`, `symbol:X` or `broker:X`.
    ///
    /// # Errors
    /// The text is none of these, or names something that is not of the run.
    pub fn scope(&self, text: &str) -> Result<Scope, UnknownName> {
        match text.split_once(':') {
            None if text == "all" => Ok(Scope::All),
            Some(("strategy", name)) => self.find_strategy(name).map(Scope::Strategy),
            Some(("symbol", name)) => self.find_symbol(name).map(Scope::Symbol),
            Some(("broker", name)) => self.find_broker(name).map(Scope::Broker),
            _ => Err(UnknownName {
                what: "scope",
                name: clip(text),
                known: "all, strategy:X, symbol:X and broker:X".to_owned(),
            }),
        }
    }

    /// Returns the text of a scope.
    pub fn scope_text(&self, scope: Scope) -> String {
        let name = |name: Option<Name>| name.map_or_else(|| "?".to_owned(), |n| n.to_string());
        match scope {
            Scope::All => "all".to_owned(),
            Scope::Strategy(id) => format!("strategy:{}", name(self.strategy(id))),
            Scope::Symbol(id) => {
                format!("symbol:{}", self.symbol(id).map_or_else(|| "?".into(), |s| s.to_string()))
            }
            Scope::Broker(id) => format!("broker:{}", name(self.broker(id))),
        }
    }
}

/// What somebody typed is shown, but not at any length.
fn clip(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Lists the first names.
fn listed<T: fmt::Display>(names: impl ExactSizeIterator<Item = T>) -> String {
    const MOST: usize = 12;
    let more = names.len().saturating_sub(MOST);
    let shown: Vec<String> = names.take(MOST).map(|name| name.to_string()).collect();
    match (shown.is_empty(), more) {
        (true, _) => "none".to_owned(),
        (false, 0) => shown.join(", "),
        (false, more) => format!("{} and {more} more", shown.join(", ")),
    }
}
