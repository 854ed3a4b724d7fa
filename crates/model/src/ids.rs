//! Identifiers. Each is its own type, so that one cannot stand for another.

use std::fmt;
use std::str::FromStr;

use arrayvec::ArrayString;

/// A dense index of a symbol within one run; tables by symbol are plain vectors.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct SymbolId(pub u32);

/// A dense index of a strategy instance within one run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct StrategyId(pub u16);

/// A dense index of a broker within one run; 0 is the primary.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct BrokerId(pub u8);

/// A dense index of a market-data provider within one run; 0 is the primary.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct SourceId(pub u8);

/// The number of an order within an epoch: dense, ascending, never reused (R10).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct OrderNumber(pub u64);

/// The exits of one position: the orders of a group reduce each other when one fills.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct GroupId(pub u64);

impl SymbolId {
    /// Returns the index for use in a table by symbol.
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl StrategyId {
    /// Returns the index for use in a table by strategy.
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {expected}")]
pub struct ParseIdError {
    text: String,
    expected: &'static str,
}

/// A ticker: 1 to 16 characters of `A-Z 0-9 . - / _`, upper case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(ArrayString<16>);

impl Symbol {
    /// Returns the ticker's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Symbol {
    type Err = ParseIdError;

    /// Reads a ticker; lower case is raised.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseIdError {
            text: text.chars().take(40).collect(),
            expected: "a ticker (1 to 16 characters of A-Z 0-9 . - / _)",
        };
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '/' | '_');
        if text.is_empty() || !text.chars().all(allowed) {
            return Err(error());
        }
        let mut ticker = ArrayString::new();
        for c in text.chars() {
            ticker.try_push(c.to_ascii_uppercase()).map_err(|_| error())?;
        }
        Ok(Self(ticker))
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl serde::Serialize for Symbol {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Symbol {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What an order is for. Entries may open a position; the others only reduce one (I13).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum OrderRole {
    /// Opens a position.
    Entry,
    /// The protective stop of a position.
    Stop,
    /// The profit target of a position.
    Target,
    /// Closes a position now.
    Close,
}

impl OrderRole {
    /// Returns true for the roles that only reduce a position.
    #[inline]
    pub const fn is_exit(self) -> bool {
        !matches!(self, Self::Entry)
    }

    /// Returns the role's name in files and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Entry => "entry",
            Self::Stop => "stop",
            Self::Target => "target",
            Self::Close => "close",
        }
    }
}

/// Our own order id (ClOrdID), `<tag>-<epoch>-<n>-<attempt><E|X>` in at most 32 characters
/// (R10, journal.md 10). Kill and guard tell entries (`E`) from exits (`X`) by it alone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientOrderId {
    /// Up to four upper-case letters or digits that name this installation; zero padded.
    pub tag: [u8; 4],
    /// The fencing epoch of the process that made the id.
    pub epoch: u32,
    /// The order's number within the epoch.
    pub number: OrderNumber,
    /// 0 for the first sending, one more for each replacement or re-route.
    pub attempt: u16,
    /// True for an order that only reduces a position.
    pub exit: bool,
}

impl fmt::Display for ClientOrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for &byte in self.tag.iter().take_while(|&&byte| byte != 0) {
            write!(f, "{}", char::from(byte))?;
        }
        let kind = if self.exit { 'X' } else { 'E' };
        write!(f, "-{}-{}-{}{kind}", self.epoch, self.number.0, self.attempt)
    }
}

impl fmt::Debug for ClientOrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for ClientOrderId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseIdError {
            text: text.chars().take(40).collect(),
            expected: "a client order id such as BW-1-42-0E",
        };
        if text.len() > 32 {
            return Err(error());
        }
        let mut parts = text.split('-');
        let mut part = || parts.next().filter(|part| !part.is_empty()).ok_or_else(error);
        let (tag_text, epoch, number, last) = (part()?, part()?, part()?, part()?);
        if parts.next().is_some() || tag_text.len() > 4 {
            return Err(error());
        }
        let mut tag = [0; 4];
        for (slot, byte) in tag.iter_mut().zip(tag_text.bytes()) {
            if !(byte.is_ascii_uppercase() || byte.is_ascii_digit()) {
                return Err(error());
            }
            *slot = byte;
        }
        let exit = match last.as_bytes().last() {
            Some(b'X') => true,
            Some(b'E') => false,
            _ => return Err(error()),
        };
        let attempt = last.get(..last.len() - 1).and_then(|digits| digits.parse().ok());
        Ok(Self {
            tag,
            epoch: epoch.parse().map_err(|_| error())?,
            number: OrderNumber(number.parse().map_err(|_| error())?),
            attempt: attempt.ok_or_else(error)?,
            exit,
        })
    }
}

impl serde::Serialize for ClientOrderId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for ClientOrderId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The broker's id of one execution (ExecID): the key under which a fill is booked once (I4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExecId(ArrayString<40>);

impl ExecId {
    /// Makes an id from the broker's text; `None` when it is empty or over 40 bytes.
    pub fn new(text: &str) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        ArrayString::from(text).ok().map(Self)
    }

    /// Makes the id of a simulated execution, `S-<n>`.
    pub fn simulated(number: u64) -> Self {
        // Every simulated fill makes one: the digits are written without the formatter.
        let mut digits = [0_u8; 20];
        let mut begin = digits.len();
        let mut rest = number;
        loop {
            begin -= 1;
            if let Some(digit) = digits.get_mut(begin) {
                *digit = b'0' + (rest % 10) as u8;
            }
            rest /= 10;
            if rest == 0 || begin == 0 {
                break;
            }
        }
        let mut text = ArrayString::new();
        // 20 digits and the prefix fit into 40 bytes for every u64.
        let _ = text.try_push_str("S-");
        for &digit in digits.get(begin..).unwrap_or_default() {
            let _ = text.try_push(char::from(digit));
        }
        Self(text)
    }

    /// Returns the id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ExecId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ExecId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The broker's own id of an order (OrderID). It says which order is meant when one talks to the
/// broker; whose order it is says our own id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BrokerOrderId(ArrayString<40>);

impl BrokerOrderId {
    /// Makes an id from the broker's text; `None` when it is empty or over 40 bytes.
    pub fn new(text: &str) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        ArrayString::from(text).ok().map(Self)
    }

    /// Returns the id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BrokerOrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for BrokerOrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R10, journal.md 10: the id's form, its length, and that it reads back.
    #[test]
    fn client_ids_read_back() {
        let id = ClientOrderId {
            tag: *b"BW01",
            epoch: u32::MAX,
            number: OrderNumber(999_999_999),
            attempt: 999,
            exit: true,
        };
        let text = id.to_string();
        assert!(text.len() <= 32, "{text}");
        assert_eq!(text.parse::<ClientOrderId>(), Ok(id));
        let short: ClientOrderId = "B-1-42-0E".parse().unwrap();
        assert_eq!((short.exit, short.to_string().as_str()), (false, "B-1-42-0E"));
        for bad in ["", "B-1-42-0", "B-1-42-E", "b-1-42-0E", "B-1-42-0E-1", "TOOLONG-1-1-0E"] {
            assert!(bad.parse::<ClientOrderId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn simulated_executions_are_numbered() {
        for number in [0, 7, 10, 99, 1_234_567_890, u64::MAX] {
            assert_eq!(ExecId::simulated(number).as_str(), format!("S-{number}"));
        }
    }

    #[test]
    fn tickers_are_checked() {
        assert_eq!("brk.b".parse::<Symbol>().unwrap().as_str(), "BRK.B");
        for bad in ["", "A B", "ABCDEFGHIJKLMNOPQ", "É"] {
            assert!(bad.parse::<Symbol>().is_err(), "{bad}");
        }
    }
}
