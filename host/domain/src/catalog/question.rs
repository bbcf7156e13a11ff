//! The questions of a form, as an administrator gives them.

use std::collections::BTreeSet;

use crate::{
    catalog::{FieldKind, FormField},
    field::{FieldType, Given, Shape, Value, input, need, text_of},
    key::Key,
    refusal::Faults,
    register::Holds,
    said::Said,
    text,
};

/// A longer form is not filled in by anybody.
pub const MAX_FIELDS: usize = 50;
/// More choices belong into a search, not into a list.
pub const MAX_CHOICES: usize = 200;

/// One question of a form.
pub const FORM_FIELD: Shape = Shape {
    name: "FormField",
    doc: "One question of a catalog item's form.",
    parts: &[
        need("field", FieldType::Key, "Its key in the form."),
        need("label", FieldType::Line, "The question."),
        need(
            "kind",
            FieldType::Choice(&["text", "number", "yes_no", "date", "choice"]),
            "What is accepted.",
        ),
        input("choices", FieldType::Tags, "The options of a `choice`."),
        input("required", FieldType::Flag, "Whether it must be answered."),
    ],
};

/// The questions of a form, in order.
impl Holds for Vec<FormField> {
    fn value(&self) -> Option<Value> {
        Some(Value::Objects(self.iter().map(FormField::given).collect()))
    }

    fn take(&mut self, pointer: &str, value: Option<&Value>, faults: &mut Faults) {
        let given = if let Some(Value::Objects(given)) = value { given.as_slice() } else { &[] };
        if given.len() > MAX_FIELDS {
            let message = Said::as_is(format!("Must not have more than {MAX_FIELDS} questions."));
            faults.wrong(pointer, "too-long", message);
            return;
        }
        self.clear();
        let mut seen = BTreeSet::new();
        for (place, given) in given.iter().enumerate() {
            let at = format!("{pointer}/{place}");
            let question = FormField::of(&at, given, faults);
            if let Some(key) = given.text("field")
                && !seen.insert(key)
            {
                let message =
                    Said::as_is(format!("`{key}` is already the key of an earlier question."));
                faults.wrong(&format!("{at}/field"), "taken", message);
            }
            self.extend(question);
        }
    }
}

impl FormField {
    fn given(&self) -> Given {
        let given = Given::default()
            .with("field", Value::Text(self.field.to_string()))
            .with("label", Value::Text(self.label.clone()))
            .with("kind", Value::Text(self.kind.as_str().to_owned()))
            .with("required", Value::Flag(self.required));
        match &self.kind {
            FieldKind::Choice(choices) => given.with("choices", Value::Texts(choices.clone())),
            FieldKind::Text | FieldKind::Number | FieldKind::YesNo | FieldKind::Date => given,
        }
    }

    /// The question that was given; none without its key, label or kind, which is noted.
    fn of(at: &str, given: &Given, faults: &mut Faults) -> Option<Self> {
        let key = text_of(given.get("field")).map(str::parse::<Key>).transpose();
        let label = text_of(given.get("label"))
            .map(|label| text::name(&format!("{at}/label"), label, faults));
        let kind = FieldKind::of(at, given, faults);
        match key {
            Ok(field) => Some(Self {
                field: field?,
                label: label?,
                kind: kind?,
                required: given.flag("required").unwrap_or_default(),
            }),
            Err(invalid) => {
                faults.wrong(&format!("{at}/field"), "invalid", Said::as_is(invalid.to_string()));
                None
            }
        }
    }
}

impl FieldKind {
    fn of(at: &str, given: &Given, faults: &mut Faults) -> Option<Self> {
        let (kind, choices) = (given.text("kind")?, given.texts("choices"));
        if kind != "choice" && !choices.is_empty() {
            let message = Said::as_is("Only a question of the kind `choice` has choices.");
            faults.wrong(&format!("{at}/choices"), "not-allowed", message);
            return None;
        }
        match kind {
            "text" => Some(Self::Text),
            "number" => Some(Self::Number),
            "yes_no" => Some(Self::YesNo),
            "date" => Some(Self::Date),
            _ => Some(Self::Choice(read_choices(&format!("{at}/choices"), choices, faults))),
        }
    }
}

fn read_choices(pointer: &str, given: &[String], faults: &mut Faults) -> Vec<String> {
    if !(1..=MAX_CHOICES).contains(&given.len()) {
        let message = Said::as_is(format!(
            "A question of the kind `choice` needs 1 to {MAX_CHOICES} choices."
        ));
        faults.wrong(pointer, "invalid", message);
    }
    let mut choices = Vec::with_capacity(given.len());
    for (place, choice) in given.iter().enumerate() {
        let at = format!("{pointer}/{place}");
        let choice = text::name(&at, choice, faults);
        if choices.contains(&choice) {
            faults.wrong(&at, "taken", Said::as_is(format!("`{choice}` is listed twice.")));
        }
        choices.push(choice);
    }
    choices
}
