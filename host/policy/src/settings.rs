//! Settings: checked against the policy's JSON Schema before the policy itself sees them.

use serde_json::Value;
use waypost_settings::Wrong;

use crate::SettingsError;

/// A compiled settings schema.
pub(crate) struct SettingsSchema<'a>(waypost_settings::SettingsSchema<'a>);

impl<'a> SettingsSchema<'a> {
    /// Compiles a schema.
    pub(crate) fn compile(schema: &'a Value) -> Result<Self, String> {
        waypost_settings::SettingsSchema::compile(schema).map(Self)
    }

    /// Parses and checks settings. Whether they are valid is found out first, which copies nothing;
    /// what is wrong with them only if saying so is little enough work.
    pub(crate) fn check(&self, settings: &str) -> Result<(), Vec<SettingsError>> {
        self.0.check(settings).map_err(|errors| {
            let told = errors.into_iter();
            told.map(|Wrong { path, message }| SettingsError { path, message }).collect()
        })
    }
}
