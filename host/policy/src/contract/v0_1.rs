//! `waypost:policy@0.1.0`: its types, its functions, and their translation.

/// Two records with the same fields: those that are moved as they are, those that are translated,
/// and the lists and options whose elements are. Each record is taken apart field by field, so that
/// a field that either side gains has to be placed.
macro_rules! record {
    ($from:ty => $to:ty {
        $($same:ident),* ; $($single:ident),* ; $($list:ident),* ; $($option:ident),*
    }) => {
        impl From<$from> for $to {
            fn from(it: $from) -> Self {
                type From = $from;
                let From { $($same,)* $($single,)* $($list,)* $($option,)* } = it;
                Self {
                    $($same,)*
                    $($single: $single.into(),)*
                    $($list: super::all($list),)*
                    $($option: $option.map(Into::into),)*
                }
            }
        }
    };
}

/// Two enums with the same cases, none of which holds anything.
macro_rules! cases {
    ($from:ty => $to:ty { $($case:ident),* }) => {
        impl From<$from> for $to {
            fn from(it: $from) -> Self {
                type From = $from;
                match it { $(From::$case => Self::$case,)* }
            }
        }
    };
}

mod lift;
mod lower;

use wasmtime::component::ComponentExportIndex;

use crate::sandbox::{Exports, Halt, Sandboxed, Unfit};
use crate::{Answer, Decline, Failure, Hook};

/// Generated from the WIT, which documents its items.
mod generated {
    wasmtime::component::bindgen!({
        path: "../../wit/0.1.0",
        world: "policy-pack",
        additional_derives: [Clone],
    });
}

use self::generated::exports::waypost::policy::{
    approval::{self, ApprovalPlan, Nudge, WaitingApproval},
    categorization::{self, Categorization},
    notification::{self, Event, Notifications},
    routing::Assignment,
};
pub(crate) use self::generated::waypost::policy::log;
use self::generated::waypost::policy::types::{self, Context, Ticket};

/// The types of the hooks' functions: parameters and results.
mod signature {
    use super::{
        ApprovalPlan, Assignment, Categorization, Context, Event, Notifications, Nudge, Ticket,
        WaitingApproval, types,
    };

    pub(super) type Or<A> = (Result<A, types::Decline>,);
    pub(super) type Categorize<'a> = ((&'a Ticket, &'a Context), Or<Categorization>);
    pub(super) type Route<'a> = ((&'a Ticket, &'a Context), Or<Assignment>);
    pub(super) type Plan<'a> = ((&'a Ticket, &'a Context), Or<ApprovalPlan>);
    pub(super) type Stalled<'a> = ((&'a Ticket, &'a WaitingApproval, &'a Context), Or<Nudge>);
    pub(super) type Notify<'a> = ((&'a Event, &'a Ticket, &'a Context), Or<Notifications>);
}

/// The hooks that a component exports, found and typechecked; in the order of [`Hook::ALL`].
pub(crate) struct Hooks([Option<ComponentExportIndex>; Hook::ALL.len()]);

/// A question in this version's types.
pub(crate) enum Question {
    Categorize { ticket: Ticket, context: Context },
    Route { ticket: Ticket, context: Context },
    Plan { ticket: Ticket, context: Context },
    Stalled { ticket: Ticket, approval: WaitingApproval, context: Context },
    Notify { event: Event, ticket: Ticket, context: Context },
}

pub(crate) use self::lower::lower;

/// The elements of a list, translated. Where both sides have the same size, in the same memory.
fn all<A, B: From<A>>(list: Vec<A>) -> Vec<B> {
    list.into_iter().map(B::from).collect()
}

impl Question {
    const fn hook(&self) -> Hook {
        match self {
            Self::Categorize { .. } => Hook::Categorize,
            Self::Route { .. } => Hook::Route,
            Self::Plan { .. } => Hook::Plan,
            Self::Stalled { .. } => Hook::Stalled,
            Self::Notify { .. } => Hook::Notify,
        }
    }
}

impl Hooks {
    pub(crate) fn find(exports: &Exports<'_>) -> Result<Self, Unfit> {
        Ok(Self([
            exports.hook::<signature::Categorize<'_>>(Hook::Categorize)?,
            exports.hook::<signature::Route<'_>>(Hook::Route)?,
            exports.hook::<signature::Plan<'_>>(Hook::Plan)?,
            exports.hook::<signature::Stalled<'_>>(Hook::Stalled)?,
            exports.hook::<signature::Notify<'_>>(Hook::Notify)?,
        ]))
    }

    pub(crate) const fn have(&self, hook: Hook) -> bool {
        self.0[hook as usize].is_some()
    }

    /// Calls the hook. What it says is not plain yet.
    pub(crate) fn ask(
        &self,
        inside: &mut Sandboxed<'_>,
        question: &Question,
    ) -> Result<Result<Answer, Decline>, Halt> {
        let hook = question.hook();
        let Some(index) = &self.0[hook as usize] else {
            let message = format!("the policy does not serve `{hook}`");
            return Err(Halt::Failure(Failure::Unavailable { message }));
        };
        let said = match question {
            Question::Categorize { ticket, context } => {
                let (said,) = inside.call::<signature::Categorize<'_>>(index, (ticket, context))?;
                said.map(|answer| Answer::Categorization(answer.into()))
            }
            Question::Route { ticket, context } => {
                let (said,) = inside.call::<signature::Route<'_>>(index, (ticket, context))?;
                said.map(|answer| Answer::Assignment(answer.into()))
            }
            Question::Plan { ticket, context } => {
                let (said,) = inside.call::<signature::Plan<'_>>(index, (ticket, context))?;
                said.map(|answer| Answer::Plan(answer.into()))
            }
            Question::Stalled { ticket, approval, context } => {
                let asked = (ticket, approval, context);
                let (said,) = inside.call::<signature::Stalled<'_>>(index, asked)?;
                said.map(|answer| Answer::Nudge(answer.into()))
            }
            Question::Notify { event, ticket, context } => {
                let asked = (event, ticket, context);
                let (said,) = inside.call::<signature::Notify<'_>>(index, asked)?;
                said.map(|answer| Answer::Notifications(answer.into()))
            }
        };
        Ok(said.map_err(Decline::from))
    }
}
