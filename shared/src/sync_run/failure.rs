//! What a failed run means for its connection: the sentence an admin reads, whether somebody must act, when to try again.

use std::time::Duration;

use crate::domain::connection::AttentionCause;
use crate::domain::sync_run::SyncPart;
use crate::ports::{DirectoryError, PhoneSystemError, ShutProblem};

use super::collect_error::CollectError;
use super::effect::StopCause;
use super::execute::Stopped;

/// A run that could not do its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RunFailure {
    /// For the admin.
    pub sentence: String,
    /// Whether it stays so until somebody acts.
    pub needs_attention: bool,
    /// What they must act on.
    pub cause: AttentionCause,
    /// Whether trying again before somebody acts does harm: five refused sign-ins block our address on the PBX.
    pub must_not_repeat: bool,
    /// Whether the schedule is soon enough for the next try: what is missing does not come by itself.
    pub can_wait: bool,
}

/// How long until the next try after so many failures in a row: a probe every 15 minutes for an hour, hourly for a day,
/// then daily, never full stop.
pub(super) fn back_off(failures_in_row: u32) -> Duration {
    let minutes = match failures_in_row {
        0..=4 => 15,
        5..=28 => 60,
        _ => 24 * 60,
    };
    Duration::from_mins(minutes)
}

impl From<&CollectError> for RunFailure {
    fn from(error: &CollectError) -> Self {
        match error {
            CollectError::Directory(error) => error.into(),
            CollectError::PhoneSystem(error) => error.into(),
            CollectError::Store(error) => passing(error.to_string()),
            CollectError::NoSuchGroup(_)
            | CollectError::NoSuchContactGroup(_)
            | CollectError::HiddenGroup(_)
            | CollectError::Setting { .. } => lasting(error.to_string()),
            CollectError::AnotherPbx { .. } => lasting_of_pbx(error.to_string()),
            CollectError::NotPossible(_) => can_wait(error.to_string()),
        }
    }
}

impl From<&DirectoryError> for RunFailure {
    fn from(error: &DirectoryError) -> Self {
        match error {
            DirectoryError::SignInRefused { .. } | DirectoryError::PermissionMissing { .. } => RunFailure {
                cause: AttentionCause::Entra,
                ..lasting(error.to_string())
            },
            DirectoryError::CursorExpired
            | DirectoryError::Unavailable { .. }
            | DirectoryError::Unexpected { .. } => passing(error.to_string()),
        }
    }
}

impl From<&PhoneSystemError> for RunFailure {
    fn from(error: &PhoneSystemError) -> Self {
        match error {
            PhoneSystemError::Shut {
                problem: ShutProblem::WrongCredentials,
                ..
            } => RunFailure {
                must_not_repeat: true,
                ..lasting_of_pbx(error.to_string())
            },
            PhoneSystemError::Shut { .. } | PhoneSystemError::Unavailable { .. } => {
                lasting_of_pbx(error.to_string())
            }
            PhoneSystemError::NotInThisFirmware { .. } | PhoneSystemError::SwitchedOff { .. } => {
                can_wait(error.to_string())
            }
            _ => passing(error.to_string()),
        }
    }
}

impl RunFailure {
    /// The same, said of this part of the run.
    pub fn of_part(self, part: SyncPart) -> Self {
        Self {
            sentence: format!("{}: {}", part.label(), self.sentence),
            ..self
        }
    }

    /// Of two failures of one run the one to act on, with both sentences.
    pub fn worse(self, other: &Self) -> Self {
        Self {
            sentence: format!("{}; {}", self.sentence, other.sentence),
            needs_attention: self.needs_attention || other.needs_attention,
            cause: match (self.needs_attention, other.needs_attention) {
                (true, false) => self.cause,
                (false, true) => other.cause,
                _ if self.cause == other.cause => self.cause,
                _ => AttentionCause::Other,
            },
            must_not_repeat: self.must_not_repeat || other.must_not_repeat,
            can_wait: self.can_wait && other.can_wait,
        }
    }

    /// Of an execution that ended early for want of a side; the other ends are no failures.
    pub fn of_stop(stopped: &Stopped) -> Option<Self> {
        match stopped {
            Stopped::OutOfTime | Stopped::Cancelled => None,
            Stopped::Cause(StopCause::Shut(error)) => Some(error.into()),
            Stopped::Cause(StopCause::Store(error)) => Some(passing(error.to_string())),
            Stopped::Silence(sentence) => {
                let sentence = format!("the PBX does not answer any more: {sentence}");
                Some(lasting_of_pbx(sentence))
            }
        }
    }
}

/// Somebody must act, or a side must come back.
pub(super) fn lasting(sentence: String) -> RunFailure {
    RunFailure {
        sentence,
        needs_attention: true,
        cause: AttentionCause::Other,
        must_not_repeat: false,
        can_wait: false,
    }
}

fn lasting_of_pbx(sentence: String) -> RunFailure {
    RunFailure {
        cause: AttentionCause::Pbx,
        ..lasting(sentence)
    }
}

/// Nothing is broken; something is not there.
fn can_wait(sentence: String) -> RunFailure {
    RunFailure {
        can_wait: true,
        ..passing(sentence)
    }
}

fn passing(sentence: String) -> RunFailure {
    RunFailure {
        sentence,
        needs_attention: false,
        cause: AttentionCause::Other,
        must_not_repeat: false,
        can_wait: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use AttentionCause::{Entra, Other, Pbx};

    #[test]
    fn a_failure_of_both_sides_is_of_neither_alone() {
        let of = |cause| RunFailure {
            cause,
            ..lasting(String::new())
        };
        for (one, other, both) in [(Entra, Entra, Entra), (Pbx, Pbx, Pbx), (Entra, Pbx, Other)] {
            assert_eq!(of(one).worse(&of(other)).cause, both);
            assert_eq!(of(other).worse(&of(one)).cause, both);
        }
        // What passes by itself asks nobody for anything.
        let passes = passing(String::new());
        assert_eq!(of(Pbx).worse(&passes).cause, Pbx);
        assert_eq!(passes.worse(&of(Entra)).cause, Entra);
    }
}
