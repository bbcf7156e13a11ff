//! The mailer: the transport that the operator chose.

use std::path::{Path, PathBuf};

use thiserror::Error;
use waypost_domain::message::Message;

use crate::{Folder, InvalidSender, Smtp, Transport, Undelivered};

/// What an operator can set about mail.
#[derive(Debug, Clone)]
pub struct MailOptions {
    /// `dir:FOLDER`, `smtp://HOST` or `smtps://HOST`.
    pub url: String,
    /// Who letters are from.
    pub from: String,
    /// The relay's user and password.
    pub login: Option<(String, String)>,
    /// What a relative folder is relative to.
    pub base: PathBuf,
}

/// Mail that is set up wrongly.
#[derive(Debug, Error)]
pub enum MailFault {
    /// Neither a folder nor a relay.
    #[error(
        "`{0}` is not a valid mail transport; use one of: dir:FOLDER, \
         smtp://HOST[:PORT][?tls=required], smtps://HOST[:PORT]"
    )]
    DeliveryChannel(String),
    /// The sender is no address.
    #[error(transparent)]
    Sender(#[from] InvalidSender),
    /// The relay's address can't be understood.
    #[error("the relay's address is not valid: {message}")]
    Url {
        /// Why not.
        message: String,
    },
    /// The address holds a login, and addresses are shown in logs.
    #[error("the relay's address contains a login; set `mail_user` and `mail_password` instead")]
    LoginInUrl,
    /// The password would be sent unencrypted.
    #[error("the password would be sent unencrypted; use smtps://HOST or smtp://HOST?tls=required")]
    LoginInTheOpen,
    /// The folder can't be made.
    #[error("the mail folder {} cannot be created", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

/// A folder or a relay.
#[derive(Debug, Clone)]
pub enum Mailer {
    /// Letters as files.
    Folder(Folder),
    /// Letters through a relay.
    Smtp(Smtp),
}

impl Mailer {
    /// Opens what the options name.
    ///
    /// # Errors
    /// [`MailFault`], before anything is sent.
    pub fn open(options: &MailOptions) -> Result<Self, MailFault> {
        let from = options.from.parse()?;
        if let Some(folder) = options.url.strip_prefix("dir:").filter(|folder| !folder.is_empty()) {
            let path = options.base.join(Path::new(folder));
            return Folder::open(&path, from)
                .map(Self::Folder)
                .map_err(|source| MailFault::Folder { path, source });
        }
        if options.url.starts_with("smtp://") || options.url.starts_with("smtps://") {
            return Smtp::open(&options.url, options.login.clone(), from).map(Self::Smtp);
        }
        Err(MailFault::DeliveryChannel(options.url.clone()))
    }
}

impl Transport for Mailer {
    async fn send(&self, message: &Message) -> Result<(), Undelivered> {
        match self {
            Self::Folder(folder) => folder.send(message).await,
            Self::Smtp(smtp) => smtp.send(message).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(url: &str) -> MailOptions {
        MailOptions {
            url: url.to_owned(),
            from: "desk@waypost.example".to_owned(),
            login: None,
            base: PathBuf::from("/nowhere"),
        }
    }

    #[test]
    fn an_unknown_way_is_refused_with_the_known_ones() {
        for way in ["", "dir:", "http://mail.example", "sendmail"] {
            let fault = Mailer::open(&options(way)).unwrap_err();
            assert!(fault.to_string().contains("use one of: dir:FOLDER, smtp://HOST"), "{fault}");
        }
    }

    #[test]
    fn a_relative_folder_is_in_the_base() {
        let home = tempfile::tempdir().unwrap();
        let options = MailOptions { base: home.path().to_owned(), ..options("dir:mail") };
        assert!(matches!(Mailer::open(&options), Ok(Mailer::Folder(_))));
        assert!(home.path().join("mail").is_dir());
    }
}
