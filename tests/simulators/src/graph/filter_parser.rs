//! The grammar of `$filter`. What is not whole is no filter: there is no partial reading.

use serde_json::{Value, json};

use super::filter::{Filter, Operator};
use super::filter_text::{Token, tokenize};

pub fn parse(text: &str) -> Option<Filter> {
    let tokens = tokenize(text)?;
    let mut parser = Parser { tokens: &tokens };
    let filter = parser.either()?;
    parser.tokens.is_empty().then_some(filter)
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
