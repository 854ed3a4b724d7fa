//! What goes out: the facts of one input, and the commands that follow from them.

use model::Command;

use crate::fact::Fact;
use crate::strategy_engine::Decision;

/// The facts of one input. The memory is kept from input to input.
#[derive(Debug, Default)]
pub struct Outputs {
    /// The facts in order.
    pub facts: Vec<Fact>,
    /// How many of the facts follow from deadlines that were due: they came before the input was
    /// taken in.
    pub deadline_facts: usize,
    /// Commands to brokers, in order; each follows from a fact.
    pub commands: Vec<Command>,
    /// Evaluations that led to nothing, when somebody asked for all decisions.
    pub evaluations: Vec<Decision>,
}

impl Outputs {
    /// Forgets the facts of the input before.
    #[inline]
    pub fn clear(&mut self) {
        self.facts.clear();
        self.deadline_facts = 0;
        self.commands.clear();
        self.evaluations.clear();
    }

    pub(crate) fn push(&mut self, fact: Fact) {
        match &fact {
            Fact::Intent(intent) => self.commands.push(Command::Submit(intent.order)),
            Fact::Replace(replace) => self.commands.push(Command::Replace(replace.request)),
            Fact::Cancel(cancel) => self.commands.push(Command::Cancel(cancel.request)),
            Fact::Query(asked) => self.commands.push(Command::Query(asked.query)),
            Fact::Gate(_)
            | Fact::AttemptClosed(_)
            | Fact::Route(_)
            | Fact::Compared(_)
            | Fact::DayRoll(_)
            | Fact::TradeClosed(_)
            | Fact::Action(_)
            | Fact::TradeVoided(_)
            | Fact::Position(_)
            | Fact::Decision(_)
            | Fact::Alert(_)
            | Fact::Triggered(_)
            | Fact::Promoted(_)
            | Fact::Reply(_)
            | Fact::Limits(_) => {}
        }
        self.facts.push(fact);
    }
}
