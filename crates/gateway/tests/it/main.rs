//! The dispatcher and the kill switch before a broker that does what the test says.

mod dispatch;
mod door;
mod kill;
mod scripted;
