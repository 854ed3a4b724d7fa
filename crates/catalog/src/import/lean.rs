//! Reads folders in LEAN's layout: minute and daily trade zips, factor files, map files.
//!
//! Minute lines are `milliseconds since New York midnight,open,high,low,close,volume`, daily
//! lines `YYYYMMDD HH:MM,...`; prices are in 1/10000 dollar and raw, stamps are starts of bars.
//! Quotes and other resolutions are passed over and counted.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::exchange::from_new_york;
use model::{Date, Symbol};
use zip::ZipArchive;

use super::lines::{Fields, Lines};
use super::number;
use super::rows::{FileBatch, Reason, Values};
use super::time::{self, Stamp};
use crate::error::{CatalogError, FileError};
use crate::{ImportOptions, Resolution};

const DAY_MS: i64 = 86_400_000;

/// One file to read.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LeanFile {
    /// A zip of one symbol and day.
    Minute(PathBuf),
    /// A zip of one symbol.
    Daily(PathBuf),
    /// Price and split factors of one symbol.
    Factors(PathBuf),
    /// The names of one company over time.
    Map(PathBuf),
}

/// What was found under a path.
#[derive(Debug, Default)]
pub(crate) struct LeanScan {
    pub(crate) files: Vec<LeanFile>,
    /// Files passed over: reason, count and the first one.
    pub(crate) skipped: BTreeMap<String, (u64, PathBuf)>,
}

/// Returns true when `path` is, holds or lies in LEAN's `equity/usa`.
pub(crate) fn is_lean(path: &Path) -> bool {
    path.join("equity/usa").is_dir() || inside(path).is_some()
}

/// Returns the parts of a path below `equity/usa`.
fn inside(path: &Path) -> Option<Vec<String>> {
    let path = fs::canonicalize(path).ok()?;
    let parts: Vec<String> =
        path.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    let at = parts.windows(2).rposition(|pair| pair[0] == "equity" && pair[1] == "usa")?;
    Some(parts[at + 2..].to_vec())
}

/// Finds the files to read under a path: a LEAN folder, a place inside it, or one zip.
pub(crate) fn scan(path: &Path, options: &ImportOptions) -> Result<LeanScan, CatalogError> {
    let mut scan = LeanScan::default();
    let base = path.join("equity/usa");
    let base = if base.is_dir() { base } else { path.to_path_buf() };
    match inside(&base) {
        Some(parts) => scan.walk(&base, &parts, options)?,
        None if path.extension().is_some_and(|end| end == "zip") => {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let minute = name.ends_with("_trade.zip");
            let make = if minute { LeanFile::Minute } else { LeanFile::Daily };
            scan.files.push(make(path.into()));
        }
        None => {
            return Err(CatalogError::NothingToImport {
                path: path.into(),
                format: "lean",
                hint: "name the folder that holds `equity/usa`, a folder inside it or one zip",
            });
        }
    }
    scan.files.sort();
    Ok(scan)
}

impl LeanScan {
    fn walk(
        &mut self,
        path: &Path,
        parts: &[String],
        options: &ImportOptions,
    ) -> Result<(), CatalogError> {
        if !path.is_dir() {
            self.classify(path, parts, options);
            return Ok(());
        }
        let entries =
            fs::read_dir(path).map_err(|error| CatalogError::io("read folder", path, error))?;
        for entry in entries {
            let entry = entry.map_err(|error| CatalogError::io("read folder", path, error))?;
            let mut parts = parts.to_vec();
            parts.push(entry.file_name().to_string_lossy().into_owned());
            self.walk(&entry.path(), &parts, options)?;
        }
        Ok(())
    }

    fn classify(&mut self, path: &Path, parts: &[String], options: &ImportOptions) {
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let wanted = |resolution| options.resolution.is_none_or(|stated| stated == resolution);
        let unwanted = |resolution: Resolution| format!("{resolution} is not the --resolution");
        let file = match parts.as_slice() {
            ["minute", _, name] if name.ends_with("_trade.zip") => {
                if wanted(Resolution::Minute1) {
                    Ok(LeanFile::Minute(path.into()))
                } else {
                    Err(unwanted(Resolution::Minute1))
                }
            }
            ["daily", name] if name.ends_with(".zip") && !name.ends_with("_quote.zip") => {
                if wanted(Resolution::Day1) {
                    Ok(LeanFile::Daily(path.into()))
                } else {
                    Err(unwanted(Resolution::Day1))
                }
            }
            ["factor_files", name] if name.ends_with(".csv") => Ok(LeanFile::Factors(path.into())),
            ["map_files", name] if name.ends_with(".csv") => Ok(LeanFile::Map(path.into())),
            [.., name] if name.ends_with("_quote.zip") => Err("quotes are not stored".into()),
            [kind @ ("hour" | "second" | "tick"), ..] => Err(format!("{kind} data is not stored")),
            _ => Err("not a file of bars".into()),
        };
        match file {
            Ok(file) => self.files.push(file),
            Err(reason) => {
                let entry = self.skipped.entry(reason).or_insert_with(|| (0, path.into()));
                entry.0 += 1;
                if path < entry.1.as_path() {
                    entry.1 = path.into();
                }
            }
        }
    }
}

/// Returns the file's name without its last ending.
fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Returns the name of the folder the file lies in.
fn folder(path: &Path) -> String {
    let name = path.parent().and_then(Path::file_name);
    name.unwrap_or_default().to_string_lossy().into_owned()
}

/// Reads the ticker a factor or map file is named by.
pub(crate) fn symbol_of(path: &Path) -> Result<Symbol, FileError> {
    stem(path).parse().map_err(|_| FileError::Name { expected: "a ticker, such as aapl.csv" })
}

/// Reads a zip of one symbol and day.
pub(crate) fn read_minute(
    path: &Path,
    name: Arc<str>,
    options: &ImportOptions,
) -> Result<FileBatch, FileError> {
    let file_name = stem(path);
    let date = file_name.strip_suffix("_trade").and_then(date_of);
    // Years that 64-bit nanoseconds hold; the calendar is narrower and judges the rows.
    let date = date.filter(|date| (1700..2250).contains(&date.ymd().0));
    let date = date.ok_or(FileError::Name { expected: "YYYYMMDD_trade.zip" })?;
    // New York has its whole-day offset by noon, also on the days the clocks change (TC5).
    let midnight = from_new_york(date, 12, 0, 0).nanos() - DAY_MS / 2 * 1_000_000;
    let day = &file_name[..8];
    let symbol_of = |member: &str| {
        let symbol = member.strip_prefix(day)?.strip_prefix('_')?;
        symbol.strip_suffix("_minute_trade.csv")?.parse::<Symbol>().ok()
    };
    let in_tree = inside(path).is_some();
    read_zip(
        path,
        name,
        options,
        Resolution::Minute1,
        |member| {
            let symbol = symbol_of(member).filter(|symbol| {
                !in_tree || folder(path).parse::<Symbol>().is_ok_and(|folder| folder == *symbol)
            });
            symbol.ok_or_else(|| FileError::Member {
                member: member.chars().take(80).collect(),
                expected: format!(
                    "{day}_{}_minute_trade.csv",
                    if in_tree { folder(path) } else { "SYMBOL".into() }
                ),
            })
        },
        |field| {
            let text = std::str::from_utf8(field).ok()?;
            let milliseconds: i64 = text.parse().ok().filter(|ms| (0..DAY_MS).contains(ms))?;
            Some(Stamp::Instant(midnight + milliseconds * 1_000_000))
        },
    )
}

/// Reads a zip with the daily bars of one symbol.
pub(crate) fn read_daily(
    path: &Path,
    name: Arc<str>,
    options: &ImportOptions,
) -> Result<FileBatch, FileError> {
    let wanted = stem(path);
    read_zip(
        path,
        name,
        options,
        Resolution::Day1,
        |member| {
            let symbol = member.strip_suffix(".csv").and_then(|name| name.parse::<Symbol>().ok());
            let wanted_symbol = wanted.parse::<Symbol>().ok();
            symbol.filter(|symbol| Some(*symbol) == wanted_symbol).ok_or_else(|| {
                FileError::Member {
                    member: member.chars().take(80).collect(),
                    expected: format!("{wanted}.csv"),
                }
            })
        },
        |field| {
            let text = std::str::from_utf8(field).ok()?;
            date_of(text.get(..8)?).map(Stamp::Day)
        },
    )
}

/// Reads `YYYYMMDD`.
fn date_of(text: &str) -> Option<Date> {
    if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let date = time::compact_date(text.parse().ok()?)?;
    Date::from_ymd(date.year(), date.month(), date.day())
}

fn read_zip(
    path: &Path,
    name: Arc<str>,
    options: &ImportOptions,
    resolution: Resolution,
    symbol_of: impl Fn(&str) -> Result<Symbol, FileError>,
    stamp_of: impl Fn(&[u8]) -> Option<Stamp>,
) -> Result<FileBatch, FileError> {
    let mut archive = ZipArchive::new(BufReader::new(File::open(path)?))?;
    if archive.len() != 1 {
        return Err(FileError::Members { found: archive.len() });
    }
    let member = archive.by_index(0)?;
    let symbol = symbol_of(&member.name()?.to_ascii_lowercase())?;
    let mut batch = FileBatch::new(name, options.skip_empty);
    batch.resolution = Some(resolution);
    let index = batch.symbol_index(symbol);
    let other = options.symbol.is_some_and(|stated| stated != symbol);
    let mut lines = Lines::new(BufReader::with_capacity(1 << 16, member));
    let mut fields = Fields::default();
    while let Some((number, line)) = lines.next_line()? {
        batch.rows += 1;
        if other {
            batch.reject(number, Reason::OtherSymbol, || symbol.to_string());
            continue;
        }
        fields.split(line, b',');
        let field = |at| fields.get(line, at).unwrap_or_default();
        let Some(stamp) = stamp_of(field(0)) else {
            let value = String::from_utf8_lossy(field(0)).chars().take(40).collect();
            batch.reject(number, Reason::BadTime, || value);
            continue;
        };
        match values(|at| field(at + 1)) {
            Ok(values) => batch.take(stamp, index, number, values),
            Err((reason, value)) => batch.reject(number, reason, || value),
        }
    }
    Ok(batch)
}

const NAMES: [&str; 5] = super::csv::VALUE_NAMES;

fn values<'a>(field: impl Fn(usize) -> &'a [u8]) -> Result<Values, (Reason, String)> {
    let mut numbers = [0; 5];
    for (at, number) in numbers.iter_mut().enumerate() {
        let text = field(at);
        if text.is_empty() {
            return Err((Reason::MissingField, NAMES[at].into()));
        }
        let read = if at == 4 { number::volume(text) } else { number::lean_price(text) };
        let Some(read) = read else {
            let text: String = String::from_utf8_lossy(text).chars().take(40).collect();
            return Err((Reason::NotANumber, format!("{} {text}", NAMES[at])));
        };
        *number = read.value;
    }
    let [open, high, low, close, volume] = numbers;
    Ok(Values { prices: [open, high, low, close], volume })
}

/// A renaming told by a map file.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Rename {
    /// The map file.
    pub file: Arc<str>,
    /// The old ticker.
    pub from: Symbol,
    /// The new ticker.
    pub to: Symbol,
    /// The last date of the old ticker.
    pub last: Date,
}

/// Reads the renamings of a map file: lines `YYYYMMDD,ticker`, a ticker holding up to its date.
pub(crate) fn read_map(path: &Path, name: &Arc<str>) -> Result<Vec<Rename>, FileError> {
    let mut lines = Lines::new(BufReader::new(File::open(path)?));
    let mut fields = Fields::default();
    let mut names: Vec<(Date, Symbol)> = Vec::new();
    while let Some((_, line)) = lines.next_line()? {
        fields.split(line, b',');
        let text = |at| fields.get(line, at).and_then(|field| std::str::from_utf8(field).ok());
        let row = text(0).and_then(date_of).zip(text(1).and_then(|text| text.parse().ok()));
        names.push(row.ok_or(FileError::Name { expected: "a file of lines YYYYMMDD,ticker" })?);
    }
    let renames = names.windows(2).filter(|pair| pair[0].1 != pair[1].1);
    Ok(renames
        .map(|pair| Rename {
            file: Arc::clone(name),
            from: pair[0].1,
            to: pair[1].1,
            last: pair[0].0,
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_eight_digits() {
        assert_eq!(date_of("20110315").unwrap().to_string(), "2011-03-15");
        for bad in ["2011031", "20110332", "2011-3-5", "+2011031", ""] {
            assert_eq!(date_of(bad), None, "{bad}");
        }
    }

    #[test]
    fn prices_are_ten_thousandths() {
        let row: [&[u8]; 5] = [b"1263500", b"1263900", b"1263500", b"1263900.5", b"1579"];
        let values = values(|at| row[at]).unwrap();
        assert_eq!(
            values.prices,
            [126_350_000_000, 126_390_000_000, 126_350_000_000, 126_390_050_000]
        );
        assert_eq!(values.volume, 1579);
    }
}
