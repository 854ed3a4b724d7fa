//! Market data: bars, quotes, trades and halts of one symbol, and the events that carry them.

use crate::{MINUTE_NS, Price, Quantity, SymbolId, Timestamp, Volume};

/// One minute of prices, named by its start; it is knowable at its end and not before (TB1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Bar {
    /// When the minute begins.
    pub start: Timestamp,
    /// First price.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Last price.
    pub close: Price,
    /// Shares traded; 0 is allowed and counts for price, not for VWAP (TB5).
    pub volume: Volume,
}

/// Why a bar is not usable (F24, F25).
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BarFault {
    /// A price is zero or negative.
    #[error("price_not_positive")]
    PriceNotPositive,
    /// Not low <= open, close <= high.
    #[error("ohlc_order")]
    OhlcOrder,
    /// The start is not on a whole minute.
    #[error("not_on_minute")]
    NotOnMinute,
    /// The bar is not newer than the last one of its symbol.
    #[error("out_of_order")]
    OutOfOrder,
    /// The same bar again.
    #[error("repeated")]
    Repeated,
    /// Other values for a bar that is known already (TB8).
    #[error("corrected")]
    Corrected,
    /// Bars before it are missing and not back-filled yet (F24).
    #[error("in_a_gap")]
    InAGap,
    /// The bar ends after the current time.
    #[error("from_the_future")]
    FromTheFuture,
    /// Outside 04:00-20:00 New York or on a day without a session.
    #[error("off_calendar")]
    OffCalendar,
}

impl Bar {
    /// Returns when the minute ends: the earliest time at which the bar is known (TB1).
    #[inline]
    pub const fn end(&self) -> Timestamp {
        self.start.plus_nanos(MINUTE_NS)
    }

    /// Checks what can be seen in the bar alone: prices above zero and in order (F25).
    #[inline]
    pub fn check(&self) -> Result<(), BarFault> {
        if self.low.raw() <= 0 {
            return Err(BarFault::PriceNotPositive);
        }
        let ordered = self.low <= self.open
            && self.low <= self.close
            && self.open <= self.high
            && self.close <= self.high;
        if ordered { Ok(()) } else { Err(BarFault::OhlcOrder) }
    }

    /// Returns the typical price (high + low + close) / 3 as a float (TI9).
    #[inline]
    pub fn typical(&self) -> f64 {
        (self.high.to_f64() + self.low.to_f64() + self.close.to_f64()) / 3.0
    }
}

/// The best bid and offer at one instant.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Quote {
    /// When the quote was made.
    pub time: Timestamp,
    /// Best bid.
    pub bid: Price,
    /// Best offer.
    pub ask: Price,
    /// Shares bid.
    pub bid_size: Quantity,
    /// Shares offered.
    pub ask_size: Quantity,
}

impl Quote {
    /// Returns true when both sides are there, with sizes, and neither crossed nor locked (C28).
    #[inline]
    pub fn is_valid(&self) -> bool {
        self.bid.is_positive()
            && self.ask > self.bid
            && self.bid_size.is_positive()
            && self.ask_size.is_positive()
    }
}

/// One print.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Trade {
    /// When the trade was made.
    pub time: Timestamp,
    /// Price of the trade.
    pub price: Price,
    /// Shares traded.
    pub size: Quantity,
    /// The source's number of the print within a symbol and day, ascending; its low 32 bits, and
    /// 0 where a source numbers nothing (F24).
    pub sequence: u32,
    /// What kind of print it is.
    pub conditions: Conditions,
}

/// Marks of a print: what it must not be used for, and who was the aggressor.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Conditions(u8);

impl Conditions {
    /// A regular print.
    pub const REGULAR: Self = Self(0);
    /// Reported late or out of sequence.
    pub const LATE: Self = Self(1);
    /// An odd lot, where the feed marks it as such.
    pub const ODD_LOT: Self = Self(2);
    /// The price derives from another market or an average.
    pub const DERIVATIVE: Self = Self(4);
    /// The buyer was the aggressor.
    pub const BUYER: Self = Self(8);
    /// The seller was the aggressor.
    pub const SELLER: Self = Self(16);

    /// Returns the conditions of both.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns true when `other` is among the conditions.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Returns true when the print may set a price (C29): not late, odd or derivative.
    #[inline]
    pub const fn sets_price(self) -> bool {
        self.0 & (Self::LATE.0 | Self::ODD_LOT.0 | Self::DERIVATIVE.0) == 0
    }

    /// Returns the bits, for storage.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Makes conditions of stored bits.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }
}

/// A trading pause in one symbol, or its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Halt {
    /// When trading stopped or started again.
    pub time: Timestamp,
    /// True when trading stops, false when it starts again.
    pub halted: bool,
}

/// Price bands of one symbol (limit up, limit down), and whether trading stands at one of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Bands {
    /// When the bands were set or the limit state began or ended.
    pub time: Timestamp,
    /// Lowest price at which may be traded.
    pub lower: Price,
    /// Highest price at which may be traded.
    pub upper: Price,
    /// The best quote stands at a band: after 15 s of it trading is paused.
    pub limit_state: bool,
}

/// A market-wide circuit breaker: the S&P 500 fell by 7 % (level 1), 13 % (2) or 20 % (3).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Breaker {
    /// When it was triggered.
    pub time: Timestamp,
    /// 1, 2 or 3.
    pub level: u8,
}

/// A market-data event of one symbol.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum MarketEvent {
    /// A closed minute.
    Bar {
        /// Its symbol.
        symbol: SymbolId,
        /// The minute.
        bar: Bar,
    },
    /// A quote.
    Quote {
        /// Its symbol.
        symbol: SymbolId,
        /// The quote.
        quote: Quote,
    },
    /// A print.
    Trade {
        /// Its symbol.
        symbol: SymbolId,
        /// The print.
        trade: Trade,
    },
    /// The source is alive and has nothing else to say (C28).
    #[default]
    Heartbeat,
    /// Events of a symbol were lost before they reached the core (F24).
    Gap {
        /// Its symbol.
        symbol: SymbolId,
        /// How many, as far as is known.
        missing: u64,
    },
    /// A closed minute that was missing: strategies evaluate it and open nothing.
    Backfill {
        /// Its symbol.
        symbol: SymbolId,
        /// The minute.
        bar: Bar,
    },
    /// Every minute that had ended is there again.
    BackfillEnd {
        /// Its symbol.
        symbol: SymbolId,
    },
    /// A trading pause or its end.
    Halt {
        /// Its symbol.
        symbol: SymbolId,
        /// The pause.
        halt: Halt,
    },
    /// The price bands of a symbol, or its limit state (C21).
    Bands {
        /// Its symbol.
        symbol: SymbolId,
        /// The bands.
        bands: Bands,
    },
    /// A market-wide circuit breaker (C22).
    Breaker(Breaker),
}
