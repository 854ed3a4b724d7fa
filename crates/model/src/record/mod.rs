//! The one encoding of state, facts and hashes (design.md 6, J12): field-tagged, explicit,
//! readable by every later build.
//!
//! A record is a sequence of fields. A field is a varint key `tag << 2 | wire` followed by its
//! value: wire 0 is a varint (integers zigzag), wire 1 eight little-endian bytes (floats by their
//! bits), wire 2 a varint length and that many bytes (texts, lists, nested records). A reader
//! skips tags it does not know and keeps its default for tags that are absent, so fields may be
//! added and never change their meaning.
//!
//! Types list their fields once with `record!` or `record_enum!`; those macros write both
//! directions.

mod values;
mod vocabulary;

/// Why bytes are not a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end inside a field.
    #[error("record ends inside a field")]
    Truncated,
    /// A varint is longer than ten bytes, or a key has an unknown wire type.
    #[error("record has a malformed key or varint")]
    Malformed,
    /// A field holds a value that its type does not have.
    #[error("field {tag} of {record} has a value out of range")]
    Value {
        /// The record's type.
        record: &'static str,
        /// The field's tag.
        tag: u32,
    },
}

/// Appends fields to a byte buffer.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Makes an empty writer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns what was written.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns what was written and gives the buffer away.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Forgets what was written and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Writes one field; a value equal to its absence (`None`, an empty list) writes nothing.
    #[inline]
    pub fn field<V: Value>(&mut self, tag: u32, value: &V) {
        value.put(tag, self);
    }

    #[inline]
    fn varint(&mut self, value: u64) {
        if value < 0x80 {
            self.bytes.push(value as u8);
        } else {
            self.long_varint(value);
        }
    }

    /// Writes a varint of more than one byte.
    fn long_varint(&mut self, value: u64) {
        let (word, length) = spread(value & SPREADABLE);
        if value <= SPREADABLE {
            self.append(word.to_le_bytes(), length);
        } else {
            self.bytes.extend_from_slice(&(word | MORE).to_le_bytes());
            self.varint(value >> 56);
        }
    }

    /// Appends the first `length` of some bytes, copied with a fixed length: a check of the
    /// buffer's room per byte would cost more.
    #[inline]
    fn append<const N: usize>(&mut self, bytes: [u8; N], length: usize) {
        let end = self.bytes.len() + length;
        self.bytes.extend_from_slice(&bytes);
        self.bytes.truncate(end);
    }

    /// Writes an unsigned integer field.
    #[inline]
    pub fn uint(&mut self, tag: u32, value: u64) {
        let key = key(tag, 0);
        if key < 0x80 && value < 0x80 {
            self.bytes.extend_from_slice(&[key as u8, value as u8]);
        } else {
            self.long_uint(key, value);
        }
    }

    /// Writes the key and the value of an unsigned integer field in one step, where there is room
    /// and the tag is not unusually large.
    fn long_uint(&mut self, key: u64, value: u64) {
        let room = self.bytes.capacity() - self.bytes.len();
        if room < 11 || key >= 0x80 {
            self.two_varints(key, value);
            return;
        }
        let (word, length) = spread(value & SPREADABLE);
        if value <= SPREADABLE {
            let mut bytes = [0; 9];
            bytes[0] = key as u8;
            bytes[1..].copy_from_slice(&word.to_le_bytes());
            self.append(bytes, 1 + length);
        } else {
            // As every time is: after eight bytes that say that more follow eight bits are left,
            // the last one of them in a byte of its own.
            let rest = value >> 56;
            let mut bytes = [0; 11];
            bytes[0] = key as u8;
            bytes[1..9].copy_from_slice(&(word | MORE).to_le_bytes());
            (bytes[9], bytes[10]) = (rest as u8, 1);
            self.append(bytes, if rest < 0x80 { 10 } else { 11 });
        }
    }

    // Not in line: what may call the allocator saves its registers, which the step above need not.
    #[inline(never)]
    fn two_varints(&mut self, key: u64, value: u64) {
        self.varint(key);
        self.varint(value);
    }

    /// Writes a float field by its bits.
    #[inline]
    pub fn float(&mut self, tag: u32, value: f64) {
        let bits = value.to_bits().to_le_bytes();
        let key = key(tag, 1);
        if key < 0x80 {
            let mut bytes = [0; 9];
            bytes[0] = key as u8;
            bytes[1..].copy_from_slice(&bits);
            self.bytes.extend_from_slice(&bytes);
        } else {
            self.varint(key);
            self.bytes.extend_from_slice(&bits);
        }
    }

    /// Writes a variant of an enum that holds nothing: a nested record of its tag alone.
    #[inline]
    pub fn unit(&mut self, tag: u32, variant: u32) {
        let key = key(tag, 2);
        if key < 0x80 && variant < 0x80 {
            self.bytes.extend_from_slice(&[key as u8, 2, 0, variant as u8]);
        } else {
            self.nested(tag, |w| w.uint(0, u64::from(variant)));
        }
    }

    /// Writes a field of bytes.
    #[inline]
    pub fn blob(&mut self, tag: u32, value: &[u8]) {
        self.varint(key(tag, 2));
        self.varint(value.len() as u64);
        self.bytes.extend_from_slice(value);
    }

    /// Writes a nested record: whatever `body` writes becomes the field's value.
    #[inline]
    pub fn nested(&mut self, tag: u32, body: impl FnOnce(&mut Self)) {
        let key = key(tag, 2);
        // Most nested records are under 128 bytes: guess a length of one byte, mend if longer.
        if key < 0x80 {
            self.bytes.extend_from_slice(&[key as u8, 0]);
        } else {
            self.varint(key);
            self.bytes.push(0);
        }
        let at = self.bytes.len() - 1;
        body(self);
        let length = (self.bytes.len() - at - 1) as u64;
        if length < 0x80 {
            self.bytes[at] = length as u8;
        } else {
            self.lengthen(at, length);
        }
    }

    /// Puts a length of more than one byte where one byte was kept free for it.
    fn lengthen(&mut self, at: usize, length: u64) {
        let (prefix, count) = spread(length);
        let end = self.bytes.len();
        self.bytes.resize(end + count - 1, 0);
        self.bytes.copy_within(at + 1..end, at + count);
        self.bytes[at..at + count].copy_from_slice(&prefix.to_le_bytes()[..count]);
    }
}

/// Returns what a field begins with.
#[inline]
const fn key(tag: u32, wire: u64) -> u64 {
    (tag as u64) << 2 | wire
}

/// Largest value whose varint fits into eight bytes.
const SPREADABLE: u64 = (1 << 56) - 1;
/// In each byte of a varint the bit that says that more bytes follow.
const MORE: u64 = 0x8080_8080_8080_8080;

/// Spreads a value up to [`SPREADABLE`] over the bytes of its varint, seven bits each, the lowest
/// first, and returns how many there are.
#[inline]
fn spread(value: u64) -> (u64, usize) {
    // Groups of 28, 14 and then 7 bits move apart, each to the foot of its part of the word.
    let halves = (value & 0x0fff_ffff) | (value & 0x00ff_ffff_f000_0000) << 4;
    let quarters = (halves & 0x0000_3fff_0000_3fff) | (halves & 0x0fff_c000_0fff_c000) << 2;
    let word = (quarters & 0x007f_007f_007f_007f) | (quarters & 0x3f80_3f80_3f80_3f80) << 1;
    let last = (63 - (value | 1).leading_zeros()) / 7;
    // All bytes but the last one say that more follow.
    let before_last = (1_u64 << (8 * last)) - 1;
    (word | MORE & before_last, last as usize + 1)
}

/// One field as read: its value still undecoded.
#[derive(Debug, Clone, Copy)]
pub struct Field<'a> {
    /// The field's tag.
    pub tag: u32,
    data: Data<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Data<'a> {
    Uint(u64),
    Fixed(u64),
    Blob(&'a [u8]),
}

impl<'a> Field<'a> {
    /// Returns an unsigned integer, or `None` when the field is of another kind.
    pub fn uint(&self) -> Option<u64> {
        if let Data::Uint(value) = self.data { Some(value) } else { None }
    }

    /// Returns a float, or `None` when the field is of another kind.
    pub fn float(&self) -> Option<f64> {
        if let Data::Fixed(bits) = self.data { Some(f64::from_bits(bits)) } else { None }
    }

    /// Returns the bytes, or `None` when the field is of another kind.
    pub fn blob(&self) -> Option<&'a [u8]> {
        if let Data::Blob(bytes) = self.data { Some(bytes) } else { None }
    }
}

/// Reads fields from bytes.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Makes a reader of a whole record.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0_u64;
        for shift in (0..70).step_by(7) {
            let (&byte, rest) = self.bytes.split_first().ok_or(DecodeError::Truncated)?;
            self.bytes = rest;
            let part = u64::from(byte & 0x7f);
            if shift == 63 && part > 1 {
                return Err(DecodeError::Malformed);
            }
            value |= part << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(DecodeError::Malformed)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let (head, rest) = self.bytes.split_at_checked(count).ok_or(DecodeError::Truncated)?;
        self.bytes = rest;
        Ok(head)
    }

    /// Returns the next field, or `None` at the end.
    pub fn next_field(&mut self) -> Result<Option<Field<'a>>, DecodeError> {
        if self.bytes.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let tag = u32::try_from(key >> 2).map_err(|_| DecodeError::Malformed)?;
        let data = match key & 3 {
            0 => Data::Uint(self.varint()?),
            1 => {
                let bytes: [u8; 8] =
                    self.take(8)?.try_into().map_err(|_| DecodeError::Truncated)?;
                Data::Fixed(u64::from_le_bytes(bytes))
            }
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| DecodeError::Malformed)?;
                Data::Blob(self.take(length)?)
            }
            _ => return Err(DecodeError::Malformed),
        };
        Ok(Some(Field { tag, data }))
    }
}

/// A type that writes all its fields and reads them back into a default value.
pub trait Record {
    /// Writes the fields.
    fn save(&self, writer: &mut Writer);

    /// Reads fields into `self`: unknown tags are skipped, absent ones keep their value.
    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError>;
}

/// A type that can be the value of one field.
pub trait Value {
    /// Writes the value under `tag`; writes nothing when it equals its absence.
    fn put(&self, tag: u32, writer: &mut Writer);

    /// Sets `self` from a field; `None` when the field does not fit the type.
    fn get(&mut self, field: &Field<'_>) -> Option<Result<(), DecodeError>>;
}

/// Implements [`Record`](crate::record::Record) and [`Value`](crate::record::Value) for a struct with `Default`:
/// `record!(Ema { 1: value, 2: count });`. Tags are never reused.
#[macro_export]
macro_rules! record {
    ($name:ident $(<$($g:ident),*>)? { $($tag:literal : $field:ident),* $(,)? }) => {
        impl $(<$($g: $crate::record::Value + Default),*>)? $crate::record::Record
            for $name $(<$($g),*>)?
        {
            fn save(&self, writer: &mut $crate::record::Writer) {
                let _ = &writer;
                $(writer.field($tag, &self.$field);)*
            }
            fn load(
                &mut self,
                reader: &mut $crate::record::Reader<'_>,
            ) -> Result<(), $crate::record::DecodeError> {
                while let Some(field) = reader.next_field()? {
                    match field.tag {
                        $($tag => $crate::record::read(
                            &mut self.$field, &field, stringify!($name),
                        )?,)*
                        _ => {}
                    }
                }
                Ok(())
            }
        }
        impl $(<$($g: $crate::record::Value + Default),*>)? $crate::record::Value
            for $name $(<$($g),*>)?
        {
            fn put(&self, tag: u32, writer: &mut $crate::record::Writer) {
                writer.nested(tag, |w| $crate::record::Record::save(self, w));
            }
            fn get(
                &mut self,
                field: &$crate::record::Field<'_>,
            ) -> Option<Result<(), $crate::record::DecodeError>> {
                let mut reader = $crate::record::Reader::new(field.blob()?);
                Some($crate::record::Record::load(self, &mut reader))
            }
        }
    };
}

/// Implements [`Value`](crate::record::Value) for an enum with `Default`. Variants are units, have named
/// fields, or hold one value:
/// `record_enum!(Kind { 0: Market, 1: Limit { 1: limit: Price }, 2: Trade(Fill) });`
#[macro_export]
macro_rules! record_enum {
    ($name:ident { $($variant_tag:literal : $variant:ident
        $(($inner:ty))? $({ $($tag:literal : $field:ident : $ty:ty),* $(,)? })?),* $(,)? }) => {
        impl $crate::record::Value for $name {
            fn put(&self, tag: u32, writer: &mut $crate::record::Writer) {
                match self {
                    $(Self::$variant $(($crate::record_bind!(inner, $inner)))? $({ $($field),* })? => {
                        $crate::record_variant!(
                            writer, tag, $variant_tag,
                            $(1: $crate::record_bind!(inner, $inner))? $($($tag: $field),*)?
                        );
                    })*
                }
            }
            fn get(
                &mut self,
                field: &$crate::record::Field<'_>,
            ) -> Option<Result<(), $crate::record::DecodeError>> {
                const RECORD: &str = stringify!($name);
                let body = field.blob()?;
                let read = || -> Result<Option<Self>, $crate::record::DecodeError> {
                    Ok(match $crate::record::find::<u32>(body, 0, RECORD)? {
                        $($variant_tag => Some(Self::$variant
                            $(($crate::record::find::<$inner>(body, 1, RECORD)?))?
                            $({ $($field: $crate::record::find::<$ty>(body, $tag, RECORD)?),* })?
                        ),)*
                        _ => None,
                    })
                };
                match read() {
                    Ok(Some(value)) => {
                        *self = value;
                        Some(Ok(()))
                    }
                    Ok(None) => None,
                    Err(error) => Some(Err(error)),
                }
            }
        }
    };
}

/// Writes one variant of an enum: its tag, then what it holds.
#[doc(hidden)]
#[macro_export]
macro_rules! record_variant {
    ($writer:ident, $put:ident, $variant_tag:literal,) => {
        $writer.unit($put, $variant_tag)
    };
    ($writer:ident, $put:ident, $variant_tag:literal, $($tag:literal : $value:expr),+) => {
        $writer.nested($put, |w| {
            w.uint(0, $variant_tag);
            $(w.field($tag, $value);)+
        })
    };
}

/// Expands to its first argument: names a binding once per repetition of the second.
#[doc(hidden)]
#[macro_export]
macro_rules! record_bind {
    ($name:ident, $ty:ty) => {
        $name
    };
}

/// Reads one field into a value; used by the macros.
pub fn read<V: Value>(
    value: &mut V,
    field: &Field<'_>,
    record: &'static str,
) -> Result<(), DecodeError> {
    value.get(field).unwrap_or(Err(DecodeError::Value { record, tag: field.tag }))
}

/// Finds the field `tag` in a record's bytes, or the default; used by the macros.
pub fn find<V: Value + Default>(
    body: &[u8],
    tag: u32,
    record: &'static str,
) -> Result<V, DecodeError> {
    let mut value = V::default();
    let mut reader = Reader::new(body);
    while let Some(field) = reader.next_field()? {
        if field.tag == tag {
            read(&mut value, &field, record)?;
        }
    }
    Ok(value)
}

/// Encodes one record to bytes.
pub fn encode(record: &impl Record) -> Vec<u8> {
    let mut writer = Writer::new();
    record.save(&mut writer);
    writer.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ExecId, ExecType, Fill, Price};

    #[derive(Default, PartialEq, Debug)]
    struct Sample {
        kind: ExecType,
        list: Vec<i64>,
        fixed: [f64; 2],
        maybe: Option<Price>,
        text: String,
    }
    record!(Sample { 1: kind, 2: list, 3: fixed, 9: maybe, 200: text });

    fn sample() -> Sample {
        Sample {
            kind: ExecType::Correct {
                replaces: ExecId::simulated(7),
                fill: Fill { price: Price::from_raw(-5), ..Fill::default() },
            },
            list: vec![i64::MIN, -1, 0, i64::MAX],
            fixed: [f64::NEG_INFINITY, 0.1],
            maybe: None,
            text: "x".repeat(300),
        }
    }

    fn decode(bytes: &[u8]) -> Result<Sample, DecodeError> {
        let mut value = Sample::default();
        value.load(&mut Reader::new(bytes)).map(|()| value)
    }

    /// J12: what is written reads back, and every cut of it is an error or a shorter record,
    /// never a panic.
    #[test]
    fn reads_back_and_survives_cuts() {
        let bytes = encode(&sample());
        assert_eq!(decode(&bytes), Ok(sample()));
        for cut in 0..bytes.len() {
            let _ = decode(&bytes[..cut]);
        }
        for at in 0..bytes.len() {
            for flip in [1_u8, 0x80, 0xff] {
                let mut damaged = bytes.clone();
                damaged[at] ^= flip;
                let _ = decode(&damaged);
            }
        }
    }

    /// J12: seven bits a byte, the lowest first; the last byte says that it is the last.
    #[test]
    fn varints_are_as_they_always_were() {
        let around = |bit: u32| [(1_u64 << bit) - 1, 1 << bit, (1 << bit) + 1];
        for value in (0..64).flat_map(around).chain([u64::MAX, 0x0123_4567_89ab_cdef]) {
            let mut expected = Vec::new();
            let mut rest = value;
            while rest >= 0x80 {
                expected.push((rest & 0x7f) as u8 | 0x80);
                rest >>= 7;
            }
            expected.push(rest as u8);
            let mut writer = Writer::new();
            writer.varint(value);
            assert_eq!(writer.bytes(), expected, "{value:#x}");
            // A field is written in one step where there is room, else in two.
            let mut roomy = Writer { bytes: Vec::with_capacity(64) };
            for writer in [&mut roomy, &mut Writer::new()] {
                writer.uint(1, value);
                assert_eq!(writer.bytes()[..1], [1 << 2]);
                assert_eq!(writer.bytes()[1..], expected, "{value:#x}");
            }
            assert_eq!(Reader::new(&expected).varint(), Ok(value));
        }
    }

    /// J12: the length stands before what is nested, however many bytes it takes.
    #[test]
    fn nested_records_of_any_length() {
        for length in [0, 1, 127, 128, 129, 16_383, 16_384, 70_000] {
            let body: Vec<u8> = (0..length).map(|at| at as u8).collect();
            let mut nested = Writer::new();
            nested.uint(1, 5);
            nested.nested(2, |w| w.bytes.extend_from_slice(&body));
            nested.uint(3, 6);
            let mut flat = Writer::new();
            flat.uint(1, 5);
            flat.blob(2, &body);
            flat.uint(3, 6);
            assert_eq!(nested.bytes(), flat.bytes(), "{length}");
        }
    }

    /// J12: unknown tags are skipped.
    #[test]
    fn skips_unknown_fields() {
        let mut writer = Writer::new();
        writer.uint(77, 5);
        sample().save(&mut writer);
        writer.blob(78, b"later");
        assert_eq!(decode(writer.bytes()), Ok(sample()));
    }
}
