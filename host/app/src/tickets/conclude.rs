//! Conclusions: how every command on tickets ends. Whom it concerns is told, all is written in one commit, and what the
//! caller gets to see is read before that commit, so that nothing fails after it.

use super::{
    TicketView,
    decide::{self, Deciding},
    names,
    write::{self, TicketWrite},
};
use crate::{Caller, CommandError, Desk};

/// Looks whether it makes a major incident, tells whom it concerns, and keeps what was decided. The first ticket is the one that the caller gets back.
pub(crate) async fn conclude(
    desk: &Desk,
    caller: &Caller,
    mut decided: Vec<Deciding>,
) -> Result<TicketView, CommandError> {
    decide::find_majors(desk, caller, &mut decided).await?;
    decide::tell(desk, caller, &mut decided).await?;
    let mut writes = Deciding::finish_all(decided)?;
    keep(desk, caller, &mut writes).await
}

/// Writes what was decided. The first ticket is the one that the caller gets back.
pub(crate) async fn keep(
    desk: &Desk,
    caller: &Caller,
    writes: &mut [TicketWrite],
) -> Result<TicketView, CommandError> {
    let mut tx = desk.write(caller).await?;
    write::write(desk, &mut tx, writes, caller.now).await?;
    let view = names::view(&mut tx, writes[0].ticket.clone()).await?;
    write::commit(desk, tx, writes, caller.now).await?;
    Ok(view)
}

/// Starts over while somebody else was first, at most so often.
pub(crate) async fn start_over_if_stale<T, F: Future<Output = Result<T, CommandError>>>(
    retries: u32,
    mut attempt: impl FnMut() -> F,
) -> Result<T, CommandError> {
    let mut left = retries;
    loop {
        match attempt().await {
            Err(CommandError::Stale) if left > 0 => left -= 1,
            other => return other,
        }
    }
}
