//! A test kit: runs a policy natively, with tickets and contexts that need only what a test is about.
//!
//! ```
//! use waypost_sdk::testing::{Harness, context, team, ticket};
//! use waypost_sdk::{Context, Team, Ticket};
//! # use waypost_sdk::{Assignment, DataFile, Decline, Need, Policy, Route, SettingsError};
//! # #[derive(serde::Deserialize, schemars::JsonSchema)]
//! # struct Settings { team: String }
//! # struct OneDesk(String);
//! # impl Policy for OneDesk {
//! #     type Settings = Settings;
//! #     fn new(settings: Settings, _: &[DataFile]) -> Result<Self, Vec<SettingsError>> {
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
//! let outage = Ticket { priority: Some(1), ..ticket("the Wi-Fi is down") };
//! let busy = Context { teams: vec![Team { load: 450, ..team("network") }], ..context() };
//!
//! assert_eq!(desk.route(&outage, &busy).unwrap().team, "network");
//! ```
//!
//! Like the host, the harness passes only those facts of the context that the hook declared to need.

use std::cell::RefCell;

use crate::log::Level;
use crate::{
    ActorKind, ApprovalPlan, Assignment, Categorization, Categorize, Channel, Ci, Clocks, Context,
    Criticality, DataFile, Decline, Escalate, Escalation, Event, EventKind, Kind, Moment, Need,
    Notifications, Notify, Nudge, Person, Plan, Policy, Route, Service, SettingsError, Stalled,
    Team, Ticket, WaitingApproval, settings,
};

/// A configured policy under test.
#[derive(Debug)]
pub struct Harness<P> {
    policy: P,
}

impl<P: Policy> Harness<P> {
    /// Configures the policy as the host would, without data files.
    pub fn new(settings: &serde_json::Value) -> Result<Self, Vec<SettingsError>> {
        Self::with_data(settings, &[])
    }

    /// Configures the policy as the host would.
    pub fn with_data(
        settings: &serde_json::Value,
        data: &[DataFile],
    ) -> Result<Self, Vec<SettingsError>> {
        let policy = P::new(settings::read(&settings.to_string())?, data)?;
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

    /// Asks the policy whether to escalate.
    pub fn escalate(
        &self,
        ticket: &Ticket,
        clocks: &Clocks,
        context: &Context,
    ) -> Result<Option<Escalation>, Decline>
    where
        P: Escalate,
    {
        self.policy.escalate(ticket, clocks, &only_needed(context, &<P as Escalate>::needs()))
    }

    /// Asks the policy who must agree.
    pub fn plan(&self, ticket: &Ticket, context: &Context) -> Result<ApprovalPlan, Decline>
    where
        P: Plan,
    {
        self.policy.plan(ticket, &only_needed(context, &<P as Plan>::needs()))
    }

    /// Asks the policy about an approval that waits.
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

    /// Asks the policy who hears of an event.
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

/// The context with every fact emptied that is not needed, as the host passes it.
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
        context.teams.clear();
    }
    for team in &mut context.teams {
        if !needed(Need::TeamLoads) {
            (team.load, team.open_tickets) = (0, 0);
        }
        if !needed(Need::TeamMembers) {
            team.members.clear();
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
        ci.open_tickets = 0;
    }
    if !needed(Need::Services) {
        context.services.clear();
    }
    context
}

/// An incident from the portal that nobody has categorized, opened on Monday, 2026-06-01, at 10:00 in Berlin by the
/// person `requester`.
#[must_use]
pub fn ticket(short_description: &str) -> Ticket {
    Ticket {
        id: "0198c0de-0000-7000-8000-000000000042".to_owned(),
        number: "INC0000042".to_owned(),
        kind: Kind::Incident,
        state: "new".to_owned(),
        channel: Channel::Portal,
        short_description: short_description.to_owned(),
        description: String::new(),
        requester: "requester".to_owned(),
        category: Vec::new(),
        service: None,
        ci: None,
        impact: None,
        urgency: None,
        priority: None,
        team: None,
        assignee: None,
        tags: Vec::new(),
        catalog_item: None,
        cost: None,
        answers: Vec::new(),
        opened_at: "2026-06-01T08:00:00Z".to_owned(),
        major_state: None,
    }
}

/// The organization `acme` on Monday, 2026-06-01, at 10:00 in Berlin, a working hour; no other facts.
#[must_use]
pub fn context() -> Context {
    Context {
        now: Moment {
            utc: "2026-06-01T08:00:00Z".to_owned(),
            local_date: "2026-06-01".to_owned(),
            weekday: 1,
            minute_of_day: 600,
            zone: "Europe/Berlin".to_owned(),
            working_time: true,
        },
        organization: "acme".to_owned(),
        requester: None,
        manager: None,
        teams: Vec::new(),
        fallback_approver: None,
        service: None,
        ci: None,
        services: Vec::new(),
    }
}

/// A team at work, without a lead, members, anybody on call or open tickets. Its name is its key.
#[must_use]
pub fn team(key: &str) -> Team {
    Team {
        key: key.to_owned(),
        name: key.to_owned(),
        open_now: true,
        load: 0,
        open_tickets: 0,
        on_call: None,
        lead: None,
        members: Vec::new(),
    }
}

/// A person with an address, without special care, place or manager. The name is the id.
#[must_use]
pub fn person(id: &str) -> Person {
    Person {
        id: id.to_owned(),
        name: id.to_owned(),
        email: Some(format!("{id}@acme.example")),
        vip: false,
        location: None,
        manager: None,
    }
}

/// A service that matters normally, without owner or support team. Its name is its key.
#[must_use]
pub fn service(key: &str) -> Service {
    Service {
        key: key.to_owned(),
        name: key.to_owned(),
        criticality: Criticality::Medium,
        owner: None,
        support_team: None,
    }
}

/// A server that matters normally, without service or support team. Its name is its key.
#[must_use]
pub fn ci(key: &str) -> Ci {
    Ci {
        key: key.to_owned(),
        name: key.to_owned(),
        class: "server".to_owned(),
        criticality: Criticality::Medium,
        service: None,
        support_team: None,
        open_tickets: 0,
    }
}

/// An event that a person, `agent`, caused.
#[must_use]
pub fn event(kind: EventKind) -> Event {
    Event {
        kind,
        actor: ActorKind::User,
        actor_person: Some("agent".to_owned()),
        before_state: None,
        text: None,
        approvers: Vec::new(),
    }
}

/// An approval that has just been asked of the person `approver`, whose manager is `boss`.
#[must_use]
pub fn waiting_approval(step: &str) -> WaitingApproval {
    WaitingApproval {
        step: step.to_owned(),
        requested_at: "2026-06-01T08:00:00Z".to_owned(),
        waiting_hours: 0,
        reminders: 0,
        escalated: false,
        mandatory: false,
        approver: "approver".to_owned(),
        approver_manager: Some("boss".to_owned()),
    }
}

/// The clocks of a ticket that has just come in and has no assignee.
#[must_use]
pub fn clocks() -> Clocks {
    Clocks { age_minutes: 0, unassigned_minutes: 0, idle_minutes: 0, level: 0 }
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
