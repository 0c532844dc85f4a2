//! One line of a list of leads, read into a lead or a reason why it can't be one.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::lead_columns::{Field, Values};
use crate::text::{self, Bounds};

/// The custom fields of a lead, as JSON, in bytes.
const META_LIMIT: usize = 16 * 1024;

/// A lead as a line names it. Email or phone are there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LeadLine {
    /// What is there of the fields, in its stored form.
    pub fields: BTreeMap<Field, String>,
    /// The custom fields.
    pub meta: Map<String, Json>,
    /// The column that says that the person must not be contacted, if one does.
    pub refused: Option<String>,
}

/// The fields by which people are reached.
pub const ADDRESSES: [Field; 3] = [Field::Email, Field::Phone, Field::TelegramUsername];

impl LeadLine {
    /// What the line says of a field.
    pub fn get(&self, field: Field) -> Option<&str> {
        self.fields.get(&field).map(String::as_str)
    }
}

/// Examines what a line says.
///
/// A field that a lead can do without is left out if it can't be read; what is wrong with it is returned, too.
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
    let (mut line, mut wrong) = (LeadLine::default(), None);
    for field in ADDRESSES {
        let Some(text) = values.fields.get(&field) else { continue };
        match check(field, text) {
            Ok(address) => drop(line.fields.insert(field, address)),
            Err(why) => drop(wrong.get_or_insert(format!("{}: {why}", field.name()))),
        }
    }
    if line.fields.is_empty() {
        return Err(text::brief(wrong.unwrap_or_else(|| "neither email nor phone is given".into())));
    }
    Ok((line, wrong.map(|why| text::brief(format!("what could be read is kept; {why}")))))
}

/// What nobody is reached or known by.
const DISPENSABLE: [Field; 5] = [Field::FirstName, Field::LastName, Field::TimeZone, Field::Language, Field::Notes];

fn examine(values: Values) -> Result<(LeadLine, Option<String>), String> {
    let Values { fields: written, meta, refused } = values;
    let (mut fields, mut wrong) = (BTreeMap::new(), None);
    for (field, text) in written {
        match check(field, &text) {
            Ok(text) => drop(fields.insert(field, text)),
            Err(why) if DISPENSABLE.contains(&field) => {
                let why = format!("it is kept without {}, which {why}", field.name());
                wrong.get_or_insert(text::brief(why));
            }
            Err(why) => return Err(format!("{}: {why}", field.name())),
        }
    }
    let lead = LeadLine { fields, meta, refused };
    if lead.get(Field::Email).is_none() && lead.get(Field::Phone).is_none() {
        return Err("neither email nor phone is given".into());
    }
    if Json::Object(lead.meta.clone()).to_string().len() > META_LIMIT {
        return Err(format!("meta: must have at most {META_LIMIT} bytes"));
    }
    Ok((lead, wrong))
}

/// A field in its stored form. Lists come from elsewhere: sources are more than a word in them.
fn check(field: Field, text: &str) -> Result<String, String> {
    match field {
        Field::Source => Ok(text::line(text, Bounds::CATEGORY)?.to_uppercase()),
        // Cells have line breaks in them.
        Field::FirstName | Field::LastName => field.check(&text.split_whitespace().collect::<Vec<_>>().join(" ")),
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
        assert!(wrong(&[(Field::Email, "a@b.de"), (Field::Phone, "12")]).starts_with("phone: "));
        let fields = [(Field::Email, "a@b.de"), (Field::TimeZone, "Mars/Base"), (Field::FirstName, "Ann\nMarie")];
        let fields = fields.map(|(field, text)| (field, text.to_owned())).into();
        let (kept, told) = read(Values { fields, ..Values::default() }).unwrap();
        assert_eq!((kept.get(Field::TimeZone), kept.get(Field::FirstName)), (None, Some("Ann Marie")));
        assert!(told.unwrap().contains("timeZone"), "what can be left out costs nobody the line");
        assert_eq!(wrong(&[(Field::FirstName, "Ann")]), "neither email nor phone is given");
    }
}
