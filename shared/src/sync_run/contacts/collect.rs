//! Reads mailboxes and the PBX's contacts. A mailbox that cannot be read is a fact about that mailbox; a PBX that cannot be
//! read ends the part.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::domain::mailbox::{MailboxId, Unreadable};
use crate::domain::permissions;
use crate::domain::phone_number::Country;
use crate::domain::phonebook::ContactLimits;
use crate::domain::settings::ContactAccess;
use crate::plan::contacts::snapshot::{ContactPolicy, ContactWorld, Contents, MailboxSnapshot};
use crate::ports::{DirectoryError, MailboxError, Mailboxes, PhoneSystemError};
use crate::store::OwnContacts;

use super::super::collect_error::CollectError;
use super::super::part::Basis;
use super::scope::{Chosen, Scope, Unread, scope};

/// Mailboxes read at once. Each is read one request at a time, so this is also how many requests are under way.
const MAILBOXES_AT_ONCE: usize = 8;

/// What was read, and the rules to judge it by.
pub(super) struct Collected {
    pub world: ContactWorld,
    pub policy: ContactPolicy,
    pub unread: Vec<Unread>,
}

/// Reads everything; `remember`: for the next time.
pub(super) async fn collect(basis: &Basis<'_>, remember: bool) -> Result<Collected, CollectError> {
    needs_firmware(basis).await?;
    let scope = scope(basis, remember).await?;
    let mailboxes = mailboxes(basis, &scope, remember);
    let pbx = pbx(basis);
    let (mailboxes, (world, limits)) = tokio::try_join!(mailboxes, pbx)?;
    let contacts = &basis.settings.contacts;
    let policy = ContactPolicy {
        country: Country::parse(&contacts.default_country).ok_or_else(|| CollectError::Setting {
            pointer: "contacts.default_country",
        })?,
        limits,
        acknowledged_visibility: contacts.personal.acknowledged_visibility,
        safety: basis.settings.safety.clone(),
        last_good_managed: basis.state.last_good_managed.map(|managed| managed.contacts),
    };
    Ok(Collected {
        world: ContactWorld {
            mailboxes,
            complete: scope.complete,
            resting: scope.resting,
            ..world
        },
        policy,
        unread: scope.unread,
    })
}

/// Older firmware has the calls and is not supported with them.
async fn needs_firmware(basis: &Basis<'_>) -> Result<(), CollectError> {
    let phone_system = &basis.sides.phone_system;
    if phone_system.capabilities().await?.contacts {
        return Ok(());
    }
    let firmware = phone_system.information().await?.firmware_version;
    let call = format!("contact sync, which needs 83.10.0.30 or later (the PBX has {firmware})");
    Err(PhoneSystemError::NotInThisFirmware { call }.into())
}

async fn pbx(basis: &Basis<'_>) -> Result<(ContactWorld, ContactLimits), CollectError> {
    let OwnContacts { contacts, books } = basis.store().own_contacts(basis.connection.id).await?;
    let book = &basis.sides.contact_book;
    let capacity = async { basis.sides.phone_system.capacity().await };
    let (rows, phonebooks, capacity) =
        tokio::try_join!(book.list_contacts(), book.list_phonebooks(), capacity)?;
    let world = ContactWorld {
        connection: basis.connection.id,
        mailboxes: BTreeMap::new(),
        complete: BTreeSet::new(),
        resting: BTreeSet::new(),
        bindings: contacts,
        books,
        rows: rows.into_iter().map(|row| (row.id, row)).collect(),
        phonebooks: phonebooks.into_iter().map(|row| (row.id, row)).collect(),
    };
    Ok((world, ContactLimits::of(capacity.extensions)))
}

async fn mailboxes(
    basis: &Basis<'_>,
    scope: &Scope,
    remember: bool,
) -> Result<BTreeMap<MailboxId, MailboxSnapshot>, CollectError> {
    let chosen: Vec<(MailboxId, Chosen)> = scope.mailboxes.clone().into_iter().collect();
    let read: BTreeMap<MailboxId, MailboxSnapshot> = stream::iter(chosen)
        .map(|(mailbox, chosen)| async move {
            let contents = contents(basis, mailbox, remember).await?;
            let Chosen {
                role,
                name,
                phonebook,
            } = chosen;
            let snapshot = MailboxSnapshot {
                role,
                name,
                phonebook,
                contents,
            };
            Ok::<_, CollectError>((mailbox, snapshot))
        })
        .buffer_unordered(MAILBOXES_AT_ONCE)
        .try_collect()
        .await?;
    let denied = |mailbox: &MailboxSnapshot| mailbox.contents == Contents::Unreadable(Unreadable::Denied);
    let by_app = basis.settings.contacts.access == ContactAccess::Application;
    // One that is closed is a policy's doing; all of them are a permission that is missing.
    if by_app && !read.is_empty() && read.values().all(denied) {
        let permission = permissions::CONTACTS.to_owned();
        return Err(DirectoryError::PermissionMissing { permission }.into());
    }
    Ok(read)
}

async fn contents(basis: &Basis<'_>, mailbox: MailboxId, remember: bool) -> Result<Contents, CollectError> {
    let (reader, access): (&dyn Mailboxes, String) = match basis.settings.contacts.access {
        ContactAccess::Application => (basis.sides.mailboxes.as_ref(), "application".to_owned()),
        ContactAccess::AuthorisedAccount => {
            let account = basis.connection.authorised_account.as_ref();
            let account = account
                .map(|account| account.user.to_string())
                .unwrap_or_default();
            (
                basis.sides.account_mailboxes.as_ref(),
                format!("account {account}"),
            )
        }
    };
    let (store, connection) = (basis.store(), basis.connection.id);
    let memory = store.mailbox_memory(connection, mailbox, &access).await?;
    match reader.read_contacts(mailbox, memory).await {
        Ok(read) => {
            if read.changed && remember {
                store
                    .put_mailbox_memory(connection, mailbox, &access, &read.memory)
                    .await?;
            }
            Ok(Contents::Complete(read.memory.contacts()))
        }
        Err(MailboxError::Unreadable { why, detail }) => {
            tracing::debug!(mailbox.id = %mailbox, detail, "a mailbox was not read");
            Ok(Contents::Unreadable(why))
        }
        Err(MailboxError::Directory(error)) => Err(error.into()),
    }
}
