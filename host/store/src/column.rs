//! Columns: turning what a table holds into the domain's types, and naming the column that does not
//! fit.

use std::str::FromStr;

use uuid::Uuid;
use waypost_domain::{
    event::{Actor, ActorKind},
    ids::PersonId,
    subject::Subject,
};

use crate::StoreError;

/// A table's name, for reports of unreadable columns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table(pub(crate) &'static str);

impl Table {
    pub(crate) fn corrupt(self, column: &'static str) -> StoreError {
        StoreError::Corrupt { table: self.0, column }
    }

    /// A text that names a value.
    pub(crate) fn parse<T: FromStr>(
        self,
        column: &'static str,
        text: &str,
    ) -> Result<T, StoreError> {
        // The parser's own words are for people who typed something; here the column says enough.
        text.parse().map_err(|_| self.corrupt(column))
    }

    /// As [`Table::parse`], where the column may be empty.
    pub(crate) fn parse_some<T: FromStr>(
        self,
        column: &'static str,
        text: Option<&str>,
    ) -> Result<Option<T>, StoreError> {
        text.map(|text| self.parse(column, text)).transpose()
    }

    /// A column that must be filled in a row of this state.
    pub(crate) fn need<T>(self, column: &'static str, value: Option<T>) -> Result<T, StoreError> {
        value.ok_or_else(|| self.corrupt(column))
    }

    /// A number of a narrower type than the column's.
    pub(crate) fn fit<T: TryFrom<i64>>(
        self,
        column: &'static str,
        number: i64,
    ) -> Result<T, StoreError> {
        T::try_from(number).map_err(|_| self.corrupt(column))
    }

    /// As [`Table::fit`], where the column may be empty.
    pub(crate) fn fit_some<T: TryFrom<i64>>(
        self,
        column: &'static str,
        number: Option<i64>,
    ) -> Result<Option<T>, StoreError> {
        number.map(|number| self.fit(column, number)).transpose()
    }

    /// Who acted, from its two columns.
    pub(crate) fn actor(
        self,
        column: &'static str,
        kind: &str,
        person: Option<Uuid>,
    ) -> Result<Actor, StoreError> {
        let kind: ActorKind = self.parse(column, kind)?;
        Ok(Actor { kind, person: person.map(PersonId) })
    }

    /// What a row is about, from its two columns.
    pub(crate) fn subject(self, kind: &str, id: Uuid) -> Result<Subject, StoreError> {
        Ok(Subject::new(self.parse("subject_kind", kind)?, id))
    }
}

/// A number that a column can hold.
pub(crate) fn number<T: TryInto<i64>>(what: &'static str, value: T) -> Result<i64, StoreError> {
    value.try_into().map_err(|_| StoreError::Unstorable(what))
}
