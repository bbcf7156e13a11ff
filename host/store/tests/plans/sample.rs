//! A database with some dozens of organizations, one of which has more than the others.

use chrono::TimeDelta;
use waypost_domain::{
    approval::{Approval, Outcome as Decided, Quorum, SeatRequest, SeatState, StageRule, Step},
    binding::Hook,
    comment::{Comment, Visibility},
    event::Event,
    ids::{
        ApprovalId, ApprovalRequestId, BindingId, CiId, CommentId, EvaluationId, EventId,
        MessageId, PersonId, ReceiptId, ServiceId, SuggestionId,
    },
    message::{DeliveryChannel, Message, ToldAs},
    organization::{OrgKind, Organization},
    receipt::{Evaluation, Outcome, Receipt},
    suggestion::{SuggestedField, Suggestion, SuggestionState},
    team::Team,
    ticket::{
        Action, CancelOutcome, Cancellation, Details, ExternalRef, Stage, Ticket, TicketKind,
    },
};
use waypost_store::{
    Store, approval, binding, comment, evaluation, event, idempotency, outbox, person, suggestion,
    team, ticket,
};

use crate::fixture::{self, at, by_policy, digest, id};

/// What the store is asked about: one of each, of the largest organization.
pub(crate) struct Sample {
    pub(crate) org: Organization,
    pub(crate) team: Team,
    pub(crate) person: PersonId,
    pub(crate) ticket: Ticket,
    pub(crate) ci: CiId,
    pub(crate) service: ServiceId,
    pub(crate) evaluation: Evaluation,
    pub(crate) receipt: Receipt,
    pub(crate) round: Approval,
    pub(crate) message: MessageId,
}

const ORGANIZATIONS: usize = 40;
const TICKETS: usize = 40;
const MOST_TICKETS: usize = 600;
const CATEGORIES: [&str; 4] = ["access", "access/vpn", "network", "hardware"];

pub(crate) async fn filled(store: &Store) -> Sample {
    let platform = fixture::organization(store, OrgKind::Platform, None, "platform").await;
    let provider = fixture::organization(store, OrgKind::Provider, Some(platform.id), "msp").await;
    let mut sample = None;
    for place in 0..ORGANIZATIONS {
        let (key, above) = (format!("client-{place}"), Some(provider.id));
        let org = fixture::organization(store, OrgKind::Client, above, &key).await;
        let tickets = if place == 0 { MOST_TICKETS } else { TICKETS };
        let filled = fill(store, org, tickets).await;
        sample.get_or_insert(filled);
    }
    serve(store, &provider).await;
    sample.unwrap()
}

/// The provider's teams serve every client.
async fn serve(store: &Store, provider: &Organization) {
    let mut tx = store.system_read().await.unwrap();
    let all = waypost_store::organization::list(&mut tx).await.unwrap();
    drop(tx);
    let clients = all.into_iter().filter(|org| org.kind == OrgKind::Client).map(|org| org.id);
    let mut serving = fixture::team(provider.id, "serving");
    serving.serves = clients.collect();
    let mut tx = store.write(provider.id).await.unwrap();
    for number in 0..20 {
        let member = fixture::person(provider.id, &format!("member-{number}"));
        person::insert(&mut tx, &member).await.unwrap();
        serving.members.insert(member.id);
    }
    team::insert(&mut tx, &serving).await.unwrap();
    tx.commit().await.unwrap();
}

async fn fill(store: &Store, org: Organization, count: usize) -> Sample {
    let policy = fixture::granted_component(store, org.id, 1).await;
    let deciding = fixture::binding(org.id, "deciding");
    let mut tx = store.write(org.id).await.unwrap();
    let people: Vec<_> =
        (0..20).map(|place| fixture::person(org.id, &format!("person-{place}"))).collect();
    person::insert_many(&mut tx, &people).await.unwrap();
    let mut network = fixture::team(org.id, "network");
    network.members = people.iter().map(|person| person.id).collect();
    team::insert(&mut tx, &network).await.unwrap();

    let revision = fixture::revision(&deciding, 1, 10, &policy.digest);
    binding::insert(&mut tx, &deciding, &revision).await.unwrap();

    let anybody = |place: usize| people[place % people.len()].id;
    let services: Vec<_> = (0..7).map(|_| ServiceId(id())).collect();
    let cis: Vec<_> = (0..50).map(|_| CiId(id())).collect();
    let tickets: Vec<Ticket> = (0..count)
        .map(|place| Ticket {
            requester: Some(anybody(place)),
            opened_by: Some(anybody(place / 3)),
            watchers: [anybody(place / 7)].into(),
            assignee: (place % 2 == 0).then(|| anybody(place / 2)),
            team: if place % 3 == 0 { network.id } else { org.settings.fallback_team },
            ci: Some(cis[place % cis.len()]),
            service: Some(services[place % services.len()]),
            category: Some(CATEGORIES[place % CATEGORIES.len()].parse().unwrap()),
            tags: (place % 50 == 0).then(|| "vpn".to_owned()).into_iter().collect(),
            parent: None,
            external_ref: (place % 5 == 0)
                .then(|| ExternalRef { source: "old-desk".to_owned(), id: place.to_string() }),
            stage: stage(place),
            opened_at: at(minutes(place)),
            updated_at: at(minutes(place) + 5),
            ..kind_of(&org, place)
        })
        .collect();
    ticket::insert_many(&mut tx, &tickets).await.unwrap();
    let mut sample = None;
    let (mut events, mut comments, mut messages) = (Vec::new(), Vec::new(), Vec::new());
    for (place, ticket) in tickets.iter().enumerate() {
        events.extend((1..=3).map(|seq| event_of(ticket, seq, minutes(place))));
        comments.push(comment_of(ticket));
        messages.push(message_to(ticket, anybody(place), minutes(place)));
        let (evaluation, receipt) = decision(ticket, deciding.id, minutes(place));
        let packed = evaluation::pack(evaluation.clone(), std::slice::from_ref(&receipt)).unwrap();
        evaluation::insert_many(&mut tx, vec![packed]).await.unwrap();
        if place % 10 == 0 {
            let suggested = suggestion_of(ticket, receipt.id);
            suggestion::insert_many(&mut tx, &[suggested]).await.unwrap();
            let round = round_of(ticket, anybody(place), place % 20 == 0);
            approval::insert(&mut tx, &round).await.unwrap();
            sample.get_or_insert((ticket.clone(), evaluation, receipt, round));
        }
        let request = idempotency::RequestKey {
            caller: "token".to_owned(),
            method: "POST".to_owned(),
            path: "/api/v1/incidents".to_owned(),
            key: place.to_string(),
            digest: [7; 32],
        };
        let expires_at = at(minutes(place) + 1440);
        let carried_out = idempotency::CarriedOut { request, at: at(minutes(place)), expires_at };
        idempotency::carry_out(&mut tx, vec![carried_out]).await.unwrap();
    }
    event::append_many(&mut tx, &events).await.unwrap();
    comment::insert_many(&mut tx, &comments).await.unwrap();
    outbox::enqueue_many(&mut tx, &messages).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.system().await.unwrap();
    for message in &messages[messages.len() / 10..] {
        let fate = outbox::Fate::Sent { address: "to@example.org".to_owned() };
        let sent = outbox::Ended { org: message.org, message: message.id, fate };
        outbox::settle_many(&mut tx, &[sent], message.send_at).await.unwrap();
    }
    tx.commit().await.unwrap();
    let (ticket, evaluation, receipt, round) = sample.unwrap();
    Sample {
        person: anybody(1),
        team: network,
        ci: cis[0],
        service: services[0],
        message: messages[0].id,
        org,
        ticket,
        evaluation,
        receipt,
        round,
    }
}

fn minutes(place: usize) -> i64 {
    i64::try_from(place).unwrap() * 10
}

fn kind_of(org: &Organization, place: usize) -> Ticket {
    let kind = match place % 40 {
        1 => TicketKind::Problem,
        0 | 10 | 20 => TicketKind::Request,
        _ => TicketKind::Incident,
    };
    let mut ticket = fixture::ticket_of(org, kind);
    if let Details::Incident(incident) = &mut ticket.details {
        incident.affected_users = 3;
    }
    ticket
}

/// Some are open, most are over.
fn stage(place: usize) -> Stage {
    if place.is_multiple_of(10) || place % 40 == 1 {
        let first = if place % 40 == 1 { TicketKind::Problem } else { TicketKind::Request };
        return Stage::Open(first.rules().states[0].0);
    }
    let (outcome, reason) = (CancelOutcome::Withdrawn, "a drill".to_owned());
    Stage::Cancelled(Cancellation { outcome, reason, at: at(minutes(place)), by: by_policy() })
}

fn event_of(ticket: &Ticket, seq: i64, minutes: i64) -> Event {
    Event {
        id: EventId(id()),
        subject: ticket.id.into(),
        seq,
        at: at(minutes + seq),
        actor: by_policy(),
        cause: None,
        action: Action::Assign,
        changes: Vec::new(),
        policy_digest: None,
        reason: None,
    }
}

fn comment_of(ticket: &Ticket) -> Comment {
    Comment {
        id: CommentId(id()),
        subject: ticket.id.into(),
        visibility: Visibility::Public,
        author: by_policy(),
        text: "It still burns.".to_owned(),
        created_at: ticket.opened_at,
    }
}

fn message_to(ticket: &Ticket, person: PersonId, minutes: i64) -> Message {
    Message {
        id: MessageId(id()),
        org: ticket.org,
        ticket: Some(ticket.id),
        person,
        told_as: [ToldAs::Requester].into(),
        after_end: false,
        channel: DeliveryChannel::Mail,
        address: None,
        subject: "Printer on fire".to_owned(),
        body: "It burns.".to_owned(),
        link: None,
        dedupe_key: "created".to_owned(),
        send_at: at(minutes),
        created_at: at(minutes),
    }
}

fn decision(ticket: &Ticket, binding: BindingId, minutes: i64) -> (Evaluation, Receipt) {
    let evaluation = Evaluation {
        id: EvaluationId::of_new(fixture::id_at(at(minutes))),
        org: ticket.org,
        subject: ticket.id.into(),
        occasion: "create".to_owned(),
        snapshot: b"{}".to_vec(),
        part: None,
        at: at(minutes),
    };
    let receipt = Receipt {
        id: ReceiptId::of(evaluation.id, 1),
        org: ticket.org,
        subject: ticket.id.into(),
        evaluation: evaluation.id,
        seq: 1,
        hook: Hook::Categorize,
        layer: ticket.org,
        binding,
        revision: 1,
        component: digest(1),
        settings_digest: digest(2),
        data_digest: digest(3),
        wit_version: "0.1.0".to_owned(),
        engine_version: "wasmtime".to_owned(),
        question: b"{}".to_vec(),
        answer: b"{}".to_vec(),
        log: Vec::new(),
        fuel: 1,
        duration_us: 1,
        outcome: Outcome::Suggested,
        at: at(minutes),
    };
    (evaluation, receipt)
}

fn suggestion_of(ticket: &Ticket, receipt: ReceiptId) -> Suggestion {
    Suggestion {
        id: SuggestionId(id()),
        ticket: ticket.id,
        receipt,
        field: SuggestedField::Impact,
        seen: None,
        value: "1".to_owned(),
        confidence: 70,
        reasons: Vec::new(),
        state: SuggestionState::Open,
        created_at: ticket.opened_at,
    }
}

fn round_of(ticket: &Ticket, voter: PersonId, is_open: bool) -> Approval {
    let request = SeatRequest {
        id: ApprovalRequestId(id()),
        seat: voter,
        voter,
        mandatory: true,
        delegation: None,
        state: if is_open { SeatState::Requested } else { SeatState::Cancelled },
        requested_at: Some(ticket.opened_at),
        decided_at: None,
        comment: None,
        reminder_count: 0,
        escalated_at: None,
    };
    let outcome = if is_open { Decided::Pending } else { Decided::Cancelled };
    let step = Step {
        name: "manager".to_owned(),
        quorum: Quorum::All,
        veto: true,
        due_at: None,
        due_hours: None,
        requests: vec![request],
        outcome,
    };
    let stage =
        waypost_domain::approval::Stage { rule: StageRule::Any, steps: vec![step], outcome };
    Approval {
        id: ApprovalId(id()),
        org: ticket.org,
        subject: ticket.id.into(),
        round: 1,
        stages: vec![stage],
        outcome,
        content_digest: "of what was shown".to_owned(),
        receipt: None,
        created_at: ticket.opened_at,
        decided_at: (!is_open).then_some(ticket.opened_at + TimeDelta::minutes(1)),
        version: 1,
    }
}
