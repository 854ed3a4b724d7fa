//! Kinds, versions and payloads of the journal's records (journal.md 3, J2, J12).
//!
//! The journal stores (kind, version, bytes); here is what they mean. Inputs and facts have one
//! encoding, that of `model::record`; a record's payload holds it as field 1 and, for everything
//! that names an order, the client order id as plain text in field 2, so that a tracer can compare
//! what was written with what was sent (I2).
//!
//! Invariant: numbers are append-only. A kind that a build does not know is refused, unless its
//! record says that it may be skipped.

use engine::record::{self, DecodeError, Reader, Record as _, Writer};
use engine::{BrokerEvent, Fact, Input};
use journal::Kind;
use model::ClientOrderId;

/// The present version of every kind.
pub const VERSION: u8 = 1;

/// The version of all kinds and encodings together: a build refuses a journal of a later one.
pub const SCHEMA: u32 = 1;

/// The first number of the inputs.
const INPUTS: u16 = Kind::FIRST_FREE.0;
/// The first number of the facts.
const FACTS: u16 = 0x0200;
/// The number of a mark.
const MARK: u16 = 0x0300;

/// What a record holds.
#[derive(Clone, PartialEq, Debug)]
pub enum Entry {
    /// Something that the core consumed.
    Input(Input),
    /// Something that the core decided.
    Fact(Fact),
    /// The hashes of the state at this place.
    Mark(Mark),
}

/// Hashes of the state between two groups (journal.md 15).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Mark {
    /// Books and analysis: equal for the same build, debug or release.
    pub state_hash: u128,
    /// Books in their versioned encoding: equal for every later build.
    pub books_hash: u128,
}

/// Why a record cannot be understood.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CodecError {
    /// The kind or its version belongs to a newer build.
    #[error(
        "record kind {kind:#06x} version {version} is not known to this build: use the build that \
         wrote the journal, or a newer one"
    )]
    Unknown {
        /// The kind.
        kind: u16,
        /// Its version.
        version: u8,
    },
    /// The payload does not fit its kind.
    #[error("the payload of a record of kind {kind} cannot be decoded")]
    Payload {
        /// The kind.
        kind: &'static str,
        /// What is wrong.
        source: DecodeError,
    },
}

/// Returns the number of an input's kind.
pub const fn input_kind(input: &Input) -> Kind {
    Kind(
        INPUTS
            + match input {
                Input::Time => 0,
                Input::Start(_) => 1,
                Input::Connection { .. } => 2,
                Input::Market { .. } => 3,
                Input::Broker { .. } => 4,
                Input::Control(_) => 5,
                Input::Reference(_) => 6,
                Input::Limits(_) => 7,
                Input::Action(_) => 8,
            },
    )
}

/// Returns the number of a fact's kind.
pub const fn fact_kind(fact: &Fact) -> Kind {
    Kind(
        FACTS
            + match fact {
                Fact::Intent(_) => 0,
                Fact::Replace(_) => 1,
                Fact::Cancel(_) => 2,
                Fact::Gate(_) => 3,
                Fact::DayRoll(_) => 4,
                Fact::TradeClosed(_) => 5,
                Fact::Decision(_) => 6,
                Fact::Alert(_) => 7,
                Fact::TradeVoided(_) => 8,
                Fact::Position(_) => 9,
                Fact::Query(_) => 10,
                Fact::AttemptClosed(_) => 11,
                Fact::Route(_) => 12,
                Fact::Triggered(_) => 13,
                Fact::Limits(_) => 14,
                Fact::Compared(_) => 15,
                Fact::Action(_) => 16,
                Fact::Promoted(_) => 17,
                Fact::Reply(_) => 18,
            },
    )
}

/// The kind of a mark.
pub const MARK_KIND: Kind = Kind(MARK);

/// Returns true for facts: what the core decided.
pub const fn is_fact(kind: Kind) -> bool {
    FACTS <= kind.0 && kind.0 < MARK
}

/// The kind of market data: what an extract leaves out (journal.md 17).
pub const MARKET_KIND: Kind = Kind(INPUTS + 3);

/// Returns true for records that a build without their kind may skip: they change no books
/// but for the answer that a repeated instruction gets.
pub const fn is_non_critical(fact: &Fact) -> bool {
    matches!(fact, Fact::Alert(_) | Fact::Reply(_))
}

/// Returns the name of a kind, for people.
pub fn kind_name(kind: Kind) -> &'static str {
    const INPUT_NAMES: [&str; 9] = [
        "time",
        "start",
        "connection",
        "market",
        "broker",
        "control",
        "reference",
        "limits",
        "action",
    ];
    const FACT_NAMES: [&str; 19] = [
        "intent",
        "replace",
        "cancel",
        "gate",
        "day_roll",
        "trade_closed",
        "decision",
        "alert",
        "trade_voided",
        "position",
        "query",
        "attempt_closed",
        "route",
        "triggered",
        "limits_in_force",
        "compared",
        "action_effect",
        "promoted",
        "reply",
    ];
    let name = |names: &'static [&'static str], from: u16| {
        names.get(usize::from(kind.0 - from)).copied().unwrap_or("unknown")
    };
    match kind.0 {
        0..INPUTS => "journal",
        INPUTS..FACTS => name(&INPUT_NAMES, INPUTS),
        FACTS..MARK => name(&FACT_NAMES, FACTS),
        MARK => "mark",
        _ => "unknown",
    }
}

/// Writes the payload of an input over what the writer holds.
pub fn encode_input(input: &Input, to: &mut Writer) {
    to.clear();
    to.field(1, input);
    if let Input::Broker { event, .. } = input {
        match event {
            BrokerEvent::Report(report) => name_order(&report.client_id, to),
            BrokerEvent::Outcome { client_id, .. } => name_order(client_id, to),
            BrokerEvent::Page(_)
            | BrokerEvent::ActionBooked { .. }
            | BrokerEvent::Charge { .. }
            | BrokerEvent::Account(_) => {}
        }
    }
}

/// Writes the payload of a fact over what the writer holds.
pub fn encode_fact(fact: &Fact, to: &mut Writer) {
    to.clear();
    to.field(1, fact);
    match fact {
        Fact::Intent(intent) => name_order(&intent.order.client_id, to),
        Fact::Replace(replace) => name_order(&replace.request.new_client_id, to),
        Fact::Cancel(cancel) => name_order(&cancel.request.client_id, to),
        _ => {}
    }
}

/// Writes the payload of a mark over what the writer holds.
pub fn encode_mark(mark: &Mark, to: &mut Writer) {
    to.clear();
    mark.save(to);
}

impl std::fmt::Display for Mark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "state {:032x}, books {:032x}", self.state_hash, self.books_hash)
    }
}

model::record!(Mark { 1: state_hash, 2: books_hash });

fn name_order(id: &ClientOrderId, to: &mut Writer) {
    use std::io::Write as _;
    // At most 32 characters (R10); the text is made on the stack.
    let mut text = [0_u8; 40];
    let mut rest = &mut text[..];
    let whole = write!(rest, "{id}").is_ok();
    let left = rest.len();
    if whole && let Some(name) = text.get(..40 - left) {
        to.blob(2, name);
    }
}

/// Understands a record; `None` for one that may be skipped, and for the journal's own.
///
/// # Errors
/// The kind is not known and may not be skipped, or the payload does not fit it.
pub fn decode(
    kind: Kind,
    version: u8,
    may_skip: bool,
    payload: &[u8],
) -> Result<Option<Entry>, CodecError> {
    if kind.is_system() {
        return Ok(None);
    }
    let name = kind_name(kind);
    if version != VERSION || name == "unknown" {
        let kind = kind.0;
        return if may_skip { Ok(None) } else { Err(CodecError::Unknown { kind, version }) };
    }
    let bad = |source| CodecError::Payload { kind: name, source };
    Ok(match kind.0 {
        MARK => {
            let mut mark = Mark::default();
            mark.load(&mut Reader::new(payload)).map_err(bad)?;
            Some(Entry::Mark(mark))
        }
        FACTS.. => {
            let fact: Fact = first_field(payload).map_err(bad)?;
            Some(Entry::Fact(fact))
        }
        _ => Some(Entry::Input(first_field(payload).map_err(bad)?)),
    })
}

fn first_field<V: record::Value + Default>(payload: &[u8]) -> Result<V, DecodeError> {
    record::find::<V>(payload, 1, "payload")
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::{Cancel, Intent, Replace};
    use model::{BrokerId, CancelRequest, ExecutionReport, NewOrder, OrderNumber, ReplaceRequest};

    fn id() -> ClientOrderId {
        ClientOrderId {
            tag: *b"BW01",
            epoch: 109_876_543,
            number: OrderNumber(12_345),
            attempt: 2,
            exit: true,
        }
    }

    fn payload_of(fact: &Fact) -> Vec<u8> {
        let mut writer = Writer::new();
        encode_fact(fact, &mut writer);
        writer.into_bytes()
    }

    fn holds(bytes: &[u8], text: &str) -> bool {
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    }

    /// J2: the client order id stands in every record about an order as plain text.
    #[test]
    fn ids_are_readable_in_the_file() {
        let order = NewOrder { client_id: id(), ..NewOrder::default() };
        let request = ReplaceRequest { new_client_id: id(), ..ReplaceRequest::default() };
        let cancel = CancelRequest { client_id: id(), ..CancelRequest::default() };
        for fact in [
            Fact::Intent(Box::new(Intent { order, ..Intent::default() })),
            Fact::Replace(Box::new(Replace { request, ..Replace::default() })),
            Fact::Cancel(Cancel { request: cancel, ..Cancel::default() }),
        ] {
            let bytes = payload_of(&fact);
            assert!(holds(&bytes, "BW01-109876543-12345-2X"), "{}", kind_name(fact_kind(&fact)));
            let read = decode(fact_kind(&fact), VERSION, false, &bytes).unwrap();
            assert_eq!(read, Some(Entry::Fact(fact)));
        }
        let report = ExecutionReport { client_id: id(), ..ExecutionReport::default() };
        let input = Input::Broker { broker: BrokerId(1), event: BrokerEvent::Report(report) };
        let mut writer = Writer::new();
        encode_input(&input, &mut writer);
        assert!(holds(writer.bytes(), "BW01-109876543-12345-2X"));
        let read = decode(input_kind(&input), VERSION, false, writer.bytes()).unwrap();
        assert_eq!(read, Some(Entry::Input(input)));
    }

    /// J12: an unknown kind or version is refused, unless its record may be skipped.
    #[test]
    fn unknown_kinds_are_refused_or_skipped() {
        for (kind, version) in [(0x01ff, 1), (0x0299, 1), (0x0301, 1), (0x0201, 9)] {
            assert_eq!(decode(Kind(kind), version, true, b""), Ok(None));
            let refused = decode(Kind(kind), version, false, b"");
            assert_eq!(refused, Err(CodecError::Unknown { kind, version }));
        }
        assert_eq!(
            decode(Kind::SEGMENT_START, 1, false, b"segment"),
            Ok(None),
            "the journal's own"
        );
    }

    /// J12: the numbers never change.
    #[test]
    fn numbers_are_append_only() {
        let start = Input::Start(Box::default());
        assert_eq!((input_kind(&Input::Time).0, input_kind(&start).0), (0x0100, 0x0101));
        let intent = Fact::Intent(Box::default());
        assert_eq!((fact_kind(&intent).0, MARK_KIND.0), (0x0200, 0x0300));
        assert_eq!(kind_name(Kind(0x0211)), "promoted");
    }

    /// J12: damaged payloads are errors, never a panic.
    #[test]
    fn damaged_payloads_are_errors() {
        let mark = Mark { state_hash: u128::MAX, books_hash: 7 };
        let mut writer = Writer::new();
        encode_mark(&mark, &mut writer);
        assert_eq!(decode(MARK_KIND, 1, false, writer.bytes()), Ok(Some(Entry::Mark(mark))));
        let bytes = payload_of(&Fact::Intent(Box::default()));
        for at in 0..bytes.len() {
            let _ = decode(Kind(FACTS), 1, false, &bytes[..at]);
            let mut damaged = bytes.clone();
            damaged[at] ^= 0xff;
            let _ = decode(Kind(FACTS), 1, false, &damaged);
        }
    }
}
