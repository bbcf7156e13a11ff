//! The ids of records. Each kind of record has its own type, so that one can't stand in for
//! another.

use std::fmt;

use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident,)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::try_parse(text).map(Self)
            }
        }
    )*};
}

ids! {
    /// An organization.
    OrgId,
    /// A person of an organization's directory.
    PersonId,
    /// A team.
    TeamId,
    /// A service.
    ServiceId,
    /// A configuration item.
    CiId,
    /// A category.
    CategoryId,
    /// An item of the request catalog.
    CatalogItemId,
    /// A ticket: an incident, a request, a problem or a task.
    TicketId,
    /// Requests that were ordered together.
    OrderId,
    /// A comment.
    CommentId,
    /// An event of a record.
    EventId,
    /// A switch of a binding.
    SwitchId,
    /// A suggestion that waits for a person.
    SuggestionId,
    /// A sign-in of a person.
    SignInId,
    /// A link that begins a sign-in.
    SignInLinkId,
    /// A link with which somebody votes.
    VoteLinkId,
    /// A round of approval.
    ApprovalId,
    /// A seat's request for a vote.
    ApprovalRequestId,
    /// A delegation: who votes for a person while they are away.
    DelegationId,
    /// A view of the queue that somebody saved.
    SavedViewId,
    /// A vote that was refused.
    RefusedVoteId,
    /// A message in the outbox.
    MessageId,
    /// A binding of a policy to a hook.
    BindingId,
    /// The hooks asked for one event of one record.
    EvaluationId,
    /// The part of snapshots that many evaluations share, by its content.
    SnapshotPartId,
    /// A recorded decision.
    ReceiptId,
    /// A bearer token.
    TokenId,
}
