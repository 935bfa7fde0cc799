//! The program `headcount`.

use std::process::ExitCode;

/// Freed memory is kept: bitmaps come and go, and giving each back to the system costs more than computing it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    headcount::internals::cli::main(std::env::args_os())
}
