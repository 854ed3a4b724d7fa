//! What became of an instruction, in words (S8): read from the facts that it led to and from the
//! books afterwards.
//!
//! Invariant: one reply for each instruction that bears a name or a key, whatever came of it.

use model::{OrderNumber, StrategyId};

use super::Engine;
use crate::books::{Refused, Seen};
use crate::fact::{ExitWant, Fact, GateChange, Reply};
use crate::input::{Control, Instruction, LimitChange};
use crate::lifecycle::State;
use crate::output::Outputs;
use crate::risk_manager::{Block, BlockReason, Scope, Stage, under_ceilings};

/// Whether something was done, and the words for it.
type Said = (bool, String);

fn done(text: impl Into<String>) -> Said {
    (true, text.into())
}

fn not_done(text: impl Into<String>) -> Said {
    (false, text.into())
}

impl Engine {
    /// Says what became of an instruction whose facts begin at `first`.
    pub(super) fn reply(
        &mut self,
        given: &Instruction,
        seen: &Seen,
        first: usize,
        out: &mut Outputs,
    ) {
        if given.actor.is_empty() && given.key.is_empty() {
            return;
        }
        let (done, text) = match seen.refused {
            Some(refused) => in_words(refused),
            None => {
                let led_to = Led(out.facts.get(first..).unwrap_or_default());
                self.say(given.control, seen, led_to)
            }
        };
        let reply = Reply { key: given.key.clone(), done, text };
        self.desk(out).emit(Fact::Reply(Box::new(reply)));
    }

    /// The same for a change of limits (C42).
    pub(super) fn reply_to_limits(
        &mut self,
        change: &LimitChange,
        refused: Option<Refused>,
        out: &mut Outputs,
    ) {
        if change.actor.is_empty() && change.key.is_empty() {
            return;
        }
        let (done, text) = match refused {
            Some(refused) => in_words(refused),
            None => self.say_limits(change),
        };
        let reply = Reply { key: change.key.clone(), done, text };
        self.desk(out).emit(Fact::Reply(Box::new(reply)));
    }

    fn say_limits(&self, change: &LimitChange) -> Said {
        let gate = self.core.books().gate();
        let wanted = under_ceilings(&change.limits);
        let cut = if wanted == change.limits { "" } else { "; cut to the compiled ceilings (C42)" };
        match gate.pending_raise() {
            _ if *gate.limits() == wanted => done(format!("the limits are in force{cut}")),
            Some(raise) if raise.limits == wanted => {
                let at = raise.at;
                done(format!("what is stricter holds now, what is looser from {at} on{cut}"))
            }
            _ => not_done(
                "what is stricter holds now; to raise a limit takes the role admin and a reason \
                 (C42)",
            ),
        }
    }

    fn say(&self, control: Control, seen: &Seen, led_to: Led<'_>) -> Said {
        let books = self.core.books();
        let state = books.lifecycle();
        match control {
            Control::PauseTrading(scope) => match scope {
                Scope::All if led_to.moved_to(State::Paused) => done("paused: exits go on"),
                Scope::All => {
                    done(format!("nothing opens already: the system is {}", state.name()))
                }
                _ if led_to.sets(BlockReason::Operator) => done("paused: exits go on"),
                _ => done("paused already"),
            },
            Control::ResumeTrading(scope) => self.say_resume(scope, led_to),
            Control::EmergencyStop(_) => done(format!(
                "entries are blocked until resumed, {} are being cancelled; exits stay",
                led_to.cancels()
            )),
            Control::Flatten(scope) => match self.closing(scope) {
                0 => done("nothing is open there"),
                count => done(format!("{count} positions are being closed")),
            },
            Control::Rebalance(_) if books.blocks().is_killed() => not_done(
                "the emergency stop holds: entries are cancelled, nothing is reduced (C41)",
            ),
            Control::Rebalance(_) => match led_to.reductions() {
                0 => done("no position exceeds a limit"),
                count => done(format!("{count} positions are being reduced to the limits")),
            },
            Control::Block(block) => {
                let set = led_to.sets(block.reason);
                done(if set { "blocked" } else { "blocked already" })
            }
            Control::Lift(block) => {
                let lifted = led_to.lifted().next().is_some();
                done(if lifted {
                    format!("lifted: {}", block.reason.name())
                } else {
                    format!("not blocked: {}", block.reason.name())
                })
            }
            Control::Stop => done("stopped: entries are cancelled, exits stay at the brokers"),
            Control::AcceptClock(_) if led_to.lifted().next().is_some() => {
                done("the clock is accepted")
            }
            Control::AcceptClock(_) => done("the clock was not in doubt"),
            Control::Route(broker) => match books.brokers().route() {
                now if now == broker => done(format!("new entries go to broker {}", now.0)),
                now => not_done(format!("no such broker: new entries go to broker {}", now.0)),
            },
            Control::Promote { strategy, to } => self.say_stage(strategy, to),
            Control::Adjust { quantity, price, .. } => match price.notional(quantity) {
                _ if quantity.is_zero() => not_done("there are no shares to adjust"),
                None => not_done("the value of the shares is too large to be booked"),
                Some(_) => done("the books are corrected and are compared with the broker's"),
            },
            Control::Claim { .. } if seen.claimed => done("it is the strategy's position now"),
            Control::Claim { .. } => not_done(
                "nothing of one side is held there without a plan, or the strategy is in the \
                 symbol already",
            ),
            Control::Resolve { order, .. } => self.say_resolution(order, seen, led_to),
            Control::CancelOrder(order) => self.say_cancel(order, led_to),
            Control::Acknowledge(_) => done("the alert is acknowledged"),
            Control::AccessRefused(_) => done("the attempts are on record"),
        }
    }

    fn say_stage(&self, strategy: StrategyId, to: Stage) -> Said {
        let stage = self.core.books().risk().promotions().of(strategy).stage;
        if strategy.index() >= self.strategies.len() {
            return not_done("no such strategy");
        }
        if stage == to {
            return done(format!("the strategy is in {}", stage.name()));
        }
        let rule = "one step up or any down, live comes by itself (C38)";
        not_done(format!("the strategy stays in {}: {rule}", stage.name()))
    }

    fn say_resume(&self, scope: Scope, led_to: Led<'_>) -> Said {
        let books = self.core.books();
        let state = books.lifecycle();
        let lifted: Vec<&str> = led_to.lifted().map(|block| block.reason.name()).collect();
        let holding = books.blocks().list().iter().filter(|block| block.scope == scope);
        let holding: Vec<&str> = holding.map(|block| block.reason.name()).collect();
        let still = match holding.as_slice() {
            [] => String::new(),
            names => format!("; still blocked until there is evidence: {}", names.join(", ")),
        };
        if scope == Scope::All && !state.may_open() {
            let what = match state {
                State::Starting => "it runs when the books are compared",
                _ => "it must be started anew",
            };
            return (!lifted.is_empty(), format!("the system is {}: {what}{still}", state.name()));
        }
        match lifted.as_slice() {
            [] if holding.is_empty() => done("opening is permitted"),
            [] => not_done(format!("nothing to lift{still}")),
            names => done(format!("lifted: {}{still}", names.join(", "))),
        }
    }

    fn say_resolution(&self, order: OrderNumber, seen: &Seen, led_to: Led<'_>) -> Said {
        let closed = led_to.0.iter().any(|fact| matches!(fact, Fact::AttemptClosed(_)));
        if closed || !seen.reports.is_empty() {
            return done("the doubt is over");
        }
        match self.core.books().orders().get(order) {
            Some(order) => not_done(format!("the order is not in doubt: {}", order.state.name())),
            None => not_done("no such order"),
        }
    }

    fn say_cancel(&self, number: OrderNumber, led_to: Led<'_>) -> Said {
        let Some(order) = self.core.books().orders().get(number) else {
            return not_done("no such order");
        };
        if order.request.role.is_exit() {
            return not_done(
                "protective and exit orders are not cancelled by hand: flatten closes",
            );
        }
        match order.state {
            state if state.is_terminal() => {
                not_done(format!("the order is done: {}", state.name()))
            }
            _ if led_to.cancels() > 0 => done("the cancel is on its way"),
            _ => done("a cancel is on its way already"),
        }
    }

    /// Counts the positions of a scope that are being closed.
    fn closing(&self, scope: Scope) -> usize {
        let books = self.core.books();
        let held = books.active().iter().filter_map(|&key| Some((key, books.position(key)?)));
        held.filter(|(key, p)| scope.holds(*key, p.broker) && p.close_reason.is_some()).count()
    }
}

fn in_words(refused: Refused) -> Said {
    match refused {
        Refused::Repeated { done } => (done, "repeated".to_owned()),
        Refused::KillCame => {
            not_done("an emergency stop came after this was given: look, then resume again (F46)")
        }
        Refused::NoEvidence => not_done("it corrects the books: state the evidence as its reason"),
    }
}

/// The facts that an instruction led to.
#[derive(Clone, Copy)]
struct Led<'a>(&'a [Fact]);

impl<'a> Led<'a> {
    fn moved_to(self, state: State) -> bool {
        self.0.contains(&Fact::Gate(GateChange::Lifecycle(state)))
    }

    fn sets(self, reason: BlockReason) -> bool {
        let sets = |fact: &Fact| matches!(fact, Fact::Gate(GateChange::Block(block)) if block.reason == reason);
        self.0.iter().any(sets)
    }

    fn lifted(self) -> impl Iterator<Item = Block> + 'a {
        self.0.iter().filter_map(|fact| match fact {
            Fact::Gate(GateChange::Lift(block)) => Some(*block),
            _ => None,
        })
    }

    fn cancels(self) -> usize {
        self.0.iter().filter(|fact| matches!(fact, Fact::Cancel(_))).count()
    }

    fn reductions(self) -> usize {
        let reduces = |fact: &&Fact| match fact {
            Fact::Position(change) => matches!(change.want, ExitWant::Reduce(_)),
            _ => false,
        };
        self.0.iter().filter(reduces).count()
    }
}
