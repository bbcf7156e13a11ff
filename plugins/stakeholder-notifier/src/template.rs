//! Texts with placeholders. They are read once; a placeholder that does not exist is refused in the
//! settings, so that no reader ever sees one.

use waypost_sdk::vocabulary::TicketKind;
use waypost_sdk::{Context, Event, Ticket};

/// What a placeholder stands for. Each is something that the requester may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Placeholder {
    Number,
    Kind,
    State,
    BeforeState,
    MajorState,
    Priority,
    ShortDescription,
    Description,
    Text,
    Category,
    Service,
    Team,
    Requester,
}

impl Placeholder {
    /// The names, as settings write them.
    const ALL: [(&'static str, Self); 13] = [
        ("number", Self::Number),
        ("kind", Self::Kind),
        ("state", Self::State),
        ("before_state", Self::BeforeState),
        ("major_state", Self::MajorState),
        ("priority", Self::Priority),
        ("short_description", Self::ShortDescription),
        ("description", Self::Description),
        ("text", Self::Text),
        ("category", Self::Category),
        ("service", Self::Service),
        ("team", Self::Team),
        ("requester", Self::Requester),
    ];

    fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, placeholder)| *placeholder)
    }

    fn write(self, facts: &Facts<'_>, text: &mut String) {
        let Facts { event, ticket, context } = facts;
        let head = &ticket.head;
        match self {
            Self::Number => text.push_str(head.number.as_deref().unwrap_or_default()),
            Self::Kind => text.push_str(match ticket.kind() {
                TicketKind::Incident => "incident",
                TicketKind::Request => "request",
                TicketKind::Problem => "problem",
                TicketKind::Task => "task",
            }),
            Self::State => push_words(text, &head.state),
            Self::BeforeState => push_words(text, state_before(event).unwrap_or_default()),
            Self::MajorState => {
                let state = ticket.incident().and_then(|incident| incident.major_state.as_deref());
                text.push_str(state.unwrap_or_default());
            }
            Self::Priority => {
                if let Some(priority) = head.priority {
                    text.push_str(&priority.to_string());
                }
            }
            Self::ShortDescription => text.push_str(&head.short_description),
            Self::Description => text.push_str(&head.description),
            Self::Text => text.push_str(event.text.as_deref().unwrap_or_default()),
            Self::Category => {
                for (place, part) in head.category.iter().enumerate() {
                    text.push_str(if place > 0 { " / " } else { "" });
                    text.push_str(part);
                }
            }
            Self::Service => {
                let name = context.service.as_ref().map(|service| &service.name);
                text.push_str(name.or(head.service.as_ref()).map_or("", String::as_str));
            }
            Self::Team => text.push_str(head.team.as_ref().map_or("", |team| &team.key)),
            Self::Requester => {
                text.push_str(context.requester.as_ref().map_or("", |person| &person.name));
            }
        }
    }
}

/// The state before an event that changed it.
fn state_before(event: &Event) -> Option<&str> {
    event.changes.iter().find(|change| change.field == "state")?.before.as_deref()
}

/// A state's name as words: `in_progress` is "in progress".
fn push_words(text: &mut String, name: &str) {
    text.extend(name.chars().map(|character| if character == '_' { ' ' } else { character }));
}

/// What placeholders are filled from.
pub(crate) struct Facts<'a> {
    pub(crate) event: &'a Event,
    pub(crate) ticket: &'a Ticket,
    pub(crate) context: &'a Context,
}

/// A text with placeholders.
#[derive(Debug)]
pub(crate) struct Template(Vec<Piece>);

#[derive(Debug)]
enum Piece {
    Text(Box<str>),
    Placeholder(Placeholder),
}

impl Template {
    /// Reads a text; `{{` and `}}` stand for braces. The error is a sentence.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(place) = rest.find(['{', '}']) {
            plain.push_str(&rest[..place]);
            let brace = &rest[place..];
            if brace.starts_with("{{") || brace.starts_with("}}") {
                plain.push_str(&brace[..1]);
                rest = &brace[2..];
                continue;
            }
            let (name, after) =
                brace.strip_prefix('{').and_then(|inner| inner.split_once('}')).ok_or(
                    "a brace is not closed or not opened; write `{{` or `}}` for a brace itself",
                )?;
            let placeholder = Placeholder::named(name).ok_or_else(|| {
                let known: Vec<_> =
                    Placeholder::ALL.iter().map(|(name, _)| format!("{{{name}}}")).collect();
                format!("`{{{name}}}` is not a valid placeholder; use one of: {}", known.join(", "))
            })?;
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain).into()));
            }
            pieces.push(Piece::Placeholder(placeholder));
            rest = after;
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain.into()));
        }
        Ok(Self(pieces))
    }

    /// Fills the placeholders. What is not known is left empty.
    pub(crate) fn fill(&self, facts: &Facts<'_>) -> String {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(plain) => text.push_str(plain),
                Piece::Placeholder(placeholder) => placeholder.write(facts, &mut text),
            }
        }
        text
    }

    /// Fills the placeholders into one line: a line's end in a ticket's text must not end a
    /// subject.
    pub(crate) fn fill_line(&self, facts: &Facts<'_>) -> String {
        let mut line = self.fill(facts);
        if line.contains(|character: char| character.is_control()) {
            line = line
                .split(char::is_control)
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join(" ");
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use waypost_sdk::testing::{context, event, head, incident, person, service};
    use waypost_sdk::{EventKind, FieldChange, Head, TeamRef};

    use super::*;

    fn filled(text: &str) -> String {
        let event = Event {
            changes: vec![FieldChange {
                field: "state".to_owned(),
                before: Some("on_hold".to_owned()),
                after: Some("in_progress".to_owned()),
            }],
            text: Some("It works\r\nagain.".to_owned()),
            ..event(EventKind::StateChanged)
        };
        let team = TeamRef { organization: "acme".to_owned(), key: "network".to_owned() };
        let ticket = incident(Head {
            state: "in_progress".to_owned(),
            category: vec!["network".to_owned(), "vpn".to_owned()],
            service: Some("vpn".to_owned()),
            team: Some(team),
            priority: Some(2),
            ..head("VPN is {slow}")
        });
        let mut context = waypost_sdk::Context { requester: Some(person("Ada")), ..context() };
        context.service = Some(waypost_sdk::Service { name: "VPN".to_owned(), ..service("vpn") });
        let template = Template::read(text).expect("the template is fine");
        template.fill_line(&Facts { event: &event, ticket: &ticket, context: &context })
    }

    #[test]
    fn placeholders_are_filled() {
        assert_eq!(
            filled("{number} ({kind}, {priority}): {short_description}"),
            "INC0000042 (incident, 2): VPN is {slow}"
        );
        assert_eq!(filled("{before_state} -> {state}"), "on hold -> in progress");
        assert_eq!(
            filled("{category} {service} {team} {requester}"),
            "network / vpn VPN network Ada"
        );
    }

    #[test]
    fn a_line_stays_one_line() {
        assert_eq!(filled("{text}"), "It works again.");
    }

    #[test]
    fn every_placeholder_can_be_written() {
        for (name, placeholder) in Placeholder::ALL {
            assert_eq!(Placeholder::named(name), Some(placeholder));
        }
    }

    #[test]
    fn doubled_braces_are_braces() {
        assert_eq!(filled("{{number}} {{}}"), "{number} {}");
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let refused = |text| Template::read(text).expect_err("the template is wrong");
        assert!(refused("{nubmer}").starts_with("`{nubmer}` is not a valid placeholder; use"));
        for text in ["{number", "number}", "{a{number}}"] {
            refused(text);
        }
    }
}
