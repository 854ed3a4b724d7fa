//! Replaces many files of a store at once: all of them or none, also when the process dies.
//!
//! New files are written to `.import/`, then a commit record names all moves, then the files are
//! moved. A record that is there means the decision has fallen: whoever opens the store next
//! finishes the moves. Without a record the leftovers are dropped. One writer at a time holds the
//! lock on `.lock`.
//!
//! Invariant: after every step, the store plus what the next opening does is the state before or
//! the state after.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, Instant};

use crate::CatalogError;

const STAGING: &str = ".import";
const RECORD: &str = "COMMIT";
const LOCK: &str = ".lock";
const MAGIC: &str = "bellwether-commit 1";
/// How long an opening waits for another process that is moving its files.
const WAIT: Duration = Duration::from_secs(10);

/// Stops a transaction at its n-th step, as a dying process would; for tests only.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Fault {
    /// Steps left; `None` never stops.
    pub(crate) after: Option<u32>,
}

/// Files on their way into a store.
pub(crate) struct Transaction {
    root: PathBuf,
    /// Target paths relative to the root; the n-th lies in `.import/n`.
    targets: Vec<PathBuf>,
    fault: Fault,
    /// The commit record is written: only finishing is left.
    decided: bool,
    done: bool,
    _lock: File,
}

impl Transaction {
    /// Takes the store's lock, makes the folder where needed and finishes what a dead process
    /// left.
    pub(crate) fn begin(root: &Path, fault: Fault) -> Result<Self, CatalogError> {
        make_folder(root)?;
        let lock = open_lock(root)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(CatalogError::Locked { root: root.into() });
            }
            Err(TryLockError::Error(error)) => {
                return Err(CatalogError::io("lock", root.join(LOCK), error));
            }
        }
        recover_locked(root)?;
        make_folder(&root.join(STAGING))?;
        Ok(Self {
            root: root.into(),
            targets: Vec::new(),
            fault,
            decided: false,
            done: false,
            _lock: lock,
        })
    }

    /// Writes a new version of the file `target` (relative to the root) beside the store.
    pub(crate) fn stage(&mut self, target: PathBuf, bytes: &[u8]) -> Result<(), CatalogError> {
        self.step()?;
        let path = self.root.join(STAGING).join(self.targets.len().to_string());
        write_synced(&path, bytes)?;
        self.targets.push(target);
        Ok(())
    }

    /// Moves all staged files to their places.
    pub(crate) fn commit(mut self) -> Result<(), CatalogError> {
        let staging = self.root.join(STAGING);
        self.step()?;
        sync_folder(&staging)?;
        let new = staging.join("COMMIT.new");
        write_synced(&new, record(&self.targets).as_bytes())?;
        self.step()?;
        let path = staging.join(RECORD);
        fs::rename(&new, &path).map_err(|error| CatalogError::io("write", &path, error))?;
        self.decided = true;
        sync_folder(&staging)?;
        for (at, target) in self.targets.clone().iter().enumerate() {
            self.step()?;
            move_in(&self.root, at, target)?;
        }
        self.step()?;
        finish(&self.root, &self.targets)?;
        self.done = true;
        Ok(())
    }

    /// Counts down to the injected stop.
    fn step(&mut self) -> Result<(), CatalogError> {
        if let Some(left) = &mut self.fault.after {
            if *left == 0 {
                // A dead process cleans nothing up.
                self.decided = true;
                let stop = io::Error::other("stopped by a test");
                return Err(CatalogError::io("write", &self.root, stop));
            }
            *left -= 1;
        }
        Ok(())
    }
}

impl Drop for Transaction {
    /// Drops what was staged, unless the decision to move it has fallen.
    fn drop(&mut self) {
        if !self.decided && !self.done {
            // What cannot be removed now is removed by the next opening.
            let _ = fs::remove_dir_all(self.root.join(STAGING));
        }
    }
}

/// Finishes or drops what a dead process left in the store; waits while a live one is moving.
pub(crate) fn recover(root: &Path) -> Result<(), CatalogError> {
    let record = root.join(STAGING).join(RECORD);
    if !record.exists() {
        return Ok(());
    }
    let lock = open_lock(root)?;
    let begin = Instant::now();
    loop {
        match lock.try_lock() {
            Ok(()) => return recover_locked(root),
            Err(TryLockError::WouldBlock) if begin.elapsed() < WAIT => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(TryLockError::WouldBlock) => {
                return Err(CatalogError::Locked { root: root.into() });
            }
            Err(TryLockError::Error(error)) => {
                return Err(CatalogError::io("lock", root.join(LOCK), error));
            }
        }
    }
}

fn recover_locked(root: &Path) -> Result<(), CatalogError> {
    let staging = root.join(STAGING);
    let path = staging.join(RECORD);
    match fs::read_to_string(&path) {
        Ok(text) => {
            let targets = parse_record(&text).ok_or_else(|| CatalogError::Corrupt {
                path: path.clone(),
                why: "the commit record of an interrupted import is damaged".into(),
            })?;
            for (at, target) in targets.iter().enumerate() {
                if staging.join(at.to_string()).exists() {
                    move_in(root, at, target)?;
                }
            }
            finish(root, &targets)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if staging.exists() {
                fs::remove_dir_all(&staging)
                    .map_err(|error| CatalogError::io("remove", &staging, error))?;
            }
            Ok(())
        }
        Err(error) => Err(CatalogError::io("read", path, error)),
    }
}

/// Makes the moves durable, then forgets the record.
fn finish(root: &Path, targets: &[PathBuf]) -> Result<(), CatalogError> {
    let mut folders: Vec<_> = targets
        .iter()
        .flat_map(|target| target.ancestors().skip(1).map(|folder| root.join(folder)))
        .collect();
    folders.sort();
    folders.dedup();
    for folder in folders {
        sync_folder(&folder)?;
    }
    let staging = root.join(STAGING);
    let record = staging.join(RECORD);
    if record.exists() {
        fs::remove_file(&record).map_err(|error| CatalogError::io("remove", &record, error))?;
    }
    fs::remove_dir_all(&staging).map_err(|error| CatalogError::io("remove", &staging, error))
}

fn move_in(root: &Path, at: usize, target: &Path) -> Result<(), CatalogError> {
    let to = root.join(target);
    if let Some(folder) = to.parent() {
        make_folder(folder)?;
    }
    let from = root.join(STAGING).join(at.to_string());
    fs::rename(&from, &to).map_err(|error| CatalogError::io("move a new file to", &to, error))
}

fn record(targets: &[PathBuf]) -> String {
    let mut text = format!("{MAGIC}\n");
    for target in targets {
        text.push_str(&target.to_string_lossy());
        text.push('\n');
    }
    let crc = crc32c::crc32c(text.as_bytes());
    text.push_str(&format!("{crc:08x}\n"));
    text
}

fn parse_record(text: &str) -> Option<Vec<PathBuf>> {
    let (body, crc) = text.strip_suffix('\n')?.rsplit_once('\n')?;
    let body = format!("{body}\n");
    if format!("{:08x}", crc32c::crc32c(body.as_bytes())) != crc {
        return None;
    }
    let mut lines = body.lines();
    if lines.next()? != MAGIC {
        return None;
    }
    let targets: Vec<PathBuf> = lines.map(PathBuf::from).collect();
    let inside =
        |path: &PathBuf| path.components().all(|part| matches!(part, Component::Normal(_)));
    targets.iter().all(inside).then_some(targets)
}

fn open_lock(root: &Path) -> Result<File, CatalogError> {
    let path = root.join(LOCK);
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(|error| CatalogError::io("open", path, error))
}

/// Makes a folder and its parents, readable by the owner only.
pub(crate) fn make_folder(path: &Path) -> Result<(), CatalogError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| CatalogError::io("make folder", path, error))
}

fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), CatalogError> {
    create(path, bytes)
        .and_then(|file| file.sync_all())
        .map_err(|error| CatalogError::io("write", path, error))
}

fn create(path: &Path, bytes: &[u8]) -> io::Result<File> {
    let mut file =
        OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    Ok(file)
}

fn sync_folder(path: &Path) -> Result<(), CatalogError> {
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| CatalogError::io("sync folder", path, error))
}

/// Writes a whole file through a temporary name, so that no reader sees a part of it. It is not
/// forced to disk: for files that can be made again.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), CatalogError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let new = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = create(&new, bytes)
        .and_then(|_| fs::rename(&new, path))
        .map_err(|error| CatalogError::io("write", path, error));
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(root: &Path, fault: Fault, content: &str) -> Result<(), CatalogError> {
        let mut transaction = Transaction::begin(root, fault)?;
        for name in ["bars/A/1min/2020.parquet", "bars/A/1min/2021.parquet", "actions/A.parquet"] {
            transaction.stage(name.into(), format!("{name} {content}").as_bytes())?;
        }
        transaction.commit()
    }

    fn contents(root: &Path) -> Vec<String> {
        ["bars/A/1min/2020.parquet", "bars/A/1min/2021.parquet", "actions/A.parquet"]
            .iter()
            .map(|name| fs::read_to_string(root.join(name)).unwrap_or_default())
            .collect()
    }

    /// contract.md section 4: an interrupted import leaves the store as before, or finished.
    #[test]
    fn a_stop_at_any_step_leaves_before_or_after() {
        let all = |content: &str| {
            ["bars/A/1min/2020.parquet", "bars/A/1min/2021.parquet", "actions/A.parquet"]
                .map(|name| format!("{name} {content}"))
        };
        let mut seen = [false; 2];
        for stop in 0..30 {
            let folder = tempfile::tempdir().unwrap();
            let root = folder.path();
            put(root, Fault::default(), "old").unwrap();
            let result = put(root, Fault { after: Some(stop) }, "new");
            recover(root).unwrap();
            let now = contents(root);
            let is_new = now == all("new");
            assert!(is_new || now == all("old"), "stop {stop}: {now:?}");
            assert!(is_new || result.is_err());
            seen[usize::from(is_new)] = true;
            // The next import is not hindered by leftovers.
            put(root, Fault::default(), "next").unwrap();
            assert_eq!(contents(root), all("next"));
            assert!(!root.join(STAGING).exists());
            if result.is_ok() {
                assert_eq!(seen, [true, true]);
                return;
            }
        }
        panic!("the transaction has more steps than expected");
    }

    #[test]
    fn one_writer_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = Transaction::begin(folder.path(), Fault::default()).unwrap();
        let second = Transaction::begin(folder.path(), Fault::default());
        assert!(matches!(second, Err(CatalogError::Locked { .. })));
        drop(first);
        Transaction::begin(folder.path(), Fault::default()).unwrap();
    }

    #[test]
    fn a_damaged_record_is_no_license_to_move() {
        let good = record(&["bars/A/1min/2020.parquet".into()]);
        assert_eq!(parse_record(&good).unwrap().len(), 1);
        assert_eq!(parse_record(&good.replace("2020", "2021")), None);
        assert_eq!(parse_record(&good[..good.len() - 3]), None);
        assert_eq!(parse_record(&record(&["../x".into()])), None);
        assert_eq!(parse_record(&record(&["/etc/x".into()])), None);
    }
}
