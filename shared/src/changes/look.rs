//! A look at what changed, by the directory's own change lists: what the notifications told and what they did not. Names go
//! to the table before the cursor moves past them, so a look that is cut is only taken again.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::attend::later;
use super::relevance::{self, id_of};
use super::tell;
use super::terms::Terms;
use crate::domain::change::{ChangedObject, Changes};
use crate::domain::entra_user::UserChange;
use crate::domain::ids::{ConnectionId, EntraGroupId};
use crate::domain::settings::{ConnectionSettings, UserSettings};
use crate::domain::subscription::SubscriptionKind;
use crate::ports::{Cursor, Directory, DirectoryError, UserQuery};
use crate::store::{Haste, StoredCursor};
use crate::sync_run::Engine;
use crate::sync_run::collect::CursorKind;
use crate::sync_run::collect_error::CollectError;
use crate::sync_run::groups::would_move_groups;
use crate::sync_run::membership::{Membership, membership, moved_by_groups};

/// Cursors of looks, apart from those of runs: a run reads its own changes anew.
const USERS: &str = "look-users";
const GROUPS: &str = "look-groups";
/// A cursor that nothing moved is stored anew after this long: Graph forgets one after a week.
const KEEP_FOR: SignedDuration = SignedDuration::from_hours(24);

/// One connection's look.
pub(super) struct Look<'a> {
    pub engine: &'a Engine,
    pub connection: ConnectionId,
    pub settings: &'a ConnectionSettings,
    pub directory: &'a dyn Directory,
    pub terms: &'a Terms,
}

/// What a change list said.
enum Heard<T> {
    Changes(T),
    /// It starts here; what was before is the business of runs.
    Began,
    /// The directory no longer knows since when.
    Unknown,
}

impl<T: Default> Heard<T> {
    fn into_parts(self) -> (T, bool) {
        match self {
            Self::Changes(changes) => (changes, false),
            Self::Began => (T::default(), false),
            Self::Unknown => (T::default(), true),
        }
    }
}

/// Where change reading begins.
enum Since {
    Stored(From),
    /// Nothing was read before.
    Now,
    /// A run is reading everything; its cursor comes with its end.
    NotYet,
}

struct From {
    cursor: Cursor,
    /// It was made for settings that read other properties: good for this look, not for the next.
    other_rules: bool,
    /// Whether it is stored anew though nothing changed.
    to_be_stored: bool,
}

/// A cursor to be stored once what it covers is noted.
struct Step {
    kind: &'static str,
    cursor: Cursor,
}

impl Look<'_> {
    /// Looks, notes what matters, and tells the queue if a run is due at once.
    pub async fn look(&self) -> Result<(), CollectError> {
        let (people, people_step) = self.people().await?;
        let (groups, groups_step) = self.groups().await?;
        let (people, people_unknown) = people.into_parts();
        let (groups, groups_unknown) = groups.into_parts();
        let mut named = self.people_that_matter(&people).await?;
        named.extend(self.groups_that_matter(&groups).await?);
        let changes = Changes {
            named,
            others: people_unknown || groups_unknown,
        };
        if !changes.is_empty() {
            self.note(&changes).await?;
        }
        for step in people_step.into_iter().chain(groups_step) {
            self.store_cursor(&step).await?;
        }
        Ok(())
    }

    fn users(&self) -> &UserSettings {
        &self.settings.users
    }

    fn query(&self) -> UserQuery {
        UserQuery {
            number_property: self.users().number.property().map(str::to_owned),
        }
    }

    async fn people(&self) -> Result<(Heard<Vec<UserChange>>, Option<Step>), CollectError> {
        if !self.terms.kinds.contains(&SubscriptionKind::Users) {
            return Ok((Heard::Began, None));
        }
        let query = self.query();
        let begin = || self.directory.user_cursor(&query);
        let since = match self.since(USERS, CursorKind::Users).await? {
            Since::Stored(since) => since,
            Since::Now => return Ok((Heard::Began, Some(step(USERS, begin().await?)))),
            Since::NotYet => return Ok((Heard::Began, None)),
        };
        // Before the older one is read to its end, so that nothing falls between the two.
        let fresh = if since.other_rules {
            Some(begin().await?)
        } else {
            None
        };
        match self.directory.user_changes(&since.cursor, &query).await {
            Ok((changes, next)) => {
                let moved = !changes.is_empty() || since.to_be_stored;
                Ok((
                    Heard::Changes(changes),
                    moved.then(|| step(USERS, fresh.unwrap_or(next))),
                ))
            }
            Err(DirectoryError::CursorExpired) => Ok((Heard::Unknown, Some(step(USERS, begin().await?)))),
            Err(error) => Err(error.into()),
        }
    }

    async fn groups(&self) -> Result<(Heard<BTreeSet<EntraGroupId>>, Option<Step>), CollectError> {
        if !self.terms.kinds.contains(&SubscriptionKind::Groups) {
            return Ok((Heard::Began, None));
        }
        let begin = || self.directory.group_cursor();
        let since = match self.since(GROUPS, CursorKind::Groups).await? {
            Since::Stored(since) => since,
            Since::Now => return Ok((Heard::Began, Some(step(GROUPS, begin().await?)))),
            Since::NotYet => return Ok((Heard::Began, None)),
        };
        match self.directory.group_changes(&since.cursor).await {
            Ok((changes, next)) => {
                let moved = !changes.is_empty() || since.to_be_stored;
                Ok((Heard::Changes(changes), moved.then(|| step(GROUPS, next))))
            }
            Err(DirectoryError::CursorExpired) => Ok((Heard::Unknown, Some(step(GROUPS, begin().await?)))),
            Err(error) => Err(error.into()),
        }
    }

    /// From where this look reads: where the last one ended, or where the last run began to read, whichever is later. What
    /// a run has carried out is no news any more, and what changed since the first one began nobody else has seen.
    async fn since(&self, kind: &str, of_runs: CursorKind) -> Result<Since, CollectError> {
        let store = &self.engine.store;
        let looked = store.cursor(self.connection, kind).await?;
        let ran = store.cursor(self.connection, of_runs.key()).await?;
        let rules = self.settings.rules_fingerprint();
        let ran = ran.filter(|stored| stored.fingerprint == rules);
        let since = match (looked, ran) {
            (Some(looked), Some(ran)) if looked.stored_at > ran.stored_at => self.since_look(looked),
            (_, Some(ran)) => From {
                to_be_stored: self.is_old(&ran),
                cursor: ran.cursor,
                other_rules: false,
            },
            (Some(looked), None) => self.since_look(looked),
            (None, None) => return self.beginning().await,
        };
        Ok(Since::Stored(since))
    }

    fn since_look(&self, looked: StoredCursor) -> From {
        let other_rules = looked.fingerprint != self.settings.read_fingerprint();
        From {
            other_rules,
            to_be_stored: other_rules || self.is_old(&looked),
            cursor: looked.cursor,
        }
    }

    fn is_old(&self, stored: &StoredCursor) -> bool {
        self.engine.clock.now().duration_since(stored.stored_at) >= KEEP_FOR
    }

    async fn beginning(&self) -> Result<Since, CollectError> {
        let state = self
            .engine
            .store
            .work_state(self.connection)
            .await?
            .unwrap_or_default();
        let under_way = state.running_run.or(state.waiting_run).is_some();
        Ok(if under_way { Since::NotYet } else { Since::Now })
    }

    async fn store_cursor(&self, step: &Step) -> Result<(), CollectError> {
        let fingerprint = self.settings.read_fingerprint();
        let store = &self.engine.store;
        store
            .put_look_cursor(self.connection, step.kind, &step.cursor, &fingerprint)
            .await?;
        Ok(())
    }

    async fn people_that_matter(
        &self,
        changes: &[UserChange],
    ) -> Result<BTreeSet<ChangedObject>, CollectError> {
        if changes.is_empty() {
            return Ok(BTreeSet::new());
        }
        let ids = changes.iter().map(id_of).collect();
        let bound = self.engine.store.bound_among(self.connection, &ids).await?;
        let newcomer =
            |change: &UserChange| matches!(change, UserChange::Present(user) if !bound.contains(&user.id));
        let members = if changes.iter().any(newcomer) {
            membership(self.directory, self.users()).await?
        } else {
            Membership::default()
        };
        Ok(relevance::people(changes, &bound, members, self.users()))
    }

    /// Groups that the rules name or that are ours, and others that make a difference: through which people came into or
    /// fell out of the scope or a group of ours, and those that are to become ours.
    async fn groups_that_matter(
        &self,
        changed: &BTreeSet<EntraGroupId>,
    ) -> Result<BTreeSet<ChangedObject>, CollectError> {
        let (ours, others): (BTreeSet<_>, BTreeSet<_>) = changed
            .iter()
            .copied()
            .partition(|group| self.terms.groups.contains(group));
        let mut matter: BTreeSet<ChangedObject> = ours.into_iter().map(ChangedObject::Group).collect();
        if !others.is_empty() && matter.is_empty() && self.others_matter(&others).await? {
            matter.extend(others.into_iter().map(ChangedObject::Group));
        }
        Ok(matter)
    }

    async fn others_matter(&self, others: &BTreeSet<EntraGroupId>) -> Result<bool, CollectError> {
        let bindings = self.engine.store.bindings(self.connection).await?;
        let users = self.users();
        if users.enabled && !users.groups_to_read().is_empty() {
            let members = membership(self.directory, users).await?;
            if !moved_by_groups(users, &members, &bindings).is_empty() {
                return Ok(true);
            }
        }
        if !self.settings.groups.enabled {
            return Ok(false);
        }
        let ours = self.engine.store.group_bindings(self.connection).await?;
        would_move_groups(self.directory, self.settings, (&bindings, ours), others).await
    }

    async fn note(&self, changes: &Changes) -> Result<(), CollectError> {
        let now = self.engine.clock.now();
        let wait = self.terms.wait_after_look;
        let haste = Haste {
            now,
            due_at: later(now, wait),
            threshold: self.terms.threshold,
        };
        let noted = self
            .engine
            .store
            .note_changes(self.connection, changes, haste)
            .await?;
        if noted.due_at <= now
            && let Err(error) = tell(self.engine.queue.as_ref(), self.connection).await
        {
            tracing::warn!(connection.id = %self.connection, error = %error, "the hint was not sent; the scheduler will find the run");
        }
        Ok(())
    }
}

fn step(kind: &'static str, cursor: Cursor) -> Step {
    Step { kind, cursor }
}
