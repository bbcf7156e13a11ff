//! The pages in a browser: stories, accessibility, bytes and attacks, in Chromium, against a server
//! with the demo's desks. The tests are in `tests/browser`, and Node.js runs them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::desks::{self, MARLOW};
use crate::scratch::Scratch;
use crate::waypost::{self, Profile, Server, Waypost};
use crate::workspace::{Workspace, root};
use crate::{command, env, plugins, say};

/// The variable that names the browser, where it is not among the programs.
const CHROMIUM: &str = "WAYPOST_TEST_CHROMIUM";
/// What it is called where it is installed.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
/// How a file with tests ends; the others hold what tests share.
const TESTS: &str = ".test.mjs";
/// How any of them ends.
const CODE: &str = ".mjs";
/// What takes the pictures of the README.
const PICTURES: &str = "pictures.mjs";

/// Runs the tests; `--built` takes the program that was built before, `--pictures` takes the
/// pictures of the README instead, other words name files (`pages` is `pages.test.mjs`).
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let (options, names): (Vec<_>, Vec<_>) =
        arguments.iter().cloned().partition(|word| word.starts_with('-'));
    if let Some(other) = options.iter().find(|it| !["--built", "--pictures"].contains(&it.as_str()))
    {
        bail!(
            "there is no option `{other}`; usage: cargo xtask browser [--built] [--pictures] \
             [NAME ...]"
        );
    }
    let is_asked = |option: &str| options.iter().any(|it| it == option);
    let chromium = chromium()?;
    let mut tests = Tests::prepare(&names)?;
    if is_asked("--pictures") {
        tests.files = vec![PICTURES.to_owned()];
        tests.pictures = root().join("docs/pictures");
    }
    let policies = plugins::build()?;
    let program = if is_asked("--built") {
        Waypost::built(Profile::Dev)?
    } else {
        say::step("Building waypost (minutes if its dependencies are not compiled yet)", || {
            Waypost::build(Profile::Dev)
        })?
    };
    look(&tests, &chromium, &program, &policies)
}

/// Runs all of them with what is built already.
pub(crate) fn run_in_ci() -> Result<()> {
    let (chromium, tests) = (chromium()?, Tests::prepare(&[])?);
    look(&tests, &chromium, &Waypost::built(Profile::Dev)?, &plugins::build()?)
}

/// Where the browser is.
fn chromium() -> Result<PathBuf> {
    if let Some(named) = env::read(CHROMIUM) {
        let program = PathBuf::from(named);
        if !program.is_file() {
            bail!("{CHROMIUM} names {}, which is no file", program.display());
        }
        return Ok(program);
    }
    let folders = env::program_folders();
    let places = NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    places.into_iter().find(|place| place.is_file()).with_context(|| {
        format!(
            "Chromium was not found; install it (on Debian, `apt-get install chromium`), or set \
             {CHROMIUM} to the program of a Chromium or Chrome"
        )
    })
}

/// The tests, in a folder of their own beside the packages that they use.
#[derive(Debug)]
struct Tests {
    folder: PathBuf,
    files: Vec<String>,
    /// Where pictures of the pages go.
    pictures: PathBuf,
}

impl Tests {
    fn prepare(names: &[String]) -> Result<Self> {
        let pictures = Workspace::read()?.target()?.join("browser");
        let folder = pictures.join("run");
        fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
        let mut files = copied(&root().join("tests/browser"), &folder)?;
        let is_wanted =
            |file: &String| names.is_empty() || names.iter().any(|name| file.starts_with(name));
        files.retain(|file| file.ends_with(TESTS) && is_wanted(file));
        if files.is_empty() {
            bail!("no file in tests/browser ends with `{TESTS}` and begins with {names:?}");
        }
        install(&folder)?;
        Ok(Self { folder, files, pictures })
    }
}

/// Copies a folder's files, and removes what an earlier copy has that the folder has not any more.
fn copied(from: &Path, to: &Path) -> Result<Vec<String>> {
    for name in files_in(to)?.iter().filter(|name| name.ends_with(CODE)) {
        fs::remove_file(to.join(name)).with_context(|| format!("removing an old {name}"))?;
    }
    let names = files_in(from)?;
    for name in &names {
        fs::copy(from.join(name), to.join(name)).with_context(|| format!("copying {name}"))?;
    }
    Ok(names)
}

fn files_in(folder: &Path) -> Result<Vec<String>> {
    let reading = || format!("reading {}", folder.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(reading)? {
        let entry = entry.with_context(reading)?;
        if entry.file_type().with_context(reading)?.is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Fetches the packages that the lock names, unless they are there already.
fn install(folder: &Path) -> Result<()> {
    let (lock, installed) = (folder.join("package-lock.json"), folder.join("installed.json"));
    let wanted = fs::read(&lock).context("reading the lock of the packages")?;
    if fs::read(&installed).is_ok_and(|there| there == wanted) {
        return Ok(());
    }
    say::step("Fetching what the browser is driven and pages are checked with", || {
        let mut npm = Command::new("npm");
        npm.current_dir(folder).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
        command::output(&mut npm).context(
            "the page tests need Node.js 18.19 or later with npm; install them (on Debian, \
             `apt-get install nodejs npm`)",
        )
    })?;
    fs::write(&installed, wanted).context("noting which packages are installed")
}

/// Fills an installation, and lets the tests look at its pages.
fn look(tests: &Tests, chromium: &Path, program: &Path, policies: &Path) -> Result<()> {
    let scratch = Scratch::new("browser")?;
    let data = scratch.path().join("data");
    fs::create_dir(&data).with_context(|| format!("creating {}", data.display()))?;
    let address = waypost::address(0)?;
    let url = format!("http://{address}");
    let settings =
        ["log_filter=warn".to_owned(), "passwords=true".to_owned(), format!("public_url={url}")];
    let waypost = Waypost::new(program, &data, &settings);
    say::step("Creating organizations, their policies and tickets", || {
        desks::set_up_awake(&waypost, policies, scratch.path())?;
        let file = desks::tickets(MARLOW).display().to_string();
        waypost.run(["import", "tickets", &file, "--org", MARLOW, "--source", "demo"])
    })?;
    let log = scratch.path().join("server.log");
    let server = waypost.serve(address, &log)?;
    let mut node = Command::new("node");
    node.current_dir(&tests.folder);
    node.args(["--test", "--test-reporter=spec", "--test-concurrency=2"]).args(&tests.files);
    node.env("WAYPOST_TEST_URL", &url)
        .env("WAYPOST_TEST_PROGRAM", program)
        .env("WAYPOST_TEST_DATA", &data)
        .env("WAYPOST_TEST_TOKEN", desks::token(&waypost, MARLOW)?)
        .env("WAYPOST_TEST_ROUTES", root().join("host/web/src/routes.rs"))
        .env("WAYPOST_TEST_PICTURES", &tests.pictures)
        .env(CHROMIUM, chromium);
    let looked = say::step("Looking at the pages in a browser", || command::run(&mut node))
        .and_then(|()| settled(server, &waypost, &log));
    if looked.is_err() {
        let kept = scratch.hand_over();
        say::note(format_args!("the server's log and its data are in {}", kept.display()));
    }
    looked
}

/// Whether the server came through it unharmed.
fn settled(server: Server, waypost: &Waypost, log: &Path) -> Result<()> {
    server.stop()?;
    let said = fs::read_to_string(log).context("reading the server's log")?;
    if let Some(line) = said.lines().find(|line| line.contains("panicked")) {
        bail!("the server's log: {line}");
    }
    waypost.run(["audit", "check", "--org", MARLOW]).context("checking all records afterwards")
}
