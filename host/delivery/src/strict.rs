//! A strict mail server for tests: it takes no letter that some server in the world would refuse,
//! change or cut short, and keeps those that it takes.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The longest line of a letter, without its end (RFC 5322).
const MAX_LINE_BYTES: usize = 998;
/// The end of a letter.
const DOT: &[u8] = b"\r\n.\r\n";

/// What one server answers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manners {
    /// To the recipient.
    pub(crate) recipient: &'static str,
    /// What it can beside the minimum.
    pub(crate) extensions: &'static [&'static str],
}

impl Default for Manners {
    fn default() -> Self {
        Self { recipient: "250 ok", extensions: &[] }
    }
}

/// What it was given.
#[derive(Debug, Default)]
pub(crate) struct Given {
    /// The names that it was greeted with.
    pub(crate) greeted: Vec<String>,
    /// The letters it took, without what the way added.
    pub(crate) letters: Vec<Vec<u8>>,
    /// What it refused, and why.
    pub(crate) refused: Vec<String>,
}

/// A running server. It ends when it is dropped.
pub(crate) struct Strict {
    address: SocketAddr,
    given: Arc<Mutex<Given>>,
    running: JoinHandle<()>,
}

impl Drop for Strict {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Strict {
    pub(crate) async fn open(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let given = Arc::new(Mutex::new(Given::default()));
        let shared = Arc::clone(&given);
        let running = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let talk = Talk { stream, read: Vec::new(), manners, given: Arc::clone(&shared) };
                tokio::spawn(talk.run());
            }
        });
        Self { address, given, running }
    }

    pub(crate) fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// What it was given since it was asked last.
    pub(crate) fn given(&self) -> Given {
        std::mem::take(&mut *self.given.lock().unwrap())
    }
}

/// One conversation.
struct Talk {
    stream: TcpStream,
    /// What came in and was not looked at yet.
    read: Vec<u8>,
    manners: Manners,
    given: Arc<Mutex<Given>>,
}

impl Talk {
    async fn run(mut self) {
        // Whoever hangs up has said all they wanted to.
        let _ = self.talk().await;
    }

    async fn talk(&mut self) -> std::io::Result<()> {
        self.say("220 strict.example").await?;
        let mut is_8bit = false;
        while let Some(command) = self.until(b"\r\n").await? {
            let command = String::from_utf8_lossy(&command).into_owned();
            if command.contains(['\r', '\n', '\0']) {
                self.refuse("500", &format!("a command that is none: {command:?}")).await?;
                continue;
            }
            match command.get(..4).unwrap_or_default().to_ascii_uppercase().as_str() {
                "EHLO" => {
                    let name = command[4..].trim().to_owned();
                    self.given.lock().unwrap().greeted.push(name);
                    let lines = ["strict.example"].iter().chain(self.manners.extensions);
                    let lines = lines.copied().collect::<Vec<_>>().join("\r\n250-");
                    self.say(&format!("250-{lines}\r\n250 HELP")).await?;
                }
                "MAIL" => {
                    is_8bit = command.contains("BODY=8BITMIME");
                    self.say("250 ok").await?;
                }
                "RCPT" => self.say(self.manners.recipient).await?,
                "DATA" => {
                    self.say("354 go on").await?;
                    let Some(letter) = self.until(DOT).await? else { break };
                    if !self.read.is_empty() {
                        self.refuse("554", "something after the end of the letter").await?;
                        continue;
                    }
                    match judged(&letter, is_8bit) {
                        Ok(letter) => {
                            self.given.lock().unwrap().letters.push(letter);
                            self.say("250 taken").await?;
                        }
                        Err(why) => self.refuse("552", why).await?,
                    }
                }
                "NOOP" | "RSET" => self.say("250 ok").await?,
                "QUIT" => {
                    self.say("221 bye").await?;
                    break;
                }
                _ => self.refuse("500", &format!("no command: {command}")).await?,
            }
        }
        Ok(())
    }

    async fn say(&mut self, line: &str) -> std::io::Result<()> {
        self.stream.write_all(format!("{line}\r\n").as_bytes()).await
    }

    async fn refuse(&mut self, code: &str, why: &str) -> std::io::Result<()> {
        self.given.lock().unwrap().refused.push(why.to_owned());
        self.say(&format!("{code} refused")).await
    }

    /// What comes before an end; none if nothing comes any more.
    async fn until(&mut self, end: &[u8]) -> std::io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(at) = self.read.windows(end.len()).position(|window| window == end) {
                let rest = self.read.split_off(at + end.len());
                let mut found = std::mem::replace(&mut self.read, rest);
                found.truncate(at);
                return Ok(Some(found));
            }
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Ok(None);
            }
        }
    }
}

/// The letter as it was written, or why it is refused.
fn judged(letter: &[u8], is_8bit: bool) -> Result<Vec<u8>, &'static str> {
    let next = |at: usize| letter.get(at + 1).copied();
    for (at, byte) in letter.iter().enumerate() {
        match byte {
            b'\r' if next(at) != Some(b'\n') => return Err("a CR without LF"),
            b'\n' if at == 0 || letter[at - 1] != b'\r' => return Err("a LF without CR"),
            0 => return Err("a zero byte"),
            128.. if !is_8bit => return Err("a byte beyond ASCII"),
            _ => {}
        }
    }
    let mut written = Vec::with_capacity(letter.len());
    for line in lines(letter) {
        if line.len() > MAX_LINE_BYTES {
            return Err("a line that is too long");
        }
        written.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
        written.extend_from_slice(b"\r\n");
    }
    Ok(written)
}

/// The lines of a letter, without their ends.
pub(crate) fn lines(letter: &[u8]) -> impl Iterator<Item = &[u8]> {
    letter.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

#[test]
fn a_strict_server_refuses_what_some_server_would() {
    let refused: [(&[u8], &'static str); 6] = [
        (b"a\rb", "a CR without LF"),
        (b"a\nb", "a LF without CR"),
        (b"a\r\r\nb", "a CR without LF"),
        (b"a\0", "a zero byte"),
        (b"\xc3\xa9", "a byte beyond ASCII"),
        (&[b'a'; 999], "a line that is too long"),
    ];
    for (letter, why) in refused {
        assert_eq!(judged(letter, false), Err(why));
    }
    assert_eq!(judged(b"a\r\n..b", false), Ok(b"a\r\n.b\r\n".to_vec()));
    assert!(judged(b"\xc3\xa9", true).is_ok());
}
