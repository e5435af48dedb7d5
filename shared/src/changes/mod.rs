//! Following the directory: notifications and looks name what changed, what matters of it waits in the table, and the run
//! that it makes due reads the news itself. Nothing here is believed as data; a lost notification costs time, not truth.

pub mod attend;
mod look;
pub mod notice;
mod relevance;
mod subscribe;
mod terms;
mod vitals;

use crate::domain::sync_run::Trigger;
use crate::ports::{QueueError, SyncHint, SyncQueue};

pub use attend::{AttendError, Surroundings, attend};
pub use notice::{Inbox, News, Notice, NoticeError, NoticeSink, Taken};
pub use terms::Address;

/// Tells the queue that changes are due.
async fn tell(queue: &dyn SyncQueue, connection: crate::domain::ids::ConnectionId) -> Result<(), QueueError> {
    let hint = SyncHint {
        connection_id: connection,
        trigger: Trigger::Changes,
        run_id: None,
    };
    queue.send(&hint).await
}
