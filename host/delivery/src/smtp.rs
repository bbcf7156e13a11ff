//! SMTP: letters through a relay.

use std::time::Duration;

use lettre::transport::smtp::authentication::Credentials;
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
    /// `smtp://host` without encryption.
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
        if let Some((user, password)) = login {
            relay = relay.credentials(Credentials::new(user, password));
        }
        Ok(Self { relay: relay.build(), from })
    }
}

impl Transport for Smtp {
    async fn send(&self, message: &Message) -> Result<(), Undelivered> {
        let letter = letter::write(message, &self.from)?;
        match self.relay.send(letter).await {
            Ok(_) => Ok(()),
            // Only a server's own "never" ends it. What we don't understand or can't reach may be
            // repaired tomorrow.
            Err(fault) if fault.is_permanent() => Err(Undelivered::Permanent(fault.to_string())),
            Err(fault) => Err(Undelivered::Temporary(fault.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;

    use super::*;
    use crate::letter::tests::{message, sender};

    /// A mail server for one conversation. Answers the recipient with `verdict`; returns the
    /// letter.
    async fn relay(listener: TcpListener, verdict: &'static str) -> String {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (read, mut write) = stream.split();
        let mut lines = BufReader::new(read).lines();
        write.write_all(b"220 relay.example ready\r\n").await.unwrap();
        let mut letter = String::new();
        let mut reads_letter = false;
        while let Ok(Some(line)) = lines.next_line().await {
            let answer = match line.get(..4) {
                _ if reads_letter && line == "." => {
                    reads_letter = false;
                    "250 taken"
                }
                _ if reads_letter => {
                    letter.push_str(&line);
                    letter.push('\n');
                    continue;
                }
                Some("EHLO") => "250 relay.example",
                Some("RCPT") => verdict,
                Some("DATA") => {
                    reads_letter = true;
                    "354 go on"
                }
                Some("QUIT") => break,
                _ => "250 ok",
            };
            if write.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
                break;
            }
        }
        letter
    }

    async fn send_against(verdict: &'static str) -> (Result<(), Undelivered>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(relay(listener, verdict));
        let smtp = Smtp::open(&url, None, sender()).unwrap();
        let sent = smtp.send(&message(7)).await;
        (sent, server.await.unwrap())
    }

    #[tokio::test]
    async fn a_relay_that_takes_the_letter_gets_all_of_it() {
        let (sent, letter) = send_against("250 ok").await;
        assert_eq!(sent, Ok(()));
        assert!(letter.contains("Subject: INC0000042: printer on fire\n"), "{letter}");
        assert!(letter.contains("\n\nSomebody is looking at it.\n"), "{letter}");
    }

    #[tokio::test]
    async fn a_relays_never_is_permanent_and_its_not_now_is_temporary() {
        let (never, _) = send_against("550 no such person").await;
        assert!(matches!(never, Err(Undelivered::Permanent(_))), "{never:?}");
        let (later, _) = send_against("451 try again later").await;
        assert!(matches!(later, Err(Undelivered::Temporary(_))), "{later:?}");
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
