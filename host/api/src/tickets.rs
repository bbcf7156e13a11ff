//! The collections of tickets: `/tickets`, and one for each kind: `/incidents`, `/requests`,
//! `/problems`, `/tasks`.
//!
//! All are served by the same handlers. `/tickets` takes a ticket whose kind nobody knows yet, and
//! lets the organization's policies decide. In the collection of a kind the other kinds are not
//! there. What a kind takes and which actions it has is read from its rows, by the app for the
//! requests and by `schema` for the document.

mod actions;
mod approvals;
mod comments;
mod decisions;
mod explanation;
mod incoming;
mod links;
mod outgoing;
mod previews;
mod records;
mod schema;
mod suggestions;
mod tasks;

use axum::{Extension, extract::FromRequestParts, http::request::Parts};
use utoipa_axum::router::OpenApiRouter;
use waypost_app::tickets::{self, TicketRef};
use waypost_domain::ticket::{Action, TicketKind};

use crate::{
    ApiState,
    api_error::{ApiError, Slug},
    extract::{Known, parameter},
};

pub(crate) use actions::takes_version;
pub(crate) use approvals::ApprovalOut;
pub use decisions::what_if_json;
pub use explanation::{explanation_json, outcome_json};
pub(crate) use incoming::ExternalRefWire;
pub(crate) use outgoing::TicketOut;
pub use outgoing::ticket_json;
pub(crate) use previews::PreviewOut;
pub use previews::preview_json;
pub(crate) use records::EventOut;

/// One of the collections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Collection {
    /// All kinds.
    Tickets,
    /// One kind.
    Of(TicketKind),
}

impl Collection {
    /// Every collection.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let of_kinds = TicketKind::ALL.iter().copied().map(Self::Of);
        std::iter::once(Self::Tickets).chain(of_kinds)
    }

    /// Its name in addresses.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Tickets => "tickets",
            Self::Of(kind) => kind.rules().path,
        }
    }

    /// Its routes, with what the document says of them.
    pub(crate) fn routes(self) -> OpenApiRouter<ApiState> {
        let mut routes = OpenApiRouter::new()
            .merge(records::routes())
            .merge(actions::routes())
            .merge(comments::routes())
            .merge(links::routes())
            .merge(decisions::routes());
        if self.has(Action::Vote) {
            routes = routes.merge(approvals::routes());
        }
        if self.has(Action::AcceptSuggestion) {
            routes = routes.merge(suggestions::routes());
        }
        if self == Self::Of(TicketKind::Request) {
            routes = routes.merge(previews::routes());
        }
        if self != Self::Of(TicketKind::Task) {
            routes = routes.merge(tasks::routes());
        }
        schema::describe(self, routes.get_openapi_mut());
        routes.layer(Extension(self))
    }

    /// The kind that it holds, if only one.
    fn kind(self) -> Option<TicketKind> {
        match self {
            Self::Tickets => None,
            Self::Of(kind) => Some(kind),
        }
    }

    /// The kinds that it holds.
    fn kinds(self) -> Vec<TicketKind> {
        self.kind().map_or_else(|| TicketKind::ALL.to_vec(), |kind| vec![kind])
    }

    /// Whether a kind that it holds has this action, whoever takes it.
    fn has(self, action: Action) -> bool {
        self.kinds().iter().any(|kind| kind.rules().row(action).is_some())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Collection {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        // Every route of a collection is under its layer; elsewhere there are no tickets.
        parts.extensions.get::<Self>().copied().ok_or_else(no_such_ticket)
    }
}

/// The ticket in the path, named by id or number, if it is of the collection.
#[derive(Debug)]
pub(crate) struct Subject(pub(crate) TicketRef);

impl FromRequestParts<ApiState> for Subject {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        let text = parameter(parts, state, "id").await.ok_or_else(no_such_ticket)?;
        let collection = Collection::from_request_parts(parts, state).await?;
        let named = TicketRef::parse(&text);
        if let Some(kind) = collection.kind()
            && kind_of(&named, parts, state).await? != kind
        {
            return Err(no_such_ticket());
        }
        Ok(Self(named))
    }
}

/// The kind of a ticket: its number tells it, an id has to be looked up.
async fn kind_of(
    named: &TicketRef,
    parts: &mut Parts,
    state: &ApiState,
) -> Result<TicketKind, ApiError> {
    match named {
        TicketRef::Number(number) => TicketKind::of_number(number).ok_or_else(no_such_ticket),
        TicketRef::Id(_) => {
            let Known(caller) = Known::from_request_parts(parts, state).await?;
            Ok(tickets::find(&state.desk, &caller, named).await?.ticket.kind())
        }
    }
}

/// Where a ticket of a kind is found.
fn address(kind: TicketKind, number: &str) -> String {
    format!("/api/v1/{}/{number}", kind.rules().path)
}

fn no_such_ticket() -> ApiError {
    ApiError::new(Slug::NotFound, "there is no such ticket")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_found_in_the_collection_of_its_kind() {
        assert_eq!(address(TicketKind::Problem, "PRB0000007"), "/api/v1/problems/PRB0000007");
    }
}
