//! People of the directory: who has troubles and wishes, works on them, or approves them.

use std::collections::BTreeMap;

use waypost_domain::{
    fields::{FieldValue, Fields},
    ids::PersonId,
    person::{Language, Person},
    refusal::Faults,
    role::Role,
    text,
};
use waypost_store::{ReadTx, organization, person};

use crate::{
    Caller, CommandError, Desk, InvalidCursor, Missing, Page, PageRequest,
    input::{Reading, checked, checked_text, must_be_at, set},
    labels::{named, people_names},
    page::ListTag,
    refs,
    tickets::{PersonName, PersonRef},
};

/// A person who joins the directory.
#[derive(Debug, Clone, Default)]
pub struct NewPerson {
    /// The name people read.
    pub name: String,
    /// The address mail goes to; unique in the organization.
    pub email: Option<String>,
    /// `requester`, `agent`, `admin` or `auditor`; none for a requester.
    pub role: Option<String>,
    /// An IANA zone, where it differs from the organization's: `Europe/Berlin`.
    pub zone: Option<String>,
    /// Who decides for them.
    pub manager: Option<PersonRef>,
    /// Where they work.
    pub location: Option<String>,
    /// Whether their tickets get special care.
    pub vip: bool,
    /// The language they read, as a BCP 47 tag.
    pub language: Option<String>,
    /// Facts that the organization defined for itself, by their names.
    pub fields: BTreeMap<String, FieldValue>,
}

/// Which fields of a person change. None leaves a field; `Some(None)` empties it.
#[derive(Debug, Clone, Default)]
pub struct PersonEdit {
    /// The name people read.
    pub name: Option<String>,
    /// The address mail goes to.
    pub email: Option<Option<String>>,
    /// What they may do.
    pub role: Option<String>,
    /// Their zone.
    pub zone: Option<Option<String>>,
    /// Who decides for them.
    pub manager: Option<Option<PersonRef>>,
    /// Where they work.
    pub location: Option<Option<String>>,
    /// Whether their tickets get special care.
    pub vip: Option<bool>,
    /// People who leave are not deleted, because records name them.
    pub active: Option<bool>,
    /// The language they read.
    pub language: Option<Option<String>>,
    /// Takes the place of all fields.
    pub fields: Option<BTreeMap<String, FieldValue>>,
}

/// A person, with the names of what they refer to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonView {
    /// The person.
    pub person: Person,
    /// Who decides for them.
    pub manager: Option<PersonName>,
}

/// Adds a person. For administrators.
///
/// # Errors
/// [`CommandError::Invalid`] with every wrong field, [`CommandError::Taken`] for an address that somebody has.
pub async fn create(
    desk: &Desk,
    caller: &Caller,
    new: NewPerson,
) -> Result<PersonView, CommandError> {
    caller.must_be_admin()?;
    let mut faults = Faults::new();
    let name = faults.name("/name", &new.name);
    let email = email(&mut faults, new.email.as_deref());
    let role = match &new.role {
        None => Some(Role::Requester),
        Some(role) => faults.parse("/role", role),
    };
    let zone = faults.zone_if("/zone", new.zone.as_deref());
    let location = faults.name_if("/location", new.location.as_deref());
    let language = language(&mut faults, new.language.as_deref());
    let fields = Fields::checked(new.fields, &mut faults);

    let mut tx = desk.write(caller).await?;
    let manager = refs::person_if(&mut tx, &mut faults, "/manager", new.manager.as_ref()).await?;
    let (name, email, role, zone, location, language, manager) =
        checked!(faults; name, email, role, zone, location, language, manager);

    let person = Person {
        id: PersonId(desk.id(caller)),
        org: caller.org,
        name,
        email,
        role,
        zone,
        manager,
        location,
        vip: new.vip,
        language,
        fields,
        active: true,
        version: 1,
    };
    person::insert(&mut tx, &person).await?;
    let view = view(&mut tx, person).await?;
    tx.commit().await?;
    tracing::info!(org.id = %caller.org, person.id = %view.person.id, "person added");
    Ok(view)
}

/// Reads a person. The desk sees everybody, a requester themselves.
///
/// # Errors
/// [`CommandError::NotFound`], also for a person whom the caller may not see.
pub async fn find(
    desk: &Desk,
    caller: &Caller,
    named: &PersonRef,
) -> Result<PersonView, CommandError> {
    let mut tx = desk.store.read(caller.org).await?;
    let person = load(&mut tx, named).await?;
    if caller.role == Role::Requester && caller.person() != Some(person.id) {
        return Err(CommandError::NotFound(Missing::Person));
    }
    view(&mut tx, person).await
}

/// Lists people in the order they joined. For the desk.
///
/// # Errors
/// [`CommandError::Cursor`] for a cursor of another list.
pub async fn list(
    desk: &Desk,
    caller: &Caller,
    request: &PageRequest,
) -> Result<Page<PersonView>, CommandError> {
    caller.must_be_desk()?;
    let tag = ListTag::of(caller, "people", &());
    let after = tag.place(request.after.as_ref())?;
    let after = after.map(|id| id.parse().map_err(|_| InvalidCursor)).transpose()?;
    let mut tx = desk.store.read(caller.org).await?;
    let rows = person::list(&mut tx, after, request.rows_to_read()).await?;
    let page = Page::cut(rows, request, tag, |person| person.id.to_string());
    let managers = page.rows.iter().filter_map(|person| person.manager);
    let names = people_names(&mut tx, managers).await?;
    Ok(page
        .map(|person| PersonView { manager: person.manager.map(|id| named(&names, id)), person }))
}

/// Changes a person. For administrators.
///
/// # Errors
/// [`CommandError::Stale`] if the person is not at the expected version any more, [`CommandError::Invalid`] with
/// every wrong field.
pub async fn update(
    desk: &Desk,
    caller: &Caller,
    named: &PersonRef,
    edit: PersonEdit,
    expected_version: Option<i64>,
) -> Result<PersonView, CommandError> {
    caller.must_be_admin()?;
    let mut tx = desk.write(caller).await?;
    let mut person = load(&mut tx, named).await?;
    must_be_at(person.version, expected_version)?;

    let mut faults = Faults::new();
    if let Some(name) = &edit.name {
        set(&mut person.name, faults.name("/name", name));
    }
    if let Some(given) = &edit.email {
        set(&mut person.email, email(&mut faults, given.as_deref()));
    }
    if let Some(role) = &edit.role {
        set(&mut person.role, faults.parse("/role", role));
    }
    if let Some(zone) = &edit.zone {
        set(&mut person.zone, faults.zone_if("/zone", zone.as_deref()));
    }
    if let Some(given) = &edit.location {
        set(&mut person.location, faults.name_if("/location", given.as_deref()));
    }
    if let Some(named) = &edit.manager {
        let manager = refs::person_if(&mut tx, &mut faults, "/manager", named.as_ref()).await?;
        if let Some(Some(manager)) = manager
            && decides_for(&mut tx, person.id, manager).await?
        {
            let remedy = "name somebody who is not below them";
            faults.wrong("/manager", "circle", format!("would decide for themselves; {remedy}"));
        }
        set(&mut person.manager, manager);
    }
    if let Some(given) = &edit.language {
        set(&mut person.language, language(&mut faults, given.as_deref()));
    }
    if let Some(given) = edit.fields {
        person.fields = Fields::checked(given, &mut faults);
    }
    person.vip = edit.vip.unwrap_or(person.vip);
    if let Some(active) = edit.active {
        if !active && is_fallback_approver(&mut tx, person.id).await? {
            let remedy = "set another fallback approver first";
            faults.wrong("/active", "in-use", format!("approvals fall back to them; {remedy}"));
        }
        person.active = active;
    }
    faults.refuse_any()?;

    person::update(&mut tx, &mut person).await?;
    let view = view(&mut tx, person).await?;
    tx.commit().await?;
    tracing::info!(org.id = %caller.org, person.id = %view.person.id, "person changed");
    Ok(view)
}

#[expect(clippy::option_option, reason = "the outer level is a fault, the inner an empty field")]
fn language(faults: &mut Faults, given: Option<&str>) -> Option<Option<Language>> {
    let Some(text) = given else { return Some(None) };
    faults.parse("/language", text).map(Some)
}

async fn load(tx: &mut ReadTx, named: &PersonRef) -> Result<Person, CommandError> {
    refs::find_person(tx, named).await?.ok_or(CommandError::NotFound(Missing::Person))
}

async fn view(tx: &mut ReadTx, person: Person) -> Result<PersonView, CommandError> {
    let names = people_names(tx, person.manager).await?;
    Ok(PersonView { manager: person.manager.map(|id| named(&names, id)), person })
}

/// Longer chains of managers are not walked; nobody has so many.
const MAX_MANAGERS: usize = 50;

/// Whether `boss` stands somewhere above `person`, or is them.
async fn decides_for(
    tx: &mut ReadTx,
    boss: PersonId,
    person: PersonId,
) -> Result<bool, CommandError> {
    let mut next = Some(person);
    for _ in 0..MAX_MANAGERS {
        let Some(id) = next else { return Ok(false) };
        if id == boss {
            return Ok(true);
        }
        next = person::find(tx, id).await?.and_then(|person| person.manager);
    }
    Ok(true)
}

async fn is_fallback_approver(tx: &mut ReadTx, person: PersonId) -> Result<bool, CommandError> {
    let own = organization::load(tx).await?;
    Ok(own.settings.fallback_approver == Some(person))
}

/// An address, where there is one. The outer none is a fault.
#[expect(
    clippy::option_option,
    reason = "the outer level is a fault, the inner one an empty field"
)]
fn email(faults: &mut Faults, given: Option<&str>) -> Option<Option<String>> {
    let Some(given) = given else { return Some(None) };
    checked_text(faults, |faults| text::email("/email", given, faults)).map(Some)
}
