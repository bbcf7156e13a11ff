//! Explaining a ticket: why it has its priority and team, who must agree, what it waits for
//! (requirement Q1).

mod proposed;

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};
use waypost_domain::{
    approval::Approval,
    binding::Hook,
    catalog::Category,
    ci::Ci,
    directory::Lookup,
    explain::{self, Decided, Fact, Messages, NotAsked, PolicyName, Surroundings},
    ids::{BindingId, OrgId, PersonId, ReceiptId},
    organization::Organization,
    receipt::{Outcome, Receipt},
    resolution::{self, Bound},
    service::Service,
    suggestion::{Suggestion, SuggestionState},
    team::Team,
    ticket::{Awaiting, Hold, Ticket},
};
use waypost_store::{ReadTx, binding, ci, outbox, person, receipt};

use self::proposed::Proposed;

use crate::{
    Caller, CommandError, Desk, FORMER_MEMBER,
    configuration::Configuration,
    layers,
    tickets::{Look, TicketRef, TicketView, evaluation},
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

/// Where what a ticket names is looked up.
struct Around {
    configuration: Arc<Configuration>,
    cis: Vec<Ci>,
}

impl Around {
    async fn read(desk: &Desk, tx: &mut ReadTx, ticket: &Ticket) -> Result<Self, CommandError> {
        let configuration = layers::configured(desk, tx).await?;
        let ci = match ticket.ci {
            Some(id) => ci::find(tx, id).await?,
            None => None,
        };
        Ok(Self { configuration, cis: ci.into_iter().collect() })
    }
}

impl Lookup for Around {
    fn teams(&self) -> &[Team] {
        &self.configuration.directory.teams
    }

    fn services(&self) -> &[Service] {
        &self.configuration.directory.services
    }

    fn cis(&self) -> &[Ci] {
        &self.cis
    }

    fn categories(&self) -> &[Category] {
        &self.configuration.directory.categories
    }
}

/// Explains a ticket. For the desk: reasons of policies are internal.
///
/// # Errors
/// As [`Look::at`]; [`CommandError::Forbidden`] for a requester.
pub async fn explain(
    desk: &Desk,
    caller: &Caller,
    named: &TicketRef,
) -> Result<Explanation, CommandError> {
    let mut look = Look::at(desk, caller, named).await?;
    let view = look.view().await?;
    look.explanation(&view).await
}

impl Look<'_> {
    /// Why the ticket is where it is; `view` has the names of what it refers to. For the desk:
    /// reasons of policies are internal.
    ///
    /// # Errors
    /// [`CommandError::Forbidden`] for a requester.
    pub async fn explanation(&mut self, view: &TicketView) -> Result<Explanation, CommandError> {
        self.caller.must_be_desk()?;
        let rounds = self.stored_rounds().await?.to_vec();
        let is_open = |one: &&Suggestion| one.state == SuggestionState::Open;
        let open_suggestions = self.stored_suggestions().await?.iter().filter(is_open).count();
        let (tx, ticket, now) = (&mut self.tx, &self.seen.ticket, self.caller.now);
        let around = Around::read(self.desk, tx, ticket).await?;
        let latest = rounds.iter().max_by_key(|round| round.round);
        explained(tx, now, (ticket, view), &around, latest, open_suggestions).await
    }
}

async fn explained(
    tx: &mut ReadTx,
    now: DateTime<Utc>,
    (ticket, view): (&Ticket, &TicketView),
    around: &Around,
    latest: Option<&Approval>,
    open_suggestions: usize,
) -> Result<Explanation, CommandError> {
    let directory = &around.configuration.directory;
    let receipts = receipt::of(tx, ticket.id.into()).await?;
    let layers = &directory.lineage;
    let in_force: Vec<Bound> =
        around.configuration.bound.iter().map(|bound| Bound::clone(bound)).collect();
    let binding_names = binding_names(tx, &in_force, &receipts).await?;
    let messages = outbox::count_of_ticket(tx, ticket.id, now).await?;
    let proposed: Vec<Vec<Proposed>> = receipts.iter().map(Proposed::by).collect();
    let mut people = people(ticket, latest);
    people.extend(proposed.iter().flatten().flat_map(Proposed::people));
    people.sort_unstable();
    people.dedup();
    let people = person::find_many(tx, &people).await?;

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
                .filter(|one| one.stands(ticket, around))
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
        settings: &directory.org.settings,
    };
    Ok(Explanation {
        facts: explain::explain(ticket, &told),
        now,
        number: ticket.number.clone(),
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
