//! Scripted faults: which calls break, when, and how. A fault counts only the calls it matches.

use serde::{Deserialize, Serialize};

/// The script, in the order it was written.
#[derive(Default)]
pub struct Faults {
    pub script: Vec<Fault>,
}

/// One line of the script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// `extension/create`, `extension/*` or `*`.
    #[serde(rename = "match")]
    pub endpoint: String,
    /// Matching calls to let through first.
    #[serde(default)]
    pub skip: u32,
    /// Matching calls to break after that.
    #[serde(default)]
    pub times: Times,
    pub kind: FaultKind,
}

/// A number, or `"forever"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Times {
    Count(u32),
    Word(Forever),
}

/// The word that stands for no end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Forever {
    Forever,
}

impl Default for Times {
    fn default() -> Self {
        Self::Count(1)
    }
}

/// What a broken call meets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FaultKind {
    /// An envelope with this number; nothing is done.
    Errcode { code: i64 },
    /// An HTTP status from outside the API; nothing is done.
    Http {
        status: u16,
        #[serde(default)]
        body: String,
    },
    /// The connection closes; nothing is done.
    DropBefore,
    /// The call is done, then the connection closes without an answer.
    DropAfterCommit,
    /// The call waits before it is done. Other faults may follow.
    Delay { ms: u64 },
    /// The call is done, then its answer waits.
    DelayAfterCommit { ms: u64 },
    /// A login page with status 200; nothing is done.
    Html,
    /// Bytes that are no JSON, with status 200; the call is done.
    Garbage,
    /// An endless-looking answer of so many bytes; nothing is done.
    HugeBody {
        #[serde(default = "huge")]
        bytes: usize,
    },
}

fn huge() -> usize {
    256 * 1024 * 1024
}

/// What the script says about one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// Milliseconds to wait first.
    pub delay_ms: u64,
    /// The fault to meet, if any.
    pub kind: Option<FaultKind>,
}

impl Fault {
    /// Breaks the next call of an endpoint.
    pub fn once(endpoint: &str, kind: FaultKind) -> Self {
        Self {
            endpoint: endpoint.to_owned(),
            skip: 0,
            times: Times::default(),
            kind,
        }
    }

    /// Breaks every call of an endpoint.
    pub fn forever(endpoint: &str, kind: FaultKind) -> Self {
        Self {
            times: Times::Word(Forever::Forever),
            ..Self::once(endpoint, kind)
        }
    }

    /// Breaks so many calls.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self {
            times: Times::Count(times),
            ..self
        }
    }

    /// Lets so many calls through first.
    #[must_use]
    pub fn after(self, skip: u32) -> Self {
        Self { skip, ..self }
    }

    fn matches(&self, endpoint: &str) -> bool {
        match self.endpoint.strip_suffix('*') {
            Some(start) => endpoint.starts_with(start),
            None => self.endpoint == endpoint,
        }
    }

    /// Whether this call is to be broken, and one less is left.
    fn strike(&mut self) -> bool {
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        match &mut self.times {
            Times::Word(Forever::Forever) => true,
            Times::Count(0) => false,
            Times::Count(left) => {
                *left -= 1;
                true
            }
        }
    }
}

impl Faults {
    /// What happens to a call that comes in now. Delays add up; the first other fault decides.
    pub fn take(&mut self, endpoint: &str) -> Effects {
        let mut effects = Effects::default();
        for fault in self.script.iter_mut().filter(|fault| fault.matches(endpoint)) {
            if !fault.strike() {
                continue;
            }
            if let FaultKind::Delay { ms } = fault.kind {
                effects.delay_ms += ms;
            } else {
                effects.kind = Some(fault.kind.clone());
                break;
            }
        }
        self.script.retain(|fault| fault.times != Times::Count(0));
        effects
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_skips_then_strikes_then_is_spent() {
        let busy = FaultKind::Errcode { code: 70_082 };
        let fault = Fault::once("extension/*", busy.clone()).after(1).times(2);
        let mut faults = Faults { script: vec![fault] };
        let mut kinds = || faults.take("extension/create").kind;
        assert_eq!(
            [kinds(), kinds(), kinds(), kinds()],
            [None, Some(busy.clone()), Some(busy), None]
        );
        assert!(faults.script.is_empty());
    }

    #[test]
    fn delays_add_up_and_other_faults_follow() {
        let mut faults = Faults {
            script: vec![
                Fault::forever("*", FaultKind::Delay { ms: 5 }),
                Fault::forever("get_token", FaultKind::Delay { ms: 2 }),
                Fault::once("get_token", FaultKind::DropBefore),
            ],
        };
        let expected = Effects {
            delay_ms: 7,
            kind: Some(FaultKind::DropBefore),
        };
        assert_eq!(faults.take("get_token"), expected);
        assert_eq!(
            faults.take("extension/list"),
            Effects {
                delay_ms: 5,
                kind: None
            }
        );
    }

    #[test]
    fn the_script_reads_as_json() {
        let text = r#"{"match":"*","times":"forever","kind":{"type":"http","status":502}}"#;
        let fault: Fault = serde_json::from_str(text).unwrap();
        assert_eq!(
            fault,
            Fault::forever(
                "*",
                FaultKind::Http {
                    status: 502,
                    body: String::new()
                }
            )
        );
    }
}
