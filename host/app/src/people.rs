//! People by their names, for whoever fills in a form and knows no address.

use waypost_domain::{ids::PersonId, permission, role::Role, text};
use waypost_store::person;

use crate::{Caller, CommandError, Desk};

/// Among so many people of an organization names are looked for. Whoever comes after them, by age
/// in the directory, is named by their address.
const MOST_LOOKED_AT: u32 = 20_000;
/// So many are offered where a name can be several people's.
const MOST_OFFERED: usize = 10;

/// Whom a name can mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// Nobody who is active.
    Nobody,
    /// One person.
    One(PersonFound),
    /// Several, the first of them by name; none are told to who may not list people.
    Several(Vec<PersonFound>),
}

/// Somebody who was found by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonFound {
    /// Their id.
    pub id: PersonId,
    /// Their name.
    pub name: String,
    /// Their address, which tells people of one name apart.
    pub email: Option<String>,
}

/// Says of each text which active people of the caller's organization it can mean: those whose
/// whole name it is or, if there are none, those whose names hold all of its words. Who is not of
/// the desk may not look through the directory, so only whole names mean anybody to them.
///
/// # Errors
/// [`CommandError::Internal`] and its like.
pub async fn named(
    desk: &Desk,
    caller: &Caller,
    texts: &[&str],
) -> Result<Vec<Named>, CommandError> {
    let mut tx = desk.store.read(caller.org).await?;
    let people = person::names(&mut tx, MOST_LOOKED_AT).await?;
    drop(tx);
    let mut listed: Vec<Listed> = people
        .into_iter()
        .map(|(id, name, email)| Listed {
            folded: words(&name).join(" "),
            person: PersonFound { id, name, email },
        })
        .collect();
    listed.sort_by(|one, other| one.folded.cmp(&other.folded));
    Ok(texts.iter().map(|text| meant(&listed, text, caller.role)).collect())
}

/// A person, with their name as it is compared.
struct Listed {
    folded: String,
    person: PersonFound,
}

fn words(text: &str) -> Vec<String> {
    text::folded(text).split_whitespace().map(str::to_owned).collect()
}

fn meant(listed: &[Listed], text: &str, role: Role) -> Named {
    let words = words(text);
    if words.is_empty() {
        return Named::Nobody;
    }
    let whole = words.join(" ");
    let is_desk = permission::sees_internals(role);
    let mut found: Vec<&Listed> = listed.iter().filter(|one| one.folded == whole).collect();
    if found.is_empty() && is_desk {
        let holds_all = |one: &&Listed| words.iter().all(|word| one.folded.contains(word.as_str()));
        found = listed.iter().filter(holds_all).collect();
    }
    match found.as_slice() {
        [] => Named::Nobody,
        [one] => Named::One(one.person.clone()),
        several => {
            let told = if is_desk { MOST_OFFERED } else { 0 };
            Named::Several(several.iter().take(told).map(|one| one.person.clone()).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn listed(names: &[&str]) -> Vec<Listed> {
        let person = |(place, name): (u128, &&str)| Listed {
            folded: words(name).join(" "),
            person: PersonFound {
                id: PersonId(Uuid::from_u128(place)),
                name: (*name).to_owned(),
                email: None,
            },
        };
        (0..).zip(names).map(person).collect()
    }

    fn names(named: Named) -> Vec<String> {
        match named {
            Named::Nobody => Vec::new(),
            Named::One(person) => vec![person.name],
            Named::Several(people) => people.into_iter().map(|person| person.name).collect(),
        }
    }

    #[test]
    fn a_name_means_whoever_is_called_so_before_those_whose_names_hold_it() {
        let all = listed(&["Ada", "Ada Lovelace", "Zoë  Adair", "Ben Olsen"]);
        let of = |text: &str| names(meant(&all, text, Role::Agent));
        assert_eq!(of("ADA"), ["Ada"]);
        assert_eq!(of("love ada"), ["Ada Lovelace"]);
        assert_eq!(of("ad"), ["Ada", "Ada Lovelace", "Zoë  Adair"]);
        assert_eq!(of("zoë adair"), ["Zoë  Adair"]);
        assert!(of("Carla").is_empty() && of(" ").is_empty());
    }

    #[test]
    fn whoever_is_not_of_the_desk_finds_nobody_by_a_part_of_a_name() {
        let all = listed(&["Ada Lovelace", "Ben Olsen", "Ben Olsen"]);
        let of = |text: &str| meant(&all, text, Role::Requester);
        assert_eq!(of("Ada"), Named::Nobody);
        assert_eq!(names(of("ada lovelace")), ["Ada Lovelace"]);
        assert_eq!(of("Ben Olsen"), Named::Several(Vec::new()));
    }
}
