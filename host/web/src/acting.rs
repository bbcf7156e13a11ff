//! Carrying out what a form asks for on a ticket, at the portal and at the desk.

use waypost_app::{
    Caller, CommandError, Desk,
    tickets::{self, TicketRef},
};
use waypost_domain::ticket::{Action, FieldType, TicketKind};

use crate::{form::Form, people::by_name, viewer::Viewer};

/// An action on a ticket, as it is asked for.
pub(crate) struct Asked<'a> {
    pub(crate) named: &'a TicketRef,
    pub(crate) action: Action,
    /// The fields that are read from the form.
    pub(crate) taken: Vec<(&'static str, FieldType)>,
    /// The version that has to be there still; none where what others did meanwhile is no matter.
    pub(crate) version: Option<i64>,
}

/// The fields that the form of an action can have; none for an action that the kind lacks.
pub(crate) fn taken(kind: TicketKind, action: Action) -> Option<Vec<(&'static str, FieldType)>> {
    if action == Action::Edit {
        let fields = kind.rules().fields().filter(|field| field.edits);
        return Some(fields.map(|field| (field.name, field.takes)).collect());
    }
    let row = kind.rules().row(action)?;
    Some(row.inputs.iter().map(|input| (input.name, input.takes)).collect())
}

/// Carries an action out. What was left as it was shown is not edited.
pub(crate) async fn carry_out(
    desk: &Desk,
    viewer: &Viewer,
    caller: &Caller,
    asked: &Asked<'_>,
    form: &Form,
) -> Result<(), CommandError> {
    let Asked { named, action, taken, version } = asked;
    let is_edit = *action == Action::Edit;
    let is_sent = |(name, takes): &(&'static str, FieldType)| match takes {
        _ if !is_edit => true,
        FieldType::Answers => form.is_any_changed("answers/"),
        _ => form.is_changed(name),
    };
    let sent: Vec<(&'static str, FieldType)> = taken.iter().copied().filter(is_sent).collect();
    let looked_up = by_name(desk, caller, form, &sent).await?;
    let input = looked_up.json(sent, &viewer.clock, is_edit);
    // Boxed: what a change may set off makes a future that would fill the stack.
    if !is_edit {
        let _ = Box::pin(tickets::act(desk, caller, named, *action, input, *version)).await?;
    } else if !input.is_empty() {
        let _ = Box::pin(tickets::edit(desk, caller, named, input, *version)).await?;
    }
    Ok(())
}
