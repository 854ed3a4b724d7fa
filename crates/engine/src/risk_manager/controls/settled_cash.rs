//! C25: a cash account opens positions with settled cash only.
//!
//! Buying with the proceeds of a sale that has not settled, and selling again before it has, is
//! free-riding or a good-faith violation (Regulation T, section 220.8); whoever spends settled cash
//! alone can commit neither. A cash account cannot sell short at all.

use model::{Cash, Side};

use super::Control;
use crate::books::Books;
use crate::risk_manager::{AccountType, ControlId, Proposal, RejectCode, Rejection, WorstCase};

/// Refuses an entry that settled cash, less what working entries may cost, does not pay.
#[derive(Debug)]
pub(super) struct SettledCash;

impl Control for SettledCash {
    fn id(&self) -> ControlId {
        ControlId(25)
    }

    fn check(
        &self,
        proposal: &Proposal,
        worst: &WorstCase,
        books: &Books,
    ) -> Result<(), Rejection> {
        if books.gate().limits().account == AccountType::Margin {
            return Ok(());
        }
        let free = match proposal.side {
            Side::SellShort => Cash::ZERO,
            _ => books.ledger().settled_cash().minus(worst.entry_value).max(Cash::ZERO),
        };
        let cost = proposal.worst_price.notional(proposal.quantity);
        match cost {
            Some(cost) if cost <= free && proposal.side != Side::SellShort => Ok(()),
            cost => {
                let value = cost.map_or(f64::MAX, |cost| cost.to_f64());
                Err(Rejection::new(RejectCode::SettledCash, free.to_f64(), value))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{proposal, refusal, with_limits};
    use super::*;
    use crate::risk_manager::Limits;

    /// 100,000 USD are settled: working entries count, a cent above is refused, shorts always;
    /// a margin account is not asked.
    #[test]
    fn boundary_on_settled_cash() {
        let check = |account, shares, ordered: &str, side| {
            let worst = WorstCase { entry_value: ordered.parse().unwrap(), ..WorstCase::default() };
            let proposal = Proposal { side, ..proposal(shares, "10.00") };
            let books = with_limits(Limits { account, ..Limits::default() });
            refusal("C25", &proposal, &worst, &books).is_none()
        };
        let cash = |shares, ordered| check(AccountType::Cash, shares, ordered, Side::Buy);
        assert!(cash(10_000, "0") && !cash(10_001, "0"));
        assert!(cash(1_000, "90000") && !cash(1_000, "90000.01"));
        assert!(!check(AccountType::Cash, 1, "0", Side::SellShort));
        assert!(check(AccountType::Margin, 10_001, "0", Side::SellShort));
    }
}
