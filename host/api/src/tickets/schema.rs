//! What the OpenAPI document says of tickets, read from the rows and the fields of their kinds.
//!
//! Each collection documents the fields and the actions of the kinds that it holds, and no others.
//! Nothing that a kind takes is written down a second time here.

mod property;
mod shown;

use utoipa::{
    ToSchema,
    openapi::{
        HttpMethod, OpenApi, PathItem, RefOr, Required,
        path::{Operation, OperationBuilder},
        schema::ObjectBuilder,
    },
};
use waypost_domain::ticket::{Action, Field, From, Needed, Row, TicketKind, Who};

use self::property::{Property, gather};
use super::{Collection, ExternalRefWire, outgoing::TicketOut};
use crate::{
    schema::{add, answer, capital, object, takes},
    wire::{KindName, NothingIn, PersonIn},
};

/// Completes what the document says of a collection.
pub(super) fn describe(of: Collection, document: &mut OpenApi) {
    let components = document.components.get_or_insert_default();
    add::<KindName>(components);
    add::<PersonIn>(components);
    add::<ExternalRefWire>(components);
    add::<NothingIn>(components);

    let (new, edit) = (format!("New{}", of.noun()), format!("{}Edit", of.noun()));
    let opening = body(of, &of.opened())
        .description(Some(format!("Fields to open {}.", of.one().to_lowercase())));
    components.schemas.insert(new.clone(), opening.required("short_description").into());
    let editing =
        format!("Fields to change in {}. Omitted fields stay unchanged.", of.one().to_lowercase());
    let editing = body(of, &of.edited()).description(Some(editing));
    components.schemas.insert(edit.clone(), editing.into());
    let task = gather(opened(TicketKind::Task).filter(|property| property.name != "parent"));
    let task = body(Collection::Of(TicketKind::Task), &task)
        .description(Some("Fields to add a task to a ticket."))
        .required("short_description");
    components.schemas.insert(ADDED_TASK.to_owned(), task.into());

    let actions = of.actions();
    for action in &actions {
        if !action.inputs.is_empty() {
            let inputs = gather(action.inputs.iter().cloned());
            let input = body(of, &inputs).description(Some(action.summary()));
            components.schemas.insert(action.schema_name(of), input.into());
        }
    }

    let paths = &mut document.paths.paths;
    if let Some(item) = paths.get_mut("/") {
        describe_records(of, item, &new);
    }
    if let Some(item) = paths.get_mut("/{id}") {
        describe_record(of, item, &edit);
    }
    if let Some(operation) = paths.get_mut("/preview").and_then(|item| item.post.as_mut()) {
        operation.request_body = Some(RefOr::T(takes(&new, Required::True)));
    }
    if let Some(operation) = paths.get_mut("/{id}/tasks").and_then(|item| item.post.as_mut()) {
        operation.request_body = Some(RefOr::T(takes(ADDED_TASK, Required::True)));
    }
    for action in &actions {
        let path = format!("/{{id}}/actions/{}", action.action);
        paths.insert(path, PathItem::new(HttpMethod::Post, action.operation(of)));
    }
    shown::describe(of, document);
}

/// What `POST /{id}/tasks` takes: the address names the parent.
const ADDED_TASK: &str = "AddedTask";

fn describe_records(of: Collection, item: &mut PathItem, new: &str) {
    if let Some(open) = &mut item.post {
        open.request_body = Some(RefOr::T(takes(new, Required::True)));
        open.summary = Some(format!("Open {}", of.one().to_lowercase()));
        // Only what is taken in goes through policies.
        if let Some(kind) = of.kind().filter(|_| !of.has(Action::Categorize)) {
            open.description = Some(kind.rules().summary.to_owned());
        }
    }
    if let Some(list) = &mut item.get {
        list.summary = Some(format!("List {}", of.path()));
        if of.kind().is_some()
            && let Some(parameters) = &mut list.parameters
        {
            parameters.retain(|one| !matches!(one, RefOr::T(one) if one.name == "kind"));
        }
    }
}

fn describe_record(of: Collection, item: &mut PathItem, edit: &str) {
    if let Some(read) = &mut item.get {
        read.summary = Some(format!("Read {}", of.one().to_lowercase()));
    }
    if let Some(editing) = &mut item.patch {
        editing.request_body = Some(RefOr::T(takes(edit, Required::True)));
        editing.summary = Some(format!("Edit {}", of.one().to_lowercase()));
    }
}

/// An object with these properties and no others.
fn body(of: Collection, properties: &[Property]) -> ObjectBuilder {
    let property = |body: ObjectBuilder, property: &Property| {
        body.property(property.name, property.schema(&of.kinds()))
    };
    properties.iter().fold(object(), property)
}

/// The fields that a ticket of a kind is opened with.
fn opened(kind: TicketKind) -> impl Iterator<Item = Property> {
    let fields = kind.rules().fields().filter(|field: &&Field| field.opens);
    fields.map(move |field| Property::of_new_field(kind, field))
}

impl Collection {
    /// What it holds one of, as a name of schemas begins or ends.
    fn noun(self) -> String {
        pascal(self.kind().map_or("ticket", TicketKind::as_str))
    }

    /// What it holds one of, as a sentence begins.
    fn one(self) -> String {
        capital(self.kind().map_or("a ticket", TicketKind::with_article))
    }

    fn opened(self) -> Vec<Property> {
        let kinds = self.kinds();
        let mut properties = gather(kinds.iter().flat_map(|kind| opened(*kind)));
        if self.kind().is_none() {
            properties.insert(0, Property::kind(&kinds));
        }
        if kinds.contains(&TicketKind::Request) {
            properties.push(Property::draft());
        }
        properties
    }

    fn edited(self) -> Vec<Property> {
        gather(self.kinds().into_iter().flat_map(|kind| {
            let fields = kind.rules().fields().filter(|field| field.edits);
            fields.map(move |field| Property::of_field(kind, field))
        }))
    }

    /// The actions of its kinds, each with all the rows that it has, in the order of the first kind
    /// that has it.
    fn actions(self) -> Vec<Documented> {
        let mut all: Vec<Documented> = Vec::new();
        for kind in self.kinds() {
            for row in kind.rules().askable() {
                let inputs = row.inputs.iter().map(|input| Property::of_input(kind, input));
                match all.iter_mut().find(|known| known.action == row.action) {
                    Some(known) => {
                        known.rows.push((kind, row));
                        known.inputs.extend(inputs);
                    }
                    None => all.push(Documented {
                        action: row.action,
                        rows: vec![(kind, row)],
                        inputs: inputs.collect(),
                    }),
                }
            }
        }
        all
    }
}

/// An action of a collection, as the document shows it.
struct Documented {
    action: Action,
    /// The rows that it has, one for each kind.
    rows: Vec<(TicketKind, &'static Row)>,
    /// What all of them take.
    inputs: Vec<Property>,
}

impl Documented {
    /// `ResolveIncident`.
    fn schema_name(&self, of: Collection) -> String {
        format!("{}{}", pascal(self.action.as_str()), of.noun())
    }

    /// What it does, as its rows say it; where they say different things, its name.
    fn summary(&self) -> String {
        let (_, first) = self.rows[0];
        if self.rows.iter().all(|(_, row)| row.summary == first.summary) {
            return first.summary.to_owned();
        }
        capital(&self.action.as_str().replace('_', " "))
    }

    fn operation(&self, of: Collection) -> Operation {
        let (schema, required) = if self.inputs.is_empty() {
            (NothingIn::name().into_owned(), Required::False)
        } else if self
            .rows
            .iter()
            .any(|(_, row)| row.inputs.iter().any(|input| input.needed == Needed::Always))
        {
            (self.schema_name(of), Required::True)
        } else {
            (self.schema_name(of), Required::False)
        };
        OperationBuilder::new()
            .operation_id(Some(self.action.as_str()))
            .summary(Some(self.summary()))
            .description(Some(self.description(of)))
            .request_body(Some(takes(&schema, required)))
            .response("200", answer("The changed ticket", &TicketOut::name()))
            .build()
    }

    /// Who takes it, where, and what it needs: for all kinds that differ, one line.
    fn description(&self, of: Collection) -> String {
        let summary = self.summary();
        let mut lines: Vec<(Vec<&str>, String)> = Vec::new();
        for (kind, row) in &self.rows {
            let path = kind.rules().path;
            let does =
                if row.summary == summary { String::new() } else { format!("{}. ", row.summary) };
            let text = does + &conditions(row);
            match lines.iter_mut().find(|(_, known)| *known == text) {
                Some((paths, _)) => paths.push(path),
                None => lines.push((vec![path], text)),
            }
        }
        if of.kind().is_some() {
            return lines.into_iter().map(|(_, text)| text).collect();
        }
        let line = |(paths, text): (Vec<_>, _)| format!("- {}: {text}", capital(&paths.join(", ")));
        lines.into_iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// Who takes an action, in which states, and what it needs.
fn conditions(row: &Row) -> String {
    let who = match row.who {
        Who::Desk => "For the desk.".to_owned(),
        Who::Admin => "For administrators.".to_owned(),
        Who::DeskOrOwner(From::In(states)) => {
            format!("For the desk, and for the requester while the state is {}.", listed(states))
        }
        Who::DeskOrOwner(_) => "For the desk and the requester.".to_owned(),
        Who::OwnerOrWatcher => "For the requester and for watchers.".to_owned(),
        Who::DeskOrAssignee => "For the desk and the assignee.".to_owned(),
        Who::SeatHolder => "For the voters of the open approval.".to_owned(),
        Who::System => "By Waypost itself.".to_owned(),
    };
    let from = match row.from {
        From::In(states) => format!(" Possible in: {}.", listed(states)),
        From::Active => " Possible while it is open or on hold.".to_owned(),
        From::NotOver => " Possible until it is closed or cancelled.".to_owned(),
        From::Anywhere | From::Nowhere => String::new(),
    };
    let named = |needed, says: &str| {
        let names = row.inputs.iter().filter(|input| input.needed == needed);
        let names = listed(&names.map(|input| input.name).collect::<Vec<_>>());
        if names.is_empty() { names } else { format!(" {says}: {names}.") }
    };
    let needs = named(Needed::Always, "Requires");
    let fills = named(Needed::UnlessFilled, "Requires, unless already set");
    let own = named(Needed::UnlessOfTeam, "Requires, of whoever is not of the owning team");
    format!("{who}{from}{needs}{fills}{own}")
}

/// Names in a sentence.
fn listed(names: &[impl ToString]) -> String {
    names.iter().map(|name| format!("`{}`", name.to_string())).collect::<Vec<_>>().join(", ")
}

/// A name as schemas are named: `SetPriority`.
fn pascal(name: &str) -> String {
    name.split('_').map(capital).collect()
}
