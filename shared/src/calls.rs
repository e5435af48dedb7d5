//! How many calls a piece of work made of Microsoft Graph and of the PBX. Whoever wants to know counts around the work; the
//! clients count wherever they send, and know of nobody. Counts are of one task, so work side by side is not mixed up.

use std::cell::Cell;

tokio::task_local! {
    static COUNTED: Cell<Calls>;
}

/// Counts of one piece of work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Calls {
    /// Requests to Microsoft Graph, each try of its own.
    pub graph: u64,
    /// Answered by 429: requests, and parts of batches.
    pub graph_throttled: u64,
    /// Calls of the PBX, each try of its own.
    pub pbx: u64,
    /// Of those: refused because it was busy.
    pub pbx_throttled: u64,
}

/// Does `work` and counts its calls; see [`so_far`].
pub async fn counted<F: Future>(work: F) -> F::Output {
    COUNTED.scope(Cell::default(), work).await
}

/// Calls of the counted work in which this is asked; none outside of any.
pub fn so_far() -> Calls {
    COUNTED.try_with(Cell::get).unwrap_or_default()
}

/// A request to Graph was sent.
pub(crate) fn graph() {
    note(|calls| calls.graph += 1);
}

/// Graph asked for patience.
pub(crate) fn graph_throttled() {
    note(|calls| calls.graph_throttled += 1);
}

/// A call of the PBX was sent.
pub(crate) fn pbx() {
    note(|calls| calls.pbx += 1);
}

/// The PBX was busy.
pub(crate) fn pbx_throttled() {
    note(|calls| calls.pbx_throttled += 1);
}

fn note(change: impl FnOnce(&mut Calls)) {
    // Work that nobody counts is not counted.
    let _ = COUNTED.try_with(|counted| {
        let mut calls = counted.get();
        change(&mut calls);
        counted.set(calls);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn works_side_by_side_are_counted_apart() {
        let one = counted(async {
            graph();
            tokio::task::yield_now().await;
            graph_throttled();
            so_far()
        });
        let other = counted(async {
            pbx();
            tokio::task::yield_now().await;
            pbx_throttled();
            pbx();
            so_far()
        });
        let (one, other) = tokio::join!(one, other);
        let wanted = Calls {
            graph: 1,
            graph_throttled: 1,
            ..Calls::default()
        };
        assert_eq!(one, wanted);
        assert_eq!((other.pbx, other.pbx_throttled, other.graph), (2, 1, 0));
    }

    #[tokio::test]
    async fn work_that_nobody_counts_is_not_counted() {
        graph();
        assert_eq!(so_far(), Calls::default());
    }
}
