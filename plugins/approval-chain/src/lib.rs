#![doc = include_str!("../README.md")]

mod plan;
mod settings;
mod stalled;

use waypost_sdk::rules::Rules;
use waypost_sdk::{
    ApprovalPlan, Binding, Context, Decline, Hook, Need, Nudge, Plan, Policy, SettingsError,
    Stalled, Ticket, WaitingApproval,
};

pub use settings::{
    Approver, Cost, Otherwise, Quorum, Rule, Settings, Stage, StageRule, Step, Then, Waiting,
};

/// Rules about approvals, indexed.
#[derive(Debug)]
pub struct ApprovalChain {
    index: Rules,
    rules: Vec<Rule>,
    otherwise: Otherwise,
    waiting: Waiting,
}

impl Policy for ApprovalChain {
    type Settings = Settings;

    fn new(settings: Settings, binding: &Binding) -> Result<Self, Vec<SettingsError>> {
        let Settings { rules, otherwise, waiting } = settings;
        let mut index = Rules::default();
        let mut errors = Vec::new();
        for (place, rule) in rules.iter().enumerate() {
            let pointer = format!("/rules/{place}");
            index.add(&rule.when, &format!("{pointer}/when"), &mut errors);
            check(rule, &pointer, &mut errors);
        }
        if binding.serves(Hook::Plan) && rules.is_empty() && otherwise == Otherwise::NextPolicy {
            let message = "every ticket would be left to the next policy; add a rule, or set \
                           `otherwise` to `approve` or `ask_manager`";
            errors.push(SettingsError::at("/rules", message));
        }
        waiting.check(&mut errors);
        if errors.is_empty() { Ok(Self { index, rules, otherwise, waiting }) } else { Err(errors) }
    }
}

/// Finds what a schema cannot say.
fn check(rule: &Rule, pointer: &str, errors: &mut Vec<SettingsError>) {
    let mut refuse = |place: String, message: &str| {
        errors.push(SettingsError::at(format!("{pointer}/{place}"), message));
    };
    if rule.cost.as_ref().is_some_and(|cost| cost.below.is_some_and(|below| below <= cost.at_least))
    {
        refuse("cost/below".to_owned(), "no cost matches; write more than in `at_least`");
    }
    let Then::Ask(stages) = &rule.then else { return };
    if stages.is_empty() {
        refuse("then/ask".to_owned(), "name at least one stage, or approve");
    }
    for (stage_place, stage) in stages.iter().enumerate() {
        if stage.steps.is_empty() {
            refuse(format!("then/ask/{stage_place}/steps"), "name at least one step");
        }
        for (step_place, step) in stage.steps.iter().enumerate() {
            let place = format!("then/ask/{stage_place}/steps/{step_place}");
            if step.approvers.is_empty() && step.mandatory.is_empty() {
                refuse(format!("{place}/approvers"), "name at least one approver");
            }
            match step.quorum {
                Quorum::Count(0) => refuse(format!("{place}/quorum/count"), "ask for at least one"),
                Quorum::Percent(0) => {
                    refuse(format!("{place}/quorum/percent"), "ask for at least one percent");
                }
                _ => {}
            }
        }
    }
}

impl Plan for ApprovalChain {
    // For rules about the requester. The host resolves the approvers.
    fn needs() -> Vec<Need> {
        vec![Need::Requester]
    }

    fn plan(&self, ticket: &Ticket, context: &Context) -> Result<ApprovalPlan, Decline> {
        self.plan_for(ticket, context)
    }
}

impl Stalled for ApprovalChain {
    fn stalled(
        &self,
        _ticket: &Ticket,
        approval: &WaitingApproval,
        _context: &Context,
    ) -> Result<Nudge, Decline> {
        Ok(self.waiting.nudge(approval))
    }
}

waypost_sdk::export!(ApprovalChain: plan, stalled);
