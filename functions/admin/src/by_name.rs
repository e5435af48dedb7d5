//! A JSON value as serde reads it, but for one thing: a list does not pass for an object. Serde would take `[null, "x"]` for
//! a struct whose fields stand in that order, which no caller has been promised and no order of fields may come to mean.

use serde::de::value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer};
use serde::de::{Error as _, IntoDeserializer, Unexpected, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};
use serde_json::{Error, Value};

/// A value whose fields are found by their names alone.
pub struct ByName(pub Value);

impl IntoDeserializer<'_, Error> for ByName {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

fn fields(fields: serde_json::Map<String, Value>) -> impl Iterator<Item = (String, ByName)> {
    fields.into_iter().map(|(name, value)| (name, ByName(value)))
}

impl<'de> Deserializer<'de> for ByName {
    type Error = Error;

    /// Also the way of enums that are told apart by a field, and so objects. Serde puts their fields aside unread, lists
    /// among them, which is why these are left to it.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Array(_) => Err(Error::invalid_type(Unexpected::Seq, &visitor)),
            other => other.deserialize_any(visitor),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let Value::Object(object) = self.0 else {
            return self.deserialize_any(visitor);
        };
        let mut object = MapDeserializer::new(fields(object));
        let value = visitor.visit_map(&mut object)?;
        object.end()?;
        Ok(value)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let Value::Array(items) = self.0 else {
            return self.deserialize_any(visitor);
        };
        let mut items = SeqDeserializer::new(items.into_iter().map(ByName));
        let value = visitor.visit_seq(&mut items)?;
        items.end()?;
        Ok(value)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Value::Object(object) if object.len() == 1 => {
                visitor.visit_enum(MapAccessDeserializer::new(MapDeserializer::new(fields(object))))
            }
            other => other.deserialize_enum(name, variants, visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct tuple
        tuple_struct identifier
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Outer {
        words: BTreeSet<String>,
        choice: Choice,
        rule: Rule,
        inner: Option<Vec<Inner>>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Inner {
        size: u8,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Choice {
        Everybody,
        One(u8),
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(tag = "kind", rename_all = "snake_case")]
    enum Rule {
        Automatic { start: String, reserved: Vec<String> },
    }

    fn read(value: Value) -> Result<Outer, Error> {
        Outer::deserialize(ByName(value))
    }

    fn document() -> Value {
        json!({
            "words": ["a", "a"], "choice": {"one": 3}, "rule": {"kind": "automatic", "start": "2000", "reserved": ["2001"]},
            "inner": [{"size": 1}]
        })
    }

    #[test]
    fn a_document_of_objects_is_read_as_ever() {
        let outer = read(document()).unwrap();
        assert_eq!(outer.words, BTreeSet::from(["a".to_owned()]));
        assert_eq!(outer.choice, Choice::One(3));
        let (start, reserved) = ("2000".into(), vec!["2001".into()]);
        assert_eq!(outer.rule, Rule::Automatic { start, reserved });
        assert_eq!(outer.inner, Some(vec![Inner { size: 1 }]));
        let mut without = document();
        without["inner"] = Value::Null;
        without["choice"] = json!("everybody");
        let outer = read(without).unwrap();
        assert_eq!((outer.inner, outer.choice), (None, Choice::Everybody));
    }

    #[test]
    fn a_list_in_the_place_of_an_object_is_refused_wherever_it_stands() {
        assert!(
            read(json!([["a"], "everybody", {"kind": "automatic", "start": "1", "reserved": []}, null]))
                .is_err()
        );
        for (place, list) in [
            ("rule", json!(["automatic", "2000", []])),
            ("inner", json!([[1]])),
        ] {
            let mut wrong = document();
            wrong[place] = list;
            assert!(read(wrong).is_err(), "{place}");
        }
        for two in [json!({"one": 3, "everybody": null}), json!(["one", 3])] {
            let mut wrong = document();
            wrong["choice"] = two;
            assert!(read(wrong).is_err());
        }
    }
}
