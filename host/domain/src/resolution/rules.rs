//! The rules of the order over the layers.

use uuid::Uuid;

use crate::{
    binding::{Binding, Fallback, Hook, Hooks, LimitChanges, Revision},
    fixture::{key, monday},
    ids::{BindingId, OrgId, TeamId},
    resolution::{Bound, order, replaced},
};

const PLATFORM: OrgId = OrgId(Uuid::from_u128(1));
const PROVIDER: OrgId = OrgId(Uuid::from_u128(2));
const CLIENT: OrgId = OrgId(Uuid::from_u128(3));
const LINEAGE: [OrgId; 3] = [PLATFORM, PROVIDER, CLIENT];

fn bound(org: OrgId, name: &str, position: i64) -> Bound {
    let id = BindingId(org.0);
    Bound {
        binding: Binding {
            id,
            org,
            name: key(name),
            enabled: true,
            active_revision: 1,
            created_at: monday(),
            version: 1,
        },
        revision: Revision {
            binding: id,
            number: 1,
            hooks: Hook::Route.into(),
            position,
            component: String::new(),
            settings: "{}".to_owned(),
            settings_digest: String::new(),
            data: Vec::new(),
            data_digest: String::new(),
            limits: LimitChanges::default(),
            fallback: Fallback::Next,
            locked: false,
            replaces_above: false,
            note: None,
            created_at: monday(),
            created_by: None,
        },
    }
}

fn locked(mut bound: Bound) -> Bound {
    bound.revision.locked = true;
    bound
}

fn replacing(mut bound: Bound) -> Bound {
    bound.revision.replaces_above = true;
    bound
}

fn serving(mut bound: Bound, hooks: &[Hook]) -> Bound {
    bound.revision.hooks = Hooks::new(hooks.iter().copied()).expect("a binding serves a hook");
    bound
}

fn names_at(hook: Hook, bindings: &[Bound]) -> Vec<&str> {
    order(hook, &LINEAGE, bindings).iter().map(|bound| bound.binding.name.as_str()).collect()
}

fn names(bindings: &[Bound]) -> Vec<&str> {
    names_at(Hook::Route, bindings)
}

#[test]
fn the_most_specific_layer_is_asked_first_and_within_it_the_lowest_position() {
    let bindings = [
        bound(PLATFORM, "platform", 1),
        bound(CLIENT, "client-second", 2),
        bound(PROVIDER, "provider", 1),
        bound(CLIENT, "client-first", 1),
    ];
    assert_eq!(names(&bindings), ["client-first", "client-second", "provider", "platform"]);
}

#[test]
fn what_is_locked_is_asked_before_everything_else_from_the_top_down() {
    let bindings = [
        bound(CLIENT, "client", 1),
        locked(bound(PROVIDER, "provider-lock", 1)),
        locked(bound(PLATFORM, "platform-lock", 5)),
        bound(PLATFORM, "platform", 1),
    ];
    assert_eq!(names(&bindings), ["platform-lock", "provider-lock", "client", "platform"]);
}

#[test]
fn a_layer_can_replace_what_is_unlocked_above_it_but_not_what_is_locked() {
    let bindings = [
        replacing(bound(PROVIDER, "provider", 1)),
        bound(PLATFORM, "platform", 1),
        locked(bound(PLATFORM, "platform-lock", 2)),
        bound(CLIENT, "client", 1),
    ];
    assert_eq!(names(&bindings), ["platform-lock", "client", "provider"]);
}

#[test]
fn what_is_replaced_is_known_together_with_what_replaces_it() {
    let bindings = [
        replacing(bound(PROVIDER, "provider", 1)),
        bound(PLATFORM, "platform", 1),
        locked(bound(PLATFORM, "platform-lock", 2)),
        bound(CLIENT, "client", 1),
    ];
    let found = replaced(Hook::Route, &LINEAGE, &bindings).expect("the provider replaces");
    let names: Vec<&str> = found.bindings.iter().map(|one| one.binding.name.as_str()).collect();
    assert_eq!((found.by.binding.name.as_str(), names), ("provider", vec!["platform"]));
    assert_eq!(replaced(Hook::Notify, &LINEAGE, &bindings), None);
    assert_eq!(replaced(Hook::Route, &LINEAGE, &bindings[1..]), None);
}

#[test]
fn a_disabled_binding_is_not_asked_and_replaces_nothing() {
    let mut disabled = replacing(bound(CLIENT, "client", 1));
    disabled.binding.enabled = false;
    assert_eq!(names(&[disabled, bound(PLATFORM, "platform", 1)]), ["platform"]);
}

#[test]
fn bindings_of_other_hooks_and_other_organizations_are_not_asked() {
    let mut other_hook = bound(CLIENT, "notify", 1);
    other_hook.revision.hooks = Hook::Notify.into();
    let stranger = bound(OrgId(Uuid::from_u128(9)), "stranger", 1);
    assert!(names(&[other_hook, stranger]).is_empty());
}

#[test]
fn a_binding_of_several_hooks_takes_part_in_the_order_of_each() {
    let bindings = [
        serving(bound(CLIENT, "pack", 5), &[Hook::Categorize, Hook::Route]),
        bound(CLIENT, "router", 1),
        serving(bound(CLIENT, "words", 9), &[Hook::Categorize]),
        locked(serving(bound(PLATFORM, "law", 7), &[Hook::Route, Hook::Notify])),
        serving(bound(PLATFORM, "usual", 1), &[Hook::Categorize, Hook::Notify]),
    ];
    assert_eq!(names_at(Hook::Categorize, &bindings), ["pack", "words", "usual"]);
    assert_eq!(names_at(Hook::Route, &bindings), ["law", "router", "pack"]);
    assert_eq!(names_at(Hook::Notify, &bindings), ["law", "usual"]);
}

#[test]
fn a_binding_replaces_what_is_above_at_its_own_hooks_only() {
    let bindings = [
        replacing(serving(bound(CLIENT, "pack", 1), &[Hook::Categorize, Hook::Route])),
        serving(bound(PLATFORM, "usual", 1), &[Hook::Categorize, Hook::Route, Hook::Notify]),
    ];
    assert_eq!(names_at(Hook::Categorize, &bindings), ["pack"]);
    assert_eq!(names_at(Hook::Route, &bindings), ["pack"]);
    assert_eq!(names_at(Hook::Notify, &bindings), ["usual"]);
}

#[test]
fn a_fallback_team_gets_tickets_at_route_only() {
    let team = TeamId(Uuid::from_u128(7));
    let mut revision = serving(bound(CLIENT, "pack", 1), &[Hook::Route, Hook::Notify]).revision;
    assert_eq!(revision.fallback_team_at(Hook::Route), None);
    revision.fallback = Fallback::Team(team);
    assert_eq!(revision.fallback_team_at(Hook::Route), Some(team));
    assert_eq!(revision.fallback_team_at(Hook::Notify), None);
}
