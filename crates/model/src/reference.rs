//! What is known about a symbol before a session begins (TB7).

use std::sync::Arc;

use crate::{Cash, Date, Price, SymbolId};

/// Facts about one symbol, computed from the sessions before `session`; a value that is `None`
/// could not be computed.
#[derive(Clone, PartialEq, Debug)]
pub struct SymbolDay {
    /// The symbol.
    pub symbol: SymbolId,
    /// The session the facts are for.
    pub session: Date,
    /// Official close of the previous session, adjusted for splits with ex-date today (TB6).
    pub prev_close: Option<Price>,
    /// Mean daily volume of the 20 sessions before (TI17), in shares.
    pub adv20: Option<f64>,
    /// ATR(14) of daily bars (TI17), in dollars.
    pub atr14: Option<f64>,
    /// Mean of the last 50 daily closes in today's shares (TV5), in dollars.
    pub sma50: Option<f64>,
    /// Mean volumes by time of day for relative volume (TI16).
    pub volume_baseline: Option<Arc<VolumeBaseline>>,
    /// New shares per old share with ex-date today; 1 without a split.
    pub split_ratio: f64,
    /// Cash dividend per share with ex-date today.
    pub cash_dividend: Cash,
    /// Shares in public hands.
    pub float_shares: Option<f64>,
    /// Whether the broker lends the shares for a short sale in this session (C19); `None` when
    /// nobody asked.
    pub shortable: Option<bool>,
    /// A corporate action is pending today that the facts do not account for (C27).
    pub event_pending: bool,
}

impl SymbolDay {
    /// Makes the facts of a symbol of which nothing is known.
    pub fn unknown(symbol: SymbolId, session: Date) -> Self {
        Self {
            symbol,
            session,
            prev_close: None,
            adv20: None,
            atr14: None,
            sma50: None,
            volume_baseline: None,
            split_ratio: 1.0,
            cash_dividend: Cash::ZERO,
            float_shares: None,
            shortable: None,
            event_pending: false,
        }
    }
}

/// Mean volumes of earlier sessions by minute of the segment (TI16). Minutes are counted from the
/// segment's start: 04:00 for `pre`, the open for `rth`; a vector may be shorter than the segment.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct VolumeBaseline {
    /// Mean cumulative volume from 04:00 to the end of each premarket minute.
    pub pre_cumulative: Vec<f64>,
    /// Mean volume of each premarket minute.
    pub pre_bar: Vec<f64>,
    /// Mean cumulative volume from the open to the end of each regular minute.
    pub rth_cumulative: Vec<f64>,
    /// Mean volume of each regular minute.
    pub rth_bar: Vec<f64>,
}
