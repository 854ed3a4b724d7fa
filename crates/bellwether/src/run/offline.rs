//! A data directory or a journal's folder, read without a running system: replay, state, backup.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::{Engine, Start};
use journal::disk::RealDisk;
use journal::{ReadError, ReadOptions, Reader};
use runtime::recovery::{Place, RecoverError};
use runtime::view::{Build, Run, Surroundings, View};
use serde_json::Value;
use strategies::Registry;

use super::foundry::Described;
use crate::exit::{Exit, Failure};

/// Returns where journal and snapshots lie: `path` is a data directory, or the journal's folder.
pub(crate) fn place(path: &Path) -> Result<Place, Failure> {
    let disk = Arc::new(RealDisk::default());
    if path.join("journal").is_dir() {
        return Ok(Place::of(disk, path, None));
    }
    if !path.is_dir() {
        return Err(Failure::missing(format_args!("there is no folder {}", path.display()))
            .hint("name a data directory, or the folder `journal` in it"));
    }
    let snapshots = path.parent().map_or_else(PathBuf::new, |parent| parent.join("snapshots"));
    Ok(Place { disk, journal: path.to_owned(), snapshots, account: None })
}

/// Opens a journal at its first record.
pub(crate) fn read(place: &Place) -> Result<Reader, Failure> {
    let reader = place.read(ReadOptions::default()).map_err(read_failure)?;
    if reader.author().is_none() {
        let path = place.journal.display();
        return Err(Failure::missing(format_args!("{path} holds no journal")));
    }
    Ok(reader)
}

/// Says why a journal cannot be read.
pub(crate) fn read_failure(error: ReadError) -> Failure {
    recover_failure(RecoverError::Read(error))
}

/// Says why a state cannot be recovered, with the exit code of contract.md 2.
pub(crate) fn recover_failure(error: RecoverError) -> Failure {
    let code = Exit::from_code(error.exit_code());
    let damaged = code == Exit::Corrupt;
    let failure = Failure::new(code, error);
    if damaged {
        failure.hint("`bellwether journal verify` shows all of it, `journal repair` cuts there")
    } else {
        failure
    }
}

/// Returns the state of an engine as the API shows it.
pub(crate) fn state(engine: &Engine, start: &Start, registry: &Registry) -> Result<Value, Failure> {
    let described = Described::read(start).map_err(Failure::config)?;
    let (config, setup) = described.setup(registry)?;
    let build = Build { version: start.build.clone(), commit: String::new() };
    let calendar = setup.tables.calendar;
    let environment = config.system.environment.name();
    let run = Run::new(engine, &start.mode, environment, build, calendar, &["paper"], &["data"]);
    let view = View::build(engine, &run, &Surroundings::default());
    serde_json::to_value(&*view).map_err(Failure::internal)
}
