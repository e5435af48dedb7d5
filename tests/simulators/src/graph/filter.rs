//! `$filter`: parsing, what each property allows, and which forms count as advanced. A form that the
//! service does not support is refused, never ignored.

use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::ApiError;
use super::directory::Props;
use super::filter_text::{Token, tokenize};
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
        let tokens = tokenize(text).ok_or_else(|| invalid(text))?;
        let mut parser = Parser { tokens: &tokens };
        let filter = parser.either().ok_or_else(|| invalid(text))?;
        if parser.tokens.is_empty() {
            Ok(filter)
        } else {
            Err(invalid(text))
        }
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

struct Parser<'a> {
    tokens: &'a [Token],
}

impl Parser<'_> {
    fn next(&mut self) -> Option<Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first.clone())
    }

    fn take(&mut self, wanted: &Token) -> Option<()> {
        (self.next()? == *wanted).then_some(())
    }

    fn take_word(&mut self, wanted: &str) -> bool {
        let found =
            matches!(self.tokens.first(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(wanted));
        if found {
            self.next();
        }
        found
    }

    fn either(&mut self) -> Option<Filter> {
        let mut left = self.both()?;
        while self.take_word("or") {
            left = Filter::Or(Box::new(left), Box::new(self.both()?));
        }
        Some(left)
    }

    fn both(&mut self) -> Option<Filter> {
        let mut left = self.single()?;
        while self.take_word("and") {
            left = Filter::And(Box::new(left), Box::new(self.single()?));
        }
        Some(left)
    }

    fn single(&mut self) -> Option<Filter> {
        if self.take_word("not") {
            return Some(Filter::Not(Box::new(self.single()?)));
        }
        match self.next()? {
            Token::Open => {
                let inner = self.either()?;
                self.take(&Token::Close)?;
                Some(inner)
            }
            Token::Word(word) => self.clause(&word),
            _ => None,
        }
    }

    fn clause(&mut self, word: &str) -> Option<Filter> {
        if let Some(operator) = function(word) {
            let (path, value) = self.arguments()?;
            return Some(Filter::Compare(path, operator, value));
        }
        if let Some(path) = word.strip_suffix("/any") {
            return self.any(path);
        }
        if self.take_word("in") {
            return Some(Filter::In(word.to_owned(), self.list()?));
        }
        let operator = self.operator()?;
        Some(Filter::Compare(word.to_owned(), operator, self.literal()?))
    }

    /// `(c:c eq 'x')` or `(c:startsWith(c,'x'))`.
    fn any(&mut self, path: &str) -> Option<Filter> {
        self.take(&Token::Open)?;
        let Token::Word(word) = self.next()? else {
            return None;
        };
        let (_, rest) = word.split_once(':')?;
        let (operator, value) = match function(rest) {
            Some(operator) => (operator, self.arguments()?.1),
            None => (self.operator()?, self.literal()?),
        };
        self.take(&Token::Close)?;
        Some(Filter::Any(path.to_owned(), operator, value))
    }

    fn operator(&mut self) -> Option<Operator> {
        let Token::Word(word) = self.next()? else {
            return None;
        };
        match word.to_ascii_lowercase().as_str() {
            "eq" => Some(Operator::Eq),
            "ne" => Some(Operator::Ne),
            "ge" => Some(Operator::Ge),
            "le" => Some(Operator::Le),
            _ => None,
        }
    }

    fn arguments(&mut self) -> Option<(String, Value)> {
        self.take(&Token::Open)?;
        let Token::Word(path) = self.next()? else {
            return None;
        };
        self.take(&Token::Comma)?;
        let value = self.literal()?;
        self.take(&Token::Close)?;
        Some((path, value))
    }

    fn list(&mut self) -> Option<Vec<Value>> {
        self.take(&Token::Open)?;
        let mut values = vec![self.literal()?];
        loop {
            match self.next()? {
                Token::Comma => values.push(self.literal()?),
                Token::Close => return Some(values),
                _ => return None,
            }
        }
    }

    fn literal(&mut self) -> Option<Value> {
        match self.next()? {
            Token::Text(text) => Some(json!(text)),
            Token::Word(word) => Some(match word.as_str() {
                "true" => json!(true),
                "false" => json!(false),
                "null" => Value::Null,
                other => json!(other),
            }),
            _ => None,
        }
    }
}

fn function(word: &str) -> Option<Operator> {
    match word.to_ascii_lowercase().as_str() {
        "startswith" => Some(Operator::StartsWith),
        "endswith" => Some(Operator::EndsWith),
        _ => None,
    }
}
