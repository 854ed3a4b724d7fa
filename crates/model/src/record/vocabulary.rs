//! The vocabulary's types as fields and records. A tag, once given, keeps its meaning.

use super::{DecodeError, Field, Value, Writer};
use crate::exchange::Session;
use crate::{
    AccountRow, ActionKind, Ask, Bands, Bar, Breaker, BrokerId, BrokerOrderId, CancelRequest, Cash,
    ChargeKind, ClientOrderId, ClosedTrade, Conditions, CorporateAction, Date, ExecId, ExecType,
    ExecutionReport, ExecutionRow, ExitReason, Fill, GroupId, Halt, MarketEvent, NewOrder,
    NotSentReason, OrderKind, OrderNumber, OrderRole, OrderRow, OrderState, Page, PositionRow, Ppm,
    Price, Quantity, Query, QueryId, Quote, RejectReason, ReplaceRequest, RequestKind, Rows,
    SendOutcome, Side, SourceId, SplitRatio, StrategyId, Symbol, SymbolDay, SymbolId, TimeInForce,
    Timestamp, Trade, TradeFill, UnknownCause, Volume, VolumeBaseline,
};
use crate::{record, record_enum};

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
    Conditions => |v| v.bits(), Conditions::from_bits, u8;
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
    BrokerOrderId => BrokerOrderId::new("_").unwrap_or_else(|| unreachable!("a short text")),
        BrokerOrderId::new;
}

impl Default for SplitRatio {
    /// One for one.
    fn default() -> Self {
        Self::ONE
    }
}
impl Value for SplitRatio {
    fn put(&self, tag: u32, writer: &mut Writer) {
        (self.new_shares(), self.old_shares()).put(tag, writer);
    }
    fn get(&mut self, field: &Field<'_>) -> Option<Result<(), DecodeError>> {
        let mut pair = (0_u32, 0_u32);
        let read = pair.get(field)?;
        if read.is_ok() {
            *self = Self::new(pair.0, pair.1)?;
        }
        Some(read)
    }
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
    ActionKind = ActionKind::Dividend { per_share: Cash::ZERO };
    CorporateAction = CorporateAction {
        symbol: SymbolId(0), ex_date: Date::from_days(0), kind: ActionKind::default(),
    };
    Side = Side::Buy;
    TimeInForce = TimeInForce::Day;
    OrderKind = OrderKind::Market;
    OrderRole = OrderRole::Entry;
    OrderState = OrderState::Created;
    RejectReason = RejectReason::Other;
    RequestKind = RequestKind::Submit;
    NotSentReason = NotSentReason::NotConnected;
    UnknownCause = UnknownCause::Unmapped;
    SendOutcome = SendOutcome::Unknown(UnknownCause::Unmapped);
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
        exec: ExecType::Accepted, time: Timestamp::default(), cum_qty: None,
        broker_id: None,
    };
}

record_enum!(ActionKind {
    0: Split { 1: ratio: SplitRatio, 2: cash_in_lieu: Option<Price> },
    1: Dividend { 1: per_share: Cash },
    2: Rename { 1: to: Symbol },
});
record!(CorporateAction { 1: symbol, 2: ex_date, 3: kind });
record_enum!(ChargeKind {
    0: FeeRounding,
    1: ShortBorrow,
    2: Locate,
    3: MarginInterest,
    4: Subscription,
    5: Other,
});
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
    9: RateLimited,
    10: ShortSale,
    11: SelfTrade,
    12: Restricted,
    13: NotSent,
});
record_enum!(RequestKind { 0: Submit, 1: Replace, 2: Cancel });
record_enum!(NotSentReason {
    0: NotConnected,
    1: Withdrawn,
    2: Killed,
    3: TooOld,
    4: Budget,
    5: LastCheck,
    6: Fenced,
});
record_enum!(UnknownCause {
    0: Timeout,
    1: ConnectionLost,
    2: ServerError,
    3: Unparsable,
    4: RateLimited,
    5: Unmapped,
    6: DuplicateId,
    7: Restart,
    8: Missing,
});
record_enum!(SendOutcome {
    0: NotSent(NotSentReason),
    1: Rejected(RejectReason),
    2: Accepted,
    3: Unknown(UnknownCause),
});
record!(QueryId { 1: epoch, 2: number });
record_enum!(Ask {
    0: OpenOrders,
    1: Order(ClientOrderId),
    2: Executions { 1: since: Timestamp },
    3: Positions,
    4: Account,
});
record!(Query { 1: id, 2: broker, 3: ask });
record!(Page { 1: query, 2: page, 3: last, 4: asked_after, 5: answered_after, 6: rows });
record_enum!(Rows {
    0: Unavailable,
    1: Orders(Vec<OrderRow>),
    2: Executions(Vec<ExecutionRow>),
    3: Positions(Vec<PositionRow>),
    4: Account(AccountRow),
});
record!(OrderRow {
    1: client_id,
    2: symbol,
    3: side,
    4: kind,
    5: quantity,
    6: filled,
    7: state,
    8: broker_id
});
record!(ExecutionRow { 1: client_id, 2: symbol, 3: fill, 4: time });
record!(PositionRow { 1: symbol, 2: quantity, 3: value });
record!(AccountRow { 1: cash, 2: equity, 3: buying_power });
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
record!(ExecutionReport {
    1: client_id,
    2: broker,
    3: symbol,
    4: exec,
    5: time,
    6: cum_qty,
    7: broker_id
});
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
    10: CorporateAction,
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
record!(Session { 1: date, 2: pre_open, 3: open, 4: close, 5: post_close, 6: early_close });
record!(Bar { 1: start, 2: open, 3: high, 4: low, 5: close, 6: volume });
record!(Quote { 1: time, 2: bid, 3: ask, 4: bid_size, 5: ask_size });
record!(Trade { 1: time, 2: price, 3: size, 4: sequence, 5: conditions });
record!(Halt { 1: time, 2: halted });
record!(Bands { 1: time, 2: lower, 3: upper, 4: limit_state });
record!(Breaker { 1: time, 2: level });
record_enum!(MarketEvent {
    0: Heartbeat,
    1: Bar { 1: symbol: SymbolId, 2: bar: Bar },
    2: Quote { 1: symbol: SymbolId, 2: quote: Quote },
    3: Trade { 1: symbol: SymbolId, 2: trade: Trade },
    4: Gap { 1: symbol: SymbolId, 2: missing: u64 },
    5: Backfill { 1: symbol: SymbolId, 2: bar: Bar },
    6: BackfillEnd { 1: symbol: SymbolId },
    7: Halt { 1: symbol: SymbolId, 2: halt: Halt },
    8: Bands { 1: symbol: SymbolId, 2: bands: Bands },
    9: Breaker(Breaker),
});
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
    10: sma50,
    11: shortable,
    12: event_pending,
});
