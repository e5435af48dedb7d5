//! The client of one PBX: takes a turn, signs in, sends a call, and repeats it only where that is safe. All calls of
//! all parts of the product to one PBX go through here.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use secrecy::SecretString;
use serde::de::DeserializeOwned;

use super::address::PbxAddress;
use super::error::{Effect, Fault, code};
use super::limiter::Limiter;
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
use crate::domain::connection::PbxCredentials;
use crate::domain::ids::PbxGroupId;
use crate::ports::{Clock, PbxTokenStore, SideError};
use crate::settings::AddressPolicy;

/// What makes a client.
#[derive(Clone)]
pub struct PbxConfig {
    /// Origin of the Open API, for example `https://office.ras.yeastar.com`.
    pub base_url: String,
    /// Of the PBX's API page.
    pub credentials: PbxCredentials,
    /// A private certificate authority, PEM; trusted besides the public ones.
    pub ca_pem: Option<String>,
    /// Which addresses the PBX may have.
    pub policy: AddressPolicy,
    /// Most calls at once, 8 by default.
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
            max_concurrency: 8,
            timeouts: PbxTimeouts::default(),
        }
    }
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
        let transport = Arc::new(Transport::new(address, config.ca_pem, config.timeouts)?);
        let tokens = TokenKeeper::new(
            Arc::clone(&transport),
            (&config.base_url, config.credentials),
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
        let token = self.tokens.current().await?;
        let first = self.send_in_turn(call, &token).await;
        let rejected = matches!(&first, Err(fault) if fault.code() == Some(code::TOKEN_EXPIRED));
        if !rejected {
            return first;
        }
        let token = self.tokens.replace(&token).await?;
        self.send_in_turn(call, &token).await
    }

    async fn send_in_turn(&self, call: &Call, token: &SecretString) -> Result<Vec<u8>, Fault> {
        let permit = self.limiter.acquire().await;
        let started = self.clock.now();
        calls::pbx();
        let outcome = self.transport.send(call, Some(token)).await;
        permit.finish(self.sample(call, started, &outcome));
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
        outcome
    }

    fn sample(&self, call: &Call, started: Timestamp, outcome: &Result<Vec<u8>, Fault>) -> Sample {
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
