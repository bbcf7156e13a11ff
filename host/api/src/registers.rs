//! Registers: people, teams, services, configuration items, categories and catalog items.
//!
//! All are served by the same handlers; what they take and how they are shown is read from the rows
//! of the register, by the app for requests, here for answers, and by `schema` for the document.

mod schema;

use axum::{
    extract::State,
    response::Response,
    routing::{get, post},
};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value as Json, json};
use utoipa_axum::router::OpenApiRouter;
use waypost_app::{
    Desk,
    registers::{self, Kept, Labels, View},
};
use waypost_domain::{
    catalog::{CatalogItem, Category},
    ci::Ci,
    field::Value,
    key::Key,
    person::Person,
    register::Record,
    service::Service,
    team::Team,
};

use crate::{
    ApiState,
    api_error::ApiError,
    extract::{At, IfMatch, JsonBody, Known, Listing, NoFilter, Prefer},
    openapi::collection,
    reply,
    wire::{FieldWire, MoneyWire, NamedOut, PersonOut},
};

/// The collections of all registers.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .merge(of::<Person>())
        .merge(of::<Team>())
        .merge(of::<Service>())
        .merge(of::<Ci>())
        .merge(of::<Category>())
        .merge(of::<CatalogItem>())
}

/// The collection of a register, with what the document says of it.
fn of<R: Kept>() -> OpenApiRouter<ApiState> {
    let path = R::REGISTER.path;
    let one = format!("/{{{}}}", R::REGISTER.address);
    let mut routes = OpenApiRouter::new()
        .route("/", post(create::<R>).get(list::<R>))
        .route(&one, get(read::<R>).patch(edit::<R>));
    schema::describe::<R>(routes.get_openapi_mut(), &one);
    collection(&format!("/{path}"), path, routes)
}

async fn create<R: Kept>(
    State(desk): State<Desk>,
    Known(caller): Known,
    prefer: Prefer,
    JsonBody(given): JsonBody<Map<String, Json>>,
) -> Result<Response, ApiError> {
    let view = registers::create::<R>(&desk, &caller, &given).await?;
    let name = view.record.address().replace('/', "%2F");
    let address = format!("/api/v1/{}/{name}", R::REGISTER.path);
    Ok(reply::created(prefer, &address, view.record.head().version, RecordOut(view)))
}

async fn list<R: Kept>(
    State(desk): State<Desk>,
    Known(caller): Known,
    listing: Listing<NoFilter>,
) -> Result<Response, ApiError> {
    let page = registers::list::<R>(&desk, &caller, &listing.page).await?;
    Ok(listing.reply(page, RecordOut))
}

async fn read<R: Kept>(
    State(desk): State<Desk>,
    Known(caller): Known,
    At(named): At<String>,
) -> Result<Response, ApiError> {
    let view = registers::find::<R>(&desk, &caller, &named).await?;
    Ok(reply::read(view.record.head().version, RecordOut(view)))
}

async fn edit<R: Kept>(
    State(desk): State<Desk>,
    Known(caller): Known,
    At(named): At<String>,
    IfMatch(version): IfMatch,
    prefer: Prefer,
    JsonBody(given): JsonBody<Map<String, Json>>,
) -> Result<Response, ApiError> {
    let view = registers::update::<R>(&desk, &caller, &named, &given, version).await?;
    Ok(reply::changed(prefer, view.record.head().version, RecordOut(view)))
}

/// A record as it is shown: what its rows read, with the names of what they refer to.
struct RecordOut<R>(View<R>);

impl<R: Record> Serialize for RecordOut<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(View { record, labels }) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &record.head().id)?;
        for field in R::REGISTER.fields {
            let shown = (field.get)(record).map(|value| shown(&value, labels));
            map.serialize_entry(field.name, &shown)?;
        }
        map.serialize_entry("version", &record.head().version)?;
        map.end()
    }
}

fn shown(value: &Value, labels: &Labels) -> Json {
    match value {
        Value::Text(text) => json!(text),
        Value::Number(number) => json!(number),
        Value::Flag(flag) => json!(flag),
        Value::Time(at) => json!(at),
        Value::Texts(texts) => json!(texts),
        Value::Service(id) => json!(NamedOut::from(labels.service(*id))),
        Value::Team(id) => json!(NamedOut::from(labels.team(*id))),
        Value::Person(id) => json!(PersonOut::from(labels.person(*id))),
        Value::People(ids) => {
            let mut people = ids.iter().map(|id| labels.person(*id)).collect::<Vec<_>>();
            people.sort_by(|a, b| a.name.cmp(&b.name).then(a.id.cmp(&b.id)));
            people.into_iter().map(|person| json!(PersonOut::from(person))).collect()
        }
        Value::Organization(id) => json!(labels.organization(*id).map(Key::as_str)),
        Value::Organizations(ids) => {
            ids.iter().filter_map(|id| labels.served(*id)).map(Key::as_str).collect()
        }
        Value::Facts(facts) => {
            facts.iter().map(|(name, fact)| (name.clone(), json!(FieldWire::from(fact)))).collect()
        }
        Value::Money(money) => json!(MoneyWire::from(money.clone())),
        Value::Objects(objects) => {
            let part = |(name, value): (&str, Option<&Value>)| {
                (name.to_owned(), value.map_or(Json::Null, |value| shown(value, labels)))
            };
            objects.iter().map(|given| given.iter().map(part).collect::<Json>()).collect()
        }
        // Only tickets hold these.
        Value::Answers(_)
        | Value::Category(_)
        | Value::Cis(_)
        | Value::Tickets(_)
        | Value::CatalogItem(_)
        | Value::ExternalRef(..) => Json::Null,
    }
}
