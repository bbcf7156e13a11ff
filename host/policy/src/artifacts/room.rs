//! Room: whose artifacts give way when there are too many.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::time::Duration;

use cap_std::fs::{Dir, File, OpenOptions, OpenOptionsExt as _};
use cap_std::time::SystemTime;
use rustix::fs::{OFlags, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
use uuid::Uuid;

use super::{MAC_BYTES, MAGIC, OWNER_BYTES, SUFFIX, UNFINISHED};

/// How many bytes of artifacts there may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    /// Of all organizations together.
    pub(crate) all: u64,
    /// Of one.
    pub(crate) each: u64,
}

/// Writing an artifact takes moments; what is older than this and still unfinished was left by a
/// crash.
const ABANDONED: Duration = Duration::from_hours(1);

/// Says that an artifact was used just now: the longest unused ones make room.
pub(super) fn note_use(file: &File) -> io::Result<()> {
    let omitted = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    let times = Timestamps { last_access: omitted, last_modification: now };
    Ok(rustix::fs::futimens(file, &times)?)
}

/// An artifact in the folder. The longest unused one is the least.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Stored {
    used: SystemTime,
    name: String,
    bytes: u64,
}

/// Removes the owner's longest unused artifacts until the rest is within its room, then those of
/// whoever has most until all are; and what a crash left unfinished. Never the newest.
pub(super) fn make_room(dir: &Dir, room: Room, newest: &str, owner: Uuid) -> io::Result<()> {
    let mut stored = BTreeMap::<Uuid, Vec<Stored>>::new();
    let written = dir.metadata(newest)?;
    // The time now, as the file system tells it.
    let now = written.modified()?;
    for entry in dir.entries()? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let is_unfinished = name.ends_with(UNFINISHED);
        if name == newest || !(is_unfinished || name.ends_with(SUFFIX)) {
            continue;
        }
        let metadata = match entry.metadata() {
            // Another process finished or removed it meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            metadata => metadata?,
        };
        if !metadata.is_file() {
            continue;
        }
        let used = metadata.modified()?;
        if is_unfinished {
            if now.duration_since(used).is_ok_and(|age| age > ABANDONED) {
                remove(dir, &name)?;
            }
            continue;
        }
        // What is of another layout has no owner, and goes as what nobody's is.
        let of = read_owner(dir, &name).unwrap_or_default();
        stored.entry(of).or_default().push(Stored { used, name, bytes: metadata.len() });
    }
    let mut taken: BTreeMap<Uuid, u64> =
        stored.iter().map(|(of, all)| (*of, all.iter().map(|one| one.bytes).sum())).collect();
    *taken.entry(owner).or_default() += written.len();
    for all in stored.values_mut() {
        // The last one goes first.
        all.sort_by(|one, other| other.cmp(one));
    }
    loop {
        let has_some = |of: &Uuid| stored.get(of).is_some_and(|all| !all.is_empty());
        let total: u64 = taken.values().sum();
        let from = if taken[&owner] > room.each && has_some(&owner) {
            owner
        } else if total > room.all
            && let Some((most, _)) =
                taken.iter().filter(|(of, _)| has_some(of)).max_by_key(|(_, bytes)| **bytes)
        {
            *most
        } else {
            return Ok(());
        };
        let Some(unused) = stored.get_mut(&from).and_then(Vec::pop) else { return Ok(()) };
        remove(dir, &unused.name)?;
        if let Some(bytes) = taken.get_mut(&from) {
            *bytes -= unused.bytes;
        }
    }
}

/// Whose an artifact is.
fn read_owner(dir: &Dir, name: &str) -> io::Result<Uuid> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let mut file = dir.open_with(name, OpenOptions::new().read(true).custom_flags(flags))?;
    let mut start = [0; MAGIC.len() + MAC_BYTES + OWNER_BYTES];
    file.read_exact(&mut start)?;
    let owner = start.last_chunk::<OWNER_BYTES>().filter(|_| start.starts_with(MAGIC));
    Ok(owner.map_or(Uuid::nil(), |owner| Uuid::from_bytes(*owner)))
}

/// Removes a file that another process may have removed.
fn remove(dir: &Dir, name: &str) -> io::Result<()> {
    match dir.remove_file(name) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
