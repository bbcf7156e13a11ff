//! What is measured, and how: the words behind `cargo xtask bench`.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, Result, bail};

use super::site::Engine;
use crate::waypost::Profile;

/// Something that can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Decisions,
    Desk,
    Neighbours,
    Front,
    Uploads,
    Web,
    Scale,
    Orgs,
    Kill,
}

/// Each part with the words that it takes, and whether it is measured when none is named: those
/// that take hours are not.
const PARTS: [(&str, Part, &[&str], bool); 9] = [
    ("decisions", Part::Decisions, &[], true),
    ("desk", Part::Desk, &["--built", "--dev", DATABASE, "--tickets", "--orgs", "--only"], true),
    ("neighbours", Part::Neighbours, &["--built", "--dev"], true),
    ("front", Part::Front, &["--built", "--dev"], true),
    ("uploads", Part::Uploads, &["--built", "--dev", FOLDER], true),
    (
        "web",
        Part::Web,
        &["--built", "--dev", DATABASE, "--tickets", "--times", "--keep", "--only"],
        false,
    ),
    ("scale", Part::Scale, &["--built", "--dev", DATABASE, "--tickets", "--keep", "--only"], false),
    ("orgs", Part::Orgs, &["--built", "--dev", DATABASE, "--orgs"], false),
    ("kill", Part::Kill, &["--built", "--dev", DATABASE, "--times"], false),
];
const DATABASE: &str = "sqlite|postgres";
const FOLDER: &str = "FOLDER";

/// What is built for a measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Build {
    /// Whether it was built before.
    pub(super) is_built: bool,
    /// The development profile is for trying a benchmark; its numbers mean nothing.
    pub(super) profile: Profile,
}

/// How it is measured.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) build: Build,
    pub(super) engines: Vec<Engine>,
    /// How many tickets, instead of the usual number.
    pub(super) tickets: Option<usize>,
    /// How many organizations, instead of the usual number.
    pub(super) orgs: Option<usize>,
    /// How often, instead of the usual number of times.
    pub(super) times: Option<usize>,
    /// Only rows that have this in their name.
    pub(super) only: Option<String>,
    /// Where what was filled in is kept for the next run.
    pub(super) keep: Option<PathBuf>,
    /// A folder with more of what is measured.
    pub(super) folder: Option<PathBuf>,
}

/// Reads which parts are measured, and how.
pub(super) fn read(arguments: &[String]) -> Result<(Vec<Part>, Options)> {
    let mut words = arguments.iter().map(String::as_str);
    let mut options = Options {
        build: Build { is_built: false, profile: Profile::Release },
        engines: vec![Engine::Sqlite, Engine::Postgres],
        tickets: None,
        orgs: None,
        times: None,
        only: None,
        keep: None,
        folder: None,
    };
    let Some(name) = words.next() else {
        let usual = PARTS.iter().filter(|(.., is_usual)| *is_usual).map(|(_, part, ..)| *part);
        return Ok((usual.collect(), options));
    };
    let Some((_, part, taken, _)) = PARTS.iter().find(|(known, ..)| *known == name) else {
        bail!("there is no part `{name}`\n{}", usage());
    };
    while let Some(word) = words.next() {
        let engine = Engine::ALL.into_iter().find(|engine| engine.word() == word);
        let kind = match engine {
            Some(_) => DATABASE,
            None if word.starts_with("--") => word,
            None => FOLDER,
        };
        if !taken.contains(&kind) {
            bail!("`{name}` takes no `{word}`\n{}", usage());
        }
        let mut value = || words.next().with_context(|| format!("{word} needs a value"));
        match kind {
            "--built" => options.build.is_built = true,
            "--dev" => options.build.profile = Profile::Dev,
            "--tickets" => options.tickets = Some(number(word, value()?)?),
            "--orgs" => options.orgs = Some(number(word, value()?)?),
            "--times" => options.times = Some(number(word, value()?)?),
            "--only" => options.only = Some(value()?.to_owned()),
            "--keep" => options.keep = Some(value()?.into()),
            DATABASE => options.engines = engine.into_iter().collect(),
            _ => options.folder = Some(word.into()),
        }
    }
    Ok((vec![*part], options))
}

impl Options {
    /// Whether a row of this name is wanted.
    pub(super) fn wants(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| name.contains(only))
    }
}

fn number(option: &str, value: &str) -> Result<usize> {
    let number = usize::from_str(value).ok().filter(|number| *number > 0);
    number.with_context(|| format!("{option} takes a number, and `{value}` is none"))
}

fn usage() -> String {
    let part = |(name, _, taken, _): &(&str, Part, &[&str], bool)| {
        let taken: Vec<String> =
            taken.iter().map(|word| format!(" [{}]", with_value(word))).collect();
        format!("\n  cargo xtask bench {name}{}", taken.concat())
    };
    format!("usage:{}", PARTS.iter().map(part).collect::<String>())
}

fn with_value(word: &str) -> String {
    match word {
        "--tickets" | "--orgs" | "--times" => format!("{word} N"),
        "--only" => format!("{word} TEXT"),
        "--keep" => format!("{word} FOLDER"),
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &str) -> Result<(Vec<Part>, Options)> {
        super::read(&words.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn without_a_word_everything_is_measured_that_does_not_take_hours() {
        let (parts, options) = read("").unwrap();
        let usual = [Part::Decisions, Part::Desk, Part::Neighbours, Part::Front, Part::Uploads];
        assert_eq!(parts, usual);
        assert_eq!(options.engines, [Engine::Sqlite, Engine::Postgres]);
    }

    #[test]
    fn a_part_takes_its_words_in_any_order() {
        let (parts, options) = read("scale sqlite --keep there --tickets 500 --built").unwrap();
        assert_eq!((parts, options.engines), (vec![Part::Scale], vec![Engine::Sqlite]));
        assert_eq!((options.tickets, options.keep), (Some(500), Some("there".into())));
        assert!(options.build.is_built);
        let (_, options) = read("uploads more").unwrap();
        assert_eq!(options.folder, Some("more".into()));
    }

    #[test]
    fn what_a_part_does_not_take_is_told_with_what_it_takes() {
        for words in
            ["desks", "front sqlite", "kill --keep there", "desk --tickets", "orgs --orgs 0"]
        {
            assert!(read(words).is_err(), "{words}");
        }
        let told = format!("{:#}", read("decisions --built").unwrap_err());
        assert!(told.contains("cargo xtask bench kill [--built] [--dev]"), "{told}");
        assert!(told.contains("[sqlite|postgres] [--times N]"), "{told}");
    }

    #[test]
    fn only_rows_that_are_wanted_are_measured() {
        let (_, options) = read("desk --only 16").unwrap();
        assert!(options.wants("16 clients") && !options.wants("1 client"));
    }
}
