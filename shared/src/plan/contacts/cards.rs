//! Which contacts of one mailbox the PBX should have: complete ones, each once, as many as fit. Which ones win is a fixed
//! rule, so that every run chooses the same.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::contact::{ContactId, ContactKey, OutlookContact};
use crate::domain::contact_mapping::{Mapped, card_of, shown_name};
use crate::domain::operation_record::Reason;

use super::operation::SkippedContact;
use super::snapshot::{ContactPolicy, ContactWorld, MailboxId, MailboxRole, MailboxSnapshot};

/// A contact that the PBX should have.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub contact: ContactId,
    pub name: String,
    pub mapped: Mapped,
}

/// The contacts of one mailbox, sorted out.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    pub wanted: BTreeMap<ContactKey, Wanted>,
    /// Those that the PBX should not have, and why.
    pub left: BTreeMap<ContactKey, SkippedContact>,
}

struct Candidate {
    key: ContactKey,
    wanted: Wanted,
    is_bound: bool,
}

/// Sorts out a mailbox.
pub(super) fn sort_out(
    world: &ContactWorld,
    policy: &ContactPolicy,
    (mailbox, snapshot): (MailboxId, &MailboxSnapshot),
    contacts: &BTreeMap<ContactId, OutlookContact>,
) -> Sorted {
    let mut sorted = Sorted::default();
    let mut candidates = Vec::new();
    for (contact, outlook) in contacts {
        let key = ContactKey::of(world.connection, mailbox, contact);
        let name = shown_name(outlook);
        match card_of(outlook, &key, policy.country) {
            Ok(mapped) => candidates.push(Candidate {
                is_bound: world.bindings.contains_key(&key),
                wanted: Wanted {
                    contact: contact.clone(),
                    name,
                    mapped,
                },
                key,
            }),
            Err(incomplete) => {
                let words = std::iter::once(incomplete.missing.to_owned()).chain(incomplete.notes);
                let detail = words.collect::<Vec<_>>().join("; ");
                sorted.leave(mailbox, (&key, contact, &name), Reason::IncompleteContact, detail);
            }
        }
    }
    candidates.sort_by(|a, b| a.place().cmp(&b.place()));
    let mut once = merge_doubles(mailbox, candidates, &mut sorted);
    if snapshot.role == MailboxRole::Personal {
        let most = policy.limits.per_person;
        for candidate in once.drain(most.min(once.len())..) {
            let detail =
                format!("the PBX takes {most} personal contacts of one person; the first by name are synced");
            let Wanted { contact, name, .. } = &candidate.wanted;
            sorted.leave(
                mailbox,
                (&candidate.key, contact, name),
                Reason::CapacityReached,
                detail,
            );
        }
    }
    sorted.wanted = once
        .into_iter()
        .map(|candidate| (candidate.key, candidate.wanted))
        .collect();
    sorted
}

impl Sorted {
    fn leave(
        &mut self,
        mailbox: MailboxId,
        (key, contact, name): (&ContactKey, &ContactId, &str),
        reason: Reason,
        detail: String,
    ) {
        let skipped = SkippedContact {
            mailbox,
            contact: Some(contact.clone()),
            name: name.to_owned(),
            reason,
            detail,
        };
        self.left.insert(*key, skipped);
    }
}

impl Candidate {
    /// First by display name, then by id.
    fn place(&self) -> (String, &ContactId) {
        (self.wanted.name.to_lowercase(), &self.wanted.contact)
    }

    /// What makes two contacts one: the same name and the same numbers.
    fn identity(&self) -> (String, BTreeSet<String>) {
        let card = &self.wanted.mapped.card;
        (
            card.name().to_lowercase(),
            card.numbers.values().cloned().collect(),
        )
    }
}

/// Of contacts that are one, who is on the PBX already stays, else the first; it takes over what it lacks.
fn merge_doubles(mailbox: MailboxId, candidates: Vec<Candidate>, sorted: &mut Sorted) -> Vec<Candidate> {
    let mut groups: BTreeMap<(String, BTreeSet<String>), Vec<Candidate>> = BTreeMap::new();
    for candidate in candidates {
        groups.entry(candidate.identity()).or_default().push(candidate);
    }
    let mut kept = Vec::new();
    for mut group in groups.into_values() {
        let keeper = group.iter().position(|one| one.is_bound).unwrap_or(0);
        let mut keeper = group.remove(keeper);
        for double in group {
            let (card, other) = (&mut keeper.wanted.mapped.card, double.wanted.mapped.card);
            for (own, others) in [(&mut card.company, other.company), (&mut card.email, other.email)] {
                if own.is_empty() {
                    *own = others;
                }
            }
            let detail = "the mailbox has another contact with the same name and numbers".to_owned();
            let named = (&double.key, &double.wanted.contact, double.wanted.name.as_str());
            sorted.leave(mailbox, named, Reason::DuplicateContact, detail);
        }
        kept.push(keeper);
    }
    kept.sort_by(|a, b| a.place().cmp(&b.place()));
    kept
}
