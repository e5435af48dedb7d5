//! Scripted faults: which requests they meet, how many they spare first and how many they spoil.

use serde::{Deserialize, Serialize};

use super::behaviour::ExpiredForm;
use super::call::Call;

/// One fault. Of several that fit a request, the first takes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The path with `*` for any text, e.g. `/v1.0/users*`.
    pub path: String,
    #[serde(default)]
    pub method: Option<String>,
    /// Fitting requests to let through first.
    #[serde(default)]
    pub skip: u32,
    /// How many to spoil; without it, all.
    #[serde(default)]
    pub times: Option<u32>,
    pub kind: FaultKind,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultKind {
    /// An error in the host's own format.
    Http {
        status: u16,
        code: String,
    },
    /// 429 with exactly this header text, or without the header.
    Throttle {
        retry_after: Option<String>,
    },
    /// An error of the sign-in host by its AADSTS number.
    SignIn {
        code: u32,
    },
    Html502,
    Empty503,
    /// The connection is closed without an answer.
    Drop,
    /// The request takes effect and is answered this much later.
    Delay {
        ms: u64,
    },
    /// The answer breaks off in the middle of its body.
    Truncate,
    /// The body is not JSON.
    BadJson,
    /// The copy of the directory that answers lags behind: of objects asked for by id it has none yet.
    Behind,
    /// Further links point to a host that is not ours.
    NextlinkOtherHost,
    /// A delta token counts as expired. Requests without a token are not met.
    ExpireDelta {
        form: ExpiredForm,
    },
}

impl Fault {
    pub fn new(path: &str, kind: FaultKind) -> Self {
        Self {
            path: path.to_owned(),
            method: None,
            skip: 0,
            times: None,
            kind,
        }
    }

    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    #[must_use]
    pub fn skip(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }

    fn meets(&self, call: &Call) -> bool {
        let method = self
            .method
            .as_ref()
            .is_none_or(|method| method.eq_ignore_ascii_case(call.method.as_str()));
        let token = |name| {
            call.option(name)
                .is_some_and(|token| !token.is_empty() && token != "latest")
        };
        let carries_token = token("$deltatoken") || token("$skiptoken");
        let state = !matches!(self.kind, FaultKind::ExpireDelta { .. }) || carries_token;
        method && state && matches_pattern(&self.path, &call.path)
    }
}

#[derive(Default)]
pub struct FaultList {
    pub waiting: Vec<Fault>,
}

impl FaultList {
    /// The fault that this request meets, if any; counts down.
    pub fn take(&mut self, call: &Call) -> Option<FaultKind> {
        let index = self.waiting.iter_mut().position(|fault| {
            let meets = fault.meets(call);
            if meets && fault.skip > 0 {
                fault.skip -= 1;
                return false;
            }
            meets && fault.times != Some(0)
        })?;
        let fault = self.waiting.get_mut(index)?;
        let kind = fault.kind.clone();
        if let Some(times) = &mut fault.times {
            *times -= 1;
        }
        self.waiting.retain(|fault| fault.times != Some(0));
        Some(kind)
    }
}

/// `*` stands for any text, also across slashes.
pub fn matches_pattern(pattern: &str, path: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else {
        return pattern == path;
    };
    let Some(rest) = path.strip_prefix(head) else {
        return false;
    };
    rest.char_indices()
        .map(|(at, _)| at)
        .chain([rest.len()])
        .any(|at| rest.get(at..).is_some_and(|rest| matches_pattern(tail, rest)))
}
