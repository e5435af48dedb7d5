//! What the decision looks up again and again, gathered once: half a million contacts are walked through one time.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::contact::{ContactKey, ContactRow};
use crate::domain::contact_binding::ContactBinding;
use crate::domain::phonebook::PhonebookId;

use super::snapshot::{ContactWorld, MailboxId};

/// Views of a world.
pub(super) struct Index<'a> {
    /// Contacts that carry a mark of ours and are bound to nothing else, by the key in the mark; of two the older one.
    pub marked: BTreeMap<ContactKey, &'a ContactRow>,
    /// Phonebooks that hold contacts which are not ours.
    pub of_others: BTreeSet<PhonebookId>,
    /// What is bound, by mailbox.
    pub bound: BTreeMap<MailboxId, Vec<&'a ContactBinding>>,
}

impl<'a> Index<'a> {
    pub fn of(world: &'a ContactWorld) -> Self {
        let own = world.own_contacts();
        let mut index = Self {
            marked: BTreeMap::new(),
            of_others: BTreeSet::new(),
            bound: BTreeMap::new(),
        };
        for row in world.rows.values().filter(|row| !own.contains_key(&row.id)) {
            match ContactKey::in_remark(&row.remark) {
                Some(key) => drop(index.marked.entry(key).or_insert(row)),
                None => index.of_others.extend(&row.phonebooks),
            }
        }
        for binding in world.bindings.values() {
            index.bound.entry(binding.mailbox).or_default().push(binding);
        }
        index
    }
}
