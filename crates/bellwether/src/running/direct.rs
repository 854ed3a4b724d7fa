//! Cancelling our entry orders at the brokers without the system (C31, C32): what
//! `emergency-stop --direct` and the guard do.

use std::sync::Arc;
use std::time::Duration;

use gateway::{Broker, DirectStop, Unavailable, cancel_entries};
use model::{BrokerId, ClientOrderId, Symbol};
use paper::{TcpBroker, TcpSettings};
use serde_json::{Value, json};

use crate::config::{Config, Transport};
use crate::exit::{Exit, Failure};
use crate::run::foundry::TAG;
use crate::terminal;

/// How long all of it may take (C31: verified within ten seconds).
const PATIENCE: Duration = Duration::from_secs(10);

/// What became of the entry orders of one broker.
#[derive(Debug)]
pub(crate) struct Stopped {
    /// The broker by its name in the configuration.
    pub(crate) broker: String,
    /// What was found and done there.
    pub(crate) result: Result<DirectStop, Unavailable>,
}

/// Cancels our entry orders at every broker of the configuration.
pub(crate) fn stop_entries(config: &Config, symbols: &[Symbol]) -> Result<Vec<Stopped>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::io("start the threads of the network", error))?;
    let stop = |broker: Arc<dyn Broker>| Stopped {
        broker: broker.name().to_owned(),
        result: runtime.block_on(cancel_entries(&*broker, TAG, PATIENCE)),
    };
    Ok(brokers(config, symbols).into_iter().map(stop).collect())
}

/// Returns the brokers that outlive the process; a paper broker in its memory has no orders
/// without it.
fn brokers(config: &Config, symbols: &[Symbol]) -> Vec<Arc<dyn Broker>> {
    match &config.running.transport {
        Transport::Memory => Vec::new(),
        Transport::Tcp(address) => vec![Arc::new(TcpBroker::new(TcpSettings {
            address: address.clone(),
            symbols: symbols.to_vec(),
            broker: BrokerId(0),
            seed: u64::from(std::process::id()),
        }))],
    }
}

/// Returns what became of them as JSON.
pub(crate) fn document(stopped: &[Stopped]) -> Value {
    let ids = |ids: Vec<&ClientOrderId>| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    let row = |Stopped { broker, result }: &Stopped| match result {
        Ok(stop) => json!({
            "broker": broker,
            "found": ids(stop.found.iter().collect()),
            "left": ids(stop.left.iter().map(|(id, _)| id).collect()),
            "unavailable": null,
        }),
        Err(error) => json!({ "broker": broker, "unavailable": error.to_string() }),
    };
    json!({ "brokers": stopped.iter().map(row).collect::<Vec<Value>>() })
}

/// Says what became of them, and answers with the exit code: 1 when an order is left, 69 when a
/// broker could not be asked.
pub(crate) fn tell(stopped: &[Stopped]) -> Exit {
    let mut exit = Exit::Done;
    if stopped.is_empty() {
        terminal::complain("the paper broker is part of the process: without it no order works");
    }
    for Stopped { broker, result } in stopped {
        match result {
            Ok(stop) if stop.left.is_empty() => {
                terminal::complain(&format!(
                    "{broker}: {} entry orders cancelled",
                    stop.found.len()
                ));
            }
            Ok(stop) => {
                let left: Vec<String> = stop.left.iter().map(|(id, _)| id.to_string()).collect();
                terminal::complain(&format!(
                    "error: {broker}: of {} entry orders are still open: {}",
                    stop.found.len(),
                    left.join(" ")
                ));
                exit = Exit::No;
            }
            Err(error) => {
                terminal::complain(&format!(
                    "error: {broker}: {error}; ask the broker by other means"
                ));
                return Exit::Unavailable;
            }
        }
    }
    exit
}
