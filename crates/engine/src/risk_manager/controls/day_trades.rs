//! C24: the rule for day trades that the account is under, checked before it is broken.

use model::{Cash, record_enum};

use super::Control;
use crate::books::Books;
use crate::risk_manager::{ControlId, Proposal, RejectCode, Rejection, WorstCase};

/// The rule for day trades. It must be set for each broker; a simulated one has none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum DayTradeRule {
    /// None: a cash account, or a simulation.
    #[default]
    None,
    /// Maintenance margin within the day (FINRA 4210 from 4 June 2026).
    IntradayMargin,
    /// The pattern-day-trader rule: four day trades in five sessions and over 6 % of all trades
    /// under 25,000 USD of equity.
    LegacyPdt,
}

impl DayTradeRule {
    /// All rules, in the order of their definition.
    pub const ALL: [Self; 3] = [Self::None, Self::IntradayMargin, Self::LegacyPdt];

    /// Returns the name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::IntradayMargin => "intraday_margin",
            Self::LegacyPdt => "legacy_pdt",
        }
    }
}

/// Equity from which the legacy rule does not bind, in USD.
const LEGACY_EQUITY: i64 = 25_000;
/// Day trades in five sessions that make a pattern day trader.
const LEGACY_TRADES: u32 = 4;
/// Maintenance margin of long and of short positions, in parts per million.
const MAINTENANCE_LONG_PPM: i64 = 250_000;
const MAINTENANCE_SHORT_PPM: i64 = 300_000;

/// Refuses the entry whose exit would break the rule.
#[derive(Debug)]
pub(super) struct DayTrades;

impl Control for DayTrades {
    fn id(&self) -> ControlId {
        ControlId(24)
    }

    fn check(
        &self,
        proposal: &Proposal,
        worst: &WorstCase,
        books: &Books,
    ) -> Result<(), Rejection> {
        match books.gate().limits().day_trade_rule {
            DayTradeRule::None => Ok(()),
            DayTradeRule::LegacyPdt => legacy(proposal, worst, books),
            DayTradeRule::IntradayMargin => intraday(proposal, worst, books),
        }
    }
}

/// Every position opened today, working entry and the proposal itself may become a day trade.
fn legacy(proposal: &Proposal, worst: &WorstCase, books: &Books) -> Result<(), Rejection> {
    let reported = books.risk().account(proposal.broker).map(|account| account.equity);
    let equity = reported.map_or(books.day().equity, |equity| equity.min(books.day().equity));
    if equity >= Cash::from_dollars(LEGACY_EQUITY).unwrap_or_default() {
        return Ok(());
    }
    let trades = books.risk().recent_trades();
    let open = worst.opened_today.saturating_add(worst.entries).saturating_add(1);
    let unrecorded = u32::try_from(books.closed().len()).unwrap_or(u32::MAX);
    let more = open.saturating_add(unrecorded);
    let day_trades = trades.day_trades.saturating_add(more);
    let closed = trades.closed.saturating_add(more);
    // Over 6 % of all trades: 100 * day trades > 6 * trades.
    let over = u64::from(day_trades) * 100 > u64::from(closed) * 6;
    if day_trades >= LEGACY_TRADES && over {
        let limit = f64::from(LEGACY_TRADES - 1);
        return Err(Rejection::new(RejectCode::DayTrades, limit, f64::from(day_trades)));
    }
    Ok(())
}

/// The margin that the worst case needs must not exceed the equity.
fn intraday(proposal: &Proposal, worst: &WorstCase, books: &Books) -> Result<(), Rejection> {
    let value = proposal.worst_price.notional(proposal.quantity);
    let Some(value) = value else {
        return Err(Rejection::new(RejectCode::Margin, 0.0, f64::MAX));
    };
    let (mut long, mut short) =
        (worst.held_long.plus(worst.buys), worst.held_short.plus(worst.sells));
    let side = if proposal.side.is_buy() { &mut long } else { &mut short };
    *side = side.plus(value);
    let needed = long.times_ppm(MAINTENANCE_LONG_PPM).plus(short.times_ppm(MAINTENANCE_SHORT_PPM));
    let equity = books.day().equity;
    if needed > equity {
        return Err(Rejection::new(RejectCode::Margin, equity.to_f64(), needed.to_f64()));
    }
    Ok(())
}

record_enum!(DayTradeRule { 0: None, 1: IntradayMargin, 2: LegacyPdt });

#[cfg(test)]
mod tests {
    use super::super::testing::{proposal, refusal, with_limits};
    use super::*;
    use crate::fact::{DayRoll, Fact};
    use crate::risk_manager::Limits;
    use model::{ClosedTrade, Side};

    fn account(rule: DayTradeRule, equity: &str, day_trades: u32, swings: u32) -> Books {
        let limits = Limits { day_trade_rule: rule, ..Limits::default() };
        let mut books = with_limits(limits);
        let equity = equity.parse().unwrap();
        books.fold(&Fact::DayRoll(DayRoll { equity, ..DayRoll::default() }));
        for _ in 0..day_trades {
            books.fold(&Fact::TradeClosed(Box::default()));
        }
        for _ in 0..swings {
            let exit_time = model::Timestamp::from_nanos(5 * model::DAY_NS);
            books.fold(&Fact::TradeClosed(Box::new(ClosedTrade {
                exit_time,
                ..ClosedTrade::default()
            })));
        }
        books
    }

    /// The fourth round trip at 24,999.99 is refused before it begins, at 25,000 it is not.
    #[test]
    fn fourth_day_trade() {
        let check = |equity, day_trades, opened_today, swings| {
            let books = account(DayTradeRule::LegacyPdt, equity, day_trades, swings);
            let worst = WorstCase { opened_today, ..WorstCase::default() };
            refusal("C24", &proposal(1, "10.00"), &worst, &books)
        };
        let refused = Some(RejectCode::DayTrades);
        assert_eq!((check("24999.99", 2, 0, 0), check("24999.99", 3, 0, 0)), (None, refused));
        assert_eq!(check("24999.99", 1, 2, 0), refused, "what is open will be closed today");
        assert_eq!(check("25000", 30, 5, 0), None);
        // 4 of 66 trades are over 6 %, 4 of 67 are not.
        assert_eq!(check("24999.99", 3, 0, 62), refused);
        assert_eq!(check("24999.99", 3, 0, 63), None);
    }

    /// After five sessions a day trade is forgotten.
    #[test]
    fn five_sessions() {
        let mut books = account(DayTradeRule::LegacyPdt, "20000", 3, 0);
        for session in 1..=5 {
            let passed = session == 5;
            let equity = "20000".parse().unwrap();
            books.fold(&Fact::DayRoll(DayRoll { equity, ..DayRoll::default() }));
            let check = refusal("C24", &proposal(1, "10.00"), &WorstCase::default(), &books);
            assert_eq!(check.is_none(), passed, "session {session}");
        }
    }

    /// 25 % of long and 30 % of short positions, at the worst, one share beside the equity.
    #[test]
    fn maintenance_margin() {
        let check = |shares, side| {
            let books = account(DayTradeRule::IntradayMargin, "20000", 9, 0);
            let worst = WorstCase {
                held_long: "40000".parse().unwrap(),
                sells: "10000".parse().unwrap(),
                ..WorstCase::default()
            };
            let proposal = Proposal { side, ..proposal(shares, "10.00") };
            refusal("C24", &proposal, &worst, &books)
        };
        let refused = Some(RejectCode::Margin);
        assert_eq!((check(2_800, Side::Buy), check(2_801, Side::Buy)), (None, refused));
        let short = Side::SellShort;
        assert_eq!((check(2_333, short), check(2_334, short)), (None, refused));
    }
}
