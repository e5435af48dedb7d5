//! A stage with groups: a firmware that has them, group sync on, and what became of them in words.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use shared::domain::operation_record::{ObjectKind, OperationRecord};
use shared::domain::settings::ConnectionSettings;
use shared::domain::sync_run::SyncRun;
use uuid::Uuid;

use crate::stage::{Stage, TENANT, person};

/// The first firmware that the simulated PBX has extension groups on.
pub const FIRMWARE: &str = "83.23.0.123";

/// Groups by name, each with the numbers of its members.
pub type Groups = BTreeMap<String, Vec<String>>;

/// A stage with groups.
pub struct Office {
    pub stage: Stage,
}

impl Office {
    /// These people, in the order of whose names they get numbers from 2000 on.
    pub async fn with(people: &[&str]) -> Self {
        Self::tuned(people, |_| {}).await
    }

    /// The same with other rules.
    pub async fn tuned(people: &[&str], change: impl FnOnce(&mut ConnectionSettings)) -> Self {
        let people: Vec<Value> = people.iter().map(|name| person(name)).collect();
        let stage = Stage::with(&people, Vec::new()).await;
        stage.pbx.change_settings(|settings| {
            FIRMWARE.clone_into(&mut settings.firmware);
            settings.behaviour.group_rename_honoured = true;
        });
        stage
            .settings(|settings| {
                settings.groups.enabled = true;
                settings.groups.delete_when_out_of_scope = true;
                change(settings);
            })
            .await;
        Self { stage }
    }

    /// A security group with these people.
    pub fn group(&self, name: &str, people: &[&str]) -> Uuid {
        self.group_of(
            &json!({ "displayName": name, "groupTypes": [], "mailEnabled": false, "securityEnabled": true }),
            people,
        )
    }

    pub fn group_of(&self, props: &Value, people: &[&str]) -> Uuid {
        let group = self.stage.graph.create_group(TENANT, props).unwrap();
        for name in people {
            self.join(group, name);
        }
        group
    }

    pub fn join(&self, group: Uuid, name: &str) {
        let member = self.stage.id(name);
        self.stage.graph.add_member(TENANT, group, member).unwrap();
    }

    pub fn leave(&self, group: Uuid, name: &str) {
        let member = self.stage.id(name);
        self.stage.graph.remove_member(TENANT, group, member).unwrap();
    }

    pub fn rename(&self, group: Uuid, name: &str) {
        let props = json!({ "displayName": name });
        self.stage.graph.update_group(TENANT, group, &props).unwrap();
    }

    /// Extension groups on the PBX, without the factory's.
    pub fn groups(&self) -> Groups {
        groups_of(&self.stage)
    }

    /// Departments below the root.
    pub fn departments(&self) -> Groups {
        departments_of(&self.stage)
    }

    /// The lines of a run about groups, those left alone included.
    pub async fn told(&self, run: &SyncRun) -> Vec<OperationRecord> {
        let mut lines = self.stage.records(run.id).await;
        if let Some(digest) = &run.skips {
            let store = &self.stage.engine.store;
            lines.extend(store.skips(self.stage.connection, digest).await.unwrap());
        }
        lines.retain(|line| line.object == ObjectKind::Group);
        lines
    }

    /// Does something in the PBX's own portal.
    pub fn by_hand(&self, endpoint: &str, body: &Value) {
        let body = body.as_object().unwrap().clone();
        self.stage.pbx.portal(endpoint, body).unwrap();
    }

    pub fn group_id(&self, name: &str) -> u32 {
        let groups = self.stage.pbx.groups();
        let found = groups.into_iter().find(|(_, group)| group.name == name);
        found.unwrap().0
    }

    pub fn extension_id(&self, number: &str) -> u32 {
        let extensions = self.stage.pbx.extensions();
        extensions.iter().find(|e| e.number == number).unwrap().id
    }
}

/// Extension groups on a stage's PBX, without the factory's.
pub fn groups_of(stage: &Stage) -> Groups {
    let extensions = stage.pbx.extensions();
    let number = |id: &u32| {
        let found = extensions.iter().find(|e| e.id == *id);
        found.map_or_else(|| format!("#{id}"), |e| e.number.clone())
    };
    let groups = stage
        .pbx
        .groups()
        .into_iter()
        .filter(|(_, group)| !group.everyone);
    groups
        .map(|(_, group)| {
            let mut members: Vec<String> = group.members.keys().map(number).collect();
            members.sort();
            (group.name, members)
        })
        .collect()
}

/// Departments on a stage's PBX, below the root.
pub fn departments_of(stage: &Stage) -> Groups {
    let extensions = stage.pbx.extensions();
    let members = |id: u32| {
        let inside = extensions.iter().filter(|e| e.organizations.contains(&id));
        inside.map(|e| e.number.clone()).collect::<BTreeSet<_>>()
    };
    let below = stage.pbx.organizations();
    let below = below.into_iter().filter(|(_, row)| row.parent.is_some());
    below
        .map(|(id, row)| (row.name, members(id).into_iter().collect()))
        .collect()
}

/// In the way that expectations are written.
pub fn list(groups: &[(&str, &[&str])]) -> Groups {
    let one = |(name, members): &(&str, &[&str])| {
        let members = members.iter().map(|m| (*m).to_owned()).collect();
        ((*name).to_owned(), members)
    };
    groups.iter().map(one).collect()
}
