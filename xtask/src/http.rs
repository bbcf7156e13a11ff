//! A client for the server that a task has started on this machine: JSON and pages over HTTP/1.1,
//! nothing more.
//!
//! The repository's tasks compile before anything else does, so they do without a real client's
//! crates.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Longer than the slowest answer of a server in its development profile.
const PATIENCE: Duration = Duration::from_mins(1);

/// The API as one caller sees it, over one connection that stays open.
#[derive(Debug)]
pub(crate) struct Client {
    address: SocketAddr,
    token: String,
    connection: Option<BufReader<TcpStream>>,
}

/// What the server answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// A page or a file as it was sent, compressed or not.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) status: u16,
    /// Names in lower case.
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Sent {
    /// The first header of this name, which is in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Client {
    pub(crate) fn new(address: SocketAddr, token: &str) -> Self {
        Self { address, token: token.to_owned(), connection: None }
    }

    /// Whom it speaks to.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn get(&mut self, path: &str) -> Result<Value> {
        self.ask("GET", path, None)
    }

    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Result<Value> {
        self.ask("POST", path, Some(body))
    }

    /// Sends a request; an answer that is not a success is an error that holds the server's words.
    fn ask(&mut self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let Answer { status, body } = self
            .exchange(method, path, body)
            .with_context(|| format!("asking {method} {path} of the server"))?;
        if !(200..300).contains(&status) {
            bail!("the server answered {method} {path} with {status}: {body}");
        }
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&body).with_context(|| format!("reading the answer to {path}"))
    }

    /// The same caller over another connection.
    pub(crate) fn anew(&self) -> Self {
        Self { address: self.address, token: self.token.clone(), connection: None }
    }

    /// From now on the connection is used by whoever has this token.
    pub(crate) fn speak_for(&mut self, token: &str) {
        if self.token != token {
            token.clone_into(&mut self.token);
        }
    }

    /// Sends JSON and returns the answer, whatever its status.
    pub(crate) fn exchange(
        &mut self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer> {
        let body = body.map(Value::to_string).unwrap_or_default();
        self.send(method, path, "application/json", body.as_bytes())
    }

    /// Posts JSON, with an `Idempotency-Key` if there is one, and returns the answer, whatever its
    /// status.
    pub(crate) fn post_keyed(
        &mut self,
        path: &str,
        key: Option<&str>,
        body: &Value,
    ) -> Result<Answer> {
        let key = key.map(|key| format!("idempotency-key: \"{key}\"\r\n")).unwrap_or_default();
        let body = body.to_string();
        self.write("POST", path, &key, "application/json", body.as_bytes())?.try_into()
    }

    /// Sends a request and returns the answer, whatever its status.
    pub(crate) fn send(
        &mut self,
        method: &str,
        path: &str,
        kind: &str,
        body: &[u8],
    ) -> Result<Answer> {
        self.write(method, path, "", kind, body)?.try_into()
    }

    /// Asks as a browser does: `headers` are whole lines, each with its end, and a form is posted.
    pub(crate) fn browse(&mut self, path: &str, headers: &str, form: Option<&str>) -> Result<Sent> {
        let method = if form.is_some() { "POST" } else { "GET" };
        let form = form.unwrap_or_default().as_bytes();
        self.write(method, path, headers, "application/x-www-form-urlencoded", form)
    }

    fn write(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        kind: &str,
        body: &[u8],
    ) -> Result<Sent> {
        // Taken out, so that a connection that failed half-way is not used again.
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect()?,
        };
        // One write: headers and body in two packets would wait for each other's confirmation.
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n{headers}\
             content-type: {kind}\r\ncontent-length: {}\r\n\r\n",
            self.address,
            self.token,
            body.len(),
        )
        .into_bytes();
        request.extend(body);
        connection.get_mut().write_all(&request).context("sending it")?;
        let answer = read_answer(&mut connection)?;
        self.connection = Some(connection);
        Ok(answer)
    }

    fn connect(&self) -> Result<BufReader<TcpStream>> {
        let stream = TcpStream::connect_timeout(&self.address, PATIENCE).context("connecting")?;
        stream.set_read_timeout(Some(PATIENCE)).context("connecting")?;
        stream.set_nodelay(true).context("connecting")?;
        Ok(BufReader::new(stream))
    }
}

/// Whether the server says that it is ready.
pub(crate) fn is_ready(address: SocketAddr, path: &str) -> bool {
    let answer = Client::new(address, "").exchange("GET", path, None);
    answer.is_ok_and(|answer| answer.status == 200)
}

impl TryFrom<Sent> for Answer {
    type Error = anyhow::Error;

    fn try_from(sent: Sent) -> Result<Self> {
        let body = String::from_utf8(sent.body).context("reading the answer as text")?;
        Ok(Self { status: sent.status, body })
    }
}

fn read_answer(from: &mut impl BufRead) -> Result<Sent> {
    let status_line = read_line(from)?;
    let status = status_line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.with_context(|| format!("reading the status in {status_line:?}"))?;
    let mut headers = Vec::new();
    while let Some((name, value)) = read_line(from)?.split_once(':') {
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let mut sent = Sent { status, headers, body: Vec::new() };
    let is_chunked = sent.header("transfer-encoding").is_some_and(|how| how == "chunked");
    let length = sent.header("content-length").map_or(Ok(0), str::parse);
    let length = length.context("reading the answer's length")?;
    sent.body = match status {
        // Says how long the page is, and does not send it.
        304 => Vec::new(),
        _ if is_chunked => read_chunks(from)?,
        _ => read_bytes(from, length)?,
    };
    Ok(sent)
}

fn read_chunks(from: &mut impl BufRead) -> Result<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let size = read_line(from)?;
        let size = usize::from_str_radix(&size, 16).context("reading a chunk's size")?;
        whole.extend(read_bytes(from, size)?);
        // The line end behind the chunk, and behind the last one, which is empty, the end of it
        // all.
        read_line(from)?;
        if size == 0 {
            return Ok(whole);
        }
    }
}

fn read_bytes(from: &mut impl BufRead, count: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; count];
    from.read_exact(&mut bytes).context("reading the answer's body")?;
    Ok(bytes)
}

fn read_line(from: &mut impl BufRead) -> Result<String> {
    let mut line = String::new();
    if from.read_line(&mut line).context("reading the answer")? == 0 {
        bail!("the server closed the connection");
    }
    Ok(line.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(mut answer: &[u8]) -> Result<Answer> {
        read_answer(&mut answer)?.try_into()
    }

    #[test]
    fn an_answer_has_status_and_body() {
        let answer = read(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}and more").unwrap();
        assert_eq!(answer, Answer { status: 201, body: "{}".to_owned() });
    }

    #[test]
    fn chunks_are_joined() {
        let answer = read(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\nA\r\n2,3,4,5,6]\r\n0\r\n\r\n",
        );
        assert_eq!(answer.unwrap().body, "[1,2,3,4,5,6]");
    }

    #[test]
    fn a_page_that_is_known_has_headers_and_no_body() {
        let mut known: &[u8] =
            b"HTTP/1.1 304 Not Modified\r\nETag: W/\"A\"\r\nContent-Length: 9\r\n\r\n";
        let sent = read_answer(&mut known).unwrap();
        assert_eq!((sent.status, sent.header("etag")), (304, Some("W/\"A\"")));
        assert!(sent.body.is_empty());
    }

    #[test]
    fn a_cut_answer_is_an_error() {
        assert!(read(b"").is_err());
        assert!(read(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}").is_err());
        assert!(read(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab").is_err());
    }
}
