//! Directional movement: +DI, -DI and ADX (TI8).

use model::{Bar, Price};

use crate::guard::{self, finite};

/// Average directional index with its two directional indicators, all 0 to 100, as in TA-Lib
/// (TI8). The directional indicators begin at index n, the average at index 2n-1.
///
/// Moves are compared in integer prices: equal up and down moves count for neither side. A window
/// without any range has no direction and reads 0, as in TA-Lib; such a bar leaves ADX unchanged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adx {
    period: u32,
    count: u32,
    high: Price,
    low: Price,
    close: Price,
    plus_move: f64,
    minus_move: f64,
    range: f64,
    /// The average; the sum of the single indices while the seed is incomplete.
    level: f64,
}

impl Adx {
    /// Makes the indicator over `period` moves.
    pub fn new(period: usize) -> Self {
        Self {
            period: guard::period(period),
            count: 0,
            high: Price::ZERO,
            low: Price::ZERO,
            close: Price::ZERO,
            plus_move: 0.0,
            minus_move: 0.0,
            range: 0.0,
            level: 0.0,
        }
    }

    /// Takes one bar and returns ADX, if there is one yet.
    pub fn update(&mut self, bar: &Bar) -> Option<f64> {
        if self.count > 0 {
            self.add_move(bar);
        }
        (self.high, self.low, self.close) = (bar.high, bar.low, bar.close);
        self.count = self.count.saturating_add(1);
        if self.count > self.period {
            self.add_index();
        }
        self.value()
    }

    /// Adds the move from the bar before; `count` is the number of this move, from 1.
    fn add_move(&mut self, bar: &Bar) {
        let up = bar.high.minus(self.high);
        let down = self.low.minus(bar.low);
        let plus = if up > Price::ZERO && up > down { up.to_f64() } else { 0.0 };
        let minus = if down > Price::ZERO && down > up { down.to_f64() } else { 0.0 };
        let range = bar.high.max(self.close).minus(bar.low.min(self.close)).to_f64();
        // TA-Lib sums the first n-1 moves and lets the sums decay from the n-th on.
        let seeding = self.count < self.period;
        let n = f64::from(self.period);
        let step = |sum: f64, x: f64| if seeding { sum + x } else { sum - sum / n + x };
        self.plus_move = step(self.plus_move, plus);
        self.minus_move = step(self.minus_move, minus);
        self.range = step(self.range, range);
    }

    /// Adds the directional index of the last bar to the average.
    fn add_index(&mut self) {
        let (plus, minus) = (self.part(self.plus_move), self.part(self.minus_move));
        let index = guard::quotient(100.0 * (plus - minus).abs(), plus + minus);
        let n = f64::from(self.period);
        let number = self.count - self.period;
        if number <= self.period {
            self.level += index.unwrap_or(0.0);
            if number == self.period {
                self.level /= n;
            }
        } else if let Some(index) = index {
            self.level = (self.level * (n - 1.0) + index) / n;
        }
    }

    /// Returns a move sum in percent of the range sum.
    fn part(&self, sum: f64) -> f64 {
        guard::quotient(100.0 * sum, self.range).unwrap_or(0.0)
    }

    /// Returns the share of upward moves in the range (+DI).
    pub fn plus_di(&self) -> Option<f64> {
        (self.count > self.period).then(|| self.part(self.plus_move))
    }

    /// Returns the share of downward moves in the range (-DI).
    pub fn minus_di(&self) -> Option<f64> {
        (self.count > self.period).then(|| self.part(self.minus_move))
    }

    /// Returns ADX.
    pub fn value(&self) -> Option<f64> {
        if self.count >= self.warm_up() { finite(self.level) } else { None }
    }

    /// Returns how many bars were used.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Returns how many bars the first ADX needs; the directional indicators need n+1.
    pub fn warm_up(&self) -> u32 {
        self.period.saturating_mul(2)
    }

    /// Forgets all bars.
    pub fn reset(&mut self) {
        *self = Self::new(self.period as usize);
    }
}

impl Default for Adx {
    fn default() -> Self {
        Self::new(1)
    }
}

model::record!(Adx {
    1: period,
    2: count,
    3: high,
    4: low,
    5: close,
    6: plus_move,
    7: minus_move,
    8: range,
    9: level,
});

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(high: i64, low: i64) -> Bar {
        let price = |dollars: i64| Price::from_raw(dollars * model::SCALE);
        Bar { high: price(high), low: price(low), close: price(low), ..Bar::default() }
    }

    /// TI8: an outside bar with equal moves counts for neither side.
    #[test]
    fn equal_moves_count_for_neither() {
        let mut adx = Adx::new(1);
        adx.update(&bar(10, 9));
        adx.update(&bar(11, 8));
        assert_eq!((adx.plus_di(), adx.minus_di()), (Some(0.0), Some(0.0)));
        adx.update(&bar(13, 8));
        assert_eq!((adx.plus_di(), adx.minus_di()), (Some(40.0), Some(0.0)));
        assert_eq!(adx.warm_up(), 2);
    }
}
