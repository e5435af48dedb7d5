//! `$select`: which properties go out, and how an object looks with them. In a full object what was never
//! set is `null`; delta leaves it out instead, and does so itself.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::answer::ApiError;
use super::call::Call;
use super::directory::Props;
use super::properties::{EntityType, Kind, SINGLE_USER_ONLY};

/// The properties asked for; `named` tells whether the client named them.
#[derive(Clone, Debug)]
pub struct Select {
    pub names: Vec<&'static str>,
    pub named: bool,
    /// Names that stand for relationships (`members`, `manager`).
    pub relations: BTreeSet<&'static str>,
}

/// Where a `$select` stands: the same name is fine in one place and refused in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    List,
    Single,
    Delta,
}

impl Select {
    pub fn parse(call: &Call, entity: EntityType, place: Place) -> Result<Self, ApiError> {
        match call
            .option("$select")
            .map(str::trim)
            .filter(|text| !text.is_empty())
        {
            None => Ok(Self::everything_usual(entity)),
            Some(text) => Self::from_names(text.split(','), entity, place),
        }
    }

    pub fn everything_usual(entity: EntityType) -> Self {
        let relations = if entity == EntityType::Group {
            ["members"].into()
        } else {
            BTreeSet::new()
        };
        Self {
            names: entity.default_select(),
            named: false,
            relations,
        }
    }

    pub fn from_names<'a>(
        names: impl Iterator<Item = &'a str>,
        entity: EntityType,
        place: Place,
    ) -> Result<Self, ApiError> {
        let mut select = Self {
            names: Vec::new(),
            named: true,
            relations: BTreeSet::new(),
        };
        for name in names.map(str::trim).filter(|name| !name.is_empty()) {
            select.add(name, entity, place)?;
        }
        if place == Place::Delta && !select.names.contains(&"id") {
            select.names.push("id");
        }
        Ok(select)
    }

    fn add(&mut self, name: &str, entity: EntityType, place: Place) -> Result<(), ApiError> {
        if let Some((known, _)) = entity.property(name) {
            self.names.push(known);
        } else if entity == EntityType::User && is_outside_the_directory(name) {
            return outside_the_directory(name, place);
        } else if let Some(relation) = relation(entity, name) {
            self.relations.insert(relation);
        } else {
            let type_name = entity.type_name();
            let message = format!("Could not find a property named '{name}' on type '{type_name}'.");
            return Err(ApiError::bad_request(message));
        }
        Ok(())
    }

    /// The names for `@odata.context`, or nothing when the client named none.
    pub fn context(&self) -> String {
        if self.named {
            format!("({})", self.names.join(","))
        } else {
            String::new()
        }
    }

    pub fn render(&self, entity: EntityType, id: Uuid, props: &Props) -> Map<String, Value> {
        self.names
            .iter()
            .map(|name| ((*name).to_owned(), value_of(entity, name, id, props)))
            .collect()
    }
}

fn is_outside_the_directory(name: &str) -> bool {
    name.eq_ignore_ascii_case("signInActivity")
        || SINGLE_USER_ONLY
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name))
}

fn outside_the_directory(name: &str, place: Place) -> Result<(), ApiError> {
    match place {
        Place::Delta => Err(ApiError::bad_request(format!(
            "The property '{name}' is not supported in delta."
        ))),
        Place::List if name.eq_ignore_ascii_case("signInActivity") => Err(ApiError::denied()),
        Place::List => Err(ApiError::new(
            501,
            "NotImplemented",
            format!("'{name}' cannot be read in a list."),
        )),
        Place::Single => Ok(()),
    }
}

fn relation(entity: EntityType, name: &str) -> Option<&'static str> {
    let known: &[&'static str] = match entity {
        EntityType::User => &["manager"],
        EntityType::Group => &["members", "owners"],
    };
    known
        .iter()
        .copied()
        .find(|relation| relation.eq_ignore_ascii_case(name))
}

/// One property of a full object.
pub fn value_of(entity: EntityType, name: &str, id: Uuid, props: &Props) -> Value {
    if name == "id" {
        return json!(id.to_string());
    }
    match props.get(name) {
        Some(value) => value.clone(),
        None => match entity.property(name) {
            Some((_, Kind::Strings | Kind::Objects)) => json!([]),
            _ => Value::Null,
        },
    }
}
