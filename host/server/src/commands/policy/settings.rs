//! `waypost policy settings` and `schema`: what a binding was given, and what it may be given.

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Map, Value, json};
use waypost_app::bindings;
use waypost_app::organizations::PLATFORM_KEY;
use waypost_domain::key::Key;

use super::component::Named;
use super::test_run::scratch;
use crate::installation::Installation;
use crate::output::Output;
use crate::terminal::Terminal;

/// Print the settings of a binding as they were given.
#[derive(Debug, Args)]
pub(crate) struct Settings {
    /// Name of the binding.
    name: String,
    /// Key of the organization.
    #[arg(long, value_name = "KEY")]
    org: Key,
    /// Number of the revision; defaults to the active one.
    #[arg(long, value_name = "NUMBER")]
    revision: Option<i64>,
    /// Print this data file instead of the settings.
    #[arg(long, value_name = "NAME")]
    data_file: Option<String>,
}

/// Print the JSON Schema of a policy's settings, for editors.
#[derive(Debug, Args)]
pub(crate) struct Schema {
    /// Component: a .wasm file, or with --org a digest or its beginning, a name, or NAME@VERSION.
    policy: String,
    /// Key of the organization that has the component.
    #[arg(long, value_name = "KEY")]
    org: Option<Key>,
}

impl Settings {
    pub(crate) async fn run(self, installation: &Installation, output: &mut Output) -> Result<()> {
        let caller = installation.operator(&self.org).await?;
        let desk = &installation.desk;
        let id = bindings::by_name(desk, &caller, &self.name)
            .await
            .with_context(|| format!("looking for the binding `{}`", self.name))?;
        let given = bindings::given(desk, &caller, id, self.revision)
            .await
            .with_context(|| format!("reading the binding `{}`", self.name))?;
        let Some(name) = self.data_file else {
            return output.verbatim(with_line_end(given.settings));
        };
        match given.data.iter().find(|(other, _)| *other == name) {
            Some((_, content)) => output.verbatim(content),
            None if given.data.is_empty() => bail!("the revision has no data files"),
            None => {
                let names = given.data.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>();
                bail!("there is no data file `{name}`; use one of: {}", names.join(", "))
            }
        }
    }
}

impl Schema {
    pub(crate) async fn run(self, mut terminal: Terminal) -> Result<()> {
        let named = Named::from(self.policy.clone());
        if let Some(org) = &self.org {
            let installation = terminal.open().await?;
            let done = tell(&installation, org, &named, &mut terminal.output).await;
            installation.close().await;
            return done;
        }
        let Named::File(_) = named else {
            bail!("`{}` is not a file; name its organization with --org KEY", self.policy);
        };
        let scratch = scratch()?;
        let installation = Installation::in_memory(terminal.config(), scratch.path()).await?;
        let platform = PLATFORM_KEY.parse().context("the platform's key")?;
        tell(&installation, &platform, &named, &mut terminal.output).await
    }
}

async fn tell(
    installation: &Installation,
    org: &Key,
    named: &Named,
    output: &mut Output,
) -> Result<()> {
    let caller = installation.operator(org).await?;
    let found = named.find(installation, &caller, output).await?;
    let schema = for_editors(found.view().settings_schema.clone());
    let text = serde_json::to_string_pretty(&schema).context("writing the settings schema")?;
    output.verbatim(with_line_end(text))
}

/// The schema as editors need it: settings may name it as their `$schema`, which the desk takes off
/// before it checks them.
fn for_editors(mut schema: Value) -> Value {
    if let Some(schema) = schema.as_object_mut() {
        let fields = schema.entry("properties").or_insert_with(|| Value::Object(Map::new()));
        if let Some(fields) = fields.as_object_mut() {
            fields.entry("$schema").or_insert_with(|| json!({ "type": "string" }));
        }
    }
    schema
}

fn with_line_end(mut text: String) -> String {
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn editors_let_settings_name_their_schema() {
        let strict = json!({ "properties": { "rules": {} }, "additionalProperties": false });
        let fields = &for_editors(strict)["properties"];
        assert_eq!(*fields, json!({ "rules": {}, "$schema": { "type": "string" } }));
        assert_eq!(for_editors(json!(true)), json!(true));
    }
}
