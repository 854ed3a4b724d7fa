//! The books' encoding (J12).

use model::record;

use crate::fact::SlotKey;
use crate::order_manager::Position;

use smallvec::SmallVec;

use super::{Books, Slot};

#[derive(Default)]
struct ClosedSlot {
    key: SlotKey,
    position: Box<Position>,
}
record!(ClosedSlot { 1: key, 2: position });

impl model::record::Record for Books {
    fn save(&self, writer: &mut model::record::Writer) {
        writer.field(1, &self.lifecycle);
        writer.field(2, &self.blocks);
        writer.field(3, &self.orders);
        writer.field(4, &self.slots);
        writer.field(5, &self.active);
        writer.field(6, &self.ledger);
        writer.field(7, &self.day);
        writer.nested(8, |w| self.gate.save(w));
        let closed: Vec<ClosedSlot> = self
            .closed
            .iter()
            .map(|(key, position)| ClosedSlot { key: *key, position: position.clone() })
            .collect();
        writer.field(9, &closed);
        writer.field(10, &self.trades);
        writer.field(11, &self.settled);
        writer.field(12, &self.externals);
        writer.field(13, &self.brokers);
        writer.field(14, &self.risk);
        writer.field(15, &self.actions);
        writer.field(16, &self.keys);
        writer.field(17, &self.kills);
    }

    fn load(
        &mut self,
        reader: &mut model::record::Reader<'_>,
    ) -> Result<(), model::record::DecodeError> {
        use model::record::read;
        let mut closed: Vec<ClosedSlot> = Vec::new();
        let (slots, strategies) = (self.slots.len(), self.day.r_by_strategy.len());
        while let Some(field) = reader.next_field()? {
            match field.tag {
                1 => read(&mut self.lifecycle, &field, "Books")?,
                2 => read(&mut self.blocks, &field, "Books")?,
                3 => read(&mut self.orders, &field, "Books")?,
                4 => read(&mut self.slots, &field, "Books")?,
                5 => read(&mut self.active, &field, "Books")?,
                6 => read(&mut self.ledger, &field, "Books")?,
                7 => read(&mut self.day, &field, "Books")?,
                8 => {
                    let body = field.blob().unwrap_or_default();
                    self.gate.load(&mut model::record::Reader::new(body))?;
                }
                9 => read(&mut closed, &field, "Books")?,
                10 => read(&mut self.trades, &field, "Books")?,
                11 => read(&mut self.settled, &field, "Books")?,
                12 => read(&mut self.externals, &field, "Books")?,
                13 => read(&mut self.brokers, &field, "Books")?,
                14 => read(&mut self.risk, &field, "Books")?,
                15 => read(&mut self.actions, &field, "Books")?,
                16 => read(&mut self.keys, &field, "Books")?,
                17 => read(&mut self.kills, &field, "Books")?,
                _ => {}
            }
        }
        // Strategies that came later stand behind those that the books were kept for.
        self.slots.resize_with(slots.max(self.slots.len()), Slot::default);
        let of_strategies = strategies.max(self.day.r_by_strategy.len());
        self.day.r_by_strategy.resize(of_strategies, 0.0);
        self.risk.make_room(of_strategies);
        self.ticks.set_date(self.day.session);
        for &(symbol, name) in self.actions.renamed() {
            self.ticks.rename(symbol, name);
        }
        self.closed = closed.into_iter().map(|c| (c.key, c.position)).collect();
        self.by_symbol.iter_mut().for_each(SmallVec::clear);
        for key in &self.active {
            if let Some(strategies) = self.by_symbol.get_mut(key.symbol.index()) {
                strategies.push(key.strategy);
            }
        }
        Ok(())
    }
}
