//! Texts that people wrote, as HTML: escaped, with links and line breaks found.

use std::fmt;

use askama::filters::HtmlSafe;

/// HTML that was made here from a text: everything in it is escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Html(String);

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl askama::FastWritable for Html {
    fn write_into(&self, to: &mut dyn fmt::Write, _: &dyn askama::Values) -> askama::Result<()> {
        Ok(to.write_str(&self.0)?)
    }
}

impl HtmlSafe for Html {}

impl Html {
    /// A text without any markup.
    pub(crate) fn plain(text: &str) -> Self {
        let mut html = String::with_capacity(text.len() + text.len() / 8);
        push_escaped(text, &mut html);
        Self(html)
    }

    /// A text in English, in a page of another language.
    pub(crate) fn english(text: &str) -> Self {
        Self(format!("<span lang=\"en\">{}</span>", Self::plain(text)))
    }

    /// Several, one after the other.
    pub(crate) fn joined(all: &[Self]) -> Self {
        Self(all.iter().map(|one| one.0.as_str()).collect::<Vec<_>>().join(" "))
    }
}

/// What a text looks like in a page. Blank lines part paragraphs.
pub(crate) fn html(text: &str) -> Html {
    let mut html = String::with_capacity(text.len() + text.len() / 8);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    for paragraph in text.split("\n\n").map(|part| part.trim_matches('\n')) {
        if paragraph.trim().is_empty() {
            continue;
        }
        html.push_str("<p>");
        for (place, line) in paragraph.split('\n').enumerate() {
            if place > 0 {
                html.push_str("<br>");
            }
            push_line(line, &mut html);
        }
        html.push_str("</p>");
    }
    Html(html)
}

fn push_line(line: &str, html: &mut String) {
    let mut rest = line;
    while let Some(start) = next_link(rest) {
        let (before, after) = rest.split_at(start);
        let end = after.find(|c: char| c.is_whitespace() || "<>\"`'".contains(c));
        let whole = &after[..end.unwrap_or(after.len())];
        // The sign that ends a sentence is not a part of the address.
        let address = whole.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']']);
        push_escaped(before, html);
        html.push_str("<a rel=\"nofollow noopener noreferrer\" href=\"");
        push_escaped(address, html);
        html.push_str("\">");
        push_escaped(address, html);
        html.push_str("</a>");
        rest = &after[address.len()..];
    }
    push_escaped(rest, html);
}

fn next_link(text: &str) -> Option<usize> {
    let is_address = |(_, behind): (&str, &str)| {
        // An address has something behind its scheme.
        behind.starts_with(|c: char| c.is_alphanumeric() || c == '[')
    };
    text.match_indices("http")
        .map(|(start, _)| start)
        .filter(|start| {
            let rest = &text[*start..];
            rest.starts_with("http://") || rest.starts_with("https://")
        })
        .find(|start| text[*start..].split_once("://").is_some_and(is_address))
}

fn push_escaped(text: &str, html: &mut String) {
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_written_becomes_markup() {
        let written = "<script>alert(1)</script> & \"x\" 'y' <b hx-get=/>";
        let shown = html(written).to_string();
        assert_eq!(
            shown,
            "<p>&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;x&quot; &#39;y&#39; &lt;b hx-get=/&gt;</p>"
        );
    }

    #[test]
    fn links_and_lines_are_found() {
        assert_eq!(
            html("See https://a.example/x?y=1&z=2.\nThen call.\n\nThanks").to_string(),
            "<p>See <a rel=\"nofollow noopener noreferrer\" href=\"https://a.example/x?y=1&amp;z=2\">\
             https://a.example/x?y=1&amp;z=2</a>.<br>Then call.</p><p>Thanks</p>"
        );
        assert_eq!(
            html("javascript:alert(1) http://").to_string(),
            "<p>javascript:alert(1) http://</p>"
        );
    }

    #[test]
    fn no_address_escapes_from_its_attribute() {
        let shown = html("https://a.example/\"onmouseover=alert(1)").to_string();
        assert!(!shown.contains("\"onmouseover"), "{shown}");
    }
}
