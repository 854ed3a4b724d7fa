//! The compact cache: the bars of one Parquet file in fixed-width records, for loading speed.
//!
//! A cache names the length and CRC-32C of the Parquet file it was made from and carries its own
//! checksums. It is used only when all of them agree with what is on disk now; otherwise it is
//! made again. (Content decides, not the modification time, which copying and restoring change.)
//!
//! Layout, little-endian: a header of 64 bytes, then `count` records. A record is the start in
//! minutes after the first bar, then open, high, low and close in multiples of `unit` (their
//! greatest common divisor), then the volume: six u32 where all fit, else six u64.

use model::{Bar, MINUTE_NS, Price, Timestamp, Volume};

const MAGIC: &[u8; 8] = b"BWBARS\x00\x01";
const HEADER: usize = 64;

/// The identity of a Parquet file's content.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Source {
    /// Length in bytes.
    pub(crate) length: u64,
    /// CRC-32C of all bytes.
    pub(crate) crc: u32,
}

impl Source {
    /// Returns the identity of these bytes.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self { length: bytes.len() as u64, crc: crc32c::crc32c(bytes) }
    }
}

/// Encodes bars, ascending by start; `None` when they do not fit the layout.
pub(crate) fn encode(source: Source, bars: &[Bar]) -> Option<Vec<u8>> {
    let base = bars.first().map_or(0, |bar| bar.start.nanos());
    let mut unit = 0_u64;
    for bar in bars {
        for price in [bar.open, bar.high, bar.low, bar.close] {
            unit = common_divisor(unit, price.raw().unsigned_abs());
        }
    }
    let unit = i64::try_from(unit.max(1)).ok()?;
    let mut records = Vec::with_capacity(bars.len());
    for bar in bars {
        let from_base = bar.start.nanos().checked_sub(base)?;
        if from_base % MINUTE_NS != 0 {
            return None;
        }
        let minutes = u64::try_from(from_base / MINUTE_NS).ok()?;
        let price = |price: Price| u64::try_from(price.raw() / unit).ok();
        let (open, high) = (price(bar.open)?, price(bar.high)?);
        let (low, close) = (price(bar.low)?, price(bar.close)?);
        records.push([minutes, open, high, low, close, bar.volume.0]);
    }
    let narrow = records.iter().flatten().all(|&value| u32::try_from(value).is_ok());
    let mut payload = Vec::with_capacity(records.len() * if narrow { 24 } else { 48 });
    for value in records.iter().flatten() {
        if narrow {
            payload.extend_from_slice(&(*value as u32).to_le_bytes());
        } else {
            payload.extend_from_slice(&value.to_le_bytes());
        }
    }
    let mut bytes = Vec::with_capacity(HEADER + payload.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&source.length.to_le_bytes());
    bytes.extend_from_slice(&source.crc.to_le_bytes());
    bytes.extend_from_slice(&u32::from(narrow).to_le_bytes());
    bytes.extend_from_slice(&(records.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&base.to_le_bytes());
    bytes.extend_from_slice(&unit.to_le_bytes());
    bytes.extend_from_slice(&crc32c::crc32c(&payload).to_le_bytes());
    bytes.resize(HEADER - 4, 0);
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
    bytes.extend_from_slice(&payload);
    Some(bytes)
}

/// Returns about how many bars a cache of so many bytes holds, never fewer.
pub(crate) const fn bars_in(bytes: u64) -> u64 {
    bytes.saturating_sub(HEADER as u64) / 24
}

/// Decodes a cache made from `source`; `None` when it is stale or damaged in any way. The list
/// has room for `spare` more bars, so that the next year's are not copied together.
pub(crate) fn decode(bytes: &[u8], source: Source, spare: usize) -> Option<Vec<Bar>> {
    let (header, payload) = bytes.split_at_checked(HEADER)?;
    let at = |from: usize| header[from..from + 8].try_into().map(u64::from_le_bytes).ok();
    let at4 = |from: usize| header[from..from + 4].try_into().map(u32::from_le_bytes).ok();
    if &header[..8] != MAGIC || at4(60)? != crc32c::crc32c(&header[..60]) {
        return None;
    }
    if at(8)? != source.length || at4(16)? != source.crc {
        return None;
    }
    let narrow = at4(20)? == 1;
    let count = usize::try_from(at(24)?).ok()?;
    let width = if narrow { 24 } else { 48 };
    if payload.len() != count.checked_mul(width)? || at4(48)? != crc32c::crc32c(payload) {
        return None;
    }
    let base = at(32)? as i64;
    let unit = at(40)? as i64;
    let bar = |[minutes, open, high, low, close, volume]: [u64; 6]| {
        let price = |multiple: u64| Price::from_raw((multiple as i64).wrapping_mul(unit));
        Bar {
            start: Timestamp::from_nanos(
                base.wrapping_add((minutes as i64).wrapping_mul(MINUTE_NS)),
            ),
            open: price(open),
            high: price(high),
            low: price(low),
            close: price(close),
            volume: Volume(volume),
        }
    };
    let mut bars = Vec::with_capacity(count.checked_add(spare)?);
    if narrow {
        let (records, _) = payload.as_chunks::<24>();
        bars.extend(records.iter().map(|record| {
            let (values, _) = record.as_chunks::<4>();
            bar(std::array::from_fn(|at| u64::from(u32::from_le_bytes(values[at]))))
        }));
    } else {
        let (records, _) = payload.as_chunks::<48>();
        bars.extend(records.iter().map(|record| {
            let (values, _) = record.as_chunks::<8>();
            bar(std::array::from_fn(|at| u64::from_le_bytes(values[at])))
        }));
    }
    Some(bars)
}

pub(super) fn common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bars(count: i64, cents: i64) -> Vec<Bar> {
        let price = |at: i64, plus: i64| Price::from_raw((cents + at % 7 + plus) * 10_000_000);
        (0..count)
            .map(|at| Bar {
                start: Timestamp::from_nanos((26_000_000 + at * 3) * MINUTE_NS),
                open: price(at, 1),
                high: price(at, 3),
                low: price(at, 0),
                close: price(at, 2),
                volume: Volume(at as u64 * 1000),
            })
            .collect()
    }

    const SOURCE: Source = Source { length: 77, crc: 0xdead_beef };

    #[test]
    fn gives_back_the_bars_narrow_and_wide() {
        let narrow = bars(100, 12_345);
        let encoded = encode(SOURCE, &narrow).unwrap();
        assert_eq!(encoded.len(), HEADER + 100 * 24);
        assert_eq!(decode(&encoded, SOURCE, 0).unwrap(), narrow);
        let mut wide = bars(100, 12_345);
        wide[50].volume = Volume(5_000_000_000);
        wide[51].high = Price::from_raw(wide[51].high.raw() + 1);
        let encoded = encode(SOURCE, &wide).unwrap();
        assert_eq!(encoded.len(), HEADER + 100 * 48);
        assert_eq!(decode(&encoded, SOURCE, 0).unwrap(), wide);
        assert_eq!(decode(&encode(SOURCE, &[]).unwrap(), SOURCE, 0).unwrap(), []);
    }

    /// A cache is never trusted blindly: every flipped byte and every cut is noticed.
    #[test]
    fn notices_every_damage() {
        let bars = bars(20, 999);
        let encoded = encode(SOURCE, &bars).unwrap();
        for at in 0..encoded.len() {
            let mut damaged = encoded.clone();
            damaged[at] ^= 0x41;
            assert_eq!(decode(&damaged, SOURCE, 0), None, "byte {at}");
            assert_eq!(decode(&encoded[..at], SOURCE, 0), None, "cut at {at}");
        }
        let other = Source { crc: 1, ..SOURCE };
        assert_eq!(decode(&encoded, other, 0), None);
        assert_eq!(decode(&encoded, Source { length: 1, ..SOURCE }, 0), None);
    }
}
