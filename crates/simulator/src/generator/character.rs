//! What a stock is like from day to day: price level, volume, volatility, how often it trades.

use crate::random::Random;

/// The class of a stock.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Class {
    /// 3 to 12 dollars, small float: the stocks of gap_and_go.
    Small,
    /// 30 to 250 dollars, millions of shares a day: the stocks of vwap_reclaim.
    Liquid,
    /// Little known and little traded, at times below a dollar.
    Thin,
}

/// The lasting traits of a stock.
#[derive(Clone, Debug)]
pub(super) struct Character {
    pub(super) class: Class,
    /// Price to which quiet days lead back, in dollars.
    pub(super) base_price: f64,
    /// Shares on a usual day.
    pub(super) daily_volume: f64,
    /// Standard deviation of a usual day's return as a fraction.
    pub(super) daily_sigma: f64,
    /// Shares in public hands.
    pub(super) float_shares: f64,
    /// Share of the day's volume in the premarket of a usual day.
    pub(super) pre_share: f64,
    /// Share of the day's volume in the closing auction.
    pub(super) auction_share: f64,
    /// Share of the day's volume after the closing auction.
    pub(super) post_share: f64,
    /// Part of the regular minutes that have a trade on a usual day.
    pub(super) rth_presence: f64,
    /// Scales how many premarket and post-market minutes have a trade; 1 is a large company.
    pub(super) extended_presence: f64,
}

impl Character {
    /// Draws a stock of a class.
    pub(super) fn draw(class: Class, random: &mut Random) -> Self {
        match class {
            Class::Small => Self {
                class,
                base_price: random.between(3.6, 10.0),
                daily_volume: random.between(350_000.0, 1_200_000.0),
                daily_sigma: random.between(0.025, 0.040),
                float_shares: whole(random.between(6e6, 40e6)),
                pre_share: random.between(0.006, 0.015),
                auction_share: random.between(0.03, 0.08),
                post_share: random.between(0.004, 0.012),
                rth_presence: random.between(0.90, 0.99),
                extended_presence: random.between(0.10, 0.20),
            },
            Class::Liquid => Self {
                class,
                base_price: random.between(40.0, 250.0),
                daily_volume: random.between(3e6, 40e6),
                daily_sigma: random.between(0.012, 0.022),
                float_shares: whole(random.between(150e6, 3e9)),
                pre_share: random.between(0.010, 0.035),
                auction_share: random.between(0.03, 0.18),
                post_share: random.between(0.010, 0.035),
                rth_presence: 1.0,
                extended_presence: random.between(0.80, 1.10),
            },
            Class::Thin => Self {
                class,
                base_price: if random.chance(0.35) {
                    random.between(0.35, 0.85)
                } else {
                    random.between(1.5, 15.0)
                },
                daily_volume: random.between(15_000.0, 90_000.0),
                daily_sigma: random.between(0.020, 0.035),
                float_shares: whole(random.between(3e6, 15e6)),
                pre_share: random.between(0.002, 0.010),
                auction_share: random.between(0.02, 0.10),
                post_share: random.between(0.001, 0.006),
                rth_presence: random.between(0.35, 0.70),
                extended_presence: random.between(0.02, 0.06),
            },
        }
    }

    /// Returns the price band of a pause as a fraction of the reference price (C21).
    pub(super) fn pause_band(&self, prev_close: f64) -> f64 {
        match self.class {
            Class::Liquid => 0.05,
            Class::Small | Class::Thin if prev_close > 3.0 => 0.10,
            Class::Small | Class::Thin if prev_close >= 0.75 => 0.20,
            Class::Small | Class::Thin => 0.75_f64.min(0.15 / prev_close),
        }
    }
}

/// Rounds down to a whole number of shares; the values here are far below 2^53.
fn whole(value: f64) -> f64 {
    (value as u64) as f64
}
