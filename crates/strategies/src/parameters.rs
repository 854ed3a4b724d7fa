//! Parameters of strategies: one table per strategy names, types, bounds and documents them.
//!
//! Texts come from the command line and the configuration alike. Invariant: a strategy is only
//! ever built from values inside their bounds.

use model::{Cash, Ppm, Quantity};

use crate::TimeOfDay;

/// The type of a parameter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A whole number.
    Int,
    /// A whole number or `off`.
    IntOrOff,
    /// A decimal number.
    Number,
    /// A decimal number or `none`.
    NumberOrNone,
    /// `true` or `false`.
    Switch,
    /// `HH:MM`, `open+15m` or `close-60m`.
    Time,
    /// One of a list of words.
    Choice(&'static [&'static str]),
    /// Up to three targets `R:fraction` joined by `|`.
    Targets,
}

impl Kind {
    /// Returns the name of the type for people and JSON.
    pub fn name(self) -> String {
        match self {
            Self::Int => "int".to_owned(),
            Self::IntOrOff => "int|off".to_owned(),
            Self::Number => "number".to_owned(),
            Self::NumberOrNone => "number|none".to_owned(),
            Self::Switch => "bool".to_owned(),
            Self::Time => "time".to_owned(),
            Self::Choice(words) => words.join("|"),
            Self::Targets => "targets".to_owned(),
        }
    }
}

/// One parameter of a strategy.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Its default as text.
    pub default: &'static str,
    /// Smallest number allowed.
    pub min: Option<f64>,
    /// Largest number allowed.
    pub max: Option<f64>,
    /// The rule it belongs to.
    pub rule: &'static str,
    /// What it does, in a few words.
    pub text: &'static str,
}

impl Parameter {
    /// Makes a parameter without bounds.
    pub const fn new(
        name: &'static str,
        kind: Kind,
        default: &'static str,
        rule: &'static str,
        text: &'static str,
    ) -> Self {
        Self { name, kind, default, min: None, max: None, rule, text }
    }

    /// Sets bounds for its number.
    pub const fn within(self, min: f64, max: f64) -> Self {
        Self { min: Some(min), max: Some(max), ..self }
    }
}

/// Why parameters are not usable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    /// The strategy has no such parameter.
    #[error(
        "unknown parameter {name:?}{} (`bellwether strategies` lists them)",
        did_you_mean(*suggestion)
    )]
    Unknown {
        /// The name given.
        name: String,
        /// The nearest name, if one is near.
        suggestion: Option<&'static str>,
    },
    /// The text is not of the parameter's type.
    #[error("{name} = {value:?} is not {expected}")]
    Type {
        /// The parameter.
        name: &'static str,
        /// The text given.
        value: String,
        /// The type.
        expected: String,
    },
    /// The number is out of bounds.
    #[error("{name} = {value} is outside {min} to {max} ({rule})")]
    Range {
        /// The parameter.
        name: &'static str,
        /// The text given.
        value: String,
        /// Smallest number allowed.
        min: String,
        /// Largest number allowed.
        max: String,
        /// The rule it belongs to.
        rule: &'static str,
    },
}

#[derive(Clone, PartialEq, Debug)]
enum Value {
    Number(f64),
    Off,
    Switch(bool),
    Time(TimeOfDay),
    Word(&'static str),
    Targets(Vec<(f64, f64)>),
}

/// The checked parameters of one strategy instance.
///
/// The getters answer for every name of the strategy's own table; another name is a fault of the
/// strategy's author and answers with zero, false or the first word.
#[derive(Clone, PartialEq, Debug)]
pub struct Settings {
    values: Vec<(&'static str, Value)>,
}

impl Settings {
    /// Checks the given texts against the table; what is not given takes its default.
    pub fn read(
        table: &'static [Parameter],
        given: &[(String, String)],
    ) -> Result<Self, ParameterError> {
        for (name, _) in given {
            if !table.iter().any(|parameter| parameter.name == name) {
                let names = table.iter().map(|parameter| parameter.name);
                let suggestion = nearest(name, names);
                return Err(ParameterError::Unknown { name: name.clone(), suggestion });
            }
        }
        let values = table
            .iter()
            .map(|parameter| {
                let text = given.iter().rev().find(|(name, _)| name == parameter.name);
                let text = text.map_or(parameter.default, |(_, text)| text.as_str());
                parse(parameter, text.trim()).map(|value| (parameter.name, value))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { values })
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.values.iter().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// Returns a number, `None` when it is off.
    pub fn optional(&self, name: &str) -> Option<f64> {
        if let Some(Value::Number(number)) = self.get(name) { Some(*number) } else { None }
    }

    /// Returns a number.
    pub fn number(&self, name: &str) -> f64 {
        self.optional(name).unwrap_or(0.0)
    }

    /// Returns a whole number.
    pub fn int(&self, name: &str) -> i64 {
        self.number(name) as i64
    }

    /// Returns a percent number as parts per million.
    pub fn percent(&self, name: &str) -> Ppm {
        Ppm::from_percent(self.number(name)).unwrap_or_default()
    }

    /// Returns a switch.
    pub fn switch(&self, name: &str) -> bool {
        matches!(self.get(name), Some(Value::Switch(true)))
    }

    /// Returns a time of day.
    pub fn time(&self, name: &str) -> TimeOfDay {
        if let Some(Value::Time(time)) = self.get(name) { *time } else { TimeOfDay::Open(0) }
    }

    /// Returns a word.
    pub fn word(&self, name: &str) -> &'static str {
        if let Some(Value::Word(word)) = self.get(name) { word } else { "" }
    }

    /// Returns targets as (R, fraction), both in parts per million.
    pub fn targets(&self, name: &str) -> Vec<(Ppm, Ppm)> {
        let Some(Value::Targets(targets)) = self.get(name) else { return Vec::new() };
        let ppm = |value: f64| Ppm::from_fraction(value).unwrap_or_default();
        targets.iter().map(|&(r, fraction)| (ppm(r), ppm(fraction))).collect()
    }

    /// Returns a whole number of shares.
    pub fn shares(&self, name: &str) -> Quantity {
        Quantity::from_shares(self.int(name)).unwrap_or_default()
    }

    /// Returns an amount of dollars.
    pub fn dollars(&self, name: &str) -> Cash {
        Cash::from_f64(self.number(name)).unwrap_or_default()
    }
}

fn parse(parameter: &Parameter, text: &str) -> Result<Value, ParameterError> {
    let wrong = || ParameterError::Type {
        name: parameter.name,
        value: text.chars().take(60).collect(),
        expected: match parameter.kind {
            Kind::Time => "a time such as 09:45, open+15m or close-60m".to_owned(),
            Kind::Targets => {
                "a list of at most three R:fraction such as 2.0:0.5|3.0:0.25".to_owned()
            }
            Kind::Choice(words) => format!("one of {}", words.join(", ")),
            kind => format!("of type {}", kind.name()),
        },
    };
    match parameter.kind {
        Kind::IntOrOff if text == "off" => Ok(Value::Off),
        Kind::NumberOrNone if text == "none" => Ok(Value::Off),
        Kind::Int | Kind::IntOrOff => {
            let number: i64 = text.parse().map_err(|_| wrong())?;
            bounded(parameter, number as f64, text)
        }
        Kind::Number | Kind::NumberOrNone => {
            let number: f64 = text.parse().map_err(|_| wrong())?;
            if !number.is_finite() {
                return Err(wrong());
            }
            bounded(parameter, number, text)
        }
        Kind::Switch => text.parse().map(Value::Switch).map_err(|_| wrong()),
        Kind::Time => text.parse().map(Value::Time).map_err(|()| wrong()),
        Kind::Choice(words) => {
            words.iter().find(|word| **word == text).map(|word| Value::Word(word)).ok_or_else(wrong)
        }
        Kind::Targets => parse_targets(text).map(Value::Targets).ok_or_else(wrong),
    }
}

fn bounded(parameter: &Parameter, number: f64, text: &str) -> Result<Value, ParameterError> {
    let below = parameter.min.is_some_and(|min| number < min);
    let above = parameter.max.is_some_and(|max| number > max);
    if below || above {
        let bound = |bound: Option<f64>| bound.map_or("any".to_owned(), |b| b.to_string());
        return Err(ParameterError::Range {
            name: parameter.name,
            value: text.to_owned(),
            min: bound(parameter.min),
            max: bound(parameter.max),
            rule: parameter.rule,
        });
    }
    Ok(Value::Number(number))
}

/// Reads `2.0:0.5|3.0:0.25`: R above 0, fractions above 0 that sum to at most 1.
fn parse_targets(text: &str) -> Option<Vec<(f64, f64)>> {
    if text == "none" {
        return Some(Vec::new());
    }
    let targets: Vec<(f64, f64)> = text
        .split('|')
        .map(|part| {
            let (r, fraction) = part.split_once(':')?;
            let (r, fraction): (f64, f64) = (r.trim().parse().ok()?, fraction.trim().parse().ok()?);
            (r > 0.0 && r <= 100.0 && fraction > 0.0 && fraction <= 1.0).then_some((r, fraction))
        })
        .collect::<Option<_>>()?;
    let sum: f64 = targets.iter().map(|(_, fraction)| fraction).sum();
    (targets.len() <= 3 && sum <= 1.0 + 1e-9).then_some(targets)
}

/// Words a suggestion, or nothing.
pub(crate) fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |name| format!("; did you mean {name:?}?"))
}

/// Returns the name in `names` that is nearest to a misspelt one, if one is near.
pub fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // A beginning of the right name (`min_bars` for `min_bars_below`) is nearer than its length says.
    let distance = |other: &str| if other.starts_with(name) { 1 } else { edits(name, other) };
    let scored = names.map(|other| (distance(other), other));
    let (distance, best) = scored.min_by_key(|(distance, _)| *distance)?;
    (distance <= best.len().div_ceil(2)).then_some(best)
}

/// Counts the insertions, deletions and substitutions between two words.
fn edits(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[Parameter] = &[
        Parameter::new("min_bars", Kind::Int, "15", "X1", "bars").within(1.0, 390.0),
        Parameter::new("chase_percent", Kind::Number, "0.5", "X2", "chase").within(0.05, 2.0),
        Parameter::new("time_stop", Kind::IntOrOff, "30", "X3", "stop").within(5.0, 120.0),
        Parameter::new("mode", Kind::Choice(&["break", "retest"]), "break", "X4", "mode"),
        Parameter::new("targets", Kind::Targets, "2.0:0.5", "X5", "targets"),
        Parameter::new("until", Kind::Time, "close-5m", "X6", "until"),
        Parameter::new("green", Kind::Switch, "true", "X7", "green"),
    ];

    fn read(name: &str, text: &str) -> Result<Settings, ParameterError> {
        Settings::read(TABLE, &[(name.to_owned(), text.to_owned())])
    }

    #[test]
    fn defaults_and_given_values() {
        let settings = Settings::read(TABLE, &[]).unwrap();
        assert_eq!((settings.int("min_bars"), settings.percent("chase_percent")), (15, Ppm(5_000)));
        assert_eq!(settings.targets("targets"), [(Ppm(2_000_000), Ppm(500_000))]);
        assert_eq!(settings.time("until"), TimeOfDay::Close(-5));
        assert!(settings.switch("green") && settings.word("mode") == "break");
        assert_eq!(read("time_stop", "off").unwrap().optional("time_stop"), None);
    }

    /// F45: wrong names, types, units and ranges are refused with the allowed range.
    #[test]
    fn refusals_say_what_is_allowed() {
        let text = |name, value| read(name, value).unwrap_err().to_string();
        assert!(text("min_bar", "3").contains("min_bars"));
        assert!(text("min_bars", "0").contains("1 to 390"));
        assert!(text("chase_percent", "NaN").contains("number"));
        assert!(text("mode", "breaks").contains("break, retest"));
        assert!(text("targets", "2.0:0.9|3.0:0.9").contains("R:fraction"));
        assert!(text("until", "25:00").contains("close-60m"));
        assert!(text("green", "yes").contains("bool"));
    }

    #[test]
    fn suggestions_are_near_or_none() {
        let names = ["max_positions", "min_qty"];
        assert_eq!(nearest("max_position", names.into_iter()), Some("max_positions"));
        assert_eq!(nearest("zzzzzzzzzzzzzzzz", names.into_iter()), None);
    }
}
