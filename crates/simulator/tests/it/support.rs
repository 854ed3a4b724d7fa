//! A small stage for the exchange: orders in words, one-line bars, reports as text.

use std::collections::BTreeMap;

use model::exchange::CommissionPlan;
use model::{
    Bar, BrokerId, CancelRequest, ClientOrderId, ExecType, ExecutionReport, Fill, GroupId,
    MINUTE_NS, NewOrder, OrderKind, OrderNumber, OrderRole, Price, Quantity, ReplaceRequest, Side,
    SymbolId, TimeInForce, Timestamp, Volume,
};
use simulator::{Exchange, ExchangeConfig, FillMode};

pub(crate) const SYMBOL: SymbolId = SymbolId(0);

pub(crate) fn price(text: &str) -> Price {
    text.parse().unwrap()
}

pub(crate) fn shares(count: i64) -> Quantity {
    Quantity::from_shares(count).unwrap()
}

/// 2026-11-25 10:00 in New York.
pub(crate) fn start() -> Timestamp {
    "2026-11-25T15:00:00Z".parse().unwrap()
}

pub(crate) fn id(number: u64, attempt: u16, exit: bool) -> ClientOrderId {
    ClientOrderId { tag: *b"BW\0\0", epoch: 1, number: OrderNumber(number), attempt, exit }
}

/// An exchange, its clock, and what it has said.
pub(crate) struct Stage {
    pub(crate) exchange: Exchange,
    pub(crate) now: Timestamp,
    pub(crate) next: u64,
    ids: BTreeMap<u64, ClientOrderId>,
}

impl Stage {
    pub(crate) fn new(mode: FillMode) -> Self {
        Self::with(ExchangeConfig::new(mode, CommissionPlan::None))
    }

    pub(crate) fn with(config: ExchangeConfig) -> Self {
        config.check().unwrap();
        let mut exchange = Exchange::new(config, 2);
        exchange.keep_executions();
        Self { exchange, now: start(), next: 0, ids: BTreeMap::new() }
    }

    /// Makes an order from words such as `buy 100 stop 10.05 limit 10.08 as entry group 1 tif ioc`.
    pub(crate) fn order(&mut self, words: &str) -> NewOrder {
        let words: Vec<&str> = words.split_whitespace().collect();
        let after = |key: &str| {
            words.iter().position(|word| *word == key).and_then(|at| words.get(at + 1)).copied()
        };
        let kind = match (after("stop").map(price), after("limit").map(price)) {
            (None, None) => OrderKind::Market,
            (None, Some(limit)) => OrderKind::Limit { limit },
            (Some(stop), None) => OrderKind::Stop { stop },
            (Some(stop), Some(limit)) => OrderKind::StopLimit { stop, limit },
        };
        let role = match after("as").unwrap_or("entry") {
            "entry" => OrderRole::Entry,
            "stop" => OrderRole::Stop,
            "target" => OrderRole::Target,
            _ => OrderRole::Close,
        };
        let side = match words[0] {
            "buy" => Side::Buy,
            "sell" => Side::Sell,
            _ => Side::SellShort,
        };
        let time_in_force = match after("tif").unwrap_or("day") {
            "ioc" => TimeInForce::Ioc,
            "fok" => TimeInForce::Fok,
            "gtc" => TimeInForce::Gtc,
            "opg" => TimeInForce::Opg,
            "cls" => TimeInForce::Cls,
            _ => TimeInForce::Day,
        };
        let number = self.next;
        self.next += 1;
        let client_id = id(number, 0, role.is_exit());
        self.ids.insert(number, client_id);
        NewOrder {
            client_id,
            broker: BrokerId(0),
            symbol: SYMBOL,
            side,
            kind,
            quantity: shares(words[1].parse().unwrap()),
            time_in_force,
            role,
            group: after("group").map(|group| GroupId(group.parse().unwrap())),
        }
    }

    /// Submits an order in words; returns its number.
    pub(crate) fn submit(&mut self, words: &str) -> u64 {
        let order = self.order(words);
        self.exchange.submit(&order, self.now);
        order.client_id.number.0
    }

    pub(crate) fn cancel(&mut self, number: u64) {
        let client_id = self.ids.get(&number).copied().unwrap_or(id(number, 0, false));
        let request = CancelRequest { client_id, broker: BrokerId(0), symbol: SYMBOL };
        self.exchange.cancel(&request, self.now);
    }

    pub(crate) fn replace(&mut self, number: u64, kind: OrderKind, quantity: i64) {
        let client_id = self.ids[&number];
        let new_client_id = ClientOrderId { attempt: client_id.attempt + 1, ..client_id };
        let request = ReplaceRequest {
            client_id,
            new_client_id,
            broker: BrokerId(0),
            symbol: SYMBOL,
            kind,
            quantity: shares(quantity),
        };
        self.exchange.replace(&request, self.now);
        if let Some(order) = self.exchange.order(new_client_id) {
            self.ids.insert(number, order.client_id);
        }
    }

    /// Reads `open high low close volume` and starts it now.
    pub(crate) fn bar(&self, words: &str) -> Bar {
        let parts: Vec<&str> = words.split_whitespace().collect();
        Bar {
            start: self.now,
            open: price(parts[0]),
            high: price(parts[1]),
            low: price(parts[2]),
            close: price(parts[3]),
            volume: Volume(parts.get(4).map_or(1_000_000, |volume| volume.parse().unwrap())),
        }
    }

    /// Shows a bar and moves the clock to its end; returns all reports as text.
    pub(crate) fn run(&mut self, words: &str) -> Vec<String> {
        self.run_with(words, |_, _| {})
    }

    /// As `run`, with an answer to each fill while the bar is in progress.
    pub(crate) fn run_with(
        &mut self,
        words: &str,
        mut on_fill: impl FnMut(&mut Self, &Fill),
    ) -> Vec<String> {
        let bar = self.bar(words);
        let mut seen = self.drain();
        self.now = bar.end();
        self.exchange.begin_bar(SYMBOL, &bar, true);
        while let Some(report) = self.exchange.next_report() {
            seen.push(text(&report));
            if let ExecType::Trade(fill) = report.exec {
                on_fill(self, &fill);
            }
        }
        self.exchange.end_bar();
        seen.extend(self.drain());
        seen
    }

    pub(crate) fn drain(&mut self) -> Vec<String> {
        let mut seen = Vec::new();
        while let Some(report) = self.exchange.next_report() {
            seen.push(text(&report));
        }
        seen.retain(|line| !line.ends_with(" new"));
        seen
    }

    /// Lets minutes pass without a bar.
    pub(crate) fn wait(&mut self, minutes: i64) {
        self.now = self.now.plus_nanos(minutes * MINUTE_NS);
    }
}

/// One report: `NUMBER what`.
pub(crate) fn text(report: &ExecutionReport) -> String {
    let number = report.client_id.number.0;
    let what = match report.exec {
        ExecType::New => "new".into(),
        ExecType::Trade(fill) => format!("{} {} @ {}", fill.side.name(), fill.quantity, fill.price),
        ExecType::Cancelled => "cancelled".into(),
        ExecType::Expired => "expired".into(),
        ExecType::Replaced => "replaced".into(),
        ExecType::Restated { order_qty } => format!("restated {order_qty}"),
        ExecType::Rejected(reason) => format!("rejected {reason:?}"),
        ExecType::CancelRejected(reason) => format!("cancel rejected {reason:?}"),
        ExecType::ReplaceRejected(reason) => format!("replace rejected {reason:?}"),
        other => format!("{other:?}"),
    };
    format!("{number} {what}")
}
