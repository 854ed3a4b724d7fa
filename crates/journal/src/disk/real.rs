//! The operating system's files: private to the user, on a local disk (J14).

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::{Disk, DiskFile, Open};

/// Whether a network file system may hold the data (J14).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum NetworkFileSystems {
    /// No: `fdatasync` and locks mean less there.
    #[default]
    Refused,
    /// The operator insists.
    Forced,
}

/// The real files.
#[derive(Clone, Debug, Default)]
pub struct RealDisk {
    network: NetworkFileSystems,
}

impl RealDisk {
    /// Makes the real disk.
    pub fn new(network: NetworkFileSystems) -> Self {
        Self { network }
    }

    fn check_local(&self, path: &Path) -> io::Result<()> {
        if self.network == NetworkFileSystems::Forced {
            return Ok(());
        }
        let kind = rustix::fs::statfs(path)?.f_type as u64 & 0xffff_ffff;
        match NETWORK.iter().find(|(magic, _)| *magic == kind) {
            None => Ok(()),
            Some((_, name)) => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                format!(
                    "{} lies on a network file system ({name}), where a sync may not be one; \
                     use a local disk or force it",
                    path.display()
                ),
            )),
        }
    }
}

/// Kinds of file systems that live elsewhere, by the number `statfs` gives.
const NETWORK: &[(u64, &str)] = &[
    (0x6969, "nfs"),
    (0x517b, "smb"),
    (0xff53_4d42, "cifs"),
    (0xfe53_4d42, "smb2"),
    (0x0102_1997, "9p"),
    (0x5346_414f, "afs"),
    (0x7375_7245, "coda"),
    (0x00c3_6400, "ceph"),
    (0x0bd0_0bd0, "lustre"),
    (0x0116_1970, "gfs2"),
    (0x7461_636f, "ocfs2"),
    (0x564c, "ncp"),
];

impl Disk for RealDisk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        self.check_local(path)
    }

    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.read(true).mode(0o600);
        match how {
            Open::Read => &mut options,
            Open::Write => options.write(true),
            Open::CreateNew => options.write(true).create_new(true),
            Open::Replace => options.write(true).create(true).truncate(true),
        };
        Ok(Box::new(RealFile { file: options.open(path)? }))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(path)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let path = if path.as_os_str().is_empty() { PathBuf::from(".") } else { path.to_owned() };
        Ok(rustix::fs::fsync(File::open(path)?)?)
    }

    fn free_space(&self, path: &Path) -> io::Result<u64> {
        let found = rustix::fs::statvfs(path)?;
        Ok(found.f_bavail.saturating_mul(found.f_frsize))
    }
}

#[derive(Debug)]
struct RealFile {
    file: File,
}

impl DiskFile for RealFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        // One call: a write that was cut short is an error of the medium (J6), not to be repeated.
        let written = self.file.write_at(bytes, offset)?;
        if written == bytes.len() {
            return Ok(());
        }
        Err(io::Error::new(
            io::ErrorKind::WriteZero,
            format!("only {written} of {} bytes were written", bytes.len()),
        ))
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(rustix::fs::fdatasync(&self.file)?)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }
}
