//! The status object (contract.md 5): what the system is doing, and whether it may open positions.

use engine::Engine;
use engine::lifecycle::State;
use engine::lifecycle::health::Issue;
use engine::queues::{QueueName, QueueStatus};
use engine::risk_manager::{LossLevel, Scope};
use model::exchange::{Calendar, Segment, new_york_date};
use model::{Cash, OrderState, Timestamp};
use serde::Serialize;
use std::collections::BTreeMap;

use super::account::{self, BrokerStatus, ProviderRow};
use super::run::{Build, Run};

/// What the shell knows beside the core.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The last sequence number on disk.
    pub last_durable_seq: u64,
    /// Sequence number and state hash of the last Mark.
    pub mark: Option<(u64, u128)>,
    /// Why the kill line at the gateway is cut; `None` while it is whole (journal.md 13).
    pub kill_line: Option<String>,
    /// Start-up checks that failed (C33), each in words.
    pub start_up: Vec<String>,
    /// What the queues outside the core have seen.
    pub queues: Vec<(QueueName, QueueStatus)>,
    /// How the providers are.
    pub providers: Vec<ProviderRow>,
    /// What the shell has found beside the core.
    pub issues: Vec<Issue>,
}

/// What the system is doing.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct Status {
    /// Engine time when the core was looked at.
    #[schema(value_type = String)]
    pub time: Timestamp,
    /// `starting`, `running`, `paused`, `stopping`, `stopped` or `error`.
    pub state: &'static str,
    /// The mode by its name in the configuration.
    pub mode: String,
    /// Where the program runs.
    pub environment: String,
    /// Whether positions may be opened.
    pub gate: Gate,
    /// The kill switch.
    pub kill: Kill,
    /// The exchange.
    pub market: Market,
    /// The fencing epoch of this process.
    pub epoch: u32,
    /// The last sequence number on disk.
    pub last_durable_seq: u64,
    /// Sequence number of the last Mark.
    pub state_seq: Option<u64>,
    /// State hash of the last Mark, in hexadecimal.
    pub state_hash: Option<String>,
    /// Which program it is.
    pub build: Build,
    /// Cash and all positions at their marks.
    #[schema(value_type = String)]
    pub equity: Cash,
    /// Cash.
    #[schema(value_type = String)]
    pub cash: Cash,
    /// Result of the day, open positions at their marks.
    #[schema(value_type = String)]
    pub daily_pnl: Cash,
    /// Loss at which trading halts for the day (C10); null when it is off.
    #[schema(value_type = Option<String>)]
    pub daily_loss_limit: Option<Cash>,
    /// Open positions.
    pub open_positions: usize,
    /// Orders that are not done.
    pub open_orders: usize,
    /// Orders whose fate is not known.
    pub unknown_orders: usize,
    /// The six queues.
    #[schema(value_type = BTreeMap<String, QueueRow>)]
    pub queues: BTreeMap<&'static str, QueueRow>,
    /// Market-data providers.
    pub providers: Vec<ProviderRow>,
    /// Brokers.
    pub brokers: Vec<BrokerStatus>,
}

/// Whether positions may be opened.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, utoipa::ToSchema)]
pub struct Gate {
    /// Nothing holds opening orders back for the whole system; a market that is closed does not
    /// count here.
    pub open: bool,
    /// What holds them back.
    pub reasons: Vec<String>,
}

/// The kill switch.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, utoipa::ToSchema)]
pub struct Kill {
    /// It is set for everything, in the core or at the gateway.
    pub engaged: bool,
    /// What it is set for: `all`, `strategy:X`, `symbol:X`, `broker:X`.
    pub scopes: Vec<String>,
    /// The gateway lets no opening order through, and why.
    pub line: Option<String>,
    /// How many emergency stops have been given, of whatever scope.
    pub count: u64,
}

/// The exchange.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, utoipa::ToSchema)]
pub struct Market {
    /// `pre`, `rth`, `post` or `closed`.
    pub session: &'static str,
    /// When that changes; null in a year without a calendar.
    #[schema(value_type = Option<String>)]
    pub next_change: Option<Timestamp>,
}

/// A queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, utoipa::ToSchema)]
pub struct QueueRow {
    /// Items in it.
    pub depth: usize,
    /// Its room.
    pub capacity: usize,
    /// Most items at once so far.
    pub high_water: usize,
    /// Items dropped or refused.
    pub dropped: u64,
    /// Items replaced by a newer one.
    pub conflated: u64,
}

impl From<QueueStatus> for QueueRow {
    fn from(status: QueueStatus) -> Self {
        let QueueStatus { depth, capacity, high_water, dropped, conflated } = status;
        Self { depth, capacity, high_water, dropped, conflated }
    }
}

impl Status {
    pub(super) fn of(engine: &Engine, run: &Run, around: &Surroundings) -> Self {
        let books = engine.books();
        let equity = engine.equity();
        let open = || books.orders().iter().filter(|order| !order.state.is_terminal());
        let day = books.day();
        let lines = books.gate().limits().loss_lines(day.equity);
        Self {
            time: engine.now(),
            state: books.lifecycle().name(),
            mode: run.mode.clone(),
            environment: run.environment.clone(),
            gate: gate(engine, run, around),
            kill: kill(engine, run, around),
            market: Market::at(&run.calendar, engine.now()),
            epoch: books.brokers().epoch(),
            last_durable_seq: around.last_durable_seq,
            state_seq: around.mark.map(|(seq, _)| seq),
            state_hash: around.mark.map(|(_, hash)| format!("{hash:032x}")),
            build: run.build.clone(),
            equity,
            cash: books.ledger().cash(),
            daily_pnl: equity.minus(day.equity),
            daily_loss_limit: lines.map(|lines| lines.halt),
            open_positions: super::rows::count_positions(books),
            open_orders: open().count(),
            unknown_orders: open().filter(|order| order.state == OrderState::Unknown).count(),
            queues: queues(engine, around),
            providers: around.providers.clone(),
            brokers: account::brokers(engine, run),
        }
    }
}

/// Says what holds opening orders back for the whole system: the state, blocks of everything, the
/// day's loss, the start-up checks, the kill line.
fn gate(engine: &Engine, run: &Run, around: &Surroundings) -> Gate {
    let books = engine.books();
    let mut reasons = Vec::new();
    if books.lifecycle() != State::Running {
        reasons.push(books.lifecycle().name().to_owned());
    }
    let whole = |scope| match scope {
        Scope::All => true,
        // With one broker its block is everybody's.
        Scope::Broker(broker) => broker == books.brokers().route(),
        Scope::Strategy(_) | Scope::Symbol(_) => false,
    };
    for block in books.blocks().list().iter().filter(|block| whole(block.scope)) {
        let scope = match block.scope {
            Scope::All => String::new(),
            other => format!(" ({})", run.scope_text(other)),
        };
        reasons.push(format!("{}{scope}", block.reason.name()));
    }
    if books.day().loss >= LossLevel::ReduceOnly {
        reasons.push("daily_loss".to_owned());
    }
    if around.kill_line.is_some() && !books.blocks().is_killed() {
        reasons.push("kill".to_owned());
    }
    reasons.extend(around.start_up.iter().cloned());
    Gate { open: reasons.is_empty(), reasons }
}

fn kill(engine: &Engine, run: &Run, around: &Surroundings) -> Kill {
    let blocks = engine.books().blocks();
    let killed =
        blocks.list().iter().filter(|b| b.reason == engine::risk_manager::BlockReason::Kill);
    Kill {
        engaged: blocks.is_killed() || around.kill_line.is_some(),
        scopes: killed.map(|block| run.scope_text(block.scope)).collect(),
        line: around.kill_line.clone(),
        count: engine.books().kills(),
    }
}

/// Returns all six queues; one that the shell did not name has seen nothing.
fn queues(engine: &Engine, around: &Surroundings) -> BTreeMap<&'static str, QueueRow> {
    let own = (QueueName::TradeSignals, engine.trade_signals());
    let none = QueueName::ALL.into_iter().map(|queue| (queue, QueueStatus::default()));
    let all = none.chain(around.queues.iter().copied()).chain([own]);
    all.map(|(queue, status)| (queue.name(), status.into())).collect()
}

impl Market {
    /// Returns what the exchange does at `now`.
    pub fn at(calendar: &Calendar, now: Timestamp) -> Self {
        let today = new_york_date(now);
        let session = calendar.session(today).ok().flatten();
        if let Some(session) = session {
            let (name, next) = match session.segment(now) {
                Some(Segment::Pre) => (Segment::Pre.name(), session.open),
                Some(Segment::Rth) => (Segment::Rth.name(), session.close),
                Some(Segment::Post) => (Segment::Post.name(), session.post_close),
                None if now < session.pre_open => ("closed", session.pre_open),
                None => return Self::closed(calendar, today),
            };
            return Self { session: name, next_change: Some(next) };
        }
        Self::closed(calendar, today)
    }

    fn closed(calendar: &Calendar, after: model::Date) -> Self {
        let next = calendar.next_session(after).map(|session| session.pre_open);
        Self { session: "closed", next_change: next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F30-F33: half-open intervals, a half day, and the way over a weekend and a holiday.
    #[test]
    fn the_market_by_the_calendar() {
        let calendar = Calendar::nyse();
        for (now, session, next) in [
            ("2026-11-25T08:59:59Z", "closed", "2026-11-25T09:00:00Z"),
            ("2026-11-25T09:00:00Z", "pre", "2026-11-25T14:30:00Z"),
            ("2026-11-25T14:30:00Z", "rth", "2026-11-25T21:00:00Z"),
            ("2026-11-25T21:00:00Z", "post", "2026-11-26T01:00:00Z"),
            ("2026-11-26T01:00:00Z", "closed", "2026-11-27T09:00:00Z"),
            ("2026-11-27T14:30:00Z", "rth", "2026-11-27T18:00:00Z"),
            ("2026-11-29T12:00:00Z", "closed", "2026-11-30T09:00:00Z"),
        ] {
            let market = Market::at(&calendar, now.parse().unwrap());
            assert_eq!(market.session, session, "{now}");
            assert_eq!(market.next_change, Some(next.parse().unwrap()), "{now}");
        }
    }
}
