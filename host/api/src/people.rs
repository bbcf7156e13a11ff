//! People: who has troubles and wishes, works on them, or approves them.

use axum::{extract::State, response::Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use waypost_app::{
    Desk,
    people::{self, NewPerson, PersonEdit, PersonView},
    tickets::PersonRef,
};

use crate::{
    ApiState,
    api_error::ApiError,
    extract::{At, IfMatch, JsonBody, Known, ListOut, Listing, NoFilter, PageParams, Prefer},
    reply,
    wire::{
        FieldsWire, PersonIn, PersonOut, RoleName, fields_in, fields_out,
        patch::{nullable, settable},
    },
};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(create, list)).routes(routes!(read, edit))
}

/// Add a person
#[utoipa::path(
    post,
    path = "/",
    request_body = NewPersonIn,
    responses((status = 201, description = "The new person", body = DirectoryPersonOut)),
)]
async fn create(
    State(desk): State<Desk>,
    Known(caller): Known,
    prefer: Prefer,
    JsonBody(new): JsonBody<NewPersonIn>,
) -> Result<Response, ApiError> {
    let view = people::create(&desk, &caller, new.into()).await?;
    let address = format!("/api/v1/people/{}", view.person.id);
    Ok(reply::created(prefer, &address, view.person.version, DirectoryPersonOut::from(view)))
}

/// List people
#[utoipa::path(
    get,
    path = "/",
    params(PageParams),
    responses((status = 200, description = "A page of people", body = ListOut<DirectoryPersonOut>)),
)]
async fn list(
    State(desk): State<Desk>,
    Known(caller): Known,
    listing: Listing<NoFilter>,
) -> Result<Response, ApiError> {
    let page = people::list(&desk, &caller, &listing.page).await?;
    Ok(listing.reply(page, DirectoryPersonOut::from))
}

/// Read a person
#[utoipa::path(
    get,
    path = "/{id}",
    responses((status = 200, description = "The person", body = DirectoryPersonOut)),
)]
async fn read(
    State(desk): State<Desk>,
    Known(caller): Known,
    At(named): At<PersonIn>,
) -> Result<Response, ApiError> {
    let view = people::find(&desk, &caller, &PersonRef::from(named)).await?;
    Ok(reply::read(view.person.version, DirectoryPersonOut::from(view)))
}

/// Change a person
#[utoipa::path(
    patch,
    path = "/{id}",
    request_body = PersonEditIn,
    responses((status = 200, description = "The changed person", body = DirectoryPersonOut)),
)]
async fn edit(
    State(desk): State<Desk>,
    Known(caller): Known,
    At(named): At<PersonIn>,
    IfMatch(version): IfMatch,
    prefer: Prefer,
    JsonBody(edit): JsonBody<PersonEditIn>,
) -> Result<Response, ApiError> {
    let view =
        people::update(&desk, &caller, &PersonRef::from(named), edit.into(), version).await?;
    Ok(reply::changed(prefer, view.person.version, DirectoryPersonOut::from(view)))
}

/// A new person of the directory.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPerson)]
struct NewPersonIn {
    /// The name people read.
    name: String,
    /// The address mail goes to; unique in the organization.
    email: Option<String>,
    /// Their role; `requester` if left out.
    #[schema(value_type = Option<RoleName>)]
    role: Option<String>,
    /// An IANA zone, where it differs from the organization's.
    #[schema(example = "Europe/Berlin")]
    zone: Option<String>,
    /// Their manager, by id or e-mail address.
    manager: Option<PersonIn>,
    /// Where they work.
    location: Option<String>,
    /// Whether their tickets get special care.
    #[serde(default)]
    vip: bool,
    /// The language they read, as a BCP 47 tag.
    #[schema(example = "pt-BR")]
    language: Option<String>,
    /// Facts that the organization defined for itself: a flag, a number, a text or several texts by name.
    #[serde(default)]
    fields: FieldsWire,
}

/// Which fields of a person change. What is left out stays; null empties.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = PersonEdit)]
#[expect(clippy::option_option, reason = "left out and emptied are two different wishes")]
struct PersonEditIn {
    /// The name people read.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = String)]
    name: Option<String>,
    /// The address mail goes to.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    email: Option<Option<String>>,
    /// Their role.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = RoleName)]
    role: Option<String>,
    /// An IANA zone.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    zone: Option<Option<String>>,
    /// Their manager, by id or e-mail address.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<PersonIn>)]
    manager: Option<Option<PersonIn>>,
    /// Where they work.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    location: Option<Option<String>>,
    /// Whether their tickets get special care.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = bool)]
    vip: Option<bool>,
    /// Whether they are active. People who leave are not deleted, because records name them.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = bool)]
    active: Option<bool>,
    /// The language they read, as a BCP 47 tag.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    language: Option<Option<String>>,
    /// Takes the place of all fields.
    #[serde(deserialize_with = "settable")]
    #[schema(value_type = FieldsWire)]
    fields: Option<FieldsWire>,
}

/// A person of the directory.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Person)]
struct DirectoryPersonOut {
    /// Their id.
    id: Uuid,
    /// The name people read.
    name: String,
    /// The address mail goes to.
    email: Option<String>,
    /// Their role.
    role: RoleName,
    /// Their zone, where it differs from the organization's.
    zone: Option<String>,
    /// Their manager.
    manager: Option<PersonOut>,
    /// Where they work.
    location: Option<String>,
    /// Whether their tickets get special care.
    vip: bool,
    /// Whether they are active.
    active: bool,
    /// Rises by one with every change; the `ETag`.
    version: i64,
    /// The language they read, as a BCP 47 tag.
    language: Option<String>,
    /// Facts that the organization defined for itself.
    fields: FieldsWire,
}

impl From<NewPersonIn> for NewPerson {
    fn from(input: NewPersonIn) -> Self {
        Self {
            name: input.name,
            email: input.email,
            role: input.role,
            zone: input.zone,
            manager: input.manager.map(Into::into),
            location: input.location,
            vip: input.vip,
            language: input.language,
            fields: fields_in(input.fields),
        }
    }
}

impl From<PersonEditIn> for PersonEdit {
    fn from(input: PersonEditIn) -> Self {
        Self {
            name: input.name,
            email: input.email,
            role: input.role,
            zone: input.zone,
            manager: input.manager.map(|named| named.map(Into::into)),
            location: input.location,
            vip: input.vip,
            active: input.active,
            language: input.language,
            fields: input.fields.map(fields_in),
        }
    }
}

impl From<PersonView> for DirectoryPersonOut {
    fn from(view: PersonView) -> Self {
        let person = view.person;
        Self {
            id: person.id.0,
            name: person.name,
            email: person.email,
            role: person.role.into(),
            zone: person.zone.map(|zone| zone.to_string()),
            manager: view.manager.map(Into::into),
            location: person.location,
            vip: person.vip,
            language: person.language.as_ref().map(ToString::to_string),
            fields: fields_out(&person.fields),
            active: person.active,
            version: person.version,
        }
    }
}
