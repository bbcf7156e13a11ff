//! Comments on a ticket. Who may read internal ones is asked of the caller by the one who reads them here.

use chrono::{DateTime, Utc};
use uuid::Uuid;
use waypost_domain::{
    comment::{Comment, Visibility},
    ids::{CommentId, TicketId},
};

use crate::{
    ReadTx, StoreError, WriteTx,
    column::Table,
    conn::on,
    row::{insert_all, row},
};

const TABLE: Table = Table("comments");

row! {
    struct CommentRow in "comments", columns comment_columns {
        id: Uuid,
        org_id: Uuid,
        ticket_id: Uuid,
        visibility: String,
        author: String,
        author_id: Option<Uuid>,
        text: String,
        created_at: DateTime<Utc>,
    }
}

/// Adds a comment.
pub async fn insert(tx: &mut WriteTx, comment: &Comment) -> Result<(), StoreError> {
    let org = tx.org.0;
    insert_all(tx, vec![CommentRow::new(org, comment)], &[]).await?;
    Ok(())
}

/// Lists a ticket's comments, the oldest first: the public ones, or with `Internal` all of them.
pub async fn of_ticket(
    tx: &mut ReadTx,
    ticket: TicketId,
    up_to: Visibility,
) -> Result<Vec<Comment>, StoreError> {
    const ALL: &str = concat!(
        "select ",
        comment_columns!(),
        " from comments where org_id = $1 and ticket_id = $2 order by created_at, id"
    );
    const PUBLIC: &str = concat!(
        "select ",
        comment_columns!(),
        " from comments where org_id = $1 and ticket_id = $2 and visibility = 'public'
          order by created_at, id"
    );
    let list = match up_to {
        Visibility::Public => PUBLIC,
        Visibility::Internal => ALL,
    };
    let rows: Vec<CommentRow> = on!(tx, |conn, org| {
        sqlx::query_as(list).bind(org).bind(ticket.0).fetch_all(conn).await?
    });
    rows.into_iter().map(Comment::try_from).collect()
}

/// Reads a ticket's last public comments, the newest last.
pub async fn last_public(
    tx: &mut ReadTx,
    ticket: TicketId,
    most: u32,
) -> Result<Vec<Comment>, StoreError> {
    const LAST: &str = concat!(
        "select ",
        comment_columns!(),
        " from comments where org_id = $1 and ticket_id = $2 and visibility = 'public'
          order by created_at desc, id desc limit $3"
    );
    let rows: Vec<CommentRow> = on!(tx, |conn, org| {
        sqlx::query_as(LAST).bind(org).bind(ticket.0).bind(i64::from(most)).fetch_all(conn).await?
    });
    rows.into_iter().rev().map(Comment::try_from).collect()
}

impl CommentRow {
    fn new(org_id: Uuid, comment: &Comment) -> Self {
        Self {
            id: comment.id.0,
            org_id,
            ticket_id: comment.ticket.0,
            visibility: comment.visibility.as_str().to_owned(),
            author: comment.author.kind.as_str().to_owned(),
            author_id: comment.author.person.map(|person| person.0),
            text: comment.text.clone(),
            created_at: comment.created_at,
        }
    }
}

impl TryFrom<CommentRow> for Comment {
    type Error = StoreError;

    fn try_from(row: CommentRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: CommentId(row.id),
            ticket: TicketId(row.ticket_id),
            visibility: TABLE.parse("visibility", &row.visibility)?,
            author: TABLE.actor("author", &row.author, row.author_id)?,
            text: row.text,
            created_at: row.created_at,
        })
    }
}
