//! The corporate actions of the data, as the core and the exchange are told of them (F27).

use model::exchange::{Calendar, Session};
use model::{ActionKind, Cash, CorporateAction, Date, Price, SplitRatio, SymbolId};

use crate::data::{Action, MarketData, SymbolData};

/// Returns what happens to the symbols before a session: for whoever tells the core and the broker of
/// it without a [`Driver`](crate::Driver), which does so itself. A split that is no ratio of whole
/// numbers is left out: it cannot happen to a holding.
pub fn actions_before(
    data: &MarketData,
    calendar: &Calendar,
    session: &Session,
) -> Vec<CorporateAction> {
    let previous = calendar.previous_session(session.date).map(|before| before.date);
    let mut found = Vec::new();
    for (place, data) in data.symbols().iter().enumerate() {
        let symbol = SymbolId(u32::try_from(place).unwrap_or(u32::MAX));
        for action in due(data, session, previous) {
            let last = previous.and_then(|date| official_close(data, date));
            let last = last.unwrap_or_else(|| last_price(data, session));
            found.extend(corporate(symbol, action, last).unwrap_or_default());
        }
    }
    found
}

/// Returns the entries whose ex-date is the session, or a day without one before it.
pub(crate) fn due<'a>(
    data: &'a SymbolData,
    session: &Session,
    previous: Option<Date>,
) -> impl Iterator<Item = &'a Action> + use<'a> {
    let (first, last) = (previous.map_or(session.date, |date| date.plus_days(1)), session.date);
    data.actions.iter().filter(move |action| (first..=last).contains(&action.date))
}

/// Returns the official close of a date, if the data has one.
pub(crate) fn official_close(data: &SymbolData, date: Date) -> Option<Price> {
    let at = data.daily.binary_search_by_key(&date, |bar| bar.date).ok()?;
    Some(data.daily.get(at)?.close)
}

fn last_price(data: &SymbolData, session: &Session) -> Price {
    let before = data.bars.partition_point(|bar| bar.start < session.pre_open);
    let last = before.checked_sub(1).and_then(|at| data.bars.get(at));
    last.map_or(Price::ZERO, |bar| bar.close)
}

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
