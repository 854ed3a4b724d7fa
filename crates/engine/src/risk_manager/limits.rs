//! The limits in force. `None` switches a limit off (style.md 11).

use model::{Cash, MINUTE_NS, Ppm, Price, SECOND_NS, Symbol, Volume, record, record_enum};

use super::controls::DayTradeRule;
use super::rate::RateLimit;

/// What kind of account it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum AccountType {
    /// The broker lends: purchases need no settled cash, shares may be sold short.
    #[default]
    Margin,
    /// Only settled cash is spent, nothing is sold short (C25).
    Cash,
}

impl AccountType {
    /// Names in the configuration, in the order of the variants.
    pub const NAMES: &[&str] = &["margin", "cash"];

    /// Returns the name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Margin => "margin",
            Self::Cash => "cash",
        }
    }
}

/// Limits of the gate and of sizing. Fractions are parts of the day's equity unless said.
#[derive(Clone, PartialEq, Debug)]
pub struct Limits {
    /// Risk of one trade (TS3), 0.5 %.
    pub risk_per_trade: Ppm,
    /// Smallest quantity worth trading (TS4), 1 share.
    pub min_quantity: i64,
    /// Smallest risk worth trading (TS4), 20 USD.
    pub min_risk: Option<Cash>,
    /// Smallest stop distance in ticks (TS2), 3.
    pub min_stop_ticks: i64,
    /// Largest value of one order, absolute (C02), 20,000 USD.
    pub max_order_value: Option<Cash>,
    /// Largest value of one order as a part of equity (C02), 20 %.
    pub max_order_value_pct: Option<Ppm>,
    /// Largest number of shares of one order (C03), 5,000; also the slice of a flatten (C41).
    pub max_order_quantity: Option<i64>,
    /// Part of the volume of the last five bars that one order may be (C03, TS3), 10 %.
    pub max_recent_volume_pct: Option<Ppm>,
    /// Part of ADV20 that one order may be (C03, TS3), 1 %.
    pub max_adv_pct: Option<Ppm>,
    /// Whether limits far through the touch are refused (C04): 3, 5 or 10 % by price.
    pub price_collar: bool,
    /// How far past the touch the limit lies that a market entry is sent with (C04), 1 %; `None`
    /// sends it at the market (backtest and demo).
    pub market_collar_pct: Option<Ppm>,
    /// Largest value held in one symbol (C06), 20 %.
    pub max_position_size_pct: Option<Ppm>,
    /// Symbols with a position or an opening order (C07), 5.
    pub max_positions: Option<u32>,
    /// Value of all positions and entries, long and short together (C08), 100 %.
    pub max_gross_pct: Option<Ppm>,
    /// Value of long less short, or short less long, entries counted on their side (C08), 100 %.
    pub max_net_pct: Option<Ppm>,
    /// Value of all positions and entries as a multiple of equity (C08), 1.0.
    pub max_leverage: Option<Ppm>,
    /// Part of the buying power left (equity less what is held and ordered, and what the broker
    /// reports) that one entry may use (TS3, C09), 95 %.
    pub buying_power_pct: Option<Ppm>,
    /// Age in nanoseconds from which a broker's account figures block opening (C09), 60 s. A
    /// broker that never reported any is not asked for them.
    pub max_account_age_ns: Option<i64>,
    /// Loss of a day (C10), 5 %.
    pub max_daily_loss_pct: Option<Ppm>,
    /// Part of the daily loss limit at which a warning is raised (C10), 50 %.
    pub loss_warn_pct: Ppm,
    /// Part of the daily loss limit at which only exits pass (C10), 80 %.
    pub loss_reduce_only_pct: Ppm,
    /// Fall of the equity from its peak over days (C11), as a part of the peak; 10 % in paper
    /// and live.
    pub max_drawdown_pct: Option<Ppm>,
    /// Losing trades in a row that pause a strategy (C11); 5 in paper and live.
    pub max_losing_streak: Option<u32>,
    /// Opening orders of the whole process (C12).
    pub process_rate: Option<RateLimit>,
    /// Opening orders of one strategy (C12).
    pub strategy_rate: Option<RateLimit>,
    /// Opening orders in one symbol (C12).
    pub symbol_rate: Option<RateLimit>,
    /// Messages a minute that a broker allows (C13); 80 % of them are used, half kept for exits,
    /// cancels and queries. `None`: the broker has no limit.
    pub broker_messages_per_minute: Option<u32>,
    /// Entries of one strategy in one symbol and side within [`Self::repeat_window_ns`] (C14); 3
    /// in paper and live.
    pub max_repeated_entries: Option<u32>,
    /// Nanoseconds over which repeated entries are counted (C14), 30 minutes.
    pub repeat_window_ns: i64,
    /// Nanoseconds within which an equal order is a duplicate (C15), 2 s.
    pub duplicate_window_ns: Option<i64>,
    /// Orders at work in all symbols (C17), 20.
    pub max_open_orders: Option<u32>,
    /// Orders at work in one symbol (C17), 3.
    pub max_symbol_orders: Option<u32>,
    /// Nanoseconds after which an entry that its strategy no longer states is cancelled (C17);
    /// `None` in backtest and demo, where a minute without a trade has no bar.
    pub max_order_age_ns: Option<i64>,
    /// One strategy per symbol (C18, `symbol_taken`).
    pub exclusive_symbols: bool,
    /// Never two live opposite orders in a symbol (C18).
    pub self_trade_prevention: bool,
    /// Whether short sales may be opened at all (C19); a strategy's own parameter asks for them.
    pub allow_shorts: bool,
    /// Whether nothing is sold short after a fall of 10 % for that day and the next (C20).
    pub short_sale_restriction: bool,
    /// Nanoseconds before the close at which opening ends (C23), 15 minutes.
    pub opening_ends_before_close_ns: i64,
    /// Nanoseconds before the close at which positions are closed (C23), 5 minutes.
    pub flat_before_close_ns: Option<i64>,
    /// Which rule for day trades the account is under (C24).
    pub day_trade_rule: DayTradeRule,
    /// Lowest price at which a symbol may be opened (C27); 2 USD in paper and live.
    pub min_price: Option<Price>,
    /// Highest price at which a symbol may be opened (C27); 1,000 USD in paper and
    /// live.
    pub max_price: Option<Price>,
    /// Smallest ADV20 in shares of a symbol that may be opened (C27); 500,000 in paper and live.
    pub min_adv: Option<i64>,
    /// Symbols in which nothing is opened (C27).
    pub restricted: Vec<Symbol>,
    /// The only symbols in which something is opened (C27); empty: the run's universe.
    pub allowed: Vec<Symbol>,
    /// Whether a plan without a protective stop may open (backtest and demo only).
    pub allow_unprotected: bool,
    /// What kind of account it is (C25), margin.
    pub account: AccountType,
    /// Whether an entry that would wash a loss of the last 30 days is refused (C26), no.
    pub block_wash_sale_reentry: bool,
    /// Whether a missing reference value rejects opening (paper and live) or its term is skipped
    /// and listed as not checked (backtest and demo; design.md 6).
    pub require_reference: bool,
    /// Whether compiled ceilings, C12, C14 and C15 are lifted (`risk.ceilings = test`, C42); live
    /// refuses it.
    pub test_ceilings: bool,
}

impl Default for Limits {
    /// The limits of backtest and demo: what waits for a person who resumes (C11, C14) and what
    /// chooses a universe (C27) is off, since a run has no person and its universe is given.
    fn default() -> Self {
        Self {
            risk_per_trade: Ppm(5_000),
            min_quantity: 1,
            min_risk: Cash::from_dollars(20),
            min_stop_ticks: 3,
            max_order_value: Cash::from_dollars(20_000),
            max_order_value_pct: Some(Ppm(200_000)),
            max_order_quantity: Some(5_000),
            max_recent_volume_pct: Some(Ppm(100_000)),
            max_adv_pct: Some(Ppm(10_000)),
            price_collar: true,
            market_collar_pct: None,
            max_position_size_pct: Some(Ppm(200_000)),
            max_positions: Some(5),
            max_gross_pct: Some(Ppm(1_000_000)),
            max_net_pct: Some(Ppm(1_000_000)),
            max_leverage: Some(Ppm(1_000_000)),
            buying_power_pct: Some(Ppm(950_000)),
            max_account_age_ns: Some(60 * SECOND_NS),
            max_daily_loss_pct: Some(Ppm(50_000)),
            loss_warn_pct: Ppm(500_000),
            loss_reduce_only_pct: Ppm(800_000),
            max_drawdown_pct: None,
            max_losing_streak: None,
            process_rate: Some(RateLimit::DEFAULT),
            strategy_rate: Some(RateLimit::DEFAULT),
            symbol_rate: Some(RateLimit::DEFAULT),
            broker_messages_per_minute: None,
            max_repeated_entries: None,
            repeat_window_ns: 30 * MINUTE_NS,
            duplicate_window_ns: Some(2 * SECOND_NS),
            max_open_orders: Some(20),
            max_symbol_orders: Some(3),
            max_order_age_ns: None,
            exclusive_symbols: true,
            self_trade_prevention: true,
            allow_shorts: true,
            short_sale_restriction: true,
            opening_ends_before_close_ns: 15 * MINUTE_NS,
            flat_before_close_ns: Some(5 * MINUTE_NS),
            day_trade_rule: DayTradeRule::None,
            min_price: None,
            max_price: None,
            min_adv: None,
            restricted: Vec::new(),
            allowed: Vec::new(),
            allow_unprotected: true,
            account: AccountType::Margin,
            block_wash_sale_reentry: false,
            require_reference: false,
            test_ceilings: false,
        }
    }
}

impl Limits {
    /// Returns limits that never bind, for comparisons with other engines: the machinery runs,
    /// every control is evaluated, none refuses a valid order.
    pub fn unlimited() -> Self {
        Self {
            min_quantity: 1,
            min_risk: None,
            min_stop_ticks: 1,
            max_order_value: None,
            max_order_value_pct: None,
            max_position_size_pct: None,
            max_positions: None,
            max_daily_loss_pct: None,
            buying_power_pct: None,
            max_recent_volume_pct: None,
            max_adv_pct: None,
            max_order_quantity: None,
            price_collar: false,
            max_gross_pct: None,
            max_net_pct: None,
            max_leverage: None,
            max_account_age_ns: None,
            process_rate: None,
            strategy_rate: None,
            symbol_rate: None,
            duplicate_window_ns: None,
            max_open_orders: None,
            max_symbol_orders: None,
            exclusive_symbols: false,
            self_trade_prevention: false,
            short_sale_restriction: false,
            opening_ends_before_close_ns: 0,
            flat_before_close_ns: None,
            ..Self::default()
        }
    }

    /// Returns the limits of paper and live: what a backtest cannot know is asked for, market
    /// entries go as marketable limits (C04), shorts are off (C19), stale entries are cancelled
    /// (C17).
    pub fn for_real_orders() -> Self {
        Self {
            market_collar_pct: Some(Ppm(10_000)),
            // The strategies state their entries at each minute's bar: the 60 s of C17 begin when
            // the next statement is due, with the room that C28 gives a bar.
            max_order_age_ns: Some(90 * SECOND_NS),
            max_drawdown_pct: Some(Ppm(100_000)),
            max_losing_streak: Some(5),
            max_repeated_entries: Some(3),
            min_price: Some(Price::from_raw(2_000_000_000)),
            max_price: Some(Price::from_raw(1_000_000_000_000)),
            min_adv: Some(500_000),
            allow_shorts: false,
            allow_unprotected: false,
            require_reference: true,
            ..Self::default()
        }
    }

    /// Returns limits with every optional one off, as the ground on which an encoding is read: an
    /// absent field is an absent limit.
    pub(crate) fn absent() -> Self {
        Self {
            max_recent_volume_pct: None,
            market_collar_pct: None,
            broker_messages_per_minute: None,
            max_order_age_ns: None,
            ..Self::unlimited()
        }
    }

    /// Returns the limits of a strategy's first live sessions (C38): a tenth of the risk of a
    /// trade, of an order and of a position, rounded down. The smallest risk worth trading (TS4)
    /// shrinks with them, or small accounts would never trade.
    #[must_use]
    pub fn small(&self) -> Self {
        let tenth = |part: Ppm| Ppm(part.0 / 10);
        let tenth_of = |value: Cash| value.times_ppm(100_000);
        Self {
            risk_per_trade: tenth(self.risk_per_trade),
            min_risk: self.min_risk.map(tenth_of),
            max_order_value: self.max_order_value.map(tenth_of),
            max_order_value_pct: self.max_order_value_pct.map(tenth),
            max_order_quantity: self.max_order_quantity.map(|shares| shares / 10),
            max_position_size_pct: self.max_position_size_pct.map(tenth),
            ..self.clone()
        }
    }

    /// Returns true when nothing has a limit of its own any more (`--no-risk-limits`).
    pub fn is_unlimited(&self) -> bool {
        self.max_order_value.is_none() && self.max_positions.is_none()
    }

    /// Returns the most shares of one order of a symbol (C03), as far as its volumes are known.
    pub fn order_quantity(&self, recent_volume: u64, adv20: Option<f64>) -> Option<i64> {
        let recent = self.max_recent_volume_pct.map(|pct| Volume(recent_volume).part_ppm(pct.0));
        let adv = self.max_adv_pct.zip(adv20).map(|(pct, adv)| part_of_adv(adv, pct));
        [self.max_order_quantity, recent, adv].into_iter().flatten().min()
    }

    /// Returns the loss at which only exits pass, and the one at which trading halts (C10).
    pub fn loss_lines(&self, equity: Cash) -> Option<LossLines> {
        let halt = equity.times_ppm(self.max_daily_loss_pct?.0);
        Some(LossLines {
            warn: halt.times_ppm(self.loss_warn_pct.0),
            reduce_only: halt.times_ppm(self.loss_reduce_only_pct.0),
            halt,
        })
    }

    /// Returns the largest value of one order (C02).
    pub fn order_value(&self, equity: Cash) -> Option<Cash> {
        let relative = self.max_order_value_pct.map(|pct| equity.times_ppm(pct.0));
        match (self.max_order_value, relative) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Returns the largest value held in one symbol (C06).
    pub fn position_value(&self, equity: Cash) -> Option<Cash> {
        self.max_position_size_pct.map(|pct| equity.times_ppm(pct.0))
    }
}

/// Returns a part of an average daily volume, rounded down to a share.
pub(super) fn part_of_adv(adv: f64, part: Ppm) -> i64 {
    (adv * part.to_fraction()).clamp(0.0, 9e15) as i64
}

/// The three levels of the daily loss limit, as losses above zero (C10).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LossLines {
    /// A warning is raised.
    pub warn: Cash,
    /// Only exits pass.
    pub reduce_only: Cash,
    /// Trading halts for the day.
    pub halt: Cash,
}

record_enum!(AccountType { 0: Margin, 1: Cash });
record!(Limits {
    1: risk_per_trade,
    2: min_quantity,
    3: min_risk,
    4: min_stop_ticks,
    5: max_order_value,
    6: max_order_value_pct,
    7: max_order_quantity,
    8: max_recent_volume_pct,
    9: max_adv_pct,
    10: price_collar,
    11: market_collar_pct,
    12: max_position_size_pct,
    13: max_positions,
    14: max_gross_pct,
    15: max_net_pct,
    16: max_leverage,
    17: buying_power_pct,
    18: max_account_age_ns,
    19: max_daily_loss_pct,
    20: loss_warn_pct,
    21: loss_reduce_only_pct,
    22: max_drawdown_pct,
    23: max_losing_streak,
    24: process_rate,
    25: strategy_rate,
    26: symbol_rate,
    27: broker_messages_per_minute,
    28: max_repeated_entries,
    29: repeat_window_ns,
    30: duplicate_window_ns,
    31: max_open_orders,
    32: max_symbol_orders,
    33: max_order_age_ns,
    34: exclusive_symbols,
    35: self_trade_prevention,
    36: allow_shorts,
    37: short_sale_restriction,
    38: opening_ends_before_close_ns,
    39: flat_before_close_ns,
    40: day_trade_rule,
    41: min_price,
    42: max_price,
    43: min_adv,
    44: restricted,
    45: allowed,
    46: allow_unprotected,
    47: account,
    48: block_wash_sale_reentry,
    49: require_reference,
    50: test_ceilings,
});
