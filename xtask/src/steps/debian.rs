//! Tools that come as packages of Debian.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use crate::{context::Context, process};

/// Longest time an installation may take.
const INSTALL_LIMIT: Duration = Duration::from_secs(300);

/// Returns whether a tool can be used, after installing the package of its name where that is
/// asked for and possible.
pub(crate) fn make_available(context: &Context, tool: &str) -> anyhow::Result<bool> {
    if is_there(tool) {
        return Ok(true);
    }
    if !context.strict || !is_there("apt-get") {
        return Ok(false);
    }
    println!("    apt-get install {tool}");
    let mut install = Command::new("apt-get");
    install.args(["install", "--yes", "--no-install-recommends", tool]);
    install.env("DEBIAN_FRONTEND", "noninteractive");
    // Without the right to install, the tool is simply not there.
    process::run(context, &format!("install-{tool}"), &mut install, INSTALL_LIMIT)?;
    Ok(is_there(tool))
}

fn is_there(tool: &str) -> bool {
    let mut command = Command::new(tool);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
