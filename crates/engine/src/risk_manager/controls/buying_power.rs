//! C09: what may still be bought, by our own model and by the broker's figure.

use model::{BrokerId, Cash};

use super::Control;
use crate::books::Books;
use crate::risk_manager::{ControlId, Proposal, RejectCode, Rejection, WorstCase};

/// Refuses an entry beyond 95 % of what is free, before the broker does, and any entry on figures
/// of the broker that are too old.
#[derive(Debug)]
pub(super) struct BuyingPower;

/// Returns the buying power that is free: the smaller of our own model (equity less the worst
/// case) and the broker's figure less what was ordered after it.
pub(crate) fn free(books: &Books, worst: &WorstCase, broker: BrokerId) -> Cash {
    let own = books.day().equity.minus(worst.gross);
    let reported = books.risk().account(broker);
    reported.map_or(own, |account| own.min(account.buying_power.minus(worst.unreported)))
}

impl Control for BuyingPower {
    fn id(&self) -> ControlId {
        ControlId(9)
    }

    fn check(
        &self,
        proposal: &Proposal,
        worst: &WorstCase,
        books: &Books,
    ) -> Result<(), Rejection> {
        let limits = books.gate().limits();
        let account = books.risk().account(proposal.broker);
        if let (Some(account), Some(limit)) = (account, limits.max_account_age_ns) {
            let age = proposal.now.since(account.time);
            if age > limit {
                let (limit, age) = (limit as f64 / 1e9, age as f64 / 1e9);
                return Err(Rejection::new(RejectCode::StaleAccount, limit, age));
            }
        }
        let Some(part) = limits.buying_power_pct else { return Ok(()) };
        let power = free(books, worst, proposal.broker).times_ppm(part.0);
        match proposal.worst_price.notional(proposal.quantity) {
            Some(value) if value <= power || proposal.quantity.is_zero() => Ok(()),
            value => {
                let value = value.map_or(f64::MAX, |value| value.to_f64());
                Err(Rejection::new(RejectCode::BuyingPower, power.to_f64(), value))
            }
        }
    }

    fn usage(&self, worst: &WorstCase, books: &Books, _: model::Timestamp) -> Option<f64> {
        let part = books.gate().limits().buying_power_pct?;
        super::part(worst.gross, books.day().equity.times_ppm(part.0))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{books, proposal, refusal};
    use super::*;
    use crate::risk_manager::Account;
    use model::{SECOND_NS, Timestamp};

    fn dollars(count: i64) -> Cash {
        Cash::from_dollars(count).unwrap()
    }

    /// One share beside 95 % of what our own model leaves.
    #[test]
    fn own_model_boundary() {
        let worst = WorstCase { gross: dollars(80_000), ..WorstCase::default() };
        let check = |shares| refusal("C09", &proposal(shares, "10.00"), &worst, &books());
        assert_eq!((check(1_900), check(1_901)), (None, Some(RejectCode::BuyingPower)));
    }

    /// The broker's smaller figure binds, less what was ordered after it.
    #[test]
    fn reported_boundary() {
        let mut books = books();
        let account = Account { buying_power: dollars(11_000), ..Account::default() };
        books.observe_account(BrokerId(0), account);
        let worst = WorstCase { unreported: dollars(1_000), ..WorstCase::default() };
        let check = |shares| refusal("C09", &proposal(shares, "10.00"), &worst, &books);
        assert_eq!((check(950), check(951)), (None, Some(RejectCode::BuyingPower)));
    }

    /// A figure of exactly 60 s passes, an older one does not; an overtaken one changes nothing.
    #[test]
    fn stale_figures_block() {
        let mut books = books();
        let at = |seconds: i64| Timestamp::from_nanos(seconds * SECOND_NS);
        let account = |time| Account { buying_power: dollars(50_000), time, ..Account::default() };
        books.observe_account(BrokerId(0), account(at(100)));
        books.observe_account(BrokerId(0), account(at(90)));
        let check = |now| {
            let proposal = Proposal { now, ..proposal(1, "10.00") };
            refusal("C09", &proposal, &WorstCase::default(), &books)
        };
        let late = at(160).plus_nanos(1);
        assert_eq!((check(at(160)), check(late)), (None, Some(RejectCode::StaleAccount)));
    }
}
