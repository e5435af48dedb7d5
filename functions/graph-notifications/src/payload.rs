//! From bytes to notices: the documented shape, read with tolerance for what is new or missing, and then each item on its
//! own. An item counts only with a secret word that our key made, and ids only as GUIDs; no text of it goes anywhere.

use std::fmt;

use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use shared::changes::{News, Notice};
use shared::domain::client_state::ClientStateKey;
use shared::domain::ids::{EntraUserId, SubscriptionId, TenantId};
use shared::domain::subscription::SubscriptionKind;

use crate::refusal::Refusal;
use crate::tally::Refused;

/// Graph sends some dozens at once.
const MOST_ITEMS: usize = 1_000;

/// A body as it was sent.
#[derive(Deserialize)]
struct Body {
    value: Items,
}

struct Items(Vec<Item>);

/// One item as it was sent. Texts that are not texts are as good as none.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    #[serde(default)]
    subscription_id: Loose,
    #[serde(default)]
    client_state: Loose,
    #[serde(default)]
    tenant_id: Loose,
    #[serde(default)]
    change_type: Loose,
    #[serde(default)]
    resource: Loose,
    #[serde(default)]
    lifecycle_event: Loose,
    #[serde(default)]
    resource_data: ResourceData,
}

/// A text, or nothing where there is anything else.
#[derive(Default)]
struct Loose(Option<String>);

/// The one thing of it that counts.
#[derive(Default)]
struct ResourceData {
    id: Option<String>,
}

impl Loose {
    fn as_str(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

/// The items of a body.
pub fn read(body: &[u8]) -> Result<Vec<Item>, Refusal> {
    let read: Result<Body, _> = serde_json::from_slice(body);
    match read {
        Ok(body) => Ok(body.value.0),
        Err(error) if error.to_string().contains(TOO_MANY) => Err(Refusal::too_large()),
        Err(_) => Err(Refusal::bad(
            "the body is not a collection of change notifications",
        )),
    }
}

/// What an item says, if it is ours to listen to.
pub fn verify(item: &Item, key: &ClientStateKey) -> Result<Notice, Refused> {
    let word = item.client_state.as_str().ok_or(Refused::Forged)?;
    let by = key.verify(word).ok_or(Refused::Forged)?;
    let subscription = item
        .subscription_id
        .as_str()
        .and_then(|text| SubscriptionId::parse(text).ok())
        .ok_or(Refused::Unreadable)?;
    let tenant = item
        .tenant_id
        .as_str()
        .and_then(|text| TenantId::parse(text).ok())
        .ok_or(Refused::Unreadable)?;
    let news = match item.lifecycle_event.as_str() {
        Some("reauthorizationRequired") => News::Reauthorise,
        Some("missed") => News::Missed,
        Some("subscriptionRemoved") => News::Removed,
        Some(_) => return Err(Refused::Unknown),
        None => changed(item, by.kind)?,
    };
    Ok(Notice {
        by,
        subscription,
        tenant,
        news,
    })
}

fn changed(item: &Item, kind: SubscriptionKind) -> Result<News, Refused> {
    let resource = item.resource.as_str().ok_or(Refused::Unreadable)?;
    let (of, object) = object(resource).ok_or(Refused::Unreadable)?;
    if of != kind {
        return Err(Refused::Unreadable);
    }
    if let Some(id) = &item.resource_data.id
        && EntraUserId::parse(id).ok() != Some(object)
    {
        return Err(Refused::Unreadable);
    }
    let deleted = item
        .change_type
        .as_str()
        .is_some_and(|kind| kind.eq_ignore_ascii_case("deleted"));
    Ok(News::Changed {
        object: object.as_uuid(),
        deleted,
    })
}

/// `Users/<guid>`, in any letter case, with or without a slash before it or the key in brackets; nothing else.
fn object(resource: &str) -> Option<(SubscriptionKind, EntraUserId)> {
    let path = resource.strip_prefix('/').unwrap_or(resource);
    let (collection, id) = match path.split_once('/') {
        Some(parts) => parts,
        None => path.strip_suffix("')").and_then(|open| open.split_once("('"))?,
    };
    let kind = SubscriptionKind::of_resource(collection)?;
    // A leading slash is cut by `of_resource` as well; a second one names nothing.
    if collection.starts_with('/') {
        return None;
    }
    Some((kind, EntraUserId::parse(id).ok()?))
}

const TOO_MANY: &str = "too many notifications";

impl<'de> Deserialize<'de> for Items {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Items;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of notifications")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Items, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element()? {
                    if items.len() == MOST_ITEMS {
                        return Err(A::Error::custom(TOO_MANY));
                    }
                    items.push(item);
                }
                Ok(Items(items))
            }
        }
        from.deserialize_seq(List)
    }
}

struct LooseVisitor;

impl<'de> Visitor<'de> for LooseVisitor {
    type Value = Option<String>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }
    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(text.to_owned()))
    }
    fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
        Ok(Some(text))
    }
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

impl<'de> DeserializeSeed<'de> for LooseVisitor {
    type Value = Option<String>;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Deserialize<'de> for Loose {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(LooseVisitor).map(Self)
    }
}

impl<'de> Deserialize<'de> for ResourceData {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Any {
            Object {
                #[serde(default)]
                id: Loose,
            },
            Other(IgnoredAny),
        }
        Ok(match Any::deserialize(from)? {
            Any::Object { id } => Self { id: id.0 },
            Any::Other(_) => Self::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "5f7a0000-0000-4000-8000-000000000001";

    // case: 11
    #[test]
    fn only_a_plain_path_to_one_object_names_it() {
        let good = [
            format!("Users/{ID}"),
            format!("/users/{ID}"),
            format!("users('{ID}')"),
            format!("USERS/{}", ID.to_uppercase()),
        ];
        for resource in good {
            assert!(object(&resource).is_some(), "{resource}");
        }
        let bad = [
            format!("Users/../groups/{ID}"),
            format!("https://evil.example/users/{ID}"),
            format!("/{}", format_args!("/users/{ID}")),
            format!("Users/%2e%2e/{ID}"),
            format!("Users/{ID}/"),
            format!("Users/{ID}?x=1"),
            format!("Users('{ID}"),
            format!("Users/{{{ID}}}"),
            format!("applications/{ID}"),
            "Users/".to_owned(),
            String::new(),
        ];
        for resource in bad {
            assert!(object(&resource).is_none(), "{resource}");
        }
    }
}
