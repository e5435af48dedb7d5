//! Reasons as sentences where contacts and phonebooks need words of their own.

use crate::domain::operation_record::Reason;

/// The sentence of a reason, with what is known beyond it.
pub fn sentence(reason: Reason, detail: &str) -> String {
    let base = match reason {
        Reason::NewInScope => "chosen by the rules, not on the PBX so far",
        Reason::AttributesChanged => "values changed in Outlook or in the rules",
        Reason::DeletedOnPbx => "it was deleted on the PBX and is made again",
        Reason::OutOfScope => "the rules do not choose its mailbox",
        Reason::AmbiguousMatch => "not certain to be ours",
        other => return crate::plan::words::sentence(other, detail),
    };
    if detail.is_empty() {
        base.to_owned()
    } else {
        format!("{base}: {detail}")
    }
}
