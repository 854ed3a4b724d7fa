//! How long it takes from appending a group to its being durable, at a steady rate (J5).

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use model::Timestamp;

use crate::appender::{AppendError, Urgency};
use crate::disk::Disk;
use crate::reading::{ReadError, ReadOptions, Reader, Tail};
use crate::record::{Flags, Kind};
use crate::segment::Author;
use crate::shared::lock;
use crate::start::{Options, StartError, start};

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Load {
    /// Urgent groups a second.
    pub groups_per_second: u32,
    /// Bytes of each group's payload.
    pub group_bytes: usize,
    /// For how long.
    pub duration: Duration,
}

impl Default for Load {
    /// The load of issue 5: 20,000 groups a second of 400 bytes.
    fn default() -> Self {
        let duration = Duration::from_secs(5);
        Self { groups_per_second: 20_000, group_bytes: 400, duration }
    }
}

/// What was measured.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Measured {
    /// Groups that became durable.
    pub groups: u64,
    /// How many a second that was.
    pub groups_per_second: f64,
    /// Writes with a sync each.
    pub syncs: u64,
    /// Half of the groups were durable within this time.
    pub p50: Duration,
    /// 99 of 100 were.
    pub p99: Duration,
    /// All were.
    pub max: Duration,
}

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// What is in the folder cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The journal could not be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// It could not be written.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The folder holds a journal already.
    #[error("measure in {0}: it holds a journal; name an empty folder on the same disk")]
    InUse(std::path::PathBuf),
}

/// When each group was appended, in order.
type Pending = Arc<Mutex<VecDeque<(u64, Instant)>>>;

/// Appends groups at a steady rate to a new journal in `dir` and measures.
///
/// # Errors
///
/// When the folder is in use or the disk refuses.
pub fn bench(disk: Arc<dyn Disk>, dir: &Path, load: &Load) -> Result<Measured, BenchError> {
    let tail = empty_tail(&disk, dir)?;
    let pending = Pending::default();
    let latencies = Arc::new(Mutex::new(Vec::new()));
    let release = {
        let (pending, latencies) = (Arc::clone(&pending), Arc::clone(&latencies));
        move |durable: u64| {
            let now = Instant::now();
            let (mut pending, mut latencies) = (lock(&pending), lock(&latencies));
            while let Some(&(seq, since)) = pending.front()
                && seq <= durable
            {
                latencies.push(now - since);
                pending.pop_front();
            }
        }
    };
    let options = Options::new(dir.to_owned(), Author::default());
    let mut running = start(disk, options, tail, Box::new(release))?;
    let payload = vec![0x5a; load.group_bytes];
    let begun = Instant::now();
    let mut appended = 0_u64;
    while begun.elapsed() < load.duration {
        let due = begun.elapsed().as_secs_f64() * f64::from(load.groups_per_second);
        while appended < due as u64 {
            let time = Timestamp::from_nanos(i64::try_from(appended).unwrap_or(0));
            let mut group = running.appender.begin(time);
            let write = |buffer: &mut Vec<u8>| buffer.extend_from_slice(&payload);
            let seq = group.record(Kind::FIRST_FREE, 1, Flags::NONE, write)?;
            lock(&pending).push_back((seq, Instant::now()));
            group.end(Urgency::Now)?;
            appended += 1;
        }
        std::thread::sleep(Duration::from_micros(20));
    }
    let durable = running.durable.clone();
    running.appender.close()?;
    let seconds = begun.elapsed().as_secs_f64();
    let mut latencies = std::mem::take(&mut *lock(&latencies));
    latencies.sort_unstable();
    let at = |share: f64| {
        let index = (latencies.len() as f64 * share) as usize;
        latencies.get(index.min(latencies.len().saturating_sub(1))).copied().unwrap_or_default()
    };
    Ok(Measured {
        groups: latencies.len() as u64,
        groups_per_second: latencies.len() as f64 / seconds,
        syncs: durable.syncs().buckets.iter().map(|(_, count)| count).sum(),
        p50: at(0.5),
        p99: at(0.99),
        max: at(1.0),
    })
}

fn empty_tail(disk: &Arc<dyn Disk>, dir: &Path) -> Result<Tail, BenchError> {
    let mut reader = Reader::open(Arc::clone(disk), dir, ReadOptions::default())?;
    let empty = reader.segment().is_none() && reader.next_group()?.is_none();
    let tail = reader.tail().cloned().filter(|_| empty);
    tail.ok_or_else(|| BenchError::InUse(dir.to_owned()))
}
