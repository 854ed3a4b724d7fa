//! Temporary probe.
use backtest::*;
use engine::risk_manager::Limits;
use engine::*;
use model::exchange::*;
use model::*;
use simulator::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let text = std::fs::read_to_string(&args[1]).unwrap();
    let n: usize = args[2].parse().unwrap();
    let mut m: BTreeMap<String, Vec<Bar>> = BTreeMap::new();
    for l in text.lines().skip(1) {
        let f: Vec<&str> = l.split(',').collect();
        m.entry(f[1].to_owned()).or_default().push(Bar {
            start: Timestamp::from_nanos(f[0].parse().unwrap()),
            open: f[2].parse().unwrap(),
            high: f[3].parse().unwrap(),
            low: f[4].parse().unwrap(),
            close: f[5].parse().unwrap(),
            volume: Volume(f[6].parse().unwrap()),
        });
    }
    let data = MarketData::new(
        m.into_iter()
            .map(|(s, bars)| SymbolData {
                symbol: s.parse().unwrap(),
                bars,
                daily: vec![],
                halts: vec![],
                actions: vec![],
                float_shares: None,
            })
            .collect(),
    )
    .unwrap();
    for mode in [FillMode::NextOpen, FillMode::SameClose, FillMode::NextClose] {
        let mut ex = ExchangeConfig::new(mode, "per_share:0.005".parse().unwrap());
        ex.slippage = Slippage::Ticks(0);
        let config = RunConfig {
            from: "2020-01-02".parse().unwrap(),
            to: "2025-12-31".parse().unwrap(),
            cash: Cash::from_dollars(100_000_000).unwrap(),
            limits: Limits::unlimited(),
            exchange: ex,
            calendar: Arc::new(Calendar::nyse()),
            ticks: TickTable::us(),
            record_all: false,
        };
        for _ in 0..3 {
            let strategies = (0..n)
                .map(|i| Instance {
                    name: format!("vwap_cross@{i}"),
                    strategy: strategies::Registry::builtin().make("vwap_cross", &[]).unwrap(),
                })
                .collect();
            let t = Instant::now();
            let r = run(&data, strategies, &config, &mut NoSink).unwrap();
            let s = t.elapsed().as_secs_f64();
            let net: Cash = r.trades.iter().map(|t| t.net_pnl).sum();
            println!(
                "{mode} trades {} net {net} orders {} open {} hash {} {:.3}s {:.2} M bars/s",
                r.trades.len(),
                r.orders,
                r.open_positions.len(),
                r.decision_hash,
                s,
                r.bars as f64 / s / 1e6
            );
        }
    }
}
