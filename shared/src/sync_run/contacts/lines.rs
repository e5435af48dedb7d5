//! Operations on contacts as the execution and the reports see them.

use std::collections::BTreeMap;

use crate::domain::contact::{Card, ContactKey};
use crate::domain::mailbox::MailboxId;
use crate::domain::operation_record::{ObjectKind, OperationKind, OperationRecord, OutcomeKind, Reason};
use crate::plan::contacts::operation::{
    BookChange, CardChange, ContactChange, ContactOperation, SkippedContact,
};
use crate::plan::contacts::words::sentence;

use super::super::execute::Operate;
use super::super::outcome::Stamp;

/// What operations are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Thing {
    /// The phonebook of a mailbox.
    Book(MailboxId),
    /// A contact.
    Contact(ContactKey),
}

impl Operate for ContactOperation {
    type Object = Thing;

    fn object(&self) -> Thing {
        match &self.change {
            ContactChange::Book(_) => Thing::Book(self.mailbox),
            ContactChange::Contact(name, _) => Thing::Contact(name.key),
        }
    }

    fn object_kind(&self) -> ObjectKind {
        ContactOperation::object(self)
    }

    fn kind(&self) -> OperationKind {
        ContactOperation::kind(self)
    }

    fn phase(&self) -> u32 {
        ContactOperation::phase(self) as u32
    }

    /// A contact finds out by itself whether its phonebook is there.
    fn relies_on(&self) -> &[Thing] {
        &[]
    }

    fn record(&self, outcome: OutcomeKind, stamp: Stamp) -> OperationRecord {
        let (before, after) = differences(self);
        let (entra_id, name) = match &self.change {
            ContactChange::Book(change) => (self.mailbox.to_string(), change.name().to_owned()),
            ContactChange::Contact(name, _) => (name.contact.to_string(), name.name.clone()),
        };
        OperationRecord {
            at: stamp.at,
            run: stamp.run,
            kind: ContactOperation::kind(self),
            object: ContactOperation::object(self),
            entra_id,
            name,
            target_id: self.target().map(|id| id.to_string()),
            number: None,
            before,
            after,
            reason: self.reason,
            reason_text: sentence(self.reason, &self.notes.join("; ")),
            outcome,
            error: None,
        }
    }
}

/// The line of what is left alone.
pub(super) fn skip_line(skipped: &SkippedContact, stamp: Stamp) -> OperationRecord {
    let entra_id = skipped
        .contact
        .as_ref()
        .map_or_else(|| skipped.mailbox.to_string(), ToString::to_string);
    unread_line(
        (&entra_id, &skipped.name),
        skipped.object(),
        (skipped.reason, &skipped.detail),
        stamp,
    )
}

/// The line of something that was not even tried.
pub(super) fn unread_line(
    (entra_id, name): (&str, &str),
    object: ObjectKind,
    (reason, detail): (Reason, &str),
    stamp: Stamp,
) -> OperationRecord {
    OperationRecord {
        at: stamp.at,
        run: stamp.run,
        kind: OperationKind::Skip,
        object,
        entra_id: entra_id.to_owned(),
        name: name.to_owned(),
        target_id: None,
        number: None,
        before: None,
        after: None,
        reason,
        reason_text: sentence(reason, detail),
        outcome: OutcomeKind::NotAttempted,
        error: None,
    }
}

type Values = Option<BTreeMap<String, String>>;

fn differences(operation: &ContactOperation) -> (Values, Values) {
    match &operation.change {
        ContactChange::Book(change) => book_differences(change),
        ContactChange::Contact(_, CardChange::Create { card }) => (None, Some(card.values())),
        ContactChange::Contact(
            _,
            CardChange::Update { before, card, .. } | CardChange::TakeUp { before, card, .. },
        ) => card_differences(before, card),
        ContactChange::Contact(_, CardChange::Delete { before, .. }) => {
            (Some(before.clone()).filter(|before| !before.is_empty()), None)
        }
        ContactChange::Contact(_, CardChange::Note { .. }) => (None, None),
    }
}

fn card_differences(before: &BTreeMap<String, String>, card: &Card) -> (Values, Values) {
    let after = card.values();
    let only = |values: &BTreeMap<String, String>, other: &BTreeMap<String, String>| {
        let differ = values
            .iter()
            .filter(|(field, value)| other.get(*field) != Some(*value));
        differ
            .map(|(field, value)| (field.clone(), value.clone()))
            .collect()
    };
    (Some(only(before, &after)), Some(only(&after, before)))
}

fn book_differences(change: &BookChange) -> (Values, Values) {
    let named = |name: &str| BTreeMap::from([("name".to_owned(), name.to_owned())]);
    match change {
        BookChange::Make { name, .. } => (None, Some(named(name))),
        BookChange::Mend {
            before,
            name,
            narrow,
            join,
            ..
        } => {
            let (mut was, mut is) = (BTreeMap::new(), BTreeMap::new());
            if before != name {
                (was, is) = (named(before), named(name));
            }
            if *narrow {
                was.insert("holds".to_owned(), "every contact".to_owned());
                is.insert("holds".to_owned(), "its own contacts".to_owned());
            }
            if !join.is_empty() {
                is.insert("contacts put back".to_owned(), join.len().to_string());
            }
            (Some(was), Some(is))
        }
        BookChange::Delete { name, .. } => (Some(named(name)), None),
        BookChange::TakeUp { .. } | BookChange::Release { .. } => (None, None),
    }
}
