//! Forms: whether the answers of a request are what its catalog item asks for.

use chrono::NaiveDate;

use crate::{
    catalog::{CatalogItem, FieldKind, FormField},
    key::Key,
    refusal::{Faults, Refused},
    said,
    said::{Part, Said},
    text,
};

/// A text answer is a sentence or two; longer explanations belong into the description.
pub const MAX_ANSWER_CHARS: usize = 2_000;
impl CatalogItem {
    /// The answers in the form's order. Refused if one is missing, wrong, given twice or not asked
    /// for; every such answer is named.
    pub fn check_answers(&self, answers: &[(Key, String)]) -> Result<Vec<(Key, String)>, Refused> {
        let mut faults = Faults::new();
        let mut checked = Vec::with_capacity(answers.len());
        for field in &self.form {
            let pointer = format!("/answers/{}", field.field);
            let mut given = answers.iter().filter(|(key, _)| *key == field.field);
            let answer = given.next().map_or("", |(_, answer)| answer.trim());
            if given.next().is_some() {
                faults.wrong(&pointer, "repeated", said!("Answer this question only once."));
            }
            if answer.is_empty() {
                if field.required {
                    let message = said!(
                        "Answer \"{label}\" with {accepts}.",
                        label = field.label,
                        accepts = field.accepts()
                    );
                    faults.missing(&pointer, message);
                }
                continue;
            }
            if let Some(answer) = field.read(answer) {
                checked.push((field.field.clone(), answer));
            } else {
                let message = said!(
                    "Answer \"{label}\" with {accepts}.",
                    label = field.label,
                    accepts = field.accepts()
                );
                faults.wrong(&pointer, "invalid", message);
            }
        }
        for (key, _) in answers {
            if self.form.iter().all(|field| field.field != *key) {
                let message = said!("`{key}` has no such question; leave it out.", key = self.key);
                faults.wrong(&format!("/answers/{key}"), "unknown", message);
            }
        }
        faults.finish()?;
        Ok(checked)
    }
}

impl FormField {
    /// The answer as it is kept; none if it is not what the field accepts.
    fn read(&self, answer: &str) -> Option<String> {
        match &self.kind {
            FieldKind::Text => {
                let answer = text::line_ends(answer);
                let is_kept = answer.chars().count() <= MAX_ANSWER_CHARS
                    && !answer.contains(text::is_refused);
                is_kept.then(|| answer.into_owned())
            }
            FieldKind::Number => answer.parse::<i64>().ok().map(|number| number.to_string()),
            FieldKind::YesNo => matches!(answer, "true" | "false").then(|| answer.to_owned()),
            // Chrono takes years of other lengths too, with a sign.
            FieldKind::Date => NaiveDate::parse_from_str(answer, "%Y-%m-%d")
                .ok()
                .filter(|date| date.format("%Y-%m-%d").to_string() == answer)
                .map(|date| date.format("%Y-%m-%d").to_string()),
            FieldKind::Choice(choices) => choices.iter().find(|choice| *choice == answer).cloned(),
        }
    }

    /// What the field accepts, as it stands in a sentence.
    fn accepts(&self) -> Said {
        match &self.kind {
            FieldKind::Text => {
                said!("a text of at most {most} characters", most = MAX_ANSWER_CHARS)
            }
            FieldKind::Number => said!("a whole number"),
            FieldKind::YesNo => said!("true or false"),
            FieldKind::Date => said!("a date such as 2026-06-01"),
            FieldKind::Choice(choices) => said!("one of {choices}", choices = Part::all(choices)),
        }
    }
}
