//! Findings on data made to have them.

use catalog::{CheckReport, FindingKind, check};

use crate::support::Bench;

const HEADER: &str = "ts,symbol,open,high,low,close,volume\n";

/// Rows of X, one for each regular minute of a summer day, with a change of some rows.
fn day(date: &str, change: impl Fn(u32) -> Option<String>) -> String {
    (0..390)
        .filter_map(|minute| {
            let at = 13 * 60 + 30 + minute;
            let values = change(minute)?;
            Some(format!("{date}T{:02}:{:02}:00Z,X,{values}\n", at / 60, at % 60))
        })
        .collect()
}

fn plain(_: u32) -> Option<String> {
    Some("10,10.1,9.9,10,100".into())
}

fn run(bench: &Bench) -> CheckReport {
    let report = check(&bench.store(), &bench.calendar, &[], &mut |_| {}).unwrap();
    let total: u64 = report.by_kind.values().sum();
    assert_eq!(total, report.findings.len() as u64);
    report
}

fn kinds(report: &CheckReport) -> Vec<(FindingKind, String)> {
    let date =
        |finding: &catalog::Finding| finding.date.map_or_else(String::new, |date| date.to_string());
    report.findings.iter().map(|finding| (finding.kind, date(finding))).collect()
}

#[test]
fn whole_days_have_no_findings() {
    let bench = Bench::new();
    bench.csv(&format!("{HEADER}{}{}", day("2023-05-24", plain), day("2023-05-25", plain)));
    let report = run(&bench);
    assert_eq!((report.findings.len(), report.exit_code()), (0, 0), "{:?}", report.findings);
}

#[test]
fn gaps_and_oddities_are_found() {
    let bench = Bench::new();
    let holes = |minute: u32| if (100..104).contains(&minute) { None } else { plain(minute) };
    let post_only = "2023-05-24T21:00:00Z,X,10,10,10,10,5\n2023-05-24T21:01:00Z,X,10,10,10,10,5\n";
    let spike = |minute: u32| match minute {
        200 => Some("10,15,10,10,100".into()),
        300.. => Some("12,12,12,12,100".into()),
        _ => plain(minute),
    };
    let far = |_: u32| Some("20,20,20,20,0".to_owned());
    let text = [
        HEADER,
        &day("2023-05-22", holes),
        post_only,
        &day("2023-05-25", spike),
        &day("2023-05-26", far),
    ]
    .concat();
    bench.csv(&text);
    let report = run(&bench);
    let expected = [
        (FindingKind::MissingSession, "2023-05-23".to_owned()),
        (FindingKind::MissingMinutes, "2023-05-22".to_owned()),
        (FindingKind::NoRegularSession, "2023-05-24".to_owned()),
        (FindingKind::PriceJump, "2023-05-25".to_owned()),
        (FindingKind::Outlier, "2023-05-25".to_owned()),
        (FindingKind::DailyGap, "2023-05-26".to_owned()),
        (FindingKind::ZeroVolume, String::new()),
    ];
    assert_eq!(kinds(&report), expected);
    assert_eq!(report.exit_code(), 1);
    let hole = report.findings.iter().find(|f| f.kind == FindingKind::MissingMinutes).unwrap();
    assert!(hole.detail.contains("4 of 390"), "{}", hole.detail);
    assert_eq!(hole.time.unwrap().to_string(), "2023-05-22T15:10:00Z");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["by_kind"]["missing_minutes"], 1);
    assert_eq!(json["findings"][0]["symbol"], "X");
}

/// A split explains a gap; without it the gap is a finding.
#[test]
fn a_split_explains_a_gap() {
    let bench = Bench::new();
    let rows = "date,symbol,open,high,low,close,volume\n2014-06-06,AAPL,649,651,644,645.57,5\n2014-06-09,AAPL,92.7,93,91,93,5\n";
    bench.csv(rows);
    assert_eq!(kinds(&run(&bench)), [(FindingKind::DailyGap, "2014-06-09".to_owned())]);
    let path = bench.file("actions.csv", "date,symbol,kind,value\n2014-06-09,AAPL,split,7\n");
    let options = bench.options(&[path]);
    bench.import(&catalog::ImportOptions { actions: true, ..options });
    assert_eq!(kinds(&run(&bench)), []);
}

/// Minute bars beyond the daily bar, a stale cache and a damaged file.
#[test]
fn contradictions_and_damage_are_found() {
    let bench = Bench::new();
    bench.csv(&format!("{HEADER}{}", day("2023-05-25", plain)));
    bench.csv("date,symbol,open,high,low,close,volume\n2023-05-25,X,10,10.05,9.9,10,5\n2023-05-26,X,10,10.1,9.9,10,5\n");
    assert_eq!(kinds(&run(&bench)), [(FindingKind::DailyMismatch, "2023-05-25".to_owned())]);
    std::fs::write(bench.path("store/cache/X/1day/2023.cache"), "old").unwrap();
    std::fs::write(bench.path("store/bars/X/1min/2023.parquet"), "no Parquet").unwrap();
    let found = kinds(&run(&bench));
    let expected = [FindingKind::StaleCache, FindingKind::CorruptFile];
    assert_eq!(found.iter().map(|finding| finding.0).collect::<Vec<_>>(), expected);
}
