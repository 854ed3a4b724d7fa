//! The program `bellwether` with the strategies that ship with it.

use std::process::ExitCode;

/// Backtests allocate many small vectors of fills; this allocator hands them out fastest.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    bellwether::main(strategies::Registry::builtin())
}
