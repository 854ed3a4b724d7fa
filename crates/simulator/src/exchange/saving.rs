//! The exchange as bytes, so that an account goes on where it stood without making its calls again.
//!
//! Settings are not part of it: an exchange is restored into a new one that brings its own. Invariant:
//! an exchange that [rests](Exchange::at_rest) and the one that is restored from it make the same of
//! the same calls.

use model::record;
use model::record::{DecodeError, Reader, Record, Writer, read};

use super::book::Numbers;
use super::order::Working;
use super::{Exchange, SymbolState};

record!(SymbolState {
    1: name,
    2: adv20,
    3: sigma_daily,
    4: position,
    5: close,
    6: last,
    7: quote,
    8: share,
});

impl Exchange {
    /// Returns true when no bar, print or quote is in progress and every report was taken: what is
    /// saved then is the whole exchange.
    pub fn at_rest(&self) -> bool {
        self.current.is_none() && self.reports.is_empty()
    }
}

impl Record for Exchange {
    /// Writes what an exchange at rest holds, its settings left out.
    fn save(&self, writer: &mut Writer) {
        let orders: Vec<Working> = self.book.iter().cloned().collect();
        writer.field(1, &self.fees);
        writer.field(2, &self.cash);
        writer.field(3, &self.settlement);
        writer.field(4, &self.symbols);
        writer.field(5, &self.session_open);
        writer.field(6, &self.arrivals);
        writer.field(7, &self.executions);
        writer.field(8, &self.auction_estimates);
        writer.field(9, &self.book.numbers());
        writer.field(10, &orders);
    }

    /// Reads it into a new exchange without symbols.
    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        const RECORD: &str = "Exchange";
        let (mut numbers, mut orders) = (Vec::<Numbers>::new(), Vec::<Working>::new());
        while let Some(field) = reader.next_field()? {
            match field.tag {
                1 => read(&mut self.fees, &field, RECORD)?,
                2 => read(&mut self.cash, &field, RECORD)?,
                3 => read(&mut self.settlement, &field, RECORD)?,
                4 => read(&mut self.symbols, &field, RECORD)?,
                5 => read(&mut self.session_open, &field, RECORD)?,
                6 => read(&mut self.arrivals, &field, RECORD)?,
                7 => read(&mut self.executions, &field, RECORD)?,
                8 => read(&mut self.auction_estimates, &field, RECORD)?,
                9 => read(&mut numbers, &field, RECORD)?,
                10 => read(&mut orders, &field, RECORD)?,
                _ => {}
            }
        }
        self.symbols.iter().for_each(|_| self.book.add_symbol());
        self.book.restore(&numbers, orders);
        Ok(())
    }
}
