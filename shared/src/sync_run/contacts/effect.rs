//! Carries out one operation on a contact or a phonebook: the intent before a create, the binding after it. Nothing of a
//! contact is unique on the PBX, so each one we make carries our mark; by it a create whose answer was lost is recognised.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use crate::domain::contact::{Card, CardDigest, ContactKey, PbxContactId};
use crate::domain::contact_binding::{
    BoundContact, ContactBinding, ContactStage, PhonebookBinding, PhonebookStage,
};
use crate::domain::ids::SyncRunId;
use crate::domain::mailbox::MailboxId;
use crate::domain::operation_record::{OperationRecord, OutcomeKind, Reason};
use crate::domain::phonebook::PhonebookId;
use crate::plan::contacts::operation::{
    BookChange, CardChange, ContactChange, ContactName, ContactOperation,
};
use crate::plan::contacts::snapshot::ContactWorld;
use crate::ports::{Clock, ContactBook, Deleted, PhoneSystemError, PhonebookPatch};
use crate::store::{Lease, Store, StoreError};

use super::super::effect::{StopCause, Trouble};
use super::super::execute::{Operate, Perform};
use super::super::outcome::{Failure, Outcome, Stamp};
use super::super::part::Frame;

/// Where effects go.
pub(super) struct ContactHands<'a> {
    store: &'a Store,
    book: &'a dyn ContactBook,
    clock: &'a dyn Clock,
    lease: &'a Lease,
    run: SyncRunId,
    /// The phonebooks that are there, those of this run included.
    phonebooks: Mutex<BTreeMap<MailboxId, PhonebookId>>,
    bound: BTreeMap<MailboxId, PhonebookBinding>,
}

type Done = Result<Outcome, Trouble>;

#[async_trait]
impl Perform<ContactOperation> for ContactHands<'_> {
    async fn perform(&self, operation: &ContactOperation) -> Done {
        match &operation.change {
            ContactChange::Book(change) => self.book(operation, change).await,
            ContactChange::Contact(name, change) => self.contact(operation, name, change).await,
        }
    }

    fn stamp(&self) -> Stamp {
        Stamp {
            at: self.clock.now(),
            run: self.run,
        }
    }
}

impl<'a> ContactHands<'a> {
    pub fn new(frame: &Frame<'a>, run: SyncRunId, world: &ContactWorld) -> Self {
        let there = world
            .own_phonebooks()
            .into_iter()
            .map(|(book, mailbox)| (mailbox, book));
        Self {
            store: frame.store(),
            book: frame.basis.sides.contact_book.as_ref(),
            clock: frame.basis.engine.clock.as_ref(),
            lease: frame.lease,
            run,
            phonebooks: Mutex::new(there.collect()),
            bound: world.books.clone(),
        }
    }

    /// A contact that a phonebook holds cannot be deleted, and taking many out costs one call. What fails here is seen to
    /// contact by contact.
    pub async fn leave_phonebooks(&self, operations: &[ContactOperation]) {
        let mut leaving: BTreeMap<PhonebookId, Vec<PbxContactId>> = BTreeMap::new();
        for operation in operations {
            if let ContactChange::Contact(
                _,
                CardChange::Delete {
                    id: Some(id),
                    leaves: Some(book),
                    ..
                },
            ) = &operation.change
            {
                leaving.entry(*book).or_default().push(*id);
            }
        }
        for (book, remove) in leaving {
            let patch = PhonebookPatch {
                remove,
                ..PhonebookPatch::default()
            };
            if let Err(error) = self.book.update_phonebook(book, &patch).await {
                tracing::debug!(phonebook.id = %book, error = %error, "contacts stay in their phonebook for now");
            }
        }
    }

    fn phonebook_of(&self, mailbox: MailboxId) -> Option<PhonebookId> {
        let known = self.phonebooks.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&mailbox).copied()
    }

    fn note_phonebook(&self, mailbox: MailboxId, phonebook: Option<PhonebookId>) {
        let mut known = self.phonebooks.lock().unwrap_or_else(PoisonError::into_inner);
        match phonebook {
            Some(phonebook) => drop(known.insert(mailbox, phonebook)),
            None => drop(known.remove(&mailbox)),
        }
    }

    fn line(&self, operation: &ContactOperation, outcome: OutcomeKind) -> OperationRecord {
        operation.record(outcome, self.stamp())
    }

    // Phonebooks.

    async fn book(&self, operation: &ContactOperation, change: &BookChange) -> Done {
        match change {
            BookChange::Make { name, .. } => self.make_book(operation, name).await,
            BookChange::TakeUp { id, name } => {
                self.confirm_book(operation, (*id, name), OutcomeKind::AlreadyDone)
                    .await?;
                Ok(Outcome::AlreadyDone)
            }
            BookChange::Mend {
                id,
                before,
                name,
                narrow,
                join,
            } => {
                let Some(id) = id.or_else(|| self.phonebook_of(operation.mailbox)) else {
                    return Ok(Outcome::NotAttempted(Reason::DependencyFailed));
                };
                let patch = PhonebookPatch {
                    name: (before != name).then(|| name.clone()),
                    narrow: *narrow,
                    add: join.iter().copied().collect(),
                    remove: Vec::new(),
                };
                self.twice(|| self.book.update_phonebook(id, &patch)).await?;
                self.confirm_book(operation, (id, name), OutcomeKind::Applied)
                    .await?;
                Ok(Outcome::Applied)
            }
            BookChange::Release { .. } => {
                self.forget_book(operation, OutcomeKind::Applied).await?;
                Ok(Outcome::Applied)
            }
            BookChange::Delete { id, .. } => self.delete_book(operation, *id).await,
        }
    }

    async fn make_book(&self, operation: &ContactOperation, name: &str) -> Done {
        let intent = PhonebookBinding {
            mailbox: operation.mailbox,
            role: operation.role,
            name: name.to_owned(),
            stage: PhonebookStage::Intended { at: self.clock.now() },
        };
        self.note_phonebook(operation.mailbox, None);
        self.store
            .put_phonebook_binding(self.lease, &intent, None)
            .await?;
        let id = match self.book.create_phonebook(name).await {
            Ok(id) => id,
            Err(PhoneSystemError::OutcomeUnknown { .. }) => self.find_book(name).await?,
            Err(error) => {
                // Told for certain that it was not made: the next one of that name is not ours.
                if is_refusal(&error) {
                    self.store.cancel_phonebook(self.lease, operation.mailbox).await?;
                }
                return Err(book_trouble(error));
            }
        };
        self.confirm_book(operation, (id, name), OutcomeKind::Applied)
            .await?;
        Ok(Outcome::Applied)
    }

    /// Before the create nobody had the name, and it makes an empty phonebook.
    async fn find_book(&self, name: &str) -> Result<PhonebookId, Trouble> {
        let books = self.book.list_phonebooks().await.map_err(book_trouble)?;
        let made = books
            .iter()
            .find(|book| book.name == name && book.total == 0 && !book.everyone);
        made.map(|book| book.id)
            .ok_or_else(|| undone("the PBX did not make the phonebook"))
    }

    async fn confirm_book(
        &self,
        operation: &ContactOperation,
        (id, name): (PhonebookId, &str),
        outcome: OutcomeKind,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let since = self
            .bound
            .get(&operation.mailbox)
            .and_then(|book| match book.stage {
                PhonebookStage::Bound {
                    id: known, bound_at, ..
                } if known == id => Some(bound_at),
                _ => None,
            });
        let binding = PhonebookBinding {
            mailbox: operation.mailbox,
            role: operation.role,
            name: name.to_owned(),
            stage: PhonebookStage::Bound {
                id,
                bound_at: since.unwrap_or(now),
                written_at: now,
            },
        };
        let line = OperationRecord {
            target_id: Some(id.to_string()),
            ..self.line(operation, outcome)
        };
        self.store
            .put_phonebook_binding(self.lease, &binding, Some(&line))
            .await?;
        self.note_phonebook(operation.mailbox, Some(id));
        Ok(())
    }

    async fn forget_book(
        &self,
        operation: &ContactOperation,
        outcome: OutcomeKind,
    ) -> Result<(), StoreError> {
        let line = self.line(operation, outcome);
        self.store
            .forget_phonebook(self.lease, operation.mailbox, &line)
            .await
    }

    async fn delete_book(&self, operation: &ContactOperation, id: Option<PhonebookId>) -> Done {
        let Some(id) = id else {
            self.forget_book(operation, OutcomeKind::AlreadyDone).await?;
            return Ok(Outcome::AlreadyDone);
        };
        let deleted = match self.book.delete_phonebook(id).await {
            Err(PhoneSystemError::OutcomeUnknown { .. }) => {
                let books = self.book.list_phonebooks().await.map_err(book_trouble)?;
                if books.iter().any(|book| book.id == id) {
                    return Err(undone("the PBX did not delete the phonebook"));
                }
                Deleted::Now
            }
            other => other.map_err(book_trouble)?,
        };
        let (outcome, kind) = ending(deleted);
        self.forget_book(operation, kind).await?;
        Ok(outcome)
    }

    // Contacts.

    async fn contact(&self, operation: &ContactOperation, name: &ContactName, change: &CardChange) -> Done {
        match change {
            CardChange::Create { card } => self.create(operation, name, card).await,
            CardChange::TakeUp { id, card, write, .. } => {
                if *write {
                    self.twice(|| self.book.update_contact(*id, card)).await?;
                }
                let outcome = if *write {
                    OutcomeKind::Applied
                } else {
                    OutcomeKind::AlreadyDone
                };
                self.confirm(operation, name, (*id, card, None), outcome).await?;
                Ok(if *write {
                    Outcome::Applied
                } else {
                    Outcome::AlreadyDone
                })
            }
            CardChange::Update { bound, card, .. } => {
                self.twice(|| self.book.update_contact(bound.id, card)).await?;
                self.confirm(
                    operation,
                    name,
                    (bound.id, card, Some(bound)),
                    OutcomeKind::Applied,
                )
                .await?;
                Ok(Outcome::Applied)
            }
            CardChange::Note { bound, card } => {
                self.confirm(
                    operation,
                    name,
                    (bound.id, card, Some(bound)),
                    OutcomeKind::AlreadyDone,
                )
                .await?;
                Ok(Outcome::AlreadyDone)
            }
            CardChange::Delete { id, .. } => self.delete(operation, name, *id).await,
        }
    }

    fn binding(operation: &ContactOperation, name: &ContactName, stage: ContactStage) -> ContactBinding {
        ContactBinding {
            key: name.key,
            mailbox: operation.mailbox,
            role: operation.role,
            contact: name.contact.clone(),
            name: name.name.clone(),
            stage,
        }
    }

    async fn create(&self, operation: &ContactOperation, name: &ContactName, card: &Card) -> Done {
        let Some(phonebook) = self.phonebook_of(operation.mailbox) else {
            return Ok(Outcome::NotAttempted(Reason::DependencyFailed));
        };
        let stage = ContactStage::Intended { at: self.clock.now() };
        let intent = Self::binding(operation, name, stage);
        self.store.put_contact_binding(self.lease, &intent, None).await?;
        let id = match self.book.create_contact(card, phonebook).await {
            Ok(id) => id,
            Err(PhoneSystemError::OutcomeUnknown { .. }) => self.find_contact(name.key, card).await?,
            Err(error) => {
                if is_refusal(&error) {
                    self.store.cancel_contact(self.lease, name.key).await?;
                }
                return Err(trouble(error));
            }
        };
        self.confirm(operation, name, (id, card, None), OutcomeKind::Applied)
            .await?;
        Ok(Outcome::Applied)
    }

    /// The contact with our mark, among those with one of its numbers. Not found may mean that the PBX searches otherwise:
    /// the intent stays, and the next run looks through all contacts before it makes another one.
    async fn find_contact(&self, key: ContactKey, card: &Card) -> Result<PbxContactId, Trouble> {
        let number = card
            .numbers
            .values()
            .next()
            .map(String::as_str)
            .unwrap_or_default();
        let rows = self.book.search_contacts(number).await.map_err(trouble)?;
        let marked = rows
            .iter()
            .find(|row| ContactKey::in_remark(&row.remark) == Some(key));
        marked
            .map(|row| row.id)
            .ok_or_else(|| undone("the PBX did not make the contact"))
    }

    async fn confirm(
        &self,
        operation: &ContactOperation,
        name: &ContactName,
        (id, card, before): (PbxContactId, &Card, Option<&BoundContact>),
        outcome: OutcomeKind,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let stage = ContactStage::Bound(BoundContact {
            id,
            written: CardDigest::of(card),
            bound_at: before.map_or(now, |before| before.bound_at),
            written_at: now,
        });
        let binding = Self::binding(operation, name, stage);
        let line = OperationRecord {
            target_id: Some(id.to_string()),
            ..self.line(operation, outcome)
        };
        self.store
            .put_contact_binding(self.lease, &binding, Some(&line))
            .await
    }

    async fn delete(
        &self,
        operation: &ContactOperation,
        name: &ContactName,
        id: Option<PbxContactId>,
    ) -> Done {
        let deleted = match id {
            Some(id) => self.delete_on_pbx(id).await?,
            None => Deleted::Earlier,
        };
        let (outcome, kind) = ending(deleted);
        let line = self.line(operation, kind);
        self.store.forget_contact(self.lease, name.key, &line).await?;
        Ok(outcome)
    }

    async fn delete_on_pbx(&self, id: PbxContactId) -> Result<Deleted, Trouble> {
        let first = self.book.delete_contact(id).await;
        let last = match first {
            // A phonebook holds it still, one of somebody else's perhaps.
            Err(PhoneSystemError::Conflict { .. }) => {
                self.twice(|| self.book.clear_phonebooks_of(id)).await?;
                self.book.delete_contact(id).await
            }
            other => other,
        };
        match last {
            Err(PhoneSystemError::OutcomeUnknown { .. }) => {
                if self.book.has_contact(id).await.map_err(trouble)? {
                    return Err(undone("the PBX did not delete the contact"));
                }
                Ok(Deleted::Now)
            }
            other => other.map_err(trouble),
        }
    }

    /// For writes that are harmless to repeat: one repeat settles most lost answers.
    async fn twice<F, W>(&self, write: F) -> Result<(), Trouble>
    where
        F: Fn() -> W,
        W: Future<Output = Result<(), PhoneSystemError>>,
    {
        match write().await {
            Err(PhoneSystemError::OutcomeUnknown { .. }) => write().await.map_err(trouble),
            other => other.map_err(trouble),
        }
    }
}

fn ending(deleted: Deleted) -> (Outcome, OutcomeKind) {
    match deleted {
        Deleted::Now => (Outcome::Applied, OutcomeKind::Applied),
        Deleted::Earlier => (Outcome::AlreadyDone, OutcomeKind::AlreadyDone),
    }
}

/// Whether the PBX said no to this very write.
fn is_refusal(error: &PhoneSystemError) -> bool {
    matches!(
        error,
        PhoneSystemError::Invalid { .. }
            | PhoneSystemError::Conflict { .. }
            | PhoneSystemError::CapacityReached
            | PhoneSystemError::NotFound
            | PhoneSystemError::NotInThisFirmware { .. }
    )
}

fn undone(sentence: &str) -> Trouble {
    failed(Reason::PbxUnavailable, sentence.to_owned(), true)
}

fn failed(reason: Reason, sentence: String, retry: bool) -> Trouble {
    Trouble::Failed(Failure {
        reason,
        sentence,
        retry,
    })
}

/// A conflict over a phonebook is one over its name.
fn book_trouble(error: PhoneSystemError) -> Trouble {
    match error {
        PhoneSystemError::Conflict { .. } => failed(Reason::NameTaken, error.to_string(), true),
        other => trouble(other),
    }
}

/// Which errors concern one object and which end the run.
fn trouble(error: PhoneSystemError) -> Trouble {
    let sentence = error.to_string();
    match error {
        PhoneSystemError::Shut { .. } => Trouble::Stop(StopCause::Shut(error)),
        PhoneSystemError::Invalid { .. } => failed(Reason::FieldInvalid, sentence, false),
        PhoneSystemError::CapacityReached => failed(Reason::CapacityReached, sentence, false),
        PhoneSystemError::NotFound => failed(Reason::DeletedOnPbx, sentence, true),
        PhoneSystemError::Conflict { .. } => failed(Reason::RefusedByPbx, sentence, true),
        PhoneSystemError::NotInThisFirmware { .. }
        | PhoneSystemError::SwitchedOff { .. }
        | PhoneSystemError::Unexpected { .. } => failed(Reason::RefusedByPbx, sentence, false),
        PhoneSystemError::OutcomeUnknown { .. } | PhoneSystemError::Unavailable { .. } => {
            failed(Reason::PbxUnavailable, sentence, true)
        }
    }
}
