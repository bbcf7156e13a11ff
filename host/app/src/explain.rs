//! Explaining a ticket: why it has its priority and team, who must agree, what it waits for
//! (requirement Q1).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use waypost_domain::{
    approval::Approval,
    binding::Hook,
    explain::{self, Decided, Fact, PolicyName, Surroundings},
    ids::{BindingId, PersonId, ReceiptId},
    receipt::{Outcome, Receipt},
    suggestion::{SuggestedField, SuggestionState},
    ticket::{Awaiting, Hold, Ticket},
};
use waypost_policy::{
    Answer, Reply,
    answer::{Proposal, Strength},
};
use waypost_store::{ReadTx, approval, binding, organization, person, receipt, suggestion};

use crate::{
    Caller, CommandError, Desk,
    tickets::{TicketRef, evaluation, facts::Facts, names, read},
};

/// Why a ticket is where it is.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The ticket's number.
    pub number: String,
    /// At most one screen of facts.
    pub facts: Vec<Fact>,
    /// When it was asked for: sentences say how long ago something was.
    pub now: DateTime<Utc>,
    /// What policies decided, in the order in which they were asked.
    pub decisions: Vec<ExplainedDecision>,
}

/// One decision, as a line of an explanation.
#[derive(Debug, Clone)]
pub struct ExplainedDecision {
    /// The receipt, which holds the rest.
    pub receipt: ReceiptId,
    /// What was asked.
    pub hook: Hook,
    /// The layer: the key of the organization whose binding it was.
    pub layer: String,
    /// The binding's name.
    pub binding: String,
    /// Its revision.
    pub revision: i64,
    /// What became of the answer.
    pub outcome: Outcome,
    /// What stands in the answer or the decline.
    pub reasons: Vec<String>,
    /// Instructions used, as the engine counts fuel.
    pub fuel: u64,
    /// How long it took, in microseconds.
    pub duration_us: u64,
}

/// Explains a ticket. For the desk: reasons of policies are internal.
///
/// # Errors
/// [`CommandError::Forbidden`] for a requester.
pub async fn explain(
    desk: &Desk,
    caller: &Caller,
    named: &TicketRef,
) -> Result<Explanation, CommandError> {
    caller.must_be_desk()?;
    let (mut tx, mut facts) = Facts::open(desk, caller).await?;
    let seen = read::seen(&mut tx, caller, named).await?;
    facts.around(&mut tx, &seen.ticket).await?;
    let receipts = receipt::of(&mut tx, seen.ticket.id.into()).await?;
    let rounds = approval::of(&mut tx, seen.ticket.id.into()).await?;
    let open_suggestions = suggestion::of_ticket(&mut tx, seen.ticket.id)
        .await?
        .iter()
        .filter(|one| one.state == SuggestionState::Open)
        .count();
    let layers = organization::lineage(&mut tx).await?;
    let binding_names = binding_names(&mut tx, &receipts).await?;
    let latest = rounds.iter().max_by_key(|round| round.round);
    let people = people(&seen.ticket, latest);
    let people = person::find_many(&mut tx, &people).await?;
    let view = names::view(&mut tx, seen.ticket.clone()).await?;

    let decisions: Vec<ExplainedDecision> = receipts
        .iter()
        .map(|one| ExplainedDecision {
            receipt: one.id,
            hook: one.hook,
            layer: layers
                .iter()
                .find(|layer| layer.id == one.layer)
                .map_or_else(|| one.layer.to_string(), |layer| layer.key.to_string()),
            binding: binding_names
                .get(&one.binding)
                .cloned()
                .unwrap_or_else(|| one.binding.to_string()),
            revision: one.revision,
            outcome: one.outcome.clone(),
            reasons: evaluation::reasons(&one.answer),
            fuel: one.fuel,
            duration_us: one.duration_us,
        })
        .collect();
    let asked: Vec<Decided> = receipts
        .iter()
        .zip(&decisions)
        .map(|(receipt, decision)| Decided {
            evaluation: receipt.evaluation,
            hook: decision.hook,
            policy: PolicyName { binding: decision.binding.clone(), layer: decision.layer.clone() },
            outcome: decision.outcome.clone(),
            gave: gave(receipt, &seen.ticket, &facts),
            reasons: decision.reasons.clone(),
        })
        .collect();
    let name_of = |id: PersonId| {
        people
            .iter()
            .find(|one| one.id == id)
            .map_or_else(|| id.to_string(), |one| one.name.clone())
    };
    let told = Surroundings {
        team: &view.team.name,
        service: view.service.as_ref().map(|one| one.name.as_str()),
        ci: view.ci.as_ref().map(|one| one.name.as_str()),
        item: view.catalog_item.as_ref().map(|one| one.name.as_str()),
        decisions: &asked,
        open_suggestions,
        approval: latest,
        name_of: &name_of,
        settings: &facts.directory.org.settings,
    };
    Ok(Explanation {
        facts: explain::explain(&seen.ticket, &told),
        now: caller.now,
        number: seen.ticket.number,
        decisions,
    })
}

async fn binding_names(
    tx: &mut ReadTx,
    receipts: &[Receipt],
) -> Result<BTreeMap<BindingId, String>, CommandError> {
    let in_force = binding::in_force(tx).await?;
    let mut names: BTreeMap<BindingId, String> =
        in_force.into_iter().map(|(binding, _)| (binding.id, binding.name.to_string())).collect();
    // Those of this organization that are not in force any more; another layer's keep their ids.
    for id in receipts.iter().map(|one| one.binding) {
        if !names.contains_key(&id)
            && let Some(found) = binding::find(tx, id).await?
        {
            names.insert(id, found.name.to_string());
        }
    }
    Ok(names)
}

fn people(ticket: &Ticket, round: Option<&Approval>) -> Vec<PersonId> {
    let mut people: Vec<PersonId> = ticket.requester.into_iter().chain(ticket.assignee).collect();
    people.extend(
        round.into_iter().flat_map(Approval::requests).flat_map(|one| [one.seat, one.voter]),
    );
    if let Some(Hold { awaiting: Awaiting::Evidence(person), .. }) = ticket.stage.hold() {
        people.push(*person);
    }
    people.extend(
        ticket
            .incident()
            .and_then(|it| it.major.led_by())
            .into_iter()
            .flat_map(|it| [it.manager, it.communication_owner]),
    );
    people.sort_unstable();
    people.dedup();
    people
}

/// The fields that an answer set and that hold its value still.
fn gave(receipt: &Receipt, ticket: &Ticket, facts: &Facts) -> Vec<SuggestedField> {
    let Ok(Reply::Answer(answer)) = Reply::from_json(&receipt.answer) else { return Vec::new() };
    let mut set: Vec<(SuggestedField, String)> = Vec::new();
    match answer {
        Answer::Categorization(it) => {
            set.extend(given(SuggestedField::Category, it.category, |path| path.join("/")));
            set.extend(given(SuggestedField::Service, it.service, |key| key));
            set.extend(given(SuggestedField::Ci, it.ci, |key| key));
            set.extend(given(SuggestedField::Impact, it.impact, |level| level.to_string()));
            set.extend(given(SuggestedField::Urgency, it.urgency, |level| level.to_string()));
            set.extend(given(SuggestedField::Priority, it.priority, |level| level.to_string()));
        }
        Answer::Assignment(it) => {
            // A team may be named with its organization; the ticket tells its key.
            let key = |name: String| name.rsplit('/').next().unwrap_or_default().to_owned();
            set.extend(given(SuggestedField::Team, it.team, key));
            set.extend(given(SuggestedField::Assignee, it.assignee, |person| person));
        }
        Answer::Plan(_) | Answer::Nudge(_) | Answer::Notifications(_) => {}
    }
    set.into_iter()
        .filter(|(field, value)| {
            ticket.text_of_field(field.as_str(), facts).as_ref() == Some(value)
        })
        .map(|(field, _)| field)
        .collect()
}

/// What a policy set, as the ticket would tell it.
fn given<T>(
    field: SuggestedField,
    proposed: Option<Proposal<T>>,
    text: impl FnOnce(T) -> String,
) -> Option<(SuggestedField, String)> {
    let set = proposed.filter(|it| it.strength == Strength::Set)?;
    Some((field, text(set.value)))
}
