//! One line of a list of leads, read into a lead or a reason why it can't be one.

use serde_json::{Map, Value as Json};

use super::address;
use super::lead_columns::{Field, Values};
use crate::text::{self, Bounds};
use crate::username;

/// How long a reason can be, in bytes: some quote the line.
const REASON_LIMIT: usize = 300;
/// The custom fields of a lead, as JSON, in bytes.
const META_LIMIT: usize = 16 * 1024;

/// A lead as a line names it. Email or phone are there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LeadLine {
    /// In lower case.
    pub email: Option<String>,
    /// In E.164.
    pub phone: Option<String>,
    /// The given name.
    pub first_name: Option<String>,
    /// The family name.
    pub last_name: Option<String>,
    /// The id in another system.
    pub external_id: Option<String>,
    /// In lower case, without `@`.
    pub telegram_username: Option<String>,
    /// The name of an IANA time zone.
    pub time_zone: Option<String>,
    /// A BCP 47 tag.
    pub language: Option<String>,
    /// In capitals.
    pub source: Option<String>,
    /// Notes.
    pub notes: Option<String>,
    /// The custom fields.
    pub meta: Map<String, Json>,
}

/// Examines what a line says.
///
/// # Errors
/// A sentence that says what is wrong, at most [`REASON_LIMIT`] bytes long.
pub fn read(values: Values) -> Result<LeadLine, String> {
    examine(values).map_err(cut)
}

fn examine(values: Values) -> Result<LeadLine, String> {
    let Values { mut fields, meta } = values;
    let mut take = |field: Field, check: &dyn Fn(&str) -> Result<String, String>| -> Result<Option<String>, String> {
        let Some(text) = fields.remove(&field) else { return Ok(None) };
        check(&text).map(Some).map_err(|why| format!("{}: {why}", field.name()))
    };
    let line = |bounds: Bounds| move |text: &str| text::line(text, bounds);
    let lead = LeadLine {
        email: take(Field::Email, &address::email)?,
        phone: take(Field::Phone, &address::phone)?,
        first_name: take(Field::FirstName, &line(Bounds::NAME))?,
        last_name: take(Field::LastName, &line(Bounds::NAME))?,
        external_id: take(Field::ExternalId, &line(Bounds::TITLE))?,
        telegram_username: take(Field::TelegramUsername, &|text| Ok(username::normalise(text)?))?,
        time_zone: take(Field::TimeZone, &address::time_zone)?,
        language: take(Field::Language, &address::language)?,
        source: take(Field::Source, &|text| Ok(text::line(text, Bounds::CATEGORY)?.to_uppercase()))?,
        notes: take(Field::Notes, &|text| text::prose(text, Bounds::DESCRIPTION))?,
        meta,
    };
    if lead.email.is_none() && lead.phone.is_none() {
        return Err("neither email nor phone is given".into());
    }
    if Json::Object(lead.meta.clone()).to_string().len() > META_LIMIT {
        return Err(format!("meta: must have at most {META_LIMIT} bytes"));
    }
    Ok(lead)
}

fn cut(mut reason: String) -> String {
    reason.retain(|letter| !letter.is_control());
    if reason.len() > REASON_LIMIT {
        reason.truncate(reason.floor_char_boundary(REASON_LIMIT - '…'.len_utf8()));
        reason.push('…');
    }
    reason
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
        let wanted = LeadLine {
            email: Some("ann@example.com".into()),
            phone: Some("+4915123456789".into()),
            telegram_username: Some("ann_s".into()),
            source: Some("CRM".into()),
            time_zone: Some("Europe/Berlin".into()),
            ..LeadLine::default()
        };
        assert_eq!(lead, Ok(wanted));
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
