//! metrics_returns.json: the `spec` block is normative (TP1-TP13), the libraries are cross-checks
//! where their conventions agree with ours (TP22-TP28).

use std::collections::BTreeMap;

use analytics::metrics::{Benchmark, DailySeries, SeriesMetrics, Trials};
use model::exchange::Calendar;
use model::{Cash, Date};
use serde_json::Value;

use crate::support::{agrees, differences, number, oracle};

struct Case {
    name: String,
    expected: Value,
    dated: Vec<(Date, f64)>,
    start: Date,
    benchmark: Benchmark,
    rf: f64,
    trials: Trials,
}

/// Returns the session before `first`, whose close is E0.
fn session_before(first: Date) -> Date {
    let calendar = Calendar::nyse();
    (1..20)
        .map(|back| first.plus_days(-back))
        .find(|date| matches!(calendar.session(*date), Ok(Some(_))))
        .unwrap_or_else(|| panic!("no session before {first}"))
}

fn cases() -> Vec<Case> {
    let file = oracle("metrics_returns.json");
    let series = file["series"].as_object().expect("series");
    assert!(!series.is_empty());
    series
        .iter()
        .map(|(name, body)| {
            let dates = body["dates"].as_array().expect("dates");
            let dates: Vec<Date> =
                dates.iter().map(|date| date.as_str().unwrap().parse().unwrap()).collect();
            let column = |key: &str| -> Vec<(Date, f64)> {
                let values = body[key].as_array().unwrap_or_else(|| panic!("{name}: {key}"));
                assert_eq!(values.len(), dates.len(), "{name}: {key}");
                dates.iter().copied().zip(values.iter().map(|v| v.as_f64().unwrap())).collect()
            };
            let spec = &body["spec"];
            Case {
                name: name.clone(),
                expected: body.clone(),
                start: session_before(dates[0]),
                dated: column("returns"),
                benchmark: Benchmark {
                    name: "benchmark".to_owned(),
                    returns: column("benchmark").into_iter().collect(),
                },
                rf: spec["rf_annual"].as_f64().unwrap(),
                trials: Trials {
                    count: spec["dsr_trials"].as_u64().unwrap(),
                    sharpe_variance_daily: spec["dsr_trial_sr_variance_daily"].as_f64().unwrap(),
                },
            }
        })
        .collect()
}

fn metrics(case: &Case) -> Value {
    let series = DailySeries::from_returns(case.start, &case.dated).expect("series");
    let metrics = SeriesMetrics::of(&series, case.rf, Some(&case.benchmark), Some(case.trials));
    serde_json::to_value(metrics).unwrap()
}

/// TP1-TP12: every key of every `spec` block.
#[test]
fn every_value_of_the_specification() {
    for case in cases() {
        let found = differences(&metrics(&case), &case.expected["spec"], &case.name);
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}

/// TP22-TP28: the libraries' values where their convention is ours, by their names.
#[test]
fn libraries_agree_where_conventions_do() {
    let pairs = [
        ("empyrical", "sharpe_ratio", "sharpe", 1.0),
        ("empyrical", "sortino_ratio", "sortino", 1.0),
        ("empyrical", "downside_risk", "downside_deviation_annual", 1.0),
        ("empyrical", "max_drawdown", "max_drawdown", 1.0),
        ("empyrical", "calmar_ratio", "calmar", 1.0),
        ("empyrical", "omega_ratio", "omega_0", 1.0),
        ("empyrical", "tail_ratio", "tail_ratio", 1.0),
        ("empyrical", "value_at_risk", "var_hist_95", -1.0),
        ("empyrical", "alpha", "alpha_annual_compound", 1.0),
        ("empyrical", "beta", "beta", 1.0),
        ("quantstats", "cagr", "annual_return", 1.0),
        ("quantstats", "volatility", "annual_volatility", 1.0),
        ("quantstats", "sharpe", "sharpe", 1.0),
        ("quantstats", "value_at_risk_parametric", "var_gauss_95", -1.0),
        ("quantstats", "cvar_historical", "cvar_hist_95", -1.0),
        ("quantstats", "skew", "skew_sample", 1.0),
        ("quantstats", "kurtosis", "excess_kurtosis_sample", 1.0),
        ("quantstats", "gain_to_pain", "gain_to_pain_daily", 1.0),
        ("quantstats", "r_squared", "r_squared", 1.0),
        ("ffn", "cagr", "cagr_calendar", 1.0),
        ("ffn", "total_return", "total_return", 1.0),
        ("ffn", "best_month", "best_month", 1.0),
        ("ffn", "worst_month", "worst_month", 1.0),
    ];
    for case in cases() {
        let ours = metrics(&case);
        for (library, theirs, name, sign) in pairs {
            let expected = number(&case.expected[library][theirs])
                .unwrap_or_else(|| panic!("{}: {library}.{theirs}", case.name));
            let own = number(&ours[name]).unwrap_or_else(|| panic!("{}: {name}", case.name));
            assert!(agrees(own * sign, expected), "{} {name} {own} {expected}", case.name);
        }
        // TP26: another estimator of skew and kurtosis moves the 6th digit, not the 4th.
        let psr = number(&case.expected["quantstats"]["probabilistic_sharpe_ratio"]).unwrap();
        let own = number(&ours["psr_0"]).unwrap();
        assert!((own - psr).abs() < 1e-4 && own != psr, "{} {own} {psr}", case.name);
    }
}

/// TP1, TP21: equity in money gives the metrics of its returns, to the rounding of money.
#[test]
fn equity_and_returns_agree() {
    for case in cases() {
        let mut level = 1_000_000.0;
        let mut equity = vec![(case.start, Cash::from_f64(level).unwrap())];
        for (date, daily) in &case.dated {
            level *= 1.0 + daily;
            equity.push((*date, Cash::from_f64(level).unwrap()));
        }
        let series = DailySeries::from_equity(&equity, &BTreeMap::new()).expect("series");
        let own = SeriesMetrics::of(&series, case.rf, Some(&case.benchmark), Some(case.trials));
        let own = serde_json::to_value(own).unwrap();
        // Shares of days depend on single comparisons, all else is continuous in the returns.
        for key in ["total_return", "sharpe", "sortino", "max_drawdown", "beta", "skew_sample"] {
            let expected = number(&case.expected["spec"][key]).unwrap();
            let found = number(&own[key]).unwrap();
            assert!(((found - expected) / expected).abs() < 1e-8, "{} {key}", case.name);
        }
    }
}
