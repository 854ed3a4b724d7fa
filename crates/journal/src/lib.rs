//! The write-ahead log: records in segments, snapshots, lock and fencing epoch (J*, journal.md).
//!
//! Stores (kind, version, bytes) and never decodes a payload; what the bytes mean is the
//! runtime's. [`Reader`] gives back whole groups and finds the end; [`start`] goes on there with an
//! [`Appender`] for the core thread, a writer thread behind it, and [`Durable`] for everyone who
//! must wait. [`Snapshots`], [`Lock`], [`epoch`] and [`Identity`] are the other files of a data
//! directory that must survive. All of them reach storage through [`disk`].
//!
//! Invariant: what [`Durable::seq`] has said is there after any loss of power, whole and in order,
//! or reading says exactly where it is not.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//! use journal::{Author, Flags, Kind, Options, ReadOptions, Reader, Urgency, disk::RealDisk, start};
//! use model::Timestamp;
//!
//! # let folder = tempfile::tempdir()?;
//! # let dir = folder.path().join("journal");
//! let disk = Arc::new(RealDisk::default());
//! let mut reader = Reader::open(disk.clone(), &dir, ReadOptions::default())?;
//! while let Some(group) = reader.next_group()? {
//!     println!("{} records", group.records().count());
//! }
//! let tail = reader.tail().cloned().expect("read to the end");
//!
//! # let small = |options: Options| Options { segment_bytes: 1 << 20, ..options };
//! let options = Options::new(dir, Author::default());
//! # let options = small(options);
//! let mut running = start(disk, options, tail, Box::new(|seq| println!("{seq} is durable")))?;
//! let mut group = running.appender.begin(Timestamp::from_nanos(1));
//! group.record(Kind(0x0101), 1, Flags::NONE, |payload| payload.extend_from_slice(b"input"))?;
//! group.record(Kind(0x0201), 1, Flags::NONE, |payload| payload.extend_from_slice(b"fact"))?;
//! let end = group.end(Urgency::Now)?;
//! running.durable.wait_for(end, Duration::from_secs(10))?;
//! running.appender.close()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod appender;
mod bench;
pub mod disk;
mod durable;
pub mod epoch;
mod identity;
mod keeping;
mod lock;
mod reading;
mod record;
mod repair;
mod segment;
mod shared;
mod snapshots;
mod space;
mod spares;
mod start;
mod verify;
mod writer;

pub use appender::{AppendError, Appender, Group as OpenGroup, Urgency};
pub use bench::{BenchError, Load, Measured, bench};
pub use durable::{Durable, Health, Syncs, WaitError};
pub use identity::Identity;
pub use keeping::{KeepError, Keeping, Kept, keep};
pub use lock::{Lock, LockError};
pub use reading::{Damage, Group, ReadError, ReadOptions, Reader, Tail, Torn};
pub use record::{BadRecord, Flags, Kind, PAYLOAD_MAX, Record};
pub use repair::{RepairError, Repaired, repair};
pub use segment::{Author, Cut, Extracted, Head};
pub use snapshots::{BadSnapshot, KEEP, Snapshot, SnapshotError, SnapshotHead, Snapshots};
pub use space::{Space, SpaceLevel, SpaceWatch};
pub use start::{Options, Running, StartError, start};
pub use verify::{SegmentInfo, Verification, segments, verify};
pub use writer::Release;
