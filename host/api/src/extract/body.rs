//! The body of a request, as JSON or as a component.

use std::fmt;

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;

use crate::{
    ApiState,
    api_error::{ApiError, FaultOut, Slug},
    reader::{self, Fault},
};

/// A JSON body. None at all is as good as `{}`: an action that needs nothing takes none.
#[derive(Debug)]
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<ApiState> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        // `bounded_body` has read it within its limit already.
        let bytes = whole(body, state.edge.options.upload_limit).await?;
        parse(&parts.headers, &bytes).map(Self)
    }
}

/// The bytes of a WebAssembly component.
#[derive(Debug)]
pub(crate) struct WasmBody(pub(crate) Bytes);

impl FromRequest<ApiState> for WasmBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, ApiError> {
        if media_type(request.headers()).as_deref() != Some("application/wasm") {
            let detail = "send the component's bytes with `Content-Type: application/wasm`";
            return Err(ApiError::new(Slug::UnsupportedMediaType, detail));
        }
        whole(request.into_body(), state.edge.options.upload_limit).await.map(Self)
    }
}

async fn whole(body: axum::body::Body, limit: usize) -> Result<Bytes, ApiError> {
    axum::body::to_bytes(body, limit)
        .await
        .map_err(|_| ApiError::new(Slug::MalformedBody, "the body could not be read completely"))
}

fn parse<T: DeserializeOwned>(headers: &HeaderMap, bytes: &[u8]) -> Result<T, ApiError> {
    let value = if bytes.is_empty() {
        Value::Object(serde_json::Map::new())
    } else {
        must_be_json(headers)?;
        let Once(value) = serde_json::from_slice(bytes).map_err(|error| malformed(&error))?;
        value
    };
    reader::from_json(value).map_err(unreadable)
}

/// JSON in which each object has each member once: of two, nobody can say which one is meant.
struct Once(Value);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OnceVisitor).map(Self)
    }
}

struct OnceVisitor;

impl<'de> Visitor<'de> for OnceVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Once(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = serde_json::Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                let name: String = name.chars().take(MAX_SHOWN_NAME).collect();
                return Err(A::Error::custom(format_args!("`{name}` is given twice")));
            }
            let Once(value) = members.next_value()?;
            object.insert(name, value);
        }
        Ok(object.into())
    }
}

/// The longest name of a member that an error shows.
const MAX_SHOWN_NAME: usize = 100;

/// The error of a body, or a part of one, that does not fit.
pub(crate) fn unreadable(faults: Vec<Fault>) -> ApiError {
    ApiError::faults(faults.into_iter().map(in_body).collect())
}

fn must_be_json(headers: &HeaderMap) -> Result<(), ApiError> {
    let is_json = media_type(headers).is_some_and(|is| {
        is == "application/json" || (is.starts_with("application/") && is.ends_with("+json"))
    });
    if is_json {
        return Ok(());
    }
    Err(ApiError::new(
        Slug::UnsupportedMediaType,
        "send JSON with `Content-Type: application/json`",
    ))
}

/// The media type in lower case, without its parameters.
fn media_type(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    text.split(';').next().map(|is| is.trim().to_ascii_lowercase())
}

fn malformed(error: &serde_json::Error) -> ApiError {
    let place = format!("line {}, column {}", error.line(), error.column());
    let detail = if error.is_eof() {
        format!("the JSON ends unexpectedly at {place}")
    } else if error.is_data() {
        error.to_string()
    } else {
        format!("the JSON is malformed at {place}")
    };
    ApiError::new(Slug::MalformedBody, detail)
}

fn in_body(fault: Fault) -> FaultOut {
    FaultOut {
        pointer: Some(fault.pointer()),
        parameter: None,
        header: None,
        code: fault.code,
        message: fault.message,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Note {
        text: String,
    }

    fn read(content_type: &str, body: &str) -> Result<Note, Slug> {
        let value = HeaderValue::from_str(content_type).unwrap();
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, value)]);
        parse(&headers, body.as_bytes()).map_err(|error| error.slug())
    }

    #[test]
    fn json_is_read_whatever_its_parameters() {
        assert_eq!(read("application/json; charset=utf-8", r#"{"text":"a"}"#).unwrap().text, "a");
        assert_eq!(read("application/merge-patch+json", r#"{"text":"a"}"#).unwrap().text, "a");
    }

    #[test]
    fn no_member_is_given_twice() {
        let parse = |body: &str| serde_json::from_str::<Once>(body).map(|Once(value)| value);
        for body in
            [r#"{"text":"a","text":"b"}"#, r#"{"a":[{"b":1,"b":1}]}"#, r#"{"a":1,"\u0061":2}"#]
        {
            let refused = parse(body).unwrap_err();
            assert!(
                refused.is_data() && refused.to_string().contains("is given twice"),
                "{refused}"
            );
            assert_eq!(read("application/json", body).unwrap_err(), Slug::MalformedBody);
        }
        for body in ["null", "[1,-2,3.5,true,\"a\"]", r#"{"a":{"a":1},"b":[{"a":1},{"a":2}]}"#] {
            assert_eq!(parse(body).unwrap(), serde_json::from_str::<Value>(body).unwrap());
        }
    }

    #[test]
    fn each_mistake_has_its_kind() {
        let slug = |content_type, body| read(content_type, body).unwrap_err();
        assert_eq!(slug("text/plain", r#"{"text":"a"}"#), Slug::UnsupportedMediaType);
        assert_eq!(slug("application/json", r#"{"text":"#), Slug::MalformedBody);
        assert_eq!(slug("application/json", "{'text'}"), Slug::MalformedBody);
        assert_eq!(slug("application/json", r#"{"text":"a","more":1}"#), Slug::ValidationFailed);
        assert_eq!(slug("application/json", r#"{"text":1}"#), Slug::ValidationFailed);
        assert_eq!(slug("application/json", "{}"), Slug::MissingFields);
        assert_eq!(slug("application/json", ""), Slug::MissingFields);
    }
}
