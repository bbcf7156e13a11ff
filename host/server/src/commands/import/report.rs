//! The report: which rows were refused, and why.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use waypost_domain::refusal::FieldFault;

/// So many refused rows are told at the end; a file holds them all.
const TOLD: usize = 20;

/// One reason why a row was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) row: u64,
    /// The field; empty where the row as a whole is wrong.
    pub(crate) field: String,
    pub(crate) message: String,
}

/// Collects refused rows, and writes them down where a file is named.
pub(crate) struct Report {
    first: Vec<Refusal>,
    rows: u64,
    file: Option<(PathBuf, csv::Writer<File>)>,
}

impl Report {
    /// A report. An import that goes on adds to the file of its first part.
    pub(crate) fn open(path: Option<&Path>, goes_on: bool) -> Result<Self> {
        let file = path.map(|path| open(path, goes_on)).transpose()?;
        Ok(Self { first: Vec::new(), rows: 0, file })
    }

    /// A row was refused, for these reasons.
    pub(crate) fn refuse(&mut self, row: u64, faults: Vec<FieldFault>) -> Result<()> {
        self.rows += 1;
        for FieldFault { pointer, message, .. } in faults {
            let field = pointer.trim_start_matches('/').to_owned();
            if let Some((path, file)) = &mut self.file {
                file.write_record([row.to_string().as_str(), &field, &message])
                    .with_context(|| format!("writing {}", path.display()))?;
            }
            if self.first.len() < TOLD {
                self.first.push(Refusal { row, field, message });
            }
        }
        Ok(())
    }

    /// Makes sure that what was refused so far is in the file.
    pub(crate) fn flush(&mut self) -> Result<()> {
        match &mut self.file {
            Some((path, file)) => {
                file.flush().with_context(|| format!("writing {}", path.display()))
            }
            None => Ok(()),
        }
    }

    /// How many rows were refused.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// The first reasons.
    pub(crate) fn first(&self) -> &[Refusal] {
        &self.first
    }

    /// Where all of them are, if a file was named.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.file.as_ref().map(|(path, _)| path.as_path())
    }
}

fn open(path: &Path, goes_on: bool) -> Result<(PathBuf, csv::Writer<File>)> {
    let writing = || format!("writing {}", path.display());
    let mut options = OpenOptions::new();
    options.create(true).append(goes_on).truncate(!goes_on).write(true);
    let file = options.open(path).with_context(writing)?;
    let is_new = file.metadata().with_context(writing)?.len() == 0;
    let mut writer = csv::Writer::from_writer(file);
    if is_new {
        writer.write_record(["row", "field", "message"]).with_context(writing)?;
    }
    Ok((path.to_owned(), writer))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault() -> Vec<FieldFault> {
        let message = "must be 1 to 3".to_owned();
        vec![FieldFault { pointer: "/impact".to_owned(), code: "invalid", message }]
    }

    #[test]
    fn an_import_that_goes_on_adds_to_its_report() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("refused.csv");
        for (row, goes_on) in [(9, false), (3, false), (40, true)] {
            let mut report = Report::open(Some(&path), goes_on).unwrap();
            report.refuse(row, fault()).unwrap();
            report.flush().unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "row,field,message\n3,impact,must be 1 to 3\n40,impact,must be 1 to 3\n");
    }

    #[test]
    fn only_the_first_reasons_are_told() {
        let mut report = Report::open(None, false).unwrap();
        for row in 1..=50 {
            report.refuse(row, fault()).unwrap();
        }
        assert_eq!((report.rows(), report.first().len()), (50, TOLD));
    }
}
