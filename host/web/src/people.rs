//! People in forms: a name may be written where the desk takes ids and addresses.
//!
//! A name can mean several people. Then the form is shown again with all of them beside what was
//! written: `_pick/requester/0` is who was chosen, and `_said/requester/0` for which name, so that
//! nobody is chosen for another one.

use std::collections::BTreeMap;

use waypost_app::{
    Caller, CommandError, Desk,
    people::{self, Named, PersonFound},
};
use waypost_domain::{ids::PersonId, refusal::FieldFault, said, said::Said, ticket::FieldType};

use crate::form::Form;

/// A name that was written into a field, and whom it can mean.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    /// The name.
    pub(crate) said: String,
    /// Ids of people, with what tells them apart.
    pub(crate) people: Vec<(String, String)>,
}

/// The same form, in which names of people are their ids.
pub(crate) async fn by_name(
    desk: &Desk,
    caller: &Caller,
    form: &Form,
    fields: &[(&str, FieldType)],
) -> Result<Form, CommandError> {
    let read = read(desk, caller, form, fields).await?;
    if read.faults.is_empty() { Ok(read.form) } else { Err(CommandError::Invalid(read.faults)) }
}

/// Whom the names in a form can mean that are several people's, by field.
pub(crate) async fn offers(
    desk: &Desk,
    caller: &Caller,
    form: &Form,
    fields: &[(&str, FieldType)],
) -> Result<BTreeMap<String, Vec<Offer>>, CommandError> {
    Ok(read(desk, caller, form, fields).await?.offers)
}

/// A form whose names were looked up.
struct Read {
    form: Form,
    faults: Vec<FieldFault>,
    offers: BTreeMap<String, Vec<Offer>>,
}

async fn read(
    desk: &Desk,
    caller: &Caller,
    form: &Form,
    fields: &[(&str, FieldType)],
) -> Result<Read, CommandError> {
    let mut read = Read { form: form.clone(), faults: Vec::new(), offers: BTreeMap::new() };
    let written: Vec<(&str, Vec<&str>)> = fields
        .iter()
        .filter_map(|(name, takes)| Some((*name, parts(form.said(name)?, *takes)?)))
        .collect();
    let mut names: Vec<&str> = Vec::new();
    for &part in written.iter().flat_map(|(_, parts)| parts) {
        if is_name(part) && !names.contains(&part) {
            names.push(part);
        }
    }
    if names.is_empty() {
        return Ok(read);
    }
    let found = people::named(desk, caller, &names).await?;
    let found: BTreeMap<&str, Named> = names.into_iter().zip(found).collect();
    for (field, parts) in written {
        let mut ids = Vec::with_capacity(parts.len());
        for part in parts {
            ids.push(read.person(form, field, part, found.get(part)));
        }
        read.form.set(field, &ids.join(", "));
    }
    Ok(read)
}

impl Read {
    /// The id of whom a part of a field names; the part itself, where that is not known.
    fn person(&mut self, form: &Form, field: &str, part: &str, named: Option<&Named>) -> String {
        let message = match named {
            None => return part.to_owned(),
            Some(Named::One(person)) => return person.id.to_string(),
            Some(Named::Nobody) => said!(
                "There is nobody called `{name}` here; write the whole name, or the e-mail address.",
                name = part.to_owned()
            ),
            Some(Named::Several(people)) if people.is_empty() => said!(
                "`{name}` can be several people; write the e-mail address.",
                name = part.to_owned()
            ),
            Some(Named::Several(people)) => {
                let offer = Offer {
                    said: part.to_owned(),
                    people: people.iter().map(|one| (one.id.to_string(), label(one))).collect(),
                };
                let chosen = chosen(form, field, &offer);
                self.offers.entry(field.to_owned()).or_default().push(offer);
                if let Some(chosen) = chosen {
                    return chosen;
                }
                said!(
                    "`{name}` can be several people; choose one of them, or write more of the name.",
                    name = part.to_owned()
                )
            }
        };
        self.fault(field, message);
        part.to_owned()
    }

    fn fault(&mut self, field: &str, message: Said) {
        self.faults.push(FieldFault { pointer: format!("/{field}"), code: "unknown", message });
    }
}

/// The people that a field names; none of a field that names nobody.
fn parts(given: &str, takes: FieldType) -> Option<Vec<&str>> {
    if takes == FieldType::Person {
        return Some(vec![given]);
    }
    let parts = given.split([',', '\n']).map(str::trim).filter(|part| !part.is_empty());
    (takes == FieldType::People).then(|| parts.collect())
}

/// Whether a text is a name. Of what is an address or an id, or can be nothing at all, the desk
/// says itself whose it is.
fn is_name(text: &str) -> bool {
    !text.contains('@') && !text.chars().any(char::is_control) && text.parse::<PersonId>().is_err()
}

fn label(person: &PersonFound) -> String {
    match &person.email {
        Some(email) => format!("{} ({email})", person.name),
        None => person.name.clone(),
    }
}

/// Who was chosen of those whom a name can mean.
fn chosen(form: &Form, field: &str, offer: &Offer) -> Option<String> {
    let said = |place: usize| Some((place, form.get(&format!("_said/{field}/{place}"))?));
    let (place, _) = (0..).map_while(said).find(|(_, said)| *said == offer.said)?;
    let chosen = form.said(&format!("_pick/{field}/{place}"))?;
    offer.people.iter().any(|(id, _)| id == chosen).then(|| chosen.to_owned())
}
