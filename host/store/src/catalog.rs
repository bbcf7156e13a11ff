//! The request catalog: what people can ask for.

use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use uuid::Uuid;
use waypost_domain::{
    catalog::{CatalogItem, FieldKind, FormField, Money},
    ids::{CatalogItemId, OrgId},
    task::PlannedTask,
};

use crate::{
    ReadTx, StoreError, WriteTx,
    column::Table,
    conn::on,
    row::{insert_all, row, update_guarded},
    unique::UniqueKey,
};

const TABLE: Table = Table("catalog_items");

const KEYS: [UniqueKey; 1] = [UniqueKey {
    what: "key",
    postgres: "catalog_items_key_key",
    sqlite: "catalog_items.org_id, catalog_items.key",
}];

row! {
    struct ItemRow in "catalog_items", columns item_columns {
        id: Uuid,
        org_id: Uuid,
        key: String,
        name: String,
        description: String,
        cost_minor: Option<i64>,
        cost_currency: Option<String>,
        form: Json<Vec<FieldJson>>,
        delivery_hours: Option<i64>,
        tasks: Json<Vec<TaskJson>>,
        active: bool,
        version: i64,
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct FieldJson {
    field: String,
    label: String,
    kind: KindJson,
    required: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KindJson {
    Text,
    Number,
    YesNo,
    Date,
    Choice(Vec<String>),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct TaskJson {
    key: String,
    short_description: String,
    description: String,
    team: Option<String>,
    position: u16,
    mandatory: bool,
    depends_on: Vec<String>,
}

/// Adds an item. A key that another item of the organization has is `Taken("key")`.
pub async fn insert(tx: &mut WriteTx, item: &CatalogItem) -> Result<(), StoreError> {
    insert_all(tx, vec![ItemRow::from(item)], &KEYS).await?;
    Ok(())
}

/// Writes an item back, provided nobody else has since it was read.
pub async fn update(tx: &mut WriteTx, item: &mut CatalogItem) -> Result<(), StoreError> {
    let mut row = ItemRow::from(&*item);
    row.version += 1;
    update_guarded(tx, row, item.id.0, item.version, &KEYS).await?;
    item.version += 1;
    Ok(())
}

/// Reads one item.
pub async fn find(tx: &mut ReadTx, id: CatalogItemId) -> Result<Option<CatalogItem>, StoreError> {
    const FIND: &str =
        concat!("select ", item_columns!(), " from catalog_items where org_id = $1 and id = $2");
    let row: Option<ItemRow> = on!(tx, |conn, org| {
        sqlx::query_as(FIND).bind(org).bind(id.0).fetch_optional(conn).await?
    });
    row.map(CatalogItem::try_from).transpose()
}

/// Reads the item with this key.
pub async fn find_by_key(tx: &mut ReadTx, key: &str) -> Result<Option<CatalogItem>, StoreError> {
    const FIND: &str =
        concat!("select ", item_columns!(), " from catalog_items where org_id = $1 and key = $2");
    let row: Option<ItemRow> = on!(tx, |conn, org| {
        sqlx::query_as(FIND).bind(org).bind(key).fetch_optional(conn).await?
    });
    row.map(CatalogItem::try_from).transpose()
}

/// Lists all items by key, inactive ones too.
pub async fn list(tx: &mut ReadTx) -> Result<Vec<CatalogItem>, StoreError> {
    const LIST: &str =
        concat!("select ", item_columns!(), " from catalog_items where org_id = $1 order by key");
    let rows: Vec<ItemRow> =
        on!(tx, |conn, org| sqlx::query_as(LIST).bind(org).fetch_all(conn).await?);
    rows.into_iter().map(CatalogItem::try_from).collect()
}

impl From<&CatalogItem> for ItemRow {
    fn from(item: &CatalogItem) -> Self {
        Self {
            id: item.id.0,
            org_id: item.org.0,
            key: item.key.to_string(),
            name: item.name.clone(),
            description: item.description.clone(),
            cost_minor: item.cost.as_ref().map(|cost| cost.minor_units),
            cost_currency: item.cost.as_ref().map(|cost| cost.currency.clone()),
            form: Json(item.form.iter().map(FieldJson::from).collect()),
            delivery_hours: item.delivery_hours.map(i64::from),
            tasks: Json(item.tasks.iter().map(TaskJson::from).collect()),
            active: item.active,
            version: item.version,
        }
    }
}

impl TryFrom<ItemRow> for CatalogItem {
    type Error = StoreError;

    fn try_from(row: ItemRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: CatalogItemId(row.id),
            org: OrgId(row.org_id),
            key: TABLE.parse("key", &row.key)?,
            name: row.name,
            description: row.description,
            cost: money(TABLE, row.cost_minor, row.cost_currency)?,
            form: row.form.0.into_iter().map(FormField::try_from).collect::<Result<_, _>>()?,
            delivery_hours: TABLE.fit_some("delivery_hours", row.delivery_hours)?,
            tasks: row.tasks.0.into_iter().map(PlannedTask::try_from).collect::<Result<_, _>>()?,
            active: row.active,
            version: row.version,
        })
    }
}

/// An amount from its two columns.
pub(crate) fn money(
    table: Table,
    minor_units: Option<i64>,
    currency: Option<String>,
) -> Result<Option<Money>, StoreError> {
    minor_units
        .map(|minor_units| {
            Ok(Money { minor_units, currency: table.need("cost_currency", currency)? })
        })
        .transpose()
}

impl From<&FormField> for FieldJson {
    fn from(field: &FormField) -> Self {
        Self {
            field: field.field.to_string(),
            label: field.label.clone(),
            kind: match &field.kind {
                FieldKind::Text => KindJson::Text,
                FieldKind::Number => KindJson::Number,
                FieldKind::YesNo => KindJson::YesNo,
                FieldKind::Date => KindJson::Date,
                FieldKind::Choice(options) => KindJson::Choice(options.clone()),
            },
            required: field.required,
        }
    }
}

impl From<&PlannedTask> for TaskJson {
    fn from(task: &PlannedTask) -> Self {
        Self {
            key: task.key.to_string(),
            short_description: task.short_description.clone(),
            description: task.description.clone(),
            team: task.team.as_ref().map(ToString::to_string),
            position: task.position,
            mandatory: task.mandatory,
            depends_on: task.depends_on.iter().map(ToString::to_string).collect(),
        }
    }
}

impl TryFrom<TaskJson> for PlannedTask {
    type Error = StoreError;

    fn try_from(task: TaskJson) -> Result<Self, StoreError> {
        let keys = task.depends_on.iter().map(|key| TABLE.parse("tasks", key));
        Ok(Self {
            key: TABLE.parse("tasks", &task.key)?,
            short_description: task.short_description,
            description: task.description,
            team: TABLE.parse_some("tasks", task.team.as_deref())?,
            position: task.position,
            mandatory: task.mandatory,
            depends_on: keys.collect::<Result<_, _>>()?,
        })
    }
}

impl TryFrom<FieldJson> for FormField {
    type Error = StoreError;

    fn try_from(field: FieldJson) -> Result<Self, StoreError> {
        Ok(Self {
            field: TABLE.parse("form", &field.field)?,
            label: field.label,
            kind: match field.kind {
                KindJson::Text => FieldKind::Text,
                KindJson::Number => FieldKind::Number,
                KindJson::YesNo => FieldKind::YesNo,
                KindJson::Date => FieldKind::Date,
                KindJson::Choice(options) => FieldKind::Choice(options),
            },
            required: field.required,
        })
    }
}
