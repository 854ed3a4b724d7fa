//! Inputs of reports: a small one made by hand, an empty one, and a year of seeded trades.

use std::collections::BTreeMap;

use analytics::metrics::{
    Benchmark, ExposureFigures, FillQuality, Resampling, TradeContext, Trials,
};
use analytics::report::{OpenPosition, ReportInput, SensitivityRow, StrategyFacts, Timing};
use model::exchange::{Calendar, from_new_york};
use model::{
    Cash, ChargeKind, ClientOrderId, ClosedTrade, Date, ExitReason, OrderNumber, Price, Quantity,
    Side, StrategyId, SymbolId, Timestamp, TradeFill,
};

pub(crate) fn usd(text: &str) -> Cash {
    text.parse().unwrap()
}

fn price(text: &str) -> Price {
    text.parse().unwrap()
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn date(text: &str) -> Date {
    text.parse().unwrap()
}

fn fill(time_text: &str, side: Side, shares: i64, at: &str, fee: &str, order: u64) -> TradeFill {
    TradeFill {
        time: time(time_text),
        side,
        quantity: Quantity::from_shares(shares).unwrap(),
        price: price(at),
        fee: usd(fee),
        order: ClientOrderId {
            tag: *b"BW\0\0",
            epoch: 1,
            number: OrderNumber(order),
            attempt: 0,
            exit: !side.is_buy(),
        },
    }
}

/// Makes a trade of its fills (entry first); excursions are given.
fn closed(
    id: u64,
    (strategy, symbol): (u16, u32),
    stop: Option<&str>,
    reason: ExitReason,
    (mae, mfe): (&str, &str),
    fills: Vec<TradeFill>,
) -> ClosedTrade {
    let long = fills[0].side.is_buy();
    let entries: Vec<&TradeFill> = fills.iter().filter(|f| f.side.is_buy() == long).collect();
    let exits: Vec<&TradeFill> = fills.iter().filter(|f| f.side.is_buy() != long).collect();
    let value = |part: &[&TradeFill]| -> Cash {
        part.iter().map(|fill| fill.price.notional(fill.quantity).unwrap()).sum()
    };
    let shares = |part: &[&TradeFill]| part.iter().map(|f| f.quantity.raw()).sum::<i64>();
    let quantity = Quantity::from_raw(shares(&entries));
    assert_eq!(quantity.raw(), shares(&exits), "trade {id} is flat at the end");
    let entry_price = value(&entries).per_share(quantity).unwrap();
    let gross = if long {
        value(&exits).minus(value(&entries))
    } else {
        value(&entries).minus(value(&exits))
    };
    let fees: Cash = fills.iter().map(|fill| fill.fee).sum();
    let net_pnl = gross.minus(fees);
    let initial_stop = stop.map(price);
    let risk = initial_stop.map(|s| entry_price.minus(s).abs().notional(quantity).unwrap());
    ClosedTrade {
        id,
        strategy: StrategyId(strategy),
        symbol: SymbolId(symbol),
        long,
        quantity,
        entry_time: fills[0].time,
        entry_price,
        exit_time: fills[fills.len() - 1].time,
        exit_price: value(&exits).per_share(quantity).unwrap(),
        exit_reason: reason,
        initial_stop,
        risk_planned: risk,
        risk_taken: risk,
        gross_pnl: gross,
        fees,
        net_pnl,
        r_multiple: risk.map(|risk| net_pnl.to_f64() / risk.to_f64()),
        mae: price(mae),
        mfe: price(mfe),
        fills,
    }
}

/// Three sessions, two strategies and one without a trade, four trades, one open position.
pub(crate) fn small() -> ReportInput {
    let trades = vec![
        closed(
            1,
            (0, 0),
            Some("11.14"),
            ExitReason::Trail,
            ("0.12", "0.90"),
            vec![
                fill("2025-06-03T13:32:00Z", Side::Buy, 1351, "11.52", "6.755", 1),
                fill("2025-06-03T13:38:00Z", Side::Sell, 675, "12.28", "3.375", 2),
                fill("2025-06-03T13:44:00Z", Side::Sell, 676, "12", "3.38", 3),
            ],
        ),
        closed(
            2,
            (1, 1),
            Some("50.46"),
            ExitReason::Vwap,
            ("0.31", "0.62"),
            vec![
                fill("2025-06-03T13:54:00Z", Side::Buy, 393, "50.80", "1.965", 4),
                fill("2025-06-03T14:05:00Z", Side::Sell, 393, "50.57", "1.965", 5),
            ],
        ),
        closed(
            3,
            (1, 1),
            None,
            ExitReason::Flatten,
            ("0", "0.5"),
            vec![
                fill("2025-06-04T14:10:00Z", Side::SellShort, 200, "49.9", "1", 6),
                fill("2025-06-04T15:40:30.25Z", Side::Buy, 200, "49.4", "1", 7),
            ],
        ),
        closed(
            4,
            (0, 0),
            Some("9.90"),
            ExitReason::Stop,
            ("0.10", "0"),
            vec![
                fill("2025-06-05T13:33:00Z", Side::Buy, 1000, "10", "5", 8),
                fill("2025-06-05T13:36:00Z", Side::Sell, 1000, "9.89", "5", 9),
            ],
        ),
    ];
    let quality = |side, at: &str, decision: &str| FillQuality {
        side,
        quantity: Quantity::from_shares(100).unwrap(),
        price: price(at),
        decision_price: Some(price(decision)),
        arrival_price: None,
    };
    ReportInput {
        build: "0.1.0 (test)".to_owned(),
        config_hash: "c0ffee".to_owned(),
        decision_hash: "0123456789abcdef".to_owned(),
        symbols: vec!["GAPR".parse().unwrap(), "VWAP".parse().unwrap()],
        strategies: ["gap_and_go", "vwap_reclaim", "orb"]
            .map(|name| StrategyFacts {
                name: name.to_owned(),
                parameters: BTreeMap::from([("side".to_owned(), "long".to_owned())]),
            })
            .to_vec(),
        from: Some(date("2025-06-03")),
        to: Some(date("2025-06-05")),
        bars: 2340,
        sessions: 3,
        orders: 14,
        fills: 10,
        fill: "conservative".to_owned(),
        commission: "ibkr_fixed".to_owned(),
        slippage: "1 tick".to_owned(),
        contexts: BTreeMap::from([(1, TradeContext { gap: Some(0.134), rvol: Some(6.07) })]),
        equity: vec![
            (date("2025-06-02"), usd("100000")),
            (date("2025-06-03"), usd("100729.65")),
            (date("2025-06-04"), usd("100827.65")),
            (date("2025-06-05"), usd("100742.646")),
        ],
        open_positions: vec![OpenPosition {
            strategy: StrategyId(1),
            symbol: SymbolId(1),
            long: true,
            quantity: Quantity::from_shares(100).unwrap(),
            entry_time: time("2025-06-05T15:00:00Z"),
            entry_price: price("50"),
            mark: Some(price("50.36")),
            initial_stop: None,
            fills: vec![fill("2025-06-05T15:00:00Z", Side::Buy, 100, "50", "1", 10)],
        }],
        rejections: BTreeMap::from([("C07 max_positions".to_owned(), 2), ("TG2".to_owned(), 11)]),
        missed_entries: BTreeMap::from([("limit not reached".to_owned(), 1)]),
        not_checked: vec!["TG8 max_float: no float data".to_owned()],
        charges: vec![(date("2025-06-05"), ChargeKind::FeeRounding, usd("0.004"))],
        exposure: Some(ExposureFigures {
            rth_minutes: 1170,
            minutes_in_market: 210,
            average_gross: 0.031,
            max_gross: 0.2,
            average_net: 0.025,
            max_net: 0.2,
            max_participation: Some(0.04),
            participation_limit: 0.1,
        }),
        executions: vec![
            quality(Side::Buy, "11.52", "11.51"),
            quality(Side::Sell, "50.57", "50.58"),
        ],
        sensitivity: vec![SensitivityRow {
            case: "slippage 2 ticks".to_owned(),
            net_pnl: usd("690.12"),
            trades: 4,
            sharpe: Some(1.5),
            max_drawdown: None,
        }],
        resampling: Resampling { seed: 7, draws: 400 },
        timing: Timing { load_s: Some(0.5), ..Timing::default() },
        trades,
        ..ReportInput::default()
    }
}

/// One day without a trade.
pub(crate) fn empty() -> ReportInput {
    ReportInput {
        from: Some(date("2025-06-03")),
        to: Some(date("2025-06-03")),
        sessions: 1,
        equity: vec![(date("2025-06-02"), usd("100000")), (date("2025-06-03"), usd("100000"))],
        ..ReportInput::default()
    }
}

/// About two years of seeded trades, to see a full page and to measure.
pub(crate) fn long(sessions: usize, per_day: usize) -> ReportInput {
    let mut state = 88_172_645_463_325_252_u64;
    let mut below = move |n: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % n
    };
    let calendar = Calendar::nyse();
    let mut input = ReportInput { limits_off: false, ..small() };
    input.trades.clear();
    input.open_positions.clear();
    input.symbols =
        ["SPY", "AAPL", "NVDA", "AMD", "TSLA"].map(|name| name.parse().unwrap()).to_vec();
    let mut day = date("2023-01-02");
    let (mut equity, mut market) = (usd("100000"), BTreeMap::new());
    input.equity = vec![(date("2022-12-30"), equity)];
    while input.equity.len() <= sessions {
        day = day.plus_days(1);
        if !matches!(calendar.session(day), Ok(Some(_))) {
            continue;
        }
        for _ in 0..below(per_day as u64 * 2 + 1) {
            let minute = 9 * 60 + 31 + below(200);
            let start = from_new_york(day, (minute / 60) as u8, (minute % 60) as u8, 0);
            let end = start.plus_nanos((1 + below(90)) as i64 * model::MINUTE_NS);
            let entry = 1_000 + below(4_000) as i64;
            let won = below(100) < 46;
            let risk = 10 + below(30) as i64;
            let exit = if won { entry + risk * (5 + below(25) as i64) / 10 } else { entry - risk };
            let cents = |cents: i64| Price::from_raw(cents * 10_000_000).to_string();
            let shares = 100 + below(900) as i64;
            let id = input.trades.len() as u64 + 1;
            let at = |t: Timestamp| t.to_string();
            let fills = vec![
                fill(&at(start), Side::Buy, shares, &cents(entry), "1.5", id * 2),
                fill(&at(end), Side::Sell, shares, &cents(exit), "1.75", id * 2 + 1),
            ];
            let reason = if won {
                [ExitReason::Target, ExitReason::Trail, ExitReason::FlatBy][below(3) as usize]
            } else {
                ExitReason::Stop
            };
            let owner = (below(2) as u16, below(5) as u32);
            let trade =
                closed(id, owner, Some(&cents(entry - risk)), reason, ("0.1", "0.4"), fills);
            equity = equity.plus(trade.net_pnl);
            input.trades.push(trade);
        }
        market.insert(day, (below(2001) as f64 - 980.0) / 1e5);
        input.equity.push((day, equity));
    }
    input.from = Some(input.equity[1].0);
    input.to = Some(day);
    input.sessions = sessions as u64;
    input.bars = sessions as u64 * 390 * 5;
    input.orders = input.trades.len() as u64 * 3;
    input.fills = input.trades.len() as u64 * 2;
    input.benchmark = Some(Benchmark { name: "SPY".to_owned(), returns: market });
    input.trials = Some(Trials { count: 40, sharpe_variance_daily: 0.001 });
    input.sensitivity = [
        "slippage 0 ticks",
        "slippage 1 tick",
        "slippage 2 ticks",
        "slippage 5 ticks",
        "limit touch",
        "latency +1 bar",
    ]
    .iter()
    .enumerate()
    .map(|(i, case)| SensitivityRow {
        case: (*case).to_owned(),
        net_pnl: equity.minus(usd("100000")).minus(Cash::from_dollars(i as i64 * 2100).unwrap()),
        trades: input.trades.len() as u64,
        sharpe: Some(1.8 - i as f64 * 0.4),
        max_drawdown: Some(-0.05 - i as f64 * 0.01),
    })
    .collect();
    input.resampling = Resampling { seed: 7, draws: 200 };
    input
}
