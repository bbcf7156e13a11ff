//! Comments on a record. Who may read internal ones is asked of the caller by the one who reads
//! them here.

use chrono::{DateTime, Utc};
use uuid::Uuid;
use waypost_domain::{
    comment::{Comment, Visibility},
    ids::CommentId,
    subject::Subject,
};

use crate::{ReadTx, StoreError, WriteTx, column::Table, conn::on, row::row, write_set::Inserts};

const TABLE: Table = Table("comments");

row! {
    struct CommentRow in "comments", columns comment_columns {
        id: Uuid,
        org_id: Uuid,
        subject_kind: String,
        subject_id: Uuid,
        visibility: String,
        author: String,
        author_id: Option<Uuid>,
        text: String,
        created_at: DateTime<Utc>,
    }
}

/// Adds a comment.
pub async fn insert(tx: &mut WriteTx, comment: &Comment) -> Result<(), StoreError> {
    insert_many(tx, std::slice::from_ref(comment)).await
}

/// Adds comments.
pub async fn insert_many(to: &mut impl Inserts, comments: &[Comment]) -> Result<(), StoreError> {
    let org = to.org().0;
    let rows = comments.iter().map(|comment| CommentRow::new(org, comment)).collect();
    to.put(rows, "", &[]).await
}

/// Lists a record's comments, the oldest first: the public ones, or with `Internal` all of them.
pub async fn of(
    tx: &mut ReadTx,
    subject: Subject,
    up_to: Visibility,
) -> Result<Vec<Comment>, StoreError> {
    const ALL: &str = concat!(
        "select ",
        comment_columns!(),
        " from comments where org_id = $1 and subject_id = $2 order by created_at, id"
    );
    const PUBLIC: &str = concat!(
        "select ",
        comment_columns!(),
        " from comments where org_id = $1 and subject_id = $2 and visibility = 'public'
          order by created_at, id"
    );
    let list = match up_to {
        Visibility::Public => PUBLIC,
        Visibility::Internal => ALL,
    };
    let rows: Vec<CommentRow> = on!(tx, |conn, org| {
        sqlx::query_as(list).bind(org).bind(subject.id()).fetch_all(conn).await?
    });
    rows.into_iter().map(Comment::try_from).collect()
}

/// Reads a record's last public comments, the newest last.
pub async fn last_public(
    tx: &mut ReadTx,
    subject: Subject,
    most: u32,
) -> Result<Vec<Comment>, StoreError> {
    const LAST: &str = concat!(
        "select ",
        comment_columns!(),
        " from comments where org_id = $1 and subject_id = $2 and visibility = 'public'
          order by created_at desc, id desc limit $3"
    );
    let rows: Vec<CommentRow> = on!(tx, |conn, org| {
        sqlx::query_as(LAST)
            .bind(org)
            .bind(subject.id())
            .bind(i64::from(most))
            .fetch_all(conn)
            .await?
    });
    rows.into_iter().rev().map(Comment::try_from).collect()
}

impl CommentRow {
    fn new(org_id: Uuid, comment: &Comment) -> Self {
        Self {
            id: comment.id.0,
            org_id,
            subject_kind: comment.subject.kind().as_str().to_owned(),
            subject_id: comment.subject.id(),
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
            subject: TABLE.subject(&row.subject_kind, row.subject_id)?,
            visibility: TABLE.parse("visibility", &row.visibility)?,
            author: TABLE.actor("author", &row.author, row.author_id)?,
            text: row.text,
            created_at: row.created_at,
        })
    }
}
