//! The level of the day's loss (C10): realised and unrealised result and fees of all strategies.

use model::{Cash, record_enum};

use super::limits::LossLines;

/// How far the day's loss has come. It never falls within a day.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum LossLevel {
    /// Below the warning line.
    #[default]
    None,
    /// A warning was raised.
    Warn,
    /// Only exits pass.
    ReduceOnly,
    /// Trading is halted for the day.
    Halt,
}

impl LossLevel {
    /// Returns the name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Warn => "warn",
            Self::ReduceOnly => "reduce_only",
            Self::Halt => "halt",
        }
    }
}

/// Returns the level of a day's result (a loss is negative): a line that is touched is reached.
pub(crate) fn level(result: Cash, lines: &LossLines) -> LossLevel {
    let loss = result.negated();
    if loss >= lines.halt {
        LossLevel::Halt
    } else if loss >= lines.reduce_only {
        LossLevel::ReduceOnly
    } else if loss >= lines.warn {
        LossLevel::Warn
    } else {
        LossLevel::None
    }
}

record_enum!(LossLevel { 0: None, 1: Warn, 2: ReduceOnly, 3: Halt });

#[cfg(test)]
mod tests {
    use super::*;
    use crate::risk_manager::Limits;

    /// C10: 50 %, 80 % and 100 % of 5 % of 100,000, to the cent on both sides of each line.
    #[test]
    fn lines_are_exact() {
        let dollars = |d| Cash::from_dollars(d).unwrap();
        let lines = Limits::default().loss_lines(dollars(100_000)).unwrap();
        let cent = Cash::from_raw(10_000_000);
        for (line, below, at) in [
            (2_500, LossLevel::None, LossLevel::Warn),
            (4_000, LossLevel::Warn, LossLevel::ReduceOnly),
            (5_000, LossLevel::ReduceOnly, LossLevel::Halt),
        ] {
            assert_eq!(level(dollars(-line).plus(cent), &lines), below);
            assert_eq!(level(dollars(-line), &lines), at);
        }
        assert_eq!(level(dollars(9_000), &lines), LossLevel::None);
    }
}
