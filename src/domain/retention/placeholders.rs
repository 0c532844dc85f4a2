//! What a script may say of a lead, and whether it can be read at all.

use std::collections::BTreeSet;

use crate::broadcast::ParseMode;
use crate::template::{Params, Template};
use crate::tokens;

/// The names under which scripts use what is known of a lead. `meta` has the custom fields: `meta.plan`.
pub const KNOWN: [&str; 13] = [
    "first_name",
    "last_name",
    "name",
    "email",
    "phone",
    "telegram_username",
    "external_id",
    "language",
    "source",
    "lead_id",
    "sub_id",
    "unsubscribe_url",
    "meta",
];

/// Refuses a text whose syntax is wrong, and one that asks for what no lead has and gives no `default(...)` for it.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn check(text: &str) -> Result<(), String> {
    let template = Template::read(text, ParseMode::Plain)?;
    let known = KNOWN.iter().map(|name| ((*name).to_owned(), String::new())).collect();
    // A placeholder of channels is none of leads.
    let of_channels = template.placeholders().find(|name| !KNOWN.contains(name) && is_needed(text, name));
    match template.missing(&known).into_iter().next().or(of_channels.map(ToOwned::to_owned)) {
        Some(name) => Err(format!(
            "no lead has \"{name}\": a script knows {}, or gives a value by default(...)",
            KNOWN.join(", ")
        )),
        None => Ok(()),
    }
}

/// Whether the text can't be written without a value for `name`, which a channel would have.
fn is_needed(text: &str, name: &str) -> bool {
    let renamed = text.replace(name, "no_lead_has_this");
    Template::read(&renamed, ParseMode::Plain).is_ok_and(|template| {
        let known = KNOWN.iter().map(|name| ((*name).to_owned(), String::new())).collect();
        template.missing(&known).iter().any(|missing| missing == "no_lead_has_this")
    })
}

/// What of a text looks like another tool's sign for something to be filled in, and would be sent as it stands.
pub fn warnings(text: &str) -> Vec<String> {
    // Tags are the business of whoever gets an email.
    tokens::warnings(text, ParseMode::Html, &Params::new(), &KNOWN.into_iter().collect())
}

/// The names of the placeholders of some texts, in alphabetical order.
///
/// # Errors
/// A sentence that says where the syntax is wrong.
pub fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Vec<String>, String> {
    let mut found = BTreeSet::new();
    for text in texts {
        found.extend(Template::read(text, ParseMode::Plain)?.placeholders().map(ToOwned::to_owned));
    }
    Ok(found.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retention::lead_field::Field;

    #[test]
    fn what_leads_have_may_be_said() {
        for good in [
            "Hello {{ first_name }} {{last_name}}",
            "Hi {{ first_name | default('you') }}: {{ meta.plan }}",
            "{{ offer | default('20 %') }} for {{ email }}",
            "no placeholders",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        assert_eq!(of(["{{ b }} {{ a }}", "{{ a }}"]).as_deref(), Ok(["a".to_owned(), "b".to_owned()].as_slice()));
    }

    #[test]
    fn what_no_lead_has_is_refused_by_name() {
        for (wrong, named) in
            [("{{ firstname }}", "firstname"), ("{{ channel_name }}", "channel_name"), ("{{ title }}", "title")]
        {
            let why = check(wrong).expect_err(wrong);
            assert!(why.contains(&format!("\"{named}\"")), "{why}");
        }
        assert!(check("{{ open").expect_err("wrong").contains("line 1"));
        assert_eq!(check("{{ title | default('Dr') }}"), Ok(()));
    }

    #[test]
    fn scripts_know_each_field_but_these() {
        let unknown: Vec<Field> = Field::ALL.into_iter().filter(|field| !KNOWN.contains(&field.column())).collect();
        assert_eq!(
            unknown,
            [Field::TimeZone, Field::Notes],
            "may scripts say a new field? Then it stands in KNOWN, else here"
        );
    }
}
