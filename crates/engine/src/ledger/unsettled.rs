//! Proceeds of sales that have not settled yet (C25, TC8).
//!
//! A purchase takes its cash at once, a sale gives it when it settles: what a cash account may
//! spend is the cash without the proceeds listed here.
//!
//! Invariant: at most one entry per session whose trades have not settled.

use std::collections::VecDeque;

use model::{Cash, Date, record};

/// The proceeds of one session's sales.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Proceeds {
    /// When they settle; `None` beyond the calendar's years: never, as far as is known (TC9).
    settles: Option<Date>,
    amount: Cash,
}

/// Proceeds by session, oldest first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Unsettled {
    today: Option<Date>,
    pending: VecDeque<Proceeds>,
}

impl Unsettled {
    /// Returns the cash that has not settled.
    pub fn sum(&self) -> Cash {
        self.pending.iter().map(|proceeds| proceeds.amount).sum()
    }

    /// Begins the session `date`, whose trades settle on `settles`: what settles by now is free.
    pub(crate) fn begin_day(&mut self, date: Date, settles: Option<Date>) {
        self.today = settles;
        self.pending.retain(|proceeds| proceeds.settles.is_none_or(|due| due > date));
    }

    /// Takes the proceeds of a sale of this session in; negative when a sale is taken back.
    pub(crate) fn add(&mut self, amount: Cash) {
        match self.pending.back_mut().filter(|last| last.settles == self.today) {
            Some(last) => last.amount = last.amount.plus(amount),
            None => self.pending.push_back(Proceeds { settles: self.today, amount }),
        }
    }
}

record!(Proceeds { 1: settles, 2: amount });
record!(Unsettled { 1: today, 2: pending });

#[cfg(test)]
mod tests {
    use super::*;

    /// TC8: two sessions may settle on the same day (Columbus Day trades and does not settle), and
    /// what settles beyond the calendar never does.
    #[test]
    fn proceeds_settle_on_their_day() {
        let date = |text: &str| text.parse::<Date>().unwrap();
        let mut unsettled = Unsettled::default();
        for (session, settles, sale, left) in [
            ("2026-10-09", Some("2026-10-13"), 100, 100),
            ("2026-10-12", Some("2026-10-13"), 30, 130),
            ("2026-10-13", Some("2026-10-14"), 5, 5),
            ("2030-12-31", None, 7, 7),
            ("2031-01-02", None, 0, 7),
        ] {
            unsettled.begin_day(date(session), settles.map(date));
            unsettled.add(Cash::from_raw(sale));
            assert_eq!(unsettled.sum(), Cash::from_raw(left), "{session}");
        }
    }
}
