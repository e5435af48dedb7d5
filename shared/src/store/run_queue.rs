//! The one place in the queue of a connection: a run that waits for the running one to end. A further request joins the
//! one that waits, if it asks for the same thing.

use jiff::Timestamp;

use super::error::StoreError;
use super::item::nanos;
use super::patience::Patience;
use super::state_row::{Change, StateRow};
use super::{Lease, Store};
use crate::domain::ids::SyncRunId;
use crate::domain::sync_run::{RunMode, SyncRun};

impl Store {
    /// Queues a run, due now, and returns its id; where one waits already, that one's, which becomes full if this one is.
    /// [`StoreError::Conflict`]: the one that waits is a dry run or for one person, and this is not, or the reverse.
    pub async fn request_run(&self, run: &SyncRun, now: Timestamp) -> Result<SyncRunId, StoreError> {
        const DOING: &str = "queueing a run";
        let mut patience = Patience::default();
        loop {
            let state = self.state_row(run.connection, DOING).await?;
            let state = state.ok_or(StoreError::Missing { doing: DOING })?;
            if let Some(id) = self.try_to_queue(run, state, now, DOING).await? {
                return Ok(id);
            }
            if !patience.wait(self).await {
                return Err(StoreError::Conflict { doing: DOING });
            }
        }
    }

    /// `None` when somebody else changed the work state meanwhile.
    async fn try_to_queue(
        &self,
        run: &SyncRun,
        mut state: StateRow,
        now: Timestamp,
        doing: &'static str,
    ) -> Result<Option<SyncRunId>, StoreError> {
        // A run whose removals were approved comes a second time under its own id.
        let over = state.last_run.filter(|_| run.held.is_none());
        if [state.waiting_run, state.running_run, over].contains(&Some(run.id)) {
            return Ok(Some(run.id));
        }
        let joined = match state.waiting_run {
            // One that was called off while it waited has nothing to be joined.
            Some(waiting) => self
                .run(run.connection, waiting)
                .await?
                .filter(|waiting| !waiting.state.is_final() && !waiting.cancel_requested),
            None => None,
        };
        let queued = match joined {
            Some(waiting) => join(waiting, run, doing)?,
            None => Some(run.clone()),
        };
        let Some(queued) = queued else {
            return Ok(state.waiting_run);
        };
        state.waiting_run = Some(queued.id);
        state.asked_at = Some(nanos(now));
        let write = self.run_in(&queued)?;
        let written = self
            .write_state(run.connection, state, vec![write], doing)
            .await?;
        Ok(written.then_some(queued.id))
    }

    /// The run that waits becomes the running one. The same holder asking again gets the run it already took.
    pub async fn take_waiting_run(&self, lease: &Lease) -> Result<Option<SyncRun>, StoreError> {
        const DOING: &str = "taking the run that waits";
        let taken = self.change_state(lease.connection, DOING, |state| {
            if !state.is_held_by(&lease.owner, lease.fence) {
                return Change::Keep(Err(StoreError::Conflict { doing: DOING }));
            }
            if state.running_fence == Some(lease.fence) && state.running_run.is_some() {
                return Change::Keep(Ok(state.running_run));
            }
            let Some(waiting) = state.waiting_run.take() else {
                return Change::Keep(Ok(None));
            };
            state.running_run = Some(waiting);
            state.running_fence = Some(lease.fence);
            Change::Write(Ok(Some(waiting)))
        });
        match taken.await?.transpose()?.flatten() {
            Some(id) => self.run(lease.connection, id).await,
            None => Ok(None),
        }
    }

    /// Stores a run that nobody queued and makes it the running one.
    pub async fn start_run(&self, lease: &Lease, run: &SyncRun) -> Result<(), StoreError> {
        const DOING: &str = "starting a run";
        let mut patience = Patience::default();
        loop {
            let state = self.state_row(lease.connection, DOING).await?;
            let mut state = state.ok_or(StoreError::Missing { doing: DOING })?;
            if !state.is_held_by(&lease.owner, lease.fence) {
                return Err(StoreError::Conflict { doing: DOING });
            }
            state.running_run = Some(run.id);
            state.running_fence = Some(lease.fence);
            // What started it may ask for nothing any more, and if its worker dies it is to go on.
            state.asked_at.get_or_insert(nanos(run.requested_at));
            let write = self.run_in(run)?;
            if self
                .write_state(lease.connection, state, vec![write], DOING)
                .await?
            {
                return Ok(());
            }
            if !patience.wait(self).await {
                return Err(StoreError::Conflict { doing: DOING });
            }
        }
    }
}

/// The waiting run as it is to be written to serve both; `None` if it serves both already.
fn join(mut waiting: SyncRun, asked: &SyncRun, doing: &'static str) -> Result<Option<SyncRun>, StoreError> {
    let (a, b) = (&waiting.request, &asked.request);
    if a.dry_run != b.dry_run || a.user != b.user {
        return Err(StoreError::Conflict { doing });
    }
    if a.mode == b.mode || a.mode == RunMode::Full {
        return Ok(None);
    }
    waiting.request.mode = RunMode::Full;
    Ok(Some(waiting))
}
