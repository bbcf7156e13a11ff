//! Settings: their JSON Schema, and errors that point to the faulty place.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};

use crate::SettingsError;

/// The JSON Schema (draft 2020-12) of a settings type, as JSON text.
#[must_use]
pub fn schema_of<T: JsonSchema>() -> String {
    schemars::schema_for!(T).as_value().to_string()
}

/// Reads settings; an error points to the value that does not fit.
pub(crate) fn read<T: DeserializeOwned>(json: &str) -> Result<T, Vec<SettingsError>> {
    let mut reader = serde_json::Deserializer::from_str(json);
    let settings = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        vec![SettingsError::at(pointer(error.path()), without_position(error.inner()))]
    })?;
    reader.end().map_err(|error| vec![SettingsError::at("", error.to_string())])?;
    Ok(settings)
}

/// RFC 6901: segments behind slashes, `~` and `/` inside them escaped.
fn pointer(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => {
                write!(pointer, "/{index}").expect("writing to a string cannot fail");
            }
            Segment::Map { key: member } | Segment::Enum { variant: member } => {
                pointer.push('/');
                pointer.push_str(&member.replace('~', "~0").replace('/', "~1"));
            }
            // What follows is not known to be a member of the document.
            Segment::Unknown => break,
        }
    }
    pointer
}

/// The message of a JSON error without " at line 1 column 23": settings are edited in forms, and
/// the pointer says where.
fn without_position(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    message.strip_suffix(&position).map_or(message.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it can be read is tested")]
    struct Settings {
        rules: Vec<BTreeMap<String, Target>>,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "snake_case")]
    #[expect(dead_code, reason = "only whether it can be read is tested")]
    enum Target {
        Team { key: String },
        Nobody,
    }

    fn refused(json: &str) -> SettingsError {
        read::<Settings>(json).expect_err("these settings are wrong").remove(0)
    }

    #[test]
    fn an_error_points_to_the_value_that_does_not_fit() {
        let error = refused(r#"{"rules": [{}, {"a/b": {"team": {"key": 7}}}]}"#);
        assert_eq!(error.path, "/rules/1/a~1b/team/key");
        assert_eq!(error.message, "invalid type: integer `7`, expected a string");
    }

    #[test]
    fn an_unknown_member_is_named() {
        let error = refused(r#"{"rules": [], "ruels": []}"#);
        assert_eq!(error.path, "/ruels");
        assert!(error.message.starts_with("unknown field `ruels`"), "{}", error.message);
    }

    #[test]
    fn text_that_is_not_json_is_refused() {
        assert_eq!(refused("{} {}").path, "");
        assert_eq!(refused("").path, "");
    }

    #[test]
    fn the_schema_is_of_draft_2020_12_and_lists_the_members() {
        let schema = schema_of::<Settings>();
        assert!(schema.contains("https://json-schema.org/draft/2020-12/schema"), "{schema}");
        assert!(schema.contains(r#""required":["rules"]"#), "{schema}");
        assert!(read::<Settings>(r#"{"rules": [{"x": "nobody"}]}"#).is_ok());
    }
}
