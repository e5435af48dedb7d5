//! What Graph can be asked to tell, and the random part of a subscription's secret word.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// Of which objects changes are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubscriptionKind {
    /// People.
    Users,
    /// Groups, with their members.
    Groups,
}

impl SubscriptionKind {
    /// Each of them.
    pub const ALL: [Self; 2] = [Self::Users, Self::Groups];

    /// For keys and sentences.
    pub fn key(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Groups => "groups",
        }
    }

    /// As Graph names the collection.
    pub fn resource(self) -> &'static str {
        match self {
            Self::Users => "/users",
            Self::Groups => "/groups",
        }
    }

    /// The reverse of [`SubscriptionKind::resource`], in any of Graph's spellings.
    pub fn of_resource(text: &str) -> Option<Self> {
        let name = text.trim_start_matches('/');
        Self::ALL
            .into_iter()
            .find(|kind| kind.key().eq_ignore_ascii_case(name))
    }
}

/// Makes the secret words of two subscriptions for the same objects differ.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Nonce([u8; 16]);

impl Nonce {
    /// One that nobody can foretell.
    pub fn generate() -> Self {
        Self(uuid::Uuid::new_v4().into_bytes())
    }

    /// Of stored or received bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// For what is made of it.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonce(..)")
    }
}

impl From<Nonce> for String {
    fn from(nonce: Nonce) -> Self {
        URL_SAFE_NO_PAD.encode(nonce.0)
    }
}

impl TryFrom<String> for Nonce {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const WANTED: &str = "22 characters of base64url expected";
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| WANTED)?;
        bytes.try_into().map(Self).map_err(|_| WANTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collection_is_known_in_every_spelling() {
        for (text, kind) in [
            ("/users", Some(SubscriptionKind::Users)),
            ("Users", Some(SubscriptionKind::Users)),
            ("groups", Some(SubscriptionKind::Groups)),
            ("/groups/1/members", None),
            ("", None),
        ] {
            assert_eq!(SubscriptionKind::of_resource(text), kind, "{text}");
        }
    }
}
