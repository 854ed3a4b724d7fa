//! Who hears from outside that the core turns: the guard process (C32) and the service manager.

use std::io;
use std::process::{Command, Stdio};

use runtime::Listener;
use runtime::guard::Guard;
use runtime::shell::Tending;
use sd_notify::NotifyState;

use super::Plan;

/// The service manager's watchdog, where the unit asks for it (`WatchdogSec`).
#[derive(Debug)]
struct ServiceManager;

impl Listener for ServiceManager {
    fn beat(&mut self) {
        // Without a service manager there is nobody to tell.
        let _ = sd_notify::notify(&[NotifyState::Watchdog]);
    }

    fn goodbye(&mut self) {}
}

/// Lets the service manager hear the core.
pub(super) fn tell_the_manager(tending: &Tending) {
    tending.listen(Box::new(ServiceManager));
}

/// Lets a guard process hear the core: the broker outlives this process. A guard that cannot be
/// started is an error in the log: the run goes on without.
pub(super) fn start_guard(plan: &Plan<'_>, tending: &Tending) {
    match guard(plan) {
        Ok(guard) => {
            tracing::info!(process = guard.process_id(), "a guard hears the core");
            tending.listen(Box::new(guard));
        }
        Err(error) => tracing::error!(%error, "no guard process could be started"),
    }
}

/// Starts this program as the guard, with the configuration of this run.
fn guard(plan: &Plan<'_>) -> io::Result<Guard> {
    let program = std::env::current_exe()?;
    let global = &plan.context.global;
    let (config, data_dir) = (global.config.clone(), global.data_dir.clone());
    Guard::start(Box::new(move || {
        let mut command = Command::new(&program);
        if let Some(config) = &config {
            command.arg("--config").arg(config);
        }
        command.arg("--data-dir").arg(&data_dir).arg("guard");
        command.arg("--process").arg(std::process::id().to_string());
        command.stdout(Stdio::null());
        command
    }))
}
