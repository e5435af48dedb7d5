//! `$search` on directory objects: `"property:words"`, joined by `AND` or `OR`. Each word must begin a word
//! of the value.

use serde_json::Value;

use super::answer::ApiError;
use super::directory::Props;
use super::properties::EntityType;

/// Any of these groups of clauses, of which all must hold.
#[derive(Clone, Debug)]
pub struct Search(Vec<Vec<(&'static str, String)>>);

impl Search {
    pub fn parse(text: &str, entity: EntityType) -> Result<Self, ApiError> {
        let alternatives = text
            .split(" OR ")
            .map(|group| group.split(" AND ").map(|c| clause(c, entity)).collect());
        alternatives.collect::<Result<_, _>>().map(Self)
    }

    pub fn matches(&self, props: &Props) -> bool {
        self.0
            .iter()
            .any(|group| group.iter().all(|(name, wanted)| holds(props, name, wanted)))
    }
}

fn clause(text: &str, entity: EntityType) -> Result<(&'static str, String), ApiError> {
    let refused = || ApiError::directory_bad_request(format!("Syntax error in the $search clause {text}."));
    let inner = text
        .trim()
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .ok_or_else(refused)?;
    let (name, wanted) = inner.split_once(':').ok_or_else(refused)?;
    let (name, _) = entity.property(name).ok_or_else(refused)?;
    Ok((name, wanted.to_lowercase()))
}

fn holds(props: &Props, name: &str, wanted: &str) -> bool {
    let value = props
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_lowercase();
    let words: Vec<&str> = value.split(|c: char| !c.is_alphanumeric()).collect();
    value.starts_with(wanted)
        || wanted
            .split_whitespace()
            .all(|part| words.iter().any(|word| word.starts_with(part)))
}
