//! C12: how often opening orders leave: of the process, of a strategy, in a symbol.

use model::OrderRole;
use model::record::{DecodeError, Reader, Writer, read};

use super::{Control, Interest};
use crate::books::Books;
use crate::risk_manager::rate::{Rate, RateLimit};
use crate::risk_manager::{
    ControlId, GateEvent, Limits, Proposal, RejectCode, Rejection, WorstCase,
};

/// Refuses what is too much; nothing waits in a queue. Exits neither ask nor count (I14).
#[derive(Debug, Default)]
pub(super) struct OrderRate {
    process: Rate,
    strategies: Vec<Rate>,
    symbols: Vec<Rate>,
}

impl OrderRate {
    fn note(&mut self, time: model::Timestamp, strategy: usize, symbol: usize, limits: &Limits) {
        if let Some(limit) = &limits.process_rate {
            self.process.note(time, limit);
        }
        let levels = [
            (&mut self.strategies, strategy, &limits.strategy_rate),
            (&mut self.symbols, symbol, &limits.symbol_rate),
        ];
        for (rates, index, limit) in levels {
            let Some(limit) = limit else { continue };
            if rates.len() <= index {
                rates.resize_with(index + 1, Rate::default);
            }
            if let Some(rate) = rates.get_mut(index) {
                rate.note(time, limit);
            }
        }
    }
}

impl Control for OrderRate {
    fn id(&self) -> ControlId {
        ControlId(12)
    }

    fn check(&self, proposal: &Proposal, _: &WorstCase, books: &Books) -> Result<(), Rejection> {
        let limits = books.gate().limits();
        if limits.test_ceilings {
            return Ok(());
        }
        let levels: [(Option<&Rate>, Option<&RateLimit>); 3] = [
            (Some(&self.process), limits.process_rate.as_ref()),
            (self.strategies.get(proposal.strategy.index()), limits.strategy_rate.as_ref()),
            (self.symbols.get(proposal.symbol.index()), limits.symbol_rate.as_ref()),
        ];
        let mut both = levels.into_iter().filter_map(|(rate, limit)| rate.zip(limit));
        match both.find_map(|(rate, limit)| rate.exceeded(proposal.now, limit)) {
            Some((limit, value)) => {
                let (limit, value) = (f64::from(limit), f64::from(value));
                Err(Rejection::new(RejectCode::OrderRate, limit, value))
            }
            None => Ok(()),
        }
    }

    fn observes(&self) -> Interest {
        Interest::Decisions
    }

    fn observe(&mut self, event: &GateEvent<'_>, limits: &Limits) {
        match event {
            GateEvent::Approved(intent) if intent.order.role == OrderRole::Entry => {
                let (strategy, symbol) = (intent.strategy.index(), intent.order.symbol.index());
                self.note(intent.time, strategy, symbol, limits);
            }
            GateEvent::DayRoll(_) => {
                self.process.begin_day();
                self.strategies.iter_mut().chain(&mut self.symbols).for_each(Rate::begin_day);
            }
            _ => {}
        }
    }

    fn usage(&self, _: &WorstCase, books: &Books, now: model::Timestamp) -> Option<f64> {
        let limit = books.gate().limits().process_rate.as_ref()?;
        Some(self.process.usage(now, limit))
    }

    fn save(&self, writer: &mut Writer) {
        writer.field(1, &self.process);
        writer.field(2, &self.strategies);
        writer.field(3, &self.symbols);
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        while let Some(field) = reader.next_field()? {
            match field.tag {
                1 => read(&mut self.process, &field, "OrderRate")?,
                2 => read(&mut self.strategies, &field, "OrderRate")?,
                3 => read(&mut self.symbols, &field, "OrderRate")?,
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{entry_intent, proposal, refusal, with_limits};
    use super::*;
    use crate::fact::Fact;
    use model::{StrategyId, SymbolId, Timestamp};

    /// The eleventh order at once is refused at each level, and only where its own bucket is
    /// empty; 200 ms later it passes.
    #[test]
    fn each_level_has_its_bucket() {
        let small = Some(RateLimit { burst: 2, ..RateLimit::DEFAULT });
        for (limits, others_pass) in [
            (Limits { process_rate: small, ..Limits::default() }, false),
            (Limits { strategy_rate: small, ..Limits::default() }, true),
            (Limits { symbol_rate: small, ..Limits::default() }, true),
        ] {
            let mut books = with_limits(limits);
            for _ in 0..2 {
                books.fold(&Fact::Intent(Box::new(entry_intent(1, "10.00"))));
            }
            let check = |strategy, symbol, nanos: i64| {
                let (strategy, symbol) = (StrategyId(strategy), SymbolId(symbol));
                let now = Timestamp::from_nanos(1_000 + nanos);
                let proposal = Proposal { strategy, symbol, now, ..proposal(1, "10.00") };
                refusal("C12", &proposal, &WorstCase::default(), &books)
            };
            let refused = Some(RejectCode::OrderRate);
            assert_eq!(check(0, 0, 200_000_000 - 1), refused);
            assert_eq!(check(0, 0, 200_000_000), None);
            assert_eq!(check(1, 1, 0), if others_pass { None } else { refused });
        }
    }

    /// C42: `risk.ceilings = test` lifts the throttle.
    #[test]
    fn test_ceilings_lift_it() {
        let none = Some(RateLimit { burst: 0, ..RateLimit::DEFAULT });
        let check = |test_ceilings| {
            let books =
                with_limits(Limits { process_rate: none, test_ceilings, ..Limits::default() });
            refusal("C12", &proposal(1, "10.00"), &WorstCase::default(), &books)
        };
        assert_eq!((check(false), check(true)), (Some(RejectCode::OrderRate), None));
    }
}
