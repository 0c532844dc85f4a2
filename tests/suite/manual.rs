//! The manual: what is made from the code, what it shows, and where its links lead.

mod links;
mod made;
mod served;

use std::path::{Path, PathBuf};

use apollo_compiler::{ExecutableDocument, Schema};

/// The repository's folder.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The README and the manual's pages, with their texts.
fn pages() -> Vec<(PathBuf, String)> {
    let entries = std::fs::read_dir(root().join("src/manual")).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> = entries.collect();
    paths.sort();
    paths.push(root().join("README.md"));
    paths.into_iter().map(|path| (path.clone(), std::fs::read_to_string(&path).unwrap())).collect()
}

/// A block of code of a page: its language, its text and the line on which it begins.
struct Block<'a> {
    language: &'a str,
    text: String,
    line: usize,
}

/// The blocks of code between fences.
fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut is_open = false;
    for (index, line) in page.lines().enumerate() {
        if let Some(language) = line.strip_prefix("```") {
            is_open = !is_open;
            if is_open {
                blocks.push(Block { language, text: String::new(), line: index + 1 });
            }
        } else if is_open {
            let block = blocks.last_mut().unwrap();
            block.text.push_str(line);
            block.text.push('\n');
        }
    }
    assert!(!is_open, "a block of code has no end");
    blocks
}

/// The operations in programs: what stands in quotes, or in a template, and begins as one does.
fn quoted(block: &str) -> Vec<String> {
    let mut found = Vec::new();
    for quote in ['\'', '"', '`'] {
        // What a shell must have escaped is as the server gets it.
        let text = if quote == '"' { block.replace("\\\"", "\u{1}") } else { block.to_owned() };
        let parts = text.split(quote).map(|part| part.replace('\u{1}', "\"").replace("\\\"", "\""));
        found.extend(parts.filter(|part| {
            let begin = part.trim_start();
            ["{ ", "mutation", "query ", "subscription"].iter().any(|word| begin.starts_with(word))
                && begin.contains('}')
        }));
    }
    found
}

#[test]
fn every_operation_that_is_shown_fits_the_schema() {
    let schema = Schema::parse_and_validate(graphql::sdl(), "schema.graphql").unwrap();
    let (mut seen, mut wrong) = (0, Vec::new());
    for (path, text) in pages() {
        for Block { language, text, line } in blocks(&text) {
            let operations = match language {
                "graphql" => vec![text],
                "bash" | "sh" | "ts" | "js" | "python" => quoted(&text),
                "json" | "text" | "toml" | "yaml" | "ini" | "nginx" => Vec::new(),
                other => panic!("{}:{line}: nobody checks a block of {other:?}", path.display()),
            };
            for operation in operations {
                seen += 1;
                // A variable of the shell stands for an id.
                if let Err(mistakes) = ExecutableDocument::parse_and_validate(&schema, operation.clone(), "block") {
                    wrong.push(format!("{}:{line}: {operation}\n{}", path.display(), mistakes.errors));
                }
            }
        }
    }
    assert!(seen >= 25, "only {seen} operations are found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_readme_is_short() {
    let lines = std::fs::read_to_string(root().join("README.md")).unwrap().lines().count();
    assert!(lines <= 200, "{lines} lines: what is long belongs into the manual");
}
