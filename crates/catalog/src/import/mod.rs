//! Import: files of other programs into the store.
//!
//! Reading a format ends in a batch of rows per file; [`settle`] names resolution and session of
//! each row, [`merge`] joins them with the store, and one transaction puts all files in place. A
//! bad row is refused by name and counted, never guessed; a structurally broken file counts as
//! nothing; an import that fails leaves the store as it was (contract.md section 4).

mod actions;
pub(crate) mod csv;
mod factors;
pub(crate) mod lean;
mod lines;
mod merge;
mod number;
mod parquet;
mod report;
mod rows;
mod settle;
mod ticks;
mod time;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::Symbol;
use model::exchange::Calendar;

pub use self::lean::Rename;
pub use self::merge::StoreConflict;
pub use self::report::{ActionsReport, BrokenFile, IgnoredColumns, ImportReport, SkippedFiles};
pub use self::rows::{Reason, Rejection};

use self::actions::ActionEntry;
use self::lean::LeanFile;
use self::rows::{FileBatch, Rejections};
use self::settle::{Groups, SessionCursor};
use self::ticks::TickGroups;
use self::time::StampReader;
use crate::error::FileError;
use crate::store::{Fault, Transaction, bars_path, encode_bars};
use crate::{CatalogError, Resolution, Store};

/// The format of the files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ImportFormat {
    /// A folder in LEAN's layout, a place inside it, or one of its zips.
    Lean,
    /// Delimited text.
    Csv,
    /// Parquet.
    Parquet,
}

/// Which end of a bar its time stamp names.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum StampSide {
    /// The start, as in the store (TB1).
    #[default]
    Open,
    /// The end; the resolution is subtracted.
    Close,
}

/// What to do where the store holds other values for a bar.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum OnConflict {
    /// The store's bar stays.
    #[default]
    Keep,
    /// The import's bar takes its place.
    Replace,
}

/// The flags of `data import` (contract.md section 3).
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// Files and folders.
    pub paths: Vec<PathBuf>,
    /// The store's root, made when it is not there.
    pub into: PathBuf,
    /// The format; told by the path when `None`.
    pub format: Option<ImportFormat>,
    /// IANA zone of local times.
    pub tz: Option<String>,
    /// Which end of a bar the stamps of CSV and foreign Parquet name.
    pub timestamp: StampSide,
    /// The resolution; inferred when `None`. For LEAN: the only one to import.
    pub resolution: Option<Resolution>,
    /// Rows with volume 0 are no prints and are left out.
    pub skip_empty: bool,
    /// What to do where the store holds other values.
    pub on_conflict: OnConflict,
    /// The symbol of files without a symbol column; rows of other symbols are refused.
    pub symbol: Option<Symbol>,
    /// Names of the columns of CSV files without a header.
    pub columns: Option<Vec<String>>,
    /// Delimiter of CSV; told by the first line when `None`.
    pub delimiter: Option<u8>,
    /// Format of text times, such as `%Y%m%d %H%M%S` or `yyyyMMdd HHmmss`.
    pub time_format: Option<String>,
    /// Take splits and dividends from CSV: files with date, kind and value, or WIKI's columns.
    pub actions: bool,
    /// Refuse the whole import when a row is refused.
    pub strict: bool,
}

/// The stage an import is at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// Reading files; counted in bytes.
    Reading,
    /// Merging and writing; counted in files of the store.
    Writing,
    /// Checking or exporting; counted in symbols.
    Scanning,
}

/// How far an operation is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// Done so far, in the stage's unit.
    pub done: u64,
    /// Whole, in the stage's unit.
    pub total: u64,
}

/// Receives [`Progress`].
pub type OnProgress<'a> = &'a mut dyn FnMut(Progress);

/// Imports files into a store.
pub fn import(
    options: &ImportOptions,
    calendar: &Calendar,
    progress: OnProgress<'_>,
) -> Result<ImportReport, CatalogError> {
    import_with_fault(options, calendar, progress, Fault::default())
}

/// One file to read.
enum Source {
    Csv(PathBuf),
    Parquet(PathBuf),
    Lean(LeanFile),
}

impl Source {
    fn path(&self) -> &Path {
        match self {
            Self::Csv(path) | Self::Parquet(path) => path,
            Self::Lean(
                LeanFile::Minute(path)
                | LeanFile::Daily(path)
                | LeanFile::Factors(path)
                | LeanFile::Map(path),
            ) => path,
        }
    }
}

/// Imports; `fault` stops the writing at a step, for tests.
pub(crate) fn import_with_fault(
    options: &ImportOptions,
    calendar: &Calendar,
    progress: OnProgress<'_>,
    fault: Fault,
) -> Result<ImportReport, CatalogError> {
    let stamps = StampReader::new(options.tz.as_deref(), options.time_format.as_deref()).map_err(
        |(flag, why)| {
            let value = if flag == "--tz" { &options.tz } else { &options.time_format };
            CatalogError::Usage { flag, value: value.clone().unwrap_or_default(), why }
        },
    )?;
    let mut skipped = BTreeMap::new();
    let sources = find_sources(options, &mut skipped)?;
    // The lock is taken before reading, so that a second import is told at once.
    let transaction = Transaction::begin(&options.into, fault)?;
    let mut import = Import {
        options,
        calendar,
        report: ImportReport::default(),
        rejections: Rejections::default(),
        action_rejections: Rejections::default(),
        files: Vec::new(),
        groups: Groups::new(),
        ticks: TickGroups::default(),
        actions: Vec::new(),
        ignored: BTreeMap::new(),
    };
    import.report.skipped_files = skipped
        .into_iter()
        .map(|(reason, (count, example))| SkippedFiles {
            reason,
            count,
            example: example.display().to_string(),
        })
        .collect();
    import.read_all(&sources, &stamps, progress)?;
    import.write(transaction, progress)
}

/// An import under way.
struct Import<'a> {
    options: &'a ImportOptions,
    calendar: &'a Calendar,
    report: ImportReport,
    rejections: Rejections,
    action_rejections: Rejections,
    /// Names of the files, by index.
    files: Vec<Arc<str>>,
    groups: Groups,
    ticks: TickGroups,
    actions: Vec<ActionEntry>,
    ignored: BTreeMap<String, u64>,
}

impl Import<'_> {
    fn read_all(
        &mut self,
        sources: &[Source],
        stamps: &StampReader,
        progress: OnProgress<'_>,
    ) -> Result<(), CatalogError> {
        let size = |source: &Source| fs::metadata(source.path()).map_or(0, |data| data.len());
        let total = sources.iter().map(size).sum();
        let mut done = 0;
        let mut sessions = SessionCursor::new(self.calendar);
        for source in sources {
            progress(Progress { stage: Stage::Reading, done, total });
            let name: Arc<str> = source.path().display().to_string().into();
            self.report.files += 1;
            match self.read_file(source, &name, stamps, &mut sessions) {
                Ok(()) => {}
                Err(FileError::Fatal(error)) => return Err(error),
                Err(error) => {
                    self.report
                        .broken_files
                        .push(BrokenFile { file: name, error: error.to_string() });
                }
            }
            done += size(source);
        }
        progress(Progress { stage: Stage::Reading, done: total, total });
        Ok(())
    }

    /// Reads one file and takes its rows over, all or none.
    fn read_file(
        &mut self,
        source: &Source,
        name: &Arc<str>,
        stamps: &StampReader,
        sessions: &mut SessionCursor<'_>,
    ) -> Result<(), FileError> {
        let name = Arc::clone(name);
        let mut batch = match source {
            Source::Csv(path) => csv::read(path, name, self.options, stamps, sessions)?,
            Source::Parquet(path) => parquet::read(path, name, self.options, stamps, sessions)?,
            Source::Lean(LeanFile::Minute(path)) => lean::read_minute(path, name, self.options)?,
            Source::Lean(LeanFile::Daily(path)) => lean::read_daily(path, name, self.options)?,
            Source::Lean(LeanFile::Factors(path)) => factors::read(path, name, self.calendar)?,
            Source::Lean(LeanFile::Map(path)) => {
                self.report.renames.extend(lean::read_map(path, &name)?);
                return Ok(());
            }
        };
        let index = u32::try_from(self.files.len()).unwrap_or(u32::MAX);
        settle::settle(&mut batch, index, self.options, sessions, &mut self.groups)?;
        self.absorb(batch, index);
        Ok(())
    }

    fn absorb(&mut self, batch: FileBatch, index: u32) {
        let report = &mut self.report;
        report.rows += batch.rows;
        report.skipped += batch.skipped;
        report.prices_rounded += batch.prices_rounded;
        report.volumes_rounded += batch.volumes_rounded;
        report.actions.rows += batch.action_rows;
        for column in batch.ignored_columns {
            *self.ignored.entry(column).or_default() += 1;
        }
        self.rejections.absorb(batch.rejected);
        self.action_rejections.absorb(batch.actions_rejected);
        self.ticks.absorb(batch.ticks);
        self.actions.extend(batch.actions.into_iter().map(|row| ActionEntry { row, file: index }));
        self.files.push(batch.file);
    }

    /// Merges everything with the store and puts the new files in place.
    fn write(
        mut self,
        mut transaction: Transaction,
        progress: OnProgress<'_>,
    ) -> Result<ImportReport, CatalogError> {
        let store = Store::at(&self.options.into, true);
        let groups = std::mem::take(&mut self.groups);
        let total = groups.len() as u64 + 1;
        let mut touched: Vec<(Symbol, Resolution)> = Vec::new();
        for (done, (key, rows)) in groups.into_iter().enumerate() {
            progress(Progress { stage: Stage::Writing, done: done as u64, total });
            let (symbol, resolution, year) = key;
            let existing = store.load_stored(symbol, resolution, year)?;
            let option = self.options.on_conflict;
            let merged =
                merge::merge(key, &existing, rows, option, &self.files, &mut self.rejections);
            if merged.changed() {
                let target = bars_path(symbol, resolution, year);
                let bytes = encode_bars(&target, symbol, resolution, &merged.bars)?;
                transaction.stage(target, &bytes)?;
            }
            self.report.stored += merged.stored;
            self.report.duplicates += merged.duplicates;
            self.report.conflicts += merged.conflicts;
            self.report.conflicts_within += merged.conflicts_within;
            self.report.replaced += merged.replaced;
            self.report.add_store_conflicts(merged.store_conflicts);
            if touched.last() != Some(&(symbol, resolution)) {
                touched.push((symbol, resolution));
            }
        }
        std::mem::take(&mut self.ticks).write(&store, &mut transaction, &mut self.report)?;
        self.write_actions(&store, &mut transaction)?;
        let mut report = self.report;
        report.set_rejections(self.rejections);
        report.ignored_columns = self
            .ignored
            .into_iter()
            .map(|(column, files)| IgnoredColumns { column, files })
            .collect();
        report.refused = self.options.strict && report.has_rejections();
        if report.refused {
            // Dropping the transaction drops what was staged.
            return Ok(report);
        }
        transaction.commit()?;
        crate::store::make_folder(&self.options.into.join("bars"))?;
        for (symbol, resolution) in touched {
            report.symbols.extend(store.series(symbol, resolution)?);
        }
        for (symbol, kind) in std::mem::take(&mut report.ticks_touched) {
            report.ticks.extend(store.tick_series(symbol, kind)?);
        }
        progress(Progress { stage: Stage::Writing, done: total, total });
        Ok(report)
    }

    fn write_actions(
        &mut self,
        store: &Store,
        transaction: &mut Transaction,
    ) -> Result<(), CatalogError> {
        let entries = std::mem::take(&mut self.actions);
        let mut merger = actions::Merger {
            calendar: self.calendar,
            on_conflict: self.options.on_conflict,
            files: &self.files,
            rejected: &mut self.action_rejections,
            report: &mut self.report.actions,
        };
        merger.merge_all(entries, store, transaction)?;
        let rejections = std::mem::take(&mut self.action_rejections);
        self.report.actions.rejected = rejections.list;
        self.report.actions.rejected_by_reason = rejections.counts;
        Ok(())
    }
}

/// Finds the files under all paths.
fn find_sources(
    options: &ImportOptions,
    skipped: &mut BTreeMap<String, (u64, PathBuf)>,
) -> Result<Vec<Source>, CatalogError> {
    let mut sources = Vec::new();
    for path in &options.paths {
        if !path.exists() {
            let hint = "name files or folders to import";
            return Err(CatalogError::NotFound { path: path.clone(), hint });
        }
        let format = match options.format {
            Some(format) => format,
            None => told_by(path)?,
        };
        match format {
            ImportFormat::Lean => {
                if options.timestamp == StampSide::Close {
                    return Err(CatalogError::Usage {
                        flag: "--timestamp",
                        value: "close".into(),
                        why: "LEAN's stamps are starts of bars; leave the flag out".into(),
                    });
                }
                let scan = lean::scan(path, options)?;
                sources.extend(scan.files.into_iter().map(Source::Lean));
                for (reason, (count, example)) in scan.skipped {
                    skipped.entry(reason).or_insert((0, example)).0 += count;
                }
            }
            ImportFormat::Csv => {
                let files = files_under(path, &["csv", "txt"], "csv", skipped)?;
                sources.extend(files.into_iter().map(Source::Csv));
            }
            ImportFormat::Parquet => {
                let files = files_under(path, &["parquet"], "parquet", skipped)?;
                sources.extend(files.into_iter().map(Source::Parquet));
            }
        }
    }
    if sources.is_empty() {
        let path = options.paths.first().cloned().unwrap_or_default();
        let hint = "name at least one file";
        return Err(CatalogError::NothingToImport { path, format: "a market-data file", hint });
    }
    Ok(sources)
}

/// Tells the format from a path.
fn told_by(path: &Path) -> Result<ImportFormat, CatalogError> {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    match ending.as_str() {
        "csv" | "txt" if path.is_file() => Ok(ImportFormat::Csv),
        "parquet" if path.is_file() => Ok(ImportFormat::Parquet),
        "zip" if path.is_file() => Ok(ImportFormat::Lean),
        _ if lean::is_lean(path) => Ok(ImportFormat::Lean),
        _ => Err(CatalogError::Usage {
            flag: "--format",
            value: format!("for {}", path.display()),
            why: "cannot be told from the name; state lean, csv or parquet".into(),
        }),
    }
}

/// Returns a file itself, or the files with one of the endings in a folder and below, in order.
fn files_under(
    path: &Path,
    endings: &[&str],
    format: &'static str,
    skipped: &mut BTreeMap<String, (u64, PathBuf)>,
) -> Result<Vec<PathBuf>, CatalogError> {
    if path.is_file() {
        return Ok(vec![path.into()]);
    }
    let mut found = Vec::new();
    let mut folders = vec![path.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let read = |error| CatalogError::io("read folder", &folder, error);
        for entry in fs::read_dir(&folder).map_err(read)? {
            let path = entry.map_err(read)?.path();
            let ending = path.extension().unwrap_or_default().to_string_lossy();
            if path.is_dir() {
                folders.push(path);
            } else if endings.iter().any(|wanted| ending.eq_ignore_ascii_case(wanted)) {
                found.push(path);
            } else {
                let reason = format!("its name does not end in .{}", endings.join(" or ."));
                skipped.entry(reason).or_insert((0, path)).0 += 1;
            }
        }
    }
    if found.is_empty() {
        let hint = "the folder has no file with such an ending";
        return Err(CatalogError::NothingToImport { path: path.into(), format, hint });
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(close: &str, years: &[i16]) -> String {
        let mut text = String::from("ts,symbol,open,high,low,close,volume\n");
        for year in years {
            for minute in 30..33 {
                text.push_str(&format!("{year}-03-15T15:{minute}:00Z,SPY,1,9,1,{close},5\n"));
            }
        }
        text
    }

    fn bars(root: &Path) -> Vec<(String, String)> {
        let Ok(store) = Store::open(root) else { return Vec::new() };
        let symbol = "SPY".parse().unwrap();
        let mut bars = Vec::new();
        for year in store.years(symbol, Resolution::Minute1).unwrap() {
            for bar in store.load_year(symbol, Resolution::Minute1, year).unwrap() {
                bars.push((bar.start.to_string(), bar.close.to_string()));
            }
        }
        bars
    }

    /// contract.md section 4: an import that is interrupted at any step leaves the store as it was
    /// before, or whole; nothing in between, and the next import works.
    #[test]
    fn an_interrupted_import_leaves_before_or_after() {
        let calendar = Calendar::nyse();
        let mut seen = [false; 2];
        for stop in 0..40 {
            let folder = tempfile::tempdir().unwrap();
            let root = folder.path().join("store");
            let file = folder.path().join("a.csv");
            let mut options = ImportOptions {
                paths: vec![file.clone()],
                into: root.clone(),
                on_conflict: OnConflict::Replace,
                ..ImportOptions::default()
            };
            fs::write(&file, rows("2", &[2011, 2012])).unwrap();
            import(&options, &calendar, &mut |_| {}).unwrap();
            let before = bars(&root);
            fs::write(&file, rows("3", &[2011, 2012, 2013])).unwrap();
            let fault = Fault { after: Some(stop) };
            let result = import_with_fault(&options, &calendar, &mut |_| {}, fault);
            let after = bars(&root);
            let finished = after.len() == 9 && after.iter().all(|bar| bar.1 == "3.00");
            assert!(finished || after == before, "stop {stop}: {after:?}");
            assert!(finished || result.is_err());
            seen[usize::from(finished)] = true;
            options.on_conflict = OnConflict::Keep;
            let report = import(&options, &calendar, &mut |_| {}).unwrap();
            assert_eq!(report.duplicates, if finished { 9 } else { 0 });
            if result.is_ok() {
                assert_eq!(seen, [true, true]);
                return;
            }
        }
        panic!("the import has more steps than expected");
    }
}
