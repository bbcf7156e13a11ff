//! Writes policies that misbehave at every ticket into a folder, for measuring who notices.
//!
//! `cargo run -p waypost-policy --features testing --example hostile -- FOLDER`

use std::error::Error;
use std::path::PathBuf;

use waypost_policy::{open_dir, testing::Guest};

/// What each does before it would answer, by the name of its file.
const HOSTILE: [(&str, &str); 3] = [
    ("loops", "(loop $forever (br $forever))"),
    (
        "leaks",
        "(loop $more
            (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable))
            (br $more))",
    ),
    ("traps", "unreachable"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).ok_or("usage: hostile FOLDER")?;
    let folder = open_dir(&PathBuf::from(folder))?;
    for (name, body) in HOSTILE {
        let component = Guest::new().named(name).before_answer(body).build();
        folder.write(format!("{name}.wasm"), component)?;
    }
    Ok(())
}
