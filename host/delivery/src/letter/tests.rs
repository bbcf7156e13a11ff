use chrono::{DateTime, TimeZone, Utc};
use mail_parser::MessageParser;
use proptest::prelude::*;
use waypost_domain::ids::{MessageId, OrgId, PersonId, TicketId};
use waypost_domain::message::{DeliveryChannel, ToldAs};

use super::*;
use crate::strict::lines;

/// A message from the test's own imagination.
pub(crate) fn message(number: u8) -> Message {
    let id = |kind: u8| format!("0190b8f4-0000-7000-8000-0000000000{kind:x}{number:x}");
    let at: DateTime<Utc> = Utc.with_ymd_and_hms(2026, 6, 1, 9, 30, 0).unwrap();
    Message {
        id: id(1).parse::<MessageId>().unwrap(),
        org: id(2).parse::<OrgId>().unwrap(),
        ticket: Some(id(3).parse::<TicketId>().unwrap()),
        person: id(4).parse::<PersonId>().unwrap(),
        told_as: [ToldAs::Requester].into(),
        after_end: false,
        channel: DeliveryChannel::Mail,
        address: Some("mira@northwind.example".to_owned()),
        subject: "INC0000042: printer on fire".to_owned(),
        body: "Somebody is looking at it.\n".to_owned(),
        link: None,
        dedupe_key: "created".to_owned(),
        send_at: at,
        created_at: at,
    }
}

pub(crate) fn sender() -> Sender {
    "Service desk <desk@waypost.example>".parse().unwrap()
}

/// Texts as people, policies and attackers write them.
pub(crate) fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-zA-Z0-9 ,.]{0,40}",
        "[!-~]{61,300}",
        "\\PC{0,30}",
        " {1,5}",
        proptest::collection::vec(any::<char>(), 0..20).prop_map(String::from_iter),
        proptest::sample::select(vec![
            "=?utf-8?q?=46ree_money?=",
            "=?utf-8?b?RnJlZQ==?= =?utf-8?b?bW9uZXk=?=",
            "=?",
            "?=",
            "\r",
            "\n",
            "\r\n.\r\n",
            "\r.\r\n",
            "\n.\n",
            ".",
            "\t\n",
            " \r\n",
            "\r\nBcc: everybody@example.com\r\n\r\n",
            "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
            "e\u{301}",
            "\u{202e}",
            "\u{0}",
            "From here on",
        ])
        .prop_map(str::to_owned),
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

fn written(message: &Message) -> Vec<u8> {
    write(message, &sender()).unwrap().formatted()
}

/// Subject and body of a letter, as a reader shows them.
pub(crate) fn read(letter: &[u8]) -> (String, String) {
    let read = MessageParser::default().parse(letter).unwrap();
    let subject = read.subject().unwrap_or_default().to_owned();
    (subject, read.body_text(0).unwrap_or_default().into_owned())
}

/// The text as a reader may show it: with one kind of line end, and without those at its end, of
/// which a mail server may add one.
pub(crate) fn shown(text: &str) -> String {
    text::line_ends(text).trim_end_matches('\n').to_owned()
}

fn headers(letter: &[u8]) -> impl Iterator<Item = &[u8]> {
    lines(letter).take_while(|line| !line.is_empty())
}

/// Asserts what every server asks of a letter.
fn assert_is_sound(letter: &[u8]) {
    assert!(letter.is_ascii() && !letter.contains(&0));
    let text = std::str::from_utf8(letter).unwrap();
    assert!(!text.replace("\r\n", "").contains(['\r', '\n']), "{text:?}");
    assert!(lines(letter).all(|line| line.len() <= 78), "{text}");
}

proptest! {
    #[test]
    fn the_decoded_subject_and_body_are_what_was_written(subject in texts(), body in texts()) {
        let letter = written(&Message { subject: subject.clone(), body: body.clone(), ..message(1) });

        assert_is_sound(&letter);
        let (shown_subject, shown_body) = read(&letter);
        prop_assert_eq!(shown_subject, one_line(&subject));
        prop_assert_eq!(shown(&shown_body), shown(&body));
    }
}

#[test]
fn letters_about_a_ticket_are_one_conversation() {
    let said = |message: &Message, name: &str| {
        let letter = written(message);
        let lines = headers(&letter).map(|line| std::str::from_utf8(line).unwrap().to_owned());
        let start = format!("{name}: ");
        lines.into_iter().find_map(|line| line.strip_prefix(&start).map(str::to_owned))
    };
    let first = message(1);
    let second = Message { subject: "It is done".to_owned(), ticket: first.ticket, ..message(2) };
    let thread = format!("<{}@waypost.example>", first.ticket.unwrap());
    for one in [&first, &second] {
        assert_eq!(said(one, "References").as_deref(), Some(thread.as_str()));
        assert_eq!(said(one, "In-Reply-To").as_deref(), Some(thread.as_str()));
        assert_ne!(said(one, "Message-ID").as_deref(), Some(thread.as_str()));
    }
    assert_ne!(said(&message(3), "References").as_deref(), Some(thread.as_str()));
    let of_no_ticket = Message { ticket: None, ..message(4) };
    assert_eq!(said(&of_no_ticket, "References"), None);
}

#[test]
fn the_message_id_is_the_messages_own_in_every_attempt() {
    let message = message(1);
    let letter = String::from_utf8(written(&message)).unwrap();
    assert!(letter.contains(&format!("Message-ID: <{}@waypost.example>\r\n", message.id)));
    assert_eq!(letter.as_bytes(), written(&message));
}

#[test]
fn a_plain_subject_stays_readable_on_the_wire() {
    let letter = String::from_utf8(written(&message(1))).unwrap();
    assert!(letter.contains("\r\nSubject: INC0000042: printer on fire\r\n"), "{letter}");
    let long = Message { subject: "printer on fire ".repeat(9).trim().to_owned(), ..message(1) };
    let letter = String::from_utf8(written(&long)).unwrap();
    assert!(letter.contains("\r\nSubject: printer on fire printer on fire"), "{letter}");
    assert_eq!(read(letter.as_bytes()).0, long.subject);
}

#[test]
fn a_subject_in_any_script_arrives_as_it_was_written() {
    for subject in ["Drucker brennt – 火事です", "é", "e\u{301} \u{202e}", &"ж".repeat(300)]
    {
        let letter = written(&Message { subject: subject.to_owned(), ..message(1) });
        assert_is_sound(&letter);
        assert_eq!(read(&letter).0, subject);
    }
}

#[test]
fn a_subject_of_one_long_word_is_folded() {
    let subject = format!("INC0000001: {}", "x".repeat(1_500));
    let letter = written(&Message { subject: subject.clone(), ..message(1) });
    assert_is_sound(&letter);
    assert_eq!(read(&letter).0, subject);
}

#[test]
fn text_that_looks_encoded_arrives_as_written() {
    for subject in [
        "=?utf-8?q?=46ree_money?=",
        "INC0000001: =?utf-8?b?RnJlZQ==?= x",
        "=?",
        "a  b",
        " a ",
        "a=?us-ascii?q?b?=c",
    ] {
        let letter = written(&Message { subject: subject.to_owned(), ..message(1) });
        assert_eq!(read(&letter).0, subject, "{}", String::from_utf8_lossy(&letter));
    }
}

#[test]
fn line_breaks_in_a_subject_make_no_header() {
    let subject = "hello\r\nBcc: everybody@example.com\r\n\r\nnew body\nX: y\u{0}";
    let letter = written(&Message { subject: subject.to_owned(), ..message(1) });
    let names: Vec<&str> = headers(&letter)
        .filter(|line| !line.starts_with(b" "))
        .map(|line| std::str::from_utf8(line).unwrap().split(':').next().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "From",
            "To",
            "Message-ID",
            "In-Reply-To",
            "References",
            "Date",
            "Subject",
            "Auto-Submitted",
            "MIME-Version",
            "Content-Type",
            "Content-Transfer-Encoding"
        ]
    );
}

#[test]
fn no_letter_has_a_cr_without_lf() {
    for body in ["one\rtwo", "\r.\r\nMAIL FROM:<a@b.example>\r\n", "a\r", "\r\r\n", "x \r\ny\t"] {
        let letter = written(&Message { body: body.to_owned(), ..message(1) });
        assert_is_sound(&letter);
        assert_eq!(shown(&read(&letter).1), shown(body), "{body:?}");
    }
}

#[test]
fn an_address_that_is_none_is_never_tried_again() {
    for address in
        ["", "mira", "mira@x.example\r\nBcc: a@b.example", "a@b.example, c@d.example", "<a@b.c>"]
    {
        let message = Message { address: Some(address.to_owned()), ..message(1) };
        assert!(matches!(write(&message, &sender()), Err(Undelivered::Permanent(_))), "{address}");
    }
    let nowhere = Message { address: None, ..message(1) };
    assert!(matches!(write(&nowhere, &sender()), Err(Undelivered::Permanent(_))));
}

#[test]
fn a_domain_beyond_ascii_is_written_as_it_is_looked_up() {
    let to_books = Message { address: Some("ada@b\u{fc}cher.example".to_owned()), ..message(1) };
    let letter = String::from_utf8(written(&to_books)).unwrap();
    assert!(letter.contains("\r\nTo: ada@xn--bcher-kva.example\r\n"), "{letter}");
    assert!(!needs_smtputf8(&to_books));
    let sender: Sender = "Desk <desk@b\u{fc}cher.example>".parse().unwrap();
    assert_eq!(sender.domain(), "xn--bcher-kva.example");
}

proptest! {
    #[test]
    fn every_address_of_a_person_can_be_written_to(
        address in "[a-zA-Z0-9!#$%&'*+/=?^_`{|}~.\u{e4}\u{7528}-]{1,12}@[a-z0-9.-]{1,12}\\.example"
    ) {
        let mut faults = waypost_domain::refusal::Faults::new();
        let address = text::email("/email", &address, &mut faults);
        prop_assume!(faults.is_empty());
        let letter = write(&Message { address: Some(address), ..message(1) }, &sender());
        prop_assert!(letter.is_ok(), "{letter:?}");
    }
}

#[test]
fn a_sender_is_an_address_with_a_short_name_that_is_one() {
    for given in ["Service desk", "=?utf-8?q?a?= <a@b.example>", "j\u{f6}rg@b.example"] {
        let fault = given.parse::<Sender>().unwrap_err().to_string();
        assert!(fault.starts_with(&format!("`{given}` is not a valid sender; use an address")));
    }
    let long = format!("{} <a@b.example>", "x".repeat(MAX_NAME_CHARS + 1));
    assert!(long.parse::<Sender>().is_err());
    assert!("Bücher-Desk <a@b.example>".parse::<Sender>().is_ok());
}
