//! What a failure of a poll means: a sentence for the admin, and how long both sides are left in peace.

use std::time::Duration;

use crate::domain::permissions::PRESENCE;
use crate::ports::{DirectoryError, PhoneSystemError, ShutProblem};
use crate::store::ProblemKind;

/// Nothing but a person's act changes these; each probe costs a call or two.
const PROBE: Duration = Duration::from_mins(15);
/// A side that is down is asked less and less often, but never more seldom than this.
const LONGEST: Duration = Duration::from_mins(15);

/// Why a poll was not good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub kind: ProblemKind,
    /// For the admin.
    pub sentence: String,
    /// How long a side asked us to stay away.
    pub retry_after: Option<Duration>,
}

impl Failure {
    fn of(kind: ProblemKind, sentence: String) -> Self {
        Self {
            kind,
            sentence,
            retry_after: None,
        }
    }

    /// The firmware that a PBX has is too old.
    pub fn firmware(present: &str) -> Self {
        let sentence = format!(
            "Teams presence needs PBX firmware 83.10.0.30 or later; this PBX has {present}: update the PBX"
        );
        Self::of(ProblemKind::Firmware, sentence)
    }

    /// The app may not read this.
    pub fn permission(permission: &str) -> Self {
        let sentence = format!(
            "Teams presence needs the application permission {permission}: add it to the app registration in the \
             Entra portal and grant admin consent"
        );
        Self::of(ProblemKind::Permission, sentence)
    }

    /// How long until the next poll after so many failures in a row; `None`: until somebody acts.
    pub fn wait(&self, failures_in_row: u32, every: Duration) -> Option<Duration> {
        let wait = match self.kind {
            ProblemKind::Halted => return None,
            ProblemKind::Firmware | ProblemKind::Permission => PROBE,
            ProblemKind::Microsoft | ProblemKind::Pbx => {
                let factor = 1_u32
                    .checked_shl(failures_in_row.saturating_sub(1))
                    .unwrap_or(u32::MAX);
                every.saturating_mul(factor).min(LONGEST)
            }
        };
        Some(wait.max(self.retry_after.unwrap_or_default().min(LONGEST)))
    }
}

impl From<&DirectoryError> for Failure {
    fn from(error: &DirectoryError) -> Self {
        match error {
            DirectoryError::PermissionMissing { permission } => Self::permission(permission),
            DirectoryError::Unavailable { retry_after, .. } => Self {
                retry_after: *retry_after,
                ..Self::of(ProblemKind::Microsoft, error.to_string())
            },
            DirectoryError::SignInRefused { .. }
            | DirectoryError::CursorExpired
            | DirectoryError::Unexpected { .. } => Self::of(ProblemKind::Microsoft, error.to_string()),
        }
    }
}

impl From<&PhoneSystemError> for Failure {
    fn from(error: &PhoneSystemError) -> Self {
        let kind = match error {
            PhoneSystemError::Shut {
                problem: ShutProblem::WrongCredentials,
                ..
            } => ProblemKind::Halted,
            _ => ProblemKind::Pbx,
        };
        Self::of(kind, error.to_string())
    }
}

/// What [`crate::ports::Directory::missing_permissions`] is asked for.
pub(super) const NEEDED: [&str; 1] = [PRESENCE];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_that_is_down_is_asked_less_often_and_never_never() {
        let down = Failure::of(ProblemKind::Pbx, String::new());
        let minutes: Vec<u64> = (1..=7)
            .filter_map(|failures| down.wait(failures, Duration::from_mins(1)))
            .map(|wait| wait.as_secs() / 60)
            .collect();
        assert_eq!(minutes, [1, 2, 4, 8, 15, 15, 15]);
        assert_eq!(down.wait(200, Duration::from_mins(1)), Some(LONGEST));
        let asked = Failure {
            retry_after: Some(Duration::from_mins(3)),
            ..Failure::of(ProblemKind::Microsoft, String::new())
        };
        assert_eq!(
            asked.wait(1, Duration::from_mins(1)),
            Some(Duration::from_mins(3))
        );
    }

    // spec: 3, 125
    #[test]
    fn what_a_person_must_mend_is_said_and_refused_credentials_are_not_tried_again() {
        let old = Failure::firmware("83.8.0.25");
        assert!(old.sentence.contains("83.10.0.30") && old.sentence.contains("83.8.0.25"));
        assert!(
            Failure::permission(PRESENCE)
                .sentence
                .contains("Presence.Read.All")
        );
        let shut = |problem| PhoneSystemError::Shut {
            problem,
            sentence: "no".to_owned(),
        };
        let halted = Failure::from(&shut(ShutProblem::WrongCredentials));
        assert_eq!(halted.wait(1, Duration::from_mins(1)), None);
        assert!(
            Failure::from(&shut(ShutProblem::ApiOff))
                .wait(1, Duration::from_mins(1))
                .is_some()
        );
    }
}
