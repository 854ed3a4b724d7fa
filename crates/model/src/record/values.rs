//! Plain values as fields: numbers, texts, options, lists, pairs.

use std::sync::Arc;

use super::{DecodeError, Field, Reader, Value, Writer};

macro_rules! value_int {
    ($($signed:ty),* ; $($unsigned:ty),*) => {
        $(impl Value for $signed {
            #[inline]
            fn put(&self, tag: u32, writer: &mut Writer) {
                let wide = i64::from(*self);
                writer.uint(tag, ((wide << 1) ^ (wide >> 63)) as u64);
            }
            #[inline]
            fn get(&mut self, field: &Field<'_>) -> Option<Result<(), DecodeError>> {
                let raw = field.uint()?;
                let wide = (raw >> 1) as i64 ^ -((raw & 1) as i64);
                *self = Self::try_from(wide).ok()?;
                Some(Ok(()))
            }
        })*
        $(impl Value for $unsigned {
            #[inline]
            fn put(&self, tag: u32, writer: &mut Writer) {
                writer.uint(tag, u64::from(*self));
            }
            #[inline]
            fn get(&mut self, field: &Field<'_>) -> Option<Result<(), DecodeError>> {
                *self = Self::try_from(field.uint()?).ok()?;
                Some(Ok(()))
            }
        })*
    };
}
value_int!(i16, i32, i64; u8, u16, u32, u64);

impl Value for usize {
    fn put(&self, tag: u32, writer: &mut Writer) {
        writer.uint(tag, *self as u64);
    }
    fn get(&mut self, field: &Field<'_>) -> Option<Result<(), DecodeError>> {
        *self = Self::try_from(field.uint()?).ok()?;
        Some(Ok(()))
    }
}

/// Hashes: sixteen little-endian bytes, always written.
impl Value for u128 {
    fn put(&self, tag: u32, writer: &mut Writer) {
        writer.blob(tag, &self.to_le_bytes());
    }
    fn get(&mut self, field: &Field<'_>) -> Option<Result<(), DecodeError>> {
        *self = Self::from_le_bytes(field.blob()?.try_into().ok()?);
        Some(Ok(()))
    }
}

/// Amounts beyond 64 bits: sixteen little-endian bytes, always written.
impl Value for i128 {
    fn put(&self, tag: u32, writer: &mut Writer) {
        writer.blob(tag, &self.to_le_bytes());
    }
    fn get(&mut self, field: &Field<'_>) -> Option<Result<(), DecodeError>> {
        *self = Self::from_le_bytes(field.blob()?.try_into().ok()?);
        Some(Ok(()))
    }
}

impl Value for bool {
    fn put(&self, tag: u32, writer: &mut Writer) {
        writer.uint(tag, u64::from(*self));
    }
    fn get(&mut self, field: &Field<'_>) -> Option<Result<(), DecodeError>> {
        *self = match field.uint()? {
            0 => false,
            1 => true,
            _ => return None,
        };
        Some(Ok(()))
    }
}

impl Value for f64 {
    #[inline]
    fn put(&self, tag: u32, writer: &mut Writer) {
        writer.float(tag, *self);
    }
    fn get(&mut self, field: &Field<'_>) -> Option<Result<(), DecodeError>> {
        *self = field.float()?;
        Some(Ok(()))
    }
}

impl Value for String {
    fn put(&self, tag: u32, writer: &mut Writer) {
        writer.blob(tag, self.as_bytes());
    }
    fn get(&mut self, field: &Field<'_>) -> Option<Result<(), DecodeError>> {
        *self = std::str::from_utf8(field.blob()?).ok()?.to_owned();
        Some(Ok(()))
    }
}

/// Optional values: absence is the absence of the field.
impl<V: Value + Default> Value for Option<V> {
    fn put(&self, tag: u32, writer: &mut Writer) {
        if let Some(value) = self {
            value.put(tag, writer);
        }
    }
    fn get(&mut self, field: &Field<'_>) -> Option<Result<(), DecodeError>> {
        let mut value = V::default();
        let read = value.get(field)?;
        *self = Some(value);
        Some(read)
    }
}

impl<V: Value> Value for Box<V> {
    fn put(&self, tag: u32, writer: &mut Writer) {
        (**self).put(tag, writer);
    }
    fn get(&mut self, field: &Field<'_>) -> Option<Result<(), DecodeError>> {
        (**self).get(field)
    }
}

impl<V: Value + Clone> Value for Arc<V> {
    fn put(&self, tag: u32, writer: &mut Writer) {
        (**self).put(tag, writer);
    }
    fn get(&mut self, field: &Field<'_>) -> Option<Result<(), DecodeError>> {
        Arc::make_mut(self).get(field)
    }
}

fn put_list<'a, V: Value + 'a>(items: impl Iterator<Item = &'a V>, tag: u32, w: &mut Writer) {
    w.nested(tag, |w| items.for_each(|item| item.put(0, w)));
}

fn get_list<V: Value + Default>(
    field: &Field<'_>,
    mut push: impl FnMut(V) -> Option<()>,
) -> Option<Result<(), DecodeError>> {
    let mut reader = Reader::new(field.blob()?);
    loop {
        match reader.next_field() {
            Ok(Some(item)) => {
                let mut value = V::default();
                if let Err(error) = value.get(&item)? {
                    return Some(Err(error));
                }
                push(value)?;
            }
            Ok(None) => return Some(Ok(())),
            Err(error) => return Some(Err(error)),
        }
    }
}

/// Lists: a nested record whose fields all have tag 0. Items must not be `Option`.
impl<V: Value + Default> Value for Vec<V> {
    fn put(&self, tag: u32, writer: &mut Writer) {
        put_list(self.iter(), tag, writer);
    }
    fn get(&mut self, field: &Field<'_>) -> Option<Result<(), DecodeError>> {
        self.clear();
        get_list(field, |value| {
            self.push(value);
            Some(())
        })
    }
}

impl<V: Value + Default, const N: usize> Value for [V; N] {
    fn put(&self, tag: u32, writer: &mut Writer) {
        put_list(self.iter(), tag, writer);
    }
    fn get(&mut self, field: &Field<'_>) -> Option<Result<(), DecodeError>> {
        let mut at = 0;
        get_list(field, |value| {
            *self.get_mut(at)? = value;
            at += 1;
            Some(())
        })
    }
}

impl<V: Value + Default, const N: usize> Value for arrayvec::ArrayVec<V, N> {
    fn put(&self, tag: u32, writer: &mut Writer) {
        put_list(self.iter(), tag, writer);
    }
    fn get(&mut self, field: &Field<'_>) -> Option<Result<(), DecodeError>> {
        self.clear();
        get_list(field, |value| self.try_push(value).ok())
    }
}

impl<V: Value + Default> Value for std::collections::VecDeque<V> {
    fn put(&self, tag: u32, writer: &mut Writer) {
        put_list(self.iter(), tag, writer);
    }
    fn get(&mut self, field: &Field<'_>) -> Option<Result<(), DecodeError>> {
        self.clear();
        get_list(field, |value| {
            self.push_back(value);
            Some(())
        })
    }
}

/// Pairs: a nested record with tags 1 and 2. Parts must not be `Option`.
impl<A: Value, B: Value> Value for (A, B) {
    fn put(&self, tag: u32, writer: &mut Writer) {
        writer.nested(tag, |w| {
            self.0.put(1, w);
            self.1.put(2, w);
        });
    }
    fn get(&mut self, field: &Field<'_>) -> Option<Result<(), DecodeError>> {
        let mut reader = Reader::new(field.blob()?);
        loop {
            let read = match reader.next_field() {
                Ok(Some(part)) if part.tag == 1 => self.0.get(&part)?,
                Ok(Some(part)) if part.tag == 2 => self.1.get(&part)?,
                Ok(Some(_)) => Ok(()),
                Ok(None) => return Some(Ok(())),
                Err(error) => return Some(Err(error)),
            };
            if read.is_err() {
                return Some(read);
            }
        }
    }
}
