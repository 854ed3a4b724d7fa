//! Decision records: for every evaluation, what came of it and by which rule (I17).

use model::{OrderNumber, StrategyId, SymbolId, Timestamp, record, record_enum};

use crate::risk_manager::RejectCode;

/// What an evaluation led to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Outcome {
    /// The strategy saw no reason to trade.
    #[default]
    NoTrade,
    /// The strategy wants something that is already so, or an exit.
    Signal,
    /// The gate or the sizing refused an entry.
    Rejected,
    /// An order was sent or replaced.
    Order,
}

impl Outcome {
    /// Returns the name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoTrade => "no_trade",
            Self::Signal => "signal",
            Self::Rejected => "rejected",
            Self::Order => "order",
        }
    }
}

/// The rule that decided: one of the strategy's own list or one of the gate's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rule {
    /// Index into the strategy's [`rules`](crate::strategy_engine::Strategy::rules).
    Strategy(u8),
    /// A control or a sizing rule.
    Gate(RejectCode),
}

impl Default for Rule {
    fn default() -> Self {
        Self::Strategy(0)
    }
}

/// Up to six numbers that a rule looked at; their names are the rule's.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Values {
    count: u8,
    numbers: [f64; 6],
}

impl Values {
    /// Keeps the first six of `numbers`; a number that is not finite is kept as 0 (no NaN state).
    #[inline]
    pub fn new(numbers: &[f64]) -> Self {
        let mut values = Self::default();
        for (slot, &number) in values.numbers.iter_mut().zip(numbers) {
            *slot = if number.is_finite() { number } else { 0.0 };
            values.count += 1;
        }
        values
    }

    /// Returns the numbers.
    pub fn as_slice(&self) -> &[f64] {
        self.numbers.get(..usize::from(self.count)).unwrap_or(&[])
    }
}

/// A strategy's own record of one evaluation: which rule decided, on which numbers.
///
/// It is made for every bar and looked at for few of them: the numbers are judged when they are
/// used.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Finding {
    /// Index into the strategy's list of rules.
    pub rule: u8,
    count: u8,
    numbers: [f64; 6],
}

impl Finding {
    /// Makes a record of the first six of `numbers`.
    #[inline]
    pub fn new(rule: u8, numbers: &[f64]) -> Self {
        let mut finding = Self { rule, ..Self::default() };
        for (slot, &number) in finding.numbers.iter_mut().zip(numbers) {
            *slot = number;
            finding.count += 1;
        }
        finding
    }

    /// Returns the numbers as they are recorded.
    pub fn values(&self) -> Values {
        Values::new(self.given())
    }

    /// Returns true when every number is finite; a strategy that trades on others is stopped (F43).
    pub fn is_finite(&self) -> bool {
        self.given().iter().all(|number| number.is_finite())
    }

    fn given(&self) -> &[f64] {
        self.numbers.get(..usize::from(self.count)).unwrap_or(&[])
    }
}

/// One evaluation with its outcome.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Decision {
    /// When it was made.
    pub time: Timestamp,
    /// By which strategy.
    pub strategy: StrategyId,
    /// On which symbol.
    pub symbol: SymbolId,
    /// What came of it.
    pub outcome: Outcome,
    /// The rule that decided.
    pub rule: Rule,
    /// The numbers the rule looked at.
    pub values: Values,
    /// The order that was sent, replaced or withdrawn.
    pub order: Option<OrderNumber>,
}

record_enum!(Outcome { 0: NoTrade, 1: Signal, 2: Rejected, 3: Order });
record_enum!(Rule { 0: Strategy(u8), 1: Gate(RejectCode) });
record!(Values { 1: count, 2: numbers });
record!(Decision { 1: time, 2: strategy, 3: symbol, 4: outcome, 5: rule, 6: values, 7: order });
