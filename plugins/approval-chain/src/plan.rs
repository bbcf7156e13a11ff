//! Who must agree.

use waypost_sdk::rules::Matches;
use waypost_sdk::{ApprovalPlan, Context, Decline, Money, Ticket};

use crate::ApprovalChain;
use crate::settings::{Approver, Cost, Otherwise, Quorum, Rule, Stage, StageRule, Step, Then};

impl ApprovalChain {
    pub(crate) fn plan_for(
        &self,
        ticket: &Ticket,
        context: &Context,
    ) -> Result<ApprovalPlan, Decline> {
        let matches = self.index.of(ticket, context);
        let cost = ticket.request().and_then(|request| request.cost.as_ref());
        let first = matches.iter().find(|&place| {
            let rule = &self.rules[place];
            rule.cost.as_ref().is_none_or(|range| covers(range, cost, &rule.then))
        });
        if let Some(place) = first {
            let rule = &self.rules[place];
            return Ok(verdict(&rule.then).because(reason(rule, &matches, place, cost)));
        }
        match self.otherwise {
            Otherwise::NextPolicy => Err(Decline::no_opinion("no rule matches")),
            Otherwise::Approve => Ok(ApprovalPlan::approve().because("no rule asks for approval")),
            Otherwise::AskManager => {
                let step = waypost_sdk::Step::any("manager", vec![waypost_sdk::Approver::Manager]);
                Ok(ApprovalPlan::ask(vec![waypost_sdk::Stage::all(vec![step])])
                    .because("no rule matches, so the manager is asked"))
            }
        }
    }
}

/// Whether a ticket's cost is in a rule's range. In another currency nobody can say, and then the
/// careful answer is right: a rule that asks or refuses applies, a rule that approves does not.
fn covers(range: &Cost, cost: Option<&Money>, then: &Then) -> bool {
    let Some(cost) = cost else { return range.at_least == 0 };
    if !cost.currency.eq_ignore_ascii_case(&range.currency) {
        return !matches!(then, Then::Approve);
    }
    cost.minor_units >= float(range.at_least)
        && range.below.is_none_or(|below| cost.minor_units < float(below))
}

/// Whole minor units as the contract carries them.
#[expect(
    clippy::cast_precision_loss,
    reason = "amounts beyond 2^53 minor units, ninety million millions, do not occur"
)]
fn float(minor_units: u64) -> f64 {
    minor_units as f64
}

fn verdict(then: &Then) -> ApprovalPlan {
    match then {
        Then::Approve => ApprovalPlan::approve(),
        Then::Refuse(reason) => ApprovalPlan::refuse(reason),
        Then::Ask(stages) => ApprovalPlan::ask(stages.iter().map(stage).collect()),
    }
}

fn stage(stage: &Stage) -> waypost_sdk::Stage {
    waypost_sdk::Stage {
        steps: stage.steps.iter().map(step).collect(),
        rule: match stage.rule {
            StageRule::All => waypost_sdk::StageRule::All,
            StageRule::Any => waypost_sdk::StageRule::Any,
            StageRule::Majority => waypost_sdk::StageRule::Majority,
            StageRule::FirstDecided => waypost_sdk::StageRule::FirstDecided,
        },
    }
}

fn step(step: &Step) -> waypost_sdk::Step {
    waypost_sdk::Step {
        name: step.name.clone(),
        approvers: step.approvers.iter().map(approver).collect(),
        mandatory: step.mandatory.iter().map(approver).collect(),
        quorum: match step.quorum {
            Quorum::Any => waypost_sdk::Quorum::Any,
            Quorum::All => waypost_sdk::Quorum::All,
            Quorum::Majority => waypost_sdk::Quorum::Majority,
            Quorum::Count(count) => waypost_sdk::Quorum::Count(count),
            Quorum::Percent(percent) => waypost_sdk::Quorum::Percent(percent),
        },
        veto: step.veto,
        due_hours: step.due_hours,
    }
}

fn approver(approver: &Approver) -> waypost_sdk::Approver {
    match approver {
        Approver::Manager => waypost_sdk::Approver::Manager,
        Approver::ManagerOf(id) => waypost_sdk::Approver::ManagerOf(id.clone()),
        Approver::ServiceOwner => waypost_sdk::Approver::ServiceOwner,
        Approver::CiOwner => waypost_sdk::Approver::CiOwner,
        Approver::AssigneeLead => waypost_sdk::Approver::AssigneeLead,
        Approver::Team(name) => waypost_sdk::Approver::Team(name.clone()),
        Approver::TeamLead(name) => waypost_sdk::Approver::TeamLead(name.clone()),
        Approver::Person(id) => waypost_sdk::Approver::Person(id.clone()),
    }
}

fn reason(rule: &Rule, matches: &Matches<'_>, place: usize, cost: Option<&Money>) -> String {
    let mut reason = format!("rule “{}”", rule.name);
    let words = matches.words_of(place);
    if !words.is_empty() {
        reason.push_str(": the text contains ");
        reason.push_str(&words);
    }
    if let (Some(range), Some(cost)) = (&rule.cost, cost)
        && !cost.currency.eq_ignore_ascii_case(&range.currency)
    {
        reason.push_str(", to be careful: its limit is in ");
        reason.push_str(&range.currency);
        reason.push_str(", the cost in ");
        reason.push_str(&cost.currency);
    }
    reason
}
