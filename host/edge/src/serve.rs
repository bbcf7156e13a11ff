//! Serving: takes connections and answers their requests until told to stop, and finishes what it
//! began.

use std::{
    collections::HashMap,
    future::Future,
    io,
    net::IpAddr,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, body::Body, extract::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

/// What connections may take.
#[derive(Debug, Clone, Copy)]
pub struct ServeOptions {
    /// How many may be open at the same time; more are closed at once.
    pub connections: usize,
    /// How many of them from one address. A proxy has one address for everybody behind it.
    pub connections_per_address: usize,
    /// How long the head of a request may take, and how long a connection may be idle.
    pub head_timeout: Duration,
    /// How long requests that have begun may take to end after the order to stop. Longer than a
    /// request's own time limit, shorter than what most process supervisors wait before they kill.
    pub drain: Duration,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            connections: 4096,
            connections_per_address: 1024,
            head_timeout: Duration::from_secs(15),
            drain: Duration::from_secs(40),
        }
    }
}

/// The address that a request came from.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// More headers than any client sends, at a fraction of what hyper would take.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// Answers requests until `shutdown` completes; then takes no new ones, and ends when the last has
/// its answer.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    options: ServeOptions,
    shutdown: impl Future<Output = ()> + Send + 'static,
) {
    let graceful = GracefulShutdown::new();
    let open = Arc::new(Connections::default());
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok((stream, address)) => (stream, address.ip()),
            Err(error) => {
                pause_after(&error).await;
                continue;
            }
        };
        let Some(place) = open.take(peer, &options) else {
            tracing::warn!("too many connections; closed a new one");
            continue;
        };
        let connection = graceful.watch(connection(stream, peer, router.clone(), &options));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = &error as &dyn std::error::Error, "connection failed");
            }
            drop(place);
        });
    }
    drop(listener);
    tracing::info!("finishing open requests");
    if tokio::time::timeout(options.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!(drain_s = options.drain.as_secs(), "some requests did not finish in time");
    }
}

fn connection(
    stream: TcpStream,
    peer: IpAddr,
    router: Router,
    options: &ServeOptions,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> + Send + 'static {
    // Answers are small and whole; waiting to fill a packet only delays them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(error = &error as &dyn std::error::Error, "TCP_NODELAY was refused");
    }
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        router.clone().oneshot(request)
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(options.head_timeout)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
}

/// A connection that broke before it was taken is its client's affair. Without file descriptors,
/// some may be free again in a moment.
async fn pause_after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        tracing::error!(error = error as &dyn std::error::Error, "accepting a connection failed");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The open connections, by address.
#[derive(Debug, Default)]
struct Connections(Mutex<HashMap<IpAddr, usize>>);

/// A connection's place, until it is dropped.
struct Place {
    open: Arc<Connections>,
    from: IpAddr,
}

impl Connections {
    fn take(self: &Arc<Self>, from: IpAddr, options: &ServeOptions) -> Option<Place> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_address = open.get(&from).copied().unwrap_or(0);
        if of_address >= options.connections_per_address
            || open.values().sum::<usize>() >= options.connections
        {
            return None;
        }
        open.insert(from, of_address + 1);
        Some(Place { open: Arc::clone(self), from })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.open.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.from) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.from);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::routing::get;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        sync::{Notify, oneshot},
        task::JoinHandle,
    };

    use super::*;

    struct Server {
        address: SocketAddr,
        stop: oneshot::Sender<()>,
        served: JoinHandle<()>,
    }

    async fn server(router: Router, options: ServeOptions) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async move { drop(stopped.await) };
        let served = tokio::spawn(serve(listener, router, options, shutdown));
        Server { address, stop, served }
    }

    async fn connect(server: &Server) -> TcpStream {
        TcpStream::connect(server.address).await.unwrap()
    }

    async fn rest(mut client: TcpStream) -> String {
        let mut answer = String::new();
        // A reset is an end as well.
        drop(client.read_to_string(&mut answer).await);
        answer
    }

    #[tokio::test]
    async fn a_request_that_has_begun_is_answered_after_the_order_to_stop() {
        let (began, finish) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let handler = {
            let (began, finish) = (began.clone(), finish.clone());
            move || async move {
                began.notify_one();
                finish.notified().await;
                "done"
            }
        };
        let router = Router::new().route("/", get(handler));
        let server = server(router, ServeOptions::default()).await;

        let mut client = connect(&server).await;
        client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        began.notified().await;
        server.stop.send(()).unwrap();
        finish.notify_one();

        let answer = rest(client).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.ends_with("done"), "{answer}");
        server.served.await.unwrap();
    }

    #[tokio::test]
    async fn a_stop_does_not_wait_for_idle_connections() {
        let router = Router::new().route("/", get(|| async { "done" }));
        let server = server(router, ServeOptions::default()).await;
        let silent = connect(&server).await;
        let mut idle = connect(&server).await;
        idle.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        let mut answer = [0; 12];
        idle.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");

        server.stop.send(()).unwrap();
        server.served.await.unwrap();
        assert_eq!(rest(silent).await, "");
        assert!(rest(idle).await.ends_with("done"));
    }

    #[tokio::test]
    async fn a_head_that_does_not_end_is_given_up() {
        let options =
            ServeOptions { head_timeout: Duration::from_millis(50), ..ServeOptions::default() };
        let server = server(Router::new(), options).await;
        let mut half = connect(&server).await;
        half.write_all(b"GET / HTTP/1.1\r\nhost: ").await.unwrap();
        // Ends only because the server closes it.
        assert!(!rest(half).await.contains("200"));
    }

    #[tokio::test]
    async fn one_address_has_no_more_connections_than_its_share_and_gets_them_back() {
        let options = ServeOptions { connections_per_address: 1, ..ServeOptions::default() };
        let router = Router::new().route("/", get(|| async { "done" }));
        let server = server(router, options).await;
        let mut first = connect(&server).await;
        first.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n").await.unwrap();
        assert_eq!(rest(connect(&server).await).await, "");
        first.write_all(b"\r\n").await.unwrap();
        assert!(rest(first).await.ends_with("done"));
        // The first one's place is free as soon as its task has ended.
        loop {
            let mut again = connect(&server).await;
            let request = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
            if again.write_all(request).await.is_ok() && rest(again).await.ends_with("done") {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
}
