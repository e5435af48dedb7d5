//! The decision about contacts: from mailboxes and the PBX's contacts and phonebooks to the operations that remain. Pure,
//! sorted, repeatable.

mod books;
mod cards;
pub mod check;
mod index;
pub mod operation;
mod own;
mod settle;
pub mod snapshot;
pub mod words;

use std::collections::BTreeSet;

use crate::domain::operation_record::Reason;

use index::Index;
use operation::{ContactOperation, SkippedContact};
use snapshot::{ContactPolicy, ContactWorld, MailboxId, MailboxRole, MailboxSnapshot};

/// What is to be done, what is left alone and why, and how many contacts are in step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContactPlan {
    /// Sorted by phase, mailbox and contact; none of them does nothing.
    pub operations: Vec<ContactOperation>,
    /// Contacts and mailboxes left alone, sorted by mailbox and contact.
    pub skipped: Vec<SkippedContact>,
    /// Remarks on contacts that are in step otherwise; they count as unchanged.
    pub remarks: Vec<SkippedContact>,
    /// Contacts in step.
    pub unchanged: u64,
    /// Phonebooks in step.
    pub phonebooks_unchanged: u64,
}

impl ContactPlan {
    /// Whether carrying it out changes nothing.
    pub fn is_empty(&self) -> bool {
        let Self {
            operations,
            skipped: _,
            remarks: _,
            unchanged: _,
            phonebooks_unchanged: _,
        } = self;
        operations.is_empty()
    }

    fn sort(&mut self) {
        self.operations.sort_by(|a, b| a.order().cmp(&b.order()));
        self.skipped.sort();
        self.remarks.sort();
    }
}

/// Decides for every contact of every mailbox that was read, and for what is bound to mailboxes no longer wanted.
pub fn plan(world: &ContactWorld, policy: &ContactPolicy) -> ContactPlan {
    let mut plan = ContactPlan::default();
    let blocked = visibility_block(world, policy, &mut plan);
    let books = books::decide(world, &blocked, &mut plan);
    let index = Index::of(world);
    for (mailbox, snapshot) in &world.mailboxes {
        if let Some(book) = books.get(mailbox) {
            settle::mailbox((world, &index), policy, (*mailbox, snapshot), book, &mut plan);
        }
    }
    settle::out_of_scope(world, &index, &mut plan);
    plan.sort();
    plan
}

/// Personal contacts wait while a phonebook shows every contact to everybody who sees it, until an admin has said that this
/// is known.
fn visibility_block(
    world: &ContactWorld,
    policy: &ContactPolicy,
    plan: &mut ContactPlan,
) -> BTreeSet<MailboxRole> {
    let wide = world.phonebooks.values().find(|book| book.everyone);
    let (Some(wide), false) = (wide, policy.acknowledged_visibility) else {
        return BTreeSet::new();
    };
    let personal = |(_, snapshot): &(&MailboxId, &MailboxSnapshot)| snapshot.role == MailboxRole::Personal;
    plan.skipped.extend(world.mailboxes.iter().filter(personal).map(|(mailbox, snapshot)| {
        let detail = format!(
            "the phonebook {} holds every company contact; set contacts.personal.acknowledged_visibility to true, or delete that phonebook on the PBX",
            wide.name
        );
        SkippedContact::of_mailbox(*mailbox, snapshot, Reason::VisibilityNotAcknowledged, detail)
    }));
    [MailboxRole::Personal].into()
}

#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod table_tests;
#[cfg(test)]
mod world_builder;
