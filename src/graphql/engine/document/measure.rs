//! What a document comes to once its fragments are put in where they are spread.
//!
//! Each fragment is measured once, however often it is spread: 24 fragments that each spread the next one twice are 16
//! million selections in 901 bytes, and are counted in 24 steps.

use std::collections::HashMap;

use apollo_compiler::Name;
use apollo_compiler::ast::{Definition, Document, FragmentDefinition, OperationType, Selection};

use super::Refusal;
use domain::error::Code;
use domain::limits::DocumentLimits;

/// The field that tries a password.
const LOGIN: &str = "login";

/// The fields by which the schema is read.
const READS_SCHEMA: [&str; 2] = ["__schema", "__type"];
/// Lists of the schema that lead from each type to many others.
const LISTS_OF_SCHEMA: [&str; 5] = ["types", "fields", "inputFields", "interfaces", "possibleTypes"];
/// So many of these lists may lie in one another. What reads all of the schema, as clients' tools do, has two; each one more makes
/// the answer thirty times as long, and it is made in one go, without a place to stop at.
const MOST_LISTS_OF_SCHEMA: u64 = 2;

/// The size of a selection set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Measure {
    selections: u64,
    aliases: u64,
    depth: usize,
    /// Fields of its own level.
    fields: u64,
    /// Fields among them that log in.
    logins: u64,
    /// Lists of the schema that lie in one another.
    lists_of_schema: u64,
}

impl Measure {
    fn add(&mut self, other: Self) {
        self.selections = self.selections.saturating_add(other.selections);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.depth = self.depth.max(other.depth);
        self.fields = self.fields.saturating_add(other.fields);
        self.logins = self.logins.saturating_add(other.logins);
        self.lists_of_schema = self.lists_of_schema.max(other.lists_of_schema);
    }

    /// Refuses an operation of this measure, if it is too much.
    fn check(&self, kind: OperationType, limits: &DocumentLimits) -> Result<(), Refusal> {
        let at_most = |code, what: &str, number: u64, most: u64| {
            let message = || format!("the operation has {number} {what}, {most} is the most");
            if number <= most { Ok(()) } else { Err(Refusal::new(code, message())) }
        };
        let root_fields = if kind == OperationType::Mutation { limits.mutation_fields } else { limits.root_fields };
        at_most(Code::QueryTooComplex, "selections", self.selections, limits.selections)?;
        at_most(Code::QueryTooDeep, "levels", wide(self.depth), wide(limits.depth))?;
        at_most(Code::TooManyAliases, "aliases", self.aliases, limits.aliases)?;
        at_most(Code::QueryTooComplex, "root fields", self.fields, root_fields)?;
        // Else one request could try many passwords.
        at_most(Code::QueryTooComplex, "logins", self.logins, 1)
    }
}

fn too_deep_in_the_schema() -> Refusal {
    let message = format!(
        "of the schema's lists ({}) at most {MOST_LISTS_OF_SCHEMA} may lie in one another: ask for one type by __type(name:)",
        LISTS_OF_SCHEMA.join(", ")
    );
    Refusal::new(Code::QueryTooDeep, message)
}

fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// Refuses a document of which an operation is too much, run or not: all of it is validated.
pub(super) fn check(document: &Document, limits: &DocumentLimits) -> Result<(), Refusal> {
    let fragments = document.definitions.iter().filter_map(|definition| definition.as_fragment_definition());
    let fragments = fragments.map(|fragment| (&fragment.name, &**fragment)).collect();
    let mut ruler = Ruler { fragments, known: HashMap::new() };
    for definition in &document.definitions {
        match definition {
            Definition::OperationDefinition(operation) => {
                ruler.set(&operation.selection_set)?.check(operation.operation_type, limits)?;
            }
            Definition::FragmentDefinition(fragment) => {
                let selections = ruler.fragment(&fragment.name)?.selections;
                if selections > limits.selections {
                    let message =
                        format!("the fragment {} has more than {} selections", fragment.name, limits.selections);
                    return Err(Refusal::new(Code::QueryTooComplex, message));
                }
            }
            // The validation refuses what defines types.
            _ => {}
        }
    }
    Ok(())
}

struct Ruler<'a> {
    fragments: HashMap<&'a Name, &'a FragmentDefinition>,
    /// Fragments by name; None is one that is being measured.
    known: HashMap<&'a Name, Option<Measure>>,
}

impl<'a> Ruler<'a> {
    fn set(&mut self, set: &'a [Selection]) -> Result<Measure, Refusal> {
        let mut sum = Measure::default();
        for selection in set {
            sum.add(self.selection(selection)?);
        }
        Ok(sum)
    }

    fn selection(&mut self, selection: &'a Selection) -> Result<Measure, Refusal> {
        let one = Measure { selections: 1, ..Measure::default() };
        match selection {
            Selection::Field(field) => {
                let below = self.set(&field.selection_set)?;
                let name = field.name.as_str();
                if READS_SCHEMA.contains(&name) && below.lists_of_schema > MOST_LISTS_OF_SCHEMA {
                    return Err(too_deep_in_the_schema());
                }
                Ok(Measure {
                    selections: below.selections.saturating_add(1),
                    aliases: below.aliases.saturating_add(u64::from(field.alias.is_some())),
                    depth: below.depth + 1,
                    fields: 1,
                    logins: u64::from(name == LOGIN),
                    lists_of_schema: below.lists_of_schema + u64::from(LISTS_OF_SCHEMA.contains(&name)),
                })
            }
            Selection::InlineFragment(fragment) => {
                let mut measure = self.set(&fragment.selection_set)?;
                measure.add(one);
                Ok(measure)
            }
            Selection::FragmentSpread(spread) => {
                let mut measure = self.fragment(&spread.fragment_name)?;
                measure.add(one);
                Ok(measure)
            }
        }
    }

    fn fragment(&mut self, name: &Name) -> Result<Measure, Refusal> {
        // One that is not there is told by the validation.
        let Some((&name, &fragment)) = self.fragments.get_key_value(name) else { return Ok(Measure::default()) };
        match self.known.get(name) {
            Some(Some(measure)) => Ok(*measure),
            Some(None) => {
                Err(Refusal::new(Code::GraphqlValidationFailed, format!("the fragment {name} spreads itself")))
            }
            None => {
                self.known.insert(name, None);
                let measure = self.set(&fragment.selection_set)?;
                self.known.insert(name, Some(measure));
                Ok(measure)
            }
        }
    }
}
