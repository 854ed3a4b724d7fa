//! Trades from flat to flat with their excursions and R multiples (TP14, TP16, TP17).
//!
//! Statistics over trades and days live in crate `analytics`. Invariant: a trade's net result is
//! the signed cash flow of its fills minus their fees, exactly (TP15).

use model::{Bar, ClosedTrade, Price, Timestamp, record};

use crate::fact::SlotKey;
use crate::order_manager::Position;
use crate::strategy_engine::Direction;

/// What the bars did while a position was open; computed from data, so it is not in the books.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Watch {
    /// Lowest price that counts (TP17).
    low: Option<Price>,
    /// Highest price that counts (TP17).
    high: Option<Price>,
    /// Bars seen since the entry, the entry bar included.
    pub bars: u32,
    /// Closes in a row beyond the session VWAP (TV17).
    pub closes_beyond_vwap: u8,
    /// Best close since the entry, in the position's favour.
    pub best_close: Option<Price>,
    /// Since when the position lacks a working stop.
    pub bare_since: Option<Timestamp>,
    /// When it is looked at again while it lacks one.
    pub look_at: Option<Timestamp>,
    /// When a refused exit may be sent again.
    pub retry_at: Option<Timestamp>,
    /// Since when exits outlive their position.
    pub orphans_since: Option<Timestamp>,
}

impl Watch {
    #[inline]
    fn include(&mut self, low: Price, high: Price) {
        self.low = Some(self.low.map_or(low, |seen| seen.min(low)));
        self.high = Some(self.high.map_or(high, |seen| seen.max(high)));
    }

    /// Takes a bar in through which the position stays open. The entry bar counts its adverse
    /// extreme for MAE and only its close for MFE: what came before the entry is unknown (TP17).
    #[inline]
    pub fn update(&mut self, direction: Direction, bar: &Bar) {
        match (self.bars, direction) {
            (0, Direction::Long) => self.include(bar.low, bar.close),
            (0, Direction::Short) => self.include(bar.close, bar.high),
            _ => self.include(bar.low, bar.high),
        }
        self.bars = self.bars.saturating_add(1);
        let best = self.best_close.unwrap_or(bar.close);
        self.best_close = Some(direction.better(best, bar.close));
    }

    /// Restates the prices seen so far after a corporate action (F27).
    pub(crate) fn restate(&mut self, level: impl Fn(Price) -> Price) {
        for price in [&mut self.low, &mut self.high, &mut self.best_close] {
            *price = price.map(&level);
        }
    }

    /// Takes the bar in which the position was closed in: its open and the exit price count
    /// (TP17); of a bar that also holds the entry only the exit price.
    pub fn finish(&mut self, open: Option<Price>, exit: Price) {
        if let Some(open) = open.filter(|_| self.bars > 0) {
            self.include(open, open);
        }
        self.include(exit, exit);
    }

    /// Returns adverse and favourable excursion per share from `entry`, each >= 0.
    pub fn excursions(&self, direction: Direction, entry: Price) -> (Price, Price) {
        let low = self.low.unwrap_or(entry);
        let high = self.high.unwrap_or(entry);
        let (down, up) = (entry.minus(low).max(Price::ZERO), high.minus(entry).max(Price::ZERO));
        match direction {
            Direction::Long => (down, up),
            Direction::Short => (up, down),
        }
    }

    /// Returns the farthest price in the position's favour.
    pub fn best(&self, direction: Direction) -> Option<Price> {
        match direction {
            Direction::Long => self.high,
            Direction::Short => self.low,
        }
    }
}

/// Makes the record of a closed position.
pub fn close_trade(id: u64, key: SlotKey, position: &Position, watch: &Watch) -> ClosedTrade {
    let entry_price = position.entry_price().unwrap_or(Price::ZERO);
    let exit_price = position.exited_value.per_share(position.exited_qty).unwrap_or(Price::ZERO);
    let net_pnl = position.flow.minus(position.fees);
    let risks = position.risks();
    let taken = risks.map(|(_, taken)| taken).filter(|taken| taken.is_positive());
    let (mae, mfe) = watch.excursions(position.direction(), entry_price);
    ClosedTrade {
        id,
        strategy: key.strategy,
        symbol: key.symbol,
        long: position.direction() == Direction::Long,
        quantity: position.max_quantity,
        entry_time: position.opened,
        entry_price,
        exit_time: position.last_fill,
        exit_price,
        exit_reason: position.last_exit.unwrap_or_default(),
        initial_stop: position.initial_stop,
        risk_planned: risks.map(|(planned, _)| planned),
        risk_taken: risks.map(|(_, taken)| taken),
        gross_pnl: position.flow,
        fees: position.fees,
        net_pnl,
        // TP16: the initial stop, never the moved one.
        r_multiple: taken.map(|taken| net_pnl.to_f64() / taken.to_f64()),
        mae,
        mfe,
        fills: position.executions().map(|booked| booked.fill).collect(),
    }
}

record!(Watch {
    1: low,
    2: high,
    3: bars,
    4: closes_beyond_vwap,
    5: best_close,
    6: bare_since,
    7: retry_at,
    8: orphans_since,
    9: look_at,
});

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(open: &str, high: &str, low: &str, close: &str) -> Bar {
        let price = |text: &str| text.parse().unwrap();
        Bar {
            open: price(open),
            high: price(high),
            low: price(low),
            close: price(close),
            ..Bar::default()
        }
    }

    /// TP17: the entry bar's high does not count for MFE, its low does for MAE; the exit bar
    /// counts open and exit price only.
    #[test]
    fn excursions_are_conservative() {
        let price = |text: &str| text.parse::<Price>().unwrap();
        let mut watch = Watch::default();
        watch.update(Direction::Long, &bar("10.00", "10.90", "9.80", "10.10"));
        assert_eq!(
            watch.excursions(Direction::Long, price("10.00")),
            (price("0.20"), price("0.10"))
        );
        watch.update(Direction::Long, &bar("10.10", "10.60", "9.90", "10.50"));
        watch.finish(Some(price("10.70")), price("10.30"));
        assert_eq!(
            watch.excursions(Direction::Long, price("10.00")),
            (price("0.20"), price("0.70"))
        );
        assert_eq!(watch.best_close, Some(price("10.50")));
    }
}
