//! Sessions of browsers, found by the hash of what their cookie holds. A session ends here, not in the cookie: whoever
//! signs out has ended it for every copy of the cookie.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Store;
use super::error::StoreError;
use super::item::{Row, body, from_doc, number, row, text, to_doc};
use super::keys::Key;
use super::write::{Expression, PRESENT, Written};
use crate::domain::ids::{ConnectionId, EntraUserId, TenantId};
use crate::domain::role::Role;

/// Without a request for so long a session ends.
const IDLE: SignedDuration = SignedDuration::from_mins(30);
/// So long after its beginning a session ends in any case.
const ABSOLUTE: SignedDuration = SignedDuration::from_hours(8);
/// A request is written down no more often than this.
const SEEN_APART: SignedDuration = SignedDuration::from_mins(1);

/// A browser's session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Whose, and for what.
    pub holder: Holder,
    /// When it began.
    pub began_at: Timestamp,
    /// When the last request came, to the minute.
    #[serde(skip, default = "long_ago")]
    pub seen_at: Timestamp,
    /// When the holder's rights were last looked up.
    #[serde(skip, default = "long_ago")]
    pub confirmed_at: Timestamp,
}

/// Whose session, and for what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Holder {
    /// A synced person, on their own page.
    Person {
        /// Of which connection.
        connection: ConnectionId,
        /// Who.
        user: EntraUserId,
    },
    /// Somebody in the console who came through Microsoft.
    Member {
        /// Through which connection's app.
        connection: ConnectionId,
        /// Of which tenant.
        tenant: TenantId,
        /// Who.
        user: EntraUserId,
        /// What to call them.
        name: String,
        /// What they may do.
        role: Role,
        /// Whether for all connections of the installation, or for that one alone.
        everywhere: bool,
        /// Their right rests on an app role, which only a sign-in can confirm.
        by_app_role: bool,
    },
    /// Somebody in the console who came with an API token.
    TokenBearer {
        /// Hash of the token: the session ends with it.
        token: String,
        /// What they may do.
        role: Role,
    },
}

impl Session {
    /// One that begins now.
    pub fn begin(holder: Holder, now: Timestamp) -> Self {
        Self {
            holder,
            began_at: now,
            seen_at: now,
            confirmed_at: now,
        }
    }

    /// Whether it has not ended.
    pub fn lives(&self, now: Timestamp) -> bool {
        now.duration_since(self.seen_at) < IDLE && now.duration_since(self.began_at) < ABSOLUTE
    }

    fn last_end(&self) -> Timestamp {
        self.began_at.saturating_add(ABSOLUTE).unwrap_or(Timestamp::MAX)
    }
}

fn long_ago() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

#[derive(Serialize, Deserialize)]
struct SessionRow {
    doc: String,
    seen_at: i64,
    confirmed_at: i64,
    expires_at: i64,
}

fn read(item: Row) -> Result<Session, StoreError> {
    let stored: SessionRow = body(item, "session")?;
    let session: Session = from_doc(&stored.doc, "session")?;
    let at = |seconds| Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH);
    Ok(Session {
        seen_at: at(stored.seen_at),
        confirmed_at: at(stored.confirmed_at),
        ..session
    })
}

impl Store {
    /// Stores a session under the hash of its cookie.
    pub async fn put_session(&self, hash: &str, session: &Session) -> Result<(), StoreError> {
        let stored = SessionRow {
            doc: to_doc(session)?,
            seen_at: session.seen_at.as_second(),
            confirmed_at: session.confirmed_at.as_second(),
            expires_at: session.last_end().as_second(),
        };
        self.put(row(&Key::session(hash), &stored)?, "storing a session")
            .await
    }

    /// The live session with this hash, of which a request came now.
    pub async fn session(&self, hash: &str, now: Timestamp) -> Result<Option<Session>, StoreError> {
        const DOING: &str = "reading a session";
        let key = Key::session(hash);
        let found = self.get(&key, DOING).await?.map(read).transpose()?;
        let Some(session) = found.filter(|session| session.lives(now)) else {
            return Ok(None);
        };
        if now.duration_since(session.seen_at) >= SEEN_APART {
            let seen = Expression::new("SET seen_at = :now").with(":now", number(now.as_second()));
            // Who signed out at this very moment stays out.
            if let Written::Refused(_) = self
                .update_if(&key, seen, Expression::new(PRESENT), DOING)
                .await?
            {
                return Ok(None);
            }
        }
        Ok(Some(session))
    }

    /// Notes that the holder's rights were looked up now, and what the session holds from here on. Says whether the session
    /// is still there; of two lookups side by side the first is kept.
    pub async fn confirm_session(
        &self,
        hash: &str,
        session: &Session,
        (holder, now): (&Holder, Timestamp),
    ) -> Result<bool, StoreError> {
        let confirmed = Session {
            holder: holder.clone(),
            ..session.clone()
        };
        let update = Expression::new("SET doc = :doc, confirmed_at = :now")
            .with(":doc", text(to_doc(&confirmed)?))
            .with(":now", number(now.as_second()));
        let unchanged = Expression::new(format!("{PRESENT} AND confirmed_at = :was"))
            .with(":was", number(session.confirmed_at.as_second()));
        let written = self
            .update_if(&Key::session(hash), update, unchanged, "confirming a session")
            .await?;
        Ok(!matches!(written, Written::Refused(None)))
    }

    /// Ends a session. Gone already is fine.
    pub async fn end_session(&self, hash: &str) -> Result<(), StoreError> {
        self.delete(&Key::session(hash), "ending a session").await
    }
}
