//! The rooms of the code: which crate may see which.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

/// Who alone may name a crate in its `Cargo.toml`, for any purpose.
const ONLY_IN: &[(&str, &str)] = &[
    ("sqlx", "waypost-store"),
    ("wasmtime", "waypost-policy"),
    ("wasmtime-wizer", "waypost-policy"),
    ("cap-std", "waypost-policy"),
    ("lettre", "waypost-delivery"),
    ("email-encoding", "waypost-delivery"),
    ("mail-parser", "waypost-delivery"),
    ("utoipa", "waypost-api"),
    ("askama", "waypost-web"),
    ("fluent-typed", "waypost-web"),
    ("scraper", "waypost-test-support"),
    ("encoding_rs", "waypost"),
    ("chardetng", "waypost"),
];

/// What a crate's code may not name.
const NEVER_NAMES: &[(&str, &[&str])] = &[
    ("waypost-domain", &["serde", "serde_json", "tokio"]),
    ("waypost-policy", &["waypost-domain", "waypost-store"]),
    ("waypost-app", &["sqlx", "wasmtime", "cap-std"]),
    ("waypost-delivery", &["waypost-policy", "waypost-api"]),
    ("waypost-api", &["waypost-store", "sqlx", "waypost-policy", "wasmtime", "waypost-delivery"]),
    (
        "waypost-web",
        &["waypost-store", "sqlx", "waypost-policy", "wasmtime", "waypost-delivery", "waypost-api"],
    ),
    ("waypost-edge", &["waypost-store", "waypost-domain", "waypost-policy", "waypost-delivery"]),
];

/// What a crate may not see, not even through others.
const NEVER_SEES: &[(&str, &[&str])] = &[
    ("waypost-domain", &["sqlx", "axum", "wasmtime", "tokio", "serde_json", "lettre"]),
    ("waypost-store", &["axum", "wasmtime", "reqwest", "lettre", "waypost-policy", "waypost-app"]),
    (
        "waypost-policy",
        &["sqlx", "axum", "lettre", "waypost-domain", "waypost-store", "waypost-app"],
    ),
    ("waypost-app", &["axum", "lettre", "waypost-api", "waypost-delivery"]),
    ("waypost-delivery", &["axum", "waypost-api"]),
    ("waypost-edge", &["waypost-api", "waypost-web", "waypost-delivery", "lettre"]),
    ("waypost-api", &["waypost-web", "waypost-delivery", "lettre"]),
    ("waypost-web", &["waypost-api", "waypost-delivery", "lettre"]),
];

/// Everything under `host/`.
const HOST: &[&str] = &[
    "waypost-domain",
    "waypost-store",
    "waypost-policy",
    "waypost-app",
    "waypost-delivery",
    "waypost-edge",
    "waypost-api",
    "waypost-web",
    "waypost",
];

/// What grows on the contract alone.
const GUESTS: &[&str] = &[
    "waypost-settings",
    "waypost-sdk",
    "keyword-categorizer",
    "team-router",
    "approval-chain",
    "stakeholder-notifier",
];

/// Whatever is built together shares its features. What tests need must not hide what the program
/// lacks.
#[test]
fn the_program_alone_reads_the_instructions_that_tests_read() {
    let cargo = Command::new(env!("CARGO"))
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .args(["tree", "--locked", "--offline", "--package", "waypost", "--edges", "normal"])
        .args(["--prefix", "none", "--format", "{p} features: {f}"])
        .output()
        .expect("cargo runs");
    let tree = String::from_utf8_lossy(&cargo.stdout);
    let readers: Vec<_> = tree.lines().filter(|line| line.starts_with("wasmparser ")).collect();
    assert!(!readers.is_empty(), "{}", String::from_utf8_lossy(&cargo.stderr));
    for reader in readers {
        assert!(reader.contains("simd"), "{reader}");
    }
}

/// The packages as Cargo sees them.
struct Rooms {
    metadata: Metadata,
    names: BTreeMap<PackageId, String>,
}

impl Rooms {
    /// Reads what is built on this machine; packages of other platforms need not be there.
    fn read() -> Self {
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
        let platform = ["--locked".to_owned(), "--filter-platform".to_owned(), host()];
        let metadata =
            MetadataCommand::new().manifest_path(manifest).other_options(platform).exec().unwrap();
        let packages = metadata.packages.iter();
        let names = packages.map(|one| (one.id.clone(), one.name.to_string())).collect();
        Self { metadata, names }
    }

    /// What a package's `Cargo.toml` names: what its code can use, and what its tests can use, too.
    fn named(&self, package: &str, kinds: &[DependencyKind]) -> BTreeSet<String> {
        let found = self.metadata.packages.iter().find(|one| one.name.as_str() == package);
        let found = found.unwrap_or_else(|| panic!("there is no package {package}"));
        let named = found.dependencies.iter().filter(|one| kinds.contains(&one.kind));
        named.map(|one| one.name.clone()).collect()
    }

    /// Everything that a package is compiled with.
    fn seen(&self, package: &str) -> BTreeSet<String> {
        let nodes = &self.metadata.resolve.as_ref().unwrap().nodes;
        let nodes: BTreeMap<_, _> = nodes.iter().map(|node| (&node.id, node)).collect();
        let start = self.metadata.packages.iter().find(|one| one.name.as_str() == package).unwrap();
        let mut seen = BTreeSet::new();
        let mut open = vec![&start.id];
        while let Some(id) = open.pop() {
            for dependency in &nodes[id].deps {
                let is_compiled_in =
                    dependency.dep_kinds.iter().any(|info| info.kind == DependencyKind::Normal);
                if is_compiled_in && seen.insert(&dependency.pkg) {
                    open.push(&dependency.pkg);
                }
            }
        }
        seen.into_iter().map(|id| self.names[id].clone()).collect()
    }
}

/// The platform that this test runs on.
fn host() -> String {
    let rustc = std::process::Command::new("rustc").arg("-vV").output().unwrap();
    let told = String::from_utf8(rustc.stdout).unwrap();
    told.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

const ALL_KINDS: &[DependencyKind] =
    &[DependencyKind::Normal, DependencyKind::Development, DependencyKind::Build];

#[test]
fn the_rooms_keep_their_arrows() {
    let rooms = Rooms::read();
    let mut broken = Vec::new();
    for package in rooms.metadata.workspace_packages() {
        let package = package.name.as_str();
        let named = rooms.named(package, ALL_KINDS);
        for (dependency, room) in ONLY_IN {
            if package != *room && named.contains(*dependency) {
                broken.push(format!("{package} names {dependency}, which only {room} does"));
            }
        }
    }
    for (package, never) in NEVER_NAMES {
        let named = rooms.named(package, &[DependencyKind::Normal]);
        let wrong = never.iter().filter(|one| named.contains(**one));
        broken.extend(wrong.map(|one| format!("{package} names {one}")));
    }
    for (package, never) in NEVER_SEES {
        let seen = rooms.seen(package);
        let wrong = never.iter().filter(|one| seen.contains(**one));
        broken.extend(wrong.map(|one| format!("{package} sees {one}")));
    }
    for guest in GUESTS {
        let seen = rooms.seen(guest);
        let named = rooms.named(guest, ALL_KINDS);
        let wrong = HOST.iter().filter(|one| seen.contains(**one) || named.contains(**one));
        broken.extend(wrong.map(|one| format!("{guest} sees {one}, which is the host's")));
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_tables_of_the_rooms_name_packages_that_exist() {
    let rooms = Rooms::read();
    let all: BTreeSet<&str> = rooms.names.values().map(String::as_str).collect();
    let of_workspace: BTreeSet<&str> =
        rooms.metadata.workspace_packages().iter().map(|one| one.name.as_str()).collect();
    let tables = NEVER_NAMES.iter().chain(NEVER_SEES).map(|(package, _)| package);
    for package in tables.chain(HOST).chain(GUESTS) {
        assert!(of_workspace.contains(package), "there is no package {package}");
    }
    for (dependency, _) in ONLY_IN {
        assert!(all.contains(dependency), "nothing uses {dependency}");
    }
    // What is seen is really followed: the binary sees everything.
    let seen = rooms.seen("waypost");
    assert!(["sqlx", "wasmtime", "axum", "lettre"].iter().all(|one| seen.contains(*one)));
}

/// The examples that are built from any folder, so that each carries the contract.
const EXAMPLES: [&str; 2] = ["sdk/typescript/example-router", "sdk/python/example-router"];

/// Every file below a folder: its path from there, and what is in it.
fn files(folder: &std::path::Path) -> BTreeMap<std::path::PathBuf, String> {
    let (mut found, mut open) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(inner) = open.pop() {
        for entry in std::fs::read_dir(&inner).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).unwrap().to_owned();
            found.insert(name, std::fs::read_to_string(&path).unwrap());
        }
    }
    found
}

#[test]
fn the_examples_carry_the_contract() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let contract = files(&root.join("wit/0.1.0"));
    assert!(contract.len() > 5, "{:?}", contract.keys());
    for example in EXAMPLES {
        let carried = files(&root.join(example).join("wit"));
        let all: BTreeSet<_> = contract.keys().chain(carried.keys()).collect();
        let differ = all.into_iter().filter(|name| contract.get(*name) != carried.get(*name));
        let differ = differ.collect::<Vec<_>>();
        assert!(differ.is_empty(), "copy from wit/0.1.0 to {example}/wit: {differ:?}");
    }
}

/// The files whose comments people read, by their endings, and how a line of comment begins there.
const COMMENTED: &[(&str, &[&str])] = &[
    ("rs", &["//"]),
    ("wit", &["//"]),
    ("ts", &["//", "*", "/*"]),
    ("sql", &["--"]),
    ("toml", &["#"]),
    ("py", &["#"]),
];

#[test]
fn comments_end_at_column_100() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut folders = vec![root.canonicalize().unwrap()];
    let (mut wide, mut files) = (Vec::new(), 0);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let is_made = matches!(name.as_str(), "target" | "node_modules" | "Cargo.lock");
            if is_made || (name.starts_with('.') && name != ".cargo") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let ending = path.extension().unwrap_or_default().to_string_lossy();
            let Some((_, begins)) = COMMENTED.iter().find(|(known, _)| *known == ending) else {
                continue;
            };
            files += 1;
            let text = std::fs::read_to_string(&path).unwrap();
            for (place, line) in text.lines().enumerate() {
                let is_comment = begins.iter().any(|one| line.trim_start().starts_with(one));
                if is_comment && line.chars().count() > 100 {
                    wide.push(format!("{}:{}", path.display(), place + 1));
                }
            }
        }
    }
    assert!(files > 500, "only {files} files were looked at");
    assert!(wide.is_empty(), "wrap these comments at 100 columns:\n{}", wide.join("\n"));
}
