//! What a snapshot holds: the start of the process that ran, and its engine (journal.md 14).
//!
//! The books are in their versioned schema and can be read by every later build; the analysis is
//! of the build that wrote it and is taken by that build only.

use engine::record::{self, DecodeError, Reader, Record, Writer};
use engine::{Engine, Start};
use model::Timestamp;

use super::replay::{Foundry, FoundryError, set_time};

/// The encoding of an engine holds the books as this field.
const BOOKS: u32 = 1;

/// Why a snapshot cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// Its bytes are not those of a snapshot.
    #[error("the content of the snapshot cannot be decoded")]
    Decode(#[from] DecodeError),
    /// The engine of its start cannot be built.
    #[error("the configuration in the snapshot cannot be run by this build")]
    Foundry(#[from] FoundryError),
}

/// Encodes the state after the last group of a process that began with `start`.
pub fn encode(start: &Start, engine: &Engine) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.nested(1, |w| start.save(w));
    writer.field(2, &engine.now());
    writer.nested(3, |w| engine.save(w));
    writer.into_bytes()
}

/// Brings an engine back: with its analysis when `warm`, else the books alone.
///
/// # Errors
/// The bytes cannot be decoded, or the engine cannot be built.
pub fn restore(
    body: &[u8],
    foundry: &dyn Foundry,
    warm: bool,
) -> Result<(Start, Engine), RestoreError> {
    let (mut start, mut now, mut state) = (Start::default(), Timestamp::MIN, None);
    let mut reader = Reader::new(body);
    while let Some(field) = reader.next_field()? {
        match field.tag {
            1 => record::read(&mut start, &field, "Snapshot")?,
            2 => record::read(&mut now, &field, "Snapshot")?,
            3 => state = field.blob(),
            _ => {}
        }
    }
    let state = state.ok_or(DecodeError::Truncated)?;
    let mut engine = foundry.engine(&start)?;
    if warm {
        engine.load(&mut Reader::new(state))?;
    } else {
        let mut fields = Reader::new(state);
        while let Some(field) = fields.next_field()? {
            if let (BOOKS, Some(books)) = (field.tag, field.blob()) {
                engine.adopt_books(&mut Reader::new(books))?;
            }
        }
        set_time(&mut engine, now);
    }
    Ok((start, engine))
}
