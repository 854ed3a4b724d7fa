//! Replay: recorded groups once more, with byte comparison of what follows (journal.md 8, 19).
//!
//! One function serves recovery, the `replay` command, the shadow check of snapshots and the audit
//! of a live day. Two ways:
//!
//! - *exact*: the inputs are applied and the core's own facts compared with the recorded ones byte
//!   for byte. It yields books and analysis, and holds only for what this build wrote.
//! - *adopt*: inputs are observed and recorded facts folded; nothing is decided. It yields the
//!   books; the analysis starts cold.
//!
//! A [`Start`] says whether its process went on with a warm analysis or began with a cold one, so
//! the journal alone is enough to follow many processes, builds and configurations.
//!
//! Invariant: no effect fires (J13); the journal always wins.

use engine::record::{self, DecodeError, Reader, Writer};
use engine::strategy_engine::Decision;
use engine::{Engine, Fact, Input, Outputs, Sequenced, Start};
use journal::{Flags, Group, Record};
use model::{StrategyId, Timestamp};
use smallvec::SmallVec;

use crate::codec::{self, CodecError, Entry, Mark};
use crate::sequencer::mark_of;

/// Builds an engine as a start describes it.
pub trait Foundry: Send + Sync {
    /// Returns an engine with the start's configuration and empty books.
    ///
    /// # Errors
    /// The configuration in the start is not one that this build can run.
    fn engine(&self, start: &Start) -> Result<Engine, FoundryError>;

    /// Returns the configuration under which books that were kept under `old` go on when `new` is
    /// wanted: what they name keeps its place, what is new stands behind it.
    ///
    /// # Errors
    /// They cannot go on, and why.
    fn follow(&self, old: &Start, new: &Start) -> Result<String, FoundryError>;

    /// Returns the strategies that have a place in a start's configuration only because books name
    /// them: nobody wants them any more.
    ///
    /// # Errors
    /// The configuration cannot be read.
    fn retired(&self, start: &Start) -> Result<Vec<StrategyId>, FoundryError>;
}

/// Why no engine can be built, or why books cannot go on under another configuration.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct FoundryError(pub String);

/// How much is replayed, and when to stop.
#[derive(Clone, Debug)]
pub struct Plan {
    /// This build: what another one wrote is adopted.
    pub build: String,
    /// Decides nothing at all, whoever wrote the journal.
    pub adopt: bool,
    /// Ends at the first difference: whoever recovers then adopts.
    pub stop_at_difference: bool,
}

/// Where the journal and a replay of it part.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// The record, or the group's first one when a record is missing or too many.
    pub seq: u64,
    /// The kind of the record.
    pub kind: &'static str,
    /// What the journal says.
    pub recorded: String,
    /// What the replay says.
    pub replayed: String,
}

/// Differences that are kept in words; the others are counted.
const MOST_DIFFERENCES: usize = 1_000;

/// What a replay found.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Replayed {
    /// Records that were replayed.
    pub records: u64,
    /// The first of them.
    pub from_seq: Option<u64>,
    /// The last of them.
    pub to_seq: Option<u64>,
    /// Engine time at the end.
    pub time: Option<Timestamp>,
    /// Differences, the first thousand in words.
    pub differences: Vec<Difference>,
    /// All differences.
    pub difference_count: u64,
    /// Marks that were compared and agreed.
    pub marks: u64,
    /// The last Mark with its sequence.
    pub last_mark: Option<(u64, Mark)>,
    /// Records of kinds that this build does not know and may skip (J12).
    pub skipped: u64,
    /// The highest epoch of a start.
    pub epoch: u32,
}

/// Why a replay cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A record cannot be understood.
    #[error("record {seq} cannot be replayed")]
    Codec {
        /// The record.
        seq: u64,
        /// Why.
        source: CodecError,
    },
    /// A group has no input, or two.
    #[error("the group that begins at {seq} is not one input with its facts")]
    Group {
        /// Its first record.
        seq: u64,
    },
    /// The engine of a start cannot be built.
    #[error("the configuration of the start at {seq} cannot be run by this build")]
    Foundry {
        /// The start.
        seq: u64,
        /// Why.
        source: FoundryError,
    },
    /// The first input is no start and there is no snapshot before it.
    #[error("the journal begins at {seq} without a start and without a snapshot before it")]
    NoStart {
        /// The first record.
        seq: u64,
    },
    /// The books of the process before cannot be taken over.
    #[error("the books cannot be taken over at {seq}")]
    Books {
        /// The start.
        seq: u64,
        /// Why.
        source: DecodeError,
    },
}

/// A replay under way.
pub struct Replay<'f> {
    foundry: &'f dyn Foundry,
    plan: Plan,
    state: Option<(Start, Engine)>,
    exact: bool,
    base_seq: u64,
    found: Replayed,
    out: Outputs,
    /// What led to nothing in the last group, if that was decided again.
    evaluations: Vec<Decision>,
    payload: Writer,
}

impl std::fmt::Debug for Replay<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replay").field("exact", &self.exact).finish_non_exhaustive()
    }
}

impl<'f> Replay<'f> {
    /// Begins before the journal's first record.
    pub fn new(foundry: &'f dyn Foundry, plan: Plan) -> Self {
        Self {
            foundry,
            plan,
            state: None,
            exact: false,
            base_seq: 0,
            found: Replayed::default(),
            out: Outputs::default(),
            evaluations: Vec::new(),
            payload: Writer::new(),
        }
    }

    /// Begins behind a snapshot: `start` is that of its process; `warm` says that its analysis is
    /// of this build.
    pub(crate) fn behind_snapshot(
        self,
        base_seq: u64,
        start: Start,
        engine: Engine,
        warm: bool,
    ) -> Self {
        let exact = warm && !self.plan.adopt;
        let found = Replayed { epoch: start.epoch, ..self.found };
        Self { state: Some((start, engine)), exact, base_seq, found, ..self }
    }

    /// Returns the sequence of the snapshot it began behind; 0 without one.
    pub fn base_seq(&self) -> u64 {
        self.base_seq
    }

    /// Returns the evaluations of the last group that led to nothing; none where it was adopted.
    pub(super) fn evaluations(&self) -> &[Decision] {
        &self.evaluations
    }

    /// Returns what was found so far.
    pub fn found(&self) -> &Replayed {
        &self.found
    }

    /// Returns the engine as it is now; none before the first start.
    pub fn engine(&self) -> Option<&Engine> {
        self.state.as_ref().map(|(_, engine)| engine)
    }

    /// Returns whether books and analysis are those of the journal's process: exact all the way.
    pub fn is_exact(&self) -> bool {
        self.exact && self.found.difference_count == 0
    }

    /// Ends the replay: what was found, and the engine with the start of its process.
    pub fn finish(self) -> (Replayed, Option<(Start, Engine)>) {
        (self.found, self.state)
    }

    /// Replays one group; false when the plan says to stop.
    ///
    /// # Errors
    /// The group cannot be understood, or the engine of a start not be built.
    pub fn take(&mut self, group: &Group<'_>) -> Result<bool, ReplayError> {
        let extract = group.extract;
        self.evaluations.clear();
        let records: SmallVec<[Record<'_>; 8]> = group.records().collect();
        let group = records.as_slice();
        let (Some(first), Some(last)) = (group.first(), group.last()) else { return Ok(true) };
        self.found.from_seq.get_or_insert(first.seq);
        self.found.to_seq = Some(last.seq);
        self.found.time = Some(last.time);
        self.found.records += group.len() as u64;
        let Some(input) = self.read_input(group, extract)? else { return Ok(self.goes_on()) };
        if let Input::Start(start) = &input.item {
            self.begin(input.seq, start)?;
        }
        if self.state.is_none() {
            return Err(ReplayError::NoStart { seq: first.seq });
        }
        // Without its market data nothing can be decided again.
        self.exact &= !extract;
        if self.exact {
            self.repeat(&input, group)
        } else {
            self.adopt(&input, group)?
        }
        Ok(self.goes_on())
    }

    fn goes_on(&self) -> bool {
        !self.plan.stop_at_difference || self.found.difference_count == 0
    }

    /// Finds the group's input; a Mark is compared here, and the journal's own records are passed
    /// over. In an extract the facts of market data stand without it.
    fn read_input(
        &mut self,
        group: &[Record<'_>],
        extract: bool,
    ) -> Result<Option<Sequenced<Input>>, ReplayError> {
        let first = group.first().map_or(0, |record| record.seq);
        let mut found = None;
        for record in group {
            if record.kind.is_system() || codec::is_fact(record.kind) {
                continue;
            }
            match decode(record)? {
                Some(Entry::Input(_)) if found.is_some() => {
                    return Err(ReplayError::Group { seq: first });
                }
                Some(Entry::Input(item)) => {
                    found = Some(Sequenced { seq: first, time: record.time, item });
                }
                Some(Entry::Mark(mark)) => {
                    self.compare_mark(record.seq, mark);
                    return Ok(None);
                }
                Some(Entry::Fact(_)) => {}
                None => self.found.skipped += u64::from(!record.kind.is_system()),
            }
        }
        let fact = group.iter().find(|record| codec::is_fact(record.kind));
        if let (None, Some(fact)) = (&found, fact) {
            if !extract {
                return Err(ReplayError::Group { seq: first });
            }
            found = Some(Sequenced { seq: first, time: fact.time, item: Input::Time });
        }
        Ok(found)
    }

    /// A process begins: its engine is the one before, or a new one with the books of it.
    fn begin(&mut self, seq: u64, start: &Start) -> Result<(), ReplayError> {
        self.found.epoch = self.found.epoch.max(start.epoch);
        let own = start.build == self.plan.build && !self.plan.adopt;
        let cold = start.cold || self.state.is_none();
        if cold {
            let foundry = |source| ReplayError::Foundry { seq, source };
            let mut engine = self.foundry.engine(start).map_err(foundry)?;
            if let Some((_, before)) = &self.state {
                take_over(before, &mut engine)
                    .map_err(|source| ReplayError::Books { seq, source })?;
            }
            self.state = Some((start.clone(), engine));
        } else if let Some((of, _)) = &mut self.state {
            *of = start.clone();
        }
        self.exact = own && (cold || self.exact);
        Ok(())
    }

    /// Applies the input and compares facts.
    fn repeat(&mut self, input: &Sequenced<Input>, group: &[Record<'_>]) {
        let Some((_, engine)) = &mut self.state else { return };
        engine.apply(input, &mut self.out);
        self.evaluations.extend_from_slice(&self.out.evaluations);
        let mut recorded = group.iter().filter(|record| codec::is_fact(record.kind));
        for (at, fact) in self.out.facts.iter().enumerate() {
            codec::encode_fact(fact, &mut self.payload);
            let before = at < self.out.deadline_facts;
            let same = |record: &Record<'_>| {
                record.kind == codec::fact_kind(fact)
                    && record.flags.has(Flags::BEFORE_INPUT) == before
                    && record.payload == self.payload.bytes()
            };
            let Some(record) = recorded.next() else {
                let nothing = "nothing".to_owned();
                self.found.differ(input.seq, "missing", nothing, format!("{fact:?}"));
                continue;
            };
            if !same(record) {
                let kind = codec::kind_name(record.kind);
                self.found.differ(record.seq, kind, in_words(record), format!("{fact:?}"));
            }
        }
        for record in recorded {
            let kind = codec::kind_name(record.kind);
            self.found.differ(record.seq, kind, in_words(record), "nothing".to_owned());
        }
    }

    /// Takes input and recorded facts into the books.
    fn adopt(&mut self, input: &Sequenced<Input>, group: &[Record<'_>]) -> Result<(), ReplayError> {
        let mut facts: Vec<Fact> = Vec::new();
        let mut before = 0;
        for record in group.iter().filter(|record| codec::is_fact(record.kind)) {
            match decode(record)? {
                Some(Entry::Fact(fact)) => {
                    before += usize::from(record.flags.has(Flags::BEFORE_INPUT));
                    facts.push(fact);
                }
                _ => self.found.skipped += 1,
            }
        }
        if let Some((_, engine)) = &mut self.state {
            engine.adopt(input, &facts, before);
        }
        Ok(())
    }

    fn compare_mark(&mut self, seq: u64, mark: Mark) {
        self.found.last_mark = Some((seq, mark));
        let Some((_, engine)) = &self.state else { return };
        let own = if self.exact {
            mark_of(engine)
        } else {
            Mark { books_hash: engine.books().hash(), ..mark }
        };
        if own == mark {
            self.found.marks += 1;
        } else {
            self.found.differ(seq, "mark", format!("{mark}"), format!("{own}"));
        }
    }
}

impl Replayed {
    fn differ(&mut self, seq: u64, kind: &'static str, recorded: String, replayed: String) {
        self.difference_count += 1;
        if self.differences.len() < MOST_DIFFERENCES {
            self.differences.push(Difference { seq, kind, recorded, replayed });
        }
    }
}

/// Puts the books of one engine, and its time, into another whose analysis is cold.
pub(crate) fn take_over(from: &Engine, to: &mut Engine) -> Result<(), DecodeError> {
    let books = record::encode(from.books());
    to.adopt_books(&mut Reader::new(&books))?;
    set_time(to, from.now());
    Ok(())
}

/// Moves a cold engine to the time of its books.
pub(crate) fn set_time(engine: &mut Engine, time: Timestamp) {
    engine.adopt(&Sequenced { seq: 0, time, item: Input::Time }, &[], 0);
}

fn decode(record: &Record<'_>) -> Result<Option<Entry>, ReplayError> {
    let may_skip = record.flags.has(Flags::NON_CRITICAL);
    codec::decode(record.kind, record.version, may_skip, record.payload)
        .map_err(|source| ReplayError::Codec { seq: record.seq, source })
}

fn in_words(record: &Record<'_>) -> String {
    match decode(record) {
        Ok(Some(Entry::Fact(fact))) => format!("{fact:?}"),
        Ok(other) => format!("{other:?}"),
        Err(error) => error.to_string(),
    }
}
