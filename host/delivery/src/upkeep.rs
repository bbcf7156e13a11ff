//! Upkeep: lets the desk do what is due as time passes.

use std::{sync::Arc, time::Duration};

use waypost_app::{
    Clock, Desk,
    upkeep::{Upkept, sweep},
};

use crate::every::every;

/// Closes tickets and looks after approvals that are due, from time to time.
#[derive(Clone)]
pub struct Upkeep {
    desk: Desk,
    clock: Arc<dyn Clock>,
    pause: Duration,
}

impl Upkeep {
    /// Upkeep that has not begun; it sweeps at once, then after each pause.
    #[must_use]
    pub fn new(desk: Desk, clock: Arc<dyn Clock>, pause: Duration) -> Self {
        Self { desk, clock, pause }
    }

    /// Works until `stop` is ready. A failure is logged, and what was left is done after the pause.
    pub async fn run(self, stop: impl Future<Output = ()> + Send) {
        let this = &self;
        every(self.pause, stop, || this.sweep_once()).await;
    }

    async fn sweep_once(&self) {
        match sweep(&self.desk, self.clock.now()).await {
            Ok(upkept) if upkept == Upkept::default() => {}
            Ok(upkept) => {
                let Upkept {
                    closed,
                    given_back,
                    appointed,
                    vacated,
                    nudged,
                    expired,
                    silent,
                    risk_reviews,
                } = upkept;
                tracing::info!(
                    upkept.closed = closed,
                    upkept.given_back = given_back,
                    upkept.appointed = appointed,
                    upkept.vacated = vacated,
                    upkept.nudged = nudged,
                    upkept.expired = expired,
                    upkept.silent = silent,
                    upkept.risk_reviews = risk_reviews,
                    "scheduled work done"
                );
            }
            Err(fault) => {
                tracing::error!(error = &fault as &dyn std::error::Error, "upkeep failed");
            }
        }
    }
}
