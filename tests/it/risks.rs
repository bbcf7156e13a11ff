//! Risks: problems that are not fixed, because somebody agreed to live with them.

use axum::http::StatusCode;
use chrono::TimeDelta;
use serde_json::{Value, json};
use waypost_app::{Clock, upkeep::Upkept};
use waypost_test_support::{Org, TestDesk, on_both_engines};

use crate::{
    approvals::{asked, decide},
    problems::{analyzed, assessor, edit, fixed, in_repair, last_event, number, suspect},
    upkeep::sweep,
};

on_both_engines! {
    a_risk_is_accepted_only_with_the_vote_of_the_service_owner
    a_vote_is_on_the_risk_as_it_was_shown
    the_owner_of_another_service_decides_for_themselves
    a_refused_risk_is_not_accepted
    without_an_owner_of_the_service_the_fallback_approver_votes_on_a_risk
    the_review_of_an_accepted_risk_opens_a_task_once
    the_review_of_an_accepted_risk_is_due_after_its_problem_is_closed
}

fn in_days(desk: &TestDesk, days: i64) -> String {
    (desk.clock.now() + TimeDelta::days(days)).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

pub(crate) fn risk(acme: &Org<'_>, days: i64) -> Value {
    json!({ "risk_owner": acme.admin.id, "risk_review_at": in_days(acme.desk, days),
            "reason": "the vendor is gone" })
}

pub(crate) fn accepted() -> Value {
    json!({ "resolution_code": "risk_accepted", "resolution_notes": "we live with it" })
}

async fn a_risk_is_accepted_only_with_the_vote_of_the_service_owner(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let problem = analyzed(&acme, "The portal is slow").await;
    let early = agent.act(&problem, "resolve", accepted()).await;
    assert_eq!((early.status, early.slug()), (StatusCode::CONFLICT, "approval-required"));

    let waiting = agent.act(&problem, "request_approval", risk(&acme, 90)).await.ok();

    assert_eq!(waiting["state"], "root_cause_analysis", "asking moves nothing");
    assert_eq!(waiting["problem"]["risk_owner"]["id"], json!(acme.admin.id));
    assert_eq!(waiting["problem"]["risk_review_at"], json!(in_days(&desk, 90)));
    let early = agent.act(&problem, "resolve", accepted()).await;
    assert_eq!((early.status, early.slug()), (StatusCode::CONFLICT, "approval-required"));
    let twice = agent.act(&problem, "request_approval", risk(&acme, 90)).await;
    assert_eq!((twice.status, twice.slug()), (StatusCode::CONFLICT, "guard-failed"));
    // The owner of the service sees the problem while their vote is awaited.
    let votes = asked(&acme.manager).await;
    assert_eq!((votes.len(), &votes[0]["ticket"]), (1, &problem["number"]));
    assert_eq!(acme.manager.client.again(&problem).await["id"], problem["id"]);

    let round = decide(&acme.manager, "approve", Some("cheaper than a new portal")).await;

    assert_eq!(round["outcome"], "approved");
    let event = last_event(agent, &problem).await;
    assert_eq!(event["action"], "approve", "{event}");
    let now = agent.again(&problem).await;
    assert_eq!(now["state"], "root_cause_analysis", "the vote moves nothing");
    let resolved = agent.act(&problem, "resolve", accepted()).await.ok();
    assert_eq!(resolved["state"], "resolved");
    assert_eq!(resolved["resolution"]["code"], "risk_accepted");
}

async fn a_vote_is_on_the_risk_as_it_was_shown(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let problem = analyzed(&acme, "The portal is slow").await;
    let _ = agent.act(&problem, "request_approval", risk(&acme, 90)).await.ok();
    let _ = decide(&acme.manager, "approve", None).await;

    let _ = edit(agent, &problem, json!({ "root_cause": "It loses orders, too" })).await;

    let refused = agent.act(&problem, "resolve", accepted()).await;
    assert_eq!((refused.status, refused.slug()), (StatusCode::CONFLICT, "approval-required"));
    // What the owner agrees to now counts.
    let _ = agent.act(&problem, "request_approval", risk(&acme, 90)).await.ok();
    let _ = decide(&acme.manager, "approve", None).await;
    let _ = agent.act(&problem, "resolve", accepted()).await.ok();
}

async fn a_refused_risk_is_not_accepted(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let problem = in_repair(&acme, "The portal is slow").await;
    let _ = agent.act(&problem, "request_approval", risk(&acme, 90)).await.ok();

    let round = decide(&acme.manager, "reject", Some("We lose orders")).await;

    assert_eq!(round["outcome"], "rejected");
    assert_eq!(agent.again(&problem).await["state"], "fix_in_progress");
    let refused = agent.act(&problem, "resolve", accepted()).await;
    assert_eq!((refused.status, refused.slug()), (StatusCode::CONFLICT, "approval-required"));
    let rounds = agent.of(&problem, "approvals").await.items();
    assert_eq!((rounds.len(), &rounds[0]["outcome"]), (1, &json!("rejected")));
    // The fix goes on; an approval that is open when it is resolved asks nobody any more.
    let _ = agent.act(&problem, "request_approval", risk(&acme, 90)).await.ok();
    let _ = agent.act(&problem, "resolve", fixed()).await.ok();
    assert!(asked(&acme.manager).await.is_empty());
    assert_eq!(last_event(agent, &problem).await["action"], "void_approval");
}

async fn without_an_owner_of_the_service_the_fallback_approver_votes_on_a_risk(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let plain = json!({ "key": "intranet", "name": "Intranet", "support_team": "network" });
    let _ = acme.admin.client.post("/services", plain).await.created();
    let problem = suspect(&acme, "The intranet is slow").await;
    let _ = agent.act(&problem, "assess", assessor(&acme)).await.ok();
    let unowned = json!({ "impact": 3, "urgency": 3, "service": "intranet" });
    let _ = agent.act(&problem, "confirm", unowned).await.ok();

    let _ = agent.act(&problem, "request_approval", risk(&acme, 90)).await.ok();

    let round = decide(&acme.admin, "approve", None).await;
    assert_eq!(round["outcome"], "approved");
    let _ = agent.act(&problem, "resolve", accepted()).await.ok();
    desk.ignore_mail();
}

/// A problem whose risk is accepted for so many days.
async fn lived_with(acme: &Org<'_>, days: i64) -> Value {
    let problem = analyzed(acme, "The portal is slow").await;
    let agent = &acme.agent.client;
    let _ = agent.act(&problem, "request_approval", risk(acme, days)).await.ok();
    let _ = decide(&acme.manager, "approve", None).await;
    agent.act(&problem, "resolve", accepted()).await.ok()
}

async fn the_review_of_an_accepted_risk_opens_a_task_once(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let problem = lived_with(&acme, 90).await;
    desk.clock.advance(TimeDelta::days(89));
    assert_eq!(sweep(&desk).await, Upkept::default());
    desk.clock.advance(TimeDelta::days(1));

    assert_eq!(sweep(&desk).await, Upkept { risk_reviews: 1, ..Upkept::default() });
    assert_eq!(sweep(&desk).await, Upkept::default());

    let tasks = agent.of(&problem, "tasks").await.items();
    assert_eq!(tasks.len(), 1);
    let expected = format!("Review the accepted risk of {}", number(&problem));
    assert_eq!(tasks[0]["short_description"], json!(expected));
    assert_eq!((&tasks[0]["state"], &tasks[0]["team"]["key"]), (&json!("open"), &json!("network")));
    assert_eq!(tasks[0]["parent"]["number"], problem["number"]);
    let now = agent.again(&problem).await;
    assert_eq!(now["problem"]["tasks"], json!({ "open": 1, "total": 1 }));
    // A later date is another review.
    let _ = agent.act(&tasks[0], "complete", json!({})).await.ok();
    let _ = edit(agent, &problem, json!({ "risk_review_at": in_days(&desk, 30) })).await;
    desk.clock.advance(TimeDelta::days(30));
    assert_eq!(sweep(&desk).await, Upkept { risk_reviews: 1, ..Upkept::default() });
}

async fn the_review_of_an_accepted_risk_is_due_after_its_problem_is_closed(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let problem = lived_with(&acme, 90).await;
    let reason = json!({ "no_article_reason": "the vendor is gone" });
    let _ = agent.act(&problem, "close", reason).await.ok();
    desk.clock.advance(TimeDelta::days(90));

    assert_eq!(sweep(&desk).await, Upkept { risk_reviews: 1, ..Upkept::default() });
    assert_eq!(sweep(&desk).await, Upkept::default());

    let tasks = agent.of(&problem, "tasks").await.items();
    assert_eq!((tasks.len(), &tasks[0]["state"]), (1, &json!("open")));
}

async fn the_owner_of_another_service_decides_for_themselves(desk: TestDesk) {
    let acme = desk.organization("acme").await;
    let agent = &acme.agent.client;
    let service = json!({
        "key": "payroll", "name": "Payroll", "owner": acme.admin.id, "support_team": "network",
    });
    let _ = acme.admin.client.post("/services", service).await.created();
    let problem = analyzed(&acme, "The portal is slow").await;
    let _ = agent.act(&problem, "request_approval", risk(&acme, 90)).await.ok();
    let _ = decide(&acme.manager, "approve", None).await;

    let _ = edit(agent, &problem, json!({ "service": "payroll" })).await;

    let refused = agent.act(&problem, "resolve", accepted()).await;
    assert_eq!((refused.status, refused.slug()), (StatusCode::CONFLICT, "approval-required"));
    let again = json!({ "risk_owner": acme.agent.id, "risk_review_at": in_days(&desk, 90),
                        "reason": "the vendor is gone" });
    let _ = agent.act(&problem, "request_approval", again).await.ok();
    assert!(asked(&acme.manager).await.is_empty());
    let _ = decide(&acme.admin, "approve", None).await;
    let _ = agent.act(&problem, "resolve", accepted()).await.ok();
}
