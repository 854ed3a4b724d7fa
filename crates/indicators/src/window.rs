//! The last n values of a series, and their fold in amortised constant time.
//!
//! [`Window`] never takes a value out of a sum again: the older part of the window is a table of
//! suffix folds, made once per lap of the ring, and the newer part a running fold. A sum therefore
//! carries no drift, however long the series, and a maximum needs no queue.
//!
//! Invariant: `items` holds at least one slot and `at` lies inside; loading checks it, so damaged
//! bytes are an error and never an index out of bounds.

use model::record::{DecodeError, Field, Reader, Value, Writer, read};

use crate::guard::{MAX_PERIOD, period};

/// The last `len` values, oldest first.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ring<T> {
    items: Vec<T>,
    /// The slot of the next value.
    at: usize,
    /// True once every slot was written.
    full: bool,
}

impl<T: Copy + Default> Ring<T> {
    pub(crate) fn new(bars: usize) -> Self {
        Self { items: vec![T::default(); period(bars) as usize], at: 0, full: false }
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.full
    }

    /// Appends a value and returns the one that falls out of a full ring.
    #[inline]
    pub(crate) fn push(&mut self, value: T) -> Option<T> {
        let oldest = std::mem::replace(&mut self.items[self.at], value);
        let evicted = self.full.then_some(oldest);
        self.at += 1;
        if self.at == self.items.len() {
            self.at = 0;
            self.full = true;
        }
        evicted
    }

    /// Iterates over the values held, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = T> + '_ {
        let older = if self.full { &self.items[self.at..] } else { &[] };
        older.iter().chain(&self.items[..self.at]).copied()
    }

    /// Forgets the values and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.at = 0;
        self.full = false;
    }
}

impl<T> Ring<T> {
    fn is_sound(&self) -> bool {
        (1..=MAX_PERIOD).contains(&self.items.len()) && self.at < self.items.len()
    }
}

impl<T: Default> Default for Ring<T> {
    fn default() -> Self {
        Self { items: Vec::from([T::default()]), at: 0, full: false }
    }
}

impl<T: Value + Default> Value for Ring<T> {
    fn put(&self, tag: u32, writer: &mut Writer) {
        writer.nested(tag, |w| {
            w.field(1, &self.items);
            w.field(2, &self.at);
            w.field(3, &self.full);
        });
    }

    fn get(&mut self, field: &Field<'_>) -> Option<Result<(), DecodeError>> {
        let mut loaded = Self { items: Vec::new(), at: 0, full: false };
        let mut reader = Reader::new(field.blob()?);
        let result = loop {
            let result = match reader.next_field() {
                Ok(Some(part)) => match part.tag {
                    1 => read(&mut loaded.items, &part, "Ring"),
                    2 => read(&mut loaded.at, &part, "Ring"),
                    3 => read(&mut loaded.full, &part, "Ring"),
                    _ => Ok(()),
                },
                Ok(None) => break Ok(()),
                Err(error) => Err(error),
            };
            if result.is_err() {
                break result;
            }
        };
        if result.is_ok() {
            if !loaded.is_sound() {
                return None;
            }
            *self = loaded;
        }
        Some(result)
    }
}

/// The fold (sum, maximum, minimum) of the last `len` values. The same `join` must be given to
/// each push; it must be associative up to rounding.
#[derive(Clone, Debug, PartialEq, Default)]
pub(crate) struct Window<T> {
    ring: Ring<T>,
    /// `suffix[i]`: the fold of the slots `i..` of the previous lap.
    suffix: Ring<T>,
    /// The fold of this lap's values.
    front: T,
    /// The fold of all values held.
    value: T,
}

impl<T: Copy + Default> Window<T> {
    pub(crate) fn new(bars: usize) -> Self {
        Self {
            ring: Ring::new(bars),
            suffix: Ring::new(bars),
            front: T::default(),
            value: T::default(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.ring.len()
    }

    /// Appends a value.
    #[inline]
    pub(crate) fn push(&mut self, value: T, join: impl Fn(T, T) -> T) {
        let slot = self.ring.at;
        self.ring.push(value);
        self.front = if slot == 0 { value } else { join(self.front, value) };
        if self.ring.at == 0 {
            self.value = self.front;
            self.end_lap(join);
        } else if self.ring.full {
            // A suffix of another length can only come from damaged bytes: skip it.
            let older = self.suffix.items.get(slot + 1).copied();
            self.value = older.map_or(self.front, |older| join(older, self.front));
        }
    }

    /// Makes the suffix folds of the lap that just ended.
    fn end_lap(&mut self, join: impl Fn(T, T) -> T) {
        let mut fold = None;
        for (slot, &item) in self.suffix.items.iter_mut().zip(&self.ring.items).rev() {
            let joined = fold.map_or(item, |later| join(item, later));
            *slot = joined;
            fold = Some(joined);
        }
    }

    /// Returns the fold once the window is full.
    #[inline]
    pub(crate) fn value(&self) -> Option<T> {
        self.ring.full.then_some(self.value)
    }

    /// Forgets the values and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.ring.clear();
    }
}

model::record!(Window<T> { 1: ring, 2: suffix, 3: front, 4: value });

#[cfg(test)]
mod tests {
    use super::*;

    /// The fold equals the plain fold of the last n values for every length and phase.
    #[test]
    fn folds_the_last_n_values() {
        let series: Vec<i64> = (0..200).map(|i| (i * 7919) % 101 - 50).collect();
        for n in [1, 2, 3, 7, 20] {
            let (mut sum, mut max) = (Window::new(n), Window::new(n));
            for (i, &x) in series.iter().enumerate() {
                sum.push(x, |a, b| a + b);
                max.push(x, i64::max);
                let expected = (i + 1 >= n).then(|| &series[i + 1 - n..=i]);
                assert_eq!(sum.value(), expected.map(|w| w.iter().sum()), "n {n} at {i}");
                assert_eq!(max.value(), expected.and_then(|w| w.iter().copied().max()));
            }
        }
    }

    /// A huge value leaves no trace in the sum after it has left the window.
    #[test]
    fn a_sum_does_not_drift() {
        let mut sum = Window::new(3);
        for x in [1e100, 0.1, 0.2, 0.3] {
            sum.push(x, |a: f64, b| a + b);
        }
        assert!((sum.value().unwrap() - 0.6).abs() < 1e-15);
    }

    /// Bytes of another shape are an error, not a later panic.
    #[test]
    fn refuses_an_impossible_ring() {
        let mut writer = Writer::new();
        writer.nested(1, |w| {
            w.field(1, &vec![1_i64, 2]);
            w.field(2, &5_usize);
        });
        let field = Reader::new(writer.bytes()).next_field().unwrap().unwrap();
        assert!(Ring::<i64>::default().get(&field).is_none());
    }
}
