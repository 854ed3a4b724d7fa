//! Puts the layers on top of each other: defaults, a command's defaults, file, environment, flags.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use strategies::{Parameter, Registry, Settings, StrategyInfo};

use super::DEFAULT_FILE;
use super::file::{self, Entry};
use super::keys::{self, KEYS, Key};
use super::problem::{Origin, Problem};
use super::tree::Config;
use super::value::{Raw, Value};
use crate::exit::Failure;
use crate::spec;
use strategies::nearest;

/// The prefix of environment variables.
const PREFIX: &str = "BELLWETHER_";
/// Variables that have a meaning without the prefix.
const PLAIN: [(&str, &str); 2] =
    [("ENVIRONMENT", "system.environment"), ("LOG_LEVEL", "system.log_level")];

/// Where values may come from, besides the build's defaults.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layers {
    /// The file named on the command line; without one `bellwether.toml` is read if it is there.
    pub(crate) file: Option<PathBuf>,
    /// A command's name and its own defaults.
    pub(crate) command: Option<(&'static str, &'static [(&'static str, &'static str)])>,
    /// Environment variables.
    pub(crate) env: Vec<(String, String)>,
}

/// One parameter of one strategy instance.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct StrategySetting {
    /// The parameter.
    pub(crate) name: String,
    /// Its value as text.
    pub(crate) text: String,
    /// Where it comes from.
    pub(crate) origin: Origin,
}

/// Parameters by `NAME` or `NAME@tag`.
pub(crate) type StrategySettings = BTreeMap<String, Vec<StrategySetting>>;

/// The configuration in force.
#[derive(Clone, Debug)]
pub(crate) struct Effective {
    /// The typed values.
    pub(crate) config: Config,
    /// Parameters of strategies that differ from their defaults.
    pub(crate) strategies: StrategySettings,
    /// The file that was read.
    pub(crate) file: Option<PathBuf>,
    origins: BTreeMap<&'static str, Origin>,
}

/// Why there is no configuration.
#[derive(Debug)]
pub(crate) enum LoadError {
    /// The file cannot be read.
    File(Failure),
    /// Values are refused.
    Problems(Vec<Problem>),
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::File(failure) => failure,
            LoadError::Problems(problems) => {
                let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
                let hint = "`bellwether config show` lists all keys, `config init` writes a commented file";
                Self::config(lines.join("\nerror: ")).hint(hint)
            }
        }
    }
}

impl Effective {
    /// Returns where the value of a key comes from.
    pub(crate) fn origin(&self, key: &Key) -> Origin {
        self.origins.get(key.path).cloned().unwrap_or_default()
    }

    /// Puts a flag's value on top.
    pub(crate) fn set_flag(
        &mut self,
        path: &'static str,
        flag: &'static str,
        text: &str,
    ) -> Result<(), Failure> {
        let Some(key) = keys::find(path) else {
            return Err(Failure::internal(format_args!("flag {flag} names no key: {path}")));
        };
        self.set(key, &Raw::Plain(text.to_owned()), Origin::Flag(flag)).map_err(|problem| {
            let key_name = format!("{} = ", key.path);
            let message = problem.to_string().replace(&key_name, "");
            Failure::usage(message).hint("see --help")
        })?;
        match keys::contradictions(&self.config).into_iter().find(|found| found.0 == path) {
            Some((_, why, allowed)) => {
                Err(Failure::usage(format_args!("{flag} {text}: {why}; allowed: {allowed}")))
            }
            None => Ok(()),
        }
    }

    /// Returns what is allowed but deserves a second thought.
    pub(crate) fn warnings(&self) -> Vec<String> {
        keys::warnings(&self.config)
    }

    /// Returns the parameters of an instance: those of its strategy, its own on top.
    pub(crate) fn parameters(&self, instance: &str) -> Vec<(String, String)> {
        let base = spec::base_name(instance);
        let own = (base != instance).then_some(instance);
        let names = [Some(base), own].into_iter().flatten();
        let settings = names.filter_map(|name| self.strategies.get(name)).flatten();
        settings.map(|setting| (setting.name.clone(), setting.text.clone())).collect()
    }

    fn set(&mut self, key: &'static Key, raw: &Raw, origin: Origin) -> Result<(), Box<Problem>> {
        let result = key.kind.read(raw).and_then(|value| (key.set)(&mut self.config, value));
        match result {
            Ok(()) => {
                self.origins.insert(key.path, origin);
                Ok(())
            }
            Err(refusal) => {
                let problem = Problem::new(origin, key.path, "is not allowed").value(raw);
                Err(Box::new(problem.allowed(refusal.allowed).meant(refusal.meant)))
            }
        }
    }
}

/// Loads the configuration from its layers.
pub(crate) fn load(layers: &Layers, registry: &Registry) -> Result<Effective, LoadError> {
    let mut loader = Loader::new(registry);
    if let Some((command, values)) = layers.command {
        for (path, text) in values {
            loader.set_path(path, &Raw::Plain((*text).to_owned()), Origin::Command(command));
        }
    }
    if let Some((path, text)) = read_file(layers.file.as_deref()).map_err(LoadError::File)? {
        match file::read(&path, &text) {
            Ok(entries) => loader.file(entries),
            Err(problem) => loader.problems.push(*problem),
        }
        loader.effective.file = Some(path);
    }
    loader.env(&layers.env);
    loader.finish()
}

/// Loads the configuration from a text alone: what the journal keeps of an earlier run.
pub(crate) fn load_text(text: &str, registry: &Registry) -> Result<Effective, LoadError> {
    let mut loader = Loader::new(registry);
    match file::read(Path::new("the start of a run"), text) {
        Ok(entries) => loader.file(entries),
        Err(problem) => loader.problems.push(*problem),
    }
    loader.finish()
}

/// Returns the file to read with its text; `None` when none is named and the default is not there.
fn read_file(named: Option<&Path>) -> Result<Option<(PathBuf, String)>, Failure> {
    let path = named.unwrap_or(Path::new(DEFAULT_FILE));
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some((path.to_owned(), text))),
        Err(error) if error.kind() == io::ErrorKind::NotFound && named.is_none() => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let message = format!("configuration file {} is not there", path.display());
            Err(Failure::missing(message).hint("`bellwether config init` writes one"))
        }
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(Failure::config(format_args!("{} is not a UTF-8 text file", path.display())))
        }
        Err(error) => {
            Err(Failure::io(format_args!("read configuration file {}", path.display()), error))
        }
    }
}

struct Loader<'a> {
    registry: &'a Registry,
    problems: Vec<Problem>,
    effective: Effective,
}

impl<'a> Loader<'a> {
    fn new(registry: &'a Registry) -> Self {
        let effective = Effective {
            config: Config::default(),
            strategies: StrategySettings::new(),
            file: None,
            origins: BTreeMap::new(),
        };
        Self { registry, problems: Vec::new(), effective }
    }

    fn file(&mut self, entries: Vec<Entry>) {
        let mut refused: Vec<Vec<String>> = Vec::new();
        for entry in entries {
            let (path, origin) = match &entry {
                Entry::Section { path, origin } | Entry::Value { path, origin, .. } => {
                    (path, origin)
                }
            };
            if refused.iter().any(|section| path.starts_with(section)) {
                continue;
            }
            match entry {
                Entry::Section { ref path, .. } => {
                    if let Some(problem) = self.section_problem(path, origin.clone()) {
                        self.problems.push(problem);
                        refused.push(path.clone());
                    }
                }
                Entry::Value { path, raw, origin } => self.value(&path, &raw, origin),
            }
        }
    }

    /// Returns what is wrong with a section's name.
    fn section_problem(&self, path: &[String], origin: Origin) -> Option<Problem> {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        match names[..] {
            ["strategies"] => None,
            ["strategies", instance] => self.instance_problem(instance, origin),
            _ if is_section(&names.join(".")) => None,
            _ => {
                let known = sections().chain(["strategies"]);
                let meant = names.first().and_then(|name| nearest(name, known));
                let why = "is not a section of this build; settings of parts it does not have are refused";
                let meant = meant.map(|name| format!("[{name}]"));
                Some(Problem::new(origin, format!("[{}]", names.join(".")), why).meant(meant))
            }
        }
    }

    fn instance_problem(&self, instance: &str, origin: Origin) -> Option<Problem> {
        let key = format!("[strategies.{instance}]");
        if let Err(error) = spec::check_instance_name(instance) {
            return Some(Problem::new(origin, key, error));
        }
        let base = spec::base_name(instance);
        if self.info(base).is_some() {
            return None;
        }
        let names = self.registry.list().iter().map(|info| info.name);
        let meant = nearest(base, names).map(|name| format!("[strategies.{name}]"));
        Some(Problem::new(origin, key, "is not a strategy of this build").meant(meant))
    }

    fn info(&self, name: &str) -> Option<&StrategyInfo> {
        self.registry.list().iter().find(|info| info.name == name)
    }

    fn value(&mut self, path: &[String], raw: &Raw, origin: Origin) {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        match names[..] {
            ["strategies", instance, parameter] => {
                self.parameter(instance, parameter, raw, origin);
            }
            _ => self.set_path(&names.join("."), raw, origin),
        }
    }

    fn set_path(&mut self, path: &str, raw: &Raw, origin: Origin) {
        let result = match keys::find(path) {
            Some(key) => self.effective.set(key, raw, origin),
            None => {
                let section = path.rsplit_once('.').map_or("", |(section, _)| section);
                let of_section = KEYS.iter().filter(|key| key.section() == section);
                let near = nearest(path, of_section.map(|key| key.path));
                let meant = near.or_else(|| nearest(path, KEYS.iter().map(|key| key.path)));
                let why = "is unknown; settings of parts that this build does not have are refused";
                let problem = Problem::new(origin, path, why).value(raw);
                Err(Box::new(problem.meant(meant.map(str::to_owned))))
            }
        };
        self.problems.extend(result.err().map(|problem| *problem));
    }

    fn parameter(&mut self, instance: &str, parameter: &str, raw: &Raw, origin: Origin) {
        let key = format!("strategies.{instance}.{parameter}");
        let Some(info) = self.info(spec::base_name(instance)) else { return };
        let table = info.parameters;
        let Some(known) = table.iter().find(|known| known.name == parameter) else {
            let meant = nearest(parameter, table.iter().map(|known| known.name));
            let why = format!("is no parameter of {}", info.name);
            let problem = Problem::new(origin, key, why).value(raw);
            self.problems.push(problem.meant(meant.map(str::to_owned)));
            return;
        };
        let given = raw.parameter_text().map(|text| vec![(parameter.to_owned(), text)]);
        let usable = given.as_ref().is_some_and(|given| Settings::read(table, given).is_ok());
        match given.and_then(|mut given| given.pop()).filter(|_| usable) {
            Some((name, text)) => {
                let settings = self.effective.strategies.entry(instance.to_owned()).or_default();
                settings.retain(|setting| setting.name != name);
                settings.push(StrategySetting { name, text, origin });
            }
            None => self.problems.push(
                Problem::new(origin, key, "is not allowed").value(raw).allowed(allowed(known)),
            ),
        }
    }

    fn env(&mut self, variables: &[(String, String)]) {
        for (name, path) in PLAIN {
            if let Some((_, text)) = variables.iter().find(|(variable, _)| variable == name) {
                self.set_path(path, &Raw::Plain(text.clone()), Origin::Env(name.to_owned()));
            }
        }
        for (name, text) in variables {
            // Variables without a section, such as BELLWETHER_DATA_DIR, belong to flags.
            let Some(rest) = name.strip_prefix(PREFIX).filter(|rest| rest.contains("__")) else {
                continue;
            };
            let path: Vec<String> = rest.split("__").map(str::to_ascii_lowercase).collect();
            let origin = Origin::Env(name.clone());
            if let [section, instance, _] = &path[..]
                && section == "strategies"
                && let Some(problem) = self.instance_problem(instance, origin.clone())
            {
                self.problems.push(problem);
                continue;
            }
            self.value(&path, &Raw::Plain(text.clone()), origin);
        }
    }

    fn finish(mut self) -> Result<Effective, LoadError> {
        for name in &self.effective.config.system.active_strategies {
            let key = keys::find("system.active_strategies");
            let origin = key.map(|key| self.effective.origin(key)).unwrap_or_default();
            if let Some(problem) = self.instance_problem(name, origin) {
                let key = "system.active_strategies";
                self.problems.push(Problem {
                    key: key.into(),
                    value: Some(name.clone()),
                    ..problem
                });
            }
        }
        if self.problems.is_empty() {
            for (path, why, allowed) in keys::contradictions(&self.effective.config) {
                let Some(key) = keys::find(path) else { continue };
                let value: Value = (key.get)(&self.effective.config);
                let problem = Problem::new(self.effective.origin(key), path, why).value(value);
                self.problems.push(problem.allowed(allowed));
            }
        }
        if self.problems.is_empty() {
            Ok(self.effective)
        } else {
            Err(LoadError::Problems(self.problems))
        }
    }
}

/// Returns the sections, each once, in the order of their first keys.
pub(super) fn sections() -> impl Iterator<Item = &'static str> {
    let first = |(at, key): (usize, &'static Key)| {
        let section = key.section();
        let known = KEYS.iter().take(at).any(|other| other.section() == section);
        (!known).then_some(section)
    };
    KEYS.iter().enumerate().filter_map(first)
}

/// Returns true for a section, or for one that has sections within it.
fn is_section(path: &str) -> bool {
    let within =
        |section: &str| section.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'));
    sections().any(|section| section == path || within(section))
}

/// Describes what a strategy's parameter allows.
pub(crate) fn allowed(parameter: &Parameter) -> String {
    let range = match (parameter.min, parameter.max) {
        (Some(min), Some(max)) => format!(" from {min} to {max}"),
        (Some(min), None) => format!(" from {min}"),
        (None, Some(max)) => format!(" up to {max}"),
        (None, None) => String::new(),
    };
    format!("{}{range} ({})", parameter.kind.name(), parameter.rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(text: &str, env: &[(&str, &str)]) -> Result<Effective, Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.toml");
        fs::write(&path, text).unwrap();
        let env = env.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let demo =
            ("demo", &[("risk.max_positions", "3"), ("risk.max_daily_loss_pct", "0.03")][..]);
        let layers = Layers { file: Some(path), command: Some(demo), env };
        load(&layers, &Registry::builtin()).map_err(|error| match error {
            LoadError::Problems(problems) => problems.iter().map(ToString::to_string).collect(),
            LoadError::File(failure) => panic!("{failure:?}"),
        })
    }

    fn origin(effective: &Effective, path: &str) -> String {
        effective.origin(keys::find(path).unwrap()).to_string()
    }

    /// contract.md 2: defaults < file < environment < flags; a command's defaults are defaults.
    #[test]
    fn upper_layers_win() {
        let env = [("BELLWETHER_RISK__MAX_POSITIONS", "2"), ("LOG_LEVEL", "debug")];
        let mut effective = loaded("[risk]\nmax_positions = 4\nmin_qty = 7\n", &env).unwrap();
        assert_eq!(effective.config.risk.max_positions, Some(2));
        assert_eq!(effective.config.risk.min_quantity, 7);
        assert_eq!(origin(&effective, "risk.max_positions"), "env BELLWETHER_RISK__MAX_POSITIONS");
        assert!(origin(&effective, "risk.min_qty").ends_with("c.toml:3"));
        assert_eq!(origin(&effective, "risk.max_daily_loss_pct"), "default of demo");
        assert_eq!(origin(&effective, "risk.min_risk_usd"), "default");
        assert_eq!(origin(&effective, "system.log_level"), "env LOG_LEVEL");
        effective.set_flag("system.log_level", "--log-level", "trace").unwrap();
        assert_eq!(origin(&effective, "system.log_level"), "flag --log-level");
    }

    /// All problems are told at once, each with its place.
    #[test]
    fn problems_name_place_value_range_and_suggestion() {
        let text = "[risk]\nmax_daily_loss_pct = 5\nmax_postions = 3\n[redis]\nurl = 'x'\n";
        let env = [("BELLWETHER_RISK__MIN_QTYY", "1")];
        let problems = loaded(text, &env).unwrap_err();
        assert_eq!(problems.len(), 4, "{problems:#?}");
        let has = |needles: &[&str]| {
            let found = problems.iter().any(|p| needles.iter().all(|needle| p.contains(needle)));
            assert!(found, "{needles:?} in {problems:#?}");
        };
        has(&["c.toml:2:22", "risk.max_daily_loss_pct = 5", "0.001 to 0.1", "0.05"]);
        has(&["c.toml:3", "max_postions", "did you mean risk.max_positions"]);
        has(&["c.toml:4", "[redis]"]);
        has(&["BELLWETHER_RISK__MIN_QTYY", "risk.min_qty"]);
    }

    #[test]
    fn strategies_are_checked_against_their_tables() {
        let text = "[strategies.vwap_reclaim]\nmin_adv = 0\n[strategies.\"vwap_reclaim@b\"]\nmin_adv = 5\n";
        let effective = loaded(text, &[]).unwrap();
        let parameters = effective.parameters("vwap_reclaim@b");
        assert_eq!(parameters.last().unwrap(), &("min_adv".to_owned(), "5".to_owned()));
        assert_eq!(effective.parameters("vwap_reclaim@c").len(), 1);
        let text = "[strategies.vwap_reclaim]\nmin_bars_below = 1\nmin_bars = 1\n[strategies.nix]\na = 1\n";
        let problems = loaded(text, &[]).unwrap_err();
        assert!(problems[0].contains("2 to 120 (TV7)"), "{problems:#?}");
        assert!(problems[1].contains("did you mean min_bars_below"), "{problems:#?}");
        assert!(problems[2].contains("not a strategy"), "{problems:#?}");
    }
}
