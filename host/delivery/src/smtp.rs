//! SMTP: letters through a relay.

use std::time::Duration;

use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use waypost_domain::message::Message;

use crate::{MailFault, Sender, Transport, Undelivered, letter};

/// How long the relay may take for one step of the conversation.
const STEP: Duration = Duration::from_secs(30);

/// Hands letters to a mail server.
#[derive(Debug, Clone)]
pub struct Smtp {
    relay: AsyncSmtpTransport<Tokio1Executor>,
    from: Sender,
}

impl Smtp {
    /// A transport for the relay at `url`: `smtps://host`, `smtp://host?tls=required`, or
    /// `smtp://host` without encryption. It greets with the name behind the host,
    /// `smtp://host/name`, or else with the domain of the sender.
    ///
    /// # Errors
    /// The address can't be understood, holds a password, or would send one unencrypted.
    pub fn open(
        url: &str,
        login: Option<(String, String)>,
        from: Sender,
    ) -> Result<Self, MailFault> {
        if url.split_once("//").is_some_and(|(_, rest)| rest.contains('@')) {
            return Err(MailFault::LoginInUrl);
        }
        let encrypts = url.starts_with("smtps:") || url.contains("tls=required");
        if login.is_some() && !encrypts {
            return Err(MailFault::LoginInTheOpen);
        }
        let mut relay = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .map_err(|fault| MailFault::Url { message: fault.to_string() })?
            .timeout(Some(STEP));
        // A server may refuse who does not say a name. Lettre's own is that of this machine, which
        // is rarely one that is known outside.
        if !names_client(url) && from.domain().contains('.') {
            relay = relay.hello_name(ClientId::Domain(from.domain().to_owned()));
        }
        if let Some((user, password)) = login {
            relay = relay.credentials(Credentials::new(user, password));
        }
        Ok(Self { relay: relay.build(), from })
    }
}

/// Whether the address says as whom to greet: `smtp://relay.example.com/desk.example.com`.
fn names_client(url: &str) -> bool {
    let rest = url.split_once("//").map_or(url, |(_, rest)| rest);
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    rest.split_once('/').is_some_and(|(_, path)| !path.is_empty())
}

impl Transport for Smtp {
    async fn send(&self, message: &Message) -> Result<(), Undelivered> {
        let letter = letter::write(message, &self.from)?;
        match self.relay.send(letter).await {
            Ok(_) => Ok(()),
            // Only a server's own "never" ends it. What we don't understand or can't reach may be
            // repaired tomorrow.
            Err(fault) if fault.is_permanent() => Err(Undelivered::Permanent(fault.to_string())),
            // What the server can take stands in its greeting, and will tomorrow.
            Err(fault) if fault.is_client() && letter::needs_smtputf8(message) => {
                Err(Undelivered::Permanent(
                    "the mail server does not take addresses beyond ASCII (SMTPUTF8)".to_owned(),
                ))
            }
            Err(fault) => Err(Undelivered::Temporary(fault.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::strategy::{Strategy, ValueTree};
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
    use tokio::net::TcpListener;
    use tokio::task::LocalSet;

    use super::*;
    use crate::letter::tests::{message, read, sender, shown, texts};
    use crate::strict::{Given, Manners, Strict};

    async fn send_against(manners: Manners, message: &Message) -> (Result<(), Undelivered>, Given) {
        let server = Strict::open(manners).await;
        let smtp = Smtp::open(&server.url(), None, sender()).unwrap();
        let sent = smtp.send(message).await;
        (sent, server.given())
    }

    async fn answered(recipient: &'static str) -> Result<(), Undelivered> {
        send_against(Manners { recipient, ..Manners::default() }, &message(7)).await.0
    }

    #[tokio::test]
    async fn a_relay_that_takes_the_letter_gets_all_of_it() {
        let (sent, given) = send_against(Manners::default(), &message(7)).await;
        assert_eq!(sent, Ok(()));
        let (subject, body) = read(&given.letters[0]);
        assert_eq!(subject, "INC0000042: printer on fire");
        assert_eq!(shown(&body), "Somebody is looking at it.");
    }

    #[tokio::test]
    async fn a_server_is_greeted_with_the_senders_domain_or_with_the_name_that_is_given() {
        let server = Strict::open(Manners::default()).await;
        let local: Sender = "desk@localhost".parse().unwrap();
        for (url, from, expected) in [
            (server.url(), sender(), "waypost.example"),
            (format!("{}/", server.url()), sender(), "waypost.example"),
            (format!("{}/desk.example.com", server.url()), sender(), "desk.example.com"),
            (server.url(), local, "[127.0.0.1]"),
        ] {
            Smtp::open(&url, None, from).unwrap().send(&message(1)).await.unwrap();
            assert_eq!(server.given().greeted, [expected], "{url}");
        }
    }

    #[tokio::test]
    async fn a_relays_never_is_permanent_and_its_not_now_is_temporary() {
        let never = answered("550 no such person").await;
        assert!(matches!(never, Err(Undelivered::Permanent(_))), "{never:?}");
        let later = answered("451 try again later").await;
        assert!(matches!(later, Err(Undelivered::Temporary(_))), "{later:?}");
    }

    #[tokio::test]
    async fn an_address_beyond_ascii_is_told_once_to_a_server_that_knows_none() {
        let jose = Message { address: Some("jos\u{e9}@b.example".to_owned()), ..message(1) };
        let (refused, given) = send_against(Manners::default(), &jose).await;
        assert!(matches!(&refused, Err(Undelivered::Permanent(why)) if why.contains("SMTPUTF8")));
        assert!(given.letters.is_empty());

        let extensions = &["8BITMIME", "SMTPUTF8"];
        let (sent, given) = send_against(Manners { extensions, ..Manners::default() }, &jose).await;
        assert_eq!(sent, Ok(()), "{given:?}");
    }

    /// Sends generated letters in several lanes at once, each to a server of its own: the two ends
    /// of a conversation wait for each other most of the time.
    async fn send_in_lanes(lanes: u8, letters: usize) {
        let local = LocalSet::new();
        let sent = (0..lanes).map(|lane| local.spawn_local(send_generated(lane, letters)));
        let sent = sent.collect::<Vec<_>>();
        let all = async {
            for lane in sent {
                lane.await.unwrap();
            }
        };
        local.run_until(all).await;
    }

    /// Sends generated letters, and looks at each as it arrived. Each lane has others.
    async fn send_generated(lane: u8, letters: usize) {
        let server = Strict::open(Manners::default()).await;
        let smtp = Smtp::open(&server.url(), None, sender()).unwrap();
        let seed = TestRng::from_seed(RngAlgorithm::ChaCha, &[lane; 32]);
        let mut runner = TestRunner::new_with_rng(Config::default(), seed);
        for number in 0..letters {
            let mut text = || texts().new_tree(&mut runner).unwrap().current();
            let (subject, body) = (text(), text());
            let message = Message { subject, body, ..message(1) };
            let sent = smtp.send(&message).await;
            let given = server.given();
            assert_eq!(sent, Ok(()), "letter {number}: {message:?} {:?}", given.refused);
            assert_eq!((given.letters.len(), given.refused.len()), (1, 0), "letter {number}");
            let (subject, body) = read(&given.letters[0]);
            let written: String = message
                .subject
                .chars()
                .map(|character| if character.is_control() { ' ' } else { character })
                .collect();
            assert_eq!(subject, written, "letter {number}");
            assert_eq!(shown(&body), shown(&message.body), "letter {number}");
        }
    }

    #[tokio::test]
    async fn a_strict_server_takes_every_letter() {
        send_in_lanes(10, 30).await;
    }

    #[tokio::test]
    #[ignore = "takes a minute; cargo test -p waypost-delivery -- --ignored"]
    async fn a_strict_server_takes_ten_thousand_letters() {
        send_in_lanes(50, 200).await;
    }

    #[tokio::test]
    async fn a_relay_that_is_down_is_tried_again() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        drop(listener);
        let refusal =
            Smtp::open(&url, None, sender()).unwrap().send(&message(1)).await.unwrap_err();
        assert!(matches!(refusal, Undelivered::Temporary(_)));
    }

    #[test]
    fn a_password_is_neither_in_the_url_nor_on_an_open_wire() {
        let login = || Some(("desk".to_owned(), "pa55".to_owned()));
        let in_url = Smtp::open("smtps://desk:pa55@mail.example", None, sender()).unwrap_err();
        assert!(matches!(in_url, MailFault::LoginInUrl));
        let in_the_open = Smtp::open("smtp://mail.example", login(), sender()).unwrap_err();
        assert!(matches!(in_the_open, MailFault::LoginInTheOpen));
        assert!(Smtp::open("smtp://mail.example?tls=required", login(), sender()).is_ok());
    }
}
