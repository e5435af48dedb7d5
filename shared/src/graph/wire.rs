//! The shapes of Graph's answers, turned into domain types while they are parsed: a page of users never exists as a
//! tree of JSON values.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeOwned, DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::number_path::NumberPath;
use crate::domain::entra_user::{EntraUser, UserChange, UserType};
use crate::domain::ids::EntraUserId;

/// One page of a list or change read.
#[derive(Debug)]
pub(super) struct Page<T> {
    pub items: Vec<T>,
    pub next_link: Option<String>,
    pub delta_link: Option<String>,
}

/// A page of objects of which nothing but the id matters.
#[derive(Debug, Deserialize)]
pub(super) struct IdPage {
    value: Vec<IdOnly>,
    #[serde(rename = "@odata.nextLink", default)]
    next_link: Option<String>,
    #[serde(rename = "@odata.deltaLink", default)]
    delta_link: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct IdOnly {
    id: String,
}

impl IdPage {
    /// A page of a batch, which holds no change reads.
    pub fn of(value: Vec<IdOnly>, next_link: Option<String>) -> Self {
        Self {
            value,
            next_link,
            delta_link: None,
        }
    }

    /// The page, every id parsed by `parse`.
    pub fn into_page<T, E>(self, parse: impl Fn(&str) -> Result<T, E>) -> Result<Page<T>, E> {
        let items = self
            .value
            .iter()
            .map(|item| parse(&item.id))
            .collect::<Result<_, _>>()?;
        Ok(Page {
            items,
            next_link: self.next_link,
            delta_link: self.delta_link,
        })
    }
}

/// Parses a derived shape.
pub(super) fn plain<T: DeserializeOwned>(body: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice(body)
}

/// Parses a page of users; the values of the number rule's property are picked out on the way.
pub(super) fn user_page(body: &[u8], number: Option<&NumberPath>) -> serde_json::Result<Page<UserChange>> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let page = PageSeed { number }.deserialize(&mut json)?;
    json.end()?;
    Ok(page)
}

/// Parses one user.
pub(super) fn user(body: &[u8], number: Option<&NumberPath>) -> serde_json::Result<UserChange> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let user = UserSeed { number }.deserialize(&mut json)?;
    json.end()?;
    Ok(user)
}

#[derive(Clone, Copy)]
struct PageSeed<'a> {
    number: Option<&'a NumberPath>,
}

impl<'de> DeserializeSeed<'de> for PageSeed<'_> {
    type Value = Page<UserChange>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for PageSeed<'_> {
    type Value = Page<UserChange>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a page of users")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut items, mut next_link, mut delta_link) = (None, None, None);
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match &*key {
                "value" => items = Some(map.next_value_seed(UsersSeed { number: self.number })?),
                "@odata.nextLink" => next_link = map.next_value()?,
                "@odata.deltaLink" => delta_link = map.next_value()?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let items = items.ok_or_else(|| A::Error::missing_field("value"))?;
        Ok(Page {
            items,
            next_link,
            delta_link,
        })
    }
}

struct UsersSeed<'a> {
    number: Option<&'a NumberPath>,
}

impl<'de> DeserializeSeed<'de> for UsersSeed<'_> {
    type Value = Vec<UserChange>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for UsersSeed<'_> {
    type Value = Vec<UserChange>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of users")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut users = Vec::new();
        while let Some(user) = seq.next_element_seed(UserSeed { number: self.number })? {
            users.push(user);
        }
        Ok(users)
    }
}

struct UserSeed<'a> {
    number: Option<&'a NumberPath>,
}

impl<'de> DeserializeSeed<'de> for UserSeed<'_> {
    type Value = UserChange;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for UserSeed<'_> {
    type Value = UserChange;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a user")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut draft = Draft::default();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match self.number.filter(|number| number.property() == key) {
                Some(number) => {
                    let value: Value = map.next_value()?;
                    draft.number_values = number.texts(&value);
                    // The same property may also be one that every sync reads.
                    draft.read(&key, value).map_err(A::Error::custom)?;
                }
                None => draft.read_from(&key, &mut map)?,
            }
        }
        draft.finish().map_err(A::Error::custom)
    }
}

/// A user whose properties arrive one by one.
#[derive(Default)]
struct Draft {
    id: Option<String>,
    texts: [Option<String>; TEXTS.len()],
    account_enabled: Option<bool>,
    user_type: Option<String>,
    removed: bool,
    number_values: Vec<String>,
}

/// The texts of a [`Draft`], in its order.
const TEXTS: [&str; 7] = [
    "displayName",
    "givenName",
    "surname",
    "userPrincipalName",
    "mail",
    "mobilePhone",
    "jobTitle",
];

impl Draft {
    fn read_from<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "id" => self.id = map.next_value()?,
            "accountEnabled" => self.account_enabled = map.next_value()?,
            "userType" => self.user_type = map.next_value()?,
            "@removed" => {
                map.next_value::<IgnoredAny>()?;
                self.removed = true;
            }
            _ => match self.text(key) {
                Some(place) => *place = map.next_value()?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            },
        }
        Ok(())
    }

    fn read(&mut self, key: &str, value: Value) -> serde_json::Result<()> {
        match key {
            "id" => self.id = Option::deserialize(value)?,
            "accountEnabled" => self.account_enabled = Option::deserialize(value)?,
            "userType" => self.user_type = Option::deserialize(value)?,
            _ => {
                if let Some(place) = self.text(key) {
                    *place = Option::deserialize(value)?;
                }
            }
        }
        Ok(())
    }

    fn text(&mut self, key: &str) -> Option<&mut Option<String>> {
        let place = TEXTS.iter().position(|name| *name == key)?;
        self.texts.get_mut(place)
    }

    fn finish(self) -> Result<UserChange, &'static str> {
        let id = self.id.ok_or("a user without id")?;
        let id = EntraUserId::parse(&id).map_err(|_| "a user whose id is no GUID")?;
        if self.removed {
            return Ok(UserChange::Removed(id));
        }
        // Set to nothing and never set are the same to a sync.
        let [
            display_name,
            given_name,
            surname,
            user_principal_name,
            mail,
            mobile_phone,
            job_title,
        ] = self.texts.map(|text| text.filter(|text| !text.is_empty()));
        let is_guest = self
            .user_type
            .is_some_and(|kind| kind.eq_ignore_ascii_case("Guest"));
        Ok(UserChange::Present(Box::new(EntraUser {
            id,
            display_name,
            given_name,
            surname,
            user_principal_name,
            mail,
            mobile_phone,
            job_title,
            // Only an explicit false may cost somebody the extension.
            account_enabled: self.account_enabled.unwrap_or(true),
            user_type: if is_guest {
                UserType::Guest
            } else {
                UserType::Member
            },
            number_values: self.number_values,
        })))
    }
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
