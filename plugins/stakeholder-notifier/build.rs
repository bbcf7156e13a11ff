//! Writes down when the clocks of all zones change, as few bytes as it takes: what a policy holds
//! in its memory, each of its decisions begins with.
//!
//! From 2010 to 2050. Zones that agree on all of it share a row.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use chrono::{DateTime, Offset as _, TimeDelta, TimeZone as _, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};

/// No clock changes twice within so many days.
const STEP_DAYS: i64 = 3;
/// Offsets are counted in quarters of an hour, from so far behind UTC.
const QUARTERS_BEHIND: i32 = 64;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let first = moment(2010);
    let last = moment(2050);
    let mut rows = BTreeMap::<Vec<u32>, usize>::new();
    let mut zones: Vec<(&str, usize)> = Vec::new();
    for zone in TZ_VARIANTS {
        let changes = changes(zone, first, last);
        let next = rows.len();
        zones.push((zone.name(), *rows.entry(changes).or_insert(next)));
    }
    zones.sort_unstable();
    let mut ordered: Vec<_> = rows.into_iter().map(|(changes, place)| (place, changes)).collect();
    ordered.sort_unstable();

    let mut text = String::new();
    let mut starts = vec![0];
    let mut all: Vec<u32> = Vec::new();
    for (_, changes) in ordered {
        all.extend(changes);
        starts.push(all.len());
    }
    let written = [
        write!(text, "pub(super) static CHANGES: [u32; {}] = {all:?};", all.len()),
        write!(text, "pub(super) static STARTS: [u16; {}] = {starts:?};", starts.len()),
        write!(text, "pub(super) static ZONES: [(&str, u16); {}] = {zones:?};", zones.len()),
    ];
    assert!(written.iter().all(Result::is_ok), "a text takes whatever is written to it");
    #[expect(clippy::disallowed_methods, reason = "cargo tells a build script so")]
    let folder = std::env::var("OUT_DIR").expect("cargo names a folder");
    std::fs::write(Path::new(&folder).join("zones.rs"), text)
        .expect("the folder can be written to");
}

fn moment(year: i32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(year, 1, 1, 0, 0, 0).single().expect("a year has a first of January")
}

/// The offset at first, and each change of it: the minute, counted from the first, above seven bits
/// of offset.
fn changes(zone: Tz, first: DateTime<Utc>, last: DateTime<Utc>) -> Vec<u32> {
    let offset = |at: DateTime<Utc>| zone.offset_from_utc_datetime(&at.naive_utc()).fix();
    let packed = |at: DateTime<Utc>| {
        let seconds = offset(at).local_minus_utc();
        assert_eq!(seconds % 900, 0, "{zone}: an offset of {seconds} s is no quarter of an hour");
        let quarters =
            u32::try_from(seconds / 900 + QUARTERS_BEHIND).expect("it is within 16 hours");
        let minutes = u32::try_from((at - first).num_minutes()).expect("it is after the first");
        assert!(quarters < 128 && minutes < 1 << 25);
        minutes << 7 | quarters
    };
    let mut changes = vec![packed(first)];
    let mut at = first;
    while at < last {
        let next = at + TimeDelta::days(STEP_DAYS);
        if offset(next) != offset(at) {
            let (mut before, mut after) = (at, next);
            while after - before > TimeDelta::minutes(1) {
                let middle = before + TimeDelta::minutes((after - before).num_minutes() / 2);
                if offset(middle) == offset(before) { before = middle } else { after = middle }
            }
            changes.push(packed(after));
        }
        at = next;
    }
    changes
}
