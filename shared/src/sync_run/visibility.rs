//! Phonebooks that somebody has to make visible in the PBX portal: the Open API cannot, and does not tell whether it was
//! done. What an admin says about it is kept.

use jiff::Timestamp;

use crate::domain::contact_binding::PhonebookBinding;
use crate::domain::ids::ConnectionId;
use crate::domain::phonebook::PhonebookId;
use crate::store::{Store, StoreError};

use super::Engine;

/// Phonebooks read at once; a PBX has five hundred at most.
const A_READ: usize = 500;

/// A phonebook that contact sync keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptPhonebook {
    /// The PBX's key.
    pub id: PhonebookId,
    /// Our record of it.
    pub binding: PhonebookBinding,
    /// Since when it is visible, as an admin says; `None`: that is left to do.
    pub shown_at: Option<Timestamp>,
}

/// What an admin said was not taken down.
#[derive(Debug, thiserror::Error)]
pub enum VisibilityError {
    /// Contact sync keeps no such phonebook.
    #[error("contact sync keeps no such phonebook")]
    NotKept,
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Every phonebook that contact sync keeps: first those that are left to do, each kind by name. From the table alone.
pub async fn kept_phonebooks(
    store: &Store,
    connection: ConnectionId,
) -> Result<Vec<KeptPhonebook>, StoreError> {
    let shown = store.shown_phonebooks(connection).await?;
    let mut kept = Vec::new();
    let mut cursor = None;
    loop {
        let page = store
            .phonebook_bindings_page(connection, A_READ, cursor.as_deref())
            .await?;
        kept.extend(page.items.into_iter().filter_map(|binding| {
            let id = binding.phonebook()?;
            let shown_at = shown.get(&id).copied();
            Some(KeptPhonebook {
                id,
                binding,
                shown_at,
            })
        }));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    kept.sort_by(|a, b| {
        let key = |book: &KeptPhonebook| (book.shown_at.is_some(), book.binding.name.to_lowercase(), book.id);
        key(a).cmp(&key(b))
    });
    Ok(kept)
}

/// Takes down that a phonebook was made visible, or that it was not after all. Repeating is safe and keeps the first time.
pub async fn say_shown(
    engine: &Engine,
    connection: ConnectionId,
    book: PhonebookId,
    shown: bool,
) -> Result<KeptPhonebook, VisibilityError> {
    let store = &engine.store;
    let kept = kept_phonebooks(store, connection).await?;
    let found = kept.into_iter().find(|kept| kept.id == book);
    let known = found.ok_or(VisibilityError::NotKept)?;
    let shown_at = shown.then(|| known.shown_at.unwrap_or_else(|| engine.clock.now()));
    if shown_at != known.shown_at {
        store.put_shown_phonebook(connection, book, shown_at).await?;
        tracing::info!(
            connection.id = %connection, phonebook.id = %book, shown,
            "an admin said whether a phonebook is visible"
        );
    }
    Ok(KeptPhonebook { shown_at, ..known })
}
