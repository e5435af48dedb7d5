//! Parameters of an address or a form. One that comes twice is an attack or a mistake: two readers would read two values.

use std::collections::BTreeMap;

/// A parameter comes twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a parameter is given twice")]
pub struct Twice;

/// The pairs of a query string or of a form.
pub fn pairs(text: &str) -> Result<BTreeMap<String, String>, Twice> {
    let mut pairs = BTreeMap::new();
    for (key, value) in url::form_urlencoded::parse(text.as_bytes()) {
        if pairs.insert(key.into_owned(), value.into_owned()).is_some() {
            return Err(Twice);
        }
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_that_comes_twice_is_refused_though_both_are_the_same() {
        assert_eq!(pairs("a=1&b=%2B+x").unwrap()["b"], "+ x");
        assert_eq!(pairs("a=1&a=1"), Err(Twice));
        assert_eq!(pairs("a=1&%61=2"), Err(Twice));
    }
}
