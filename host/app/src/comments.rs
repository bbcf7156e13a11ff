//! Comments on a ticket, as those who may read them see them. Writing one is an action on the
//! ticket.

use std::collections::BTreeMap;

use waypost_domain::{
    comment::{Comment, Visibility},
    ids::PersonId,
    permission,
};
use waypost_store::{comment, person};

use crate::{
    Caller, CommandError, Desk,
    tickets::{PersonName, TicketRef, read},
};

/// A comment, with its author's name.
#[derive(Debug, Clone)]
pub struct CommentView {
    /// The comment.
    pub comment: Comment,
    /// Who wrote it, when it was a person.
    pub author: Option<PersonName>,
}

/// The comments that the caller may read, the oldest first.
pub async fn list(
    desk: &Desk,
    caller: &Caller,
    named: &TicketRef,
) -> Result<Vec<CommentView>, CommandError> {
    let mut tx = desk.store.read(caller.org).await?;
    let seen = read::seen(&mut tx, caller, named).await?;
    let up_to = if permission::sees_internals(caller.role) {
        Visibility::Internal
    } else {
        Visibility::Public
    };
    let comments = comment::of(&mut tx, seen.ticket.id.into(), up_to).await?;
    let mut authors: Vec<PersonId> =
        comments.iter().filter_map(|comment| comment.author.person).collect();
    authors.sort_unstable();
    authors.dedup();
    let people: BTreeMap<PersonId, String> = person::find_many(&mut tx, &authors)
        .await?
        .into_iter()
        .map(|person| (person.id, person.name))
        .collect();
    Ok(comments
        .into_iter()
        .map(|comment| {
            let author = comment.author.person.map(|id| crate::labels::person_name(&people, id));
            CommentView { comment, author }
        })
        .collect())
}
