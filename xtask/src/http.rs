//! A client for the server that a task has started on this machine: JSON over HTTP/1.1, nothing
//! more.
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

impl Client {
    pub(crate) fn new(address: SocketAddr, token: &str) -> Self {
        Self { address, token: token.to_owned(), connection: None }
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
        self.write("POST", path, &key, "application/json", body.to_string().as_bytes())
    }

    /// Sends a request and returns the answer, whatever its status.
    pub(crate) fn send(
        &mut self,
        method: &str,
        path: &str,
        kind: &str,
        body: &[u8],
    ) -> Result<Answer> {
        self.write(method, path, "", kind, body)
    }

    fn write(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        kind: &str,
        body: &[u8],
    ) -> Result<Answer> {
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

fn read_answer(from: &mut impl BufRead) -> Result<Answer> {
    let status_line = read_line(from)?;
    let status = status_line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.with_context(|| format!("reading the status in {status_line:?}"))?;
    let mut length = 0;
    let mut is_chunked = false;
    loop {
        let header = read_line(from)?.to_lowercase();
        match header.split_once(':').map(|(name, value)| (name, value.trim())) {
            None => break,
            Some(("content-length", value)) => {
                length = value.parse().context("reading the answer's length")?;
            }
            Some(("transfer-encoding", value)) => is_chunked = value == "chunked",
            Some(_) => {}
        }
    }
    let body = if is_chunked { read_chunks(from)? } else { read_bytes(from, length)? };
    Ok(Answer { status, body: String::from_utf8(body).context("reading the answer as text")? })
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
        read_answer(&mut answer)
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
    fn a_cut_answer_is_an_error() {
        assert!(read(b"").is_err());
        assert!(read(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}").is_err());
        assert!(read(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab").is_err());
    }
}
