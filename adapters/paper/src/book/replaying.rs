//! Making the calls that entries stand for: when they come, and again when the log is opened.
//!
//! Invariant: opening a log makes the calls of the run before in their order, the questions for
//! reports included, and every report, charge and holding is the one that was recorded.

use std::collections::VecDeque;

use simulator::Night;

use super::{Book, Difference, Entry};

impl Book {
    /// Makes the calls of a log again.
    pub(super) fn replay(&mut self, entries: &[Entry]) -> Result<(), Difference> {
        let mut made = VecDeque::new();
        for (entry, recorded) in entries.iter().enumerate() {
            let again = match recorded {
                Entry::Silent => self.exchange.next_report().map(Entry::Report),
                Entry::Report(_) => {
                    Some(self.exchange.next_report().map_or(Entry::Silent, Entry::Report))
                }
                Entry::Charge { .. } | Entry::Held(_) => {
                    Some(made.pop_front().unwrap_or(Entry::Silent))
                }
                Entry::Adopted | Entry::Piece { .. } => None,
                _ => {
                    made = self.make(recorded);
                    None
                }
            };
            if let Some(again) = again.filter(|again| again != recorded) {
                let text = |entry: &Entry| format!("{entry:?}");
                let (recorded, made) = (text(recorded), text(&again));
                return Err(Difference { entry, recorded, made });
            }
            match recorded {
                Entry::Report(report) => self.register.reported(report),
                Entry::Silent => self.stirred = false,
                _ => {}
            }
        }
        Ok(())
    }

    /// Makes the call of an entry; returns what it leads to at once.
    pub(super) fn make(&mut self, entry: &Entry) -> VecDeque<Entry> {
        self.stirred = true;
        let exchange = &mut self.exchange;
        match entry {
            Entry::Submit { time, order } => {
                exchange.submit(order, *time);
                self.register.submitted(order);
                self.at(*time);
            }
            Entry::Replace { time, request } => {
                exchange.replace(request, *time);
                self.register.replacing(request);
                self.at(*time);
            }
            Entry::Cancel { time, request } => {
                exchange.cancel(request, *time);
                self.at(*time);
            }
            Entry::Bar { symbol, bar, rth } => {
                exchange.begin_bar(*symbol, bar, *rth);
                self.in_bar = true;
                self.fed_to(*symbol, bar.end(), Some(bar.close));
            }
            Entry::EndBar => {
                exchange.end_bar();
                self.in_bar = false;
            }
            Entry::Print { symbol, trade, rth } => {
                exchange.print(*symbol, trade, *rth);
                self.in_bar = true;
                self.fed_to(*symbol, trade.time, Some(trade.price));
            }
            Entry::Quote { symbol, quote, rth } => {
                exchange.quote(*symbol, quote, *rth);
                self.in_bar = true;
                self.fed_to(*symbol, quote.time, None);
            }
            Entry::EndMinute { symbol, start, rth } => {
                exchange.end_minute(*symbol, *start, *rth);
                self.in_bar = true;
            }
            _ => return self.make_of_the_day(entry),
        }
        VecDeque::new()
    }

    fn make_of_the_day(&mut self, entry: &Entry) -> VecDeque<Entry> {
        let exchange = &mut self.exchange;
        match entry {
            Entry::Deposit(cash) => {
                exchange.deposit(*cash);
                self.opened = true;
            }
            Entry::Symbols(names) => self.name(names),
            Entry::Session(session) => {
                exchange.begin_session(session);
                self.at(session.pre_open);
            }
            Entry::SymbolDay { symbol, adv20, sigma_daily } => {
                exchange.set_symbol_day(*symbol, *adv20, *sigma_daily);
            }
            Entry::Halt { symbol, halted } => exchange.halt(*symbol, *halted),
            Entry::CloseSession { time } => {
                exchange.close_session(*time);
                self.in_bar = false;
                self.closed = self.closed.max(*time);
                self.at(*time);
            }
            Entry::Close { symbol, price } => {
                exchange.set_close(*symbol, *price);
                self.register.mark(*symbol, *price);
            }
            Entry::DayRoll { session, settles, days } => {
                let night = Night { session: *session, settles: *settles, days: *days };
                self.night = self.night.max(Some(*session));
                let charges = exchange.day_roll(night);
                return charges
                    .into_iter()
                    .map(|(kind, fee)| Entry::Charge { kind, fee })
                    .collect();
            }
            Entry::Act { time, action } => {
                let held = exchange.act(action, *time);
                self.acted.push(*action);
                self.register.held(action.symbol, held);
                self.at(*time);
                return VecDeque::from([Entry::Held(held)]);
            }
            // The other entries are calls about orders and the market, or what came of a call.
            _ => {}
        }
        VecDeque::new()
    }
}
