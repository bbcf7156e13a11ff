//! Words and phrases in a ticket's text.
//!
//! A text is read once, however many phrases are looked for: [`Phrases`] is built in
//! [`Policy::new`](crate::Policy::new), and a decision only walks the text's words.
//! [`rules`](crate::rules) use it for the words that an administrator wrote.
//!
//! What a word is:
//!
//! - A run of letters and digits in any script. Everything else separates words, so the phrase
//!   `e-mail` is the words `e` and `mail` in a row, and also finds `e mail`.
//! - Case does not matter, in any script: `STRASSE` is `straße`, `ΟΔΟΣ` is `οδος`.
//! - Only whole words are found: `port` is not in `report`. A word that ends in `*` stands for
//!   every word that begins with it: `print*` finds `printer` and `printing`.
//! - Scripts that are written without spaces (Chinese, Japanese, Thai, ..) count each character as
//!   a word, so a phrase is found in the middle of a sentence.

mod lexicon;
mod phrases;
mod words;

pub use phrases::{NoWords, PhraseId, Phrases};
