//! API tokens. Only their hashes are here: a copy of the table opens nothing.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Store;
use super::error::StoreError;
use super::item::{Row, body, from_doc, row, to_doc};
use super::keys::{Key, Partition};
use super::paging::Listing;
use crate::domain::role::Role;

/// What is known of an API token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiToken {
    /// What its holder may do.
    pub role: Role,
    /// What admins call it.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends, if ever. Judging it is the caller's: the table deletes it later.
    pub expires_at: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
struct TokenRow {
    sk: String,
    doc: String,
    expires_at: Option<i64>,
}

fn read(item: Row) -> Result<(String, ApiToken), StoreError> {
    let stored: TokenRow = body(item, "API token")?;
    Ok((stored.sk, from_doc(&stored.doc, "API token")?))
}

impl Store {
    /// Stores a token under the hexadecimal SHA-256 of its text.
    pub async fn put_api_token(&self, hash: &str, token: &ApiToken) -> Result<(), StoreError> {
        let stored = TokenRow {
            sk: hash.to_owned(),
            doc: to_doc(token)?,
            expires_at: token.expires_at.map(Timestamp::as_second),
        };
        let item = row(&Key::api_token(hash), &stored)?;
        self.put(item, "storing an API token").await
    }

    /// The token with this hash.
    pub async fn api_token(&self, hash: &str) -> Result<Option<ApiToken>, StoreError> {
        let item = self.get(&Key::api_token(hash), "reading an API token").await?;
        Ok(item.map(read).transpose()?.map(|(_, token)| token))
    }

    /// All tokens with their hashes.
    pub async fn api_tokens(&self) -> Result<Vec<(String, ApiToken)>, StoreError> {
        let mut tokens = Vec::new();
        let listing = Listing::of(&Partition::api_tokens());
        self.each_row(&listing, "listing API tokens", |item| {
            tokens.push(read(item)?);
            Ok(())
        })
        .await?;
        Ok(tokens)
    }

    /// Ends a token. Gone already is fine.
    pub async fn delete_api_token(&self, hash: &str) -> Result<(), StoreError> {
        self.delete(&Key::api_token(hash), "deleting an API token").await
    }
}
