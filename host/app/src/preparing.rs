//! Preparing: a component with settings and data becomes a policy that can be asked, off the
//! serving threads.

use std::sync::Arc;

use waypost_domain::{binding::Hook, ids::OrgId, refusal::Faults, said::Said};
use waypost_policy::{
    Asker, DataFile, Digest, Making, Patience, PrepareRefused, Prepared, SettingsError,
};
use waypost_store::component;

use crate::{CommandError, Desk, layers::policy_hook};

/// What a policy is made from.
pub(crate) struct Recipe {
    /// The component.
    pub(crate) component: Digest,
    /// Its bytes.
    pub(crate) bytes: Bytes,
    /// The settings, as JSON text.
    pub(crate) settings: String,
    /// The data files.
    pub(crate) data: Vec<DataFile>,
    /// The hooks that it will be asked at.
    pub(crate) hooks: Vec<Hook>,
}

/// Where a component's bytes are. They are only needed if it was not made before.
pub(crate) enum Bytes {
    /// In the database.
    Stored,
    /// Here.
    Given(Arc<[u8]>),
}

impl Recipe {
    /// Checks settings and data, configures the component and compiles the result, in a turn of the
    /// organization's; quick and without a turn if that was done before.
    ///
    /// # Errors
    /// [`CommandError::Internal`] if the thread that did it was lost; what is wrong with the recipe
    /// is the inner result.
    pub(crate) async fn prepare(
        self,
        desk: &Desk,
        org: OrgId,
        patience: Patience,
    ) -> Result<Result<Arc<Prepared>, PrepareRefused>, CommandError> {
        let Self { component, bytes, settings, data, hooks } = self;
        let hooks = hooks.into_iter().map(policy_hook).collect::<Vec<_>>();
        let runtime = Arc::clone(&desk.runtime);
        let recall = move || {
            let found = runtime.recall(component, &settings, &data, &hooks);
            (found, settings, data, hooks)
        };
        let (found, settings, data, hooks) = on_blocking_thread(recall).await?;
        if let Some(prepared) = found {
            return Ok(Ok(prepared));
        }
        let bytes = match bytes {
            Bytes::Given(bytes) => Some(bytes),
            Bytes::Stored => {
                let mut tx = desk.store.read(org).await?;
                component::bytes(&mut tx, &component.to_string()).await?.map(Arc::from)
            }
        };
        let by = Asker { org: org.0, patience };
        let making = Making { component, bytes, settings, data, hooks };
        Ok(desk.runtime.prepare_in_turn(by, making).await)
    }
}

/// Runs what computes for long on a thread that may.
pub(crate) async fn on_blocking_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, CommandError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|lost| CommandError::Internal(Box::new(lost)))
}

/// Notes why a recipe was refused, each fault at the field that the sender can change.
///
/// # Errors
/// [`CommandError::Busy`] and [`CommandError::Internal`] for what is not the sender's doing.
pub(crate) fn note_refusal(
    faults: &mut Faults,
    refused: PrepareRefused,
) -> Result<(), CommandError> {
    match refused {
        PrepareRefused::Settings(errors) => {
            for SettingsError { path, message } in errors {
                faults.wrong(&pointer(&path), "invalid", Said::as_is(message));
            }
        }
        PrepareRefused::Configure(failure) => {
            let message = Said::as_is(format!("The policy rejected its settings: {failure}."));
            faults.wrong("/settings", failure.code(), message);
        }
        PrepareRefused::Component(refused) => {
            faults.wrong("/component", refused.code(), Said::as_is(refused.to_string()));
        }
        PrepareRefused::NotNow(why) => {
            tracing::warn!(%why, "a policy was not prepared");
            return Err(CommandError::Busy);
        }
        refused @ (PrepareRefused::Missing { .. } | PrepareRefused::WrongBytes { .. }) => {
            return Err(CommandError::Internal(Box::new(refused)));
        }
    }
    Ok(())
}

/// Where a policy's complaint points to in the command: into its settings, or at one of its data
/// files.
fn pointer(path: &str) -> String {
    match path.strip_prefix("data:") {
        Some(name) => format!("/data/{}", name.replace('~', "~0").replace('/', "~1")),
        None if path.is_empty() || path.starts_with('/') => format!("/settings{path}"),
        None => format!("/settings/{path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_points_at_the_field_of_the_command() {
        let cases = [
            ("", "/settings"),
            ("/rules/3/team", "/settings/rules/3/team"),
            ("rules", "/settings/rules"),
            ("data:teams.csv", "/data/teams.csv"),
            ("data:a/b~c", "/data/a~1b~0c"),
        ];
        for (path, expected) in cases {
            assert_eq!(pointer(path), expected);
        }
    }

    #[test]
    fn every_complaint_is_noted() {
        let error =
            |path: &str| SettingsError { path: path.to_owned(), message: "wrong".to_owned() };
        let refused = PrepareRefused::Settings(vec![error("/a"), error("/b")]);
        let mut faults = Faults::new();
        note_refusal(&mut faults, refused).unwrap();
        let pointers = faults.into_vec().into_iter().map(|fault| fault.pointer);
        assert_eq!(pointers.collect::<Vec<_>>(), ["/settings/a", "/settings/b"]);
    }

    #[test]
    fn a_turn_that_did_not_come_is_not_the_senders_fault() {
        let mut faults = Faults::new();
        let refused = PrepareRefused::NotNow(waypost_policy::NotNow::NoTurn);
        assert!(matches!(note_refusal(&mut faults, refused), Err(CommandError::Busy)));
        assert!(faults.is_empty());
    }

    #[test]
    fn bytes_that_are_lost_are_not_the_senders_fault() {
        let refused =
            PrepareRefused::Missing { digest: Digest::of(b"lost"), source: "it is gone".into() };
        let mut faults = Faults::new();
        assert!(matches!(note_refusal(&mut faults, refused), Err(CommandError::Internal(_))));
        assert!(faults.is_empty());
    }
}
