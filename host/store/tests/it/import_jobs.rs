//! Import jobs: moved on by one process, in step with the tickets.

use waypost_store::{
    Store, StoreError, WriteTx,
    import_job::{self, ImportJob, NewJob},
    on_both_engines, testing, ticket,
};

use crate::fixture::{self, Tree, at, digest, tree};

on_both_engines! {
    a_job_moves_on_and_ends
    a_finished_job_begins_again
    a_job_and_its_tickets_are_kept_together
    a_job_that_another_process_moved_is_stale
    a_taken_name_is_named
    jobs_of_organizations_are_apart
    unreadable_jobs_are_reported
}

async fn start(tx: &mut WriteTx, file: u8) -> Result<ImportJob, StoreError> {
    let file_digest = digest(file);
    let new = NewJob {
        name: "tickets",
        file_digest: &file_digest,
        kind: "tickets",
        source: "old-desk",
        options: "{}",
    };
    import_job::start(tx, &new, at(1)).await
}

async fn a_finished_job_begins_again(store: Store) {
    let org = tree(&store).await.client;
    let mut tx = store.write(org.id).await.unwrap();
    let mut job = start(&mut tx, 5).await.unwrap();
    import_job::advance(&mut tx, &mut job, 190, 10, at(2)).await.unwrap();
    let mut same = job.clone();
    import_job::finish(&mut tx, &mut job, at(3)).await.unwrap();

    import_job::restart(&mut tx, &mut job, r#"{"zone":"UTC"}"#, at(4)).await.unwrap();

    let found = import_job::find(&mut tx, "tickets").await.unwrap().unwrap();
    assert_eq!(found, job);
    assert_eq!((found.next_row, found.accepted, found.refused, found.runs), (0, 0, 0, 2));
    assert_eq!((found.options.as_str(), found.finished_at), (r#"{"zone":"UTC"}"#, None));
    let refused = import_job::restart(&mut tx, &mut same, "{}", at(5)).await;
    assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
}

async fn a_job_moves_on_and_ends(store: Store) {
    let org = tree(&store).await.client;
    let mut tx = store.write(org.id).await.unwrap();
    assert_eq!(import_job::find(&mut tx, "tickets").await.unwrap(), None);
    let mut job = start(&mut tx, 5).await.unwrap();
    assert_eq!((job.next_row, job.accepted, job.refused), (0, 0, 0));
    import_job::advance(&mut tx, &mut job, 190, 10, at(2)).await.unwrap();
    import_job::advance(&mut tx, &mut job, 5, 0, at(3)).await.unwrap();
    assert_eq!((job.next_row, job.accepted, job.refused), (205, 195, 10));
    assert_eq!(import_job::find(&mut tx, "tickets").await.unwrap(), Some(job.clone()));
    import_job::finish(&mut tx, &mut job, at(4)).await.unwrap();
    assert_eq!(job.finished_at, Some(at(4)));
    assert_eq!(import_job::find(&mut tx, "tickets").await.unwrap(), Some(job.clone()));
    assert_eq!(import_job::list(&mut tx).await.unwrap(), [job.clone()]);
    let refused = import_job::advance(&mut tx, &mut job, 1, 0, at(5)).await;
    assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
}

async fn a_job_and_its_tickets_are_kept_together(store: Store) {
    let org = tree(&store).await.client;
    let mut tx = store.write(org.id).await.unwrap();
    let mut job = start(&mut tx, 5).await.unwrap();
    tx.commit().await.unwrap();

    let ticket = fixture::ticket(&org);
    let mut tx = store.write(org.id).await.unwrap();
    ticket::insert(&mut tx, &ticket).await.unwrap();
    import_job::advance(&mut tx, &mut job, 1, 0, at(2)).await.unwrap();
    drop(tx);
    let mut tx = store.read(org.id).await.unwrap();
    assert_eq!(ticket::find(&mut tx, ticket.id).await.unwrap(), None);
    assert_eq!(import_job::find(&mut tx, "tickets").await.unwrap().unwrap().next_row, 0);
}

async fn a_job_that_another_process_moved_is_stale(store: Store) {
    let org = tree(&store).await.client;
    let mut tx = store.write(org.id).await.unwrap();
    let mut job = start(&mut tx, 5).await.unwrap();
    let mut same = job.clone();
    import_job::advance(&mut tx, &mut job, 1, 0, at(2)).await.unwrap();
    for refused in [
        import_job::advance(&mut tx, &mut same, 1, 0, at(2)).await,
        import_job::finish(&mut tx, &mut same, at(2)).await,
    ] {
        assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
    }
}

async fn a_taken_name_is_named(store: Store) {
    let org = tree(&store).await.client;
    let mut tx = store.write(org.id).await.unwrap();
    start(&mut tx, 5).await.unwrap();
    let refused = start(&mut tx, 6).await;
    assert!(matches!(refused, Err(StoreError::Taken("name"))), "{refused:?}");
}

async fn jobs_of_organizations_are_apart(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let mut tx = store.write(client.id).await.unwrap();
    let mut job = start(&mut tx, 5).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.write(other.id).await.unwrap();
    assert_eq!(import_job::find(&mut tx, "tickets").await.unwrap(), None);
    assert_eq!(import_job::list(&mut tx).await.unwrap(), []);
    for refused in [
        import_job::advance(&mut tx, &mut job, 1, 0, at(2)).await,
        import_job::finish(&mut tx, &mut job, at(2)).await,
    ] {
        assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
    }
}

async fn unreadable_jobs_are_reported(store: Store) {
    let org = tree(&store).await.client;
    let mut tx = store.write(org.id).await.unwrap();
    start(&mut tx, 5).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.system().await.unwrap();
    testing::execute(&mut tx, "update import_jobs set refused = -1").await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.read(org.id).await.unwrap();
    let report = import_job::find(&mut tx, "tickets").await.unwrap_err();
    assert!(matches!(report, StoreError::Corrupt { table: "import_jobs", column: "refused" }));
}
