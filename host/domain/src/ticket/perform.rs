//! Performing: one action on one ticket, checked in the order of the house, and told as events tell
//! it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::{
    approval::Approval,
    catalog::CatalogItem,
    comment::Visibility,
    directory::Lookup,
    event::{Actor, FieldChange},
    ids::{ApprovalRequestId, PersonId, TicketId},
    link::{Link, LinkChange},
    organization::OrgSettings,
    person::Person,
    refusal::{Faults, Refused},
    said,
    said::{Part, Said},
    suggestion::Suggestion,
    text,
    ticket::{
        Action, Code, FieldType, Given, Input, Lack, Notice, Obstacle, Outcome, Row, Stage, Ticket,
        To, Value, choice,
    },
};

/// One move: what was given, by whom, when, and what stands around the ticket.
pub struct Turn<'a> {
    /// What was given.
    pub given: &'a Given,
    /// Who acts.
    pub by: &'a Actor,
    /// When.
    pub now: DateTime<Utc>,
    /// The organization's settings.
    pub settings: &'a OrgSettings,
    /// Where teams, services and the like are looked up.
    pub directory: &'a dyn Lookup,
    /// What stands around the ticket.
    pub beside: &'a mut Beside,
    /// What is wrong with the fields, so far.
    pub faults: Faults,
    /// What the move leaves beside the changed ticket.
    pub left: Left,
}

/// What stands around a ticket, read before a move; what of it the move changed is written with it.
#[derive(Debug, Clone, Default)]
pub struct Beside {
    /// The catalog item that is asked for.
    pub item: Option<CatalogItem>,
    /// The parent: of a child incident, or of a task.
    pub parent: Option<Ticket>,
    /// The ticket that the action names.
    pub target: Option<Ticket>,
    /// The last of the tickets that go on instead of this one, if that is where a reply is not
    /// taken as a reply: a problem, or one that is over.
    pub goes_on: Option<Ticket>,
    /// The links of the ticket, and of the one that the action names.
    pub links: Vec<Link>,
    /// The tasks of the ticket; for a task, all of its parent's.
    pub tasks: Vec<Ticket>,
    /// How many children it has that are not over.
    pub children: u32,
    /// How many children there are already where those would go, if it ended for the ticket that
    /// the action names.
    pub target_children: u32,
    /// The suggestion that is decided on.
    pub suggestion: Option<Suggestion>,
    /// The latest round of approval.
    pub round: Option<Approval>,
    /// Whether that round approved exactly what is there now.
    pub is_approved: bool,
    /// The people whom the action names.
    pub people: BTreeMap<PersonId, Person>,
    /// The id of a ticket that the move may open.
    pub new_id: Option<TicketId>,
    /// The id of a request for a vote that the move may make.
    pub new_vote: Option<ApprovalRequestId>,
}

/// What a move leaves beside the changed ticket.
#[derive(Debug, Default)]
pub struct Left {
    /// Something that was said.
    pub said: Option<NewComment>,
    /// Why, as the event keeps it; without one, what was given as the reason.
    pub reason: Option<String>,
    /// The public text that people hear.
    pub text: Option<String>,
    /// A ticket that it opens.
    pub opened: Option<Ticket>,
    /// A link that was made or removed.
    pub link: Option<LinkChange>,
    /// The round of approval, where the move changed it.
    pub round: Option<Approval>,
    /// The requests of that round whose votes are awaited because of it.
    pub asked: Vec<ApprovalRequestId>,
    /// Changes that the ticket itself does not hold.
    pub changes: Vec<FieldChange>,
    /// The same of the ticket that the action names.
    pub target_changes: Vec<FieldChange>,
    /// The action that Waypost itself takes because of this one, and to which the changes belong.
    pub caused: Option<Action>,
    /// What people hear instead of what the row says.
    pub tells: Option<Option<Notice>>,
    /// That the move is about another ticket, and does nothing to this one.
    pub is_elsewhere: bool,
}

/// Something that was said about a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewComment {
    /// Who may read it.
    pub visibility: Visibility,
    /// What it says.
    pub text: String,
}

/// What a move did, as events tell it.
#[derive(Debug)]
pub struct Done {
    /// The action.
    pub action: Action,
    /// What changed.
    pub changes: Vec<FieldChange>,
    /// Why.
    pub reason: Option<String>,
    /// What people hear of it.
    pub tells: Option<Notice>,
    /// What it left beside.
    pub left: Left,
}

impl<'a> Turn<'a> {
    /// A move that begins.
    pub fn new(
        given: &'a Given,
        by: &'a Actor,
        now: DateTime<Utc>,
        settings: &'a OrgSettings,
        directory: &'a dyn Lookup,
        beside: &'a mut Beside,
    ) -> Self {
        let (faults, left) = (Faults::new(), Left::default());
        Self { given, by, now, settings, directory, beside, faults, left }
    }

    /// Ends the checks of the fields: refuses all that is wrong with them.
    pub(crate) fn fields_are_right(&mut self) -> Result<(), Refused> {
        std::mem::take(&mut self.faults).finish()
    }

    /// Notes a time that is not still to come.
    pub(crate) fn must_come(&mut self, name: &str) {
        if self.given.time(name).is_some_and(|at| at <= self.now) {
            let message = said!("Give a time in the future.");
            self.faults.wrong(&format!("/{name}"), "in-the-past", message);
        }
    }

    /// How a ticket was done, now and by whoever acts.
    pub(crate) fn outcome(&self, code: Option<Code>, notes: String) -> Outcome {
        Outcome { code, notes, at: self.now, by: self.by.clone() }
    }

    /// Notes that something was said.
    pub(crate) fn say(&mut self, visibility: Visibility, name: &str) {
        let Some(text) = self.given.text(name) else { return };
        let text = text::line_ends(text).into_owned();
        if visibility == Visibility::Public {
            self.left.text = Some(text.clone());
        }
        self.left.said = Some(NewComment { visibility, text });
    }
}

impl Ticket {
    /// Takes an action. In this order: the state, the fields, what stands around it.
    pub fn perform(&mut self, action: Action, turn: &mut Turn<'_>) -> Result<Done, Refused> {
        let row = self.admit(action)?;
        let against = row.against.and_then(|against| against(self, action));
        if let Some(Obstacle::Standing(why)) = against {
            return Err(self.refuse(action, why));
        }
        self.check_inputs(row, turn);
        let mut after = self.clone();
        if let Some(Obstacle::Guard(why)) = against {
            // What is wrong with the fields goes first, and only the logic knows all of it.
            let beside = turn.beside.clone();
            after.fill(row, turn);
            let tried = row.logic.map_or(Ok(()), |logic| logic(&mut after, turn));
            *turn.beside = beside;
            tried.and_then(|()| turn.fields_are_right())?;
            return Err(Refused::guard(why));
        }
        after.fill(row, turn);
        if let Some(logic) = row.logic {
            logic(&mut after, turn)?;
        }
        turn.fields_are_right()?;
        if let (None, To::State(state)) = (row.logic, row.to) {
            after.stage = Stage::Open(state);
        }
        let mut left = std::mem::take(&mut turn.left);
        let mut changes = Vec::new();
        if !left.is_elsewhere {
            let before = std::mem::replace(self, after);
            changes = self.record_changes(&before, Some(turn.directory), turn.now);
        }
        changes.append(&mut left.changes);
        let reason = left.reason.take().or_else(|| turn.given.text("reason").map(str::to_owned));
        if left.text.is_none() && row.tells.is_some_and(Notice::says_why) {
            left.text.clone_from(&reason);
        }
        let tells = left.tells.unwrap_or(row.tells);
        Ok(Done { action, changes, reason, tells, left })
    }

    /// Notes which inputs are missing, and what is wrong with them as far as their type tells; and
    /// fields of the ticket that must be filled before.
    fn check_inputs(&self, row: &Row, turn: &mut Turn<'_>) {
        for input in row.inputs {
            let pointer = format!("/{}", input.name);
            let value = turn.given.get(input.name).filter(|_| turn.given.says(input.name));
            match value {
                Some(value) => {
                    input.takes.check(&pointer, value, &mut turn.faults);
                    if input.takes == FieldType::Code {
                        self.check_code(&pointer, value, &mut turn.faults);
                    }
                }
                None if input.is_needed(self) => {
                    turn.faults.missing(&pointer, self.missing(input));
                }
                None => {}
            }
        }
        if let Some(lacks) = row.lacks {
            for Lack { fields, remedy } in lacks(self, turn.settings) {
                if !fields.iter().any(|field| turn.given.says(field)) {
                    turn.faults.missing(&format!("/{}", fields[0]), remedy);
                }
            }
        }
    }

    /// Notes a code that is another kind's, or nobody's.
    fn check_code(&self, pointer: &str, value: &Value, faults: &mut Faults) {
        let codes = self.rules().codes;
        let code: Option<Code> = choice(Some(value));
        if code.is_none_or(|code| !codes.contains(&code)) {
            let names = Part::all(codes);
            let message = said!(
                "It is not valid for {kind}; use one of: {names}.",
                kind = self.kind(),
                names
            );
            faults.wrong(pointer, "unknown", message);
        }
    }

    /// What to do about a missing input.
    fn missing(&self, input: &Input) -> Said {
        let what = Said::fixed(input.doc);
        let names = if let FieldType::Choice(names) = input.takes {
            Part::all(names.iter().map(|name| Part::option(input.name, name)))
        } else if input.takes == FieldType::Code {
            Part::all(self.rules().codes)
        } else {
            return what;
        };
        said!("{what} Use one of: {names}.", what, names)
    }
}
