//! SIGINT and SIGTERM stop in order (F50); a second one while that goes on changes nothing.

use engine::{Control, Instruction};
use runtime::Handle;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

use crate::exit::Failure;

/// Listens until it is dropped.
#[derive(Debug)]
pub(super) struct Listening(JoinHandle<()>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Begins to listen.
pub(super) fn listen(handle: Handle, on: &Runtime) -> Result<Listening, Failure> {
    let _entered = on.enter();
    let failed = |error| Failure::io("listen for signals", error);
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    Ok(Listening(on.spawn(async move {
        loop {
            let name = tokio::select! {
                _ = interrupt.recv() => "SIGINT",
                _ = terminate.recv() => "SIGTERM",
            };
            tracing::info!("{name}: stopping in order");
            let given = Instruction {
                control: Control::Stop,
                actor: "signal".to_owned(),
                from: name.to_owned(),
                reason: "the process was asked to end".to_owned(),
                ..Instruction::default()
            };
            if let Err(error) = handle.instruct(given).await {
                tracing::error!(%error, "the stop could not be given");
            }
        }
    })))
}
