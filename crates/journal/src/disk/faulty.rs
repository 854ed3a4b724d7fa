//! A disk that fails or dawdles when it is told to (F38, F39).

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use super::{Disk, DiskFile, Open};

/// What goes wrong, changeable while the disk is in use.
///
/// Counters count down: with 3, two calls succeed and the third fails, and so do all after it.
#[derive(Debug)]
pub struct Faults {
    writes_left: AtomicI64,
    syncs_left: AtomicI64,
    bytes_left: AtomicI64,
    sync_delay_us: AtomicU64,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            writes_left: AtomicI64::new(i64::MAX),
            syncs_left: AtomicI64::new(i64::MAX),
            bytes_left: AtomicI64::new(i64::MAX),
            sync_delay_us: AtomicU64::new(0),
        }
    }
}

impl Faults {
    /// Lets the `nth` write from now fail with EIO, and every later one.
    pub fn fail_write(&self, nth: u32) {
        self.writes_left.store(i64::from(nth), Ordering::SeqCst);
    }

    /// Lets the `nth` sync from now fail with EIO, and every later one.
    pub fn fail_sync(&self, nth: u32) {
        self.syncs_left.store(i64::from(nth), Ordering::SeqCst);
    }

    /// Leaves room for so many bytes of growth; then ENOSPC.
    pub fn leave_space(&self, bytes: u64) {
        self.bytes_left.store(i64::try_from(bytes).unwrap_or(i64::MAX), Ordering::SeqCst);
    }

    /// Makes every sync take longer.
    pub fn delay_syncs(&self, delay: Duration) {
        let micros = u64::try_from(delay.as_micros()).unwrap_or(u64::MAX);
        self.sync_delay_us.store(micros, Ordering::SeqCst);
    }

    fn write(&self, grows_by: u64) -> io::Result<()> {
        if count_down(&self.writes_left) {
            return Err(io::Error::from_raw_os_error(EIO));
        }
        let grows_by = i64::try_from(grows_by).unwrap_or(i64::MAX);
        if self.bytes_left.load(Ordering::SeqCst) < grows_by {
            return Err(io::Error::from_raw_os_error(ENOSPC));
        }
        if self.bytes_left.load(Ordering::SeqCst) != i64::MAX {
            self.bytes_left.fetch_sub(grows_by, Ordering::SeqCst);
        }
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let delay = self.sync_delay_us.load(Ordering::SeqCst);
        if delay > 0 {
            std::thread::sleep(Duration::from_micros(delay));
        }
        if count_down(&self.syncs_left) { Err(io::Error::from_raw_os_error(EIO)) } else { Ok(()) }
    }
}

const EIO: i32 = 5;
const ENOSPC: i32 = 28;

/// Counts one call and returns whether it is to fail.
fn count_down(left: &AtomicI64) -> bool {
    if left.load(Ordering::SeqCst) == i64::MAX {
        return false;
    }
    left.fetch_sub(1, Ordering::SeqCst) <= 1
}

/// Another disk, with [`Faults`].
#[derive(Clone, Debug)]
pub struct Faulty {
    inner: Arc<dyn Disk>,
    faults: Arc<Faults>,
}

impl Faulty {
    /// Puts faults in front of a disk; nothing fails before it is asked for.
    pub fn new(inner: Arc<dyn Disk>) -> (Self, Arc<Faults>) {
        let faults = Arc::new(Faults::default());
        (Self { inner, faults: Arc::clone(&faults) }, faults)
    }
}

impl Disk for Faulty {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.inner.create_dir(path)
    }

    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn DiskFile>> {
        let inner = self.inner.open(path, how)?;
        Ok(Box::new(FaultyFile { inner, faults: Arc::clone(&self.faults) }))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        self.inner.list(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.inner.remove(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.faults.sync()?;
        self.inner.sync_dir(path)
    }

    fn free_space(&self, path: &Path) -> io::Result<u64> {
        match self.faults.bytes_left.load(Ordering::SeqCst) {
            i64::MAX => self.inner.free_space(path),
            left => Ok(u64::try_from(left).unwrap_or(0)),
        }
    }
}

#[derive(Debug)]
struct FaultyFile {
    inner: Box<dyn DiskFile>,
    faults: Arc<Faults>,
}

impl DiskFile for FaultyFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let end = offset + bytes.len() as u64;
        self.faults.write(end.saturating_sub(self.inner.len()?.max(offset)))?;
        self.inner.write_at(offset, bytes)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read_at(offset, buffer)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.faults.sync()?;
        self.inner.sync_data()
    }

    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }
}
