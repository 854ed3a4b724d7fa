//! `completions SHELL`: a completion script on stdout.

use clap_complete::Shell;

use crate::cli;
use crate::exit::{Exit, Failure};
use crate::terminal;

/// Flags of `completions`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether completions bash > ~/.local/share/bash-completion/completions/bellwether\n  bellwether completions zsh > ~/.zfunc/_bellwether"
)]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

/// Runs `completions`.
pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut cli::definition(), "bellwether", &mut script);
    terminal::raw(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
