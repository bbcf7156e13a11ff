//! Fields of a PATCH: left out, emptied, or set (RFC 7396).

use serde::{Deserialize, Deserializer};

/// Reads a field that is there: null empties it. With `#[serde(default)]` an absent one stays none.
#[expect(clippy::option_option, reason = "omitted and null are two different things")]
pub(crate) fn nullable<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// Reads a field that can be left out but not emptied.
pub(crate) fn settable<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Default, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Edit {
        #[serde(deserialize_with = "settable")]
        name: Option<String>,
        #[serde(deserialize_with = "nullable")]
        #[expect(clippy::option_option, reason = "omitted and null are two different things")]
        service: Option<Option<String>>,
    }

    #[test]
    fn left_out_emptied_and_set_are_told_apart() {
        let read = |value| crate::reader::from_json::<Edit>(value);
        assert_eq!(read(json!({})).unwrap(), Edit::default());
        assert_eq!(read(json!({"service": null})).unwrap().service, Some(None));
        assert_eq!(read(json!({"service": "a"})).unwrap().service, Some(Some("a".to_owned())));
        assert_eq!(read(json!({"name": null})).unwrap_err()[0].pointer(), "/name");
    }
}
