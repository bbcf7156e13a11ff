//! Why a command was not carried out.

use thiserror::Error;
use waypost_domain::{
    refusal::{FieldFault, GuardKind, Refused},
    said,
    said::{Part, Said},
};
use waypost_store::StoreError;

/// A command was not carried out. Nothing was changed.
#[derive(Debug, Error)]
#[error("{}", self.said())]
pub enum CommandError {
    /// What the command is about is not there, or not for this caller to know of.
    NotFound(Missing),
    /// The caller's role does not allow it; says which does.
    Forbidden(Said),
    /// Nobody decides on their own wish.
    SeparationOfDuties(Said),
    /// Somebody else changed it first.
    Stale,
    /// The record's state, a missing or wrong field, or a guard stands against it.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Fields are wrong; each says which and how.
    Invalid(Vec<FieldFault>),
    /// Another record has the same value where it must be unique.
    Taken(&'static str),
    /// What was voted on is not what is there now.
    ContentChanged,
    /// The cursor belongs to another list.
    #[error(transparent)]
    Cursor(#[from] crate::InvalidCursor),
    /// Another server has carried out the same request.
    Overtaken,
    /// There is too much to do right now.
    Busy,
    /// The database is away, or cannot write. Nothing was changed.
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The answer to the commit was lost: the changes may be kept or not.
    OutcomeUnknown(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Not the caller's doing: the database failed, or holds something it should not.
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

/// Declares an enum together with its names.
macro_rules! codes {
    ($(#[doc = $about:literal])+ $type:ident {
        $($(#[doc = $doc:literal])+ $variant:ident => $name:literal,)+
    }) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $type {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl $type {
            /// Every one.
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
    /// What was not found.
    Missing {
        /// An organization.
        Organization => "organization",
        /// A person.
        Person => "person",
        /// A team.
        Team => "team",
        /// A service.
        Service => "service",
        /// A configuration item.
        Ci => "configuration item",
        /// A category.
        Category => "category",
        /// A catalog item.
        CatalogItem => "catalog item",
        /// A ticket.
        Ticket => "ticket",
        /// An approval request.
        Approval => "approval request",
        /// A delegation.
        Delegation => "delegation",
        /// A suggestion.
        Suggestion => "suggestion",
        /// A component.
        Policy => "policy",
        /// A binding.
        Binding => "binding",
        /// A binding's revision.
        Revision => "revision",
        /// A receipt.
        Receipt => "receipt",
        /// A token.
        Token => "token",
        /// A saved view.
        View => "saved view",
        /// A sign-in.
        SignIn => "sign-in",
        /// A link that signs somebody in.
        Link => "link",
        /// A password, where there are none.
        Password => "password",
    }
}

codes! {
    /// The one word for why a command was not carried out: its sender reads it, and whoever audits
    /// what was refused.
    Code {
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
}

impl CommandError {
    /// Something around the record stands against it.
    pub(crate) fn guard(message: Said) -> Self {
        Refused::guard(message).into()
    }

    /// Why it was not carried out, in one sentence.
    #[must_use]
    pub fn said(&self) -> Said {
        match self {
            Self::NotFound(what) => {
                said!("there is no such {what}", what = Part::word("missing", what.as_str()))
            }
            Self::Forbidden(why) | Self::SeparationOfDuties(why) => why.clone(),
            Self::Stale => said!(
                "the record has been changed since you read it; read it again, then repeat your \
                 changes"
            ),
            Self::Refused(refused) => refused.said(),
            Self::Invalid(faults) if faults.len() == 1 => said!("a field is not valid"),
            Self::Invalid(faults) => said!("{count} fields are not valid", count = faults.len()),
            Self::Taken(what) => {
                said!("the {what} is already taken", what = Part::word("taken", *what))
            }
            Self::ContentChanged => {
                said!("the content has changed since it was shown; read it again")
            }
            Self::Cursor(invalid) => Said::as_is(invalid.to_string()),
            Self::Overtaken => said!("the first request with this key is still running"),
            Self::Busy => said!("the desk is busy; try again in a moment"),
            Self::Unavailable(_) => said!(
                "the database is not available, and nothing was changed; try again in a moment"
            ),
            Self::OutcomeUnknown(_) => said!(
                "the connection to the database was lost while the changes were being stored, so \
                 it is not known whether they were: read the records again, or look for the \
                 external reference, before you repeat the command"
            ),
            Self::Internal(_) => said!("internal error"),
        }
    }

    /// The same with every field that is wrong, in a sentence for each.
    #[must_use]
    pub fn sentences(&self) -> Vec<Said> {
        match self {
            Self::Refused(Refused::MissingFields(faults) | Refused::Invalid(faults))
            | Self::Invalid(faults) => faults.iter().map(|fault| fault.message.clone()).collect(),
            other => vec![other.said()],
        }
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
    pub(crate) fn field(pointer: &str, code: &'static str, message: Said) -> Self {
        Self::Invalid(vec![FieldFault { pointer: pointer.to_owned(), code, message }])
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
                said!(
                    "This value cannot be stored; remove control characters and very large numbers."
                ),
            ),
            StoreError::NotText => {
                Self::field("", "control-character", said!("Remove the control character U+0000."))
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
