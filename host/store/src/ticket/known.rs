//! What is asked of the database before a list's walks are chosen, where the filter alone doesn't
//! say how few tickets it leaves. One index entry each, and so many at most.

use waypost_domain::{ids::OrgId, key::CategoryPath};

use super::{
    filter::{TicketFilter, TicketSort, counting},
    walk::{Index, MOST_WALKS, has_closed, pasts},
};
use crate::{ReadTx, StoreError, sql::Sql};

/// So many tickets are read and sorted sooner than as many are found among all others.
const LITTLE: u32 = 2_000;

/// What is known of an organization's tickets beside the filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Known {
    /// Few tickets have the filter's tag.
    pub(super) has_few_tagged: bool,
    /// The filter's category, and each below it that something past has; empty where the filter
    /// names none, or there are too many.
    pub(super) categories: Vec<String>,
    /// Which of [`pasts`] holds little; none if none does, or it does not matter.
    pub(super) little_past: Option<usize>,
}

impl Known {
    /// Asks what a list with this filter in this order needs to know.
    pub(super) async fn of(
        tx: &mut ReadTx,
        filter: &TicketFilter,
        sort: TicketSort,
    ) -> Result<Self, StoreError> {
        let mut known = Self::default();
        if let Some(tag) = &filter.tag {
            let mut sql = Sql::new(&tx.conn, "select count(*) from (");
            tagged(&mut sql, tx.org, tag);
            sql.push(" limit ").bind(i64::from(LITTLE) + 1).push(") as found");
            known.has_few_tagged = is_little(&sql.fetch_all(&mut tx.conn).await?);
        }
        if known.has_few_tagged || filter.ci.is_some() || !has_closed(filter) {
            return Ok(known);
        }
        if let Some(category) = &filter.category {
            known.categories = categories(tx, category).await?;
        }
        let ways = pasts(filter, &known);
        if sort == TicketSort::Opened && ways.len() < 2 {
            // There is no choice, and it has the list's order.
            return Ok(known);
        }
        for (place, walks) in ways.iter().enumerate() {
            let goes = |index| walks.iter().any(|walk| walk.index == index);
            let narrowed = TicketFilter {
                service: filter.service.filter(|_| goes(Index::PastService)),
                assignee: filter.assignee.filter(|_| goes(Index::PastUnassigned)),
                ..TicketFilter::default()
            };
            if let Some(sql) = counting(&tx.conn, tx.org, walks, &narrowed, &known, LITTLE + 1)
                && is_little(&sql.fetch_all(&mut tx.conn).await?)
            {
                known.little_past = Some(place);
                break;
            }
        }
        Ok(known)
    }
}

fn is_little(counted: &[(i64,)]) -> bool {
    counted.iter().all(|(count,)| *count <= i64::from(LITTLE))
}

/// The tickets that have a tag.
pub(super) fn tagged(sql: &mut Sql, org: OrgId, tag: &str) {
    sql.push("select ticket_id from ticket_tags where org_id = ").bind(org.0);
    sql.push(" and tag = ").bind(tag.to_owned());
}

/// A category, and each below it that something past has: one step along the index for each.
async fn categories(tx: &mut ReadTx, category: &CategoryPath) -> Result<Vec<String>, StoreError> {
    // The text after a slash sorts before the same text after a zero, the next character.
    let (first, end) = (format!("{category}/"), format!("{category}0"));
    let org = tx.org.0;
    let next = |sql: &mut Sql, after: &'static str| {
        sql.push("select min(category) from tickets");
        Index::PastCategory.add(sql);
        sql.push(" where org_id = ").bind(org).push(" and not active and category is not null");
        sql.push(" and category < ").bind(end.clone()).push(" and category ").push(after);
    };
    let mut sql = Sql::new(&tx.conn, "with recursive below (category) as (select (");
    next(&mut sql, ">= ");
    sql.bind(first).push(") union all select (");
    next(&mut sql, "> below.category");
    sql.push(") from below where below.category is not null)");
    sql.push(" select category from below where category is not null limit ");
    sql.bind(i64::try_from(MOST_WALKS).unwrap_or(i64::MAX));
    let below: Vec<(String,)> = sql.fetch_all(&mut tx.conn).await?;
    if below.len() >= MOST_WALKS {
        return Ok(Vec::new());
    }
    let itself = std::iter::once(category.to_string());
    Ok(itself.chain(below.into_iter().map(|(category,)| category)).collect())
}
