//! Decision 0114: a checkpoint spares the calls before it and changes nothing else.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use journal::disk::{Disk, DiskFile, Open, RealDisk};
use model::{OrderKind, OrderState, SymbolId, Timestamp};
use paper::{Book, OpenError, Settings};

use crate::support::{bar, buy, id, minute, price, reports, settings, show};

const FILE: &str = "account.checkpoint";

/// A disk whose syncs take no time: what is tested here is no loss of power.
#[derive(Debug)]
struct Careless(RealDisk);

#[derive(Debug)]
struct CarelessFile(Box<dyn DiskFile>);

impl Disk for Careless {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.0.create_dir(path)
    }
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(CarelessFile(self.0.open(path, how)?)))
    }
    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        self.0.list(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.remove(path)
    }
    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
    fn free_space(&self, path: &Path) -> io::Result<u64> {
        self.0.free_space(path)
    }
}

impl DiskFile for CarelessFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_at(offset, bytes)
    }
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(offset, buffer)
    }
    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }
}

/// Trades `orders` of symbol 0, a hundred a minute, each of them filled; one of symbol 1 rests.
fn trade(dir: &Path, settings: &Settings, orders: u64) -> Book {
    let disk = Arc::new(Careless(RealDisk::default()));
    let mut book = Book::open_on(disk, dir, settings).unwrap();
    book.submit(&buy(0, 1, OrderKind::Limit { limit: price("1.00") }, 5), minute(0));
    for number in 1..=orders {
        let at = (number / 100) as i64;
        book.submit(&buy(number, 0, OrderKind::Market, 1), minute(at));
        reports(&mut book);
        if number % 100 == 0 {
            show(&mut book, 0, &bar(at, "5", "5.10", "4.95", "5.05"));
        }
    }
    book.sync().unwrap();
    book
}

fn state(book: &Book) -> impl PartialEq + std::fmt::Debug + use<> {
    let fills = book.executions_since(Timestamp::MIN).unwrap();
    let reports = book.reports_after(book.reports() - 1_000).unwrap();
    (book.cash(), book.orders(), fills, book.positions(), book.reports(), reports)
}

/// The account of a year and more opens as fast as a new one, and is the same as without.
#[test]
fn two_hundred_thousand_orders_open_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(&["AAA", "BBB"]);
    drop(trade(dir.path(), &settings, 200_000));
    // Some of the log lies behind the last checkpoint: the start before this one makes one of it.
    drop(Book::open(dir.path(), &settings).unwrap());
    let begun = Instant::now();
    let book = Book::open(dir.path(), &settings).unwrap();
    let took = begun.elapsed();
    assert_eq!(book.order(id(77)).unwrap().map(|row| row.state), Some(OrderState::Filled));
    assert_eq!(book.order(id(0)).unwrap().map(|row| row.state), Some(OrderState::Working));
    let with = state(&book);
    drop(book);
    std::fs::remove_file(dir.path().join(FILE)).unwrap();
    let begun = Instant::now();
    let book = Book::open(dir.path(), &settings).unwrap();
    println!("opened in {took:?} with a checkpoint, in {:?} without", begun.elapsed());
    assert_eq!(state(&book), with);
    assert!(took <= Duration::from_millis(200), "opened in {took:?}");
}

/// What is over is put away, and answered for.
#[test]
fn the_past_is_answered_for() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(&["AAA", "BBB"]);
    let mut book = trade(dir.path(), &settings, 300);
    let before = (book.orders(), book.executions_since(minute(2)).unwrap(), book.reports_after(7));
    assert!(book.checkpoint().unwrap());
    let after = |book: &Book| {
        (book.orders(), book.executions_since(minute(2)).unwrap(), book.reports_after(7))
    };
    assert_eq!(after(&book), before);
    drop(book);
    let mut book = Book::open(dir.path(), &settings).unwrap();
    assert_eq!(after(&book), before);
    assert_eq!(book.order(id(999)), Ok(None), "not found is final");
    book.submit(&buy(5, 0, OrderKind::Market, 1), minute(9));
    assert_eq!(reports(&mut book).len(), 1, "a number that was used is refused");
    assert_eq!(book.order(id(5)).unwrap().map(|row| row.state), Some(OrderState::Filled));
    assert_eq!(book.orders(), before.0);
    let told = book.reports_after(book.reports() - 2).unwrap();
    assert_eq!(told.len(), 2, "one from before the checkpoint, one from after");
}

/// No checkpoint is made while a bar is in progress.
#[test]
fn a_bar_in_progress_is_not_put_away() {
    let dir = tempfile::tempdir().unwrap();
    let mut book = Book::open(dir.path(), &settings(&["AAA"])).unwrap();
    book.submit(&buy(1, 0, OrderKind::Market, 100), minute(0));
    assert!(!book.checkpoint().unwrap(), "its report was not taken");
    reports(&mut book);
    book.begin_bar(SymbolId(0), &bar(0, "10", "10.10", "9.95", "10.05"), true);
    reports(&mut book);
    assert!(!book.checkpoint().unwrap());
    book.end_bar();
    reports(&mut book);
    assert!(book.checkpoint().unwrap());
}

/// A checkpoint or a piece that is damaged or gone is refused by name and place; without its
/// checkpoint the book comes back from its pieces.
#[test]
fn damage_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(&["AAA", "BBB"]);
    let mut book = trade(dir.path(), &settings, 200);
    for number in 201..204 {
        assert!(book.checkpoint().unwrap());
        book.submit(&buy(number, 1, OrderKind::Limit { limit: price("1.00") }, 5), minute(9));
        reports(&mut book);
    }
    drop(book);
    // An opening that makes a checkpoint of its own would change the folder: this one is too short.
    let kept = state_in(dir.path(), &settings).unwrap();
    let path = dir.path().join(FILE);
    let whole = std::fs::read(&path).unwrap();
    let mut refused = 0;
    for at in (0..whole.len()).step_by(whole.len() / 300) {
        let mut damaged = whole.clone();
        damaged[at] ^= 4;
        std::fs::write(&path, &damaged).unwrap();
        match state_in(dir.path(), &settings) {
            Ok(state) => assert_eq!(state, kept, "byte {at}"),
            Err(error) => {
                assert!(
                    matches!(error, OpenError::Checkpoint { .. }) && error.is_damage(),
                    "{error}"
                );
                refused += 1;
            }
        }
        std::fs::write(&path, &whole[..at]).unwrap();
        assert!(matches!(state_in(dir.path(), &settings), Err(OpenError::Checkpoint { .. })));
    }
    assert!(refused > 250, "{refused}");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(state_in(dir.path(), &settings).unwrap(), kept);
    let piece = dir.path().join("book.1.log");
    let entries = std::fs::read(&piece).unwrap();
    for cut in (0..entries.len()).step_by(8) {
        std::fs::write(&piece, &entries[..cut]).unwrap();
        let error = state_in(dir.path(), &settings).unwrap_err();
        assert!(error.is_damage() && error.to_string().contains("book.1.log"), "{cut}: {error}");
    }
    std::fs::remove_file(&piece).unwrap();
    let error = state_in(dir.path(), &settings).unwrap_err();
    assert!(error.to_string().contains("has no"), "{error}");
    std::fs::write(&path, &whole).unwrap();
    assert_eq!(state_in(dir.path(), &settings).unwrap(), kept, "pieces before it are not read");
    std::fs::remove_file(dir.path().join("book.3.log")).unwrap();
    assert!(state_in(dir.path(), &settings).unwrap_err().is_damage());
}

fn state_in(dir: &Path, settings: &Settings) -> Result<String, OpenError> {
    let book = Book::open(dir, settings)?;
    let fills = book.executions_since(Timestamp::MIN).unwrap();
    Ok(format!("{:?} {:?} {fills:?} {:?}", book.cash(), book.orders(), book.reports()))
}
