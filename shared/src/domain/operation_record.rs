//! What happened to one object, in words that outlive the run: a line of a run's report and of an object's history.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::SyncRunId;

macro_rules! word {
    ($($item:item)*) => { $(
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        $item
    )* };
}

word! {
    /// What an operation is about.
    pub enum ObjectKind { /// A person and their extension.
        User, /// A group and its extension group.
        Group, /// A contact.
        Contact, /// A phonebook.
        Phonebook, /// The connection itself.
        Connection }
    /// What an operation does.
    pub enum OperationKind { /// Makes an extension.
        Create, /// Changes one that is ours.
        Update, /// Takes over one that was there.
        Bind, /// Lets it go: kept on the PBX, no longer touched.
        Release, /// Deletes it from the PBX.
        Delete, /// Nothing, with a reason.
        Skip, /// Tells of something that is wrong.
        Alert, /// Tells that it is over.
        Recovery }
    /// What became of an operation.
    pub enum OutcomeKind { /// Done.
        Applied, /// It was so already.
        AlreadyDone, /// Refused or broken.
        Failed, /// Not tried.
        NotAttempted, /// Waits for a person.
        Held, /// A person said no.
        Rejected, /// Only shown.
        DryRun }
    /// Why: a stable code; `reason_text` says it to a person.
    pub enum Reason { /// The rules choose this person.
        NewInScope, /// Entra's values changed.
        AttributesChanged, /// The values on the PBX were changed there.
        Drift, /// The extension had been deleted on the PBX.
        DeletedOnPbx, /// The rules no longer choose this person, or never did.
        OutOfScope, /// The account is disabled.
        AccountDisabled, /// The account is gone from the directory.
        AccountDeleted, /// An extension with the same mail address was there.
        SameMail, /// The mail address belongs to somebody else.
        DuplicateMail, /// More than one extension fits.
        AmbiguousMatch, /// The number is in use.
        NumberTaken, /// The property holds no usable number.
        NumberInvalid, /// The property is empty, or no number is left.
        NoNumber, /// The property changed; numbers of existing extensions stay.
        NumberChanged, /// The PBX can make no more extensions.
        CapacityReached, /// A value breaks the PBX's rules.
        FieldInvalid, /// The person left; the days of grace run.
        GracePeriod, /// The person left; the settings keep the extension.
        Kept, /// The person came back in the days of grace.
        Returned, /// A write of an earlier run whose answer was lost.
        Recovered, /// Something this operation relies on did not happen.
        DependencyFailed, /// The run was stopped before.
        RunStopped, /// An admin paused the part, or disabled or disconnected the connection.
        SwitchedOff, /// The PBX refused.
        RefusedByPbx, /// The PBX gave no usable answer.
        PbxUnavailable, /// The table refused or could not be asked.
        StoreUnavailable, /// Something on the PBX that is not ours has the name.
        NameTaken, /// The firmware does not rename groups.
        RenameUnsupported, /// The PBX lists other members than were written.
        MembersNotKept, /// People in the group have no extension.
        MembersWithoutExtension, /// The group is gone from the directory.
        GroupDeleted, /// A contact lacks a name or a number.
        IncompleteContact, /// The mailbox has the same contact twice.
        DuplicateContact, /// The contact was deleted in Outlook.
        ContactDeleted, /// The mailbox could not be read.
        MailboxUnreadable, /// A phonebook would show personal contacts to many.
        VisibilityNotAcknowledged, /// Runs fail, or somebody has to act.
        SyncFailing, /// Removals wait for a person.
        PlanHeld, /// No run was good for longer than the schedule explains.
        NoGoodRun, /// Presence is wanted and not carried.
        PresenceSilent, /// The app's secret or certificate ends.
        SecretEnds, /// Graph does not tell of changes any more.
        SubscriptionLost, /// An alert reached nobody on one of its channels for a day.
        AlertNotDelivered }
}

impl Reason {
    /// The stable code.
    pub fn code(self) -> String {
        // Serialising a fieldless enum to a JSON string cannot fail.
        serde_json::to_value(self)
            .ok()
            .and_then(|v| v.as_str().map(str::to_owned))
            .unwrap_or_default()
    }
}

/// One line: what was to happen to one object, why, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OperationRecord {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// In which run; where the connection itself is meant, of what was told and no run.
    pub run: SyncRunId,
    /// What it did.
    pub kind: OperationKind,
    /// To what.
    pub object: ObjectKind,
    /// Object id in the directory.
    pub entra_id: String,
    /// The person's or group's name.
    pub name: String,
    /// The PBX's key of the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<String>,
    /// Extension number, for users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Values before, field by field: those that differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<BTreeMap<String, String>>,
    /// Values after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<BTreeMap<String, String>>,
    /// Why, as a stable code.
    pub reason: Reason,
    /// Why, to a person.
    pub reason_text: String,
    /// What became of it.
    pub outcome: OutcomeKind,
    /// What went wrong, to a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
