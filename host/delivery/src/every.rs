//! Work that is done again and again.

use std::time::Duration;

/// Does the work at once and then after each pause, until `stop` is ready. Work under way is left
/// where it stands.
pub(crate) async fn every<W, F>(pause: Duration, stop: impl Future<Output = ()> + Send, mut work: W)
where
    W: FnMut() -> F + Send,
    F: Future<Output = ()> + Send,
{
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => return,
            () = work() => {}
        }
        tokio::select! {
            biased;
            () = &mut stop => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}
