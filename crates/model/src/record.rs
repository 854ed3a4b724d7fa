//! The one encoding of state, facts and hashes (design.md 6, J12): field-tagged, explicit,
//! readable by every later build.
//!
//! A record is a sequence of fields. A field is a varint key `tag << 2 | wire` followed by its
//! value: wire 0 is a varint (integers zigzag), wire 1 eight little-endian bytes (floats by their
//! bits), wire 2 a varint length and that many bytes (texts, lists, nested records). A reader
//! skips tags it does not know and keeps its default for tags that are absent, so fields may be
//! added and never change their meaning.
//!
//! Types list their fields once with `record!` or `record_enum!`; those macros write both
//! directions.

use std::sync::Arc;

use crate::{
    Bar, BrokerId, CancelRequest, Cash, ClientOrderId, ClosedTrade, Date, ExecId, ExecType,
    ExecutionReport, ExitReason, Fill, GroupId, Halt, NewOrder, OrderKind, OrderNumber, OrderRole,
    OrderState, Ppm, Price, Quantity, Quote, RejectReason, ReplaceRequest, Side, SourceId,
    StrategyId, Symbol, SymbolDay, SymbolId, TimeInForce, Timestamp, Trade, TradeFill, Volume,
    VolumeBaseline,
};

/// Why bytes are not a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end inside a field.
    #[error("record ends inside a field")]
    Truncated,
    /// A varint is longer than ten bytes, or a key has an unknown wire type.
    #[error("record has a malformed key or varint")]
    Malformed,
    /// A field holds a value that its type does not have.
    #[error("field {tag} of {record} has a value out of range")]
    Value {
        /// The record's type.
        record: &'static str,
        /// The field's tag.
        tag: u32,
    },
}

/// Appends fields to a byte buffer.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Makes an empty writer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns what was written.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns what was written and gives the buffer away.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Forgets what was written and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Writes one field; a value equal to its absence (`None`, an empty list) writes nothing.
    #[inline]
    pub fn field<V: Value>(&mut self, tag: u32, value: &V) {
        value.put(tag, self);
    }

    #[inline]
    fn key(&mut self, tag: u32, wire: u64) {
        self.varint(u64::from(tag) << 2 | wire);
    }

    #[inline]
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    /// Writes an unsigned integer field.
    #[inline]
    pub fn uint(&mut self, tag: u32, value: u64) {
        self.key(tag, 0);
        self.varint(value);
    }

    /// Writes a float field by its bits.
    #[inline]
    pub fn float(&mut self, tag: u32, value: f64) {
        self.key(tag, 1);
        self.bytes.extend_from_slice(&value.to_bits().to_le_bytes());
    }

    /// Writes a field of bytes.
    #[inline]
    pub fn blob(&mut self, tag: u32, value: &[u8]) {
        self.key(tag, 2);
        self.varint(value.len() as u64);
        self.bytes.extend_from_slice(value);
    }

    /// Writes a nested record: whatever `body` writes becomes the field's value.
    #[inline]
    pub fn nested(&mut self, tag: u32, body: impl FnOnce(&mut Self)) {
        self.key(tag, 2);
        // Most nested records are under 128 bytes: guess a length of one byte, mend if longer.
        let at = self.bytes.len();
        self.bytes.push(0);
        body(self);
        let length = (self.bytes.len() - at - 1) as u64;
        if length < 0x80 {
            self.bytes[at] = length as u8;
        } else {
            let mut prefix = Writer::new();
            prefix.varint(length);
            self.bytes.splice(at..=at, prefix.bytes);
        }
    }
}

/// One field as read: its value still undecoded.
#[derive(Debug, Clone, Copy)]
pub struct Field<'a> {
    /// The field's tag.
    pub tag: u32,
    data: Data<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Data<'a> {
    Uint(u64),
    Fixed(u64),
    Blob(&'a [u8]),
}

impl<'a> Field<'a> {
    /// Returns an unsigned integer, or `None` when the field is of another kind.
    pub fn uint(&self) -> Option<u64> {
        if let Data::Uint(value) = self.data { Some(value) } else { None }
    }

    /// Returns a float, or `None` when the field is of another kind.
    pub fn float(&self) -> Option<f64> {
        if let Data::Fixed(bits) = self.data { Some(f64::from_bits(bits)) } else { None }
    }

    /// Returns the bytes, or `None` when the field is of another kind.
    pub fn blob(&self) -> Option<&'a [u8]> {
        if let Data::Blob(bytes) = self.data { Some(bytes) } else { None }
    }
}

/// Reads fields from bytes.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Makes a reader of a whole record.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0_u64;
        for shift in (0..70).step_by(7) {
            let (&byte, rest) = self.bytes.split_first().ok_or(DecodeError::Truncated)?;
            self.bytes = rest;
            let part = u64::from(byte & 0x7f);
            if shift == 63 && part > 1 {
                return Err(DecodeError::Malformed);
            }
            value |= part << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(DecodeError::Malformed)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let (head, rest) = self.bytes.split_at_checked(count).ok_or(DecodeError::Truncated)?;
        self.bytes = rest;
        Ok(head)
    }

    /// Returns the next field, or `None` at the end.
    pub fn next_field(&mut self) -> Result<Option<Field<'a>>, DecodeError> {
        if self.bytes.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let tag = u32::try_from(key >> 2).map_err(|_| DecodeError::Malformed)?;
        let data = match key & 3 {
            0 => Data::Uint(self.varint()?),
            1 => {
                let bytes: [u8; 8] =
                    self.take(8)?.try_into().map_err(|_| DecodeError::Truncated)?;
                Data::Fixed(u64::from_le_bytes(bytes))
            }
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| DecodeError::Malformed)?;
                Data::Blob(self.take(length)?)
            }
            _ => return Err(DecodeError::Malformed),
        };
        Ok(Some(Field { tag, data }))
    }
}

/// A type that writes all its fields and reads them back into a default value.
pub trait Record {
    /// Writes the fields.
    fn save(&self, writer: &mut Writer);

    /// Reads fields into `self`: unknown tags are skipped, absent ones keep their value.
    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError>;
}

/// A type that can be the value of one field.
pub trait Value {
    /// Writes the value under `tag`; writes nothing when it equals its absence.
    fn put(&self, tag: u32, writer: &mut Writer);

    /// Sets `self` from a field; `None` when the field does not fit the type.
    fn get(&mut self, field: &Field<'_>) -> Option<Result<(), DecodeError>>;
}

macro_rules! value_int {
    ($($signed:ty),* ; $($unsigned:ty),*) => {
        $(impl Value for $signed {
            #[inline]
            fn put(&self, tag: u32, writer: &mut Writer) {
                let wide = i64::from(*self);
                writer.uint(tag, ((wide << 1) ^ (wide >> 63)) as u64);
            }
            #[inline]
            fn get(&mut self, field: &Field<'_>) -> Option<Result<(), DecodeError>> {
                let raw = field.uint()?;
                let wide = (raw >> 1) as i64 ^ -((raw & 1) as i64);
                *self = Self::try_from(wide).ok()?;
                Some(Ok(()))
            }
        })*
        $(impl Value for $unsigned {
            #[inline]
            fn put(&self, tag: u32, writer: &mut Writer) {
                writer.uint(tag, u64::from(*self));
            }
            #[inline]
            fn get(&mut self, field: &Field<'_>) -> Option<Result<(), DecodeError>> {
                *self = Self::try_from(field.uint()?).ok()?;
                Some(Ok(()))
            }
        })*
    };
}
value_int!(i16, i32, i64; u8, u16, u32, u64);

impl Value for usize {
    fn put(&self, tag: u32, writer: &mut Writer) {
        writer.uint(tag, *self as u64);
    }
    fn get(&mut self, field: &Field<'_>) -> Option<Result<(), DecodeError>> {
        *self = Self::try_from(field.uint()?).ok()?;
        Some(Ok(()))
    }
}

impl Value for bool {
    fn put(&self, tag: u32, writer: &mut Writer) {
        writer.uint(tag, u64::from(*self));
    }
    fn get(&mut self, field: &Field<'_>) -> Option<Result<(), DecodeError>> {
        *self = match field.uint()? {
            0 => false,
            1 => true,
            _ => return None,
        };
        Some(Ok(()))
    }
}

impl Value for f64 {
    fn put(&self, tag: u32, writer: &mut Writer) {
        writer.float(tag, *self);
    }
    fn get(&mut self, field: &Field<'_>) -> Option<Result<(), DecodeError>> {
        *self = field.float()?;
        Some(Ok(()))
    }
}

impl Value for String {
    fn put(&self, tag: u32, writer: &mut Writer) {
        writer.blob(tag, self.as_bytes());
    }
    fn get(&mut self, field: &Field<'_>) -> Option<Result<(), DecodeError>> {
        *self = std::str::from_utf8(field.blob()?).ok()?.to_owned();
        Some(Ok(()))
    }
}

/// Optional values: absence is the absence of the field.
impl<V: Value + Default> Value for Option<V> {
    fn put(&self, tag: u32, writer: &mut Writer) {
        if let Some(value) = self {
            value.put(tag, writer);
        }
    }
    fn get(&mut self, field: &Field<'_>) -> Option<Result<(), DecodeError>> {
        let mut value = V::default();
        let read = value.get(field)?;
        *self = Some(value);
        Some(read)
    }
}

impl<V: Value> Value for Box<V> {
    fn put(&self, tag: u32, writer: &mut Writer) {
        (**self).put(tag, writer);
    }
    fn get(&mut self, field: &Field<'_>) -> Option<Result<(), DecodeError>> {
        (**self).get(field)
    }
}

impl<V: Value + Clone> Value for Arc<V> {
    fn put(&self, tag: u32, writer: &mut Writer) {
        (**self).put(tag, writer);
    }
    fn get(&mut self, field: &Field<'_>) -> Option<Result<(), DecodeError>> {
        Arc::make_mut(self).get(field)
    }
}

fn put_list<'a, V: Value + 'a>(items: impl Iterator<Item = &'a V>, tag: u32, w: &mut Writer) {
    w.nested(tag, |w| items.for_each(|item| item.put(0, w)));
}

fn get_list<V: Value + Default>(
    field: &Field<'_>,
    mut push: impl FnMut(V) -> Option<()>,
) -> Option<Result<(), DecodeError>> {
    let mut reader = Reader::new(field.blob()?);
    loop {
        match reader.next_field() {
            Ok(Some(item)) => {
                let mut value = V::default();
                if let Err(error) = value.get(&item)? {
                    return Some(Err(error));
                }
                push(value)?;
            }
            Ok(None) => return Some(Ok(())),
            Err(error) => return Some(Err(error)),
        }
    }
}

/// Lists: a nested record whose fields all have tag 0. Items must not be `Option`.
impl<V: Value + Default> Value for Vec<V> {
    fn put(&self, tag: u32, writer: &mut Writer) {
        put_list(self.iter(), tag, writer);
    }
    fn get(&mut self, field: &Field<'_>) -> Option<Result<(), DecodeError>> {
        self.clear();
        get_list(field, |value| {
            self.push(value);
            Some(())
        })
    }
}

impl<V: Value + Default, const N: usize> Value for [V; N] {
    fn put(&self, tag: u32, writer: &mut Writer) {
        put_list(self.iter(), tag, writer);
    }
    fn get(&mut self, field: &Field<'_>) -> Option<Result<(), DecodeError>> {
        let mut at = 0;
        get_list(field, |value| {
            *self.get_mut(at)? = value;
            at += 1;
            Some(())
        })
    }
}

impl<V: Value + Default, const N: usize> Value for arrayvec::ArrayVec<V, N> {
    fn put(&self, tag: u32, writer: &mut Writer) {
        put_list(self.iter(), tag, writer);
    }
    fn get(&mut self, field: &Field<'_>) -> Option<Result<(), DecodeError>> {
        self.clear();
        get_list(field, |value| self.try_push(value).ok())
    }
}

impl<V: Value + Default> Value for std::collections::VecDeque<V> {
    fn put(&self, tag: u32, writer: &mut Writer) {
        put_list(self.iter(), tag, writer);
    }
    fn get(&mut self, field: &Field<'_>) -> Option<Result<(), DecodeError>> {
        self.clear();
        get_list(field, |value| {
            self.push_back(value);
            Some(())
        })
    }
}

/// Pairs: a nested record with tags 1 and 2. Parts must not be `Option`.
impl<A: Value, B: Value> Value for (A, B) {
    fn put(&self, tag: u32, writer: &mut Writer) {
        writer.nested(tag, |w| {
            self.0.put(1, w);
            self.1.put(2, w);
        });
    }
    fn get(&mut self, field: &Field<'_>) -> Option<Result<(), DecodeError>> {
        let mut reader = Reader::new(field.blob()?);
        loop {
            let read = match reader.next_field() {
                Ok(Some(part)) if part.tag == 1 => self.0.get(&part)?,
                Ok(Some(part)) if part.tag == 2 => self.1.get(&part)?,
                Ok(Some(_)) => Ok(()),
                Ok(None) => return Some(Ok(())),
                Err(error) => return Some(Err(error)),
            };
            if read.is_err() {
                return Some(read);
            }
        }
    }
}

macro_rules! value_newtype {
    ($($name:ty => $to:expr, $from:expr, $raw:ty;)*) => {
        $(impl Value for $name {
            #[inline]
            fn put(&self, tag: u32, writer: &mut Writer) {
                let to: fn(&$name) -> $raw = $to;
                to(self).put(tag, writer);
            }
            #[inline]
            fn get(&mut self, field: &Field<'_>) -> Option<Result<(), DecodeError>> {
                let mut raw = <$raw>::default();
                let read = raw.get(field)?;
                let from: fn($raw) -> $name = $from;
                *self = from(raw);
                Some(read)
            }
        })*
    };
}
value_newtype! {
    Price => |v| v.raw(), Price::from_raw, i64;
    Quantity => |v| v.raw(), Quantity::from_raw, i64;
    Cash => |v| v.raw(), Cash::from_raw, i64;
    Ppm => |v| v.0, Ppm, i64;
    Volume => |v| v.0, Volume, u64;
    Timestamp => |v| v.nanos(), Timestamp::from_nanos, i64;
    Date => |v| v.days(), Date::from_days, i32;
    SymbolId => |v| v.0, SymbolId, u32;
    StrategyId => |v| v.0, StrategyId, u16;
    BrokerId => |v| v.0, BrokerId, u8;
    SourceId => |v| v.0, SourceId, u8;
    OrderNumber => |v| v.0, OrderNumber, u64;
    GroupId => |v| v.0, GroupId, u64;
}

macro_rules! value_text {
    ($($name:ty => $default:expr, $parse:expr;)*) => {
        $(impl Value for $name {
            fn put(&self, tag: u32, writer: &mut Writer) {
                writer.blob(tag, self.as_str().as_bytes());
            }
            fn get(&mut self, field: &Field<'_>) -> Option<Result<(), DecodeError>> {
                let parse: fn(&str) -> Option<$name> = $parse;
                *self = parse(std::str::from_utf8(field.blob()?).ok()?)?;
                Some(Ok(()))
            }
        }
        impl Default for $name {
            /// A placeholder that a decoder overwrites.
            fn default() -> Self {
                $default
            }
        })*
    };
}
value_text! {
    Symbol => "_".parse().unwrap_or_else(|_| unreachable!("a legal ticker")), |t| t.parse().ok();
    ExecId => ExecId::simulated(0), ExecId::new;
}

/// Implements [`Record`](crate::record::Record) and [`Value`](crate::record::Value) for a struct with `Default`:
/// `record!(Ema { 1: value, 2: count });`. Tags are never reused.
#[macro_export]
macro_rules! record {
    ($name:ident $(<$($g:ident),*>)? { $($tag:literal : $field:ident),* $(,)? }) => {
        impl $(<$($g: $crate::record::Value + Default),*>)? $crate::record::Record
            for $name $(<$($g),*>)?
        {
            fn save(&self, writer: &mut $crate::record::Writer) {
                let _ = &writer;
                $(writer.field($tag, &self.$field);)*
            }
            fn load(
                &mut self,
                reader: &mut $crate::record::Reader<'_>,
            ) -> Result<(), $crate::record::DecodeError> {
                while let Some(field) = reader.next_field()? {
                    match field.tag {
                        $($tag => $crate::record::read(
                            &mut self.$field, &field, stringify!($name),
                        )?,)*
                        _ => {}
                    }
                }
                Ok(())
            }
        }
        impl $(<$($g: $crate::record::Value + Default),*>)? $crate::record::Value
            for $name $(<$($g),*>)?
        {
            fn put(&self, tag: u32, writer: &mut $crate::record::Writer) {
                writer.nested(tag, |w| $crate::record::Record::save(self, w));
            }
            fn get(
                &mut self,
                field: &$crate::record::Field<'_>,
            ) -> Option<Result<(), $crate::record::DecodeError>> {
                let mut reader = $crate::record::Reader::new(field.blob()?);
                Some($crate::record::Record::load(self, &mut reader))
            }
        }
    };
}

/// Implements [`Value`](crate::record::Value) for an enum with `Default`. Variants are units, have named
/// fields, or hold one value:
/// `record_enum!(Kind { 0: Market, 1: Limit { 1: limit: Price }, 2: Trade(Fill) });`
#[macro_export]
macro_rules! record_enum {
    ($name:ident { $($variant_tag:literal : $variant:ident
        $(($inner:ty))? $({ $($tag:literal : $field:ident : $ty:ty),* $(,)? })?),* $(,)? }) => {
        impl $crate::record::Value for $name {
            fn put(&self, tag: u32, writer: &mut $crate::record::Writer) {
                writer.nested(tag, |w| match self {
                    $(Self::$variant $(($crate::record_bind!(inner, $inner)))? $({ $($field),* })? => {
                        w.uint(0, $variant_tag);
                        $(w.field::<$inner>(1, inner);)?
                        $($(w.field($tag, $field);)*)?
                    })*
                });
            }
            fn get(
                &mut self,
                field: &$crate::record::Field<'_>,
            ) -> Option<Result<(), $crate::record::DecodeError>> {
                const RECORD: &str = stringify!($name);
                let body = field.blob()?;
                let read = || -> Result<Option<Self>, $crate::record::DecodeError> {
                    Ok(match $crate::record::find::<u32>(body, 0, RECORD)? {
                        $($variant_tag => Some(Self::$variant
                            $(($crate::record::find::<$inner>(body, 1, RECORD)?))?
                            $({ $($field: $crate::record::find::<$ty>(body, $tag, RECORD)?),* })?
                        ),)*
                        _ => None,
                    })
                };
                match read() {
                    Ok(Some(value)) => {
                        *self = value;
                        Some(Ok(()))
                    }
                    Ok(None) => None,
                    Err(error) => Some(Err(error)),
                }
            }
        }
    };
}

/// Expands to its first argument: names a binding once per repetition of the second.
#[doc(hidden)]
#[macro_export]
macro_rules! record_bind {
    ($name:ident, $ty:ty) => {
        $name
    };
}

/// Reads one field into a value; used by the macros.
pub fn read<V: Value>(
    value: &mut V,
    field: &Field<'_>,
    record: &'static str,
) -> Result<(), DecodeError> {
    value.get(field).unwrap_or(Err(DecodeError::Value { record, tag: field.tag }))
}

/// Finds the field `tag` in a record's bytes, or the default; used by the macros.
pub fn find<V: Value + Default>(
    body: &[u8],
    tag: u32,
    record: &'static str,
) -> Result<V, DecodeError> {
    let mut value = V::default();
    let mut reader = Reader::new(body);
    while let Some(field) = reader.next_field()? {
        if field.tag == tag {
            read(&mut value, &field, record)?;
        }
    }
    Ok(value)
}

/// Encodes one record to bytes.
pub fn encode(record: &impl Record) -> Vec<u8> {
    let mut writer = Writer::new();
    record.save(&mut writer);
    writer.into_bytes()
}

/// Gives enums a placeholder default that a decoder overwrites.
macro_rules! placeholder {
    ($($name:ty = $value:expr;)*) => {
        $(impl Default for $name {
            /// A placeholder that a decoder overwrites.
            fn default() -> Self {
                $value
            }
        })*
    };
}
placeholder! {
    Side = Side::Buy;
    TimeInForce = TimeInForce::Day;
    OrderKind = OrderKind::Market;
    OrderRole = OrderRole::Entry;
    OrderState = OrderState::Created;
    RejectReason = RejectReason::Other;
    ExecType = ExecType::Accepted;
    Halt = Halt { time: Timestamp::default(), halted: false };
    ClientOrderId = ClientOrderId {
        tag: [0; 4], epoch: 0, number: OrderNumber(0), attempt: 0, exit: false,
    };
    Fill = Fill {
        exec_id: ExecId::default(), side: Side::Buy, quantity: Quantity::ZERO,
        price: Price::ZERO, fee: Cash::ZERO,
    };
    SymbolDay = SymbolDay::unknown(SymbolId(0), Date::from_days(0));
    NewOrder = NewOrder {
        client_id: ClientOrderId::default(), broker: BrokerId(0), symbol: SymbolId(0),
        side: Side::Buy, kind: OrderKind::Market, quantity: Quantity::ZERO,
        time_in_force: TimeInForce::Day, role: OrderRole::Entry, group: None,
    };
    CancelRequest = CancelRequest {
        client_id: ClientOrderId::default(), broker: BrokerId(0), symbol: SymbolId(0),
    };
    ReplaceRequest = ReplaceRequest {
        client_id: ClientOrderId::default(), new_client_id: ClientOrderId::default(),
        broker: BrokerId(0), symbol: SymbolId(0), kind: OrderKind::Market,
        quantity: Quantity::ZERO,
    };
    ExecutionReport = ExecutionReport {
        client_id: ClientOrderId::default(), broker: BrokerId(0), symbol: SymbolId(0),
        exec: ExecType::Accepted, time: Timestamp::default(),
    };
}

record_enum!(Side { 0: Buy, 1: Sell, 2: SellShort });
record_enum!(TimeInForce { 0: Day, 1: Gtc, 2: Ioc, 3: Fok, 4: Opg, 5: Cls });
record_enum!(OrderRole { 0: Entry, 1: Stop, 2: Target, 3: Close });
record_enum!(OrderKind {
    0: Market,
    1: Limit { 1: limit: Price },
    2: Stop { 1: stop: Price },
    3: StopLimit { 1: stop: Price, 2: limit: Price },
});
record_enum!(OrderState {
    0: Created,
    1: Sent,
    2: Accepted,
    3: Working,
    4: PartiallyFilled,
    5: Filled,
    6: Cancelled,
    7: Expired,
    8: Rejected,
    9: Replaced,
    10: Unknown,
});
record_enum!(RejectReason {
    0: Invalid,
    1: BuyingPower,
    2: DuplicateId,
    3: UnknownOrder,
    4: TooLate,
    5: Halted,
    6: MarketClosed,
    7: BrokerUnavailable,
    8: Other,
});
record_enum!(ExecType {
    0: Accepted, 1: New, 2: Trade(Fill), 3: Cancelled, 4: Expired, 5: Rejected(RejectReason),
    6: PendingCancel, 7: CancelRejected(RejectReason), 8: PendingReplace, 9: Replaced,
    10: ReplaceRejected(RejectReason), 11: Restated { 1: order_qty: Quantity },
    12: Correct { 1: replaces: ExecId, 2: fill: Fill }, 13: Bust { 1: exec_id: ExecId },
});
record!(ClientOrderId { 1: tag, 2: epoch, 3: number, 4: attempt, 5: exit });
record!(Fill { 1: exec_id, 2: side, 3: quantity, 4: price, 5: fee });
record!(NewOrder {
    1: client_id,
    2: broker,
    3: symbol,
    4: side,
    5: kind,
    6: quantity,
    7: time_in_force,
    8: role,
    9: group,
});
record!(CancelRequest { 1: client_id, 2: broker, 3: symbol });
record!(ReplaceRequest {
    1: client_id,
    2: new_client_id,
    3: broker,
    4: symbol,
    5: kind,
    6: quantity,
});
record!(ExecutionReport { 1: client_id, 2: broker, 3: symbol, 4: exec, 5: time });
record_enum!(ExitReason {
    0: Stop,
    1: MovedStop,
    2: Target,
    3: Trail,
    4: Vwap,
    5: TimeStop,
    6: FlatBy,
    7: Signal,
    8: Flatten,
    9: External,
});
record!(TradeFill { 1: time, 2: side, 3: quantity, 4: price, 5: fee, 6: order });
record!(ClosedTrade {
    1: id,
    2: strategy,
    3: symbol,
    4: long,
    5: quantity,
    6: entry_time,
    7: entry_price,
    8: exit_time,
    9: exit_price,
    10: exit_reason,
    11: initial_stop,
    12: risk_planned,
    13: risk_taken,
    14: gross_pnl,
    15: fees,
    16: net_pnl,
    17: r_multiple,
    18: mae,
    19: mfe,
    20: fills,
});
record!(Bar { 1: start, 2: open, 3: high, 4: low, 5: close, 6: volume });
record!(Quote { 1: time, 2: bid, 3: ask, 4: bid_size, 5: ask_size });
record!(Trade { 1: time, 2: price, 3: size });
record!(Halt { 1: time, 2: halted });
record!(VolumeBaseline { 1: pre_cumulative, 2: pre_bar, 3: rth_cumulative, 4: rth_bar });
record!(SymbolDay {
    1: symbol,
    2: session,
    3: prev_close,
    4: adv20,
    5: atr14,
    6: volume_baseline,
    7: split_ratio,
    8: cash_dividend,
    9: float_shares,
});

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default, PartialEq, Debug)]
    struct Sample {
        kind: ExecType,
        list: Vec<i64>,
        fixed: [f64; 2],
        maybe: Option<Price>,
        text: String,
    }
    record!(Sample { 1: kind, 2: list, 3: fixed, 9: maybe, 200: text });

    fn sample() -> Sample {
        Sample {
            kind: ExecType::Correct {
                replaces: ExecId::simulated(7),
                fill: Fill { price: Price::from_raw(-5), ..Fill::default() },
            },
            list: vec![i64::MIN, -1, 0, i64::MAX],
            fixed: [f64::NEG_INFINITY, 0.1],
            maybe: None,
            text: "x".repeat(300),
        }
    }

    fn decode(bytes: &[u8]) -> Result<Sample, DecodeError> {
        let mut value = Sample::default();
        value.load(&mut Reader::new(bytes)).map(|()| value)
    }

    /// J12: what is written reads back, and every cut of it is an error or a shorter record,
    /// never a panic.
    #[test]
    fn reads_back_and_survives_cuts() {
        let bytes = encode(&sample());
        assert_eq!(decode(&bytes), Ok(sample()));
        for cut in 0..bytes.len() {
            let _ = decode(&bytes[..cut]);
        }
        for at in 0..bytes.len() {
            for flip in [1_u8, 0x80, 0xff] {
                let mut damaged = bytes.clone();
                damaged[at] ^= flip;
                let _ = decode(&damaged);
            }
        }
    }

    /// J12: unknown tags are skipped.
    #[test]
    fn skips_unknown_fields() {
        let mut writer = Writer::new();
        writer.uint(77, 5);
        sample().save(&mut writer);
        writer.blob(78, b"later");
        assert_eq!(decode(writer.bytes()), Ok(sample()));
    }
}
