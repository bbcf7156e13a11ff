//! The OpenAPI document: made from the routes themselves, then completed with what all of them
//! share: parameters here, answers from the rows of [`answers`], examples from the schemas.

mod answers;
mod examples;

use std::sync::{Arc, LazyLock};

use axum::{
    Extension,
    http::header,
    response::{IntoResponse, Response},
};
use serde_json::Value;
use utoipa::openapi::{
    Components, HttpMethod, InfoBuilder, OpenApi, OpenApiBuilder, RefOr, Required,
    SecurityRequirement,
    path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem},
    schema::{ObjectBuilder, Schema, Type},
    security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use self::answers::Facts;
use crate::{
    ApiState,
    tickets::{Collection, takes_version},
};

/// The name of the one way to authenticate.
const BEARER: &str = "bearer";

/// The document before any route is in it.
pub(crate) fn skeleton() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Waypost")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(utoipa::openapi::License::new("Apache-2.0")))
        .build();
    OpenApiBuilder::new().info(info).components(Some(Components::new())).build()
}

const DESCRIPTION: &str = "\
A service desk whose behavior is pluggable with WebAssembly components.

Every record has a version, sent as its `ETag`. PATCH and DELETE requests must send it in \
`If-Match`; actions can. Every POST request can have an `Idempotency-Key`: a repeated request with \
the same key and body gets the first response. Lists are paginated: pass the `next` of a page as \
`after` to get the next page. Errors follow RFC 9457; their `type` links to an explanation.

What holds for every path is not repeated at each: a path that does not exist is a 404; a method \
that a path does not have is a 405 with `Allow`; HEAD is answered as GET is, without the body; \
OPTIONS is a 204 with `Allow`. A request whose head is no HTTP gets a bare 400, and one whose head \
is too large a bare 431.";

/// Puts the routes of one collection under its address, and names its operations after it.
pub(crate) fn collection(
    address: &str,
    tag: &str,
    routes: OpenApiRouter<ApiState>,
) -> OpenApiRouter<ApiState> {
    let mut nested = tagged(tag, OpenApiRouter::new().nest(address, routes));
    for item in nested.get_openapi_mut().paths.paths.values_mut() {
        for (_, operation) in operations(item) {
            if let Some(id) = &operation.operation_id {
                operation.operation_id = Some(format!("{}_{id}", tag.replace('-', "_")));
            }
        }
    }
    nested
}

/// The same routes under a heading of their own.
pub(crate) fn tagged(tag: &str, mut routes: OpenApiRouter<ApiState>) -> OpenApiRouter<ApiState> {
    for item in routes.get_openapi_mut().paths.paths.values_mut() {
        for (_, operation) in operations(item) {
            operation.tags = Some(vec![tag.to_owned()]);
        }
    }
    routes
}

/// The text of the document, made when it is first asked for: it is the same for every request.
#[derive(Clone)]
pub(crate) struct Text(Arc<LazyLock<Arc<str>, Make>>);

/// Makes the document.
type Make = Box<dyn FnOnce() -> Arc<str> + Send>;

impl Text {
    /// The text of a document.
    pub(crate) fn new(document: impl FnOnce() -> OpenApi + Send + 'static) -> Self {
        let make = move || {
            let text = serde_json::to_string(&document())
                .expect("a document of strings, numbers, lists and objects always has JSON");
            text.into()
        };
        Self(Arc::new(LazyLock::new(Box::new(make))))
    }
}

/// The route of the document itself.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(openapi))
}

/// Read this document
#[utoipa::path(
    get,
    path = "/openapi.json",
    responses((status = 200, description = "The OpenAPI 3.1 document of this API", body = Value)),
)]
async fn openapi(Extension(Text(text)): Extension<Text>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text.to_string()).into_response()
}

/// Adds what every operation shares: the parameters of its path, headers, all its answers, an
/// example of its body, the token.
pub(crate) fn complete(document: &mut OpenApi, is_public: impl Fn(&str) -> bool) {
    let components = document.components.get_or_insert_with(Components::new);
    answers::describe(components);
    components.schemas.values_mut().for_each(forget_null_defaults);
    describe_token(components);
    for (path, item) in &mut document.paths.paths {
        let needs_token = !is_public(path);
        for (method, operation) in operations(item) {
            let facts = Facts::of(method, path, needs_token, operation, components);
            let parameters = operation.parameters.get_or_insert_default();
            parameters.extend(parameters_of(&facts, path).into_iter().map(RefOr::T));
            forget_schema_of_bytes(operation);
            answers::complete(&facts, operation);
            examples::complete(operation, components);
            if needs_token {
                let none: [&str; 0] = [];
                operation.security = Some(vec![SecurityRequirement::new(BEARER, none)]);
            }
        }
    }
}

/// Whether an operation gives a page of records.
fn is_list(operation: &Operation) -> bool {
    let mut parameters = operation.parameters.iter().flatten();
    let is_cursor = |one: &RefOr<Parameter>| matches!(one, RefOr::T(one) if one.name == "after");
    parameters.any(is_cursor)
}

/// A component is bytes, and bytes have no schema; a list of numbers would be JSON.
fn forget_schema_of_bytes(operation: &mut Operation) {
    let Some(RefOr::T(body)) = &mut operation.request_body else { return };
    if let Some(RefOr::T(content)) = body.content.get_mut("application/wasm") {
        content.schema = None;
    }
}

/// That an absent field is as good as null is said of each field that it is true of; as a default
/// it is wrong for edits.
fn forget_null_defaults(schema: &mut RefOr<Schema>) {
    let RefOr::T(Schema::Object(object)) = schema else { return };
    for property in object.properties.values_mut() {
        let default = match property {
            RefOr::T(Schema::Object(object)) => &mut object.default,
            RefOr::T(Schema::Array(array)) => &mut array.default,
            RefOr::T(Schema::OneOf(one_of)) => &mut one_of.default,
            _ => continue,
        };
        if *default == Some(Value::Null) {
            *default = None;
        }
    }
}

fn describe_token(components: &mut Components) {
    let scheme = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A token of the organization or of one above it."))
        .build();
    components.add_security_scheme(BEARER, SecurityScheme::Http(scheme));
}

/// Whether a POST heeds the version of the record that the caller may have read before.
fn heeds_version(of: &Facts, path: &str) -> bool {
    let is_action = path.split_once("/actions/").is_some_and(|(_, action)| takes_version(action));
    of.is_post() && (is_action || path.contains("/bindings/{id}/"))
}

fn parameters_of(of: &Facts, path: &str) -> Vec<Parameter> {
    let mut parameters = path_parameters(path);
    if !of.needs_token {
        return parameters;
    }
    let key = text().pattern(Some("^[a-z0-9][a-z0-9._-]*$"));
    parameters.push(in_header(
        "Waypost-Organization",
        "Key of the organization to act in: the token's own (the default) or one below it.",
        key,
        None,
    ));
    if of.is_post() {
        parameters.push(in_header(
            "Idempotency-Key",
            "Makes the request safe to repeat: the same key and body get the first response \
             again, for as many hours as the setting `idempotency_hours` says (24 by default).",
            text().pattern(Some(IDEMPOTENCY_KEY)),
            None,
        ));
    }
    if of.is_edit() {
        let mut if_match = in_header(
            "If-Match",
            "The `ETag` of the record as you read it, or `*`.",
            text().pattern(Some(ENTITY_TAG)),
            Some("\"3\""),
        );
        if_match.required = Required::True;
        parameters.push(if_match);
    } else if heeds_version(of, path) {
        parameters.push(in_header(
            "If-Match",
            "The `ETag` of the record as you read it.",
            text().pattern(Some(ENTITY_TAG)),
            Some("\"3\""),
        ));
    }
    if of.takes_preference() {
        parameters.push(in_header(
            "Prefer",
            "`return=minimal` for a 204 without the record.",
            text(),
            Some("return=minimal"),
        ));
    }
    parameters
}

/// A string in quotes (RFC 8941), or a bare token.
const IDEMPOTENCY_KEY: &str = r#"^("([ !#-\[\]-~]|\\["\\]){1,255}"|[A-Za-z0-9._:/+=~-]{1,255})$"#;
/// One entity tag, or any.
const ENTITY_TAG: &str = r#"^(\*|(W/)?"[^"]*")$"#;

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn in_header(
    name: &str,
    description: &str,
    schema: ObjectBuilder,
    example: Option<&str>,
) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema))
        .example(example.map(Value::from))
        .build()
}

fn path_parameters(path: &str) -> Vec<Parameter> {
    let steps = path.split('/').collect::<Vec<_>>();
    let names = steps.windows(2).filter_map(|pair| {
        let name = pair[1].strip_prefix('{')?.strip_suffix('}')?;
        Some((pair[0], name))
    });
    names
        .map(|(owner, name)| {
            let description = match name {
                "id" if owner == "people" => "Id or e-mail address of the person.",
                "id" if Collection::all().any(|of| of.path() == owner) => {
                    "Id or number of the ticket."
                }
                "id" => "Id of the record.",
                "key" => "Key of the record.",
                "path" => "Path of the category, with its slashes written as `%2F`.",
                "digest" => "Digest of the component: `sha256:…`.",
                "slug" => "Kind of error.",
                "sign_in" => "Id of the sign-in.",
                _ => "Name of the record.",
            };
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .description(Some(description))
                .schema(Some(text()))
                .build()
        })
        .collect()
}

/// The operations of a path, with their methods.
pub(crate) fn operations(
    item: &mut PathItem,
) -> impl Iterator<Item = (HttpMethod, &mut Operation)> {
    [
        (HttpMethod::Get, &mut item.get),
        (HttpMethod::Post, &mut item.post),
        (HttpMethod::Put, &mut item.put),
        (HttpMethod::Patch, &mut item.patch),
        (HttpMethod::Delete, &mut item.delete),
    ]
    .into_iter()
    .filter_map(|(method, operation)| operation.as_mut().map(|operation| (method, operation)))
}
