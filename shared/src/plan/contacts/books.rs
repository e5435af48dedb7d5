//! Which phonebook each mailbox has or gets. A phonebook that is not ours is never taken over, whatever it is called: its
//! admin may rename it, or choose another name for ours.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::contact_binding::{PhonebookBinding, PhonebookStage};
use crate::domain::operation_record::Reason;
use crate::domain::phonebook::{PhonebookId, PhonebookRow, phonebook_name, with_ending};

use super::ContactPlan;
use super::operation::{BookChange, ContactChange, ContactOperation, SkippedContact};
use super::snapshot::{ContactWorld, Contents, MailboxId, MailboxRole, MailboxSnapshot};

/// What is known of a mailbox's phonebook before its contacts are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Book {
    /// The name it has or gets.
    pub name: String,
    /// What it is.
    pub state: BookState,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BookState {
    /// Ours and there.
    There(PhonebookRow),
    /// To be taken note of.
    Found(PhonebookId),
    /// To be made, if there is a contact to put in it.
    Missing {
        /// A phonebook of ours that has the name and goes first.
        after: Option<MailboxId>,
        /// It had been there.
        again: bool,
    },
}

/// Decides for each mailbox that can be read; the others keep what they have and are reported.
pub(super) fn decide(
    world: &ContactWorld,
    blocked: &BTreeSet<MailboxRole>,
    plan: &mut ContactPlan,
) -> BTreeMap<MailboxId, Book> {
    let names = Names::of(world);
    let mut books = BTreeMap::new();
    for (mailbox, snapshot) in &world.mailboxes {
        if blocked.contains(&snapshot.role) {
            continue;
        }
        if let Contents::Unreadable(why) = snapshot.contents {
            let skipped =
                SkippedContact::of_mailbox(*mailbox, snapshot, Reason::MailboxUnreadable, why.sentence());
            plan.skipped.push(skipped);
            continue;
        }
        match names.book(world, *mailbox, snapshot) {
            Ok(book) => drop(books.insert(*mailbox, book)),
            Err(name) => plan.skipped.push(SkippedContact::of_mailbox(
                *mailbox,
                snapshot,
                Reason::NameTaken,
                format!(
                    "the PBX has a phonebook {name} that is not ours; rename it there, or choose another name"
                ),
            )),
        }
    }
    books
}

/// Which names are whose.
struct Names {
    /// What is ours and there.
    own: BTreeMap<MailboxId, PhonebookId>,
    /// Names of phonebooks that are not ours, and of which.
    foreign: BTreeMap<String, PhonebookId>,
    /// Names of phonebooks of ours whose mailbox is out of scope.
    leaving: BTreeMap<String, MailboxId>,
    /// What each mailbox's phonebook should be called.
    wanted: BTreeMap<MailboxId, String>,
}

/// Names compare without regard to case, as people read them.
pub(super) fn folded(name: &str) -> String {
    name.to_lowercase()
}

impl Names {
    fn of(world: &ContactWorld) -> Self {
        let own = world.own_phonebooks();
        let (mut foreign, mut leaving) = (BTreeMap::new(), BTreeMap::new());
        for row in world.phonebooks.values() {
            let owner = own.get(&row.id).and_then(|mailbox| world.books.get(mailbox));
            match owner {
                Some(book) if world.mailboxes.contains_key(&book.mailbox) => {}
                Some(book) if world.is_out_of_scope(book.mailbox, book.role) => {
                    leaving.insert(folded(&row.name), book.mailbox);
                }
                // Not ours, or of what rests and keeps what it has.
                _ => drop(foreign.insert(folded(&row.name), row.id)),
            }
        }
        Self {
            own: own.into_iter().map(|(id, mailbox)| (mailbox, id)).collect(),
            foreign,
            leaving,
            wanted: wanted_names(world),
        }
    }

    /// `Err`: the name that somebody else's phonebook has.
    fn book(
        &self,
        world: &ContactWorld,
        mailbox: MailboxId,
        snapshot: &MailboxSnapshot,
    ) -> Result<Book, String> {
        let base = || phonebook_name(&snapshot.phonebook);
        let name = self.wanted.get(&mailbox).cloned().unwrap_or_else(base);
        let binding = world.books.get(&mailbox);
        let there = self.own.get(&mailbox).and_then(|id| world.phonebooks.get(id));
        let foreign = self.foreign.get(&folded(&name));
        if let Some(row) = there {
            // A name that somebody else has by now is not asked for.
            let name = if foreign.is_some() { row.name.clone() } else { name };
            let state = BookState::There(row.clone());
            return Ok(Book { name, state });
        }
        let intended = binding.filter(|book| matches!(book.stage, PhonebookStage::Intended { .. }));
        if let Some(id) = intended.and_then(|book| self.found(world, book)) {
            let name = intended.map(|book| book.name.clone()).unwrap_or(name);
            return Ok(Book {
                name,
                state: BookState::Found(id),
            });
        }
        if foreign.is_some() {
            return Err(name);
        }
        let state = BookState::Missing {
            after: self.leaving.get(&folded(&name)).copied(),
            again: binding.is_some_and(|book| book.phonebook().is_some()),
        };
        Ok(Book { name, state })
    }

    /// The phonebook of an unfinished make: nobody had the name before, and it is empty as it was made.
    fn found(&self, world: &ContactWorld, intended: &PhonebookBinding) -> Option<PhonebookId> {
        let id = self.foreign.get(&folded(&intended.name))?;
        let row = world.phonebooks.get(id)?;
        (row.total == 0 && !row.everyone && row.name == intended.name).then_some(*id)
    }
}

/// Of two mailboxes that want one name, who has it keeps it, else the first by object id gets it; the others get the first
/// digits of their id behind it.
pub(super) fn wanted_names(world: &ContactWorld) -> BTreeMap<MailboxId, String> {
    let mut holders: BTreeMap<String, MailboxId> = BTreeMap::new();
    let base = |snapshot: &MailboxSnapshot| phonebook_name(&snapshot.phonebook);
    for (mailbox, snapshot) in &world.mailboxes {
        let has_it = world
            .books
            .get(mailbox)
            .is_some_and(|book| folded(&book.name) == folded(&base(snapshot)));
        if has_it {
            holders.entry(folded(&base(snapshot))).or_insert(*mailbox);
        }
    }
    for (mailbox, snapshot) in &world.mailboxes {
        holders.entry(folded(&base(snapshot))).or_insert(*mailbox);
    }
    world
        .mailboxes
        .iter()
        .map(|(mailbox, snapshot)| {
            let base = base(snapshot);
            let is_holder = holders.get(&folded(&base)) == Some(mailbox);
            let name = if is_holder {
                base
            } else {
                with_ending(&base, &ending(*mailbox))
            };
            (*mailbox, name)
        })
        .collect()
}

fn ending(mailbox: MailboxId) -> String {
    let digits: String = mailbox.to_string().chars().take(4).collect();
    format!(" ({digits})")
}

/// The operation that makes or notes a phonebook, where one is due.
pub(super) fn coming(
    mailbox: MailboxId,
    role: MailboxRole,
    book: &Book,
    needed: bool,
) -> Option<ContactOperation> {
    let name = book.name.clone();
    let (change, reason) = match &book.state {
        BookState::There(_) => return None,
        BookState::Found(id) => (BookChange::TakeUp { id: *id, name }, Reason::Recovered),
        BookState::Missing { .. } if !needed => return None,
        BookState::Missing { after, again } => {
            let reason = if *again {
                Reason::DeletedOnPbx
            } else {
                Reason::NewInScope
            };
            (BookChange::Make { name, after: *after }, reason)
        }
    };
    Some(ContactOperation {
        mailbox,
        role,
        change: ContactChange::Book(change),
        reason,
        notes: Vec::new(),
    })
}

/// The operation that puts a phonebook right, where something is wrong.
pub(super) fn mending(
    mailbox: MailboxId,
    role: MailboxRole,
    book: &Book,
    join: BTreeSet<crate::domain::contact::PbxContactId>,
    bound_name: Option<&str>,
) -> Option<ContactOperation> {
    let (id, before, narrow) = match &book.state {
        BookState::There(row) => (Some(row.id), row.name.clone(), row.everyone),
        BookState::Found(id) => (Some(*id), book.name.clone(), false),
        BookState::Missing { .. } => (None, book.name.clone(), false),
    };
    if before == book.name && !narrow && join.is_empty() {
        return None;
    }
    // Our record has the name that was last written: another one on the PBX was given there.
    let moved_here = bound_name == Some(before.as_str()) && before != book.name;
    let reason = if moved_here {
        Reason::AttributesChanged
    } else {
        Reason::Drift
    };
    let change = BookChange::Mend {
        id,
        before,
        name: book.name.clone(),
        narrow,
        join,
    };
    Some(ContactOperation {
        mailbox,
        role,
        change: ContactChange::Book(change),
        reason,
        notes: Vec::new(),
    })
}
