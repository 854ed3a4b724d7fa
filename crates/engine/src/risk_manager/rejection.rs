//! Why the gate or the sizing refused an entry (I17).

use model::record_enum;

use super::control_id::ControlId;

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
    /// The order has too many shares, in itself or for what trades in the symbol (C03).
    OrderQuantity,
    /// The limit lies too far through the market, or outside the price bands (C04).
    PriceCollar,
    /// The positions and entries of all strategies would be worth too much (C08).
    GrossExposure,
    /// Long and short would differ by too much (C08).
    NetExposure,
    /// More than the buying power that is free (C09).
    BuyingPower,
    /// The broker's figures on the account are too old (C09).
    StaleAccount,
    /// The equity fell too far from its peak (C11).
    Drawdown,
    /// The strategy lost too often in a row (C11).
    LosingStreak,
    /// Too many opening orders of late (C12).
    OrderRate,
    /// The broker's message budget for opening orders is used up (C13).
    MessageBudget,
    /// The strategy entered the same symbol and side too often of late (C14).
    Repeated,
    /// The same order was sent a moment ago (C15).
    Duplicate,
    /// Too many orders are at work (C17).
    OpenOrders,
    /// The order could meet another strategy's in the market (C18).
    SelfTrade,
    /// Short sales are not allowed (C19).
    ShortsOff,
    /// The shares cannot be borrowed today, or nobody knows (C19).
    NotShortable,
    /// The symbol fell by 10 % today or in the session before (C20).
    ShortRestricted,
    /// The quote stands at a price band, or did less than 60 s ago (C21).
    LimitState,
    /// The whole market is paused, or was less than 60 s ago (C22).
    MarketPaused,
    /// It may become one day trade too many (C24).
    DayTrades,
    /// The margin of the worst case would exceed the equity (C24).
    Margin,
    /// The symbol is restricted or not on the list (C27).
    NotAllowed,
    /// The price is outside the range in which is traded (C27).
    PriceRange,
    /// Too little is traded in the symbol (C27).
    ThinlyTraded,
    /// A corporate action is pending (C27).
    EventPending,
    /// The clocks disagree (C30).
    ClockSkew,
    /// The symbol's market data is too old (C28); limit and value in seconds.
    StaleData,
    /// The symbol's market data comes from an unofficial source (R11).
    UnofficialSource,
    /// The strategy was not promoted to what the mode needs (C38); limit and value are the numbers
    /// of the stages.
    NotPromoted,
}

impl RejectCode {
    /// All codes, in the order of their definition.
    pub const ALL: [Self; 52] = [
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
        Self::OrderQuantity,
        Self::PriceCollar,
        Self::GrossExposure,
        Self::NetExposure,
        Self::BuyingPower,
        Self::StaleAccount,
        Self::Drawdown,
        Self::LosingStreak,
        Self::OrderRate,
        Self::MessageBudget,
        Self::Repeated,
        Self::Duplicate,
        Self::OpenOrders,
        Self::SelfTrade,
        Self::ShortsOff,
        Self::NotShortable,
        Self::ShortRestricted,
        Self::LimitState,
        Self::MarketPaused,
        Self::DayTrades,
        Self::Margin,
        Self::NotAllowed,
        Self::PriceRange,
        Self::ThinlyTraded,
        Self::EventPending,
        Self::ClockSkew,
        Self::StaleData,
        Self::UnofficialSource,
        Self::NotPromoted,
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
            Self::OrderQuantity => "order_quantity",
            Self::PriceCollar => "price_collar",
            Self::GrossExposure => "gross_exposure",
            Self::NetExposure => "net_exposure",
            Self::BuyingPower => "buying_power",
            Self::StaleAccount => "stale_account",
            Self::Drawdown => "drawdown",
            Self::LosingStreak => "losing_streak",
            Self::OrderRate => "order_rate",
            Self::MessageBudget => "message_budget",
            Self::Repeated => "repeated",
            Self::Duplicate => "duplicate",
            Self::OpenOrders => "open_orders",
            Self::SelfTrade => "self_trade",
            Self::ShortsOff => "shorts_off",
            Self::NotShortable => "not_shortable",
            Self::ShortRestricted => "short_restricted",
            Self::LimitState => "limit_state",
            Self::MarketPaused => "market_paused",
            Self::DayTrades => "day_trades",
            Self::Margin => "margin",
            Self::NotAllowed => "not_allowed",
            Self::PriceRange => "price_range",
            Self::ThinlyTraded => "thinly_traded",
            Self::EventPending => "event_pending",
            Self::ClockSkew => "clock_skew",
            Self::StaleData => "stale_data",
            Self::UnofficialSource => "unofficial_source",
            Self::NotPromoted => "not_promoted",
        }
    }

    /// Returns the control that refused; `None` when the sizing did.
    pub fn control(self) -> Option<ControlId> {
        match self {
            Self::GateClosed | Self::Blocked => Some(ControlId(31)),
            Self::UnofficialSource => Some(ControlId(28)),
            other => ControlId::from_name(other.rule()),
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
            Self::OrderQuantity => "C03",
            Self::PriceCollar => "C04",
            Self::GrossExposure | Self::NetExposure => "C08",
            Self::BuyingPower | Self::StaleAccount => "C09",
            Self::Drawdown | Self::LosingStreak => "C11",
            Self::OrderRate => "C12",
            Self::MessageBudget => "C13",
            Self::Repeated => "C14",
            Self::Duplicate => "C15",
            Self::OpenOrders => "C17",
            Self::SelfTrade => "C18",
            Self::ShortsOff | Self::NotShortable => "C19",
            Self::ShortRestricted => "C20",
            Self::LimitState => "C21",
            Self::MarketPaused => "C22",
            Self::DayTrades | Self::Margin => "C24",
            Self::NotAllowed | Self::PriceRange | Self::ThinlyTraded | Self::EventPending => "C27",
            Self::ClockSkew => "C30",
            Self::StaleData => "C28",
            Self::UnofficialSource => "R11",
            Self::NotPromoted => "C38",
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
    23: OrderQuantity,
    24: PriceCollar,
    25: GrossExposure,
    26: NetExposure,
    27: BuyingPower,
    28: StaleAccount,
    29: Drawdown,
    30: LosingStreak,
    31: OrderRate,
    32: MessageBudget,
    33: Repeated,
    34: Duplicate,
    35: OpenOrders,
    36: SelfTrade,
    37: ShortsOff,
    38: NotShortable,
    39: ShortRestricted,
    40: LimitState,
    41: MarketPaused,
    42: DayTrades,
    43: Margin,
    44: NotAllowed,
    45: PriceRange,
    46: ThinlyTraded,
    47: EventPending,
    48: ClockSkew,
    49: StaleData,
    50: UnofficialSource,
    51: NotPromoted,
});
