//! Layers: where settings are read from, and which of them holds.
//!
//! The default file lists every key there is, so it also tells unknown keys, and the type of what
//! an environment variable says.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use figment::error::{Actual, Kind};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};
use thiserror::Error;

use super::{Config, DEFAULTS, SECRETS};

/// Environment variables with this prefix are settings, but for those that tests and tasks use.
const PREFIX: &str = "WAYPOST_";
/// Names the configuration file; not a setting itself.
const FILE_VARIABLE: &str = "CONFIG";
/// Variables of the project's own tests, which stand in the same environment.
const TEST_PREFIX: &str = "TEST_";

/// What a value comes from when nobody set it.
const BY_DEFAULT: &str = "default";

/// Where settings are looked for, beside the defaults.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sources {
    /// The file that the command line names.
    pub(crate) file: Option<PathBuf>,
    /// The whole environment.
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// Settings of the command line, and the flag that each was given by.
    pub(crate) flags: Vec<Flag>,
}

/// A setting of the command line.
#[derive(Debug, Clone)]
pub(crate) struct Flag {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) given_by: String,
}

/// The settings in force.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) config: Config,
    pub(crate) settings: Vec<Setting>,
}

impl Loaded {
    /// Where a setting comes from.
    pub(crate) fn from(&self, key: &str) -> &str {
        let setting = self.settings.iter().find(|setting| setting.key == key);
        setting.map_or(BY_DEFAULT, |setting| &setting.from)
    }

    /// Whether nobody has set it.
    pub(crate) fn is_default(&self, key: &str) -> bool {
        self.settings.iter().any(|setting| setting.key == key && setting.from == BY_DEFAULT)
    }
}

/// One setting, as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) key: String,
    /// The value; a secret's place is kept by a word in brackets.
    pub(crate) value: String,
    /// Where it comes from.
    pub(crate) from: String,
}

/// A setting that can't be used. Says where it was found and what would be right.
#[derive(Debug, PartialEq, Eq, Error)]
pub(crate) enum ConfigError {
    #[error("the configuration file {}: {message}", path.display())]
    File { path: PathBuf, message: String },
    #[error("{from}: there is no setting `{key}`; use one of: {valid}")]
    UnknownKey { key: String, from: String, valid: String },
    #[error("{from}: {key} {message}")]
    Value { key: String, from: String, message: String },
}

/// Merges the sources. The last one that names a setting wins: defaults, file, environment, flags.
pub(crate) fn load(sources: &Sources) -> Result<Loaded, ConfigError> {
    let defaults = Defaults::read();
    let mut layers = vec![defaults.layer.clone()];
    layers.extend(file(sources)?);
    layers.extend(environment(sources, &defaults)?);
    for flag in &sources.flags {
        layers.push(single(&flag.key, &flag.value, &flag.given_by, &defaults)?);
    }
    let mut merged = Figment::new();
    for layer in layers {
        defaults.check_keys(&layer)?;
        merged = merged.merge(layer);
    }
    let config = merged.extract().map_err(|error| explain(&error))?;
    Ok(Loaded { config, settings: shown(&merged, &defaults) })
}

/// Settings from one place.
#[derive(Debug, Clone)]
struct Layer {
    from: String,
    values: Dict,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.from.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
}

/// The embedded defaults: every key, in the order of the file.
struct Defaults {
    keys: Vec<String>,
    layer: Layer,
}

impl Defaults {
    fn read() -> Self {
        let table: toml::Table =
            DEFAULTS.parse().expect("the embedded defaults are read by every test");
        let keys = DEFAULTS
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once(" = "))
            .map(|(key, _)| key.to_owned())
            .collect();
        let values = dict(&table);
        Self { keys, layer: Layer { from: BY_DEFAULT.to_owned(), values } }
    }

    fn check_keys(&self, layer: &Layer) -> Result<(), ConfigError> {
        match layer.values.keys().find(|key| !self.keys.contains(key)) {
            None => Ok(()),
            Some(key) => Err(self.unknown(key, &layer.from)),
        }
    }

    fn unknown(&self, key: &str, from: &str) -> ConfigError {
        let valid = self.keys.join(", ");
        ConfigError::UnknownKey { key: key.to_owned(), from: from.to_owned(), valid }
    }

    /// Reads a text as the type that the setting's default has.
    fn typed(&self, key: &str, text: &str, from: &str) -> Result<Value, ConfigError> {
        let wrong = |message: &str| ConfigError::Value {
            key: key.to_owned(),
            from: from.to_owned(),
            message: message.to_owned(),
        };
        match self.layer.values.get(key) {
            None => Err(self.unknown(key, from)),
            Some(Value::Bool(..)) => {
                text.parse::<bool>().map(Value::from).map_err(|_| wrong("must be true or false"))
            }
            Some(Value::Num(..)) => {
                text.parse::<u64>().map(Value::from).map_err(|_| wrong("must be a whole number"))
            }
            Some(_) => Ok(Value::from(text)),
        }
    }
}

fn dict(table: &toml::Table) -> Dict {
    let value = Value::serialize(table).expect("whatever TOML can say, a value can hold");
    value.into_dict().expect("a table is a dictionary")
}

/// The configuration file, if one is named.
fn file(sources: &Sources) -> Result<Option<Layer>, ConfigError> {
    let from_environment = || {
        let name = format!("{PREFIX}{FILE_VARIABLE}");
        let named = sources.environment.iter().find(|(key, _)| *key == *name);
        named.filter(|(_, value)| !value.is_empty()).map(|(_, value)| PathBuf::from(value))
    };
    let Some(path) = sources.file.clone().or_else(from_environment) else {
        return Ok(None);
    };
    let wrong = |message: String| ConfigError::File { path: path.clone(), message };
    let text = std::fs::read_to_string(&path).map_err(|error| wrong(error.to_string()))?;
    // The parser's own message shows the line, and that may be the one with a secret.
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        wrong(format!("{} (line {})", error.message(), line_of(&text, error.span())))
    })?;
    Ok(Some(Layer { from: file_name(&path), values: dict(&table) }))
}

fn file_name(path: &Path) -> String {
    format!("file {}", path.display())
}

fn line_of(text: &str, span: Option<std::ops::Range<usize>>) -> usize {
    let upto = span.map_or(0, |span| span.start.min(text.len()));
    text.bytes().take(upto).filter(|byte| *byte == b'\n').count() + 1
}

/// One layer for each variable, so that an error and `waypost config` can name it.
fn environment(sources: &Sources, defaults: &Defaults) -> Result<Vec<Layer>, ConfigError> {
    let mut found = BTreeMap::new();
    for (name, value) in &sources.environment {
        let Some(key) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else {
            continue;
        };
        if key == FILE_VARIABLE || key.starts_with(TEST_PREFIX) {
            continue;
        }
        let from = format!("environment {PREFIX}{key}");
        let key = key.to_lowercase();
        let text = value.to_str().ok_or_else(|| ConfigError::Value {
            key: key.clone(),
            from: from.clone(),
            message: "must be UTF-8".to_owned(),
        })?;
        found.insert(from.clone(), single(&key, text, &from, defaults)?);
    }
    Ok(found.into_values().collect())
}

fn single(key: &str, text: &str, from: &str, defaults: &Defaults) -> Result<Layer, ConfigError> {
    let value = defaults.typed(key, text, from)?;
    let values = Dict::from([(key.to_owned(), value)]);
    Ok(Layer { from: from.to_owned(), values })
}

/// Figment's own words may quote the value, so a secret's error is told without them.
fn explain(error: &figment::Error) -> ConfigError {
    let key = error.path.join(".");
    let from = error.metadata.as_ref().map_or(BY_DEFAULT, |metadata| &metadata.name).to_owned();
    let message = if SECRETS.contains(&key.as_str()) {
        "must be a text in quotes".to_owned()
    } else {
        match &error.kind {
            Kind::InvalidType(found, expected) | Kind::InvalidValue(found, expected) => {
                format!("must be {expected}, not {found}")
            }
            Kind::UnknownVariant(found, valid) => {
                format!("cannot be `{found}`; use one of: {}", valid.join(", "))
            }
            Kind::ISizeOutOfRange(_) | Kind::USizeOutOfRange(_) => "is too large".to_owned(),
            other => format!("cannot be used: {other}"),
        }
    };
    ConfigError::Value { key, from, message }
}

/// Every setting with what may be shown of it.
fn shown(merged: &Figment, defaults: &Defaults) -> Vec<Setting> {
    let value = |key: &str| {
        let value = merged.find_value(key).ok();
        match value {
            Some(Value::String(_, text)) if text.is_empty() => "(empty)".to_owned(),
            _ if SECRETS.contains(&key) => "(hidden)".to_owned(),
            Some(Value::String(_, text)) => text,
            Some(Value::Bool(_, is_on)) => is_on.to_string(),
            Some(Value::Num(_, number)) => match number.to_actual() {
                Actual::Signed(number) => number.to_string(),
                Actual::Unsigned(number) => number.to_string(),
                _ => String::new(),
            },
            // Every default is a text, a whole number or a switch, and nothing else was extracted.
            Some(_) | None => String::new(),
        }
    };
    let from = |key: &str| {
        merged.find_metadata(key).map_or(BY_DEFAULT.to_owned(), |found| found.name.to_string())
    };
    let setting = |key: &String| Setting { value: value(key), from: from(key), key: key.clone() };
    defaults.keys.iter().map(setting).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment_of(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
        pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    fn flag(key: &str, value: &str) -> Flag {
        Flag { key: key.to_owned(), value: value.to_owned(), given_by: "--set".to_owned() }
    }

    fn file_with(text: &str) -> (tempfile::TempDir, Sources) {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("waypost.toml");
        std::fs::write(&path, text).unwrap();
        (home, Sources { file: Some(path), ..Sources::default() })
    }

    fn found<'a>(loaded: &'a Loaded, key: &str) -> &'a Setting {
        loaded.settings.iter().find(|setting| setting.key == key).unwrap()
    }

    #[test]
    fn letters_name_no_page_where_nobody_has_said_where_the_pages_are() {
        let outbox = |flags: Vec<Flag>, listening: &str| {
            let config = load(&Sources { flags, ..Sources::default() }).unwrap().config;
            let site = config.site(listening.parse().unwrap()).unwrap();
            let outbox = config.outbox(site.as_ref());
            (outbox.names_pages, outbox.site)
        };
        assert_eq!(outbox(Vec::new(), "10.0.0.1:8080"), (false, String::new()));
        // Pages that only this machine reaches are no use in a letter.
        let local = (false, "http://127.0.0.1:8080".to_owned());
        assert_eq!(outbox(Vec::new(), "127.0.0.1:8080"), local);
        let known = vec![flag("public_url", "https://desk.example.com")];
        let named = (true, "https://desk.example.com".to_owned());
        assert_eq!(outbox(known, "10.0.0.1:8080"), named);
    }

    #[test]
    fn the_place_of_the_database_tells_no_password() {
        let place = |url: &str| {
            let flags = vec![flag("database_url", url)];
            let loaded = load(&Sources { flags, ..Sources::default() }).unwrap();
            loaded.config.database_place()
        };
        assert_eq!(
            place("postgres://desk:hush@hush?@db:5432/desk?sslmode=require"),
            "db:5432/desk"
        );
        assert_eq!(place("postgres://db/desk?password=hush"), "postgres://db/desk");
        assert_eq!(place("sqlite:///var/lib/desk.db?mode=rwc"), "/var/lib/desk.db");
        let flags = vec![flag("data_folder", "/srv/desk")];
        let loaded = load(&Sources { flags, ..Sources::default() }).unwrap();
        assert_eq!(loaded.config.database_place(), "/srv/desk/waypost.db");
        assert_eq!((loaded.from("data_folder"), loaded.from("listen")), ("--set", "default"));
    }

    #[test]
    fn the_defaults_alone_are_enough() {
        let loaded = load(&Sources::default()).unwrap();
        assert_eq!(loaded.config.listen.to_string(), "127.0.0.1:8080");
        assert!(loaded.settings.iter().all(|setting| setting.from == "default"));
        assert_eq!(loaded.config.database().reveal(), "sqlite:waypost-data/waypost.db");
    }

    #[test]
    fn every_default_has_its_documentation_above_it() {
        let lines: Vec<&str> = DEFAULTS.lines().collect();
        for pair in
            lines.windows(2).filter(|pair| pair[1].contains(" = ") && !pair[1].starts_with('#'))
        {
            assert!(pair[0].starts_with("# "), "{}", pair[1]);
        }
    }

    #[test]
    fn the_last_source_wins_and_is_named() {
        let (_home, sources) = file_with("stale_retries = 2\nlisten = '0.0.0.0:1'\nmail = 'dir:a'");
        let path = sources.file.clone().unwrap();
        let loaded = load(&Sources {
            environment: environment_of(&[
                ("WAYPOST_LISTEN", "0.0.0.0:2"),
                ("WAYPOST_MAIL", "dir:b"),
                ("WAYPOST_TEST_POSTGRES", "postgres://x"),
                ("HOME", "/root"),
            ]),
            flags: vec![flag("mail", "dir:c")],
            ..sources
        })
        .unwrap();
        let told = |key| {
            let setting = found(&loaded, key);
            (setting.value.clone(), setting.from.clone())
        };
        assert_eq!(told("stale_retries"), ("2".to_owned(), format!("file {}", path.display())));
        assert_eq!(
            told("listen"),
            ("0.0.0.0:2".to_owned(), "environment WAYPOST_LISTEN".to_owned())
        );
        assert_eq!(told("mail"), ("dir:c".to_owned(), "--set".to_owned()));
    }

    #[test]
    fn an_environment_variable_can_name_the_file_and_the_flag_goes_first() {
        let (_home, sources) = file_with("stale_retries = 7");
        let environment = vec![("WAYPOST_CONFIG".into(), sources.file.clone().unwrap().into())];
        let by_environment = load(&Sources { environment, ..Sources::default() }).unwrap();
        assert_eq!(found(&by_environment, "stale_retries").value, "7");

        let environment = environment_of(&[("WAYPOST_CONFIG", "/nowhere")]);
        assert!(load(&Sources { environment, ..sources }).is_ok());
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_known_ones() {
        let (_home, sources) = file_with("listn = '0.0.0.0:1'");
        let in_file = load(&sources).unwrap_err().to_string();
        assert!(
            in_file.contains(
                "there is no setting `listn`; use one of: listen, public_url, passwords,"
            ),
            "{in_file}"
        );

        let environment = environment_of(&[("WAYPOST_PORT", "1")]);
        let in_environment = load(&Sources { environment, ..Sources::default() }).unwrap_err();
        assert!(
            in_environment
                .to_string()
                .starts_with("environment WAYPOST_PORT: there is no setting `port`")
        );

        let flags = vec![flag("nonsense", "1")];
        assert!(matches!(
            load(&Sources { flags, ..Sources::default() }),
            Err(ConfigError::UnknownKey { .. })
        ));
    }

    #[test]
    fn a_wrong_value_is_refused_with_its_place() {
        let told = |key, value| {
            load(&Sources { flags: vec![flag(key, value)], ..Sources::default() })
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            told("migrate_at_start", "yes"),
            "--set: migrate_at_start must be true or false"
        );
        assert_eq!(told("stale_retries", "-1"), "--set: stale_retries must be a whole number");
        assert_eq!(
            told("log_format", "xml"),
            "--set: log_format cannot be `xml`; use one of: text, json"
        );
        assert!(told("listen", "here").starts_with("--set: listen "), "{}", told("listen", "here"));
        assert!(told("stale_retries", "99999999999").starts_with("--set: stale_retries "));
    }

    #[test]
    fn no_secret_is_shown_anywhere() {
        let secret = "hunter2";
        let loaded = load(&Sources {
            environment: environment_of(&[
                ("WAYPOST_MAIL_PASSWORD", secret),
                ("WAYPOST_DATABASE_URL", "postgres://desk:hunter2@db/desk"),
            ]),
            ..Sources::default()
        })
        .unwrap();
        assert_eq!(loaded.config.mail_password.reveal(), secret);
        assert!(!format!("{loaded:?}").contains(secret));
        assert_eq!(found(&loaded, "mail_password").value, "(hidden)");
        assert_eq!(found(&loaded, "database_url").value, "(hidden)");

        for wrong in
            ["mail_password = 53871", "mail_password = [\"53871\"]", "mail_password = '53871"]
        {
            let (_home, sources) = file_with(wrong);
            let fault = load(&sources).unwrap_err().to_string();
            assert!(!fault.contains("53871"), "{fault}");
        }
    }

    #[test]
    fn a_number_is_a_fine_password() {
        let environment = environment_of(&[("WAYPOST_MAIL_PASSWORD", "0123")]);
        let loaded = load(&Sources { environment, ..Sources::default() }).unwrap();
        assert_eq!(loaded.config.mail_password.reveal(), "0123");
    }

    #[test]
    fn a_broken_file_is_named_with_its_line() {
        let (_home, sources) = file_with("listen = '0.0.0.0:1'\nmail = ");
        let fault = load(&sources).unwrap_err().to_string();
        assert!(fault.contains("waypost.toml: ") && fault.ends_with("(line 2)"), "{fault}");
    }
}
