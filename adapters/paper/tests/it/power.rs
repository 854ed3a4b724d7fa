//! journal.md 18, F34: power is lost at any sync of the book; what was told is there, and what is
//! there was told or was about to be.

use std::path::Path;
use std::sync::Arc;

use journal::disk::{Disk, PowerLoss, RealDisk, Recorder, Unsynced};
use model::{ExecutionReport, OrderKind, SymbolId, Timestamp};
use paper::{Book, Settings};

use crate::support::{bar, buy, cancel, minute, price, replace, reports, settings};

/// Trades for a while on a recorded disk; each report that was told is noted in the trace.
fn trade(recorder: &Recorder, dir: &Path, settings: &Settings) -> Vec<ExecutionReport> {
    let mut book = Book::open_on(Arc::new(recorder.clone()), dir, settings).unwrap();
    let mut told = Vec::new();
    let mut tell = |book: &mut Book| {
        while let Some(report) = book.next_report().unwrap() {
            told.push(report);
            recorder.note(told.len() as u64);
        }
    };
    for n in 0..24 {
        let (at, number) = (minute(n as i64), 3 * n);
        let limit = OrderKind::Limit { limit: price("5.00") };
        book.submit(&buy(number, 0, OrderKind::Market, 10), at);
        book.submit(&buy(number + 1, 1, limit, 10), at);
        tell(&mut book);
        book.replace(&replace(number + 1, 1, limit, 12), at);
        book.submit(&buy(number + 2, 1, OrderKind::Market, 7), at);
        tell(&mut book);
        for symbol in 0..2 {
            let bar = bar(n as i64, "10.00", "10.10", "9.90", "10.05");
            book.begin_bar(SymbolId(symbol), &bar, true);
            tell(&mut book);
            book.end_bar();
            tell(&mut book);
        }
        if n % 5 == 4 {
            // Decision 0114: a new piece, then the checkpoint that begins with it.
            assert!(book.checkpoint().unwrap());
        }
        if n % 3 == 0 {
            book.cancel(&cancel(number + 1, 1), at);
            tell(&mut book);
        }
    }
    told
}

#[test]
fn power_is_lost_at_any_sync() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("paper");
    let settings = settings(&["AAA", "BBB"]);
    let real: Arc<dyn Disk> = Arc::new(RealDisk::default());
    let recorder = Recorder::new(real);
    let told = trade(&recorder, &home, &settings);
    let trace = recorder.trace();
    let loss = PowerLoss::new(&trace);
    assert!(loss.points() >= 150 && told.len() >= 150, "{} {}", loss.points(), told.len());
    let mut images = 0;
    for point in 0..loss.points() {
        for unsynced in Unsynced::ALL {
            let image = tempfile::tempdir().unwrap();
            let into = image.path().join("paper");
            let promised = loss.image(point, unsynced, 7, &home, &into).unwrap();
            let mut book = Book::open(&into, &settings).unwrap_or_else(|error| {
                panic!("point {point} {unsynced:?}: {error}");
            });
            let mut story = book.reports_after(0).unwrap();
            assert!(
                story.len() as u64 >= promised && told.starts_with(&story),
                "point {point} {unsynced:?}: {} reports of {promised} that were told",
                story.len()
            );
            // What it goes on with is what the other would have said.
            story.extend(reports(&mut book));
            assert!(told.starts_with(&story), "point {point} {unsynced:?}: another story");
            let fills = book.executions_since(Timestamp::MIN).unwrap().len();
            let said = story.iter().filter(|r| matches!(r.exec, model::ExecType::Trade(_)));
            assert_eq!(fills, said.count());
            images += 1;
        }
    }
    println!("{images} images of {} reports", told.len());
}
