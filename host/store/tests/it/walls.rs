//! The two sets of migrations are the same tables, and PostgreSQL's row-level security is a wall of
//! its own.

use waypost_domain::{ids::PersonId, receipt::Evaluation, ticket::TicketKind};
use waypost_store::{
    Engine, Store, StoreError, approval, binding, comment, event, import_job, number, person,
    receipt, team,
    testing::{self, execute_as, number_as, texts},
    ticket,
};

use crate::fixture::{
    self, Tree, at, digest, evaluated, evaluation_of, granted_component, stored_part,
    stored_ticket, tree,
};

#[tokio::test]
async fn both_engines_have_the_same_tables_and_columns() {
    const SQLITE: &str = "
        select t.name || '.' || c.name || case when c.\"notnull\" = 1 then ' not null' else '' end
        from sqlite_schema t join pragma_table_xinfo(t.name) c
        where t.type = 'table' and t.name not like 'sqlite%' and t.name not like '\\_%' escape '\\'";
    const POSTGRES: &str = "
        select cast(table_name || '.' || column_name
            || case when is_nullable = 'NO' then ' not null' else '' end as text)
        from information_schema.columns
        where table_schema = 'public' and table_name not like '\\_%'";
    let sqlite = testing::sqlite().await;
    let postgres = testing::postgres("both_engines_have_the_same_tables_and_columns").await;
    let mut sqlite = texts(&mut sqlite.system().await.unwrap(), SQLITE).await.unwrap();
    let mut postgres = texts(&mut postgres.system().await.unwrap(), POSTGRES).await.unwrap();
    sqlite.sort_unstable();
    postgres.sort_unstable();
    assert!(sqlite.len() > 200, "{} columns", sqlite.len());
    assert_eq!(sqlite, postgres);
}

#[tokio::test]
async fn both_engines_have_the_same_indexes() {
    const SQLITE: &str = "
        select name from sqlite_schema
        where type = 'index' and name not like 'sqlite\\_%' escape '\\' order by 1";
    // Those that belong to a named constraint have no name of their own on SQLite.
    const POSTGRES: &str = "
        select cast(i.relname as text) from pg_class i
        join pg_index x on x.indexrelid = i.oid
        join pg_namespace n on n.oid = i.relnamespace
        where n.nspname = 'public' and i.relname not like '\\_%'
            and not exists (select 1 from pg_constraint c where c.conindid = i.oid and c.contype in ('p', 'u'))
        order by 1";
    let sqlite = testing::sqlite().await;
    let postgres = testing::postgres("both_engines_have_the_same_indexes").await;
    let mut sqlite = texts(&mut sqlite.system().await.unwrap(), SQLITE).await.unwrap();
    let mut postgres = texts(&mut postgres.system().await.unwrap(), POSTGRES).await.unwrap();
    sqlite.sort_unstable();
    postgres.sort_unstable();
    assert_eq!(sqlite, postgres);
}

#[test]
fn both_engines_have_the_same_migrations() {
    let names = |engine: &str| {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
        let mut names: Vec<_> = std::fs::read_dir(folder.join(engine))
            .unwrap()
            .map(|file| file.unwrap().file_name())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names("sqlite"), names("postgres"));
}

/// One row of everything for the client, and some for the layers above it.
async fn filled(store: &Store) -> Tree {
    let tree = tree(store).await;
    let client = &tree.client;
    let ticket = stored_ticket(store, client).await;
    let part = Some(stored_part(store, client.id, 10).await);
    evaluated(store, &Evaluation { part, ..evaluation_of(&ticket, 1) }, &[]).await;
    let round = crate::approvals::round_of(&ticket, 1, &[PersonId(fixture::id()); 2]);
    let mut details = crate::tickets::one_of_every_kind(&tree.client);
    details[0].watchers = [PersonId(fixture::id())].into();
    details[0].tags = ["vpn".to_owned()].into();
    let component = granted_component(store, client.id, 1).await;
    let routing = fixture::binding(client.id, "routing");
    let mut tx = store.write(client.id).await.unwrap();
    ticket::insert_many(&mut tx, &details).await.unwrap();
    approval::insert(&mut tx, &round).await.unwrap();
    let first = fixture::revision(&routing, 1, 1, &component.digest);
    binding::insert(&mut tx, &routing, &first).await.unwrap();
    person::insert(&mut tx, &fixture::person(client.id, "anna")).await.unwrap();
    number::next(&mut tx, TicketKind::Incident, 1).await.unwrap();
    let job = import_job::NewJob {
        name: "job",
        file_digest: &digest(1),
        kind: "tickets",
        source: "old-desk",
        options: "{}",
    };
    import_job::start(&mut tx, &job, at(1)).await.unwrap();
    comment::insert(
        &mut tx,
        &waypost_domain::comment::Comment {
            id: waypost_domain::ids::CommentId(fixture::id()),
            subject: ticket.id.into(),
            visibility: waypost_domain::comment::Visibility::Internal,
            author: fixture::by_policy(),
            text: "secret".to_owned(),
            created_at: at(1),
        },
    )
    .await
    .unwrap();
    event::append_many(
        &mut tx,
        &[waypost_domain::event::Event {
            id: waypost_domain::ids::EventId(fixture::id()),
            subject: ticket.id.into(),
            seq: 1,
            at: at(1),
            actor: fixture::by(PersonId(fixture::id())),
            cause: None,
            action: waypost_domain::ticket::Action::Create,
            changes: Vec::new(),
            policy_digest: None,
            reason: None,
        }],
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    tree
}

/// Queries that forget to name their organization see nothing of others all the same.
#[tokio::test]
async fn a_query_that_forgets_its_organization_sees_no_other() {
    const COUNTS: [(&str, &str); 22] = [
        ("tickets", "select count(*) from tickets"),
        ("events", "select count(*) from events"),
        ("comments", "select count(*) from comments"),
        ("incidents", "select count(*) from incidents"),
        ("requests", "select count(*) from requests"),
        ("problems", "select count(*) from problems"),
        ("tasks", "select count(*) from tasks"),
        ("ticket_cis", "select count(*) from ticket_cis"),
        ("ticket_people", "select count(*) from ticket_people"),
        ("ticket_tags", "select count(*) from ticket_tags"),
        ("team_open", "select count(*) from team_open"),
        ("approvals", "select count(*) from approvals"),
        ("snapshot_parts", "select count(*) from snapshot_parts"),
        ("evaluations", "select count(*) from evaluations"),
        ("bindings", "select count(*) from bindings"),
        ("binding_data", "select count(*) from binding_data"),
        ("data_files", "select count(*) from data_files"),
        ("component_bytes", "select count(*) from component_bytes"),
        ("components", "select count(*) from components"),
        ("people", "select count(*) from people"),
        ("number_series", "select count(*) from number_series"),
        ("import_jobs", "select count(*) from import_jobs"),
    ];
    let store = testing::postgres("a_query_that_forgets_its_organization_sees_no_other").await;
    let tree = filled(&store).await;
    for (table, count) in COUNTS {
        let mut tx = store.read(tree.client.id).await.unwrap();
        assert!(number_as(&mut tx, count).await.unwrap() > 0, "{table} of the client");
        drop(tx);
        for elsewhere in [&tree.other, &tree.provider, &tree.platform] {
            let mut tx = store.read(elsewhere.id).await.unwrap();
            let seen = number_as(&mut tx, count).await.unwrap();
            assert_eq!(seen, 0, "{table} of {}", elsewhere.key);
        }
    }
}

/// Statements that forget to name their organization change nothing of others all the same.
#[tokio::test]
async fn a_statement_that_forgets_its_organization_changes_no_other() {
    let store =
        testing::postgres("a_statement_that_forgets_its_organization_changes_no_other").await;
    let tree = filled(&store).await;
    for change in [
        "update tickets set description = 'mine now'",
        "delete from comments",
        "update tasks set position = 0",
        "delete from problems",
        "delete from states",
        "update bindings set enabled = false",
        "update people set vip = true",
        "update team_open set open = 0",
        "delete from ticket_people",
        "delete from ticket_tags",
        "update organizations set name = 'mine now' where key <> 'globex'",
        "delete from component_grants",
        "update components set name = 'mine now'",
        "update component_bytes set bytes = 'mine now'",
        "delete from component_bytes",
    ] {
        let mut tx = store.write(tree.other.id).await.unwrap();
        assert_eq!(execute_as(&mut tx, change).await.unwrap(), 0, "{change}");
    }
    // Nor adds anything in another's name.
    let mut tx = store.write(tree.other.id).await.unwrap();
    let refused = execute_as(
        &mut tx,
        "insert into number_series (org_id, kind, last)
         select ancestor_id, 'request', 1 from organization_lines where depth > 0",
    )
    .await;
    assert!(matches!(refused, Err(StoreError::Database(_))), "{refused:?}");
}

/// Layers above are read, as far as they decide for those below; they are not changed from there.
#[tokio::test]
async fn a_client_reads_the_layers_above_and_changes_nothing_there() {
    let store =
        testing::postgres("a_client_reads_the_layers_above_and_changes_nothing_there").await;
    let tree = tree(&store).await;
    let component = granted_component(&store, tree.provider.id, 1).await;
    let above = fixture::binding(tree.provider.id, "above");
    let mut serving = fixture::team(tree.provider.id, "serving");
    serving.serves = [tree.client.id].into();
    let mut tx = store.write(tree.provider.id).await.unwrap();
    let first = fixture::revision(&above, 1, 1, &component.digest);
    binding::insert(&mut tx, &above, &first).await.unwrap();
    team::insert(&mut tx, &serving).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = store.write(tree.client.id).await.unwrap();
    for (seen, expected) in [
        ("select count(*) from bindings", 1),
        ("select count(*) from components", 1),
        ("select count(*) from organizations", 3),
        ("select count(*) from teams where key = 'serving'", 1),
        ("select count(*) from teams", 2),
    ] {
        assert_eq!(number_as(&mut tx, seen).await.unwrap(), expected, "{seen}");
    }
    for change in [
        "update bindings set enabled = false",
        "update binding_revisions set locked = true",
        "delete from binding_data",
        "update teams set active = false where key = 'serving'",
        "delete from team_serves",
    ] {
        assert_eq!(execute_as(&mut tx, change).await.unwrap(), 0, "{change}");
    }
}

/// Rows of one's own decide what else one sees; none can be written that opens another's records.
#[tokio::test]
async fn no_row_of_ones_own_opens_anothers() {
    let store = testing::postgres("no_row_of_ones_own_opens_anothers").await;
    let tree = tree(&store).await;
    let (me, other) = (tree.other.id, tree.client.id);
    let (mine, theirs) = (fixture::team(me, "mine"), fixture::team(other, "theirs"));
    let anna = fixture::person(other, "anna");
    let mut tx = store.write(me).await.unwrap();
    team::insert(&mut tx, &mine).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.write(other).await.unwrap();
    team::insert(&mut tx, &theirs).await.unwrap();
    person::insert(&mut tx, &anna).await.unwrap();
    tx.commit().await.unwrap();

    let (me, other, mine, theirs, anna) = (me.0, other.0, mine.id.0, theirs.id.0, anna.id.0);
    for refused in [
        format!("insert into team_serves values ('{me}', '{theirs}', '{me}')"),
        format!("insert into team_serves values ('{me}', '{mine}', '{me}')"),
        format!("insert into team_serves values ('{me}', '{mine}', '{other}')"),
        format!("insert into team_members values ('{me}', '{theirs}', '{anna}')"),
        format!("insert into organization_lines values ('{me}', '{other}', 1)"),
        format!("insert into organization_lines values ('{other}', '{me}', 1)"),
        format!("update organizations set parent_id = '{other}' where id = '{me}'"),
        format!("update organizations set key = 'stolen' where id = '{me}'"),
    ] {
        let mut tx = store.write(tree.other.id).await.unwrap();
        let answer = execute_as(&mut tx, &refused).await;
        assert!(matches!(answer, Err(StoreError::Database(_))), "{refused}: {answer:?}");
    }
    // Somebody of another organization in a team of one's own tells nothing of them.
    let mut tx = store.write(tree.other.id).await.unwrap();
    let member = format!("insert into team_members values ('{me}', '{mine}', '{anna}')");
    assert_eq!(execute_as(&mut tx, &member).await.unwrap(), 1);
    for hidden in [
        format!("select count(*) from people where id = '{anna}'"),
        format!("select count(*) from teams where id = '{theirs}'"),
        format!("select count(*) from organizations where id = '{other}'"),
    ] {
        assert_eq!(number_as(&mut tx, &hidden).await.unwrap(), 0, "{hidden}");
    }
}

#[tokio::test]
async fn what_was_recorded_is_only_ever_added() {
    const KEPT: [&str; 11] = [
        "snapshot_parts",
        "evaluations",
        "receipts",
        "events",
        "binding_revisions",
        "binding_switches",
        "binding_data",
        "data_files",
        "refused_votes",
        "approvals",
        "retention_cuts",
    ];
    let stores =
        [testing::sqlite().await, testing::postgres("what_was_recorded_is_only_ever_added").await];
    for store in stores {
        let tree = filled(&store).await;
        let mut tx = store.write(tree.client.id).await.unwrap();
        let later = at(1_000_000);
        assert_eq!(receipt::purge(&mut tx, at(0), later, 10).await.unwrap(), 0);
        drop(tx);
        for table in [
            "snapshot_parts",
            "evaluations",
            "events",
            "binding_revisions",
            "binding_data",
            "data_files",
            "approvals",
        ] {
            let mut tx = store.write(tree.client.id).await.unwrap();
            let answer = execute_as(&mut tx, &format!("delete from {table}")).await;
            assert!(matches!(answer, Err(StoreError::Database(_))), "{table}: {answer:?}");
        }
        for change in [
            "update snapshot_parts set content = 'x'",
            "update data_files set content = 'x'",
            "update binding_data set name = 'x'",
            "update binding_revisions set note = 'x'",
        ] {
            let mut tx = store.write(tree.client.id).await.unwrap();
            let answer = execute_as(&mut tx, change).await;
            assert!(matches!(answer, Err(StoreError::Database(_))), "{change}: {answer:?}");
        }
        if store.engine() == Engine::Postgres {
            for table in KEPT.iter().chain(&["tickets", "comments", "people"]) {
                let mut tx = store.write(tree.client.id).await.unwrap();
                let answer = execute_as(&mut tx, &format!("truncate {table} cascade")).await;
                assert!(matches!(answer, Err(StoreError::Database(_))), "{table}: {answer:?}");
            }
        }
        // Retention removes them, and says so.
        let mut tx = store.write(tree.client.id).await.unwrap();
        assert_eq!(receipt::purge(&mut tx, later, later, 10).await.unwrap(), 1);
        assert_eq!(number_as(&mut tx, "select count(*) from evaluations").await.unwrap(), 0);
        assert_eq!(number_as(&mut tx, "select count(*) from snapshot_parts").await.unwrap(), 0);
        assert_eq!(number_as(&mut tx, "select count(*) from retention_cuts").await.unwrap(), 1);
        let answer = execute_as(&mut tx, "delete from retention_cuts").await;
        assert!(matches!(answer, Err(StoreError::Database(_))), "{answer:?}");
    }
}

/// A table that is added without its wall fails here.
#[tokio::test]
async fn every_table_has_its_wall() {
    const UNWALLED: &str = "
        select cast(c.relname as text) from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'public' and c.relkind = 'r' and c.relname <> '_sqlx_migrations'
            and not (c.relrowsecurity and c.relforcerowsecurity)";
    let store = testing::postgres("every_table_has_its_wall").await;
    let mut tx = store.system().await.unwrap();
    assert_eq!(texts(&mut tx, UNWALLED).await.unwrap(), Vec::<String>::new());
}

/// A new state is an insert, so the table and the program must not drift apart.
#[tokio::test]
async fn the_tables_know_the_states_that_the_program_knows() {
    const STATES: &str = "select kind || ' ' || state || ' ' || phase from states";
    let known = TicketKind::ALL.iter().flat_map(|kind| {
        let states = kind.rules().states.iter();
        states.map(move |(state, phase)| format!("{kind} {state} {phase}"))
    });
    let mut known = known.collect::<Vec<_>>();
    known.sort_unstable();
    let stores = [
        testing::sqlite().await,
        testing::postgres("the_tables_know_the_states_that_the_program_knows").await,
    ];
    for store in stores {
        let mut seeded = texts(&mut store.system().await.unwrap(), STATES).await.unwrap();
        seeded.sort_unstable();
        assert_eq!(seeded, known);
    }
}

/// A test that bypassed the wall would prove nothing.
#[tokio::test]
async fn tests_do_not_bypass_the_wall() {
    const BYPASSES: &str = "
        select count(*) from pg_roles where rolname = current_user and (rolsuper or rolbypassrls)";
    let store = testing::postgres("tests_do_not_bypass_the_wall").await;
    let tree = tree(&store).await;
    let mut tx = store.read(tree.client.id).await.unwrap();
    assert_eq!(number_as(&mut tx, BYPASSES).await.unwrap(), 0);
}
