//! Kinds of tickets as data: their states, and one row for every action.
//!
//! A row says from which states an action leads where, who may do it, what it must be given, and
//! what people hear of it. Everything else that is said about an action is read from its row:
//! whether it is allowed, hints, permissions, the API's addresses and schemas, and the tables in
//! the docs. A move without logic has no function.

use crate::{
    incident,
    name::names,
    organization::OrgSettings,
    problem,
    refusal::Refused,
    request,
    said::Said,
    task,
    ticket::{Action, Code, Field, Input, Phase, State, Ticket, Turn},
};

/// What kind of ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TicketKind {
    /// An unplanned interruption of a service or a drop in its quality.
    Incident,
    /// Something that a person asks for.
    Request,
    /// A cause, or possible cause, of one or more incidents.
    Problem,
    /// A piece of work that belongs to another ticket.
    Task,
}

names!("kind of ticket", TicketKind {
    Incident => "incident",
    Request => "request",
    Problem => "problem",
    Task => "task",
});

/// All rules of one kind.
pub struct Kind {
    /// Which.
    pub kind: TicketKind,
    /// As it stands in a sentence: `an incident`.
    pub with_article: &'static str,
    /// What its numbers begin with: `INC`.
    pub prefix: &'static str,
    /// Its collection in the API: `incidents`.
    pub path: &'static str,
    /// One sentence for the docs.
    pub summary: &'static str,
    /// Its states in the order of a life, each with its phase. The first one is where it starts.
    pub states: &'static [(State, Phase)],
    /// Where it is worked on: where a hold ends, and where a reopened one goes.
    pub at_work: State,
    /// The valid outcome codes; none where it has none.
    pub codes: &'static [Code],
    /// What the inputs and facts of its outcome begin with: `resolution`.
    pub outcome: &'static str,
    /// In which of its states its tasks are worked on.
    pub tasks_worked: From,
    /// Who may open one.
    pub opened_by: Who,
    /// Its rows: its own, and those that it shares with other kinds.
    pub rows: &'static [&'static [Row]],
    /// Its fields: its own, and those that it shares with other kinds.
    pub fields: &'static [&'static [Field]],
}

/// Where an action can be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// In these states.
    In(&'static [State]),
    /// While somebody still has to do something: in every state of the phases open and on hold.
    Active,
    /// Until it is over.
    NotOver,
    /// Always.
    Anywhere,
    /// Never: the first event of a ticket.
    Nowhere,
}

/// Where an action leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// The state stays.
    Stays,
    /// To this state.
    State(State),
    /// To one of these, as what is given, the settings or a policy say; or the state stays.
    OneOf(&'static [State]),
}

/// Who may take an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Agents and administrators.
    Desk,
    /// Administrators.
    Admin,
    /// The desk, and whoever the ticket is for or who wrote it down, as long as it is in these
    /// states.
    DeskOrOwner(From),
    /// Whoever the ticket is for, who wrote it down, and those who watch it. Whoever watches it as
    /// one of the desk has the desk's own ways.
    OwnerOrWatcher,
    /// The desk, and whoever it is assigned to.
    DeskOrAssignee,
    /// Whoever holds a seat of the open round of approval.
    SeatHolder,
    /// Nobody asks for it: it follows from what policies, approvers and the clock do.
    System,
}

/// Who is asked because of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// The approval policies: what they plan is where it goes.
    Plan,
    /// The routing policies.
    Route,
    /// The owner of the service, whether a risk may be accepted.
    RiskOwner,
}

/// What people may want to hear of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Notice {
    /// It came in and was routed.
    Created,
    /// Another team or person got it.
    Assigned,
    /// Its state changed.
    StateChanged,
    /// Its priority changed.
    PriorityChanged,
    /// A public comment was written.
    Commented,
    /// The expected time of restoration changed.
    EtaChanged,
    /// A vote is asked for.
    ApprovalRequested,
    /// An approval was decided.
    ApprovalDecided,
    /// A vote is late.
    VoteLate,
    /// The ticket was escalated.
    Escalated,
    /// It is resolved or fulfilled.
    Resolved,
    /// It is closed or cancelled.
    Closed,
    /// Where it stands as a major incident changed.
    MajorChanged,
}

impl Notice {
    /// Whether people hear why. Why the desk weighs a ticket as it does is its own affair.
    pub(crate) const fn says_why(self) -> bool {
        match self {
            Self::StateChanged | Self::ApprovalDecided | Self::Resolved | Self::Closed => true,
            Self::Created
            | Self::Assigned
            | Self::PriorityChanged
            | Self::Commented
            | Self::EtaChanged
            | Self::ApprovalRequested
            | Self::VoteLate
            | Self::Escalated
            | Self::MajorChanged => false,
        }
    }
}

/// The logic of an action. It changes the ticket, or refuses and changes nothing.
pub type Move = fn(&mut Ticket, &mut Turn<'_>) -> Result<(), Refused>;

/// What of the ticket stands against an action beside its state; none if nothing does.
pub type Against = fn(&Ticket, Action) -> Option<Obstacle>;

/// What of the ticket must be filled before an action, and is not.
pub type Lacks = fn(&Ticket, &OrgSettings) -> Vec<Lack>;

/// Something that must be filled before an action.
#[derive(Debug, Clone)]
pub struct Lack {
    /// The field; of several, the others will do as well.
    pub fields: &'static [&'static str],
    /// What to do.
    pub remedy: Said,
}

/// What stands against an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// Where it stands beside its state, as it stands after "… for an incident".
    Standing(Said),
    /// Something about it, with the remedy.
    Guard(Said),
}

/// One action of one kind.
pub struct Row {
    /// The action.
    pub action: Action,
    /// Where it can be taken.
    pub from: From,
    /// Where it leads.
    pub to: To,
    /// Who may take it.
    pub who: Who,
    /// What it takes.
    pub inputs: &'static [Input],
    /// Its logic, where it has any.
    pub logic: Option<Move>,
    /// What hides and refuses it beside the state.
    pub against: Option<Against>,
    /// Fields of the ticket that must be filled before, which depends on the settings.
    pub lacks: Option<Lacks>,
    /// What people hear of it.
    pub tells: Option<Notice>,
    /// Whether its logic looks at the tasks of the ticket.
    pub reads_tasks: bool,
    /// Whether its logic looks at the links of the ticket and of the one that is named.
    pub reads_links: bool,
    /// Who is asked before it is known where it leads.
    pub asks: Option<Asks>,
    /// What it does, as the API's docs say it.
    pub summary: &'static str,
}

/// A row, so far for the desk, without inputs and logic.
pub(crate) const fn row(action: Action, summary: &'static str) -> Row {
    Row {
        action,
        from: From::Active,
        to: To::Stays,
        who: Who::Desk,
        inputs: &[],
        logic: None,
        against: None,
        lacks: None,
        tells: None,
        reads_tasks: false,
        reads_links: false,
        asks: None,
        summary,
    }
}

impl Row {
    pub(crate) const fn from(self, states: &'static [State]) -> Self {
        Self { from: From::In(states), ..self }
    }

    pub(crate) const fn wherever(self, from: From) -> Self {
        Self { from, ..self }
    }

    pub(crate) const fn to(self, state: State) -> Self {
        Self { to: To::State(state), ..self }
    }

    pub(crate) const fn one_of(self, states: &'static [State]) -> Self {
        Self { to: To::OneOf(states), ..self }
    }

    pub(crate) const fn who(self, who: Who) -> Self {
        Self { who, ..self }
    }

    pub(crate) const fn takes(self, inputs: &'static [Input]) -> Self {
        Self { inputs, ..self }
    }

    pub(crate) const fn by(self, logic: Move) -> Self {
        Self { logic: Some(logic), ..self }
    }

    pub(crate) const fn unless(self, against: Against) -> Self {
        Self { against: Some(against), ..self }
    }

    pub(crate) const fn lacking(self, lacks: Lacks) -> Self {
        Self { lacks: Some(lacks), ..self }
    }

    pub(crate) const fn tells(self, notice: Notice) -> Self {
        Self { tells: Some(notice), ..self }
    }

    pub(crate) const fn reading_tasks(self) -> Self {
        Self { reads_tasks: true, ..self }
    }

    pub(crate) const fn reading_links(self) -> Self {
        Self { reads_links: true, ..self }
    }

    pub(crate) const fn asking(self, asks: Asks) -> Self {
        Self { asks: Some(asks), ..self }
    }

    /// Whether the state allows it, whoever asks.
    #[must_use]
    pub fn allows(&self, state: State, phase: Phase) -> bool {
        self.from.holds(state, phase)
    }
}

impl From {
    /// Whether a state is among these.
    #[must_use]
    pub fn holds(self, state: State, phase: Phase) -> bool {
        match self {
            Self::In(states) => states.contains(&state),
            Self::Active => phase.is_active(),
            Self::NotOver => !phase.is_over(),
            Self::Anywhere => true,
            Self::Nowhere => false,
        }
    }
}

impl TicketKind {
    /// The rules of the kind.
    #[must_use]
    pub const fn rules(self) -> &'static Kind {
        match self {
            Self::Incident => &incident::INCIDENT,
            Self::Request => &request::REQUEST,
            Self::Problem => &problem::PROBLEM,
            Self::Task => &task::TASK,
        }
    }

    /// The kind as it stands in a sentence.
    #[must_use]
    pub const fn with_article(self) -> &'static str {
        self.rules().with_article
    }

    /// The kinds that come in: what somebody reports or asks for.
    #[must_use]
    pub fn intake() -> Vec<Self> {
        Self::ALL.iter().copied().filter(|kind| kind.rules().has_requester()).collect()
    }

    /// Which kind numbers that begin so belong to.
    #[must_use]
    pub fn of_number(number: &str) -> Option<Self> {
        let prefix = number.trim_end_matches(|c: char| c.is_ascii_digit());
        Self::ALL.iter().copied().find(|kind| kind.rules().prefix == prefix)
    }
}

impl Kind {
    /// The row of an action; none if the kind does not have it.
    #[must_use]
    pub fn row(&self, action: Action) -> Option<&'static Row> {
        self.rows().find(|row| row.action == action)
    }

    /// The rows of actions that a caller can ask for by their names.
    pub fn askable(&self) -> impl Iterator<Item = &'static Row> + use<> {
        self.rows().filter(|row| row.who != Who::System && row.action.is_asked_by_name())
    }

    /// All rows, its own first.
    pub fn rows(&self) -> impl Iterator<Item = &'static Row> + use<> {
        self.rows.iter().copied().flatten()
    }

    /// All fields, those that it shares first.
    pub fn fields(&self) -> impl Iterator<Item = &'static Field> + use<> {
        self.fields.iter().copied().flatten()
    }

    /// Whether somebody reports or asks for it, so that it is for a person.
    #[must_use]
    pub fn has_requester(&self) -> bool {
        self.field("requester").is_some()
    }

    /// The field with this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields().find(|field| field.name == name)
    }

    /// The phase of a state; none if the kind does not have the state.
    #[must_use]
    pub fn phase(&self, state: State) -> Option<Phase> {
        self.states.iter().find(|(one, _)| *one == state).map(|(_, phase)| *phase)
    }

    /// Its state of the phase done.
    #[must_use]
    pub(crate) fn done(&self) -> State {
        let done = self.states.iter().find(|(_, phase)| *phase == Phase::Done);
        done.map_or(State::Closed, |(state, _)| *state)
    }

    /// The names of its states, in the order of a life.
    #[must_use]
    pub fn state_names(&self) -> Vec<&'static str> {
        self.states.iter().map(|(state, _)| state.as_str()).collect()
    }

    /// The actions that a caller can ask for in a state, whoever asks.
    #[must_use]
    pub fn allowed(&self, state: State) -> Vec<Action> {
        let Some(phase) = self.phase(state) else { return Vec::new() };
        let asked = self.rows().filter(|row| row.who != Who::System);
        asked.filter(|row| row.allows(state, phase)).map(|row| row.action).collect()
    }
}
