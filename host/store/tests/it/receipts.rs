//! Receipts and the evaluations that hold their snapshots.

use chrono::TimeDelta;
use waypost_domain::{
    binding::{Binding, Hook, Revision},
    ids::{PersonId, ReceiptId, SuggestionId},
    organization::Organization,
    receipt::{Evaluation, Outcome, Receipt},
    suggestion::{SuggestedField, Suggestion, SuggestionCounts, SuggestionState},
};
use waypost_store::{
    Store, StoreError, binding,
    evaluation::{self, Oldest},
    event::Period,
    on_both_engines,
    receipt::{self, OutcomeKind, ReceiptFilter},
    snapshot_part, suggestion, testing,
};

use crate::fixture::{
    self, Tree, at, evaluated, evaluation_of, granted_component, stored_part, stored_ticket, tree,
};

/// How many parts of snapshots there are.
const PARTS: &str = "select count(*) from snapshot_parts";

on_both_engines! {
    receipts_come_back_with_their_snapshot
    receipts_are_listed_by_filter_and_page
    receipts_of_a_period_are_read_from_the_first_one_on
    suggestions_are_counted_for_the_binding_that_made_them
    old_receipts_are_purged_with_their_rounds
    what_is_oldest_is_known_of_each_organization
    a_part_of_an_organization_that_went_quiet_goes_too
    receipts_of_organizations_are_apart
    a_part_of_snapshots_is_kept_once
    receipts_are_of_their_evaluation_and_in_order
    unreadable_receipts_are_reported
}

/// A binding that decides, with its one revision.
async fn bound(store: &Store, org: &Organization, of: u8) -> (Binding, Revision) {
    let component = granted_component(store, org.id, of).await;
    let binding = fixture::binding(org.id, &format!("policy-{of}"));
    let revision = fixture::revision(&binding, 1, of.into(), &component.digest);
    let mut tx = store.write(org.id).await.unwrap();
    binding::insert(&mut tx, &binding, &revision).await.unwrap();
    tx.commit().await.unwrap();
    (binding, revision)
}

fn receipt_of(
    evaluation: &Evaluation,
    seq: i64,
    (binding, revision): &(Binding, Revision),
    hook: Hook,
    outcome: Outcome,
) -> Receipt {
    Receipt {
        id: ReceiptId::of(evaluation.id, seq),
        org: evaluation.org,
        subject: evaluation.subject,
        evaluation: evaluation.id,
        seq,
        hook,
        layer: binding.org,
        binding: binding.id,
        revision: revision.number,
        component: revision.component.clone(),
        settings_digest: revision.settings_digest.clone(),
        data_digest: revision.data_digest.clone(),
        wit_version: "0.1.0".to_owned(),
        engine_version: format!("wasmtime 48.0.{seq}"),
        question: br#"{"event":"created"}"#.repeat(50),
        answer: format!("{{{seq}}}").into_bytes(),
        log: Vec::new(),
        fuel: 123_456,
        duration_us: 17,
        outcome,
        at: evaluation.at,
    }
}

fn failed() -> Outcome {
    Outcome::Failed {
        code: "trap".to_owned(),
        message: "unreachable".to_owned(),
        fallback: "next".to_owned(),
    }
}

async fn receipts_come_back_with_their_snapshot(store: Store) {
    let Tree { client, provider, .. } = tree(&store).await;
    let ticket = stored_ticket(&store, &client).await;
    let part = Some(stored_part(&store, client.id, 10).await);
    let evaluation = Evaluation { part, ..evaluation_of(&ticket, 2) };
    let (own, above) = (bound(&store, &client, 1).await, bound(&store, &provider, 2).await);
    let overruled = Outcome::Overruled(vec!["team: inactive".to_owned()]);
    let receipts = [
        receipt_of(&evaluation, 1, &own, Hook::Categorize, Outcome::Applied),
        receipt_of(&evaluation, 2, &above, Hook::Route, overruled),
        receipt_of(&evaluation, 3, &own, Hook::Plan, Outcome::Suggested),
        receipt_of(&evaluation, 4, &own, Hook::Notify, Outcome::Declined),
        receipt_of(&evaluation, 5, &own, Hook::Stalled, failed()),
    ];
    evaluated(&store, &evaluation, &receipts).await;
    let mut tx = store.read(client.id).await.unwrap();
    assert_eq!(receipt::of(&mut tx, ticket.id.into()).await.unwrap(), receipts);
    for expected in receipts {
        let found = receipt::find(&mut tx, expected.id).await.unwrap();
        assert_eq!(found, Some((expected, evaluation.clone())));
    }
    let evaluations = evaluation::of(&mut tx, ticket.id.into()).await.unwrap();
    assert_eq!(evaluations, std::slice::from_ref(&evaluation));
    assert_eq!(evaluation::find(&mut tx, evaluation.id).await.unwrap(), Some(evaluation));
    assert_eq!(receipt::find(&mut tx, ReceiptId(fixture::id())).await.unwrap(), None);
}

async fn a_part_of_snapshots_is_kept_once(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let part = stored_part(&store, client.id, 10).await;
    let packed = snapshot_part::pack(client.id, &part).unwrap();
    let mut tx = store.write(client.id).await.unwrap();
    snapshot_part::keep_many(&mut tx, vec![packed.clone(), packed.clone()]).await.unwrap();
    assert!(snapshot_part::is_kept(&mut tx, part.id).await.unwrap());
    assert_eq!(testing::number_as(&mut tx, PARTS).await.unwrap(), 1);
    tx.commit().await.unwrap();
    let mut tx = store.write(other.id).await.unwrap();
    assert!(!snapshot_part::is_kept(&mut tx, part.id).await.unwrap());
    let refused = snapshot_part::keep_many(&mut tx, vec![packed]).await;
    assert!(matches!(refused, Err(StoreError::WrongOrganization)), "{refused:?}");
}

async fn receipts_are_listed_by_filter_and_page(store: Store) {
    let org = tree(&store).await.client;
    let ticket = stored_ticket(&store, &org).await;
    let another = stored_ticket(&store, &org).await;
    let evaluation = evaluation_of(&ticket, 2);
    let another_round = evaluation_of(&another, 3);
    let (first, second) = (bound(&store, &org, 1).await, bound(&store, &org, 2).await);
    let one = receipt_of(&evaluation, 1, &first, Hook::Categorize, Outcome::Applied);
    let two = receipt_of(&evaluation, 2, &second, Hook::Route, failed());
    let three = receipt_of(&another_round, 1, &second, Hook::Route, Outcome::Declined);
    evaluated(&store, &evaluation, &[one.clone(), two.clone()]).await;
    evaluated(&store, &another_round, std::slice::from_ref(&three)).await;
    let mut tx = store.read(org.id).await.unwrap();

    let none = ReceiptFilter::default;
    for (filter, expected) in [
        (none(), vec![&three, &two, &one]),
        (ReceiptFilter { subject: Some(ticket.id.into()), ..none() }, vec![&two, &one]),
        (ReceiptFilter { hook: Some(Hook::Route), ..none() }, vec![&three, &two]),
        (ReceiptFilter { binding: Some(one.binding), ..none() }, vec![&one]),
        (ReceiptFilter { outcome: Some(OutcomeKind::Failed), ..none() }, vec![&two]),
        (ReceiptFilter { outcome: Some(OutcomeKind::Declined), ..none() }, vec![&three]),
    ] {
        let found = receipt::list(&mut tx, &filter, None, 10).await.unwrap();
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{filter:?}");
    }
    let first = receipt::list(&mut tx, &none(), None, 2).await.unwrap();
    let rest = receipt::list(&mut tx, &none(), Some(first[1].id), 2).await.unwrap();
    assert_eq!([first, rest].concat(), [three, two, one]);
}

async fn old_receipts_are_purged_with_their_rounds(store: Store) {
    const DAY: i64 = 24 * 60;
    let Tree { client, other, .. } = tree(&store).await;
    let ticket = stored_ticket(&store, &client).await;
    let elsewhere = stored_ticket(&store, &other).await;
    let policy = bound(&store, &client, 1).await;
    let outdated = Some(stored_part(&store, client.id, 50).await);
    let part = Some(stored_part(&store, client.id, 51 + DAY).await);
    let old = Evaluation { part: outdated.clone(), ..evaluation_of(&ticket, 1) };
    let older = Evaluation { part: outdated, ..evaluation_of(&ticket, 0) };
    let recent = Evaluation { part, ..evaluation_of(&ticket, 50 + DAY) };
    let not_ours = evaluation_of(&elsewhere, 1);
    let applied =
        |evaluation, seq, hook| receipt_of(evaluation, seq, &policy, hook, Outcome::Applied);
    let kept = applied(&recent, 1, Hook::Route);
    let of_old = [applied(&old, 1, Hook::Route), applied(&old, 2, Hook::Notify)];
    evaluated(&store, &old, &of_old).await;
    evaluated(&store, &older, &[applied(&older, 1, Hook::Route)]).await;
    evaluated(&store, &recent, std::slice::from_ref(&kept)).await;
    evaluated(&store, &not_ours, &[]).await;
    let (before, now) = (at(50 + DAY), at(99 + DAY));
    let mut tx = store.write(client.id).await.unwrap();
    assert_eq!(receipt::purge(&mut tx, before, now, 1).await.unwrap(), 1);
    assert_eq!(testing::number_as(&mut tx, PARTS).await.unwrap(), 2, "one has it still");
    assert_eq!(receipt::purge(&mut tx, before, now, 100).await.unwrap(), 1);
    assert_eq!(testing::number_as(&mut tx, PARTS).await.unwrap(), 1);
    assert_eq!(receipt::purge(&mut tx, before, now, 100).await.unwrap(), 0);
    assert_eq!(receipt::of(&mut tx, ticket.id.into()).await.unwrap(), [kept]);
    assert_eq!(evaluation::of(&mut tx, ticket.id.into()).await.unwrap(), [recent]);
    tx.commit().await.unwrap();
    // What is younger than every cut goes in no other way either.
    for removal in ["delete from receipts", "delete from evaluations", "delete from snapshot_parts"]
    {
        let mut tx = store.write(client.id).await.unwrap();
        let refused = testing::execute_as(&mut tx, removal).await;
        assert!(matches!(refused, Err(StoreError::Database(_))), "{removal}: {refused:?}");
    }
    let mut tx = store.read(other.id).await.unwrap();
    assert_eq!(evaluation::of(&mut tx, elsewhere.id.into()).await.unwrap(), [not_ours]);
}

/// So housekeeping begins no transaction where nothing is past its retention.
async fn what_is_oldest_is_known_of_each_organization(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let ticket = stored_ticket(&store, &client).await;
    let elsewhere = stored_ticket(&store, &other).await;
    for minutes in [3, 5, 7] {
        evaluated(&store, &evaluation_of(&ticket, minutes), &[]).await;
    }
    evaluated(&store, &evaluation_of(&elsewhere, 4), &[]).await;
    let mut tx = store.system_read().await.unwrap();
    let oldest = evaluation::oldest(&mut tx).await.unwrap();
    let since = |minutes| Oldest { evaluation: Some(at(minutes)), part: None };
    assert_eq!(oldest, [(client.id, since(3)), (other.id, since(4))].into());
    assert!(since(3).is_before(at(4)) && !since(3).is_before(at(3)));
}

/// The last evaluation that may have a part goes before the part may.
async fn a_part_of_an_organization_that_went_quiet_goes_too(store: Store) {
    let org = tree(&store).await.client;
    stored_part(&store, org.id, 100).await;
    let oldest = async || {
        let mut tx = store.system_read().await.unwrap();
        evaluation::oldest(&mut tx).await.unwrap().remove(&org.id)
    };

    let found = oldest().await.unwrap();
    assert_eq!(found, Oldest { evaluation: None, part: Some(at(100)) });
    let day = 24 * 60;
    assert!(!found.is_before(at(99 + day)) && found.is_before(at(100 + day)));
    let mut tx = store.write(org.id).await.unwrap();
    receipt::purge(&mut tx, at(100 + day), at(200 + day), 9).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(oldest().await, None);
}

async fn receipts_of_organizations_are_apart(store: Store) {
    let Tree { client, other, provider, .. } = tree(&store).await;
    let ticket = stored_ticket(&store, &client).await;
    let evaluation = evaluation_of(&ticket, 2);
    let policy = bound(&store, &client, 1).await;
    let receipt = receipt_of(&evaluation, 1, &policy, Hook::Route, Outcome::Applied);
    evaluated(&store, &evaluation, std::slice::from_ref(&receipt)).await;

    for elsewhere in [&other, &provider] {
        let mut tx = store.write(elsewhere.id).await.unwrap();
        assert_eq!(receipt::find(&mut tx, receipt.id).await.unwrap(), None);
        assert_eq!(receipt::of(&mut tx, ticket.id.into()).await.unwrap(), []);
        let all = receipt::list(&mut tx, &ReceiptFilter::default(), None, 9).await.unwrap();
        assert_eq!(all, []);
        assert_eq!(evaluation::find(&mut tx, evaluation.id).await.unwrap(), None);
        assert_eq!(evaluation::of(&mut tx, ticket.id.into()).await.unwrap(), []);
        let receipts = std::slice::from_ref(&receipt);
        let packed = evaluation::pack(evaluation.clone(), receipts).unwrap();
        let refused = evaluation::insert_many(&mut tx, vec![packed]).await;
        assert!(matches!(refused, Err(StoreError::WrongOrganization)), "{refused:?}");
    }
}

async fn unreadable_receipts_are_reported(store: Store) {
    let org = tree(&store).await.client;
    let ticket = stored_ticket(&store, &org).await;
    let evaluation = evaluation_of(&ticket, 2);
    let policy = bound(&store, &org, 1).await;
    let receipt = receipt_of(&evaluation, 1, &policy, Hook::Route, Outcome::Applied);
    evaluated(&store, &evaluation, std::slice::from_ref(&receipt)).await;
    let mut tx = store.system().await.unwrap();
    testing::allow_changes(&mut tx).await.unwrap();
    testing::execute(&mut tx, "update evaluations set part_id = id").await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.read(org.id).await.unwrap();
    let report = evaluation::find(&mut tx, evaluation.id).await.unwrap_err();
    assert!(matches!(report, StoreError::Corrupt { table: "evaluations", column: "part_id" }));
    drop(tx);
    let mut tx = store.system().await.unwrap();
    for damage in ["update evaluations set part_id = null", "update receipts set revision = 2"] {
        testing::execute(&mut tx, damage).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut tx = store.read(org.id).await.unwrap();
    let report = receipt::of(&mut tx, ticket.id.into()).await.unwrap_err();
    assert!(matches!(report, StoreError::Corrupt { table: "receipts", column: "revision" }));
    drop(tx);
    let mut tx = store.system().await.unwrap();
    let damage = "update evaluations set texts = data_digest from binding_revisions";
    testing::execute(&mut tx, damage).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.read(org.id).await.unwrap();
    let report = evaluation::find(&mut tx, evaluation.id).await.unwrap_err();
    assert!(matches!(report, StoreError::Corrupt { table: "evaluations", column: "texts" }));
    let report = receipt::of(&mut tx, ticket.id.into()).await.unwrap_err();
    assert!(matches!(report, StoreError::Corrupt { table: "evaluations", column: "texts" }));
}

async fn receipts_are_of_their_evaluation_and_in_order(store: Store) {
    let org = tree(&store).await.client;
    let ticket = stored_ticket(&store, &org).await;
    let (evaluation, another) = (evaluation_of(&ticket, 2), evaluation_of(&ticket, 3));
    let policy = bound(&store, &org, 1).await;
    for receipts in [
        [receipt_of(&another, 1, &policy, Hook::Route, Outcome::Applied)],
        [receipt_of(&evaluation, 2, &policy, Hook::Route, Outcome::Applied)],
    ] {
        let refused = evaluation::pack(evaluation.clone(), &receipts);
        assert!(matches!(refused, Err(StoreError::Unstorable(_))), "{refused:?}");
    }
}

async fn receipts_of_a_period_are_read_from_the_first_one_on(store: Store) {
    let org = tree(&store).await.client;
    let ticket = stored_ticket(&store, &org).await;
    let policy = bound(&store, &org, 1).await;
    let mut receipts = Vec::new();
    for minute in 1..=3 {
        let evaluation = evaluation_of(&ticket, minute);
        let receipt = receipt_of(&evaluation, 1, &policy, Hook::Route, Outcome::Applied);
        evaluated(&store, &evaluation, std::slice::from_ref(&receipt)).await;
        receipts.push(receipt);
    }
    let mut tx = store.read(org.id).await.unwrap();
    receipts.sort_by_key(|receipt| receipt.id);

    let all = Period::default();
    let first = receipt::page(&mut tx, all, None, 2).await.unwrap();
    assert_eq!(first, receipts[..2]);
    let rest = receipt::page(&mut tx, all, Some(first[1].id), 2).await.unwrap();
    assert_eq!(rest, receipts[2..]);
    let period = Period { from: Some(at(2)), to: Some(at(3)) };
    let within = receipt::page(&mut tx, period, None, 9).await.unwrap();
    assert_eq!(within.iter().map(|receipt| receipt.at).collect::<Vec<_>>(), [at(2)]);
}

async fn suggestions_are_counted_for_the_binding_that_made_them(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let ticket = stored_ticket(&store, &client).await;
    let evaluation = evaluation_of(&ticket, 2);
    let (first, second) = (bound(&store, &client, 1).await, bound(&store, &client, 2).await);
    let one = receipt_of(&evaluation, 1, &first, Hook::Categorize, Outcome::Suggested);
    let two = receipt_of(&evaluation, 2, &second, Hook::Route, Outcome::Suggested);
    evaluated(&store, &evaluation, &[one.clone(), two.clone()]).await;
    let (by, at) = (PersonId(fixture::id()), at(2));
    let of = |receipt: &Receipt, state| Suggestion {
        id: SuggestionId(fixture::id()),
        ticket: ticket.id,
        receipt: receipt.id,
        field: SuggestedField::Impact,
        seen: None,
        value: "1".to_owned(),
        confidence: 70,
        reasons: Vec::new(),
        state,
        created_at: at,
    };
    let suggestions = [
        of(&one, SuggestionState::Open),
        of(&one, SuggestionState::Accepted { by, at }),
        of(&one, SuggestionState::Dismissed { by, at }),
        of(&one, SuggestionState::Dismissed { by, at }),
        of(&two, SuggestionState::Accepted { by, at }),
    ];
    let mut tx = store.write(client.id).await.unwrap();
    suggestion::insert_many(&mut tx, &suggestions).await.unwrap();

    let first = SuggestionCounts { open: 1, accepted: 1, dismissed: 2 };
    let second = SuggestionCounts { open: 0, accepted: 1, dismissed: 0 };
    let all = suggestion::counts(&mut tx, None, at).await.unwrap();
    assert_eq!(all, [(one.binding, first), (two.binding, second)].into());
    let of_two = suggestion::counts(&mut tx, Some(two.binding), at).await.unwrap();
    assert_eq!(of_two, [(two.binding, second)].into());
    let later = at + TimeDelta::microseconds(1);
    assert!(suggestion::counts(&mut tx, None, later).await.unwrap().is_empty());
    tx.commit().await.unwrap();
    let mut tx = store.read(other.id).await.unwrap();
    assert!(suggestion::counts(&mut tx, None, at).await.unwrap().is_empty());
}
