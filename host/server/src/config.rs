//! The configuration: every setting, merged from defaults, file, environment and command line.

mod layers;
mod secret;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use waypost_app::{DeskOptions, Quotas};
use waypost_delivery::{HousekeepingOptions, MailOptions, WorkerOptions};
use waypost_edge::{RequestOptions, ServeOptions};
use waypost_policy::{BreakerConfig, Compiler, CompilerProgram, RuntimeConfig};
use waypost_store::StoreOptions;
use waypost_web::{InvalidSite, Site};

pub(crate) use layers::{Flag, Loaded, Setting, Sources, load};
pub(crate) use secret::Secret;

/// The settings' documentation and their defaults in one.
pub(crate) const DEFAULTS: &str = include_str!("config.default.toml");

/// The settings whose values are never shown.
const SECRETS: [&str; 2] = ["database_url", "mail_password"];

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// Everything that can be set; `config.default.toml` explains each key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    public_url: String,
    passwords: bool,
    trusted_proxies: Vec<IpAddr>,
    data_folder: PathBuf,
    database_url: Secret,
    database_connections: u32,
    pub(crate) migrate_at_start: bool,
    request_body_kib: usize,
    request_timeout_ms: u64,
    requests_at_once: usize,
    requests_waiting: usize,
    requests_waiting_per_caller: usize,
    connections: usize,
    connections_per_address: usize,
    connection_head_ms: u64,
    pub(crate) log_format: LogFormat,
    pub(crate) log_filter: String,
    mail: String,
    mail_from: String,
    mail_user: String,
    mail_password: Secret,
    outbox_at_once: u32,
    outbox_pause_ms: u64,
    housekeeping_minutes: u32,
    upkeep_minutes: u32,
    idempotency_hours: u32,
    message_text_days: u32,
    stale_retries: u32,
    policy_instances: u32,
    policy_instances_per_org: u32,
    policy_admission_wait_ms: u64,
    policy_compiles_at_once: u32,
    policy_compile_memory_mib: usize,
    policy_compile_seconds: u64,
    policy_memory_mib: usize,
    policy_component_mib: usize,
    policy_settings_kib: usize,
    policy_data_mib: usize,
    configuration_kept_mib: usize,
    policy_kept_mib: usize,
    policy_artifacts_mib: u64,
    policy_artifacts_per_org_mib: u64,
    policies_per_org: u64,
    policies_per_org_mib: u64,
    policy_revisions_per_org_mib: u64,
    policy_max_fuel: u64,
    policy_deadline_ms: u32,
    policy_max_deadline_ms: u32,
    policy_breaker_failures: u32,
    policy_breaker_cool_down_seconds: u64,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Config {
    /// The address of the database.
    pub(crate) fn database(&self) -> Secret {
        if self.database_url.is_empty() {
            let file = self.data_folder.join("waypost.db");
            Secret::from(format!("sqlite:{}", file.display()))
        } else {
            self.database_url.clone()
        }
    }

    /// Which database it is, for people: its file or its host, and no password.
    pub(crate) fn database_place(&self) -> String {
        let url = self.database();
        let url = url.reveal();
        if let Some(file) = url.strip_prefix("sqlite:") {
            let file = file.strip_prefix("//").unwrap_or(file);
            let file = file.split_once('?').map_or(file, |(file, _)| file);
            let whole = std::path::absolute(file).unwrap_or_else(|_| file.into());
            return whole.display().to_string();
        }
        // The last one: a password may hold the sign itself.
        let place = url.rsplit_once('@').map_or(url, |(_, place)| place);
        place.split_once('?').map_or(place, |(place, _)| place).to_owned()
    }

    /// What the store is told.
    pub(crate) fn store(&self) -> StoreOptions {
        StoreOptions { connections: self.database_connections, ..StoreOptions::default() }
    }

    /// The folder of prepared policies.
    pub(crate) fn artifacts(&self) -> PathBuf {
        self.data_folder.join("artifacts")
    }

    /// What requests may take.
    pub(crate) fn requests(&self) -> RequestOptions {
        RequestOptions {
            body_limit: self.request_body_kib * KIB,
            // A component and its data files, in the form of JSON or as they are.
            upload_limit: (self.policy_component_mib + self.policy_data_mib * 2) * MIB,
            request_timeout: Duration::from_millis(self.request_timeout_ms),
            max_in_flight: self.requests_at_once.max(1),
            max_waiting: self.requests_waiting.max(1),
            max_waiting_per_caller: self.requests_waiting_per_caller.max(1),
            trusted_proxies: self.trusted_proxies.clone(),
            ..RequestOptions::default()
        }
    }

    /// What connections may take.
    pub(crate) fn serving(&self) -> ServeOptions {
        ServeOptions {
            connections: self.connections.max(1),
            connections_per_address: self.connections_per_address.max(1),
            head_timeout: Duration::from_millis(self.connection_head_ms.max(1)),
            ..ServeOptions::default()
        }
    }

    /// How often what is due is done.
    pub(crate) fn upkeep(&self) -> Duration {
        Duration::from_mins(u64::from(self.upkeep_minutes.max(1)))
    }

    /// What housekeeping is told.
    pub(crate) fn housekeeping(&self) -> HousekeepingOptions {
        HousekeepingOptions {
            pause: Duration::from_mins(u64::from(self.housekeeping_minutes.max(1))),
            message_text_days: self.message_text_days,
        }
    }

    /// What the desk is told.
    pub(crate) fn desk(&self) -> DeskOptions {
        DeskOptions {
            idempotency_hours: self.idempotency_hours,
            stale_retries: self.stale_retries,
            max_fuel: self.policy_max_fuel,
            deadline_ms: self.policy_deadline_ms.max(1),
            max_deadline_ms: self.policy_max_deadline_ms,
            passwords: self.passwords,
            quotas: Quotas {
                components: self.policies_per_org,
                component_bytes: self.policies_per_org_mib.saturating_mul(MIB as u64),
                revision_bytes: self.policy_revisions_per_org_mib.saturating_mul(MIB as u64),
            },
            configuration_kept_bytes: self.configuration_kept_mib.saturating_mul(MIB),
            ..DeskOptions::default()
        }
    }

    /// What the mailer is told.
    pub(crate) fn mail(&self) -> MailOptions {
        let login = (!self.mail_user.is_empty())
            .then(|| (self.mail_user.clone(), self.mail_password.reveal().to_owned()));
        MailOptions {
            url: self.mail.clone(),
            from: self.mail_from.clone(),
            login,
            base: self.data_folder.clone(),
        }
    }

    /// Where people reach the pages; none where nobody has said so and others than this machine
    /// could come in: what they send would not be encrypted.
    pub(crate) fn site(&self, listening: SocketAddr) -> Result<Option<Site>, InvalidSite> {
        if !self.public_url.is_empty() {
            return Site::new(&self.public_url).map(Some);
        }
        if listening.ip().is_loopback() {
            return Site::new(&format!("http://{listening}")).map(Some);
        }
        Ok(None)
    }

    /// What the outbox worker is told.
    pub(crate) fn outbox(&self, site: Option<&Site>) -> WorkerOptions {
        let site = site.map_or_else(|| self.public_url.clone(), |site| site.url().to_owned());
        WorkerOptions {
            site,
            names_pages: !self.public_url.is_empty(),
            at_once: self.outbox_at_once.max(1),
            pause: Duration::from_millis(self.outbox_pause_ms.max(1)),
            ..WorkerOptions::default()
        }
    }

    /// What the policy runtime is told.
    pub(crate) fn runtime(&self) -> RuntimeConfig {
        RuntimeConfig {
            instances: self.policy_instances,
            instances_per_org: self.policy_instances_per_org,
            admission_wait: Duration::from_millis(self.policy_admission_wait_ms),
            // Always in a process of its own, whatever else is compiled into this one.
            compiler: Compiler::Child(CompilerProgram::own()),
            concurrent_compiles: self.policy_compiles_at_once,
            compile_memory_bytes: self.policy_compile_memory_mib * MIB,
            compile_time: Duration::from_secs(self.policy_compile_seconds.max(1)),
            component_bytes: self.policy_component_mib * MIB,
            settings_bytes: self.policy_settings_kib * KIB,
            data_bytes: self.policy_data_mib * MIB,
            kept_policy_bytes: self.policy_kept_mib * MIB,
            artifact_bytes: self.policy_artifacts_mib.saturating_mul(MIB as u64),
            artifact_bytes_per_org: self.policy_artifacts_per_org_mib.saturating_mul(MIB as u64),
            memory_bytes: self.policy_memory_mib * MIB,
            breaker: BreakerConfig {
                failures: self.policy_breaker_failures,
                cool_down: Duration::from_secs(self.policy_breaker_cool_down_seconds),
            },
            ..RuntimeConfig::default()
        }
    }

    /// The folder of everything that is kept on this machine.
    pub(crate) fn data_folder(&self) -> &Path {
        &self.data_folder
    }
}
