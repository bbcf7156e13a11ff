//! Why a command was not carried out.

use thiserror::Error;
use waypost_domain::refusal::{FieldFault, GuardKind, Refused};
use waypost_store::StoreError;

/// A command was not carried out. Nothing was changed.
#[derive(Debug, Error)]
pub enum CommandError {
    /// What the command is about is not there, or not for this caller to know of.
    #[error("there is no such {0}")]
    NotFound(Missing),
    /// The caller's role does not allow it; says which does.
    #[error("{0}")]
    Forbidden(String),
    /// Nobody decides on their own wish.
    #[error("{0}")]
    SeparationOfDuties(String),
    /// Somebody else changed it first.
    #[error(
        "the record has been changed since you read it; read it again, then repeat your changes"
    )]
    Stale,
    /// The record's state, a missing or wrong field, or a guard stands against it.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Fields are wrong; each says which and how.
    #[error("{} not valid", fields(.0.len()))]
    Invalid(Vec<FieldFault>),
    /// Another record has the same value where it must be unique.
    #[error("the {0} is already taken")]
    Taken(&'static str),
    /// What was voted on is not what is there now.
    #[error("the content has changed since it was shown; read it again")]
    ContentChanged,
    /// The cursor belongs to another list.
    #[error(transparent)]
    Cursor(#[from] crate::InvalidCursor),
    /// Another server has carried out the same request.
    #[error("the first request with this key is still running")]
    Overtaken,
    /// There is too much to do right now.
    #[error("the desk is busy; try again in a moment")]
    Busy,
    /// The database is away, or cannot write. Nothing was changed.
    #[error("the database is not available, and nothing was changed; try again in a moment")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The answer to the commit was lost: the changes may be kept or not.
    #[error(
        "the connection to the database was lost while the changes were being stored, so it is not known whether they \
         were: read the records again, or look for the external reference, before you repeat the command"
    )]
    OutcomeUnknown(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Not the caller's doing: the database failed, or holds something it should not.
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Whether the desk is in trouble where something was not done about one of several records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It is not: the record was refused.
    None,
    /// It fails at this one; others may do.
    OfOne,
    /// The next one would meet the same: the database is away.
    OfAll,
}

/// What was not found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// An organization.
    Organization,
    /// A person.
    Person,
    /// A team.
    Team,
    /// A service.
    Service,
    /// A configuration item.
    Ci,
    /// A category.
    Category,
    /// A catalog item.
    CatalogItem,
    /// A ticket.
    Ticket,
    /// An approval request.
    Approval,
    /// A delegation.
    Delegation,
    /// A suggestion.
    Suggestion,
    /// A component.
    Policy,
    /// A binding.
    Binding,
    /// A binding's revision.
    Revision,
    /// A receipt.
    Receipt,
    /// A token.
    Token,
    /// A saved view.
    View,
    /// A sign-in.
    SignIn,
    /// A link that signs somebody in.
    Link,
    /// A password, where there are none.
    Password,
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Organization => "organization",
            Self::Person => "person",
            Self::Team => "team",
            Self::Service => "service",
            Self::Ci => "configuration item",
            Self::Category => "category",
            Self::CatalogItem => "catalog item",
            Self::Ticket => "ticket",
            Self::Approval => "approval request",
            Self::Delegation => "delegation",
            Self::Suggestion => "suggestion",
            Self::Policy => "policy",
            Self::Binding => "binding",
            Self::Revision => "revision",
            Self::Receipt => "receipt",
            Self::Token => "token",
            Self::View => "saved view",
            Self::SignIn => "sign-in",
            Self::Link => "link",
            Self::Password => "password",
        })
    }
}

/// Declares an enum together with its names.
macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident => $name:literal,)+) => {
        /// The one word for why a command was not carried out: its sender reads it, and whoever
        /// audits what was refused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

codes! {
    /// It is not there, or not for this caller.
    NotFound => "not-found",
    /// The role or standing does not allow it.
    Forbidden => "forbidden",
    /// Nobody decides on their own wish or work.
    SeparationOfDuties => "separation-of-duties",
    /// Somebody else changed it first.
    StaleVersion => "stale-version",
    /// Where it stands does not allow it.
    InvalidTransition => "invalid-transition",
    /// Fields are missing, and nothing else is wrong.
    MissingFields => "missing-fields",
    /// Fields are wrong.
    ValidationFailed => "validation-failed",
    /// Something around it stands against it.
    GuardFailed => "guard-failed",
    /// Somebody has to approve first.
    ApprovalRequired => "approval-required",
    /// What was voted on has changed.
    ContentChanged => "content-changed",
    /// A unique value is taken.
    Duplicate => "duplicate",
    /// The cursor is of another list.
    CursorInvalid => "cursor-invalid",
    /// Something that the desk needs is away, or there is too much to do.
    Unavailable => "unavailable",
    /// The answer to a commit was lost.
    OutcomeUnknown => "outcome-unknown",
    /// Not the caller's doing.
    Internal => "internal",
}

fn fields(count: usize) -> String {
    if count == 1 { "a field is".to_owned() } else { format!("{count} fields are") }
}

impl CommandError {
    /// Something around the record stands against it.
    pub(crate) fn guard(message: String) -> Self {
        Refused::guard(message).into()
    }

    /// Why it was not carried out, in one word.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::NotFound(_) => Code::NotFound,
            Self::Forbidden(_) => Code::Forbidden,
            Self::SeparationOfDuties(_) => Code::SeparationOfDuties,
            Self::Stale | Self::Overtaken => Code::StaleVersion,
            Self::Refused(Refused::InvalidTransition { .. }) => Code::InvalidTransition,
            Self::Refused(Refused::Guard { kind: GuardKind::Failed, .. }) => Code::GuardFailed,
            Self::Refused(Refused::Guard { kind: GuardKind::ApprovalRequired, .. }) => {
                Code::ApprovalRequired
            }
            Self::Refused(Refused::MissingFields(faults) | Refused::Invalid(faults))
            | Self::Invalid(faults) => {
                if FieldFault::only_missing(faults.iter().map(|fault| fault.code)) {
                    Code::MissingFields
                } else {
                    Code::ValidationFailed
                }
            }
            Self::Taken(_) => Code::Duplicate,
            Self::ContentChanged => Code::ContentChanged,
            Self::Cursor(_) => Code::CursorInvalid,
            Self::Busy | Self::Unavailable(_) => Code::Unavailable,
            Self::OutcomeUnknown(_) => Code::OutcomeUnknown,
            Self::Internal(_) => Code::Internal,
        }
    }

    /// Whether the desk is in trouble, and what was asked for may be in order.
    #[must_use]
    pub fn is_trouble(&self) -> bool {
        self.trouble() != Trouble::None
    }

    /// What it says of others that were to be done the same.
    pub(crate) fn trouble(&self) -> Trouble {
        match self {
            Self::Busy | Self::Unavailable(_) | Self::OutcomeUnknown(_) | Self::Overtaken => {
                Trouble::OfAll
            }
            Self::Internal(_) => Trouble::OfOne,
            Self::NotFound(_)
            | Self::Forbidden(_)
            | Self::SeparationOfDuties(_)
            | Self::Stale
            | Self::Refused(_)
            | Self::Invalid(_)
            | Self::Taken(_)
            | Self::ContentChanged
            | Self::Cursor(_) => Trouble::None,
        }
    }

    /// One wrong field.
    pub(crate) fn field(pointer: &str, code: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldFault {
            pointer: pointer.to_owned(),
            code,
            message: message.into(),
        }])
    }
}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Stale => Self::Stale,
            StoreError::Taken(what) => Self::Taken(what),
            StoreError::Overtaken => Self::Overtaken,
            StoreError::Busy => Self::Busy,
            StoreError::Unstorable(field) => Self::field(
                &format!("/{field}"),
                "unstorable",
                "This value cannot be stored; remove control characters and very large numbers.",
            ),
            StoreError::NotText => {
                Self::field("", "control-character", "Remove the control character U+0000.")
            }
            error @ StoreError::Unavailable(_) => Self::Unavailable(Box::new(error)),
            error @ StoreError::OutcomeUnknown(_) => Self::OutcomeUnknown(Box::new(error)),
            error @ (StoreError::WrongOrganization
            | StoreError::Corrupt { .. }
            | StoreError::UnknownUrl
            | StoreError::NoDatabase
            | StoreError::Migration(_)
            | StoreError::Database(_)) => Self::Internal(Box::new(error)),
        }
    }
}
