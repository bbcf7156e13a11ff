//! The program `waypost`, as an operator runs it: a process of its own, with a data folder of its
//! own.

use std::{
    ffi::{OsStr, OsString},
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;
use waypost_store::testing;

/// An installation of the program.
pub struct Program {
    path: &'static Path,
    folder: TempDir,
    settings: Vec<String>,
}

/// What a command came to.
#[derive(Debug)]
pub struct Ran {
    /// Whether it says that all is well.
    pub is_ok: bool,
    /// The code that it ended with; none if it was killed.
    pub code: Option<i32>,
    /// What it printed.
    pub printed: String,
    /// What it said of its doing, and of what went wrong.
    pub said: String,
}

/// How long a server may take until it serves, and to end.
const PATIENCE: Duration = Duration::from_mins(1);

impl Program {
    /// With its records on SQLite, in its own data folder.
    ///
    /// # Panics
    /// When the program can't be built.
    #[must_use]
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made in the temporary folder");
        let data = format!("data_folder={}", folder.path().join("data").display());
        // A machine that compiles meanwhile is no reason for a decision to fail.
        let patient = ["policy_deadline_ms=30000", "policy_max_deadline_ms=30000"];
        let settings = std::iter::once(data).chain(patient.map(str::to_owned));
        let settings = settings.flat_map(|setting| ["--set".to_owned(), setting]).collect();
        Self { path: program(), folder, settings }
    }

    /// With its records in a PostgreSQL database of its own.
    pub async fn postgres(test: &str) -> Self {
        let url = testing::postgres_url(test).await;
        let mut program = Self::sqlite();
        program.settings.extend(["--set".to_owned(), format!("database_url={url}")]);
        program
    }

    /// The same, with prepared policies that all programs of this process share: compiling one
    /// takes seconds.
    ///
    /// # Panics
    /// When the temporary folder takes no more.
    #[must_use]
    pub fn sharing_policies(self) -> Self {
        static SHARED: OnceLock<PathBuf> = OnceLock::new();
        let shared = SHARED.get_or_init(|| {
            let folder = tempfile::tempdir().expect("the temporary folder takes a folder").keep();
            folder.canonicalize().expect("a folder that was just made is there")
        });
        let data = self.data_folder();
        let made = std::fs::create_dir_all(&data)
            .and_then(|()| std::os::unix::fs::symlink(shared, data.join("artifacts")));
        made.expect("the temporary folder takes a link");
        self
    }

    /// Writes a file for it.
    ///
    /// # Panics
    /// When the disk is full.
    #[must_use]
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).expect("the temporary folder takes a file");
        path.display().to_string()
    }

    /// Its data folder.
    #[must_use]
    pub fn data_folder(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A command, not started yet.
    pub fn command<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(self.path);
        command.args(&self.settings).args(words).stdin(Stdio::null());
        command
    }

    /// Runs a command in a folder of its own, with no settings but those of the words.
    ///
    /// # Panics
    /// When it can't be started.
    pub fn run_in<S: AsRef<OsStr>>(folder: &Path, words: impl IntoIterator<Item = S>) -> Ran {
        let mut command = Command::new(program());
        command.args(words).current_dir(folder).stdin(Stdio::null());
        ran(&mut command)
    }

    /// Runs a command to its end.
    ///
    /// # Panics
    /// When it can't be started.
    pub fn run<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Ran {
        ran(&mut self.command(words))
    }

    /// Runs a command that must succeed, and reads what it printed as JSON.
    ///
    /// # Panics
    /// With all it said when it does not.
    pub fn json<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Value {
        self.json_of(0, words)
    }

    /// Runs a command that must end with this code, and reads what it printed as JSON.
    ///
    /// # Panics
    /// With all it said when it ends otherwise.
    pub fn json_of<S: AsRef<OsStr>>(&self, code: i32, words: impl IntoIterator<Item = S>) -> Value {
        let json = OsStr::new("--json").to_owned();
        let words = words.into_iter().map(|word| word.as_ref().to_owned());
        let ran = self.run(words.chain([json]));
        assert_eq!(ran.code, Some(code), "{ran:?}");
        serde_json::from_str(&ran.printed).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
    }

    /// Starts the server, and waits until it can serve.
    ///
    /// # Panics
    /// When it ends, or takes too long.
    #[must_use]
    pub fn serve(&self) -> Server {
        self.serve_with(&[], None)
    }

    /// Starts it with settings of its own, and its error output somewhere else than in
    /// [`Server::log`].
    ///
    /// # Panics
    /// When it ends, or takes too long.
    #[must_use]
    pub fn serve_with(&self, settings: &[&str], errors: Option<Stdio>) -> Server {
        let log = self.folder.path().join("server.log");
        let file = std::fs::File::create(&log).expect("the temporary folder takes a file");
        let settings = settings.iter().flat_map(|setting| ["--set", setting]);
        let mut child = self
            // Behind the command they would replace those before it.
            .command(settings.chain(["serve", "--listen", "127.0.0.1:0"]))
            .stdout(Stdio::piped())
            .stderr(errors.unwrap_or_else(|| file.into()))
            .spawn()
            .expect("the program starts");
        let printed = child.stdout.take().expect("its output is piped");
        let address = address_in(printed).unwrap_or_else(|| {
            panic!("it does not serve: {}", std::fs::read_to_string(&log).unwrap_or_default())
        });
        let mut server = Server { child, address, log };
        let began = Instant::now();
        while server.get("/health/ready", "").is_none_or(|(status, _)| status != 200) {
            let is_over = !matches!(server.child.try_wait(), Ok(None));
            assert!(!is_over && began.elapsed() < PATIENCE, "not ready: {}", server.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }
}

/// The address that a server tells as soon as it listens: `… http://127.0.0.1:8080/…`. A port that
/// is chosen before may be somebody else's by then.
fn address_in(printed: impl Read) -> Option<SocketAddr> {
    let mut line = String::new();
    BufReader::new(printed).read_line(&mut line).ok()?;
    line.split("http://").nth(1)?.split('/').next()?.parse().ok()
}

/// A running server. It is killed when it is dropped.
pub struct Server {
    child: Child,
    address: SocketAddr,
    log: PathBuf,
}

impl Server {
    /// Reads an address: the status and the JSON.
    #[must_use]
    pub fn get(&self, path: &str, token: &str) -> Option<(u16, Value)> {
        self.send("GET", path, token, "")
    }

    /// Sends JSON: the status and the JSON that comes back. None if nobody answers.
    #[must_use]
    pub fn send(&self, method: &str, path: &str, token: &str, body: &str) -> Option<(u16, Value)> {
        let asked = self.ask(method, path, token, "application/json", body.as_bytes())?;
        answer(asked)
    }

    /// Uploads a policy: the status and the JSON that comes back. None if nobody answers.
    #[must_use]
    pub fn upload(&self, token: &str, component: &[u8]) -> Option<(u16, Value)> {
        answer(self.begin_upload(token, component)?)
    }

    /// Uploads a policy without waiting for the answer. The caller is there until the stream is
    /// dropped.
    #[must_use]
    pub fn begin_upload(&self, token: &str, component: &[u8]) -> Option<TcpStream> {
        self.ask("POST", "/api/v1/policies", token, "application/wasm", component)
    }

    fn ask(
        &self,
        method: &str,
        path: &str,
        token: &str,
        content_type: &str,
        body: &[u8],
    ) -> Option<TcpStream> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: desk\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
             content-type: {content_type}\r\ncontent-length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(body).ok()?;
        Some(stream)
    }

    /// A connection on which anything can be sent.
    ///
    /// # Panics
    /// When nobody listens.
    #[must_use]
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a stream takes a time limit");
        stream
    }

    /// Sends bytes on a connection of their own, and reads what comes until it is closed.
    #[must_use]
    pub fn exchange(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        // Whoever closes early has answered before.
        drop(stream.write_all(bytes));
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer));
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// The number of its process.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// What it has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Asks it to stop, and says whether it ended well.
    ///
    /// # Panics
    /// When it does not end.
    #[must_use]
    pub fn stop(mut self) -> bool {
        let process = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &process]).status();
        assert!(asked.is_ok_and(|status| status.success()), "the server is gone: {}", self.log());
        let began = Instant::now();
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return status.success(),
                Ok(None) if began.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                other => panic!("the server does not end ({other:?}): {}", self.log()),
            }
        }
    }
}

/// Reads an answer to its end.
fn answer(mut stream: TcpStream) -> Option<(u16, Value)> {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Some((status, serde_json::from_str(body).unwrap_or(Value::Null)))
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ran(command: &mut Command) -> Ran {
    let ran = command.output().expect("the program starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran {
        is_ok: ran.status.success(),
        code: ran.status.code(),
        printed: text(&ran.stdout),
        said: text(&ran.stderr),
    }
}

/// The program: the one that was built together with the tests, or else built now, as cargo builds
/// it for people.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| variable("WAYPOST_TEST_PROGRAM").map_or_else(build, PathBuf::from))
}

fn build() -> PathBuf {
    let cargo = variable("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .args(["build", "--quiet", "--locked", "--package", "waypost", "--bin", "waypost"])
        .status();
    assert!(built.is_ok_and(|status| status.success()), "`waypost` is not built");
    // The test itself is `debug/deps/it-…`.
    let test = std::env::current_exe().expect("a process knows its file");
    let folder = test.parent().and_then(Path::parent).expect("tests are two folders deep");
    folder.join(format!("waypost{}", std::env::consts::EXE_SUFFIX))
}

fn variable(name: &str) -> Option<OsString> {
    #[expect(clippy::disallowed_methods, reason = "tests are started by cargo, not configured")]
    std::env::var_os(name)
}
