//! `$filter`: what each property allows, and which forms count as advanced. A form that the
//! service does not support is refused, never ignored.

use serde_json::Value;
use uuid::Uuid;

use super::answer::ApiError;
use super::directory::Props;
use super::filter_parser;
use super::properties::{EntityType, Kind};
use super::select::value_of;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Eq,
    Ne,
    Ge,
    Le,
    StartsWith,
    EndsWith,
}

#[derive(Clone, Debug)]
pub enum Filter {
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Not(Box<Filter>),
    Compare(String, Operator, Value),
    In(String, Vec<Value>),
    Any(String, Operator, Value),
}

impl Filter {
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        filter_parser::parse(text).ok_or_else(|| invalid(text))
    }

    /// The ids of `id eq '..' or id eq '..'`, the one form that delta takes.
    pub fn ids(&self) -> Option<Vec<Uuid>> {
        match self {
            Self::Or(left, right) => Some([left.ids()?, right.ids()?].concat()),
            Self::Compare(path, Operator::Eq, value) if path == "id" => {
                Some(vec![Uuid::parse_str(value.as_str()?).ok()?])
            }
            _ => None,
        }
    }

    /// Refuses properties and operators that the entity does not have; says whether the query is advanced.
    pub fn check(&self, entity: EntityType) -> Result<bool, ApiError> {
        match self {
            Self::And(left, right) | Self::Or(left, right) => Ok(left.check(entity)? | right.check(entity)?),
            Self::Not(inner) => inner.check(entity).map(|_| true),
            Self::In(path, _) => check_property(entity, path, Operator::Eq, false),
            Self::Compare(path, operator, _) => check_property(entity, path, *operator, false),
            Self::Any(path, operator, _) => check_property(entity, path, *operator, true),
        }
    }

    pub fn matches(&self, entity: EntityType, id: Uuid, props: &Props) -> bool {
        match self {
            Self::And(left, right) => left.matches(entity, id, props) && right.matches(entity, id, props),
            Self::Or(left, right) => left.matches(entity, id, props) || right.matches(entity, id, props),
            Self::Not(inner) => !inner.matches(entity, id, props),
            Self::Compare(path, operator, wanted) => {
                compare(&read(entity, path, id, props), *operator, wanted)
            }
            Self::In(path, wanted) => {
                let value = read(entity, path, id, props);
                wanted.iter().any(|one| compare(&value, Operator::Eq, one))
            }
            Self::Any(path, operator, wanted) => {
                let value = read(entity, path, id, props);
                value
                    .as_array()
                    .is_some_and(|items| items.iter().any(|item| compare(item, *operator, wanted)))
            }
        }
    }
}

fn invalid(text: &str) -> ApiError {
    ApiError::bad_request(format!("Invalid filter clause: '{text}'."))
}

fn check_property(entity: EntityType, path: &str, operator: Operator, any: bool) -> Result<bool, ApiError> {
    let (name, nested) = path
        .split_once('/')
        .map_or((path, None), |(name, rest)| (name, Some(rest)));
    let Some((name, kind)) = entity.property(name) else {
        let type_name = entity.type_name();
        let message = format!("Could not find a property named '{name}' on type '{type_name}'.");
        return Err(ApiError::bad_request(message));
    };
    let fits = match kind {
        Kind::Strings => any && nested.is_none(),
        Kind::Nested => !any && nested.is_some(),
        Kind::Objects => false,
        _ => !any && nested.is_none(),
    };
    if !fits || !allows(kind, operator) {
        let message = format!("Unsupported or invalid query filter clause specified for property '{name}'.");
        return Err(ApiError::unsupported(message));
    }
    Ok(match operator {
        Operator::Ne | Operator::EndsWith => true,
        Operator::StartsWith => kind == Kind::Phone,
        _ => false,
    })
}

fn allows(kind: Kind, operator: Operator) -> bool {
    match operator {
        Operator::Eq => true,
        Operator::Ne => kind != Kind::Strings,
        Operator::Ge | Operator::Le => !matches!(kind, Kind::Id | Kind::Flag | Kind::Nested),
        Operator::StartsWith => matches!(kind, Kind::Text | Kind::Address | Kind::Phone | Kind::Strings),
        Operator::EndsWith => matches!(kind, Kind::Address | Kind::Strings),
    }
}

fn read(entity: EntityType, path: &str, id: Uuid, props: &Props) -> Value {
    let (name, nested) = path
        .split_once('/')
        .map_or((path, None), |(name, rest)| (name, Some(rest)));
    let name = entity.property(name).map_or(name, |(known, _)| known);
    let value = value_of(entity, name, id, props);
    match nested {
        None => value,
        Some(member) => value.get(member).cloned().unwrap_or(Value::Null),
    }
}

/// Text compares without case, as in the directory.
fn compare(value: &Value, operator: Operator, wanted: &Value) -> bool {
    let lower = |value: &Value| value.as_str().map(str::to_lowercase);
    match (lower(value), lower(wanted)) {
        (Some(value), Some(wanted)) => match operator {
            Operator::Eq => value == wanted,
            Operator::Ne => value != wanted,
            Operator::Ge => value >= wanted,
            Operator::Le => value <= wanted,
            Operator::StartsWith => value.starts_with(&wanted),
            Operator::EndsWith => value.ends_with(&wanted),
        },
        _ => match operator {
            Operator::Eq => value == wanted,
            Operator::Ne => value != wanted,
            _ => false,
        },
    }
}
