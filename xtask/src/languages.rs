//! The example policy in Rust, TypeScript and Python, built to components: the proof that the
//! contract suits other languages. It needs `npm` and Python's `pip`, so no other task does it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{command, say, wasm_target};

/// Builds one of them and says where it lies.
type Compile = fn(&Path) -> Result<PathBuf>;

/// The world that the twins implement.
const WORLD: &str = "routing-policy";

/// Builds `example-router-rs`, `example-router-ts` and `example-router-py` to `target/policies`,
/// and has the host ask them the cases of `sdk/cases`. The tools that they need are fetched in the
/// versions that their folders pin, into folders that git ignores.
pub(crate) fn build(root: &Path) -> Result<()> {
    wasm_target::ensure()?;
    let policies = root.join("target/policies");
    fs::create_dir_all(&policies).with_context(|| format!("creating {}", policies.display()))?;
    let twins: [(&str, Compile); 3] = [
        ("example-router-rs", rust),
        ("example-router-ts", typescript),
        ("example-router-py", python),
    ];
    for (name, compile) in twins {
        let built = say::step(format_args!("Building {name}"), || compile(root))?;
        let component = policies.join(format!("{name}.wasm"));
        fs::rename(&built, &component)
            .with_context(|| format!("moving {} to {}", built.display(), component.display()))?;
        let bytes = fs::metadata(&component).context("looking at the component")?.len();
        say::note(format_args!("{name:<24} {:>5} KiB", bytes.div_ceil(1024)));
    }
    say::note("compiling the interpreters of the other two takes minutes");
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

/// Fetches the tools with npm, declares the contract's types, checks the policy against them, and
/// builds it.
fn typescript(root: &Path) -> Result<PathBuf> {
    let folder = root.join("sdk/typescript/example-router");
    let npm = |arguments: &[&str]| {
        command::output(Command::new("npm").current_dir(&folder).args(arguments))
            .context("building the TypeScript policy needs Node.js 20 or later with npm")
    };
    // Not `ci`: it refuses where a registry lacks a package for a platform that is not this one.
    npm(&["install", "--no-save", "--no-audit", "--no-fund"])?;
    npm(&["run", "build"])?;
    Ok(folder.join("dist/policy.wasm"))
}

/// Fetches the tool with pip into an environment of its own, and builds the policy.
fn python(root: &Path) -> Result<PathBuf> {
    let folder = root.join("sdk/python/example-router");
    let environment = root.join("target/languages/python");
    let component = root.join("target/languages/example-router-py.wasm");
    if !environment.join("bin/python").exists() {
        command::output(Command::new("python3").args(["-m", "venv"]).arg(&environment))
            .context("building the Python policy needs Python 3.10 or later with venv and pip")?;
    }
    command::output(
        Command::new(environment.join("bin/python"))
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--requirement",
            ])
            .arg(folder.join("requirements.txt")),
    )?;
    // Without `--stub-wasi` the component would ask for 25 WASI interfaces, sockets among them.
    command::output(
        Command::new(environment.join("bin/componentize-py"))
            .arg("--wit-path")
            .arg(root.join("wit/0.1.0"))
            .args(["--world", WORLD, "componentize", "--stub-wasi", "--python-path"])
            .arg(&folder)
            .args(["policy", "--output"])
            .arg(&component),
    )?;
    if !component.exists() {
        bail!("componentize-py said nothing and built nothing");
    }
    Ok(component)
}
