//! One comparison with a broker under way: four questions, answers page by page (C34,
//! journal.md 12).
//!
//! Invariant: a round counts only when every page of every answer is there, in order; a missing,
//! failed or odd page makes the whole round unavailable, never empty (F17).

use model::{
    AccountRow, Ask, ExecutionRow, OrderRow, Page, PositionRow, Query, QueryId, Rows, SymbolId,
    Timestamp, record,
};

/// A comparison under way.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Round {
    /// When it began.
    pub asked_at: Timestamp,
    parts: Vec<Part>,
    /// The broker's open orders.
    pub orders: Vec<OrderRow>,
    /// Its executions since the time asked for.
    pub executions: Vec<ExecutionRow>,
    /// Its positions.
    pub positions: Vec<PositionRow>,
    /// Its figures.
    pub account: AccountRow,
    touched: Vec<Touch>,
}

/// One question of the round.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Part {
    query: QueryId,
    ask: Ask,
    pages: u32,
    whole: bool,
    asked_after: u64,
}

/// A report that came since the round began.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Touch {
    symbol: SymbolId,
    report: u64,
}

/// What a page did to its round.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// More is to come.
    Partial,
    /// Everything is there.
    Whole,
    /// It is unavailable.
    Failed,
}

/// How many questions a round has.
const QUESTIONS: usize = 4;

impl Round {
    /// Begins a round with nothing asked yet.
    pub fn begin(asked_at: Timestamp) -> Self {
        Self { asked_at, ..Self::default() }
    }

    /// One of its questions was asked.
    pub fn asked(&mut self, query: &Query) {
        self.parts.push(Part { query: query.id, ask: query.ask, ..Part::default() });
    }

    /// Returns true when the question is one of the round.
    pub fn has(&self, query: QueryId) -> bool {
        self.parts.iter().any(|part| part.query == query)
    }

    /// A report of the broker came in, its `report`-th.
    pub fn touch(&mut self, symbol: SymbolId, report: u64) {
        self.touched.push(Touch { symbol, report });
    }

    /// Takes a page in.
    pub fn take(&mut self, page: &Page) -> Progress {
        let Some(part) = self.parts.iter_mut().find(|part| part.query == page.query) else {
            return Progress::Failed;
        };
        let first = part.pages == 0;
        let in_order = !part.whole && part.pages == page.page;
        let same = first || part.asked_after == page.asked_after;
        if !in_order || !same || page.answered_after < page.asked_after {
            return Progress::Failed;
        }
        (part.asked_after, part.whole) = (page.asked_after, page.last);
        part.pages += 1;
        match (part.ask, &page.rows) {
            (Ask::OpenOrders, Rows::Orders(rows)) => self.orders.extend(rows),
            (Ask::Executions { .. }, Rows::Executions(rows)) => self.executions.extend(rows),
            (Ask::Positions, Rows::Positions(rows)) => self.positions.extend(rows),
            (Ask::Account, Rows::Account(row)) => self.account = *row,
            _ => return Progress::Failed,
        }
        let whole = self.parts.len() == QUESTIONS && self.parts.iter().all(|part| part.whole);
        if whole { Progress::Whole } else { Progress::Partial }
    }

    /// Returns the symbols with a report that came after a question was asked: the answers may or
    /// may not hold it, so nothing is concluded about them this time (F16).
    pub fn skipped(&self) -> Vec<SymbolId> {
        let asked_after = self.parts.iter().map(|part| part.asked_after).min().unwrap_or(0);
        let mut symbols: Vec<SymbolId> = self
            .touched
            .iter()
            .filter(|touch| touch.report > asked_after)
            .map(|touch| touch.symbol)
            .collect();
        symbols.sort_unstable();
        symbols.dedup();
        symbols
    }
}

record!(Part { 1: query, 2: ask, 3: pages, 4: whole, 5: asked_after });
record!(Touch { 1: symbol, 2: report });
record!(Round {
    1: asked_at,
    2: parts,
    3: orders,
    4: executions,
    5: positions,
    6: account,
    7: touched,
});

#[cfg(test)]
mod tests {
    use super::*;

    const ASKS: [Ask; QUESTIONS] = [
        Ask::Positions,
        Ask::Account,
        Ask::OpenOrders,
        Ask::Executions { since: Timestamp::from_nanos(0) },
    ];

    fn id(number: u64) -> QueryId {
        QueryId { epoch: 1, number }
    }

    fn round() -> Round {
        let mut round = Round::begin(Timestamp::from_nanos(0));
        for (number, ask) in ASKS.into_iter().enumerate() {
            round.asked(&Query { id: id(number as u64), ask, ..Query::default() });
        }
        round
    }

    fn rows(number: u64) -> Rows {
        match number {
            0 => Rows::Positions(vec![PositionRow::default()]),
            1 => Rows::Account(AccountRow::default()),
            2 => Rows::Orders(vec![OrderRow::default()]),
            _ => Rows::Executions(vec![ExecutionRow::default()]),
        }
    }

    fn page(number: u64, page: u32, last: bool) -> Page {
        Page { query: id(number), page, last, rows: rows(number), ..Page::default() }
    }

    /// Journal.md 12: whole only with the last page of each answer, in any order of the questions.
    #[test]
    fn a_round_is_whole_with_its_last_page() {
        for first in 0..4 {
            let mut round = round();
            for step in 0..4 {
                let number = (first + step) % 4;
                assert_eq!(round.take(&page(number, 0, false)), Progress::Partial);
                let expected = if step == 3 { Progress::Whole } else { Progress::Partial };
                assert_eq!(round.take(&page(number, 1, true)), expected);
            }
            assert_eq!((round.positions.len(), round.orders.len()), (2, 2));
        }
    }

    /// F17: failed, missing, repeated, late and mistaken pages are unavailable, never empty.
    #[test]
    fn an_odd_page_fails_the_round() {
        for number in 0..4 {
            let good = page(number, 0, false);
            for bad in [
                Page { rows: Rows::Unavailable, ..good.clone() },
                Page { page: 1, ..good.clone() },
                Page { query: id(9), ..good.clone() },
                Page { asked_after: 2, answered_after: 1, ..good.clone() },
                Page { rows: rows((number + 1) % 4), ..good.clone() },
            ] {
                assert_eq!(round().take(&bad), Progress::Failed, "{bad:?}");
            }
            let mut round = round();
            assert_eq!(round.take(&good), Progress::Partial);
            assert_eq!(round.clone().take(&good), Progress::Failed, "the same page twice");
            let skipped = Page { page: 2, ..good.clone() };
            assert_eq!(round.clone().take(&skipped), Progress::Failed, "a page is missing");
            let other = Page { page: 1, asked_after: 1, answered_after: 1, ..good.clone() };
            assert_eq!(round.clone().take(&other), Progress::Failed, "of another question");
            assert_eq!(round.take(&page(number, 1, true)), Progress::Partial);
            assert_eq!(round.take(&page(number, 2, true)), Progress::Failed, "after the last");
        }
    }

    /// F16: a report after the earliest question makes its symbol undecided; one before does not.
    #[test]
    fn reports_after_a_question_are_undecided() {
        let mut round = round();
        for number in 0..4 {
            let asked_after = 10 + number;
            let page = Page { asked_after, answered_after: 20, ..page(number, 0, true) };
            round.take(&page);
        }
        round.touch(SymbolId(1), 10);
        round.touch(SymbolId(2), 11);
        round.touch(SymbolId(3), 25);
        assert_eq!(round.skipped(), [SymbolId(2), SymbolId(3)]);
    }
}
