//! A token pair that lives in this process alone, for credentials under test: nothing of them reaches the table.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;

use crate::ports::{CredentialsDigest, PbxTokenStore, PbxTokens, TokenStoreError};

/// One pair, held in memory.
#[derive(Default)]
pub struct InMemoryTokens {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    pair: Option<PbxTokens>,
    claimed_until: Option<Timestamp>,
}

impl InMemoryTokens {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, pair: Option<PbxTokens>) {
        *self.state() = State {
            pair,
            claimed_until: None,
        };
    }
}

#[async_trait]
impl PbxTokenStore for InMemoryTokens {
    async fn load(&self) -> Result<Option<PbxTokens>, TokenStoreError> {
        Ok(self.state().pair.clone())
    }

    async fn claim_renewal(&self, now: Timestamp, until: Timestamp) -> Result<bool, TokenStoreError> {
        let mut state = self.state();
        let free = state.claimed_until.is_none_or(|claimed| claimed <= now);
        if free {
            state.claimed_until = Some(until);
        }
        Ok(free)
    }

    async fn save(&self, tokens: &PbxTokens) -> Result<(), TokenStoreError> {
        self.put(Some(tokens.clone()));
        Ok(())
    }

    // The client itself remembers what it was told, and nobody else has these credentials.
    async fn refusal(&self, _of: &CredentialsDigest) -> Result<Option<String>, TokenStoreError> {
        Ok(None)
    }

    async fn note_refusal(&self, _of: &CredentialsDigest, _sentence: &str) -> Result<(), TokenStoreError> {
        self.put(None);
        Ok(())
    }

    async fn clear(&self) -> Result<(), TokenStoreError> {
        self.put(None);
        Ok(())
    }
}
