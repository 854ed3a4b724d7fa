//! Folders, files and counts shared by the tests.

use std::io::Write;
use std::path::{Path, PathBuf};

use catalog::{ImportFormat, ImportOptions, ImportReport, Resolution, Store, import};
use model::exchange::Calendar;
use model::{Bar, Date, Symbol};
use tempfile::TempDir;

/// A temporary folder with input files and a store.
pub(crate) struct Bench {
    pub(crate) folder: TempDir,
    pub(crate) calendar: Calendar,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), calendar: Calendar::nyse() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.path("store")
    }

    /// Writes an input file.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Options to import these files into the store.
    pub(crate) fn options(&self, paths: &[PathBuf]) -> ImportOptions {
        ImportOptions { paths: paths.to_vec(), into: self.root(), ..ImportOptions::default() }
    }

    pub(crate) fn import(&self, options: &ImportOptions) -> ImportReport {
        let report = import(options, &self.calendar, &mut |_| {}).unwrap();
        assert_identity(&report);
        report
    }

    /// Imports CSV text with default options.
    pub(crate) fn csv(&self, content: &str) -> ImportReport {
        let path = self.file("input.csv", content);
        self.import(&self.options(&[path]))
    }

    pub(crate) fn store(&self) -> Store {
        Store::open(&self.root()).unwrap()
    }

    pub(crate) fn bars(&self, symbol: &str, resolution: Resolution) -> Vec<Bar> {
        all_bars(&self.store(), symbol.parse().unwrap(), resolution)
    }
}

pub(crate) fn all_bars(store: &Store, symbol: Symbol, resolution: Resolution) -> Vec<Bar> {
    store.load(symbol, resolution, date("1990-01-01"), date("2030-12-31")).unwrap()
}

pub(crate) fn date(text: &str) -> Date {
    text.parse().unwrap()
}

/// contract.md section 4: every row is counted exactly once.
pub(crate) fn assert_identity(report: &ImportReport) {
    let counted = report.stored
        + report.duplicates
        + report.conflicts
        + report.rejected_total()
        + report.skipped;
    assert_eq!(report.rows, counted, "{report:?}");
}

/// Reasons and lines of the rejected rows.
pub(crate) fn rejections(report: &ImportReport) -> Vec<(u64, &'static str)> {
    report.rejected.iter().map(|row| (row.line, row.reason.code())).collect()
}

/// Makes a zip with these members.
pub(crate) fn zip_of(members: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in members {
        let options = zip::write::SimpleFileOptions::default();
        writer.start_file(*name, options).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Returns the folder of LEAN data; `None`, after one line, when the default one is absent.
pub(crate) fn lean_data(test: &str) -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("LEAN_DATA_DIR") {
        return Some(named.into());
    }
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/lean");
    if Path::new(default).is_dir() {
        return Some(default.into());
    }
    eprintln!("SKIPPED: {test}: data absent");
    None
}

/// Returns a folder beside the LEAN folder, when there is one.
pub(crate) fn sibling(test: &str, name: &str) -> Option<PathBuf> {
    let folder = lean_data(test)?.join("..").join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED: {test}: data absent");
    None
}

/// Options to import a LEAN folder.
pub(crate) fn lean_options(path: &Path, into: &Path) -> ImportOptions {
    ImportOptions {
        paths: vec![path.into()],
        into: into.into(),
        format: Some(ImportFormat::Lean),
        ..ImportOptions::default()
    }
}

/// All files below a folder with their content, by relative path; the lock file left out.
pub(crate) fn snapshot(root: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name != ".lock") {
                let name = path.strip_prefix(root).unwrap().display().to_string();
                found.push((name, std::fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}
