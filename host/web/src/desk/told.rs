//! What was told of a ticket: its whole history, or a part of it.

use crate::{
    form::Query,
    ticket::{Entry, Told},
    viewer::Viewer,
};

/// A part of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// What people said.
    Said,
    /// What people did.
    Done,
    /// What policies and the desk itself decided.
    Decided,
}

/// A part of the history, as something to choose.
pub(super) struct Choice {
    pub(super) href: String,
    pub(super) label: String,
    pub(super) is_here: bool,
}

/// What of a ticket's page is shown, as its address says it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Shown {
    /// Which part of the history; none for all of it.
    part: Option<Part>,
    /// Whether all incidents that belong to the ticket are listed.
    pub(super) has_all_children: bool,
}

impl Part {
    const ALL: [Self; 3] = [Self::Said, Self::Done, Self::Decided];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Said => "said",
            Self::Done => "done",
            Self::Decided => "decided",
        }
    }

    fn label(self, viewer: &Viewer) -> String {
        let t = &viewer.words.text;
        match self {
            Self::Said => t.history_said(),
            Self::Done => t.history_done(),
            Self::Decided => t.history_decided(),
        }
    }

    /// The part that an entry is of. Who decides by itself has no name.
    fn of(entry: &Entry) -> Self {
        match &entry.what {
            Told::Said { .. } => Self::Said,
            Told::Did { .. } if !entry.who.is_empty() => Self::Done,
            Told::Did { .. } | Told::Decided { .. } => Self::Decided,
        }
    }
}

impl Shown {
    /// What an address asks for. What it asks for in vain is all of it.
    pub(super) fn of(query: &Query) -> Self {
        let asked = query.get("history");
        Self {
            part: Part::ALL.into_iter().find(|part| asked == Some(part.as_str())),
            has_all_children: query.get("children") == Some("all"),
        }
    }

    /// The page's address with all incidents that belong to the ticket, and the same history.
    pub(super) fn with_all_children(self, page: &str) -> String {
        Self { has_all_children: true, ..self }.address(page)
    }

    fn address(self, page: &str) -> String {
        let part = self.part.map(|part| format!("history={}", part.as_str()));
        let children = self.has_all_children.then(|| "children=all".to_owned());
        let query = part.into_iter().chain(children).collect::<Vec<_>>().join("&");
        if query.is_empty() { page.to_owned() } else { format!("{page}?{query}") }
    }

    /// The parts of the history to choose from, all of it first.
    pub(super) fn choices(self, viewer: &Viewer, page: &str) -> Vec<Choice> {
        let parts = Part::ALL.into_iter().map(Some);
        let choice = |part: Option<Part>| Choice {
            href: Self { part, ..self }.address(page),
            label: part.map_or_else(|| viewer.words.text.history_all(), |part| part.label(viewer)),
            is_here: part == self.part,
        };
        std::iter::once(None).chain(parts).map(choice).collect()
    }

    /// The entries of the part that is shown.
    pub(super) fn entries(self, all: Vec<Entry>) -> Vec<Entry> {
        let is_shown = |entry: &Entry| self.part.is_none_or(|part| part == Part::of(entry));
        all.into_iter().filter(is_shown).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_history_leaves_the_rest_of_the_page_as_it_is() {
        let of = |query: &str| Shown::of(&Query::of(query));
        assert_eq!(of("").address("page"), "page");
        assert_eq!(of("history=nonsense").address("page"), "page");
        assert_eq!(of("history=said").address("page"), "page?history=said");
        let both = "page?history=done&children=all";
        assert_eq!(of("children=all&history=done&seen=3").address("page"), both);
        assert_eq!(of("history=done").with_all_children("page"), both);
    }
}
