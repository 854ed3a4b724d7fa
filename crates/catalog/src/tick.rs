//! Prints and quotes as rows of integers: what the store, the cache and the import share.

use model::{Conditions, Price, Quantity, Quote, Timestamp, Trade};

/// What ticks are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TickKind {
    /// Prints.
    Trades,
    /// Best bids and offers.
    Quotes,
}

impl TickKind {
    /// Both kinds.
    pub const ALL: [Self; 2] = [Self::Trades, Self::Quotes];

    /// Returns the name of the kind, which is that of its folder in a store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trades => "trades",
            Self::Quotes => "quotes",
        }
    }
}

/// A print or a quote that can be stored.
pub(crate) trait Tick: Copy + PartialEq {
    /// Which kind it is.
    const KIND: TickKind;
    /// Names of the columns after `ts`, at most four.
    const COLUMNS: &'static [&'static str];

    /// Returns when it happened.
    fn time(&self) -> Timestamp;

    /// Returns the values of the columns; places beyond them are 0.
    fn integers(&self) -> [i64; 4];

    /// Makes it of the values of its columns.
    fn from_integers(time: Timestamp, values: [i64; 4]) -> Self;
}

impl Tick for Trade {
    const KIND: TickKind = TickKind::Trades;
    const COLUMNS: &'static [&'static str] = &["price", "size", "conditions"];

    fn time(&self) -> Timestamp {
        self.time
    }

    fn integers(&self) -> [i64; 4] {
        [self.price.raw(), self.size.raw(), i64::from(self.conditions.bits()), 0]
    }

    fn from_integers(time: Timestamp, [price, size, conditions, _]: [i64; 4]) -> Self {
        Self {
            time,
            price: Price::from_raw(price),
            size: Quantity::from_raw(size),
            sequence: 0,
            conditions: Conditions::from_bits((conditions & 0xff) as u8),
        }
    }
}

impl Tick for Quote {
    const KIND: TickKind = TickKind::Quotes;
    const COLUMNS: &'static [&'static str] = &["bid", "ask", "bid_size", "ask_size"];

    fn time(&self) -> Timestamp {
        self.time
    }

    fn integers(&self) -> [i64; 4] {
        [self.bid.raw(), self.ask.raw(), self.bid_size.raw(), self.ask_size.raw()]
    }

    fn from_integers(time: Timestamp, [bid, ask, bid_size, ask_size]: [i64; 4]) -> Self {
        Self {
            time,
            bid: Price::from_raw(bid),
            ask: Price::from_raw(ask),
            bid_size: Quantity::from_raw(bid_size),
            ask_size: Quantity::from_raw(ask_size),
        }
    }
}
