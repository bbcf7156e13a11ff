//! Columns: which field of a ticket each column of the file becomes.
//!
//! A column whose name says what it is needs no option. Whoever knows better says `--map
//! FIELD=COLUMN`.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use csv::StringRecord;
use serde_json::{Map, Value, json};
use waypost_app::tickets::OpenTicket;
use waypost_domain::refusal::FieldFault;
use waypost_domain::ticket::{Channel, TicketKind};

/// The longest short description.
const MAX_SHORT_CHARS: usize = 250;

/// A field that a column can become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    ShortDescription,
    Description,
    ExternalId,
    Kind,
    Category,
    Service,
    Ci,
    Impact,
    Urgency,
    Tags,
    Requester,
    OpenedAt,
    Channel,
    CatalogItem,
}

/// Each field, its name on the command line, and the column names that are understood without being
/// told.
const FIELDS: [(Field, &str, &[&str]); 14] = [
    (Field::ShortDescription, "short_description", &["title", "subject", "summary", "headline"]),
    (Field::Description, "description", &["document", "body", "text", "details", "message"]),
    (Field::ExternalId, "external_id", &["id", "number", "ticket_id", "ticket_number", "key"]),
    (Field::Kind, "kind", &["type", "ticket_type", "record_type"]),
    (Field::Category, "category", &["category_path"]),
    (Field::Service, "service", &["business_service"]),
    (Field::Ci, "ci", &["configuration_item", "cmdb_ci"]),
    (Field::Impact, "impact", &[]),
    (Field::Urgency, "urgency", &[]),
    (Field::Tags, "tags", &["labels"]),
    (Field::Requester, "requester", &["caller", "reporter", "requester_email", "email", "from"]),
    (Field::OpenedAt, "opened_at", &["opened", "created_at", "created", "date"]),
    (Field::Channel, "channel", &["contact_type"]),
    (Field::CatalogItem, "catalog_item", &[]),
];

impl Field {
    fn name(self) -> &'static str {
        // Every field is in the table; a test counts them.
        FIELDS.iter().find(|(field, ..)| *field == self).map_or("", |(_, name, _)| name)
    }

    fn named(name: &str) -> Option<Self> {
        FIELDS.iter().find(|(_, known, _)| *known == name).map(|(field, ..)| *field)
    }
}

/// What holds for every row that does not say otherwise.
#[derive(Debug, Clone, Default)]
pub(crate) struct Defaults {
    pub(crate) kind: Option<TicketKind>,
    pub(crate) requester: Option<String>,
}

/// Where each field is found in a row.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Columns {
    places: BTreeMap<Field, usize>,
    names: Vec<String>,
}

impl Columns {
    /// Finds the columns of a file by its header and the `--map` options.
    pub(crate) fn find(header: &StringRecord, maps: &[(String, String)]) -> Result<Self> {
        let names: Vec<String> = header.iter().map(str::to_owned).collect();
        let mut places = BTreeMap::new();
        for (name, column) in maps {
            let Some(field) = Field::named(name) else {
                let valid = FIELDS.map(|(_, name, _)| name).join(", ");
                bail!(
                    "--map {name}={column}: `{name}` is not a field that can be imported; use one of: {valid}"
                );
            };
            let Some(place) = names.iter().position(|known| known == column) else {
                bail!(
                    "--map {name}={column}: the file has no column `{column}`; it has: {}",
                    names.join(", ")
                );
            };
            if places.insert(field, place).is_some() {
                bail!("--map {name} is given twice; map each field only once");
            }
        }
        let folded: Vec<String> = names.iter().map(|name| fold(name)).collect();
        for (field, name, others) in FIELDS {
            let known = || std::iter::once(&name).chain(others);
            let place = known().find_map(|known| folded.iter().position(|name| name == known));
            if let Some(place) = place {
                places.entry(field).or_insert(place);
            }
        }
        let columns = Self { places, names };
        if !columns.has(Field::ShortDescription) && !columns.has(Field::Description) {
            bail!(
                "the tickets have no description; name a column with --map description=COLUMN; \
                 the file has: {}",
                columns.names.join(", ")
            );
        }
        Ok(columns)
    }

    /// Whether some column is the field.
    pub(crate) fn has(&self, field: Field) -> bool {
        self.places.contains_key(&field)
    }

    /// Which column became which field, to be shown.
    pub(crate) fn told(&self) -> Vec<(&'static str, &str)> {
        let pair = |(field, place): (&Field, &usize)| (field.name(), self.names[*place].as_str());
        self.places.iter().map(pair).collect()
    }

    /// The ticket of a row. `id` is what tells it from the other rows of the source: its own id, or
    /// its number.
    ///
    /// Without a short description of its own, a ticket gets the first words of its description.
    pub(crate) fn ticket(
        &self,
        row: &StringRecord,
        source: &str,
        number: u64,
        defaults: &Defaults,
    ) -> Result<OpenTicket, FieldFault> {
        let description = self.text(row, Field::Description).unwrap_or_default();
        let short = self.text(row, Field::ShortDescription);
        // A short description that is too long is kept whole in the description, unless that has a
        // column of its own.
        let description = match short {
            Some(short) if description.is_empty() && short.chars().count() > MAX_SHORT_CHARS => {
                short
            }
            Some(_) | None => description,
        };
        let id =
            self.text(row, Field::ExternalId).map_or_else(|| number.to_string(), str::to_owned);
        let mut fields = Map::new();
        let mut put = |field: &str, value: Value| fields.insert(field.to_owned(), value);
        put("short_description", first_words(short.unwrap_or(description)).into());
        put("description", description.into());
        put("channel", self.text(row, Field::Channel).unwrap_or(Channel::Import.as_str()).into());
        put("external_ref", json!({ "source": source, "id": id }));
        if let Some(requester) = self.text(row, Field::Requester).or(defaults.requester.as_deref())
        {
            put("requester", requester.into());
        }
        for field in [Field::Category, Field::Service, Field::Ci, Field::CatalogItem] {
            if let Some(text) = self.text(row, field) {
                put(field.name(), text.into());
            }
        }
        for field in [Field::Impact, Field::Urgency] {
            if let Some(level) = self.parsed::<u8>(row, field)? {
                put(field.name(), level.into());
            }
        }
        if let Some(text) = self.text(row, Field::Tags) {
            put("tags", tags(text).into());
        }
        if let Some(at) = self.text(row, Field::OpenedAt).map(time).transpose()? {
            put("opened_at", at.to_rfc3339().into());
        }
        let kind = self.parsed::<TicketKind>(row, Field::Kind)?.or(defaults.kind);
        Ok(OpenTicket { kind, fields, draft: false })
    }

    fn text<'a>(&self, row: &'a StringRecord, field: Field) -> Option<&'a str> {
        let place = self.places.get(&field)?;
        row.get(*place).map(str::trim).filter(|text| !text.is_empty())
    }

    fn parsed<T: std::str::FromStr>(
        &self,
        row: &StringRecord,
        field: Field,
    ) -> Result<Option<T>, FieldFault>
    where
        T::Err: std::fmt::Display,
    {
        self.text(row, field)
            .map(|text| text.parse().map_err(|error: T::Err| fault(field, format!("{error}"))))
            .transpose()
    }
}

/// A field of a row that can't be used.
fn fault(field: Field, message: String) -> FieldFault {
    FieldFault { pointer: format!("/{}", field.name()), code: "invalid", message }
}

/// A column's name without what people write differently: `Short Description` is
/// `short_description`.
fn fold(name: &str) -> String {
    name.trim().to_lowercase().replace([' ', '-', '.'], "_")
}

/// A text as one line that is a short description, cut at a word if it is too long.
fn first_words(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= MAX_SHORT_CHARS {
        return line;
    }
    // One place is left for the sign that something is missing.
    let cut: String = line.chars().take(MAX_SHORT_CHARS - 1).collect();
    let is_whole_word = line[cut.len()..].starts_with(' ');
    let kept = match cut.rsplit_once(' ') {
        Some((words, _)) if !is_whole_word => words,
        Some(_) | None => cut.as_str(),
    };
    format!("{}…", kept.trim_end())
}

fn tags(text: &str) -> Vec<String> {
    text.split([',', ';']).map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
}

/// Reads a time: RFC 3339, or a plain date or time, which is UTC.
fn time(text: &str) -> Result<DateTime<Utc>, FieldFault> {
    const PLAIN: [&str; 4] =
        ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"];
    let plain = || PLAIN.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
    DateTime::parse_from_rfc3339(text)
        .map(|time| time.to_utc())
        .ok()
        .or_else(|| plain().or_else(day).map(|time| time.and_utc()))
        .ok_or_else(|| {
            let message = format!(
                "`{text}` is not a valid time; use 2026-06-01T09:30:00Z or 2026-06-01 09:30"
            );
            fault(Field::OpenedAt, message)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(values: &[&str]) -> StringRecord {
        StringRecord::from(values.to_vec())
    }

    fn maps(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(field, column)| ((*field).to_owned(), (*column).to_owned())).collect()
    }

    fn ticket(header: &[&str], values: &[&str]) -> Result<OpenTicket, FieldFault> {
        let columns = Columns::find(&row(header), &[]).unwrap();
        columns.ticket(&row(values), "old-desk", 7, &Defaults::default())
    }

    #[test]
    fn columns_with_telling_names_need_no_option() {
        let header = row(&["Number", "Short Description", "Body", "Priority", "Opened-At"]);
        let columns = Columns::find(&header, &[]).unwrap();
        assert_eq!(
            columns.told(),
            [
                ("short_description", "Short Description"),
                ("description", "Body"),
                ("external_id", "Number"),
                ("opened_at", "Opened-At")
            ]
        );
    }

    #[test]
    fn an_option_beats_a_telling_name() {
        let header = row(&["title", "headline", "text"]);
        let columns = Columns::find(&header, &maps(&[("short_description", "headline")])).unwrap();
        assert_eq!(columns.told()[0], ("short_description", "headline"));
    }

    #[test]
    fn a_wrong_option_is_refused_with_what_would_be_right() {
        let header = row(&["text"]);
        let told =
            |pairs: &[(&str, &str)]| Columns::find(&header, &maps(pairs)).unwrap_err().to_string();
        assert!(told(&[("topic", "text")]).contains(
            "`topic` is not a field that can be imported; use one of: short_description, "
        ));
        assert!(
            told(&[("description", "Text")])
                .ends_with("the file has no column `Text`; it has: text")
        );
        assert!(told(&[("description", "text"), ("description", "text")]).contains("given twice"));
        let nothing = Columns::find(&row(&["a", "b"]), &[]).unwrap_err().to_string();
        assert!(nothing.ends_with("--map description=COLUMN; the file has: a, b"), "{nothing}");
    }

    #[test]
    fn a_description_alone_gives_the_short_description() {
        let long = "printer ".repeat(100);
        let ticket = ticket(&["Document", "Topic_group"], &[&long, "Hardware"]).unwrap();
        assert_eq!(ticket.fields["description"], long.trim());
        let short = ticket.fields["short_description"].as_str().unwrap();
        assert!(short.chars().count() <= MAX_SHORT_CHARS);
        assert!(short.ends_with("printer…"), "{short}");
        assert_eq!(ticket.fields["external_ref"], json!({ "source": "old-desk", "id": "7" }));
        assert_eq!(ticket.fields["channel"], "import");
    }

    #[test]
    fn a_title_that_is_too_long_is_kept_whole_in_the_description() {
        let long = "ä".repeat(300);
        let ticket = ticket(&["title"], &[&long]).unwrap();
        assert_eq!(ticket.fields["short_description"], format!("{}…", "ä".repeat(249)));
        assert_eq!(ticket.fields["description"], long);
    }

    #[test]
    fn a_cut_falls_between_words_even_at_the_very_edge() {
        let whole = format!("{} tail of the line", "a".repeat(249));
        assert_eq!(first_words(&whole), format!("{}…", "a".repeat(249)));
        let split = format!("{} bbbbbb", "a".repeat(245));
        assert_eq!(first_words(&split), format!("{}…", "a".repeat(245)));
        assert_eq!(first_words(" two\n words "), "two words");
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
        let ticket = ticket(&header, &values).unwrap();
        assert_eq!(ticket.kind, Some(TicketKind::Request));
        let read = Value::Object(ticket.fields);
        let expected = json!({
            "impact": 2, "tags": ["vpn", "remote"], "opened_at": "2026-06-01T09:30:00+00:00",
            "requester": "a@b.example", "channel": "phone", "short_description": "vpn",
            "description": "", "external_ref": { "source": "old-desk", "id": "T-1" },
        });
        assert_eq!(read, expected);
    }

    #[test]
    fn a_value_that_is_none_names_its_field() {
        let fault =
            |column, value| ticket(&["title", column], &["vpn", value]).unwrap_err().pointer;
        assert_eq!(fault("impact", "high"), "/impact");
        assert_eq!(fault("opened", "yesterday"), "/opened_at");
        assert_eq!(fault("type", "wish"), "/kind");
    }

    #[test]
    fn an_empty_value_is_none() {
        let ticket = ticket(&["title", "impact", "requester"], &["vpn", " ", ""]).unwrap();
        assert!(!ticket.fields.contains_key("impact") && !ticket.fields.contains_key("requester"));
    }

    #[test]
    fn every_field_has_a_name() {
        for (field, name, _) in FIELDS {
            assert_eq!(Field::named(name), Some(field));
            assert_eq!(field.name(), name);
        }
    }
}
