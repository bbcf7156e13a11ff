//! Makes a function of every message of the pages, and gives every asset a name that changes with
//! its content.

#![expect(
    clippy::disallowed_methods,
    reason = "cargo tells a build script everything by its environment"
)]

use std::{
    env,
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use flate2::{Compression, write::GzEncoder};
use fluent_typed::{BuildOptions, FtlOutputOptions, LintLevel, build_from_locales_folder};
use sha2::{Digest, Sha256};

fn main() -> ExitCode {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says where to write"));
    assets(&out);
    words(&out)
}

fn words(out: &Path) -> ExitCode {
    let at = |name: &str| out.join(name).display().to_string();
    let options = BuildOptions::default()
        .with_locales_folder("words")
        .with_output_file_path(&at("words.rs"))
        .with_ftl_output(FtlOutputOptions::single_file(&at("words.ftl")))
        .with_prefix("")
        .with_lint_level(LintLevel::Strict)
        // Both languages are read from left to right.
        .without_bidi_isolation();
    build_from_locales_folder(options)
}

/// Every file of `assets` as a row of a table: its name, its type, its bytes, the same compressed.
fn assets(out: &Path) {
    println!("cargo::rerun-if-changed=assets");
    let folder = Path::new(&env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where it is"))
        .join("assets");
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("the assets can be listed")
        .map(|file| file.expect("the assets can be listed").path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    let mut table = String::from("pub(crate) const ASSETS: &[Asset] = &[\n");
    for path in files {
        println!("cargo::rerun-if-changed={}", path.display());
        let bytes = fs::read(&path).expect("an asset can be read");
        let file = path.file_name().and_then(|name| name.to_str()).expect("its name is ASCII");
        let (stem, end) = file.rsplit_once('.').expect("it has an extension");
        let mut digest = String::new();
        for byte in &Sha256::digest(&bytes)[..8] {
            write!(digest, "{byte:02x}").expect("a string takes all");
        }
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&bytes).expect("memory takes all");
        let kept = out.join(format!("{file}.gz"));
        fs::write(&kept, gzip.finish().expect("memory takes all")).expect("the output is writable");
        writeln!(
            table,
            "    Asset {{ file: {file:?}, name: \"{stem}.{digest}.{end}\", bytes: include_bytes!({:?}), \
             gzip: include_bytes!({:?}) }},",
            path.display().to_string(),
            kept.display().to_string(),
        )
        .expect("a string takes all");
    }
    table.push_str("];\n");
    fs::write(out.join("assets.rs"), table).expect("the output is writable");
}
