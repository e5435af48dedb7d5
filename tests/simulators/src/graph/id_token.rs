//! The id_token of a person, with the claims that Microsoft puts in by default and those the app asked for.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::directory::Props;
use super::tenant::{App, Tenant};
use super::world::Moment;

/// Beyond so many groups a token only says where they can be asked for.
const MOST_GROUPS: usize = 200;
const LIFE_SECONDS: i64 = 3600;

/// What spoils the next id_tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdTokenChange {
    pub set: Map<String, Value>,
    pub remove: Vec<String>,
}

pub struct IdToken<'a> {
    pub tenant: &'a Tenant,
    pub client: &'a str,
    pub user: Uuid,
    pub nonce: Option<&'a str>,
    pub with_mail: bool,
    pub moment: &'a Moment,
}

impl IdToken<'_> {
    pub fn signed(&self, uti: Uuid) -> String {
        let mut claims = self.claims(uti);
        if let Some(change) = &self.tenant.people.id_token_change {
            claims.extend(change.set.clone());
            claims.retain(|name, _| !change.remove.contains(name));
        }
        self.tenant.keys.sign_v2(&Value::Object(claims))
    }

    fn claims(&self, uti: Uuid) -> Map<String, Value> {
        let nobody = Props::new();
        let user = self
            .tenant
            .directory
            .users
            .live
            .get(&self.user)
            .unwrap_or(&nobody);
        let text = |name: &str| user.get(name).and_then(Value::as_str);
        let guest = text("userType") == Some("Guest");
        let now = self.moment.now.as_second();
        let mut claims = Map::new();
        let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        set("ver", json!("2.0"));
        set(
            "iss",
            json!(format!("{}/{}/v2.0", self.moment.origin, self.tenant.id)),
        );
        set("aud", json!(self.client));
        set("iat", json!(now));
        set("nbf", json!(now));
        set("exp", json!(now + LIFE_SECONDS));
        set("tid", json!(self.tenant.id));
        set("oid", json!(self.user));
        set("sub", json!(self.subject()));
        set("uti", json!(URL_SAFE_NO_PAD.encode(uti.as_bytes())));
        set("name", json!(text("displayName").unwrap_or_default()));
        set(
            "preferred_username",
            json!(text("userPrincipalName").unwrap_or_default()),
        );
        if let Some(mail) = text("mail").filter(|_| guest || self.with_mail) {
            set("email", json!(mail));
        }
        if guest {
            set("idp", json!("live.com"));
        }
        if let Some(nonce) = self.nonce {
            set("nonce", json!(nonce));
        }
        if let Some(app) = self.tenant.apps.get(self.client) {
            self.add_rights(app, &mut claims);
        }
        claims
    }

    fn add_rights(&self, app: &App, claims: &mut Map<String, Value>) {
        if let Some(roles) = app.assigned.get(&self.user).filter(|roles| !roles.is_empty()) {
            claims.insert("roles".to_owned(), json!(roles));
        }
        if !app.emits_groups {
            return;
        }
        let groups = self.groups();
        if groups.len() > MOST_GROUPS {
            let origin = &self.moment.origin;
            let endpoint = format!("{origin}/{}/users/{}/getMemberObjects", self.tenant.id, self.user);
            claims.insert("_claim_names".to_owned(), json!({"groups": "src1"}));
            claims.insert(
                "_claim_sources".to_owned(),
                json!({"src1": {"endpoint": endpoint}}),
            );
        } else if !groups.is_empty() {
            claims.insert("groups".to_owned(), json!(groups));
        }
    }

    /// All groups that the person is in, through others too.
    fn groups(&self) -> BTreeSet<Uuid> {
        let mut found = BTreeSet::new();
        let mut members = BTreeSet::from([self.user]);
        loop {
            let next: BTreeSet<Uuid> = self
                .tenant
                .directory
                .members
                .iter()
                .filter(|(group, inside)| !found.contains(*group) && !members.is_disjoint(inside))
                .map(|(group, _)| *group)
                .collect();
            if next.is_empty() {
                return found;
            }
            members.extend(next.iter().copied());
            found.extend(next);
        }
    }

    /// Pairwise: each app sees another one of the same person.
    fn subject(&self) -> String {
        let text = format!("{}|{}|{}", self.tenant.id, self.client, self.user);
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        URL_SAFE_NO_PAD.encode(digest)
    }
}
