//! The report: what became of rows that are no new tickets, with the place of each, the reason and
//! what helps.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use waypost_app::import::{AlreadyThere, Place, RefusedRow};
use waypost_domain::refusal::FieldFault;

use super::columns::{Columns, ID};

/// So many rows of a kind are told at the end; a file holds them all.
const TOLD: usize = 20;

const HEADER: [&str; 10] =
    ["line", "row", "outcome", "id", "ticket", "field", "column", "code", "reason", "remedy"];

/// One reason why a row was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) place: Place,
    /// The row's own id; empty where it has none.
    pub(crate) id: String,
    /// The field; empty where the row as a whole is wrong.
    pub(crate) field: String,
    /// The column that it is read from; empty if it is none.
    pub(crate) column: String,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) remedy: &'static str,
}

/// Collects what became of rows, and writes it down where a file is named.
pub(crate) struct Report {
    /// Which column each field is read from.
    columns: BTreeMap<&'static str, String>,
    refused: u64,
    reasons: u64,
    first_refused: Vec<Refusal>,
    /// The rows that are there already, and could mean something else.
    notable: u64,
    first_notable: Vec<AlreadyThere>,
    file: Option<(PathBuf, csv::Writer<File>)>,
}

impl Report {
    /// A report. An import that goes on adds to the file of its first part.
    pub(crate) fn open(path: Option<&Path>, goes_on: bool, columns: &Columns<'_>) -> Result<Self> {
        Ok(Self {
            columns: columns.told().into_iter().collect(),
            refused: 0,
            reasons: 0,
            first_refused: Vec::new(),
            notable: 0,
            first_notable: Vec::new(),
            file: path.map(|path| open(path, goes_on)).transpose()?,
        })
    }

    /// A row was refused, for these reasons.
    pub(crate) fn refuse(&mut self, row: RefusedRow) -> Result<()> {
        self.refused += 1;
        let RefusedRow { place, id, faults } = row;
        let id = id.unwrap_or_default();
        for FieldFault { pointer, code, message } in faults {
            self.reasons += 1;
            let field = field_of(&pointer).to_owned();
            let column = self.columns.get(field.as_str()).cloned().unwrap_or_default();
            let remedy = remedy(&field, code);
            let id = id.clone();
            let message = message.into();
            let refusal = Refusal { place, id, field, column, code, message, remedy };
            self.write(place, "refused", &refusal.cells())?;
            if self.first_refused.len() < TOLD {
                self.first_refused.push(refusal);
            }
        }
        Ok(())
    }

    /// A row's ticket is there already.
    pub(crate) fn is_there(&mut self, row: AlreadyThere) -> Result<()> {
        let number = row.number.as_deref().unwrap_or_default();
        let reason = there(&row);
        let code = match (&row.repeats, &row.differs) {
            (Some(_), _) => "repeated",
            (None, Some(_)) => "another-text",
            (None, None) => "already-there",
        };
        let cells = [row.origin.id.as_str(), number, ID, self.column(ID), code, &reason, ""];
        let cells = cells.map(str::to_owned);
        self.write(row.place, "already there", &cells.each_ref().map(String::as_str))?;
        if row.repeats.is_some() || row.differs.is_some() {
            self.notable += 1;
            if self.first_notable.len() < TOLD {
                self.first_notable.push(row);
            }
        }
        Ok(())
    }

    fn column(&self, field: &str) -> &str {
        self.columns.get(field).map_or("", String::as_str)
    }

    fn write(&mut self, place: Place, outcome: &str, cells: &[&str; 7]) -> Result<()> {
        let Some((path, file)) = &mut self.file else { return Ok(()) };
        let (line, row) = (place.line.to_string(), place.row.to_string());
        let start = [line.as_str(), &row, outcome].map(str::to_owned);
        let cells = start.into_iter().chain(cells.iter().map(|cell| harmless(cell)));
        file.write_record(cells).with_context(|| format!("writing {}", path.display()))
    }

    /// Makes sure that what was told so far is in the file.
    pub(crate) fn flush(&mut self) -> Result<()> {
        match &mut self.file {
            Some((path, file)) => {
                file.flush().with_context(|| format!("writing {}", path.display()))
            }
            None => Ok(()),
        }
    }

    /// How many rows were refused.
    pub(crate) fn refused(&self) -> u64 {
        self.refused
    }

    /// For how many reasons.
    pub(crate) fn reasons(&self) -> u64 {
        self.reasons
    }

    /// The first reasons.
    pub(crate) fn first_refused(&self) -> &[Refusal] {
        &self.first_refused
    }

    /// How many rows are there already that stand in the file twice, or say something else than
    /// their ticket.
    pub(crate) fn notable(&self) -> u64 {
        self.notable
    }

    /// The first of those.
    pub(crate) fn first_notable(&self) -> &[AlreadyThere] {
        &self.first_notable
    }

    /// Where all of them are, if a file was named.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.file.as_ref().map(|(path, _)| path.as_path())
    }
}

impl Refusal {
    fn cells(&self) -> [&str; 7] {
        [&self.id, "", &self.field, &self.column, self.code, &self.message, self.remedy]
    }

    /// Where it is, for people: `line 26, row 25, external_id (column id): `.
    pub(crate) fn shown_place(&self) -> String {
        let Place { row, line } = self.place;
        match (self.field.as_str(), self.column.as_str()) {
            ("", _) => format!("line {line}, row {row}: "),
            (field, "") => format!("line {line}, row {row}, {field}: "),
            (field, column) => format!("line {line}, row {row}, {field} (column {column}): "),
        }
    }
}

/// What a row that is there already is told as.
pub(crate) fn there(row: &AlreadyThere) -> String {
    let AlreadyThere { origin, number, repeats, differs, .. } = row;
    let id = &origin.id;
    let ticket = match (number, repeats) {
        (Some(number), Some(row)) => format!("{number} already, of row {row}"),
        (Some(number), None) => format!("{number} already"),
        (None, Some(row)) => format!("the id of row {row} already"),
        (None, None) => "there already".to_owned(),
    };
    match differs {
        Some(text) => {
            format!("{id} is {ticket}, with another text (`{text}`); nothing was changed.")
        }
        None => format!("{id} is {ticket}."),
    }
}

/// The field of the command line that a pointer leads to.
fn field_of(pointer: &str) -> &str {
    match pointer {
        "/external_ref/id" => ID,
        "/external_ref/source" => "source",
        other => other.trim_start_matches('/').split('/').next().unwrap_or_default(),
    }
}

/// What helps against a fault.
fn remedy(field: &str, code: &str) -> &'static str {
    match (field, code) {
        (_, "similar") => "If both are tickets, run the command again with --ids exact.",
        ("requester", "unknown") => {
            "Create the person (POST /people, or a desk file), then run the same command again."
        }
        ("category" | "service" | "ci" | "catalog_item", "unknown") => {
            "Create what is named, then run the same command again; or correct the cell."
        }
        ("requester", "missing") => {
            "Fill in the cell, or name a requester for rows without one with --requester."
        }
        ("opened_at", "in-the-future") => {
            "Correct the cell, or name the zone of the file's times with --zone."
        }
        (_, "missing") => "Fill in the cell, and run the corrected file.",
        ("", _) => "Correct the row, and run the corrected file.",
        (_, _) => "Correct the cell, and run the corrected file; rows that are tickets are known.",
    }
}

/// A cell that no spreadsheet takes for a formula.
fn harmless(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t']) { format!("'{cell}") } else { cell.to_owned() }
}

fn open(path: &Path, goes_on: bool) -> Result<(PathBuf, csv::Writer<File>)> {
    let writing = || format!("writing {}", path.display());
    let mut options = OpenOptions::new();
    options.create(true).append(goes_on).truncate(!goes_on).write(true);
    let file = options.open(path).with_context(writing)?;
    let is_new = file.metadata().with_context(writing)?.len() == 0;
    let mut writer = csv::Writer::from_writer(file);
    if is_new {
        writer.write_record(HEADER).with_context(writing)?;
    }
    Ok((path.to_owned(), writer))
}

#[cfg(test)]
mod tests {
    use waypost_domain::{said::Said, ticket::ExternalRef};

    use super::super::ticket_rows::TICKETS;
    use super::*;

    fn report(path: Option<&Path>, goes_on: bool) -> Report {
        let header = ["nr".to_owned(), "title".to_owned(), "impact".to_owned()];
        let maps = [(ID.to_owned(), "nr".to_owned())];
        let columns = Columns::find(&header, &maps, &[], &TICKETS).unwrap();
        Report::open(path, goes_on, &columns).unwrap()
    }

    fn refused(row: u64, pointer: &str, code: &'static str) -> RefusedRow {
        let fault = FieldFault {
            pointer: pointer.to_owned(),
            code,
            message: Said::as_is("Must be 1 to 3."),
        };
        let id = Some(format!("=T-{row}"));
        RefusedRow { place: Place { row, line: row + 1 }, id, faults: vec![fault] }
    }

    fn known(id: &str, repeats: Option<u64>, differs: Option<&str>) -> AlreadyThere {
        AlreadyThere {
            place: Place { row: 8, line: 9 },
            origin: ExternalRef { source: "old".to_owned(), id: id.to_owned() },
            number: Some("INC0000001".to_owned()),
            repeats,
            differs: differs.map(str::to_owned),
        }
    }

    #[test]
    fn a_row_has_its_line_its_field_the_reason_and_the_remedy() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("report.csv");
        let mut report = report(Some(&path), false);
        report.refuse(refused(3, "/impact", "out-of-range")).unwrap();
        report.refuse(refused(4, "/external_ref/id", "similar")).unwrap();
        report.is_there(known("=T-1", None, Some("one"))).unwrap();
        report.flush().unwrap();
        assert_eq!(
            report.first_refused()[0].shown_place(),
            "line 4, row 3, impact (column impact): "
        );
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "line,row,outcome,id,ticket,field,column,code,reason,remedy");
        let expected =
            "4,3,refused,'=T-3,,impact,impact,out-of-range,Must be 1 to 3.,\"Correct the cell";
        assert!(lines[1].starts_with(expected), "{text}");
        assert!(lines[2].starts_with("5,4,refused,'=T-4,,external_id,nr,similar,"), "{text}");
        assert!(lines[2].contains("--ids exact."), "{text}");
        let expected = "9,8,already there,'=T-1,INC0000001,external_id,nr,another-text,";
        assert!(lines[3].starts_with(expected), "{text}");
    }

    #[test]
    fn an_import_that_goes_on_adds_to_its_report() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("refused.csv");
        for (row, goes_on) in [(9, false), (3, false), (40, true)] {
            let mut report = report(Some(&path), goes_on);
            report.refuse(refused(row, "/impact", "invalid")).unwrap();
            report.flush().unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let rows: Vec<_> = text.lines().map(|line| line.split(',').nth(1).unwrap()).collect();
        assert_eq!(rows, ["row", "3", "40"]);
    }

    #[test]
    fn only_the_first_reasons_are_told() {
        let mut report = report(None, false);
        for row in 1..=50 {
            report.refuse(refused(row, "", "malformed")).unwrap();
            report.is_there(known("T", Some(1), None)).unwrap();
            report.is_there(known("T", None, None)).unwrap();
        }
        assert_eq!((report.refused(), report.first_refused().len()), (50, TOLD));
        assert_eq!((report.notable(), report.first_notable().len()), (50, TOLD));
    }

    #[test]
    fn what_is_there_is_named_with_its_ticket() {
        assert_eq!(there(&known("T-1", None, None)), "T-1 is INC0000001 already.");
        assert_eq!(
            there(&known("T-1", Some(1), Some("one"))),
            "T-1 is INC0000001 already, of row 1, with another text (`one`); nothing was changed."
        );
        let coming = AlreadyThere { number: None, ..known("T-1", Some(1), None) };
        assert_eq!(there(&coming), "T-1 is the id of row 1 already.");
    }
}
