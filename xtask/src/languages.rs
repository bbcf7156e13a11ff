//! The example policy in Rust, TypeScript and Python, built to components: the proof that the
//! contract suits other languages. It needs `npm` and Python's `pip`, so no other task does it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{command, say, wasm_target};

/// Builds one of them and says where it lies.
type Compile = fn(&Path) -> Result<PathBuf>;

/// Builds `example-router-rs`, `example-router-ts` and `example-router-py` to `target/policies`,
/// and has the host ask them the cases of `sdk/cases`; and a copy of the last two with a fault. The
/// tools that they need are fetched in the versions that their folders pin, into `target`.
pub(crate) fn build(root: &Path) -> Result<()> {
    wasm_target::ensure()?;
    let policies = root.join("target/policies");
    fs::create_dir_all(&policies).with_context(|| format!("creating {}", policies.display()))?;
    let twins: [(&str, Compile); 5] = [
        ("example-router-rs", rust),
        ("example-router-ts", typescript),
        ("example-router-py", python),
        ("faulty-router-ts", faulty_typescript),
        ("faulty-router-py", faulty_python),
    ];
    for (name, compile) in twins {
        let built = say::step(format_args!("Building {name}"), || compile(root))?;
        let component = policies.join(format!("{name}.wasm"));
        fs::rename(&built, &component)
            .with_context(|| format!("moving {} to {}", built.display(), component.display()))?;
        let bytes = fs::metadata(&component).context("looking at the component")?.len();
        say::note(format_args!("{name:<24} {:>5} KiB", bytes.div_ceil(1024)));
    }
    say::note("compiling the interpreters of the others takes minutes");
    say::step("Asking all three the same questions", || compare(root))
}

/// Runs the tests that load the components in the host.
fn compare(root: &Path) -> Result<()> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root).args(["test", "--package", "waypost-policy", "--test", "languages"]);
    cargo.args(["--", "--ignored"]);
    command::run(&mut cargo)
}

/// Builds the template that the SDK's README starts from.
fn rust(root: &Path) -> Result<PathBuf> {
    let target = root.join("target/languages/rust");
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root.join("sdk/rust/template"));
    cargo.args(["build", "--locked", "--target", wasm_target::TARGET, "--profile", "policy"]);
    cargo.arg("--target-dir").arg(&target);
    // These would replace the flags in the template's `.cargo/config.toml`, the small stack among
    // them.
    cargo.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    command::run(&mut cargo)?;
    Ok(target.join(wasm_target::TARGET).join("policy/example_router.wasm"))
}

/// Builds the TypeScript example with the one command of its README, in a copy of its folder.
fn typescript(root: &Path) -> Result<PathBuf> {
    npm_build(&copied(root, "sdk/typescript/example-router", "typescript")?)
}

/// As [`typescript`], with a hook that throws at a marked ticket.
fn faulty_typescript(root: &Path) -> Result<PathBuf> {
    let folder = copied(root, "sdk/typescript/example-router", "typescript-faulty")?;
    let throws = "if (head.shortDescription === 'boom') throw new TypeError('the rule is gone');";
    insert(&folder.join("policy.ts"), "    const text = ", &format!("    {throws}\n"))?;
    npm_build(&folder)
}

fn npm_build(folder: &Path) -> Result<PathBuf> {
    let npm = |arguments: &[&str]| {
        command::output(Command::new("npm").current_dir(folder).args(arguments))
            .context("building the TypeScript policy needs Node.js 20 or later with npm")
    };
    // Not `ci`: it refuses where a registry lacks a package for a platform that is not this one.
    npm(&["install", "--no-save", "--no-audit", "--no-fund"])?;
    npm(&["run", "build"])?;
    Ok(folder.join("dist/policy.wasm"))
}

/// Builds the Python example with the one command of its README, in a copy of its folder.
fn python(root: &Path) -> Result<PathBuf> {
    python_build(&copied(root, "sdk/python/example-router", "python")?)
}

/// As [`python`], with a hook that raises at a marked ticket.
fn faulty_python(root: &Path) -> Result<PathBuf> {
    let folder = copied(root, "sdk/python/example-router", "python-faulty")?;
    let raises = "        if ticket.head.short_description == \"boom\":\n            raise \
                  TypeError(\"the rule is gone\")\n";
    insert(&folder.join("policy.py"), "        text = ", raises)?;
    python_build(&folder)
}

fn python_build(folder: &Path) -> Result<PathBuf> {
    command::output(Command::new("python3").current_dir(folder).arg("build.py"))
        .context("building the Python policy needs Python 3.10 or later with venv and pip")?;
    Ok(folder.join("dist/policy.wasm"))
}

/// Copies an example to a folder of its own, from where it sees nothing of this repository. The
/// tools that an earlier run fetched stay there.
fn copied(root: &Path, example: &str, name: &str) -> Result<PathBuf> {
    let folder = root.join("target/languages").join(name);
    copy(&root.join(example), &folder)?;
    Ok(folder)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("creating {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let entry = entry.with_context(|| format!("reading {}", from.display()))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        // What somebody built in the folder itself.
        let is_made = MADE.iter().any(|made| entry.file_name() == *made);
        if is_made {
            continue;
        }
        if source.is_dir() {
            copy(&source, &target)?;
        } else {
            fs::copy(&source, &target).with_context(|| format!("copying {}", source.display()))?;
        }
    }
    Ok(())
}

/// The folders that building an example makes.
const MADE: [&str; 5] = ["node_modules", "types", "dist", ".venv", "__pycache__"];

/// Puts lines before the one that begins so.
fn insert(file: &Path, before: &str, lines: &str) -> Result<()> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let Some((head, tail)) = text.split_once(&format!("\n{before}")) else {
        bail!("{} has no line that begins with `{before}`", file.display());
    };
    fs::write(file, format!("{head}\n{lines}{before}{tail}"))
        .with_context(|| format!("writing {}", file.display()))
}
