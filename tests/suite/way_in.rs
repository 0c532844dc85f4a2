//! The way in for whoever changes the house: what `src/README.md` names is there.

use std::path::Path;

/// The paths of `a/{b,c}/d`.
fn spelled_out(path: &str) -> Vec<String> {
    let Some((before, (inside, after))) =
        path.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
    else {
        return vec![path.to_owned()];
    };
    inside.split(',').flat_map(|part| spelled_out(&format!("{before}{}{after}", part.trim()))).collect()
}

/// The paths that stand between backquotes in a text, with the name behind `::`, if there is one.
fn named_paths(text: &str) -> Vec<(String, Option<&str>)> {
    let is_path = |word: &&str| {
        let file = word.split("::").next().unwrap_or_default();
        let is_file =
            Path::new(file).extension().is_some_and(|kind| ["rs", "md", "graphql", "toml"].iter().any(|k| kind == *k));
        !word.contains(['<', ' ', '(']) && (is_file || file.contains('/')) && !file.contains("//")
    };
    let quoted = text.split('`').skip(1).step_by(2).filter(is_path);
    let parted = quoted.map(|word| word.split_once("::").map_or((word, None), |(path, name)| (path, Some(name))));
    parted.flat_map(|(path, name)| spelled_out(path).into_iter().map(move |path| (path, name))).collect()
}

#[test]
fn the_way_in_names_only_what_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("src/README.md")).unwrap();
    let named = named_paths(&text);
    assert!(named.len() > 100, "only {} paths are read: are they between backquotes?", named.len());
    let mut wrong = Vec::new();
    for (path, name) in named {
        let place = [root.join("src").join(&path), root.join(&path)].into_iter().find(|place| place.exists());
        match (place, name) {
            (None, _) => wrong.push(format!("there is no {path}")),
            (Some(place), Some(name)) => {
                let code = std::fs::read_to_string(place).unwrap();
                let is_word = |word: &str| word == name;
                if !code.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(is_word) {
                    wrong.push(format!("{path} has no {name}"));
                }
            }
            (Some(_), None) => {}
        }
    }
    assert!(wrong.is_empty(), "src/README.md: {}", wrong.join("\n"));
}
