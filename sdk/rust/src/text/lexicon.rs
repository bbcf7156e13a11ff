//! A numbered list of words, and where each is in it.

use super::words::{Word, folded};

/// Words, counted from zero. Looking for a word that is not there, which is what a text does most,
/// ends at its first slot nearly always.
#[derive(Debug, Default)]
pub(super) struct Lexicon {
    words: Vec<Box<str>>,
    /// A power of two of them, at most half of them taken; empty as long as there are no words.
    slots: Vec<Slot>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    hash: u32,
    /// The word's number; [`FREE`] marks a slot that is not taken.
    number: u32,
}

const FREE: u32 = u32::MAX;

impl Lexicon {
    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The number of a word.
    pub(super) fn find(&self, word: &Word<'_>) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let mask = self.slots.len() - 1;
        let mut place = start(word.hash) & mask;
        loop {
            let slot = self.slots[place];
            if slot.number == FREE {
                return None;
            }
            if slot.hash == word.hash && word.is(&self.words[slot.number as usize]) {
                return Some(slot.number);
            }
            place = (place + 1) & mask;
        }
    }

    /// The number of a folded word, which is added if it is not there.
    pub(super) fn add(&mut self, word: Box<str>) -> u32 {
        let looked_for = folded(&word);
        if let Some(number) = self.find(&looked_for) {
            return number;
        }
        let hash = looked_for.hash;
        let number = u32::try_from(self.words.len()).expect("settings are bounded far below 2^32");
        self.words.push(word);
        if self.words.len() * 2 > self.slots.len() {
            self.grow();
        } else {
            self.take(Slot { hash, number });
        }
        number
    }

    /// Doubles the slots and files all words anew.
    fn grow(&mut self) {
        let free = Slot { hash: 0, number: FREE };
        self.slots = vec![free; (self.slots.len() * 2).max(16)];
        for number in 0..self.words.len() {
            let hash = folded(&self.words[number]).hash;
            let number = u32::try_from(number).expect("settings are bounded far below 2^32");
            self.take(Slot { hash, number });
        }
    }

    fn take(&mut self, slot: Slot) {
        let mask = self.slots.len() - 1;
        let mut place = start(slot.hash) & mask;
        while self.slots[place].number != FREE {
            place = (place + 1) & mask;
        }
        self.slots[place] = slot;
    }
}

/// The slot at which a search begins. The low bits of the hash depend on the last letters alone, so
/// the high ones are mixed in.
fn start(hash: u32) -> usize {
    (hash ^ (hash >> 15)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_found_and_no_other() {
        let mut lexicon = Lexicon::default();
        assert_eq!(lexicon.find(&folded("word0")), None);
        for number in 0..1000 {
            assert_eq!(lexicon.add(format!("word{number}").into()), number);
        }
        for number in 0..1000 {
            assert_eq!(lexicon.add(format!("word{number}").into()), number);
            assert_eq!(lexicon.find(&folded(&format!("word{number}"))), Some(number));
        }
        assert_eq!(lexicon.find(&folded("word1000")), None);
    }
}
