//! The outbox, as an administrator sees it: which messages left, which wait, which were given up or
//! dropped. And whom messages that are to leave go to now.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use waypost_domain::{
    approval::SeatState,
    ids::{MessageId, OrgId, PersonId, TicketId},
    message::{Message, MessageState, NotSent, Standing, ToldAs},
    permission::sees_internals,
    role::Role,
    ticket::Ticket,
};
use waypost_store::{
    Store, StoreError, approval, organization,
    outbox::{self, Posted},
    person, team, ticket,
};

use crate::{
    Caller, CommandError, Desk, Entropy, InvalidCursor, Page, PageRequest,
    page::ListTag,
    sign_ins::link_of,
    vote_links::{AskedVote, VotePath},
};

/// A message, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageView {
    /// The message.
    pub message: Message,
    /// Where it stands.
    pub state: MessageState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next, while it is pending.
    pub next_attempt_at: DateTime<Utc>,
    /// What the last attempt ended with, if it failed; why there was none, if it was dropped.
    pub last_error: Option<String>,
}

/// Where a message goes, and what it says.
#[derive(Clone, PartialEq, Eq)]
pub struct Leaving {
    /// Its address of now.
    pub address: String,
    /// The path of the link that it carries, made for this attempt.
    pub link: Option<String>,
    /// The path of the page that it is about; none for those who would not see it there, or who
    /// sign in elsewhere.
    pub page: Option<String>,
    /// The votes that it asks its receiver for, which they may cast by a link.
    pub asked: Vec<AskedVote>,
    /// The links for these votes, as far as any were made.
    pub votes: Vec<VotePath>,
}

/// Without the address and without links, which carry secrets, so that no log holds them.
impl std::fmt::Debug for Leaving {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Leaving").field("page", &self.page).finish_non_exhaustive()
    }
}

/// Looks up whom messages that are to leave go to: for each its address of now, or why it is not
/// sent any more. Messages of all organizations are looked up together, each as its own sees it.
/// What carries a link gets it now.
///
/// # Errors
/// The database failed.
pub async fn leaving(
    store: &Store,
    entropy: &dyn Entropy,
    messages: &[&Message],
    now: DateTime<Utc>,
) -> Result<Vec<Result<Leaving, NotSent>>, StoreError> {
    let receivers: BTreeSet<_> = messages.iter().map(|one| (one.org, one.person)).collect();
    let receivers = Vec::from_iter(receivers);
    let people = person::find_anywhere(store, &receivers).await?;
    let tickets: BTreeSet<_> =
        messages.iter().filter_map(|one| Some((one.org, one.ticket?))).collect();
    let tickets = ticket::find_anywhere(store, &Vec::from_iter(tickets)).await?;
    let mut told_as = messages.iter().flat_map(|one| &one.told_as);
    let teams = if told_as.any(|told_as| matches!(told_as, ToldAs::Member(_))) {
        team::memberships(store, &receivers).await?
    } else {
        Vec::new()
    };
    let asked = asked(store, messages).await?;
    let mut leaving = Vec::with_capacity(messages.len());
    for message in messages {
        let is_own = |ticket: &&Ticket| ticket.org == message.org;
        let ticket =
            message.ticket.and_then(|id| tickets.iter().filter(is_own).find(|one| one.id == id));
        let is_theirs =
            |org: OrgId, person: PersonId| (org, person) == (message.org, message.person);
        let seen = people.iter().find(|seen| is_theirs(seen.org, seen.person.id));
        let theirs = teams.iter().filter(|(org, person, _)| is_theirs(*org, *person));
        let standing = Standing {
            person: seen.map(|seen| seen.person.clone()),
            ticket: ticket.cloned(),
            is_asked: theirs_of(&asked, message).is_some(),
            teams: theirs.map(|(.., team)| *team).collect(),
        };
        let address = match message.leaves_to(&standing, now) {
            Ok(address) => address,
            Err(why) => {
                leaving.push(Err(why));
                continue;
            }
        };
        let link = match &standing.person {
            Some(person) => link_of(store, entropy, message, person, now).await?,
            None => Ok(None),
        };
        let link = match link {
            Ok(link) => link,
            Err(why) => {
                leaving.push(Err(why));
                continue;
            }
        };
        let page = seen.zip(ticket);
        let page = page.and_then(|it| page_of(message, it, standing.is_asked));
        // A provider's people sign in at the provider.
        let is_own = seen.is_some_and(|seen| seen.person.org == message.org);
        let asked = match theirs_of(&asked, message) {
            Some(votes) if is_own && message.told_as.contains(&ToldAs::Approver) => votes.clone(),
            Some(_) | None => Vec::new(),
        };
        leaving.push(Ok(Leaving { address, link, page, asked, votes: Vec::new() }));
    }
    Ok(leaving)
}

/// Where the receiver of a message about a ticket goes on: to the votes that are waited for, or to
/// the ticket. A provider's people sign in at the provider.
fn page_of(
    message: &Message,
    (seen, ticket): (&person::Seen, &Ticket),
    is_asked: bool,
) -> Option<String> {
    let (org, person) = (&seen.org_key, &seen.person);
    let is_concerned = sees_internals(person.role)
        || ticket.is_of(person.id)
        || message.told_as.contains(&ToldAs::Watcher);
    if person.org != message.org {
        None
    } else if is_asked && message.told_as.contains(&ToldAs::Approver) {
        Some(format!("/o/{org}/approvals"))
    } else {
        is_concerned.then(|| format!("/o/{org}/tickets/{}", ticket.number))
    }
}

/// The votes that a ticket's approval waits for of a person, as far as they may cast them by a
/// link.
type Asked = BTreeMap<(TicketId, PersonId), Vec<AskedVote>>;

/// The votes that the ticket of a message asks its receiver for, if it waits for any.
fn theirs_of<'a>(asked: &'a Asked, message: &Message) -> Option<&'a Vec<AskedVote>> {
    asked.get(&(message.ticket?, message.person))
}

/// Whose votes the approvals of tickets wait for, as far as messages were written to them as
/// approvers.
async fn asked(store: &Store, messages: &[&Message]) -> Result<Asked, StoreError> {
    let mut tickets: BTreeMap<OrgId, BTreeSet<TicketId>> = BTreeMap::new();
    for message in messages.iter().filter(|one| one.told_as.contains(&ToldAs::Approver)) {
        tickets.entry(message.org).or_default().extend(message.ticket);
    }
    let mut asked = Asked::new();
    for (org, tickets) in tickets {
        let mut tx = store.read(org).await?;
        let rounds = approval::open_of_many(&mut tx, &Vec::from_iter(tickets)).await?;
        if rounds.is_empty() {
            continue;
        }
        let has_links = organization::load(&mut tx).await?.settings.votes_by_mail;
        for round in rounds {
            let ticket = TicketId(round.subject.id());
            for step in round.steps() {
                let waiting = step.requests.iter().filter(|one| one.state == SeatState::Requested);
                for request in waiting {
                    let theirs = asked.entry((ticket, request.voter)).or_default();
                    if has_links {
                        theirs.push(AskedVote { request: request.id, step: step.name.clone() });
                    }
                }
            }
        }
    }
    Ok(asked)
}

/// Lists the organization's messages, the latest first. For administrators and auditors.
///
/// # Errors
/// [`CommandError::Cursor`] for a cursor of another list.
pub async fn list(
    desk: &Desk,
    caller: &Caller,
    request: &PageRequest,
) -> Result<Page<MessageView>, CommandError> {
    caller.must_be(&[Role::Admin, Role::Auditor])?;
    let tag = ListTag::of(caller, "outbox", &());
    let after = tag.place(request.after.as_ref())?;
    let after = after.map(|id| id.parse::<MessageId>().map_err(|_| InvalidCursor)).transpose()?;
    let mut tx = desk.store.read(caller.org).await?;
    let rows = outbox::list(&mut tx, after, request.rows_to_read()).await?;
    let page = Page::cut(rows, request, tag, |posted| posted.message.id.to_string());
    Ok(page.map(view))
}

fn view(posted: Posted) -> MessageView {
    let Posted { message, state, attempts, next_attempt_at, last_error } = posted;
    MessageView { message, state, attempts, next_attempt_at, last_error }
}
