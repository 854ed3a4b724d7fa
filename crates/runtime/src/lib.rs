//! The live shell: feeds the core, makes each decision durable, then carries it out.
//!
//! [`Sequencer`] is the heart: one input, one group of the journal, outputs that leave when it is
//! durable ([`release`]). [`startup`] opens a data directory, [`recovery`] brings its state back and
//! replays for every other purpose, [`codec`] says what records mean. [`shell`] puts a process
//! together and takes it apart; [`live`] is the loop that drives the core, with the [`inbox`] before
//! it and the [`clock`] beside it. [`alerts`] brings alerts to people. [`Handle`] is the way in for everybody else, [`view`] what they
//! see.
//!
//! Invariants: nothing leaves before it is durable (I2, I6); what has a sequence number is in the
//! journal; a replay of the journal gives the facts that are in it (I7).

pub mod alerts;
pub mod clock;
pub mod codec;
mod front;
pub mod guard;
mod handle;
pub mod inbox;
mod kill;
pub mod live;
pub mod monitor;
mod outlet;
mod projection;
pub mod recovery;
pub mod release;
mod sequencer;
pub mod shadow;
pub mod shell;
pub mod startup;
pub mod stepped;
pub mod view;
mod watchdog;

pub use front::{Beat, Front};
pub use handle::{Handle, InstructError, Killed};
pub use kill::{KILL_FILE, KillKeeper, write_kill_file};
pub use projection::{CatchUp, Counts, Past, Projection, Projector, project};
pub use recovery::{Foundry, FoundryError};
pub use release::{NoOutlet, Outlet, Receipt, Release, Released, ReleasedCommand, release_queue};
pub use sequencer::{Applied, ApplyError, Sequencer, mark_of};
pub use watchdog::{Listener, Watchdog};
