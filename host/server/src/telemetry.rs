//! Telemetry: log lines on the standard error output, which leaves the standard output to results.

use anyhow::{Context, Result};
use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;

/// Starts logging. Only once in a process.
pub(crate) fn start(format: LogFormat, filter: &str) -> Result<()> {
    let filter: EnvFilter = filter.parse().with_context(|| {
        format!(
            "log_filter `{filter}` is not a valid filter; use a level such as info, or \
                 target=level pairs joined by commas"
        )
    })?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Text => {
            let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
            lines.with_ansi(is_terminal).with_target(false).try_init()
        }
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("logging cannot be started: {error}"))
}
