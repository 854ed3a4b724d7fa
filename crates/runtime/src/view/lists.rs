//! What happened: fills, trades, alerts and decisions, folded from released records.
//!
//! The lists live in memory, bounded, newest kept (I15); the projection database that holds them
//! for ever folds the same records. They are filled on a thread of their own and read by the
//! server, so that neither ever meets the core.
//!
//! Invariant: a fill, trade or alert is in its list once, however often its record is given (J13).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use engine::strategy_engine::{Decision, Outcome};
use engine::{BrokerEvent, Control, Fact, Input};
use model::exchange::new_york_date;
use model::{
    BrokerId, ClosedTrade, Date, ExecId, ExecType, Fill, Rows, StrategyId, SymbolId, Timestamp,
};

use super::decisions::DecisionRow;
use super::happened::{AlertRow, FillRow, TradeRow};
use super::page::Page;
use super::run::Run;

/// Most fills, and most trades, that are kept.
const MOST: usize = 10_000;
/// Most alerts that are kept.
const MOST_ALERTS: usize = 2_000;
/// Most decisions, runs of equal ones counted once, that are kept of a strategy in a symbol.
const MOST_DECISIONS: usize = 64;
/// Most signals that are kept.
const MOST_SIGNALS: usize = 5_000;

/// What happened since the process began, and before that as far as recovery told it.
#[derive(Debug, Default)]
pub struct Lists {
    fills: VecDeque<FillRow>,
    executions: BTreeSet<(BrokerId, ExecId)>,
    trades: VecDeque<TradeRow>,
    alerts: VecDeque<AlertRow>,
    signals: VecDeque<DecisionRow>,
    decisions: BTreeMap<(SymbolId, StrategyId), VecDeque<DecisionRow>>,
    last_fill: u64,
    last_decision: u64,
    last_seq: u64,
}

/// Puts a row at the end and drops the oldest where there is no room.
fn keep<T>(list: &mut VecDeque<T>, row: T, most: usize) -> Option<T> {
    list.push_back(row);
    (list.len() > most).then(|| list.pop_front()).flatten()
}

impl Lists {
    /// Takes one released group: its first sequence, engine time, the input, the facts, and the
    /// evaluations that led to nothing. A group that was taken before changes nothing.
    pub fn take(
        &mut self,
        run: &Run,
        (seq, time): (u64, Timestamp),
        input: &Input,
        facts: &[Fact],
        evaluations: &[Decision],
    ) {
        if seq <= self.last_seq {
            return;
        }
        self.last_seq = seq;
        self.take_input(run, seq, time, input);
        for (id, fact) in (seq + 1..).zip(facts) {
            match fact {
                Fact::TradeClosed(trade) => self.take_trade(run, trade),
                Fact::TradeVoided(voided) => self.trades.retain(|row| row.id != voided.trade),
                Fact::Alert(alert) => {
                    keep(&mut self.alerts, AlertRow::of(id, alert, run), MOST_ALERTS);
                }
                Fact::Decision(decision) => self.take_decision(run, decision, facts),
                _ => {}
            }
        }
        evaluations.iter().for_each(|decision| self.take_decision(run, decision, &[]));
    }

    fn take_input(&mut self, run: &Run, seq: u64, time: Timestamp, input: &Input) {
        match input {
            Input::Broker { broker, event: BrokerEvent::Report(report) } => match report.exec {
                ExecType::Trade(fill) => {
                    let row = FillRow::of(report, &fill, seq, run);
                    self.take_fill(*broker, &fill, row);
                }
                ExecType::Correct { replaces, fill } => {
                    self.drop_fill(*broker, replaces);
                    let row = FillRow::of(report, &fill, seq, run);
                    self.take_fill(*broker, &fill, row);
                }
                ExecType::Bust { exec_id } => self.drop_fill(*broker, exec_id),
                _ => {}
            },
            Input::Broker { broker, event: BrokerEvent::Page(page) } => {
                // Fills that no report told are found by comparison (F13).
                let Rows::Executions(rows) = &page.rows else { return };
                for row in rows.iter().filter(|row| row.client_id.is_some()) {
                    self.take_fill(*broker, &row.fill, FillRow::found(*broker, row, seq, run));
                }
            }
            Input::Control(given) => {
                if let Control::Acknowledge(id) = given.control
                    && let Some(alert) = self.alerts.iter_mut().find(|alert| alert.id == id)
                    && alert.acknowledged_by.is_none()
                {
                    alert.acknowledged_by = Some(given.actor.clone());
                    alert.acknowledged = Some(time);
                }
            }
            _ => {}
        }
    }

    fn take_fill(&mut self, broker: BrokerId, fill: &Fill, mut row: FillRow) {
        if !self.executions.insert((broker, fill.exec_id)) {
            return;
        }
        self.last_fill += 1;
        row.number = self.last_fill;
        if let Some(oldest) = keep(&mut self.fills, row, MOST) {
            self.executions.remove(&oldest.key());
        }
    }

    fn drop_fill(&mut self, broker: BrokerId, execution: ExecId) {
        self.executions.remove(&(broker, execution));
        self.fills.retain(|row| row.key() != (broker, execution));
    }

    fn take_trade(&mut self, run: &Run, trade: &ClosedTrade) {
        if self.trades.iter().rev().all(|row| row.id != trade.id) {
            keep(&mut self.trades, TradeRow::of(trade, run), MOST);
        }
    }

    fn take_decision(&mut self, run: &Run, decision: &Decision, facts: &[Fact]) {
        self.last_decision += 1;
        let row = DecisionRow::of(self.last_decision, decision, facts, run);
        if decision.outcome != Outcome::NoTrade {
            keep(&mut self.signals, row.clone(), MOST_SIGNALS);
        }
        let list = self.decisions.entry((decision.symbol, decision.strategy)).or_default();
        if let Some(last) = list.back_mut()
            && row.order.is_none()
            && (last.rule, last.outcome) == (row.rule, row.outcome)
        {
            (last.until, last.values, last.id) = (row.time, row.values, row.id);
            last.count += 1;
            return;
        }
        keep(list, row, MOST_DECISIONS);
    }

    /// Returns a page of fills.
    pub fn fills(&self, before: Option<u64>, limit: usize) -> Page<FillRow> {
        Page::of(self.fills.iter().rev(), |row| row.number, before, limit)
    }

    /// Returns a page of closed trades.
    pub fn trades(&self, before: Option<u64>, limit: usize) -> Page<TradeRow> {
        Page::of(self.trades.iter().rev(), |row| row.id, before, limit)
    }

    /// Returns a page of alerts.
    pub fn alerts(&self, before: Option<u64>, limit: usize) -> Page<AlertRow> {
        Page::of(self.alerts.iter().rev(), |row| row.id, before, limit)
    }

    /// Returns an alert.
    pub fn alert(&self, id: u64) -> Option<&AlertRow> {
        self.alerts.iter().find(|alert| alert.id == id)
    }

    /// Returns a page of signals: evaluations that led to something or were refused.
    pub fn signals(&self, before: Option<u64>, limit: usize) -> Page<DecisionRow> {
        Page::of(self.signals.iter().rev(), |row| row.id, before, limit)
    }

    /// Returns a page of decisions, of one symbol or of all, of one date in New York or of all that
    /// are kept: why each strategy did or did not trade.
    pub fn decisions(
        &self,
        symbol: Option<SymbolId>,
        date: Option<Date>,
        before: Option<u64>,
        limit: usize,
    ) -> Page<DecisionRow> {
        let wanted = |key: &SymbolId| symbol.is_none_or(|symbol| symbol == *key);
        let lists = self.decisions.iter().filter(|((key, _), _)| wanted(key));
        let on = |row: &&DecisionRow| date.is_none_or(|date| new_york_date(row.until) == date);
        let mut rows: Vec<&DecisionRow> = lists.flat_map(|(_, list)| list).filter(on).collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.id));
        Page::of(rows.into_iter(), |row| row.id, before, limit)
    }
}
