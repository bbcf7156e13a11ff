//! A line to the database that can be cut.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

/// What becomes of the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// Everything passes.
    Whole,
    /// The next commit reaches the database, its answer does not come back.
    CutAtCommit,
    /// Nobody reaches the database.
    Cut,
}

/// Stands between a store and a PostgreSQL server.
#[derive(Debug, Clone)]
pub struct Proxy {
    url: String,
    line: Arc<AtomicU8>,
}

impl Proxy {
    /// Stands before the server of this URL.
    ///
    /// # Panics
    /// For a URL that names no port.
    pub async fn before(url: &str) -> Self {
        let (before, after) = url.split_once('@').expect("the URL names a user");
        let (server, database) = after.split_once('/').expect("the URL names a database");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let line = Arc::new(AtomicU8::new(Line::Whole as u8));
        tokio::spawn(accept(listener, server.to_owned(), Arc::clone(&line)));
        Self { url: format!("{before}@{address}/{database}"), line }
    }

    /// The URL to connect to.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Lets the next commit through, and loses its answer.
    pub fn cut_at_commit(&self) {
        self.line.store(Line::CutAtCommit as u8, Ordering::SeqCst);
    }

    /// Cuts the line.
    pub fn cut(&self) {
        self.line.store(Line::Cut as u8, Ordering::SeqCst);
    }

    /// Mends the line.
    pub fn mend(&self) {
        self.line.store(Line::Whole as u8, Ordering::SeqCst);
    }
}

async fn accept(listener: TcpListener, server: String, line: Arc<AtomicU8>) {
    while let Ok((client, _)) = listener.accept().await {
        if is(&line, Line::Cut) {
            continue;
        }
        let Ok(server) = TcpStream::connect(&server).await else { continue };
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        tokio::spawn(forth(from_client, to_server, Arc::clone(&line)));
        tokio::spawn(back(from_server, to_client, Arc::clone(&line)));
    }
}

/// Marks a connection of which the answer is to be lost, in what is passed back.
const COMMIT: &[u8] = b"commit\0";

async fn forth(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, line: Arc<AtomicU8>) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        let is_commit = bytes[..count].windows(COMMIT.len()).any(|part| part == COMMIT);
        if is_commit && is(&line, Line::CutAtCommit) {
            // It arrives, and nothing of this connection comes back: the other half sees the end
            // of the line first.
            line.store(Line::Cut as u8, Ordering::SeqCst);
        } else if is(&line, Line::Cut) {
            return;
        }
        if to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}

async fn back(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, line: Arc<AtomicU8>) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        if is(&line, Line::Cut) || to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}

fn is(line: &AtomicU8, what: Line) -> bool {
    line.load(Ordering::SeqCst) == what as u8
}
