//! Carries out one operation: the intent before the call, the binding after it. May be cut between any two lines;
//! planning again recognises what was done.

use std::time::Duration;

use async_trait::async_trait;

use crate::domain::binding::{Binding, BoundExtension, Stage};
use crate::domain::extension::{Extension, FieldsDigest, FieldsPatch, NewExtension, OwnedFields};
use crate::domain::ids::{EntraUserId, ExtensionId};
use crate::domain::operation_record::{OutcomeKind, Reason};
use crate::plan::operation::{Change, Operation};
use crate::ports::{Clock, Deleted, PhoneSystem, PhoneSystemError};
use crate::store::{Lease, Reserve, Store, StoreError};

use super::execute::Perform;
use super::outcome::{Failure, Outcome, Stamp, record};

/// How long a number that the PBX refused without having an extension for it (a queue, a ring group) is not tried again.
const REFUSED_FOR: Duration = Duration::from_hours(7 * 24);

/// Where effects go.
#[derive(Clone, Copy)]
pub(super) struct Hands<'a> {
    pub store: &'a Store,
    pub pbx: &'a dyn PhoneSystem,
    pub clock: &'a dyn Clock,
    pub lease: &'a Lease,
    pub run: crate::domain::ids::SyncRunId,
}

/// Why an operation did not end well.
pub(super) enum Trouble {
    /// This operation alone.
    Failed(Failure),
    /// Nothing more of this run will work.
    Stop(StopCause),
}

/// What ends a run before its last operation.
#[derive(Debug)]
pub(super) enum StopCause {
    /// The PBX shut us out.
    Shut(PhoneSystemError),
    /// The table does not answer, or another run took over.
    Store(StoreError),
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        match error {
            // About one person; the others have nothing to do with it.
            StoreError::NumberTaken { holder } => number_kept_for(holder),
            error => Self::Stop(StopCause::Store(error)),
        }
    }
}

/// Settled until somebody gives the address up: the next full run looks who has it.
fn address_taken(detail: &str) -> Trouble {
    failed(Reason::DuplicateMail, address_in_use(detail), false)
}

fn address_in_use(detail: &str) -> String {
    format!("the PBX already uses this address: {detail}")
}

/// The same update with the old address: a run over changes alone has not read who else has the new one. Nothing is left
/// of it where the address was all there was.
fn keeping_address(
    operation: &Operation,
    bound: &BoundExtension,
    before: &OwnedFields,
    after: &OwnedFields,
    detail: &str,
) -> Result<(Operation, OwnedFields), Trouble> {
    let kept = OwnedFields {
        email: before.email.clone(),
        ..after.clone()
    };
    if before.differing(&kept).is_empty() {
        return Err(address_taken(detail));
    }
    let mut operation = operation.clone();
    operation.change = Change::Update {
        bound: bound.clone(),
        before: before.clone(),
        after: kept.clone(),
    };
    let note = format!("Email Address was kept: {}", address_in_use(detail));
    operation.notes.push(note);
    Ok((operation, kept))
}

fn number_kept_for(holder: EntraUserId) -> Trouble {
    failed(
        Reason::NumberTaken,
        format!("the number is kept for {holder}"),
        true,
    )
}

type Done = Result<Outcome, Trouble>;

#[async_trait]
impl Perform<Operation> for Hands<'_> {
    async fn perform(&self, operation: &Operation) -> Done {
        match &operation.change {
            Change::Create { fields } => self.create(operation, fields).await,
            Change::Bind {
                extension,
                before,
                after,
            } => self.bind(operation, *extension, before, after).await,
            Change::Update { bound, before, after } => self.update(operation, bound, before, after).await,
            Change::Note { bound, fields } => self.note(operation, bound, fields).await,
            Change::MarkLeaving { bound, cause } => {
                let since = self.clock.now();
                let stage = Stage::Leaving {
                    bound: bound.clone(),
                    since,
                    cause: *cause,
                };
                self.confirm(operation, stage, OutcomeKind::Applied).await?;
                Ok(Outcome::Applied)
            }
            Change::Release { .. } => {
                self.forget(operation, OutcomeKind::Applied).await?;
                Ok(Outcome::Applied)
            }
            Change::Delete { extension, .. } => self.delete(operation, *extension).await,
        }
    }

    fn stamp(&self) -> Stamp {
        Stamp {
            at: self.clock.now(),
            run: self.run,
        }
    }
}

impl Hands<'_> {
    fn binding(operation: &Operation, stage: Stage) -> Binding {
        Binding {
            user: operation.user,
            number: operation.number.clone(),
            name: operation.name.clone(),
            stage,
        }
    }

    async fn confirm(
        &self,
        operation: &Operation,
        stage: Stage,
        outcome: OutcomeKind,
    ) -> Result<(), StoreError> {
        let binding = Self::binding(operation, stage);
        let mut line = record(operation, outcome, self.stamp());
        // What was just made has an id that the operation could not know.
        let made = || Some(binding.bound()?.extension.to_string());
        line.target_id = line.target_id.or_else(made);
        self.store.confirm(self.lease, &binding, &line).await
    }

    async fn forget(&self, operation: &Operation, outcome: OutcomeKind) -> Result<(), StoreError> {
        let line = record(operation, outcome, self.stamp());
        let stage = Stage::Intended {
            at: self.clock.now(),
            wanted: FieldsDigest::of(&OwnedFields::default()),
        };
        self.store
            .forget(self.lease, &Self::binding(operation, stage), &line)
            .await
    }

    fn newly_bound(&self, extension: ExtensionId, fields: &OwnedFields) -> BoundExtension {
        let now = self.clock.now();
        BoundExtension {
            extension,
            written: FieldsDigest::of(fields),
            bound_at: now,
            written_at: now,
        }
    }

    async fn create(&self, operation: &Operation, fields: &OwnedFields) -> Done {
        let stage = Stage::Intended {
            at: self.clock.now(),
            wanted: FieldsDigest::of(fields),
        };
        let intent = Self::binding(operation, stage);
        if let Reserve::NumberTaken(owner) = self.store.reserve(self.lease, &intent).await? {
            return Err(number_kept_for(owner));
        }
        let wanted = NewExtension {
            number: operation.number.clone(),
            fields: fields.clone(),
        };
        let extension = match self.pbx.create_extension(&wanted).await {
            Ok(id) => id,
            Err(error) => {
                self.after_failed_create(operation, &intent, &wanted, error)
                    .await?
            }
        };
        self.welcome(operation, extension).await;
        let bound = self.newly_bound(extension, fields);
        self.confirm(operation, Stage::Bound(bound), OutcomeKind::Applied)
            .await?;
        Ok(Outcome::Applied)
    }

    /// Looks before anything is repeated: an answer may have been lost though the extension was made.
    async fn after_failed_create(
        &self,
        operation: &Operation,
        intent: &Binding,
        wanted: &NewExtension,
        error: PhoneSystemError,
    ) -> Result<ExtensionId, Trouble> {
        match error {
            PhoneSystemError::OutcomeUnknown { .. } => {
                match self.pbx.lookup_extension(&wanted.number).await {
                    Ok(Some(found)) if is_wanted(&found, wanted) => Ok(found.id),
                    Ok(_) => Err(failed(
                        Reason::PbxUnavailable,
                        "the PBX did not make the extension".to_owned(),
                        true,
                    )),
                    Err(error) => Err(trouble(error)),
                }
            }
            PhoneSystemError::Conflict { detail } => {
                self.store.cancel_intent(self.lease, intent).await?;
                Err(self.after_conflict(operation, &detail).await?)
            }
            PhoneSystemError::CapacityReached | PhoneSystemError::Invalid { .. } => {
                self.store.cancel_intent(self.lease, intent).await?;
                Err(trouble(error))
            }
            // The intent stays: the next run makes the extension with the number kept for it.
            other => Err(trouble(other)),
        }
    }

    /// The addresses were compared before; what is left is a number that something else than an extension has.
    async fn after_conflict(&self, operation: &Operation, detail: &str) -> Result<Trouble, Trouble> {
        if detail.contains("email") {
            return Ok(address_taken(detail));
        }
        let until = self.clock.now() + REFUSED_FOR;
        self.store
            .add_refused_number(self.lease.connection, &operation.number, until)
            .await?;
        let sentence = format!(
            "the PBX already uses the number {} for something else: {detail}",
            operation.number
        );
        Ok(failed(Reason::NumberTaken, sentence, true))
    }

    async fn welcome(&self, operation: &Operation, extension: ExtensionId) {
        if !operation.welcome {
            return;
        }
        // The extension works without the mail; its failing must not undo or repeat the create.
        if let Err(error) = self.pbx.send_welcome_mail(&[extension]).await {
            tracing::warn!(extension.number = %operation.number, error = %error, "the welcome mail was not sent");
        }
    }

    async fn bind(
        &self,
        operation: &Operation,
        extension: ExtensionId,
        before: &OwnedFields,
        after: &OwnedFields,
    ) -> Done {
        self.write_fields(extension, before, after)
            .await
            .map_err(trouble)?;
        let stage = Stage::Bound(self.newly_bound(extension, after));
        self.confirm(operation, stage, OutcomeKind::Applied).await?;
        Ok(Outcome::Applied)
    }

    async fn update(
        &self,
        operation: &Operation,
        bound: &BoundExtension,
        before: &OwnedFields,
        after: &OwnedFields,
    ) -> Done {
        match self.write_fields(bound.extension, before, after).await {
            Err(PhoneSystemError::Conflict { detail })
                if !before.email.eq_ignore_ascii_case(&after.email) =>
            {
                let (operation, kept) = keeping_address(operation, bound, before, after, &detail)?;
                Box::pin(self.update(&operation, bound, before, &kept)).await
            }
            Err(error) => Err(trouble(error)),
            Ok(()) => self.updated(operation, bound, after).await,
        }
    }

    async fn updated(&self, operation: &Operation, bound: &BoundExtension, after: &OwnedFields) -> Done {
        self.welcome(operation, bound.extension).await;
        let written = FieldsDigest::of(after);
        let stage = Stage::Bound(BoundExtension {
            written,
            written_at: self.clock.now(),
            ..bound.clone()
        });
        self.confirm(operation, stage, OutcomeKind::Applied).await?;
        Ok(Outcome::Applied)
    }

    async fn note(&self, operation: &Operation, bound: &BoundExtension, fields: &OwnedFields) -> Done {
        self.welcome(operation, bound.extension).await;
        let stage = Stage::Bound(BoundExtension {
            written: FieldsDigest::of(fields),
            ..bound.clone()
        });
        self.confirm(operation, stage, OutcomeKind::AlreadyDone).await?;
        Ok(Outcome::AlreadyDone)
    }

    async fn write_fields(
        &self,
        id: ExtensionId,
        before: &OwnedFields,
        after: &OwnedFields,
    ) -> Result<(), PhoneSystemError> {
        let patch = FieldsPatch {
            after: after.clone(),
            fields: before.differing(after),
        };
        if patch.fields.is_empty() {
            return Ok(());
        }
        match self.pbx.update_extension(id, &patch).await {
            // Writing the same values again is harmless, so one repeat settles most lost answers.
            Err(PhoneSystemError::OutcomeUnknown { .. }) => self.pbx.update_extension(id, &patch).await,
            other => other,
        }
    }

    async fn delete(&self, operation: &Operation, extension: Option<ExtensionId>) -> Done {
        let Some(extension) = extension else {
            self.forget(operation, OutcomeKind::AlreadyDone).await?;
            return Ok(Outcome::AlreadyDone);
        };
        let deleted = match self.pbx.delete_extension(extension).await {
            Err(PhoneSystemError::OutcomeUnknown { .. }) => self.look_after_delete(extension).await?,
            other => other.map_err(trouble)?,
        };
        let (outcome, kind) = match deleted {
            Deleted::Now => (Outcome::Applied, OutcomeKind::Applied),
            Deleted::Earlier => (Outcome::AlreadyDone, OutcomeKind::AlreadyDone),
        };
        self.forget(operation, kind).await?;
        Ok(outcome)
    }

    async fn look_after_delete(&self, extension: ExtensionId) -> Result<Deleted, Trouble> {
        let found = self
            .pbx
            .extension_details(&[extension].into())
            .await
            .map_err(trouble)?;
        if found.is_empty() {
            return Ok(Deleted::Now);
        }
        Err(failed(
            Reason::PbxUnavailable,
            "the PBX did not delete the extension".to_owned(),
            true,
        ))
    }
}

fn is_wanted(found: &Extension, wanted: &NewExtension) -> bool {
    FieldsDigest::of(&found.fields) == FieldsDigest::of(&wanted.fields)
        || (!wanted.fields.email.is_empty() && found.fields.email.eq_ignore_ascii_case(&wanted.fields.email))
}

pub(super) fn failed(reason: Reason, sentence: String, retry: bool) -> Trouble {
    Trouble::Failed(Failure {
        reason,
        sentence,
        retry,
    })
}

/// Which errors concern one object and which end the run.
pub(super) fn trouble(error: PhoneSystemError) -> Trouble {
    let sentence = error.to_string();
    match error {
        PhoneSystemError::Shut { .. } => Trouble::Stop(StopCause::Shut(error)),
        PhoneSystemError::Invalid { ref field, .. } => {
            let reason = if field == "number" {
                Reason::NumberInvalid
            } else {
                Reason::FieldInvalid
            };
            failed(reason, sentence, false)
        }
        PhoneSystemError::Conflict { .. } => failed(Reason::DuplicateMail, sentence, true),
        PhoneSystemError::CapacityReached => failed(Reason::CapacityReached, sentence, false),
        PhoneSystemError::NotFound => failed(Reason::DeletedOnPbx, sentence, true),
        PhoneSystemError::NotInThisFirmware { .. }
        | PhoneSystemError::SwitchedOff { .. }
        | PhoneSystemError::Unexpected { .. } => failed(Reason::RefusedByPbx, sentence, false),
        PhoneSystemError::OutcomeUnknown { .. } | PhoneSystemError::Unavailable { .. } => {
            failed(Reason::PbxUnavailable, sentence, true)
        }
    }
}
