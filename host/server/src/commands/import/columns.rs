//! Columns: which field of a record each column of a sheet becomes.
//!
//! A column whose name says what it is needs no option. Whoever knows better says `--map
//! FIELD=COLUMN`. What kinds of records there are to become, and their fields, is data: a
//! [`Target`] for each.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value};
use waypost_domain::text::is_invisible;
use waypost_domain::{refusal::FieldFault, said::Said};

use super::times::Times;

/// What the rows of a sheet become.
#[derive(Debug)]
pub(crate) struct Target {
    /// What they are called: `tickets`.
    pub(crate) noun: &'static str,
    /// The fields that a column can become.
    pub(crate) fields: &'static [TargetField],
}

/// A field of a record that a column can become.
#[derive(Debug)]
pub(crate) struct TargetField {
    /// Its name on the command line and in JSON.
    pub(crate) name: &'static str,
    /// The column names that are understood without being told, beside its own; best first.
    pub(crate) others: &'static [&'static str],
    /// What its cells hold.
    pub(crate) holds: Cell,
}

/// What the cells of a column hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cell {
    Text,
    /// A whole number.
    Number,
    /// Several texts, separated by commas or semicolons; also in several columns.
    Texts,
    /// A moment.
    Time,
}

/// The field that every target has: what tells a row from the others of its source.
pub(crate) const ID: &str = "external_id";

/// Where each field is found in a row.
#[derive(Debug)]
pub(crate) struct Columns<'s> {
    target: &'static Target,
    header: &'s [String],
    places: BTreeMap<&'static str, Vec<usize>>,
}

impl Target {
    /// The field of this name.
    pub(crate) fn field(&self, name: &str) -> Option<&'static TargetField> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Whether a column of this name becomes a field without being told.
    pub(crate) fn knows(&self, column: &str) -> bool {
        let folded = fold(column);
        self.fields.iter().any(|field| field.names().any(|name| name == folded))
    }
}

impl TargetField {
    fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.others.iter().copied())
    }
}

impl<'s> Columns<'s> {
    /// Finds the columns of a sheet by its header, the `--map` options, and the columns of `--id`.
    /// All mistakes are told at once.
    pub(crate) fn find(
        header: &'s [String],
        maps: &[(String, String)],
        ids: &[String],
        target: &'static Target,
    ) -> Result<Self, Vec<String>> {
        let mut columns = Self { target, header, places: BTreeMap::new() };
        let mut wrong = Vec::new();
        for (name, column) in maps {
            let given = format!("--map {name}={column}");
            match target.field(name) {
                None => {
                    let valid: Vec<_> = target.fields.iter().map(|field| field.name).collect();
                    let valid = valid.join(", ");
                    wrong.push(format!(
                        "{given}: `{name}` is not a field that can be imported; use one of: {valid}"
                    ));
                }
                Some(field) if columns.has(field.name) => {
                    wrong.push(format!("--map {name} is given twice; map each field only once"));
                }
                Some(field) => match columns.named(column, field.holds) {
                    Ok(places) => drop(columns.places.insert(field.name, places)),
                    Err(why) => wrong.push(format!("{given}: {why}")),
                },
            }
        }
        if !ids.is_empty() && columns.has(ID) {
            wrong.push(format!("--id and --map {ID} say the same; use one of them"));
        }
        for column in ids {
            match columns.named(column, Cell::Text) {
                Ok(places) => columns.places.entry(ID).or_default().extend(places),
                Err(why) => wrong.push(format!("--id {column}: {why}")),
            }
        }
        let folded: Vec<String> = header.iter().map(|name| fold(name)).collect();
        for field in target.fields {
            if columns.has(field.name) {
                continue;
            }
            let of = |name: &str| -> Vec<usize> {
                let places = folded.iter().enumerate().filter(|(_, known)| *known == name);
                places.map(|(place, _)| place).collect()
            };
            let Some(places) = field.names().map(of).find(|places| !places.is_empty()) else {
                continue;
            };
            match one(header, places, field.holds) {
                Ok(places) => drop(columns.places.insert(field.name, places)),
                Err(why) => wrong.push(why),
            }
        }
        if wrong.is_empty() { Ok(columns) } else { Err(wrong) }
    }

    /// The places of the column of this name.
    fn named(&self, column: &str, holds: Cell) -> Result<Vec<usize>, String> {
        let places = self.header.iter().enumerate().filter(|(_, known)| *known == column);
        let places: Vec<usize> = places.map(|(place, _)| place).collect();
        if places.is_empty() {
            let has = self.header.join(", ");
            return Err(format!("the file has no column `{column}`; it has: {has}"));
        }
        one(self.header, places, holds)
    }

    /// Whether some column is the field.
    pub(crate) fn has(&self, field: &str) -> bool {
        self.places.contains_key(field)
    }

    /// The name of the column that a field is read from; several are joined.
    pub(crate) fn of(&self, field: &str) -> Option<String> {
        let places = self.places.get(field)?;
        let mut names: Vec<_> = places.iter().map(|place| self.header[*place].as_str()).collect();
        names.dedup();
        Some(names.join(" + "))
    }

    /// Which field is read from which column, in the order of the target's fields.
    pub(crate) fn told(&self) -> Vec<(&'static str, String)> {
        let fields = self.target.fields.iter();
        fields.filter_map(|field| Some((field.name, self.of(field.name)?))).collect()
    }

    /// The columns that nothing is made of.
    pub(crate) fn unused(&self) -> Vec<&'s str> {
        let is_used = |place: &usize| self.places.values().any(|places| places.contains(place));
        let unused = self.header.iter().enumerate().filter(|(place, _)| !is_used(place));
        unused.map(|(_, name)| name.as_str()).collect()
    }

    /// The text of a field in a row, if it has one. Parts of several columns are joined.
    pub(crate) fn text<'c>(&self, row: &'c [Cow<'_, str>], field: &str) -> Option<Cow<'c, str>> {
        let cell = |place: &usize| row.get(*place).map_or("", |cell| cell.trim());
        let text = match self.places.get(field)?.as_slice() {
            [place] => Cow::Borrowed(cell(place)),
            places => {
                let parts: Vec<&str> = places.iter().map(cell).collect();
                if parts.iter().all(|part| part.is_empty()) {
                    return None;
                }
                Cow::Owned(parts.join("/"))
            }
        };
        Some(text).filter(|text| !text.is_empty())
    }

    /// The texts of a field in a row, of all its columns.
    fn texts(&self, row: &[Cow<'_, str>], field: &str) -> Vec<String> {
        let places = self.places.get(field).into_iter().flatten();
        let cells = places.filter_map(|place| row.get(*place));
        let texts = cells.flat_map(|cell| cell.split([',', ';'])).map(str::trim);
        texts.filter(|text| !text.is_empty()).map(str::to_owned).collect()
    }

    /// The record of a row: what its cells say, by the names of the fields. The id is not among
    /// them. A cell that does not hold what it should is a fault.
    pub(crate) fn record(
        &self,
        row: &[Cow<'_, str>],
        times: &Times,
    ) -> (Map<String, Value>, Vec<FieldFault>) {
        let (mut record, mut faults) = (Map::new(), Vec::new());
        for field in self.target.fields.iter().filter(|field| field.name != ID) {
            let Some(text) = self.text(row, field.name) else { continue };
            let value = match field.holds {
                Cell::Text => Ok(text.into_owned().into()),
                Cell::Number => number(&text),
                Cell::Texts => Ok(self.texts(row, field.name).into()),
                Cell::Time => times.read(&text).map(|at| at.to_rfc3339().into()),
            };
            match value {
                Ok(value) => drop(record.insert(field.name.to_owned(), value)),
                Err(message) => faults.push(FieldFault {
                    pointer: format!("/{}", field.name),
                    code: "invalid",
                    message: Said::as_is(message),
                }),
            }
        }
        (record, faults)
    }
}

/// The place of a field, which has one column. Only several texts may have several.
fn one(header: &[String], places: Vec<usize>, holds: Cell) -> Result<Vec<usize>, String> {
    match places.as_slice() {
        [first, second, ..] if holds != Cell::Texts => {
            let name = &header[*first];
            let (first, second) = (first + 1, second + 1);
            Err(format!(
                "the column `{name}` is there twice (columns {first} and {second}); rename one"
            ))
        }
        _ => Ok(places),
    }
}

fn number(text: &str) -> Result<Value, String> {
    let number = text.parse::<u64>().map(Value::from);
    number.map_err(|_| format!("`{text}` is not a whole number."))
}

/// A column's name without what people write differently: `Short Description` is
/// `short_description`.
pub(crate) fn fold(name: &str) -> String {
    let seen: String = name.chars().filter(|c| !is_invisible(*c)).collect();
    let words: Vec<&str> = seen.split_whitespace().collect();
    words.join("_").to_lowercase().replace(['-', '.'], "_")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    static BOOKS: Target = Target {
        noun: "books",
        fields: &[
            TargetField { name: "title", others: &["name", "headline"], holds: Cell::Text },
            TargetField { name: ID, others: &["id", "isbn"], holds: Cell::Text },
            TargetField { name: "pages", others: &[], holds: Cell::Number },
            TargetField { name: "words", others: &["labels"], holds: Cell::Texts },
            TargetField { name: "printed_at", others: &["printed"], holds: Cell::Time },
        ],
    };

    fn header(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn maps(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(field, column)| ((*field).to_owned(), (*column).to_owned())).collect()
    }

    fn wrong(names: &[&str], pairs: &[(&str, &str)], ids: &[&str]) -> Vec<String> {
        Columns::find(&header(names), &maps(pairs), &header(ids), &BOOKS).unwrap_err()
    }

    fn record(names: &[&str], values: &[&str]) -> (Value, Vec<String>) {
        let header = header(names);
        let columns = Columns::find(&header, &[], &[], &BOOKS).unwrap();
        let row: Vec<Cow<'_, str>> = values.iter().map(|value| Cow::Borrowed(*value)).collect();
        let times = Times { zone: chrono_tz::Tz::UTC, formats: Vec::new() };
        let (record, faults) = columns.record(&row, &times);
        (Value::Object(record), faults.into_iter().map(|fault| fault.pointer).collect())
    }

    #[test]
    fn columns_with_telling_names_need_no_option() {
        let header = header(&["ISBN", "Head\u{200b}line", "Shelf", "Printed-At", "Headline "]);
        let columns = Columns::find(&header[..4], &[], &[], &BOOKS).unwrap();
        let told: Vec<_> = columns.told();
        let expected = [("title", "Head\u{200b}line"), (ID, "ISBN"), ("printed_at", "Printed-At")];
        assert_eq!(told, expected.map(|(field, column)| (field, column.to_owned())));
        assert_eq!(columns.unused(), ["Shelf"]);
    }

    #[test]
    fn an_option_beats_a_telling_name() {
        let header = header(&["title", "headline"]);
        let maps = maps(&[("title", "headline")]);
        let columns = Columns::find(&header, &maps, &[], &BOOKS).unwrap();
        assert_eq!(
            (columns.of("title").as_deref(), columns.unused()),
            (Some("headline"), vec!["title"])
        );
    }

    #[test]
    fn all_wrong_options_are_told_with_what_would_be_right() {
        let told = wrong(&["text"], &[("topic", "text"), ("title", "Text")], &["nr"]);
        assert_eq!(told.len(), 3, "{told:?}");
        let valid = "`topic` is not a field that can be imported; use one of: title, external_id, ";
        assert!(told[0].contains(valid), "{told:?}");
        assert!(told[1].ends_with("the file has no column `Text`; it has: text"), "{told:?}");
        assert!(told[2].starts_with("--id nr: the file has no column `nr`"), "{told:?}");
        let twice = wrong(&["a"], &[("title", "a"), ("title", "a")], &[]);
        assert!(twice[0].contains("given twice"), "{twice:?}");
        let both = wrong(&["a"], &[(ID, "a")], &["a"]);
        assert!(both[0].contains("use one of them"), "{both:?}");
    }

    #[test]
    fn a_column_that_is_there_twice_is_refused_if_it_is_used() {
        let expected = "the column `title` is there twice (columns 2 and 3); rename one";
        assert_eq!(wrong(&["id", "title", "title"], &[], &[]), [expected]);
        assert!(wrong(&["a", "a"], &[("title", "a")], &[])[0].contains("columns 1 and 2"));
        let header = header(&["title", "shelf", "shelf"]);
        let columns = Columns::find(&header, &[], &[], &BOOKS).unwrap();
        assert_eq!(columns.unused(), ["shelf", "shelf"]);
    }

    #[test]
    fn several_columns_can_be_one_id() {
        let header = header(&["year", "nr", "title"]);
        let ids = ["year".to_owned(), "nr".to_owned()];
        let columns = Columns::find(&header, &[], &ids, &BOOKS).unwrap();
        let id = |year: &str, nr: &str| {
            let row = [year, nr, "x"].map(|cell| Cow::Owned(cell.to_owned()));
            columns.text(&row, ID).map(Cow::into_owned)
        };
        assert_eq!(columns.of(ID).as_deref(), Some("year + nr"));
        assert_eq!(id("2026", " 7 ").as_deref(), Some("2026/7"));
        assert_eq!(id(" ", ""), None);
    }

    #[test]
    fn values_are_read_as_what_they_are() {
        let names = ["id", "title", "pages", "words", "printed", "shelf"];
        let (read, faults) =
            record(&names, &["7", " Dune ", "412", "sand; spice ,", "1965-08-01", "3"]);
        assert_eq!(read, json!({ "title": "Dune", "pages": 412, "words": ["sand", "spice"] }));
        assert_eq!(faults, ["/printed_at"], "before 1970");
        let (read, _) = record(&["title", "printed"], &["Dune", "1985-08-01"]);
        assert_eq!(read["printed_at"], "1985-08-01T00:00:00+00:00");
    }

    #[test]
    fn each_value_that_is_none_names_its_field() {
        let (read, faults) = record(&["pages", "printed", "title"], &["many", "soon", ""]);
        assert_eq!((read, faults), (json!({}), header(&["/pages", "/printed_at"])));
    }

    #[test]
    fn labels_of_several_columns_are_read_together() {
        let (read, _) = record(&["labels", "title", "labels"], &["sand", "Dune", "spice,worm"]);
        assert_eq!(read["words"], json!(["sand", "spice", "worm"]));
    }
}
