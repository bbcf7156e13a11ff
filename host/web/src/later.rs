//! What is done after its answer was given, so that the time of an answer tells nothing of it.

use std::sync::Arc;

use tokio::sync::{Semaphore, SemaphorePermit};

/// So many things may be on their way; whoever brings more waits for room.
const ROOM: u32 = 64;

/// Tasks whose end somebody may wait for.
#[derive(Debug, Clone)]
pub(crate) struct TaskTracker(Arc<Semaphore>);

impl Default for TaskTracker {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(ROOM as usize)))
    }
}

impl TaskTracker {
    /// Begins something, once there is room for it.
    pub(crate) async fn begin(&self, task: impl Future<Output = ()> + Send + 'static) {
        // Nobody closes it.
        let Ok(room) = Arc::clone(&self.0).acquire_owned().await else { return };
        tokio::spawn(async move {
            task.await;
            drop(room);
        });
    }

    /// Waits until everything that has begun is over.
    pub(crate) async fn settled(&self) {
        let all: Result<SemaphorePermit<'_>, _> = self.0.acquire_many(ROOM).await;
        drop(all);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn whoever_waits_finds_everything_done() {
        let (later, done) = (TaskTracker::default(), Arc::new(AtomicU32::new(0)));
        for _ in 0..200 {
            let done = Arc::clone(&done);
            later
                .begin(async move {
                    tokio::task::yield_now().await;
                    done.fetch_add(1, Ordering::Relaxed);
                })
                .await;
        }
        later.settled().await;
        assert_eq!(done.load(Ordering::Relaxed), 200);
    }
}
