//! One exchange with the PBX: a request out, a bounded answer in, the errcode judged. Sends every request exactly
//! once: no idle connections, no redirects, no retries below this layer.

use std::sync::Arc;
use std::time::Duration;

use http::{StatusCode, header};
use reqwest::Response;
use secrecy::{ExposeSecret as _, SecretString};

use super::address::PbxAddress;
use super::error::{Effect, Fault, Refusal, code, shut_out};
use super::resolver::GuardedResolver;
use super::wire::{Envelope, decode};
use crate::http::{HttpOptions, HttpSetupError, ReadError, read_limited};
use crate::ports::SideError;

/// Largest answer to a list: 10,000 rows are about 4 MiB.
pub(super) const LIST_CAP: usize = 16 << 20;
/// Largest answer to anything else.
pub(super) const ANSWER_CAP: usize = 1 << 20;

/// The PBX wants one; this is the value that its documentation shows.
const USER_AGENT: &str = "OpenAPI";

/// How long to wait for the PBX. Integrators use 10 to 30 s; its remote access service adds latency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PbxTimeouts {
    /// For the connection and the TLS handshake.
    pub connect: Duration,
    /// For a whole exchange, the last byte of the answer included.
    pub total: Duration,
}

impl Default for PbxTimeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            total: Duration::from_secs(30),
        }
    }
}

/// One request, without the token.
pub(super) struct Call {
    pub(super) endpoint: &'static str,
    pub(super) query: Vec<(&'static str, String)>,
    /// JSON; makes it a POST. May hold passwords, so a call is never printed.
    pub(super) body: Option<Vec<u8>>,
    /// Deletes are GETs, so the method does not tell.
    pub(super) effect: Effect,
    pub(super) cap: usize,
}

impl Call {
    pub(super) fn read(endpoint: &'static str) -> Self {
        Self {
            endpoint,
            query: Vec::new(),
            body: None,
            effect: Effect::Read,
            cap: ANSWER_CAP,
        }
    }

    pub(super) fn write(endpoint: &'static str) -> Self {
        Self {
            effect: Effect::Write,
            ..Self::read(endpoint)
        }
    }

    pub(super) fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.query.push((key, value.into()));
        self
    }

    pub(super) fn long(self) -> Self {
        Self {
            cap: LIST_CAP,
            ..self
        }
    }

    pub(super) fn body(self, body: &impl serde::Serialize) -> Self {
        let body = serde_json::to_vec(body).expect("texts, integers and lists of them always make JSON");
        Self {
            body: Some(body),
            ..self
        }
    }
}

/// The HTTP side of one PBX.
pub(super) struct Transport {
    http: reqwest::Client,
    address: PbxAddress,
}

impl Transport {
    pub(super) fn new(
        address: PbxAddress,
        ca_pem: Option<String>,
        timeouts: PbxTimeouts,
    ) -> Result<Self, SideError> {
        let http = http_client(&address, ca_pem, timeouts)?;
        Ok(Self { http, address })
    }

    /// Sends it once; the answer's bytes on errcode 0.
    pub(super) async fn send(&self, call: &Call, token: Option<&SecretString>) -> Result<Vec<u8>, Fault> {
        let response = self
            .request(call, token)
            .send()
            .await
            .map_err(Fault::of_transport)?;
        refuse_status(response.status())?;
        let body = read(response, call.cap).await?;
        judge(&body).map(|()| body)
    }

    fn request(&self, call: &Call, token: Option<&SecretString>) -> reqwest::RequestBuilder {
        let mut url = self.address.url().clone();
        url.set_path(&format!("/openapi/v1.0/{}", call.endpoint));
        if !call.query.is_empty() || token.is_some() {
            let mut query = url.query_pairs_mut();
            query.extend_pairs(call.query.iter().map(|(key, value)| (*key, value.as_str())));
            query.extend_pairs(token.map(|token| ("access_token", token.expose_secret())));
        }
        let request = match &call.body {
            None => self.http.get(url),
            Some(body) => self
                .http
                .post(url)
                .header(header::CONTENT_TYPE, "application/json")
                .body(body.clone()),
        };
        request.header(header::USER_AGENT, USER_AGENT)
    }
}

fn http_client(
    address: &PbxAddress,
    ca_pem: Option<String>,
    timeouts: PbxTimeouts,
) -> Result<reqwest::Client, SideError> {
    let options = HttpOptions {
        connect_timeout: timeouts.connect,
        total_timeout: timeouts.total,
        // The PBX closes after each answer; a pooled connection would die under a write and leave it unknown.
        pool_max_idle_per_host: 0,
        plain_http: address.url().scheme() == "http",
        extra_root_ca: ca_pem,
        resolver: Some(Arc::new(GuardedResolver::new(address.clone()))),
        ..HttpOptions::default()
    };
    let has_authority = options.extra_root_ca.is_some();
    crate::http::client(&options).map_err(|error| match error {
        HttpSetupError::RootCertificate => not_certificates(),
        // Without a given authority the certificates of this machine are at fault.
        HttpSetupError::Tls(_) if has_authority => not_certificates(),
        error => SideError {
            field: "/pbx",
            detail: error.to_string(),
        },
    })
}

fn not_certificates() -> SideError {
    SideError {
        field: "/pbx/ca_pem",
        detail: "expected one or more certificates in PEM form (-----BEGIN CERTIFICATE-----)".to_owned(),
    }
}

/// The API answers 200 to everything; any other status comes from something in front of it.
fn refuse_status(status: StatusCode) -> Result<(), Fault> {
    let said = format!("HTTP status {}", status.as_u16());
    if status.is_success() {
        Ok(())
    } else if status.is_server_error() {
        Err(Fault::Lost(said.into()))
    } else if status.is_redirection() {
        Err(Fault::Foreign(format!("{said}; redirects are not followed")))
    } else {
        Err(Fault::Foreign(said))
    }
}

/// What was answered, as far as it is an answer of the API.
async fn read(response: Response, cap: usize) -> Result<Vec<u8>, Fault> {
    read_limited(response, cap).await.map_err(|error| match error {
        ReadError::TooLong { max_bytes } => {
            Fault::Garbled(format!("the answer is larger than {max_bytes} bytes"))
        }
        ReadError::BrokenOff(source) => Fault::of_transport(source),
    })
}

fn judge(body: &[u8]) -> Result<(), Fault> {
    let envelope: Envelope =
        decode(body).map_err(|what| Fault::Garbled(format!("not an answer of the API ({what})")))?;
    if envelope.errcode.0 == code::SUCCESS {
        return Ok(());
    }
    match shut_out(envelope.errcode.0) {
        Some((problem, sentence)) => Err(Fault::Shut {
            problem,
            sentence: sentence.to_owned(),
        }),
        None => Err(Fault::Refused(Refusal::of(&envelope))),
    }
}
