//! Why the gate or the sizing refused an entry (I17).

use model::record_enum;

/// The control or sizing rule that refused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum RejectCode {
    /// The lifecycle's state or the kill switch lets no opening order pass (I12, C31).
    #[default]
    GateClosed,
    /// The order is not valid (C01).
    OrderInvalid,
    /// The order's value is too large (C02).
    OrderValue,
    /// A price is not on a tick (C05).
    OffTick,
    /// The position would be too large (C06).
    PositionSize,
    /// Too many positions (C07).
    MaxPositions,
    /// The day's loss reached its reduce-only line (C10).
    DailyLoss,
    /// Another strategy has a position or an order in the symbol (C18).
    SymbolTaken,
    /// Outside the part of the session in which positions may be opened (C23).
    Session,
    /// The stop is on the wrong side or too near (TS2).
    StopTooNear,
    /// The stop is too far away (TS2).
    StopTooFar,
    /// A plan without a stop is not allowed here.
    Unprotected,
    /// The size is under the smallest quantity; the binding term is the value (TS4).
    SizeTooSmall,
    /// The risk is under the smallest risk; the binding term is the value (TS4).
    RiskTooSmall,
    /// A reference value is missing (design.md 6).
    NoReference,
    /// Trading is halted, or started again less than 60 s ago (C21).
    Halted,
    /// The kill switch is set for what the order belongs to (C31).
    Killed,
    /// Something else blocks what the order belongs to; the value is the reason's number.
    Blocked,
    /// One evaluation stated more signals than their queue holds (F42).
    QueueFull,
    /// Another broker holds a position or an order in the symbol; the value is its number (R5).
    OtherBroker,
    /// A broker refused the last entry: the next one waits; the value is seconds (F20).
    BrokerRefused,
    /// Settled cash does not pay it, or a cash account would sell short (C25).
    SettledCash,
    /// It would wash a loss of the last 30 days (C26).
    WashSale,
}

impl RejectCode {
    /// All codes, in the order of their definition.
    pub const ALL: [Self; 23] = [
        Self::GateClosed,
        Self::OrderInvalid,
        Self::OrderValue,
        Self::OffTick,
        Self::PositionSize,
        Self::MaxPositions,
        Self::DailyLoss,
        Self::SymbolTaken,
        Self::Session,
        Self::StopTooNear,
        Self::StopTooFar,
        Self::Unprotected,
        Self::SizeTooSmall,
        Self::RiskTooSmall,
        Self::NoReference,
        Self::Halted,
        Self::Killed,
        Self::Blocked,
        Self::QueueFull,
        Self::OtherBroker,
        Self::BrokerRefused,
        Self::SettledCash,
        Self::WashSale,
    ];

    /// Returns the reason in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::GateClosed => "gate_closed",
            Self::OrderInvalid => "order_invalid",
            Self::OrderValue => "order_value",
            Self::OffTick => "off_tick",
            Self::PositionSize => "position_size",
            Self::MaxPositions => "max_positions",
            Self::DailyLoss => "daily_loss",
            Self::SymbolTaken => "symbol_taken",
            Self::Session => "session",
            Self::StopTooNear => "stop_too_near",
            Self::StopTooFar => "stop_too_far",
            Self::Unprotected => "unprotected",
            Self::SizeTooSmall => "size_too_small",
            Self::RiskTooSmall => "risk_too_small",
            Self::NoReference => "no_reference",
            Self::Halted => "halted",
            Self::Killed => "killed",
            Self::Blocked => "blocked",
            Self::QueueFull => "queue_full",
            Self::OtherBroker => "other_broker",
            Self::BrokerRefused => "broker_refused",
            Self::SettledCash => "settled_cash",
            Self::WashSale => "wash_sale",
        }
    }

    /// Returns the rule or control id that the code stands for.
    pub const fn rule(self) -> &'static str {
        match self {
            Self::GateClosed => "I12",
            Self::OrderInvalid => "C01",
            Self::OrderValue => "C02",
            Self::OffTick => "C05",
            Self::PositionSize => "C06",
            Self::MaxPositions => "C07",
            Self::DailyLoss => "C10",
            Self::SymbolTaken => "C18",
            Self::Session => "C23",
            Self::StopTooNear | Self::StopTooFar => "TS2",
            Self::Unprotected => "C16",
            Self::SizeTooSmall | Self::RiskTooSmall => "TS4",
            Self::NoReference => "C09",
            Self::Halted => "C21",
            Self::Killed => "C31",
            Self::Blocked => "I12",
            Self::QueueFull => "F42",
            Self::OtherBroker => "R5",
            Self::BrokerRefused => "F20",
            Self::SettledCash => "C25",
            Self::WashSale => "C26",
        }
    }
}

/// A refusal with the limit and the value that met it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Rejection {
    /// What refused.
    pub code: RejectCode,
    /// The limit, in the unit of the rule.
    pub limit: f64,
    /// The value that met it.
    pub value: f64,
}

impl Rejection {
    /// Makes a refusal.
    pub fn new(code: RejectCode, limit: f64, value: f64) -> Self {
        Self { code, limit, value }
    }
}

record_enum!(RejectCode {
    0: GateClosed,
    1: OrderInvalid,
    2: OrderValue,
    3: OffTick,
    4: PositionSize,
    5: MaxPositions,
    6: DailyLoss,
    7: SymbolTaken,
    8: Session,
    9: StopTooNear,
    10: StopTooFar,
    11: Unprotected,
    12: SizeTooSmall,
    13: RiskTooSmall,
    14: NoReference,
    15: Halted,
    16: Killed,
    17: Blocked,
    18: QueueFull,
    19: OtherBroker,
    20: BrokerRefused,
    21: SettledCash,
    22: WashSale,
});
