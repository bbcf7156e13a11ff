//! The settings of an organization, and changing them.

use waypost_domain::{
    calendar::hours::{self, DayHours},
    ids::TeamId,
    organization::{OrgSettings, ResolveDemand},
    priority::{Level, Matrix},
    refusal::Faults,
    said::Said,
};
use waypost_store::{ReadTx, StoreError, organization, person, team};

use super::{
    OrganizationView,
    major_rules::{self, MajorRuleEdit},
    view, within_reach,
};
use crate::{
    Caller, CommandError, Desk,
    input::{Reading, must_be_at, set},
    refs,
    tickets::PersonRef,
};

/// Which settings change. None leaves one; `Some(None)` empties it.
#[derive(Debug, Clone, Default)]
pub struct OrganizationEdit {
    /// The name people read.
    pub name: Option<String>,
    /// The IANA zone of its days and working hours.
    pub zone: Option<String>,
    /// When it works.
    pub working_hours: Option<Vec<DayHours>>,
    /// The priority for each impact (row) and urgency (column); 2×2 to 5×5.
    pub matrix: Option<Vec<Vec<u8>>>,
    /// The key of the team, one of its own, that owns what no policy routes.
    pub fallback_team: Option<String>,
    /// Votes where an approval has no voter left.
    pub fallback_approver: Option<Option<PersonRef>>,
    /// How long after its resolution a ticket can be reopened, in days.
    pub reopen_window_days: Option<u16>,
    /// How long after its resolution a ticket closes by itself, in days; 0 for never.
    pub auto_close_days: Option<u16>,
    /// Whether a caller's reply to a resolved incident reopens it.
    pub caller_reply_reopens: Option<bool>,
    /// Whether letters that ask for a vote carry a link to vote with.
    pub votes_by_mail: Option<bool>,
    /// How long receipts are kept, in days.
    pub receipt_retention_days: Option<u16>,
    /// What resolving demands beside code and notes: `category`, `service_or_ci`, `assignee`.
    pub resolve_demands: Option<Vec<String>>,
    /// By which signs a major incident is found, all rules; the first that matches wins.
    pub major_rules: Option<Vec<MajorRuleEdit>>,
}

/// Changes the caller's organization, or one below it. For administrators.
///
/// # Errors
/// [`CommandError::NotFound`] for an organization out of reach, [`CommandError::Stale`] if it is
/// not at the expected version any more, [`CommandError::Invalid`] with every wrong field.
pub async fn update(
    desk: &Desk,
    caller: &Caller,
    key: &str,
    edit: OrganizationEdit,
    expected_version: Option<i64>,
) -> Result<OrganizationView, CommandError> {
    caller.must_be_admin()?;
    let found = within_reach(desk, caller, key).await?;
    let mut tx = desk.store.write(found.id).await?.noted_in(&caller.commit);
    let mut organization = organization::load(&mut tx).await?;
    must_be_at(organization.version, expected_version)?;

    let mut faults = Faults::new();
    if let Some(name) = &edit.name {
        set(&mut organization.name, faults.name("/name", name));
    }
    let settings = &mut organization.settings;
    if let Some(given) = &edit.major_rules {
        // Before what checks all settings.
        settings.major_rules = major_rules::read(&mut tx, &mut faults, given).await?;
    }
    change_plain(settings, &mut faults, &edit);
    if let Some(key) = &edit.fallback_team {
        set(&mut settings.fallback_team, own_team(&mut tx, &mut faults, key).await?);
    }
    if let Some(named) = &edit.fallback_approver {
        let pointer = "/fallback_approver";
        let approver = refs::person_if(&mut tx, &mut faults, pointer, named.as_ref()).await?;
        if let Some(id) = approver.flatten()
            && let Some(person) = person::find(&mut tx, id).await?
            && person.active
            && !person.can_vote_in(found.id)
        {
            let message = Said::as_is("An auditor cannot vote; name somebody with another role.");
            faults.wrong(pointer, "cannot-vote", message);
        }
        set(&mut settings.fallback_approver, approver);
    }
    faults.refuse_any()?;

    organization::update(&mut tx, &mut organization).await?;
    let view = view(&mut tx, organization).await?;
    tx.commit().await?;
    tracing::info!(org.id = %found.id, "organization changed");
    Ok(view)
}

/// The settings that name nobody.
fn change_plain(settings: &mut OrgSettings, faults: &mut Faults, edit: &OrganizationEdit) {
    if let Some(zone) = &edit.zone {
        set(&mut settings.zone, faults.zone_if("/zone", Some(zone)).flatten());
    }
    if let Some(lines) = &edit.working_hours {
        set(&mut settings.working_hours, hours::week(faults, "/working_hours", lines));
    }
    if let Some(rows) = &edit.matrix {
        let rows = rows.iter().map(|row| row.iter().copied().map(Level).collect()).collect();
        set(&mut settings.matrix, faults.take("/matrix", Matrix::new(rows)));
    }
    set(&mut settings.reopen_window_days, edit.reopen_window_days);
    set(&mut settings.auto_close_days, edit.auto_close_days);
    set(&mut settings.caller_reply_reopens, edit.caller_reply_reopens);
    set(&mut settings.votes_by_mail, edit.votes_by_mail);
    set(&mut settings.receipt_retention_days, edit.receipt_retention_days);
    if let Some(names) = &edit.resolve_demands {
        set(&mut settings.resolve_demands, demands(faults, names));
    }
    settings.check(faults);
}

fn demands(faults: &mut Faults, names: &[String]) -> Option<Vec<ResolveDemand>> {
    let read = |(index, name): (usize, &String)| {
        faults.parse::<ResolveDemand>(&format!("/resolve_demands/{index}"), name)
    };
    // Collected first, so that every wrong name is noted and not the first alone.
    let read = names.iter().enumerate().map(read).collect::<Vec<_>>();
    let mut demands = read.into_iter().collect::<Option<Vec<_>>>()?;
    demands.sort_unstable();
    demands.dedup();
    Some(demands)
}

/// The fallback team is the organization's own, so that nobody else can take it away.
async fn own_team(
    tx: &mut ReadTx,
    faults: &mut Faults,
    key: &str,
) -> Result<Option<TeamId>, StoreError> {
    let own = team::find_by_key(tx, key).await?;
    if let Some(team) = own.filter(|team| team.active) {
        return Ok(Some(team.id));
    }
    let message = Said::as_is(format!("The organization has no active team `{key}` of its own."));
    faults.wrong("/fallback_team", "unknown", message);
    Ok(None)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn every_wrong_setting_is_named() {
        let mut settings = OrgSettings::new(TeamId(Uuid::nil()));
        let mut faults = Faults::new();
        let edit = OrganizationEdit {
            zone: Some("Europe/Atlantis".to_owned()),
            matrix: Some(vec![vec![1, 2], vec![3]]),
            receipt_retention_days: Some(0),
            resolve_demands: Some(vec!["category".to_owned(), "mood".to_owned()]),
            ..OrganizationEdit::default()
        };
        change_plain(&mut settings, &mut faults, &edit);
        let pointers = faults.into_vec().into_iter().map(|fault| fault.pointer);
        assert_eq!(
            pointers.collect::<Vec<_>>(),
            ["/zone", "/matrix", "/resolve_demands/1", "/receipt_retention_days"]
        );
    }

    #[test]
    fn settings_that_are_right_change() {
        let mut settings = OrgSettings::new(TeamId(Uuid::nil()));
        let mut faults = Faults::new();
        let edit = OrganizationEdit {
            zone: Some("Europe/Berlin".to_owned()),
            auto_close_days: Some(0),
            caller_reply_reopens: Some(false),
            resolve_demands: Some(vec!["category".to_owned(), "category".to_owned()]),
            ..OrganizationEdit::default()
        };
        change_plain(&mut settings, &mut faults, &edit);
        assert!(faults.is_empty());
        assert_eq!(settings.zone.name(), "Europe/Berlin");
        assert_eq!(settings.auto_close_days, 0);
        assert!(!settings.caller_reply_reopens);
        assert_eq!(settings.resolve_demands, [ResolveDemand::Category]);
    }
}
