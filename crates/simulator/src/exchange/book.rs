//! Where working orders are kept: a slab, a list per symbol in order of arrival, and a dense index
//! by order number.
//!
//! Finished orders leave the slab at once; the index remembers that they existed, so that a late
//! request is answered `TooLate` and a repeated id `DuplicateId`.
//!
//! Invariant: memory grows with the working orders and with gaps in the numbering, not with the
//! orders ever seen.

use std::collections::VecDeque;

use model::{ClientOrderId, Quantity, SymbolId, record};

use super::order::Working;

/// Numbers behind a gap are kept until this many newer ones have come.
const REMEMBERED_GAP: usize = 4096;

/// A number further ahead of the newest is refused: numbers are dense (R10), so it is an error.
const WIDEST_GAP: usize = 1 << 20;

/// What the book knows about a client id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Lookup {
    /// Never seen.
    Unknown,
    /// Was here and is done.
    Finished,
    /// Works, in this slot.
    Working(u32),
}

/// The numbers of one epoch.
#[derive(Clone, Debug)]
struct EpochIndex {
    epoch: u32,
    base: u64,
    entries: VecDeque<Lookup>,
}

/// The numbers of one epoch as they are saved: whether they were used, in runs.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers {
    epoch: u32,
    base: u64,
    runs: Vec<(u64, bool)>,
}

record!(Numbers { 1: epoch, 2: base, 3: runs });

/// The working orders of all symbols.
#[derive(Clone, Debug)]
pub(super) struct Book {
    slots: Vec<Option<Working>>,
    free: Vec<u32>,
    by_symbol: Vec<Vec<u32>>,
    epochs: Vec<EpochIndex>,
}

impl Book {
    pub(super) fn new(symbols: usize) -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            by_symbol: vec![Vec::new(); symbols],
            epochs: Vec::new(),
        }
    }

    /// Makes room for one symbol more.
    pub(super) fn add_symbol(&mut self) {
        self.by_symbol.push(Vec::new());
    }

    /// Returns the slots of a symbol's orders in order of arrival.
    #[inline]
    pub(super) fn of_symbol(&self, symbol: SymbolId) -> &[u32] {
        self.by_symbol.get(symbol.index()).map_or(&[], Vec::as_slice)
    }

    /// Returns the number of symbols.
    pub(super) fn symbols(&self) -> usize {
        self.by_symbol.len()
    }

    /// Returns true while no order works.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.slots.len() == self.free.len()
    }

    /// Returns the order in a slot.
    #[inline]
    pub(super) fn get(&self, slot: u32) -> Option<&Working> {
        self.slots.get(slot as usize).and_then(Option::as_ref)
    }

    /// Returns the order in a slot for change.
    #[inline]
    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut Working> {
        self.slots.get_mut(slot as usize).and_then(Option::as_mut)
    }

    /// Calls `change` for each order of a symbol.
    pub(super) fn for_each(&mut self, symbol: SymbolId, mut change: impl FnMut(&mut Working)) {
        let Some(list) = self.by_symbol.get(symbol.index()) else { return };
        for &slot in list {
            if let Some(order) = self.slots.get_mut(slot as usize).and_then(Option::as_mut) {
                change(order);
            }
        }
    }

    /// Finds an order by our id; an earlier attempt of a replaced order counts as finished.
    pub(super) fn find(&self, id: ClientOrderId) -> Lookup {
        let Some(index) = self.epochs.iter().rev().find(|index| index.epoch == id.epoch) else {
            return Lookup::Unknown;
        };
        let Some(at) = id.number.0.checked_sub(index.base) else { return Lookup::Finished };
        let found = usize::try_from(at).ok().and_then(|at| index.entries.get(at));
        match found.copied().unwrap_or(Lookup::Unknown) {
            Lookup::Working(slot) => match self.get(slot) {
                Some(order) if order.client_id == id => Lookup::Working(slot),
                Some(order) if order.client_id.attempt < id.attempt => Lookup::Unknown,
                _ => Lookup::Finished,
            },
            other => other,
        }
    }

    /// Returns true when the order's number, whatever the attempt, was used before or is so far
    /// ahead of the others that the dense index cannot hold it.
    pub(super) fn is_used(&self, id: ClientOrderId) -> bool {
        let Some(index) = self.epochs.iter().rev().find(|index| index.epoch == id.epoch) else {
            return false;
        };
        let Some(at) = id.number.0.checked_sub(index.base) else { return true };
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        if !index.entries.is_empty() && at > index.entries.len().saturating_add(WIDEST_GAP) {
            return true;
        }
        index.entries.get(at).is_some_and(|entry| *entry != Lookup::Unknown)
    }

    /// Adds an order whose number is not used; returns its slot.
    pub(super) fn insert(&mut self, order: Working) -> u32 {
        let id = order.client_id;
        let slot = self.place(order);
        self.set(id, Lookup::Working(slot));
        slot
    }

    /// Puts an order into a free slot, last of its symbol.
    fn place(&mut self, order: Working) -> u32 {
        let symbol = order.symbol;
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = Some(order);
                slot
            }
            None => {
                self.slots.push(Some(order));
                u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
            }
        };
        if let Some(list) = self.by_symbol.get_mut(symbol.index()) {
            list.push(slot);
        }
        slot
    }

    /// Notes that an id was used by an order that never worked (a rejected one).
    pub(super) fn mark_finished(&mut self, id: ClientOrderId) {
        self.set(id, Lookup::Finished);
    }

    /// Takes an order out and returns what it had filled; its number stays known as finished.
    pub(super) fn remove(&mut self, slot: u32) -> Option<Quantity> {
        let place = self.slots.get_mut(slot as usize)?;
        let Working { client_id, symbol, cum_qty, .. } = *place.as_ref()?;
        *place = None;
        self.free.push(slot);
        if let Some(list) = self.by_symbol.get_mut(symbol.index()) {
            list.retain(|&other| other != slot);
        }
        self.set(client_id, Lookup::Finished);
        Some(cum_qty)
    }

    /// Visits all working orders, symbol by symbol.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Working> {
        self.by_symbol.iter().flatten().filter_map(|&slot| self.get(slot))
    }

    /// Returns what is known of the numbers that came, epoch by epoch.
    pub(super) fn numbers(&self) -> Vec<Numbers> {
        let numbers = |index: &EpochIndex| {
            let mut runs: Vec<(u64, bool)> = Vec::new();
            for entry in &index.entries {
                let used = *entry != Lookup::Unknown;
                match runs.last_mut() {
                    Some((count, of)) if *of == used => *count += 1,
                    _ => runs.push((1, used)),
                }
            }
            Numbers { epoch: index.epoch, base: index.base, runs }
        };
        self.epochs.iter().map(numbers).collect()
    }

    /// Takes in, while empty, what another book knew of the numbers and its working orders, in the
    /// order in which it lists them.
    pub(super) fn restore(&mut self, numbers: &[Numbers], orders: Vec<Working>) {
        for Numbers { epoch, base, runs } in numbers {
            let entry = |used| if used { Lookup::Finished } else { Lookup::Unknown };
            let entries =
                runs.iter().flat_map(|&(count, used)| (0..count).map(move |_| entry(used)));
            self.epochs.push(EpochIndex { epoch: *epoch, base: *base, entries: entries.collect() });
        }
        for order in orders {
            let id = order.client_id;
            let slot = self.place(order);
            // Not by `set`: it forgets numbers at the front that are taken in after this one.
            let index = self.epochs.iter_mut().rfind(|index| index.epoch == id.epoch);
            let entry = index.and_then(|index| {
                let at = usize::try_from(id.number.0.checked_sub(index.base)?).ok()?;
                index.entries.get_mut(at)
            });
            if let Some(entry) = entry {
                *entry = Lookup::Working(slot);
            }
        }
    }

    fn set(&mut self, id: ClientOrderId, entry: Lookup) {
        let number = id.number.0;
        let position = self.epochs.iter().rposition(|index| index.epoch == id.epoch);
        let index = match position {
            Some(position) => &mut self.epochs[position],
            None => {
                let new = EpochIndex { epoch: id.epoch, base: number, entries: VecDeque::new() };
                self.epochs.push(new);
                let last = self.epochs.len() - 1;
                &mut self.epochs[last]
            }
        };
        if index.entries.is_empty() {
            index.base = index.base.max(number);
        }
        let Some(at) = number.checked_sub(index.base) else { return };
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        if at > index.entries.len().saturating_add(WIDEST_GAP) {
            return;
        }
        while index.entries.len() <= at {
            index.entries.push_back(Lookup::Unknown);
        }
        index.entries[at] = entry;
        index.forget();
    }
}

impl EpochIndex {
    /// Drops finished numbers from the front.
    fn forget(&mut self) {
        while let Some(front) = self.entries.front() {
            let gap = *front == Lookup::Unknown && self.entries.len() > REMEMBERED_GAP;
            if *front != Lookup::Finished && !gap {
                break;
            }
            self.entries.pop_front();
            self.base += 1;
        }
    }
}
