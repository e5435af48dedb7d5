//! The contacts of one mailbox, by change reads alone: lists of contacts page by offset, and an edit meanwhile would
//! shift them. One request at a time: a mailbox takes four, and others read theirs beside.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, StatusCode};

use super::client::{Call, GraphClient};
use super::error::{Failure, unexpected};
use super::links::same_server;
use super::mailbox_refusal::mailbox_error;
use super::mailbox_wire::{CONTACT_PROPERTIES, ContactChange, contact_page, folder_page, place_page};
use super::pages::Chain;
use super::retry::Patience;
use super::wire::Page;
use crate::domain::mailbox::MailboxId;
use crate::ports::{DirectoryError, FolderMemory, MailboxError, MailboxMemory, MailboxRead};

/// After so long everything is read again, so that a change that Graph never told is found some day.
const TRUSTED: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Links are stored anew after so long: those of the directory are known to end after a week.
const LINKS_KEPT: SignedDuration = SignedDuration::from_hours(3 * 24);
/// Most folders of one mailbox: more are a loop.
const MAX_FOLDERS: usize = 1_000;

/// A contact that is moved while folders are read may show as gone from one before it shows in the other: after removals
/// all folders are asked again, so many times.
const PASSES: u32 = 3;

const DOING: &str = "reading the contacts of a mailbox";

/// One mailbox while it is read.
struct Reading<'a> {
    graph: &'a GraphClient,
    mailbox: MailboxId,
    patience: Patience,
}

/// Why what is remembered does not lead on.
enum Setback {
    /// Read everything.
    Lost,
    /// Give up.
    Failed(Failure),
}

impl From<Failure> for Setback {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<DirectoryError> for Setback {
    fn from(error: DirectoryError) -> Self {
        Self::Failed(Failure::Directory(error))
    }
}

impl GraphClient {
    pub(super) async fn read_mailbox(
        &self,
        mailbox: MailboxId,
        memory: Option<MailboxMemory>,
    ) -> Result<MailboxRead, MailboxError> {
        let reading = Reading {
            graph: self,
            mailbox,
            patience: self.patience(),
        };
        let now = self.clock.now();
        if let Some(memory) = memory.filter(|memory| now.duration_since(memory.read_at) < TRUSTED) {
            match reading.follow(memory, now).await {
                Ok(read) => return Ok(read),
                Err(Setback::Lost) => {}
                Err(Setback::Failed(failure)) => return Err(mailbox_error(failure, DOING)),
            }
        }
        reading
            .everything(now)
            .await
            .map_err(|failure| mailbox_error(failure, DOING))
    }
}

impl Reading<'_> {
    /// What changed since.
    async fn follow(&self, mut memory: MailboxMemory, now: Timestamp) -> Result<MailboxRead, Setback> {
        let mut moved = now.duration_since(memory.stored_at) >= LINKS_KEPT;
        let mut folders_moved = false;
        if let Some(link) = memory.folder_link.take() {
            let (folders, next) = self.changes(&link, folder_page).await?;
            folders_moved |= !folders.is_empty();
            memory.folder_link = Some(next);
        }
        for _ in 0..PASSES {
            let (news, removals) = self.pass(&mut memory).await?;
            moved |= news;
            if !removals || memory.folders.len() < 2 {
                break;
            }
        }
        if memory.default_folder.is_none() {
            memory.default_folder = self.default_folder().await?;
            folders_moved |= memory.default_folder.is_some();
        }
        if folders_moved {
            self.bring_folders_in_step(&mut memory).await?;
            moved = true;
        }
        if moved {
            memory.stored_at = now;
        }
        Ok(MailboxRead {
            memory,
            changed: moved,
        })
    }

    /// The changes of every folder: whether there were any, and whether contacts went.
    async fn pass(&self, memory: &mut MailboxMemory) -> Result<(bool, bool), Setback> {
        let (mut news, mut removals) = (false, false);
        for folder in memory.folders.values_mut() {
            let (changes, next) = self.changes(&folder.link, contact_page).await?;
            folder.link = next;
            for change in changes {
                news = true;
                removals |= matches!(change, ContactChange::Removed(_));
                folder.take(change);
            }
        }
        Ok((news, removals))
    }

    async fn everything(&self, now: Timestamp) -> Result<MailboxRead, Failure> {
        let default_folder = self.default_folder().await?;
        // The link is taken before the folders that it continues, so that none is missed between.
        let folder_link = match self.folder_link().await {
            Ok(link) => Some(link),
            Err(failure) if is_closed(&failure) => None,
            Err(failure) => return Err(failure),
        };
        let mut memory = MailboxMemory {
            folders: BTreeMap::new(),
            folder_link,
            default_folder,
            read_at: now,
            stored_at: now,
        };
        self.bring_folders_in_step(&mut memory).await?;
        Ok(MailboxRead {
            memory,
            changed: true,
        })
    }

    /// Reads folders that came, forgets those that went.
    async fn bring_folders_in_step(&self, memory: &mut MailboxMemory) -> Result<(), Failure> {
        let mut there: BTreeSet<String> = memory.default_folder.iter().cloned().collect();
        if memory.folder_link.is_some() {
            there.extend(self.folders().await?);
        }
        memory.folders.retain(|folder, _| there.contains(folder));
        for folder in there {
            if let Entry::Vacant(place) = memory.folders.entry(folder) {
                let read = self.folder(place.key()).await?;
                place.insert(read);
            }
        }
        Ok(())
    }

    /// The folder that Outlook calls Contacts is in no list that can be relied on: a contact in it tells which it is.
    async fn default_folder(&self) -> Result<Option<String>, Failure> {
        let call = self.call("/contacts?$top=1&$select=parentFolderId")?;
        let page = self.graph.fetch(&call, &self.patience, place_page).await?;
        Ok(page.items.into_iter().flatten().next())
    }

    async fn folder_link(&self) -> Result<String, Failure> {
        let first = self.call("/contactFolders/delta?$select=displayName")?;
        let (_, link) = self.round(first, folder_page).await?;
        Ok(link)
    }

    /// Every folder below the mailbox, however deep.
    async fn folders(&self) -> Result<BTreeSet<String>, Failure> {
        let mut found = BTreeSet::new();
        let mut open = vec!["/contactFolders".to_owned()];
        while let Some(path) = open.pop() {
            let first = self.call(&format!("{path}?$select=displayName&$top=100"))?;
            let mut page = Vec::new();
            let chain = Chain {
                first,
                patience: &self.patience,
            };
            self.graph
                .read_chain(chain, folder_page, |folders| page.extend(folders))
                .await?;
            for folder in page {
                open.push(format!("/contactFolders/{}/childFolders", segment(&folder)));
                found.insert(folder);
            }
            if found.len() > MAX_FOLDERS {
                return Err(unexpected(format!("{DOING}: the folders do not end")).into());
            }
        }
        Ok(found)
    }

    async fn folder(&self, folder: &str) -> Result<FolderMemory, Failure> {
        let path = format!(
            "/contactFolders/{}/contacts/delta?$select={CONTACT_PROPERTIES}",
            segment(folder)
        );
        let (changes, link) = self.round(self.call(&path)?, contact_page).await?;
        let mut read = FolderMemory {
            link,
            contacts: BTreeMap::new(),
        };
        for change in changes {
            read.take(change);
        }
        Ok(read)
    }

    /// A round of changes from a stored link.
    async fn changes<T>(
        &self,
        link: &str,
        parse: impl Fn(&[u8]) -> serde_json::Result<Page<T>> + Sync,
    ) -> Result<(Vec<T>, String), Setback> {
        // A link from before the base address changed belongs to nobody.
        let url = same_server(&self.graph.base, link).ok_or(Setback::Lost)?;
        let first = Call {
            url,
            ..self.call("/contacts")?
        };
        match self.round(first, parse).await {
            Ok(round) => Ok(round),
            Err(Failure::Refused(refusal))
                if refusal.is_lost_state()
                    // A dead link also shows as a plain 400; a folder that is gone as a 404 of its own kind.
                    || refusal.status == StatusCode::BAD_REQUEST
                    || refusal.has_code(&["erroritemnotfound"]) =>
            {
                Err(Setback::Lost)
            }
            Err(failure) => Err(Setback::Failed(failure)),
        }
    }

    async fn round<T>(
        &self,
        first: Call<'_>,
        parse: impl Fn(&[u8]) -> serde_json::Result<Page<T>> + Sync,
    ) -> Result<(Vec<T>, String), Failure> {
        let mut items = Vec::new();
        let chain = Chain {
            first,
            patience: &self.patience,
        };
        let link = self
            .graph
            .read_chain(chain, parse, |page| items.extend(page))
            .await?;
        let link = link.ok_or_else(|| unexpected(format!("{DOING}: the last page has no delta link")))?;
        self.graph.next_url(&link, DOING)?;
        Ok((items, link))
    }

    fn call(&self, path: &str) -> Result<Call<'static>, DirectoryError> {
        Ok(Call {
            url: self.graph.url(&format!("/users/{}{path}", self.mailbox))?,
            method: Method::GET,
            body: None,
            advanced: false,
            yielding: true,
            doing: DOING,
        })
    }
}

impl FolderMemory {
    fn take(&mut self, change: ContactChange) {
        match change {
            ContactChange::Present(id, contact) => drop(self.contacts.insert(id, *contact)),
            ContactChange::Removed(id) => drop(self.contacts.remove(&id)),
        }
    }
}

/// Whoever reads may see the contacts and not the list of folders, as with a single shared folder.
fn is_closed(failure: &Failure) -> bool {
    matches!(failure, Failure::Refused(refusal) if matches!(refusal.status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND))
}

fn segment(folder: &str) -> String {
    utf8_percent_encode(folder, NON_ALPHANUMERIC).to_string()
}
