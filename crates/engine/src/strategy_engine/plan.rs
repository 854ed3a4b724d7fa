//! What a strategy wants: entry, protective stop, targets, trail and time rules of one position.
//!
//! A plan is complete: once it is in force the order manager runs every exit from it without
//! asking the strategy, so exits work while a strategy is paused or cold (journal.md 8).

use model::{Bar, OrderKind, Ppm, Price, Quantity, Rounding, Timestamp, record, record_enum};

/// The direction of a position.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Direction {
    /// Profits from rising prices.
    #[default]
    Long,
    /// Profits from falling prices.
    Short,
}

impl Direction {
    /// Returns +1 for long and -1 for short.
    #[inline]
    pub const fn sign(self) -> i64 {
        match self {
            Self::Long => 1,
            Self::Short => -1,
        }
    }

    /// Returns how far `price` lies in the position's favour from `from`; negative against it.
    #[inline]
    pub const fn favour(self, from: Price, price: Price) -> Price {
        match self {
            Self::Long => price.minus(from),
            Self::Short => from.minus(price),
        }
    }

    /// Returns the price that is more in the position's favour.
    #[inline]
    pub fn better(self, a: Price, b: Price) -> Price {
        match self {
            Self::Long => a.max(b),
            Self::Short => a.min(b),
        }
    }

    /// Returns the price that is less in the position's favour.
    #[inline]
    pub fn worse(self, a: Price, b: Price) -> Price {
        match self {
            Self::Long => a.min(b),
            Self::Short => a.max(b),
        }
    }

    /// Returns the extreme of a bar in the position's favour.
    #[inline]
    pub const fn best_of(self, bar: &Bar) -> Price {
        match self {
            Self::Long => bar.high,
            Self::Short => bar.low,
        }
    }

    /// Returns the extreme of a bar against the position.
    #[inline]
    pub const fn worst_of(self, bar: &Bar) -> Price {
        match self {
            Self::Long => bar.low,
            Self::Short => bar.high,
        }
    }

    /// Returns how a price is rounded against the position: its stop lies farther away, its entry
    /// limit is less aggressive (TB11).
    #[inline]
    pub const fn rounding(self) -> Rounding {
        match self {
            Self::Long => Rounding::Down,
            Self::Short => Rounding::Up,
        }
    }

    /// Returns the price `steps` ticks in the position's favour from `price`; negative steps lie
    /// against it.
    #[inline]
    pub const fn ticks_from(self, price: Price, tick: Price, steps: i64) -> Price {
        price.offset(tick, self.sign() * steps)
    }

    /// Returns the price that lies a part of `price` in the position's favour from it.
    #[inline]
    pub fn part_from(self, price: Price, part: Ppm) -> Price {
        price.times_ppm(1_000_000 + self.sign() * part.0)
    }
}

/// How many shares.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Size {
    /// As many as the risk to the protective stop allows (TS1-TS4).
    ByRisk {
        /// Smallest distance to the stop, as a part of the entry price (TS2).
        min_stop: Ppm,
        /// Largest distance to the stop, as a part of the entry price (TS2).
        max_stop: Ppm,
    },
    /// A fixed quantity; the gate's caps still apply.
    Fixed(Quantity),
}

impl Default for Size {
    fn default() -> Self {
        Self::Fixed(Quantity::ZERO)
    }
}

/// Where a target lies. R is the distance from the average entry to the initial stop (TS7).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TargetAt {
    /// A multiple of R from the average entry.
    R(Ppm),
    /// The high (short: low) of the day at the decision if it is at least `min_r` away, else
    /// `or_r` from the entry (TV16).
    DayExtreme {
        /// The extreme of the day when the entry was decided.
        extreme: Price,
        /// Smallest distance in R for the extreme to be the target.
        min_r: Ppm,
        /// Distance in R otherwise.
        or_r: Ppm,
    },
}

impl Default for TargetAt {
    fn default() -> Self {
        Self::R(Ppm(1_000_000))
    }
}

/// A profit target for a part of the position.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Target {
    /// Where it lies.
    pub at: TargetAt,
    /// Part of the entered quantity; rounds down to a share, at least one (TG22).
    pub fraction: Ppm,
}

/// When the protective stop moves to the entry price.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Breakeven {
    /// It never does.
    #[default]
    Never,
    /// When the first target has filled (TG23).
    FirstTarget,
    /// When the price touched a multiple of R.
    AtR(Ppm),
}

/// A close-based exit, judged at each bar's close (TG24, TV17).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum TrailRule {
    /// None.
    #[default]
    Off,
    /// A close beyond the EMA(9) of all bars of the day (TI18).
    Ema9,
    /// So many closes in a row beyond the session VWAP.
    Vwap {
        /// Closes needed.
        closes: u8,
    },
    /// A close below the lowest low (short: above the highest high) of the bars before.
    LowOf {
        /// Number of bars, 1 to 19.
        bars: u8,
    },
    /// A close farther than this many ATR(14) from the best close since the entry.
    Atr {
        /// Multiple of the ATR.
        multiple: Ppm,
    },
}

/// A trail and when it begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Trail {
    /// What is judged.
    pub rule: TrailRule,
    /// True when it begins with the fill of the first target, false when with the entry.
    pub after_first_target: bool,
}

/// The complete plan of one entry and its exits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Plan {
    /// Long or short.
    pub direction: Direction,
    /// The entry order's kind and prices.
    pub entry: OrderKind,
    /// The entry price used for sizing: the trigger or the limit; for a market order the last
    /// price (TS1).
    pub reference: Price,
    /// The protective stop; `None` makes an unprotected plan (backtest and demo only).
    pub stop: Option<Price>,
    /// How many shares.
    pub size: Size,
    /// Targets in the order in which they are reached.
    pub targets: [Option<Target>; 3],
    /// When the stop moves to the entry price.
    pub breakeven: Breakeven,
    /// Close-based exit.
    pub trail: Trail,
    /// Minutes within which +1R must be touched (TG25, TV18).
    pub time_stop_minutes: Option<u32>,
    /// When the position must be flat (TG26, TV20).
    pub flat_by: Option<Timestamp>,
    /// When an unfilled entry is withdrawn (TV13).
    pub expires: Option<Timestamp>,
}

impl Plan {
    /// Returns the price at which the entry is worth most: of a purchase its limit, else the
    /// reference with 3 % on top (TS1, C01); of a short sale, which trades at its limit or above,
    /// the higher of both.
    #[inline]
    pub fn worst_price(&self) -> Price {
        const MARKET_PPM: i64 = 30_000;
        let market = || self.reference.plus(self.reference.times_ppm(MARKET_PPM));
        let limit = self.entry.limit().unwrap_or_else(market);
        match self.direction {
            Direction::Long => limit,
            Direction::Short => limit.max(self.reference),
        }
    }

    /// Returns the distance from the reference to the stop, in the position's disfavour (TS2).
    #[inline]
    pub fn stop_distance(&self) -> Option<Price> {
        self.stop.map(|stop| self.direction.favour(stop, self.reference))
    }

    /// Returns true when a working entry must be replaced to follow this plan: trigger, limit,
    /// protective stop or expiry differ (TG34).
    #[inline]
    pub fn differs_from(&self, working: &Self) -> bool {
        self.entry != working.entry
            || self.stop != working.stop
            || self.expires != working.expires
            || self.direction != working.direction
    }
}

record_enum!(Direction { 0: Long, 1: Short });
record_enum!(Size {
    0: ByRisk { 1: min_stop: Ppm, 2: max_stop: Ppm },
    1: Fixed(Quantity),
});
record_enum!(TargetAt {
    0: R(Ppm),
    1: DayExtreme { 1: extreme: Price, 2: min_r: Ppm, 3: or_r: Ppm },
});
record!(Target { 1: at, 2: fraction });
record_enum!(Breakeven { 0: Never, 1: FirstTarget, 2: AtR(Ppm) });
record_enum!(TrailRule {
    0: Off, 1: Ema9, 2: Vwap { 1: closes: u8 }, 3: LowOf { 1: bars: u8 },
    4: Atr { 1: multiple: Ppm },
});
record!(Trail { 1: rule, 2: after_first_target });
record!(Plan {
    1: direction,
    2: entry,
    3: reference,
    4: stop,
    5: size,
    6: targets,
    7: breakeven,
    8: trail,
    9: time_stop_minutes,
    10: flat_by,
    11: expires,
});
