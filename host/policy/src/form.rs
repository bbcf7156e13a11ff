//! Forms: questions and answers as JSON, with the version of the form.
//!
//! Rounds and receipts are kept for years, so their JSON is the host's own and not that of any
//! version of the contract. A field that is added later has a default; anything else makes a new
//! form, and the readers of the old ones stay.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The form that is written.
pub const FORM: u16 = 1;

/// A document with the version of its form.
#[derive(Serialize)]
struct Written<'a, T> {
    form: u16,
    #[serde(flatten)]
    content: &'a T,
}

#[derive(Deserialize)]
struct Read<T> {
    // Taken out here, so that an untagged content does not meet it.
    #[serde(rename = "form")]
    _form: u16,
    #[serde(flatten)]
    content: T,
}

#[derive(Deserialize)]
struct Version {
    form: u16,
}

/// A document cannot be read.
#[derive(Debug, Error)]
pub enum FormError {
    /// A newer host has written it.
    #[error(
        "it has format {0}, written by a newer version of Waypost; this version reads format {FORM}"
    )]
    Newer(u16),
    /// It is not a document of its form.
    #[error("it is not a document of format {FORM}")]
    Malformed(#[from] serde_json::Error),
}

/// The JSON of a document. Equal documents give equal bytes.
///
/// # Panics
/// Never for the types of this crate and records made of them: no map with keys other than texts.
#[must_use]
pub fn to_json<T: Serialize>(content: &T) -> Vec<u8> {
    serde_json::to_vec(&Written { form: FORM, content }).expect("plain structs and enums")
}

/// Reads a document.
///
/// # Errors
/// [`FormError`] for one of a newer form, or of none.
pub fn from_json<T: DeserializeOwned>(json: &[u8]) -> Result<T, FormError> {
    let Version { form } = serde_json::from_slice(json)?;
    if form > FORM {
        return Err(FormError::Newer(form));
    }
    Ok(serde_json::from_slice::<Read<T>>(json)?.content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Note {
        text: String,
        #[serde(default)]
        added_later: Option<u8>,
    }

    #[test]
    fn a_document_says_its_form_and_is_read_back() {
        let note = Note { text: "a".to_owned(), added_later: None };
        let json = to_json(&note);
        assert_eq!(json, br#"{"form":1,"text":"a","added_later":null}"#);
        assert_eq!(from_json::<Note>(&json).unwrap(), note);
        assert_eq!(from_json::<Note>(br#"{"form":1,"text":"a"}"#).unwrap(), note);
    }

    #[test]
    fn a_newer_form_is_named_and_no_form_is_refused() {
        let newer = from_json::<Note>(br#"{"form":2,"words":"a"}"#).unwrap_err();
        assert!(newer.to_string().contains("format 2"), "{newer}");
        assert!(matches!(from_json::<Note>(br#"{"text":"a"}"#), Err(FormError::Malformed(_))));
    }
}
