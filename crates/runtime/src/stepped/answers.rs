//! The book answers the core's questions at once, each in one page.

use engine::BrokerEvent;
use model::{Ask, Page, Query, Rows};
use paper::Book;

/// Answers a question; what the book no longer knows is unavailable, never empty (F17).
pub(super) fn answer(book: &Book, query: &Query) -> BrokerEvent {
    let rows = match query.ask {
        Ask::OpenOrders => Rows::Orders(book.open_orders()),
        Ask::Order(id) => match book.order(id) {
            Ok(row) => Rows::Orders(row.into_iter().collect()),
            Err(_) => Rows::Unavailable,
        },
        Ask::Executions { since } => {
            book.executions_since(since).map_or(Rows::Unavailable, Rows::Executions)
        }
        Ask::Positions => Rows::Positions(book.positions()),
        Ask::Account => Rows::Account(book.account()),
    };
    let reports = book.reports();
    BrokerEvent::Page(Box::new(Page {
        query: query.id,
        page: 0,
        last: true,
        asked_after: reports,
        answered_after: reports,
        rows,
    }))
}
