//! The fields of a lead in inputs: one list of them, for all inputs.

use domain::retention::lead_field::Field;

/// What an input says of each field.
pub(in crate::retention) type ByField<T> = [(Field, T); Field::ALL.len()];

/// The [`ByField`] of an input. A field that is missing here, or in the input, doesn't compile.
macro_rules! by_field {
    ($input:ident) => {{
        use domain::retention::lead_field::Field;
        [
            (Field::Email, $input.email),
            (Field::Phone, $input.phone),
            (Field::FirstName, $input.first_name),
            (Field::LastName, $input.last_name),
            (Field::ExternalId, $input.external_id),
            (Field::TelegramUsername, $input.telegram_username),
            (Field::TimeZone, $input.time_zone),
            (Field::Language, $input.language),
            (Field::Source, $input.source),
            (Field::Notes, $input.notes),
        ]
    }};
}
pub(in crate::retention) use by_field;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leads_show_each_field() {
        // Another test holds this file to the schema.
        let schema = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../schema/schema.graphql"));
        let (_, lead) = schema.split_once("\ntype Lead implements Node {").expect("there are leads");
        let (lead, _) = lead.split_once("\n}").expect("the type has an end");
        for field in Field::ALL {
            assert!(lead.contains(&format!("\n\t{}: String", field.name())), "Lead has no {}", field.name());
        }
    }
}
