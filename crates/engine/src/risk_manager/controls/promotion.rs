//! C38: a strategy opens positions only where it was promoted to.

use super::Control;
use crate::books::Books;
use crate::risk_manager::{ControlId, Proposal, RejectCode, Rejection, WorstCase};

/// Refuses an entry of a strategy whose stage is below what the run's mode needs.
#[derive(Debug)]
pub(super) struct StageReached;

impl Control for StageReached {
    fn id(&self) -> ControlId {
        ControlId(38)
    }

    fn check(&self, proposal: &Proposal, _: &WorstCase, books: &Books) -> Result<(), Rejection> {
        let promotions = books.risk().promotions();
        let Some(needed) = promotions.needed() else { return Ok(()) };
        let stage = promotions.of(proposal.strategy).stage;
        if stage < needed {
            let (limit, value) = (f64::from(needed as u8), f64::from(stage as u8));
            return Err(Rejection::new(RejectCode::NotPromoted, limit, value));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{books, proposal, refusal};
    use super::*;
    use crate::books::Seen;
    use crate::fact::Fact;
    use crate::input::{Input, Start};
    use crate::risk_manager::{Promoted, Promotion, Stage};
    use model::{StrategyId, Timestamp};

    fn books_at(mode: &str, stage: Stage) -> Books {
        let mut books = books();
        let start = Start::fresh(1, mode, Timestamp::from_nanos(0));
        books.observe(
            &Input::Start(Box::new(start)),
            Timestamp::from_nanos(0),
            &mut Seen::default(),
        );
        let promotion = Promotion { stage, sessions: 0 };
        books.fold(&Fact::Promoted(Promoted { strategy: StrategyId(0), promotion }));
        books
    }

    /// C38: each mode asks for its stage; a mode that nobody knows counts as live, and another
    /// strategy's stage helps nobody.
    #[test]
    fn each_mode_needs_its_stage() {
        let passes = |mode: &str| {
            [Stage::Backtest, Stage::Paper, Stage::LiveSmall, Stage::Live].map(|stage| {
                let books = books_at(mode, stage);
                let order = proposal(1, "10.00");
                match refusal("C38", &order, &WorstCase::default(), &books) {
                    None => true,
                    refused => {
                        assert_eq!(refused, Some(RejectCode::NotPromoted));
                        false
                    }
                }
            })
        };
        assert_eq!(["backtest", "demo"].map(passes), [[true; 4]; 2]);
        assert_eq!(["paper", "rehearsal"].map(passes), [[false, true, true, true]; 2]);
        assert_eq!(["live", "unheard of"].map(passes), [[false, false, true, true]; 2]);
        let other = Proposal { strategy: StrategyId(1), ..proposal(1, "10.00") };
        let refused = refusal("C38", &other, &WorstCase::default(), &books_at("live", Stage::Live));
        assert_eq!(refused, Some(RejectCode::NotPromoted));
    }

    /// C38: under small limits an order of a tenth passes and one share more does not; the full
    /// limits hold in the stages beside it.
    #[test]
    fn a_tenth_at_first() {
        // 2,000 of 20,000 USD in one order, 500 of 5,000 shares, 2,000 of 20,000 USD in a symbol.
        let cases = [
            ("C02", 200, 2_000, "10.00", RejectCode::OrderValue),
            ("C03", 500, 5_000, "1.00", RejectCode::OrderQuantity),
            ("C06", 200, 2_000, "10.00", RejectCode::PositionSize),
        ];
        for (id, small, full, limit, code) in cases {
            for (stage, most) in
                [(Stage::Paper, full), (Stage::LiveSmall, small), (Stage::Live, full)]
            {
                let books = books_at("paper", stage);
                let check =
                    |shares| refusal(id, &proposal(shares, limit), &WorstCase::default(), &books);
                assert_eq!([check(most), check(most + 1)], [None, Some(code)], "{id} {stage:?}");
            }
        }
    }
}
