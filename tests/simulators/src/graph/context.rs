//! Everything a handler of the Graph host may look at: one tenant, one caller, one moment. Handlers only
//! read; writes come from the administrator's side.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::behaviour::{Behaviour, ExpiredForm};
use super::directory::Directory;
use super::seal::Sealer;
use super::tenant::Tenant;

/// Who a valid access token stands for. Roles are those of the token, not those granted since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub tenant: String,
    pub app: String,
    /// In whose name the app asks; `None`: in its own.
    pub person: Option<Uuid>,
    pub roles: BTreeSet<String>,
}

impl Caller {
    pub fn has_any(&self, roles: &[&str]) -> bool {
        roles.iter().any(|role| self.roles.contains(*role))
    }

    pub fn reads_users(&self) -> bool {
        self.has_any(&[
            "User.Read.All",
            "User.ReadWrite.All",
            "Directory.Read.All",
            "Directory.ReadWrite.All",
        ])
    }

    pub fn reads_basic_users_only(&self) -> bool {
        !self.reads_users()
    }

    pub fn reads_groups(&self) -> bool {
        self.has_any(&[
            "Group.Read.All",
            "GroupMember.Read.All",
            "Group.ReadBasic.All",
            "Directory.Read.All",
        ])
    }
}

pub struct Context<'a> {
    pub tenant: &'a Tenant,
    pub caller: &'a Caller,
    pub behaviour: &'a Behaviour,
    pub sealer: &'a Sealer,
    pub now: Timestamp,
    /// Scheme, host and port that we are reached at.
    pub origin: &'a str,
    /// A fault that makes links point elsewhere.
    pub other_host: bool,
    /// A fault that makes every delta token count as expired.
    pub expire_delta: Option<ExpiredForm>,
}

impl Context<'_> {
    pub fn directory(&self) -> &Directory {
        &self.tenant.directory
    }

    pub fn tenant_id(&self) -> &str {
        &self.tenant.id
    }

    pub fn base(&self) -> String {
        format!("{}/v1.0", self.origin)
    }

    /// What links to further pages begin with.
    pub fn link_base(&self) -> String {
        if self.other_host {
            "https://graph.attacker.example/v1.0".to_owned()
        } else {
            self.base()
        }
    }

    pub fn manager_of(&self, user: Uuid) -> Option<Value> {
        let id = self.directory().managers.get(&user)?;
        let props = self.directory().users.live.get(id)?;
        Some(json!({
            "@odata.type": "#microsoft.graph.user",
            "id": id.to_string(),
            "displayName": props.get("displayName"),
        }))
    }
}
