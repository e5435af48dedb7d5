//! Removals that wait for a person's word: one set over all parts of a run, known by its fingerprint.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::domain::ids::{ConnectionId, SyncRunId};
use crate::domain::operation_record::OperationRecord;
use crate::domain::sync_run::{Held, RunState, SyncPart, SyncRun, Verdict};
use crate::store::{Store, StoreError};

/// Removals of one part that wait.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    /// As a sentence.
    pub because: String,
    /// What they are.
    pub lines: Vec<OperationRecord>,
}

/// Of all parts of a run.
pub(super) type WaitingByPart = BTreeMap<SyncPart, Waiting>;

/// A fingerprint of a set of removals: approval is for exactly this set.
pub(super) fn removals_digest<'a>(lines: impl IntoIterator<Item = &'a OperationRecord>) -> String {
    let removals: BTreeSet<String> = lines.into_iter().map(key).collect();
    hex::encode(Sha256::digest(
        removals.into_iter().collect::<Vec<_>>().join("\n"),
    ))
}

/// What waits, in words and as fingerprints; `None` where nothing does.
pub(super) fn held(waiting: &WaitingByPart, now: Timestamp) -> Option<Held> {
    if waiting.is_empty() {
        return None;
    }
    let sentences: Vec<&str> = waiting.values().map(|part| part.because.as_str()).collect();
    Some(Held {
        because: sentences.join("; "),
        removals: removals_digest(all_lines(waiting)),
        by_part: waiting
            .iter()
            .map(|(part, of_part)| (*part, removals_digest(&of_part.lines)))
            .collect(),
        count: all_lines(waiting).count() as u64,
        since: now,
        verdict: None,
    })
}

/// Removals that a person approved. A run that was cut carries out what is left of them: fewer are covered, others never.
#[derive(Default)]
pub(super) struct Approved(BTreeSet<String>);

impl Approved {
    /// Those of this run; none unless the stored list is the very one that was approved.
    pub async fn of(store: &Store, run: &SyncRun) -> Result<Self, StoreError> {
        let approved = run.held.as_ref();
        let Some(held) = approved.filter(|held| held.verdict == Some(Verdict::Approved)) else {
            return Ok(Self::default());
        };
        let lines = store.held(run.connection, run.id).await?;
        if removals_digest(&lines) != held.removals {
            return Ok(Self::default());
        }
        Ok(Self::these(&lines))
    }

    fn these(lines: &[OperationRecord]) -> Self {
        let with_and_without_target = |line| [key(line), key_of_gone(line)];
        Self(lines.iter().flat_map(with_and_without_target).collect())
    }

    /// Whether all of these were approved.
    pub fn cover(&self, removals: &[OperationRecord]) -> bool {
        !removals.is_empty() && removals.iter().all(|line| self.0.contains(&key(line)))
    }
}

fn key(line: &OperationRecord) -> String {
    let target = line.target_id.as_deref().unwrap_or_default();
    format!("{:?} {:?} {} {target}", line.kind, line.object, line.entra_id)
}

/// The same once the object is gone from the PBX and our record of it alone remains.
fn key_of_gone(line: &OperationRecord) -> String {
    format!("{:?} {:?} {} ", line.kind, line.object, line.entra_id)
}

/// The lines of all parts, in the parts' order.
pub(super) fn all_lines(waiting: &WaitingByPart) -> impl Iterator<Item = &OperationRecord> {
    waiting.values().flat_map(|part| &part.lines)
}

/// A later run holds the removals anew; the older one has nothing left to approve.
pub(super) async fn supersede(
    store: &Store,
    connection: ConnectionId,
    older: SyncRunId,
    newer: SyncRunId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(mut run) = store.run(connection, older).await? else {
        return Ok(());
    };
    if run.state != RunState::Held {
        return Ok(());
    }
    run.state = RunState::Cancelled;
    run.finished_at = Some(now);
    run.error = Some(format!("the run {newer} looked again and holds the removals now"));
    store.put_new_run(&run).await
}
