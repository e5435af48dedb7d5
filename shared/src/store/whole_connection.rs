//! A connection with what belongs to it, read at once: nobody waits for four answers of the table where one will do.

use super::binding_rows::read_binding;
use super::connections::read as read_connection;
use super::error::StoreError;
use super::item::Row;
use super::keys::Key;
use super::settings::read as read_settings;
use super::{Store, Versioned};
use crate::domain::binding::Binding;
use crate::domain::connection::{Connection, ConnectionSecrets};
use crate::domain::ids::{ConnectionId, EntraUserId};
use crate::domain::settings::ConnectionSettings;

const DOING: &str = "reading a connection with what belongs to it";

/// A connection with its settings and secrets.
#[derive(Debug, Clone)]
pub struct WholeConnection {
    /// The connection.
    pub connection: Versioned<Connection>,
    /// Its settings.
    pub settings: Versioned<ConnectionSettings>,
    /// What it signs in with on both sides.
    pub secrets: ConnectionSecrets,
}

impl Store {
    /// A connection with its settings. Its secrets stay closed.
    pub async fn connection_with_settings(
        &self,
        id: ConnectionId,
    ) -> Result<Option<(Connection, ConnectionSettings)>, StoreError> {
        let keys = [Key::meta(id), Key::settings(id)];
        let mut found = self.get_all(&keys, DOING).await?;
        let [connection, settings] = keys.map(|key| take(&mut found, &key));
        let (Some(connection), Some(settings)) = (connection, settings) else {
            return Ok(None);
        };
        Ok(Some((
            read_connection(connection)?.value,
            read_settings(settings)?.value,
        )))
    }

    /// A connection with its settings and secrets; `None` where one of them is not there.
    pub async fn whole_connection(&self, id: ConnectionId) -> Result<Option<WholeConnection>, StoreError> {
        let mut found = self.get_all(&keys_of(id), DOING).await?;
        self.whole_connection_in(id, &mut found).await
    }

    /// The same, with one person's binding.
    pub async fn whole_connection_of(
        &self,
        id: ConnectionId,
        user: EntraUserId,
    ) -> Result<Option<(WholeConnection, Option<Binding>)>, StoreError> {
        let [meta, settings, secrets] = keys_of(id);
        let own = Key::binding(id, user);
        let mut found = self
            .get_all(&[meta, settings, secrets, own.clone()], DOING)
            .await?;
        let binding = take(&mut found, &own).map(read_binding).transpose()?;
        let connection = self.whole_connection_in(id, &mut found).await?;
        Ok(connection.map(|connection| (connection, binding)))
    }

    async fn whole_connection_in(
        &self,
        id: ConnectionId,
        found: &mut Vec<Row>,
    ) -> Result<Option<WholeConnection>, StoreError> {
        let [connection, settings, secrets] = keys_of(id).map(|key| take(found, &key));
        let (Some(connection), Some(settings), Some(secrets)) = (connection, settings, secrets) else {
            return Ok(None);
        };
        Ok(Some(WholeConnection {
            connection: read_connection(connection)?,
            settings: read_settings(settings)?,
            secrets: self.open_secrets(id, secrets, DOING).await?,
        }))
    }
}

fn keys_of(id: ConnectionId) -> [Key; 3] {
    [Key::meta(id), Key::settings(id), Key::secrets(id)]
}

fn take(found: &mut Vec<Row>, key: &Key) -> Option<Row> {
    let place = found.iter().position(|item| key.is_of(item))?;
    Some(found.swap_remove(place))
}
