//! How far a symbol's data has been fed.

use model::exchange::Session;
use model::{Bar, Timestamp};

/// A symbol's place in its bars and halts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    /// Bars that are not fed yet.
    rest: &'a [Bar],
    /// Start of the next of them; the end of time when there is none. It lies here so that a
    /// minute looks at the bars of those symbols only that have one.
    next: Timestamp,
    /// Bars from the begin of the session on.
    session: &'a [Bar],
    /// Number of halts that are fed.
    pub(super) halt: usize,
}

impl<'a> Cursor<'a> {
    /// Stands before the first of `bars`, behind so many halts.
    pub(super) fn new(bars: &'a [Bar], halt: usize) -> Self {
        let mut cursor = Self { rest: bars, next: Timestamp::MAX, session: bars, halt };
        cursor.go_on(bars);
        cursor
    }

    /// Returns the start of the next bar; the end of time when there is none.
    #[inline]
    pub(super) fn next(&self) -> Timestamp {
        self.next
    }

    /// Returns the next bar if it begins at `start`.
    #[inline]
    pub(super) fn bar_at(&self, start: Timestamp) -> Option<&'a Bar> {
        self.rest.first().filter(|_| self.next == start)
    }

    /// Takes the next bar if it begins at `start`.
    #[inline]
    pub(super) fn take(&mut self, start: Timestamp) -> Option<&'a Bar> {
        if self.next != start {
            return None;
        }
        let (bar, rest) = self.rest.split_first()?;
        self.go_on(rest);
        Some(bar)
    }

    /// Passes over the bars for which `skip` holds.
    pub(super) fn pass(&mut self, skip: impl Fn(&Bar) -> bool) {
        let count = self.rest.iter().take_while(|bar| skip(bar)).count();
        self.go_on(self.rest.get(count..).unwrap_or_default());
    }

    /// Begins a session. Bars between sessions belong to none; the engine would refuse them.
    pub(super) fn begin(&mut self, session: &Session) {
        self.pass(|bar| bar.start < session.pre_open);
        self.session = self.rest;
    }

    /// Returns the bars of the session that are fed.
    pub(super) fn fed(&self) -> &'a [Bar] {
        let count = self.session.len() - self.rest.len();
        self.session.get(..count).unwrap_or_default()
    }

    #[inline]
    fn go_on(&mut self, rest: &'a [Bar]) {
        self.rest = rest;
        self.next = rest.first().map_or(Timestamp::MAX, |bar| bar.start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::MINUTE_NS;

    /// A minute without a bar takes none; what was before the session is no part of it.
    #[test]
    fn bars_are_taken_in_their_minutes() {
        let at = |minute: i64| Timestamp::from_nanos(minute * MINUTE_NS);
        let bars = [0, 5, 7].map(|minute| Bar { start: at(minute), ..Bar::default() });
        let mut cursor = Cursor::new(&bars, 0);
        assert_eq!(cursor.next(), at(0));

        cursor.begin(&Session { pre_open: at(5), ..Session::default() });
        assert_eq!((cursor.next(), cursor.fed()), (at(5), &bars[..0]));
        assert_eq!(cursor.take(at(4)), None);
        assert_eq!(cursor.bar_at(at(5)), Some(&bars[1]));
        assert_eq!(cursor.take(at(5)), Some(&bars[1]));
        assert_eq!(cursor.take(at(6)), None);
        assert_eq!(cursor.take(at(7)), Some(&bars[2]));
        assert_eq!((cursor.next(), cursor.fed()), (Timestamp::MAX, &bars[1..]));
    }
}
