//! The letter: a message of the outbox in the form of an e-mail.
//!
//! Everything that a person or a policy wrote goes through typed headers, which encode what is not
//! plain ASCII; a line break in a subject can't become a header of its own.

use std::time::SystemTime;

use lettre::message::Mailbox;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use thiserror::Error;
use waypost_domain::message::Message;

use crate::Undelivered;

/// Who letters are from: `Waypost <desk@example.com>`.
#[derive(Debug, Clone)]
pub struct Sender(Mailbox);

/// A text that is no sender.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{0}` is not a valid sender; use an address, or a name and an address: Service desk \
     <desk@example.com>"
)]
pub struct InvalidSender(String);

impl std::str::FromStr for Sender {
    type Err = InvalidSender;

    fn from_str(text: &str) -> Result<Self, InvalidSender> {
        text.parse().map(Self).map_err(|_| InvalidSender(text.to_owned()))
    }
}

impl Sender {
    /// The part of the address behind the `@`; message ids end in it.
    fn domain(&self) -> &str {
        self.0.email.domain()
    }
}

/// Tells auto-responders to stay silent (RFC 3834), so that two of them don't talk to each other
/// all night.
#[derive(Debug, Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// Writes the letter of a message.
///
/// Two attempts make the same bytes: the date is the message's, and the `Message-ID` is its id.
pub(crate) fn write(message: &Message, from: &Sender) -> Result<lettre::Message, Undelivered> {
    let to = message.address.parse().map_err(|_| {
        Undelivered::Permanent("the person's e-mail address is not valid".to_owned())
    })?;
    lettre::Message::builder()
        .from(from.0.clone())
        .to(Mailbox::new(None, to))
        .message_id(Some(format!("<{}@{}>", message.id, from.domain())))
        .date(SystemTime::from(message.created_at))
        .subject(one_line(&message.subject))
        .header(AutoSubmitted)
        .header(ContentType::TEXT_PLAIN)
        .body(message.body.clone())
        .map_err(|fault| Undelivered::Permanent(format!("the message cannot be written: {fault}")))
}

/// A subject is one line: what would break it becomes a space.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use chrono::{DateTime, TimeZone, Utc};
    use waypost_domain::ids::{MessageId, OrgId, PersonId, TicketId};
    use waypost_domain::message::DeliveryChannel;

    use super::*;

    /// A message from the test's own imagination.
    pub(crate) fn message(number: u8) -> Message {
        let id = |kind: u8| format!("0190b8f4-0000-7000-8000-0000000000{kind:x}{number:x}");
        let at: DateTime<Utc> = Utc.with_ymd_and_hms(2026, 6, 1, 9, 30, 0).unwrap();
        Message {
            id: id(1).parse::<MessageId>().unwrap(),
            org: id(2).parse::<OrgId>().unwrap(),
            ticket: Some(id(3).parse::<TicketId>().unwrap()),
            person: id(4).parse::<PersonId>().unwrap(),
            channel: DeliveryChannel::Mail,
            address: "mira@northwind.example".to_owned(),
            subject: "INC0000042: printer on fire".to_owned(),
            body: "Somebody is looking at it.\n".to_owned(),
            dedupe_key: "created".to_owned(),
            send_at: at,
            created_at: at,
        }
    }

    pub(crate) fn sender() -> Sender {
        "Service desk <desk@waypost.example>".parse().unwrap()
    }

    fn written(message: &Message) -> String {
        String::from_utf8(write(message, &sender()).unwrap().formatted()).unwrap()
    }

    fn headers(letter: &str) -> Vec<&str> {
        letter.split("\r\n\r\n").next().unwrap().split("\r\n").collect()
    }

    #[test]
    fn the_message_id_is_the_messages_own_in_every_attempt() {
        let message = message(1);
        let letter = written(&message);
        assert!(letter.contains(&format!("Message-ID: <{}@waypost.example>\r\n", message.id)));
        assert_eq!(letter, written(&message));
    }

    #[test]
    fn a_subject_in_any_script_arrives_as_encoded_words() {
        let message =
            Message { subject: "Drucker brennt – 火事です".to_owned(), ..message(1) };
        let letter = written(&message);
        assert!(letter.is_ascii());
        assert!(letter.contains("Subject: =?utf-8?b?") || letter.contains("=?utf-8?b?"));
    }

    #[test]
    fn line_breaks_in_a_subject_make_no_header() {
        let subject = "hello\r\nBcc: everybody@example.com\r\n\r\nnew body\nX: y\u{0}";
        let message = Message { subject: subject.to_owned(), ..message(1) };
        let letter = written(&message);
        let names: Vec<&str> = headers(&letter)
            .into_iter()
            .filter(|line| !line.starts_with(' '))
            .map(|line| line.split(':').next().unwrap())
            .collect();
        assert_eq!(
            names,
            [
                "From",
                "To",
                "Message-ID",
                "Date",
                "Subject",
                "Auto-Submitted",
                "Content-Type",
                "Content-Transfer-Encoding"
            ]
        );
    }

    #[test]
    fn an_address_that_is_none_is_never_tried_again() {
        for address in
            ["", "mira", "mira@x.example\r\nBcc: a@b.example", "a@b.example, c@d.example"]
        {
            let message = Message { address: address.to_owned(), ..message(1) };
            assert!(
                matches!(write(&message, &sender()), Err(Undelivered::Permanent(_))),
                "{address}"
            );
        }
    }

    #[test]
    fn a_sender_without_an_address_is_refused() {
        let fault = "Service desk".parse::<Sender>().unwrap_err();
        assert!(
            fault.to_string().starts_with("`Service desk` is not a valid sender; use an address")
        );
    }
}
