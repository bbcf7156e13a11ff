//! `waypost migrate`: brings the database to this release.

use anyhow::{Context, Result};
use serde_json::json;

use crate::installation::{connect, make_data_folder, migrate};
use crate::terminal::Terminal;

pub(crate) async fn run(mut terminal: Terminal) -> Result<()> {
    make_data_folder(terminal.config().data_folder())?;
    let store = connect(terminal.config()).await?;
    let pending = store.pending_migrations().await.context("reading the database schema")?;
    migrate(&store).await?;
    store.close().await;
    terminal.output.tell(
        || json!({ "applied": pending }),
        |to| match pending {
            0 => writeln!(to, "The database is up to date."),
            1 => writeln!(to, "Applied 1 migration."),
            more => writeln!(to, "Applied {more} migrations."),
        },
    )
}
