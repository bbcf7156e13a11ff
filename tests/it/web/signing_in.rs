//! Signing in and out: by a link, once, for as long as it holds.

use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use waypost_app::{
    Caller, Clock, PageRequest, outbox,
    sign_ins::{self, Invitation},
};
use waypost_domain::{message::NotSent, role::Role};
use waypost_store::person;
use waypost_test_support::{TestDesk, link_in, on_both_engines};

use super::everywhere::{PASSWORD, set_password};

on_both_engines! {
    a_link_signs_in_once_and_only_when_its_button_is_pressed
    a_link_expires
    accounts_that_others_make_lock_nobody_out
    who_asks_for_a_link_is_told_the_same_whoever_has_the_address
    nobody_is_sent_more_than_five_links_in_a_quarter_of_an_hour
    whoever_reads_the_outbox_finds_no_link
    the_first_administrator_is_invited
    a_sign_in_ends_when_it_is_not_used_and_after_a_week
    what_a_person_may_do_is_looked_up_at_each_page
    a_person_ends_their_sign_ins_on_other_devices
    sign_ins_are_listed_and_ended_by_a_program_of_their_person
    an_administrator_lists_and_ends_the_sign_ins_of_their_people
    an_empty_installation_says_how_its_first_administrator_is_made
    who_signs_out_is_out
    who_was_signed_out_before_they_sent_a_form_comes_back_to_it
    a_link_is_not_sent_when_it_would_be_too_late
    a_link_is_not_sent_to_an_address_that_is_not_theirs_any_more
    who_is_signed_out_by_an_administrator_has_no_link_left
}

const COOKIE: &str = "__Host-waypost";

async fn a_link_signs_in_once_and_only_when_its_button_is_pressed(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let mut requester = desk.visitor();
    requester.visit("/o/acme/my").await;
    assert_eq!(requester.path(), "/sign-in?next=/o/acme/my");
    requester.fill("E-mail address", &acme.requester.email).press("Send me a link").await;
    assert!(requester.text().contains("If there is an account"), "{}", requester.text());
    let letter = desk.letters().await.pop().unwrap();
    assert_eq!(letter.subject, "Sign in to acme");
    let link = link_in(&letter.body).to_owned();
    // Programs that look at mail follow links, and nothing comes of it.
    for _ in 0..3 {
        let mut scanner = desk.visitor();
        scanner.visit(&link).await;
        assert!(scanner.text().contains("This link signs you in at acme"), "{}", scanner.text());
        assert_eq!(scanner.cookie(COOKIE), None);
    }
    requester.visit(&link).await.press("Sign in as requester of acme").await;
    assert_eq!((requester.path(), requester.status()), ("/o/acme/my", StatusCode::OK));
    // Once.
    let mut thief = desk.visitor();
    thief.visit(&link).await;
    assert_eq!(thief.status(), StatusCode::GONE);
    let bare = link.split('?').next().unwrap();
    thief.post(bare, &[], &[("sec-fetch-site", "same-origin")]).await;
    assert_eq!((thief.status(), thief.cookie(COOKIE)), (StatusCode::GONE, None));
}

async fn a_link_expires(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let mut visitor = desk.visitor();
    visitor.visit("/sign-in").await.fill("E-mail address", &acme.agent.email);
    visitor.press("Send me a link").await;
    let letter = desk.letters().await.pop().unwrap();
    desk.clock.advance(TimeDelta::minutes(15));
    visitor.visit(link_in(&letter.body)).await;
    assert_eq!(visitor.status(), StatusCode::GONE);
    assert!(visitor.text().contains("Ask for a new one"), "{}", visitor.text());
}

async fn accounts_that_others_make_lock_nobody_out(desk: TestDesk) {
    let desk = desk.with_passwords();
    let shared = "victim@everywhere.example";
    let victim = json!({ "name": "Victim", "email": shared });
    let acme = desk.organization("acme").await;
    let _ = acme.admin.client.post("/people", victim.clone()).await.created();
    let mut visitor = desk.signed_in(shared).await;
    set_password(&mut visitor).await;
    assert_eq!(desk.letters().await.len(), 1);
    // As many as are written to at most, and the keys of all are before the others.
    for place in "abcdefghij".chars() {
        let key = format!("0{place}");
        let new = json!({ "kind": "client", "key": key, "name": key, "parent": "platform" });
        let _ = desk.platform().post("/organizations", new).await.created();
        let keeper = desk.platform().in_organization(&key);
        let _ = keeper.post("/people", victim.clone()).await.created();
    }
    // Later than all of them.
    let beta = desk.organization("beta").await;
    let _ = beta.admin.client.post("/people", victim).await.created();

    let mut visitor = desk.visitor();
    visitor.visit("/sign-in").await.fill("E-mail address", shared);
    visitor.fill("Password", PASSWORD).press("Sign in").await;
    assert_eq!((visitor.path(), visitor.status()), ("/o/acme/home", StatusCode::OK));
    for (page, subject) in [("/o/acme/my", "Sign in to acme"), ("/o/beta/my", "Sign in to beta")] {
        let mut visitor = desk.visitor();
        visitor.visit(page).await.fill("E-mail address", shared);
        visitor.press("Send me a link instead").await;
        let letters = desk.letters().await;
        assert_eq!(letters.len(), 10);
        let letter = letters.iter().find(|letter| letter.subject == subject).unwrap();
        visitor.visit(link_in(&letter.body)).await.press("Sign in as Victim").await;
        assert_eq!((visitor.path(), visitor.status()), (page, StatusCode::OK));
    }
}

async fn who_asks_for_a_link_is_told_the_same_whoever_has_the_address(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let mut told = Vec::new();
    for address in [acme.requester.email.as_str(), "nobody@acme.example"] {
        let mut visitor = desk.visitor();
        visitor.visit("/sign-in").await.fill("E-mail address", address);
        visitor.press("Send me a link").await;
        told.push((visitor.status(), visitor.text().replace(address, "…")));
    }
    assert_eq!(told[0], told[1]);
    assert_eq!(desk.letters().await.len(), 1);

    let mut visitor = desk.visitor();
    visitor.visit("/sign-in").await.fill("E-mail address", "ada").press("Send me a link").await;
    assert_eq!(visitor.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(visitor.text().contains("Enter an e-mail address"), "{}", visitor.text());
}

async fn nobody_is_sent_more_than_five_links_in_a_quarter_of_an_hour(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let ask = async || {
        let mut visitor = desk.visitor();
        visitor.visit("/sign-in").await.fill("E-mail address", &acme.requester.email);
        visitor.press("Send me a link").await;
        assert!(visitor.text().contains("a message is on its way"), "{}", visitor.text());
    };
    for _ in 0..7 {
        ask().await;
    }
    assert_eq!(desk.letters().await.len(), 5);
    desk.clock.advance(TimeDelta::minutes(16));
    ask().await;
    assert_eq!(desk.letters().await.len(), 1);
}

async fn whoever_reads_the_outbox_finds_no_link(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let mut visitor = desk.visitor();
    visitor.visit("/sign-in").await.fill("E-mail address", &acme.requester.email);
    visitor.press("Send me a link").await;
    let letter = desk.letters().await.pop().unwrap();
    let secret = link_in(&letter.body).rsplit('/').next().unwrap().to_owned();
    let outbox = acme.admin.client.get("/outbox").await.ok().to_string();
    assert!(outbox.contains("Sign in to acme") && !outbox.contains(&secret), "{outbox}");
}

async fn the_first_administrator_is_invited(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let operator = operator(&desk, "acme").await;
    let invitation = Invitation {
        email: "first@acme.example".to_owned(),
        name: Some("First Last".to_owned()),
        role: Some(Role::Admin),
    };
    let invited = sign_ins::invite(&desk.desk, &operator, invitation.clone()).await.unwrap();
    let mut first = desk.visitor();
    first.visit(&format!("/setup/{}", invited.secret)).await;
    assert!(first.text().contains("You were invited to acme"), "{}", first.text());
    first.press("Sign in as First Last").await;
    assert_eq!(first.path(), "/o/acme/desk/queue/unassigned");
    // It is no link of the other kind, and no second person's.
    let again = sign_ins::invite(&desk.desk, &operator, invitation.clone()).await.unwrap();
    let mut other = desk.visitor();
    other.visit(&format!("/sign-in/link/{}", again.secret)).await;
    assert_eq!(other.status(), StatusCode::GONE);
    // An invitation changes nobody's rights.
    let raised = Invitation { email: acme.requester.email.clone(), name: None, ..invitation };
    let refused = sign_ins::invite(&desk.desk, &operator, raised).await.unwrap_err();
    assert_eq!(refused.code().as_str(), "validation-failed");
    let unnamed = Invitation { email: "new@acme.example".to_owned(), name: None, role: None };
    let refused = sign_ins::invite(&desk.desk, &operator, unnamed).await.unwrap_err();
    assert_eq!(refused.code().as_str(), "missing-fields");
}

async fn operator(desk: &TestDesk, org: &str) -> Caller {
    let key = org.parse().unwrap();
    let organization = waypost_app::organizations::by_key(&desk.desk, &key).await.unwrap();
    let now: DateTime<Utc> = desk.clock.now();
    Caller::operator(organization.id, now)
}

async fn a_sign_in_ends_when_it_is_not_used_and_after_a_week(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let mut idle = desk.signed_in(&acme.requester.email).await;
    idle.visit("/o/acme/home").await;
    assert_eq!(idle.path(), "/o/acme/home");
    desk.clock.advance(TimeDelta::hours(13));
    idle.visit("/o/acme/home").await;
    assert_eq!(idle.path(), "/sign-in?next=/o/acme/home");

    let mut busy = desk.signed_in(&acme.requester.email).await;
    for _ in 0..20 {
        desk.clock.advance(TimeDelta::hours(8));
        busy.visit("/o/acme/home").await;
        assert_eq!(busy.path(), "/o/acme/home");
    }
    desk.clock.advance(TimeDelta::hours(8));
    busy.visit("/o/acme/home").await;
    assert_eq!(busy.path(), "/sign-in?next=/o/acme/home");
}

async fn what_a_person_may_do_is_looked_up_at_each_page(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let mut agent = desk.signed_in(&acme.agent.email).await;
    agent.visit("/o/acme/desk/queue/all").await;
    assert_eq!(agent.status(), StatusCode::OK);
    let path = format!("/people/{}", acme.agent.id);
    let person = acme.admin.client.get(&path).await.ok();
    let version = person["version"].as_i64().unwrap();
    let fewer = serde_json::json!({ "role": "requester" });
    let person = acme.admin.client.patch(&path, version, fewer).await.ok();
    agent.visit("/o/acme/desk/queue/all").await;
    assert_eq!(agent.status(), StatusCode::FORBIDDEN);
    // Who may do more than before signs in anew.
    let version = person["version"].as_i64().unwrap();
    let more = serde_json::json!({ "role": "admin" });
    let person = acme.admin.client.patch(&path, version, more).await.ok();
    agent.visit("/o/acme/home").await;
    assert_eq!(agent.path(), "/sign-in?next=/o/acme/home");
    let mut agent = desk.signed_in(&acme.agent.email).await;
    agent.visit("/o/acme/home").await;
    assert_eq!(agent.path(), "/o/acme/home");
    let version = person["version"].as_i64().unwrap();
    let left = serde_json::json!({ "active": false });
    let _ = acme.admin.client.patch(&path, version, left).await.ok();
    agent.visit("/o/acme/home").await;
    assert_eq!(agent.path(), "/sign-in?next=/o/acme/home");
}

async fn a_person_ends_their_sign_ins_on_other_devices(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let mut first = desk.signed_in(&acme.requester.email).await;
    let mut second = desk.signed_in(&acme.requester.email).await;
    let mut third = desk.signed_in(&acme.requester.email).await;
    third.visit("/o/acme/me").await;
    assert_eq!(third.text().matches("Firefox, Linux").count(), 3, "{}", third.text());
    third.press("Sign out there").await;
    assert!(third.text().contains("That device is signed out."), "{}", third.text());
    assert_eq!(third.text().matches("Firefox, Linux").count(), 2, "{}", third.text());
    third.press("Sign out everywhere else").await;
    assert_eq!(third.text().matches("Firefox, Linux").count(), 1, "{}", third.text());
    assert!(third.text().contains("All other devices are signed out."), "{}", third.text());
    for ended in [&mut first, &mut second] {
        ended.visit("/o/acme/home").await;
        assert_eq!(ended.path(), "/sign-in?next=/o/acme/home");
    }
    // And an administrator all of a person.
    let person = acme.requester.id.parse().unwrap();
    let operator = operator(&desk, "acme").await;
    let none = |_: &_| panic!("there is no password");
    let ended = sign_ins::end_all_of(&desk.desk, &operator, person, none).await.unwrap();
    assert_eq!((ended.sign_ins, ended.password), (1, false));
    third.visit("/o/acme/home").await;
    assert_eq!(third.path(), "/sign-in?next=/o/acme/home");
}

async fn sign_ins_are_listed_and_ended_by_a_program_of_their_person(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let client = &acme.requester.client;
    let mut first = desk.signed_in(&acme.requester.email).await;
    let _other = desk.signed_in(&acme.agent.email).await;
    desk.clock.advance(TimeDelta::minutes(10));
    let mut second = desk.signed_in(&acme.requester.email).await;
    let secret = second.cookie(COOKIE).unwrap().to_owned();

    let answer = client.get("/me/sign-ins").await;

    assert!(!answer.text.contains(&secret), "{}", answer.text);
    let listed = answer.items();
    assert_eq!(listed.len(), 2, "the latest first: {listed:?}");
    assert!(listed[0]["created_at"].as_str() > listed[1]["created_at"].as_str());
    assert!(listed[0]["device"].as_str().unwrap().contains("Firefox/140.0"));
    let fields: Vec<&String> = listed[0].as_object().unwrap().keys().collect();
    assert_eq!(fields, ["created_at", "device", "id", "used_at"]);
    let end = |one: &Value| format!("/me/sign-ins/{}/end", one["id"].as_str().unwrap());
    // Another person's stays as it is.
    let theirs = acme.agent.client.get("/me/sign-ins").await.items().remove(0);
    assert_eq!(client.post(&end(&theirs), json!({})).await.slug(), "not-found");
    assert_eq!(acme.agent.client.get("/me/sign-ins").await.items(), [theirs]);
    let _ = client.post(&end(&listed[1]), json!({})).await.with(StatusCode::NO_CONTENT);
    first.visit("/o/acme/my").await;
    assert_eq!(first.path(), "/sign-in?next=/o/acme/my");
    assert_eq!(client.post(&end(&listed[1]), json!({})).await.slug(), "not-found");
    // What the page ends is gone from the list, and the other way round.
    second.visit("/o/acme/me").await;
    let mut third = desk.signed_in(&acme.requester.email).await;
    second.visit("/o/acme/me").await.press("Sign out everywhere else").await;
    assert_eq!(client.get("/me/sign-ins").await.items().len(), 1);
    third.visit("/o/acme/my").await;
    assert_eq!(third.path(), "/sign-in?next=/o/acme/my");
    let _ = client.post("/me/sign-ins/end", json!({})).await.with(StatusCode::NO_CONTENT);
    assert!(client.get("/me/sign-ins").await.items().is_empty());
    second.visit("/o/acme/my").await;
    assert_eq!(second.path(), "/sign-in?next=/o/acme/my");
    let token = json!({ "name": "monitoring", "role": "agent" });
    let secret = acme.admin.client.post("/tokens", token).await.created()["secret"].take();
    let program = desk.client(secret.as_str().unwrap());
    for refused in [
        program.get("/me/sign-ins").await,
        program.post(&end(&listed[0]), json!({})).await,
        program.post("/me/sign-ins/end", json!({})).await,
    ] {
        assert_eq!(refused.slug(), "forbidden");
        assert!(refused.text.contains("use a token that acts for one"), "{}", refused.text);
    }
}

async fn an_administrator_lists_and_ends_the_sign_ins_of_their_people(desk: TestDesk) {
    let harbor = desk.provider("harbor").await;
    let acme = desk.client_of("harbor", "acme").await;
    let admin = &acme.admin.client;
    let mut first = desk.signed_in(&acme.requester.email).await;
    desk.clock.advance(TimeDelta::minutes(10));
    let mut second = desk.signed_in(&acme.requester.email).await;
    let secret = second.cookie(COOKIE).unwrap().to_owned();
    let path = |person: &str| format!("/people/{person}/sign-ins");
    let own = path(&acme.requester.id);

    let answer = admin.get(&own).await;

    assert!(!answer.text.contains(&secret), "{}", answer.text);
    let listed = answer.items();
    assert_eq!(listed.len(), 2, "the latest first: {listed:?}");
    assert!(listed[0]["created_at"].as_str() > listed[1]["created_at"].as_str());
    assert_eq!(admin.get(&path(&acme.requester.email)).await.items(), listed);
    let end = |of: &str, one: &Value| format!("{of}/{}/end", one["id"].as_str().unwrap());
    let one = end(&own, &listed[1]);
    let all = format!("{own}/end");
    for other in [&acme.agent.client, &acme.requester.client] {
        assert_eq!(other.get(&own).await.slug(), "forbidden");
        for path in [&one, &all] {
            assert_eq!(other.post(path, json!({})).await.slug(), "forbidden");
        }
    }
    // Whose it is not, theirs it is not to end.
    let of_another = end(&path(&acme.manager.id), &listed[1]);
    assert_eq!(admin.post(&of_another, json!({})).await.slug(), "not-found");
    let _ = admin.post(&one, json!({})).await.with(StatusCode::NO_CONTENT);
    assert_eq!(admin.post(&one, json!({})).await.slug(), "not-found");
    first.visit("/o/acme/my").await;
    assert_eq!(first.path(), "/sign-in?next=/o/acme/my");
    second.visit("/o/acme/my").await;
    assert_eq!(second.path(), "/o/acme/my");
    // Who works here for the provider is the provider's to sign out; it may sign out its client's.
    let mut agent = desk.signed_in(&harbor.agent.email).await;
    let foreign = path(&harbor.agent.id);
    let at_client = harbor.admin.client.in_organization("acme");
    for client in [admin, &at_client] {
        assert_eq!(client.get(&foreign).await.slug(), "not-found");
        let refused = client.post(&format!("{foreign}/end"), json!({})).await;
        assert_eq!(refused.slug(), "not-found");
    }
    let mut asking = desk.visitor();
    asking.visit("/sign-in").await.fill("E-mail address", &acme.requester.email);
    asking.press("Send me a link").await;
    let letter = desk.letters().await.pop().unwrap();
    let _ = at_client.post(&all, json!({})).await.with(StatusCode::NO_CONTENT);
    assert!(admin.get(&own).await.items().is_empty());
    second.visit("/o/acme/my").await;
    assert_eq!(second.path(), "/sign-in?next=/o/acme/my");
    asking.visit(link_in(&letter.body)).await;
    assert_eq!(asking.status(), StatusCode::GONE);
    agent.visit("/o/acme/desk/queue/all").await;
    assert_eq!(agent.path(), "/o/acme/desk/queue/all");
}

async fn an_empty_installation_says_how_its_first_administrator_is_made(desk: TestDesk) {
    let mut first = desk.visitor();
    first.visit("/sign-in?next=/o/acme/home").await;
    assert!(first.text().contains("Nobody can sign in yet"), "{}", first.text());
    let command = first.part("main code");
    assert!(command.starts_with("waypost person invite --org platform"), "{command}");
    assert!(first.forms().is_empty());
    let mut german = desk.visitor().speaking("de");
    german.visit("/sign-in").await;
    assert!(german.text().contains("Noch kann sich niemand anmelden"), "{}", german.text());
    assert_eq!(german.part("main code"), command);
    let _ = desk.organization("acme").await;
    first.visit("/sign-in").await;
    assert!(first.buttons().contains(&"Send me a link".to_owned()), "{}", first.text());
}

async fn who_signs_out_is_out(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let mut visitor = desk.signed_in(&acme.requester.email).await;
    let kept = visitor.clone();
    visitor.press("Sign out").await;
    assert_eq!((visitor.path(), visitor.cookie(COOKIE)), ("/sign-in", None));
    assert_eq!(visitor.status(), StatusCode::OK);
    // What somebody kept of it is good for nothing.
    let mut kept = kept;
    kept.visit("/o/acme/home").await;
    assert_eq!(kept.path(), "/sign-in?next=/o/acme/home");
}

async fn who_was_signed_out_before_they_sent_a_form_comes_back_to_it(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let mut visitor = desk.signed_in(&acme.requester.email).await;
    visitor.visit("/o/acme/catalog/laptop").await;
    desk.clock.advance(TimeDelta::hours(13));
    visitor.fill("light", "").press("Send the request").await;
    assert_eq!(visitor.path(), "/sign-in?next=/o/acme/catalog/laptop");
    for (referer, page) in [
        ("https://desk.test/o/acme/report?q=mail", "/o/acme/report"),
        ("https://desk.test.evil.example/o/acme/report", "/o/acme/me"),
        ("https://evil.example/o/acme/report", "/o/acme/me"),
        ("https://desk.test//evil.example", "/o/acme/me"),
    ] {
        let headers = [("sec-fetch-site", "same-origin"), ("referer", referer)];
        visitor.post("/o/acme/me/looks", &[], &headers).await;
        assert_eq!(visitor.path(), format!("/sign-in?next={page}"), "{referer}");
    }
}

async fn a_link_is_not_sent_when_it_would_be_too_late(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let mut visitor = desk.visitor();
    visitor.visit("/sign-in").await.fill("E-mail address", &acme.requester.email);
    visitor.press("Send me a link").await;
    desk.pages_settle().await;
    desk.clock.advance(TimeDelta::minutes(15));
    assert_eq!(desk.letters().await.len(), 0);
    let outbox = acme.admin.client.get("/outbox").await.ok();
    assert_eq!(outbox["items"][0]["last_error"], "not sent: its link would be too late");
}

async fn a_link_is_not_sent_to_an_address_that_is_not_theirs_any_more(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    desk.ignore_mail();
    let mut visitor = desk.visitor();
    visitor.visit("/sign-in").await.fill("E-mail address", &acme.requester.email);
    visitor.press("Send me a link").await;
    desk.pages_settle().await;
    let operator = operator(&desk, "acme").await;
    let latest = PageRequest { limit: 1, after: None };
    let message =
        outbox::list(&desk.desk, &operator, &latest).await.unwrap().rows.remove(0).message;
    for (email, expected) in
        [("REQUESTER@acme.example", None), ("other@acme.example", Some(NotSent::OtherAddress))]
    {
        let (store, org, id) = (desk.store.clone(), message.org, message.person);
        let moves = async move {
            let mut tx = store.write(org).await.unwrap();
            let mut known = person::find(&mut tx, id).await.unwrap().unwrap();
            known.email = Some(email.to_owned());
            person::update(&mut tx, &mut known).await.unwrap();
            tx.commit().await.unwrap();
        };
        let leaving = desk.leaving_while(&message, moves).await;
        assert_eq!(leaving.err(), expected, "{email}");
    }
}

async fn who_is_signed_out_by_an_administrator_has_no_link_left(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let mut visitor = desk.visitor();
    visitor.visit("/sign-in").await.fill("E-mail address", &acme.requester.email);
    visitor.press("Send me a link").await;
    let letter = desk.letters().await.pop().unwrap();
    let operator = operator(&desk, "acme").await;
    let person = acme.requester.id.parse().unwrap();
    let none = |_: &_| panic!("there is no password");
    let ended = sign_ins::end_all_of(&desk.desk, &operator, person, none).await.unwrap();
    assert_eq!((ended.sign_ins, ended.password), (0, false));
    visitor.visit(link_in(&letter.body)).await;
    assert_eq!(visitor.status(), StatusCode::GONE);
}
