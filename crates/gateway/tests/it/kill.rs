//! The kill switch: what does not leave, what is cancelled, without a core that listens.

use std::time::Duration;

use gateway::{KillScope, Standing};
use model::{
    Command, ExecType, Fill, NotSentReason, OrderRow, OrderState, Query, RequestKind, SendOutcome,
    SymbolId,
};

use crate::scripted::{Bench, Reply, Scripted, entry, exit, id, report, shares};

/// K1, K2: entries do not leave any more, those at the broker are cancelled, exits stay and go on;
/// also what an earlier run left, and also when the core takes nothing from the task.
#[tokio::test(start_paused = true)]
async fn entries_are_cancelled_and_blocked() {
    let mut bench = Bench::with(Scripted::default(), |settings| {
        settings.standing = vec![
            Standing {
                client_id: id(50, false),
                symbol: SymbolId(50),
                quantity: shares(5),
                filled: shares(1),
            },
            Standing {
                client_id: id(51, true),
                symbol: SymbolId(51),
                quantity: shares(5),
                filled: shares(0),
            },
        ];
    });
    for command in [entry(1), entry(2), exit(3)] {
        bench.send(command);
        bench.outcome().await;
    }
    let fill = Fill { quantity: shares(10), ..Fill::default() };
    bench.broker.say(report(2, ExecType::Trade(fill))).await;
    bench.next().await;
    bench.switch.engage(KillScope::All);
    let calls = bench.called(5).await;
    assert_eq!(calls[3..], ["cancel BW-1-1-0E", "cancel BW-1-50-0E"]);
    bench.send(entry(4));
    bench.send(exit(5));
    let mut outcomes = Vec::new();
    for _ in 0..4 {
        outcomes.push(bench.outcome().await);
    }
    let killed = SendOutcome::NotSent(NotSentReason::Killed);
    assert!(outcomes.contains(&("BW-1-4-0E".into(), RequestKind::Submit, killed)));
    assert!(outcomes.contains(&("BW-1-5-0X".into(), RequestKind::Submit, SendOutcome::Accepted)));
    let status = bench.dispatcher.status();
    assert!(status.first_cancel_ns > 0 && status.first_cancel_ns <= status.last_cancel_ns);

    bench.switch.release(&KillScope::All);
    bench.send(entry(6));
    assert_eq!(bench.outcome().await.2, SendOutcome::Accepted);
}

/// K2: an order whose submit has no answer yet is cancelled at once, beside it, and again when the
/// answer came; R9: what is not gone is cancelled again later.
#[tokio::test(start_paused = true)]
async fn an_unanswered_entry_is_cancelled_twice() {
    let mut bench = Bench::new();
    bench.broker.reply(Reply::After(500, SendOutcome::Accepted));
    bench.send(entry(1));
    bench.called(1).await;
    bench.switch.engage(KillScope::All);
    assert_eq!(bench.called(2).await[1], "cancel BW-1-1-0E");
    bench.outcome().await;
    bench.outcome().await;
    assert_eq!(bench.called(3).await[2], "cancel BW-1-1-0E");
    assert_eq!(bench.called(4).await[3], "cancel BW-1-1-0E", "it is not gone yet");
    bench.broker.say(report(1, ExecType::Cancelled)).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let before = bench.broker.calls().len();
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(bench.broker.calls().len(), before, "it is gone");
}

/// C31: a scope stops its own entries only.
#[tokio::test(start_paused = true)]
async fn a_scope_is_a_scope() {
    let mut bench = Bench::new();
    for number in 1..=3 {
        bench.send(entry(number));
        bench.outcome().await;
    }
    bench.switch.engage(KillScope::Symbol(SymbolId(2)));
    assert_eq!(bench.called(4).await[3], "cancel BW-1-2-0E");
    bench.switch.engage(KillScope::Orders(vec![id(3, false)]));
    assert_eq!(bench.called(5).await[4], "cancel BW-1-3-0E");
    let (_, _, first) = bench.outcome().await;
    assert_eq!(first, SendOutcome::Accepted);
}

/// An order that only the broker's list shows is cancelled too, and what ended is not.
#[tokio::test(start_paused = true)]
async fn listed_orders_are_known() {
    let mut bench = Bench::new();
    let row = |number, exit, state| OrderRow {
        client_id: Some(id(number, exit)),
        symbol: Some(SymbolId(1)),
        quantity: shares(1),
        state,
        ..OrderRow::default()
    };
    bench.broker.answer_orders(vec![
        row(1, false, OrderState::Working),
        row(2, true, OrderState::Working),
        row(3, false, OrderState::Filled),
    ]);
    bench.send(Command::Query(Query::default()));
    bench.next().await;
    bench.switch.engage(KillScope::All);
    assert_eq!(bench.called(1).await, ["cancel BW-1-1-0E"]);
}

/// I8 under load: while entries pour in from other threads, none leaves after `engage` returned,
/// and the first cancel goes out within 100 ms though the core takes nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_opens_after_the_switch() {
    for round in 0..20 {
        let bench = Bench::with(Scripted::default(), |settings| settings.capacity = 1_000_000);
        for number in 1..=200 {
            bench.send(entry(round * 1_000 + number));
        }
        bench.switch.engage(KillScope::All);
        let submitted = bench.broker.calls().iter().filter(|c| c.starts_with("submit")).count();
        for number in 201..=400 {
            bench.send(entry(round * 1_000 + number));
        }
        for _ in 0..1_000 {
            if bench.dispatcher.queue().depth == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let calls = bench.broker.calls();
        let after = calls.iter().filter(|call| call.starts_with("submit")).count();
        assert_eq!(after, submitted, "round {round}: an entry left after the switch was set");
        let cancels = bench.called(2 * submitted).await;
        assert!(cancels.iter().filter(|call| call.starts_with("cancel")).count() >= submitted);
    }
}

/// What is opened after a release is left alone, whatever was to be cancelled again before it.
#[tokio::test(start_paused = true)]
async fn a_release_ends_the_cancelling() {
    for scope in [KillScope::All, KillScope::Symbol(SymbolId(1))] {
        let mut bench = Bench::new();
        bench.send(entry(1));
        bench.outcome().await;
        bench.switch.engage(scope.clone());
        assert_eq!(bench.called(2).await[1], "cancel BW-1-1-0E");
        bench.switch.release(&scope);
        bench.broker.say(report(1, ExecType::Cancelled)).await;
        bench.broker.reply(Reply::After(300, SendOutcome::Accepted));
        let Command::Submit(mut order) = entry(2) else { panic!() };
        order.symbol = SymbolId(1);
        bench.send(Command::Submit(order));
        tokio::time::sleep(Duration::from_secs(100)).await;
        assert_eq!(bench.broker.calls().len(), 3, "{:?}", bench.broker.calls());
    }
}

/// C31: a switch that is engaged from the last run cancels what that run left.
#[tokio::test(start_paused = true)]
async fn a_start_under_the_switch_cancels_what_stands() {
    let standing = Standing {
        client_id: id(5, false),
        symbol: SymbolId(5),
        quantity: shares(5),
        filled: shares(0),
    };
    let bench = Bench::engaged(vec![standing]);
    assert_eq!(bench.called(1).await, ["cancel BW-1-5-0E"]);
}
