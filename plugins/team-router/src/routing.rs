//! Who gets a ticket.

use waypost_sdk::rules::Matches;
use waypost_sdk::{Assignment, Context, Decline, Team, Ticket};

use crate::settings::{Assign, Rule, Supported, Target, WhenClosed};
use crate::{TeamRouter, find};

/// How sure the fallback is: it knows nothing about the ticket.
const FALLBACK_CONFIDENCE: u8 = 50;

impl TeamRouter {
    pub(crate) fn assign(&self, ticket: &Ticket, context: &Context) -> Result<Assignment, Decline> {
        let matches = self.index.of(ticket, context);
        // Why rules that matched did not get the ticket: the person who asks "why?" wants to know that too.
        let mut passed = Vec::new();
        for place in matches.iter() {
            let rule = &self.rules[place];
            match choose(&rule.to, context) {
                Ok(choice) => {
                    passed.push(reason(rule, &matches, place));
                    return Ok(assignment(rule, choice, passed, context));
                }
                Err(missing) => {
                    passed.push(format!("rule “{}” was passed over: {missing}", rule.name));
                }
            }
        }
        let Some(fallback) = &self.fallback else {
            passed.push("no rule takes the ticket, and there is no fallback".to_owned());
            return Err(Decline::NoOpinion(passed));
        };
        if find(context, fallback).is_none() {
            passed.push(format!("the fallback “{fallback}” is not a team that takes tickets"));
            return Err(Decline::NoOpinion(passed));
        }
        passed.push("no rule takes the ticket, so the fallback does".to_owned());
        let confidence = FALLBACK_CONFIDENCE;
        Ok(Assignment { confidence, reasons: passed, ..Assignment::to(fallback) })
    }
}

/// A team, and why this one if there was a choice.
struct Choice<'a> {
    team: &'a Team,
    because: Option<String>,
}

/// The team that a rule means, or what is missing.
fn choose<'a>(target: &Target, context: &'a Context) -> Result<Choice<'a>, String> {
    let key = match target {
        Target::LeastLoaded(keys) => return least_loaded(keys, context),
        Target::Team(key) => Some(key),
        Target::SupportTeamOf(Supported::Service) => {
            context.service.as_ref().and_then(|service| service.support_team.as_ref())
        }
        Target::SupportTeamOf(Supported::Ci) => {
            context.ci.as_ref().and_then(|ci| ci.support_team.as_ref())
        }
    };
    let key = key.ok_or_else(|| match target {
        Target::SupportTeamOf(Supported::Ci) => {
            "the ticket has no configuration item with a support team".to_owned()
        }
        _ => "the ticket has no service with a support team".to_owned(),
    })?;
    let team =
        find(context, key).ok_or_else(|| format!("“{key}” is not a team that takes tickets"))?;
    Ok(Choice { team, because: None })
}

fn least_loaded<'a>(keys: &[String], context: &'a Context) -> Result<Choice<'a>, String> {
    let team = keys
        .iter()
        .filter_map(|key| find(context, key))
        // Of equals the first, as the settings list them.
        .min_by_key(|team| (!team.open_now, team.load))
        .ok_or_else(|| "none of its teams takes tickets".to_owned())?;
    let because = format!(
        "“{}” has the least open work per head: {}.{:02} tickets",
        team.name,
        team.load / 100,
        team.load % 100
    );
    Ok(Choice { team, because: Some(because) })
}

fn assignment(
    rule: &Rule,
    choice: Choice<'_>,
    mut reasons: Vec<String>,
    context: &Context,
) -> Assignment {
    let Choice { mut team, because } = choice;
    reasons.extend(because);
    let mut assignee = None;
    if !team.open_now {
        match &rule.when_closed {
            Some(WhenClosed::Team(key)) => {
                if let Some(instead) = find(context, key) {
                    let closed = &team.name;
                    reasons
                        .push(format!("“{closed}” is closed now, so “{}” gets it", instead.name));
                    team = instead;
                }
            }
            Some(WhenClosed::OnCall) => {
                assignee.clone_from(&team.on_call);
                reasons.push(match assignee {
                    Some(_) => {
                        format!("“{}” is closed now, so whoever is on call gets it", team.name)
                    }
                    None => format!("“{}” is closed now, and nobody is on call", team.name),
                });
            }
            None => {}
        }
    }
    if assignee.is_none() && rule.assign == Assign::OnCall {
        assignee.clone_from(&team.on_call);
    }
    Assignment {
        team: team.key.clone(),
        assignee,
        watchers: rule.watchers.clone(),
        agreement: rule.agreement.clone(),
        strength: rule.strength.into(),
        confidence: rule.confidence,
        reasons,
    }
}

fn reason(rule: &Rule, matches: &Matches<'_>, place: usize) -> String {
    let words = matches.words_of(place);
    if words.is_empty() {
        format!("rule “{}”", rule.name)
    } else {
        format!("rule “{}”: the text holds {words}", rule.name)
    }
}
