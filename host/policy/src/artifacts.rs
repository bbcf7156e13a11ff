//! Artifacts: compiled components on disk, found again by what they were made from.
//!
//! Loading an artifact runs machine code that it holds. So only artifacts are loaded that this
//! installation wrote itself: each carries an HMAC over its name, its header and its code, and what
//! does not authenticate is compiled again. The name is a digest of the engine's fingerprint and
//! the content's key, so another engine, another configuration or another processor never finds it.
//!
//! Whoever had it made owns it, and whoever else needs the same finds it. What an organization owns
//! is bounded, and where all have too much, who has most gives way first: nobody's policies push
//! out another's.

mod room;

use std::io::{self, Read as _, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};

use cap_std::fs::{Dir, File, OpenOptions, OpenOptionsExt as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use rustix::fs::OFlags;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;
use uuid::Uuid;
use wasmtime::Engine;
use wasmtime::component::Component;

pub(crate) use self::room::Room;
use self::room::{make_room, note_use};
use crate::{ArtifactKey, Digest};

/// What an artifact was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A component as it was uploaded.
    Component,
    /// A component with settings and data.
    Policy,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Component => "component",
            Self::Policy => "policy",
        }
    }
}

/// The first bytes of every artifact, with the layout's version.
const MAGIC: &[u8; 8] = b"wpartf2\n";

/// The length of an HMAC-SHA-256.
const MAC_BYTES: usize = 32;

/// The length of an owner's id, which stands behind the HMAC.
const OWNER_BYTES: usize = 16;

/// Where artifacts are kept, or nowhere when there is no key.
pub(crate) struct Artifacts {
    kept: Option<(Dir, ArtifactKey)>,
    fingerprint: Digest,
    room: Room,
    /// Tells apart the unfinished files of this process.
    unfinished: AtomicU64,
}

/// An artifact that this installation wrote.
pub(crate) struct Authentic<H> {
    pub(crate) header: H,
    code: Vec<u8>,
}

impl Artifacts {
    pub(crate) fn new(dir: Dir, key: Option<ArtifactKey>, fingerprint: Digest, room: Room) -> Self {
        Self { kept: key.map(|key| (dir, key)), fingerprint, room, unfinished: AtomicU64::new(0) }
    }

    /// Finds an artifact. One that is damaged, or was written with another key, is no artifact.
    pub(crate) fn find<H: DeserializeOwned>(
        &self,
        kind: Kind,
        key: Digest,
    ) -> Option<Authentic<H>> {
        let (dir, secret) = self.kept.as_ref()?;
        let name = self.name(kind, key);
        let (bytes, file) = match read_regular(dir, &name) {
            Ok(read) => read,
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    tracing::warn!(artifact = name, %error, "an artifact cannot be read");
                }
                return None;
            }
        };
        let found = authenticate(secret, &name, &bytes);
        if found.is_none() {
            tracing::warn!(artifact = name, "ignored an artifact of another installation");
            return None;
        }
        if let Err(error) = note_use(&file) {
            tracing::warn!(artifact = name, %error, "the use of an artifact cannot be noted");
        }
        found
    }

    /// Keeps an artifact. If that fails it is compiled again after the next start, which is slower
    /// and nothing else.
    pub(crate) fn keep<H: Serialize>(
        &self,
        owner: Uuid,
        kind: Kind,
        key: Digest,
        header: &H,
        code: &[u8],
    ) {
        let Some((dir, secret)) = &self.kept else { return };
        let name = self.name(kind, key);
        let written = self.write(dir, secret, &name, owner, header, code);
        if let Err(error) = written.and_then(|()| make_room(dir, self.room, &name, owner)) {
            tracing::warn!(artifact = name, %error, "an artifact cannot be stored");
        }
    }

    fn write<H: Serialize>(
        &self,
        dir: &Dir,
        secret: &ArtifactKey,
        name: &str,
        owner: Uuid,
        header: &H,
        code: &[u8],
    ) -> io::Result<()> {
        let header = serde_json::to_vec(header)?;
        let length = u32::try_from(header.len()).map_err(io::Error::other)?.to_le_bytes();
        let parts = [&owner.as_bytes()[..], &length, &header, code];
        let mac = mac(secret, name, &parts).finalize().into_bytes();

        // Written beside and moved into place: a reader finds a whole artifact or none.
        let number = self.unfinished.fetch_add(1, Ordering::Relaxed);
        let unfinished = format!("{name}.{}-{number}{UNFINISHED}", std::process::id());
        let mut file = dir
            .open_with(&unfinished, OpenOptions::new().write(true).create_new(true).mode(0o600))?;
        let written = [&MAGIC[..], &mac[..]]
            .into_iter()
            .chain(parts)
            .try_for_each(|part| file.write_all(part))
            .and_then(|()| dir.rename(&unfinished, dir, name));
        if written.is_err() {
            // The error that is reported is the first one.
            drop(dir.remove_file(&unfinished));
        }
        written
    }

    fn name(&self, kind: Kind, key: Digest) -> String {
        let name = Digest::of_parts([&self.fingerprint.as_bytes()[..], key.as_bytes()]);
        format!("{}-{}{SUFFIX}", kind.as_str(), name.hex())
    }
}

impl Authentic<()> {
    /// Code that this process, being the compiler, was given by its parent, which had authenticated
    /// it.
    pub(crate) fn from_parent(code: &[u8]) -> Self {
        Self { header: (), code: code.to_vec() }
    }
}

impl<H> Authentic<H> {
    /// What came from the compiler that this process started, through a pipe that nobody else
    /// holds.
    pub(crate) const fn from_compiler(header: H, code: Vec<u8>) -> Self {
        Self { header, code }
    }

    /// The compiled component; none if the engine does not take it, or if the artifact has no code
    /// of its own.
    pub(crate) fn load(&self, engine: &Engine) -> Option<Component> {
        if self.code.is_empty() {
            return None;
        }
        #[expect(
            unsafe_code,
            reason = "the bytes are `Component::serialize`'s own: an `Authentic` is made by `authenticate`, after their HMAC \
                      was checked with this installation's key; of what our own compiler made; or, in the compiler, of \
                      what its parent had by one of the two ways"
        )]
        // SAFETY: see the reason.
        let component = unsafe { Component::deserialize(engine, &self.code) };
        component
            .inspect_err(|error| tracing::warn!(%error, "the engine rejected an artifact"))
            .ok()
    }
}

/// The most bytes of an artifact. What the compiler gives is far below.
const MOST_BYTES: u64 = 512 * 1024 * 1024;

/// Reads a regular file. Whatever else has its name (a pipe, a folder, a device) is neither waited
/// for nor read.
fn read_regular(dir: &Dir, name: &str) -> io::Result<(Vec<u8>, File)> {
    // A pipe that nobody writes to opens at once, where it would wait.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = dir.open_with(name, OpenOptions::new().read(true).custom_flags(flags))?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    if metadata.len() > MOST_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than any artifact"));
    }
    let mut bytes = Vec::new();
    (&file).take(MOST_BYTES).read_to_end(&mut bytes)?;
    Ok((bytes, file))
}

const SUFFIX: &str = ".artifact";
const UNFINISHED: &str = ".unfinished";

fn authenticate<H: DeserializeOwned>(
    secret: &ArtifactKey,
    name: &str,
    file: &[u8],
) -> Option<Authentic<H>> {
    let file = file.strip_prefix(MAGIC)?;
    let (tag, rest) = file.split_at_checked(MAC_BYTES)?;
    mac(secret, name, &[rest]).verify_slice(tag).ok()?;
    let (_, rest) = rest.split_at_checked(OWNER_BYTES)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (header, code) =
        rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    let header = serde_json::from_slice(header).ok()?;
    Some(Authentic { header, code: code.to_vec() })
}

fn mac(secret: &ArtifactKey, name: &str, parts: &[&[u8]]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&secret.0).expect("an HMAC takes any key");
    // The name is part of what is authenticated: an artifact moved to another name is not that
    // other artifact. It has no zero byte, so it cannot run into what follows.
    mac.update(name.as_bytes());
    mac.update(&[0]);
    for part in parts {
        mac.update(part);
    }
    mac
}

impl ArtifactKey {
    /// The key that is kept in a folder, or a fresh one that is kept there from now on. Only this
    /// user can read it. Give the folder that holds the installation's other secrets, not one that
    /// is copied from machine to machine.
    ///
    /// Of processes that start at the same moment, one keeps its fresh key and all use that.
    pub fn kept_in(dir: &Dir, fresh: [u8; 32]) -> io::Result<Self> {
        const NAME: &str = "artifact.key";
        if !dir.try_exists(NAME)? {
            // Whole before it has its name, so that nobody reads a part of it. The digest of a
            // random key tells nothing about it, and is different in every process.
            let unfinished = format!("{NAME}.{}{UNFINISHED}", Digest::of(&fresh).hex());
            let options = &mut OpenOptions::new();
            let mut file =
                dir.open_with(&unfinished, options.write(true).create_new(true).mode(0o600))?;
            let written = file.write_all(&fresh).and_then(|()| file.sync_all());
            let named = written.and_then(|()| name_key(dir, &unfinished, NAME));
            // The error that is reported is the first one.
            drop(dir.remove_file(&unfinished));
            named?;
        }
        let (key, _) = read_regular(dir, NAME)?;
        let key = key.first_chunk().ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        Ok(Self(*key))
    }
}

/// Gives the key its name, unless another process was first.
fn name_key(dir: &Dir, unfinished: &str, name: &str) -> io::Result<()> {
    match dir.hard_link(unfinished, dir, name) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        // A file system without links. Of two processes one may then work with a key that is not
        // kept, whose artifacts the next start ignores and compiles again.
        Err(_) => dir.rename(unfinished, dir, name),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use cap_std::ambient_authority;

    use super::*;

    struct Folder {
        dir: Dir,
        _removed_at_the_end: tempfile::TempDir,
    }

    fn folder() -> Folder {
        let temporary = tempfile::tempdir().unwrap();
        let dir = Dir::open_ambient_dir(temporary.path(), ambient_authority()).unwrap();
        Folder { dir, _removed_at_the_end: temporary }
    }

    const ANNA: Uuid = Uuid::from_u128(1);
    const BEN: Uuid = Uuid::from_u128(2);

    fn artifacts(folder: &Folder, key: u8, all: u64) -> Artifacts {
        artifacts_with(folder, key, Room { all, each: 1000 })
    }

    fn artifacts_with(folder: &Folder, key: u8, room: Room) -> Artifacts {
        let dir = folder.dir.try_clone().unwrap();
        Artifacts::new(dir, Some(ArtifactKey([key; 32])), Digest::of(b"engine"), room)
    }

    fn code(artifacts: &Artifacts, kind: Kind, key: Digest) -> Option<Vec<u8>> {
        artifacts.find::<String>(kind, key).map(|found| found.code)
    }

    #[test]
    fn an_artifact_is_found_again() {
        let folder = folder();
        let key = Digest::of(b"a");
        artifacts(&folder, 1, 1000).keep(ANNA, Kind::Policy, key, &"header", b"code");

        let again = artifacts(&folder, 1, 1000);
        let found = again.find::<String>(Kind::Policy, key).unwrap();
        assert_eq!((found.header.as_str(), found.code.as_slice()), ("header", &b"code"[..]));
        assert!(code(&again, Kind::Component, key).is_none());
    }

    #[test]
    fn a_changed_bit_anywhere_makes_it_no_artifact() {
        let folder = folder();
        let artifacts = artifacts(&folder, 1, 1000);
        let key = Digest::of(b"a");
        artifacts.keep(ANNA, Kind::Policy, key, &"header", b"code");
        let name = artifacts.name(Kind::Policy, key);
        let whole = folder.dir.read(&name).unwrap();
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            folder.dir.write(&name, &changed).unwrap();
            assert!(code(&artifacts, Kind::Policy, key).is_none(), "byte {at}");
            folder.dir.write(&name, &whole[..at]).unwrap();
            assert!(code(&artifacts, Kind::Policy, key).is_none(), "cut at {at}");
        }
        folder.dir.write(&name, &whole).unwrap();
        assert!(code(&artifacts, Kind::Policy, key).is_some());
    }

    #[test]
    fn an_artifact_of_another_key_is_none() {
        let folder = folder();
        let key = Digest::of(b"a");
        artifacts(&folder, 1, 1000).keep(ANNA, Kind::Policy, key, &"header", b"code");
        assert!(code(&artifacts(&folder, 2, 1000), Kind::Policy, key).is_none());
    }

    #[test]
    fn an_artifact_under_another_name_is_none() {
        let folder = folder();
        let artifacts = artifacts(&folder, 1, 1000);
        let (mine, other) = (Digest::of(b"mine"), Digest::of(b"other"));
        artifacts.keep(ANNA, Kind::Policy, mine, &"header", b"code");
        let (from, to) = (artifacts.name(Kind::Policy, mine), artifacts.name(Kind::Policy, other));
        folder.dir.rename(from, &folder.dir, to).unwrap();
        assert!(code(&artifacts, Kind::Policy, other).is_none());
    }

    #[test]
    fn only_a_regular_file_is_an_artifact() {
        let folder = folder();
        let artifacts = artifacts(&folder, 1, 1000);
        let (pipe, inner) = (Digest::of(b"pipe"), Digest::of(b"folder"));
        let name = artifacts.name(Kind::Policy, pipe);
        let pipes = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(&folder.dir, &name, pipes, rustix::fs::Mode::RUSR, 0).unwrap();
        folder.dir.create_dir(artifacts.name(Kind::Policy, inner)).unwrap();

        // Neither is waited for.
        assert!(code(&artifacts, Kind::Policy, pipe).is_none());
        assert!(code(&artifacts, Kind::Policy, inner).is_none());

        // A pipe gives way to the artifact; and nothing else in the folder hinders keeping.
        artifacts.keep(ANNA, Kind::Policy, pipe, &"header", b"code");
        assert!(code(&artifacts, Kind::Policy, pipe).is_some());
    }

    /// Keeps artifacts of a hundred bytes of code, and sets how long ago each was used.
    fn keep(artifacts: &Artifacts, folder: &Folder, owner: Uuid, names: &[(&str, u64)]) {
        for (name, ago) in names {
            let key = Digest::of(name.as_bytes());
            artifacts.keep(owner, Kind::Component, key, &"header", &[0; 100]);
            let file = folder.dir.open(artifacts.name(Kind::Component, key)).unwrap().into_std();
            let used = file.metadata().unwrap().modified().unwrap() - Duration::from_secs(*ago);
            file.set_modified(used).unwrap();
        }
    }

    fn are_kept(artifacts: &Artifacts, names: &[&str]) -> Vec<bool> {
        let is_kept = |name: &&str| {
            let (dir, _) = artifacts.kept.as_ref().unwrap();
            dir.exists(artifacts.name(Kind::Component, Digest::of(name.as_bytes())))
        };
        names.iter().map(is_kept).collect()
    }

    #[test]
    fn the_longest_unused_make_room() {
        let folder = folder();
        let artifacts = artifacts(&folder, 1, 400);
        keep(&artifacts, &folder, ANNA, &[("a", 30), ("b", 20)]);
        // It is the oldest, but was just used.
        assert!(code(&artifacts, Kind::Component, Digest::of(b"a")).is_some());
        keep(&artifacts, &folder, ANNA, &[("c", 0)]);
        assert_eq!(are_kept(&artifacts, &["a", "b", "c"]), [true, false, true]);
    }

    #[test]
    fn who_has_too_much_makes_room_for_itself() {
        let folder = folder();
        let artifacts = artifacts_with(&folder, 1, Room { all: 10_000, each: 400 });
        keep(&artifacts, &folder, BEN, &[("old", 900)]);
        keep(&artifacts, &folder, ANNA, &[("a", 30), ("b", 20), ("c", 10), ("d", 0)]);
        let kept = are_kept(&artifacts, &["old", "a", "b", "c", "d"]);
        assert_eq!(kept, [true, false, false, true, true]);
    }

    #[test]
    fn who_has_most_makes_room_for_all() {
        let folder = folder();
        let artifacts = artifacts_with(&folder, 1, Room { all: 700, each: 1000 });
        keep(&artifacts, &folder, ANNA, &[("a", 30), ("b", 20), ("c", 10)]);
        keep(&artifacts, &folder, BEN, &[("old", 900), ("new", 0)]);
        let kept = are_kept(&artifacts, &["a", "b", "c", "old", "new"]);
        assert_eq!(kept, [false, true, true, true, true]);
        // Of one that is larger than all the room, nothing else is left, and it stays.
        artifacts.keep(BEN, Kind::Policy, Digest::of(b"large"), &"header", &[0; 900]);
        assert!(code(&artifacts, Kind::Policy, Digest::of(b"large")).is_some());
        assert_eq!(are_kept(&artifacts, &["old", "new"]), [false, false]);
    }

    #[test]
    fn without_a_key_nothing_is_written() {
        let folder = folder();
        let dir = folder.dir.try_clone().unwrap();
        let artifacts =
            Artifacts::new(dir, None, Digest::of(b"engine"), Room { all: 1000, each: 1000 });
        artifacts.keep(ANNA, Kind::Policy, Digest::of(b"a"), &"header", b"code");
        assert_eq!(folder.dir.entries().unwrap().count(), 0);
    }

    #[test]
    fn a_key_is_made_once() {
        let folder = folder();
        let first = ArtifactKey::kept_in(&folder.dir, [1; 32]).unwrap();
        let second = ArtifactKey::kept_in(&folder.dir, [2; 32]).unwrap();
        assert_eq!(first, second);
        assert!(!format!("{first:?}").contains('1'));
    }
    #[test]
    fn processes_that_start_together_get_the_same_whole_key() {
        for _ in 0..20 {
            let folder = folder();
            let keys: Vec<_> = std::thread::scope(|scope| {
                let starting: Vec<_> = (1..=8)
                    .map(|number| {
                        let dir = folder.dir.try_clone().unwrap();
                        scope.spawn(move || ArtifactKey::kept_in(&dir, [number; 32]).unwrap())
                    })
                    .collect();
                starting.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            assert!(keys.iter().all(|key| *key == keys[0] && key.0[0] != 0), "{:?}", keys[0].0);
            assert_eq!(folder.dir.entries().unwrap().count(), 1, "nothing is left beside it");
        }
    }

    #[test]
    fn what_a_crash_left_unfinished_is_removed_and_what_is_being_written_stays() {
        let folder = folder();
        for name in ["old.unfinished", "new.unfinished", "old.other"] {
            let file = folder.dir.create(name).unwrap().into_std();
            if name.starts_with("old") {
                file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
            }
        }
        let key = Digest::of(b"a");
        artifacts(&folder, 1, 1000).keep(ANNA, Kind::Policy, key, &"header", b"code");

        let names = folder.dir.entries().unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names.len(), 3, "{names:?}");
        assert!(names.iter().all(|name| name != "old.unfinished"), "{names:?}");
    }
}
