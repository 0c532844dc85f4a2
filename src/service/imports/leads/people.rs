//! The people of a batch: lines of one person become one lead, by whichever key each of them is known.

use std::collections::{HashMap, HashSet};

use domain::id::LeadId;
use domain::retention::lead_field::Field;
use domain::retention::lead_line::{self, LeadLine};
use domain::retention::phone_zone;
use domain::retention::words::AddressKind;
use storage::retention::lead_staging::NewLead;

/// The people of a batch, each once.
#[derive(Default)]
pub(super) struct People {
    /// The number of the first line of each, and what all of his lines say. None: he is another one.
    leads: Vec<Option<(i64, LeadLine)>>,
    /// The places of the leads that have a key, for each sort of key.
    places: [HashMap<String, usize>; Field::COMPLETED.len()],
    /// The addresses of a list of people who must not be contacted.
    refused: HashSet<String>,
}

impl People {
    /// Adds what a line says. If earlier lines have the person, he gets the keys that they did not tell.
    ///
    /// # Errors
    /// A sentence: the line names two people.
    pub(super) fn add(&mut self, number: i64, line: LeadLine) -> Result<(), String> {
        let found = self.found(&line);
        // Who refuses in a later line refuses at all that stands there.
        let Some((field, place)) = found.first().copied().filter(|_| line.refused.is_none()) else {
            self.push(number, line);
            return Ok(());
        };
        let mut places: Vec<usize> = found.iter().map(|(_, place)| *place).collect();
        places.sort_unstable();
        places.dedup();
        let all: Vec<&LeadLine> = places.iter().map(|place| self.at(*place)).collect();
        if let Some((other, elsewhere)) = found.iter().find(|(_, other)| *other != place)
            && !all.iter().enumerate().all(|(index, one)| all[index + 1..].iter().all(|other| one.may_be(other)))
        {
            let (field, other) = (field.name(), other.name());
            let number = |place: usize| self.leads[place].as_ref().map_or(0, |(number, _)| *number);
            let (line, elsewhere) = (number(place), number(*elsewhere));
            return Err(format!("the {field} is that of line {line}, the {other} that of line {elsewhere}"));
        }
        let first = places[0];
        for place in &places[1..] {
            if let Some((_, other)) = self.leads[*place].take() {
                self.complete(first, other);
            }
        }
        self.complete(first, line);
        Ok(())
    }

    /// The places of the people who have a key of the line. Whoever has its name at Telegram is the same if nothing speaks against it.
    fn found(&self, line: &LeadLine) -> Vec<(Field, usize)> {
        let place = |field: Field| {
            let index = Field::COMPLETED.iter().position(|one| *one == field)?;
            Some((field, *self.places[index].get(line.get(field)?)?))
        };
        let found: Vec<(Field, usize)> = Field::KEYS.into_iter().filter_map(place).collect();
        if !found.is_empty() {
            return found;
        }
        place(Field::TelegramUsername).filter(|(_, place)| self.at(*place).may_be(line)).into_iter().collect()
    }

    fn at(&self, place: usize) -> &LeadLine {
        // The keys of who became another one lead to that one.
        &self.leads[place].as_ref().expect("each place is that of a lead").1
    }

    fn push(&mut self, number: i64, line: LeadLine) {
        let place = self.leads.len();
        self.index(&line, place);
        self.leads.push(Some((number, line)));
    }

    /// The keys of `line` lead to `place`.
    fn index(&mut self, line: &LeadLine, place: usize) {
        for (places, field) in self.places.iter_mut().zip(Field::COMPLETED) {
            places.extend(line.get(field).map(|key| (key.to_owned(), place)));
        }
    }

    /// The lead at `place` gets what it lacks of `more`.
    fn complete(&mut self, place: usize, more: LeadLine) {
        let Some((_, lead)) = &mut self.leads[place] else { return };
        for (field, text) in more.fields {
            lead.fields.entry(field).or_insert(text);
        }
        for (name, value) in more.meta {
            lead.meta.entry(name).or_insert(value);
        }
        lead.refused = lead.refused.take().or(more.refused);
        lead.further.extend(more.further);
        let lead = lead.clone();
        self.index(&lead, place);
    }

    /// Adds the addresses of a line, unless earlier lines have them all.
    pub(super) fn add_addresses(&mut self, number: i64, line: LeadLine) {
        let own = lead_line::ADDRESSES.into_iter().chain([Field::ExternalId]).filter_map(|field| line.get(field));
        let all = own.chain(line.further.iter().map(|(_, address)| address.as_str()));
        let new: Vec<String> = all.filter(|address| !self.refused.contains(*address)).map(ToOwned::to_owned).collect();
        if !new.is_empty() {
            self.refused.extend(new);
            self.leads.push(Some((number, line)));
        }
    }

    /// The leads, in the order of their first lines, and further addresses at which they refuse.
    pub(super) fn leads(self, hash: impl Fn(AddressKind, &str) -> String) -> Vec<NewLead> {
        let lead = |(number, mut line, is_bare): (i64, LeadLine, bool)| {
            // Where the phone leaves no doubt, and no line says so.
            if let Some(zone) = line.get(Field::Phone).and_then(phone_zone::of) {
                line.fields.entry(Field::TimeZone).or_insert_with(|| zone.to_owned());
            }
            NewLead {
                id: LeadId::generate(),
                line: number,
                is_bare,
                email_hash: line.get(Field::Email).map(|email| hash(AddressKind::Email, email)),
                phone_hash: line.get(Field::Phone).map(|phone| hash(AddressKind::Phone, phone)),
                telegram_hash: line.get(Field::TelegramUsername).map(|name| hash(AddressKind::Telegram, name)),
                lead: line,
            }
        };
        self.leads.into_iter().flatten().flat_map(apart).map(lead).collect()
    }
}

/// A line, and after it each further address as one that is nothing but that; with whether it makes no lead.
fn apart((number, mut line): (i64, LeadLine)) -> Vec<(i64, LeadLine, bool)> {
    let further = std::mem::take(&mut line.further);
    let refused = line.refused.clone();
    let is_bare = lead_line::REQUIRED.iter().all(|field| line.get(*field).is_none());
    let mut all = vec![(number, line, is_bare)];
    all.extend(further.into_iter().map(|(field, address)| {
        let fields = [(field, address)].into();
        (number, LeadLine { fields, refused: refused.clone(), ..LeadLine::default() }, true)
    }));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> LeadLine {
        let fields = [Field::Email, Field::Phone, Field::ExternalId, Field::TelegramUsername];
        let given = text.split(',').zip(fields).filter(|(text, _)| !text.is_empty());
        LeadLine { fields: given.map(|(text, field)| (field, text.to_owned())).collect(), ..LeadLine::default() }
    }

    /// The lines of a batch, and whom they make.
    fn people(lines: &[&str]) -> (Vec<String>, Vec<String>) {
        let (mut people, mut wrong) = (People::default(), Vec::new());
        for (index, text) in lines.iter().enumerate() {
            let number = i64::try_from(index).unwrap() + 2;
            wrong.extend(people.add(number, line(text)).err());
        }
        let told = |lead: &NewLead| {
            let fields = [Field::Email, Field::Phone, Field::ExternalId, Field::TelegramUsername];
            fields.map(|field| lead.lead.get(field).unwrap_or_default()).join(",")
        };
        (people.leads(|_, _| String::new()).iter().map(told).collect(), wrong)
    }

    #[test]
    fn lines_of_one_person_are_one_lead_whichever_key_comes_first() {
        let three = ["d,,,", "d,P,,", ",P,,"];
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let lines = order.map(|index| three[index]);
            assert_eq!(people(&lines), (vec!["d,P,,".to_owned()], Vec::new()), "{lines:?}");
        }
        let chain = people(&["a,,,", ",P,,", ",,7,", "a,,7,", ",P,7,name", "b,,,"]);
        assert_eq!(chain, (vec!["a,P,7,name".to_owned(), "b,,,".to_owned()], Vec::new()));
    }

    #[test]
    fn a_line_of_two_people_is_none_of_them() {
        let (leads, wrong) = people(&["a,P,,", "b,Q,,", "a,Q,,"]);
        assert_eq!(leads, ["a,P,,", "b,Q,,"]);
        assert_eq!(wrong, ["the email is that of line 2, the phone that of line 3"]);
        // Another email of the one who has the phone: he stays as he is.
        assert_eq!(people(&["a,P,,", "b,P,,"]), (vec!["a,P,,".to_owned()], Vec::new()));
    }

    #[test]
    fn a_name_at_telegram_is_one_person_unless_something_speaks_against_it() {
        assert_eq!(people(&["a,,,n", ",P,,n", ",P,,"]).0, ["a,P,,n"]);
        assert_eq!(people(&["a,,,n", "b,,,n"]).0, ["a,,,n", "b,,,n"]);
    }

    #[test]
    fn who_refuses_does_so_at_each_of_his_addresses_and_is_one_lead() {
        let mut people = People::default();
        let further = vec![(Field::Email, "b".to_owned()), (Field::Phone, "Q".to_owned())];
        people.add(2, LeadLine { refused: Some("dnc".into()), further, ..line("a,P,,") }).unwrap();
        people.add(3, LeadLine { refused: Some("dnc".into()), ..line(",,,name") }).unwrap();
        people.add(4, LeadLine { refused: Some("dnc".into()), ..line(",,7,") }).unwrap();
        let leads = people.leads(|_, address| address.to_owned());
        let told: Vec<_> = leads
            .iter()
            .map(|lead| {
                (lead.is_bare, lead.email_hash.as_deref(), lead.phone_hash.as_deref(), lead.telegram_hash.as_deref())
            })
            .collect();
        assert_eq!(
            told,
            [
                (false, Some("a"), Some("P"), None),
                (true, Some("b"), None, None),
                (true, None, Some("Q"), None),
                (true, None, None, Some("name")),
                (true, None, None, None),
            ]
        );
        assert!(leads.iter().all(|lead| lead.lead.refused.is_some()));
    }

    #[test]
    fn who_refused_has_refused_at_keys_that_come_later_too() {
        let mut people = People::default();
        people.add(2, LeadLine { refused: Some("dnc".into()), ..line("a,,,") }).unwrap();
        people.add(3, line("a,P,,")).unwrap();
        people.add(4, line(",P,,")).unwrap();
        let leads = people.leads(|_, _| String::new());
        let told: Vec<_> =
            leads.iter().map(|lead| (lead.lead.get(Field::Phone), lead.lead.refused.as_deref())).collect();
        assert_eq!(told, [(Some("P"), Some("dnc"))]);
    }
}
