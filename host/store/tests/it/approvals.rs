//! Approvals: a round comes back whole, and is found by those who wait for it.

use waypost_domain::{
    approval::{Approval, Outcome, Quorum, SeatRequest, SeatState, Stage, StageRule, Step},
    ids::{ApprovalId, ApprovalRequestId, DelegationId, PersonId, ReceiptId},
    ticket::Ticket,
};
use waypost_store::{Store, StoreError, approval, on_both_engines, testing};

use crate::fixture::{self, Tree, at, stored_ticket, tree};

on_both_engines! {
    a_round_comes_back_whole
    a_changed_round_is_written_whole
    a_stale_round_is_not_written
    a_round_s_number_is_given_once
    people_find_what_waits_for_them
    stalled_rounds_are_found
    pending_rounds_are_listed_page_by_page
    approvals_of_organizations_are_apart
    unreadable_rounds_are_reported
}

fn seat(voter: PersonId, state: SeatState, asked: Option<i64>) -> SeatRequest {
    SeatRequest {
        id: ApprovalRequestId(fixture::id()),
        seat: PersonId(fixture::id()),
        voter,
        mandatory: true,
        delegation: Some(DelegationId(fixture::id())),
        state,
        requested_at: asked.map(at),
        decided_at: None,
        comment: None,
        reminder_count: 0,
        escalated_at: None,
    }
}

fn step(name: &str, quorum: Quorum, requests: Vec<SeatRequest>) -> Step {
    Step {
        name: name.to_owned(),
        quorum,
        veto: true,
        due_at: None,
        due_hours: Some(24),
        requests,
        outcome: Outcome::Pending,
    }
}

/// Two stages, four steps, with every kind of quorum.
pub(crate) fn round_of(ticket: &Ticket, round: i64, voters: &[PersonId; 2]) -> Approval {
    let open = |voter| seat(voter, SeatState::Requested, Some(10));
    let closed = |voter| seat(voter, SeatState::Waiting, None);
    Approval {
        id: ApprovalId(fixture::id()),
        org: ticket.org,
        subject: ticket.id.into(),
        round,
        stages: vec![
            Stage {
                rule: StageRule::Any,
                steps: vec![
                    step("manager", Quorum::All, vec![open(voters[0]), open(voters[1])]),
                    step("owner", Quorum::Count(1), vec![open(voters[1])]),
                ],
                outcome: Outcome::Pending,
            },
            Stage {
                rule: StageRule::FirstDecided,
                steps: vec![
                    step("board", Quorum::Percent(60), vec![closed(voters[0])]),
                    step("anybody", Quorum::Any, vec![]),
                    step("most", Quorum::Majority, vec![closed(voters[1])]),
                ],
                outcome: Outcome::Waiting,
            },
        ],
        outcome: Outcome::Pending,
        content_digest: "of what was shown".to_owned(),
        receipt: Some(ReceiptId(fixture::id())),
        created_at: at(1),
        decided_at: None,
        version: 1,
    }
}

fn voters() -> [PersonId; 2] {
    [PersonId(fixture::id()), PersonId(fixture::id())]
}

async fn stored(store: &Store, approval: &Approval) {
    let mut tx = store.write(approval.org).await.unwrap();
    approval::insert(&mut tx, approval).await.unwrap();
    tx.commit().await.unwrap();
}

async fn a_round_comes_back_whole(store: Store) {
    let org = tree(&store).await.client;
    let ticket = stored_ticket(&store, &org).await;
    let round = round_of(&ticket, 1, &voters());
    stored(&store, &round).await;
    let mut tx = store.read(org.id).await.unwrap();
    assert_eq!(approval::find(&mut tx, round.id).await.unwrap(), Some(round.clone()));
    let request = round.stages[0].steps[1].requests[0].id;
    assert_eq!(approval::find_request(&mut tx, request).await.unwrap(), Some(round.clone()));
    let open = approval::open_of(&mut tx, ticket.id.into()).await.unwrap();
    assert_eq!(open, Some(round.clone()));
    assert_eq!(approval::of(&mut tx, ticket.id.into()).await.unwrap(), [round]);
    let nobodys = ApprovalRequestId(fixture::id());
    assert_eq!(approval::find_request(&mut tx, nobodys).await.unwrap(), None);
}

async fn a_changed_round_is_written_whole(store: Store) {
    let org = tree(&store).await.client;
    let ticket = stored_ticket(&store, &org).await;
    let mut first = round_of(&ticket, 1, &voters());
    stored(&store, &first).await;

    first.outcome = Outcome::Rejected;
    first.decided_at = Some(at(20));
    first.stages[0].outcome = Outcome::Rejected;
    let step = &mut first.stages[0].steps[0];
    step.due_at = Some(at(30));
    step.outcome = Outcome::Rejected;
    step.requests[0].state = SeatState::Delegated;
    step.requests[0].decided_at = Some(at(19));
    step.requests[1].state = SeatState::Rejected;
    step.requests[1].comment = Some("too dear".to_owned());
    step.requests[1].reminder_count = 2;
    step.requests[1].escalated_at = Some(at(18));
    let delegate = seat(PersonId(fixture::id()), SeatState::Cancelled, Some(12));
    step.requests.push(delegate);
    let mut tx = store.write(org.id).await.unwrap();
    approval::update(&mut tx, &mut first).await.unwrap();
    assert_eq!(first.version, 2);
    assert_eq!(approval::find(&mut tx, first.id).await.unwrap(), Some(first.clone()));
    assert_eq!(approval::open_of(&mut tx, ticket.id.into()).await.unwrap(), None);

    let second = round_of(&ticket, 2, &voters());
    approval::insert(&mut tx, &second).await.unwrap();
    let latest = approval::latest_of(&mut tx, ticket.id.into()).await.unwrap();
    assert_eq!(latest.as_ref(), Some(&second));
    assert_eq!(approval::of(&mut tx, ticket.id.into()).await.unwrap(), [first, second]);
}

async fn a_stale_round_is_not_written(store: Store) {
    let org = tree(&store).await.client;
    let ticket = stored_ticket(&store, &org).await;
    let mut round = round_of(&ticket, 1, &voters());
    stored(&store, &round).await;
    let mut late = round.clone();
    let mut tx = store.write(org.id).await.unwrap();
    approval::update(&mut tx, &mut round).await.unwrap();
    let refused = approval::update(&mut tx, &mut late).await;
    assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
}

async fn a_round_s_number_is_given_once(store: Store) {
    let org = tree(&store).await.client;
    let ticket = stored_ticket(&store, &org).await;
    stored(&store, &round_of(&ticket, 1, &voters())).await;
    let mut tx = store.write(org.id).await.unwrap();
    let refused = approval::insert(&mut tx, &round_of(&ticket, 1, &voters())).await;
    assert!(matches!(refused, Err(StoreError::Taken("round"))), "{refused:?}");
}

async fn people_find_what_waits_for_them(store: Store) {
    let org = tree(&store).await.client;
    let voters = voters();
    let late = round_of(&stored_ticket(&store, &org).await, 1, &voters);
    let mut early = round_of(&stored_ticket(&store, &org).await, 1, &voters);
    early.stages[0].steps[0].requests[0].requested_at = Some(at(3));
    early.stages[0].steps[0].requests[1].state = SeatState::Approved;
    early.stages[0].steps[1].requests[0].state = SeatState::Cancelled;
    stored(&store, &late).await;
    stored(&store, &early).await;
    let mut tx = store.read(org.id).await.unwrap();
    let waiting = approval::waiting_for(&mut tx, voters[0], 10).await.unwrap();
    assert_eq!(waiting, [early.clone(), late.clone()]);
    assert_eq!(approval::waiting_for(&mut tx, voters[0], 1).await.unwrap(), [early]);
    assert_eq!(approval::waiting_for(&mut tx, voters[1], 10).await.unwrap(), [late]);
    let nobody = PersonId(fixture::id());
    assert_eq!(approval::waiting_for(&mut tx, nobody, 10).await.unwrap(), []);
    drop(tx);

    // What is theirs waits for them also while somebody else is asked for it.
    let mut passed_on = round_of(&stored_ticket(&store, &org).await, 1, &voters);
    passed_on.stages[0].steps[0].requests[0].seat = nobody;
    stored(&store, &passed_on).await;
    let mut tx = store.read(org.id).await.unwrap();
    assert_eq!(approval::waiting_for(&mut tx, nobody, 10).await.unwrap(), [passed_on]);
}

async fn stalled_rounds_are_found(store: Store) {
    let org = tree(&store).await.client;
    let fresh = round_of(&stored_ticket(&store, &org).await, 1, &voters());
    let mut old = round_of(&stored_ticket(&store, &org).await, 1, &voters());
    old.stages[0].steps[0].requests[0].requested_at = Some(at(2));
    let mut due = round_of(&stored_ticket(&store, &org).await, 1, &voters());
    due.stages[0].steps[1].due_at = Some(at(40));
    for round in [&fresh, &old, &due] {
        stored(&store, round).await;
    }
    let mut expected = [old.clone(), due.clone()];
    expected.sort_by_key(|round| round.id);
    let mut tx = store.read(org.id).await.unwrap();
    assert_eq!(approval::stalled(&mut tx, at(5), at(39), None, 10).await.unwrap(), [old.id]);
    let found = approval::stalled(&mut tx, at(5), at(40), None, 10).await.unwrap();
    assert_eq!(approval::find_many(&mut tx, &found).await.unwrap(), expected);
    let expected = found;
    let (first, second) = (&expected[..1], &expected[1..]);
    assert_eq!(approval::stalled(&mut tx, at(5), at(40), None, 1).await.unwrap(), first);
    let after = Some(first[0]);
    assert_eq!(approval::stalled(&mut tx, at(5), at(40), after, 1).await.unwrap(), second);
    assert_eq!(approval::stalled(&mut tx, at(5), at(40), Some(second[0]), 1).await.unwrap(), []);
}

async fn pending_rounds_are_listed_page_by_page(store: Store) {
    let org = tree(&store).await.client;
    let asked = round_of(&stored_ticket(&store, &org).await, 1, &voters());
    let mut missing = round_of(&stored_ticket(&store, &org).await, 1, &voters());
    for step in missing.stages.iter_mut().flat_map(|stage| &mut stage.steps) {
        step.requests.clear();
    }
    let mut over = round_of(&stored_ticket(&store, &org).await, 1, &voters());
    let _ = over.cancel(at(9));
    for round in [&asked, &missing, &over] {
        stored(&store, round).await;
    }
    let mut expected = [asked.id, missing.id];
    expected.sort();
    let mut tx = store.read(org.id).await.unwrap();
    assert_eq!(approval::pending(&mut tx, None, 10).await.unwrap(), expected);
    assert_eq!(approval::pending(&mut tx, None, 1).await.unwrap(), expected[..1]);
    assert_eq!(approval::pending(&mut tx, Some(expected[0]), 1).await.unwrap(), expected[1..]);
    assert_eq!(approval::pending(&mut tx, Some(expected[1]), 1).await.unwrap(), []);
    let backwards = [expected[1], expected[0]];
    let read = approval::find_many(&mut tx, &backwards).await.unwrap();
    assert_eq!(read.iter().map(|round| round.id).collect::<Vec<_>>(), backwards);
}

async fn approvals_of_organizations_are_apart(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let voters = voters();
    let ticket = stored_ticket(&store, &client).await;
    let mut round = round_of(&ticket, 1, &voters);
    stored(&store, &round).await;
    let mut tx = store.write(other.id).await.unwrap();
    let request = round.stages[0].steps[1].requests[0].id;
    assert_eq!(approval::find(&mut tx, round.id).await.unwrap(), None);
    assert_eq!(approval::find_request(&mut tx, request).await.unwrap(), None);
    assert_eq!(approval::of(&mut tx, ticket.id.into()).await.unwrap(), []);
    assert_eq!(approval::open_of(&mut tx, ticket.id.into()).await.unwrap(), None);
    assert_eq!(approval::waiting_for(&mut tx, voters[0], 9).await.unwrap(), []);
    assert_eq!(approval::stalled(&mut tx, at(99), at(99), None, 9).await.unwrap(), []);
    assert_eq!(approval::pending(&mut tx, None, 9).await.unwrap(), []);
    assert_eq!(approval::find_many(&mut tx, &[round.id]).await.unwrap(), []);
    round.org = other.id;
    let refused = approval::update(&mut tx, &mut round).await;
    assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
    assert_eq!(approval::latest_of(&mut tx, ticket.id.into()).await.unwrap(), None);
}

async fn unreadable_rounds_are_reported(store: Store) {
    let org = tree(&store).await.client;
    let ticket = stored_ticket(&store, &org).await;
    let round = round_of(&ticket, 1, &voters());
    stored(&store, &round).await;
    // The last damage is what is read first.
    for (damage, table, column) in [
        ("update approvals set outcome = 'maybe'", "approvals", "outcome"),
        (
            "update approval_requests set stage = 9 where state = 'waiting'",
            "approval_requests",
            "step",
        ),
        ("update approval_requests set state = 'asleep'", "approval_requests", "state"),
    ] {
        let mut tx = store.system().await.unwrap();
        testing::execute(&mut tx, damage).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = store.read(org.id).await.unwrap();
        match approval::find(&mut tx, round.id).await {
            Err(StoreError::Corrupt { table: found, column: named }) => {
                assert_eq!((found, named), (table, column), "{damage}");
            }
            other => panic!("{damage}: {other:?}"),
        }
    }
}
