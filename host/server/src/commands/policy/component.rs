//! Components on the command line: a file, a digest or its beginning, a name, or a name with a
//! version.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use waypost_app::bindings::ComponentChoice;
use waypost_app::policies::{self, PolicySummary, PolicyView};
use waypost_app::{Caller, CommandError};
use waypost_policy::Digest;

use crate::installation::Installation;
use crate::output::Output;

/// So many hex digits of a digest are shown; more where two components share them.
const SHORT: usize = 12;

/// Fewer hex digits are a name, or a slip of the keyboard.
const LEAST_DIGITS: usize = 7;

/// How a component is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    /// By its file.
    File(PathBuf),
    /// By its digest.
    Digest(Digest),
    /// By what it calls itself, with or without its version, or by the beginning of its digest.
    Words(String),
}

impl From<String> for Named {
    fn from(text: String) -> Self {
        if let Ok(digest) = text.parse() {
            return Self::Digest(digest);
        }
        let path = PathBuf::from(&text);
        let is_file = path.extension().is_some_and(|ending| ending == "wasm");
        if is_file { Self::File(path) } else { Self::Words(text) }
    }
}

/// A component that was found.
pub(crate) enum Found {
    /// One that the organization may bind.
    Uploaded(PolicyView),
    /// A file's that the organization does not have yet. It was looked at and is kept nowhere.
    New(PolicyView, Arc<[u8]>),
}

impl Found {
    /// What it says about itself.
    pub(crate) fn view(&self) -> &PolicyView {
        match self {
            Self::Uploaded(view) | Self::New(view, _) => view,
        }
    }

    /// What a binding is told, so that a new component is kept only if the binding is.
    pub(crate) async fn choice(
        self,
        installation: &Installation,
        caller: &Caller,
        output: &mut Output,
    ) -> Result<ComponentChoice> {
        Ok(match self {
            Self::Uploaded(view) => ComponentChoice::Uploaded(view.digest),
            Self::New(view, bytes) => {
                twins(installation, caller, &view, output).await?;
                ComponentChoice::Brought(bytes)
            }
        })
    }
}

impl Named {
    /// Finds the component. A file is only looked at.
    pub(crate) async fn find(
        &self,
        installation: &Installation,
        caller: &Caller,
        output: &mut Output,
    ) -> Result<Found> {
        match self {
            Self::File(file) => look_at(installation, caller, file, output).await,
            Self::Digest(digest) => {
                let found = policies::find(&installation.desk, caller, &digest.to_string()).await;
                Ok(Found::Uploaded(found.with_context(|| format!("looking for {digest}"))?))
            }
            Self::Words(words) => {
                let one = one_of(words, super::all(installation, caller).await?)?;
                let found = policies::find(&installation.desk, caller, &one.digest).await;
                Ok(Found::Uploaded(found.with_context(|| format!("looking for {}", one.digest))?))
            }
        }
    }
}

/// The only component that is named so.
fn one_of(words: &str, all: Vec<PolicySummary>) -> Result<PolicySummary> {
    let shown = short_digests(&all);
    let mut found: Vec<_> = all.into_iter().zip(shown).collect();
    found.retain(|(view, _)| is_named(view, words));
    match found.len() {
        0 => bail!(
            "there is no policy `{words}`; see `waypost policy list`, or give a path that ends in \
             .wasm"
        ),
        1 => Ok(found.remove(0).0),
        _ => {
            let lines = found
                .iter()
                .map(|(view, digest)| format!("\n  {}@{} {digest}", view.name, view.version));
            let lines = lines.collect::<String>();
            bail!("`{words}` names several policies; use one of the digests:{lines}")
        }
    }
}

/// Whether the words are the component's name, its name and version (`team-router@1.4.0`), or the
/// beginning of its digest.
fn is_named(view: &PolicySummary, words: &str) -> bool {
    if view.name == words || words == format!("{}@{}", view.name, view.version) {
        return true;
    }
    let digits = words.strip_prefix(PREFIX).unwrap_or(words);
    digits.len() >= LEAST_DIGITS && hex(&view.digest).starts_with(digits)
}

const PREFIX: &str = "sha256:";

fn hex(digest: &str) -> &str {
    digest.strip_prefix(PREFIX).unwrap_or(digest)
}

/// The digests as people need them: so many digits that they tell the components apart.
pub(crate) fn short_digests(all: &[PolicySummary]) -> Vec<String> {
    short_of(all.iter().map(|view| view.digest.as_str()))
}

/// Digests, cut to the digits that tell them apart.
pub(crate) fn short_of<'a>(digests: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let digits: Vec<&str> = digests.into_iter().map(hex).collect();
    let mut sorted = digits.clone();
    sorted.sort_unstable();
    sorted.dedup();
    let shared = sorted.windows(2).map(|pair| {
        pair[0].bytes().zip(pair[1].bytes()).take_while(|(one, other)| one == other).count()
    });
    let needed = shared.max().map_or(SHORT, |shared| SHORT.max(shared + 1));
    digits.iter().map(|digits| digits[..needed.min(digits.len())].to_owned()).collect()
}

/// Looks at a file's component, which may be there already.
pub(crate) async fn look_at(
    installation: &Installation,
    caller: &Caller,
    file: &Path,
    output: &mut Output,
) -> Result<Found> {
    let bytes = read(file)?;
    let digest = Digest::of(&bytes).to_string();
    match policies::find(&installation.desk, caller, &digest).await {
        Ok(view) => return Ok(Found::Uploaded(view)),
        Err(CommandError::NotFound(_)) => {}
        Err(error) => return Err(error.into()),
    }
    // An interpreter's component is several megabytes, and takes as many seconds to compile.
    if bytes.len() > 2 * 1024 * 1024 {
        output.aside(format_args!("Compiling {}; this can take half a minute.", file.display()))?;
    }
    let bytes = Arc::<[u8]>::from(bytes);
    let view = policies::look_at(&installation.desk, caller, Arc::clone(&bytes))
        .await
        .with_context(|| format!("looking at {}", file.display()))?;
    Ok(Found::New(view, bytes))
}

/// The digests of other code under the same name and version, of which people are warned.
pub(crate) async fn twins(
    installation: &Installation,
    caller: &Caller,
    view: &PolicyView,
    output: &mut Output,
) -> Result<Vec<String>> {
    let mut all = super::all(installation, caller).await?;
    all.retain(|other| {
        (&view.name, &view.version) == (&other.name, &other.version) && view.digest != other.digest
    });
    for twin in &all {
        output.aside(format_args!(
            "Warning: {} {} is also the name of other code, {}; raise the version so that people \
             can tell them apart.",
            view.name, view.version, twin.digest
        ))?;
    }
    Ok(all.into_iter().map(|twin| twin.digest).collect())
}

/// Brings a component to the organization. One that is there already is left as it is.
pub(crate) async fn upload(
    installation: &Installation,
    caller: &Caller,
    file: &Path,
    output: &mut Output,
) -> Result<PolicyView> {
    match look_at(installation, caller, file, output).await? {
        Found::Uploaded(view) => Ok(view),
        Found::New(_, bytes) => policies::upload(&installation.desk, caller, bytes.to_vec())
            .await
            .with_context(|| format!("uploading {}", file.display())),
    }
}

pub(crate) fn read(file: &Path) -> Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("reading {}", file.display()))
}

#[cfg(test)]
mod tests {
    use waypost_domain::binding::Use;

    use super::*;

    #[test]
    fn a_component_is_named_by_file_digest_or_words() {
        let named = |text: &str| Named::from(text.to_owned());
        let digest = Digest::of(b"");
        assert_eq!(named("a/b.wasm"), Named::File(PathBuf::from("a/b.wasm")));
        assert_eq!(named(&digest.to_string()), Named::Digest(digest));
        assert_eq!(named("team-router"), Named::Words("team-router".to_owned()));
    }

    #[test]
    fn a_short_digest_has_as_many_digits_as_tell_it_apart() {
        let one = format!("sha256:{}", "0123456789abcdef".repeat(4));
        let other = format!("sha256:{}f", &one["sha256:".len()..][..63].replace("def", "fff"));
        let twin = one.replace("9abcdef0", "9abcdef1");
        assert_eq!(short_of([one.as_str(), other.as_str()]), ["0123456789abcd", "0123456789abcf"]);
        assert_eq!(short_of([one.as_str(), one.as_str()]), ["0123456789ab", "0123456789ab"]);
        let shown = short_of([one.as_str(), twin.as_str()]);
        assert_eq!(shown, ["0123456789abcdef0", "0123456789abcdef1"]);
        assert!(short_of([]).is_empty());
    }

    fn policy(name: &str, version: &str, digest: &str) -> PolicySummary {
        PolicySummary {
            digest: digest.to_owned(),
            name: name.to_owned(),
            version: version.to_owned(),
            author: String::new(),
            summary: String::new(),
            hooks: Vec::new(),
            wit_version: String::new(),
            size: 0,
            uploaded_at: chrono::DateTime::default(),
            inherited: false,
            used: Use::Unused,
        }
    }

    #[test]
    fn words_name_one_component_or_say_which_there_are() {
        let (one, two) =
            (format!("sha256:{:0<64}", "1111111"), format!("sha256:{:0<64}", "2222222"));
        let all = || {
            vec![
                policy("router", "1.0.0", &one),
                policy("router", "1.1.0", &two),
                policy("planner", "1.0.0", &two.replace("2222222", "3333333")),
            ]
        };
        let found = |words: &str| one_of(words, all()).map(|view| view.digest).ok();
        assert_eq!(found("router@1.1.0").as_ref(), Some(&two));
        assert_eq!(found("1111111").as_ref(), Some(&one));
        assert_eq!(found("sha256:1111111").as_ref(), Some(&one));
        assert_eq!(found("111111"), None, "too few digits");
        assert_eq!(found("planner").map(|digest| digest.contains("3333333")), Some(true));
        let several = one_of("router", all()).unwrap_err().to_string();
        assert!(several.contains("router@1.0.0 111111100000"), "{several}");
        assert!(several.contains("router@1.1.0 222222200000"), "{several}");
    }
}
