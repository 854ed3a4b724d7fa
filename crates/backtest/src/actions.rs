//! The corporate actions of the data, as the core and the exchange are told of them (F27).

use model::{ActionKind, Cash, CorporateAction, Price, SplitRatio, SymbolId};

use crate::data::Action;

/// Returns what happens at an entry of the data, a split before a dividend, which is per new share
/// (TB6); `last` is the last price of an old share. `Err` names a split that is no ratio of whole
/// numbers: it cannot happen to a holding.
pub(crate) fn corporate(
    symbol: SymbolId,
    action: &Action,
    last: Price,
) -> Result<Vec<CorporateAction>, f64> {
    let of = |kind| CorporateAction { symbol, ex_date: action.date, kind };
    let mut found = Vec::new();
    if action.split_ratio != 1.0 {
        let ratio = SplitRatio::nearest(action.split_ratio).ok_or(action.split_ratio)?;
        // Brokers pay for fractions what a new share was worth at the last close.
        let cash_in_lieu = Some(ratio.price(last));
        found.push(of(ActionKind::Split { ratio, cash_in_lieu }));
    }
    if action.cash_dividend > Cash::ZERO {
        found.push(of(ActionKind::Dividend { per_share: action.cash_dividend }));
    }
    Ok(found)
}
