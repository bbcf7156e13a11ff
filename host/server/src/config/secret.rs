//! Secrets: values that must not reach a log, an error message or a screen.

use std::fmt;

use serde::Deserialize;

/// A value that is read and used, never shown: its `Debug` prints "…".
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secret(String);

impl Secret {
    /// The value. Only for whoever uses it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether none is set.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self(value)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}
