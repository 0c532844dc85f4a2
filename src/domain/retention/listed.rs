//! Addresses as lists write them: with a name beside them, as a link, without the plus, or several in one field.

use super::address;
use super::lead_field::Field;
use crate::username;

/// What stands between several addresses in one field.
const BETWEEN: [char; 6] = [';', ',', '|', '/', '\n', '\r'];

/// Addresses in one field that are read, at most.
const MOST: usize = 100;

/// Digits of an extension behind a number, at most.
const EXTENSION: usize = 6;

/// The addresses in a field, in their stored form, and why one of them could not be read.
///
/// Of somebody who refuses all that can be an address is one, since he refuses there: `is_refusal`.
pub fn addresses(field: Field, written: &str, is_refusal: bool) -> (Vec<String>, Option<String>) {
    match field {
        Field::Email => emails(written, is_refusal),
        Field::Phone => phones(written, is_refusal),
        _ => names(written, is_refusal),
    }
}

fn emails(written: &str, is_refusal: bool) -> (Vec<String>, Option<String>) {
    let whole = match address::email(written) {
        Ok(email) => return (vec![email], None),
        Err(why) => why,
    };
    // A name may stand before an address in brackets, with blanks and commas in it.
    let in_brackets = written.split('<').skip(1).filter_map(|rest| Some(rest.split_once('>')?.0));
    let in_brackets: Vec<&str> = in_brackets.filter(|part| part.contains('@')).collect();
    let parts: Vec<&str> = if in_brackets.is_empty() || is_refusal {
        let is_between =
            |letter: char| letter.is_whitespace() || BETWEEN.contains(&letter) || "<>()[]\"".contains(letter);
        written.split(is_between).filter(|part| !part.is_empty()).collect()
    } else {
        in_brackets
    };
    // `john smith@example.com` is nobody's address, least of all that of smith.
    let are_all = parts.iter().all(|part| part.contains('@'));
    if !are_all && !is_refusal {
        return (Vec::new(), Some(whole));
    }
    let parts = parts.into_iter().filter(|part| part.contains('@'));
    collected(parts.map(|part| address::email(without_scheme(part))), whole)
}

/// An address without what makes a link of it.
fn without_scheme(part: &str) -> &str {
    let is_link = part.get(..7).is_some_and(|head| head.eq_ignore_ascii_case("mailto:"));
    let address = if is_link { &part[7..] } else { part };
    address.split('?').next().unwrap_or(address).trim_end_matches('.')
}

fn phones(written: &str, is_refusal: bool) -> (Vec<String>, Option<String>) {
    let whole = match phone(written, is_refusal) {
        Ok(phone) => return (vec![phone], None),
        Err(why) => why,
    };
    let parts = written.split(BETWEEN).map(str::trim).filter(|part| !part.is_empty());
    let (found, wrong) = collected(parts.map(|part| phone(part, is_refusal)), whole);
    if is_refusal || wrong.is_none() { (found, wrong) } else { (Vec::new(), wrong) }
}

/// A number. That of somebody who refuses may lack its plus, and have what is no part of it.
fn phone(written: &str, is_refusal: bool) -> Result<String, String> {
    let link = written.trim();
    let is_link = link.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("tel:"));
    let link = if is_link { &link[4..] } else { link };
    let read = address::phone(link);
    // An extension is no part of the number that is refused. It is short: what is long is another number.
    let (bare, rest) =
        link.split_at(link.find(|sign: char| sign.is_alphabetic() || ",;#*".contains(sign)).unwrap_or(link.len()));
    let is_extension = rest.chars().filter(char::is_ascii_digit).count() <= EXTENSION;
    let bare = if is_extension { bare.trim() } else { link };
    let read = read.or_else(|why| if is_refusal { address::phone(bare).map_err(|_| why) } else { Err(why) });
    // Words may stand before the number, too.
    let own = if bare.contains(|sign: char| sign.is_ascii_digit()) { bare } else { link };
    let digits: String = own.chars().filter(char::is_ascii_digit).collect();
    let may_lack_plus = is_refusal && !digits.starts_with('0') && !link.contains(['@', '+']);
    read.or_else(|why| if may_lack_plus { address::phone(&format!("+{digits}")).map_err(|_| why) } else { Err(why) })
}

fn names(written: &str, is_refusal: bool) -> (Vec<String>, Option<String>) {
    let whole = match username::normalise(written) {
        Ok(name) => return (vec![name], None),
        Err(why) => why.to_string(),
    };
    if !is_refusal {
        return (Vec::new(), Some(whole));
    }
    let parts = written.split(|letter: char| letter.is_whitespace() || ";,|".contains(letter));
    let read = parts.filter(|part| !part.is_empty()).map(|part| username::normalise(part).map_err(ToString::to_string));
    collected(read, whole)
}

/// Those that can be read, each once, and why one can't; if there are none, why the whole can't.
fn collected(read: impl Iterator<Item = Result<String, String>>, whole: String) -> (Vec<String>, Option<String>) {
    let (mut found, mut wrong) = (Vec::new(), None);
    for (at, one) in read.take(MOST + 1).enumerate() {
        if at == MOST {
            wrong = Some(format!("there are more than {MOST} addresses in one field: write one a line"));
            break;
        }
        match one {
            Ok(address) if !found.contains(&address) => found.push(address),
            Ok(_) => {}
            Err(why) => drop(wrong.get_or_insert(why)),
        }
    }
    let wrong = wrong.or_else(|| found.is_empty().then_some(whole));
    (found, wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_lists_write_them() {
        for (field, written, anyone, refusing) in [
            (Field::Email, "A@x.com", "a@x.com", "a@x.com"),
            (Field::Email, "Ann <a@x.com>", "a@x.com", "a@x.com"),
            (Field::Email, "\"Smith, Ann\" <a@x.com>", "a@x.com", "a@x.com"),
            (Field::Email, "mailto:a@x.com", "a@x.com", "a@x.com"),
            (Field::Email, "MAILTO:a@x.com?subject=Hi", "a@x.com", "a@x.com"),
            (Field::Email, "a@x.com; b@x.com", "a@x.com b@x.com", "a@x.com b@x.com"),
            (Field::Email, "a@x.com, b@x.com / a@x.com", "a@x.com b@x.com", "a@x.com b@x.com"),
            (Field::Email, "john smith@x.com", "", "smith@x.com"),
            (Field::Email, "nobody", "", ""),
            (Field::Phone, "+49 151 23456789", "+4915123456789", "+4915123456789"),
            (Field::Phone, "tel:+4915123456789", "+4915123456789", "+4915123456789"),
            (Field::Phone, "4915123456789", "", "+4915123456789"),
            (Field::Phone, "49 (151) 234-56789", "", "+4915123456789"),
            (Field::Phone, "+1 415 555 2671 ext 5", "", "+14155552671"),
            (Field::Phone, "tel:+1-415-555-2671;ext=5", "", "+14155552671"),
            (Field::Phone, "+1 (415) 555-2671 x12", "", "+14155552671"),
            (Field::Phone, "49 151 23456789 ext 5", "", "+4915123456789"),
            (Field::Phone, "015123456789", "", ""),
            (
                Field::Phone,
                "+4915123456789; +14155552671",
                "+4915123456789 +14155552671",
                "+4915123456789 +14155552671",
            ),
            (Field::Phone, "+4915123456789 / ?", "", "+4915123456789"),
            (Field::TelegramUsername, "@Ann_Smith", "ann_smith", "ann_smith"),
            (Field::TelegramUsername, "@ann_smith, @bob_jones", "", "ann_smith bob_jones"),
        ] {
            assert_eq!(addresses(field, written, false).0.join(" "), anyone, "{written}");
            assert_eq!(addresses(field, written, true).0.join(" "), refusing, "{written}");
        }
    }

    #[test]
    fn what_stands_for_a_whole_domain_is_nobody_and_is_told() {
        for written in ["*@example.com", "@example.com"] {
            let (found, why) = addresses(Field::Email, written, true);
            assert!(found.is_empty() && why.is_some_and(|why| why.contains("each address")), "{written}");
        }
    }
}
