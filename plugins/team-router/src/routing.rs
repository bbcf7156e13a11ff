//! Who gets a ticket.

use waypost_sdk::rules::Matches;
use waypost_sdk::{Assignment, Context, Decline, Team, TextProposal, TextsProposal, Ticket};

use crate::TeamRouter;
use crate::settings::{Assign, Rule, Supported, Target, WhenClosed};

/// How sure the fallback is: it knows nothing about the ticket.
const FALLBACK_CONFIDENCE: u8 = 50;

impl TeamRouter {
    pub(crate) fn assign(&self, ticket: &Ticket, context: &Context) -> Result<Assignment, Decline> {
        if context.teams.is_none() {
            return Err(Decline::Incomplete("teams".to_owned()));
        }
        let matches = self.index.of(ticket, context);
        // Why rules that matched did not get the ticket: whoever asks "why?" wants to know that
        // too.
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
        let Some(team) = context.team(fallback) else {
            passed.push(format!("the fallback “{fallback}” is not a team that takes tickets"));
            return Err(Decline::NoOpinion(passed));
        };
        passed.push("no rule takes the ticket, so the fallback does".to_owned());
        let team = TextProposal::set(team.full_name()).confidence(FALLBACK_CONFIDENCE);
        Ok(Assignment { team: Some(team), reasons: passed, ..Assignment::default() })
    }
}

/// A team, and why this one if there was a choice.
struct Choice<'a> {
    team: &'a Team,
    because: Option<String>,
}

/// The team that a rule means, or what is missing.
fn choose<'a>(target: &Target, context: &'a Context) -> Result<Choice<'a>, String> {
    let name = match target {
        Target::LeastLoaded(names) => return least_loaded(names, context),
        Target::Team(name) => name.clone(),
        Target::SupportTeamOf(Supported::Service) => context
            .service
            .as_ref()
            .and_then(|service| service.support_team.as_ref())
            .ok_or("the ticket has no service with a support team")?
            .full_name(),
        Target::SupportTeamOf(Supported::Ci) => context
            .ci
            .as_ref()
            .and_then(|ci| ci.support_team.as_ref())
            .ok_or("the ticket has no configuration item with a support team")?
            .full_name(),
    };
    let team =
        context.team(&name).ok_or_else(|| format!("“{name}” is not a team that takes tickets"))?;
    Ok(Choice { team, because: None })
}

/// Of the teams that work now, or of all where none does, the one with the least work. A team whose
/// load nobody knows is not an idle one: it is chosen only where there is no choice.
fn least_loaded<'a>(names: &[String], context: &'a Context) -> Result<Choice<'a>, String> {
    let mut teams: Vec<_> = names.iter().filter_map(|name| context.team(name)).collect();
    if teams.iter().any(|team| team.open_now) {
        teams.retain(|team| team.open_now);
    }
    if let [team] = teams.as_slice() {
        return Ok(Choice {
            team, because: Some(format!("“{}” is the only choice", team.name))
        });
    }
    let (team, load) = teams
        .iter()
        .filter_map(|team| Some((*team, team.load?)))
        // Of equals the first, as the settings list them.
        .min_by_key(|(_, load)| *load)
        .ok_or(if teams.is_empty() {
            "none of its teams takes tickets"
        } else {
            "the loads of its teams are not known"
        })?;
    let because = format!(
        "“{}” has the least open work per head: {}.{:02} tickets",
        team.name,
        load / 100,
        load % 100
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
            Some(WhenClosed::Team(name)) => {
                if let Some(instead) = context.team(name) {
                    let closed = &team.name;
                    reasons
                        .push(format!("“{closed}” is closed now, so “{}” gets it", instead.name));
                    team = instead;
                }
            }
            Some(WhenClosed::OnCall) => {
                assignee = team.first_on_call();
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
        assignee = team.first_on_call();
    }
    let (is, confidence) = (rule.strength.each(), rule.confidence);
    let text = |value: String, strength: waypost_sdk::vocabulary::Strength| TextProposal {
        value,
        strength: strength.into(),
        confidence,
    };
    Assignment {
        team: Some(text(team.full_name(), is.team)),
        assignee: assignee.map(|person| text(person.to_owned(), is.assignee)),
        watchers: (!rule.watchers.is_empty()).then(|| TextsProposal {
            value: rule.watchers.clone(),
            strength: is.watchers.into(),
            confidence,
        }),
        reasons,
    }
}

fn reason(rule: &Rule, matches: &Matches<'_>, place: usize) -> String {
    let words = matches.words_of(place);
    if words.is_empty() {
        format!("rule “{}”", rule.name)
    } else {
        format!("rule “{}”: the text contains {words}", rule.name)
    }
}
