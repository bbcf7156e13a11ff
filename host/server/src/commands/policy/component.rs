//! Components on the command line: a file, a digest, or a name.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use waypost_app::Caller;
use waypost_app::policies::{self, PolicyView};
use waypost_policy::Digest;

use crate::installation::Installation;
use crate::output::Output;

/// How a component is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    /// By its file; it is uploaded if it is not there.
    File(PathBuf),
    /// By its digest.
    Digest(Digest),
    /// By what it calls itself.
    Name(String),
}

impl From<String> for Named {
    fn from(text: String) -> Self {
        if let Ok(digest) = text.parse() {
            return Self::Digest(digest);
        }
        let path = PathBuf::from(&text);
        let is_file = path.extension().is_some_and(|ending| ending == "wasm");
        if is_file { Self::File(path) } else { Self::Name(text) }
    }
}

impl Named {
    /// The digest of a component that the organization may bind.
    pub(crate) async fn digest(
        &self,
        installation: &Installation,
        caller: &Caller,
        output: &mut Output,
    ) -> Result<String> {
        match self {
            Self::File(file) => Ok(upload(installation, caller, file, output).await?.digest),
            Self::Digest(digest) => Ok(digest.to_string()),
            Self::Name(name) => {
                let mut found = super::all(installation, caller).await?;
                found.retain(|view| view.name == *name);
                match found.as_slice() {
                    [] => bail!(
                        "there is no policy `{name}`; see `waypost policy list`, or give a path \
                         that ends in .wasm"
                    ),
                    [only] => Ok(only.digest.clone()),
                    several => {
                        let digests: Vec<String> = several
                            .iter()
                            .map(|view| format!("\n  {} {}", view.version, view.digest))
                            .collect();
                        bail!(
                            "several policies are called `{name}`; use one of the digests:{}",
                            digests.concat()
                        )
                    }
                }
            }
        }
    }
}

/// Brings a component to the organization. One that is there already is left as it is.
pub(crate) async fn upload(
    installation: &Installation,
    caller: &Caller,
    file: &Path,
    output: &mut Output,
) -> Result<PolicyView> {
    let bytes = read(file)?;
    let digest = Digest::of(&bytes).to_string();
    if let Ok(view) = policies::find(&installation.desk, caller, &digest).await {
        return Ok(view);
    }
    // An interpreter's component is several megabytes, and takes as many seconds to compile.
    if bytes.len() > 2 * 1024 * 1024 {
        output.step(format_args!("Compiling {}; this can take half a minute.", file.display()))?;
    }
    policies::upload(&installation.desk, caller, bytes)
        .await
        .with_context(|| format!("uploading {}", file.display()))
}

pub(crate) fn read(file: &Path) -> Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("reading {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_is_named_by_file_digest_or_name() {
        let named = |text: &str| Named::from(text.to_owned());
        let digest = Digest::of(b"");
        assert_eq!(named("a/b.wasm"), Named::File(PathBuf::from("a/b.wasm")));
        assert_eq!(named(&digest.to_string()), Named::Digest(digest));
        assert_eq!(named("team-router"), Named::Name("team-router".to_owned()));
    }
}
