#![doc = include_str!("../README.md")]

mod routing;
mod settings;

use waypost_sdk::rules::Rules;
use waypost_sdk::{
    Assignment, Binding, Context, Decline, Need, Policy, Route, SettingsError, Ticket,
};

pub use settings::{
    Assign, FieldStrengths, Rule, Settings, Strengths, Supported, Target, WhenClosed,
};

/// Rules about teams, indexed.
#[derive(Debug)]
pub struct TeamRouter {
    index: Rules,
    rules: Vec<Rule>,
    fallback: Option<String>,
}

impl Policy for TeamRouter {
    type Settings = Settings;

    fn new(settings: Settings, _binding: &Binding) -> Result<Self, Vec<SettingsError>> {
        let Settings { rules, fallback } = settings;
        let mut index = Rules::default();
        let mut errors = Vec::new();
        for (place, rule) in rules.iter().enumerate() {
            index.add(&rule.when, &format!("/rules/{place}/when"), &mut errors);
            if matches!(&rule.to, Target::LeastLoaded(teams) if teams.is_empty()) {
                let pointer = format!("/rules/{place}/to/least_loaded");
                errors.push(SettingsError::at(pointer, "name at least one team"));
            }
        }
        if errors.is_empty() { Ok(Self { index, rules, fallback }) } else { Err(errors) }
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

waypost_sdk::export!(TeamRouter: route);
