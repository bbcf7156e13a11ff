//! What is taken about bindings.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use waypost_app::bindings::{NewBinding, NewRevision, Run};
use waypost_domain::{binding::LimitChanges, refusal::FieldFault, said::Said};

use crate::{
    api_error::ApiError,
    wire::{
        HookName,
        patch::{nullable, settable},
    },
};

/// A new binding.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewBinding)]
pub(super) struct BindingIn {
    /// The hooks that it serves; defaults to all that the component serves.
    #[schema(value_type = Option<Vec<HookName>>)]
    hooks: Option<Vec<String>>,
    /// Name, unique within the organization. It cannot be changed.
    #[schema(example = "by-category")]
    name: String,
    /// Order of evaluation at each hook, lowest first. Enabled bindings at the same hook must have
    /// different positions.
    position: i64,
    /// The component's digest, as the upload returned it.
    #[schema(example = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    component: String,
    /// The settings; they must match the policy's schema.
    #[serde(default)]
    settings: Option<Value>,
    /// The data files.
    #[serde(default)]
    data: Vec<DataFileIn>,
    /// Limits that differ from the installation's.
    #[serde(default)]
    limits: LimitsWire,
    /// Key of the team that gets the ticket if the policy fails at `route`. If omitted, the next
    /// policy is asked, as at the other hooks.
    fallback_team: Option<String>,
    /// Whether organizations below cannot override it.
    #[serde(default)]
    locked: bool,
    /// Whether it replaces the unlocked bindings of the organizations above at its hooks.
    #[serde(default)]
    replaces_above: bool,
    /// Whether to create it disabled.
    #[serde(default)]
    disabled: bool,
    /// Reason for the revision.
    note: Option<String>,
}

/// A new revision. Omitted fields keep the values of the active revision.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = NewRevision)]
#[expect(clippy::option_option, reason = "omitted and null are two different things")]
pub(super) struct RevisionIn {
    /// The hooks that it serves. Replaces the whole list.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = Vec<HookName>)]
    hooks: Option<Vec<String>>,
    /// Order of evaluation, lowest first.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = i64)]
    position: Option<i64>,
    /// The component's digest.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = String)]
    component: Option<String>,
    /// The settings. Replaces all settings.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = Value)]
    settings: Option<Value>,
    /// The data files. Replaces all data files.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = Vec<DataFileIn>)]
    data: Option<Vec<DataFileIn>>,
    /// Limits that differ from the installation's. Replaces all limits.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = LimitsWire)]
    limits: Option<LimitsWire>,
    /// Key of the team that gets the ticket if the policy fails; null asks the next policy.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    fallback_team: Option<Option<String>>,
    /// Whether organizations below cannot override it.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = bool)]
    locked: Option<bool>,
    /// Whether it replaces the unlocked bindings of the organizations above at its hooks.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = bool)]
    replaces_above: Option<bool>,
    /// Reason for the revision.
    note: Option<String>,
}

/// The earlier revision to roll back to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RollBack)]
pub(super) struct RollBackIn {
    /// The revision's number.
    pub(super) to: i64,
}

/// A data file of a policy.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewDataFile)]
struct DataFileIn {
    /// Its name.
    name: String,
    /// Its content in base64.
    #[schema(content_encoding = "base64")]
    content: String,
}

/// Limits that differ from the installation's defaults, up to its maximum.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = Limits)]
pub(super) struct LimitsWire {
    /// Instructions, as wasmtime counts fuel.
    fuel: Option<u64>,
    /// Wall clock, in milliseconds.
    deadline_ms: Option<u32>,
    /// Memory, in bytes.
    memory_bytes: Option<u64>,
}

impl BindingIn {
    /// The command.
    pub(super) fn command(self) -> Result<NewBinding, ApiError> {
        let no_settings = || Value::Object(serde_json::Map::new());
        Ok(NewBinding {
            hooks: self.hooks,
            name: self.name,
            position: self.position,
            component: self.component.into(),
            settings: self.settings.unwrap_or_else(no_settings).to_string(),
            data: files(self.data)?,
            limits: self.limits.into(),
            fallback_team: self.fallback_team,
            locked: self.locked,
            replaces_above: self.replaces_above,
            disabled: self.disabled,
            note: self.note,
            run: Run::Real,
        })
    }
}

impl RevisionIn {
    /// The command.
    pub(super) fn command(self) -> Result<NewRevision, ApiError> {
        Ok(NewRevision {
            hooks: self.hooks,
            position: self.position,
            component: self.component.map(Into::into),
            settings: self.settings.map(|settings| settings.to_string()),
            data: self.data.map(files).transpose()?,
            limits: self.limits.map(Into::into),
            fallback_team: self.fallback_team,
            locked: self.locked,
            replaces_above: self.replaces_above,
            note: self.note,
            run: Run::Real,
        })
    }
}

fn files(given: Vec<DataFileIn>) -> Result<Vec<(String, Vec<u8>)>, ApiError> {
    let (mut files, mut faults) = (Vec::with_capacity(given.len()), Vec::new());
    for (index, file) in given.into_iter().enumerate() {
        match STANDARD.decode(&file.content) {
            Ok(content) => files.push((file.name, content)),
            Err(_) => faults.push(FieldFault {
                pointer: format!("/data/{index}/content"),
                code: "invalid",
                message: Said::as_is("Must be base64 with padding (RFC 4648, section 4)."),
            }),
        }
    }
    if faults.is_empty() {
        Ok(files)
    } else {
        Err(ApiError::faults(faults.into_iter().map(Into::into).collect()))
    }
}

impl From<LimitsWire> for LimitChanges {
    fn from(limits: LimitsWire) -> Self {
        Self {
            fuel: limits.fuel,
            deadline_ms: limits.deadline_ms,
            memory_bytes: limits.memory_bytes,
        }
    }
}

impl From<LimitChanges> for LimitsWire {
    fn from(limits: LimitChanges) -> Self {
        Self {
            fuel: limits.fuel,
            deadline_ms: limits.deadline_ms,
            memory_bytes: limits.memory_bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::reader;

    fn binding(data: &Value) -> BindingIn {
        let value = json!({
            "hooks": ["route"], "name": "a", "position": 10, "component": "sha256:00", "data": data,
        });
        reader::from_json(value).unwrap()
    }

    #[test]
    fn data_files_come_in_base64() {
        let command = binding(&json!([{"name": "map.csv", "content": "YSxi"}])).command().unwrap();
        assert_eq!(command.data, [("map.csv".to_owned(), b"a,b".to_vec())]);
        assert_eq!(command.settings, "{}");
    }

    #[test]
    fn every_file_that_is_no_base64_is_named() {
        let data = json!([{"name": "a", "content": "?"}, {"name": "b", "content": "?"}]);
        let json = binding(&data).command().unwrap_err().json();
        assert_eq!(json["errors"][1]["pointer"], "/data/1/content");
    }
}
