//! The letter: a message of the outbox in the form of an e-mail. The one place that makes them.
//!
//! Whatever a person or a policy wrote arrives as it was written, through any server: headers are
//! folded and encoded here, a text has one kind of line end, and nothing but ASCII is on the wire,
//! except the address of somebody whose mailbox has another name.

use std::fmt::Write;
use std::time::SystemTime;

use email_encoding::headers::{rfc2047, writer::EmailWriter};
use lettre::Address;
use lettre::message::header::{
    ContentTransferEncoding, ContentType, Header, HeaderName, HeaderValue, MIME_VERSION_1_0,
};
use lettre::message::{Body, Mailbox};
use thiserror::Error;
use waypost_domain::message::Message;
use waypost_domain::text;

use crate::Undelivered;

/// A word of a subject that is longer is encoded: a line is folded between words only.
const MAX_WORD_BYTES: usize = 60;
/// The longest name of a sender: it stands on one line with its address.
const MAX_NAME_CHARS: usize = 100;

/// Who letters are from: `Waypost <desk@example.com>`.
#[derive(Debug, Clone)]
pub struct Sender(Mailbox);

/// A text that is no sender.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{0}` is not a valid sender; use an address, or a name of at most {MAX_NAME_CHARS} \
     characters and an address: Service desk <desk@example.com>"
)]
pub struct InvalidSender(String);

impl std::str::FromStr for Sender {
    type Err = InvalidSender;

    fn from_str(given: &str) -> Result<Self, InvalidSender> {
        let invalid = || InvalidSender(given.to_owned());
        let Mailbox { name, email } = given.parse::<Mailbox>().map_err(|_| invalid())?;
        let address = address(email.user(), email.domain()).ok_or_else(invalid)?;
        // What looks encoded would be decoded into another name.
        let is_plain = |name: &String| {
            name.chars().count() <= MAX_NAME_CHARS
                && !name.contains(char::is_control)
                && !name.contains("=?")
        };
        if address.user().is_ascii() && name.as_ref().is_none_or(is_plain) {
            Ok(Self(Mailbox::new(name, address)))
        } else {
            Err(invalid())
        }
    }
}

impl Sender {
    /// The part of the address behind the `@`; message ids end in it.
    pub(crate) fn domain(&self) -> &str {
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

/// What the letter is about, in one line. Lettre's own header writes a long word as one long line,
/// and leaves what looks encoded for the reader to decode.
#[derive(Debug, Clone)]
struct Subject(String);

impl Header for Subject {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Subject")
    }

    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self(text.to_owned()))
    }

    fn display(&self) -> HeaderValue {
        let encoded = encoded("Subject: ".len(), &self.0);
        HeaderValue::dangerous_new_pre_encoded(Self::name(), self.0.clone(), encoded)
    }
}

/// Writes the letter of a message.
///
/// Two attempts make the same bytes: the date is the message's, and the `Message-ID` is its id. All
/// letters about a ticket answer one that nobody got, named by the ticket's id, so that a reader
/// shows them as one conversation, whatever their subjects are.
pub(crate) fn write(message: &Message, from: &Sender) -> Result<lettre::Message, Undelivered> {
    let to = recipient(message)?;
    let letter = lettre::Message::builder()
        .from(from.0.clone())
        .to(Mailbox::new(None, to))
        .message_id(Some(format!("<{}@{}>", message.id, from.domain())));
    let letter = match message.ticket.map(|ticket| format!("<{ticket}@{}>", from.domain())) {
        Some(thread) => letter.in_reply_to(thread.clone()).references(thread),
        None => letter,
    };
    letter
        .date(SystemTime::from(message.created_at))
        .header(Subject(one_line(&message.subject)))
        .header(AutoSubmitted)
        // Without it, a reader may take the encoded text for the text.
        .header(MIME_VERSION_1_0)
        .header(ContentType::TEXT_PLAIN)
        .body(body(&message.body))
        .map_err(|fault| Undelivered::Permanent(format!("the message cannot be written: {fault}")))
}

/// Whether the letter needs a server that takes addresses beyond ASCII.
pub(crate) fn needs_smtputf8(message: &Message) -> bool {
    let local = message.address.as_deref().and_then(|address| address.rsplit_once('@'));
    local.is_some_and(|(local, _)| !local.is_ascii())
}

fn recipient(message: &Message) -> Result<Address, Undelivered> {
    let parts = message.address.as_deref().and_then(|address| address.rsplit_once('@'));
    parts.and_then(|(user, domain)| address(user, domain)).ok_or_else(|| {
        Undelivered::Permanent("the person's e-mail address is not valid".to_owned())
    })
}

/// The address, its domain as it is looked up: servers know no other form.
fn address(user: &str, domain: &str) -> Option<Address> {
    if domain.is_ascii() {
        return Address::new(user, domain).ok();
    }
    Address::new(user, idna::domain_to_ascii(domain).ok()?).ok()
}

/// A subject is one line: what would break it becomes a space.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The value of a header of free text, in lines of at most 78 characters, from which a reader gets
/// exactly this text. The first line holds so many characters already.
fn encoded(line_len: usize, text: &str) -> String {
    let mut out = String::new();
    let mut writer = EmailWriter::new(&mut out, line_len, 0, false);
    // All of it or nothing of it: blanks between encoded and plain words would be for the reader
    // to guess.
    let written = if stays_as_it_is(text) {
        writer.folding().write_str(text)
    } else {
        rfc2047::encode(text, &mut writer)
    };
    drop(writer);
    // Writing into a `String` ends well; if it did not, a letter without a subject is one.
    if written.is_err() {
        out.clear();
    }
    out
}

/// Whether a reader takes the text for what it is, wherever between two words it is folded.
fn stays_as_it_is(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        && !text.contains("=?")
        && text.trim() == text
        && !text.contains("  ")
        && text.split(' ').all(|word| word.len() <= MAX_WORD_BYTES)
}

/// The text with one kind of line end, encoded where a server would change or refuse it as it is.
fn body(written: &str) -> Body {
    let text = text::line_ends(written).into_owned();
    let body = Body::new(text.clone());
    let is_kept = |line: &str| !line.ends_with([' ', '\t']);
    let is_safe = text.lines().all(is_kept) && !text.contains(text::is_refused);
    match body.encoding() {
        // Relays drop blanks at the ends of lines, and stumble over control characters.
        ContentTransferEncoding::SevenBit if !is_safe => {
            Body::new_with_encoding(text, ContentTransferEncoding::QuotedPrintable)
                .unwrap_or_else(Body::new)
        }
        ContentTransferEncoding::SevenBit
        | ContentTransferEncoding::QuotedPrintable
        | ContentTransferEncoding::Base64
        | ContentTransferEncoding::EightBit
        | ContentTransferEncoding::Binary => body,
    }
}

#[cfg(test)]
pub(crate) mod tests;
