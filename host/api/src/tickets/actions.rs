//! Actions on tickets: one handler for all of them. Which ones a kind has, and what each takes,
//! stands in its rows.

use axum::{
    Json,
    extract::{FromRequestParts, State},
    http::request::Parts,
    response::Response,
    routing::post,
};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use waypost_app::{
    Desk,
    tickets::{self, Look, TicketRef},
};
use waypost_domain::ticket::{Action, TicketKind};

use super::{Collection, Subject, kind_of, records::changed};
use crate::{
    ApiState,
    api_error::{ApiError, Slug},
    extract::{JsonBody, Known, KnownVersion, Prefer, parameter},
    wire::ActionName,
};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    // What the document says of actions is made from the rows; see `schema`.
    OpenApiRouter::new().routes(routes!(allowed)).route("/{id}/actions/{action}", post(act))
}

/// Whether an action heeds the version that the caller knows. What is said about a ticket, and what
/// is decided about a suggestion, holds whatever else has changed.
pub(crate) fn takes_version(action: &str) -> bool {
    !matches!(action, "comment" | "note" | "accept_suggestion" | "dismiss_suggestion")
}

/// List the actions that are possible now
///
/// Each action is listed with the fields that it still requires.
#[utoipa::path(
    get,
    path = "/{id}/actions",
    responses((status = 200, description = "The actions that are possible now", body = ActionsOut)),
)]
async fn allowed(
    State(desk): State<Desk>,
    Known(caller): Known,
    Subject(ticket): Subject,
) -> Result<Json<ActionsOut>, ApiError> {
    let hints = Look::at(&desk, &caller, &ticket).await?.actions().await?;
    let items = hints
        .into_iter()
        .map(|hint| ActionHintOut { action: hint.action.into(), lacks: hint.lacks })
        .collect();
    Ok(Json(ActionsOut { items }))
}

/// Takes an action.
async fn act(
    State(desk): State<Desk>,
    Known(caller): Known,
    Asked { ticket, action }: Asked,
    version: Result<KnownVersion, ApiError>,
    prefer: Prefer,
    JsonBody(input): JsonBody<Map<String, Value>>,
) -> Result<Response, ApiError> {
    let version = if takes_version(action.as_str()) { version?.0 } else { None };
    // Boxed: what an action may set off makes a future that would fill the stack.
    let acted = Box::pin(tickets::act(&desk, &caller, &ticket, action, input, version));
    Ok(changed(prefer, acted.await?))
}

/// The ticket and the action in the path, if the kind of the ticket has the action.
struct Asked {
    ticket: TicketRef,
    action: Action,
}

impl FromRequestParts<ApiState> for Asked {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        let Subject(ticket) = Subject::from_request_parts(parts, state).await?;
        let name = parameter(parts, state, "action").await.unwrap_or_default();
        let collection = Collection::from_request_parts(parts, state).await?;
        let kind = match collection.kind() {
            Some(kind) => kind,
            None => kind_of(&ticket, parts, state).await?,
        };
        Ok(Self { ticket, action: asked(kind, &name)? })
    }
}

/// The action that a kind has under this name.
fn asked(kind: TicketKind, name: &str) -> Result<Action, ApiError> {
    let mut actions = kind.rules().askable().map(|row| row.action);
    actions.find(|action| action.as_str() == name).ok_or_else(|| {
        let names = kind.rules().askable().map(|row| row.action.as_str()).collect::<Vec<_>>();
        let detail = format!(
            "`{name}` is not an action of {}; use one of: {}",
            kind.with_article(),
            names.join(", ")
        );
        ApiError::new(Slug::NotFound, detail)
    })
}

/// The actions that are possible now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AllowedActions)]
struct ActionsOut {
    /// The actions. `edit` is the PATCH of the ticket, and votes are cast at `/approval-requests`.
    items: Vec<ActionHintOut>,
}

/// An action that is possible now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AllowedAction)]
struct ActionHintOut {
    /// The action.
    action: ActionName,
    /// JSON pointers to the fields that the action requires, including fields of the ticket that
    /// are still empty.
    lacks: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_that_the_kind_does_not_have_is_not_found_and_the_others_are_named() {
        for (kind, name) in [
            (TicketKind::Incident, "fulfill"),
            (TicketKind::Request, "request_approval"),
            (TicketKind::Problem, "reopen"),
            (TicketKind::Task, "comment"),
            (TicketKind::Task, "edit"),
            (TicketKind::Incident, "dance"),
        ] {
            let refused = asked(kind, name).unwrap_err();
            assert_eq!(refused.slug(), Slug::NotFound, "{name}");
            let detail = refused.json()["detail"].as_str().unwrap().to_owned();
            assert!(detail.contains("use one of:") && detail.contains("assign"), "{detail}");
        }
        assert_eq!(
            asked(TicketKind::Problem, "request_approval").unwrap(),
            Action::RequestApproval
        );
    }
}
