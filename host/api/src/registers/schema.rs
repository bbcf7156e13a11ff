//! What the OpenAPI document says of a register, read from its rows.

use utoipa::{
    IntoParams, ToSchema,
    openapi::{
        HttpMethod, OpenApi, PathItem, RefOr, Required, Type,
        path::{OperationBuilder, ParameterIn},
        schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat},
    },
};
use waypost_domain::{
    field::{Field, FieldType, Input, Needed},
    register::{Readers, Record, Register},
};

use crate::{
    extract::{ListOut, PageParams},
    schema::{add, answer, given, object, page_of, shown, takes},
    wire::{FieldWire, MoneyWire, NamedOut, PersonIn, PersonOut},
};

/// Completes what the document says of a register; `one` is the path of one record.
pub(super) fn describe<R: Record>(document: &mut OpenApi, one: &str) {
    let Register { noun, plural, schema, summary, readers, fields, .. } = R::REGISTER;
    let (new, edit) = (format!("New{schema}"), format!("{schema}Edit"));
    let page = format!("{}_{schema}", ListOut::<()>::name());

    let components = document.components.get_or_insert_default();
    add::<PersonIn>(components);
    add::<PersonOut>(components);
    add::<NamedOut>(components);
    add::<MoneyWire>(components);
    add::<FieldWire>(components);
    let schemas = &mut components.schemas;
    for field in fields {
        if let FieldType::Objects(shape) = field.takes {
            let (name, doc) = (shape.name.to_owned(), shape.doc);
            schemas.entry(name).or_insert_with(|| parts(shape.parts).description(Some(doc)).into());
        }
    }
    schemas.insert(new.clone(), body(fields, false, &format!("A new {noun}.")));
    let doc = format!("Which fields of a {noun} change. What is left out stays; null empties.");
    schemas.insert(edit.clone(), body(fields, true, &doc));
    schemas.insert(schema.to_owned(), record(fields, summary));
    schemas.insert(page.clone(), page_of(schema, false));

    let list = OperationBuilder::new()
        .operation_id(Some("list"))
        .summary(Some(format!("List {plural}")))
        .description(read_by(readers))
        .parameters(Some(PageParams::into_params(|| Some(ParameterIn::Query))))
        .response("200", answer(&format!("A page of {plural}"), &page));
    let create = OperationBuilder::new()
        .operation_id(Some("create"))
        .summary(Some(format!("Add a {noun}")))
        .request_body(Some(takes(&new, Required::True)))
        .response("201", answer(&format!("The new {noun}"), schema));
    let read = OperationBuilder::new()
        .operation_id(Some("read"))
        .summary(Some(format!("Read a {noun}")))
        .response("200", answer(&format!("The {noun}"), schema));
    let change = OperationBuilder::new()
        .operation_id(Some("edit"))
        .summary(Some(format!("Change a {noun}")))
        .request_body(Some(takes(&edit, Required::True)))
        .response("200", answer(&format!("The changed {noun}"), schema));
    let mut all = PathItem::new(HttpMethod::Get, list);
    all.post = Some(create.build());
    let mut each = PathItem::new(HttpMethod::Get, read);
    each.patch = Some(change.build());
    document.paths.paths.extend([("/".to_owned(), all), (one.to_owned(), each)]);
}

/// What is given of a new record, or of an edit.
fn body<R>(fields: &[Field<R>], is_edit: bool, doc: &str) -> RefOr<Schema> {
    let add = |body: ObjectBuilder, field: &Field<R>| {
        let replaces = if is_edit { replaces(field.takes) } else { "" };
        let doc = format!("{}{}{replaces}", field.doc, named(field.takes));
        let schema = given(field.takes, names(field.takes), is_edit && field.nullable, doc);
        property(body, field.name, schema, field.needed && !is_edit)
    };
    let fields = fields.iter().filter(|field| if is_edit { field.edits } else { field.opens });
    fields.fold(object(), add).description(Some(doc)).into()
}

fn property(
    body: ObjectBuilder,
    name: &str,
    schema: RefOr<Schema>,
    is_required: bool,
) -> ObjectBuilder {
    let body = body.property(name, schema);
    if is_required { body.required(name) } else { body }
}

/// What an edit does with several values.
fn replaces(takes: FieldType) -> &'static str {
    let several = matches!(
        takes,
        FieldType::People | FieldType::Organizations | FieldType::Facts | FieldType::Objects(_)
    );
    if several { " An edit replaces all of them." } else { "" }
}

/// How a reference is given.
fn named(takes: FieldType) -> &'static str {
    if matches!(takes, FieldType::Person | FieldType::People) {
        " By id or e-mail address."
    } else if matches!(takes, FieldType::Team | FieldType::Service | FieldType::Organizations) {
        " By key."
    } else {
        ""
    }
}

/// The names of a choice.
fn names(takes: FieldType) -> &'static [&'static str] {
    if let FieldType::Choice(names) = takes { names } else { &[] }
}

/// The objects of a list.
fn parts(parts: &[Input]) -> ObjectBuilder {
    parts.iter().fold(object(), |body, part| {
        let nullable = part.takes == FieldType::TeamKey;
        let schema = given(part.takes, names(part.takes), nullable, part.doc.to_owned());
        property(body, part.name, schema, part.needed != Needed::No)
    })
}

/// A record as it is shown.
fn record<R>(fields: &[Field<R>], summary: &str) -> RefOr<Schema> {
    let id = given(FieldType::Suggestion, &[], false, "Its id.".to_owned());
    let version = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .description(Some("Rises by one with every change; the `ETag`."));
    let head = ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(summary))
        .property("id", id)
        .required("id")
        .property("version", version)
        .required("version");
    let add = |body: ObjectBuilder, field: &Field<R>| {
        let (nullable, doc) = (field.nullable, field.doc.to_owned());
        let schema = shown(field.takes, names(field.takes), nullable, doc);
        property(body, field.name, schema, !nullable)
    };
    fields.iter().fold(head, add).into()
}

fn read_by(readers: Readers) -> Option<&'static str> {
    match readers {
        Readers::All => None,
        Readers::AllActive => Some("A requester gets those that are active."),
        Readers::Desk | Readers::DeskAndThemselves => Some("For the desk."),
    }
}
