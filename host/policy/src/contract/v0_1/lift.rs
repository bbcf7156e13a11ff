//! `lift`: this version's answers as the host has them.

use super::generated::exports::waypost::policy::routing;
use super::{all, approval, categorization, notification, types};
use crate::answer as ours;

/// Nobody is surer than sure, and no quorum is more than all.
const WHOLE: u8 = 100;

/// A proposal whose value the host has in the same type.
macro_rules! proposal {
    ($from:ty => $value:ty) => {
        impl From<$from> for ours::Proposal<$value> {
            fn from(it: $from) -> Self {
                type From = $from;
                let From { value, strength, confidence } = it;
                Self { value, strength: strength.into(), confidence: confidence.min(WHOLE) }
            }
        }
    };
}

proposal!(types::TextProposal => String);
proposal!(types::TextsProposal => Vec<String>);
proposal!(types::LevelProposal => u8);

impl From<categorization::KindProposal> for ours::Proposal<ours::Kind> {
    fn from(it: categorization::KindProposal) -> Self {
        let categorization::KindProposal { value, strength, confidence } = it;
        let confidence = confidence.min(WHOLE);
        Self { value: value.into(), strength: strength.into(), confidence }
    }
}

record!(categorization::Categorization => ours::Categorization {
    reasons ; ; ; kind, category, service, ci, impact, urgency, priority, tags
});
record!(routing::Assignment => ours::Assignment { reasons ; ; ; team, assignee, watchers });
record!(approval::ApprovalPlan => ours::ApprovalPlan { reasons ; verdict ; ; });
record!(approval::Stage => ours::Stage {; rule ; steps ; });
record!(approval::Step => ours::Step {
    name, veto, due_hours ; quorum ; approvers, mandatory ;
});
record!(notification::Notifications => ours::Notifications { reasons ; ; messages ; });
record!(notification::Message => ours::Message {
    except, subject, body, not_before, dedupe_key ; channel ; recipients ;
});

cases!(types::Strength => ours::Strength { Set, Suggested });
cases!(categorization::Kind => ours::Kind { Incident, Request, Problem });
cases!(approval::StageRule => ours::StageRule { All, Any, Majority, FirstDecided });
cases!(notification::DeliveryChannel => ours::DeliveryChannel { Mail });

impl From<approval::Verdict> for ours::Verdict {
    fn from(verdict: approval::Verdict) -> Self {
        match verdict {
            approval::Verdict::Approve => Self::Approve,
            approval::Verdict::Refuse(reason) => Self::Refuse(reason),
            approval::Verdict::Ask(stages) => Self::Ask(all(stages)),
        }
    }
}

impl From<approval::Approver> for ours::Approver {
    fn from(approver: approval::Approver) -> Self {
        match approver {
            approval::Approver::Person(id) => Self::Person(id),
            approval::Approver::Manager => Self::Manager,
            approval::Approver::ManagerOf(id) => Self::ManagerOf(id),
            approval::Approver::ServiceOwner => Self::ServiceOwner,
            approval::Approver::CiOwner => Self::CiOwner,
            approval::Approver::AssigneeLead => Self::AssigneeLead,
            approval::Approver::Team(name) => Self::Team(name),
            approval::Approver::TeamLead(name) => Self::TeamLead(name),
        }
    }
}

impl From<approval::Quorum> for ours::Quorum {
    fn from(quorum: approval::Quorum) -> Self {
        match quorum {
            approval::Quorum::Any => Self::Any,
            approval::Quorum::All => Self::All,
            approval::Quorum::Count(count) => Self::Count(count),
            approval::Quorum::Majority => Self::Majority,
            approval::Quorum::Percent(percent) => Self::Percent(percent.min(WHOLE)),
        }
    }
}

impl From<approval::Nudge> for ours::Nudge {
    fn from(nudge: approval::Nudge) -> Self {
        match nudge {
            approval::Nudge::Wait => Self::Wait,
            approval::Nudge::Remind => Self::Remind,
            approval::Nudge::Delegate(id) => Self::Delegate(id),
            approval::Nudge::Expire => Self::Expire,
        }
    }
}

impl From<notification::Recipient> for ours::Recipient {
    fn from(recipient: notification::Recipient) -> Self {
        match recipient {
            notification::Recipient::Person(id) => Self::Person(id),
            notification::Recipient::Requester => Self::Requester,
            notification::Recipient::Assignee => Self::Assignee,
            notification::Recipient::Team(name) => Self::Team(name),
            notification::Recipient::Watchers => Self::Watchers,
            notification::Recipient::Approvers => Self::Approvers,
        }
    }
}

impl From<types::Decline> for ours::Decline {
    fn from(decline: types::Decline) -> Self {
        match decline {
            types::Decline::NoOpinion(reasons) => Self::NoOpinion(reasons),
            types::Decline::Incomplete(fact) => Self::Incomplete(fact),
            types::Decline::Broken(why) => Self::Broken(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confidence_above_a_hundred_counts_as_a_hundred() {
        for (given, counted) in [(0, 0), (100, 100), (101, 100), (250, 100)] {
            let strength = types::Strength::Set;
            let said = types::LevelProposal { value: 2, strength, confidence: given };
            assert_eq!(ours::Proposal::from(said).confidence, counted);
            let value = categorization::Kind::Incident;
            let said = categorization::KindProposal { value, strength, confidence: given };
            assert_eq!(ours::Proposal::from(said).confidence, counted);
            let share = approval::Quorum::Percent(given);
            assert_eq!(ours::Quorum::from(share), ours::Quorum::Percent(counted));
        }
    }
}
