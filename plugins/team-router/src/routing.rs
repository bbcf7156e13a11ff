//! Who gets a ticket.

use std::borrow::Cow;

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
        if context.team(fallback).is_none() {
            passed.push(format!("the fallback “{fallback}” is not a team that takes tickets"));
            return Err(Decline::NoOpinion(passed));
        }
        passed.push("no rule takes the ticket, so the fallback does".to_owned());
        let team = TextProposal::set(fallback).confidence(FALLBACK_CONFIDENCE);
        Ok(Assignment { team: Some(team), reasons: passed, ..Assignment::default() })
    }
}

/// A team that takes tickets, with the name by which the answer names it: as in the settings, or in
/// full if it was found in the context.
struct Named<'a> {
    name: Cow<'a, str>,
    team: &'a Team,
}

impl<'a> Named<'a> {
    fn find(name: impl Into<Cow<'a, str>>, context: &'a Context) -> Option<Self> {
        let name = name.into();
        let team = context.team(&name)?;
        Some(Self { name, team })
    }
}

/// A team, and why this one if there was a choice.
struct Choice<'a> {
    chosen: Named<'a>,
    because: Option<String>,
}

/// The team that a rule means, or what is missing.
fn choose<'a>(target: &'a Target, context: &'a Context) -> Result<Choice<'a>, String> {
    let name = match target {
        Target::LeastLoaded(names) => return least_loaded(names, context),
        Target::Team(name) => Cow::Borrowed(name.as_str()),
        Target::SupportTeamOf(Supported::Service) => {
            let service = context.service.as_ref();
            let team = service.and_then(|service| service.support_team.as_ref());
            team.ok_or("the ticket has no service with a support team")?.full_name().into()
        }
        Target::SupportTeamOf(Supported::Ci) => {
            let team = context.ci.as_ref().and_then(|ci| ci.support_team.as_ref());
            let missing = "the ticket has no configuration item with a support team";
            team.ok_or(missing)?.full_name().into()
        }
    };
    let missing = format!("“{name}” is not a team that takes tickets");
    let chosen = Named::find(name, context).ok_or(missing)?;
    Ok(Choice { chosen, because: None })
}

/// Of the teams that work now, or of all where none does, the one with the least work. A team whose
/// load nobody knows is not an idle one: it is chosen only where there is no choice.
fn least_loaded<'a>(names: &'a [String], context: &'a Context) -> Result<Choice<'a>, String> {
    let mut teams: Vec<_> = names.iter().filter_map(|name| Named::find(name, context)).collect();
    if teams.iter().any(|named| named.team.open_now) {
        teams.retain(|named| named.team.open_now);
    }
    let least = teams
        .iter()
        .enumerate()
        .filter_map(|(place, named)| Some((place, named.team.load?)))
        // Of equals the first, as the settings list them.
        .min_by_key(|(_, load)| *load);
    let (place, load) = match (least, teams.len()) {
        (Some((place, load)), _) => (place, Some(load)),
        (None, 0) => return Err("none of its teams takes tickets".to_owned()),
        (None, 1) => (0, None),
        (None, _) => return Err("the loads of its teams are not known".to_owned()),
    };
    let chosen = teams.swap_remove(place);
    let team = &chosen.team.name;
    let because = match load {
        Some(load) => format!(
            "“{team}” has the least open work per head: {}.{:02} tickets",
            load / 100,
            load % 100
        ),
        None => format!("“{team}” is the only choice"),
    };
    Ok(Choice { chosen, because: Some(because) })
}

fn assignment<'a>(
    rule: &'a Rule,
    choice: Choice<'a>,
    mut reasons: Vec<String>,
    context: &'a Context,
) -> Assignment {
    let Choice { mut chosen, because } = choice;
    reasons.extend(because);
    let mut assignee = None;
    let team = chosen.team;
    if !team.open_now {
        match &rule.when_closed {
            Some(WhenClosed::Team(name)) => {
                if let Some(instead) = Named::find(name, context) {
                    let (closed, open) = (&team.name, &instead.team.name);
                    reasons.push(format!("“{closed}” is closed now, so “{open}” gets it"));
                    chosen = instead;
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
        assignee = chosen.team.first_on_call();
    }
    let (is, confidence) = (rule.strength.each(), rule.confidence);
    let text = |value: String, strength: waypost_sdk::vocabulary::Strength| TextProposal {
        value,
        strength: strength.into(),
        confidence,
    };
    Assignment {
        team: Some(text(chosen.name.into_owned(), is.team)),
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
