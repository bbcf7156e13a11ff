//! Orders: several requests of one person, made together or not at all.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use waypost_domain::{
    catalog::Money,
    ids::OrderId,
    permission,
    refusal::{Faults, Refused},
    said,
    ticket::{Given, TicketKind},
};
use waypost_store::catalog;

use crate::{
    Caller, CommandError, Desk,
    tickets::{
        OpenTicket, TicketView,
        facts::Facts,
        given::LookUps,
        open,
        preview::{self, RequestPreview},
        scene::Scene,
    },
};

/// What is ordered together.
#[derive(Debug, Clone, Default)]
pub struct NewOrder {
    /// What all of its requests share: `requester`, `channel`.
    pub fields: Map<String, Value>,
    /// What is wanted.
    pub items: Vec<NewOrderItem>,
}

/// One item of an order.
#[derive(Debug, Clone, Default)]
pub struct NewOrderItem {
    /// The fields of its request: `catalog_item`, `quantity`, `answers`; without a
    /// `short_description` it is the item's name.
    pub fields: Map<String, Value>,
}

/// An order, as the requests that it has become.
#[derive(Debug, Clone)]
pub struct OrderView {
    /// Its id, which the requests share.
    pub id: OrderId,
    /// One for each item, in the order's order.
    pub requests: Vec<TicketView>,
}

/// What would come of an order.
#[derive(Debug, Clone)]
pub struct OrderPreview {
    /// What would come of each of its requests, in the order's order.
    pub requests: Vec<RequestPreview>,
    /// What those cost together that are not refused, in each currency.
    pub cost: Vec<Money>,
    /// When the last of those is there of which it is known.
    pub expected_at: Option<DateTime<Utc>>,
}

impl OrderPreview {
    /// What would come of these requests, sent together.
    #[must_use]
    pub fn of(requests: Vec<RequestPreview>) -> Self {
        let cost = Money::sums(requests.iter().filter_map(|one| one.cost.as_ref()));
        let expected_at = requests.iter().filter_map(|one| one.expected_at).max();
        Self { requests, cost, expected_at }
    }
}

/// More belongs into several orders; all of one are decided on and stored at once.
pub const MAX_ITEMS: usize = 20;

/// Makes a request of each item and hands all of them in. They share the order's id and are stored
/// in one commit.
///
/// # Errors
/// The role; then every wrong field of every item by its place: `/items/2/answers/model`. Nothing
/// is stored then.
pub async fn place(desk: &Desk, caller: &Caller, new: NewOrder) -> Result<OrderView, CommandError> {
    check(caller, &new)?;
    let id = OrderId(desk.id(caller));
    let mut scene = drafts(desk, caller, &new, id).await?;
    open::decide_on(&mut scene).await?;
    let requests = open::finish_all(scene).await?;
    Ok(OrderView { id, requests })
}

/// What would come of an order that was placed now. Nothing is stored.
///
/// # Errors
/// As [`place`].
pub async fn preview(
    desk: &Desk,
    caller: &Caller,
    new: NewOrder,
) -> Result<OrderPreview, CommandError> {
    check(caller, &new)?;
    let scene = drafts(desk, caller, &new, OrderId(desk.id(caller))).await?;
    Ok(OrderPreview::of(preview::foreseen(scene).await?))
}

fn check(caller: &Caller, new: &NewOrder) -> Result<(), CommandError> {
    permission::allows_opening(caller.role, TicketKind::Request, &Given::default())?;
    let mut faults = Faults::new();
    match new.items.len() {
        0 => faults.missing("/items", said!("Order at least one catalog item.")),
        1..=MAX_ITEMS => {}
        more => {
            let message = said!(
                "{more} items are too many; an order can have at most {most}.",
                more,
                most = MAX_ITEMS
            );
            faults.wrong("/items", "too-many", message);
        }
    }
    Ok(faults.finish()?)
}

/// The requests of an order, checked and ready to be decided on.
async fn drafts<'a>(
    desk: &'a Desk,
    caller: &'a Caller,
    new: &NewOrder,
    id: OrderId,
) -> Result<Scene<'a>, CommandError> {
    let (mut tx, facts) = Facts::open(desk, caller).await?;
    let mut scene = Scene::new(desk, caller, facts.clone());
    let mut look_ups = LookUps::default();
    let mut faults = Faults::new();
    for (place, item) in new.items.iter().enumerate() {
        let mut fields = item.fields.clone();
        let key = fields.get("catalog_item").and_then(|it| it.as_str()).unwrap_or_default();
        if !fields.contains_key("short_description") {
            let found = catalog::find_by_key(&mut tx, key).await?;
            // One that is not there is refused below, and not for its missing text as well.
            let name = found.map_or_else(|| format!("`{key}`"), |found| found.name);
            fields.insert("short_description".to_owned(), name.into());
        }
        for (name, value) in &new.fields {
            fields.insert(name.clone(), value.clone());
        }
        let command = OpenTicket { kind: Some(TicketKind::Request), fields, draft: false };
        match look_ups.draft(&mut tx, desk, caller, &facts, &command).await {
            Ok(mut draft) => {
                draft.fix_kind();
                draft.write.ticket.order(id);
                scene.drafts.push(draft);
            }
            Err(error) => note(error, place, &mut faults)?,
        }
    }
    faults.finish()?;
    Ok(scene)
}

/// Notes an item's faults at its place. What is the order's own stands for all items; what is no
/// fault of a field ends the command.
fn note(error: CommandError, place: usize, faults: &mut Faults) -> Result<(), CommandError> {
    let (CommandError::Invalid(found)
    | CommandError::Refused(Refused::Invalid(found) | Refused::MissingFields(found))) = error
    else {
        return Err(error);
    };
    for fault in found {
        if matches!(fault.pointer.as_str(), "/requester" | "/channel") {
            if place == 0 {
                faults.wrong(&fault.pointer, fault.code, fault.message);
            }
        } else {
            faults.wrong(&format!("/items/{place}{}", fault.pointer), fault.code, fault.message);
        }
    }
    Ok(())
}
