//! All routes, with what surrounds them.

use std::time::Duration;

use axum::{Extension, Router, middleware::from_fn_with_state};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use waypost_edge::{Accompanying, Limits, accompany, bounded_body, deadline, in_turn, on_panic};

use crate::{
    ApiState, approval_requests, bindings, bulk_actions, delegations, events, explanations, health,
    major_incidents, me,
    middleware::{HEADERS, authenticate, complete, repeatable},
    openapi::{self, collection},
    orders, organizations, outbox, policies, receipts, refused_votes, registers, saved_views,
    sign_ins,
    tickets::Collection,
    tokens,
};

/// A health check that takes longer is a failed one.
const PUBLIC_TIMEOUT: Duration = Duration::from_secs(5);

/// Routes that share what surrounds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Group {
    /// For callers who are known.
    Records,
    /// For callers who are known and bring components, which are large and have to be compiled.
    Components,
    /// For everybody.
    Public,
}

/// The whole API, ready to be served.
pub fn router(state: ApiState) -> Router {
    let (router, _) = assemble(|group, routes| surrounded(&state, group, routes)).split_for_parts();
    let with = Accompanying { edge: state.edge.clone(), complete, headers: &HEADERS };
    router
        .layer(Extension(openapi::Text::new(document)))
        .layer(CatchPanicLayer::custom(on_panic))
        .layer(from_fn_with_state(with, accompany))
        .with_state(state)
}

/// The OpenAPI 3.1 document of the API.
#[must_use]
pub fn document() -> OpenApi {
    let (_, mut document) = assemble(|_, routes| routes).split_for_parts();
    openapi::complete(&mut document, is_public);
    document
}

fn assemble(
    surround: impl Fn(Group, OpenApiRouter<ApiState>) -> OpenApiRouter<ApiState>,
) -> OpenApiRouter<ApiState> {
    let v1 = OpenApiRouter::new()
        .merge(surround(Group::Records, records()))
        .merge(surround(Group::Components, components()));
    OpenApiRouter::with_openapi(openapi::skeleton())
        .nest("/api/v1", v1)
        .merge(surround(Group::Public, public()))
}

fn surrounded(
    state: &ApiState,
    group: Group,
    routes: OpenApiRouter<ApiState>,
) -> OpenApiRouter<ApiState> {
    let (options, places) = (&state.edge.options, &state.edge.places);
    let (body, timeout) = match group {
        Group::Records => (options.body_limit, options.request_timeout),
        Group::Components => (options.upload_limit, options.upload_timeout),
        Group::Public => return routes.route_layer(from_fn_with_state(PUBLIC_TIMEOUT, deadline)),
    };
    let limits = Limits {
        body,
        bodies: places.bodies.clone(),
        turns: places.turns.clone(),
        slow_turns: (group == Group::Components).then(|| places.slow_turns.clone()),
    };
    // The last one added is the first one that a request meets.
    routes
        .route_layer(from_fn_with_state(state.clone(), repeatable))
        .route_layer(from_fn_with_state(limits.clone(), in_turn))
        .route_layer(from_fn_with_state(limits, bounded_body))
        .route_layer(from_fn_with_state(state.clone(), authenticate))
        .route_layer(from_fn_with_state(timeout, deadline))
}

/// Everything but components and their bindings.
fn records() -> OpenApiRouter<ApiState> {
    let tickets = Collection::all().fold(OpenApiRouter::new(), |routes, of| {
        routes.merge(collection(&format!("/{}", of.path()), of.path(), of.routes()))
    });
    tickets
        .merge(registers::routes())
        .merge(collection("/people", "people", sign_ins::routes()))
        .merge(collection("/bulk-actions", "bulk-actions", bulk_actions::routes()))
        .merge(collection("/orders", "orders", orders::routes()))
        .merge(collection("/approvals", "approvals", approval_requests::waiting_routes()))
        .merge(collection("/approval-requests", "approval-requests", approval_requests::routes()))
        .merge(collection("/delegations", "delegations", delegations::routes()))
        .merge(collection("/organizations", "organizations", organizations::routes()))
        .merge(collection("/major-incidents", "major-incidents", major_incidents::routes()))
        .merge(collection("/saved-views", "saved-views", saved_views::routes()))
        .merge(collection("/tokens", "tokens", tokens::routes()))
        .merge(collection("/events", "events", events::routes()))
        .merge(collection("/refused-votes", "refused-votes", refused_votes::routes()))
        .merge(collection("/receipts", "receipts", receipts::routes()))
        .merge(collection("/outbox", "outbox", outbox::routes()))
        .merge(openapi::tagged("me", me::routes()))
}

/// What takes large bodies and compiles them.
fn components() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .merge(collection("/policies", "policies", policies::routes()))
        .merge(collection("/bindings", "bindings", bindings::routes()))
}

/// What nobody needs a token for.
fn public() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .merge(collection("/health", "health", health::routes()))
        .merge(collection("/errors", "errors", explanations::routes()))
        .merge(collection("/api/v1", "document", openapi::routes()))
}

fn is_public(path: &str) -> bool {
    path.starts_with("/health/") || path.starts_with("/errors") || path.ends_with("/openapi.json")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;
    use waypost_domain::ticket::{Action, TicketKind, Who};

    use super::*;

    fn json() -> Value {
        serde_json::to_value(document()).unwrap()
    }

    /// Every operation: its method, its path, and itself.
    fn operations(document: &Value) -> Vec<(String, String, &Value)> {
        let paths = document["paths"].as_object().unwrap();
        let of_path = |(path, item): (&String, &'_ Value)| {
            let path = path.clone();
            item.as_object()
                .unwrap()
                .keys()
                .map(move |method| (method.clone(), path.clone()))
                .collect::<Vec<_>>()
        };
        let named = paths.iter().flat_map(of_path).collect::<Vec<_>>();
        named
            .into_iter()
            .map(|(method, path)| {
                let operation = &paths[&path][&method];
                (method, path, operation)
            })
            .collect()
    }

    /// Everything that the document refers to within itself.
    fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(to)) = map.get("$ref") {
                    found.insert(to);
                }
                map.values().for_each(|value| references(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| references(value, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    #[test]
    fn the_document_says_that_it_is_openapi_3_1() {
        let text = serde_json::to_string(&document()).unwrap();
        let json: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["openapi"], "3.1.0");
        assert_eq!(json["info"]["license"]["name"], "Apache-2.0");
        assert_eq!(json["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    }

    #[test]
    fn everything_that_the_document_refers_to_is_in_it() {
        let json = json();
        let mut found = BTreeSet::new();
        references(&json, &mut found);
        let lost = found
            .into_iter()
            .filter(|to| json.pointer(to.trim_start_matches('#')).is_none())
            .collect::<Vec<_>>();
        assert!(lost.is_empty(), "{lost:?}");
    }

    #[test]
    fn every_operation_has_a_name_of_its_own_a_summary_and_a_heading() {
        let json = json();
        let mut names = BTreeSet::new();
        for (method, path, operation) in operations(&json) {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "{method} {path} is a second {name}");
            assert!(operation["summary"].is_string(), "{method} {path} has no summary");
            assert_eq!(operation["tags"].as_array().unwrap().len(), 1, "{method} {path}");
        }
        assert!(names.len() > 100, "only {} operations", names.len());
    }

    #[test]
    fn all_but_health_and_explanations_needs_a_token() {
        let json = json();
        for (method, path, operation) in operations(&json) {
            let needs_token = operation["security"].is_array();
            assert_eq!(needs_token, !is_public(&path), "{method} {path}");
            assert_eq!(operation["responses"]["401"].is_object(), needs_token, "{method} {path}");
        }
    }

    #[test]
    fn every_edit_names_its_version_and_every_post_may_name_a_key() {
        let json = json();
        for (method, path, operation) in operations(&json) {
            let parameters = operation["parameters"].as_array().unwrap();
            let has = |name: &str, required: bool| {
                parameters.iter().any(|one| one["name"] == name && one["required"] == required)
            };
            match method.as_str() {
                "patch" => assert!(has("If-Match", true), "{path}"),
                "post" => assert!(has("Idempotency-Key", false), "{path}"),
                _ => {}
            }
        }
    }

    /// The POST operations that promise to hear a header.
    fn posts_with(header: &str) -> BTreeSet<String> {
        let json = json();
        let mut found = BTreeSet::new();
        for (method, path, operation) in operations(&json) {
            let parameters = operation["parameters"].as_array().unwrap();
            if method == "post" && parameters.iter().any(|one| one["name"] == header) {
                let promises = operation["responses"]["412"].is_object();
                assert!(promises || header != "If-Match", "{path}");
                found.insert(path.trim_start_matches("/api/v1").to_owned());
            }
        }
        found
    }

    #[test]
    fn a_post_promises_to_heed_a_version_where_it_does() {
        let posts = posts_with("If-Match");
        for action in ["revisions", "enable", "disable", "roll-back"] {
            assert!(posts.contains(&format!("/bindings/{{id}}/{action}")), "{action}");
        }
        for action in ["comment", "note", "accept_suggestion", "dismiss_suggestion"] {
            assert!(!posts.contains(&format!("/tickets/{{id}}/actions/{action}")), "{action}");
        }
        assert!(posts.contains("/requests/{id}/actions/submit"));
        assert!(posts.iter().all(|path| path.contains("/actions/") || path.contains("/bindings/")));
    }

    #[test]
    fn a_post_promises_a_short_answer_where_it_has_one() {
        let posts = posts_with("Prefer");
        assert!(posts.contains("/tickets") && posts.contains("/tickets/{id}/actions/comment"));
        for path in
            ["/tokens", "/policies", "/receipts/{id}/re-execute", "/approval-requests/{id}/approve"]
        {
            assert!(!posts.contains(path), "{path}");
        }
    }

    /// An answer of an operation, wherever it is described.
    fn answer<'a>(json: &'a Value, operation: &'a Value, status: &str) -> &'a Value {
        let said = &operation["responses"][status];
        let to = said["$ref"].as_str().map(|to| to.trim_start_matches('#'));
        to.map_or(said, |to| json.pointer(to).unwrap())
    }

    #[test]
    fn every_status_that_occurs_is_said_of_every_operation_that_it_occurs_at() {
        let json = json();
        for (method, path, operation) in operations(&json) {
            let is_write = method != "get";
            let takes_body = operation["requestBody"].is_object();
            let parameters = operation["parameters"].as_array().unwrap();
            let is_short = parameters.iter().any(|one| one["name"] == "Prefer");
            let is_ending = ["/revoke", "/remove", "/end"].iter().any(|end| path.ends_with(end));
            let rows: [(&[&str], bool); 6] = [
                (&["400", "500", "503"], true),
                (&["401", "403", "404", "408", "413", "422", "429"], !is_public(&path)),
                (&["409", "412"], is_write),
                (&["428"], method == "patch"),
                (&["415"], takes_body),
                (&["204"], is_short || is_ending),
            ];
            for (statuses, expected) in rows {
                for status in statuses {
                    let is_said = answer(&json, operation, status).is_object();
                    let is_not_found = *status == "404" && path.contains('{');
                    assert_eq!(is_said, expected || is_not_found, "{method} {path} {status}");
                }
            }
        }
    }

    #[test]
    fn every_answer_describes_its_headers() {
        let json = json();
        for (method, path, operation) in operations(&json) {
            for status in operation["responses"].as_object().unwrap().keys() {
                let headers = &answer(&json, operation, status)["headers"];
                let has = |name: &str| headers[name].is_object();
                assert!(has("X-Request-Id"), "{method} {path} {status}");
                assert_eq!(has("WWW-Authenticate"), status == "401", "{method} {path} {status}");
                if ["429", "503"].contains(&status.as_str()) {
                    assert!(has("Retry-After"), "{method} {path} {status}");
                }
            }
            let parameters = operation["parameters"].as_array().unwrap();
            let has = |name: &str| parameters.iter().any(|one| one["name"] == name);
            let headers = |status| &answer(&json, operation, status)["headers"];
            assert_eq!(headers("200")["Link"].is_object(), has("after"), "{method} {path}");
            if has("Prefer") {
                let made = operation["responses"]["201"].is_object();
                let (full, brief) = (if made { "201" } else { "200" }, headers("204"));
                assert!(headers(full)["ETag"].is_object() && brief["ETag"].is_object(), "{path}");
                assert_eq!(headers(full)["Location"].is_object(), made, "{path}");
                assert_eq!(brief["Location"].is_object(), made, "{path}");
                assert!(brief["Preference-Applied"].is_object(), "{path}");
            }
        }
        let required = &json["components"]["headers"]["ETag"]["required"];
        assert_eq!(required, true);
        let allow = &json["components"]["responses"]["method-not-allowed"]["headers"]["Allow"];
        assert!(allow.is_object());
    }

    #[test]
    fn the_collection_of_a_kind_shows_tickets_of_that_kind() {
        let json = json();
        let of = |path: &str, method: &str, status: &str| {
            let content = &json["paths"][path][method]["responses"][status]["content"];
            let to = content["application/json"]["schema"]["$ref"].as_str().unwrap();
            to.trim_start_matches("#/components/schemas/").to_owned()
        };
        assert_eq!(of("/api/v1/incidents/{id}", "get", "200"), "Incident");
        assert_eq!(of("/api/v1/tickets/{id}", "get", "200"), "Ticket");
        assert_eq!(of("/api/v1/problems/{id}/actions/confirm", "post", "200"), "Problem");
        // What goes on instead may be of another kind.
        assert_eq!(of("/api/v1/requests/{id}/comments", "post", "201"), "Ticket");
        assert_eq!(of("/api/v1/problems/{id}/actions/convert", "post", "200"), "Ticket");
        for path in ["tickets", "requests", "incidents", "problems"] {
            assert_eq!(of(&format!("/api/v1/{path}/{{id}}/tasks"), "post", "201"), "Task");
        }
        let schemas = &json["components"]["schemas"];
        let page = of("/api/v1/tasks", "get", "200");
        let items = &schemas[&page]["properties"]["items"]["items"]["$ref"];
        assert_eq!(items, "#/components/schemas/Task");

        let names = |schema: &str, property: &str| {
            let names = schemas[schema]["properties"][property]["enum"].as_array().unwrap();
            names.iter().map(|name| name.as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names("Problem", "kind"), ["problem"]);
        assert!(!names("Problem", "state").contains(&"awaiting_approval".to_owned()));
        assert_eq!(schemas["Incident"]["properties"]["request"]["type"], "null");
        assert!(schemas["Request"]["properties"]["request"]["type"] != "null");
        assert_eq!(of("/api/v1/requests/{id}/actions", "get", "200"), "RequestAllowedActions");
        let fulfil = "fulfill".to_owned();
        assert!(names("RequestAllowedAction", "action").contains(&fulfil));
        assert!(!names("IncidentAllowedAction", "action").contains(&fulfil));
    }

    #[test]
    fn every_body_has_an_example_with_all_that_it_needs() {
        let json = json();
        for (method, path, operation) in operations(&json) {
            let body = &operation["requestBody"]["content"]["application/json"];
            if body.is_null() {
                continue;
            }
            let to = body["schema"]["$ref"].as_str().unwrap_or_else(|| panic!("{path}"));
            let schema = json.pointer(to.trim_start_matches('#')).unwrap();
            let example = body["example"].as_object().unwrap_or_else(|| panic!("{path}"));
            let required = schema["required"].as_array().into_iter().flatten();
            for name in required.filter_map(Value::as_str) {
                let value = example.get(name).unwrap_or(&Value::Null);
                assert!(!value.is_null(), "{method} {path}: {name}");
            }
        }
    }

    #[test]
    fn a_component_is_sent_as_bytes() {
        let json = json();
        let body = &json["paths"]["/api/v1/policies"]["post"]["requestBody"];
        assert_eq!(body["required"], true);
        assert_eq!(body["content"], serde_json::json!({ "application/wasm": {} }));
    }

    #[test]
    fn every_body_refuses_unknown_fields() {
        let json = json();
        for (method, path, operation) in operations(&json) {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let Some(to) = schema["$ref"].as_str() else { continue };
            let body = json.pointer(to.trim_start_matches('#')).unwrap();
            assert_eq!(body["additionalProperties"], false, "{method} {path}");
        }
    }

    /// The actions that a collection documents.
    fn documented(json: &Value, collection: Collection) -> BTreeSet<String> {
        let under = format!("/api/v1/{}/{{id}}/actions/", collection.path());
        let paths = json["paths"].as_object().unwrap().keys();
        paths.filter_map(|path| path.strip_prefix(&under)).map(str::to_owned).collect()
    }

    #[test]
    fn every_collection_documents_exactly_the_actions_of_its_kinds() {
        let json = json();
        let mut of_all = BTreeSet::new();
        for kind in TicketKind::ALL {
            // Tickets are opened and edited elsewhere, votes are cast elsewhere, and the rest
            // follows from decisions.
            let elsewhere = [Action::Create, Action::Edit, Action::Vote];
            let of_kind = kind
                .rules()
                .rows()
                .filter(|row| row.who != Who::System && !elsewhere.contains(&row.action))
                .map(|row| row.action.as_str().to_owned())
                .collect::<BTreeSet<_>>();
            assert_eq!(documented(&json, Collection::Of(*kind)), of_kind, "{kind}");
            of_all.extend(of_kind);
        }
        assert_eq!(documented(&json, Collection::Tickets), of_all);
    }

    #[test]
    fn every_action_says_what_it_takes_and_refuses_everything_else() {
        let json = json();
        let mut seen = 0;
        for (method, path, operation) in operations(&json) {
            if method != "post" || !path.contains("/actions/") {
                continue;
            }
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let to = schema["$ref"].as_str().unwrap_or_else(|| panic!("{path} takes anything"));
            let body = json.pointer(to.trim_start_matches('#')).unwrap();
            assert_eq!(body["additionalProperties"], false, "{path}");
            assert_eq!(operation["responses"]["200"]["description"], "The changed ticket");
            seen += 1;
        }
        assert!(seen > 80, "only {seen} actions");
    }

    #[test]
    fn the_document_says_what_the_rows_say() {
        let json = json();
        let schemas = &json["components"]["schemas"];
        let of = |schema: &str, property: &str| schemas[schema]["properties"][property].clone();
        // Each kind has its own outcome codes; the collection of all kinds has them all.
        let codes = |schema: &str| of(schema, "resolution_code")["enum"].as_array().unwrap().len();
        assert_eq!(codes("ResolveIncident"), TicketKind::Incident.rules().codes.len());
        assert_eq!(codes("ResolveProblem"), TicketKind::Problem.rules().codes.len());
        assert_eq!(codes("ResolveTicket"), codes("ResolveIncident") + codes("ResolveProblem"));
        let level = of("EscalateIncident", "level");
        assert_eq!((&level["minimum"], &level["maximum"]), (&1.into(), &9.into()));
        assert_eq!(of("IncidentEdit", "impact")["type"], serde_json::json!(["integer", "null"]));
        assert_eq!(of("NewIncident", "impact")["type"], "integer");
        assert!(of("NewIncident", "quantity").is_null() && of("NewTask", "impact").is_null());
        assert!(of("AddedTask", "parent").is_null() && !of("NewTask", "parent").is_null());
        assert!(!of("NewRequest", "draft").is_null() && of("NewProblem", "draft").is_null());
        assert_eq!(schemas["NewIncident"]["required"], serde_json::json!(["short_description"]));
        let resolve = &json["paths"]["/api/v1/problems/{id}/actions/resolve"]["post"];
        assert_eq!(resolve["summary"], "Resolve it");
        let description = resolve["description"].as_str().unwrap();
        assert!(
            description.contains("Requires: `resolution_code`, `resolution_notes`."),
            "{description}"
        );
    }

    #[test]
    fn the_document_is_the_same_text_each_time() {
        let text = || serde_json::to_string(&document()).unwrap();
        assert_eq!(text(), text());
    }
}
