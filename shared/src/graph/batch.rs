//! Up to twenty reads in one call. Every part asked for has exactly one answer, matched by its id, or the whole call is
//! an error.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use reqwest::Method;

use super::client::{Call, GraphClient};
use super::error::unexpected;
use super::retry::Patience;
use super::wire::{IdPage, plain};
use crate::calls;
use crate::ports::DirectoryError;

/// What Graph takes.
pub(super) const BATCH_SIZE: usize = 20;

/// The answer to one part.
#[derive(Debug, Deserialize)]
pub(super) struct PartAnswer {
    id: String,
    pub status: u16,
    #[serde(default)]
    headers: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    pub body: PartBody,
}

/// The body of a part.
#[derive(Debug, Default)]
pub(super) enum PartBody {
    /// A list of objects.
    Page(IdPage),
    /// One text, as a single property is answered with.
    Word(String),
    /// Anything else: an error, a gateway's page, nothing.
    #[default]
    Other,
}

#[derive(Deserialize)]
struct BatchAnswer {
    responses: Vec<PartAnswer>,
}

impl PartAnswer {
    /// A header, in any letter case; some are written as numbers.
    pub fn header(&self, name: &str) -> Option<String> {
        let headers = self.headers.as_ref()?;
        let (_, value) = headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }
}

impl GraphClient {
    /// Answers in the order of `paths`.
    pub(super) async fn batch(
        &self,
        paths: &[&str],
        doing: &str,
        permission: &'static str,
        patience: &Patience,
    ) -> Result<Vec<PartAnswer>, DirectoryError> {
        let call = Call {
            url: self.url("/$batch")?,
            method: Method::POST,
            body: Some(batch_body(paths)),
            advanced: false,
            yielding: true,
            doing,
        };
        let answer = self
            .fetch(&call, patience, plain::<BatchAnswer>)
            .await
            .map_err(|failure| failure.into_error(doing, permission))?;
        let parts = in_order(answer, paths.len())
            .ok_or_else(|| unexpected(format!("{doing}: the batch answer is incomplete")))?;
        // A batch itself is answered well, however many of its parts are not.
        for _ in parts.iter().filter(|part| part.status == 429) {
            calls::graph_throttled();
        }
        Ok(parts)
    }
}

fn batch_body(paths: &[&str]) -> Vec<u8> {
    let requests: Vec<_> = (1..)
        .zip(paths)
        .map(|(id, path)| {
            json!({
                "id": id.to_string(),
                "method": "GET",
                "url": path,
                "headers": { "ConsistencyLevel": "eventual" },
            })
        })
        .collect();
    json!({ "requests": requests }).to_string().into_bytes()
}

fn in_order(answer: BatchAnswer, wanted: usize) -> Option<Vec<PartAnswer>> {
    let complete = answer.responses.len() == wanted;
    let mut by_id: BTreeMap<String, PartAnswer> = answer
        .responses
        .into_iter()
        .map(|part| (part.id.clone(), part))
        .collect();
    let ordered: Option<Vec<_>> = (1..=wanted).map(|id| by_id.remove(&id.to_string())).collect();
    ordered.filter(|_| complete)
}

impl<'de> Deserialize<'de> for PartBody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BodyVisitor)
    }
}

struct BodyVisitor;

/// A list, or an object of another kind.
#[derive(Deserialize)]
struct AnyObject {
    #[serde(default)]
    value: AnyValue,
    #[serde(rename = "@odata.nextLink", default)]
    next_link: Option<String>,
}

impl<'de> Visitor<'de> for BodyVisitor {
    type Value = PartBody;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body of a part of a batch")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<PartBody, A::Error> {
        let object = AnyObject::deserialize(MapAccessDeserializer::new(map))?;
        Ok(match object.value {
            AnyValue::List(value) => PartBody::Page(IdPage::of(value, object.next_link)),
            AnyValue::Word(word) => PartBody::Word(word),
            AnyValue::Other => PartBody::Other,
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<PartBody, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(PartBody::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<PartBody, E> {
        Ok(PartBody::Other)
    }

    fn visit_unit<E>(self) -> Result<PartBody, E> {
        Ok(PartBody::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<PartBody, E> {
        Ok(PartBody::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<PartBody, E> {
        Ok(PartBody::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<PartBody, E> {
        Ok(PartBody::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<PartBody, E> {
        Ok(PartBody::Other)
    }
}

/// What is under `value`.
#[derive(Default)]
enum AnyValue {
    List(Vec<super::wire::IdOnly>),
    Word(String),
    #[default]
    Other,
}

impl<'de> Deserialize<'de> for AnyValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = AnyValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects or a text")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<AnyValue, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = seq.next_element()? {
            list.push(item);
        }
        Ok(AnyValue::List(list))
    }

    fn visit_str<E>(self, word: &str) -> Result<AnyValue, E> {
        Ok(AnyValue::Word(word.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<AnyValue, E> {
        Ok(AnyValue::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(responses: &str, wanted: usize) -> Option<Vec<u16>> {
        let answer = serde_json::from_str(&format!(r#"{{"responses":[{responses}]}}"#)).unwrap();
        Some(in_order(answer, wanted)?.iter().map(|part| part.status).collect())
    }

    #[test]
    fn answers_are_matched_by_id_and_must_be_complete() {
        let one = r#"{"id":"1","status":404,"body":{"error":{"code":"x"}}}"#;
        let two = r#"{"id":"2","status":429,"headers":{"Retry-After":"7"},"body":"PGh0bWw+"}"#;
        assert_eq!(ordered(&format!("{two},{one}"), 2), Some(vec![404, 429]));
        assert_eq!(ordered(one, 2), None);
        assert_eq!(ordered(&format!("{one},{one}"), 2), None);
        assert_eq!(ordered(&format!("{one},{two}"), 1), None);
    }

    #[test]
    fn headers_are_found_in_any_case_and_bodies_may_be_anything() {
        for body in ["null", "\"text\"", "7", "-7", "1.5", "true", "[1]", "{}"] {
            let text =
                format!(r#"{{"id":"1","status":502,"headers":{{"retry-AFTER":"7","n":1}},"body":{body}}}"#);
            let part: PartAnswer = serde_json::from_str(&text).unwrap();
            assert_eq!(part.header("Retry-After").as_deref(), Some("7"));
            assert!(matches!(part.body, PartBody::Other), "{body}");
        }
    }

    #[test]
    fn a_single_property_is_a_word() {
        let text = r#"{"id":"1","status":200,"body":{"@odata.context":"x","value":"shared"}}"#;
        let part: PartAnswer = serde_json::from_str(text).unwrap();
        assert!(matches!(part.body, PartBody::Word(word) if word == "shared"));
    }
}
