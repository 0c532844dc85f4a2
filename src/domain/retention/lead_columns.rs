//! Which column of a list of leads holds what: as it was told, or as the columns' names suggest.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

pub use super::lead_field::Field;
use super::refused_columns::{Answer, Sign, found_in};
use crate::{json, text::brief};

/// What stands before the names of columns in a reason. What follows was read from the file: it is only for who may see contacts,
/// since a list without names of columns begins with somebody's address.
pub const FIRST_LINE: &str = "; its first line has: ";
/// What stands before a word that was read from the file, and after it: it is only for who may see contacts as well.
const SAYS: &str = " says \"";
const WHICH: &str = "\", which is";
/// A longer text is no name of a column.
const NAME: usize = 40;
/// Neither is one with so many digits.
const DIGITS: usize = 5;

/// Which column holds what. An empty one goes by the usual names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// The columns of the fields.
    #[serde(default)]
    pub fields: BTreeMap<Field, String>,
    /// Columns that become custom fields, under their own names.
    #[serde(default)]
    pub meta: Vec<String>,
}

/// Where the value of a column goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Slot {
    /// A field of the lead.
    Field(Field),
    /// A custom field of this name.
    Meta(String),
    /// All custom fields at once, a JSON object.
    AllMeta,
    /// Whether the person must not be contacted, in a column of this name.
    Refusal(Sign, String),
    /// A custom field of this name, which says as well whether the person must not be contacted.
    MetaRefusal(Sign, String),
    /// A further address. A lead has one of a kind; who refuses does so at all of them.
    Further(Field),
}

impl Mapping {
    /// Where the value of the column goes; None: nowhere.
    pub fn slot(&self, column: &str) -> Option<Slot> {
        let column = column.trim();
        // Whatever else is told of the columns, who must not be contacted is not.
        let refusal = || Sign::of(column).map(|sign| Slot::Refusal(sign, column.to_owned()));
        let usual = usual(column);
        // Nor is where else he can be reached.
        let further = || Field::further(&usual).map(Slot::Further);
        if self.fields.is_empty() && self.meta.is_empty() {
            let field = Field::ALL.into_iter().find(|field| field.usual_names().contains(&usual.as_str()));
            let slot = field.map(Slot::Field).or_else(|| (usual == "meta").then_some(Slot::AllMeta));
            return slot.or_else(refusal).or_else(further);
        }
        let is_it = |name: &str| name.trim().to_lowercase() == column.to_lowercase();
        let field = self.fields.iter().find(|(_, name)| is_it(name)).map(|(field, _)| Slot::Field(*field));
        let meta = || {
            let name = self.meta.iter().find(|name| is_it(name))?.trim().to_owned();
            Some(Sign::of(&name).map_or_else(|| Slot::Meta(name.clone()), |sign| Slot::MetaRefusal(sign, name.clone())))
        };
        field.or_else(meta).or_else(refusal).or_else(further)
    }

    /// Whether nothing is taken from a column but what somebody refuses by it, or at it.
    pub fn is_unused(&self, column: &str) -> bool {
        matches!(self.slot(column), None | Some(Slot::Refusal(Sign::Tags, _) | Slot::Further(_)))
    }

    /// The names of the columns that nothing is taken from, if names is what the first line has.
    pub fn unused(&self, header: &[String]) -> Vec<String> {
        if !are_names(header) {
            return Vec::new();
        }
        let names = header.iter().map(|column| column.trim()).filter(|column| !column.is_empty());
        names.filter(|column| self.is_unused(column)).map(|name| brief(name.to_owned())).collect()
    }

    /// Where the values of the columns of a table go, one of which must hold one of `addresses`: without it each line would be refused.
    ///
    /// # Errors
    /// A sentence: a column that the mapping names is not there, or none of the addresses is, or two columns have one name.
    pub fn slots(&self, header: &[String], addresses: &[Field]) -> Result<Vec<Option<Slot>>, String> {
        let slots: Vec<Option<Slot>> = header.iter().map(|column| self.slot(column)).collect();
        let there =
            |name: &String| header.iter().any(|column| column.trim().to_lowercase() == name.trim().to_lowercase());
        let missing = self.fields.values().chain(&self.meta).find(|name| !there(name));
        if let Some(missing) = missing {
            return Err(brief(format!("the file has no column \"{missing}\"{}", shown(header))));
        }
        let mut names = BTreeSet::new();
        let mut used = header.iter().zip(&slots).filter(|(_, slot)| slot.is_some());
        if let Some((twice, _)) = used.find(|(name, _)| !names.insert(name.trim().to_lowercase())) {
            let twice = brief(twice.trim().to_owned());
            return Err(format!(
                "the file has two columns \"{twice}\", and nothing says which one counts: rename or remove one of them"
            ));
        }
        let has = |is_it: &dyn Fn(&Slot) -> bool| slots.iter().flatten().any(is_it);
        let is_refusing = has(&|slot| matches!(slot, Slot::Refusal(sign, _) if *sign != Sign::Tags));
        let is_reached = |slot: &Slot| match slot {
            Slot::Field(field) if addresses.contains(field) => true,
            // Who refuses may be known by less than a lead needs.
            Slot::Field(Field::ExternalId | Field::TelegramUsername) => is_refusing,
            Slot::Further(field) => addresses.contains(&Field::TelegramUsername) && addresses.contains(field),
            _ => false,
        };
        if !has(&is_reached) {
            let words: Vec<&str> = addresses.iter().map(|field| field.word()).collect();
            let why = format!("no column is known to hold an address ({})", words.join(", "));
            return Err(brief(format!("{why}, and no mapping says which{}", shown(header))));
        }
        Ok(slots)
    }
}

/// The names of the columns, if that is what they are.
fn shown(header: &[String]) -> String {
    if are_names(header) {
        format!("{FIRST_LINE}{}", header.join(", "))
    } else {
        "; its first line does not look like names of columns".to_owned()
    }
}

/// Whether these look like names of columns, and not like the first line of a list that has none.
fn are_names(header: &[String]) -> bool {
    header.iter().all(|column| {
        let digits = column.chars().filter(char::is_ascii_digit).count();
        column.chars().count() <= NAME && digits < DIGITS && !column.contains('@') && !column.contains("//")
    })
}

/// What is told of a line, for who may not see contacts: without the words that stand in it, which may be an address in a wrong column.
pub fn without_words(told: &str) -> String {
    match (told.find(SAYS), told.rfind(WHICH)) {
        (Some(open), Some(close)) if open < close => {
            format!("{} says a word{}", &told[..open], &told[close + 1..])
        }
        _ => told.to_owned(),
    }
}

/// A reason as it is told to who may not see contacts.
pub fn without_columns(reason: &str) -> &str {
    reason.split_once(FIRST_LINE).map_or(reason, |(reason, _)| reason)
}

fn usual(column: &str) -> String {
    column.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// A word that is not known, in a column that says who must not be contacted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Unclear {
    /// The column.
    pub column: String,
    /// What stands there.
    pub word: String,
    /// Whether it was taken for a refusal: where only a yes would do.
    pub is_refusal: bool,
}

impl Unclear {
    /// What is told of it.
    pub fn told(&self) -> String {
        let (column, word) = (&self.column, &self.word);
        if self.is_refusal {
            format!("the column \"{column}\"{SAYS}{word}{WHICH} no yes that is known: it is taken as a refusal")
        } else {
            format!("the column \"{column}\"{SAYS}{word}{WHICH} not known: it is taken as no refusal")
        }
    }
}

/// What a line says of a lead, not examined yet.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Values {
    /// What is there of the fields, without blanks around it; never empty.
    pub fields: BTreeMap<Field, String>,
    /// The custom fields.
    pub meta: Map<String, Json>,
    /// Further addresses of the person: they count for who refuses.
    pub further: Vec<(Field, String)>,
    /// The column that says that the person must not be contacted.
    pub refused: Option<String>,
    /// Words of columns of refusals that are not known.
    pub unclear: Vec<Unclear>,
    /// What else is to be told of the line.
    pub notes: Vec<String>,
    /// What could not be taken from its column: the field's name, and why.
    pub wrong: Vec<(&'static str, String)>,
}

/// The fields of which a list may have several values.
const REACHED: [Field; 3] = [Field::Email, Field::Phone, Field::TelegramUsername];
/// The custom fields, as mistakes name them.
pub(super) const META: &str = "meta";

impl Values {
    /// Adds the value of a column of a table.
    pub fn add_text(&mut self, slot: &Slot, text: &str) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        match slot {
            Slot::Field(field) if self.fields.contains_key(field) => self.further.push((*field, text.to_owned())),
            Slot::Field(field) => drop(self.fields.insert(*field, text.to_owned())),
            Slot::Further(field) => self.further.push((*field, text.to_owned())),
            Slot::Meta(name) => drop(self.meta.insert(name.clone(), text.into())),
            Slot::MetaRefusal(sign, name) => {
                self.judge(*sign, name, text);
                self.meta.insert(name.clone(), text.into());
            }
            Slot::Refusal(sign, name) => self.judge(*sign, name, text),
            Slot::AllMeta => match json::object(text) {
                Ok(meta) => self.meta.extend(meta),
                Err(why) => self.wrong.push((META, why.into())),
            },
        }
    }

    /// Looks whether a value says that the person must not be contacted.
    fn judge(&mut self, sign: Sign, column: &str, text: &str) {
        let answer = sign.answer(text);
        if answer.is_refusal() {
            self.refused.get_or_insert_with(|| column.to_owned());
        }
        // A state is one of a country, too.
        let may_be_a_place = answer == Answer::Unclear && column.trim().eq_ignore_ascii_case("state");
        if matches!(answer, Answer::Unclear | Answer::UnclearRefused) && !may_be_a_place {
            let word = text.chars().take(NAME).collect();
            self.unclear.push(Unclear { column: column.to_owned(), word, is_refusal: answer.is_refusal() });
        }
    }

    /// Looks whether an object or a list of this name has in it that the person must not be contacted, whatever else becomes of it.
    pub fn look_into(&mut self, name: &str, value: &Json) {
        if (value.is_object() || value.is_array()) && !found_in(name, value).is_empty() {
            self.refused.get_or_insert_with(|| name.to_owned());
        }
    }

    /// Adds a value of a JSON object.
    pub fn add(&mut self, slot: &Slot, value: Json) {
        if matches!((slot, &value), (Slot::Further(_), Json::Bool(_) | Json::Object(_))) {
            return;
        }
        match (slot, value) {
            (_, Json::Null) | (Slot::Refusal(..), Json::Object(_) | Json::Array(_)) => {}
            // Several addresses in one.
            (Slot::Field(field) | Slot::Further(field), Json::Array(all)) if REACHED.contains(field) => {
                for one in all {
                    self.add(slot, one);
                }
            }
            (slot @ Slot::MetaRefusal(..), Json::String(text)) => self.add_text(slot, &text),
            (Slot::MetaRefusal(sign, name), value) => {
                if value.is_boolean() || value.is_number() {
                    self.judge(*sign, name, &value.to_string());
                }
                self.meta.insert(name.clone(), value);
            }
            (Slot::Meta(name), value) => drop(self.meta.insert(name.clone(), value)),
            (Slot::AllMeta, Json::Object(meta)) => self.meta.extend(meta),
            (slot @ (Slot::Field(_) | Slot::Further(_) | Slot::Refusal(..) | Slot::AllMeta), Json::String(text)) => {
                self.add_text(slot, &text);
            }
            (slot @ Slot::Refusal(..), value) => self.add_text(slot, &value.to_string()),
            (Slot::AllMeta, _) => self.wrong.push((META, "must be a JSON object".into())),
            // Phone numbers and ids come as numbers too.
            (slot @ (Slot::Field(_) | Slot::Further(_)), Json::Number(number)) => {
                self.add_text(slot, &number.to_string());
            }
            (Slot::Field(field) | Slot::Further(field), _) => self.wrong.push((field.name(), "must be a text".into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REACHED: [Field; 2] = [Field::Email, Field::Phone];

    fn header(columns: &str) -> Vec<String> {
        columns.split('|').map(ToOwned::to_owned).collect()
    }

    #[test]
    fn usual_names_are_understood_in_any_spelling() {
        let slots =
            Mapping::default().slots(&header("E-Mail| First Name|last_name|PHONE NUMBER|Plan|timeZone|meta"), &REACHED);
        let field = |field| Some(Slot::Field(field));
        let wanted = vec![
            field(Field::Email),
            field(Field::FirstName),
            field(Field::LastName),
            field(Field::Phone),
            None,
            field(Field::TimeZone),
            Some(Slot::AllMeta),
        ];
        assert_eq!(slots, Ok(wanted));
        for twice in ["email|name|Email ", "email|plan|plan", "email|meta|meta"] {
            let told = Mapping::default().slots(&header(twice), &REACHED);
            let is_said = |why: &String| why.contains("two columns");
            let mapped = Mapping::default().slot(twice.split('|').next_back().unwrap_or_default()).is_some();
            assert_eq!(told.as_ref().is_err_and(is_said), mapped, "{twice}: {told:?}");
        }
        // What nothing is taken from may be there as often as it likes, as may columns without a name.
        assert!(Mapping::default().slots(&header("email||"), &REACHED).is_ok());
        assert!(Mapping::default().slots(&header("plan|city"), &REACHED).unwrap_err().contains("plan, city"));
    }

    #[test]
    fn a_list_without_a_column_of_addresses_is_refused_at_once() {
        // A preamble, and what Google exports.
        for columns in ["Notes:|", "Name|Notes|E-mail 1 - Value|Phone 1 - Value", "firstName|telegram", "externalId"] {
            let told = Mapping::default().slots(&header(columns), &REACHED).unwrap_err();
            let columns = columns.replace('|', ", ");
            assert!(told.contains("(email, phone number)") && told.contains(&columns), "{told}");
        }
        assert!(Mapping::default().slots(&header("telegram"), &[Field::TelegramUsername]).is_ok());
        assert!(Mapping::default().slots(&header("Notes|mobile"), &REACHED).is_ok());
        let mapping = Mapping { fields: BTreeMap::from([(Field::Notes, "Email".into())]), meta: Vec::new() };
        assert!(mapping.slots(&header("Email"), &REACHED).unwrap_err().contains("no mapping says which"));
    }

    #[test]
    fn a_reason_names_columns_and_nobody() {
        let reason = |line: &str| Mapping::default().slots(&header(line), &REACHED).unwrap_err();
        for line in ["victim@example.com|+491511234567", "Ann|49 151 123", "https://example.com/a", &"x".repeat(65_000)]
        {
            let told = reason(line);
            assert!(told.len() <= 300 && told.ends_with("does not look like names of columns"), "{told}");
        }
        let many = reason(&"plan|".repeat(9_000));
        assert!(many.len() <= 300 && many.contains("plan, plan"), "{many}");
        assert!(!without_columns(&many).contains("plan, plan"));
        let mapping = Mapping { fields: BTreeMap::from([(Field::Email, "Mail".into())]), meta: Vec::new() };
        let missing = mapping.slots(&header("victim@example.com"), &REACHED).unwrap_err();
        assert!(missing.contains("\"Mail\"") && !missing.contains("victim"), "{missing}");
    }

    #[test]
    fn a_word_of_the_file_is_only_for_who_may_see_contacts() {
        let unclear =
            |word: &str, is_refusal| Unclear { column: "status".into(), word: word.into(), is_refusal }.told();
        for word in ["victim@example.com", "+491511234567", "a\", which is b", "a says \"b"] {
            let both = format!("{}; {}", unclear(word, true), unclear(word, false));
            let shown = without_words(&both);
            assert!(both.contains(word) && !shown.contains(word), "{shown}");
            assert_eq!(shown, "the column \"status\" says a word, which is not known: it is taken as no refusal");
        }
        assert_eq!(without_words("email: must be an email address"), "email: must be an email address");
    }

    #[test]
    fn a_mapping_counts_alone_and_must_fit() {
        let mapping = Mapping {
            fields: BTreeMap::from([(Field::Email, "Адрес".into()), (Field::Phone, "email".into())]),
            meta: vec!["Plan".into()],
        };
        let slots = mapping.slots(&header("адрес|email|PLAN|phone"), &REACHED).unwrap();
        let wanted =
            [Some(Slot::Field(Field::Email)), Some(Slot::Field(Field::Phone)), Some(Slot::Meta("Plan".into()))];
        assert_eq!(slots[..3], wanted);
        // Who refuses does so there too.
        assert!(slots[3] == Some(Slot::Further(Field::Phone)) && mapping.is_unused("phone"));
        assert!(mapping.slots(&header("Адрес|email"), &REACHED).unwrap_err().contains("\"Plan\""));
    }

    #[test]
    fn values_of_objects_are_texts_and_numbers() {
        let mut values = Values::default();
        let phone = Slot::Field(Field::Phone);
        values.add(&phone, Json::from(4_930_123_456_i64));
        assert_eq!(values.fields[&Field::Phone], "4930123456");
        values.add(&Slot::AllMeta, serde_json::json!({ "plan": "gold" }));
        values.add(&Slot::AllMeta, Json::from("{ \"city\": \"Rome\" }"));
        values.add(&Slot::Field(Field::Email), Json::Null);
        assert_eq!((values.meta["plan"].as_str(), values.fields.len()), (Some("gold"), 1));
        assert_eq!((values.meta["city"].as_str(), values.wrong.len()), (Some("Rome"), 0));
        values.add(&phone, Json::from(true));
        values.add(&Slot::AllMeta, Json::from(7));
        values.add_text(&Slot::AllMeta, "plan=gold");
        assert_eq!(values.wrong.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["phone", META, META]);
    }
}
