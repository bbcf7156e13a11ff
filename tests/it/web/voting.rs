//! Voting by the link in the letter that asks for it: once, on one request, without signing in.

use axum::http::StatusCode;
use chrono::TimeDelta;
use serde_json::{Value, json};
use waypost_app::{
    Caller, Clock, CommandError,
    approvals::{self, Vote},
    sign_ins, upkeep, vote_links,
};
use waypost_delivery::Undelivered;
use waypost_domain::message::Message;
use waypost_store::CommitNote;
use waypost_test_support::{Org, PersonOf, TestDesk, Visitor, on_both_engines};

use crate::{
    approvals::{asked, bind, decide, state, vote},
    delegations::at,
    policies::{self, stage, telling},
};

on_both_engines! {
    programs_that_look_at_mail_use_nothing_up_and_the_receiver_votes
    a_vote_by_a_link_is_told_apart_in_the_history
    a_link_votes_once
    of_two_votes_that_are_sent_at_once_with_one_link_one_counts
    who_does_not_agree_says_why_and_the_link_waits_for_it
    the_page_shows_what_its_voter_would_see_signed_in
    a_link_opens_nothing_else_and_signs_nobody_in
    a_link_is_over_when_somebody_else_decided
    a_link_is_over_when_the_request_is_withdrawn
    a_link_is_not_of_the_next_round
    a_link_ends_with_the_week
    who_left_votes_by_no_letter
    who_got_another_address_does_not_vote_by_the_letter_to_the_old_one
    who_was_signed_out_by_an_administrator_votes_by_no_letter
    who_may_only_read_since_votes_by_no_letter
    a_stand_in_votes_for_whom_they_stand_in
    whose_vote_was_passed_on_votes_by_no_old_letter
    an_organization_has_no_votes_by_mail_where_it_switched_them_off
    a_server_without_pages_names_none_in_its_letters
    who_is_asked_twice_gets_a_link_for_each_vote
    a_reminder_has_a_link_of_its_own_and_the_first_one_holds_until_one_is_used
    a_letter_that_is_sent_again_has_a_link_that_works
    whoever_reads_the_outbox_or_asks_the_api_finds_no_link_to_vote_with
    secrets_that_are_none_are_all_answered_alike
    a_good_link_is_not_refused_because_of_what_its_address_tried
    what_ends_a_link_stops_a_vote_that_is_being_cast_with_it
    whoever_has_more_to_decide_than_the_list_shows_votes_by_a_link
    another_site_s_form_casts_no_vote
    an_address_with_a_secret_is_told_to_no_log
    a_vote_is_asked_for_in_the_language_of_its_voter
    who_is_told_of_a_request_gets_no_link_to_vote_with
    who_signs_in_at_the_provider_gets_no_link_to_vote_with
    who_is_asked_for_more_votes_than_a_letter_holds_finds_them_behind_signing_in
}

/// An organization whose managers are asked for their votes by letter.
async fn asking<'a>(desk: &'a TestDesk, key: &str) -> Org<'a> {
    let org = desk.organization(key).await;
    bind(&org, &json!([stage("manager", &json!(["manager"]))])).await;
    tell(&org).await;
    org
}

async fn tell(org: &Org<'_>) {
    let rules = json!({ "rules": [
        telling("please", "approval_requested", &json!(["approvers"])),
        telling("still", "vote_late", &json!(["approvers"])),
    ] });
    let _ = org.bind("notify", "stakeholder-notifier", rules).await;
}

/// The links to vote with of a letter.
fn links(letter: &Message) -> Vec<String> {
    let lines = letter.body.lines().filter_map(|line| line.strip_prefix("https://desk.test"));
    lines.filter(|path| path.starts_with("/s/")).map(str::to_owned).collect()
}

/// The one link to vote with of the one letter that was sent.
async fn link(desk: &TestDesk) -> String {
    let letters = desk.letters().await;
    assert_eq!(letters.len(), 1, "{letters:?}");
    let mut links = links(&letters[0]);
    assert_eq!(links.len(), 1, "{}", letters[0].body);
    links.remove(0)
}

/// What a link says that is over.
async fn is_over(desk: &TestDesk, link: &str) {
    for mut visitor in [desk.visitor(), desk.visitor()] {
        visitor.visit(link).await;
        over(&visitor);
        visitor.post(link, &[("vote", "approve")], &[("sec-fetch-site", "same-origin")]).await;
        over(&visitor);
    }
}

fn over(visitor: &Visitor) {
    assert_eq!(visitor.status(), StatusCode::GONE, "{}", visitor.text());
    let text = visitor.text();
    assert!(text.contains("This link does not work any more"), "{text}");
    assert!(text.contains("Sign in to see what waits for your decision"), "{text}");
    assert_eq!(visitor.header("cache-control"), Some("private, no-store"));
}

async fn programs_that_look_at_mail_use_nothing_up_and_the_receiver_votes(desk: TestDesk) {
    let acme = asking(&desk, "acme").await;
    let request = acme.ask_for_laptop().await;
    let letters = desk.letters().await;
    let body = &letters[0].body;
    assert!(body.contains("Vote without signing in:\nhttps://desk.test/s/"), "{body}");
    assert!(body.contains("This link votes in your name: do not pass it on."), "{body}");
    let link = links(&letters[0]).remove(0);
    for _ in 0..5 {
        let mut scanner = desk.visitor();
        scanner.visit(&link).await;
        assert_eq!(scanner.status(), StatusCode::OK, "{}", scanner.text());
    }
    assert_eq!(state(&acme, &request).await, "awaiting_approval");

    let mut manager = desk.visitor();
    manager.visit(&link).await.fill("Comment", "It is about time").press("Agree").await;
    let text = manager.text();
    assert_eq!(manager.status(), StatusCode::OK, "{text}");
    let number = request["number"].as_str().unwrap();
    for said in ["Your vote was counted", "You agreed."] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert_eq!(state(&acme, &request).await, "in_fulfilment");
    // It is loaded again, by whomever, and says no more than its address does.
    assert_eq!(manager.path(), "/voted?as=approve&lang=en");
    for unsaid in [number, "laptop", "acme"] {
        assert!(!text.contains(unsaid), "{unsaid}: {text}");
    }
    let mut again = desk.visitor();
    again.visit(manager.path()).await;
    assert_eq!((again.status(), again.text()), (StatusCode::OK, text));
    for none in ["/voted", "/voted?as=", "/voted?as=everything", "/voted?as=delegate&lang=xx"] {
        assert_eq!(again.visit(none).await.status(), StatusCode::NOT_FOUND, "{none}");
    }
    manager.click("Sign in to see your approvals").await;
    assert_eq!(manager.path(), "/sign-in");
}

async fn a_vote_by_a_link_is_told_apart_in_the_history(desk: TestDesk) {
    let acme = asking(&desk, "acme").await;
    let request = acme.ask_for_laptop().await;
    let link = link(&desk).await;
    let mut manager = desk.visitor();
    manager.visit(&link).await.fill("Comment", "Fine by me").press("Agree").await;

    let events = acme.agent.client.of(&request, "events").await.items();
    let voted = events.iter().find(|event| event["action"] == "vote").unwrap();
    assert_eq!(voted["actor"]["kind"], "mail");
    assert_eq!(voted["actor"]["person"], acme.manager.id);
    assert_eq!(voted["reason"], "Fine by me");
    desk.ignore_mail();
    let mut agent = desk.signed_in(&acme.agent.email).await;
    let page = format!("/o/acme/desk/tickets/{}", request["number"].as_str().unwrap());
    agent.visit(&page).await;
    let text = agent.text();
    assert!(text.contains("manager of acme, by a link in a mail"), "{text}");

    // Who votes signed in does not.
    let other = acme.ask_for_laptop().await;
    let _ = decide(&acme.manager, "approve", None).await;
    let events = acme.agent.client.of(&other, "events").await.items();
    let voted = events.iter().find(|event| event["action"] == "vote").unwrap();
    assert_eq!(voted["actor"]["kind"], "user");
}

async fn a_link_votes_once(desk: TestDesk) {
    let acme = asking(&desk, "acme").await;
    let request = acme.ask_for_laptop().await;
    let link = link(&desk).await;
    let mut manager = desk.visitor();
    manager.visit(&link).await.press_twice("Abstain").await;
    over(&manager);
    is_over(&desk, &link).await;
    let events = acme.agent.client.of(&request, "events").await.items();
    assert_eq!(events.iter().filter(|event| event["action"] == "vote").count(), 1);
}

async fn of_two_votes_that_are_sent_at_once_with_one_link_one_counts(desk: TestDesk) {
    let acme = asking(&desk, "acme").await;
    let request = acme.ask_for_laptop().await;
    let link = link(&desk).await;
    let (mut one, mut other) = (desk.visitor(), desk.visitor());
    one.visit(&link).await;
    other.visit(&link).await;
    tokio::join!(one.press("Agree"), other.press("Agree"));
    let mut statuses = [one.status(), other.status()];
    statuses.sort();
    assert_eq!(statuses, [StatusCode::OK, StatusCode::GONE], "{}\n{}", one.text(), other.text());
    let events = acme.agent.client.of(&request, "events").await.items();
    assert_eq!(events.iter().filter(|event| event["action"] == "vote").count(), 1);
}

async fn who_does_not_agree_says_why_and_the_link_waits_for_it(desk: TestDesk) {
    let acme = asking(&desk, "acme").await;
    let request = acme.ask_for_laptop().await;
    let link = link(&desk).await;
    let mut manager = desk.visitor();
    manager.visit(&link).await.press("Do not agree").await;
    assert_eq!(manager.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(manager.header("cache-control"), Some("private, no-store"));
    assert_eq!(state(&acme, &request).await, "awaiting_approval");
    // As long as a reason may be, each letter of which is written as six.
    let why = "\u{44f}".repeat(2_000);
    manager.fill("Comment", &why).press("Do not agree").await;
    assert!(manager.text().contains("You did not agree."), "{}", manager.text());
    assert_eq!(state(&acme, &request).await, "rejected");
    // What is no vote is none.
    let again = acme.ask_for_laptop().await;
    let link = self::link(&desk).await;
    for cast in ["delegate", "", "approve\0"] {
        let mut stranger = desk.visitor();
        stranger.post(&link, &[("vote", cast)], &[("sec-fetch-site", "same-origin")]).await;
        assert_eq!(stranger.status(), StatusCode::BAD_REQUEST, "{cast:?}");
    }
    // Nor one on something that was not shown.
    let unseen = [("vote", "approve"), ("_shown", "of something else")];
    let mut stranger = desk.visitor();
    stranger.post(&link, &unseen, &[("sec-fetch-site", "same-origin")]).await;
    assert_eq!(stranger.status(), StatusCode::CONFLICT, "{}", stranger.text());
    assert_eq!(state(&acme, &again).await, "awaiting_approval");
}

async fn the_page_shows_what_its_voter_would_see_signed_in(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let both = json!([stage("money", &json!(["manager", { "person": acme.admin.id }]))]);
    bind(&acme, &both).await;
    tell(&acme).await;
    let request = acme.ask_for_laptop().await;
    let number = request["number"].as_str().unwrap();
    let letters = desk.letters().await;
    let to = |person: &PersonOf| {
        let letter = letters.iter().find(|one| one.address.as_ref() == Some(&person.email));
        links(letter.unwrap()).remove(0)
    };
    let mut by_link = desk.visitor();
    by_link.visit(&to(&acme.manager)).await;
    let text = by_link.text();
    for shown in [
        "Do you agree? A laptop for the road",
        number,
        "requester of acme",
        "1,500.00 EUR",
        "Which model? light",
        "Who decides",
        "admin of acme: asked",
        "You vote as manager of acme of acme, without signing in.",
    ] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    assert_eq!(by_link.header("cache-control"), Some("private, no-store"));
    assert_eq!(by_link.header("referrer-policy"), Some("strict-origin"));
    desk.ignore_mail();
    let mut signed_in = desk.signed_in(&acme.manager.email).await;
    signed_in.visit("/o/acme/approvals").await.click("A laptop for the road").await;
    for part in ["h1", "dl.facts", "ol.stages"] {
        assert!(!by_link.part(part).is_empty(), "{part}: {text}");
        assert_eq!(by_link.part(part), signed_in.part(part));
    }
}

async fn a_link_opens_nothing_else_and_signs_nobody_in(desk: TestDesk) {
    let acme = asking(&desk, "acme").await;
    let _ = acme.ask_for_laptop().await;
    let link = link(&desk).await;
    let mut manager = desk.visitor();
    manager.visit(&link).await;
    let links = manager.links();
    assert_eq!(links, ["Skip to the content", "Waypost", "Accessibility"], "{links:?}");
    assert_eq!(manager.cookie("__Host-waypost"), None);
    manager.press("Agree").await;
    assert_eq!(manager.cookie("__Host-waypost"), None);
    manager.visit("/o/acme/approvals").await;
    assert_eq!(manager.path(), "/sign-in?next=/o/acme/approvals");
}

async fn a_link_is_over_when_somebody_else_decided(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    bind(&acme, &json!([stage("any", &json!(["manager", { "person": acme.admin.id }]))])).await;
    tell(&acme).await;
    let request = acme.ask_for_laptop().await;
    let letters = desk.letters().await;
    assert_eq!(letters.len(), 2);
    let of_manager = letters.iter().find(|one| one.person.to_string() == acme.manager.id);
    let link = links(of_manager.unwrap()).remove(0);
    let mut late = desk.visitor();
    late.visit(&link).await.fill("Comment", "I was about to agree");
    let _ = decide(&acme.admin, "approve", None).await;
    // What was written is not lost.
    late.press("Agree").await;
    over(&late);
    assert!(late.text().contains("I was about to agree"), "{}", late.text());
    is_over(&desk, &link).await;
    assert_eq!(state(&acme, &request).await, "in_fulfilment");
}

async fn a_link_is_over_when_the_request_is_withdrawn(desk: TestDesk) {
    let acme = asking(&desk, "acme").await;
    let request = acme.ask_for_laptop().await;
    let link = link(&desk).await;
    let why = json!({ "reason": "Found one" });
    let _ = acme.requester.client.act(&request, "cancel", why).await.ok();
    is_over(&desk, &link).await;
    assert_eq!(state(&acme, &request).await, "cancelled");
}

async fn a_link_is_not_of_the_next_round(desk: TestDesk) {
    let acme = asking(&desk, "acme").await;
    let request = acme.ask_for_laptop().await;
    let first = link(&desk).await;
    let _ = acme.requester.client.act(&request, "revise", json!({})).await.ok();
    is_over(&desk, &first).await;
    let _ = acme.requester.client.act(&request, "submit", json!({})).await.ok();
    let second = link(&desk).await;
    is_over(&desk, &first).await;
    let mut manager = desk.visitor();
    manager.visit(&second).await.press("Agree").await;
    assert_eq!(state(&acme, &request).await, "in_fulfilment");
}

async fn a_link_ends_with_the_week(desk: TestDesk) {
    let acme = asking(&desk, "acme").await;
    let _ = acme.ask_for_laptop().await;
    let link = link(&desk).await;
    desk.clock.advance(TimeDelta::days(7) - TimeDelta::minutes(1));
    let mut manager = desk.visitor();
    manager.visit(&link).await;
    assert_eq!(manager.status(), StatusCode::OK, "{}", manager.text());
    desk.clock.advance(TimeDelta::minutes(1));
    manager.press("Agree").await;
    over(&manager);
    is_over(&desk, &link).await;
    // It is forgotten a month later.
    assert_eq!(desk.sweep_housekeeping().await.sign_ins, 0);
    desk.clock.advance(TimeDelta::days(31));
    assert_eq!(desk.sweep_housekeeping().await.sign_ins, 1);
}

async fn change(acme: &Org<'_>, person: &PersonOf, change: Value) {
    let path = format!("/people/{}", person.id);
    let version = acme.admin.client.get(&path).await.ok()["version"].as_i64().unwrap();
    let _ = acme.admin.client.patch(&path, version, change).await.ok();
}

async fn who_left_votes_by_no_letter(desk: TestDesk) {
    let acme = asking(&desk, "acme").await;
    let request = acme.ask_for_laptop().await;
    let link = link(&desk).await;
    change(&acme, &acme.manager, json!({ "active": false })).await;
    is_over(&desk, &link).await;
    // Nor should they come back.
    change(&acme, &acme.manager, json!({ "active": true })).await;
    is_over(&desk, &link).await;
    assert_eq!(state(&acme, &request).await, "awaiting_approval");
}

async fn who_got_another_address_does_not_vote_by_the_letter_to_the_old_one(desk: TestDesk) {
    let acme = asking(&desk, "acme").await;
    let _ = acme.ask_for_laptop().await;
    let link = link(&desk).await;
    change(&acme, &acme.manager, json!({ "location": "Berlin" })).await;
    let mut manager = desk.visitor();
    manager.visit(&link).await;
    assert_eq!(manager.status(), StatusCode::OK, "{}", manager.text());
    change(&acme, &acme.manager, json!({ "email": "right@acme.example" })).await;
    is_over(&desk, &link).await;
}

async fn who_was_signed_out_by_an_administrator_votes_by_no_letter(desk: TestDesk) {
    let acme = asking(&desk, "acme").await;
    let _ = acme.ask_for_laptop().await;
    let link = link(&desk).await;
    let key = "acme".parse().unwrap();
    let org = waypost_app::organizations::by_key(&desk.desk, &key).await.unwrap();
    let operator = Caller::operator(org.id, desk.clock.now());
    let person = acme.manager.id.parse().unwrap();
    let none = |_: &_| panic!("there is no password");
    let ended = sign_ins::end_all_of(&desk.desk, &operator, person, none).await.unwrap();
    assert_eq!((ended.sign_ins, ended.password), (0, false));
    is_over(&desk, &link).await;
}

async fn who_may_only_read_since_votes_by_no_letter(desk: TestDesk) {
    let acme = asking(&desk, "acme").await;
    let request = acme.ask_for_laptop().await;
    let link = link(&desk).await;
    change(&acme, &acme.manager, json!({ "role": "auditor" })).await;
    is_over(&desk, &link).await;
    assert_eq!(state(&acme, &request).await, "awaiting_approval");
}

async fn away(desk: &TestDesk, from: &PersonOf, to: &PersonOf) -> Value {
    let week = json!({ "to": to.email, "ends_at": at(desk, 7 * 24), "reason": "On holiday" });
    from.client.post("/delegations", week).await.created()
}

async fn a_stand_in_votes_for_whom_they_stand_in(desk: TestDesk) {
    let acme = asking(&desk, "acme").await;
    let holiday = away(&desk, &acme.manager, &acme.second_agent).await;
    let request = acme.ask_for_laptop().await;
    let link = link(&desk).await;
    let mut stand_in = desk.visitor();
    stand_in.visit(&link).await;
    let text = stand_in.text();
    assert!(text.contains("instead of manager of acme"), "{text}");
    assert!(text.contains("You vote as second of acme"), "{text}");
    stand_in.press("Agree").await;
    assert_eq!(state(&acme, &request).await, "in_fulfilment");
    let rounds = acme.agent.client.of(&request, "approvals").await.items();
    let seat = &rounds[0]["stages"][0]["steps"][0]["requests"][1];
    assert_eq!((&seat["state"], &seat["delegation"]), (&json!("approved"), &holiday["id"]));
    assert_eq!(seat["voter"]["id"], acme.second_agent.id);
}

async fn whose_vote_was_passed_on_votes_by_no_old_letter(desk: TestDesk) {
    let acme = asking(&desk, "acme").await;
    let _ = acme.ask_for_laptop().await;
    let first = link(&desk).await;
    let shown = asked(&acme.manager).await.remove(0);
    let path = format!("/approval-requests/{}/delegate", shown["id"].as_str().unwrap());
    let to = json!({ "to": acme.second_agent.email, "reason": "You know more of it" });
    let _ = acme.manager.client.post(&path, to).await.ok();
    is_over(&desk, &first).await;
    let second = link(&desk).await;
    // Whose seat it is may vote first, signed in; then the other's link is over.
    let shown = asked(&acme.second_agent).await.remove(0);
    let _ = vote(&acme.manager.client, &shown, "approve", None).await.ok();
    is_over(&desk, &second).await;
}

async fn an_organization_has_no_votes_by_mail_where_it_switched_them_off(desk: TestDesk) {
    let acme = asking(&desk, "acme").await;
    let set = async |on: bool| {
        let version = acme.admin.client.get("/organizations/acme").await.ok()["version"].as_i64();
        let setting = json!({ "votes_by_mail": on });
        let client = &acme.admin.client;
        client.patch("/organizations/acme", version.unwrap(), setting).await.ok()
    };
    let request = acme.ask_for_laptop().await;
    let link = link(&desk).await;
    assert_eq!(set(false).await["votes_by_mail"], false);
    is_over(&desk, &link).await;
    let _ = acme.ask_for_laptop().await;
    let letters = desk.letters().await;
    assert_eq!(links(&letters[0]), [""; 0]);
    assert!(letters[0].body.ends_with("https://desk.test/o/acme/approvals"), "{}", letters[0].body);
    // What was sent before holds again.
    assert_eq!(set(true).await["votes_by_mail"], true);
    let mut manager = desk.visitor();
    manager.visit(&link).await.press("Agree").await;
    assert_eq!(state(&acme, &request).await, "in_fulfilment");
}

async fn a_server_without_pages_names_none_in_its_letters(desk: TestDesk) {
    let acme = asking(&desk, "acme").await;
    let _ = acme.ask_for_laptop().await;
    let letters = desk.letters_without_pages().await;
    assert_eq!(letters.len(), 1);
    let body = &letters[0].body;
    assert!(!body.contains("desk.test") && !body.contains("/s/"), "{body}");
    assert!(!body.contains("without signing in"), "{body}");
}

async fn who_is_asked_twice_gets_a_link_for_each_vote(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let step = |name: &str| json!({ "name": name, "approvers": ["manager"] });
    bind(&acme, &json!([{ "steps": [step("money"), step("security")] }])).await;
    tell(&acme).await;
    let request = acme.ask_for_laptop().await;
    let letters = desk.letters().await;
    assert_eq!(letters.len(), 1);
    let body = &letters[0].body;
    for named in ["Vote without signing in (money):", "Vote without signing in (security):"] {
        assert!(body.contains(named), "{named}: {body}");
    }
    let links = links(&letters[0]);
    assert_eq!(links.len(), 2, "{body}");
    let mut manager = desk.visitor();
    manager.visit(&links[0]).await.press("Agree").await;
    assert_eq!(state(&acme, &request).await, "awaiting_approval");
    is_over(&desk, &links[0]).await;
    manager.visit(&links[1]).await.press("Agree").await;
    assert_eq!(state(&acme, &request).await, "in_fulfilment");
}

async fn a_reminder_has_a_link_of_its_own_and_the_first_one_holds_until_one_is_used(
    desk: TestDesk,
) {
    let acme = asking(&desk, "acme").await;
    let stages = json!([stage("manager", &json!(["manager"]))]);
    let _ = acme.bind("stalled", "approval-chain", policies::asking(&stages)).await;
    let request = acme.ask_for_laptop().await;
    let first = link(&desk).await;
    desk.clock.advance(TimeDelta::days(2));
    let reminded = upkeep::sweep(&desk.desk, desk.clock.now()).await.unwrap();
    assert_eq!(reminded.nudged, 1);
    let second = link(&desk).await;
    assert_ne!(first, second);
    let (mut one, mut other) = (desk.visitor(), desk.visitor());
    for (visitor, link) in [(&mut one, &first), (&mut other, &second)] {
        visitor.visit(link).await;
        assert_eq!(visitor.status(), StatusCode::OK, "{}", visitor.text());
    }
    one.press("Agree").await;
    assert_eq!(state(&acme, &request).await, "in_fulfilment");
    other.press("Agree").await;
    over(&other);
}

async fn a_letter_that_is_sent_again_has_a_link_that_works(desk: TestDesk) {
    let acme = asking(&desk, "acme").await;
    let request = acme.ask_for_laptop().await;
    desk.refuse_letters(vec![Undelivered::Temporary("not now".to_owned())]);
    assert_eq!(desk.letters().await.len(), 0);
    desk.clock.advance(TimeDelta::hours(1));
    let link = link(&desk).await;
    let mut manager = desk.visitor();
    manager.visit(&link).await.press("Agree").await;
    assert_eq!(state(&acme, &request).await, "in_fulfilment");
}

async fn whoever_reads_the_outbox_or_asks_the_api_finds_no_link_to_vote_with(desk: TestDesk) {
    let acme = asking(&desk, "acme").await;
    let request = acme.ask_for_laptop().await;
    let link = link(&desk).await;
    let secret = link.strip_prefix("/s/").unwrap();
    assert_eq!(secret.len(), 43);
    let admin = &acme.admin.client;
    let id = request["id"].as_str().unwrap();
    for path in ["/outbox".to_owned(), "/approvals/mine".to_owned(), format!("/requests/{id}")] {
        let told = admin.get(&path).await.ok().to_string();
        assert!(!told.contains(secret) && !told.contains("/s/"), "{path}: {told}");
    }
    let outbox = admin.get("/outbox").await.ok().to_string();
    assert!(outbox.contains("please REQ"), "{outbox}");
    for part in ["events", "approvals"] {
        let told = format!("{:?}", admin.of(&request, part).await.items());
        assert!(!told.contains(secret), "{told}");
    }
}

async fn secrets_that_are_none_are_all_answered_alike(desk: TestDesk) {
    let acme = asking(&desk, "acme").await;
    let _ = acme.ask_for_laptop().await;
    let link = link(&desk).await;
    desk.ignore_mail();
    let mut asks = desk.visitor();
    asks.visit("/sign-in").await.fill("E-mail address", &acme.manager.email);
    asks.press("Send me a link").await;
    let letter = desk.letters().await.pop().unwrap();
    let sign_in = waypost_test_support::link_in(&letter.body).rsplit('/').next().unwrap();
    let mut told = Vec::new();
    for secret in [
        "x".repeat(1_000),
        "A".repeat(43),
        "%00".to_owned(),
        format!("{}%00", &link[3..]),
        format!("{}=", &link[3..]),
        link[3..].to_uppercase(),
        "%FF%FE".to_owned(),
        "..%2F..%2Fsign-in".to_owned(),
        "%3Cscript%3Ealert(1)%3C%2Fscript%3E".to_owned(),
        "' or 1=1 --".replace(' ', "%20"),
        sign_in.to_owned(),
    ] {
        let mut visitor = desk.visitor();
        visitor.visit(&format!("/s/{secret}")).await;
        over(&visitor);
        told.push(visitor.html().to_owned());
    }
    assert!(told.iter().all(|one| *one == told[0]));
    // A link to vote with is no link of another kind.
    for path in ["sign-in/link", "setup"] {
        let mut visitor = desk.visitor();
        visitor.visit(&format!("/{path}/{}", &link[3..])).await;
        assert_eq!(visitor.status(), StatusCode::GONE);
    }
    // And it is of its organization: another one's people, policies and settings change nothing.
    let other = asking(&desk, "other").await;
    let client = &other.admin.client;
    let version = client.get("/organizations/other").await.ok()["version"].as_i64().unwrap();
    let off = json!({ "votes_by_mail": false });
    let _ = client.patch("/organizations/other", version, off).await.ok();
    let mut manager = desk.visitor();
    manager.visit(&link).await;
    assert!(manager.text().contains("manager of acme of acme"), "{}", manager.text());
}

async fn a_good_link_is_not_refused_because_of_what_its_address_tried(desk: TestDesk) {
    let acme = asking(&desk, "acme").await;
    let request = acme.ask_for_laptop().await;
    let link = link(&desk).await;
    let mut manager = desk.visitor().coming_from([203, 0, 113, 1].into());
    for number in 0..40 {
        manager.visit(&format!("/s/{number}")).await;
        over(&manager);
    }
    manager.visit(&link).await.press("Agree").await;
    assert_eq!(manager.status(), StatusCode::OK, "{}", manager.text());
    assert_eq!(state(&acme, &request).await, "in_fulfilment");
}

/// Looks at a link, lets something happen, and votes only then.
async fn votes_late(desk: &TestDesk, acme: &Org<'_>, meanwhile: impl AsyncFnOnce()) -> bool {
    let request = acme.ask_for_laptop().await;
    let link = link(desk).await;
    let (note, now) = (CommitNote::default(), desk.clock.now());
    let looked = vote_links::look_at(&desk.desk, &link[3..], &note, now).await.unwrap();
    let voter = looked.unwrap();
    let waiting = approvals::waiting(&desk.desk, &voter.caller, voter.request).await.unwrap();
    meanwhile().await;
    let digest = waiting.unwrap().content_digest;
    let cast = Vote::Approve { comment: None };
    let outcome = Box::pin(vote_links::vote(&desk.desk, &voter, cast, Some(digest))).await;
    let is_counted = outcome.is_ok();
    if let Err(error) = outcome {
        assert!(matches!(error, CommandError::NotFound(_)), "{error}");
    }
    let expected = if is_counted { "in_fulfilment" } else { "awaiting_approval" };
    assert_eq!(state(acme, &request).await, expected);
    is_counted
}

async fn what_ends_a_link_stops_a_vote_that_is_being_cast_with_it(desk: TestDesk) {
    let acme = asking(&desk, "acme").await;
    assert!(votes_late(&desk, &acme, async || {}).await);
    let set = async |on: bool| {
        let client = &acme.admin.client;
        let version = client.get("/organizations/acme").await.ok()["version"].as_i64().unwrap();
        let setting = json!({ "votes_by_mail": on });
        let _ = client.patch("/organizations/acme", version, setting).await.ok();
    };
    assert!(!votes_late(&desk, &acme, async || set(false).await).await);
    set(true).await;
    let signed_out = votes_late(&desk, &acme, async || {
        let key = "acme".parse().unwrap();
        let org = waypost_app::organizations::by_key(&desk.desk, &key).await.unwrap();
        let operator = Caller::operator(org.id, desk.clock.now());
        let person = acme.manager.id.parse().unwrap();
        let none = |_: &_| unreachable!("they have no password");
        let _ = sign_ins::end_all_of(&desk.desk, &operator, person, none).await.unwrap();
    });
    assert!(!signed_out.await);
    for changed in [
        json!({ "role": "auditor" }),
        json!({ "email": "other@acme.example" }),
        json!({ "active": false }),
    ] {
        change(&acme, &acme.manager, json!({ "role": "requester" })).await;
        let told = changed.to_string();
        let late = votes_late(&desk, &acme, async || change(&acme, &acme.manager, changed).await);
        assert!(!late.await, "{told}");
    }
}

async fn whoever_has_more_to_decide_than_the_list_shows_votes_by_a_link(desk: TestDesk) {
    let acme = asking(&desk, "acme").await;
    let item = json!({ "catalog_item": "laptop", "answers": { "model": "light" } });
    let order = json!({ "items": vec![item; 20] });
    for _ in 0..10 {
        let _ = acme.requester.client.post("/orders", order.clone()).await.created();
    }
    desk.clock.advance(TimeDelta::seconds(1));
    let _ = desk.letters().await;
    let latest = acme.ask_for_laptop().await;
    let link = link(&desk).await;
    let mut manager = desk.visitor();
    manager.visit(&link).await.press("Agree").await;
    assert_eq!(manager.status(), StatusCode::OK, "{}", manager.text());
    assert_eq!(state(&acme, &latest).await, "in_fulfilment");
}

async fn another_site_s_form_casts_no_vote(desk: TestDesk) {
    let acme = asking(&desk, "acme").await;
    let request = acme.ask_for_laptop().await;
    let link = link(&desk).await;
    let mut manager = desk.visitor();
    for headers in [
        [("sec-fetch-site", "cross-site")],
        [("sec-fetch-site", "same-site")],
        [("origin", "https://evil.example")],
        [("origin", "null")],
    ] {
        manager.post(&link, &[("vote", "abstain")], &headers).await;
        assert_eq!(manager.status(), StatusCode::FORBIDDEN, "{headers:?}");
    }
    assert_eq!(state(&acme, &request).await, "awaiting_approval");
}

async fn an_address_with_a_secret_is_told_to_no_log(desk: TestDesk) {
    let acme = asking(&desk, "acme").await;
    let request = acme.ask_for_laptop().await;
    let link = link(&desk).await;
    let none = ["/s/none", "/sign-in/link/none", "/setup/none"];
    for (path, policy) in none.map(|path| (path, "strict-origin")).into_iter().chain([
        (link.as_str(), "strict-origin"),
        ("/sign-in", "same-origin"),
        ("/accessibility", "same-origin"),
    ]) {
        let mut visitor = desk.visitor();
        visitor.visit(path).await;
        assert_eq!(visitor.header("referrer-policy"), Some(policy), "{path}");
    }
    // From which site a form comes is still said, and is what is looked at.
    let mut manager = desk.visitor();
    manager.visit(&link).await;
    let digest = manager.attribute("input[name=_shown]", "value").unwrap_or_default();
    let vote = [("vote", "approve"), ("_shown", digest.as_str())];
    manager.post(&link, &vote, &[("origin", "https://desk.test")]).await;
    assert_eq!(state(&acme, &request).await, "in_fulfilment");
}

async fn a_vote_is_asked_for_in_the_language_of_its_voter(desk: TestDesk) {
    let acme = asking(&desk, "acme").await;
    change(&acme, &acme.manager, json!({ "language": "de" })).await;
    let _ = acme.ask_for_laptop().await;
    let link = link(&desk).await;
    let mut manager = desk.visitor();
    manager.visit(&link).await;
    let text = manager.text();
    for said in
        ["Stimmen Sie zu? A laptop for the road", "1.500,00 EUR", "Dieser Link gilt einmal."]
    {
        assert!(text.contains(said), "{said}: {text}");
    }
    manager.press("Zustimmen").await;
    assert!(manager.text().contains("Sie haben zugestimmt."), "{}", manager.text());
    // Whoever comes late is nobody who is known: they are told in what their browser speaks.
    let mut late = desk.visitor().speaking("de");
    late.visit(&link).await;
    assert!(late.text().contains("Dieser Link gilt nicht mehr"), "{}", late.text());
}

async fn who_is_told_of_a_request_gets_no_link_to_vote_with(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    bind(&acme, &json!([stage("manager", &json!(["manager"]))])).await;
    let rules = json!({ "rules": [
        telling("received", "created", &json!(["requester"])),
        telling("please", "approval_requested", &json!(["requester"])),
    ] });
    let _ = acme.bind("notify", "stakeholder-notifier", rules).await;
    let _ = acme.ask_for_laptop().await;
    let letters = desk.letters().await;
    assert_eq!(letters.len(), 2, "{letters:?}");
    assert!(letters.iter().all(|letter| links(letter).is_empty()), "{letters:?}");
}

async fn who_signs_in_at_the_provider_gets_no_link_to_vote_with(desk: TestDesk) {
    let msp = desk.provider("msp").await;
    let acme = desk.client_of("msp", "acme").await;
    bind(&acme, &json!([stage("manager", &json!(["manager"]))])).await;
    tell(&acme).await;
    let field = json!({
        "key": "field", "name": "Field", "members": [msp.agent.id], "serves": ["acme"],
    });
    let _ = msp.admin.client.post("/teams", field).await.created();
    let _ = away(&desk, &acme.manager, &msp.agent).await;
    let _ = acme.ask_for_laptop().await;
    let letters = desk.letters().await;
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!(letters[0].person.to_string(), msp.agent.id);
    assert_eq!(links(&letters[0]), [""; 0]);
}

async fn who_is_asked_for_more_votes_than_a_letter_holds_finds_them_behind_signing_in(
    desk: TestDesk,
) {
    let acme = desk.organization("acme").await;
    let step = |number: i64| json!({ "name": format!("step {number}"), "approvers": ["manager"] });
    let steps: Vec<Value> = (1..=6).map(step).collect();
    bind(&acme, &json!([{ "steps": steps }])).await;
    tell(&acme).await;
    let _ = acme.ask_for_laptop().await;
    assert_eq!(asked(&acme.manager).await.len(), 6);
    let letters = desk.letters().await;
    assert_eq!(links(&letters[0]), [""; 0]);
    assert!(letters[0].body.ends_with("https://desk.test/o/acme/approvals"), "{}", letters[0].body);
}
