//! Answers of brokers, page by page: they count when they are whole (journal.md 12).

use model::{Ask, BrokerId, Page, Rows};

use super::Books;
use crate::execution_engine::Answer;

impl Books {
    /// Takes one page of an answer in.
    pub(crate) fn observe_page(&mut self, broker: BrokerId, page: &Page) -> Answer {
        let brokers = &mut self.brokers;
        let found = brokers
            .open
            .iter()
            .position(|open| open.query.id == page.query && open.query.broker == broker);
        // Void since a new start or connection, or never asked.
        let Some(place) = found else { return Answer::Nothing };
        let query = brokers.open[place].query;
        match query.ask {
            Ask::Order(client_id) => {
                brokers.open.remove(place);
                let Rows::Orders(rows) = &page.rows else { return Answer::Nothing };
                if page.page != 0 || !page.last {
                    // An answer about one order is one page: this one is not well-formed.
                    return Answer::Nothing;
                }
                let row = rows.iter().find(|row| row.client_id == Some(client_id)).copied();
                let doubt = brokers.doubts.iter_mut().find(|doubt| doubt.client_id == client_id);
                if let Some(doubt) = doubt {
                    let answers = doubt.answers.saturating_add(1);
                    doubt.answers = if row.is_none() { answers } else { 0 };
                }
                Answer::Order { client_id, row }
            }
            Ask::OpenOrders | Ask::Executions { .. } | Ask::Positions | Ask::Account => {
                Answer::Nothing
            }
        }
    }
}
