//! Stopping without a core: cancels the entry orders of this installation at a broker when no
//! process of ours runs, or none that answers (`emergency-stop --direct`, C31).
//!
//! Ours is what bears our tag, an entry what its id says (journal.md 10). Exits are left alone.

use std::time::Duration;

use futures_util::future::join_all;
use model::{BrokerId, CancelRequest, ClientOrderId, SendOutcome, SymbolId, UnknownCause};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::broker::{Broker, BrokerSignal, Unavailable};

/// Between two looks at what is still open.
const LOOK: Duration = Duration::from_millis(200);
/// A cancel without an answer is made again after this.
const ANSWER: Duration = Duration::from_secs(2);

/// What a direct stop did at one broker.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DirectStop {
    /// Entry orders of ours that were open.
    pub found: Vec<ClientOrderId>,
    /// Those still open at the end, with what became of their last cancel.
    pub left: Vec<(ClientOrderId, SendOutcome)>,
}

/// Cancels the open entry orders whose ids bear `tag`, until none is left or `patience` is over. The
/// broker must not be streaming yet.
///
/// # Errors
/// It cannot be reached, or does not say what is open.
pub async fn cancel_entries(
    broker: &dyn Broker,
    tag: [u8; 4],
    patience: Duration,
) -> Result<DirectStop, Unavailable> {
    let end = Instant::now() + patience;
    let (to, mut signals) = mpsc::channel(1_024);
    broker.stream(to);
    loop {
        match timeout_at(end, signals.recv()).await {
            Ok(Some(BrokerSignal::Up)) => break,
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => return Err(Unavailable("it does not answer".to_owned())),
        }
    }
    // What it says unasked is not read any more; it must not wait for that.
    tokio::spawn(async move { while signals.recv().await.is_some() {} });
    let mut stop = DirectStop::default();
    loop {
        let open = open_entries(broker, tag).await?;
        for (client_id, _) in &open {
            if !stop.found.contains(client_id) {
                stop.found.push(*client_id);
            }
        }
        // All at once: one that is not answered holds none of the others back.
        stop.left = join_all(open.into_iter().map(|order| cancel(broker, order))).await;
        if stop.left.is_empty() || Instant::now() >= end {
            return Ok(stop);
        }
        sleep(LOOK).await;
    }
}

async fn cancel(
    broker: &dyn Broker,
    (client_id, symbol): (ClientOrderId, SymbolId),
) -> (ClientOrderId, SendOutcome) {
    let request = CancelRequest { client_id, broker: BrokerId(0), symbol };
    let cancelled = timeout(ANSWER, broker.cancel(&request)).await;
    (client_id, cancelled.unwrap_or(SendOutcome::Unknown(UnknownCause::Timeout)))
}

async fn open_entries(
    broker: &dyn Broker,
    tag: [u8; 4],
) -> Result<Vec<(ClientOrderId, SymbolId)>, Unavailable> {
    let rows = broker.open_orders().await?;
    let ours = rows.iter().filter_map(|row| {
        let id = row.client_id.filter(|id| id.tag == tag && !id.exit)?;
        // The id alone names the order; where its symbol is none of the run, any will do.
        Some((id, row.symbol.unwrap_or(SymbolId(0))))
    });
    Ok(ours.collect())
}
