//! Price increments and passive rounding (TB11, C05).

use model::exchange::TickTable;
use model::{Price, Side, Symbol};

use crate::support::{Random, date, value};

/// C05: 0.99995, 1.00 and 1.005, each in both directions for limits and stops.
#[test]
fn rounding_at_the_dollar() {
    let (table, symbol, day) = (TickTable::us(), value("XYZ"), date("2026-11-25"));
    for (price, tick, down, up) in [
        ("0.99995", "0.0001", "0.9999", "1.00"),
        ("1.00", "0.01", "1.00", "1.00"),
        ("1.005", "0.01", "1.00", "1.01"),
        ("0.12345", "0.0001", "0.1234", "0.1235"),
        ("11.5675", "0.01", "11.56", "11.57"),
    ] {
        let (price, down, up): (Price, Price, Price) = (value(price), value(down), value(up));
        assert_eq!(table.tick(symbol, day, price), value(tick), "{price}");
        for (side, limit, stop) in
            [(Side::Buy, down, up), (Side::Sell, up, down), (Side::SellShort, up, down)]
        {
            assert_eq!(table.round_limit(symbol, day, side, price), limit, "{side:?} {price}");
            assert_eq!(table.round_stop(symbol, day, side, price), stop, "{side:?} {price}");
        }
    }
    assert!(!table.is_valid(symbol, day, Price::ZERO));
    assert!(!table.is_valid(symbol, day, value("1.005")));
    assert!(table.is_valid(symbol, day, value("0.9999")));
}

/// TB11: an assigned half cent holds for its symbol, from its date, above one dollar.
#[test]
fn assigned_increments_are_dated() {
    let text = "
        XYZ 2027-11-01 2028-05-01 0.005   # first period
        XYZ 2028-11-01 0.005
        ABC 2027-11-01 0.005
    ";
    let table = TickTable::us().with_overrides(text).unwrap();
    let tick = |symbol: &str, day: &str, price: &str| {
        table.tick(value::<Symbol>(symbol), date(day), value(price)).to_string()
    };
    assert_eq!(tick("XYZ", "2027-10-31", "10"), "0.01");
    assert_eq!(tick("XYZ", "2027-11-01", "10"), "0.005");
    assert_eq!(tick("XYZ", "2028-04-30", "10"), "0.005");
    assert_eq!(tick("XYZ", "2028-05-01", "10"), "0.01");
    assert_eq!(tick("XYZ", "2028-11-01", "10"), "0.005");
    assert_eq!(tick("XYZ", "2027-11-01", "0.5"), "0.0001");
    assert_eq!(tick("ABC", "2030-01-01", "10"), "0.005");
    assert_eq!(tick("AAA", "2030-01-01", "10"), "0.01");
    assert_eq!(tick("ZZZ", "2030-01-01", "10"), "0.01");
    let (symbol, day) = (value("XYZ"), date("2027-11-01"));
    let price = value("1.007");
    assert_eq!(table.round_limit(symbol, day, Side::Buy, price), value("1.005"));
    assert_eq!(table.round_stop(symbol, day, Side::Buy, price), value("1.01"));
}

#[test]
fn assignments_are_checked() {
    for (text, line, bad) in [
        ("XYZ 2027-11-01", 1, "XYZ 2027-11-01"),
        ("\nX$Z 2027-11-01 0.005", 2, "X$Z"),
        ("XYZ 2027-11-31 0.005", 1, "2027-11-31"),
        ("XYZ 2027-11-01 2027-11-01 0.005", 1, "2027-11-01"),
        ("XYZ 2027-11-01 0", 1, "0"),
        ("XYZ 2027-11-01 -0.01", 1, "-0.01"),
        ("XYZ 2027-11-01 5", 1, "5"),
    ] {
        let error = TickTable::us().with_overrides(text).unwrap_err();
        assert_eq!((error.line, error.value.as_str()), (line, bad), "{text:?}");
    }
}

/// TB11 as a property: no rounding makes an order more aggressive, and all land on the grid.
#[test]
fn rounding_is_passive() {
    let seed = 20_261_125;
    let mut random = Random(seed);
    let (table, symbol, day) = (TickTable::us(), value("XYZ"), date("2026-11-25"));
    for _ in 0..20_000 {
        let price = Price::from_raw(random.between(1_000_000, 3_000_000_000));
        for side in [Side::Buy, Side::Sell, Side::SellShort] {
            let limit = table.round_limit(symbol, day, side, price);
            let stop = table.round_stop(symbol, day, side, price);
            let passive = if side.is_buy() {
                limit <= price && stop >= price
            } else {
                limit >= price && stop <= price
            };
            assert!(passive, "seed {seed}: {side:?} {price}: {limit} {stop}");
            assert!(table.is_valid(symbol, day, limit), "seed {seed}: {price} {limit}");
            assert!(table.is_valid(symbol, day, stop), "seed {seed}: {price} {stop}");
        }
    }
}
