//! A furnished organization: people with tokens, teams, categories, a service, a catalog item.

use serde_json::{Value, json};
use waypost_app::{
    Caller, Clock, organizations,
    sign_ins::{self, Invitation},
};

use crate::{Answer, Client, TestDesk};

/// A person with a token.
#[derive(Clone)]
pub struct PersonOf {
    /// Their id.
    pub id: String,
    /// Their address.
    pub email: String,
    /// What they do at the API.
    pub client: Client,
}

/// An organization with what a desk needs:
///
/// - people: `admin` (keeps the desk, fallback approver), `agent` and `second_agent` (teams
///   `network` and `service-desk`), `requester` and their `manager`;
/// - teams `service-desk` (the fallback), `network`, `finance`;
/// - categories `access`, `access/password`, `hardware`, `network`;
/// - the service `revenue-portal`, critical, owned by the manager, supported by `network`; its CI
///   `portal-web-1`;
/// - the catalog item `laptop`, for 1,500.00 EUR, with one question.
pub struct Org<'a> {
    /// The desk it is on.
    pub desk: &'a TestDesk,
    /// Its key.
    pub key: String,
    /// Keeps the directory and the policies.
    pub admin: PersonOf,
    /// Works in `service-desk` and `network`.
    pub agent: PersonOf,
    /// Works in `network`.
    pub second_agent: PersonOf,
    /// Has troubles and wishes.
    pub requester: PersonOf,
    /// The requester's manager.
    pub manager: PersonOf,
}

impl<'a> Org<'a> {
    pub(crate) async fn create(desk: &'a TestDesk, key: &str, parent: &str) -> Self {
        Self::create_kind(desk, key, parent, "client").await
    }

    pub(crate) async fn create_provider(desk: &'a TestDesk, key: &str) -> Self {
        Self::create_kind(desk, key, "platform", "provider").await
    }

    async fn create_kind(desk: &'a TestDesk, key: &str, parent: &str, kind: &str) -> Self {
        let new = json!({ "kind": kind, "key": key, "name": key, "parent": parent });
        let _ = desk.platform().post("/organizations", new).await.created();
        let keeper = desk.platform().in_organization(key);
        let manager = person(desk, &keeper, key, "manager", "requester", None).await;
        let admin = person(desk, &keeper, key, "admin", "admin", None).await;
        let agent = person(desk, &keeper, key, "agent", "agent", None).await;
        let second_agent = person(desk, &keeper, key, "second", "agent", None).await;
        let requester =
            person(desk, &keeper, key, "requester", "requester", Some(&manager.id)).await;
        let org =
            Self { desk, key: key.to_owned(), admin, agent, second_agent, requester, manager };
        org.furnish().await;
        org
    }

    async fn furnish(&self) {
        let admin = &self.admin.client;
        let person = |one: &PersonOf| json!(one.id);
        let version = admin.get("/teams/service-desk").await.ok()["version"].as_i64();
        let members = json!({ "members": [person(&self.agent)] });
        let _ = admin
            .patch("/teams/service-desk", version.expect("a team has a version"), members)
            .await
            .ok();
        let teams = [
            json!({ "key": "network", "name": "Network", "lead": person(&self.second_agent),
                    "members": [person(&self.agent), person(&self.second_agent)] }),
            json!({ "key": "finance", "name": "Finance", "lead": person(&self.manager),
                    "members": [person(&self.manager), person(&self.admin)] }),
        ];
        for team in teams {
            let _ = admin.post("/teams", team).await.created();
        }
        for path in ["access", "access/password", "hardware", "network"] {
            let category = json!({ "path": path, "name": path });
            let _ = admin.post("/categories", category).await.created();
        }
        let service = json!({
            "key": "revenue-portal", "name": "Revenue portal", "criticality": "high",
            "owner": person(&self.manager), "support_team": "network",
        });
        let _ = admin.post("/services", service).await.created();
        let ci = json!({
            "key": "portal-web-1", "name": "Portal web server", "class": "server",
            "criticality": "high", "service": "revenue-portal", "support_team": "network",
        });
        let _ = admin.post("/cis", ci).await.created();
        let item = json!({
            "key": "laptop", "name": "Laptop", "description": "A laptop with a dock",
            "cost": { "minor_units": 150_000, "currency": "EUR" },
            "form": [{ "field": "model", "label": "Which model?",
                       "kind": "choice", "choices": ["light", "strong"], "required": true }],
        });
        let _ = admin.post("/catalog-items", item).await.created();
        let version =
            admin.get(&format!("/organizations/{}", self.key)).await.ok()["version"].as_i64();
        let approver = json!({ "fallback_approver": person(&self.admin) });
        let path = format!("/organizations/{}", self.key);
        let _ = admin
            .patch(&path, version.expect("an organization has a version"), approver)
            .await
            .ok();
    }

    /// Binds a shipped policy at a hook, with settings, and returns the binding.
    pub async fn bind(&self, hook: &str, policy: &str, settings: Value) -> Value {
        self.bind_as(&format!("{hook}-{policy}"), 10, hook, policy, settings).await
    }

    /// Binds a shipped policy under a name at a position.
    pub async fn bind_as(
        &self,
        name: &str,
        position: i64,
        hook: &str,
        policy: &str,
        settings: Value,
    ) -> Value {
        let component = self.desk.upload(&self.admin.client, &self.key, policy).await;
        self.bind_component(name, position, hook, &component, settings).await
    }

    /// Binds a component that was uploaded.
    pub async fn bind_component(
        &self,
        name: &str,
        position: i64,
        hook: &str,
        component: &str,
        settings: Value,
    ) -> Value {
        let binding = json!({
            "hooks": [hook], "name": name, "position": position,
            "component": component, "settings": settings,
        });
        self.admin.client.post("/bindings", binding).await.created()
    }

    /// Invites somebody, and returns the path of their link.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn invite(&self, invitation: Invitation) -> String {
        let desk = &self.desk.desk;
        let key = self.key.parse().expect("an organization has a key");
        let own = organizations::by_key(desk, &key).await.expect("it is there");
        let operator = Caller::operator(own.id, self.desk.clock.now());
        let invited = sign_ins::invite(desk, &operator, invitation).await;
        format!("/setup/{}", invited.expect("they are invited").secret)
    }

    /// The requester reports an incident.
    pub async fn report(&self, short_description: &str) -> Value {
        self.try_report(json!({ "short_description": short_description })).await.created()
    }

    /// The requester sends an incident of these fields.
    pub async fn try_report(&self, incident: Value) -> Answer {
        self.requester.client.post("/incidents", incident).await
    }

    /// The requester asks for a laptop.
    pub async fn ask_for_laptop(&self) -> Value {
        let request = json!({
            "short_description": "A laptop for the road",
            "catalog_item": "laptop",
            "answers": { "model": "light" },
        });
        self.requester.client.post("/requests", request).await.created()
    }
}

async fn person(
    desk: &TestDesk,
    keeper: &Client,
    org: &str,
    name: &str,
    role: &str,
    manager: Option<&str>,
) -> PersonOf {
    let email = format!("{name}@{org}.example");
    let mut new = json!({ "name": format!("{name} of {org}"), "email": email, "role": role });
    if let Some(manager) = manager {
        new["manager"] = json!(manager);
    }
    let created = keeper.post("/people", new).await.created();
    let id = created["id"].as_str().expect("a person has an id").to_owned();
    let token = json!({ "name": name, "role": role, "person": id });
    let issued = keeper.post("/tokens", token).await.created();
    let secret = issued["secret"].as_str().expect("a fresh token shows its secret");
    PersonOf { id, email, client: desk.client(secret) }
}
