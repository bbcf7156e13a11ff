//! What nobody gets any page to do, wherever they write it and whatever they send.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use chrono::TimeDelta;
use serde_json::json;
use waypost_app::sign_ins::Invitation;
use waypost_test_support::{Scene, TestDesk, Visitor, link_in, on_both_engines};

use super::everywhere::{PASSWORD, set_password};

on_both_engines! {
    whatever_is_written_everywhere_stays_text
    nobody_is_led_to_another_site
    nobody_is_led_to_another_site_by_a_password
    a_form_that_another_site_sends_is_refused
    what_no_record_can_be_called_is_not_there
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

pub(super) fn in_address(text: &str) -> String {
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

async fn what_no_record_can_be_called_is_not_there(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let mut agent = desk.signed_in(&acme.agent.email).await;
    for page in [
        "my/%00",
        "my/INC%00/do/edit",
        "tickets/%00",
        "catalog/%00",
        "approvals/%00",
        "desk/queue/%00",
        "desk/queue/team-%00",
        "desk/major/%00",
        "desk/tickets/INC%00",
        "desk/tickets/%00/what-if",
        "desk/tickets/a%00b/do/edit",
    ] {
        agent.visit(&format!("/o/acme/{page}")).await;
        assert_eq!(agent.status(), StatusCode::NOT_FOUND, "{page}");
    }
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
