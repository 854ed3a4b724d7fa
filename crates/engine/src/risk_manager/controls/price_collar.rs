//! C04: no limit lies so far through the market that it can only be a mistake.

use model::{OrderKind, Price, Rounding, Side};

use super::Control;
use crate::books::Books;
use crate::risk_manager::{ControlId, MarketView, Proposal, RejectCode, Rejection, WorstCase};

/// Binds the aggressive side only: a limit against the touch (without a quote the last price), a
/// stop-limit against its own trigger. Stops and passive limits are free; the price bands of the
/// exchange bind every limit (C21).
#[derive(Debug)]
pub(super) struct PriceCollar;

/// Returns how far through its reference a limit may lie, in parts per million: 3 % from 25 USD,
/// 5 % from 5 USD, 10 % below.
pub(super) fn band_ppm(reference: Price) -> i64 {
    const DOLLAR: i64 = 1_000_000_000;
    match reference.raw() {
        raw if raw >= 25 * DOLLAR => 30_000,
        raw if raw >= 5 * DOLLAR => 50_000,
        _ => 100_000,
    }
}

impl Control for PriceCollar {
    fn id(&self) -> ControlId {
        ControlId(4)
    }

    fn check(&self, proposal: &Proposal, _: &WorstCase, books: &Books) -> Result<(), Rejection> {
        if !books.gate().limits().price_collar {
            return Ok(());
        }
        let Some(limit) = proposal.kind.limit() else { return Ok(()) };
        let refuse = |bound: Price| {
            Err(Rejection::new(RejectCode::PriceCollar, bound.to_f64(), limit.to_f64()))
        };
        let buys = proposal.side.is_buy();
        let reference = proposal.kind.stop().or(proposal.market.far_touch(proposal.side));
        if let Some(reference) = reference {
            let room = reference.times_ppm(band_ppm(reference));
            let bound = if buys { reference.plus(room) } else { reference.minus(room) };
            if (buys && limit > bound) || (!buys && limit < bound) {
                return refuse(bound);
            }
        }
        match proposal.market.bands {
            Some((_, upper)) if buys && limit > upper => refuse(upper),
            Some((lower, _)) if !buys && limit < lower => refuse(lower),
            _ => Ok(()),
        }
    }
}

/// Returns the marketable limit that a market entry goes with: `offset_ppm` past the touch,
/// rounded passively (C05), inside the bands; `None` when nothing is known of the market.
pub(crate) fn marketable_limit(
    side: Side,
    market: &MarketView,
    tick: Price,
    offset_ppm: i64,
) -> Option<OrderKind> {
    let touch = market.far_touch(side)?;
    let room = touch.times_ppm(offset_ppm);
    let limit = if side.is_buy() {
        let limit = touch.plus(room).round_to(tick, Rounding::Down);
        market.bands.map_or(limit, |(_, upper)| limit.min(upper))
    } else {
        let limit = touch.minus(room).round_to(tick, Rounding::Up);
        market.bands.map_or(limit, |(lower, _)| limit.max(lower))
    };
    limit.is_positive().then_some(OrderKind::Limit { limit })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{books, price, proposal, refusal};
    use super::*;
    use crate::risk_manager::MarketView;

    fn check(side: Side, kind: OrderKind, market: MarketView) -> bool {
        let proposal = Proposal { side, kind, market, ..proposal(1, "10.00") };
        refusal("C04", &proposal, &WorstCase::default(), &books()).is_none()
    }

    fn quoted(bid: &str, ask: &str) -> MarketView {
        MarketView { touch: Some((price(bid), price(ask))), ..MarketView::default() }
    }

    /// One tick beside each band: 10 % under 5 USD, 5 % under 25 USD, 3 % from there on.
    #[test]
    fn bands_by_price() {
        for (touch, at, beyond) in
            [("4.00", "4.40", "4.41"), ("10.00", "10.50", "10.51"), ("25.00", "25.75", "25.76")]
        {
            let buy = |limit| OrderKind::Limit { limit: price(limit) };
            let market = quoted("1.00", touch);
            assert!(check(Side::Buy, buy(at), market), "{touch}");
            assert!(!check(Side::Buy, buy(beyond), market), "{touch}");
            let last = MarketView { last: price(touch), ..MarketView::default() };
            assert!(!check(Side::Buy, buy(beyond), last), "without a quote the last price");
        }
    }

    /// Random quotes: a passive limit always passes, one 11 % through the touch never does.
    #[test]
    fn random_quotes() {
        let mut seed = 7_u64;
        for _ in 0..1_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let cents = 100 + (seed >> 33) as i64 % 50_000;
            let at = |cents: i64| Price::from_raw(cents * 10_000_000);
            let market =
                MarketView { touch: Some((at(cents - 1), at(cents))), ..MarketView::default() };
            let limit = |cents| OrderKind::Limit { limit: at(cents) };
            assert!(check(Side::Buy, limit(cents / 2), market), "seed {seed}");
            assert!(check(Side::SellShort, limit(cents * 2), market), "seed {seed}");
            assert!(!check(Side::Buy, limit(cents + cents * 11 / 100 + 1), market), "seed {seed}");
            assert!(
                !check(Side::SellShort, limit(cents - cents * 11 / 100 - 2), market),
                "seed {seed}"
            );
        }
    }

    /// A stop-limit is measured against its own trigger, wherever the market is; a stop is free.
    #[test]
    fn stop_limits_against_their_trigger() {
        let stop_limit = |limit| OrderKind::StopLimit { stop: price("10.00"), limit: price(limit) };
        let far = quoted("4.99", "5.00");
        assert!(check(Side::Buy, stop_limit("10.50"), far));
        assert!(!check(Side::Buy, stop_limit("10.51"), far));
        assert!(check(Side::SellShort, stop_limit("9.50"), far));
        assert!(!check(Side::SellShort, stop_limit("9.49"), far));
        assert!(check(Side::Buy, OrderKind::Stop { stop: price("99.00") }, far));
    }

    /// Always inside the price bands of the exchange, and a market entry's limit is moved there.
    #[test]
    fn inside_the_price_bands() {
        let bands = Some((price("9.50"), price("10.05")));
        let market = MarketView { bands, ..quoted("9.99", "10.00") };
        assert!(check(Side::Buy, OrderKind::Limit { limit: price("10.05") }, market));
        assert!(!check(Side::Buy, OrderKind::Limit { limit: price("10.06") }, market));
        let converted = marketable_limit(Side::Buy, &market, price("0.01"), 10_000);
        assert_eq!(converted, Some(OrderKind::Limit { limit: price("10.05") }));
        let free = MarketView { bands: None, ..market };
        let converted = |side| marketable_limit(side, &free, price("0.01"), 10_000);
        assert_eq!(converted(Side::Buy), Some(OrderKind::Limit { limit: price("10.10") }));
        let passive = Some(OrderKind::Limit { limit: price("9.90") });
        assert_eq!(converted(Side::SellShort), passive, "9.8901 rounds up, away from the market");
        assert_eq!(marketable_limit(Side::Buy, &MarketView::default(), price("0.01"), 1), None);
    }
}
