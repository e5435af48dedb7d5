//! What a search offers: groups by name, page by page, or shared mailboxes; each from the same calls as the pickers of the
//! API. A side that does not answer is said on the page, and what was ticked before stays.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use shared::domain::connection::Connection;
use shared::domain::ids::EntraGroupId;
use shared::domain::settings::GroupType;
use shared::ports::{Directory, DirectoryError};
use shared::telemetry::chain;
use web::Words;

use super::error::PageError;
use super::form::Form;
use super::picked::{Wanted, phonebook_of};
use crate::AdminState;
use crate::use_cases::{PickError, kept_phonebooks, shared_mailboxes};

/// Groups or mailboxes of one page of a search.
const A_PAGE: usize = 50;
/// Longest name that Entra gives a group.
const MAX_SEARCH: usize = 256;

/// Something to tick.
pub struct Choice {
    /// Object id of a group, address of a mailbox.
    pub value: String,
    pub name: String,
    /// Kind of a group.
    pub kind: Option<GroupType>,
    /// Where the contacts of a mailbox go.
    pub book: String,
}

/// What a search found.
#[derive(Default)]
pub struct Offer {
    pub found: Vec<Choice>,
    /// Where the next page begins.
    pub next: Option<String>,
    /// Mailboxes that were not asked what they are for; the same search asks further.
    pub incomplete: bool,
    /// Phonebooks that contact sync keeps.
    pub books: Vec<String>,
    pub problem: Option<NotOffered>,
}

/// Why nothing is offered.
pub enum NotOffered {
    /// A permission is missing; addresses can be typed all the same.
    Permission(String),
    /// The side did not answer.
    Silent,
}

impl NotOffered {
    pub fn say(&self, words: Words) -> String {
        match self {
            Self::Permission(permission) => words.with("pick-permission", &[("permission", permission)]),
            Self::Silent => words.text("pick-not-read"),
        }
    }
}

impl Choice {
    /// With the phonebook that was typed for it, or stood in the form.
    pub fn remember(&mut self, form: &Form, document: &Value) {
        let otherwise = std::mem::take(&mut self.book);
        self.book = phonebook_of(&self.value, form, document, &otherwise);
    }
}

/// What fits the words of a search.
pub async fn offer(
    state: &AdminState,
    connection: &Connection,
    wanted: Wanted,
    (search, cursor): (&str, Option<&str>),
) -> Result<Offer, PageError> {
    let search: String = search.chars().take(MAX_SEARCH).collect();
    match wanted {
        Wanted::Groups | Wanted::MappedGroups => groups(state, connection, (&search, cursor)).await,
        Wanted::Mailboxes => mailboxes(state, connection, (&search, cursor)).await,
    }
}

async fn groups(
    state: &AdminState,
    connection: &Connection,
    (search, cursor): (&str, Option<&str>),
) -> Result<Offer, PageError> {
    let Some(directory) = directory(state, connection).await? else {
        return Ok(silent());
    };
    match directory.search_groups(search, A_PAGE, cursor).await {
        Ok(page) => Ok(Offer {
            found: page
                .groups
                .into_iter()
                .map(|group| Choice {
                    value: group.id.to_string(),
                    name: group.name,
                    kind: group.kind,
                    book: String::new(),
                })
                .collect(),
            next: page.next,
            ..Offer::default()
        }),
        Err(error) => Ok(not_offered(connection, error)),
    }
}

/// All of them are read for each page, whose cursor is the place of its first.
async fn mailboxes(
    state: &AdminState,
    connection: &Connection,
    (search, cursor): (&str, Option<&str>),
) -> Result<Offer, PageError> {
    let from: usize = cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
    let end = from.saturating_add(A_PAGE);
    let search = Some(search.trim()).filter(|text| !text.is_empty());
    let kept = kept_phonebooks(&state.engine.store, connection.id).await?;
    let books = kept.into_iter().map(|book| book.binding.name).collect();
    match shared_mailboxes(&state.engine, connection.id, search).await {
        Ok(list) => Ok(Offer {
            next: (list.found.len() > end).then(|| end.to_string()),
            found: list
                .found
                .into_iter()
                .skip(from)
                .take(A_PAGE)
                .map(|account| Choice {
                    value: account.address,
                    book: account.name.clone(),
                    name: account.name,
                    kind: None,
                })
                .collect(),
            incomplete: !list.complete,
            books,
            ..Offer::default()
        }),
        Err(PickError::Store(error)) => Err(error.into()),
        Err(PickError::NoSuchConnection) => Err(PageError::NotFound),
        Err(PickError::Directory(error)) => Ok(not_offered(connection, error)),
        Err(error) => {
            tracing::warn!(connection.id = %connection.id, error = %chain(&error), "mailboxes could not be offered");
            Ok(silent())
        }
    }
}

fn silent() -> Offer {
    Offer {
        problem: Some(NotOffered::Silent),
        ..Offer::default()
    }
}

fn not_offered(connection: &Connection, error: DirectoryError) -> Offer {
    tracing::warn!(connection.id = %connection.id, error = %chain(&error), "nothing could be offered to pick from");
    let problem = match error {
        DirectoryError::PermissionMissing { permission } => NotOffered::Permission(permission),
        _ => NotOffered::Silent,
    };
    Offer {
        problem: Some(problem),
        ..Offer::default()
    }
}

/// What is ticked already, groups with their names as far as the directory or the table knows them.
pub async fn groups_named(
    state: &AdminState,
    connection: &Connection,
    wanted: Wanted,
    ticked: &[String],
) -> Result<Vec<Choice>, PageError> {
    let ids: BTreeSet<EntraGroupId> = ticked
        .iter()
        .filter_map(|id| EntraGroupId::parse(id).ok())
        .collect();
    let mut names = state.engine.store.group_names(connection.id).await?;
    let unknown: BTreeSet<EntraGroupId> = ids.into_iter().filter(|id| !names.contains_key(id)).collect();
    if wanted != Wanted::Mailboxes && !unknown.is_empty() {
        names.extend(asked(state, connection, &unknown).await?);
    }
    let choice = |value: &String| Choice {
        name: EntraGroupId::parse(value)
            .ok()
            .and_then(|id| names.get(&id).cloned())
            .unwrap_or_default(),
        value: value.clone(),
        kind: None,
        book: String::new(),
    };
    Ok(ticked.iter().map(choice).collect())
}

async fn asked(
    state: &AdminState,
    connection: &Connection,
    ids: &BTreeSet<EntraGroupId>,
) -> Result<BTreeMap<EntraGroupId, String>, PageError> {
    let Some(directory) = directory(state, connection).await? else {
        return Ok(BTreeMap::new());
    };
    let found = directory.groups_by_id(ids).await.unwrap_or_else(|error| {
        tracing::debug!(connection.id = %connection.id, error = %chain(&error), "groups stay without their names");
        BTreeMap::new()
    });
    Ok(found.into_iter().map(|(id, group)| (id, group.name)).collect())
}

async fn directory(
    state: &AdminState,
    connection: &Connection,
) -> Result<Option<Arc<dyn Directory>>, PageError> {
    let Some(secrets) = state.engine.store.secrets(connection.id).await? else {
        return Ok(None);
    };
    let sides = state.engine.sides.sides(connection, &secrets);
    Ok(sides.ok().map(|sides| sides.directory))
}
