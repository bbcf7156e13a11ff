//! Passwords: off unless the operator wants them; set by their owner alone, tried a few times, and
//! seen by nobody. And power, which asks again who somebody is.

use axum::http::StatusCode;
use chrono::TimeDelta;
use waypost_app::{
    Caller, Clock, CommandError, passwords,
    sign_ins::{self, Ended, Letter, Receiver},
};
use waypost_domain::{
    ids::OrgId,
    password::{Password, PasswordHash},
};
use waypost_store::password;
use waypost_test_support::{TestDesk, Visitor, link_in, on_both_engines};

on_both_engines! {
    without_the_setting_there_are_no_passwords
    a_person_sets_a_password_and_signs_in_with_it
    a_bad_password_is_refused_with_what_is_wrong
    whoever_is_refused_learns_nothing_and_every_refusal_costs_the_same
    after_five_tries_an_address_waits_a_quarter_of_an_hour
    another_password_ends_the_other_sign_ins_and_is_told_by_mail
    a_password_is_of_one_account_and_opens_the_organization_that_was_asked_for
    who_leaves_loses_their_password
    a_password_is_nowhere_to_be_read
    power_asks_again_after_half_an_hour_and_goes_on
    strangers_keep_nobody_from_proving_who_they_are
    power_asks_for_a_link_where_there_is_no_password
    a_password_that_cost_less_is_hashed_anew
    who_gets_another_address_begins_anew
    whoever_gets_in_forgives_nobody_else_s_tries
    more_accounts_with_an_address_push_no_password_out
    whoever_hangs_up_has_tried_as_well
    whom_an_administrator_signs_out_loses_their_password_and_is_told
    a_browser_that_was_signed_out_meanwhile_sets_and_removes_no_password
    another_password_uses_up_the_links_that_were_sent
}

const COOKIE: &str = "__Host-waypost";
const GOOD: &str = "four blue teapots";
const OTHER: &str = "seven green kettles";
/// The good one, hashed with 64 KiB and one pass.
const CHEAP: &str = "$argon2id$v=19$m=64,t=1,p=1$BwcHBwcHBwcHBwcHBwcHBw$Xp5PkGQgFUvDvmvuY+v3nzjuKBwo99uArkCY/sdegbg";

/// Signed in by a link, with a password that was just set.
async fn with_password(desk: &TestDesk, email: &str, password: &str) -> Visitor {
    let mut visitor = desk.signed_in(email).await;
    set(&mut visitor, "acme", password).await;
    assert!(visitor.html().contains("Your password is set."), "{}", visitor.text());
    assert_eq!(desk.letters().await.len(), 1);
    visitor
}

async fn set(visitor: &mut Visitor, org: &str, password: &str) {
    visitor.visit(&format!("/o/{org}/me/password")).await;
    let button = visitor.part("h1");
    visitor.fill("New password", password).fill("New password again", password);
    visitor.press(&button).await;
}

/// Somebody who gives an address and a password.
async fn tries(desk: &TestDesk, email: &str, password: &str) -> Visitor {
    let mut visitor = desk.visitor();
    visitor.visit("/sign-in").await;
    enter(&mut visitor, email, password).await;
    visitor
}

async fn enter(visitor: &mut Visitor, email: &str, password: &str) {
    visitor.fill("E-mail address", email).fill("Password", password).press("Sign in").await;
}

async fn without_the_setting_there_are_no_passwords(desk: TestDesk) {
    let email = desk.organization("acme").await.requester.email;
    let desk = desk.with_passwords();
    drop(with_password(&desk, &email, GOOD).await);
    let desk = desk.without_passwords();
    let mut visitor = desk.visitor();
    visitor.visit("/sign-in").await;
    assert!(!visitor.html().contains("type=\"password\""));
    // Who sends one all the same is sent a link, as without it.
    let fields = [("email", email.as_str()), ("password", GOOD), ("how", "password")];
    visitor.post("/sign-in", &fields, &[]).await;
    assert_eq!((visitor.status(), visitor.cookie(COOKIE)), (StatusCode::OK, None));
    assert!(visitor.text().contains("a message is on its way"), "{}", visitor.text());
    let letter = desk.letters().await.pop().unwrap();
    visitor.visit(link_in(&letter.body)).await.press("Sign in as requester of acme").await;
    visitor.visit("/o/acme/me").await;
    assert!(!visitor.text().contains("assword"), "{}", visitor.text());
    visitor.visit("/o/acme/me/password").await;
    assert_eq!(visitor.status(), StatusCode::NOT_FOUND);
    for path in ["/o/acme/me/password", "/o/acme/me/password/remove"] {
        visitor.post(path, &[("password", OTHER), ("again", OTHER)], &[]).await;
        assert_eq!(visitor.status(), StatusCode::NOT_FOUND, "{path}");
    }
    // Where somebody proves who they are, it is no password either.
    let fields = [("password", GOOD), ("how", "password")];
    visitor.post("/o/acme/me/again", &fields, &[]).await;
    assert_eq!(visitor.status(), StatusCode::NOT_FOUND);
    assert_eq!(desk.desk.passwords_hashed(), 0);
}

async fn a_person_sets_a_password_and_signs_in_with_it(desk: TestDesk) {
    let desk = desk.with_passwords();
    let acme = desk.organization("acme").await;
    let email = &acme.requester.email;
    let mut visitor = desk.signed_in(email).await;
    visitor.visit("/o/acme/me").await;
    assert!(visitor.text().contains("You have no password"), "{}", visitor.text());
    visitor.click("Set a password").await;
    visitor.fill("New password", GOOD).fill("New password again", GOOD);
    visitor.press("Set a password").await;
    assert_eq!(visitor.path(), "/o/acme/me?done=password");
    assert!(visitor.text().contains("You have a password since"), "{}", visitor.text());
    let letter = desk.letters().await.pop().unwrap();
    assert_eq!(letter.subject, "Your password at acme");
    assert!(letter.body.contains("was set"), "{}", letter.body);

    // A sign-in of its own, with a secret of its own; the one of this browser is ended.
    let mut visitor = desk.visitor();
    visitor.visit("/o/acme/my").await;
    enter(&mut visitor, &email.to_uppercase(), GOOD).await;
    assert_eq!((visitor.path(), visitor.status()), ("/o/acme/my", StatusCode::OK));
    let kept = visitor.clone();
    visitor.visit("/sign-in").await;
    enter(&mut visitor, email, GOOD).await;
    assert_eq!(visitor.path(), "/o/acme/home");
    assert_ne!(visitor.cookie(COOKIE), kept.cookie(COOKIE));
    let mut kept = kept;
    kept.visit("/o/acme/home").await;
    assert_eq!(kept.path(), "/sign-in?next=/o/acme/home");

    // In German as well.
    let mut german = desk.visitor().speaking("de");
    german.visit("/sign-in").await.fill("E-Mail-Adresse", email).fill("Passwort", "falsch");
    german.press("Anmelden").await;
    assert!(german.text().contains("passen nicht zusammen"), "{}", german.text());

    // Removed, it opens nothing any more.
    visitor.visit("/o/acme/me").await.click("Change the password").await;
    visitor.press("Remove the password").await;
    assert_eq!(visitor.path(), "/o/acme/me?done=password_removed");
    assert!(visitor.text().contains("You have no password"), "{}", visitor.text());
    let letter = desk.letters().await.pop().unwrap();
    assert!(letter.body.contains("was removed"), "{}", letter.body);
    let refused = tries(&desk, email, GOOD).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

async fn a_bad_password_is_refused_with_what_is_wrong(desk: TestDesk) {
    let desk = desk.with_passwords();
    let acme = desk.organization("acme").await;
    let mut visitor = desk.signed_in(&acme.requester.email).await;
    for (password, why) in [
        ("short", "Use at least 12 characters."),
        (&"k7#wqz9!".repeat(17), "Use at most 128 characters."),
        ("Password2026!", "easy to guess"),
        ("requester.acme.1", "your name, your address or your organization"),
    ] {
        set(&mut visitor, "acme", password).await;
        assert_eq!(visitor.status(), StatusCode::UNPROCESSABLE_ENTITY, "{password}");
        assert!(visitor.text().contains(why), "{password}: {}", visitor.text());
        assert!(!visitor.html().contains(password), "what was typed is not sent back");
    }
    visitor.visit("/o/acme/me/password").await;
    visitor.fill("New password", GOOD).fill("New password again", OTHER);
    visitor.press("Set a password").await;
    assert!(visitor.text().contains("This is not the same"), "{}", visitor.text());
    assert_eq!(desk.desk.passwords_hashed(), 0);
}

async fn whoever_is_refused_learns_nothing_and_every_refusal_costs_the_same(desk: TestDesk) {
    let desk = desk.with_passwords();
    let acme = desk.organization("acme").await;
    drop(with_password(&desk, &acme.requester.email, GOOD).await);
    let mut told = Vec::new();
    for address in [
        // Another password, none at all, and nobody.
        acme.requester.email.as_str(),
        acme.agent.email.as_str(),
        "nobody@acme.example",
    ] {
        let before = desk.desk.passwords_hashed();
        let visitor = tries(&desk, address, OTHER).await;
        let hashed = desk.desk.passwords_hashed() - before;
        let html = visitor.html().replace(address, "…");
        told.push((visitor.status(), visitor.text(), html, hashed));
    }
    assert_eq!(told[0].0, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(told[0].1.contains("do not belong together"), "{}", told[0].1);
    assert_eq!(told[0].3, 3);
    assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
    // And so does the right one.
    let before = desk.desk.passwords_hashed();
    assert_eq!(tries(&desk, &acme.requester.email, GOOD).await.path(), "/o/acme/home");
    assert_eq!(desk.desk.passwords_hashed() - before, 3);
}

async fn after_five_tries_an_address_waits_a_quarter_of_an_hour(desk: TestDesk) {
    let desk = desk.with_passwords();
    let acme = desk.organization("acme").await;
    let email = &acme.requester.email;
    drop(with_password(&desk, email, GOOD).await);
    desk.clock.advance(TimeDelta::minutes(20));
    let mut told = Vec::new();
    for address in [email, "nobody@acme.example"] {
        for _ in 0..5 {
            let visitor = tries(&desk, address, OTHER).await;
            assert_eq!(visitor.status(), StatusCode::UNPROCESSABLE_ENTITY);
        }
        // Even the right one is not looked at.
        let before = desk.desk.passwords_hashed();
        let visitor = tries(&desk, address, GOOD).await;
        assert_eq!(desk.desk.passwords_hashed(), before);
        let wait = visitor.header("retry-after").map(str::to_owned);
        told.push((visitor.status(), visitor.text(), wait));
    }
    assert_eq!(told[0].0, StatusCode::TOO_MANY_REQUESTS);
    assert!(told[0].1.contains("Try again in 15 minutes"), "{}", told[0].1);
    assert_eq!(told[0].2.as_deref(), Some("900"));
    assert_eq!(told[0], told[1]);
    // Who has the address is told once.
    let letters = desk.letters().await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].subject, "Somebody tried your password at acme");
    assert_eq!(letters[0].address.as_deref(), Some(email.as_str()));

    // A link signs in all the same.
    let mut owner = desk.signed_in(email).await;
    owner.visit("/o/acme/home").await;
    assert_eq!(owner.path(), "/o/acme/home");
    desk.clock.advance(TimeDelta::seconds(14 * 60 + 59));
    let visitor = tries(&desk, email, GOOD).await;
    assert_eq!(visitor.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(visitor.text().contains("Try again in a minute"), "{}", visitor.text());
    desk.clock.advance(TimeDelta::seconds(1));
    assert_eq!(tries(&desk, email, GOOD).await.path(), "/o/acme/home");
    // What was right is no try: the next five are looked at.
    for _ in 0..5 {
        let visitor = tries(&desk, email, OTHER).await;
        assert_eq!(visitor.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(desk.letters().await.len(), 1);
    // What counts no more is removed.
    desk.clock.advance(TimeDelta::minutes(16));
    assert_eq!(desk.sweep_housekeeping().await.tries, 2);
}

async fn another_password_ends_the_other_sign_ins_and_is_told_by_mail(desk: TestDesk) {
    let desk = desk.with_passwords();
    let acme = desk.organization("acme").await;
    let email = &acme.requester.email;
    let mut first = with_password(&desk, email, GOOD).await;
    let mut second = tries(&desk, email, GOOD).await;
    let mut other = desk.signed_in(&acme.agent.email).await;
    set(&mut second, "acme", OTHER).await;
    assert_eq!(second.path(), "/o/acme/me?done=password");
    first.visit("/o/acme/home").await;
    assert_eq!(first.path(), "/sign-in?next=/o/acme/home");
    other.visit("/o/acme/home").await;
    assert_eq!(other.path(), "/o/acme/home");
    let letter = desk.letters().await.pop().unwrap();
    assert_eq!(letter.address.as_deref(), Some(email.as_str()));
    assert!(letter.body.contains("was set"), "{}", letter.body);
    assert_eq!(tries(&desk, email, GOOD).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(tries(&desk, email, OTHER).await.path(), "/o/acme/home");
}

async fn a_password_is_of_one_account_and_opens_the_organization_that_was_asked_for(
    desk: TestDesk,
) {
    let desk = desk.with_passwords();
    let acme = desk.organization("acme").await;
    let beta = desk.organization("beta").await;
    let shared = "both@everywhere.example";
    for org in [&acme, &beta] {
        let new = serde_json::json!({ "name": format!("Both of {}", org.key), "email": shared });
        let _ = org.admin.client.post("/people", new).await.created();
    }
    // Each of them sets one, in the browser that its own link signed in.
    for (org, password) in [("acme", GOOD), ("beta", OTHER)] {
        let mut visitor = desk.visitor();
        visitor.visit("/sign-in").await.fill("E-mail address", shared);
        visitor.press("Send me a link instead").await;
        let letters = desk.letters().await;
        let subject = format!("Sign in to {org}");
        let letter = letters.iter().find(|letter| letter.subject == subject).unwrap();
        visitor
            .visit(link_in(&letter.body))
            .await
            .press(&format!("Sign in as Both of {org}"))
            .await;
        set(&mut visitor, org, password).await;
        assert_eq!(desk.letters().await.len(), 1);
    }
    assert_eq!(tries(&desk, shared, GOOD).await.path(), "/o/acme/home");
    assert_eq!(tries(&desk, shared, OTHER).await.path(), "/o/beta/home");
    // The same one for both opens what was asked for.
    let mut visitor = tries(&desk, shared, OTHER).await;
    set(&mut visitor, "beta", GOOD).await;
    assert_eq!(desk.letters().await.len(), 1);
    assert_eq!(tries(&desk, shared, GOOD).await.path(), "/o/acme/home");
    let mut visitor = desk.visitor();
    visitor.visit("/o/beta/my").await;
    enter(&mut visitor, shared, GOOD).await;
    assert_eq!((visitor.path(), visitor.status()), ("/o/beta/my", StatusCode::OK));
}

async fn who_leaves_loses_their_password(desk: TestDesk) {
    let desk = desk.with_passwords();
    let acme = desk.organization("acme").await;
    let email = &acme.requester.email;
    drop(with_password(&desk, email, GOOD).await);
    let path = format!("/people/{}", acme.requester.id);
    for active in [false, true] {
        let person = acme.admin.client.get(&path).await.ok();
        let version = person["version"].as_i64().unwrap();
        let change = serde_json::json!({ "active": active });
        let _ = acme.admin.client.patch(&path, version, change).await.ok();
        let refused = tries(&desk, email, GOOD).await;
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
}

async fn a_password_is_nowhere_to_be_read(desk: TestDesk) {
    let desk = desk.with_passwords();
    let acme = desk.organization("acme").await;
    let mut visitor = with_password(&desk, &acme.requester.email, GOOD).await;
    let admin = &acme.admin.client;
    for path in ["/people", "/outbox", "/events", "/organizations/acme"] {
        let answer = format!("{:?}", admin.get(path).await);
        assert!(!answer.contains("argon2") && !answer.contains(GOOD), "{path}: {answer}");
    }
    for path in ["/o/acme/me", "/o/acme/me/password", "/o/acme/home"] {
        visitor.visit(path).await;
        assert!(!visitor.html().contains("argon2") && !visitor.html().contains(GOOD), "{path}");
    }
    // No table but its own has anything of it, and its own not what was typed.
    let person = acme.requester.id.parse().unwrap();
    let mut tx = desk.store.read(org_of(&desk, "acme").await).await.unwrap();
    let kept = password::of_person(&mut tx, person).await.unwrap().unwrap();
    assert!(kept.phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", kept.phc);
    assert!(!kept.phc.contains(GOOD));
}

async fn org_of(desk: &TestDesk, key: &str) -> OrgId {
    let key = key.parse().unwrap();
    waypost_app::organizations::by_key(&desk.desk, &key).await.unwrap().id
}

async fn power_asks_again_after_half_an_hour_and_goes_on(desk: TestDesk) {
    let desk = desk.with_passwords();
    let acme = desk.organization("acme").await;
    let email = &acme.requester.email;
    let mut visitor = with_password(&desk, email, GOOD).await;
    desk.clock.advance(TimeDelta::minutes(29));
    visitor.visit("/o/acme/me/password").await;
    assert_eq!(visitor.path(), "/o/acme/me/password");
    visitor.visit("/o/acme/me").await;
    let shown = visitor.clone();
    assert!(visitor.buttons().contains(&"Appoint the stand-in".to_owned()));

    desk.clock.advance(TimeDelta::minutes(1));
    // What was shown before is asked again as well, and not done.
    let mut late = shown;
    late.fill("Who votes for you", &acme.manager.email).fill("Until", "2026-06-08T12:00");
    late.press("Appoint the stand-in").await;
    assert_eq!(late.path(), "/o/acme/me/again?next=/o/acme/me");
    assert!(late.text().contains("is not kept"), "{}", late.text());
    let fields = [("password", OTHER), ("again", OTHER)];
    for path in ["/o/acme/me/password", "/o/acme/me/password/remove"] {
        late.post(path, &fields, &[]).await;
        assert_eq!(late.path(), "/o/acme/me/again?next=/o/acme/me/password", "{path}");
    }
    visitor.visit("/o/acme/me").await;
    assert!(!visitor.buttons().contains(&"Appoint the stand-in".to_owned()));
    visitor.click("Sign in again").await;
    let before = visitor.cookie(COOKIE).unwrap().to_owned();
    visitor.fill("Password", OTHER).press("Go on").await;
    assert_eq!(visitor.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(visitor.text().contains("This is not your password"), "{}", visitor.text());
    visitor.fill("Password", GOOD).press("Go on").await;
    assert_eq!(visitor.path(), "/o/acme/me");
    assert_ne!(visitor.cookie(COOKIE), Some(before.as_str()));
    // The secret that the browser had before is good for nothing.
    late.visit("/o/acme/home").await;
    assert_eq!(late.path(), "/sign-in?next=/o/acme/home");
    visitor.fill("Who votes for you", &acme.manager.email).fill("Until", "2026-06-08T12:00");
    visitor.fill("Why", "Holiday").press("Appoint the stand-in").await;
    assert!(visitor.path().starts_with("/o/acme/me?done=delegate_vote"), "{}", visitor.text());
    // It is the same sign-in.
    assert_eq!(visitor.text().matches("Firefox, Linux").count(), 1, "{}", visitor.text());

    desk.ignore_mail();
}

async fn strangers_keep_nobody_from_proving_who_they_are(desk: TestDesk) {
    let desk = desk.with_passwords();
    let acme = desk.organization("acme").await;
    let email = &acme.requester.email;
    let mut visitor = with_password(&desk, email, GOOD).await;
    desk.clock.advance(TimeDelta::minutes(31));
    for _ in 0..6 {
        let _ = tries(&desk, email, OTHER).await;
        let mut stranger = desk.visitor();
        stranger.visit("/sign-in").await.fill("E-mail address", email);
        stranger.press("Send me a link instead").await;
    }
    assert_eq!(tries(&desk, email, GOOD).await.status(), StatusCode::TOO_MANY_REQUESTS);
    // Five links and a warning.
    assert_eq!(desk.letters().await.len(), 6);
    visitor.visit("/o/acme/me/password").await;
    visitor.fill("Password", GOOD).press("Go on").await;
    assert_eq!(visitor.path(), "/o/acme/me/password");

    // Whoever guesses there is stopped there, and the owner is told.
    desk.clock.advance(TimeDelta::minutes(31));
    visitor.visit("/o/acme/me/password").await;
    for _ in 0..5 {
        visitor.fill("Password", OTHER).press("Go on").await;
        assert_eq!(visitor.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
    visitor.fill("Password", GOOD).press("Go on").await;
    assert_eq!(visitor.status(), StatusCode::TOO_MANY_REQUESTS);
    let letters = desk.letters().await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].subject, "Somebody tried your password at acme");
    // That is no try at the door.
    assert_eq!(tries(&desk, email, GOOD).await.path(), "/o/acme/home");

    // A link is on its way only while the page says so.
    for _ in 0..5 {
        visitor.visit("/o/acme/me/again").await.press("Send me a link instead").await;
        assert!(visitor.text().contains("A message is on its way to you"), "{}", visitor.text());
    }
    visitor.visit("/o/acme/me/again").await.press("Send me a link instead").await;
    assert_eq!(visitor.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(visitor.text().contains("No further message was sent"), "{}", visitor.text());
    assert_eq!(desk.letters().await.len(), 5);
}

async fn power_asks_for_a_link_where_there_is_no_password(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let mut visitor = desk.signed_in(&acme.requester.email).await;
    desk.clock.advance(TimeDelta::minutes(30));
    visitor.visit("/o/acme/me").await.click("Sign in again").await;
    assert!(!visitor.html().contains("type=\"password\""));
    visitor.press("Send me a link").await;
    assert!(visitor.text().contains("A message is on its way to you"), "{}", visitor.text());
    let letter = desk.letters().await.pop().unwrap();
    visitor.visit(link_in(&letter.body)).await.press("Sign in as requester of acme").await;
    assert_eq!(visitor.path(), "/o/acme/me");
    assert!(visitor.buttons().contains(&"Appoint the stand-in".to_owned()));
    // Nobody is led elsewhere.
    visitor.visit("/o/acme/me/again?next=//evil.example").await;
    assert!(!visitor.html().contains("evil"), "{}", visitor.html());
}

async fn a_password_that_cost_less_is_hashed_anew(desk: TestDesk) {
    let desk = desk.with_passwords();
    let acme = desk.organization("acme").await;
    let email = &acme.requester.email;
    drop(with_password(&desk, email, GOOD).await);
    let cheap = CHEAP;
    let org = org_of(&desk, "acme").await;
    let person = acme.requester.id.parse().unwrap();
    let mut tx = desk.store.write(org).await.unwrap();
    let kept = password::of_person(&mut tx, person).await.unwrap().unwrap();
    assert!(password::renew(&mut tx, &kept, cheap).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(tries(&desk, email, GOOD).await.path(), "/o/acme/home");
    let mut tx = desk.store.read(org).await.unwrap();
    let renewed = password::of_person(&mut tx, person).await.unwrap().unwrap();
    assert!(renewed.phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", renewed.phc);
    assert_eq!(renewed.set_at, kept.set_at);
    drop(tx);
    assert_eq!(tries(&desk, email, GOOD).await.path(), "/o/acme/home");
}

async fn who_gets_another_address_begins_anew(desk: TestDesk) {
    let desk = desk.with_passwords();
    let acme = desk.organization("acme").await;
    let email = &acme.requester.email;
    let mut visitor = with_password(&desk, email, GOOD).await;
    let mut asking = desk.visitor();
    asking.visit("/sign-in").await.fill("E-mail address", email);
    asking.press("Send me a link instead").await;
    let letter = desk.letters().await.pop().unwrap();
    let path = format!("/people/{}", acme.requester.id);
    let person = acme.admin.client.get(&path).await.ok();
    let version = person["version"].as_i64().unwrap();
    let change = serde_json::json!({ "email": "another@acme.example" });
    let _ = acme.admin.client.patch(&path, version, change).await.ok();
    visitor.visit("/o/acme/home").await;
    assert_eq!(visitor.path(), "/sign-in?next=/o/acme/home");
    asking.visit(link_in(&letter.body)).await;
    assert_eq!(asking.status(), StatusCode::GONE);
    for address in [email, "another@acme.example"] {
        let refused = tries(&desk, address, GOOD).await;
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY, "{address}");
    }
}

async fn whoever_gets_in_forgives_nobody_else_s_tries(desk: TestDesk) {
    let desk = desk.with_passwords();
    let acme = desk.organization("acme").await;
    let email = &acme.requester.email;
    drop(with_password(&desk, email, GOOD).await);
    for _ in 0..4 {
        let wrong = tries(&desk, email, OTHER).await;
        assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);
        // However often.
        assert_eq!(tries(&desk, email, GOOD).await.path(), "/o/acme/home");
    }
    let wrong = tries(&desk, email, OTHER).await;
    assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(tries(&desk, email, GOOD).await.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(desk.letters().await.len(), 1);
}

async fn more_accounts_with_an_address_push_no_password_out(desk: TestDesk) {
    let desk = desk.with_passwords();
    let shared = "all@everywhere.example";
    for (number, key) in ["acme", "beta", "gamma", "delta"].into_iter().enumerate() {
        let org = desk.organization(key).await;
        let new = serde_json::json!({ "name": "All", "email": shared });
        let person = org.admin.client.post("/people", new).await.created();
        if number == 0 {
            drop(with_password(&desk, shared, OTHER).await);
            continue;
        }
        desk.clock.advance(TimeDelta::seconds(1));
        let kept = PasswordHash {
            org: org_of(&desk, key).await,
            person: person["id"].as_str().unwrap().parse().unwrap(),
            phc: CHEAP.to_owned(),
            set_at: desk.clock.now(),
        };
        let mut tx = desk.store.write(kept.org).await.unwrap();
        password::put(&mut tx, &kept).await.unwrap();
        tx.commit().await.unwrap();
    }
    // That of the oldest account is compared, and that of the organization that was asked for.
    assert_eq!(tries(&desk, shared, OTHER).await.path(), "/o/acme/home");
    let before = desk.desk.passwords_hashed();
    let mut visitor = desk.visitor();
    visitor.visit("/o/delta/my").await;
    enter(&mut visitor, shared, GOOD).await;
    assert_eq!((visitor.path(), visitor.status()), ("/o/delta/my", StatusCode::OK));
    // And hashed anew.
    assert_eq!(desk.desk.passwords_hashed() - before, 4);
}

async fn whoever_hangs_up_has_tried_as_well(desk: TestDesk) {
    let desk = desk.with_passwords();
    let acme = desk.organization("acme").await;
    let email = &acme.requester.email;
    drop(with_password(&desk, email, GOOD).await);
    let from = "192.0.2.7".parse().unwrap();
    let hang_up = async |address: &str| {
        let mut visitor = desk.visitor().coming_from(from);
        visitor.visit("/sign-in").await;
        let before = desk.desk.passwords_hashed();
        let hashed = async |so_many: u64| {
            while desk.desk.passwords_hashed() < before + so_many {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            () = hashed(1) => {}
            () = enter(&mut visitor, address, OTHER) => panic!("it was answered"),
        }
        // What was begun goes on without them.
        hashed(3).await;
    };
    for _ in 0..5 {
        hang_up(email).await;
    }
    // Nobody looks any more, and the owner hears of it, once.
    for _ in 0..24 {
        let mut visitor = desk.visitor().coming_from(from);
        visitor.visit("/sign-in").await;
        enter(&mut visitor, email, GOOD).await;
        assert_eq!(visitor.status(), StatusCode::TOO_MANY_REQUESTS);
        assert!(visitor.text().contains("Try again in"), "{}", visitor.text());
    }
    let letters = desk.letters().await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].subject, "Somebody tried your password at acme");
    // The thirtieth from there, and the next one is refused at any address.
    hang_up("nobody@acme.example").await;
    let mut visitor = desk.visitor().coming_from(from);
    visitor.visit("/sign-in").await;
    enter(&mut visitor, "another@acme.example", GOOD).await;
    assert_eq!(visitor.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(!visitor.text().contains("Try again in"), "{}", visitor.text());
}

async fn whom_an_administrator_signs_out_loses_their_password_and_is_told(desk: TestDesk) {
    let desk = desk.with_passwords();
    let acme = desk.organization("acme").await;
    let email = &acme.requester.email;
    let mut visitor = with_password(&desk, email, GOOD).await;
    let mut asking = desk.visitor();
    asking.visit("/sign-in").await.fill("E-mail address", email);
    asking.press("Send me a link instead").await;
    let link = desk.letters().await.pop().unwrap();
    let operator = Caller::operator(org_of(&desk, "acme").await, desk.clock.now());
    let person = acme.requester.id.parse().unwrap();
    let letter = |to: &Receiver| Letter {
        subject: format!("Signed out at {}", to.organization.key),
        body: to.name.clone(),
    };
    let ended = sign_ins::end_all_of(&desk.desk, &operator, person, letter).await.unwrap();
    assert_eq!(ended, Ended { sign_ins: 1, password: true });
    let letters = desk.letters().await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].address.as_deref(), Some(email.as_str()));
    assert_eq!(letters[0].subject, "Signed out at acme");
    visitor.visit("/o/acme/home").await;
    assert_eq!(visitor.path(), "/sign-in?next=/o/acme/home");
    asking.visit(link_in(&link.body)).await;
    assert_eq!(asking.status(), StatusCode::GONE);
    let refused = tries(&desk, email, GOOD).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    // Once more, there is nothing to tell.
    let ended = sign_ins::end_all_of(&desk.desk, &operator, person, letter).await.unwrap();
    assert_eq!(ended, Ended { sign_ins: 0, password: false });
    assert_eq!(desk.letters().await.len(), 0);
}

async fn a_browser_that_was_signed_out_meanwhile_sets_and_removes_no_password(desk: TestDesk) {
    let desk = desk.with_passwords();
    let acme = desk.organization("acme").await;
    let email = &acme.requester.email;
    let visitor = with_password(&desk, email, GOOD).await;
    let secret = visitor.cookie(COOKIE).unwrap();
    let now = desk.clock.now();
    let who = sign_ins::authenticate(&desk.desk, secret, None, now).await.unwrap();
    sign_ins::sign_out(&desk.desk, &who).await.unwrap();
    let letter = |_: &Receiver| Letter { subject: String::new(), body: String::new() };
    let refused = [
        passwords::set(&desk.desk, &who, &Password::of(OTHER), letter).await,
        passwords::remove(&desk.desk, &who, letter).await,
    ];
    for refused in refused {
        assert!(matches!(refused, Err(CommandError::Forbidden(_))), "{refused:?}");
    }
    assert_eq!(desk.letters().await.len(), 0);
    assert_eq!(tries(&desk, email, GOOD).await.path(), "/o/acme/home");
}

async fn another_password_uses_up_the_links_that_were_sent(desk: TestDesk) {
    let desk = desk.with_passwords();
    let acme = desk.organization("acme").await;
    let email = &acme.requester.email;
    let mut visitor = with_password(&desk, email, GOOD).await;
    let mut asking = desk.visitor();
    asking.visit("/sign-in").await.fill("E-mail address", email);
    asking.press("Send me a link instead").await;
    let letter = desk.letters().await.pop().unwrap();
    set(&mut visitor, "acme", OTHER).await;
    asking.visit(link_in(&letter.body)).await;
    assert_eq!(asking.status(), StatusCode::GONE);
    assert_eq!(desk.letters().await.len(), 1);
}
