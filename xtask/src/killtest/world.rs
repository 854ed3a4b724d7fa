//! One generated session with its broker, its proxy and its system, until the session is nearly over.
//!
//! The paper broker and the system play the same days by the same clock, so that the one does not
//! find the other's time wrong (C30).

use std::{
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};

use super::{
    Tally,
    plan::{Broker, Cycle, End},
};
use crate::{
    context::Context,
    rig::{
        stage::{QUANTITY, Stage, Storm},
        system::System,
        truth::{Journalled, Truth, unequal},
        wait_for,
    },
};

/// How long a start may take on a loaded machine; how long it took is reported.
const READY_LIMIT: Duration = Duration::from_secs(60);
/// The longest a cycle waits for its byte; then the system is killed all the same.
const BYTE_LIMIT: Duration = Duration::from_secs(4);
/// Longest orderly stop (F50).
const STOP_LIMIT: Duration = Duration::from_secs(30);
/// How long both sides may take to agree.
const SETTLE_LIMIT: Duration = Duration::from_secs(90);
/// How many times faster than the wall clock the day passes: a bar a second.
const SPEED: u32 = 60;
/// How much of the wall clock's time is played: the regular session but for its last hour.
const PLAYED: Duration = Duration::from_secs(310);

/// One session.
pub(super) struct World<'a> {
    stage: Stage<'a>,
    since: Instant,
    admin_token: Option<String>,
}

impl<'a> World<'a> {
    /// Starts the broker and the proxy; the system is started by the cycles.
    pub(super) fn new(
        context: &'a Context,
        profile: &str,
        folder: &Path,
        seed: u64,
    ) -> anyhow::Result<Self> {
        let stage = Stage::new(
            context,
            profile,
            folder,
            &Storm { seed, speed: SPEED, ..Storm::default() },
        )?;
        Ok(Self { stage, since: Instant::now(), admin_token: None })
    }

    /// Returns true when the session has no time for more cycles.
    pub(super) fn is_over(&self) -> bool {
        self.since.elapsed() > PLAYED
    }

    /// Carries out one cycle and judges what it left behind.
    pub(super) fn cycle(&mut self, cycle: &Cycle, tally: &mut Tally) -> anyhow::Result<()> {
        if !self.stage.venue.is_up() && cycle.broker != Broker::ComesBackLate {
            self.stage.venue.restart()?;
        }
        let before = self.stage.proxy.bytes();
        let mut system = self.start()?;
        if !self.stage.venue.is_up() {
            thread::sleep(Duration::from_millis(200));
            self.stage.venue.restart()?;
        }
        match cycle.end {
            End::AfterStart(after) => {
                thread::sleep(after);
                system.daemon().kill();
            }
            End::AtByte { bytes, cut } => self.kill_at_byte(&mut system, bytes, cut, tally)?,
            End::AfterReady(after) => {
                self.trade(&mut system, after, cycle.broker, tally)?;
                system.daemon().kill();
            }
            End::Stop(after) => {
                self.trade(&mut system, after, cycle.broker, tally)?;
                let status = system.stop(STOP_LIMIT)?;
                ensure!(status.success(), "an orderly stop ended with {status} (F50)");
                tally.stops += 1;
            }
        }
        tally.kills += u64::from(!matches!(cycle.end, End::Stop(_)));
        tally.bytes += self.stage.proxy.bytes() - before;
        drop(system);
        if matches!(cycle.broker, Broker::DiesWithIt | Broker::ComesBackLate) {
            self.stage.venue.kill();
            tally.broker_kills += 1;
        }
        self.judge(tally)
    }

    fn start(&self) -> anyhow::Result<System> {
        let first = !self.stage.site.journal().exists();
        self.stage.site.start(if first { &["--init"] } else { &[] })
    }

    /// Lets the system trade for a while after it is ready.
    fn trade(
        &mut self,
        system: &mut System,
        time: Duration,
        broker: Broker,
        tally: &mut Tally,
    ) -> anyhow::Result<()> {
        tally.note_ready(system.ready(READY_LIMIT)?);
        if broker == Broker::DiesAlone {
            thread::sleep(time / 2);
            self.stage.venue.kill();
            tally.broker_kills += 1;
            self.stage.venue.restart()?;
        }
        thread::sleep(time);
        if let Some(status) = system.daemon().ended()? {
            bail!("`run` ended by itself: {status}: {}", system.daemon().last_lines());
        }
        Ok(())
    }

    fn kill_at_byte(
        &self,
        system: &mut System,
        bytes: u64,
        cut: bool,
        tally: &mut Tally,
    ) -> anyhow::Result<()> {
        let killer = system.daemon().killer();
        self.stage.proxy.arm(bytes, cut, move || killer.kill());
        let ended = system.daemon().wait(READY_LIMIT.min(BYTE_LIMIT))?;
        if self.stage.proxy.disarm() {
            ensure!(ended.is_none(), "`run` ended by itself: {}", system.daemon().last_lines());
        } else {
            tally.byte_kills += 1;
        }
        system.daemon().kill();
        Ok(())
    }

    /// Judges what holds at every moment: the journal is whole, replay finds no difference, and the
    /// broker holds nothing that must not be.
    fn judge(&mut self, tally: &mut Tally) -> anyhow::Result<()> {
        if self.stage.site.journal().exists() {
            self.judge_journal()?;
        }
        if !self.stage.venue.is_up() {
            return Ok(());
        }
        let truth = self.stage.truth()?;
        tally.orders_here = truth.orders.len() as u64;
        tally.fills_here = truth.executions.len() as u64;
        hold(truth.twice_accepted())?;
        hold(truth.wrong_positions(QUANTITY))
    }

    /// `journal verify` finds a torn tail at most, and an offline replay of everything in it makes
    /// the same facts and the same hashes at every Mark.
    fn judge_journal(&self) -> anyhow::Result<()> {
        let journal = self.stage.site.journal();
        let journal = journal.to_str().context("the folder's name is not UTF-8")?;
        let verified = self.stage.site.json(
            "killtest-verify",
            &["journal", "verify", journal, "--json"],
            0,
        )?;
        ensure!(verified["errors"] == json!([]), "journal verify: {}", verified["errors"]);
        if verified["records"] == json!(0) {
            return Ok(());
        }
        let replayed =
            self.stage.site.json("killtest-replay", &["replay", journal, "--json"], 0)?;
        ensure!(replayed["differences"] == json!([]), "replay: {}", replayed["differences"]);
        Ok(())
    }

    /// Lets both sides come to rest and compares them whole: executions, positions, open orders.
    pub(super) fn settle(&mut self, tally: &mut Tally) -> anyhow::Result<()> {
        if !self.stage.venue.is_up() {
            self.stage.venue.restart()?;
        }
        let mut system = self.start()?;
        tally.note_ready(system.ready(READY_LIMIT)?);
        system.post("/api/v1/control/pause", &json!({"reason": "the judge compares"}))?.ok()?;
        let mut last = String::new();
        let agreed = wait_for(SETTLE_LIMIT, || {
            thread::sleep(Duration::from_millis(100));
            let status = system.get("/api/v1/status")?;
            let truth = self.stage.truth()?;
            let at_rest = truth.working() == 0
                && status["open_orders"] == json!(0)
                && status["unknown_orders"] == json!(0);
            // The pages are published now and then: each of them may be older than the broker's answer.
            let positions = positions(&system.get("/api/v1/positions")?)?;
            last = format!(
                "the broker has {} working orders, we have {} open and {} unknown; its positions \
                 are {:?}, ours {positions:?}",
                truth.working(),
                status["open_orders"],
                status["unknown_orders"],
                truth.positions
            );
            Ok((at_rest && positions == truth.positions).then_some(truth))
        })?;
        let Some(truth) = agreed else { bail!("no rest within {SETTLE_LIMIT:?}: {last}") };
        self.resume(&system)?;
        let status = system.stop(STOP_LIMIT)?;
        ensure!(status.success(), "an orderly stop ended with {status} (F50)");
        tally.settled += 1;
        let ours = self.journalled()?;
        let unmeant = truth.orders.iter().filter(|order| !ours.intents.contains(&order.client_id));
        hold(unmeant.map(|order| format!("no intent of ours is {}", order.client_id)).collect())?;
        hold(unequal(&ours.executions, &truth.executions))
    }

    /// Opens again what `settle` paused; it takes an admin and a reason (S5).
    fn resume(&mut self, system: &System) -> anyhow::Result<()> {
        if self.admin_token.is_none() {
            let create = ["tokens", "create", "judge", "--role", "admin", "--json"];
            let created = self.stage.site.json("killtest-token", &create, 0)?;
            self.admin_token = created["token"].as_str().map(str::to_owned);
        }
        let body = json!({"reason": "the judge has compared"});
        let token = self.admin_token.as_deref().context("no token was shown")?;
        system.post_as(token, "/api/v1/control/resume", &body)?.ok()?;
        Ok(())
    }

    /// Reads our own side out of the journal's records.
    fn journalled(&self) -> anyhow::Result<Journalled> {
        let journal = self.stage.site.journal();
        let journal = journal.to_str().context("the folder's name is not UTF-8")?;
        let dump = ["journal", "dump", journal, "--json", "--kind", "intent", "--kind", "replace"];
        let dump = [&dump[..], &["--kind", "broker"]].concat();
        let dump = self.stage.site.json("killtest-dump", &dump, 0)?;
        Journalled::read(&dump, self.stage.venue.symbols())
    }

    /// Returns the folders that show what was found.
    pub(super) fn folders(&self) -> [PathBuf; 2] {
        [self.stage.site.folder().to_owned(), self.stage.venue.folder().to_owned()]
    }
}

/// Fails with all violations.
fn hold(violations: Vec<String>) -> anyhow::Result<()> {
    ensure!(violations.is_empty(), "{}", violations.join("; "));
    Ok(())
}

/// Returns shares by symbol from the API's list.
fn positions(page: &Value) -> anyhow::Result<std::collections::BTreeMap<String, i64>> {
    let state = json!({"orders": [], "fills": [], "positions": page["items"]});
    Ok(Truth::read(&state)?.positions)
}
