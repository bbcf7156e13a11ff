//! The stop signal: Ctrl-C, or what a service manager sends.

use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// The signal of a process whose file has reached the size that it may have.
const SIGXFSZ: i32 = 25;

/// Tells everybody who asks that it is time to stop.
#[derive(Debug, Clone)]
pub(crate) struct Stop {
    asks: Arc<watch::Sender<bool>>,
    is_asked: watch::Receiver<bool>,
}

impl Stop {
    /// Listens to SIGINT and SIGTERM from now on. The first asks to stop; a second one ends the
    /// process at once, for somebody who does not want to wait for what was begun.
    pub(crate) fn on_signals() -> Result<Self> {
        let mut interrupt = signal(SignalKind::interrupt()).context("listening to Ctrl-C")?;
        let mut terminate = signal(SignalKind::terminate()).context("listening to SIGTERM")?;
        // A file that may not grow any more is an error of whoever writes it, and no reason to die.
        let mut too_large =
            signal(SignalKind::from_raw(SIGXFSZ)).context("listening to SIGXFSZ")?;
        tokio::spawn(async move { while too_large.recv().await.is_some() {} });
        let (asks, is_asked) = watch::channel(false);
        let stop = Self { asks: Arc::new(asks), is_asked };
        let asking = stop.clone();
        tokio::spawn(async move {
            for is_asked_again in [false, true] {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                if is_asked_again {
                    tracing::warn!("stopping immediately");
                    end_now();
                }
                asking.ask();
            }
        });
        Ok(stop)
    }

    /// Asks everybody to stop.
    pub(crate) fn ask(&self) {
        self.asks.send_replace(true);
    }

    /// Ready when it is time to stop.
    pub(crate) async fn wait(mut self) {
        // An error would mean that nobody can ask any more; this value itself holds one who can.
        let _ = self.is_asked.wait_for(|is_asked| *is_asked).await;
    }

    /// Whether it is time to stop.
    pub(crate) fn is_asked(&self) -> bool {
        *self.is_asked.borrow()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the person asked twice; commits are on disk, and the rest may be lost"
)]
fn end_now() -> ! {
    std::process::exit(130)
}
