//! The symbols of the book and those of the run: the log outlives a change of the universe.
//!
//! Invariant: a symbol keeps its number in the book for ever.

use model::{Symbol, SymbolId};

/// The numbers of the run's symbols in the book, and back.
#[derive(Clone, Debug, Default)]
pub(super) struct Symbols {
    names: Vec<Symbol>,
    to_book: Vec<SymbolId>,
    to_run: Vec<Option<SymbolId>>,
}

impl Symbols {
    /// Adds a name behind the others.
    pub(super) fn push(&mut self, name: Symbol) {
        self.names.push(name);
        self.to_run.push(None);
    }

    /// Returns all names, in the order of their numbers.
    pub(super) fn names(&self) -> &[Symbol] {
        &self.names
    }

    /// Returns the names that are not known yet.
    pub(super) fn missing(&self, run: &[Symbol]) -> Vec<Symbol> {
        run.iter().filter(|name| !self.names.contains(name)).copied().collect()
    }

    /// Serves a run with these symbols, all of them known.
    pub(super) fn serve(&mut self, run: &[Symbol]) {
        self.to_run.fill(None);
        self.to_book.clear();
        for (place, name) in run.iter().enumerate() {
            let at = self.names.iter().position(|known| known == name).unwrap_or(usize::MAX);
            self.to_book.push(number(at));
            if let Some(to) = self.to_run.get_mut(at) {
                *to = Some(number(place));
            }
        }
    }

    /// Returns the book's number of a symbol of the run; a number that the run does not have stays
    /// one that the book does not have either.
    #[inline]
    pub(super) fn book(&self, run: SymbolId) -> SymbolId {
        self.to_book.get(run.index()).copied().unwrap_or(SymbolId(u32::MAX))
    }

    /// Returns the run's number; `None` when the symbol is not one of the run.
    #[inline]
    pub(super) fn run(&self, book: SymbolId) -> Option<SymbolId> {
        self.to_run.get(book.index()).copied().flatten()
    }
}

fn number(at: usize) -> SymbolId {
    SymbolId(u32::try_from(at).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &[&str]) -> Vec<Symbol> {
        text.iter().map(|name| name.parse().unwrap()).collect()
    }

    #[test]
    fn numbers_follow_the_names() {
        let mut symbols = Symbols::default();
        names(&["A", "B"]).into_iter().for_each(|name| symbols.push(name));
        let run = names(&["C", "B"]);
        assert_eq!(symbols.missing(&run), names(&["C"]));
        symbols.push(run[0]);
        symbols.serve(&run);
        assert_eq!(
            [symbols.book(SymbolId(0)), symbols.book(SymbolId(1))],
            [SymbolId(2), SymbolId(1)]
        );
        assert_eq!(symbols.run(SymbolId(0)), None);
        assert_eq!(symbols.run(SymbolId(2)), Some(SymbolId(0)));
        assert_eq!(symbols.book(SymbolId(7)), SymbolId(u32::MAX));
    }
}
