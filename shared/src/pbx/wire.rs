//! The shapes on the wire, read leniently: numbers may come as text, keys may be missing or null. Nothing of them
//! leaves this module tree. The exception is what identifies an object: a row without it is a decode error.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use secrecy::SecretString;
use serde::de::{DeserializeOwned, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::domain::extension::{Extension, ExtensionRow, OwnedFields};
use crate::domain::ids::{ExtensionId, PbxGroupId};
use crate::domain::pbx_group::MemberRole;

/// What every answer has.
#[derive(Deserialize)]
pub(super) struct Envelope {
    pub(super) errcode: Int,
    #[serde(default)]
    pub(super) errmsg: Text,
    #[serde(default)]
    pub(super) invalid_param_list: Value,
}

/// A list page.
#[derive(Deserialize)]
pub(super) struct Page<T> {
    pub(super) total_number: Int,
    // The bound is named because a missing page is not an empty one, but `null` is how some firmware writes it.
    #[serde(
        deserialize_with = "null_as_empty",
        bound(deserialize = "T: serde::Deserialize<'de>")
    )]
    pub(super) data: Vec<T>,
}

/// An answer whose payload is `data`.
#[derive(Deserialize)]
pub(super) struct Data<T> {
    pub(super) data: T,
}

/// The answer of a create.
#[derive(Deserialize)]
pub(super) struct Created {
    #[serde(default)]
    pub(super) id: Option<Int>,
}

/// The answer of `get_token` and `refresh_token`.
#[derive(Deserialize)]
pub(super) struct TokenPair {
    pub(super) access_token: SecretString,
    pub(super) refresh_token: SecretString,
    #[serde(default)]
    pub(super) access_token_expire_time: Option<Int>,
    #[serde(default)]
    pub(super) refresh_token_expire_time: Option<Int>,
}

/// `system/information`.
#[derive(Deserialize)]
pub(super) struct Information {
    pub(super) firmware_version: String,
    /// Old firmware may leave it out.
    #[serde(default)]
    pub(super) sn: Text,
}

/// `system/capacity`.
#[derive(Deserialize)]
pub(super) struct CapacityRow {
    pub(super) extension_capacity: Int,
    pub(super) extension_used: Int,
}

/// A row of `system/get_menuoptions`.
#[derive(Deserialize)]
pub(super) struct MenuOption {
    pub(super) value: Text,
}

/// A row of `extension/list` and `extension/search`.
#[derive(Deserialize)]
pub(super) struct Row {
    id: Int,
    number: Text,
    #[serde(default)]
    caller_id_name: Text,
    #[serde(default)]
    email_addr: Text,
    #[serde(default)]
    mobile_number: Text,
}

impl Row {
    /// The PBX's key.
    pub(super) fn key(&self) -> i64 {
        self.id.0
    }
}

impl From<Row> for ExtensionRow {
    fn from(row: Row) -> Self {
        Self {
            id: ExtensionId(row.id.0),
            number: row.number.0,
            display_name: row.caller_id_name.0,
            email: row.email_addr.0,
            mobile: row.mobile_number.0,
        }
    }
}

/// An object of `extension/get` and `extension/query`.
#[derive(Deserialize)]
pub(super) struct Detail {
    id: Int,
    number: Text,
    #[serde(default)]
    first_name: Text,
    #[serde(default)]
    last_name: Text,
    #[serde(default)]
    email_addr: Text,
    #[serde(default)]
    mobile_number: Text,
    #[serde(default)]
    title: Text,
}

impl Detail {
    /// The PBX's key.
    pub(super) fn key(&self) -> i64 {
        self.id.0
    }
}

impl From<Detail> for Extension {
    fn from(detail: Detail) -> Self {
        Self {
            id: ExtensionId(detail.id.0),
            number: detail.number.0,
            fields: OwnedFields {
                first_name: detail.first_name.0,
                last_name: detail.last_name.0,
                email: detail.email_addr.0,
                mobile: detail.mobile_number.0,
                title: detail.title.0,
            },
        }
    }
}

/// An element of `organization_list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct OrganizationRef {
    pub(super) value: String,
}

/// Members of a group, whose shape is not documented: keys alone, or objects with the key under one of these names. One that
/// names no extension is an error: a list that was read with a member missing would be written back without it.
pub(super) fn group_members<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<ExtensionId, MemberRole>, D::Error> {
    let members = Option::<Vec<Value>>::deserialize(deserializer)?.unwrap_or_default();
    let member = |shape: &Value| {
        let role = shape.get("user_type").and_then(Value::as_str);
        let role = role.filter(|word| !word.is_empty());
        let role = role.map(|word| MemberRole(word.to_owned()));
        Some((ExtensionId(key_of(shape)?), role.unwrap_or_default()))
    };
    let members = members.iter().map(member).collect::<Option<_>>();
    members.ok_or_else(|| serde::de::Error::custom("a member that names no extension"))
}

/// Departments of an extension, as keys or as objects.
pub(super) fn organization_ids<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeSet<PbxGroupId>, D::Error> {
    let list = Option::<Vec<Value>>::deserialize(deserializer)?.unwrap_or_default();
    let ids = list.iter().map(|shape| key_of(shape).map(PbxGroupId));
    ids.collect::<Option<_>>()
        .ok_or_else(|| serde::de::Error::custom("a department without its key"))
}

/// The key of an object that may be written as the key alone.
fn key_of(shape: &Value) -> Option<i64> {
    const NAMES: [&str; 4] = ["ext_id", "extension_id", "id", "value"];
    let key = NAMES
        .into_iter()
        .find_map(|name| shape.get(name))
        .unwrap_or(shape);
    serde_json::from_value::<Int>(key.clone()).ok().map(|int| int.0)
}

/// Reads one JSON document; the error names the place, never the value.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let place = error.path().to_string();
        let kind = error.into_inner().classify();
        format!("{kind:?} error at {place}")
    })
}

pub(super) fn null_as_empty<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<Vec<T>>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// An integer, written as a number or as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Int(pub(super) i64);

impl<'de> Deserialize<'de> for Int {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IntVisitor)
    }
}

struct IntVisitor;

impl Visitor<'_> for IntVisitor {
    type Value = Int;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an integer")
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Int, E> {
        Ok(Int(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Int, E> {
        i64::try_from(value).map(Int).map_err(E::custom)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Int, E> {
        // Beyond 2^53 a float no longer names one integer.
        if value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0 {
            format!("{value:.0}").parse().map(Int).map_err(E::custom)
        } else {
            Err(E::custom("not an integer"))
        }
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Int, E> {
        value.trim().parse().map(Int).map_err(E::custom)
    }
}

/// A text; numbers are taken as their digits and null as the empty text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Text(pub(super) String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Text, E> {
        Ok(Text(value.to_owned()))
    }

    fn visit_string<E: serde::de::Error>(self, value: String) -> Result<Text, E> {
        Ok(Text(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Text, E> {
        Ok(Text(value.to_string()))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Text, E> {
        Ok(Text(value.to_string()))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Text, E> {
        Ok(Text::default())
    }
}

/// A count that must not be negative.
pub(super) fn count(value: Int) -> Result<usize, String> {
    usize::try_from(value.0).map_err(|_| "a negative count".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_numbers_may_be_integers_or_texts() {
        let row: Row =
            decode(br#"{"id":"7","number":2001,"caller_id_name":null,"online_status":{"x":[1]}}"#).unwrap();
        let row = ExtensionRow::from(row);
        assert_eq!((row.id, row.number.as_str()), (ExtensionId(7), "2001"));
        assert_eq!((row.display_name.as_str(), row.email.as_str()), ("", ""));
    }

    #[test]
    fn a_row_without_its_id_is_an_error_that_hides_the_values() {
        let error =
            decode::<Page<Row>>(br#"{"total_number":1,"data":[{"number":"2001","email_addr":"a@b.c"}]}"#)
                .err()
                .unwrap();
        assert!(error.contains("data[0]") && !error.contains("a@b.c"), "{error}");
    }

    #[test]
    fn members_are_read_from_every_shape_that_names_an_extension() {
        #[derive(Deserialize)]
        struct Group {
            #[serde(default, deserialize_with = "group_members")]
            members: BTreeMap<ExtensionId, MemberRole>,
        }
        let read = |list: &str| {
            let text = format!(r#"{{"members":{list}}}"#);
            let group = decode::<Group>(text.as_bytes()).ok()?;
            let role = |(id, role): (ExtensionId, MemberRole)| (id.0, role.0);
            Some(group.members.into_iter().map(role).collect::<Vec<_>>())
        };
        let users = Some(vec![(7, "user".to_owned()), (8, "user".to_owned())]);
        for shape in [
            "[7,8]",
            r#"["7","8"]"#,
            r#"[{"ext_id":7},{"ext_id":"8","user_type":null}]"#,
            r#"[{"value":"7","text":"Ana","type":"extension"},{"id":8}]"#,
        ] {
            assert_eq!(read(shape), users, "{shape}");
        }
        assert_eq!(
            read(r#"[{"ext_id":7,"user_type":"manager"}]"#),
            Some(vec![(7, "manager".to_owned())])
        );
        assert_eq!((read("null"), read("[]")), (Some(Vec::new()), Some(Vec::new())));
        assert_eq!(read(r#"[{"name":"Ana"}]"#), None);
        assert_eq!(read("[true]"), None);
    }

    #[test]
    fn a_missing_page_is_not_an_empty_page() {
        assert!(decode::<Page<Row>>(br#"{"total_number":0}"#).is_err());
        assert!(decode::<Page<Row>>(br#"{"data":[]}"#).is_err());
        assert!(
            decode::<Page<Row>>(br#"{"total_number":0,"data":null}"#)
                .unwrap()
                .data
                .is_empty()
        );
    }

    #[test]
    fn integers_are_read_from_every_spelling_that_names_one() {
        for (text, wanted) in [
            ("5", Some(5)),
            ("\"5\"", Some(5)),
            ("5.0", Some(5)),
            ("-2", Some(-2)),
        ] {
            assert_eq!(
                decode::<Int>(text.as_bytes()).ok().map(|int| int.0),
                wanted,
                "{text}"
            );
        }
        for text in ["5.5", "\"five\"", "null", "[]", "1e300", "18446744073709551615"] {
            assert!(decode::<Int>(text.as_bytes()).is_err(), "{text}");
        }
    }
}
