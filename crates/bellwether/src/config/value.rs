//! Values as they are written, and the types and ranges they must have.

use std::fmt;

use model::{Cash, Ppm};

/// The type of a key, with the range that is allowed.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Kind {
    /// A whole number.
    Int {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// A whole number or `"auto"`.
    IntOrAuto {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// A fraction: 0.05 is 5 %.
    Fraction {
        /// Smallest.
        min: f64,
        /// Largest.
        max: f64,
    },
    /// An amount of US dollars.
    Usd {
        /// Smallest, whole dollars.
        min: i64,
        /// Largest, whole dollars.
        max: i64,
    },
    /// An amount of US dollars or `"auto"`.
    UsdOrAuto {
        /// Smallest, whole dollars.
        min: i64,
        /// Largest, whole dollars.
        max: i64,
    },
    /// `true` or `false`.
    Switch,
    /// One of some words.
    Word(&'static [&'static str]),
    /// A text; what is allowed in words, with an example.
    Text(&'static str),
    /// A list of texts; what is allowed in words, with an example.
    List(&'static str),
}

/// A value as it was written, before its key is known.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Raw {
    /// A TOML number, in decimal notation where it had one.
    Number(String),
    /// A TOML boolean.
    Switch(bool),
    /// A TOML string.
    Text(String),
    /// A TOML array of scalars.
    List(Vec<String>),
    /// Something that no key takes: a table, a date, a nested array.
    Other(&'static str),
    /// A text from the environment or the command line: its type is the key's.
    Plain(String),
}

impl Raw {
    /// Returns the value as a strategy's parameter text: lists are joined by `|`.
    pub(crate) fn parameter_text(&self) -> Option<String> {
        match self {
            Self::Number(text) | Self::Text(text) | Self::Plain(text) => Some(text.clone()),
            Self::Switch(on) => Some(on.to_string()),
            Self::List(items) => Some(items.join("|")),
            Self::Other(_) => None,
        }
    }
}

impl fmt::Display for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(text) | Self::Plain(text) => f.write_str(text),
            Self::Switch(on) => write!(f, "{on}"),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::List(items) => write!(f, "{items:?}"),
            Self::Other(what) => write!(f, "a {what}"),
        }
    }
}

/// A value of its key's type, inside its range.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Value {
    /// A whole number.
    Int(i64),
    /// `"auto"`.
    Auto,
    /// A fraction.
    Fraction(Ppm),
    /// Money.
    Usd(Cash),
    /// A switch.
    Switch(bool),
    /// A word of the list, or a text.
    Text(String),
    /// A list of texts.
    List(Vec<String>),
}

impl fmt::Display for Value {
    /// Writes the value as TOML does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(number) => write!(f, "{number}"),
            Self::Auto => f.write_str("\"auto\""),
            Self::Fraction(ppm) => write!(f, "{:?}", ppm.to_fraction()),
            Self::Usd(cash) => write!(f, "{cash}"),
            Self::Switch(on) => write!(f, "{on}"),
            Self::Text(text) => write!(f, "{}", quoted(text)),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(|item| quoted(item)).collect();
                write!(f, "[{}]", items.join(", "))
            }
        }
    }
}

impl serde::Serialize for Value {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Auto => serializer.serialize_str("auto"),
            Self::Fraction(ppm) => serializer.serialize_f64(ppm.to_fraction()),
            Self::Usd(cash) => serializer.collect_str(cash),
            Self::Switch(on) => serializer.serialize_bool(*on),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => serializer.collect_seq(items),
        }
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// Why a value is not allowed: the range, and what was probably meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Refusal {
    /// What is allowed.
    pub(crate) allowed: String,
    /// What was probably meant.
    pub(crate) meant: Option<String>,
}

impl Refusal {
    /// Makes a refusal without a guess.
    pub(crate) fn new(allowed: impl Into<String>) -> Self {
        Self { allowed: allowed.into(), meant: None }
    }
}

impl Kind {
    /// Describes what is allowed.
    pub(crate) fn allowed(self) -> String {
        match self {
            Self::Int { min, max } => format!("a whole number from {min} to {max}"),
            Self::IntOrAuto { min, max } => {
                format!("a whole number from {min} to {max}, or \"auto\"")
            }
            Self::Fraction { min, max } => {
                format!("a fraction from {min} to {max} ({} % to {} %)", min * 100.0, max * 100.0)
            }
            Self::Usd { min, max } => format!("US dollars from {min} to {max}"),
            Self::UsdOrAuto { min, max } => format!("US dollars from {min} to {max}, or \"auto\""),
            Self::Switch => "true or false".to_owned(),
            Self::Word(words) => format!("one of {}", words.join(", ")),
            Self::Text(what) | Self::List(what) => what.to_owned(),
        }
    }

    /// Reads a value; on refusal says what is allowed and what was probably meant.
    pub(crate) fn read(self, raw: &Raw) -> Result<Value, Refusal> {
        let refused = |meant| Refusal { allowed: self.allowed(), meant };
        match (self, raw) {
            (
                Self::Int { min, max } | Self::IntOrAuto { min, max },
                Raw::Number(text) | Raw::Plain(text),
            ) if text != "auto" => {
                let number: i64 = text.trim().parse().map_err(|_| refused(None))?;
                if (min..=max).contains(&number) {
                    Ok(Value::Int(number))
                } else {
                    Err(refused(None))
                }
            }
            (
                Self::IntOrAuto { .. } | Self::UsdOrAuto { .. },
                Raw::Text(text) | Raw::Plain(text),
            ) if text == "auto" => Ok(Value::Auto),
            (Self::Fraction { min, max }, Raw::Number(text) | Raw::Plain(text)) => {
                read_fraction(text, min, max).map_err(refused)
            }
            (
                Self::Usd { min, max } | Self::UsdOrAuto { min, max },
                Raw::Number(text) | Raw::Text(text) | Raw::Plain(text),
            ) => {
                let cash: Cash = text.trim().replace('_', "").parse().map_err(|_| refused(None))?;
                let bounds = Cash::from_dollars(min).zip(Cash::from_dollars(max));
                let inside = bounds.is_some_and(|(min, max)| (min..=max).contains(&cash));
                if inside { Ok(Value::Usd(cash)) } else { Err(refused(None)) }
            }
            (Self::Switch, Raw::Switch(on)) => Ok(Value::Switch(*on)),
            (Self::Switch, Raw::Plain(text)) => {
                text.trim().parse().map(Value::Switch).map_err(|_| refused(None))
            }
            (Self::Word(words), Raw::Text(text) | Raw::Plain(text)) => {
                let found = words.iter().find(|word| word.eq_ignore_ascii_case(text.trim()));
                found.map(|word| Value::Text((*word).to_owned())).ok_or_else(|| {
                    let near = strategies::nearest(text.trim(), words.iter().copied());
                    refused(near.map(str::to_owned))
                })
            }
            (Self::Text(_), Raw::Text(text) | Raw::Plain(text)) => Ok(Value::Text(text.clone())),
            (Self::List(_), Raw::List(items)) => Ok(Value::List(items.clone())),
            (Self::List(_), Raw::Plain(text)) => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                Ok(Value::List(items.map(str::to_owned).collect()))
            }
            (Self::List(_), Raw::Text(text)) => Err(refused(Some(format!("[{}]", quoted(text))))),
            _ => Err(refused(None)),
        }
    }
}

/// Reads a fraction; a number out of range that fits as a percent number is a slip of the unit.
fn read_fraction(text: &str, min: f64, max: f64) -> Result<Value, Option<String>> {
    let number: f64 = text.trim().parse().map_err(|_| None)?;
    if (min..=max).contains(&number) {
        return Ppm::from_fraction(number).map(Value::Fraction).ok_or(None);
    }
    let as_percent = number / 100.0;
    let slip = (min..=max).contains(&as_percent);
    // Printed through ppm, so that 7 / 100 is not shown as 0.07000000000000001.
    let meant = Ppm::from_fraction(as_percent).filter(|_| slip);
    Err(meant.map(|ppm| format!("{} ({number} %)", ppm.to_fraction())))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PCT: Kind = Kind::Fraction { min: 0.001, max: 0.10 };

    fn number(text: &str) -> Raw {
        Raw::Number(text.to_owned())
    }

    /// A percent number where a fraction belongs is told, not taken.
    #[test]
    fn unit_slips_are_told() {
        let refusal = PCT.read(&number("5")).unwrap_err();
        assert_eq!(refusal.meant.as_deref(), Some("0.05 (5 %)"));
        assert!(refusal.allowed.contains("0.001 to 0.1"), "{}", refusal.allowed);
        assert_eq!(PCT.read(&number("0.05")), Ok(Value::Fraction(Ppm(50_000))));
        assert_eq!(PCT.read(&number("50")).unwrap_err().meant, None);
        assert!(PCT.read(&number("nan")).is_err());
    }

    #[test]
    fn types_are_strict_in_files_and_loose_in_the_environment() {
        let int = Kind::Int { min: 1, max: 10 };
        assert_eq!(int.read(&number("3")), Ok(Value::Int(3)));
        assert_eq!(int.read(&Raw::Plain("3".into())), Ok(Value::Int(3)));
        assert!(int.read(&Raw::Text("3".into())).is_err());
        assert!(int.read(&number("3.5")).is_err());
        assert!(int.read(&number("11")).is_err());
        let list = Kind::List("names");
        let both = Value::List(vec!["a".into(), "b".into()]);
        assert_eq!(list.read(&Raw::Plain("a, b".into())), Ok(both));
        assert!(list.read(&Raw::Text("a".into())).unwrap_err().meant.is_some());
    }

    #[test]
    fn money_is_exact() {
        let usd = Kind::Usd { min: 0, max: 1_000_000 };
        let cents: Cash = "100000.10".parse().unwrap();
        assert_eq!(usd.read(&number("100000.10")), Ok(Value::Usd(cents)));
        assert_eq!(usd.read(&Raw::Plain("1_000".into())).unwrap().to_string(), "1000.00");
        assert!(usd.read(&number("1e5")).is_err());
    }
}
