//! Reading tickets.

use chrono::DateTime;
use waypost_domain::{
    approval::Approval,
    event::{ActorKind, Event},
    ids::PersonId,
    incident::MajorState,
    permission::{self, Relation},
    refusal::Faults,
    role::Role,
    text,
    ticket::{Action, State, Ticket, TicketKind},
};
use waypost_store::{
    ReadTx, approval, ci, service, team, ticket,
    ticket::{Assignee, TicketCursor, TicketFilter, TicketSort},
};

use super::{Look, PersonRef, TicketOrder, TicketQuery, TicketRef, TicketView, names};
use crate::{
    Caller, CommandError, Desk, InvalidCursor, Missing, Page, PageRequest,
    input::Reading,
    page::{ListTag, Total},
    refs,
};

/// A ticket that the caller may see.
pub(crate) struct Seen {
    /// The ticket.
    pub(crate) ticket: Ticket,
    /// The ticket that a task belongs to.
    pub(crate) parent: Option<Ticket>,
    /// Its open round of approval.
    pub(crate) open_approval: Option<Approval>,
    /// How the caller stands to it.
    pub(crate) relation: Relation,
}

/// Reads a ticket, if the caller may see it. What they may not see is not there.
pub(crate) async fn seen(
    tx: &mut ReadTx,
    caller: &Caller,
    named: &TicketRef,
) -> Result<Seen, CommandError> {
    let found = match named {
        TicketRef::Id(id) => ticket::find(tx, *id).await?,
        TicketRef::Number(number) => ticket::find_by_number(tx, number).await?,
    };
    let ticket = found.ok_or(CommandError::NotFound(Missing::Ticket))?;
    let seen = beside(tx, caller, ticket).await?;
    if !permission::sees(caller.role, seen.relation) {
        return Err(CommandError::NotFound(Missing::Ticket));
    }
    Ok(seen)
}

/// A ticket with how the caller stands to it, whether they may see it or not.
pub(crate) async fn beside(
    tx: &mut ReadTx,
    caller: &Caller,
    ticket: Ticket,
) -> Result<Seen, CommandError> {
    let open_approval = if ticket.can_await_approval() {
        approval::open_of(tx, ticket.id.into()).await?
    } else {
        None
    };
    let parent = match ticket.task_of() {
        Some(id) => ticket::find(tx, id).await?,
        None => None,
    };
    let relation = Relation::of(caller.person(), &ticket, parent.as_ref(), open_approval.as_ref());
    Ok(Seen { ticket, parent, open_approval, relation })
}

/// One ticket.
pub async fn find(
    desk: &Desk,
    caller: &Caller,
    named: &TicketRef,
) -> Result<TicketView, CommandError> {
    Look::at(desk, caller, named).await?.view().await
}

/// What a caller who may see a ticket may read of its events.
pub(super) fn readable(caller: &Caller, mut events: Vec<Event>) -> Vec<Event> {
    if !permission::sees_internals(caller.role) {
        events
            .retain(|event| !matches!(event.action, Action::Note | Action::Link | Action::Unlink));
        for event in &mut events {
            let by_policy = event.policy_digest.take().is_some();
            if by_policy || is_about_policies(event) {
                event.reason = None;
            }
        }
    }
    events
}

/// Whether the host itself says what became of its policies' and rules' decisions: who owns a
/// ticket, who approves it, and whether it is a major incident.
fn is_about_policies(event: &Event) -> bool {
    event.actor.kind == ActorKind::System
        && matches!(
            event.action,
            Action::Categorize
                | Action::Assign
                | Action::RequestApproval
                | Action::RemindVoter
                | Action::DelegateVote
                | Action::ExpireVote
                | Action::VacateVote
                | Action::AppointVoter
                | Action::Escalate
                | Action::ProposeMajor
                | Action::AcceptMajor
        )
}

/// The tickets that the caller may see and the query asks for.
///
/// # Errors
/// Names of teams, services, states that there are not; a cursor of another list.
pub async fn list(
    desk: &Desk,
    caller: &Caller,
    query: &TicketQuery,
    request: &PageRequest,
) -> Result<Page<TicketView>, CommandError> {
    let mut tx = desk.store.read(caller.org).await?;
    list_in(&mut tx, caller, query, request).await
}

/// As [`list()`], in a transaction that has begun.
pub(super) async fn list_in(
    tx: &mut ReadTx,
    caller: &Caller,
    query: &TicketQuery,
    request: &PageRequest,
) -> Result<Page<TicketView>, CommandError> {
    // Counting changes neither the rows nor their order, so a cursor continues the list with it and
    // without.
    let listed = TicketQuery { count: false, ..query.clone() };
    let tag = ListTag::of(caller, "tickets", &listed);
    let after = tag.place(request.after.as_ref())?.map(|place| parse_place(&place)).transpose()?;
    let Some(filter) = filter(tx, caller, query).await? else {
        // A key that nothing has: nothing is found.
        let total = query.count.then(|| Total::of(0));
        return Ok(Page { rows: Vec::new(), next: None, total });
    };
    let sort = match query.order {
        TicketOrder::OpenedDesc => TicketSort::Opened,
        TicketOrder::UpdatedDesc => TicketSort::Updated,
        TicketOrder::Queue => TicketSort::Queue,
    };
    let rows = ticket::list(tx, &filter, sort, after.as_ref(), request.rows_to_read()).await?;
    let is_whole = after.is_none() && request.is_last(rows.len());
    let total = match query.count {
        true if is_whole => Some(Total::of(rows.len() as u64)),
        true => Some(Total::of(ticket::count_to(tx, &filter, Total::TO_COUNT).await?)),
        false => None,
    };
    let page = Page::cut(rows, request, tag, |row| place(&TicketCursor::of(row, sort)));
    let views = names::views(tx, page.rows).await?;
    Ok(Page { rows: views, next: page.next, total })
}

/// How many tickets [`list()`] would count for each query, all at one moment. None of them is read,
/// so a page with many lists says what is in each.
///
/// # Errors
/// As [`list()`].
pub async fn counts(
    desk: &Desk,
    caller: &Caller,
    queries: &[TicketQuery],
) -> Result<Vec<Total>, CommandError> {
    let mut totals = vec![Total::of(0); queries.len()];
    let mut tx = desk.store.read(caller.org).await?;
    let (mut places, mut filters) = (Vec::new(), Vec::new());
    for (place, query) in queries.iter().enumerate() {
        // None where a key is named that nothing has.
        if let Some(filter) = filter(&mut tx, caller, query).await? {
            places.push(place);
            filters.push(filter);
        }
    }
    let found = ticket::counts_to(&mut tx, &filters, Total::TO_COUNT).await?;
    for (place, found) in places.into_iter().zip(found) {
        totals[place] = Total::of(found);
    }
    Ok(totals)
}

fn place(cursor: &TicketCursor) -> String {
    format!("{}|{}|{}", cursor.priority, cursor.at.timestamp_micros(), cursor.id)
}

fn parse_place(place: &str) -> Result<TicketCursor, InvalidCursor> {
    let mut parts = place.split('|');
    let mut next = || parts.next().ok_or(InvalidCursor);
    let priority = next()?.parse().map_err(|_| InvalidCursor)?;
    let micros = next()?.parse().map_err(|_| InvalidCursor)?;
    let at = DateTime::from_timestamp_micros(micros).ok_or(InvalidCursor)?;
    let id = next()?.parse().map_err(|_| InvalidCursor)?;
    Ok(TicketCursor { priority, at, id })
}

/// The person of a filter. An id is taken as it is: a provider's people have tickets here, too.
async fn person(tx: &mut ReadTx, named: &PersonRef) -> Result<Option<PersonId>, CommandError> {
    Ok(match named {
        PersonRef::Id(id) => Some(*id),
        PersonRef::Email(_) => refs::find_person(tx, named).await?.map(|found| found.id),
    })
}

/// The store's filter; none when the query names something that no ticket has.
async fn filter(
    tx: &mut ReadTx,
    caller: &Caller,
    query: &TicketQuery,
) -> Result<Option<TicketFilter>, CommandError> {
    let mut faults = Faults::new();
    let mut states = Vec::new();
    for name in &query.states {
        match name.parse::<State>() {
            Ok(state) => states.push(state),
            Err(unknown) => faults.wrong("/state", "unknown", unknown.into()),
        }
    }
    let category = query.category.as_deref().and_then(|path| match path.parse() {
        Ok(path) => Some(path),
        Err(invalid) => {
            let invalid: waypost_domain::key::InvalidCategoryPath = invalid;
            faults.wrong("/category", "invalid", invalid.into());
            None
        }
    });
    let opened_from = faults.moment_if("/opened_from", query.opened_from);
    let opened_before = faults.moment_if("/opened_to", query.opened_to);
    let waiting_before = faults.moment_if("/waiting_before", query.waiting_before);
    faults.finish()?;
    // A queue is of what the desk still has to do: what is active and, where they are asked for,
    // major incidents whose review is not written yet.
    let is_queue = matches!(query.order, TicketOrder::Queue);
    if is_queue && query.active == Some(false) {
        return Ok(None);
    }
    let majors = &query.major_states;
    let unfinished = is_queue
        && query.active.is_none()
        && majors.contains(&MajorState::Review)
        && !majors.contains(&MajorState::None);
    let mut filter = TicketFilter {
        kinds: query.kinds.clone(),
        phases: query.phases.clone(),
        states,
        active: query.active.or((is_queue && !unfinished).then_some(true)),
        unfinished,
        priorities: query.priorities.clone(),
        known_error: query.known_error,
        major_states: query.major_states.clone(),
        category,
        tag: query.tag.as_deref().map(|tag| text::uncased(tag.trim())),
        text: query.text.clone(),
        policy_failures: query.policy_failures,
        order: query.ordered,
        opened_from,
        opened_before,
        waiting_for: query.waiting_on,
        waiting_before,
        // Who is not of the desk sees what concerns them, whatever they ask for.
        concerns: (caller.role == Role::Requester)
            .then(|| caller.person().unwrap_or(PersonId(uuid::Uuid::nil()))),
        ..TicketFilter::default()
    };
    if query.known_error == Some(true) {
        // Only a problem is one, and of problems there are few.
        if !query.kinds.is_empty() && !query.kinds.contains(&TicketKind::Problem) {
            return Ok(None);
        }
        filter.kinds = vec![TicketKind::Problem];
    }
    if let Some(key) = &query.team {
        let found = team::serving(tx).await?.into_iter().find(|team| team.key.as_str() == key);
        let Some(found) = found else { return Ok(None) };
        filter.team = Some(found.id);
    }
    if let Some(named) = &query.parent {
        match seen(tx, caller, named).await {
            Ok(parent) => filter.parent = Some(parent.ticket.id),
            Err(CommandError::NotFound(_)) => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    if let Some(named) = &query.problem {
        match seen(tx, caller, named).await {
            Ok(problem) => filter.problem = Some(problem.ticket.id),
            Err(CommandError::NotFound(_)) => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    if let Some(key) = &query.service {
        let Some(found) = service::find_by_key(tx, key).await? else { return Ok(None) };
        filter.service = Some(found.id);
    }
    if let Some(key) = &query.ci {
        let Some(found) = ci::find_by_key(tx, key).await? else { return Ok(None) };
        filter.ci = Some(found.id);
    }
    if let Some(named) = &query.requester {
        let Some(found) = person(tx, named).await? else { return Ok(None) };
        filter.requester = Some(found);
    }
    if let Some(named) = &query.assignee {
        let Some(found) = person(tx, named).await? else { return Ok(None) };
        filter.assignee = Some(Assignee::Person(found));
        if query.assigned == Some(false) {
            // Nothing is worked on by somebody and by nobody.
            return Ok(None);
        }
    } else {
        filter.assignee = query
            .assigned
            .map(|assigned| if assigned { Assignee::Somebody } else { Assignee::Nobody });
    }
    Ok(Some(filter))
}
