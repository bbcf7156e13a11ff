//! Numbers: one series for each organization and kind, never given twice.

use waypost_domain::ticket::TicketKind;
use waypost_store::{Store, number, on_both_engines};

use crate::fixture::{Tree, tree};

on_both_engines! {
    each_organization_and_kind_has_its_series
    numbers_of_a_transaction_that_was_dropped_are_given_later
    unused_numbers_can_be_given_back_until_somebody_takes_more
}

async fn each_organization_and_kind_has_its_series(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let mut tx = store.write(client.id).await.unwrap();
    assert_eq!(number::next(&mut tx, TicketKind::Incident, 1).await.unwrap(), 1);
    assert_eq!(number::next(&mut tx, TicketKind::Incident, 200).await.unwrap(), 2);
    assert_eq!(number::next(&mut tx, TicketKind::Incident, 1).await.unwrap(), 202);
    assert_eq!(number::next(&mut tx, TicketKind::Request, 1).await.unwrap(), 1);
    assert_eq!(number::next(&mut tx, TicketKind::Task, 3).await.unwrap(), 1);
    assert_eq!(number::next(&mut tx, TicketKind::Problem, 1).await.unwrap(), 1);
    tx.commit().await.unwrap();
    let mut tx = store.write(other.id).await.unwrap();
    assert_eq!(number::next(&mut tx, TicketKind::Incident, 1).await.unwrap(), 1);
}

async fn numbers_of_a_transaction_that_was_dropped_are_given_later(store: Store) {
    let client = tree(&store).await.client;
    let mut tx = store.write(client.id).await.unwrap();
    number::next(&mut tx, TicketKind::Incident, 5).await.unwrap();
    drop(tx);
    let mut tx = store.write(client.id).await.unwrap();
    assert_eq!(number::next(&mut tx, TicketKind::Incident, 1).await.unwrap(), 1);
}

async fn unused_numbers_can_be_given_back_until_somebody_takes_more(store: Store) {
    const KIND: TicketKind = TicketKind::Incident;
    let Tree { client, other, .. } = tree(&store).await;
    let mut tx = store.write(other.id).await.unwrap();
    assert_eq!(number::next(&mut tx, KIND, 20).await.unwrap(), 1);
    tx.commit().await.unwrap();

    let mut tx = store.write(client.id).await.unwrap();
    assert_eq!(number::next(&mut tx, KIND, 20).await.unwrap(), 1);
    assert!(number::give_back(&mut tx, KIND, 15, 21).await.unwrap());
    assert_eq!(number::next(&mut tx, KIND, 3).await.unwrap(), 15);
    assert_eq!(number::next(&mut tx, KIND, 1).await.unwrap(), 18);
    assert!(!number::give_back(&mut tx, KIND, 16, 18).await.unwrap());
    assert_eq!(number::next(&mut tx, KIND, 1).await.unwrap(), 19);
    tx.commit().await.unwrap();

    let mut tx = store.write(other.id).await.unwrap();
    assert_eq!(number::next(&mut tx, KIND, 1).await.unwrap(), 21);
}

#[test]
fn a_number_has_at_least_seven_digits() {
    assert_eq!(number::text(TicketKind::Incident, 42), "INC0000042");
    assert_eq!(number::text(TicketKind::Request, 12_345_678), "REQ12345678");
    assert_eq!(number::text(TicketKind::Problem, 3), "PRB0000003");
    assert_eq!(number::text(TicketKind::Task, 4), "TASK0000004");
}
