//! C26 on fixtures, and the lots' sums over random executions.

use super::*;

const SYMBOL: SymbolId = SymbolId(1);

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

fn cash(text: &str) -> Cash {
    text.parse().unwrap()
}

fn shares(count: i64) -> Quantity {
    Quantity::from_shares(count).unwrap()
}

fn fill(side: Side, quantity: i64, value: &str, fee: &str) -> LotFill {
    let (value, fee) = (cash(value), cash(fee));
    LotFill { symbol: SYMBOL, side, quantity: shares(quantity), value, fee }
}

/// Books lines of `date buy|sell shares value [fee]`.
fn booked(lines: &str) -> Lots {
    let mut lots = Lots::default();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        lots.begin_day(date(words[0]));
        let side = if words[1] == "buy" { Side::Buy } else { Side::Sell };
        let fee = words.get(4).copied().unwrap_or("0");
        lots.book(&fill(side, words[2].parse().unwrap(), words[3], fee));
    }
    lots
}

/// Open lots as `shares basis washed`, closed parts as `shares gain washed disallowed`.
fn text(lots: &Lots) -> (Vec<String>, Vec<String>) {
    let lots = lots.symbol(SYMBOL).unwrap();
    let open = lots.open().map(|lot| format!("{} {} {}", lot.quantity, lot.basis, lot.washed));
    let closed = lots.closed().map(|part| {
        let (gain, washed) = (part.gain(), part.washed_quantity);
        format!("{} {gain} {washed} {}", part.quantity, part.disallowed)
    });
    (open.collect(), closed.collect())
}

fn check(lines: &str, open: &[&str], closed: &[&str]) {
    let (found_open, found_closed) = text(&booked(lines));
    assert_eq!(found_open, open, "open lots of {lines}");
    assert_eq!(found_closed, closed, "closed parts of {lines}");
}

/// TP14: first in first out over partial sales; fees are in basis and proceeds.
#[test]
fn first_in_first_out() {
    check(
        "2026-01-05 buy 100 1000 1
         2026-01-06 buy 100 1100 1
         2026-01-07 sell 150 1800 3",
        &["50 550.50 0.00"],
        &["100 197.00 0 0.00", "50 48.50 0 0.00"],
    );
}

/// C26: a purchase on the 30th day after a loss washes it, one on the 31st does not.
#[test]
fn thirty_days_after() {
    let lines = |day: &str| {
        format!(
            "2026-01-05 buy 100 1000
             2026-01-06 sell 100 900
             {day} buy 100 850"
        )
    };
    check(&lines("2026-02-05"), &["100 950.00 100.00"], &["100 -100.00 100 100.00"]);
    check(&lines("2026-02-06"), &["100 850.00 0.00"], &["100 -100.00 0 0.00"]);
}

/// C26: shares acquired up to 30 days before and still held wash the loss as well; the shares
/// that are sold do not wash their own.
#[test]
fn thirty_days_before() {
    let lines = |day: &str| {
        format!(
            "2025-06-02 buy 100 1000
             {day} buy 60 480
             2026-03-10 sell 100 800"
        )
    };
    check(&lines("2026-02-08"), &["60 600.00 120.00"], &["100 -200.00 60 120.00"]);
    check(&lines("2026-02-07"), &["60 480.00 0.00"], &["100 -200.00 0 0.00"]);
}

/// C26: a part of a purchase that washes is a lot of its own, and washes once.
#[test]
fn a_share_replaces_once() {
    check(
        "2026-01-05 buy 100 1000
         2026-01-06 sell 60 480
         2026-01-07 buy 200 1600
         2026-01-08 sell 40 320",
        &["100 1000.00 200.00", "100 800.00 0.00"],
        &["60 -120.00 60 120.00", "40 -80.00 40 80.00"],
    );
}

/// C26: the loss comes back when the replacement is sold and nothing is bought again.
#[test]
fn a_washed_loss_is_deferred_not_lost() {
    check(
        "2026-01-05 buy 100 1000
         2026-01-06 sell 100 900
         2026-01-07 buy 100 850
         2026-01-08 sell 100 870",
        &[],
        &["100 -100.00 100 100.00", "100 -80.00 0 0.00"],
    );
}

/// C26: shorts mirror longs, and a purchase that covers a short washes no loss of a long.
#[test]
fn shorts_are_lots_too() {
    check(
        "2026-01-05 sell 100 1000 1
         2026-01-06 buy 100 1100 1
         2026-01-07 sell 50 600",
        &["-50 -549.00 51.00"],
        &["-100 -102.00 50 51.00"],
    );
    check(
        "2026-01-05 buy 100 1000
         2026-01-06 sell 150 1350
         2026-01-07 buy 50 400",
        &[],
        &["100 -100.00 0 0.00", "-50 50.00 0 0.00"],
    );
}

/// C26: whether an entry would wash is known for 30 days and in the direction of the loss.
#[test]
fn would_wash_looks_at_direction_and_days() {
    let lots = booked("2026-01-05 buy 100 1000\n2026-01-06 sell 100 900");
    let lots = lots.symbol(SYMBOL).unwrap();
    assert!(lots.would_wash(true, date("2026-02-05")));
    assert!(!lots.would_wash(true, date("2026-02-06")));
    assert!(!lots.would_wash(false, date("2026-01-07")));
}

/// F12: an execution that never was leaves lots as they were before it.
#[test]
fn an_execution_is_taken_back() {
    let mut lots = booked("2026-01-05 buy 100 1000 1\n2026-01-06 buy 50 600 1");
    lots.take_back(&fill(Side::Buy, 50, "600", "1"));
    assert_eq!(text(&lots), (vec!["100 1001.00 0.00".to_owned()], vec![]));
    lots.book(&fill(Side::Sell, 100, "1100", "1"));
    lots.take_back(&fill(Side::Sell, 100, "1100", "1"));
    let lots = lots.symbol(SYMBOL).unwrap();
    assert_eq!((lots.quantity(), lots.cash()), (shares(100), cash("-1001")));
}

/// I15: parts closed more than 61 days ago are totals of their year.
#[test]
fn old_parts_become_totals() {
    let mut lots = booked(
        "2025-12-01 buy 100 1000
         2025-12-02 sell 100 900
         2025-12-03 buy 10 90
         2026-01-05 sell 10 120",
    );
    lots.begin_day(date("2026-02-01"));
    assert_eq!(text(&lots).1.len(), 2);
    lots.begin_day(date("2026-02-02"));
    assert_eq!(text(&lots).1.len(), 1);
    lots.begin_day(date("2027-01-01"));
    assert_eq!(text(&lots).1.len(), 0);
    let (gain, disallowed) = (cash("-100"), cash("10"));
    let first = YearTotals { year: 2025, parts: 1, gain, disallowed };
    let second = YearTotals { year: 2026, parts: 1, gain: cash("20"), disallowed: Cash::ZERO };
    assert_eq!(lots.symbol(SYMBOL).unwrap().years(), [first, second]);
}

/// I3, I11 over random executions on random days: shares and cash are in the lots exactly, no part
/// is washed beyond its loss, and a washed loss is in no basis twice.
#[test]
fn lots_sum_up() {
    for seed in 1..=200_u64 {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut random = |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % below
        };
        let mut lots = Lots::default();
        let (mut today, mut net, mut flow) = (date("2026-01-05"), 0, Cash::ZERO);
        for _ in 0..150 {
            today = today.plus_days(i32::try_from(random(4)).unwrap());
            lots.begin_day(today);
            let (buy, count) = (random(2) == 0, 1 + random(300) as i64);
            let value = Cash::from_raw(1_000_000_007 * (900 + random(200) as i64) * count / 100);
            let fee = Cash::from_raw(random(2_000_000_000) as i64);
            let side = if buy { Side::Buy } else { Side::SellShort };
            lots.book(&LotFill { symbol: SYMBOL, side, quantity: shares(count), value, fee });
            net += if buy { count } else { -count };
            flow = flow.minus(fee).plus(if buy { value.negated() } else { value });
            let symbol = lots.symbol(SYMBOL).unwrap();
            assert_eq!(symbol.quantity(), shares(net), "seed {seed}");
            assert_eq!(symbol.cash(), flow, "seed {seed}");
            for part in symbol.closed() {
                let within = part.washed_quantity <= part.quantity.abs();
                let loss = part.gain().negated().max(Cash::ZERO);
                assert!(within && part.disallowed <= loss, "seed {seed}: {part:?}");
            }
            let same = |lot: &Lot| (lot.quantity > Quantity::ZERO) == (net > 0);
            assert!(symbol.open().all(same), "seed {seed}: long and short lots at once");
        }
    }
}
