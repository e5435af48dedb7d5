//! Who is told of a connection's alerts, and the secret that signs what is posted. Whoever replaces the settings names the
//! version they read; a secret that is replaced signs for a day beside its successor.

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::connection_secrets::bytes;
use super::error::StoreError;
use super::item::{body, from_doc, number, row, to_doc};
use super::keys::Key;
use super::patience::Patience;
use super::write::{Expression, VACANT, Written};
use super::{Stale, Store, Version, Versioned};
use crate::domain::alert::after;
use crate::domain::alert_settings::AlertSettings;
use crate::domain::ids::ConnectionId;

/// Before anybody wrote any.
const NONE_YET: Version = Version(0);
/// Secrets before the present one that are kept: nobody needs more in a day.
const MOST_PREDECESSORS: usize = 8;
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
    rev: Version,
    /// Of the last write, so that one whose answer was lost is recognised.
    mark: String,
}

/// The text that is sealed.
#[derive(Serialize, Deserialize)]
struct Plain {
    secret: String,
    previous: Vec<(String, Timestamp)>,
}

/// What signs that which is posted.
#[derive(Debug, Clone)]
pub struct AlertSecrets {
    /// The secret.
    pub secret: SecretString,
    /// Those before, and until when each signs too.
    pub previous: Vec<(SecretString, Timestamp)>,
}

impl AlertSecrets {
    /// These as the predecessors of another: the newest first.
    fn followed(&self, now: Timestamp) -> Vec<(String, Timestamp)> {
        let open = |secret: &SecretString| secret.expose_secret().to_owned();
        let own = (open(&self.secret), after(now, OLD_SECRET_LIVES));
        let older = self.previous.iter().filter(|(_, until)| now < *until);
        let older = older.map(|(secret, until)| (open(secret), *until));
        std::iter::once(own)
            .chain(older)
            .take(MOST_PREDECESSORS)
            .collect()
    }

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
        let read = self.read_alert_secrets(connection).await?;
        Ok(read.map(|read| read.value))
    }

    async fn read_alert_secrets(
        &self,
        connection: ConnectionId,
    ) -> Result<Option<Versioned<AlertSecrets>>, StoreError> {
        const DOING: &str = "reading the secret of a webhook";
        let Some(item) = self.get(&Key::alert_secret(connection), DOING).await? else {
            return Ok(None);
        };
        let stored: SecretRow = body(item, "secret of a webhook")?;
        let plain: Plain = self.unseal(connection, stored.sealed, DOING).await?;
        let previous = plain.previous.into_iter();
        Ok(Some(Versioned {
            value: AlertSecrets {
                secret: plain.secret.into(),
                previous: previous.map(|(secret, until)| (secret.into(), until)).collect(),
            },
            version: stored.rev,
        }))
    }

    /// Puts a secret in the place of whatever is there. Each of those before signs for a day more: of two admins who do this
    /// at once, neither has been shown one that signs nothing.
    pub async fn replace_alert_secret(
        &self,
        connection: ConnectionId,
        secret: &SecretString,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut patience = Patience::default();
        loop {
            let read = self.read_alert_secrets(connection).await?;
            let version = read.as_ref().map(|read| read.version);
            let plain = Plain {
                secret: secret.expose_secret().to_owned(),
                previous: read.map_or_else(Vec::new, |read| read.value.followed(now)),
            };
            if self.put_alert_secrets(connection, &plain, version).await? {
                return Ok(());
            }
            if !patience.wait(self).await {
                return Err(StoreError::Conflict { doing: DOING_SECRET });
            }
        }
    }

    async fn put_alert_secrets(
        &self,
        connection: ConnectionId,
        plain: &Plain,
        read_as: Option<Version>,
    ) -> Result<bool, StoreError> {
        let stored = SecretRow {
            sealed: self.seal(connection, plain, DOING_SECRET).await?,
            rev: read_as.map_or(Version::FIRST, Version::next),
            mark: uuid::Uuid::new_v4().to_string(),
        };
        let condition = match read_as {
            None => Expression::new(VACANT),
            Some(version) => Expression::new("rev = :rev").with(":rev", number(version.0)),
        };
        let item = row(&Key::alert_secret(connection), &stored)?;
        match self.put_if(item, condition, DOING_SECRET).await? {
            Written::Yes => Ok(true),
            Written::Refused(found) => {
                let found = found
                    .map(|found| body::<SecretRow>(found, "secret of a webhook"))
                    .transpose()?;
                Ok(found.is_some_and(|found| found.mark == stored.mark))
            }
        }
    }
}
