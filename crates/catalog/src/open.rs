//! Opens what `--data` names: a store, or a LEAN folder imported to a temporary store first.

use std::path::Path;

use model::exchange::Calendar;
use tempfile::TempDir;

use crate::import::lean;
use crate::{CatalogError, ImportFormat, ImportOptions, ImportReport, OnProgress, Store, import};

/// An open store; a temporary one lives as long as this value.
#[derive(Debug)]
pub struct OpenData {
    /// The store.
    pub store: Store,
    /// What the import did, when a LEAN folder was named.
    pub imported: Option<ImportReport>,
    _folder: Option<TempDir>,
}

/// Opens a store (a folder that holds `bars/`) or a LEAN folder (one that holds `equity/usa`).
pub fn open_data(
    path: &Path,
    calendar: &Calendar,
    progress: OnProgress<'_>,
) -> Result<OpenData, CatalogError> {
    // A store that an interrupted import left without `bars/` gets it back by opening it.
    let as_store = Store::open(path);
    match as_store {
        Ok(store) => return Ok(OpenData { store, imported: None, _folder: None }),
        Err(CatalogError::NotAStore { .. }) if lean::is_lean(path) => {}
        Err(error) => return Err(error),
    }
    let folder = tempfile::Builder::new()
        .prefix("bellwether-data-")
        .tempdir()
        .map_err(|error| CatalogError::io("make a temporary folder for", path, error))?;
    let options = ImportOptions {
        paths: vec![path.into()],
        into: folder.path().into(),
        format: Some(ImportFormat::Lean),
        ..ImportOptions::default()
    };
    let report = import(&options, calendar, progress)?;
    let store = Store::open(folder.path())?;
    Ok(OpenData { store, imported: Some(report), _folder: Some(folder) })
}
