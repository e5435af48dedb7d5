//! Who may sign in: a person whose extension is ours, on a connection that works, with the sign-in switched on. The table
//! is asked at every step, so that switching off takes effect at once.

use shared::domain::binding::{Binding, Stage};
use shared::domain::connection::Connection;
use shared::domain::ids::{ConnectionId, EntraUserId};
use shared::domain::settings::ConnectionSettings;
use shared::metrics::SIGN_INS;
use shared::store::{Store, StoreError};

/// What somebody wants in for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// A client of the Linkus SDK.
    Linkus,
    /// Their own page.
    Me,
}

/// A connection through which people may sign in now.
#[derive(Debug, Clone)]
pub struct OpenConnection {
    pub connection: Connection,
    pub settings: ConnectionSettings,
}

/// The connection, if people may sign in through it.
pub async fn open_connection(
    store: &Store,
    id: ConnectionId,
    wish: Wish,
) -> Result<Option<OpenConnection>, StoreError> {
    let found = store.connection_with_settings(id).await?;
    Ok(found.and_then(|(connection, settings)| OpenConnection::of(connection, settings, wish)))
}

impl OpenConnection {
    /// This one, if people may sign in through it.
    pub fn of(connection: Connection, settings: ConnectionSettings, wish: Wish) -> Option<Self> {
        let open = Self { connection, settings };
        open.is_open_for(wish).then_some(open)
    }

    fn is_open_for(&self, wish: Wish) -> bool {
        let switched_on = match wish {
            Wish::Linkus => self.settings.sso.enabled,
            // There people see to their presence, too.
            Wish::Me => self.settings.sso.enabled || self.settings.presence.enabled,
        };
        switched_on && self.connection.status.may_run()
    }

    /// The person's binding, if their extension is ours and they are not leaving.
    pub async fn admit(&self, store: &Store, user: EntraUserId) -> Result<Option<Binding>, StoreError> {
        Ok(self.judge(store.binding(self.connection.id, user).await?, user))
    }

    /// The same for a binding that was read already.
    pub fn judge(&self, binding: Option<Binding>, user: EntraUserId) -> Option<Binding> {
        let admitted = binding.filter(|binding| matches!(binding.stage, Stage::Bound(_)));
        if admitted.is_none() {
            tracing::warn!(
                target: SIGN_INS.target,
                {
                    refused = 1,
                    security.event = "sign_in_refused",
                    connection.id = %self.connection.id,
                    entra_user.id = %user,
                },
                "somebody without an extension of ours signed in with Microsoft and was refused"
            );
        }
        admitted
    }
}
