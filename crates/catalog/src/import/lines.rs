//! Lines and fields of delimited text, with exact line numbers.
//!
//! Ends of line may be LF or CRLF, a byte-order mark is dropped, blank lines are passed over.
//! A field may stand in double quotes; a quoted field does not run over the end of a line.

use std::io::BufRead;

use crate::error::FileError;

/// Longest line: beyond it the file is no text file of rows.
const LINE_MAX: usize = 65_536;

/// Reads lines one after the other into one buffer.
pub(crate) struct Lines<R> {
    reader: R,
    buffer: Vec<u8>,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, buffer: Vec::new(), number: 0 }
    }

    /// Returns the next line that is not blank and its number, counted from 1.
    pub(crate) fn next_line(&mut self) -> Result<Option<(u64, &[u8])>, FileError> {
        loop {
            self.buffer.clear();
            let mut limited = std::io::Read::take(&mut self.reader, LINE_MAX as u64 + 2);
            if limited.read_until(b'\n', &mut self.buffer)? == 0 {
                return Ok(None);
            }
            self.number += 1;
            let start =
                if self.number == 1 && self.buffer.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
            if self.buffer.len() > LINE_MAX {
                return Err(FileError::LineTooLong { line: self.number });
            }
            let end = self.buffer.trim_ascii_end().len();
            if end > start {
                return Ok(Some((self.number, &self.buffer[start..end])));
            }
        }
    }
}

/// The fields of a line as slices, quotes taken off; reused from line to line.
#[derive(Default)]
pub(crate) struct Fields {
    ends: Vec<(usize, usize)>,
}

impl Fields {
    /// Cuts a line at `delimiter`; false when a quote is left open.
    pub(crate) fn split(&mut self, line: &[u8], delimiter: u8) -> bool {
        self.ends.clear();
        let mut at = 0;
        loop {
            let quoted = line.get(at) == Some(&b'"');
            let end = if quoted {
                let Some(close) = closing_quote(line, at + 1) else { return false };
                self.ends.push((at + 1, close));
                position(line, close + 1, delimiter)
            } else {
                let end = position(line, at, delimiter);
                self.ends.push((at, end));
                end
            };
            if end >= line.len() {
                return true;
            }
            at = end + 1;
        }
    }

    /// Returns field `index` without surrounding spaces, if the line has it.
    pub(crate) fn get<'a>(&self, line: &'a [u8], index: usize) -> Option<&'a [u8]> {
        let &(start, end) = self.ends.get(index)?;
        line.get(start..end).map(<[u8]>::trim_ascii)
    }

    /// Returns how many fields the line has.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }
}

fn position(line: &[u8], from: usize, byte: u8) -> usize {
    line[from..].iter().position(|&b| b == byte).map_or(line.len(), |offset| from + offset)
}

/// Returns where the quote closes; two quotes in a row are one character of the field.
fn closing_quote(line: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let close = at + line.get(at..)?.iter().position(|&byte| byte == b'"')?;
        if line.get(close + 1) != Some(&b'"') {
            return Some(close);
        }
        at = close + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(line: &str) -> Option<Vec<&str>> {
        let mut fields = Fields::default();
        fields.split(line.as_bytes(), b',').then(|| {
            (0..fields.len())
                .map(|i| std::str::from_utf8(fields.get(line.as_bytes(), i).unwrap()).unwrap())
                .collect()
        })
    }

    #[test]
    fn cuts_plain_and_quoted_fields() {
        assert_eq!(fields("a,b,,d").unwrap(), ["a", "b", "", "d"]);
        assert_eq!(fields("\"1,5\", x ,\"\"").unwrap(), ["1,5", "x", ""]);
        assert_eq!(fields("\"a\"\"b\",c").unwrap(), ["a\"\"b", "c"]);
        assert_eq!(fields("a,").unwrap(), ["a", ""]);
        assert_eq!(fields("a,\"open"), None);
    }

    #[test]
    fn counts_lines_and_drops_mark_and_blanks() {
        let text = b"\xef\xbb\xbfts,open\r\n\r\n1,2\n\n  \n3,4".as_slice();
        let mut lines = Lines::new(text);
        let mut seen = Vec::new();
        while let Some((number, line)) = lines.next_line().unwrap() {
            seen.push((number, String::from_utf8(line.to_vec()).unwrap()));
        }
        assert_eq!(seen, [(1, "ts,open".into()), (3, "1,2".into()), (6, "3,4".into())]);
    }

    #[test]
    fn refuses_a_line_without_end() {
        let text = vec![b'x'; LINE_MAX + 10];
        let mut lines = Lines::new(text.as_slice());
        assert!(matches!(lines.next_line(), Err(FileError::LineTooLong { line: 1 })));
    }
}
