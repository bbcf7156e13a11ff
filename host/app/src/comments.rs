//! Comments on a ticket, as those who may read them see them. Writing one is an action on the
//! ticket.

use waypost_domain::{
    comment::{Comment, Visibility},
    permission,
};
use waypost_store::comment;

use crate::{
    CommandError,
    labels::{people_names, person_name},
    tickets::{Look, PersonName},
};

/// A comment, with its author's name.
#[derive(Debug, Clone)]
pub struct CommentView {
    /// The comment.
    pub comment: Comment,
    /// Who wrote it, when it was a person.
    pub author: Option<PersonName>,
}

impl Look<'_> {
    /// What was said of the ticket, as far as the caller may read it, the oldest first.
    pub async fn comments(&mut self) -> Result<Vec<CommentView>, CommandError> {
        let up_to = if permission::sees_internals(self.caller.role) {
            Visibility::Internal
        } else {
            Visibility::Public
        };
        let comments = comment::of(&mut self.tx, self.seen.ticket.id.into(), up_to).await?;
        let authors = comments.iter().filter_map(|comment| comment.author.person);
        let people = people_names(&mut self.tx, authors).await?;
        let view = |comment: Comment| {
            let author = comment.author.person.map(|id| person_name(&people, id));
            CommentView { comment, author }
        };
        Ok(comments.into_iter().map(view).collect())
    }
}
