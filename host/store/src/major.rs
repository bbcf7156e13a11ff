//! Major incidents as everybody may know of them: no more is read than that.

use chrono::{DateTime, Utc};
use uuid::Uuid;
use waypost_domain::{
    ids::TicketId,
    incident::{MajorState, PublicMajor, PublicUpdate},
    ticket::Action,
};

use crate::{ReadTx, StoreError, column::Table, sql::Sql};

const TICKETS: Table = Table("tickets");

#[derive(Debug, sqlx::FromRow)]
struct MajorRow {
    id: Uuid,
    number: String,
    short_description: String,
    state: String,
    opened_at: DateTime<Utc>,
    told: Option<String>,
    told_at: Option<DateTime<Utc>>,
}

/// Reads the accepted major incidents that are worked on, the latest first, or the one of an id.
/// Of what was said, only what `update_major` said is read: other public comments are for whoever
/// asked for the ticket.
pub async fn in_public(
    tx: &mut ReadTx,
    only: Option<TicketId>,
    limit: u32,
) -> Result<Vec<PublicMajor>, StoreError> {
    let org = tx.org.0;
    let mut sql = Sql::new(
        &tx.conn,
        "select tickets.id, tickets.number, tickets.short_description, tickets.state,
            tickets.opened_at, comments.text as told, comments.created_at as told_at
        from incidents",
    );
    // Few are major: SQLite is to begin with them.
    sql.push_either(" cross join", " join").push(
        " tickets on tickets.org_id = incidents.org_id and tickets.id = incidents.ticket_id
        left join events on events.org_id = tickets.org_id and events.subject_id = tickets.id
            and events.seq = (
                select max(told.seq) from events told where told.org_id = tickets.org_id
                    and told.subject_id = tickets.id and told.action = ",
    );
    sql.bind(Action::UpdateMajor.as_str()).push(
        ")
        left join comments on comments.org_id = events.org_id
            and comments.subject_id = events.subject_id and comments.created_at = events.at
            and comments.id = (
                select said.id from comments said where said.org_id = events.org_id
                    and said.subject_id = events.subject_id and said.created_at = events.at
                    and said.visibility = 'public' and said.author = events.actor
                    and (said.author_id = events.actor_id
                        or said.author_id is null and events.actor_id is null)
                order by said.id desc limit 1
            )
        where incidents.major_state <> 'none' and incidents.org_id = ",
    );
    sql.bind(org).push(" and incidents.major_state = ").bind(MajorState::Accepted.as_str());
    if let Some(only) = only {
        sql.push(" and incidents.ticket_id = ").bind(only.0);
    }
    sql.push(" and tickets.active order by tickets.opened_at desc, tickets.id desc limit ");
    sql.bind(i64::from(limit));
    let rows: Vec<MajorRow> = sql.fetch_all(&mut tx.conn).await?;
    rows.into_iter().map(PublicMajor::try_from).collect()
}

impl TryFrom<MajorRow> for PublicMajor {
    type Error = StoreError;

    fn try_from(row: MajorRow) -> Result<Self, StoreError> {
        let update = row.told.zip(row.told_at);
        Ok(Self {
            id: TicketId(row.id),
            number: row.number,
            short_description: row.short_description,
            state: TICKETS.parse("state", &row.state)?,
            opened_at: row.opened_at,
            last_update: update.map(|(text, at)| PublicUpdate { text, at }),
        })
    }
}
