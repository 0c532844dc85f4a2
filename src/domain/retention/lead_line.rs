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
}

impl LeadLine {
    /// What the line says of a field.
    pub fn get(&self, field: Field) -> Option<&str> {
        self.fields.get(&field).map(String::as_str)
    }
}

/// Examines what a line says.
///
/// # Errors
/// A sentence that says what is wrong, at most [`text::REASON_LIMIT`] bytes long.
pub fn read(values: Values) -> Result<LeadLine, String> {
    examine(values).map_err(text::brief)
}

fn examine(values: Values) -> Result<LeadLine, String> {
    let Values { mut fields, meta } = values;
    for (field, text) in &mut fields {
        *text = check(*field, text).map_err(|why| format!("{}: {why}", field.name()))?;
    }
    let lead = LeadLine { fields, meta };
    if lead.get(Field::Email).is_none() && lead.get(Field::Phone).is_none() {
        return Err("neither email nor phone is given".into());
    }
    if Json::Object(lead.meta.clone()).to_string().len() > META_LIMIT {
        return Err(format!("meta: must have at most {META_LIMIT} bytes"));
    }
    Ok(lead)
}

/// A field in its stored form. Lists come from elsewhere: sources are more than a word in them, notes are short.
fn check(field: Field, text: &str) -> Result<String, String> {
    match field {
        Field::Source => Ok(text::line(text, Bounds::CATEGORY)?.to_uppercase()),
        Field::Notes => text::prose(text, Bounds::DESCRIPTION),
        field => field.check(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(fields: &[(Field, &str)]) -> Result<LeadLine, String> {
        let fields = fields.iter().map(|(field, text)| (*field, (*text).to_owned())).collect();
        read(Values { fields, meta: Map::new() })
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
        assert_eq!(lead, Ok(LeadLine { fields, meta: Map::new() }));
    }

    #[test]
    fn a_mistake_names_its_field() {
        let wrong = |fields: &[(Field, &str)]| line(fields).unwrap_err();
        assert!(wrong(&[(Field::Email, "ann")]).starts_with("email: "));
        assert!(wrong(&[(Field::Email, "a@b.de"), (Field::Phone, "12")]).starts_with("phone: "));
        assert!(wrong(&[(Field::Email, "a@b.de"), (Field::TimeZone, "Mars/Base")]).starts_with("timeZone: "));
        assert_eq!(wrong(&[(Field::FirstName, "Ann")]), "neither email nor phone is given");
    }
}
