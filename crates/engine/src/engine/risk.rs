//! What risk control learns outside of orders: price bands, breakers, account figures, changes of
//! limits and stages (C09, C21, C22, C38, C42), and what it says about itself.

use model::{Bands, Breaker, StrategyId, SymbolId};

use super::Engine;
use crate::alert_system::AlertKind;
use crate::fact::{Fact, LimitsInForce};
use crate::input::LimitChange;
use crate::output::Outputs;
use crate::risk_manager::{
    ControlId, ControlStatus, Gate, Limits, PendingRaise, Promoted, RAISE_DELAY_NS, Scope, Stage,
    WorstCase, control_status, stricter, under_ceilings,
};
use crate::timers::Timer;

impl Engine {
    /// Returns what each control is set to, how much of it is used and when it last acted (C39).
    pub fn control_status(&self) -> Vec<ControlStatus> {
        let books = self.core.books();
        let mark = |symbol| {
            self.analysis.data.symbol(symbol).map_or(model::Price::ZERO, |state| state.mark)
        };
        let worst = WorstCase::of_account(books, mark);
        control_status(books, &worst, self.now)
    }

    /// Takes a control out of the gate; the mutation test shows that its absence is noticed.
    #[doc(hidden)]
    #[must_use]
    pub fn without_control(mut self, control: ControlId) -> Self {
        self.core.change_gate(|gate: Gate| gate.without(control));
        self
    }

    /// Session by session: what the last one left behind for the next (C20).
    pub(super) fn begin_rules_day(&mut self, session: &model::exchange::Session) {
        let last = self.analysis.session;
        let data = &self.analysis.data;
        let fallen = |symbol: SymbolId| {
            let state = data.symbol(symbol)?;
            let close = state.prev_close(last.as_ref()?)?;
            Some(crate::risk_manager::restricts_shorts(state.rth.low, close))
        };
        self.analysis.rules.begin_day(session.date, |symbol| fallen(symbol).unwrap_or(false));
    }

    pub(super) fn on_bands(&mut self, symbol: SymbolId, bands: Bands, out: &mut Outputs) {
        if self.analysis.rules.note_bands(symbol, bands) {
            // C21: entries are withdrawn, exits stay.
            self.desk(out).cancel_entries(Scope::Symbol(symbol));
        }
    }

    pub(super) fn on_breaker(&mut self, breaker: Breaker, out: &mut Outputs) {
        let Some(session) = self.analysis.session else { return };
        if self.analysis.rules.note_breaker(breaker, &session) {
            self.desk(out).cancel_entries(Scope::All);
        }
    }

    /// C42: what is stricter holds at once, what is looser after a delay, if at all.
    pub(super) fn on_limits(&mut self, change: &LimitChange, out: &mut Outputs) {
        let at = self.now.plus_nanos(RAISE_DELAY_NS);
        let before = self.core.books().gate().limits();
        let wanted = under_ceilings(&change.limits);
        let limits = stricter(before, &wanted);
        let raise =
            (change.may_raise && wanted != limits).then_some(PendingRaise { at, limits: wanted });
        let waits = raise.is_some();
        self.put_limits(limits, raise, out);
        if waits {
            self.analysis.timers.set(at, Timer::LimitsRaise);
        }
    }

    /// C38: moves a strategy to another stage. What it has at work was sized for the stage before:
    /// on the way down its entries are withdrawn.
    pub(super) fn promote(&mut self, strategy: StrategyId, to: Stage, out: &mut Outputs) {
        let known = strategy.index() < self.strategies.len();
        let mut desk = self.desk(out);
        let before = desk.books().risk().promotions().of(strategy);
        let Some(promotion) = before.after(to).filter(|_| known) else {
            desk.alert(AlertKind::Promotion, None, Some(strategy), || {
                let (from, to) = (before.stage.name(), to.name());
                let why = if known { "go one step up; live comes by itself" } else { "not known" };
                format!("strategy {} stays in {from}, not {to}: {why} (C38)", strategy.0)
            });
            return;
        };
        if promotion != before {
            desk.emit(Fact::Promoted(Promoted { strategy, promotion }));
        }
        if promotion.stage < before.stage {
            desk.cancel_entries(Scope::Strategy(strategy));
        }
    }

    /// The time of a raise has come, unless another change took its place.
    pub(super) fn on_raise_due(&mut self, out: &mut Outputs) {
        let raise = self.core.books().gate().pending_raise();
        let Some(raise) = raise.filter(|raise| raise.at <= self.now) else { return };
        let limits = raise.limits.clone();
        self.put_limits(limits, None, out);
    }

    fn put_limits(&mut self, limits: Limits, raise: Option<PendingRaise>, out: &mut Outputs) {
        let gate = self.core.books().gate();
        if *gate.limits() != limits || gate.pending_raise() != raise.as_ref() {
            let mut desk = self.desk(out);
            desk.note_trigger(ControlId(42), None, None, 0.0, 0.0);
            desk.emit(Fact::Limits(Box::new(LimitsInForce { limits, raise })));
        }
    }
}
