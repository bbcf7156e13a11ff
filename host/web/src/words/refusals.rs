//! What the desk refuses is said in every language: each sentence of the sources has a translation
//! with the same values.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use waypost_domain::{
    field::Needed,
    said,
    said::{Part, Said},
    ticket::{Action, State, TicketKind},
};

use super::Words;

/// Where sentences are made that reach pages, beside this crate.
const SOURCES: [&str; 3] = ["../domain/src", "../app/src", "src"];

fn words(tag: &str) -> &'static Words {
    Words::of_tag(tag).unwrap()
}

fn say(tag: &str, said: &Said) -> String {
    words(tag).say(said).to_string()
}

/// The templates of all sentences: what stands in `said!`, and what inputs say that are missing.
fn templates() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders: Vec<_> =
        SOURCES.map(|folder| Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).into();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") && !path.ends_with(file!()) {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
                found.extend(code.split("said!(").skip(1).filter_map(literal));
            }
        }
    }
    let inputs =
        TicketKind::ALL.iter().flat_map(|kind| kind.rules().rows()).flat_map(|it| it.inputs);
    found.extend(inputs.filter(|it| it.needed != Needed::No).map(|it| it.doc.to_owned()));
    found
}

/// The string at the beginning of a code, as the compiler reads it; none if something else stands
/// there.
fn literal(code: &str) -> Option<String> {
    let mut characters = code.trim_start().strip_prefix('"')?.chars().peekable();
    let mut text = String::new();
    loop {
        match characters.next()? {
            '"' => return Some(text),
            '\\' => match characters.next()? {
                '\n' => while characters.next_if(|next| next.is_whitespace()).is_some() {},
                escaped => text.push(escaped),
            },
            plain => text.push(plain),
        }
    }
}

/// The names of the values in a template.
fn names(template: &str) -> BTreeSet<&str> {
    template.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect()
}

#[test]
fn every_sentence_is_said_in_every_language_with_no_other_values() {
    let templates = templates();
    assert!(templates.len() > 200, "only {} sentences are found", templates.len());
    let mut wrong = Vec::new();
    for words in Words::all() {
        let known: BTreeMap<&String, &String> = words.sentences.iter().collect();
        // In English, those that are not listed are said as programs read them.
        let untold = templates.iter().filter(|_| !words.is_english());
        let untold = untold.filter(|template| !known.contains_key(template));
        wrong.extend(untold.map(|it| format!("{} has no sentence for: {it}", words.tag())));
        for (template, said) in known {
            if !templates.contains(template) {
                wrong.push(format!("nobody says any more, in {}: {template}", words.tag()));
            } else if !names(said).is_subset(&names(template)) {
                wrong.push(format!("other values, in {}: {template}", words.tag()));
            } else if said.contains('`') {
                wrong.push(format!("quotes of programs, in {}: {template}", words.tag()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_sentence_is_made_of_the_words_of_its_reader() {
    let kind = TicketKind::Incident;
    let why = said!("in state `{state}`", state = State::New);
    let action = Action::MergeInto;
    let said = said!("`{action}` is not possible for {kind} {why}", action, kind, why);
    assert_eq!(said, "`merge_into` is not possible for an incident in state `new`");
    assert_eq!(
        say("en", &said),
        "“Merge into another” is not possible for an incident in state “New”."
    );
    assert_eq!(
        say("de", &said),
        "„Mit einem anderen zusammenführen“ ist für eine Störung nicht möglich, solange der Status \
         „Neu“ ist."
    );
}

#[test]
fn several_words_are_quoted_and_joined_one_by_one() {
    let (number, state) = ("REQ0000007", State::New);
    let states = Part::any([State::InFulfilment, State::OnHold]);
    let said = said!(
        "{number} is {state}; its tasks can be worked on only while it is {states}.",
        number,
        state,
        states
    );
    assert!(say("en", &said).ends_with("only while it is Being fulfilled or On hold."));
    assert!(say("de", &said).contains("nur im Status „Wird erledigt“ oder „Zurückgestellt“"));
}

#[test]
fn what_is_from_elsewhere_is_marked_as_english_and_never_markup() {
    let said = Said::as_is("expected <a>");
    assert_eq!(say("en", &said), "expected &lt;a&gt;");
    assert_eq!(say("de", &said), "<span lang=\"en\">expected &lt;a&gt;</span>");
    let given = said!("There is no catalog item `{key}`.", key = "<b>");
    assert_eq!(say("de", &given), "Den Katalogartikel „&lt;b&gt;“ gibt es nicht.");
}
