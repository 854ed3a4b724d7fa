//! The server from outside: tokens on disk, requests over real sockets.

mod tokens;
