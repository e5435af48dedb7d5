//! The one access token of a PBX, shared with every other function through the token store. At most one renewal
//! runs at a time, here by a mutex and elsewhere by a claim; signing in anew is the last resort.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Mutex;

use super::error::Fault;
use super::sign_in::{NoToken, after, del_token, get_token, refresh_token};
use super::transport::Transport;
use crate::domain::connection::PbxCredentials;
use crate::ports::{Clock, CredentialsDigest, PbxTokenStore, PbxTokens, ShutProblem, TokenStoreError};

/// A token this near its end is renewed first, so that it cannot end on its way to the PBX.
const MARGIN: Duration = Duration::from_mins(1);

/// Longer than a refused refresh and a sign-in take together under the default time-outs.
const CLAIM: Duration = Duration::from_secs(75);

/// Between two looks at whether the holder of the claim has saved.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Twice the claim: by then its holder has saved, given up or died, and so has its successor.
const MOST_LOOKS: u32 = 300;

/// How long a refusal other than that of the credentials is believed; an admin may lift it meanwhile. So far apart,
/// sign-ins whose answers are lost hold at most six of the PBX's eight sessions, each of which lives 30 minutes.
const BARRED: Duration = Duration::from_mins(5);

/// Hands out the token and renews it.
pub(super) struct TokenKeeper {
    transport: Arc<Transport>,
    credentials: PbxCredentials,
    digest: CredentialsDigest,
    store: Arc<dyn PbxTokenStore>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    pair: Option<PbxTokens>,
    bar: Option<Bar>,
}

/// The PBX said no in a way that asking again makes worse.
struct Bar {
    problem: ShutProblem,
    sentence: String,
    /// `None`: for the life of this client, whose credentials never change. An admin who tests them anew gets other clients.
    until: Option<Timestamp>,
}

impl TokenKeeper {
    pub(super) fn new(
        transport: Arc<Transport>,
        (credentials, digest): (PbxCredentials, CredentialsDigest),
        store: Arc<dyn PbxTokenStore>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            transport,
            credentials,
            digest,
            store,
            clock,
            state: Mutex::default(),
        }
    }

    /// A token that lives long enough for one call.
    pub(super) async fn current(&self) -> Result<SecretString, NoToken> {
        let mut state = self.state.lock().await;
        self.refuse_while_barred(&mut state)?;
        match &state.pair {
            Some(pair) if self.is_fresh(pair) => Ok(pair.access_token.clone()),
            _ => self.renew(&mut state, None).await,
        }
    }

    /// Another token, because the PBX no longer takes this one.
    pub(super) async fn replace(&self, rejected: &SecretString) -> Result<SecretString, NoToken> {
        let mut state = self.state.lock().await;
        self.refuse_while_barred(&mut state)?;
        match &state.pair {
            Some(pair) if self.is_fresh(pair) && !is_token(pair, rejected) => Ok(pair.access_token.clone()),
            _ => self.renew(&mut state, Some(rejected)).await,
        }
    }

    /// Remembers that the PBX shut us out in the middle of a call.
    pub(super) async fn note_shut(&self, fault: &Fault) {
        if let Fault::Shut { problem, sentence } = fault {
            self.bar(&mut *self.state.lock().await, *problem, sentence);
        }
    }

    /// Ends the token for everyone who shares it.
    pub(super) async fn sign_out(&self) -> Result<(), Fault> {
        let mut state = self.state.lock().await;
        let own = self.load_own().await.map_err(Fault::from)?;
        state.pair = None;
        if let Some(pair) = own {
            self.store
                .clear()
                .await
                .map_err(|error| Fault::from(unavailable(error)))?;
            del_token(&self.transport, &pair.access_token).await?;
        }
        Ok(())
    }

    fn is_fresh(&self, pair: &PbxTokens) -> bool {
        after(self.clock.now(), MARGIN) < pair.access_ends
    }

    async fn renew(
        &self,
        state: &mut State,
        rejected: Option<&SecretString>,
    ) -> Result<SecretString, NoToken> {
        let renewed = self.renew_by_turns(rejected).await;
        if let Err(NoToken::Shut { problem, sentence }) = &renewed {
            self.bar(state, *problem, sentence);
        }
        let pair = renewed?;
        let token = pair.access_token.clone();
        state.pair = Some(pair);
        Ok(token)
    }

    /// Waits for whoever renews, or does it; looks at what is stored before every step.
    async fn renew_by_turns(&self, rejected: Option<&SecretString>) -> Result<PbxTokens, NoToken> {
        for _ in 0..MOST_LOOKS {
            if let Some(pair) = self.stored(rejected).await? {
                return Ok(pair);
            }
            let now = self.clock.now();
            if self
                .store
                .claim_renewal(now, after(now, CLAIM))
                .await
                .map_err(unavailable)?
            {
                return self.renew_under_claim(rejected).await;
            }
            self.clock.sleep(LOOK_AGAIN).await;
        }
        Err(NoToken::Unavailable(
            "another function holds the renewal of the token".into(),
        ))
    }

    async fn stored(&self, rejected: Option<&SecretString>) -> Result<Option<PbxTokens>, NoToken> {
        let own = self.load_own().await?;
        Ok(own.filter(|pair| self.is_usable(pair, rejected)))
    }

    /// The stored pair, if it was obtained here with these credentials. A pair from another address would hand the keys of
    /// one PBX to another, or to whoever answers in its place.
    async fn load_own(&self) -> Result<Option<PbxTokens>, NoToken> {
        let stored = self.store.load().await.map_err(unavailable)?;
        Ok(stored.filter(|pair| pair.of == self.digest))
    }

    fn is_usable(&self, pair: &PbxTokens, rejected: Option<&SecretString>) -> bool {
        self.is_fresh(pair) && !rejected.is_some_and(|rejected| is_token(pair, rejected))
    }

    /// Somebody may have saved between our look and our claim, so it looks once more.
    async fn renew_under_claim(&self, rejected: Option<&SecretString>) -> Result<PbxTokens, NoToken> {
        let own = self.load_own().await?;
        let obtained = match &own {
            Some(pair) if self.is_usable(pair, rejected) => Ok(pair.clone()),
            _ => self.obtain(own.as_ref()).await,
        };
        self.end_claim(&obtained, own.as_ref()).await?;
        obtained
    }

    async fn obtain(&self, own: Option<&PbxTokens>) -> Result<PbxTokens, NoToken> {
        let now = self.clock.now();
        if let Some(pair) = own.filter(|pair| now < pair.refresh_ends) {
            match refresh_token(&self.transport, pair, now).await {
                Err(NoToken::PairRefused) => {}
                decided => return decided,
            }
        }
        // Another process may have been told already.
        match self.store.refusal(&self.digest).await.map_err(unavailable)? {
            Some(sentence) => Err(NoToken::Shut {
                problem: ShutProblem::WrongCredentials,
                sentence,
            }),
            None => get_token(&self.transport, (&self.credentials, &self.digest), now).await,
        }
    }

    /// Saves what was obtained. A pair that may still be renewed later is kept; one that was refused is not.
    async fn end_claim(
        &self,
        obtained: &Result<PbxTokens, NoToken>,
        own: Option<&PbxTokens>,
    ) -> Result<(), NoToken> {
        let ended = match (obtained, own) {
            (Ok(pair), _) | (Err(NoToken::Unavailable(_)), Some(pair)) => self.store.save(pair).await,
            (
                Err(NoToken::Shut {
                    problem: ShutProblem::WrongCredentials,
                    sentence,
                }),
                _,
            ) => self.store.note_refusal(&self.digest, sentence).await,
            (Err(_), _) => self.store.clear().await,
        };
        match (ended, obtained) {
            (Err(error), Ok(_)) => Err(unavailable(error)),
            // The claim then ends by itself; why there is no token matters more.
            _ => Ok(()),
        }
    }

    fn bar(&self, state: &mut State, problem: ShutProblem, sentence: &str) {
        let until = match problem {
            ShutProblem::WrongCredentials => None,
            // Nothing was asked of the PBX's patience: the connection itself was not made.
            ShutProblem::NotTrusted => return,
            _ => Some(after(self.clock.now(), BARRED)),
        };
        state.bar = Some(Bar {
            problem,
            sentence: sentence.to_owned(),
            until,
        });
    }

    fn refuse_while_barred(&self, state: &mut State) -> Result<(), NoToken> {
        let now = self.clock.now();
        state
            .bar
            .take_if(|bar| bar.until.is_some_and(|until| until <= now));
        match &state.bar {
            None => Ok(()),
            Some(bar) => Err(NoToken::Shut {
                problem: bar.problem,
                sentence: bar.sentence.clone(),
            }),
        }
    }
}

fn is_token(pair: &PbxTokens, token: &SecretString) -> bool {
    pair.access_token.expose_secret() == token.expose_secret()
}

fn unavailable(error: TokenStoreError) -> NoToken {
    NoToken::Unavailable(Box::new(error))
}
