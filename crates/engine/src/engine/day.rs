//! The day: its sessions and deadlines, the trades it closes, the loss it may reach (C10, C23).

use model::exchange::{Session, settlement_date};
use model::{Bar, ExitReason, SymbolId, Timestamp};

use super::Engine;
use crate::alert_system::AlertKind;
use crate::data_manager::watching;
use crate::execution_engine::{outcomes, reconciliation, routing, unheard};
use crate::fact::{DayRoll, Fact, GateChange};
use crate::order_manager::{actions, entries, exits};
use crate::output::Outputs;
use crate::performance_tracker::close_trade;
use crate::risk_manager::{ControlId, LossLevel, Scope, judge_equity, judge_streak, loss_level};
use crate::strategy_engine::{Event, SessionEvent};
use crate::timers::Timer;

impl Engine {
    pub(super) fn on_timer(&mut self, timer: Timer, out: &mut Outputs) {
        match timer {
            Timer::SessionBegin => self.begin_session(out),
            Timer::SessionOpen => self.tell_all(Event::Session(SessionEvent::Open), out),
            Timer::OpeningEnds => self.desk(out).cancel_entries(Scope::All),
            Timer::FlatBeforeClose => {
                exits::close_all(&mut self.desk(out), Scope::All, ExitReason::FlatBy);
            }
            Timer::SessionClose => {
                self.record_trades(None, None, out);
                self.tell_all(Event::Session(SessionEvent::Close), out);
                self.compare_all(out);
            }
            Timer::Wake(strategy) => {
                self.tell(strategy.index(), Event::Time(self.now), out);
            }
            Timer::Position { slot, group } => {
                exits::on_timer(&mut self.desk(out), slot, group);
            }
            Timer::EntryExpiry(order) => entries::expire(&mut self.desk(out), order),
            Timer::AskOrder(order) => outcomes::on_ask_timer(&mut self.desk(out), order),
            Timer::DoubtAlarm(order) => outcomes::on_alarm(&mut self.desk(out), order),
            Timer::Retry(order) => outcomes::on_retry(&mut self.desk(out), order),
            Timer::FailOver(broker) => routing::on_timer(&mut self.desk(out), broker),
            Timer::EntryAge(order) => entries::age(&mut self.desk(out), order),
            Timer::LimitsRaise => self.on_raise_due(out),
            Timer::Unheard(order) => unheard::on_timer(&mut self.desk(out), order),
            Timer::Compare(broker) => reconciliation::on_timer(&mut self.desk(out), broker),
            Timer::DataCheck => {
                for (symbol, source) in watching::look(&mut self.desk(out)) {
                    self.tell_all(Event::Source { symbol, source }, out);
                }
            }
        }
    }

    /// Sets the deadline of the next session that begins after `time`. Beyond the calendar's
    /// years there is none: no session, no opening (TC9).
    pub(super) fn schedule_session_after(&mut self, time: Timestamp) {
        let date = model::exchange::new_york_date(time);
        let begins = |session: &Session| session.pre_open > time;
        let today = self.calendar.session(date).ok().flatten().filter(begins);
        if let Some(session) = today.or_else(|| self.calendar.next_session(date)) {
            self.analysis.timers.set(session.pre_open, Timer::SessionBegin);
        }
    }

    pub(super) fn begin_session(&mut self, out: &mut Outputs) {
        let now = self.now;
        let Some(session) = self.calendar.session_at(now) else { return };
        self.record_trades(None, None, out);
        self.begin_rules_day(&session);
        self.analysis.session = Some(session);
        self.analysis.data.begin_day();
        // They happen overnight: the equity of the day is after them (F27, TS1).
        actions::happen(&mut self.desk(out), session.date);
        self.record_trades(None, None, out);
        if !self.is_day_open(&session) {
            let settles = settlement_date(&self.calendar, session.date);
            let mut desk = self.desk(out);
            let roll = DayRoll {
                session: session.date,
                equity: desk.equity(),
                first_order: desk.books().orders().next_number(),
                settles,
            };
            desk.emit(Fact::DayRoll(roll));
        }
        self.analysis.refusals.fill(None);
        let limits = self.core.books().gate().limits();
        let ends = session.close.plus_nanos(-limits.opening_ends_before_close_ns);
        let flat = limits.flat_before_close_ns.map(|ns| session.close.plus_nanos(-ns));
        let marks = [
            (Some(session.open), Timer::SessionOpen),
            (Some(ends), Timer::OpeningEnds),
            (flat, Timer::FlatBeforeClose),
            (Some(session.close), Timer::SessionClose),
        ];
        for (time, timer) in marks {
            if let Some(time) = time.filter(|&time| time > now) {
                self.analysis.timers.set(time, timer);
            }
        }
        self.schedule_session_after(session.post_close);
        watching::schedule(&mut self.desk(out));
        self.tell_all(Event::Session(SessionEvent::Begin), out);
    }

    /// Records the trades of closed positions, of one symbol with its exit bar or all that wait.
    pub(super) fn record_trades(
        &mut self,
        symbol: Option<SymbolId>,
        bar: Option<&Bar>,
        out: &mut Outputs,
    ) {
        while let Some((key, position)) = self
            .core
            .books()
            .closed()
            .iter()
            .find(|(key, _)| symbol.is_none_or(|symbol| key.symbol == symbol))
        {
            let index = self.analysis.slot_index(*key);
            let mut watch = self.analysis.watches.get(index).copied().unwrap_or_default();
            if let Some(last) = position.executions().last() {
                watch.finish(bar.map(|bar| bar.open), last.fill.price);
            }
            let trade = close_trade(self.core.books().trades() + 1, *key, position, &watch);
            let strategy = trade.strategy;
            self.core.emit(Fact::TradeClosed(Box::new(trade)), out);
            judge_streak(&mut self.desk(out), strategy);
        }
    }

    /// Raises the loss level when the day's result crosses a line of C10, and blocks everything
    /// when the equity fell too far from its peak (C11).
    #[inline]
    pub(super) fn judge_loss(&mut self, out: &mut Outputs) {
        let limits = self.core.books().gate().limits();
        if limits.max_daily_loss_pct.is_some() || limits.max_drawdown_pct.is_some() {
            self.judge_limited_loss(out);
        }
    }

    #[inline(never)]
    fn judge_limited_loss(&mut self, out: &mut Outputs) {
        let mut desk = self.desk(out);
        let now_worth = desk.equity();
        judge_equity(&mut desk, now_worth);
        let day = desk.books().day();
        let (equity, reached) = (day.equity, day.loss);
        let Some(lines) = desk.books().gate().limits().loss_lines(equity) else { return };
        let result = now_worth.minus(equity);
        let level = loss_level(result, &lines);
        if level <= reached {
            return;
        }
        desk.emit(Fact::Gate(GateChange::Loss(level)));
        let (limit, value) = (lines.halt.to_f64(), result.negated().to_f64());
        desk.note_trigger(ControlId(10), None, None, limit, value);
        desk.alert(AlertKind::DailyLoss, None, None, || {
            format!("the day's result is {result}: level {}", level.name())
        });
        if level >= LossLevel::ReduceOnly {
            desk.cancel_entries(Scope::All);
        }
    }
}
