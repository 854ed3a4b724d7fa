//! The exam: what every broker must do, whatever its wire. Each adapter's tests pass it, over its
//! stand-in.
//!
//! The examiner talks to the broker through a [`Dispatcher`](crate::Dispatcher), as the core does,
//! so that each request is seen to end in exactly one outcome. `cases` holds the questions,
//! `room` what the examiner hears.

mod cases;
mod room;

use std::sync::Arc;

use model::{ClientOrderId, NewOrder, OrderKind, Price, Quantity, Side, SymbolId};

use crate::broker::{Answer, Broker};

pub use cases::CASES;
pub use room::{Failure, Room};

/// A broker at its exam, with its market in the examiner's hand.
pub trait Examinee: Send {
    /// Returns the broker, connected or about to be.
    fn broker(&self) -> Arc<dyn Broker>;

    /// Returns a symbol that is traded and of which nothing is held, with a price at which it may
    /// be bought.
    fn market(&self) -> (SymbolId, Price);

    /// Makes an entry order that the broker takes, with an id never used before.
    fn order(&mut self, kind: OrderKind, quantity: Quantity) -> NewOrder;

    /// Returns an id of ours that was never used.
    fn unused(&mut self) -> ClientOrderId;

    /// Lets the market trade at a price, so that orders which want to trade there are filled, but
    /// no more than `most` shares of them.
    fn trade(&mut self, price: Price, most: Quantity) -> Answer<'_, ()>;

    /// Breaks the connection, which the adapter then makes anew; `None` where there is none.
    fn cut(&mut self) -> Option<Answer<'_, ()>>;

    /// Returns the side of the orders made by [`order`](Self::order).
    fn side(&self) -> Side {
        Side::Buy
    }
}

/// What a case found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// The case.
    pub case: &'static str,
    /// Why it failed.
    pub failure: Option<Failure>,
}

/// Puts all cases to a broker, each with one of its own that `examinee` makes.
pub async fn examine<E: Examinee>(mut examinee: impl AsyncFnMut() -> E) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for (case, put) in CASES {
        let mut sitting = examinee().await;
        let mut room = Room::open(&mut sitting);
        let result = match room.connected().await {
            Ok(()) => put(&mut room).await.and_then(|()| room.one_outcome_each()),
            Err(failure) => Err(failure),
        };
        room.close().await;
        verdicts.push(Verdict { case, failure: result.err() });
    }
    verdicts
}
