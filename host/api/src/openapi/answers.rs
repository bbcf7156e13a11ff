//! What operations answer, as rows: the status, what it means, the headers that go with it, and
//! which operations answer so.
//!
//! A status that no row says of an operation never comes from it; the stories of `tests/it` are
//! checked against that, each answer of each.

use serde_json::{Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Components, Content, Header, HttpMethod, Ref, RefOr, ResponseBuilder,
        example::ExampleBuilder,
        extensions::Extensions,
        header::HeaderBuilder,
        path::Operation,
        schema::{AllOfBuilder, ObjectBuilder, Schema, SchemaType, Type},
    },
};

use super::is_list;
use crate::api_error::{ApiErrorOut, FaultOut, Slug};

/// What is known of an operation, from its method, its path and what its handler says.
#[expect(clippy::struct_excessive_bools, reason = "each is what some row asks")]
pub(super) struct Facts {
    pub(super) method: HttpMethod,
    /// Whether it is for callers with a token only.
    pub(super) needs_token: bool,
    /// Whether its path names a record.
    names_record: bool,
    has_body: bool,
    is_list: bool,
    /// Whether it answers with a record that has a version.
    shows_version: bool,
    /// Whether what it makes has an address.
    has_address: bool,
}

impl Facts {
    pub(super) fn of(
        method: HttpMethod,
        path: &str,
        needs_token: bool,
        operation: &Operation,
        components: &Components,
    ) -> Self {
        let mut shown = ["200", "201"].into_iter().filter_map(|status| shown(operation, status));
        Self {
            method,
            needs_token,
            names_record: path.contains('{'),
            has_body: operation.request_body.is_some(),
            is_list: is_list(operation),
            shows_version: shown.any(|schema| has_version(schema, components)),
            // Nobody reads a single token or saved view, and an order is the list of its requests.
            has_address: !["/tokens", "/saved-views", "/orders"]
                .iter()
                .any(|made| path.ends_with(made)),
        }
    }

    /// Whether it changes a record whose version the caller has to name.
    pub(super) fn is_edit(&self) -> bool {
        matches!(self.method, HttpMethod::Patch | HttpMethod::Put | HttpMethod::Delete)
    }

    pub(super) fn is_post(&self) -> bool {
        self.method == HttpMethod::Post
    }

    /// Whether it may change something.
    pub(super) fn is_write(&self) -> bool {
        self.is_edit() || self.is_post()
    }

    /// Whether the answer is the record as it is now, which can be left out. A vote's answer is the
    /// round; an order's are its requests; a token's, a component's and a repeated decision's
    /// answer is what the request is for.
    pub(super) fn takes_preference(&self) -> bool {
        self.is_write() && self.shows_version
    }
}

/// The JSON of an answer.
fn shown<'a>(operation: &'a Operation, status: &str) -> Option<&'a RefOr<Schema>> {
    let RefOr::T(response) = operation.responses.responses.get(status)? else { return None };
    let RefOr::T(content) = response.content.get("application/json")? else { return None };
    content.schema.as_ref()
}

/// Whether a schema is a record's with a version: a number, which a policy's own version is not.
fn has_version(schema: &RefOr<Schema>, components: &Components) -> bool {
    let schema = match schema {
        RefOr::Ref(to) => {
            let name = to.ref_location.trim_start_matches("#/components/schemas/");
            let schema = components.schemas.get(name);
            return schema.is_some_and(|schema| has_version(schema, components));
        }
        RefOr::T(schema) => schema,
    };
    if let Schema::AllOf(parts) = schema {
        return parts.items.iter().any(|part| has_version(part, components));
    }
    let Schema::Object(object) = schema else { return false };
    let Some(RefOr::T(Schema::Object(version))) = object.properties.get("version") else {
        return false;
    };
    version.schema_type == SchemaType::Type(Type::Integer)
}

/// A header of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Head {
    RequestId,
    ETag,
    Location,
    Link,
    PreferenceApplied,
    IdempotencyReplayed,
    RetryAfter,
    Challenge,
    Allow,
}

impl Head {
    const ALL: [Self; 9] = [
        Self::RequestId,
        Self::ETag,
        Self::Location,
        Self::Link,
        Self::PreferenceApplied,
        Self::IdempotencyReplayed,
        Self::RetryAfter,
        Self::Challenge,
        Self::Allow,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::RequestId => "X-Request-Id",
            Self::ETag => "ETag",
            Self::Location => "Location",
            Self::Link => "Link",
            Self::PreferenceApplied => "Preference-Applied",
            Self::IdempotencyReplayed => "Idempotency-Replayed",
            Self::RetryAfter => "Retry-After",
            Self::Challenge => "WWW-Authenticate",
            Self::Allow => "Allow",
        }
    }

    const fn doc(self) -> &'static str {
        match self {
            Self::RequestId => {
                "Id of the request, also in the server's log: the client's own `X-Request-Id`, or \
                 a new one."
            }
            Self::ETag => "The version of the record, for `If-Match`.",
            Self::Location => "Where the new record is.",
            Self::Link => "The first page, and the next one if there is one (RFC 8288).",
            Self::PreferenceApplied => "That the record was left out, as it was preferred.",
            Self::IdempotencyReplayed => {
                "That this is the response to the first request with this `Idempotency-Key`; \
                 absent from the first response."
            }
            Self::RetryAfter => "After how many seconds the request can be repeated.",
            Self::Challenge => "How to authenticate.",
            Self::Allow => "The methods that the path supports.",
        }
    }

    fn schema(self) -> ObjectBuilder {
        let text = ObjectBuilder::new().schema_type(Type::String);
        match self {
            Self::RequestId => text.max_length(Some(128)),
            Self::ETag => text.pattern(Some(r#"^"[0-9]+"$"#)),
            Self::Location => text.pattern(Some("^/api/v1/")),
            Self::Link => text.pattern(Some("^</.*>; rel=\"first\"")),
            Self::PreferenceApplied => text.enum_values(Some(["return=minimal"])),
            Self::IdempotencyReplayed => text.enum_values(Some(["true"])),
            Self::RetryAfter => ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)),
            Self::Challenge | Self::Allow => text,
        }
    }

    fn described(self, is_always_there: bool) -> Header {
        let header = HeaderBuilder::new().schema(Some(self.schema())).description(Some(self.doc()));
        // The builder has no name for this.
        let required = is_always_there.then(|| Extensions::from_iter([("required", true)]));
        header.extensions(required).build()
    }

    /// Its name among the components: of an answer that always has it, or that may have it.
    fn component(self, is_always_there: bool) -> String {
        if is_always_there { self.name().to_owned() } else { format!("{}.optional", self.name()) }
    }

    fn reference(self, is_always_there: bool) -> RefOr<Header> {
        RefOr::Ref(Ref::new(format!("#/components/headers/{}", self.component(is_always_there))))
    }
}

/// Headers of successes, and which have them.
struct Told {
    statuses: &'static [&'static str],
    of: fn(&Facts) -> bool,
    head: Head,
    is_always_there: bool,
}

const TOLD: &[Told] = &[
    told(&["200", "201", "204"], |_| true, Head::RequestId),
    told(&["200", "201"], |of| of.shows_version, Head::ETag),
    told(&["200"], |of| of.is_list, Head::Link),
    told(&["201"], |of| of.has_address, Head::Location),
    Told {
        is_always_there: false,
        ..told(
            &["200", "201", "204"],
            |of| of.needs_token && of.is_post(),
            Head::IdempotencyReplayed,
        )
    },
];

const fn told(statuses: &'static [&'static str], of: fn(&Facts) -> bool, head: Head) -> Told {
    Told { statuses, of, head, is_always_there: true }
}

/// The success without a body, of a request that prefers none; there is one for each of the
/// successes that it stands for.
struct Brief {
    name: &'static str,
    instead_of: &'static str,
    doc: &'static str,
    heads: &'static [Head],
}

const BRIEF: &[Brief] = &[
    Brief {
        name: "changed-briefly",
        instead_of: "200",
        doc: "Done; the record was left out, as `Prefer: return=minimal` asked for",
        heads: &[Head::RequestId, Head::ETag, Head::PreferenceApplied],
    },
    Brief {
        name: "created-briefly",
        instead_of: "201",
        doc: "Created; the record was left out, as `Prefer: return=minimal` asked for",
        heads: &[Head::RequestId, Head::ETag, Head::Location, Head::PreferenceApplied],
    },
];

/// A refusal: the kinds of errors of one status that an operation can answer with.
struct Refusal {
    /// Its name among the components.
    name: &'static str,
    /// All have the same status.
    slugs: &'static [Slug],
    of: fn(&Facts) -> bool,
    always: &'static [Head],
    perhaps: &'static [Head],
}

/// Of the rows of one status, the first that is true of an operation is its own.
const REFUSALS: &[Refusal] = &[
    refusal("bad-body", &[Slug::MalformedRequest, Slug::MalformedBody], |of| of.has_body)
        .perhaps(REPLAYED),
    refusal("bad-list-request", &[Slug::MalformedRequest, Slug::CursorInvalid], |of| of.is_list),
    refusal("bad-request", &[Slug::MalformedRequest], |_| true),
    refusal("unauthenticated", &[Slug::Unauthenticated], |of| of.needs_token)
        .always(&[Head::RequestId, Head::Challenge]),
    refusal("forbidden", &[Slug::Forbidden, Slug::SeparationOfDuties], Facts::is_write)
        .perhaps(REPLAYED),
    refusal("forbidden-to-read", &[Slug::Forbidden], |of| of.needs_token),
    refusal("not-found", &[Slug::NotFound], |of| of.needs_token || of.names_record)
        .perhaps(REPLAYED),
    refusal("method-not-allowed", &[Slug::MethodNotAllowed], |_| false)
        .always(&[Head::RequestId, Head::Allow]),
    refusal(
        "conflict",
        &[
            Slug::InvalidTransition,
            Slug::GuardFailed,
            Slug::ApprovalRequired,
            Slug::ContentChanged,
            Slug::Duplicate,
            Slug::IdempotencyInProgress,
            Slug::AnswerLost,
        ],
        Facts::is_post,
    )
    .perhaps(&[Head::IdempotencyReplayed, Head::RetryAfter]),
    refusal(
        "conflict-of-edit",
        &[
            Slug::InvalidTransition,
            Slug::GuardFailed,
            Slug::ApprovalRequired,
            Slug::ContentChanged,
            Slug::Duplicate,
        ],
        Facts::is_write,
    ),
    refusal("stale-version", &[Slug::StaleVersion], Facts::is_write),
    refusal("request-timeout", &[Slug::RequestTimeout], |of| of.needs_token),
    refusal("too-large", &[Slug::TooLarge], |of| of.needs_token),
    refusal("unsupported-media-type", &[Slug::UnsupportedMediaType], |of| of.has_body)
        .perhaps(REPLAYED),
    refusal(
        "invalid-input",
        &[Slug::MissingFields, Slug::ValidationFailed, Slug::IdempotencyKeyReused],
        Facts::is_post,
    )
    .perhaps(REPLAYED),
    refusal(
        "invalid-edit",
        &[Slug::MissingFields, Slug::ValidationFailed, Slug::StateNotPatchable],
        Facts::is_write,
    ),
    refusal("invalid-parameter", &[Slug::ValidationFailed], |of| of.needs_token),
    refusal("precondition-required", &[Slug::PreconditionRequired], Facts::is_edit),
    refusal("too-many-requests", &[Slug::TooManyRequests], |of| of.needs_token).always(LATER),
    refusal("failed-write", &[Slug::Internal, Slug::OutcomeUnknown], Facts::is_write),
    refusal("internal", &[Slug::Internal], |_| true),
    refusal("unavailable", &[Slug::Unavailable], |_| true).always(LATER),
];

/// Of a refusal that a repeated POST gets again.
const REPLAYED: &[Head] = &[Head::IdempotencyReplayed];
/// Of a refusal that a moment's patience mends.
const LATER: &[Head] = &[Head::RequestId, Head::RetryAfter];

const fn refusal(name: &'static str, slugs: &'static [Slug], of: fn(&Facts) -> bool) -> Refusal {
    Refusal { name, slugs, of, always: &[Head::RequestId], perhaps: &[] }
}

impl Refusal {
    const fn always(self, always: &'static [Head]) -> Self {
        Self { always, ..self }
    }

    const fn perhaps(self, perhaps: &'static [Head]) -> Self {
        Self { perhaps, ..self }
    }

    fn status(&self) -> u16 {
        self.slugs[0].status().as_u16()
    }

    fn response(&self) -> ResponseBuilder {
        let says =
            |slug: &Slug| format!("`{}`: {}. {}", slug.as_str(), slug.title(), slug.remedy());
        let doc = match self.slugs {
            [only] => format!("{}. {}", only.title(), only.remedy()),
            several => several.iter().map(says).collect::<Vec<_>>().join("\n\n"),
        };
        let kinds = self.slugs.iter().map(|slug| slug.uri());
        let kind = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(kinds));
        let status = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .enum_values(Some([Value::from(self.status())]));
        let only = ObjectBuilder::new()
            .schema_type(Type::Object)
            .property("type", kind)
            .property("status", status);
        let error = Ref::from_schema_name(ApiErrorOut::name());
        let schema = AllOfBuilder::new().item(error).item(only);
        let mut content = Content::new(Some(schema));
        let examples = self.slugs.iter().map(|slug| {
            let example = ExampleBuilder::new().value(Some(example(*slug))).build();
            (slug.as_str().to_owned(), RefOr::T(example))
        });
        content.examples = examples.collect();
        ResponseBuilder::new().description(doc).content("application/problem+json", content)
    }
}

/// An error as it may be read.
fn example(slug: Slug) -> Value {
    json!({
        "type": slug.uri(),
        "title": slug.title(),
        "status": slug.status().as_u16(),
        "detail": slug.remedy(),
        "instance": "/api/v1/incidents/INC0000042",
        "request_id": "0197a3c5-0000-7000-8000-00000000002a",
    })
}

/// Adds what the operations refer to: headers, refusals, and the schemas of errors.
pub(super) fn describe(components: &mut Components) {
    for (name, schema) in
        [(ApiErrorOut::name(), ApiErrorOut::schema()), (FaultOut::name(), FaultOut::schema())]
    {
        components.schemas.insert(name.into_owned(), schema);
    }
    for head in Head::ALL {
        for is_always_there in [true, false] {
            let (name, header) = (head.component(is_always_there), head.described(is_always_there));
            components.headers.insert(name, header.into());
        }
    }
    for row in REFUSALS {
        let mut response = row.response().build();
        let always = row.always.iter().map(|head| (head, true));
        for (head, is_always_there) in always.chain(row.perhaps.iter().map(|head| (head, false))) {
            response.headers.insert(head.name().to_owned(), head.reference(is_always_there));
        }
        components.responses.insert(row.name.to_owned(), response.into());
    }
    for row in BRIEF {
        let mut response = ResponseBuilder::new().description(row.doc).build();
        for head in row.heads {
            response.headers.insert(head.name().to_owned(), head.reference(true));
        }
        let replayed = Head::IdempotencyReplayed;
        response.headers.insert(replayed.name().to_owned(), replayed.reference(false));
        components.responses.insert(row.name.to_owned(), response.into());
    }
}

/// Completes the answers of an operation: the headers of those that its handler says, the short
/// ones, and all refusals.
pub(super) fn complete(of: &Facts, operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    for (status, response) in responses.iter_mut() {
        let RefOr::T(response) = response else { continue };
        let rows = TOLD.iter().filter(|row| row.statuses.contains(&status.as_str()));
        for row in rows.filter(|row| (row.of)(of)) {
            let header = row.head.reference(row.is_always_there);
            response.headers.insert(row.head.name().to_owned(), header);
        }
    }
    for row in BRIEF {
        if of.takes_preference() && responses.contains_key(row.instead_of) {
            let brief = RefOr::Ref(Ref::from_response_name(row.name));
            responses.insert("204".to_owned(), brief);
        }
    }
    for row in REFUSALS.iter().filter(|row| (row.of)(of)) {
        let refused = RefOr::Ref(Ref::from_response_name(row.name));
        responses.entry(row.status().to_string()).or_insert(refused);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_kinds_of_errors_of_a_refusal_have_one_status() {
        for row in REFUSALS {
            assert!(
                row.slugs.iter().all(|slug| slug.status().as_u16() == row.status()),
                "{}",
                row.name
            );
        }
    }

    #[test]
    fn every_kind_of_error_is_said_of_an_answer() {
        let said = REFUSALS.iter().flat_map(|row| row.slugs).collect::<BTreeSet<_>>();
        assert_eq!(said.len(), Slug::ALL.len());
    }

    #[test]
    fn what_always_tells_to_come_later_is_documented_so() {
        for row in REFUSALS {
            let waits = |slug: &Slug| slug.retry_after().is_some();
            let all_wait = row.slugs.iter().all(waits);
            assert_eq!(row.always.contains(&Head::RetryAfter), all_wait, "{}", row.name);
            let some_wait = row.slugs.iter().any(waits);
            let is_said = row.perhaps.contains(&Head::RetryAfter) || all_wait;
            assert_eq!(is_said, some_wait, "{}", row.name);
        }
    }
}
