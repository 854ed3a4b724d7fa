//! The comparison conventions (contract.md 3): `vwap_cross` through the whole core gives, to the
//! cent and trade by trade, what the plainest loop over the same bars gives.

use backtest::{RunConfig, RunResult, SymbolData};
use engine::risk_manager::Limits;
use model::exchange::{CommissionPlan, Session};
use model::{Bar, Cash, Date, MINUTE_NS, Price, Volume};
use simulator::{ExchangeConfig, FillMode};

use crate::support::*;

const QUANTITY: i64 = 100;
const MODES: [FillMode; 3] = [FillMode::NextOpen, FillMode::SameClose, FillMode::NextClose];

/// The parameters that the loop knows.
#[derive(Clone, Copy, Debug)]
struct Settings {
    buffer_bps: f64,
    min_bars: u32,
    exit_minute: i64,
}

/// Entry and exit price of a closed trade in cents.
type Trade = (i64, i64);

/// What the loop remembers of a symbol.
#[derive(Default)]
struct State {
    bars: u32,
    price_volume: f64,
    volume: f64,
    previous: Option<(f64, f64, f64)>,
    entry: Option<i64>,
    /// A decision that waits for the next bar: +1 buys, -1 sells.
    pending: i64,
    orders: i64,
    trades: Vec<Trade>,
}

impl State {
    fn fill(&mut self, side: i64, cents: i64) {
        self.orders += 1;
        if side > 0 {
            self.entry = Some(cents);
        } else if let Some(entry) = self.entry.take() {
            self.trades.push((entry, cents));
        }
    }

    /// Decides at a bar's close, in the order of operations that the contract states.
    fn decide(&mut self, bar: &Bar, session: &Session, settings: &Settings) -> i64 {
        let (high, low, close) = (bar.high.to_f64(), bar.low.to_f64(), bar.close.to_f64());
        let volume = bar.volume.0 as f64;
        self.bars += 1;
        self.price_volume += (high + low + close) / 3.0 * volume;
        self.volume += volume;
        let vwap = self.price_volume / self.volume;
        let upper = vwap * (1.0 + settings.buffer_bps / 1e4);
        let lower = vwap * (1.0 - settings.buffer_bps / 1e4);
        let minute = bar.start.since(session.open) / MINUTE_NS;
        let from_below = self.previous.is_some_and(|(close, upper, _)| close <= upper);
        let from_above = self.previous.is_some_and(|(close, _, lower)| close >= lower);
        self.previous = Some((close, upper, lower));
        if self.entry.is_some() {
            let crossed = from_above && close < lower;
            return if minute >= settings.exit_minute || crossed { -1 } else { 0 };
        }
        // Nothing opens at the close itself: the session is half-open (C23, TC7).
        let open = bar.end() < session.close;
        let enough = self.bars >= settings.min_bars;
        let crossed = from_below && close > upper;
        i64::from(open && minute < settings.exit_minute && enough && crossed)
    }
}

fn cents(price: Price) -> i64 {
    assert_eq!(price.raw() % 10_000_000, 0);
    price.raw() / 10_000_000
}

/// Runs the strategy over one symbol without any engine: within a bar a pending order fills
/// first, then the decision is taken.
fn plain_loop(bars: &[Bar], settings: &Settings, mode: FillMode) -> State {
    let calendar = calendar();
    let mut state = State::default();
    let mut day: Option<Date> = None;
    for bar in bars {
        let session = calendar.session_at(bar.start).unwrap();
        if state.pending != 0 {
            let at_close = mode == FillMode::NextClose;
            let price = cents(if at_close { bar.close } else { bar.open });
            let side = std::mem::take(&mut state.pending);
            state.fill(side, price);
        }
        if day != Some(session.date) {
            day = Some(session.date);
            (state.bars, state.price_volume, state.volume) = (0, 0.0, 0.0);
            state.previous = None;
        }
        let side = state.decide(bar, &session, settings);
        if side != 0 && mode == FillMode::SameClose {
            state.fill(side, cents(bar.close));
        } else {
            state.pending = side;
        }
    }
    state
}

/// Makes every regular minute of the sessions from a random walk in cents.
fn walk(random: &mut Random, sessions: &[Session]) -> Vec<Bar> {
    let mut at = random.between(2_000, 30_000);
    let step = (at / 1_000).max(1);
    let mut bars = Vec::new();
    for session in sessions {
        at += random.between(-20 * step, 20 * step);
        for minute in 0..session.minutes() {
            let open = at + random.between(-1, 1);
            let close = (open + random.between(-step, step)).max(100);
            let high = open.max(close) + random.between(0, step);
            let low = (open.min(close) - random.between(0, step)).max(1);
            let price = |cents: i64| Price::from_raw(cents * 10_000_000);
            bars.push(Bar {
                start: session.open.plus_nanos(minute * MINUTE_NS),
                open: price(open),
                high: price(high),
                low: price(low),
                close: price(close),
                volume: Volume(random.between(100, 50_000) as u64),
            });
            at = close;
        }
    }
    bars
}

/// Five sessions around Thanksgiving, one of them a half day, and two symbols.
fn scene(seed: u64) -> (Vec<SymbolData>, RunConfig) {
    let (from, to) = (date("2026-11-23"), date("2026-11-30"));
    let sessions = calendar().sessions(from, to).unwrap();
    assert!(sessions.len() == 5 && sessions.iter().any(|s| s.minutes() == 210));
    let mut random = Random(seed);
    let symbols = ["AAA", "BBB"].map(|name| symbol_data(name, walk(&mut random, &sessions)));
    let mut config = config(from, to);
    config.limits = Limits::unlimited();
    (symbols.into(), config)
}

fn convention(mode: FillMode) -> ExchangeConfig {
    ExchangeConfig::new(mode, CommissionPlan::PerShare(price("0.005")))
}

/// Compares a run with the loop: trades one by one, orders, gross and net.
fn compare(result: &RunResult, states: &[State], name: &str) {
    for (index, state) in states.iter().enumerate() {
        let trades: Vec<Trade> = result
            .trades
            .iter()
            .filter(|trade| trade.symbol.index() == index)
            .map(|trade| (cents(trade.entry_price), cents(trade.exit_price)))
            .collect();
        assert_eq!(trades, state.trades, "{name}: symbol {index}");
    }
    let all: Vec<Trade> = states.iter().flat_map(|state| state.trades.clone()).collect();
    let orders: i64 = states.iter().map(|state| state.orders).sum();
    assert_eq!((result.orders as i64, result.fills as i64), (orders, orders), "{name}");
    let gross: i64 = all.iter().map(|(entry, exit)| (exit - entry) * QUANTITY).sum();
    let sum: Cash = result.trades.iter().map(|trade| trade.gross_pnl).sum();
    assert_eq!(sum, Cash::from_raw(gross * 10_000_000), "{name}: gross");
    // Half a dollar for each order of 100 shares.
    let net = gross * 10_000_000 - all.len() as i64 * 1_000_000_000;
    let sum: Cash = result.trades.iter().map(|trade| trade.net_pnl).sum();
    assert_eq!(sum, Cash::from_raw(net), "{name}: net");
}

/// Contract 3: next_open, same_close and next_close equal the loop, half day and overnight
/// positions included.
#[test]
fn equal_the_plainest_loop() {
    let mut trades = 0;
    for seed in 1..=8_u64 {
        let (data, mut config) = scene(seed);
        let mut random = Random(seed ^ 0xc0de);
        let settings = Settings {
            buffer_bps: random.between(0, 8) as f64,
            min_bars: random.between(1, 30) as u32,
            exit_minute: [384, 200, 390, 384][seed as usize % 4],
        };
        let strategy = format!(
            "vwap_cross:buffer_bps={},min_bars={},exit_minute={}",
            settings.buffer_bps, settings.min_bars, settings.exit_minute
        );
        for mode in MODES {
            config.exchange = convention(mode);
            let result = run_quietly(data.clone(), &[&strategy], &config);
            let loops = data.iter().map(|symbol| plain_loop(&symbol.bars, &settings, mode));
            let loops: Vec<State> = loops.collect();
            compare(&result, &loops, &format!("seed {seed} {mode} {strategy}"));
            trades += result.trades.len();
        }
    }
    eprintln!("conventions: {trades} trades equal the loop's");
    assert!(trades > 500, "too few trades: {trades}");
}

/// Instances do not disturb each other: 2 and 4 of them give 2 and 4 times the trades and the
/// result of one.
#[test]
fn instances_are_linear() {
    for mode in MODES {
        let (data, mut config) = scene(42);
        config.exchange = convention(mode);
        let one = run_quietly(data.clone(), &["vwap_cross"], &config);
        assert!(!one.trades.is_empty());
        for count in [2, 4] {
            let many = run_quietly(data.clone(), &vec!["vwap_cross"; count], &config);
            assert_eq!(many.trades.len(), one.trades.len() * count, "{mode} {count}");
            assert_eq!(many.orders, one.orders * count as u64, "{mode} {count}");
            let change = |result: &RunResult| result.end_equity.minus(config.cash).raw();
            assert_eq!(change(&many), change(&one) * count as i64, "{mode} {count}");
        }
    }
}
