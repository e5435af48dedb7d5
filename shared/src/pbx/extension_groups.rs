//! Extension groups: a flat list with members. An update replaces the whole list of members; whether it renames depends on
//! the firmware.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::by_ids::{EXTENSION_GROUPS, Identified};
use super::client::PbxClient;
use super::error::{Effect, code};
use super::groups::{Keyed, Order, made, without_id};
use super::system::reading;
use super::transport::Call;
use super::wire::{Created, Int, Text, group_members};
use crate::domain::ids::{ExtensionId, PbxGroupId};
use crate::domain::pbx_group::{GroupPatch, GroupValues, MemberRole, PbxGroup, PbxGroupRow};
use crate::ports::PhoneSystemError;

const LIST: &str = "extensiongroup/list";
const CREATE: &str = "extensiongroup/create";
const UPDATE: &str = "extensiongroup/update";

/// A row of `extensiongroup/list`.
#[derive(Deserialize)]
struct Row {
    id: Int,
    name: Text,
}

impl Keyed for Row {
    fn key(&self) -> i64 {
        self.id.0
    }
}

/// An object of `extensiongroup/get` and `extensiongroup/query`.
#[derive(Deserialize)]
struct Detail {
    id: Int,
    name: Text,
    #[serde(default)]
    member_select: Text,
    #[serde(
        default,
        alias = "member_list",
        alias = "ext_list",
        deserialize_with = "group_members"
    )]
    members: BTreeMap<ExtensionId, MemberRole>,
}

impl Identified for Detail {
    fn id(&self) -> i64 {
        self.id.0
    }
}

impl From<Detail> for PbxGroup {
    fn from(detail: Detail) -> Self {
        Self {
            id: PbxGroupId(detail.id.0),
            name: detail.name.0,
            everyone: detail.member_select.0 == "sel_all_ext",
            members: detail.members,
        }
    }
}

#[derive(Serialize)]
struct Member<'a> {
    ext_id: i64,
    user_type: &'a str,
}

fn members_of(members: &BTreeMap<ExtensionId, MemberRole>) -> Vec<Member<'_>> {
    members
        .iter()
        .map(|(id, role)| Member {
            ext_id: id.0,
            user_type: &role.0,
        })
        .collect()
}

impl PbxClient {
    pub(super) async fn list_extension_groups(&self) -> Result<Vec<PbxGroupRow>, PhoneSystemError> {
        let rows = match self.read_rows::<Row>(LIST, Order::ById).await {
            // Some builds say that a feature is off or not permitted where others say that it is missing.
            Err(fault) if matches!(fault.code(), Some(code::ACCESS_DENIED | code::FEATURE_OFF)) => {
                return Err(PhoneSystemError::NotInThisFirmware {
                    call: LIST.to_owned(),
                });
            }
            read => read.map_err(reading(LIST))?,
        };
        Ok(rows
            .into_iter()
            .map(|row| PbxGroupRow {
                id: PbxGroupId(row.id.0),
                name: row.name.0,
                beside: true,
            })
            .collect())
    }

    pub(super) async fn extension_group_details(
        &self,
        ids: &BTreeSet<PbxGroupId>,
    ) -> Result<BTreeMap<PbxGroupId, PbxGroup>, PhoneSystemError> {
        let ids = ids.iter().map(|id| id.0).collect();
        let found = self.read_by_ids::<Detail>(EXTENSION_GROUPS, ids).await;
        let found = found.map_err(reading(EXTENSION_GROUPS.many))?;
        let groups = found.into_values().map(PbxGroup::from);
        Ok(groups.map(|group| (group.id, group)).collect())
    }

    pub(super) async fn create_extension_group(
        &self,
        wanted: &GroupValues,
    ) -> Result<PbxGroupId, PhoneSystemError> {
        let members: BTreeMap<ExtensionId, MemberRole> = wanted
            .members
            .iter()
            .map(|id| (*id, MemberRole::default()))
            .collect();
        let body = json!({
            "name": wanted.name, "member_select": "sel_specific", "members": members_of(&members),
        });
        let created: Created = self
            .ask(&Call::write(CREATE).body(&body))
            .await
            .map_err(|fault| fault.explain(CREATE, Effect::Write))?;
        made(&created).ok_or_else(|| without_id(CREATE))
    }

    pub(super) async fn update_extension_group(&self, patch: &GroupPatch) -> Result<(), PhoneSystemError> {
        let members = patch.members();
        let mut body = json!({
            "id": patch.before.id.0, "member_select": "sel_specific", "members": members_of(&members),
        });
        if patch.before.name != patch.after.name {
            body["name"] = Value::from(patch.after.name.clone());
        }
        self.tell(&Call::write(UPDATE).body(&body))
            .await
            .map_err(|fault| fault.explain(UPDATE, Effect::Write))
    }
}
