use super::*;
use crate::event::ActorKind;
use crate::fixture::{
    self, AGENT, CALLER, COLLEAGUE, DESK, NETWORK, ORG, led_by, monday, opened, ticket_id,
};
use crate::incident::Leadership;
use crate::ticket::{Cancellation, TicketKind};

fn message(told_as: &[ToldAs]) -> Message {
    Message {
        id: MessageId(uuid::Uuid::from_u128(1)),
        org: ORG,
        ticket: Some(ticket_id(1)),
        person: AGENT,
        told_as: told_as.iter().copied().collect(),
        after_end: false,
        channel: DeliveryChannel::Mail,
        address: None,
        subject: "Assigned".to_owned(),
        body: String::new(),
        link: None,
        dedupe_key: "assigned".to_owned(),
        send_at: monday(),
        created_at: monday(),
    }
}

/// The agent, who is everything that one can be to an incident.
fn standing() -> Standing {
    let mut ticket = opened(TicketKind::Incident);
    ticket.requester = Some(AGENT);
    ticket.assignee = Some(AGENT);
    ticket.watchers.insert(AGENT);
    make_major(&mut ticket, led_by());
    let person = Person {
        email: Some("ada@acme.example".to_owned()),
        role: Role::Admin,
        ..fixture::agent(AGENT)
    };
    Standing {
        person: Some(person),
        ticket: Some(ticket),
        is_asked: true,
        teams: BTreeSet::from([NETWORK]),
    }
}

fn make_major(ticket: &mut Ticket, led_by: Leadership) {
    let major = Major::Accepted { led_by, next_update_at: monday(), update_missed: false };
    ticket.incident_mut().unwrap().major = major;
}

fn led_by_others() -> Leadership {
    Leadership { manager: CALLER, communication_owner: COLLEAGUE }
}

fn all() -> [ToldAs; 8] {
    [
        ToldAs::Requester,
        ToldAs::Assignee,
        ToldAs::Watcher,
        ToldAs::Approver,
        ToldAs::Leader,
        ToldAs::Member(NETWORK),
        ToldAs::Administrator,
        ToldAs::Named,
    ]
}

fn ended(ticket: &mut Ticket, outcome: CancelOutcome) {
    ticket.stage = Stage::Cancelled(Cancellation {
        outcome,
        reason: "not needed".to_owned(),
        at: monday(),
        by: crate::event::Actor { kind: ActorKind::System, person: None },
    });
}

#[test]
fn a_message_leaves_to_the_address_of_the_moment() {
    for told_as in all() {
        let mut standing = standing();
        assert_eq!(message(&[told_as]).leaves_to(&standing, monday()).unwrap(), "ada@acme.example");
        let person = standing.person.as_mut().unwrap();
        person.email = Some("ada.new@acme.example".to_owned());
        assert_eq!(
            message(&[told_as]).leaves_to(&standing, monday()).unwrap(),
            "ada.new@acme.example"
        );
    }
}

#[test]
fn why_a_message_does_not_leave() {
    type Change = fn(&mut Standing);
    let ticket = |standing: &mut Standing, change: fn(&mut Ticket)| {
        change(standing.ticket.as_mut().unwrap());
    };
    let cases: [(ToldAs, Change, &str); 13] = [
        (ToldAs::Named, |it| it.person = None, "the person does not work here any more"),
        (
            ToldAs::Named,
            |it| it.person.as_mut().unwrap().active = false,
            "the person does not work here any more",
        ),
        (
            ToldAs::Named,
            |it| it.person.as_mut().unwrap().email = None,
            "the person has no e-mail address",
        ),
        (
            ToldAs::Requester,
            |it| it.ticket.as_mut().unwrap().requester = Some(CALLER),
            "the person is not the requester any more",
        ),
        (
            ToldAs::Assignee,
            |it| it.ticket.as_mut().unwrap().assignee = None,
            "the person is not the assignee any more",
        ),
        (
            ToldAs::Watcher,
            |it| it.ticket.as_mut().unwrap().watchers.clear(),
            "the person does not watch the ticket any more",
        ),
        (ToldAs::Approver, |it| it.is_asked = false, "the person's vote is not asked for any more"),
        (
            ToldAs::Leader,
            |it| make_major(it.ticket.as_mut().unwrap(), led_by_others()),
            "the person does not lead the major incident any more",
        ),
        (
            ToldAs::Member(NETWORK),
            |it| it.teams = BTreeSet::from([DESK]),
            "the person is not a member of the team any more",
        ),
        (
            ToldAs::Administrator,
            |it| it.person.as_mut().unwrap().role = Role::Agent,
            "the person is not an administrator any more",
        ),
        (
            ToldAs::Named,
            |it| ended(it.ticket.as_mut().unwrap(), CancelOutcome::Withdrawn),
            "INC0000001 was cancelled before it left",
        ),
        (
            ToldAs::Requester,
            |it| {
                let goes_on = CancelOutcome::MergedInto(ticket_id(7));
                ended(it.ticket.as_mut().unwrap(), goes_on);
            },
            "INC0000001 was merged before it left",
        ),
        (
            ToldAs::Requester,
            |it| {
                let goes_on = CancelOutcome::ConvertedTo(ticket_id(7));
                ended(it.ticket.as_mut().unwrap(), goes_on);
            },
            "INC0000001 was converted before it left",
        ),
    ];
    for (told_as, change, why) in cases {
        let mut standing = standing();
        ticket(&mut standing, |it| it.number = "INC0000001".to_owned());
        change(&mut standing);
        let not_sent = message(&[told_as]).leaves_to(&standing, monday()).unwrap_err();
        assert_eq!(not_sent.to_string(), format!("not sent: {why}"), "{told_as}");
    }
}

#[test]
fn one_reason_to_be_told_is_enough() {
    let mut standing = standing();
    standing.ticket.as_mut().unwrap().assignee = None;
    let message = message(&[ToldAs::Assignee, ToldAs::Watcher]);
    assert!(message.leaves_to(&standing, monday()).is_ok());
}

#[test]
fn a_message_about_the_end_leaves_after_the_end() {
    let mut standing = standing();
    ended(standing.ticket.as_mut().unwrap(), CancelOutcome::Withdrawn);
    let of_the_end = Message { after_end: true, ..message(&[ToldAs::Requester]) };
    assert!(of_the_end.leaves_to(&standing, monday()).is_ok());
}

#[test]
fn as_what_somebody_is_told_is_read_as_it_is_written() {
    for told_as in all() {
        assert_eq!(told_as.to_string().parse::<ToldAs>().unwrap(), told_as);
    }
    assert!("team:nobody".parse::<ToldAs>().is_err());
    assert!("postman".parse::<ToldAs>().is_err());
}

#[test]
fn a_link_that_would_be_too_late_is_not_sent() {
    let standing = standing();
    let mut message = message(&[ToldAs::Named]);
    message.link = Some(MessageLink::SignIn { next: None });
    let at = |minutes| message.created_at + chrono::TimeDelta::minutes(minutes);
    assert!(message.leaves_to(&standing, at(14)).is_ok());
    assert_eq!(message.leaves_to(&standing, at(15)).unwrap_err(), NotSent::LinkLate);
}

#[test]
fn a_link_is_written_and_read() {
    for link in [
        MessageLink::SignIn { next: None },
        MessageLink::SignIn { next: Some("/o/acme/home".to_owned()) },
    ] {
        assert_eq!(link.to_string().parse::<MessageLink>().unwrap(), link);
    }
    assert!("nonsense".parse::<MessageLink>().is_err());
}
