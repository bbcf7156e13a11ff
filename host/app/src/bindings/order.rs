//! The order in which an organization's policies are asked, over all layers, as data.

use waypost_domain::{
    binding::Hook,
    organization::OrgKind,
    resolution::{self, Asking, Bound},
};
use waypost_store::{binding, organization};

use super::{BindingView, Names};
use crate::{Caller, CommandError, Desk};

/// The policies of a hook, in the order in which they are asked.
#[derive(Debug, Clone, PartialEq)]
pub struct HookOrder {
    /// The hook.
    pub hook: Hook,
    /// How the answers become one.
    pub asking: Asking,
    /// Who is asked, the first one first.
    pub asked: Vec<InForce>,
    /// Enabled bindings of the layers above that are not asked, because a lower layer replaces
    /// them.
    pub replaced: Vec<InForce>,
}

/// A binding in force.
#[derive(Debug, Clone, PartialEq)]
pub struct InForce {
    /// What kind of organization the layer is.
    pub layer_kind: OrgKind,
    /// The binding.
    pub view: BindingView,
}

/// Reads who is asked for the organization's next ticket, of one hook or of all. For the desk.
///
/// # Errors
/// [`CommandError::Forbidden`] for a requester.
pub async fn in_force(
    desk: &Desk,
    caller: &Caller,
    hook: Option<Hook>,
) -> Result<Vec<HookOrder>, CommandError> {
    caller.must_be_desk()?;
    let mut tx = desk.store.read(caller.org).await?;
    let lineage = organization::lineage(&mut tx).await?;
    let bound = binding::in_force(&mut tx).await?;
    let bound = bound.into_iter().map(|(binding, revision)| Bound { binding, revision });
    let bound = bound.collect::<Vec<_>>();
    let names = Names::read(&mut tx, bound.iter().map(|bound| &bound.revision)).await?;

    let layers = lineage.iter().map(|layer| layer.id).collect::<Vec<_>>();
    let show = |bound: &Bound| {
        let layer = lineage.iter().find(|layer| layer.id == bound.binding.org)?;
        let view = names.view(bound.binding.clone(), bound.revision.clone());
        Some(InForce { layer_kind: layer.kind, view })
    };
    let hooks = Hook::ALL.iter().copied().filter(|one| hook.is_none_or(|hook| *one == hook));
    let orders = hooks.map(|hook| {
        let asked = resolution::order(hook, &layers, &bound);
        let is_asked = |one: &&Bound| asked.iter().any(|asked| asked.binding.id == one.binding.id);
        let at_hook = bound.iter().filter(|bound| bound.revision.hooks.contains(hook));
        HookOrder {
            hook,
            asking: hook.asking(),
            replaced: at_hook.filter(|one| !is_asked(one)).filter_map(show).collect(),
            asked: asked.into_iter().filter_map(show).collect(),
        }
    });
    Ok(orders.collect())
}
