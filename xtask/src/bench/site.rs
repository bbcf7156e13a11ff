//! Where a benchmark takes place: the program with its policies, databases of one engine, a folder
//! on the disk, and a place for mail.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::log::{self, Log};
use super::options::Build;
use crate::postgres::{Durability, Postgres};
use crate::scratch::Scratch;
use crate::waypost::{self, Profile, Server, Waypost};
use crate::workspace::{Workspace, root};
use crate::{command, desks, say};

/// Which database is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    pub(super) const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];

    /// What it is called in tables.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }

    /// What it is called on the command line.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// What a benchmark runs: the program, its policies, and the example programs of `waypost-store`.
#[derive(Debug)]
pub(super) struct Built {
    program: PathBuf,
    policies: PathBuf,
    examples: PathBuf,
}

impl Built {
    /// Builds the program and these examples, unless they were built before.
    pub(super) fn with(policies: &Path, build: Build, examples: &[&str]) -> Result<Self> {
        let program = super::program(build)?;
        let profile = match build.profile {
            Profile::Dev => "debug",
            Profile::Release => "release",
        };
        if !build.is_built {
            say::step("Building the programs beside it", || build_examples(build, examples))?;
        }
        let examples = Workspace::read()?.target()?.join(profile).join("examples");
        Ok(Self { program, policies: policies.to_owned(), examples })
    }
}

fn build_examples(build: Build, examples: &[&str]) -> Result<()> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root()).arg("build");
    if build.profile == Profile::Release {
        cargo.arg("--release");
    }
    cargo.args(examples.iter().flat_map(|example| ["--example", example]));
    // Together with the host, whose features of the dependencies they share, so that they are
    // compiled once.
    cargo.args(["--package", "waypost-store", "--package", "waypost"]);
    command::run(&mut cargo)
}

/// Where one engine is measured.
#[derive(Debug)]
pub(super) struct Site<'a> {
    pub(super) engine: Engine,
    built: &'a Built,
    folder: PathBuf,
    databases: Databases,
    /// Letters are files in memory: a file of 1 KB there takes some microseconds, and no thread or
    /// socket that a relay would take beside the server, whose processors are measured. That a
    /// relay answers slowly costs the desk nothing either: no transaction is open meanwhile.
    mail: Scratch,
    /// Removed at the end, unless the folder is kept.
    _scratch: Option<Scratch>,
}

/// Where the databases are.
#[derive(Debug)]
enum Databases {
    /// Files in a folder.
    Files(PathBuf),
    Server(Postgres),
}

/// How long the outbox took to become empty.
#[derive(Debug, Clone, Copy)]
pub(super) struct Drained {
    /// The messages that waited at first.
    pub(super) waiting: usize,
    pub(super) time: Duration,
}

impl<'a> Site<'a> {
    /// A site that is gone afterwards.
    pub(super) fn new(engine: Engine, built: &'a Built) -> Result<Self> {
        let scratch = Scratch::on_disk("bench")?;
        let databases = match engine {
            Engine::Sqlite => Databases::Files(scratch.path().to_owned()),
            Engine::Postgres => Databases::Server(Postgres::start(Durability::Full)?),
        };
        Self::of(engine, built, scratch.path().to_owned(), databases, Some(scratch))
    }

    /// A site in a folder that stays, with what an earlier run left there.
    pub(super) fn kept(engine: Engine, built: &'a Built, folder: &Path) -> Result<Self> {
        let folder = folder.join(engine.word());
        fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
        let databases = match engine {
            Engine::Sqlite => Databases::Files(folder.clone()),
            Engine::Postgres => Databases::Server(Postgres::start_kept(&folder.join("cluster"))?),
        };
        Self::of(engine, built, folder, databases, None)
    }

    fn of(
        engine: Engine,
        built: &'a Built,
        folder: PathBuf,
        databases: Databases,
        scratch: Option<Scratch>,
    ) -> Result<Self> {
        if let Databases::Server(server) = &databases {
            server.create_user()?;
        }
        let mail = Scratch::in_memory("mail")?;
        Ok(Self { engine, built, folder, databases, mail, _scratch: scratch })
    }

    /// A path in its folder.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Announces a step of it, and carries it out.
    pub(super) fn step<T>(&self, name: impl std::fmt::Display, work: impl FnOnce() -> T) -> T {
        say::step(format_args!("{}: {name}", self.engine.name()), work)
    }

    /// Makes an empty database, unless there is one of this name.
    pub(super) fn create(&self, name: &str) -> Result<()> {
        match &self.databases {
            // The program makes the file.
            Databases::Files(_) => Ok(()),
            Databases::Server(_) if self.has(name)? => Ok(()),
            Databases::Server(server) => server.create_database(name, None).map(drop),
        }
    }

    /// Whether there is a database of this name.
    pub(super) fn has(&self, name: &str) -> Result<bool> {
        match &self.databases {
            Databases::Files(folder) => Ok(file(folder, name).exists()),
            Databases::Server(server) => server.has_database(name),
        }
    }

    /// Copies a database that nobody is connected to.
    pub(super) fn copy(&self, from: &str, to: &str) -> Result<()> {
        match &self.databases {
            Databases::Files(folder) => {
                // The last connection that closed has emptied the write-ahead log into the file.
                fs::copy(file(folder, from), file(folder, to)).context("copying the database")?;
                Ok(())
            }
            Databases::Server(server) => server.create_database(to, Some(from)).map(drop),
        }
    }

    /// Removes a database that nobody is connected to.
    pub(super) fn remove(&self, name: &str) -> Result<()> {
        match &self.databases {
            Databases::Files(folder) => {
                let file = file(folder, name);
                // Whoever did not close it has left these beside it.
                for beside in ["db-wal", "db-shm"].map(|ending| file.with_extension(ending)) {
                    if beside.exists() {
                        fs::remove_file(beside).context("removing the database's log")?;
                    }
                }
                fs::remove_file(file).context("removing the database")
            }
            Databases::Server(server) => server.remove_database(name),
        }
    }

    /// What a database takes on the disk, in bytes.
    pub(super) fn bytes(&self, name: &str) -> Result<u64> {
        match &self.databases {
            Databases::Files(folder) => {
                let file = fs::metadata(file(folder, name)).context("looking at the database")?;
                Ok(file.len())
            }
            Databases::Server(server) => server.bytes(name),
        }
    }

    /// Lets the engine do what it does by itself in time, after much was filled in at once.
    pub(super) fn tidy(&self, name: &str) -> Result<()> {
        match &self.databases {
            // SQLite does nothing by itself; what the program does, it does when it is measured.
            Databases::Files(_) => Ok(()),
            Databases::Server(server) => server.tidy(name),
        }
    }

    fn url(&self, name: &str) -> String {
        match &self.databases {
            Databases::Files(folder) => format!("sqlite:{}", file(folder, name).display()),
            Databases::Server(server) => server.database(name),
        }
    }

    /// An installation on a database. All of the site share a data folder, and with it prepared
    /// policies.
    pub(super) fn installation(&self, database: &str) -> Waypost {
        let mut settings = vec![
            format!("database_url={}", self.url(database)),
            format!("mail=dir:{}", self.letters().display()),
        ];
        settings.extend(log::SETTINGS.map(str::to_owned));
        Waypost::new(&self.built.program, &self.path("data"), &settings)
    }

    /// Makes a database with the demo's organizations, whose messages leave at every hour.
    pub(super) fn set_up(&self, database: &str) -> Result<()> {
        self.create(database)?;
        self.step("setting up the organizations", || {
            let folder = self.path("desks");
            desks::set_up_awake(&self.installation(database), &self.built.policies, &folder)
        })
    }

    /// Makes an installation as desk files say.
    pub(super) fn apply(&self, database: &str, files: &[PathBuf]) -> Result<()> {
        desks::apply(&self.installation(database), files, &self.built.policies)
    }

    /// Starts the server at an address, with no mail sent yet.
    pub(super) fn serve(&self, database: &str, address: std::net::SocketAddr) -> Result<Server> {
        let letters = self.letters();
        if letters.exists() {
            fs::remove_dir_all(&letters).context("removing letters")?;
        }
        self.installation(database).serve(address, &self.path("server.log"))
    }

    /// Starts the server, and waits until it has done what it begins with.
    pub(super) fn serve_calmly(&self, database: &str) -> Result<Server> {
        let server = self.serve(database, waypost::address(0)?)?;
        server.calm()?;
        Ok(server)
    }

    /// Stops the server, and returns what it said.
    pub(super) fn stop(&self, server: Server) -> Result<Log> {
        server.stop()?;
        Log::read(&self.path("server.log"))
    }

    /// One of the example programs, with the URLs of these databases as its first arguments.
    pub(super) fn example(&self, name: &str, databases: &[&str]) -> Command {
        let program = format!("{name}{}", std::env::consts::EXE_SUFFIX);
        let mut command = Command::new(self.built.examples.join(program));
        command.args(databases.iter().map(|database| self.url(database)));
        command
    }

    /// Waits until the server has sent every message.
    pub(super) fn drain(&self, database: &str) -> Result<Drained> {
        let began = Instant::now();
        let printed = command::output(self.example("outbox", &[database]).arg("wait"))?;
        let waiting = printed.trim().parse().context("reading how many messages waited")?;
        Ok(Drained { waiting, time: began.elapsed() })
    }

    /// How many letters left since the server started.
    pub(super) fn letters_sent(&self) -> usize {
        fs::read_dir(self.letters()).map_or(0, Iterator::count)
    }

    fn letters(&self) -> PathBuf {
        self.mail.path().join("letters")
    }
}

fn file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.db"))
}
