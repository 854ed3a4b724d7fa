//! Commands are handed over on the thread that lets them out.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use gateway::{BrokerSignal, What};
use model::{ExecType, SendOutcome};

use crate::scripted::{Bench, Reply, cancel, entry, exit, report};

/// A task that rests hands a command over before `send` returns, no other thread is needed; what
/// follows before it had a turn of its own waits for it, so that a burst keeps nobody.
#[tokio::test(start_paused = true)]
async fn the_first_of_a_burst_leaves_at_once() {
    let mut bench = Bench::new();
    bench.broker.say(BrokerSignal::Up).await;
    assert_eq!(bench.next().await, What::Signal(BrokerSignal::Up));
    for round in 0..3 {
        let first = round * 3;
        for number in first..first + 3 {
            bench.send(entry(number));
        }
        let left = bench.broker.calls().len();
        assert_eq!(left, first as usize + 1, "one of the three, on this thread");
        for _ in 0..3 {
            assert_eq!(bench.outcome().await.2, SendOutcome::Accepted);
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(bench.broker.calls().len(), 9);
}

/// What a visitor leaves goes on: the answer to a call that he began comes, and the order's next
/// command waits for it.
#[tokio::test(start_paused = true)]
async fn the_task_goes_on_after_a_visit() {
    let mut bench = Bench::new();
    tokio::time::sleep(Duration::from_millis(1)).await;
    bench.broker.reply(Reply::After(300, SendOutcome::Accepted));
    bench.send(entry(1));
    assert_eq!(bench.broker.calls(), ["submit BW-1-1-0E"], "it was a visit");
    tokio::time::sleep(Duration::from_millis(1)).await;
    bench.send(cancel(1));
    assert_eq!(bench.broker.calls().len(), 1);
    assert_eq!(bench.outcome().await.0, "BW-1-1-0E");
    bench.outcome().await;
    assert_eq!(bench.broker.calls()[1..], ["cancel BW-1-1-0E"]);
}

/// An adapter that panics ends its task, not the thread that let the command out; the end of the
/// task is waited for as ever.
#[tokio::test(start_paused = true)]
async fn a_panic_does_not_reach_the_visitor() {
    let mut bench = Bench::new();
    tokio::time::sleep(Duration::from_millis(1)).await;
    bench.broker.reply(Reply::Panic);
    bench.send(entry(1));
    assert_eq!(bench.broker.calls().len(), 1, "it was a visit");
    bench.send(exit(2));
    bench.dispatcher.close().await;
    assert_eq!(bench.said.recv().await, None, "the task is gone");
    assert_eq!(bench.broker.calls().len(), 1);
}

/// A task whose listener went away has ended: what is let out afterwards is looked at by nobody.
#[tokio::test(start_paused = true)]
async fn an_ended_task_is_visited_no_more() {
    let bench = Bench::new();
    tokio::time::sleep(Duration::from_millis(1)).await;
    drop(bench.said);
    for number in 1..=3 {
        bench.dispatcher.send(&[gateway::Released {
            command: exit(number),
            decided_mono_ns: 0,
            seq: number,
        }]);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(bench.broker.calls(), ["submit BW-1-1-0X"], "its answer found nobody");
}

/// Whoever lets commands out beside whatever the broker says: each has its outcome, and nothing
/// stands still.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_between_two_threads() {
    const THREADS: u64 = 4;
    const EACH: u64 = 500;
    let Bench { broker, switch: _switch, dispatcher, mut said, .. } = Bench::new();
    let dispatcher = Arc::new(dispatcher);
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let dispatcher = Arc::clone(&dispatcher);
            thread::spawn(move || {
                for number in 0..EACH {
                    let command = exit(1 + thread * EACH + number);
                    dispatcher.send(&[gateway::Released {
                        command,
                        decided_mono_ns: 0,
                        seq: number,
                    }]);
                    if number % 16 == 0 {
                        thread::sleep(Duration::from_micros(200));
                    }
                }
            })
        })
        .collect();
    let talk = tokio::spawn(async move {
        for number in 0..EACH {
            broker.say(report(100_000 + number, ExecType::New)).await;
        }
    });
    let (mut outcomes, mut signals) = (0, 0);
    while outcomes < THREADS * EACH || signals < EACH {
        let next = tokio::time::timeout(Duration::from_secs(20), said.recv()).await;
        let next = next.unwrap_or_else(|_| panic!("stands still: {outcomes}, {signals}"));
        match next.unwrap().what {
            What::Outcome { outcome, .. } => {
                assert_eq!(outcome, SendOutcome::Accepted);
                outcomes += 1;
            }
            What::Signal(_) => signals += 1,
            What::Page(_) => panic!("nobody asked"),
        }
    }
    talk.await.unwrap();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}
