//! The viewer's own password: set, changed and removed by themselves alone.
//!
//! Its forms are not carried out once (`once.rs`): what they are recognized by would be kept, and a
//! digest of a password is a password to whoever guesses.

use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};
use waypost_app::{
    CommandError, passwords,
    sign_ins::{Letter, Receiver},
};
use waypost_domain::password::{MAX_CHARS, MIN_CHARS, Password};

use crate::{
    WebState,
    choices::Choices,
    error::PageError,
    form::{Faults, Field, Fields, Form, Problem, Widget},
    once::to,
    page::{Page, show as show_page, show_as},
    sign_in::words_of,
    time::When,
    viewer::Viewer,
    words::Words,
};

#[derive(Template)]
#[template(path = "sign_in/password.html")]
struct PasswordPage {
    p: Page,
    /// Since when there is one.
    since: Option<When>,
    fields: Vec<Field>,
    problems: Vec<Problem>,
}

/// Shows where it is set. Who comes here proves first who they are, so that nothing is filled in
/// for nothing.
pub(crate) async fn show(
    State(state): State<WebState>,
    viewer: Viewer,
) -> Result<Response, PageError> {
    must_be_on(&state)?;
    viewer.must_have_proven("me/password")?;
    Ok(show_page(&page(&state, &viewer, &Faults::default()).await?))
}

async fn page(
    state: &WebState,
    viewer: &Viewer,
    faults: &Faults,
) -> Result<PasswordPage, CommandError> {
    let words = viewer.words;
    let choices = Choices::default();
    let make = Fields { words, choices: &choices, form: None, faults, prefix: "new" };
    // What was typed is never sent back.
    let line = |name: &str, label: String, hint: Option<String>| {
        make.of(name, label, hint, true, Widget::Line { kind: "password", value: String::new() })
    };
    let hint = words.text.password_hint(MIN_CHARS, MAX_CHARS);
    let fields = vec![
        line("password", words.text.password_new(), Some(hint)),
        line("again", words.text.password_again(), None),
    ];
    let problems = faults.summary(&fields, words);
    let since = passwords::set_at(&state.desk, &viewer.who).await?;
    let title =
        if since.is_some() { words.text.password_change() } else { words.text.password_set() };
    Ok(PasswordPage {
        p: Page::shared(viewer, title).refused(!problems.is_empty()),
        since: since.map(|at| viewer.clock.at(at)),
        fields,
        problems,
    })
}

/// Sets it.
pub(crate) async fn set(
    State(state): State<WebState>,
    viewer: Viewer,
    form: Form,
) -> Result<Response, PageError> {
    must_be_on(&state)?;
    viewer.must_have_proven("me/password")?;
    let given = |name: &str| Password::of(form.get(name).unwrap_or_default());
    let password = given("password");
    let done = if password == given("again") {
        let letter = |to: &Receiver| {
            let (words, organization) = (words_of(to, viewer.words), &to.organization.name);
            Letter {
                subject: words.text.letter_password_subject(organization),
                body: words.text.letter_password_set(&to.name, organization),
            }
        };
        passwords::set(&state.desk, &viewer.who, &password, letter).await
    } else {
        Err(passwords::differs("/again"))
    };
    match done {
        Ok(()) => Ok(to(&viewer.at("me?done=password"))),
        Err(error) => {
            let faults = Faults::of_error(error)?;
            let page = page(&state, &viewer, &faults).await?;
            Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
    }
}

/// Removes it.
pub(crate) async fn remove(
    State(state): State<WebState>,
    viewer: Viewer,
) -> Result<Response, PageError> {
    must_be_on(&state)?;
    viewer.must_have_proven("me/password")?;
    let letter = |to: &Receiver| {
        let (words, organization): (&Words, _) =
            (words_of(to, viewer.words), &to.organization.name);
        Letter {
            subject: words.text.letter_password_subject(organization),
            body: words.text.letter_password_removed(&to.name, organization),
        }
    };
    passwords::remove(&state.desk, &viewer.who, letter).await?;
    Ok(to(&viewer.at("me?done=password_removed")))
}

/// The letter to somebody whose password an administrator removed; in English where nobody knows
/// what they read.
#[must_use]
pub fn letter_of_removal(to: &Receiver) -> Letter {
    let words = words_of(to, Words::accepted(None));
    let organization = &to.organization.name;
    Letter {
        subject: words.text.letter_password_subject(organization),
        body: words.text.letter_password_taken(&to.name, organization),
    }
}

/// Without passwords, there is no such page.
fn must_be_on(state: &WebState) -> Result<(), PageError> {
    if state.desk.takes_passwords() { Ok(()) } else { Err(PageError::not_found()) }
}
