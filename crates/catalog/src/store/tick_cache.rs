//! The compact cache of one session of prints or quotes, for loading speed; see
//! [`cache`](super::cache) for when a cache counts.
//!
//! Layout, little-endian: a header of 96 bytes, then the records. A record is the time and the
//! columns: narrow, five u32, the time in nanoseconds after the record before and each column in
//! multiples of its unit (the greatest common divisor of its values); else wide, five i64 as they
//! are. Places without a column are 0.

use model::Timestamp;

use super::cache::{Source, common_divisor};
use crate::tick::{Tick, TickKind};

const HEADER: usize = 96;
const VALUES: usize = 5;

fn magic(kind: TickKind) -> &'static [u8; 8] {
    match kind {
        TickKind::Trades => b"BWTRADE\x01",
        TickKind::Quotes => b"BWQUOTE\x01",
    }
}

/// Encodes ticks, ascending by time.
pub(crate) fn encode<T: Tick>(source: Source, ticks: &[T]) -> Vec<u8> {
    let base = ticks.first().map_or(0, |tick| tick.time().nanos());
    let mut units = [0_u64; 4];
    for tick in ticks {
        for (unit, value) in units.iter_mut().zip(tick.integers()) {
            if *unit != 1 {
                *unit = common_divisor(*unit, value.unsigned_abs());
            }
        }
    }
    let units = units.map(|unit| unit.max(1));
    let mut payload = Vec::with_capacity(ticks.len() * 4 * VALUES);
    let narrow = encode_narrow(ticks, base, units, &mut payload).is_some();
    if !narrow {
        payload.clear();
        for tick in ticks {
            payload.extend_from_slice(&tick.time().nanos().to_le_bytes());
            for value in tick.integers() {
                payload.extend_from_slice(&value.to_le_bytes());
            }
        }
    }
    let mut bytes = Vec::with_capacity(HEADER + payload.len());
    bytes.extend_from_slice(magic(T::KIND));
    bytes.extend_from_slice(&source.length.to_le_bytes());
    bytes.extend_from_slice(&source.crc.to_le_bytes());
    bytes.extend_from_slice(&u32::from(narrow).to_le_bytes());
    bytes.extend_from_slice(&(ticks.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&base.to_le_bytes());
    for unit in units {
        bytes.extend_from_slice(&unit.to_le_bytes());
    }
    bytes.extend_from_slice(&crc32c::crc32c(&payload).to_le_bytes());
    bytes.resize(HEADER - 4, 0);
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
    bytes.extend_from_slice(&payload);
    bytes
}

/// Writes narrow records; `None` when a value does not fit.
fn encode_narrow<T: Tick>(
    ticks: &[T],
    base: i64,
    units: [u64; 4],
    payload: &mut Vec<u8>,
) -> Option<()> {
    let mut before = base;
    for tick in ticks {
        let time = tick.time().nanos();
        let after = u32::try_from(time.checked_sub(before)?).ok()?;
        before = time;
        payload.extend_from_slice(&after.to_le_bytes());
        for (value, unit) in tick.integers().into_iter().zip(units) {
            let multiple = u64::try_from(value).ok()? / unit;
            payload.extend_from_slice(&u32::try_from(multiple).ok()?.to_le_bytes());
        }
    }
    Some(())
}

/// Decodes a cache made from `source`; `None` when it is stale or damaged in any way.
pub(crate) fn decode<T: Tick>(bytes: &[u8], source: Source) -> Option<Vec<T>> {
    let (header, payload) = bytes.split_at_checked(HEADER)?;
    let at = |from: usize| header[from..from + 8].try_into().map(u64::from_le_bytes).ok();
    let at4 = |from: usize| header[from..from + 4].try_into().map(u32::from_le_bytes).ok();
    if &header[..8] != magic(T::KIND) || at4(92)? != crc32c::crc32c(&header[..92]) {
        return None;
    }
    if at(8)? != source.length || at4(16)? != source.crc {
        return None;
    }
    let narrow = at4(20)? == 1;
    let count = usize::try_from(at(24)?).ok()?;
    let width = if narrow { 4 * VALUES } else { 8 * VALUES };
    if payload.len() != count.checked_mul(width)? || at4(72)? != crc32c::crc32c(payload) {
        return None;
    }
    let mut time = at(32)? as i64;
    let units: [u64; 4] = [at(40)?, at(48)?, at(56)?, at(64)?];
    let mut ticks = Vec::with_capacity(count);
    if narrow {
        let (records, _) = payload.as_chunks::<20>();
        ticks.extend(records.iter().map(|record| {
            let (values, _) = record.as_chunks::<4>();
            let value = |at: usize| u64::from(u32::from_le_bytes(values[at]));
            time = time.wrapping_add(value(0) as i64);
            let columns = |at: usize| value(at + 1).wrapping_mul(units[at]) as i64;
            T::from_integers(Timestamp::from_nanos(time), std::array::from_fn(columns))
        }));
    } else {
        let (records, _) = payload.as_chunks::<40>();
        ticks.extend(records.iter().map(|record| {
            let (values, _) = record.as_chunks::<8>();
            let value = |at: usize| i64::from_le_bytes(values[at]);
            let columns = std::array::from_fn(|at| value(at + 1));
            T::from_integers(Timestamp::from_nanos(value(0)), columns)
        }));
    }
    Some(ticks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Conditions, Price, Quantity, Trade};

    fn trades(count: i64, gap: i64) -> Vec<Trade> {
        (0..count)
            .map(|at| Trade {
                time: Timestamp::from_nanos(1_700_000_000_000_000_000 + at / 2 * gap),
                price: Price::from_raw((12_345 + at % 7) * 10_000_000),
                size: Quantity::from_shares(at + 1).unwrap(),
                sequence: 0,
                conditions: if at % 3 == 0 { Conditions::SELLER } else { Conditions::LATE },
            })
            .collect()
    }

    const SOURCE: Source = Source { length: 77, crc: 0xdead_beef };

    #[test]
    fn gives_back_the_ticks_narrow_and_wide() {
        for (gap, width) in [(2_300_000, 20), (5_000_000_000, 40)] {
            let ticks = trades(100, gap);
            let encoded = encode(SOURCE, &ticks);
            assert_eq!(encoded.len(), HEADER + 100 * width);
            assert_eq!(decode::<Trade>(&encoded, SOURCE).unwrap(), ticks);
        }
        assert_eq!(decode::<Trade>(&encode::<Trade>(SOURCE, &[]), SOURCE).unwrap(), []);
        let quotes = encode::<model::Quote>(SOURCE, &[]);
        assert!(decode::<Trade>(&quotes, SOURCE).is_none());
    }

    /// A cache is never trusted blindly: every flipped byte and every cut is noticed.
    #[test]
    fn notices_every_damage() {
        let encoded = encode(SOURCE, &trades(9, 1_000));
        for at in 0..encoded.len() {
            let mut damaged = encoded.clone();
            damaged[at] ^= 0x41;
            assert_eq!(decode::<Trade>(&damaged, SOURCE), None, "byte {at}");
            assert_eq!(decode::<Trade>(&encoded[..at], SOURCE), None, "cut at {at}");
        }
        assert_eq!(decode::<Trade>(&encoded, Source { crc: 1, ..SOURCE }), None);
    }
}
