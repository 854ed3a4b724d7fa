//! One small world through the views: an order, its fill, a stop.

use std::sync::Arc;

use engine::data_manager::DataPolicy;
use engine::execution_engine::BrokerTraits;
use engine::lifecycle::health::HeartbeatLimits;
use engine::queues::{QueueName, QueueStatus};
use engine::risk_manager::{Limits, Scope};
use engine::{
    BrokerEvent, Control, Engine, EngineConfig, Fact, Input, Instance, Instruction, MarketEvent,
    Outputs, Sequenced, Start,
};
use model::exchange::{Calendar, TickTable};
use model::{
    Bar, BrokerId, BrokerOrderId, Cash, Command, ExecId, ExecType, ExecutionReport, Fill, NewOrder,
    Price, SECOND_NS, SourceId, SymbolId, Timestamp, Volume,
};
use serde_json::{Value, json};

use super::{Build, Lists, Run, Surroundings, View};

struct World {
    engine: Engine,
    run: Run,
    lists: Lists,
    out: Outputs,
    seq: u64,
    now: Timestamp,
    around: Surroundings,
    orders: Vec<NewOrder>,
}

impl World {
    /// A running day at 09:30 with the strategy `storm` on two symbols.
    fn new() -> Self {
        let calendar = Arc::new(Calendar::nyse());
        let storm = strategies::Registry::builtin().make("storm", &[]).unwrap();
        let engine = Engine::new(EngineConfig {
            symbols: vec!["SYM0".parse().unwrap(), "SYM1".parse().unwrap()],
            strategies: vec![Instance { name: "storm".into(), strategy: storm }],
            cash: Cash::from_dollars(100_000).unwrap(),
            limits: Limits::default(),
            calendar: Arc::clone(&calendar),
            ticks: TickTable::us(),
            tag: *b"BW\0\0",
            brokers: vec![BrokerTraits::simulated()],
            opening_failover: false,
            record_all: true,
            data: DataPolicy::default(),
        });
        let build = Build { version: "1".into(), commit: "abc".into() };
        let run = Run::new(&engine, "paper", "testing", build, calendar, &["paper"], &["playback"]);
        let now = "2026-06-01T08:00:00Z".parse().unwrap();
        let around = Surroundings::default();
        let (lists, out, orders) = (Lists::default(), Outputs::default(), Vec::new());
        let mut world = Self { engine, run, lists, out, seq: 0, now, around, orders };
        world.apply(now, Input::Start(Box::new(Start::fresh(7, "demo", now))));
        world.apply("2026-06-01T13:30:00Z".parse().unwrap(), Input::Time);
        world
    }

    fn apply(&mut self, time: Timestamp, item: Input) {
        let seq = self.seq + 1;
        self.now = time;
        let input = Sequenced { seq, time, item };
        self.engine.apply(&input, &mut self.out);
        self.seq = seq + self.out.facts.len() as u64;
        let (facts, evaluations) = (&self.out.facts, &self.out.evaluations);
        self.lists.take(&self.run, (seq, time), &input.item, facts, evaluations);
        for command in &self.out.commands {
            if let Command::Submit(order) = command {
                self.orders.push(*order);
            }
        }
    }

    fn bar(&mut self, symbol: u32, minute: i64, price: &str) {
        let start: Timestamp = "2026-06-01T13:30:00Z".parse().unwrap();
        let start = start.plus_nanos(minute * 60 * SECOND_NS);
        let price: Price = price.parse().unwrap();
        let bar = Bar {
            start,
            open: price,
            high: price,
            low: price,
            close: price,
            volume: Volume(100_000),
        };
        let event = MarketEvent::Bar { symbol: SymbolId(symbol), bar };
        self.apply(start.plus_nanos(60 * SECOND_NS), Input::Market { source: SourceId(0), event });
        self.apply(self.now, Input::Time);
    }

    fn report(&mut self, order: &NewOrder, exec: ExecType) {
        self.report_under(order, exec, None);
    }

    fn report_under(&mut self, order: &NewOrder, exec: ExecType, id: Option<&str>) {
        let report = ExecutionReport {
            client_id: order.client_id,
            broker: order.broker,
            symbol: order.symbol,
            exec,
            time: self.now,
            cum_qty: None,
            broker_id: id.and_then(BrokerOrderId::new),
        };
        let event = BrokerEvent::Report(report);
        self.apply(self.now, Input::Broker { broker: BrokerId(0), event });
    }

    fn fill(&mut self, order: &NewOrder, execution: u64, price: &str) {
        let fill = Fill {
            exec_id: ExecId::simulated(execution),
            side: order.side,
            quantity: order.quantity,
            price: price.parse().unwrap(),
            fee: Cash::from_dollars(1).unwrap(),
        };
        self.report(order, ExecType::Trade(fill));
    }

    fn control(&mut self, control: Control) {
        let given = Instruction { control, actor: "ann".into(), ..Instruction::default() };
        self.apply(self.now, Input::Control(Box::new(given)));
    }

    fn view(&self) -> Arc<View> {
        View::build(&self.engine, &self.run, &self.around)
    }

    /// A world in which SYM0 was bought.
    fn bought() -> Self {
        let mut world = Self::new();
        world.bar(0, 0, "10.00");
        let order = world.orders[0];
        world.report(&order, ExecType::New);
        world.fill(&order, 1, "10.01");
        world
    }
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Contract.md 5: an order's row has the broker's id from the first report that tells one; a report
/// without takes nothing away, a later one is the one in force.
#[test]
fn an_order_has_its_brokers_id() {
    let mut world = World::new();
    world.bar(0, 0, "10.00");
    let order = world.orders[0];
    let row = |world: &World| world.view().order(order.client_id).unwrap().broker_id.clone();
    assert_eq!(row(&world), None);
    for (exec, told, shown) in [
        (ExecType::Accepted, None, None),
        (ExecType::Accepted, Some("b-1"), Some("b-1")),
        (ExecType::New, None, Some("b-1")),
        (ExecType::PendingReplace, Some("b-2"), Some("b-2")),
    ] {
        world.report_under(&order, exec, told);
        assert_eq!(row(&world).as_deref(), shown, "{exec:?}");
    }
}

/// Contract.md 5: the status object has every field, money as text, times as RFC 3339.
#[test]
fn status_has_the_contracts_fields() {
    let mut world = World::bought();
    world.around.mark = Some((12, 0xabc));
    world.around.queues = vec![(
        QueueName::MarketData,
        QueueStatus { depth: 3, capacity: 1_000, high_water: 9, dropped: 1, conflated: 2 },
    )];
    let status = serde_json::to_value(&world.view().status).unwrap();
    for key in [
        "state",
        "mode",
        "environment",
        "gate",
        "kill",
        "market",
        "epoch",
        "last_durable_seq",
        "state_seq",
        "state_hash",
        "build",
        "equity",
        "cash",
        "daily_pnl",
        "daily_loss_limit",
        "open_positions",
        "open_orders",
        "unknown_orders",
        "queues",
        "providers",
        "brokers",
    ] {
        assert!(status.get(key).is_some(), "{key} is missing");
    }
    assert_eq!(status["state"], "running");
    assert_eq!(status["gate"], json!({"open": true, "reasons": []}));
    assert_eq!(status["epoch"], 7);
    assert_eq!(status["open_positions"], 1);
    assert_eq!(status["daily_loss_limit"], "5000.00");
    assert_eq!(status["cash"], "99988.99", "one share at 10.01 and a dollar");
    assert_eq!(status["daily_pnl"], "-1.01", "the mark is 10.00");
    assert_eq!(status["market"], json!({"session": "rth", "next_change": "2026-06-01T20:00:00Z"}));
    assert_eq!(status["state_hash"], "00000000000000000000000000000abc");
    assert_eq!(keys(&status["queues"]).len(), 6, "all six queues always");
    assert_eq!(status["queues"]["market_data"]["conflated"], 2);
}

/// Contract.md 5: the rows of an order, its fill, its position and its decision.
#[test]
fn an_order_and_what_became_of_it() {
    let mut world = World::bought();
    let view = world.view();
    let order = serde_json::to_value(&view.orders[0]).unwrap();
    assert_eq!(order["client_id"], "BW-7-0-0E");
    assert_eq!(order["state"], "filled");
    assert_eq!(
        (order["average_price"].as_str(), order["filled_quantity"].as_str()),
        (Some("10.01"), Some("1"))
    );
    assert_eq!(order["broker"], "paper");
    let position = serde_json::to_value(&view.positions[0]).unwrap();
    assert_eq!(position["quantity"], "1");
    assert_eq!(position["mark"], "10.00");
    assert_eq!(position["unrealized_pnl"], "-0.01");
    assert_eq!(position["risk"], "10.00", "without a stop the whole value");

    let fills = world.lists.fills(None, 10).items;
    let fill = serde_json::to_value(&fills[0]).unwrap();
    assert_eq!(
        (fill["execution_id"].as_str(), fill["price"].as_str()),
        (Some("S-1"), Some("10.01"))
    );
    let decision = &world.lists.signals(None, 10).items[0];
    assert_eq!((decision.rule, decision.outcome), ("open", "order"));
    assert_eq!(decision.order.as_ref().unwrap().client_id.to_string(), "BW-7-0-0E");

    // The exit, and the trade that it closes at the end of its bar.
    world.bar(0, 1, "10.50");
    let exit = *world.orders.last().unwrap();
    world.fill(&exit, 2, "10.50");
    world.bar(0, 2, "10.50");
    let trade = serde_json::to_value(&world.lists.trades(None, 10).items[0]).unwrap();
    assert_eq!((trade["side"].as_str(), trade["net_pnl"].as_str()), (Some("long"), Some("-1.51")));
    let row = world.view().order(exit.client_id).unwrap().clone();
    assert_eq!(row.parent.map(|id| id.to_string()).as_deref(), Some("BW-7-0-0E"));
}

/// I4: an execution is one row, however often and by whichever way it is told; a bust takes it out.
#[test]
fn each_fill_is_listed_once() {
    let mut world = World::bought();
    let order = world.orders[0];
    world.fill(&order, 1, "10.01");
    assert_eq!(world.lists.fills(None, 10).items.len(), 1);
    world.report(&order, ExecType::Bust { exec_id: ExecId::simulated(1) });
    assert_eq!(world.lists.fills(None, 10).items.len(), 0);
}

/// Contract.md 6: equal evaluations in a row are one row with a count; `why` sees those that led
/// to nothing, too.
#[test]
fn equal_decisions_are_counted() {
    let mut world = World::new();
    for minute in 0..4 {
        world.bar(0, minute, "10.00");
    }
    // The entry stays without an answer: each further step waits for it.
    let all = world.lists.decisions(Some(SymbolId(0)), None, None, 10).items;
    let seen: Vec<_> = all.iter().map(|row| (row.rule, row.count)).collect();
    assert_eq!(seen, [("wait", 3), ("open", 1)]);
    assert!(world.lists.decisions(Some(SymbolId(1)), None, None, 10).items.is_empty());
}

/// C31, I8: a kill closes the gate and is named; other scopes are named and leave it open.
#[test]
fn a_kill_shows() {
    let mut world = World::new();
    world.control(Control::EmergencyStop(Scope::Symbol(SymbolId(1))));
    let status = world.view().status.clone();
    assert!(status.gate.open && !status.kill.engaged);
    assert_eq!(status.kill.scopes, ["symbol:SYM1"]);
    world.control(Control::EmergencyStop(Scope::All));
    let status = world.view().status.clone();
    assert_eq!(status.gate.reasons, ["paused", "kill"]);
    assert!(status.kill.engaged);
    // The kill line at the gateway holds without the core.
    let mut world = World::new();
    world.around.kill_line = Some("the file KILL is there".into());
    let status = world.view().status.clone();
    assert_eq!((status.gate.reasons, status.kill.engaged), (vec!["kill".to_owned()], true));
}

/// S8: an alert bears who acknowledged it first; a second acknowledgement changes nothing.
#[test]
fn alerts_are_acknowledged() {
    let mut world = World::new();
    world.control(Control::EmergencyStop(Scope::All));
    let alert = world.lists.alerts(None, 10).items[0].clone();
    assert_eq!((alert.kind, alert.severity, alert.count), ("kill", "critical", 1));
    world.control(Control::Acknowledge(alert.id));
    let given = Instruction {
        control: Control::Acknowledge(alert.id),
        actor: "bob".into(),
        ..Instruction::default()
    };
    world.apply(world.now, Input::Control(Box::new(given)));
    let alert = world.lists.alert(alert.id).unwrap();
    assert_eq!(alert.acknowledged_by.as_deref(), Some("ann"));
}

/// Contract.md 5, F44: eight components; healthy while the loop turns, red when it stopped
/// turning longer ago than a probe may take.
#[test]
fn health_is_judged_when_it_is_asked() {
    let world = World::bought();
    let view = world.view();
    let limits = HeartbeatLimits::default();
    let wall = world.now;
    let health = view.health.judge(wall.plus_nanos(4 * SECOND_NS), wall, true, &limits);
    assert_eq!((health.overall_status, health.components.len()), ("healthy", 8));
    for (name, component) in &health.components {
        assert_eq!(component["component_name"], *name);
        assert_eq!(component["is_healthy"], true, "{name}");
        assert!(component["detail"].is_object() && component["running"] == true, "{name}");
    }
    let late = view.health.judge(wall.plus_nanos(6 * SECOND_NS), wall, true, &limits);
    assert_eq!(late.overall_status, "error");
    assert_eq!(late.components["risk_manager"]["is_healthy"], false);
    assert_eq!(late.components["web_dashboard"]["is_healthy"], true);
    let without = view.health.judge(wall, wall, false, &limits);
    assert_eq!(without.components["web_dashboard"]["running"], false);
}

/// C31: scopes by name, and what is wrong with one is said.
#[test]
fn scopes_are_read() {
    let world = World::new();
    for text in ["all", "strategy:storm", "symbol:SYM1", "broker:paper"] {
        let scope = world.run.scope(text).unwrap();
        assert_eq!(world.run.scope_text(scope), text);
    }
    for (text, says) in [
        ("symbol:XYZ", "there is no symbol \"XYZ\" in this run; there are SYM0, SYM1"),
        ("strategy:x", "there are storm"),
        ("some", "all, strategy:X, symbol:X and broker:X"),
        ("symbol", "all, strategy:X"),
    ] {
        let error = world.run.scope(text).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

/// I15: lists stay bounded, the newest rows stay.
#[test]
fn lists_are_bounded() {
    let world = World::new();
    let mut lists = Lists::default();
    let alert =
        |id| Fact::Alert(Box::new(engine::alert_system::Alert { id, ..Default::default() }));
    for seq in 0..2_500 {
        let at = (1 + 2 * seq, world.now);
        lists.take(&world.run, at, &Input::Time, &[alert(seq)], &[]);
    }
    assert_eq!(lists.alerts(None, 1_000).items[0].id, 1 + 2 * 2_499 + 1);
    let (mut count, mut cursor) = (0, None);
    loop {
        let page = lists.alerts(cursor, 1_000);
        count += page.items.len();
        cursor = page.next_cursor.map(|cursor| cursor.parse().unwrap());
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(count, 2_000);
}
