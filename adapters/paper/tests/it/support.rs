//! Orders, bars and books for the tests.

use model::exchange::CommissionPlan;
use model::{
    Bar, BrokerId, CancelRequest, Cash, ClientOrderId, ExecutionReport, NewOrder, OrderKind,
    OrderNumber, OrderRole, Price, Quantity, ReplaceRequest, Side, Symbol, SymbolId, TimeInForce,
    Timestamp, Volume,
};
use paper::{Book, Settings};
use simulator::{ExchangeConfig, FillMode};

pub(crate) fn symbols(names: &[&str]) -> Vec<Symbol> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

pub(crate) fn settings(names: &[&str]) -> Settings {
    Settings {
        exchange: ExchangeConfig::new(FillMode::Conservative, CommissionPlan::IbkrFixed),
        symbols: symbols(names),
        cash: Cash::from_dollars(100_000).unwrap(),
    }
}

pub(crate) fn shares(count: i64) -> Quantity {
    Quantity::from_shares(count).unwrap()
}

pub(crate) fn price(text: &str) -> Price {
    text.parse().unwrap()
}

/// The minute `n` after the open of a session.
pub(crate) fn minute(n: i64) -> Timestamp {
    "2026-11-25T14:30:00Z".parse::<Timestamp>().unwrap().plus_nanos(n * 60_000_000_000)
}

pub(crate) fn id(number: u64) -> ClientOrderId {
    ClientOrderId {
        tag: *b"BW\0\0",
        epoch: 1,
        number: OrderNumber(number),
        attempt: 0,
        exit: false,
    }
}

pub(crate) fn buy(number: u64, symbol: u32, kind: OrderKind, quantity: i64) -> NewOrder {
    NewOrder {
        client_id: id(number),
        broker: BrokerId(0),
        symbol: SymbolId(symbol),
        side: Side::Buy,
        kind,
        quantity: shares(quantity),
        time_in_force: TimeInForce::Day,
        role: OrderRole::Entry,
        group: None,
    }
}

pub(crate) fn cancel(number: u64, symbol: u32) -> CancelRequest {
    CancelRequest { client_id: id(number), broker: BrokerId(0), symbol: SymbolId(symbol) }
}

pub(crate) fn replace(number: u64, symbol: u32, kind: OrderKind, quantity: i64) -> ReplaceRequest {
    ReplaceRequest {
        client_id: id(number),
        new_client_id: ClientOrderId { attempt: 1, ..id(number) },
        broker: BrokerId(0),
        symbol: SymbolId(symbol),
        kind,
        quantity: shares(quantity),
    }
}

pub(crate) fn bar(n: i64, open: &str, high: &str, low: &str, close: &str) -> Bar {
    Bar {
        start: minute(n),
        open: price(open),
        high: price(high),
        low: price(low),
        close: price(close),
        volume: Volume(100_000),
    }
}

/// Takes all reports there are.
pub(crate) fn reports(book: &mut Book) -> Vec<ExecutionReport> {
    std::iter::from_fn(|| book.next_report().unwrap()).collect()
}

/// Shows a bar and takes all reports.
pub(crate) fn show(book: &mut Book, symbol: u32, bar: &Bar) -> Vec<ExecutionReport> {
    book.begin_bar(SymbolId(symbol), bar, true);
    let mut all = reports(book);
    book.end_bar();
    all.extend(reports(book));
    all
}
