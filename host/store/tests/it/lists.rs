//! Lists of tickets: what a filter leaves, and that pages neither repeat nor skip.

use waypost_domain::{
    ids::{CiId, OrderId, PersonId, ServiceId, TeamId, TicketId},
    incident::{Incident, Leadership, Major, MajorState},
    organization::Organization,
    priority::Level,
    problem::Problem,
    request::Request,
    ticket::{
        Awaiting, CancelOutcome, Code, Details, ExternalRef, Phase, Stage, State, Ticket,
        TicketKind,
    },
    waiting::WaitingKind,
};
use waypost_store::{
    Store, approval, on_both_engines,
    ticket::{self, Assignee, TicketCursor, TicketFilter, TicketSort},
};

use crate::{
    fixture::{self, Tree, at, ticket_of, tree},
    tickets::{cancelled, hold, outcome, stage},
};

on_both_engines! {
    each_filter_leaves_its_tickets
    a_ci_has_what_it_is_the_main_one_of_and_what_it_is_affected_by_each_once
    every_state_and_phase_is_found_among_all_others
    what_a_ticket_waits_for_is_found_as_the_domain_says
    problems_are_found_by_what_they_cause_and_when_their_risk_is_due
    text_is_found_however_it_was_typed_and_to_the_letter
    pages_cover_every_order_once
    a_ticket_that_moves_between_pages_hides_no_other
    lists_of_organizations_are_apart
}

async fn store_all(store: &Store, org: &Organization, tickets: &[Ticket]) {
    let mut tx = store.write(org.id).await.unwrap();
    ticket::insert_many(&mut tx, tickets).await.unwrap();
    tx.commit().await.unwrap();
}

async fn each_filter_leaves_its_tickets(store: Store) {
    let org = tree(&store).await.client;
    let (anna, bert) = (PersonId(fixture::id()), PersonId(fixture::id()));
    let (network, portal, server) =
        (TeamId(fixture::id()), ServiceId(fixture::id()), CiId(fixture::id()));
    let plain = fixture::ticket(&org);
    let mut special = fixture::ticket(&org);
    special.stage = Stage::Open(State::InProgress);
    special.team = network;
    special.assignee = Some(anna);
    special.requester = Some(bert);
    special.priority.policy = Some(Level(1));
    special.category = Some("access/password".parse().unwrap());
    special.service = Some(portal);
    special.ci = Some(server);
    special.tags = ["vpn".to_owned(), "it's".to_owned()].into();
    special.parent = Some(plain.id);
    let led_by = Leadership { manager: anna, communication_owner: bert };
    let major = Major::Accepted { led_by, next_update_at: at(300), update_missed: false };
    special.details = Details::Incident(Incident { major, ..Incident::default() });
    special.opened_at = at(100);
    special.updated_at = at(200);
    special.policy_failures = Some("route".to_owned());
    special.watchers = [anna].into();
    special.external_ref = Some(ExternalRef { source: "csv".to_owned(), id: "7".to_owned() });
    let mut over = fixture::ticket(&org);
    over.stage = cancelled(CancelOutcome::Withdrawn);
    over.category = Some("access-control".parse().unwrap());
    let mut wish = fixture::ticket(&org);
    let ordered = fixture::id();
    wish.details =
        Details::Request(Request { order: Some(OrderId(ordered)), ..Request::default() });
    wish.opened_by = Some(anna);
    over.details = Details::Incident(Incident { major: Major::Rejected, ..Incident::default() });
    let all = [plain.clone(), special.clone(), over.clone(), wish.clone()];
    store_all(&store, &org, &all).await;

    let none = TicketFilter::default;
    let cases: Vec<(&str, TicketFilter, Vec<&Ticket>)> = vec![
        ("nothing", none(), vec![&plain, &special, &over, &wish]),
        ("order", TicketFilter { order: Some(OrderId(ordered)), ..none() }, vec![&wish]),
        ("kind", TicketFilter { kinds: vec![TicketKind::Request], ..none() }, vec![&wish]),
        (
            "kinds",
            TicketFilter { kinds: vec![TicketKind::Request, TicketKind::Incident], ..none() },
            vec![&plain, &special, &over, &wish],
        ),
        (
            "phases",
            TicketFilter { phases: vec![Phase::Cancelled, Phase::Done], ..none() },
            vec![&over],
        ),
        (
            "states",
            TicketFilter { states: vec![State::InProgress, State::Cancelled], ..none() },
            vec![&special, &over],
        ),
        ("active", TicketFilter { active: Some(true), ..none() }, vec![&plain, &special, &wish]),
        ("over", TicketFilter { active: Some(false), ..none() }, vec![&over]),
        ("team", TicketFilter { team: Some(network), ..none() }, vec![&special]),
        (
            "teams",
            TicketFilter { teams: vec![network, org.settings.fallback_team], ..none() },
            vec![&plain, &special, &over, &wish],
        ),
        (
            "assignee",
            TicketFilter { assignee: Some(Assignee::Person(anna)), ..none() },
            vec![&special],
        ),
        (
            "unassigned",
            TicketFilter { assignee: Some(Assignee::Nobody), ..none() },
            vec![&plain, &over, &wish],
        ),
        (
            "open of an assignee",
            TicketFilter { assignee: Some(Assignee::Person(anna)), active: Some(true), ..none() },
            vec![&special],
        ),
        (
            "open of nobody",
            TicketFilter { assignee: Some(Assignee::Nobody), active: Some(true), ..none() },
            vec![&plain, &wish],
        ),
        (
            "open and over",
            TicketFilter { active: Some(true), phases: vec![Phase::Cancelled], ..none() },
            vec![],
        ),
        (
            "states of one kind",
            TicketFilter { states: vec![State::Fulfilled, State::Rejected], ..none() },
            vec![],
        ),
        ("done", TicketFilter { done_until: Some(at(1000)), ..none() }, vec![]),
        ("requester", TicketFilter { requester: Some(bert), ..none() }, vec![&special]),
        ("concerns", TicketFilter { concerns: Some(anna), ..none() }, vec![&special, &wish]),
        (
            "open ones that concern",
            TicketFilter { concerns: Some(anna), active: Some(true), ..none() },
            vec![&special, &wish],
        ),
        (
            "requests that concern",
            TicketFilter { concerns: Some(anna), kinds: vec![TicketKind::Request], ..none() },
            vec![&wish],
        ),
        ("priorities", TicketFilter { priorities: vec![1, 2], ..none() }, vec![&special]),
        (
            "open priorities",
            TicketFilter { priorities: vec![1, 2], active: Some(true), ..none() },
            vec![&special],
        ),
        (
            "category above",
            TicketFilter { category: Some("access".parse().unwrap()), ..none() },
            vec![&special],
        ),
        (
            "category",
            TicketFilter { category: Some("access-control".parse().unwrap()), ..none() },
            vec![&over],
        ),
        ("service", TicketFilter { service: Some(portal), ..none() }, vec![&special]),
        (
            "major_states",
            TicketFilter {
                major_states: vec![MajorState::Accepted, MajorState::Rejected],
                ..none()
            },
            vec![&special, &over],
        ),
        (
            "unfinished major_states",
            TicketFilter {
                major_states: vec![MajorState::Accepted, MajorState::Rejected],
                unfinished: true,
                ..none()
            },
            vec![&special],
        ),
        (
            "no major incidents",
            TicketFilter { major_states: vec![MajorState::None], ..none() },
            vec![&plain, &wish],
        ),
        ("silent", TicketFilter { silent_at: Some(at(300)), ..none() }, vec![&special]),
        ("not silent yet", TicketFilter { silent_at: Some(at(299)), ..none() }, vec![]),
        ("ci", TicketFilter { ci: Some(server), ..none() }, vec![&special]),
        ("tag", TicketFilter { tag: Some("it's".to_owned()), ..none() }, vec![&special]),
        ("half a tag", TicketFilter { tag: Some("vp".to_owned()), ..none() }, vec![]),
        ("parent", TicketFilter { parent: Some(plain.id), ..none() }, vec![&special]),
        ("opened from", TicketFilter { opened_from: Some(at(100)), ..none() }, vec![&special]),
        (
            "opened before",
            TicketFilter { opened_before: Some(at(100)), ..none() },
            vec![&plain, &over, &wish],
        ),
        ("updated from", TicketFilter { updated_from: Some(at(200)), ..none() }, vec![&special]),
        (
            "updated before",
            TicketFilter { updated_before: Some(at(200)), ..none() },
            vec![&plain, &over, &wish],
        ),
        ("failures", TicketFilter { policy_failures: Some(true), ..none() }, vec![&special]),
        (
            "no failures",
            TicketFilter { policy_failures: Some(false), ..none() },
            vec![&plain, &over, &wish],
        ),
        (
            "external",
            TicketFilter {
                external_source: Some("csv".to_owned()),
                external_id: Some("7".to_owned()),
                ..none()
            },
            vec![&special],
        ),
        (
            "all at once",
            TicketFilter {
                kinds: vec![TicketKind::Incident],
                active: Some(true),
                team: Some(network),
                requester: Some(bert),
                tag: Some("vpn".to_owned()),
                text: Some("FIRE".to_owned()),
                ..none()
            },
            vec![&special],
        ),
    ];
    each_leaves(&store, &org, cases).await;
}

async fn a_ci_has_what_it_is_the_main_one_of_and_what_it_is_affected_by_each_once(store: Store) {
    let org = tree(&store).await.client;
    let (anna, server, other) = (PersonId(fixture::id()), CiId(fixture::id()), CiId(fixture::id()));
    let ticket = |kind, ci, cis: &[CiId]| {
        let mut ticket = ticket_of(&org, kind);
        ticket.ci = ci;
        if kind == TicketKind::Problem {
            let cis = cis.iter().copied().collect();
            ticket.details = Details::Problem(Problem { cis, ..Problem::default() });
        }
        ticket
    };
    let mut main = ticket(TicketKind::Incident, Some(server), &[]);
    main.requester = Some(anna);
    main.opened_at = at(1);
    let mut past = ticket(TicketKind::Incident, Some(server), &[]);
    past.stage = cancelled(CancelOutcome::Withdrawn);
    past.assignee = Some(anna);
    past.parent = Some(main.id);
    past.opened_at = at(2);
    let both = ticket(TicketKind::Problem, Some(server), &[server, other]);
    let mut beside = ticket(TicketKind::Problem, Some(other), &[server]);
    beside.requester = Some(anna);
    beside.tags = ["vpn".to_owned()].into();
    let mut beside_none = ticket(TicketKind::Problem, None, &[server]);
    beside_none.stage = stage(TicketKind::Problem, State::Closed);
    let elsewhere = ticket(TicketKind::Incident, Some(other), &[]);
    let all = [&main, &past, &both, &beside, &beside_none, &elsewhere];
    store_all(&store, &org, &all.map(Clone::clone)).await;

    let of = |ci| TicketFilter { ci: Some(ci), ..TicketFilter::default() };
    let incidents = vec![TicketKind::Incident];
    let cases = vec![
        ("all", of(server), vec![&main, &past, &both, &beside, &beside_none]),
        ("other", of(other), vec![&both, &beside, &elsewhere]),
        ("open", TicketFilter { active: Some(true), ..of(server) }, vec![&main, &both, &beside]),
        ("past", TicketFilter { active: Some(false), ..of(server) }, vec![&past, &beside_none]),
        ("kind", TicketFilter { kinds: incidents, ..of(server) }, vec![&main, &past]),
        ("requester", TicketFilter { requester: Some(anna), ..of(server) }, vec![&main, &beside]),
        ("concerns", TicketFilter { concerns: Some(anna), ..of(server) }, vec![&main, &beside]),
        ("parent", TicketFilter { parent: Some(main.id), ..of(server) }, vec![&past]),
        ("tag", TicketFilter { tag: Some("vpn".to_owned()), ..of(server) }, vec![&beside]),
        (
            "assignee",
            TicketFilter { assignee: Some(Assignee::Person(anna)), ..of(server) },
            vec![&past],
        ),
    ];
    each_leaves(&store, &org, cases).await;
}

/// Checks that a filter leaves these tickets, which are in the order of their ids, in whatever
/// order and pages they are read.
async fn each_leaves(
    store: &Store,
    org: &Organization,
    cases: Vec<(&str, TicketFilter, Vec<&Ticket>)>,
) {
    let mut tx = store.read(org.id).await.unwrap();
    let (mut filters, mut counts) = (Vec::new(), Vec::new());
    for (name, filter, expected) in cases {
        let expected: Vec<_> = expected.iter().map(|ticket| ticket.id).collect();
        for sort in [TicketSort::Opened, TicketSort::Updated, TicketSort::Queue] {
            let found = ticket::list(&mut tx, &filter, sort, None, 50).await.unwrap();
            let mut one_by_one = Vec::new();
            let mut after = None;
            while let Some(next) =
                ticket::list(&mut tx, &filter, sort, after.as_ref(), 1).await.unwrap().pop()
            {
                after = Some(TicketCursor::of(&next, sort));
                one_by_one.push(next);
            }
            assert_eq!(one_by_one, found, "{name} in {sort:?}");
            let mut found: Vec<_> = found.iter().map(|ticket| ticket.id).collect();
            found.sort_unstable();
            assert_eq!(found, expected, "{name} in {sort:?}");
        }
        let count = ticket::count(&mut tx, &filter).await.unwrap();
        assert_eq!(usize::try_from(count).unwrap(), expected.len(), "{name}");
        let most = ticket::count_to(&mut tx, &filter, 2).await.unwrap();
        assert_eq!(most, count.min(2), "{name}");
        filters.push(filter);
        counts.push(count);
    }
    // All at once, they are counted alike.
    let together = ticket::counts_to(&mut tx, &filters, 50).await.unwrap();
    assert_eq!(together, counts);
    let most = ticket::counts_to(&mut tx, &filters, 2).await.unwrap();
    assert_eq!(most, counts.iter().map(|count| *count.min(&2)).collect::<Vec<_>>());
}

async fn every_state_and_phase_is_found_among_all_others(store: Store) {
    let org = tree(&store).await.client;
    let mut tickets = Vec::new();
    for kind in TicketKind::ALL {
        for (place, (state, _)) in kind.rules().states.iter().enumerate() {
            let mut ticket = ticket_of(&org, *kind);
            ticket.stage = stage(*kind, *state);
            ticket.priority.policy = Some(Level(u8::try_from(place % 5 + 1).unwrap()));
            tickets.push(ticket);
        }
    }
    store_all(&store, &org, &tickets).await;
    let mut tx = store.read(org.id).await.unwrap();
    let mut leaves = async |filter: TicketFilter, is_left: &dyn Fn(&Ticket) -> bool| {
        let expected: Vec<_> = tickets.iter().filter(|it| is_left(it)).map(|it| it.id).collect();
        for sort in [TicketSort::Opened, TicketSort::Updated, TicketSort::Queue] {
            let found = ticket::list(&mut tx, &filter, sort, None, 500).await.unwrap();
            let mut found: Vec<_> = found.iter().map(|ticket| ticket.id).collect();
            found.sort_unstable();
            assert_eq!(found, expected, "{filter:?} in {sort:?}");
        }
        let count = ticket::count(&mut tx, &filter).await.unwrap();
        assert_eq!(usize::try_from(count).unwrap(), expected.len(), "{filter:?}");
    };
    for active in [true, false] {
        let filter = TicketFilter { active: Some(active), ..TicketFilter::default() };
        leaves(filter, &|ticket| ticket.phase().is_active() == active).await;
    }
    for phases in Phase::ALL.windows(2) {
        let filter = TicketFilter { phases: phases.to_vec(), ..TicketFilter::default() };
        leaves(filter, &|ticket| phases.contains(&ticket.phase())).await;
    }
    for states in State::ALL.windows(2) {
        let filter = TicketFilter { states: states.to_vec(), ..TicketFilter::default() };
        leaves(filter, &|ticket| states.contains(&ticket.state())).await;
    }
    for done_until in [at(0), at(1000)] {
        let filter = TicketFilter { done_until: Some(done_until), ..TicketFilter::default() };
        leaves(filter, &|ticket| {
            ticket.phase() == Phase::Done && ticket.done_at().is_some_and(|at| at <= done_until)
        })
        .await;
    }
}

/// The same as `Ticket::waiting_on`, of every kind in every state, with and without an open round,
/// held and not.
async fn what_a_ticket_waits_for_is_found_as_the_domain_says(store: Store) {
    let org = tree(&store).await.client;
    let mut tickets = Vec::new();
    let mut rounds = Vec::new();
    for kind in TicketKind::ALL {
        for (state, _) in kind.rules().states {
            for assignee in [None, Some(PersonId(fixture::id()))] {
                let mut ticket = ticket_of(&org, *kind);
                ticket.stage = stage(*kind, *state);
                ticket.assignee = assignee;
                if ticket.can_await_approval() {
                    let asked = Ticket { id: TicketId(fixture::id()), ..ticket.clone() };
                    let asked = Ticket { number: asked.id.to_string(), ..asked };
                    let missing = Ticket { id: TicketId(fixture::id()), ..ticket.clone() };
                    let missing = Ticket { number: missing.id.to_string(), ..missing };
                    rounds.push(crate::approvals::round_of(
                        &asked,
                        1,
                        &[PersonId(fixture::id()); 2],
                    ));
                    let mut round =
                        crate::approvals::round_of(&missing, 1, &[PersonId(fixture::id()); 2]);
                    round.stages.iter_mut().flat_map(|stage| &mut stage.steps).for_each(|step| {
                        step.requests.clear();
                    });
                    rounds.push(round);
                    tickets.extend([asked, missing]);
                }
                tickets.push(ticket);
            }
        }
    }
    for awaiting in [
        Awaiting::Vendor("Initech".to_owned()),
        Awaiting::Evidence(PersonId(fixture::id())),
        Awaiting::Problem(TicketId(fixture::id())),
        Awaiting::Other("a key".to_owned()),
    ] {
        tickets.push(Ticket { stage: hold(awaiting), ..fixture::ticket(&org) });
    }
    store_all(&store, &org, &tickets).await;
    let mut tx = store.write(org.id).await.unwrap();
    for round in &rounds {
        approval::insert(&mut tx, round).await.unwrap();
    }

    let waiting = |ticket: &Ticket| {
        let round = rounds.iter().find(|round| round.subject == ticket.id.into());
        ticket.waiting_on(round, &org.settings)
    };
    for kind in WaitingKind::ALL {
        let filter = TicketFilter { waiting_for: Some(*kind), ..TicketFilter::default() };
        let found = ticket::list(&mut tx, &filter, TicketSort::Opened, None, 500).await.unwrap();
        let mut found = found.iter().map(|ticket| ticket.id).collect::<Vec<_>>();
        found.sort_unstable();
        let waits =
            |ticket: &&Ticket| waiting(ticket).is_some_and(|waiting| waiting.what.kind() == *kind);
        let mut expected = tickets.iter().filter(waits).map(|it| it.id).collect::<Vec<_>>();
        expected.sort_unstable();
        assert!(!expected.is_empty(), "{kind}");
        assert_eq!(found, expected, "{kind}");
    }
    for minutes in [1, 2, 6, 100] {
        let moment = at(minutes);
        let filter = TicketFilter { waiting_before: Some(moment), ..TicketFilter::default() };
        let waits =
            |ticket: &&Ticket| waiting(ticket).is_some_and(|waiting| waiting.since < moment);
        let expected = tickets.iter().filter(waits).count();
        let count = ticket::count(&mut tx, &filter).await.unwrap();
        assert_eq!(usize::try_from(count).unwrap(), expected, "{minutes}");
    }
}

async fn problems_are_found_by_what_they_cause_and_when_their_risk_is_due(store: Store) {
    let Tree { client: org, other, .. } = tree(&store).await;
    let ci = CiId(fixture::id());
    let mut accepted = ticket_of(&org, TicketKind::Problem);
    let risk = Problem { risk_review_at: Some(at(50)), cis: [ci].into(), ..Problem::default() };
    accepted.details = Details::Problem(risk.clone());
    accepted.stage = Stage::Done(State::Resolved, outcome(Some(Code::RiskAccepted)));
    let mut opened = ticket_of(&org, TicketKind::Problem);
    opened.stage.clone_from(&accepted.stage);
    opened.details =
        Details::Problem(Problem { risk_review_opened: true, known_error: true, ..risk.clone() });
    let mut fixed = ticket_of(&org, TicketKind::Problem);
    fixed.stage = Stage::Done(State::Resolved, outcome(Some(Code::FixApplied)));
    fixed.details = Details::Problem(Problem { cis: [].into(), ..risk });
    let caused = |state| {
        let mut incident = fixture::ticket(&org);
        incident.stage = stage(TicketKind::Incident, state);
        let problem = Some(accepted.id);
        incident.details = Details::Incident(Incident { problem, ..Incident::default() });
        incident
    };
    let active = caused(State::New);
    let resolved = caused(State::Resolved);
    let over = [caused(State::Closed), caused(State::Cancelled)];
    let unrelated = fixture::ticket(&org);
    let all = [&accepted, &opened, &fixed, &active, &resolved, &over[0], &over[1], &unrelated];
    store_all(&store, &org, &all.map(Clone::clone)).await;

    let none = TicketFilter::default;
    let mut tx = store.read(org.id).await.unwrap();
    for (name, filter, expected) in [
        (
            "problem",
            TicketFilter { problem: Some(accepted.id), ..none() },
            vec![&active, &resolved, &over[0], &over[1]],
        ),
        ("due", TicketFilter { risk_review_due: Some(at(50)), ..none() }, vec![&accepted]),
        ("not due", TicketFilter { risk_review_due: Some(at(49)), ..none() }, vec![]),
        ("ci", TicketFilter { ci: Some(ci), ..none() }, vec![&accepted, &opened]),
        ("known error", TicketFilter { known_error: Some(true), ..none() }, vec![&opened]),
        (
            "no known error",
            TicketFilter { known_error: Some(false), kinds: vec![TicketKind::Problem], ..none() },
            vec![&accepted, &fixed],
        ),
    ] {
        let found = ticket::list(&mut tx, &filter, TicketSort::Queue, None, 50).await.unwrap();
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{name}");
    }
    let caused = ticket::caused_by(&mut tx, accepted.id).await.unwrap();
    assert_eq!(caused, [active, resolved]);
    drop(tx);
    let mut tx = store.read(other.id).await.unwrap();
    assert_eq!(ticket::caused_by(&mut tx, accepted.id).await.unwrap(), []);
}

async fn text_is_found_however_it_was_typed_and_to_the_letter(store: Store) {
    let org = tree(&store).await.client;
    let mut tickets: Vec<_> = (0..4).map(|_| fixture::ticket(&org)).collect();
    tickets[0].short_description = "GRÖSSE: 100% of C:\\temp_1".into();
    tickets[1].short_description = "größe 100 of c:/temp-1".into();
    tickets[3].short_description = "Cafe\u{301} wifi".into();
    store_all(&store, &org, &tickets).await;
    let mut tx = store.read(org.id).await.unwrap();
    for (text, expected) in [
        ("größ", 2),
        ("gro\u{308}ss", 2),
        ("caf\u{e9}", 1),
        ("CAFE\u{301}", 1),
        ("caf\u{200b}\u{e9}", 1),
        ("cafe", 0),
        ("GRÖ", 2),
        ("100%", 1),
        ("c:\\TEMP", 1),
        ("temp_", 1),
        ("printer ON", 1),
        ("' or 1 = 1 --", 0),
    ] {
        let filter = TicketFilter { text: Some(text.to_owned()), ..TicketFilter::default() };
        assert_eq!(ticket::count(&mut tx, &filter).await.unwrap(), expected, "{text}");
    }
}

/// Ids of all tickets, a page of three at a time.
async fn paged(store: &Store, org: &Organization, sort: TicketSort) -> Vec<TicketId> {
    let mut ids = Vec::new();
    let mut after = None;
    loop {
        let mut tx = store.read(org.id).await.unwrap();
        let page = ticket::list(&mut tx, &TicketFilter::default(), sort, after.as_ref(), 3).await;
        let page = page.unwrap();
        let Some(last) = page.last() else { return ids };
        after = Some(TicketCursor::of(last, sort));
        ids.extend(page.iter().map(|ticket| ticket.id));
    }
}

async fn pages_cover_every_order_once(store: Store) {
    let org = tree(&store).await.client;
    let mut tickets = Vec::new();
    // Ties in everything but the id.
    for (opened, updated, priority) in
        [(1, 5, 3), (1, 5, 3), (1, 9, 1), (3, 5, 2), (2, 5, 3), (1, 7, 1), (3, 5, 3), (1, 5, 3)]
    {
        let mut ticket = fixture::ticket(&org);
        ticket.opened_at = at(opened);
        ticket.updated_at = at(updated);
        ticket.priority.policy = Some(Level(priority));
        tickets.push(ticket);
    }
    store_all(&store, &org, &tickets).await;

    let in_order = |compare: fn(&&Ticket, &&Ticket) -> std::cmp::Ordering| {
        let mut sorted: Vec<_> = tickets.iter().collect();
        sorted.sort_by(compare);
        sorted.iter().map(|ticket| ticket.id).collect::<Vec<_>>()
    };
    assert_eq!(
        paged(&store, &org, TicketSort::Opened).await,
        in_order(|a, b| (b.opened_at, b.id).cmp(&(a.opened_at, a.id)))
    );
    assert_eq!(
        paged(&store, &org, TicketSort::Updated).await,
        in_order(|a, b| (b.updated_at, b.id).cmp(&(a.updated_at, a.id)))
    );
    assert_eq!(
        paged(&store, &org, TicketSort::Queue).await,
        in_order(|a, b| {
            let place = |t: &Ticket| (t.priority.effective().0, t.opened_at, t.id);
            place(a).cmp(&place(b))
        })
    );
}

async fn a_ticket_that_moves_between_pages_hides_no_other(store: Store) {
    let org = tree(&store).await.client;
    let mut tickets: Vec<_> = (0..4).map(|_| fixture::ticket(&org)).collect();
    for (ticket, minutes) in tickets.iter_mut().zip([1, 2, 3, 4]) {
        ticket.updated_at = at(minutes);
    }
    store_all(&store, &org, &tickets).await;
    let filter = TicketFilter::default();
    let mut tx = store.write(org.id).await.unwrap();
    let first = ticket::list(&mut tx, &filter, TicketSort::Updated, None, 2).await.unwrap();
    assert_eq!(first, [tickets[3].clone(), tickets[2].clone()]);

    // The one that the first page ended with moves to the front.
    let mut moved = first[1].clone();
    moved.updated_at = at(9);
    ticket::update(&mut tx, &mut moved).await.unwrap();
    let after = TicketCursor::of(&first[1], TicketSort::Updated);
    let second = ticket::list(&mut tx, &filter, TicketSort::Updated, Some(&after), 2).await;
    assert_eq!(second.unwrap(), [tickets[1].clone(), tickets[0].clone()]);
}

async fn lists_of_organizations_are_apart(store: Store) {
    let Tree { client, other, .. } = tree(&store).await;
    fixture::stored_ticket(&store, &client).await;
    let mut tx = store.read(other.id).await.unwrap();
    let filter = TicketFilter::default();
    let found = ticket::list(&mut tx, &filter, TicketSort::Queue, None, 10).await.unwrap();
    assert_eq!(found, []);
    assert_eq!(ticket::count(&mut tx, &filter).await.unwrap(), 0);
}
