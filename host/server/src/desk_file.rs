//! The desk file: an organization, its directory and its policies, as one TOML document.
//!
//! It says what should be there. [`waypost org apply`](crate::commands::org) creates what is
//! missing and changes what differs; what the file does not mention stays as it is, but a binding,
//! which is always described as a whole. People are named by their e-mail address, everything else
//! by its key.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;
use serde_json::{Map, Value};
use waypost_domain::catalog::{CatalogItem, Category};
use waypost_domain::ci::Ci;
use waypost_domain::person::Person;
use waypost_domain::register::{Record, Register};
use waypost_domain::service::Service;
use waypost_domain::team::Team;

/// A whole desk file.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeskFile {
    pub(crate) organization: Organization,
    #[serde(default)]
    pub(crate) people: Vec<Fields>,
    #[serde(default)]
    pub(crate) teams: Vec<Fields>,
    #[serde(default)]
    pub(crate) services: Vec<Fields>,
    #[serde(default)]
    pub(crate) cis: Vec<Fields>,
    #[serde(default)]
    pub(crate) categories: Vec<Fields>,
    #[serde(default)]
    pub(crate) catalog: Vec<Fields>,
    /// The components that bindings name: a name, and the file, relative to this one.
    #[serde(default)]
    pub(crate) policies: BTreeMap<String, PathBuf>,
    #[serde(default)]
    pub(crate) bindings: Vec<Binding>,
    /// The folder of the file, which its paths are relative to.
    #[serde(skip)]
    pub(crate) folder: PathBuf,
}

/// The organization; `kind` and `parent` count for a new one only, and a setting that is not named
/// stays as it is.
#[derive(Debug, Default, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Organization {
    pub(crate) key: String,
    pub(crate) name: Option<String>,
    /// `provider` or `client`; none for a client.
    pub(crate) kind: Option<String>,
    /// The key of the organization above; none for the platform.
    pub(crate) parent: Option<String>,
    pub(crate) zone: Option<String>,
    pub(crate) working_hours: Option<Vec<Hours>>,
    /// The priority for each impact (row) and urgency (column).
    pub(crate) matrix: Option<Vec<Vec<u8>>>,
    /// The key of the team that owns what no policy routes.
    pub(crate) fallback_team: Option<String>,
    /// The e-mail address of who votes where nobody else is left.
    pub(crate) fallback_approver: Option<String>,
    pub(crate) reopen_window_days: Option<u16>,
    pub(crate) auto_close_days: Option<u16>,
    pub(crate) caller_reply_reopens: Option<bool>,
    pub(crate) votes_by_mail: Option<bool>,
    pub(crate) receipt_retention_days: Option<u16>,
    pub(crate) resolve_demands: Option<Vec<String>>,
    /// By which signs a major incident is found, all rules in their order.
    pub(crate) major_rules: Option<Vec<MajorRule>>,
}

/// A rule that finds major incidents.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MajorRule {
    pub(crate) name: String,
    pub(crate) priority_at_most: Option<u8>,
    pub(crate) criticality_at_least: Option<String>,
    pub(crate) children_more_than: Option<u32>,
    /// Who leads what the rule accepts at once; none for a rule that only proposes.
    pub(crate) promote: Option<Promotion>,
}

/// Who leads what a rule accepts at once, by e-mail address.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Promotion {
    pub(crate) manager: Option<String>,
    pub(crate) communication_owner: Option<String>,
    pub(crate) update_minutes: Option<u32>,
}

/// One stretch of a weekday: `{ day = "mon", from = "08:00", to = "18:00" }`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hours {
    pub(crate) day: String,
    pub(crate) from: String,
    pub(crate) to: String,
}

/// A binding of a policy to its hooks.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Binding {
    pub(crate) name: String,
    /// The hooks that it serves; none for all that the policy serves.
    pub(crate) hooks: Option<Vec<String>>,
    /// A name of the `policies` table.
    pub(crate) policy: String,
    /// Its place among the bindings of its hooks; none for its place in this file, in tens.
    pub(crate) position: Option<i64>,
    /// The settings, or else a JSON file with them, relative to this one.
    pub(crate) settings: Option<toml::Table>,
    pub(crate) settings_file: Option<PathBuf>,
    /// Data files, relative to this one.
    #[serde(default)]
    pub(crate) data: Vec<PathBuf>,
    #[serde(default)]
    pub(crate) limits: Limits,
    /// The key of the team that gets the ticket when the policy fails (at the hook `route` only);
    /// none asks the next policy.
    pub(crate) fallback_team: Option<String>,
    #[serde(default)]
    pub(crate) locked: bool,
    #[serde(default)]
    pub(crate) replaces_above: bool,
    #[serde(default = "yes")]
    pub(crate) enabled: bool,
    pub(crate) note: Option<String>,
}

/// Limits that differ from the installation's.
#[derive(Debug, Default, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    pub(crate) fuel: Option<u64>,
    pub(crate) deadline_ms: Option<u32>,
    pub(crate) memory_bytes: Option<u64>,
}

fn yes() -> bool {
    true
}

/// The step between the places that bindings get by their order in the file.
const POSITION_STEP: i64 = 10;

impl DeskFile {
    /// Reads a file, and checks what can be checked without a database.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let shown = path.display();
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {shown}"))?;
        let file = Self::parse(&text).with_context(|| format!("the desk file {shown}"))?;
        Ok(Self { folder: path.parent().map(Path::to_owned).unwrap_or_default(), ..file })
    }

    /// Makes sure that every file it names is there, before anything is done.
    pub(crate) fn check_files(&self) -> Result<()> {
        let bindings = self.bindings.iter();
        let named = bindings.flat_map(|binding| binding.settings_file.iter().chain(&binding.data));
        for path in self.policies.values().chain(named) {
            let path = self.folder.join(path);
            let shown = path.display();
            let found = std::fs::metadata(&path).with_context(|| format!("looking for {shown}"))?;
            if !found.is_file() {
                bail!("{shown} is not a file");
            }
        }
        Ok(())
    }

    fn parse(text: &str) -> Result<Self> {
        let mut file: Self =
            toml::from_str(text).map_err(|error| anyhow!("{}", error.to_string().trim_end()))?;
        file.check_names()?;
        file.check_bindings()?;
        file.place_bindings();
        Ok(file)
    }

    fn check_names(&self) -> Result<()> {
        check::<Person>(&self.people)?;
        check::<Team>(&self.teams)?;
        check::<Service>(&self.services)?;
        check::<Ci>(&self.cis)?;
        check::<Category>(&self.categories)?;
        check::<CatalogItem>(&self.catalog)?;
        once("binding", self.bindings.iter().map(|binding| binding.name.as_str()))
    }

    fn check_bindings(&self) -> Result<()> {
        for Binding { name, policy, settings, settings_file, .. } in &self.bindings {
            if !self.policies.contains_key(policy) {
                let known = self.policies.keys().cloned().collect::<Vec<_>>().join(", ");
                bail!(
                    "the binding `{name}` names the policy `{policy}`, which the table [policies] lacks; it has: {known}"
                );
            }
            if settings.is_some() && settings_file.is_some() {
                bail!("the binding `{name}` has both settings and a settings_file; keep one");
            }
        }
        Ok(())
    }

    /// Gives each binding without a position the one after all before it, whichever their hooks:
    /// which hooks a policy serves, only its component knows.
    fn place_bindings(&mut self) {
        let mut last = 0;
        for Binding { position, .. } in &mut self.bindings {
            last = last.max(*position.get_or_insert(last + POSITION_STEP));
        }
    }
}

impl Binding {
    /// The settings as JSON text; what a file says is handed on as it is.
    pub(crate) fn settings_json(&self, folder: &Path) -> Result<String> {
        match (&self.settings_file, &self.settings) {
            (Some(file), _) => {
                let path = folder.join(file);
                std::fs::read_to_string(&path)
                    .with_context(|| format!("reading {}", path.display()))
            }
            (None, Some(table)) => serde_json::to_string(table)
                .with_context(|| format!("the settings of the binding `{}`", self.name)),
            (None, None) => Ok("{}".to_owned()),
        }
    }
}

/// The fields of a record, by the names that its register has for them.
pub(crate) type Fields = Map<String, Value>;

/// By which name a record is found.
pub(crate) fn name_of<R: Record>(fields: &Fields) -> &str {
    // The file was checked: every record has its name.
    fields.get(R::REGISTER.named_by).and_then(Value::as_str).unwrap_or_default()
}

/// Makes sure that every record has what it needs and no field that its register lacks, and is
/// there once.
fn check<R: Record>(records: &[Fields]) -> Result<()> {
    let Register { noun, named_by, fields: rows, .. } = R::REGISTER;
    for fields in records {
        let name = name_of::<R>(fields);
        let mut needed = rows.iter().filter(|row| row.needed || row.name == named_by);
        if let Some(lost) = needed.find(|row| !fields.contains_key(row.name)) {
            bail!("the {noun} `{name}` lacks `{}`: {}", lost.name, lost.doc);
        }
        let is_known = |name: &String| rows.iter().any(|row| row.opens && row.name == *name);
        if let Some(wrong) = fields.keys().find(|name| !is_known(name)) {
            let known = rows.iter().filter(|row| row.opens).map(|row| row.name).collect::<Vec<_>>();
            bail!("the {noun} `{name}` has no field `{wrong}`; it has: {}", known.join(", "));
        }
    }
    once(noun, records.iter().map(name_of::<R>))
}

fn once<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            bail!("the {what} `{name}` is there twice; join the two");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"
        [organization]
        key = "harbor"
        name = "Harbor Freight"
        zone = "Europe/Oslo"
        working_hours = [{ day = "mon", from = "08:00", to = "16:00" }]

        [[people]]
        email = "ida@harbor.example"
        name = "Ida"

        [policies]
        team-router = "team-router.wasm"

        [[bindings]]
        name = "first"
        hooks = ["route"]
        policy = "team-router"
        settings = { rules = [{ team = "network", words = ["vpn"] }] }

        [[bindings]]
        name = "second"
        policy = "team-router"
    "#;

    fn refusal(text: &str) -> String {
        format!("{:#}", DeskFile::parse(text).unwrap_err())
    }

    #[test]
    fn a_file_needs_only_what_it_wants_to_say() {
        let file = DeskFile::parse(SMALL).unwrap();
        assert_eq!(file.organization.zone.as_deref(), Some("Europe/Oslo"));
        assert_eq!(file.people[0].get("role"), None);
        assert!(file.bindings[0].enabled);
        let nothing = DeskFile::parse("[organization]\nkey = 'a'").unwrap();
        assert!(nothing.teams.is_empty());
    }

    #[test]
    fn settings_are_handed_on_as_json() {
        let file = DeskFile::parse(SMALL).unwrap();
        let json = |number: usize| file.bindings[number].settings_json(Path::new("")).unwrap();
        assert_eq!(json(0), r#"{"rules":[{"team":"network","words":["vpn"]}]}"#);
        assert_eq!(json(1), "{}");
    }

    #[test]
    fn settings_can_stand_in_a_file_of_their_own() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("rules.json"), "{ \"rules\": [] }").unwrap();
        let text = SMALL.replace(
            r#"settings = { rules = [{ team = "network", words = ["vpn"] }] }"#,
            r#"settings_file = "rules.json""#,
        );
        let path = home.path().join("harbor.toml");
        std::fs::write(&path, &text).unwrap();

        let file = DeskFile::read(&path).unwrap();
        assert_eq!(file.bindings[0].settings_json(&file.folder).unwrap(), "{ \"rules\": [] }");

        let missing = format!("{:#}", file.check_files().unwrap_err());
        assert!(missing.contains("team-router.wasm"), "{missing}");
        std::fs::write(home.path().join("team-router.wasm"), "").unwrap();
        file.check_files().unwrap();

        let both = text.replace("settings_file", "settings = {}\nsettings_file");
        assert!(refusal(&both).ends_with("has both settings and a settings_file; keep one"));
    }

    #[test]
    fn bindings_keep_the_order_of_the_file() {
        let file = DeskFile::parse(SMALL).unwrap();
        let positions: Vec<_> = file.bindings.iter().map(|binding| binding.position).collect();
        assert_eq!(positions, [Some(10), Some(20)]);
        let placed = SMALL.replace("name = \"first\"", "name = \"first\"\nposition = 35");
        assert_eq!(DeskFile::parse(&placed).unwrap().bindings[1].position, Some(45));
    }

    #[test]
    fn a_binding_that_names_no_hooks_leaves_them_to_the_policy() {
        let file = DeskFile::parse(SMALL).unwrap();
        assert_eq!(file.bindings[0].hooks, Some(vec!["route".to_owned()]));
        assert_eq!(file.bindings[1].hooks, None);
    }

    #[test]
    fn a_misspelled_word_is_refused_with_its_line() {
        let told = refusal("[organization]\nkey = 'a'\ntimezone = 'UTC'\n");
        assert!(told.contains("timezone") && told.contains("line 3"), "{told}");
    }

    #[test]
    fn a_record_has_what_it_needs_and_nothing_that_its_register_lacks() {
        let told = refusal(&SMALL.replace("name = \"Ida\"", "nmae = \"Ida\""));
        assert!(
            told.ends_with("the person `ida@harbor.example` lacks `name`: Display name."),
            "{told}"
        );
        let told = refusal(&SMALL.replace("name = \"Ida\"", "name = \"Ida\"\nboss = \"Bo\""));
        assert!(told.contains("has no field `boss`; it has: name, email, role, "), "{told}");
    }

    #[test]
    fn a_policy_that_the_table_lacks_is_refused() {
        let told = refusal(&SMALL.replace("policy = \"team-router\"", "policy = \"router\""));
        assert!(told.contains("names the policy `router`"), "{told}");
        assert!(told.ends_with("it has: team-router"), "{told}");
    }

    #[test]
    fn the_same_name_twice_is_refused() {
        let told = refusal(&SMALL.replace("\"second\"", "\"first\""));
        assert_eq!(told, "the binding `first` is there twice; join the two");
    }
}
