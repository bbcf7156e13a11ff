//! The wire: what parent and child say to each other through pipes.
//!
//! A message is a JSON header and blobs: the header's length, the number of blobs and their
//! lengths, then all of them. Whoever reads says how much it takes, and reads no more.

use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::making::{BenchConfig, Job, Made, Phase, Ready, Recipe, Refusal, What};
use crate::snapshot::Reason;
use crate::{DataFile, Description, Digest, Hook, Inspection};

/// The most bytes of a header: a description, or a list of errors.
const HEADER_BYTES: usize = 4 * 1024 * 1024;

/// The most blobs of a message.
const BLOBS: usize = 1024;

/// What the child is asked.
#[derive(Serialize, Deserialize)]
struct Request {
    bench: BenchConfig,
    code_limit: usize,
    what: Asked,
}

#[derive(Serialize, Deserialize)]
enum Asked {
    Inspect,
    Prepare {
        description: Box<Description>,
        hooks: Vec<Hook>,
        data: Vec<String>,
        is_instrumented: bool,
    },
}

/// What the child says. It ends with one of the last two.
pub(super) enum Answer {
    /// First of all, what its engine makes.
    Fingerprint(Digest),
    /// How far it has come.
    Began(Phase),
    Made(Made),
    Refused(Refusal),
}

#[derive(Serialize, Deserialize)]
enum Said {
    Fingerprint(Digest),
    Began(Phase),
    Inspected(Box<Inspection>),
    Prepared { reason: Option<Reason>, is_instrumented: bool },
    Refused(Refusal),
}

/// Sends a job.
pub(super) fn send_job(to: &mut impl Write, bench: &BenchConfig, job: &Job) -> io::Result<()> {
    let mut blobs: Vec<&[u8]> = vec![&job.component];
    let what = match &job.what {
        What::Inspect => Asked::Inspect,
        What::Prepare(recipe) => {
            blobs.extend([recipe.settings.as_bytes(), &recipe.plain]);
            blobs.extend(recipe.instrumented.as_deref());
            blobs.extend(recipe.data.iter().map(|file| &*file.content));
            Asked::Prepare {
                description: Box::new(recipe.description.clone()),
                hooks: recipe.hooks.clone(),
                data: recipe.data.iter().map(|file| file.name.clone()).collect(),
                is_instrumented: recipe.instrumented.is_some(),
            }
        }
    };
    send(to, &Request { bench: bench.clone(), code_limit: job.code_limit, what }, &blobs)
}

/// Receives a job, from a parent that is trusted with its sizes.
pub(super) fn receive_job(from: &mut impl Read) -> io::Result<(BenchConfig, Job)> {
    let (Request { bench, code_limit, what }, blobs) = receive(from, u64::MAX)?;
    let mut blobs = blobs.into_iter();
    let mut next = || blobs.next().ok_or_else(|| torn("a blob is missing"));
    let component = next()?.into();
    let what = match what {
        Asked::Inspect => What::Inspect,
        Asked::Prepare { description, hooks, data, is_instrumented } => {
            let settings = String::from_utf8(next()?).map_err(io::Error::other)?;
            let plain = next()?;
            let instrumented = if is_instrumented { Some(next()?.into()) } else { None };
            let file = |name| Ok(DataFile { name, content: next()?.into() });
            let data = data.into_iter().map(file).collect::<io::Result<_>>()?;
            let description = *description;
            let recipe = Recipe { plain, instrumented, description, settings, data, hooks };
            What::Prepare(Box::new(recipe))
        }
    };
    Ok((bench, Job { component, code_limit, what }))
}

/// Sends an answer.
pub(super) fn send_answer(to: &mut impl Write, answer: Answer) -> io::Result<()> {
    match answer {
        Answer::Fingerprint(digest) => send(to, &Said::Fingerprint(digest), &[]),
        Answer::Began(phase) => send(to, &Said::Began(phase), &[]),
        Answer::Refused(refusal) => send(to, &Said::Refused(refusal), &[]),
        Answer::Made(Made::Inspected { inspection, code }) => {
            send(to, &Said::Inspected(inspection), &[&code])
        }
        Answer::Made(Made::Prepared { ready, instrumented }) => {
            let (reason, image) = match ready {
                Ready::Image(code) => (None, Some(code)),
                Ready::Configure(reason) => (Some(reason), None),
            };
            let said = Said::Prepared { reason, is_instrumented: instrumented.is_some() };
            let blobs: Vec<_> =
                image.as_deref().into_iter().chain(instrumented.as_deref()).collect();
            send(to, &said, &blobs)
        }
    }
}

/// Receives an answer, with no more than so many bytes of machine code.
pub(super) fn receive_answer(from: &mut impl Read, code_limit: u64) -> io::Result<Answer> {
    let (said, blobs) = receive(from, code_limit)?;
    let mut blobs = blobs.into_iter();
    let mut next = || blobs.next().ok_or_else(|| torn("a blob is missing"));
    Ok(match said {
        Said::Fingerprint(digest) => Answer::Fingerprint(digest),
        Said::Began(phase) => Answer::Began(phase),
        Said::Refused(refusal) => Answer::Refused(refusal),
        Said::Inspected(inspection) => Answer::Made(Made::Inspected { inspection, code: next()? }),
        Said::Prepared { reason, is_instrumented } => {
            let ready = match reason {
                Some(reason) => Ready::Configure(reason),
                None => Ready::Image(next()?),
            };
            let instrumented = if is_instrumented { Some(next()?) } else { None };
            Answer::Made(Made::Prepared { ready, instrumented })
        }
    })
}

fn send(to: &mut impl Write, header: &impl Serialize, blobs: &[&[u8]]) -> io::Result<()> {
    let header = serde_json::to_vec(header)?;
    let number = |length: usize| u64::try_from(length).map_err(io::Error::other);
    to.write_all(&number(header.len())?.to_le_bytes())?;
    to.write_all(&number(blobs.len())?.to_le_bytes())?;
    for blob in blobs {
        to.write_all(&number(blob.len())?.to_le_bytes())?;
    }
    to.write_all(&header)?;
    for blob in blobs {
        to.write_all(blob)?;
    }
    to.flush()
}

fn receive<H: DeserializeOwned>(from: &mut impl Read, most: u64) -> io::Result<(H, Vec<Vec<u8>>)> {
    let header = number(from)?;
    let count = number(from)?;
    if header > HEADER_BYTES as u64 || count > BLOBS as u64 {
        return Err(torn("it says more than it may"));
    }
    let lengths = (0..count).map(|_| number(from)).collect::<io::Result<Vec<_>>>()?;
    let sum = lengths.iter().fold(0_u64, |sum, length| sum.saturating_add(*length));
    if sum > most {
        return Err(torn("it says more than it may"));
    }
    let header = exactly(from, header)?;
    let header = serde_json::from_slice(&header)?;
    let blobs = lengths.into_iter().map(|length| exactly(from, length));
    Ok((header, blobs.collect::<io::Result<_>>()?))
}

fn number(from: &mut impl Read) -> io::Result<u64> {
    let mut number = [0; 8];
    from.read_exact(&mut number)?;
    Ok(u64::from_le_bytes(number))
}

/// So many bytes. Room is made as they come, not as they are promised.
fn exactly(from: &mut impl Read, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == length { Ok(bytes) } else { Err(torn("it ends early")) }
}

fn torn(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared() -> Vec<u8> {
        let (ready, instrumented) = (Ready::Image(vec![1; 9]), Some(vec![2; 7]));
        let mut sent = Vec::new();
        send_answer(&mut sent, Answer::Made(Made::Prepared { ready, instrumented })).unwrap();
        sent
    }

    #[test]
    fn an_answer_arrives_whole() {
        let Answer::Made(Made::Prepared { ready: Ready::Image(image), instrumented }) =
            receive_answer(&mut &prepared()[..], 16).unwrap()
        else {
            panic!("it is another answer");
        };
        assert_eq!((image, instrumented), (vec![1; 9], Some(vec![2; 7])));
    }

    #[test]
    fn a_torn_answer_is_none() {
        let whole = prepared();
        for length in 0..whole.len() {
            assert!(receive_answer(&mut &whole[..length], 16).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn an_answer_beyond_its_bound_is_not_read() {
        assert!(receive_answer(&mut &prepared()[..], 15).is_err());
        let endless = [0xff; 64];
        assert!(receive_answer(&mut &endless[..], u64::MAX).is_err());
    }

    #[test]
    fn a_job_arrives_as_it_was_sent() {
        let description = Description {
            name: "a".to_owned(),
            version: "1.0.0".to_owned(),
            author: String::new(),
            summary: String::new(),
            settings_schema: serde_json::json!({}),
            hooks: vec![],
        };
        let file = |name: &str, byte| DataFile { name: name.to_owned(), content: [byte].into() };
        for instrumented in [None, Some([3, 3].into())] {
            let recipe = Recipe {
                plain: vec![2],
                instrumented,
                description: description.clone(),
                settings: "{}".to_owned(),
                data: vec![file("a", 4), file("b", 5)],
                hooks: vec![Hook::Route],
            };
            let bench = BenchConfig::of(&crate::RuntimeConfig::default());
            let job = Job {
                component: [1].into(),
                code_limit: 77,
                what: What::Prepare(Box::new(recipe)),
            };
            let mut sent = Vec::new();
            send_job(&mut sent, &bench, &job).unwrap();

            let (_, again) = receive_job(&mut &sent[..]).unwrap();
            let (What::Prepare(sent), What::Prepare(got)) = (&job.what, &again.what) else {
                panic!("it is another job");
            };
            assert_eq!((&again.component, again.code_limit), (&job.component, 77));
            assert_eq!((&got.plain, &got.instrumented), (&sent.plain, &sent.instrumented));
            assert_eq!((&got.data, &got.hooks), (&sent.data, &sent.hooks));
        }
    }
}
