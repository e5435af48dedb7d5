//! Carries out one operation on a group: the intent before the call, the members read back after it, the binding last. May
//! be cut between any two lines; planning again recognises what was done.

use std::collections::BTreeSet;

use async_trait::async_trait;

use crate::domain::group_binding::{BoundGroup, GroupBinding, GroupStage};
use crate::domain::ids::{ExtensionId, PbxGroupId, SyncRunId};
use crate::domain::operation_record::{OutcomeKind, Reason};
use crate::domain::pbx_group::{GroupDigest, GroupPatch, GroupValues, PbxGroup};
use crate::domain::settings::GroupTarget;
use crate::plan::groups::operation::{GroupChange, GroupOperation};
use crate::ports::{Clock, Deleted, PhoneGroups, PhoneSystemError};
use crate::store::{Lease, Store, StoreError};
use crate::sync_run::effect::{Trouble, failed, trouble};
use crate::sync_run::execute::{Operate as _, Perform};
use crate::sync_run::outcome::{Outcome, Stamp};

/// Where effects go.
pub(super) struct GroupHands<'a> {
    pub store: &'a Store,
    pub pbx: &'a dyn PhoneGroups,
    pub clock: &'a dyn Clock,
    pub lease: &'a Lease,
    pub run: SyncRunId,
    /// Every extension of ours: among them a department's members are looked for.
    pub people: BTreeSet<ExtensionId>,
}

type Done = Result<Outcome, Trouble>;

#[async_trait]
impl Perform<GroupOperation> for GroupHands<'_> {
    async fn perform(&self, operation: &GroupOperation) -> Done {
        match &operation.change {
            GroupChange::Create { after } => self.create(operation, after).await,
            GroupChange::Update { bound, before, after } => {
                let patch = GroupPatch {
                    before: before.clone(),
                    after: after.clone(),
                };
                self.write(operation, &patch).await?;
                self.read_back(operation, bound, after).await
            }
            GroupChange::Note { bound, values } => {
                let bound = self.written(bound, values);
                self.confirm(operation, bound, OutcomeKind::AlreadyDone).await?;
                Ok(Outcome::AlreadyDone)
            }
            GroupChange::Release { .. } => {
                self.forget(operation, OutcomeKind::Applied).await?;
                Ok(Outcome::Applied)
            }
            GroupChange::Delete { id } => self.delete(operation, *id).await,
        }
    }

    fn stamp(&self) -> Stamp {
        Stamp {
            at: self.clock.now(),
            run: self.run,
        }
    }
}

impl GroupHands<'_> {
    fn binding(operation: &GroupOperation, stage: GroupStage) -> GroupBinding {
        GroupBinding {
            group: operation.group,
            target: operation.target,
            name: operation.name.clone(),
            stage,
        }
    }

    fn intent(&self, operation: &GroupOperation) -> GroupBinding {
        Self::binding(operation, GroupStage::Intended { at: self.clock.now() })
    }

    fn written(&self, bound: &BoundGroup, values: &GroupValues) -> BoundGroup {
        BoundGroup {
            written: GroupDigest::of(values),
            written_at: self.clock.now(),
            ..bound.clone()
        }
    }

    async fn confirm(
        &self,
        operation: &GroupOperation,
        bound: BoundGroup,
        outcome: OutcomeKind,
    ) -> Result<(), StoreError> {
        let mut line = operation.record(outcome, self.stamp());
        line.target_id = Some(bound.id.to_string());
        let binding = Self::binding(operation, GroupStage::Bound(bound));
        self.store
            .put_group_binding(self.lease, &binding, Some(&line))
            .await
    }

    async fn forget(&self, operation: &GroupOperation, outcome: OutcomeKind) -> Result<(), StoreError> {
        let line = operation.record(outcome, self.stamp());
        self.store
            .forget_group(self.lease, &self.intent(operation), Some(&line))
            .await
    }

    async fn create(&self, operation: &GroupOperation, after: &GroupValues) -> Done {
        let intent = self.intent(operation);
        self.store.put_group_binding(self.lease, &intent, None).await?;
        let id = match self.pbx.create_group(operation.target, after).await {
            Ok(id) => id,
            Err(error) => self.after_failed_create(operation, &intent, error).await?,
        };
        let now = self.clock.now();
        let bound = BoundGroup {
            id,
            written: GroupDigest::of(after),
            bound_at: now,
            written_at: now,
        };
        if operation.target == GroupTarget::Organization && !after.members.is_empty() {
            // A department is made empty; who belongs to it is written on the extensions.
            let empty = PbxGroup {
                id,
                name: after.name.clone(),
                everyone: false,
                members: std::collections::BTreeMap::new(),
            };
            let patch = GroupPatch {
                before: empty,
                after: after.clone(),
            };
            self.write(operation, &patch).await?;
        }
        self.read_back(operation, &bound, after).await
    }

    /// Looks before anything is repeated: an answer may have been lost though the group was made. Nothing had the name when
    /// this was planned.
    async fn after_failed_create(
        &self,
        operation: &GroupOperation,
        intent: &GroupBinding,
        error: PhoneSystemError,
    ) -> Result<PbxGroupId, Trouble> {
        match error {
            PhoneSystemError::OutcomeUnknown { .. } => {
                let rows = self
                    .pbx
                    .list_groups(operation.target)
                    .await
                    .map_err(group_trouble)?;
                let made = rows.iter().find(|row| row.beside && row.name == operation.name);
                made.map(|row| row.id).ok_or_else(|| {
                    let sentence = "the PBX did not make the group".to_owned();
                    failed(Reason::PbxUnavailable, sentence, true)
                })
            }
            PhoneSystemError::Conflict { .. }
            | PhoneSystemError::CapacityReached
            | PhoneSystemError::Invalid { .. } => {
                self.store.forget_group(self.lease, intent, None).await?;
                Err(group_trouble(error))
            }
            // The intent stays: the next run looks for the group, and makes it if it is not there.
            other => Err(group_trouble(other)),
        }
    }

    async fn write(&self, operation: &GroupOperation, patch: &GroupPatch) -> Result<(), Trouble> {
        match self.pbx.update_group(operation.target, patch).await {
            // Writing the same values again is harmless, so one repeat settles most lost answers.
            Err(PhoneSystemError::OutcomeUnknown { .. }) => self
                .pbx
                .update_group(operation.target, patch)
                .await
                .map_err(group_trouble),
            other => other.map_err(group_trouble),
        }
    }

    /// What the PBX made of it: firmware differs in how members are written, and in whether groups are renamed.
    async fn read_back(&self, operation: &GroupOperation, bound: &BoundGroup, after: &GroupValues) -> Done {
        let found = self
            .pbx
            .group_details(operation.target, &[bound.id].into(), &self.people)
            .await
            .map_err(group_trouble)?
            .remove(&bound.id);
        let Some(found) = found else {
            let sentence = "the group is not there any more".to_owned();
            return Err(failed(Reason::DeletedOnPbx, sentence, true));
        };
        if found.is(after) {
            let bound = self.written(bound, after);
            self.confirm(operation, bound, OutcomeKind::Applied).await?;
            return Ok(Outcome::Applied);
        }
        // It is ours all the same, as it is.
        let as_it_is = GroupBinding {
            name: found.name.clone(),
            ..Self::binding(operation, GroupStage::Bound(self.written(bound, &found.values())))
        };
        self.store.put_group_binding(self.lease, &as_it_is, None).await?;
        Err(difference(&found, after))
    }

    async fn delete(&self, operation: &GroupOperation, id: Option<PbxGroupId>) -> Done {
        let Some(id) = id else {
            self.forget(operation, OutcomeKind::AlreadyDone).await?;
            return Ok(Outcome::AlreadyDone);
        };
        let deleted = match self.pbx.delete_group(operation.target, id).await {
            Err(PhoneSystemError::OutcomeUnknown { .. }) => self.look_after_delete(operation, id).await?,
            other => other.map_err(group_trouble)?,
        };
        let (outcome, kind) = match deleted {
            Deleted::Now => (Outcome::Applied, OutcomeKind::Applied),
            Deleted::Earlier => (Outcome::AlreadyDone, OutcomeKind::AlreadyDone),
        };
        self.forget(operation, kind).await?;
        Ok(outcome)
    }

    async fn look_after_delete(
        &self,
        operation: &GroupOperation,
        id: PbxGroupId,
    ) -> Result<Deleted, Trouble> {
        let rows = self
            .pbx
            .list_groups(operation.target)
            .await
            .map_err(group_trouble)?;
        if rows.iter().any(|row| row.id == id) {
            let sentence = "the PBX did not delete the group".to_owned();
            return Err(failed(Reason::PbxUnavailable, sentence, true));
        }
        Ok(Deleted::Now)
    }
}

fn difference(found: &PbxGroup, after: &GroupValues) -> Trouble {
    if !found.has_members(&after.members) {
        let sentence = format!(
            "{} members were written, the PBX lists {}",
            after.members.len(),
            found.members.len()
        );
        return failed(Reason::MembersNotKept, sentence, false);
    }
    let sentence = "rename the group in the PBX's portal, and it is in step again".to_owned();
    failed(Reason::RenameUnsupported, sentence, false)
}

/// Which errors concern one group and which end the run.
fn group_trouble(error: PhoneSystemError) -> Trouble {
    let sentence = error.to_string();
    match error {
        PhoneSystemError::Conflict { .. } => failed(Reason::NameTaken, sentence, true),
        PhoneSystemError::Invalid { .. } => failed(Reason::FieldInvalid, sentence, false),
        other => trouble(other),
    }
}
