//! What is to change of a connection: judged as it stands, before anybody is called, and put in the place of what was.

use serde::{Deserialize, Deserializer};
use shared::domain::connection::{Connection, ConnectionSecrets, PbxSide};
use shared::domain::settings_check::FieldProblem;

use super::connection_input::{
    LinkusSdk, SecretText, base_url_problem, credential_problem, name_problem, origin, secret_problem,
};

/// What to change; what is left out stays.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectionPatch {
    /// What admins call it.
    #[serde(default)]
    pub name: Option<String>,
    /// The PBX. It is tested with all it has then, also where nothing of it changes.
    #[serde(default)]
    pub pbx: Option<PbxPatch>,
}

/// What to change of the PBX.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PbxPatch {
    /// Another address; the client secret must come with it, and what is to become of the Linkus SDK.
    #[serde(default)]
    pub base_url: Option<String>,
    /// Client ID of the PBX's API page.
    #[serde(default)]
    pub client_id: Option<String>,
    /// Client Secret of the PBX's API page.
    #[serde(default)]
    pub client_secret: Option<SecretText>,
    /// A private certificate authority, or the PBX's own self-signed certificate, PEM; null removes it.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub ca_pem: Given<String>,
    /// Credentials of the Linkus SDK; null removes them.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<LinkusSdk>)]
    pub linkus_sdk: Given<LinkusSdk>,
}

/// A field to leave, to set, or to unset.
#[derive(Debug, Default)]
pub enum Given<T> {
    #[default]
    Leave,
    Unset,
    Set(T),
}

fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Given<T>, D::Error> {
    Ok(match Option::deserialize(deserializer)? {
        Some(value) => Given::Set(value),
        None => Given::Unset,
    })
}

impl ConnectionPatch {
    /// What is wrong with the values as they stand.
    pub fn problems(&self, connection: &Connection, secrets: &ConnectionSecrets) -> Vec<FieldProblem> {
        let mut problems: Vec<FieldProblem> =
            self.name.as_deref().and_then(name_problem).into_iter().collect();
        if let Some(pbx) = &self.pbx {
            problems.extend(pbx.problems(&connection.pbx, secrets));
        }
        problems
    }

    /// Whether credentials of the Linkus SDK are to be tested.
    pub fn brings_linkus_sdk(&self) -> bool {
        let sdk = self.pbx.as_ref().map(|pbx| &pbx.linkus_sdk);
        matches!(sdk, Some(Given::Set(_)))
    }

    /// Puts it in the place of what was.
    pub fn apply(self, connection: &mut Connection, secrets: &mut ConnectionSecrets) {
        if let Some(name) = self.name {
            name.trim().clone_into(&mut connection.name);
        }
        if let Some(pbx) = self.pbx {
            pbx.apply(&mut connection.pbx, secrets);
        }
    }
}

impl PbxPatch {
    fn problems(&self, present: &PbxSide, secrets: &ConnectionSecrets) -> Vec<FieldProblem> {
        let id = self.client_id.as_deref();
        let elsewhere = self.leads_elsewhere(present);
        [
            self.base_url.as_deref().and_then(base_url_problem),
            id.and_then(|id| credential_problem("/pbx/client_id", id)),
            self.client_secret_problem(elsewhere),
            self.linkus_sdk_problem(elsewhere && secrets.linkus_sdk.is_some()),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Whether somebody else than the present PBX may answer: at another address, or vouched for by others.
    fn leads_elsewhere(&self, present: &PbxSide) -> bool {
        let wanted = self.base_url.as_deref().and_then(origin);
        let other_host = wanted.is_some_and(|wanted| wanted != present.base_url);
        let other_trust = match &self.ca_pem {
            Given::Leave => false,
            Given::Unset => present.ca_pem.is_some(),
            Given::Set(pem) => present.ca_pem.as_ref() != Some(pem),
        };
        other_host || other_trust
    }

    /// Whoever may change the address could else have the stored secret sent to a host of their own.
    fn client_secret_problem(&self, elsewhere: bool) -> Option<FieldProblem> {
        let pointer = "/pbx/client_secret";
        match &self.client_secret {
            Some(secret) => secret_problem(pointer, secret),
            None => elsewhere.then(|| {
                FieldProblem::new(
                    pointer,
                    "send the client secret again: the stored one goes to the stored address alone",
                )
            }),
        }
    }

    /// The same of the SDK's key, if one is stored.
    fn linkus_sdk_problem(&self, would_go_elsewhere: bool) -> Option<FieldProblem> {
        match &self.linkus_sdk {
            Given::Set(credentials) => credentials.problem(),
            Given::Unset => None,
            Given::Leave => would_go_elsewhere.then(|| {
                FieldProblem::new(
                    "/pbx/linkus_sdk",
                    "send the Linkus SDK credentials again, or have them removed: the stored ones go to the stored address alone",
                )
            }),
        }
    }

    fn apply(self, pbx: &mut PbxSide, secrets: &mut ConnectionSecrets) {
        if let Some(origin) = self.base_url.as_deref().and_then(origin) {
            pbx.base_url = origin;
        }
        if let Some(id) = self.client_id {
            id.trim().clone_into(&mut secrets.pbx.client_id);
        }
        if let Some(secret) = self.client_secret {
            secrets.pbx.client_secret = secret.0;
        }
        match self.ca_pem {
            Given::Leave => {}
            Given::Unset => pbx.ca_pem = None,
            Given::Set(pem) => pbx.ca_pem = Some(pem),
        }
        match self.linkus_sdk {
            Given::Leave => {}
            Given::Unset => secrets.linkus_sdk = None,
            Given::Set(credentials) => secrets.linkus_sdk = Some(credentials.credentials()),
        }
    }
}
