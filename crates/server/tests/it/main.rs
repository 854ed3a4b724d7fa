//! The server from outside: tokens on disk, requests over real sockets.

mod access;
mod api;
mod client;
mod core;
mod flood;
mod overload;
mod race;
mod tokens;
mod trading;
