//! Reasons as sentences where groups need other words than people.

use crate::domain::operation_record::Reason;
use crate::plan::words::{base, with_detail};

/// The sentence of a reason about a group, with what is known beyond it.
pub fn group_sentence(reason: Reason, detail: &str) -> String {
    let base = match reason {
        Reason::NewInScope => "chosen by the rules, not on the PBX so far",
        Reason::DeletedOnPbx => "the group was deleted on the PBX and is made again",
        other => base(other),
    };
    with_detail(base, detail)
}
