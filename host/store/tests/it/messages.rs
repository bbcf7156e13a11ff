//! The outbox: a message is sent by one worker at a time, and to a person once.

use chrono::TimeDelta;
use waypost_domain::{
    ids::{MessageId, OrgId, PersonId, TeamId, TicketId},
    message::{DeliveryChannel, Message, MessageState, ToldAs},
    organization::Organization,
};
use waypost_store::{
    Store, StoreError, on_both_engines,
    outbox::{self, Ended, Fate, MessageCounts},
    testing,
};

use crate::fixture::{self, Tree, at, tree};

on_both_engines! {
    a_message_comes_back_as_it_was
    a_person_hears_of_a_thing_once
    what_is_due_is_claimed_once_for_a_while
    a_failed_attempt_is_made_again
    a_settled_message_stays_settled
    messages_about_a_ticket_are_counted_by_whether_and_when_they_leave
    many_are_settled_at_once_and_which_were_before_is_known
    what_is_given_back_is_due_at_once
    messages_are_listed_page_by_page
    texts_of_settled_messages_are_emptied_once
    messages_of_organizations_are_apart
    unreadable_messages_are_reported
    ; in files:
    workers_share_what_is_due
}

/// Where messages are sent to.
const TO: &str = "anna@example.org";

fn message_to(org: &Organization, person: PersonId, key: &str) -> Message {
    Message {
        id: MessageId(fixture::id()),
        org: org.id,
        ticket: Some(TicketId(uuid::Uuid::from_u128(77))),
        person,
        told_as: [ToldAs::Requester, ToldAs::Member(TeamId(uuid::Uuid::from_u128(5)))].into(),
        after_end: true,
        channel: DeliveryChannel::Mail,
        address: None,
        subject: "[INC0000001] Printer on fire".to_owned(),
        body: "It burns.\n".to_owned(),
        link: None,
        dedupe_key: key.to_owned(),
        send_at: at(5),
        created_at: at(1),
    }
}

async fn enqueued(store: &Store, org: &Organization, keys: &[&str]) -> Vec<Message> {
    let messages: Vec<_> =
        keys.iter().map(|key| message_to(org, PersonId(fixture::id()), key)).collect();
    let mut tx = store.write(org.id).await.unwrap();
    outbox::enqueue_many(&mut tx, &messages).await.unwrap();
    tx.commit().await.unwrap();
    messages
}

async fn claim(store: &Store, minutes: i64, limit: u32) -> Vec<MessageId> {
    let mut tx = store.system().await.unwrap();
    let claimed = outbox::claim(&mut tx, at(minutes), TimeDelta::minutes(10), limit).await.unwrap();
    tx.commit().await.unwrap();
    claimed.iter().map(|posted| posted.message.id).collect()
}

/// Settles an organization's messages; those were settled before.
async fn settle(
    store: &Store,
    org: OrgId,
    ended: &[(MessageId, Fate)],
    now: i64,
    stale: &[MessageId],
) {
    let ended: Vec<_> = ended
        .iter()
        .map(|(message, fate)| Ended { org, message: *message, fate: fate.clone() })
        .collect();
    let mut tx = store.system().await.unwrap();
    let before = outbox::settle_many(&mut tx, &ended, at(now)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(Vec::from_iter(before), stale);
}

async fn give_back(store: &Store, org: OrgId, messages: &[MessageId], claimed_until: i64) {
    let messages: Vec<_> = messages.iter().map(|id| (org, *id)).collect();
    let mut tx = store.system().await.unwrap();
    outbox::give_back(&mut tx, &messages, at(claimed_until)).await.unwrap();
    tx.commit().await.unwrap();
}

fn handed_over() -> Fate {
    Fate::Sent { address: TO.to_owned() }
}

fn put_off(error: &str, until: i64) -> Fate {
    Fate::PutOff { address: TO.to_owned(), error: error.to_owned(), until: at(until) }
}

fn given_up(error: &str) -> Fate {
    Fate::Dead { address: TO.to_owned(), error: error.to_owned() }
}

fn not_sent(reason: &str) -> Fate {
    Fate::Dropped { reason: reason.to_owned() }
}

async fn a_message_comes_back_as_it_was(store: Store) {
    let org = tree(&store).await.client;
    let messages = enqueued(&store, &org, &["created"]).await;
    let mut tx = store.read(org.id).await.unwrap();
    let posted = outbox::list(&mut tx, None, 10).await.unwrap();
    assert_eq!(posted.len(), 1);
    assert_eq!(posted[0].message, messages[0]);
    assert_eq!(posted[0].state, MessageState::Pending);
    assert_eq!((posted[0].attempts, posted[0].next_attempt_at), (0, at(5)));
    let of_ticket = outbox::of_ticket(&mut tx, messages[0].ticket.unwrap()).await.unwrap();
    assert_eq!(of_ticket, posted);
    drop(tx);
    let mut tx = store.system_read().await.unwrap();
    assert_eq!(outbox::pending_count(&mut tx).await.unwrap(), 1);
}

async fn a_person_hears_of_a_thing_once(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let (anna, bert) = (PersonId(fixture::id()), PersonId(fixture::id()));
    let about_nothing =
        |person| Message { ticket: None, ..message_to(&client, person, "policy failed") };
    let another_ticket =
        Message { ticket: Some(TicketId(fixture::id())), ..message_to(&client, anna, "created") };
    let mut tx = store.write(client.id).await.unwrap();
    let messages = [
        message_to(&client, anna, "created"),
        message_to(&client, anna, "created"),
        message_to(&client, bert, "created"),
        message_to(&client, anna, "resolved"),
        another_ticket,
        about_nothing(anna),
        about_nothing(anna),
        about_nothing(bert),
    ];
    assert_eq!(outbox::enqueue_many(&mut tx, &messages).await.unwrap(), 6);
    let again = message_to(&client, anna, "created");
    assert_eq!(outbox::enqueue_many(&mut tx, &[again]).await.unwrap(), 0);
    tx.commit().await.unwrap();
    let mut tx = store.write(other.id).await.unwrap();
    let elsewhere = message_to(&other, anna, "created");
    assert_eq!(outbox::enqueue_many(&mut tx, &[elsewhere]).await.unwrap(), 1);
}

async fn what_is_due_is_claimed_once_for_a_while(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let ours = enqueued(&store, &client, &["a", "b"]).await;
    let theirs = enqueued(&store, &other, &["c"]).await;
    assert_eq!(claim(&store, 4, 10).await, [], "not yet");
    assert_eq!(claim(&store, 5, 2).await, [ours[0].id, ours[1].id]);
    assert_eq!(claim(&store, 6, 10).await, [theirs[0].id]);
    assert_eq!(claim(&store, 7, 10).await, []);
    // The worker died: its lease ends, and another one gets them.
    assert_eq!(claim(&store, 15, 10).await, [ours[0].id, ours[1].id]);
    let mut tx = store.read(client.id).await.unwrap();
    let posted = outbox::list(&mut tx, None, 10).await.unwrap();
    assert!(posted.iter().all(|posted| posted.attempts == 2));
}

async fn a_failed_attempt_is_made_again(store: Store) {
    let org = tree(&store).await.client;
    let message = enqueued(&store, &org, &["a"]).await.remove(0);
    claim(&store, 5, 10).await;
    settle(&store, org.id, &[(message.id, put_off("connection refused", 30))], 6, &[]).await;
    let mut tx = store.read(org.id).await.unwrap();
    let posted = outbox::list(&mut tx, None, 10).await.unwrap().remove(0);
    assert_eq!(posted.last_error.as_deref(), Some("connection refused"));
    assert_eq!(posted.message.address.as_deref(), Some(TO));
    assert_eq!(posted.state, MessageState::Pending);
    drop(tx);
    assert_eq!(claim(&store, 29, 10).await, []);
    assert_eq!(claim(&store, 30, 10).await, [message.id]);
}

async fn a_settled_message_stays_settled(store: Store) {
    let org = tree(&store).await.client;
    let messages = enqueued(&store, &org, &["a", "b", "c"]).await;
    let (sent, dead, dropped) = (messages[0].id, messages[1].id, messages[2].id);
    settle(&store, org.id, &[(sent, handed_over())], 6, &[]).await;
    let rest = [(dead, given_up("no such mailbox")), (dropped, not_sent("the person has left"))];
    settle(&store, org.id, &rest, 7, &[]).await;
    let listed = async || {
        let mut tx = store.read(org.id).await.unwrap();
        outbox::list(&mut tx, None, 10).await.unwrap()
    };
    let posted = listed().await;
    let reason = "the person has left".to_owned();
    assert_eq!(posted[0].state, MessageState::Dropped { reason, at: at(7) });
    assert_eq!(posted[0].message.address, None);
    let error = "no such mailbox".to_owned();
    assert_eq!(posted[1].state, MessageState::Dead { error, at: at(7) });
    assert_eq!(posted[2].state, MessageState::Sent { at: at(6) });
    assert_eq!(posted[2].message.address.as_deref(), Some(TO));
    for (id, fate) in [
        (sent, handed_over()),
        (dropped, handed_over()),
        (sent, given_up("x")),
        (dead, put_off("x", 8)),
        (sent, not_sent("x")),
    ] {
        settle(&store, org.id, &[(id, fate)], 8, &[id]).await;
    }
    assert_eq!(listed().await, posted);
    assert_eq!(claim(&store, 99, 10).await, []);
    let mut tx = store.system_read().await.unwrap();
    assert_eq!(outbox::pending_count(&mut tx).await.unwrap(), 0);
}

async fn messages_are_listed_page_by_page(store: Store) {
    let org = tree(&store).await.client;
    let mut messages = enqueued(&store, &org, &["a", "b", "c"]).await;
    messages.reverse();
    let mut tx = store.read(org.id).await.unwrap();
    let first = outbox::list(&mut tx, None, 2).await.unwrap();
    let rest = outbox::list(&mut tx, Some(first[1].message.id), 2).await.unwrap();
    let listed: Vec<_> = [first, rest].concat().into_iter().map(|posted| posted.message).collect();
    assert_eq!(listed, messages);
}

async fn texts_of_settled_messages_are_emptied_once(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let ours = enqueued(&store, &client, &["sent", "dead", "dropped", "later", "pending"]).await;
    let theirs = enqueued(&store, &other, &["sent"]).await;
    settle(&store, client.id, &[(ours[0].id, put_off("try again, anna@example.org", 6))], 5, &[])
        .await;
    settle(&store, client.id, &[(ours[0].id, handed_over())], 6, &[]).await;
    settle(&store, client.id, &[(ours[1].id, given_up("no anna@example.org here"))], 7, &[]).await;
    settle(&store, client.id, &[(ours[2].id, not_sent("the person has left"))], 8, &[]).await;
    settle(&store, client.id, &[(ours[3].id, handed_over())], 10, &[]).await;
    settle(&store, other.id, &[(theirs[0].id, handed_over())], 9, &[]).await;

    let mut tx = store.system_read().await.unwrap();
    assert!(!outbox::has_texts_before(&mut tx, at(6)).await.unwrap());
    assert!(outbox::has_texts_before(&mut tx, at(10)).await.unwrap());
    drop(tx);
    for emptied in [3, 1, 0] {
        let mut tx = store.system().await.unwrap();
        let count = outbox::empty_texts(&mut tx, at(10), at(50), 3).await.unwrap();
        assert_eq!(count, emptied);
        tx.commit().await.unwrap();
    }
    let mut tx = store.system_read().await.unwrap();
    assert!(!outbox::has_texts_before(&mut tx, at(10)).await.unwrap());
    drop(tx);

    let mut tx = store.write(client.id).await.unwrap();
    let posted = outbox::list(&mut tx, None, 10).await.unwrap();
    let [pending, later, dropped, dead, sent] = posted.as_slice() else { panic!("{posted:?}") };
    for kept in [pending, later] {
        assert_eq!(kept.message.subject, "[INC0000001] Printer on fire");
    }
    for emptied in [dropped, dead, sent] {
        let Message { address, subject, body, .. } = &emptied.message;
        assert_eq!((address, subject.as_str(), body.as_str()), (&None, "", ""));
    }
    assert_eq!(sent.state, MessageState::Sent { at: at(6) });
    // What a mail server said may name the address.
    assert_eq!(sent.last_error, None);
    assert_eq!(dead.last_error.as_deref(), Some("no longer kept"));
    assert_eq!(dropped.last_error.as_deref(), Some("the person has left"));
    // Nobody gets it a second time.
    let again = Message { id: MessageId(fixture::id()), ..ours[0].clone() };
    assert_eq!(outbox::enqueue_many(&mut tx, &[again]).await.unwrap(), 0);
}

async fn messages_about_a_ticket_are_counted_by_whether_and_when_they_leave(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let messages = enqueued(&store, &client, &["a", "b", "c", "d"]).await;
    let _ = enqueued(&store, &other, &["a"]).await;
    let ticket = messages[0].ticket.unwrap();
    claim(&store, 5, 10).await;
    for (message, fate) in
        [(0, handed_over()), (1, given_up("x")), (2, not_sent("x")), (3, put_off("x", 8))]
    {
        settle(&store, client.id, &[(messages[message].id, fate)], 6, &[]).await;
    }
    let mut tx = store.read(client.id).await.unwrap();
    let now = outbox::count_of_ticket(&mut tx, ticket, at(6)).await.unwrap();
    assert_eq!(now, MessageCounts { sent: 1, waiting: 1, delayed: 0 });
    let before = outbox::count_of_ticket(&mut tx, ticket, at(4)).await.unwrap();
    assert_eq!(before, MessageCounts { sent: 1, waiting: 0, delayed: 1 });
}

async fn messages_of_organizations_are_apart(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    let message = enqueued(&store, &client, &["a"]).await.remove(0);
    let mut tx = store.write(other.id).await.unwrap();
    assert_eq!(outbox::list(&mut tx, None, 10).await.unwrap(), []);
    assert_eq!(outbox::of_ticket(&mut tx, message.ticket.unwrap()).await.unwrap(), []);
    drop(tx);
    claim(&store, 5, 10).await;
    for fate in [handed_over(), given_up("x"), put_off("x", 8), not_sent("x")] {
        settle(&store, other.id, &[(message.id, fate)], 8, &[message.id]).await;
    }
    give_back(&store, other.id, &[message.id], 15).await;
    let mut tx = store.write(other.id).await.unwrap();
    let refused = outbox::enqueue_many(&mut tx, &[message]).await;
    assert!(matches!(refused, Err(StoreError::WrongOrganization)), "{refused:?}");
    tx.commit().await.unwrap();
    assert_eq!(claim(&store, 14, 10).await, []);
}

async fn many_are_settled_at_once_and_which_were_before_is_known(store: Store) {
    let org = tree(&store).await.client;
    let keys: Vec<String> = (0..70).map(|n| n.to_string()).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let messages = enqueued(&store, &org, &keys).await;
    claim(&store, 5, 70).await;
    settle(&store, org.id, &[(messages[3].id, handed_over())], 6, &[]).await;
    settle(&store, org.id, &[(messages[68].id, given_up("x"))], 6, &[]).await;
    let fate = |place| match place % 4 {
        0 => handed_over(),
        1 => given_up("no such mailbox"),
        2 => not_sent("the person has left"),
        _ => put_off("connection refused", 30),
    };
    let all: Vec<_> =
        messages.iter().enumerate().map(|(place, one)| (one.id, fate(place))).collect();
    settle(&store, org.id, &all, 7, &[messages[3].id, messages[68].id]).await;
    let mut tx = store.read(org.id).await.unwrap();
    let mut posted = outbox::list(&mut tx, None, 100).await.unwrap();
    posted.reverse();
    for (place, one) in posted.iter().enumerate() {
        let (no_such, left) = ("no such mailbox".to_owned(), "the person has left".to_owned());
        let expected = match place {
            3 => MessageState::Sent { at: at(6) },
            68 => MessageState::Dead { error: "x".to_owned(), at: at(6) },
            _ => match place % 4 {
                0 => MessageState::Sent { at: at(7) },
                1 => MessageState::Dead { error: no_such, at: at(7) },
                2 => MessageState::Dropped { reason: left, at: at(7) },
                _ => MessageState::Pending,
            },
        };
        assert_eq!(one.state, expected, "{place}");
    }
    drop(tx);
    settle(&store, org.id, &[], 8, &[]).await;
}

async fn what_is_given_back_is_due_at_once(store: Store) {
    let org = tree(&store).await.client;
    let messages = enqueued(&store, &org, &["a", "b", "c", "d"]).await;
    let ids: Vec<_> = messages.iter().map(|message| message.id).collect();
    assert_eq!(claim(&store, 5, 10).await, ids);
    settle(&store, org.id, &[(ids[0], handed_over()), (ids[1], put_off("x", 30))], 6, &[]).await;
    give_back(&store, org.id, &ids[..3], 15).await;
    give_back(&store, org.id, &[], 15).await;
    assert_eq!(
        claim(&store, 7, 10).await,
        [ids[2]],
        "neither what is settled, nor what is put off"
    );
    // Claimed by somebody else meanwhile.
    give_back(&store, org.id, &ids[2..], 15).await;
    assert_eq!(claim(&store, 8, 10).await, [ids[3]]);
    let mut tx = store.read(org.id).await.unwrap();
    let posted = outbox::list(&mut tx, None, 10).await.unwrap();
    let attempts: Vec<_> = posted.iter().rev().map(|posted| posted.attempts).collect();
    assert_eq!(attempts, [1, 1, 1, 1]);
}

async fn unreadable_messages_are_reported(store: Store) {
    let org = tree(&store).await.client;
    enqueued(&store, &org, &["a"]).await;
    let mut tx = store.system().await.unwrap();
    testing::execute(&mut tx, "update outbox set told_as = 'postman'").await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.read(org.id).await.unwrap();
    let report = outbox::list(&mut tx, None, 10).await.unwrap_err();
    assert!(matches!(report, StoreError::Corrupt { table: "outbox", column: "told_as" }));
    drop(tx);
    let mut tx = store.system().await.unwrap();
    testing::execute(&mut tx, "update outbox set told_as = 'named', channel = 'pigeon'")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.read(org.id).await.unwrap();
    let report = outbox::list(&mut tx, None, 10).await.unwrap_err();
    assert!(matches!(report, StoreError::Corrupt { table: "outbox", column: "channel" }));
}

async fn workers_share_what_is_due(store: Store) {
    let org = tree(&store).await.client;
    let keys: Vec<String> = (0..40).map(|n| n.to_string()).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let messages = enqueued(&store, &org, &keys).await;
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { claim(&store, 9, 15).await })
        })
        .collect();
    let mut claimed = Vec::new();
    for worker in workers {
        claimed.extend(worker.await.unwrap());
    }
    claimed.extend(claim(&store, 9, 40).await);
    claimed.sort_unstable();
    let expected: Vec<_> = messages.iter().map(|message| message.id).collect();
    assert_eq!(claimed, expected, "each message once");
}
