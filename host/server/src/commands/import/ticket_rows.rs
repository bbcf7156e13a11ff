//! Rows that become tickets: the fields that a column can become, and what a row does not say.

use std::borrow::Cow;

use serde_json::{Map, Value, json};
use waypost_app::tickets::OpenTicket;
use waypost_domain::refusal::FieldFault;
use waypost_domain::text::{MAX_SHORT_DESCRIPTION_CHARS, first_words};
use waypost_domain::ticket::{Channel, TicketKind};

use super::columns::{Cell, Columns, ID, Target, TargetField};
use super::times::Times;

/// Tickets, and what the columns of other systems are called.
pub(crate) static TICKETS: Target = Target {
    noun: "tickets",
    fields: &[
        text("short_description", &["title", "subject", "summary", "headline"]),
        text("description", &["document", "body", "text", "details", "message"]),
        text(ID, &["id", "number", "ticket_id", "ticket_number", "key"]),
        text("kind", &["type", "ticket_type", "record_type"]),
        text("category", &["category_path"]),
        text("service", &["business_service"]),
        text("ci", &["configuration_item", "cmdb_ci"]),
        TargetField { name: "impact", others: &[], holds: Cell::Number },
        TargetField { name: "urgency", others: &[], holds: Cell::Number },
        TargetField { name: "tags", others: &["labels"], holds: Cell::Texts },
        text("requester", &["caller", "reporter", "requester_email", "email", "from"]),
        TargetField {
            name: "opened_at",
            others: &["opened", "created_at", "created", "date"],
            holds: Cell::Time,
        },
        text("channel", &["contact_type"]),
        text("catalog_item", &[]),
    ],
};

/// What holds for every row that does not say otherwise.
#[derive(Debug, Clone, Default)]
pub(crate) struct Defaults {
    pub(crate) kind: Option<TicketKind>,
    pub(crate) requester: Option<String>,
}

const fn text(name: &'static str, others: &'static [&'static str]) -> TargetField {
    TargetField { name, others, holds: Cell::Text }
}

/// What tickets need and no column is.
pub(crate) fn lacking(columns: &Columns<'_>, defaults: &Defaults) -> Vec<String> {
    let mut lacking = Vec::new();
    if !columns.has("short_description") && !columns.has("description") {
        lacking.push(
            "the tickets have no description; name a column with --map description=COLUMN"
                .to_owned(),
        );
    }
    if defaults.requester.is_none() && !columns.has("requester") {
        lacking.push(
            "no requester is given; use --map requester=COLUMN or --requester EMAIL".to_owned(),
        );
    }
    lacking
}

/// Whether these cells read as a row of their own: each of an id and a requester that is read from
/// a column is there, and looks like one.
pub(crate) fn is_row(columns: &Columns<'_>, cells: &[&str]) -> bool {
    let row: Vec<Cow<'_, str>> = cells.iter().map(|cell| Cow::Borrowed(*cell)).collect();
    let holds = |field, looks_right: fn(&str) -> bool| {
        let text = columns.text(&row, field);
        !columns.has(field)
            || text.is_some_and(|text| looks_right(&text) && !text.contains(char::is_whitespace))
    };
    (columns.has(ID) || columns.has("requester"))
        && holds(ID, |text| text.contains(|c: char| c.is_ascii_digit()))
        && holds("requester", |text| text.contains('@'))
}

/// The ticket of a row. Everything that is wrong with its cells is told at once.
///
/// Without a short description of its own, a ticket gets the first words of its description.
pub(crate) fn ticket(
    columns: &Columns<'_>,
    row: &[Cow<'_, str>],
    times: &Times,
    (source, id): (&str, &str),
    defaults: &Defaults,
) -> Result<OpenTicket, Vec<FieldFault>> {
    let (mut fields, mut faults) = columns.record(row, times);
    let kind = fields.remove("kind");
    let kind = kind.as_ref().and_then(Value::as_str).map(str::parse::<TicketKind>);
    let kind = match kind {
        None => defaults.kind,
        Some(Ok(kind)) => Some(kind),
        Some(Err(error)) => {
            let (pointer, code) = ("/kind".to_owned(), "invalid");
            faults.push(FieldFault { pointer, code, message: error.into() });
            None
        }
    };
    if !faults.is_empty() {
        return Err(faults);
    }
    describe(&mut fields);
    fields.insert("external_ref".to_owned(), json!({ "source": source, "id": id }));
    fields.entry("channel").or_insert_with(|| Channel::Import.as_str().into());
    if let Some(requester) = &defaults.requester {
        fields.entry("requester").or_insert_with(|| requester.as_str().into());
    }
    Ok(OpenTicket { kind, fields, draft: false })
}

/// Fills in the one of the two texts that a row does not have. A short description that is too long
/// is kept whole in the description, unless that has a column of its own.
fn describe(fields: &mut Map<String, Value>) {
    let mut take = |name| match fields.remove(name) {
        Some(Value::String(text)) => Some(text),
        Some(_) | None => None,
    };
    let (short, description) = (take("short_description"), take("description"));
    let description = match (&short, description) {
        (_, Some(description)) => description,
        (Some(short), None) if short.chars().count() > MAX_SHORT_DESCRIPTION_CHARS => short.clone(),
        (_, None) => String::new(),
    };
    let short = first_words(short.as_deref().unwrap_or(&description), MAX_SHORT_DESCRIPTION_CHARS);
    fields.insert("short_description".to_owned(), short.into());
    fields.insert("description".to_owned(), description.into());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn ticket_of(header: &[&str], values: &[&str]) -> Result<OpenTicket, Vec<FieldFault>> {
        let header = names(header);
        let columns = Columns::find(&header, &[], &[], &TICKETS).unwrap();
        let row: Vec<Cow<'_, str>> = values.iter().map(|value| Cow::Borrowed(*value)).collect();
        let times = Times { zone: chrono_tz::Tz::UTC, formats: Vec::new() };
        ticket(&columns, &row, &times, ("old-desk", "7"), &Defaults::default())
    }

    #[test]
    fn columns_with_telling_names_need_no_option() {
        let header = names(&["Number", "Short Description", "Body", "Priority", "Opened-At"]);
        let columns = Columns::find(&header, &[], &[], &TICKETS).unwrap();
        let told = [
            ("short_description", "Short Description"),
            ("description", "Body"),
            (ID, "Number"),
            ("opened_at", "Opened-At"),
        ];
        assert_eq!(columns.told(), told.map(|(field, column)| (field, column.to_owned())));
        assert_eq!(columns.unused(), ["Priority"]);
    }

    #[test]
    fn what_tickets_need_is_told_at_once() {
        let header = names(&["a", "b"]);
        let columns = Columns::find(&header, &[], &[], &TICKETS).unwrap();
        let lacking = lacking(&columns, &Defaults::default());
        assert_eq!(lacking.len(), 2);
        assert!(lacking[0].contains("--map description=COLUMN"), "{lacking:?}");
        assert!(lacking[1].contains("--requester EMAIL"), "{lacking:?}");
    }

    #[test]
    fn a_description_alone_gives_the_short_description() {
        let long = "printer ".repeat(100);
        let ticket = ticket_of(&["Document", "Topic_group"], &[&long, "Hardware"]).unwrap();
        assert_eq!(ticket.fields["description"], long.trim());
        let short = ticket.fields["short_description"].as_str().unwrap();
        assert!(short.chars().count() <= MAX_SHORT_DESCRIPTION_CHARS);
        assert!(short.ends_with("printer…"), "{short}");
        assert_eq!(ticket.fields["external_ref"], json!({ "source": "old-desk", "id": "7" }));
        assert_eq!(ticket.fields["channel"], "import");
    }

    #[test]
    fn a_title_that_is_too_long_is_kept_whole_in_the_description() {
        let long = "ä".repeat(300);
        let ticket = ticket_of(&["title"], &[&long]).unwrap();
        assert_eq!(ticket.fields["short_description"], format!("{}…", "ä".repeat(249)));
        assert_eq!(ticket.fields["description"], long);
    }

    #[test]
    fn a_title_is_cut_between_characters_as_people_see_them() {
        let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";
        let ticket = ticket_of(&["title"], &[&family.repeat(300)]).unwrap();
        let short = ticket.fields["short_description"].as_str().unwrap();
        assert_eq!(short.strip_suffix('…').unwrap().replace(family, ""), "");
        assert!(short.chars().count() <= MAX_SHORT_DESCRIPTION_CHARS);
    }

    #[test]
    fn values_are_read_as_what_they_are() {
        let header = ["id", "title", "impact", "tags", "opened", "requester", "type", "channel"];
        let values = [
            "T-1",
            "vpn",
            "2",
            "vpn; remote ,",
            "2026-06-01 09:30",
            "a@b.example",
            "request",
            "phone",
        ];
        let ticket = ticket_of(&header, &values).unwrap();
        assert_eq!(ticket.kind, Some(TicketKind::Request));
        let read = Value::Object(ticket.fields);
        let expected = json!({
            "impact": 2, "tags": ["vpn", "remote"], "opened_at": "2026-06-01T09:30:00+00:00",
            "requester": "a@b.example", "channel": "phone", "short_description": "vpn",
            "description": "", "external_ref": { "source": "old-desk", "id": "7" },
        });
        assert_eq!(read, expected);
    }

    #[test]
    fn every_value_that_is_none_names_its_field() {
        let header = ["title", "impact", "opened", "type"];
        let faults = ticket_of(&header, &["vpn", "high", "yesterday", "wish"]).unwrap_err();
        let pointers: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/impact", "/opened_at", "/kind"]);
    }

    #[test]
    fn an_empty_value_is_none() {
        let ticket = ticket_of(&["title", "impact", "requester"], &["vpn", " ", ""]).unwrap();
        assert!(!ticket.fields.contains_key("impact") && !ticket.fields.contains_key("requester"));
    }

    #[test]
    fn a_line_is_a_row_if_its_id_and_its_requester_look_like_some() {
        let header = names(&["id", "title", "requester"]);
        let columns = Columns::find(&header, &[], &[], &TICKETS).unwrap();
        assert!(is_row(&columns, &["3", "Salary slip", "mo@acme.example"]));
        for text in [
            ["Kind regards", " Bob\"", "mo@acme.example"],
            ["Thanks", " Bob\"", "mo@acme.example"],
            ["3", "a", "mo and tia@acme.example"],
            ["3", "a", ""],
        ] {
            assert!(!is_row(&columns, &text), "{text:?}");
        }
        let header = names(&["title", "text"]);
        let columns = Columns::find(&header, &[], &[], &TICKETS).unwrap();
        assert!(!is_row(&columns, &["7", "a@b"]), "nothing tells");
    }
}
