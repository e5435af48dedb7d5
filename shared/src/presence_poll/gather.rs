//! Who takes part, and under which mapping: people with an extension of ours who are not leaving, as settings, groups and
//! choices say.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::roster::Wanted;
use crate::domain::binding::{Binding, Stage};
use crate::domain::ids::{ConnectionId, EntraUserId};
use crate::domain::presence::{Member, PresenceChoice, mapping_for};
use crate::domain::settings::{PresenceMapping, PresenceSettings};
use crate::ports::{Directory, DirectoryError, GroupMembers};
use crate::store::{Store, StoreError};

/// Bindings read one by one at once.
const SIDE_BY_SIDE: usize = 8;

/// Who takes part could not be made out.
#[derive(Debug, thiserror::Error)]
pub(super) enum GatherError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Directory(#[from] DirectoryError),
}

pub(super) struct Gatherer<'a> {
    pub store: &'a Store,
    pub connection: ConnectionId,
    pub settings: &'a PresenceSettings,
    pub directory: &'a dyn Directory,
}

/// Whose mapping a group decides.
type ByGroup = BTreeMap<EntraUserId, PresenceMapping>;

impl Gatherer<'_> {
    pub async fn everybody(&self) -> Result<Wanted, GatherError> {
        let bindings = self.store.bindings(self.connection).await?;
        let choices = self.store.presence_choices(self.connection).await?;
        let groups = self.by_group().await?;
        let members = bindings
            .values()
            .filter_map(|binding| self.member(binding, choices.get(&binding.user), &groups));
        Ok(Wanted::All(members.map(|member| (member.user, member)).collect()))
    }

    pub async fn these(&self, people: &BTreeSet<EntraUserId>) -> Result<Wanted, GatherError> {
        let choices = self.store.presence_choices_of(self.connection, people).await?;
        let bindings: Vec<Option<Binding>> = stream::iter(people.iter().copied().collect::<Vec<_>>())
            .map(|user| self.store.binding(self.connection, user))
            .buffer_unordered(SIDE_BY_SIDE)
            .try_collect()
            .await?;
        let groups = self.by_group().await?;
        let mut said: BTreeMap<_, _> = people.iter().map(|user| (*user, None)).collect();
        for binding in bindings.iter().flatten() {
            let member = self.member(binding, choices.get(&binding.user), &groups);
            said.insert(binding.user, member);
        }
        Ok(Wanted::Only(said))
    }

    fn member(&self, binding: &Binding, choice: Option<&PresenceChoice>, groups: &ByGroup) -> Option<Member> {
        // Who is leaving has a disabled account, or none, or is not ours to serve any more.
        let Stage::Bound(bound) = &binding.stage else {
            return None;
        };
        let of_group = groups.get(&binding.user).copied();
        Some(Member {
            user: binding.user,
            extension: bound.extension,
            mapping: mapping_for(self.settings, of_group, choice)?,
        })
    }

    async fn by_group(&self) -> Result<ByGroup, DirectoryError> {
        let mut mappings = BTreeMap::new();
        if self.settings.groups.is_empty() {
            return Ok(mappings);
        }
        let ids = self.settings.groups.iter().map(|group| group.group_id).collect();
        let members = self.directory.group_members(&ids).await?;
        for group in &self.settings.groups {
            // A group that is gone has nobody in it.
            if let Some(GroupMembers::People(people)) = members.get(&group.group_id) {
                for user in people {
                    mappings.entry(*user).or_insert(group.mapping);
                }
            }
        }
        Ok(mappings)
    }
}
