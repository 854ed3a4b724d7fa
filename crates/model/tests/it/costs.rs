//! Commissions and fees (TK1-TK4, TK7).

use model::exchange::{
    CommissionPlan, Execution, FeeAccount, FeeSchedule, FillCharges, Liquidity, OrderCommission,
};
use model::{Cash, Price, Quantity, Side};
use serde_json::Value;

use crate::support::{Random, date, oracle, shares, value};

fn account(plan: &str) -> FeeAccount {
    FeeAccount::new(value(plan), FeeSchedule::us())
}

fn execution(day: &str, side: Side, quantity: i64, price: &str) -> Execution {
    let liquidity = Liquidity::Removed;
    Execution { date: date(day), side, quantity: shares(quantity), price: value(price), liquidity }
}

/// Charges one order that is filled at once.
fn charge(account: &mut FeeAccount, fill: &Execution) -> FillCharges {
    account.charge(&mut OrderCommission::new(), fill)
}

fn cash(json: &Value) -> Cash {
    match json {
        Value::String(text) => value(text),
        number => value(&number.to_string()),
    }
}

/// Returns an amount rounded to as many decimals as `printed` has.
fn rounded_like(amount: Cash, printed: &Value) -> Cash {
    let places = printed.to_string().split_once('.').map_or(0, |(_, digits)| digits.len());
    let unit = Price::from_raw(10_i64.pow(9 - u32::try_from(places).unwrap()));
    let price = Price::from_raw(amount.raw()).round_to(unit, model::Rounding::HalfEven);
    Cash::from_raw(price.raw())
}

/// Every case of the worked fees, each the only trade of its day.
#[test]
fn worked_fee_cases() {
    let cases: Value = serde_json::from_str(&oracle("worked/fee_cases.json")).unwrap();
    for case in cases["cases"].as_array().unwrap() {
        let side = if case["side"] == "buy" { Side::Buy } else { Side::Sell };
        let quantity = case["qty"].as_i64().unwrap();
        let (day, price) = (case["date"].as_str().unwrap(), case["price"].as_str().unwrap());
        let mut account = account(case["plan"].as_str().unwrap());
        let charges = charge(&mut account, &execution(day, side, quantity, price));
        assert_eq!(charges.commission, cash(&case["commission"]), "{case}");
        assert_eq!(charges.sec, cash(&case["sec_raw"]), "{case}");
        assert_eq!(charges.taf, cash(&case["taf_raw"]), "{case}");
        if let Some(clearing) = case.get("clearing_raw") {
            assert_eq!(charges.clearing, cash(clearing), "{case}");
        }
        let rounding = account.close_day();
        if let Some(sec) = case.get("sec_charged") {
            let (sec, taf) = (cash(sec), cash(&case["taf_charged"]));
            assert_eq!(charges.sec.ceil_to_cents(), sec, "{case}");
            assert_eq!(charges.taf.ceil_to_cents(), taf, "{case}");
            let charged = sec.plus(taf).plus(charges.cat.ceil_to_cents());
            assert_eq!(charges.total().plus(rounding), charged, "{case}");
        } else {
            assert_eq!(rounding, Cash::ZERO, "{case}");
        }
    }
}

/// TG40: the fees of the worked example under both brokers.
#[test]
fn worked_example_of_a_day() {
    let expected: Value = serde_json::from_str(&oracle("worked/gap_and_go_expected.json")).unwrap();
    let day = expected["fees_alpaca"]["rates_date"].as_str().unwrap();
    let fills: Vec<Execution> = expected["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| {
            let side = if event["event"] == "entry" { Side::Buy } else { Side::Sell };
            let price = event["price"].to_string();
            execution(day, side, event["qty"].as_i64().unwrap(), &price)
        })
        .collect();

    let mut alpaca = account("alpaca");
    let charges: Vec<_> = fills.iter().map(|fill| charge(&mut alpaca, fill)).collect();
    let raw = &expected["fees_alpaca"]["raw"];
    let charged = &expected["fees_alpaca"]["charged_day_total_rounded_up"];
    for (name, fee) in
        [("sec", (|c| c.sec) as fn(&FillCharges) -> Cash), ("taf", |c| c.taf), ("cat", |c| c.cat)]
    {
        let sum: Cash = charges.iter().map(fee).sum();
        assert_eq!(rounded_like(sum, &raw[name]), cash(&raw[name]), "{name}");
        assert_eq!(sum.ceil_to_cents(), cash(&charged[name]), "{name}");
    }
    let total: Cash = charges.iter().map(FillCharges::total).sum();
    assert_eq!(total.plus(alpaca.close_day()), cash(&expected["fees_alpaca"]["total"]));

    let mut ibkr = account("ibkr_fixed");
    let commissions = fills.iter().map(|fill| charge(&mut ibkr, fill).commission);
    let fixed = &expected["ibkr_fixed"];
    let expected = std::iter::once(&fixed["entry"]).chain(fixed["exits"].as_array().unwrap());
    assert_eq!(commissions.collect::<Vec<_>>(), expected.map(cash).collect::<Vec<_>>());
}

/// TK2, TK3: minimum, cap, and which of them wins.
#[test]
fn minimum_and_cap() {
    for (plan, quantity, price, commission) in [
        ("ibkr_fixed", 100, "25.00", "1.00"),
        ("ibkr_fixed", 200, "25.00", "1.00"),
        ("ibkr_fixed", 201, "25.00", "1.005"),
        ("ibkr_fixed", 1000, "25.00", "5.00"),
        ("ibkr_fixed", 1000, "0.25", "2.50"),
        ("ibkr_fixed", 10, "5.00", "0.50"),
        ("ibkr_tiered", 100, "25.00", "0.35"),
        ("ibkr_tiered", 101, "25.00", "0.3535"),
        ("ibkr_tiered", 1, "5.00", "0.05"),
        ("alpaca", 1000, "25.00", "0"),
        ("none", 1000, "25.00", "0"),
        ("per_share:0.005", 1351, "11.52", "6.755"),
        ("per_share:0.005", 1, "0.01", "0.005"),
    ] {
        let fill = execution("2026-06-01", Side::Buy, quantity, price);
        let charges = charge(&mut account(plan), &fill);
        assert_eq!(charges.commission, value(commission), "{plan} {quantity} @ {price}");
    }
}

/// Plans for comparison charge nothing besides; the brokers' plans add the regulators' fees.
#[test]
fn what_each_plan_charges() {
    let fill = execution("2026-06-01", Side::Sell, 1000, "25.00");
    for (plan, total) in [
        ("none", "0"),
        ("per_share:0.01", "10.00"),
        // SEC 0.515, TAF 0.195, CAT 0.003.
        ("alpaca", "0.713"),
        ("ibkr_fixed", "5.713"),
        // Commission 3.5, clearing 0.2, venue 3.0, pass-through 3.5 * 0.000735.
        ("ibkr_tiered", "7.4155725"),
    ] {
        assert_eq!(charge(&mut account(plan), &fill).total(), value(total), "{plan}");
        let short = Execution { side: Side::SellShort, ..fill };
        assert_eq!(charge(&mut account(plan), &short).total(), value(total), "{plan}");
    }
    let made = Execution { liquidity: Liquidity::Added, ..fill };
    assert_eq!(charge(&mut account("ibkr_tiered"), &made).venue, Cash::ZERO);
    let cheap = execution("2026-06-01", Side::Buy, 1000, "0.50");
    assert_eq!(charge(&mut account("ibkr_tiered"), &cheap).venue, value("1.50"));
}

/// TK4 as a property: an order costs the same in one fill or in many, and never gives back.
#[test]
fn commission_of_partial_fills() {
    let seed = 42;
    let mut random = Random(seed);
    for round in 0..2_000 {
        let plan: CommissionPlan =
            value(["ibkr_fixed", "ibkr_tiered", "per_share:0.0035"][round % 3]);
        let price = Price::from_raw(random.between(1, 60_000) * 1_000_000);
        let before = shares(random.between(0, 1) * random.between(0, 3_100_000));
        let mut parts = OrderCommission::new();
        let (mut quantity, mut sum) = (0, Cash::ZERO);
        for _ in 0..random.between(1, 12) {
            let part = random.between(1, 400);
            let increment = parts.add(plan, before.plus(shares(quantity)), shares(part), price);
            assert!(increment >= Cash::ZERO, "seed {seed} round {round}: {increment}");
            quantity += part;
            sum = sum.plus(increment);
        }
        let whole = OrderCommission::new().add(plan, before, shares(quantity), price);
        assert_eq!(sum, whole, "seed {seed} round {round}: {plan} {quantity} @ {price}");
        assert_eq!(parts.charged(), whole, "seed {seed} round {round}");
    }
}

/// TK4: the minimum is charged once, with the first fill.
#[test]
fn minimum_is_per_order() {
    let mut account = account("ibkr_fixed");
    let mut order = OrderCommission::new();
    let fill = execution("2026-06-01", Side::Buy, 100, "25.00");
    let increments: Vec<_> =
        (0..3).map(|_| account.charge(&mut order, &fill).commission.to_string()).collect();
    assert_eq!(increments, ["1.00", "0.00", "0.50"]);
    assert_eq!(charge(&mut account, &fill).commission.to_string(), "1.00");
}

/// TK3: tiers are by the account's month; an order across a tier's edge pays both rates.
#[test]
fn monthly_tiers() {
    let mut account = account("ibkr_tiered");
    let mut commission = |day: &str, quantity: i64| -> String {
        let fill = execution(day, Side::Buy, quantity, "20.00");
        charge(&mut account, &fill).commission.to_string()
    };
    assert_eq!(commission("2026-06-01", 299_000), "1046.50");
    // 1,000 at 0.0035 and 1,000 at 0.0020.
    assert_eq!(commission("2026-06-30", 2_000), "5.50");
    assert_eq!(commission("2026-06-30", 2_699_000), "5398.00");
    assert_eq!(commission("2026-06-30", 17_000_000), "25500.00");
    assert_eq!(commission("2026-06-30", 80_000_000), "80000.00");
    assert_eq!(commission("2026-06-30", 1_000), "0.50");
    // A new month begins again.
    assert_eq!(commission("2026-07-01", 1_000), "3.50");
}

/// TK1, TK7: rounding is per fee and day, and apart from the fills.
#[test]
fn rounding_of_a_day() {
    let mut account = account("alpaca");
    let fill = execution("2026-06-01", Side::Sell, 100, "25.00");
    let raw: Cash = (0..3).map(|_| charge(&mut account, &fill).total()).sum();
    // Day totals: SEC 0.1545, TAF 0.0585, CAT 0.0009; charged 0.16 + 0.06 + 0.01.
    assert_eq!(raw, value("0.2139"));
    assert_eq!(account.close_day(), value("0.0161"));
    assert_eq!(account.close_day(), Cash::ZERO);
    // A day that nobody closed is not forgotten and not merged with the next one.
    charge(&mut account, &fill);
    charge(&mut account, &Execution { date: date("2026-06-02"), ..fill });
    // Twice SEC 0.0515 -> 0.06, TAF 0.0195 -> 0.02, CAT 0.0003 -> 0.01.
    assert_eq!(account.close_day(), value("0.0374"));
}

/// TK7: rates go by trade date; before a table's first row that row is used and flagged.
#[test]
fn rates_are_dated() {
    let fees = FeeSchedule::us().regulatory;
    let million = Cash::from_dollars(1_000_000).unwrap();
    for (day, sec, taf, cap, extrapolated) in [
        ("2011-03-14", "5.10", "0.119", "5.95", true),
        ("2022-05-13", "5.10", "0.130", "6.49", true),
        ("2022-05-14", "22.90", "0.130", "6.49", true),
        ("2023-02-27", "8.00", "0.145", "7.27", true),
        ("2024-05-21", "8.00", "0.166", "8.30", false),
        ("2024-05-22", "27.80", "0.166", "8.30", false),
        ("2025-05-14", "0", "0.166", "8.30", false),
        ("2026-04-03", "0", "0.195", "9.79", false),
        ("2026-04-04", "20.60", "0.195", "9.79", false),
        ("2029-01-02", "20.60", "0.195", "9.79", false),
    ] {
        let day = date(day);
        assert_eq!(fees.sec_fee(day, million), value(sec), "{day}");
        assert_eq!(fees.taf(day, shares(1000)), value(taf), "{day}");
        assert_eq!(fees.taf(day, shares(1_000_000)), value(cap), "{day}");
        assert_eq!(fees.extrapolated(day), extrapolated, "{day}");
    }
    let mut account = account("ibkr_fixed");
    charge(&mut account, &execution("2026-06-01", Side::Buy, 1, "10"));
    assert!(!account.extrapolated());
    charge(&mut account, &execution("2013-06-03", Side::Buy, 1, "10"));
    assert!(account.extrapolated());
    let mut account = self::account("per_share:0.01");
    charge(&mut account, &execution("2013-06-03", Side::Buy, 1, "10"));
    assert!(!account.extrapolated());
}

/// Design decision 5: an operator adds a rate without a new build.
#[test]
fn fee_overrides() {
    let text = "
        sec 2027-05-01 22.90 \"next advisory\"   # per million
        taf 2027-01-01 0.000232 11.61 notice
        cat 2026-07-01 0.000004 statement
        cat 2026-01-01 0.000002 statement
        venue 2027-11-01 0.0010 -0.0002 \"Regulation NMS\"
    ";
    let schedule = FeeSchedule::us().with_overrides(text).unwrap();
    let fees = &schedule.regulatory;
    let million = Cash::from_dollars(1_000_000).unwrap();
    assert_eq!(fees.sec_fee(date("2027-04-30"), million), value("20.60"));
    assert_eq!(fees.sec_fee(date("2027-05-01"), million), value("22.90"));
    assert_eq!(fees.taf(date("2027-01-04"), shares(1000)), value("0.232"));
    assert_eq!(fees.taf(date("2027-01-04"), shares(1_000_000)), value("11.61"));
    assert_eq!(fees.cat(date("2026-06-30"), shares(1000)), value("0.002"));
    assert_eq!(fees.cat(date("2026-07-01"), shares(1000)), value("0.004"));
    let venue = |day: &str, liquidity| {
        schedule.venue.fee(date(day), shares(1000), value("10"), liquidity).to_string()
    };
    assert_eq!(venue("2027-10-29", Liquidity::Removed), "3.00");
    assert_eq!(venue("2027-11-01", Liquidity::Removed), "1.00");
    assert_eq!(venue("2027-11-01", Liquidity::Added), "-0.20");
    assert_eq!(schedule.sources(date("2027-06-01"))[0], "next advisory");

    for (text, line, bad) in [
        ("vat 2027-05-01 1 x", 1, "vat"),
        ("\nsec 2027-05-01 22.90", 2, "sec 2027-05-01 22.90"),
        ("sec 2027-05-01 -1 x", 1, "-1"),
        ("sec 2027-05-41 1 x", 1, "2027-05-41"),
        ("taf 2027-05-01 0.1 0 x", 1, "0"),
        ("cat 2027-05-01 abc x", 1, "abc"),
    ] {
        let error = FeeSchedule::us().with_overrides(text).unwrap_err();
        assert_eq!((error.line, error.value.as_str()), (line, bad), "{text:?}");
    }
}

/// TK5, TK6: an operator's dated rates, of all symbols and of one.
#[test]
fn overrides_of_financing() {
    let text = "
        benchmark 2027-01-28 3.50 FOMC
        spread 2027-01-01 2.50 \"broker's list\"
        borrow 2027-01-01 0.36 \"broker's list\"
        borrow 2027-01-04 36 GME \"broker's short list\"
    ";
    let rates = FeeSchedule::us().with_overrides(text).unwrap().financing;
    let debit = Cash::from_dollars(36_000).unwrap();
    assert_eq!(rates.margin_interest(date("2027-01-27"), debit, 1), value("6.25"));
    assert_eq!(rates.margin_interest(date("2027-01-28"), debit, 1), value("6.00"));
    let borrow = |day: &str, symbol: &str| {
        rates.borrow(date(day), Some(value(symbol)), shares(-100), value("9.80"), 1)
    };
    assert_eq!(borrow("2027-01-04", "AMC"), value("0.01"));
    assert_eq!(borrow("2027-01-03", "GME"), value("0.01"), "not yet special");
    assert_eq!(borrow("2027-01-04", "GME"), value("1.00"));
    for (text, bad) in [
        ("borrow 2027-01-01 1001 x", "1001"),
        ("spread 2027-01-01 2.50 GME x", "spread 2027-01-01 2.50 GME x"),
        ("benchmark 2027-01-01 -1 x", "-1"),
    ] {
        let error = FeeSchedule::us().with_overrides(text).unwrap_err();
        assert_eq!(error.value, bad, "{text:?}");
    }
}

/// Plans are written as they are read, and an unknown one is told what is allowed.
#[test]
fn plans_read_back() {
    for text in ["ibkr_fixed", "ibkr_tiered", "alpaca", "none", "per_share:0.005", "per_share:0.00"]
    {
        assert_eq!(value::<CommissionPlan>(text).to_string(), text);
    }
    for text in ["", "ibkr", "per_share", "per_share:", "per_share:-1", "per_share:x", "None"] {
        let error = text.parse::<CommissionPlan>().unwrap_err();
        assert!(error.to_string().contains("ibkr_tiered"), "{error}");
    }
}

/// No amount panics or wraps, however absurd.
#[test]
fn extremes_saturate() {
    for plan in ["ibkr_fixed", "ibkr_tiered", "alpaca", "none", "per_share:1"] {
        let mut account = account(plan);
        let mut order = OrderCommission::new();
        for side in [Side::Buy, Side::Sell] {
            for raw in [i64::MIN, -1, 0, 1, i64::MAX] {
                let fill = Execution {
                    date: date("2026-06-01"),
                    side,
                    quantity: Quantity::from_raw(raw),
                    price: Price::from_raw(raw),
                    liquidity: Liquidity::Removed,
                };
                let charges = account.charge(&mut order, &fill);
                assert!(charges.total() >= Cash::ZERO, "{plan} {raw}");
            }
        }
        account.close_day();
    }
}
