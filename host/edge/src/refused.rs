//! What is turned away before a front end has read it.

use std::time::Duration;

use axum::{
    http::{HeaderName, StatusCode},
    response::{IntoResponse, Response},
};

use crate::turns::Full;

/// Why a request was turned away, or did not come to its end. Nothing was changed, unless the
/// request's [`CommitNote`](waypost_app::CommitNote) says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// This header is there more than once.
    Repeated(HeaderName),
    /// The header `Host` is missing.
    NoHost,
    /// The body ended before its announced length, or cannot be read to its end.
    BodyCut,
    /// The body did not arrive within this time.
    BodyLate(Duration),
    /// The body has more than so many bytes.
    TooLarge(usize),
    /// No place is left to wait in.
    Full(Full),
    /// The time was up, of a request that changes something or not.
    TimedOut {
        /// Whether the request only reads.
        reads: bool,
    },
    /// A fault in the program ended it.
    Panicked,
}

impl Refused {
    /// The status that says so.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Repeated(_) | Self::NoHost | Self::BodyCut => StatusCode::BAD_REQUEST,
            Self::BodyLate(_) => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Full(Full::OfCaller) => StatusCode::TOO_MANY_REQUESTS,
            Self::Full(Full::OfAll) | Self::TimedOut { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<Full> for Refused {
    fn from(full: Full) -> Self {
        Self::Full(full)
    }
}

/// Bare, for a front end to complete.
impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}
