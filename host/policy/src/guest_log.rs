//! What a policy writes: log lines, and its standard output and error, under one bound.

use std::mem;

use crate::plain_text::Plain as _;
use crate::{LogLevel, LogLine};

/// The lines of one evaluation.
pub(crate) struct GuestLog {
    lines: Vec<LogLine>,
    /// How many bytes may still be written.
    left: usize,
    truncated: bool,
    out: Vec<u8>,
    err: Vec<u8>,
}

/// One of the two standard streams.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Out,
    Err,
}

/// What a line costs beside its text: a policy cannot fill our memory with empty lines.
const LINE_BYTES: usize = 16;

impl GuestLog {
    pub(crate) const fn new(limit: usize) -> Self {
        Self { lines: Vec::new(), left: limit, truncated: false, out: Vec::new(), err: Vec::new() }
    }

    /// Adds a line, cut where the bound is reached.
    pub(crate) fn line(&mut self, level: LogLevel, text: &str) {
        let Some(room) = self.left.checked_sub(LINE_BYTES).filter(|_| !self.truncated) else {
            self.truncated = true;
            return;
        };
        let mut kept = text[..text.floor_char_boundary(room)].to_owned();
        self.truncated = kept.len() < text.len();
        kept.make_plain();
        // What stands for a control character is longer than the character.
        if kept.len() > room {
            kept.truncate(kept.floor_char_boundary(room));
            self.truncated = true;
        }
        self.left = room - kept.len();
        self.lines.push(LogLine { level, message: kept });
    }

    /// Adds what was printed. A line is taken when it is complete.
    pub(crate) fn print(&mut self, stream: Stream, mut bytes: &[u8]) {
        while !self.truncated
            && let Some(end) = bytes.iter().position(|byte| *byte == b'\n')
        {
            self.unfinished(stream).extend_from_slice(&bytes[..end]);
            self.finish(stream);
            bytes = &bytes[end + 1..];
        }
        let room = self.left;
        let unfinished = self.unfinished(stream);
        let kept = bytes.len().min(room.saturating_sub(unfinished.len()));
        unfinished.extend_from_slice(&bytes[..kept]);
        self.truncated |= kept < bytes.len();
    }

    /// The lines, and whether some are missing.
    pub(crate) fn close(mut self) -> (Vec<LogLine>, bool) {
        for stream in [Stream::Out, Stream::Err] {
            if !self.unfinished(stream).is_empty() {
                self.finish(stream);
            }
        }
        (self.lines, self.truncated)
    }

    fn finish(&mut self, stream: Stream) {
        let bytes = mem::take(self.unfinished(stream));
        let level = match stream {
            Stream::Out => LogLevel::Info,
            Stream::Err => LogLevel::Error,
        };
        if !bytes.is_empty() {
            self.line(level, &String::from_utf8_lossy(&bytes));
        }
    }

    const fn unfinished(&mut self, stream: Stream) -> &mut Vec<u8> {
        match stream {
            Stream::Out => &mut self.out,
            Stream::Err => &mut self.err,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(log: GuestLog) -> (Vec<String>, bool) {
        let (lines, truncated) = log.close();
        (lines.into_iter().map(|line| line.message).collect(), truncated)
    }

    #[test]
    fn lines_are_kept_up_to_the_bound_and_cut_at_a_character() {
        let mut log = GuestLog::new(2 * LINE_BYTES + 6);
        log.line(LogLevel::Info, "abc");
        log.line(LogLevel::Info, "äöü");
        log.line(LogLevel::Info, "");
        assert_eq!(texts(log), (vec!["abc".to_owned(), "ä".to_owned()], true));
    }

    #[test]
    fn control_characters_are_replaced_within_the_bound() {
        let mut log = GuestLog::new(2 * LINE_BYTES + 9);
        log.line(LogLevel::Info, "a\0b");
        log.print(Stream::Err, b"\x1b\0\0\n");
        assert_eq!(texts(log), (vec!["a\u{fffd}b".to_owned(), "\u{fffd}".to_owned()], true));
    }

    #[test]
    fn empty_lines_cost_too() {
        let mut log = GuestLog::new(10 * LINE_BYTES);
        for _ in 0..1000 {
            log.line(LogLevel::Debug, "");
        }
        let (lines, truncated) = log.close();
        assert_eq!((lines.len(), truncated), (10, true));
    }

    #[test]
    fn printed_text_becomes_lines() {
        let mut log = GuestLog::new(1000);
        log.print(Stream::Err, b"one\ntw");
        log.print(Stream::Err, b"o\n\nthree");
        log.print(Stream::Out, b"\xff\n");
        let expected = ["one", "two", "\u{fffd}", "three"].map(str::to_owned).to_vec();
        assert_eq!(texts(log), (expected, false));
    }

    #[test]
    fn an_endless_unfinished_line_is_bounded() {
        let mut log = GuestLog::new(100);
        for _ in 0..1000 {
            log.print(Stream::Out, &[b'x'; 50]);
        }
        assert!(log.out.len() <= 100);
        assert!(log.close().1);
    }
}
