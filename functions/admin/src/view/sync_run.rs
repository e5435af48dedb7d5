//! A sync run as it is shown.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use shared::domain::ids::{EntraUserId, SyncRunId};
use shared::domain::operation_record::ObjectKind;
use shared::domain::sync_run::{Counts, Progress, RunMode, RunState, SyncRun, Trigger};

/// A sync run.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SyncRunView {
    id: SyncRunId,
    trigger: Trigger,
    mode: RunMode,
    dry_run: bool,
    /// Of a run for one person alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<EntraUserId>,
    state: RunState,
    progress: Progress,
    /// All objects together.
    counts: Counts,
    /// The same, split by kind of object.
    counts_by_object: BTreeMap<ObjectKind, Counts>,
    /// Why removals wait, or waited, for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    held_because: Option<String>,
    /// How many removals wait, or waited.
    #[serde(skip_serializing_if = "Option::is_none")]
    held_count: Option<u64>,
    #[schema(value_type = String, format = DateTime)]
    requested_at: Timestamp,
    /// Null while the run waits for its turn.
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
    /// Why it failed, or which parts of it did and why, to a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl SyncRunView {
    /// Of this run.
    pub fn of(run: &SyncRun) -> Self {
        Self {
            id: run.id,
            trigger: run.request.trigger,
            mode: run.request.mode,
            dry_run: run.request.dry_run,
            user: run.request.user,
            state: run.state,
            progress: run.progress,
            counts: run.counts(),
            counts_by_object: run.counts_by_object.clone(),
            held_because: run.held.as_ref().map(|held| held.because.clone()),
            held_count: run.held.as_ref().map(|held| held.count),
            requested_at: run.requested_at,
            started_at: run.started_at,
            finished_at: run.finished_at,
            error: run.error_sentence(),
        }
    }
}

/// A run that was asked for, or asked to do something.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SyncRunAccepted {
    /// Its id.
    pub id: SyncRunId,
}
