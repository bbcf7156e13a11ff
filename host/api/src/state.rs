//! What the API works with, and what an operator can set about it.

use std::{sync::Arc, time::Duration};

use axum::extract::FromRef;
use tokio::sync::Semaphore;
use waypost_app::{Clock, Desk, Entropy};

/// What the API works with.
#[derive(Clone)]
pub struct ApiState {
    /// Carries out every command.
    pub desk: Desk,
    /// Tells each request its time.
    pub clock: Arc<dyn Clock>,
    /// Makes the ids of requests.
    pub entropy: Arc<dyn Entropy>,
    /// What the operator set.
    pub options: ApiOptions,
    /// A place for each request that runs at the same time.
    places: Arc<Semaphore>,
}

impl ApiState {
    /// The state of an API over this desk.
    #[must_use]
    pub fn new(
        desk: Desk,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        options: ApiOptions,
    ) -> Self {
        let places = Arc::new(Semaphore::new(options.max_in_flight));
        Self { desk, clock, entropy, options, places }
    }

    /// The places for requests that run at the same time.
    pub(crate) fn places(&self) -> &Arc<Semaphore> {
        &self.places
    }
}

impl FromRef<ApiState> for Desk {
    fn from_ref(state: &ApiState) -> Self {
        state.desk.clone()
    }
}

/// What an operator can set about the API.
#[derive(Debug, Clone)]
pub struct ApiOptions {
    /// The largest body of a request, in bytes.
    pub body_limit: usize,
    /// The largest body that brings a component or data files, in bytes.
    pub upload_limit: usize,
    /// How long a request may take.
    pub request_timeout: Duration,
    /// How long a request that compiles a component may take.
    pub upload_timeout: Duration,
    /// How many requests run at the same time; more are told to come back.
    pub max_in_flight: usize,
}

impl Default for ApiOptions {
    fn default() -> Self {
        Self {
            body_limit: 1024 * 1024,
            upload_limit: 32 * 1024 * 1024,
            request_timeout: Duration::from_secs(30),
            upload_timeout: Duration::from_mins(3),
            max_in_flight: 512,
        }
    }
}
