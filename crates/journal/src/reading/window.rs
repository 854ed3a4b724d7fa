//! A stretch of a segment in memory.

use std::io::{self, Read};
use std::path::Path;

use crate::disk::{Disk, DiskFile, Open, read_whole};
use crate::segment::PLAIN;

/// Read at once.
const STRETCH: usize = 256 * 1024;

/// A segment's content, a stretch at a time; compressed ones are unpacked as a whole.
#[derive(Debug)]
pub(crate) struct Window {
    /// `None` when the whole content is in `bytes`.
    file: Option<Box<dyn DiskFile>>,
    base: u64,
    bytes: Vec<u8>,
}

impl Window {
    /// Opens a segment by its path and ending.
    pub(crate) fn open(disk: &dyn Disk, path: &Path, ending: &str) -> io::Result<Self> {
        if ending == PLAIN {
            let file = disk.open(path, Open::Read)?;
            return Ok(Self { file: Some(file), base: 0, bytes: Vec::new() });
        }
        let bytes = zstd::decode_all(read_whole(disk, path)?.as_slice())?;
        Ok(Self { file: None, base: 0, bytes })
    }

    /// Reads the first bytes of a segment, without unpacking the rest.
    pub(crate) fn beginning(
        disk: &dyn Disk,
        path: &Path,
        ending: &str,
        want: usize,
    ) -> io::Result<Vec<u8>> {
        if ending == PLAIN {
            let mut window = Self::open(disk, path, ending)?;
            return Ok(window.at(0, want)?.to_vec());
        }
        let packed = read_whole(disk, path)?;
        let mut bytes = Vec::with_capacity(want);
        zstd::Decoder::new(packed.as_slice())?.take(want as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Returns up to `want` bytes at an offset; fewer at the end of the file.
    pub(crate) fn at(&mut self, offset: u64, want: usize) -> io::Result<&[u8]> {
        let have = self.base..self.base + self.bytes.len() as u64;
        let inside = have.contains(&offset) && offset + want as u64 <= have.end;
        if !inside && self.file.is_some() {
            self.fill(offset, want.max(STRETCH))?;
        }
        let start = usize::try_from(offset.saturating_sub(self.base)).unwrap_or(usize::MAX);
        let start = start.min(self.bytes.len());
        Ok(&self.bytes[start..(start.saturating_add(want)).min(self.bytes.len())])
    }

    /// Forgets what was read: the file may have grown.
    pub(crate) fn forget(&mut self) {
        if self.file.is_some() {
            self.bytes.clear();
        }
    }

    fn fill(&mut self, offset: u64, want: usize) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        self.base = offset;
        self.bytes.resize(want, 0);
        let mut filled = 0;
        while filled < want {
            match file.read_at(offset + filled as u64, &mut self.bytes[filled..])? {
                0 => break,
                read => filled += read,
            }
        }
        self.bytes.truncate(filled);
        Ok(())
    }
}
