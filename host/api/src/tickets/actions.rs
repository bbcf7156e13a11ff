//! Actions on tickets: one address and one schema for each.

use axum::{Json, extract::State, response::Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use waypost_app::{
    Desk, comments, suggestions,
    tickets::{self, TicketAction},
};
use waypost_domain::comment::Visibility;

use super::{
    Subject, TicketOut,
    acting::{
        AcceptMajorIn, AssignIn, ConvertIn, EscalateIn, FinishMajorIn, FulfillIn, HoldIn, LinkIn,
        MergeIntoIn, ReasonIn, ResolveIn, SetEtaIn, SetPriorityIn, StartIn, SuggestionIn, TextIn,
        TriageIn, UpdateMajorIn,
    },
    named,
    records::changed,
};
use crate::{
    ApiState,
    extract::{JsonBody, Known, KnownVersion, Prefer},
    problem::Problem,
    wire::{ActionName, NothingIn},
};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(allowed))
        .routes(routes!(assign))
        .routes(routes!(reroute))
        .routes(routes!(triage))
        .routes(routes!(set_priority))
        .routes(routes!(acknowledge))
        .routes(routes!(set_eta))
        .routes(routes!(escalate))
        .routes(routes!(start))
        .routes(routes!(hold))
        .routes(routes!(resume))
        .routes(routes!(caller_reply))
        .routes(routes!(resolve))
        .routes(routes!(reopen))
        .routes(routes!(close))
        .routes(routes!(cancel))
        .routes(routes!(merge_into))
        .routes(routes!(link))
        .routes(routes!(unlink))
        .routes(routes!(convert))
        .routes(routes!(submit))
        .routes(routes!(revise))
        .routes(routes!(fulfill))
        .routes(routes!(propose_major))
        .routes(routes!(accept_major))
        .routes(routes!(reject_major))
        .routes(routes!(update_major))
        .routes(routes!(finish_major))
        .routes(routes!(comment))
        .routes(routes!(note))
        .routes(routes!(accept_suggestion))
        .routes(routes!(dismiss_suggestion))
}

/// List what can be done now
///
/// Each action comes with the fields that it still lacks.
#[utoipa::path(
    get,
    path = "/{id}/actions",
    responses((status = 200, description = "What the caller can do now", body = ActionsOut)),
)]
async fn allowed(
    State(desk): State<Desk>,
    Known(caller): Known,
    Subject(ticket): Subject,
) -> Result<Json<ActionsOut>, Problem> {
    let hints = tickets::actions(&desk, &caller, &ticket).await?;
    let items = hints
        .into_iter()
        .map(|hint| ActionHintOut { action: hint.action.into(), lacks: hint.lacks })
        .collect();
    Ok(Json(ActionsOut { items }))
}

/// What can be done to a ticket now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AllowedActions)]
struct ActionsOut {
    /// The actions.
    items: Vec<ActionHintOut>,
}

/// Something that can be done to a ticket now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AllowedAction)]
struct ActionHintOut {
    /// The action.
    action: ActionName,
    /// JSON pointers to the fields that it must be given, or that the ticket must have before.
    #[schema(value_type = Vec<String>)]
    lacks: Vec<&'static str>,
}

macro_rules! actions {
    ($($(#[doc = $doc:literal])+ $name:ident, $path:tt, $input:ident => $action:expr;)+) => {$(
        $(#[doc = $doc])+
        #[utoipa::path(
            post,
            path = $path,
            request_body = $input,
            responses((status = 200, description = "The changed ticket", body = TicketOut)),
        )]
        async fn $name(
            State(desk): State<Desk>,
            Known(caller): Known,
            Subject(ticket): Subject,
            KnownVersion(version): KnownVersion,
            prefer: Prefer,
            JsonBody(input): JsonBody<$input>,
        ) -> Result<Response, Problem> {
            let action: fn($input) -> TicketAction = $action;
            let view = tickets::act(&desk, &caller, &ticket, action(input), version).await?;
            Ok(changed(prefer, view))
        }
    )+};
}

actions! {
    /// Give it to another team or person
    assign, "/{id}/actions/assign", AssignIn => Into::into;
    /// Ask the policies again who should get it
    reroute, "/{id}/actions/reroute", NothingIn => |NothingIn {}| TicketAction::Reroute;
    /// Confirm category, impact and urgency
    triage, "/{id}/actions/triage", TriageIn => Into::into;
    /// Override the priority
    set_priority, "/{id}/actions/set_priority", SetPriorityIn => Into::into;
    /// Tell that the desk has seen it
    acknowledge, "/{id}/actions/acknowledge", NothingIn => |NothingIn {}| TicketAction::Acknowledge;
    /// Tell when service should be back
    set_eta, "/{id}/actions/set_eta", SetEtaIn => Into::into;
    /// Take it a step up
    escalate, "/{id}/actions/escalate", EscalateIn => Into::into;
    /// Start work on an incident
    start, "/{id}/actions/start", StartIn => Into::into;
    /// Put it on hold
    hold, "/{id}/actions/hold", HoldIn => Into::into;
    /// End the hold
    resume, "/{id}/actions/resume", NothingIn => |NothingIn {}| TicketAction::Resume;
    /// Answer as the caller
    caller_reply, "/{id}/actions/caller_reply", TextIn =>
        |input| TicketAction::CallerReply { text: input.text };
    /// Resolve an incident
    resolve, "/{id}/actions/resolve", ResolveIn => Into::into;
    /// Reopen it
    reopen, "/{id}/actions/reopen", ReasonIn => |input| TicketAction::Reopen { reason: input.reason };
    /// Close it
    close, "/{id}/actions/close", NothingIn => |NothingIn {}| TicketAction::Close;
    /// Withdraw it
    cancel, "/{id}/actions/cancel", ReasonIn => |input| TicketAction::Cancel { reason: input.reason };
    /// Merge it into another that is about the same
    merge_into, "/{id}/actions/merge_into", MergeIntoIn => Into::into;
    /// Say what it has to do with another
    link, "/{id}/actions/link", LinkIn => |input| TicketAction::Link {
        link_type: input.link_type.map(|name| name.0),
        target: input.target.as_deref().map(named),
    };
    /// Take back what it has to do with another
    unlink, "/{id}/actions/unlink", LinkIn => |input| TicketAction::Unlink {
        link_type: input.link_type.map(|name| name.0),
        target: input.target.as_deref().map(named),
    };
    /// Make it another kind of ticket
    convert, "/{id}/actions/convert", ConvertIn => Into::into;
    /// Hand in a request
    submit, "/{id}/actions/submit", NothingIn => |NothingIn {}| TicketAction::Submit;
    /// Take a request back to write it anew
    revise, "/{id}/actions/revise", NothingIn => |NothingIn {}| TicketAction::Revise;
    /// Fulfill a request
    fulfill, "/{id}/actions/fulfill", FulfillIn => Into::into;
    /// Propose an incident as a major one
    propose_major, "/{id}/actions/propose_major", ReasonIn =>
        |input| TicketAction::ProposeMajor { reason: input.reason };
    /// Accept an incident as a major one
    accept_major, "/{id}/actions/accept_major", AcceptMajorIn => Into::into;
    /// Say that it is no major incident
    reject_major, "/{id}/actions/reject_major", ReasonIn =>
        |input| TicketAction::RejectMajor { reason: input.reason };
    /// Tell everybody concerned where a major incident stands
    update_major, "/{id}/actions/update_major", UpdateMajorIn => Into::into;
    /// Write the review of a major incident
    finish_major, "/{id}/actions/finish_major", FinishMajorIn =>
        |input| TicketAction::FinishMajor { review_note: input.review_note };
}

macro_rules! texts {
    ($($(#[doc = $doc:literal])+ $name:ident, $path:tt, $visibility:ident;)+) => {$(
        $(#[doc = $doc])+
        #[utoipa::path(
            post,
            path = $path,
            request_body = TextIn,
            responses((status = 200, description = "The changed ticket", body = TicketOut)),
        )]
        async fn $name(
            State(desk): State<Desk>,
            Known(caller): Known,
            Subject(ticket): Subject,
            prefer: Prefer,
            JsonBody(input): JsonBody<TextIn>,
        ) -> Result<Response, Problem> {
            let text = input.text.unwrap_or_default();
            let visibility = Visibility::$visibility;
            let view = comments::add(&desk, &caller, &ticket, visibility, text).await?;
            Ok(changed(prefer, view))
        }
    )+};
}

texts! {
    /// Comment for everybody who sees it
    comment, "/{id}/actions/comment", Public;
    /// Note something for the desk only
    note, "/{id}/actions/note", Internal;
}

/// Take a policy's suggestion
#[utoipa::path(
    post,
    path = "/{id}/actions/accept_suggestion",
    request_body = SuggestionIn,
    responses((status = 200, description = "The changed ticket", body = TicketOut)),
)]
async fn accept_suggestion(
    State(desk): State<Desk>,
    Known(caller): Known,
    Subject(ticket): Subject,
    prefer: Prefer,
    JsonBody(input): JsonBody<SuggestionIn>,
) -> Result<Response, Problem> {
    // Boxed: what accepting may set off makes a future that would fill the stack.
    let view = Box::pin(suggestions::accept(&desk, &caller, &ticket, input.id()?)).await?;
    Ok(changed(prefer, view))
}

/// Turn a policy's suggestion down
#[utoipa::path(
    post,
    path = "/{id}/actions/dismiss_suggestion",
    request_body = SuggestionIn,
    responses((status = 200, description = "The ticket", body = TicketOut)),
)]
async fn dismiss_suggestion(
    State(desk): State<Desk>,
    Known(caller): Known,
    Subject(ticket): Subject,
    prefer: Prefer,
    JsonBody(input): JsonBody<SuggestionIn>,
) -> Result<Response, Problem> {
    // Boxed: what dismissing may set off makes a future that would fill the stack.
    let view = Box::pin(suggestions::dismiss(&desk, &caller, &ticket, input.id()?)).await?;
    Ok(changed(prefer, view))
}
