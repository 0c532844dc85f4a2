//! JSON in which an object has a name twice. Most readers keep the last value without a word, and whoever wrote it may have meant
//! another: so it is read with a sign of that.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value as Json};

use crate::text;

/// JSON as it was written.
#[derive(Debug, Default)]
pub struct Read {
    /// The value; of what an object has twice, the last.
    pub value: Json,
    /// The way to the first name that an object has twice, such as `variables.input.name`.
    pub twice: Option<String>,
    /// What the outermost object has beside that under the same names.
    pub others: Vec<(String, Json)>,
}

impl Read {
    /// The sentence that says what is there twice, if anything is.
    pub fn complaint(&self) -> Option<String> {
        let way = text::brief(self.twice.clone()?);
        Some(format!("{way} is given twice, and nothing says which one counts: leave one of them out"))
    }
}

/// What is said of a file in which something is there twice: not everybody who reads the reason may read its names.
pub const SOMETHING_TWICE: &str = "a field is given twice, and nothing says which value counts: leave one of them out";

/// The object that a text is.
///
/// # Errors
/// What is wrong with it, without a word of it.
pub fn object(text: &str) -> Result<Map<String, Json>, &'static str> {
    match read(text.as_bytes()).map(|read| (read.twice, read.value)) {
        Ok((None, Json::Object(object))) => Ok(object),
        Ok((Some(_), Json::Object(_))) => Err(SOMETHING_TWICE),
        _ => Err("must be a JSON object"),
    }
}

/// Reads JSON.
///
/// # Errors
/// It is none.
pub fn read(bytes: &[u8]) -> serde_json::Result<Read> {
    let mut found = Found::default();
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = Reader { found: &mut found, depth: 0 }.deserialize(&mut json)?;
    json.end()?;
    let twice = found.way.map(|mut way| {
        way.reverse();
        way.join(".")
    });
    Ok(Read { value, twice, others: found.others })
}

#[derive(Default)]
struct Found {
    /// The way to the first name that is there twice, from its end as far as it is known.
    way: Option<Vec<String>>,
    others: Vec<(String, Json)>,
}

struct Reader<'a> {
    found: &'a mut Found,
    depth: usize,
}

impl Reader<'_> {
    fn below(&mut self) -> Reader<'_> {
        Reader { found: self.found, depth: self.depth + 1 }
    }

    /// Adds a step to the way to what was found below it.
    fn step(&mut self, was_found: bool, step: impl FnOnce() -> String) {
        if let Some(way) = self.found.way.as_mut().filter(|_| !was_found) {
            way.push(step());
        }
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Json, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Json, E> {
        Ok(Json::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        Ok(Number::from_f64(number).map_or(Json::Null, Json::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<Json, E> {
        Ok(Json::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        loop {
            let was_found = self.found.way.is_some();
            let Some(item) = items.next_element_seed(self.below())? else { return Ok(Json::Array(list)) };
            self.step(was_found, || list.len().to_string());
            list.push(item);
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut fields: A) -> Result<Json, A::Error> {
        let mut object = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            let was_found = self.found.way.is_some();
            let value = fields.next_value_seed(self.below())?;
            self.step(was_found, || name.clone());
            match object.entry(name) {
                Entry::Vacant(place) => drop(place.insert(value)),
                Entry::Occupied(mut place) => {
                    self.found.way.get_or_insert_with(|| vec![place.key().clone()]);
                    let other = (place.key().clone(), place.insert(value));
                    if self.depth == 0 {
                        self.found.others.push(other);
                    }
                }
            }
        }
        Ok(Json::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_name_that_is_there_twice_is_told_with_the_way_to_it() {
        for (text, way) in [
            (r#"{"a":1,"a":1}"#, Some("a")),
            (r#"{"a":{"b":[0,{"c":1,"d":2,"c":null}]},"e":1}"#, Some("a.b.1.c")),
            (r#"[{"a":1},{"a":1,"\u0061":2}]"#, Some("1.a")),
            (r#"{"":1,"":2}"#, Some("")),
            (r#"{"x":{"y":1,"y":1},"x":1}"#, Some("x.y")),
            (r#"{"a":{"a":{"a":1}},"b":{"a":1},"A":1}"#, None),
            (r#"[[],{},"{\"a\":1,\"a\":1}",null,1.5,-3,true]"#, None),
        ] {
            assert_eq!(read(text.as_bytes()).unwrap().twice.as_deref(), way, "{text}");
        }
        let both = read(br#"{"a":1,"b":{"c":1,"c":2},"a":3,"a":4}"#).unwrap();
        assert_eq!(both.value, json!({ "a": 4, "b": { "c": 2 } }));
        assert_eq!(both.others, [("a".to_owned(), json!(1)), ("a".to_owned(), json!(3))]);
        assert!(both.complaint().is_some_and(|why| why.starts_with("b.c is given twice")));
        assert_eq!(object(r#"{"a":{"b":1,"b":2}}"#), Err(SOMETHING_TWICE));
        assert_eq!(object("[1]"), Err("must be a JSON object"));
    }

    #[test]
    fn all_else_is_read_as_ever() {
        for text in [
            r#"{"a":[1,-1,1.5,1e3,18446744073709551615,"\ud83d\ude00",null,true,{}],"b":{"c":""}}"#,
            "",
            "{",
            "[1,]",
            "{\"a\"}",
            "1 2",
            "nul",
            "1e999",
            "\"\\ud83d\"",
            "{1:2}",
            " null ",
            &"[".repeat(200),
        ] {
            let (own, ever) = (read(text.as_bytes()), serde_json::from_str::<Json>(text));
            match (own, ever) {
                (Ok(own), Ok(ever)) => assert_eq!(own.value, ever, "{text}"),
                (Err(own), Err(ever)) => assert_eq!(own.to_string(), ever.to_string(), "{text}"),
                (own, ever) => panic!("{text}: {own:?} {ever:?}"),
            }
        }
    }
}
