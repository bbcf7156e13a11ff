//! The `wasm32-wasip2` target, without which no policy can be built.
//!
//! It is taken from where it is nearest: the toolchain has it; rustup fetches it; or the standard
//! library is compiled from its source, which Debian's mirrors have. The last way serves networks
//! without a way to rustup's server. Whatever happens, the toolchain has
//! either the whole target or none of it.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};

use crate::command;
use crate::say;
use crate::scratch::Scratch;

/// The target that policies are built for.
pub(crate) const TARGET: &str = "wasm32-wasip2";

/// rustup fails within seconds if it cannot reach its server, but waits very long if packets are
/// dropped silently.
const RUSTUP_LIMIT: Duration = Duration::from_mins(1);
/// Three index files and two packages of together 20 MB.
const DOWNLOAD_LIMIT: Duration = Duration::from_mins(5);
/// 80 s on two cores; slow and busy machines exist.
const BUILD_LIMIT: Duration = Duration::from_mins(20);
/// The suite that carries several versions of the compiler's source side by side.
const SUITE: &str = "trixie-backports";
/// What a program for wasip2 is linked with besides Rust's own libraries.
const START_OBJECTS: [&str; 3] = ["crt1-command.o", "crt1-reactor.o", "libc.a"];

/// Makes sure that the target is there, and says what it does if that takes a while.
pub(crate) fn ensure() -> Result<()> {
    let sysroot = rustc_prints("sysroot")?;
    let rustlib = sysroot.join("lib/rustlib");
    if is_present(&rustlib)? {
        return Ok(());
    }
    say::doing(format_args!("The target {TARGET} is missing from {}", sysroot.display()));
    // Two tasks may want the target at once; the second waits here and then finds it.
    let _lock = lock(&rustlib)?;
    if is_present(&rustlib)? {
        return Ok(());
    }
    // rustup goes by its own notes: it has nothing to do for a target whose files were removed.
    let fetched = say::step("Asking rustup for it", with_rustup).and_then(|()| installed(&rustlib));
    let Err(rustup) = fetched else { return Ok(()) };
    say::note(format_args!("rustup could not help: {rustup:#}"));
    let built = say::step("Building its standard library from Debian's source packages", || {
        from_debian(&sysroot)
    });
    let Err(debian) = built else { return installed(&rustlib) };
    bail!(
        "policies cannot be built: the target {TARGET} could not be had.\n\
         1. The toolchain in {} does not have it.\n\
         2. rustup: {rustup:#}\n\
         3. Building it from Debian's packages: {debian:#}\n\
         Run `rustup target add {TARGET}` on a machine with a way to rustup's server, or install your \
         distribution's package with Rust's standard library for {TARGET}, then try again.",
        sysroot.display()
    )
}

fn installed(rustlib: &Path) -> Result<()> {
    if !is_present(rustlib)? {
        bail!("the target {TARGET} was installed, but the compiler does not find it");
    }
    say::doing(format_args!("The target {TARGET} is installed"));
    Ok(())
}

fn is_present(rustlib: &Path) -> Result<bool> {
    let folder = rustlib.join(TARGET).join("lib");
    if !folder.is_dir() {
        return Ok(false);
    }
    Ok(files_in(&folder)?.iter().any(|path| {
        path.file_name().and_then(OsStr::to_str).is_some_and(|name| name.starts_with("libstd-"))
            && path.extension() == Some(OsStr::new("rlib"))
    }))
}

fn rustc_prints(what: &str) -> Result<PathBuf> {
    let printed = command::output(Command::new("rustc").args(["--print", what]))?;
    Ok(PathBuf::from(printed.trim()))
}

/// Holds the lock until it is dropped. The folder itself is locked, so no file is left behind.
#[cfg(unix)]
fn lock(rustlib: &Path) -> Result<Option<File>> {
    let folder = File::open(rustlib).with_context(|| format!("opening {}", rustlib.display()))?;
    folder.lock().with_context(|| format!("locking {}", rustlib.display()))?;
    Ok(Some(folder))
}

#[cfg(not(unix))]
fn lock(_rustlib: &Path) -> Result<Option<File>> {
    Ok(None)
}

fn with_rustup() -> Result<()> {
    command::run_within(RUSTUP_LIMIT, Command::new("rustup").args(["target", "add", TARGET]))
}

/// Compiles the standard library from the source that Debian packages for exactly this compiler.
fn from_debian(sysroot: &Path) -> Result<()> {
    let scratch = Scratch::new("wasm-target")?;
    let apt = say::step("Reading the index of Debian's mirror", || Apt::open(scratch.path()))?;
    let version = apt.version_for(&compiler_version()?)?;
    let unpacked = say::step(format_args!("Downloading rust-src {version} and wasi-libc"), || {
        apt.download(&[format!("rust-src={version}"), "wasi-libc".to_owned()])
    })?;
    let library = say::step("Compiling the standard library (about a minute)", || {
        let source = find(&unpacked, |path| path.ends_with("library/std/Cargo.toml"))?
            .ok_or_else(|| anyhow!("the package rust-src holds no standard library"))?;
        let source = source.ancestors().nth(2).context("finding the library's folder")?;
        let _linked = LinkedSource::new(sysroot, source)?;
        compile(scratch.path())
    })?;
    install(sysroot, &unpacked, &library)
}

/// The compiler's version without the name: `1.95.0`.
fn compiler_version() -> Result<String> {
    let printed = command::output(Command::new("rustc").arg("--version"))?;
    let version = printed.split_whitespace().nth(1).context("reading the compiler's version")?;
    Ok(version.to_owned())
}

/// apt with settings of its own: the machine's sources, lists and packages stay as they are.
struct Apt {
    folder: PathBuf,
    options: Vec<String>,
}

impl Apt {
    fn open(scratch: &Path) -> Result<Self> {
        let mirrors = command::output(Command::new("apt-get").args([
            "indextargets",
            "--format",
            "$(REPO_URI)",
            "Created-By: Packages",
        ]))?;
        let mirror = mirrors.lines().next().context("apt knows no mirror")?;
        let folder = scratch.join("apt");
        fs::create_dir_all(folder.join("lists/partial")).context("creating folders for apt")?;
        fs::create_dir_all(folder.join("cache/archives/partial"))
            .context("creating folders for apt")?;
        let sources = folder.join("sources.list");
        fs::write(&sources, format!("deb [signed-by={}] {mirror} {SUITE} main\n", keyring()?))
            .context("writing apt's sources")?;
        let options = [
            format!("Dir::Etc::sourcelist={}", sources.display()),
            "Dir::Etc::sourceparts=/dev/null".to_owned(),
            format!("Dir::State::Lists={}", folder.join("lists").display()),
            format!("Dir::Cache={}", folder.join("cache").display()),
            // apt's own user may not enter our folder.
            "APT::Sandbox::User=root".to_owned(),
        ];
        let apt = Self { folder, options: options.to_vec() };
        command::run_within(DOWNLOAD_LIMIT, apt.command("apt-get").arg("update"))?;
        Ok(apt)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        for option in &self.options {
            command.args(["-o", option]);
        }
        command.current_dir(&self.folder);
        command
    }

    /// The packaged version of the source that belongs to the compiler.
    fn version_for(&self, compiler: &str) -> Result<String> {
        let table = command::output(self.command("apt-cache").args(["madison", "rust-src"]))?;
        let versions: Vec<&str> =
            table.lines().filter_map(|line| line.split('|').nth(1)).map(str::trim).collect();
        let of_compiler = |version: &&str| {
            version
                .strip_prefix(compiler)
                .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit() || c == '.'))
        };
        versions.iter().copied().find(of_compiler).map(str::to_owned).ok_or_else(|| {
            anyhow!(
                "the mirror's {SUITE} has the source of rust {}, not of {compiler}",
                if versions.is_empty() { "no version".to_owned() } else { versions.join(", ") }
            )
        })
    }

    /// Downloads packages and unpacks them without installing anything.
    fn download(&self, packages: &[String]) -> Result<PathBuf> {
        command::run_within(
            DOWNLOAD_LIMIT,
            self.command("apt-get").arg("download").args(packages),
        )?;
        let unpacked = self.folder.join("unpacked");
        for file in files_in(&self.folder)? {
            if file.extension() == Some(OsStr::new("deb")) {
                command::output(Command::new("dpkg").arg("-x").arg(&file).arg(&unpacked))?;
            }
        }
        Ok(unpacked)
    }
}

fn keyring() -> Result<&'static str> {
    const KEYRINGS: [&str; 2] = [
        "/usr/share/keyrings/debian-archive-keyring.pgp",
        "/usr/share/keyrings/debian-archive-keyring.gpg",
    ];
    KEYRINGS.into_iter().find(|path| Path::new(path).is_file()).ok_or_else(|| {
        anyhow!("there is no keyring of Debian's archive (package debian-archive-keyring)")
    })
}

/// The standard library's source where cargo looks for it, as a link that is gone afterwards.
struct LinkedSource(Option<PathBuf>);

impl LinkedSource {
    #[cfg(unix)]
    fn new(sysroot: &Path, source: &Path) -> Result<Self> {
        let place = sysroot.join("lib/rustlib/src/rust/library");
        match fs::symlink_metadata(&place) {
            // The toolchain's own component `rust-src`: of the right version, and not ours.
            Ok(found) if found.is_dir() => return Ok(Self(None)),
            // A link that a killed run has left.
            Ok(_) => fs::remove_file(&place).context("removing an old link to the source")?,
            Err(_) => {}
        }
        let parent = place.parent().context("finding the place for the source")?;
        fs::create_dir_all(parent).with_context(|| format!("creating {}", parent.display()))?;
        std::os::unix::fs::symlink(source, &place)
            .with_context(|| format!("linking the source into {}", parent.display()))?;
        Ok(Self(Some(place)))
    }

    #[cfg(not(unix))]
    fn new(_sysroot: &Path, _source: &Path) -> Result<Self> {
        bail!("this way needs Debian")
    }
}

impl Drop for LinkedSource {
    fn drop(&mut self) {
        let Some(place) = &self.0 else { return };
        // What cannot be removed is replaced by the next run.
        let _ = fs::remove_file(place);
        for folder in place.ancestors().skip(1).take(2) {
            // Fails, as it should, if the folder holds something of the toolchain's own.
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Compiles the library as the dependency of an empty crate; returns the folder with the results.
fn compile(scratch: &Path) -> Result<PathBuf> {
    let folder = scratch.join("empty");
    fs::create_dir_all(folder.join("src")).context("creating an empty crate")?;
    fs::write(
        folder.join("Cargo.toml"),
        "[package]\nname = \"empty\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n",
    )
    .context("writing an empty crate")?;
    fs::write(folder.join("src/lib.rs"), "").context("writing an empty crate")?;
    let built = scratch.join("built");
    let mut cargo = Command::new("cargo");
    cargo
        .args(["build", "--release", "-Zbuild-std=std,panic_abort", "--target", TARGET])
        .arg("--target-dir")
        .arg(&built)
        .current_dir(&folder)
        // The library uses unstable features, which this lets a stable compiler accept.
        .env("RUSTC_BOOTSTRAP", "1")
        // Without bitcode, link-time optimization of policies stops at a missing section.
        .env("RUSTFLAGS", "-Cembed-bitcode=yes -Zforce-unstable-if-unmarked");
    for outer in ["CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET", "RUSTC_WRAPPER"] {
        cargo.env_remove(outer);
    }
    command::run_within(BUILD_LIMIT, &mut cargo)?;
    Ok(built.join(TARGET).join("release/deps"))
}

/// Puts the target together beside its place and moves it there in one step.
fn install(sysroot: &Path, packages: &Path, library: &Path) -> Result<()> {
    let rustlib = sysroot.join("lib/rustlib");
    let staged = rustlib.join(format!(".{TARGET}.partial"));
    if staged.exists() {
        fs::remove_dir_all(&staged).context("removing what a killed run has left")?;
    }
    let objects = staged.join("lib/self-contained");
    fs::create_dir_all(&objects).with_context(|| format!("creating {}", objects.display()))?;
    for name in START_OBJECTS {
        let is_wanted = |path: &Path| {
            path.file_name() == Some(OsStr::new(name))
                && path.components().any(|part| part.as_os_str() == TARGET)
        };
        let found = find(packages, is_wanted)?
            .ok_or_else(|| anyhow!("the package wasi-libc holds no {name} for {TARGET}"))?;
        copy(&found, &objects.join(name))?;
    }
    for rlib in files_in(library)? {
        let name = rlib.file_name().and_then(OsStr::to_str).unwrap_or_default();
        if rlib.extension() == Some(OsStr::new("rlib")) && !name.starts_with("libempty-") {
            copy(&rlib, &staged.join("lib").join(name))?;
        }
    }
    let place = rustlib.join(TARGET);
    if place.exists() {
        // It holds no standard library, or we would not be here.
        fs::remove_dir_all(&place).with_context(|| format!("replacing {}", place.display()))?;
    }
    fs::rename(&staged, &place).with_context(|| format!("moving to {}", place.display()))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to)
        .with_context(|| format!("copying {} to {}", from.display(), to.display()))?;
    Ok(())
}

fn files_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let reading = || format!("reading {}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(reading)? {
        files.push(entry.with_context(reading)?.path());
    }
    files.sort();
    Ok(files)
}

/// The first file below a folder that is wanted. Links are not followed.
fn find(folder: &Path, is_wanted: impl Fn(&Path) -> bool + Copy) -> Result<Option<PathBuf>> {
    for path in files_in(folder)? {
        if path.is_dir() && !path.is_symlink() {
            if let Some(found) = find(&path, is_wanted)? {
                return Ok(Some(found));
            }
        } else if is_wanted(&path) && path.exists() {
            return Ok(Some(path));
        }
    }
    Ok(None)
}
