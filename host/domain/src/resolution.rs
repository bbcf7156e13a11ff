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
    let mut asked = enabled(hook, lineage, bindings);
    let replacing = asked.iter().filter(|(_, bound)| bound.revision.replaces_above);
    let lowest_replacing = replacing.map(|(depth, _)| *depth).max().unwrap_or(0);
    asked.retain(|(depth, bound)| bound.revision.locked || *depth >= lowest_replacing);
    asked.sort_by_key(|(depth, bound)| {
        let layer = if bound.revision.locked { *depth } else { lineage.len() - depth };
        (!bound.revision.locked, layer, bound.revision.position, bound.binding.id)
    });
    asked.into_iter().map(|(_, bound)| bound).collect()
}

/// Bindings that are not asked at a hook, because a layer below them replaces them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced<'a> {
    /// The binding that replaces what is above its layer.
    pub by: &'a Bound,
    /// What it replaces.
    pub bindings: Vec<&'a Bound>,
}

/// The bindings that [`order`] leaves out because a lower layer replaces them; none where nothing
/// is replaced.
#[must_use]
pub fn replaced<'a>(hook: Hook, lineage: &[OrgId], bindings: &'a [Bound]) -> Option<Replaced<'a>> {
    let there = enabled(hook, lineage, bindings);
    let replacing = there.iter().filter(|(_, bound)| bound.revision.replaces_above);
    let (lowest, by) = *replacing.max_by_key(|(depth, _)| *depth)?;
    let bindings: Vec<&Bound> = there
        .into_iter()
        .filter(|(depth, bound)| !bound.revision.locked && *depth < lowest)
        .map(|(_, bound)| bound)
        .collect();
    (!bindings.is_empty()).then_some(Replaced { by, bindings })
}

/// The enabled bindings of a hook, each with its layer's place in the lineage.
fn enabled<'a>(hook: Hook, lineage: &[OrgId], bindings: &'a [Bound]) -> Vec<(usize, &'a Bound)> {
    let depth = |bound: &Bound| lineage.iter().position(|org| *org == bound.binding.org);
    bindings
        .iter()
        .filter(|bound| bound.revision.hooks.contains(hook) && bound.binding.enabled)
        .filter_map(|bound| depth(bound).map(|depth| (depth, bound)))
        .collect()
}
