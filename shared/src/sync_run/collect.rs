//! Reads both sides, as much as the run needs. A read that fails is an error; it never shrinks to an empty list.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::binding::Binding;
use crate::domain::change::Changes;
use crate::domain::entra_user::{EntraUser, UserChange};
use crate::domain::ids::{ConnectionId, EntraUserId, ExtensionId};
use crate::domain::settings::UserSettings;
use crate::domain::sync_run::{RunMode, RunRequest};
use crate::domain::teardown::Removal;
use crate::plan::snapshot::{Coverage, DirectorySnapshot, PhoneSystemSnapshot, World};
use crate::ports::{Cursor, Directory, DirectoryError, PhoneSystem, Sides, UserQuery};
use crate::store::Store;

use super::collect_error::CollectError;
use super::group_news::GroupNews;
use super::membership::{Membership, membership, moved_by_groups};
use super::phones::{NOT_READ, candidates, drop_rows_read_in_full, list};

/// What was read, and where reading people's changes goes on once all of it is carried out.
pub(super) struct Collected {
    pub world: World,
    pub cursor: Option<Cursor>,
}

/// What a cursor follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CursorKind {
    Users,
    Groups,
}

impl CursorKind {
    pub fn key(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Groups => "groups",
        }
    }
}

/// What to read.
pub(super) struct Task<'a> {
    pub connection: ConnectionId,
    pub request: &'a RunRequest,
    pub users: &'a UserSettings,
    pub fingerprint: String,
    /// What is known to have changed, however learnt.
    pub pending: &'a Changes,
    pub news: &'a GroupNews,
    /// Set where everything is taken away: then the directory is not asked.
    pub removal: Option<Removal>,
    pub store: &'a Store,
    pub sides: &'a Sides,
}

/// Which stored cursors a full read may leave in place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    AsStored,
    /// None: one is missing or was refused.
    Nothing,
}

struct DirectoryRead {
    snapshot: DirectorySnapshot,
    cursor: Option<Cursor>,
}

/// Reads everything this run needs.
pub(super) async fn collect(task: &Task<'_>) -> Result<Collected, CollectError> {
    let bindings = task.store.bindings(task.connection).await?;
    if let Some(removal) = task.removal {
        return task.what_goes(bindings, removal).await;
    }
    let refused_numbers = task.store.refused_numbers(task.connection).await?;
    let (directory, phone_system) = match (&task.request.user, task.request.mode) {
        (None, RunMode::Full) => both_in_full(task, &bindings, Known::AsStored).await?,
        (Some(user), _) => {
            let directory = task.one_person(*user).await?;
            let phone_system = task.phones_of(&directory.snapshot, &bindings).await?;
            (directory, phone_system)
        }
        (None, RunMode::Delta) => match task.changes(&bindings).await? {
            Some(directory) => {
                let phone_system = task.phones_of(&directory.snapshot, &bindings).await?;
                (directory, phone_system)
            }
            None => both_in_full(task, &bindings, Known::Nothing).await?,
        },
    };
    let world = World {
        directory: directory.snapshot,
        phone_system,
        bindings,
        refused_numbers,
    };
    Ok(Collected {
        world,
        cursor: directory.cursor,
    })
}

/// Reads what a round of this run changed, with the directory as it was read at the run's beginning.
pub(super) async fn collect_again(
    task: &Task<'_>,
    directory: DirectorySnapshot,
) -> Result<World, CollectError> {
    let bindings = task.store.bindings(task.connection).await?;
    let refused_numbers = task.store.refused_numbers(task.connection).await?;
    let phone_system = task.phones_of(&directory, &bindings).await?;
    Ok(World {
        directory,
        phone_system,
        bindings,
        refused_numbers,
    })
}

/// Both sides side by side: neither waits for the other's pages.
async fn both_in_full(
    task: &Task<'_>,
    bindings: &BTreeMap<EntraUserId, Binding>,
    known: Known,
) -> Result<(DirectoryRead, PhoneSystemSnapshot), CollectError> {
    let bound: BTreeSet<ExtensionId> = bindings
        .values()
        .filter_map(|b| Some(b.bound()?.extension))
        .collect();
    let rows = async { Ok::<_, CollectError>(list(task.phone_system()).await?) };
    let details = async { Ok::<_, CollectError>(task.phone_system().extension_details(&bound).await?) };
    let (directory, mut rows, mut details) = tokio::try_join!(task.everyone(known), rows, details)?;
    let more = candidates(&directory.snapshot, bindings, &rows, task.users.bind_same_email);
    details.extend(task.phone_system().extension_details(&more).await?);
    drop_rows_read_in_full(&mut rows, &details);
    let phone_system = PhoneSystemSnapshot {
        rows: Some(rows),
        details,
        capacity: NOT_READ,
    };
    Ok((directory, phone_system))
}

impl Task<'_> {
    fn directory(&self) -> &dyn Directory {
        self.sides.directory.as_ref()
    }

    pub fn phone_system(&self) -> &dyn PhoneSystem {
        self.sides.phone_system.as_ref()
    }

    /// What is ours, and the PBX as far as that needs it: what is let go is not even looked at.
    async fn what_goes(
        &self,
        bindings: BTreeMap<EntraUserId, Binding>,
        removal: Removal,
    ) -> Result<Collected, CollectError> {
        let directory = DirectorySnapshot {
            users: BTreeMap::new(),
            coverage: Coverage::Only(bindings.keys().copied().collect()),
            scope_members: BTreeSet::new(),
            excluded_members: BTreeSet::new(),
        };
        let phone_system = match removal {
            Removal::Delete => self.phones_of(&directory, &bindings).await?,
            Removal::Release => PhoneSystemSnapshot {
                rows: None,
                details: BTreeMap::new(),
                capacity: NOT_READ,
            },
        };
        let world = World {
            directory,
            phone_system,
            bindings,
            refused_numbers: BTreeSet::new(),
        };
        Ok(Collected { world, cursor: None })
    }

    fn query(&self) -> UserQuery {
        UserQuery {
            number_property: self.users.number.property().map(str::to_owned),
        }
    }

    fn reads_groups(&self) -> bool {
        !self.users.groups_to_read().is_empty()
    }

    /// The stored cursor, if it was made for settings that read the same.
    async fn stored_cursor(&self, kind: CursorKind) -> Result<Option<Cursor>, CollectError> {
        let stored = self.store.cursor(self.connection, kind.key()).await?;
        Ok(stored
            .filter(|stored| stored.fingerprint == self.fingerprint)
            .map(|stored| stored.cursor))
    }

    /// A cursor is taken before the read that it continues, so that nothing between them is missed.
    async fn missing_cursors(&self, known: Known) -> Result<Option<Cursor>, CollectError> {
        let people_known = known == Known::AsStored && self.stored_cursor(CursorKind::Users).await?.is_some();
        let mut fresh = None;
        if !people_known {
            fresh = Some(self.directory().user_cursor(&self.query()).await?);
        }
        let groups_known =
            known == Known::AsStored && self.stored_cursor(CursorKind::Groups).await?.is_some();
        if self.reads_groups() && !groups_known {
            self.news.begin(self.directory()).await?;
        }
        Ok(fresh)
    }

    async fn everyone(&self, known: Known) -> Result<DirectoryRead, CollectError> {
        let cursor = self.missing_cursors(known).await?;
        let query = self.query();
        let users = async { Ok::<_, CollectError>(self.directory().list_users(&query).await?) };
        let (users, members) = tokio::try_join!(users, self.membership())?;
        let snapshot = DirectorySnapshot {
            users,
            coverage: Coverage::Complete,
            scope_members: members.scope,
            excluded_members: members.excluded,
        };
        Ok(DirectoryRead { snapshot, cursor })
    }

    async fn membership(&self) -> Result<Membership, CollectError> {
        membership(self.directory(), self.users).await
    }

    async fn one_person(&self, user: EntraUserId) -> Result<DirectoryRead, CollectError> {
        let only = BTreeSet::from([user]);
        let mut users = self.directory().users_by_id(&only, &self.query()).await?;
        if users.is_empty() {
            // A copy of the directory that lags behind lacks who was made a moment ago; another way of asking may not.
            let found = self
                .directory()
                .lookup_user(&user.to_string(), &self.query())
                .await?;
            users.extend(found.map(|found| (found.id, found)));
        }
        Ok(DirectoryRead {
            snapshot: self.about(only, users).await?,
            cursor: None,
        })
    }

    /// The directory as far as it is about these people, who were read already.
    pub async fn about(
        &self,
        covered: BTreeSet<EntraUserId>,
        users: BTreeMap<EntraUserId, EntraUser>,
    ) -> Result<DirectorySnapshot, CollectError> {
        let members = self.membership().await?;
        Ok(DirectorySnapshot {
            users,
            coverage: Coverage::Only(covered),
            scope_members: members.scope,
            excluded_members: members.excluded,
        })
    }

    /// What changed since the last run; `None` where that is not known and everything must be read.
    async fn changes(
        &self,
        bindings: &BTreeMap<EntraUserId, Binding>,
    ) -> Result<Option<DirectoryRead>, CollectError> {
        let Some(cursor) = self.stored_cursor(CursorKind::Users).await? else {
            return Ok(None);
        };
        let Some((changes, next)) = known(self.directory().user_changes(&cursor, &self.query()).await)?
        else {
            return Ok(None);
        };
        let mut groups_moved = self.pending.any_group();
        if self.reads_groups() {
            let Some(cursor) = self.stored_cursor(CursorKind::Groups).await? else {
                return Ok(None);
            };
            let Some(groups) = self.news.since(cursor, self.directory()).await? else {
                return Ok(None);
            };
            groups_moved |= !groups.is_empty();
        }
        groups_moved &= self.reads_groups();
        let snapshot = self.changed_people(changes, groups_moved, bindings).await?;
        Ok(Some(DirectoryRead {
            snapshot,
            cursor: Some(next),
        }))
    }

    async fn changed_people(
        &self,
        changes: Vec<UserChange>,
        groups_moved: bool,
        bindings: &BTreeMap<EntraUserId, Binding>,
    ) -> Result<DirectorySnapshot, CollectError> {
        let mut covered = BTreeSet::new();
        let mut users = BTreeMap::new();
        for change in changes {
            match change {
                UserChange::Present(user) => {
                    covered.insert(user.id);
                    users.insert(user.id, *user);
                }
                UserChange::Removed(id) => {
                    covered.insert(id);
                }
            }
        }
        // News that the change list does not have yet, or never will.
        let unread: BTreeSet<EntraUserId> =
            self.pending.people().filter(|id| !covered.contains(id)).collect();
        if !unread.is_empty() {
            let found = self.directory().users_by_id(&unread, &self.query()).await?;
            // Who is not found is not deleted by that: the change list says so, or the next read of everybody.
            covered.extend(found.keys());
            users.extend(found);
        }
        let members = if groups_moved || !users.is_empty() {
            self.membership().await?
        } else {
            Membership::default()
        };
        if groups_moved {
            let moved = moved_by_groups(self.users, &members, bindings);
            let unread: BTreeSet<EntraUserId> = moved.difference(&covered).copied().collect();
            let found = self.directory().users_by_id(&unread, &self.query()).await?;
            covered.extend(found.keys());
            users.extend(found);
        }
        Ok(DirectorySnapshot {
            users,
            coverage: Coverage::Only(covered),
            scope_members: members.scope,
            excluded_members: members.excluded,
        })
    }
}

/// An expired cursor is not an error here: everything is read instead.
pub(super) fn known<T>(answer: Result<T, DirectoryError>) -> Result<Option<T>, DirectoryError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(DirectoryError::CursorExpired) => Ok(None),
        Err(error) => Err(error),
    }
}
