//! The viewer's own settings: language and zone, where they are signed in, who votes for them.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use waypost_app::{
    CommandError,
    delegations::{self, DelegationView, NewDelegation},
    me::{self, Preferences},
    passwords, sign_ins,
    tickets::PersonRef,
};
use waypost_domain::{
    ids::{DelegationId, SignInId},
    refusal::FieldFault,
    said,
    ticket::FieldType,
};

use crate::{
    WebState,
    choices::Choices,
    error::PageError,
    form::{Faults, Field, Fields, Form, Problem, Query, Widget},
    once::{NotDone, once, to},
    page::{Page, show as show_page, show_as},
    people::by_name,
    time::When,
    viewer::Viewer,
    words::Words,
};

/// So many are overseen; what is not over is the first of it.
const MOST_DELEGATIONS: u32 = 50;

#[derive(Template)]
#[template(path = "portal/me.html")]
struct MePage {
    p: Page,
    role: String,
    is_at_home: bool,
    settings: Vec<Field>,
    looks: Vec<Field>,
    devices: Vec<Device>,
    /// The viewer's password, where there are any.
    password: Option<Secret>,
    /// Where they prove who they are before they appoint a stand-in; none where they did lately.
    again: Option<String>,
    delegations: Vec<Delegation>,
    delegating: Vec<Field>,
    problems: Vec<Problem>,
    once: String,
}

/// Whether the viewer has a password.
struct Secret {
    since: Option<When>,
}

/// A browser in which the viewer is signed in.
struct Device {
    name: String,
    created: When,
    used: When,
    is_this: bool,
    end: String,
}

/// Who votes for whom.
struct Delegation {
    from: String,
    to: String,
    starts: When,
    ends: When,
    is_in_force: bool,
    /// Where it is ended, while it can be.
    end: Option<String>,
}

/// Where a person is named.
const TO: [(&str, FieldType); 1] = [("to", FieldType::Person)];

/// Which of the forms was refused.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    Settings,
    Delegating,
}

pub(crate) async fn show(
    State(state): State<WebState>,
    viewer: Viewer,
    query: Query,
) -> Result<Response, PageError> {
    let page = page(&state, &viewer, None, &Faults::default()).await?;
    Ok(show_page(&MePage { p: page.p.telling(&query), ..page }))
}

async fn page(
    state: &WebState,
    viewer: &Viewer,
    form: Option<(Which, &Form)>,
    faults: &Faults,
) -> Result<MePage, CommandError> {
    let words = viewer.words;
    let none = Faults::default();
    let of = |which: Which| form.filter(|(known, _)| *known == which).map(|(_, form)| form);
    let faults_of = |which: Which| if of(which).is_some() { faults } else { &none };
    let mut choices = Choices::default();
    choices.offer(&state.desk, viewer.caller(), of(Which::Delegating), &TO).await?;
    let make = Fields {
        words,
        choices: &choices,
        form: of(Which::Settings),
        faults: faults_of(Which::Settings),
        prefix: "me",
    };
    let languages = Words::all()
        .iter()
        .map(|one| (one.tag().to_owned(), one.language.language_name().to_owned()));
    let language = make.value("language", Some(words.tag().to_owned()));
    let zone = make.value("zone", viewer.who.own_zone.map(|zone| zone.to_string()));
    let settings = vec![
        make.of(
            "language",
            words.name("field", "language"),
            None,
            true,
            make.select(languages, true, &language),
        ),
        make.of(
            "zone",
            words.name("field", "zone"),
            Some(words.text.me_zone_hint()),
            false,
            Widget::Line { kind: "text", value: zone },
        ),
    ];
    let make = Fields {
        words,
        choices: &choices,
        form: of(Which::Delegating),
        faults: faults_of(Which::Delegating),
        prefix: "delegate",
    };
    let line = |name: &str, kind: &'static str, is_required: bool| {
        let value = make.value(name, None);
        let label = words.name("field", &format!("delegation-{name}"));
        make.of(name, label, None, is_required, Widget::Line { kind, value })
    };
    let delegating = vec![
        line("to", "text", true),
        line("starts_at", "datetime-local", false),
        line("ends_at", "datetime-local", true),
        line("reason", "text", true),
    ];
    let problems = match form {
        Some((Which::Settings, _)) => faults.summary(&settings, words),
        Some((Which::Delegating, _)) => faults.summary(&delegating, words),
        None => Vec::new(),
    };
    let planned = delegations::own(&state.desk, viewer.caller(), MOST_DELEGATIONS).await?;
    let planned = planned.iter().map(|view| delegation(viewer, view));
    let is_at_home = viewer.who.home == viewer.who.organization.key;
    let password = if is_at_home && state.desk.takes_passwords() {
        let since = passwords::set_at(&state.desk, &viewer.who).await?;
        Some(Secret { since: since.map(|at| viewer.clock.at(at)) })
    } else {
        None
    };
    let devices = sign_ins::devices(&state.desk, &viewer.who).await?;
    Ok(MePage {
        p: Page::shared(viewer, words.text.me_title()).refused(!problems.is_empty()),
        role: words.name("role", viewer.caller().role.as_str()),
        is_at_home,
        settings,
        looks: viewer.looks.fields(words, viewer.is_desk()),
        password,
        again: (!viewer.who.has_recently_proven()).then(|| viewer.again("me")),
        devices: devices
            .into_iter()
            .map(|one| Device {
                name: browser(&one.device, viewer.words),
                created: viewer.clock.at(one.created_at),
                used: viewer.clock.when(one.used_at),
                is_this: one.is_this,
                end: viewer.at(&format!("me/devices/{}/end", one.id)),
            })
            .collect(),
        delegations: planned.collect(),
        delegating,
        problems,
        once: state.edge.entropy.id(viewer.caller().now).to_string(),
    })
}

fn delegation(viewer: &Viewer, view: &DelegationView) -> Delegation {
    let planned = &view.delegation;
    let is_open = planned.ended.is_none() && planned.ends_at > viewer.caller().now;
    let is_own = viewer.caller().person() == Some(planned.from);
    Delegation {
        from: viewer.words.person(&view.from),
        to: viewer.words.person(&view.to),
        starts: viewer.clock.at(planned.starts_at),
        ends: viewer.clock.at(planned.ends_at),
        is_in_force: view.in_force,
        end: (is_open && is_own).then(|| viewer.at(&format!("me/delegations/{}/end", planned.id))),
    }
}

/// What a browser calls itself, for people: the browser and the system, as far as they are known.
fn browser(device: &str, words: &Words) -> String {
    let first = |known: &[(&str, &'static str)]| {
        known.iter().find(|(sign, _)| device.contains(sign)).map(|(_, name)| *name)
    };
    // Each of these also calls itself by the names behind it.
    let browser = first(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ]);
    let system = first(&[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser}, {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => words.text.me_unknown_device(),
    }
}

/// Sets language and zone.
pub(crate) async fn prefer(
    State(state): State<WebState>,
    viewer: Viewer,
    form: Form,
) -> Result<Response, PageError> {
    let given = |name: &str| form.get(name).map(str::to_owned);
    let preferences = Preferences { language: given("language"), zone: given("zone") };
    match me::prefer(&state.desk, viewer.caller(), preferences).await {
        Ok(()) => Ok(to(&viewer.at("me?done=edit"))),
        Err(error) => refused(&state, &viewer, Which::Settings, &form, error).await,
    }
}

async fn refused(
    state: &WebState,
    viewer: &Viewer,
    which: Which,
    form: &Form,
    error: CommandError,
) -> Result<Response, PageError> {
    let faults = Faults::of_error(error)?;
    let page = page(state, viewer, Some((which, form)), &faults).await?;
    Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

/// Ends a sign-in of the viewer.
pub(crate) async fn end_device(
    State(state): State<WebState>,
    viewer: Viewer,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let id: SignInId = id.parse().map_err(|_| PageError::not_found())?;
    sign_ins::end(&state.desk, &viewer.who, id).await?;
    Ok(to(&viewer.at("me?done=device_ended")))
}

/// Ends all other sign-ins of the viewer.
pub(crate) async fn end_others(
    State(state): State<WebState>,
    viewer: Viewer,
) -> Result<Response, PageError> {
    sign_ins::end_others(&state.desk, &viewer.who).await?;
    Ok(to(&viewer.at("me?done=devices_ended")))
}

/// Plans who votes for the viewer.
pub(crate) async fn delegate(
    State(state): State<WebState>,
    viewer: Viewer,
    form: Form,
) -> Result<Response, PageError> {
    // Whoever votes for somebody has their power.
    viewer.must_have_proven("me")?;
    let done = once(&state.desk, &viewer, &form, async |caller| {
        let time = |name: &str| match form.said(name) {
            None => Ok(None),
            Some(given) => viewer.clock.given(given).map(Some).ok_or_else(|| {
                let fault = FieldFault {
                    pointer: format!("/{name}"),
                    code: "invalid",
                    message: said!("This is no time; choose one, such as 2026-06-08 12:00."),
                };
                CommandError::Invalid(vec![fault])
            }),
        };
        let missing = |name: &str| {
            let fault = FieldFault {
                pointer: format!("/{name}"),
                code: FieldFault::MISSING,
                message: said!("Fill this in."),
            };
            CommandError::Invalid(vec![fault])
        };
        let named = by_name(&state.desk, &caller, &form, &TO).await?;
        let new = NewDelegation {
            from: None,
            to: PersonRef::parse(named.said("to").ok_or_else(|| missing("to"))?),
            category: None,
            service: None,
            catalog_item: None,
            starts_at: time("starts_at")?,
            ends_at: time("ends_at")?.ok_or_else(|| missing("ends_at"))?,
            reason: form.said("reason").unwrap_or_default().to_owned(),
        };
        delegations::plan(&state.desk, &caller, new).await?;
        Ok(viewer.at("me?done=delegate_vote"))
    });
    match done.await {
        Ok(response) => Ok(response),
        Err(NotDone::Failed(error)) => Err(error),
        Err(NotDone::Refused(error)) => {
            refused(&state, &viewer, Which::Delegating, &form, error).await
        }
    }
}

/// Ends a delegation early.
pub(crate) async fn end_delegation(
    State(state): State<WebState>,
    viewer: Viewer,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let id: DelegationId = id.parse().map_err(|_| PageError::not_found())?;
    delegations::end(&state.desk, viewer.caller(), id).await?;
    Ok(to(&viewer.at("me?done=delegation_ended")))
}
