//! A runtime with its folder, and the questions that tests ask.

use std::sync::Arc;
use std::time::Duration;

use waypost_policy::question::{
    Channel, Context, Details, Head, IncidentDetails, Moment, Phase, Ticket,
};
use waypost_policy::testing::Guest;
use waypost_policy::{
    Answer, ArtifactKey, Decision, Digest, Dir, Failure, Hook, Limits, PolicyRuntime,
    PrepareRefused, Prepared, Question, RuntimeConfig, Seed, open_dir,
};

/// What guests are configured for.
pub(crate) const HOOKS: &[Hook] = &[Hook::Route, Hook::Plan];

/// A runtime and the folder that its artifacts are in.
pub(crate) struct Desk {
    pub(crate) runtime: Arc<PolicyRuntime>,
    pub(crate) folder: tempfile::TempDir,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self::with(config())
    }

    pub(crate) fn with(config: RuntimeConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = PolicyRuntime::open(config, open_dir(folder.path()).unwrap()).unwrap();
        Self { runtime, folder }
    }

    /// Starts another runtime on the same folder.
    pub(crate) fn restart(self, config: RuntimeConfig) -> Self {
        let Self { folder, runtime } = self;
        drop(runtime);
        let runtime = PolicyRuntime::open(config, open_dir(folder.path()).unwrap()).unwrap();
        Self { runtime, folder }
    }

    pub(crate) fn dir(&self) -> Dir {
        open_dir(self.folder.path()).unwrap()
    }

    /// Prepares a guest with empty settings.
    pub(crate) fn prepare(&self, guest: &Guest) -> Arc<Prepared> {
        self.prepare_with(guest, "{}").unwrap()
    }

    pub(crate) fn prepare_with(
        &self,
        guest: &Guest,
        settings: &str,
    ) -> Result<Arc<Prepared>, PrepareRefused> {
        let bytes = guest.build();
        let digest = Digest::of(&bytes);
        self.runtime.prepare(&|_| Ok(bytes.clone()), digest, settings, &[], HOOKS)
    }

    /// Asks a policy to route a ticket.
    pub(crate) fn route(&self, policy: &Prepared) -> Decision {
        self.runtime.decide(policy, question(), &limits(), Seed([7; 16]))
    }

    /// Makes a policy of a guest and asks it to route a ticket.
    pub(crate) fn ask(&self, guest: &Guest) -> Decision {
        self.route(&self.prepare(guest))
    }

    /// Makes sure that the runtime still serves a good policy.
    #[track_caller]
    pub(crate) fn assert_serves(&self) {
        assert_eq!(team(&self.ask(&Guest::new())), "network");
    }
}

/// Small, so that a test which fills it is quick.
pub(crate) fn config() -> RuntimeConfig {
    RuntimeConfig {
        artifact_key: Some(ArtifactKey::from([1; 32])),
        instances: 4,
        ..RuntimeConfig::default()
    }
}

/// The default limits, with a wall clock that a busy machine cannot reach before the fuel runs out.
pub(crate) fn limits() -> Limits {
    Limits { deadline: Duration::from_secs(30), ..Limits::default() }
}

pub(crate) fn question() -> Question {
    Question::Route { ticket: ticket(), context: context() }
}

pub(crate) fn ticket() -> Ticket {
    let at = || "2026-06-01T08:30:00Z".to_owned();
    let head = Head {
        id: "t-1".to_owned(),
        number: Some("INC0000001".to_owned()),
        state: "new".to_owned(),
        phase: Phase::Open,
        state_since: at(),
        outcome: None,
        channel: Channel::Portal,
        short_description: "The revenue portal is down".to_owned(),
        description: String::new(),
        requester: Some("p-1".to_owned()),
        opened_by: None,
        opened_at: at(),
        category: vec!["network".to_owned()],
        service: None,
        ci: None,
        cis: vec![],
        impact: Some(2),
        urgency: Some(1),
        priority: None,
        team: None,
        assignee: None,
        watchers: vec![],
        tags: vec![],
        parent: None,
        reopen_count: 0,
        waiting_on: None,
        comments: vec![],
        fields: vec![],
    };
    Ticket { head, details: Details::Incident(IncidentDetails::default()) }
}

pub(crate) fn context() -> Context {
    Context {
        now: Moment {
            utc: "2026-06-01T08:30:00.250000Z".to_owned(),
            local_date: "2026-06-01".to_owned(),
            weekday: 1,
            minute_of_day: 630,
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
        teams: None,
        service: None,
        ci: None,
        services: None,
    }
}

/// The team of a decision that must be an assignment.
#[track_caller]
pub(crate) fn team(decision: &Decision) -> &str {
    match &decision.outcome {
        Ok(Ok(Answer::Assignment(assignment))) => &assignment.team.as_ref().unwrap().value,
        other => panic!("not an assignment: {other:?}"),
    }
}

/// The reasons of a decision that must be an assignment.
#[track_caller]
pub(crate) fn reasons(decision: &Decision) -> &[String] {
    match &decision.outcome {
        Ok(Ok(Answer::Assignment(assignment))) => &assignment.reasons,
        other => panic!("not an assignment: {other:?}"),
    }
}

/// The failure of a decision that must have failed.
#[track_caller]
pub(crate) fn failure(decision: &Decision) -> &Failure {
    decision.outcome.as_ref().expect_err("the policy should have failed")
}
