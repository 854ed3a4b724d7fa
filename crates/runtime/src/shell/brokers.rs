//! The ways to the brokers: a dispatcher each, and what they say brought to the core.

use std::sync::Arc;

use engine::Engine;
use gateway::{Broker, Children, Dispatcher, DispatcherSettings, KillSwitch, Said, Standing};
use model::BrokerId;
use tokio::sync::mpsc;

use super::Dispatch;
use crate::clock::boot_nanos;
use crate::inbox::Inbox;

/// What waits between a dispatcher and the inbox.
const ROOM: usize = 256;

/// Brokers in the order of their ids, each with a dispatcher; must be started on a tokio runtime.
pub struct Brokers {
    /// The brokers.
    pub list: Vec<Arc<dyn Broker>>,
    /// Commands that may wait for each, a quarter of them reserved for cancels, exits, questions.
    pub capacity: usize,
}

impl std::fmt::Debug for Brokers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.list.iter().map(|broker| broker.name()).collect();
        f.debug_tuple("Brokers").field(&names).finish()
    }
}

impl Dispatch for Brokers {
    fn start(self, switch: &Arc<KillSwitch>, inbox: &Inbox, engine: &Engine) -> Vec<Dispatcher> {
        // Parent and child sums are kept over all brokers (C16).
        let children = Arc::new(Children::default());
        let ids = (0..=u8::MAX).map(BrokerId);
        ids.zip(self.list)
            .map(|(id, broker)| {
                let settings = settings(id, engine, self.capacity);
                one(broker, settings, switch, &children, inbox)
            })
            .collect()
    }
}

/// Describes what the recovered books know of a broker.
fn settings(id: BrokerId, engine: &Engine, capacity: usize) -> DispatcherSettings {
    let books = engine.books();
    let standing = books
        .orders()
        .iter()
        .filter(|order| order.request.broker == id && !order.state.is_terminal())
        .map(|order| Standing {
            client_id: order.request.client_id,
            symbol: order.request.symbol,
            quantity: order.request.quantity,
            filled: order.request.quantity.minus(order.leaves_qty()),
        })
        .collect();
    DispatcherSettings {
        capacity,
        reserved: capacity / 4,
        reports: books.brokers().get(id).reports,
        standing,
        ..DispatcherSettings::new(id, Arc::new(|| boot_nanos().unsigned_abs()))
    }
}

fn one(
    broker: Arc<dyn Broker>,
    settings: DispatcherSettings,
    switch: &Arc<KillSwitch>,
    children: &Arc<Children>,
    inbox: &Inbox,
) -> Dispatcher {
    let (said, mut heard) = mpsc::channel::<Said>(ROOM);
    let to = inbox.clone();
    tokio::spawn(async move {
        while let Some(said) = heard.recv().await {
            to.hear(said).await;
        }
    });
    Dispatcher::spawn(broker, settings, switch, children, said)
}
