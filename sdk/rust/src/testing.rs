//! A test kit: runs a policy natively, with tickets and contexts that say only what a test is
//! about.
//!
//! ```
//! use waypost_sdk::testing::{Harness, context, head, incident, team};
//! use waypost_sdk::{Context, Head, Team};
//! # use waypost_sdk::{Assignment, Binding, Decline, Need, Policy, Route, SettingsError, Ticket};
//! # #[derive(serde::Deserialize, schemars::JsonSchema)]
//! # struct Settings { team: String }
//! # struct OneDesk(String);
//! # impl Policy for OneDesk {
//! #     type Settings = Settings;
//! #     fn new(settings: Settings, _: &Binding) -> Result<Self, Vec<SettingsError>> {
//! #         Ok(Self(settings.team))
//! #     }
//! # }
//! # impl Route for OneDesk {
//! #     fn needs() -> Vec<Need> { vec![Need::TeamLoads] }
//! #     fn route(&self, _: &Ticket, _: &Context) -> Result<Assignment, Decline> {
//! #         Ok(Assignment::to(&self.0))
//! #     }
//! # }
//!
//! let desk = Harness::<OneDesk>::new(&serde_json::json!({ "team": "network" })).unwrap();
//! let outage = incident(Head { priority: Some(1), ..head("the Wi-Fi is down") });
//! let network = Team { load: Some(450), ..team("network") };
//! let busy = Context { teams: Some(vec![network]), ..context() };
//!
//! assert_eq!(desk.route(&outage, &busy).unwrap().team.unwrap().value, "network");
//! ```
//!
//! Like the host, the harness checks settings against their schema first, with the same words, and
//! passes only those facts of the context that the hook declared as needed.

use std::cell::RefCell;

use crate::log::Level;
use crate::{
    ActorKind, ApprovalPlan, Assignment, Binding, Categorization, Categorize, Channel, Ci, Context,
    Criticality, Decline, Details, Event, EventKind, Head, IncidentDetails, Moment, Need,
    Notifications, Notify, Nudge, Person, Phase, Plan, Policy, ProblemDetails, RequestDetails,
    Route, Service, SettingsError, Stalled, Tally, TaskDetails, Team, Ticket, WaitingApproval,
    settings,
};

/// A configured policy under test.
#[derive(Debug)]
pub struct Harness<P> {
    policy: P,
}

impl<P: Policy> Harness<P> {
    /// Configures the policy as the host would, without data files, and without naming the hooks
    /// that will be asked.
    pub fn new(settings: &serde_json::Value) -> Result<Self, Vec<SettingsError>> {
        Self::bound(settings, &Binding::default())
    }

    /// Configures the policy as the host would.
    pub fn bound(
        settings: &serde_json::Value,
        binding: &Binding,
    ) -> Result<Self, Vec<SettingsError>> {
        let text = settings.to_string();
        check(&settings::schema_of::<P::Settings>(), &text)?;
        let policy = P::new(settings::read(&text)?, binding)?;
        Ok(Self { policy })
    }

    /// Asks the policy to categorize.
    pub fn categorize(&self, ticket: &Ticket, context: &Context) -> Result<Categorization, Decline>
    where
        P: Categorize,
    {
        self.policy.categorize(ticket, &only_needed(context, &<P as Categorize>::needs()))
    }

    /// Asks the policy to route.
    pub fn route(&self, ticket: &Ticket, context: &Context) -> Result<Assignment, Decline>
    where
        P: Route,
    {
        self.policy.route(ticket, &only_needed(context, &<P as Route>::needs()))
    }

    /// Asks the policy who must approve.
    pub fn plan(&self, ticket: &Ticket, context: &Context) -> Result<ApprovalPlan, Decline>
    where
        P: Plan,
    {
        self.policy.plan(ticket, &only_needed(context, &<P as Plan>::needs()))
    }

    /// Asks the policy about an outstanding vote.
    pub fn stalled(
        &self,
        ticket: &Ticket,
        approval: &WaitingApproval,
        context: &Context,
    ) -> Result<Nudge, Decline>
    where
        P: Stalled,
    {
        self.policy.stalled(ticket, approval, &only_needed(context, &<P as Stalled>::needs()))
    }

    /// Asks the policy who is notified of an event.
    pub fn notify(
        &self,
        event: &Event,
        ticket: &Ticket,
        context: &Context,
    ) -> Result<Notifications, Decline>
    where
        P: Notify,
    {
        self.policy.notify(event, ticket, &only_needed(context, &<P as Notify>::needs()))
    }
}

/// Checks settings against their schema, as the host does before the policy sees them.
#[cfg(not(target_family = "wasm"))]
fn check(schema: &str, settings: &str) -> Result<(), Vec<SettingsError>> {
    let refused = |message: String| vec![SettingsError::at("", message)];
    let schema = serde_json::from_str(schema).map_err(|error| refused(error.to_string()))?;
    let schema = waypost_settings::SettingsSchema::compile(&schema)
        .map_err(|message| refused(format!("the host refuses the settings' schema: {message}")))?;
    schema.check(settings).map_err(|errors| {
        errors.into_iter().map(|wrong| SettingsError::at(wrong.path, wrong.message)).collect()
    })
}

/// A component leaves the check to the host.
#[cfg(target_family = "wasm")]
fn check(_schema: &str, _settings: &str) -> Result<(), Vec<SettingsError>> {
    Ok(())
}

/// The context without the facts that are not needed, as the host passes it.
fn only_needed(context: &Context, needs: &[Need]) -> Context {
    let needed = |need| needs.contains(&need);
    let mut context = context.clone();
    if !needed(Need::Requester) {
        context.requester = None;
    }
    if !needed(Need::Manager) {
        context.manager = None;
    }
    let teams = [Need::Teams, Need::TeamLoads, Need::TeamMembers, Need::OnCall];
    if !teams.into_iter().any(needed) {
        context.teams = None;
    }
    for team in context.teams.iter_mut().flatten() {
        if !needed(Need::TeamLoads) {
            (team.load, team.open_tickets) = (None, None);
        }
        if !needed(Need::TeamMembers) {
            team.members = None;
        }
        if !needed(Need::OnCall) {
            team.on_call = None;
        }
    }
    if !needed(Need::Service) {
        context.service = None;
    }
    if !needed(Need::Ci) && !needed(Need::OpenOnCi) {
        context.ci = None;
    }
    if let Some(ci) = context.ci.as_mut().filter(|_| !needed(Need::OpenOnCi)) {
        ci.open_tickets = None;
    }
    if !needed(Need::Services) {
        context.services = None;
    }
    context
}

/// An incident from the portal that nobody has categorized, opened on Monday, 2026-06-01, at 10:00
/// in Berlin by the person `requester`.
#[must_use]
pub fn ticket(short_description: &str) -> Ticket {
    incident(head(short_description))
}

/// An incident with this head.
#[must_use]
pub fn incident(head: Head) -> Ticket {
    Ticket { head, details: Details::Incident(incident_details()) }
}

/// A free-text request with this head.
#[must_use]
pub fn request(head: Head) -> Ticket {
    Ticket { head, details: Details::Request(request_details()) }
}

/// A problem with this head, which has no requester.
#[must_use]
pub fn problem(head: Head) -> Ticket {
    let head = Head { requester: None, ..head };
    Ticket { head, details: Details::Problem(problem_details()) }
}

/// A task with this head.
#[must_use]
pub fn task(head: Head) -> Ticket {
    Ticket { head, details: Details::Task(task_details()) }
}

/// What tickets of every kind have: new, from the portal, opened on Monday, 2026-06-01, at 10:00 in
/// Berlin by the person `requester`. Nobody has said anything else about it.
#[must_use]
pub fn head(short_description: &str) -> Head {
    Head {
        id: "0198c0de-0000-7000-8000-000000000042".to_owned(),
        number: Some("INC0000042".to_owned()),
        state: "new".to_owned(),
        phase: Phase::Open,
        state_since: "2026-06-01T08:00:00Z".to_owned(),
        outcome: None,
        channel: Channel::Portal,
        short_description: short_description.to_owned(),
        description: String::new(),
        requester: Some("requester".to_owned()),
        opened_by: None,
        opened_at: "2026-06-01T08:00:00Z".to_owned(),
        category: Vec::new(),
        service: None,
        ci: None,
        cis: Vec::new(),
        impact: None,
        urgency: None,
        priority: None,
        team: None,
        assignee: None,
        watchers: Vec::new(),
        tags: Vec::new(),
        parent: None,
        reopen_count: 0,
        waiting_on: None,
        comments: Vec::new(),
        fields: Vec::new(),
    }
}

/// What only incidents have: not a major one, nobody is known to be affected, nothing is promised.
#[must_use]
pub fn incident_details() -> IncidentDetails {
    IncidentDetails { major_state: None, affected_users: None, eta: None }
}

/// What only requests have: a free-text request that costs nothing.
#[must_use]
pub fn request_details() -> RequestDetails {
    RequestDetails {
        catalog_item: None,
        quantity: 1,
        cost: None,
        answers: Vec::new(),
        expected_at: None,
    }
}

/// What only problems have: nothing is known yet.
#[must_use]
pub fn problem_details() -> ProblemDetails {
    ProblemDetails { known_error: false, symptom: None, root_cause: None, workaround: None }
}

/// What only tasks have: a mandatory one.
#[must_use]
pub fn task_details() -> TaskDetails {
    TaskDetails { mandatory: true }
}

/// The organization `acme`, which asks a policy of its own, on Monday, 2026-06-01, at 10:00 in
/// Berlin, a working hour. It has no teams and no services; nothing is known of the ticket's
/// requester, service and configuration item.
#[must_use]
pub fn context() -> Context {
    Context {
        now: Moment {
            utc: "2026-06-01T08:00:00Z".to_owned(),
            local_date: "2026-06-01".to_owned(),
            weekday: 1,
            minute_of_day: 600,
            utc_offset: 120,
            zone: "Europe/Berlin".to_owned(),
            working_time: true,
        },
        organization: "acme".to_owned(),
        layer: "acme".to_owned(),
        lineage: vec!["acme".to_owned()],
        fallback_approver: None,
        requester: None,
        manager: None,
        teams: Some(Vec::new()),
        service: None,
        ci: None,
        services: Some(Vec::new()),
    }
}

/// A team of `acme` at work, without a lead, members, anybody on call or open tickets. Its name is
/// its key. The harness hides what the hook does not need.
#[must_use]
pub fn team(key: &str) -> Team {
    Team {
        organization: "acme".to_owned(),
        key: key.to_owned(),
        name: key.to_owned(),
        open_now: true,
        lead: None,
        load: Some(0),
        open_tickets: Some(0),
        on_call: Some(Vec::new()),
        members: Some(Vec::new()),
    }
}

/// A person with an address, in the organization's zone, no VIP, without a location or a manager.
/// The name is the id.
#[must_use]
pub fn person(id: &str) -> Person {
    Person {
        id: id.to_owned(),
        name: id.to_owned(),
        email: Some(format!("{id}@acme.example")),
        vip: false,
        location: None,
        manager: None,
        zone: None,
        language: None,
        fields: Vec::new(),
    }
}

/// A service of normal criticality, without owner or support team. Its name is its key.
#[must_use]
pub fn service(key: &str) -> Service {
    Service {
        key: key.to_owned(),
        name: key.to_owned(),
        criticality: Criticality::Medium,
        owner: None,
        support_team: None,
        fields: Vec::new(),
    }
}

/// A server of normal criticality, without service or support team. Its name is its key.
#[must_use]
pub fn ci(key: &str) -> Ci {
    Ci {
        key: key.to_owned(),
        name: key.to_owned(),
        class: "server".to_owned(),
        criticality: Criticality::Medium,
        service: None,
        support_team: None,
        open_tickets: Some(0),
        fields: Vec::new(),
    }
}

/// An event that the person `agent` caused.
#[must_use]
pub fn event(kind: EventKind) -> Event {
    Event {
        id: "0198c0de-0000-7000-8000-000000000043".to_owned(),
        kind,
        cause: None,
        actor: ActorKind::User,
        actor_person: Some("agent".to_owned()),
        changes: Vec::new(),
        text: None,
        approvers: Vec::new(),
    }
}

/// A vote of the person `approver`, whose manager is `boss`, that has just been asked for. It is
/// the only one of its step.
#[must_use]
pub fn waiting_approval(step: &str) -> WaitingApproval {
    WaitingApproval {
        step: step.to_owned(),
        seat: "approver".to_owned(),
        voter: "approver".to_owned(),
        voter_manager: Some("boss".to_owned()),
        requested_at: "2026-06-01T08:00:00Z".to_owned(),
        due_at: None,
        waiting_hours: 0,
        reminders: 0,
        delegated: false,
        mandatory: false,
        tally: Tally { needed: 1, approved: 0, rejected: 0, outstanding: 1 },
    }
}

thread_local! {
    static LINES: RefCell<Vec<(Level, String)>> = const { RefCell::new(Vec::new()) };
}

/// Keeps a line that a policy logged.
pub(crate) fn note(level: Level, message: &str) {
    LINES.with_borrow_mut(|lines| lines.push((level, message.to_owned())));
}

/// Takes the lines that policies logged on this thread since the last call.
#[must_use]
pub fn logged() -> Vec<(Level, String)> {
    LINES.take()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_hook_does_not_need_it_does_not_know() {
        let desk = Context {
            requester: Some(person("requester")),
            manager: Some(person("boss")),
            teams: Some(vec![team("network")]),
            service: Some(service("vpn")),
            ci: Some(ci("gw-1")),
            ..context()
        };
        let nothing = only_needed(&desk, &[]);
        assert_eq!((nothing.requester, nothing.manager), (None, None));
        assert_eq!((nothing.teams, nothing.services), (None, None));
        assert_eq!((nothing.service, nothing.ci), (None, None));

        // A router that forgot to ask for loads knows none; it does not see idle teams.
        let teams = only_needed(&desk, &[Need::Teams]).teams.expect("the teams are needed");
        let [network] = teams.as_slice() else { panic!("{teams:?}") };
        assert!(network.open_now);
        assert_eq!((network.load, network.open_tickets), (None, None));
        assert_eq!((&network.on_call, &network.members), (&None, &None));

        let all = [Need::TeamLoads, Need::OnCall, Need::TeamMembers];
        assert_eq!(only_needed(&desk, &all).teams, desk.teams);
        let counted = |needs: &[Need]| only_needed(&desk, needs).ci.and_then(|ci| ci.open_tickets);
        assert_eq!((counted(&[Need::Ci]), counted(&[Need::OpenOnCi])), (None, Some(0)));
    }
}
