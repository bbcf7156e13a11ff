//! Lists, read page by page.

use anyhow::Result;
use waypost_app::{CommandError, Page, PageRequest};

/// As many rows as the app gives at once.
const PAGE: u16 = 200;

/// The first rows of a list, at most `limit` (0: all), and whether there are more.
pub(super) async fn rows<T>(
    limit: usize,
    fetch: impl AsyncFnMut(&PageRequest) -> Result<Page<T>, CommandError>,
) -> Result<(Vec<T>, bool)> {
    let mut rows = Vec::new();
    let has_more = each_row(limit, fetch, |row| {
        rows.push(row);
        Ok(())
    })
    .await?;
    Ok((rows, has_more))
}

/// Does something with each of the first rows of a list; says whether there are more.
pub(super) async fn each_row<T>(
    limit: usize,
    mut fetch: impl AsyncFnMut(&PageRequest) -> Result<Page<T>, CommandError>,
    mut with: impl FnMut(T) -> Result<()>,
) -> Result<bool> {
    let mut left = if limit == 0 { usize::MAX } else { limit };
    let mut request = PageRequest { limit: PAGE, after: None };
    loop {
        let page = fetch(&request).await?;
        for row in page.rows {
            if left == 0 {
                return Ok(true);
            }
            with(row)?;
            left -= 1;
        }
        request.after = page.next;
        if request.after.is_none() {
            return Ok(false);
        }
        if left == 0 {
            return Ok(true);
        }
    }
}
