//! What is true of every page and every form, wherever it is and whoever comes.
//!
//! All of it is asked of one scene (see [`Scene`]), which has something on every page; a route
//! without an address in it fails here.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use chrono::TimeDelta;
use serde_json::{Value, json};
use waypost_app::sign_ins::Invitation;
use waypost_test_support::{
    Client, Form, ROUTES, Scene, TestDesk, Visitor, link_in, on_both_engines, route_of,
};

on_both_engines! {
    every_form_is_reached_and_answered_without_scripts
    whatever_is_written_everywhere_stays_text
    nobody_is_led_to_another_site
    nobody_is_led_to_another_site_by_a_password
    a_form_that_another_site_sends_is_refused
    whatever_belongs_to_somebody_else_is_not_there
    pages_and_api_count_and_allow_the_same
}

const PASSWORD: &str = "four blue teapots";

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
    let scene = Scene::routed(&desk, "acme", &mut plainly()).await;
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
/// things by is no data.
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
    let is_name = |text: &str| text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let lines = texts.iter().flat_map(|text| text.lines().map(str::trim));
    let lines: BTreeSet<&str> = lines.filter(|line| line.len() > 2 && !is_name(line)).collect();
    let mut lines: Vec<String> = lines.into_iter().map(str::to_owned).collect();
    lines.sort_by_key(|line| std::cmp::Reverse(line.len()));
    lines
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

/// Texts that do something where a page forgets that they are texts. `ZQ` stands for a mark, of
/// which each text that is written has its own.
const HOSTILE: [&str; 40] = [
    "<script>ZQ()</script>",
    "<img src=x onerror=ZQ()>",
    "\"><svg onload=ZQ()>",
    "' autofocus onfocus='ZQ()' x='",
    "\" autofocus onfocus=\"ZQ()\" x=\"",
    "<b ZQ>bold</b>",
    "</p><i ZQ>",
    "javascript:ZQ()",
    "--><b ZQ>",
    "{{ZQ}}${ZQ}<%ZQ%>",
    "</textarea><script>ZQ()</script>",
    "</title><script>ZQ()</script>",
    "</option></select><script>ZQ()</script>",
    "<!--><script>ZQ()</script>",
    "<!-- ZQ --!><script>ZQ()</script>",
    "]]><script>ZQ()</script>",
    "<![CDATA[<script>ZQ()</script>]]>",
    "</style></template><script>ZQ()</script>",
    "<iframe srcdoc=\"<script>ZQ()</script>\"></iframe>",
    "<details open ontoggle=ZQ()><summary>x</summary></details>",
    "<math><mtext><table><mglyph><style><img src=ZQ onerror=ZQ()>",
    "<svg><animate onbegin=ZQ() attributeName=x dur=1s>",
    "<svg><use href=\"data:image/svg+xml,ZQ#x\"/></svg>",
    "<a href=\"javascript:ZQ()\">Press here</a>",
    "<a href=\"  java&#10;script:ZQ()\">Press here</a>",
    "[Press here](javascript:ZQ())",
    "![x](https://example.com/ZQ.png\"onerror=\"ZQ())",
    "https://example.com/\"onmouseover=\"ZQ()",
    "https://example.com/'><b ZQ>",
    "http://ZQ@example.com\\@evil.example/<b ZQ>",
    "<form action=/sign-out method=post><button ZQ autofocus>Go</button></form>",
    "<input name=_version value=ZQ><button formaction=//evil.example/ZQ>",
    "<base href=//evil.example/ZQ/>",
    "<meta http-equiv=refresh content=\"0;url=//evil.example/ZQ\">",
    "<link rel=stylesheet href=//evil.example/ZQ.css>",
    "<b hx-get=/sign-out hx-trigger=load ZQ>",
    "&lt;script&gt;ZQ()&lt;/script&gt;&#60;b ZQ&#62;",
    "\u{ff1c}script\u{ff1e}ZQ()\u{ff1c}/script\u{ff1e}",
    "\u{202f}<\u{2060}b ZQ>\u{301}<b\u{a0}ZQ>",
    "%3Cscript%3EZQ()%3C/script%3E\\u003cb ZQ\\u003e",
];
/// So many of them, the first, are as short as a tag may be.
const SHORT: usize = 10;

/// Writes hostile texts, and keeps what was written where.
#[derive(Default)]
struct Hostile {
    placed: Vec<(&'static str, String)>,
}

impl Hostile {
    fn write(&mut self, field: &'static str) -> String {
        let is_short = ["tag", "choice", "name of a view"].contains(&field);
        let texts = if is_short { &HOSTILE[..SHORT] } else { &HOSTILE[..] };
        let before = self.placed.iter().filter(|(known, _)| *known == field).count();
        // Each field begins with another one, so that fields that are there once differ.
        let begin = field.bytes().map(usize::from).sum::<usize>();
        let mark = format!("zq{}z", self.placed.len());
        self.placed.push((field, mark.clone()));
        texts[(begin + before) % texts.len()].replace("ZQ", &mark)
    }
}

/// Records of each kind with each of the texts; their incidents.
async fn write_more(scene: &Scene<'_>, hostile: &mut Hostile) -> Vec<String> {
    let (admin, agent) = (&scene.org.admin.client, &scene.org.agent.client);
    let mut numbers = Vec::new();
    for place in 0..HOSTILE.len() {
        let key = format!("more-{place}");
        let person = json!({
            "name": hostile.write("name of a person"), "role": "agent",
            "email": format!("{key}@acme.example"), "location": hostile.write("location"),
        });
        let person = admin.post("/people", person).await.created();
        let team = json!({ "key": key, "name": hostile.write("name of a team"),
                           "members": [person["id"]] });
        let _ = admin.post("/teams", team).await.created();
        let service = json!({ "key": key, "name": hostile.write("name of a service"),
                              "criticality": "low", "support_team": key });
        let _ = admin.post("/services", service).await.created();
        let category = json!({ "path": key, "name": hostile.write("name of a category") });
        let _ = admin.post("/categories", category).await.created();
        let item = json!({
            "key": key, "name": hostile.write("name of an item"),
            "description": hostile.write("description of an item"),
            "form": [{ "field": "color", "label": hostile.write("question"), "kind": "choice",
                       "choices": [hostile.write("choice")], "required": false }],
            "tasks": [{ "key": "build", "short_description": hostile.write("planned task") }],
        });
        let _ = admin.post("/catalog-items", item).await.created();
        let incident = json!({
            "requester": scene.org.requester.id,
            "short_description": hostile.write("title of an incident"),
            "description": hostile.write("description of an incident"),
            "service": key, "category": key, "tags": [hostile.write("tag")],
            "fields": { "floor": hostile.write("custom field") },
        });
        let incident = agent.post("/incidents", incident).await.created();
        let comment = json!({ "text": hostile.write("comment") });
        let _ = agent.act(&incident, "comment", comment).await.ok();
        let note = json!({ "text": hostile.write("note") });
        let _ = agent.act(&incident, "note", note).await.ok();
        numbers.push(incident["number"].as_str().unwrap().to_owned());
    }
    numbers
}

/// What is read of hostile texts on pages.
#[derive(Default)]
struct Read {
    marks: BTreeSet<String>,
    pages: usize,
}

impl Read {
    /// Looks at a page: whatever bears a mark is a text, or a value where values may be anything.
    fn page(&mut self, visitor: &Visitor) {
        self.pages += 1;
        let page = visitor.path();
        for text in HOSTILE {
            let (before, _) = text.split_once("ZQ").unwrap();
            let is_raw = before.contains('<') && visitor.html().contains(&format!("{before}zq"));
            assert!(!is_raw, "{page} holds {text} as it was written");
        }
        for (place, value) in visitor.places_of("zq") {
            let is_text = match place.as_str() {
                "input value" | "option value" | "input placeholder" => true,
                "a href" | "div data-look" | "div data-show" => is_an_address(&value),
                attribute if attribute.contains(' ') => false,
                element => !["script", "style", "iframe", "template", "<name>"].contains(&element),
            };
            assert!(is_text, "{page}: {place} is {value}");
            let marks = value.split("zq").skip(1).filter_map(|rest| rest.split_once('z'));
            self.marks.extend(marks.map(|(number, _)| format!("zq{number}z")));
        }
    }
}

fn is_an_address(value: &str) -> bool {
    let is_ours = value.starts_with('/') && !value.starts_with("//");
    is_ours || value.starts_with("https://") || value.starts_with("http://")
}

async fn whatever_is_written_everywhere_stays_text(desk: TestDesk) {
    let mut hostile = Hostile::default();
    let mut scene = Scene::routed(&desk, "acme", &mut |field| hostile.write(field)).await;
    let numbers = write_more(&scene, &mut hostile).await;
    let mut read = Read::default();
    for (who, mut visitor) in scene.people() {
        let mut pages = scene.pages();
        let page =
            |start: &'static str| numbers.iter().map(move |number| format!("{start}{number}"));
        match who {
            "agent" => pages.extend(page("/o/acme/desk/tickets/")),
            "requester" => {
                pages.extend(page("/o/acme/my/"));
                pages.extend((0..HOSTILE.len()).map(|it| format!("/o/acme/catalog/more-{it}")));
            }
            _ => {}
        }
        for page in pages {
            visitor.visit(&page).await;
            assert!(!visitor.status().is_server_error(), "{page} for {who}");
            read.page(&visitor);
        }
    }
    ask_for(&mut scene, &mut hostile, &mut read).await;
    let mut fields: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (field, mark) in &hostile.placed {
        let counts = fields.entry(field).or_default();
        counts.0 += 1;
        counts.1 += usize::from(read.marks.contains(mark));
    }
    // Pages show neither where somebody sits nor why they are away.
    let unseen = fields.iter().filter(|(_, (_, seen))| *seen == 0).map(|(field, _)| *field);
    assert_eq!(unseen.collect::<Vec<_>>(), ["location", "reason of a delegation"]);
    let often = fields.values().filter(|(placed, seen)| placed == seen && *placed > SHORT);
    assert!(often.count() > 12, "{fields:?}");
    assert!(
        hostile.placed.len() > 850 && read.pages > 900,
        "{} {}",
        hostile.placed.len(),
        read.pages
    );
}

/// Asks for each of the texts in the address, and in forms that are refused and shown again.
async fn ask_for(scene: &mut Scene<'_>, hostile: &mut Hostile, read: &mut Read) {
    let asked = [
        "/o/acme/search?q=",
        "/o/acme/report?q=",
        "/o/acme/desk/search?text=",
        "/o/acme/desk/queue/all?text=",
        "/o/acme/desk/queue/all?priority=1&team=",
        "/o/acme/desk/queue/all?state=",
        "/o/acme/desk/problems?text=",
        "/o/acme/desk/tasks?seen=",
        "/o/acme/my?done=",
        "/o/acme/desk/tickets/INC0000001/what-if?impact=",
        "/o/acme/me/again?next=",
        "/sign-in?next=",
        "/voted?lang=de&as=",
        "/o/acme/my?after=",
    ];
    for place in 0..HOSTILE.len() {
        for start in [asked[place % 4], asked[place % asked.len()]] {
            let text = hostile.write("what is asked for");
            scene.agent.visit(&format!("{start}{}", in_address(&text))).await;
            read.page(&scene.agent);
        }
        let text = hostile.write("what is refused");
        let same = [("sec-fetch-site", "same-origin")];
        let fields = [("description", text.as_str()), ("service", &text), ("_once", &text)];
        scene.requester.post("/o/acme/report", &fields, &same).await;
        assert_eq!(scene.requester.status(), StatusCode::UNPROCESSABLE_ENTITY);
        read.page(&scene.requester);
    }
}

fn in_address(text: &str) -> String {
    use std::fmt::Write as _;

    text.bytes().fold(String::new(), |mut all, byte| {
        write!(all, "%{byte:02X}").expect("a string takes all");
        all
    })
}

/// Headers that say where a form comes from.
type Origin = &'static [(&'static str, &'static str)];

/// Where a form may say that it comes from, and whether it is carried out: for somebody who is not
/// signed in, and for somebody who is.
const SENT: &[(Origin, bool, bool)] = &[
    (&[("sec-fetch-site", "same-origin")], true, true),
    // Somebody loads again what they have sent.
    (&[("sec-fetch-site", "none")], true, true),
    (&[("origin", "https://desk.test")], true, true),
    (&[("sec-fetch-site", "same-origin"), ("origin", "https://desk.test")], true, true),
    (&[("sec-fetch-site", ""), ("origin", "https://desk.test")], true, true),
    // Programs say nothing, and have no browser's cookie.
    (&[("x-nothing", "1")], true, false),
    (&[("origin", "")], true, false),
    (&[("sec-fetch-site", "")], true, false),
    (&[("referer", "https://desk.test/o/acme/report")], true, false),
    (&[("referer", "https://evil.example/")], true, false),
    (&[("host", "evil.example")], true, false),
    (&[("sec-fetch-site", "cross-site")], false, false),
    (&[("sec-fetch-site", "same-site")], false, false),
    (&[("sec-fetch-site", "Same-Origin")], false, false),
    (&[("sec-fetch-site", "same-origin, cross-site")], false, false),
    (&[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")], false, false),
    (&[("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-origin")], false, false),
    (&[("sec-fetch-site", "same-site"), ("origin", "https://evil.desk.test")], false, false),
    (&[("sec-fetch-site", "cross-site"), ("origin", "https://desk.test")], false, false),
    (&[("sec-fetch-site", "cross-site"), ("origin", "null")], false, false),
    (&[("sec-fetch-site", "cross-site"), ("referer", "https://desk.test/")], false, false),
    (&[("origin", "null")], false, false),
    (&[("origin", "http://desk.test")], false, false),
    (&[("origin", "https://desk.test:8443")], false, false),
    (&[("origin", "https://desk.test:443")], false, false),
    (&[("origin", "https://desk.test/")], false, false),
    (&[("origin", "HTTPS://DESK.TEST")], false, false),
    (&[("origin", "https://evil.desk.test")], false, false),
    (&[("origin", "https://evildesk.test")], false, false),
    (&[("origin", "https://desk.test.evil.example")], false, false),
    (&[("origin", "https://desk.test@evil.example")], false, false),
    (&[("origin", "https://desk.test https://evil.example")], false, false),
    (&[("origin", "https://desk.test"), ("origin", "https://evil.example")], false, false),
    (&[("origin", "https://evil.example"), ("origin", "https://desk.test")], false, false),
    (&[("origin", "https://evil.example"), ("host", "evil.example")], false, false),
    (&[("origin", "https://evil.example"), ("referer", "https://desk.test/")], false, false),
    (&[("origin", "desk.test")], false, false),
    (&[("origin", "file://")], false, false),
];

async fn a_form_that_another_site_sends_is_refused(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let mut visitor = desk.signed_in(&acme.requester.email).await;
    let mut count = 0;
    for (place, (headers, is_strangers, is_known)) in SENT.iter().enumerate() {
        let mut stranger = desk.visitor();
        stranger.post("/sign-in", &[("email", &acme.agent.email)], headers).await;
        assert_eq!(stranger.status() == StatusCode::OK, *is_strangers, "{headers:?}");
        assert_eq!(desk.letters().await.len(), usize::from(*is_strangers), "{headers:?}");

        let title = format!("Report {place}");
        let fields = [("short_description", title.as_str()), ("_sure", "yes")];
        visitor.post("/o/acme/report", &fields, headers).await;
        assert_eq!(visitor.status() == StatusCode::OK, *is_known, "{headers:?}");
        count += usize::from(*is_known);
        for (one, is_done) in [(&stranger, is_strangers), (&visitor, is_known)] {
            if !is_done {
                assert_eq!(one.status(), StatusCode::FORBIDDEN, "{headers:?}");
                assert!(one.text().contains("came from another site"), "{}", one.text());
            }
        }
        // Nobody gets more than a few letters in a quarter of an hour.
        desk.clock.advance(TimeDelta::minutes(4));
    }
    assert_eq!(acme.agent.client.get("/incidents").await.items().len(), count);
}

/// Where somebody might be led to behind signing in.
const ELSEWHERE: [&str; 40] = [
    "//evil.example",
    "///evil.example",
    "////evil.example/o/acme/home",
    "/\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "/%2fevil.example",
    "/%5cevil.example",
    "/%252fevil.example",
    "%2f%2fevil.example",
    "https:evil.example",
    "https:/evil.example",
    "https://evil.example",
    "https:\\\\evil.example",
    "HTTPS://EVIL.EXAMPLE",
    "http://desk.test/o/acme/home",
    "https://desk.test@evil.example/o/acme/home",
    "https://desk.test.evil.example/o/acme/home",
    "javascript:alert(1)",
    "JavaScript:alert(1)//o/acme/home",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "\t//evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/o/acme/home\r\nset-cookie: a=b",
    "/o/acme/home\r\nlocation: //evil.example",
    "/o/acme/../..//evil.example",
    "/o/acme/..%2f..%2f%2fevil.example",
    "/o//evil.example",
    "/o/acme//evil.example",
    "/o/acme/home?next=//evil.example",
    "/o/acme/home#//evil.example",
    "/o/acme/my/call+555",
    "/o/acme@evil.example/home",
    "\u{2044}\u{2044}evil.example",
    "/\u{ff0f}evil.example",
    "\u{3000}//evil.example",
    "/sign-out",
];

async fn nobody_is_led_to_another_site(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let long = format!("/o/acme/{}", "a".repeat(4_000));
    let home = "/o/acme/home";
    let same = [("sec-fetch-site", "same-origin")];
    for next in ELSEWHERE.into_iter().chain([long.as_str()]) {
        let query = in_address(next);
        let mut visitor = desk.visitor();
        visitor.visit(&format!("/sign-in?next={query}")).await;
        assert_eq!(visitor.attribute("[name=next]", "value"), None, "{next}");
        let email = acme.requester.email.as_str();
        visitor.post("/sign-in", &[("email", email), ("next", next)], &same).await;
        let letter = desk.letters().await.pop().unwrap();
        let link = link_in(&letter.body);
        assert!(!link.contains("next"), "{next}: {link}");
        visitor.visit(&format!("{link}?next={query}")).await;
        assert_eq!(visitor.attribute("[name=next]", "value"), None, "{next}");
        visitor.post(link, &[("next", next)], &same).await;
        assert_eq!((visitor.path(), visitor.status()), (home, StatusCode::OK), "{next}");

        visitor.visit(&format!("/o/acme/me/again?next={query}")).await;
        let kept = visitor.attribute("[name=next]", "value");
        assert_eq!(kept.as_deref(), Some("/o/acme/me"), "{next}");
        let fields = [("how", "link"), ("next", next)];
        visitor.post("/o/acme/me/again", &fields, &same).await;
        let letter = desk.letters().await.pop().unwrap();
        let link = link_in(&letter.body).to_owned();
        assert!(link.ends_with("?next=/o/acme/me"), "{next}: {link}");

        let invitation = Invitation { email: email.to_owned(), name: None, role: None };
        let invited = acme.invite(invitation).await;
        visitor.visit(&format!("{invited}?next={query}")).await;
        assert_eq!(visitor.attribute("[name=next]", "value"), None, "{next}");
        visitor.post(&invited, &[("next", next)], &same).await;
        assert_eq!((visitor.path(), visitor.status()), (home, StatusCode::OK), "{next}");
        desk.clock.advance(TimeDelta::minutes(20));
    }
}

async fn nobody_is_led_to_another_site_by_a_password(desk: TestDesk) {
    let desk = desk.with_passwords();
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let email = acme.requester.email.as_str();
    let mut visitor = desk.signed_in(email).await;
    set_password(&mut visitor).await;
    let same = [("sec-fetch-site", "same-origin")];
    // A password takes its time; what is kept of an address is the same as behind a link.
    for next in ["//evil.example", "/\\evil.example", "/o/acme//evil.example"] {
        let mut other = desk.visitor();
        let fields =
            [("email", email), ("password", PASSWORD), ("how", "password"), ("next", next)];
        other.post("/sign-in", &fields, &same).await;
        assert_eq!((other.path(), other.status()), ("/o/acme/home", StatusCode::OK), "{next}");
        other.post("/o/acme/me/again", &fields, &same).await;
        assert_eq!((other.path(), other.status()), ("/o/acme/me", StatusCode::OK), "{next}");
        let wrong = [("email", email), ("password", "x"), ("how", "password"), ("next", next)];
        for form in ["/sign-in", "/o/acme/me/again"] {
            other.post(form, &wrong, &same).await;
            assert_eq!(other.status(), StatusCode::UNPROCESSABLE_ENTITY, "{next}");
            let kept = other.attribute("[name=next]", "value");
            assert_eq!(kept.as_deref(), Some("/o/acme/me").filter(|_| form != "/sign-in"));
        }
    }
}

async fn set_password(visitor: &mut Visitor) {
    visitor.visit("/o/acme/me/password").await;
    visitor.fill("New password", PASSWORD).fill("New password again", PASSWORD);
    visitor.press("Set a password").await;
}

async fn pages_and_api_count_and_allow_the_same(desk: TestDesk) {
    let scene = Scene::new(&desk, "acme", &mut plainly()).await;
    let org = &scene.org;
    let open = "kind=incident&kind=request&active=true";
    let every = "kind=incident&kind=request&kind=problem&kind=task";
    for (person, mut visitor) in
        [(&org.agent, scene.agent.clone()), (&org.admin, scene.admin.clone())]
    {
        visitor.visit("/o/acme/desk/queue/all").await;
        let views = [
            ("mine", "Mine", format!("{every}&active=true&assignee={}", person.id)),
            ("unassigned", "Unassigned", format!("{open}&assigned=false")),
            ("waiting", "On hold", format!("{open}&phase=on_hold")),
            ("degraded", "Policy failed", format!("{open}&policy_failures=true")),
            ("major", "Major", format!("{open}&major_state=proposed&major_state=accepted")),
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
            ("priority=1&team=network&text=title", "priority=1&team=network&text=title"),
        ] {
            let listed = total(&person.client, &format!("{open}&{query}")).await;
            shows(&mut visitor, &format!("/o/acme/desk/queue/all?{filter}"), listed).await;
        }
        for (list, query) in [
            ("problems", "kind=problem&active=true"),
            ("tasks", "kind=task&active=true"),
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
        for (list, query) in
            [("my", format!("{every}&active=true")), ("my?show=all", every.to_owned())]
        {
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
