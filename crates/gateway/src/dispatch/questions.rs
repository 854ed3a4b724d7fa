//! Questions: asked, cut into pages, and never answered by silence (journal.md 12, F17).

use model::{Ask, Page, Query, Rows};

use crate::broker::{Broker, Unavailable};

/// Rows on one page at most.
const PAGE_ROWS: usize = 100;

/// Asks a broker; an error is an answer of its own.
pub(super) async fn ask(broker: &dyn Broker, ask: Ask) -> Result<Rows, Unavailable> {
    Ok(match ask {
        Ask::OpenOrders => Rows::Orders(broker.open_orders().await?),
        Ask::Order(id) => Rows::Orders(broker.query_by_client_id(id).await?.into_iter().collect()),
        Ask::Executions { since } => Rows::Executions(broker.executions_since(since).await?),
        Ask::Positions => Rows::Positions(broker.positions().await?),
        Ask::Account => Rows::Account(broker.account().await?),
    })
}

/// Cuts an answer into pages.
pub(super) fn pages(
    query: &Query,
    rows: Result<Rows, Unavailable>,
    asked_after: u64,
    answered_after: u64,
) -> Vec<Page> {
    let cut = match rows.unwrap_or(Rows::Unavailable) {
        Rows::Orders(rows) => chunks(rows, Rows::Orders),
        Rows::Executions(rows) => chunks(rows, Rows::Executions),
        Rows::Positions(rows) => chunks(rows, Rows::Positions),
        single @ (Rows::Account(_) | Rows::Unavailable) => vec![single],
    };
    let last = cut.len() - 1;
    let page = |(at, rows): (usize, Rows)| Page {
        query: query.id,
        page: u32::try_from(at).unwrap_or(u32::MAX),
        last: at == last,
        asked_after,
        answered_after,
        rows,
    };
    cut.into_iter().enumerate().map(page).collect()
}

fn chunks<T: Clone>(rows: Vec<T>, make: fn(Vec<T>) -> Rows) -> Vec<Rows> {
    if rows.is_empty() {
        return vec![make(rows)];
    }
    rows.chunks(PAGE_ROWS).map(|chunk| make(chunk.to_vec())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::OrderRow;

    /// F17: an empty answer is one empty page, a failed one says so, a long one has a last page.
    #[test]
    fn answers_are_cut_into_pages() {
        let query = Query::default();
        let of = |rows| pages(&query, rows, 3, 5);
        let lengths = |pages: &[Page]| -> Vec<(u32, bool, usize)> {
            let rows = |page: &Page| match &page.rows {
                Rows::Orders(rows) => rows.len(),
                _ => usize::MAX,
            };
            pages.iter().map(|page| (page.page, page.last, rows(page))).collect()
        };
        assert_eq!(lengths(&of(Ok(Rows::Orders(Vec::new())))), [(0, true, 0)]);
        let many = vec![OrderRow::default(); 201];
        let cut = of(Ok(Rows::Orders(many)));
        assert_eq!(lengths(&cut), [(0, false, 100), (1, false, 100), (2, true, 1)]);
        assert!(cut.iter().all(|page| (page.asked_after, page.answered_after) == (3, 5)));
        let failed = of(Err(Unavailable("502".into())));
        assert_eq!((failed.len(), &failed[0].rows, failed[0].last), (1, &Rows::Unavailable, true));
    }
}
