//! Differences between two answers, as lines that people read.

use serde_json::Value;

/// More lines are not read; the answers themselves are at hand.
const MAX_LINES: usize = 20;

/// Where two JSON values differ, each place as `/assignment/team: was "network", is "desk"`.
pub(super) fn differences(then: &Value, now: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    collect("", then, now, &mut lines);
    if lines.len() > MAX_LINES {
        let more = lines.len() - MAX_LINES;
        lines.truncate(MAX_LINES);
        lines.push(format!("and {more} more differences"));
    }
    lines
}

fn collect(at: &str, then: &Value, now: &Value, lines: &mut Vec<String>) {
    match (then, now) {
        (Value::Object(before), Value::Object(after)) => {
            for (field, value) in before {
                let at = format!("{at}/{field}");
                collect(&at, value, after.get(field).unwrap_or(&Value::Null), lines);
            }
            for (field, value) in after.iter().filter(|(field, _)| !before.contains_key(*field)) {
                collect(&format!("{at}/{field}"), &Value::Null, value, lines);
            }
        }
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
            for (index, (before, after)) in before.iter().zip(after).enumerate() {
                collect(&format!("{at}/{index}"), before, after, lines);
            }
        }
        _ if then == now => {}
        _ => {
            let at = if at.is_empty() { "the answer" } else { at };
            lines.push(format!("{at}: was {then}, is {now}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_place_that_differs_is_a_line() {
        let then =
            json!({ "assignment": { "team": "network", "watchers": ["a"], "confidence": 90 } });
        let now =
            json!({ "assignment": { "team": "desk", "watchers": ["b"], "reasons": ["new"] } });
        assert_eq!(
            differences(&then, &now),
            [
                "/assignment/confidence: was 90, is null",
                "/assignment/team: was \"network\", is \"desk\"",
                "/assignment/watchers/0: was \"a\", is \"b\"",
                "/assignment/reasons: was null, is [\"new\"]",
            ]
        );
    }

    #[test]
    fn equal_answers_have_no_differences() {
        let answer = json!({ "plan": { "verdict": "Approve" } });
        assert!(differences(&answer, &answer).is_empty());
    }

    #[test]
    fn a_long_list_is_cut() {
        let then = Value::Array((0..30).map(Value::from).collect());
        let now = Value::Array((1..31).map(Value::from).collect());
        let lines = differences(&then, &now);
        assert_eq!(lines.len(), MAX_LINES + 1);
        assert_eq!(lines.last().map(String::as_str), Some("and 10 more differences"));
    }
}
