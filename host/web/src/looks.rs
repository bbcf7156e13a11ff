//! How pages look in one browser: light, dark or with more contrast, with keys or without. It is
//! kept there, since a telephone at night is not the screen at work.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};

use crate::{
    WebState,
    error::PageError,
    form::{Choice, Field, Form, Widget},
    once::to,
    viewer::{Viewer, cookie},
    words::Words,
};

const COOKIE: &str = "looks";
/// A year.
const KEPT_SECONDS: u32 = 31_536_000;
/// What a page can look like; the first is what the system of the viewer says.
const THEMES: [&str; 4] = ["system", "light", "dark", "contrast"];

/// How pages look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Looks {
    /// `system`, `light`, `dark`, or `contrast`: more of it, light or dark as the system says.
    pub(crate) theme: &'static str,
    /// Whether single keys do something at the desk.
    pub(crate) has_keys: bool,
}

impl Default for Looks {
    fn default() -> Self {
        Self { theme: THEMES[0], has_keys: true }
    }
}

impl Looks {
    /// As the browser has kept it.
    pub(crate) fn read(headers: &HeaderMap) -> Self {
        let kept = cookie(headers, COOKIE).unwrap_or_default();
        let mut words = kept.split('.');
        let theme = words.next().and_then(theme_of).unwrap_or(THEMES[0]);
        Self { theme, has_keys: words.next() != Some("quiet") }
    }

    fn written(self) -> String {
        format!("{}.{}", self.theme, if self.has_keys { "keys" } else { "quiet" })
    }

    /// The fields of the form that sets them.
    pub(crate) fn fields(self, words: &Words, is_desk: bool) -> Vec<Field> {
        let t = &words.text;
        let choice = |value: &str, label: String, is_chosen: bool| Choice {
            value: value.to_owned(),
            label,
            is_chosen,
        };
        let themes = vec![
            choice("system", t.theme_system(), self.theme == "system"),
            choice("light", t.theme_light(), self.theme == "light"),
            choice("dark", t.theme_dark(), self.theme == "dark"),
            choice("contrast", t.theme_contrast(), self.theme == "contrast"),
        ];
        let keys = Widget::Flag { is_set: Some(self.has_keys) };
        let mut fields = vec![field("theme", t.theme_label(), Widget::Radios { options: themes })];
        if is_desk {
            let hint = Some(t.keys_hint());
            fields.push(Field { hint, ..field("keys", t.keys_label(), keys) });
        }
        fields
    }
}

fn theme_of(name: &str) -> Option<&'static str> {
    THEMES.into_iter().find(|theme| *theme == name)
}

fn field(name: &str, label: String, widget: Widget) -> Field {
    Field {
        name: name.to_owned(),
        id: format!("looks-{name}"),
        label,
        hint: None,
        error: None,
        is_required: true,
        widget,
        was: None,
        picks: Vec::new(),
    }
}

/// Sets how pages look in this browser. What is not given stays as it is.
pub(crate) async fn set(
    State(state): State<WebState>,
    viewer: Viewer,
    form: Form,
) -> Result<Response, PageError> {
    let now = viewer.looks;
    let theme = form.get("theme").and_then(theme_of).unwrap_or(now.theme);
    let has_keys = form.get("keys").map_or(now.has_keys, |keys| keys == "true");
    let secure = if state.site.is_https() { " Secure;" } else { "" };
    let kept = Looks { theme, has_keys }.written();
    let cookie =
        format!("{COOKIE}={kept}; HttpOnly;{secure} SameSite=Lax; Path=/; Max-Age={KEPT_SECONDS}");
    let mut response = to(&viewer.at("me?done=edit")).into_response();
    let value = HeaderValue::from_str(&cookie).map_err(|_| PageError::bad_request())?;
    response.headers_mut().insert(header::SET_COOKIE, value);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again_and_nonsense_is_nothing() {
        let read = |text: &str| {
            let value = HeaderValue::from_str(text).unwrap();
            Looks::read(&HeaderMap::from_iter([(header::COOKIE, value)]))
        };
        for looks in THEMES.map(|theme| Looks { theme, has_keys: theme != "dark" }) {
            assert_eq!(read(&format!("looks={}", looks.written())), looks);
        }
        for nonsense in ["", "looks=", "looks=<b>.loud", "looks=blue.keys.x", "other=dark.quiet"] {
            assert_eq!(read(nonsense), Looks::default(), "{nonsense}");
        }
    }
}
