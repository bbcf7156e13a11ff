//! Settings of the shipped policies, as short as stories want them.

use serde_json::{Value, json};

/// Settings of the team router: a word leads to a team.
pub(crate) fn teams_by_words(rules: &[(&str, &str)]) -> Value {
    let rule = |(word, team): &(&str, &str)| json!({ "name": *word, "when": { "words": { "any": [word] } }, "to": { "team": team } });
    json!({ "rules": rules.iter().map(rule).collect::<Vec<_>>() })
}

/// Settings of the categorizer: a word sets fields.
pub(crate) fn by_words(rules: &[(&str, Value)]) -> Value {
    let rule = |(word, set): &(&str, Value)| json!({ "name": *word, "when": { "words": { "any": [word] } }, "set": set });
    json!({ "rules": rules.iter().map(rule).collect::<Vec<_>>() })
}

/// Settings of the categorizer: a word suggests fields.
pub(crate) fn suggesting(word: &str, set: &Value) -> Value {
    json!({ "rules": [{
        "name": word, "when": { "words": { "any": [word] } }, "set": set,
        "strength": "suggested", "confidence": 70,
    }] })
}

/// Settings of the approval chain: one rule for everything, with these stages.
pub(crate) fn asking(stages: &Value) -> Value {
    json!({ "rules": [{ "name": "always", "then": { "ask": stages } }] })
}

/// A stage of one step that any of these approvers decides.
pub(crate) fn stage(name: &str, approvers: &Value) -> Value {
    json!({ "steps": [{ "name": name, "approvers": approvers }] })
}

/// Settings of the notifier: the requester hears of everything, with the event's public text.
pub(crate) fn telling_the_requester() -> Value {
    json!({ "rules": [
        telling("received", "created", &json!(["requester"])),
        telling("assigned", "assigned", &json!(["requester"])),
        telling("expected", "eta_changed", &json!(["requester"])),
        telling("answer", "commented", &json!(["requester"])),
        telling("waits", "state_changed", &json!(["requester"])),
        telling("done", "resolved", &json!(["requester"])),
    ] })
}

/// A rule of the notifier, with a subject that names it.
pub(crate) fn telling(name: &str, on: &str, to: &Value) -> Value {
    json!({
        "name": name, "on": [on], "to": to, "to_actor": true,
        "subject": format!("{name} {{number}}"), "body": "{short_description} {text}",
    })
}
