//! Plain texts: what a guest says, without the characters that no record keeps.
//!
//! PostgreSQL takes no U+0000 in a text, and a terminal obeys the other control characters. A
//! ticket is committed together with its receipts, so one such character in a reason would cost the
//! ticket. They are replaced and not refused: a stray character is no ground to lose a decision,
//! and a log or the message of a crash could not be refused at all. What is replaced depends on the
//! text alone, and happens before anything is recorded or weighed, so a receipt that is asked again
//! meets the same replacement and gives the same bytes.
//!
//! Every record is taken apart field by field, so that a field that the contract gains cannot be
//! forgotten here.

use crate::answer::{
    ApprovalPlan, Approver, Assignment, Categorization, Kind, Message, Notifications, Nudge,
    Proposal, Recipient, Stage, Step, Verdict,
};
use crate::contract::lifecycle::SettingsError;
use crate::{Answer, Decline, Failure};

/// Something that holds texts of a guest.
pub(crate) trait Plain {
    /// Ends each line in one way, and replaces each control character that is no white space by
    /// U+FFFD.
    fn make_plain(&mut self);
}

/// The same characters that the desk refuses in the texts of people.
fn is_refused(character: char) -> bool {
    character.is_control() && !matches!(character, '\n' | '\t')
}

impl Plain for String {
    fn make_plain(&mut self) {
        // A carriage return ends a line too, with a line feed or without.
        if self.contains('\r') {
            *self = self.replace("\r\n", "\n").replace('\r', "\n");
        }
        if self.contains(is_refused) {
            *self = self.replace(is_refused, "\u{fffd}");
        }
    }
}

impl<T: Plain> Plain for Option<T> {
    fn make_plain(&mut self) {
        self.iter_mut().for_each(Plain::make_plain);
    }
}

impl<T: Plain> Plain for Vec<T> {
    fn make_plain(&mut self) {
        self.iter_mut().for_each(Plain::make_plain);
    }
}

/// Of either, whichever it is.
impl<T: Plain, E: Plain> Plain for Result<T, E> {
    fn make_plain(&mut self) {
        match self {
            Ok(value) => value.make_plain(),
            Err(error) => error.make_plain(),
        }
    }
}

/// Makes the named fields of a record plain and names those that hold no text.
macro_rules! plain {
    ($record:ident { $($texts:ident),* ; $($other:ident),* }) => {
        impl Plain for $record {
            fn make_plain(&mut self) {
                let Self { $($texts,)* $($other: _,)* } = self;
                $($texts.make_plain();)*
            }
        }
    };
}

plain!(Categorization {
    kind, category, service, ci, impact, urgency, priority, tags, reasons;
});
plain!(Assignment { team, assignee, watchers, reasons; });
plain!(Step { name, approvers, mandatory; quorum, veto, due_hours });
plain!(Stage { steps; rule });
plain!(ApprovalPlan { verdict, reasons; });
plain!(Message { recipients, except, subject, body, not_before, dedupe_key; channel });
plain!(Notifications { messages, reasons; });
plain!(SettingsError { path, message; });

impl Plain for u8 {
    fn make_plain(&mut self) {}
}

impl Plain for Kind {
    fn make_plain(&mut self) {}
}

impl<T: Plain> Plain for Proposal<T> {
    fn make_plain(&mut self) {
        let Self { value, strength: _, confidence: _ } = self;
        value.make_plain();
    }
}

impl Plain for Approver {
    fn make_plain(&mut self) {
        match self {
            Self::Person(id) | Self::ManagerOf(id) => id.make_plain(),
            Self::Team(name) | Self::TeamLead(name) => name.make_plain(),
            Self::Manager | Self::ServiceOwner | Self::CiOwner | Self::AssigneeLead => {}
        }
    }
}

impl Plain for Recipient {
    fn make_plain(&mut self) {
        match self {
            Self::Person(id) => id.make_plain(),
            Self::Team(key) => key.make_plain(),
            Self::Requester | Self::Assignee | Self::Watchers | Self::Approvers => {}
        }
    }
}

impl Plain for Verdict {
    fn make_plain(&mut self) {
        match self {
            Self::Approve => {}
            Self::Refuse(reason) => reason.make_plain(),
            Self::Ask(stages) => stages.make_plain(),
        }
    }
}

impl Plain for Nudge {
    fn make_plain(&mut self) {
        match self {
            Self::Wait | Self::Remind | Self::Expire => {}
            Self::Delegate(person) => person.make_plain(),
        }
    }
}

impl Plain for Decline {
    fn make_plain(&mut self) {
        match self {
            Self::NoOpinion(reasons) => reasons.make_plain(),
            Self::Incomplete(text) | Self::Broken(text) => text.make_plain(),
        }
    }
}

impl Plain for Answer {
    fn make_plain(&mut self) {
        match self {
            Self::Categorization(answer) => answer.make_plain(),
            Self::Assignment(answer) => answer.make_plain(),
            Self::Plan(answer) => answer.make_plain(),
            Self::Nudge(answer) => answer.make_plain(),
            Self::Notifications(answer) => answer.make_plain(),
        }
    }
}

impl Plain for Failure {
    fn make_plain(&mut self) {
        match self {
            Self::Trap { message }
            | Self::BadAnswer { message }
            | Self::Broken { message }
            | Self::Configure { message }
            | Self::Unavailable { message } => message.make_plain(),
            Self::OutOfFuel
            | Self::Deadline
            | Self::Memory
            | Self::InputTooLarge { .. }
            | Self::AnswerTooLarge { .. }
            | Self::Busy
            | Self::BreakerOpen
            | Self::HostPanic => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::{DeliveryChannel, Strength};

    fn plain<T: Plain>(mut said: T) -> T {
        said.make_plain();
        said
    }

    #[test]
    fn control_characters_are_replaced_and_lines_end_in_one_way() {
        let said = "a\0b\u{1b}[31m\u{7f}\u{85}\r\n\tc\r \u{fffd}\u{e9}".to_owned();
        let kept = "a\u{fffd}b\u{fffd}[31m\u{fffd}\u{fffd}\n\tc\n \u{fffd}\u{e9}";
        assert_eq!(plain(said), kept);
    }

    #[test]
    fn no_text_of_an_answer_is_passed_over() {
        let text = || "a\0".to_owned();
        let answers = [
            Answer::Notifications(Notifications {
                messages: vec![Message {
                    recipients: vec![Recipient::Person(text()), Recipient::Team(text())],
                    except: vec![text()],
                    channel: DeliveryChannel::Mail,
                    subject: text(),
                    body: text(),
                    not_before: Some(text()),
                    dedupe_key: text(),
                }],
                reasons: vec![text()],
            }),
            Answer::Nudge(Nudge::Delegate(text())),
            Answer::Plan(ApprovalPlan { verdict: Verdict::Refuse(text()), reasons: vec![text()] }),
            Answer::Assignment(Assignment {
                team: Some(Proposal { value: text(), strength: Strength::Set, confidence: 1 }),
                ..Assignment::default()
            }),
        ];
        for answer in answers {
            let json = String::from_utf8(plain(answer.clone()).to_json()).unwrap();
            assert!(!json.contains("u0000") && json.contains('\u{fffd}'), "{json}");
        }
        for decline in [Decline::NoOpinion(vec![text()]), Decline::Broken(text())] {
            assert!(!format!("{:?}", plain(decline)).contains("\\0"));
        }
        let trap = plain(Failure::Trap { message: text() });
        assert_eq!(trap, Failure::Trap { message: "a\u{fffd}".to_owned() });
    }
}
