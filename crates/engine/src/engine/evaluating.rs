//! Strategies are told what happens here, and what they want is carried out or refused.
//!
//! A strategy that fails is blocked at fault (F43): its entries are cancelled, it is told nothing
//! any more, its exits run from the plans. A resume of exactly that strategy makes it new.
//! Strategies that are blocked for another reason go on evaluating; the gate refuses their
//! entries.

use model::StrategyId;

use super::Engine;
use crate::alert_system::AlertKind;
use crate::fact::SlotKey;
use crate::input::Control;
use crate::order_manager::entries;
use crate::order_manager::exits::{self, Closing};
use crate::output::Outputs;
use crate::risk_manager::{Block, BlockReason, RejectCode, Rejection, Scope};
use crate::strategy_engine::{
    Budget, Context, Event, Fault, Outcome, SHORTEST_WAKE_NS, SIGNAL_ROOM, SessionEvent, Want,
    evaluate, prepare_anew,
};
use crate::timers::Timer;

impl Engine {
    /// Tells every strategy.
    pub(super) fn tell_all(&mut self, event: Event<'_>, out: &mut Outputs) {
        for index in 0..self.strategies.len() {
            self.tell(index, event, out);
        }
    }

    /// Tells one strategy.
    #[inline(never)]
    pub(super) fn tell(&mut self, index: usize, event: Event<'_>, out: &mut Outputs) {
        self.run_strategy(index, event, out);
    }

    /// Lets one strategy evaluate an event and carries its wishes out. It is in line where bars
    /// come in; what else there is to tell goes through [`tell`](Self::tell).
    #[inline(always)]
    pub(super) fn run_strategy(&mut self, index: usize, event: Event<'_>, out: &mut Outputs) {
        let strategy = StrategyId(index as u16);
        if self.is_stopped(strategy) {
            return;
        }
        let Some(instance) = self.strategies.get_mut(index) else { return };
        let mut ctx = Context {
            now: self.now,
            strategy,
            session: self.analysis.session.as_ref(),
            data: &self.analysis.data,
            books: self.core.books(),
            wishes: &mut self.wishes,
            record_all: self.record_all,
            budget: Budget::new(self.calls),
        };
        if let Err(fault) = evaluate(&mut *instance.strategy, &mut ctx, event) {
            self.wishes.break_off(fault);
        }
        if !self.wishes.is_empty() {
            self.carry_out(strategy, out);
        }
    }

    // Out of line: most evaluations end in no wish, and their way stays short.
    #[inline(never)]
    fn carry_out(&mut self, strategy: StrategyId, out: &mut Outputs) {
        let mut wishes = std::mem::take(&mut self.wishes);
        self.signals.note(wishes.counts());
        if !wishes.wakes.is_empty() {
            let pending = self.analysis.timers.wakes(strategy);
            if pending + wishes.wakes.len() > SIGNAL_ROOM {
                wishes.note(Fault::Wakes);
            }
            for &time in wishes.wakes.iter().take(SIGNAL_ROOM.saturating_sub(pending)) {
                let time = time.max(self.now.plus_nanos(SHORTEST_WAKE_NS));
                self.analysis.timers.set(time, Timer::Wake(strategy));
            }
        }
        if let Some(fault) = wishes.take_fault() {
            // Blocked first: the gate refuses the entries below, exits pass.
            self.stop_strategy(strategy, &fault, out);
        }
        let mut desk = self.desk(out);
        for wish in &wishes.list {
            let key = SlotKey { strategy, symbol: wish.symbol };
            match wish.want {
                Want::Hold => desk.decide(key, Outcome::NoTrade, wish.finding, None),
                Want::NoEntry => {
                    let withdrawn = entries::withdraw(&mut desk, key);
                    let outcome =
                        if withdrawn.is_some() { Outcome::Signal } else { Outcome::NoTrade };
                    desk.decide(key, outcome, wish.finding, withdrawn);
                }
                Want::Entry(plan) => {
                    if let Some(plan) = wishes.plans.get(plan) {
                        entries::want(&mut desk, key, plan, wish.finding);
                    }
                }
                Want::Exit(reason) => match exits::close(&mut desk, key, reason) {
                    Closing::Nothing => {}
                    Closing::Sent(number) => {
                        desk.decide(key, Outcome::Order, wish.finding, Some(number));
                    }
                    Closing::Waits => desk.decide(key, Outcome::Signal, wish.finding, None),
                },
            }
        }
        wishes.clear();
        self.wishes = wishes;
    }

    /// Blocks a strategy that failed and cancels its entries.
    #[cold]
    fn stop_strategy(&mut self, strategy: StrategyId, fault: &Fault, out: &mut Outputs) {
        self.analysis.timers.forget_wakes(strategy);
        let name = self.strategies.get(strategy.index()).map(|i| i.name.clone());
        let mut desk = self.desk(out);
        if let Fault::Flood { stated, first } = *fault {
            let (room, stated) = (SIGNAL_ROOM as f64, stated as f64);
            let rejection = Rejection::new(RejectCode::QueueFull, room, stated);
            entries::refuse(&mut desk, SlotKey { strategy, symbol: first }, rejection);
            desk.alert(AlertKind::QueueFull, None, Some(strategy), || {
                format!("the queue trade_signals is full: {stated} entries, room for {room}")
            });
        }
        let block = Block::new(Scope::Strategy(strategy), BlockReason::Fault);
        desk.block(block, || {
            let name = name.unwrap_or_default();
            format!("strategy {name} is stopped: {fault}; its exits go on; find the cause, then resume it")
        });
    }

    /// Returns true while a strategy is blocked at fault.
    #[inline]
    fn is_stopped(&self, strategy: StrategyId) -> bool {
        !self.core.books().blocks().list().is_empty() && self.is_blocked_at_fault(strategy)
    }

    #[inline(never)]
    fn is_blocked_at_fault(&self, strategy: StrategyId) -> bool {
        let block = Block::new(Scope::Strategy(strategy), BlockReason::Fault);
        self.core.books().blocks().holds(block)
    }

    /// Returns the stopped strategy that a control may set going again.
    pub(super) fn stopped_by_fault(&self, control: Control) -> Option<StrategyId> {
        let (Control::ResumeTrading(Scope::Strategy(strategy))
        | Control::Lift(Block { scope: Scope::Strategy(strategy), .. })) = control
        else {
            return None;
        };
        self.is_stopped(strategy).then_some(strategy)
    }

    /// Makes a strategy new whose block at fault was lifted, and tells it the session so far.
    pub(super) fn restart_if_lifted(&mut self, strategy: StrategyId, out: &mut Outputs) {
        if self.is_stopped(strategy) {
            return;
        }
        let symbols = self.analysis.data.symbols().len();
        let Some(instance) = self.strategies.get_mut(strategy.index()) else { return };
        if let Err(fault) = prepare_anew(&mut *instance.strategy, symbols) {
            self.stop_strategy(strategy, &fault, out);
            return;
        }
        let Some(session) = self.analysis.session else { return };
        let marks = [
            (session.pre_open, SessionEvent::Begin),
            (session.open, SessionEvent::Open),
            (session.close, SessionEvent::Close),
        ];
        for (time, mark) in marks {
            if time <= self.now {
                self.tell(strategy.index(), Event::Session(mark), out);
            }
        }
    }
}
