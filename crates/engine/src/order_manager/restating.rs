//! What a corporate action does to the prices of a position's plan (F27).

use model::{ActionKind, CorporateAction, OrderKind, Price, Side};

use super::position::Position;
use crate::strategy_engine::{Direction, TargetAt};

impl Position {
    /// Restates stop, targets and plan. Stops and targets are restated as the orders are that stand
    /// for them, so that a working order stays what is wanted.
    pub(crate) fn restate_prices(
        &mut self,
        action: &CorporateAction,
        tick: impl Fn(Price) -> Price + Copy,
    ) {
        let side = match self.direction() {
            Direction::Long => Side::Sell,
            Direction::Short => Side::Buy,
        };
        let stop_at = |stop| action.order_kind(side, OrderKind::Stop { stop }, tick).stop();
        self.initial_stop = self.initial_stop.and_then(stop_at);
        for target in &mut self.targets {
            let limit = OrderKind::Limit { limit: target.price };
            let limit = action.order_kind(side, limit, tick).limit();
            target.price = limit.unwrap_or(target.price);
            target.quantity = action.order_qty(target.quantity);
        }
        let ActionKind::Split { ratio, .. } = action.kind else { return };
        self.planned_qty = ratio.whole(self.planned_qty);
        self.r = self.r.map(|r| ratio.price(r));
        self.paid_out = ratio.price(self.paid_out);
        let plan = &mut self.plan;
        plan.entry = action.order_kind(side, plan.entry, tick);
        plan.reference = ratio.price(plan.reference);
        plan.stop = plan.stop.map(|stop| ratio.price(stop));
        for target in plan.targets.iter_mut().flatten() {
            if let TargetAt::DayExtreme { extreme, .. } = &mut target.at {
                *extreme = ratio.price(*extreme);
            }
        }
    }
}
