//! Two brokers: what may go to the second one, and what never (R1-R6, F06, F07, F20, F21).

use engine::alert_system::AlertKind;
use engine::execution_engine::{BrokerTraits, VenueCapabilities};
use engine::risk_manager::{Limits, Scope};
use engine::{Control, Fact, Input};
use model::{
    BrokerId, ExecType, MINUTE_NS, NewOrder, NotSentReason, OrderRole, OrderState, RejectClass,
    RejectReason, RequestKind, SECOND_NS, SendOutcome, UnknownCause,
};

use crate::truth::Truth;
use crate::world::{Setting, Wish, World, breakout, shares};

const A: BrokerId = BrokerId(0);
const B: BrokerId = BrokerId(1);

fn setting(opening_failover: bool) -> Setting {
    let broker = |name| BrokerTraits {
        capabilities: VenueCapabilities::SIMULATED,
        ..BrokerTraits::remote(name)
    };
    let brokers = vec![broker("ibkr"), broker("alpaca")];
    Setting { limits: Limits::default(), brokers, opening_failover }
}

/// Two brokers, both connected and compared.
struct Two {
    world: World,
    truths: [Truth; 2],
    /// The last minute with a bar.
    fed: i64,
}

impl Two {
    fn new(opening_failover: bool) -> Self {
        let mut two = Self {
            world: World::lean(setting(opening_failover)),
            truths: [Truth::new(), Truth::at(1)],
            fed: 0,
        };
        for broker in 0..2 {
            two.world.connection(broker, true);
        }
        two.answer();
        assert!(two.world.engine.books().blocks().list().is_empty());
        two
    }

    fn answer(&mut self) {
        for truth in &mut self.truths {
            truth.answer(&mut self.world);
        }
    }

    fn pass(&mut self, seconds: i64) {
        for _ in 0..seconds {
            self.world.pass(SECOND_NS);
            self.answer();
        }
    }

    /// Lets the strategy enter SYM`symbol` at the end of a minute, this one's if none was fed.
    fn enter(&mut self, symbol: u32) -> Option<NewOrder> {
        let sent = self.world.sent.len();
        let now = self.world.engine.now().nanos();
        let last = (now + MINUTE_NS - 1) / MINUTE_NS - 1;
        let minute = last.max(self.fed + 1);
        self.fed = minute;
        let start = model::Timestamp::from_nanos(minute * MINUTE_NS);
        while self.world.engine.now() < start.plus_nanos(MINUTE_NS) {
            let left = start.plus_nanos(MINUTE_NS).since(self.world.engine.now());
            self.world.pass(left.min(5 * SECOND_NS));
            self.answer();
        }
        let wish = Wish::Enter(breakout("10.50", "10.55", "10.00"));
        self.world.wish(0, symbol, wish);
        self.world.bar_at(symbol, start, "10.00");
        self.world.sent.get(sent).copied()
    }

    fn state(&self, order: &NewOrder) -> OrderState {
        self.world.engine.books().orders().get(order.client_id.number).unwrap().state
    }

    /// Orders that went to B.
    fn at_b(&self) -> usize {
        self.world.sent.iter().filter(|order| order.broker == B).count()
    }

    /// I1: of each intent at most one attempt is live or unknown, over both brokers.
    fn check_once(&self) {
        for order in &self.world.sent {
            let number = order.client_id.number;
            let of: Vec<_> =
                self.world.sent.iter().filter(|o| o.client_id.number == number).collect();
            assert!(of.len() <= 2, "one move at most: {of:?}");
            let closed = self.world.engine.books().brokers().closed_attempts();
            let live = of.iter().filter(|o| !closed.iter().any(|c| c.client_id == o.client_id));
            assert!(live.count() <= 1, "I1: {of:?}");
        }
    }
}

fn outcomes() -> Vec<SendOutcome> {
    let not_sent = NotSentReason::ALL.map(SendOutcome::NotSent);
    let rejected = RejectReason::ALL.map(SendOutcome::Rejected);
    let unknown = UnknownCause::ALL.map(SendOutcome::Unknown);
    let mut all = vec![SendOutcome::Accepted];
    all.extend(not_sent);
    all.extend(rejected);
    all.extend(unknown);
    all
}

/// F06, R1: every outcome at A, followed by every report of A: only proof of non-acceptance that
/// is not about the order lets it go to B, at once, as the next attempt of the same intent.
#[test]
fn the_whole_matrix_of_outcomes() {
    for failover in [false, true] {
        for outcome in outcomes() {
            let mut two = Two::new(failover);
            let entry = two.enter(0).unwrap();
            assert_eq!(entry.broker, A);
            two.world.outcome(&entry, RequestKind::Submit, outcome);
            let moves = failover
                && match outcome {
                    SendOutcome::NotSent(reason) => reason == NotSentReason::NotConnected,
                    SendOutcome::Rejected(reason) => reason.class() == RejectClass::Unavailable,
                    SendOutcome::Accepted | SendOutcome::Unknown(_) => false,
                };
            assert_eq!(two.at_b(), usize::from(moves), "{outcome:?}");
            two.check_once();
            if moves {
                let again = two.world.last(OrderRole::Entry);
                assert_eq!((again.broker, again.quantity), (B, entry.quantity));
                assert_eq!(again.client_id.number, entry.client_id.number);
                assert_eq!(again.client_id.attempt, 1, "R2");
                closing_before_opening(&two, &entry, &again);
                // A second refusal does not send it back.
                let refused = SendOutcome::NotSent(NotSentReason::NotConnected);
                two.world.outcome(&again, RequestKind::Submit, refused);
                assert_eq!(two.world.sent.len(), 2);
            }
        }
    }
}

/// R2: the closing of A and the opening at B are in the journal in that order.
fn closing_before_opening(two: &Two, first: &NewOrder, second: &NewOrder) {
    let closed =
        two.world.facts.iter().position(
            |fact| matches!(fact, Fact::AttemptClosed(c) if c.client_id == first.client_id),
        );
    let opened =
        two.world.facts.iter().position(
            |fact| matches!(fact, Fact::Intent(i) if i.order.client_id == second.client_id),
        );
    assert!(closed.unwrap() < opened.unwrap());
}

/// F06: pairs: every outcome after every other one at A; nothing that follows a doubt or an
/// acceptance goes to B, whatever A says later.
#[test]
fn every_pair_of_outcomes() {
    let all = outcomes();
    for &first in &all {
        for &second in &all {
            let mut two = Two::new(true);
            let entry = two.enter(0).unwrap();
            two.world.outcome(&entry, RequestKind::Submit, first);
            let before = two.at_b();
            two.world.outcome(&entry, RequestKind::Submit, second);
            two.check_once();
            // Only what was sent or in doubt can still be shown not to have arrived.
            let state = two.state(&entry);
            let doubt_ended = matches!(first, SendOutcome::Unknown(_))
                || first == SendOutcome::Rejected(RejectReason::DuplicateId);
            let proved = doubt_ended
                && matches!(
                    second,
                    SendOutcome::NotSent(NotSentReason::NotConnected)
                        | SendOutcome::Rejected(RejectReason::BrokerUnavailable)
                );
            assert_eq!(two.at_b(), before.max(usize::from(proved)), "{first:?} {second:?}");
            if !proved && doubt_ended && matches!(second, SendOutcome::Unknown(_)) {
                assert_eq!(state, OrderState::Unknown);
            }
        }
    }
}

/// R1, R3: a fill, an age over 2 s, and everything the gate has against it forbid.
#[test]
fn nothing_moves_that_would_not_be_sent_anew() {
    let lost = SendOutcome::NotSent(NotSentReason::NotConnected);
    // To the nanosecond of 2 s.
    for (age, moves) in [(2 * SECOND_NS, true), (2 * SECOND_NS + 1, false)] {
        let mut two = Two::new(true);
        let entry = two.enter(0).unwrap();
        two.world.pass(age);
        two.world.outcome(&entry, RequestKind::Submit, lost);
        assert_eq!(two.at_b(), usize::from(moves), "{age}");
    }
    for control in [
        Control::EmergencyStop(Scope::Broker(B)),
        Control::EmergencyStop(Scope::All),
        Control::PauseTrading(Scope::All),
    ] {
        let mut two = Two::new(true);
        let entry = two.enter(0).unwrap();
        two.world.control(control);
        two.world.outcome(&entry, RequestKind::Submit, lost);
        assert_eq!(two.at_b(), 0, "{control:?}");
    }
    // B is not connected.
    let mut two = Two::new(true);
    let entry = two.enter(0).unwrap();
    two.world.connection(1, false);
    two.world.outcome(&entry, RequestKind::Submit, lost);
    assert_eq!(two.at_b(), 0);
}

/// A report of A on an attempt that went to B is not ours any more: it is booked as external, the
/// symbol blocked (F19).
#[test]
fn a_fill_of_the_closed_attempt_is_suspense() {
    let mut two = Two::new(true);
    let entry = two.enter(0).unwrap();
    let lost = SendOutcome::NotSent(NotSentReason::NotConnected);
    two.world.outcome(&entry, RequestKind::Submit, lost);
    let again = two.world.last(OrderRole::Entry);
    two.world.fill(&entry, 100, "10.50");
    assert_eq!(two.world.held(0, 0), 0);
    let externals = two.world.engine.books().externals();
    assert_eq!((externals[0].broker, externals[0].quantity), (A, shares(100)));
    assert!(two.world.alerts().contains(&AlertKind::UnknownOrder));
    two.world.fill(&again, 1_000, "10.50");
    assert_eq!(two.world.held(0, 0), 1_000);
    assert_eq!(two.world.last(OrderRole::Stop).broker, B, "R4: where it is held");
}

/// F07, R4: exits stay at A while A is down, are tried again there and never go to B.
#[test]
fn exits_never_fail_over() {
    let mut two = Two::new(true);
    let entry = two.enter(0).unwrap();
    two.world.report(&entry, ExecType::New);
    two.world.fill(&entry, 1_000, "10.50");
    let lost = SendOutcome::NotSent(NotSentReason::NotConnected);
    two.world.connection(0, false);
    for _ in 0..20 {
        for role in [OrderRole::Stop, OrderRole::Target] {
            let order = two.world.last(role);
            if matches!(two.state(&order), OrderState::Sent | OrderState::Unknown) {
                two.world.outcome(&order, RequestKind::Submit, lost);
            }
        }
        two.pass(10);
    }
    assert_eq!(two.at_b(), 0);
    let stops = two.world.count(OrderRole::Stop);
    assert!((3..=20).contains(&stops), "tried again, without a storm: {stops}");
    assert!(two.world.alerts().contains(&AlertKind::Unprotected));
    two.world.control(Control::Flatten(Scope::All));
    assert_eq!(two.at_b(), 0);
}

/// R6: with A down for 10 s all new entries go to B, exits do not; back only when B is flat and
/// A is compared; at most one switch in 10 minutes.
#[test]
fn the_switch_of_brokers() {
    let mut two = Two::new(true);
    let held = two.enter(0).unwrap();
    two.world.report(&held, ExecType::New);
    two.world.fill(&held, 1_000, "10.50");
    two.world.connection(0, false);
    let route = |two: &Two| two.world.engine.books().brokers().route();
    two.pass(9);
    assert_eq!(route(&two), A);
    two.pass(1);
    assert_eq!(route(&two), B);
    assert!(two.world.alerts().contains(&AlertKind::FailOver));
    let entry = two.enter(1).unwrap();
    assert_eq!(entry.broker, B);
    two.world.report(&entry, ExecType::New);
    let fill = two.world.fill(&entry, 1_000, "10.50");
    two.truths[1].executed(&entry, fill);
    two.truths[1].holds(1, 1_000, "10.50");
    for role in [OrderRole::Stop, OrderRole::Target] {
        let exit = two.world.last(role);
        assert_eq!(exit.broker, B);
        two.world.report(&exit, ExecType::New);
        two.truths[1].works(&exit, OrderState::Working);
    }
    // R5: A holds SYM0.
    assert_eq!(two.enter(2).map(|order| order.broker), Some(B));
    let entry = two.world.last(OrderRole::Entry);
    two.world.report(&entry, ExecType::Cancelled);
    // A is back, but B is not flat.
    two.truths[0].holds(0, 1_000, "10.50");
    for role in [OrderRole::Stop, OrderRole::Target] {
        let exit = *two.world.sent.iter().rfind(|o| o.role == role && o.broker == A).unwrap();
        two.world.report(&exit, ExecType::New);
        two.truths[0].works(&exit, OrderState::Working);
    }
    two.world.connection(0, true);
    two.answer();
    two.pass(700);
    assert_eq!(route(&two), B, "not flat at B");
    let stop =
        *two.world.sent.iter().rfind(|o| o.role == OrderRole::Stop && o.broker == B).unwrap();
    let fill = two.world.fill(&stop, 1_000, "9.99");
    two.truths[1].executed(&stop, fill);
    two.truths[1].holds(1, 0, "9.99");
    two.truths[1].orders.clear();
    let target =
        *two.world.sent.iter().rfind(|o| o.role == OrderRole::Target && o.broker == B).unwrap();
    two.world.report(&target, ExecType::Cancelled);
    two.pass(61);
    assert_eq!(route(&two), A);
    // Down again: the second switch has to wait for 10 minutes.
    two.world.connection(0, false);
    two.pass(500);
    assert_eq!(route(&two), A);
    two.pass(101);
    assert_eq!(route(&two), B);
}

/// R6: off by default: nothing goes to B, an operator may send it there.
#[test]
fn without_permission_nothing_goes_to_the_second_broker() {
    let mut two = Two::new(false);
    two.world.connection(0, false);
    two.pass(120);
    assert_eq!(two.world.engine.books().brokers().route(), A);
    assert!(two.enter(0).is_none(), "A is down: nothing is opened");
    two.world.control(Control::Route(B));
    assert_eq!(two.enter(0).map(|order| order.broker), Some(B));
    two.world.control(Control::Route(BrokerId(7)));
    assert_eq!(two.world.engine.books().brokers().route(), B, "there is no such broker");
}

/// R5: B may not open a symbol in which A holds a position, an order, or something unknown.
#[test]
fn a_symbol_lives_at_one_broker() {
    for case in ["position", "order", "unknown"] {
        let mut two = Two::new(false);
        let entry = two.enter(0).unwrap();
        match case {
            "position" => {
                two.world.fill(&entry, 1_000, "10.50");
            }
            "order" => two.world.report(&entry, ExecType::New),
            _ => {
                let unknown = SendOutcome::Unknown(UnknownCause::Timeout);
                two.world.outcome(&entry, RequestKind::Submit, unknown);
            }
        }
        two.world.control(Control::Route(B));
        // Another strategy, where the rule on strategies (C18) is off, asks for the same symbol.
        let now = two.world.engine.now();
        let exclusive = two.world.engine.books();
        let refused = engine::execution_engine::exclusive(exclusive, entry.symbol, B);
        assert!(refused.is_err(), "{case}");
        let free = engine::execution_engine::exclusive(exclusive, model::SymbolId(1), B);
        assert!(free.is_ok());
        two.world.apply(now, Input::Time);
    }
}

/// F21: rate limits are never a reason to go elsewhere; cancels are made again.
#[test]
fn a_rate_limit_backs_off() {
    let mut two = Two::new(true);
    let entry = two.enter(0).unwrap();
    two.pass(1);
    let limited = SendOutcome::Rejected(RejectReason::RateLimited);
    two.world.outcome(&entry, RequestKind::Submit, limited);
    assert_eq!((two.at_b(), two.state(&entry)), (0, OrderState::Rejected));
    assert!(two.enter(0).is_none(), "the next one waits");
}
