//! Differences between two JSON values, as lines that people read.

use serde_json::Value;

/// Where two JSON values differ, each place as `/assignment/team: was "network", is "desk"`, at
/// most so many of them. `whole` is what both are, for where they have nothing in common.
pub(crate) fn differences(then: &Value, now: &Value, whole: &str, most: usize) -> Vec<String> {
    let mut lines = Vec::new();
    collect("", then, now, &mut |at, then, now| {
        let at = if at.is_empty() { whole } else { at };
        lines.push(format!("{at}: was {then}, is {now}"));
    });
    if lines.len() > most {
        let more = lines.len() - most;
        lines.truncate(most);
        lines.push(format!("and {more} more differences"));
    }
    lines
}

fn collect(at: &str, then: &Value, now: &Value, differs: &mut impl FnMut(&str, &Value, &Value)) {
    match (then, now) {
        (Value::Object(before), Value::Object(after)) => {
            for (field, value) in before {
                let at = format!("{at}/{field}");
                collect(&at, value, after.get(field).unwrap_or(&Value::Null), differs);
            }
            for (field, value) in after.iter().filter(|(field, _)| !before.contains_key(*field)) {
                collect(&format!("{at}/{field}"), &Value::Null, value, differs);
            }
        }
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
            for (index, (before, after)) in before.iter().zip(after).enumerate() {
                collect(&format!("{at}/{index}"), before, after, differs);
            }
        }
        _ if then == now => {}
        _ => differs(at, then, now),
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
            differences(&then, &now, "the answer", 20),
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
        assert!(differences(&answer, &answer, "the answer", 20).is_empty());
        let other = json!(3);
        let whole = differences(&answer["plan"]["verdict"], &other, "the answer", 20);
        assert_eq!(whole, ["the answer: was \"Approve\", is 3"]);
    }

    #[test]
    fn a_long_list_is_cut() {
        let then = Value::Array((0..30).map(Value::from).collect());
        let now = Value::Array((1..31).map(Value::from).collect());
        let lines = differences(&then, &now, "the answer", 20);
        assert_eq!(lines.len(), 21);
        assert_eq!(lines.last().map(String::as_str), Some("and 10 more differences"));
    }
}
