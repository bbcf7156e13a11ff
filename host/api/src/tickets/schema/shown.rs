//! What the document says of the tickets that a collection shows: in the collection of a kind,
//! a ticket of that kind, with its states, its fields and its actions.

use utoipa::{
    ToSchema,
    openapi::{
        Components, OpenApi, Ref, RefOr,
        path::Operation,
        schema::{ArrayBuilder, Object, ObjectBuilder, Schema, Type},
    },
};
use waypost_domain::ticket::{Action, State, TicketKind, Who};

use crate::{
    extract::ListOut,
    openapi::operations,
    schema::{answer, page_of},
    tickets::{
        Collection,
        outgoing::{OF_SOME_KINDS, TicketOut},
    },
};

/// The schemas of the answer to `GET /{id}/actions`, of any kind.
const ALLOWED: &str = "AllowedActions";
const ALLOWED_ONE: &str = "AllowedAction";
/// What `GET /{id}/tasks` answers.
const TASKS: &str = "Tasks";

/// Completes what the document says of what a collection shows.
pub(super) fn describe(of: Collection, document: &mut OpenApi) {
    let components = document.components.get_or_insert_default();
    let task = Collection::Of(TicketKind::Task).noun();
    if let Some(tasks) = components.schemas.get_mut(TASKS).and_then(object) {
        let items = ArrayBuilder::new()
            .items(Ref::from_schema_name(&task))
            .description(Some("The tasks, in their order."));
        tasks.properties.insert("items".to_owned(), items.into());
    }
    let added = document.paths.paths.get_mut("/{id}/tasks").and_then(|item| item.post.as_mut());
    if let Some(operation) = added {
        show(operation, &task);
    }
    let Some(kind) = of.kind() else { return };
    let (noun, page) = (of.noun(), format!("{}_{}", ListOut::<()>::name(), of.noun()));
    let (allowed, one) = (format!("{noun}{ALLOWED}"), format!("{noun}{ALLOWED_ONE}"));
    describe_kind(kind, &noun, components);
    components.schemas.insert(page.clone(), page_of(&noun, true));
    describe_allowed(kind, (&allowed, &one), components);

    for (path, item) in &mut document.paths.paths {
        if !MAY_GO_ON.contains(&path.as_str()) {
            for (_, operation) in operations(item) {
                show(operation, &noun);
            }
        }
        let Some(read) = &mut item.get else { continue };
        let responses = &mut read.responses.responses;
        match path.as_str() {
            "/" => {
                let list = answer(&format!("A page of {}", of.path()), &page);
                responses.insert("200".to_owned(), list.into());
            }
            "/{id}/actions" => {
                let hints = answer("The actions that are possible now", &allowed);
                responses.insert("200".to_owned(), hints.into());
            }
            _ => {}
        }
    }
}

/// What may be answered with the ticket that goes on, which may be of another kind.
const MAY_GO_ON: [&str; 5] = [
    "/{id}/actions/accept_suggestion",
    "/{id}/actions/caller_reply",
    "/{id}/actions/comment",
    "/{id}/actions/convert",
    "/{id}/comments",
];

/// Lets an operation that answers with a ticket answer with one of this schema.
fn show(operation: &mut Operation, schema: &str) {
    let any = Ref::from_schema_name(TicketOut::name()).ref_location;
    for response in operation.responses.responses.values_mut() {
        let RefOr::T(response) = response else { continue };
        for content in response.content.values_mut() {
            let RefOr::T(content) = content else { continue };
            if matches!(&content.schema, Some(RefOr::Ref(to)) if to.ref_location == any) {
                content.schema = Some(Ref::from_schema_name(schema).into());
            }
        }
    }
}

/// A ticket of a kind: any ticket's fields, of which those of other kinds are null.
fn describe_kind(kind: TicketKind, noun: &str, components: &mut Components) {
    let Some(ticket) = components.schemas.get_mut(&*TicketOut::name()).and_then(object) else {
        return;
    };
    let mut ticket = ticket.clone();
    ticket.description = Some(format!("{} Fields of other kinds are null.", kind.rules().summary));
    let states = kind.rules().states.iter().map(|(state, _)| State::as_str(*state));
    narrow(&mut ticket, "kind", [kind.as_str()]);
    narrow(&mut ticket, "state", states);
    for (name, kinds) in OF_SOME_KINDS {
        if !kinds.contains(&kind) {
            let null = ObjectBuilder::new().schema_type(Type::Null);
            ticket.properties.insert((*name).to_owned(), null.into());
        }
    }
    components.schemas.insert(noun.to_owned(), ticket.into());
}

/// The actions that a kind has; those that follow from decisions are never possible by themselves.
fn describe_allowed(kind: TicketKind, (all, one): (&str, &str), components: &mut Components) {
    let rows = kind.rules().rows().filter(|row| row.who != Who::System);
    let actions = rows.map(|row| Action::as_str(row.action)).collect::<Vec<_>>();
    if let Some(hint) = components.schemas.get_mut(ALLOWED_ONE).and_then(object) {
        let mut hint = hint.clone();
        narrow(&mut hint, "action", actions);
        components.schemas.insert(one.to_owned(), hint.into());
    }
    if let Some(hints) = components.schemas.get_mut(ALLOWED).and_then(object) {
        let mut hints = hints.clone();
        let items = ArrayBuilder::new()
            .items(Ref::from_schema_name(one))
            .description(Some("The actions. `edit` is the PATCH of the ticket."));
        hints.properties.insert("items".to_owned(), items.into());
        components.schemas.insert(all.to_owned(), hints.into());
    }
}

/// Lets a property of names be one of these.
fn narrow(of: &mut Object, property: &str, names: impl IntoIterator<Item = &'static str>) {
    let one = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names));
    of.properties.insert(property.to_owned(), one.into());
}

fn object(schema: &mut RefOr<Schema>) -> Option<&mut Object> {
    if let RefOr::T(Schema::Object(object)) = schema { Some(object) } else { None }
}

#[cfg(test)]
mod tests {
    use utoipa::PartialSchema;

    use super::*;

    #[test]
    fn the_fields_of_some_kinds_are_fields_of_tickets() {
        let mut ticket = TicketOut::schema();
        let ticket = object(&mut ticket).unwrap();
        for (name, kinds) in OF_SOME_KINDS {
            assert!(ticket.properties.contains_key(*name), "{name}");
            assert!(!kinds.is_empty() && kinds.len() < TicketKind::ALL.len(), "{name}");
        }
    }
}
