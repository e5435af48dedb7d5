//! Which accounts have a mailbox, and what it is for. Graph has no list of shared mailboxes: each account is asked, twenty
//! a call.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Method;

use super::batch::{BATCH_SIZE, PartAnswer, PartBody};
use super::client::{Call, GraphClient};
use super::mailbox_wire::account_page;
use super::pages::Chain;
use super::retry::{delay, parse_retry_after};
use super::users::PERMISSION as USER_PERMISSION;
use crate::domain::entra_user::EntraUser;
use crate::domain::mailbox::{MailboxAccount, MailboxId, MailboxPurpose};
use crate::ports::{DirectoryError, MailboxError, MailboxMemory, MailboxRead, Mailboxes, UserQuery};

/// The permission that tells what a mailbox is for.
const PERMISSION: &str = "MailboxSettings.Read";

const ASKING: &str = "asking what mailboxes are for";
const LISTING: &str = "reading accounts with a mailbox";
const SELECT: &str = "$select=id,displayName,mail&$top=999";

/// What came of asking for one account.
enum Answered {
    Purpose(MailboxPurpose),
    Denied,
    Again(Option<Duration>),
}

#[async_trait]
impl Mailboxes for GraphClient {
    async fn read_contacts(
        &self,
        mailbox: MailboxId,
        memory: Option<MailboxMemory>,
    ) -> Result<MailboxRead, MailboxError> {
        self.read_mailbox(mailbox, memory).await
    }

    async fn purposes(
        &self,
        accounts: &BTreeSet<MailboxId>,
    ) -> Result<BTreeMap<MailboxId, MailboxPurpose>, DirectoryError> {
        self.ask_purposes(accounts).await
    }

    async fn lookup_account(&self, address: &str) -> Result<Option<MailboxAccount>, DirectoryError> {
        if let Some(user) = self.read_one_user(address, &UserQuery::default()).await? {
            return Ok(Some(account_of(user, address)));
        }
        let wanted = quoted(address);
        let found = self
            .accounts(&format!("/users?$filter=mail eq {wanted}&{SELECT}"))
            .await?;
        Ok(found.into_iter().next())
    }

    async fn list_accounts(&self, search: Option<&str>) -> Result<Vec<MailboxAccount>, DirectoryError> {
        let filter = search.map(|text| {
            let text = quoted(text);
            format!("$filter=startswith(displayName,{text}) or startswith(mail,{text})&")
        });
        self.accounts(&format!("/users?{}{SELECT}", filter.unwrap_or_default()))
            .await
    }
}

impl GraphClient {
    async fn accounts(&self, path: &str) -> Result<Vec<MailboxAccount>, DirectoryError> {
        let mut found = Vec::new();
        let chain = Chain {
            first: Call {
                url: self.url(path)?,
                method: Method::GET,
                body: None,
                advanced: false,
                yielding: true,
                doing: LISTING,
            },
            patience: &self.patience(),
        };
        self.read_chain(chain, account_page, |page| {
            found.extend(page.into_iter().flatten());
        })
        .await
        .map_err(|failure| failure.into_error(LISTING, USER_PERMISSION))?;
        Ok(found)
    }

    async fn ask_purposes(
        &self,
        accounts: &BTreeSet<MailboxId>,
    ) -> Result<BTreeMap<MailboxId, MailboxPurpose>, DirectoryError> {
        let patience = self.patience();
        let mut waiting: Vec<MailboxId> = accounts.iter().copied().collect();
        let mut purposes = BTreeMap::new();
        let mut denied = BTreeSet::new();
        let mut setbacks = 0;
        while !waiting.is_empty() {
            let asked: Vec<MailboxId> = waiting.drain(..waiting.len().min(BATCH_SIZE)).collect();
            let paths: Vec<String> = asked
                .iter()
                .map(|account| format!("/users/{account}/mailboxSettings/userPurpose"))
                .collect();
            let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            let answers = self.batch(&paths, ASKING, PERMISSION, &patience).await?;
            let mut held_back = None;
            for (account, answer) in asked.into_iter().zip(answers) {
                match self.judge_purpose(&answer) {
                    Answered::Purpose(purpose) => drop(purposes.insert(account, purpose)),
                    Answered::Denied => drop(denied.insert(account)),
                    Answered::Again(advised) => {
                        held_back = held_back.max(Some(advised));
                        waiting.push(account);
                    }
                }
            }
            if let Some(advised) = held_back {
                self.hold_everybody(delay(setbacks, advised));
                setbacks += 1;
            }
        }
        // Nobody may be asked: the permission is missing. Some may not: a policy excludes them.
        if purposes.is_empty() && !denied.is_empty() {
            return Err(DirectoryError::PermissionMissing {
                permission: PERMISSION.to_owned(),
            });
        }
        purposes.extend(
            denied
                .into_iter()
                .map(|account| (account, MailboxPurpose::Hidden)),
        );
        Ok(purposes)
    }

    fn judge_purpose(&self, answer: &PartAnswer) -> Answered {
        match (answer.status, &answer.body) {
            (200, PartBody::Word(word)) => Answered::Purpose(match word.to_ascii_lowercase().as_str() {
                "user" => MailboxPurpose::User,
                "shared" => MailboxPurpose::Shared,
                _ => MailboxPurpose::Other,
            }),
            (403, _) => Answered::Denied,
            (404, _) => Answered::Purpose(MailboxPurpose::None),
            (408 | 423 | 424 | 429 | 500 | 502 | 503 | 504 | 509, _) => {
                let header = answer.header("retry-after");
                Answered::Again(header.and_then(|text| parse_retry_after(&text, self.clock.now())))
            }
            _ => Answered::Purpose(MailboxPurpose::Hidden),
        }
    }
}

fn account_of(user: EntraUser, address: &str) -> MailboxAccount {
    let address = user.address().unwrap_or(address).to_owned();
    MailboxAccount {
        id: user.id,
        name: user.display_name.unwrap_or_else(|| address.clone()),
        address,
    }
}

/// A text of a filter.
fn quoted(text: &str) -> String {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    let doubled = text.replace('\'', "''");
    format!("'{}'", utf8_percent_encode(&doubled, NON_ALPHANUMERIC))
}
