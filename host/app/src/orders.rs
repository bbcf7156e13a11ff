//! Orders: several requests of one person, made together or not at all.

use waypost_domain::{
    ids::OrderId,
    permission,
    refusal::{Faults, Refused},
    ticket::{Channel, TicketKind},
};
use waypost_store::catalog;

use crate::{
    Caller, CommandError, Desk,
    tickets::{
        OpenTicket, PersonRef, TicketView,
        decide::{self, Deciding},
        facts::Facts,
        names,
        open::LookUps,
        write,
    },
};

/// What is ordered together.
#[derive(Debug, Clone, Default)]
pub struct NewOrder {
    /// The person who wants it; none for the caller themselves.
    pub requester: Option<PersonRef>,
    /// How it came in; none for the API.
    pub channel: Option<Channel>,
    /// What they want.
    pub items: Vec<NewOrderItem>,
}

/// One item of an order.
#[derive(Debug, Clone, Default)]
pub struct NewOrderItem {
    /// The catalog item's key.
    pub catalog_item: String,
    /// How many of it; none for one.
    pub quantity: Option<u16>,
    /// The form's answers: field and value.
    pub answers: Vec<(String, String)>,
    /// What the request is about, in one line; none for the item's name.
    pub short_description: Option<String>,
    /// The full text.
    pub description: String,
}

/// An order, as the requests that it has become.
#[derive(Debug, Clone)]
pub struct OrderView {
    /// Its id, which the requests share.
    pub id: OrderId,
    /// One for each item, in the order's order.
    pub requests: Vec<TicketView>,
}

/// More belongs into several orders; all of one are decided on and stored at once.
pub const MAX_ITEMS: usize = 20;

/// Makes a request of each item and hands all of them in. They share the order's id and are stored in one commit.
///
/// # Errors
/// The role; then every wrong field of every item by its place: `/items/2/answers/model`. Nothing is stored then.
pub async fn place(desk: &Desk, caller: &Caller, new: NewOrder) -> Result<OrderView, CommandError> {
    permission::allows_opening(caller.role, &[])?;
    let mut faults = Faults::new();
    match new.items.len() {
        0 => faults.missing("/items", "name what is ordered: at least one catalog item"),
        1..=MAX_ITEMS => {}
        more => {
            let message = format!("{more} items; an order has at most {MAX_ITEMS}");
            faults.wrong("/items", "too-many", message);
        }
    }
    faults.finish()?;
    let id = OrderId(desk.id(caller));
    let mut requests = decided(desk, caller, &new, id).await?;
    decide::open(desk, caller, &mut requests, false).await?;
    let mut writes = Deciding::finish_all(requests)?;
    let mut tx = desk.write(caller).await?;
    write::write(desk, &mut tx, &mut writes, caller.now).await?;
    let stored = writes.iter().map(|one| one.ticket.clone()).collect();
    let requests = names::views(&mut tx, stored).await?;
    write::commit(desk, tx, &writes, caller.now).await?;
    Ok(OrderView { id, requests })
}

/// The requests of an order, checked and ready to be decided on.
async fn decided(
    desk: &Desk,
    caller: &Caller,
    new: &NewOrder,
    id: OrderId,
) -> Result<Vec<Deciding>, CommandError> {
    let (mut tx, facts) = Facts::open(desk, caller).await?;
    let mut look_ups = LookUps::default();
    let mut faults = Faults::new();
    let mut requests = Vec::with_capacity(new.items.len());
    for (place, item) in new.items.iter().enumerate() {
        let named = match &item.short_description {
            Some(text) => text.clone(),
            None => catalog::find_by_key(&mut tx, &item.catalog_item)
                .await?
                // One that is not there is refused below, and not for its missing text as well.
                .map_or_else(|| item.catalog_item.clone(), |found| found.name),
        };
        let command = OpenTicket {
            kind: Some(TicketKind::Request),
            short_description: named,
            description: item.description.clone(),
            channel: new.channel,
            requester: new.requester.clone(),
            catalog_item: Some(item.catalog_item.clone()),
            answers: item.answers.clone(),
            quantity: item.quantity,
            ..OpenTicket::default()
        };
        match look_ups.deciding(&mut tx, desk, caller, &facts, command).await {
            Ok(mut deciding) => {
                deciding.keep_kind();
                deciding.write.ticket.order(id);
                requests.push(deciding);
            }
            Err(error) => note(error, place, &mut faults)?,
        }
    }
    faults.finish()?;
    Ok(requests)
}

/// Notes an item's faults at its place. What is the order's own stands for all items; what is no fault of a field ends the command.
fn note(error: CommandError, place: usize, faults: &mut Faults) -> Result<(), CommandError> {
    let (CommandError::Invalid(found)
    | CommandError::Refused(Refused::Invalid(found) | Refused::MissingFields(found))) = error
    else {
        return Err(error);
    };
    for fault in found {
        if fault.pointer == "/requester" {
            if place == 0 {
                faults.wrong(&fault.pointer, fault.code, fault.message);
            }
        } else {
            faults.wrong(&format!("/items/{place}{}", fault.pointer), fault.code, fault.message);
        }
    }
    Ok(())
}
