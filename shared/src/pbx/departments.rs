//! Departments: a tree in which ours stand below the root. Who belongs to one is written on the extensions, so a change of
//! members reads each extension's list, changes our entry in it and writes it back: departments of others stay.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::Deserialize;
use serde_json::json;

use super::by_ids::{EXTENSIONS, Identified};
use super::client::PbxClient;
use super::error::{Effect, Fault, code};
use super::groups::{Keyed, Order, made, without_id};
use super::transport::Call;
use super::wire::{Created, Int, OrganizationRef, Text, organization_ids};
use crate::domain::ids::{ExtensionId, PbxGroupId};
use crate::domain::pbx_group::{GroupPatch, MemberRole, PbxGroup, PbxGroupRow};
use crate::ports::PhoneSystemError;

const LIST: &str = "organization/list";
const CREATE: &str = "organization/create";
const UPDATE: &str = "organization/update";
const MEMBERS: &str = "extension/update";

/// A row of `organization/list`.
#[derive(Deserialize)]
struct Row {
    id: Int,
    name: Text,
    #[serde(default)]
    parent_id: Option<Int>,
}

impl Keyed for Row {
    fn key(&self) -> i64 {
        self.id.0
    }
}

/// What of `extension/query` tells departments.
#[derive(Deserialize)]
struct Place {
    id: Int,
    #[serde(default, deserialize_with = "organization_ids")]
    organization_list: BTreeSet<PbxGroupId>,
}

impl Identified for Place {
    fn id(&self) -> i64 {
        self.id.0
    }
}

type Places = BTreeMap<ExtensionId, BTreeSet<PbxGroupId>>;

impl PbxClient {
    pub(super) async fn list_departments(&self) -> Result<Vec<PbxGroupRow>, PhoneSystemError> {
        let (root, rows) = self.read_departments().await?;
        Ok(rows
            .into_iter()
            .filter(|row| row.id.0 != root.0)
            .map(|row| PbxGroupRow {
                id: PbxGroupId(row.id.0),
                beside: row.parent_id.is_some_and(|parent| parent.0 == root.0),
                name: row.name.0,
            })
            .collect())
    }

    /// All of them, and which is the root: the one whose parent is none of them.
    async fn read_departments(&self) -> Result<(PbxGroupId, Vec<Row>), PhoneSystemError> {
        let rows: Vec<Row> = self
            .read_rows(LIST, Order::AsItComes)
            .await
            .map_err(|fault| explain(fault, LIST, Effect::Read))?;
        let ids: BTreeSet<i64> = rows.iter().map(Keyed::key).collect();
        let below = |row: &Row| row.parent_id.is_some_and(|parent| ids.contains(&parent.0));
        let root = rows
            .iter()
            .find(|row| !below(row))
            .map(|row| PbxGroupId(row.id.0));
        let root = root.ok_or_else(|| PhoneSystemError::Unexpected {
            doing: format!("{LIST}: there is no root"),
        })?;
        *self
            .root_department
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(root);
        Ok((root, rows))
    }

    async fn root_of_departments(&self) -> Result<PbxGroupId, PhoneSystemError> {
        let known = *self
            .root_department
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match known {
            Some(root) => Ok(root),
            None => Ok(self.read_departments().await?.0),
        }
    }

    pub(super) async fn department_details(
        &self,
        ids: &BTreeSet<PbxGroupId>,
        people: &BTreeSet<ExtensionId>,
    ) -> Result<BTreeMap<PbxGroupId, PbxGroup>, PhoneSystemError> {
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let (_, rows) = self.read_departments().await?;
        let mut found: BTreeMap<PbxGroupId, PbxGroup> = rows
            .into_iter()
            .map(|row| (PbxGroupId(row.id.0), row.name.0))
            .filter(|(id, _)| ids.contains(id))
            .map(|(id, name)| {
                let members = BTreeMap::new();
                let group = PbxGroup {
                    id,
                    name,
                    everyone: false,
                    members,
                };
                (id, group)
            })
            .collect();
        for (extension, places) in self.places_of(people).await? {
            for place in places {
                if let Some(group) = found.get_mut(&place) {
                    group.members.insert(extension, MemberRole::default());
                }
            }
        }
        Ok(found)
    }

    pub(super) async fn create_department(&self, name: &str) -> Result<PbxGroupId, PhoneSystemError> {
        let root = self.root_of_departments().await?;
        let body = json!({ "name": name, "parent_id": root.0 });
        let created: Created = self
            .ask(&Call::write(CREATE).body(&body))
            .await
            .map_err(|fault| explain(fault, CREATE, Effect::Write))?;
        made(&created).ok_or_else(|| without_id(CREATE))
    }

    pub(super) async fn update_department(&self, patch: &GroupPatch) -> Result<(), PhoneSystemError> {
        let id = patch.before.id;
        if patch.before.name != patch.after.name {
            let body = json!({ "id": id.0, "name": patch.after.name });
            self.tell(&Call::write(UPDATE).body(&body))
                .await
                .map_err(|fault| explain(fault, UPDATE, Effect::Write))?;
        }
        let (come, go) = patch.moves();
        self.move_people(id, &come, &go).await
    }

    async fn move_people(
        &self,
        id: PbxGroupId,
        come: &BTreeSet<ExtensionId>,
        go: &BTreeSet<ExtensionId>,
    ) -> Result<(), PhoneSystemError> {
        if come.is_empty() && go.is_empty() {
            return Ok(());
        }
        let root = self.root_of_departments().await?;
        let places = self.places_of(&come.union(go).copied().collect()).await?;
        let moved = places.into_iter().filter_map(|(extension, before)| {
            let mut after = before.clone();
            if come.contains(&extension) {
                after.insert(id);
            } else {
                after.remove(&id);
            }
            // Everybody stands somewhere in the company.
            if after.is_empty() {
                after.insert(root);
            }
            (after != before).then_some((extension, after))
        });
        stream::iter(moved.collect::<Vec<_>>())
            .map(Ok)
            .try_for_each_concurrent(self.limiter.most(), |(extension, places)| {
                self.place(extension, places)
            })
            .await
    }

    async fn place(
        &self,
        extension: ExtensionId,
        places: BTreeSet<PbxGroupId>,
    ) -> Result<(), PhoneSystemError> {
        let list: Vec<OrganizationRef> = places
            .iter()
            .map(|id| OrganizationRef {
                value: id.to_string(),
            })
            .collect();
        let body = json!({ "id": extension.0, "organization_list": list });
        match self.tell(&Call::write(MEMBERS).body(&body)).await {
            // Somebody deleted the extension meanwhile; then it is in no department.
            Err(fault) if fault.code() == Some(code::NOT_FOUND) => Ok(()),
            told => told.map_err(|fault| explain(fault, MEMBERS, Effect::Write)),
        }
    }

    async fn places_of(&self, people: &BTreeSet<ExtensionId>) -> Result<Places, PhoneSystemError> {
        let ids = people.iter().map(|id| id.0).collect();
        let found = self.read_by_ids::<Place>(EXTENSIONS, ids).await;
        let found = found.map_err(|fault| explain(fault, EXTENSIONS.many, Effect::Read))?;
        Ok(found
            .into_iter()
            .map(|(id, place)| (ExtensionId(id), place.organization_list))
            .collect())
    }
}

fn explain(fault: Fault, doing: &str, effect: Effect) -> PhoneSystemError {
    if fault.code() == Some(code::ORGANIZATION_OFF) {
        return PhoneSystemError::SwitchedOff {
            sentence:
                "departments need Organization Management, which is off on the PBX (70120); switch it on \
                       there, or choose extension groups as the target"
                    .to_owned(),
        };
    }
    fault.explain(doing, effect)
}
