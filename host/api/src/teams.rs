//! Teams: who owns tickets.

use axum::{extract::State, response::Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use waypost_app::{
    Desk, hours,
    teams::{self, NewTeam, TeamEdit, TeamView},
};

use crate::{
    ApiState,
    api_error::ApiError,
    extract::{At, IfMatch, JsonBody, Known, ListOut, Listing, NoFilter, PageParams, Prefer},
    reply,
    wire::{
        HoursWire, PersonIn, PersonOut,
        patch::{nullable, settable},
    },
};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(create, list)).routes(routes!(read, edit))
}

/// Add a team
#[utoipa::path(
    post,
    path = "/",
    request_body = TeamIn,
    responses((status = 201, description = "The new team", body = TeamOut)),
)]
async fn create(
    State(desk): State<Desk>,
    Known(caller): Known,
    prefer: Prefer,
    JsonBody(new): JsonBody<TeamIn>,
) -> Result<Response, ApiError> {
    let view = teams::create(&desk, &caller, new.into()).await?;
    let address = format!("/api/v1/teams/{}", view.team.key);
    Ok(reply::created(prefer, &address, view.team.version, TeamOut::from(view)))
}

/// List teams
#[utoipa::path(
    get,
    path = "/",
    params(PageParams),
    responses((status = 200, description = "A page of teams", body = ListOut<TeamOut>)),
)]
async fn list(
    State(desk): State<Desk>,
    Known(caller): Known,
    listing: Listing<NoFilter>,
) -> Result<Response, ApiError> {
    let page = teams::list(&desk, &caller, &listing.page).await?;
    Ok(listing.reply(page, TeamOut::from))
}

/// Read a team
#[utoipa::path(
    get,
    path = "/{key}",
    responses((status = 200, description = "The team", body = TeamOut)),
)]
async fn read(
    State(desk): State<Desk>,
    Known(caller): Known,
    At(key): At<String>,
) -> Result<Response, ApiError> {
    let view = teams::find(&desk, &caller, &key).await?;
    Ok(reply::read(view.team.version, TeamOut::from(view)))
}

/// Change a team
#[utoipa::path(
    patch,
    path = "/{key}",
    request_body = TeamEditIn,
    responses((status = 200, description = "The changed team", body = TeamOut)),
)]
async fn edit(
    State(desk): State<Desk>,
    Known(caller): Known,
    At(key): At<String>,
    IfMatch(version): IfMatch,
    prefer: Prefer,
    JsonBody(edit): JsonBody<TeamEditIn>,
) -> Result<Response, ApiError> {
    let view = teams::update(&desk, &caller, &key, edit.into(), version).await?;
    Ok(reply::changed(prefer, view.team.version, TeamOut::from(view)))
}

/// A new team.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewTeam)]
struct TeamIn {
    /// Its key, unique in the organization; it does not change.
    key: String,
    /// The name people read.
    name: String,
    /// An IANA zone, where it differs from the organization's.
    zone: Option<String>,
    /// Its working hours, where they differ from the organization's.
    working_hours: Option<Vec<HoursWire>>,
    /// The team lead, by id or e-mail address.
    lead: Option<PersonIn>,
    /// Who is on call now, by id or e-mail address.
    on_call: Option<PersonIn>,
    /// The members, by id or e-mail address.
    #[serde(default)]
    members: Vec<PersonIn>,
    /// The keys of the organizations below that it also serves.
    #[serde(default)]
    serves: Vec<String>,
}

/// Which fields of a team change. What is left out stays; null empties.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = TeamEdit)]
#[expect(clippy::option_option, reason = "left out and emptied are two different wishes")]
struct TeamEditIn {
    /// The name people read.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = String)]
    name: Option<String>,
    /// An IANA zone.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    zone: Option<Option<String>>,
    /// Its working hours.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<Vec<HoursWire>>)]
    working_hours: Option<Option<Vec<HoursWire>>>,
    /// The team lead, by id or e-mail address.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<PersonIn>)]
    lead: Option<Option<PersonIn>>,
    /// Who is on call now, by id or e-mail address.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<PersonIn>)]
    on_call: Option<Option<PersonIn>>,
    /// The members, all of them, by id or e-mail address.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = Vec<PersonIn>)]
    members: Option<Vec<PersonIn>>,
    /// The keys of the organizations below that it also serves, all of them.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = Vec<String>)]
    serves: Option<Vec<String>>,
    /// An inactive team gets no tickets.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = bool)]
    active: Option<bool>,
}

/// A team that owns tickets.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Team)]
struct TeamOut {
    /// Its id.
    id: Uuid,
    /// Its key.
    key: String,
    /// The key of the organization it belongs to: the caller's, or its provider's.
    organization: Option<String>,
    /// The name people read.
    name: String,
    /// Its zone, where it differs from the organization's.
    zone: Option<String>,
    /// Its working hours, where they differ from the organization's.
    working_hours: Option<Vec<HoursWire>>,
    /// The team lead.
    lead: Option<PersonOut>,
    /// Who is on call now.
    on_call: Option<PersonOut>,
    /// The members.
    members: Vec<PersonOut>,
    /// The keys of the organizations that it also serves.
    serves: Vec<String>,
    /// An inactive team gets no tickets.
    active: bool,
    /// Rises by one with every change; the `ETag`.
    version: i64,
}

impl From<TeamIn> for NewTeam {
    fn from(input: TeamIn) -> Self {
        Self {
            key: input.key,
            name: input.name,
            zone: input.zone,
            working_hours: input.working_hours.map(day_hours),
            lead: input.lead.map(Into::into),
            on_call: input.on_call.map(Into::into),
            members: input.members.into_iter().map(Into::into).collect(),
            serves: input.serves,
        }
    }
}

impl From<TeamEditIn> for TeamEdit {
    fn from(input: TeamEditIn) -> Self {
        Self {
            name: input.name,
            zone: input.zone,
            working_hours: input.working_hours.map(|lines| lines.map(day_hours)),
            lead: input.lead.map(|named| named.map(Into::into)),
            on_call: input.on_call.map(|named| named.map(Into::into)),
            members: input.members.map(|people| people.into_iter().map(Into::into).collect()),
            serves: input.serves,
            active: input.active,
        }
    }
}

fn day_hours(lines: Vec<HoursWire>) -> Vec<hours::DayHours> {
    lines.into_iter().map(Into::into).collect()
}

impl From<TeamView> for TeamOut {
    fn from(view: TeamView) -> Self {
        let team = view.team;
        Self {
            id: team.id.0,
            key: team.key.to_string(),
            organization: view.organization.map(|key| key.to_string()),
            name: team.name,
            zone: team.zone.map(|zone| zone.to_string()),
            working_hours: team.working_hours.as_ref().map(HoursWire::lines),
            lead: view.lead.map(Into::into),
            on_call: view.on_call.map(Into::into),
            members: view.members.into_iter().map(Into::into).collect(),
            serves: view.serves.iter().map(ToString::to_string).collect(),
            active: team.active,
            version: team.version,
        }
    }
}
