//! Who a browser's session belongs to. A cookie holds 256 random bits and the proof that they were made here; everything
//! else is in the table, under their hash.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use shared::domain::cookie_key::CookieKeys;
use shared::ports::Clock;
use shared::sso::{BrowserSecret, random_word, word_hash};
use shared::store::{Holder, Session, Store, StoreError};
use tokio::sync::Mutex;

use crate::cookies::{CookieKind, clear_cookie, read_cookie, write_cookie};
use crate::guard::{csrf_token, csrf_token_is};

/// Another process may have turned the keys; whoever sends forged cookies makes us look no more often than this.
const LOOK_APART: SignedDuration = SignedDuration::from_mins(1);
/// After so long the keys are read again in any case, so that they are turned in time.
const READ_AGAIN: SignedDuration = SignedDuration::from_hours(1);

/// Begins, finds and ends sessions. Cheap to clone.
#[derive(Clone)]
pub struct Sessions {
    store: Store,
    clock: Arc<dyn Clock>,
    keys: Arc<Mutex<Option<(CookieKeys, Timestamp)>>>,
}

/// A session that lives.
#[derive(Debug, Clone)]
pub struct Live {
    /// What the table says of it.
    pub session: Session,
    secret: String,
}

impl Live {
    /// What a page must send back with everything that changes something.
    pub fn csrf_token(&self) -> String {
        csrf_token(&self.secret)
    }

    /// Whether a page of this session sent it.
    pub fn is_csrf_token(&self, sent: &str) -> bool {
        csrf_token_is(&self.secret, sent)
    }

    /// Under which name the table has it.
    pub fn hash(&self) -> String {
        word_hash(&self.secret)
    }
}

impl Sessions {
    /// In this table, by this clock.
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            clock,
            keys: Arc::default(),
        }
    }

    /// The secret of a browser that signs in: the one it holds already, so that two sign-ins side by side both end well, or
    /// a fresh one; and the cookie to send.
    pub async fn browser(&self, headers: &HeaderMap) -> Result<(BrowserSecret, HeaderValue), StoreError> {
        let secret = self
            .known_browser(headers)
            .await?
            .unwrap_or_else(BrowserSecret::generate);
        let signed = self.sign(CookieKind::SignIn, secret.expose()).await?;
        Ok((secret, write_cookie(CookieKind::SignIn, signed)))
    }

    /// The secret of a browser that began a sign-in here.
    pub async fn known_browser(&self, headers: &HeaderMap) -> Result<Option<BrowserSecret>, StoreError> {
        let value = self.open(CookieKind::SignIn, headers).await?;
        Ok(value.as_deref().and_then(BrowserSecret::parse))
    }

    /// Begins a session. The one that the browser held before, if any, ends: nobody's session is carried through a sign-in.
    pub async fn begin(
        &self,
        kind: CookieKind,
        headers: &HeaderMap,
        holder: Holder,
    ) -> Result<HeaderValue, StoreError> {
        if let Some(old) = self.open(kind, headers).await? {
            self.store.end_session(&word_hash(&old)).await?;
        }
        let secret = random_word();
        let session = Session::begin(holder, self.clock.now());
        self.store.put_session(&word_hash(&secret), &session).await?;
        let signed = self.sign(kind, &secret).await?;
        Ok(write_cookie(kind, signed))
    }

    /// The session of a request.
    pub async fn current(&self, kind: CookieKind, headers: &HeaderMap) -> Result<Option<Live>, StoreError> {
        let Some(secret) = self.open(kind, headers).await? else {
            return Ok(None);
        };
        let found = self.store.session(&word_hash(&secret), self.clock.now()).await?;
        Ok(found.map(|session| Live { session, secret }))
    }

    /// Ends the session of a request, for every copy of its cookie; the cookie to send.
    pub async fn end(&self, kind: CookieKind, headers: &HeaderMap) -> Result<HeaderValue, StoreError> {
        if let Some(secret) = self.open(kind, headers).await? {
            self.store.end_session(&word_hash(&secret)).await?;
        }
        Ok(clear_cookie(kind))
    }

    async fn sign(&self, kind: CookieKind, value: &str) -> Result<String, StoreError> {
        Ok(self.keys(READ_AGAIN).await?.sign(kind.name(), value))
    }

    /// What a cookie of a request holds, if it was made here.
    async fn open(&self, kind: CookieKind, headers: &HeaderMap) -> Result<Option<String>, StoreError> {
        let Some(cookie) = read_cookie(headers, kind) else {
            return Ok(None);
        };
        let open = |keys: &CookieKeys| keys.open(kind.name(), cookie).map(str::to_owned);
        if let Some(value) = open(&self.keys(READ_AGAIN).await?) {
            return Ok(Some(value));
        }
        Ok(open(&self.keys(LOOK_APART).await?))
    }

    /// The keys, read anew if those at hand are older than this.
    async fn keys(&self, at_most: SignedDuration) -> Result<CookieKeys, StoreError> {
        // Held while reading: everybody else waits for this one answer.
        let mut kept = self.keys.lock().await;
        let now = self.clock.now();
        if let Some((keys, read_at)) = kept.as_ref()
            && now.duration_since(*read_at) < at_most
        {
            return Ok(keys.clone());
        }
        let keys = self.store.cookie_keys(now).await?;
        *kept = Some((keys.clone(), now));
        Ok(keys)
    }
}

#[cfg(test)]
#[path = "sessions_tests.rs"]
mod tests;
