//! A small core behind the API: the real engine, applied at once, without disk or threads.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::data_manager::DataPolicy;
use engine::execution_engine::BrokerTraits;
use engine::risk_manager::{Limits, Scope};
use engine::{
    Control, Engine, EngineConfig, Fact, Input, Instance, Instruction, LimitChange, MarketEvent,
    Outputs, Sequenced, Start,
};
use model::exchange::{Calendar, TickTable};
use model::{Bar, Cash, SourceId, SymbolId, Timestamp, Volume};
use runtime::view::{Build, Lists, Run, Surroundings, View};
use runtime::{InstructError, Killed, Receipt};
use server::{Answer, System};

/// A running day with the strategy `storm` on two symbols.
pub(crate) struct Core {
    run: Arc<Run>,
    state: Mutex<State>,
    /// The disk answers.
    pub(crate) disk: AtomicBool,
    /// For how long the loop has not turned, in milliseconds.
    pub(crate) silent_ms: AtomicU64,
    /// Every instruction as it came.
    pub(crate) given: Mutex<Vec<Instruction>>,
    /// What the door told of refused attempts.
    pub(crate) refused: Mutex<Vec<Instruction>>,
    pub(crate) limits: Mutex<Vec<LimitChange>>,
}

struct State {
    engine: Engine,
    lists: Lists,
    out: Outputs,
    seq: u64,
    now: Timestamp,
}

impl Core {
    pub(crate) fn new() -> Arc<Self> {
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
        let state = State { engine, lists: Lists::default(), out: Outputs::default(), seq: 0, now };
        let core = Self {
            run: Arc::new(run),
            state: Mutex::new(state),
            disk: AtomicBool::new(true),
            silent_ms: AtomicU64::new(0),
            given: Mutex::default(),
            refused: Mutex::default(),
            limits: Mutex::default(),
        };
        core.apply(now, Input::Start(Box::new(Start::fresh(7, "demo", now))));
        core.apply("2026-06-01T13:30:00Z".parse().unwrap(), Input::Time);
        Arc::new(core)
    }

    /// A bar of SYM0: `storm` opens, waits or closes.
    pub(crate) fn bar(&self) {
        let start = self.state.lock().unwrap().now;
        let price = "10.00".parse().unwrap();
        let bar = Bar {
            start,
            open: price,
            high: price,
            low: price,
            close: price,
            volume: Volume(100_000),
        };
        let end = start.plus_nanos(model::MINUTE_NS);
        let event = MarketEvent::Bar { symbol: SymbolId(0), bar };
        self.apply(end, Input::Market { source: SourceId(0), event });
        self.apply(end, Input::Time);
    }

    fn apply(&self, time: Timestamp, item: Input) -> Option<Receipt> {
        let mut state = self.state.lock().unwrap();
        let State { engine, lists, out, seq, now } = &mut *state;
        let input = Sequenced { seq: *seq + 1, time, item };
        engine.apply(&input, out);
        lists.take(&self.run, (input.seq, time), &input.item, &out.facts, &out.evaluations);
        *seq += 1 + out.facts.len() as u64;
        *now = time;
        out.facts.iter().find_map(|fact| match fact {
            Fact::Reply(reply) => Some(Receipt {
                seq: *seq,
                durable: true,
                done: reply.done,
                text: reply.text.clone(),
            }),
            _ => None,
        })
    }

    fn apply_now(&self, item: Input) -> Result<Receipt, InstructError> {
        let now = self.state.lock().unwrap().now;
        self.apply(now, item).ok_or(InstructError::Ended)
    }
}

impl System for Core {
    fn run(&self) -> Arc<Run> {
        Arc::clone(&self.run)
    }

    fn view(&self) -> Arc<View> {
        let state = self.state.lock().unwrap();
        View::build(&state.engine, &self.run, &Surroundings::default())
    }

    fn lists(&self, read: &mut dyn FnMut(&Lists)) {
        read(&self.state.lock().unwrap().lists);
    }

    fn core_silence(&self) -> Duration {
        Duration::from_millis(self.silent_ms.load(Ordering::Relaxed))
    }

    fn instruct(&self, given: Instruction) -> Answer<'_, Result<Receipt, InstructError>> {
        let list = match given.control {
            Control::AccessRefused(_) => &self.refused,
            _ => &self.given,
        };
        list.lock().unwrap().push(given.clone());
        let receipt = self.apply_now(Input::Control(Box::new(given)));
        Box::pin(async { receipt })
    }

    fn limits(&self, change: LimitChange) -> Answer<'_, Result<Receipt, InstructError>> {
        self.limits.lock().unwrap().push(change.clone());
        let receipt = self.apply_now(Input::Limits(Box::new(change)));
        Box::pin(async { receipt })
    }

    fn emergency_stop(&self, scope: Scope, given: Instruction) -> Answer<'_, Killed> {
        let given = Instruction { control: Control::EmergencyStop(scope), ..given };
        self.given.lock().unwrap().push(given.clone());
        let receipt = self.apply_now(Input::Control(Box::new(given))).ok();
        let receipt = receipt.filter(|_| self.disk.load(Ordering::Relaxed));
        let killed = Killed { engaged: true, durable: receipt.is_some(), receipt };
        Box::pin(async { killed })
    }
}
