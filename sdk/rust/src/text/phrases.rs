//! An index of phrases that are looked for in one walk over a text.

use super::words::each_word;
use crate::map::Map;

/// One word of a phrase, or the beginning of one: exact words and beginnings share the numbers.
type Symbol = u32;
/// A place in the tree of phrases.
type NodeId = u32;

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
    exact: Map<Box<str>, Symbol>,
    /// Beginnings of words that occur in phrases, written `word*`.
    beginnings: Map<Box<str>, Symbol>,
    /// The lengths of the beginnings in bytes, ascending, without repeats.
    lengths: Vec<usize>,
    symbols: u32,
    /// The tree of phrases: from a node, by a symbol, to a node. Node 0 is the root.
    steps: Map<(NodeId, Symbol), NodeId>,
    /// For each node the phrase that ends there.
    ends: Vec<Option<PhraseId>>,
    /// For each node whether a phrase goes on from it.
    goes_on: Vec<bool>,
    count: u32,
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
        if self.ends.is_empty() {
            self.grow();
        }
        let mut node = 0;
        let mut words = 0;
        for piece in phrase.split_inclusive('*') {
            let mut last = None;
            each_word(piece, &mut String::new(), |word| {
                if let Some(word) = last.replace(word.to_owned()) {
                    node = self.step(node, &word, false);
                }
                words += 1;
            });
            if let Some(word) = last {
                let ends_open = piece
                    .strip_suffix('*')
                    .is_some_and(|rest| rest.ends_with(char::is_alphanumeric));
                node = self.step(node, &word, ends_open);
            }
        }
        if words == 0 {
            return Err(NoWords);
        }
        let end = &mut self.ends[node as usize];
        Ok(*end.get_or_insert_with(|| {
            self.count += 1;
            PhraseId(self.count - 1)
        }))
    }

    /// Calls `found` for each place of the text where a phrase ends; so a phrase may be told several times.
    pub fn scan(&self, text: &str, mut found: impl FnMut(PhraseId)) {
        if self.is_empty() {
            return;
        }
        // The nodes that the words up to here lead to and from which a phrase goes on.
        let mut open: Vec<NodeId> = Vec::new();
        let mut next: Vec<NodeId> = Vec::new();
        each_word(text, &mut String::with_capacity(64), |word| {
            self.each_symbol(word, |symbol| {
                for &node in [0].iter().chain(&open) {
                    let Some(&reached) = self.steps.get(&(node, symbol)) else { continue };
                    if let Some(phrase) = self.ends[reached as usize] {
                        found(phrase);
                    }
                    if self.goes_on[reached as usize] {
                        next.push(reached);
                    }
                }
            });
            std::mem::swap(&mut open, &mut next);
            next.clear();
        });
    }

    /// Calls `each` with the word's own symbol and with those of its beginnings.
    fn each_symbol(&self, word: &str, mut each: impl FnMut(Symbol)) {
        if let Some(&symbol) = self.exact.get(word) {
            each(symbol);
        }
        for &length in &self.lengths {
            if length > word.len() {
                break;
            }
            // `get` is none in the middle of a character.
            if let Some(&symbol) = word.get(..length).and_then(|start| self.beginnings.get(start)) {
                each(symbol);
            }
        }
    }

    /// The node behind `node` by a word, made if it is not there.
    fn step(&mut self, node: NodeId, word: &str, ends_open: bool) -> NodeId {
        let known = if ends_open { &mut self.beginnings } else { &mut self.exact };
        let symbol = *known.entry(word.into()).or_insert_with(|| {
            self.symbols += 1;
            self.symbols
        });
        if ends_open && let Err(place) = self.lengths.binary_search(&word.len()) {
            self.lengths.insert(place, word.len());
        }
        if let Some(&reached) = self.steps.get(&(node, symbol)) {
            return reached;
        }
        let reached = self.grow();
        self.steps.insert((node, symbol), reached);
        self.goes_on[node as usize] = true;
        reached
    }

    /// A new node.
    fn grow(&mut self) -> NodeId {
        self.ends.push(None);
        self.goes_on.push(false);
        // Settings are bounded far below four thousand million words.
        NodeId::try_from(self.ends.len() - 1).expect("the phrases' words fit in memory")
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
