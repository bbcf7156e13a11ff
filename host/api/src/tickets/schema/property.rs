//! One field or input, as the document shows it.

use utoipa::openapi::{RefOr, schema::Schema};
use waypost_domain::ticket::{Code, Field, FieldType, Input, TicketKind};

use crate::schema::given;

/// A field or an input, with the kinds of tickets that have it.
#[derive(Debug, Clone)]
pub(super) struct Property {
    pub(super) name: &'static str,
    nullable: bool,
    takes: FieldType,
    doc: &'static str,
    /// The names that it takes, where it takes one of several.
    names: Vec<&'static str>,
    kinds: Vec<TicketKind>,
}

/// The properties of several kinds, each name once.
pub(super) fn gather(properties: impl Iterator<Item = Property>) -> Vec<Property> {
    let mut all: Vec<Property> = Vec::new();
    for property in properties {
        match all.iter_mut().find(|known| known.name == property.name) {
            Some(known) => known.join(property),
            None => all.push(property),
        }
    }
    all
}

impl Property {
    /// A field when a ticket is opened: what is left out is empty, so nobody needs null.
    pub(super) fn of_new_field(kind: TicketKind, field: &Field) -> Self {
        Self::new(kind, field.name, field.takes, field.doc)
    }

    /// A field of an edit.
    pub(super) fn of_field(kind: TicketKind, field: &Field) -> Self {
        Self { nullable: field.nullable, ..Self::of_new_field(kind, field) }
    }

    /// What an action takes.
    pub(super) fn of_input(kind: TicketKind, input: &Input) -> Self {
        Self::new(kind, input.name, input.takes, input.doc)
    }

    /// What kind a ticket is that comes in at the collection of all kinds.
    pub(super) fn kind(kinds: &[TicketKind]) -> Self {
        Self {
            name: "kind",
            nullable: false,
            takes: FieldType::Choice(TicketKind::NAMES),
            doc: "Kind of ticket; if omitted, the organization's policies decide.",
            names: TicketKind::NAMES.to_vec(),
            kinds: kinds.to_vec(),
        }
    }

    /// Whether a request is submitted later.
    pub(super) fn draft() -> Self {
        let doc = "Whether to save the request as a draft, to be submitted later.";
        Self::new(TicketKind::Request, "draft", FieldType::Flag, doc)
    }

    fn new(kind: TicketKind, name: &'static str, takes: FieldType, doc: &'static str) -> Self {
        let names = if let FieldType::Choice(names) = takes {
            names.to_vec()
        } else if takes == FieldType::Code {
            kind.rules().codes.iter().copied().map(Code::as_str).collect()
        } else {
            Vec::new()
        };
        Self { name, nullable: false, takes, doc, names, kinds: vec![kind] }
    }

    fn join(&mut self, other: Self) {
        self.nullable |= other.nullable;
        let more = other.names.into_iter().filter(|name| !self.names.contains(name));
        let more = more.collect::<Vec<_>>();
        self.names.extend(more);
        self.kinds.extend(other.kinds);
    }

    /// Its schema among the properties of these kinds.
    pub(super) fn schema(&self, of: &[TicketKind]) -> RefOr<Schema> {
        given(self.takes, &self.names, self.nullable, self.description(of))
    }

    /// What it means, and which kinds have it, if not all.
    fn description(&self, of: &[TicketKind]) -> String {
        if of.iter().all(|kind| self.kinds.contains(kind)) {
            return self.doc.to_owned();
        }
        let paths = self.kinds.iter().map(|kind| kind.rules().path).collect::<Vec<_>>();
        format!("{} Only for {}.", self.doc, paths.join(", "))
    }
}
