//! The live drive: the start is said, the core's thread runs, feeds and back-fill are connected.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use engine::risk_manager::{Block, BlockReason, Scope, Stage};
use engine::{Control, Engine, Input, Instruction};
use gateway::{MarketDataProvider, ReferenceSource};
use journal::WaitError;
use model::{SourceId, StrategyId, SymbolId};
use tokio::sync::mpsc;

use super::{Finished, Shell, Tending};
use crate::handle::Handle;
use crate::live::{End, Live, LiveParts, backfill, references};
use crate::sequencer::ApplyError;
use crate::watchdog::Listener;

/// How long the start may take to be durable.
const START_PATIENCE: Duration = Duration::from_secs(10);

/// Market data of a live run.
#[derive(Clone)]
pub struct Market {
    /// The providers, by their ids.
    pub providers: Vec<Arc<dyn MarketDataProvider>>,
    /// All symbols.
    pub symbols: Vec<SymbolId>,
    /// Where the facts before each session come from.
    pub references: Option<Arc<dyn ReferenceSource>>,
}

impl std::fmt::Debug for Market {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Market").field("symbols", &self.symbols.len()).finish_non_exhaustive()
    }
}

/// Why the core did not come to life (exit code 70 or 74).
#[derive(Debug, thiserror::Error)]
pub enum GoLiveError {
    /// The start could not be applied.
    #[error("apply the start of the process")]
    Apply(#[from] ApplyError),
    /// The start did not become durable.
    #[error("make the start of the process durable")]
    Wait(#[from] WaitError),
    /// No thread for the core.
    #[error("start the core's thread")]
    Thread(#[source] io::Error),
}

/// A system that runs.
#[derive(Debug)]
pub struct Running {
    /// The way in.
    pub handle: Handle,
    core: JoinHandle<End>,
    tending: Tending,
}

impl Running {
    /// Returns true once the core's loop has ended.
    pub fn has_ended(&self) -> bool {
        self.core.is_finished()
    }

    /// Lets somebody outside the process hear that the core turns (C32).
    pub fn listen(&self, listener: Box<dyn Listener>) {
        self.tending.listen(listener);
    }

    /// Waits for the end of the core's loop and ends the run in order.
    pub fn join(self) -> Finished {
        let end = self.core.join().unwrap_or_else(|_| {
            let message = "the core's thread panicked outside of the core".to_owned();
            let (input, detail) = ("nothing", String::new());
            End::Fault(ApplyError::Fault { input, detail, message })
        });
        self.tending.finish(end)
    }
}

impl Shell {
    /// Says the start, promotes the strategies of a paper run, and lets the core's thread run. Must
    /// be called on a tokio runtime.
    ///
    /// # Errors
    /// The start cannot be applied or made durable, or there is no thread.
    pub fn go_live(self, market: Market) -> Result<Running, GoLiveError> {
        let Self { core, handle, start, retired, clock, tending } = self;
        let mut sequencer = core.sequencer;
        let mode = start.mode.clone();
        let applied = sequencer.apply(clock.now(), Input::Start(Box::new(start)))?;
        for input in as_configured(sequencer.engine(), &mode, &retired) {
            sequencer.apply(clock.now(), input)?;
        }
        sequencer.durable().wait_for(applied.end_seq, START_PATIENCE)?;
        let (wanted, asked) = mpsc::unbounded_channel();
        let inbox = core.inbox;
        let mut around = core.around;
        around.providers = market.providers.clone();
        tokio::spawn(backfill(market.providers.clone(), asked, inbox.clone(), clock));
        for (index, provider) in market.providers.iter().enumerate() {
            let source = SourceId(u8::try_from(index).unwrap_or(u8::MAX));
            connect(Arc::clone(provider), market.symbols.clone(), inbox.feed(source));
        }
        if let Some(source) = market.references {
            let calendar = Arc::clone(&handle.run().calendar);
            tokio::spawn(references(source, calendar, inbox.clone(), clock));
        }
        let front = core.front;
        let live = Live::new(LiveParts { sequencer, inbox, clock, front, around, wanted });
        let core = std::thread::Builder::new()
            .name("core".to_owned())
            .spawn(move || live.run())
            .map_err(GoLiveError::Thread)?;
        Ok(Running { handle, core, tending })
    }
}

/// Subscribes to all symbols and lets the provider push.
fn connect(
    provider: Arc<dyn MarketDataProvider>,
    symbols: Vec<SymbolId>,
    to: Arc<dyn gateway::FeedSink>,
) {
    tokio::spawn(async move {
        if let Err(error) = provider.subscribe(&symbols).await {
            let name = provider.name();
            tracing::error!(name, %error, "a provider did not take the subscription");
        }
        provider.stream(to);
    });
}

/// Returns what brings the strategies to where the configuration wants them.
///
/// In paper and rehearsal the list of strategies is the person's word that they are to trade there:
/// those that nobody has moved are promoted (C38, decision 0092); live needs a command for each
/// step. A strategy that is no longer in the list opens nothing more, until it is named again
/// (decision 0120).
pub(crate) fn as_configured(engine: &Engine, mode: &str, retired: &[StrategyId]) -> Vec<Input> {
    let given = |control, reason| {
        Input::Control(Box::new(Instruction {
            control,
            actor: "configuration".to_owned(),
            from: "system.active_strategies".to_owned(),
            reason,
            ..Instruction::default()
        }))
    };
    let books = engine.books();
    let count = u16::try_from(engine.strategies().len()).unwrap_or(u16::MAX);
    let mut inputs = Vec::new();
    for strategy in (0..count).map(StrategyId) {
        let block = Block::new(Scope::Strategy(strategy), BlockReason::Retired);
        let is_retired = retired.contains(&strategy);
        match (is_retired, books.blocks().holds(block)) {
            (true, false) => {
                let reason = "the configuration names it no more".to_owned();
                inputs.push(given(Control::Block(block), reason));
            }
            (false, true) => {
                let reason = "the configuration names it again".to_owned();
                inputs.push(given(Control::Lift(block), reason));
            }
            _ => {}
        }
        let stage = books.risk().promotions().of(strategy).stage;
        let promotes = Stage::needed(mode) == Some(Stage::Paper);
        if promotes && !is_retired && stage == Stage::Backtest {
            let control = Control::Promote { strategy, to: Stage::Paper };
            inputs.push(given(control, format!("the mode is {mode}")));
        }
    }
    inputs
}
