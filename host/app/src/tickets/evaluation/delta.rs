//! The delta of a question: what earlier hooks and rules of an evaluation changed on the ticket.

use serde::{Deserialize, Deserializer, Serialize};
use waypost_policy::question::{
    Channel, Comment, Details, Field, Head, Phase, TeamRef, Ticket, WaitingOn,
};

/// What a field became.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct To<T>(pub(super) T);

/// Reads a field that is there: null is a field that was emptied, not one that is left out.
pub(super) fn there<'de, D, T>(deserializer: D) -> Result<Option<To<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    To::deserialize(deserializer).map(Some)
}

/// The fields of a record, where they differ from another's. Both are taken apart whole, so that a
/// field that the record gains has to be named here.
macro_rules! delta {
    ($(#[$doc:meta])* $delta:ident of $record:ident { $($field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        pub(super) struct $delta {
            $(
                #[serde(deserialize_with = "there", skip_serializing_if = "Option::is_none")]
                $field: Option<To<$type>>,
            )*
        }

        impl $delta {
            pub(super) fn between(before: &$record, after: &$record) -> Self {
                let $record { $($field,)* } = after;
                Self { $($field: moved(&before.$field, $field),)* }
            }

            pub(super) fn apply(self, record: &mut $record) {
                let $record { $($field,)* } = record;
                $(put($field, self.$field);)*
            }

            pub(super) fn is_empty(&self) -> bool {
                *self == Self::default()
            }
        }
    };
}

delta! {
    /// The fields of a ticket's head.
    HeadDelta of Head {
        id: String,
        number: Option<String>,
        state: String,
        phase: Phase,
        state_since: String,
        outcome: Option<String>,
        channel: Channel,
        short_description: String,
        description: String,
        requester: Option<String>,
        opened_by: Option<String>,
        opened_at: String,
        category: Vec<String>,
        service: Option<String>,
        ci: Option<String>,
        cis: Vec<String>,
        impact: Option<u8>,
        urgency: Option<u8>,
        priority: Option<u8>,
        team: Option<TeamRef>,
        assignee: Option<String>,
        watchers: Vec<String>,
        tags: Vec<String>,
        parent: Option<String>,
        reopen_count: u32,
        waiting_on: Option<WaitingOn>,
        comments: Vec<Comment>,
        fields: Vec<Field>,
    }
}

/// What of a ticket differs from the snapshot's.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct TicketDelta {
    #[serde(skip_serializing_if = "HeadDelta::is_empty")]
    head: HeadDelta,
    #[serde(deserialize_with = "there", skip_serializing_if = "Option::is_none")]
    details: Option<To<Details>>,
}

impl TicketDelta {
    pub(super) fn between(before: &Ticket, after: &Ticket) -> Self {
        let Ticket { head, details } = after;
        Self {
            head: HeadDelta::between(&before.head, head),
            details: moved(&before.details, details),
        }
    }

    pub(super) fn apply(self, ticket: &mut Ticket) {
        let Ticket { head, details } = ticket;
        self.head.apply(head);
        put(details, self.details);
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn moved<T: PartialEq + Clone>(before: &T, after: &T) -> Option<To<T>> {
    (before != after).then(|| To(after.clone()))
}

fn put<T>(field: &mut T, value: Option<To<T>>) {
    if let Some(To(value)) = value {
        *field = value;
    }
}

#[cfg(test)]
mod tests {
    use waypost_policy::question::{IncidentDetails, RequestDetails};

    use super::*;

    fn ticket() -> Ticket {
        let head = Head {
            id: "t".to_owned(),
            number: None,
            state: "new".to_owned(),
            phase: Phase::Open,
            state_since: "2026-06-01T08:00:00Z".to_owned(),
            outcome: None,
            channel: Channel::Portal,
            short_description: "a".to_owned(),
            description: String::new(),
            requester: Some("p".to_owned()),
            opened_by: None,
            opened_at: "2026-06-01T08:00:00Z".to_owned(),
            category: vec![],
            service: Some("portal".to_owned()),
            ci: None,
            cis: vec![],
            impact: None,
            urgency: None,
            priority: Some(4),
            team: None,
            assignee: None,
            watchers: vec![],
            tags: vec![],
            parent: None,
            reopen_count: 0,
            waiting_on: None,
            comments: vec![],
            fields: vec![],
        };
        Ticket { head, details: Details::Incident(IncidentDetails::default()) }
    }

    #[test]
    fn what_changed_is_kept_and_gives_the_same_ticket_again() {
        let before = ticket();
        let mut after = ticket();
        after.head.service = None;
        after.head.watchers = vec!["w".to_owned()];
        after.head.team =
            Some(TeamRef { organization: "acme".to_owned(), key: "network".to_owned() });
        after.details = Details::Request(RequestDetails::default());

        let delta = TicketDelta::between(&before, &after);
        let json = serde_json::to_string(&delta).unwrap();
        assert!(json.contains(r#""service":null"#) && !json.contains("priority"), "{json}");
        let mut again = ticket();
        serde_json::from_str::<TicketDelta>(&json).unwrap().apply(&mut again);
        assert_eq!(again, after);
    }

    #[test]
    fn a_ticket_that_stayed_the_same_has_an_empty_delta() {
        let delta = TicketDelta::between(&ticket(), &ticket());
        assert!(delta.is_empty());
        assert_eq!(serde_json::to_string(&delta).unwrap(), "{}");
    }
}
