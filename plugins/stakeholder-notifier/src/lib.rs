#![doc = include_str!("../README.md")]

mod clock;
mod quiet;
mod schedule;
mod settings;
mod template;
mod zone;

use quiet::Quiet;
use schedule::Schedule;
use template::{Facts, Template};
use waypost_sdk::rules::Rules;
use waypost_sdk::vocabulary::EventKind;
use waypost_sdk::{
    Binding, Context, Decline, DeliveryChannel, Event, Message, Need, Notifications, Notify,
    Policy, SettingsError, Ticket,
};

pub use settings::{MajorState, OncePer, QuietHours, Recipient, Rule, Settings, Weekday};

/// Rules about messages, indexed, their texts read.
#[derive(Debug)]
pub struct StakeholderNotifier {
    index: Rules,
    rules: Vec<Ready>,
    quiet: Option<Quiet>,
}

/// A rule whose texts have been read.
#[derive(Debug)]
struct Ready {
    rule: Rule,
    subject: Template,
    body: Template,
}

impl Policy for StakeholderNotifier {
    type Settings = Settings;

    fn new(settings: Settings, _binding: &Binding) -> Result<Self, Vec<SettingsError>> {
        let mut index = Rules::default();
        let mut errors = Vec::new();
        let mut rules = Vec::with_capacity(settings.rules.len());
        for (place, rule) in settings.rules.into_iter().enumerate() {
            let pointer = format!("/rules/{place}");
            index.add(&rule.when, &format!("{pointer}/when"), &mut errors);
            rules.extend(ready(rule, &pointer, &mut errors));
        }
        let quiet = settings.quiet_hours.and_then(|hours| Quiet::new(&hours, &mut errors));
        if errors.is_empty() { Ok(Self { index, rules, quiet }) } else { Err(errors) }
    }
}

/// Reads a rule's texts and finds what a schema cannot say.
fn ready(rule: Rule, pointer: &str, errors: &mut Vec<SettingsError>) -> Option<Ready> {
    if rule.on.is_empty() {
        errors.push(SettingsError::at(format!("{pointer}/on"), "name at least one event"));
    }
    if rule.to.is_empty() {
        errors.push(SettingsError::at(format!("{pointer}/to"), "name at least one recipient"));
    }
    let mut read = |member: &str, text: &str| {
        Template::read(text)
            .map_err(|message| {
                errors.push(SettingsError::at(format!("{pointer}/{member}"), message));
            })
            .ok()
    };
    let (subject, body) = (read("subject", &rule.subject), read("body", &rule.body));
    Some(Ready { rule, subject: subject?, body: body? })
}

impl Notify for StakeholderNotifier {
    fn needs() -> Vec<Need> {
        vec![Need::Requester, Need::Service]
    }

    fn notify(
        &self,
        event: &Event,
        ticket: &Ticket,
        context: &Context,
    ) -> Result<Notifications, Decline> {
        let kind = EventKind::from(event.kind);
        let facts = Facts { event, ticket, context };
        let schedule = Schedule::new(self.quiet.as_ref(), ticket, context)?;
        let mut answer = Notifications::default();
        for place in self.index.of(ticket, context).iter() {
            let ready = &self.rules[place];
            let Rule { name, on, states, major_states, .. } = &ready.rule;
            if !on.contains(&kind)
                || !(states.is_empty() || states.contains(&ticket.head.state))
                || !(major_states.is_empty() || stands_as(major_states, ticket))
            {
                continue;
            }
            let recipients = recipients(&ready.rule, event, ticket);
            if recipients.is_empty() {
                answer.reasons.push(format!("rule “{name}” has nobody to tell"));
                continue;
            }
            let message = Message {
                recipients,
                except: except(&ready.rule, event),
                channel: DeliveryChannel::Mail,
                subject: ready.subject.fill_line(&facts),
                body: ready.body.fill(&facts),
                not_before: None,
                dedupe_key: dedupe_key(&ready.rule, event, ticket, context),
            };
            let (messages, waits) = schedule.send(message, ready.rule.delay_minutes);
            answer.reasons.push(if waits {
                format!("rule “{name}”, after the quiet hours")
            } else {
                format!("rule “{name}”")
            });
            answer.messages.extend(messages);
        }
        if answer.reasons.is_empty() {
            return Err(Decline::no_opinion("no rule tells anybody of this"));
        }
        Ok(answer)
    }
}

/// Whether an incident stands as a major one where one of these says.
fn stands_as(wanted: &[MajorState], ticket: &Ticket) -> bool {
    let state = ticket.incident().and_then(|incident| incident.major_state.as_deref());
    state.is_some_and(|name| wanted.iter().any(|one| one.as_str() == name))
}

/// Who hears, without those that this ticket or event does not have.
fn recipients(rule: &Rule, event: &Event, ticket: &Ticket) -> Vec<waypost_sdk::Recipient> {
    let spared = |person: &String| !rule.to_actor && event.actor_person.as_ref() == Some(person);
    let mut recipients = Vec::with_capacity(rule.to.len());
    for somebody in &rule.to {
        let recipient = match somebody {
            Recipient::Requester => ticket
                .head
                .requester
                .as_ref()
                .filter(|person| !spared(person))
                .map(|_| waypost_sdk::Recipient::Requester),
            Recipient::Assignee => ticket
                .head
                .assignee
                .as_ref()
                .filter(|person| !spared(person))
                .map(|_| waypost_sdk::Recipient::Assignee),
            Recipient::Watchers => Some(waypost_sdk::Recipient::Watchers),
            Recipient::Approvers => event
                .approvers
                .iter()
                .any(|person| !spared(person))
                .then_some(waypost_sdk::Recipient::Approvers),
            Recipient::OwningTeam => {
                ticket.head.team.as_ref().map(|team| waypost_sdk::Recipient::Team(team.full_name()))
            }
            Recipient::Team(name) => Some(waypost_sdk::Recipient::Team(name.clone())),
            Recipient::Person(id) => {
                (!spared(id)).then(|| waypost_sdk::Recipient::Person(id.clone()))
            }
        };
        recipients.extend(recipient);
    }
    recipients
}

/// The person who caused the event, unless the rule tells them too.
fn except(rule: &Rule, event: &Event) -> Vec<String> {
    if rule.to_actor { Vec::new() } else { event.actor_person.iter().cloned().collect() }
}

/// What must be equal for two messages to be one.
fn dedupe_key(rule: &Rule, event: &Event, ticket: &Ticket, context: &Context) -> String {
    let name = &rule.name;
    match rule.once_per {
        OncePer::Event => format!("{name}/{}", event.id),
        OncePer::State => format!("{name}/{}", ticket.head.state),
        OncePer::Day => format!("{name}/{}", context.now.local_date),
        OncePer::Ticket => name.clone(),
    }
}

waypost_sdk::export!(StakeholderNotifier: notify);
