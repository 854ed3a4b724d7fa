//! cargo-deny: licences, forbidden crates and sources of the dependencies, known vulnerabilities.
//!
//! The tool takes minutes to build, so it is installed once, into the cache folder, and only
//! under `--strict`.

use std::{env, process::Command, time::Duration};

use anyhow::Context as _;

use super::checks::CARGO_LIMIT;
use crate::{context::Context, outcome::Outcome, process};

/// The version whose options and configuration `deny.toml` is written for.
const VERSION: &str = "0.20.2";

/// Longest time the advisory database may take to arrive.
const ADVISORIES_LIMIT: Duration = Duration::from_secs(60);

/// Checks `deny.toml`: licences, bans, sources. Needs no network once the dependencies are here.
pub(crate) fn licenses(context: &Context) -> anyhow::Result<Outcome> {
    if !make_available(context)? {
        return Ok(not_installed("deny"));
    }
    let mut deny =
        with_tools(context, ["deny", "--offline", "check", "licenses", "bans", "sources"])?;
    process::run(context, "deny", &mut deny, CARGO_LIMIT)?.expect_success("cargo deny check")?;
    Ok(Outcome::ok())
}

/// Looks for known vulnerabilities, where the advisory database can be reached.
pub(crate) fn advisories(context: &Context) -> anyhow::Result<Outcome> {
    if !make_available(context)? {
        return Ok(not_installed("advisories"));
    }
    let mut deny = with_tools(context, ["deny", "check", "advisories"])?;
    // git must not ask for a password where nobody can answer.
    deny.env("GIT_TERMINAL_PROMPT", "0");
    let finished = process::run(context, "advisories", &mut deny, ADVISORIES_LIMIT)?;
    if finished.success() {
        return Ok(Outcome::ok());
    }
    if finished.status.is_none() || is_unreachable(&finished.lines) {
        return Ok(Outcome::skipped("advisories", "advisories unreachable"));
    }
    finished.expect_success("cargo deny check advisories")?;
    Ok(Outcome::ok())
}

/// Returns whether the output says that the database could not be had, rather than that it was
/// read and something was found in it.
fn is_unreachable(lines: &[String]) -> bool {
    lines.iter().any(|line| line.contains("failed to fetch advisory database"))
}

fn not_installed(what: &str) -> Outcome {
    Outcome::skipped(what, "cargo-deny is not installed (--strict installs it)")
}

/// Returns whether cargo-deny can be used, after installing it where that was asked for.
fn make_available(context: &Context) -> anyhow::Result<bool> {
    let there = |context: &Context| {
        with_tools(context, ["deny", "--version"])
            .and_then(|mut command| Ok(command.output()?.status.success()))
            .unwrap_or(false)
    };
    if there(context) {
        return Ok(true);
    }
    if !context.strict {
        return Ok(false);
    }
    println!("    cargo install cargo-deny {VERSION} (some minutes, once)");
    let tools = context.cache_dir.join("tools");
    let mut install = context.cargo(["install", "--quiet", "--locked", "cargo-deny"]);
    install.args(["--version", VERSION, "--root"]).arg(&tools);
    // Its own target folder: ours is for what this repository builds.
    install.env_remove("CARGO_TARGET_DIR");
    process::run(context, "install-deny", &mut install, CARGO_LIMIT)?
        .expect_success("install cargo-deny")?;
    Ok(there(context))
}

/// Returns a cargo command that also finds the tools in the cache folder.
fn with_tools<const N: usize>(context: &Context, arguments: [&str; N]) -> anyhow::Result<Command> {
    let mut folders = vec![context.cache_dir.join("tools/bin")];
    folders.extend(env::var_os("PATH").iter().flat_map(env::split_paths));
    let path = env::join_paths(folders).context("add the tools folder to PATH")?;
    let mut command = context.cargo(arguments);
    command.env("PATH", path);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_not_an_unreachable_database() {
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        assert!(is_unreachable(&lines("[ERROR] failed to fetch advisory database x\nCaused by:")));
        assert!(!is_unreachable(&lines("error[vulnerability]: use after free\nadvisories FAILED")));
    }
}
