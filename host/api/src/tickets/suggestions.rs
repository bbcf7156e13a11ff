//! Suggestions on tickets: what policies would set, waiting for a person (requirement A7).

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use waypost_app::{Desk, tickets::Look};
use waypost_domain::suggestion::{Suggestion, SuggestionState};

use super::Subject;
use crate::{ApiState, api_error::ApiError, extract::Known, wire::SuggestedFieldName};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list_suggestions))
}

/// List a ticket's suggestions
///
/// Values suggested by policies. Use the actions `accept_suggestion` and `dismiss_suggestion` to
/// decide on them.
#[utoipa::path(
    get,
    path = "/{id}/suggestions",
    responses((status = 200, description = "All suggestions", body = SuggestionsOut)),
)]
async fn list_suggestions(
    State(desk): State<Desk>,
    Known(caller): Known,
    Subject(ticket): Subject,
) -> Result<Json<SuggestionsOut>, ApiError> {
    let suggestions = Look::at(&desk, &caller, &ticket).await?.suggestions().await?;
    Ok(Json(SuggestionsOut { items: suggestions.into_iter().map(Into::into).collect() }))
}

/// The suggestions of policies for a ticket.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Suggestions)]
struct SuggestionsOut {
    /// The suggestions.
    items: Vec<SuggestionOut>,
}

/// A value that a policy suggests for a field.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Suggestion)]
struct SuggestionOut {
    /// Its id.
    id: Uuid,
    /// Id of the receipt of the decision that suggested it.
    receipt: Uuid,
    /// The field.
    field: SuggestedFieldName,
    /// The value that the field had when it was suggested.
    seen: Option<String>,
    /// The suggested value.
    value: String,
    /// Confidence in percent.
    confidence: u8,
    /// Why.
    reasons: Vec<String>,
    /// `open`, `accepted` or `dismissed`.
    #[schema(value_type = String)]
    state: &'static str,
    /// The id of the person who decided.
    decided_by: Option<Uuid>,
    /// When.
    decided_at: Option<DateTime<Utc>>,
    /// When it was created.
    created_at: DateTime<Utc>,
}

impl From<Suggestion> for SuggestionOut {
    fn from(suggestion: Suggestion) -> Self {
        let (by, at) = match suggestion.state {
            SuggestionState::Open => (None, None),
            SuggestionState::Accepted { by, at } | SuggestionState::Dismissed { by, at } => {
                (Some(by.0), Some(at))
            }
        };
        Self {
            id: suggestion.id.0,
            receipt: suggestion.receipt.0,
            field: suggestion.field.into(),
            seen: suggestion.seen,
            value: suggestion.value,
            confidence: suggestion.confidence,
            reasons: suggestion.reasons,
            state: suggestion.state.as_str(),
            decided_by: by,
            decided_at: at,
            created_at: suggestion.created_at,
        }
    }
}
