//! What all requests share, whichever front end they are for, and what an operator can set about
//! them.

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use waypost_app::{Clock, Entropy};

use crate::{
    attempts::Attempts,
    turns::{Budget, TurnLimits, Turns},
};

/// What every front end of a server works with.
#[derive(Clone)]
pub struct Edge {
    /// Tells each request its time.
    pub clock: Arc<dyn Clock>,
    /// Makes the ids of requests.
    pub entropy: Arc<dyn Entropy>,
    /// What the operator set.
    pub options: RequestOptions,
    /// What all requests share.
    pub places: Arc<Places>,
}

impl Edge {
    /// The edge of a server.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>, options: RequestOptions) -> Self {
        let places = Arc::new(Places::new(&options));
        Self { clock, entropy, options, places }
    }
}

impl fmt::Debug for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Edge").field("options", &self.options).finish_non_exhaustive()
    }
}

/// What an operator can set about requests.
#[derive(Debug, Clone)]
pub struct RequestOptions {
    /// The largest body of a request, in bytes.
    pub body_limit: usize,
    /// The largest body that brings a component or data files, in bytes.
    pub upload_limit: usize,
    /// How long a request may take.
    pub request_timeout: Duration,
    /// How long a request that compiles a component may take.
    pub upload_timeout: Duration,
    /// How many requests run at the same time; more wait for their turn.
    pub max_in_flight: usize,
    /// How many requests of one caller may wait; more are refused.
    pub max_waiting_per_caller: usize,
    /// How many may wait in all.
    pub max_waiting: usize,
    /// Proxies that are believed from which address a request came to them.
    pub trusted_proxies: Vec<IpAddr>,
}

impl Default for RequestOptions {
    fn default() -> Self {
        Self {
            body_limit: 1024 * 1024,
            upload_limit: 32 * 1024 * 1024,
            request_timeout: Duration::from_secs(30),
            upload_timeout: Duration::from_mins(3),
            max_in_flight: 16,
            max_waiting_per_caller: 64,
            max_waiting: 1024,
            trusted_proxies: Vec::new(),
        }
    }
}

/// What all requests share.
#[derive(Debug)]
pub struct Places {
    /// The turns of requests.
    pub turns: Arc<Turns>,
    /// The turns of requests that may wait for a compiler.
    pub slow_turns: Arc<Turns>,
    /// The bytes of bodies that are being read or wait for their turn.
    pub bodies: Arc<Budget>,
    /// Failed attempts to authenticate.
    pub attempts: Attempts,
}

/// Each holds a component, and nearly all of them wait for the one compiler.
const SLOW_AT_ONCE: usize = 8;
/// Room for the bodies of all who wait, where uploads are small.
const MIN_BODIES_BYTES: usize = 128 * 1024 * 1024;

impl Places {
    fn new(options: &RequestOptions) -> Self {
        let at_once = options.max_in_flight.max(1);
        // A quarter is left to the others, however many slow requests one organization sends.
        let most_of = |all: usize| (all - all / 4).max(1);
        let turns = |at_once: usize, per_org: usize| {
            Turns::new(TurnLimits {
                at_once,
                per_org,
                waiting_per_caller: options.max_waiting_per_caller.max(1),
                waiting: options.max_waiting.max(1),
            })
        };
        let bodies = (options.upload_limit.max(options.body_limit) * 4).max(MIN_BODIES_BYTES);
        Self {
            turns: turns(at_once, most_of(at_once)),
            slow_turns: turns(SLOW_AT_ONCE, SLOW_AT_ONCE / 4),
            bodies: Budget::new(bodies, bodies / 4),
            attempts: Attempts::default(),
        }
    }
}
