//! Explaining a ticket: why it has its priority and team, who must agree, what it waits for
//! (requirement Q1).

mod proposed;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use waypost_domain::{
    approval::Approval,
    binding::Hook,
    explain::{self, Decided, Fact, Messages, NotAsked, PolicyName, Surroundings},
    ids::{BindingId, OrgId, PersonId, ReceiptId},
    organization::Organization,
    receipt::{Outcome, Receipt},
    resolution::{self, Bound},
    suggestion::SuggestionState,
    ticket::{Awaiting, Hold, Ticket},
};
use waypost_store::{ReadTx, approval, binding, outbox, person, receipt, suggestion};

use self::proposed::Proposed;

use crate::{
    Caller, CommandError, Desk, FORMER_MEMBER,
    tickets::{TicketRef, evaluation, facts::Facts, names::Names, read},
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
    let layers = &facts.directory.lineage;
    let in_force: Vec<Bound> =
        facts.configuration.bound.iter().map(|bound| Bound::clone(bound)).collect();
    let binding_names = binding_names(&mut tx, &in_force, &receipts).await?;
    let messages = outbox::count_of_ticket(&mut tx, seen.ticket.id, caller.now).await?;
    let proposed: Vec<Vec<Proposed>> = receipts.iter().map(Proposed::by).collect();
    let latest = rounds.iter().max_by_key(|round| round.round);
    let mut people = people(&seen.ticket, latest);
    people.extend(proposed.iter().flatten().flat_map(Proposed::people));
    people.sort_unstable();
    people.dedup();
    let people = person::find_many(&mut tx, &people).await?;
    let open = latest.filter(|round| round.is_open()).cloned();
    let view = Names::view_among(&mut tx, &facts, seen.ticket.clone(), open).await?;

    let name_of = |id: PersonId| {
        people
            .iter()
            .find(|one| one.id == id)
            .map_or_else(|| FORMER_MEMBER.to_owned(), |one| one.name.clone())
    };
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
        .zip(&proposed)
        .map(|((receipt, decision), proposed)| Decided {
            evaluation: receipt.evaluation,
            hook: decision.hook,
            policy: PolicyName {
                binding: decision.binding.clone(),
                revision: decision.revision,
                layer: name_of_layer(layers, receipt.layer),
            },
            outcome: decision.outcome.clone(),
            gave: proposed
                .iter()
                .filter(|one| one.stands(&seen.ticket, &facts))
                .map(|one| one.field)
                .collect(),
            proposed: proposed.iter().map(|one| (one.field, one.shown(&name_of))).collect(),
            reasons: decision.reasons.clone(),
        })
        .collect();
    let not_asked = not_asked(layers, &in_force, &receipts);
    let told = Surroundings {
        team: &view.team.name,
        service: view.service.as_ref().map(|one| one.name.as_str()),
        ci: view.ci.as_ref().map(|one| one.name.as_str()),
        item: view.catalog_item.as_ref().map(|one| one.name.as_str()),
        decisions: &asked,
        not_asked: &not_asked,
        messages: Messages {
            sent: messages.sent,
            waiting: messages.waiting,
            delayed: messages.delayed,
        },
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

/// The name of an organization of the lineage; its id where it is none any more.
fn name_of_layer(layers: &[Organization], id: OrgId) -> String {
    let found = layers.iter().find(|layer| layer.id == id);
    found.map_or_else(|| id.to_string(), |layer| layer.name.clone())
}

/// Who was not asked when the ticket was decided on last, at each hook, because a lower layer
/// replaces them: as the bindings of today say, of which those are left out that came later.
fn not_asked(layers: &[Organization], in_force: &[Bound], receipts: &[Receipt]) -> Vec<NotAsked> {
    let lineage: Vec<OrgId> = layers.iter().map(|layer| layer.id).collect();
    let at_hook = |hook: &Hook| {
        let latest = receipts.iter().rev().find(|one| one.hook == *hook)?;
        let replaced = resolution::replaced(*hook, &lineage, in_force)?;
        let was_there = |bound: &Bound| bound.revision.created_at <= latest.at;
        let was_asked = |bound: &Bound| {
            let mut asked = receipts.iter().filter(|one| one.evaluation == latest.evaluation);
            asked.any(|one| one.hook == *hook && one.binding == bound.binding.id)
        };
        let bindings = replaced.bindings.iter().filter(|one| was_there(one) && !was_asked(one));
        let policies: Vec<PolicyName> = bindings
            .map(|bound| PolicyName {
                binding: bound.binding.name.to_string(),
                revision: bound.revision.number,
                layer: name_of_layer(layers, bound.binding.org),
            })
            .collect();
        let is_known = was_there(replaced.by) && !policies.is_empty();
        let by = name_of_layer(layers, replaced.by.binding.org);
        is_known.then_some(NotAsked { hook: *hook, policies, by })
    };
    Hook::ALL.iter().filter_map(at_hook).collect()
}

async fn binding_names(
    tx: &mut ReadTx,
    in_force: &[Bound],
    receipts: &[Receipt],
) -> Result<BTreeMap<BindingId, String>, CommandError> {
    let bindings = in_force.iter().map(|bound| &bound.binding);
    let mut names: BTreeMap<BindingId, String> =
        bindings.map(|binding| (binding.id, binding.name.to_string())).collect();
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
    people
}
