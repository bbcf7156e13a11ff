//! The collections of tickets: `/tickets`, and of each kind `/incidents` and `/requests`.
//!
//! All three have the same routes. `/tickets` takes a ticket whose kind nobody knows yet, and lets the organization's
//! policies decide; in `/incidents` and `/requests` the other kind is not there.

mod acting;
mod actions;
mod approvals;
mod comments;
mod decisions;
mod incoming;
mod links;
mod outgoing;
mod records;
mod suggestions;
mod tasks;

use axum::{
    Extension,
    extract::{FromRequestParts, Path},
    http::request::Parts,
};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;
use waypost_app::tickets::{self, TicketRef};
use waypost_domain::{ids::TicketId, ticket::TicketKind};

use crate::{
    ApiState,
    extract::Known,
    problem::{Problem, Slug},
    reader::UNKEPT,
};

pub(crate) use approvals::ApprovalOut;
pub(crate) use incoming::answers;
pub(crate) use outgoing::TicketOut;
pub(crate) use records::EventOut;

/// One of the collections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Collection {
    /// Both kinds.
    Tickets,
    /// One kind.
    Of(TicketKind),
}

impl Collection {
    /// Its routes.
    pub(crate) fn routes(self) -> OpenApiRouter<ApiState> {
        OpenApiRouter::new()
            .merge(records::routes())
            .merge(actions::routes())
            .merge(comments::routes())
            .merge(approvals::routes())
            .merge(tasks::routes())
            .merge(suggestions::routes())
            .merge(links::routes())
            .merge(decisions::routes())
            .layer(Extension(self))
    }

    /// The kind that it holds, if only one.
    fn kind(self) -> Option<TicketKind> {
        match self {
            Self::Tickets => None,
            Self::Of(kind) => Some(kind),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Collection {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // Every route of a collection is under its layer; elsewhere there are no tickets.
        parts.extensions.get::<Self>().copied().ok_or_else(no_such_ticket)
    }
}

/// The ticket in the path, named by id or number, if it is of the collection.
#[derive(Debug)]
pub(crate) struct Subject(pub(crate) TicketRef);

impl FromRequestParts<ApiState> for Subject {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Problem> {
        let Path(text) =
            Path::<String>::from_request_parts(parts, state).await.map_err(|_| no_such_ticket())?;
        if text.contains(UNKEPT) {
            return Err(no_such_ticket());
        }
        let collection = Collection::from_request_parts(parts, state).await?;
        let Known(caller) = Known::from_request_parts(parts, state).await?;
        let named = named(&text);
        let fits = match (collection.kind(), &named) {
            (None, _) => true,
            (Some(kind), TicketRef::Number(number)) => number.starts_with(prefix(kind)),
            (Some(kind), TicketRef::Id(_)) => {
                tickets::find(&state.desk, &caller, &named).await?.ticket.kind() == kind
            }
        };
        if fits { Ok(Self(named)) } else { Err(no_such_ticket()) }
    }
}

/// A ticket by its id, or else by its number, in whichever case people write it.
pub(crate) fn named(text: &str) -> TicketRef {
    match Uuid::try_parse(text) {
        Ok(id) => TicketRef::Id(TicketId(id)),
        Err(_) => TicketRef::Number(text.trim().to_ascii_uppercase()),
    }
}

/// What the numbers of a kind begin with.
fn prefix(kind: TicketKind) -> &'static str {
    match kind {
        TicketKind::Incident => "INC",
        TicketKind::Request => "REQ",
    }
}

/// Where tickets of a kind are found.
fn address(kind: TicketKind, number: &str) -> String {
    match kind {
        TicketKind::Incident => format!("/api/v1/incidents/{number}"),
        TicketKind::Request => format!("/api/v1/requests/{number}"),
    }
}

fn no_such_ticket() -> Problem {
    Problem::new(Slug::NotFound, "there is no such ticket")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_named_by_id_or_number() {
        let id = Uuid::from_u128(3);
        assert_eq!(named(&id.to_string()), TicketRef::Id(TicketId(id)));
        assert_eq!(named("inc0000042"), TicketRef::Number("INC0000042".to_owned()));
    }
}
