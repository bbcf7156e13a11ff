//! The category tree of an organization.

use uuid::Uuid;
use waypost_domain::{
    catalog::Category,
    ids::{CategoryId, OrgId},
};

use crate::{
    ReadTx, StoreError, WriteTx,
    column::Table,
    conn::on,
    row::{insert_all, row, update_guarded},
    unique::UniqueKey,
};

const TABLE: Table = Table("categories");

const KEYS: [UniqueKey; 1] = [UniqueKey {
    what: "path",
    postgres: "categories_path_key",
    sqlite: "categories.org_id, categories.path",
}];

row! {
    struct CategoryRow in "categories", columns category_columns {
        id: Uuid,
        org_id: Uuid,
        path: String,
        name: String,
        active: bool,
        version: i64,
    }
}

/// Adds a category. A path that another category of the organization has is `Taken("path")`.
pub async fn insert(tx: &mut WriteTx, category: &Category) -> Result<(), StoreError> {
    insert_many(tx, std::slice::from_ref(category)).await
}

/// Adds many categories at once.
pub async fn insert_many(tx: &mut WriteTx, categories: &[Category]) -> Result<(), StoreError> {
    insert_all(tx, categories.iter().map(CategoryRow::from).collect(), &KEYS).await?;
    Ok(())
}

/// Writes a category back, provided nobody else has since it was read.
pub async fn update(tx: &mut WriteTx, category: &mut Category) -> Result<(), StoreError> {
    let mut row = CategoryRow::from(&*category);
    row.version += 1;
    update_guarded(tx, row, category.id.0, category.version, &KEYS).await?;
    category.version += 1;
    Ok(())
}

/// Reads one category.
pub async fn find(tx: &mut ReadTx, id: CategoryId) -> Result<Option<Category>, StoreError> {
    const FIND: &str =
        concat!("select ", category_columns!(), " from categories where org_id = $1 and id = $2");
    let row: Option<CategoryRow> = on!(tx, |conn, org| {
        sqlx::query_as(FIND).bind(org).bind(id.0).fetch_optional(conn).await?
    });
    row.map(Category::try_from).transpose()
}

/// Lists the whole tree by path, inactive nodes too.
pub async fn list(tx: &mut ReadTx) -> Result<Vec<Category>, StoreError> {
    const LIST: &str =
        concat!("select ", category_columns!(), " from categories where org_id = $1 order by path");
    let rows: Vec<CategoryRow> =
        on!(tx, |conn, org| sqlx::query_as(LIST).bind(org).fetch_all(conn).await?);
    rows.into_iter().map(Category::try_from).collect()
}

impl From<&Category> for CategoryRow {
    fn from(category: &Category) -> Self {
        Self {
            id: category.id.0,
            org_id: category.org.0,
            path: category.path.to_string(),
            name: category.name.clone(),
            active: category.active,
            version: category.version,
        }
    }
}

impl TryFrom<CategoryRow> for Category {
    type Error = StoreError;

    fn try_from(row: CategoryRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: CategoryId(row.id),
            org: OrgId(row.org_id),
            path: TABLE.parse("path", &row.path)?,
            name: row.name,
            active: row.active,
            version: row.version,
        })
    }
}
