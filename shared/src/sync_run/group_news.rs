//! What the directory says of groups since the last run: asked for once a run, whichever part wants to know first.

use std::collections::BTreeSet;

use tokio::sync::OnceCell;

use super::collect::known;
use crate::domain::ids::EntraGroupId;
use crate::ports::{Cursor, Directory, DirectoryError};

/// News of groups, and where reading them goes on once a run has carried out what they led to.
#[derive(Default)]
pub(super) struct GroupNews {
    heard: OnceCell<Option<Heard>>,
    begun: OnceCell<Cursor>,
}

struct Heard {
    groups: BTreeSet<EntraGroupId>,
    next: Cursor,
}

impl GroupNews {
    /// The groups whose name or direct members changed since `cursor`; `None` where the directory no longer knows.
    pub async fn since(
        &self,
        cursor: Cursor,
        directory: &dyn Directory,
    ) -> Result<Option<&BTreeSet<EntraGroupId>>, DirectoryError> {
        let ask = || async {
            let heard = known(directory.group_changes(&cursor).await)?;
            Ok::<_, DirectoryError>(heard.map(|(groups, next)| Heard { groups, next }))
        };
        let heard = self.heard.get_or_try_init(ask).await?;
        Ok(heard.as_ref().map(|heard| &heard.groups))
    }

    /// Takes a fresh cursor, before the read that it continues, so that nothing between them is missed.
    pub async fn begin(&self, directory: &dyn Directory) -> Result<(), DirectoryError> {
        self.begun.get_or_try_init(|| directory.group_cursor()).await?;
        Ok(())
    }

    /// Where the next run goes on.
    pub fn next(&self) -> Option<&Cursor> {
        let heard = self.heard.get().and_then(Option::as_ref);
        self.begun.get().or_else(|| heard.map(|heard| &heard.next))
    }
}
