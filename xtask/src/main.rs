//! `cargo xtask`: what a developer asks of this repository beyond `cargo build`.

mod command;
mod say;
mod scratch;
mod wasm_target;

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match words.first().map(String::as_str) {
        Some("wasm-target") => wasm_target::ensure(),
        _ => Err(anyhow::anyhow!("usage: cargo xtask wasm-target")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say::doing(format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
