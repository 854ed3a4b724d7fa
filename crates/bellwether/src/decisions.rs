//! Decisions as JSON: one line per evaluation (contract.md 5), for files and for the demo.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use engine::Engine;
use engine::order_manager::Order;
use engine::strategy_engine::{Decision, Outcome, Rule};
use model::exchange::new_york_date;
use model::{StrategyId, Symbol, SymbolId, Timestamp};
use runtime::view::{self, Explained};
use serde_json::{Map, Value, json};

use crate::exit::Failure;
use crate::files;

/// Explains the rule of a decision.
pub(crate) fn explain(engine: &Engine, decision: &Decision) -> Explained {
    let strategy = engine.strategies().get(decision.strategy.index());
    view::explain(strategy.map_or(&[], |instance| instance.strategy.rules()), decision)
}

/// Returns the line of a decision.
pub(crate) fn line(engine: &Engine, symbols: &[Symbol], decision: &Decision) -> Map<String, Value> {
    let explained = explain(engine, decision);
    let strategy = engine.strategies().get(decision.strategy.index());
    let mut line = Map::new();
    let mut put = |key: &str, value: Value| line.insert(key.to_owned(), value);
    put("time", json!(decision.time));
    put("strategy", json!(strategy.map(|instance| instance.name.as_str())));
    put("symbol", json!(symbols.get(decision.symbol.index())));
    put("outcome", json!(decision.outcome.name()));
    put("rule", json!(explained.rule));
    if let Rule::Gate(code) = decision.rule {
        put("reason", json!(code.name()));
    }
    let values: Map<String, Value> =
        explained.values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    put("values", Value::Object(values));
    let order = decision.order.and_then(|number| engine.books().orders().get(number));
    put("order", order.map_or(Value::Null, order_json));
    line
}

fn order_json(order: &Order) -> Value {
    let request = &order.request;
    json!({
        "client_id": request.client_id.to_string(),
        "role": request.role.name(),
        "side": request.side.name(),
        "kind": request.kind.name(),
        "quantity": request.quantity,
        "limit_price": request.kind.limit(),
        "stop_price": request.kind.stop(),
        "state": order.state.name(),
    })
}

/// A run of evaluations in a row that failed at the same rule.
#[derive(Debug)]
struct Run {
    rule: Rule,
    until: Timestamp,
    count: u64,
    line: Map<String, Value>,
}

/// Writes decisions to a file.
#[derive(Debug)]
pub(crate) struct DecisionFile {
    path: PathBuf,
    out: BufWriter<File>,
    symbols: Vec<Symbol>,
    /// Evaluations that led to nothing, by instance and symbol; `None` leaves them out.
    runs: Option<BTreeMap<(StrategyId, SymbolId), Run>>,
    failed: Option<io::Error>,
}

impl DecisionFile {
    /// Creates the file; with `all` it also holds evaluations that led to nothing, run-length
    /// coded per instance, symbol, session and rule: `count` of them from `time` to `until`, with the
    /// numbers of the first.
    pub(crate) fn create(path: &Path, symbols: Vec<Symbol>, all: bool) -> Result<Self, Failure> {
        let out = BufWriter::new(files::create(path)?);
        let runs = all.then(BTreeMap::new);
        Ok(Self { path: path.to_owned(), out, symbols, runs, failed: None })
    }

    /// Takes a decision of any outcome.
    pub(crate) fn take(&mut self, engine: &Engine, decision: &Decision) {
        let key = (decision.strategy, decision.symbol);
        let Some(runs) = &mut self.runs else {
            if decision.outcome != Outcome::NoTrade {
                let line = line(engine, &self.symbols, decision);
                self.put(&line);
            }
            return;
        };
        if decision.outcome != Outcome::NoTrade {
            let ended = runs.remove(&key);
            self.end(ended);
            let line = line(engine, &self.symbols, decision);
            self.put(&line);
            return;
        }
        // A run ends with its session: the numbers of another day are other numbers.
        let day = new_york_date(decision.time);
        let same = |run: &&mut Run| run.rule == decision.rule && new_york_date(run.until) == day;
        if let Some(run) = runs.get_mut(&key).filter(same) {
            run.until = decision.time;
            run.count += 1;
            return;
        }
        let line = line(engine, &self.symbols, decision);
        let run = Run { rule: decision.rule, until: decision.time, count: 1, line };
        let ended = runs.insert(key, run);
        self.end(ended);
    }

    fn end(&mut self, run: Option<Run>) {
        if let Some(mut run) = run {
            run.line.insert("until".to_owned(), json!(run.until));
            run.line.insert("count".to_owned(), json!(run.count));
            self.put(&run.line);
        }
    }

    fn put(&mut self, line: &Map<String, Value>) {
        if self.failed.is_some() {
            return;
        }
        let written = serde_json::to_writer(&mut self.out, line)
            .map_err(io::Error::from)
            .and_then(|()| self.out.write_all(b"\n"));
        self.failed = written.err();
    }

    /// Writes what is left and tells whether everything is in the file.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        let runs = self.runs.take().unwrap_or_default();
        for (_, run) in runs {
            self.end(Some(run));
        }
        let written = match self.failed.take() {
            Some(error) => Err(error),
            None => self.out.flush(),
        };
        written.map_err(|error| Failure::io(format_args!("write {}", self.path.display()), error))
    }
}
