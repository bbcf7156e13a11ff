//! The document as it is given to schemathesis: with the names of records that are there. Without
//! them nearly every request would find nothing.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use crate::http::Client;

/// Collections, and what their records are found by.
const COLLECTIONS: [(&str, &str); 14] = [
    ("tickets", "number"),
    ("incidents", "number"),
    ("requests", "number"),
    ("problems", "number"),
    ("tasks", "number"),
    ("people", "id"),
    ("teams", "key"),
    ("services", "key"),
    ("cis", "key"),
    ("categories", "path"),
    ("catalog-items", "key"),
    ("bindings", "id"),
    ("policies", "digest"),
    ("organizations", "key"),
];
/// So many of each.
const NAMED: usize = 8;

/// The document, and names of records.
pub(super) struct Directions {
    document: Value,
    /// By the collection that stands before the name in a path.
    names: BTreeMap<String, Vec<String>>,
}

impl Directions {
    /// Reads the document, and what is there.
    pub(super) fn read(admin: &mut Client) -> Result<Self> {
        let document = admin.get("/api/v1/openapi.json")?;
        let mut names = BTreeMap::new();
        for (collection, name) in COLLECTIONS {
            let page = admin.get(&format!("/api/v1/{collection}"))?;
            names.insert(collection.to_owned(), named(&page, name));
        }
        let mut seats = Vec::new();
        for request in names.get("requests").into_iter().flatten() {
            let rounds = admin.get(&format!("/api/v1/requests/{request}/approvals"))?;
            seats.extend(requests_for_votes(&rounds));
        }
        seats.truncate(NAMED);
        names.insert("approval-requests".to_owned(), seats);
        let receipts = admin.get("/api/v1/receipts?limit=8")?;
        names.insert("receipts".to_owned(), named(&receipts, "id"));
        let errors = named(&admin.get("/errors")?, "type");
        let slugs = errors.iter().filter_map(|uri| uri.strip_prefix("/errors/"));
        names.insert("errors".to_owned(), slugs.map(str::to_owned).collect());
        // A token of its own: a run that revokes its caller's asks nothing more.
        let token = json!({ "name": "to be revoked", "role": "auditor" });
        let issued = admin.post("/api/v1/tokens", &token)?;
        let id = issued["token"]["id"].as_str().context("reading the id of a new token")?;
        names.insert("tokens".to_owned(), vec![id.to_owned()]);
        // The same for people: these are whom the tokens act for.
        if let Some(people) = names.get_mut("people") {
            let tokens = admin.get("/api/v1/tokens")?;
            let tokens = tokens["items"].as_array().into_iter().flatten();
            let callers: Vec<&Value> = tokens.map(|token| &token["person"]["id"]).collect();
            people.retain(|id| !callers.iter().any(|caller| **caller == json!(id)));
        }
        Ok(Self { document, names })
    }

    /// The document with one part of its paths; the seed says which.
    pub(super) fn document(&self, seed: u64, parts: u64) -> Value {
        let mut document = self.document.clone();
        let Some(paths) = document["paths"].as_object_mut() else { return document };
        let mut place = seed % parts;
        paths.retain(|_, _| {
            place = (place + 1) % parts;
            place == 0
        });
        for (path, item) in paths.iter_mut() {
            for operation in item.as_object_mut().into_iter().flat_map(Map::values_mut) {
                if let Some(parameters) = operation["parameters"].as_array_mut() {
                    // Nearly all other organizations are out of reach.
                    parameters.retain(|one| one["name"] != "Waypost-Organization");
                    for parameter in parameters {
                        self.direct(path, parameter);
                    }
                }
            }
        }
        document
    }

    /// Names what is there in a parameter.
    fn direct(&self, path: &str, parameter: &mut Value) {
        if parameter["name"] == "If-Match" {
            parameter["example"] = json!("*");
            parameter["schema"] = json!({ "type": "string", "enum": ["*", "\"1\"", "\"2\""] });
        }
        // Making texts for the whole pattern takes longer than sending them.
        if parameter["name"] == "Idempotency-Key" {
            parameter["schema"] = json!({ "type": "string", "pattern": "^[a-z0-9-]{8,36}$" });
        }
        if parameter["in"] != "path" {
            return;
        }
        let steps: Vec<&str> = path.split('/').collect();
        let place = format!("{{{}}}", parameter["name"].as_str().unwrap_or_default());
        let owner = steps.windows(2).find(|pair| pair[1] == place).map(|pair| pair[0]);
        let names = owner.and_then(|owner| self.names.get(owner)).filter(|names| !names.is_empty());
        if let Some(names) = names {
            parameter["example"] = json!(names[0]);
            parameter["schema"] = json!({ "type": "string", "enum": names });
        }
    }
}

/// The names of the records of a page.
fn named(page: &Value, name: &str) -> Vec<String> {
    let records = page["items"].as_array().into_iter().flatten();
    let names = records.filter_map(|record| Some(record[name].as_str()?.to_owned()));
    names.take(NAMED).collect()
}

/// The ids of the requests for votes in the rounds of a ticket.
fn requests_for_votes(rounds: &Value) -> Vec<String> {
    let parts = |of: &Value, name: &str| of[name].as_array().cloned().unwrap_or_default();
    let rounds = parts(rounds, "items");
    let stages = rounds.iter().flat_map(|round| parts(round, "stages"));
    let steps = stages.flat_map(|stage| parts(&stage, "steps"));
    let requests = steps.flat_map(|step| parts(&step, "requests"));
    requests.filter_map(|request| Some(request["id"].as_str()?.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directions() -> Directions {
        let operation = json!({ "parameters": [
            { "name": "id", "in": "path", "schema": { "type": "string" } },
            { "name": "Waypost-Organization", "in": "header" },
        ] });
        let document = json!({ "paths": {
            "/api/v1/incidents/{id}": { "get": operation },
            "/api/v1/me": { "get": { "parameters": [] } },
            "/api/v1/problems/{id}": { "get": operation },
        } });
        let names = BTreeMap::from([("incidents".to_owned(), vec!["INC1".to_owned()])]);
        Directions { document, names }
    }

    #[test]
    fn a_path_names_what_is_there() {
        let whole = directions().document(0, 1);
        let incident = &whole["paths"]["/api/v1/incidents/{id}"]["get"]["parameters"];
        assert_eq!(incident.as_array().unwrap().len(), 1);
        assert_eq!(incident[0]["schema"]["enum"], json!(["INC1"]));
        let problem = &whole["paths"]["/api/v1/problems/{id}"]["get"]["parameters"];
        assert_eq!(problem[0]["schema"], json!({ "type": "string" }));
    }

    #[test]
    fn all_parts_together_are_the_whole() {
        let mut paths = Vec::new();
        for seed in 40..42 {
            let part = directions().document(seed, 2);
            paths.extend(part["paths"].as_object().unwrap().keys().cloned());
        }
        paths.sort();
        assert_eq!(paths, ["/api/v1/incidents/{id}", "/api/v1/me", "/api/v1/problems/{id}"]);
    }

    #[test]
    fn votes_are_found_in_their_rounds() {
        let rounds = json!({ "items": [{ "stages": [{ "steps": [
            { "requests": [{ "id": "a" }, { "id": "b" }] },
        ] }] }] });
        assert_eq!(requests_for_votes(&rounds), ["a", "b"]);
    }
}
