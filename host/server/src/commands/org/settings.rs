//! `waypost org set`: changes an organization's settings.

use anyhow::{Result, bail};
use clap::Args;
use waypost_app::organizations::{self, OrganizationEdit};
use waypost_app::tickets::PersonRef;
use waypost_domain::calendar::hours::DayHours;
use waypost_domain::key::Key;
use waypost_domain::organization::ResolveDemand;

use super::{hours, platform, tell};
use crate::installation::Installation;
use crate::output::Output;

/// Change an organization's settings. Omitted settings stay unchanged.
#[derive(Debug, Args)]
pub(crate) struct Set {
    /// Key of the organization.
    key: Key,
    /// Display name.
    #[arg(long)]
    name: Option<String>,
    /// IANA time zone, such as Europe/Berlin.
    #[arg(long)]
    zone: Option<String>,
    /// Working hours: "mon-fri 08:00-18:00, sat 10:00-14:00", always or never.
    #[arg(long, value_name = "HOURS", value_parser = read_hours)]
    working_hours: Option<Week>,
    /// Priority matrix, a row for each impact: "1 2 3 / 2 3 4 / 3 4 4".
    #[arg(long, value_name = "ROWS", value_parser = read_matrix)]
    matrix: Option<Rows>,
    /// Key of the fallback team, which gets the tickets that no policy routes.
    #[arg(long, value_name = "KEY")]
    fallback_team: Option<String>,
    /// E-mail address of the fallback approver, or `none`.
    #[arg(long, value_name = "EMAIL")]
    fallback_approver: Option<String>,
    /// Number of days within which a resolved ticket can be reopened.
    #[arg(long, value_name = "DAYS")]
    reopen_window_days: Option<u16>,
    /// Number of days after which a resolved ticket is closed automatically; 0 for never.
    #[arg(long, value_name = "DAYS")]
    auto_close_days: Option<u16>,
    /// Whether the requester's reply to a resolved incident reopens it: true or false.
    #[arg(long, value_name = "BOOL")]
    caller_reply_reopens: Option<bool>,
    /// Whether letters that ask for a vote carry a link to vote with: true or false.
    #[arg(long, value_name = "BOOL")]
    votes_by_mail: Option<bool>,
    /// Number of days for which receipts are kept.
    #[arg(long, value_name = "DAYS")]
    receipt_retention_days: Option<u16>,
    /// Fields required to resolve an incident: category, `service_or_ci`, assignee; separated by
    /// commas, or none.
    #[arg(long, value_name = "FIELDS", value_parser = read_demands)]
    resolve_demands: Option<Demands>,
}

/// Clap takes a bare `Vec` for an option that can be repeated.
type Week = Box<[DayHours]>;
type Rows = Box<[Vec<u8>]>;
type Demands = Box<[String]>;

impl Set {
    pub(crate) async fn run(
        self: Box<Self>,
        installation: &Installation,
        output: &mut Output,
    ) -> Result<()> {
        let key = self.key.clone();
        let edit = self.edit();
        if is_empty(&edit) {
            bail!("nothing to change; `waypost org set --help` lists the settings");
        }
        let caller = platform(installation).await?;
        let desk = &installation.desk;
        let view = organizations::update(desk, &caller, key.as_str(), edit, None).await?;
        tell(output, &view)
    }

    fn edit(self) -> OrganizationEdit {
        OrganizationEdit {
            name: self.name,
            zone: self.zone,
            working_hours: self.working_hours.map(Into::into),
            matrix: self.matrix.map(Into::into),
            fallback_team: self.fallback_team,
            fallback_approver: self
                .fallback_approver
                .map(|email| (email != "none").then_some(PersonRef::Email(email))),
            reopen_window_days: self.reopen_window_days,
            auto_close_days: self.auto_close_days,
            caller_reply_reopens: self.caller_reply_reopens,
            votes_by_mail: self.votes_by_mail,
            receipt_retention_days: self.receipt_retention_days,
            resolve_demands: self.resolve_demands.map(Into::into),
            // A list of rules is written in a desk file, and applied with `waypost org apply`.
            major_rules: None,
        }
    }
}

/// Whether an edit changes nothing.
pub(crate) fn is_empty(edit: &OrganizationEdit) -> bool {
    let OrganizationEdit {
        name,
        zone,
        working_hours,
        matrix,
        fallback_team,
        fallback_approver,
        reopen_window_days,
        auto_close_days,
        caller_reply_reopens,
        votes_by_mail,
        receipt_retention_days,
        resolve_demands,
        major_rules,
    } = edit;
    name.is_none()
        && zone.is_none()
        && working_hours.is_none()
        && matrix.is_none()
        && fallback_team.is_none()
        && fallback_approver.is_none()
        && reopen_window_days.is_none()
        && auto_close_days.is_none()
        && caller_reply_reopens.is_none()
        && votes_by_mail.is_none()
        && receipt_retention_days.is_none()
        && resolve_demands.is_none()
        && major_rules.is_none()
}

fn read_hours(text: &str) -> Result<Week, String> {
    hours::parse(text).map(Vec::into_boxed_slice)
}

fn read_matrix(text: &str) -> Result<Rows, String> {
    let row = |row: &str| row.split_whitespace().map(str::parse).collect::<Result<Vec<u8>, _>>();
    text.split('/')
        .map(row)
        .collect::<Result<_, _>>()
        .map_err(|_| "use rows of numbers separated by slashes: 1 2 3 / 2 3 4 / 3 4 4".to_owned())
}

fn read_demands(text: &str) -> Result<Demands, String> {
    if text == "none" {
        return Ok(Demands::default());
    }
    text.split(',')
        .map(|name| {
            let demand: Result<ResolveDemand, _> = name.trim().parse();
            demand.map(|demand| demand.to_string()).map_err(|fault| fault.to_string())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_is_typed_row_by_row() {
        assert_eq!(*read_matrix("1 2 / 2 3").unwrap(), [vec![1, 2], vec![2, 3]]);
        assert!(read_matrix("1 x").is_err());
    }

    #[test]
    fn demands_are_names_or_none() {
        assert_eq!(*read_demands("category, assignee").unwrap(), ["category", "assignee"]);
        assert!(read_demands("none").unwrap().is_empty());
        assert!(read_demands("mood").unwrap_err().contains("use one of: category"));
    }
}
