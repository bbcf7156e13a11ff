//! Delegations: who votes for a person while they are away, planned ahead.
//!
//! They are followed when a vote is asked for, and again before anybody is reminded; see
//! `tickets::decide`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use waypost_domain::{
    delegation::{self as rules, Delegation, NewDelegation as Planned, Scope},
    ids::{CatalogItemId, DelegationId, PersonId, ServiceId},
    key::CategoryPath,
    permission,
    refusal::Faults,
    role::Role,
    said,
    said::Part,
};
use waypost_store::{ReadTx, catalog, category, delegation, service};

use crate::{
    Caller, CommandError, Desk, InvalidCursor, Missing, Page, PageRequest,
    input::{Reading, checked},
    labels::{people_names, person_name},
    page::ListTag,
    refs,
    tickets::{Named, PersonName, PersonRef},
};

/// A delegation as somebody plans it. At most one of category, service and catalog item; none for
/// all requests.
#[derive(Debug, Clone)]
pub struct NewDelegation {
    /// Who is away; the caller if left out.
    pub from: Option<PersonRef>,
    /// Who votes instead.
    pub to: PersonRef,
    /// Requests of this category, and of all below it.
    pub category: Option<String>,
    /// Requests about the service with this key.
    pub service: Option<String>,
    /// Requests for the catalog item with this key.
    pub catalog_item: Option<String>,
    /// From when on; at once if left out.
    pub starts_at: Option<DateTime<Utc>>,
    /// Until when.
    pub ends_at: DateTime<Utc>,
    /// Why.
    pub reason: String,
}

/// A delegation, with the names of what it refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DelegationView {
    /// The delegation.
    pub delegation: Delegation,
    /// Who is away.
    pub from: PersonName,
    /// Who votes instead.
    pub to: PersonName,
    /// The service, where it is about one.
    pub service: Option<Named>,
    /// The catalog item, where it is about one.
    pub catalog_item: Option<Named>,
    /// Whether it is followed now.
    pub in_force: bool,
}

/// Plans a delegation: of the caller's own votes; administrators, of anybody's.
///
/// # Errors
/// [`CommandError::Forbidden`] for somebody else's votes, [`CommandError::Invalid`] with every
/// wrong field.
pub async fn plan(
    desk: &Desk,
    caller: &Caller,
    new: NewDelegation,
) -> Result<DelegationView, CommandError> {
    let mut faults = Faults::new();
    let starts_at = new.starts_at.map(|at| faults.moment("/starts_at", at));
    let ends_at = faults.moment("/ends_at", new.ends_at);
    let mut tx = desk.write(caller).await?;
    let from = from(&mut tx, &mut faults, caller, new.from.as_ref()).await?;
    let to = refs::voter(&mut tx, &mut faults, "/to", &new.to).await?;
    let scope = scope(&mut tx, &mut faults, &new).await?;
    let (from, to, scope, ends_at) = checked!(faults; from, to, scope, ends_at);
    rules::check_room(delegation::count_open(&mut tx, from, caller.now).await?)?;

    let planned = Planned {
        id: DelegationId(desk.id(caller)),
        org: caller.org,
        from,
        to,
        scope,
        starts_at: starts_at.flatten(),
        ends_at,
        reason: new.reason,
    };
    let planned = Delegation::plan(planned, &caller.actor, caller.now)?;
    delegation::insert(&mut tx, &planned).await?;
    let view = view(&mut tx, planned, caller.now).await?;
    tx.commit().await?;
    tracing::info!(org.id = %caller.org, delegation.id = %view.delegation.id, "delegation planned");
    Ok(view)
}

/// Reads a delegation. The desk sees all, a requester those that they gave or got.
///
/// # Errors
/// [`CommandError::NotFound`], also for one that the caller may not see.
pub async fn find(
    desk: &Desk,
    caller: &Caller,
    id: DelegationId,
) -> Result<DelegationView, CommandError> {
    let mut tx = desk.store.read(caller.org).await?;
    let found = seen(&mut tx, caller, id).await?;
    view(&mut tx, found, caller.now).await
}

/// Lists delegations in the order in which they were planned. The desk sees all, a requester those
/// that they gave or got.
///
/// # Errors
/// [`CommandError::Cursor`] for a cursor of another list.
pub async fn list(
    desk: &Desk,
    caller: &Caller,
    request: &PageRequest,
) -> Result<Page<DelegationView>, CommandError> {
    let of = match caller.role {
        Role::Agent | Role::Admin | Role::Auditor => None,
        Role::Requester => Some(caller.person().unwrap_or(PersonId(uuid::Uuid::nil()))),
    };
    let tag = ListTag::of(caller, "delegations", &of);
    let after = tag.place(request.after.as_ref())?;
    let after = after.map(|id| id.parse().map_err(|_| InvalidCursor)).transpose()?;
    let mut tx = desk.store.read(caller.org).await?;
    let rows = delegation::list(&mut tx, of, after, request.rows_to_read()).await?;
    let page = Page::cut(rows, request, tag, |one| one.id.to_string());
    let names = Names::read(&mut tx, &page.rows).await?;
    Ok(page.map(|one| names.view(one, caller.now)))
}

/// Lists the delegations that the caller gave or got, whatever else they see, at most so many:
/// first those that are in force or to come, then those that are over, of both the latest first.
///
/// # Errors
/// The database failed.
pub async fn own(
    desk: &Desk,
    caller: &Caller,
    most: u32,
) -> Result<Vec<DelegationView>, CommandError> {
    let Some(person) = caller.person() else { return Ok(Vec::new()) };
    let mut tx = desk.store.read(caller.org).await?;
    let rows = delegation::of_person(&mut tx, person, caller.now, most).await?;
    let names = Names::read(&mut tx, &rows).await?;
    Ok(rows.into_iter().map(|one| names.view(one, caller.now)).collect())
}

/// Ends a delegation early: one's own; administrators, anybody's. Votes that were asked for under
/// it stay asked for, but whose seat it is may cast them first.
///
/// # Errors
/// [`CommandError::Forbidden`] for somebody else's, [`CommandError::Refused`] for one that is over.
pub async fn end(
    desk: &Desk,
    caller: &Caller,
    id: DelegationId,
) -> Result<DelegationView, CommandError> {
    let mut tx = desk.write(caller).await?;
    let mut found = seen(&mut tx, caller, id).await?;
    rules::allows(caller.role, caller.person(), found.from)?;
    found.end(&caller.actor, caller.now)?;
    delegation::update(&mut tx, &mut found).await?;
    let view = view(&mut tx, found, caller.now).await?;
    tx.commit().await?;
    tracing::info!(org.id = %caller.org, delegation.id = %id, "delegation ended");
    Ok(view)
}

async fn seen(
    tx: &mut ReadTx,
    caller: &Caller,
    id: DelegationId,
) -> Result<Delegation, CommandError> {
    let found = delegation::find(tx, id).await?;
    let found = found.ok_or(CommandError::NotFound(Missing::Delegation))?;
    let is_part = caller.person().is_some_and(|one| one == found.from || one == found.to);
    if permission::sees_internals(caller.role) || is_part {
        Ok(found)
    } else {
        Err(CommandError::NotFound(Missing::Delegation))
    }
}

/// Whose votes are delegated, if the caller may do that.
async fn from(
    tx: &mut ReadTx,
    faults: &mut Faults,
    caller: &Caller,
    given: Option<&PersonRef>,
) -> Result<Option<PersonId>, CommandError> {
    let own = caller.person();
    let Some(named) = given.cloned().or(own.map(PersonRef::Id)) else {
        faults
            .missing("/from", said!("This token does not belong to a person; name the delegator."));
        return Ok(None);
    };
    // Whoever may not do it does not learn who is in the directory by trying.
    let mut found = Faults::new();
    let from = refs::voter(tx, &mut found, "/from", &named).await?;
    let nobody = PersonId(uuid::Uuid::nil());
    rules::allows(caller.role, own, from.unwrap_or(nobody))?;
    for fault in found.into_vec() {
        faults.wrong(&fault.pointer, fault.code, fault.message);
    }
    Ok(from)
}

async fn scope(
    tx: &mut ReadTx,
    faults: &mut Faults,
    new: &NewDelegation,
) -> Result<Option<Scope>, CommandError> {
    match (&new.category, &new.service, &new.catalog_item) {
        (None, None, None) => Ok(Some(Scope::Everything)),
        (Some(path), None, None) => {
            let Some(path) = faults.parse::<CategoryPath>("/category", path) else {
                return Ok(None);
            };
            let known = category::list(tx).await?;
            if known.iter().any(|one| one.path == path && one.active) {
                return Ok(Some(Scope::Category(path)));
            }
            faults.wrong(
                "/category",
                "unknown",
                said!("There is no active category `{path}`.", path),
            );
            Ok(None)
        }
        (None, Some(key), None) => {
            let known = service::find_by_key(tx, key).await?.filter(|one| one.active);
            if known.is_none() {
                faults.wrong(
                    "/service",
                    "unknown",
                    said!("There is no active service `{key}`.", key),
                );
            }
            Ok(known.map(|one| Scope::Service(one.id)))
        }
        (None, None, Some(key)) => {
            let known = catalog::find_by_key(tx, key).await?.filter(|one| one.active);
            if known.is_none() {
                let message = said!("There is no active catalog item `{key}`.", key);
                faults.wrong("/catalog_item", "unknown", message);
            }
            Ok(known.map(|one| Scope::CatalogItem(one.id)))
        }
        _ => {
            let message = said!(
                "Give only one of `{category}`, `{service}` and `{catalog_item}` per delegation.",
                category = Part::field("category"),
                service = Part::field("service"),
                catalog_item = Part::field("catalog_item")
            );
            faults.wrong("", "too-many", message);
            Ok(None)
        }
    }
}

async fn view(
    tx: &mut ReadTx,
    delegation: Delegation,
    now: DateTime<Utc>,
) -> Result<DelegationView, CommandError> {
    let names = Names::read(tx, std::slice::from_ref(&delegation)).await?;
    Ok(names.view(delegation, now))
}

/// The names that a page of delegations refers to.
struct Names {
    people: BTreeMap<PersonId, String>,
    services: BTreeMap<ServiceId, Named>,
    items: BTreeMap<CatalogItemId, Named>,
}

impl Names {
    async fn read(tx: &mut ReadTx, delegations: &[Delegation]) -> Result<Self, CommandError> {
        let people = delegations.iter().flat_map(|one| [one.from, one.to]);
        let is_any = |is: fn(&Scope) -> bool| delegations.iter().any(|one| is(&one.scope));
        let services = if is_any(|scope| matches!(scope, Scope::Service(_))) {
            service::list(tx).await?
        } else {
            Vec::new()
        };
        let items = if is_any(|scope| matches!(scope, Scope::CatalogItem(_))) {
            catalog::list(tx).await?
        } else {
            Vec::new()
        };
        let name = |key: String, name: String| Named { key, name };
        Ok(Self {
            people: people_names(tx, people).await?,
            services: services
                .into_iter()
                .map(|one| (one.id, name(one.key.to_string(), one.name)))
                .collect(),
            items: items
                .into_iter()
                .map(|one| (one.id, name(one.key.to_string(), one.name)))
                .collect(),
        })
    }

    fn view(&self, delegation: Delegation, now: DateTime<Utc>) -> DelegationView {
        let unnamed = |id: String| Named { key: id.clone(), name: id };
        let (service, catalog_item) = match &delegation.scope {
            Scope::Everything | Scope::Category(_) => (None, None),
            Scope::Service(id) => {
                let known = self.services.get(id).cloned();
                (Some(known.unwrap_or_else(|| unnamed(id.to_string()))), None)
            }
            Scope::CatalogItem(id) => {
                let known = self.items.get(id).cloned();
                (None, Some(known.unwrap_or_else(|| unnamed(id.to_string()))))
            }
        };
        DelegationView {
            from: person_name(&self.people, delegation.from),
            to: person_name(&self.people, delegation.to),
            service,
            catalog_item,
            in_force: delegation.is_in_force(now),
            delegation,
        }
    }
}
