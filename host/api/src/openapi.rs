//! The OpenAPI document: made from the routes themselves, then completed with what all of them
//! share.

use std::sync::Arc;

use axum::{
    Extension,
    http::header,
    response::{IntoResponse, Response},
};
use serde_json::Value;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Components, Content, HttpMethod, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr,
        Required, ResponseBuilder, SecurityRequirement,
        path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem},
        schema::{ObjectBuilder, Schema, Type},
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    ApiState,
    api_error::{ApiErrorOut, FaultOut, Slug},
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
`after` to get the next page. Errors follow RFC 9457; their `type` links to an explanation.";

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

/// The text of the document, made once: it is the same for every request.
#[derive(Clone)]
pub(crate) struct Text(Arc<str>);

impl Text {
    /// The text of a document.
    pub(crate) fn of(document: &OpenApi) -> Self {
        let text = serde_json::to_string(document)
            .expect("a document of strings, numbers, lists and objects always has JSON");
        Self(text.into())
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

/// Adds what every operation shares: the parameters of its path, headers, errors, the token.
pub(crate) fn complete(document: &mut OpenApi, is_public: impl Fn(&str) -> bool) {
    let components = document.components.get_or_insert_with(Components::new);
    describe_errors(components);
    components.schemas.values_mut().for_each(forget_null_defaults);
    describe_token(components);
    for (path, item) in &mut document.paths.paths {
        let is_public = is_public(path);
        for (method, operation) in operations(item) {
            let shared = Shared { path, is_public, method };
            shared.complete(operation);
        }
    }
}

fn describe_errors(components: &mut Components) {
    for (name, schema) in
        [(ApiErrorOut::name(), ApiErrorOut::schema()), (FaultOut::name(), FaultOut::schema())]
    {
        components.schemas.insert(name.into_owned(), schema);
    }
    let content = || Content::new(Some(Ref::from_schema_name(ApiErrorOut::name())));
    for slug in Slug::ALL {
        let text = format!("{}. {}", slug.title(), slug.remedy());
        let response = ResponseBuilder::new()
            .description(text)
            .content("application/problem+json", content())
            .build();
        components.responses.insert(slug.as_str().to_owned(), response.into());
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

/// What is shared by all operations of a kind.
struct Shared<'a> {
    path: &'a str,
    is_public: bool,
    method: HttpMethod,
}

impl Shared<'_> {
    fn complete(&self, operation: &mut Operation) {
        let parameters = operation.parameters.get_or_insert_default();
        parameters.extend(self.parameters().into_iter().map(RefOr::T));
        for slug in self.errors() {
            let error = RefOr::Ref(Ref::from_response_name(slug.as_str()));
            let status = slug.status().as_u16().to_string();
            // Several kinds share a status; the document has room for one, and all have the same
            // schema.
            operation.responses.responses.entry(status).or_insert(error);
        }
        if !self.is_public {
            let none: [&str; 0] = [];
            operation.security = Some(vec![SecurityRequirement::new(BEARER, none)]);
        }
    }

    /// Whether a POST heeds the version of the record that the caller may have read before.
    fn takes_version(&self) -> bool {
        let is_action =
            self.path.split_once("/actions/").is_some_and(|(_, action)| takes_version(action));
        self.method == HttpMethod::Post && (is_action || self.path.contains("/bindings/{id}/"))
    }

    /// Whether the answer is the record, and can be left out. A vote's answer is the round; an
    /// order's are its requests; a token's, a component's and a repeated decision's answer is what
    /// the request is for.
    fn takes_preference(&self) -> bool {
        let answers_otherwise =
            ["/approval-requests", "/orders", "/tokens", "/policies", "/receipts"];
        self.is_write() && !answers_otherwise.iter().any(|address| self.path.contains(address))
    }

    fn is_edit(&self) -> bool {
        matches!(self.method, HttpMethod::Patch | HttpMethod::Put | HttpMethod::Delete)
    }

    fn is_write(&self) -> bool {
        self.is_edit() || self.method == HttpMethod::Post
    }

    fn parameters(&self) -> Vec<Parameter> {
        let mut parameters = path_parameters(self.path);
        if self.is_public {
            return parameters;
        }
        parameters.push(in_header(
            "Waypost-Organization",
            "Key of the organization to act in: the token's own (the default) or one below it.",
        ));
        if self.method == HttpMethod::Post {
            parameters.push(in_header(
                "Idempotency-Key",
                "Makes the request safe to repeat: the same key and body get the first response \
                 again, for as many hours as the setting `idempotency_hours` says (24 by default).",
            ));
        }
        if self.is_edit() {
            let mut if_match =
                in_header("If-Match", "The `ETag` of the record as you read it, or `*`.");
            if_match.required = Required::True;
            parameters.push(if_match);
        } else if self.takes_version() {
            parameters.push(in_header("If-Match", "The `ETag` of the record as you read it."));
        }
        if self.takes_preference() {
            parameters
                .push(in_header("Prefer", "`return=minimal` for a response without the record."));
        }
        parameters
    }

    fn errors(&self) -> Vec<Slug> {
        let mut slugs = vec![Slug::Internal, Slug::Unavailable];
        if !self.is_public {
            slugs.extend([Slug::Unauthenticated, Slug::Forbidden, Slug::NotFound]);
        }
        if self.path.contains('{') {
            slugs.push(Slug::NotFound);
        }
        if self.method == HttpMethod::Get {
            slugs.push(Slug::CursorInvalid);
        }
        if self.is_write() {
            slugs.extend([
                Slug::MalformedBody,
                Slug::InvalidTransition,
                Slug::TooLarge,
                Slug::UnsupportedMediaType,
                Slug::ValidationFailed,
            ]);
        }
        if self.is_edit() {
            slugs.extend([Slug::StaleVersion, Slug::PreconditionRequired]);
        } else if self.takes_version() {
            slugs.push(Slug::StaleVersion);
        }
        slugs
    }
}

fn in_header(name: &str, description: &str) -> Parameter {
    parameter(name, ParameterIn::Header, Required::False, description)
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
                _ => "Name of the record.",
            };
            parameter(name, ParameterIn::Path, Required::True, description)
        })
        .collect()
}

fn parameter(name: &str, place: ParameterIn, required: Required, description: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(required)
        .description(Some(description))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .build()
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
