//! What is true of every page and every form, wherever it is and whoever comes.
//!
//! All of it is asked of one scene (see [`Scene`]), which has something on every page; a route
//! without an address in it fails here.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use serde_json::{Value, json};
use waypost_test_support::{
    Client, Form, Guest, ROUTES, Scene, TestDesk, Visitor, on_both_engines, route_of,
};

use crate::policies::by_words;

on_both_engines! {
    every_form_is_reached_and_answered_without_scripts
    whatever_belongs_to_somebody_else_is_not_there
    pages_and_api_count_and_allow_the_same
}

pub(super) const PASSWORD: &str = "four blue teapots";

/// Somebody who writes what they write about, and never the same again.
fn plainly() -> impl FnMut(&'static str) -> String {
    let mut count = 0;
    move |field| {
        count += 1;
        format!("The {field} {count}")
    }
}

/// The routes that answer to a method, as the router itself says.
async fn routes_with(method: &str, scene: &Scene<'_>) -> BTreeSet<&'static str> {
    let mut visitor = scene.admin.clone();
    let mut found = BTreeSet::new();
    for route in ROUTES {
        let address = scene.addresses(route).remove(0);
        let methods = visitor.methods(&address).await;
        assert!(!methods.is_empty(), "{route}");
        if methods.iter().any(|known| known == method) {
            found.insert(*route);
        }
    }
    found
}

async fn every_form_is_reached_and_answered_without_scripts(desk: TestDesk) {
    let desk = desk.with_passwords();
    let mut scene = Scene::new(&desk, "acme", &mut plainly()).await;
    // Whoever sets one is signed out on other devices, of which the requester has some.
    set_password(&mut scene.approver).await;
    let mut people = scene.people();
    let mut reached: BTreeMap<&str, (usize, Form)> = BTreeMap::new();
    desk.pages_settle().await;
    let before = desk.store.stats();
    for (place, (who, visitor)) in people.iter_mut().enumerate() {
        for page in scene.pages() {
            visitor.visit(&page).await;
            assert!(!visitor.status().is_server_error(), "{page} for {who}");
            for form in visitor.forms() {
                let route = route_of(&form.action).expect("a form is sent to a page of ours");
                let _ = reached.entry(route).or_insert((place, form));
            }
        }
    }
    desk.pages_settle().await;
    // Whoever only looks changes nothing.
    assert_eq!(desk.store.stats().since(before).commits, 0);
    let posts = routes_with("POST", &scene).await;
    assert!(posts.len() > 20, "{posts:?}");
    let forms: BTreeSet<&str> = reached.keys().copied().collect();
    assert_eq!(forms, posts, "forms that pages show, and routes that take one");
    // Whoever is out sends nothing more.
    let last = reached.remove_entry("/sign-out");
    for (route, (place, mut form)) in reached.into_iter().chain(last) {
        fill_in(&mut form, &scene);
        let (who, visitor) = &mut people[place];
        visitor.send(&form).await;
        assert_eq!(visitor.status(), StatusCode::OK, "{route} by {who}: {}", visitor.text());
    }
}

/// Fills in what a form needs and does not say.
fn fill_in(form: &mut Form, scene: &Scene<'_>) {
    let email = scene.org.requester.email.as_str();
    let values = [
        ("email", email),
        ("requester", email),
        ("to", &scene.org.admin.email),
        ("short_description", "The lamp buzzes"),
        ("text", "As before"),
        ("comment", "As before"),
        ("reason", "As before"),
        ("name", "Another view"),
        ("answers/why", "It is old"),
        ("answers/model", "light"),
        ("ends_at", "2026-06-20T10:00"),
        ("password", PASSWORD),
        ("again", PASSWORD),
    ];
    for (name, value) in values {
        let is_said = form.fields.iter().any(|(known, said)| known == name && !said.is_empty());
        if form.names.contains(name) && !is_said {
            form.fill(name, value);
        }
    }
}

/// What is written the same in both languages.
const SAME: [&str; 18] = [
    "Administrator",
    "Chat",
    "Code",
    "Deutsch",
    "English",
    "Enter",
    "Firefox, Linux",
    "Import",
    "Person",
    "Portal",
    "Problem",
    "Service",
    "Symptom",
    "Team",
    "Text",
    "Ticket",
    "Waypost",
    "optional",
];
/// What the organization of the scene calls by a small word.
const KEYS: [&str; 7] = ["access", "floor", "hardware", "light", "network", "rooms", "strong"];

/// A page is made of the same words on both databases, so one is looked at.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_german_page_holds_no_english_but_data() {
    let desk = TestDesk::sqlite(concat!(module_path!(), "::german")).await;
    let mut scene = Scene::routed(&desk, "acme", &mut plainly()).await;
    let stumbled = stumble(&scene).await;
    scene.tickets.push(("stumbled", stumbled));
    let mut same: BTreeMap<String, String> = BTreeMap::new();
    for (who, visitor) in scene.people() {
        let (mut english, mut german) = (visitor.clone(), visitor.speaking("de"));
        for page in scene.pages() {
            english.visit(&page).await;
            german.visit(&page).await;
            assert_eq!(english.status(), german.status(), "{page} for {who}");
            if english.status() == StatusCode::OK {
                assert_eq!(german.attribute("html", "lang").as_deref(), Some("de"), "{page}");
            }
            look(&english, &german, &format!("{page} for {who}"), &mut same);
            for form in english.forms().into_iter().filter(asks_for_something) {
                let empty = emptied(&form);
                let (mut english, mut german) = (english.clone(), german.clone());
                english.send(&empty).await;
                german.send(&empty).await;
                let place = format!("{}, empty, for {who}", form.action);
                look(&english, &german, &place, &mut same);
            }
        }
    }
    let data = data_of(&scene).await;
    let forgotten: Vec<_> =
        same.into_iter().filter(|(text, _)| !is_the_same(text, &data)).collect();
    assert!(forgotten.is_empty(), "{forgotten:#?}");
}

/// A ticket on which policies fail and stand in each other's way, so that the desk says in its own
/// words what came of it.
async fn stumble(scene: &Scene<'_>) -> Value {
    let org = &scene.org;
    for (name, position, set) in [
        ("lost", 20, json!({ "category": ["nowhere"] })),
        ("first", 30, json!({ "impact": 2 })),
        ("second", 40, json!({ "impact": 3 })),
    ] {
        let words = by_words(&[("stumble", set)]);
        let _ = org.bind_as(name, position, "categorize", "keyword-categorizer", words).await;
    }
    let trap = org.admin.client.upload(Guest::new().before_answer("unreachable").build()).await;
    let _ = org.bind_component("broken", 20, "route", &trap, json!({})).await;
    let new = json!({ "short_description": "The visitors stumble" });
    org.try_report(new).await.created()
}

/// Keeps what two readers of a page read alike.
fn look(one: &Visitor, other: &Visitor, place: &str, same: &mut BTreeMap<String, String>) {
    for text in one.words().intersection(&other.words()) {
        if text.contains(char::is_alphabetic) && !same.contains_key(text) {
            same.insert(text.clone(), place.to_owned());
        }
    }
}

/// Whether a form is refused when it is sent empty.
fn asks_for_something(form: &Form) -> bool {
    let asked = ["short_description", "reason", "resolution_notes", "text", "email", "password"];
    asked.iter().any(|name| form.names.contains(*name))
}

fn emptied(form: &Form) -> Form {
    let mut empty = form.clone();
    for (name, value) in &mut empty.fields {
        if !name.starts_with('_') && !matches!(name.as_str(), "action" | "ticket" | "vote" | "how")
        {
            value.clear();
        }
    }
    empty
}

/// Everything that people have written, and policies as reasons; longest first. What programs call
/// things by is no data, nor is what the desk itself has written and kept.
async fn data_of(scene: &Scene<'_>) -> Vec<String> {
    let mut tx = scene.org.desk.store.system().await.unwrap();
    let mut texts = waypost_store::testing::all_texts(&mut tx).await.unwrap();
    drop(tx);
    for (_, ticket) in &scene.tickets {
        let told = scene.org.agent.client.of(ticket, "explain").await.ok();
        for fact in told["facts"].as_array().unwrap() {
            let of = [&fact["policy"], &fact["set_by"]["policy"], &fact["rated_by"]];
            let reasons = of.into_iter().filter_map(|policy| policy["reasons"].as_array());
            texts.extend(reasons.flatten().filter_map(|it| it.as_str().map(str::to_owned)));
        }
    }
    let ours = told_by_desk(scene).await;
    texts.retain(|text| !ours.contains(text));
    let is_name = |text: &str| text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let lines = texts.iter().flat_map(|text| text.lines().map(str::trim));
    let lines: BTreeSet<&str> = lines.filter(|line| line.len() > 2 && !is_name(line)).collect();
    let mut lines: Vec<String> = lines.into_iter().map(str::to_owned).collect();
    lines.sort_by_key(|line| std::cmp::Reverse(line.len()));
    lines
}

/// What the desk itself has written into events and receipts. Whatever people write in the scene
/// begins in the same way.
async fn told_by_desk(scene: &Scene<'_>) -> BTreeSet<String> {
    let client = &scene.org.agent.client;
    let mut ours = Vec::new();
    for (_, ticket) in &scene.tickets {
        let events = client.of(ticket, "events").await.items();
        let by_others = events.iter().filter(|event| event["actor"]["kind"] != "policy");
        ours.extend(by_others.map(|event| event["reason"].clone()));
        let told = client.of(ticket, "explain").await.ok();
        for fact in told["facts"].as_array().unwrap() {
            ours.extend(fact["by"].as_array().into_iter().flatten().cloned());
            ours.push(fact["fallback"].clone());
        }
    }
    let ours = ours.iter().filter_map(Value::as_str).filter(|text| !text.starts_with("The "));
    let ours: BTreeSet<String> = ours.map(str::to_owned).collect();
    for expected in [
        "no policy set a team; assigned to the fallback team",
        "the organization's fallback team",
        "impact: policy `first` of acme has given it already",
    ] {
        assert!(ours.contains(expected), "{expected}: {ours:#?}");
    }
    ours
}

/// Whether a text is made of data, or is the same in both languages.
fn is_the_same(text: &str, data: &[String]) -> bool {
    let mut rest = text.to_owned();
    for known in data {
        if rest.contains(known.as_str()) {
            rest = rest.replace(known.as_str(), " ");
        }
    }
    let rest = rest.trim_matches(|c: char| !c.is_alphabetic());
    // A key, and the level of a priority, are one letter.
    rest.chars().count() < 2 || SAME.contains(&rest) || KEYS.contains(&rest)
}

/// Pairs of addresses: what belongs to somebody else, and what never was.
struct Foreign {
    route: &'static str,
    theirs: String,
    nobodys: String,
}

/// The addresses of a scene's own things as somebody of `org` asks for them.
fn foreign(scene: &Scene<'_>, org: &str) -> Vec<Foreign> {
    let named = ["{number}", "{id}", "{request}", "{item}"];
    let routes = ROUTES.iter().filter(|route| named.iter().any(|name| route.contains(name)));
    let mut all = Vec::new();
    for route in routes {
        for address in scene.addresses(route) {
            let own = format!("/o/{}/", scene.org.key);
            // Both have an item of this name.
            if address.ends_with("/laptop") {
                continue;
            }
            let theirs = address.replace(&own, &format!("/o/{org}/"));
            let parts = theirs.split('?').next().unwrap().split('/').zip(route.split('/'));
            let nobodys: Vec<String> = parts.map(|(part, name)| never_was(part, name)).collect();
            all.push(Foreign { route, theirs, nobodys: nobodys.join("/") });
        }
    }
    all
}

/// Something of the same form that nobody has.
fn never_was(part: &str, name: &str) -> String {
    match name {
        "{number}" => part.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned() + "0098765",
        "{id}" | "{request}" => "01970000-0000-7000-8000-00000badc0de".to_owned(),
        "{item}" => "sofas".to_owned(),
        _ => part.to_owned(),
    }
}

async fn whatever_belongs_to_somebody_else_is_not_there(desk: TestDesk) {
    let bolt = Scene::new(&desk, "bolt", &mut plainly()).await;
    let acme = desk.organization("acme").await;
    let own = acme.report("The first one here").await;
    let before = records_of(&bolt).await;
    let mut count = 0;
    for person in [&acme.requester, &acme.agent, &acme.admin] {
        let mut visitor = desk.signed_in(&person.email).await;
        let is_requester = person.email == acme.requester.email;
        for Foreign { route, theirs, nobodys } in foreign(&bolt, "acme") {
            if theirs.contains(own["number"].as_str().unwrap()) {
                continue;
            }
            let answer = answered_alike(&mut visitor, &theirs, &nobodys).await;
            let at_desk = route.starts_with("/o/{org}/desk");
            let expected = match route {
                // Who is signed out already, or never was in, is out.
                "/o/{org}/me/devices/{id}/end" => "200",
                _ if at_desk && is_requester => "403",
                _ => "404",
            };
            assert!(answer.starts_with(expected), "{theirs} for {}: {answer}", person.email);
            count += 1;
        }
        for path in ["/o/acme/my/nonsense", "/o/acme/approvals/nonsense", "/o/acme/nowhere"] {
            visitor.visit(path).await;
            assert_eq!(visitor.status(), StatusCode::NOT_FOUND, "{path}");
            assert!(visitor.text().contains("There is no such page"), "{path}");
        }
        // Another organization is as none, whatever its key.
        for route in ROUTES.iter().filter(|route| route.starts_with("/o/{org}")) {
            for theirs in bolt.addresses(route) {
                let nobodys = theirs.replacen("/o/bolt", "/o/belt", 1);
                let answer = answered_alike(&mut visitor, &theirs, &nobodys).await;
                assert!(answer.starts_with("404"), "{theirs} for {}: {answer}", person.email);
                count += 1;
            }
        }
    }
    // Of their own organization, people have not what is another person's.
    let mut neighbor = desk.signed_in(&bolt.org.second_agent.email).await;
    let mut requester = desk.signed_in(&guest(&bolt).await).await;
    for Foreign { route, theirs, nobodys } in foreign(&bolt, "bolt") {
        // The desk sees whose vote is asked and who votes for whom; the rest is nobody else's.
        let is_private = route.contains("/devices/") || route.contains("/views/");
        let mut visitors = Vec::new();
        if is_private {
            visitors.push(&mut neighbor);
        }
        if !route.starts_with("/o/{org}/desk") && !route.ends_with("{item}") {
            visitors.push(&mut requester);
        }
        for visitor in visitors {
            let answer = answered_alike(visitor, &theirs, &nobodys).await;
            let expected = if route.contains("/devices/") { "200" } else { "404" };
            assert!(answer.starts_with(expected), "{theirs}: {answer}");
            count += 1;
        }
    }
    assert!(count > 500, "{count}");
    assert_eq!(records_of(&bolt).await, before);
}

/// Another requester of a scene's organization.
async fn guest(scene: &Scene<'_>) -> String {
    let email = format!("second.guest@{}.example", scene.org.key);
    let new = json!({ "name": "Second guest", "email": email, "role": "requester" });
    let _ = scene.org.admin.client.post("/people", new).await.created();
    email
}

/// The answer to an address, which is the same as to another one: for looking, and for a form.
async fn answered_alike(visitor: &mut Visitor, theirs: &str, nobodys: &str) -> String {
    const SENT: [(&str, &str); 5] =
        [("vote", "approve"), ("text", "x"), ("reason", "x"), ("how", "link"), ("name", "x")];
    let (theirs_bare, nobodys_bare) = (theirs.split('?').next(), nobodys.split('?').next());
    let mut answers = Vec::new();
    for (address, bare) in [(theirs, theirs_bare), (nobodys, nobodys_bare)] {
        visitor.visit(address).await;
        let looked = without_once(&visitor.answer());
        visitor.post(bare.unwrap(), &SENT, &[("sec-fetch-site", "same-origin")]).await;
        answers.push((looked, without_once(&visitor.answer())));
    }
    assert_eq!(answers[0], answers[1], "{theirs} and {nobodys}");
    let (looked, sent) = answers.remove(0);
    // What is only sent, or only looked at, says so: the router knows no more.
    if looked.starts_with("405") { sent } else { looked }
}

/// An answer without what tells one form from the next one.
fn without_once(answer: &str) -> String {
    let mut parts = answer.split("name=\"_once\" value=\"");
    let first = parts.next().unwrap_or_default();
    let lines = first.lines().filter(|line| !line.starts_with("etag:"));
    let rest = parts.map(|part| part.split_once('"').unwrap().1.to_owned());
    lines.map(str::to_owned).chain(rest).collect::<Vec<_>>().join("\n")
}

/// What a scene's own people see of it.
async fn records_of(scene: &Scene<'_>) -> Vec<Value> {
    let admin = &scene.org.admin.client;
    let mut all = admin.get("/tickets?limit=200").await.items();
    all.extend(scene.org.manager.client.get("/delegations").await.items());
    all.extend(scene.org.manager.client.get("/approvals/mine").await.items());
    let mut agent = scene.agent.clone();
    agent.visit("/o/bolt/desk/queue/mine").await;
    all.push(json!(agent.links()));
    let mut requester = scene.requester.clone();
    requester.visit("/o/bolt/me").await;
    all.push(json!(requester.forms().len()));
    all
}

pub(super) async fn set_password(visitor: &mut Visitor) {
    visitor.visit("/o/acme/me/password").await;
    visitor.fill("New password", PASSWORD).fill("New password again", PASSWORD);
    visitor.press("Set a password").await;
}

async fn pages_and_api_count_and_allow_the_same(desk: TestDesk) {
    let scene = Scene::new(&desk, "acme", &mut plainly()).await;
    let org = &scene.org;
    let open = "kind=incident&kind=request&active=true";
    let every = "kind=incident&kind=request&kind=problem&kind=task";
    let majors = "major_state=proposed&major_state=accepted&major_state=review";
    for (person, mut visitor) in
        [(&org.agent, scene.agent.clone()), (&org.admin, scene.admin.clone())]
    {
        visitor.visit("/o/acme/desk/queue/all").await;
        let views = [
            ("mine", "Mine", format!("{every}&active=true&assignee={}", person.id)),
            ("unassigned", "Unassigned", format!("{open}&assigned=false")),
            ("waiting", "On hold", format!("{open}&phase=on_hold")),
            ("degraded", "Policy failed", format!("{open}&policy_failures=true")),
            ("major", "Major", format!("kind=incident&order=queue&{majors}")),
            ("all", "All open", open.to_owned()),
        ];
        let tabs = visitor.links();
        for (view, label, query) in views {
            let listed = total(&person.client, &query).await;
            assert!(tabs.contains(&format!("{label} {listed}")), "{label} {listed}: {tabs:?}");
            shows(&mut visitor, &format!("/o/acme/desk/queue/{view}"), listed).await;
        }
        for (filter, query) in [
            ("text=title", "text=title"),
            ("state=new", "state=new"),
            ("priority=1", "priority=1"),
            ("team=network", "team=network"),
            ("waiting_on=team", "waiting_on=team"),
            ("waiting_on=vendor&order=updated", "waiting_on=vendor"),
            ("priority=1&team=network&text=title", "priority=1&team=network&text=title"),
        ] {
            let listed = total(&person.client, &format!("{open}&{query}")).await;
            shows(&mut visitor, &format!("/o/acme/desk/queue/all?{filter}"), listed).await;
        }
        for (list, query) in [
            ("problems", "kind=problem&active=true"),
            ("tasks", "kind=task&active=true"),
            ("problems?of=known", "kind=problem&active=true&known_error=true"),
            ("tasks?of=team-network", "kind=task&active=true&team=network"),
            ("search?text=title", &format!("{every}&text=title")),
            ("queue/team-network", &format!("{open}&team=network")),
        ] {
            let listed = total(&person.client, query).await;
            assert!(listed > 0, "{query}");
            shows(&mut visitor, &format!("/o/acme/desk/{list}"), listed).await;
        }
        for (name, ticket) in &scene.tickets {
            let number = scene.number(name);
            visitor.visit(&format!("/o/acme/desk/tickets/{number}")).await;
            let offered = offered(&visitor);
            assert_eq!(
                offered,
                allowed(&person.client, ticket).await,
                "{name} for {}",
                person.email
            );
            let asks = format!("/o/acme/desk/tickets/{number}/what-if");
            let can_ask = ["edit", "reroute"].iter().all(|action| offered.contains(*action));
            assert_eq!(visitor.addresses().contains(&asks), can_ask, "{name}");
            for action in offered {
                visitor.visit(&format!("/o/acme/desk/tickets/{number}/do/{action}")).await;
                assert_eq!(visitor.status(), StatusCode::OK, "{action} of {name}");
            }
            for action in ["approve", "vote", "create", "dance"] {
                visitor.visit(&format!("/o/acme/desk/tickets/{number}/do/{action}")).await;
                assert!(visitor.status().is_client_error(), "{action} of {name}");
            }
        }
    }
    for (person, mut visitor) in
        [(&org.requester, scene.requester.clone()), (&org.manager, scene.approver.clone())]
    {
        for (list, query) in [
            ("my", format!("{every}&active=true")),
            ("my?show=done", format!("{every}&active=false")),
            ("my?show=all", every.to_owned()),
        ] {
            let listed = total(&person.client, &query).await;
            visitor.visit(&format!("/o/acme/{list}")).await;
            let rows = visitor.addresses();
            let rows = rows.iter().filter(|row| route_of(row) == Some("/o/{org}/my/{number}"));
            assert_eq!(rows.count() as u64, listed, "{list} for {}", person.email);
        }
        let asked = person.client.get("/approvals/mine").await.items().len();
        visitor.visit("/o/acme/approvals").await;
        let rows = visitor.addresses();
        let rows = rows.iter().filter(|row| row.starts_with("/o/acme/approvals/")).count();
        assert_eq!(rows, asked, "votes of {}", person.email);
        for (name, ticket) in &scene.tickets {
            let number = scene.number(name);
            visitor.visit(&format!("/o/acme/my/{number}")).await;
            if visitor.status() == StatusCode::NOT_FOUND {
                assert_eq!(person.client.of(ticket, "actions").await.status, StatusCode::NOT_FOUND);
                continue;
            }
            let allowed = allowed(&person.client, ticket).await;
            assert_eq!(offered(&visitor), allowed, "{name} for {}", person.email);
            for action in allowed.iter().filter(|action| *action != "caller_reply") {
                visitor.visit(&format!("/o/acme/my/{number}/do/{action}")).await;
                assert_eq!(visitor.status(), StatusCode::OK, "{action} of {name}");
            }
        }
    }
}

/// How many tickets the API lists.
async fn total(client: &Client, query: &str) -> u64 {
    let listed = client.get(&format!("/tickets?count=true&limit=1&{query}")).await.ok();
    listed["total"].as_u64().unwrap()
}

/// Whether a list says that it holds so many tickets, and does.
async fn shows(visitor: &mut Visitor, list: &str, count: u64) {
    visitor.visit(list).await;
    let rows = visitor.html().matches("<th scope=\"row\">").count() as u64;
    assert_eq!(rows, count, "{list}");
    assert!(visitor.text().contains(&format!("{count} found")), "{list}: {}", visitor.text());
}

/// The actions that a page of a ticket offers.
fn offered(visitor: &Visitor) -> BTreeSet<String> {
    let addresses = visitor.addresses().into_iter();
    let actions = addresses.filter_map(|it| Some(it.split_once("/do/")?.1.to_owned()));
    actions.filter(|action| !action.ends_with("_suggestion")).collect()
}

/// The actions that the API says are possible. A vote has a page of its own, and a suggestion the
/// forms with which it is taken or not.
async fn allowed(client: &Client, ticket: &Value) -> BTreeSet<String> {
    let hints = client.of(ticket, "actions").await.items();
    let actions = hints.iter().map(|hint| hint["action"].as_str().unwrap().to_owned());
    actions.filter(|action| action != "vote" && !action.ends_with("_suggestion")).collect()
}
