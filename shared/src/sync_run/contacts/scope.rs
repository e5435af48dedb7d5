//! Whose contacts the rules choose. A mailbox that cannot be told for certain makes the list incomplete, and an incomplete
//! list takes nothing away.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::SignedDuration;

use crate::domain::binding::Stage;
use crate::domain::ids::EntraUserId;
use crate::domain::mailbox::{MailboxAccount, MailboxId, MailboxPurpose, MailboxRole};
use crate::domain::operation_record::{ObjectKind, OperationRecord, Reason};
use crate::domain::part::Part;
use crate::domain::phonebook::personal_phonebook_name;
use crate::domain::settings::{MailboxScope, MailboxTarget, ScopeKind};
use crate::ports::{DirectoryError, GroupMembers};
use crate::store::KnownPurposes;

use super::super::collect_error::CollectError;
use super::super::membership::none_hidden;
use super::super::outcome::Stamp;
use super::super::part::Basis;
use super::lines::unread_line;

/// What a mailbox is for is asked again after so long.
const PURPOSES_KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Addresses looked up at once.
const LOOKUPS_AT_ONCE: usize = 8;
/// Phonebooks of one PBX at most.
const MOST_PHONEBOOKS: usize = 500;

/// A mailbox that the rules choose.
#[derive(Debug, Clone)]
pub(super) struct Chosen {
    pub role: MailboxRole,
    pub name: String,
    pub phonebook: String,
}

/// Something of the rules that leads to no mailbox.
#[derive(Debug, Clone)]
pub(super) struct Unread {
    /// The address, or what was looked for.
    pub what: String,
    pub detail: String,
}

impl Unread {
    /// As a line of the report.
    pub fn line(&self, stamp: Stamp) -> OperationRecord {
        let named = (self.what.as_str(), self.what.as_str());
        unread_line(
            named,
            ObjectKind::Phonebook,
            (Reason::MailboxUnreadable, &self.detail),
            stamp,
        )
    }
}

/// Everything that the rules choose.
#[derive(Debug, Default)]
pub(super) struct Scope {
    pub mailboxes: BTreeMap<MailboxId, Chosen>,
    /// Mailboxes of people whose extension is still there and is to go: they are not read and keep what they have.
    pub resting: BTreeSet<MailboxId>,
    /// Roles whose list is whole.
    pub complete: BTreeSet<MailboxRole>,
    pub unread: Vec<Unread>,
}

/// Reads who is chosen. A mailbox that is chosen twice counts as shared: its phonebook is for many.
pub(super) async fn scope(basis: &Basis<'_>, remember: bool) -> Result<Scope, CollectError> {
    let mut scope = Scope::default();
    let contacts = &basis.settings.contacts;
    if contacts.personal.enabled {
        (scope.mailboxes, scope.resting) = people(basis).await?;
        scope.complete.insert(MailboxRole::Personal);
    }
    if contacts.shared.enabled {
        match contacts.shared.scope {
            MailboxScope::Selected => selected(basis, &mut scope).await?,
            MailboxScope::All => all_shared(basis, remember, &mut scope).await?,
        }
    }
    Ok(scope)
}

/// Synced people, or those of them who are in the groups of the rules; and those who are leaving, whatever the rules say: who
/// comes back in the days of grace finds everything as it was.
async fn people(
    basis: &Basis<'_>,
) -> Result<(BTreeMap<MailboxId, Chosen>, BTreeSet<MailboxId>), CollectError> {
    let rules = &basis.settings.contacts.personal.scope;
    let within = match rules.kind {
        ScopeKind::Groups => Some(members(basis).await?),
        ScopeKind::All | ScopeKind::Types => None,
    };
    let is_within = |user: &EntraUserId| within.as_ref().is_none_or(|within| within.contains(user));
    // Where everything is taken away, nobody's rests.
    let keeps = basis.removal(Part::Contacts).is_none();
    let (mut chosen, mut resting) = (BTreeMap::new(), BTreeSet::new());
    for binding in basis.store().bindings(basis.connection.id).await?.into_values() {
        match binding.stage {
            Stage::Bound(_) if is_within(&binding.user) => {
                let mailbox = Chosen {
                    role: MailboxRole::Personal,
                    phonebook: personal_phonebook_name(&binding.name),
                    name: binding.name,
                };
                chosen.insert(binding.user, mailbox);
            }
            Stage::Leaving { .. } if keeps => {
                resting.insert(binding.user);
            }
            Stage::Bound(_) | Stage::Leaving { .. } | Stage::Intended { .. } => {}
        }
    }
    Ok((chosen, resting))
}

async fn members(basis: &Basis<'_>) -> Result<BTreeSet<EntraUserId>, CollectError> {
    let groups = &basis.settings.contacts.personal.scope.group_ids;
    let mut people = BTreeSet::new();
    let directory = basis.sides.directory.as_ref();
    let read = directory.group_members(groups).await?;
    none_hidden(directory, &read).await?;
    for (group, found) in read {
        match found {
            GroupMembers::People(found) => people.extend(found),
            GroupMembers::NoSuchGroup => return Err(CollectError::NoSuchContactGroup(group)),
        }
    }
    Ok(people)
}

async fn selected(basis: &Basis<'_>, scope: &mut Scope) -> Result<(), CollectError> {
    let targets = basis.settings.contacts.shared.mailboxes.clone();
    let found: Vec<(MailboxTarget, Option<MailboxAccount>)> = stream::iter(targets)
        .map(|target| async move {
            let found = basis.sides.mailboxes.lookup_account(&target.mailbox).await?;
            Ok::<_, DirectoryError>((target, found))
        })
        .buffered(LOOKUPS_AT_ONCE)
        .try_collect()
        .await?;
    let mut all_found = true;
    for (target, account) in found {
        let Some(account) = account else {
            all_found = false;
            scope.unread.push(Unread {
                what: target.mailbox,
                detail: "there is no account with this address; correct it in contacts.shared.mailboxes"
                    .to_owned(),
            });
            continue;
        };
        choose(scope, account, &target.phonebook);
    }
    if all_found {
        scope.complete.insert(MailboxRole::Shared);
    }
    Ok(())
}

fn choose(scope: &mut Scope, account: MailboxAccount, phonebook: &str) {
    let chosen = Chosen {
        role: MailboxRole::Shared,
        name: account.name,
        phonebook: phonebook.to_owned(),
    };
    scope.mailboxes.insert(account.id, chosen);
}

async fn all_shared(basis: &Basis<'_>, remember: bool, scope: &mut Scope) -> Result<(), CollectError> {
    let shared = match discover(basis, remember).await {
        Ok(shared) => shared,
        // The other half goes on, and whoever names mailboxes by hand needs no discovery.
        Err(CollectError::Directory(error @ DirectoryError::PermissionMissing { .. })) => {
            scope.unread.push(Unread {
                what: "shared mailboxes".to_owned(),
                detail: format!("{error}; consent to it, or name the mailboxes in contacts.shared.mailboxes with scope selected"),
            });
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    let Discovered { mut shared, hidden } = shared;
    if !hidden.is_empty() {
        // What is there stays: that nobody says what a mailbox is for does not make it another one.
        let kept = kept_for(basis, MailboxRole::Shared).await?;
        shared.extend(hidden.into_iter().filter(|account| kept.contains(&account.id)));
    }
    let targets = &basis.settings.contacts.shared.mailboxes;
    for account in shared {
        let target = targets
            .iter()
            .find(|target| target.mailbox.eq_ignore_ascii_case(&account.address));
        let phonebook = target.map_or_else(|| account.name.clone(), |target| target.phonebook.clone());
        choose(scope, account, &phonebook);
    }
    scope.complete.insert(MailboxRole::Shared);
    Ok(())
}

/// Mailboxes for which we keep a phonebook in this role.
async fn kept_for(basis: &Basis<'_>, role: MailboxRole) -> Result<BTreeSet<MailboxId>, CollectError> {
    let (store, connection) = (basis.store(), basis.connection.id);
    let books = store
        .phonebook_bindings_page(connection, MOST_PHONEBOOKS, None)
        .await?;
    let kept = books.items.into_iter().filter(|book| book.role == role);
    Ok(kept.map(|book| book.mailbox).collect())
}

/// The tenant's accounts, as far as they matter here.
struct Discovered {
    shared: Vec<MailboxAccount>,
    /// Of which Exchange does not say what they are for.
    hidden: Vec<MailboxAccount>,
}

/// The tenant's shared mailboxes. Who was asked within a week is not asked again.
async fn discover(basis: &Basis<'_>, remember: bool) -> Result<Discovered, CollectError> {
    let accounts = basis.sides.mailboxes.list_accounts(None).await?;
    let purposes = purposes_of(basis, &accounts, remember).await?;
    let of = |wanted: MailboxPurpose| {
        let fits = accounts
            .iter()
            .filter(|account| purposes.get(&account.id) == Some(&wanted));
        fits.cloned().collect()
    };
    Ok(Discovered {
        shared: of(MailboxPurpose::Shared),
        hidden: of(MailboxPurpose::Hidden),
    })
}

async fn purposes_of(
    basis: &Basis<'_>,
    accounts: &[MailboxAccount],
    remember: bool,
) -> Result<BTreeMap<MailboxId, MailboxPurpose>, CollectError> {
    let (store, now) = (basis.store(), basis.engine.clock.now());
    let known = store.mailbox_purposes(basis.connection.id).await?;
    let known = known.filter(|known| now.duration_since(known.at) < PURPOSES_KEPT);
    let mut known = known.unwrap_or(KnownPurposes {
        purposes: BTreeMap::new(),
        at: now,
    });
    let unknown = accounts
        .iter()
        .map(|account| account.id)
        .filter(|id| !known.purposes.contains_key(id));
    let unknown: BTreeSet<MailboxId> = unknown.collect();
    if !unknown.is_empty() {
        known
            .purposes
            .extend(basis.sides.mailboxes.purposes(&unknown).await?);
        if remember {
            store.put_mailbox_purposes(basis.connection.id, &known).await?;
        }
    }
    Ok(known.purposes)
}
