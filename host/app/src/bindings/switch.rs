//! Switching a binding on, off, and back to an earlier revision.

use waypost_domain::{
    binding::{Binding, Revision, Switch, Switched},
    ids::{BindingId, SwitchId},
    refusal::Faults,
    said::Said,
};
use waypost_policy::Patience;
use waypost_store::{
    ReadTx, StoreError, WriteTx, binding, binding_pause, binding_switch, component,
};

use super::{BindingView, bind, load, view};
use crate::{
    Caller, CommandError, Desk, Missing,
    input::{Reading, must_be_at},
    layers::breaker_key,
    policies,
    preparing::note_refusal,
};

/// Asks a binding again, from the next ticket on. For administrators.
///
/// # Errors
/// [`CommandError::Invalid`] if another enabled binding has its position, or its policy can't be
/// made ready any more; [`CommandError::Stale`] if the binding is not at the expected version any
/// more.
pub async fn enable(
    desk: &Desk,
    caller: &Caller,
    id: BindingId,
    expected_version: Option<i64>,
) -> Result<BindingView, CommandError> {
    caller.must_be_admin()?;
    let (found, revision) = read(desk, caller, id, None).await?;
    must_be_at(found.version, expected_version)?;
    must_be_ready(desk, caller, &revision, "/binding").await?;
    let mut tx = desk.write(caller).await?;
    let mut binding = same(&mut tx, &found).await?;
    if !binding.enabled {
        keep(desk, caller, &mut tx, &revision, "/binding").await?;
        position_as_fault(
            binding::set_enabled(&mut tx, &mut binding, true).await,
            revision.position,
        )?;
        note(desk, caller, &mut tx, &binding, Switched::Enabled).await?;
    }
    finish(desk, caller, tx, binding, revision, "binding enabled").await
}

/// Asks a binding no more, from the next ticket on. For administrators.
///
/// # Errors
/// [`CommandError::Stale`] if the binding is not at the expected version any more.
pub async fn disable(
    desk: &Desk,
    caller: &Caller,
    id: BindingId,
    expected_version: Option<i64>,
) -> Result<BindingView, CommandError> {
    caller.must_be_admin()?;
    let (found, revision) = read(desk, caller, id, None).await?;
    must_be_at(found.version, expected_version)?;
    let mut tx = desk.write(caller).await?;
    let mut binding = same(&mut tx, &found).await?;
    if binding.enabled {
        binding::set_enabled(&mut tx, &mut binding, false).await?;
        note(desk, caller, &mut tx, &binding, Switched::Disabled).await?;
    }
    finish(desk, caller, tx, binding, revision, "binding disabled").await
}

/// Makes one of a binding's revisions the active one, from the next ticket on: an earlier one, or a
/// later one again. For administrators.
///
/// # Errors
/// [`CommandError::Invalid`] if there is no such revision, its policy can't be made ready any more,
/// or another enabled binding has its position; [`CommandError::Stale`] if the binding is not at
/// the expected version any more.
pub async fn roll_back(
    desk: &Desk,
    caller: &Caller,
    id: BindingId,
    to: i64,
    expected_version: Option<i64>,
) -> Result<BindingView, CommandError> {
    caller.must_be_admin()?;
    let (found, revision) = read(desk, caller, id, Some(to)).await?;
    must_be_at(found.version, expected_version)?;
    must_be_ready(desk, caller, &revision, "/to").await?;
    let mut tx = desk.write(caller).await?;
    let mut binding = same(&mut tx, &found).await?;
    if binding.active_revision != to {
        keep(desk, caller, &mut tx, &revision, "/to").await?;
        let activated = binding::activate_revision(&mut tx, &mut binding, to).await;
        position_as_fault(activated, revision.position)?;
        note(desk, caller, &mut tx, &binding, Switched::RolledBack).await?;
    }
    finish(desk, caller, tx, binding, revision, "binding rolled back").await
}

/// A binding, with the revision that was asked for or the active one.
async fn read(
    desk: &Desk,
    caller: &Caller,
    id: BindingId,
    number: Option<i64>,
) -> Result<(Binding, Revision), CommandError> {
    let mut tx = desk.store.read(caller.org).await?;
    let found = load(&mut tx, id).await?;
    let wanted = number.unwrap_or(found.active_revision);
    let revision = binding::find_revision(&mut tx, id, wanted).await?;
    let Some(revision) = revision else {
        if number.is_none() {
            return Err(CommandError::NotFound(Missing::Revision));
        }
        let last = binding::revisions(&mut tx, id).await?.last().map_or(0, |last| last.number);
        let message = Said::as_is(format!("There is no revision {wanted}; the latest is {last}."));
        return Err(CommandError::field("/to", "unknown", message));
    };
    Ok((found, revision))
}

/// A component that was accepted once may be refused by a newer host; better now than at the next
/// ticket.
async fn must_be_ready(
    desk: &Desk,
    caller: &Caller,
    revision: &Revision,
    pointer: &str,
) -> Result<(), CommandError> {
    let mut tx = desk.store.read(caller.org).await?;
    must_be_there(&mut tx, revision, pointer).await?;
    let recipe = bind::recipe_of(&mut tx, revision).await?;
    drop(tx);
    let Err(refused) = recipe.prepare(desk, caller.org, Patience::Request).await? else {
        // The next ticket asks it, even if the last one could not a moment ago.
        desk.prepared.pardon((revision.binding, revision.number));
        return Ok(());
    };
    let mut found = Faults::new();
    note_refusal(&mut found, refused)?;
    let mut faults = Faults::new();
    for fault in found.into_vec() {
        let message = Said::as_is(format!(
            "Revision {} is no longer accepted: {}",
            revision.number, fault.message
        ));
        faults.wrong(pointer, fault.code, message);
    }
    faults.refuse_any()
}

/// A revision whose policy was removed is never in force again, unless the policy comes back.
async fn must_be_there(
    tx: &mut ReadTx,
    revision: &Revision,
    pointer: &str,
) -> Result<(), CommandError> {
    if component::find(tx, &revision.component).await?.is_some() {
        return Ok(());
    }
    let (number, digest) = (revision.number, &revision.component);
    let message = Said::as_is(format!(
        "The policy of revision {number}, {digest}, was removed; upload it again first."
    ));
    Err(CommandError::field(pointer, "removed", message))
}

/// Makes the policy of a revision that comes into force the organization's own, so that nobody
/// takes it away. Nobody has removed it since it was made ready.
async fn keep(
    desk: &Desk,
    caller: &Caller,
    tx: &mut WriteTx,
    revision: &Revision,
    pointer: &str,
) -> Result<(), CommandError> {
    component::in_turn(tx).await?;
    must_be_there(tx, revision, pointer).await?;
    policies::keep(desk, tx, &revision.component, caller.now).await
}

/// The binding, if nobody changed it since it was read.
async fn same(tx: &mut WriteTx, read: &Binding) -> Result<Binding, CommandError> {
    let binding = load(tx, read.id).await?;
    must_be_at(binding.version, Some(read.version))?;
    Ok(binding)
}

/// Two enabled bindings that share a hook never share a position: nobody could say which is asked
/// first.
fn position_as_fault(result: Result<(), StoreError>, position: i64) -> Result<(), CommandError> {
    match result {
        Err(StoreError::Taken("position")) => {
            let remedy = "disable that binding or change the position of this one";
            let message = Said::as_is(format!(
                "Position {position} is taken by another enabled binding; {remedy}."
            ));
            Err(CommandError::field("/position", "taken", message))
        }
        other => Ok(other?),
    }
}

/// Notes who switched it, for whoever audits: a switch makes no revision.
async fn note(
    desk: &Desk,
    caller: &Caller,
    tx: &mut WriteTx,
    binding: &Binding,
    what: Switched,
) -> Result<(), StoreError> {
    let switch = Switch {
        id: SwitchId(desk.id(caller)),
        binding: binding.id,
        what,
        revision: binding.active_revision,
        at: caller.now,
        by: caller.actor.clone(),
    };
    binding_switch::append(tx, &switch).await
}

async fn finish(
    desk: &Desk,
    caller: &Caller,
    mut tx: WriteTx,
    binding: Binding,
    revision: Revision,
    event: &'static str,
) -> Result<BindingView, CommandError> {
    let hooks = revision.hooks.as_slice().iter();
    let keys = hooks.map(|hook| breaker_key(binding.id, revision.number, *hook));
    let keys = keys.collect::<Vec<_>>();
    // Whoever switches a binding has looked at it; it gets a fresh chance at each hook, in each
    // process.
    binding_pause::end_all(&mut tx, binding.id).await?;
    let view = view(&mut tx, binding, revision).await?;
    tx.commit().await?;
    for key in keys {
        desk.runtime.breaker(key).reset();
    }
    tracing::info!(
        org.id = %caller.org,
        binding.id = %view.binding.id,
        binding.revision = view.active.number,
        "{event}"
    );
    Ok(view)
}
