//! Matching against prints and quotes, case by case (TF13, TF14, TF10).

use model::exchange::CommissionPlan;
use model::{ExecType, Fill, Quote, Trade};
use simulator::{ExchangeConfig, FillMode};

use crate::support::{SYMBOL, Stage, price, shares, start};

/// A stage without latency and slippage.
fn stage() -> Stage {
    let mut config = ExchangeConfig::new(FillMode::Conservative, CommissionPlan::None);
    config.latency_ns = 0;
    config.slippage = simulator::Slippage::Ticks(0);
    Stage::with(config)
}

impl Stage {
    /// Shows a print some milliseconds after the start; returns the fills.
    fn print(&mut self, ms: i64, at: &str, size: i64) -> Vec<String> {
        self.now = start().plus_nanos(ms * 1_000_000);
        let trade =
            Trade { time: self.now, price: price(at), size: shares(size), ..Trade::default() };
        self.exchange.print(SYMBOL, &trade, true);
        self.reports()
    }

    fn quote(&mut self, ms: i64, bid: &str, ask: &str) -> Vec<String> {
        self.now = start().plus_nanos(ms * 1_000_000);
        let (bid_size, ask_size) = (shares(100), shares(100));
        let (bid, ask) = (price(bid), price(ask));
        let quote = Quote { time: self.now, bid, ask, bid_size, ask_size };
        self.exchange.quote(SYMBOL, &quote, true);
        self.reports()
    }

    fn reports(&mut self) -> Vec<String> {
        let mut seen = self.drain();
        self.exchange.end_bar();
        seen.extend(self.drain());
        seen
    }
}

/// TF14: an order is live the latency after its time, to the nanosecond; TF11: the default is one
/// tick of slippage and 50 ms.
#[test]
fn orders_arrive_after_the_latency() {
    let mut stage = Stage::new(FillMode::Conservative);
    stage.submit("buy 10");
    assert_eq!(stage.print(49, "10.00", 1_000), [""; 0]);
    assert_eq!(stage.print(50, "10.02", 1_000), ["0 buy 10 @ 10.03"]);
    let fill = stage.exchange.executions()[0];
    assert_eq!(fill.time, start().plus_nanos(50_000_000), "the print's own time");
}

/// TF3, TF5: stops trigger on a print at or beyond their price; a stop-limit past its limit rests
/// as a limit.
#[test]
fn stops_trigger_on_prints() {
    let mut stage = stage();
    stage.submit("buy 10 stop 10.05");
    stage.submit("sell 10 stop 9.90 as stop");
    stage.submit("buy 10 stop 10.05 limit 10.06");
    assert_eq!(stage.print(1, "10.04", 1_000), [""; 0]);
    assert_eq!(stage.print(2, "10.07", 1_000), ["0 buy 10 @ 10.07"]);
    assert_eq!(stage.print(3, "10.05", 1_000), ["2 buy 10 @ 10.06"], "traded through its limit");
    assert_eq!(stage.print(4, "9.90", 1_000), ["1 sell 10 @ 9.90"]);
}

/// TF4: a resting limit fills when a print trades through it, not on a touch; one that arrives
/// beyond the market fills at the market.
#[test]
fn limits_fill_when_traded_through() {
    let mut stage = stage();
    stage.submit("buy 10 limit 9.95");
    assert_eq!(stage.print(1, "10.00", 1_000), [""; 0]);
    assert_eq!(stage.print(2, "9.95", 1_000), [""; 0]);
    assert_eq!(stage.print(3, "9.94", 1_000), ["0 buy 10 @ 9.95"]);
    stage.submit("buy 10 limit 10.10");
    assert_eq!(stage.print(4, "10.00", 1_000), ["1 buy 10 @ 10.00"]);
}

/// TF13: with quotes a market order takes the far side at its arrival, whatever printed last; so
/// does a limit that reaches it; nothing triggers on a quote alone.
#[test]
fn market_orders_take_the_touch() {
    let mut stage = stage();
    stage.quote(0, "9.98", "10.03");
    stage.submit("buy 10");
    stage.submit("sell 10");
    let both = ["0 buy 10 @ 10.03", "1 sell 10 @ 9.98"];
    assert_eq!(stage.print(1, "10.00", 1_000), both);
    stage.submit("buy 10 limit 10.02");
    assert_eq!(stage.quote(2, "9.98", "10.03"), [""; 0]);
    stage.submit("buy 10 limit 10.03");
    assert_eq!(stage.quote(3, "9.98", "10.03"), ["3 buy 10 @ 10.03"]);
    stage.submit("sell 10 stop 10.50 as stop");
    stage.submit("buy 10 stop 10.60");
    assert_eq!(stage.quote(4, "10.70", "10.75"), [""; 0], "no trade, no trigger");
    stage.submit("buy 10");
    assert_eq!(stage.quote(5, "10.75", "10.75"), [""; 0], "locked: tells nothing");
    assert_eq!(stage.quote(6, "10.70", "10.76"), ["6 buy 10 @ 10.76"]);
    stage.quote(7, "10.76", "10.75");
    stage.submit("buy 10");
    assert_eq!(stage.print(8, "10.80", 1_000)[0], "5 buy 10 @ 10.80", "crossed: no touch is known");
}

/// TF10: orders take a tenth of what prints in a minute together, not of each print alone.
#[test]
fn participation_is_counted_over_the_minute() {
    let mut stage = stage();
    stage.submit("buy 20");
    let taken: Vec<usize> = (0..8).map(|n| stage.print(n, "10.00", 25).len()).collect();
    assert_eq!(taken.iter().sum::<usize>(), 8);
    let filled = |stage: &Stage| stage.exchange.position(SYMBOL);
    assert_eq!(filled(&stage), shares(20), "a tenth of 200");
    stage.submit("buy 20");
    stage.print(59_999, "10.00", 50);
    assert_eq!(filled(&stage), shares(25));
    stage.print(60_000, "10.00", 9);
    assert_eq!(filled(&stage), shares(25), "the next minute counts anew");
    stage.print(60_001, "10.00", 1);
    assert_eq!(filled(&stage), shares(26));
}

/// TF7, TF8 on prints: what is submitted in answer to a fill lives after it, not within it, and
/// the exit group closes the position once.
#[test]
fn an_exit_group_lives_after_its_entry() {
    let mut stage = stage();
    stage.submit("buy 10");
    stage.now = start().plus_nanos(1);
    let trade =
        Trade { time: stage.now, price: price("10.00"), size: shares(500), ..Trade::default() };
    stage.exchange.print(SYMBOL, &trade, true);
    let mut fills: Vec<Fill> = Vec::new();
    while let Some(report) = stage.exchange.next_report() {
        if let ExecType::Trade(fill) = report.exec {
            fills.push(fill);
            stage.submit("sell 10 stop 10.00 as stop group 1");
            stage.submit("sell 10 limit 10.20 as target group 1");
        }
    }
    stage.exchange.end_bar();
    assert_eq!(fills.len(), 1, "the stop at the same price does not fire within the print");
    assert_eq!(stage.print(1, "10.21", 500), ["2 sell 10 @ 10.20", "1 cancelled"]);
    assert_eq!(stage.exchange.position(SYMBOL), shares(0));
}

/// TF1, F25: outside regular hours nothing fills, nor on a price that is not positive; the comparison convention
/// `next_close` fills at the last price of the next minute.
#[test]
fn hours_and_conventions() {
    let mut stage = Stage::new(FillMode::NextClose);
    stage.submit("buy 10");
    assert_eq!(stage.print(1, "10.00", 10), [""; 0]);
    assert_eq!(stage.print(2, "10.30", 10), [""; 0]);
    stage.exchange.end_minute(SYMBOL, start(), true);
    assert_eq!(stage.reports(), ["0 buy 10 @ 10.30"]);
    let mut stage = Stage::new(FillMode::NextOpen);
    stage.submit("buy 10");
    let mut trade =
        Trade { time: start(), price: price("10.00"), size: shares(1), ..Trade::default() };
    stage.exchange.print(SYMBOL, &trade, false);
    assert_eq!(stage.reports(), [""; 0]);
    trade.price = price("0");
    stage.exchange.print(SYMBOL, &trade, true);
    assert_eq!(stage.reports(), [""; 0]);
    trade.price = price("10.01");
    stage.exchange.print(SYMBOL, &trade, true);
    assert_eq!(stage.reports(), ["0 buy 10 @ 10.01"], "no share limit, no latency");
}
