//! journal.md 18: what was told is there again, and nothing else.

use model::{ActionKind, Cash, CorporateAction, ExecType, OrderKind, OrderState, SymbolId};
use paper::Book;
use simulator::{Night, Slippage};

use crate::support::{
    bar, buy, cancel, id, minute, price, replace, reports, settings, shares, show,
};

/// Orders, fills, position, cash and the numbering of executions outlive the process; the order
/// that works goes on filling.
#[test]
fn an_opened_book_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(&["AAA", "BBB"]);
    let mut book = Book::open(dir.path(), &settings).unwrap();
    book.submit(&buy(1, 0, OrderKind::Market, 100), minute(0));
    book.submit(&buy(2, 1, OrderKind::Limit { limit: price("9.00") }, 50), minute(0));
    book.submit(&buy(3, 1, OrderKind::Limit { limit: price("8.00") }, 50), minute(0));
    book.replace(&replace(3, 1, OrderKind::Limit { limit: price("8.50") }, 70), minute(0));
    book.cancel(&cancel(9, 1), minute(0));
    let first = reports(&mut book);
    assert_eq!(first.len(), 5);
    let ids: Vec<_> =
        first.iter().map(|report| report.broker_id.map(|id| id.to_string())).collect();
    let told = |id: &str| Some(id.to_owned());
    assert_eq!(ids[..3], [told("P-1"), told("P-2"), told("P-3")], "the book's own ids");
    assert_eq!(ids[3], told("P-3"), "a replacement is the same order");
    assert_eq!(ids[4], None, "an order that never came has none");
    let filled = show(&mut book, 0, &bar(0, "10", "10.10", "9.95", "10.05"));
    assert!(matches!(filled[..], [report] if matches!(report.exec, ExecType::Trade(_))));
    let (cash, open, fills) =
        (book.cash(), book.open_orders(), book.executions_since(minute(0)).unwrap());
    let told = book.reports();
    drop(book);

    let mut again = Book::open(dir.path(), &settings).unwrap();
    assert_eq!((again.cash(), again.open_orders()), (cash, open));
    assert_eq!(again.executions_since(minute(0)).unwrap(), fills);
    assert_eq!(again.position(SymbolId(0)), shares(100));
    assert_eq!((again.reports(), again.fed_until(SymbolId(0))), (told, minute(1)));
    assert!(reports(&mut again).is_empty(), "nothing is told twice");
    assert_eq!(again.order(id(1)).unwrap().map(|row| row.state), Some(OrderState::Filled));
    assert_eq!(again.order(id(9)), Ok(None), "not found is final");
    again.submit(&buy(2, 1, OrderKind::Market, 1), minute(1));
    let duplicate = reports(&mut again);
    assert!(matches!(duplicate[..], [report] if matches!(report.exec, ExecType::Rejected(_))));
    let more = show(&mut again, 1, &bar(1, "9.10", "9.20", "8.40", "8.60"));
    let ids: Vec<String> = more
        .iter()
        .filter_map(|report| match report.exec {
            ExecType::Trade(fill) => Some(fill.exec_id.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(ids, ["S-1", "S-2"]);
    assert_eq!(again.position(SymbolId(1)), shares(120));
    assert_eq!(again.reports_after(told).unwrap().len(), 3);
}

/// Nights and corporate actions happen once, whoever asks for them after a restart (F27).
#[test]
fn nights_and_actions_are_remembered() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(&["AAA", "BBB"]);
    let mut book = Book::open(dir.path(), &settings).unwrap();
    let date = "2026-11-25".parse().unwrap();
    let kind = ActionKind::Dividend { per_share: Cash::from_dollars(1).unwrap() };
    let action = CorporateAction { symbol: SymbolId(1), ex_date: date, kind };
    assert!(!book.has_acted(&action) && book.last_night().is_none());
    book.act(&action, minute(0)).unwrap();
    book.day_roll(Night { session: date, settles: None, days: 1 }).unwrap();
    drop(book);
    let again = Book::open(dir.path(), &settings).unwrap();
    assert!(again.has_acted(&action));
    assert!(!again.has_acted(&CorporateAction { symbol: SymbolId(0), ..action }));
    assert_eq!(again.last_night(), Some(date));
}

/// A cut between the fills of one bar: the first was told, the second comes after the start.
#[test]
fn a_bar_in_progress_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(&["AAA"]);
    let mut book = Book::open(dir.path(), &settings).unwrap();
    book.submit(&buy(1, 0, OrderKind::Market, 100), minute(0));
    book.submit(&buy(2, 0, OrderKind::Limit { limit: price("9.97") }, 10), minute(0));
    reports(&mut book);
    book.begin_bar(SymbolId(0), &bar(0, "10", "10.10", "9.95", "10.05"), true);
    let first = book.next_report().unwrap().unwrap();
    drop(book);
    let mut again = Book::open(dir.path(), &settings).unwrap();
    let rest = reports(&mut again);
    assert_eq!((first.client_id, rest.len(), rest[0].client_id), (id(1), 1, id(2)));
    again.end_bar();
}

/// The universe of the next run is another one: names keep their positions.
#[test]
fn symbols_are_known_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let mut book = Book::open(dir.path(), &settings(&["AAA", "BBB"])).unwrap();
    book.submit(&buy(1, 1, OrderKind::Market, 10), minute(0));
    reports(&mut book);
    show(&mut book, 1, &bar(0, "5", "5.10", "4.95", "5.05"));
    drop(book);
    let mut other = Book::open(dir.path(), &settings(&["CCC", "BBB"])).unwrap();
    assert_eq!(other.position(SymbolId(1)), shares(10));
    assert_eq!(other.positions()[0].symbol, Some(SymbolId(1)));
    other.submit(&buy(2, 0, OrderKind::Market, 10), minute(2));
    assert_eq!(reports(&mut other)[0].symbol, SymbolId(0));
    drop(other);
    let none = Book::open(dir.path(), &settings(&["AAA"])).unwrap();
    assert_eq!(none.positions()[0].symbol, None, "held, but not one of the run");
}

/// J7: a log cut anywhere opens to a book that told less, never something else; a flipped byte in
/// what was on disk before is refused.
#[test]
fn every_cut_of_the_log_is_a_shorter_story() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(&["AAA"]);
    let mut book = Book::open(dir.path(), &settings).unwrap();
    for n in 0..3 {
        book.submit(&buy(n, 0, OrderKind::Market, 10), minute(n as i64));
        reports(&mut book);
        show(&mut book, 0, &bar(n as i64, "5", "5.10", "4.95", "5.05"));
    }
    let whole = book.executions_since(minute(0)).unwrap();
    drop(book);
    let bytes = std::fs::read(dir.path().join("book.log")).unwrap();
    let other = tempfile::tempdir().unwrap();
    let path = other.path().join("book.log");
    for cut in (0..bytes.len()).step_by(7) {
        std::fs::write(&path, &bytes[..cut]).unwrap();
        let book = Book::open(other.path(), &settings).unwrap();
        assert!(whole.starts_with(&book.executions_since(minute(0)).unwrap()), "cut at {cut}");
    }
    let mut refused = 0;
    for at in (0..bytes.len()).step_by(5) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        std::fs::write(&path, &damaged).unwrap();
        match Book::open(other.path(), &settings) {
            Ok(book) => {
                let left = book.executions_since(minute(0)).unwrap();
                assert!(whole.starts_with(&left), "byte {at}");
            }
            Err(_) => refused += 1,
        }
    }
    assert!(refused > bytes.len() / 10, "{refused} of {}", bytes.len() / 5);
}

/// Decision 0087: other settings fill otherwise; what was reported stays, what works goes on, and
/// after that the book opens as it is.
#[test]
fn other_settings_go_on_from_what_was_reported() {
    let dir = tempfile::tempdir().unwrap();
    let before = settings(&["AAA", "BBB"]);
    let mut book = Book::open(dir.path(), &before).unwrap();
    for n in 0..4 {
        let at = minute(n as i64);
        book.submit(&buy(2 * n, 0, OrderKind::Market, 10), at);
        book.submit(&buy(2 * n + 1, 1, OrderKind::Limit { limit: price("9.00") }, 50), at);
        reports(&mut book);
        show(&mut book, 0, &bar(n as i64, "10", "10.10", "9.95", "10.05"));
    }
    book.replace(&replace(1, 1, OrderKind::Limit { limit: price("9.50") }, 70), minute(4));
    book.cancel(&cancel(3, 1), minute(4));
    reports(&mut book);
    show(&mut book, 1, &bar(4, "9.60", "9.70", "9.40", "9.60"));
    let state = |book: &Book| {
        let fills = book.executions_since(minute(0)).unwrap();
        (book.cash(), book.orders(), fills, book.positions(), book.reports())
    };
    let kept = state(&book);
    drop(book);
    let mut after = before.clone();
    after.exchange.slippage = Slippage::Ticks(3);
    for times in 0..2 {
        let mut book = Book::open(dir.path(), &after).unwrap();
        assert_eq!(state(&book), kept, "opened {times} times");
        assert!(reports(&mut book).is_empty());
    }
    let mut book = Book::open(dir.path(), &after).unwrap();
    book.submit(&buy(20, 0, OrderKind::Market, 10), minute(5));
    reports(&mut book);
    let told = show(&mut book, 0, &bar(5, "10", "10.10", "9.95", "10.05"));
    let ExecType::Trade(fill) = told[0].exec else { panic!("{told:?}") };
    assert_eq!(fill.price, price("10.03"), "three ticks from now on");
    assert_eq!(fill.exec_id.to_string(), format!("S-{}", kept.2.len()));
    let told = show(&mut book, 1, &bar(5, "8.90", "9.00", "8.80", "8.90"));
    assert_eq!(told.len(), 2, "the limits that rest are filled: {told:?}");
    let kept = state(&book);
    drop(book);
    assert_eq!(state(&Book::open(dir.path(), &after).unwrap()), kept);
    assert_eq!(state(&Book::open(dir.path(), &before).unwrap()), kept, "and back");
}
