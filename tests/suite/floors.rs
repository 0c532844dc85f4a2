//! The house: a file imports from lower floors only.

use std::path::{Path, PathBuf};

/// The floor of each crate and of each module of the uppermost one.
const FLOORS: [(&str, u8); 12] = [
    ("domain", 0),
    ("storage", 1),
    ("telegram", 1),
    ("providers", 1),
    ("events", 1),
    ("service", 2),
    ("worker", 3),
    ("graphql", 3),
    ("http", 4),
    ("config", 5),
    ("app", 6),
    ("cli", 7),
];

fn floor(module: &str) -> u8 {
    let known = FLOORS.iter().find(|(name, _)| *name == module);
    known.unwrap_or_else(|| panic!("the module {module} stands on no floor: add it to the table")).1
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Each Rust file of the library with the module that it belongs to.
fn sources() -> impl Iterator<Item = (PathBuf, String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    files(&root).into_iter().filter(|path| path.extension().is_some_and(|kind| kind == "rs")).map(move |path| {
        let inner = path.strip_prefix(&root).unwrap();
        let module =
            inner.components().next().unwrap().as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        (inner.to_owned(), module, text)
    })
}

/// The crates of the house that the manifest of one names.
fn below(manifest: &str) -> impl Iterator<Item = &str> {
    manifest.lines().filter_map(|line| line.split_once("path = \"../")?.1.split_once('"')).map(|(name, _)| name)
}

/// The modules that the uppermost crate names of its own.
fn own(text: &str) -> impl Iterator<Item = &str> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| line.split("crate::").skip(1)).map(|rest| {
        let end = rest.find(|letter: char| !letter.is_ascii_lowercase() && letter != '_').unwrap_or(rest.len());
        &rest[..end]
    })
}

#[test]
fn a_crate_depends_on_lower_floors_only() {
    let mut wrong = Vec::new();
    for (module, own) in FLOORS.iter().filter(|(_, floor)| *floor < 5) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(module).join("Cargo.toml");
        let manifest = std::fs::read_to_string(&path).unwrap();
        let wrongly = |other: &&str| floor(other) >= *own;
        wrong.extend(below(&manifest).filter(wrongly).map(|other| format!("{module} depends on {other}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_file_of_the_roof_imports_from_below_only() {
    let mut wrong = Vec::new();
    let roof = |module: &str| !["main", "lib"].contains(&module) && floor(module) >= 5;
    for (path, module, text) in sources().filter(|(_, module, _)| roof(module)) {
        let wrongly = |other: &&str| !other.is_empty() && *other != module && floor(other) >= floor(&module);
        wrong.extend(own(&text).filter(wrongly).map(|other| format!("{} names {other}", path.display())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_file_says_what_it_is_for_and_is_no_longer_than_a_few_screens() {
    let mut wrong = Vec::new();
    for (path, _, text) in sources() {
        if !text.starts_with("//! ") {
            wrong.push(format!("{} does not open with a line that says what it is for", path.display()));
        }
        let lines = text.lines().count();
        if lines > 400 {
            wrong.push(format!("{} has {lines} lines", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
