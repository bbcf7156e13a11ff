//! The installation: one database and one policy runtime, opened from the configuration.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use waypost_app::{Caller, Clock, CommandError, Desk, Entropy, organizations};
use waypost_domain::key::Key;
use waypost_policy::{ArtifactKey, PolicyRuntime, RuntimeConfig, open_dir};
use waypost_store::{Store, StoreError, StoreOptions, StoreStats};

use crate::clock::{SystemClock, SystemEntropy};
use crate::config::{Config, Loaded};

/// An open installation.
pub(crate) struct Installation {
    pub(crate) store: Store,
    pub(crate) desk: Desk,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    /// Which database it is, for people.
    place: String,
}

/// What opening an installation does where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening {
    /// Makes it, and brings an older one up to date if that is allowed.
    Creates,
    /// Refuses, and leaves everything as it is.
    MustExist,
}

impl Installation {
    /// Opens it, and makes sure that it has its platform organization.
    pub(crate) async fn open(loaded: &Loaded, opening: Opening) -> Result<Self> {
        let config = &loaded.config;
        let store = match opening {
            Opening::Creates => {
                make_data_folder(config.data_folder())?;
                let store = connect(config).await?;
                if config.migrate_at_start {
                    migrate(&store).await?;
                } else {
                    refuse_pending(&store).await?;
                }
                store
            }
            Opening::MustExist => {
                let store = find(loaded).await?;
                refuse_pending(&store).await?;
                // Only now: a command that finds no database leaves nothing.
                make_data_folder(config.data_folder())?;
                store
            }
        };
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::new());
        let runtime = runtime(config, &config.artifacts(), entropy.as_ref())?;
        Self::assemble(store, runtime, entropy, config, config.database_place()).await
    }

    /// An installation that is forgotten when it is closed; prepared policies go to a folder of the
    /// caller's.
    pub(crate) async fn in_memory(config: &Config, artifacts: &Path) -> Result<Self> {
        let store = Store::connect("sqlite::memory:", &config.store()).await;
        let store = store.context("opening a database in memory")?;
        migrate(&store).await?;
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::new());
        let runtime = runtime(config, artifacts, entropy.as_ref())?;
        Self::assemble(store, runtime, entropy, config, "memory".to_owned()).await
    }

    async fn assemble(
        store: Store,
        runtime: Arc<PolicyRuntime>,
        entropy: Arc<dyn Entropy>,
        config: &Config,
        place: String,
    ) -> Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let desk = Desk::new(store.clone(), runtime, Arc::clone(&entropy), config.desk());
        let platform = organizations::bootstrap(&desk, clock.now()).await;
        platform.context("creating the platform organization")?;
        Ok(Self { store, desk, clock, entropy, place })
    }

    /// The operator, acting in the organization of that key.
    pub(crate) async fn operator(&self, org: &Key) -> Result<Caller> {
        let now = self.clock.now();
        let organization = match organizations::by_key(&self.desk, org).await {
            Err(CommandError::NotFound(_)) => bail!(
                "there is no organization `{org}` in {}; `waypost org list` lists those there are",
                self.place
            ),
            found => found.with_context(|| format!("looking for the organization `{org}`"))?,
        };
        Ok(Caller::operator(organization.id, now))
    }

    /// Closes the database after its transactions have ended.
    pub(crate) async fn close(self) {
        if let Err(error) = self.desk.give_back().await {
            tracing::warn!(%error, "reserved ticket numbers are skipped");
        }
        let StoreStats { trips, transactions, commits } = self.store.stats();
        tracing::info!(
            target: "waypost::store",
            trips,
            transactions,
            commits,
            "what the database was asked"
        );
        self.store.close().await;
    }
}

/// Opens the database without looking at its tables; a SQLite file is made where there is none.
pub(crate) async fn connect(config: &Config) -> Result<Store> {
    connected(Store::connect(config.database().reveal(), &config.store()).await)
}

/// Opens a database that is there already.
async fn find(loaded: &Loaded) -> Result<Store> {
    let config = &loaded.config;
    let options = StoreOptions { create: false, ..config.store() };
    let store = match Store::connect(config.database().reveal(), &options).await {
        Err(StoreError::NoDatabase) => bail!(nothing_found(loaded)),
        store => connected(store)?,
    };
    if !store.is_migrated().await.context("reading the database schema")? {
        store.close().await;
        bail!(nothing_found(loaded));
    }
    Ok(store)
}

/// Where a database was looked for, and what would help.
fn nothing_found(loaded: &Loaded) -> String {
    let place = loaded.config.database_place();
    let (key, remedy) = if loaded.is_default("database_url") {
        ("data_folder", "name another folder with --data DIR")
    } else {
        ("database_url", "name another one with --set database_url=URL")
    };
    let from = loaded.from(key);
    format!(
        "there is no Waypost database in {place} ({key} is set by: {from}); {remedy}, or create \
         one with `waypost org create`"
    )
}

fn connected(opened: Result<Store, StoreError>) -> Result<Store> {
    opened.map_err(|error| match error {
        StoreError::UnknownUrl => anyhow!("database_url must start with sqlite: or postgres:"),
        // Its own words name files and hosts, never the password.
        other => anyhow::Error::new(other).context("opening the database of `database_url`"),
    })
}

/// Brings the tables to this release.
pub(crate) async fn migrate(store: &Store) -> Result<()> {
    store.migrate().await.map_err(|error| match error {
        StoreError::Migration(cause) => anyhow::Error::new(cause).context(
            "the database cannot be migrated to this version; it may belong to a newer version of \
             Waypost",
        ),
        other => anyhow::Error::new(other).context("migrating the database"),
    })
}

async fn refuse_pending(store: &Store) -> Result<()> {
    let pending = store.pending_migrations().await.context("reading the database schema")?;
    if pending > 0 {
        bail!(
            "the database schema is not up to date ({pending} migrations pending); run `waypost \
             migrate`"
        );
    }
    Ok(())
}

/// Makes the data folder and proves that it can be written.
pub(crate) fn make_data_folder(folder: &Path) -> Result<()> {
    let remedy = || {
        let folder = folder.display();
        format!("the data folder {folder} is not writable; choose another with --data DIR")
    };
    fs::create_dir_all(folder).with_context(remedy)?;
    let probe = folder.join(format!(".probe-{}", std::process::id()));
    fs::write(&probe, b"").with_context(remedy)?;
    fs::remove_file(&probe).with_context(remedy)
}

/// A policy runtime whose artifacts are kept in a folder.
fn runtime(config: &Config, artifacts: &Path, entropy: &dyn Entropy) -> Result<Arc<PolicyRuntime>> {
    let using = || format!("using the folder of prepared policies {}", artifacts.display());
    let folder = open_dir(artifacts).with_context(using)?;
    let key = ArtifactKey::kept_in(&folder, entropy.secret()).with_context(using)?;
    let config = RuntimeConfig { artifact_key: Some(key), ..config.runtime() };
    PolicyRuntime::open(config, folder).context("starting the policy runtime")
}
