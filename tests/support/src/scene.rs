//! A scene: an organization with something on every page, and the address of each page.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use waypost_app::{Clock, sign_ins::Invitation};
use waypost_domain::role::Role;

use crate::{Org, PersonOf, TestDesk, Visitor, link_in};

/// Says what somebody writes into a field, by its name.
pub type Writer<'w> = dyn FnMut(&'static str) -> String + 'w;

/// An organization with something on every page, and its people in their browsers.
pub struct Scene<'a> {
    /// The organization.
    pub org: Org<'a>,
    /// Has tickets of all kinds and a draft in the basket; is signed in on two devices.
    pub requester: Visitor,
    /// Is asked for votes, and has appointed a stand-in.
    pub approver: Visitor,
    /// Works on the tickets, and has a view of their own.
    pub agent: Visitor,
    /// Leads, and keeps the desk.
    pub admin: Visitor,
    /// All tickets, by what they are there for.
    pub tickets: Vec<(&'static str, Value)>,
    /// A vote that is asked of the approver.
    pub vote: String,
    /// A sign-in of the requester on another device.
    pub device: String,
    /// The delegation that the approver planned.
    pub delegation: String,
    /// The view of the agent.
    pub view: String,
    /// Links that nobody has used: to sign in, to be set up, to vote.
    pub links: [String; 3],
}

impl<'a> Scene<'a> {
    /// Furnishes an organization with this key; every text in it is asked of the writer. Its
    /// policies ask for votes, and leave the rest to people. Letters are no matter from then on.
    ///
    /// # Panics
    /// When something of it is refused.
    pub async fn new(desk: &'a TestDesk, key: &str, write: &mut Writer<'_>) -> Self {
        let org = desk.organization(key).await;
        Self::furnish(org, write).await
    }

    /// As [`new`](Self::new), with policies that also categorize and route. They take their time:
    /// each is compiled for each organization.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    pub async fn routed(desk: &'a TestDesk, key: &str, write: &mut Writer<'_>) -> Self {
        let org = desk.organization(key).await;
        bind_routing(&org, write).await;
        Self::furnish(org, write).await
    }

    async fn furnish(org: Org<'a>, write: &mut Writer<'_>) -> Self {
        let (desk, key) = (org.desk, org.key.clone());
        desk.ignore_mail();
        name_everything(&org, write).await;
        let links = [link_to_sign_in(&org).await, link_to_be_set_up(&org, write).await];
        bind_voting(&org, write).await;
        let mut tickets = incidents(&org, write).await;
        tickets.extend(problems(&org, write).await);
        tickets.extend(requests(&org, write).await);
        let letters = desk.letters().await;
        let sent = letters.iter().rev().find_map(|letter| {
            letter.body.lines().find_map(|line| line.strip_prefix("https://desk.test/s/"))
        });
        let [sign_in, setup] = links;
        let links = [sign_in, setup, format!("/s/{}", sent.expect("a vote is asked by letter"))];
        let wish =
            tickets.iter().find(|(name, _)| *name == "wish").map(|(_, wish)| &wish["number"]);
        let asked = org.manager.client.get("/approvals/mine").await.items();
        let vote = asked.iter().find(|vote| Some(&vote["ticket"]) == wish);
        let vote = text_of(vote.expect("the manager is asked"), "id");
        let plan = json!({
            "to": org.admin.email, "starts_at": hours(desk, 24), "ends_at": hours(desk, 48),
            "reason": write("reason of a delegation"),
        });
        let planned = org.manager.client.post("/delegations", plan).await.created();

        let mut requester = desk.signed_in(&org.requester.email).await;
        drop(desk.signed_in(&org.requester.email).await);
        requester.visit(&format!("/o/{key}/me")).await;
        let device = part_of(&requester, "form[action$='/end']", "action", 5);
        let mut agent = desk.signed_in(&org.agent.email).await;
        agent.visit(&format!("/o/{key}/desk/queue/all?priority=1")).await;
        agent.fill("Name of the view", &write("name of a view")).press("Save").await;
        let view = part_of(&agent, "form[action$='/remove']", "action", 5);
        let approver = desk.signed_in(&org.manager.email).await;
        let admin = desk.signed_in(&org.admin.email).await;
        let delegation = text_of(&planned, "id");
        Self {
            org,
            requester,
            approver,
            agent,
            admin,
            tickets,
            vote,
            device,
            delegation,
            view,
            links,
        }
    }

    /// Everybody in their browsers, by what they are.
    #[must_use]
    pub fn people(&self) -> [(&'static str, Visitor); 5] {
        [
            ("stranger", self.org.desk.visitor()),
            ("requester", self.requester.clone()),
            ("approver", self.approver.clone()),
            ("agent", self.agent.clone()),
            ("administrator", self.admin.clone()),
        ]
    }

    /// The number of the ticket that is there for something.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn number(&self, of: &str) -> &str {
        let found = self.tickets.iter().find(|(name, _)| *name == of);
        found.and_then(|(_, ticket)| ticket["number"].as_str()).expect("it is in the scene")
    }

    /// Addresses of a route.
    ///
    /// # Panics
    /// When a route has none: it is to be added here.
    #[must_use]
    pub fn addresses(&self, route: &str) -> Vec<String> {
        let org = &self.org.key;
        let every = |pattern: &str| -> Vec<String> {
            let numbers = self.tickets.iter().filter_map(|(_, ticket)| ticket["number"].as_str());
            numbers.map(|number| route.replace("{number}", number) + pattern).collect()
        };
        let each = |parameter: &str, values: &[&str]| -> Vec<String> {
            values.iter().map(|value| route.replace(parameter, value)).collect()
        };
        let doing = |actions: &[(&str, &str)]| -> Vec<String> {
            let one = |(of, action): &(&str, &str)| {
                route.replace("{number}", self.number(of)).replace("{action}", action)
            };
            actions.iter().map(one).collect()
        };
        let asking = |queries: &[&str]| -> Vec<String> {
            queries.iter().map(|query| format!("{route}{query}")).collect()
        };
        let found = match route {
            "/assets/{name}" => each("{name}", &["mark.svg"]),
            "/sign-in" => asking(&["", &format!("?next=/o/{org}/my")]),
            "/sign-in/link/{secret}" => vec![self.links[0].clone()],
            "/setup/{secret}" => vec![self.links[1].clone()],
            "/s/{secret}" => vec![self.links[2].clone()],
            "/voted" => asking(&["?as=approve", "?as=reject", "?as=abstain"]),
            "/o/{org}/search" => asking(&["", "?q=chair", "?q=zzz"]),
            "/o/{org}/report" => asking(&["", "?q=Mail"]),
            "/o/{org}/catalog/{item}" => each("{item}", &["laptop", "chair"]),
            "/o/{org}/my" => asking(&["", "?show=waiting", "?show=done", "?show=all"]),
            "/o/{org}/my/{number}" | "/o/{org}/tickets/{number}" => every(""),
            "/o/{org}/desk/tickets/{number}" => {
                let own = route.replace("{number}", self.number("own"));
                let parts = ["said", "done", "decided"];
                let parts = parts.map(|part| format!("{own}?history={part}&children=all"));
                [every(""), parts.to_vec()].concat()
            }
            "/o/{org}/my/{number}/do/{action}" => doing(&[
                ("solved", "reopen"),
                ("solved", "close"),
                ("own", "cancel"),
                ("own", "caller_reply"),
                ("wish", "revise"),
            ]),
            "/o/{org}/approvals/{request}" => each("{request}", &[&self.vote]),
            "/o/{org}/me/again" => asking(&[&format!("?next=/o/{org}/me")]),
            "/o/{org}/me/devices/{id}/end" => each("{id}", &[&self.device]),
            "/o/{org}/me/delegations/{id}/end" => each("{id}", &[&self.delegation]),
            "/o/{org}/desk/views/{id}/remove" => each("{id}", &[&self.view]),
            "/o/{org}/desk/queue/{view}" => each(
                "{view}",
                &[
                    "mine",
                    "team-network",
                    "unassigned",
                    "waiting",
                    "degraded",
                    "major",
                    "all",
                    "all?text=zzz",
                    "all?priority=1",
                    "all?text=a&state=new&priority=4&team=network",
                    "all?waiting_on=team&order=updated",
                ],
            ),
            "/o/{org}/desk/problems" => asking(&["", "?text=zzz", "?of=mine", "?of=known"]),
            "/o/{org}/desk/tasks" => asking(&["", "?text=zzz", "?of=team-network"]),
            "/o/{org}/desk/major/{number}" => {
                each("{number}", &[self.number("major"), self.number("major again")])
            }
            "/o/{org}/desk/search" => asking(&["", "?text=a", "?text=zzz"]),
            "/o/{org}/desk/bulk" => {
                let (own, over) = (self.number("own"), self.number("cancelled"));
                asking(&[
                    &format!("?action=comment&ticket={own}&ticket={over}"),
                    &format!("?action=resolve&ticket={own}&ticket={over}"),
                    &format!("?action=hold&ticket={own}"),
                ])
            }
            "/o/{org}/desk/new/{kind}" => each("{kind}", &["incident", "request", "problem"]),
            "/o/{org}/desk/tickets/{number}/what-if" => {
                let own = route.replace("{number}", self.number("own"));
                vec![own.clone(), format!("{own}?impact=1&urgency=1"), format!("{own}?impact=9")]
            }
            "/o/{org}/desk/tickets/{number}/tasks/new" => {
                doing(&[("own", ""), ("problem", ""), ("cancelled", "")])
            }
            "/o/{org}/desk/tickets/{number}/do/{action}" => doing(&[
                ("own", "edit"),
                ("own", "assign"),
                ("own", "hold"),
                ("own", "resolve"),
                ("fresh", "triage"),
                ("own", "set_priority"),
                ("own", "link"),
                ("own", "set_eta"),
                ("major", "update_major"),
                ("fresh", "propose_major"),
                ("wish", "appoint_voter"),
                ("wish", "edit"),
                ("problem", "edit"),
                ("problem", "resolve"),
                ("task", "edit"),
                ("task", "incomplete"),
            ]),
            "/o/{org}/live" => {
                asking(&["?of=list", &format!("?ticket={}&version=1", self.number("own"))])
            }
            "/"
            | "/accessibility"
            | "/sign-out"
            | "/o/{org}"
            | "/o/{org}/home"
            | "/o/{org}/catalog"
            | "/o/{org}/basket"
            | "/o/{org}/approvals"
            | "/o/{org}/me"
            | "/o/{org}/me/looks"
            | "/o/{org}/me/password"
            | "/o/{org}/me/password/remove"
            | "/o/{org}/accessibility"
            | "/o/{org}/desk/organizations"
            | "/o/{org}/me/devices/end-others"
            | "/o/{org}/me/delegations"
            | "/o/{org}/desk"
            | "/o/{org}/desk/queue"
            | "/o/{org}/desk/views"
            | "/o/{org}/desk/new" => asking(&[""]),
            other => panic!("{other} has no address in the scene"),
        };
        found.into_iter().map(|address| address.replace("{org}", org)).collect()
    }

    /// The addresses of all pages, without files and lines for hints.
    #[must_use]
    pub fn pages(&self) -> Vec<String> {
        let is_page = |route: &&&str| !route.starts_with("/assets/") && !route.ends_with("/live");
        let routes = waypost_web::ROUTES.iter().filter(is_page);
        routes.flat_map(|route| self.addresses(route)).collect()
    }
}

fn text_of(record: &Value, field: &str) -> String {
    record[field].as_str().expect("a record has it").to_owned()
}

/// A part of an address that stands in an attribute.
fn part_of(visitor: &Visitor, selector: &str, attribute: &str, place: usize) -> String {
    let address = visitor.attribute(selector, attribute);
    let address = address.unwrap_or_else(|| panic!("no {selector}: {}", visitor.text()));
    address.split('/').nth(place).expect("the address is that long").to_owned()
}

fn hours(desk: &TestDesk, hours: i64) -> String {
    let at: DateTime<Utc> = desk.clock.now() + TimeDelta::hours(hours);
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// Changes what `path` has.
async fn change(org: &Org<'_>, path: &str, fields: Value) {
    let admin = &org.admin.client;
    let version = admin.get(path).await.ok()["version"].as_i64().expect("it has a version");
    let _ = admin.patch(path, version, fields).await.ok();
}

async fn edit(org: &Org<'_>, ticket: &Value, fields: Value) -> Value {
    let agent = &org.agent.client;
    let version = agent.again(ticket).await["version"].as_i64().expect("it has a version");
    let path = format!("/tickets/{}", text_of(ticket, "number"));
    agent.patch(&path, version, fields).await.ok()
}

/// Gives names to what the organization consists of.
async fn name_everything(org: &Org<'_>, write: &mut Writer<'_>) {
    let admin = &org.admin.client;
    let people = [&org.requester, &org.manager, &org.agent, &org.second_agent, &org.admin];
    for person in people {
        let name = json!({ "name": write("name of a person"), "location": write("location") });
        change(org, &format!("/people/{}", person.id), name).await;
    }
    let own = json!({ "name": write("name of an organization") });
    change(org, &format!("/organizations/{}", org.key), own).await;
    change(org, "/teams/network", json!({ "name": write("name of a team") })).await;
    change(org, "/services/revenue-portal", json!({ "name": write("name of a service") })).await;
    change(org, "/cis/portal-web-1", json!({ "name": write("name of a CI") })).await;
    let category = json!({ "path": "rooms", "name": write("name of a category") });
    let _ = admin.post("/categories", category).await.created();
    let item = json!({
        "key": "chair", "name": write("name of an item"),
        "description": write("description of an item"),
        "cost": { "minor_units": 20_000, "currency": "EUR" }, "delivery_hours": 40,
        "form": [
            { "field": "why", "label": write("question"), "kind": "text", "required": true },
            { "field": "color", "label": write("question"), "kind": "choice",
              "choices": [write("choice"), write("choice")], "required": false },
            { "field": "wheels", "label": write("question"), "kind": "yes_no", "required": false },
        ],
        "tasks": [{ "key": "build", "short_description": write("planned task"),
                    "description": write("description of a planned task"), "team": "network" }],
    });
    let _ = admin.post("/catalog-items", item).await.created();
}

async fn link_to_sign_in(org: &Org<'_>) -> String {
    let mut visitor = org.desk.visitor();
    visitor.visit("/sign-in").await;
    let email = [("email", org.second_agent.email.as_str())];
    visitor.post("/sign-in", &email, &[("sec-fetch-site", "same-origin")]).await;
    let letters = org.desk.letters().await;
    let asked = letters.iter().find(|letter| letter.link.is_some());
    link_in(&asked.expect("a link was asked for").body).to_owned()
}

async fn link_to_be_set_up(org: &Org<'_>, write: &mut Writer<'_>) -> String {
    let invitation = Invitation {
        email: format!("guest@{}.example", org.key),
        name: Some(write("name of a person")),
        role: Some(Role::Requester),
    };
    org.invite(invitation).await
}

/// Policies that suggest and route.
async fn bind_routing(org: &Org<'_>, write: &mut Writer<'_>) {
    let suggesting = json!({ "rules": [{
        "name": write("name of a rule"), "when": { "words": { "any": ["forgotten"] } },
        "set": { "category": ["rooms"] }, "strength": "suggested", "confidence": 70,
    }] });
    let _ = org.bind("categorize", "keyword-categorizer", suggesting).await;
    let routing = json!({ "rules": [{
        "name": write("name of a rule"), "when": { "priority": { "to": 2 } },
        "to": { "team": "network" },
    }] });
    let _ = org.bind("route", "team-router", routing).await;
}

/// Policies that ask for votes, by letter.
async fn bind_voting(org: &Org<'_>, write: &mut Writer<'_>) {
    let asking = json!({ "rules": [{ "name": write("name of a rule"), "then": { "ask": [
        { "steps": [{ "name": write("name of a step"), "approvers": ["manager"] }] },
    ] } }] });
    let _ = org.bind("plan", "approval-chain", asking).await;
    let telling = json!({ "rules": [{
        "name": "please", "on": ["approval_requested"], "to": ["approvers"], "to_actor": true,
        "subject": "please {number}", "body": "{short_description} {text}",
    }] });
    let _ = org.bind("notify", "stakeholder-notifier", telling).await;
}

type Tickets = Vec<(&'static str, Value)>;

async fn incidents(org: &Org<'_>, write: &mut Writer<'_>) -> Tickets {
    let (agent, requester) = (&org.agent.client, &org.requester.client);
    let report = async |title: String, description: String| {
        let new = json!({ "short_description": title, "description": description });
        org.try_report(new).await.created()
    };
    let own = json!({
        "requester": org.requester.id, "short_description": write("title of an incident"),
        "description": write("description of an incident"), "category": "rooms",
        "service": "revenue-portal", "ci": "portal-web-1", "affected_users": 4,
        "tags": [write("tag")], "fields": { "floor": write("custom field") },
        "impact": 2, "urgency": 2,
    });
    let own = agent.post("/incidents", own).await.created();
    let act = async |ticket: &Value, action: &str, input: Value| {
        agent.act(ticket, action, input).await.ok()
    };
    let _ = act(&own, "comment", json!({ "text": write("comment") })).await;
    let _ = act(&own, "note", json!({ "text": write("note") })).await;
    let _ = requester.act(&own, "caller_reply", json!({ "text": write("reply") })).await.ok();
    let reason = write("reason of a priority");
    let _ = act(&own, "set_priority", json!({ "priority": 1, "reason": reason })).await;
    let _ =
        act(&own, "escalate", json!({ "level": 1, "reason": write("reason of an escalation") }))
            .await;
    let _ = act(&own, "set_eta", json!({ "eta": hours(org.desk, 5) })).await;
    let _ = act(&own, "assign", json!({ "team": "network", "assignee": org.agent.id })).await;
    let own = act(&own, "start", json!({})).await;
    let path = format!("/incidents/{}/tasks", text_of(&own, "number"));
    let task = json!({ "short_description": write("title of a task"),
                       "description": write("description of a task") });
    let task = agent.post(&path, task).await.created();
    let hold = json!({ "reason": write("reason of a task's hold") });
    let task = act(&task, "hold", hold).await;
    let task = edit(org, &task, json!({ "short_description": write("title of a task") })).await;

    let solved = report(write("title of an incident"), write("description of an incident")).await;
    let _ = act(&solved, "start", json!({})).await;
    let notes = write("resolution notes");
    let resolving = json!({ "resolution_code": "fixed", "resolution_notes": notes });
    let solved = act(&solved, "resolve", resolving).await;
    let link = json!({ "link_type": "related_to", "target": solved["number"] });
    let _ = act(&own, "link", link).await;

    let reopened = report(write("title of an incident"), write("description of an incident")).await;
    let _ = act(&reopened, "start", json!({})).await;
    let resolving =
        json!({ "resolution_code": "fixed", "resolution_notes": write("resolution notes") });
    let _ = act(&reopened, "resolve", resolving).await;
    let reason = json!({ "reason": write("reason of a reopening") });
    let reopened = requester.act(&reopened, "reopen", reason).await.ok();

    let waiting = report(write("title of an incident"), write("description of an incident")).await;
    let hold =
        json!({ "awaiting": "vendor", "vendor": write("vendor"), "comment": write("comment") });
    let waiting = act(&waiting, "hold", hold).await;
    let fresh =
        report("I have forgotten something".to_owned(), write("description of an incident")).await;
    let cancelled =
        report(write("title of an incident"), write("description of an incident")).await;
    let reason = json!({ "reason": write("reason of a cancellation") });
    let cancelled = act(&cancelled, "cancel", reason).await;

    let mut majors = Vec::new();
    for _ in 0..2 {
        let major =
            report(write("title of an incident"), write("description of an incident")).await;
        let reason = json!({ "reason": write("reason of a major incident") });
        let _ = act(&major, "propose_major", reason).await;
        let leaders = json!({ "manager": org.agent.id, "communication_owner": org.admin.id,
                              "next_update_at": hours(org.desk, 1) });
        let _ = act(&major, "accept_major", leaders).await;
        let update = json!({ "text": write("update"), "next_update_at": hours(org.desk, 2) });
        majors.push(act(&major, "update_major", update).await);
    }
    let child = edit(org, &reopened, json!({ "parent": majors[0]["number"] })).await;
    let notes =
        json!({ "resolution_code": "fixed", "resolution_notes": write("resolution notes") });
    let _ = act(&majors[1], "resolve", notes).await;
    let review = json!({ "review_note": write("review of a major incident") });
    let reviewed = act(&majors[1], "finish_major", review).await;
    vec![
        ("own", own),
        ("solved", solved),
        ("child", child),
        ("held", waiting),
        ("fresh", fresh),
        ("cancelled", cancelled),
        ("major", majors.remove(0)),
        ("major again", reviewed),
        ("task", task),
    ]
}

async fn problems(org: &Org<'_>, write: &mut Writer<'_>) -> Tickets {
    let agent = &org.agent.client;
    let mut all = Vec::new();
    for name in ["problem", "solved problem"] {
        let new = json!({ "short_description": write("title of a problem"),
                          "description": write("description of a problem") });
        let problem = agent.post("/problems", new).await.created();
        let assess = json!({ "team": "network", "assignee": org.second_agent.id });
        let _ = agent.act(&problem, "assess", assess).await.ok();
        let confirm = json!({ "impact": 2, "urgency": 2, "service": "revenue-portal" });
        let _ = agent.act(&problem, "confirm", confirm).await.ok();
        let known = json!({ "symptom": write("symptom"), "workaround": write("workaround") });
        let _ = agent.act(&problem, "publish_known_error", known).await.ok();
        let cause =
            json!({ "root_cause": write("root cause"), "fix_notes": write("notes of a fix") });
        let problem = agent.act(&problem, "start_fix", cause).await.ok();
        all.push((name, problem));
    }
    let path = format!("/problems/{}/tasks", text_of(&all[0].1, "number"));
    let task = json!({ "short_description": write("title of a task"),
                       "description": write("description of a task") });
    let _ = agent.post(&path, task).await.created();
    let improvements = json!({ "improvements": write("improvements") });
    all[0].1 = edit(org, &all[0].1, improvements).await;
    let solved =
        json!({ "resolution_code": "fix_applied", "resolution_notes": write("resolution notes") });
    let _ = agent.act(&all[1].1, "resolve", solved).await.ok();
    let closing = json!({ "no_article_reason": write("reason for no article") });
    all[1].1 = agent.act(&all[1].1, "close", closing).await.ok();
    all
}

async fn requests(org: &Org<'_>, write: &mut Writer<'_>) -> Tickets {
    let agreed = order(org, write, false).await;
    let agreed = decide(org, &agreed, "approve", write("comment of a vote")).await;
    let path = format!("/requests/{}/tasks", text_of(&agreed, "number"));
    let planned = org.agent.client.get(&path).await.items().remove(0);
    let refused = order(org, write, false).await;
    let refused = decide(org, &refused, "reject", write("comment of a vote")).await;
    let basket = order(org, write, true).await;
    let wish = order(org, write, false).await;
    // Of the votes that wait, the last one is asked by a letter that is kept.
    let _ = org.desk.letters().await;
    let on_paper = order(org, write, false).await;
    vec![
        ("agreed", agreed),
        ("planned task", planned),
        ("refused", refused),
        ("basket", basket),
        ("wish", wish),
        ("on paper", on_paper),
    ]
}

async fn order(org: &Org<'_>, write: &mut Writer<'_>, is_draft: bool) -> Value {
    let answers = json!({ "why": write("answer"), "wheels": "true" });
    let new = json!({
        "short_description": write("title of a request"),
        "description": write("description of a request"),
        "catalog_item": "chair", "answers": answers, "draft": is_draft,
    });
    org.requester.client.post("/requests", new).await.created()
}

/// The manager votes on a request, which is the only one that waits for them.
async fn decide(org: &Org<'_>, request: &Value, how: &str, comment: String) -> Value {
    let PersonOf { client, .. } = &org.manager;
    let asked = client.get("/approvals/mine").await.items().remove(0);
    let opinion = json!({ "content_digest": asked["content_digest"], "comment": comment });
    let path = format!("/approval-requests/{}/{how}", text_of(&asked, "id"));
    let _ = client.post(&path, opinion).await.ok();
    org.agent.client.again(request).await
}
