//! The values of variables, read whole before anything runs: a request with one bad value does nothing.

use apollo_compiler::ast::Type;
use apollo_compiler::schema::{EnumType, ExtendedType, InputObjectType};
use async_graphql::indexmap::IndexMap;
use async_graphql::{Name, Number, Value, Variables};

use super::known::Operation;
use super::literal;
use super::schema::Published;
use super::suggestion;
use domain::error::Violation;

/// What is said of null where something is wanted.
pub(super) const NULL: &str = "null is not allowed here";

/// What is said of a condition that is left empty where a mutation picks what it changes.
pub(crate) const PICKS: &str = "this picks what is changed, and nothing does not stand for everything: leave the condition out, or \
    say all: true in place of the filter";

/// What is said of null for what an update can't take away.
pub(super) const KEEPS: &str = "null is not allowed here: leave the field out to keep what is there";

/// Fields of updates that null empties. Of what is in none of these, null would do nothing, without a word.
pub(super) const EMPTIED: [(&str, &[&str]); 8] = [
    ("UpdateBatchInput", &["description"]),
    ("UpdateBroadcastCampaignInput", &["description", "params", "scheduledAt", "telegramAccountIds"]),
    ("UpdateChannelInput", &["description", "memberCount", "tgstatUrl", "title"]),
    (
        "UpdateLeadInput",
        &[
            "email",
            "externalId",
            "firstName",
            "language",
            "lastName",
            "meta",
            "notes",
            "phone",
            "telegramUsername",
            "timeZone",
        ],
    ),
    (
        "UpdateRetentionCampaignInput",
        &[
            "contactHoursEnd",
            "contactHoursStart",
            "delayBetweenChannels",
            "description",
            "endDate",
            "maxContactsPerDay",
            "startDate",
            "timeZone",
            "vapiConfig",
        ],
    ),
    ("UpdateRetentionSequenceInput", &["campaignId", "description"]),
    ("UpdateScriptInput", &["campaignId", "content", "plainContent", "subject", "vapiConfig"]),
    ("UpdateTemplateInput", &["description", "mediaType", "mediaUploadId", "mediaUrl"]),
];
/// Fields of updates that say how they are carried out: null is as if they were left out.
const ABOUT: [&str; 2] = ["expectedVersion", "idempotencyKey"];

/// Whether this is a field of an update that null can't empty.
pub(super) fn keeps(kind: &InputObjectType, field: &str) -> bool {
    let is_update = kind.name.starts_with("Update") && kind.name.ends_with("Input");
    let is_emptied = || EMPTIED.iter().any(|(name, fields)| kind.name == *name && fields.contains(&field));
    is_update && !ABOUT.contains(&field) && !is_emptied()
}

/// Whether these are conditions by which a mutation picks what it changes.
pub(super) fn is_filter(kind: &InputObjectType, path: &[String]) -> bool {
    kind.name.ends_with("Filter") && path.first().is_some_and(|argument| argument == "input")
}

/// Whether a text has nothing in it that can be read: blanks, control characters, marks without a width.
pub(super) fn is_blank(text: &str) -> bool {
    let has_no_width = |letter| matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    text.chars().all(|letter| letter.is_whitespace() || letter.is_control() || has_no_width(letter))
}

/// The variables of an operation: what was given, as its types have it, else the defaults. One that is not in it was left
/// out. Otherwise all that is wrong; it `suggests` names of the schema to who may see it.
pub(super) fn coerce(
    schema: &Published,
    operation: &Operation,
    given: &Variables,
    suggests: bool,
) -> Result<Variables, Vec<Violation>> {
    let mut variables = Variables::default();
    let is_mutation = operation.definition.is_mutation();
    let mut reader = Reader { schema, is_mutation, suggests, path: Vec::new(), wrong: Vec::new() };
    for (definition, place) in operation.definition.variables.iter().zip(&operation.places) {
        reader.path.clone_from(&place.path);
        let name = Name::new(&definition.name);
        let value = match (given.get(&name), &definition.default_value) {
            (Some(value), _) => reader.value(&definition.ty, value),
            // What it picks is known only here, where the place of the variable is.
            (None, Some(default)) => {
                literal::constant(default).and_then(|default| reader.value(&definition.ty, &default))
            }
            (None, None) if definition.ty.is_non_null() => {
                reader.says(format!("variable ${name} was not given"));
                None
            }
            (None, None) => None,
        };
        match (&value, &place.picks, &place.refuses_null) {
            (Some(Value::Null), None, None) if place.keeps.is_some() => {
                reader.says_at(place.keeps.as_deref().unwrap_or_default(), KEEPS);
            }
            (Some(Value::Null), Some(path), _) => reader.says_at(path, PICKS),
            (Some(Value::String(text)), Some(path), _) if is_blank(text) => reader.says_at(path, PICKS),
            // A variable may be null by its type, but stand where null is not allowed.
            (Some(Value::Null), None, Some(path)) => reader.says_at(path, NULL),
            _ => {}
        }
        if let Some(value) = value {
            variables.insert(name, value);
        }
    }
    for picked in &operation.picked {
        let is_given = |index: &usize| variables.contains_key(&*operation.definition.variables[*index].name);
        if !picked.variables.iter().any(is_given) {
            reader.says_at(&picked.path, PICKS);
        }
    }
    if reader.wrong.is_empty() { Ok(variables) } else { Err(reader.wrong) }
}

struct Reader<'a> {
    schema: &'a Published,
    is_mutation: bool,
    suggests: bool,
    path: Vec<String>,
    wrong: Vec<Violation>,
}

impl Reader<'_> {
    fn says(&mut self, message: impl Into<String>) {
        self.wrong.push(Violation { path: self.path.clone(), message: message.into() });
    }

    fn says_at(&mut self, path: &[String], message: &str) {
        self.wrong.push(Violation { path: path.to_vec(), message: message.into() });
    }

    fn value(&mut self, wanted: &Type, value: &Value) -> Option<Value> {
        match (wanted, value) {
            (_, Value::Null) if wanted.is_non_null() => {
                self.says(NULL);
                None
            }
            (_, Value::Null) => Some(Value::Null),
            (Type::List(item) | Type::NonNullList(item), Value::List(items)) => {
                let read = items.iter().enumerate().map(|(index, value)| {
                    self.path.push(index.to_string());
                    let read = self.value(item, value);
                    self.path.pop();
                    read
                });
                // All of them are looked at, so that all that is wrong is told.
                read.collect::<Vec<_>>().into_iter().collect::<Option<_>>().map(Value::List)
            }
            (Type::List(item) | Type::NonNullList(item), value) => Some(Value::List(vec![self.value(item, value)?])),
            (Type::Named(name) | Type::NonNullNamed(name), value) => match self.schema.types.types.get(name)? {
                ExtendedType::InputObject(kind) => self.object(kind, value),
                ExtendedType::Enum(kind) => self.word(kind, value),
                _ => self.scalar(name, value),
            },
        }
    }

    fn object(&mut self, kind: &InputObjectType, value: &Value) -> Option<Value> {
        let Value::Object(given) = value else {
            self.says(format!("an object of the type {} is wanted", kind.name));
            return None;
        };
        let before = self.wrong.len();
        let mut read = IndexMap::new();
        for (name, value) in given {
            self.path.push(name.to_string());
            match kind.fields.get(name.as_str()) {
                Some(_) if self.is_mutation && is_filter(kind, &self.path) && is_nothing(value) => self.says(PICKS),
                Some(_) if *value == Value::Null && keeps(kind, name) => self.says(KEEPS),
                Some(field) => drop(self.value(&field.ty, value).map(|value| read.insert(name.clone(), value))),
                None => {
                    let meant = self.meant(name, kind.fields.keys());
                    self.says(format!("{} has no such field{meant}", kind.name));
                }
            }
            self.path.pop();
        }
        for (name, field) in &kind.fields {
            if field.is_required() && !given.contains_key(name.as_str()) {
                self.path.push(name.to_string());
                self.says("this field is missing");
                self.path.pop();
            }
        }
        if kind.directives.has("oneOf") && (given.len() != 1 || given.values().any(|value| *value == Value::Null)) {
            self.says("exactly one field is to be given, and not null");
        }
        (self.wrong.len() == before).then_some(Value::Object(read))
    }

    fn word(&mut self, kind: &EnumType, value: &Value) -> Option<Value> {
        match value {
            Value::String(word) if kind.values.contains_key(word.as_str()) => Some(Value::Enum(Name::new(word))),
            // As it is written in a default, which has been looked at.
            Value::Enum(word) => Some(Value::Enum(word.clone())),
            value => {
                let written = if let Value::String(word) = value { word } else { "" };
                let meant = self.meant(written, kind.values.keys());
                self.says(format!("a value of {} is wanted{meant}", kind.name));
                None
            }
        }
    }

    /// What was meant perhaps, if that may be told.
    fn meant<'a>(&self, written: &str, known: impl Iterator<Item = &'a apollo_compiler::Name>) -> String {
        if self.suggests { suggestion::among(written, known) } else { String::new() }
    }

    fn scalar(&mut self, name: &str, value: &Value) -> Option<Value> {
        let read = match (name, value) {
            ("Int", Value::Number(number)) => int(number),
            ("Float", Value::Number(_)) | ("String" | "ID", Value::String(_)) | ("Boolean", Value::Boolean(_)) => {
                Some(value.clone())
            }
            ("ID", Value::Number(number)) if number.is_i64() || number.is_u64() => {
                Some(Value::String(number.to_string()))
            }
            ("Int" | "Float" | "String" | "Boolean" | "ID", _) => None,
            (name, value) => match (self.schema.check)(name, value.clone()) {
                Ok(()) => return Some(value.clone()),
                Err(message) => {
                    self.says(message);
                    return None;
                }
            },
        };
        if read.is_none() {
            self.says(wanted(name));
        }
        read
    }
}

fn is_nothing(value: &Value) -> bool {
    matches!(value, Value::Null) || matches!(value, Value::String(text) if is_blank(text))
}

/// What is said of a value that is none of a scalar that GraphQL itself has.
pub(super) fn wanted(scalar: &str) -> &'static str {
    match scalar {
        "Int" => "a whole number between -2147483648 and 2147483647 is wanted",
        "Float" => "a number is wanted",
        "Boolean" => "true or false is wanted",
        "ID" => "an id is wanted: a string",
        _ => "a string is wanted",
    }
}

/// JSON knows no whole numbers: 1.0 is 1.
fn int(number: &Number) -> Option<Value> {
    const WHOLE: std::ops::RangeInclusive<f64> = -2_147_483_648.0..=2_147_483_647.0;
    let whole = number.as_i64().or_else(|| {
        let number = number.as_f64().filter(|number| number.fract() == 0.0 && WHOLE.contains(number))?;
        format!("{number:.0}").parse().ok()
    });
    i32::try_from(whole?).ok().map(Value::from)
}
