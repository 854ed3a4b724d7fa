//! The limits in force. `None` switches a limit off (style.md 11).

use model::{Cash, MINUTE_NS, Ppm};

/// What kind of account it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
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
    /// Largest value held in one symbol (C06), 20 %.
    pub max_position_size_pct: Option<Ppm>,
    /// Symbols with a position or an opening order (C07), 5.
    pub max_positions: Option<u32>,
    /// Loss of a day (C10), 5 %.
    pub max_daily_loss_pct: Option<Ppm>,
    /// Part of the daily loss limit at which a warning is raised (C10), 50 %.
    pub loss_warn_pct: Ppm,
    /// Part of the daily loss limit at which only exits pass (C10), 80 %.
    pub loss_reduce_only_pct: Ppm,
    /// Part of the buying power left (equity less what is held and ordered) that one entry may
    /// use (TS3, C09), 95 %.
    pub buying_power_pct: Option<Ppm>,
    /// Part of the volume of the last five bars that one order may be (TS3), 10 %.
    pub max_recent_volume_pct: Option<Ppm>,
    /// Part of ADV20 that one order may be (TS3), 1 %.
    pub max_adv_pct: Option<Ppm>,
    /// One strategy per symbol (C18, `symbol_taken`).
    pub exclusive_symbols: bool,
    /// Nanoseconds before the close at which opening ends (C23), 15 minutes.
    pub opening_ends_before_close_ns: i64,
    /// Nanoseconds before the close at which positions are closed (C23), 5 minutes.
    pub flat_before_close_ns: Option<i64>,
    /// Whether a plan without a protective stop may open (backtest and demo only).
    pub allow_unprotected: bool,
    /// What kind of account it is (C25), margin.
    pub account: AccountType,
    /// Whether an entry that would wash a loss of the last 30 days is refused (C26), no.
    pub block_wash_sale_reentry: bool,
    /// Whether a missing reference value rejects opening (paper and live) or its term is skipped
    /// and listed as not checked (backtest and demo; design.md 6).
    pub require_reference: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            risk_per_trade: Ppm(5_000),
            min_quantity: 1,
            min_risk: Cash::from_dollars(20),
            min_stop_ticks: 3,
            max_order_value: Cash::from_dollars(20_000),
            max_order_value_pct: Some(Ppm(200_000)),
            max_position_size_pct: Some(Ppm(200_000)),
            max_positions: Some(5),
            max_daily_loss_pct: Some(Ppm(50_000)),
            loss_warn_pct: Ppm(500_000),
            loss_reduce_only_pct: Ppm(800_000),
            buying_power_pct: Some(Ppm(950_000)),
            max_recent_volume_pct: Some(Ppm(100_000)),
            max_adv_pct: Some(Ppm(10_000)),
            exclusive_symbols: true,
            opening_ends_before_close_ns: 15 * MINUTE_NS,
            flat_before_close_ns: Some(5 * MINUTE_NS),
            allow_unprotected: true,
            account: AccountType::Margin,
            block_wash_sale_reentry: false,
            require_reference: false,
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
            exclusive_symbols: false,
            opening_ends_before_close_ns: 0,
            flat_before_close_ns: None,
            ..Self::default()
        }
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
