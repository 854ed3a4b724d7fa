//! Corporate actions of the data happen to what is held overnight (F27).

use engine::Fact;
use engine::Instance;
use engine::data_manager::Needs;
use engine::risk_manager::Limits;
use engine::strategy_engine::{Context, Event, Finding, Plan, RuleInfo, Size, Strategy};

use backtest::{Action, DailyBar, MarketData, RunResult, Sink, SymbolData, run};
use model::exchange::CommissionPlan;
use model::record::{DecodeError, Reader, Writer};
use model::{Bar, Cash, ChargeKind, ExitReason, OrderKind, Price, Quantity};
use simulator::{ExchangeConfig, FillMode};

use crate::support::*;

const FIRST: &str = "2026-06-01";
const SECOND: &str = "2026-06-02";

/// Buys (or sells short) once at the market and leaves when told.
#[derive(Debug)]
struct Swing {
    shares: i64,
    direction: engine::strategy_engine::Direction,
    stop: Price,
    leave: &'static str,
}

impl Strategy for Swing {
    fn rules(&self) -> &'static [RuleInfo] {
        &[RuleInfo { id: "T1", text: "told so", values: &[] }]
    }

    fn needs(&self) -> Needs {
        Needs::NONE
    }

    fn prepare(&mut self, _symbols: usize) {}

    fn on_event(&mut self, ctx: &mut Context<'_>, event: Event<'_>) {
        let Event::Bar { symbol, bar } = event else { return };
        let finding = Finding::new(0, &[]);
        if bar.start == at(date(FIRST), "09:30") {
            let plan = Plan {
                direction: self.direction,
                entry: OrderKind::Market,
                reference: bar.close,
                stop: Some(self.stop),
                size: Size::Fixed(Quantity::from_shares(self.shares).unwrap()),
                ..Plan::default()
            };
            ctx.enter(symbol, plan, finding);
        }
        let (day, clock) = self.leave.split_once(' ').unwrap();
        if bar.start == at(date(day), clock) {
            ctx.exit(symbol, ExitReason::Signal, finding);
        }
    }

    fn save(&self, _writer: &mut Writer) {}

    fn load(&mut self, _reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        Ok(())
    }
}

/// A day of quiet bars at one price, with the official close.
fn days(days: &[(&str, &str)]) -> (Vec<Bar>, Vec<DailyBar>) {
    let mut bars = Vec::new();
    let mut daily = Vec::new();
    for &(day, at) in days {
        let day = date(day);
        for clock in ["09:30", "09:31", "09:32", "12:00", "15:59"] {
            bars.push(bar(day, clock, [at, at, at, at], 1_000_000));
        }
        let close = price(at);
        let volume = 5_000_000;
        daily.push(DailyBar { date: day, open: close, high: close, low: close, close, volume });
    }
    (bars, daily)
}

fn long(shares: i64, leave: &'static str) -> Swing {
    let direction = engine::strategy_engine::Direction::Long;
    Swing { shares, direction, stop: price("40.00"), leave }
}

fn short(shares: i64, leave: &'static str) -> Swing {
    let direction = engine::strategy_engine::Direction::Short;
    Swing { shares, direction, stop: price("70.00"), leave }
}

fn run_swing(
    swing: Swing,
    prices: &[(&str, &str)],
    actions: Vec<Action>,
    plan: CommissionPlan,
) -> (RunResult, Vec<Fact>) {
    struct Facts(Vec<Fact>);
    impl Sink for Facts {
        fn fact(&mut self, _: &engine::Engine, fact: &Fact) {
            self.0.push(fact.clone());
        }
    }
    let (bars, daily) = days(prices);
    let data = SymbolData { daily, actions, ..symbol_data("SYM", bars) };
    let last = date(prices.last().unwrap().0);
    let limits = Limits { allow_shorts: true, ..Limits::unlimited() };
    let exchange = ExchangeConfig::new(FillMode::Conservative, plan);
    let settings = backtest::RunConfig { limits, exchange, ..config(date(FIRST), last) };
    let strategies = vec![Instance { name: "swing".into(), strategy: Box::new(swing) }];
    let data = MarketData::new(vec![data]).unwrap();
    let mut facts = Facts(Vec::new());
    let result = run(&data, strategies, &settings, &mut facts).unwrap();
    assert!(
        !facts.0.iter().any(|fact| matches!(fact, Fact::Gate(engine::GateChange::Block(_)))),
        "the broker's figures agree"
    );
    (result, facts.0)
}

fn split(factor: f64) -> Vec<Action> {
    vec![Action { date: date(SECOND), split_ratio: factor, cash_dividend: Cash::ZERO }]
}

fn usd(text: &str) -> Cash {
    text.parse().unwrap()
}

/// F27: a swing position over a 2 for 1 split: bought at 50.01, sold as twice the shares at 25.99,
/// stop restated at the exchange, equity without a step.
#[test]
fn a_swing_position_over_a_split() {
    let prices = [(FIRST, "50.00"), (SECOND, "26.00")];
    let (result, _) =
        run_swing(long(100, "2026-06-02 09:31"), &prices, split(2.0), CommissionPlan::None);
    let [trade] = result.trades.as_slice() else { panic!("{:?}", result.trades) };
    assert_eq!(trade.gross_pnl, usd("197"), "200 * 25.99 - 100 * 50.01");
    assert_eq!((trade.entry_price, trade.exit_price), (price("25.005"), price("25.99")));
    let equity: Vec<Cash> = result.equity.iter().map(|&(_, equity)| equity).collect();
    assert_eq!(equity, [usd("100000"), usd("99999"), usd("100197")]);
}

/// F27: the stop that rests over a split is hit at its new price only, and for all new shares.
#[test]
fn a_resting_stop_is_restated_at_the_exchange() {
    let prices = [(FIRST, "50.00"), (SECOND, "19.00")];
    let (result, _) =
        run_swing(long(100, "2026-06-02 12:00"), &prices, split(2.0), CommissionPlan::None);
    let trade = &result.trades[0];
    assert_eq!(trade.exit_reason, ExitReason::Stop);
    assert_eq!(trade.fills[1].quantity, Quantity::from_shares(200).unwrap());
    assert_eq!(trade.fills[1].price, price("18.99"), "opened below 20.00");
    let prices = [(FIRST, "50.00"), (SECOND, "26.00")];
    let (result, _) =
        run_swing(long(100, "2026-06-02 12:00"), &prices, split(2.0), CommissionPlan::None);
    assert_eq!(result.trades[0].exit_reason, ExitReason::Signal, "26 is not below 20");
}

/// F27: a reverse split pays the fraction in cash, at the last close in new shares.
#[test]
fn a_reverse_split_leaves_a_fraction() {
    let prices = [(FIRST, "50.00"), (SECOND, "5000.00")];
    let (result, _) =
        run_swing(long(250, "2026-06-02 12:00"), &prices, split(0.01), CommissionPlan::None);
    let trade = &result.trades[0];
    // 0.5 * 5000 + 2 * 4999.99 - 250 * 50.01.
    assert_eq!(trade.gross_pnl, usd("-2.52"));
    assert_eq!(trade.fills[1].quantity.to_string(), "0.5");
}

/// F27: a short position pays the dividend, and shares cannot be left over.
#[test]
fn dividends_and_odd_factors() {
    let dividend = Action { date: date(SECOND), split_ratio: 1.0, cash_dividend: usd("0.50") };
    let prices = [(FIRST, "50.00"), (SECOND, "49.50")];
    for (swing, amount) in
        [(long(100, "2026-06-02 12:00"), "50"), (short(100, "2026-06-02 12:00"), "-50")]
    {
        let (result, _) = run_swing(swing, &prices, vec![dividend], CommissionPlan::None);
        assert_eq!(result.dividends, usd(amount));
        let trade = result.trades[0].net_pnl;
        assert_eq!(result.end_equity, usd("100000").plus(trade).plus(usd(amount)));
    }
    let (result, facts) =
        run_swing(long(100, "2026-06-02 12:00"), &prices, split(1e-9), CommissionPlan::None);
    assert!(result.not_checked.iter().any(|line| line.contains("no ratio")), "it is said");
    assert!(!facts.iter().any(|fact| matches!(fact, Fact::Action(_))));
}

/// TK5, TK6: borrow and interest of a night are in the fees and the equity, in no trade.
#[test]
fn nights_cost_in_a_backtest() {
    let prices = [(FIRST, "50.00"), (SECOND, "50.00"), ("2026-06-03", "50.00")];
    let plan = CommissionPlan::IbkrFixed;
    for (swing, kind) in [
        (short(1_000, "2026-06-03 12:00"), ChargeKind::ShortBorrow),
        (long(3_000, "2026-06-03 12:00"), ChargeKind::MarginInterest),
    ] {
        let (result, _) = run_swing(swing, &prices, Vec::new(), plan);
        let charged: Vec<_> = result.charges.iter().map(|&(day, kind, _)| (day, kind)).collect();
        // Sold on the first, delivered on the second: one night before the cover has settled.
        assert_eq!(charged, [(date(SECOND), kind), (date("2026-06-03"), kind)]);
        let fees: Cash = result.charges.iter().map(|&(_, _, fee)| fee).sum();
        let trade = &result.trades[0];
        assert_eq!(result.end_equity, usd("100000").plus(trade.net_pnl).minus(fees));
    }
    let same_day = long(3_000, "2026-06-01 12:00");
    let (result, _) = run_swing(same_day, &prices, Vec::new(), plan);
    assert!(result.charges.is_empty(), "intraday none");
}
