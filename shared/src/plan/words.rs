//! Reasons as sentences. English; the stable code beside each is for programs.

use crate::domain::operation_record::Reason;

/// The sentence of a reason, with what is known beyond it.
pub fn sentence(reason: Reason, detail: &str) -> String {
    with_detail(base(reason), detail)
}

pub(super) fn with_detail(base: &str, detail: &str) -> String {
    if detail.is_empty() {
        base.to_owned()
    } else {
        format!("{base}: {detail}")
    }
}

pub(super) fn base(reason: Reason) -> &'static str {
    match reason {
        Reason::NewInScope => "chosen by the rules, without an extension so far",
        Reason::AttributesChanged => "values changed in Entra",
        Reason::Drift => "values were changed on the PBX and are put back",
        Reason::DeletedOnPbx => "the extension was deleted on the PBX and is made again",
        Reason::OutOfScope => "not chosen by the rules",
        Reason::AccountDisabled => "the account is disabled",
        Reason::AccountDeleted => "the account was deleted in Entra",
        Reason::SameMail => "an extension with the same mail address is taken over",
        Reason::DuplicateMail => "the mail address is not free",
        Reason::AmbiguousMatch => "the extension to take over is not certain",
        Reason::NumberTaken => "the number is not free",
        Reason::NumberInvalid => "no usable extension number",
        Reason::NoNumber => "no extension number",
        Reason::NumberChanged => "the number in Entra changed, which renumbers nothing by itself",
        Reason::CapacityReached => "no room on the PBX",
        Reason::FieldInvalid => "a value does not fit the PBX",
        Reason::GracePeriod => "the person left; the days of grace run",
        Reason::Kept => "the person left; the settings keep the extension",
        Reason::Returned => "the person came back in time",
        Reason::Recovered => "an earlier write had been carried out and is taken note of",
        Reason::DependencyFailed => "what this relies on has not happened",
        Reason::RunStopped => "the run was stopped before",
        Reason::SwitchedOff => "its part or the connection was switched off",
        Reason::RefusedByPbx => "refused by the PBX",
        Reason::PbxUnavailable => "the PBX gave no usable answer",
        Reason::StoreUnavailable => "the connector's table gave no usable answer",
        Reason::IncompleteContact => "the contact is incomplete in Outlook",
        Reason::DuplicateContact => "the contact is there twice",
        Reason::ContactDeleted => "the contact was deleted in Outlook",
        Reason::MailboxUnreadable => "the mailbox was not read, and its contacts on the PBX stay",
        Reason::VisibilityNotAcknowledged => "personal contacts would be shown to others",
        Reason::NameTaken => "the name is not free on the PBX",
        Reason::RenameUnsupported => "this firmware does not rename groups, so the group keeps its name",
        Reason::MembersNotKept => "the PBX lists other members than were written",
        Reason::MembersWithoutExtension => "not everybody in the group has an extension",
        Reason::GroupDeleted => "the group was deleted in Entra",
        Reason::SyncFailing => "sync runs fail",
        Reason::PlanHeld => "removals wait for approval",
        Reason::NoGoodRun => "no sync run ended well",
        Reason::PresenceSilent => "presence is not carried",
        Reason::SecretEnds => "the app's secret or certificate ends",
        Reason::SubscriptionLost => "Microsoft does not tell of changes",
        Reason::AlertNotDelivered => "an alert could not be delivered for a day",
    }
}
