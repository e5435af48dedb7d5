//! Takes variables one by one and remembers what was wrong; the answers are of use only if nothing was.

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::{Problem, SettingsError, Vars};

/// Reads variables and collects problems.
pub(super) struct Reader<'a> {
    vars: &'a BTreeMap<String, OsString>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(vars: &'a Vars) -> Self {
        Self {
            vars: &vars.0,
            problems: Vec::new(),
        }
    }

    /// The value if it is set and parses; a value that does not is a problem.
    pub(super) fn optional<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let value = self.vars.get(name)?;
        let parsed = value
            .to_str()
            .ok_or_else(|| "is not UTF-8 text".to_owned())
            .and_then(|text| parse(text.trim()));
        parsed.map_err(|mend| self.problem(name, mend)).ok()
    }

    /// As [`Reader::optional`], and not being set is a problem that says `what` to set.
    pub(super) fn required<T>(
        &mut self,
        name: &'static str,
        what: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        if !self.vars.contains_key(name) {
            self.problem(name, format!("is not set; set it to {what}"));
        }
        self.optional(name, parse)
    }

    /// Remembers a problem.
    pub(super) fn problem(&mut self, name: &'static str, mend: String) {
        self.problems.push(Problem { name, mend });
    }

    /// The role's settings, if all of them could be read.
    pub(super) fn finish<T>(self, settings: Option<T>) -> Result<T, SettingsError> {
        match settings {
            Some(settings) if self.problems.is_empty() => Ok(settings),
            _ => Err(SettingsError {
                problems: self.problems,
            }),
        }
    }
}
