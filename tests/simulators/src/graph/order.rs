//! `$orderby` of one property. Ties are broken by id, so that pages neither repeat nor skip anybody.

use std::cmp::Ordering;

use serde_json::Value;
use uuid::Uuid;

use super::answer::ApiError;
use super::directory::Props;
use super::properties::{EntityType, Kind};
use super::select::value_of;

#[derive(Clone, Debug)]
pub struct Order {
    name: &'static str,
    descending: bool,
}

impl Order {
    pub fn parse(text: &str, entity: EntityType) -> Result<Self, ApiError> {
        let refused = || ApiError::unsupported(format!("Unsupported sort expression: '{text}'."));
        let mut words = text.split_whitespace();
        let (name, kind) = words
            .next()
            .and_then(|name| entity.property(name))
            .ok_or_else(refused)?;
        let descending = match words.next() {
            None | Some("asc") => false,
            Some("desc") => true,
            Some(_) => return Err(refused()),
        };
        if words.next().is_some() || matches!(kind, Kind::Strings | Kind::Objects | Kind::Nested) {
            return Err(refused());
        }
        Ok(Self { name, descending })
    }

    /// Only the names sort without the advanced parameters.
    pub fn advanced(&self, entity: EntityType) -> bool {
        match entity {
            EntityType::User => !matches!(self.name, "displayName" | "userPrincipalName"),
            EntityType::Group => self.name != "displayName",
        }
    }

    pub fn compare(&self, entity: EntityType, left: (&Uuid, &Props), right: (&Uuid, &Props)) -> Ordering {
        let key = |(id, props): (&Uuid, &Props)| text(&value_of(entity, self.name, *id, props));
        let ordering = key(left).cmp(&key(right));
        let ordering = if self.descending {
            ordering.reverse()
        } else {
            ordering
        };
        ordering.then(left.0.cmp(right.0))
    }
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_lowercase)
}
