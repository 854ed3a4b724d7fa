//! The close of a session: day orders end, the night is charged, positions are marked.

use super::{Driver, Host, Venue};
use crate::result::OpenPosition;
use engine::{BrokerEvent, Input};
use model::exchange::{Session, settlement_date};
use model::{Cash, Date, SymbolId};
use simulator::Night;

impl<H: Host> Driver<'_, H> {
    /// At the close: timers before it, expiry of day orders, day rounding of fees, equity (TP1).
    pub(super) fn close_session(&mut self, session: &Session) {
        self.feed_halts(session.close);
        self.advance(session.close, false);
        if self.ended {
            return;
        }
        self.host.venue_mut().close_session(session.close);
        self.settle(session.close);
        self.advance(session.close, true);
        for index in 0..self.cursors.len() {
            let symbol = SymbolId(index as u32);
            if !self.host.venue().position(symbol).is_zero() {
                let official = self.official_close(symbol, session.date);
                let close = official.unwrap_or_else(|| self.mark(symbol));
                self.host.venue_mut().set_close(symbol, close);
            }
        }
        let broker = self.config.exchange.broker;
        let night = self.night(session);
        for (kind, fee) in self.host.venue_mut().day_roll(night) {
            let event = BrokerEvent::Charge { kind, fee };
            self.apply(session.close, Input::Broker { broker, event });
            self.result.charges.push((session.date, kind, fee));
        }
        let equity = self.mark_positions(session.date);
        self.result.equity.push((session.date, equity));
    }

    /// Returns the night after a session; without a next session it is a day long.
    fn night(&self, session: &Session) -> Night {
        let calendar = &self.config.calendar;
        let next = calendar.next_session(session.date);
        let days = next.map_or(1, |next| next.date.days() - session.date.days());
        Night {
            session: session.date,
            settles: settlement_date(calendar, session.date),
            days: u32::try_from(days).unwrap_or(1),
        }
    }

    /// Marks the open positions at official closes where the data has them, else at the last bar
    /// (TP1), and returns the equity.
    fn mark_positions(&mut self, date: Date) -> Cash {
        let books = self.host.engine().books();
        self.result.open_positions.clear();
        let mut equity = books.ledger().cash();
        for &key in books.active() {
            let Some(position) = books.position(key) else { continue };
            let official = self.official_close(key.symbol, date);
            let mark = official.unwrap_or_else(|| self.mark(key.symbol));
            let value = position.value_at(mark);
            equity = equity.plus(value);
            let stop = position.stop.and_then(|number| books.orders().get(number));
            self.result.open_positions.push(OpenPosition {
                strategy: key.strategy,
                symbol: key.symbol,
                quantity: position.signed_qty(),
                entry_price: position.entry_price().unwrap_or_default(),
                opened: position.opened,
                mark,
                unrealized_pnl: value.minus(position.cost),
                realized_pnl: position.flow.plus(position.cost),
                fees: position.fees,
                stop: stop.and_then(|order| order.request.kind.stop()),
            });
        }
        equity
    }
}
