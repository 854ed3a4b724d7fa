//! probe
use model::exchange::Calendar;
use simulator::generator::{GeneratorConfig, generate};

#[test]
fn probe() {
    let calendar = Calendar::nyse();
    for seed in 1..4 {
        let market =
            generate(&GeneratorConfig::new(seed, "2026-11-24".parse().unwrap()), &calendar)
                .unwrap();
        for s in &market {
            let dir = std::env::var("PROBE").unwrap_or_default();
            if dir.is_empty() {
                return;
            }
            let mut t = String::new();
            for b in &s.bars {
                let ny = model::exchange::new_york_time(b.start);
                t += &format!(
                    "{},{},{},{},{},{},{}\n",
                    model::exchange::new_york_date(b.start),
                    ny.minute_of_day(),
                    b.open.to_f64(),
                    b.high.to_f64(),
                    b.low.to_f64(),
                    b.close.to_f64(),
                    b.volume.0
                );
            }
            for h in &s.halts {
                eprintln!("{} {:?} halt {:?} {}", s.symbol, s.profile, h.time, h.halted);
            }
            std::fs::write(format!("{dir}/{seed}_{}_{}.csv", s.symbol, s.profile.name()), t)
                .unwrap();
        }
    }
}
