//! The one sequence: each input gets its place, the core decides, and both become one group of the
//! journal before anything leaves (journal.md 1, 4, 6).
//!
//! Both drive modes use it unchanged: the live loop, which lets outputs leave from the writer
//! thread, and the stepped one, which waits for durability itself. It knows no clock but the
//! boot-time clock that bounds the age of orders (R3).
//!
//! Invariants: what has a sequence number is in the journal; an input whose `apply` panics never
//! enters it, and nothing is applied afterwards.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use engine::record::Writer;
use engine::{Engine, Fact, Input, Outputs, Sequenced};
use journal::{AppendError, Appender, Durable, Flags, Kind, Urgency};
use model::Timestamp;
use tokio::sync::oneshot;

use crate::clock::boot_nanos;
use crate::codec::{self, Mark};
use crate::release::{Pending, Receipt, Released, Releases};

/// Room in the journal's ring that an input and what follows from it may need, in bytes.
const GROUP_ROOM: usize = 4 << 20;

/// Where an applied input lies in the journal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Applied {
    /// Sequence of the group's first record.
    pub seq: u64,
    /// Sequence of its last record: outputs may leave when it is durable.
    pub end_seq: u64,
    /// The writer does not wait for company (journal.md 5).
    pub urgent: bool,
}

/// Why an input could not be applied. The sequencer is done for after either.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The core panicked: the input is not in the journal, the core's state is not to be used.
    #[error("the core panicked while it applied {input}: {message}")]
    Fault {
        /// The kind of the input.
        input: &'static str,
        /// The input, for the crash file.
        detail: String,
        /// What the panic said.
        message: String,
    },
    /// The journal took nothing.
    #[error("an input could not be appended to the journal")]
    Append(#[from] AppendError),
}

/// The engine with its journal.
#[derive(Debug)]
pub struct Sequencer {
    engine: Engine,
    out: Outputs,
    input: Sequenced<Input>,
    appender: Appender,
    releases: Releases,
    payload: Writer,
    failed: bool,
}

impl Sequencer {
    /// Joins an engine, whose state is that of the journal's end, with the journal.
    pub fn new(engine: Engine, appender: Appender, releases: Releases) -> Self {
        Self {
            engine,
            out: Outputs::default(),
            input: Sequenced { seq: 0, time: Timestamp::MIN, item: Input::Time },
            appender,
            releases,
            payload: Writer::new(),
            failed: false,
        }
    }

    /// Returns the engine for reading.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Returns what followed from the last input.
    pub fn outputs(&self) -> &Outputs {
        &self.out
    }

    /// Returns true when the journal's ring has room for any input and all that may follow from
    /// it: without, nothing may be applied.
    pub fn has_room(&self) -> bool {
        let (filled, all) = self.appender.fill();
        all - filled >= GROUP_ROOM
    }

    /// Returns true when the journal's ring is more than half full: only reports, control, time
    /// and a little market data are to be applied (journal.md 5).
    pub fn is_pressed(&self) -> bool {
        let (filled, all) = self.appender.fill();
        filled > all / 2
    }

    /// Applies one input at engine time `time` and appends its group.
    ///
    /// # Errors
    /// The core panicked, or the journal is dead or full; nothing may be applied afterwards.
    pub fn apply(&mut self, time: Timestamp, item: Input) -> Result<Applied, ApplyError> {
        self.apply_for(time, item, None)
    }

    /// Applies one input and tells its giver when it is durable, what became of it.
    ///
    /// # Errors
    /// As [`apply`](Self::apply); the giver's channel is dropped then.
    pub fn apply_for(
        &mut self,
        time: Timestamp,
        item: Input,
        reply: Option<oneshot::Sender<Receipt>>,
    ) -> Result<Applied, ApplyError> {
        // Engine time never goes back, and the record says the time the core saw.
        let time = time.max(self.engine.now());
        self.input = Sequenced { seq: self.appender.next_seq(), time, item };
        self.decide()?;
        self.append(reply)
    }

    /// Returns what tells what is durable, and how the disk is.
    pub fn durable(&self) -> Durable {
        self.appender.durable()
    }

    /// Writes what is pending, makes it durable and ends the journal's writer; the engine is given
    /// back.
    ///
    /// # Errors
    /// The journal is dead.
    pub fn close(self) -> Result<Engine, AppendError> {
        self.appender.close()?;
        Ok(self.engine)
    }

    /// Appends the hashes of the state at this place (journal.md 14, 15).
    ///
    /// # Errors
    /// The journal is dead or full.
    pub fn mark(&mut self) -> Result<(u64, Mark), ApplyError> {
        let mark = mark_of(&self.engine);
        codec::encode_mark(&mark, &mut self.payload);
        let mut group = self.appender.begin(self.engine.now());
        put(&mut group, codec::MARK_KIND, Flags::NONE, &self.payload)?;
        Ok((group.end(Urgency::Soon)?, mark))
    }

    fn decide(&mut self) -> Result<(), ApplyError> {
        let (engine, input, out) = (&mut self.engine, &self.input, &mut self.out);
        let caught = if self.failed {
            Err("it panicked before".to_owned())
        } else {
            catch_unwind(AssertUnwindSafe(|| engine.apply(input, out))).map_err(|panic| {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
                text.unwrap_or("without a message").to_owned()
            })
        };
        caught.map_err(|message| {
            self.failed = true;
            ApplyError::Fault {
                input: codec::kind_name(codec::input_kind(&self.input.item)),
                detail: format!("{:?}", self.input),
                message,
            }
        })
    }

    /// Appends the input and its facts: those of deadlines first (decision 0010).
    fn append(&mut self, reply: Option<oneshot::Sender<Receipt>>) -> Result<Applied, ApplyError> {
        let (input, out, payload) = (&self.input, &self.out, &mut self.payload);
        let urgent = is_urgent(&input.item, out);
        let (before, after) = out.facts.split_at(out.deadline_facts.min(out.facts.len()));
        let mut group = self.appender.begin(input.time);
        for fact in before {
            codec::encode_fact(fact, payload);
            put(
                &mut group,
                codec::fact_kind(fact),
                flags_of(fact).and(Flags::BEFORE_INPUT),
                payload,
            )?;
        }
        codec::encode_input(&input.item, payload);
        put(&mut group, codec::input_kind(&input.item), Flags::NONE, payload)?;
        for fact in after {
            codec::encode_fact(fact, payload);
            put(&mut group, codec::fact_kind(fact), flags_of(fact), payload)?;
        }
        let applied = Applied { seq: input.seq, end_seq: group.next_seq() - 1, urgent };
        // Filed first: the writer may be done with the group before this thread goes on, and what
        // is filed after that would wait for the next group.
        if let Some(pending) = pending(input, out, applied, reply) {
            self.releases.file(pending);
        }
        group.end(if urgent { Urgency::Now } else { Urgency::Soon })?;
        Ok(applied)
    }
}

/// Returns the hashes of an engine's state.
pub fn mark_of(engine: &Engine) -> Mark {
    Mark { state_hash: engine.state_hash(), books_hash: engine.books().hash() }
}

/// Returns what may leave when the group is durable.
fn pending(
    input: &Sequenced<Input>,
    out: &Outputs,
    applied: Applied,
    reply: Option<oneshot::Sender<Receipt>>,
) -> Option<Pending> {
    // Market data and time that led to nothing is told to nobody.
    let silent = out.facts.is_empty()
        && out.evaluations.is_empty()
        && matches!(input.item, Input::Market { .. } | Input::Time);
    if silent && reply.is_none() {
        return None;
    }
    let Applied { seq, end_seq, .. } = applied;
    let reply = reply.map(|to| (to, receipt(end_seq, &out.facts)));
    let record = (!silent).then(|| {
        Arc::new(Released {
            seq,
            end_seq,
            time: input.time,
            input: input.item.clone(),
            facts: out.facts.clone(),
            evaluations: out.evaluations.clone(),
        })
    });
    let (commands, decided_ns) = (out.commands.clone(), boot_nanos());
    Some(Pending { end_seq, decided_ns, commands, record, reply })
}

fn put(
    group: &mut journal::OpenGroup<'_>,
    kind: Kind,
    flags: Flags,
    payload: &Writer,
) -> Result<(), AppendError> {
    let write = |to: &mut Vec<u8>| to.extend_from_slice(payload.bytes());
    group.record(kind, codec::VERSION, flags, write).map(|_| ())
}

fn flags_of(fact: &Fact) -> Flags {
    if codec::is_non_critical(fact) { Flags::NON_CRITICAL } else { Flags::NONE }
}

fn receipt(seq: u64, facts: &[Fact]) -> Receipt {
    let reply = facts.iter().find_map(|fact| match fact {
        Fact::Reply(reply) => Some(reply),
        _ => None,
    });
    let (done, text) =
        reply.map_or((true, String::new()), |reply| (reply.done, reply.text.clone()));
    Receipt { seq, durable: false, done, text }
}

/// The class *now* of journal.md 5: broker commands and reports, control, start, limits, gate.
fn is_urgent(input: &Input, out: &Outputs) -> bool {
    let by_input = match input {
        Input::Start(_)
        | Input::Broker { .. }
        | Input::Control(_)
        | Input::Limits(_)
        | Input::Connection { .. } => true,
        Input::Time | Input::Market { .. } | Input::Reference(_) | Input::Action(_) => false,
    };
    let gate = |fact: &Fact| matches!(fact, Fact::Gate(_) | Fact::Limits(_));
    by_input || !out.commands.is_empty() || out.facts.iter().any(gate)
}
