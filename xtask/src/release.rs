//! The program as its users have it: builds the release binary and calls it with `--json`.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::{context::Context, process, steps::checks::CARGO_LIMIT};

/// Longest time one call of the program may take; a hang is a failure, never a wait.
const CALL_LIMIT: Duration = Duration::from_secs(5 * 60);

/// Builds `bellwether` in release mode.
pub(crate) fn build_binary(context: &Context) -> anyhow::Result<()> {
    let mut build =
        context.cargo(["build", "--release", "-p", "bellwether", "--bin", "bellwether"]);
    build.args(context.locked());
    process::run(context, "release", &mut build, CARGO_LIMIT)?
        .expect_success("cargo build --release")?;
    Ok(())
}

/// Builds `bellwether` as the tests have it, to compare both builds.
pub(crate) fn build_debug_binary(context: &Context) -> anyhow::Result<()> {
    // The selection of the test step, so that its dependencies are used and not built again.
    let mut build = context.cargo(["build", "--workspace", "--bin", "bellwether"]);
    build.args(context.locked());
    process::run(context, "debug", &mut build, CARGO_LIMIT)?.expect_success("cargo build")?;
    Ok(())
}

/// Returns where a build put the program: `profile` is `release` or `debug`.
pub(crate) fn binary(context: &Context, profile: &str) -> PathBuf {
    let name = format!("bellwether{}", std::env::consts::EXE_SUFFIX);
    context.target_dir.join(profile).join(name)
}

/// The configuration of the person at the keyboard must not decide a test.
pub(crate) fn without_our_variables(command: &mut Command) {
    for (key, _) in std::env::vars_os() {
        if key.to_string_lossy().starts_with("BELLWETHER_") {
            command.env_remove(key);
        }
    }
}

/// A caller of one build of the program, in a folder of its own.
pub(crate) struct Program<'a> {
    context: &'a Context,
    path: PathBuf,
    folder: PathBuf,
}

impl<'a> Program<'a> {
    /// Returns a caller of the `profile` build that runs in `folder`, so that no configuration
    /// file of the developer is picked up and nothing is left among the sources.
    pub(crate) fn new(context: &'a Context, profile: &str, folder: PathBuf) -> Self {
        Self { context, path: binary(context, profile), folder }
    }

    /// Returns the folder the program runs in.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Calls the program; `name` names the log file.
    pub(crate) fn call(&self, name: &str, arguments: &[&str]) -> anyhow::Result<process::Finished> {
        let mut command = Command::new(&self.path);
        command.args(arguments).current_dir(&self.folder);
        without_our_variables(&mut command);
        process::run(self.context, name, &mut command, CALL_LIMIT)
    }

    /// Calls the program, which must end with exit code `exit`, and returns the one JSON document
    /// on its stdout.
    pub(crate) fn json(&self, name: &str, arguments: &[&str], exit: i32) -> anyhow::Result<Value> {
        let finished = self.call(name, arguments)?;
        if finished.code() != Some(exit) {
            finished.print_tail();
            let code = finished.code().map_or("no exit code".into(), |code| format!("exit {code}"));
            bail!("bellwether {}: {code}, expected exit {exit}", arguments.join(" "));
        }
        serde_json::from_str(&finished.stdout).with_context(|| {
            format!("bellwether {}: stdout is not one JSON document", arguments.join(" "))
        })
    }
}
