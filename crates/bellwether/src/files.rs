//! Output files: written whole or not at all, readable by their owner only (contract.md 4).

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::exit::Failure;

/// Makes a folder and those above it, for the owner only.
pub(crate) fn make_folder(path: &Path) -> Result<(), Failure> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(path)
        .map_err(|error| Failure::io(format_args!("make folder {}", path.display()), error))
}

/// Opens a new file for the owner only; what is there is replaced.
pub(crate) fn create(path: &Path) -> Result<File, Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let opened = options.open(path);
    opened.map_err(|error| Failure::io(format_args!("create {}", path.display()), error))
}

/// Writes a file; a reader sees the old one or the whole new one.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let unfinished = PathBuf::from(unfinished);
    let mut file = create(&unfinished)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&unfinished, path));
    written.map_err(|error| {
        // Nothing half-written is left; that it cannot be removed changes nothing for the caller.
        let _ = fs::remove_file(&unfinished);
        Failure::io(format_args!("write {}", path.display()), error)
    })
}
