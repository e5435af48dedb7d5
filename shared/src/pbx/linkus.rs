//! Login signatures for clients of the Linkus SDK. They are asked for with the SDK's own credentials, never the API's.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use serde::Deserialize;

use super::client::PbxClient;
use super::error::{Effect, Fault, code};
use super::sign_in::after;
use super::transport::Call;
use super::wire::Data;
use crate::domain::number::ExtensionNumber;
use crate::ports::{LinkusSignIn, LoginSignature, PhoneSystemError};

const SIGN: &str = "sign/create";
/// What the PBX takes for "never ends".
const WITHOUT_END: i64 = 0;

/// The Linkus SDK side of one PBX.
pub struct LinkusClient {
    pbx: PbxClient,
    /// This firmware refused an end. Asked anew by the next process: a firmware changes seldom, and the answer costs one call.
    endless: AtomicBool,
}

#[derive(Deserialize)]
struct Signature {
    sign: SecretString,
}

impl LinkusClient {
    /// Of a client that holds the SDK's credentials.
    pub fn new(pbx: PbxClient) -> Self {
        Self {
            pbx,
            endless: AtomicBool::new(false),
        }
    }

    async fn sign(&self, extension: &ExtensionNumber, ends: i64) -> Result<SecretString, Fault> {
        // Nothing on the PBX changes, and a signature whose answer is lost lets nobody in.
        let call = Call::read(SIGN).body(&serde_json::json!({
            "username": extension.as_str(), "sign_type": "sdk", "expire_time": ends,
        }));
        let answer: Data<Signature> = self.pbx.ask(&call).await?;
        Ok(answer.data.sign)
    }
}

#[async_trait]
impl LinkusSignIn for LinkusClient {
    async fn login_signature(
        &self,
        extension: &ExtensionNumber,
        life: Duration,
    ) -> Result<LoginSignature, PhoneSystemError> {
        let ends_at = after(self.pbx.clock.now(), life);
        if !self.endless.load(Ordering::Relaxed) {
            match self.sign(extension, ends_at.as_second()).await {
                Ok(sign) => {
                    return Ok(LoginSignature {
                        sign,
                        ends_at: Some(ends_at),
                    });
                }
                // The documentation knows only 0; whether other values are taken is each firmware's own.
                Err(fault) if blames_the_end(&fault) => self.endless.store(true, Ordering::Relaxed),
                Err(fault) => return Err(fault.explain(SIGN, Effect::Read)),
            }
        }
        let sign = self.sign(extension, WITHOUT_END).await;
        Ok(LoginSignature {
            sign: sign.map_err(|fault| fault.explain(SIGN, Effect::Read))?,
            ends_at: None,
        })
    }

    async fn sign_in(&self) -> Result<(), PhoneSystemError> {
        let signed_in = self.pbx.sign_in().await;
        signed_in.map_err(|fault| fault.explain("get_token", Effect::Read))
    }

    async fn close(&self) {
        self.pbx.give_back_token().await;
    }
}

fn blames_the_end(fault: &Fault) -> bool {
    match fault {
        Fault::Refused(refusal) => {
            let syntax_or_value = matches!(refusal.code, 40001 | code::PARAMETER);
            syntax_or_value
                && refusal
                    .field
                    .as_deref()
                    .is_none_or(|field| field == "expire_time")
        }
        _ => false,
    }
}
