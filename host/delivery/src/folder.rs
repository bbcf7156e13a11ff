//! The folder: letters as files, for an installation without a mail server.

use std::fs;
use std::path::{Path, PathBuf};

use waypost_domain::message::Message;

use crate::{Sender, Transport, Undelivered, letter};

/// Puts each letter as `<message id>.eml` into a folder. A repeat replaces the file of the first
/// attempt.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
    from: Sender,
}

impl Folder {
    /// A transport that writes into this folder; it is made if it is missing.
    ///
    /// # Errors
    /// The folder can't be made.
    pub fn open(path: &Path, from: Sender) -> Result<Self, std::io::Error> {
        fs::create_dir_all(path)?;
        Ok(Self { path: path.to_owned(), from })
    }
}

impl Transport for Folder {
    async fn send(&self, message: &Message) -> Result<(), Undelivered> {
        let letter = letter::write(message, &self.from)?.formatted();
        let file = self.path.join(format!("{}.eml", message.id));
        let write = move || {
            // Renaming is one step: whoever reads the folder never sees half a letter.
            let draft = file.with_extension("draft");
            fs::write(&draft, letter)?;
            fs::rename(&draft, &file)
        };
        match tokio::task::spawn_blocking(write).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(fault)) => {
                Err(Undelivered::Temporary(format!("the message cannot be written: {fault}")))
            }
            Err(fault) => Err(Undelivered::Temporary(fault.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::letter::tests::{message, sender};

    #[tokio::test]
    async fn a_repeat_leaves_one_letter() {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder::open(&home.path().join("mail"), sender()).unwrap();
        let message = message(1);

        folder.send(&message).await.unwrap();
        folder.send(&message).await.unwrap();

        let names: Vec<String> = fs::read_dir(home.path().join("mail"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(names, [format!("{}.eml", message.id)]);
        let letter = fs::read_to_string(home.path().join("mail").join(&names[0])).unwrap();
        assert!(letter.contains("\r\nTo: mira@northwind.example\r\n"));
    }

    #[tokio::test]
    async fn a_folder_that_is_gone_is_tried_again_later() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("mail");
        let folder = Folder::open(&path, sender()).unwrap();
        fs::remove_dir(&path).unwrap();

        let refusal = folder.send(&message(1)).await.unwrap_err();

        assert!(matches!(refusal, Undelivered::Temporary(_)));
    }
}
