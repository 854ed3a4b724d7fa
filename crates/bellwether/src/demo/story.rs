//! The demo as it happens: one readable line per event, times in New York.

use std::collections::BTreeMap;

use engine::strategy_engine::{Decision, Outcome};
use engine::{Engine, Fact, GateChange, Intent, Replace, SlotKey};
use model::{
    Cash, ClosedTrade, NewOrder, OrderKind, OrderRole, StrategyId, Symbol, SymbolId, Timestamp,
    TradeFill,
};

use super::tally::{clock, numbers};
use crate::decisions::explain;
use crate::terminal::{FAINT, GAIN, LOSS, TITLE, WARNING};

/// Turns facts into lines.
#[derive(Debug)]
pub(crate) struct Story {
    symbols: Vec<Symbol>,
    /// Fills of open positions that were told already.
    told: BTreeMap<SlotKey, usize>,
    lines: Vec<String>,
}

impl Story {
    /// Begins the story of a market.
    pub(crate) fn new(symbols: Vec<Symbol>) -> Self {
        Self { symbols, told: BTreeMap::new(), lines: Vec::new() }
    }

    /// Returns the lines since the last call.
    pub(crate) fn take_lines(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lines)
    }

    /// Hears a fact.
    pub(crate) fn fact(&mut self, engine: &Engine, fact: &Fact) {
        self.tell_fills(engine);
        match fact {
            Fact::Intent(intent) => self.intent(engine, intent),
            Fact::Replace(replace) => self.replace(engine, replace),
            Fact::Cancel(cancel) => {
                let number = cancel.request.client_id.number;
                if let Some(order) = engine.books().orders().get(number) {
                    let text = format!("cancels its {} order", order.request.role.name());
                    self.say(engine, cancel.time, order.strategy, order.request.symbol, &text);
                }
            }
            Fact::Decision(decision) => self.decision(engine, decision),
            Fact::TradeClosed(trade) => self.closed(engine, trade),
            Fact::Alert(alert) => {
                let severity = alert.severity.name();
                let symbol = alert.symbol.map(|id| self.symbol(id)).unwrap_or_default();
                let text =
                    format!("{WARNING}alert ({severity}){WARNING:#} {symbol} {}", alert.message);
                self.line(alert.time, &text);
            }
            Fact::Gate(GateChange::Loss(level)) => {
                let text = format!("{WARNING}daily loss{WARNING:#}: level {}", level.name());
                self.line(engine.now(), &text);
            }
            Fact::Gate(GateChange::Block(block)) => {
                let text =
                    format!("{WARNING}opening is blocked{WARNING:#}: {}", block.reason.name());
                self.line(engine.now(), &text);
            }
            Fact::Gate(GateChange::Lift(block)) => {
                self.line(engine.now(), &format!("no longer blocked: {}", block.reason.name()));
            }
            Fact::DayRoll(roll) => {
                let text = format!(
                    "{TITLE}session {}{TITLE:#}, equity {}",
                    roll.session,
                    dollars(roll.equity)
                );
                self.line(engine.now(), &text);
            }
            Fact::TradeVoided(voided) => {
                let text = format!("trade {} is void: its executions were corrected", voided.trade);
                self.line(engine.now(), &text);
            }
            // What is asked and closed shows in the order's next report, a switch in its alert.
            Fact::Gate(GateChange::Lifecycle(_))
            | Fact::Position(_)
            | Fact::Query(_)
            | Fact::AttemptClosed(_)
            | Fact::Route(_)
            | Fact::Triggered(_)
            | Fact::Limits(_)
            | Fact::Compared(_)
            | Fact::Action(_)
            | Fact::Reply(_)
            | Fact::Promoted(_) => {}
        }
    }

    /// Tells fills that happened since: they are reports, not facts.
    pub(crate) fn tell_fills(&mut self, engine: &Engine) {
        let books = engine.books();
        for &key in books.active() {
            let Some(position) = books.position(key) else { continue };
            let told = self.told.get(&key).copied().unwrap_or(0);
            if position.fills.len() > told {
                self.told.insert(key, position.fills.len());
                for booked in position.fills.iter().skip(told) {
                    self.fill(engine, key, &booked.fill);
                }
            }
        }
    }

    fn fill(&mut self, engine: &Engine, key: SlotKey, fill: &TradeFill) {
        let order = engine.books().orders().get(fill.order.number);
        let role = order.map_or("order", |order| order.request.role.name());
        let verb = if fill.side.is_buy() { "bought" } else { "sold" };
        let text = format!("{TITLE}{verb} {} @ {}{TITLE:#} ({role})", fill.quantity, fill.price);
        self.say(engine, fill.time, key.strategy, key.symbol, &text);
    }

    fn intent(&mut self, engine: &Engine, intent: &Intent) {
        let order = &intent.order;
        let mut text = match order.role {
            OrderRole::Entry => format!("order: {}", order_text(order)),
            OrderRole::Stop => format!("protective stop: {}", order_text(order)),
            OrderRole::Target => format!("target: {}", order_text(order)),
            OrderRole::Close => format!("closes: {}", order_text(order)),
        };
        if let Some(stop) = intent.plan.as_ref().and_then(|plan| plan.stop) {
            text.push_str(&format!(", stop {stop}"));
        }
        if let Some(sizing) = intent.sizing {
            text.push_str(&format!(", size bound by {}", sizing.binding.name()));
        }
        if let Some(reason) = intent.reason.filter(|_| order.role == OrderRole::Close) {
            text.push_str(&format!(", reason {}", reason.name()));
        }
        self.say(engine, intent.time, intent.strategy, order.symbol, &text);
    }

    fn replace(&mut self, engine: &Engine, replace: &Replace) {
        let number = replace.request.client_id.number;
        let Some(order) = engine.books().orders().get(number) else { return };
        let what = order.request.role.name();
        let text = format!(
            "moves its {what} order to {} for {}",
            kind_text(&replace.request.kind),
            replace.request.quantity
        );
        let (strategy, symbol) = (order.strategy, order.request.symbol);
        self.say(engine, replace.time, strategy, symbol, &text);
    }

    fn decision(&mut self, engine: &Engine, decision: &Decision) {
        let explained = explain(engine, decision);
        let numbers = numbers(&explained);
        let (rule, text) = (explained.rule, explained.text);
        let text = match decision.outcome {
            Outcome::Rejected => format!("{WARNING}refused{WARNING:#} by {rule} {text}: {numbers}"),
            Outcome::Signal => format!("{rule} {text}: {numbers}"),
            // The order itself was told; this says why.
            Outcome::Order | Outcome::NoTrade => {
                format!("{FAINT}  because {rule} {text}: {numbers}{FAINT:#}")
            }
        };
        self.say(engine, decision.time, decision.strategy, decision.symbol, &text);
    }

    fn closed(&mut self, engine: &Engine, trade: &ClosedTrade) {
        let key = SlotKey { strategy: trade.strategy, symbol: trade.symbol };
        let told = self.told.remove(&key).unwrap_or(0);
        for fill in trade.fills.iter().skip(told) {
            self.fill(engine, key, fill);
        }
        let style = if trade.net_pnl < Cash::ZERO { LOSS } else { GAIN };
        let r = trade.r_multiple.map(|r| format!(" ({r:+.2}R)")).unwrap_or_default();
        let text = format!(
            "{style}trade closed: {}{r}{style:#} by {}",
            dollars(trade.net_pnl),
            trade.exit_reason.name()
        );
        self.say(engine, trade.exit_time, trade.strategy, trade.symbol, &text);
    }

    fn symbol(&self, id: SymbolId) -> String {
        self.symbols.get(id.index()).map(ToString::to_string).unwrap_or_default()
    }

    fn say(
        &mut self,
        engine: &Engine,
        time: Timestamp,
        strategy: StrategyId,
        symbol: SymbolId,
        text: &str,
    ) {
        let name = engine.strategies().get(strategy.index()).map_or("", |i| i.name.as_str());
        let line = format!("{:<6} {name:<14} {text}", self.symbol(symbol));
        self.line(time, &line);
    }

    fn line(&mut self, time: Timestamp, text: &str) {
        self.lines.push(format!("{FAINT}{}{FAINT:#}  {text}\n", clock(time)));
    }
}

fn order_text(order: &NewOrder) -> String {
    let side = order.side.name().replace('_', " ");
    format!("{side} {} {}", order.quantity, kind_text(&order.kind))
}

fn kind_text(kind: &OrderKind) -> String {
    match kind {
        OrderKind::Market => "at market".to_owned(),
        OrderKind::Limit { limit } => format!("limit {limit}"),
        OrderKind::Stop { stop } => format!("stop {stop}"),
        OrderKind::StopLimit { stop, limit } => format!("stop {stop} limit {limit}"),
    }
}

/// Returns an amount with its sign and whole cents.
pub(crate) fn dollars(amount: Cash) -> String {
    format!("{:.2} USD", amount.to_f64())
}
