//! Which phonebooks on the PBX are ours. The key alone does not say it: a PBX that was set up anew gives the same keys again,
//! to phonebooks that somebody makes there.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::contact::ContactKey;
use crate::domain::contact_binding::PhonebookBinding;
use crate::domain::phonebook::{PhonebookId, PhonebookRow};

use super::books::{folded, wanted_names};
use super::snapshot::{ContactWorld, MailboxId};

impl ContactWorld {
    /// Our phonebooks that exist, and whose they are: under the key of a binding, with the name that we gave last, or the
    /// one that is to come, which a write that was cut may have left; or renamed there, with contacts of ours in it.
    pub fn own_phonebooks(&self) -> BTreeMap<PhonebookId, MailboxId> {
        let there = |book: &PhonebookBinding| {
            let row = self.phonebooks.get(&book.phonebook()?)?;
            Some((row.clone(), book.clone()))
        };
        let wanted = wanted_names(self);
        let is_named = |row: &PhonebookRow, book: &PhonebookBinding| {
            let comes = wanted.get(&book.mailbox);
            row.name == book.name || comes.is_some_and(|name| folded(name) == folded(&row.name))
        };
        let found: Vec<_> = self.books.values().filter_map(there).collect();
        let (named, renamed): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|(row, book)| is_named(row, book));
        let with_contacts = if renamed.is_empty() {
            BTreeSet::new()
        } else {
            self.books_with_contacts()
        };
        let still = renamed
            .into_iter()
            .filter(|(row, book)| with_contacts.contains(&(row.id, book.mailbox)));
        named
            .into_iter()
            .chain(still)
            .map(|(row, book)| (row.id, book.mailbox))
            .collect()
    }

    /// Phonebooks that hold contacts with our mark, and of which mailboxes those are.
    fn books_with_contacts(&self) -> BTreeSet<(PhonebookId, MailboxId)> {
        let mut found = BTreeSet::new();
        for row in self.rows.values() {
            let key = ContactKey::in_remark(&row.remark);
            if let Some(binding) = key.and_then(|key| self.bindings.get(&key)) {
                found.extend(row.phonebooks.iter().map(|book| (*book, binding.mailbox)));
            }
        }
        found
    }
}
