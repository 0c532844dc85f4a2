//! Opaque ids: base64url of `Type:<uuid>`, so that an id says of itself what it names.

use async_graphql::ID;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::mistakes;
use domain::error::{Error, Result, Violation, steps};
use domain::id::NounId;

/// An id that the API shows.
pub trait GlobalId: NounId {
    /// The type that it names, as the schema calls it.
    const TYPE: &'static str = Self::NAME;

    /// The id as clients see it.
    fn global(self) -> ID {
        encode(Self::TYPE, self.uuid())
    }
}

impl<I: NounId> GlobalId for I {}

/// Reads the ids that come as arguments: one that must be given, or one that may be. One that lies deeper is named with points,
/// such as `filter.batchId`. What is wrong with those of a mutation's input is told with the rest: see [`mistakes`].
pub trait ReadId {
    /// What is read of such an argument.
    type Read<T>;

    /// The id that the root argument `argument` gives.
    fn argument<T: GlobalId>(&self, argument: &str) -> Result<Self::Read<T>>;

    /// The id that the field `field` of the argument `input` gives.
    fn input<T: GlobalId>(&self, field: &str) -> Result<Self::Read<T>>;
}

impl ReadId for ID {
    type Read<T> = T;

    fn argument<T: GlobalId>(&self, argument: &str) -> Result<T> {
        typed(self, || argument.split('.').map(Into::into).collect())
    }

    fn input<T: GlobalId>(&self, field: &str) -> Result<T> {
        mistakes::noted(typed(self, || steps("input", field)), nowhere)
    }
}

impl ReadId for Option<ID> {
    type Read<T> = Option<T>;

    fn argument<T: GlobalId>(&self, argument: &str) -> Result<Option<T>> {
        self.as_ref().map(|id| id.argument(argument)).transpose()
    }

    fn input<T: GlobalId>(&self, field: &str) -> Result<Option<T>> {
        self.as_ref().map(|id| id.input(field)).transpose()
    }
}

/// An id that leads to nothing: it takes the place of one that is wrong, until that is told.
pub(crate) fn nowhere<T: NounId>() -> T {
    T::from_uuid(Uuid::nil())
}

/// The most ids that one list takes.
pub const MOST_IDS: usize = 100;

/// The ids that the list at `path` gives: all that are wrong are told at once.
pub fn list<T: GlobalId>(ids: &[ID], path: &[&str], most: usize) -> Result<Vec<T>> {
    let path = |last: Option<usize>| -> Vec<String> {
        path.iter().map(ToString::to_string).chain(last.map(|index| index.to_string())).collect()
    };
    // What is selected of a mutation's answer may have lists, too: they are no input of it.
    let is_input = path(None).first().is_some_and(|argument| argument == "input");
    let refuse = |wrong: Vec<Violation>| {
        let refused = Err(Error::Invalid(wrong));
        if is_input { mistakes::noted(refused, || vec![nowhere()]) } else { refused }
    };
    if ids.len() > most {
        let message = format!("{} ids are given, {most} is the most", ids.len());
        return refuse(vec![Violation { path: path(None), message }]);
    }
    let (mut found, mut wrong) = (Vec::with_capacity(ids.len()), Vec::new());
    for (index, id) in ids.iter().enumerate() {
        match typed(id, || path(Some(index))) {
            Ok(id) => found.push(id),
            Err(Error::Invalid(violations)) => wrong.extend(violations),
            Err(error) => return Err(error),
        }
    }
    if wrong.is_empty() { Ok(found) } else { refuse(wrong) }
}

/// The id of a row of the type `name`.
pub fn encode(name: &str, uuid: Uuid) -> ID {
    ID(domain::id::global(name, uuid))
}

/// The type that an id names, and the row; None if it is not an id of Herald's.
pub fn decode(id: &str) -> Option<(String, Uuid)> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(id).ok()?).ok()?;
    let (name, uuid) = text.split_once(':')?;
    let parsed = Uuid::try_parse(uuid).ok()?;
    // One row has one id: other spellings of its UUID are refused.
    (parsed.to_string() == uuid).then(|| (name.to_owned(), parsed))
}

fn typed<T: GlobalId>(id: &str, path: impl FnOnce() -> Vec<String>) -> Result<T> {
    let message = match decode(id) {
        Some((name, uuid)) if name == T::TYPE => return Ok(T::from_uuid(uuid)),
        Some((name, _)) => format!("this is the id of a {name}; the id of a {} is wanted", T::TYPE),
        None => format!("this is not an id; the id of a {} is wanted", T::TYPE),
    };
    Err(Error::Invalid(vec![Violation { path: path(), message }]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::{ChannelId, UserId};

    #[test]
    fn an_id_leads_back_to_its_row_and_to_no_other_type() {
        let user = UserId::generate();
        let id = user.global();
        assert_eq!(id.input::<UserId>("id").unwrap(), user);
        let Err(Error::Invalid(violations)) = id.input::<ChannelId>("channelId") else { panic!("it is a user's") };
        assert_eq!(violations[0].path, ["input", "channelId"]);
        assert_eq!(violations[0].message, "this is the id of a User; the id of a Channel is wanted");
    }

    #[test]
    fn nonsense_is_not_an_id() {
        let upper = URL_SAFE_NO_PAD.encode(format!("User:{}", UserId::generate().to_string().to_uppercase()));
        let padded = format!("{}=", encode("User", Uuid::nil()).0);
        for id in ["", "x", "1", "VXNlcg", "VXNlcjo", &upper, &padded, "ÿ"] {
            assert!(ID::from(id).argument::<UserId>("id").is_err(), "{id}");
        }
    }

    #[test]
    fn all_wrong_ids_of_a_list_are_told() {
        let ids = [UserId::generate().global(), ID::from("x"), ChannelId::generate().global()];
        let Err(Error::Invalid(violations)) = list::<UserId>(&ids, &["input", "ids"], MOST_IDS) else { panic!() };
        let paths: Vec<_> = violations.iter().map(|violation| violation.path.join(".")).collect();
        assert_eq!(paths, ["input.ids.1", "input.ids.2"]);
        assert!(list::<UserId>(&vec![UserId::generate().global(); 101], &["ids"], MOST_IDS).is_err());
    }
}
