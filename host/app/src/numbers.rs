//! Ticket numbers, taken from their series in blocks.
//!
//! A number is known before the ticket is written, because messages name it; taking each in a
//! transaction of its own would cost a second commit for each ticket. So a process takes a block,
//! twice as large each time, and hands numbers out from memory. What is left when it stops it gives
//! back; after a crash it is a gap, which is allowed. A number is never used twice.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError},
};

use tokio::sync::Mutex;
use waypost_domain::{ids::OrgId, ticket::TicketKind};
use waypost_store::{Store, StoreError};

/// The largest block: what a crash of a busy process may leave as a gap. An import waits for the
/// database's one writer each time a block is used up, so a block serves several batches.
const MAX_BLOCK: u32 = 1_024;

/// The blocks that this process has taken.
#[derive(Default)]
pub(crate) struct Numbers {
    blocks: std::sync::Mutex<HashMap<(OrgId, TicketKind), SharedBlock>>,
}

/// A block that whoever needs numbers of its series waits for.
type SharedBlock = Arc<Mutex<Block>>;

/// Numbers that were taken and not handed out yet: `next..end`.
#[derive(Default)]
struct Block {
    next: u64,
    end: u64,
    last_size: u32,
}

impl Numbers {
    /// Hands out `how_many` numbers of a series, in rising order.
    pub(crate) async fn take(
        &self,
        store: &Store,
        org: OrgId,
        kind: TicketKind,
        how_many: usize,
    ) -> Result<Vec<String>, StoreError> {
        let block = {
            let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(blocks.entry((org, kind)).or_default())
        };
        let mut block = block.lock().await;
        let mut numbers = Vec::with_capacity(how_many);
        while numbers.len() < how_many {
            if block.next == block.end {
                let missing = u32::try_from(how_many - numbers.len()).unwrap_or(u32::MAX);
                let size = (block.last_size * 2).clamp(1, MAX_BLOCK).max(missing);
                let mut tx = store.write(org).await?;
                let first = waypost_store::number::next(&mut tx, kind, size).await?;
                tx.commit().await.map_err(StoreError::of_preparation)?;
                *block = Block {
                    next: first,
                    end: first + u64::from(size),
                    last_size: size.min(MAX_BLOCK),
                };
            }
            numbers.push(waypost_store::number::text(kind, block.next));
            block.next += 1;
        }
        Ok(numbers)
    }

    /// Gives back what was taken and not handed out. Numbers behind which another process took some
    /// stay a gap.
    pub(crate) async fn give_back(&self, store: &Store) -> Result<(), StoreError> {
        let blocks: Vec<_> = {
            let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
            blocks.drain().collect()
        };
        for ((org, kind), block) in blocks {
            let mut block = block.lock().await;
            let Block { next, end, .. } = std::mem::take(&mut *block);
            if next < end {
                let mut tx = store.write(org).await?;
                waypost_store::number::give_back(&mut tx, kind, next, end).await?;
                tx.commit().await?;
            }
        }
        Ok(())
    }
}
