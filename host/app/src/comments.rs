//! Comments on a ticket: public answers, internal notes, replies of the caller.

use std::collections::BTreeMap;

use waypost_domain::{
    comment::{Comment, Visibility},
    ids::{CommentId, PersonId},
    permission,
    ticket::Action,
};
use waypost_policy::question::EventKind;
use waypost_store::{comment, person};

use crate::{
    Caller, CommandError, Desk,
    tickets::{
        PersonName, TicketAction, TicketRef, TicketView, act,
        conclude::{conclude, start_over_if_stale},
        decide::Deciding,
        facts::Facts,
        read,
    },
};

/// A comment, with its author's name.
#[derive(Debug, Clone)]
pub struct CommentView {
    /// The comment.
    pub comment: Comment,
    /// Who wrote it, when it was a person.
    pub author: Option<PersonName>,
}

/// Writes a comment. A public one by the ticket's own caller is a reply, which may resume or reopen the ticket, or open
/// another one when it is over.
pub async fn add(
    desk: &Desk,
    caller: &Caller,
    named: &TicketRef,
    visibility: Visibility,
    text: String,
) -> Result<TicketView, CommandError> {
    // What is checked is what is stored, told and sent.
    let text = text.trim().to_owned();
    let mut tx = desk.store.read(caller.org).await?;
    let seen = read::seen(&mut tx, caller, named).await?;
    drop(tx);
    let is_of_caller = caller.person() == Some(seen.ticket.requester);
    if visibility == Visibility::Public && is_of_caller {
        let reply = TicketAction::CallerReply { text: Some(text) };
        return Box::pin(act(desk, caller, named, reply, None)).await;
    }
    let attempt = || try_add(desk, caller, named, visibility, &text);
    start_over_if_stale(desk.options.stale_retries, attempt).await
}

async fn try_add(
    desk: &Desk,
    caller: &Caller,
    named: &TicketRef,
    visibility: Visibility,
    text: &str,
) -> Result<TicketView, CommandError> {
    let (mut tx, mut facts) = Facts::open(desk, caller).await?;
    let seen = read::seen(&mut tx, caller, named).await?;
    let action = match visibility {
        Visibility::Public => Action::Comment,
        Visibility::Internal => Action::Note,
    };
    permission::allows(caller.role, seen.relation, action, &seen.ticket)?;
    seen.ticket.demand(action)?;
    facts.around(&mut tx, &seen.ticket).await?;
    drop(tx);

    let mut it = Deciding::of_stored(desk, facts, seen.ticket, action.as_str(), caller);
    let was = it.write.ticket.state();
    let changes = match visibility {
        Visibility::Public => it.write.ticket.comment(Some(text), &caller.actor, caller.now)?,
        Visibility::Internal => it.write.ticket.note(Some(text), caller.now)?,
    };
    it.did(action, &caller.actor, changes);
    it.write.comments.push(Comment {
        id: CommentId(desk.id(caller)),
        ticket: it.write.ticket.id,
        visibility,
        author: caller.actor.clone(),
        text: text.to_owned(),
        created_at: caller.now,
    });
    if visibility == Visibility::Public {
        it.happened(EventKind::Commented, &caller.actor, was).text = Some(text.to_owned());
    }
    conclude(desk, caller, vec![it]).await
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
    let comments = comment::of_ticket(&mut tx, seen.ticket.id, up_to).await?;
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
            let author = comment.author.person.map(|id| PersonName {
                id,
                name: people.get(&id).cloned().unwrap_or_else(|| id.to_string()),
            });
            CommentView { comment, author }
        })
        .collect())
}
