//! A line of a table that is broken: it can't be a lead, but whom it says must not be contacted is taken from it all the same.
//!
//! Which cell belongs to which column is not certain there. So each address in it counts, and a refusal does if it stands in plain words
//! where its column would be, counted from the left or from the right.

use super::lead_columns::{Field, Slot, Values};
use super::lead_line::ADDRESSES;
use super::listed;
use super::refused_columns::{Answer, Sign};

/// What can be read of a broken line: its addresses, and whether it refuses.
pub fn read(slots: &[Option<Slot>], cells: &[String]) -> Values {
    let mut values = Values::default();
    let shift = cells.len().saturating_sub(slots.len());
    for cell in cells.iter().filter(|cell| cell.contains('@')) {
        take(&mut values, Field::Email, cell);
    }
    for (at, slot) in slots.iter().enumerate() {
        let Some(slot) = slot else { continue };
        let near = [cells.get(at), cells.get(at + shift).filter(|_| shift > 0)];
        for cell in near.into_iter().flatten().map(|cell| cell.trim()).filter(|cell| !cell.is_empty()) {
            match slot {
                Slot::Field(field @ (Field::TelegramUsername | Field::ExternalId))
                    if shift > 0 && !is_named(*field, cell) => {}
                Slot::Field(Field::ExternalId) => drop(values.fields.insert(Field::ExternalId, cell.to_owned())),
                Slot::Field(field) | Slot::Further(field) if ADDRESSES.contains(field) => {
                    take(&mut values, *field, cell);
                }
                Slot::Refusal(sign, name) | Slot::MetaRefusal(sign, name) if refuses(*sign, cell, shift == 0) => {
                    values.refused.get_or_insert_with(|| name.clone());
                }
                _ => {}
            }
        }
    }
    values
}

/// Whether a cell that may stand in another column is one of this one by its looks.
fn is_named(field: Field, cell: &str) -> bool {
    field == Field::TelegramUsername && cell.starts_with('@')
}

fn take(values: &mut Values, field: Field, cell: &str) {
    if !listed::addresses(field, cell, true).0.is_empty() {
        values.further.push((field, cell.to_owned()));
    }
}

/// Whether a cell refuses; where its column is not certain, only in plain words.
fn refuses(sign: Sign, cell: &str, is_certain: bool) -> bool {
    let is_plain = || Sign::Status.answer(cell) == Answer::Refused || is_yes(cell);
    let is_no = || Sign::Consent.answer(cell) == Answer::Refused;
    match sign {
        _ if is_certain => sign.is_refusal(cell),
        Sign::Refusal => is_plain(),
        Sign::Consent | Sign::Subscription | Sign::Wish => is_no() && cell.chars().any(char::is_alphabetic),
        Sign::Status | Sign::Tags => sign.answer(cell) == Answer::Refused,
    }
}

/// A plain yes, or a date: `x`, `1`, `2024-05-01`.
fn is_yes(cell: &str) -> bool {
    Sign::Consent.answer(cell) == Answer::Fine && cell.chars().any(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::super::lead_columns::Mapping;
    use super::super::lead_line;
    use super::*;

    fn values(header: &str, line: &str) -> Values {
        let header: Vec<String> = header.split(',').map(ToOwned::to_owned).collect();
        let slots: Vec<Option<Slot>> = header.iter().map(|column| Mapping::default().slot(column)).collect();
        read(&slots, &line.split(',').map(ToOwned::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn a_broken_line_refuses_at_each_address_that_it_has() {
        for (header, line, addresses) in [
            ("name,email,do_not_contact", "Smith, Ann,a@x.com,1", "a@x.com"),
            ("email,name,do_not_contact", "a@x.com,Smith, Ann,yes", "a@x.com"),
            ("email,do_not_contact,name", "a@x.com,1,Smith, Ann", "a@x.com"),
            ("email,phone,status,name", "a@x.com,+4915123456789,unsubscribed,Smith, Ann", "a@x.com +4915123456789"),
            ("name,phone,do_not_contact", "Smith, Ann,+4915123456789,1", "+4915123456789"),
            ("email,unsubscribed_at,name", "a@x.com,2024-05-01,Smith, Ann", "a@x.com"),
        ] {
            let read = values(header, line);
            assert!(read.refused.is_some(), "{line}");
            let (line, _) = lead_line::read(read).unwrap();
            let own = ADDRESSES.into_iter().filter_map(|field| line.get(field));
            let all: Vec<&str> = own.chain(line.further.iter().map(|(_, address)| address.as_str())).collect();
            assert_eq!(all.join(" "), addresses);
        }
    }

    #[test]
    fn a_broken_line_that_says_nothing_refuses_nothing() {
        for (header, line) in [
            ("name,email,do_not_contact", "Smith, Ann,a@x.com,0"),
            ("name,email,do_not_contact", "Smith, Ann,a@x.com,"),
            ("email,name,do_not_contact", "a@x.com,Smith, Ann,no"),
            ("email,subscribed,name", "a@x.com,yes,Smith, Ann"),
            ("email,status,name", "a@x.com,new,Smith, Ann"),
        ] {
            assert_eq!(values(header, line).refused, None, "{line}");
        }
    }
}
