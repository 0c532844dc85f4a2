//! What was meant perhaps by a name that the schema does not have. It is told to who may see the schema.

use apollo_compiler::Name;
use apollo_compiler::schema::ExtendedType;

use super::schema::Published;

/// Names that are suggested at most.
const MOST: usize = 3;

/// What follows the validator's `message` of this `kind`: the names that were meant perhaps, or nothing.
pub(super) fn of(schema: &Published, kind: &str, message: &str) -> String {
    let words: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match (kind, words.as_slice()) {
        ("UndefinedField", [of, written]) => fields(schema, of).map(|known| among(written, known)).unwrap_or_default(),
        ("UndefinedArgument", [written, of]) => argument(schema, written, of).unwrap_or_default(),
        ("UndefinedDefinition", [written]) => among(written, schema.types.types.keys()),
        _ => String::new(),
    }
}

/// Letters of a name that is worth comparing: no name of the schema is as long, and each letter is compared with each of every name.
const LONGEST: usize = 64;

/// `; did you mean ..?`, if one of the `known` names is like the one that was `written`.
pub(super) fn among<'a>(written: &str, known: impl Iterator<Item = &'a Name>) -> String {
    if written.len() > LONGEST {
        return String::new();
    }
    // As graphql-js has it: two letters in five may be wrong, and one more.
    let most = written.chars().count() * 2 / 5 + 1;
    let folded = written.to_lowercase();
    let near = |name: &'a Name| {
        let distance = match name.to_lowercase() {
            same if same == folded => 1,
            other => strsim::osa_distance(&folded, &other),
        };
        (distance <= most).then_some((distance, name.as_str()))
    };
    let mut near: Vec<(usize, &str)> = known.filter(|name| !name.starts_with("__")).filter_map(near).collect();
    near.sort_unstable();
    near.truncate(MOST);
    let names: Vec<&str> = near.into_iter().map(|(_, name)| name).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => format!("; did you mean {one}?"),
        [others @ .., last] => format!("; did you mean {} or {last}?", others.join(", ")),
    }
}

fn fields<'a>(schema: &'a Published, of: &str) -> Option<Box<dyn Iterator<Item = &'a Name> + 'a>> {
    match schema.types.types.get(of)? {
        ExtendedType::Object(kind) => Some(Box::new(kind.fields.keys())),
        ExtendedType::Interface(kind) => Some(Box::new(kind.fields.keys())),
        _ => None,
    }
}

/// `of` is `Type.field(argument:)` or `@directive(argument:)`, as the validator writes it.
fn argument(schema: &Published, written: &str, of: &str) -> Option<String> {
    let of = of.split('(').next()?;
    let arguments = if let Some(directive) = of.strip_prefix('@') {
        &schema.types.directive_definitions.get(directive)?.arguments
    } else {
        let (kind, field) = of.split_once('.')?;
        &schema.types.type_field(kind, field).ok()?.arguments
    };
    Some(among(written, arguments.iter().map(|argument| &argument.name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_nearly_right_are_suggested_and_others_are_not() {
        let known =
            ["status", "state", "totalCount", "nodes", "createdAt", "updatedAt"].map(|name| Name::new(name).unwrap());
        let told = |written| among(written, known.iter());
        assert_eq!(told("stats"), "; did you mean state or status?");
        assert_eq!(told("totalcount"), "; did you mean totalCount?");
        assert_eq!(told("createdat"), "; did you mean createdAt or updatedAt?");
        for far in ["x", "", "password", "ноды"] {
            assert_eq!(told(far), "", "{far}");
        }
    }

    #[test]
    fn names_that_are_longer_than_any_are_not_compared() {
        let known = ["a".repeat(LONGEST + 1), "a".repeat(LONGEST)].map(|name| Name::new(&name).unwrap());
        assert_ne!(among(&"a".repeat(LONGEST), known.iter()), "");
        assert_eq!(among(&"a".repeat(LONGEST + 1), known.iter()), "");
    }
}
