//! What is said and done about a ticket: events, comments, suggestions.

use waypost_domain::{
    comment::{Comment, Visibility},
    event::{Event, FieldChange},
    ids::{CommentId, EventId, PersonId, ReceiptId, SuggestionId},
    suggestion::{SuggestedField, Suggestion, SuggestionState},
    ticket::{Action, Ticket},
};
use waypost_store::{
    Store, StoreError, comment,
    event::{self, EventPlace, Period},
    on_both_engines, suggestion, testing, ticket,
};

use crate::fixture::{self, Tree, at, by, by_policy, digest, stored_ticket, tree};

on_both_engines! {
    events_come_back_in_order
    an_event_s_place_is_given_once
    comments_come_back_for_those_who_may_read_them
    suggestions_come_back_and_are_decided_once
    all_events_of_an_organization_are_read_in_pages
    conversations_of_organizations_are_apart
    what_is_suggested_belongs_to_a_ticket
    unreadable_events_are_reported
}

fn event_of(ticket: &Ticket, seq: i64) -> Event {
    Event {
        id: EventId(fixture::id()),
        subject: ticket.id.into(),
        seq,
        at: at(seq),
        actor: by(PersonId(fixture::id())),
        cause: Some(EventId(fixture::id())),
        action: Action::Assign,
        changes: vec![
            FieldChange {
                field: "team".to_owned(),
                before: None,
                after: Some("network".to_owned()),
            },
            FieldChange { field: "eta".to_owned(), before: Some("x".to_owned()), after: None },
        ],
        policy_digest: Some(digest(7)),
        reason: Some("knows it".to_owned()),
    }
}

fn comment_of(ticket: &Ticket, minutes: i64, visibility: Visibility) -> Comment {
    Comment {
        id: CommentId(fixture::id()),
        subject: ticket.id.into(),
        visibility,
        author: by(PersonId(fixture::id())),
        text: format!("said at {minutes}"),
        created_at: at(minutes),
    }
}

fn suggestion_of(ticket: &Ticket) -> Suggestion {
    Suggestion {
        id: SuggestionId(fixture::id()),
        ticket: ticket.id,
        receipt: ReceiptId(fixture::id()),
        field: SuggestedField::Category,
        seen: Some("other".to_owned()),
        value: "access/password".to_owned(),
        confidence: 80,
        reasons: vec!["the word password".to_owned()],
        state: SuggestionState::Open,
        created_at: at(1),
    }
}

async fn events_come_back_in_order(store: Store) {
    let org = tree(&store).await.client;
    let ticket = stored_ticket(&store, &org).await;
    let mut tx = store.write(org.id).await.unwrap();
    assert_eq!(event::last_seq(&mut tx, ticket.id.into()).await.unwrap(), 0);
    let mut plain = event_of(&ticket, 3);
    plain.actor = by_policy();
    plain.cause = None;
    plain.changes = Vec::new();
    plain.policy_digest = None;
    plain.reason = None;
    let events = [event_of(&ticket, 1), event_of(&ticket, 2), plain];
    event::append_many(&mut tx, &events).await.unwrap();
    assert_eq!(event::of(&mut tx, ticket.id.into()).await.unwrap(), events);
    assert_eq!(event::after(&mut tx, ticket.id.into(), 1).await.unwrap(), events[1..]);
    assert_eq!(event::after(&mut tx, ticket.id.into(), 3).await.unwrap(), []);
    assert_eq!(event::last_seq(&mut tx, ticket.id.into()).await.unwrap(), 3);
}

async fn an_event_s_place_is_given_once(store: Store) {
    let org = tree(&store).await.client;
    let ticket = stored_ticket(&store, &org).await;
    let mut tx = store.write(org.id).await.unwrap();
    let refused = event::append_many(&mut tx, &[event_of(&ticket, 1), event_of(&ticket, 1)]).await;
    assert!(matches!(refused, Err(StoreError::Taken("seq"))), "{refused:?}");
}

async fn comments_come_back_for_those_who_may_read_them(store: Store) {
    let org = tree(&store).await.client;
    let ticket = stored_ticket(&store, &org).await;
    let internal = comment_of(&ticket, 2, Visibility::Internal);
    let first = comment_of(&ticket, 1, Visibility::Public);
    let last = comment_of(&ticket, 3, Visibility::Public);
    let mut tx = store.write(org.id).await.unwrap();
    comment::insert(&mut tx, &internal).await.unwrap();
    comment::insert_many(&mut tx, &[last.clone(), first.clone()]).await.unwrap();
    let public = comment::of(&mut tx, ticket.id.into(), Visibility::Public).await.unwrap();
    assert_eq!(public, [first.clone(), last.clone()]);
    let all = comment::of(&mut tx, ticket.id.into(), Visibility::Internal).await.unwrap();
    assert_eq!(all, [first.clone(), internal, last.clone()]);
    let latest = comment::last_public(&mut tx, ticket.id.into(), 1).await.unwrap();
    assert_eq!(latest, std::slice::from_ref(&last));
    let latest = comment::last_public(&mut tx, ticket.id.into(), 3).await.unwrap();
    assert_eq!(latest, [first, last]);
}

async fn suggestions_come_back_and_are_decided_once(store: Store) {
    let org = tree(&store).await.client;
    let ticket = stored_ticket(&store, &org).await;
    let mut one = suggestion_of(&ticket);
    let mut two = suggestion_of(&ticket);
    two.seen = None;
    let mut tx = store.write(org.id).await.unwrap();
    suggestion::insert_many(&mut tx, &[one.clone(), two.clone()]).await.unwrap();
    assert_eq!(suggestion::find(&mut tx, ticket.id, one.id).await.unwrap(), Some(one.clone()));

    one.state = SuggestionState::Accepted { by: PersonId(fixture::id()), at: at(5) };
    two.state = SuggestionState::Dismissed { by: PersonId(fixture::id()), at: at(6) };
    suggestion::decide(&mut tx, &one).await.unwrap();
    suggestion::decide(&mut tx, &two).await.unwrap();
    let kept = suggestion::of_ticket(&mut tx, ticket.id).await.unwrap();
    assert_eq!(kept, [one.clone(), two]);
    let refused = suggestion::decide(&mut tx, &one).await;
    assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
}

async fn conversations_of_organizations_are_apart(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let ticket = stored_ticket(&store, &client).await;
    let mut suggestion = suggestion_of(&ticket);
    let mut tx = store.write(client.id).await.unwrap();
    event::append_many(&mut tx, &[event_of(&ticket, 1)]).await.unwrap();
    comment::insert(&mut tx, &comment_of(&ticket, 1, Visibility::Public)).await.unwrap();
    suggestion::insert_many(&mut tx, std::slice::from_ref(&suggestion)).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = store.write(other.id).await.unwrap();
    assert_eq!(event::of(&mut tx, ticket.id.into()).await.unwrap(), []);
    assert_eq!(event::last_seq(&mut tx, ticket.id.into()).await.unwrap(), 0);
    let comments = comment::of(&mut tx, ticket.id.into(), Visibility::Internal).await.unwrap();
    assert_eq!(comments, []);
    assert_eq!(comment::last_public(&mut tx, ticket.id.into(), 3).await.unwrap(), []);
    assert_eq!(suggestion::of_ticket(&mut tx, ticket.id).await.unwrap(), []);
    assert_eq!(suggestion::find(&mut tx, ticket.id, suggestion.id).await.unwrap(), None);
    suggestion.state = SuggestionState::Dismissed { by: PersonId(fixture::id()), at: at(6) };
    let refused = suggestion::decide(&mut tx, &suggestion).await;
    assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
}

/// Nothing is suggested about a ticket of another organization: the part is tied to the whole with
/// the organization.
async fn what_is_suggested_belongs_to_a_ticket(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let ticket = stored_ticket(&store, &client).await;
    let mut tx = store.write(other.id).await.unwrap();
    let refused = suggestion::insert_many(&mut tx, &[suggestion_of(&ticket)]).await;
    assert!(matches!(refused, Err(StoreError::Database(_))), "{refused:?}");
}

async fn unreadable_events_are_reported(store: Store) {
    let org = tree(&store).await.client;
    let ticket = stored_ticket(&store, &org).await;
    let mut tx = store.write(org.id).await.unwrap();
    event::append_many(&mut tx, &[event_of(&ticket, 1)]).await.unwrap();
    comment::insert(&mut tx, &comment_of(&ticket, 1, Visibility::Public)).await.unwrap();
    suggestion::insert_many(&mut tx, &[suggestion_of(&ticket)]).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.system().await.unwrap();
    testing::allow_changes(&mut tx).await.unwrap();
    for damage in [
        "update events set action = 'explode'",
        "update comments set author = 'ghost'",
        "update suggestions set confidence = 1000",
    ] {
        testing::execute(&mut tx, damage).await.unwrap();
    }
    tx.commit().await.unwrap();

    let mut tx = store.read(org.id).await.unwrap();
    let report = event::of(&mut tx, ticket.id.into()).await.unwrap_err();
    assert!(matches!(report, StoreError::Corrupt { table: "events", column: "action" }));
    let report = comment::of(&mut tx, ticket.id.into(), Visibility::Public).await.unwrap_err();
    assert!(matches!(report, StoreError::Corrupt { table: "comments", column: "author" }));
    let report = suggestion::of_ticket(&mut tx, ticket.id).await.unwrap_err();
    assert!(matches!(report, StoreError::Corrupt { table: "suggestions", column: "confidence" }));
}

async fn all_events_of_an_organization_are_read_in_pages(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let foreign = stored_ticket(&store, &other).await;
    let mut tx = store.write(other.id).await.unwrap();
    event::append_many(&mut tx, &[event_of(&foreign, 1)]).await.unwrap();
    tx.commit().await.unwrap();
    let changed = || Ticket { updated_at: at(3), ..fixture::ticket(&client) };
    let tickets = [changed(), changed()];
    let expected: Vec<(String, Event)> = tickets
        .iter()
        .flat_map(|ticket| {
            let numbered = |seq| (ticket.number.clone(), event_of(ticket, seq));
            (1..=3).map(numbered)
        })
        .collect();
    let mut tx = store.write(client.id).await.unwrap();
    ticket::insert_many(&mut tx, &tickets).await.unwrap();
    let events: Vec<Event> = expected.iter().map(|(_, event)| event.clone()).collect();
    event::append_many(&mut tx, &events).await.unwrap();

    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = event::page(&mut tx, Period::default(), after, 4).await.unwrap();
        let Some((_, last)) = page.last() else { break };
        after = Some(EventPlace { subject: last.subject.id(), seq: last.seq });
        seen.extend(page);
    }
    assert_eq!(seen, expected);
    let period = Period { from: Some(at(2)), to: Some(at(3)) };
    let within = event::page(&mut tx, period, None, 10).await.unwrap();
    assert_eq!(within.iter().map(|(_, event)| event.seq).collect::<Vec<_>>(), [2, 2]);
    let first = EventPlace { subject: tickets[0].id.0, seq: 2 };
    assert_eq!(event::page(&mut tx, period, Some(first), 10).await.unwrap(), within[1..]);
    assert_eq!(event::page(&mut tx, period, None, 1).await.unwrap(), within[..1]);
    let since = Period { from: Some(at(4)), to: None };
    assert_eq!(event::page(&mut tx, since, None, 10).await.unwrap(), []);
}
