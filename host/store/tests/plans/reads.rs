//! Everything that the store reads of what can be much.

use chrono::TimeDelta;
use waypost_domain::{
    comment::Visibility,
    ids::{MessageId, PersonId},
    incident::MajorState,
    ticket::{ExternalRef, Phase, State, TicketKind},
    waiting::WaitingKind,
};
use waypost_store::{
    ReadTx, Store, Sweep, approval, comment, component, delegation, directory, due, evaluation,
    event::{self, EventPlace, Period},
    idempotency, import_job, link, major, organization, outbox, password, person,
    receipt::{self, OutcomeKind, ReceiptFilter},
    refused_vote, saved_view, sign_in, suggestion, team,
    ticket::{self, Assignee, TicketCursor, TicketFilter, TicketSort},
    token, vote_link,
};

use crate::{
    fixture::{at, id},
    sample::Sample,
};

pub(crate) async fn read_all(store: &Store, sample: &Sample) {
    let mut tx = store.read(sample.org.id).await.unwrap();
    read_lists(&mut tx, sample).await;
    read_tickets(&mut tx, sample).await;
    read_decisions(&mut tx, sample).await;
    read_history(&mut tx, sample).await;
    read_directory(&mut tx, sample).await;
    drop(tx);
    look_for_what_is_due(store, sample).await;
    clean_up(store, sample).await;
}

/// Every filter that names something few, what is open, or a kind: in every order, from the start
/// and from a place.
async fn read_lists(tx: &mut ReadTx, sample: &Sample) {
    let none = TicketFilter::default;
    let open = || TicketFilter { active: Some(true), ..none() };
    let person = sample.person;
    let mut filters = vec![
        none(),
        TicketFilter { kinds: TicketKind::intake(), ..none() },
        open(),
        TicketFilter { kinds: TicketKind::intake(), ..open() },
        TicketFilter { team: Some(sample.team.id), ..open() },
        TicketFilter { teams: vec![sample.team.id, sample.org.settings.fallback_team], ..open() },
        TicketFilter { assignee: Some(Assignee::Person(person)), ..none() },
        TicketFilter { assignee: Some(Assignee::Person(person)), ..open() },
        TicketFilter { assignee: Some(Assignee::Nobody), ..open() },
        TicketFilter { assignee: Some(Assignee::Somebody), ..open() },
        TicketFilter { requester: Some(person), ..none() },
        TicketFilter { concerns: Some(person), ..none() },
        TicketFilter { concerns: Some(person), kinds: TicketKind::intake(), ..open() },
        TicketFilter { concerns: Some(person), kinds: TicketKind::ALL.to_vec(), ..open() },
        TicketFilter { requester: Some(person), ..open() },
        TicketFilter { priorities: vec![1, 2], ..open() },
        TicketFilter { category: Some("access".parse().unwrap()), ..open() },
        TicketFilter { tag: Some("vpn".to_owned()), ..open() },
        TicketFilter { text: Some("fire".to_owned()), ..open() },
        TicketFilter { ci: Some(sample.ci), ..none() },
        TicketFilter { ci: Some(sample.ci), ..open() },
        TicketFilter { ci: Some(sample.ci), requester: Some(person), ..none() },
        TicketFilter { ci: Some(sample.ci), concerns: Some(person), ..none() },
        TicketFilter { ci: Some(sample.ci), assignee: Some(Assignee::Person(person)), ..open() },
        TicketFilter { parent: Some(sample.ticket.id), ..none() },
        TicketFilter { problem: Some(sample.ticket.id), ..none() },
        TicketFilter { order: Some(waypost_domain::ids::OrderId(id())), ..none() },
        TicketFilter { risk_review_due: Some(at(9)), ..none() },
        TicketFilter { silent_at: Some(at(9)), ..none() },
        TicketFilter { known_error: Some(true), kinds: vec![TicketKind::Problem], ..none() },
        TicketFilter { known_error: Some(true), kinds: vec![TicketKind::Problem], ..open() },
        TicketFilter { major_states: vec![MajorState::Accepted], ..none() },
        TicketFilter {
            major_states: vec![MajorState::Accepted, MajorState::Review],
            unfinished: true,
            ..none()
        },
        TicketFilter { done_until: Some(at(9)), kinds: TicketKind::intake(), ..none() },
        TicketFilter { policy_failures: Some(true), ..none() },
        TicketFilter { waiting_before: Some(at(9)), ..none() },
        TicketFilter { updated_from: Some(at(9)), ..none() },
        TicketFilter { team: Some(sample.team.id), ..none() },
        TicketFilter { teams: vec![sample.team.id, sample.org.settings.fallback_team], ..none() },
        TicketFilter { service: Some(sample.service), ..none() },
        TicketFilter { assignee: Some(Assignee::Nobody), ..none() },
        TicketFilter { priorities: vec![1, 2], ..none() },
        TicketFilter { category: Some("access".parse().unwrap()), ..none() },
        TicketFilter { tag: Some("vpn".to_owned()), ..none() },
        TicketFilter {
            external_source: Some("old-desk".to_owned()),
            external_id: Some("5".to_owned()),
            ..none()
        },
    ];
    let phases = Phase::ALL.iter().filter(|phase| **phase != Phase::Closed);
    filters.extend(phases.map(|phase| TicketFilter { phases: vec![*phase], ..none() }));
    let states = [State::New, State::OnHold, State::AwaitingApproval, State::Resolved];
    filters.extend(states.map(|state| TicketFilter { states: vec![state], ..none() }));
    filters
        .extend(TicketKind::ALL.iter().map(|kind| TicketFilter { kinds: vec![*kind], ..none() }));
    filters.extend(
        WaitingKind::ALL.iter().map(|kind| TicketFilter { waiting_for: Some(*kind), ..none() }),
    );
    let orders = [TicketSort::Opened, TicketSort::Updated, TicketSort::Queue];
    for filter in &filters {
        for sort in orders {
            let is_queue = sort == TicketSort::Queue;
            // A queue is of what is open, or of what is few.
            if is_queue && filter.active.is_none() && filter.concerns.is_none() {
                continue;
            }
            let after = TicketCursor::of(&sample.ticket, sort);
            for after in [None, Some(&after)] {
                ticket::list(tx, filter, sort, after, 51).await.unwrap();
            }
        }
        ticket::count_to(tx, filter, 10_001).await.unwrap();
    }
    ticket::counts_to(tx, &filters, 10_001).await.unwrap();
}

async fn read_tickets(tx: &mut ReadTx, sample: &Sample) {
    let id = sample.ticket.id;
    ticket::find(tx, id).await.unwrap();
    ticket::find_many(tx, &[id, id]).await.unwrap();
    ticket::find_by_number(tx, &sample.ticket.number).await.unwrap();
    let from = ExternalRef { source: "old-desk".to_owned(), id: "5".to_owned() };
    ticket::find_by_external_ref(tx, &from).await.unwrap();
    ticket::known_external_ids(tx, "old-desk", &["5".to_owned(), "6".to_owned()]).await.unwrap();
    ticket::tasks_of(tx, id).await.unwrap();
    ticket::task_counts(tx, &[id]).await.unwrap();
    ticket::following(tx, id).await.unwrap();
    ticket::children_of(tx, id).await.unwrap();
    ticket::caused_by(tx, id).await.unwrap();
    ticket::headings(tx, &[id]).await.unwrap();
    ticket::changed_since(tx, at(9), 500).await.unwrap();
    ticket::owners(tx).await.unwrap();
    major::in_public(tx, None, 5).await.unwrap();
    major::in_public(tx, Some(id), 1).await.unwrap();
}

async fn read_decisions(tx: &mut ReadTx, sample: &Sample) {
    let subject = sample.ticket.id.into();
    evaluation::find(tx, sample.evaluation.id).await.unwrap();
    evaluation::of(tx, subject).await.unwrap();
    receipt::find(tx, sample.receipt.id).await.unwrap();
    receipt::of(tx, subject).await.unwrap();
    let none = ReceiptFilter::default;
    for filter in [
        ReceiptFilter { subject: Some(subject), ..none() },
        ReceiptFilter { outcome: Some(OutcomeKind::Failed), ..none() },
    ] {
        receipt::list(tx, &filter, Some(sample.receipt.id), 51).await.unwrap();
    }
    receipt::list(tx, &none(), Some(sample.receipt.id), 51).await.unwrap();
    receipt::page(tx, period(), None, 51).await.unwrap();
    suggestion::of_ticket(tx, sample.ticket.id).await.unwrap();
    suggestion::counts(tx, None, at(9)).await.unwrap();
    suggestion::counts(tx, Some(sample.receipt.binding), at(9)).await.unwrap();

    approval::find(tx, sample.round.id).await.unwrap();
    approval::find_many(tx, &[sample.round.id]).await.unwrap();
    let request = sample.round.requests().next().unwrap().id;
    approval::find_request(tx, request).await.unwrap();
    approval::of(tx, subject).await.unwrap();
    approval::open_of(tx, subject).await.unwrap();
    approval::latest_of(tx, subject).await.unwrap();
    approval::open_of_many(tx, &[sample.ticket.id]).await.unwrap();
    approval::waiting_for(tx, sample.person, 51).await.unwrap();
    approval::stalled(tx, at(9), at(9), None, 51).await.unwrap();
    approval::pending(tx, None, 51).await.unwrap();
    refused_vote::count(tx, request, Some(sample.person)).await.unwrap();
    refused_vote::count(tx, request, None).await.unwrap();
    refused_vote::page(tx, period(), None, 51).await.unwrap();
    delegation::in_force(tx, at(9)).await.unwrap();
    delegation::count_open(tx, sample.person, at(9)).await.unwrap();
}

fn period() -> Period {
    Period { from: Some(at(9)), to: Some(at(99)) }
}

async fn read_history(tx: &mut ReadTx, sample: &Sample) {
    let subject = sample.ticket.id.into();
    event::of(tx, subject).await.unwrap();
    event::after(tx, subject, 1).await.unwrap();
    event::last_seq(tx, subject).await.unwrap();
    let after = EventPlace { subject: sample.ticket.id.0, seq: 1 };
    event::page(tx, Period::default(), Some(after), 51).await.unwrap();
    event::page(tx, period(), None, 51).await.unwrap();
    event::page(tx, period(), Some(after), 51).await.unwrap();
    comment::of(tx, subject, Visibility::Internal).await.unwrap();
    comment::of(tx, subject, Visibility::Public).await.unwrap();
    comment::last_public(tx, subject, 5).await.unwrap();
    link::of(tx, &[subject]).await.unwrap();
    outbox::list(tx, Some(sample.message), 51).await.unwrap();
    outbox::of_ticket(tx, sample.ticket.id).await.unwrap();
    outbox::count_of_ticket(tx, sample.ticket.id, sample.ticket.opened_at).await.unwrap();
    import_job::find(tx, "job").await.unwrap();
}

async fn read_directory(tx: &mut ReadTx, sample: &Sample) {
    directory::load(tx).await.unwrap();
    directory::team_loads(tx).await.unwrap();
    directory::open_tickets_on_ci(tx, sample.ci).await.unwrap();
    team::list(tx).await.unwrap();
    team::find(tx, sample.team.id).await.unwrap();
    team::find_by_key(tx, "network").await.unwrap();
    person::find_many(tx, &[sample.person, sample.person]).await.unwrap();
    person::find_by_email(tx, "person-1@example.org").await.unwrap();
    person::list(tx, Some(sample.person), 51).await.unwrap();
    person::names(tx, 20_000).await.unwrap();
    person::find_with_managers(tx, &["person-1@example.org"], &[sample.person]).await.unwrap();
    team::names(tx).await.unwrap();
    organization::lineage(tx).await.unwrap();
    component::list(tx).await.unwrap();
}

fn sweeps() -> [Sweep; 5] {
    let [sign_ins, links] = sign_in::OLD;
    [idempotency::EXPIRED, sign_ins, links, vote_link::EXPIRED, password::TRIES]
}

async fn look_for_what_is_due(store: &Store, sample: &Sample) {
    let mut tx = store.system_read().await.unwrap();
    due::of_all(&mut tx, at(9), at(9)).await.unwrap();
    evaluation::oldest(&mut tx).await.unwrap();
    component::has_unwanted(&mut tx).await.unwrap();
    outbox::has_texts_before(&mut tx, at(9)).await.unwrap();
    outbox::pending_count(&mut tx).await.unwrap();
    token::shown(store, &[7; 32], Some("client-1")).await.unwrap();
    for old in sweeps() {
        old.has_any(&mut tx, at(9)).await.unwrap();
    }
    sign_in::shown(store, &[7; 32], Some("client-1")).await.unwrap();
    sign_in::find_link(store, &[7; 32]).await.unwrap();
    vote_link::find(store, &[7; 32]).await.unwrap();
    sign_in::members_at(store, "ada@client-1.example", Some("client-1"), 10).await.unwrap();
    password::at_address(store, "ada@client-1.example", Some("client-1"), 3).await.unwrap();
    let mut own = store.read(sample.org.id).await.unwrap();
    sign_in::of_person(&mut own, sample.person).await.unwrap();
    saved_view::of_person(&mut own, sample.person).await.unwrap();
    password::of_person(&mut own, sample.person).await.unwrap();
    drop(own);
    let receivers = [(sample.org.id, sample.person), (sample.org.id, PersonId(id()))];
    person::find_anywhere(store, &receivers).await.unwrap();
    team::memberships(store, &receivers).await.unwrap();
    ticket::find_anywhere(store, &[(sample.org.id, sample.ticket.id)]).await.unwrap();
    let request = idempotency::RequestKey {
        caller: "token".to_owned(),
        method: "POST".to_owned(),
        path: "/api/v1/incidents".to_owned(),
        key: "7".to_owned(),
        digest: [7; 32],
    };
    idempotency::find(store, sample.org.id, &request, at(9)).await.unwrap();
}

/// Nothing of it is kept.
async fn clean_up(store: &Store, sample: &Sample) {
    let mut tx = store.write(sample.org.id).await.unwrap();
    receipt::purge(&mut tx, at(50), at(9999), 3).await.unwrap();
    let mut changed = sample.ticket.clone();
    changed.team = sample.org.settings.fallback_team;
    ticket::update(&mut tx, &mut changed).await.unwrap();
    let fate = || outbox::Fate::Sent { address: "to@example.org".to_owned() };
    drop(tx);
    let mut tx = store.system().await.unwrap();
    let org = sample.org.id;
    let ended: Vec<_> = (0..5)
        .map(|_| MessageId(id()))
        .chain([sample.message])
        .map(|message| outbox::Ended { org, message, fate: fate() })
        .collect();
    outbox::settle_many(&mut tx, &ended, at(9)).await.unwrap();
    outbox::give_back(&mut tx, &[(org, sample.message)], at(9)).await.unwrap();
    for old in sweeps() {
        old.remove(&mut tx, at(9999), 3).await.unwrap();
    }
    outbox::empty_texts(&mut tx, at(9999), at(9999), 3).await.unwrap();
    outbox::claim(&mut tx, at(9999), TimeDelta::minutes(10), 3).await.unwrap();
}
