//! An index of phrases that are looked for in one walk over a text.

use super::lexicon::Lexicon;
use super::words::{Word, each_word};
use crate::map::Map;

/// A place in the tree of phrases.
type NodeId = u32;

/// One word of a phrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Symbol {
    /// The word itself, by its number among the exact ones.
    Exact(u32),
    /// Every word with this beginning, by its number among the beginnings.
    Beginning(u32),
}

/// A phrase in a [`Phrases`], counted from zero in the order in which the phrases were added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhraseId(u32);

impl PhraseId {
    /// The phrase's number.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A phrase was refused: it holds no letter and no digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoWords;

/// Phrases, indexed: looking for a thousand costs little more than looking for ten.
#[derive(Debug, Default)]
pub struct Phrases {
    /// Words that occur in phrases.
    exact: Lexicon,
    /// Beginnings of words that occur in phrases, written `word*`.
    beginnings: Lexicon,
    /// The lengths of the beginnings in bytes, ascending, without repeats.
    lengths: Vec<usize>,
    /// The tree of phrases: from a node, by a symbol, to a node. Node 0 is the root.
    steps: Map<(NodeId, Symbol), NodeId>,
    nodes: Vec<Node>,
    count: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Node {
    /// The phrase that ends here.
    end: Option<PhraseId>,
    /// Whether a phrase goes on from here.
    goes_on: bool,
}

impl Phrases {
    /// How many different phrases there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds a phrase. The same words in other letters are the same phrase and get the same id.
    pub fn add(&mut self, phrase: &str) -> Result<PhraseId, NoWords> {
        if self.nodes.is_empty() {
            self.nodes.push(Node::default());
        }
        let mut node = 0;
        for piece in phrase.split_inclusive('*') {
            // Only the word that the star touches is a beginning.
            let starred =
                piece.strip_suffix('*').is_some_and(|rest| rest.ends_with(char::is_alphanumeric));
            let mut words = Vec::new();
            each_word(piece, |word| words.push(word.to_folded()));
            let last = words.len();
            for (place, word) in words.into_iter().enumerate() {
                let symbol = if starred && place + 1 == last {
                    self.beginning(word)
                } else {
                    Symbol::Exact(self.exact.add(word))
                };
                node = self.step(node, symbol);
            }
        }
        if node == 0 {
            return Err(NoWords);
        }
        let end = &mut self.nodes[node as usize].end;
        Ok(*end.get_or_insert_with(|| {
            self.count += 1;
            PhraseId(self.count - 1)
        }))
    }

    /// Calls `found` for each place of the text where a phrase ends; so a phrase may be told
    /// several times.
    pub fn scan(&self, text: &str, mut found: impl FnMut(PhraseId)) {
        if self.is_empty() {
            return;
        }
        // The nodes that the words up to here lead to and from which a phrase goes on.
        let mut open: Vec<NodeId> = Vec::new();
        let mut next: Vec<NodeId> = Vec::new();
        each_word(text, |word| {
            self.each_symbol(&word, |symbol| {
                for &node in [0].iter().chain(&open) {
                    let Some(&reached) = self.steps.get(&(node, symbol)) else { continue };
                    let Node { end, goes_on } = self.nodes[reached as usize];
                    if let Some(phrase) = end {
                        found(phrase);
                    }
                    if goes_on {
                        next.push(reached);
                    }
                }
            });
            std::mem::swap(&mut open, &mut next);
            next.clear();
        });
    }

    /// Calls `each` with what the word is to phrases: itself, and its beginnings.
    fn each_symbol(&self, word: &Word<'_>, mut each: impl FnMut(Symbol)) {
        if let Some(number) = self.exact.find(word) {
            each(Symbol::Exact(number));
        }
        if self.beginnings.is_empty() {
            return;
        }
        for &length in &self.lengths {
            let start = word.start(length);
            if let Some(number) = start.and_then(|start| self.beginnings.find(&start)) {
                each(Symbol::Beginning(number));
            }
        }
    }

    fn beginning(&mut self, word: Box<str>) -> Symbol {
        if let Err(place) = self.lengths.binary_search(&word.len()) {
            self.lengths.insert(place, word.len());
        }
        Symbol::Beginning(self.beginnings.add(word))
    }

    /// The node behind `node`, made if it is not there.
    fn step(&mut self, node: NodeId, symbol: Symbol) -> NodeId {
        let next = NodeId::try_from(self.nodes.len()).expect("settings are bounded far below 2^32");
        let reached = *self.steps.entry((node, symbol)).or_insert(next);
        if reached == next {
            self.nodes.push(Node::default());
            self.nodes[node as usize].goes_on = true;
        }
        reached
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(phrases: &[&str], text: &str) -> Vec<usize> {
        let mut index = Phrases::default();
        for phrase in phrases {
            index.add(phrase).expect("the phrase has words");
        }
        let mut found = Vec::new();
        index.scan(text, |phrase| found.push(phrase.index()));
        found.sort_unstable();
        found.dedup();
        found
    }

    #[test]
    fn only_whole_words_are_found() {
        assert_eq!(found(&["port", "report"], "weekly report, attached"), [1]);
        assert_eq!(found(&["drucker"], "Der DRUCKER!"), [0]);
    }

    #[test]
    fn a_phrase_is_its_words_in_a_row() {
        let phrases = ["out of memory", "of memory leak", "memory"];
        assert_eq!(found(&phrases, "out of, memory"), [0, 2]);
        assert_eq!(found(&phrases, "out of memory leak"), [0, 1, 2]);
        assert_eq!(found(&phrases, "out of all memory"), [2]);
        assert_eq!(found(&["a a b"], "a a a b"), [0]);
    }

    #[test]
    fn a_star_stands_for_the_rest_of_the_word() {
        let phrases = ["print*", "reset* password", "prin*", "password*"];
        assert_eq!(found(&phrases, "printing"), [0, 2]);
        assert_eq!(found(&phrases, "the print"), [0, 2]);
        assert_eq!(found(&phrases, "resetting Passwords"), [3]);
        assert_eq!(found(&phrases, "resetting password"), [1, 3]);
        assert_eq!(found(&["straß*"], "STRASSENBAHN"), [0]);
        assert_eq!(found(&["* word *"], "a word alone"), [0]);
    }

    #[test]
    fn scripts_without_spaces_are_found_inside_a_sentence() {
        assert_eq!(found(&["接続"], "VPNに接続できません"), [0]);
    }

    #[test]
    fn the_same_words_are_the_same_phrase() {
        let mut index = Phrases::default();
        let first = index.add("E-Mail");
        assert_eq!(first, index.add("e mail"));
        assert_ne!(first, index.add("e mail*"));
        assert_eq!(index.len(), 2);
        assert_eq!(index.add(" ?! "), Err(NoWords));
        assert_eq!(index.add("*"), Err(NoWords));
    }
}
