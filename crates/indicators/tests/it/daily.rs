//! Rules TI1-TI8 against TA-Lib: every column of `indicators_*.csv`.

use model::{Bar, MINUTE_NS, Timestamp};

use crate::oracle::{Table, agree, files, table, tolerance};
use crate::probe::{all, feed, of_column};

fn bars(table: &Table) -> Vec<Bar> {
    let start = |i: usize| Timestamp::from_nanos(i as i64 * MINUTE_NS);
    table.rows().enumerate().map(|(i, row)| row.bar(start(i))).collect()
}

/// The last `n` bars up to `i`.
fn last(bars: &[Bar], i: usize, n: usize) -> &[Bar] {
    &bars[(i + 1).saturating_sub(n)..=i]
}

/// True for the rows that TI5 and TI8 leave out: RSI while all closes are equal, STOCH, WILLR,
/// CCI and MFI where their window has no range or no flow.
fn is_skipped(column: &str, bars: &[Bar], i: usize) -> bool {
    let typical = |b: &Bar| b.high.raw() + b.low.raw() + b.close.raw();
    match column.split('_').next() {
        Some("rsi") => bars[..=i].iter().all(|b| b.close == bars[0].close),
        Some("stoch" | "willr") => {
            let window = last(bars, i, 14);
            window.iter().map(|b| b.high).max() == window.iter().map(|b| b.low).min()
        }
        Some("cci") => last(bars, i, 20).iter().all(|b| typical(b) == typical(&bars[i])),
        Some("mfi") => last(bars, i, 15)
            .windows(2)
            .all(|pair| typical(&pair[0]) == typical(&pair[1]) || pair[1].volume.0 == 0),
        _ => false,
    }
}

/// TI1-TI8, TI19: the same values, the same first index, and none exactly where TA-Lib has none.
#[test]
fn every_column_agrees_with_talib() {
    let mut compared = 0;
    for file in files("indicators_") {
        let table = table(&file);
        let bars = bars(&table);
        let inputs = ["i", "date", "open", "high", "low", "close", "volume"];
        let columns = table.columns.iter().filter(|c| !inputs.contains(&c.as_str()));
        for column in columns.filter(|c| !c.starts_with("alt_")) {
            let mut probe =
                of_column(column).unwrap_or_else(|| panic!("{file}: no indicator for {column}"));
            let mut first = None;
            for (i, row) in table.rows().enumerate() {
                let ours = probe.step(&bars[i]);
                if ours.is_some() {
                    first = first.or(Some(i));
                }
                if is_skipped(column, &bars, i) {
                    assert_eq!(ours, None, "{file} {column} at {i} has nothing to measure");
                    continue;
                }
                let expected = row.number(column);
                let same = agree(ours, expected, tolerance(column));
                assert!(same, "{file} {column} at {i}: {ours:?}, expected {expected:?}");
                compared += 1;
            }
            let (count, warm_up) = probe.counts();
            assert_eq!(count as usize, bars.len(), "{file} {column}");
            let needed = first.map_or(0, |i| i as u32 + 1);
            let early = column.contains("_di_");
            assert!(early || first.is_none() || needed >= warm_up, "{file} {column}: {warm_up}");
            let tradable = file == "indicators_daily.csv" && !early;
            assert!(!tradable || needed == warm_up, "{file} {column}: {needed} != {warm_up}");
        }
    }
    eprintln!("compared {compared} values");
}

/// TI2, TI5: seeding with the first value is another indicator; its columns must not match.
#[test]
fn other_seeding_does_not_match() {
    let mut seen = 0;
    for file in files("indicators_daily") {
        let table = table(&file);
        let bars = bars(&table);
        for column in table.columns.iter().filter(|c| c.starts_with("alt_")) {
            let name = column.trim_start_matches("alt_").trim_end_matches("_first_value_seed");
            let mut probe = of_column(name).unwrap();
            let differing = table.rows().zip(&bars).filter(|(row, bar)| {
                let (ours, other) = (probe.step(bar), row.number(column));
                ours.is_some() && !agree(ours, other, tolerance(name))
            });
            assert!(differing.count() > 0, "{file}: {column} matches {name}");
            seen += 1;
        }
    }
    assert!(seen > 0, "no alt_* columns");
}

/// J12: state saved anywhere in a series continues in another instance with the same bits, and a
/// reset instance equals a new one.
#[test]
fn saved_state_continues_with_equal_bits() {
    for file in files("indicators_") {
        let bars = bars(&table(&file));
        for cut in [0, 1, 13, 14, 33, bars.len() / 2, bars.len() - 1] {
            for ((name, mut original), (_, mut loaded)) in all().into_iter().zip(all()) {
                feed(&mut *original, &bars[..cut]);
                loaded.load(&original.save()).unwrap();
                assert_eq!(loaded.save(), original.save(), "{file} {name} at {cut}");
                for bar in &bars[cut..] {
                    let bits = |value: Option<f64>| value.map(f64::to_bits);
                    let (a, b) = (bits(original.step(bar)), bits(loaded.step(bar)));
                    assert_eq!(a, b, "{file} {name} after a cut at {cut}");
                }
                assert_eq!(loaded.save(), original.save());
            }
        }
        for ((name, mut used), (_, mut new)) in all().into_iter().zip(all()) {
            feed(&mut *used, &bars);
            used.reset();
            assert_eq!(used.counts(), new.counts(), "{name}");
            for bar in &bars {
                assert_eq!(used.step(bar), new.step(bar), "{name} after a reset");
            }
        }
    }
}
