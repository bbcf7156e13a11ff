//! Write sets, and the connections that PostgreSQL's transactions are lent.

use std::time::Duration;

use waypost_domain::ids::{OrgId, TicketId};
use waypost_store::{
    Store, StoreError, StoreOptions, comment, event, on_both_engines,
    testing::{self, execute_as, number_as},
    ticket, token,
};

use crate::{
    fixture::{self, at, id, tree},
    invariants::whole,
};

on_both_engines! {
    a_set_of_new_rows_is_one_trip
    what_does_not_fit_into_a_set_is_written_before_the_rest
    a_key_that_is_taken_undoes_the_whole_set
    a_set_takes_no_row_of_another_organization
}

fn comment_on(ticket: TicketId) -> waypost_domain::comment::Comment {
    waypost_domain::comment::Comment {
        id: waypost_domain::ids::CommentId(id()),
        subject: ticket.into(),
        visibility: waypost_domain::comment::Visibility::Internal,
        author: fixture::by_policy(),
        text: "looked at".to_owned(),
        created_at: at(1),
    }
}

async fn a_set_of_new_rows_is_one_trip(store: Store) {
    let org = tree(&store).await.client;
    let new = fixture::ticket(&org);
    let events = whole(new.id);
    let mut tx = store.write(org.id).await.unwrap();
    let before = store.stats();
    let mut set = tx.write_set();
    ticket::insert(&mut set, &new).await.unwrap();
    event::append_many(&mut set, &events).await.unwrap();
    comment::insert_many(&mut set, &[]).await.unwrap();
    comment::insert_many(&mut set, &[comment_on(new.id), comment_on(new.id)]).await.unwrap();
    assert_eq!(store.stats().since(before).trips, 0);
    set.send().await.unwrap();
    assert_eq!(store.stats().since(before).trips, 1);
    tx.commit().await.unwrap();
    let mut tx = store.read(org.id).await.unwrap();
    assert_eq!(ticket::find(&mut tx, new.id).await.unwrap(), Some(new.clone()));
    assert_eq!(event::of(&mut tx, new.id.into()).await.unwrap(), events);
    assert_eq!(number_as(&mut tx, "select count(*) from comments").await.unwrap(), 2);
}

async fn what_does_not_fit_into_a_set_is_written_before_the_rest(store: Store) {
    let org = tree(&store).await.client;
    let new = fixture::ticket(&org);
    let many: Vec<_> = (0..70).map(|_| comment_on(new.id)).collect();
    let mut tx = store.write(org.id).await.unwrap();
    let mut set = tx.write_set();
    ticket::insert(&mut set, &new).await.unwrap();
    comment::insert_many(&mut set, &many).await.unwrap();
    // More parts than a statement has.
    for comment in many.iter().take(25) {
        let again = waypost_domain::comment::Comment {
            id: waypost_domain::ids::CommentId(id()),
            ..comment.clone()
        };
        comment::insert_many(&mut set, &[again]).await.unwrap();
    }
    set.send().await.unwrap();
    assert_eq!(number_as(&mut tx, "select count(*) from comments").await.unwrap(), 95);
    assert_eq!(number_as(&mut tx, "select count(*) from tickets").await.unwrap(), 1);
}

async fn a_key_that_is_taken_undoes_the_whole_set(store: Store) {
    let org = tree(&store).await.client;
    let first = fixture::ticket(&org);
    let mut tx = store.write(org.id).await.unwrap();
    ticket::insert(&mut tx, &first).await.unwrap();
    tx.commit().await.unwrap();
    let mut second = fixture::ticket(&org);
    second.number.clone_from(&first.number);
    let mut tx = store.write(org.id).await.unwrap();
    let mut set = tx.write_set();
    comment::insert_many(&mut set, &[comment_on(first.id)]).await.unwrap();
    ticket::insert(&mut set, &second).await.unwrap();
    comment::insert_many(&mut set, &[comment_on(second.id)]).await.unwrap();
    let error = set.send().await.unwrap_err();
    assert!(matches!(error, StoreError::Taken("number")), "{error:?}");
    drop(tx);
    let mut tx = store.read(org.id).await.unwrap();
    assert_eq!(number_as(&mut tx, "select count(*) from comments").await.unwrap(), 0);
}

async fn a_set_takes_no_row_of_another_organization(store: Store) {
    let tree = tree(&store).await;
    let theirs = fixture::ticket(&tree.other);
    let mut tx = store.write(tree.client.id).await.unwrap();
    let mut set = tx.write_set();
    let error = ticket::insert(&mut set, &theirs).await.unwrap_err();
    assert!(matches!(error, StoreError::WrongOrganization), "{error:?}");
}

/// Stores on one database with one connection for transactions, which wait for it so long.
async fn with_one_connection<const N: usize>(test: &str, waits: [u64; N]) -> ([Store; N], OrgId) {
    let url = testing::postgres_url(test).await;
    let store = Store::connect(&url, &StoreOptions::default()).await.unwrap();
    let org = tree(&store).await.client.id;
    store.close().await;
    let mut stores = Vec::new();
    for wait in waits {
        let wait = Duration::from_millis(wait);
        let options = StoreOptions { connections: 1, wait, ..StoreOptions::default() };
        stores.push(Store::connect(&url, &options).await.unwrap());
    }
    (stores.try_into().unwrap(), org)
}

#[tokio::test]
async fn a_connection_comes_back_however_its_transaction_ends() {
    let test = "a_connection_comes_back_however_its_transaction_ends";
    let ([store], org) = with_one_connection(test, [5_000]).await;
    for _ in 0..3 {
        drop(store.read(org).await.unwrap());
        drop(store.write(org).await.unwrap());
        store.write(org).await.unwrap().commit().await.unwrap();
        // A statement that failed, and one that nobody waited for.
        let mut tx = store.write(org).await.unwrap();
        number_as(&mut tx, "select 1 / 0").await.unwrap_err();
        drop(tx);
        let mut tx = store.write(org).await.unwrap();
        let asked = number_as(&mut tx, "select count(*) from generate_series(1, 3000000)");
        let unheard = tokio::time::timeout(Duration::from_millis(1), asked).await;
        drop(unheard);
        drop(tx);
        // Where a commit is not waited for, it is kept or not, and nothing is left open.
        let tx = store.write(org).await.unwrap();
        let unheard = tokio::time::timeout(Duration::ZERO, tx.commit()).await;
        drop(unheard);
        let mut tx = store.read(org).await.unwrap();
        assert_eq!(number_as(&mut tx, "select count(*) from tickets").await.unwrap(), 0);
    }
    store.close().await;
    let error = store.read(org).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_) | StoreError::Database(_)), "{error:?}");
}

#[tokio::test]
async fn whoever_gets_no_connection_in_time_is_told_that_the_database_is_busy() {
    let test = "whoever_gets_no_connection_in_time_is_told_that_the_database_is_busy";
    let ([store, patient], org) = with_one_connection(test, [50, 5_000]).await;
    let held = store.read(org).await.unwrap();
    let error = store.read(org).await.unwrap_err();
    assert!(matches!(error, StoreError::Busy), "{error:?}");
    drop(held);
    patient.read(org).await.unwrap();
}

/// As one that was the first until a failover, or whose disk is nearly full.
#[tokio::test]
async fn a_database_that_may_only_be_read_is_told_as_unavailable() {
    let url = testing::postgres_url("a_database_that_may_only_be_read").await;
    let store = Store::connect(&url, &StoreOptions::default()).await.unwrap();
    let org = tree(&store).await.client;
    store.close().await;
    // The URL ends with options of its connections.
    let only_read = format!("{url}&options[default_transaction_read_only]=on");
    let store = Store::connect(&only_read, &StoreOptions::default()).await.unwrap();
    let mut tx = store.write(org.id).await.unwrap();
    let refused = ticket::insert(&mut tx, &fixture::ticket(&org)).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    drop(tx);
    store.read(org.id).await.unwrap();
}

#[tokio::test]
async fn a_statement_that_the_server_stops_is_told_as_busy() {
    let test = "a_statement_that_the_server_stops_is_told_as_busy";
    let ([store], org) = with_one_connection(test, [5_000]).await;
    let mut tx = store.write(org).await.unwrap();
    execute_as(&mut tx, "set local statement_timeout = 20").await.unwrap();
    let refused = number_as(&mut tx, "select count(*) from generate_series(1, 30000000)").await;
    assert!(matches!(refused, Err(StoreError::Busy)), "{refused:?}");
}

/// Also those for single statements: the next one would meet the same broken connection.
#[tokio::test]
async fn a_connection_that_its_server_has_ended_is_not_lent_again() {
    let test = "a_connection_that_its_server_has_ended_is_not_lent_again";
    let url = testing::postgres_url(test).await;
    let store = Store::connect(&url, &StoreOptions::default()).await.unwrap();
    let org = tree(&store).await.client.id;
    token::shown(&store, &[7; 32], None).await.unwrap();
    for _ in 0..3 {
        testing::end_connections(test).await;
        for _ in 0..2 {
            assert_eq!(token::shown(&store, &[7; 32], None).await.unwrap(), None);
            store.read(org).await.unwrap();
        }
    }
}
