//! Somebody at the pages: a browser without scripts.
//!
//! A visitor does what people do: reads, clicks links and fills fields by their words, presses
//! buttons. On every page that they meet, what must be true of all pages is checked.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use http_body_util::BodyExt;
use scraper::{ElementRef, Html, Node, Selector};
use tower::ServiceExt;
use waypost_edge::Peer;

/// What a browser calls itself.
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0";

/// A line for hints, as a browser with scripts holds it open.
pub struct Listening {
    status: StatusCode,
    body: Body,
}

impl Listening {
    /// The status with which the line was opened.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What comes next; none when the line has ended.
    ///
    /// # Panics
    /// When nothing comes for half a minute.
    pub async fn next(&mut self) -> Option<String> {
        let next = tokio::time::timeout(Duration::from_secs(30), self.body.frame());
        let frame = next.await.expect("something comes or the line ends")?;
        let bytes = frame.ok()?.into_data().ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// A form of a page that changes something, as a browser sends it that nobody has touched.
#[derive(Debug, Clone)]
pub struct Form {
    /// Where it is sent.
    pub action: String,
    /// What is sent: its fields, and its first button.
    pub fields: Vec<(String, String)>,
    /// The names of all that can be filled in.
    pub names: BTreeSet<String>,
}

impl Form {
    /// Fills in a field.
    pub fn fill(&mut self, name: &str, value: &str) {
        self.fields.retain(|(known, _)| known != name);
        self.fields.push((name.to_owned(), value.to_owned()));
    }
}

/// Somebody at the pages.
#[derive(Clone)]
pub struct Visitor {
    front: Router,
    cookies: BTreeMap<String, String>,
    language: String,
    /// Where they come from, where it is known.
    from: Option<IpAddr>,
    /// The path of the page that is looked at.
    path: String,
    status: StatusCode,
    headers: HeaderMap,
    html: String,
    /// What was filled in and not sent yet.
    filled: Vec<(String, String)>,
}

impl Visitor {
    pub(crate) fn new(front: Router) -> Self {
        Self {
            front,
            cookies: BTreeMap::new(),
            language: "en".to_owned(),
            from: None,
            path: "/".to_owned(),
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            html: String::new(),
            filled: Vec::new(),
        }
    }

    /// The same with a browser in another language.
    #[must_use]
    pub fn speaking(self, language: &str) -> Self {
        Self { language: language.to_owned(), ..self }
    }

    /// The same, coming from an address of the network.
    #[must_use]
    pub fn coming_from(self, from: IpAddr) -> Self {
        Self { from: Some(from), ..self }
    }

    /// Opens an address.
    pub async fn visit(&mut self, path: &str) -> &mut Self {
        self.go(Method::GET, path.to_owned(), None, &[]).await;
        self
    }

    /// Clicks the link with these words.
    ///
    /// # Panics
    /// When there is none.
    pub async fn click(&mut self, words: &str) -> &mut Self {
        let links = self.all("a[href]");
        let found = links.iter().find(|(text, _)| text == words).or_else(|| {
            let holds = |(text, _): &&(String, String)| text.contains(words);
            links.iter().find(holds)
        });
        let href = found.map(|(_, href)| href.clone());
        let href = href.unwrap_or_else(|| panic!("no link `{words}` among {links:?}"));
        self.go(Method::GET, href, None, &[]).await;
        self
    }

    /// Fills in the field with this label.
    ///
    /// # Panics
    /// When there is none.
    pub fn fill(&mut self, label: &str, value: &str) -> &mut Self {
        let (name, value) = {
            let html = Html::parse_document(&self.html);
            let field = labelled(&html, label)
                .unwrap_or_else(|| panic!("no field `{label}` on {}:\n{}", self.path, self.text()));
            let name = field.attr("name").expect("a field has a name").to_owned();
            let value = match field.value().name() {
                // People choose by words.
                "select" => option(&field, value)
                    .unwrap_or_else(|| panic!("`{value}` is not offered by `{label}`")),
                _ if field.attr("type") == Some("radio") => {
                    field.attr("value").unwrap_or_default().to_owned()
                }
                _ => value.to_owned(),
            };
            (name, value)
        };
        self.filled.retain(|(known, _)| *known != name);
        self.filled.push((name, value));
        self
    }

    /// Presses the button with these words, which sends its form: the one that was filled in, or
    /// the first.
    ///
    /// # Panics
    /// When there is none, and when what was filled in is not of its form.
    pub async fn press(&mut self, words: &str) -> &mut Self {
        let (action, pairs) = self.form_of(words);
        self.filled.clear();
        self.go(Method::POST, action, Some(encoded(&pairs)), &[]).await;
        self
    }

    /// What pressing a button sends: the address and the fields.
    fn form_of(&self, words: &str) -> (String, Vec<(String, String)>) {
        let html = Html::parse_document(&self.html);
        let buttons: Vec<ElementRef<'_>> = html.select(&css("form button")).collect();
        let named = |button: &&ElementRef<'_>| words_of(button) == words;
        let has_all = |button: &&ElementRef<'_>| {
            let own = names_of(&form_around(button));
            self.filled.iter().all(|(name, _)| own.contains(name))
        };
        let button = buttons.iter().filter(named).find(has_all).unwrap_or_else(|| {
            let all: Vec<String> = buttons.iter().map(words_of).collect();
            let filled = &self.filled;
            let text = self.text();
            panic!("no button `{words}` for {filled:?} on {}, only {all:?}:\n{text}", self.path)
        });
        let form = form_around(button);
        assert_eq!(form.attr("method"), Some("post"), "`{words}` changes something");
        let untouched = fields_of(&form).into_iter();
        let untouched = untouched.filter(|(name, _)| !self.filled.iter().any(|(it, _)| it == name));
        let mut pairs: Vec<(String, String)> = untouched.collect();
        pairs.extend(self.filled.iter().cloned());
        if let Some(name) = button.attr("name") {
            pairs.push((name.to_owned(), button.attr("value").unwrap_or_default().to_owned()));
        }
        (form.attr("action").unwrap_or(&self.path).to_owned(), pairs)
    }

    /// Sends a form as whoever makes it up, with these headers.
    pub async fn post(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> &mut Self {
        let pairs: Vec<(String, String)> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.go(Method::POST, path.to_owned(), Some(encoded(&pairs)), headers).await;
        self
    }

    /// The forms of the page that change something.
    #[must_use]
    pub fn forms(&self) -> Vec<Form> {
        let html = Html::parse_document(&self.html);
        let (posts, named) = (css("form[method=post]"), css("button[name]"));
        let forms = html.select(&posts).map(|form| {
            let action = form.attr("action").unwrap_or(&self.path);
            let mut fields = fields_of(&form);
            let button = form.select(&named).next();
            fields.extend(button.map(|button| {
                let part = |name: &str| button.attr(name).unwrap_or_default().to_owned();
                (part("name"), part("value"))
            }));
            let action = action.split('?').next().unwrap_or_default().to_owned();
            Form { action, fields, names: names_of(&form) }
        });
        forms.collect()
    }

    /// Sends a form of the page.
    pub async fn send(&mut self, form: &Form) -> &mut Self {
        self.go(Method::POST, form.action.clone(), Some(encoded(&form.fields)), &[]).await;
        self
    }

    /// The methods that an address answers to.
    ///
    /// # Panics
    /// When it answers to any.
    pub async fn methods(&mut self, path: &str) -> Vec<String> {
        self.go(Method::PUT, path.to_owned(), Some(String::new()), &[]).await;
        assert_eq!(self.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        let allowed = self.header("allow").unwrap_or_default();
        allowed.split(',').map(|method| method.trim().to_owned()).collect()
    }

    /// The answer as it was sent, but for what is told apart from all others: the id of the
    /// request.
    #[must_use]
    pub fn answer(&self) -> String {
        let mut lines = vec![self.status.to_string()];
        let headers = self.headers.iter().filter(|(name, _)| !name.as_str().contains("request-id"));
        lines.extend(headers.map(|(name, value)| format!("{name}: {value:?}")));
        lines.push(self.html.clone());
        lines.join("\n")
    }

    /// Every text that a reader of the page may come upon, but for what is in another language than
    /// the page.
    #[must_use]
    pub fn words(&self) -> BTreeSet<String> {
        let html = Html::parse_document(&self.html);
        let mut words = BTreeSet::new();
        push_words(&html.root_element(), &mut words);
        words
    }

    /// Where a mark stands on the page, and what else stands there: `p` for a text in a paragraph,
    /// `input value` for an attribute, `<name>` for what should be none.
    #[must_use]
    pub fn places_of(&self, mark: &str) -> Vec<(String, String)> {
        let html = Html::parse_document(&self.html);
        let mut places = Vec::new();
        for node in html.tree.nodes() {
            let above = node.parent().and_then(ElementRef::wrap);
            let above = above.map(|element| element.value().name().to_owned());
            match node.value() {
                Node::Text(text) => {
                    if text.contains(mark) {
                        places.push((above.unwrap_or_default(), text.to_string()));
                    }
                }
                Node::Element(element) => {
                    let name = element.name();
                    if name.contains(mark) {
                        places.push(("<name>".to_owned(), name.to_owned()));
                    }
                    for (attribute, value) in element.attrs() {
                        if attribute.contains(mark) {
                            places.push(("<name>".to_owned(), attribute.to_owned()));
                        }
                        if value.contains(mark) {
                            places.push((format!("{name} {attribute}"), value.to_owned()));
                        }
                    }
                }
                other => {
                    let written = format!("{other:?}");
                    if written.contains(mark) {
                        places.push(("<name>".to_owned(), written));
                    }
                }
            }
        }
        places
    }

    /// Sends the last form again, as an impatient person does.
    pub async fn press_twice(&mut self, words: &str) -> &mut Self {
        let (filled, page, at) = (self.filled.clone(), self.html.clone(), self.path.clone());
        let _ = self.press(words).await;
        (self.filled, self.html, self.path) = (filled, page, at);
        self.press(words).await
    }

    /// Opens a line for hints.
    ///
    /// # Panics
    /// When the router does not answer.
    pub async fn listen(&self, path: &str) -> Listening {
        let request = Request::get(path)
            .header(header::HOST, "desk.test")
            .header(header::COOKIE, self.cookie_header());
        let request = request.body(Body::empty()).expect("a visitor sends what browsers send");
        let response = self.front.clone().oneshot(request).await.expect("a router answers");
        let (parts, body) = response.into_parts();
        Listening { status: parts.status, body }
    }

    /// What a part of the page has under an attribute: what its scripts read.
    #[must_use]
    pub fn attribute(&self, selector: &str, name: &str) -> Option<String> {
        let html = Html::parse_document(&self.html);
        let part = html.select(&css(selector)).next()?;
        part.attr(name).map(str::to_owned)
    }

    /// Opens the page again as a browser that has it with this tag, and says how it is answered.
    ///
    /// # Panics
    /// When a page that the browser has is sent again.
    pub async fn revisit(&mut self, tag: &str) -> StatusCode {
        let request = Request::get(self.path.as_str())
            .header(header::HOST, "desk.test")
            .header(header::COOKIE, self.cookie_header())
            .header(header::IF_NONE_MATCH, tag);
        let request = request.body(Body::empty()).expect("a visitor sends what browsers send");
        let response = self.front.clone().oneshot(request).await.expect("a router answers");
        let status = response.status();
        let body = response.into_body().collect().await.expect("a page is whole").to_bytes();
        assert_eq!(body.is_empty(), status == StatusCode::NOT_MODIFIED);
        status
    }

    fn cookie_header(&self) -> String {
        let all = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        all.collect::<Vec<_>>().join("; ")
    }

    /// The words of a part of the page.
    #[must_use]
    pub fn part(&self, selector: &str) -> String {
        let html = Html::parse_document(&self.html);
        html.select(&css(selector)).next().map(|part| words_of(&part)).unwrap_or_default()
    }

    /// The status of the page.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// A header of the page.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The path of the page.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The page as it was sent.
    #[must_use]
    pub fn html(&self) -> &str {
        &self.html
    }

    /// The words of the page, without those around it.
    #[must_use]
    pub fn text(&self) -> String {
        let html = Html::parse_document(&self.html);
        html.select(&css("main")).next().map(|main| words_of(&main)).unwrap_or_default()
    }

    /// The words of all links of the page.
    #[must_use]
    pub fn links(&self) -> Vec<String> {
        self.all("a[href]").into_iter().map(|(text, _)| text).collect()
    }

    /// Where all links and forms of the page lead.
    #[must_use]
    pub fn addresses(&self) -> Vec<String> {
        let html = Html::parse_document(&self.html);
        let leading = css("a[href], form[action]");
        let of = |one: ElementRef<'_>| {
            let to = one.attr("href").or_else(|| one.attr("action"));
            to.map(str::to_owned)
        };
        html.select(&leading).filter_map(of).collect()
    }

    /// The words of all buttons of the page.
    #[must_use]
    pub fn buttons(&self) -> Vec<String> {
        let html = Html::parse_document(&self.html);
        html.select(&css("button")).map(|button| words_of(&button)).collect()
    }

    /// The secret that the browser keeps, if somebody is signed in.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    fn all(&self, selector: &str) -> Vec<(String, String)> {
        let html = Html::parse_document(&self.html);
        let selector = css(selector);
        html.select(&selector)
            .map(|one| (words_of(&one), one.attr("href").unwrap_or_default().to_owned()))
            .collect()
    }

    async fn go(
        &mut self,
        method: Method,
        path: String,
        body: Option<String>,
        headers: &[(&str, &str)],
    ) {
        let (mut method, mut path, mut body) = (method, path, body);
        for _ in 0..5 {
            // What is behind the sign is for the browser alone.
            let bare = path.split('#').next().unwrap_or_default().to_owned();
            let mut request = Request::builder()
                .method(&method)
                .uri(&bare)
                .header(header::ACCEPT_LANGUAGE, &self.language);
            let usual = [("host", "desk.test"), ("user-agent", FIREFOX)];
            let is_given = |name: &str| headers.iter().any(|(given, _)| *given == name);
            for (name, value) in usual.into_iter().filter(|(name, _)| !is_given(name)) {
                request = request.header(name, value);
            }
            if !self.cookies.is_empty() {
                request = request.header(header::COOKIE, self.cookie_header());
            }
            if body.is_some() {
                request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
                if headers.is_empty() {
                    request = request
                        .header("sec-fetch-site", "same-origin")
                        .header(header::ORIGIN, "https://desk.test");
                }
            }
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            if let Some(from) = self.from {
                request = request.extension(Peer(from));
            }
            let sent = body.take().map_or_else(Body::empty, Body::from);
            let request = request.body(sent).expect("a visitor sends what browsers send");
            let response = self.front.clone().oneshot(request).await.expect("a router answers");
            let (parts, answer) = response.into_parts();
            let bytes = answer.collect().await.expect("a page is whole").to_bytes();
            self.keep_cookies(&parts.headers);
            self.status = parts.status;
            if parts.status.is_redirection()
                && parts.status != StatusCode::NOT_MODIFIED
                && let Some(to) = parts.headers.get(header::LOCATION)
            {
                path = to.to_str().expect("an address is plain").to_owned();
                method = Method::GET;
                continue;
            }
            self.headers = parts.headers;
            self.path = bare;
            self.html = String::from_utf8(bytes.to_vec()).expect("a page is UTF-8");
            self.filled.clear();
            self.check();
            return;
        }
        panic!("{path} leads around in a circle");
    }

    fn keep_cookies(&mut self, headers: &HeaderMap) {
        for value in headers.get_all(header::SET_COOKIE) {
            let text = value.to_str().expect("a cookie is plain");
            let (pair, rest) = text.split_once(';').unwrap_or((text, ""));
            let (name, value) = pair.split_once('=').expect("a cookie has a name");
            for needed in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
                assert!(rest.contains(needed), "the cookie {name} lacks {needed}");
            }
            if value.is_empty() || rest.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// What must be true of every page, whoever looks at it.
    fn check(&self) {
        let place = format!("{} ({})", self.path, self.status);
        let is_page = self.header("content-type").is_some_and(|it| it.starts_with("text/html"));
        assert!(is_page, "{place} is no page: {:?}\n{}", self.headers, self.html);
        assert_eq!(
            self.header("content-security-policy"),
            Some(
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                 form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
            ),
            "{place}"
        );
        let vary = self.header("vary").unwrap_or_default();
        assert!(vary.contains("cookie") && vary.contains("accept-language"), "{place}: {vary}");
        assert!(self.header("strict-transport-security").is_some(), "{place}");
        let html = Html::parse_document(&self.html);
        assert!(html.errors.is_empty(), "{place}: {:?}", html.errors);
        let all = |selector: &str| html.select(&css(selector)).collect::<Vec<_>>();
        assert!(all("html").iter().all(|root| root.attr("lang").is_some()), "{place}: lang");
        assert_eq!(all("h1").len(), 1, "{place}: one h1");
        assert_eq!(all("main").len(), 1, "{place}: one main");
        let mut level = 1;
        for heading in all("h1, h2, h3, h4") {
            let own = heading.value().name()[1..].parse::<u8>().expect("a heading has a level");
            assert!(own <= level + 1, "{place}: h{own} after h{level}");
            level = own;
            assert!(!words_of(&heading).is_empty(), "{place}: a heading says something");
        }
        let mut ids = BTreeSet::new();
        for one in all("[id]") {
            let id = one.attr("id").unwrap_or_default();
            assert!(ids.insert(id), "{place}: two have the id {id}");
        }
        let is_there = |list: &str| list.split_whitespace().all(|id| ids.contains(id));
        for name in ["aria-describedby", "aria-labelledby", "for"] {
            for one in all(&format!("[{name}]")) {
                let list = one.attr(name).unwrap_or_default();
                assert!(is_there(list), "{place}: {name} names {list}, which is not there");
            }
        }
        for field in all("input:not([type=hidden]), select, textarea") {
            let id = field.attr("id").unwrap_or_default();
            let is_labelled = !all(&format!("label[for=\"{id}\"]")).is_empty();
            assert!(is_labelled, "{place}: the field {:?} has no label", field.attr("name"));
        }
        for one in all("button, a[href], summary") {
            assert!(!words_of(&one).is_empty(), "{place}: {} has no name", one.html());
        }
        for table in all("table") {
            assert!(table.select(&css("caption")).next().is_some(), "{place}: a table's caption");
        }
        for cell in all("th") {
            assert!(cell.attr("scope").is_some(), "{place}: the scope of {}", words_of(&cell));
        }
        for one in all("*") {
            for (name, _) in one.value().attrs() {
                assert!(name != "style" && !name.starts_with("on"), "{place}: inline {name}");
            }
        }
        assert!(all("style, script:not([src])").is_empty(), "{place}: nothing is inline");
        for link in all("a[href], form[action], link[href], img[src]") {
            let of = ["href", "action", "src"].into_iter().find_map(|name| link.attr(name));
            let to = of.unwrap_or_default();
            let is_written = link.attr("rel").is_some_and(|rel| rel.contains("noopener"));
            assert!(is_written || leads_to_a_page(to), "{place}: {to} leads nowhere");
        }
    }
}

/// Whether an address is a page of ours.
fn leads_to_a_page(to: &str) -> bool {
    // What begins so is a part of the same page.
    to.is_empty() || to.starts_with(['?', '#']) || route_of(to).is_some()
}

/// The route of an address.
#[must_use]
pub fn route_of(address: &str) -> Option<&'static str> {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    let parts: Vec<&str> = path.split('/').collect();
    waypost_web::ROUTES.iter().copied().find(|route| {
        let known: Vec<&str> = route.split('/').collect();
        known.len() == parts.len()
            && known
                .iter()
                .zip(&parts)
                .all(|(known, part)| known.starts_with('{') && !part.is_empty() || known == part)
    })
}

fn css(selector: &str) -> Selector {
    Selector::parse(selector).expect("a selector of ours")
}

fn words_of(element: &ElementRef<'_>) -> String {
    let text: String = seen_texts(element).join(" ");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    // An image says what it shows.
    if text.is_empty() { element.attr("aria-label").unwrap_or_default().to_owned() } else { text }
}

/// All texts below an element, and those of attributes that are read out or shown, but for what is
/// in a language of its own.
fn push_words(element: &ElementRef<'_>, words: &mut BTreeSet<String>) {
    let name = element.value().name();
    if name != "html" && element.attr("lang").is_some() || matches!(name, "script" | "style") {
        return;
    }
    for attribute in ["title", "aria-label", "placeholder", "alt"] {
        words.extend(element.attr(attribute).map(str::to_owned));
    }
    for child in element.children() {
        if let Some(text) = child.value().as_text() {
            words.insert(text.split_whitespace().collect::<Vec<_>>().join(" "));
        } else if let Some(inner) = ElementRef::wrap(child) {
            push_words(&inner, words);
        }
    }
}

/// The texts of an element, without those that only a script uncovers.
fn seen_texts(element: &ElementRef<'_>) -> Vec<String> {
    let mut texts = Vec::new();
    for child in element.children() {
        if let Some(text) = child.value().as_text() {
            texts.push(text.to_string());
        } else if let Some(inner) = ElementRef::wrap(child)
            && inner.attr("hidden").is_none()
        {
            texts.extend(seen_texts(&inner));
        }
    }
    texts
}

/// The field whose label begins with these words.
fn labelled<'a>(html: &'a Html, words: &str) -> Option<ElementRef<'a>> {
    let labels: Vec<ElementRef<'a>> = html.select(&css("label[for]")).collect();
    let is = |label: &&ElementRef<'_>| words_of(label) == words;
    let begins = |label: &&ElementRef<'_>| words_of(label).starts_with(words);
    let label = labels.iter().find(is).or_else(|| labels.iter().find(begins))?;
    let id = label.attr("for")?;
    html.select(&css(&format!("[id=\"{id}\"]"))).next()
}

fn option(select: &ElementRef<'_>, words: &str) -> Option<String> {
    let options: Vec<ElementRef<'_>> = select.select(&css("option")).collect();
    let is = |option: &&ElementRef<'_>| words_of(option) == words;
    let begins = |option: &&ElementRef<'_>| words_of(option).starts_with(words);
    let found = options.iter().find(is).or_else(|| options.iter().find(begins))?;
    Some(found.attr("value").unwrap_or_default().to_owned())
}

/// The form that a button sends.
fn form_around<'a>(button: &ElementRef<'a>) -> ElementRef<'a> {
    let above = button.ancestors().filter_map(ElementRef::wrap);
    let mut forms = above.filter(|one| one.value().name() == "form");
    forms.next().expect("a button is in a form")
}

/// The names of all fields of a form.
fn names_of(form: &ElementRef<'_>) -> BTreeSet<String> {
    let named = css("[name]");
    form.select(&named).filter_map(|field| field.attr("name")).map(str::to_owned).collect()
}

/// What a browser sends of a form that nobody has touched.
fn fields_of(form: &ElementRef<'_>) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for field in form.select(&css("input[name], select[name], textarea[name]")) {
        let name = field.attr("name").unwrap_or_default().to_owned();
        let value = match field.value().name() {
            "select" => {
                let options: Vec<ElementRef<'_>> = field.select(&css("option")).collect();
                let chosen = options.iter().find(|one| one.attr("selected").is_some());
                let chosen = chosen.or(options.first());
                chosen.and_then(|one| one.attr("value")).unwrap_or_default().to_owned()
            }
            "textarea" => {
                let text: String = field.text().collect();
                // The first line end belongs to the tag.
                text.strip_prefix('\n').unwrap_or(&text).to_owned()
            }
            _ => {
                let kind = field.attr("type").unwrap_or("text");
                if matches!(kind, "radio" | "checkbox") && field.attr("checked").is_none() {
                    continue;
                }
                field.attr("value").unwrap_or_default().to_owned()
            }
        };
        pairs.push((name, value));
    }
    pairs
}

fn encoded(pairs: &[(String, String)]) -> String {
    let part = |text: &str| {
        let mut encoded = String::new();
        for byte in text.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                    encoded.push(char::from(byte));
                }
                b' ' => encoded.push('+'),
                // As browsers end lines.
                b'\r' => {}
                b'\n' => encoded.push_str("%0D%0A"),
                other => {
                    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or('0');
                    encoded.extend(['%', digit(other >> 4), digit(other & 15)]);
                }
            }
        }
        encoded
    };
    let all: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", part(name), part(value))).collect();
    all.join("&")
}
