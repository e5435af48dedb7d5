//! When the client secret ends. Only the home tenant of an app registration knows; not knowing is an answer.

use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::client::{Call, GraphClient};
use super::error::Failure;
use super::wire::plain;
use crate::domain::connection::AppCredential;
use crate::domain::permissions::SECRET_EXPIRY;
use crate::ports::{DirectoryError, SecretExpiry};

const DOING: &str = "reading the app registration";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Application {
    #[serde(default)]
    password_credentials: Vec<PasswordCredential>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PasswordCredential {
    hint: Option<String>,
    end_date_time: Option<Timestamp>,
}

impl GraphClient {
    /// When the secret in use ends. [`DirectoryError::PermissionMissing`] without `Application.Read.All`.
    pub(super) async fn end_of_secret(&self) -> Result<SecretExpiry, DirectoryError> {
        let path = format!(
            "/applications(appId='{}')?$select=id,appId,passwordCredentials",
            self.client_id
        );
        let url = self.url(&path)?;
        let call = Call {
            url,
            method: Method::GET,
            body: None,
            advanced: false,
            yielding: false,
            doing: DOING,
        };
        let AppCredential::Secret(secret) = &self.credential else {
            return Ok(SecretExpiry::Unknown);
        };
        match self.fetch(&call, &self.patience(), plain::<Application>).await {
            Ok(application) => Ok(end_of(secret.expose_secret(), &application)),
            Err(Failure::Refused(refusal)) if refusal.status == StatusCode::NOT_FOUND => {
                Ok(SecretExpiry::Unknown)
            }
            Err(failure) => Err(failure.into_error(DOING, SECRET_EXPIRY)),
        }
    }
}

/// Several secrets can share the three characters of a hint: the earliest end is the safe one.
fn end_of(secret: &str, application: &Application) -> SecretExpiry {
    let ours = |hint: &str| !hint.is_empty() && secret.starts_with(hint);
    application
        .password_credentials
        .iter()
        .filter(|credential| credential.hint.as_deref().is_some_and(ours))
        .filter_map(|credential| credential.end_date_time)
        .min()
        .map_or(SecretExpiry::Unknown, SecretExpiry::At)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_secret_with_our_hint_counts() {
        let body = r#"{"passwordCredentials":[
            {"hint":"abc","endDateTime":"2027-01-01T00:00:00Z"},
            {"hint":"abc","endDateTime":"2026-07-01T00:00:00.0000000Z"},
            {"hint":"xyz","endDateTime":"2026-01-01T00:00:00Z"},
            {"hint":"","endDateTime":"2025-01-01T00:00:00Z"},
            {"hint":null,"endDateTime":null}]}"#;
        let application: Application = serde_json::from_str(body).unwrap();
        let july: Timestamp = "2026-07-01T00:00:00Z".parse().unwrap();
        assert_eq!(end_of("abc~secret", &application), SecretExpiry::At(july));
        assert_eq!(end_of("other", &application), SecretExpiry::Unknown);
    }
}
