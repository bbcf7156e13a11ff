//! The OpenAPI document as a judge: every answer that a story gets has to be as the document says.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use axum::http::{HeaderMap, Method, StatusCode, header};
use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

use crate::Answer;

/// Headers that tell something: an answer has them where the document says so, and nowhere else.
const TELLING: [&str; 9] = [
    "allow",
    "etag",
    "idempotency-replayed",
    "link",
    "location",
    "preference-applied",
    "retry-after",
    "www-authenticate",
    "x-request-id",
];

/// Checks an answer against what the document says of its operation.
///
/// # Panics
/// With the operation and the difference.
pub(crate) fn check(method: &Method, uri: &str, answer: &Answer) {
    static DOCUMENT: OnceLock<Document> = OnceLock::new();
    let document = DOCUMENT.get_or_init(|| {
        let document = serde_json::to_value(waypost_api::document());
        Document::new(document.expect("the document has JSON"))
    });
    // An answer to HEAD is that to GET without its body, and OPTIONS asks about the path.
    if method == Method::HEAD || method == Method::OPTIONS {
        return;
    }
    let path = uri.split_once('?').map_or(uri, |(path, _)| path);
    if let Err(difference) = document.differs(method, path, answer) {
        let status = answer.status;
        panic!(
            "the document is not true of {method} {path} {status}: {difference}\n{}",
            answer.text
        );
    }
}

/// The document, ready to be asked.
struct Document {
    json: Value,
    /// Those whose path names the most come first.
    operations: Vec<Operation>,
    /// By the text of the schema; made when they are first needed.
    validators: Mutex<BTreeMap<String, Arc<Validator>>>,
}

struct Operation {
    method: String,
    path: String,
}

impl Operation {
    fn parameters(&self) -> usize {
        self.path.matches('{').count()
    }

    fn is_at(&self, method: &Method, path: &str) -> bool {
        let (mut own, mut asked) = (self.path.split('/'), path.split('/'));
        if self.method != method.as_str() {
            return false;
        }
        loop {
            match (own.next(), asked.next()) {
                (None, None) => return true,
                (Some(own), Some(asked))
                    if own == asked || (own.starts_with('{') && !asked.is_empty()) => {}
                (Some(_) | None, _) => return false,
            }
        }
    }
}

impl Document {
    fn new(json: Value) -> Self {
        let mut operations = Vec::new();
        for (path, item) in json["paths"].as_object().into_iter().flatten() {
            for method in item.as_object().into_iter().flat_map(Map::keys) {
                let (method, path) = (method.to_uppercase(), path.clone());
                operations.push(Operation { method, path });
            }
        }
        operations.sort_by_key(Operation::parameters);
        Self { json, operations, validators: Mutex::default() }
    }

    fn differs(&self, method: &Method, path: &str, answer: &Answer) -> Result<(), String> {
        let found = self.operations.iter().find(|operation| operation.is_at(method, path));
        let Some(operation) = found else { return is_refused(answer) };
        let described = &self.json["paths"][&operation.path][operation.method.to_lowercase()];
        let response = &described["responses"][answer.status.as_str()];
        if response.is_null() {
            return Err(format!("the status is not documented at {}", operation.path));
        }
        let response = self.resolved(response);
        self.differs_in_headers(&response["headers"], &answer.headers)?;
        self.differs_in_body(&response["content"], answer)
    }

    fn differs_in_headers(&self, described: &Value, headers: &HeaderMap) -> Result<(), String> {
        let none = Map::new();
        let described = described.as_object().unwrap_or(&none);
        for name in TELLING.into_iter().filter(|name| headers.contains_key(*name)) {
            if !described.keys().any(|one| one.eq_ignore_ascii_case(name)) {
                return Err(format!("the header {name} is not documented"));
            }
        }
        for (name, header) in described {
            let header = self.resolved(header);
            let Some(value) = headers.get(name) else {
                if header["required"] == true {
                    return Err(format!("the header {name} is missing"));
                }
                continue;
            };
            let text = value.to_str().map_err(|_| format!("the header {name} is no text"))?;
            let is_number = header["schema"]["type"] == "integer";
            let number = is_number.then(|| text.parse::<u64>().ok()).flatten();
            let value = number.map_or_else(|| Value::from(text), Value::from);
            self.fits(&header["schema"], &value).map_err(|why| format!("header {name}: {why}"))?;
        }
        Ok(())
    }

    fn differs_in_body(&self, described: &Value, answer: &Answer) -> Result<(), String> {
        let Some(described) = described.as_object().filter(|content| !content.is_empty()) else {
            let is_empty = answer.text.is_empty();
            return if is_empty { Ok(()) } else { Err("no body is documented".to_owned()) };
        };
        let media_type = answer.header(header::CONTENT_TYPE.as_str()).unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim();
        let Some(content) = described.get(media_type) else {
            return Err(format!("the media type `{media_type}` is not documented"));
        };
        self.fits(&content["schema"], &answer.json)
    }

    fn fits(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let validator = self.validator(schema);
        let faults = validator.iter_errors(value).take(5);
        let faults = faults.map(|fault| format!("{}: {fault}", fault.instance_path()));
        let faults = faults.collect::<Vec<_>>();
        if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
    }

    /// The validator of a schema, which is compiled once.
    fn validator(&self, schema: &Value) -> Arc<Validator> {
        let mut validators = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
        let compiled = validators.entry(schema.to_string()).or_insert_with(|| {
            let whole =
                json!({ "allOf": [schema], "components": { "schemas": self.reached(schema) } });
            let compiled = jsonschema::options().with_draft(Draft::Draft202012).build(&whole);
            Arc::new(compiled.unwrap_or_else(|error| panic!("{error}: {schema}")))
        });
        Arc::clone(compiled)
    }

    /// The components that a schema leads to, so that no more is compiled.
    fn reached(&self, schema: &Value) -> Map<String, Value> {
        let (mut found, mut left) = (Map::new(), BTreeSet::new());
        references(schema, &mut left);
        while let Some(name) = left.pop_first() {
            if found.contains_key(&name) {
                continue;
            }
            let component = &self.json["components"]["schemas"][&name];
            references(component, &mut left);
            found.insert(name, component.clone());
        }
        found
    }

    /// What is described, here or among the components.
    fn resolved<'a>(&'a self, described: &'a Value) -> &'a Value {
        let to = described["$ref"].as_str().and_then(|to| to.strip_prefix('#'));
        to.and_then(|to| self.json.pointer(to)).unwrap_or(described)
    }
}

/// The names of the schemas that a schema refers to.
fn references(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(map) => {
            let to = map.get("$ref").and_then(Value::as_str);
            found.extend(
                to.and_then(|to| to.strip_prefix("#/components/schemas/")).map(str::to_owned),
            );
            map.values().for_each(|value| references(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What the document does not have is not there.
fn is_refused(answer: &Answer) -> Result<(), String> {
    if answer.status.is_success() {
        return Err("there is no such operation in the document".to_owned());
    }
    if answer.status == StatusCode::METHOD_NOT_ALLOWED && answer.header("allow").is_none() {
        return Err("the header allow is missing".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn document() -> Document {
        let one = json!({ "$ref": "#/components/schemas/One" });
        let order = json!({ "schema": { "$ref": "#/components/schemas/Order" } });
        let in_force = json!({
            "headers": { "ETag": { "$ref": "#/components/headers/ETag" } },
            "content": { "application/json": order },
        });
        Document::new(json!({
            "paths": {
                "/bindings/{id}": { "get": { "responses": { "404": {} } } },
                "/bindings/in-force": { "get": { "responses": { "200": in_force } } },
            },
            "components": {
                "headers": {
                    "ETag": { "required": true, "schema": { "pattern": "^\"[0-9]+\"$" } },
                },
                "schemas": {
                    "Order": { "properties": { "items": { "items": one } } },
                    "One": { "type": "integer" },
                },
            },
        }))
    }

    fn answer(status: u16, headers: &[(&'static str, &'static str)], json: Value) -> Answer {
        let of = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let headers = headers.iter().map(of).collect();
        let text = json.to_string();
        Answer { status: StatusCode::from_u16(status).unwrap(), headers, json, text }
    }

    fn asked(path: &str, answer: &Answer) -> Result<(), String> {
        document().differs(&Method::GET, path, answer)
    }

    #[test]
    fn an_answer_is_as_the_document_says() {
        let headers = [("content-type", "application/json"), ("etag", "\"7\"")];
        let good = answer(200, &headers, json!({ "items": [1] }));
        assert_eq!(asked("/bindings/in-force", &good), Ok(()));
        let said = |headers: &[(&'static str, &'static str)], json| {
            asked("/bindings/in-force", &answer(200, headers, json)).unwrap_err()
        };
        assert!(said(&headers, json!({ "items": ["one"] })).contains("/items/0"));
        assert!(said(&headers[..1], json!({})).contains("ETag is missing"));
        let wrong = [headers[0], ("etag", "7")];
        assert!(said(&wrong, json!({})).contains("header ETag"));
        let more = [headers[0], headers[1], ("link", "<x>")];
        assert!(said(&more, json!({})).contains("link is not documented"));
        let plain = [("content-type", "text/plain"), headers[1]];
        assert!(said(&plain, json!({})).contains("text/plain"));
    }

    #[test]
    fn a_path_is_found_by_the_names_in_it_first() {
        let refused = answer(404, &[], Value::Null);
        assert!(asked("/bindings/in-force", &refused).unwrap_err().contains("not documented"));
        assert!(asked("/bindings/7", &answer(200, &[], Value::Null)).is_err());
        assert_eq!(asked("/bindings/7/more", &refused), Ok(()));
        assert!(asked("/bindings/7/more", &answer(200, &[], Value::Null)).is_err());
    }

    #[test]
    fn every_example_of_a_body_fits_its_schema() {
        let document = Document::new(serde_json::to_value(waypost_api::document()).unwrap());
        let mut seen = 0;
        for Operation { method, path } in &document.operations {
            let operation = &document.json["paths"][path][method.to_lowercase()];
            let body = &operation["requestBody"]["content"]["application/json"];
            if body.is_object() {
                let fits = document.fits(&body["schema"], &body["example"]);
                assert_eq!(fits, Ok(()), "{method} {path}: {}", body["example"]);
                seen += 1;
            }
        }
        assert!(seen > 100, "only {seen}");
    }

    #[test]
    fn every_example_of_an_error_fits_its_schema() {
        let document = Document::new(serde_json::to_value(waypost_api::document()).unwrap());
        let responses = document.json["components"]["responses"].as_object().unwrap();
        for (name, response) in responses {
            let content = &response["content"]["application/problem+json"];
            for example in content["examples"].as_object().into_iter().flatten() {
                let fits = document.fits(&content["schema"], &example.1["value"]);
                assert_eq!(fits, Ok(()), "{name}: {}", example.0);
            }
        }
    }
}
