//! Facts that the core decided change the books here, and nowhere else.

use model::{ClosedTrade, OrderRole, StrategyId};

use crate::fact::{DayRoll, ExitWant, Fact, GateChange, Intent, PositionChange, Replace, SlotKey};
use crate::order_manager::{Order, Replacement, Terms};
use crate::risk_manager::{GateEvent, LossLevel, Trigger};
use crate::strategy_engine::{Decision, Outcome, Rule};

use super::{Books, Settled};

impl Books {
    /// Takes a fact in. The only other way in is [`observe`](Self::observe).
    pub fn fold(&mut self, fact: &Fact) {
        match fact {
            Fact::Intent(intent) => self.fold_intent(intent),
            Fact::Replace(replace) => self.fold_replace(replace),
            Fact::Cancel(cancel) => {
                self.brokers.note_cancel(cancel.request.client_id.number);
                self.gate.observe(&GateEvent::Cancelled(cancel));
                if let Some(order) = self.orders.get_mut(cancel.request.client_id.number) {
                    order.cancel_pending = true;
                }
            }
            Fact::Gate(change) => match *change {
                GateChange::Lifecycle(state) => self.lifecycle = state,
                GateChange::Loss(level) => self.day.loss = level,
                GateChange::Block(block) => self.blocks.set(block),
                GateChange::Lift(block) => {
                    self.blocks.lift(block);
                    self.risk.note_lift(block, self.day.equity);
                    self.gate.observe(&GateEvent::Lifted(block));
                }
            },
            Fact::DayRoll(roll) => self.fold_day_roll(roll),
            Fact::TradeClosed(trade) => self.fold_trade(trade),
            Fact::TradeVoided(voided) => {
                self.add_r(voided.slot.strategy, voided.r.map(|r| -r));
            }
            Fact::Position(change) => self.fold_position(change),
            Fact::Query(asked) => self.fold_query(&asked.query, asked.time),
            Fact::AttemptClosed(closed) => self.fold_attempt_closed(closed),
            Fact::Route(route) => {
                self.brokers.route = route.to;
                self.brokers.switched = Some(route.time);
            }
            Fact::Decision(decision) => self.fold_decision(decision),
            Fact::Triggered(trigger) => self.gate.note(*trigger),
            Fact::Limits(new) => self.gate.set_limits(new.limits.clone(), new.raise.clone()),
            Fact::Compared(compared) => self.fold_compared(compared),
            Fact::Alert(_) => {}
            Fact::Reply(reply) => self.keys.settle(&reply.key, reply.done),
            Fact::Promoted(promoted) => self.risk.promotions_mut().note(promoted),
            Fact::Action(effect) => self.fold_action(effect),
        }
    }

    fn fold_trade(&mut self, trade: &ClosedTrade) {
        self.trades = trade.id;
        self.risk.note_trade(trade);
        let key = SlotKey { strategy: trade.strategy, symbol: trade.symbol };
        if let Some(at) = self.closed.iter().position(|(other, _)| *other == key) {
            let (_, position) = self.closed.remove(at);
            let (r, session) = (trade.r_multiple, self.day.session);
            self.settled.push(Settled { key, trade: trade.id, r, session, position });
        }
        self.add_r(trade.strategy, trade.r_multiple);
    }

    fn add_r(&mut self, strategy: StrategyId, r: Option<f64>) {
        if let (Some(sum), Some(r)) = (self.day.r_by_strategy.get_mut(strategy.index()), r) {
            *sum += r;
        }
    }

    fn fold_position(&mut self, change: &PositionChange) {
        let index = self.index(change.slot);
        let position = self.slots.get_mut(index).and_then(|slot| slot.position.as_deref_mut());
        let Some(position) = position.filter(|position| position.group == change.group) else {
            return;
        };
        match change.want {
            ExitWant::Close(reason) => {
                position.close_reason = position.close_reason.or(Some(reason));
                position.reduce_to = None;
            }
            ExitWant::Reduce(keep) => position.reduce_to = Some(keep),
            ExitWant::Target => position.target_due = true,
            ExitWant::Retry => position.refused.clear(),
        }
    }

    fn fold_intent(&mut self, intent: &Intent) {
        let number = intent.order.client_id.number;
        let terms = intent.plan.zip(intent.sizing).map(|(plan, sizing)| Terms { plan, sizing });
        let (strategy, reason, terms) = (intent.strategy, intent.reason, terms.map(Box::new));
        let order = Order::sent(intent.order, strategy, reason, terms, intent.time);
        let key = order.slot();
        self.orders.put(order);
        self.gate.observe(&GateEvent::Approved(intent));
        self.with_slot(key, |slot| match (intent.order.role, slot.position.as_deref_mut()) {
            (OrderRole::Entry, _) => slot.entry = Some(number),
            (OrderRole::Stop, Some(position)) => position.stop = Some(number),
            (OrderRole::Target, Some(position)) => position.target = Some(number),
            (OrderRole::Close, Some(position)) => {
                position.close = Some(number);
                // A reduction leaves the rest of the position as it is (C41).
                if position.reduce_to.is_none() {
                    position.close_reason = position.close_reason.or(intent.reason);
                }
            }
            (_, None) => {}
        });
    }

    /// A refusal is its control's last trigger.
    fn fold_decision(&mut self, decision: &Decision) {
        let (Outcome::Rejected, Rule::Gate(code)) = (decision.outcome, decision.rule) else {
            return;
        };
        let Some(control) = code.control() else { return };
        let mut numbers = decision.values.as_slice().iter().copied();
        self.gate.note(Trigger {
            control,
            time: decision.time,
            strategy: Some(decision.strategy),
            symbol: Some(decision.symbol),
            limit: numbers.next().unwrap_or_default(),
            value: numbers.next().unwrap_or_default(),
        });
    }

    fn fold_replace(&mut self, replace: &Replace) {
        self.gate.observe(&GateEvent::Replaced(replace));
        if let Some(order) = self.orders.get_mut(replace.request.client_id.number) {
            order.replace_pending = Some(Box::new(Replacement {
                client_id: replace.request.new_client_id,
                kind: replace.request.kind,
                quantity: replace.request.quantity,
                terms: replace
                    .plan
                    .zip(replace.sizing)
                    .map(|(plan, sizing)| Terms { plan, sizing }),
            }));
        }
    }

    fn fold_day_roll(&mut self, roll: &DayRoll) {
        self.ledger.begin_day(roll.session, roll.settles);
        let ended = std::mem::replace(&mut self.day.session, roll.session);
        self.ticks.set_date(roll.session);
        self.day.equity = roll.equity;
        self.day.realised_before = self.realised_net();
        self.day.loss = LossLevel::None;
        self.day.r_by_strategy.fill(0.0);
        // Finished orders and trades stay known for one more session (F12, F19).
        self.settled.retain(|settled| settled.session >= ended);
        self.orders.forget_below(self.day.first_order);
        self.day.first_order = roll.first_order;
        self.forget_closed_attempts();
        self.forget_actions(roll.session);
        for slot in &mut self.slots {
            slot.entries_today = 0;
        }
        self.risk.begin_day(roll, &self.blocks);
        self.gate.observe(&GateEvent::DayRoll(roll));
    }
}
