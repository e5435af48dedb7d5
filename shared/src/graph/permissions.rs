//! Which permissions the app really has: asked of Graph, call by call, because its tokens are opaque and the portal's
//! list says nothing about consent. Only a 403 means that one is missing.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde::de::IgnoredAny;

use super::client::{Call, GraphClient};
use super::error::{Failure, unexpected};
use super::retry::Patience;
use super::wire::{IdPage, plain};
use crate::domain::ids::EntraUserId;
use crate::ports::{DirectoryError, PermissionName};

const DOING: &str = "checking permissions";
/// Where a mailbox or presence read asks for somebody and the tenant has nobody.
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";
/// A fresh consent takes up to a minute or so to reach all of Microsoft's servers.
const PROPAGATION: [Duration; 4] = [
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(20),
    Duration::from_secs(30),
];

/// The cheapest call that a permission decides about.
struct Probe {
    path: String,
    body: Option<Vec<u8>>,
}

impl GraphClient {
    /// Like [`crate::ports::Directory::missing_permissions`], for use right after a consent: what is missing is asked
    /// for a few times more, with a fresh token each, within a minute or so.
    pub async fn missing_permissions_after_consent(
        &self,
        needed: &[PermissionName],
    ) -> Result<Vec<PermissionName>, DirectoryError> {
        let mut missing = self.probe_permissions(needed).await?;
        for wait in PROPAGATION {
            if missing.is_empty() {
                break;
            }
            self.clock.sleep(wait).await;
            missing = self.probe_permissions(&missing).await?;
        }
        Ok(missing)
    }

    pub(super) async fn probe_permissions(
        &self,
        needed: &[PermissionName],
    ) -> Result<Vec<PermissionName>, DirectoryError> {
        // Permissions show in the next token only.
        self.drop_any_token().await;
        let patience = self.patience();
        self.token(&patience).await?;
        let somebody = self.somebody_if_needed(needed, &patience).await?;
        let mut missing = Vec::new();
        for permission in needed {
            let probe = probe(permission, &somebody)
                .ok_or_else(|| unexpected(format!("{DOING}: no call is known for {permission}")))?;
            if !self.is_allowed(probe, permission, &patience).await? {
                missing.push(*permission);
            }
        }
        Ok(missing)
    }

    async fn is_allowed(
        &self,
        probe: Probe,
        permission: PermissionName,
        patience: &Patience,
    ) -> Result<bool, DirectoryError> {
        let url = self.url(&probe.path)?;
        let call = Call {
            url,
            method: if probe.body.is_some() {
                Method::POST
            } else {
                Method::GET
            },
            body: probe.body,
            advanced: false,
            yielding: false,
            doing: DOING,
        };
        match self.fetch(&call, patience, plain::<IgnoredAny>).await {
            Ok(_) => Ok(true),
            Err(Failure::Refused(refusal)) => match refusal.status {
                StatusCode::FORBIDDEN => Ok(false),
                // Permissions are judged before arguments: nobody, no mailbox, no licence.
                StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND => Ok(true),
                _ => Err(Failure::Refused(refusal).into_error(DOING, permission)),
            },
            Err(failure) => Err(failure.into_error(DOING, permission)),
        }
    }

    /// The id of any person, for probes that are about one.
    async fn somebody_if_needed(
        &self,
        needed: &[PermissionName],
        patience: &Patience,
    ) -> Result<String, DirectoryError> {
        let about_one = ["Contacts.Read", "MailboxSettings.Read", "Presence.Read.All"];
        if !needed.iter().any(|permission| about_one.contains(permission)) {
            return Ok(NOBODY.to_owned());
        }
        let url = self.url("/users?$select=id&$top=1")?;
        let permission = super::users::PERMISSION;
        let call = Call {
            url,
            method: Method::GET,
            body: None,
            advanced: false,
            yielding: false,
            doing: DOING,
        };
        match self.fetch(&call, patience, plain::<IdPage>).await {
            Ok(page) => {
                let page = page
                    .into_page(EntraUserId::parse)
                    .map_err(|_| unexpected(format!("{DOING}: a user whose id is no GUID")))?;
                Ok(page
                    .items
                    .first()
                    .map_or_else(|| NOBODY.to_owned(), ToString::to_string))
            }
            Err(Failure::Refused(refusal)) if refusal.status == StatusCode::FORBIDDEN => {
                Ok(NOBODY.to_owned())
            }
            Err(failure) => Err(failure.into_error(DOING, permission)),
        }
    }
}

fn probe(permission: &str, somebody: &str) -> Option<Probe> {
    let get = |path: &str| {
        Some(Probe {
            path: path.to_owned(),
            body: None,
        })
    };
    match permission {
        // `accountEnabled` is beyond `User.ReadBasic.All`.
        "User.Read.All" => get("/users?$select=id,accountEnabled&$top=1"),
        "Group.Read.All" | "GroupMember.Read.All" => get("/groups?$select=id&$top=1"),
        "Application.Read.All" => get("/applications?$select=id&$top=1"),
        "OrgContact.Read.All" => get("/contacts?$select=id&$top=1"),
        "Contacts.Read" => get(&format!("/users/{somebody}/contacts?$select=id&$top=1")),
        "MailboxSettings.Read" => get(&format!("/users/{somebody}/mailboxSettings/userPurpose")),
        "Presence.Read.All" => Some(Probe {
            path: "/communications/getPresencesByUserId".to_owned(),
            body: Some(serde_json::json!({ "ids": [somebody] }).to_string().into_bytes()),
        }),
        _ => None,
    }
}
