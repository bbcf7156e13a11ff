//! Writes policies that misbehave into a folder, at every ticket or while they are checked, for
//! measuring who notices.
//!
//! `cargo run -p waypost-policy --features testing --example hostile -- FOLDER`

use std::error::Error;
use std::path::PathBuf;

use waypost_policy::open_dir;
use waypost_policy::testing::{Guest, costly, with_module};

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
    let patterns: Vec<_> =
        (250..260).map(|times| format!(r#"{{"pattern":"[01]*1[01]{{{times}}}[^01]"}}"#)).collect();
    let patterns = format!(r#"{{"allOf":[{}]}}"#, patterns.join(","));
    let alternatives = vec![r#"{"const":1}"#; 500].join(",");
    let alternatives = format!(r#"{{"anyOf":[{alternatives}]}}"#);
    let many = |text: &str, times| format!("(module {})", text.repeat(times));
    let forever = "(loop $forever (br $forever))";
    for (name, component) in [
        ("many-branches", costly(60)),
        ("few-branches", costly(4)),
        ("many-functions", with_module(&many("(func)", 200_000))),
        ("many-globals", with_module(&many("(global i32 i32.const 0)", 200_000))),
        ("slow-patterns", Guest::new().named("slow-patterns").schema(&patterns).build()),
        (
            "many-alternatives",
            Guest::new().named("many-alternatives").schema(&alternatives).build(),
        ),
        ("large-memory", Guest::new().memory("300").data(16 << 20, b"far").build()),
        ("describes-forever", Guest::new().describe(&format!("{forever} i32.const 0")).build()),
    ] {
        folder.write(format!("{name}.wasm"), component)?;
    }
    Ok(())
}
