//! Mail that the PBX sends for us. The keys of the body are not in any documentation at hand: they are those that another
//! integrator's client sends, so an admin is asked to send themselves a test.

use async_trait::async_trait;
use serde_json::json;

use super::client::PbxClient;
use super::error::Effect;
use super::transport::Call;
use crate::ports::{Mail, Mailer, PhoneSystemError};

const ENDPOINT: &str = "system/sendemail";

#[async_trait]
impl Mailer for PbxClient {
    async fn send_mail(&self, mail: &Mail<'_>) -> Result<(), PhoneSystemError> {
        let body = json!({ "to": mail.to, "subject": mail.subject, "content": mail.content });
        let call = Call::write(ENDPOINT).body(&body);
        let sent = self.tell(&call).await;
        sent.map_err(|fault| fault.explain(ENDPOINT, Effect::Write))
    }
}
