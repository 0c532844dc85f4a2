//! One line of a list of leads, read into a lead or a reason why it can't be one.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::lead_columns::{Field, META, Values};
use super::listed;
use crate::json;
use crate::text::{self, Bounds};

/// The custom fields of a lead, as JSON, in bytes.
const META_LIMIT: usize = 16 * 1024;

/// A lead as a line names it. Email or phone are there, unless it refuses: then it may be known by less.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LeadLine {
    /// What is there of the fields, in its stored form.
    pub fields: BTreeMap<Field, String>,
    /// The custom fields.
    pub meta: Map<String, Json>,
    /// Further addresses at which somebody refuses, in their stored form.
    pub further: Vec<(Field, String)>,
    /// The column that says that the person must not be contacted, if one does.
    pub refused: Option<String>,
}

/// The fields by which people are reached.
pub const ADDRESSES: [Field; 3] = [Field::Email, Field::Phone, Field::TelegramUsername];
/// One of these each lead of a list has.
pub const REQUIRED: [Field; 2] = [Field::Email, Field::Phone];

impl LeadLine {
    /// What the line says of a field.
    pub fn get(&self, field: Field) -> Option<&str> {
        self.fields.get(&field).map(String::as_str)
    }

    /// Whether both can be one person: there is no key of which each has another one.
    pub fn may_be(&self, other: &Self) -> bool {
        Field::KEYS.into_iter().all(|field| match (self.get(field), other.get(field)) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        })
    }
}

/// Examines what a line says.
///
/// A field that can't be read is left out as long as the lead can be reached without it; what is wrong is returned, too.
///
/// # Errors
/// A sentence that says what is wrong, at most [`text::REASON_LIMIT`] bytes long.
pub fn read(values: Values) -> Result<(LeadLine, Option<String>), String> {
    examine(values).map_err(text::brief)
}

/// Examines what a line of a list of people says who must not be contacted: each address that can be read counts, whatever else
/// stands there. Returns also what could not be read of the others.
///
/// # Errors
/// A sentence, at most [`text::REASON_LIMIT`] bytes long: there is no address that can be read.
pub fn read_addresses(values: &Values) -> Result<(LeadLine, Option<String>), String> {
    let mut line = LeadLine::default();
    let is_address = |name: &str| ADDRESSES.iter().any(|field| field.name() == name);
    let mut wrong: Option<String> =
        values.wrong.iter().find(|(name, _)| is_address(name)).map(|(name, why)| format!("{name}: {why}"));
    for field in ADDRESSES {
        let Some(text) = values.fields.get(&field) else { continue };
        if let Some(why) = line.take(field, text, true) {
            wrong.get_or_insert(format!("{}: {why}", field.name()));
        }
    }
    line.take_further(&values.further);
    if let Some(id) = values.fields.get(&Field::ExternalId).and_then(|id| check(Field::ExternalId, id).ok()) {
        line.fields.insert(Field::ExternalId, id);
    }
    if line.fields.is_empty() && line.further.is_empty() {
        return Err(text::brief(wrong.unwrap_or_else(|| "neither email nor phone is given".into())));
    }
    let wrong = wrong.map(|why| format!("what could be read is kept; {why}"));
    let known_only = (!line.has_address()).then(|| ONLY_KNOWN.to_owned());
    Ok((line, together(values.notes.iter().cloned().chain(wrong).chain(known_only))))
}

/// What is told of a refusal that is kept at no address.
const ONLY_KNOWN: &str = "the lead that has this externalId is closed, but without an email, a phone number or a Telegram name the refusal \
                          can't be kept for whoever comes later";

/// Several sentences as one, if there are some.
fn together(all: impl Iterator<Item = String>) -> Option<String> {
    let all: Vec<String> = all.collect();
    (!all.is_empty()).then(|| text::brief(all.join("; ")))
}

impl LeadLine {
    /// Whether it has an address of any kind.
    pub fn has_address(&self) -> bool {
        !self.further.is_empty() || ADDRESSES.iter().any(|field| self.get(*field).is_some())
    }

    /// Takes the addresses of a field: the first one is the lead's. Returns why one could not be read.
    fn take(&mut self, field: Field, text: &str, is_refusal: bool) -> Option<String> {
        let (found, why) = listed::addresses(field, text, is_refusal);
        for address in found {
            if self.get(field).is_none() {
                self.fields.insert(field, address);
            } else if self.get(field) != Some(&address) && !self.further.contains(&(field, address.clone())) {
                self.further.push((field, address));
            }
        }
        why
    }

    /// Takes what can be read of further addresses.
    fn take_further(&mut self, written: &[(Field, String)]) {
        for (field, text) in written {
            self.take(*field, text, true);
        }
    }
}

fn examine(values: Values) -> Result<(LeadLine, Option<String>), String> {
    let Values { fields: written, meta, further, refused, mut wrong, unclear: _, mut notes } = values;
    let mut lead = LeadLine { refused, ..LeadLine::default() };
    for (field, text) in written {
        if ADDRESSES.contains(&field) {
            let why = lead.take(field, &text, lead.refused.is_some());
            match why {
                Some(why) if lead.get(field).is_none() => wrong.push((field.name(), why)),
                Some(why) => notes.push(format!("{}: what could be read is kept; {why}", field.name())),
                None => {}
            }
            continue;
        }
        match check(field, &text) {
            Ok(text) => drop(lead.fields.insert(field, text)),
            Err(why) => wrong.push((field.name(), why)),
        }
    }
    if lead.refused.is_some() {
        lead.take_further(&further);
    } else if let Some((field, _)) = lead.further.first() {
        notes.push(format!("{} has several addresses: the first one is taken", field.name()));
        lead.further.clear();
    }
    let mut meta = Json::Object(meta);
    let text = meta.to_string();
    if text.contains("\\u0000") {
        let clean = json::without_nul(meta.clone());
        if clean != meta {
            notes.push(format!("{META}: the character NUL is left out"));
        }
        meta = clean;
    }
    if text.len() > META_LIMIT {
        wrong.push((META, format!("must have at most {META_LIMIT} bytes")));
    } else if let Json::Object(meta) = meta {
        lead.meta = meta;
    }
    let is_reached = REQUIRED.iter().any(|field| lead.get(*field).is_some());
    if is_reached || (lead.refused.is_some() && lead.has_address()) {
        return Ok((lead, together(notes.into_iter().chain(told(&wrong)))));
    }
    if lead.refused.is_some() && lead.get(Field::ExternalId).is_some() {
        let all = notes.into_iter().chain([ONLY_KNOWN.to_owned()]).chain(told(&wrong));
        return Ok((lead, together(all)));
    }
    let address = wrong.into_iter().find(|(name, _)| REQUIRED.iter().any(|field| field.name() == *name));
    Err(address.map_or_else(|| "neither email nor phone is given".into(), |(name, why)| format!("{name}: {why}")))
}

/// What a line was kept without, if there is something.
fn told(wrong: &[(&str, String)]) -> Option<String> {
    let each: Vec<String> = wrong.iter().map(|(name, why)| format!("{name}, which {why}")).collect();
    (!each.is_empty()).then(|| text::brief(format!("it is kept without {}", each.join("; without "))))
}

/// A field in its stored form. Lists come from elsewhere: sources are more than a word in them.
fn check(field: Field, text: &str) -> Result<String, String> {
    match field {
        Field::Source => {
            let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
            Ok(text::line(&line, Bounds::CATEGORY)?.to_uppercase())
        }
        // Cells have line breaks in them.
        Field::FirstName | Field::LastName | Field::ExternalId => {
            field.check(&text.split_whitespace().collect::<Vec<_>>().join(" "))
        }
        field => field.check(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(fields: &[(Field, &str)]) -> Result<LeadLine, String> {
        let fields = fields.iter().map(|(field, text)| (*field, (*text).to_owned())).collect();
        read(Values { fields, ..Values::default() }).map(|(line, _)| line)
    }

    #[test]
    fn what_people_write_is_normalised() {
        let lead = line(&[
            (Field::Email, "Ann@Example.COM"),
            (Field::Phone, "+49 (151) 234-567 89"),
            (Field::TelegramUsername, "@Ann_S"),
            (Field::Source, "crm"),
            (Field::TimeZone, "Europe/Berlin"),
        ]);
        let wanted = [
            (Field::Email, "ann@example.com"),
            (Field::Phone, "+4915123456789"),
            (Field::TelegramUsername, "ann_s"),
            (Field::TimeZone, "Europe/Berlin"),
            (Field::Source, "CRM"),
        ];
        let fields = wanted.map(|(field, text)| (field, text.to_owned())).into();
        assert_eq!(lead, Ok(LeadLine { fields, ..LeadLine::default() }));
    }

    #[test]
    fn of_who_must_not_be_contacted_each_address_that_can_be_read_counts() {
        let values = |fields: &[(Field, &str)]| Values {
            fields: fields.iter().map(|(field, text)| (*field, (*text).to_owned())).collect(),
            ..Values::default()
        };
        let zone = (Field::TimeZone, "Mars/Base");
        let (line, told) =
            read_addresses(&values(&[(Field::Email, "A@B.de"), (Field::Phone, "0151 2345"), zone])).unwrap();
        assert_eq!((line.get(Field::Email), line.get(Field::Phone)), (Some("a@b.de"), None));
        assert!(told.unwrap().contains("phone: "));
        let (line, told) = read_addresses(&values(&[(Field::Email, "?"), (Field::Phone, "+49 151 23456789")])).unwrap();
        assert_eq!((line.get(Field::Phone), told.is_some()), (Some("+4915123456789"), true));
        assert!(read_addresses(&values(&[(Field::TelegramUsername, "@Ann_S")])).unwrap().1.is_none());
        assert!(read_addresses(&values(&[(Field::Email, "?"), zone])).unwrap_err().starts_with("email: "));
        assert!(read_addresses(&values(&[])).is_err());
    }

    #[test]
    fn a_mistake_names_its_field() {
        let wrong = |fields: &[(Field, &str)]| line(fields).unwrap_err();
        assert!(wrong(&[(Field::Email, "ann")]).starts_with("email: "));
        assert_eq!(wrong(&[(Field::FirstName, "Ann")]), "neither email nor phone is given");
    }

    #[test]
    fn what_can_be_left_out_costs_nobody_the_line() {
        let kept = |fields: &[(Field, &str)]| {
            let fields = fields.iter().map(|(field, text)| (*field, (*text).to_owned())).collect();
            read(Values { fields, ..Values::default() }).unwrap()
        };
        let email = (Field::Email, "a@b.de");
        for (field, text, wanted) in [
            (Field::FirstName, "Ann\r\nMarie", Some("Ann Marie")),
            (Field::TimeZone, "gmt+3", Some("Etc/GMT-3")),
            (Field::TimeZone, "europe/berlin", Some("Europe/Berlin")),
            (Field::Language, "de_DE", Some("de-DE")),
            (Field::Source, "Facebook\nAds", Some("FACEBOOK ADS")),
            (Field::ExternalId, "CRM\n7", Some("CRM 7")),
            (Field::Notes, &"x".repeat(3_000), Some(&"x".repeat(3_000))),
        ] {
            let (line, told) = kept(&[email, (field, text)]);
            assert_eq!((line.get(field), told), (wanted, None), "{text}");
        }
        for (field, text) in [
            (Field::Phone, "0151 2345"),
            (Field::TimeZone, "Mars/Base"),
            (Field::Language, "German!"),
            (Field::TelegramUsername, "?"),
            (Field::Source, &"x".repeat(500)),
            (Field::ExternalId, &"x".repeat(5_000)),
            (Field::Notes, &"x".repeat(50_000)),
            (Field::LastName, &"x".repeat(5_000)),
        ] {
            let (line, told) = kept(&[email, (field, text)]);
            assert_eq!((line.get(field), line.get(Field::Email)), (None, Some("a@b.de")), "{text}");
            assert!(told.unwrap().contains(&format!("without {}, which ", field.name())));
        }
        let (line, told) = kept(&[(Field::Email, "?"), (Field::Phone, "+49 151 23456789"), (Field::Language, "!")]);
        assert_eq!(line.get(Field::Phone), Some("+4915123456789"));
        let told = told.unwrap();
        assert!(told.contains("email") && told.contains("language"), "all that is left out is told: {told}");
    }

    #[test]
    fn custom_fields_that_are_none_are_left_out_and_told() {
        let values = |meta: Map<String, Json>, wrong| Values {
            fields: BTreeMap::from([(Field::Email, "a@b.de".to_owned())]),
            meta,
            wrong,
            ..Values::default()
        };
        let large = Map::from_iter([("x".to_owned(), Json::from("y".repeat(META_LIMIT)))]);
        let (line, told) = read(values(large, Vec::new())).unwrap();
        assert!(line.meta.is_empty() && told.unwrap().contains("without meta"));
        let silent = Map::from_iter([("a\0".to_owned(), Json::from("b\0c")), ("d".to_owned(), Json::from("\\u0000"))]);
        let (line, told) = read(values(silent, Vec::new())).unwrap();
        assert_eq!(Json::Object(line.meta), serde_json::json!({ "a": "bc", "d": "\\u0000" }));
        assert!(told.unwrap().contains("NUL"));
        let (_, told) = read(values(Map::new(), vec![(META, "must be a JSON object".into())])).unwrap();
        assert!(told.unwrap().contains("without meta"));
        let nothing = Values { wrong: vec![("email", "must be a text".into())], ..Values::default() };
        assert!(read(nothing).unwrap_err().starts_with("email: "));
    }
}
