//! What risk control must remember over sessions and restarts: the equity's peak and losing
//! streaks (C11), day trades (C24), what brokers say about the account (C09), how far strategies were
//! promoted (C38).

use model::exchange::new_york_date;
use model::{BrokerId, Cash, ClosedTrade, Timestamp, record};

use super::block::{Block, BlockReason, Blocks, Scope};
use super::promotion::Promotions;
use crate::fact::DayRoll;

/// Sessions over which day trades are counted (C24).
pub(super) const DAY_TRADE_SESSIONS: usize = 5;

/// What a broker says about the account.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Account {
    /// What may still be bought, in USD.
    pub buying_power: Cash,
    /// Equity, in USD.
    pub equity: Cash,
    /// Cash, in USD.
    pub cash: Cash,
    /// When the broker said so.
    pub time: Timestamp,
}

/// The trades of one session.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SessionTrades {
    /// Trades closed.
    pub closed: u32,
    /// Trades opened and closed in it.
    pub day_trades: u32,
}

/// The durable memory of risk control.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct RiskHistory {
    peak: Cash,
    streaks: Vec<u32>,
    sessions: [SessionTrades; DAY_TRADE_SESSIONS],
    accounts: Vec<(BrokerId, Account)>,
    promotions: Promotions,
}

impl RiskHistory {
    pub(crate) fn new(strategies: usize) -> Self {
        Self { streaks: vec![0; strategies], ..Self::default() }
    }

    /// Makes room for strategies that came later.
    pub(crate) fn make_room(&mut self, strategies: usize) {
        self.streaks.resize(strategies.max(self.streaks.len()), 0);
    }

    /// Returns the highest equity at a session's begin since the account was opened or a
    /// drawdown was resumed from (C11).
    pub fn peak(&self) -> Cash {
        self.peak
    }

    /// Returns a strategy's losing trades in a row, up to now (C11).
    pub fn losing_streak(&self, strategy: model::StrategyId) -> u32 {
        self.streaks.get(strategy.index()).copied().unwrap_or(0)
    }

    /// Returns the trades of the last five sessions together, today's among them (C24).
    pub fn recent_trades(&self) -> SessionTrades {
        self.sessions.iter().fold(SessionTrades::default(), |sum, session| SessionTrades {
            closed: sum.closed.saturating_add(session.closed),
            day_trades: sum.day_trades.saturating_add(session.day_trades),
        })
    }

    /// Returns what a broker last said about the account; `None` when it never did.
    pub fn account(&self, broker: BrokerId) -> Option<&Account> {
        self.accounts.iter().find(|(of, _)| *of == broker).map(|(_, account)| account)
    }

    /// Returns where the strategies stand (C38).
    pub fn promotions(&self) -> &Promotions {
        &self.promotions
    }

    pub(crate) fn promotions_mut(&mut self) -> &mut Promotions {
        &mut self.promotions
    }

    pub(crate) fn note_account(&mut self, broker: BrokerId, account: Account) {
        match self.accounts.iter_mut().find(|(of, _)| *of == broker) {
            // An answer that was overtaken by a newer one says nothing any more.
            Some((_, known)) if known.time > account.time => {}
            Some((_, known)) => *known = account,
            None => self.accounts.push((broker, account)),
        }
    }

    pub(crate) fn note_trade(&mut self, trade: &ClosedTrade) {
        if let Some(streak) = self.streaks.get_mut(trade.strategy.index()) {
            *streak = if trade.net_pnl < Cash::ZERO { streak.saturating_add(1) } else { 0 };
        }
        if let Some(today) = self.sessions.first_mut() {
            today.closed = today.closed.saturating_add(1);
            let same_day = new_york_date(trade.entry_time) == new_york_date(trade.exit_time);
            today.day_trades = today.day_trades.saturating_add(u32::from(same_day));
        }
    }

    pub(crate) fn begin_day(&mut self, roll: &DayRoll, blocks: &Blocks) {
        self.promotions.begin_session(blocks);
        self.peak = self.peak.max(roll.equity);
        self.sessions.rotate_right(1);
        if let Some(today) = self.sessions.first_mut() {
            *today = SessionTrades::default();
        }
    }

    /// A person let a strategy or the account go on: what stopped it starts anew.
    pub(crate) fn note_lift(&mut self, block: Block, equity: Cash) {
        match (block.reason, block.scope) {
            (BlockReason::LosingStreak, Scope::Strategy(strategy)) => {
                if let Some(streak) = self.streaks.get_mut(strategy.index()) {
                    *streak = 0;
                }
            }
            (BlockReason::Drawdown, _) => self.peak = equity,
            _ => {}
        }
    }
}

record!(Account { 1: buying_power, 2: equity, 3: cash, 4: time });
record!(SessionTrades { 1: closed, 2: day_trades });
record!(RiskHistory { 1: peak, 2: streaks, 3: sessions, 4: accounts, 5: promotions });
