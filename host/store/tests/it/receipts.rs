//! Receipts and the evaluations that hold their snapshots.

use chrono::TimeDelta;
use waypost_domain::{
    binding::Hook,
    ids::{BindingId, PersonId, ReceiptId, SuggestionId},
    receipt::{Evaluation, Outcome, Receipt},
    suggestion::{SuggestedField, Suggestion, SuggestionCounts, SuggestionState},
};
use waypost_store::{
    Store, StoreError, WriteTx, evaluation,
    event::Period,
    on_both_engines,
    receipt::{self, OutcomeKind, ReceiptFilter},
    suggestion, testing,
};

use crate::fixture::{self, Tree, at, digest, stored_evaluation, stored_ticket, tree};

on_both_engines! {
    receipts_come_back_with_their_snapshot
    receipts_are_listed_by_filter_and_page
    receipts_of_a_period_are_read_from_the_first_one_on
    suggestions_are_counted_for_the_binding_that_made_them
    old_receipts_are_purged_with_their_rounds
    what_is_oldest_is_known_of_each_organization
    receipts_of_organizations_are_apart
    unreadable_receipts_are_reported
    what_is_no_digest_is_not_stored
}

fn receipt_of(evaluation: &Evaluation, seq: i64, hook: Hook, outcome: Outcome) -> Receipt {
    Receipt {
        id: ReceiptId(fixture::id()),
        org: evaluation.org,
        subject: evaluation.subject,
        evaluation: evaluation.id,
        seq,
        hook,
        layer: evaluation.org,
        binding: BindingId(fixture::id()),
        revision: 3,
        component: digest(1),
        settings_digest: digest(2),
        data_digest: digest(3),
        wit_version: "0.1.0".to_owned(),
        engine_version: "wasmtime 48.0.8".to_owned(),
        question: br#"{"event":"created"}"#.repeat(50),
        answer: b"{}".to_vec(),
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

async fn insert(tx: &mut WriteTx, receipts: &[Receipt]) -> Result<(), StoreError> {
    let packed = receipts.iter().cloned().map(receipt::pack).collect::<Result<_, _>>()?;
    receipt::insert_many(tx, packed).await
}

async fn receipts_come_back_with_their_snapshot(store: Store) {
    let org = tree(&store).await.client;
    let ticket = stored_ticket(&store, &org).await;
    let evaluation = stored_evaluation(&store, &ticket, 2).await;
    let receipts = [
        receipt_of(&evaluation, 1, Hook::Categorize, Outcome::Applied),
        receipt_of(
            &evaluation,
            2,
            Hook::Route,
            Outcome::Overruled(vec!["team: inactive".to_owned()]),
        ),
        receipt_of(&evaluation, 3, Hook::Plan, Outcome::Suggested),
        receipt_of(&evaluation, 4, Hook::Notify, Outcome::Declined),
        receipt_of(&evaluation, 5, Hook::Stalled, failed()),
    ];
    let mut tx = store.write(org.id).await.unwrap();
    insert(&mut tx, &receipts).await.unwrap();
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

async fn receipts_are_listed_by_filter_and_page(store: Store) {
    let org = tree(&store).await.client;
    let ticket = stored_ticket(&store, &org).await;
    let another = stored_ticket(&store, &org).await;
    let evaluation = stored_evaluation(&store, &ticket, 2).await;
    let another_round = stored_evaluation(&store, &another, 3).await;
    let one = receipt_of(&evaluation, 1, Hook::Categorize, Outcome::Applied);
    let two = receipt_of(&evaluation, 2, Hook::Route, failed());
    let three = receipt_of(&another_round, 1, Hook::Route, Outcome::Declined);
    let mut tx = store.write(org.id).await.unwrap();
    insert(&mut tx, &[one.clone(), two.clone(), three.clone()]).await.unwrap();

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
    let Tree { client, other, .. } = tree(&store).await;
    let ticket = stored_ticket(&store, &client).await;
    let elsewhere = stored_ticket(&store, &other).await;
    let old = stored_evaluation(&store, &ticket, 1).await;
    let older = stored_evaluation(&store, &ticket, 0).await;
    let recent = stored_evaluation(&store, &ticket, 50).await;
    let not_ours = stored_evaluation(&store, &elsewhere, 1).await;
    let mut tx = store.write(client.id).await.unwrap();
    let kept = receipt_of(&recent, 1, Hook::Route, Outcome::Applied);
    let receipts = [
        receipt_of(&old, 1, Hook::Route, Outcome::Applied),
        receipt_of(&old, 2, Hook::Notify, Outcome::Applied),
        receipt_of(&older, 1, Hook::Route, Outcome::Applied),
        kept.clone(),
    ];
    insert(&mut tx, &receipts).await.unwrap();
    assert_eq!(receipt::purge(&mut tx, at(50), at(99), 1).await.unwrap(), 1);
    assert_eq!(receipt::purge(&mut tx, at(50), at(99), 100).await.unwrap(), 1);
    assert_eq!(receipt::purge(&mut tx, at(50), at(99), 100).await.unwrap(), 0);
    assert_eq!(receipt::of(&mut tx, ticket.id.into()).await.unwrap(), [kept]);
    assert_eq!(evaluation::of(&mut tx, ticket.id.into()).await.unwrap(), [recent]);
    tx.commit().await.unwrap();
    // What is younger than every cut goes in no other way either.
    for removal in ["delete from receipts", "delete from evaluations"] {
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
        stored_evaluation(&store, &ticket, minutes).await;
    }
    stored_evaluation(&store, &elsewhere, 4).await;
    let mut tx = store.system_read().await.unwrap();
    let oldest = evaluation::oldest(&mut tx).await.unwrap();
    assert_eq!(oldest, [(client.id, at(3)), (other.id, at(4))].into());
}

async fn receipts_of_organizations_are_apart(store: Store) {
    let Tree { client, other, provider, .. } = tree(&store).await;
    let ticket = stored_ticket(&store, &client).await;
    let evaluation = stored_evaluation(&store, &ticket, 2).await;
    let receipt = receipt_of(&evaluation, 1, Hook::Route, Outcome::Applied);
    let mut tx = store.write(client.id).await.unwrap();
    insert(&mut tx, std::slice::from_ref(&receipt)).await.unwrap();
    tx.commit().await.unwrap();

    for elsewhere in [&other, &provider] {
        let mut tx = store.write(elsewhere.id).await.unwrap();
        assert_eq!(receipt::find(&mut tx, receipt.id).await.unwrap(), None);
        assert_eq!(receipt::of(&mut tx, ticket.id.into()).await.unwrap(), []);
        let all = receipt::list(&mut tx, &ReceiptFilter::default(), None, 9).await.unwrap();
        assert_eq!(all, []);
        assert_eq!(evaluation::find(&mut tx, evaluation.id).await.unwrap(), None);
        assert_eq!(evaluation::of(&mut tx, ticket.id.into()).await.unwrap(), []);
        let refused =
            evaluation::insert_many(&mut tx, vec![evaluation::pack(evaluation.clone()).unwrap()])
                .await;
        assert!(matches!(refused, Err(StoreError::WrongOrganization)), "{refused:?}");
        let refused = insert(&mut tx, std::slice::from_ref(&receipt)).await;
        assert!(matches!(refused, Err(StoreError::WrongOrganization)), "{refused:?}");
    }
}

async fn unreadable_receipts_are_reported(store: Store) {
    let org = tree(&store).await.client;
    let ticket = stored_ticket(&store, &org).await;
    let evaluation = stored_evaluation(&store, &ticket, 2).await;
    let receipt = receipt_of(&evaluation, 1, Hook::Route, Outcome::Applied);
    let mut tx = store.write(org.id).await.unwrap();
    insert(&mut tx, std::slice::from_ref(&receipt)).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.system().await.unwrap();
    testing::allow_changes(&mut tx).await.unwrap();
    for damage in [
        "update evaluations set snapshot = component from receipts",
        "update receipts set decision = component",
    ] {
        testing::execute(&mut tx, damage).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut tx = store.read(org.id).await.unwrap();
    let report = evaluation::find(&mut tx, evaluation.id).await.unwrap_err();
    assert!(matches!(report, StoreError::Corrupt { table: "evaluations", column: "snapshot" }));
    let report = receipt::of(&mut tx, ticket.id.into()).await.unwrap_err();
    assert!(matches!(report, StoreError::Corrupt { table: "receipts", column: "decision" }));
}

async fn what_is_no_digest_is_not_stored(store: Store) {
    let org = tree(&store).await.client;
    let ticket = stored_ticket(&store, &org).await;
    let evaluation = stored_evaluation(&store, &ticket, 2).await;
    let mut receipt = receipt_of(&evaluation, 1, Hook::Route, Outcome::Applied);
    receipt.component = "latest".into();
    let mut tx = store.write(org.id).await.unwrap();
    let refused = insert(&mut tx, &[receipt]).await;
    assert!(matches!(refused, Err(StoreError::Unstorable("component"))), "{refused:?}");
}

async fn receipts_of_a_period_are_read_from_the_first_one_on(store: Store) {
    let org = tree(&store).await.client;
    let ticket = stored_ticket(&store, &org).await;
    let mut receipts = Vec::new();
    for minute in 1..=3 {
        let evaluation = stored_evaluation(&store, &ticket, minute).await;
        let receipt = receipt_of(&evaluation, 1, Hook::Route, Outcome::Applied);
        receipts.push(Receipt { id: ReceiptId(fixture::id_at(at(minute))), ..receipt });
    }
    let mut tx = store.write(org.id).await.unwrap();
    insert(&mut tx, &receipts).await.unwrap();
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
    let evaluation = stored_evaluation(&store, &ticket, 1).await;
    let (by, at) = (PersonId(fixture::id()), at(2));
    let of_hook = |seq, hook| Receipt {
        id: ReceiptId(fixture::id_at(at)),
        ..receipt_of(&evaluation, seq, hook, Outcome::Suggested)
    };
    let (one, two) = (of_hook(1, Hook::Categorize), of_hook(2, Hook::Route));
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
    insert(&mut tx, &[one.clone(), two.clone()]).await.unwrap();
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
