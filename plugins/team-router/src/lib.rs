#![doc = include_str!("../README.md")]

mod escalation;
mod routing;
mod settings;

use waypost_sdk::rules::Rules;
use waypost_sdk::{
    Assignment, Clocks, Context, DataFile, Decline, Escalate, Escalation, Need, Policy, Route,
    SettingsError, Team, Ticket,
};

pub use settings::{Assign, Clock, Inform, Rule, Settings, Step, Supported, Target, WhenClosed};

/// Rules about teams and steps up, indexed.
#[derive(Debug)]
pub struct TeamRouter {
    index: Rules,
    rules: Vec<Rule>,
    fallback: Option<String>,
    step_index: Rules,
    steps: Vec<Step>,
}

impl Policy for TeamRouter {
    type Settings = Settings;

    fn new(settings: Settings, _data: &[DataFile]) -> Result<Self, Vec<SettingsError>> {
        let Settings { rules, fallback, escalation: steps } = settings;
        let (mut index, mut step_index) = (Rules::default(), Rules::default());
        let mut errors = Vec::new();
        for (place, rule) in rules.iter().enumerate() {
            index.add(&rule.when, &format!("/rules/{place}/when"), &mut errors);
            if matches!(&rule.to, Target::LeastLoaded(teams) if teams.is_empty()) {
                let pointer = format!("/rules/{place}/to/least_loaded");
                errors.push(SettingsError::at(pointer, "name at least one team"));
            }
        }
        for (place, step) in steps.iter().enumerate() {
            step_index.add(&step.when, &format!("/escalation/{place}/when"), &mut errors);
            if step.team.is_none() && step.inform.is_empty() {
                let message = "the step does nothing; name a team or somebody to inform";
                errors.push(SettingsError::at(format!("/escalation/{place}"), message));
            }
        }
        if errors.is_empty() {
            Ok(Self { index, rules, fallback, step_index, steps })
        } else {
            Err(errors)
        }
    }
}

impl Route for TeamRouter {
    fn needs() -> Vec<Need> {
        vec![Need::Requester, Need::Teams, Need::TeamLoads, Need::OnCall, Need::Service, Need::Ci]
    }

    fn route(&self, ticket: &Ticket, context: &Context) -> Result<Assignment, Decline> {
        self.assign(ticket, context)
    }
}

impl Escalate for TeamRouter {
    fn needs() -> Vec<Need> {
        vec![Need::Requester, Need::Teams, Need::OnCall]
    }

    fn escalate(
        &self,
        ticket: &Ticket,
        clocks: &Clocks,
        context: &Context,
    ) -> Result<Option<Escalation>, Decline> {
        self.step_up(ticket, clocks, context)
    }
}

/// The team with a key, if it is there to take tickets.
fn find<'a>(context: &'a Context, key: &str) -> Option<&'a Team> {
    context.teams.iter().find(|team| team.key == key)
}

waypost_sdk::export!(TeamRouter: route, escalate);
