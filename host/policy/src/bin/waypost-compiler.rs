//! The compiler as a program of its own, for this crate's tests. The server is its own compiler.

use std::process::ExitCode;

fn main() -> ExitCode {
    waypost_policy::compiler::work(std::env::args_os().skip(1))
}
