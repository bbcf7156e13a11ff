//! Group commit: transactions that end at the same time share one commit, and nothing else.
//!
//! The tests run on one thread, so who is queued is known: a task that was spawned goes on until it
//! waits.

use waypost_domain::{ids::OrgId, organization::Organization};
use waypost_store::{
    CommitNote, Committed, Engine, Store, StoreError, StoreOptions, StoreStats, WriteTx,
    on_both_engines, team,
    testing::{self, execute_as, number_as},
};

use crate::fixture::{self, Tree, tree};

on_both_engines! {
    what_is_dropped_is_undone_and_what_is_committed_stays
    ; in files:
    writers_at_once_keep_what_each_has_written
    whoever_was_second_finds_what_the_first_has_written
    who_stops_waiting_stops_no_commit
    a_later_commit_that_is_refused_takes_nothing_back
}

/// Lets every task go on that can.
async fn everybody_goes_on() {
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
}

async fn file(name: &str) -> (Store, Tree) {
    let store = testing::sqlite_file(&format!("commits::{name}")).await;
    let tree = tree(&store).await;
    (store, tree)
}

async fn add_team(tx: &mut WriteTx, key: &str) -> Result<(), StoreError> {
    team::insert(tx, &fixture::team(tx.org(), key)).await
}

/// Begins a transaction, adds a team, and commits or not.
async fn change(store: Store, org: OrgId, key: String, keeps: bool) -> Result<(), StoreError> {
    let mut tx = store.write(org).await?;
    add_team(&mut tx, &key).await?;
    if keeps { tx.commit().await } else { Ok(()) }
}

async fn keys(store: &Store, org: &Organization) -> Vec<String> {
    let mut tx = store.read(org.id).await.unwrap();
    let teams = team::list(&mut tx).await.unwrap();
    // One was made with the organization.
    let added = teams.into_iter().filter(|team| team.id != org.settings.fallback_team);
    added.map(|team| team.key.to_string()).collect()
}

fn spent(store: &Store, before: StoreStats) -> StoreStats {
    store.stats().since(before)
}

async fn what_is_dropped_is_undone_and_what_is_committed_stays(store: Store) {
    let org = tree(&store).await.client;
    change(store.clone(), org.id, "kept".to_owned(), true).await.unwrap();
    change(store.clone(), org.id, "dropped".to_owned(), false).await.unwrap();
    assert_eq!(keys(&store, &org).await, ["kept"]);
}

async fn writers_at_once_keep_what_each_has_written(store: Store) {
    let org = tree(&store).await.client;
    let begin = |number: usize| {
        // Every third one is given up.
        let is_kept = !number.is_multiple_of(3);
        tokio::spawn(change(store.clone(), org.id, format!("team-{number:02}"), is_kept))
    };
    for writer in (0..30).map(begin).collect::<Vec<_>>() {
        writer.await.unwrap().unwrap();
    }
    let kept: Vec<String> = (0..30)
        .filter(|number: &usize| !number.is_multiple_of(3))
        .map(|number| format!("team-{number:02}"))
        .collect();
    assert_eq!(keys(&store, &org).await, kept);
}

async fn whoever_was_second_finds_what_the_first_has_written(store: Store) {
    let org = tree(&store).await.client;
    let second = |number: usize| {
        let (store, org) = (store.clone(), org.clone());
        tokio::spawn(async move {
            let told = change(store.clone(), org.id, "wanted".to_owned(), true).await;
            match told {
                Ok(()) => 1,
                Err(StoreError::Taken("key")) => {
                    // A reader of this process sees what stood against the writer.
                    assert_eq!(keys(&store, &org).await, ["wanted"], "writer {number}");
                    0
                }
                Err(other) => panic!("{other}"),
            }
        })
    };
    let mut first = 0;
    for writer in (0..12).map(second).collect::<Vec<_>>() {
        first += writer.await.unwrap();
    }
    assert_eq!(first, 1);
}

async fn who_stops_waiting_stops_no_commit(store: Store) {
    let org = tree(&store).await.client;
    let note = CommitNote::default();
    let mut tx = store.write(org.id).await.unwrap().noted_in(&note);
    add_team(&mut tx, "kept").await.unwrap();
    let mut commit = Box::pin(tx.commit());
    let polled = std::future::poll_fn(|at| std::task::Poll::Ready(commit.as_mut().poll(at))).await;
    drop(commit);
    if polled.is_pending() {
        // Nobody heard how it ended.
        assert_eq!(note.read(), Committed::Unknown);
    }
    if store.engine() == Engine::Sqlite {
        // The next writer waits for it.
        drop(store.write(org.id).await.unwrap());
        assert_eq!(keys(&store, &org).await, ["kept"]);
    }
}

/// What the database finds only when it is to keep it.
const REFUSED_AT_THE_END: [&str; 3] = [
    "create temp table parents (id int primary key)",
    "create temp table children (id int references parents (id) deferrable initially deferred)",
    "insert into children values (1)",
];

async fn a_later_commit_that_is_refused_takes_nothing_back(store: Store) {
    let org = tree(&store).await.client;
    let note = CommitNote::default();
    assert_eq!((note.read(), note.kept()), (Committed::No, 0));
    let mut tx = store.write(org.id).await.unwrap().noted_in(&note);
    add_team(&mut tx, "kept").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((note.read(), note.kept()), (Committed::Yes, 1));
    let mut tx = store.write(org.id).await.unwrap().noted_in(&note);
    for statement in REFUSED_AT_THE_END {
        execute_as(&mut tx, statement).await.unwrap();
    }
    let refused = tx.commit().await;
    assert!(refused.is_err());
    assert_eq!((note.read(), note.kept()), (Committed::Yes, 1));
    assert_eq!(keys(&store, &org).await, ["kept"]);
    // Of one that was the first, nothing is kept.
    let first = CommitNote::default();
    let mut tx = store.write(org.id).await.unwrap().noted_in(&first);
    for statement in REFUSED_AT_THE_END {
        execute_as(&mut tx, statement).await.unwrap();
    }
    assert!(tx.commit().await.is_err());
    assert_eq!((first.read(), first.kept()), (Committed::No, 0));
}

#[tokio::test]
async fn those_who_wait_for_each_other_share_a_commit() {
    let (store, Tree { client, other, .. }) = file("share").await;
    let mut first = store.write(client.id).await.unwrap();
    add_team(&mut first, "first").await.unwrap();
    let before = store.stats();
    let others: Vec<_> = [&client, &other, &client]
        .iter()
        .enumerate()
        .map(|(place, org)| {
            tokio::spawn(change(store.clone(), org.id, format!("other-{place}"), true))
        })
        .collect();
    everybody_goes_on().await;
    first.commit().await.unwrap();
    for one in others {
        one.await.unwrap().unwrap();
    }
    // One, unless the machine is so slow that the group was closed meanwhile.
    let commits = spent(&store, before).commits;
    assert!(commits < 4, "{commits} commits of four transactions");
    assert_eq!(keys(&store, &client).await, ["first", "other-0", "other-2"]);
    assert_eq!(keys(&store, &other).await, ["other-1"]);
}

#[tokio::test]
async fn one_that_fails_leaves_the_others_of_its_commit() {
    let (store, Tree { client, .. }) = file("fails").await;
    let mut first = store.write(client.id).await.unwrap();
    add_team(&mut first, "first").await.unwrap();
    let add =
        |key: &str, keeps| tokio::spawn(change(store.clone(), client.id, key.to_owned(), keeps));
    let (second, repeats, dropped, last) =
        (add("second", true), add("second", true), add("dropped", false), add("last", true));
    everybody_goes_on().await;
    first.commit().await.unwrap();
    second.await.unwrap().unwrap();
    let refused = repeats.await.unwrap();
    assert!(matches!(refused, Err(StoreError::Taken("key"))), "{refused:?}");
    dropped.await.unwrap().unwrap();
    last.await.unwrap().unwrap();
    assert_eq!(keys(&store, &client).await, ["first", "last", "second"]);
}

#[tokio::test]
async fn a_long_transaction_shares_its_commit_with_nobody() {
    let (store, Tree { client, .. }) = file("alone").await;
    let mut first = store.write(client.id).await.unwrap();
    add_team(&mut first, "first").await.unwrap();
    let before = store.stats();
    let long = tokio::spawn({
        let (store, org) = (store.clone(), client.id);
        async move {
            let mut tx = store.write_alone(org).await?;
            add_team(&mut tx, "long").await?;
            tx.commit().await
        }
    });
    everybody_goes_on().await;
    let last = tokio::spawn(change(store.clone(), client.id, "last".to_owned(), true));
    everybody_goes_on().await;
    first.commit().await.unwrap();
    long.await.unwrap().unwrap();
    last.await.unwrap().unwrap();
    assert_eq!(spent(&store, before).commits, 3);
    assert_eq!(keys(&store, &client).await, ["first", "last", "long"]);
}

#[tokio::test]
async fn one_client_is_committed_at_once_and_in_few_trips() {
    let (store, Tree { client, .. }) = file("single").await;
    let before = store.stats();
    change(store.clone(), client.id, "only".to_owned(), true).await.unwrap();
    // To begin, to add, to commit.
    assert_eq!(spent(&store, before), StoreStats { trips: 3, transactions: 1, commits: 1 });
}

/// As many pages as the file has: the next page that is needed is one too many.
async fn fill_disk(tx: &mut WriteTx) {
    let pages = number_as(tx, "select page_count from pragma_page_count()").await.unwrap();
    execute_as(tx, &format!("pragma max_page_count = {pages}")).await.unwrap();
}

async fn write_much(tx: &mut WriteTx) -> Result<u64, StoreError> {
    execute_as(tx, "update organizations set name = hex(zeroblob(4000000)) where kind = 'client'")
        .await
}

#[tokio::test]
async fn a_full_disk_ends_a_group_and_nobody_is_told_that_it_is_kept() {
    let (store, Tree { client, .. }) = file("full").await;
    let mut first = store.write(client.id).await.unwrap();
    add_team(&mut first, "first").await.unwrap();
    fill_disk(&mut first).await;
    let greedy = tokio::spawn({
        let (store, org) = (store.clone(), client.id);
        async move {
            let mut tx = store.write(org).await?;
            write_much(&mut tx).await?;
            tx.commit().await
        }
    });
    everybody_goes_on().await;
    let kept = first.commit().await;
    let refused = greedy.await.unwrap();
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    // Either both are one commit that failed, or the first one was committed before.
    match kept {
        Ok(()) => assert_eq!(keys(&store, &client).await, ["first"]),
        Err(StoreError::Unavailable(_)) => assert!(keys(&store, &client).await.is_empty()),
        Err(other) => panic!("{other}"),
    }
    let mut tx = store.write(client.id).await.unwrap();
    execute_as(&mut tx, "pragma max_page_count = 1000000").await.unwrap();
    add_team(&mut tx, "later").await.unwrap();
    tx.commit().await.unwrap();
    assert!(keys(&store, &client).await.contains(&"later".to_owned()));
}

#[tokio::test]
async fn who_is_cut_off_while_it_begins_or_writes_leaves_nothing_open() {
    let (store, Tree { client, .. }) = file("cut").await;
    for steps in 0..12 {
        let mut work = Box::pin(change(store.clone(), client.id, "cut".to_owned(), false));
        for _ in 0..steps {
            let poll = std::future::poll_fn(|at| {
                std::task::Poll::Ready(work.as_mut().poll(at).is_ready())
            });
            if poll.await {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(work);
        change(store.clone(), client.id, format!("kept-{steps:02}"), true).await.unwrap();
    }
    let kept: Vec<String> = (0..12).map(|steps| format!("kept-{steps:02}")).collect();
    assert_eq!(keys(&store, &client).await, kept);
}

#[tokio::test]
async fn a_store_that_is_closed_leaves_one_file_with_everything_in_it() {
    let (store, Tree { client, .. }) = file("closed").await;
    // So many that the log was copied meanwhile, on a connection of its own.
    for number in 0..300 {
        change(store.clone(), client.id, format!("team-{number}"), true).await.unwrap();
    }
    store.close().await;
    let url = testing::sqlite_url("commits::closed");
    let log = format!("{}-wal", url.trim_start_matches("sqlite:"));
    assert!(!std::path::Path::new(&log).exists(), "{log}");
    let store = Store::connect(&url, &StoreOptions::default()).await.unwrap();
    assert_eq!(keys(&store, &client).await.len(), 300);
}

#[tokio::test]
async fn another_process_writes_when_this_one_is_done() {
    let (store, Tree { client, .. }) = file("processes").await;
    let url = testing::sqlite_url("commits::processes");
    let second = Store::connect(&url, &StoreOptions::default()).await.unwrap();
    for round in 0..3 {
        let (own, other) = (format!("own-{round}"), format!("other-{round}"));
        change(store.clone(), client.id, own, true).await.unwrap();
        change(second.clone(), client.id, "given-up".to_owned(), false).await.unwrap();
        change(second.clone(), client.id, other, true).await.unwrap();
    }
    assert_eq!(keys(&second, &client).await.len(), 6);
}
