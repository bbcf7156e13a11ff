//! Schemas of the OpenAPI document, from the types that fields and inputs declare.

use serde_json::Value;
use utoipa::{
    ToSchema,
    openapi::{
        Components, Content, Ref, RefOr, Required, Response, ResponseBuilder,
        request_body::{RequestBody, RequestBodyBuilder},
        schema::{
            AdditionalProperties, ArrayBuilder, KnownFormat, Object, ObjectBuilder, OneOfBuilder,
            Schema, SchemaFormat, SchemaType, Type,
        },
    },
};
use waypost_domain::field::FieldType;

use crate::{
    tickets::ExternalRefWire,
    wire::{FieldWire, MoneyWire, NamedOut, PersonIn, PersonOut},
};

/// What is given for a type. `names` are those that it takes, where it takes one of several.
pub(crate) fn given(
    takes: FieldType,
    names: &[&str],
    nullable: bool,
    doc: String,
) -> RefOr<Schema> {
    let plain = |schema_type: Type| ObjectBuilder::new().schema_type(schema_type);
    let string = || plain(Type::String);
    let formatted = |format| string().format(Some(SchemaFormat::KnownFormat(format)));
    let object = match takes {
        FieldType::Person => return reference(PersonIn::name(), nullable, doc),
        FieldType::ExternalRef => return reference(ExternalRefWire::name(), nullable, doc),
        FieldType::Money => return reference(MoneyWire::name(), nullable, doc),
        FieldType::People => return list(Ref::from_schema_name(PersonIn::name()), nullable, doc),
        FieldType::Objects(shape) => {
            return list(Ref::from_schema_name(shape.name), nullable, doc);
        }
        FieldType::Tags | FieldType::Cis | FieldType::Tickets | FieldType::Organizations => {
            return list(string(), nullable, doc);
        }
        FieldType::Line
        | FieldType::Key
        | FieldType::Text
        | FieldType::Reason
        | FieldType::Category
        | FieldType::Service
        | FieldType::Ci
        | FieldType::Team
        | FieldType::TeamKey
        | FieldType::Ticket
        | FieldType::CatalogItem
        | FieldType::Organization => string(),
        FieldType::Choice(_) | FieldType::Code => string().enum_values(Some(names.iter().copied())),
        FieldType::Level => plain(Type::Integer).minimum(Some(1)).maximum(Some(5)),
        FieldType::Count { least, most } => {
            plain(Type::Integer).minimum(Some(least)).maximum(Some(most))
        }
        FieldType::Flag => plain(Type::Boolean),
        FieldType::Email => formatted(KnownFormat::Email),
        FieldType::Time => formatted(KnownFormat::DateTime),
        FieldType::Suggestion => formatted(KnownFormat::Uuid),
        FieldType::Answers => values(&[Type::String, Type::Number, Type::Boolean]),
        FieldType::Facts => {
            let fact = Ref::from_schema_name(FieldWire::name());
            plain(Type::Object).additional_properties(Some(fact))
        }
    };
    let mut object: Object = object.description(Some(doc)).build();
    if nullable && let SchemaType::Type(is) = object.schema_type {
        object.schema_type = SchemaType::Array(vec![is, Type::Null]);
        object.enum_values.iter_mut().for_each(|names| names.push(Value::Null));
    }
    object.into()
}

/// What is shown of a type: references with the names people read.
pub(crate) fn shown(
    takes: FieldType,
    names: &[&str],
    nullable: bool,
    doc: String,
) -> RefOr<Schema> {
    if takes == FieldType::Person {
        reference(PersonOut::name(), nullable, doc)
    } else if takes == FieldType::People {
        list(Ref::from_schema_name(PersonOut::name()), nullable, doc)
    } else if matches!(takes, FieldType::Team | FieldType::Service) {
        reference(NamedOut::name(), nullable, doc)
    } else {
        given(takes, names, nullable, doc)
    }
}

/// Another schema of the document.
fn reference(name: impl Into<String>, nullable: bool, doc: String) -> RefOr<Schema> {
    let mut to = Ref::from_schema_name(name);
    if !nullable {
        to.description = doc;
        return to.into();
    }
    let null = ObjectBuilder::new().schema_type(Type::Null);
    OneOfBuilder::new().item(null).item(to).description(Some(doc)).into()
}

fn list(of: impl Into<RefOr<Schema>>, nullable: bool, doc: String) -> RefOr<Schema> {
    let mut list = ArrayBuilder::new().items(of.into()).description(Some(doc));
    if nullable {
        list = list.schema_type(SchemaType::Array(vec![Type::Array, Type::Null]));
    }
    list.into()
}

/// Values of these types, by name.
fn values(types: &[Type]) -> ObjectBuilder {
    let value = ObjectBuilder::new().schema_type(SchemaType::Array(types.to_vec()));
    ObjectBuilder::new().schema_type(Type::Object).additional_properties(Some(value))
}

/// An object that has no other properties than those that are added.
pub(crate) fn object() -> ObjectBuilder {
    let none = AdditionalProperties::<Schema>::FreeForm(false);
    ObjectBuilder::new().schema_type(Type::Object).additional_properties(Some(none))
}

/// Adds a type's schema to the document.
pub(crate) fn add<T: ToSchema>(components: &mut Components) {
    components.schemas.insert(T::name().into_owned(), T::schema());
}

/// A body of this schema.
pub(crate) fn takes(schema: &str, required: Required) -> RequestBody {
    RequestBodyBuilder::new()
        .content("application/json", of(schema))
        .required(Some(required))
        .build()
}

/// An answer of this schema.
pub(crate) fn answer(description: &str, schema: &str) -> Response {
    ResponseBuilder::new().description(description).content("application/json", of(schema)).build()
}

fn of(schema: &str) -> Content {
    Content::new(Some(Ref::from_schema_name(schema)))
}

/// A page of records of this schema; `is_counted` where the list can be asked for its `total`.
pub(crate) fn page_of(schema: &str, is_counted: bool) -> RefOr<Schema> {
    let next = "What `after` takes to continue; null on the last page.".to_owned();
    let items = ArrayBuilder::new()
        .items(Ref::from_schema_name(schema))
        .description(Some("The records, in the list's order."));
    let page = ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some("A page of records."))
        .property("items", items)
        .required("items")
        .property("next", given(FieldType::Line, &[], true, next));
    if !is_counted {
        return page.into();
    }
    let total = ObjectBuilder::new().schema_type(Type::Integer).description(Some(
        "Total number of records, if requested with `count=true`; at most 10,000.",
    ));
    let is_minimum = ObjectBuilder::new().schema_type(Type::Boolean).description(Some(
        "Whether there are more records than `total`, because counting ends at 10,000.",
    ));
    page.property("total", total).property("total_is_minimum", is_minimum).into()
}

/// A text as a sentence begins.
pub(crate) fn capital(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}
