//! Descriptions: what a policy says about itself, checked.

use std::fmt::Display;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::contract::lifecycle;
use crate::{Hook, Need};

/// A policy's description of itself. Constant for a component.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// Lower-case words joined by hyphens: `team-router`.
    pub name: String,
    /// Semantic version: `1.4.0`.
    pub version: String,
    /// Who maintains it.
    pub author: String,
    /// One sentence.
    pub summary: String,
    /// JSON Schema of the settings.
    pub settings_schema: Value,
    /// The hooks it serves.
    pub hooks: Vec<ServedHook>,
}

/// A hook that a policy serves, and the facts that it wants in the context.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServedHook {
    /// The hook.
    pub hook: Hook,
    /// The facts. What is not named here is not read and not passed.
    pub needs: Vec<Need>,
}

impl Description {
    /// What the policy wants to know for this hook; none if it does not serve it.
    #[must_use]
    pub fn needs(&self, hook: Hook) -> Option<&[Need]> {
        self.hooks.iter().find(|served| served.hook == hook).map(|served| served.needs.as_slice())
    }

    /// Checks what the guest said, but not yet that its schema is one. The error names the field
    /// and the remedy.
    pub(crate) fn from_guest(said: lifecycle::Description) -> Result<Self, String> {
        check_name(&said.name)?;
        if said.version.len() > MAX_VERSION || semver::Version::parse(&said.version).is_err() {
            return Err(format!(
                "`version` is `{}`; it must be a semantic version like `1.4.0`, of at most \
                 {MAX_VERSION} characters",
                shown(&said.version)
            ));
        }
        for (field, text) in [("author", &said.author), ("summary", &said.summary)] {
            if text.chars().count() > MAX_LINE || text.chars().any(char::is_control) {
                return Err(format!("`{field}` must be one line of at most {MAX_LINE} characters"));
            }
        }
        if said.settings_schema.len() > MAX_SCHEMA_BYTES {
            return Err(format!(
                "`settings-schema` has {} bytes; the limit is {MAX_SCHEMA_BYTES}",
                said.settings_schema.len()
            ));
        }
        let settings_schema = serde_json::from_str(&said.settings_schema)
            .map_err(|error| format!("`settings-schema` is not JSON: {error}"))?;
        if said.hooks.is_empty() {
            return Err("`hooks` is empty; a policy serves at least one".to_owned());
        }
        let mut hooks = Vec::<ServedHook>::with_capacity(said.hooks.len());
        for served in said.hooks {
            let unknown = |error: &dyn Display| format!("`hooks`: {}", shown(&error.to_string()));
            let hook = served.hook.parse::<Hook>().map_err(|error| unknown(&error))?;
            if hooks.iter().any(|other| other.hook == hook) {
                return Err(format!("`hooks` names `{hook}` twice"));
            }
            if served.needs.len() > MAX_NEEDS {
                let given = served.needs.len();
                return Err(format!(
                    "`hooks`: `{hook}` has {given} needs; the limit is {MAX_NEEDS}"
                ));
            }
            let mut needs = Vec::with_capacity(served.needs.len().min(Need::ALL.len()));
            for need in &served.needs {
                let need = need.parse::<Need>().map_err(|error| unknown(&error))?;
                if !needs.contains(&need) {
                    needs.push(need);
                }
            }
            hooks.push(ServedHook { hook, needs });
        }
        let lifecycle::Description { name, version, author, summary, .. } = said;
        Ok(Self { name, version, author, summary, settings_schema, hooks })
    }
}

/// The most characters of a name, an author or a summary: they stand in tables and lists.
const MAX_LINE: usize = 250;

/// The most characters of a version.
const MAX_VERSION: usize = 64;

/// The most bytes of a schema. The largest that ships has some twenty thousand.
const MAX_SCHEMA_BYTES: usize = 128 * 1024;

/// The most needs of a hook, as they are given.
const MAX_NEEDS: usize = 32;

fn check_name(name: &str) -> Result<(), String> {
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    if name.len() <= MAX_LINE && name.split('-').all(is_word) {
        return Ok(());
    }
    Err(format!(
        "`name` is `{}`; it must be lower-case words joined by hyphens, like `team-router`",
        shown(name)
    ))
}

/// As much of a hostile text as fits into a message.
pub(crate) fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_LINE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said() -> lifecycle::Description {
        lifecycle::Description {
            name: "team-router".to_owned(),
            version: "1.4.0".to_owned(),
            author: "the desk".to_owned(),
            summary: "Routes.".to_owned(),
            settings_schema: "{}".to_owned(),
            hooks: vec![lifecycle::ServedHook {
                hook: "route".to_owned(),
                needs: vec!["teams".to_owned(), "teams".to_owned()],
            }],
        }
    }

    #[test]
    fn a_good_description_is_taken_over() {
        let description = Description::from_guest(said()).unwrap();
        assert_eq!(description.needs(Hook::Route), Some(&[Need::Teams][..]));
        assert_eq!(description.needs(Hook::Plan), None);
    }

    #[test]
    fn a_bad_description_is_refused_with_the_field_and_the_remedy() {
        type Spoil = fn(&mut lifecycle::Description);
        let cases: [(&str, Spoil); 12] = [
            ("`name`", |d| d.name = "Team Router".to_owned()),
            ("`name`", |d| d.name = "a--b".to_owned()),
            ("`version`", |d| d.version = "one".to_owned()),
            ("`version`", |d| d.version = format!("1.0.0-{}", "a".repeat(64))),
            ("`settings-schema` has", |d| d.settings_schema = " ".repeat(MAX_SCHEMA_BYTES + 1)),
            ("33 needs", |d| d.hooks[0].needs = vec!["teams".to_owned(); 33]),
            ("`summary`", |d| d.summary = "two\nlines".to_owned()),
            ("`settings-schema`", |d| d.settings_schema = "{".to_owned()),
            ("`hooks` is empty", |d| d.hooks.clear()),
            ("`cook` is not a hook", |d| d.hooks[0].hook = "cook".to_owned()),
            ("`mood` is not a need", |d| d.hooks[0].needs.push("mood".to_owned())),
            ("`hooks` names `route` twice", |d| d.hooks.push(d.hooks[0].clone())),
        ];
        for (expected, spoil) in cases {
            let mut said = said();
            spoil(&mut said);
            let message = Description::from_guest(said).unwrap_err();
            assert!(message.contains(expected), "{message}");
        }
    }
}
