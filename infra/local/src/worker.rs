//! Follows the hints of an in-process queue. One thing per connection at a time, several connections side by side: a
//! connection whose PBX is slow holds up nobody but itself.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;

use shared::domain::ids::ConnectionId;
use shared::queue::{Hint, InProcessQueue};
use tokio::sync::watch;
use tokio::task::{Id, JoinSet};

/// Connections served at once. A run mostly waits for its PBX, so this is bounded by memory alone: a run over 100,000 people
/// takes up to 256 MiB, an ordinary one a hundredth of that.
const SIDE_BY_SIDE: usize = 16;

/// Follows hints until `stopping` says so, then waits for the runs under way.
pub async fn work<H, F, R>(queue: Arc<InProcessQueue<H>>, follow: R, mut stopping: watch::Receiver<bool>)
where
    H: Hint,
    R: Fn(H) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let mut running = JoinSet::new();
    let mut busy: BTreeMap<Id, ConnectionId> = BTreeMap::new();
    loop {
        let taken: BTreeSet<ConnectionId> = busy.values().copied().collect();
        tokio::select! {
            // Whoever made the sender is gone: that is a stop, too.
            _ = stopping.wait_for(|stop| *stop) => break,
            Some(ended) = running.join_next_with_id(), if !running.is_empty() => forget(&mut busy, &ended),
            hint = queue.take(&taken), if busy.len() < SIDE_BY_SIDE => {
                let connection = hint.connection();
                let task = running.spawn(follow(hint));
                busy.insert(task.id(), connection);
            }
        }
    }
    while let Some(ended) = running.join_next_with_id().await {
        forget(&mut busy, &ended);
    }
}

fn forget(busy: &mut BTreeMap<Id, ConnectionId>, ended: &Result<(Id, ()), tokio::task::JoinError>) {
    let id = match ended {
        Ok((id, ())) => *id,
        Err(error) => error.id(),
    };
    let connection = busy.remove(&id);
    if ended.is_err() {
        let connection = connection.map(|id| id.to_string());
        tracing::error!(connection.id = connection, "it panicked; what is due stays due");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use shared::domain::sync_run::Trigger;
    use shared::ports::{SyncHint, SyncQueue};
    use tokio::sync::Notify;

    use super::*;

    fn hint(text: &str, trigger: Trigger) -> SyncHint {
        SyncHint {
            connection_id: ConnectionId::parse(text).unwrap(),
            trigger,
            run_id: None,
        }
    }

    const SICK: &str = "00000000-0000-4000-8000-000000000001";
    const WELL: &str = "00000000-0000-4000-8000-000000000002";

    #[tokio::test]
    async fn a_sick_connection_holds_up_itself_alone_and_a_stop_lets_it_finish() {
        let queue = Arc::new(InProcessQueue::default());
        let (stop, stopping) = watch::channel(false);
        let (done, cured, progress) = (
            Arc::new(Mutex::new(Vec::new())),
            Arc::new(Notify::new()),
            Arc::new(Notify::new()),
        );
        let follow = {
            let (done, cured, progress) = (Arc::clone(&done), Arc::clone(&cured), Arc::clone(&progress));
            move |hint: SyncHint| {
                let (done, cured, progress) = (Arc::clone(&done), Arc::clone(&cured), Arc::clone(&progress));
                async move {
                    if hint.connection_id.to_string() == SICK {
                        cured.notified().await;
                    }
                    done.lock()
                        .unwrap()
                        .push((hint.connection_id.to_string(), hint.trigger));
                    progress.notify_one();
                }
            }
        };
        let worker = tokio::spawn(work(Arc::clone(&queue), follow, stopping));
        queue.send(&hint(SICK, Trigger::Scheduled)).await.unwrap();
        queue.send(&hint(WELL, Trigger::Scheduled)).await.unwrap();
        progress.notified().await;
        queue.send(&hint(WELL, Trigger::Manual)).await.unwrap();
        progress.notified().await;
        stop.send_replace(true);
        cured.notify_one();
        worker.await.unwrap();
        let done = done.lock().unwrap().clone();
        let wanted = [
            (WELL, Trigger::Scheduled),
            (WELL, Trigger::Manual),
            (SICK, Trigger::Scheduled),
        ];
        assert_eq!(done, wanted.map(|(id, trigger)| (id.to_owned(), trigger)));
    }

    #[tokio::test]
    async fn a_run_that_panics_frees_its_connection() {
        let queue = Arc::new(InProcessQueue::default());
        let (stop, stopping) = watch::channel(false);
        let second = Arc::new(Notify::new());
        let follow = {
            let second = Arc::clone(&second);
            move |hint: SyncHint| {
                let second = Arc::clone(&second);
                async move {
                    assert_ne!(hint.trigger, Trigger::Scheduled, "a scripted panic");
                    second.notify_one();
                }
            }
        };
        let worker = tokio::spawn(work(Arc::clone(&queue), follow, stopping));
        queue.send(&hint(SICK, Trigger::Scheduled)).await.unwrap();
        tokio::task::yield_now().await;
        queue.send(&hint(SICK, Trigger::Manual)).await.unwrap();
        second.notified().await;
        stop.send_replace(true);
        worker.await.unwrap();
    }
}
