//! A draft: the parts of a revision as they were given, and as they are once nothing is wrong with
//! them.

use std::{collections::BTreeSet, sync::Arc};

use waypost_domain::{
    binding::{Fallback, Hook, Hooks, LimitChanges, Revision},
    ids::BindingId,
    refusal::{Faults, FieldFault},
    said::Said,
};
use waypost_policy::{Description, Digest, Inspection, Prepared, RuntimeConfig};
use waypost_store::{ReadTx, binding};

use super::{Chosen, data_files, named};
use crate::{
    Caller, CommandError, Desk, DeskOptions,
    input::{Reading, without_schema},
    policies::{self, domain_hook},
    preparing::{Bytes, Recipe},
    refs::Known,
};

/// The parts of a revision, as given.
pub(super) struct Draft<'a> {
    /// The binding that it is to be a revision of; none for a new one.
    pub(super) binding: Option<BindingId>,
    /// Whether the binding is enabled, so that it must have a place of its own.
    pub(super) is_asked: bool,
    pub(super) hooks: HooksChoice,
    pub(super) position: i64,
    pub(super) component: &'a Chosen,
    pub(super) settings: String,
    pub(super) data: Vec<(String, Vec<u8>)>,
    pub(super) limits: LimitChanges,
    pub(super) fallback: FallbackChoice,
    pub(super) locked: bool,
    pub(super) replaces_above: bool,
    pub(super) note: Option<String>,
}

/// Which hooks the binding should serve.
pub(super) enum HooksChoice {
    /// All that the component serves.
    All,
    /// As before.
    Keep(Hooks),
    /// Those of these names.
    Named(Vec<String>),
}

/// What should happen when the policy fails.
pub(super) enum FallbackChoice {
    /// As before.
    Keep(Fallback),
    /// The next policy is asked.
    Next,
    /// The team with this key gets the ticket.
    Team(String),
}

/// The parts of a revision that may be kept, if the policy accepts its settings.
pub(super) struct Checked {
    hooks: Hooks,
    position: i64,
    component: Digest,
    settings: String,
    data: Vec<(String, Vec<u8>)>,
    limits: LimitChanges,
    fallback: Fallback,
    locked: bool,
    replaces_above: bool,
    note: Option<String>,
    /// What its settings name that nobody has.
    pub(super) warnings: Vec<FieldFault>,
}

/// Positions beyond this are slips of the keyboard.
const MAX_POSITION: i64 = 1_000_000;
/// A policy with more files has them packed into one.
const MAX_DATA_FILES: usize = 32;
/// A file's name stands in messages and lists.
const MAX_DATA_NAME_CHARS: usize = 100;
/// Less fuel than this ends a policy before its first rule.
const MIN_FUEL: u64 = 10_000;
/// One page of WebAssembly's memory.
const MIN_MEMORY_BYTES: u64 = 64 * 1024;

impl Draft<'_> {
    /// Checks everything but what the policy itself says of its settings, and says what the policy
    /// is made from, so that it can be asked even if something else is wrong.
    pub(super) async fn check(
        self,
        desk: &Desk,
        tx: &mut ReadTx,
        faults: &mut Faults,
    ) -> Result<(Option<Checked>, Option<Recipe>), CommandError> {
        let position = faults.within("/position", self.position, 0, MAX_POSITION);
        let found = find_component(tx, faults, self.component).await?;
        let served = found.as_ref().map(|found| &found.description);
        let hooks = check_hooks(faults, self.hooks, served);
        if let (Some(hooks), Some(position), true) = (&hooks, position, self.is_asked) {
            check_position(tx, faults, hooks, position, self.binding).await?;
        }
        let settings = check_settings(faults, &self.settings);
        let data = check_data(faults, self.data);
        let limits = check_limits(faults, &desk.options, desk.runtime.config(), self.limits);
        let fallback = check_fallback(tx, faults, hooks.as_ref(), self.fallback).await?;
        let note = match self.note {
            None => Some(None),
            Some(note) => faults.text("/note", &note).map(Some),
        };
        // Which settings are right may depend on the hooks, so without these they are not looked
        // at.
        let (Some(found), Some(hooks), Some(settings), Some(data)) = (found, hooks, settings, data)
        else {
            return Ok((None, None));
        };
        let schema = &found.description.settings_schema;
        let warnings = named::unknown(tx, schema, &settings).await?;
        let recipe = Recipe {
            component: found.digest,
            bytes: found.bytes,
            settings: settings.clone(),
            data: data_files(&data),
            hooks: hooks.as_slice().to_vec(),
        };
        let (Some(position), Some(limits), Some(fallback), Some(note)) =
            (position, limits, fallback, note)
        else {
            return Ok((None, Some(recipe)));
        };
        let checked = Checked {
            hooks,
            position,
            component: found.digest,
            settings,
            data,
            limits,
            fallback,
            locked: self.locked,
            replaces_above: self.replaces_above,
            note,
            warnings,
        };
        Ok((Some(checked), Some(recipe)))
    }
}

impl Checked {
    /// The revision, with the digests of what was prepared.
    pub(super) fn into_revision(
        self,
        prepared: &Prepared,
        caller: &Caller,
        binding: BindingId,
        number: i64,
    ) -> Revision {
        Revision {
            binding,
            number,
            hooks: self.hooks,
            position: self.position,
            component: self.component.to_string(),
            settings: self.settings,
            settings_digest: prepared.settings_digest().to_string(),
            data: self.data,
            data_digest: prepared.data_digest().to_string(),
            limits: self.limits,
            fallback: self.fallback,
            locked: self.locked,
            replaces_above: self.replaces_above,
            note: self.note,
            created_at: caller.now,
            created_by: caller.person(),
        }
    }
}

/// A component that the organization may bind.
struct Found {
    digest: Digest,
    bytes: Bytes,
    description: Description,
}

async fn find_component(
    tx: &mut ReadTx,
    faults: &mut Faults,
    chosen: &Chosen,
) -> Result<Option<Found>, CommandError> {
    let given = match chosen {
        Chosen::Uploaded(given) => given,
        Chosen::Brought(brought) => {
            let Inspection { digest, description, .. } = brought.inspection.clone();
            let bytes = Bytes::Given(Arc::clone(&brought.bytes));
            return Ok(Some(Found { digest, bytes, description }));
        }
    };
    let Some(digest) = faults.take("/component", given.trim().parse::<Digest>()) else {
        return Ok(None);
    };
    let Some(found) = policies::inspection(tx, given.trim()).await? else {
        let message = Said::as_is(format!(
            "There is no policy {digest} that this organization can bind; upload it."
        ));
        faults.wrong("/component", "unknown", message);
        return Ok(None);
    };
    Ok(Some(Found { digest, bytes: Bytes::Stored, description: found.description }))
}

/// The hooks of the binding: at least one, each of them served by the component.
fn check_hooks(
    faults: &mut Faults,
    choice: HooksChoice,
    description: Option<&Description>,
) -> Option<Hooks> {
    match choice {
        // A component that serves none is not taken in.
        HooksChoice::All => Hooks::new(served(description?)),
        // What was kept can only be wrong by the new component.
        HooksChoice::Keep(hooks) => {
            let mut checks = hooks.as_slice().iter();
            checks.all(|hook| check_hook(faults, "/component", *hook, description)).then_some(hooks)
        }
        HooksChoice::Named(names) => {
            if names.is_empty() {
                let message = Said::as_is(
                    "Name at least one hook, or omit `hooks` to use all that the component serves.",
                );
                faults.missing("/hooks", message);
            }
            let mut hooks = Vec::with_capacity(names.len());
            for (index, name) in names.iter().enumerate() {
                let pointer = format!("/hooks/{index}");
                let Some(hook) = faults.parse::<Hook>(&pointer, name) else { continue };
                if hooks.contains(&hook) {
                    faults.wrong(
                        &pointer,
                        "taken",
                        Said::as_is(format!("`{hook}` is named twice.")),
                    );
                } else if check_hook(faults, &pointer, hook, description) {
                    hooks.push(hook);
                }
            }
            let are_fine = hooks.len() == names.len();
            Hooks::new(hooks).filter(|_| are_fine)
        }
    }
}

/// Whether the component can be bound at the hook; where it is unknown, nothing stands against it.
fn check_hook(
    faults: &mut Faults,
    pointer: &str,
    hook: Hook,
    description: Option<&Description>,
) -> bool {
    if let Some(description) = description
        && let served = served(description)
        && !served.contains(&hook)
    {
        let (name, served) = (&description.name, served.iter().map(|hook| hook.as_str()));
        let served = served.collect::<Vec<_>>().join(", ");
        let message = Said::as_is(format!("`{name}` does not serve `{hook}`; it serves {served}."));
        faults.wrong(pointer, "not-served", message);
        return false;
    }
    true
}

fn served(description: &Description) -> Vec<Hook> {
    description.hooks.iter().map(|served| domain_hook(served.hook)).collect()
}

/// Two enabled bindings that share a hook never share a position: nobody could say which is asked
/// first there.
async fn check_position(
    tx: &mut ReadTx,
    faults: &mut Faults,
    hooks: &Hooks,
    position: i64,
    own: Option<BindingId>,
) -> Result<(), CommandError> {
    for (other, revision) in binding::list(tx).await? {
        let shared = hooks.as_slice().iter().copied().filter(|hook| revision.hooks.contains(*hook));
        if let Some(shared) = Hooks::new(shared)
            && other.enabled
            && Some(other.id) != own
            && revision.position == position
        {
            let message = Said::as_is(format!(
                "Position {position} is taken by the binding `{}` at {shared}; choose another.",
                other.name
            ));
            faults.wrong("/position", "taken", message);
        }
    }
    Ok(())
}

fn check_settings(faults: &mut Faults, settings: &str) -> Option<String> {
    match without_schema(settings) {
        Ok(kept) => Some(kept.into_owned()),
        Err(error) => {
            faults.wrong(
                "/settings",
                "malformed",
                Said::as_is(format!("This is not valid JSON: {error}.")),
            );
            None
        }
    }
}

/// The data files in the order of their names, which is the order of their digest.
pub(crate) fn check_data(
    faults: &mut Faults,
    mut data: Vec<(String, Vec<u8>)>,
) -> Option<Vec<(String, Vec<u8>)>> {
    if data.len() > MAX_DATA_FILES {
        let message = Said::as_is(format!(
            "{} data files are too many; use at most {MAX_DATA_FILES}.",
            data.len()
        ));
        faults.wrong("/data", "too-many", message);
        return None;
    }
    let mut names = BTreeSet::new();
    for (index, (name, _)) in data.iter().enumerate() {
        let is_plain = !name.is_empty()
            && name.chars().count() <= MAX_DATA_NAME_CHARS
            && !name.chars().any(char::is_control);
        if !is_plain {
            let message = Said::as_is(format!(
                "The name of a data file must have 1 to {MAX_DATA_NAME_CHARS} characters."
            ));
            faults.wrong(&format!("/data/{index}"), "invalid", message);
        }
        if !names.insert(name) {
            let message = Said::as_is(format!("`{name}` is already the name of an earlier file."));
            faults.wrong(&format!("/data/{index}"), "taken", message);
        }
    }
    drop(names);
    data.sort_by(|one, other| one.0.cmp(&other.0));
    Some(data)
}

/// Limits within those of the installation.
pub(crate) fn check_limits(
    faults: &mut Faults,
    options: &DeskOptions,
    config: &RuntimeConfig,
    given: LimitChanges,
) -> Option<LimitChanges> {
    let most_memory = u64::try_from(config.memory_bytes).unwrap_or(u64::MAX);
    let checks = [
        given.fuel.is_none_or(|fuel| {
            faults.within("/limits/fuel", fuel, MIN_FUEL, options.max_fuel).is_some()
        }),
        given.deadline_ms.is_none_or(|ms| {
            faults.within("/limits/deadline_ms", ms, 1, options.max_deadline_ms).is_some()
        }),
        given.memory_bytes.is_none_or(|bytes| {
            let pointer = "/limits/memory_bytes";
            faults.within(pointer, bytes, MIN_MEMORY_BYTES, most_memory).is_some()
        }),
    ];
    checks.iter().all(|fits| *fits).then_some(given)
}

/// The fallback. Only `route` hands tickets to teams, so a team needs that hook.
async fn check_fallback(
    tx: &mut ReadTx,
    faults: &mut Faults,
    hooks: Option<&Hooks>,
    choice: FallbackChoice,
) -> Result<Option<Fallback>, CommandError> {
    let routes = hooks.is_none_or(|hooks| hooks.contains(Hook::Route));
    let message = match choice {
        FallbackChoice::Next | FallbackChoice::Keep(Fallback::Next) => {
            return Ok(Some(Fallback::Next));
        }
        FallbackChoice::Keep(fallback @ Fallback::Team(_)) if routes => return Ok(Some(fallback)),
        FallbackChoice::Team(key) if routes => {
            let known = Known::read(tx).await?;
            let team = known.team_if(faults, "/fallback_team", Some(&key));
            return Ok(team.flatten().map(Fallback::Team));
        }
        FallbackChoice::Keep(Fallback::Team(_)) => {
            "The binding has a fallback team, which applies to the hook `route` only; remove the \
             team or keep `route`."
        }
        FallbackChoice::Team(_) => {
            "A fallback team applies to the hook `route` only, which this binding does not serve; \
             omit it or add `route`."
        }
    };
    faults.wrong("/fallback_team", "not-allowed", Said::as_is(message));
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointers(faults: Faults) -> Vec<String> {
        faults.into_vec().into_iter().map(|fault| fault.pointer).collect()
    }

    #[test]
    fn limits_stay_within_those_of_the_installation() {
        let (options, config) = (DeskOptions::default(), RuntimeConfig::default());
        let mut faults = Faults::new();
        let fine = LimitChanges { fuel: Some(1_000_000), ..LimitChanges::default() };
        assert_eq!(check_limits(&mut faults, &options, &config, fine), Some(fine));
        let greedy = LimitChanges {
            fuel: Some(u64::MAX),
            deadline_ms: Some(0),
            memory_bytes: Some(u64::MAX),
        };
        assert_eq!(check_limits(&mut faults, &options, &config, greedy), None);
        assert_eq!(
            pointers(faults),
            ["/limits/fuel", "/limits/deadline_ms", "/limits/memory_bytes"]
        );
    }

    #[test]
    fn data_files_have_names_of_their_own_and_an_order() {
        let file = |name: &str| (name.to_owned(), vec![1]);
        let mut faults = Faults::new();
        let sorted = check_data(&mut faults, vec![file("b.csv"), file("a.csv")]).unwrap();
        assert_eq!(sorted[0].0, "a.csv");
        check_data(&mut faults, vec![file("a.csv"), file("a.csv"), file("")]);
        assert_eq!(pointers(faults), ["/data/1", "/data/2"]);
    }

    #[test]
    fn settings_are_json() {
        let mut faults = Faults::new();
        let named = "{\"$schema\": \"./s.json\", \"rules\": []}";
        assert_eq!(check_settings(&mut faults, named).as_deref(), Some("{\"rules\":[]}"));
        assert!(check_settings(&mut faults, "{\"rules\": []}").is_some());
        assert!(check_settings(&mut faults, "{rules").is_none());
        assert_eq!(pointers(faults), ["/settings"]);
    }
}
