//! What a connection is not allowed, though its settings ask for it: permissions of the app, and an account to act for.

use crate::domain::ids::ConnectionId;
use crate::domain::permissions::{ALWAYS, application, delegated};
use crate::domain::settings::ConnectionSettings;
use crate::ports::{Directory, DirectoryError};
use crate::store::{Store, StoreError};

/// What is lacking; by default nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lack {
    /// Application permissions of Graph.
    pub permissions: Vec<&'static str>,
    /// Contacts are to be read in somebody's name, and nobody signed in for that.
    pub account: bool,
}

/// Why it is not known what is lacking.
#[derive(Debug, thiserror::Error)]
pub enum LackError {
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Graph.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
}

/// What these settings ask for and the app does not have. Graph is asked only for what a run does not prove by itself.
pub async fn lacking(
    store: &Store,
    directory: &dyn Directory,
    connection: ConnectionId,
    settings: &ConnectionSettings,
) -> Result<Lack, LackError> {
    let mut beyond = application(settings);
    beyond.retain(|permission| !ALWAYS.contains(permission));
    let permissions = if beyond.is_empty() {
        Vec::new()
    } else {
        directory.missing_permissions(&beyond).await?
    };
    let account = lacks_account(store, connection, settings).await?;
    Ok(Lack { permissions, account })
}

/// The same where no run has proven anything: Graph is asked for everything, which the app has to sign in for.
pub async fn lacking_at_all(
    store: &Store,
    directory: &dyn Directory,
    connection: ConnectionId,
    settings: &ConnectionSettings,
) -> Result<Lack, LackError> {
    let needed = application(settings);
    Ok(Lack {
        permissions: directory.missing_permissions(&needed).await?,
        account: lacks_account(store, connection, settings).await?,
    })
}

/// Whether contacts are to be read in somebody's name, and nobody signed in for that.
async fn lacks_account(
    store: &Store,
    connection: ConnectionId,
    settings: &ConnectionSettings,
) -> Result<bool, StoreError> {
    let acts_for_somebody = !delegated(settings).is_empty();
    Ok(acts_for_somebody && store.delegated_grant(connection).await?.is_none())
}

impl Lack {
    /// The account alone, for whoever has asked for the permissions.
    pub async fn of_account(
        store: &Store,
        connection: ConnectionId,
        settings: &ConnectionSettings,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            permissions: Vec::new(),
            account: lacks_account(store, connection, settings).await?,
        })
    }

    /// The same without these permissions.
    #[must_use]
    pub fn but(mut self, granted: &[&str]) -> Self {
        self.permissions
            .retain(|permission| !granted.contains(permission));
        self
    }

    /// What to do, as one sentence; `None` where nothing is lacking.
    pub fn sentence(&self) -> Option<String> {
        let again = "sign in with Microsoft to connect once more";
        match (self.permissions.as_slice(), self.account) {
            ([], false) => None,
            ([], true) => Some(format!(
                "contacts are read in the name of an account, and none is authorised: {again}"
            )),
            (names, _) => Some(format!(
                "the app registration lacks {}: add what it does not list, and {again} with an account that may consent",
                names.join(", ")
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_named_one_by_one() {
        let mut lack = Lack::default();
        assert_eq!(lack.sentence(), None);
        lack.account = true;
        assert!(lack.sentence().unwrap().contains("none is authorised"));
        lack.permissions = vec!["Contacts.Read", "Presence.Read.All"];
        let sentence = lack.sentence().unwrap();
        assert!(
            sentence.contains("Contacts.Read, Presence.Read.All"),
            "{sentence}"
        );
    }
}
