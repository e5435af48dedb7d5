//! Change reads. The cursor is the delta link of a round's last page; a round that breaks off leaves the old cursor
//! good, and a cursor that Graph no longer knows is never mistaken for "nothing changed".

use std::collections::{BTreeMap, BTreeSet};

use reqwest::{Method, StatusCode};

use super::client::{Call, GraphClient};
use super::error::{Failure, unexpected};
use super::links::same_server;
use super::pages::Chain;
use super::users::{PERMISSION as USER_PERMISSION, number_path, select};
use super::wire::{self, IdPage, Page};
use super::{groups, retry::Patience};
use crate::domain::entra_user::UserChange;
use crate::domain::ids::{EntraGroupId, EntraUserId};
use crate::ports::{Cursor, DirectoryError, UserQuery};

/// A stored cursor and what it reads.
struct Round<'a> {
    cursor: &'a Cursor,
    doing: &'static str,
    permission: &'static str,
}

impl GraphClient {
    pub(super) async fn start_user_cursor(&self, query: &UserQuery) -> Result<Cursor, DirectoryError> {
        let number = number_path(query)?;
        let path = format!(
            "/users/delta?$deltatoken=latest&$select={}",
            select(number.as_ref())
        );
        let parse = |body: &[u8]| wire::user_page(body, number.as_ref());
        self.start_cursor(&path, "starting to read user changes", USER_PERMISSION, parse)
            .await
    }

    pub(super) async fn start_group_cursor(&self) -> Result<Cursor, DirectoryError> {
        let path = "/groups/delta?$deltatoken=latest&$select=displayName,members";
        self.start_cursor(
            path,
            "starting to read group changes",
            groups::PERMISSION,
            group_page,
        )
        .await
    }

    pub(super) async fn read_user_changes(
        &self,
        cursor: &Cursor,
        query: &UserQuery,
    ) -> Result<(Vec<UserChange>, Cursor), DirectoryError> {
        let number = number_path(query)?;
        let round = Round {
            cursor,
            doing: "reading user changes",
            permission: USER_PERMISSION,
        };
        let parse = |body: &[u8]| wire::user_page(body, number.as_ref());
        let (changes, next) = self.read_round(&round, parse).await?;
        let mut last_word = BTreeMap::new();
        for change in changes {
            last_word.insert(changed_user(&change), change);
        }
        Ok((last_word.into_values().collect(), next))
    }

    pub(super) async fn read_group_changes(
        &self,
        cursor: &Cursor,
    ) -> Result<(BTreeSet<EntraGroupId>, Cursor), DirectoryError> {
        let round = Round {
            cursor,
            doing: "reading group changes",
            permission: groups::PERMISSION,
        };
        let (ids, next) = self.read_round(&round, group_page).await?;
        Ok((ids.into_iter().collect(), next))
    }

    async fn start_cursor<T>(
        &self,
        path: &str,
        doing: &'static str,
        permission: &'static str,
        parse: impl Fn(&[u8]) -> serde_json::Result<Page<T>> + Sync,
    ) -> Result<Cursor, DirectoryError> {
        let call = Call {
            url: self.url(path)?,
            method: Method::GET,
            body: None,
            advanced: false,
            yielding: false,
            doing,
        };
        let chain = Chain {
            first: call,
            patience: &self.patience(),
        };
        let link = self
            .read_chain(chain, parse, |_| {})
            .await
            .map_err(|failure| failure.into_error(doing, permission))?;
        self.accept_cursor(link, doing)
    }

    async fn read_round<T>(
        &self,
        round: &Round<'_>,
        parse: impl Fn(&[u8]) -> serde_json::Result<Page<T>> + Sync,
    ) -> Result<(Vec<T>, Cursor), DirectoryError> {
        let patience = self.patience();
        let mut may_repeat = true;
        loop {
            let failure = match self.read_round_once(round, &patience, &parse).await {
                Ok((items, link)) => return Ok((items, self.accept_cursor(link, round.doing)?)),
                Err(failure) => failure,
            };
            match failure {
                Failure::Refused(refusal) if refusal.is_lost_state() => {
                    return Err(DirectoryError::CursorExpired);
                }
                // A token that is too old or broken also shows as a plain 400, and so does a passing fault.
                Failure::Refused(refusal) if refusal.status == StatusCode::BAD_REQUEST => {
                    if !may_repeat {
                        return Err(DirectoryError::CursorExpired);
                    }
                    may_repeat = false;
                }
                other => return Err(other.into_error(round.doing, round.permission)),
            }
        }
    }

    async fn read_round_once<T>(
        &self,
        round: &Round<'_>,
        patience: &Patience,
        parse: impl Fn(&[u8]) -> serde_json::Result<Page<T>> + Sync,
    ) -> Result<(Vec<T>, Option<String>), Failure> {
        // A cursor from before the base address changed belongs to nobody.
        let url = same_server(&self.base, &round.cursor.0).ok_or(DirectoryError::CursorExpired)?;
        let doing = round.doing;
        let first = Call {
            url,
            method: Method::GET,
            body: None,
            advanced: false,
            yielding: false,
            doing,
        };
        let mut items = Vec::new();
        let link = self
            .read_chain(Chain { first, patience }, parse, |page| items.extend(page))
            .await?;
        Ok((items, link))
    }

    fn accept_cursor(&self, link: Option<String>, doing: &str) -> Result<Cursor, DirectoryError> {
        let link = link.ok_or_else(|| unexpected(format!("{doing}: the last page has no delta link")))?;
        self.next_url(&link, doing)?;
        Ok(Cursor(link))
    }
}

fn changed_user(change: &UserChange) -> EntraUserId {
    match change {
        UserChange::Present(user) => user.id,
        UserChange::Removed(id) => *id,
    }
}

fn group_page(body: &[u8]) -> serde_json::Result<Page<EntraGroupId>> {
    use serde::de::Error as _;
    let page: IdPage = serde_json::from_slice(body)?;
    page.into_page(EntraGroupId::parse)
        .map_err(|_| serde_json::Error::custom("a group whose id is no GUID"))
}
