//! Spreading work over the cores: what policies compute never runs on a thread that serves
//! requests.

use std::sync::LazyLock;

use tokio::task::JoinSet;
use waypost_domain::ids::OrgId;

use crate::{CommandError, Desk};

/// Asked once, because the answer is read from files of the system each time.
static CORES: LazyLock<usize> =
    LazyLock::new(|| std::thread::available_parallelism().map_or(1, usize::from));

/// Runs the `work` of a preview on each item on one blocking thread, with a permit of the small
/// share that previews have: real tickets never wait for them. Order is kept.
///
/// # Errors
/// [`CommandError::Busy`] at once, where that share is used up.
pub(super) async fn run_preview<T: Send + 'static>(
    desk: &Desk,
    org: OrgId,
    mut items: Vec<T>,
    work: fn(&mut T),
) -> Result<Vec<T>, CommandError> {
    let permit = desk.runtime.admit_preview(org.0).map_err(|_| CommandError::Busy)?;
    let part = tokio::task::spawn_blocking(move || {
        items.iter_mut().for_each(work);
        drop(permit);
        items
    });
    part.await.map_err(|error| CommandError::Internal(Box::new(error)))
}

/// Runs `work` on each item on blocking threads, as many at a time as there are cores, each with a
/// permit of the organization's fair share. Where no turn comes in time, `busy` is told instead.
/// Order is kept.
pub(crate) async fn run_blocking<T: Send + 'static>(
    desk: &Desk,
    org: OrgId,
    items: Vec<T>,
    work: fn(&mut T),
    busy: fn(&mut T),
) -> Result<Vec<T>, CommandError> {
    let share = items.len().div_ceil(*CORES).max(1);
    let mut parts = JoinSet::new();
    let mut rest = items;
    let mut place = 0;
    while !rest.is_empty() {
        let after = rest.split_off(share.min(rest.len()));
        let mut part = std::mem::replace(&mut rest, after);
        if let Ok(permit) = desk.runtime.admit(org.0).await {
            parts.spawn_blocking(move || {
                part.iter_mut().for_each(work);
                drop(permit);
                (place, part)
            });
        } else {
            part.iter_mut().for_each(busy);
            parts.spawn(async move { (place, part) });
        }
        place += 1;
    }
    let mut done = Vec::new();
    while let Some(part) = parts.join_next().await {
        done.push(part.map_err(|error| CommandError::Internal(Box::new(error)))?);
    }
    done.sort_by_key(|(place, _)| *place);
    Ok(done.into_iter().flat_map(|(_, part)| part).collect())
}
