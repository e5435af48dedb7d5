//! The limits of the Outlook service: for each app and mailbox, so many requests at once and so many in ten minutes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::answer::ApiError;

/// How each mailbox is limited.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailboxPolicy {
    pub concurrent: u32,
    pub per_ten_minutes: u32,
}

impl Default for MailboxPolicy {
    fn default() -> Self {
        Self {
            concurrent: 4,
            per_ten_minutes: 10_000,
        }
    }
}

/// One app at one mailbox.
pub type Visit = (String, Uuid);

#[derive(Default)]
struct Use {
    at_once: u32,
    most_at_once: u32,
    window_from: i64,
    in_window: u32,
}

/// Who uses which mailbox how much.
#[derive(Default)]
pub struct MailboxLimits {
    uses: BTreeMap<Visit, Use>,
}

impl MailboxLimits {
    /// Lets a request in, or says how it is refused.
    pub fn enter(&mut self, policy: &MailboxPolicy, visit: &Visit, now: Timestamp) -> Result<(), ApiError> {
        let used = self.uses.entry(visit.clone()).or_default();
        let now = now.as_second();
        if now - used.window_from >= 600 {
            (used.window_from, used.in_window) = (now, 0);
        }
        used.in_window += 1;
        if used.at_once >= policy.concurrent {
            return Err(throttled("Application is over its MailboxConcurrency limit.", 1));
        }
        if used.in_window > policy.per_ten_minutes {
            return Err(throttled(
                "Application is over its request limit.",
                600 - (now - used.window_from),
            ));
        }
        used.at_once += 1;
        used.most_at_once = used.most_at_once.max(used.at_once);
        Ok(())
    }

    pub fn leave(&mut self, visit: &Visit) {
        if let Some(used) = self.uses.get_mut(visit) {
            used.at_once = used.at_once.saturating_sub(1);
        }
    }

    /// Most requests at once that any mailbox saw.
    pub fn most_at_once(&self) -> u32 {
        self.uses
            .values()
            .map(|used| used.most_at_once)
            .max()
            .unwrap_or_default()
    }
}

fn throttled(message: &str, seconds: i64) -> ApiError {
    ApiError::new(429, "ApplicationThrottled", message).header("Retry-After", seconds.max(1).to_string())
}
