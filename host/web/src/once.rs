//! Carrying a form out once: a form that is sent twice leads to what the first one did.

use std::future::Future;

use axum::response::{IntoResponse, Redirect, Response};
use waypost_app::{
    Caller, CommandError, Desk,
    idempotency::{self, Begun, Request},
};

use crate::{error::PageError, form::Form, viewer::Viewer};

/// The hidden field that tells apart what a form is sent for: what is sent again with the same one,
/// and the same in every other field, is a repeat.
pub(crate) const ONCE: &str = "_once";

/// Why a form was not carried out.
#[derive(Debug)]
pub(crate) enum NotDone {
    /// The desk refused it: it may be shown again with what is wrong.
    Refused(CommandError),
    /// There is nothing to show again.
    Failed(PageError),
}

impl From<CommandError> for NotDone {
    fn from(error: CommandError) -> Self {
        Self::Refused(error)
    }
}

impl From<PageError> for NotDone {
    fn from(error: PageError) -> Self {
        Self::Failed(error)
    }
}

/// Without a form to show again, everything is an error.
impl From<NotDone> for PageError {
    fn from(not_done: NotDone) -> Self {
        match not_done {
            NotDone::Refused(error) => error.into(),
            NotDone::Failed(error) => error,
        }
    }
}

/// Carries a form out, unless it was already, and leads to the address that says so.
pub(crate) async fn once<F: Future<Output = Result<String, CommandError>>>(
    desk: &Desk,
    viewer: &Viewer,
    form: &Form,
    work: impl FnOnce(Caller) -> F,
) -> Result<Response, NotDone> {
    let Some(request) = repeatable(viewer, form) else {
        return Ok(to(&work(viewer.caller().clone()).await?));
    };
    match idempotency::begin(desk, viewer.caller(), &request).await? {
        Begun::Replay { response, .. } => {
            let address = String::from_utf8(response).map_err(|_| PageError::answer_lost())?;
            Ok(to(&address))
        }
        Begun::InProgress => Err(PageError::in_progress().into()),
        Begun::AnswerLost => Err(PageError::answer_lost().into()),
        Begun::Reused => Err(PageError::bad_request().into()),
        Begun::Fresh(carrying) => {
            let address = work(carrying.caller()).await?;
            carrying.answered(303, address.clone().into_bytes());
            Ok(to(&address))
        }
    }
}

/// What a form asks for, as a repeat of it is known; none for a form of which every one is new.
pub(crate) fn repeatable(viewer: &Viewer, form: &Form) -> Option<Request> {
    let key = form.get(ONCE).filter(|key| !key.is_empty())?;
    // What was shown and what was filled in: whoever corrects a form, or sends another one from the
    // same page, sends something else.
    let digest = form.digest();
    let digest = digest.iter().take(16).fold(0_u128, |all, byte| (all << 8) | u128::from(*byte));
    Some(Request {
        method: "POST".to_owned(),
        path: viewer.path.to_string(),
        key: format!("{key}.{digest:032x}"),
        body_digest: form.digest(),
        at: viewer.caller().now,
    })
}

/// Leads to a page.
pub(crate) fn to(address: &str) -> Response {
    Redirect::to(address).into_response()
}
