//! The client of one PBX: takes a turn, signs in, sends a call, and repeats it only where that is safe. All calls of
//! all parts of the product to one PBX go through here.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;

use super::address::PbxAddress;
use super::error::{Effect, Fault, code};
use super::limiter::{Limiter, Permit};
use super::organization::Organization;
use super::pace::{Kind, Sample};
use super::patience::Patience;
use super::system::{KnownCapabilities, KnownIdentity};
use super::token::TokenKeeper;
use super::token_memory::InMemoryTokens;
pub use super::transport::PbxTimeouts;
use super::transport::{Call, LIST_CAP, Transport};
use super::wire::decode;
use crate::calls;
use crate::domain::connection::{PbxCredentials, PbxSide};
use crate::domain::ids::PbxGroupId;
use crate::ports::{Clock, CredentialsDigest, PbxTokenStore, SideError};
use crate::settings::AddressPolicy;

/// Most calls at once unless told otherwise. All of them may be under way when the PBX takes our address off its allow-list;
/// some PBXs count each of them as a failed sign-in, and the fifth failure blocks the address.
const AT_ONCE: usize = 4;

/// What makes a client.
#[derive(Clone)]
pub struct PbxConfig {
    /// Origin of the Open API, for example `https://office.ras.yeastar.com`.
    pub base_url: String,
    /// Of the PBX's API page.
    pub credentials: PbxCredentials,
    /// A private certificate authority, or the PBX's own self-signed certificate, PEM; trusted besides the public ones.
    pub ca_pem: Option<String>,
    /// Which addresses the PBX may have.
    pub policy: AddressPolicy,
    /// Most calls at once, four by default.
    pub max_concurrency: usize,
    /// How long to wait for it.
    pub timeouts: PbxTimeouts,
}

impl PbxConfig {
    /// With default concurrency and time-outs and without a private authority.
    pub fn new(base_url: impl Into<String>, credentials: PbxCredentials, policy: AddressPolicy) -> Self {
        Self {
            base_url: base_url.into(),
            credentials,
            ca_pem: None,
            policy,
            max_concurrency: AT_ONCE,
            timeouts: PbxTimeouts::default(),
        }
    }
}

/// What the tokens of a PBX are bound to: its address, who vouches for it, and what they were obtained with.
pub fn token_owner(pbx: &PbxSide, credentials: &PbxCredentials) -> CredentialsDigest {
    digest(&pbx.base_url, pbx.ca_pem.as_deref(), credentials)
}

fn digest(base_url: &str, ca_pem: Option<&str>, credentials: &PbxCredentials) -> CredentialsDigest {
    CredentialsDigest::of(&[
        base_url,
        ca_pem.unwrap_or_default(),
        &credentials.client_id,
        credentials.client_secret.expose_secret(),
    ])
}

/// One PBX. Build one per connection and share it: token, pace and what was learnt of the PBX live in it.
pub struct PbxClient {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) limiter: Limiter,
    pub(super) organization: Mutex<Organization>,
    pub(super) root_department: Mutex<Option<PbxGroupId>>,
    pub(super) capabilities: KnownCapabilities,
    pub(super) identity: KnownIdentity,
    transport: Arc<Transport>,
    tokens: TokenKeeper,
    owns_token: bool,
}

impl PbxClient {
    /// Of a stored connection: the token is shared through `store`.
    pub fn new(
        config: PbxConfig,
        store: Arc<dyn PbxTokenStore>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SideError> {
        let address = PbxAddress::parse(&config.base_url, config.policy).map_err(|refused| SideError {
            field: "/pbx/base_url",
            detail: refused.to_string(),
        })?;
        let digest = digest(&config.base_url, config.ca_pem.as_deref(), &config.credentials);
        let transport = Arc::new(Transport::new(address, config.ca_pem, config.timeouts)?);
        let tokens = TokenKeeper::new(
            Arc::clone(&transport),
            (config.credentials, digest),
            store,
            Arc::clone(&clock),
        );
        Ok(Self {
            clock,
            limiter: Limiter::new(config.max_concurrency),
            organization: Mutex::default(),
            root_department: Mutex::default(),
            capabilities: KnownCapabilities::default(),
            identity: KnownIdentity::default(),
            transport,
            tokens,
            owns_token: false,
        })
    }

    /// With credentials under test: the token stays in this process. [`crate::ports::PhoneSystem::close`] it afterwards,
    /// otherwise one of the PBX's eight sessions stays taken for half an hour.
    pub fn under_test(config: PbxConfig, clock: Arc<dyn Clock>) -> Result<Self, SideError> {
        let client = Self::new(config, Arc::new(InMemoryTokens::default()), clock)?;
        Ok(Self {
            owns_token: true,
            ..client
        })
    }

    /// Has a token at hand, signing in if need be.
    pub(super) async fn sign_in(&self) -> Result<(), Fault> {
        self.tokens.current().await?;
        Ok(())
    }

    /// Revokes the token of a client made by [`PbxClient::under_test`]; a shared token is left to the others.
    pub(super) async fn give_back_token(&self) {
        if !self.owns_token {
            return;
        }
        if let Err(fault) = self.tokens.sign_out().await {
            let error = fault.explain("del_token", Effect::Write);
            tracing::warn!(error = %error, "a session of the PBX stays taken until its token ends");
        }
    }

    /// The token that the next call goes out with.
    pub(super) async fn token(&self) -> Result<SecretString, Fault> {
        Ok(self.tokens.current().await?)
    }

    /// Makes a call and reads its answer.
    pub(super) async fn ask<T: DeserializeOwned>(&self, call: &Call) -> Result<T, Fault> {
        let body = self.call(call).await?;
        decode(&body).map_err(Fault::Garbled)
    }

    /// Makes a call whose answer is the bare envelope.
    pub(super) async fn tell(&self, call: &Call) -> Result<(), Fault> {
        self.call(call).await.map(|_| ())
    }

    async fn call(&self, call: &Call) -> Result<Vec<u8>, Fault> {
        let mut patience = Patience::default();
        loop {
            let fault = match self.attempt(call).await {
                Ok(body) => return Ok(body),
                Err(fault) => fault,
            };
            match patience.wait_after(&fault, call.effect) {
                Some(wait) => self.clock.sleep(wait).await,
                None => return Err(fault),
            }
        }
    }

    /// Sends it, and once more under another token if the PBX no longer takes this one: 10004 is said before
    /// anything is carried out.
    async fn attempt(&self, call: &Call) -> Result<Vec<u8>, Fault> {
        // The token comes after the turn: a call that waited meets the bar which an earlier one raised.
        let permit = self.limiter.acquire().await;
        let token = self.tokens.current().await?;
        let first = self.send(call, &token, permit).await;
        let rejected = matches!(&first, Err(fault) if fault.code() == Some(code::TOKEN_EXPIRED));
        if !rejected {
            return first;
        }
        let permit = self.limiter.acquire().await;
        let token = self.tokens.replace(&token).await?;
        self.send(call, &token, permit).await
    }

    async fn send(&self, call: &Call, token: &SecretString, permit: Permit) -> Result<Vec<u8>, Fault> {
        let started = self.clock.now();
        calls::pbx();
        let outcome = self.transport.send(call, Some(token)).await;
        let sample = self.sample(call, started, &outcome);
        if let Err(fault) = &outcome {
            if fault.code() == Some(code::BUSY) {
                calls::pbx_throttled();
            }
            tracing::debug!(
                endpoint = call.endpoint,
                pbx.code = fault.code(),
                "the PBX refused a call"
            );
            self.tokens.note_shut(fault).await;
        }
        // Only now may the next one go: it finds what was noted.
        permit.finish(sample);
        outcome
    }

    fn sample(&self, call: &Call, started: Timestamp, outcome: &Result<Vec<u8>, Fault>) -> Sample {
        if matches!(outcome, Err(Fault::Shut { .. })) {
            return Sample::ShutOut;
        }
        let strained = match outcome {
            Ok(_) => false,
            Err(Fault::NotSent(_) | Fault::Lost(_)) => true,
            Err(fault) => matches!(fault.code(), Some(code::BUSY | code::INTERNAL)),
        };
        if strained {
            return Sample::Strained;
        }
        let kind = match (call.effect, call.cap) {
            (Effect::Write, _) => Kind::Write,
            (Effect::Read, LIST_CAP) => Kind::LongRead,
            (Effect::Read, _) => Kind::Read,
        };
        let latency = self.clock.now().duration_since(started);
        Sample::Answered {
            kind,
            // A clock that was set back says nothing about latency.
            latency: latency.try_into().unwrap_or_default(),
        }
    }
}
