//! Changes: what a revision has that the one before it had not.

use std::fmt::Display;

use serde_json::Value;

use super::RevisionView;
use crate::differences::differences;

/// More places of the settings are better compared with a program.
const SETTINGS_TOLD: usize = 5;

/// A line of a table needs no more.
const LINE_CHARS: usize = 100;

/// What the later revision changed, a line for each; none if all is the same.
pub(super) fn between(before: &RevisionView, after: &RevisionView) -> Vec<String> {
    let mut lines = Vec::new();
    let mut differ = |what: &str, then: String, now: String| {
        if then != now {
            lines.push(format!("{what}: was {then}, is {now}"));
        }
    };
    if before.component != after.component {
        let (then, now) = (policy(before), policy(after));
        if then == now {
            let component = |revision: &RevisionView| format!("{now} {}", revision.component);
            differ("policy", component(before), component(after));
        } else {
            differ("policy", then, now);
        }
    }
    differ("hooks", before.hooks.to_string(), after.hooks.to_string());
    differ("position", before.position.to_string(), after.position.to_string());
    differ("fuel", or_default(before.limits.fuel), or_default(after.limits.fuel));
    differ(
        "deadline_ms",
        or_default(before.limits.deadline_ms),
        or_default(after.limits.deadline_ms),
    );
    differ(
        "memory_bytes",
        or_default(before.limits.memory_bytes),
        or_default(after.limits.memory_bytes),
    );
    differ("fallback_team", fallback(before), fallback(after));
    differ("locked", before.locked.to_string(), after.locked.to_string());
    differ("replaces_above", before.replaces_above.to_string(), after.replaces_above.to_string());
    if before.data_digest != after.data_digest {
        lines.push("other data files".to_owned());
    }
    lines.extend(settings(before, after));
    lines.iter().map(|line| cut(line)).collect()
}

fn policy(revision: &RevisionView) -> String {
    match &revision.policy {
        Some(policy) => format!("{} {}", policy.name, policy.version),
        None => revision.component.clone(),
    }
}

fn or_default(limit: Option<impl Display>) -> String {
    limit.map_or_else(|| "the default".to_owned(), |limit| limit.to_string())
}

fn fallback(revision: &RevisionView) -> String {
    revision.fallback_team.as_ref().map_or_else(|| "none".to_owned(), |team| team.key.clone())
}

fn settings(before: &RevisionView, after: &RevisionView) -> Vec<String> {
    let value = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let lines =
        differences(&value(&before.settings), &value(&after.settings), "the whole", SETTINGS_TOLD);
    lines.into_iter().map(|line| format!("settings {line}")).collect()
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(LINE_CHARS) {
        None => line.to_owned(),
        Some((end, _)) => format!("{}…", &line[..end]),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use waypost_domain::binding::{Hook, Hooks, LimitChanges};

    use super::{super::PolicyName, *};

    fn revision() -> RevisionView {
        RevisionView {
            number: 1,
            hooks: Hooks::new([Hook::Plan]).unwrap(),
            position: 10,
            component: "sha256:aa".to_owned(),
            policy: Some(PolicyName { name: "chain".to_owned(), version: "1.0.0".to_owned() }),
            settings: r#"{"days": 3, "who": ["a"]}"#.to_owned(),
            settings_digest: String::new(),
            data_digest: "sha256:dd".to_owned(),
            limits: LimitChanges::default(),
            fallback_team: None,
            locked: false,
            replaces_above: false,
            note: None,
            created_at: DateTime::default(),
            created_by: None,
        }
    }

    #[test]
    fn each_part_that_changed_is_a_line() {
        let before = revision();
        assert!(between(&before, &before).is_empty());
        let after = RevisionView {
            hooks: Hooks::new([Hook::Plan, Hook::Stalled]).unwrap(),
            position: 20,
            component: "sha256:bb".to_owned(),
            settings: r#"{ "who": ["a"], "days": 5 }"#.to_owned(),
            data_digest: "sha256:ee".to_owned(),
            limits: LimitChanges { fuel: Some(5), ..LimitChanges::default() },
            locked: true,
            ..revision()
        };
        assert_eq!(
            between(&before, &after),
            [
                "policy: was chain 1.0.0 sha256:aa, is chain 1.0.0 sha256:bb",
                "hooks: was plan, is plan, stalled",
                "position: was 10, is 20",
                "fuel: was the default, is 5",
                "locked: was false, is true",
                "other data files",
                "settings /days: was 3, is 5",
            ]
        );
    }

    #[test]
    fn long_lines_and_long_lists_of_them_are_cut() {
        let before = RevisionView { settings: "[1,2,3,4,5,6,7]".to_owned(), ..revision() };
        let settings = serde_json::json!([2, 3, 4, 5, 6, 7, "x".repeat(200)]).to_string();
        let lines = between(&before, &RevisionView { settings, ..revision() });
        assert_eq!(lines.len(), SETTINGS_TOLD + 1);
        assert_eq!(lines.last().unwrap(), "settings and 2 more differences");
        let settings = format!("\"{}\"", "x".repeat(200));
        let lines = between(&before, &RevisionView { settings, ..revision() });
        assert_eq!(lines[0].chars().count(), LINE_CHARS + 1);
    }
}
