//! placeholder
use crate::cli::Context;
use crate::exit::{Exit, Failure};
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}
pub(crate) fn run(_: &Context, _: &Args) -> Result<Exit, Failure> {
    Ok(Exit::Done)
}
