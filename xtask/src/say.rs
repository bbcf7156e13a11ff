//! What a task tells the person who waits for it: one line for a step, its time when it took some.

use std::fmt::Display;
use std::io::Write;
use std::time::Instant;

/// Prints a line of a task's result.
pub(crate) fn line(text: impl Display) {
    // A closed pipe (`cargo xtask demo | head`) is the reader's wish, not an error.
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints a line about what is being done. It goes to standard error, so results can be piped.
pub(crate) fn doing(text: impl Display) {
    let _ = writeln!(std::io::stderr(), "==> {text}");
}

/// Prints a line that explains a step without being one.
pub(crate) fn note(text: impl Display) {
    let _ = writeln!(std::io::stderr(), "    {text}");
}

/// Announces a step, carries it out and says how long it took if that was noticeable.
pub(crate) fn step<T>(name: impl Display, work: impl FnOnce() -> T) -> T {
    doing(name);
    let began = Instant::now();
    let outcome = work();
    let seconds = began.elapsed().as_secs_f64();
    if seconds >= 1.0 {
        note(format_args!("{seconds:.1} s"));
    }
    outcome
}
