//! What is known of one symbol today, after each closed bar.

use std::sync::Arc;

use indicators::{AtrDay, Ema, SessionVwap};
use model::exchange::{Segment, Session};
use model::{Bar, Halt, Price, Quote, SymbolDay, Timestamp, record};

use super::needs::Needs;
use super::tape::Tape;
use crate::strategy_engine::Direction;

/// Number of bars whose lows and highs are kept for trailing stops (TG24).
pub const RECENT_BARS: usize = 20;
/// Places for them: a power of two, so that finding one costs no division.
const RING: usize = RECENT_BARS.next_power_of_two();
/// Number of bars whose volume bounds an order (TS3).
const VOLUME_BARS: usize = 5;

/// Range and volume of the bars of one segment so far.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct SegmentStats {
    /// Bars seen.
    pub bars: u32,
    /// The first bar.
    pub first: Bar,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Last price.
    pub close: Price,
    /// Shares traded.
    pub volume: u64,
}

impl SegmentStats {
    /// Returns the extreme in the favour of a position in this direction.
    #[inline]
    pub fn best(&self, direction: Direction) -> Price {
        match direction {
            Direction::Long => self.high,
            Direction::Short => self.low,
        }
    }

    /// Returns the extreme against a position in this direction.
    #[inline]
    pub fn worst(&self, direction: Direction) -> Price {
        match direction {
            Direction::Long => self.low,
            Direction::Short => self.high,
        }
    }

    #[inline]
    fn update(&mut self, bar: &Bar) {
        if self.bars == 0 {
            self.first = *bar;
            self.high = bar.high;
            self.low = bar.low;
        } else {
            self.high = self.high.max(bar.high);
            self.low = self.low.min(bar.low);
        }
        self.bars += 1;
        self.close = bar.close;
        self.volume = self.volume.saturating_add(bar.volume.0);
    }
}

/// The state of one symbol.
#[derive(Clone, Debug)]
pub struct SymbolState {
    /// The last accepted bar of the day, of any segment.
    pub last: Bar,
    /// Bars accepted today, of any segment.
    pub bars: u32,
    /// The last price: for marks, stops and limits without a quote. Kept over nights.
    pub mark: Price,
    /// Premarket so far, frozen at the open (TI12).
    pub pre: SegmentStats,
    /// Regular session so far; its high and low are HOD and LOD (TI14).
    pub rth: SegmentStats,
    /// Trading is halted.
    pub halted: bool,
    /// When trading last started again after a halt.
    pub reopened: Option<Timestamp>,
    /// Halts today.
    pub halts: u16,
    /// The last quote, if there is any.
    pub quote: Option<Quote>,
    /// Session VWAP of scope `rth` (TI9), when needed.
    pub vwap: SessionVwap,
    /// EMA(9) over all bars of the day (TI18), when needed.
    pub ema9: Ema,
    /// ATR(14) of the regular bars of the day (TI4), when needed.
    pub atr14: AtrDay,
    /// Facts from before the session.
    pub reference: Option<Arc<SymbolDay>>,
    /// Bars refused today (F24, F25).
    pub refused: u32,
    /// Prints of today.
    pub tape: Tape,
    /// Market data is missing and not back-filled yet (F24).
    pub gapped: bool,
    /// Prints before this instant are part of no minute: the one of the last gap is not whole.
    pub(super) whole_from: Timestamp,
    /// Looks in a row at which two sources disagreed on the price (R11).
    pub(super) disagreeing: u8,
    recent: [Bar; RING],
}

impl Default for SymbolState {
    fn default() -> Self {
        Self {
            last: Bar { start: Timestamp::MIN, ..Bar::default() },
            bars: 0,
            mark: Price::ZERO,
            pre: SegmentStats::default(),
            rth: SegmentStats::default(),
            halted: false,
            reopened: None,
            halts: 0,
            quote: None,
            vwap: SessionVwap::new(),
            ema9: Ema::new(9),
            atr14: AtrDay::new(14),
            reference: None,
            refused: 0,
            tape: Tape::default(),
            gapped: false,
            whole_from: Timestamp::MIN,
            disagreeing: 0,
            recent: [Bar::default(); RING],
        }
    }
}

impl SymbolState {
    /// Forgets the day; marks and reference stay.
    pub(super) fn begin_day(&mut self) {
        let fresh = Self {
            // Order of bars is judged over days, too (F24).
            last: self.last,
            mark: self.mark,
            reference: self.reference.take(),
            // A gap ends with its back-fill, not with the day.
            gapped: self.gapped,
            ..Self::default()
        };
        *self = fresh;
    }

    /// Takes an accepted bar in; in line like [`accept_bar`](super::DataManager::accept_bar).
    #[inline(always)]
    pub(super) fn update(&mut self, bar: &Bar, segment: Segment, needs: Needs) {
        self.recent[self.bars as usize % RING] = *bar;
        self.last = *bar;
        self.bars += 1;
        self.mark = bar.close;
        match segment {
            Segment::Rth => self.rth.update(bar),
            Segment::Pre => self.pre.update(bar),
            Segment::Post => {}
        }
        if needs != Needs::NONE {
            self.update_indicators(bar, segment, needs);
        }
    }

    /// Takes an accepted bar into the shared indicators that somebody reads.
    // Out of line: a run without them has a short way.
    #[inline(never)]
    fn update_indicators(&mut self, bar: &Bar, segment: Segment, needs: Needs) {
        if segment == Segment::Rth {
            if needs.contains(Needs::VWAP) {
                self.vwap.update(bar);
            }
            if needs.contains(Needs::ATR14) {
                self.atr14.update(bar);
            }
        }
        if needs.contains(Needs::EMA9) {
            self.ema9.update(bar.close.to_f64());
        }
    }

    /// Returns true in a halt and within 60 s of its end (C21).
    pub fn is_halted_at(&self, now: Timestamp) -> bool {
        let reopening = |at| now.since(at) < 60 * model::SECOND_NS;
        self.halted || self.reopened.is_some_and(reopening)
    }

    /// Notes a halt or its end.
    pub(super) fn note_halt(&mut self, halt: &Halt) {
        if halt.halted && !self.halted {
            self.halts = self.halts.saturating_add(1);
        }
        if !halt.halted && self.halted {
            self.reopened = Some(halt.time);
        }
        self.halted = halt.halted;
    }

    /// Returns the bar `back` bars ago today: 0 is the last one; `None` when there are too few or
    /// it is more than [`RECENT_BARS`] ago.
    #[inline]
    pub fn bar(&self, back: usize) -> Option<&Bar> {
        let bars = self.bars as usize;
        if back >= RECENT_BARS.min(bars) {
            return None;
        }
        self.recent.get((bars - 1 - back) % RING)
    }

    /// Returns the shares traded in the last five bars of today, of any segment (TS3).
    #[inline]
    pub fn recent_volume(&self) -> u64 {
        (0..VOLUME_BARS)
            .filter_map(|back| self.bar(back))
            .fold(0, |sum, bar| u64::saturating_add(sum, bar.volume.0))
    }

    /// Returns the lowest low and highest high of the `count` bars before the last one.
    pub fn range_before_last(&self, count: usize) -> Option<(Price, Price)> {
        let bars = (1..=count).filter_map(|back| self.bar(back));
        bars.fold(None, |range: Option<(Price, Price)>, bar| {
            let (low, high) = range.unwrap_or((bar.low, bar.high));
            Some((low.min(bar.low), high.max(bar.high)))
        })
    }

    /// Returns the facts from before the session when they are for `session`.
    #[inline]
    pub fn reference(&self, session: &Session) -> Option<&SymbolDay> {
        self.reference.as_deref().filter(|day| day.session == session.date)
    }

    /// Returns the previous close (TB6).
    #[inline]
    pub fn prev_close(&self, session: &Session) -> Option<Price> {
        self.reference(session)?.prev_close
    }

    /// Returns cumulative relative volume of the premarket up to `minute` after 04:00 (TI16).
    pub fn rvol_pre(&self, session: &Session, minute: i64) -> Option<f64> {
        let baseline = self.reference(session)?.volume_baseline.as_deref()?;
        ratio(self.pre.volume, &baseline.pre_cumulative, minute)
    }

    /// Returns cumulative relative volume of the regular session up to `minute` after the open.
    pub fn rvol_rth(&self, session: &Session, minute: i64) -> Option<f64> {
        let baseline = self.reference(session)?.volume_baseline.as_deref()?;
        ratio(self.rth.volume, &baseline.rth_cumulative, minute)
    }

    /// Returns the relative volume of a regular bar (TI16).
    pub fn rvol_bar(&self, session: &Session, bar: &Bar) -> Option<f64> {
        let baseline = self.reference(session)?.volume_baseline.as_deref()?;
        ratio(bar.volume.0, &baseline.rth_bar, session.minutes_since_open(bar.start))
    }
}

/// Volume over its mean; none when the mean is zero or unknown (TI16).
fn ratio(volume: u64, means: &[f64], minute: i64) -> Option<f64> {
    let mean = *means.get(usize::try_from(minute).ok()?)?;
    (mean > 0.0).then(|| volume as f64 / mean)
}

record!(SegmentStats { 1: bars, 2: first, 3: high, 4: low, 5: close, 6: volume });
record!(SymbolState {
    1: last,
    2: bars,
    3: mark,
    4: pre,
    5: rth,
    6: halted,
    7: reopened,
    8: halts,
    9: quote,
    10: vwap,
    11: ema9,
    12: atr14,
    13: reference,
    14: refused,
    15: recent,
    16: tape,
    17: gapped,
    18: whole_from,
    19: disagreeing,
});
