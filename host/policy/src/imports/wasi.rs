//! WASI without authority: a clock that stands still at the decision's time, random numbers that
//! follow from the decision's seed, an empty environment, output that goes to the log, no files.
//!
//! Toolchains import these interfaces whether a policy uses them or not. Functions that only work
//! on a handle that the host never gives away, such as those of an open file, have no answer here
//! and stop the policy if they are ever called.

use wasmtime::StoreContextMut;
use wasmtime::component::types::{ComponentFunc, Type};
use wasmtime::component::{
    ComponentType, LinkerInstance, Lower, Resource, ResourceType, Val, WasmList,
};

use super::{Name, host_resource};
use crate::guest::{Guest, Stopped, charge};
use crate::guest_log::Stream;

/// The version of WASI whose interfaces are answered, and the most digits of its last number.
const VERSION: &str = "0.2.";
const PATCH_DIGITS: usize = 4;

/// How much a policy may print at once. A larger text comes in several pieces.
const WRITE_BYTES: u64 = 4096;

/// The most random bytes of one call.
const RANDOM_BYTES: u64 = 64 * 1024;

/// Whether the interface is answered; if not, why.
pub(super) fn verdict(name: &Name<'_>) -> Result<(), &'static str> {
    let known = match (name.package, name.interface) {
        ("wasi:http" | "wasi:sockets" | "wasi:tls", _) => {
            return Err(
                "a policy has no network access; it gets the facts that it declares in `describe` \
                 with the context",
            );
        }
        (
            "wasi:cli",
            "environment" | "exit" | "stdin" | "stdout" | "stderr" | "terminal-input"
            | "terminal-output" | "terminal-stdin" | "terminal-stdout" | "terminal-stderr",
        )
        | ("wasi:clocks", "monotonic-clock" | "wall-clock" | "timezone")
        | ("wasi:filesystem", "preopens" | "types")
        | ("wasi:io", "error" | "poll" | "streams")
        | ("wasi:random", "random" | "insecure" | "insecure-seed") => true,
        _ => false,
    };
    let is_wasi = name.package.starts_with("wasi:");
    match (known, is_wasi) {
        (true, _) if name.version.is_some_and(is_served) => Ok(()),
        (true, _) => Err("this host supports only WASI 0.2"),
        (false, true) => Err("the host grants policies no such access"),
        (false, false) => {
            Err("a policy can import only its contract's `log` and parts of WASI 0.2")
        }
    }
}

/// Whether it is a version `0.2.N`.
fn is_served(version: &str) -> bool {
    version.strip_prefix(VERSION).is_some_and(|patch| {
        (1..=PATCH_DIGITS).contains(&patch.len()) && patch.bytes().all(|b| b.is_ascii_digit())
    })
}

/// The kinds of handles.
struct InputStream;
struct OutputStream;
struct Pollable;
struct IoError;
struct Descriptor;
struct DirectoryEntryStream;
struct TerminalInput;
struct TerminalOutput;
struct OtherResource;

/// The type of a resource, by its name in WASI.
pub(super) fn resource(name: &str) -> ResourceType {
    match name {
        "input-stream" => host_resource::<InputStream>(),
        "output-stream" => host_resource::<OutputStream>(),
        "pollable" => host_resource::<Pollable>(),
        "error" => host_resource::<IoError>(),
        "descriptor" => host_resource::<Descriptor>(),
        "directory-entry-stream" => host_resource::<DirectoryEntryStream>(),
        "terminal-input" => host_resource::<TerminalInput>(),
        "terminal-output" => host_resource::<TerminalOutput>(),
        _ => host_resource::<OtherResource>(),
    }
}

/// `streams.stream-error`
#[derive(ComponentType, Lower)]
#[component(variant)]
enum StreamError {
    #[component(name = "last-operation-failed")]
    #[expect(dead_code, reason = "the contract has this case, and no stream of ours fails")]
    LastOperationFailed(Resource<IoError>),
    #[component(name = "closed")]
    Closed,
}

/// `wall-clock.datetime`
#[derive(ComponentType, Lower)]
#[component(record)]
struct Datetime {
    seconds: u64,
    nanoseconds: u32,
}

type Store<'a> = StoreContextMut<'a, Guest>;

/// Defines the answer to a function, or says that it has none.
pub(super) fn answer(
    answers: &mut LinkerInstance<'_, Guest>,
    name: &Name<'_>,
    function: &str,
    ty: &ComponentFunc,
) -> wasmtime::Result<bool> {
    match name.package {
        "wasi:cli" => cli(answers, name.interface, function),
        "wasi:clocks" => clocks(answers, name.interface, function),
        "wasi:filesystem" => filesystem(answers, name.interface, function, ty),
        "wasi:io" if name.interface == "streams" => streams(answers, function),
        "wasi:io" => io(answers, name.interface, function),
        "wasi:random" => random(answers, name.interface, function),
        _ => Ok(false),
    }
}

/// The number behind a handle to standard output or error.
const OUT: u32 = 1;
const ERR: u32 = 2;

fn cli(
    answers: &mut LinkerInstance<'_, Guest>,
    interface: &str,
    function: &str,
) -> wasmtime::Result<bool> {
    match (interface, function) {
        ("environment", "get-environment") => {
            answers.func_wrap(function, |mut store: Store<'_>, (): ()| {
                charge(&mut store, 0)?;
                Ok((Vec::<(String, String)>::new(),))
            })?;
        }
        ("environment", "get-arguments") => {
            answers.func_wrap(function, |mut store: Store<'_>, (): ()| {
                charge(&mut store, 0)?;
                Ok((Vec::<String>::new(),))
            })?;
        }
        ("environment", "initial-cwd") => {
            answers.func_wrap(function, |mut store: Store<'_>, (): ()| {
                charge(&mut store, 0)?;
                Ok((None::<String>,))
            })?;
        }
        ("exit", "exit" | "exit-with-code") => {
            answers.func_new(function, |_, _, _, _| {
                Err(Stopped::Refused("the policy called `exit`".to_owned()).into())
            })?;
        }
        ("stdin", "get-stdin") => {
            answers
                .func_wrap(function, |store: Store<'_>, (): ()| give::<InputStream>(store, 0))?;
        }
        ("stdout", "get-stdout") => {
            answers
                .func_wrap(function, |store: Store<'_>, (): ()| give::<OutputStream>(store, OUT))?;
        }
        ("stderr", "get-stderr") => {
            answers
                .func_wrap(function, |store: Store<'_>, (): ()| give::<OutputStream>(store, ERR))?;
        }
        ("terminal-stdin", "get-terminal-stdin") => {
            answers.func_wrap(function, |mut store: Store<'_>, (): ()| {
                charge(&mut store, 0)?;
                Ok((None::<Resource<TerminalInput>>,))
            })?;
        }
        ("terminal-stdout" | "terminal-stderr", "get-terminal-stdout" | "get-terminal-stderr") => {
            answers.func_wrap(function, |mut store: Store<'_>, (): ()| {
                charge(&mut store, 0)?;
                Ok((None::<Resource<TerminalOutput>>,))
            })?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn clocks(
    answers: &mut LinkerInstance<'_, Guest>,
    interface: &str,
    function: &str,
) -> wasmtime::Result<bool> {
    match (interface, function) {
        ("wall-clock", "now") => {
            answers.func_wrap(function, |mut store: Store<'_>, (): ()| {
                charge(&mut store, 0)?;
                let clock = store.data().clock()?;
                Ok((Datetime { seconds: clock.seconds, nanoseconds: clock.nanoseconds },))
            })?;
        }
        ("wall-clock", "resolution") => {
            answers.func_wrap(function, |mut store: Store<'_>, (): ()| {
                charge(&mut store, 0)?;
                Ok((Datetime { seconds: 0, nanoseconds: 1000 },))
            })?;
        }
        ("monotonic-clock", "now") => {
            answers.func_wrap(function, |mut store: Store<'_>, (): ()| {
                charge(&mut store, 0)?;
                let clock = store.data().clock()?;
                let nanoseconds = clock
                    .seconds
                    .saturating_mul(1_000_000_000)
                    .saturating_add(u64::from(clock.nanoseconds));
                Ok((nanoseconds,))
            })?;
        }
        ("monotonic-clock", "resolution") => {
            answers.func_wrap(function, |mut store: Store<'_>, (): ()| {
                charge(&mut store, 0)?;
                Ok((1000_u64,))
            })?;
        }
        // Waiting on a clock that stands still would never end, so every wait is over at once.
        ("monotonic-clock", "subscribe-instant" | "subscribe-duration") => {
            answers
                .func_wrap(function, |store: Store<'_>, (_,): (u64,)| give::<Pollable>(store, 0))?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn filesystem(
    answers: &mut LinkerInstance<'_, Guest>,
    interface: &str,
    function: &str,
    ty: &ComponentFunc,
) -> wasmtime::Result<bool> {
    match (interface, function) {
        ("preopens", "get-directories") => {
            answers.func_wrap(function, |mut store: Store<'_>, (): ()| {
                charge(&mut store, 0)?;
                Ok((Vec::<(Resource<Descriptor>, String)>::new(),))
            })?;
        }
        // Its result is an enumeration of some forty errors, of which no stream of ours has any.
        ("types", "filesystem-error-code") => {
            // The engine compares types where they are written down here; these are not.
            let mut results = ty.results();
            let is_code = matches!(
                (results.next(), results.next()),
                (Some(Type::Option(code)), None) if matches!(code.ty(), Type::Enum(_))
            );
            let mut parameters = ty.params().map(|(_, ty)| ty);
            let takes_error =
                matches!((parameters.next(), parameters.next()), (Some(Type::Borrow(_)), None));
            if !(is_code && takes_error) {
                wasmtime::bail!("`wasi:filesystem/types`, `{function}`: it has other types");
            }
            answers.func_new(function, |mut store, _, _, results| {
                charge(&mut store, 0)?;
                results[0] = Val::Option(None);
                Ok(())
            })?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn io(
    answers: &mut LinkerInstance<'_, Guest>,
    interface: &str,
    function: &str,
) -> wasmtime::Result<bool> {
    match (interface, function) {
        ("poll", "[method]pollable.ready") => {
            answers.func_wrap(function, |mut store: Store<'_>, (_,): (Resource<Pollable>,)| {
                charge(&mut store, 0)?;
                Ok((true,))
            })?;
        }
        ("poll", "[method]pollable.block") => {
            answers.func_wrap(function, |mut store: Store<'_>, (_,): (Resource<Pollable>,)| {
                charge(&mut store, 0)
            })?;
        }
        ("poll", "poll") => {
            answers.func_wrap(
                function,
                |mut store: Store<'_>, (pollables,): (Vec<Resource<Pollable>>,)| {
                    charge(&mut store, pollables.len())?;
                    let all = 0..u32::try_from(pollables.len())?;
                    Ok((all.collect::<Vec<u32>>(),))
                },
            )?;
        }
        ("error", "[method]error.to-debug-string") => {
            answers.func_wrap(function, |mut store: Store<'_>, (_,): (Resource<IoError>,)| {
                charge(&mut store, 0)?;
                Ok((String::new(),))
            })?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn streams(answers: &mut LinkerInstance<'_, Guest>, function: &str) -> wasmtime::Result<bool> {
    match function {
        "[method]input-stream.read" | "[method]input-stream.blocking-read" => {
            answers.func_wrap(
                function,
                |mut store: Store<'_>, (_, _): (Resource<InputStream>, u64)| {
                    charge(&mut store, 0)?;
                    Ok((Err::<Vec<u8>, _>(StreamError::Closed),))
                },
            )?;
        }
        "[method]input-stream.skip" | "[method]input-stream.blocking-skip" => {
            answers.func_wrap(
                function,
                |mut store: Store<'_>, (_, _): (Resource<InputStream>, u64)| {
                    charge(&mut store, 0)?;
                    Ok((Err::<u64, _>(StreamError::Closed),))
                },
            )?;
        }
        "[method]input-stream.subscribe" => {
            answers.func_wrap(function, |store: Store<'_>, (_,): (Resource<InputStream>,)| {
                give::<Pollable>(store, 0)
            })?;
        }
        "[method]output-stream.check-write" => {
            answers.func_wrap(
                function,
                |mut store: Store<'_>, (_,): (Resource<OutputStream>,)| {
                    charge(&mut store, 0)?;
                    Ok((Ok::<u64, StreamError>(WRITE_BYTES),))
                },
            )?;
        }
        "[method]output-stream.write" | "[method]output-stream.blocking-write-and-flush" => {
            answers.func_wrap(function, print)?;
        }
        "[method]output-stream.flush" | "[method]output-stream.blocking-flush" => {
            answers.func_wrap(
                function,
                |mut store: Store<'_>, (_,): (Resource<OutputStream>,)| {
                    charge(&mut store, 0)?;
                    Ok((Ok::<(), StreamError>(()),))
                },
            )?;
        }
        "[method]output-stream.write-zeroes"
        | "[method]output-stream.blocking-write-zeroes-and-flush" => {
            answers.func_wrap(
                function,
                |mut store: Store<'_>, (_, _): (Resource<OutputStream>, u64)| {
                    charge(&mut store, 0)?;
                    Ok((Ok::<(), StreamError>(()),))
                },
            )?;
        }
        "[method]output-stream.subscribe" => {
            answers.func_wrap(function, |store: Store<'_>, (_,): (Resource<OutputStream>,)| {
                give::<Pollable>(store, 0)
            })?;
        }
        "[method]output-stream.splice" | "[method]output-stream.blocking-splice" => {
            answers.func_wrap(
                function,
                |mut store: Store<'_>,
                 (_, _, _): (Resource<OutputStream>, Resource<InputStream>, u64)| {
                    charge(&mut store, 0)?;
                    Ok((Err::<u64, _>(StreamError::Closed),))
                },
            )?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn random(
    answers: &mut LinkerInstance<'_, Guest>,
    interface: &str,
    function: &str,
) -> wasmtime::Result<bool> {
    match (interface, function) {
        ("random", "get-random-bytes") | ("insecure", "get-insecure-random-bytes") => {
            answers.func_wrap(function, |mut store: Store<'_>, (count,): (u64,)| {
                if count > RANDOM_BYTES {
                    let message = format!("the policy asked for {count} random bytes at once");
                    return Err(Stopped::Refused(message).into());
                }
                let mut bytes = vec![0; usize::try_from(count)?];
                charge(&mut store, bytes.len())?;
                store.data_mut().random.fill(&mut bytes);
                Ok((bytes,))
            })?;
        }
        ("random", "get-random-u64") | ("insecure", "get-insecure-random-u64") => {
            answers.func_wrap(function, |mut store: Store<'_>, (): ()| {
                charge(&mut store, 8)?;
                Ok((store.data_mut().random.next_u64(),))
            })?;
        }
        ("insecure-seed", "insecure-seed") => {
            answers.func_wrap(function, |mut store: Store<'_>, (): ()| {
                charge(&mut store, 16)?;
                let random = &mut store.data_mut().random;
                Ok(((random.next_u64(), random.next_u64()),))
            })?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// Gives a handle away, and counts it: an image of a policy that holds one would hold a handle to
/// nothing.
fn give<T: 'static>(mut store: Store<'_>, number: u32) -> wasmtime::Result<(Resource<T>,)> {
    charge(&mut store, 0)?;
    store.data_mut().handles += 1;
    Ok((Resource::new_own(number),))
}

type Written = (Result<(), StreamError>,);

/// Standard output and error go to the log, for a panic's message is printed there.
fn print(
    mut store: Store<'_>,
    (stream, bytes): (Resource<OutputStream>, WasmList<u8>),
) -> wasmtime::Result<Written> {
    charge(&mut store, bytes.len())?;
    let bytes = bytes.as_le_slice(&store);
    let kept = usize::try_from(WRITE_BYTES)?.min(bytes.len());
    let bytes = bytes[..kept].to_vec();
    let stream = if stream.rep() == ERR { Stream::Err } else { Stream::Out };
    store.data_mut().log.print(stream, &bytes);
    Ok((Ok(()),))
}
