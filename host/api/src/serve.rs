//! Serving: answers requests until told to stop, and finishes what it began.

use std::{future::Future, io, time::Duration};

use axum::{Router, serve::ListenerExt};
use tokio::{net::TcpListener, sync::oneshot};

/// How long requests that have begun may take to end after the order to stop. Longer than a
/// request's own time limit, shorter than what most process supervisors wait before they kill.
const DRAIN: Duration = Duration::from_secs(40);

/// Answers requests until `shutdown` completes; then takes no new ones, and ends when the last has
/// its answer.
///
/// # Errors
/// The listener's.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (told, order) = oneshot::channel::<()>();
    let shutdown = async move {
        shutdown.await;
        tracing::info!("finishing open requests");
        if told.send(()).is_err() {
            tracing::debug!("the server has already stopped");
        }
    };
    // Answers are small and whole; waiting to fill a packet only delays them.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(error = &error as &dyn std::error::Error, "TCP_NODELAY was refused");
        }
    });
    let server = axum::serve(listener, router).with_graceful_shutdown(shutdown);
    let patience = async {
        if order.await.is_err() {
            // The server ends by itself, and its own arm answers.
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        ended = server => ended,
        () = patience => {
            tracing::warn!(drain_s = DRAIN.as_secs(), "some requests did not finish in time");
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::routing::get;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
        sync::Notify,
    };

    use super::*;

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
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async move { drop(stopped.await) };
        let server =
            tokio::spawn(serve(listener, Router::new().route("/", get(handler)), shutdown));

        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        began.notified().await;
        stop.send(()).unwrap();
        finish.notify_one();

        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.ends_with("done"), "{answer}");
        server.await.unwrap().unwrap();
    }
}
