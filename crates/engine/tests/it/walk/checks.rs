//! What must hold after every event of the walk.

use std::collections::{BTreeMap, BTreeSet};

use engine::{Input, SlotKey};
use model::{
    Cash, ExecType, ExecutionReport, MINUTE_NS, OrderRole, OrderState, SECOND_NS, StrategyId,
    SymbolId,
};

use super::Walk;

impl Walk {
    /// Returns orders and positions in play, for the message of a failure.
    pub(super) fn involved(&self) -> Vec<String> {
        let books = self.engine.books();
        let mut lines = Vec::new();
        for &key in books.active() {
            if let Some(p) = books.position(key) {
                lines.push(format!(
                    "{key:?}: holds {} of group {}, closing {:?}, target due {}, refused {:?}",
                    p.signed_qty(),
                    p.group.0,
                    p.close_reason,
                    p.target_due,
                    p.refused
                ));
            }
        }
        for order in books.orders().iter().filter(|order| !order.state.is_terminal()) {
            let request = &order.request;
            lines.push(format!(
                "order {} {:?} {:?} of group {:?}: {} of {} {:?}, cancel {}, replace {:?}",
                request.client_id.number.0,
                request.role,
                order.state,
                request.group.map(|group| group.0),
                order.cum_qty,
                request.quantity,
                request.kind,
                order.cancel_pending,
                order.replace_pending.as_ref().map(|replacement| replacement.quantity)
            ));
        }
        lines
    }

    pub(super) fn check_adopt(&self) {
        let (exact, adopt) = (self.engine.books().hash(), self.shadow.books().hash());
        assert_eq!(exact, adopt, "journal.md 2: books by adopt replay differ");
    }

    /// I9: a filled quantity falls only by a bust or a correction; an order that is done stays so.
    pub(super) fn check_monotone(&mut self, report: &ExecutionReport) {
        let number = report.client_id.number;
        let Some(order) = self.engine.books().orders().get(number) else { return };
        let restated = matches!(report.exec, ExecType::Bust { .. } | ExecType::Correct { .. });
        let now = (order.cum_qty.shares(), order.state.is_terminal());
        if let Some(&(filled, done)) = self.seen.get(&number.0) {
            assert!(restated || now.0 >= filled, "I9: order {} was filled less", number.0);
            assert!(!done || now.1, "I9: order {} came to life again", number.0);
        }
        self.seen.insert(number.0, now);
    }

    /// I10: what is unknown stays unknown until a broker or an operator says what it is.
    pub(super) fn check_unknown(&mut self, input: &Input) {
        let evidence = matches!(input, Input::Broker { .. } | Input::Control(_));
        let orders = self.engine.books().orders();
        let unknown = orders.iter().filter(|order| order.state == OrderState::Unknown);
        let now: BTreeSet<u64> = unknown.map(|order| order.request.client_id.number.0).collect();
        let known: Vec<&u64> = self.unknown.difference(&now).collect();
        assert!(evidence || known.is_empty(), "I10: {known:?} became known by {input:?}");
        for &number in &now {
            let doubt = self.engine.books().brokers().doubt(model::OrderNumber(number));
            assert!(doubt.is_some(), "I10: nobody asks about order {number} after {input:?}");
        }
        self.unknown = now;
    }

    /// I5, I8, I12 and I1 for an entry that leaves.
    pub(super) fn check_opening(&self, strategy: StrategyId, order: &model::NewOrder) {
        let slot = SlotKey { strategy, symbol: order.symbol };
        let killed = self.killed.iter().find(|scope| scope.holds(slot, order.broker));
        assert!(killed.is_none(), "I8: an entry left although {killed:?} is killed");
        let last = self.session.close.plus_nanos(-15 * MINUTE_NS);
        assert!(self.session.open <= self.now && self.now < last, "I12: outside the session");
        let halted = self.halted.get(&order.symbol.0).is_some_and(|since| match since {
            Some(reopened) => self.now.since(*reopened) < 60 * SECOND_NS,
            None => true,
        });
        assert!(!halted, "I12: an entry in a halt");
        let live = self.venue.orders.values().filter(|resting| {
            let other = &resting.order;
            resting.live
                && other.role == OrderRole::Entry
                && other.symbol == order.symbol
                && other.client_id.number != order.client_id.number
        });
        let mine = live.filter(|resting| {
            let order = self.engine.books().orders().get(resting.order.client_id.number);
            order.is_none_or(|order| order.strategy == strategy)
        });
        assert_eq!(mine.count(), 0, "I1: two entries of one slot live at the venue");
        self.check_exposure(order.symbol);
    }

    /// I5, computed from the books anew: everything filled at its worst stays within the limits.
    pub(super) fn check_exposure(&self, symbol: SymbolId) {
        let books = self.engine.books();
        let equity = books.day().equity;
        let mut by_symbol: BTreeMap<u32, Cash> = BTreeMap::new();
        let mut external = false;
        for &key in books.active() {
            let mark = self.price(key.symbol);
            let held = books.position(key).map_or(Cash::ZERO, |p| p.value_at(mark));
            let ordered = books.working_entry(key).map_or(Cash::ZERO, |order| {
                let plan = order.terms.as_deref().map(|terms| terms.plan).unwrap_or_default();
                plan.worst_price().notional(order.reserved_qty()).unwrap()
            });
            let value = held.max(held.negated()).plus(ordered);
            let sum = by_symbol.entry(key.symbol.0).or_default();
            *sum = sum.plus(value);
        }
        for held in books.externals() {
            external |= !held.quantity.is_zero();
        }
        let gross: Cash = by_symbol.values().copied().sum();
        // A cent of rounding per position is not a breach; prices that moved after an entry are
        // the market's, not ours, so the marks get one per cent.
        let room = equity.times_ppm(10_000);
        assert!(external || gross <= equity.plus(room), "C08: gross {gross} of {equity}");
        assert!(external || by_symbol.len() <= 5, "C07: {} positions", by_symbol.len());
        let cap = self.setting.limits.position_value(equity).unwrap().plus(room);
        // In another symbol a late fill may have gone beyond: this order did not add to that.
        let value = by_symbol.get(&symbol.0).copied().unwrap_or(Cash::ZERO);
        assert!(external || value <= cap, "C06: {value} in symbol {} of {cap}", symbol.0);
    }

    /// I15: a day is not larger than the days before: nothing piles up.
    pub(super) fn check_bounded(&self) {
        if self.sizes.len() < 6 {
            return;
        }
        let (early, late) = self.sizes.split_at(self.sizes.len() / 2);
        let most = |sizes: &[usize]| sizes.iter().copied().max().unwrap_or(0);
        assert!(most(late) < 2 * most(early), "I15: the state grows: {:?}", self.sizes);
    }
}
