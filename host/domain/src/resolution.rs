//! Resolution: in which order the bindings of a hook are asked, over all layers.
//!
//! Locked bindings come first, from the platform down: what a higher layer locks, a lower one can
//! neither replace nor answer before. Then come the others, from the most specific layer up. Within
//! a layer the position decides. A binding of several hooks takes part in the order of each of
//! them, with the one position that it has.

#[cfg(test)]
mod rules;

use crate::{
    binding::{Binding, Hook, Revision},
    ids::OrgId,
};

/// A binding with its revision in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// The binding.
    pub binding: Binding,
    /// Its active revision.
    pub revision: Revision,
}

/// How the answers of several policies at a hook become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// All are asked; per field, the first that gives it counts.
    EachField,
    /// They are asked until one has an opinion.
    FirstOpinion,
    /// All are asked, and all messages are sent, each once.
    All,
}

impl Hook {
    /// How the answers of several policies become one.
    #[must_use]
    pub const fn asking(self) -> Asking {
        match self {
            Self::Categorize => Asking::EachField,
            Self::Route | Self::Plan | Self::Stalled => Asking::FirstOpinion,
            Self::Notify => Asking::All,
        }
    }
}

/// The bindings to ask at a hook, in order.
///
/// `lineage` leads from the platform down to the ticket's organization. Disabled bindings, those of
/// other hooks and of organizations that are not in the lineage are left out. A layer with a
/// binding that replaces what is above hides the unlocked bindings of the layers above it.
#[must_use]
pub fn order<'a>(hook: Hook, lineage: &[OrgId], bindings: &'a [Bound]) -> Vec<&'a Bound> {
    let depth = |bound: &Bound| lineage.iter().position(|org| *org == bound.binding.org);
    let mut asked = bindings
        .iter()
        .filter(|bound| bound.revision.hooks.contains(hook) && bound.binding.enabled)
        .filter_map(|bound| depth(bound).map(|depth| (depth, bound)))
        .collect::<Vec<_>>();
    let replacing = asked.iter().filter(|(_, bound)| bound.revision.replaces_above);
    let lowest_replacing = replacing.map(|(depth, _)| *depth).max().unwrap_or(0);
    asked.retain(|(depth, bound)| bound.revision.locked || *depth >= lowest_replacing);
    asked.sort_by_key(|(depth, bound)| {
        let layer = if bound.revision.locked { *depth } else { lineage.len() - depth };
        (!bound.revision.locked, layer, bound.revision.position, bound.binding.id)
    });
    asked.into_iter().map(|(_, bound)| bound).collect()
}
