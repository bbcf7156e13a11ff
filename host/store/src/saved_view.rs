//! Views of the queue that people saved.

use chrono::{DateTime, Utc};
use uuid::Uuid;
use waypost_domain::{
    ids::{OrgId, PersonId, SavedViewId},
    saved_view::SavedView,
};

use crate::{
    ReadTx, StoreError, WriteTx,
    conn::{Conn, on},
    row::{insert_all, row},
    unique::UniqueKey,
};

const KEYS: [UniqueKey; 1] = [UniqueKey {
    what: "name",
    postgres: "saved_views_name_key",
    sqlite: "saved_views.org_id, saved_views.person_id, saved_views.name",
}];

row! {
    struct SavedViewRow in "saved_views", columns saved_view_columns {
        id: Uuid,
        org_id: Uuid,
        person_id: Uuid,
        name: String,
        query: String,
        created_at: DateTime<Utc>,
    }
}

/// Adds a view. A name that another one of the person has is `Taken("name")`.
pub async fn insert(tx: &mut WriteTx, view: &SavedView) -> Result<(), StoreError> {
    insert_all(tx, vec![SavedViewRow::from(view)], &KEYS).await?;
    Ok(())
}

/// Waits until nobody else adds a view for a person, and keeps others out until the transaction
/// ends: what is looked at before adding still holds then. On SQLite whoever writes is alone
/// anyway.
///
/// It is no row of the person's that is locked: they may belong to an organization above, whose
/// rows are not this one's to lock.
pub async fn lock(tx: &mut WriteTx, person: PersonId) -> Result<(), StoreError> {
    const LOCK: &str = "select pg_advisory_xact_lock(hashtextextended($1, 0))";
    let whose = format!("saved_views/{}/{}", tx.org.0, person.0);
    if let Conn::Postgres(on) = &mut tx.conn {
        sqlx::query(LOCK).bind(whose).execute(on.ask()?).await?;
    }
    Ok(())
}

/// Lists the views of a person, the oldest first.
pub async fn of_person(tx: &mut ReadTx, person: PersonId) -> Result<Vec<SavedView>, StoreError> {
    const LIST: &str = concat!(
        "select ",
        saved_view_columns!(),
        " from saved_views where org_id = $1 and person_id = $2 order by created_at, id"
    );
    let rows: Vec<SavedViewRow> = on!(tx, |conn, org| {
        sqlx::query_as(LIST).bind(org).bind(person.0).fetch_all(conn).await?
    });
    Ok(rows.into_iter().map(SavedView::from).collect())
}

/// Removes a view of a person. Says whether it was there.
pub async fn remove(
    tx: &mut WriteTx,
    person: PersonId,
    id: SavedViewId,
) -> Result<bool, StoreError> {
    const REMOVE: &str = "delete from saved_views where org_id = $1 and person_id = $2 and id = $3";
    let removed = on!(tx, |conn, org| {
        let query = sqlx::query(REMOVE).bind(org).bind(person.0).bind(id.0);
        query.execute(conn).await?.rows_affected()
    });
    Ok(removed > 0)
}

impl From<&SavedView> for SavedViewRow {
    fn from(view: &SavedView) -> Self {
        Self {
            id: view.id.0,
            org_id: view.org.0,
            person_id: view.person.0,
            name: view.name.clone(),
            query: view.query.clone(),
            created_at: view.created_at,
        }
    }
}

impl From<SavedViewRow> for SavedView {
    fn from(row: SavedViewRow) -> Self {
        Self {
            id: SavedViewId(row.id),
            org: OrgId(row.org_id),
            person: PersonId(row.person_id),
            name: row.name,
            query: row.query,
            created_at: row.created_at,
        }
    }
}
