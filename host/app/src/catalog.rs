//! The request catalog: what people can ask for, what it costs, and the questions of its form.

use std::collections::BTreeSet;

use waypost_domain::{
    catalog::{
        CatalogItem, FieldKind, FormField, MAX_CHOICES, MAX_DELIVERY_HOURS, MAX_FIELDS,
        MAX_MINOR_UNITS, Money,
    },
    directory::Lookup,
    ids::CatalogItemId,
    key::Key,
    refusal::Faults,
    role::Role,
    task::{PlannedTask, check_plan},
};
use waypost_store::{ReadTx, catalog};

use crate::{
    Caller, CommandError, Desk, Missing, Page, PageRequest,
    input::{Reading, checked, must_be_at, set},
    page::ListTag,
    refs::Known,
};

/// A new catalog item.
#[derive(Debug, Clone, Default)]
pub struct NewCatalogItem {
    /// Its key, unique in the organization; it does not change.
    pub key: String,
    /// The name people read.
    pub name: String,
    /// What one gets.
    pub description: String,
    /// What it costs: whole minor units, and the currency by its ISO 4217 code.
    pub cost: Option<(i64, String)>,
    /// The questions of its form, in order.
    pub form: Vec<NewFormField>,
    /// How many working hours of the organization it takes until it is there.
    pub delivery_hours: Option<u16>,
    /// The tasks that every request for it begins with.
    pub tasks: Vec<NewPlannedTask>,
}

/// A task of an item's plan.
#[derive(Debug, Clone, Default)]
pub struct NewPlannedTask {
    /// Its key in the plan.
    pub key: String,
    /// One line.
    pub short_description: String,
    /// The full text.
    pub description: String,
    /// The key of the team that gets it; none for the request's own.
    pub team: Option<String>,
    /// Its place; none for its place in the plan.
    pub position: Option<u16>,
    /// Whether the request can't be fulfilled without it.
    pub mandatory: bool,
    /// The keys of the plan's tasks that come before it.
    pub depends_on: Vec<String>,
}

/// One question of a form.
#[derive(Debug, Clone, Default)]
pub struct NewFormField {
    /// Its key in the form.
    pub field: String,
    /// The question.
    pub label: String,
    /// `text`, `number`, `yes_no`, `date` or `choice`.
    pub kind: String,
    /// What can be chosen, for a `choice`.
    pub choices: Vec<String>,
    /// Whether it must be answered.
    pub required: bool,
}

/// Which fields of an item change. None leaves a field; `Some(None)` empties it.
#[derive(Debug, Clone, Default)]
pub struct CatalogItemEdit {
    /// The name people read.
    pub name: Option<String>,
    /// What one gets.
    pub description: Option<String>,
    /// What it costs.
    pub cost: Option<Option<(i64, String)>>,
    /// The questions of its form, all of them.
    pub form: Option<Vec<NewFormField>>,
    /// How many working hours it takes until it is there.
    pub delivery_hours: Option<Option<u16>>,
    /// The tasks that every request for it begins with, all of them.
    pub tasks: Option<Vec<NewPlannedTask>>,
    /// Whether it can be asked for.
    pub active: Option<bool>,
}

/// Adds an item. For administrators.
///
/// # Errors
/// [`CommandError::Invalid`] with every wrong field, [`CommandError::Taken`] for a key that is in use.
pub async fn create(
    desk: &Desk,
    caller: &Caller,
    new: NewCatalogItem,
) -> Result<CatalogItem, CommandError> {
    caller.must_be_admin()?;
    let mut faults = Faults::new();
    let key = faults.parse::<Key>("/key", &new.key);
    let name = faults.name("/name", &new.name);
    let description = faults.text("/description", &new.description);
    let cost = cost(&mut faults, new.cost.as_ref());
    let form = form(&mut faults, &new.form);
    let delivery_hours = delivery_hours(&mut faults, new.delivery_hours);
    let mut tx = desk.write(caller).await?;
    let tasks = tasks(&mut tx, &mut faults, &new.tasks).await?;
    let (key, name, description, cost, form, delivery_hours, tasks) =
        checked!(faults; key, name, description, cost, form, delivery_hours, tasks);

    let item = CatalogItem {
        id: CatalogItemId(desk.id(caller)),
        org: caller.org,
        key,
        name,
        description,
        cost,
        form,
        delivery_hours,
        tasks,
        active: true,
        version: 1,
    };
    catalog::insert(&mut tx, &item).await?;
    tx.commit().await?;
    tracing::info!(org.id = %caller.org, catalog_item.key = %item.key, "catalog item added");
    Ok(item)
}

/// Reads an item. A requester sees those that can be asked for.
///
/// # Errors
/// [`CommandError::NotFound`].
pub async fn find(desk: &Desk, caller: &Caller, key: &str) -> Result<CatalogItem, CommandError> {
    let mut tx = desk.store.read(caller.org).await?;
    let item = load(&mut tx, key).await?;
    if caller.role == Role::Requester && !item.active {
        return Err(CommandError::NotFound(Missing::CatalogItem));
    }
    Ok(item)
}

/// Lists items by key. A requester sees those that can be asked for.
///
/// # Errors
/// [`CommandError::Cursor`] for a cursor of another list.
pub async fn list(
    desk: &Desk,
    caller: &Caller,
    request: &PageRequest,
) -> Result<Page<CatalogItem>, CommandError> {
    let only_active = caller.role == Role::Requester;
    let tag = ListTag::of(caller, "catalog", &only_active);
    let mut tx = desk.store.read(caller.org).await?;
    let mut items = catalog::list(&mut tx).await?;
    items.retain(|item| item.active || !only_active);
    Ok(Page::of_all(items, request, tag, |item| item.key.to_string())?)
}

/// Changes an item. For administrators.
///
/// # Errors
/// [`CommandError::Stale`] if the item is not at the expected version any more, [`CommandError::Invalid`] with every
/// wrong field.
pub async fn update(
    desk: &Desk,
    caller: &Caller,
    key: &str,
    edit: CatalogItemEdit,
    expected_version: Option<i64>,
) -> Result<CatalogItem, CommandError> {
    caller.must_be_admin()?;
    let mut tx = desk.write(caller).await?;
    let mut item = load(&mut tx, key).await?;
    must_be_at(item.version, expected_version)?;

    let mut faults = Faults::new();
    if let Some(name) = &edit.name {
        set(&mut item.name, faults.name("/name", name));
    }
    if let Some(text) = &edit.description {
        set(&mut item.description, faults.text("/description", text));
    }
    if let Some(given) = &edit.cost {
        set(&mut item.cost, cost(&mut faults, given.as_ref()));
    }
    if let Some(fields) = &edit.form {
        set(&mut item.form, form(&mut faults, fields));
    }
    if let Some(hours) = edit.delivery_hours {
        set(&mut item.delivery_hours, delivery_hours(&mut faults, hours));
    }
    if let Some(plan) = &edit.tasks {
        set(&mut item.tasks, tasks(&mut tx, &mut faults, plan).await?);
    }
    item.active = edit.active.unwrap_or(item.active);
    faults.refuse_any()?;

    catalog::update(&mut tx, &mut item).await?;
    tx.commit().await?;
    tracing::info!(org.id = %caller.org, catalog_item.key = %item.key, "catalog item changed");
    Ok(item)
}

async fn load(tx: &mut ReadTx, key: &str) -> Result<CatalogItem, CommandError> {
    catalog::find_by_key(tx, key).await?.ok_or(CommandError::NotFound(Missing::CatalogItem))
}

#[expect(
    clippy::option_option,
    reason = "the outer level is a fault, the inner one an empty field"
)]
fn cost(faults: &mut Faults, given: Option<&(i64, String)>) -> Option<Option<Money>> {
    let Some((minor_units, currency)) = given else { return Some(None) };
    if !(0..=MAX_MINOR_UNITS).contains(minor_units) {
        let message = format!("must be whole minor units (cents), 0 to {MAX_MINOR_UNITS}");
        faults.wrong("/cost/minor_units", "out-of-range", message);
        return None;
    }
    if currency.len() != 3 || !currency.bytes().all(|b| b.is_ascii_uppercase()) {
        let message = format!("`{currency}` is no currency; give its ISO 4217 code, such as EUR");
        faults.wrong("/cost/currency", "invalid", message);
        return None;
    }
    Some(Some(Money { minor_units: *minor_units, currency: currency.clone() }))
}

#[expect(
    clippy::option_option,
    reason = "the outer level is a fault, the inner one an empty field"
)]
fn delivery_hours(faults: &mut Faults, given: Option<u16>) -> Option<Option<u16>> {
    match given {
        Some(hours) => faults.within("/delivery_hours", hours, 1, MAX_DELIVERY_HOURS).map(Some),
        None => Some(None),
    }
}

/// A plan whose teams serve the organization; none with the faults noted.
async fn tasks(
    tx: &mut ReadTx,
    faults: &mut Faults,
    given: &[NewPlannedTask],
) -> Result<Option<Vec<PlannedTask>>, CommandError> {
    if given.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let known = Known::read(tx).await?;
    Ok(plan(&known, faults, given))
}

fn plan(known: &Known, faults: &mut Faults, given: &[NewPlannedTask]) -> Option<Vec<PlannedTask>> {
    let mut wrong = Faults::new();
    let mut plan = Vec::with_capacity(given.len());
    for (place, task) in given.iter().enumerate() {
        let at = format!("/tasks/{place}");
        let key = wrong.parse::<Key>(&format!("{at}/key"), &task.key);
        let named = known.team_if(&mut wrong, &format!("{at}/team"), task.team.as_deref());
        let team = named.flatten().and_then(|id| known.team(id)).map(|team| team.key.clone());
        let mut depends_on = BTreeSet::new();
        for (index, text) in task.depends_on.iter().enumerate() {
            depends_on.extend(wrong.parse::<Key>(&format!("{at}/depends_on/{index}"), text));
        }
        let behind = u16::try_from(place).unwrap_or(u16::MAX);
        plan.extend(key.map(|key| PlannedTask {
            key,
            short_description: task.short_description.clone(),
            description: task.description.clone(),
            team,
            position: task.position.unwrap_or(behind),
            mandatory: task.mandatory,
            depends_on,
        }));
    }
    // A key that is none leaves a hole in the plan, behind which places would be named wrongly.
    if plan.len() == given.len() {
        check_plan("/tasks", &mut plan, &mut wrong);
    }
    let is_right = wrong.is_empty();
    for fault in wrong.into_vec() {
        faults.wrong(&fault.pointer, fault.code, fault.message);
    }
    is_right.then_some(plan)
}

fn form(faults: &mut Faults, fields: &[NewFormField]) -> Option<Vec<FormField>> {
    if fields.len() > MAX_FIELDS {
        faults.wrong("/form", "too-long", format!("must not have more than {MAX_FIELDS} fields"));
        return None;
    }
    let mut seen = BTreeSet::new();
    let mut form = Vec::with_capacity(fields.len());
    for (index, field) in fields.iter().enumerate() {
        let at = format!("/form/{index}");
        let key = faults.parse::<Key>(&format!("{at}/field"), &field.field);
        if !seen.insert(&field.field) {
            let message = format!("`{}` is the key of an earlier field too", field.field);
            faults.wrong(&format!("{at}/field"), "taken", message);
        }
        let label = faults.name(&format!("{at}/label"), &field.label);
        let kind = field_kind(faults, &at, field);
        if let (Some(field_key), Some(label), Some(kind)) = (key, label, kind) {
            form.push(FormField { field: field_key, label, kind, required: field.required });
        }
    }
    (form.len() == fields.len()).then_some(form)
}

fn field_kind(faults: &mut Faults, at: &str, field: &NewFormField) -> Option<FieldKind> {
    if field.kind != "choice" && !field.choices.is_empty() {
        let message = "only a field of the kind `choice` has choices";
        faults.wrong(&format!("{at}/choices"), "not-allowed", message);
        return None;
    }
    match field.kind.as_str() {
        "text" => Some(FieldKind::Text),
        "number" => Some(FieldKind::Number),
        "yes_no" => Some(FieldKind::YesNo),
        "date" => Some(FieldKind::Date),
        "choice" => choices(faults, at, &field.choices).map(FieldKind::Choice),
        other => {
            let valid = "text, number, yes_no, date, choice";
            let message = format!("`{other}` is no kind of field; valid: {valid}");
            faults.wrong(&format!("{at}/kind"), "invalid", message);
            None
        }
    }
}

fn choices(faults: &mut Faults, at: &str, given: &[String]) -> Option<Vec<String>> {
    if !(1..=MAX_CHOICES).contains(&given.len()) {
        let message = format!("a field of the kind `choice` has 1 to {MAX_CHOICES} choices");
        faults.wrong(&format!("{at}/choices"), "invalid", message);
        return None;
    }
    let mut choices = Vec::with_capacity(given.len());
    for (index, choice) in given.iter().enumerate() {
        let pointer = format!("{at}/choices/{index}");
        let Some(choice) = faults.name(&pointer, choice) else { continue };
        if choices.contains(&choice) {
            faults.wrong(&pointer, "taken", format!("`{choice}` is listed twice"));
        } else {
            choices.push(choice);
        }
    }
    (choices.len() == given.len()).then_some(choices)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(key: &str, kind: &str, choices: &[&str]) -> NewFormField {
        NewFormField {
            field: key.to_owned(),
            label: "A question".to_owned(),
            kind: kind.to_owned(),
            choices: choices.iter().map(ToString::to_string).collect(),
            required: true,
        }
    }

    fn pointers(faults: Faults) -> Vec<String> {
        let CommandError::Invalid(found) = faults.into_error() else { panic!("faults") };
        found.into_iter().map(|fault| fault.pointer).collect()
    }

    #[test]
    fn a_form_is_taken_in_its_order() {
        let mut faults = Faults::new();
        let fields =
            [field("size", "choice", &["13 inch", "15 inch"]), field("reason", "text", &[])];
        let form = form(&mut faults, &fields).unwrap();
        assert_eq!(form[0].kind, FieldKind::Choice(vec!["13 inch".into(), "15 inch".into()]));
        assert_eq!(form[1].field.as_str(), "reason");
    }

    #[test]
    fn every_wrong_field_of_a_form_is_named() {
        let mut faults = Faults::new();
        let fields = [
            field("size", "choice", &[]),
            field("size", "text", &[]),
            field("UPPER", "colour", &[]),
            field("when", "date", &["today"]),
            field("model", "choice", &["a", "a"]),
        ];
        assert_eq!(form(&mut faults, &fields), None);
        assert_eq!(
            pointers(faults),
            [
                "/form/0/choices",
                "/form/1/field",
                "/form/2/field",
                "/form/2/kind",
                "/form/3/choices",
                "/form/4/choices/1"
            ]
        );
    }

    #[test]
    fn a_cost_is_whole_minor_units_of_a_currency() {
        let mut faults = Faults::new();
        let given = (129_900, "EUR".to_owned());
        assert_eq!(
            cost(&mut faults, Some(&given)),
            Some(Some(Money { minor_units: 129_900, currency: "EUR".to_owned() }))
        );
        assert_eq!(cost(&mut faults, Some(&(-1, "EUR".to_owned()))), None);
        assert_eq!(cost(&mut faults, Some(&(1, "euro".to_owned()))), None);
        assert_eq!(pointers(faults), ["/cost/minor_units", "/cost/currency"]);
    }
}
