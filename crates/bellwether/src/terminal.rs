//! Text for people: styles, tables and numbers. JSON is written here too, so that both go through
//! one place that knows about a closed pipe.

use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde::Serialize;

use crate::exit::Failure;
use crate::secrets::scrub;

/// The word `error:`.
pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
/// The word `warning:`.
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// The word `hint:`.
pub(crate) const HINT: Style = AnsiColor::Cyan.on_default().bold();
/// A headline.
pub(crate) const TITLE: Style = Style::new().bold();
/// What matters less.
pub(crate) const FAINT: Style = Style::new().dimmed();
/// A gain.
pub(crate) const GAIN: Style = AnsiColor::Green.on_default();
/// A loss.
pub(crate) const LOSS: Style = AnsiColor::Red.on_default();

/// Writes one JSON document to stdout piece by piece, so that a large one is never held whole:
/// indented for a reader at a terminal, on one line for a program.
pub(crate) fn json(document: &impl Serialize) -> Result<(), Failure> {
    let stdout = io::stdout().lock();
    let indented = stdout.is_terminal();
    // Stdout itself writes line by line.
    let mut out = io::BufWriter::with_capacity(1 << 16, stdout);
    let written = if indented {
        serde_json::to_writer_pretty(&mut out, document)
    } else {
        serde_json::to_writer(&mut out, document)
    };
    // What `out` cannot take is an I/O error in JSON's clothes.
    written.map_err(io::Error::from)?;
    out.write_all(b"\n")?;
    out.flush()?;
    Ok(())
}

/// Writes text that is complete already to stdout.
pub(crate) fn raw(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Writes styled text to stdout; the styles go where the terminal has none.
pub(crate) fn styled(text: &str) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Prints a line to stderr, without secrets (I18); where that cannot be written the exit code has to do (a full disk).
pub(crate) fn complain(line: &str) {
    use std::io::Write;
    let _ = writeln!(anstream::stderr(), "{}", scrub(line));
}

/// Warns on stderr.
pub(crate) fn warn(message: &str) {
    complain(&format!("{WARNING}warning:{WARNING:#} {message}"));
}

/// Makes a table without lines, with a header; `right` names the columns aligned to the right.
pub(crate) fn table<const N: usize>(header: [&str; N], right: &[usize]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    for &column in right {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Returns a table's text with a line feed at its end and no blanks at the ends of its lines.
pub(crate) fn text_of(table: &Table) -> String {
    let mut text = String::new();
    for line in table.to_string().lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Returns a whole number with separators between thousands.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns a number with at most four decimal places and no zeros at its end.
pub(crate) fn number(value: f64) -> String {
    let text = format!("{value:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        let texts = [0, 999, 1_000, 982_800, 12_345_678].map(thousands);
        assert_eq!(texts, ["0", "999", "1,000", "982,800", "12,345,678"]);
        assert_eq!(number(2.0), "2");
        assert_eq!(number(-2.683), "-2.683");
        assert_eq!(number(-0.00001), "0");
    }

    #[test]
    fn tables_have_no_blanks_at_line_ends() {
        let mut sample = table(["name", "value"], &[1]);
        sample.add_row(["a", "1"]);
        assert!(text_of(&sample).lines().all(|line| !line.ends_with(' ')));
    }
}
