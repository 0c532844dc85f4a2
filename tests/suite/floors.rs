//! The house: a file imports from lower floors only.

use std::path::{Path, PathBuf};

/// The floor of each module of the library.
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

/// The modules of the library that a text names.
fn named(text: &str) -> impl Iterator<Item = &str> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| line.split("crate::").skip(1)).map(|rest| {
        let end = rest.find(|letter: char| !letter.is_ascii_lowercase() && letter != '_').unwrap_or(rest.len());
        &rest[..end]
    })
}

#[test]
fn a_file_imports_from_lower_floors_only() {
    let mut wrong = Vec::new();
    for (path, module, text) in sources().filter(|(_, module, _)| !["main", "lib"].contains(&module.as_str())) {
        let wrongly = |other: &&str| !other.is_empty() && *other != module && floor(other) >= floor(&module);
        wrong.extend(named(&text).filter(wrongly).map(|other| format!("{} names {other}", path.display())));
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
