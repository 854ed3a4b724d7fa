//! C28, R11: nothing opens on data that is too old or comes from an unofficial source.

use super::Control;
use crate::books::Books;
use crate::data_manager::{DataDoubt, Stale};
use crate::risk_manager::{ControlId, Proposal, RejectCode, Rejection, WorstCase};

/// Refuses entries in a symbol whose market data is in doubt. Stored data has no age: in a
/// backtest nothing is ever stale.
#[derive(Debug)]
pub(super) struct StaleData;

impl Control for StaleData {
    fn id(&self) -> ControlId {
        ControlId(28)
    }

    fn check(&self, proposal: &Proposal, _: &WorstCase, _: &Books) -> Result<(), Rejection> {
        match proposal.market.doubt {
            None => Ok(()),
            Some(DataDoubt::Stale(Stale { limit_ns, age_ns })) => {
                let (limit, age) = (limit_ns as f64 / 1e9, age_ns as f64 / 1e9);
                Err(Rejection::new(RejectCode::StaleData, limit, age))
            }
            Some(DataDoubt::Unofficial) => {
                Err(Rejection::new(RejectCode::UnofficialSource, 0.0, 1.0))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{books, price, proposal, refusal};
    use super::*;
    use crate::MarketEvent;
    use crate::data_manager::{DataManager, DataPolicy, Needs, SourcePolicy};
    use model::{Quantity, Quote, SECOND_NS, SourceId, SymbolId, Timestamp};

    fn check(doubt: Option<DataDoubt>) -> Option<RejectCode> {
        let mut proposal = proposal(1, "10.00");
        proposal.market.doubt = doubt;
        refusal("C28", &proposal, &WorstCase::default(), &books())
    }

    fn at(nanos: i64) -> Timestamp {
        Timestamp::from_nanos(100 * SECOND_NS + nanos)
    }

    fn data(policy: DataPolicy) -> DataManager {
        let mut data = DataManager::new(1, Needs::NONE).with_policy(policy);
        let size = Quantity::from_shares(1).unwrap();
        let quote = Quote {
            time: at(0),
            bid: price("10.00"),
            ask: price("10.01"),
            bid_size: size,
            ask_size: size,
        };
        data.hear(SourceId(0), &MarketEvent::Heartbeat, at(0));
        data.accept_quote(SymbolId(0), &quote, at(0));
        data
    }

    /// The boundary: a quote two seconds old opens, one a nanosecond older does not; stored data
    /// has no age.
    #[test]
    fn two_seconds_is_the_boundary() {
        let limit = 2 * SECOND_NS;
        let live = data(DataPolicy::live());
        let judged = |age| check(live.doubt(SymbolId(0), at(age)));
        assert_eq!((judged(0), judged(limit)), (None, None));
        assert_eq!(judged(limit + 1), Some(RejectCode::StaleData));
        let stored = data(DataPolicy::default());
        assert_eq!(check(stored.doubt(SymbolId(0), at(1_000 * SECOND_NS))), None);
        assert_eq!(check(live.doubt(SymbolId(9), at(0))), Some(RejectCode::StaleData), "unknown");
    }

    /// R11: an unofficial source opens only where that is configured.
    #[test]
    fn unofficial_sources_open_nothing() {
        let sources = vec![SourcePolicy { official: false, adjusted: false }];
        let policy = DataPolicy { sources, ..DataPolicy::live() };
        let judge = |policy| check(data(policy).doubt(SymbolId(0), at(0)));
        assert_eq!(judge(policy.clone()), Some(RejectCode::UnofficialSource));
        assert_eq!(judge(DataPolicy { unofficial_may_open: true, ..policy }), None);
    }
}
