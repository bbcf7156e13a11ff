//! Quotas: how much of the database the policies of one organization may take.
//!
//! What an organization has from one above it is counted there until the organization binds it.
//! Revisions are never removed, so their quota is one that only the operator can widen.

use waypost_domain::said::Said;

use waypost_store::{ReadTx, binding, component, component::Usage};

use crate::CommandError;

/// What an organization may keep.
#[derive(Debug, Clone, Copy)]
pub struct Quotas {
    /// How many components.
    pub components: u64,
    /// How many bytes of them.
    pub component_bytes: u64,
    /// How many bytes of settings and data files, of all revisions of its bindings.
    pub revision_bytes: u64,
}

/// One mebibyte.
const MIB: u64 = 1024 * 1024;

impl Default for Quotas {
    fn default() -> Self {
        Self { components: 100, component_bytes: 512 * MIB, revision_bytes: 1024 * MIB }
    }
}

impl Quotas {
    /// Checks that one more component of this size may be kept.
    ///
    /// # Errors
    /// [`CommandError::Invalid`] at `/component`.
    pub(crate) async fn admit_component(
        &self,
        tx: &mut ReadTx,
        size: usize,
    ) -> Result<(), CommandError> {
        let Usage { count, bytes } = component::usage(tx).await?;
        let bytes = bytes.saturating_add(u64::try_from(size).unwrap_or(u64::MAX));
        self.check_components(Usage { count: count + 1, bytes })
    }

    /// Checks the components with those that the transaction added.
    ///
    /// # Errors
    /// [`CommandError::Invalid`] at `/component`.
    pub(crate) async fn hold_components(&self, tx: &mut ReadTx) -> Result<(), CommandError> {
        self.check_components(component::usage(tx).await?)
    }

    /// Checks the revisions with those that the transaction added.
    ///
    /// # Errors
    /// [`CommandError::Invalid`] at `/settings`.
    pub(crate) async fn hold_revisions(&self, tx: &mut ReadTx) -> Result<(), CommandError> {
        let Usage { count, bytes } = binding::usage(tx).await?;
        if bytes <= self.revision_bytes {
            return Ok(());
        }
        let message = Said::as_is(format!(
            "With this revision, the {count} revisions of the organization's bindings would take {} with their settings, \
             data files and notes; the limit is {}. Revisions are kept: make the files smaller, or have the operator \
             raise `policy_revisions_per_org_mib`.",
            mib(bytes),
            mib(self.revision_bytes)
        ));
        Err(CommandError::field("/settings", "quota-exceeded", message))
    }

    fn check_components(&self, would_be: Usage) -> Result<(), CommandError> {
        let Usage { count, bytes } = would_be;
        let remedy = "Remove one that is not in use, or have the operator raise";
        let message = if count > self.components {
            format!(
                "With this policy, the organization would have {count} policies of its own; the limit is {}. {remedy} \
                 `policies_per_org`.",
                self.components
            )
        } else if bytes > self.component_bytes {
            format!(
                "With this policy, the organization's policies would have {}; the limit is {}. {remedy} \
                 `policies_per_org_mib`.",
                mib(bytes),
                mib(self.component_bytes)
            )
        } else {
            return Ok(());
        };
        Err(CommandError::field("/component", "quota-exceeded", Said::as_is(message)))
    }
}

/// As an operator sets it, rounded up, so that nothing looks as if it were within its limit.
fn mib(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(MIB))
}
