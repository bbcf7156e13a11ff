//! Somebody at the API: a token, and requests through the real router.

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use crate::document;

/// Somebody with a token.
#[derive(Clone)]
pub struct Client {
    router: Router,
    token: String,
    organization: Option<String>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as JSON; null when it is none.
    pub json: Value,
    /// The body as text.
    pub text: String,
}

impl Client {
    pub(crate) fn new(router: Router, token: &str) -> Self {
        Self { router, token: token.to_owned(), organization: None }
    }

    /// The same, acting in an organization below the token's.
    #[must_use]
    pub fn in_organization(&self, key: &str) -> Self {
        Self { organization: Some(key.to_owned()), ..self.clone() }
    }

    /// Reads.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], Body::empty()).await
    }

    /// Reads from an address outside `/api/v1`.
    pub async fn get_at(&self, path: &str) -> Answer {
        self.request(Method::GET, path.to_owned(), &[], Body::empty()).await
    }

    /// Reads a ticket again.
    pub async fn again(&self, ticket: &Value) -> Value {
        self.get(&at(ticket, "")).await.ok()
    }

    /// Reads a part of a ticket: `events`, `comments`, `explain`.
    pub async fn of(&self, ticket: &Value, part: &str) -> Answer {
        self.get(&at(ticket, &format!("/{part}"))).await
    }

    /// Takes an action on a ticket.
    pub async fn act(&self, ticket: &Value, action: &str, input: Value) -> Answer {
        self.post(&at(ticket, &format!("/actions/{action}")), input).await
    }

    /// Comments on a ticket.
    pub async fn comment(&self, ticket: &Value, visibility: &str, text: &str) -> Answer {
        let comment = serde_json::json!({ "visibility": visibility, "text": text });
        self.post(&at(ticket, "/comments"), comment).await
    }

    /// Sends JSON.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.post_with(path, &[], body).await
    }

    /// Sends JSON with headers.
    pub async fn post_with(&self, path: &str, headers: &[(&str, &str)], body: Value) -> Answer {
        let mut headers = headers.to_vec();
        headers.push((header::CONTENT_TYPE.as_str(), "application/json"));
        self.send(Method::POST, path, &headers, Body::from(body.to_string())).await
    }

    /// Changes what had this version.
    pub async fn patch(&self, path: &str, version: i64, body: Value) -> Answer {
        let tag = format!("\"{version}\"");
        let headers =
            [(header::CONTENT_TYPE.as_str(), "application/json"), ("if-match", tag.as_str())];
        self.send(Method::PATCH, path, &headers, Body::from(body.to_string())).await
    }

    /// Sends anything.
    ///
    /// # Panics
    /// When the router itself fails, which it never may, and when the OpenAPI document is not true
    /// of the answer.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Answer {
        self.request(method, format!("/api/v1{path}"), headers, body).await
    }

    async fn request(
        &self,
        method: Method,
        uri: String,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Answer {
        let mut request = Request::builder().method(&method).uri(&uri);
        if !self.token.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        }
        if let Some(organization) = &self.organization {
            request = request.header("waypost-organization", organization);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body).expect("a test's request is well-formed");
        let response = self.router.clone().oneshot(request).await.expect("the router never fails");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("the body is in memory").to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        let answer = Answer { status: parts.status, headers: parts.headers, json, text };
        document::check(&method, &uri, &answer);
        answer
    }

    /// Uploads a component and returns its digest.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn upload(&self, component: Vec<u8>) -> String {
        let headers = [(header::CONTENT_TYPE.as_str(), "application/wasm")];
        let answer = self.send(Method::POST, "/policies", &headers, Body::from(component)).await;
        answer.created()["digest"].as_str().expect("a policy has a digest").to_owned()
    }
}

fn at(ticket: &Value, part: &str) -> String {
    let number = ticket["number"].as_str().expect("a ticket has a number");
    format!("/tickets/{number}{part}")
}

impl Answer {
    /// The JSON of an answer that says it was created.
    ///
    /// # Panics
    /// With the whole answer when it says something else.
    #[must_use]
    pub fn created(self) -> Value {
        self.with(StatusCode::CREATED)
    }

    /// The JSON of an answer that says all is well.
    ///
    /// # Panics
    /// With the whole answer when it says something else.
    #[must_use]
    pub fn ok(self) -> Value {
        self.with(StatusCode::OK)
    }

    /// The JSON of an answer with this status.
    ///
    /// # Panics
    /// With the whole answer when it has another.
    #[must_use]
    pub fn with(self, status: StatusCode) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json
    }

    /// The slug of the problem that it is: `not-found`.
    ///
    /// # Panics
    /// With the whole answer when it is none.
    #[must_use]
    pub fn slug(&self) -> &str {
        let kind = self.json["type"].as_str().and_then(|uri| uri.strip_prefix("/errors/"));
        kind.unwrap_or_else(|| panic!("{} is no problem: {}", self.status, self.text))
    }

    /// The places that a problem points to, sorted: `/team`.
    #[must_use]
    pub fn pointers(&self) -> Vec<&str> {
        let errors = self.json["errors"].as_array().into_iter().flatten();
        let mut pointers: Vec<&str> =
            errors.filter_map(|error| error["pointer"].as_str()).collect();
        pointers.sort_unstable();
        pointers
    }

    /// The places that a problem points to, each with what is wrong there: `/team`, `unknown`.
    #[must_use]
    pub fn faults(&self) -> Vec<(&str, &str)> {
        let errors = self.json["errors"].as_array().into_iter().flatten();
        errors
            .filter_map(|error| Some((error["pointer"].as_str()?, error["code"].as_str()?)))
            .collect()
    }

    /// The records of a page.
    ///
    /// # Panics
    /// With the whole answer when it is none.
    #[must_use]
    pub fn items(self) -> Vec<Value> {
        match self.ok()["items"].take() {
            Value::Array(items) => items,
            other => panic!("no list: {other}"),
        }
    }

    /// A header, if it is there and text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}
