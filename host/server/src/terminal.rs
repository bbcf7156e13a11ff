//! The terminal: what every command is handed: the settings, and a place for results.

use anyhow::Result;

use crate::config::{Config, Loaded};
use crate::installation::{Installation, Opening};
use crate::output::{Form, Output};

/// What a command works with.
pub(crate) struct Terminal {
    pub(crate) loaded: Loaded,
    pub(crate) output: Output,
}

impl Terminal {
    pub(crate) fn new(loaded: Loaded, form: Form) -> Self {
        Self { loaded, output: Output::stdout(form) }
    }

    /// The settings in force.
    pub(crate) fn config(&self) -> &Config {
        &self.loaded.config
    }

    /// Opens the database, which must be there, and the policy runtime.
    pub(crate) async fn open(&self) -> Result<Installation> {
        Installation::open(&self.loaded, Opening::MustExist).await
    }

    /// Opens the database and the policy runtime; a database is made where there is none.
    pub(crate) async fn open_or_create(&self) -> Result<Installation> {
        Installation::open(&self.loaded, Opening::Creates).await
    }
}
