//! What a running execution shows of itself and hears from people.

use crate::domain::sync_run::SyncRun;
use crate::store::{Lease, Store};

use super::execute::Supervisor;

/// Shows progress and hears of a cancellation.
pub(super) struct Watch<'a> {
    pub store: &'a Store,
    pub lease: &'a Lease,
    pub run: SyncRun,
    /// Operations done in earlier parts of the run.
    pub before: u64,
}

#[async_trait::async_trait]
impl Supervisor for Watch<'_> {
    async fn cancelled(&self) -> bool {
        match self
            .store
            .cancel_requested(self.run.connection, self.run.id)
            .await
        {
            Ok(requested) => requested,
            Err(error) => {
                tracing::warn!(sync_run.id = %self.run.id, error = %error, "whether to stop could not be read");
                false
            }
        }
    }

    async fn progress(&self, done: u64) {
        let mut run = self.run.clone();
        run.progress.done = self.before + done;
        if let Err(error) = self.store.put_run(&run, self.lease).await {
            tracing::warn!(sync_run.id = %run.id, error = %error, "the progress could not be written");
        }
    }
}
