//! Statistics of closed trades (TP14-TP18).
//!
//! Trades are built elsewhere (engine's performance_tracker); here they are only counted.

use model::{Cash, ClosedTrade, MINUTE_NS, Price, Quantity};
use serde::{Deserialize, Serialize};

use crate::stats::{self, CONSTANT, ratio};

/// SQN counts at most this many trades (TP18).
const SQN_TRADES: f64 = 100.0;
/// Fewer trades than this are labelled (TP20).
pub const FEW_TRADES: u64 = 30;

/// Statistics of a set of closed trades. Money is decimal text, ratios are numbers, times are
/// minutes; `null` is no value.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct TradeMetrics {
    /// Closed trades.
    pub trades: u64,
    /// True when there are fewer than 30 (TP20).
    pub few_trades: bool,
    /// Net above 0 (TP15).
    pub wins: u64,
    /// Net below 0.
    pub losses: u64,
    /// Net exactly 0.
    pub breakeven: u64,
    /// Wins over all trades.
    pub win_rate: Option<f64>,
    /// Sum of the winners' nets.
    pub gross_profit: Cash,
    /// Sum of the losers' nets, 0 or negative.
    pub gross_loss: Cash,
    /// Sum of all nets.
    pub net_pnl: Cash,
    /// Sum before fees.
    pub gross_pnl_before_fees: Cash,
    /// Sum of the fees.
    pub fees: Cash,
    /// Wins over losses in money; `null` without losses.
    pub profit_factor: Option<f64>,
    /// Mean net.
    pub expectancy: Option<Cash>,
    /// Mean R multiple of the trades that have one.
    pub expectancy_r: Option<f64>,
    /// Mean net of the winners.
    pub avg_win: Option<Cash>,
    /// Mean net of the losers.
    pub avg_loss: Option<Cash>,
    /// Average win over average loss.
    pub payoff: Option<f64>,
    /// Kelly fraction W - (1-W)/payoff: a description, not advice.
    pub kelly: Option<f64>,
    /// Best net of a winner.
    pub largest_win: Option<Cash>,
    /// Worst net of a loser.
    pub largest_loss: Option<Cash>,
    /// Longest run of wins in order of exit (TP18).
    pub max_consecutive_wins: u64,
    /// Longest run of losses.
    pub max_consecutive_losses: u64,
    /// Mean holding time.
    pub avg_minutes: Option<f64>,
    /// Median holding time.
    pub median_minutes: Option<f64>,
    /// Mean holding time of winners.
    pub avg_minutes_wins: Option<f64>,
    /// Median holding time of winners.
    pub median_minutes_wins: Option<f64>,
    /// Mean holding time of losers.
    pub avg_minutes_losses: Option<f64>,
    /// Median holding time of losers.
    pub median_minutes_losses: Option<f64>,
    /// Trades with an R multiple.
    pub r_trades: u64,
    /// Standard deviation of R.
    pub r_stdev: Option<f64>,
    /// System quality number (TP18).
    pub sqn: Option<f64>,
    /// Deepest fall of the running net in order of exit, 0 or negative.
    pub max_closed_drawdown_usd: Cash,
    /// Mean adverse excursion in R (TP17).
    pub avg_mae_r: Option<f64>,
    /// Mean favourable excursion in R.
    pub avg_mfe_r: Option<f64>,
    /// Mean adverse excursion of the largest position.
    pub avg_mae_usd: Option<Cash>,
    /// Mean favourable excursion of the largest position.
    pub avg_mfe_usd: Option<Cash>,
    /// Mean of min(1, move taken / best move) of winners (TP17).
    pub exit_efficiency_winners: Option<f64>,
    /// Sum of the planned risks (TS5).
    pub risk_planned: Cash,
    /// Sum of the risks taken.
    pub risk_taken: Cash,
}

/// Returns the trades in order of exit time, then id (TP18).
pub fn by_exit(trades: &[ClosedTrade]) -> Vec<&ClosedTrade> {
    let mut ordered: Vec<&ClosedTrade> = trades.iter().collect();
    ordered.sort_by_key(|trade| (trade.exit_time, trade.id));
    ordered
}

/// Mean, half-even to 1e-9; `None` of nothing.
fn mean_cash(sum: Cash, count: usize) -> Option<Cash> {
    let one = Quantity::from_raw(1);
    sum.share_of(one, Quantity::from_raw(i64::try_from(count).ok()?))
}

/// Average entry to initial stop per share; `None` without a stop or at no distance (TP16).
fn distance_to_stop(trade: &ClosedTrade) -> Option<Price> {
    let stop = trade.initial_stop?;
    Some(trade.entry_price.minus(stop).abs()).filter(|distance| distance.is_positive())
}

fn minutes(trade: &ClosedTrade) -> f64 {
    trade.exit_time.since(trade.entry_time) as f64 / MINUTE_NS as f64
}

/// Share of the best move that the exit took, capped at 1; `None` without a favourable move.
fn exit_efficiency(trade: &ClosedTrade) -> Option<f64> {
    let taken = trade.exit_price.minus(trade.entry_price).abs();
    ratio(taken.to_f64(), trade.mfe.to_f64()).map(|share| share.min(1.0))
}

/// Means over a group of trades (all, winners, losers).
struct Group {
    count: usize,
    sum: Cash,
    mean_minutes: Option<f64>,
    median_minutes: Option<f64>,
}

impl Group {
    fn of(trades: &[&ClosedTrade], member: impl Fn(Cash) -> bool) -> Self {
        let members: Vec<&&ClosedTrade> = trades.iter().filter(|t| member(t.net_pnl)).collect();
        let held: Vec<f64> = members.iter().map(|trade| minutes(trade)).collect();
        Self {
            count: members.len(),
            sum: members.iter().map(|trade| trade.net_pnl).sum(),
            mean_minutes: stats::mean(&held),
            median_minutes: stats::quantile(&stats::sorted(&held), 0.5),
        }
    }

    fn mean(&self) -> Option<Cash> {
        mean_cash(self.sum, self.count)
    }
}

impl TradeMetrics {
    /// Computes the statistics of trades that are in order of exit ([`by_exit`]).
    pub fn of(trades: &[&ClosedTrade]) -> Self {
        let (all, wins, losses) = (
            Group::of(trades, |_| true),
            Group::of(trades, |net| net.is_positive()),
            Group::of(trades, |net| net.raw() < 0),
        );
        let count = trades.len();
        let r: Vec<f64> =
            trades.iter().filter_map(|t| t.r_multiple).filter(|r| r.is_finite()).collect();
        let win_rate = ratio(wins.count as f64, count as f64);
        let payoff = wins
            .mean()
            .zip(losses.mean())
            .and_then(|(win, loss)| ratio(win.to_f64(), loss.to_f64().abs()));
        let sum = |field: fn(&ClosedTrade) -> Cash| trades.iter().map(|t| field(t)).sum::<Cash>();
        Self {
            trades: count as u64,
            few_trades: (count as u64) < FEW_TRADES,
            wins: wins.count as u64,
            losses: losses.count as u64,
            breakeven: (count - wins.count - losses.count) as u64,
            win_rate,
            gross_profit: wins.sum,
            gross_loss: losses.sum,
            net_pnl: all.sum,
            gross_pnl_before_fees: sum(|trade| trade.gross_pnl),
            fees: sum(|trade| trade.fees),
            profit_factor: ratio(wins.sum.to_f64(), losses.sum.to_f64().abs()),
            expectancy: all.mean(),
            expectancy_r: stats::mean(&r),
            avg_win: wins.mean(),
            avg_loss: losses.mean(),
            payoff,
            kelly: win_rate.zip(payoff).and_then(|(w, payoff)| Some(w - ratio(1.0 - w, payoff)?)),
            largest_win: trades.iter().map(|t| t.net_pnl).max().filter(|net| net.is_positive()),
            largest_loss: trades.iter().map(|t| t.net_pnl).min().filter(|net| net.raw() < 0),
            max_consecutive_wins: longest_run(trades, |net| net.is_positive()),
            max_consecutive_losses: longest_run(trades, |net| net.raw() < 0),
            avg_minutes: all.mean_minutes,
            median_minutes: all.median_minutes,
            avg_minutes_wins: wins.mean_minutes,
            median_minutes_wins: wins.median_minutes,
            avg_minutes_losses: losses.mean_minutes,
            median_minutes_losses: losses.median_minutes,
            r_trades: r.len() as u64,
            r_stdev: stats::stdev(&r),
            sqn: sqn(&r),
            max_closed_drawdown_usd: closed_drawdown(trades),
            risk_planned: sum(|trade| trade.risk_planned.unwrap_or(Cash::ZERO)),
            risk_taken: sum(|trade| trade.risk_taken.unwrap_or(Cash::ZERO)),
            ..Self::excursions(trades)
        }
    }

    /// The fields on excursions (TP17).
    fn excursions(trades: &[&ClosedTrade]) -> Self {
        let in_r = |excursion: fn(&ClosedTrade) -> Price| {
            let values: Vec<f64> = trades
                .iter()
                .filter_map(|t| ratio(excursion(t).to_f64(), distance_to_stop(t)?.to_f64()))
                .collect();
            stats::mean(&values)
        };
        let in_usd = |excursion: fn(&ClosedTrade) -> Price| {
            let sum = trades.iter().filter_map(|t| excursion(t).notional(t.quantity)).sum();
            mean_cash(sum, trades.len())
        };
        let efficiency: Vec<f64> = trades
            .iter()
            .filter(|trade| trade.net_pnl.is_positive())
            .filter_map(|trade| exit_efficiency(trade))
            .collect();
        Self {
            avg_mae_r: in_r(|trade| trade.mae),
            avg_mfe_r: in_r(|trade| trade.mfe),
            avg_mae_usd: in_usd(|trade| trade.mae),
            avg_mfe_usd: in_usd(|trade| trade.mfe),
            exit_efficiency_winners: stats::mean(&efficiency),
            ..Self::default()
        }
    }
}

fn longest_run(trades: &[&ClosedTrade], member: impl Fn(Cash) -> bool) -> u64 {
    let (mut run, mut longest) = (0, 0);
    for trade in trades {
        run = if member(trade.net_pnl) { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

fn sqn(r: &[f64]) -> Option<f64> {
    let spread = stats::stdev(r).filter(|spread| *spread >= CONSTANT)?;
    ratio((r.len() as f64).min(SQN_TRADES).sqrt() * stats::mean(r)?, spread)
}

fn closed_drawdown(trades: &[&ClosedTrade]) -> Cash {
    let (mut sum, mut peak, mut deepest) = (Cash::ZERO, Cash::ZERO, Cash::ZERO);
    for trade in trades {
        sum = sum.plus(trade.net_pnl);
        peak = peak.max(sum);
        deepest = deepest.min(sum.minus(peak));
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Timestamp;

    fn trade(id: u64, minute: i64, net: i64) -> ClosedTrade {
        let net_pnl = Cash::from_dollars(net).unwrap();
        let exit_time = Timestamp::from_nanos(minute * MINUTE_NS);
        ClosedTrade { id, exit_time, net_pnl, ..ClosedTrade::default() }
    }

    /// TP18: runs follow exit time then id; a breakeven ends both.
    #[test]
    fn streaks_follow_the_exit() {
        let trades =
            [trade(4, 2, 0), trade(2, 1, 5), trade(1, 1, 5), trade(3, 3, 5), trade(5, 9, -1)];
        let ordered = by_exit(&trades);
        assert_eq!(ordered.iter().map(|t| t.id).collect::<Vec<_>>(), [1, 2, 4, 3, 5]);
        let metrics = TradeMetrics::of(&ordered);
        assert_eq!((metrics.max_consecutive_wins, metrics.max_consecutive_losses), (2, 1));
        assert_eq!((metrics.wins, metrics.losses, metrics.breakeven), (3, 1, 1));
        assert_eq!(metrics.max_closed_drawdown_usd, Cash::from_dollars(-1).unwrap());
    }

    /// TP15, TP16: no losses, no profit factor; no stop, no R.
    #[test]
    fn missing_values_are_none() {
        let won = [trade(1, 1, 5)];
        let metrics = TradeMetrics::of(&by_exit(&won));
        assert_eq!((metrics.profit_factor, metrics.payoff, metrics.kelly), (None, None, None));
        assert_eq!((metrics.expectancy_r, metrics.sqn, metrics.avg_mae_r), (None, None, None));
        assert_eq!((metrics.largest_loss, metrics.avg_loss), (None, None));
        let nothing = TradeMetrics::of(&[]);
        assert_eq!((nothing.win_rate, nothing.expectancy, nothing.avg_minutes), (None, None, None));
    }
}
