//! What an admin chooses from when contacts are set up: the tenant's shared mailboxes, the PBX's phonebooks.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::contact_binding::PhonebookBinding;
use crate::domain::ids::ConnectionId;
use crate::domain::mailbox::{MailboxAccount, MailboxId, MailboxPurpose};
use crate::domain::phonebook::{PhonebookId, PhonebookRow};
use crate::ports::{DirectoryError, PhoneSystemError, SideError, Sides};
use crate::store::{KnownPurposes, StoreError};

use super::Engine;

/// Accounts whose mailbox is asked about in one call: twenty calls of twenty, within the time that an admin waits.
const ASKED_AT_MOST: usize = 400;

/// A page waits no longer for numbers that it can do without.
const WAIT_FOR_SIZES: Duration = Duration::from_secs(5);

/// The choice could not be offered.
#[derive(Debug, thiserror::Error)]
pub enum PickError {
    /// There is no such connection, or nothing to sign in with.
    #[error("there is no such connection")]
    NoSuchConnection,
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The connection cannot be used.
    #[error(transparent)]
    Sides(#[from] SideError),
    /// The tenant.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The PBX.
    #[error(transparent)]
    PhoneSystem(#[from] PhoneSystemError),
    /// The PBX, within the time that somebody waits.
    #[error("the PBX did not answer in time")]
    Late,
}

/// Shared mailboxes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedMailboxes {
    /// Those found.
    pub found: Vec<MailboxAccount>,
    /// Whether every account that fits was asked; the same call again asks further.
    pub complete: bool,
}

/// A phonebook and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phonebook {
    /// As the PBX lists it.
    pub row: PhonebookRow,
    /// Our record of it, if it is ours.
    pub binding: Option<PhonebookBinding>,
    /// Since when it is visible, as an admin says.
    pub shown_at: Option<Timestamp>,
}

/// Shared mailboxes whose name or address begins with `search`, or all of them.
pub async fn shared_mailboxes(
    engine: &Engine,
    connection: ConnectionId,
    search: Option<&str>,
) -> Result<SharedMailboxes, PickError> {
    let sides = sides(engine, connection).await?;
    let accounts = sides.mailboxes.list_accounts(search).await?;
    let known = engine.store.mailbox_purposes(connection).await?;
    let mut known = known.unwrap_or_else(|| KnownPurposes {
        purposes: BTreeMap::new(),
        at: engine.clock.now(),
    });
    let unknown: Vec<MailboxId> = accounts
        .iter()
        .map(|account| account.id)
        .filter(|id| !known.purposes.contains_key(id))
        .collect();
    let asked: BTreeSet<MailboxId> = unknown.iter().take(ASKED_AT_MOST).copied().collect();
    if !asked.is_empty() {
        known.purposes.extend(sides.mailboxes.purposes(&asked).await?);
        engine.store.put_mailbox_purposes(connection, &known).await?;
    }
    let is_shared =
        |account: &MailboxAccount| known.purposes.get(&account.id) == Some(&MailboxPurpose::Shared);
    Ok(SharedMailboxes {
        found: accounts.into_iter().filter(is_shared).collect(),
        complete: unknown.len() <= ASKED_AT_MOST,
    })
}

/// Every phonebook of the PBX.
pub async fn phonebooks(engine: &Engine, connection: ConnectionId) -> Result<Vec<Phonebook>, PickError> {
    let sides = sides(engine, connection).await?;
    let rows = sides.contact_book.list_phonebooks().await?;
    let own = engine.store.own_contacts(connection).await?.books;
    let shown = engine.store.shown_phonebooks(connection).await?;
    Ok(rows
        .into_iter()
        .map(|row| Phonebook {
            binding: own
                .values()
                .find(|book| book.phonebook() == Some(row.id))
                .cloned(),
            shown_at: shown.get(&row.id).copied(),
            row,
        })
        .collect())
}

/// How many contacts the PBX counts in each of its phonebooks, unless it takes too long.
pub async fn phonebook_sizes(
    engine: &Engine,
    connection: ConnectionId,
) -> Result<BTreeMap<PhonebookId, u64>, PickError> {
    let sides = sides(engine, connection).await?;
    let rows = tokio::time::timeout(WAIT_FOR_SIZES, sides.contact_book.list_phonebooks()).await;
    let rows = rows.map_err(|_elapsed| PickError::Late)??;
    Ok(rows.into_iter().map(|row| (row.id, row.total)).collect())
}

async fn sides(engine: &Engine, connection: ConnectionId) -> Result<Sides, PickError> {
    let stored = engine.store.connection(connection).await?;
    let stored = stored.ok_or(PickError::NoSuchConnection)?.value;
    let secrets = engine.store.secrets(connection).await?;
    let secrets = secrets.ok_or(PickError::NoSuchConnection)?;
    Ok(engine.sides.sides(&stored, &secrets)?)
}
