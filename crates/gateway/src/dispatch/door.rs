//! The way of commands into a broker's task, which whoever lets them out walks himself.
//!
//! A command that waits until a parked thread is awake is late by tens of microseconds. So the
//! thread that pushes it polls the task where it stands, with the task's own waker, and the bytes
//! leave there. That is a visit: it takes what came, hands it over and leaves; the runtime's thread
//! goes on with all else. Until that thread has had its turn, what comes waits for it: however many
//! commands are let out at once, the visitor is kept for one hand-over (decision 0121).
//!
//! Invariants: one thread at a time polls the task; after each push a poll begins that sees it.

use std::any::Any;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::runtime::Handle;

use super::task::Incoming;

/// What came in, as the task sees it.
#[derive(Debug, Default)]
pub(super) struct Hall {
    queue: Mutex<Queue>,
    /// A visitor polls.
    visited: AtomicBool,
}

#[derive(Debug, Default)]
struct Queue {
    incoming: VecDeque<Incoming>,
    closed: bool,
}

impl Hall {
    /// Returns the next of what came.
    pub(super) fn pop(&self) -> Option<Incoming> {
        lock(&self.queue).incoming.pop_front()
    }

    /// Waits for what comes; `None` when nothing comes any more. The door polls the task after
    /// each push, so no waker is kept here.
    pub(super) async fn next(&self) -> Option<Incoming> {
        poll_fn(|_| {
            let mut queue = lock(&self.queue);
            match queue.incoming.pop_front() {
                None if !queue.closed => Poll::Pending,
                next => Poll::Ready(next),
            }
        })
        .await
    }

    /// Ends a visit when nothing is left that came: the runtime's thread goes on from here.
    pub(super) async fn leave(&self) {
        poll_fn(|_| {
            let is_over = self.visited.load(SeqCst) && lock(&self.queue).incoming.is_empty();
            if is_over { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
    }
}

/// The task between two polls.
enum Body {
    Running(Pin<Box<dyn Future<Output = ()> + Send>>),
    Ended,
    /// It panicked under a visitor: the runtime's thread reports it.
    Panicked(Box<dyn Any + Send>),
}

/// The door of one task.
pub(super) struct Door {
    hall: Arc<Hall>,
    body: Mutex<Body>,
    waker: Mutex<Option<Waker>>,
    /// The runtime's thread is going to poll the task.
    scheduled: AtomicBool,
    runtime: Handle,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").field("hall", &self.hall).finish_non_exhaustive()
    }
}

impl Door {
    /// Makes the door of a task that takes what comes from `hall`, on the current tokio runtime.
    pub(super) fn new(hall: Arc<Hall>, task: impl Future<Output = ()> + Send + 'static) -> Self {
        Self {
            hall,
            body: Mutex::new(Body::Running(Box::pin(task))),
            waker: Mutex::default(),
            // It is spawned next.
            scheduled: AtomicBool::new(true),
            runtime: Handle::current(),
        }
    }

    /// Runs the task: what the runtime's thread polls.
    pub(super) async fn run(self: Arc<Self>) {
        poll_fn(|context| {
            self.scheduled.store(false, SeqCst);
            let mut body = lock(&self.body);
            lock(&self.waker).get_or_insert_with(|| context.waker().clone());
            if let Body::Running(task) = &mut *body
                && task.as_mut().poll(context).is_pending()
            {
                return Poll::Pending;
            }
            // From here on nobody polls it.
            let ended = std::mem::replace(&mut *body, Body::Ended);
            drop(body);
            if let Body::Panicked(panic) = ended {
                resume_unwind(panic);
            }
            Poll::Ready(())
        })
        .await;
    }

    /// Lets something in; when the task rests, its bytes have left when this returns.
    pub(super) fn push(&self, incoming: impl Iterator<Item = Incoming>) {
        lock(&self.hall.queue).incoming.extend(incoming);
        if self.scheduled.load(SeqCst) {
            return;
        }
        if let Ok(body) = self.body.try_lock() {
            self.visit(body);
        }
        // After a visit the runtime's thread goes on; and one that polls may have looked already.
        self.wake();
    }

    /// Lets nothing in any more.
    pub(super) fn close(&self) {
        lock(&self.hall.queue).closed = true;
        self.wake();
    }

    fn visit(&self, mut body: MutexGuard<'_, Body>) {
        let Body::Running(task) = &mut *body else { return };
        let Some(waker) = lock(&self.waker).clone() else { return };
        let _inside = self.runtime.enter();
        self.hall.visited.store(true, SeqCst);
        let mut context = Context::from_waker(&waker);
        let polled = catch_unwind(AssertUnwindSafe(|| task.as_mut().poll(&mut context)));
        self.hall.visited.store(false, SeqCst);
        match polled {
            Ok(Poll::Pending) => {}
            Ok(Poll::Ready(())) => *body = Body::Ended,
            Err(panic) => *body = Body::Panicked(panic),
        }
    }

    fn wake(&self) {
        self.scheduled.store(true, SeqCst);
        if let Some(waker) = &*lock(&self.waker) {
            waker.wake_by_ref();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
