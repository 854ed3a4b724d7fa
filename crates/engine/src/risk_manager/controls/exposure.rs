//! C08: gross and net exposure and leverage over all strategies and brokers, at the worst.

use model::{Cash, Side};

use super::Control;
use crate::books::Books;
use crate::risk_manager::{ControlId, Limits, Proposal, RejectCode, Rejection, WorstCase};

/// Refuses an entry that would make the account's worst case too large.
#[derive(Debug)]
pub(super) struct Exposure;

/// Returns what is left of the limits on gross and on net exposure for an order of `side`.
pub(crate) fn left(
    limits: &Limits,
    equity: Cash,
    worst: &WorstCase,
    side: Side,
) -> (Option<Cash>, Option<Cash>) {
    let of_equity = |pct: Option<model::Ppm>| pct.map(|pct| equity.times_ppm(pct.0));
    let gross = [of_equity(limits.max_gross_pct), of_equity(limits.max_leverage)];
    let gross = gross.into_iter().flatten().min().map(|most| most.minus(worst.gross));
    let (with, against, ordered) = if side.is_buy() {
        (worst.held_long, worst.held_short, worst.buys)
    } else {
        (worst.held_short, worst.held_long, worst.sells)
    };
    let net = with.plus(ordered).minus(against);
    (gross, of_equity(limits.max_net_pct).map(|most| most.minus(net)))
}

impl Control for Exposure {
    fn id(&self) -> ControlId {
        ControlId(8)
    }

    fn check(
        &self,
        proposal: &Proposal,
        worst: &WorstCase,
        books: &Books,
    ) -> Result<(), Rejection> {
        let value = proposal.worst_price.notional(proposal.quantity);
        let value = value.unwrap_or(Cash::from_raw(i64::MAX));
        let (gross, net) = left(books.gate().limits(), books.day().equity, worst, proposal.side);
        let codes = [(gross, RejectCode::GrossExposure), (net, RejectCode::NetExposure)];
        match codes.into_iter().find(|(left, _)| left.is_some_and(|left| value > left)) {
            Some((left, code)) => {
                let left = left.unwrap_or_default().to_f64();
                Err(Rejection::new(code, left, value.to_f64()))
            }
            None => Ok(()),
        }
    }

    fn usage(&self, worst: &WorstCase, books: &Books, _: model::Timestamp) -> Option<f64> {
        let limits = books.gate().limits();
        let most = limits.max_gross_pct.into_iter().chain(limits.max_leverage).min()?;
        super::part(worst.gross, books.day().equity.times_ppm(most.0))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{books, proposal, refusal, with_limits};
    use super::*;
    use model::Ppm;

    fn dollars(count: i64) -> Cash {
        Cash::from_dollars(count).unwrap()
    }

    /// One share beside 100 % of 100,000 USD gross.
    #[test]
    fn gross_boundary() {
        let worst = WorstCase { gross: dollars(90_000), ..WorstCase::default() };
        let check = |shares| refusal("C08", &proposal(shares, "10.00"), &worst, &books());
        assert_eq!((check(1_000), check(1_001)), (None, Some(RejectCode::GrossExposure)));
    }

    /// A short position makes room for long ones in the net, not in the gross; orders count on
    /// their own side only.
    #[test]
    fn net_boundary() {
        let limits = Limits {
            max_gross_pct: None,
            max_leverage: None,
            max_net_pct: Some(Ppm(500_000)),
            ..Limits::default()
        };
        let books = with_limits(limits);
        let worst = WorstCase {
            held_long: dollars(50_000),
            held_short: dollars(10_000),
            sells: dollars(5_000),
            ..WorstCase::default()
        };
        let check = |shares, side| {
            let proposal = Proposal { side, ..proposal(shares, "10.00") };
            refusal("C08", &proposal, &worst, &books)
        };
        let refused = Some(RejectCode::NetExposure);
        assert_eq!((check(1_000, Side::Buy), check(1_001, Side::Buy)), (None, refused));
        let short = Side::SellShort;
        assert_eq!((check(8_500, short), check(8_501, short)), (None, refused));
    }

    /// The leverage limit binds where the one on gross exposure would not.
    #[test]
    fn leverage_boundary() {
        let limits = Limits {
            max_gross_pct: Some(Ppm(2_000_000)),
            max_leverage: Some(Ppm(500_000)),
            max_net_pct: None,
            ..Limits::default()
        };
        let check = |shares| {
            let books = with_limits(limits.clone());
            refusal("C08", &proposal(shares, "10.00"), &WorstCase::default(), &books)
        };
        assert_eq!((check(5_000), check(5_001)), (None, Some(RejectCode::GrossExposure)));
    }
}
