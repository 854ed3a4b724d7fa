//! Steps that are one cargo command and one verdict: format, lints, docs, the release build.

use std::{process::Command, time::Duration};

use crate::{context::Context, outcome::Outcome, process, release};

/// Longest time one cargo command may take on a slow machine with nothing built yet.
pub(crate) const CARGO_LIMIT: Duration = Duration::from_secs(40 * 60);

/// Makes sure that rustfmt, clippy and the sources of the dependencies are there.
pub(crate) fn prepare(context: &Context) -> anyhow::Result<Outcome> {
    for (tool, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if context.has_cargo_tool(tool) {
            println!("    {component} is installed");
        } else {
            println!("    rustup component add {component}");
            let mut rustup = Command::new("rustup");
            rustup.args(["component", "add", component]).current_dir(&context.root);
            process::run(context, component, &mut rustup, CARGO_LIMIT)?
                .expect_success(&format!("install {component}"))?;
        }
    }
    println!("    cargo fetch {}", context.locked().join(" "));
    let mut fetch = context.cargo(["fetch"]);
    fetch.args(context.locked());
    process::run(context, "fetch", &mut fetch, CARGO_LIMIT)?
        .expect_success("fetch the dependencies")?;
    Ok(Outcome::ok())
}

/// Compares every source file with its canonical format.
pub(crate) fn format(context: &Context) -> anyhow::Result<Outcome> {
    // Only the names: what differs is what `cargo fmt --all` will change.
    let mut fmt = context.cargo(["fmt", "--all", "--check", "--", "-l"]);
    process::run(context, "fmt", &mut fmt, CARGO_LIMIT)?
        .expect_success("these files are not formatted (run `cargo fmt --all`)")?;
    Ok(Outcome::ok())
}

/// Runs clippy over every target; each crate's own `clippy.toml` says what it must not call.
pub(crate) fn clippy(context: &Context) -> anyhow::Result<Outcome> {
    let mut clippy = context.cargo(["clippy", "--workspace", "--all-targets"]);
    clippy.args(context.locked()).args(["--", "-D", "warnings"]);
    process::run(context, "clippy", &mut clippy, CARGO_LIMIT)?.expect_success("cargo clippy")?;
    Ok(Outcome::ok())
}

/// Builds the documentation of our crates.
pub(crate) fn docs(context: &Context) -> anyhow::Result<Outcome> {
    let mut doc = context.cargo(["doc", "--workspace", "--no-deps"]);
    doc.args(context.locked()).env("RUSTDOCFLAGS", "-D warnings");
    process::run(context, "docs", &mut doc, CARGO_LIMIT)?.expect_success("cargo doc")?;
    Ok(Outcome::ok())
}

/// Builds the program as users run it.
pub(crate) fn release_build(context: &Context) -> anyhow::Result<Outcome> {
    release::build_binary(context)?;
    Ok(Outcome::ok())
}
