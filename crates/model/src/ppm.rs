//! Fractions that touch prices and money, as integers (design.md decision 4).

/// A fraction in parts per million: `Ppm(50_000)` is 5 %.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Ppm(pub i64);

impl Ppm {
    /// Makes a fraction from a float (0.05 is 5 %), half-even; `None` when not finite or over 1e9.
    pub fn from_fraction(value: f64) -> Option<Self> {
        let scaled = (value * 1e6).round_ties_even();
        (scaled.is_finite() && scaled.abs() < 1e15).then_some(Self(scaled as i64))
    }

    /// Makes a fraction from a percent number (4.0 is 4 %), half-even; `None` as above.
    pub fn from_percent(value: f64) -> Option<Self> {
        Self::from_fraction(value / 100.0)
    }

    /// Returns the fraction as a float (5 % is 0.05).
    pub fn to_fraction(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// Returns the percent number as a float (5 % is 5.0).
    pub fn to_percent(self) -> f64 {
        self.0 as f64 / 1e4
    }
}
