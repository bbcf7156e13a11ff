//! Switches of bindings: who enabled, disabled or rolled back a policy, and when. Appended, never
//! changed.

use chrono::{DateTime, Utc};
use uuid::Uuid;
use waypost_domain::{
    binding::Switch,
    ids::{BindingId, SwitchId},
};

use crate::{
    ReadTx, StoreError, WriteTx,
    column::Table,
    conn::on,
    row::{insert_all, row},
};

const TABLE: Table = Table("binding_switches");

row! {
    struct SwitchRow in "binding_switches", columns switch_columns {
        org_id: Uuid,
        id: Uuid,
        binding_id: Uuid,
        what: String,
        revision: i64,
        at: DateTime<Utc>,
        actor: String,
        actor_id: Option<Uuid>,
    }
}

/// Appends a switch.
pub async fn append(tx: &mut WriteTx, switch: &Switch) -> Result<(), StoreError> {
    let row = SwitchRow {
        org_id: tx.org.0,
        id: switch.id.0,
        binding_id: switch.binding.0,
        what: switch.what.as_str().to_owned(),
        revision: switch.revision,
        at: switch.at,
        actor: switch.by.kind.as_str().to_owned(),
        actor_id: switch.by.person.map(|person| person.0),
    };
    insert_all(tx, vec![row], &[]).await?;
    Ok(())
}

/// Lists the switches of one of the organization's own bindings, the first one first.
pub async fn of_binding(tx: &mut ReadTx, binding: BindingId) -> Result<Vec<Switch>, StoreError> {
    const LIST: &str = concat!(
        "select ",
        switch_columns!(),
        " from binding_switches where org_id = $1 and binding_id = $2 order by at, id"
    );
    let rows: Vec<SwitchRow> = on!(tx, |conn, org| {
        sqlx::query_as(LIST).bind(org).bind(binding.0).fetch_all(conn).await?
    });
    rows.into_iter().map(Switch::try_from).collect()
}

impl TryFrom<SwitchRow> for Switch {
    type Error = StoreError;

    fn try_from(row: SwitchRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: SwitchId(row.id),
            binding: BindingId(row.binding_id),
            what: TABLE.parse("what", &row.what)?,
            revision: row.revision,
            at: row.at,
            by: TABLE.actor("actor", &row.actor, row.actor_id)?,
        })
    }
}
