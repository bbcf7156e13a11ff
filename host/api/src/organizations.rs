//! Organizations: the tree of tenants, and what each can set.

mod major_rules;

use axum::{extract::State, response::Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use waypost_app::{
    Desk,
    organizations::{self, NewOrganization, OrganizationEdit, OrganizationView},
};
use waypost_domain::priority::{Level, MatrixLint};

use self::major_rules::{MajorRuleIn, MajorRuleOut};
use crate::{
    ApiState,
    api_error::ApiError,
    extract::{At, IfMatch, JsonBody, Known, ListOut, Listing, NoFilter, PageParams, Prefer},
    reply,
    wire::{
        HoursWire, NamedOut, OrgKindName, PersonIn, PersonOut, ResolveDemandName,
        patch::{nullable, settable},
    },
};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(create, list)).routes(routes!(read, edit))
}

/// Add an organization
#[utoipa::path(
    post,
    path = "/",
    request_body = OrganizationIn,
    responses((status = 201, description = "The new organization", body = OrganizationOut)),
)]
async fn create(
    State(desk): State<Desk>,
    Known(caller): Known,
    prefer: Prefer,
    JsonBody(new): JsonBody<OrganizationIn>,
) -> Result<Response, ApiError> {
    let view = organizations::create(&desk, &caller, new.into()).await?;
    let address = format!("/api/v1/organizations/{}", view.organization.key);
    Ok(reply::created(prefer, &address, view.organization.version, OrganizationOut::from(view)))
}

/// List organizations
#[utoipa::path(
    get,
    path = "/",
    params(PageParams),
    responses((status = 200, description = "A page of organizations", body = ListOut<OrganizationOut>)),
)]
async fn list(
    State(desk): State<Desk>,
    Known(caller): Known,
    listing: Listing<NoFilter>,
) -> Result<Response, ApiError> {
    let page = organizations::list(&desk, &caller, &listing.page).await?;
    Ok(listing.reply(page, OrganizationOut::from))
}

/// Read an organization
#[utoipa::path(
    get,
    path = "/{key}",
    responses((status = 200, description = "The organization", body = OrganizationOut)),
)]
async fn read(
    State(desk): State<Desk>,
    Known(caller): Known,
    At(key): At<String>,
) -> Result<Response, ApiError> {
    let view = organizations::find(&desk, &caller, &key).await?;
    Ok(reply::read(view.organization.version, OrganizationOut::from(view)))
}

/// Change an organization
#[utoipa::path(
    patch,
    path = "/{key}",
    request_body = OrganizationEditIn,
    responses((status = 200, description = "The changed organization", body = OrganizationOut)),
)]
async fn edit(
    State(desk): State<Desk>,
    Known(caller): Known,
    At(key): At<String>,
    IfMatch(version): IfMatch,
    prefer: Prefer,
    JsonBody(edit): JsonBody<OrganizationEditIn>,
) -> Result<Response, ApiError> {
    let view = organizations::update(&desk, &caller, &key, edit.into(), version).await?;
    Ok(reply::changed(prefer, view.organization.version, OrganizationOut::from(view)))
}

/// A new organization.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewOrganization)]
struct OrganizationIn {
    /// `provider` or `client`.
    kind: String,
    /// Key, unique within the installation. It cannot be changed.
    key: String,
    /// Display name.
    name: String,
    /// The key of the organization above: the caller's (the default), or one below it.
    parent: Option<String>,
    /// IANA time zone; defaults to that of the organization above.
    zone: Option<String>,
}

/// Settings of an organization to change. Omitted settings stay unchanged; null clears them.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = OrganizationEdit)]
#[expect(clippy::option_option, reason = "omitted and null are two different things")]
struct OrganizationEditIn {
    /// Display name.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = String)]
    name: Option<String>,
    /// IANA time zone of its days and working hours.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = String)]
    zone: Option<String>,
    /// Working hours. Replaces the whole list.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = Vec<HoursWire>)]
    working_hours: Option<Vec<HoursWire>>,
    /// The priority matrix: a row for each impact, a column for each urgency; 2×2 to 5×5.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = Vec<Vec<u8>>)]
    matrix: Option<Vec<Vec<u8>>>,
    /// Key of the fallback team, which gets the tickets that no policy routes. It must be one of
    /// the organization's own teams.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = String)]
    fallback_team: Option<String>,
    /// Id or e-mail address of the fallback approver, who votes if an approval has no other voter.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<PersonIn>)]
    fallback_approver: Option<Option<PersonIn>>,
    /// Number of days within which a resolved ticket can be reopened.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = u16)]
    reopen_window_days: Option<u16>,
    /// Number of days after which a resolved ticket is closed automatically; 0 for never.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = u16)]
    auto_close_days: Option<u16>,
    /// Whether the requester's reply to a resolved incident reopens it.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = bool)]
    caller_reply_reopens: Option<bool>,
    /// Whether letters that ask for a vote carry a link to vote with, once and without signing in.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = bool)]
    votes_by_mail: Option<bool>,
    /// Number of days for which receipts are kept.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = u16)]
    receipt_retention_days: Option<u16>,
    /// Fields that are required to resolve an incident. Replaces the whole list.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = Vec<ResolveDemandName>)]
    resolve_demands: Option<Vec<String>>,
    /// Rules that detect major incidents; the first match wins. Replaces the whole list.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = Vec<MajorRuleIn>)]
    major_rules: Option<Vec<MajorRuleIn>>,
}

/// An organization with its settings.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Organization)]
struct OrganizationOut {
    /// Its id.
    id: Uuid,
    /// Its key.
    key: String,
    /// Its place in the tree.
    kind: OrgKindName,
    /// Key of the organization above, if the caller may see it.
    parent: Option<String>,
    /// Display name.
    name: String,
    /// IANA time zone of its days and working hours.
    zone: String,
    /// Its working hours.
    working_hours: Vec<HoursWire>,
    /// The priority matrix: a row for each impact, a column for each urgency.
    matrix: Vec<Vec<u8>>,
    /// Cells of the matrix that are probably mistakes.
    matrix_warnings: Vec<MatrixWarningOut>,
    /// The fallback team, which gets the tickets that no policy routes.
    fallback_team: NamedOut,
    /// The fallback approver, who votes if an approval has no other voter.
    fallback_approver: Option<PersonOut>,
    /// Number of days within which a resolved ticket can be reopened.
    reopen_window_days: u16,
    /// Number of days after which a resolved ticket is closed automatically; 0 for never.
    auto_close_days: u16,
    /// Whether the requester's reply to a resolved incident reopens it.
    caller_reply_reopens: bool,
    /// Whether letters that ask for a vote carry a link to vote with, once and without signing in.
    votes_by_mail: bool,
    /// Number of days for which receipts are kept.
    receipt_retention_days: u16,
    /// Fields that are required to resolve an incident.
    resolve_demands: Vec<ResolveDemandName>,
    /// Rules that detect major incidents; the first match wins.
    major_rules: Vec<MajorRuleOut>,
    /// When it was created.
    created_at: DateTime<Utc>,
    /// Version number; increases by one with every change. Also sent as the `ETag`.
    version: i64,
}

/// A cell of a priority matrix with a lower priority despite a higher impact or urgency.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MatrixWarning)]
struct MatrixWarningOut {
    /// The cell's impact.
    impact: u8,
    /// The cell's urgency.
    urgency: u8,
    /// The cell's priority.
    priority: u8,
    /// Impact of the neighbouring cell, which has a higher priority despite a lower impact or
    /// urgency.
    neighbour_impact: u8,
    /// The neighbour's urgency.
    neighbour_urgency: u8,
    /// The neighbour's priority.
    neighbour_priority: u8,
}

impl From<OrganizationIn> for NewOrganization {
    fn from(input: OrganizationIn) -> Self {
        Self {
            kind: input.kind,
            key: input.key,
            name: input.name,
            parent: input.parent,
            zone: input.zone,
        }
    }
}

impl From<OrganizationEditIn> for OrganizationEdit {
    fn from(input: OrganizationEditIn) -> Self {
        Self {
            name: input.name,
            zone: input.zone,
            working_hours: input
                .working_hours
                .map(|lines| lines.into_iter().map(Into::into).collect()),
            matrix: input.matrix,
            fallback_team: input.fallback_team,
            fallback_approver: input.fallback_approver.map(|named| named.map(Into::into)),
            reopen_window_days: input.reopen_window_days,
            auto_close_days: input.auto_close_days,
            caller_reply_reopens: input.caller_reply_reopens,
            votes_by_mail: input.votes_by_mail,
            receipt_retention_days: input.receipt_retention_days,
            resolve_demands: input.resolve_demands,
            major_rules: input.major_rules.map(|rules| rules.into_iter().map(Into::into).collect()),
        }
    }
}

impl From<OrganizationView> for OrganizationOut {
    fn from(view: OrganizationView) -> Self {
        let (organization, parent) = (view.organization, view.parent);
        let settings = organization.settings;
        let row = |row: &Vec<Level>| row.iter().map(|level| level.0).collect();
        Self {
            id: organization.id.0,
            key: organization.key.to_string(),
            kind: organization.kind.into(),
            parent: parent.map(|key| key.to_string()),
            name: organization.name,
            zone: settings.zone.to_string(),
            working_hours: HoursWire::lines(&settings.working_hours),
            matrix: settings.matrix.rows().iter().map(row).collect(),
            matrix_warnings: view.matrix_warnings.into_iter().map(Into::into).collect(),
            fallback_team: view.fallback_team.into(),
            fallback_approver: view.fallback_approver.map(Into::into),
            reopen_window_days: settings.reopen_window_days,
            auto_close_days: settings.auto_close_days,
            caller_reply_reopens: settings.caller_reply_reopens,
            votes_by_mail: settings.votes_by_mail,
            receipt_retention_days: settings.receipt_retention_days,
            resolve_demands: settings.resolve_demands.into_iter().map(Into::into).collect(),
            major_rules: settings
                .major_rules
                .into_iter()
                .zip(view.major_leaders)
                .map(|(rule, leaders)| MajorRuleOut::new(rule, leaders))
                .collect(),
            created_at: organization.created_at,
            version: organization.version,
        }
    }
}

impl From<MatrixLint> for MatrixWarningOut {
    fn from(lint: MatrixLint) -> Self {
        let ((impact, urgency), (near_impact, near_urgency)) = (lint.cell, lint.neighbour);
        Self {
            impact: impact.0,
            urgency: urgency.0,
            priority: lint.priority.0,
            neighbour_impact: near_impact.0,
            neighbour_urgency: near_urgency.0,
            neighbour_priority: lint.neighbour_priority.0,
        }
    }
}
