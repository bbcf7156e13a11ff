//! A PostgreSQL server of our own, started from the machine's programs and gone afterwards.
//!
//! It must also be gone after Ctrl-C or a crash of the task, where nothing of ours runs any more.
//! So a guard process holds the other end of a pipe: the pipe closes when the task ends, in
//! whichever way, and the guard stops the server and removes its folder, unless that is to be kept.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::scratch::Scratch;
use crate::{command, env};

/// A port that is free now may be taken before the server has it.
const ATTEMPTS: usize = 3;
/// Ends the server, then removes its folder. Arguments: `pg_ctl`, the data folder, the whole
/// folder.
const GUARD: &str =
    r#"read -r _; "$1" --pgdata="$2" --mode=immediate --wait stop; cd / && rm -rf "$3""#;
/// Ends the server, and leaves its folder to whoever goes on with it. The same arguments.
const KEEPING_GUARD: &str = r#"read -r _; "$1" --pgdata="$2" --mode=fast --wait stop"#;
/// Who runs the server if we are root, which it refuses to be run by.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];

/// Who owns databases that are used as an installation uses them.
const OWNER: &str = "desk";

/// What the server promises when it says that something is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Nothing. Tests throw the data away, and are several times faster so.
    None,
    /// What an installation has: a commit is on disk.
    Full,
}

/// A running server. Dropping it stops it.
#[derive(Debug)]
pub(crate) struct Postgres {
    programs: PathBuf,
    port: u16,
    guard: Child,
}

impl Postgres {
    /// Makes a cluster in a temporary folder and starts a server on it.
    pub(crate) fn start(durability: Durability) -> Result<Self> {
        let programs = programs()?;
        let scratch = match durability {
            Durability::None => Scratch::new("postgres")?,
            Durability::Full => Scratch::on_disk("postgres")?,
        };
        let owner = Owner::of_cluster(scratch.path())?;
        let guard = guard(GUARD, &programs, scratch.path(), owner)?;
        // From here on the guard removes the folder, whatever happens.
        Self::run(programs, &scratch.hand_over(), owner, guard, durability)
    }

    /// Starts a server with full durability on the cluster in a folder, which is made if it is not
    /// there, and stays.
    pub(crate) fn start_kept(folder: &Path) -> Result<Self> {
        let programs = programs()?;
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
        let folder = fs::canonicalize(folder).context("finding the server's folder")?;
        let owner = Owner::of_cluster(&folder)?;
        let guard = guard(KEEPING_GUARD, &programs, &folder, owner)?;
        Self::run(programs, &folder, owner, guard, Durability::Full)
    }

    fn run(
        programs: PathBuf,
        folder: &Path,
        owner: Owner,
        guard: Child,
        durability: Durability,
    ) -> Result<Self> {
        let mut server = Self { programs, port: 0, guard };
        let programs = &server.programs;
        let data = folder.join("data");
        if !data.join("PG_VERSION").exists() {
            command::output(
                owner
                    .command(&programs.join("initdb"), folder)
                    .arg("--pgdata")
                    .arg(&data)
                    .args(["--username=waypost", "--auth=trust", "--encoding=UTF8", "--locale=C"])
                    .arg("--no-sync"),
            )?;
        }
        let mut outcome = Ok(());
        for _ in 0..ATTEMPTS {
            let port = free_port()?;
            outcome = command::output(
                owner
                    .command(&programs.join("pg_ctl"), folder)
                    .args(["--wait", "--silent", "--pgdata"])
                    .arg(&data)
                    .arg("--log")
                    .arg(folder.join("log"))
                    .args(["--options", &settings(port, durability)])
                    .arg("start"),
            )
            .map(drop);
            if outcome.is_ok() {
                server.port = port;
                return Ok(server);
            }
        }
        let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
        outcome.with_context(|| format!("starting PostgreSQL; its log:\n{log}"))?;
        Ok(server)
    }

    /// Where tests find it, as a user who may do everything.
    pub(crate) fn url(&self) -> String {
        format!("postgres://waypost@127.0.0.1:{}/postgres", self.port)
    }

    /// Makes the user that owns the databases of [`Self::create_database`]: like an installation's,
    /// it is no superuser, so row-level security holds for it. In a cluster that was kept there is
    /// one.
    pub(crate) fn create_user(&self) -> Result<()> {
        let found =
            self.asked("postgres", &format!("select 1 from pg_roles where rolname = '{OWNER}'"))?;
        if !found.is_empty() {
            return Ok(());
        }
        command::output(self.client("createuser").arg(OWNER)).map(drop)
    }

    /// Makes a database, as a copy of another if one is given, and returns its URL.
    pub(crate) fn create_database(&self, name: &str, copy_of: Option<&str>) -> Result<String> {
        let mut create = self.client("createdb");
        create.args(["--owner", OWNER, "--template", copy_of.unwrap_or("template1"), name]);
        command::output(&mut create)?;
        Ok(self.database(name))
    }

    /// Where a database is that [`Self::create_database`] made.
    pub(crate) fn database(&self, name: &str) -> String {
        format!("postgres://{OWNER}@127.0.0.1:{}/{name}", self.port)
    }

    /// Whether there is a database of this name.
    pub(crate) fn has_database(&self, name: &str) -> Result<bool> {
        let question = format!("select 1 from pg_database where datname = '{name}'");
        Ok(!self.asked("postgres", &question)?.is_empty())
    }

    /// Removes a database that nobody is connected to.
    pub(crate) fn remove_database(&self, name: &str) -> Result<()> {
        command::output(self.client("dropdb").arg(name)).map(drop)
    }

    /// What a database takes on the disk, in bytes.
    pub(crate) fn bytes(&self, name: &str) -> Result<u64> {
        let bytes = self.asked(name, "select pg_database_size(current_database())")?;
        bytes.parse().context("reading the size of the database")
    }

    /// Does what the server does by itself once there is time: statistics, and which pages hold
    /// nothing that is outdated.
    pub(crate) fn tidy(&self, name: &str) -> Result<()> {
        command::output(self.client("vacuumdb").args(["--analyze", "--quiet", name])).map(drop)
    }

    fn asked(&self, database: &str, question: &str) -> Result<String> {
        let mut psql = self.client("psql");
        psql.args(["--no-psqlrc", "--tuples-only", "--no-align", "--dbname", database]);
        Ok(command::output(psql.args(["--command", question]))?.trim().to_owned())
    }

    /// One of PostgreSQL's programs that talk to a server, talking to this one.
    fn client(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.args(["--host=127.0.0.1", "--username=waypost"]);
        command.arg(format!("--port={}", self.port));
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        // The guard's failure would leave a temporary folder behind, nothing worse.
        let _ = self.guard.wait();
    }
}

/// The folder with PostgreSQL's programs: the one on the path, or the newest that a package put
/// where distributions put them.
fn programs() -> Result<PathBuf> {
    let mut packaged: Vec<(u32, PathBuf)> = Vec::new();
    for entry in fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten() {
        if let Some(version) = entry.file_name().to_str().and_then(|name| name.parse().ok()) {
            packaged.push((version, entry.path().join("bin")));
        }
    }
    packaged.sort();
    let found = env::program_folders()
        .into_iter()
        .chain(packaged.into_iter().rev().map(|(_, folder)| folder))
        .find(|folder| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file())
        .context(
            "PostgreSQL's programs (initdb, pg_ctl) are not on this machine. Install them (Debian and \
             Ubuntu: `apt-get install postgresql`, Fedora: `dnf install postgresql-server`, macOS: \
             `brew install postgresql`), or set WAYPOST_TEST_POSTGRES to the URL of a running server in \
             which databases may be created",
        )?;
    // A distribution may put links to some of the programs on the path; where those lead are all of
    // them.
    let program = fs::canonicalize(found.join("initdb")).context("following the link to initdb")?;
    Ok(program.parent().map_or(found, Path::to_owned))
}

/// The user that runs the server, where it is not the one that runs the task.
#[derive(Debug, Clone, Copy)]
struct Owner(Option<(u32, u32)>);

impl Owner {
    /// Decides who runs the server and gives its folder to them, and to nobody else.
    fn of_cluster(folder: &Path) -> Result<Self> {
        let owner = Self::find(folder)?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
            .context("closing the server's folder to others")?;
        Ok(owner)
    }

    fn find(folder: &Path) -> Result<Self> {
        let found = fs::metadata(folder).context("reading who owns the server's folder")?;
        if found.uid() != 0 {
            // One that was kept was given to somebody by us, if we are root.
            let is_ours = id("-u", None) != Some(0);
            return Ok(Self((!is_ours).then_some((found.uid(), found.gid()))));
        }
        for name in UNPRIVILEGED {
            let (Some(user), Some(group)) = (id("-u", Some(name)), id("-g", Some(name))) else {
                continue;
            };
            chown(folder, Some(user), Some(group)).context("giving the server its folder")?;
            return Ok(Self(Some((user, group))));
        }
        bail!(
            "PostgreSQL refuses to be run by root, and there is no user named {}",
            UNPRIVILEGED.join(" or ")
        )
    }

    fn command(self, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new(program);
        // The current folder may be one that the other user cannot enter.
        command.current_dir(folder);
        if let Self(Some((user, group))) = self {
            command.uid(user).gid(group);
        }
        command
    }
}

/// The number of a user, or of their group; of ours, if nobody is named.
fn id(what: &str, name: Option<&str>) -> Option<u32> {
    command::output(Command::new("id").arg(what).args(name)).ok()?.trim().parse().ok()
}

/// Starts the guard.
fn guard(script: &str, programs: &Path, folder: &Path, owner: Owner) -> Result<Child> {
    owner
        .command(Path::new("sh"), folder)
        .args(["-c", script, "waypost-postgres-guard"])
        .arg(programs.join("pg_ctl"))
        .arg(folder.join("data"))
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Ctrl-C reaches every process of the terminal's group; the guard has to outlive it.
        .process_group(0)
        .spawn()
        .context("starting the guard of PostgreSQL")
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("looking for a free port")?;
    Ok(listener.local_addr().context("looking for a free port")?.port())
}

fn settings(port: u16, durability: Durability) -> String {
    let mut settings = vec![
        format!("port={port}"),
        "listen_addresses=127.0.0.1".to_owned(),
        "unix_socket_directories=".to_owned(),
        // Each test has a pool of its own.
        "max_connections=300".to_owned(),
    ];
    if durability == Durability::None {
        settings.extend(
            ["fsync=off", "synchronous_commit=off", "full_page_writes=off"].map(str::to_owned),
        );
    }
    settings.iter().map(|setting| format!("-c {setting}")).collect::<Vec<_>>().join(" ")
}
