//! Sync runs. What people say about a run (stop it, approve it) lies beside what its worker writes, so that neither
//! overwrites the other.

use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::error::StoreError;
use super::item::{AttributeValue, Row, body, expiry, from_doc, nanos, number, text, to_doc};
use super::keys::{Key, Partition};
use super::paging::{Listing, Page};
use super::write::{Expression, PRESENT, Written};
use super::{Lease, Stale, Store, WorkState};
use crate::domain::ids::{ConnectionId, SyncRunId};
use crate::domain::sync_run::{RunState, SyncRun, Verdict};

/// Runs are read for weeks, not years; what they did to people is kept longer, in the records.
const KEPT_DAYS: i64 = 90;
/// A person approves what they looked at, and that grows old.
const APPROVAL_WINDOW: SignedDuration = SignedDuration::from_hours(24);

#[derive(Deserialize)]
struct RunRow {
    doc: String,
    #[serde(default)]
    cancel_asked: bool,
    verdict: Option<Verdict>,
    /// The set of removals that the verdict is about.
    verdict_for: Option<String>,
}

fn read(row: Row) -> Result<SyncRun, StoreError> {
    let row: RunRow = body(row, "run")?;
    let mut run: SyncRun = from_doc(&row.doc, "run")?;
    run.cancel_requested |= row.cancel_asked;
    if let Some(held) = run.held.as_mut()
        && row.verdict_for.as_deref() == Some(held.removals.as_str())
    {
        held.verdict = row.verdict;
    }
    Ok(run)
}

impl Store {
    /// The write of what its worker knows of a run.
    pub(super) fn run_in(&self, run: &SyncRun) -> Result<TransactWriteItem, StoreError> {
        let (set, remove) = match &run.held {
            Some(held) if run.state == RunState::Held => (
                vec![
                    (":held_for", text(&held.removals)),
                    (":held_since", number(nanos(held.since))),
                ],
                "",
            ),
            _ => (Vec::new(), " REMOVE held_for, held_since"),
        };
        let mut update = "SET doc = :doc, expires_at = :expires_at".to_owned();
        for (name, _) in &set {
            update.extend([", ", name.trim_start_matches(':'), " = ", name]);
        }
        update.push_str(remove);
        let mut update = Expression::new(update)
            .with(":doc", text(to_doc(run)?))
            .with(":expires_at", number(expiry(run.requested_at, KEPT_DAYS)));
        for (name, value) in set {
            update = update.with(name, value);
        }
        Ok(self.update_in(&Key::run(run.connection, run.id), update))
    }

    /// What the worker knows of its run. [`StoreError::Conflict`]: the lease is lost.
    pub async fn put_run(&self, run: &SyncRun, lease: &Lease) -> Result<(), StoreError> {
        const DOING: &str = "storing a run";
        let items = vec![self.lease_check(lease), self.run_in(run)?];
        self.transact(items, DOING)
            .await?
            .map_err(|_| StoreError::Conflict { doing: DOING })
    }

    /// A run that nobody works on yet. Repeating is safe.
    pub async fn put_new_run(&self, run: &SyncRun) -> Result<(), StoreError> {
        const DOING: &str = "storing a fresh run";
        self.transact(vec![self.run_in(run)?], DOING)
            .await?
            .map_err(|_| StoreError::Conflict { doing: DOING })
    }

    /// One run.
    pub async fn run(&self, connection: ConnectionId, run: SyncRunId) -> Result<Option<SyncRun>, StoreError> {
        let row = self.get(&Key::run(connection, run), "reading a run").await?;
        row.map(read).transpose()
    }

    /// The run whose removals wait for a person. The work state names the last that was held; whether it still waits, the
    /// run knows.
    pub async fn waiting_for_approval(
        &self,
        connection: ConnectionId,
        work: &WorkState,
    ) -> Result<Option<SyncRun>, StoreError> {
        let Some(held) = work.held_run else {
            return Ok(None);
        };
        let run = self.run(connection, held).await?;
        Ok(run.filter(|run| run.state == RunState::Held))
    }

    /// Runs, newest first.
    pub async fn runs(
        &self,
        connection: ConnectionId,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<SyncRun>, StoreError> {
        let listing = Listing::of(&Partition::runs(connection)).newest_first();
        self.page(&listing, limit, cursor, "listing runs")
            .await?
            .try_map(read)
    }

    /// Asks a run to stop; `false`: there is none, or it has ended.
    pub async fn request_cancel(&self, connection: ConnectionId, run: SyncRunId) -> Result<bool, StoreError> {
        let Some(stored) = self.run(connection, run).await? else {
            return Ok(false);
        };
        if stored.state.is_final() {
            return Ok(false);
        }
        let update = Expression::new("SET cancel_asked = :yes").with(":yes", AttributeValue::Bool(true));
        let written = self
            .update_if(
                &Key::run(connection, run),
                update,
                Expression::new(PRESENT),
                "stopping a run",
            )
            .await?;
        Ok(matches!(written, Written::Yes))
    }

    /// Whether somebody asked this run to stop.
    pub async fn cancel_requested(
        &self,
        connection: ConnectionId,
        run: SyncRunId,
    ) -> Result<bool, StoreError> {
        let stored = self.run(connection, run).await?;
        Ok(stored.is_some_and(|run| run.cancel_requested))
    }

    /// A person's word on exactly this set of held removals. [`Stale`]: another set is held now, none is, somebody said
    /// the opposite, or it has been held for more than 24 hours and cannot be approved any more.
    pub async fn set_verdict(
        &self,
        connection: ConnectionId,
        run: SyncRunId,
        verdict: Verdict,
        expected_removals: &str,
        now: Timestamp,
    ) -> Result<Result<(), Stale>, StoreError> {
        let oldest = match verdict {
            Verdict::Approved => now.saturating_sub(APPROVAL_WINDOW).map_or(i64::MIN, nanos),
            Verdict::Rejected => i64::MIN,
        };
        let word = text(match verdict {
            Verdict::Approved => "approved",
            Verdict::Rejected => "rejected",
        });
        let condition = Expression::new(
            "held_for = :set AND held_since >= :oldest \
             AND (attribute_not_exists(verdict_for) OR verdict_for <> :set OR verdict = :word)",
        )
        .with(":oldest", number(oldest));
        let update = Expression::new("SET verdict = :word, verdict_for = :set, verdict_at = :now")
            .with(":set", text(expected_removals))
            .with(":word", word)
            .with(":now", number(nanos(now)));
        let written = self
            .update_if(&Key::run(connection, run), update, condition, "storing a verdict")
            .await?;
        Ok(match written {
            Written::Yes => Ok(()),
            Written::Refused(_) => Err(Stale),
        })
    }
}
