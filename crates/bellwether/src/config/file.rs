//! Reads a TOML file into keys with positions.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Origin, Problem};
use super::value::Raw;

/// What a file says, in its order.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Entry {
    /// A section stands there, with or without keys.
    Section {
        /// Its names from the root.
        path: Vec<String>,
        /// Where it stands.
        origin: Origin,
    },
    /// A key has a value.
    Value {
        /// Its names from the root.
        path: Vec<String>,
        /// What is written there.
        raw: Raw,
        /// Where the value stands.
        origin: Origin,
    },
}

impl Entry {
    fn place(&self) -> (usize, usize) {
        let (Self::Section { origin, .. } | Self::Value { origin, .. }) = self;
        if let Origin::File { line, column, .. } = origin { (*line, *column) } else { (0, 0) }
    }
}

/// Reads the text of a file.
pub(super) fn read(path: &Path, text: &str) -> Result<Vec<Entry>, Box<Problem>> {
    let mut reader = Reader { text, path: Arc::new(path.to_owned()), entries: Vec::new() };
    let table = DeTable::parse(text).map_err(|error| {
        let origin = reader.origin(error.span().unwrap_or(0..0));
        Box::new(Problem::new(origin, "", format!("is not valid TOML: {}", error.message())))
    })?;
    reader.table(&mut Vec::new(), table.get_ref());
    // The parser's tables are in order of names; a reader goes through the file from its top. A
    // section stands before its keys either way.
    reader.entries.sort_by_key(Entry::place);
    Ok(reader.entries)
}

struct Reader<'a> {
    text: &'a str,
    path: Arc<PathBuf>,
    entries: Vec<Entry>,
}

impl Reader<'_> {
    fn table(&mut self, path: &mut Vec<String>, table: &DeTable<'_>) {
        for (name, value) in table {
            path.push(name.get_ref().to_string());
            match value.get_ref() {
                DeValue::Table(inner) => {
                    let origin = self.origin(name.span());
                    self.entries.push(Entry::Section { path: path.clone(), origin });
                    self.table(path, inner);
                }
                _ => {
                    let origin = self.origin(value.span());
                    let raw = raw_of(value);
                    self.entries.push(Entry::Value { path: path.clone(), raw, origin });
                }
            }
            path.pop();
        }
    }

    /// Returns the place of a span: line and column count from 1, columns in characters.
    fn origin(&self, span: Range<usize>) -> Origin {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Origin::File {
            path: Arc::clone(&self.path),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

fn raw_of(value: &Spanned<DeValue<'_>>) -> Raw {
    match value.get_ref() {
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Boolean(on) => Raw::Switch(*on),
        DeValue::Integer(_) | DeValue::Float(_) => number_of(value.get_ref()),
        DeValue::Array(items) => {
            let scalars: Option<Vec<String>> = items.iter().map(scalar_text).collect();
            scalars.map_or(Raw::Other("list of lists or tables"), Raw::List)
        }
        DeValue::Datetime(_) => Raw::Other("date or time"),
        DeValue::Table(_) => Raw::Other("table"),
    }
}

fn scalar_text(item: &Spanned<DeValue<'_>>) -> Option<String> {
    match item.get_ref() {
        DeValue::String(text) => Some(text.to_string()),
        value @ (DeValue::Integer(_) | DeValue::Float(_)) => number_of(value).parameter_text(),
        _ => None,
    }
}

/// Returns a number's decimal text; numbers of other bases are written in decimal.
fn number_of(value: &DeValue<'_>) -> Raw {
    match value {
        DeValue::Integer(number) => {
            let decimal = i64::from_str_radix(number.as_str(), number.radix());
            Raw::Number(decimal.map_or_else(|_| number.to_string(), |number| number.to_string()))
        }
        DeValue::Float(number) => Raw::Number(number.as_str().to_owned()),
        other => Raw::Other(other.type_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> (Vec<String>, Raw, Origin) {
        let entries = read(Path::new("x.toml"), text).unwrap();
        let found = entries.into_iter().find_map(|entry| match entry {
            Entry::Value { path, raw, origin } => Some((path, raw, origin)),
            Entry::Section { .. } => None,
        });
        found.unwrap()
    }

    #[test]
    fn positions_count_lines_and_characters() {
        let (path, raw, origin) = value("# ä\n[risk]\nmax_positions = 0x10\n");
        assert_eq!(path, ["risk", "max_positions"]);
        assert_eq!(raw, Raw::Number("16".into()));
        let Origin::File { line, column, .. } = origin else { panic!("{origin:?}") };
        assert_eq!((line, column), (3, 17));
    }

    #[test]
    fn values_keep_their_type_and_text() {
        assert_eq!(value("a = 100000.10").1, Raw::Number("100000.10".into()));
        assert_eq!(value("a = \"5\"").1, Raw::Text("5".into()));
        assert_eq!(value("a = [\"x\", 2]").1, Raw::List(vec!["x".into(), "2".into()]));
        assert_eq!(value("a = true").1, Raw::Switch(true));
        assert!(matches!(value("a = 2026-01-01").1, Raw::Other(_)));
        assert_eq!(value("[s.\"n@t\"]\nb = 1").0, ["s", "n@t", "b"]);
    }

    #[test]
    fn a_broken_file_is_told_with_its_line() {
        let problem = read(Path::new("x.toml"), "[risk]\nmax = = 3\n").unwrap_err();
        assert!(problem.to_string().starts_with("x.toml:2:"), "{problem}");
    }
}
