//! Starting to write: a new journal, or going on where the last run ended.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::{Timestamp, record};

use crate::appender::{AppendError, Appender, Urgency};
use crate::disk::{Disk, DiskFile, Open};
use crate::durable::Durable;
use crate::reading::Tail;
use crate::record::{Flags, Kind};
use crate::segment::{Author, Cut, HEAD_ROOM, Head, PLAIN, name, parse_name};
use crate::shared::Shared;
use crate::space::SpaceWatch;
use crate::spares::{Spares, zero_from};
use crate::writer::{Release, Segment, Writer};

/// How a journal is written.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder; it is made when it is missing.
    pub dir: PathBuf,
    /// Length of a segment in bytes (`journal.segment_mib`).
    pub segment_bytes: u64,
    /// Bytes that may wait for the disk.
    pub ring_bytes: usize,
    /// Who writes.
    pub author: Author,
}

impl Options {
    /// The usual sizes: segments of 64 MiB, a ring of 32 MiB.
    pub fn new(dir: PathBuf, author: Author) -> Self {
        Self { dir, segment_bytes: 64 << 20, ring_bytes: 32 << 20, author }
    }
}

/// Why writing did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The disk refused.
    #[error("{action} {path}")]
    Disk {
        /// What was attempted.
        action: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A thread could not be started.
    #[error("start the journal's threads")]
    Thread(#[source] io::Error),
    /// The cut could not be journalled.
    #[error("journal that the torn tail was cut")]
    Cut(#[source] AppendError),
}

/// A journal that is being written.
#[derive(Debug)]
pub struct Running {
    /// For the core thread.
    pub appender: Appender,
    /// For everyone.
    pub durable: Durable,
    /// For the one who watches the disk.
    pub space: SpaceWatch,
}

/// Starts to write behind `tail`, which a [`Reader`](crate::Reader) found under the same lock.
///
/// A torn tail is cut, and that is journalled as a group of its own. The sequences go on without a
/// gap; [`Appender::next_seq`] says where.
///
/// # Errors
///
/// When the disk refuses. Nothing that was durable is changed.
pub fn start(
    disk: Arc<dyn Disk>,
    options: Options,
    tail: Tail,
    release: Box<dyn Release>,
) -> Result<Running, StartError> {
    let place = Place { disk: &*disk, options: &options };
    place.step("make folder", &options.dir, |path| disk.create_dir(path))?;
    let (segment, previous) = match &tail.end {
        Some(end) => (place.resume(&tail, end.segment, end.offset)?, end.crc),
        None => place.create()?,
    };
    let spare = place.sort_out(segment.id, tail.spare_is_clean)?;

    let shared = Arc::new(Shared::new(options.ring_bytes, tail.last_seq));
    let spares = Arc::new(Spares::new(
        Arc::clone(&disk),
        options.dir.clone(),
        options.segment_bytes,
        segment.id + 1,
        spare,
    ));
    let maker = Arc::clone(&spares);
    let spares_thread = spawn("journal-spare", move || maker.run())?;
    let writer = Writer {
        shared: Arc::clone(&shared),
        spares: Arc::clone(&spares),
        spares_thread,
        dir: options.dir.clone(),
        author: options.author.clone(),
        release,
        segment,
        previous,
    };
    let writer = spawn("journal-writer", move || writer.run())?;
    let mut appender =
        Appender::new(Arc::clone(&shared), writer, tail.last_seq + 1, options.segment_bytes);
    if let Some(torn) = &tail.torn {
        let cut = Cut {
            segment: torn.segment,
            offset: torn.offset,
            bytes: torn.bytes,
            reason: torn.reason.clone(),
        };
        journal_cut(&mut appender, tail.last_time, &cut).map_err(StartError::Cut)?;
    }
    let durable = appender.durable();
    Ok(Running { appender, durable, space: SpaceWatch::new(shared, spares) })
}

fn journal_cut(appender: &mut Appender, time: Timestamp, cut: &Cut) -> Result<u64, AppendError> {
    let mut group = appender.begin(time);
    group.record(Kind::CUT, 1, Flags::NON_CRITICAL, |buffer| {
        buffer.extend_from_slice(&record::encode(cut));
    })?;
    group.end(Urgency::Now)
}

fn spawn(
    thread: &str,
    body: impl FnOnce() + Send + 'static,
) -> Result<std::thread::JoinHandle<()>, StartError> {
    std::thread::Builder::new().name(thread.into()).spawn(body).map_err(StartError::Thread)
}

/// Where the journal lies.
struct Place<'a> {
    disk: &'a dyn Disk,
    options: &'a Options,
}

impl Place<'_> {
    fn step<T>(
        &self,
        action: &'static str,
        path: &Path,
        step: impl FnOnce(&Path) -> io::Result<T>,
    ) -> Result<T, StartError> {
        step(path).map_err(|source| StartError::Disk { action, path: path.to_owned(), source })
    }

    /// Opens the last segment behind its last whole group; what is torn becomes zeros.
    fn resume(&self, tail: &Tail, id: u64, offset: u64) -> Result<Segment, StartError> {
        let path = self.options.dir.join(name(id, PLAIN));
        let file = self.step("open segment", &path, |path| self.disk.open(path, Open::Write))?;
        let bytes = tail.end.as_ref().map_or(offset, |end| end.bytes);
        let found = self.step("measure segment", &path, |_| file.len())?;
        let torn_here = tail.torn.as_ref().is_some_and(|torn| torn.segment == id);
        if torn_here || found < bytes {
            let zeros = |_: &Path| {
                zero_from(&*file, offset, bytes.max(found))?;
                file.sync_data()
            };
            self.step("cut the torn tail of segment", &path, zeros)?;
        }
        Ok(Segment { id, file, offset, bytes })
    }

    /// Makes the first segment of a new journal.
    fn create(&self) -> Result<(Segment, u32), StartError> {
        let path = self.options.dir.join(name(1, PLAIN));
        let bytes = self.options.segment_bytes;
        let head = Head {
            segment: 1,
            first_seq: 1,
            bytes,
            author: self.options.author.clone(),
            extract: None,
        };
        let (encoded, crc) = head.encode(Timestamp::MIN, 0, 0);
        debug_assert!((encoded.len() as u64) < HEAD_ROOM);
        let file = self.step("make segment", &path, |path| {
            let file = self.disk.open(path, Open::Replace)?;
            zero_from(&*file, 0, bytes)?;
            file.write_at(0, &encoded)?;
            file.sync_data()?;
            self.disk.sync_dir(&self.options.dir)?;
            Ok(file)
        })?;
        Ok((Segment { id: 1, file, offset: encoded.len() as u64, bytes }, crc))
    }

    /// Removes what was made ahead and cannot be used, and returns the spare if there is one.
    fn sort_out(&self, id: u64, clean: bool) -> Result<Option<Box<dyn DiskFile>>, StartError> {
        let names = self.step("list", &self.options.dir, |path| self.disk.list(path))?;
        let mut spare = None;
        for found in names {
            let Some((number, ending)) = parse_name(&found) else { continue };
            if number <= id || ending != PLAIN {
                continue;
            }
            let path = self.options.dir.join(&found);
            if number == id + 1 && clean {
                let file =
                    self.step("open segment", &path, |path| self.disk.open(path, Open::Write))?;
                let bytes = self.step("measure segment", &path, |_| file.len())?;
                if bytes == self.options.segment_bytes {
                    spare = Some(file);
                    continue;
                }
            }
            self.step("remove segment", &path, |path| self.disk.remove(path))?;
        }
        self.step("sync folder", &self.options.dir, |path| self.disk.sync_dir(path))?;
        Ok(spare)
    }
}
