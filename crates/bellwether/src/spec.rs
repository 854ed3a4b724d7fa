//! Strategy instances as text: `NAME`, `NAME@tag`, `NAME@tag:key=value,key=value`.

use std::fmt;
use std::str::FromStr;

/// Longest tag.
const TAG_MAX: usize = 24;

/// One `--strategy`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct StrategySpec {
    /// `NAME` or `NAME@tag`.
    pub(crate) instance: String,
    /// Parameters given with it, in their order.
    pub(crate) parameters: Vec<(String, String)>,
}

/// A text is no strategy instance.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no strategy: {why}; expected NAME, NAME@tag or NAME@tag:key=value,key=value")]
pub(crate) struct ParseSpecError {
    text: String,
    why: &'static str,
}

impl FromStr for StrategySpec {
    type Err = ParseSpecError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |why| ParseSpecError { text: text.chars().take(60).collect(), why };
        let (instance, rest) = match text.split_once(':') {
            Some((instance, rest)) => (instance, Some(rest)),
            None => (text, None),
        };
        check_instance_name(instance).map_err(error)?;
        let mut parameters: Vec<(String, String)> = Vec::new();
        for part in rest.into_iter().flat_map(|rest| rest.split(',')) {
            let (key, value) =
                part.split_once('=').ok_or_else(|| error("a parameter is key=value"))?;
            let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
            if key.is_empty() || value.is_empty() {
                return Err(error("a parameter is key=value"));
            }
            if parameters.iter().any(|(other, _)| *other == key) {
                return Err(error("a parameter is given twice"));
            }
            parameters.push((key, value));
        }
        Ok(Self { instance: instance.to_owned(), parameters })
    }
}

impl fmt::Display for StrategySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.instance)?;
        for (index, (key, value)) in self.parameters.iter().enumerate() {
            write!(f, "{}{key}={value}", if index == 0 { ':' } else { ',' })?;
        }
        Ok(())
    }
}

/// Returns the strategy's name of an instance `NAME@tag`.
pub(crate) fn base_name(instance: &str) -> &str {
    instance.split_once('@').map_or(instance, |(name, _)| name)
}

/// Checks the form of `NAME` or `NAME@tag`.
pub(crate) fn check_instance_name(instance: &str) -> Result<(), &'static str> {
    let is_word = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
    };
    match instance.split_once('@') {
        None if is_word(instance) => Ok(()),
        None => Err("a name is letters, digits and _"),
        Some((name, tag)) if is_word(name) && is_word(tag) && tag.len() <= TAG_MAX => Ok(()),
        Some(_) => Err("a tag is 1 to 24 letters, digits, _ - or ."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_prints() {
        let texts = [
            "vwap_cross",
            "vwap_cross@a",
            "gap_and_go:targets=2.0:0.5|3.0:0.25,trail=none",
            "vwap_cross@b-1:min_bars=20",
        ];
        for text in texts {
            assert_eq!(text.parse::<StrategySpec>().unwrap().to_string(), text);
        }
        let spec: StrategySpec = "x@t:a=1|2".parse().unwrap();
        assert_eq!(base_name(&spec.instance), "x");
        assert_eq!(spec.parameters, [("a".to_owned(), "1|2".to_owned())]);
    }

    #[test]
    fn refuses_what_is_no_instance() {
        for text in ["", "@a", "x@", "x y", "x:", "x:a", "x:a=", "x:=1", "x:a=1,a=2", "x@a@b"] {
            assert!(text.parse::<StrategySpec>().is_err(), "{text}");
        }
    }
}
