//! Who is told of a connection's alerts, and the secret that signs what is posted. Whoever replaces the settings names the
//! version they read; a secret that is replaced signs for a day beside its successor.

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::connection_secrets::bytes;
use super::error::StoreError;
use super::item::{body, from_doc, number, row, to_doc};
use super::keys::Key;
use super::write::{Expression, VACANT, Written};
use super::{Stale, Store, Version, Versioned};
use crate::domain::alert::after;
use crate::domain::alert_settings::AlertSettings;
use crate::domain::ids::ConnectionId;

/// Before anybody wrote any.
const NONE_YET: Version = Version(0);
/// How long a receiver has to learn the next secret.
pub const OLD_SECRET_LIVES: SignedDuration = SignedDuration::from_hours(24);

const WHAT: &str = "settings of alerts";
const DOING_SECRET: &str = "storing the secret of a webhook";

#[derive(Serialize, Deserialize)]
struct SettingsRow {
    doc: String,
    ver: Version,
}

#[derive(Serialize, Deserialize)]
struct SecretRow {
    #[serde(with = "bytes")]
    sealed: Vec<u8>,
}

/// The text that is sealed.
#[derive(Serialize, Deserialize)]
struct Plain {
    secret: String,
    previous: Option<(String, Timestamp)>,
}

/// What signs that which is posted.
#[derive(Debug, Clone)]
pub struct AlertSecrets {
    /// The secret.
    pub secret: SecretString,
    /// The one before, and until when it signs too.
    pub previous: Option<(SecretString, Timestamp)>,
}

impl AlertSecrets {
    /// Those that sign now.
    pub fn good_at(&self, now: Timestamp) -> Vec<SecretString> {
        let previous = self.previous.iter().filter(|(_, until)| now < *until);
        let previous = previous.map(|(secret, _)| secret.clone());
        std::iter::once(self.secret.clone()).chain(previous).collect()
    }
}

impl Store {
    /// Who is told; nobody before anybody wrote any.
    pub async fn alert_settings(
        &self,
        connection: ConnectionId,
    ) -> Result<Versioned<AlertSettings>, StoreError> {
        let item = self
            .get(&Key::alert_settings(connection), "reading the settings of alerts")
            .await?;
        let Some(item) = item else {
            return Ok(Versioned {
                value: AlertSettings::default(),
                version: NONE_YET,
            });
        };
        let stored: SettingsRow = body(item, WHAT)?;
        Ok(Versioned {
            value: from_doc(&stored.doc, WHAT)?,
            version: stored.ver,
        })
    }

    /// Replaces the settings that were read as this version.
    pub async fn put_alert_settings(
        &self,
        connection: ConnectionId,
        settings: &AlertSettings,
        read_as: Version,
    ) -> Result<Result<Version, Stale>, StoreError> {
        let next = read_as.next();
        let stored = SettingsRow {
            doc: to_doc(settings)?,
            ver: next,
        };
        let condition = if read_as == NONE_YET {
            Expression::new(VACANT)
        } else {
            Expression::new("ver = :ver").with(":ver", number(read_as.0))
        };
        let item = row(&Key::alert_settings(connection), &stored)?;
        match self
            .put_if(item, condition, "storing the settings of alerts")
            .await?
        {
            Written::Yes => Ok(Ok(next)),
            // Ours, if the answer to an earlier try was lost.
            Written::Refused(found) => {
                let found = found.map(|found| body::<SettingsRow>(found, WHAT)).transpose()?;
                let ours = found.is_some_and(|found| found.ver == next && found.doc == stored.doc);
                Ok(if ours { Ok(next) } else { Err(Stale) })
            }
        }
    }

    /// What signs that which is posted; `None` before a webhook was set.
    pub async fn alert_secrets(&self, connection: ConnectionId) -> Result<Option<AlertSecrets>, StoreError> {
        const DOING: &str = "reading the secret of a webhook";
        let Some(item) = self.get(&Key::alert_secret(connection), DOING).await? else {
            return Ok(None);
        };
        let stored: SecretRow = body(item, "secret of a webhook")?;
        let plain: Plain = self.unseal(connection, stored.sealed, DOING).await?;
        Ok(Some(AlertSecrets {
            secret: plain.secret.into(),
            previous: plain.previous.map(|(secret, until)| (secret.into(), until)),
        }))
    }

    /// Puts a secret in the place of whatever is there. That signs for another day.
    pub async fn replace_alert_secret(
        &self,
        connection: ConnectionId,
        secret: &SecretString,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let known = self.alert_secrets(connection).await?;
        let until = after(now, OLD_SECRET_LIVES);
        let plain = Plain {
            secret: secret.expose_secret().to_owned(),
            previous: known.map(|known| (known.secret.expose_secret().to_owned(), until)),
        };
        let sealed = self.seal(connection, &plain, DOING_SECRET).await?;
        let item = row(&Key::alert_secret(connection), &SecretRow { sealed })?;
        self.put(item, DOING_SECRET).await
    }
}
