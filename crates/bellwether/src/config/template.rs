//! Writes a configuration file with every key, its meaning, range and default as comments.

use std::fmt::Write as _;

use strategies::Registry;

use super::keys::KEYS;
use super::layers::{allowed, sections};
use super::tree::Config;

const HEAD: &str = "\
# Configuration of Bellwether.
#
# Every key stands here with its default, commented out: take the # away to change it.
# Order of precedence: defaults, this file, environment (BELLWETHER_RISK__MAX_POSITIONS=3), flags.
# `bellwether config check` validates this file, `bellwether config show` prints what is in force.
# Keys that end in _pct are fractions: 0.05 is 5 %. Strategies' *_percent are percent numbers.
";

/// Returns the text of a new configuration file.
pub(crate) fn template(registry: &Registry) -> String {
    let defaults = Config::default();
    let mut text = HEAD.to_owned();
    for section in sections() {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "\n[{section}]");
        for key in KEYS.iter().filter(|key| key.section() == section) {
            let _ = writeln!(text, "# {}", key.text);
            let _ = writeln!(text, "# Allowed: {}.", key.kind.allowed());
            let _ = writeln!(text, "# {} = {}", key.name(), (key.get)(&defaults));
        }
    }
    for info in registry.list() {
        let _ = writeln!(text, "\n# {}.", info.description);
        let _ = writeln!(text, "[strategies.{}]", info.name);
        for parameter in info.parameters {
            let _ = writeln!(text, "# {}: {}.", parameter.text, allowed(parameter));
            let _ = writeln!(text, "# {} = {}", parameter.name, literal(parameter.default));
        }
    }
    text
}

/// Returns a parameter's text as a TOML value: numbers and switches bare, the rest quoted.
fn literal(text: &str) -> String {
    let bare = text.parse::<f64>().is_ok_and(f64::is_finite) || matches!(text, "true" | "false");
    if bare { text.to_owned() } else { toml::Value::String(text.to_owned()).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Layers, load};

    /// The file as written loads, and so does it with every key switched on: values that are all
    /// defaults.
    #[test]
    fn every_line_of_the_template_is_valid() {
        let registry = Registry::builtin();
        let written = template(&registry);
        let is_key = |line: &str| line.strip_prefix("# ").is_some_and(|rest| rest.contains(" = "));
        let active: Vec<&str> =
            written.lines().map(|line| if is_key(line) { &line[2..] } else { line }).collect();
        let folder = tempfile::tempdir().unwrap();
        for text in [written.clone(), active.join("\n")] {
            let path = folder.path().join("c.toml");
            std::fs::write(&path, text).unwrap();
            let layers = Layers { file: Some(path), ..Layers::default() };
            let effective = load(&layers, &registry).unwrap();
            assert_eq!(effective.config, Config::default());
        }
        assert_eq!(
            active.iter().filter(|line| !line.starts_with('#') && line.contains(" = ")).count(),
            KEYS.len() + registry.list().iter().map(|info| info.parameters.len()).sum::<usize>()
        );
    }
}
